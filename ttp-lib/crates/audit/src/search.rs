//! Whole numbers looked for one by one: in all of what bounds leave, or group by group.

use super::problem::{Bounds, Problem};

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

/// So few unknowns are looked at by halves.
pub(super) const FEW: usize = 3;

impl Problem {
    /// Looks at everything within bounds, nearest to a hint first; `squeezed` by the averages, too.
    pub(super) fn search(
        &self,
        bounds: Bounds,
        hint: &[f64],
        nodes: &mut u64,
        squeezed: bool,
    ) -> Answer {
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
    pub(super) fn dive(&self, bounds: &Bounds, hint: &[f64]) -> Option<Vec<i128>> {
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
