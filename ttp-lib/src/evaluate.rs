//! From a trained model and its test rows to what a run leaves behind: scores with intervals, a
//! confusion matrix, every single prediction, and what it gives every technique.

mod augmentation;
mod baseline;
mod baseline_results;
mod card;
mod leakage;
mod linear_leak;
mod logits;
mod predictions;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod training;
mod training_outcome;

pub use crate::published::{PAPER_TABLE_2, PublishedScores};
pub use augmentation::{AugmentationFigures, Funnels, PaperRowsFigures};
pub use baseline::{Baseline, linear_predictions, train_linear};
pub use baseline_results::{BaselineResults, BaselineScores};
pub use leakage::{
    LeakFigures, LeakScores, PartScores, scores_by_leakage, worth_without_relatives,
};
pub use linear_leak::{AccuracyWithoutRelatives, LeakSource, LeakTrial, LinearLeak};
pub use logits::{ModelLogits, PartLogits};
pub use predictions::{Prediction, predictions_of, read_predictions, scores_of, write_predictions};
pub use training::{EncoderTraining, Training};
pub use training_outcome::TrainingOutcome;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use ttp_base::{Error, Result, files};
use ttp_metrics::{Bootstrap, Confusion, Estimate, Scores};
use ttp_model::pretrained;
use ttp_text::split::Protocol;

/// What one trained model came to on its test rows; a file
/// `results/finetune.<checkpoint>.<protocol>.json`. A linear model has one too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The checkpoint's name, or the linear model's.
    pub checkpoint: String,
    /// What the model is, and what it stands in for.
    pub about: String,
    /// The model of the paper that it stands in for; `None` where it is the paper's own, or none
    /// of that kind.
    pub stands_in_for: Option<String>,
    /// The split protocol.
    pub protocol: Protocol,
    /// Share of test rows named right.
    pub accuracy: f64,
    /// Macro-averaged precision.
    pub precision_macro: f64,
    /// Macro-averaged recall.
    pub recall_macro: f64,
    /// Macro-averaged F1.
    pub f1_macro: f64,
    /// Macro-averaged F2.
    pub f2_macro: f64,
    /// The bootstrap interval of macro-averaged F1.
    pub f1_macro_interval: [f64; 2],
    /// All scores, each average, with intervals.
    pub scores: Scores<Estimate>,
    /// Counts by true and predicted technique.
    pub confusion: Confusion,
    /// Number of test rows.
    pub test_rows: usize,
    /// Number of training rows.
    pub train_rows: usize,
    /// Seconds of training, evaluation left out.
    pub train_seconds: f64,
    /// The seed it was trained with.
    pub seed: u64,
    /// How it was trained.
    #[serde(flatten)]
    pub training: Training,
}

/// What a model is called where its scores stand, and how it came about.
pub(crate) struct Model {
    pub(crate) checkpoint: String,
    pub(crate) about: String,
    pub(crate) stands_in_for: Option<String>,
    pub(crate) train_rows: usize,
    pub(crate) train_seconds: f64,
    pub(crate) seed: u64,
    pub(crate) training: Training,
}

impl Evaluation {
    /// Scores what a model says: the true and the predicted technique of each test row, as places
    /// among `labels`.
    pub(crate) fn of(
        model: Model,
        protocol: Protocol,
        labels: &[String],
        (truth, predicted): (&[usize], &[usize]),
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let confusion = Confusion::from_indices(labels.to_vec(), truth, predicted)?;
        let scores = bootstrap.scores(labels.len(), truth, predicted)?;
        let Model { checkpoint, about, stands_in_for, train_rows, train_seconds, seed, training } =
            model;
        Ok(Self {
            checkpoint,
            about,
            stands_in_for,
            protocol,
            accuracy: scores.accuracy.value,
            precision_macro: scores.precision.macro_.value,
            recall_macro: scores.recall.macro_.value,
            f1_macro: scores.f1.macro_.value,
            f2_macro: scores.f2.macro_.value,
            f1_macro_interval: [scores.f1.macro_.low, scores.f1.macro_.high],
            scores,
            confusion,
            test_rows: truth.len(),
            train_rows,
            train_seconds,
            seed,
            training,
        })
    }

    /// The stem of a model's result files: `finetune.minilm.clean`.
    pub fn file_stem(checkpoint: &str, protocol: Protocol) -> String {
        format!("finetune.{}.{}", pretrained::file_name(checkpoint), protocol.name())
    }

    /// Writes it, what the model said of each test row, and what it gives every technique, into a
    /// folder of results: `finetune.<checkpoint>.<protocol>.json`, and beside it
    /// `….predictions.parquet` and `….logits.parquet`. `mark` stands before the ending, of a run
    /// that is not the profile's own.
    pub(crate) fn write_files(
        &self,
        results: &Path,
        mark: &str,
        predictions: &[Prediction],
        logits: &ModelLogits,
    ) -> Result<()> {
        let stem = Self::file_stem(&self.checkpoint, self.protocol);
        let file = |kind: &str| results.join(format!("{stem}{mark}.{kind}"));
        logits.write(&file("logits.parquet"))?;
        write_predictions(predictions, &file("predictions.parquet"))?;
        files::write_json(&file("json"), self)
    }

    /// What of a fine-tuned encoder's training is told; `None` for a model of another kind.
    pub fn fine_tuned(&self) -> Option<&EncoderTraining> {
        match &self.training {
            Training::FineTuned(told) => Some(told),
            Training::Linear { .. } | Training::Both { .. } => None,
        }
    }

    /// The model and the protocol it was trained under: `minilm, protocol clean`.
    pub fn title(&self) -> String {
        format!("{}, protocol {}", self.checkpoint, self.protocol.name())
    }

    /// Its name in a table beside published rows: `minilm (ours, stand-in)`.
    pub fn label(&self) -> String {
        let kind = match &self.training {
            Training::Linear { .. } => ", linear",
            Training::Both { .. } => ", two models",
            Training::FineTuned(_) if self.stands_in_for.is_some() => ", stand-in",
            Training::FineTuned(_) => "",
        };
        format!("{} (ours{kind})", self.checkpoint)
    }

    /// Every evaluation among a run's results, in the order of checkpoint and protocol.
    ///
    /// # Errors
    /// If the folder cannot be read, holds none, or one is not what [`Evaluation`] is.
    pub fn read_all(results: &Path) -> Result<Vec<Self>> {
        let entries = std::fs::read_dir(results).map_err(Error::file(results, "read"))?;
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                name.is_some_and(|name| name.starts_with("finetune.") && name.ends_with(".json"))
            })
            .collect();
        files.sort();
        if files.is_empty() {
            return Err(Error::input(
                results,
                "no finetune.*.json: run 04_baseline and 06_finetune first",
            ));
        }
        files.iter().map(|path| files::read_json(path)).collect()
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: macro F1 {}, accuracy {}, on {} test rows",
            self.title(),
            self.scores.f1.macro_,
            self.scores.accuracy,
            self.test_rows,
        )?;
        match &self.training {
            Training::FineTuned(told) => write!(
                f,
                "; trained in {:.0} s at {:.0} tokens/s",
                self.train_seconds, told.tokens_per_second
            ),
            Training::Linear { .. } => write!(f, "; trained in {:.1} s", self.train_seconds),
            Training::Both { .. } => Ok(()),
        }
    }
}
