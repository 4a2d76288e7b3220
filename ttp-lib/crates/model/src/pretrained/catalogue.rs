//! The checkpoints that have a name. They stand in a JSON file beside this one, which
//! set-up reads too.

use serde::Deserialize;
use std::sync::LazyLock;

/// A named checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name in a profile and in `TTP_CHECKPOINT`.
    pub name: String,
    /// The model's published name, or what it was made from.
    pub title: String,
    /// What it stands in for where the paper used another model; `None` for the paper's own and
    /// for the similarity report's.
    #[serde(default)]
    pub stands_in_for: Option<String>,
    /// Where its weights come from.
    pub start: Start,
}

/// Where a checkpoint's weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// A package registry: set-up puts it into `data/raw/models/<name>/`.
    Package,
    /// The Hugging Face hub.
    Hub {
        /// The model's id, `owner/name`.
        id: String,
        /// The pinned commit, or a branch.
        revision: String,
    },
    /// Another checkpoint of the catalogue, with continued pretraining (masked tokens) on the
    /// corpus's own training text; notebook 05 does so.
    FurtherPretrained {
        /// The checkpoint it starts from.
        from: String,
    },
    /// Random numbers, in the shape and with the tokenizer of another checkpoint.
    Random {
        /// The checkpoint whose shape it has.
        shape_of: String,
    },
}

/// Every checkpoint that has a name.
pub static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    // Part of this program: the test below reads it.
    serde_json::from_str(include_str!("catalogue.json")).unwrap_or_default()
});

impl Entry {
    /// The entry of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|entry| entry.name == name)
    }

    /// Whether a run makes it itself, by pretraining another one further.
    pub fn is_pretrained_further(&self) -> bool {
        matches!(self.start, Start::FurtherPretrained { .. })
    }

    /// The checkpoint that it is made of; itself where it is made of none.
    pub fn base(&self) -> &str {
        match &self.start {
            Start::FurtherPretrained { from: base } | Start::Random { shape_of: base } => base,
            Start::Package | Start::Hub { .. } => &self.name,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_every_start_leads_somewhere() {
        let read: Vec<Entry> = serde_json::from_str(include_str!("catalogue.json")).unwrap();
        assert_eq!(read, *CATALOGUE);
        for entry in &read {
            let base = Entry::named(entry.base()).unwrap();
            assert!(matches!(base.start, Start::Package | Start::Hub { .. }), "{entry:?}");
        }
    }

    #[test]
    fn only_the_documents_own_models_stand_in_for_nothing() {
        let own: Vec<_> = CATALOGUE.iter().filter(|e| e.stands_in_for.is_none()).collect();
        let names: Vec<_> = own.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["bert", "scibert", "secbert", "mpnet"]);
    }
}
