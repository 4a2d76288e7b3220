//! The corpus as a polars frame, and as a parquet file.

use super::{Corpus, Operation, Sample, Sentence};
use polars::prelude::*;
use std::path::Path;
pub use ttp_base::frame::{read_parquet, write_parquet};
use ttp_base::{Error, Result};

/// The columns of a corpus's frame and file, in their order; all are strings, and
/// only `subtechnique` may be null.
pub const COLUMNS: [&str; 5] = ["technique", "subtechnique", "name", "sentence", "source"];

impl Corpus {
    /// One row a sentence, with the [`COLUMNS`].
    ///
    /// # Errors
    /// If polars cannot make the frame.
    pub fn to_frame(&self) -> Result<DataFrame> {
        let rows = &self.sentences;
        let text = |name: &str, value: fn(&Sentence) -> &str| {
            Column::new(name.into(), rows.iter().map(value).collect::<Vec<_>>())
        };
        let subtechniques: Vec<_> = rows.iter().map(|row| row.subtechnique.as_deref()).collect();
        let columns = vec![
            text(COLUMNS[0], |row| &row.technique),
            Column::new(COLUMNS[1].into(), subtechniques),
            text(COLUMNS[2], |row| &row.name),
            text(COLUMNS[3], |row| &row.text),
            text(COLUMNS[4], |row| &row.source_id),
        ];
        DataFrame::new(rows.len(), columns).map_err(Error::library("making the corpus's frame"))
    }

    /// Rows of each technique, the largest first: `technique`, `name`, `rows`.
    ///
    /// # Errors
    /// If polars cannot make the frame.
    pub fn by_technique(&self) -> Result<DataFrame> {
        let names = self.names();
        let mut counts: Vec<(String, usize)> = self.counts().into_iter().collect();
        counts.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let rows: Vec<u64> = counts.iter().map(|(_, rows)| *rows as u64).collect();
        let name_of = |id: &String| names.get(id).cloned().unwrap_or_default();
        let names: Vec<String> = counts.iter().map(|(id, _)| name_of(id)).collect();
        let techniques: Vec<String> = counts.into_iter().map(|(id, _)| id).collect();
        let columns = vec![
            Column::new("technique".into(), techniques),
            Column::new("name".into(), names),
            Column::new("rows".into(), rows),
        ];
        DataFrame::new(self.counts().len(), columns).map_err(Error::library("counting techniques"))
    }

    /// The corpus of a frame with the [`COLUMNS`]; others are ignored.
    ///
    /// # Errors
    /// If a column is absent or no strings, or a value other than a sub-technique is
    /// null or empty: `file`, which is only named, and row (from 1) and column.
    pub fn from_frame(frame: &DataFrame, file: &Path) -> Result<Self> {
        let column = |name: &'static str| {
            let found = frame.column(name).and_then(Column::str);
            found.map_err(|error| Error::input_at(file, None, Some(name), error))
        };
        let columns = [
            column(COLUMNS[0])?,
            column(COLUMNS[1])?,
            column(COLUMNS[2])?,
            column(COLUMNS[3])?,
            column(COLUMNS[4])?,
        ];
        let need = |at: usize, row: usize| match columns[at].get(row) {
            Some(value) if !value.is_empty() => Ok(value.to_owned()),
            _ => Err(Error::input_at(file, Some(row + 1), Some(COLUMNS[at]), "missing or empty")),
        };
        let sentences = (0..frame.height()).map(|row| {
            Ok(Sentence {
                technique: need(0, row)?,
                subtechnique: columns[1].get(row).map(str::to_owned),
                name: need(2, row)?,
                text: need(3, row)?,
                source_id: need(4, row)?,
            })
        });
        Ok(Self { sentences: sentences.collect::<Result<_>>()? })
    }

    /// Writes the frame to a parquet file, whole or not at all.
    ///
    /// # Errors
    /// If the folder or the file cannot be written; what was there before stays.
    pub fn write_parquet(&self, path: &Path) -> Result<()> {
        write_parquet(&mut self.to_frame()?, path)
    }

    /// Reads what [`Corpus::write_parquet`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, is no parquet, or lacks a column or a value.
    pub fn read_parquet(path: &Path) -> Result<Self> {
        Self::from_frame(&read_parquet(path)?, path)
    }
}

/// The columns of a file of samples.
const SAMPLE_COLUMNS: [&str; 4] = ["row", "technique", "sentence", "operation"];

/// Samples as a frame: `row`, `technique`, `sentence`, `operation`.
///
/// # Errors
/// If polars cannot make the frame.
pub fn samples_frame(samples: &[Sample]) -> Result<DataFrame> {
    let text = |name: &str, value: fn(&Sample) -> &str| {
        Column::new(name.into(), samples.iter().map(value).collect::<Vec<_>>())
    };
    let rows: Vec<u32> = samples.iter().map(|sample| sample.row).collect();
    let columns = vec![
        Column::new(SAMPLE_COLUMNS[0].into(), rows),
        text(SAMPLE_COLUMNS[1], |sample| &sample.technique),
        text(SAMPLE_COLUMNS[2], |sample| &sample.text),
        text(SAMPLE_COLUMNS[3], |sample| sample.operation.name()),
    ];
    DataFrame::new(samples.len(), columns).map_err(Error::library("making the samples' frame"))
}

/// Writes samples to a parquet file, whole or not at all.
///
/// # Errors
/// If the folder or the file cannot be written; what was there before stays.
pub fn write_samples(samples: &[Sample], path: &Path) -> Result<()> {
    write_parquet(&mut samples_frame(samples)?, path)
}

/// Reads what [`write_samples`] wrote.
///
/// # Errors
/// If the file cannot be read, is no parquet, or lacks a column or a value.
pub fn read_samples(path: &Path) -> Result<Vec<Sample>> {
    let frame = read_parquet(path)?;
    let wrong = |column: usize, row: Option<usize>, reason: &dyn std::fmt::Display| {
        Error::input_at(path, row, Some(SAMPLE_COLUMNS[column]), reason)
    };
    let text = |column: usize| {
        let found = frame.column(SAMPLE_COLUMNS[column]).and_then(Column::str);
        found.map_err(|error| wrong(column, None, &error))
    };
    let rows = frame.column(SAMPLE_COLUMNS[0]).and_then(Column::u32);
    let rows = rows.map_err(|error| wrong(0, None, &error))?;
    let (techniques, texts, operations) = (text(1)?, text(2)?, text(3)?);
    (0..frame.height())
        .map(|at| {
            let missing = |column| wrong(column, Some(at + 1), &"missing");
            let operation = operations.get(at).ok_or_else(|| missing(3))?;
            Ok(Sample {
                row: rows.get(at).ok_or_else(|| missing(0))?,
                technique: techniques.get(at).ok_or_else(|| missing(1))?.to_owned(),
                text: texts.get(at).ok_or_else(|| missing(2))?.to_owned(),
                operation: Operation::from_name(operation)
                    .ok_or_else(|| wrong(3, Some(at + 1), &"unknown operation"))?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn samples_come_back_as_they_were() {
        let sample = |row, operation, text: &str| Sample {
            row,
            technique: "T1059".into(),
            text: text.into(),
            operation,
        };
        let samples = vec![
            sample(3, Operation::Original, "=cmd|' /C calc'!A0 \u{1b}[31m <script>"),
            sample(3, Operation::Swap, "\u{202e}right to left\nand a second line"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.parquet");
        write_samples(&samples, &path).unwrap();
        assert_eq!(read_samples(&path).unwrap(), samples);

        std::fs::write(&path, b"PAR1 cut off").unwrap();
        let message = read_samples(&path).unwrap_err().to_string();
        assert!(
            message.contains("not a whole parquet file") && !message.contains('\n'),
            "{message}"
        );
    }
}
