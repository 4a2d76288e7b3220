//! Flows in memory, with their families or without.

use super::file::{FlowColumns, FlowFile};
use crate::family::standardise::{Moments, Standardiser};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ttp_base::spelling::{self, tidy};
use ttp_base::{Error, Result, files};
use ttp_text::split::Shares;

/// More families than this are a column that is no label.
const MOST_FAMILIES: usize = 10_000;

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

    /// What tells these rows from others without reading them again, for a fingerprint: the file's
    /// length and when it was changed, which of its rows these are, how many each family has.
    ///
    /// # Errors
    /// If the file is not there any more.
    pub(in crate::family) fn mark(&self) -> Result<impl Serialize + '_> {
        let path = &self.file.path;
        let about = std::fs::metadata(path).map_err(Error::file(path, "read"))?;
        let part = self.part.as_ref().map(|(parts, this)| (&parts[..], this));
        Ok((about.len(), about.modified().ok(), part, &self.counts))
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
        let mut known: HashMap<Cow<'_, str>, u32> = HashMap::with_capacity(families.len());
        // As labels are read: an encoder may have been saved with `1.0`.
        known.extend(families.iter().map(|name| tidy(name)).zip(0..));
        let mut index_of = |label: &str, _| {
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
    /// What to know of the training file, one line each: rows over several lines, families whose
    /// names look alike.
    pub notes: Vec<String>,
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
        let FileLabels { families, mut notes, .. } = labels_of(&file)?;
        let mut train = Flows::new(file, families.into(), None);
        let standardiser = fit(&mut train)?;
        let other = |path: &Path| {
            let file = FlowFile::open_for(path, train.file.features(), &columns.label)?;
            if !file.has_label() {
                let row = (!files::is_parquet(path)).then_some(1);
                let reason = "no such column";
                return Err(Error::input_at(path, row, Some(&columns.label), reason));
            }
            Flows::of(file, &train.families)
        };
        let (validation, test) = (other(validation)?, test.map(other).transpose()?);
        for of in [Some(&validation), test.as_ref()].into_iter().flatten() {
            let named = |note: &String| format!("{}: {note}", of.file.path().display());
            notes.extend(of.file.notes.as_ref().map(named));
        }
        Ok(Self { train, validation, test, standardiser, notes })
    }

    /// Of one file, shared out at random but for the shares, family by family.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files); if the shares make no sense, or leave validation
    /// without a row.
    pub fn split(path: &Path, shares: Shares, seed: u64, columns: &FlowColumns) -> Result<Self> {
        shares.check()?;
        let file = FlowFile::open(path, columns)?;
        let FileLabels { families, labels, notes } = labels_of(&file)?;
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
        let test = Some(test).filter(|test| !test.is_empty());
        Ok(Self { train, validation, test, standardiser, notes })
    }

    /// Of a folder with one file each whose name ends in `train`, `validation` and, where there
    /// is one, `test`, before `.parquet` or `.csv`: what [`SyntheticFlows::write`] makes, or files
    /// of one's own.
    ///
    /// # Errors
    /// If a file is missing or there are several of a part; else as
    /// [`from_files`](Self::from_files).
    ///
    /// [`SyntheticFlows::write`]: crate::family::SyntheticFlows::write
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
fn part_in(folder: &Path, part: &str) -> Result<Option<PathBuf>> {
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

/// The labels of a training file.
struct FileLabels {
    /// Its families in alphabetical order.
    families: Vec<String>,
    /// The family of each of its rows.
    labels: Vec<u32>,
    /// What to know of them.
    notes: Vec<String>,
}

fn labels_of(file: &FlowFile) -> Result<FileLabels> {
    let mut names: Vec<String> = Vec::new();
    let mut first: Vec<usize> = Vec::new();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut labels = Vec::with_capacity(file.rows());
    // The labels alone: features are read with the moments.
    let narrow = FlowFile { features: Vec::new(), features_at: Vec::new(), ..file.clone() };
    for piece in &file.pieces {
        let mut index_of = |label: &str, row: usize| {
            if let Some(&index) = known.get(label) {
                return Ok(index);
            }
            if names.len() == MOST_FAMILIES {
                return Err(format!("more than {MOST_FAMILIES} families: this is no label"));
            }
            let index = names.len() as u32;
            names.push(label.to_owned());
            first.push(row);
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
    let mut notes: Vec<String> = file.notes.iter().cloned().collect();
    notes.extend(spelling::notes(names.iter().map(String::as_str).zip(first)));
    names.sort();
    Ok(FileLabels { families: names, labels, notes })
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
