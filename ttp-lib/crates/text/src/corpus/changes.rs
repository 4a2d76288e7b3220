//! What became of ATT&CK's techniques between two releases: a model gives the labels of the
//! release that it was trained on.

use super::candidates::fold;
use super::stix::labels::{Label, Labels, State, labels};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use ttp_base::Result;
use ttp_base::cells;
use ttp_base::show::{Cell, Table};

/// What became of a label. Of one label several may hold: renamed and split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// Withdrawn, and another label took its place, where the release says which.
    Revoked {
        /// The label in its place.
        by: Option<String>,
    },
    /// Withdrawn, and nothing took its place.
    Deprecated,
    /// The same id with another name.
    Renamed {
        /// The name in the later release.
        to: String,
    },
    /// A technique that had no sub-techniques and has some now, or a withdrawn label in whose
    /// place several stand.
    Split {
        /// The sub-techniques, or the labels in its place.
        into: Vec<String>,
    },
    /// In use, and the earlier release has not that id in use.
    New,
    /// The later release does not hold it, not even as withdrawn.
    Absent,
}

impl Change {
    /// The kind's name: `revoked`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Revoked { .. } => "revoked",
            Self::Deprecated => "deprecated",
            Self::Renamed { .. } => "renamed",
            Self::Split { .. } => "split",
            Self::New => "new",
            Self::Absent => "absent",
        }
    }

    /// What stands in its place, or its new name.
    fn outcome(&self) -> String {
        match self {
            Self::Revoked { by } => by.clone().unwrap_or_default(),
            Self::Renamed { to } => to.clone(),
            Self::Split { into } => into.join(", "),
            Self::Deprecated | Self::New | Self::Absent => String::new(),
        }
    }
}

/// One label's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelChange {
    /// The technique's or sub-technique's id; in the earlier release, but of a new one.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// What became of it.
    #[serde(flatten)]
    pub change: Change,
}

/// How many labels a change befell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LabelCounts {
    /// Techniques.
    pub techniques: usize,
    /// Sub-techniques.
    pub subtechniques: usize,
}

/// How the labels of two releases differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelChanges {
    /// Labels by the kind of their change; of one with several changes each is counted.
    pub counts: BTreeMap<&'static str, LabelCounts>,
    /// Labels of the earlier release that are the same in the later one.
    pub unchanged: LabelCounts,
    /// The changes, by id.
    pub changes: Vec<LabelChange>,
    /// The labels in use in the later release that each label in use in the earlier one became.
    #[serde(skip)]
    followed: BTreeMap<String, BTreeSet<String>>,
}

impl LabelChanges {
    /// Compares the bundles of an earlier with those of a later release. A label is followed by its
    /// STIX id, which stays when the ATT&CK id changes, and from what is revoked to what took its
    /// place, over several steps where need be.
    ///
    /// # Errors
    /// As [`build()`](super::build()).
    pub fn between(earlier: &[&Path], later: &[&Path]) -> Result<Self> {
        Ok(Self::of(&labels(earlier)?, &labels(later)?))
    }

    fn of(earlier: &Labels, later: &Labels) -> Self {
        let (before, after) = (in_use(earlier), in_use(later));
        let later = LaterLabels::of(later);
        let mut found = Self {
            counts: BTreeMap::new(),
            unchanged: LabelCounts::default(),
            changes: Vec::new(),
            followed: BTreeMap::new(),
        };
        for (id, label) in &before {
            let mut became = later.successors(&label.object);
            if became.is_empty() && after.contains_key(id) {
                became.insert((*id).to_owned());
            }
            let mut changes = Vec::new();
            if became.contains(*id) {
                let name = &after.get(id).unwrap_or(label).name;
                if *name != label.name {
                    changes.push(Change::Renamed { to: name.clone() });
                }
                let subs = subtechniques(id, &after);
                if subtechniques(id, &before).is_empty() && !subs.is_empty() {
                    changes.push(Change::Split { into: subs });
                }
            } else if became.len() > 1 {
                changes.push(Change::Split { into: became.iter().cloned().collect() });
            } else {
                let by = became.first().cloned();
                let state = later.by_object.get(&*label.object).map(|label| label.state);
                changes.push(match state.or(later.withdrawn.get(id).copied()) {
                    Some(State::Deprecated) if by.is_none() => Change::Deprecated,
                    None if by.is_none() => Change::Absent,
                    _ => Change::Revoked { by },
                });
            }
            if changes.is_empty() {
                found.unchanged.add(id);
            }
            changes.into_iter().for_each(|change| found.add(label, change));
            found.followed.insert((*id).to_owned(), became);
        }
        for (_, label) in after.iter().filter(|(id, _)| !before.contains_key(*id)) {
            found.add(label, Change::New);
        }
        found.changes.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    fn add(&mut self, label: &Label, change: Change) {
        self.counts.entry(change.kind()).or_default().add(&label.id);
        self.changes.push(LabelChange { id: label.id.clone(), name: label.name.clone(), change });
    }

    /// The technique of the later release that an earlier release's label became, sub-techniques
    /// folded in: a model's label read as the later release has it. `None` where nothing took its
    /// place, or several did, or the earlier release has no such label.
    pub fn follow(&self, label: &str) -> Option<&str> {
        let became: BTreeSet<&str> =
            self.followed.get(label)?.iter().map(|label| fold(label)).collect();
        if became.len() == 1 { became.first().copied() } else { None }
    }

    /// Counts by kind, techniques and sub-techniques apart.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(["labels", "techniques", "sub-techniques"]);
        let rows = self.counts.iter().map(|(kind, counts)| (*kind, *counts));
        for (kind, counts) in rows.chain([("unchanged", self.unchanged)]) {
            table.push(cells![kind, counts.techniques, counts.subtechniques])?;
        }
        Ok(table)
    }

    /// Every change, new labels left out.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn list(&self) -> Result<Table> {
        let mut table = Table::new(["id", "name", "change", "became"]);
        for LabelChange { id, name, change } in &self.changes {
            if *change != Change::New {
                table.push(cells![id, name, change.kind(), Cell::from(change.outcome())])?;
            }
        }
        Ok(table)
    }
}

impl fmt::Display for LabelChanges {
    /// `2 deprecated, 62 new, 5 renamed, 7 revoked, 8 split; 538 as before`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.counts.iter().map(|(kind, counts)| format!("{} {kind}", counts.all()));
        let counted = counted.collect::<Vec<_>>().join(", ");
        let changes = if counted.is_empty() { "no change".to_owned() } else { counted };
        write!(f, "{changes}; {} as before", self.unchanged.all())
    }
}

impl LabelCounts {
    fn add(&mut self, id: &str) {
        if id.contains('.') { self.subtechniques += 1 } else { self.techniques += 1 }
    }

    /// Both together.
    pub fn all(&self) -> usize {
        self.techniques + self.subtechniques
    }
}

/// The later release, to follow labels in.
pub(super) struct LaterLabels<'a> {
    by_object: BTreeMap<&'a str, &'a Label>,
    withdrawn: BTreeMap<&'a str, State>,
    labels: &'a Labels,
}

impl<'a> LaterLabels<'a> {
    pub(super) fn of(labels: &'a Labels) -> Self {
        Self {
            by_object: labels.all.iter().map(|label| (label.object.as_str(), label)).collect(),
            withdrawn: labels.all.iter().map(|label| (label.id.as_str(), label.state)).collect(),
            labels,
        }
    }

    /// The ids in use that an object became.
    pub(super) fn successors(&self, object: &str) -> BTreeSet<String> {
        let (mut found, mut seen, mut left) = (BTreeSet::new(), BTreeSet::new(), vec![object]);
        while let Some(object) = left.pop() {
            // A release may hold a circle.
            if !seen.insert(object) {
                continue;
            }
            match self.by_object.get(object).map(|label| (label.state, &label.id)) {
                Some((State::InUse, id)) => {
                    found.insert(id.clone());
                }
                Some((State::Revoked, _)) => {
                    let next = self.labels.revoked_by.get(object).into_iter().flatten();
                    left.extend(next.map(String::as_str));
                }
                _ => {}
            }
        }
        found
    }
}

/// The labels in use, by id.
fn in_use(labels: &Labels) -> BTreeMap<&str, &Label> {
    let used = labels.all.iter().filter(|label| label.state == State::InUse);
    used.map(|label| (label.id.as_str(), label)).collect()
}

fn subtechniques(technique: &str, labels: &BTreeMap<&str, &Label>) -> Vec<String> {
    let own = labels.keys().filter(|id| **id != technique && fold(id) == technique);
    own.map(|id| (*id).to_owned()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A bundle of attack-patterns (STIX number, ATT&CK id, name, state) and who revoked whom.
    fn bundle(patterns: &[(u32, &str, &str, &str)], revoked_by: &[(u32, u32)]) -> Value {
        let object = |number: u32| format!("attack-pattern--{number}");
        let mut objects: Vec<Value> = patterns
            .iter()
            .map(|(number, id, name, state)| {
                json!({"type": "attack-pattern", "id": object(*number), "name": name,
                    "revoked": *state == "revoked", "x_mitre_deprecated": *state == "deprecated",
                    "external_references": [{"source_name": "mitre-attack", "external_id": id}]})
            })
            .collect();
        objects.extend(revoked_by.iter().map(|(from, to)| {
            json!({"type": "relationship", "id": format!("relationship--{from}-{to}"),
                "relationship_type": "revoked-by",
                "source_ref": object(*from), "target_ref": object(*to)})
        }));
        json!({"type": "bundle", "objects": objects})
    }

    fn between(earlier: &Value, later: &Value) -> Result<LabelChanges> {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a.json", "b.json"].map(|name| folder.path().join(name));
        std::fs::write(&first, earlier.to_string()).unwrap();
        std::fs::write(&second, later.to_string()).unwrap();
        LabelChanges::between(&[&first], &[&second])
    }

    #[test]
    fn each_label_is_followed_to_what_it_became() {
        let earlier = bundle(
            &[
                (1, "T0001", "Same", "used"),
                (2, "T0002", "Old name", "used"),
                (3, "T0003", "Two steps", "used"),
                (4, "T0004", "Parted", "used"),
                (5, "T0005", "Withdrawn", "used"),
                (6, "T0006", "Became several", "used"),
                (7, "T0006.001", "With its parent", "used"),
                (8, "T0008", "In a circle", "used"),
                (9, "T0009", "Not there", "used"),
                (10, "T0010", "Withdrawn before", "revoked"),
                (11, "T0011", "Other object", "used"),
                (12, "T0012", "Other id", "used"),
            ],
            &[],
        );
        let later = bundle(
            &[
                (1, "T0001", "Same", "used"),
                (2, "T0002", "New name", "used"),
                (3, "T0003", "Two steps", "revoked"),
                (33, "T0033", "Between", "revoked"),
                (34, "T0034.001", "End", "used"),
                (40, "T0034", "End's parent", "used"),
                (4, "T0004", "Parted", "used"),
                (41, "T0004.001", "First part", "used"),
                (42, "T0004.002", "Second part", "used"),
                (5, "T0005", "Withdrawn", "deprecated"),
                (6, "T0006", "Became several", "revoked"),
                (7, "T0006.001", "With its parent", "revoked"),
                (8, "T0008", "In a circle", "revoked"),
                (51, "T0011", "Other object", "used"),
                (12, "T0077", "Other id", "used"),
            ],
            &[(3, 33), (33, 34), (6, 1), (6, 2), (7, 41), (8, 8)],
        );
        let found = between(&earlier, &later).unwrap();
        let list: Vec<(&str, &str, String)> = found
            .changes
            .iter()
            .map(|c| (c.id.as_str(), c.change.kind(), c.change.outcome()))
            .collect();
        let expected = [
            ("T0002", "renamed", "New name"),
            ("T0003", "revoked", "T0034.001"),
            ("T0004", "split", "T0004.001, T0004.002"),
            ("T0004.001", "new", ""),
            ("T0004.002", "new", ""),
            ("T0005", "deprecated", ""),
            ("T0006", "split", "T0001, T0002"),
            ("T0006.001", "revoked", "T0004.001"),
            ("T0008", "revoked", ""),
            ("T0009", "absent", ""),
            ("T0012", "revoked", "T0077"),
            ("T0034", "new", ""),
            ("T0034.001", "new", ""),
            ("T0077", "new", ""),
        ];
        assert_eq!(list, expected.map(|(id, kind, to)| (id, kind, to.to_owned())));
        assert_eq!(found.counts["revoked"], LabelCounts { techniques: 3, subtechniques: 1 });
        assert_eq!(found.unchanged, LabelCounts { techniques: 2, subtechniques: 0 });
        let shown = "1 absent, 1 deprecated, 5 new, 1 renamed, 4 revoked, 2 split; 2 as before";
        assert_eq!(found.to_string(), shown);
        for (label, became) in [
            ("T0001", Some("T0001")),
            ("T0003", Some("T0034")),
            ("T0004", Some("T0004")),
            ("T0005", None),
            ("T0006", None),
            ("T0006.001", Some("T0004")),
            ("T0012", Some("T0077")),
            ("T9999", None),
        ] {
            assert_eq!(found.follow(label), became, "{label}");
        }
        assert!(found.table().unwrap().to_text().contains("unchanged"));
        assert!(!found.list().unwrap().to_text().contains("T0034.001  End"));
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["counts"]["new"], json!({"techniques": 2, "subtechniques": 3}));
        let renamed =
            json!({"id": "T0002", "name": "Old name", "kind": "renamed", "to": "New name"});
        assert_eq!(json["changes"][0], renamed);
    }

    #[test]
    fn a_bundle_without_techniques_in_use_is_refused() {
        let good = bundle(&[(1, "T0001", "Same", "used")], &[]);
        let none = bundle(&[(1, "T0001", "Same", "revoked")], &[]);
        assert_eq!(between(&good, &good).unwrap().to_string(), "no change; 1 as before");
        let said = between(&good, &none).unwrap_err().to_string();
        assert!(said.contains("b.json") && said.contains("no attack-pattern in use"), "{said}");
    }
}
