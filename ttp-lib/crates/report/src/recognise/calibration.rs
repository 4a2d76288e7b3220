//! From a linear model's scores to probabilities.

use serde::{Deserialize, Serialize};
use ttp_lib::calibration::{Logits, Temperature};
use ttp_lib::{Error, Result};

/// A sentence's scores: of every technique, and of the class of prose that shows none.
#[derive(Debug, Clone, Copy)]
pub struct Scores<'a> {
    /// Of each technique.
    pub techniques: &'a [f64],
    /// Of the prose.
    pub none: f64,
}

/// Two steps from scores to probabilities, both fitted on the validation rows.
///
/// 1. Whether the sentence shows a technique at all: logistic regression on three scores, that of the
///    prose, the highest of a technique, and its distance from the second highest (Platt,
///    *Probabilistic outputs for support vector machines*, 1999, with more than one score). Rows are
///    weighted so that the mix of sentences is the one the threshold is chosen for.
/// 2. Which technique, given that it shows one: the softmax of the techniques' scores at one
///    temperature.
///
/// A technique's probability is the product of both. One softmax over the techniques and the class of
/// prose is worse: at a precision of 0.8 its recall on the validation part is 0.54, that of the two
/// steps 0.62.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Intercept, and the weights of the prose's score, of the highest technique's, and of its
    /// distance from the second.
    pub shows: [f64; 4],
    /// What the techniques' scores are divided by.
    pub temperature: f64,
}

/// Keeps the weights finite where a score parts the rows without a fault.
const RIDGE: f64 = 1e-3;
/// Far more than Newton's method takes.
const STEPS: usize = 100;

impl Calibration {
    /// Fits both steps; `truth` is the technique's place among the scores, none of prose, and each
    /// row of prose has the weight `weight` (procedure sentences have 1).
    ///
    /// # Errors
    /// If one of both sorts of rows is missing.
    pub fn fit(scores: &[Scores<'_>], truth: &[Option<usize>], weight: f64) -> Result<Self> {
        let shown: Vec<(&Scores<'_>, usize)> =
            scores.iter().zip(truth).filter_map(|(s, t)| t.map(|t| (s, t))).collect();
        if shown.is_empty() || shown.len() == scores.len() {
            let reason = "rows with and without a technique are needed".to_owned();
            return Err(Error::Setting { field: "validation", reason });
        }
        let techniques = shown[0].0.techniques.len();
        let values = shown.iter().flat_map(|(s, _)| s.techniques.iter().copied());
        let logits = Logits::new(techniques, values)?;
        let places: Vec<usize> = shown.iter().map(|(_, place)| *place).collect();
        let temperature = Temperature::fit(&logits, &places)?.value;
        let rows: Vec<([f64; 4], bool)> =
            scores.iter().zip(truth).map(|(s, t)| (features(s), t.is_some())).collect();
        Ok(Self { shows: logistic(&rows, weight)?, temperature })
    }

    /// The probability that a sentence shows a technique, from 0 to 1.
    pub fn shows(&self, scores: &Scores<'_>) -> f64 {
        sigmoid(dot(&self.shows, &features(scores)))
    }

    /// The probability of each technique; all and that of none add up to 1.
    pub fn techniques(&self, scores: &Scores<'_>) -> Vec<f64> {
        let highest = scores.techniques.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let above = |score: &f64| ((score - highest) / self.temperature).exp();
        let parts: Vec<f64> = scores.techniques.iter().map(above).collect();
        let factor = self.shows(scores) / parts.iter().sum::<f64>();
        parts.into_iter().map(|part| part * factor).collect()
    }

    /// What is wrong with one that was read from a file, in words.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if !self.shows.iter().all(|weight| weight.is_finite()) {
            Some("a weight is no number")
        } else if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            Some("the temperature is not above 0")
        } else {
            None
        }
    }
}

fn features(scores: &Scores<'_>) -> [f64; 4] {
    let (mut first, mut second) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &score in scores.techniques {
        if score > first {
            (first, second) = (score, first);
        } else if score > second {
            second = score;
        }
    }
    let margin = if second.is_finite() { first - second } else { 0.0 };
    [1.0, scores.none, first, margin]
}

fn dot(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Newton's method on the negative log-likelihood with a small ridge.
fn logistic(rows: &[([f64; 4], bool)], weight_of_none: f64) -> Result<[f64; 4]> {
    let mut weights = [0.0; 4];
    for _ in 0..STEPS {
        let mut gradient = weights.map(|weight| -RIDGE * weight);
        let mut curvature = [[0.0; 4]; 4];
        for (at, row) in curvature.iter_mut().enumerate() {
            row[at] = RIDGE;
        }
        for (features, shown) in rows {
            let weight = if *shown { 1.0 } else { weight_of_none };
            let probability = sigmoid(dot(&weights, features));
            let slope = weight * (f64::from(u8::from(*shown)) - probability);
            let bend = weight * probability * (1.0 - probability);
            for i in 0..4 {
                gradient[i] += slope * features[i];
                for j in 0..4 {
                    curvature[i][j] += bend * features[i] * features[j];
                }
            }
        }
        let step = solved(curvature, gradient);
        weights.iter_mut().zip(step).for_each(|(weight, step)| *weight += step);
        if step.iter().all(|step| step.abs() < 1e-10) {
            return Ok(weights);
        }
        if !weights.iter().all(|weight| weight.is_finite()) {
            break;
        }
    }
    let reason = "Newton's method does not end".to_owned();
    Err(Error::Library { what: "calibrating probabilities", reason })
}

/// Gauss's elimination with pivots; the matrix is positive definite by the ridge.
fn solved(mut matrix: [[f64; 4]; 4], mut right: [f64; 4]) -> [f64; 4] {
    for column in 0..4 {
        let largest =
            |a: &usize, b: &usize| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs());
        let pivot = (column..4).max_by(largest).unwrap_or(column);
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..4 {
            let factor = matrix[row][column] / matrix[column][column];
            let above = matrix[column];
            matrix[row].iter_mut().zip(above).for_each(|(value, above)| *value -= factor * above);
            right[row] -= factor * right[column];
        }
    }
    let mut found = [0.0; 4];
    for row in (0..4).rev() {
        let known: f64 = (row + 1..4).map(|at| matrix[row][at] * found[at]).sum();
        found[row] = (right[row] - known) / matrix[row][row];
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_the_weighted_rows() {
        // All scores are alike but that of the prose, -1 or 1. At -1 three of four rows show a
        // technique, at 1 one of four; with a weight of 3 for prose, 3 of 6 and 1 of 10.
        let techniques = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]];
        let mut rows: Vec<(f64, Option<usize>)> = Vec::new();
        for (none, shown) in [(-1.0, 3), (1.0, 1)] {
            rows.extend((0..4).map(|n| (none, (n < shown).then_some(0))));
        }
        let scores: Vec<Scores<'_>> = rows
            .iter()
            .enumerate()
            .map(|(at, (none, _))| Scores { techniques: &techniques[at % 4], none: *none })
            .collect();
        let truth: Vec<Option<usize>> = rows.iter().map(|(_, truth)| *truth).collect();
        let calibration = Calibration::fit(&scores, &truth, 3.0).unwrap();
        let (low, high) = (calibration.shows(&scores[0]), calibration.shows(&scores[4]));
        assert!((low - 0.5).abs() < 0.01 && (high - 0.1).abs() < 0.01, "{low} {high}");
        // Three of four rows have the technique with the higher score: e^(1/T) = 3.
        let of = calibration.techniques(&scores[0]);
        assert!((of[0] / of[1] - 3.0).abs() < 1e-6, "{of:?}");
        assert!((of.iter().sum::<f64>() - low).abs() < 1e-12);
        assert!(calibration.fault().is_none());
    }

    #[test]
    fn rows_that_are_parted_without_a_fault_leave_finite_weights() {
        let scores = |none| Scores { techniques: &[0.5, 0.2], none };
        let rows: Vec<Scores<'_>> =
            (0..20).map(|n| scores(if n < 10 { 1.0 } else { -1.0 })).collect();
        let mut truth: Vec<Option<usize>> = (0..20).map(|n| (n >= 10).then_some(0)).collect();
        truth[19] = Some(1);
        let found = Calibration::fit(&rows, &truth, 3.0).unwrap();
        assert!(found.shows(&rows[0]) < 0.01 && found.shows(&rows[19]) > 0.99, "{found:?}");
        let none = vec![None; 20];
        let error = Calibration::fit(&rows, &none, 3.0).unwrap_err().to_string();
        assert_eq!(error, "setting validation: rows with and without a technique are needed");
    }
}
