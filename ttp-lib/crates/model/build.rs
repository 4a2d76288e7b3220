//! Compiles what tch binds no function for (`src/engine/resume/generator.cpp`) against the
//! libtorch that torch-sys is compiled against, and takes a fingerprint of the code that trains.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

const SHIM: &str = "src/engine/resume/generator.cpp";

/// What decides the weights that a training ends with, as far as it is this crate's.
const CODE: [&str; 4] = ["src/batch.rs", "src/rows.rs", "src/encoder", "src/engine"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    compile();
    let mut hasher = DefaultHasher::new();
    for path in CODE.map(Path::new) {
        println!("cargo:rerun-if-changed={}", path.display());
        hash(path, &mut hasher);
    }
    println!("cargo:rustc-env=TTP_MODEL_CODE={:016x}", hasher.finish());
}

fn variable(name: &str) -> Option<String> {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name).ok()
}

/// The variables are torch-sys's own, and mean the same.
fn compile() {
    let libtorch = variable("LIBTORCH").map_or_else(|| PathBuf::from("/usr"), PathBuf::from);
    let root = variable("LIBTORCH_INCLUDE").map_or(libtorch, PathBuf::from);
    let abi = variable("LIBTORCH_CXX11_ABI").unwrap_or_else(|| "1".to_owned());
    let include = root.join("include");
    let header = include.join("ATen/Context.h");
    assert!(
        header.is_file(),
        "{}: not there; LIBTORCH names the folder of libtorch, with `include` and `lib`",
        header.display()
    );
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .warnings(false)
        .includes([include.join("torch/csrc/api/include"), include])
        .flag("-std=c++17")
        .flag(format!("-D_GLIBCXX_USE_CXX11_ABI={abi}"))
        .file(SHIM)
        .compile("ttp_generator");
}

/// Every file at or below `path`, by name and content, in the order of names.
fn hash(path: &Path, hasher: &mut DefaultHasher) {
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
