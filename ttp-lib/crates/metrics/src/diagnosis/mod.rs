//! A classifier's diagnosis from files to files: predictions or a confusion matrix are
//! [read](read_predictions), [`metrics::diagnose`](crate::diagnose) says what is wrong,
//! and a [`Report`] is a table in a terminal, JSON, Markdown and an HTML page. Whether the names
//! stand beside the right classes, class counts or a second labelling tell: [`Names`].
//!
//! ```no_run
//! use std::path::Path;
//! use ttp_metrics::diagnosis::{Columns, Report, read_predictions};
//! use ttp_metrics::DiagnosisSettings;
//! let file = Path::new("results/finetune.minilm.clean.predictions.parquet");
//! let judged = read_predictions(file, &Columns::default())?;
//! let report = Report::new(judged, &DiagnosisSettings::default())?;
//! print!("{}", report.to_text()?);
//! report.write(Path::new("results/diagnosis"))?;
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod kinds;
mod matrix;
mod names;
mod page;
mod predictions;
mod report;
mod whole_number;

pub use matrix::read_matrix;
pub use names::{ByCounts, ByLabelling, Labelling, Names, Second, read_class_counts, read_labels};
pub use predictions::{Columns, read_predictions};
pub use report::{Report, SCHEMA};

use crate::{ProbabilityScores, SparseConfusion};
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// What was read of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct DiagnosisInput {
    /// Where it is from.
    pub source: Source,
    /// How often each class was given to rows of each class, classes in alphabetical order (those
    /// of a matrix in its own).
    pub counts: SparseConfusion,
    /// What the probabilities say, where there are any.
    pub probabilities: Option<ProbabilityScores>,
    /// What else to know of the file, one line each: labels that look alike, rows of several
    /// lines, margins that were left out.
    pub notes: Vec<String>,
}

/// Where predictions or a matrix are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The file.
    #[serde(serialize_with = "as_shown")]
    pub file: PathBuf,
    /// The column of truth, of predictions.
    pub truth: Option<String>,
    /// The column of predictions; none of a matrix, and none where the class of the highest
    /// probability was taken.
    pub predicted: Option<String>,
    /// The column of the predictions' probabilities, or what the columns of all classes'
    /// probabilities begin with.
    pub probabilities: Option<String>,
}

/// A name that is not UTF-8 is no reason to write nothing.
fn as_shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
