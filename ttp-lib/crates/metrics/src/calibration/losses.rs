//! What probabilities cost where they are wrong.

use super::{Probabilities, means};
use crate::{Bootstrap, Estimate, Groups};
use serde::{Deserialize, Serialize};
use ttp_base::Result;

/// Negative log-likelihood and Brier score, both lower for better probabilities. `T` is a number,
/// or an [`Estimate`] with its interval.
///
/// Both are proper: no other probabilities have a lower expected loss than the true ones. So they
/// measure calibration and the sharpness of a model together, where the calibration error
/// measures the first alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Losses<T = f64> {
    /// [`negative_log_likelihood`], in nats a row.
    pub negative_log_likelihood: T,
    /// [`brier_score`], from 0 to 2.
    pub brier_score: T,
}

impl Losses {
    /// Both, as numbers.
    ///
    /// # Errors
    /// If the truth is not one class for each row.
    pub fn of(probabilities: &Probabilities, truth: &[usize]) -> Result<Self> {
        let rows = rows(probabilities, truth)?;
        let mean = |at: usize| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64;
        Ok(Self { negative_log_likelihood: mean(0), brier_score: mean(1) })
    }
}

impl Losses<Estimate> {
    /// Both with intervals, rows of one group drawn together.
    ///
    /// # Errors
    /// If truth or groups are not of these rows, or a setting makes no sense.
    pub fn estimate(
        probabilities: &Probabilities,
        truth: &[usize],
        groups: &Groups,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        means(bootstrap, groups, &rows(probabilities, truth)?).map(Self::from)
    }

    /// The losses of the first probabilities minus those of the second **on the same rows**: below
    /// 0 where the first are better.
    ///
    /// # Errors
    /// As [`estimate`](Self::estimate), or if the two are not of as many rows.
    pub fn difference(
        first: &Probabilities,
        second: &Probabilities,
        truth: &[usize],
        groups: &Groups,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let (first, second) = (rows(first, truth)?, rows(second, truth)?);
        let apart: Vec<[f64; 2]> =
            first.iter().zip(&second).map(|(a, b)| [a[0] - b[0], a[1] - b[1]]).collect();
        means(bootstrap, groups, &apart).map(Self::from)
    }
}

impl From<[Estimate; 2]> for Losses<Estimate> {
    fn from([negative_log_likelihood, brier_score]: [Estimate; 2]) -> Self {
        Self { negative_log_likelihood, brier_score }
    }
}

/// Mean of `−ln p`, `p` the probability of the row's true class, in nats a row, from 0 to 36.04:
/// a `p` below 2.2·10⁻¹⁶ counts as that, and one above `1 − 2.2·10⁻¹⁶` likewise, as scikit-learn's
/// `log_loss` has it.
///
/// ```
/// use ttp_metrics::calibration::{Probabilities, negative_log_likelihood};
/// let probabilities = Probabilities::new(2, [0.5, 0.5, 0.25, 0.75])?;
/// let loss = negative_log_likelihood(&probabilities, &[0, 0])?;
/// // (ln 2 + ln 4) / 2
/// assert!((loss - 1.5 * 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If the truth is not one class for each row.
pub fn negative_log_likelihood(probabilities: &Probabilities, truth: &[usize]) -> Result<f64> {
    Losses::of(probabilities, truth).map(|losses| losses.negative_log_likelihood)
}

/// The Brier score of several classes: mean over rows of `Σ (p − y)²`, summed over the classes,
/// `y` 1 for the true class and 0 for any other (Brier, *Verification of forecasts expressed in
/// terms of probability*, 1950). From 0 to 2. With two classes it is twice what scikit-learn
/// gives by default, which halves it there.
///
/// ```
/// use ttp_metrics::calibration::{Probabilities, brier_score};
/// let probabilities = Probabilities::new(3, [0.5, 0.25, 0.25, 0.0, 0.0, 1.0])?;
/// let score = brier_score(&probabilities, &[0, 1])?;
/// // (0.25 + 0.0625 + 0.0625) for the first row, (1 + 1) for the second.
/// assert!((score - (0.375 + 2.0) / 2.0).abs() < 1e-15);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If the truth is not one class for each row.
pub fn brier_score(probabilities: &Probabilities, truth: &[usize]) -> Result<f64> {
    Losses::of(probabilities, truth).map(|losses| losses.brier_score)
}

/// Both losses of each row.
fn rows(probabilities: &Probabilities, truth: &[usize]) -> Result<Vec<[f64; 2]>> {
    probabilities.check(truth)?;
    let losses = probabilities.iter().zip(truth).map(|(row, &truth)| {
        let clipped = row[truth].clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        let apart = |(class, p): (usize, &f64)| (p - f64::from(u8::from(class == truth))).powi(2);
        [-clipped.ln(), row.iter().enumerate().map(apart).sum()]
    });
    Ok(losses.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 300, level: 0.95, seed: 3 };

    #[test]
    fn an_impossible_truth_costs_a_number() {
        let sure = Probabilities::new(2, [1.0, 0.0]).unwrap();
        let wrong = Losses::of(&sure, &[1]).unwrap();
        assert_eq!(wrong.brier_score, 2.0);
        assert!((wrong.negative_log_likelihood - 36.04).abs() < 0.01, "{wrong:?}");
        let right = Losses::of(&sure, &[0]).unwrap();
        assert_eq!(right.brier_score, 0.0);
        assert!(right.negative_log_likelihood < 1e-15);
    }

    #[test]
    fn repeated_rows_narrow_nothing_where_they_are_drawn_together() {
        let values: Vec<f64> = (0..60)
            .map(|row| 0.02 + f64::from(row % 30) / 32.0)
            .flat_map(|p| [p, 1.0 - p])
            .collect();
        let probabilities = Probabilities::new(2, values).unwrap();
        let truth: Vec<usize> = (0..60).map(|row| row % 30 % 2).collect();
        let keys: Vec<usize> = (0..60).map(|row| row % 30).collect();
        let width = |groups: &Groups| {
            let found = Losses::estimate(&probabilities, &truth, groups, BOOTSTRAP).unwrap();
            let Estimate { value, low, high } = found.negative_log_likelihood;
            assert!(low <= value && value <= high);
            high - low
        };
        assert!(width(&Groups::by(&keys)) > 1.2 * width(&Groups::each_row(60)));
    }

    #[test]
    fn a_model_against_itself_differs_by_nothing() {
        let one = Probabilities::new(2, [0.5, 0.5, 0.25, 0.75]).unwrap();
        let groups = Groups::each_row(2);
        let found = Losses::difference(&one, &one, &[0, 1], &groups, BOOTSTRAP).unwrap();
        assert_eq!(found.brier_score, Estimate { value: 0.0, low: 0.0, high: 0.0 });
    }

    #[test]
    fn rows_of_another_number_are_named() {
        let two = Probabilities::new(2, [0.5, 0.5, 0.25, 0.75]).unwrap();
        let one = Probabilities::new(2, [0.5, 0.5]).unwrap();
        let said = |first: &Probabilities, rows| {
            Losses::difference(first, &two, &[0, 1], &Groups::each_row(rows), BOOTSTRAP)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(said(&one, 2), "setting truth: 2 labels for 1 rows");
        assert_eq!(said(&two, 3), "setting groups: they are of 3 rows, and there are 2");
        let none = Bootstrap { resamples: 0, ..BOOTSTRAP };
        let error = Losses::estimate(&two, &[0, 1], &Groups::each_row(2), none).unwrap_err();
        assert!(error.to_string().contains("bootstrap.resamples"), "{error}");
    }
}
