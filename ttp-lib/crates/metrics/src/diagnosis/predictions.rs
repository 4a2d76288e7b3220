//! Predictions in CSV or parquet files: for each row its true label and the predicted one, with
//! probabilities or without.

use super::{Judged, Source};
use crate::{Confidences, SparseConfusion};
use polars::prelude::{
    Column, DataFrame, DataType, ParallelStrategy, ParquetReader, SerReader, StringChunked,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use ttp_base::csv_file::{CsvFile, Records, shown};
use ttp_base::spelling::{self, tidy};
use ttp_base::{Error, Result};

/// What a column of truth is called where nobody says.
const TRUTH: [&str; 7] = ["truth", "true", "true_label", "y_true", "actual", "label", "technique"];
/// What a column of predictions is called where nobody says.
const PREDICTED: [&str; 5] = ["predicted", "predicted_label", "prediction", "y_pred", "pred"];
/// What the column of the predictions' own probabilities is called where nobody says.
const PROBABILITY: &str = "probability";
/// How far a row's probabilities may add up from 1: three decimals in a file do.
const SUM_TOLERANCE: f64 = 1e-3;
/// How far above 1 single precision may round a probability.
const ROUNDING: f64 = 1e-6;
/// As many rows of a parquet file are in memory at a time.
const ROWS_AT_ONCE: usize = 1 << 20;
/// About as many bytes of a CSV file are read by one thread in one go.
const PART_BYTES: u64 = 16 << 20;

/// Which columns hold what. What is not named is looked for: truth as `truth`, `true`,
/// `true_label`, `y_true`, `actual`, `label` or `technique`; predictions as `predicted`,
/// `predicted_label`, `prediction`, `y_pred` or `pred`; their probabilities as `probability`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// The true label.
    pub truth: Option<String>,
    /// The predicted label. Where there is none and `probabilities` is given, the class of the
    /// highest probability is taken, of equals the first.
    pub predicted: Option<String>,
    /// What the columns of all classes' probabilities begin with; the rest of such a column's
    /// name is its label: `p_` of `p_benign`.
    pub probabilities: Option<String>,
    /// The probability of the predicted label alone.
    pub probability: Option<String>,
}

/// Reads predictions: a file whose name ends in `.parquet` is one, any other is CSV with a header
/// line. Labels are text or whole numbers, kept as they are. Parquet is read a million rows at a
/// time, CSV in parts of 16 MB, where no quote is in it by several threads.
///
/// # Errors
/// If the file cannot be read, has no row, lacks a column, or two could be the one that is looked
/// for; if a label is missing or NaN; if a probability is no number from 0 to 1, or those of a
/// row do not add up to 1 within 0.001: file, row and field.
pub fn read_predictions(file: &Path, columns: &Columns) -> Result<Judged> {
    let parquet = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    let (gathered, places) =
        if parquet { read_parquet(file, columns)? } else { read_csv(file, columns, PART_BYTES)? };
    let Gathered { mut truth, mut predicted, confidences, mut notes, .. } = gathered;
    if truth.rows.is_empty() {
        return Err(Error::input(file, "there is no row of predictions"));
    }
    notes.extend(alike(&mut truth, &mut predicted, if parquet { 1 } else { 2 }));
    let counts = counted(truth, predicted).map_err(|error| Error::input(file, error))?;
    let source = Source {
        file: file.to_path_buf(),
        truth: Some(places.truth.name),
        predicted: places.predicted.map(|place| place.name),
        probabilities: match places.of_all.is_empty() {
            true => places.confidence.map(|place| place.name),
            false => columns.probabilities.clone(),
        },
    };
    Ok(Judged { source, counts, probabilities: confidences.map(|all| all.scores()), notes })
}

/// A column, by its name and its number.
#[derive(Debug, Clone)]
struct Place {
    name: String,
    at: usize,
}

struct Places {
    truth: Place,
    predicted: Option<Place>,
    /// All classes' probabilities.
    of_all: Vec<Place>,
    /// The labels of `of_all`.
    labels: Vec<String>,
    /// The predictions' own probabilities.
    confidence: Option<Place>,
}

impl Places {
    fn find(file: &Path, header: &[String], columns: &Columns) -> Result<Self> {
        let wrong = |field: Option<&str>, reason: String| {
            let there: Vec<String> = header.iter().map(|name| shown(name)).collect();
            let reason = format!("{reason}; there are: {}", there.join(", "));
            Error::input_at(file, Some(1), field, reason)
        };
        let place = |at: usize| Place { name: header[at].clone(), at };
        let named = |name: &str| match header.iter().position(|column| column == name.trim()) {
            Some(at) => Ok(place(at)),
            None => Err(wrong(Some(name), "no such column".to_owned())),
        };
        let guessed = |known: &[&str], option: &str| {
            let found: Vec<usize> =
                (0..header.len()).filter(|&at| known.contains(&header[at].as_str())).collect();
            match found.as_slice() {
                [] => Ok(None),
                [only] => Ok(Some(place(*only))),
                [first, second, ..] => {
                    let (first, second) = (&header[*first], &header[*second]);
                    let reason = format!("{first:?} or {second:?}? Say which with {option}");
                    Err(wrong(None, reason))
                }
            }
        };
        let truth = match &columns.truth {
            Some(name) => named(name)?,
            None => guessed(&TRUTH, "--truth")?.ok_or_else(|| {
                let reason =
                    format!("no column of truth ({}): name it with --truth", TRUTH.join(", "));
                wrong(None, reason)
            })?,
        };
        let predicted = match &columns.predicted {
            Some(name) => Some(named(name)?),
            None => guessed(&PREDICTED, "--predicted")?,
        };
        if let Some(predicted) = predicted.as_ref().filter(|predicted| predicted.at == truth.at) {
            let reason = "this column is truth and prediction alike: name two with --truth and \
                          --predicted";
            return Err(wrong(Some(&predicted.name), reason.to_owned()));
        }
        let taken = |at: usize| {
            at == truth.at || predicted.as_ref().is_some_and(|predicted| at == predicted.at)
        };
        let (mut of_all, mut labels) = (Vec::new(), Vec::new());
        if let Some(prefix) = &columns.probabilities {
            for at in (0..header.len()).filter(|&at| !taken(at)) {
                if let Some(label) = header[at].strip_prefix(prefix.as_str())
                    && !label.is_empty()
                {
                    of_all.push(place(at));
                    labels.push(label.to_owned());
                }
            }
            if of_all.len() < 2 {
                let reason = "fewer than two columns of probabilities begin so".to_owned();
                return Err(wrong(Some(prefix), reason));
            }
            let distinct: BTreeSet<&String> = labels.iter().collect();
            if distinct.len() < labels.len() {
                return Err(wrong(Some(prefix), "a label has two columns".to_owned()));
            }
        }
        if predicted.is_none() && of_all.is_empty() {
            let known = PREDICTED.join(", ");
            let reason = format!(
                "no column of predictions ({known}): name it with --predicted, or all classes' \
                 probabilities with --probabilities"
            );
            return Err(wrong(None, reason));
        }
        let confidence = match &columns.probability {
            Some(name) => Some(named(name)?),
            None if of_all.is_empty() => {
                header.iter().position(|column| column == PROBABILITY).map(place)
            }
            None => None,
        };
        Ok(Self { truth, predicted, of_all, labels, confidence })
    }

    /// The columns that are read, and where each stands among them.
    fn names(&self) -> Vec<String> {
        let one = [Some(&self.truth), self.predicted.as_ref(), self.confidence.as_ref()];
        let all = one.into_iter().flatten().chain(&self.of_all);
        let mut names: Vec<String> = all.map(|place| place.name.clone()).collect();
        names.dedup();
        names
    }
}

/// Labels of a column by number, in the order in which they first occur.
struct Labels {
    /// Numbers by the label as it stands in the file.
    known: HashMap<Box<[u8]>, u32>,
    /// Numbers by the label without blanks and what cannot be seen.
    tidied: HashMap<String, u32>,
    /// Numbers of labels seen lately, by their ends: a label is compared, and seldom hashed.
    lately: Vec<u32>,
    names: Vec<String>,
    /// The place of each label's first row among these.
    first: Vec<usize>,
    rows: Vec<u32>,
}

impl Default for Labels {
    fn default() -> Self {
        let lately = vec![u32::MAX; 1 << LATELY_BITS];
        Self {
            known: HashMap::new(),
            tidied: HashMap::new(),
            lately,
            names: Vec::new(),
            first: Vec::new(),
            rows: Vec::new(),
        }
    }
}

const LATELY_BITS: u32 = 12;

/// A label's place among those seen lately, from its first and last eight bytes.
fn place_of(label: &[u8]) -> usize {
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let whole = |eight: Option<&[u8; 8]>| eight.map(|eight| u64::from_le_bytes(*eight));
    let first = whole(label.first_chunk()).unwrap_or_else(|| number(label));
    let last = whole(label.last_chunk()).unwrap_or(0);
    let mixed = first ^ last.rotate_left(29) ^ label.len() as u64;
    // Knuth's multiplicative hashing, by the golden ratio.
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - LATELY_BITS)) as usize
}

impl Labels {
    /// Takes one row's label; in words why it cannot be one.
    fn push(&mut self, label: &[u8]) -> Result<(), String> {
        let place = place_of(label);
        let lately = self.lately[place];
        if self.names.get(lately as usize).is_some_and(|name| name.as_bytes() == label) {
            self.rows.push(lately);
            return Ok(());
        }
        let number = self.number(label)?;
        self.lately[place] = number;
        self.rows.push(number);
        Ok(())
    }

    /// The label's number, a new one if it was not there before.
    fn number(&mut self, label: &[u8]) -> Result<u32, String> {
        if let Some(&number) = self.known.get(label) {
            return Ok(number);
        }
        let name = label_of(label)?;
        let next = u32::try_from(self.names.len()).map_err(|error| error.to_string())?;
        let number = *self.tidied.entry(name.clone()).or_insert(next);
        self.known.insert(label.into(), number);
        if number == next {
            self.names.push(name);
            self.first.push(self.rows.len());
        }
        Ok(number)
    }

    /// Rows that stand behind these.
    fn append(&mut self, others: Self) -> Result<(), String> {
        let mut numbers = Vec::with_capacity(others.names.len());
        for (name, first) in others.names.iter().zip(&others.first) {
            let before = self.names.len();
            numbers.push(self.number(name.as_bytes())?);
            if self.names.len() > before {
                self.first[before] += first;
            }
        }
        self.rows.extend(others.rows.iter().map(|&row| numbers[row as usize]));
        Ok(())
    }
}

fn label_of(label: &[u8]) -> Result<String, String> {
    if label.is_empty() {
        return Err("missing: no label".to_owned());
    }
    if label.eq_ignore_ascii_case(b"nan") {
        return Err("NaN is no label".to_owned());
    }
    let text = std::str::from_utf8(label).map_err(|error| format!("not UTF-8: {error}"))?;
    match tidy(text) {
        tidied if tidied.is_empty() => Err("missing: no label".to_owned()),
        tidied => Ok(tidied.into_owned()),
    }
}

/// Brings labels of two types together, and says what is to be known of them: whether their
/// spellings differ, and whether the two columns have nothing in common. The file's first label
/// is in row `first`, where every label is in one line.
fn alike(truth: &mut Labels, predicted: &mut Labels, first: usize) -> Vec<String> {
    let mut notes = Vec::new();
    // A column of truth values beside one of 0 and 1.
    let is = |labels: &Labels, these: [&str; 2]| {
        labels.names.iter().all(|name| these.iter().any(|one| name.eq_ignore_ascii_case(one)))
    };
    let truths = |labels: &Labels| is(labels, ["true", "false"]);
    let numbers = |labels: &Labels| is(labels, ["1", "0"]);
    let to_numbers = |labels: &mut Labels| {
        for name in &mut labels.names {
            *name = if name.eq_ignore_ascii_case("true") { "1" } else { "0" }.to_owned();
        }
    };
    let mixed = if truths(truth) && numbers(predicted) {
        Some(("truth", &mut *truth))
    } else if numbers(truth) && truths(predicted) {
        Some(("prediction", &mut *predicted))
    } else {
        None
    };
    if let Some((which, labels)) = mixed {
        to_numbers(labels);
        notes.push(format!("{which} is true and false, the other 1 and 0: true is taken as 1"));
    }
    let labels = [&*truth, &*predicted].into_iter().flat_map(|labels| {
        labels.names.iter().zip(&labels.first).map(|(name, row)| (name.as_str(), first + row))
    });
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, row) in labels {
        let known = rows.entry(name).or_insert(row);
        *known = row.min(*known);
    }
    notes.extend(spelling::notes(rows));
    let common = truth.names.iter().any(|name| predicted.names.contains(name));
    if !common {
        let some = |labels: &Labels| format!("{:?}", labels.names.first().map_or("", |l| l));
        notes.push(format!(
            "no true label is ever predicted: truth has {} …, predictions {} …; are they of one \
             kind?",
            some(truth),
            some(predicted)
        ));
    }
    notes
}

/// The two columns' labels in one alphabetical order, and how often each meets each.
fn counted(truth: Labels, predicted: Labels) -> Result<SparseConfusion> {
    let all: BTreeSet<&String> = truth.names.iter().chain(&predicted.names).collect();
    let all: Vec<String> = all.into_iter().cloned().collect();
    let renumbered = |labels: Labels| {
        let place = |name: &String| all.partition_point(|other| other < name) as u32;
        let places: Vec<u32> = labels.names.iter().map(place).collect();
        let mut rows = labels.rows;
        rows.iter_mut().for_each(|row| *row = places[*row as usize]);
        rows
    };
    let (truth, predicted) = rayon::join(|| renumbered(truth), || renumbered(predicted));
    SparseConfusion::from_indices(all, &truth, &predicted)
}

/// What was gathered of the rows so far.
struct Gathered {
    truth: Labels,
    predicted: Labels,
    confidences: Option<Confidences>,
    /// The column of each label's probabilities, among those of all classes.
    columns: HashMap<Vec<u8>, usize>,
    /// What else to know of the file.
    notes: Vec<String>,
}

/// Why a row cannot be taken, and at which column.
type Refused = (String, String);

impl Gathered {
    fn new(places: &Places) -> Self {
        let some = !places.of_all.is_empty() || places.confidence.is_some();
        let columns = places.labels.iter().enumerate();
        Self {
            truth: Labels::default(),
            predicted: Labels::default(),
            confidences: some.then(Confidences::default),
            columns: columns.map(|(at, label)| (label.clone().into_bytes(), at)).collect(),
            notes: Vec::new(),
        }
    }

    /// Rows that stand behind these.
    fn append(&mut self, others: Self) -> Result<(), String> {
        if let (Some(own), Some(others)) = (&mut self.confidences, &others.confidences) {
            own.append(others);
        }
        self.notes.extend(others.notes);
        self.truth.append(others.truth)?;
        self.predicted.append(others.predicted)
    }

    /// One row with probabilities: of all classes, of its prediction, or both.
    fn push(
        &mut self,
        places: &Places,
        truth: &[u8],
        predicted: Option<&[u8]>,
        of_all: &[f64],
        confidence: Option<f64>,
    ) -> Result<(), Refused> {
        let refused = |place: &Place, reason: String| (place.name.clone(), reason);
        let is_probability = |value: f64| (0.0..=1.0 + ROUNDING).contains(&value);
        for (place, &value) in places.of_all.iter().zip(of_all) {
            if !is_probability(value) {
                return Err(refused(place, format!("{value} is no probability from 0 to 1")));
            }
        }
        let (mut most_probable, mut sum) = (0, 0.0);
        for (at, &value) in of_all.iter().enumerate() {
            sum += value;
            if value > of_all[most_probable] {
                most_probable = at;
            }
        }
        if let Some(first) = places.of_all.first()
            && (sum - 1.0).abs() > SUM_TOLERANCE
        {
            let reason = format!("the row's probabilities add up to {sum:.4}, not to 1");
            return Err(refused(first, reason));
        }
        let label = match predicted {
            Some(label) => label,
            None => places.labels.get(most_probable).map_or(&[][..], |label| label.as_bytes()),
        };
        let of_label = |label: &[u8]| self.columns.get(label).map_or(0.0, |&at| of_all[at]);
        let confidence = match (&places.confidence, confidence) {
            (Some(place), Some(value)) if !is_probability(value) => {
                return Err(refused(place, format!("{value} is no probability from 0 to 1")));
            }
            (_, Some(value)) => value,
            (_, None) => of_label(label),
        };
        if let Some(confidences) = &mut self.confidences {
            confidences.add(confidence.min(1.0), label == truth);
            if !of_all.is_empty() {
                confidences.add_truth(self.columns.get(truth).map_or(0.0, |&at| of_all[at]));
                if predicted.is_some() {
                    let own = self.columns.get(label).map_or(0.0, |&at| of_all[at]);
                    confidences.add_agreement(own >= of_all[most_probable]);
                }
            }
        }
        self.truth.push(truth).map_err(|reason| refused(&places.truth, reason))?;
        self.predicted.push(label).map_err(|reason| match &places.predicted {
            Some(place) => refused(place, reason),
            None => (label_name(label), reason),
        })
    }
}

fn label_name(label: &[u8]) -> String {
    String::from_utf8_lossy(label).into_owned()
}

fn read_csv(file: &Path, columns: &Columns, part_bytes: u64) -> Result<(Gathered, Places)> {
    let opened = CsvFile::open(file)?;
    let header = opened.names();
    let places = Places::find(file, &header, columns)?;
    let (start, line) = opened.body()?;
    let parts = parts_of(file, start, line, part_bytes)?;
    let read = |part: &Part| read_part(file, part, &places, header.len());
    let read: Vec<Result<Gathered>> = parts.par_iter().map(read).collect();
    let mut gathered = Gathered::new(&places);
    for part in read {
        gathered.append(part?).map_err(|reason| Error::input(file, reason))?;
    }
    Ok((gathered, places))
}

/// Bytes of a CSV file that begin with a record and end with one.
struct Part {
    start: u64,
    end: u64,
    /// The number of its first line.
    line: usize,
}

/// Cuts what is behind the header at line ends. Where a quote is in the file a line's end may be
/// within a cell: then it is one part, as where lines end with a carriage return alone. How it is cut depends on the file alone, so that sums come
/// out the same on any number of threads.
fn parts_of(file: &Path, start: u64, line: usize, part_bytes: u64) -> Result<Vec<Part>> {
    let wrong = |error| Error::file(file, "read")(error);
    let mut opened = std::fs::File::open(file).map_err(wrong)?;
    let length = opened.metadata().map_err(wrong)?.len();
    opened.seek(SeekFrom::Start(start)).map_err(wrong)?;
    let mut parts = Vec::new();
    let mut part = Part { start, end: start, line };
    let (mut at, mut line_now) = (start, line);
    let mut after_return = false;
    let mut block = vec![0; part_bytes.clamp(1, 1 << 20) as usize];
    loop {
        let read = opened.read(&mut block).map_err(wrong)?;
        let bytes = &block[..read];
        // A line that ends with a carriage return alone is the csv library's to count.
        let mut returns = memchr::memchr_iter(b'\r', bytes);
        let alone = (after_return && bytes.first() != Some(&b'\n'))
            || returns.any(|at| bytes.get(at + 1).is_some_and(|next| *next != b'\n'));
        if bytes.contains(&b'"') || alone {
            return Ok(vec![Part { start, end: u64::MAX, line }]);
        }
        if read == 0 {
            break;
        }
        after_return = bytes.last() == Some(&b'\r');
        let last = bytes.iter().rposition(|byte| *byte == b'\n');
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        line_now += lines;
        if let Some(last) = last {
            part.end = at + last as u64 + 1;
            if part.end - part.start >= part_bytes {
                let next = Part { start: part.end, end: part.end, line: line_now };
                parts.push(std::mem::replace(&mut part, next));
            }
        }
        at += read as u64;
    }
    part.end = length.max(at);
    parts.push(part);
    Ok(parts)
}

fn read_part(file: &Path, part: &Part, places: &Places, cells: usize) -> Result<Gathered> {
    let mut opened = std::fs::File::open(file).map_err(Error::file(file, "read"))?;
    opened.seek(SeekFrom::Start(part.start)).map_err(Error::file(file, "read"))?;
    let bytes = opened.take(part.end - part.start);
    let mut records = Records::part(file, bytes, part.line, cells);
    let mut gathered = Gathered::new(places);
    let mut record = ::csv::ByteRecord::new();
    let mut of_all = vec![0.0; places.of_all.len()];
    while let Some(line) = records.next(&mut record)? {
        let refused =
            |(field, reason): Refused| Error::input_at(file, Some(line), Some(&field), reason);
        let cell = |place: &Place| record.get(place.at).unwrap_or_default();
        let number = |place: &Place| {
            let text = std::str::from_utf8(cell(place)).unwrap_or_default().trim();
            text.parse::<f64>().map_err(|_| {
                let reason = match text {
                    "" => "missing: no probability".to_owned(),
                    _ => format!("{text:?} is no probability"),
                };
                refused((place.name.clone(), reason))
            })
        };
        if gathered.confidences.is_some() {
            for (value, place) in of_all.iter_mut().zip(&places.of_all) {
                *value = number(place)?;
            }
            let confidence = places.confidence.as_ref().map(number).transpose()?;
            let predicted = places.predicted.as_ref().map(cell);
            let truth = cell(&places.truth);
            gathered.push(places, truth, predicted, &of_all, confidence).map_err(refused)?;
        } else if let Some(predicted) = &places.predicted {
            for (labels, place) in
                [(&mut gathered.truth, &places.truth), (&mut gathered.predicted, predicted)]
            {
                labels.push(cell(place)).map_err(|reason| refused((place.name.clone(), reason)))?;
            }
        }
    }
    gathered.notes.extend(records.notes());
    Ok(gathered)
}

fn read_parquet(file: &Path, columns: &Columns) -> Result<(Gathered, Places)> {
    let open = || std::fs::File::open(file).map_err(Error::file(file, "read"));
    let broken = |error| Error::input(file, format!("not a whole parquet file: {error}"));
    let mut first = ParquetReader::new(open()?);
    let schema = first.schema().map_err(broken)?;
    let header: Vec<String> = schema.iter_names().map(|name| name.to_string()).collect();
    let rows = first.num_rows().map_err(broken)?;
    let places = Places::find(file, &header, columns).map_err(|error| match error {
        // The names of a parquet file's columns stand in no row.
        Error::Input { mut place, reason } => {
            place.row = None;
            Error::Input { place, reason }
        }
        other => other,
    })?;
    let mut gathered = Gathered::new(&places);
    for start in (0..rows).step_by(ROWS_AT_ONCE) {
        let frame = ParquetReader::new(open()?)
            .with_columns(Some(places.names()))
            .with_slice(Some((start, ROWS_AT_ONCE.min(rows - start))))
            .read_parallel(ParallelStrategy::Columns)
            .finish()
            .map_err(broken)?;
        take_frame(file, &frame, start, &places, &mut gathered)?;
    }
    Ok((gathered, places))
}

/// Takes the rows of a frame, the first of which is the file's row `start`.
fn take_frame(
    file: &Path,
    frame: &DataFrame,
    start: usize,
    places: &Places,
    gathered: &mut Gathered,
) -> Result<()> {
    let column = |place: &Place| {
        let found = frame.column(&place.name);
        found.map_err(|error| Error::input_at(file, None, Some(&place.name), error))
    };
    let at_row = |row: usize, field: &str, reason: String| {
        Error::input_at(file, Some(start + row + 1), Some(field), reason)
    };
    let labels = |place: &Place| texts(file, start, column(place)?, &place.name);
    let truth = labels(&places.truth)?;
    let predicted = places.predicted.as_ref().map(labels).transpose()?;
    if gathered.confidences.is_none()
        && let (Some(predicted), Some(place)) = (&predicted, &places.predicted)
    {
        let take = |labels: &mut Labels, texts: &StringChunked, name: &str| {
            labels.rows.reserve(texts.len());
            for (row, text) in texts.iter().enumerate() {
                let text = text.unwrap_or_default().as_bytes();
                labels.push(text).map_err(|reason| at_row(row, name, reason))?;
            }
            Ok::<(), Error>(())
        };
        let (one, two) = rayon::join(
            || take(&mut gathered.truth, &truth, &places.truth.name),
            || take(&mut gathered.predicted, predicted, &place.name),
        );
        return one.and(two);
    }
    let numbers = |place: &Place| {
        let numbers = column(place)?.cast(&DataType::Float64);
        let numbers = numbers.and_then(|column| column.f64().cloned());
        numbers.map_err(|error| Error::input_at(file, None, Some(&place.name), error))
    };
    let of_all = places.of_all.iter().map(numbers).collect::<Result<Vec<_>>>()?;
    let confidence = places.confidence.as_ref().map(numbers).transpose()?;
    let mut values = vec![0.0; of_all.len()];
    // Chunk by chunk access by row is slow where there are many chunks.
    let of_all: Vec<_> = of_all.iter().map(|column| column.rechunk()).collect();
    let confidence = confidence.map(|column| column.rechunk().into_owned());
    for row in 0..frame.height() {
        for ((value, column), place) in values.iter_mut().zip(&of_all).zip(&places.of_all) {
            let missing = || at_row(row, &place.name, "missing: no probability".to_owned());
            *value = column.get(row).ok_or_else(missing)?;
        }
        let own = match (&confidence, &places.confidence) {
            (Some(column), Some(place)) => {
                let missing = || at_row(row, &place.name, "missing: no probability".to_owned());
                Some(column.get(row).ok_or_else(missing)?)
            }
            _ => None,
        };
        let text = |texts: &StringChunked| texts.get(row).unwrap_or_default().as_bytes().to_vec();
        let said = predicted.as_ref().map(text);
        gathered
            .push(places, &text(&truth), said.as_deref(), &values, own)
            .map_err(|(field, reason)| at_row(row, &field, reason))?;
    }
    Ok(())
}

/// A column of labels as text. Whole numbers in a column of floats, as a frame with missing values
/// has them, lose their `.0`.
pub(super) fn texts(
    file: &Path,
    start: usize,
    column: &Column,
    name: &str,
) -> Result<StringChunked> {
    let wrong = |error: String| Error::input_at(file, None, Some(name), error);
    let column = match column.dtype() {
        DataType::Float32 | DataType::Float64 => {
            let floats =
                column.cast(&DataType::Float64).map_err(|error| wrong(error.to_string()))?;
            let floats = floats.f64().map_err(|error| wrong(error.to_string()))?;
            for (row, value) in floats.iter().enumerate() {
                let reason = match value {
                    Some(value) if value.is_nan() => "NaN is no label".to_owned(),
                    Some(value) if value.fract() != 0.0 => format!("{value} is no label"),
                    _ => continue,
                };
                return Err(Error::input_at(file, Some(start + row + 1), Some(name), reason));
            }
            column.cast(&DataType::Int64).map_err(|error| wrong(error.to_string()))?
        }
        _ => column.clone(),
    };
    let text = column.cast(&DataType::String).and_then(|column| column.str().cloned());
    text.map_err(|error| wrong(format!("no column of labels: {error}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(broken: Option<usize>) -> String {
        let mut text = String::from("truth,predicted,p_one,p_two\n");
        for row in 0..500 {
            let label = |by: usize| if row % by == 0 { "one" } else { "two" };
            let second = if broken == Some(row) { 0.5 } else { 0.75 };
            text.push_str(&format!("{},{},0.25,{second}\n", label(2), label(3)));
        }
        text
    }

    #[test]
    fn a_file_in_parts_is_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.csv");
        let columns = Columns { probabilities: Some("p_".into()), ..Columns::default() };
        let read = |text: &str, part_bytes| {
            std::fs::write(&file, text).unwrap();
            read_csv(&file, &columns, part_bytes).map(|(gathered, _)| gathered)
        };
        let text = rows(None);
        let whole = read(&text, u64::MAX).unwrap();
        for (text, part_bytes) in
            [(text.clone(), 64), (text.clone(), 1), (text.replace('\n', "\r\n"), 100)]
        {
            let parts = read(&text, part_bytes).unwrap();
            assert_eq!(parts.truth.names, whole.truth.names);
            assert_eq!(parts.truth.rows, whole.truth.rows);
            assert_eq!(parts.predicted.rows, whole.predicted.rows);
            let log_loss = |all: &Gathered| all.confidences.as_ref().unwrap().scores().log_loss;
            assert!((log_loss(&parts).unwrap() - log_loss(&whole).unwrap()).abs() < 1e-12);
        }
        // A wrong row has its own number, whichever part it is in.
        for row in [0, 250, 499] {
            for part_bytes in [64, u64::MAX] {
                let message = read(&rows(Some(row)), part_bytes).err().unwrap().to_string();
                assert!(message.contains(&format!("row {}, field", row + 2)), "{message}");
            }
        }
        // A quote, and a line's end within a cell, anywhere: no part is cut.
        let quoted = text.clone() + "\"o\nne\",two,0.5,0.5\n";
        let parts = read(&quoted, 64).unwrap();
        assert_eq!(parts.truth.rows.len(), 501);
        assert_eq!(parts.truth.names[2], "o\nne");
    }

    #[test]
    fn labels_that_share_a_place_are_told_apart() {
        let names: Vec<String> = (0..20_000).map(|at| format!("class {at}")).collect();
        let mut labels = Labels::default();
        for name in names.iter().chain(&names) {
            labels.push(name.as_bytes()).unwrap();
        }
        assert_eq!(labels.names, names);
        let expected: Vec<u32> = (0..20_000).chain(0..20_000).collect();
        assert_eq!(labels.rows, expected);
    }
}
