//! Pretrained checkpoints: by name or by folder, checked before anything is built on them.

mod catalogue;
mod load;

pub use catalogue::{CATALOGUE, Entry};
pub use load::{Checkpoint, Tokenize};
