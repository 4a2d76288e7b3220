//! What an audit of several documents leaves behind: its results file, and the sentences that
//! follow from the verdicts.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::{Measurements, counts, runs, summary_with};
use crate::outcome::{Audit, ClaimVerdict};
use crate::verdict::Verdict;
use serde::{Serialize, Serializer};
use std::path::Path;
use ttp_base::{Result, files};

/// Documents with their verdicts: a file `results/claims_audit.json`, as [`summary_with`] has it.
#[derive(Debug, Clone, Copy)]
pub struct AuditResults<'a> {
    /// Each document by itself.
    pub audits: &'a [Audit],
    /// Documents that are held together; their claims are those of the documents.
    pub together: &'a Audit,
    /// What runs of this project measured.
    pub ours: &'a Measurements,
}

impl Serialize for AuditResults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        summary_with(self.audits, std::slice::from_ref(self.together)).serialize(serializer)
    }
}

impl AuditResults<'_> {
    /// What follows from the verdicts, a sentence each; a line that is set in belongs to the one
    /// before. The numbers that claims determine are told of the documents `with_numbers`.
    pub fn findings(&self, with_numbers: &[Audit]) -> Vec<String> {
        let mut findings: Vec<String> = Vec::new();
        for audit in self.audits {
            findings.push(counts(audit));
            findings.extend(runs(audit));
        }
        findings.push(self.of_refuted());
        findings.extend(self.of_binary());
        findings.push(format!(
            "figures of ours that no run left here: {} (profile paper has the paper's three models)",
            self.unmeasured()
        ));
        for told in with_numbers.iter().flat_map(|audit| &audit.ranges) {
            findings.push(told.to_string());
            findings.extend(told.rests().map(|rests| format!("  {rests}")));
        }
        findings.push(self.together.document.clone());
        findings.extend(self.together.to_remove.iter().map(ToString::to_string));
        findings
    }

    fn claims(&self) -> impl Iterator<Item = &ClaimVerdict> {
        self.audits.iter().flat_map(|audit| &audit.claims)
    }

    /// How many claims cannot hold, and how short the proofs are.
    fn of_refuted(&self) -> String {
        let conflicts: Vec<usize> = self
            .claims()
            .filter_map(|claim| match &claim.verdict {
                Verdict::Inconsistent { conflict, .. } => Some(conflict.len()),
                _ => None,
            })
            .collect();
        let short = conflicts.iter().filter(|claims| **claims <= 2).count();
        format!(
            "{} claims cannot hold; {short} of them fall with one other claim or by themselves, so \
             two printed figures are enough to see it",
            conflicts.len()
        )
    }

    /// The binary matrices that are of degenerate classifiers.
    fn of_binary(&self) -> Vec<String> {
        let matrices = self
            .audits
            .iter()
            .flat_map(|audit| audit.binary.iter().map(move |(name, counts)| (audit, name, counts)));
        matrices
            .filter_map(|(audit, name, counts)| {
                Some(format!("{}, {name}: {}", audit.document, counts.empty()?))
            })
            .collect()
    }

    /// Claims that a run of this project could stand beside, and none is at hand.
    fn unmeasured(&self) -> usize {
        let paths = self.claims().filter_map(|claim| claim.ours.as_deref());
        paths.filter(|path| self.ours.get(path).is_none()).count()
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}
