//! Proven bounds of an unknown of a problem.

use super::problem::{Bounds, Problem};
use microlp::{ComparisonOp, OptimizationDirection, SolveOutcome};

/// Ends of a range, where they are known.
pub(super) type Ends = (Option<i128>, Option<i128>);

impl Problem {
    /// Whether it is proven that an unknown lies nowhere below `least` and nowhere above `most`; so
    /// too if nothing is possible.
    pub fn proves_within(&self, at: usize, least: i128, most: i128) -> bool {
        let mut bounds = self.bounds.clone();
        if !self.propagate(&mut bounds) {
            return true;
        }
        let (low, high) = bounds[at];
        (low >= least || self.refutes(&bounds, at, (low, least - 1)))
            && (high <= most || self.refutes(&bounds, at, (most + 1, high)))
    }

    /// Whether it is proven that an unknown has no value in a range.
    fn refutes(&self, bounds: &Bounds, at: usize, range: (i128, i128)) -> bool {
        let mut narrowed = bounds.clone();
        narrowed[at] = range;
        !self.propagate(&mut narrowed)
            || self.linear_program(&narrowed, None).is_none() && self.certificate(&narrowed)
    }

    /// The rows from which it follows that an unknown lies nowhere below `least` and nowhere above
    /// `most`, by their places, as certificates have it; nothing if there are none such.
    pub(super) fn rows_of_proof(&self, at: usize, least: i128, most: i128) -> Option<Vec<usize>> {
        let (low, high) = self.bounds[at];
        let certified = |range: (i128, i128)| {
            let mut bounds = self.bounds.clone();
            bounds[at] = range;
            self.certified(&bounds)
        };
        let mut rows = Vec::new();
        if low < least {
            rows.extend(certified((low, least - 1))?);
        }
        if high > most {
            rows.extend(certified((most + 1, high))?);
        }
        Some(rows)
    }

    /// Bounds of an unknown, each proven: no numbers that meet everything have it beyond them.
    /// They are as narrow as bounds and certificates get them. Nothing if nothing is possible.
    pub fn range(&self, at: usize) -> Option<(i128, i128)> {
        self.range_from(at, (None, None))
    }

    /// The same, where an end or both are known.
    pub(super) fn range_from(&self, at: usize, known: Ends) -> Option<(i128, i128)> {
        let mut bounds = self.bounds.clone();
        if !self.propagate(&mut bounds) {
            return None;
        }
        let refuted = |low: i128, high: i128| self.refutes(&bounds, at, (low, high));
        let (low, high) = bounds[at];
        if refuted(low, high) {
            return None;
        }
        // Where a linear program sees the ends is where to look first; what is told is refuted.
        let seen = |sign: f64| self.extreme(&bounds, at, sign);
        let least = known.0.unwrap_or_else(|| {
            let guess = seen(-1.0).map_or(low, |end| (end - 1e-6).ceil() as i128).clamp(low, high);
            low + furthest(high - low, guess - low, |reach| refuted(low, low + reach - 1))
        });
        let most = known.1.unwrap_or_else(|| {
            let guess = seen(1.0).map_or(high, |end| (end + 1e-6).floor() as i128).clamp(low, high);
            high - furthest(high - low, high - guess, |reach| refuted(high - reach + 1, high))
        });
        Some((least, most))
    }

    /// The least (`sign` −1) or largest (1) value of an unknown that rows and bounds allow numbers
    /// that need not be whole; in floating point, to look there.
    fn extreme(&self, bounds: &Bounds, at: usize, sign: f64) -> Option<f64> {
        let mut program = microlp::Problem::new(OptimizationDirection::Maximize);
        let unknowns: Vec<_> = (0..)
            .zip(bounds)
            .map(|(other, &(low, high))| {
                let gain = if other == at { sign } else { 0.0 };
                program.add_var(gain, (low as f64, high as f64))
            })
            .collect();
        for row in &self.rows {
            let scale = row.terms.iter().map(|(_, c)| c.abs()).max().unwrap_or(1).max(1) as f64;
            let sum: Vec<_> =
                row.terms.iter().map(|&(at, c)| (unknowns[at], c as f64 / scale)).collect();
            if let Some(low) = row.low {
                program.add_constraint(sum.clone(), ComparisonOp::Ge, low as f64 / scale);
            }
            if let Some(high) = row.high {
                program.add_constraint(sum, ComparisonOp::Le, high as f64 / scale);
            }
        }
        match program.solve() {
            Ok(SolveOutcome::Solution(solution)) => Some(solution.var_value(unknowns[at])),
            _ => None,
        }
    }
}

/// The largest reach up to `most` that holds, where each smaller one does, too, and 0 does; looked
/// for from a guess in steps that double, and by halves.
fn furthest(most: i128, guess: i128, holds: impl Fn(i128) -> bool) -> i128 {
    let (mut known, mut open) = (0, most + 1);
    let mut step = 1;
    let mut next = if guess > 0 { guess } else { 1 };
    while known + 1 < open {
        if holds(next) {
            known = next;
            next = known + step;
        } else {
            open = next;
            next = open - step;
        }
        step *= 2;
        if next <= known || next >= open {
            next = known + (open - known) / 2;
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_furthest_reach_is_found_from_any_guess() {
        for reach in 0..40 {
            for guess in 0..=40 {
                let tried = std::cell::Cell::new(0);
                let found = furthest(40, guess, |at| {
                    assert!((1..=40).contains(&at), "{at}");
                    tried.set(tried.get() + 1);
                    at <= reach
                });
                assert_eq!(found, reach, "from {guess}");
                assert!(tried.get() <= if guess == reach { 2 } else { 12 }, "{reach} from {guess}");
            }
        }
    }
}
