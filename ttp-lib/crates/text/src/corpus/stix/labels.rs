//! The techniques of a release with what became of each, withdrawn ones too.

use super::{NOWHERE, clean, said, technique_id, with_objects};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Error, Result};

/// Whether a label may still be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::corpus) enum State {
    InUse,
    Revoked,
    Deprecated,
}

/// A technique or sub-technique that has an ATT&CK id.
#[derive(Debug, Clone)]
pub(in crate::corpus) struct Label {
    /// Its STIX id, which stays when its ATT&CK id changes.
    pub object: String,
    pub id: String,
    pub name: String,
    pub state: State,
}

/// All labels of a release.
pub(in crate::corpus) struct Labels {
    pub all: Vec<Label>,
    /// The STIX ids of what took a revoked object's place, by its own.
    pub revoked_by: BTreeMap<String, Vec<String>>,
}

/// Reads them from the bundles of one release.
pub(in crate::corpus) fn labels(bundles: &[&Path]) -> Result<Labels> {
    let mut labels = Labels { all: Vec::new(), revoked_by: BTreeMap::new() };
    with_objects(bundles, |lists, _| {
        for object in lists.iter().flatten() {
            if object.is("attack-pattern") {
                let Ok(id) = technique_id(object) else { continue };
                let state = match (object.revoked, object.x_mitre_deprecated) {
                    (Some(true), _) => State::Revoked,
                    (_, Some(true)) => State::Deprecated,
                    _ => State::InUse,
                };
                let name = clean::collapse(said(&object.name).unwrap_or(&id));
                labels.all.push(Label {
                    object: object.name_in_bundle().to_owned(),
                    id,
                    name,
                    state,
                });
            } else if object.is("relationship") && object.relates("revoked-by") {
                let ends = (said(&object.source_ref), said(&object.target_ref));
                let (Some(source), Some(target)) = ends else { continue };
                labels.revoked_by.entry(source.to_owned()).or_default().push(target.to_owned());
            }
        }
        Ok(())
    })?;
    if !labels.all.iter().any(|label| label.state == State::InUse) {
        let file = bundles.first().copied().unwrap_or(Path::new("bundle"));
        return Err(Error::input_at(file, None, Some("objects"), NOWHERE));
    }
    Ok(labels)
}
