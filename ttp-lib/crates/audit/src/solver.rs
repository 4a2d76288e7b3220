//! Whole numbers that meet linear rows and averages of quotients.
//!
//! What is said to be impossible is proven in whole numbers: by bounds alone, by a
//! certificate (a sum of rows that no numbers within the bounds can meet), or by a search
//! that looked at everything. What is said to be possible comes with numbers that were put
//! into every row again. The linear program in floating point, by microlp, only says where
//! to look and which rows to add up.

use super::figure::{Exact, Interval, whole};
use microlp::{ComparisonOp, OptimizationDirection, SolveOutcome};
use num_integer::Integer;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cell::OnceCell;

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
    known: (i128, i128),
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
    ends: (Option<i128>, Option<i128>),
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
    /// The rows of each unknown.
    rows_of: OnceCell<Vec<Vec<usize>>>,
}

/// What was found out about a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These numbers meet everything.
    Possible(Vec<i128>),
    /// Nothing does: proven.
    Impossible,
    /// Not found out within the work that was allowed.
    Unknown,
}

/// How much work a problem may take. Counted, not timed: an answer does not hang on the clock.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Nodes of the search.
    pub nodes: u64,
    /// Moves of the walk that looks for numbers.
    pub moves: u64,
}

impl Default for Work {
    fn default() -> Self {
        Self { nodes: 3_000, moves: 120_000 }
    }
}

pub(super) type Bounds = Vec<(i128, i128)>;
/// Quotients are bounded to so many parts of one.
const SCALE: i128 = 1_000_000_000_000_000_000;
/// So few unknowns are looked at by halves.
const FEW: usize = 3;
/// Of no more unknowns than these, and no more of them open, a search of so many nodes comes before
/// a walk, and one of more nodes after a short walk.
const CLOSE: (usize, usize) = (50, 20);
const EARLY: (u64, u64) = (200, 4_000);
/// Bounds are narrowed in as many rounds.
const ROUNDS: usize = 200;

impl Problem {
    /// Another unknown, within bounds.
    pub fn unknown(&mut self, name: impl Into<String>, low: i128, high: i128) -> usize {
        self.names.push(name.into());
        self.bounds.push((low, high));
        self.rows_of.take();
        self.bounds.len() - 1
    }

    /// Another row.
    pub fn row(&mut self, terms: Sum, low: Option<i128>, high: Option<i128>) {
        self.rows.push(Row { terms: merged(terms), low, high });
        self.rows_of.take();
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

    /// Whether bounds alone leave one number of each unknown.
    pub(super) fn is_pinned(&self) -> bool {
        let mut bounds = self.bounds.clone();
        self.propagate(&mut bounds) && fixed(&bounds).is_some()
    }

    /// Looks for numbers that meet everything, or for a proof that none do.
    pub fn solve(&self, work: Work) -> Answer {
        let mut bounds = self.bounds.clone();
        if !self.propagate(&mut bounds) {
            return Answer::Impossible;
        }
        match self.tightened(&bounds) {
            Some(tight) => tight.solve_within(bounds, work),
            None => self.solve_within(bounds, work),
        }
    }

    /// The same problem with rows that whole numbers tighten: what is fixed is taken out of a row,
    /// the rest divided by its common divisor, and the row's bounds rounded inwards. `None` if
    /// nothing is won by it.
    fn tightened(&self, bounds: &Bounds) -> Option<Self> {
        let mut rows = Vec::new();
        for row in &self.rows {
            let is_fixed = |at: usize| bounds[at].0 == bounds[at].1;
            let (known, terms): (Sum, Sum) = row.terms.iter().partition(|(at, _)| is_fixed(*at));
            let constant: i128 = known.iter().map(|&(at, factor)| factor * bounds[at].0).sum();
            let divisor = terms.iter().fold(0_i128, |divisor, (_, factor)| divisor.gcd(factor));
            if divisor > 1 {
                let low = row.low.map(|low| ceil_div(low - constant, divisor));
                let high = row.high.map(|high| floor_div(high - constant, divisor));
                let won = |exact: i128, whole: Option<i128>, end: Option<i128>| {
                    whole.zip(end).is_some_and(|(whole, end)| whole * exact + constant != end)
                };
                if won(divisor, low, row.low) || won(divisor, high, row.high) {
                    let terms = terms.iter().map(|&(at, factor)| (at, factor / divisor)).collect();
                    rows.push(Row { terms, low, high });
                }
            }
        }
        if rows.is_empty() {
            return None;
        }
        let mut tight = self.clone();
        tight.rows.extend(rows);
        tight.rows_of.take();
        Some(tight)
    }

    fn solve_within(&self, bounds: Bounds, work: Work) -> Answer {
        if let Some(values) = fixed(&bounds) {
            return if self.is_met_by(&values) {
                Answer::Possible(values)
            } else {
                Answer::Impossible
            };
        }
        let room = bounds.iter().map(|(low, high)| ((high - low + 1) as f64).log2()).sum::<f64>();
        let few = bounds.iter().filter(|(low, high)| low < high).count() <= FEW;
        if room < 14.0 || few {
            // So few numbers that looking at all is quicker than anything else.
            let mut nodes = if few { work.nodes.max(400) } else { work.nodes };
            let middle = middle(&bounds);
            match self.search(bounds.clone(), &middle, &mut nodes, false) {
                Answer::Unknown => {}
                answer => return answer,
            }
        }
        let hint = match self.relaxed(&bounds) {
            Relaxed::Impossible => return Answer::Impossible,
            Relaxed::Point(point) => point,
            Relaxed::Unknown => middle(&bounds),
        };
        // What whole numbers cannot meet is seen by looking at all, and never by a walk.
        if work.moves >= Work::default().moves && self.is_close(&bounds) {
            let mut nodes = EARLY.0;
            match self.search(bounds.clone(), &hint, &mut nodes, true) {
                Answer::Unknown => {}
                answer => return answer,
            }
            let start = self.start.as_ref().unwrap_or(&hint);
            if let Some(values) = self.walk(&bounds, start, work.moves / 10) {
                return Answer::Possible(values);
            }
            nodes = EARLY.1;
            match self.search(bounds.clone(), &hint, &mut nodes, true) {
                Answer::Unknown => {}
                answer => return answer,
            }
        }
        if let Some(start) = &self.start
            && let Some(values) = self.walk(&bounds, start, work.moves)
        {
            return Answer::Possible(values);
        }
        // A few moves are often enough; else group by group; else more moves.
        if let Some(values) = self.walk(&bounds, &hint, work.moves / 10) {
            return Answer::Possible(values);
        }
        if work.moves > 0
            && self.rows.len() > 4 * self.groups.len() + 2
            && !self.groups.is_empty()
            && let Some(values) = self.dive(&bounds, &hint)
        {
            return Answer::Possible(values);
        }
        if let Some(values) = self.walk(&bounds, &hint, work.moves) {
            return Answer::Possible(values);
        }
        // Of few unknowns a node is quick, and looking at all of them within reach.
        let mut nodes = if bounds.len() <= 20 { 200 * work.nodes } else { work.nodes };
        self.search(bounds, &hint, &mut nodes, false)
    }

    /// Whether the counts of classes are so few that looking at all is likely to end.
    fn is_close(&self, bounds: &Bounds) -> bool {
        let open = bounds.iter().filter(|(low, high)| low < high).count();
        !self.groups.is_empty() && bounds.len() <= CLOSE.0 && open <= CLOSE.1
    }

    /// Narrows bounds by every row until nothing changes; `false` if nothing is left.
    pub(super) fn propagate(&self, bounds: &mut Bounds) -> bool {
        self.narrow(bounds, None).is_some()
    }

    /// The same; of bounds of which nothing could be narrowed before one unknown's `changed`, only
    /// the rows that hang on it are looked at. Nothing if nothing is left, else whether no row can
    /// narrow any more.
    fn narrow(&self, bounds: &mut Bounds, changed: Option<usize>) -> Option<bool> {
        let rows_of = self.rows_of.get_or_init(|| {
            let mut rows_of = vec![Vec::new(); self.bounds.len()];
            for (number, row) in self.rows.iter().enumerate() {
                row.terms.iter().for_each(|&(at, _)| rows_of[at].push(number));
            }
            rows_of
        });
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
                    if !row.narrow(bounds, &mut moved) {
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
    fn squeeze(&self, bounds: &mut Bounds, mut settled: bool) -> Option<bool> {
        for _ in 0..ROUNDS {
            let mut changed = false;
            for average in &self.averages {
                for row in average.rows(bounds) {
                    if !row.narrow(bounds, &mut |_| changed = true) {
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

    /// Looks at everything within bounds, nearest to a hint first; `squeezed` by the averages, too.
    fn search(&self, bounds: Bounds, hint: &[f64], nodes: &mut u64, squeezed: bool) -> Answer {
        // Bounds, and which unknown's were changed since nothing could be narrowed.
        let mut open_parts: Vec<(Bounds, Option<usize>)> = vec![(bounds, None)];
        while let Some((mut bounds, changed)) = open_parts.pop() {
            if *nodes == 0 {
                return Answer::Unknown;
            }
            *nodes -= 1;
            let mut narrowed = self.narrow(&mut bounds, changed);
            if squeezed {
                narrowed = narrowed.and_then(|settled| self.squeeze(&mut bounds, settled));
            }
            let Some(settled) = narrowed else { continue };
            let narrowest = (0..bounds.len())
                .filter(|&at| bounds[at].0 < bounds[at].1)
                .min_by_key(|&at| bounds[at].1 - bounds[at].0);
            let Some(at) = narrowest else {
                let values: Vec<i128> = bounds.iter().map(|(low, _)| *low).collect();
                if self.is_met_by(&values) {
                    return Answer::Possible(values);
                }
                continue;
            };
            let (low, high) = bounds[at];
            let value = (hint[at].round() as i128).clamp(low, high);
            let open = bounds.iter().filter(|(low, high)| low < high).count();
            if open <= FEW && high - low > 64 {
                // Halves of few numbers are refuted as a whole; that with the hint comes first.
                let middle = low + (high - low) / 2;
                let halves = [(middle + 1, high), (low, middle)];
                let last = usize::from(value <= middle);
                for part in [halves[1 - last], halves[last]] {
                    let mut next = bounds.clone();
                    next[at] = part;
                    open_parts.push((next, settled.then_some(at)));
                }
                continue;
            }
            for part in [(value + 1, high), (low, value - 1), (value, value)] {
                if part.0 <= part.1 {
                    let mut next = bounds.clone();
                    next[at] = part;
                    open_parts.push((next, settled.then_some(at)));
                }
            }
        }
        Answer::Impossible
    }

    /// Gives one group after the other whole numbers near the linear program's, the smallest
    /// first, which have the least choice; the program is solved again after each.
    fn dive(&self, bounds: &Bounds, hint: &[f64]) -> Option<Vec<i128>> {
        let mut programs = 2 * self.groups.len() + 20;
        self.dive_from(bounds.clone(), hint, &mut programs)
    }

    fn dive_from(&self, bounds: Bounds, hint: &[f64], programs: &mut usize) -> Option<Vec<i128>> {
        let size = |group: &Vec<usize>| group.iter().map(|&at| hint[at]).sum::<f64>();
        let is_open = |group: &&Vec<usize>| group.iter().any(|&at| bounds[at].0 < bounds[at].1);
        let next = self.groups.iter().filter(is_open).min_by(|a, b| size(a).total_cmp(&size(b)));
        let Some(group) = next else {
            return match self.search(bounds, hint, &mut 200, false) {
                Answer::Possible(values) => Some(values),
                _ => None,
            };
        };
        let mut choices = Near { problem: self, group, hint, tries: 3000, found: Vec::new() };
        choices.look(bounds, false);
        for bounds in choices.found {
            if *programs == 0 {
                return None;
            }
            *programs -= 1;
            let near = (!self.averages.is_empty()).then_some(hint);
            let point = self
                .linear_program(&bounds, near)
                .or_else(|| near.and_then(|_| self.linear_program(&bounds, None)));
            let Some(point) = point else { continue };
            if let Some(values) = self.dive_from(bounds, &point, programs) {
                return Some(values);
            }
        }
        None
    }

    /// The linear program of the rows, and of the averages drawn straight near a point: a point
    /// with as much room as can be had, or a proof that there is none.
    fn relaxed(&self, bounds: &Bounds) -> Relaxed {
        let Some(mut point) = self.linear_program(bounds, None) else {
            return if self.certificate(bounds) { Relaxed::Impossible } else { Relaxed::Unknown };
        };
        if !self.averages.is_empty() {
            for _ in 0..4 {
                match self.linear_program(bounds, Some(&point)) {
                    Some(next) => point = next,
                    None => break,
                }
            }
        }
        Relaxed::Point(point)
    }

    pub(super) fn linear_program(&self, bounds: &Bounds, near: Option<&[f64]>) -> Option<Vec<f64>> {
        let mut program = microlp::Problem::new(OptimizationDirection::Maximize);
        let unknowns: Vec<_> = bounds
            .iter()
            .map(|&(low, high)| program.add_var(0.0, (low as f64, high as f64)))
            .collect();
        // Each inequality is given room beyond what it asks, up to three units of its largest
        // factor: whole numbers near such a point have somewhere to go.
        let mut add = |terms: &[(usize, f64)], low: Option<f64>, high: Option<f64>| {
            let scale = terms.iter().map(|(_, c)| c.abs()).fold(0.0, f64::max);
            if scale == 0.0 {
                return;
            }
            let sum =
                || -> Vec<_> { terms.iter().map(|&(at, c)| (unknowns[at], c / scale)).collect() };
            if let (Some(low), Some(high)) = (low, high)
                && low == high
            {
                program.add_constraint(sum(), ComparisonOp::Eq, low / scale);
                return;
            }
            let sides = [(low, ComparisonOp::Ge, -1.0), (high, ComparisonOp::Le, 1.0)];
            for (end, operator, sign) in sides {
                let Some(end) = end else { continue };
                let room = program.add_var(1.0, (0.0, 3.0));
                let mut sum = sum();
                sum.push((room, sign));
                program.add_constraint(sum, operator, end / scale);
            }
        };
        // A row of fixed numbers is met already, and would leave the others no room.
        let open = |row: &&Row| row.terms.iter().any(|&(at, _)| bounds[at].0 < bounds[at].1);
        for row in self.rows.iter().filter(open) {
            let terms: Vec<_> = row.terms.iter().map(|&(at, c)| (at, c as f64)).collect();
            add(&terms, row.low.map(|low| low as f64), row.high.map(|high| high as f64));
        }
        for average in self.averages.iter().filter(|_| near.is_some()) {
            let point = near.unwrap_or_default();
            let mut terms = vec![0.0; bounds.len()];
            let mut offset = 0.0;
            for part in &average.parts {
                let (value, weight, numerator, denominator) = part.at(point);
                if denominator < 0.5 {
                    offset += weight * value;
                    continue;
                }
                // weight · value + value · Δweight + weight · (Δnumerator − value · Δdenominator) / denominator
                if let Some(at) = part.weight {
                    terms[at] += value;
                    offset -= value * weight;
                }
                for &(at, c) in &part.numerator {
                    terms[at] += weight * c as f64 / denominator;
                }
                for &(at, c) in &part.denominator {
                    terms[at] -= weight * value * c as f64 / denominator;
                }
                offset += weight * value - weight * (numerator - value * denominator) / denominator;
            }
            let divisor = average.divisor as f64;
            let end = |end: &Exact| end.to_f64().map(|end| end * divisor - offset);
            let terms: Vec<_> = terms.into_iter().enumerate().filter(|(_, c)| *c != 0.0).collect();
            // No more room than the interval has: a tenth of it on each side.
            let (low, high) = (end(&average.interval.low)?, end(&average.interval.high)?);
            let inside = (high - low) / 10.0;
            let scale = terms.iter().map(|(_, c)| c.abs()).fold(0.0, f64::max);
            if scale > 0.0 {
                let sum = || -> Vec<_> {
                    terms.iter().map(|&(at, c)| (unknowns[at], c / scale)).collect()
                };
                program.add_constraint(sum(), ComparisonOp::Ge, (low + inside) / scale);
                program.add_constraint(sum(), ComparisonOp::Le, (high - inside) / scale);
            }
        }
        let Ok(SolveOutcome::Solution(solution)) = program.solve() else { return None };
        Some(unknowns.iter().map(|&unknown| solution.var_value(unknown)).collect())
    }

    /// Whether rows can be added up to one that no numbers within the bounds meet: Farkas'
    /// lemma. The factors come from a linear program; the sum is checked in exact numbers.
    pub(super) fn certificate(&self, bounds: &Bounds) -> bool {
        self.certified(bounds).is_some()
    }

    /// The rows that are added up, by their places; nothing if there are none such.
    pub(super) fn certified(&self, bounds: &Bounds) -> Option<Vec<usize>> {
        // Each side of a row as terms · x ≤ bound.
        let mut sides: Vec<(Vec<(usize, i128)>, i128)> = Vec::new();
        let mut rows = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            if let Some(high) = row.high {
                sides.push((row.terms.clone(), high));
                rows.push(number);
            }
            if let Some(low) = row.low {
                sides.push((row.terms.iter().map(|&(at, c)| (at, -c)).collect(), -low));
                rows.push(number);
            }
        }
        let mut program = microlp::Problem::new(OptimizationDirection::Maximize);
        let scales: Vec<f64> = sides
            .iter()
            .map(|(terms, _)| terms.iter().map(|(_, c)| c.abs()).max().unwrap_or(1).max(1) as f64)
            .collect();
        let factors: Vec<_> = sides
            .iter()
            .zip(&scales)
            .map(|((_, bound), scale)| program.add_var(-(*bound as f64) / scale, (0.0, 1.0)))
            .collect();
        let mut sums: Vec<Vec<(microlp::Variable, f64)>> = vec![Vec::new(); bounds.len()];
        for (((terms, _), scale), &factor) in sides.iter().zip(&scales).zip(&factors) {
            for &(at, c) in terms {
                sums[at].push((factor, c as f64 / scale));
            }
        }
        for (mut sum, &(low, high)) in sums.into_iter().zip(bounds) {
            let plus = program.add_var(low as f64, (0.0, f64::INFINITY));
            let minus = program.add_var(-(high as f64), (0.0, f64::INFINITY));
            sum.extend([(plus, -1.0), (minus, 1.0)]);
            program.add_constraint(sum, ComparisonOp::Eq, 0.0);
        }
        let all: Vec<_> = factors.iter().map(|&factor| (factor, 1.0)).collect();
        program.add_constraint(all, ComparisonOp::Le, 1.0);
        let Ok(SolveOutcome::Solution(solution)) = program.solve() else { return None };
        // From here on in exact numbers, whatever the factors are.
        let mut total = vec![Exact::zero(); bounds.len()];
        let mut bound = Exact::zero();
        let mut used = Vec::new();
        for ((((terms, side), scale), &factor), row) in
            sides.iter().zip(&scales).zip(&factors).zip(rows)
        {
            let value = solution.var_value(factor);
            if value < 1e-9 {
                continue;
            }
            let factor = Exact::from_f64(value / scale)?;
            used.push(row);
            for &(at, c) in terms {
                total[at] += &factor * whole(c);
            }
            bound += &factor * whole(*side);
        }
        let least: Exact = total
            .iter()
            .zip(bounds)
            .map(|(c, &(low, high))| c * whole(if c.is_negative() { high } else { low }))
            .sum();
        (least > bound).then_some(used)
    }

    /// A walk from a hint by single steps and exchanges, towards fewer and smaller misses.
    fn walk(&self, bounds: &Bounds, hint: &[f64], moves: u64) -> Option<Vec<i128>> {
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

/// Whole numbers of a group near a point that the rows do not refute by bounds.
struct Near<'a> {
    problem: &'a Problem,
    group: &'a [usize],
    hint: &'a [f64],
    /// As many are yet tried.
    tries: u32,
    found: Vec<Bounds>,
}

/// As many are wanted.
const CHOICES: usize = 14;

impl Near<'_> {
    /// Looks within bounds, of which it is said whether no row can narrow them.
    fn look(&mut self, bounds: Bounds, settled: bool) {
        let open = self.group.iter().copied().filter(|&at| bounds[at].0 < bounds[at].1);
        let Some(at) = open.min_by_key(|&at| bounds[at].1 - bounds[at].0) else {
            self.found.push(bounds);
            return;
        };
        let (low, high) = bounds[at];
        let start = (self.hint[at].round() as i128).clamp(low, high);
        let (mut away, mut stride) = (0_i128, 1_i128);
        while away <= (high - low).min(100_000) {
            let before = self.found.len();
            for value in if away == 0 { vec![start] } else { vec![start + away, start - away] } {
                if self.found.len() >= CHOICES || self.tries == 0 {
                    return;
                }
                if value < low || value > high {
                    continue;
                }
                self.tries -= 1;
                let mut next = bounds.clone();
                next[at] = (value, value);
                if let Some(settled) = self.problem.narrow(&mut next, settled.then_some(at)) {
                    self.look(next, settled);
                }
            }
            // Every number until one will do; from there on further and further away, so that
            // the choices differ.
            if self.found.len() > before {
                stride *= 2;
            }
            away += stride;
        }
    }
}

enum Relaxed {
    Point(Vec<f64>),
    Impossible,
    Unknown,
}

fn fixed(bounds: &Bounds) -> Option<Vec<i128>> {
    bounds.iter().map(|(low, high)| (low == high).then_some(*low)).collect()
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

fn middle(bounds: &Bounds) -> Vec<f64> {
    bounds.iter().map(|&(low, high)| (low + high) as f64 / 2.0).collect()
}

fn sum_of(terms: &Sum, values: &[i128]) -> i128 {
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
fn floor_div(a: i128, b: i128) -> i128 {
    if b > 0 { a.div_euclid(b) } else { (-a).div_euclid(-b) }
}

/// a / b rounded up, b of either sign.
fn ceil_div(a: i128, b: i128) -> i128 {
    -floor_div(-a, b)
}

fn range_of(terms: &Sum, bounds: &Bounds) -> (i128, i128) {
    terms.iter().fold((0, 0), |(least, most), &(at, c)| {
        let (low, high) = bounds[at];
        let (a, b) = if c > 0 { (c * low, c * high) } else { (c * high, c * low) };
        (least + a, most + b)
    })
}

impl Row {
    /// Narrows bounds, and says which unknowns' have `moved`; `false` if nothing is left.
    fn narrow(&self, bounds: &mut Bounds, moved: &mut dyn FnMut(usize)) -> bool {
        let (mut least, mut most) = range_of(&self.terms, bounds);
        if self.high.is_some_and(|high| least > high) || self.low.is_some_and(|low| most < low) {
            return false;
        }
        if self.high.is_none_or(|high| most <= high) && self.low.is_none_or(|low| least >= low) {
            return true;
        }
        for &(at, c) in &self.terms {
            let (low, high) = bounds[at];
            let (mine_least, mine_most) =
                if c > 0 { (c * low, c * high) } else { (c * high, c * low) };
            let (mut new_low, mut new_high) = (low, high);
            if let Some(high) = self.high {
                // c·x ≤ high − the least of the others.
                let room = high - (least - mine_least);
                if c > 0 {
                    new_high = new_high.min(room.div_euclid(c));
                } else {
                    new_low = new_low.max(ceil_div(room, c));
                }
            }
            if let Some(low) = self.low {
                let room = low - (most - mine_most);
                if c > 0 {
                    new_low = new_low.max(ceil_div(room, c));
                } else {
                    new_high = new_high.min(floor_div(room, c));
                }
            }
            if new_low > new_high {
                return false;
            }
            if (new_low, new_high) != (low, high) {
                bounds[at] = (new_low, new_high);
                moved(at);
                // The row's own ends move with it.
                let (l, h) = (new_low, new_high);
                let (a, b) = if c > 0 { (c * l, c * h) } else { (c * h, c * l) };
                least += a - mine_least;
                most += b - mine_most;
            }
        }
        true
    }
}

/// An end in whole parts of [`SCALE`] times so many.
fn scaled(end: &Exact, times: i128, up: bool) -> Option<i128> {
    let scaled = end * whole(SCALE) * whole(times);
    let scaled = if up { scaled.ceil() } else { scaled.floor() };
    scaled.to_integer().to_i128()
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
    fn at(&self, point: &[f64]) -> (f64, f64, f64, f64) {
        let sum = |terms: &Sum| terms.iter().map(|&(at, c)| c as f64 * point[at]).sum::<f64>();
        let (numerator, denominator) = (sum(&self.numerator), sum(&self.denominator));
        let zero = || self.zero.as_ref().and_then(ToPrimitive::to_f64).unwrap_or(0.0);
        let value = if denominator.abs() < 0.5 { zero() } else { numerator / denominator };
        (value, self.weight.map_or(1.0, |at| point[at]), numerator, denominator)
    }

    /// What it adds to its average's sum, in floating point.
    fn adds(&self, values: &[i128]) -> f64 {
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
        Some(super::figure::fraction(numerator, denominator))
    }

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
