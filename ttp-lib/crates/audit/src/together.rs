//! Comparisons of figures, judged together: "the same F1" and "better in every metric" can each
//! be true of rounded figures, and not both.
//!
//! A comparison bounds the difference of two figures, and a figure's digits bound its difference
//! from nought. Such bounds can all be met if and only if no round trip from figure to figure
//! adds up to less than nothing (Bellman and Ford), in exact numbers.

use super::claims::{Bound, Check, Direction};
use super::figure::{Exact, Interval};
use num_traits::{One, Zero};
use std::collections::BTreeMap;

/// A figure by its claim's place, or nought.
type Node = Option<usize>;

/// `to − from` is at most `bound`, or below it where it is open.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    from: Node,
    to: Node,
    bound: Exact,
    open: bool,
}

/// `a − b` within an interval.
fn within(a: Node, b: Node, interval: &Interval) -> [Difference; 2] {
    [
        Difference { from: b, to: a, bound: interval.high.clone(), open: !interval.high_in },
        Difference { from: a, to: b, bound: -interval.low.clone(), open: !interval.low_in },
    ]
}

/// A figure and the numbers that print so.
pub(super) fn figure(at: usize, interval: &Interval) -> Vec<Difference> {
    within(Some(at), None, interval).into()
}

/// What a claim says of differences, `value` being its own figure's numbers; nothing for the
/// claims that say more, or other things, than such bounds can tell.
pub(super) fn differences(check: &Check, value: Option<&Interval>) -> Vec<Difference> {
    let pairs = |of: &[usize], interval: &Interval| {
        let pair = |two: &[usize]| within(Some(two[1]), Some(two[0]), interval);
        of.windows(2).flat_map(pair).collect::<Vec<_>>()
    };
    match (check, value) {
        (Check::Same(of), value) => {
            let mut found = pairs(of, &Interval::point(Exact::zero()));
            let own = value.zip(of.first());
            found.extend(own.into_iter().flat_map(|(value, at)| figure(*at, value)));
            found
        }
        (Check::Order(of, direction), _) => {
            let step = |two: &[usize]| {
                let (smaller, larger) = match direction {
                    Direction::Rising | Direction::NotFalling => (two[0], two[1]),
                    Direction::Falling | Direction::NotRising => (two[1], two[0]),
                };
                let open = matches!(direction, Direction::Rising | Direction::Falling);
                Difference { from: Some(larger), to: Some(smaller), bound: Exact::zero(), open }
            };
            of.windows(2).map(step).collect()
        }
        (Check::Tier(of, range), _) => {
            of.iter().flat_map(|&at| figure(at, &range.interval)).collect()
        }
        (Check::Sum(parts, Bound::Equal), Some(value)) => match &parts[..] {
            [(a, one), (b, less)] if one.is_one() && *less == -Exact::one() => {
                within(Some(*a), Some(*b), value).into()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Whether numbers meet all of them.
pub(super) fn can_be<'a>(differences: impl Iterator<Item = &'a Difference>) -> bool {
    let mut places: BTreeMap<Node, usize> = BTreeMap::new();
    let mut place = |node: Node| {
        let next = places.len();
        *places.entry(node).or_insert(next)
    };
    let edges: Vec<(usize, usize, &Difference)> =
        differences.map(|one| (place(one.from), place(one.to), one)).collect();
    // Sums of bounds, and how many of them are open: each of those takes a little off.
    let mut least = vec![(Exact::zero(), 0_i64); places.len()];
    for _ in 0..=places.len() {
        let mut settled = true;
        for &(from, to, one) in &edges {
            let sum = &least[from].0 + &one.bound;
            let open = least[from].1 - i64::from(one.open);
            if sum < least[to].0 || sum == least[to].0 && open < least[to].1 {
                least[to] = (sum, open);
                settled = false;
            }
        }
        if settled {
            return true;
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Figure, Rounding};

    fn numbers(text: &str) -> Interval {
        text.parse::<Figure>().unwrap().interval(Rounding::Nearest)
    }

    fn possible(claims: &[Vec<Difference>]) -> bool {
        can_be(claims.iter().flatten())
    }

    #[test]
    fn what_is_the_same_is_not_larger() {
        let same = differences(&Check::Same(vec![0, 1, 2]), None);
        let order = |direction| differences(&Check::Order(vec![0, 2], direction), None);
        let figures = [figure(0, &numbers("0.90")), figure(1, &numbers("0.90"))].concat();
        assert!(possible(&[same.clone(), order(Direction::NotFalling), figures.clone()]));
        assert!(!possible(&[same.clone(), order(Direction::Rising), figures]));
        // And around a ring.
        let ring = [[0, 1], [1, 2], [2, 0]]
            .map(|of| differences(&Check::Order(of.to_vec(), Direction::NotRising), None));
        assert!(possible(&ring));
        let strict = differences(&Check::Order(vec![0, 1], Direction::Falling), None);
        assert!(!possible(&[&ring[..], &[strict]].concat()));
    }

    #[test]
    fn differences_leave_what_the_digits_leave() {
        let parts = vec![(1, Exact::one()), (0, -Exact::one())];
        let gain = |text: &str| {
            differences(&Check::Sum(parts.clone(), Bound::Equal), Some(&numbers(text)))
        };
        let figures = [figure(0, &numbers("0.90")), figure(1, &numbers("0.91"))].concat();
        // From 0.905 − 0.905 to 0.915 − 0.895.
        for (text, is) in [("0.00", true), ("0.02", true), ("0.03", false), ("−0.01", false)] {
            assert_eq!(possible(&[figures.clone(), gain(text)]), is, "{text}");
        }
        // Two gains that can each be, and not both.
        assert!(!possible(&[figures.clone(), gain("0.00"), gain("0.02")]));
        // A truncated figure ends before the next one begins.
        let cut = |text: &str| text.parse::<Figure>().unwrap().interval(Rounding::Truncated);
        let same = differences(&Check::Same(vec![0, 1]), None);
        assert!(!possible(&[figure(0, &cut("0.90")), figure(1, &cut("0.91")), same]));
    }
}
