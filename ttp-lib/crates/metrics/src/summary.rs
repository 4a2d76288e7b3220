//! What several runs of one experiment say together: the mean over seeds or splits, how far runs
//! lie apart, and whether one model is better than another over all of them.
//!
//! Both intervals and tests are Student's. They hold where the values are about normal and, unless
//! the correction for overlapping splits is asked for, independent of each other.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::fmt;
use ttp_base::show::Cell;
use ttp_base::{Error, Result};

/// The mean of a score over runs, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The sample's standard deviation, with n − 1 below the line: how far runs lie apart.
    pub sd: f64,
    /// How many runs.
    pub n: usize,
    /// The lower end of the mean's interval.
    pub low: f64,
    /// The upper end of the mean's interval.
    pub high: f64,
}

/// How much higher the first of two models scores than the second, over runs of both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedSummary {
    /// The differences: first minus second, run by run.
    pub difference: Summary,
    /// The two-sided p-value of the mean difference being 0. There is none where all differences
    /// are the same and not 0: runs that do not vary say nothing of chance.
    pub p: Option<f64>,
    /// What the interval and the p-value take for granted of the runs.
    pub assumption: Assumption,
}

/// What runs have to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumption {
    /// Runs are independent: another seed, or other rows.
    Independent,
    /// Runs are random splits of the same rows, so their rows overlap.
    OverlappingSplits,
}

impl Summary {
    /// Mean, standard deviation and Student's interval of the mean,
    ///
    /// `mean ± t(n − 1, (1 + level) / 2) · sd / √n`
    ///
    /// (Student, *The probable error of a mean*, Biometrika 6, 1908). The values must be
    /// independent, and about normal where they are few. `level` lies between 0 and 1.
    ///
    /// ```
    /// use ttp_metrics::Summary;
    /// // Mean 2, variance (1 + 0 + 1) / 2, and t(2, 0.975) = 4.3027.
    /// let summary = Summary::of(&[1.0, 2.0, 3.0], 0.95)?;
    /// assert_eq!((summary.mean, summary.sd, summary.n), (2.0, 1.0, 3));
    /// assert!((summary.high - (2.0 + 4.3027 / 3_f64.sqrt())).abs() < 1e-4);
    /// assert_eq!(summary.to_string(), "2.000 ± 1.000 [−0.484, 4.484]");
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there are fewer than two values, one is not a number, or the level makes no sense.
    pub fn of(values: &[f64], level: f64) -> Result<Self> {
        Self::with_overlap(values, level, 0.0)
    }

    /// The same for scores on random splits of the same rows. Their training and test parts
    /// overlap, so that scores vary less than they would on new rows: the variance of the mean is
    /// that of [`PairedSummary::corrected`].
    ///
    /// # Errors
    /// As [`Summary::of`], or if the shares are not those of two parts.
    pub fn of_splits(
        values: &[f64],
        level: f64,
        test_share: f64,
        train_share: f64,
    ) -> Result<Self> {
        Self::with_overlap(values, level, overlap(test_share, train_share)?)
    }

    /// How much higher the first model scores than the second, `first[run] − second[run]`, with
    /// the two-sided p-value of the paired t-test. Each run is one seed, or one set of rows, that
    /// both had. Differences must be independent of each other, and about normal.
    ///
    /// ```
    /// use ttp_metrics::Summary;
    /// let gain = Summary::paired(&[0.84, 0.86, 0.85], &[0.82, 0.83, 0.84], 0.95)?;
    /// assert!((gain.difference.mean - 0.02).abs() < 1e-12);
    /// // t = 0.02 / (0.01 / √3) = 3.46 with two degrees of freedom: three runs are few.
    /// assert!((gain.p.unwrap_or(1.0) - 0.0742).abs() < 1e-4);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Summary::of`], or if there are not as many of the one as of the other.
    pub fn paired(first: &[f64], second: &[f64], level: f64) -> Result<PairedSummary> {
        PairedSummary::with_overlap(first, second, level, 0.0, Assumption::Independent)
    }

    fn with_overlap(values: &[f64], level: f64, overlap: f64) -> Result<Self> {
        let n = values.len();
        if n < 2 {
            return Err(wrong("values", format!("{n} values have no spread: at least 2")));
        }
        check_finite("values", values)?;
        if !(level > 0.0 && level < 1.0) {
            return Err(wrong("level", format!("{level} is not between 0 and 1")));
        }
        // From the first on: the mean of equal values is that value to the last bit.
        let mean = values[0] + values.iter().map(|x| x - values[0]).sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let sd = (squares / (n as f64 - 1.0)).sqrt();
        let quantile = student(n)?.inverse_cdf((1.0 + level) / 2.0);
        let half = if sd > 0.0 { quantile * sd * (1.0 / n as f64 + overlap).sqrt() } else { 0.0 };
        Ok(Self { mean, sd, n, low: mean - half, high: mean + half })
    }

    /// Whether 0 lies outside: of a difference, whether it is more than chance.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    /// As a difference is written: `+0.012 ± 0.004 [+0.007, +0.017]`.
    ///
    /// ```
    /// let gain = ttp_metrics::Summary { mean: 0.012, sd: 0.02, n: 5, low: -0.013, high: 0.037 };
    /// assert_eq!(gain.signed(), "+0.012 ± 0.020 [−0.013, +0.037]");
    /// ```
    pub fn signed(&self) -> String {
        let [mean, low, high] = [self.mean, self.low, self.high]
            .map(|number| format!("{number:+.3}").replace('-', "−").replace("−0.000", "+0.000"));
        format!("{mean} ± {:.3} [{low}, {high}]", self.sd)
    }
}

impl PairedSummary {
    /// As [`Summary::paired`] for scores over random splits of the same rows, of which the
    /// training and the test parts overlap. Scores on such splits are not independent, and the
    /// plain test finds differences where there are none. The corrected resampled t-test takes
    /// for the variance of the mean difference
    ///
    /// `sd² · (1 / n + test_share / train_share)`
    ///
    /// (Nadeau and Bengio, *Inference for the generalization error*, Machine Learning 52, 2003,
    /// <https://doi.org/10.1023/A:1024068626366>). Shares are those of the rows that each part
    /// has, above 0 and together at most 1. Differences must be about normal.
    ///
    /// ```
    /// use ttp_metrics::{PairedSummary, Summary};
    /// let (first, second) = ([0.84, 0.86, 0.85], [0.82, 0.83, 0.84]);
    /// let plain = Summary::paired(&first, &second, 0.95)?.difference;
    /// // 1/3 + 0.1/0.8 in place of 1/3.
    /// let corrected = PairedSummary::corrected(&first, &second, 0.95, 0.1, 0.8)?.difference;
    /// let wider = (corrected.high - corrected.low) / (plain.high - plain.low);
    /// assert!((wider - (1.0_f64 + 3.0 * 0.1 / 0.8).sqrt()).abs() < 1e-9);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Summary::paired`], or if the shares are not those of two parts.
    pub fn corrected(
        first: &[f64],
        second: &[f64],
        level: f64,
        test_share: f64,
        train_share: f64,
    ) -> Result<Self> {
        let overlap = overlap(test_share, train_share)?;
        Self::with_overlap(first, second, level, overlap, Assumption::OverlappingSplits)
    }

    fn with_overlap(
        first: &[f64],
        second: &[f64],
        level: f64,
        overlap: f64,
        assumption: Assumption,
    ) -> Result<Self> {
        if first.len() != second.len() {
            let reason = format!("{} values beside {} of the first", second.len(), first.len());
            return Err(wrong("second", reason));
        }
        check_finite("first", first)?;
        check_finite("second", second)?;
        let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
        let mut difference = Summary::with_overlap(&differences, level, overlap)?;
        // Equal differences of scores that are not equal differ in their last bits.
        let largest = first.iter().chain(second).fold(0.0_f64, |most, x| most.max(x.abs()));
        if difference.sd <= 4.0 * f64::EPSILON * largest {
            let mean = difference.mean;
            difference = Summary { sd: 0.0, low: mean, high: mean, ..difference };
        }
        let Summary { mean, sd, n, .. } = difference;
        let p = match (sd > 0.0, mean == 0.0) {
            (false, true) => Some(1.0),
            (false, false) => None,
            _ => {
                let t = mean / (sd * (1.0 / n as f64 + overlap).sqrt());
                Some((2.0 * student(n)?.sf(t.abs())).min(1.0))
            }
        };
        Ok(Self { difference, p, assumption })
    }

    /// Whether the difference is more than chance at this level: a p-value below it.
    pub fn differs(&self, alpha: f64) -> bool {
        self.p.is_some_and(|p| p < alpha)
    }
}

impl Assumption {
    /// For a caption.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Independent => {
                "paired t-test; the runs' differences are taken for independent and about normal"
            }
            Self::OverlappingSplits => {
                "t-test corrected for splits that overlap (Nadeau and Bengio 2003); the \
                 differences are taken for about normal"
            }
        }
    }
}

/// Student's distribution of the mean of so many values.
fn student(n: usize) -> Result<StudentsT> {
    StudentsT::new(0.0, 1.0, n as f64 - 1.0)
        .map_err(|error| wrong("values", format!("{n} values: {error}")))
}

/// How much test rows weigh against training rows in Nadeau and Bengio's variance.
fn overlap(test_share: f64, train_share: f64) -> Result<f64> {
    for (field, share) in [("test_share", test_share), ("train_share", train_share)] {
        if !(share > 0.0 && share < 1.0) {
            return Err(wrong(field, format!("{share} is not between 0 and 1")));
        }
    }
    // Shares that are written with few decimals may be above 1 in the last bit.
    if test_share + train_share > 1.0 + 1e-9 {
        let reason = format!("{test_share} and {train_share} of training are more than all rows");
        return Err(wrong("test_share", reason));
    }
    Ok(test_share / train_share)
}

fn check_finite(field: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => {
            Err(wrong(field, format!("value {} of {}: {}", at + 1, values.len(), values[at])))
        }
        None => Ok(()),
    }
}

fn wrong(field: &'static str, reason: String) -> Error {
    Error::Setting { field, reason }
}

impl fmt::Display for Summary {
    /// `0.842 ± 0.004 [0.837, 0.847]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, sd, low, high, .. } = self;
        let text = format!("{mean:.3} ± {sd:.3} [{low:.3}, {high:.3}]");
        f.write_str(&text.replace("-0.000", "0.000").replace('-', "−"))
    }
}

impl fmt::Display for PairedSummary {
    /// `+0.012 ± 0.004 [+0.007, +0.017], p = 0.003, n = 5`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = match self.p {
            None => "no p-value, nothing varies".to_owned(),
            Some(p) if p < 0.001 => "p < 0.001".to_owned(),
            Some(p) => format!("p = {p:.3}"),
        };
        write!(f, "{}, {p}, n = {}", self.difference.signed(), self.difference.n)
    }
}

impl From<Summary> for Cell {
    fn from(summary: Summary) -> Self {
        Self::spread(summary.mean, summary.sd, [summary.low, summary.high])
    }
}
