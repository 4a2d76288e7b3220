//! Scores without a total: which shares of positives they leave, however many examples there are.
//!
//! With `t` and `f` the true and false positives and `p` the positives, as shares of all examples,
//! each score that is a quotient of sums keeps the point (t, f, p) between two planes. `t` and
//! `f` are eliminated (Fourier and Motzkin), in whole numbers of any size. So what is left for
//! `p` is exact, and where nothing is left no number of examples can have these scores.

use super::binary_score::BinaryScore;
use super::figure::{Exact, Interval, whole};
use super::scores::{CountQuotient, Metric};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

/// `of[0]·t + of[1]·f + of[2]·p + of[3] ≥ 0`, or `> 0` where it is open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct HalfSpace {
    of: [BigInt; 4],
    open: bool,
}

impl HalfSpace {
    fn new(of: [i128; 4], open: bool) -> Self {
        Self { of: of.map(BigInt::from), open }
    }

    /// What two of them say together without one of the variables, of which the first has a
    /// positive and the second a negative multiple.
    fn without(variable: usize, above: &Self, below: &Self) -> Self {
        let (a, b) = (&above.of[variable], -&below.of[variable]);
        let of: [BigInt; 4] = std::array::from_fn(|i| &above.of[i] * &b + &below.of[i] * a);
        let divisor = of.iter().fold(BigInt::zero(), |divisor, value| divisor.gcd(value));
        let of = if divisor.is_zero() { of } else { of.map(|value| value / &divisor) };
        Self { of, open: above.open || below.open }
    }
}

/// The shares of positives, above none and below all, that one matrix's scores leave; an empty
/// interval where they leave none. Of Matthews' correlation, and of balanced accuracy without
/// recall or specificity, nothing is known here: the interval is never too small.
pub(super) fn prevalence(scores: &[BinaryScore]) -> Interval {
    // 0 ≤ t ≤ p, 0 ≤ f ≤ 1 − p.
    let mut spaces: Vec<HalfSpace> = [[1, 0, 0, 0], [-1, 0, 1, 0], [0, 1, 0, 0], [0, -1, -1, 1]]
        .map(|of| HalfSpace::new(of, false))
        .into();
    for score in scores {
        if let Some(quotient) = score.quotient() {
            // Where nothing is called positive, precision's planes meet in an edge that belongs
            // to both.
            let closed = score.metric() == Metric::Precision && score.allows_nothing();
            spaces.extend(between(&quotient, score.interval(), closed));
        }
    }
    let of = |metric: Metric| {
        let all = scores.iter().filter(move |score| score.metric() == metric);
        all.map(BinaryScore::interval).cloned().reduce(|a, b| a.and(&b))
    };
    if let Some(balanced) = of(Metric::BalancedAccuracy) {
        // The one rate from the other.
        for (known, other) in
            [(Metric::Recall, Metric::Specificity), (Metric::Specificity, Metric::Recall)]
        {
            if let (Some(known), Some(quotient)) = (of(known), other.quotient()) {
                spaces.extend(between(&quotient, &balanced.times(&whole(2)).minus(&known), false));
            }
        }
    }
    for variable in [0, 1] {
        spaces = eliminate(spaces, variable);
    }
    let mut share =
        Interval { low: Exact::zero(), low_in: false, high: Exact::one(), high_in: false };
    for HalfSpace { of: [_, _, slope, offset], open } in &spaces {
        if slope.is_zero() {
            if offset.is_negative() || offset.is_zero() && *open {
                return Interval { high: Exact::zero(), ..share };
            }
            continue;
        }
        let end = Exact::new(-offset, slope.clone());
        let side = if slope.is_positive() {
            Interval { low: end, low_in: !open, high: Exact::one(), high_in: true }
        } else {
            Interval { low: Exact::zero(), low_in: true, high: end, high_in: !open }
        };
        share = share.and(&side);
    }
    share
}

/// The two planes between which a quotient is in an interval.
fn between(quotient: &CountQuotient, interval: &Interval, closed: bool) -> [HalfSpace; 2] {
    let plane = |end: &Exact, sign: i32, inside: bool| {
        let (numerator, denominator) = (quotient.numerator, quotient.denominator);
        let by = |i: usize| {
            let value = end.denom() * numerator[i] - end.numer() * denominator[i];
            value * BigInt::from(sign)
        };
        // Negatives are what positives leave.
        let [t, f, p, n] = std::array::from_fn(by);
        HalfSpace { of: [t, f, p - &n, n], open: !inside && !closed }
    };
    [plane(&interval.low, 1, interval.low_in), plane(&interval.high, -1, interval.high_in)]
}

fn eliminate(spaces: Vec<HalfSpace>, variable: usize) -> Vec<HalfSpace> {
    let (mut kept, rest): (Vec<_>, Vec<_>) =
        spaces.into_iter().partition(|space| space.of[variable].is_zero());
    let (above, below): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|space| space.of[variable].is_positive());
    for a in &above {
        kept.extend(below.iter().map(|b| HalfSpace::without(variable, a, b)));
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}
