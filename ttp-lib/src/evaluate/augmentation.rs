//! What notebook 03 leaves behind: how many test rows have a relative in training, what that does
//! to scores, and the sentences that follow.

use super::leakage::LeakFigures;
use super::linear_leak::LinearLeak;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Result, files};
use ttp_metrics::Estimate;
use ttp_text::balance::{BalancedCorpus, Funnel};
use ttp_text::split::{Account, Leakage, PreparedSplit, Protocol, TrainingOverlap};

/// Rows at each step of balancing, by how small techniques are filled up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Funnels {
    /// As the paper's row count says.
    pub draws: Funnel,
    /// As the paper's text says.
    pub rows: Funnel,
}

/// Augmentation and splits of a run's corpus: a file `results/corpus.augmentation.json`. Maps have
/// a protocol's name for a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AugmentationFigures {
    /// Rows in the end, filled up by draws.
    pub balanced_rows: usize,
    /// The steps.
    pub funnel: Funnels,
    /// Test rows with a relative in training.
    pub leaked_test_rows: BTreeMap<&'static str, usize>,
    /// Test rows of whose sentence training has an augmented copy.
    pub copies_in_training: BTreeMap<&'static str, usize>,
    /// Test rows.
    pub test_rows: BTreeMap<&'static str, usize>,
    /// How many rows came, went and stayed.
    pub splits: BTreeMap<&'static str, Account>,
    /// Linear models' scores with and without a relative, by model and protocol.
    pub leak: Option<BTreeMap<String, LeakFigures>>,
}

impl AugmentationFigures {
    /// Puts together what was made of a corpus: balanced under draws and under rows, split under
    /// each protocol, and how linear models did there.
    pub fn new(
        [draws, rows]: [&BalancedCorpus; 2],
        prepared: &BTreeMap<Protocol, PreparedSplit>,
        leak: Option<BTreeMap<String, LeakFigures>>,
    ) -> Self {
        let seen: BTreeMap<&'static str, TrainingOverlap> = prepared
            .iter()
            .map(|(protocol, made)| (protocol.name(), Leakage::of(&made.split).test))
            .collect();
        let count = |of: fn(&TrainingOverlap) -> usize| {
            seen.iter().map(|(name, s)| (*name, of(s))).collect()
        };
        Self {
            balanced_rows: draws.samples.len(),
            funnel: Funnels { draws: draws.funnel(), rows: rows.funnel() },
            leaked_test_rows: count(|seen| seen.same_row),
            copies_in_training: count(|seen| seen.copy_in_training),
            test_rows: count(|seen| seen.rows),
            splits: prepared.iter().map(|(p, made)| (p.name(), made.account)).collect(),
            leak,
        }
    }

    /// What follows from the figures, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let leaked = self.leaked_test_rows.iter().map(|(protocol, &rows)| {
            let (all, copies) = (self.test_rows[protocol], self.copies_in_training[protocol]);
            let share = 100.0 * rows as f64 / all.max(1) as f64;
            let so = match rows {
                0 => "the model has read no test sentence, in whatever wording",
                _ => "the model has read these sentences, unchanged or reworded, before its test",
            };
            format!(
                "protocol {protocol}: {rows} of {all} test rows ({share:.1} %) have a relative in \
                 training, {copies} of them another copy: {so}"
            )
        });
        leaked.chain(self.leak.iter().flatten().map(of_model)).collect()
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}

/// What leakage does to one linear model.
fn of_model((model, figures): (&String, &LeakFigures)) -> String {
    let LeakFigures { share, accuracy, accuracy_with, accuracy_without, .. } = *figures;
    match (accuracy_with, accuracy_without) {
        (Some(with), Some(without)) => {
            let so = if accuracy > without {
                format!("these rows raise its accuracy by {:.3}", accuracy - without)
            } else {
                "these rows do not raise its accuracy".to_owned()
            };
            format!(
                "{model}: accuracy {accuracy:.3}; {with:.3} on the {:.1} % of test rows with a \
                 relative in training, {without:.3} on the others: {so}",
                100.0 * share
            )
        }
        (Some(_), None) => {
            format!("{model}: accuracy {accuracy:.3}, all of it on rows with a relative")
        }
        (None, _) => {
            format!("{model}: accuracy {accuracy:.3}, with no relative in training to help")
        }
    }
}

/// The same of the paper's own rows: a file `results/paper_rows.augmentation.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaperRowsFigures {
    /// The steps, filled up by draws.
    #[serde(flatten)]
    pub funnel: Funnel,
    /// The steps, filled up to 200 rows.
    pub filled_to_200: Funnel,
    /// Linear models' scores with and without a relative, by model and protocol.
    pub leak: Option<BTreeMap<String, LeakFigures>>,
    /// The paper's models on rows without a relative, by their names.
    pub worth_without_relatives: BTreeMap<&'static str, Estimate>,
}

impl PaperRowsFigures {
    /// Puts together what was made of the paper's rows, which `linear` knows by the name `source`.
    pub fn new([draws, rows]: &[BalancedCorpus; 2], linear: &LinearLeak, source: &str) -> Self {
        let worth = linear.worth.iter().filter(|worth| worth.source == source);
        Self {
            funnel: draws.funnel(),
            filled_to_200: rows.funnel(),
            leak: linear.figures(source),
            worth_without_relatives: worth.map(|worth| (worth.model, worth.without)).collect(),
        }
    }

    /// What follows for the paper's models, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let worth = self.worth_without_relatives.iter();
        worth
            .map(|(model, x)| {
                format!(
                    "the paper's {model}: accuracy {x} on sentences that are new to it, if its test \
                     set leaked as the linear model's does"
                )
            })
            .collect()
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}
