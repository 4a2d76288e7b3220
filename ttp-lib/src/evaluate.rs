//! From a fine-tuned model and its test rows to what a run leaves behind: scores
//! with intervals, a confusion matrix, every single prediction.

use crate::corpus::Sample;
use crate::encoder::Predictions;
use crate::metrics::{Bootstrap, Confusion, Estimate, Groups, Part, Scores, Tally};
use crate::pretrained::{self, Checkpoint};
use crate::split::{Protocol, Split};
use crate::train::{History, Rows, TrainParams};
use crate::{Error, Result, files};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// A published row of the paper's table 2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Published {
    /// The model, as the paper names it.
    pub model: &'static str,
    /// Accuracy on the test rows.
    pub accuracy: f64,
    /// Precision; the paper does not say which average.
    pub precision: f64,
    /// Recall; the paper does not say which average.
    pub recall: f64,
    /// F1; the paper does not say which average.
    pub f1: f64,
    /// F2; the paper does not say which average.
    pub f2: f64,
}

/// The paper's table 2: two decimals, one run each, no intervals.
pub const PAPER_TABLE_2: [Published; 3] = [
    Published { model: "BERT", accuracy: 0.90, precision: 0.90, recall: 0.90, f1: 0.90, f2: 0.89 },
    Published {
        model: "SecBERT",
        accuracy: 0.91,
        precision: 0.91,
        recall: 0.91,
        f1: 0.90,
        f2: 0.90,
    },
    Published {
        model: "SciBERT",
        accuracy: 0.90,
        precision: 0.89,
        recall: 0.89,
        f1: 0.89,
        f2: 0.89,
    },
];

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

impl Evaluation {
    /// Scores predictions against the truth, with bootstrap intervals.
    ///
    /// # Errors
    /// If the predictions are not of these rows.
    #[allow(clippy::too_many_arguments)] // each is one fact that the file records
    pub fn new(
        checkpoint: &Checkpoint,
        protocol: Protocol,
        labels: &[String],
        test: &Rows,
        predictions: &Predictions,
        history: &History,
        params: &TrainParams,
        seed: u64,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let predicted = predictions.best();
        let confusion = Confusion::from_indices(labels.to_vec(), &test.labels, &predicted)?;
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
            return Err(Error::input(results, "no finetune.*.json: run 04_finetune first"));
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

/// One test row with what a model said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The row.
    pub sample: Sample,
    /// The technique the model names.
    pub predicted: String,
    /// The probability it gives it.
    pub probability: f32,
}

/// Accuracy on a part of the test rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartAccuracy {
    /// Whether training has seen these rows in another wording.
    pub seen_in_training: bool,
    /// How many they are.
    pub rows: usize,
    /// Share of them named right.
    pub accuracy: Estimate,
}

/// What leakage is worth: accuracy on the test rows of which training has the original or
/// a twin, and on those of which it has neither. A part without a row is left out. The
/// intervals draw all test rows of one corpus sentence together.
///
/// # Errors
/// If the predictions are not of the split's test rows, in their order.
pub fn accuracy_by_leakage(
    split: &Split,
    predictions: &[Prediction],
    bootstrap: Bootstrap,
) -> Result<Vec<PartAccuracy>> {
    if !split.test.iter().eq(predictions.iter().map(|prediction| &prediction.sample)) {
        let reason = "they are not of this split's test rows".to_owned();
        return Err(Error::Setting { field: "predictions", reason });
    }
    let training = split.rows_in_training();
    let mut parts = Vec::new();
    for seen in [true, false] {
        let part = predictions.iter().filter(|p| training.contains(&p.sample.row) == seen);
        let (rows, right): (Vec<u32>, Vec<usize>) =
            part.map(|p| (p.sample.row, usize::from(p.predicted == p.sample.technique))).unzip();
        if !right.is_empty() {
            let (truth, groups) = (vec![1; right.len()], Groups::by(&rows));
            let part = Part { classes: 2, truth: &truth, predicted: &right, groups: &groups };
            let accuracy = bootstrap.estimate_of(&part, Tally::accuracy)?;
            parts.push(PartAccuracy { seen_in_training: seen, rows: right.len(), accuracy });
        }
    }
    Ok(parts)
}

/// Pairs test rows with predictions.
pub fn predictions_of(
    samples: &[Sample],
    labels: &[String],
    said: &Predictions,
) -> Vec<Prediction> {
    let best = said.best();
    samples
        .iter()
        .zip(best)
        .enumerate()
        .map(|(row, (sample, technique))| Prediction {
            sample: sample.clone(),
            predicted: labels[technique].clone(),
            probability: said.row(row)[technique],
        })
        .collect()
}

/// Writes predictions to a parquet file, whole or not at all: the samples' columns,
/// `predicted` and `probability`.
///
/// # Errors
/// If the file cannot be written.
pub fn write_predictions(predictions: &[Prediction], path: &Path) -> Result<()> {
    use polars::prelude::Column;
    let samples: Vec<Sample> = predictions.iter().map(|p| p.sample.clone()).collect();
    let mut frame = crate::corpus::frame::samples_frame(&samples)?;
    let predicted: Vec<&str> = predictions.iter().map(|p| p.predicted.as_str()).collect();
    let probability: Vec<f32> = predictions.iter().map(|p| p.probability).collect();
    for column in
        [Column::new("predicted".into(), predicted), Column::new("probability".into(), probability)]
    {
        frame.with_column(column).map_err(Error::library("making the predictions' frame"))?;
    }
    crate::corpus::frame::write_parquet(&mut frame, path)
}

/// Reads what [`write_predictions`] wrote.
///
/// # Errors
/// If the file cannot be read or lacks a column.
pub fn read_predictions(path: &Path) -> Result<Vec<Prediction>> {
    let samples = crate::corpus::frame::read_samples(path)?;
    let frame = crate::corpus::frame::read_parquet(path)?;
    let wrong = |field| move |error| Error::input_at(path, None, Some(field), error);
    let predicted = frame.column("predicted").and_then(|c| c.str()).map_err(wrong("predicted"))?;
    let probability =
        frame.column("probability").and_then(|c| c.f32()).map_err(wrong("probability"))?;
    let rows = samples.into_iter().zip(predicted.iter()).zip(probability.iter());
    rows.enumerate()
        .map(|(at, ((sample, predicted), probability))| {
            let missing = |field| Error::input_at(path, Some(at + 1), Some(field), "missing");
            Ok(Prediction {
                sample,
                predicted: predicted.ok_or_else(|| missing("predicted"))?.to_owned(),
                probability: probability.ok_or_else(|| missing("probability"))?,
            })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::corpus::Operation;

    fn sample(row: u32, operation: Operation) -> Sample {
        Sample { row, technique: "T1".into(), text: format!("text {row}"), operation }
    }

    #[test]
    fn leaked_rows_are_told_from_others_by_their_corpus_row() {
        let split = Split {
            train: vec![sample(0, Operation::Original), sample(1, Operation::Swap)],
            validation: Vec::new(),
            test: vec![
                sample(0, Operation::Removal),
                sample(1, Operation::Original),
                sample(2, Operation::Original),
                sample(3, Operation::Original),
            ],
        };
        let said = ["T1", "T1", "T1", "T2"];
        let predictions: Vec<Prediction> = split
            .test
            .iter()
            .zip(said)
            .map(|(sample, said)| Prediction {
                sample: sample.clone(),
                predicted: said.into(),
                probability: 0.5,
            })
            .collect();
        let bootstrap = Bootstrap { resamples: 200, level: 0.95, seed: 1 };
        let parts = accuracy_by_leakage(&split, &predictions, bootstrap).unwrap();
        let figures: Vec<_> =
            parts.iter().map(|p| (p.seen_in_training, p.rows, p.accuracy.value)).collect();
        assert_eq!(figures, [(true, 2, 1.0), (false, 2, 0.5)]);
        let error = accuracy_by_leakage(&split, &predictions[1..], bootstrap).unwrap_err();
        assert!(error.to_string().contains("not of this split's test rows"), "{error}");
    }
}
