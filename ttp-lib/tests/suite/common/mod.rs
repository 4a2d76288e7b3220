//! What several test files share.

pub mod hub_server;
pub mod own_project;
pub mod random_checkpoint;
pub mod report;
pub mod tiny;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// libtorch has one generator of random numbers and one number of threads for the whole
/// process: what draws from it, or trains, takes turns. Waits for one's turn, which lasts as
/// long as the guard.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A real file of `TTP_SOURCES` or `data/raw/`; `None` where neither holds it.
pub fn find_raw(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let named = std::env::var_os("TTP_SOURCES").map(|folder| root.join(folder).join(name));
    let mut places = named.into_iter().chain([root.join("data/raw").join(name)]);
    places.find(|path| path.is_file())
}

/// The same, or `None` with the reason printed: for tests that need the real data.
pub fn raw(name: &str) -> Option<PathBuf> {
    let found = find_raw(name);
    if found.is_none() {
        skip(&format!("{name} is in neither data/raw nor TTP_SOURCES"));
    }
    found
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
