//! What a derived number rests on: of all claims that hold, some from which its bounds follow, and
//! what the bounds would be without each of them.

use super::verdict::{Look, irreducible};
use serde::Serialize;

/// As many proofs are looked for, of all numbers of a document. A number more than these is told
/// without what it rests on, and it is said.
pub(super) const PROOFS: usize = 6_000;

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
pub(super) type Bounds = (i128, i128);

/// How proofs are looked for.
pub(super) struct Prover<'a> {
    /// The bounds that claims leave; nothing if none are proven.
    pub range: &'a dyn Fn(&[usize]) -> Option<Bounds>,
    /// Whether claims prove that nothing lies below the first or above the second.
    pub proves: &'a dyn Fn(&[usize], Bounds) -> bool,
}

/// What bounds rest on: claims, each with the bounds that all others but it leave.
pub(super) type Rests = Vec<(usize, Option<Bounds>)>;

/// Claims of which none can be left out of the proof of these bounds, and what all claims but each
/// of them leave. `left` counts the proofs that may yet be looked for; nothing once there are none.
pub(super) fn rests(
    holding: &[usize],
    bounds: Bounds,
    prover: &Prover<'_>,
    left: &mut usize,
) -> Option<Rests> {
    let taken = std::cell::Cell::new(0_usize);
    let allowed = *left;
    let look = |of: &[usize]| {
        taken.set(taken.get() + 2);
        if taken.get() > allowed {
            return Look::Unknown;
        }
        // "Impossible" that the number lies beyond its bounds.
        if (prover.proves)(of, bounds) { Look::Impossible } else { Look::Possible }
    };
    // A number that its matrix alone bounds so rests on no claim.
    let kept = match look(&[]) {
        Look::Impossible => Vec::new(),
        _ => irreducible(holding, look),
    };
    // A few proofs at each end, once a linear program has said where to look.
    let cost = taken.get() + kept.len() * 10;
    if cost > allowed {
        *left = 0;
        return None;
    }
    *left -= cost;
    let without = |at: usize| {
        let others: Vec<usize> = holding.iter().copied().filter(|other| *other != at).collect();
        (prover.range)(&others)
    };
    Some(kept.into_iter().map(|at| (at, without(at))).collect())
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
        let prover = Prover { range: &range, proves: &proves };
        let all: Vec<usize> = (0..10).collect();
        let mut left = PROOFS;
        let found = rests(&all, (40, 50), &prover, &mut left).unwrap();
        assert_eq!(found, [(3, Some((10, 50))), (5, Some((40, 60)))]);
        assert!(left < PROOFS);
        // Bounds that nothing says rest on nothing; and none are looked for once it is enough.
        assert!(rests(&all, (10, 90), &prover, &mut left).unwrap().is_empty());
        let mut few = 10;
        assert_eq!(rests(&all, (40, 50), &prover, &mut few), None);
        assert_eq!(few, 0);
    }
}
