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
        let failed = |error: ::csv::Error| match error.into_kind() {
            ::csv::ErrorKind::Io(source) => Error::file(path, "write")(source),
            other => Error::input(path, format!("{other:?}")),
        };
        write_into(out, header, rows).map_err(failed)
    })
}

/// The text of such a file.
///
/// ```
/// let rows = [["=1+1", "T1059"].map(str::to_owned)];
/// let text = ttp_base::csv_file::to_text(["sentence", "technique"], rows)?;
/// assert_eq!(text, "sentence,technique\n'=1+1,T1059\n");
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// None in practice: of the CSV library.
pub fn to_text<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<String> {
    let mut text = Vec::new();
    write_into(&mut text, header, rows).map_err(Error::library("writing CSV"))?;
    String::from_utf8(text).map_err(Error::library("writing CSV"))
}

fn write_into<const N: usize>(
    out: impl std::io::Write,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row.map(guarded))?;
    }
    Ok(writer.flush()?)
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
