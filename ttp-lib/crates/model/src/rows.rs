//! Sentences and their techniques as numbers.

use crate::pretrained::CheckpointTokenizer;
use std::collections::{BTreeMap, BTreeSet};
use ttp_base::{Error, Result};
use ttp_text::corpus::Sample;
use ttp_text::split::Split;

/// The techniques of some samples, each once, in the order of their ids: the labels
/// of an encoder for them.
pub fn labels_of(samples: &[Sample]) -> Vec<String> {
    let techniques: BTreeSet<&str> = samples.iter().map(|s| s.technique.as_str()).collect();
    techniques.into_iter().map(str::to_owned).collect()
}

/// The technique of each sample, as its place among `labels`.
///
/// # Errors
/// If one has a technique that is not among them.
pub fn places_of(samples: &[Sample], labels: &[String]) -> Result<Vec<usize>> {
    let place: BTreeMap<&str, usize> = labels.iter().map(String::as_str).zip(0..).collect();
    let place_of = |sample: &Sample| {
        place.get(sample.technique.as_str()).copied().ok_or_else(|| Error::Unknown {
            kind: "technique",
            name: sample.technique.clone(),
            known: labels.to_vec(),
        })
    };
    samples.iter().map(place_of).collect()
}

/// A split's three parts as the loop reads them, with the labels that they have in common.
pub struct SplitRows {
    /// The techniques of the training part, in the order of their ids.
    pub labels: Vec<String>,
    /// What is trained on.
    pub training: Rows,
    /// What chooses the best epoch.
    pub validation: Rows,
    /// What is reported.
    pub test: Rows,
}

impl SplitRows {
    /// Tokenises all parts of a split.
    ///
    /// # Errors
    /// If a part is empty, or has a technique that training has not.
    pub fn new(split: &Split, tokenize: &CheckpointTokenizer) -> Result<Self> {
        let labels = labels_of(&split.train);
        let part = |samples: &[Sample]| Rows::new(samples, &labels, tokenize);
        let (training, validation) = (part(&split.train)?, part(&split.validation)?);
        let test = part(&split.test)?;
        Ok(Self { labels, training, validation, test })
    }
}

/// Rows as the loop reads them: token ids and the index of the technique.
pub struct Rows {
    /// Token ids of each row.
    pub tokenised: Vec<Vec<u32>>,
    /// Each row's technique, an index into the encoder's labels.
    pub labels: Vec<usize>,
    /// The id that fills a batch's short rows.
    pub padding_id: u32,
    /// By how much the rows of each technique count in the loss, where not all alike.
    pub class_weights: Option<Vec<f64>>,
}

impl Rows {
    /// Tokenises samples and looks up their techniques among `labels`.
    ///
    /// # Errors
    /// If there is no sample, or one has a technique that is not among `labels`.
    pub fn new(
        samples: &[Sample],
        labels: &[String],
        tokenize: &CheckpointTokenizer,
    ) -> Result<Self> {
        if samples.is_empty() {
            return Err(Error::Setting { field: "samples", reason: "there is no row".into() });
        }
        let texts: Vec<&str> = samples.iter().map(|sample| sample.text.as_str()).collect();
        let labels = places_of(samples, labels)?;
        let (tokenised, padding_id) = (tokenize.ids(&texts)?, tokenize.padding_id());
        Ok(Self { tokenised, labels, padding_id, class_weights: None })
    }

    /// The same rows, each weighing in the loss by its technique's number.
    #[must_use]
    pub fn weighted(self, class_weights: Vec<f64>) -> Self {
        Self { class_weights: Some(class_weights), ..self }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}
