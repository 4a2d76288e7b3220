//! The checkpoints that a profile can name.

/// A named checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name in a profile and in `TTP_CHECKPOINT`.
    pub name: &'static str,
    /// The model's published name.
    pub title: &'static str,
    /// What it stands in for where the paper used another model; `None` for the paper's own.
    pub stands_in_for: Option<&'static str>,
}

/// Every checkpoint that has a name.
pub const CATALOGUE: &[Entry] = &[Entry {
    name: "minilm",
    title: "sentence-transformers/all-MiniLM-L6-v2",
    stands_in_for: Some("the paper's bert-base-cased"),
}];
