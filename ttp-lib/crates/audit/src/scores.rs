//! The scores of a binary matrix: what each is in whole numbers.

use super::figure::{Exact, fraction, whole};
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};
use ttp_metrics::BinaryCounts;

/// What a score says where its denominator is nought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroDivision {
    /// Nought, as scikit-learn has it.
    #[default]
    Zero,
    /// One.
    One,
    /// Nothing: a score that is reported had a denominator.
    Undefined,
}

impl ZeroDivision {
    /// The value, if there is one.
    pub fn value(self) -> Option<Exact> {
        match self {
            Self::Zero => Some(Exact::zero()),
            Self::One => Some(Exact::one()),
            Self::Undefined => None,
        }
    }

    /// The values that it is not.
    pub(super) fn others(self) -> impl Iterator<Item = Self> {
        [Self::Zero, Self::One].into_iter().filter(move |other| *other != self)
    }

    /// As a claims file names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zero => "0",
            Self::One => "1",
            Self::Undefined => "undefined",
        }
    }

    /// What is told of claims that can hold together only with this.
    pub(super) fn advice(self) -> String {
        let name = self.name();
        format!("; one does if a division by nought gives {name} (zero_division = \"{name}\")")
    }
}

/// A score of one confusion matrix of two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// (TP + TN) / all.
    Accuracy,
    /// TP / (TP + FP).
    Precision,
    /// TP / (TP + FN).
    Recall,
    /// TN / (TN + FP).
    Specificity,
    /// (1 + β²) TP / ((1 + β²) TP + β² FN + FP), with β² as a fraction.
    FBeta(u32, u32),
    /// The mean of recall and specificity.
    BalancedAccuracy,
    /// Matthews' correlation coefficient; nought where a margin is.
    Mcc,
}

impl Metric {
    /// The names that a claims file may use.
    pub const NAMES: [&str; 9] = [
        "accuracy",
        "precision",
        "recall",
        "specificity",
        "f1",
        "f2",
        "f_beta",
        "balanced_accuracy",
        "mcc",
    ];

    /// The score as a quotient of sums; nothing for the two that are none.
    pub(super) fn quotient(self) -> Option<CountQuotient> {
        let (numerator, denominator) = match self {
            Self::Accuracy => ([1, -1, 0, 1], [0, 0, 1, 1]),
            Self::Precision => ([1, 0, 0, 0], [1, 1, 0, 0]),
            Self::Recall => ([1, 0, 0, 0], [0, 0, 1, 0]),
            Self::Specificity => ([0, -1, 0, 1], [0, 0, 0, 1]),
            Self::FBeta(n, m) => {
                let (n, m) = (i128::from(n), i128::from(m));
                ([n + m, 0, 0, 0], [m, m, n, 0])
            }
            Self::BalancedAccuracy | Self::Mcc => return None,
        };
        Some(CountQuotient { numerator, denominator })
    }
}

/// A quotient of two sums of true positives, false positives, positives and negatives, each with
/// its factor.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountQuotient {
    pub(super) numerator: [i128; 4],
    pub(super) denominator: [i128; 4],
}

/// Matthews' correlation against a fraction.
pub(super) fn compare_mcc(
    tp: i128,
    fp: i128,
    positive: i128,
    negative: i128,
    (n, d): (i128, i128),
) -> std::cmp::Ordering {
    let said = tp + fp;
    let factors = [positive, negative, said, positive + negative - said];
    let numerator = tp * negative - fp * positive;
    if factors.contains(&0) {
        return 0.cmp(&n);
    }
    // Up to 10⁶ examples the product is at most 10²³.
    let margins = factors.iter().try_fold(1_i128, |all, factor| all.checked_mul(*factor));
    match (numerator.signum(), n.signum()) {
        (a, b) if a != b => a.cmp(&b),
        (0, _) => std::cmp::Ordering::Equal,
        (sign, _) => {
            // Both sides squared.
            let wide = |value: i128| BigInt::from(value);
            let small = |value: i128| value.unsigned_abs() < 1 << 30;
            let ordering = match margins {
                Some(margins) if small(numerator) && small(n) && small(d) && margins < 1 << 66 => {
                    (numerator * d).pow(2).cmp(&(n * n * margins))
                }
                _ => {
                    let margins: BigInt = factors.map(wide).iter().product();
                    (wide(numerator) * wide(d)).pow(2).cmp(&(wide(n).pow(2) * margins))
                }
            };
            if sign > 0 { ordering } else { ordering.reverse() }
        }
    }
}

pub(super) fn counts(tp: i128, positive: i128, fp: i128, negative: i128) -> BinaryCounts {
    let [tp, fp, fn_, tn] = [tp, fp, positive - tp, negative - fp].map(|count| count as u64);
    BinaryCounts { tp, fp, fn_, tn }
}

/// A score in exact numbers.
#[derive(Debug, Clone)]
pub enum Score {
    /// A fraction.
    Rational(Exact),
    /// A fraction of a square root: numerator / √square.
    Root {
        /// The numerator.
        numerator: BigInt,
        /// The number under the root, above nought.
        square: BigInt,
    },
}

/// The score of a matrix, straight from its definition; `None` for a division by nought that
/// has no value. Independent of the search, so that an example is checked by other means.
pub fn exact_score(
    metric: Metric,
    counts: &BinaryCounts,
    zero_division: ZeroDivision,
) -> Option<Score> {
    let [tp, fp, fn_, tn] = [counts.tp, counts.fp, counts.fn_, counts.tn].map(i128::from);
    let share = |numerator: i128, denominator: i128| {
        if denominator == 0 {
            zero_division.value()
        } else {
            Some(fraction(numerator, denominator))
        }
    };
    let value = match metric {
        Metric::Accuracy => share(tp + tn, tp + fp + fn_ + tn)?,
        Metric::Precision => share(tp, tp + fp)?,
        Metric::Recall => share(tp, tp + fn_)?,
        Metric::Specificity => share(tn, tn + fp)?,
        Metric::FBeta(n, m) => {
            let (n, m) = (i128::from(n), i128::from(m));
            share((n + m) * tp, (n + m) * tp + n * fn_ + m * fp)?
        }
        Metric::BalancedAccuracy => (share(tp, tp + fn_)? + share(tn, tn + fp)?) / whole(2),
        Metric::Mcc => {
            let square = [tp + fp, tp + fn_, tn + fp, tn + fn_].map(BigInt::from);
            let square: BigInt = square.iter().product();
            if square.is_zero() {
                return Some(Score::Rational(Exact::zero()));
            }
            let numerator = BigInt::from(tp) * tn - BigInt::from(fp) * fn_;
            return Some(Score::Root { numerator, square });
        }
    };
    Some(Score::Rational(value))
}

/// numerator / √square against a fraction.
pub(super) fn compare_root(numerator: &BigInt, square: &BigInt, end: &Exact) -> std::cmp::Ordering {
    let signed_square = |value: BigInt| {
        let square = &value * &value;
        if value.is_negative() { -square } else { square }
    };
    let left = signed_square(numerator * end.denom());
    let right = signed_square(end.numer().clone()) * square;
    left.cmp(&right)
}

pub(super) fn ceil(numerator: i128, denominator: i128) -> i128 {
    -((-numerator).div_euclid(denominator))
}
