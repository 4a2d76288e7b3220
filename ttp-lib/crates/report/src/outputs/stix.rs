//! `bundle.json`: a STIX 2.1 bundle
//! (<https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html>).
//!
//! It holds a `report` over the documents, an `attack-pattern` for each technique, and a `note` for
//! each sentence that shows one.
//!
//! A technique stands under MITRE's own id, so that a store that holds ATT&CK joins the report to what
//! it has. A reference alone would be enough for STIX; but an importer without ATT&CK drops what a
//! report refers to and the bundle does not hold (OpenCTI reports a missing reference, misp-stix an
//! unknown object). So each technique is there as a stub: its name, tactics, and the reference
//! `mitre-attack` by which importers find their own copy. Its times are the first of all, earlier than
//! those of any version by MITRE, so that a store that keeps the newest version keeps MITRE's text.
//! The stubs name MITRE as their author, and MITRE's identity is in the bundle for the same reason.

use super::{safe, title, trust};
use crate::id::{self, Uuid};
use crate::{Report, Technique};
use serde_json::{Value, json};

/// MITRE's identity in its own bundles.
const MITRE: &str = "identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5";
/// When MITRE made it.
const MITRE_SINCE: &str = "2017-06-01T00:00:00.000Z";
/// Earlier than every version of a technique.
const FIRST: &str = "1970-01-01T00:00:00.000Z";
/// Whose work the notes are: one object for all reports, so its times are fixed.
const TOOL_SINCE: &str = "2025-01-01T00:00:00.000Z";

/// The bundle. The same report gives the same bytes; nothing in it is drawn by chance.
pub(super) fn bundle(report: &Report) -> Value {
    // Another run over the same documents is another report, since `created` may never change.
    let of = id::of_report(report).name(&report.created);
    let tool = format!("identity--{}", id::of_tool());
    let patterns: Vec<String> = report.techniques.iter().map(pattern_id).collect();
    let notes: Vec<Value> = report
        .techniques
        .iter()
        .zip(&patterns)
        .flat_map(|(technique, pattern)| notes(report, of, &tool, technique, pattern))
        .collect();
    let mut refs: Vec<Value> = patterns.iter().map(|pattern| json!(pattern)).collect();
    refs.extend(notes.iter().map(|note| note["id"].clone()));
    if refs.is_empty() {
        // STIX asks for at least one.
        refs.push(json!(tool));
    }
    let mut objects = vec![identity(&tool, "ttp report", "system", TOOL_SINCE)];
    if !patterns.is_empty() {
        objects.push(identity(MITRE, "The MITRE Corporation", "organization", MITRE_SINCE));
    }
    objects.push(over_documents(report, of, &tool, refs));
    let stubs = report.techniques.iter().zip(&patterns);
    objects.extend(stubs.map(|(technique, id)| stub(technique, id)));
    objects.extend(notes);
    json!({ "type": "bundle", "id": format!("bundle--{}", of.name("bundle")), "objects": objects })
}

fn identity(id: &str, name: &str, class: &str, since: &str) -> Value {
    json!({
        "type": "identity", "spec_version": "2.1", "id": id, "created": since, "modified": since,
        "name": name, "identity_class": class
    })
}

/// The object that refers to all others.
fn over_documents(report: &Report, of: Uuid, tool: &str, refs: Vec<Value>) -> Value {
    let documents = report.documents.iter().map(|read| {
        let document = &read.document;
        let mut reference = json!({
            "source_name": not_empty(&document.name),
            "description": format!("the document that was read, sha256 {}", safe(&document.sha256))
        });
        if document.sha256.len() == 64 && document.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            reference["hashes"] = json!({ "SHA-256": document.sha256 });
        }
        reference
    });
    let documents: Vec<Value> = documents.collect();
    let mut object = json!({
        "type": "report", "spec_version": "2.1", "id": format!("report--{of}"),
        "created_by_ref": tool, "created": report.created, "modified": report.created,
        "name": not_empty(&title(report)),
        "description": format!(
            "Techniques that the model {} finds in the documents, each with the sentences that show \
             it. {}", safe(&report.model.name), trust(report)
        ),
        "report_types": ["threat-report"],
        "published": report.created,
        "object_refs": refs
    });
    if !documents.is_empty() {
        object["external_references"] = json!(documents);
    }
    object
}

/// STIX takes no empty names.
fn not_empty(text: &str) -> String {
    if text.trim().is_empty() { "unnamed".to_owned() } else { safe(text) }
}

/// MITRE's id; one of our own where a technique came without it.
fn pattern_id(technique: &Technique) -> String {
    let id = &technique.stix_id;
    let own = || format!("attack-pattern--{}", id::of_technique(&technique.technique));
    let Some(uuid) = id.strip_prefix("attack-pattern--") else { return own() };
    let shape = uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        });
    if shape { id.clone() } else { own() }
}

fn stub(technique: &Technique, id: &str) -> Value {
    let number = &technique.technique;
    let mut object = json!({
        "type": "attack-pattern", "spec_version": "2.1", "id": id,
        "created_by_ref": MITRE, "created": FIRST, "modified": FIRST,
        "name": not_empty(if technique.name.is_empty() { number } else { &technique.name }),
        "external_references": [{
            "source_name": "mitre-attack",
            "external_id": number,
            "url": format!("https://attack.mitre.org/techniques/{}", number.replace('.', "/"))
        }]
    });
    let phase = |tactic: &String| json!({ "kill_chain_name": "mitre-attack", "phase_name": not_empty(tactic) });
    if !technique.tactics.is_empty() {
        let phases: Vec<Value> = technique.tactics.iter().map(phase).collect();
        object["kill_chain_phases"] = json!(phases);
    }
    object
}

/// A note for each sentence of a technique.
fn notes(
    report: &Report,
    of: Uuid,
    tool: &str,
    technique: &Technique,
    pattern: &str,
) -> Vec<Value> {
    let found = technique.evidence.iter().filter_map(|&(document, number)| {
        let (read, judgement) = report.sentence(document, number)?;
        let probability = judgement.probability_of(&technique.technique);
        let id = of.name(format!("note\n{}\n{document}\n{number}", technique.technique));
        let summary = format!(
            "{} {} with probability {probability:.2} ({}, {})",
            technique.technique,
            safe(&technique.name),
            safe(&read.document.name),
            read.place(judgement)
        );
        Some(json!({
            "type": "note", "spec_version": "2.1", "id": format!("note--{id}"),
            "created_by_ref": tool, "created": report.created, "modified": report.created,
            // Rounded to whole per cent, from 0 to 100.
            "confidence": (100.0 * probability.clamp(0.0, 1.0)).round() as u8,
            "abstract": summary,
            "content": not_empty(&judgement.sentence.text),
            "authors": [format!("ttp report, model {}", safe(&report.model.name))],
            "object_refs": [pattern]
        }))
    });
    found.collect()
}
