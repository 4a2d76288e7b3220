//! What ATT&CK says of its techniques beside their sentences: the tactics that each serves,
//! and which of them its own descriptions bring together.

use super::candidates::fold;
use super::stix::{self, Pattern};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use ttp_base::Result;

/// How techniques are akin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kinship {
    /// The tactics of each technique (`T1059`) and sub-technique (`T1059.001`), by the names
    /// of their phases: `defense-evasion`.
    pub tactics: BTreeMap<String, BTreeSet<String>>,
    /// Two techniques of which the one's description links to the other, the smaller id
    /// first; sub-techniques are folded in.
    pub related: BTreeSet<(String, String)>,
}

impl Kinship {
    /// Reads it from an ATT&CK bundle; withdrawn techniques are left out.
    ///
    /// # Errors
    /// As [`build()`](super::build()).
    pub fn of_bundle(bundle: &Path) -> Result<Self> {
        Self::of(&[bundle])
    }

    /// Reads it from several bundles.
    ///
    /// # Errors
    /// As [`of_bundle`](Self::of_bundle).
    pub fn of_bundles(bundles: &[PathBuf]) -> Result<Self> {
        Self::of(&bundles.iter().map(PathBuf::as_path).collect::<Vec<_>>())
    }

    fn of(bundles: &[&Path]) -> Result<Self> {
        let mut kinship = Self::default();
        for Pattern { id, tactics, linked } in stix::patterns(bundles)? {
            for other in linked.iter().filter(|other| *other != fold(&id)) {
                kinship.related.insert(ordered(fold(&id), other));
            }
            kinship.tactics.insert(id, tactics);
        }
        Ok(kinship)
    }

    /// Whether one of two techniques' descriptions links to the other.
    pub fn are_related(&self, a: &str, b: &str) -> bool {
        self.related.contains(&ordered(a, b))
    }
}

/// Two ids, the smaller first.
fn ordered(a: &str, b: &str) -> (String, String) {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    (first.to_owned(), second.to_owned())
}
