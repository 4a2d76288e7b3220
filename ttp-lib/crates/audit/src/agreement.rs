//! How far truth and prediction agree over the whole matrix, chance taken off.
//!
//! Both figures hang on the classes' counts alone, and neither is linear in them: they are computed
//! from a matrix that gives all other figures. Where these leave one matrix the verdict is proven.

use super::counts::ClassCounts;
use super::figure::{Interval, fraction};
use super::scores::compare_root;
use num_bigint::BigInt;
use num_traits::Zero;
use std::cmp::Ordering;

/// A figure of the whole matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Cohen's kappa: (n·c − Σ p·s) / (n² − Σ p·s) of n examples, c of them right, with p a class's
    /// predictions and s its support; scikit-learn's `cohen_kappa_score`.
    Kappa,
    /// Matthews' correlation of many classes: (n·c − Σ p·s) / √((n² − Σ p²) (n² − Σ s²)), nought
    /// where the root is; scikit-learn's `matthews_corrcoef`.
    Mcc,
}

impl Agreement {
    /// Whether the figure of these counts is in an interval; not where it has no value.
    pub(super) fn is_in(self, counted: &ClassCounts, interval: &Interval) -> bool {
        let n = counted.total;
        let sum = |of: &dyn Fn(usize) -> i128| (0..counted.support.len()).map(of).sum::<i128>();
        let (support, predicted) = (&counted.support, &counted.predicted);
        let by_chance = sum(&|class| support[class] * predicted[class]);
        let above = n * sum(&|class| counted.right[class]) - by_chance;
        match self {
            Self::Kappa => {
                let below = n * n - by_chance;
                below != 0 && interval.contains(&fraction(above, below))
            }
            Self::Mcc => {
                let rest = |of: &[i128]| BigInt::from(n * n - sum(&|class| of[class] * of[class]));
                let square = rest(predicted) * rest(support);
                if square.is_zero() {
                    return interval.contains(&fraction(0, 1));
                }
                let against = |end| compare_root(&BigInt::from(above), &square, end);
                let (low, high) = (against(&interval.low), against(&interval.high));
                (low == Ordering::Greater || low == Ordering::Equal && interval.low_in)
                    && (high == Ordering::Less || high == Ordering::Equal && interval.high_in)
            }
        }
    }
}
