//! The similarity report's own table, and the whole numbers behind its percentages.

use crate::metrics::BinaryCounts;
use serde::Serialize;

/// A row of the report's table: percentages of two decimals, without the number of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reported {
    /// The model, as the report names it.
    pub model: &'static str,
    /// Percentage of pairs right.
    pub accuracy: f64,
    /// Percentage of the pairs called similar that are.
    pub precision: f64,
    /// Percentage of the similar pairs that are called so.
    pub recall: f64,
    /// Their harmonic mean, in per cent.
    pub f1: f64,
}

/// The report's table.
pub const REPORTED: [Reported; 3] = [
    Reported { model: "Baseline", accuracy: 47.74, precision: 83.05, recall: 17.38, f1: 28.74 },
    Reported {
        model: "Basic fine-tuned",
        accuracy: 60.65,
        precision: 60.65,
        recall: 100.0,
        f1: 75.50,
    },
    Reported {
        model: "Advanced (hard negatives)",
        accuracy: 63.87,
        precision: 62.67,
        recall: 100.0,
        f1: 77.05,
    },
];

impl Reported {
    /// Every confusion matrix of so many pairs, so many of them similar, that rounds to all
    /// four percentages.
    ///
    /// ```
    /// use ttp_lib::similarity::REPORTED;
    /// let fit = REPORTED[1].counts_that_fit(465, 282);
    /// assert_eq!(fit.len(), 1);
    /// assert_eq!((fit[0].tp, fit[0].fp, fit[0].fn_, fit[0].tn), (282, 183, 0, 0));
    /// ```
    pub fn counts_that_fit(&self, pairs: u64, similar: u64) -> Vec<BinaryCounts> {
        let mut fit = Vec::new();
        let others = pairs.saturating_sub(similar);
        for tp in near(self.recall / 100.0 * similar as f64, similar) {
            // precision = tp / (tp + fp)
            for fp in near(tp as f64 * (100.0 / self.precision - 1.0), others) {
                let counts = BinaryCounts { tp, fp, fn_: similar - tp, tn: others - fp };
                if self.is_of(&counts) {
                    fit.push(counts);
                }
            }
        }
        fit
    }

    /// Whether counts round to all four percentages.
    fn is_of(&self, counts: &BinaryCounts) -> bool {
        [
            (counts.accuracy(), self.accuracy),
            (counts.precision(), self.precision),
            (counts.recall(), self.recall),
            (counts.f1(), self.f1),
        ]
        // A half is rounded up by some and to even by others: either will do.
        .iter()
        .all(|(value, percent)| (100.0 * value - percent).abs() <= 0.005 + 1e-9)
    }
}

/// Whole numbers up to `most` that rounding may have made of `about`: a percentage of two
/// decimals leaves one in 20,000 either way, and of counts of thousands that is no more than 1.
fn near(about: f64, most: u64) -> std::ops::RangeInclusive<u64> {
    let slack = 1.0 + about * 1e-3;
    let low = (about - slack).ceil().max(0.0) as u64;
    low..=((about + slack).floor().max(0.0) as u64).min(most)
}

/// The numbers of pairs up to `most`, and of similar pairs among them, with which **all** rows
/// of the report can be true of the same pairs, the smallest first.
pub fn totals_that_fit(most: u64) -> Vec<(u64, u64)> {
    let both = |pairs: u64| (1..pairs).map(move |similar| (pairs, similar));
    let fits = |&(pairs, similar): &(u64, u64)| {
        REPORTED.iter().all(|row| !row.counts_that_fit(pairs, similar).is_empty())
    };
    (2..=most).flat_map(both).filter(fits).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_reports_table_is_of_465_pairs_and_one_model_never_says_no() {
        assert_eq!(totals_that_fit(1000), [(465, 282), (930, 564)]);
        let fit: Vec<_> = REPORTED.iter().map(|row| row.counts_that_fit(465, 282)).collect();
        let as_numbers = |c: &BinaryCounts| (c.tp, c.fp, c.fn_, c.tn);
        assert_eq!(fit[0].iter().map(as_numbers).collect::<Vec<_>>(), [(49, 10, 233, 173)]);
        assert_eq!(fit[1].iter().map(as_numbers).collect::<Vec<_>>(), [(282, 183, 0, 0)]);
        assert_eq!(fit[2].iter().map(as_numbers).collect::<Vec<_>>(), [(282, 168, 0, 15)]);
    }

    #[test]
    fn looking_near_misses_nothing() {
        // By trying every count of a small total.
        for row in &REPORTED {
            for (pairs, similar) in [(465, 282), (310, 188), (155, 94), (60, 30)] {
                let mut all = Vec::new();
                for tp in 0..=similar {
                    for fp in 0..=pairs - similar {
                        let (fn_, tn) = (similar - tp, pairs - similar - fp);
                        let counts = BinaryCounts { tp, fp, fn_, tn };
                        if row.is_of(&counts) {
                            all.push(counts);
                        }
                    }
                }
                assert_eq!(row.counts_that_fit(pairs, similar), all, "{row:?} {pairs}");
            }
        }
    }
}
