//! A walk from a likely point to whole numbers that meet all rows and averages.

use super::figure::Exact;
use super::problem::{Bounds, Problem, Row, sum_of};
use num_traits::ToPrimitive;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

impl Problem {
    /// A walk from a hint by single steps and exchanges, towards fewer and smaller misses.
    pub(super) fn walk(&self, bounds: &Bounds, hint: &[f64], moves: u64) -> Option<Vec<i128>> {
        const ROUNDS: u64 = 4;
        let free: Vec<usize> =
            (0..bounds.len()).filter(|&at| bounds[at].0 < bounds[at].1).collect();
        if free.is_empty() {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for round in 0..ROUNDS {
            let mut values: Vec<i128> = hint
                .iter()
                .zip(bounds)
                .map(|(&hint, &(low, high))| (hint.round() as i128).clamp(low, high))
                .collect();
            if round > 0 {
                for &at in &free {
                    let (low, high) = bounds[at];
                    let span = ((high - low) as f64 * 0.05 * round as f64).max(1.0) as i128;
                    let moved = values[at] + rng.random_range(-span..=span);
                    values[at] = moved.clamp(low, high);
                }
            }
            let mut walker = Walker::new(self, values);
            let mut heat = 0.5_f64;
            for step in 0..moves / ROUNDS {
                if walker.is_there() && self.is_met_by(&walker.values) {
                    return Some(walker.values);
                }
                if step % 1000 == 999 {
                    heat *= 0.97;
                    walker.settle();
                }
                let reach = if rng.random_bool(0.8) { 1 } else { 1 + rng.random_range(0..8_i128) };
                let sign = if rng.random_bool(0.5) { reach } else { -reach };
                let steps = [1, 2, 2, 4][rng.random_range(0..4)];
                let change: Vec<(usize, i128)> = (0..steps)
                    .map(|i| {
                        let at = free[rng.random_range(0..free.len())];
                        (at, if i % 2 == 0 { sign } else { -sign })
                    })
                    .collect();
                let chance: f64 = rng.random();
                walker.step(&change, bounds, heat, chance);
            }
        }
        None
    }
}

/// Numbers on their way, with what each row and average misses.
struct Walker<'a> {
    problem: &'a Problem,
    values: Vec<i128>,
    /// Rows of each unknown, with its factor there.
    rows_of: Vec<Vec<(usize, i128)>>,
    /// Quotients of each unknown: the average's place and the quotient's.
    parts_of: Vec<Vec<(usize, usize)>>,
    scales: Vec<f64>,
    sums: Vec<i128>,
    /// What each quotient adds to its average.
    parts: Vec<Vec<f64>>,
    averages: Vec<f64>,
    ends: Vec<(f64, f64)>,
    rows_miss: f64,
    averages_miss: f64,
}

impl<'a> Walker<'a> {
    fn new(problem: &'a Problem, values: Vec<i128>) -> Self {
        let unknowns = values.len();
        let (mut rows_of, mut parts_of) = (vec![Vec::new(); unknowns], vec![Vec::new(); unknowns]);
        for (number, row) in problem.rows.iter().enumerate() {
            for &(at, c) in &row.terms {
                rows_of[at].push((number, c));
            }
        }
        for (number, average) in problem.averages.iter().enumerate() {
            for (place, part) in average.parts.iter().enumerate() {
                let weight = part.weight.map(|at| (at, 1));
                let mut of: Vec<usize> = part
                    .numerator
                    .iter()
                    .chain(&part.denominator)
                    .chain(&weight)
                    .map(|(at, _)| *at)
                    .collect();
                of.sort_unstable();
                of.dedup();
                of.into_iter().for_each(|at| parts_of[at].push((number, place)));
            }
        }
        let scale =
            |row: &Row| row.terms.iter().map(|(_, c)| c.abs()).max().unwrap_or(1).max(1) as f64;
        let end = |end: &Exact, divisor: i128| end.to_f64().unwrap_or(0.0) * divisor as f64;
        let mut walker = Self {
            problem,
            values,
            rows_of,
            parts_of,
            scales: problem.rows.iter().map(scale).collect(),
            sums: Vec::new(),
            parts: Vec::new(),
            averages: Vec::new(),
            ends: problem
                .averages
                .iter()
                .map(|a| (end(&a.interval.low, a.divisor), end(&a.interval.high, a.divisor)))
                .collect(),
            rows_miss: 0.0,
            averages_miss: 0.0,
        };
        walker.settle();
        walker
    }

    /// Everything computed anew, so that no rounding gathers.
    fn settle(&mut self) {
        let problem = self.problem;
        self.sums = problem.rows.iter().map(|row| sum_of(&row.terms, &self.values)).collect();
        self.parts = problem
            .averages
            .iter()
            .map(|average| average.parts.iter().map(|part| part.adds(&self.values)).collect())
            .collect();
        self.averages = self.parts.iter().map(|parts: &Vec<f64>| parts.iter().sum()).collect();
        self.rows_miss = (0..self.sums.len()).map(|n| self.row_miss(n, self.sums[n])).sum();
        self.averages_miss = (0..self.averages.len()).map(|n| self.miss(n, self.averages[n])).sum();
    }

    fn is_there(&self) -> bool {
        self.rows_miss <= 1e-9 && self.averages_miss <= 1e-9
    }

    fn row_miss(&self, number: usize, value: i128) -> f64 {
        let row = &self.problem.rows[number];
        let under = row.low.map_or(0, |low| (low - value).max(0));
        let over = row.high.map_or(0, |high| (value - high).max(0));
        under.max(over) as f64 / self.scales[number]
    }

    /// How far an average's sum misses its interval, in widths of it.
    fn miss(&self, number: usize, value: f64) -> f64 {
        let (low, high) = self.ends[number];
        let miss = (low - value).max(value - high).max(0.0);
        4.0 * miss / (high - low).max(1e-9)
    }

    /// Tries a change: kept if it does not miss by more, or by chance while it is hot.
    fn step(&mut self, change: &[(usize, i128)], bounds: &Bounds, heat: f64, chance: f64) {
        for (done, &(at, by)) in change.iter().enumerate() {
            self.values[at] += by;
            if self.values[at] < bounds[at].0 || self.values[at] > bounds[at].1 {
                change[..=done].iter().for_each(|&(at, by)| self.values[at] -= by);
                return;
            }
        }
        let mut rows: Vec<(usize, i128)> = Vec::with_capacity(32);
        let mut parts: Vec<(usize, usize)> = Vec::new();
        for &(at, by) in change {
            for &(number, c) in &self.rows_of[at] {
                match rows.iter_mut().find(|(n, _)| *n == number) {
                    Some((_, delta)) => *delta += c * by,
                    None => rows.push((number, c * by)),
                }
            }
            parts.extend(&self.parts_of[at]);
        }
        parts.sort_unstable();
        parts.dedup();
        let mut gain: f64 = rows
            .iter()
            .map(|&(n, by)| self.row_miss(n, self.sums[n] + by) - self.row_miss(n, self.sums[n]))
            .sum();
        let rows_gain = gain;
        let mut new_parts: Vec<f64> = Vec::with_capacity(parts.len());
        let mut averages: Vec<(usize, f64)> = Vec::new();
        for &(number, place) in &parts {
            let adds = self.problem.averages[number].parts[place].adds(&self.values);
            new_parts.push(adds);
            let delta = adds - self.parts[number][place];
            match averages.last_mut() {
                Some((last, sum)) if *last == number => *sum += delta,
                _ => averages.push((number, delta)),
            }
        }
        for &(number, delta) in &averages {
            let before = self.averages[number];
            gain += self.miss(number, before + delta) - self.miss(number, before);
        }
        if gain > 0.0 && chance >= (-gain / heat.max(1e-6)).exp() {
            change.iter().for_each(|&(at, by)| self.values[at] -= by);
            return;
        }
        rows.iter().for_each(|&(number, by)| self.sums[number] += by);
        for (&(number, place), &adds) in parts.iter().zip(&new_parts) {
            self.parts[number][place] = adds;
        }
        averages.iter().for_each(|&(number, delta)| self.averages[number] += delta);
        self.rows_miss = (self.rows_miss + rows_gain).max(0.0);
        self.averages_miss = (self.averages_miss + gain - rows_gain).max(0.0);
    }
}
