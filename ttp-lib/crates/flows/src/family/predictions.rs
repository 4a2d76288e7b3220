//! Predictions of families as a file.

use super::encoder::FamilyPredictions;
use polars::prelude::*;
use std::path::Path;
use ttp_base::frame::write_parquet;
use ttp_base::{Error, Result, files};

/// Writes predictions whole or not at all, as CSV to a name that ends in `.csv`, else as parquet:
/// `row` (from 1), `truth` (where it is known), `predicted` and `probability`, the columns that a
/// diagnosis reads.
///
/// # Errors
/// If the file cannot be written.
pub fn write_predictions(
    judged: &FamilyPredictions,
    families: &[String],
    path: &Path,
) -> Result<()> {
    let best = judged.said.best();
    let name = |family: &usize| families[*family].as_str();
    let probability: Vec<f32> =
        best.iter().enumerate().map(|(row, &family)| judged.said.row(row)[family]).collect();
    let rows: Vec<u32> = (1..).take(best.len()).collect();
    let mut columns = vec![Column::new("row".into(), rows)];
    if !judged.truth.is_empty() {
        let truth: Vec<&str> = judged.truth.iter().map(name).collect();
        columns.push(Column::new("truth".into(), truth));
    }
    let predicted: Vec<&str> = best.iter().map(name).collect();
    columns.push(Column::new("predicted".into(), predicted));
    columns.push(Column::new("probability".into(), probability));
    let making = || Error::library("making the predictions' frame");
    let mut frame = DataFrame::new(best.len(), columns).map_err(making())?;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes).finish(&mut frame).map_err(making())?;
        return files::write_whole(path, |out| {
            out.write_all(&bytes).map_err(Error::file(path, "write"))
        });
    }
    write_parquet(&mut frame, path)
}
