//! CSV as everything here writes it.
//!
//! The sentences are written by attackers as much as by analysts: a cell that a spreadsheet would
//! take for a formula is put behind an apostrophe.

use crate::{Error, Result, files};
use std::path::Path;

/// Writes a header and rows to a CSV file, whole or not at all; each cell [`guarded`].
///
/// # Errors
/// If the file cannot be written; what was there before stays.
pub fn write<const N: usize>(
    path: &Path,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<()> {
    files::write_whole(path, |out| {
        let mut writer = ::csv::Writer::from_writer(out);
        let failed = |error: ::csv::Error| match error.into_kind() {
            ::csv::ErrorKind::Io(source) => Error::file(path, "write")(source),
            other => Error::input(path, format!("{other:?}")),
        };
        writer.write_record(header).map_err(failed)?;
        for row in rows {
            writer.write_record(row.map(guarded)).map_err(failed)?;
        }
        writer.flush().map_err(Error::file(path, "write"))
    })
}

/// Whether a spreadsheet would take the cell for a formula, apostrophes in front set aside.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell that no spreadsheet takes for a formula.
///
/// ```
/// use ttp_base::csv_file::{guarded, unguarded};
/// assert_eq!(guarded("=1+1".to_owned()), "'=1+1");
/// assert_eq!(guarded("a=1".to_owned()), "a=1");
/// assert_eq!(unguarded("'=1+1"), "=1+1");
/// ```
pub fn guarded(cell: String) -> String {
    if is_formula(&cell) { format!("'{cell}") } else { cell }
}

/// The cell that [`guarded`] was given.
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(bare) if is_formula(bare) => bare,
        _ => cell,
    }
}
