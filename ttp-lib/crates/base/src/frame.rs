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

/// Why a parquet file cannot be read: it is damaged, has two columns of one name, or columns of a
/// type that polars was built without.
pub fn unread_parquet(path: &Path) -> impl Fn(PolarsError) -> Error + '_ {
    move |error| {
        if let PolarsError::Duplicate(said) = &error {
            let name = said.split_once('\'').and_then(|(_, rest)| rest.split_once('\''));
            let name = name.map(|(name, _)| name);
            return Error::input_at(path, None, name, "two columns have this name");
        }
        let error = error.to_string();
        let reason = match error.split_once("cannot create series from ") {
            Some((_, kind)) => format!("a column's type is not read: {kind}"),
            None => format!("not a whole parquet file: {error}"),
        };
        Error::input(path, reason)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // Others write such files: https://github.com/pola-rs/polars/issues/27393 and
    // https://github.com/apache/datafusion/issues/24381
    #[test]
    fn two_columns_of_one_name_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let mut frame = df!("label_a" => [0.5, 1.5], "label_b" => [2.5, 3.5]).unwrap();
        write_parquet(&mut frame, &path).unwrap();
        // polars writes none: the second name becomes the first one's in the bytes.
        let mut bytes = std::fs::read(&path).unwrap();
        let places: Vec<usize> =
            (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"label_b")).collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + 7].copy_from_slice(b"label_a");
        }
        std::fs::write(&path, bytes).unwrap();
        let error = read_parquet(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("t.parquet, field \"label_a\": two columns have this name"),
            "{error}"
        );
    }
}
