//! How libtorch's threads wait for each other.

use std::env;

/// By its own settings libgomp, whose threads libtorch uses, lets a thread that waits for the
/// others spin for milliseconds. On a machine that does other work as well, that is time lost
/// to all: the thread that is waited for may be the one that has no core. The notebooks' kernel
/// sets the same (`environment/kernel.py`); BENCHMARKS.md has what it costs and gains.
const SPINS: &str = "0";

/// libgomp reads its settings when it is loaded, which is before `main`: so the program begins
/// anew with them, once, unless the user has settings of his own. Where that cannot be done it
/// goes on as it is.
pub fn wait_asleep() {
    const OWN: [&str; 2] = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"];
    if OWN.iter().all(|name| env::var_os(name).is_none()) {
        begin_anew();
    }
}

#[cfg(unix)]
fn begin_anew() {
    use std::os::unix::process::CommandExt;
    let mut arguments = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) {
        let mut again = std::process::Command::new(program);
        // Comes back only with an error.
        let _ = again.arg0(name).args(arguments).env("GOMP_SPINCOUNT", SPINS).exec();
    }
}

#[cfg(not(unix))]
fn begin_anew() {}
