//! What a derived number rests on: of all claims that hold, some from which its bounds follow, and
//! what the bounds would be without each of them.

use super::ranges::Ends;
use super::verdict::{Possibility, irreducible};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// As many proofs are looked for, of all numbers of a document. A number more than these is told
/// without what it rests on, and it is said.
pub(super) const PROOFS: usize = 6_000;

/// As many does a range take: a few at each end, once a linear program has said where to look.
const RANGE: usize = 10;

/// A claim that a derived number rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rest {
    /// The claim's name.
    pub claim: String,
    /// The least value that all other claims leave, if one is proven.
    pub least: Option<i64>,
    /// The largest.
    pub most: Option<i64>,
    /// Whether the bounds stay as they are without it: other claims give them, too. It is not
    /// proven by these, and was not tried against them: it was only left out.
    pub borne_out: bool,
    /// The facts of other sources that have the claim's figure digit for digit.
    pub confirmed_by: Vec<String>,
}

impl Rest {
    /// Whether the number stands and falls with this claim, which nothing else confirms.
    pub fn is_unconfirmed(&self) -> bool {
        !self.borne_out && self.confirmed_by.is_empty()
    }
}

/// Bounds that are proven: at least, at most.
pub(super) type ProvenBounds = (i128, i128);

/// Some of the claims that seem to be enough for a proof of bounds.
type Hint<'a> = dyn Fn(&[usize], ProvenBounds) -> Option<Vec<usize>> + 'a;

/// How proofs are looked for.
pub(super) struct Prover<'a> {
    /// The bounds that claims leave, where an end may be known; nothing if none are proven.
    pub range: &'a (dyn Fn(&[usize], Ends) -> Option<ProvenBounds> + Sync),
    /// Whether claims prove that nothing lies below the first or above the second.
    pub proves: &'a dyn Fn(&[usize], ProvenBounds) -> bool,
    /// Some of the claims that seem to be enough for such a proof; nothing if it is not seen which.
    pub hint: &'a Hint<'a>,
}

/// What bounds rest on: claims, each with the bounds that all others but it leave.
pub(super) type Rests = Vec<(usize, Option<ProvenBounds>)>;

/// What is known of sets of claims. What proves bounds does so with more claims, too; what does not
/// prove them does not with fewer.
struct Proofs<'a> {
    prover: &'a Prover<'a>,
    bounds: ProvenBounds,
    /// Claims that prove the bounds.
    enough: Vec<Vec<usize>>,
    /// Claims that do not.
    short: Vec<Vec<usize>>,
    /// Proofs that were looked for.
    taken: usize,
    allowed: usize,
}

impl Proofs<'_> {
    /// "Impossible" that the number lies beyond its bounds.
    fn look(&mut self, of: &[usize]) -> Possibility {
        let within = |few: &[usize], many: &[usize]| few.iter().all(|at| many.contains(at));
        if self.enough.iter().any(|enough| within(enough, of)) {
            return Possibility::Impossible;
        }
        if self.short.iter().any(|short| within(of, short)) {
            return Possibility::Possible;
        }
        self.taken += 2;
        if self.taken > self.allowed {
            return Possibility::Unknown;
        }
        if (self.prover.proves)(of, self.bounds) {
            let enough = self.cut(of, self.bounds);
            self.enough.push(enough);
            return Possibility::Impossible;
        }
        self.short.push(of.to_vec());
        Possibility::Possible
    }

    /// Of claims that prove bounds some that do, too.
    fn cut(&mut self, of: &[usize], bounds: ProvenBounds) -> Vec<usize> {
        let hint = (self.prover.hint)(of, bounds).filter(|hint| hint.len() < of.len());
        self.taken += 2;
        hint.filter(|hint| (self.prover.proves)(hint, bounds)).unwrap_or_else(|| of.to_vec())
    }
}

/// Claims of which none can be left out of the proof of these bounds, and what all claims but each
/// of them leave. `left` counts the proofs that may yet be looked for; nothing once there are none.
pub(super) fn rests(
    holding: &[usize],
    bounds: ProvenBounds,
    prover: &Prover<'_>,
    left: &mut usize,
) -> Option<Rests> {
    let (enough, short) = (Vec::new(), Vec::new());
    let mut proofs = Proofs { prover, bounds, enough, short, taken: 0, allowed: *left };
    let low = proofs.cut(holding, (bounds.0, i128::MAX));
    let high = proofs.cut(holding, (i128::MIN, bounds.1));
    let is_used = |at: &usize| low.contains(at) || high.contains(at);
    let proof: Vec<usize> = holding.iter().copied().filter(is_used).collect();
    proofs.enough.push(proof.clone());
    let without = |at: usize| {
        let end = |proof: &Vec<usize>, end: i128| (!proof.contains(&at)).then_some(end);
        (prover.range)(&all_but(holding, at), (end(&low, bounds.0), end(&high, bounds.1)))
    };
    // Claims of a proof are likely to stay, and what the others leave is then wanted of each. Where
    // they leave more, no look is needed.
    let mut left_by: BTreeMap<usize, Option<ProvenBounds>> = BTreeMap::new();
    if proof.len() < holding.len() && proofs.taken + RANGE * proof.len() <= proofs.allowed {
        left_by = proof.par_iter().map(|&at| (at, without(at))).collect();
        let wider = left_by.iter().filter(|(_, left)| **left != Some(bounds));
        proofs.short.extend(wider.map(|(&at, _)| all_but(holding, at)));
    }
    // A number that its matrix alone bounds so rests on no claim.
    let kept = match proofs.look(&[]) {
        Possibility::Impossible => Vec::new(),
        _ => irreducible(holding, |of| proofs.look(of)),
    };
    let cost = proofs.taken + RANGE * kept.len().max(left_by.len());
    if cost > proofs.allowed {
        *left = 0;
        return None;
    }
    *left -= cost;
    let enough = &proofs.enough;
    let rest = |at: usize| {
        // What another proof gives stays as it is.
        if enough.iter().any(|proof| !proof.contains(&at)) {
            return Some(bounds);
        }
        left_by.get(&at).copied().unwrap_or_else(|| without(at))
    };
    Some(kept.into_par_iter().map(|at| (at, rest(at))).collect())
}

/// All claims but one.
fn all_but(claims: &[usize], at: usize) -> Vec<usize> {
    claims.iter().copied().filter(|other| *other != at).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Claims 0 to 9 give the bounds 10 to 90, but 3 gives at least 40 and 5 at most 50; 7 gives at
    /// most 60.
    fn range(of: &[usize]) -> Option<(i128, i128)> {
        let low = if of.contains(&3) { 40 } else { 10 };
        let high = match (of.contains(&5), of.contains(&7)) {
            (true, _) => 50,
            (_, true) => 60,
            _ => 90,
        };
        Some((low, high))
    }

    #[test]
    fn the_claims_that_bounds_rest_on_are_found() {
        let proves = |of: &[usize], (low, high): (i128, i128)| {
            range(of).is_some_and(|(least, most)| low <= least && most <= high)
        };
        let tried = std::cell::Cell::new(0);
        let proves = |of: &[usize], bounds: (i128, i128)| {
            tried.set(tried.get() + 1);
            proves(of, bounds)
        };
        let range = |of: &[usize], _: Ends| range(of);
        let hint = |_: &[usize], _: ProvenBounds| -> Option<Vec<usize>> { None };
        let prover = Prover { range: &range, proves: &proves, hint: &hint };
        let all: Vec<usize> = (0..10).collect();
        let mut left = PROOFS;
        let found = rests(&all, (40, 50), &prover, &mut left).unwrap();
        assert_eq!(found, [(3, Some((10, 50))), (5, Some((40, 60)))]);
        assert!(left < PROOFS);
        // A hint spares proofs, and a wrong one changes nothing.
        let looks = tried.replace(0);
        for (hinted, fewer) in [(vec![5, 3], true), (vec![3, 7], false), (vec![], false)] {
            let hint = |_: &[usize], _: ProvenBounds| Some(hinted.clone());
            let prover = Prover { hint: &hint, ..prover };
            let found = rests(&all, (40, 50), &prover, &mut left).unwrap();
            assert_eq!(found, [(3, Some((10, 50))), (5, Some((40, 60)))], "{hinted:?}");
            assert_eq!(tried.replace(0) < looks, fewer, "{hinted:?}");
        }
        // Bounds that nothing says rest on nothing; and none are looked for once it is enough.
        assert!(rests(&all, (10, 90), &prover, &mut left).unwrap().is_empty());
        let mut few = 10;
        assert_eq!(rests(&all, (40, 50), &prover, &mut few), None);
        assert_eq!(few, 0);
    }
}
