//! A row for training or testing: a sentence of the corpus, or an augmented copy of one.

use serde::{Deserialize, Serialize};

/// How a sample's text came from the corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// The corpus's own text.
    Original,
    /// Some words replaced by WordNet synonyms.
    Replacement,
    /// Synonyms of some of its words put in.
    Insertion,
    /// Some words removed.
    Removal,
    /// Some words swapped with others.
    Swap,
}

impl Operation {
    /// The four operations of Easy Data Augmentation, without `Original`.
    pub const AUGMENTING: [Self; 4] =
        [Self::Replacement, Self::Insertion, Self::Removal, Self::Swap];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Replacement => "replacement",
            Self::Insertion => "insertion",
            Self::Removal => "removal",
            Self::Swap => "swap",
        }
    }

    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::AUGMENTING.into_iter().chain([Self::Original]).find(|op| op.name() == name)
    }
}

/// A sample: text, technique, and the corpus row that it is or was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The corpus row (from 0) whose text this is or was made from.
    pub row: u32,
    /// The technique: `T1059`.
    pub technique: String,
    /// The text a model reads.
    pub text: String,
    /// How the text came from that row.
    pub operation: Operation,
}
