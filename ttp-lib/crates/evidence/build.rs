//! Takes a fingerprint of the code that decides what a job of a sweep finds, so that no sweep goes
//! on with the results of other code.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// From the corpus to a job's scores. Tables, pages and the notebooks' results are not among them.
/// A module that is a folder brings the file of its name along.
const CODE: [&str; 17] = [
    "src/jobs.rs",
    "src/linear.rs",
    "src/outcome.rs",
    "src/sweep.rs",
    "src/train.rs",
    "src/work.rs",
    "../../src/compare/both.rs",
    "../../src/evaluate",
    "../../src/profile",
    "../../src/train",
    "../base/src/numbers.rs",
    "../base/src/spelling.rs",
    "../metrics/src/calibration",
    "../metrics/src/confusion.rs",
    "../metrics/src/scores.rs",
    "../model/src",
    "../text/src",
];

/// What a source file's name ends with: others (an editor's, say) do not count.
const ENDINGS: [&str; 3] = ["rs", "json", "cpp"];

/// FNV-1a of 64 bits, the same in every version of Rust.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for path in CODE.map(Path::new) {
        // A name that is wrong is an error, not nothing.
        fs::metadata(path)?;
        add(path, &mut hash)?;
        let beside = path.with_extension("rs");
        if path.is_dir() && beside.is_file() {
            add(&beside, &mut hash)?;
        }
    }
    println!("cargo:rustc-env=TTP_SWEEP_CODE={:016x}", hash.0);
    Ok(())
}

/// Every source file at or below `path` that is no test, by name and content, in the order of names.
fn add(path: &Path, hash: &mut Fnv) -> io::Result<()> {
    if path.file_stem().is_some_and(|name| name == "tests") {
        return Ok(());
    }
    if path.is_dir() {
        println!("cargo:rerun-if-changed={}", path.display());
        let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        return paths.iter().try_for_each(|path| add(path, hash));
    }
    if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
        println!("cargo:rerun-if-changed={}", path.display());
        let content = fs::read(path)?;
        hash.add(path.to_string_lossy().as_bytes());
        hash.add(&(content.len() as u64).to_le_bytes());
        hash.add(&content);
    }
    Ok(())
}
