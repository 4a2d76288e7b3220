//! A threat report in, techniques with their evidence out.
//!
//! [`Report`] is what one run finds in one or several documents. It holds all that the outputs show:
//! every sentence that was read, with what the model says of it, and the threshold above which a
//! sentence counts as evidence.

pub mod outputs;
pub mod recognise;

pub use recognise::{Models, ReportModel, recognise};

use serde::{Deserialize, Serialize};
use ttp_documents::{Document, Sentence};

/// What a run finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this layout.
    pub version: u32,
    /// The model and what it can name.
    pub model: Recogniser,
    /// The documents, in the order given.
    pub documents: Vec<Read>,
    /// Techniques that a sentence shows, surest first.
    pub techniques: Vec<Technique>,
    /// Of the corpus's version of ATT&CK to the newest at hand: ids that were renamed or revoked.
    pub label_changes: Vec<LabelChange>,
}

/// The model that a report was read by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// Its name, format, blocks and notes.
    pub document: Document,
    /// Each sentence of its prose.
    pub sentences: Vec<Judgement>,
}

/// What the model says of a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// A reviewer's other technique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
}

/// A technique and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id, for instance `T1059`.
    pub technique: String,
    /// 0 to 1.
    pub probability: f64,
}

/// A technique near a sentence by the sentence model. No probability: never counted as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelChange {
    /// The id in training.
    pub from: String,
    /// The id today; none where it was withdrawn.
    pub to: Option<String>,
    /// What happened, in a few words.
    pub why: String,
}
