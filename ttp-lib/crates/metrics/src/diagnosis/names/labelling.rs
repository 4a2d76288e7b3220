//! Labels of rows by their ids.

use super::super::predictions::texts;
use super::{json_error, open};
use polars::prelude::{ParquetReader, SerReader};
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use ttp_base::csv_file::{self, CsvFile};
use ttp_base::frame::{frame_of, of_parquet};
use ttp_base::spelling::{self, tidy};
use ttp_base::{Error, Result};

/// Where a second labelling is: `FILE` or `FILE/COLUMN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Second {
    /// The file.
    pub file: PathBuf,
    /// Its column of labels; a JSON file has none, and where a table has only one column beside
    /// that of ids, it need not be named.
    pub column: Option<String>,
}

impl Second {
    /// From what a user wrote: a file, or a file, a slash and a column, whose name may have slashes
    /// of its own.
    ///
    /// # Errors
    /// If neither the whole is a file nor what stands before one of its slashes.
    pub fn parse(text: &Path) -> Result<Self> {
        let Some(file) = text.ancestors().find(|file| file.is_file()) else {
            return Err(Error::input(text, "no such file, nor a file and its column"));
        };
        let column = text.strip_prefix(file).unwrap_or(Path::new("")).to_string_lossy();
        let column = Some(column.into_owned()).filter(|column| !column.is_empty());
        Ok(Self { file: file.to_path_buf(), column })
    }
}

/// A row's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledRow {
    /// Its id.
    pub id: String,
    /// Its label.
    pub label: String,
    /// Its line in a CSV file, its row in a parquet file.
    pub row: usize,
}

/// The labels of rows in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelling {
    /// The rows in the order of the file.
    pub rows: Vec<LabelledRow>,
    /// The column that they were in; a JSON file has none.
    pub column: Option<String>,
    /// What is to be known of the file, one line each: spellings, rows of several lines.
    pub notes: Vec<String>,
}

/// Reads the labels of rows with their ids. A file whose name
/// ends in `.json` is an object from id to label; in `.parquet` it is one; any other is CSV with a
/// header line. JSON and CSV may be packed with gzip, their names ending in `.gz`.
///
/// # Errors
/// If the file cannot be read, lacks a column, has no row, or an id or a label is missing or an id
/// stands twice: file, row and field.
pub fn read_labels(second: &Second, ids: &str) -> Result<Labelling> {
    let file = second.file.as_path();
    let (read, ending) = open(file)?;
    let Labelling { rows, column, mut notes } = match ending.as_str() {
        "json" => {
            if let Some(column) = &second.column {
                let reason = "an object from id to label has no columns";
                return Err(Error::input_at(file, None, Some(column), reason));
            }
            Labelling { rows: read_json(file, read)?, column: None, notes: Vec::new() }
        }
        "parquet" => read_parquet(second, ids)?,
        _ => read_csv(second, read, ids)?,
    };
    if rows.is_empty() {
        return Err(Error::input(file, "there is no row with a label"));
    }
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let wrong = |field: &str, reason: String| {
            Err(Error::input_at(file, Some(row.row), Some(field), reason))
        };
        if row.id.is_empty() {
            return wrong(ids, "missing: no id".to_owned());
        }
        if row.label.is_empty() || row.label.eq_ignore_ascii_case("nan") {
            let name = column.as_deref().unwrap_or(&row.id);
            return wrong(name, "missing: no label".to_owned());
        }
        if let Some(first) = seen.insert(&row.id, row.row) {
            return wrong(ids, format!("{:?} is there twice, first in row {first}", row.id));
        }
    }
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        first.entry(&row.label).or_insert(row.row);
    }
    notes.extend(spelling::notes(first));
    Ok(Labelling { rows, column, notes })
}

/// The places of ids and labels in a header.
fn places(
    second: &Second,
    ids: &str,
    header: &[String],
    line: Option<usize>,
) -> Result<(usize, usize)> {
    let file = second.file.as_path();
    let wrong = |field: Option<&str>, reason: &str| {
        let reason = format!("{reason}; there are: {}", header.join(", "));
        Error::input_at(file, line, field, reason)
    };
    let named = |name: &str, reason: &str| {
        csv_file::position(header, name).ok_or_else(|| wrong(Some(name), reason))
    };
    let id = named(ids, "no such column of ids: name it with --id")?;
    let label = match &second.column {
        Some(name) => named(name, "no such column")?,
        None if header.len() == 2 => 1 - id,
        None => {
            return Err(wrong(None, "which column has the labels? Write FILE/COLUMN"));
        }
    };
    Ok((id, label))
}

fn read_csv(second: &Second, read: Box<dyn std::io::Read>, ids: &str) -> Result<Labelling> {
    let file = second.file.as_path();
    let mut reader = CsvFile::of(file, read)?;
    let header = reader.names();
    let (id, label) = places(second, ids, &header, Some(1))?;
    let mut rows = Vec::new();
    let mut record = ::csv::ByteRecord::new();
    while let Some(row) = reader.next(&mut record)? {
        let cell = |at: usize| {
            let text = csv_file::text(record.get(at).unwrap_or_default());
            let text = text.map(|text| tidy(text).into_owned());
            text.map_err(|reason| Error::input_at(file, Some(row), Some(&header[at]), reason))
        };
        rows.push(LabelledRow { id: cell(id)?, label: cell(label)?, row });
    }
    let notes = reader.notes().into_iter().collect();
    Ok(Labelling { rows, column: Some(header[label].clone()), notes })
}

fn read_parquet(second: &Second, ids: &str) -> Result<Labelling> {
    let file = second.file.as_path();
    let open = || std::fs::File::open(file).map_err(Error::file(file, "read"));
    let mut first = ParquetReader::new(open()?);
    let schema = of_parquet(file, || first.schema())?;
    let header: Vec<String> = schema.iter_names().map(|name| name.to_string()).collect();
    let (id, label) = places(second, ids, &header, None)?;
    let (id, label) = (&header[id], &header[label]);
    let reader = ParquetReader::new(open()?).with_columns(Some(vec![id.clone(), label.clone()]));
    let frame = frame_of(file, reader)?;
    let column = |name: &str| {
        let found = frame.column(name);
        let found = found.map_err(|error| Error::input_at(file, None, Some(name), error))?;
        texts(file, 0, found, name)
    };
    let text = |text: Option<&str>| tidy(text.unwrap_or_default()).into_owned();
    let (all_ids, all_labels) = (column(id)?, column(label)?);
    let pairs = all_ids.iter().zip(all_labels.iter()).zip(1..);
    let rows =
        pairs.map(|((id, label), row)| LabelledRow { id: text(id), label: text(label), row });
    Ok(Labelling { rows: rows.collect(), column: Some(label.clone()), notes: Vec::new() })
}

/// An object from id to label. Rows are counted from 1; a mistake has its line.
fn read_json(file: &Path, read: Box<dyn std::io::Read>) -> Result<Vec<LabelledRow>> {
    struct Labels;
    impl<'de> Visitor<'de> for Labels {
        type Value = Vec<LabelledRow>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object from id to label")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut rows = Vec::new();
            while let Some((id, label)) = map.next_entry::<String, serde_json::Value>()? {
                let label = match label {
                    serde_json::Value::String(label) => label,
                    serde_json::Value::Number(number) => number.to_string(),
                    other => return Err(A::Error::custom(format!("{other} is no label"))),
                };
                let [id, label] = [&id, &label].map(|text| tidy(text).into_owned());
                rows.push(LabelledRow { id, label, row: rows.len() + 1 });
            }
            Ok(rows)
        }
    }
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(read));
    let rows = json.deserialize_map(Labels);
    rows.and_then(|rows| json.end().map(|()| rows)).map_err(|error| json_error(file, error))
}
