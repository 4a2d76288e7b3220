//! Takes a fingerprint of the code that decides what a job of a sweep finds, so that no sweep goes
//! on with the results of other code.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

/// From the corpus to a job's scores. Tables, pages and the notebooks' results are not among them.
const CODE: [&str; 14] = [
    "src/linear.rs",
    "src/outcome.rs",
    "src/train.rs",
    "../../src/compare/both.rs",
    "../../src/evaluate",
    "../../src/train",
    "../metrics/src/calibration",
    "../model/src",
    "../text/src/augment",
    "../text/src/balance",
    "../text/src/balance.rs",
    "../text/src/corpus",
    "../text/src/linear",
    "../text/src/split",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let mut hasher = DefaultHasher::new();
    for path in CODE.map(Path::new) {
        assert!(path.exists(), "{}: not there", path.display());
        println!("cargo:rerun-if-changed={}", path.display());
        hash(path, &mut hasher);
    }
    println!("cargo:rustc-env=TTP_SWEEP_CODE={:016x}", hasher.finish());
}

/// Every file at or below `path` that is no test, by name and content, in the order of names.
fn hash(path: &Path, hasher: &mut DefaultHasher) {
    if path.file_stem().is_some_and(|name| name == "tests") {
        return;
    }
    if path.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().for_each(|path| hash(path, hasher));
    } else {
        path.hash(hasher);
        fs::read(path).unwrap_or_default().hash(hasher);
    }
}
