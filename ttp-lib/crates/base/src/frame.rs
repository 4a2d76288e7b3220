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
    ParquetReader::new(file)
        .finish()
        .map_err(|error| Error::input(path, format!("not a whole parquet file: {error}")))
}
