//! Verdicts on claims about other figures: each by itself, and comparisons together.

use super::arithmetic::{self, Relation};
use super::claims::Check;
use super::figure::{Exact, Interval, Rounding};
use super::judge::{Judge, LOOKS};
use super::together;
use super::verdict::{Possibility, Verdict, smallest_conflict};
use num_traits::Zero;
use std::collections::BTreeMap;

impl Judge<'_> {
    pub(super) fn relations(&mut self) {
        for at in 0..self.claims.claims.len() {
            let claim = self.claim(at);
            if let Check::Stated(needs) = &claim.check {
                self.verdicts[at] = Some(Verdict::Undecided { needs: needs.clone() });
                continue;
            }
            if self.verdicts[at].is_some() {
                continue;
            }
            let per_cent =
                claim.value.as_ref().is_some_and(|value| value.percent)
                    || claim.check.of().iter().any(|&&of| {
                        self.claim(of).value.as_ref().is_some_and(|value| value.percent)
                    });
            let judged = |rule: Rounding| {
                let of = |other: usize| self.interval(other, rule);
                let value = claim.value.as_ref().map(|value| value.interval(rule));
                arithmetic::judge(&claim.check, value.as_ref(), &of, per_cent)
            };
            let rules = arithmetic::rules(claim.rounding);
            let mut first = None;
            let mut met = None;
            for rule in rules {
                match judged(rule) {
                    Relation::Met(text) => {
                        met = Some(text);
                        break;
                    }
                    missed => {
                        first.get_or_insert(missed);
                    }
                }
            }
            let verdict = match (met, first) {
                (Some(example), _) => Verdict::Consistent { example, number: None },
                (None, Some(Relation::Missed(reason, to_blame))) => {
                    let mut conflict = vec![at];
                    if to_blame.is_empty() {
                        conflict.extend(claim.check.of());
                    } else {
                        conflict.extend(to_blame);
                    }
                    // Of two, the claim and a figure, neither can be spared; a smaller set than
                    // one of more was not looked for.
                    self.conflict(&conflict, conflict.len() <= 2, reason)
                }
                _ => continue,
            };
            self.verdicts[at] = Some(verdict);
        }
    }

    /// Comparisons that can each be true are looked at together: first those of any reading of the
    /// text, then with them those of each reading.
    pub(super) fn comparisons(&mut self) {
        let claims = &self.claims.claims;
        let numbers = |at: usize| self.figure(at, claims[at].rounding);
        // A figure's digits have a place of their own: a claim may compare, and be compared.
        let digits = |at: usize| claims.len() + at;
        let mut said: BTreeMap<usize, Vec<together::Difference>> = BTreeMap::new();
        for (at, claim) in claims.iter().enumerate() {
            let of = claim.check.of();
            let holds = matches!(self.verdicts[at], Some(Verdict::Consistent { .. }));
            if of.is_empty() || !holds {
                continue;
            }
            let found = together::differences(&claim.check, numbers(at).as_ref());
            if !found.is_empty() {
                said.insert(at, found);
                for &of in of {
                    let figure = |numbers| together::figure(of, &numbers);
                    said.insert(digits(of), numbers(of).map(figure).unwrap_or_default());
                }
            }
        }
        let (compared, mut fixed): (Vec<usize>, Vec<usize>) =
            said.keys().partition(|at| **at < claims.len());
        let mut readings: Vec<&Option<String>> =
            compared.iter().map(|&at| &claims[at].reading).collect();
        readings.sort_unstable();
        readings.dedup();
        let look = |of: &[usize]| match together::can_be(of.iter().flat_map(|at| &said[at])) {
            true => Possibility::Possible,
            false => Possibility::Impossible,
        };
        let mut conflicts = Vec::new();
        for reading in readings {
            let own = |at: &usize| claims[*at].reading == *reading;
            let mut members: Vec<usize> = compared.iter().copied().filter(own).collect();
            // Each two that fail each other come first, and all of them: one that is taken out
            // with one other may fail more.
            let mut failed = std::collections::BTreeSet::new();
            let others = match reading {
                Some(_) => fixed.iter().copied().filter(|at| *at < claims.len()).collect(),
                None => Vec::new(),
            };
            for (i, &a) in members.iter().enumerate() {
                for &b in members[i + 1..].iter().chain(&others) {
                    let figures = [a, b].into_iter().flat_map(|at| claims[at].check.of());
                    let figures = figures.map(|&of| digits(of));
                    let pair: Vec<usize> = [a, b].into_iter().chain(figures).collect();
                    if look(&pair) == Possibility::Impossible {
                        let out = [a, b].into_iter().filter(|at| !failed.contains(at));
                        let out: Vec<usize> = out.filter(|at| members.contains(at)).collect();
                        failed.extend(out.iter().copied());
                        conflicts.push((smallest_conflict(&pair, LOOKS, look), out));
                    }
                }
            }
            members.retain(|at| !failed.contains(at));
            loop {
                let all = [&members[..], &fixed[..]].concat();
                if look(&all) == Possibility::Possible {
                    break;
                }
                let conflict = smallest_conflict(&all, LOOKS, look);
                let (out, left) = members.iter().partition(|at| conflict.claims.contains(at));
                members = left;
                conflicts.push((conflict, out));
            }
            if reading.is_none() {
                fixed.extend(members);
            }
        }
        for (conflict, out) in conflicts {
            let places: Vec<usize> = conflict.claims.iter().map(|at| at % claims.len()).collect();
            let reason = "these cannot hold together".to_owned();
            let verdict = self.conflict(&places, conflict.smallest, reason);
            for at in out {
                self.verdicts[at] = Some(verdict.clone());
            }
        }
    }

    /// The numbers that a claim's figure stands for: the score itself where its matrix is known.
    fn figure(&self, at: usize, rule: Rounding) -> Option<Interval> {
        let value = self.claim(at).value.as_ref().map(|value| value.interval(rule));
        self.exact[at].clone().map(Interval::point).or(value)
    }

    /// The same under one of the rules that its rounding leaves open; nought without a figure.
    fn interval(&self, at: usize, rule: Rounding) -> Interval {
        // A claim's own rounding goes before, where it leaves no choice.
        let rules = arithmetic::rules(self.claim(at).rounding);
        let rule = if rules.contains(&rule) { rule } else { rules[0] };
        self.figure(at, rule).unwrap_or_else(|| Interval::point(Exact::zero()))
    }
}
