//! Any polars frame as a parquet file, whole or not at all.

use crate::{Error, Result, files};
use polars::prelude::*;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let file = File::open(path).map_err(Error::file(path, "read"))?;
    frame_of(path, ParquetReader::new(file))
}

/// The frame that a reader of that file gives.
///
/// # Errors
/// If the file is damaged.
pub fn frame_of(path: &Path, reader: ParquetReader<File>) -> Result<DataFrame> {
    let frame = of_parquet(path, || {
        let frame = reader.finish()?;
        // Of one value or none, polars makes a column where it is first looked at, and of some types it
        // panics then.
        if frame.height() < 2 {
            frame.columns().iter().for_each(|column| _ = column.as_materialized_series());
        }
        Ok(frame)
    })?;
    for column in frame.columns() {
        let rows = match column {
            // What stands in no row group is filled up with what is missing, once for all rows.
            Column::Scalar(_) if frame.height() > 1 => 0,
            _ => column.len(),
        };
        // polars does not look: what is read of such a frame later would be a panic.
        if rows != frame.height() {
            let reason = format!("damaged: {rows} of {} rows", frame.height());
            return Err(Error::input_at(path, None, Some(column.name()), reason));
        }
    }
    Ok(frame)
}

/// How many threads read parquet now.
static READING: AtomicUsize = AtomicUsize::new(0);

/// What polars reads of a parquet file. Of some damages it panics, in whatever thread: they are told
/// in one line as any other.
///
/// # Errors
/// If the file is damaged.
pub fn of_parquet<T>(path: &Path, read: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    static SILENT: Once = Once::new();
    SILENT.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let is_own = panic.location().is_none_or(|place| !place.file().contains("polars"));
            if is_own || READING.load(Ordering::Relaxed) == 0 {
                before(panic);
            }
        }));
    });
    READING.fetch_add(1, Ordering::Relaxed);
    let found = catch_unwind(AssertUnwindSafe(read));
    READING.fetch_sub(1, Ordering::Relaxed);
    let damaged = |_| Error::input(path, "not a whole parquet file: damaged");
    found.map_err(damaged)?.map_err(unread_parquet(path))
}

/// Why a parquet file cannot be read: it is damaged, has two columns of one name, or columns of a
/// type that polars was built without.
fn unread_parquet(path: &Path) -> impl Fn(PolarsError) -> Error + '_ {
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

    /// What the fuzz targets found: a validity shorter than its column, a column shorter than the
    /// frame, one of a type without its values.
    #[test]
    fn damages_of_which_polars_panics_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        for (bytes, said) in [
            (
                &include_bytes!("../../../../fuzz/seeds/predictions/refused-validity.parquet")[..],
                "t.parquet: not a whole parquet file: damaged",
            ),
            (
                include_bytes!("../../../../fuzz/seeds/parquet/refused-rows-short.parquet"),
                "t.parquet, field \"technique\": damaged: 2 of 501 rows",
            ),
            (
                include_bytes!(
                    "../../../../fuzz/seeds/parquet/refused-type-without-values.parquet"
                ),
                "t.parquet, field \"subtechnique\": damaged: 0 of 2 rows",
            ),
            (
                include_bytes!(
                    "../../../../fuzz/seeds/parquet/refused-rows-without-values.parquet"
                ),
                "t.parquet, field \"technique\": damaged: 2 of 134597244542 rows",
            ),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_parquet(&path).unwrap_err().to_string();
            assert!(error.ends_with(said), "{error}");
        }
    }

    /// polars keeps them as it keeps what it fills up.
    #[test]
    fn files_of_one_row_and_of_none_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        for rows in [0, 1, 2] {
            let texts: Vec<&str> = ["T1105", "T1105"][..rows].to_vec();
            let mut frame = df!("technique" => texts, "row" => vec![7_u32; rows]).unwrap();
            write_parquet(&mut frame, &path).unwrap();
            assert!(read_parquet(&path).unwrap().equals(&frame), "{rows} rows");
        }
    }

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
