//! Pretrained checkpoints: by name or by folder, checked before anything is built on them.

mod catalogue;
mod checkpoint;
mod config;
pub(crate) mod file_names;
pub mod hub;
mod notes;
mod pickle;
mod safetensors;
mod shards;
mod tensor_file;
mod tokenizer;
mod torch_file;
mod vocabulary;
mod weights;

pub use catalogue::{CATALOGUE, Entry, Start};
pub use checkpoint::Checkpoint;
pub(crate) use config::BUCKETS;
pub use config::{Architecture, Problem};
pub use file_names::{CONFIG, WEIGHTS};
pub use tokenizer::{CheckpointTokenizer, WordPieces, has_tokenizer, tokenizer_in};
pub use vocabulary::{PUBLISHED, PublishedVocabulary, Vocabulary};
pub use weights::LoadSummary;
pub use weights::load_by_name;

use std::path::Path;

/// A checkpoint's name as a part of a file's name: of a folder's path and of a hub id the
/// last part stays.
pub fn file_name(checkpoint: &str) -> String {
    let last = Path::new(checkpoint).file_name().map(|name| name.to_string_lossy().into_owned());
    last.unwrap_or_else(|| checkpoint.to_owned())
}

/// A model's id on the hub and the revision asked for, of `owner/name` or
/// `owner/name@revision`; `None` where a name cannot be one. Without a revision: `main`.
///
/// ```
/// use ttp_model::pretrained::hub_id;
/// assert_eq!(hub_id("allenai/scibert@24f9"), Some(("allenai/scibert", "24f9")));
/// assert_eq!(hub_id("owner/name"), Some(("owner/name", "main")));
/// assert_eq!(hub_id("./models/mine"), None);
/// ```
pub fn hub_id(name: &str) -> Option<(&str, &str)> {
    let (id, revision) = name.split_once('@').unwrap_or((name, "main"));
    let (owner, model) = id.split_once('/')?;
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    (is_part(owner) && is_part(model) && !revision.is_empty()).then_some((id, revision))
}
