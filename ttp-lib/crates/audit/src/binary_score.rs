//! A binary score with its figure: which numbers of true and false positives give it.

use super::figure::{Exact, Interval};
use super::scores::{
    CountQuotient, Metric, Score, ZeroDivision, compare_mcc, compare_root, exact_score,
};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use ttp_metrics::BinaryCounts;

/// A score and the numbers that print as its figure.
#[derive(Debug, Clone)]
pub struct BinaryScore {
    metric: Metric,
    interval: Interval,
    zero_division: ZeroDivision,
    ends: Ends,
}

/// The ends of an interval in whole numbers, for the walk.
#[derive(Debug, Clone, Copy)]
struct Ends {
    low: (i128, i128),
    low_in: bool,
    high: (i128, i128),
    high_in: bool,
    /// Whether what stands for a division by nought is in the interval.
    filler: bool,
    nought: bool,
}

/// Figures of up to six decimals of a share, and up to so many examples, are walked in 128 bits:
/// products of four counts fit in them. Finer figures and more examples are walked in numbers
/// without a bound, where a step counts for as many as it takes the time of.
const FINEST: i128 = 20_000_000;

pub(super) const NARROW: u64 = 1_000_000;

pub(super) const WIDE_STEP: u64 = 400;

/// The whole numbers of a walk.
pub(super) trait Whole: Integer + Signed + Clone + From<i128> + ToPrimitive {}

impl<T: Integer + Signed + Clone + From<i128> + ToPrimitive> Whole for T {}

/// a·b − c·d.
pub(super) fn cross<T: Whole>(a: i128, b: i128, c: i128, d: i128) -> T {
    T::from(a) * T::from(b) - T::from(c) * T::from(d)
}

impl BinaryScore {
    /// A score, its figure's numbers, and what a division by nought gives.
    ///
    /// # Errors
    /// If the figure has more than thirty digits.
    pub fn new(
        metric: Metric,
        interval: Interval,
        zero_division: ZeroDivision,
    ) -> Result<Self, String> {
        let end = |value: &Exact| -> Option<(i128, i128)> {
            let (n, d) = (value.numer().to_i128()?, value.denom().to_i128()?);
            Some((n, d))
        };
        let ends = end(&interval.low).zip(end(&interval.high));
        let (low, high) = ends.ok_or("more than thirty digits are not looked at")?;
        let filler = match (metric, zero_division) {
            // Its denominator's nought is the score's own definition.
            (Metric::Mcc, _) => interval.contains(&Exact::zero()),
            (_, zero) => zero.value().is_some_and(|value| interval.contains(&value)),
        };
        let (low_in, high_in) = (interval.low_in, interval.high_in);
        let nought = interval.contains(&Exact::zero());
        let ends = Ends { low, low_in, high, high_in, filler, nought };
        Ok(Self { metric, interval, zero_division, ends })
    }

    /// The metric.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The numbers that its figure stands for.
    pub fn interval(&self) -> &Interval {
        &self.interval
    }

    /// Whether its figure is too fine to be walked in 128 bits.
    pub(super) fn is_fine(&self) -> bool {
        [self.ends.low, self.ends.high].iter().any(|(n, d)| *d > FINEST || n.abs() > 4 * FINEST)
    }

    /// Whether a division by nought would give it.
    pub fn allows_nothing(&self) -> bool {
        self.ends.filler
    }

    /// The numbers of false positives, for so many true ones, with which the score is in its
    /// interval: from, to; nothing if to is below from.
    pub(super) fn false_positives<T: Whole>(
        &self,
        tp: i128,
        positive: i128,
        negative: i128,
    ) -> (i128, i128) {
        const NONE: (i128, i128) = (1, 0);
        let all = (0, negative);
        if self.metric == Metric::Mcc {
            return self.by_correlation(tp, positive, negative);
        }
        let Some((numerator, denominator)) = self.terms(positive, negative) else { return NONE };
        // Numerator a + b·fp, denominator c + d·fp.
        let (a, b) = (numerator.0 * tp + numerator.2, numerator.1);
        let (c, d) = (denominator.0 * tp + denominator.2, denominator.1);
        if c == 0 && d == 0 {
            return if self.ends.filler { all } else { NONE };
        }
        if c == 0 {
            // A score of nought, but at no false positive a division by nought.
            return match (self.ends.nought, self.ends.filler) {
                (true, true) => all,
                (true, false) => (1, negative),
                (false, true) => (0, 0),
                (false, false) => NONE,
            };
        }
        let Ends { low: (ln, ld), low_in, high: (hn, hd), high_in, .. } = self.ends;
        let (mut from, mut to) = all;
        // ld·(a + b·fp) − ln·(c + d·fp) ≥ 0, or ≥ 1 where the end does not belong to it.
        let less = |inside: bool| T::from(i128::from(!inside));
        let above: T = cross(ld, a, ln, c);
        at_least::<T>(&cross(ld, b, ln, d), &(above - less(low_in)), &mut from, &mut to);
        let below: T = cross(hn, c, hd, a);
        at_least::<T>(&cross(hn, d, hd, b), &(below - less(high_in)), &mut from, &mut to);
        (from, to)
    }

    /// The score as a quotient of sums; nothing for the two that are none.
    pub(super) fn quotient(&self) -> Option<CountQuotient> {
        self.metric.quotient()
    }

    /// Numerator and denominator, each as factors of tp, of fp, and what stands alone. Nothing for
    /// Matthews' correlation, and for a balanced accuracy that has no value.
    fn terms(&self, positive: i128, negative: i128) -> Option<(Line, Line)> {
        if let Some(CountQuotient { numerator, denominator }) = self.quotient() {
            let sum = |[tp, fp, p, n]: [i128; 4]| (tp, fp, p * positive + n * negative);
            return Some((sum(numerator), sum(denominator)));
        }
        // One of balanced accuracy's two shares, or both, may be a division by nought.
        let zero = || match self.zero_division {
            ZeroDivision::One => Some(1),
            ZeroDivision::Zero => Some(0),
            ZeroDivision::Undefined => None,
        };
        match (self.metric, positive, negative) {
            (Metric::BalancedAccuracy, 0, 0) => Some(((0, 0, zero()?), (0, 0, 1))),
            (Metric::BalancedAccuracy, 0, n) => Some(((0, -1, (zero()? + 1) * n), (0, 0, 2 * n))),
            (Metric::BalancedAccuracy, p, 0) => Some(((1, 0, zero()? * p), (0, 0, 2 * p))),
            (Metric::BalancedAccuracy, p, n) => Some(((n, -p, n * p), (0, 0, 2 * p * n))),
            _ => None,
        }
    }

    /// What the score's interval leaves of the plane of true and false positives.
    pub(super) fn region<T: Whole>(&self, positive: i128, negative: i128) -> Region<T> {
        let Ends { low: (ln, ld), low_in, high: (hn, hd), high_in, filler, nought } = self.ends;
        let if_allowed = |allowed: bool| if allowed { Region::All } else { Region::None };
        match self.metric {
            Metric::Recall if positive == 0 => return if_allowed(filler),
            Metric::Specificity if negative == 0 => return if_allowed(filler),
            Metric::FBeta(..) if positive == 0 => return if_allowed(filler || nought),
            // Where nothing is called positive precision's lines hold as 0 ≥ 0, but for an open end.
            Metric::Precision if filler && !(low_in && high_in) => return Region::All,
            Metric::Mcc => return if_allowed(positive > 0 && negative > 0 || nought),
            _ => {}
        }
        let Some((numerator, denominator)) = self.terms(positive, negative) else {
            return Region::None;
        };
        let line = |by: i128, less: i128, end: bool| -> Space<T> {
            let (n, d) = (numerator, denominator);
            let [a, b, c] =
                [(n.0, d.0), (n.1, d.1), (n.2, d.2)].map(|(n, d)| cross(by, n, less, d));
            (a, b, c - T::from(i128::from(!end)))
        };
        Region::Between([line(ld, ln, low_in), line(-hd, -hn, high_in)])
    }

    /// Matthews' correlation falls as false positives rise.
    fn by_correlation(&self, tp: i128, positive: i128, negative: i128) -> (i128, i128) {
        let Ends { low, low_in, high, high_in, .. } = self.ends;
        let side = |fp: i128, end: (i128, i128)| compare_mcc(tp, fp, positive, negative, end);
        // The first number of false positives from which on the correlation is low enough, and
        // the last up to which it is high enough.
        let first = |low_enough: &dyn Fn(i128) -> bool| {
            let (mut from, mut to) = (0, negative + 1);
            while from < to {
                let middle = (from + to) / 2;
                if low_enough(middle) {
                    to = middle;
                } else {
                    from = middle + 1;
                }
            }
            from
        };
        use std::cmp::Ordering::{Equal, Greater, Less};
        let from = first(&|fp| match side(fp, high) {
            Less => true,
            Equal => high_in,
            Greater => false,
        });
        let past = first(&|fp| match side(fp, low) {
            Less => true,
            Equal => !low_in,
            Greater => false,
        });
        (from, past - 1)
    }

    /// Whether a matrix's score, computed anew in exact numbers, is in the interval.
    pub fn is_of(&self, counts: &BinaryCounts) -> bool {
        match exact_score(self.metric, counts, self.zero_division) {
            Some(Score::Rational(value)) => self.interval.contains(&value),
            Some(Score::Root { numerator, square }) => {
                let below = |end: &Exact| compare_root(&numerator, &square, end);
                use std::cmp::Ordering::{Equal, Greater, Less};
                let low = below(&self.interval.low);
                let high = below(&self.interval.high);
                (low == Greater || low == Equal && self.interval.low_in)
                    && (high == Less || high == Equal && self.interval.high_in)
            }
            None => false,
        }
    }
}

/// Factors of tp, of fp, and what stands alone.
type Line = (i128, i128, i128);

/// `a·tp + b·fp + c ≥ 0`.
type Space<T> = (T, T, T);

/// A part of the plane of true and false positives.
pub(super) enum Region<T> {
    /// All of it, or what is not known here.
    All,
    /// On or above each of two lines.
    Between([Space<T>; 2]),
    /// Nothing.
    None,
}

/// The true positives that all linear scores together leave: false positives are eliminated from
/// each pair of a line that bounds them from below and one from above. In 128 bits all of them are
/// at most 10¹⁴ and 10²⁰ large, so that the products stay within these.
pub(super) fn true_positives<T: Whole>(
    scores: &[BinaryScore],
    positive: i128,
    negative: i128,
) -> Option<(i128, i128)> {
    let (mut from, mut to) = (0, positive);
    let (mut least, mut most) = (0, negative);
    // What bounds one of the two alone comes first: it mostly leaves nothing, and is quick.
    for score in scores {
        match score.region::<T>(positive, negative) {
            Region::None => return None,
            Region::All => {}
            Region::Between(lines) => {
                for (a, b, c) in &lines {
                    if b.is_zero() {
                        at_least(a, c, &mut from, &mut to);
                    } else if a.is_zero() {
                        at_least(b, c, &mut least, &mut most);
                    }
                }
            }
        }
        if from > to || least > most {
            return None;
        }
    }
    let one = |value: i128| T::from(value);
    let mut below = vec![(one(0), one(1), one(-least))];
    let mut above = vec![(one(0), one(-1), one(most))];
    for score in scores {
        if let Region::Between(lines) = score.region::<T>(positive, negative) {
            for (a, b, c) in lines {
                if a.is_zero() || b.is_zero() {
                    continue;
                }
                if b.is_positive() { &mut below } else { &mut above }.push((a, b, c));
            }
        }
    }
    let product = |a: &T, b: &T| a.clone() * b.clone();
    for (a, b, c) in &below {
        for (x, y, z) in &above {
            let slope = product(b, x) - product(y, a);
            at_least(&slope, &(product(b, z) - product(y, c)), &mut from, &mut to);
        }
    }
    (from <= to).then_some((from, to))
}

/// Narrows from..=to to where slope·x + offset ≥ 0.
fn at_least<T: Whole>(slope: &T, offset: &T, from: &mut i128, to: &mut i128) {
    // What does not fit in 128 bits lies beyond every bound.
    let narrow = |value: T, end: i128| value.to_i128().unwrap_or(end);
    if slope.is_positive() {
        let least = -(offset.clone().div_floor(slope));
        let end = if least.is_positive() { i128::MAX } else { i128::MIN };
        *from = (*from).max(narrow(least, end));
    } else if slope.is_negative() {
        let most = offset.clone().div_floor(&-slope.clone());
        let end = if most.is_positive() { i128::MAX } else { i128::MIN };
        *to = (*to).min(narrow(most, end));
    } else if offset.is_negative() {
        // The start stays where it is: it may be beyond all numbers already.
        *to = from.saturating_sub(1);
    }
}
