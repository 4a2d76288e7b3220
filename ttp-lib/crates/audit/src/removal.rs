//! The smallest set of claims that has to go for the rest to hold together.

use super::verdict::Possibility;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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
pub(super) struct Removals {
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
    look: impl Fn(&[usize]) -> Possibility,
    shrink: impl Fn(&[usize]) -> Vec<usize>,
) -> Removals {
    let mut conflicts = conflicts;
    let mut looks = LOOKS;
    let mut seen: Vec<(BTreeSet<usize>, Possibility)> = Vec::new();
    loop {
        let (size, sets, told_apart) = hitting_sets(&conflicts);
        let mut found = Removals {
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
                    if looked == Possibility::Impossible {
                        new_conflict = Some(shrink(&rest));
                        break;
                    }
                    seen.push((set.clone(), looked));
                    looked
                }
            };
            match looked {
                Possibility::Possible => found.enough.push(set),
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
    let mut hitting = Hitting::of(conflicts);
    for size in 0..=conflicts.len() {
        let met = vec![0; conflicts.len().div_ceil(64)];
        let whole = hitting.extend(&mut Vec::new(), &met, size);
        let found = std::mem::take(&mut hitting.found);
        if !found.is_empty() {
            return (size, found, whole);
        }
    }
    (conflicts.len(), Vec::new(), true)
}

/// Sets of claims that meet conflicts.
struct Hitting<'a> {
    conflicts: &'a Sets,
    /// The conflicts that each claim meets: a bit each.
    meets: BTreeMap<usize, Vec<u64>>,
    /// The most conflicts that a claim meets.
    most: usize,
    found: Sets,
}

impl<'a> Hitting<'a> {
    fn of(conflicts: &'a Sets) -> Self {
        let mut meets: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (number, conflict) in conflicts.iter().enumerate() {
            for &at in conflict {
                let bits = meets.entry(at).or_insert_with(|| vec![0; conflicts.len().div_ceil(64)]);
                bits[number / 64] |= 1 << (number % 64);
            }
        }
        let most = meets.values().map(|bits| count(bits)).max().unwrap_or(0);
        Self { conflicts, meets, most, found: Vec::new() }
    }

    /// Chooses up to as many more claims as are `left`, each from the first conflict that is not
    /// `met`; `false` if there are more sets than are told apart.
    fn extend(&mut self, chosen: &mut Vec<usize>, met: &[u64], left: usize) -> bool {
        let open = self.conflicts.len() - count(met);
        if open == 0 {
            let set: BTreeSet<usize> = chosen.iter().copied().collect();
            if !self.found.contains(&set) {
                if self.found.len() == SETS {
                    return false;
                }
                self.found.push(set);
            }
            return true;
        }
        // So few claims cannot meet the rest.
        if open > left * self.most {
            return true;
        }
        let conflicts = self.conflicts;
        let is_met = |number: &usize| (met[number / 64] >> (number % 64)) & 1 == 1;
        let Some(missed) = (0..conflicts.len()).find(|number| !is_met(number)) else { return true };
        conflicts[missed].iter().all(|&at| {
            let of_claim = self.meets[&at].iter();
            let both: Vec<u64> = met.iter().zip(of_claim).map(|(a, b)| a | b).collect();
            chosen.push(at);
            let more = self.extend(chosen, &both, left - 1);
            chosen.pop();
            more
        })
    }
}

fn count(bits: &[u64]) -> usize {
    bits.iter().map(|bits| bits.count_ones() as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

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
            Some(_) => Possibility::Impossible,
            None => Possibility::Possible,
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
            Possibility::Possible if set.contains(&4) => Possibility::Unknown,
            other => other,
        };
        let found = smallest(&all, of.clone(), unsure, shrink);
        assert_eq!((found.enough, found.open), (sets(&[&[2, 4]]), sets(&[&[2, 5]])));
        // Claims that hold together lose none.
        let found = smallest(&[0, 1, 3], Vec::new(), look, shrink);
        assert_eq!((found.at_least, found.enough), (0, sets(&[&[]])));
    }

    #[test]
    fn the_smallest_sets_that_meet_all_are_those_of_brute_force() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for case in 0..300 {
            // More conflicts than bits of a word, too.
            let number = if case % 10 == 0 { 70 } else { rng.random_range(0..9) };
            let mut conflict = || -> BTreeSet<usize> {
                let size = rng.random_range(1..=3);
                (0..size).map(|_| rng.random_range(0..7)).collect()
            };
            let conflicts: Sets = (0..number).map(|_| conflict()).collect();
            let subsets = (0_usize..128)
                .map(|bits| (0..7).filter(|at| (bits >> at) & 1 == 1).collect::<BTreeSet<usize>>());
            let mut meeting: Sets = subsets
                .filter(|set| conflicts.iter().all(|conflict| !set.is_disjoint(conflict)))
                .collect();
            let least = meeting.iter().map(BTreeSet::len).min().unwrap_or(0);
            meeting.retain(|set| set.len() == least);
            meeting.sort();
            let (size, mut found, whole) = hitting_sets(&conflicts);
            found.sort();
            assert_eq!((size, found, whole), (least, meeting, true), "{case}: {conflicts:?}");
        }
    }
}
