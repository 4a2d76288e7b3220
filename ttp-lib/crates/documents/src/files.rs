//! Reports on disk.

use crate::{Document, Limits};
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result};

/// Extensions of what a folder is looked through for.
const EXTENSIONS: [&str; 8] = ["txt", "text", "md", "markdown", "html", "htm", "docx", "pdf"];

/// Reads a report from a file.
///
/// # Errors
/// If it cannot be read, is no ordinary file, changes while it is read, or as [`Document::read`];
/// each names the file.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Document> {
    read_watched(path, limits, |file, bytes| file.read_to_end(bytes))
}

/// As [`read_file`], with what reads the bytes: a test changes the file meanwhile.
pub(crate) fn read_watched(
    path: &Path,
    limits: &Limits,
    read: impl FnOnce(&mut std::io::Take<&File>, &mut Vec<u8>) -> std::io::Result<usize>,
) -> Result<Document> {
    let before = std::fs::metadata(path).map_err(Error::file(path, "read"))?;
    // A pipe or a device has no end.
    if !before.is_file() {
        return Err(Error::input(path, "no ordinary file"));
    }
    if before.len() > limits.bytes as u64 {
        let reason = format!("{} bytes, and at most {} are read", before.len(), limits.bytes);
        return Err(Error::input(path, reason));
    }
    let file = File::open(path).map_err(Error::file(path, "read"))?;
    let mut bytes = Vec::new();
    read(&mut (&file).take(limits.bytes as u64 + 1), &mut bytes)
        .map_err(Error::file(path, "read"))?;
    // By its name once more: an editor may have put another file in its place.
    let after = std::fs::metadata(path).map_err(Error::file(path, "read"))?;
    if state(&before) != state(&after) || bytes.len() as u64 != before.len() {
        return Err(Error::input(path, "changed while it was read: read it again"));
    }
    Document::read_as(path, &bytes, limits)
}

fn state(metadata: &Metadata) -> (u64, Option<std::time::SystemTime>, u64) {
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let number = 0;
    (metadata.len(), metadata.modified().ok(), number)
}

/// The files of `paths`; for a folder the reports in it, by their extensions (txt, md, html, docx,
/// pdf …) and sorted by name, without hidden ones and without folders below it. A file that is
/// named twice comes once.
///
/// # Errors
/// If a path does not exist or cannot be read, or a folder holds no report.
pub fn gather(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(Error::file(path, "read"))?;
        let files = if metadata.is_dir() { reports_in(path)? } else { vec![path.clone()] };
        for file in files {
            if !found.contains(&file) {
                found.push(file);
            }
        }
    }
    Ok(found)
}

/// What a folder holds that [`gather`] takes no report from, by name, without hidden files: other
/// files, and folders, which are not looked into.
///
/// # Errors
/// If it cannot be read.
pub fn left_out(folder: &Path) -> Result<Vec<String>> {
    let (_, others) = entries(folder)?;
    let name = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() { name + "/" } else { name }
    };
    Ok(others.into_iter().map(name).collect())
}

fn reports_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let (reports, _) = entries(folder)?;
    if reports.is_empty() {
        let known = EXTENSIONS.join(", ");
        return Err(Error::input(folder, format!("a folder without a report ({known})")));
    }
    Ok(reports)
}

/// The reports in a folder and what else is there, each by name; nothing hidden.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder, "read"))? {
        let path = entry.map_err(Error::file(folder, "read"))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    let is_report = |path: &PathBuf| {
        let extension = crate::format::extension(&path.to_string_lossy());
        extension.is_some_and(|it| EXTENSIONS.contains(&it.as_str())) && path.is_file()
    };
    Ok(paths.into_iter().partition(is_report))
}
