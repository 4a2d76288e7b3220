//! Unknown whole numbers, and what they must meet: linear rows, and averages of quotients.

use super::figure::{Exact, Interval, fraction, whole};
use num_traits::{ToPrimitive, Zero};
use std::sync::OnceLock;

/// A sum of unknowns, each times a whole number.
pub type Sum = Vec<(usize, i128)>;

/// low ≤ sum ≤ high.
#[derive(Debug, Clone)]
pub struct Row {
    /// The sum.
    pub terms: Sum,
    /// Its least value.
    pub low: Option<i128>,
    /// Its largest value.
    pub high: Option<i128>,
}

/// One quotient of an average.
#[derive(Debug, Clone)]
pub struct Quotient {
    /// The unknown that it counts by; `None` if it counts once.
    pub weight: Option<usize>,
    /// Above the line.
    pub numerator: Sum,
    /// Below the line.
    pub denominator: Sum,
    /// Its value where nothing is below the line.
    pub zero: Option<Exact>,
    /// Bounds that it is known to keep, in parts of [`SCALE`], rounded outwards.
    pub(super) known: (i128, i128),
}

/// A sum of quotients, divided by a number, in an interval.
#[derive(Debug, Clone)]
pub struct Average {
    /// The quotients.
    pub parts: Vec<Quotient>,
    /// What their sum is divided by.
    pub divisor: i128,
    /// Where the average lies.
    pub interval: Interval,
    /// Where the sum lies in parts of [`SCALE`], rounded inwards; nothing of an end that is too
    /// large.
    pub(super) ends: (Option<i128>, Option<i128>),
}

/// Unknown whole numbers within bounds, and what they must meet.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// Names, for messages.
    pub names: Vec<String>,
    /// Bounds of each unknown.
    pub bounds: Vec<(i128, i128)>,
    /// Linear rows.
    pub rows: Vec<Row>,
    /// Averages.
    pub averages: Vec<Average>,
    /// Unknowns that hang together, such as the three counts of a class.
    pub groups: Vec<Vec<usize>>,
    /// A point to walk from first, if there is a likely one.
    pub start: Option<Vec<f64>>,
    /// Where unknowns stand in rows.
    pub(super) index: OnceLock<RowIndex>,
}

/// Where unknowns stand in rows, and how large these become.
#[derive(Debug, Clone)]
pub(super) struct RowIndex {
    /// The rows of each unknown.
    pub(super) rows_of: Vec<Vec<usize>>,
    /// Whether all sums of a row's terms within the problem's bounds, and its ends, fit into 64 bits.
    pub(super) is_small: Vec<bool>,
}

/// Bounds of each unknown.
pub(super) type Bounds = Vec<(i128, i128)>;

/// Quotients are bounded to so many parts of one.
pub(super) const SCALE: i128 = 1_000_000_000_000_000_000;

impl Problem {
    /// Another unknown, within bounds.
    pub fn unknown(&mut self, name: impl Into<String>, low: i128, high: i128) -> usize {
        self.names.push(name.into());
        self.bounds.push((low, high));
        self.index.take();
        self.bounds.len() - 1
    }

    /// Another row.
    pub fn row(&mut self, terms: Sum, low: Option<i128>, high: Option<i128>) {
        self.rows.push(Row { terms: merged(terms), low, high });
        self.index.take();
    }

    /// That a quotient of sums is in an interval, below the line being above nought: two rows.
    ///
    /// # Errors
    /// If an end of the interval has more digits than the rows can hold.
    pub fn quotient(
        &mut self,
        numerator: &Sum,
        denominator: &Sum,
        interval: &Interval,
    ) -> Result<(), String> {
        let whole_end = |end: &Exact| {
            let (n, d) = (end.numer().to_i128()?, end.denom().to_i128()?);
            (d <= 1 << 60 && n.abs() <= 1 << 62).then_some((n, d))
        };
        let ends = whole_end(&interval.low).zip(whole_end(&interval.high));
        let ((ln, ld), (hn, hd)) = ends.ok_or("it has more than 17 decimals")?;
        let both = |a: i128, b: i128| {
            let mut sum: Sum = numerator.iter().map(|&(at, c)| (at, c * a)).collect();
            sum.extend(denominator.iter().map(|&(at, c)| (at, c * b)));
            merged(sum)
        };
        // ld·numerator − ln·denominator ≥ 0, or > 0.
        self.row(both(ld, -ln), Some(i128::from(!interval.low_in)), None);
        self.row(both(-hd, hn), Some(i128::from(!interval.high_in)), None);
        Ok(())
    }

    pub(super) fn index(&self) -> &RowIndex {
        // A sum and what it is compared with may both be so large.
        const SMALL: i128 = 1 << 61;
        self.index.get_or_init(|| {
            let mut rows_of = vec![Vec::new(); self.bounds.len()];
            let mut is_small = Vec::with_capacity(self.rows.len());
            for (number, row) in self.rows.iter().enumerate() {
                row.terms.iter().for_each(|&(at, _)| rows_of[at].push(number));
                let most = row.terms.iter().try_fold(0_i128, |sum, &(at, c)| {
                    let (low, high) = self.bounds[at];
                    let size = low.checked_abs()?.max(high.checked_abs()?);
                    sum.checked_add(c.checked_abs()?.checked_mul(size)?)
                });
                let is_end =
                    |end: Option<i128>| end.is_none_or(|end| (-SMALL..=SMALL).contains(&end));
                let factors = row.terms.iter().all(|(_, c)| (-SMALL..=SMALL).contains(c));
                let fits = most.is_some_and(|most| most <= SMALL) && factors;
                is_small.push(fits && is_end(row.low) && is_end(row.high));
            }
            RowIndex { rows_of, is_small }
        })
    }

    /// Whether numbers meet every bound, row and average, in exact arithmetic.
    pub fn is_met_by(&self, values: &[i128]) -> bool {
        let within = |(value, (low, high)): (&i128, &(i128, i128))| low <= value && value <= high;
        values.iter().zip(&self.bounds).all(within)
            && self.rows.iter().all(|row| {
                let value = sum_of(&row.terms, values);
                row.low.is_none_or(|low| value >= low) && row.high.is_none_or(|high| value <= high)
            })
            && self.averages.iter().all(|average| average.is_met_by(values))
    }
}

impl Quotient {
    /// A quotient that counts by an unknown, or once, and is known to keep an interval.
    pub fn new(
        weight: Option<usize>,
        (numerator, denominator): (Sum, Sum),
        zero: Option<Exact>,
        known: &Interval,
    ) -> Self {
        let low = scaled(&known.low, 1, false).unwrap_or(0);
        let high = scaled(&known.high, 1, true).unwrap_or(SCALE);
        Self { weight, numerator, denominator, zero, known: (low, high) }
    }

    /// Value, weight, and what is above and below the line, in floating point.
    pub(super) fn at(&self, point: &[f64]) -> (f64, f64, f64, f64) {
        let sum = |terms: &Sum| terms.iter().map(|&(at, c)| c as f64 * point[at]).sum::<f64>();
        let (numerator, denominator) = (sum(&self.numerator), sum(&self.denominator));
        let zero = || self.zero.as_ref().and_then(ToPrimitive::to_f64).unwrap_or(0.0);
        let value = if denominator.abs() < 0.5 { zero() } else { numerator / denominator };
        (value, self.weight.map_or(1.0, |at| point[at]), numerator, denominator)
    }

    /// What it adds to its average's sum, in floating point.
    pub(super) fn adds(&self, values: &[i128]) -> f64 {
        let (n, d) = (sum_of(&self.numerator, values), sum_of(&self.denominator, values));
        let value = match d {
            0 => self.zero.as_ref().and_then(ToPrimitive::to_f64).unwrap_or(0.0),
            _ => n as f64 / d as f64,
        };
        self.weight.map_or(value, |at| values[at] as f64 * value)
    }

    fn exact(&self, values: &[i128]) -> Option<Exact> {
        let (numerator, denominator) =
            (sum_of(&self.numerator, values), sum_of(&self.denominator, values));
        if denominator == 0 {
            // Of no weight, it need not have a value.
            let nothing = self.weight.is_some_and(|at| values[at] == 0);
            return self.zero.clone().or_else(|| nothing.then(Exact::zero));
        }
        Some(fraction(numerator, denominator))
    }
}

impl Average {
    /// The sum of quotients, divided by a number, in an interval.
    pub fn new(parts: Vec<Quotient>, divisor: i128, interval: Interval) -> Self {
        let ends = (scaled(&interval.low, divisor, true), scaled(&interval.high, divisor, false));
        Self { parts, divisor, interval, ends }
    }

    fn is_met_by(&self, values: &[i128]) -> bool {
        let mut total = Exact::zero();
        for part in &self.parts {
            let Some(value) = part.exact(values) else { return false };
            total += match part.weight {
                Some(at) => value * whole(values[at]),
                None => value,
            };
        }
        self.interval.contains(&(total / whole(self.divisor)))
    }
}

pub(super) fn sum_of(terms: &Sum, values: &[i128]) -> i128 {
    terms.iter().map(|&(at, c)| c * values[at]).sum()
}

/// Each unknown once.
pub fn merged(mut sum: Sum) -> Sum {
    sum.sort_unstable_by_key(|(at, _)| *at);
    let mut out: Sum = Vec::with_capacity(sum.len());
    for (at, c) in sum {
        match out.last_mut() {
            Some((last, total)) if *last == at => *total += c,
            _ => out.push((at, c)),
        }
    }
    out.retain(|(_, c)| *c != 0);
    out
}

/// a / b rounded down, b of either sign.
pub(super) fn floor_div(a: i128, b: i128) -> i128 {
    if b > 0 { a.div_euclid(b) } else { (-a).div_euclid(-b) }
}

/// a / b rounded up, b of either sign.
pub(super) fn ceil_div(a: i128, b: i128) -> i128 {
    -floor_div(-a, b)
}

pub(super) fn range_of(terms: &Sum, bounds: &Bounds) -> (i128, i128) {
    terms.iter().fold((0, 0), |(least, most), &(at, c)| {
        let (low, high) = bounds[at];
        let (a, b) = if c > 0 { (c * low, c * high) } else { (c * high, c * low) };
        (least + a, most + b)
    })
}

/// An end in whole parts of [`SCALE`] times so many.
fn scaled(end: &Exact, times: i128, up: bool) -> Option<i128> {
    let scaled = end * whole(SCALE) * whole(times);
    let scaled = if up { scaled.ceil() } else { scaled.floor() };
    scaled.to_integer().to_i128()
}
