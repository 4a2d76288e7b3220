//! Flows from a parquet or CSV file: numeric features and the name of a family a row, read in
//! pieces so that a file larger than memory will do.

use super::standardise::{Moments, Standardiser};
use polars::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ttp_base::csv_file::CsvFile;
use ttp_base::{Error, Result};
use ttp_text::split::Shares;

/// Rows that are read at once, at most.
pub const CHUNK_ROWS: usize = 8_192;

/// More families than this are a column that is no label.
const MOST_FAMILIES: usize = 10_000;

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
enum Piece {
    /// Its first row, from 0.
    Parquet { first: usize, rows: usize },
    /// The byte from which on its records are, and the line of the first.
    Csv { start: u64, line: usize, rows: usize },
}

impl Piece {
    fn rows(&self) -> usize {
        match self {
            Self::Parquet { rows, .. } | Self::Csv { rows, .. } => *rows,
        }
    }
}

/// An opened file of flows: what columns it has and where its pieces are; no row is kept.
///
/// A file whose name ends in `.csv` is read as CSV with a header, any other as parquet. The
/// features are the columns that hold numbers (in a CSV file: a number in the first row), but for
/// the label's and those that are to be ignored; columns of text are [passed
/// over](Self::passed_over).
#[derive(Debug, Clone)]
pub struct FlowFile {
    path: PathBuf,
    label: Option<String>,
    features: Vec<String>,
    passed_over: Vec<String>,
    /// Places of label and features in a CSV row.
    label_at: Option<usize>,
    features_at: Vec<usize>,
    pieces: Vec<Piece>,
}

/// Rows as they were read.
struct Rows {
    /// Features row by row.
    features: Vec<f64>,
    /// The label's index of each row, as `label` gave it; empty without a label's column.
    labels: Vec<u32>,
}

impl FlowFile {
    /// Opens a file for training: it must have the label's column.
    ///
    /// # Errors
    /// If the file cannot be read, lacks the label or a column to be ignored, has no numeric
    /// feature or no row.
    pub fn open(path: &Path, columns: &FlowColumns) -> Result<Self> {
        Self::with(path, &Wanted::Columns(columns))
    }

    /// Opens a file for a model with these features; it may lack the label's column.
    ///
    /// # Errors
    /// If the file cannot be read, lacks a feature, or has no row.
    pub fn open_for(path: &Path, features: &[String], label: &str) -> Result<Self> {
        Self::with(path, &Wanted::Features { features, label })
    }

    fn with(path: &Path, wanted: &Wanted<'_>) -> Result<Self> {
        let is_csv = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        let file = if is_csv { Self::csv(path, wanted)? } else { Self::parquet(path, wanted)? };
        if file.pieces.is_empty() {
            return Err(Error::input(path, "no row"));
        }
        Ok(file)
    }

    fn parquet(path: &Path, wanted: &Wanted<'_>) -> Result<Self> {
        let wrong = |error| Error::input(path, format!("not a whole parquet file: {error}"));
        let file = File::open(path).map_err(Error::file(path, "read"))?;
        let mut reader = ParquetReader::new(file);
        let schema = reader.schema().map_err(wrong)?;
        let footer = reader.get_metadata().map_err(wrong)?.clone();
        let columns: Vec<(String, bool)> = schema
            .iter_values()
            .map(|field| {
                let kind = DataType::from_arrow_field(field);
                (field.name.to_string(), kind.is_primitive_numeric())
            })
            .collect();
        let chosen = wanted.choose(path, None, &columns)?;
        let mut pieces = Vec::new();
        let mut first = 0;
        for group in &footer.row_groups {
            let end = first + group.num_rows();
            while first < end {
                let rows = CHUNK_ROWS.min(end - first);
                pieces.push(Piece::Parquet { first, rows });
                first += rows;
            }
        }
        Ok(Self { pieces, ..chosen })
    }

    fn csv(path: &Path, wanted: &Wanted<'_>) -> Result<Self> {
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
        Ok(Self { pieces, ..wanted.choose(path, Some(1), &columns)? })
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

    /// Reads one piece; `index_of` gives a label's index, or says why it is wrong.
    fn read(
        &self,
        piece: &Piece,
        index_of: &mut dyn FnMut(&str) -> std::result::Result<u32, String>,
    ) -> Result<Rows> {
        match piece {
            Piece::Parquet { first, rows } => self.read_parquet(*first, *rows, index_of),
            Piece::Csv { start, line, rows } => self.read_csv((*start, *line), *rows, index_of),
        }
    }

    fn read_parquet(
        &self,
        first: usize,
        rows: usize,
        index_of: &mut dyn FnMut(&str) -> std::result::Result<u32, String>,
    ) -> Result<Rows> {
        let path = &self.path;
        let file = File::open(path).map_err(Error::file(path, "read"))?;
        let names = self.features.iter().chain(&self.label).cloned().collect();
        // The footer is read again for each piece and not kept: its maps are hashed by a number
        // that each cell of a notebook draws anew, and what one cell made another would not find.
        let frame = ParquetReader::new(file)
            .with_columns(Some(names))
            .with_slice(Some((first, rows)))
            .finish()
            .map_err(|error| Error::input(path, format!("not a whole parquet file: {error}")))?;
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
                let text = text.unwrap_or_default().trim();
                if text.is_empty() {
                    return Err(wrong(Some(row), "missing".to_owned()));
                }
                labels.push(index_of(text).map_err(|reason| wrong(Some(row), reason))?);
            }
        }
        Ok(Rows { features, labels })
    }

    fn read_csv(
        &self,
        (start, line): (u64, usize),
        rows: usize,
        index_of: &mut dyn FnMut(&str) -> std::result::Result<u32, String>,
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
            let row = Some(row);
            let wrong = |name: &str, reason| Error::input_at(path, row, Some(name), reason);
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
                    .map_err(|error| wrong(name, format!("not UTF-8: {error}")))?
                    .trim();
                if text.is_empty() {
                    return Err(wrong(name, "missing".to_owned()));
                }
                labels.push(index_of(text).map_err(|reason| wrong(name, reason))?);
            }
        }
        Ok(Rows { features, labels })
    }
}

/// What is wanted of a file's columns.
enum Wanted<'a> {
    Columns(&'a FlowColumns),
    Features { features: &'a [String], label: &'a str },
}

impl Wanted<'_> {
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
        let position = |name: &str| columns.iter().position(|(column, _)| column == name);
        let there = || {
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            ttp_base::show::shorten(&names.join(", "), 300).into_owned()
        };
        let need = |name: &str| {
            position(name).ok_or_else(|| {
                let reason = format!("no such column; there are: {}", there());
                Error::input_at(path, row, Some(name), reason)
            })
        };
        let (label, features_at) = match self {
            Self::Columns(FlowColumns { label, ignore }) => {
                let label_at = need(label)?;
                for name in ignore {
                    need(name)?;
                }
                let is_feature = |at: &usize| {
                    let (name, numeric) = &columns[*at];
                    *numeric && *at != label_at && !ignore.contains(name)
                };
                let features: Vec<usize> = (0..columns.len()).filter(is_feature).collect();
                if features.is_empty() {
                    let reason = format!("no column of numbers; there are: {}", there());
                    return Err(Error::input_at(path, row, None, reason));
                }
                (Some(label.as_str()), features)
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
                (position(label).map(|_| *label), at.collect::<Result<_>>()?)
            }
        };
        let label_at = label.and_then(position);
        let passed_over = columns
            .iter()
            .enumerate()
            .filter(|(at, (_, numeric))| !numeric && label_at != Some(*at));
        Ok(FlowFile {
            path: path.to_path_buf(),
            label: label.map(str::to_owned),
            features: features_at.iter().map(|&at| columns[at].0.clone()).collect(),
            passed_over: passed_over.map(|(_, (name, _))| name.clone()).collect(),
            label_at,
            features_at,
            pieces: Vec::new(),
        })
    }
}

/// A CSV cell as a number, `NaN` and `inf` among them.
fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.trim().parse().ok()
}

/// A value that single precision can hold.
fn finite(value: f64) -> std::result::Result<f64, String> {
    if value.abs() <= f64::from(f32::MAX) {
        Ok(value)
    } else if value.is_finite() {
        Err(format!("{value:e} is beyond single precision"))
    } else {
        Err(format!("{value} is no number to learn from"))
    }
}

/// Puts a column's numbers into rows.
struct Numbers<'a> {
    out: &'a mut [f64],
    wide: usize,
    at: usize,
    row: usize,
}

type Wrong = (Option<usize>, String);

impl Numbers<'_> {
    fn column(&mut self, column: &Column) -> std::result::Result<(), Wrong> {
        if column.null_count() > 0 {
            let row = column.is_null().iter().position(|null| null == Some(true));
            return Err((row, "missing".to_owned()));
        }
        let series = column.as_materialized_series();
        macro_rules! put {
            ($($kind:ident => $as:ident),*) => {
                match series.dtype() {
                    $(DataType::$kind => {
                        let numbers = series.$as().map_err(|e| (None, e.to_string()))?;
                        for part in numbers.downcast_iter() {
                            #[allow(clippy::cast_lossless)] // one line for all kinds
                            self.put(part.values().iter().map(|&x| x as f64))?;
                        }
                        Ok(())
                    })*
                    _ => {
                        let cast = series
                            .cast(&DataType::Float64)
                            .map_err(|error| (None, error.to_string()))?;
                        let numbers = cast.f64().map_err(|e| (None, e.to_string()))?;
                        self.put(numbers.iter().map(|x| x.unwrap_or(f64::NAN)))
                    }
                }
            };
        }
        put!(Float32 => f32, Float64 => f64, Int64 => i64, Int32 => i32, UInt64 => u64,
             UInt32 => u32)
    }

    fn put(&mut self, values: impl Iterator<Item = f64>) -> std::result::Result<(), Wrong> {
        for value in values {
            self.out[self.row * self.wide + self.at] =
                finite(value).map_err(|reason| (Some(self.row), reason))?;
            self.row += 1;
        }
        Ok(())
    }
}

/// The rows of one part: all of a file's, or those that a split gave it.
#[derive(Debug, Clone)]
pub struct Flows {
    file: FlowFile,
    families: Arc<[String]>,
    /// The part of each of the file's rows and the number of this one.
    part: Option<(Arc<[u8]>, u8)>,
    /// The first row of each piece.
    starts: Vec<usize>,
    /// Rows of each family; empty without labels.
    counts: Vec<u64>,
    rows: usize,
}

/// Some rows of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Features row by row, not yet standardised.
    pub features: Vec<f64>,
    /// Each row's family; empty where the file has no labels.
    pub labels: Vec<u32>,
    /// Number of rows.
    pub rows: usize,
}

impl Flows {
    /// All rows of a file, whose families must be among these where it has labels.
    ///
    /// # Errors
    /// If a row has another family, or a feature that is no number.
    pub fn of(file: FlowFile, families: &[String]) -> Result<Self> {
        let mut flows = Self::new(file, families.into(), None);
        flows.count(&mut |_| ())?;
        Ok(flows)
    }

    fn new(file: FlowFile, families: Arc<[String]>, part: Option<(Arc<[u8]>, u8)>) -> Self {
        let mut starts = Vec::with_capacity(file.pieces.len());
        let mut first = 0;
        for piece in &file.pieces {
            starts.push(first);
            first += piece.rows();
        }
        Self { file, families, part, starts, counts: Vec::new(), rows: 0 }
    }

    /// Reads every row once: counts them and shows each piece to `see`.
    fn count(&mut self, see: &mut dyn FnMut(&Chunk)) -> Result<()> {
        let labelled = self.file.has_label();
        let mut counts = vec![0; if labelled { self.families.len() } else { 0 }];
        let mut rows = 0;
        for piece in 0..self.pieces() {
            let chunk = self.chunk(piece)?;
            rows += chunk.rows;
            chunk.labels.iter().for_each(|&label| counts[label as usize] += 1);
            see(&chunk);
        }
        (self.counts, self.rows) = (counts, rows);
        Ok(())
    }

    /// The file that they are of.
    pub fn file(&self) -> &FlowFile {
        &self.file
    }

    /// The families' names, by which labels are numbered.
    pub fn families(&self) -> &[String] {
        &self.families
    }

    /// Rows of each family; empty where the file has no labels.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Number of pieces that the file is read in.
    pub fn pieces(&self) -> usize {
        self.file.pieces.len()
    }

    /// Reads one piece: those of its rows that belong to this part.
    ///
    /// # Errors
    /// If the file cannot be read, or a row has a family that is not known or a feature that is
    /// no number.
    pub fn chunk(&self, piece: usize) -> Result<Chunk> {
        let families = &self.families;
        let mut known: HashMap<&str, u32> = HashMap::with_capacity(families.len());
        known.extend(families.iter().map(String::as_str).zip(0..));
        let mut index_of = |label: &str| {
            known.get(label).copied().ok_or_else(|| {
                let known = ttp_base::show::shorten(&families.join(", "), 400).into_owned();
                let label = ttp_base::show::shorten(label, 60);
                format!("family {label:?} does not occur in training; known: {known}")
            })
        };
        let read = self.file.read(&self.file.pieces[piece], &mut index_of)?;
        let wide = self.file.features.len();
        let Some((parts, this)) = &self.part else {
            let rows = self.file.pieces[piece].rows();
            return Ok(Chunk { features: read.features, labels: read.labels, rows });
        };
        let first = self.starts[piece];
        let mut chunk = Chunk { features: Vec::new(), labels: Vec::new(), rows: 0 };
        for (at, row) in read.features.chunks_exact(wide).enumerate() {
            if parts[first + at] == *this {
                chunk.features.extend_from_slice(row);
                chunk.labels.extend(read.labels.get(at));
                chunk.rows += 1;
            }
        }
        Ok(chunk)
    }
}

/// Training, validation and test flows with what only training decides: the families and how
/// features are standardised.
#[derive(Debug, Clone)]
pub struct FlowData {
    /// What is trained on.
    pub train: Flows,
    /// What the best pass is chosen by.
    pub validation: Flows,
    /// What is reported, where there is one.
    pub test: Option<Flows>,
    /// Fitted on the training rows alone.
    pub standardiser: Standardiser,
}

impl FlowData {
    /// Of two or three files with the same features. Every row is read and checked once.
    ///
    /// # Errors
    /// If a file cannot be read or lacks a column, a feature is no number, training has one family
    /// only, or another file a family that training has not.
    pub fn from_files(
        train: &Path,
        validation: &Path,
        test: Option<&Path>,
        columns: &FlowColumns,
    ) -> Result<Self> {
        let file = FlowFile::open(train, columns)?;
        let (families, _) = labels_of(&file)?;
        let mut train = Flows::new(file, families.into(), None);
        let standardiser = fit(&mut train)?;
        let other = |path: &Path| {
            let file = FlowFile::open_for(path, train.file.features(), &columns.label)?;
            if !file.has_label() {
                let row = path.extension().is_some_and(|e| e == "csv").then_some(1);
                let reason = "no such column";
                return Err(Error::input_at(path, row, Some(&columns.label), reason));
            }
            Flows::of(file, &train.families)
        };
        let (validation, test) = (other(validation)?, test.map(other).transpose()?);
        Ok(Self { train, validation, test, standardiser })
    }

    /// Of one file, shared out at random but for the shares, family by family.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files); if the shares make no sense, or leave validation
    /// without a row.
    pub fn split(path: &Path, shares: Shares, seed: u64, columns: &FlowColumns) -> Result<Self> {
        shares.check()?;
        let file = FlowFile::open(path, columns)?;
        let (families, labels) = labels_of(&file)?;
        let mut rows_of = vec![Vec::new(); families.len()];
        for (row, &label) in labels.iter().enumerate() {
            rows_of[label as usize].push(row as u32);
        }
        let mut parts = vec![0_u8; labels.len()];
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for rows in &mut rows_of {
            rows.shuffle(&mut random);
            let mut at = 0;
            for (part, size) in (0..).zip(shares.of(rows.len())) {
                rows[at..at + size].iter().for_each(|&row| parts[row as usize] = part);
                at += size;
            }
        }
        let (families, parts): (Arc<[String]>, Arc<[u8]>) = (families.into(), parts.into());
        let part =
            |number| Flows::new(file.clone(), families.clone(), Some((parts.clone(), number)));
        let mut train = part(0);
        let standardiser = fit(&mut train)?;
        let (mut validation, mut test) = (part(1), part(2));
        validation.count(&mut |_| ())?;
        test.count(&mut |_| ())?;
        if validation.is_empty() {
            let reason = format!("no row of {} is left to judge a model by", file.rows());
            return Err(Error::Setting { field: "split.validation", reason });
        }
        Ok(Self { train, validation, test: Some(test).filter(|t| !t.is_empty()), standardiser })
    }

    /// Of a folder with one file each whose name ends in `train`, `validation` and, where there
    /// is one, `test`, before `.parquet` or `.csv`: what [`SyntheticFlows::write`] makes, or files
    /// of one's own.
    ///
    /// # Errors
    /// If a file is missing or there are several of a part; else as
    /// [`from_files`](Self::from_files).
    ///
    /// [`SyntheticFlows::write`]: super::SyntheticFlows::write
    pub fn from_folder(folder: &Path, columns: &FlowColumns) -> Result<Self> {
        let [train, validation, test] =
            ["train", "validation", "test"].map(|part| part_in(folder, part));
        let need = |found: Option<PathBuf>, part: &str| {
            found.ok_or_else(|| {
                Error::input(folder, format!("no {part}.parquet or {part}.csv in it"))
            })
        };
        let (train, validation) = (need(train?, "train")?, need(validation?, "validation")?);
        Self::from_files(&train, &validation, test?.as_deref(), columns)
    }

    /// The families' names.
    pub fn families(&self) -> &[String] {
        &self.train.families
    }

    /// The features' names.
    pub fn features(&self) -> &[String] {
        self.train.file.features()
    }
}

/// The file of a part in a folder.
pub(super) fn part_in(folder: &Path, part: &str) -> Result<Option<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(Error::file(folder, "read"))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let extension = path.extension().unwrap_or_default();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            (extension == "parquet" || extension == "csv")
                && (stem == part || stem.ends_with(&format!(".{part}")))
        })
        .collect();
    found.sort();
    match found.as_slice() {
        [first, second, ..] => {
            let reason = format!("is it {:?} or {:?}?", first.file_name(), second.file_name());
            Err(Error::input(folder, format!("two files for {part}: {reason}")))
        }
        _ => Ok(found.pop()),
    }
}

/// A training file's families in alphabetical order, and the family of each of its rows.
fn labels_of(file: &FlowFile) -> Result<(Vec<String>, Vec<u32>)> {
    let mut names: Vec<String> = Vec::new();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut labels = Vec::with_capacity(file.rows());
    // The labels alone: features are read with the moments.
    let narrow = FlowFile { features: Vec::new(), features_at: Vec::new(), ..file.clone() };
    for piece in &file.pieces {
        let mut index_of = |label: &str| {
            if let Some(&index) = known.get(label) {
                return Ok(index);
            }
            if names.len() == MOST_FAMILIES {
                return Err(format!("more than {MOST_FAMILIES} families: this is no label"));
            }
            let index = names.len() as u32;
            names.push(label.to_owned());
            known.insert(label.to_owned(), index);
            Ok(index)
        };
        labels.extend(narrow.read(piece, &mut index_of)?.labels);
    }
    if let [only] = names.as_slice() {
        let reason = format!("only one family, {:?}: nothing to tell apart", only);
        return Err(Error::input_at(&file.path, None, file.label.as_deref(), reason));
    }
    let mut order: Vec<u32> = (0..names.len() as u32).collect();
    order.sort_by(|&a, &b| names[a as usize].cmp(&names[b as usize]));
    let mut place = vec![0; names.len()];
    for (at, &was) in (0..).zip(&order) {
        place[was as usize] = at;
    }
    labels.iter_mut().for_each(|label| *label = place[*label as usize]);
    names.sort();
    Ok((names, labels))
}

/// Counts a training part and fits the standardiser on it.
fn fit(train: &mut Flows) -> Result<Standardiser> {
    let wide = train.file.features.len();
    let mut moments = Moments::new(wide);
    train.count(&mut |chunk| {
        let mut of_chunk = Moments::new(wide);
        chunk.features.chunks_exact(wide).for_each(|row| of_chunk.add(row));
        moments.merge(&of_chunk);
    })?;
    Standardiser::fit(&train.file.features, &moments)
}
