//! The corpus as a polars frame, and as a parquet file.

use super::{Corpus, Sentence};
use crate::{Error, Result, files};
use polars::prelude::*;
use std::path::Path;

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

/// Writes any frame to a parquet file, whole or not at all.
///
/// # Errors
/// If the folder or the file cannot be written; what was there before stays.
pub fn write_parquet(frame: &mut DataFrame, path: &Path) -> Result<()> {
    // Into memory first: polars hides the system's reason (a full disk, say) in words of its own.
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(frame).map_err(Error::library("making parquet"))?;
    files::write_whole(path, |out| out.write_all(&bytes).map_err(Error::file(path, "write")))
}

/// Reads a parquet file into a frame.
///
/// # Errors
/// If the file cannot be read or is no parquet.
pub fn read_parquet(path: &Path) -> Result<DataFrame> {
    let file = std::fs::File::open(path).map_err(Error::file(path, "read"))?;
    ParquetReader::new(file)
        .finish()
        .map_err(|error| Error::input(path, format!("not a whole parquet file: {error}")))
}
