//! What notebook 04 leaves behind: the scores of linear models, and the sentences that follow.

use super::{Baseline, Evaluation, PAPER_TABLE_2};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Result, files};
use ttp_metrics::{Estimate, Scores};
use ttp_text::split::Protocol;

/// Linear models: a file `results/baseline.json`.
#[derive(Debug, Clone, Serialize)]
pub struct BaselineResults {
    /// Each model's scores, by its name and protocol.
    pub models: BTreeMap<String, BaselineScores>,
    /// What augmented copies add to a model under protocol clean, by its name.
    pub augmentation: BTreeMap<String, Scores<Estimate>>,
    /// Scores on all techniques, nothing trimmed, by the model's name.
    pub all_techniques: BTreeMap<String, Scores<Estimate>>,
    #[serde(skip)]
    evaluations: Vec<Evaluation>,
}

/// Two scores on the test rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BaselineScores {
    /// The proportion of rows that are classified correctly.
    pub accuracy: Estimate,
    /// Macro-averaged F1.
    pub f1_macro: Estimate,
}

impl BaselineResults {
    /// Puts together what was measured.
    pub fn new(
        baselines: &[Baseline],
        augmentation: BTreeMap<String, Scores<Estimate>>,
        all_techniques: BTreeMap<String, Scores<Estimate>>,
    ) -> Self {
        let evaluations: Vec<Evaluation> =
            baselines.iter().map(|baseline| baseline.evaluation.clone()).collect();
        let scores = |of: &Scores<Estimate>| BaselineScores {
            accuracy: of.accuracy,
            f1_macro: of.f1.macro_,
        };
        let models = evaluations.iter().map(|one| (one.title(), scores(&one.scores))).collect();
        Self { models, augmentation, all_techniques, evaluations }
    }

    /// What follows from the figures, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let published = PAPER_TABLE_2[0].f1;
        let mut found = Vec::new();
        for evaluation in &self.evaluations {
            found.push(evaluation.to_string());
            if evaluation.protocol == Protocol::Paper {
                let place = evaluation.scores.f1.macro_.place_of(published);
                found.push(format!(
                    "  BERT's published F1, {published:.2}, lies {place} the interval"
                ));
            }
        }
        for (name, difference) in &self.augmentation {
            let f1 = difference.f1.macro_;
            let finding = match (f1.excludes_zero(), f1.value > 0.0) {
                (true, true) => "augmentation helps it",
                (true, false) => "augmentation harms it",
                (false, _) => "no more than chance",
            };
            found.push(format!(
                "{name} with augmented copies minus without: macro F1 {}: {finding}",
                f1.signed()
            ));
        }
        for (name, Scores { accuracy, f1, .. }) in &self.all_techniques {
            found.push(format!(
                "{name}, all techniques: accuracy {accuracy}, macro F1 {}",
                f1.macro_
            ));
        }
        found
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}
