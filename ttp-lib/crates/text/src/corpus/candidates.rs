//! What the readers of sources hand on: sentences that may become rows, and the techniques that
//! they speak of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use ttp_base::spelling::is_technique_id;

/// Which rows of a CSV file are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowChoice {
    /// Each text of a technique once, with blanks and line ends as one blank; rows that are
    /// no sentence are left out.
    #[default]
    Distinct,
    /// Every row as it stands in the file, equal ones and those without a word too: for a
    /// data set whose rows were counted by somebody else.
    EveryRow,
}

/// Why a sentence that was read is not in the corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It speaks of a technique that ATT&CK has revoked or deprecated.
    WithdrawnTechnique,
    /// It tells how malware or a group acts that ATT&CK has revoked or deprecated.
    WithdrawnSource,
    /// It tells how something other than malware, a group or a campaign acts (a legitimate tool).
    OtherSource,
    /// It tells how something acts, or of a technique, that is not in the bundle.
    MissingEnd,
    /// It speaks of a technique without an ATT&CK id, or of a sub-technique without its technique.
    UnusableTechnique,
    /// TRAM gives it to several techniques.
    SeveralTechniques,
    /// TRAM gives it to a technique name that this version of ATT&CK has not.
    UnknownTechnique,
    /// It has no letter in it: the rest of a table or a list.
    NoWord,
    /// It is the name of a missing value (`nan`, `null`, `N/A`), not a sentence.
    MissingValue,
    /// The same technique has that text already, case, spacing and punctuation set aside.
    Duplicate,
}

impl Reason {
    /// All reasons, in the order in which they are looked at.
    pub const ALL: [Self; 10] = [
        Self::WithdrawnTechnique,
        Self::WithdrawnSource,
        Self::OtherSource,
        Self::MissingEnd,
        Self::UnusableTechnique,
        Self::SeveralTechniques,
        Self::UnknownTechnique,
        Self::NoWord,
        Self::MissingValue,
        Self::Duplicate,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithdrawnTechnique => "technique revoked or deprecated",
            Self::WithdrawnSource => "malware or group revoked or deprecated",
            Self::OtherSource => "used by neither malware nor group nor campaign",
            Self::MissingEnd => "what uses it, or the technique, is not in the bundle",
            Self::UnusableTechnique => "technique without an id, or without its parent",
            Self::SeveralTechniques => "several techniques for one sentence",
            Self::UnknownTechnique => "technique name not in this ATT&CK version",
            Self::NoWord => "no word in it",
            Self::MissingValue => "the name of a missing value, such as nan",
            Self::Duplicate => "text already kept for this technique",
        })
    }
}

/// A sentence that was read, before it is known whether it is kept.
pub(super) struct Candidate {
    /// Technique or sub-technique id; empty where `dropped` is set.
    pub technique: String,
    pub text: String,
    pub source_id: String,
    /// Why it cannot be kept, as far as its source alone tells.
    pub dropped: Option<Reason>,
}

/// The technique of an id: a sub-technique's own, any other label itself.
pub(super) fn fold(id: &str) -> &str {
    if is_technique_id(id) { id.split('.').next().unwrap_or(id) } else { id }
}

/// A technique or sub-technique in use.
#[derive(Debug, Clone)]
pub(super) struct Technique {
    pub name: String,
    /// When ATT&CK made it: an RFC 3339 time in UTC, so that text order is time order.
    pub created: String,
}

/// The techniques and sub-techniques in use, by id.
#[derive(Debug, Default)]
pub(super) struct Techniques(pub(super) BTreeMap<String, Technique>);

impl Techniques {
    pub fn insert(&mut self, id: String, technique: Technique) {
        self.0.insert(id, technique);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the technique itself, also for a sub-technique's id.
    pub fn parent_name(&self, id: &str) -> Option<String> {
        self.0.get(fold(id)).map(|technique| technique.name.clone())
    }

    /// Sub-techniques whose technique is not in use.
    pub fn without_parent(&self) -> Vec<String> {
        self.0.keys().filter(|id| !self.0.contains_key(fold(id))).cloned().collect()
    }

    pub fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Ids by small-letter name. Where a technique and a sub-technique share a name,
    /// the technique has it; where two of a kind do, the one ATT&CK made first: TRAM v1
    /// is older than the second `Spearphishing Attachment` (T1598.002, of 2020).
    pub fn by_name(&self) -> BTreeMap<String, &str> {
        let mut order: Vec<_> = self.0.iter().collect();
        order.sort_by_key(|(id, technique)| (id.contains('.'), &technique.created, *id));
        let mut names = BTreeMap::new();
        for (id, technique) in order {
            names.entry(technique.name.to_lowercase()).or_insert(id.as_str());
        }
        names
    }
}

/// Labels in the order of a set, for messages.
pub(super) fn some_of(known: &BTreeMap<String, String>) -> String {
    let first: BTreeSet<_> = known.keys().take(3).map(String::as_str).collect();
    let first = first.into_iter().collect::<Vec<_>>().join(", ");
    format!("{} are known: {first} …", known.len())
}
