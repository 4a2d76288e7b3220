//! Sentences that describe adversary behaviour, each with the technique it shows.
//!
//! [`build()`] reads a [`Source`] (an ATT&CK bundle with or without TRAM's sentences,
//! or a CSV file) and gives a [`Corpus`] together with an account of every sentence
//! that was read and not kept.

pub mod build;
mod candidates;
pub mod changes;
pub mod clean;
pub mod csv;
pub mod frame;
mod kinship;
pub mod later;
pub mod near;
pub mod overlap;
mod results;
pub mod sample;
mod standing;
mod stix;
pub mod tram;
pub mod tram_v2;

pub use build::{CorpusBuild, DropCount, Source, build, techniques};
pub use candidates::{Reason, RowChoice};
pub use changes::LabelChanges;
pub use csv::Columns;
pub use kinship::Kinship;
pub use later::Later;
pub use near::{NearTexts, Quotes};
pub use overlap::Overlap;
pub use results::{CorpusResults, PaperRowsResults, RebuiltCorpus};
pub use sample::{Operation, Sample};
pub use standing::{Standing, standings};
pub use stix::descriptions;
pub use stix::prose::{ProseKind, ProseSentence, TechniqueEntry, prose, technique_entries};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashSet};

/// One sentence with its technique: a row of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The technique, sub-techniques folded in: `T1059`.
    pub technique: String,
    /// The sub-technique where the source names one: `T1059.001`.
    pub subtechnique: Option<String>,
    /// The technique's name: `Command and Scripting Interpreter`.
    pub name: String,
    /// The sentence itself, cleaned of citations and link targets.
    pub text: String,
    /// Where it came from: a STIX object id, a TRAM key, a CSV row.
    pub source_id: String,
}

/// All sentences, in the order of their source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Corpus {
    /// The rows.
    pub sentences: Vec<Sentence>,
}

impl Corpus {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.sentences.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// Rows of each technique, by technique id.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for sentence in &self.sentences {
            *counts.entry(sentence.technique.clone()).or_insert(0) += 1;
        }
        counts
    }

    /// The techniques with more than so many rows, by technique id.
    pub fn techniques_over(&self, rows: usize) -> Vec<String> {
        let counts = self.counts().into_iter();
        counts.filter(|(_, count)| *count > rows).map(|(id, _)| id).collect()
    }

    /// About `rows` rows, the same share of every technique (at least one), chosen by
    /// `seed`; the whole corpus where it has no more. Order is kept.
    #[must_use]
    pub fn sampled(&self, rows: usize, seed: u64) -> Self {
        if rows >= self.len() {
            return self.clone();
        }
        let mut by_technique: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, sentence) in self.sentences.iter().enumerate() {
            by_technique.entry(&sentence.technique).or_default().push(at);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut kept = Vec::with_capacity(rows);
        for mut group in by_technique.into_values() {
            group.shuffle(&mut rng);
            let share = (group.len() * rows + self.len() / 2) / self.len();
            kept.extend(group.into_iter().take(share.max(1)));
        }
        kept.sort_unstable();
        Self { sentences: kept.into_iter().map(|at| self.sentences[at].clone()).collect() }
    }

    /// The texts, row by row.
    pub fn texts(&self) -> Vec<&str> {
        self.sentences.iter().map(|sentence| sentence.text.as_str()).collect()
    }

    /// The different texts, each as [`normalised`](clean::normalised).
    pub(crate) fn normalised_texts(&self) -> HashSet<String> {
        self.sentences.iter().map(|sentence| clean::normalised(&sentence.text)).collect()
    }

    /// The name of each technique.
    pub fn names(&self) -> BTreeMap<String, String> {
        self.sentences.iter().map(|s| (s.technique.clone(), s.name.clone())).collect()
    }
}
