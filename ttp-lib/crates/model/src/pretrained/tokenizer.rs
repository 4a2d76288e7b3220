//! A checkpoint's tokenizer: `tokenizer.json`, or else one put together from
//! `vocab.txt` or `vocab.json` and `merges.txt` as transformers does it.

mod builder;
mod description;
mod tokenize;

pub(super) use builder::Builder;
pub(super) use description::vocabulary;
pub use tokenize::{CheckpointTokenizer, WordPieces};

use super::config;
use super::file_names::CONFIG;
use std::path::Path;
use ttp_base::Result;

/// The tokenizer of a folder in the hub's layout, cutting at `max_length` tokens or at as many
/// as the model has places for. It takes `config.json` and the tokenizer's files; weights are not
/// looked for.
///
/// # Errors
/// As [`Checkpoint::tokenizer`](super::Checkpoint::tokenizer), but for the places.
pub fn tokenizer_in(folder: &Path, max_length: usize) -> Result<CheckpointTokenizer> {
    let (family, config) = config::read(&folder.join(CONFIG))?;
    let places = config::places(family, &config).unsigned_abs() as usize;
    let embeddings = config::size(&config, "vocab_size");
    Builder::new(folder, family, &config)?.build(max_length.min(places), embeddings)
}

/// Whether a folder has what [`tokenizer_in`] reads.
pub fn has_tokenizer(folder: &Path) -> bool {
    folder.join(CONFIG).is_file() && vocabulary(folder).is_ok()
}
