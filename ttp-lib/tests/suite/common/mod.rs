//! What several test files share.

pub mod hub_server;
pub mod random_checkpoint;
pub mod report;
pub mod tiny;

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// libtorch has one generator of random numbers and one number of threads for the whole
/// process: what draws from it, or trains, takes turns. Waits for one's turn, which lasts as
/// long as the guard.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that a test cannot run here: on standard output, and in the file that
/// `TTP_TEST_SKIPS` names, by which `make test` counts it as skipped.
pub fn skip(reason: &str) {
    println!("skipped: {reason}");
    let Some(path) = std::env::var_os("TTP_TEST_SKIPS") else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    // One write a line: tests run side by side.
    let written =
        file.and_then(|mut file| file.write_all(format!("skipped: {reason}\n").as_bytes()));
    assert!(written.is_ok(), "{}: {written:?}", path.display());
}
