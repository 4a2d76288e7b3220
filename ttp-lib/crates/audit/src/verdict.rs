//! What was found out about a claim.

use serde::Serialize;
use std::fmt;

/// The verdict on a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It can be true: a score together with all scores of its matrix that were not refuted, a
    /// figure of unknowns together with all of them, a relation between figures by itself.
    Consistent {
        /// Numbers that give every figure, checked anew.
        example: String,
        /// How many such matrices there are: a number where they were counted, `many` where they
        /// are more than are told apart, or a second one of many classes was found.
        number: Option<String>,
    },
    /// It cannot be true together with the other claims of its conflict: proven.
    Inconsistent {
        /// The claims that cannot hold together, this one among them.
        conflict: Vec<String>,
        /// Whether no smaller set of them is in conflict; otherwise none can be left out.
        smallest: bool,
        /// Why, in a line.
        reason: String,
    },
    /// Neither was shown.
    Undecided {
        /// What would decide it.
        needs: String,
    },
}

impl Verdict {
    /// `consistent`, `inconsistent` or `undecided`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Consistent { .. } => "consistent",
            Self::Inconsistent { .. } => "inconsistent",
            Self::Undecided { .. } => "undecided",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consistent { example, number } => match number.as_deref() {
                Some("1") => write!(f, "{example}; the only one"),
                Some(number) => write!(f, "{example}; one of {number}"),
                None => f.write_str(example),
            },
            Self::Inconsistent { conflict, smallest, reason } => {
                let size = if *smallest { "smallest conflict" } else { "conflict" };
                write!(f, "{reason}; {size}: {}", conflict.join(", "))
            }
            Self::Undecided { needs } => write!(f, "would decide: {needs}"),
        }
    }
}

/// What a run of this project on the document's own rows says of a claim. It stands beside the
/// verdict, which is arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reproduction {
    /// Its figure prints as the claim says.
    Reproduced,
    /// Its figure prints otherwise.
    NotReproduced,
    /// There is no such figure.
    NoRun,
}

impl fmt::Display for Reproduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::NoRun => "no run",
        })
    }
}

/// What one look at a set of claims found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Possibility {
    /// All can hold together.
    Possible,
    /// They cannot: proven.
    Impossible,
    /// Not found out.
    Unknown,
}

/// Claims that cannot hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Their places.
    pub claims: Vec<usize>,
    /// Whether it was shown that no smaller set is in conflict; otherwise only that none of
    /// these can be left out, as far as was found out.
    pub smallest: bool,
}

/// The smallest of a set of claims that cannot hold together, given that all of them cannot.
///
/// First each claim is left out for good if the others still cannot hold together; what is
/// left is a conflict of which no claim can be spared. Then smaller sets are looked at, the
/// smallest first, up to `looks` of them: a set within one that is known to be possible needs
/// no look.
pub fn smallest_conflict(
    all: &[usize],
    looks: usize,
    look: impl FnMut(&[usize]) -> Possibility,
) -> Conflict {
    smallest_conflict_from(all, all, looks, |_| false, look)
}

/// The same, begun from some claims of `all` that cannot hold together; what is `known` to be
/// possible needs no look either. No more than two hundred sets a look are gone through.
pub fn smallest_conflict_from(
    all: &[usize],
    start: &[usize],
    looks: usize,
    known: impl Fn(&[usize]) -> bool,
    mut look: impl FnMut(&[usize]) -> Possibility,
) -> Conflict {
    let (kept, mut possible, mut certain) = without_the_spared(start, &mut look);
    let (mut left, mut sets) = (looks, looks.saturating_mul(200));
    for size in 1..kept.len() {
        let mut choice: Vec<usize> = (0..size).collect();
        loop {
            let set: Vec<usize> = choice.iter().map(|&i| all[i]).collect();
            let is_possible = |of: &Vec<usize>| set.iter().all(|claim| of.contains(claim));
            if !possible.iter().any(is_possible) && !known(&set) {
                if left == 0 {
                    return Conflict { claims: kept, smallest: false };
                }
                left -= 1;
                match look(&set) {
                    Possibility::Impossible => return Conflict { claims: set, smallest: certain },
                    Possibility::Possible => possible.push(set),
                    Possibility::Unknown => certain = false,
                }
            }
            if !next_choice(&mut choice, all.len()) {
                break;
            }
            if sets == 0 {
                return Conflict { claims: kept, smallest: false };
            }
            sets -= 1;
        }
    }
    Conflict { claims: kept, smallest: certain }
}

/// A conflict of which no claim can be spared, as far as was found out: each claim is left out for
/// good if the others still cannot hold together, given that all of them cannot.
pub fn irreducible(all: &[usize], mut look: impl FnMut(&[usize]) -> Possibility) -> Vec<usize> {
    without_the_spared(all, &mut look).0
}

/// What is left once claims that can be spared are left out, sets that were found possible on the
/// way, and whether each single claim that is left was shown to be needed.
fn without_the_spared(
    all: &[usize],
    look: &mut dyn FnMut(&[usize]) -> Possibility,
) -> (Vec<usize>, Vec<Vec<usize>>, bool) {
    let mut kept: Vec<usize> = all.to_vec();
    let mut possible: Vec<Vec<usize>> = Vec::new();
    let mut at = 0;
    let mut certain = true;
    // Halves first: a conflict of a few among many is found with few looks.
    let mut chunk = kept.len().div_ceil(2).max(1);
    loop {
        at = at.min(kept.len());
        let end = (at + chunk).min(kept.len());
        if at >= end {
            if chunk == 1 {
                break;
            }
            (at, chunk) = (0, chunk.div_ceil(2));
            continue;
        }
        let without: Vec<usize> = [&kept[..at], &kept[end..]].concat();
        match if without.is_empty() { Possibility::Possible } else { look(&without) } {
            Possibility::Impossible => kept = without,
            Possibility::Possible => {
                possible.push(without);
                at = end;
            }
            Possibility::Unknown => {
                certain &= chunk > 1;
                at = end;
            }
        }
    }
    (kept, possible, certain)
}

/// The next choice of so many, in order; `false` after the last.
fn next_choice(choice: &mut [usize], of: usize) -> bool {
    let size = choice.len();
    let Some(at) = (0..size).rev().find(|&at| choice[at] < of - size + at) else { return false };
    choice[at] += 1;
    for later in at + 1..size {
        choice[later] = choice[later - 1] + 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_conflict_is_found_and_not_only_one_that_cannot_be_cut() {
        // {0, 1, 2} cannot hold together, nor can {3, 4}.
        let look = |set: &[usize]| {
            let has = |claims: &[usize]| claims.iter().all(|claim| set.contains(claim));
            if has(&[0, 1, 2]) || has(&[3, 4]) {
                Possibility::Impossible
            } else {
                Possibility::Possible
            }
        };
        let all: Vec<usize> = (0..8).collect();
        let found = smallest_conflict(&all, 100, look);
        assert_eq!(found, Conflict { claims: vec![3, 4], smallest: true });
        let all = [3, 4, 5, 0, 1, 2];
        let found = smallest_conflict(&all, 100, look);
        assert_eq!(found, Conflict { claims: vec![3, 4], smallest: true });
        let without = smallest_conflict(&all, 0, look);
        assert!(!without.smallest);
    }

    #[test]
    fn what_was_not_found_out_is_not_said_to_be_smallest() {
        let look = |set: &[usize]| match set {
            [0] | [1] | [2] => Possibility::Possible,
            [0, 1] => Possibility::Unknown,
            set if set.len() >= 3 => Possibility::Impossible,
            _ => Possibility::Possible,
        };
        let found = smallest_conflict(&[0, 1, 2], 100, look);
        assert_eq!(found, Conflict { claims: vec![0, 1, 2], smallest: false });
    }
}
