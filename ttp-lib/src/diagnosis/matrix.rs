//! Confusion matrices in files: JSON as [`Confusion`](crate::metrics::Confusion) writes it, or CSV.

use super::{Judged, Source};
use crate::csv_file;
use crate::metrics::{CellCount, SparseConfusion};
use crate::{Error, Result};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// Reads a confusion matrix; rows are truth, columns are predictions. A file whose name ends in
/// `.json` holds `{"labels": […], "rows_truth_columns_predicted": [[…], …]}`, at its top or under
/// `confusion`; any other is CSV: a header with any corner cell and the predictions' labels, then
/// for each class of truth its label and its counts. The CSV's rows may stand in another order
/// than its columns. Cells without rows are not kept, so ten thousand classes can be read.
///
/// # Errors
/// If the file cannot be read, is not square, names a class twice or in rows only, or holds what
/// is no whole number of rows (NaN, −1, 0.5): file, row and field.
pub fn read_matrix(file: &Path) -> Result<Judged> {
    let is_json = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let counts = if is_json { read_json(file)? } else { read_csv(file)? };
    let source =
        Source { file: file.to_path_buf(), truth: None, predicted: None, probabilities: None };
    Ok(Judged { source, counts, probabilities: None })
}

/// A row's length and the counts in it that are not 0.
struct Row(usize, Vec<(u32, u64)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counts;
        impl<'de> Visitor<'de> for Counts {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row of whole numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Row, A::Error> {
                let (mut columns, mut filled) = (0_u32, Vec::new());
                while let Some(count) = row.next_element::<u64>()? {
                    if count > 0 {
                        filled.push((columns, count));
                    }
                    columns += 1;
                }
                Ok(Row(columns as usize, filled))
            }
        }
        deserializer.deserialize_seq(Counts)
    }
}

#[derive(Deserialize)]
struct Matrix {
    labels: Vec<String>,
    rows_truth_columns_predicted: Vec<Row>,
}

/// A file of results with the matrix in it.
#[derive(Deserialize)]
struct Results {
    confusion: Matrix,
}

fn read_json(file: &Path) -> Result<SparseConfusion> {
    let text = std::fs::read_to_string(file).map_err(Error::file(file, "read"))?;
    let matrix = match serde_json::from_str::<Matrix>(&text) {
        Ok(matrix) => matrix,
        // The first mistake is the one to tell, unless the matrix lies a level deeper.
        Err(error) => match serde_json::from_str::<Results>(&text) {
            Ok(Results { confusion }) => confusion,
            Err(_) => return Err(Error::input_at(file, Some(error.line()), None, error)),
        },
    };
    let Matrix { labels, rows_truth_columns_predicted: rows } = matrix;
    if rows.len() != labels.len() {
        let reason = format!("not square: {} rows for {} labels", rows.len(), labels.len());
        return Err(Error::input(file, reason));
    }
    let mut cells = Vec::new();
    for (truth, (Row(columns, filled), label)) in (0_u32..).zip(rows.iter().zip(&labels)) {
        if *columns != labels.len() {
            let reason = format!("not square: {columns} columns for {} labels", labels.len());
            return Err(Error::input_at(file, None, Some(label), reason));
        }
        let cell = |&(predicted, count): &(u32, u64)| CellCount { truth, predicted, count };
        cells.extend(filled.iter().map(cell));
    }
    SparseConfusion::from_cells(labels, cells).map_err(|error| Error::input(file, error))
}

fn read_csv(file: &Path) -> Result<SparseConfusion> {
    let mut reader = csv_file::open(file)?;
    let mut record = ::csv::ByteRecord::new();
    let cells_of = |record: &::csv::ByteRecord, line: usize| -> Result<Vec<String>> {
        let texts =
            record.iter().map(|cell| csv_file::text(cell).map(|text| text.trim().to_owned()));
        texts.collect::<Result<_, String>>().map_err(|e| Error::input_at(file, Some(line), None, e))
    };
    let Some(line) = reader.next(&mut record)? else {
        return Err(Error::input(file, "empty: not even a header"));
    };
    let labels: Vec<String> = cells_of(&record, line)?.into_iter().skip(1).collect();
    if labels.is_empty() {
        return Err(Error::input_at(file, Some(1), None, "a header without a label"));
    }
    let mut place = HashMap::new();
    for (at, label) in (0_u32..).zip(&labels) {
        if place.insert(label.as_str(), at).is_some() {
            let reason = "this label is there twice";
            return Err(Error::input_at(file, Some(1), Some(label), reason));
        }
    }
    let mut cells = Vec::new();
    let mut seen = vec![false; labels.len()];
    let mut rows = 0_usize;
    while let Some(line) = reader.next(&mut record)? {
        let row = cells_of(&record, line)?;
        let wrong =
            |field: Option<&str>, reason: String| Error::input_at(file, Some(line), field, reason);
        if row.len() != labels.len() + 1 {
            let (columns, wanted) = (row.len().saturating_sub(1), labels.len());
            let reason = format!("{columns} counts, the header has {wanted} labels");
            return Err(wrong(None, reason));
        }
        rows += 1;
        let label = row.first().map_or("", String::as_str);
        let Some(&truth) = place.get(label) else {
            let reason = format!("not square: {label:?} is a row and no column");
            return Err(wrong(None, reason));
        };
        if std::mem::replace(&mut seen[truth as usize], true) {
            return Err(wrong(None, format!("{label:?} is there twice")));
        }
        for (predicted, (text, column)) in (0_u32..).zip(row.iter().skip(1).zip(&labels)) {
            let count = whole(text).ok_or_else(|| {
                let reason = format!("{text:?} is no whole number of rows");
                wrong(Some(column), reason)
            })?;
            if count > 0 {
                cells.push(CellCount { truth, predicted, count });
            }
        }
    }
    if rows != labels.len() {
        let reason = format!("not square: {rows} rows for {} columns", labels.len());
        return Err(Error::input(file, reason));
    }
    SparseConfusion::from_cells(labels, cells).map_err(|error| Error::input(file, error))
}

/// `12`, or `12.0` as a frame that once held a missing value writes it.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.split_once('.').map_or(text, |(digits, decimals)| {
        if decimals.bytes().all(|b| b == b'0') { digits } else { "" }
    });
    digits.parse().ok()
}
