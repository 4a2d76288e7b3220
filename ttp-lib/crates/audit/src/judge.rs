//! Verdicts on all claims of a document: joint ones first, then those about other figures.

use super::claims::{Check, Claim, Claims};
use super::figure::Exact;
use super::outcome::{Audit, ClaimVerdict, shown};
use super::verdict::{Possibility, Reproduction, Verdict, smallest_conflict_from};
use std::collections::BTreeMap;

/// Looks for smaller conflicts, of sets whose looks are quick.
pub(super) const LOOKS: usize = 2000;

/// Judges every claim.
///
/// # Errors
/// If a figure of the file is finer than can be looked at: with the claim's line.
pub fn audit(claims: &Claims) -> ttp_base::Result<Audit> {
    let mut judge = Judge {
        claims,
        verdicts: vec![None; claims.claims.len()],
        exact: vec![None; claims.claims.len()],
        audit: Audit {
            document: claims.document.clone(),
            claims: Vec::new(),
            ranges: Vec::new(),
            facts: claims.facts.iter().map(|fact| shown(claims, fact)).collect(),
            binary: BTreeMap::new(),
            totals: BTreeMap::new(),
            classes: BTreeMap::new(),
            to_remove: Vec::new(),
        },
        holding: BTreeMap::new(),
    };
    judge.binary_sets()?;
    judge.class_matrices();
    judge.systems();
    judge.relations();
    judge.comparisons();
    judge.tell();
    let Judge { verdicts, mut audit, .. } = judge;
    for (claim, verdict) in claims.claims.iter().zip(verdicts) {
        let undecided = || Verdict::Undecided { needs: "a check that knows it".to_owned() };
        audit.claims.push(ClaimVerdict {
            id: claim.id.clone(),
            at: claim.at.clone(),
            says: claim.says.clone(),
            value: claim.value.as_ref().map(|value| value.text.clone()),
            verdict: verdict.unwrap_or_else(undecided),
            ours: claim.ours.clone(),
            run: claim.same_rows.as_ref().map(|_| Reproduction::NoRun),
            not_run: claim.not_run.clone(),
            same_rows: claim.same_rows.clone(),
            reading: claim.reading.clone(),
            facts: claims
                .facts
                .iter()
                .filter(|fact| fact.of.contains(&claim.id))
                .map(|fact| fact.id.clone())
                .collect(),
        });
    }
    Ok(audit)
}

pub(super) struct Judge<'a> {
    pub(super) claims: &'a Claims,
    pub(super) verdicts: Vec<Option<Verdict>>,
    /// Scores of which the matrix is known for certain.
    pub(super) exact: Vec<Option<Exact>>,
    pub(super) audit: Audit,
    /// Claims of a matrix or system that can hold together, by `m` or `q` and its place.
    pub(super) holding: BTreeMap<(char, usize), Vec<usize>>,
}

/// What became of a set of claims that are looked at together.
pub(super) struct Settlement {
    pub(super) holding: Vec<usize>,
    pub(super) conflicts: Vec<(Vec<usize>, bool)>,
    /// Whether the rest was shown to be possible.
    pub(super) shown: bool,
}

impl Judge<'_> {
    pub(super) fn claim(&self, at: usize) -> &Claim {
        &self.claims.claims[at]
    }

    pub(super) fn id(&self, at: usize) -> String {
        self.claim(at).id.clone()
    }

    pub(super) fn wrong(&self, at: usize) -> impl FnOnce(String) -> ttp_base::Error + use<'_> {
        move |reason| {
            let line = self.claim(at).line;
            ttp_base::Error::input_at(&self.claims.file, Some(line), Some("value"), reason)
        }
    }

    pub(super) fn conflict(&self, claims: &[usize], smallest: bool, reason: String) -> Verdict {
        let conflict = claims.iter().map(|&at| self.id(at)).collect();
        Verdict::Inconsistent { conflict, smallest, reason }
    }
}

/// Takes out one conflict after the other, until the rest can hold together.
pub(super) fn settle(
    members: &[usize],
    looks: usize,
    look: impl Fn(&[usize]) -> Possibility,
) -> Settlement {
    settle_from(members, looks, |all| all.to_vec(), |_| false, look)
}

/// The same; conflicts are looked for in what `shrink` leaves, and what is `known` to be possible
/// is not looked at.
pub(super) fn settle_from(
    members: &[usize],
    looks: usize,
    shrink: impl Fn(&[usize]) -> Vec<usize>,
    known: impl Fn(&[usize]) -> bool,
    look: impl Fn(&[usize]) -> Possibility,
) -> Settlement {
    let mut settled = Settlement { holding: members.to_vec(), conflicts: Vec::new(), shown: false };
    loop {
        if settled.holding.is_empty() {
            settled.shown = true;
            return settled;
        }
        match look(&settled.holding) {
            Possibility::Possible => {
                settled.shown = true;
                return settled;
            }
            Possibility::Unknown => return settled,
            Possibility::Impossible => {
                let all = &settled.holding;
                let conflict = smallest_conflict_from(all, &shrink(all), looks, &known, &look);
                settled.holding.retain(|at| !conflict.claims.contains(at));
                settled.conflicts.push((conflict.claims, conflict.smallest));
            }
        }
    }
}

pub(super) fn matrix_of(check: &Check) -> Option<usize> {
    match check {
        Check::OfClass(matrix, ..)
        | Check::Count(matrix, ..)
        | Check::Averaged(matrix, ..)
        | Check::Over(matrix, ..)
        | Check::Balanced(matrix, ..)
        | Check::Whole(matrix, ..)
        | Check::Accuracy(matrix)
        | Check::Total(matrix)
        | Check::Cell(matrix, ..)
        | Check::CellShare(matrix, ..)
        | Check::EitherWay(matrix, ..) => Some(*matrix),
        _ => None,
    }
}
