//! CSV as everything here reads it: a header whose names differ, cells quoted as RFC 4180 says,
//! and rows that are counted as an editor counts lines, whatever ends them.
//!
//! The csv library reads any quoting in some way: a quote that is never closed swallows the rows
//! behind it. Here no row is lost and no cell is altered without a word: what is not quoted
//! rightly is an error with its row.

mod strict;
mod written;

pub use written::{guarded, to_text, unguarded, write};

use crate::files::{self, MARK, ReadAhead};
use crate::{Error, Result};
use ::csv::ByteRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use strict::{Damage, Strict};

/// Records of a CSV file, one after the other.
pub struct Records<R> {
    path: PathBuf,
    reader: ::csv::Reader<Strict<R>>,
    /// As many cells as the header has, each record must have.
    cells: Option<usize>,
}

impl<R: Read> Records<R> {
    fn over(path: &Path, bytes: Strict<R>, cells: Option<usize>) -> Self {
        let reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 17)
            .from_reader(bytes);
        Self { path: path.to_path_buf(), reader, cells }
    }

    /// What stands behind a header of `cells` cells; the first byte is the first of `line`.
    pub fn part(path: &Path, bytes: R, line: usize, cells: usize) -> Self {
        Self::over(path, Strict::new(bytes, line), Some(cells))
    }

    /// The next record, and its first line; `None` at the end.
    ///
    /// # Errors
    /// If reading fails, the quoting is wrong, or there are more or fewer cells than in the
    /// header.
    pub fn next(&mut self, record: &mut ByteRecord) -> Result<Option<usize>> {
        if !self.reader.read_byte_record(record).map_err(|error| explain(&self.path, error))? {
            return Ok(None);
        }
        let line = self.reader.get_mut().next_start().unwrap_or_default();
        match self.cells {
            Some(cells) if cells != record.len() => {
                let reason = format!("{} cells, the header has {cells}", record.len());
                Err(Error::input_at(&self.path, Some(line), None, reason))
            }
            _ => Ok(Some(line)),
        }
    }

    /// What a cell with line ends in it may be: a quote that was meant as a character.
    pub fn notes(&self) -> Option<String> {
        let bytes = self.reader.get_ref();
        let first = bytes.first_long?;
        let many = match bytes.long {
            1 => "1 row runs".to_owned(),
            rows => format!("{rows} rows run"),
        };
        Some(format!("{many} over several lines (the first: row {first}): are its quotes right?"))
    }
}

/// A CSV file behind its header.
pub struct CsvFile<R = File> {
    path: PathBuf,
    /// The columns' names as they stand in the file.
    header: Vec<String>,
    records: Records<R>,
    /// Bytes of the mark in front of the first record.
    before: u64,
}

impl CsvFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// If it cannot be read, is empty, packed, a Git LFS pointer, UTF-16 or UTF-32, or if two
    /// columns have one name (blanks around it aside).
    pub fn open(path: &Path) -> Result<Self> {
        let (records, before) = opened(path)?;
        Self::with_header(path, records, before)
    }

    /// The number of the file's byte that is read next.
    pub fn position(&self) -> u64 {
        self.before + self.records.reader.position().byte()
    }

    /// Where the first row behind the header begins: its byte, and its line.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn body(&self) -> Result<(u64, usize)> {
        let wrong = |error| Error::file(&self.path, "read")(error);
        let mut head = Vec::new();
        let file = File::open(&self.path).map_err(wrong)?;
        file.take(self.position() + 1).read_to_end(&mut head).map_err(wrong)?;
        let end = self.position() as usize;
        // Of a line's end of two bytes the csv library has read one.
        let end = if head.get(end) == Some(&b'\n') { end + 1 } else { end };
        let head = &head[..end.min(head.len())];
        let ends = memchr::memchr2_iter(b'\n', b'\r', head);
        let lines = ends.filter(|&at| head[at] == b'\n' || head.get(at + 1) != Some(&b'\n'));
        Ok((head.len() as u64, 1 + lines.count()))
    }

    /// The records from a [`position`](Self::position) on, of which the first is in `line`. How
    /// many cells they have was seen when the file was opened.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn records_from(path: &Path, position: u64, line: usize) -> Result<Records<File>> {
        let mut file = File::open(path).map_err(Error::file(path, "read"))?;
        file.seek(SeekFrom::Start(position)).map_err(Error::file(path, "read"))?;
        Ok(Records::over(path, Strict::before(file, line), None))
    }
}

impl<R: Read> CsvFile<ReadAhead<R>> {
    /// Reads the header of what `read` gives: a file that is unpacked, say.
    ///
    /// # Errors
    /// As [`open`](CsvFile::open).
    pub fn of(path: &Path, read: R) -> Result<Self> {
        let read = files::begin_text(path, read)?;
        Self::with_header(path, Records::over(path, Strict::new(read, 1), None), 0)
    }
}

impl<R: Read> CsvFile<R> {
    fn with_header(path: &Path, mut records: Records<R>, before: u64) -> Result<Self> {
        let mut record = ByteRecord::new();
        let Some(line) = records.next(&mut record)? else {
            return Err(Error::input(path, "empty: not even a header"));
        };
        let mut header: Vec<String> = Vec::with_capacity(record.len());
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (at, name) in record.iter().enumerate() {
            let name = std::str::from_utf8(name).map_err(|error| {
                Error::input_at(path, Some(line), None, format!("not UTF-8: {error}"))
            })?;
            let bare = name.trim();
            if !bare.is_empty()
                && let Some(first) = seen.insert(bare.to_owned(), at)
            {
                let reason = format!("two columns have this name, {} and {}", first + 1, at + 1);
                return Err(Error::input_at(path, Some(line), Some(bare), reason));
            }
            header.push(name.to_owned());
        }
        records.cells = Some(header.len());
        Ok(Self { path: path.to_path_buf(), header, records, before })
    }

    /// The columns' names, without blanks around them.
    pub fn names(&self) -> Vec<String> {
        self.header.iter().map(|name| name.trim().to_owned()).collect()
    }

    /// The number of the column of this name, or of this name but for blanks around it.
    ///
    /// # Errors
    /// If there is none.
    pub fn column(&self, name: &str) -> Result<usize> {
        position(&self.header, name).ok_or_else(|| {
            let there: Vec<String> = self.header.iter().map(|name| shown(name)).collect();
            let mut reason = format!("no such column; there are: {}", there.join(", "));
            if let [only] = &self.header[..]
                && only.contains([';', '\t'])
            {
                reason += "; columns are parted by commas, here they seem to be parted by semicolons \
                           or tabs";
            }
            Error::input_at(&self.path, Some(1), Some(name), reason)
        })
    }

    /// As [`Records::next`].
    ///
    /// # Errors
    /// As there.
    pub fn next(&mut self, record: &mut ByteRecord) -> Result<Option<usize>> {
        self.records.next(record)
    }

    /// As [`Records::notes`].
    pub fn notes(&self) -> Option<String> {
        self.records.notes()
    }
}

/// The lines in which rows begin, as an editor counts lines: blank ones and cells of several lines
/// stand before them. Row 0 is the first below the header. Asked for only where something is to be
/// told of a row, so the file is read again.
///
/// # Errors
/// As [`CsvFile::open`]; if a row before the last of these is malformed.
pub fn lines_of(path: &Path, rows: &BTreeSet<usize>) -> Result<BTreeMap<usize, usize>> {
    let mut file = CsvFile::open(path)?;
    let (mut record, mut lines) = (ByteRecord::new(), BTreeMap::new());
    for row in 0..rows.last().map_or(0, |last| last + 1) {
        let Some(line) = file.next(&mut record)? else { break };
        if rows.contains(&row) {
            lines.insert(row, line);
        }
    }
    Ok(lines)
}

/// Opens a file whose first row is no header.
///
/// # Errors
/// If it cannot be read, or is packed, a Git LFS pointer, UTF-16 or UTF-32.
pub fn open(path: &Path) -> Result<Records<File>> {
    opened(path).map(|(records, _)| records)
}

fn opened(path: &Path) -> Result<(Records<File>, u64)> {
    files::refuse_pointer(path)?;
    let wrong = |error| Error::file(path, "read")(error);
    let mut file = File::open(path).map_err(wrong)?;
    let mut start = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut start).map_err(wrong)?;
    files::refuse_other_kind(path, &start)?;
    let before = if start.starts_with(&MARK) { MARK.len() as u64 } else { 0 };
    file.seek(SeekFrom::Start(before)).map_err(wrong)?;
    Ok((Records::over(path, Strict::new(file, 1), None), before))
}

/// The cells of one line; `None` where its quoting is not right.
pub fn cells(line: &str) -> Option<Vec<String>> {
    let mut records = Records::over(Path::new(""), Strict::new(line.as_bytes(), 1), None);
    let mut record = ByteRecord::new();
    records.next(&mut record).ok().flatten()?;
    record.iter().map(|cell| text(cell).ok().map(str::to_owned)).collect()
}

/// The place of a column among `names`: as its name is given, else without blanks around it.
pub fn position<S: AsRef<str>>(names: &[S], name: &str) -> Option<usize> {
    let exact = names.iter().position(|column| column.as_ref() == name);
    exact.or_else(|| names.iter().position(|column| column.as_ref().trim() == name.trim()))
}

/// A column's name, in quotes where its ends cannot be seen otherwise.
pub fn shown(name: &str) -> String {
    let plain = name.trim() == name && !name.is_empty() && !name.contains([',', '"']);
    if plain && !name.chars().any(char::is_control) { name.to_owned() } else { format!("{name:?}") }
}

/// A cell as text.
///
/// # Errors
/// If it is not UTF-8.
pub fn text(cell: &[u8]) -> std::result::Result<&str, String> {
    std::str::from_utf8(cell).map_err(|error| format!("not UTF-8: {error}"))
}

fn explain(path: &Path, error: ::csv::Error) -> Error {
    let row = error.position().map(|position| position.line() as usize);
    match error.into_kind() {
        ::csv::ErrorKind::Io(source) => match source.get_ref().and_then(|e| e.downcast_ref()) {
            Some(Damage { line, .. }) => Error::input_at(path, Some(*line), None, source),
            None => Error::file(path, "read")(source),
        },
        other => Error::input_at(path, row, None, format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests;
