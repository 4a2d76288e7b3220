//! The smallest set of claims that has to go for the rest to hold together.

use super::verdict::Look;
use serde::Serialize;
use std::collections::BTreeSet;

/// What has to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The matrix that the claims are about.
    pub matrix: String,
    /// Sets of claims that cannot hold together: proven.
    pub conflicts: Vec<Vec<String>>,
    /// How many claims must go at least: proven, since each set must lose one.
    pub at_least: usize,
    /// Sets of so few claims after whose removal a matrix gives all the others: shown. Each of them
    /// is a smallest one. Empty where none was shown.
    pub smallest: Vec<Vec<String>>,
    /// Sets of so few claims of which it was not found out whether the rest can hold together.
    pub open: Vec<Vec<String>>,
    /// Whether all sets of that size were looked at.
    pub whole: bool,
}

/// As many looks at sets of claims are taken.
pub(super) const LOOKS: usize = 160;
/// More sets of one size than these are not told apart.
const SETS: usize = 60;

/// Sets of claims, by their places.
type Sets = Vec<BTreeSet<usize>>;

/// What was found: the conflicts, the smallest number that has to go, sets that are enough, sets
/// of which that is not known, and whether all were looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub conflicts: Sets,
    pub at_least: usize,
    pub enough: Sets,
    pub open: Sets,
    pub whole: bool,
}

/// Looks for the smallest sets of claims without which the others can hold together. Every one of
/// the conflicts must lose a claim: the smallest sets that meet all of them are tried; where the
/// rest still cannot hold, `shrink` finds the conflict in it, and the sets are sought anew
/// (Reiter, *A theory of diagnosis from first principles*, Artificial Intelligence 32, 1987).
pub(super) fn smallest(
    all: &[usize],
    conflicts: Sets,
    look: impl Fn(&[usize]) -> Look,
    shrink: impl Fn(&[usize]) -> Vec<usize>,
) -> Found {
    let mut conflicts = conflicts;
    let mut looks = LOOKS;
    let mut seen: Vec<(BTreeSet<usize>, Look)> = Vec::new();
    loop {
        let (size, sets, told_apart) = hitting_sets(&conflicts);
        let mut found = Found {
            conflicts: conflicts.clone(),
            at_least: size,
            enough: Vec::new(),
            open: Vec::new(),
            whole: told_apart,
        };
        let mut new_conflict = None;
        for set in sets {
            let known = seen.iter().find(|(other, _)| *other == set).map(|(_, look)| *look);
            let looked = match known {
                Some(looked) => looked,
                None if looks == 0 => {
                    found.whole = false;
                    continue;
                }
                None => {
                    looks -= 1;
                    let rest: Vec<usize> =
                        all.iter().copied().filter(|at| !set.contains(at)).collect();
                    let looked = look(&rest);
                    if looked == Look::Impossible {
                        new_conflict = Some(shrink(&rest));
                        break;
                    }
                    seen.push((set.clone(), looked));
                    looked
                }
            };
            match looked {
                Look::Possible => found.enough.push(set),
                _ => found.open.push(set),
            }
        }
        match new_conflict {
            Some(conflict) => conflicts.push(conflict.into_iter().collect()),
            None => return found,
        }
    }
}

/// The size of the smallest sets that meet all of these, and those sets; whether they are all.
fn hitting_sets(conflicts: &Sets) -> (usize, Sets, bool) {
    fn extend(conflicts: &Sets, chosen: &mut Vec<usize>, left: usize, found: &mut Sets) -> bool {
        let missed =
            conflicts.iter().find(|conflict| !chosen.iter().any(|at| conflict.contains(at)));
        let Some(missed) = missed else {
            let set: BTreeSet<usize> = chosen.iter().copied().collect();
            if !found.contains(&set) {
                if found.len() == SETS {
                    return false;
                }
                found.push(set);
            }
            return true;
        };
        if left == 0 {
            return true;
        }
        missed.iter().all(|&at| {
            chosen.push(at);
            let more = extend(conflicts, chosen, left - 1, found);
            chosen.pop();
            more
        })
    }
    for size in 0..=conflicts.len() {
        let mut found = Vec::new();
        let whole = extend(conflicts, &mut Vec::new(), size, &mut found);
        if !found.is_empty() {
            return (size, found, whole);
        }
    }
    (conflicts.len(), Vec::new(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(of: &[&[usize]]) -> Sets {
        of.iter().map(|set| set.iter().copied().collect()).collect()
    }

    #[test]
    fn the_fewest_claims_that_have_to_go_are_found() {
        // {0, 1, 2}, {2, 3}, {4, 5} cannot hold together: 2 and one of 4 and 5 have to go.
        let of = sets(&[&[0, 1, 2], &[2, 3], &[4, 5]]);
        let conflict =
            |set: &[usize]| of.iter().find(|conflict| conflict.iter().all(|at| set.contains(at)));
        let look = |set: &[usize]| match conflict(set) {
            Some(_) => Look::Impossible,
            None => Look::Possible,
        };
        let shrink = |set: &[usize]| {
            conflict(set).map(|set| set.iter().copied().collect()).unwrap_or_default()
        };
        let all: Vec<usize> = (0..8).collect();
        let found = smallest(&all, Vec::new(), look, shrink);
        assert_eq!((found.at_least, found.whole), (2, true));
        assert_eq!(found.enough, sets(&[&[2, 4], &[2, 5]]));
        assert!(found.open.is_empty());
        // What was not found out is not said to be enough.
        let unsure = |set: &[usize]| match look(set) {
            Look::Possible if set.contains(&4) => Look::Unknown,
            other => other,
        };
        let found = smallest(&all, of.clone(), unsure, shrink);
        assert_eq!((found.enough, found.open), (sets(&[&[2, 4]]), sets(&[&[2, 5]])));
        // Claims that hold together lose none.
        let found = smallest(&[0, 1, 3], Vec::new(), look, shrink);
        assert_eq!((found.at_least, found.enough), (0, sets(&[&[]])));
    }
}
