//! Names held against what is beside the predictions: class counts in a file, a second labelling
//! of the same rows.

mod counts;
mod labelling;
mod show;

pub use counts::read_class_counts;
pub use labelling::{Labelling, Second, read_labels};

use super::DiagnosisInput;
use crate::names::{NamesByCounts, NamesByLabelling, NamesSettings, NamesVerdict};
use crate::{Confusion, Fault};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result, files};

/// What was found out about the names. Empty where nothing was asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Names {
    /// Against class counts.
    pub by_counts: Option<ByCounts>,
    /// Against a second labelling.
    pub by_labelling: Option<ByLabelling>,
}

/// Names against class counts.
#[derive(Debug, Clone, PartialEq)]
pub struct ByCounts {
    /// The file of counts.
    pub file: PathBuf,
    /// What was found.
    pub found: NamesByCounts,
    /// The matrix again under the new names, its classes in their old order; none of more than
    /// 1,000 classes.
    pub matrix: Option<Confusion>,
}

/// Names against a second labelling.
#[derive(Debug, Clone, PartialEq)]
pub struct ByLabelling {
    /// The file of the second labelling.
    pub file: PathBuf,
    /// Its column of labels, where it has columns.
    pub column: Option<String>,
    /// What was found.
    pub found: NamesByLabelling,
    /// The second labelling in rows, predictions under their new names in columns.
    pub matrix: Confusion,
}

/// A matrix of more classes is not written out.
const WRITTEN_OUT: usize = 1_000;

impl Names {
    /// Holds the row totals of a matrix against the class counts in a file.
    ///
    /// # Errors
    /// As [`read_class_counts`] and [`NamesByCounts::of`].
    pub fn against_counts(
        &mut self,
        judged: &DiagnosisInput,
        file: &Path,
        settings: &NamesSettings,
    ) -> Result<()> {
        let labels = judged.counts.labels();
        let counts = read_class_counts(file, labels)?;
        let supports = judged.counts.tally().support;
        let found = NamesByCounts::of(labels, &supports, &counts, settings)
            .map_err(|error| in_file(file, error))?;
        let classes = labels.len();
        let matrix = if classes > WRITTEN_OUT {
            None
        } else {
            let mut rows = vec![vec![0; classes]; classes];
            for cell in judged.counts.cells() {
                rows[cell.truth as usize][cell.predicted as usize] = cell.count;
            }
            Some(found.naming.rename(&Confusion::from_counts(labels.to_vec(), &rows)?)?)
        };
        self.by_counts = Some(ByCounts { file: file.to_path_buf(), found, matrix });
        Ok(())
    }

    /// Holds predictions against a second labelling of the same rows: `ids` is the column that
    /// both files number their rows by. Gives what is to be known of the second file, one line each.
    ///
    /// # Errors
    /// If the judged file is a matrix or has no column of predictions, an id stands twice, a
    /// predicted row has no second label, or as [`read_labels`] and [`NamesByLabelling::of`]: file,
    /// row and field.
    pub fn against_labelling(
        &mut self,
        judged: &DiagnosisInput,
        second: &Second,
        ids: &str,
        settings: &NamesSettings,
    ) -> Result<Vec<String>> {
        let file = judged.source.file.as_path();
        let Some(column) = &judged.source.predicted else {
            let reason = "no column of predictions to hold against a second labelling";
            return Err(Error::input(file, reason));
        };
        let predicted = Second { file: file.to_path_buf(), column: Some(column.clone()) };
        let predicted = read_labels(&predicted, ids)?.rows;
        let Labelling { rows, column, notes } = read_labels(second, ids)?;
        let by_id: HashMap<&str, &str> =
            rows.iter().map(|row| (row.id.as_str(), row.label.as_str())).collect();
        let mut pairs = Vec::with_capacity(predicted.len());
        for row in &predicted {
            let Some(&label) = by_id.get(row.id.as_str()) else {
                let reason = format!("{:?} has no label in {}", row.id, second.file.display());
                return Err(Error::input_at(file, Some(row.row), Some(ids), reason));
            };
            pairs.push((label, row.label.as_str()));
        }
        let own = judged.counts.labels().iter().map(String::as_str);
        let all: BTreeSet<&str> = own.chain(pairs.iter().map(|(label, _)| *label)).collect();
        let all: Vec<&str> = all.into_iter().collect();
        let place = |label: &str| all.partition_point(|known| *known < label);
        let truth: Vec<usize> = pairs.iter().map(|(label, _)| place(label)).collect();
        let given: Vec<usize> = pairs.iter().map(|(_, label)| place(label)).collect();
        let confusion = Confusion::from_indices(all.clone(), &truth, &given);
        let confusion = confusion.map_err(|error| in_file(file, error))?;
        let found = NamesByLabelling::of(&confusion, settings)
            .map_err(|error| in_file(&second.file, error))?;
        let matrix = found.renamed(&confusion)?;
        let file = second.file.clone();
        let notes = notes.iter().map(|note| format!("{}: {note}", file.display())).collect();
        self.by_labelling = Some(ByLabelling { file, column, found, matrix });
        Ok(notes)
    }

    /// The faults among what was found.
    pub fn faults(&self) -> Vec<Fault> {
        let fault = |verdict: NamesVerdict, against: &str| match verdict {
            NamesVerdict::InOrder => None,
            NamesVerdict::Shuffled => Some(Fault::NamesShuffled { against: against.to_owned() }),
            NamesVerdict::Unclear => Some(Fault::NamesUnclear { against: against.to_owned() }),
        };
        let counts = self.by_counts.as_ref();
        let labelling = self.by_labelling.as_ref();
        let counts = counts.and_then(|by| fault(by.found.verdict, "the class counts"));
        let labelling = labelling.and_then(|by| fault(by.found.verdict, "the second labelling"));
        counts.into_iter().chain(labelling).collect()
    }

    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.by_counts.is_none() && self.by_labelling.is_none()
    }
}

/// What a setting's error says, said of the file that it is about.
fn in_file(file: &Path, error: Error) -> Error {
    match error {
        Error::Setting { field: "supports" | "counts" | "labels", reason } => {
            Error::input(file, reason)
        }
        other => other,
    }
}

/// A file's bytes, unpacked where its name ends in `.gz`; and the name's ending before that.
fn open(file: &Path) -> Result<(Box<dyn std::io::Read>, String)> {
    let opened = std::fs::File::open(file).map_err(Error::file(file, "read"))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let (packed, name) = match name.strip_suffix(".gz") {
        Some(name) => (true, name.to_owned()),
        None => (false, name),
    };
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_owned();
    let read: Box<dyn std::io::Read> = match packed {
        true => Box::new(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(opened))),
        false => Box::new(opened),
    };
    Ok((Box::new(files::begin_text(file, read)?), ending))
}

/// A mistake in a JSON file, with its line; where the file could not be read (a gzip that is cut
/// off), that.
fn json_error(file: &Path, error: serde_json::Error) -> Error {
    if error.is_io() {
        return Error::input(file, format!("cannot be read to its end: {error}"));
    }
    Error::input_at(file, Some(error.line()), None, error)
}
