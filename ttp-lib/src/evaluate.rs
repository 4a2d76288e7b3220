//! From a fine-tuned model and its test rows to what a run leaves behind: scores
//! with intervals, a confusion matrix, every single prediction.

mod leakage;
mod predictions;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use crate::published::{PAPER_TABLE_2, Published};
pub use leakage::{
    LeakFigures, LeakScores, PartScores, scores_by_leakage, worth_without_relatives,
};
pub use predictions::{
    Prediction, linear_predictions, predictions_of, read_predictions, scores_of, write_predictions,
};

use crate::train::{FineTuning, History, SplitRows, TrainParams};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use ttp_base::{Error, Result, files};
use ttp_metrics::{Bootstrap, Confusion, Estimate, Scores};
use ttp_model::encoder::Predictions;
use ttp_model::pretrained;
use ttp_text::corpus::Sample;
use ttp_text::split::Protocol;

/// What one fine-tuned model came to on its test rows; a file
/// `results/finetune.<checkpoint>.<protocol>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The checkpoint's name.
    pub checkpoint: String,
    /// What the checkpoint is, and what it stands in for.
    pub about: String,
    /// The model of the paper that it stands in for; `None` where it is the paper's own.
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
    /// Real tokens trained on a second.
    pub tokens_per_second: f64,
    /// The settings it was trained with.
    pub params: TrainParams,
    /// The seed it was trained with.
    pub seed: u64,
    /// Every epoch and every step's loss.
    pub history: History,
}

/// What a fine-tuning came to: what is scored, and what is written of it.
#[derive(Clone, Copy)]
pub struct Tested<'a> {
    /// The split, as it was trained and tested on.
    pub rows: &'a SplitRows,
    /// How training went.
    pub history: &'a History,
    /// What the trained model says of the test rows, in their order.
    pub predictions: &'a Predictions,
}

impl Evaluation {
    /// Scores a fine-tuned model's predictions against the truth, with bootstrap intervals.
    ///
    /// # Errors
    /// If the predictions are not of these rows.
    pub fn new(
        tuning: &FineTuning<'_>,
        protocol: Protocol,
        tested: Tested<'_>,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let Tested { rows: SplitRows { labels, test, .. }, history, predictions } = tested;
        let FineTuning { checkpoint, params, seed, .. } = *tuning;
        let predicted = predictions.best();
        let confusion = Confusion::from_indices(labels.clone(), &test.labels, &predicted)?;
        let scores = bootstrap.scores(labels.len(), &test.labels, &predicted)?;
        Ok(Self {
            checkpoint: checkpoint.name.clone(),
            about: checkpoint.describe(),
            stands_in_for: checkpoint.entry.and_then(|e| e.stands_in_for.clone()),
            protocol,
            accuracy: scores.accuracy.value,
            precision_macro: scores.precision.macro_.value,
            recall_macro: scores.recall.macro_.value,
            f1_macro: scores.f1.macro_.value,
            f2_macro: scores.f2.macro_.value,
            f1_macro_interval: [scores.f1.macro_.low, scores.f1.macro_.high],
            scores,
            confusion,
            test_rows: test.len(),
            train_rows: history.rows,
            train_seconds: history.seconds,
            tokens_per_second: history.tokens_per_second,
            params: params.clone(),
            seed,
            history: history.clone(),
        })
    }

    /// The stem of a model's result files: `finetune.minilm.clean`.
    pub fn file_stem(checkpoint: &str, protocol: Protocol) -> String {
        format!("finetune.{}.{}", pretrained::file_name(checkpoint), protocol.name())
    }

    /// Writes it and what the model said of each test row into a folder of results:
    /// `finetune.<checkpoint>.<protocol>.json`, and beside it `….predictions.parquet`. `mark` stands
    /// before the ending, of a run that is not the profile's own.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(
        &self,
        results: &Path,
        mark: &str,
        test: &[Sample],
        predictions: &Predictions,
    ) -> Result<()> {
        let stem = Self::file_stem(&self.checkpoint, self.protocol);
        let said = predictions_of(test, self.confusion.labels(), predictions);
        write_predictions(&said, &results.join(format!("{stem}{mark}.predictions.parquet")))?;
        files::write_json(&results.join(format!("{stem}{mark}.json")), self)
    }

    /// The model and the protocol it was trained under: `minilm, protocol clean`.
    pub fn title(&self) -> String {
        format!("{}, protocol {}", self.checkpoint, self.protocol.name())
    }

    /// Its name in a table beside published rows: `minilm (ours, stand-in)`.
    pub fn label(&self) -> String {
        let stand_in = if self.stands_in_for.is_some() { ", stand-in" } else { "" };
        format!("{} (ours{stand_in})", self.checkpoint)
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
            return Err(Error::input(results, "no finetune.*.json: run 05_finetune first"));
        }
        files.iter().map(|path| files::read_json(path)).collect()
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: macro F1 {}, accuracy {}, on {} test rows; trained in {:.0} s at {:.0} tokens/s",
            self.title(),
            self.scores.f1.macro_,
            self.scores.accuracy,
            self.test_rows,
            self.train_seconds,
            self.tokens_per_second,
        )
    }
}
