//! Any polars frame as a parquet file, whole or not at all.

use crate::{Error, Result, files};
use polars::prelude::*;
use std::path::Path;

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
    ParquetReader::new(file).finish().map_err(unread_parquet(path))
}

/// Why a parquet file cannot be read: it is damaged, or has columns of a type that polars was built
/// without.
pub fn unread_parquet(path: &Path) -> impl Fn(PolarsError) -> Error + '_ {
    move |error| {
        let error = error.to_string();
        let reason = match error.split_once("cannot create series from ") {
            Some((_, kind)) => format!("a column's type is not read: {kind}"),
            None => format!("not a whole parquet file: {error}"),
        };
        Error::input(path, reason)
    }
}
