//! One temperature for all logits.

use super::{Logits, Probabilities, wrong};
use serde::{Deserialize, Serialize};
use std::fmt;
use ttp_base::Result;

/// How near two temperatures in a row must be, relative to them, for the search to end.
const NEAR: f64 = 1e-12;
/// More steps than the search ever takes: each second one halves what is left at least.
const STEPS: usize = 200;

/// Temperature scaling: all logits are divided by one number, above 1 where a model is too sure
/// of itself, below 1 where it is not sure enough (Guo, Pleiss, Sun and Weinberger, *On
/// calibration of modern neural networks*, ICML 2017, section 4.2). No prediction changes.
///
/// The temperature is that of the least negative log-likelihood on validation rows. That loss is
/// convex in `1/T`, so there is one such temperature, or it lies beyond all bounds: see
/// [`Bound`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// From [`LOWEST`](Self::LOWEST) to [`HIGHEST`](Self::HIGHEST).
    pub value: f64,
    /// The end of that range, if the best temperature lies at it or beyond it.
    pub bound: Option<Bound>,
}

/// An end of the range of temperatures that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// More confidence costs nothing on the validation rows: they are all named right, or nearly
    /// all. They do not say how sure the model may be.
    Lowest,
    /// No confidence pays: on the validation rows the logits say nothing of the truth, or the
    /// contrary of it.
    Highest,
}

impl Temperature {
    /// The lowest temperature that is tried.
    pub const LOWEST: f64 = 0.01;
    /// The highest temperature that is tried.
    pub const HIGHEST: f64 = 100.0;

    /// Finds the temperature of the least negative log-likelihood, to a relative 10⁻⁸ or better,
    /// by Newton's method on its derivative with bisection to fall back on. A linear model's
    /// scores can stand for logits.
    ///
    /// ```
    /// use ttp_metrics::calibration::{Logits, Temperature};
    /// // Four rows, each with a logit of 2 for the first class, which is right in three of them:
    /// // the best probability is 3/4, and 2 / T = ln 3.
    /// let logits = Logits::new(2, [2.0, 0.0].repeat(4))?;
    /// let temperature = Temperature::fit(&logits, &[0, 0, 1, 0])?;
    /// assert!((temperature.value - 2.0 / 3.0_f64.ln()).abs() < 1e-12);
    /// assert_eq!(temperature.bound, None);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the truth is not one class for each row, or in each row all logits are equal: then any
    /// temperature is as good.
    pub fn fit(logits: &Logits, truth: &[usize]) -> Result<Self> {
        logits.check(truth)?;
        let gaps = Gaps::of(logits, truth);
        if gaps.below.iter().all(|gap| *gap == 0.0) {
            return Err(wrong("logits", "in each row all are equal: they have no temperature"));
        }
        let at = |bound, value| Ok(Self { value, bound: Some(bound) });
        let (lowest, highest) = (1.0 / Self::HIGHEST, 1.0 / Self::LOWEST);
        // Where all rows are right the slope rounds to 0 before the end is reached.
        if gaps.truth.iter().all(|gap| *gap == 0.0) || gaps.slope(highest).0 <= 0.0 {
            return at(Bound::Lowest, Self::LOWEST);
        }
        if gaps.slope(lowest).0 >= 0.0 {
            return at(Bound::Highest, Self::HIGHEST);
        }
        Ok(Self { value: 1.0 / gaps.flat(lowest, highest), bound: None })
    }

    /// The softmax of logits at this temperature.
    ///
    /// # Errors
    /// If the value is not a finite number above 0.
    pub fn apply(&self, logits: &Logits) -> Result<Probabilities> {
        logits.softmax(self.value)
    }
}

impl fmt::Display for Temperature {
    /// `1.820`, and where it is the end of the range, why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.value)?;
        match self.bound {
            None => Ok(()),
            Some(Bound::Lowest) => f.write_str(
                ", the lowest that is tried: on the validation rows more confidence costs nothing",
            ),
            Some(Bound::Highest) => f.write_str(
                ", the highest that is tried: on the validation rows no confidence pays",
            ),
        }
    }
}

/// How far each logit lies below the highest of its row: all that the softmax depends on.
struct Gaps {
    classes: usize,
    /// `z − max z`, row after row, at most 0.
    below: Vec<f64>,
    /// That of each row's true class.
    truth: Vec<f64>,
}

impl Gaps {
    fn of(logits: &Logits, truth: &[usize]) -> Self {
        let mut below = Vec::with_capacity(logits.rows() * logits.classes());
        let mut of_truth = Vec::with_capacity(logits.rows());
        for (row, &class) in logits.iter().zip(truth) {
            let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // Finite, however far apart two logits are.
            below.extend(row.iter().map(|z| (z - highest).max(f64::MIN)));
            of_truth.push((row[class] - highest).max(f64::MIN));
        }
        Self { classes: logits.classes(), below, truth: of_truth }
    }

    /// The first and second derivative by `1/T` of the mean negative log-likelihood: the mean over
    /// rows of `E z − z` of the true class, and of the variance of `z`, both under the softmax.
    fn slope(&self, inverse: f64) -> (f64, f64) {
        let (mut first, mut second) = (0.0, 0.0);
        for (row, truth) in self.below.chunks_exact(self.classes).zip(&self.truth) {
            let (mut total, mut sum) = (0.0, 0.0);
            for gap in row {
                let weight = (gap * inverse).exp();
                total += weight;
                // A weight of 0 times any gap is 0.
                sum += weight * gap;
            }
            let mean = sum / total;
            let squares = row.iter().map(|gap| {
                let weight = (gap * inverse).exp();
                if weight > 0.0 { weight * (gap - mean).powi(2) } else { 0.0 }
            });
            first += mean - truth;
            second += squares.sum::<f64>() / total;
        }
        let rows = self.truth.len() as f64;
        (first / rows, second / rows)
    }

    /// Where the slope is 0, between an end where it is below 0 and one where it is above.
    fn flat(&self, lowest: f64, highest: f64) -> f64 {
        let (mut below, mut above) = (lowest, highest);
        let mut inverse = 1.0_f64.clamp(lowest, highest);
        let mut last_step = f64::INFINITY;
        for _ in 0..STEPS {
            let (first, second) = self.slope(inverse);
            if first == 0.0 {
                break;
            }
            *(if first > 0.0 { &mut above } else { &mut below }) = inverse;
            let newton = inverse - first / second;
            // Newton's step counts where it stays between the ends and is half the last at most.
            let good =
                newton > below && newton < above && (newton - inverse).abs() <= 0.5 * last_step;
            let next = if good { newton } else { (below * above).sqrt() };
            last_step = (next - inverse).abs();
            inverse = next;
            if last_step <= NEAR * inverse {
                break;
            }
        }
        inverse
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibration::negative_log_likelihood;

    /// 40 rows of 4 classes, wrong in every fifth.
    fn rows(scale: f64) -> (Logits, Vec<usize>) {
        let truth: Vec<usize> = (0..40).map(|row| row * 7 % 4).collect();
        let values = truth.iter().enumerate().flat_map(|(row, &truth)| {
            let named = if row % 5 == 0 { (truth + 1) % 4 } else { truth };
            (0..4).map(move |class| {
                let noise = ((row * 13 + class * 29) % 17) as f64 / 17.0;
                scale * (noise + if class == named { 1.5 } else { 0.0 })
            })
        });
        (Logits::new(4, values.collect::<Vec<f64>>()).unwrap(), truth)
    }

    #[test]
    fn no_other_temperature_has_a_lower_loss() {
        for scale in [0.05, 1.0, 3.0, 40.0] {
            let (logits, truth) = rows(scale);
            let found = Temperature::fit(&logits, &truth).unwrap();
            assert_eq!(found.bound, None, "{scale}");
            let loss = |temperature: f64| {
                negative_log_likelihood(&logits.softmax(temperature).unwrap(), &truth).unwrap()
            };
            for factor in [0.2, 0.9, 0.999, 1.001, 1.1, 5.0] {
                assert!(loss(found.value) < loss(factor * found.value), "{scale} {factor}");
            }
        }
    }

    #[test]
    fn scaled_logits_have_a_scaled_temperature() {
        let fit = |scale| {
            let (logits, truth) = rows(scale);
            Temperature::fit(&logits, &truth).unwrap().value
        };
        let one = fit(1.0);
        for scale in [0.05, 0.5, 7.0, 40.0] {
            assert!((fit(scale) / (scale * one) - 1.0).abs() < 1e-9, "{scale}");
        }
    }

    #[test]
    fn no_prediction_changes() {
        let (logits, truth) = rows(2.0);
        let after = Temperature::fit(&logits, &truth).unwrap().apply(&logits).unwrap();
        assert_eq!(after.best(), logits.softmax(1.0).unwrap().best());
    }

    #[test]
    fn where_there_is_no_best_temperature_the_end_of_the_range_is_told() {
        let fit = |values: &[f64], truth: &[usize]| {
            Temperature::fit(&Logits::new(2, values.to_vec()).unwrap(), truth).unwrap()
        };
        let all_right = fit(&[9.0, 0.0, 0.0, 900.0, 1.0, 1.0], &[0, 1, 1]);
        assert_eq!((all_right.value, all_right.bound), (0.01, Some(Bound::Lowest)));
        assert!(all_right.to_string().starts_with("0.010, the lowest that is tried: "));
        // A row is wrong, but by so little that the best temperature lies below the range.
        let nearly = fit(&[0.009, 0.0, 0.0, 0.009, 1e-12, 0.0], &[0, 1, 1]);
        assert_eq!(nearly.bound, Some(Bound::Lowest));
        let contrary = fit(&[2.0, 0.0, 0.0, 2.0], &[1, 0]);
        assert_eq!((contrary.value, contrary.bound), (100.0, Some(Bound::Highest)));
        assert!(contrary.to_string().contains("no confidence pays"), "{contrary}");
        let nothing = fit(&[2.0, 0.0, 2.0, 0.0], &[0, 1]);
        assert_eq!(nothing.bound, Some(Bound::Highest));
        // Confidence pays a little, but far less than 100 allows for.
        let hardly = fit(&[1e6, 0.0, 1e6, 0.0, 1e6, 0.0], &[0, 0, 1]);
        assert_eq!(hardly.bound, Some(Bound::Highest));
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let level = Logits::new(2, [3.0, 3.0, -1.0, -1.0]).unwrap();
        let error = Temperature::fit(&level, &[0, 1]).unwrap_err().to_string();
        assert_eq!(error, "setting logits: in each row all are equal: they have no temperature");
        let error = Temperature::fit(&level, &[0]).unwrap_err().to_string();
        assert_eq!(error, "setting truth: 1 labels for 2 rows");
        let error = Temperature::fit(&level, &[0, 2]).unwrap_err().to_string();
        assert_eq!(error, "setting truth: class 2 at row 1, of 2 classes");
    }

    #[test]
    fn logits_that_are_far_apart_give_a_number() {
        let logits = Logits::new(2, [1e308, -1e308, -1e308, 1e308]).unwrap();
        for truth in [[0, 1], [1, 0], [0, 0]] {
            let found = Temperature::fit(&logits, &truth).unwrap();
            assert!(found.value.is_finite() && found.bound.is_some(), "{found:?}");
        }
    }
}
