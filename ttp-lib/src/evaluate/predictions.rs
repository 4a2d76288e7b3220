//! Single predictions, and the file that holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use ttp_base::{Error, Result};
use ttp_metrics::{Bootstrap, Estimate, Groups, Part, Scores};
use ttp_model::encoder::Predictions;
use ttp_text::corpus::Sample;

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
