//! What the study of all techniques leaves behind: the figures of a results file, and the
//! sentences that follow from them.

use super::untrimmed::UntrimmedModels;
use super::untrimmed_splits::UntrimmedSplits;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use ttp_lib::remedies::{Remedy, RemedyOutcome, RemedySettings, Trials};
use ttp_lib::train::{History, SplitRows};
use ttp_metrics::{Diagnosis, Fault, Tier};

/// All techniques, nothing trimmed: a file `results/diagnosis.json`.
#[derive(Debug, Clone, Serialize)]
pub struct UntrimmedResults {
    /// The checkpoint that was fine-tuned.
    pub checkpoint: String,
    /// Techniques with test rows of which none is found.
    pub zero_recall: Vec<String>,
    /// Techniques that are predicted for several others' rows.
    pub over_predicted: Vec<String>,
    /// Every fault of the fine-tuned model.
    pub faults: Vec<Fault>,
    /// Macro-averaged F1 on the test rows.
    pub macro_f1: f64,
    /// Its interval.
    pub macro_f1_interval: [f64; 2],
    /// F1 weighted by test rows.
    pub weighted_f1: f64,
    /// The proportion of test rows that are classified correctly.
    pub accuracy: f64,
    /// Techniques.
    pub techniques: usize,
    /// Training rows.
    pub train_rows: usize,
    /// Test rows.
    pub test_rows: usize,
    /// Seconds of training.
    pub train_seconds: f64,
    /// The encoder, a linear model and both together on the same test rows.
    pub models: UntrimmedModels,
    /// The linear model over splits drawn anew.
    pub linear_splits: UntrimmedSplits,
    /// The settings of the methods against class imbalance.
    pub settings: RemedySettings,
    /// The worst techniques by the validation rows.
    pub worst: Vec<String>,
    /// Their test rows.
    pub worst_rows: usize,
    /// The model with its own head.
    pub as_fine_tuned: RemedyOutcome,
    /// Each method, with a retrained head.
    pub remedies: BTreeMap<&'static str, RemedyOutcome>,
    #[serde(skip)]
    diagnosis: Diagnosis,
    #[serde(skip)]
    trials: Trials,
}

impl UntrimmedResults {
    /// Puts together what was found.
    pub fn new(
        (checkpoint, rows, history): (&str, &SplitRows, &History),
        diagnosis: &Diagnosis,
        (models, linear_splits): (&UntrimmedModels, &UntrimmedSplits),
        (settings, trials, as_fine_tuned): (&RemedySettings, &Trials, &RemedyOutcome),
    ) -> Self {
        let remedies = Remedy::ALL.iter().map(|remedy| remedy.name());
        Self {
            checkpoint: checkpoint.to_owned(),
            zero_recall: diagnosis.zero_recall.iter().map(|one| one.label.clone()).collect(),
            over_predicted: diagnosis.over_predicted.iter().map(|one| one.label.clone()).collect(),
            faults: diagnosis.faults(),
            macro_f1: diagnosis.macro_f1.value,
            macro_f1_interval: [diagnosis.macro_f1.low, diagnosis.macro_f1.high],
            weighted_f1: diagnosis.weighted_f1.value,
            accuracy: diagnosis.accuracy.value,
            techniques: rows.labels.len(),
            train_rows: rows.training.len(),
            test_rows: rows.test.len(),
            train_seconds: history.seconds,
            models: models.clone(),
            linear_splits: linear_splits.clone(),
            settings: settings.clone(),
            worst: trials.worst(),
            worst_rows: trials.judge.worst_rows(),
            as_fine_tuned: as_fine_tuned.clone(),
            remedies: remedies.zip(trials.outcomes.iter().cloned()).collect(),
            diagnosis: diagnosis.clone(),
            trials: trials.clone(),
        }
    }
}

impl fmt::Display for UntrimmedResults {
    /// What was seen, a line for each finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { diagnosis, as_fine_tuned: own, .. } = self;
        writeln!(
            f,
            "{} techniques, {} of them with zero recall; macro F1 {}, accuracy {}",
            self.techniques,
            self.zero_recall.len(),
            diagnosis.macro_f1,
            diagnosis.accuracy
        )?;
        for tier in Tier::ALL {
            writeln!(f, "  {}: {} techniques", tier.name(), diagnosis.in_tier(tier).len())?;
        }
        let unseen = self.techniques - diagnosis.classes.len();
        writeln!(f, "  neither in a test row nor predicted: {unseen} techniques")?;
        writeln!(f, "{}\n{}", self.models, self.linear_splits)?;
        if let Some(plain) = self.trials.outcomes.first() {
            writeln!(
                f,
                "a new head without any method: macro F1 {:.3} instead of {:.3}, {} with zero \
                 recall instead of {}",
                plain.f1_macro.value.value,
                own.f1_macro.value.value,
                plain.zero_recall.len(),
                own.zero_recall.len()
            )?;
        }
        f.write_str(&self.trials.findings())
    }
}
