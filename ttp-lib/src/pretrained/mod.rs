//! Pretrained checkpoints: by name or by folder, checked before anything is built on them.

mod catalogue;
mod checkpoint;
mod config;
mod pickle;
mod safetensors;
mod tokenizer;
mod torch_file;
mod weights;

pub use catalogue::{CATALOGUE, Entry};
pub use checkpoint::Checkpoint;
pub use config::Family;
pub use tokenizer::{Tokenize, WordPieces};
pub use weights::Loaded;

use std::path::Path;

/// A checkpoint's name as a part of a file's name: a folder's path becomes its last part.
pub fn file_name(checkpoint: &str) -> String {
    let last = Path::new(checkpoint).file_name().map(|name| name.to_string_lossy().into_owned());
    last.unwrap_or_else(|| checkpoint.to_owned())
}
