//! ATT&CK as STIX 2.x: techniques, and the sentences that describe them and how
//! malware and groups use them.

use super::build::{Candidate, Reason, Technique, Techniques, fold, is_technique_id};
use super::clean;
use super::kinship::{Kinship, ordered};
use crate::{Error, Result};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A string of the bundle, borrowed from it where it holds no escapes.
#[derive(Debug, Clone, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Debug, Deserialize)]
struct Bundle<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    objects: Option<Vec<Object<'a>>>,
}

/// The fields of STIX objects that are read here. Each may be absent: which ones
/// are missed depends on the object's type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    created: Option<Text<'a>>,
    #[serde(borrow)]
    relationship_type: Option<Text<'a>>,
    #[serde(borrow)]
    source_ref: Option<Text<'a>>,
    #[serde(borrow)]
    target_ref: Option<Text<'a>>,
    #[serde(borrow)]
    external_references: Option<Vec<Reference<'a>>>,
    #[serde(borrow)]
    kill_chain_phases: Option<Vec<Phase<'a>>>,
    revoked: Option<bool>,
    x_mitre_deprecated: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Reference<'a> {
    #[serde(borrow)]
    source_name: Option<Text<'a>>,
    #[serde(borrow)]
    external_id: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Phase<'a> {
    #[serde(borrow)]
    phase_name: Option<Text<'a>>,
}

/// An object of the bundle together with where it stands, for messages.
struct At<'b> {
    file: &'b Path,
    index: usize,
    object: &'b Object<'b>,
}

impl<'b> At<'b> {
    /// The field's text, or an error that names object and field.
    fn need(&self, field: &'static str, value: &'b Option<Text<'_>>) -> Result<&'b str> {
        match value {
            Some(Text(text)) if !text.trim().is_empty() => Ok(text),
            _ => Err(self.wrong(field, "missing or empty")),
        }
    }

    fn wrong(&self, field: &str, reason: impl std::fmt::Display) -> Error {
        let place = format!("objects[{}].{field}", self.index);
        let reason = match &self.object.id {
            Some(Text(id)) => format!("{reason} (in {id})"),
            None => reason.to_string(),
        };
        Error::input_at(self.file, None, Some(&place), reason)
    }
}

impl Object<'_> {
    fn withdrawn(&self) -> bool {
        self.revoked.unwrap_or(false) || self.x_mitre_deprecated.unwrap_or(false)
    }
}

/// The objects of a bundle that was read into `bytes`.
fn objects_of<'a>(file: &Path, bytes: &'a [u8]) -> Result<Vec<Object<'a>>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
        Error::input_at(file, Some(line), None, "not UTF-8")
    })?;
    let bundle: Bundle<'_> = serde_json::from_str(text).map_err(|e| explain(file, text, &e))?;
    if bundle.kind.as_ref().is_none_or(|Text(kind)| kind != "bundle") {
        return Err(Error::input_at(file, None, Some("type"), "not a STIX bundle"));
    }
    bundle
        .objects
        .ok_or_else(|| Error::input_at(file, None, Some("objects"), "missing: not a STIX bundle"))
}

/// What a bundle says of techniques: tactics by technique and sub-technique, and which
/// techniques' descriptions link to each other.
pub(super) fn kinship(file: &Path) -> Result<Kinship> {
    let bytes = std::fs::read(file).map_err(Error::file(file, "read"))?;
    let objects = objects_of(file, &bytes)?;
    let mut kinship = Kinship::default();
    for (index, object) in objects.iter().enumerate() {
        let at = At { file, index, object };
        if at.need("type", &object.kind)? != "attack-pattern" || object.withdrawn() {
            continue;
        }
        let id = technique_id(&at)?;
        let phases = object.kill_chain_phases.iter().flatten();
        let tactics = phases.filter_map(|phase| phase.phase_name.as_ref().map(|Text(t)| t));
        let tactics: BTreeSet<String> = tactics.map(|tactic| tactic.to_string()).collect();
        let linked = object.description.iter().flat_map(|Text(text)| linked_techniques(text));
        for other in linked.filter(|other| other != fold(&id)) {
            kinship.related.insert(ordered(fold(&id), &other));
        }
        kinship.tactics.insert(id, tactics);
    }
    Ok(kinship)
}

/// The techniques that a description's links lead to, sub-techniques folded in.
fn linked_techniques(description: &str) -> impl Iterator<Item = String> + '_ {
    description.split("/techniques/").skip(1).filter_map(|rest| {
        let id: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        is_technique_id(&id).then_some(id)
    })
}

/// What a bundle holds: its techniques, and every sentence that speaks of one.
pub(super) fn read(file: &Path) -> Result<(Techniques, Vec<Candidate>)> {
    let bytes = std::fs::read(file).map_err(Error::file(file, "read"))?;
    let objects = &objects_of(file, &bytes)?;

    // Every object by its id; the techniques by theirs.
    let mut by_id: BTreeMap<&str, At<'_>> = BTreeMap::new();
    let mut ordered = Vec::with_capacity(objects.len());
    let mut techniques = Techniques::default();
    for (index, object) in objects.iter().enumerate() {
        let at = At { file, index, object };
        let kind = at.need("type", &object.kind)?;
        let id = at.need("id", &object.id)?;
        if kind == "attack-pattern" && !object.withdrawn() {
            techniques.insert(
                technique_id(&at)?,
                Technique {
                    name: clean::collapse(at.need("name", &object.name)?),
                    created: object
                        .created
                        .as_ref()
                        .map(|Text(t)| t.to_string())
                        .unwrap_or_default(),
                },
            );
        }
        ordered.push((kind, id));
        by_id.insert(id, at);
    }
    if techniques.is_empty() {
        return Err(Error::input_at(file, None, Some("objects"), "holds no attack-pattern in use"));
    }
    techniques.check_parents(file)?;

    let described = |at: &At<'_>| at.object.description.as_ref().map(|Text(t)| t.to_string());
    let mut candidates = Vec::new();
    let mut add = |id: &str, text: Option<String>, pattern: &At<'_>, reason: Option<Reason>| {
        // A withdrawn technique's sentences are counted, and its id is not needed.
        let technique = if reason.is_none() { technique_id(pattern)? } else { String::new() };
        for text in clean::sentences(&text.unwrap_or_default()) {
            let (technique, source_id) = (technique.clone(), id.to_owned());
            candidates.push(Candidate { technique, text, source_id, dropped: reason });
        }
        Ok(())
    };
    for (kind, id) in &ordered {
        if *kind == "attack-pattern" {
            let at = &by_id[id];
            add(
                id,
                described(at),
                at,
                at.object.withdrawn().then_some(Reason::WithdrawnTechnique),
            )?;
        }
    }
    for (kind, id) in &ordered {
        if *kind != "relationship" {
            continue;
        }
        let at = &by_id[id];
        if at.need("relationship_type", &at.object.relationship_type)? != "uses" {
            continue;
        }
        let source = at.need("source_ref", &at.object.source_ref)?;
        let target = at.need("target_ref", &at.object.target_ref)?;
        if !target.starts_with("attack-pattern--") {
            continue;
        }
        let find = |field, id: &str| {
            by_id.get(id).ok_or_else(|| at.wrong(field, format!("{id} is not in the bundle")))
        };
        let (source, pattern) = (find("source_ref", source)?, find("target_ref", target)?);
        let by = source.object.kind.as_ref().map(|Text(kind)| kind.as_ref());
        let reason = if pattern.object.withdrawn() {
            Some(Reason::WithdrawnTechnique)
        } else if at.object.withdrawn() || source.object.withdrawn() {
            Some(Reason::WithdrawnSource)
        } else if !matches!(by, Some("malware" | "intrusion-set")) {
            Some(Reason::OtherSource)
        } else {
            None
        };
        add(id, described(at), pattern, reason)?;
    }
    Ok((techniques, candidates))
}

/// The ATT&CK id of an attack-pattern: `T1059` or `T1059.001`.
fn technique_id(at: &At<'_>) -> Result<String> {
    const FIELD: &str = "external_references";
    let references = at.object.external_references.as_deref().unwrap_or_default();
    let own = references.iter().find(|reference| {
        matches!(&reference.source_name, Some(Text(name)) if name.starts_with("mitre-") && name.ends_with("attack"))
    });
    let Some(Text(id)) = own.and_then(|reference| reference.external_id.as_ref()) else {
        return Err(
            at.wrong(FIELD, "no external_id of source mitre-attack: the technique id is missing")
        );
    };
    if !is_technique_id(id) {
        return Err(at.wrong(FIELD, format!("{id:?} is no technique id")));
    }
    Ok(id.to_string())
}

/// What serde could not read, by line where it is no JSON, by object and field where
/// it is JSON of another shape. Only taken once reading has failed, so it may be slow.
fn explain(file: &Path, text: &str, error: &serde_json::Error) -> Error {
    let by_line = |error: &serde_json::Error| {
        let reason = if error.is_eof() {
            format!("cut off: {error}")
        } else {
            format!("not a STIX bundle: {error}")
        };
        Error::input_at(file, Some(error.line()), None, reason)
    };
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return by_line(&error),
    };
    let Some(objects) = value.get("objects").and_then(serde_json::Value::as_array) else {
        return by_line(error);
    };
    for (index, object) in objects.iter().enumerate() {
        let Some(fields) = object.as_object() else {
            let place = format!("objects[{index}]");
            return Error::input_at(file, None, Some(&place), "not a JSON object");
        };
        for (field, value) in fields {
            let alone = serde_json::json!({ field: value }).to_string();
            if let Err(error) = serde_json::from_str::<Object<'_>>(&alone) {
                let place = format!("objects[{index}].{field}");
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or_default();
                return Error::input_at(file, None, Some(&place), reason);
            }
        }
    }
    by_line(error)
}
