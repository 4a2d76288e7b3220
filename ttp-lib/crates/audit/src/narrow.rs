//! Bounds of unknown numbers narrowed by rows and by averages: what is left out is impossible.

use super::problem::{
    Average, Bounds, Problem, Quotient, Row, RowIndex, SCALE, Sum, ceil_div, floor_div, merged,
    range_of,
};
use num_integer::Integer;

/// Bounds are narrowed in as many rounds.
const ROUNDS: usize = 200;

impl Problem {
    /// Narrows bounds by every row until nothing changes; `false` if nothing is left.
    pub(super) fn propagate(&self, bounds: &mut Bounds) -> bool {
        self.narrow(bounds, None).is_some()
    }

    /// The same; of bounds of which nothing could be narrowed before one unknown's `changed`, only
    /// the rows that hang on it are looked at. Nothing if nothing is left, else whether no row can
    /// narrow any more.
    pub(super) fn narrow(&self, bounds: &mut Bounds, changed: Option<usize>) -> Option<bool> {
        let RowIndex { rows_of, is_small } = self.index();
        // A row can narrow anew only once bounds of its unknowns have changed.
        let mut due = vec![changed.is_none(); self.rows.len()];
        if let Some(at) = changed {
            rows_of[at].iter().for_each(|&row| due[row] = true);
        }
        let mut settled = false;
        for _ in 0..ROUNDS {
            settled = true;
            for (number, row) in self.rows.iter().enumerate() {
                if std::mem::take(&mut due[number]) {
                    let mut moved = |at: usize| {
                        settled = false;
                        rows_of[at].iter().for_each(|&other| due[other] = true);
                    };
                    let possible = match is_small[number] {
                        true => row.narrow::<i64>(bounds, &mut moved),
                        false => row.narrow::<i128>(bounds, &mut moved),
                    };
                    if !possible {
                        return None;
                    }
                }
            }
            if settled {
                break;
            }
        }
        let may_be = self.averages.iter().all(|average| average.may_be_met(bounds));
        may_be.then_some(settled)
    }

    /// Narrows bounds, `settled` by the rows or not, by what averages leave of their quotients, too.
    /// Nothing if nothing is left, else whether no row can narrow any more.
    pub(super) fn squeeze(&self, bounds: &mut Bounds, mut settled: bool) -> Option<bool> {
        for _ in 0..ROUNDS {
            let mut changed = false;
            for average in &self.averages {
                for row in average.rows(bounds) {
                    if !row.narrow::<i128>(bounds, &mut |_| changed = true) {
                        return None;
                    }
                }
            }
            if !changed {
                return Some(settled);
            }
            settled = self.narrow(bounds, None)?;
        }
        Some(false)
    }
}

/// Whole numbers that a row is counted in.
trait Count: Integer + Copy {
    /// A number that is known to fit.
    fn of(number: i128) -> Self;
    fn wide(self) -> i128;
}

impl Count for i64 {
    fn of(number: i128) -> Self {
        number as Self
    }

    fn wide(self) -> i128 {
        self.into()
    }
}

impl Count for i128 {
    fn of(number: i128) -> Self {
        number
    }

    fn wide(self) -> i128 {
        self
    }
}

impl Row {
    /// Narrows bounds, and says which unknowns' have `moved`; `false` if nothing is left. All sums of
    /// its terms within the bounds must fit into the numbers that are counted in.
    fn narrow<N: Count>(&self, bounds: &mut Bounds, moved: &mut dyn FnMut(usize)) -> bool {
        // What a term is at least and at most.
        let ends = |c: N, (low, high): (N, N)| {
            if c > N::zero() { (c * low, c * high) } else { (c * high, c * low) }
        };
        let within = |bounds: &Bounds, at: usize| (N::of(bounds[at].0), N::of(bounds[at].1));
        let (mut least, mut most) = (N::zero(), N::zero());
        for &(at, c) in &self.terms {
            let (a, b) = ends(N::of(c), within(bounds, at));
            (least, most) = (least + a, most + b);
        }
        let (row_low, row_high) = (self.low.map(N::of), self.high.map(N::of));
        if row_high.is_some_and(|high| least > high) || row_low.is_some_and(|low| most < low) {
            return false;
        }
        if row_high.is_none_or(|high| most <= high) && row_low.is_none_or(|low| least >= low) {
            return true;
        }
        for &(at, c) in &self.terms {
            let (low, high) = within(bounds, at);
            let c = N::of(c);
            let (mine_least, mine_most) = ends(c, (low, high));
            let (mut new_low, mut new_high) = (low, high);
            if let Some(high) = row_high {
                // c·x ≤ high − the least of the others.
                let room = high - (least - mine_least);
                if c > N::zero() {
                    new_high = new_high.min(room.div_floor(&c));
                } else {
                    new_low = new_low.max(room.div_ceil(&c));
                }
            }
            if let Some(low) = row_low {
                let room = low - (most - mine_most);
                if c > N::zero() {
                    new_low = new_low.max(room.div_ceil(&c));
                } else {
                    new_high = new_high.min(room.div_floor(&c));
                }
            }
            if new_low > new_high {
                return false;
            }
            if (new_low, new_high) != (low, high) {
                bounds[at] = (new_low.wide(), new_high.wide());
                moved(at);
                // The row's own ends move with it.
                let (a, b) = ends(c, (new_low, new_high));
                least = least + a - mine_least;
                most = most + b - mine_most;
            }
        }
        true
    }
}

impl Quotient {
    /// Bounds of the value in parts of [`SCALE`], rounded outwards.
    fn bounds(&self, bounds: &Bounds) -> (i128, i128) {
        let (mut low, mut high) = self.known;
        let (numerator, denominator) =
            (range_of(&self.numerator, bounds), range_of(&self.denominator, bounds));
        if denominator.0 > 0 && numerator.0 >= 0 {
            low = low.max((numerator.0 * SCALE).div_euclid(denominator.1));
            high = high.min(ceil_div(numerator.1 * SCALE, denominator.0));
        }
        (low, high)
    }
}

impl Average {
    /// What a quotient adds to the sum, in parts of [`SCALE`]: least and most.
    fn adds(part: &Quotient, bounds: &Bounds) -> (i128, i128) {
        let (low, high) = part.bounds(bounds);
        let (light, heavy) = part.weight.map_or((1, 1), |at| bounds[at]);
        (low * if low >= 0 { light } else { heavy }, high * heavy)
    }

    /// Whether bounds leave it possible; `false` is a proof.
    fn may_be_met(&self, bounds: &Bounds) -> bool {
        let (mut least, mut most) = (0_i128, 0_i128);
        for part in &self.parts {
            let (low, high) = Self::adds(part, bounds);
            least += low;
            most += high;
        }
        self.ends.0.is_none_or(|low| most >= low) && self.ends.1.is_none_or(|high| least <= high)
    }

    /// What the other quotients leave of each one whose weight is known and that is no division by
    /// nought, as rows: that what is above the line is so large a part of what is below it.
    fn rows(&self, bounds: &Bounds) -> Vec<Row> {
        // So that products stay within 128 bits.
        const FINE: i128 = 1_000_000_000_000;
        const MOST: i128 = 1 << 40;
        let adds: Vec<(i128, i128)> =
            self.parts.iter().map(|part| Self::adds(part, bounds)).collect();
        let least: i128 = adds.iter().map(|(low, _)| low).sum();
        let most: i128 = adds.iter().map(|(_, high)| high).sum();
        let mut rows = Vec::new();
        for (part, (low, high)) in self.parts.iter().zip(adds) {
            let weight = part.weight.map_or((1, 1), |at| bounds[at]);
            let below = range_of(&part.denominator, bounds);
            let above = range_of(&part.numerator, bounds);
            if weight.0 != weight.1 || weight.0 <= 0 || below.0 <= 0 || below.1.max(above.1) > MOST
            {
                continue;
            }
            // The ends were rounded inwards: one part further out nothing is lost.
            let grain = weight.0 * (SCALE / FINE);
            let from = self.ends.0.map(|end| floor_div(end - 1 - (most - high), grain));
            let to = self.ends.1.map(|end| ceil_div(end + 1 - (least - low), grain));
            let mut row = |end: Option<i128>, sign: i128| {
                let Some(end) = end.filter(|end| end.abs() <= 2 * FINE) else { return };
                // FINE · numerator − end · denominator ≥ 0, or ≤ 0.
                let mut terms: Sum =
                    part.numerator.iter().map(|&(at, c)| (at, sign * FINE * c)).collect();
                terms.extend(part.denominator.iter().map(|&(at, c)| (at, -sign * end * c)));
                rows.push(Row { terms: merged(terms), low: Some(0), high: None });
            };
            row(from, 1);
            row(to, -1);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Exact, Interval, fraction};
    use num_traits::{One, Zero};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Four numbers from 0 to 4 with three rows, and the mean of a / (a + b) and c / (c + d).
    fn random_problem(rng: &mut ChaCha8Rng) -> Problem {
        let mut problem = Problem::default();
        for name in ["a", "b", "c", "d"] {
            problem.unknown(name, 0, 4);
        }
        for _ in 0..3 {
            let terms: Sum = (0..4).map(|at| (at, rng.random_range(-3..=3))).collect();
            let low = rng.random_range(-6..=6);
            let high =
                if rng.random_bool(0.5) { Some(low + rng.random_range(0..=6)) } else { None };
            problem.row(terms, Some(low), high);
        }
        let unit = Interval::closed(Exact::zero(), Exact::one());
        let quotient = |above: usize, below: usize| {
            let sums = (vec![(above, 1)], vec![(above, 1), (below, 1)]);
            Quotient::new(None, sums, Some(Exact::zero()), &unit)
        };
        let low = fraction(rng.random_range(0..=9), 10);
        let interval = Interval::closed(low.clone(), low + fraction(1, 10));
        problem.averages.push(Average::new(vec![quotient(0, 1), quotient(2, 3)], 2, interval));
        problem
    }

    #[test]
    fn what_meets_everything_is_never_cut_off() {
        let mut rng = ChaCha8Rng::seed_from_u64(31);
        let (mut narrower, mut met) = (0, 0);
        for case in 0..200 {
            let problem = random_problem(&mut rng);
            // Row by row, until nothing changes.
            let mut plain = problem.bounds.clone();
            let mut possible = true;
            loop {
                let before = plain.clone();
                possible &=
                    problem.rows.iter().all(|row| row.narrow::<i128>(&mut plain, &mut |_| ()));
                if !possible || before == plain {
                    break;
                }
            }
            possible &= problem.averages.iter().all(|average| average.may_be_met(&plain));
            let mut bounds = problem.bounds.clone();
            assert!(problem.index().is_small.iter().all(|small| *small));
            assert_eq!(problem.narrow(&mut bounds, None), possible.then_some(true), "{case}");
            let mut squeezed = bounds.clone();
            if possible {
                assert_eq!(bounds, plain, "{case}");
                // One number changed: only what hangs on it is looked at.
                if let Some(at) = (0..4).find(|&at| bounds[at].0 < bounds[at].1) {
                    let (mut one, mut all) = (bounds.clone(), bounds.clone());
                    (one[at].1, all[at].1) = (one[at].0, all[at].0);
                    let found = problem.narrow(&mut one, Some(at));
                    assert_eq!(found, problem.narrow(&mut all, None), "{case}");
                    assert!(found.is_none() || one == all, "{case}: {one:?}, {all:?}");
                }
                possible = problem.squeeze(&mut squeezed, true).is_some();
                narrower += u32::from(!possible || squeezed != bounds);
            }
            for number in 0..625 {
                let values = [1, 5, 25, 125].map(|place| number / place % 5);
                if problem.is_met_by(&values) {
                    met += 1;
                    let within = values.iter().zip(&squeezed).all(|(v, (l, h))| l <= v && v <= h);
                    assert!(possible && within, "{case}: {values:?} of {squeezed:?}");
                }
            }
        }
        assert!(narrower >= 10 && met > 200, "{narrower} {met}");
    }
}
