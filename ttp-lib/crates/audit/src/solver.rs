//! Whole numbers that meet linear rows and averages of quotients.
//!
//! What is said to be impossible is proven in whole numbers: by bounds alone, by a
//! certificate (a sum of rows that no numbers within the bounds can meet), or by a search
//! that looked at everything. What is said to be possible comes with numbers that were put
//! into every row again. The linear program in floating point, by microlp, only says where
//! to look and which rows to add up.

use super::problem::{Bounds, ceil_div, floor_div};
pub use super::problem::{Problem, Row, Sum};
use super::relaxation::Relaxation;
pub use super::search::Answer;
use super::search::FEW;
use num_integer::Integer;

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

/// Of no more unknowns than these, and no more of them open, a search of so many nodes comes before
/// a walk, and one of more nodes after a short walk.
const CLOSE: (usize, usize) = (50, 20);
const EARLY: (u64, u64) = (200, 4_000);

impl Problem {
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
        tight.index.take();
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
            Relaxation::Impossible => return Answer::Impossible,
            Relaxation::Point(point) => point,
            Relaxation::Unknown => middle(&bounds),
        };
        // What whole numbers cannot meet is seen by looking at all, and never by a walk.
        let close = work.moves >= Work::default().moves && self.is_close(&bounds);
        if close {
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
        self.search(bounds, &hint, &mut nodes, close)
    }

    /// Whether the counts of classes are so few that looking at all is likely to end.
    fn is_close(&self, bounds: &Bounds) -> bool {
        let open = bounds.iter().filter(|(low, high)| low < high).count();
        !self.groups.is_empty() && bounds.len() <= CLOSE.0 && open <= CLOSE.1
    }
}

fn fixed(bounds: &Bounds) -> Option<Vec<i128>> {
    bounds.iter().map(|(low, high)| (low == high).then_some(*low)).collect()
}

fn middle(bounds: &Bounds) -> Vec<f64> {
    bounds.iter().map(|&(low, high)| (low + high) as f64 / 2.0).collect()
}
