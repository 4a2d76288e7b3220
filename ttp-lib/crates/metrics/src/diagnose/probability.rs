//! Whether probabilities can be believed.

use crate::quotient;
use serde::{Deserialize, Serialize};

/// Equal parts of 0 to 1 that confidences are gathered in.
pub const BINS: usize = 15;

/// Predictions with a confidence in one part of 0 to 1, the upper end with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceBin {
    /// Above this (the first bin holds 0 too) …
    pub above: f64,
    /// … up to this.
    pub up_to: f64,
    /// How many predictions.
    pub rows: u64,
    /// Their mean confidence; 0 where there is none.
    pub confidence: f64,
    /// The share of them that is right; 0 where there is none.
    pub accuracy: f64,
}

/// How good the probabilities are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbabilityScores {
    /// Mean of `−ln p`, `p` the probability of the true class, in nats; no `p` counts as less
    /// than 2.2·10⁻¹⁶, as scikit-learn has it. Only where all classes' probabilities are there.
    pub log_loss: Option<f64>,
    /// Rows whose prediction is not the class of the highest probability; only where both are
    /// there.
    pub not_the_most_probable: Option<u64>,
    /// Mean probability of what was predicted.
    pub mean_confidence: f64,
    /// Expected calibration error: the mean over all rows of the distance between confidence and
    /// accuracy in their bin (Guo, Pleiss, Sun and Weinberger, *On calibration of modern neural
    /// networks*, ICML 2017), with 15 bins of equal width.
    pub calibration_error: f64,
    /// The bins.
    pub bins: Vec<ConfidenceBin>,
}

/// Gathers the probabilities of rows, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Confidences {
    rows: [u64; BINS],
    right: [u64; BINS],
    sums: [f64; BINS],
    log_loss: Option<f64>,
    not_the_most_probable: Option<u64>,
}

impl Confidences {
    /// One row: how probable its prediction was said to be, from 0 to 1, and whether it is right.
    pub fn add(&mut self, confidence: f64, right: bool) {
        let bin = (confidence * BINS as f64).ceil().clamp(1.0, BINS as f64) as usize - 1;
        self.rows[bin] += 1;
        self.right[bin] += u64::from(right);
        self.sums[bin] += confidence;
    }

    /// The same row, where all classes' probabilities are there: that of its true class.
    pub fn add_truth(&mut self, probability: f64) {
        let clipped = probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        *self.log_loss.get_or_insert(0.0) -= clipped.ln();
    }

    /// The same row, where its prediction is there and all classes' probabilities: whether it is
    /// the most probable one.
    pub fn add_agreement(&mut self, most_probable: bool) {
        *self.not_the_most_probable.get_or_insert(0) += u64::from(!most_probable);
    }

    /// Rows that were gathered elsewhere.
    pub fn append(&mut self, others: &Self) {
        for bin in 0..BINS {
            self.rows[bin] += others.rows[bin];
            self.right[bin] += others.right[bin];
            self.sums[bin] += others.sums[bin];
        }
        if let Some(sum) = others.log_loss {
            *self.log_loss.get_or_insert(0.0) += sum;
        }
        if let Some(rows) = others.not_the_most_probable {
            *self.not_the_most_probable.get_or_insert(0) += rows;
        }
    }

    /// The scores over all rows.
    ///
    /// ```
    /// use ttp_metrics::Confidences;
    /// let mut confidences = Confidences::default();
    /// confidences.add(0.95, true);
    /// confidences.add(0.95, false);
    /// confidences.add(0.25, false);
    /// let scores = confidences.scores();
    /// // Two rows are 0.45 too sure of themselves, one is 0.25.
    /// assert!((scores.calibration_error - (2.0 * 0.45 + 0.25) / 3.0).abs() < 1e-15);
    /// assert!((scores.mean_confidence - 2.15 / 3.0).abs() < 1e-15);
    /// ```
    pub fn scores(&self) -> ProbabilityScores {
        let all = self.rows.iter().sum::<u64>() as f64;
        let bin = |at: usize| {
            let rows = self.rows[at] as f64;
            ConfidenceBin {
                above: at as f64 / BINS as f64,
                up_to: (at + 1) as f64 / BINS as f64,
                rows: self.rows[at],
                confidence: quotient(self.sums[at], rows),
                accuracy: quotient(self.right[at] as f64, rows),
            }
        };
        let bins: Vec<ConfidenceBin> = (0..BINS).map(bin).collect();
        let apart = |bin: &ConfidenceBin| bin.rows as f64 * (bin.confidence - bin.accuracy).abs();
        ProbabilityScores {
            log_loss: self.log_loss.map(|sum| quotient(sum, all)),
            not_the_most_probable: self.not_the_most_probable,
            mean_confidence: quotient(self.sums.iter().sum(), all),
            calibration_error: quotient(bins.iter().map(apart).sum(), all),
            bins,
        }
    }
}
