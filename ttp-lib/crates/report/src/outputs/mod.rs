//! PLACEHOLDER: the outputs are written elsewhere, with these signatures.

use crate::Report;
use std::path::{Path, PathBuf};
use ttp_lib::{Result, files};

/// The techniques, a line each.
pub fn table(report: &Report) -> String {
    let line = |t: &crate::Technique| {
        format!(
            "{}  {:.3}  {} sentences  {}\n",
            t.technique,
            t.probability,
            t.evidence.len(),
            t.name
        )
    };
    report.techniques.iter().map(line).collect()
}

/// Writes `report.json` into a folder.
///
/// # Errors
/// If it cannot be written.
pub fn write(report: &Report, folder: &Path) -> Result<Vec<PathBuf>> {
    let file = folder.join("report.json");
    files::write_json(&file, report)?;
    Ok(vec![file])
}
