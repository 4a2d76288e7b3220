//! The trained techniques as the newest ATT&CK version at hand has them.

use crate::RenamedTechnique;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_lib::Result;
use ttp_lib::corpus::changes::Change;
use ttp_lib::corpus::{LabelChanges, TechniqueEntry, technique_entries};

/// A technique that a model was trained on, and what it is called today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its id in training.
    pub trained: String,
    /// Its id in the newest ATT&CK version at hand; the same where nothing took its place.
    pub technique: String,
    /// Its name there.
    pub name: String,
    /// MITRE's own STIX id.
    pub stix_id: String,
    /// Short names of its tactics.
    pub tactics: Vec<String>,
}

/// Names, STIX ids and tactics of the trained techniques, and what became of them in a later
/// release. A technique that was withdrawn, and in whose place not exactly one stands, keeps its id
/// and its name.
///
/// # Errors
/// If a bundle cannot be read.
pub(super) fn labels(
    trained: &[String],
    bundles: &[&Path],
    later: Option<&Path>,
) -> Result<(Vec<Label>, Vec<RenamedTechnique>)> {
    let own = technique_entries(bundles)?;
    let Some(later) = later else {
        return Ok((trained.iter().map(|id| label(id, id, &own, &own)).collect(), Vec::new()));
    };
    let newest = technique_entries(&[later])?;
    let changes = LabelChanges::between(bundles, &[later])?;
    let today = |id: &String| changes.follow(id).unwrap_or(id).to_owned();
    let labels = trained.iter().map(|id| label(id, &today(id), &newest, &own)).collect();
    let changed = changes.changes.iter().filter(|change| trained.contains(&change.id));
    let changed = changed.filter_map(|change| {
        let why = match &change.change {
            Change::Revoked { by: Some(by) } => format!("revoked, {by} took its place"),
            Change::Revoked { by: None } => "revoked, nothing took its place".to_owned(),
            Change::Deprecated => "deprecated, nothing took its place".to_owned(),
            Change::Absent => "not in the later version".to_owned(),
            Change::Renamed { to } => format!("renamed from {} to {to}", change.name),
            Change::Split { into } if !into.iter().all(|id| id.starts_with(&change.id)) => {
                format!("revoked, {} took its place", into.join(", "))
            }
            // Sub-techniques are folded into their technique.
            Change::Split { .. } | Change::New => return None,
        };
        let to = changes.follow(&change.id).map(str::to_owned);
        Some(RenamedTechnique { from: change.id.clone(), to, why })
    });
    Ok((labels, changed.collect()))
}

fn label(
    trained: &str,
    today: &str,
    newest: &BTreeMap<String, TechniqueEntry>,
    own: &BTreeMap<String, TechniqueEntry>,
) -> Label {
    let entry = newest.get(today).or_else(|| own.get(trained)).cloned();
    let nothing =
        || TechniqueEntry { name: today.to_owned(), stix_id: String::new(), tactics: Vec::new() };
    let TechniqueEntry { name, stix_id, tactics } = entry.unwrap_or_else(nothing);
    Label { trained: trained.to_owned(), technique: today.to_owned(), name, stix_id, tactics }
}
