//! Balanced accuracy of many classes, in its three readings.
//!
//! scikit-learn's `balanced_accuracy_score` is the mean recall of the classes that have examples;
//! with `adjusted=True` it is (that mean − 1/k) / (1 − 1/k) of these k classes. The third reading
//! takes for each class the mean of its recall and its specificity against all others.

use super::counts::ClassCounts;
use super::figure::{Exact, Interval, whole};
use super::problem::{Average, Quotient, Sum};
use num_traits::{One, Zero};

/// How balanced accuracy of many classes is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BalancedAccuracyKind {
    /// The mean recall, as in scikit-learn.
    #[default]
    MeanRecall,
    /// The mean recall, with chance at nought and the best at one: `adjusted=True`.
    Adjusted,
    /// The classes' own means of recall and specificity, averaged.
    OneVsRest,
}

impl BalancedAccuracyKind {
    /// The names that a claims file may use.
    pub const NAMES: [&str; 3] = ["mean_recall", "adjusted", "one_vs_rest"];

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::MeanRecall, Self::Adjusted, Self::OneVsRest];
        Self::NAMES.iter().zip(all).find(|(known, _)| **known == name).map(|(_, read)| read)
    }

    /// What the mean recall of `counted` is in this reading; nothing without examples, and if it
    /// is a division by nought.
    pub(super) fn of(self, counted: &ClassCounts) -> Option<Exact> {
        let mut sum = Exact::zero();
        let mut present = 0_i128;
        for (&support, &right) in counted.support.iter().zip(&counted.right) {
            if support > 0 {
                sum += super::figure::fraction(right, support);
                present += 1;
            }
        }
        if present == 0 {
            return None;
        }
        let mean = sum / whole(present);
        match self {
            Self::Adjusted => {
                let chance = super::figure::fraction(1, present);
                (present > 1).then(|| (mean - &chance) / (Exact::one() - chance))
            }
            _ => Some(mean),
        }
    }

    /// The same as averages of quotients. A class without examples is left out of the mean: with
    /// a recall v in its place, Σ recall ≥ k·v holds of all classes if it does of those that have
    /// examples. So each end of the interval is asked for with itself in the place of what is
    /// not there; where no class can be empty, once is enough.
    pub(super) fn averages(
        self,
        recalls: &[(Sum, Sum, Interval)],
        interval: &Interval,
        may_be_empty: bool,
    ) -> Vec<Average> {
        let classes = whole(recalls.len() as i128);
        // Σ recall = k·x, or Σ recall = (k − 1)·x + 1 where it is adjusted.
        let end = |x: &Exact| match self {
            Self::Adjusted => x + (Exact::one() - x) / &classes,
            _ => x.clone(),
        };
        let of_sum = Interval { low: end(&interval.low), high: end(&interval.high), ..*interval };
        let ends: &[&Exact] = match may_be_empty {
            true => &[&interval.low, &interval.high],
            false => &[&interval.low],
        };
        let average = |filler: &&Exact| {
            let part = |(right, support, known): &(Sum, Sum, Interval)| {
                let mut known = known.clone();
                if may_be_empty {
                    known.low = known.low.min((*filler).clone());
                    known.high = known.high.max((*filler).clone());
                }
                let sums = (right.clone(), support.clone());
                Quotient::new(None, sums, Some((*filler).clone()), &known)
            };
            let parts = recalls.iter().map(part).collect();
            Average::new(parts, recalls.len() as i128, of_sum.clone())
        };
        ends.iter().map(average).collect()
    }
}
