//! How well a classifier names techniques: confusion matrices, scores in their
//! three averages, intervals that say how far chance alone could move them, and
//! tests of whether two classifiers differ by more; and, in [`diagnose`], which classes a
//! classifier never finds, which it over-predicts, and which it confuses; in [`calibration`], whether
//! its probabilities can be believed; in [`names`], whether the names stand beside the right
//! classes. [`diagnosis`] reads predictions or a matrix from a file and writes what is wrong with them;
//! [`plot`] draws.
//!
//! Every table has truth in its rows and predictions in its columns. Scores are
//! scikit-learn's: a quotient with nothing under the line is 0
//! (`zero_division=0`), and averages run over the labels that occur in truth or
//! predictions. `environment/golden/metrics.py` holds them to it.
//!
//! ```
//! use ttp_metrics::{Bootstrap, Confusion, Tally};
//!
//! let truth = [0, 0, 1, 1, 1, 2];
//! let predicted = [0, 1, 1, 1, 0, 2];
//! let confusion = Confusion::from_indices(["T1027", "T1059", "T1105"], &truth, &predicted)?;
//! let scores = confusion.scores();
//! assert_eq!(scores.accuracy, 4.0 / 6.0);
//! assert_eq!(scores.recall.macro_, (1.0 / 2.0 + 2.0 / 3.0 + 1.0) / 3.0);
//!
//! let bootstrap = Bootstrap { resamples: 500, level: 0.95, seed: 1 };
//! let recall = bootstrap.estimate(3, &truth, &predicted, |tally: &Tally| tally.recall().macro_)?;
//! assert_eq!(recall.value, scores.recall.macro_);
//! assert!(recall.low <= recall.value && recall.value <= recall.high);
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod bootstrap;
pub mod calibration;
mod confusion;
pub mod diagnose;
pub mod diagnosis;
pub mod names;
pub mod plot;
mod scores;
mod significance;
mod summary;
mod threshold;

pub use bootstrap::{Bootstrap, Estimate, Groups, Part, percentile};
pub use confusion::{ClassConfusion, Confusion};
pub use diagnose::{
    CellCount, ClassDiagnosis, Confidences, ConfusedPair, CutOffs, Diagnosis, DiagnosisSettings,
    Fault, Imbalance, OverPredictedClass, ProbabilityScores, Share, SparseConfusion,
    SwallowedClass, Tier, ZeroRecallClass, wilson,
};
pub use scores::{Averages, ClassScores, Scores, Tally};
pub use significance::{Discordant, holm, mcnemar_exact};
pub use summary::{Assumption, PairedSummary, Summary};
pub use threshold::{BinaryCounts, Criterion, Empty, Ranking, WeightedCounts};

use scores::{f_beta, quotient};
use ttp_base::{Error, Result};

/// Truth and predictions belong together: as many of the one as of the other, at
/// least one, and every class index below `classes`.
fn check_rows(classes: usize, truth: &[usize], predicted: &[usize]) -> Result<()> {
    let wrong = |field, reason| Err(Error::Setting { field, reason });
    if truth.is_empty() {
        return wrong("truth", "there is no row to score".to_owned());
    }
    if truth.len() != predicted.len() {
        let reason = format!("{} predictions for {} rows of truth", predicted.len(), truth.len());
        return wrong("predicted", reason);
    }
    for (field, indices) in [("truth", truth), ("predicted", predicted)] {
        if let Some(row) = indices.iter().position(|&index| index >= classes) {
            let index = indices[row];
            return wrong(field, format!("class {index} at row {row}, of {classes} classes"));
        }
    }
    Ok(())
}
