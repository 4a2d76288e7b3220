//! Mean 0 and deviation 1 for every feature, from moments of the training rows alone.

use serde::{Deserialize, Serialize};
use ttp_base::{Error, Result};

/// Count, mean and sum of squared deviations of each feature, row by row (Welford, *Note on a
/// method for calculating corrected sums of squares and products*, Technometrics 4, 1962) and part
/// by part (Chan, Golub and LeVeque, *Algorithms for computing the sample variance*, The American
/// Statistician 37, 1983): no row is needed twice, and large means cost no digits.
///
/// ```
/// use ttp_flows::family::Moments;
/// let mut first = Moments::new(1);
/// first.add(&[2.0]);
/// first.add(&[4.0]);
/// let mut second = Moments::new(1);
/// second.add(&[9.0]);
/// first.merge(&second);
/// assert_eq!(first.rows(), 3);
/// assert_eq!(first.mean(), [5.0]); // (2 + 4 + 9) / 3
/// assert_eq!(first.variance(), [26.0 / 3.0]); // (9 + 1 + 16) / 3
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    rows: u64,
    mean: Vec<f64>,
    /// Sum of squared deviations from the mean.
    squares: Vec<f64>,
}

impl Moments {
    /// Of no row yet, with so many features.
    pub fn new(features: usize) -> Self {
        Self { rows: 0, mean: vec![0.0; features], squares: vec![0.0; features] }
    }

    /// One more row; what it has beyond the features is not looked at.
    pub fn add(&mut self, row: &[f64]) {
        self.rows += 1;
        let share = 1.0 / self.rows as f64;
        for ((mean, squares), x) in self.mean.iter_mut().zip(&mut self.squares).zip(row) {
            let off = x - *mean;
            *mean += off * share;
            *squares += off * (x - *mean);
        }
    }

    /// The rows of another part as well.
    pub fn merge(&mut self, other: &Self) {
        let rows = self.rows + other.rows;
        if rows == 0 {
            return;
        }
        let share = other.rows as f64 / rows as f64;
        for at in 0..self.mean.len().min(other.mean.len()) {
            let off = other.mean[at] - self.mean[at];
            self.mean[at] += off * share;
            self.squares[at] += other.squares[at] + off * off * share * self.rows as f64;
        }
        self.rows = rows;
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Mean of each feature.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Variance of each feature over all rows (divided by their number), 0 of no row.
    pub fn variance(&self) -> Vec<f64> {
        let rows = self.rows.max(1) as f64;
        self.squares.iter().map(|squares| squares / rows).collect()
    }
}

/// What turns features into numbers of mean 0 and deviation 1, as scikit-learn's `StandardScaler`
/// does: `(x − mean) / deviation`, the deviation over all rows. A feature that is the same in every
/// training row tells nothing: it becomes 0, whatever it is elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardiser {
    /// The features' names, in the order of a row.
    pub features: Vec<String>,
    /// Mean of each.
    pub mean: Vec<f64>,
    /// Standard deviation of each; 0 of a constant one.
    pub deviation: Vec<f64>,
    /// The rows that it was fitted on.
    pub rows: u64,
}

impl Standardiser {
    /// From the moments of training rows.
    ///
    /// # Errors
    /// If there is no row, or the features are not as many as the moments.
    pub fn fit(features: &[String], moments: &Moments) -> Result<Self> {
        let wrong = |reason| Err(Error::Setting { field: "features", reason });
        if moments.rows == 0 {
            return wrong("there is no row to standardise by".to_owned());
        }
        if features.len() != moments.mean.len() {
            return wrong(format!("{} names for {}", features.len(), moments.mean.len()));
        }
        // Below this a variance is what rounding leaves of a constant: as in scikit-learn.
        let rows = moments.rows as f64;
        let variance = moments.variance();
        let deviation = variance.iter().zip(&moments.mean).map(|(&variance, mean)| {
            let rounding = rows * f64::EPSILON * variance + (rows * mean * f64::EPSILON).powi(2);
            if variance <= rounding { 0.0 } else { variance.sqrt() }
        });
        Ok(Self {
            features: features.to_vec(),
            mean: moments.mean.clone(),
            deviation: deviation.collect(),
            rows: moments.rows,
        })
    }

    /// A standardiser as it stands in a file, if it is one.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let [features, mean, deviation] =
            [self.features.len(), self.mean.len(), self.deviation.len()];
        if features == 0 || features != mean || features != deviation {
            return Err(format!("{features} features, {mean} means, {deviation} deviations"));
        }
        let is_sound = |(mean, deviation): (&f64, &f64)| {
            mean.is_finite() && deviation.is_finite() && *deviation >= 0.0
        };
        match self.mean.iter().zip(&self.deviation).position(|pair| !is_sound(pair)) {
            Some(at) => Err(format!("feature {:?} has no mean or deviation", self.features[at])),
            None => Ok(()),
        }
    }

    /// The features that are the same in every training row.
    pub fn constant(&self) -> Vec<&str> {
        let features = self.features.iter().zip(&self.deviation);
        features.filter(|(_, d)| **d == 0.0).map(|(name, _)| name.as_str()).collect()
    }

    /// Standardises one row and puts it behind `out`.
    pub fn apply(&self, row: &[f64], out: &mut Vec<f32>) {
        let by = self.mean.iter().zip(&self.deviation);
        out.extend(row.iter().zip(by).map(|(x, (mean, deviation))| {
            if *deviation == 0.0 { 0.0 } else { ((x - mean) / deviation) as f32 }
        }));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|at| format!("f{at}")).collect()
    }

    #[test]
    fn a_case_worked_by_hand() {
        let mut moments = Moments::new(3);
        for row in [[1.0, 1e9, 0.1], [3.0, 1e9 + 2.0, 0.1], [5.0, 1e9 + 4.0, 0.1]] {
            moments.add(&row);
        }
        let fitted = Standardiser::fit(&names(3), &moments).unwrap();
        assert_eq!(fitted.mean, [3.0, 1e9 + 2.0, 0.1]);
        let deviation = (8.0_f64 / 3.0).sqrt();
        assert!((fitted.deviation[0] - deviation).abs() < 1e-12);
        assert!((fitted.deviation[1] - deviation).abs() < 1e-6, "large means cost no digits");
        assert_eq!(fitted.deviation[2], 0.0);
        assert_eq!(fitted.constant(), ["f2"]);
        let mut out = Vec::new();
        fitted.apply(&[3.0 + deviation, 1e9 + 2.0, 7.0], &mut out);
        assert_eq!(out, [1.0, 0.0, 0.0], "a constant feature is 0 wherever it differs");
    }

    #[test]
    fn parts_together_are_the_whole() {
        let rows: Vec<[f64; 2]> = (0..1000_i32)
            .map(|at| [1e6 + f64::from(at % 37), f64::from(at).sin() * 1e-3])
            .collect();
        let of = |rows: &[[f64; 2]]| {
            let mut moments = Moments::new(2);
            rows.iter().for_each(|row| moments.add(row));
            moments
        };
        let whole = of(&rows);
        for size in [1, 7, 100, 999] {
            let mut merged = Moments::new(2);
            rows.chunks(size).for_each(|part| merged.merge(&of(part)));
            assert_eq!(merged.rows(), whole.rows());
            for at in 0..2 {
                assert!((merged.mean()[at] / whole.mean()[at] - 1.0).abs() < 1e-9, "{size}");
                let ratio = merged.variance()[at] / whole.variance()[at];
                assert!((ratio - 1.0).abs() < 1e-9, "{size} {ratio}");
            }
        }
        // A constant stays one, however it is cut.
        let mut merged = Moments::new(1);
        for _ in 0..9 {
            let mut part = Moments::new(1);
            (0..11).for_each(|_| part.add(&[0.1]));
            merged.merge(&part);
        }
        assert_eq!(Standardiser::fit(&names(1), &merged).unwrap().deviation, [0.0]);
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let text = include_str!("../../../../tests/golden/family.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let golden = &golden["standardised"];
        let rows = |value: &serde_json::Value| -> Vec<Vec<f64>> {
            serde_json::from_value(value.clone()).unwrap()
        };
        let mut moments = Moments::new(4);
        rows(&golden["rows"]).iter().for_each(|row| moments.add(row));
        let fitted = Standardiser::fit(&names(4), &moments).unwrap();
        assert_eq!(fitted.constant(), ["f1"]);
        for (row, expected) in rows(&golden["rows"]).iter().zip(rows(&golden["transformed"])) {
            let mut ours = Vec::new();
            fitted.apply(row, &mut ours);
            for (ours, theirs) in ours.iter().zip(expected) {
                assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{ours} {theirs}");
            }
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let none = Standardiser::fit(&names(1), &Moments::new(1)).unwrap_err();
        assert!(none.to_string().contains("no row"), "{none}");
        let mut moments = Moments::new(2);
        moments.add(&[1.0, 2.0]);
        let names = Standardiser::fit(&names(1), &moments).unwrap_err();
        assert!(names.to_string().contains("1 names for 2"), "{names}");
    }
}
