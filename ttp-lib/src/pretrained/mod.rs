//! Pretrained checkpoints: by name or by folder, checked before anything is built on them.

mod catalogue;
pub mod hub;
mod load;

pub use catalogue::{CATALOGUE, Entry};
pub use load::{Checkpoint, Tokenize};

use std::path::Path;

/// A checkpoint's name as a part of a file's name: a folder's path becomes its last part.
pub fn file_name(checkpoint: &str) -> String {
    let last = Path::new(checkpoint).file_name().map(|name| name.to_string_lossy().into_owned());
    last.unwrap_or_else(|| checkpoint.to_owned())
}
