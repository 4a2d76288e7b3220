//! What several test files share.

use std::io::Write;

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
