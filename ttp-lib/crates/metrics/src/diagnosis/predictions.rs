//! Predictions in CSV or parquet files: for each row its true label and the predicted one, with
//! probabilities or without.

mod from_csv;
mod from_frame;
mod labels;
mod places;
mod prediction_rows;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub(super) use from_frame::texts;
pub use places::Columns;

use super::{DiagnosisInput, Source};
use from_csv::{PART_BYTES, read_csv};
use from_frame::read_parquet;
use labels::{alike, counted};
use prediction_rows::PredictionRows;
use std::path::Path;
use ttp_base::{Error, Result, csv_file, files};

/// Reads predictions: parquet by the file's name or its first bytes, or CSV with a header
/// line. Labels are text or whole numbers, kept as they are. Parquet is read a million rows at a
/// time, CSV in parts of 16 MB, where no quote is in it by several threads.
///
/// # Errors
/// If the file cannot be read, has no row, lacks a column, or two could be the one that is looked
/// for; if a label is missing or NaN; if a probability is no number from 0 to 1, or those of a
/// row do not add up to 1 within 0.001: file, row and field.
pub fn read_predictions(file: &Path, columns: &Columns) -> Result<DiagnosisInput> {
    let parquet = files::is_parquet(file);
    let (gathered, places) =
        if parquet { read_parquet(file, columns)? } else { read_csv(file, columns, PART_BYTES)? };
    let PredictionRows { mut truth, mut predicted, confidences, mut notes, .. } = gathered;
    if truth.rows.is_empty() {
        return Err(Error::input(file, "there is no row of predictions"));
    }
    let (true_is_1, of_labels) = alike(&mut truth, &mut predicted, |rows| match parquet {
        true => Ok(rows.iter().map(|row| (*row, row + 1)).collect()),
        false => csv_file::lines_of(file, rows),
    })?;
    notes.extend(of_labels);
    let counts = counted(truth, predicted).map_err(|error| Error::input(file, error))?;
    let source = Source {
        file: file.to_path_buf(),
        truth: Some(places.truth.name),
        predicted: places.predicted.map(|place| place.name),
        probabilities: match places.of_all.is_empty() {
            true => places.confidence.map(|place| place.name),
            false => columns.probabilities.clone(),
        },
    };
    let probabilities = confidences.map(|tallies| tallies[usize::from(true_is_1)].scores());
    Ok(DiagnosisInput { source, counts, probabilities, notes })
}
