//! From a fine-tuned model and its test rows to what a run leaves behind: scores
//! with intervals, a confusion matrix, every single prediction.

pub use crate::published::{PAPER_TABLE_2, Published};
use crate::train::{History, Rows, TrainParams};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use ttp_base::{Error, Result, files};
use ttp_metrics::{Bootstrap, Confusion, Estimate, Groups, Part, Scores};
use ttp_model::encoder::Predictions;
use ttp_model::pretrained::{self, Checkpoint};
use ttp_text::corpus::Sample;
use ttp_text::linear::{self, LinearKind, LinearModel};
use ttp_text::split::{Protocol, Split};

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

/// Scores on a part of the test rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartScores {
    /// Whether these rows have a relative in training: their original, or a twin of it.
    pub seen_in_training: bool,
    /// How many they are.
    pub rows: usize,
    /// Their share of all test rows, from 0 to 1.
    pub share: Estimate,
    /// Share of them named right.
    pub accuracy: Estimate,
    /// Macro-averaged F1 over the techniques that these rows have or are given.
    pub f1_macro: Estimate,
}

/// All scores of some predictions, over the techniques that their rows have or are given. The
/// intervals draw all rows of one corpus sentence together.
///
/// # Errors
/// If there is no prediction.
pub fn scores_of<'p>(
    predictions: impl IntoIterator<Item = &'p Prediction>,
    bootstrap: Bootstrap,
) -> Result<Scores<Estimate>> {
    let these: Vec<&Prediction> = predictions.into_iter().collect();
    let labels: BTreeMap<&str, usize> = these
        .iter()
        .flat_map(|p| [p.sample.technique.as_str(), p.predicted.as_str()])
        .collect::<BTreeSet<_>>()
        .into_iter()
        .zip(0..)
        .collect();
    let class = |of: fn(&Prediction) -> &str| -> Vec<usize> {
        these.iter().map(|prediction| labels[of(prediction)]).collect()
    };
    let truth = class(|p| &p.sample.technique);
    let predicted = class(|p| &p.predicted);
    let groups = Groups::by(&these.iter().map(|p| p.sample.row).collect::<Vec<_>>());
    bootstrap.scores_of(&Part {
        classes: labels.len(),
        truth: &truth,
        predicted: &predicted,
        groups: &groups,
    })
}

/// What leakage is worth: scores on the test rows that have a relative in training (their
/// original, or a twin of it), and on those that have none. A part without a row is left out.
/// The intervals draw all test rows of one corpus sentence together.
///
/// # Errors
/// If the predictions are not of the split's test rows, in their order.
pub fn scores_by_leakage(
    split: &Split,
    predictions: &[Prediction],
    bootstrap: Bootstrap,
) -> Result<Vec<PartScores>> {
    let relatives = Relatives::of(split, predictions)?;
    let mut parts = Vec::new();
    for seen in [true, false] {
        let these: Vec<&Prediction> = predictions
            .iter()
            .zip(&relatives.places)
            .filter(|(_, place)| (**place != Place::NotSeen) == seen)
            .map(|(prediction, _)| prediction)
            .collect();
        if these.is_empty() {
            continue;
        }
        let share = relatives.estimate(bootstrap, |shares| {
            let none = shares[Place::NotSeen as usize];
            if seen { 1.0 - none } else { none }
        })?;
        let scores = scores_of(these.iter().copied(), bootstrap)?;
        parts.push(PartScores {
            seen_in_training: seen,
            rows: these.len(),
            share,
            accuracy: scores.accuracy,
            f1_macro: scores.f1.macro_,
        });
    }
    Ok(parts)
}

/// A model's scores on a test part: all of it, the rows that have a relative in training, and
/// the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeakScores {
    /// Of all test rows.
    pub all: Scores<Estimate>,
    /// Of the rows with a relative in training; `None` where there is none.
    pub with: Option<PartScores>,
    /// Of the others; `None` where there is none.
    pub without: Option<PartScores>,
}

impl LeakScores {
    /// Scores a split's test rows apart ([`scores_by_leakage`]) and together ([`scores_of`]).
    ///
    /// # Errors
    /// If the predictions are not of the split's test rows, in their order.
    pub fn of(split: &Split, predictions: &[Prediction], bootstrap: Bootstrap) -> Result<Self> {
        let mut parts = scores_by_leakage(split, predictions, bootstrap)?;
        let without = parts.pop_if(|part| !part.seen_in_training);
        Ok(Self { all: scores_of(predictions, bootstrap)?, with: parts.pop(), without })
    }
}

/// The figures of [`LeakScores`], as the mean over several draws of twins and test rows.
///
/// Macro F1 of a part counts each technique that its rows have or are given. A technique may have
/// one to five rows there, and one that is only given wrongly counts 0: so it can be low where
/// accuracy is high.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LeakFigures {
    /// How many of them.
    pub repeats: usize,
    /// Share of test rows with a relative in training, from 0 to 1.
    pub share: f64,
    /// Share of all test rows named right.
    pub accuracy: f64,
    /// Macro-averaged F1 on all test rows.
    pub f1_macro: f64,
    /// Accuracy on the rows with a relative; `None` where a draw has none.
    pub accuracy_with: Option<f64>,
    /// Macro-averaged F1 on the rows with a relative; `None` where a draw has none.
    pub f1_macro_with: Option<f64>,
    /// Accuracy on the others; `None` where a draw has none.
    pub accuracy_without: Option<f64>,
    /// Macro-averaged F1 on the others; `None` where a draw has none.
    pub f1_macro_without: Option<f64>,
}

impl LeakFigures {
    /// The mean of some draws; of none, nothing but zeros.
    pub fn mean_of(draws: &[&LeakScores]) -> Self {
        let mean = |figure: &dyn Fn(&LeakScores) -> Option<f64>| -> Option<f64> {
            let figures: Option<Vec<f64>> = draws.iter().map(|draw| figure(draw)).collect();
            figures.map(|figures| figures.iter().sum::<f64>() / draws.len().max(1) as f64)
        };
        let certain =
            |figure: &dyn Fn(&LeakScores) -> f64| mean(&|s| Some(figure(s))).unwrap_or(0.0);
        Self {
            repeats: draws.len(),
            share: certain(&|s| s.with.as_ref().map_or(0.0, |part| part.share.value)),
            accuracy: certain(&|s| s.all.accuracy.value),
            f1_macro: certain(&|s| s.all.f1.macro_.value),
            accuracy_with: mean(&|s| s.with.as_ref().map(|part| part.accuracy.value)),
            f1_macro_with: mean(&|s| s.with.as_ref().map(|part| part.f1_macro.value)),
            accuracy_without: mean(&|s| s.without.as_ref().map(|part| part.accuracy.value)),
            f1_macro_without: mean(&|s| s.without.as_ref().map(|part| part.f1_macro.value)),
        }
    }
}

/// What a published accuracy would be worth on sentences that have no relative in training,
/// if its test part leaked as this one does: the `x` of `published = s × a + (1 − s) × x`,
/// where `s` is the share of test rows with a relative and `a` the accuracy on them. The
/// interval is over `s` and `a`, drawn together by corpus sentence; the published figure is
/// taken as it is.
///
/// # Errors
/// If the predictions are not of the split's test rows, in their order, or all of them have
/// a relative.
pub fn worth_without_relatives(
    published: f64,
    split: &Split,
    predictions: &[Prediction],
    bootstrap: Bootstrap,
) -> Result<Estimate> {
    let relatives = Relatives::of(split, predictions)?;
    if !relatives.places.contains(&Place::NotSeen) {
        let reason = "each test row has a relative in training".to_owned();
        return Err(Error::Setting { field: "split", reason });
    }
    relatives.estimate(bootstrap, |shares| {
        (published - shares[Place::SeenRight as usize]) / shares[Place::NotSeen as usize]
    })
}

/// What became of a test row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    SeenRight,
    SeenWrong,
    NotSeen,
}

/// The test rows by whether training has a relative of them.
struct Relatives {
    places: Vec<Place>,
    groups: Groups,
}

impl Relatives {
    fn of(split: &Split, predictions: &[Prediction]) -> Result<Self> {
        if !split.test.iter().eq(predictions.iter().map(|prediction| &prediction.sample)) {
            let reason = "they are not of this split's test rows".to_owned();
            return Err(Error::Setting { field: "predictions", reason });
        }
        let training = split.rows_in_training();
        let place = |p: &Prediction| match training.contains(&p.sample.row) {
            false => Place::NotSeen,
            true if p.predicted == p.sample.technique => Place::SeenRight,
            true => Place::SeenWrong,
        };
        let rows: Vec<u32> = predictions.iter().map(|p| p.sample.row).collect();
        Ok(Self { places: predictions.iter().map(place).collect(), groups: Groups::by(&rows) })
    }

    /// A figure of the shares of the three places, by [`Place`]'s order.
    fn estimate(
        &self,
        bootstrap: Bootstrap,
        figure: impl Fn([f64; 3]) -> f64 + Sync,
    ) -> Result<Estimate> {
        let places: Vec<usize> = self.places.iter().map(|place| *place as usize).collect();
        let part = Part { classes: 3, truth: &places, predicted: &places, groups: &self.groups };
        bootstrap.estimate_of(&part, |tally| {
            let rows = tally.support.iter().sum::<u64>().max(1) as f64;
            figure([0, 1, 2].map(|place: usize| tally.support[place] as f64 / rows))
        })
    }
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

/// Trains a linear model on a split's training rows, and asks it for the technique of each
/// test row. The probability of an answer is the softmax of the scores, not calibrated.
///
/// # Errors
/// As [`LinearModel::train`].
pub fn linear_predictions(kind: LinearKind, split: &Split, seed: u64) -> Result<Vec<Prediction>> {
    let labels = crate::train::labels_of(&split.train);
    let place: BTreeMap<&str, usize> = labels.iter().map(String::as_str).zip(0..).collect();
    let texts: Vec<&str> = split.train.iter().map(|sample| sample.text.as_str()).collect();
    let classes: Vec<usize> =
        split.train.iter().map(|sample| place[sample.technique.as_str()]).collect();
    let model = LinearModel::train(kind, &texts, &classes, &labels, seed)?;
    let texts: Vec<&str> = split.test.iter().map(|sample| sample.text.as_str()).collect();
    let scores = model.scores_all(&texts);
    let rows = split.test.iter().zip(scores.chunks(labels.len()));
    Ok(rows
        .map(|(sample, scores)| {
            let best = linear::best_of(scores);
            let sum: f64 = scores.iter().map(|score| (score - scores[best]).exp()).sum();
            Prediction {
                sample: sample.clone(),
                predicted: labels[best].clone(),
                probability: (1.0 / sum) as f32,
            }
        })
        .collect())
}

/// Writes predictions to a parquet file, whole or not at all: the samples' columns,
/// `predicted` and `probability`.
///
/// # Errors
/// If the file cannot be written.
pub fn write_predictions(predictions: &[Prediction], path: &Path) -> Result<()> {
    use polars::prelude::Column;
    let samples: Vec<Sample> = predictions.iter().map(|p| p.sample.clone()).collect();
    let mut frame = ttp_text::corpus::frame::samples_frame(&samples)?;
    let predicted: Vec<&str> = predictions.iter().map(|p| p.predicted.as_str()).collect();
    let probability: Vec<f32> = predictions.iter().map(|p| p.probability).collect();
    for column in
        [Column::new("predicted".into(), predicted), Column::new("probability".into(), probability)]
    {
        frame.with_column(column).map_err(Error::library("making the predictions' frame"))?;
    }
    ttp_base::frame::write_parquet(&mut frame, path)
}

/// Reads what [`write_predictions`] wrote.
///
/// # Errors
/// If the file cannot be read or lacks a column.
pub fn read_predictions(path: &Path) -> Result<Vec<Prediction>> {
    let samples = ttp_text::corpus::frame::read_samples(path)?;
    let frame = ttp_base::frame::read_parquet(path)?;
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
    use ttp_text::corpus::Operation;

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
        let parts = scores_by_leakage(&split, &predictions, bootstrap).unwrap();
        let figures: Vec<_> = parts
            .iter()
            .map(|p| (p.seen_in_training, p.rows, p.share.value, p.accuracy.value))
            .collect();
        assert_eq!(figures, [(true, 2, 0.5, 1.0), (false, 2, 0.5, 0.5)]);
        // T1 found once of two, T2 given once and never there: (2/3 + 0) / 2.
        assert!((parts[1].f1_macro.value - 1.0 / 3.0).abs() < 1e-12);
        let scores = LeakScores::of(&split, &predictions, bootstrap).unwrap();
        assert_eq!(scores.with.as_ref().map(|part| part.rows), Some(2));
        assert_eq!(scores.all.accuracy.value, 0.75);
        let clean = Split { train: Vec::new(), ..split.clone() };
        let none = LeakScores::of(&clean, &predictions, bootstrap).unwrap();
        assert!(none.with.is_none() && none.without.is_some());
        let mean = LeakFigures::mean_of(&[&scores, &none]);
        assert_eq!((mean.repeats, mean.share, mean.accuracy), (2, 0.25, 0.75));
        assert_eq!((mean.accuracy_with, mean.accuracy_without), (None, Some(0.625)));
        // 0.75 = 0.5 × 1 + 0.5 × 0.5.
        let worth = worth_without_relatives(0.75, &split, &predictions, bootstrap).unwrap();
        assert!((worth.value - 0.5).abs() < 1e-12, "{worth:?}");
        let error = scores_by_leakage(&split, &predictions[1..], bootstrap).unwrap_err();
        assert!(error.to_string().contains("not of this split's test rows"), "{error}");
    }
}
