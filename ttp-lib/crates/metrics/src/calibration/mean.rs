//! Two models together.

use super::{Probabilities, negative_log_likelihood, wrong};
use serde::{Deserialize, Serialize};
use ttp_base::Result;

/// What a weight is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightCriterion {
    /// The most rows named right.
    Accuracy,
    /// The least [`negative_log_likelihood`].
    NegativeLogLikelihood,
}

/// The mean of two models' probabilities (soft voting; as a forecast, the linear opinion pool of
/// Stone, *The opinion pool*, 1961): `w × first + (1 − w) × second`. Both models should be
/// calibrated first: otherwise the one that is surer of itself decides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeightedMean {
    /// The first model's weight, from 0 to 1.
    pub weight: f64,
}

impl WeightedMean {
    /// More steps than validation rows can tell apart.
    pub const MOST_STEPS: u32 = 10_000;

    /// Tries the weights 0, `1/steps`, `2/steps` … 1 on validation rows and takes the best. Of
    /// weights that are as good, the one nearest to one half is taken; of two as near, the larger.
    ///
    /// ```
    /// use ttp_metrics::calibration::{WeightCriterion, Probabilities, WeightedMean};
    /// let first = Probabilities::new(2, [0.9, 0.1, 0.4, 0.6])?;
    /// let second = Probabilities::new(2, [0.3, 0.7, 0.8, 0.2])?;
    /// // Each is wrong in one row. The mean is right in the first row if 0.6 w > 0.2, and in the
    /// // second if 0.4 w < 0.3: both from 1/3 to 3/4, and 1/2 lies between.
    /// let chosen = WeightedMean::choose(&first, &second, &[0, 0], WeightCriterion::Accuracy, 10)?;
    /// assert_eq!(chosen.weight, 0.5);
    /// let both = chosen.apply(&first, &second)?;
    /// assert_eq!(both.best(), [0, 0]);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the two are not of the same number of rows and classes, the truth is not one class for
    /// each row, or the steps are not from 1 to [`MOST_STEPS`](Self::MOST_STEPS).
    pub fn choose(
        first: &Probabilities,
        second: &Probabilities,
        truth: &[usize],
        by: WeightCriterion,
        steps: u32,
    ) -> Result<Self> {
        if !(1..=Self::MOST_STEPS).contains(&steps) {
            let reason = format!("{steps} is not from 1 to {}", Self::MOST_STEPS);
            return Err(wrong("steps", reason));
        }
        // The nearest to one half first, so that only a better one takes its place.
        let mut grid: Vec<u32> = (0..=steps).rev().collect();
        grid.sort_by_key(|&step| (2 * u64::from(step)).abs_diff(u64::from(steps)));
        let mut best: Option<(f64, f64)> = None;
        for step in grid {
            let weight = f64::from(step) / f64::from(steps);
            let mean = weighted_mean(first, second, weight)?;
            let loss = match by {
                WeightCriterion::Accuracy => {
                    mean.right(truth)?.iter().filter(|right| !**right).count() as f64
                }
                WeightCriterion::NegativeLogLikelihood => negative_log_likelihood(&mean, truth)?,
            };
            if best.is_none_or(|(least, _)| loss < least) {
                best = Some((loss, weight));
            }
        }
        Ok(Self { weight: best.map_or(0.5, |(_, weight)| weight) })
    }

    /// The mean of these rows' probabilities.
    ///
    /// # Errors
    /// As [`weighted_mean`].
    pub fn apply(&self, first: &Probabilities, second: &Probabilities) -> Result<Probabilities> {
        weighted_mean(first, second, self.weight)
    }
}

/// `weight × first + (1 − weight) × second`, row by row and class by class.
///
/// ```
/// use ttp_metrics::calibration::{Probabilities, weighted_mean};
/// let first = Probabilities::new(2, [1.0, 0.0])?;
/// let second = Probabilities::new(2, [0.5, 0.5])?;
/// assert_eq!(weighted_mean(&first, &second, 0.25)?.values(), [0.625, 0.375]);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If the weight is not from 0 to 1, or the two are not of the same number of rows and classes.
pub fn weighted_mean(
    first: &Probabilities,
    second: &Probabilities,
    weight: f64,
) -> Result<Probabilities> {
    if !(0.0..=1.0).contains(&weight) {
        return Err(wrong("weight", format!("{weight} is not from 0 to 1")));
    }
    let shape = |one: &Probabilities| (one.rows(), one.classes());
    if shape(first) != shape(second) {
        let ((rows, classes), (other_rows, other_classes)) = (shape(first), shape(second));
        let reason = format!(
            "the first are {rows} rows of {classes} classes, the second {other_rows} of {other_classes}"
        );
        return Err(wrong("probabilities", reason));
    }
    let pairs = first.values().iter().zip(second.values());
    let values = pairs.map(|(a, b)| weight * a + (1.0 - weight) * b).collect();
    Ok(Probabilities::known(first.classes(), values))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(values: &[f64]) -> Probabilities {
        Probabilities::new(2, values.to_vec()).unwrap()
    }

    #[test]
    fn the_better_model_alone_is_taken_where_the_other_only_hurts() {
        let (good, bad) = (rows(&[0.9, 0.1, 0.2, 0.8]), rows(&[0.1, 0.9, 0.8, 0.2]));
        let choose = |first, second, truth: &[usize], by| {
            WeightedMean::choose(first, second, truth, by, 20).unwrap().weight
        };
        assert_eq!(choose(&good, &bad, &[0, 1], WeightCriterion::NegativeLogLikelihood), 1.0);
        assert_eq!(choose(&bad, &good, &[0, 1], WeightCriterion::NegativeLogLikelihood), 0.0);
        // By accuracy the first weight past one half is as good as any.
        assert_eq!(choose(&good, &bad, &[0, 1], WeightCriterion::Accuracy), 0.55);
        assert_eq!(choose(&bad, &good, &[0, 1], WeightCriterion::Accuracy), 0.45);
    }

    #[test]
    fn of_equals_the_weight_nearest_to_one_half_is_taken() {
        let one = rows(&[0.9, 0.1]);
        for (steps, weight) in [(1, 1.0), (2, 0.5), (3, 2.0 / 3.0), (20, 0.5)] {
            let chosen =
                WeightedMean::choose(&one, &one, &[1], WeightCriterion::Accuracy, steps).unwrap();
            assert_eq!(chosen.weight, weight, "{steps}");
        }
    }

    #[test]
    fn the_mean_of_probabilities_is_probabilities() {
        let (one, other) = (rows(&[0.9, 0.1, 0.25, 0.75]), rows(&[0.3, 0.7, 1.0, 0.0]));
        for weight in [0.0, 0.3, 1.0] {
            let mean = weighted_mean(&one, &other, weight).unwrap();
            assert!(Probabilities::new(2, mean.values().to_vec()).is_ok());
        }
        assert_eq!(weighted_mean(&one, &other, 1.0).unwrap(), one);
        assert_eq!(weighted_mean(&one, &other, 0.0).unwrap(), other);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (one, two) = (rows(&[0.5, 0.5]), rows(&[0.5, 0.5, 0.5, 0.5]));
        for weight in [-0.1, 1.1, f64::NAN] {
            let error = weighted_mean(&one, &one, weight).unwrap_err().to_string();
            assert_eq!(error, format!("setting weight: {weight} is not from 0 to 1"));
        }
        let error = weighted_mean(&one, &two, 0.5).unwrap_err().to_string();
        let reason = "the first are 1 rows of 2 classes, the second 2 of 2";
        assert_eq!(error, format!("setting probabilities: {reason}"));
        let said = |truth: &[usize], steps| {
            WeightedMean::choose(&one, &one, truth, WeightCriterion::Accuracy, steps)
                .unwrap_err()
                .to_string()
        };
        for steps in [0, 10_001] {
            let reason = format!("setting steps: {steps} is not from 1 to 10000");
            assert_eq!(said(&[0], steps), reason);
        }
        assert_eq!(said(&[2], 4), "setting truth: class 2 at row 0, of 2 classes");
        assert_eq!(said(&[], 4), "setting truth: 0 labels for 1 rows");
    }
}
