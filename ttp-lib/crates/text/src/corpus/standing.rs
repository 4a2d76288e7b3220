//! What a release of ATT&CK says of a technique's id that somebody wrote.

use super::changes::LaterLabels;
use super::stix::labels::{Labels, State, labels};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::Result;

/// Whether an id may still be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    InUse,
    /// Withdrawn, and other ids took its place: those of them that are in use, over several steps
    /// where need be.
    Revoked {
        /// In order; empty where the release does not say which.
        by: Vec<String>,
    },
    /// Withdrawn, and nothing took its place.
    Deprecated,
}

/// The standing of every technique and sub-technique of one release's bundles, withdrawn ones too, by
/// id. Where an id was given twice, the one in use counts.
///
/// # Errors
/// As [`build()`](super::build()).
pub fn standings(bundles: &[&Path]) -> Result<BTreeMap<String, Standing>> {
    Ok(of(&labels(bundles)?))
}

fn of(labels: &Labels) -> BTreeMap<String, Standing> {
    let release = LaterLabels::of(labels);
    let mut found = BTreeMap::new();
    for label in &labels.all {
        let standing = match label.state {
            State::InUse => Standing::InUse,
            State::Deprecated => Standing::Deprecated,
            State::Revoked => {
                let by = release.successors(&label.object).into_iter().collect();
                Standing::Revoked { by }
            }
        };
        match found.get_mut(&label.id) {
            Some(Standing::InUse) => {}
            Some(known) => *known = standing,
            None => {
                found.insert(label.id.clone(), standing);
            }
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_id_has_its_standing() {
        let pattern = |number: u32, id: &str, state: &str| {
            json!({"type": "attack-pattern", "id": format!("attack-pattern--{number}"), "name": id,
                "revoked": state == "revoked", "x_mitre_deprecated": state == "deprecated",
                "external_references": [{"source_name": "mitre-attack", "external_id": id}]})
        };
        let by = |from: u32, to: u32| {
            json!({"type": "relationship", "id": format!("relationship--{from}-{to}"),
                "relationship_type": "Revoked-By",
                "source_ref": format!("attack-pattern--{from}"),
                "target_ref": format!("attack-pattern--{to}")})
        };
        let objects: Vec<Value> = vec![
            pattern(1, "T0001", "used"),
            pattern(2, "T0001.001", "used"),
            pattern(3, "T0003", "revoked"),
            pattern(4, "T0004", "revoked"),
            pattern(5, "T0005", "deprecated"),
            pattern(6, "T0006", "revoked"),
            pattern(7, "T0001", "revoked"),
            pattern(8, "T0008", "revoked"),
            pattern(9, "T0008", "used"),
            by(3, 4),
            by(4, 2),
            by(3, 1),
        ];
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        std::fs::write(&file, json!({"type": "bundle", "objects": objects}).to_string()).unwrap();
        let revoked =
            |by: &[&str]| Standing::Revoked { by: by.iter().map(|id| (*id).to_owned()).collect() };
        let expected = [
            ("T0001", Standing::InUse),
            ("T0001.001", Standing::InUse),
            ("T0003", revoked(&["T0001", "T0001.001"])),
            ("T0004", revoked(&["T0001.001"])),
            ("T0005", Standing::Deprecated),
            ("T0006", revoked(&[])),
            ("T0008", Standing::InUse),
        ];
        let expected = expected.map(|(id, standing)| (id.to_owned(), standing));
        assert_eq!(standings(&[&file]).unwrap(), BTreeMap::from(expected));
    }
}
