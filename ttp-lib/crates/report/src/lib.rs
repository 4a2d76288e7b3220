//! A threat report in, techniques with their evidence out.
//!
//! [`Report`] is what one run finds in one or several documents. It holds all that the outputs show:
//! every sentence that was read, with what the model says of it, and the threshold above which a
//! sentence counts as evidence. [`outputs`] shows and writes it; [`review`] reads it again after a
//! human has corrected it; [`answers`] compares it with what is known of a report.

pub mod answers;
mod id;
pub mod outputs;
pub mod recognise;
mod results;
pub mod review;
mod sheet;

pub use recognise::{Models, ReportModel, recognise};
pub use results::ReportResults;
/// For a notebook: one `:dep` brings the readers too.
pub use ttp_documents as documents;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ttp_documents::{Document, Sentence};

/// The version of [`Report`]'s layout. It grows when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// What a run finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this layout: [`VERSION`].
    pub version: u32,
    /// When the documents were read, in UTC as RFC 3339 writes it, for instance
    /// `2026-03-01T09:30:00Z`.
    #[serde(default = "nobody_said")]
    pub created: String,
    /// The model and what it can name.
    pub model: Recogniser,
    /// The documents, in the order given.
    pub documents: Vec<DocumentFindings>,
    /// Techniques that a sentence shows, surest first.
    pub techniques: Vec<Technique>,
    /// Of the corpus's version of ATT&CK to the newest at hand: ids that were renamed or revoked.
    pub label_changes: Vec<RenamedTechnique>,
    /// Names in ATT&CK of the other techniques that candidates and neighbours name, by their ids.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
}

/// The time of a report of which nobody said when it was made.
/// A time that nobody said.
pub(crate) const NOBODY_SAID: &str = "1970-01-01T00:00:00Z";

fn nobody_said() -> String {
    NOBODY_SAID.to_owned()
}

impl Report {
    /// A technique's name in ATT&CK, where the report has it.
    pub fn name_of(&self, technique: &str) -> Option<&str> {
        let found = self.techniques.iter().find(|found| found.technique == technique);
        found
            .map(|found| found.name.as_str())
            .or_else(|| self.names.get(technique).map(String::as_str))
    }

    /// A sentence and its document, both counted from 0.
    pub fn sentence(
        &self,
        document: usize,
        sentence: usize,
    ) -> Option<(&DocumentFindings, &Judgement)> {
        let read = self.documents.get(document)?;
        Some((read, read.sentences.get(sentence)?))
    }

    /// All sentences, each with its document's number and its own, both counted from 0.
    pub fn sentences(&self) -> impl Iterator<Item = (usize, usize, &Judgement)> {
        self.documents.iter().enumerate().flat_map(|(document, read)| {
            let numbered = read.sentences.iter().enumerate();
            numbered.map(move |(sentence, judgement)| (document, sentence, judgement))
        })
    }
}

impl DocumentFindings {
    /// The page of a sentence, counted from 1; only a PDF has pages.
    pub fn page(&self, judgement: &Judgement) -> Option<u32> {
        self.document.blocks.get(judgement.sentence.block)?.page
    }

    /// Where a sentence stands, in words: `page 3`, or `paragraph 12` where there are no pages.
    pub fn place(&self, judgement: &Judgement) -> String {
        match self.page(judgement) {
            Some(page) => format!("page {page}"),
            None => format!("paragraph {}", judgement.sentence.block.saturating_add(1)),
        }
    }
}

impl Judgement {
    /// The probability of a technique among the candidates; 0 where it is none of them.
    pub fn probability_of(&self, technique: &str) -> f64 {
        let found = self.candidates.iter().find(|candidate| candidate.technique == technique);
        found.map_or(0.0, |candidate| candidate.probability)
    }
}

/// The model that a report was read by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recogniser {
    /// Its name, for instance `tfidf-svm` or `both`.
    pub name: String,
    /// The ids of the techniques that it can name.
    pub labels: Vec<String>,
    /// The ATT&CK version of these ids, after changes were followed, for instance `15.1`.
    pub attack_version: String,
    /// The precision that was asked for, 0 to 1.
    pub precision: f64,
    /// A sentence counts as evidence from this probability on, 0 to 1.
    pub threshold: f64,
    /// Precision on the validation part at this threshold, 0 to 1.
    pub measured_precision: f64,
    /// Recall there, 0 to 1.
    pub measured_recall: f64,
}

/// A document and what its sentences show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentFindings {
    /// Its name, format, blocks and notes.
    pub document: Document,
    /// Each sentence of its prose.
    pub sentences: Vec<Judgement>,
}

/// What the model says of a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The sentence and its place.
    #[serde(flatten)]
    pub sentence: Sentence,
    /// Whether the most probable technique reaches the threshold.
    pub evidence: bool,
    /// Probability that the sentence shows no technique, 0 to 1.
    pub none: f64,
    /// The most probable techniques, at most five, with their probabilities; most probable first.
    pub candidates: Vec<Candidate>,
    /// With `--similar`: the nearest techniques of the whole bundle, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<Similar>,
    /// A reviewer's decision; none where nobody has looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// A reviewer's other technique: its id.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "review::corrected_id"
    )]
    pub corrected: Option<String>,
}

/// A technique and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Its id, for instance `T1059`.
    pub technique: String,
    /// 0 to 1.
    pub probability: f64,
}

/// A technique near a sentence by the sentence model. No probability: never counted as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Similar {
    /// Its id.
    pub technique: String,
    /// Cosine, −1 to 1.
    pub cosine: f64,
    /// The bundle's sentence that is near.
    pub sentence: String,
    /// Whether the trained model cannot name this technique.
    pub unknown_to_model: bool,
}

/// A technique with its evidence over all documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Technique {
    /// Its id.
    pub technique: String,
    /// Its name in ATT&CK.
    pub name: String,
    /// MITRE's own STIX id, `attack-pattern--…`.
    pub stix_id: String,
    /// Short names of its tactics, for instance `defense-evasion`.
    pub tactics: Vec<String>,
    /// The highest probability among its sentences, 0 to 1.
    pub probability: f64,
    /// Its sentences: document and sentence, both counted from 0; surest first.
    pub evidence: Vec<(usize, usize)>,
}

/// An id of the trained labels that a later ATT&CK version writes otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenamedTechnique {
    /// The id in training.
    pub from: String,
    /// The id today; none where it was withdrawn.
    pub to: Option<String>,
    /// What happened, in a few words.
    pub why: String,
}
