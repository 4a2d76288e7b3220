//! Proven bounds of an unknown of a problem.

use super::problem::{Bounds, Problem};
use microlp::{ComparisonOp, OptimizationDirection, SolveOutcome};

/// Ends of a range, where they are known.
pub(super) type Ends = (Option<i128>, Option<i128>);

/// What is known of a range before it is looked for.
#[derive(Clone, Copy, Default)]
pub(super) struct RangeStart {
    pub(super) known: Ends,
    /// How far within what a linear program sees each end is likely to lie: where to look first.
    pub(super) inward: (i128, i128),
}

/// Proven bounds of an unknown.
#[derive(Clone, Copy)]
pub(super) struct ProvenRange {
    pub(super) least: i128,
    pub(super) most: i128,
    /// How far within what a linear program sees each end lies; 0 of an end that was known.
    pub(super) inward: (i128, i128),
}

impl Problem {
    /// Whether it is proven that an unknown lies nowhere below `least` and nowhere above `most`; so
    /// too if nothing is possible.
    pub fn proves_within(&self, at: usize, least: i128, most: i128) -> bool {
        let Some(within) = Within::of(self) else { return true };
        let (low, high) = within.bounds[at];
        (low >= least || within.refutes(at, (low, least - 1)))
            && (high <= most || within.refutes(at, (most + 1, high)))
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
    /// They are as narrow as bounds and certificates get them, whatever is known before. Nothing if
    /// nothing is possible.
    pub(super) fn range_from(&self, at: usize, start: RangeStart) -> Option<ProvenRange> {
        let within = Within::of(self)?;
        let (low, high) = within.bounds[at];
        if within.refutes(at, (low, high)) {
            return None;
        }
        // Where a linear program sees the ends is where to look first; what is told is refuted.
        let seen = |sign: f64| self.point(&within.bounds, Some((at, sign))).map(|point| point[at]);
        let least = || {
            if let Some(end) = start.known.0 {
                return (end, 0);
            }
            let seen = seen(-1.0).map_or(low, |end| (end - 1e-6).ceil() as i128).clamp(low, high);
            let guess = (seen + start.inward.0).min(high) - low;
            let refuted = |reach| within.refutes(at, (low, low + reach - 1));
            let least = low + furthest(high - low, guess, refuted);
            (least, (least - seen).max(0))
        };
        let most = || {
            if let Some(end) = start.known.1 {
                return (end, 0);
            }
            let seen = seen(1.0).map_or(high, |end| (end + 1e-6).floor() as i128).clamp(low, high);
            let guess = high - (seen - start.inward.1).max(low);
            let refuted = |reach| within.refutes(at, (high - reach + 1, high));
            let most = high - furthest(high - low, guess, refuted);
            (most, (seen - most).max(0))
        };
        let ((least, from_least), (most, from_most)) = rayon::join(least, most);
        let inward = (from_least, from_most);
        Some(ProvenRange { least, most, inward })
    }

    /// Numbers that rows and bounds allow, in floating point and not whole: those with the largest
    /// value of an unknown times a sign, or any.
    fn point(&self, bounds: &Bounds, goal: Option<(usize, f64)>) -> Option<Vec<f64>> {
        let mut program = microlp::Problem::new(OptimizationDirection::Maximize);
        let unknowns: Vec<_> = (0..)
            .zip(bounds)
            .map(|(at, &(low, high))| {
                let gain = goal.map_or(0.0, |(of, sign)| if of == at { sign } else { 0.0 });
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
            Ok(SolveOutcome::Solution(solution)) => {
                Some(unknowns.iter().map(|&unknown| solution.var_value(unknown)).collect())
            }
            _ => None,
        }
    }
}

/// Bounds that rows have narrowed.
struct Within<'a> {
    problem: &'a Problem,
    bounds: Bounds,
    /// Whether no row can narrow them any more.
    settled: bool,
}

impl<'a> Within<'a> {
    /// A problem's own bounds, narrowed; nothing if nothing is possible.
    fn of(problem: &'a Problem) -> Option<Self> {
        let mut bounds = problem.bounds.clone();
        let settled = problem.narrow(&mut bounds, None)?;
        Some(Self { problem, bounds, settled })
    }

    /// Whether it is proven that an unknown has no value in a range.
    fn refutes(&self, at: usize, range: (i128, i128)) -> bool {
        let mut narrowed = self.bounds.clone();
        narrowed[at] = range;
        // A certificate takes longer than to see that there are numbers, and so that there is none.
        self.problem.narrow(&mut narrowed, self.settled.then_some(at)).is_none()
            || self.problem.point(&narrowed, None).is_none() && self.problem.certificate(&narrowed)
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
