//! Sentences for continued pretraining, which no split tests on.

use super::Split;
use crate::corpus::clean::normalised;
use crate::corpus::{Corpus, Sample};
use std::collections::HashSet;
use std::fmt;

/// The corpus's sentences without their techniques, parted so that a model may be pretrained
/// on the one part and judged afterwards on the test parts of some splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlabelled {
    /// Sentences that no split validates or tests with, of rare techniques too.
    pub train: Vec<String>,
    /// Sentences that some split validates with and none tests with.
    pub validation: Vec<String>,
    /// Sentences that some split tests with: in neither part.
    pub tested: usize,
    /// The [`Split::test_fingerprint`] of each split whose test part was left out.
    pub held_out: Vec<String>,
}

impl fmt::Display for Unlabelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [train, validation] = [&self.train, &self.validation].map(Vec::len);
        writeln!(f, "{train} sentences to train on, {validation} to validate with")?;
        write!(f, "{} left out: a test set has them", self.tested)
    }
}

impl Unlabelled {
    /// Parts `corpus` by what `splits` do with it. A row counts as tested where the row
    /// itself, a copy of it, or an equal text (case, spacing and punctuation set aside)
    /// is in a test part; likewise for validation.
    pub fn of(corpus: &Corpus, splits: &[Split]) -> Self {
        let held = |part: fn(&Split) -> &Vec<Sample>| {
            let rows: HashSet<u32> = splits.iter().flat_map(part).map(|s| s.row).collect();
            let texts = splits.iter().flat_map(part).map(|s| s.text.as_str());
            let originals = rows.iter().filter_map(|&row| corpus.sentences.get(row as usize));
            let texts: HashSet<String> =
                texts.chain(originals.map(|s| s.text.as_str())).map(normalised).collect();
            (rows, texts)
        };
        let (tested, validated) = (held(|split| &split.test), held(|split| &split.validation));
        let is_in = |(rows, texts): &(HashSet<u32>, HashSet<String>), row: u32, text: &str| {
            rows.contains(&row) || texts.contains(&normalised(text))
        };
        let mut parts = Self {
            train: Vec::new(),
            validation: Vec::new(),
            tested: 0,
            held_out: splits.iter().map(Split::test_fingerprint).collect(),
        };
        for (row, sentence) in (0..).zip(&corpus.sentences) {
            let text = &sentence.text;
            if is_in(&tested, row, text) {
                parts.tested += 1;
            } else if is_in(&validated, row, text) {
                parts.validation.push(text.clone());
            } else {
                parts.train.push(text.clone());
            }
        }
        parts
    }
}
