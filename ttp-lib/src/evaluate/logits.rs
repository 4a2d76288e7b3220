//! What a model gives every technique, for the validation and the test rows: what calibration and
//! the mean of two models are made of.

use super::Prediction;
use polars::prelude::{Column, DataFrame};
use std::path::Path;
use ttp_base::{Error, Result, first_highest};
use ttp_metrics::calibration::{Logits, Probabilities};
use ttp_model::encoder::Predictions;
use ttp_model::rows::places_of;
use ttp_text::corpus::Sample;
use ttp_text::linear::LinearModel;
use ttp_text::split::Split;

/// Stands before a technique's id in the names of the file's columns.
const LOGIT: &str = "logit_";
/// The column that says whether a row is of the validation or the test part.
const PART: &str = "part";
const PARTS: [&str; 2] = ["validation", "test"];

/// What a model gives every technique for the rows of one part of a split.
#[derive(Debug, Clone, PartialEq)]
pub struct PartLogits {
    /// The rows.
    pub samples: Vec<Sample>,
    /// Each row's technique, a place among the model's labels.
    pub truth: Vec<usize>,
    /// `[rows, techniques]`: an encoder's logits up to a constant of the row, a linear model's
    /// scores.
    pub logits: Logits,
}

/// What a model gives every technique, for the rows that choose and for those that judge.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelLogits {
    /// The techniques, in the order of the logits.
    pub labels: Vec<String>,
    /// The rows that temperatures and weights are chosen on.
    pub validation: PartLogits,
    /// The rows that are reported.
    pub test: PartLogits,
}

impl PartLogits {
    fn new(samples: &[Sample], labels: &[String], logits: Logits) -> Result<Self> {
        let truth = places_of(samples, labels)?;
        if logits.rows() != truth.len() {
            let reason = format!("{} for {} rows", logits.rows(), truth.len());
            return Err(Error::Setting { field: "logits", reason });
        }
        Ok(Self { samples: samples.to_vec(), truth, logits })
    }

    /// Each row's highest technique; of equals, the first.
    pub fn best(&self) -> Vec<usize> {
        self.logits.iter().map(first_highest).collect()
    }
}

impl ModelLogits {
    /// Of an encoder's predictions for the two parts, in the order of their rows.
    ///
    /// # Errors
    /// If the predictions are not of these rows and labels.
    pub fn of_encoder(
        split: &Split,
        labels: &[String],
        validation: &Predictions,
        test: &Predictions,
    ) -> Result<Self> {
        let logits = |predictions: &Predictions| {
            let of = predictions.probabilities.iter().copied();
            Ok::<_, Error>(Probabilities::new(predictions.techniques, of)?.logits())
        };
        Self::new(split, labels, logits(validation)?, logits(test)?)
    }

    /// Of a linear model, which is asked for both parts.
    ///
    /// # Errors
    /// If a row has a technique that the model does not know, or a score is not finite.
    pub fn of_linear(split: &Split, model: &LinearModel) -> Result<Self> {
        let labels = model.classes();
        let logits = |samples: &[Sample]| {
            let texts: Vec<&str> = samples.iter().map(|sample| sample.text.as_str()).collect();
            Logits::new(labels.len(), model.scores_all(&texts))
        };
        Self::new(split, labels, logits(&split.validation)?, logits(&split.test)?)
    }

    /// # Errors
    /// If logits and rows are not of each other.
    pub(crate) fn new(
        split: &Split,
        labels: &[String],
        validation: Logits,
        test: Logits,
    ) -> Result<Self> {
        let part = |samples: &[Sample], logits| PartLogits::new(samples, labels, logits);
        let (validation, test) = (part(&split.validation, validation)?, part(&split.test, test)?);
        Ok(Self { labels: labels.to_vec(), validation, test })
    }

    /// The test rows with the technique that the model names and its probability by the softmax,
    /// as it is.
    ///
    /// # Errors
    /// None in practice: temperature 1 is one.
    pub fn predictions(&self) -> Result<Vec<Prediction>> {
        let PartLogits { samples, logits, .. } = &self.test;
        let probabilities = logits.softmax(1.0)?;
        let rows = samples.iter().zip(self.test.best()).zip(probabilities.iter());
        let prediction = |((sample, best), row): ((&Sample, usize), &[f64])| Prediction {
            sample: sample.clone(),
            predicted: self.labels[best].clone(),
            probability: row[best] as f32,
        };
        Ok(rows.map(prediction).collect())
    }

    /// Writes both parts to a parquet file, whole or not at all: the samples' columns, `part`, and
    /// one column a technique, `logit_T1003`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let parts = [&self.validation, &self.test];
        let samples: Vec<Sample> = parts.iter().flat_map(|part| part.samples.clone()).collect();
        let mut frame = ttp_text::corpus::frame::samples_frame(&samples)?;
        let failed = |error| Error::library("making the logits' frame")(error);
        let names = parts.iter().zip(PARTS);
        let names: Vec<&str> =
            names.flat_map(|(part, name)| std::iter::repeat_n(name, part.truth.len())).collect();
        frame.with_column(Column::new(PART.into(), names)).map_err(failed)?;
        for (at, label) in self.labels.iter().enumerate() {
            let values: Vec<f64> =
                parts.iter().flat_map(|part| part.logits.iter().map(|row| row[at])).collect();
            let column = Column::new(format!("{LOGIT}{label}").into(), values);
            frame.with_column(column).map_err(failed)?;
        }
        ttp_base::frame::write_parquet(&mut frame, path)
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// If the file cannot be read, a column is missing or empty, or a row has a technique without
    /// a column.
    pub fn read(path: &Path) -> Result<Self> {
        let samples = ttp_text::corpus::frame::read_samples(path)?;
        let frame = ttp_base::frame::read_parquet(path)?;
        let wrong = |field, error| Error::input_at(path, None, Some(field), error);
        let part = frame.column(PART).and_then(|c| c.str()).map_err(|e| wrong(PART, e))?;
        let is_test: Vec<bool> = part.iter().map(|name| name == Some(PARTS[1])).collect();
        let labels: Vec<String> = frame
            .get_column_names()
            .iter()
            .filter_map(|name| name.strip_prefix(LOGIT).map(str::to_owned))
            .collect();
        let columns: Vec<Vec<f64>> =
            labels.iter().map(|label| read_logits(&frame, label, path)).collect::<Result<_>>()?;
        let of = |test: bool| {
            let rows: Vec<usize> = (0..samples.len()).filter(|&row| is_test[row] == test).collect();
            let values = rows.iter().flat_map(|&row| columns.iter().map(move |c| c[row]));
            let logits = Logits::new(labels.len(), values)?;
            let samples: Vec<Sample> = rows.iter().map(|&row| samples[row].clone()).collect();
            PartLogits::new(&samples, &labels, logits)
        };
        let part = |test| of(test).map_err(|error| Error::input(path, error));
        let (validation, test) = (part(false)?, part(true)?);
        Ok(Self { labels, validation, test })
    }
}

fn read_logits(frame: &DataFrame, label: &str, path: &Path) -> Result<Vec<f64>> {
    let name = format!("{LOGIT}{label}");
    let column = frame.column(&name).and_then(|c| c.f64());
    let column = column.map_err(|error| Error::input(path, format!("column {name}: {error}")))?;
    let missing =
        |row: usize| Error::input(path, format!("row {}, column {name}: missing", row + 1));
    column.iter().enumerate().map(|(row, value)| value.ok_or_else(|| missing(row))).collect()
}
