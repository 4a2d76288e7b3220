//! A split's rows as CSV files.

use crate::corpus::{Operation, Sample};
use std::path::Path;
use ttp_base::csv_file::{self, CsvFile};
use ttp_base::{Error, Result};

/// The header of a part's file.
pub const COLUMNS: [&str; 4] = ["row", "technique", "sentence", "operation"];

/// Writes samples to a CSV file, whole or not at all.
///
/// The sentences are written by attackers as much as by analysts, so a cell that a
/// spreadsheet would take for a formula is put behind an apostrophe; [`read_csv`]
/// takes it off again, and any text comes back as it was.
///
/// # Errors
/// If the file cannot be written; what was there before stays.
pub fn write_csv(path: &Path, samples: &[Sample]) -> Result<()> {
    let rows = samples.iter().map(|Sample { row, technique, text, operation }| {
        [row.to_string(), technique.clone(), text.clone(), operation.name().to_owned()]
    });
    csv_file::write(path, COLUMNS, rows)
}

/// Reads what [`write_csv`] wrote.
///
/// # Errors
/// If the file cannot be read, has other columns, bytes that are not UTF-8, a row that
/// is no number, an empty technique or sentence, or an unknown operation: row and
/// field are named.
pub fn read_csv(path: &Path) -> Result<Vec<Sample>> {
    let mut rows = CsvFile::open(path)?;
    let header = rows.names();
    if header != COLUMNS {
        let reason = format!("columns {} expected, found {}", COLUMNS.join(","), header.join(","));
        return Err(Error::input_at(path, Some(1), None, reason));
    }
    let mut samples = Vec::new();
    let mut record = csv::ByteRecord::new();
    while let Some(line) = rows.next(&mut record)? {
        let line = Some(line);
        let wrong = |column: usize, reason: &str| {
            Error::input_at(path, line, Some(COLUMNS[column]), reason)
        };
        let cell = |column: usize| {
            let text = csv_file::text(record.get(column).unwrap_or_default());
            match text.map_err(|reason| wrong(column, &reason))? {
                "" => Err(wrong(column, "empty")),
                text => Ok(text),
            }
        };
        samples.push(Sample {
            row: cell(0)?.parse().map_err(|_| wrong(0, "not a row number"))?,
            technique: csv_file::unguarded(cell(1)?).to_owned(),
            text: csv_file::unguarded(cell(2)?).to_owned(),
            operation: Operation::from_name(cell(3)?)
                .ok_or_else(|| wrong(3, "unknown operation"))?,
        });
    }
    Ok(samples)
}
