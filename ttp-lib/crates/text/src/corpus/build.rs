//! From a source to a corpus, with an account of what was left out.

use super::candidates::{Candidate, Reason, RowChoice, fold};
use super::stix::{self, Contents};
use super::{Columns, Corpus, Sentence, clean, csv, tram};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use ttp_base::{Result, spelling};

/// Where a corpus comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An ATT&CK bundle in STIX 2.x, and TRAM v1's sentences where they are wanted.
    Attack {
        /// The bundle, for instance `enterprise-attack.json`.
        bundle: PathBuf,
        /// TRAM v1's `all_analyzed_reports.json`.
        tram: Option<PathBuf>,
    },
    /// Several ATT&CK bundles, for instance Enterprise, Mobile and ICS, and TRAM v1's sentences
    /// where they are wanted.
    Bundles {
        /// The bundles, one or more; their sentences come in this order.
        bundles: Vec<PathBuf>,
        /// TRAM v1's `all_analyzed_reports.json`.
        tram: Option<PathBuf>,
    },
    /// A CSV file with a header.
    Csv {
        /// The file.
        path: PathBuf,
        /// Which of its columns hold what.
        columns: Columns,
        /// The techniques that labels must be among, id to name; `None` takes any label.
        known: Option<BTreeMap<String, String>>,
        /// Which of its rows are kept.
        keep: RowChoice,
    },
}

/// How many sentences were left out for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DropCount {
    /// The reason.
    pub reason: Reason,
    /// Sentences.
    pub count: usize,
}

/// A corpus and the account of its making: `candidates` is its length and all the
/// counts of `dropped` together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusBuild {
    /// What was kept.
    pub corpus: Corpus,
    /// Sentences that were read.
    pub candidates: usize,
    /// What was left out, in the order of [`Reason::ALL`]; reasons without a case are absent.
    pub dropped: Vec<DropCount>,
    /// What would have been left out, and was kept because every row is ([`RowChoice::EveryRow`]).
    pub kept_all_the_same: Vec<DropCount>,
    /// What else to know of the source, one line each: objects of a bundle that were passed
    /// over, labels that look alike.
    pub notes: Vec<String>,
}

impl fmt::Display for CorpusBuild {
    /// One line for each count, then the sum: what a notebook or a terminal shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>7} sentences read", self.candidates)?;
        for DropCount { reason, count } in &self.dropped {
            writeln!(f, "{count:>7} left out: {reason}")?;
        }
        for DropCount { reason, count } in &self.kept_all_the_same {
            writeln!(f, "{count:>7} kept, as every row is: {reason}")?;
        }
        for note in &self.notes {
            writeln!(f, "        note: {note}")?;
        }
        write!(f, "{:>7} rows, {} techniques", self.corpus.len(), self.corpus.counts().len())
    }
}

/// Reads a source into a corpus.
///
/// From a bundle: the sentences of each technique's description, then those of each
/// `uses` relationship whose source is malware, a group or a campaign (the procedure examples),
/// in the bundle's order; then TRAM's. Sub-techniques are folded into their technique.
/// Within a technique a text is kept once; two techniques may share a text.
///
/// # Errors
/// If a file cannot be read, or is not what the source says it is: the message names
/// file, row and field.
pub fn build(source: &Source) -> Result<CorpusBuild> {
    match source {
        Source::Attack { bundle, tram } => of_bundles(&[bundle], tram.as_deref()),
        Source::Bundles { bundles, tram } => {
            of_bundles(&bundles.iter().collect::<Vec<_>>(), tram.as_deref())
        }
        Source::Csv { path, columns, known, keep } => {
            let table = csv::read(path, columns, known.as_ref(), *keep)?;
            let built = sift(table.candidates, *keep, |id| table.names.get(id).cloned());
            Ok(CorpusBuild { notes: table.notes, ..built })
        }
    }
}

impl Source {
    /// The files that it is read from.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Self::Attack { bundle, tram } => {
                [bundle].into_iter().chain(tram).map(PathBuf::as_path).collect()
            }
            Self::Bundles { bundles, tram } => {
                bundles.iter().chain(tram).map(PathBuf::as_path).collect()
            }
            Self::Csv { path, .. } => vec![path],
        }
    }
}

fn of_bundles(bundles: &[&PathBuf], tram: Option<&Path>) -> Result<CorpusBuild> {
    let paths: Vec<&Path> = bundles.iter().map(|bundle| bundle.as_path()).collect();
    let Contents { techniques, mut candidates, notes: all } = stix::read(&paths)?;
    let mut notes = Vec::new();
    for (bundle, own) in paths.iter().zip(all) {
        let named = |note: String| match bundle.file_name() {
            Some(name) if paths.len() > 1 => format!("{}: {note}", Path::new(name).display()),
            _ => note,
        };
        notes.extend(own.into_iter().map(named));
    }
    if let Some(tram) = tram {
        candidates.extend(tram::read(tram, &techniques)?);
    }
    let built = sift(candidates, RowChoice::Distinct, |id| techniques.parent_name(id));
    Ok(CorpusBuild { notes, ..built })
}

/// The techniques of an ATT&CK bundle that are neither revoked nor deprecated, id to
/// name, sub-techniques left out: what the labels of a CSV file can be checked against.
/// Bundles of the domains (Enterprise, Mobile, ICS) are read alike.
///
/// # Errors
/// As [`build()`].
pub fn techniques(bundle: &Path) -> Result<BTreeMap<String, String>> {
    let parents =
        stix::read(&[bundle])?.techniques.0.into_iter().filter(|(id, _)| !id.contains('.'));
    Ok(parents.map(|(id, technique)| (id, technique.name)).collect())
}

/// Which candidates become rows, and why the others do not.
pub(super) fn sift(
    candidates: Vec<Candidate>,
    keep: RowChoice,
    name: impl Fn(&str) -> Option<String>,
) -> CorpusBuild {
    let read = candidates.len();
    let mut counts: BTreeMap<Reason, usize> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut sentences = Vec::with_capacity(read);
    for candidate in candidates {
        let technique = fold(&candidate.technique).to_owned();
        let reason = candidate.dropped.or_else(|| {
            if !candidate.text.contains(char::is_alphabetic) {
                Some(Reason::NoWord)
            } else if spelling::is_missing_value(&candidate.text) {
                Some(Reason::MissingValue)
            } else if !seen.insert((technique.clone(), clean::normalised(&candidate.text))) {
                Some(Reason::Duplicate)
            } else {
                None
            }
        });
        if let Some(reason) = reason {
            *counts.entry(reason).or_insert(0) += 1;
            if keep == RowChoice::Distinct {
                continue;
            }
        }
        sentences.push(Sentence {
            name: name(&technique).unwrap_or_else(|| technique.clone()),
            subtechnique: (candidate.technique != technique).then_some(candidate.technique),
            technique,
            text: candidate.text,
            source_id: candidate.source_id,
        });
    }
    let counted: Vec<DropCount> =
        counts.into_iter().map(|(reason, count)| DropCount { reason, count }).collect();
    let (dropped, kept_all_the_same) = match keep {
        RowChoice::Distinct => (counted, Vec::new()),
        RowChoice::EveryRow => (Vec::new(), counted),
    };
    let notes = Vec::new();
    CorpusBuild {
        corpus: Corpus { sentences },
        candidates: read,
        dropped,
        kept_all_the_same,
        notes,
    }
}
