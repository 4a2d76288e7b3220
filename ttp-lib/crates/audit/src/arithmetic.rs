//! Claims about other figures: sums, shares, differences, tiers, tallies.
//!
//! Each figure stands for the interval of numbers that print so. A relation is consistent if
//! some numbers of these intervals meet it. A number printed twice is printed the same way,
//! and so one rule for halves goes for all figures of a relation: each rule is tried.

use super::claims::{Bound, Check, Direction, Range};
use super::figure::{Exact, Interval, Rounding, decimals, whole};
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Whether a relation can be met, and what shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// By these numbers.
    Met(String),
    /// By none; these of the figures it is about are to blame (all where it needs all).
    Missed(String, Vec<usize>),
}

/// The rules for halves that one figure's rounding leaves open.
pub fn rules(rounding: Rounding) -> Vec<Rounding> {
    match rounding {
        Rounding::Nearest => vec![Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown],
        Rounding::Either => {
            vec![Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Truncated]
        }
        one => vec![one],
    }
}

/// Judges a relation. `of` gives the numbers that another claim's figure stands for, `value`
/// those of the claim's own, `per_cent` how to show them.
pub fn judge(
    check: &Check,
    value: Option<&Interval>,
    of: &dyn Fn(usize) -> Interval,
    per_cent: bool,
) -> Relation {
    let show = |interval: &Interval| {
        if per_cent { format!("{} %", interval.times(&whole(100))) } else { interval.to_string() }
    };
    let any = Interval::point(Exact::zero());
    let own = value;
    let value = value.unwrap_or(&any);
    let is_it = |met: bool, text: String| {
        if met { Relation::Met(text) } else { Relation::Missed(text, Vec::new()) }
    };
    match check {
        Check::Sum(parts, bound) => {
            let zero = Interval::point(Exact::zero());
            let sum = parts.iter().fold(zero, |sum, (at, factor)| sum.plus(&of(*at).times(factor)));
            let met = match bound {
                Bound::Equal => !sum.and(value).is_empty(),
                Bound::AtMost => {
                    sum.low < value.high || sum.low == value.high && sum.low_in && value.high_in
                }
            };
            is_it(met, format!("it comes to {}", show(&sum)))
        }
        Check::Share(part, all) | Check::Gain(part, all) => {
            let Some(mut found) = quotient(of(*part), of(*all), value) else {
                return Relation::Missed("a fraction whose whole is 0".to_owned(), Vec::new());
            };
            if let Check::Gain(..) = check {
                found = found.minus(&Interval::point(Exact::one()));
            }
            is_it(!found.and(value).is_empty(), format!("it is {}", show(&found)))
        }
        Check::FOf(precision, recall, beta) => {
            let range = f_of(of(*precision), of(*recall), beta);
            let text = format!("precision and recall give {}", show(&range));
            is_it(!range.and(value).is_empty(), text)
        }
        Check::Tally(of_claims, range) => tally(of_claims, range, value, of),
        Check::Tier(of_claims, range) => tier(of_claims, range, of),
        Check::Same(of_claims) => same(of_claims, own, of, &show),
        Check::Labels(labels) => match labels.iter().find(|label| **label != labels[0]) {
            Some(other) => {
                Relation::Missed(format!("{:?} there, {other:?} here", labels[0]), Vec::new())
            }
            None => Relation::Met("the names are the same".to_owned()),
        },
        Check::Order(of_claims, direction) => in_order(of_claims, *direction, of),
        _ => Relation::Missed("not a relation".to_owned(), Vec::new()),
    }
}

/// The F-beta, with β², that a precision and a recall give.
fn f_of(precision: Interval, recall: Interval, beta: &Exact) -> Interval {
    let (p, r) = (not_negative(precision), not_negative(recall));
    let f = |p: &Exact, r: &Exact| {
        let under = beta * p + r;
        if under.is_zero() { under } else { (Exact::one() + beta) * p * r / under }
    };
    // It rises with both.
    Interval {
        low: f(&p.low, &r.low),
        low_in: p.low_in && r.low_in,
        high: f(&p.high, &r.high),
        high_in: p.high_in && r.high_in,
    }
}

/// Whether so many figures as `value` says are within a range.
fn tally(
    of_claims: &[usize],
    range: &Range,
    value: &Interval,
    of: &dyn Fn(usize) -> Interval,
) -> Relation {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for &at in of_claims {
        let figure = of(at);
        let both = figure.and(&range.interval);
        if both == figure {
            inside.push(at);
        } else if both.is_empty() {
            outside.push(at);
        }
    }
    let (least, most) = (inside.len(), of_claims.len() - outside.len());
    let counted = Interval::closed(whole(least as i128), whole(most as i128));
    let text = format!("{counted} of {} are {}", of_claims.len(), range.text);
    if !counted.and(value).is_empty() {
        return Relation::Met(text);
    }
    // One more inside than is said, or one more outside than may be, are enough.
    let said = value.low.to_integer().to_usize().unwrap_or(0);
    let to_blame = if least > said {
        inside[..said + 1].to_vec()
    } else {
        outside[..(of_claims.len() + 1).saturating_sub(said).min(outside.len())].to_vec()
    };
    Relation::Missed(text, to_blame)
}

/// Whether all figures are within a range.
fn tier(of_claims: &[usize], range: &Range, of: &dyn Fn(usize) -> Interval) -> Relation {
    let outside: Vec<usize> =
        of_claims.iter().copied().filter(|&at| of(at).and(&range.interval).is_empty()).collect();
    match (&outside[..], of_claims.len()) {
        ([], 1) => Relation::Met(format!("it is {}", range.text)),
        ([], all) => Relation::Met(format!("all {all} are {}", range.text)),
        ([_], 1) => Relation::Missed(format!("it is not {}", range.text), outside),
        // Each of them is enough: the first will do.
        (some, all) => {
            let text = format!("{} of {all} not {}", some.len(), range.text);
            Relation::Missed(text, vec![some[0]])
        }
    }
}

/// Whether all figures, and the claim's own where it has one, can be one number.
fn same(
    of_claims: &[usize],
    own: Option<&Interval>,
    of: &dyn Fn(usize) -> Interval,
    show: &dyn Fn(&Interval) -> String,
) -> Relation {
    if let Some(own) = own
        && let Some(&at) = of_claims.iter().find(|&&at| of(at).and(own).is_empty())
    {
        let text = format!("{} is not {}", show(own), show(&of(at)));
        return Relation::Missed(text, vec![at]);
    }
    for (i, &a) in of_claims.iter().enumerate() {
        for &b in &of_claims[i + 1..] {
            // Intervals that meet in pairs have a number in common.
            if of(a).and(&of(b)).is_empty() {
                let text = format!("{} is not {}", show(&of(a)), show(&of(b)));
                return Relation::Missed(text, vec![a, b]);
            }
        }
    }
    let all = of_claims.iter().map(|&at| of(at)).reduce(|a, b| a.and(&b));
    let all = all.map(not_negative);
    Relation::Met(all.map_or_else(String::new, |all| format!("all are {}", show(&all))))
}

/// What part of `all` a part is: up to what is asked for, or without end where `all` may be next
/// to nothing; nothing where it is.
fn quotient(part: Interval, all: Interval, asked: &Interval) -> Option<Interval> {
    let (part, all) = (not_negative(part), not_negative(all));
    if !all.high.is_positive() {
        return None;
    }
    // Of as little as one likes a part may be any share.
    let most = all.low.is_positive().then(|| &part.high / &all.low);
    let end = Exact::one() + &asked.high;
    Some(Interval {
        low: &part.low / &all.high,
        low_in: part.low_in && all.high_in,
        high_in: most.is_none() || part.high_in && all.low_in,
        high: most.unwrap_or_else(|| end.max(&part.low / &all.high)),
    })
}

/// What counts and shares can be of an interval: a printed nought stands for numbers around it.
fn not_negative(interval: Interval) -> Interval {
    if interval.low.is_negative() {
        Interval { low: Exact::zero(), low_in: true, ..interval }
    } else {
        interval
    }
}

/// Whether figures can go one way: each takes the least (or largest) number left to it.
fn in_order(of_claims: &[usize], direction: Direction, of: &dyn Fn(usize) -> Interval) -> Relation {
    let falling = matches!(direction, Direction::Falling | Direction::NotRising);
    let strict = matches!(direction, Direction::Falling | Direction::Rising);
    let sign = if falling { -Exact::one() } else { Exact::one() };
    for (i, &later) in of_claims.iter().enumerate() {
        for &before in &of_claims[..i] {
            let (a, b) = (of(before).times(&sign), of(later).times(&sign));
            let room = b.high > a.low || b.high == a.low && b.high_in && a.low_in && !strict;
            if !room {
                let shown = |interval: &Interval| decimals(&interval.times(&sign).low);
                let way = if falling { "smaller" } else { "larger" };
                let text = format!("{} is not {way} than {}", shown(&b), shown(&a));
                return Relation::Missed(text, vec![before, later]);
            }
        }
    }
    Relation::Met(format!("all {} go that way", of_claims.len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Figure;

    fn interval(text: &str) -> Interval {
        text.parse::<Figure>().unwrap().interval(Rounding::Nearest)
    }

    #[test]
    fn a_printed_nought_is_no_contradiction() {
        let figures = [interval("0 %"), interval("250"), interval("0.0"), interval("0.04")];
        let of = |at: usize| figures[at].clone();
        let judge = |check: &Check, value: &str| judge(check, Some(&interval(value)), &of, false);
        // 0.3 % of 250 rows print as 0 %.
        assert!(matches!(judge(&Check::Share(0, 1), "0.00001"), Relation::Met(_)));
        assert!(matches!(judge(&Check::Share(0, 1), "0.3"), Relation::Missed(..)));
        let f1 = Check::FOf(2, 3, Exact::one());
        assert!(matches!(judge(&f1, "0.04"), Relation::Met(_)));
        assert!(matches!(judge(&f1, "0.9"), Relation::Missed(..)));
    }

    #[test]
    fn a_difference_in_points_is_no_gain_in_per_cent() {
        let figures = [interval("77.05 %"), interval("75.50 %")];
        let of = |at: usize| figures[at].clone();
        let judge = |value: &str| judge(&Check::Gain(0, 1), Some(&interval(value)), &of, true);
        assert!(matches!(judge("2.05 %"), Relation::Met(_)));
        assert!(matches!(judge("1.55 %"), Relation::Missed(..)));
    }
}
