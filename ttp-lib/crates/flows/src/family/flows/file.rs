//! A file of flows: which columns it has, and its rows piece by piece.

use super::cells::{Numbers, finite, number};
use polars::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use ttp_base::csv_file::{self, CsvFile};
use ttp_base::frame::{frame_of, of_parquet};
use ttp_base::spelling::tidy;
use ttp_base::{Error, Result, files};

/// Rows that are read at once, at most.
pub const CHUNK_ROWS: usize = 8_192;

/// Which columns of a file hold what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FlowColumns {
    /// The column of the family's name.
    pub label: String,
    /// Numeric columns that are no features: a row's number, say. All others are.
    pub ignore: Vec<String>,
}

impl Default for FlowColumns {
    /// The label is `family`, and every numeric column is a feature.
    fn default() -> Self {
        Self { label: "family".to_owned(), ignore: Vec::new() }
    }
}

/// Where a piece of a file is.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Its first row, from 0.
    Parquet { first: usize, rows: usize },
    /// The byte from which on its records are, and the line of the first.
    Csv { start: u64, line: usize, rows: usize },
}

impl Piece {
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Parquet { rows, .. } | Self::Csv { rows, .. } => *rows,
        }
    }
}

/// An opened file of flows: what columns it has and where its pieces are; no row is kept.
///
/// Parquet is known by its name or its first bytes; any other file is read as CSV with a header. The
/// features are the columns that hold numbers (in a CSV file: a number in the first row), but for
/// the label's and those that are to be ignored; columns of text are [passed
/// over](Self::passed_over).
#[derive(Debug, Clone)]
pub struct FlowFile {
    pub(super) path: PathBuf,
    pub(super) label: Option<String>,
    pub(super) features: Vec<String>,
    pub(super) passed_over: Vec<String>,
    /// Places of label and features in a CSV row.
    pub(super) label_at: Option<usize>,
    pub(super) features_at: Vec<usize>,
    pub(super) pieces: Vec<Piece>,
    /// What to know of a CSV file's rows.
    pub(super) notes: Option<String>,
}

/// The index of a label, which stands in a row of the file.
pub(super) type IndexOf<'a> = dyn FnMut(&str, usize) -> std::result::Result<u32, String> + 'a;

/// Rows as they were read.
pub(super) struct Rows {
    /// Features row by row.
    pub(super) features: Vec<f64>,
    /// The label's index of each row, as `label` gave it; empty without a label's column.
    pub(super) labels: Vec<u32>,
}

impl FlowFile {
    /// Opens a file for training: it must have the label's column.
    ///
    /// # Errors
    /// If the file cannot be read, lacks the label or a column to be ignored, has no numeric
    /// feature or no row.
    pub fn open(path: &Path, columns: &FlowColumns) -> Result<Self> {
        Self::with(path, &ColumnChoice::Columns(columns))
    }

    /// Opens a file for a model with these features; it may lack the label's column.
    ///
    /// # Errors
    /// If the file cannot be read, lacks a feature, or has no row.
    pub fn open_for(path: &Path, features: &[String], label: &str) -> Result<Self> {
        Self::with(path, &ColumnChoice::Features { features, label })
    }

    fn with(path: &Path, wanted: &ColumnChoice<'_>) -> Result<Self> {
        let is_parquet = files::is_parquet(path);
        let file = if is_parquet { Self::parquet(path, wanted)? } else { Self::csv(path, wanted)? };
        if file.pieces.is_empty() {
            return Err(Error::input(path, "no row"));
        }
        Ok(file)
    }

    fn parquet(path: &Path, wanted: &ColumnChoice<'_>) -> Result<Self> {
        let file = File::open(path).map_err(Error::file(path, "read"))?;
        let mut reader = ParquetReader::new(file);
        let schema = of_parquet(path, || reader.schema())?;
        let footer = of_parquet(path, || reader.get_metadata().cloned())?;
        // Of a type that polars was built without this is a panic.
        let columns: Vec<(String, bool)> = of_parquet(path, || {
            let named = schema.iter_values().map(|field| {
                let kind = DataType::from_arrow_field(field);
                (field.name.to_string(), kind.is_primitive_numeric())
            });
            Ok(named.collect())
        })?;
        let chosen = wanted.choose(path, None, &columns)?;
        let mut pieces = Vec::new();
        let mut first = 0;
        for group in &footer.row_groups {
            // What a damaged footer says would be pieces without end.
            let whole = |values: i64| usize::try_from(values).is_ok_and(|n| n >= group.num_rows());
            if !group.parquet_columns().iter().all(|column| whole(column.num_values())) {
                let reason =
                    format!("damaged: columns are shorter than its {} rows", group.num_rows());
                return Err(Error::input(path, reason));
            }
            let end = first + group.num_rows();
            while first < end {
                let rows = CHUNK_ROWS.min(end - first);
                pieces.push(Piece::Parquet { first, rows });
                first += rows;
            }
        }
        Ok(Self { pieces, ..chosen })
    }

    fn csv(path: &Path, wanted: &ColumnChoice<'_>) -> Result<Self> {
        let mut records = CsvFile::open(path)?;
        let header = records.names();
        let mut record = ::csv::ByteRecord::new();
        let mut pieces = Vec::new();
        let mut numeric = vec![false; header.len()];
        let mut rows = 0;
        loop {
            let start = records.position();
            let Some(line) = records.next(&mut record)? else { break };
            if rows == 0 {
                for (is, cell) in numeric.iter_mut().zip(&record) {
                    // What is missing is told of as missing, and not passed over.
                    *is = number(cell).is_some() || cell.trim_ascii().is_empty();
                }
            }
            if rows % CHUNK_ROWS == 0 {
                pieces.push(Piece::Csv { start, line, rows: 0 });
            }
            if let Some(Piece::Csv { rows, .. }) = pieces.last_mut() {
                *rows += 1;
            }
            rows += 1;
        }
        if rows == 0 {
            return Err(Error::input(path, "no row below the header"));
        }
        let columns: Vec<(String, bool)> = header.into_iter().zip(numeric).collect();
        let notes = records.notes();
        Ok(Self { pieces, notes, ..wanted.choose(path, Some(1), &columns)? })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The column of the families' names, where there is one.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The features' names, in the order of the file, or of the model it was opened for.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// The columns that hold no numbers and are not the label.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Whether there is a column of labels.
    pub fn has_label(&self) -> bool {
        self.label.is_some()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.pieces.iter().map(Piece::rows).sum()
    }

    /// Reads one piece; `index_of` gives the index of a label in a row, or says why it is wrong.
    pub(super) fn read(&self, piece: &Piece, index_of: &mut IndexOf<'_>) -> Result<Rows> {
        match piece {
            Piece::Parquet { first, rows } => self.read_parquet(*first, *rows, index_of),
            Piece::Csv { start, line, rows } => self.read_csv((*start, *line), *rows, index_of),
        }
    }

    fn read_parquet(&self, first: usize, rows: usize, index_of: &mut IndexOf<'_>) -> Result<Rows> {
        let path = &self.path;
        let file = File::open(path).map_err(Error::file(path, "read"))?;
        let names = self.features.iter().chain(&self.label).cloned().collect();
        // The footer is read again for each piece and not kept: its maps are hashed by a number
        // that each cell of a notebook draws anew, and what one cell made another would not find.
        let reader =
            ParquetReader::new(file).with_columns(Some(names)).with_slice(Some((first, rows)));
        let frame = frame_of(path, reader)?;
        if frame.height() != rows {
            return Err(Error::input(path, "it has changed while it was read"));
        }
        let wide = self.features.len();
        let mut features = vec![0.0; rows * wide];
        for (at, name) in self.features.iter().enumerate() {
            let wrong = |row: Option<usize>, reason: String| {
                Error::input_at(path, row.map(|row| first + row + 1), Some(name), reason)
            };
            let column = frame.column(name).map_err(|error| wrong(None, error.to_string()))?;
            let mut to = Numbers { out: &mut features, wide, at, row: 0 };
            to.column(column).map_err(|(row, reason)| wrong(row, reason))?;
        }
        let mut labels = Vec::new();
        if let Some(name) = &self.label {
            labels.reserve(rows);
            let wrong = |row: Option<usize>, reason: String| {
                Error::input_at(path, row.map(|row| first + row + 1), Some(name), reason)
            };
            let column = frame.column(name).map_err(|error| wrong(None, error.to_string()))?;
            // Categories, and families that are numbers, by what they read as.
            let column = column
                .cast(&DataType::String)
                .map_err(|error| wrong(None, format!("no column of names: {error}")))?;
            let texts = column.str().map_err(|error| wrong(None, error.to_string()))?;
            for (row, text) in texts.iter().enumerate() {
                let text = tidy(text.unwrap_or_default());
                if text.is_empty() {
                    return Err(wrong(Some(row), "missing".to_owned()));
                }
                let found = index_of(&text, first + row + 1);
                labels.push(found.map_err(|reason| wrong(Some(row), reason))?);
            }
        }
        Ok(Rows { features, labels })
    }

    fn read_csv(
        &self,
        (start, line): (u64, usize),
        rows: usize,
        index_of: &mut IndexOf<'_>,
    ) -> Result<Rows> {
        let path = &self.path;
        let mut records = CsvFile::records_from(path, start, line)?;
        let mut features = Vec::with_capacity(rows * self.features.len());
        let mut labels = Vec::with_capacity(rows);
        let mut record = ::csv::ByteRecord::new();
        for _ in 0..rows {
            let Some(row) = records.next(&mut record)? else {
                return Err(Error::input(path, "it has changed while it was read"));
            };
            let wrong = |name: &str, reason| Error::input_at(path, Some(row), Some(name), reason);
            for (name, &at) in self.features.iter().zip(&self.features_at) {
                let cell = record.get(at).unwrap_or_default();
                let value = match number(cell) {
                    Some(value) => finite(value).map_err(|reason| wrong(name, reason))?,
                    None if cell.trim_ascii().is_empty() => {
                        return Err(wrong(name, "missing".to_owned()));
                    }
                    None => {
                        let cell = ttp_base::show::shorten(&String::from_utf8_lossy(cell), 60)
                            .into_owned();
                        return Err(wrong(name, format!("{cell:?} is no number")));
                    }
                };
                features.push(value);
            }
            if let (Some(name), Some(at)) = (&self.label, self.label_at) {
                let text = std::str::from_utf8(record.get(at).unwrap_or_default())
                    .map_err(|error| wrong(name, format!("not UTF-8: {error}")))?;
                let text = tidy(text);
                if text.is_empty() {
                    return Err(wrong(name, "missing".to_owned()));
                }
                labels.push(index_of(&text, row).map_err(|reason| wrong(name, reason))?);
            }
        }
        Ok(Rows { features, labels })
    }
}

/// What is wanted of a file's columns.
enum ColumnChoice<'a> {
    Columns(&'a FlowColumns),
    Features { features: &'a [String], label: &'a str },
}

impl ColumnChoice<'_> {
    /// Chooses among a file's columns, of which is known whether they hold numbers.
    fn choose(
        &self,
        path: &Path,
        row: Option<usize>,
        columns: &[(String, bool)],
    ) -> Result<FlowFile> {
        let mut seen = BTreeSet::new();
        if let Some((name, _)) = columns.iter().find(|(name, _)| !seen.insert(name)) {
            return Err(Error::input_at(path, row, Some(name), "two columns have this name"));
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let position = |name: &str| csv_file::position(&names, name);
        let there = || ttp_base::show::shorten(&names.join(", "), 300).into_owned();
        let need = |name: &str| {
            position(name).ok_or_else(|| {
                let reason = format!("no such column; there are: {}", there());
                Error::input_at(path, row, Some(name), reason)
            })
        };
        let (label_at, features_at) = match self {
            Self::Columns(FlowColumns { label, ignore }) => {
                let label_at = need(label)?;
                let ignored: Vec<usize> =
                    ignore.iter().map(|name| need(name)).collect::<Result<_>>()?;
                let is_feature =
                    |at: &usize| columns[*at].1 && *at != label_at && !ignored.contains(at);
                let features: Vec<usize> = (0..columns.len()).filter(is_feature).collect();
                if features.is_empty() {
                    let reason = format!("no column of numbers; there are: {}", there());
                    return Err(Error::input_at(path, row, None, reason));
                }
                (Some(label_at), features)
            }
            Self::Features { features, label } => {
                let at = features.iter().map(|name| {
                    let at = need(name)?;
                    if columns[at].1 {
                        return Ok(at);
                    }
                    let row = row.map(|row| row + 1);
                    Err(Error::input_at(path, row, Some(name), "it holds no numbers"))
                });
                (position(label), at.collect::<Result<_>>()?)
            }
        };
        let passed_over = columns
            .iter()
            .enumerate()
            .filter(|(at, (_, numeric))| !numeric && label_at != Some(*at));
        Ok(FlowFile {
            path: path.to_path_buf(),
            label: label_at.map(|at| columns[at].0.clone()),
            features: features_at.iter().map(|&at| columns[at].0.clone()).collect(),
            passed_over: passed_over.map(|(_, (name, _))| name.clone()).collect(),
            label_at,
            features_at,
            pieces: Vec::new(),
            notes: None,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two rows, and a footer that says of 2⁶¹.
    #[test]
    fn rows_that_no_column_has_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flows.parquet");
        let bytes = include_bytes!("../../../../../../fuzz/seeds/flows/refused-rows.parquet");
        std::fs::write(&path, bytes).unwrap();
        let error = FlowFile::open(&path, &FlowColumns::default()).unwrap_err().to_string();
        assert!(
            error.ends_with("damaged: columns are shorter than its 2305843009213693952 rows"),
            "{error}"
        );
    }
}
