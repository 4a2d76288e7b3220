//! Whether a classifier's probabilities can be believed, and what to do where they cannot.
//!
//! - [`Probabilities`] and [`Logits`]: checked rows of numbers, one for each class.
//! - [`Reliability`]: confidence against accuracy in bins of equal mass, and the calibration
//!   errors with their intervals.
//! - [`Losses`]: negative log-likelihood and Brier score, with intervals.
//! - [`Temperature`]: one number, fitted on validation rows, that all logits are divided by.
//! - [`WeightedMean`]: two models' probabilities together, the weight chosen on validation rows.
//! - [`RiskCoverage`]: what a model gets wrong when it names only the rows that it is sure of,
//!   and how many rows it can name at a given precision.
//!
//! A model is *calibrated* if, of all rows that it names with a confidence of 0.8, it names 80 %
//! right. The confidence of a row is the probability of its most probable class (top-label
//! calibration). Rows and classes are numbered from 0.
//!
//! ```
//! use ttp_metrics::calibration::{Logits, Losses, Reliability, Temperature};
//! use ttp_metrics::{Bootstrap, Groups};
//!
//! // Four rows, two classes. Each row says 0.88 (a logit of 2); three of four are right.
//! let logits = Logits::new(2, [2.0, 0.0, 0.0, 2.0, 2.0, 0.0, 2.0, 0.0])?;
//! let truth = [0, 1, 0, 1];
//! let temperature = Temperature::fit(&logits, &truth)?;
//! let (before, after) = (logits.softmax(1.0)?, temperature.apply(&logits)?);
//! let errors = [&before, &after].map(|probabilities| {
//!     Reliability::new(probabilities, &truth, Reliability::BINS).map(|r| r.expected_error())
//! });
//! let [before_error, after_error] = errors;
//! assert!((before_error? - (0.8808 - 0.75)).abs() < 1e-4);
//! assert!(after_error? < 1e-12);
//!
//! let bootstrap = Bootstrap { resamples: 200, level: 0.95, seed: 1 };
//! let groups = Groups::each_row(4);
//! let gain = Losses::difference(&after, &before, &truth, &groups, bootstrap)?;
//! assert!(gain.negative_log_likelihood.value < 0.0);
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod coverage;
mod losses;
mod mean;
mod probabilities;
mod reliability;
mod temperature;

pub use coverage::{CoverageAtPrecision, CoveragePoint, NamedShare, RiskCoverage};
pub use losses::{Losses, brier_score, negative_log_likelihood};
pub use mean::{WeightCriterion, WeightedMean, weighted_mean};
pub use probabilities::{Logits, Probabilities};
pub(crate) use probabilities::{ROUNDING, SUM_TOLERANCE};
pub use reliability::{CalibrationError, CalibrationErrors, Reliability, ReliabilityBin};
pub use temperature::{Bound, Temperature};

use crate::{Bootstrap, Estimate, Groups};
use ttp_base::{Error, Result};

fn wrong(field: &'static str, reason: impl Into<String>) -> Error {
    Error::Setting { field, reason: reason.into() }
}

/// One class index for each row, all below `classes`.
fn check_truth(rows: usize, classes: usize, truth: &[usize]) -> Result<()> {
    if truth.len() != rows {
        return Err(wrong("truth", format!("{} labels for {rows} rows", truth.len())));
    }
    match truth.iter().position(|&class| class >= classes) {
        Some(row) => {
            let class = truth[row];
            Err(wrong("truth", format!("class {class} at row {row}, of {classes} classes")))
        }
        None => Ok(()),
    }
}

/// Means over rows, at least one, with intervals from the same resamples.
fn means<const N: usize>(
    bootstrap: Bootstrap,
    groups: &Groups,
    values: &[[f64; N]],
) -> Result<[Estimate; N]> {
    groups.check_rows(values.len())?;
    let mean = |rows: &mut dyn Iterator<Item = usize>| {
        let (mut sums, mut count) = ([0.0_f64; N], 0.0);
        for row in rows {
            for (sum, value) in sums.iter_mut().zip(&values[row]) {
                *sum += value;
            }
            count += 1.0;
        }
        sums.map(|sum| sum / count)
    };
    let draws =
        bootstrap.draw(groups, 0, || (), |(), rows| mean(&mut rows.iter().map(|&r| r as usize)))?;
    bootstrap.all_around(mean(&mut (0..values.len())), &draws)
}

/// Two classes, the first with these confidences.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
fn two_classes(confidences: &[f64]) -> Probabilities {
    Probabilities::new(2, confidences.iter().flat_map(|p| [*p, 1.0 - p]).collect::<Vec<_>>())
        .unwrap()
}
