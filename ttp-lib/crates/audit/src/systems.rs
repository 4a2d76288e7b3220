//! Verdicts on claims about systems of unknown whole numbers.

use super::claims::Check;
use super::judge::{Judge, LOOKS, settle};
use super::problem::Problem;
use super::solver::{Answer, Work};
use super::verdict::{Possibility, Verdict};

impl Judge<'_> {
    pub(super) fn problem(&self, system: usize, of: &[usize]) -> Problem {
        let known = &self.claims.quantities[system];
        let mut problem = Problem::default();
        for (name, low, high) in &known.unknowns {
            problem.unknown(name.clone(), *low, *high);
        }
        let claimed = of.iter().filter_map(|&at| match &self.claim(at).check {
            Check::Linear(_, relation) => Some(relation),
            _ => None,
        });
        for relation in known.always.iter().chain(claimed) {
            problem.row(relation.terms.clone(), relation.low, relation.high);
        }
        problem
    }

    pub(super) fn systems(&mut self) {
        for system in 0..self.claims.quantities.len() {
            let members: Vec<usize> = (0..self.claims.claims.len())
                .filter(|&at| matches!(self.claim(at).check, Check::Linear(s, _) if s == system))
                .collect();
            if members.is_empty() {
                continue;
            }
            let look = |of: &[usize]| match self.problem(system, of).solve(Work::default()) {
                Answer::Possible(_) => Possibility::Possible,
                Answer::Impossible => Possibility::Impossible,
                Answer::Unknown => Possibility::Unknown,
            };
            let settled = settle(&members, LOOKS, look);
            let problem = self.problem(system, &settled.holding);
            let answer = problem.solve(Work::default());
            for (conflict, smallest) in &settled.conflicts {
                let reason = "no whole numbers meet these".to_owned();
                for &at in conflict {
                    self.verdicts[at] = Some(self.conflict(conflict, *smallest, reason.clone()));
                }
            }
            let verdict = match answer {
                Answer::Possible(values) => {
                    let parts: Vec<String> = problem
                        .names
                        .iter()
                        .zip(&values)
                        .map(|(name, value)| format!("{} {value}", name.replace('_', " ")))
                        .collect();
                    Verdict::Consistent { example: parts.join(", "), number: None }
                }
                _ => Verdict::Undecided { needs: "more steps of the search".to_owned() },
            };
            for &at in &settled.holding {
                self.verdicts[at] = Some(verdict.clone());
            }
            self.holding.insert(('q', system), settled.holding);
        }
    }
}
