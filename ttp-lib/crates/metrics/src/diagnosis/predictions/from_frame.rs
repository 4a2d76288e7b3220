//! Predictions of a parquet file.

use super::labels::Labels;
use super::places::{Columns, Place, Places};
use super::prediction_rows::PredictionRows;
use polars::prelude::{
    Column, DataFrame, DataType, ParallelStrategy, ParquetReader, SerReader, StringChunked,
};
use std::path::Path;
use ttp_base::frame::{frame_of, of_parquet};
use ttp_base::{Error, Result};

/// As many rows of a parquet file are in memory at a time.
const ROWS_AT_ONCE: usize = 1 << 20;

pub(super) fn read_parquet(file: &Path, columns: &Columns) -> Result<(PredictionRows, Places)> {
    let open = || std::fs::File::open(file).map_err(Error::file(file, "read"));
    let mut first = ParquetReader::new(open()?);
    let schema = of_parquet(file, || first.schema())?;
    let header: Vec<String> = schema.iter_names().map(|name| name.to_string()).collect();
    let rows = of_parquet(file, || first.num_rows())?;
    let places = Places::find(file, &header, columns).map_err(|error| match error {
        // The names of a parquet file's columns stand in no row.
        Error::Input { mut place, reason } => {
            place.row = None;
            Error::Input { place, reason }
        }
        other => other,
    })?;
    let mut gathered = PredictionRows::new(&places);
    for start in (0..rows).step_by(ROWS_AT_ONCE) {
        let wanted = ROWS_AT_ONCE.min(rows - start);
        let reader = ParquetReader::new(open()?)
            .with_columns(Some(places.names()))
            .with_slice(Some((start, wanted)))
            .read_parallel(ParallelStrategy::Columns);
        let frame = frame_of(file, reader)?;
        // A damaged footer may say of rows without end.
        if frame.height() != wanted {
            let reason = format!("damaged: {} of {rows} rows", start + frame.height());
            return Err(Error::input(file, reason));
        }
        take_frame(file, &frame, start, &places, &mut gathered)?;
    }
    Ok((gathered, places))
}

/// Takes the rows of a frame, the first of which is the file's row `start`.
fn take_frame(
    file: &Path,
    frame: &DataFrame,
    start: usize,
    places: &Places,
    gathered: &mut PredictionRows,
) -> Result<()> {
    let column = |place: &Place| {
        let found = frame.column(&place.name);
        found.map_err(|error| Error::input_at(file, None, Some(&place.name), error))
    };
    let at_row = |row: usize, field: &str, reason: String| {
        Error::input_at(file, Some(start + row + 1), Some(field), reason)
    };
    let labels = |place: &Place| texts(file, start, column(place)?, &place.name);
    let truth = labels(&places.truth)?;
    let predicted = places.predicted.as_ref().map(labels).transpose()?;
    if gathered.confidences.is_none()
        && let (Some(predicted), Some(place)) = (&predicted, &places.predicted)
    {
        let take = |labels: &mut Labels, texts: &StringChunked, name: &str| {
            labels.rows.reserve(texts.len());
            for (row, text) in texts.iter().enumerate() {
                let text = text.unwrap_or_default().as_bytes();
                labels.push(text).map_err(|reason| at_row(row, name, reason))?;
            }
            Ok::<(), Error>(())
        };
        let (one, two) = rayon::join(
            || take(&mut gathered.truth, &truth, &places.truth.name),
            || take(&mut gathered.predicted, predicted, &place.name),
        );
        return one.and(two);
    }
    let numbers = |place: &Place| {
        let numbers = column(place)?.cast(&DataType::Float64);
        let numbers = numbers.and_then(|column| column.f64().cloned());
        numbers.map_err(|error| Error::input_at(file, None, Some(&place.name), error))
    };
    let of_all = places.of_all.iter().map(numbers).collect::<Result<Vec<_>>>()?;
    let confidence = places.confidence.as_ref().map(numbers).transpose()?;
    let mut values = vec![0.0; of_all.len()];
    // Chunk by chunk access by row is slow where there are many chunks.
    let of_all: Vec<_> = of_all.iter().map(|column| column.rechunk()).collect();
    let confidence = confidence.map(|column| column.rechunk().into_owned());
    for row in 0..frame.height() {
        for ((value, column), place) in values.iter_mut().zip(&of_all).zip(&places.of_all) {
            let missing = || at_row(row, &place.name, "missing: no probability".to_owned());
            *value = column.get(row).ok_or_else(missing)?;
        }
        let own = match (&confidence, &places.confidence) {
            (Some(column), Some(place)) => {
                let missing = || at_row(row, &place.name, "missing: no probability".to_owned());
                Some(column.get(row).ok_or_else(missing)?)
            }
            _ => None,
        };
        let text = |texts: &StringChunked| texts.get(row).unwrap_or_default().as_bytes().to_vec();
        let said = predicted.as_ref().map(text);
        gathered
            .push(places, &text(&truth), said.as_deref(), &values, own)
            .map_err(|(field, reason)| at_row(row, &field, reason))?;
    }
    Ok(())
}

/// A column of labels as text. Whole numbers in a column of floats, as a frame with missing values
/// has them, lose their `.0`.
pub(in crate::diagnosis) fn texts(
    file: &Path,
    start: usize,
    column: &Column,
    name: &str,
) -> Result<StringChunked> {
    let wrong = |error: String| Error::input_at(file, None, Some(name), error);
    let is_single = match column.dtype() {
        DataType::Float32 => true,
        DataType::Float64 => false,
        _ => return as_text(column).map_err(wrong),
    };
    let floats = column.cast(&DataType::Float64).map_err(|error| wrong(error.to_string()))?;
    let floats = floats.f64().map_err(|error| wrong(error.to_string()))?;
    let label = |(row, value): (usize, Option<f64>)| match value {
        Some(value) if value.is_nan() => {
            let row = Some(start + row + 1);
            Err(Error::input_at(file, row, Some(name), "NaN is no label"))
        }
        // Its own digits, not those of a number in double precision.
        Some(value) if is_single => Ok(Some((value as f32 + 0.0).to_string())),
        Some(value) => Ok(Some((value + 0.0).to_string())),
        None => Ok(None),
    };
    floats.iter().enumerate().map(label).collect()
}

fn as_text(column: &Column) -> Result<StringChunked, String> {
    let text = column.cast(&DataType::String).and_then(|column| column.str().cloned());
    text.map_err(|error| format!("no column of labels: {error}"))
}
