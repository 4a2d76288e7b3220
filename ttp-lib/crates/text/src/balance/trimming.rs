//! What notebook 02 leaves behind: what the rule of so many rows keeps.

use super::Limits;
use crate::corpus::{Corpus, Sample};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;
use ttp_base::{Result, files};

/// What trimming keeps of a corpus: a file `results/corpus.trimming.json`.
///
/// # Example
/// Of two techniques one has the two rows that are needed, and so it has two of the three rows:
/// ```
/// use ttp_text::balance::{self, Limits, TrimmingResults};
/// use ttp_text::corpus::{Corpus, Sentence};
///
/// let row = |technique: &str| Sentence {
///     technique: technique.into(), subtechnique: None, name: String::new(),
///     text: "It ran.".into(), source_id: String::new(),
/// };
/// let corpus = Corpus { sentences: vec![row("T1059"), row("T1003"), row("T1059")] };
/// let limits = Limits { trim_below: 2, upsample_to: 2, downsample_to: 2 };
/// let kept = balance::trim(balance::samples(&corpus), limits.trim_below);
/// let results = TrimmingResults::new(&corpus, &kept, limits);
/// assert_eq!((results.techniques_kept, results.trimmed_rows), (1, 2));
/// assert_eq!(results.findings()[0], "1 of 2 techniques stay, with 66.7 % of the rows.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrimmingResults {
    /// Techniques with enough rows.
    pub techniques_kept: usize,
    /// Their rows.
    pub trimmed_rows: usize,
    /// Those with so many rows that balancing removes some: more than 500 in the paper.
    pub over_500: Vec<String>,
    #[serde(skip)]
    before: (usize, usize),
    #[serde(skip)]
    downsample_to: usize,
}

impl TrimmingResults {
    /// Counts the rows that were kept of a corpus.
    pub fn new(corpus: &Corpus, kept: &[Sample], limits: Limits) -> Self {
        let stay: BTreeSet<&str> = kept.iter().map(|sample| sample.technique.as_str()).collect();
        let mut over_500 = corpus.techniques_over(limits.downsample_to);
        over_500.retain(|technique| stay.contains(technique.as_str()));
        Self {
            techniques_kept: stay.len(),
            trimmed_rows: kept.len(),
            over_500,
            before: (corpus.counts().len(), corpus.len()),
            downsample_to: limits.downsample_to,
        }
    }

    /// What follows from the figures, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let ((techniques, rows), stay) = (self.before, self.techniques_kept);
        let share = 100.0 * self.trimmed_rows as f64 / rows as f64;
        vec![
            format!("{stay} of {techniques} techniques stay, with {share:.1} % of the rows."),
            format!(
                "{} techniques can never be predicted by a model that is trained on the rest.",
                techniques - stay
            ),
            format!("Above {} rows: {}.", self.downsample_to, self.over_500.join(", ")),
        ]
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}
