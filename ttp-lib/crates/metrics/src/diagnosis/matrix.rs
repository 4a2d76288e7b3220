//! Confusion matrices in files: JSON as [`Confusion`](crate::Confusion) writes it, or CSV.

use super::whole_number::whole;
use super::{DiagnosisInput, Source};
use crate::{CellCount, SparseConfusion};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use ttp_base::spelling::tidy;
use ttp_base::{Error, Result, csv_file, files};

/// Reads a confusion matrix; rows are truth, columns are predictions. A file whose name ends in
/// `.json` holds `{"labels": […], "rows_truth_columns_predicted": [[…], …]}`, at its top or under
/// `confusion`; any other is CSV: a header with any corner cell and the predictions' labels, then
/// for each class of truth its label and its counts. The CSV's rows may stand in another order
/// than its columns. Cells without rows are not kept, so ten thousand classes can be read.
///
/// # Errors
/// If the file cannot be read, is not square, names a class twice or in rows only, or holds what
/// is no whole number of rows (NaN, −1, 0.5): file, row and field.
pub fn read_matrix(file: &Path) -> Result<DiagnosisInput> {
    let is_json = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let (counts, notes) = if is_json { read_json(file)? } else { read_csv(file)? };
    let source =
        Source { file: file.to_path_buf(), truth: None, predicted: None, probabilities: None };
    Ok(DiagnosisInput { source, counts, probabilities: None, notes })
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
                while let Some(number) = row.next_element::<serde_json::Number>()? {
                    let count = number.as_u64().or_else(|| whole(&number.to_string()));
                    let count = count.ok_or_else(|| {
                        A::Error::custom(format!("{number} is no whole number of rows"))
                    })?;
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

/// Labels, also where they are numbers, as in a CSV file's header.
fn label_texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = |label: serde_json::Value| match label {
        serde_json::Value::String(text) => Ok(tidy(&text).into_owned()),
        serde_json::Value::Number(number) => Ok(tidy(&number.to_string()).into_owned()),
        other => Err(D::Error::custom(format!("{other} is no label"))),
    };
    Vec::<serde_json::Value>::deserialize(deserializer)?.into_iter().map(text).collect()
}

#[derive(Deserialize)]
struct Matrix {
    #[serde(deserialize_with = "label_texts")]
    labels: Vec<String>,
    rows_truth_columns_predicted: Vec<Row>,
}

/// A file of results with the matrix in it.
#[derive(Deserialize)]
struct Results {
    confusion: Matrix,
}

fn read_json(file: &Path) -> Result<(SparseConfusion, Vec<String>)> {
    let text = files::read_text(file)?;
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
    let mut lines = Vec::with_capacity(rows.len());
    for (Row(columns, filled), label) in rows.into_iter().zip(&labels) {
        if columns != labels.len() {
            let reason = format!("not square: {columns} columns for {} labels", labels.len());
            return Err(Error::input_at(file, None, Some(label), reason));
        }
        lines.push(Line { number: None, label: label.clone(), filled });
    }
    counted(file, labels, lines)
}

/// One line of a matrix: its label, and the counts in it that are not 0, by column.
struct Line {
    /// Its number in a CSV file.
    number: Option<usize>,
    label: String,
    filled: Vec<(u32, u64)>,
}

impl Line {
    /// What stands before a column, and what in it.
    fn sum_and_count(&self, column: u32) -> (u64, u64) {
        self.filled.iter().fold((0, 0), |(sum, count), &(at, here)| match at.cmp(&column) {
            Ordering::Less => (sum.saturating_add(here), count),
            Ordering::Equal => (sum, here),
            Ordering::Greater => (sum, count),
        })
    }
}

fn read_csv(file: &Path) -> Result<(SparseConfusion, Vec<String>)> {
    let mut reader = csv_file::open(file)?;
    let mut record = ::csv::ByteRecord::new();
    let cells_of = |record: &::csv::ByteRecord, line: usize| -> Result<Vec<String>> {
        let texts =
            record.iter().map(|cell| csv_file::text(cell).map(|text| tidy(text).into_owned()));
        texts.collect::<Result<_, String>>().map_err(|e| Error::input_at(file, Some(line), None, e))
    };
    let Some(line) = reader.next(&mut record)? else {
        return Err(Error::input(file, "empty: not even a header"));
    };
    let labels: Vec<String> = cells_of(&record, line)?.into_iter().skip(1).collect();
    if labels.is_empty() {
        let parted = csv_file::text(record.get(0).unwrap_or_default()).unwrap_or_default();
        let reason = match parted.contains([';', '\t', '|']) {
            true => "a header without a label: columns are parted by commas",
            false => "a header without a label",
        };
        return Err(Error::input_at(file, Some(1), None, reason));
    }
    let mut seen = HashSet::new();
    if let Some(label) = labels.iter().find(|label| !seen.insert(label.as_str())) {
        return Err(Error::input_at(file, Some(1), Some(label), "this label is there twice"));
    }
    let mut lines: Vec<Line> = Vec::with_capacity(labels.len());
    while let Some(number) = reader.next(&mut record)? {
        let row = cells_of(&record, number)?;
        let wrong = |field: Option<&str>, reason: String| {
            Error::input_at(file, Some(number), field, reason)
        };
        if row.len() != labels.len() + 1 {
            let (columns, wanted) = (row.len().saturating_sub(1), labels.len());
            let reason = format!("{columns} counts, the header has {wanted} labels");
            return Err(wrong(None, reason));
        }
        let mut filled = Vec::new();
        for (at, (text, column)) in (0_u32..).zip(row.iter().skip(1).zip(&labels)) {
            let count = whole(text).ok_or_else(|| {
                let reason = format!("{text:?} is no whole number of rows");
                wrong(Some(column), reason)
            })?;
            if count > 0 {
                filled.push((at, count));
            }
        }
        let label = row.into_iter().next().unwrap_or_default();
        lines.push(Line { number: Some(number), label, filled });
    }
    let (counts, mut notes) = counted(file, labels, lines)?;
    notes.extend(reader.notes());
    Ok((counts, notes))
}

/// The counts of a matrix's lines, sums taken off; and what to know of it.
fn counted(
    file: &Path,
    mut labels: Vec<String>,
    mut lines: Vec<Line>,
) -> Result<(SparseConfusion, Vec<String>)> {
    let notes = without_margins(&mut labels, &mut lines);
    if let Some((row, reason)) = wrong_margin(&labels, &lines) {
        return Err(Error::input_at(file, row, labels.last().map(String::as_str), reason));
    }
    let place: HashMap<&str, u32> = labels.iter().map(String::as_str).zip(0..).collect();
    let mut cells = Vec::new();
    let mut seen = vec![false; labels.len()];
    for Line { number, label, filled } in &lines {
        let wrong = |reason: String| Error::input_at(file, *number, None, reason);
        let Some(&truth) = place.get(label.as_str()) else {
            return Err(wrong(format!("not square: {label:?} is a row and no column")));
        };
        if std::mem::replace(&mut seen[truth as usize], true) {
            return Err(wrong(format!("{label:?} is there twice")));
        }
        let cell = |&(predicted, count): &(u32, u64)| CellCount { truth, predicted, count };
        cells.extend(filled.iter().map(cell));
    }
    if lines.len() != labels.len() {
        let reason = format!("not square: {} rows for {} columns", lines.len(), labels.len());
        return Err(Error::input(file, reason));
    }
    let counts =
        SparseConfusion::from_cells(labels, cells).map_err(|error| Error::input(file, error))?;
    Ok((counts, notes))
}

/// Takes off a last column, a last row, or both, in which the sums of the others stand, as cross
/// tables have them; of a square table with two columns no one can tell. One note for each.
fn without_margins(labels: &mut Vec<String>, lines: &mut Vec<Line>) -> Vec<String> {
    last_where_named(labels, lines);
    let (columns, rows) = (labels.len(), lines.len());
    let last = columns.saturating_sub(1) as u32;
    let sums_in_column = rows >= 2
        && lines.iter().all(|line| {
            let (sum, count) = line.sum_and_count(last);
            sum == count
        });
    let sums_in_row = rows >= 2 && {
        let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
        for &(at, count) in lines[..rows - 1].iter().flat_map(|line| &line.filled) {
            let sum = sums.entry(at).or_default();
            *sum = sum.saturating_add(count);
        }
        sums.into_iter().eq(lines[rows - 1].filled.iter().copied())
    };
    let no_column = |label: &str| !labels.iter().any(|column| column == label);
    let square = rows == columns && columns >= 3 && sums_in_column && sums_in_row;
    let off_column = square
        || (columns == rows + 1
            && sums_in_column
            && !lines.iter().any(|line| Some(&line.label) == labels.last()));
    let off_row =
        square || (rows == columns + 1 && sums_in_row && no_column(&lines[rows - 1].label));
    let mut notes = Vec::new();
    if off_row && let Some(line) = lines.pop() {
        notes.push(format!("the last row, {:?}, is the sum of the others: left out", line.label));
    }
    if off_column && let Some(label) = labels.pop() {
        notes.push(format!("the last column, {label:?}, is the sum of the others: left out"));
        for line in lines.iter_mut() {
            line.filled.retain(|(at, _)| *at != last);
        }
    }
    notes
}

/// What tables call the sums of their rows and columns.
fn is_margin(label: &str) -> bool {
    ["all", "total", "totals", "sum", "sums", "margin", "margins", "grand total"]
        .iter()
        .any(|name| label.trim().eq_ignore_ascii_case(name))
}

/// Puts a first row and a first column with a margin's name last, where sums are looked for.
fn last_where_named(labels: &mut [String], lines: &mut [Line]) {
    if lines.first().is_some_and(|line| is_margin(&line.label)) {
        lines.rotate_left(1);
    }
    if labels.first().is_some_and(|label| is_margin(label)) {
        labels.rotate_left(1);
        let last = labels.len() as u32 - 1;
        for line in lines {
            let columns =
                line.filled.iter().map(|&(at, count)| (at.checked_sub(1).unwrap_or(last), count));
            line.filled = columns.collect();
            line.filled.sort_unstable_by_key(|(at, _)| *at);
        }
    }
}

/// A margin's name on the last row and column of a table whose sums are others. Of a table with
/// two columns no one can tell.
fn wrong_margin(labels: &[String], lines: &[Line]) -> Option<(Option<usize>, String)> {
    let (label, line) = (labels.last()?, lines.last()?);
    if labels.len() < 3 || !is_margin(label) || *label != line.label {
        return None;
    }
    let last = labels.len() as u32 - 1;
    let wrong = lines.iter().find_map(|line| {
        let (sum, count) = line.sum_and_count(last);
        (sum != count).then_some((line.number, sum, count))
    });
    let reason = |sum: u64, count: u64| {
        format!(
            "{label:?} is a margin's name, and here it is {count} where the others add up to {sum}: \
             correct it, or leave the row and the column out"
        )
    };
    match wrong {
        Some((number, sum, count)) => Some((number, reason(sum, count))),
        None => Some((
            line.number,
            format!("{label:?} is a margin's name, and a column does not add up to it"),
        )),
    }
}
