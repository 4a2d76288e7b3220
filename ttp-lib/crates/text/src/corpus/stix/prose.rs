//! What a bundle says beside its procedure sentences: prose that shows no technique in use, and the
//! name, STIX id and tactics of each technique.

use super::{NOWHERE, Object, clean, said, technique_id, techniques_in_use, with_objects};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;
use ttp_base::{Error, Result, spelling};

/// Which part of a bundle a sentence of prose stands in.
///
/// Tactics are left out: "The adversary is trying to steal account names and passwords" says what
/// an adversary does, in general. A model that learns such sentences as showing nothing learns
/// what is wrong. Descriptions of campaigns, which later releases have, tell what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProseKind {
    /// The description of a group (`intrusion-set`).
    Group,
    /// The description of malware or of a tool.
    Software,
    /// The description of a mitigation (`course-of-action`).
    Mitigation,
    /// How a mitigation helps against a technique (a relationship `mitigates`).
    MitigationUse,
    /// The description of a data source.
    DataSource,
    /// The description of a data component.
    DataComponent,
    /// How a technique is detected (`x_mitre_detection`, or a relationship `detects`).
    Detection,
}

impl ProseKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Group,
        Self::Software,
        Self::Mitigation,
        Self::MitigationUse,
        Self::DataSource,
        Self::DataComponent,
        Self::Detection,
    ];

    /// As in tables: `description of a group`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "description of a group",
            Self::Software => "description of software",
            Self::Mitigation => "description of a mitigation",
            Self::MitigationUse => "use of a mitigation",
            Self::DataSource => "description of a data source",
            Self::DataComponent => "description of a data component",
            Self::Detection => "detection of a technique",
        }
    }
}

impl fmt::Display for ProseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A sentence of a bundle's prose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProseSentence {
    /// Where it stands.
    pub kind: ProseKind,
    /// The sentence, cleaned and cut as the corpus's sentences are.
    pub text: String,
    /// The STIX id of the object that it speaks of: of a mitigation's use, the mitigation.
    pub object: String,
    /// Whether it links to a technique or names one by its id.
    pub cites_technique: bool,
}

/// What a bundle says of a technique or sub-technique in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TechniqueEntry {
    /// Its name: `Command and Scripting Interpreter`.
    pub name: String,
    /// MITRE's own STIX id, `attack-pattern--…`.
    pub stix_id: String,
    /// Short names of its tactics in the bundle's order: `defense-evasion`.
    pub tactics: Vec<String>,
}

/// A link to a technique: its text's end and its target.
static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\]\((https?://attack\.mitre\.org/techniques/(T\d{4})[^)\s]*)\)").ok()
});

/// A technique's id.
static ID: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bT\d{4}\b").ok());

/// The sentences of a description, each with whether it cites a technique.
fn sentences(description: &str) -> Vec<(String, bool)> {
    let (Some(link), Some(id)) = (LINK.as_ref(), ID.as_ref()) else { return Vec::new() };
    // Cleaning takes a link's target away: the id is put into the link's text first.
    let marked = link.replace_all(description, " $2]($1)");
    let mut found = clean::sentences(&marked);
    found.retain(|text| text.contains(char::is_alphabetic) && !spelling::is_missing_value(text));
    found.into_iter().map(|text| (id.is_match(&text), text)).map(|(c, t)| (t, c)).collect()
}

/// The prose of some bundles that shows no technique in use, in the order of the files. Withdrawn
/// objects are left out. A sentence that stands in several places is given as often.
///
/// # Errors
/// As [`build()`](crate::corpus::build()).
pub fn prose(bundles: &[&Path]) -> Result<Vec<ProseSentence>> {
    let mut found = Vec::new();
    let mut add = |kind, object: &str, text: &str| {
        for (text, cites_technique) in sentences(text) {
            found.push(ProseSentence { kind, text, object: object.to_owned(), cites_technique });
        }
    };
    with_objects(bundles, |lists, _| {
        for object in lists.iter().flatten().filter(|object| !object.withdrawn()) {
            let own = object.name_in_bundle();
            let description = said(&object.description).unwrap_or_default();
            match said(&object.kind).unwrap_or_default() {
                "intrusion-set" => add(ProseKind::Group, own, description),
                "malware" | "tool" => add(ProseKind::Software, own, description),
                "course-of-action" => add(ProseKind::Mitigation, own, description),
                "x-mitre-data-source" => add(ProseKind::DataSource, own, description),
                "x-mitre-data-component" => add(ProseKind::DataComponent, own, description),
                "attack-pattern" => {
                    let detection = said(&object.x_mitre_detection).unwrap_or_default();
                    add(ProseKind::Detection, own, detection);
                }
                "relationship" => {
                    let source = said(&object.source_ref).unwrap_or(own);
                    if object.relates("mitigates") {
                        add(ProseKind::MitigationUse, source, description);
                    } else if object.relates("detects") {
                        add(ProseKind::Detection, source, description);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Name, STIX id and tactics of each technique and sub-technique in use, by its id.
///
/// # Errors
/// As [`build()`](crate::corpus::build()).
pub fn technique_entries(bundles: &[&Path]) -> Result<BTreeMap<String, TechniqueEntry>> {
    with_objects(bundles, |lists, passed_over| {
        let (techniques, _) = techniques_in_use(lists, passed_over);
        let mut found = BTreeMap::new();
        for object in lists.iter().flatten().filter(|o| o.is("attack-pattern") && !o.withdrawn()) {
            let Ok(id) = technique_id(object) else { continue };
            if techniques.0.contains_key(&id) {
                found.insert(id, entry(object));
            }
        }
        if found.is_empty() {
            let file = bundles.first().copied().unwrap_or(Path::new("bundle"));
            return Err(Error::input_at(file, None, Some("objects"), NOWHERE));
        }
        Ok(found)
    })
}

fn entry(object: &Object<'_>) -> TechniqueEntry {
    let phases = object.kill_chain_phases.iter().flatten().flatten();
    let tactics = phases.filter_map(|phase| said(&phase.phase_name)).map(str::to_owned);
    TechniqueEntry {
        name: clean::collapse(said(&object.name).unwrap_or_default()),
        stix_id: object.name_in_bundle().to_owned(),
        tactics: tactics.collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(objects: &Value) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bundle = json!({"type": "bundle", "objects": objects});
        std::fs::write(file.path(), bundle.to_string()).unwrap();
        file
    }

    #[test]
    fn prose_is_told_by_kind_and_citations_are_seen() {
        let file = written(&json!([
            {"type": "intrusion-set", "id": "intrusion-set--1",
             "description": "APT0 is a group.(Citation: A) It uses [Phishing](https://attack.mitre.org/techniques/T1566/001) now."},
            {"type": "malware", "id": "malware--1", "description": "Fog is like T1059. Fog is new."},
            {"type": "tool", "id": "tool--1", "revoked": true, "description": "Gone."},
            {"type": "course-of-action", "id": "course-of-action--1", "description": "Patch it."},
            {"type": "relationship", "id": "relationship--1", "relationship_type": "Mitigates",
             "source_ref": "course-of-action--1", "target_ref": "attack-pattern--1",
             "description": "Block macros."},
            {"type": "relationship", "id": "relationship--2", "relationship_type": "uses",
             "source_ref": "malware--1", "target_ref": "attack-pattern--1",
             "description": "Fog runs scripts."},
            {"type": "x-mitre-data-source", "id": "x-mitre-data-source--1", "description": "A log. …"},
            {"type": "x-mitre-tactic", "id": "x-mitre-tactic--1", "description": "They try to get in."},
            {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Scripts",
             "description": "Adversaries run scripts.", "x_mitre_detection": "Monitor scripts.",
             "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
             "external_references": [{"source_name": "mitre-attack", "external_id": "T1059"}]},
        ]));
        let found = prose(&[file.path()]).unwrap();
        let short: Vec<_> =
            found.iter().map(|s| (s.kind, s.text.as_str(), s.cites_technique)).collect();
        let expected = [
            (ProseKind::Group, "APT0 is a group.", false),
            (ProseKind::Group, "It uses Phishing T1566 now.", true),
            (ProseKind::Software, "Fog is like T1059.", true),
            (ProseKind::Software, "Fog is new.", false),
            (ProseKind::Mitigation, "Patch it.", false),
            (ProseKind::MitigationUse, "Block macros.", false),
            (ProseKind::DataSource, "A log. …", false),
            (ProseKind::Detection, "Monitor scripts.", false),
        ];
        assert_eq!(short, expected);
        assert_eq!(found[5].object, "course-of-action--1");
        let entries = technique_entries(&[file.path()]).unwrap();
        let scripts = TechniqueEntry {
            name: "Scripts".into(),
            stix_id: "attack-pattern--1".into(),
            tactics: vec!["execution".into()],
        };
        assert_eq!(entries, BTreeMap::from([("T1059".to_owned(), scripts)]));
    }

    #[test]
    fn a_file_without_techniques_is_refused() {
        let file = written(&json!([{"type": "tool", "id": "tool--1"}]));
        let error = technique_entries(&[file.path()]).unwrap_err().to_string();
        assert!(error.contains("objects") && error.ends_with(NOWHERE), "{error}");
        std::fs::write(file.path(), "{\"type\": \"bundle\", \"obj").unwrap();
        assert!(prose(&[file.path()]).unwrap_err().to_string().contains("cut off"));
    }
}
