//! The layer and the bundle. `environment/tests/test_report_formats.py` opens with the libraries of
//! their makers what `written/` holds, and here it is held to the code.

use super::super::{LayerScore, layer, stix};
use super::{HOSTILE, STIX, hostile, no_live_address, sample};
use crate::Report;
use crate::review::ReviewedReport;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use ttp_base::files;

/// Bundles and layers of four reports, by their files' names.
fn written() -> BTreeMap<&'static str, Value> {
    let (sample, hostile) = (sample(), hostile(HOSTILE[2]));
    let mut silent = sample.clone();
    silent.techniques.clear();
    let mut decided = sample.clone();
    decided.documents[0].sentences[0].accepted = Some(true);
    decided.documents[0].sentences[1].corrected = Some("T1071.001".to_owned());
    let reviewed = ReviewedReport::of(decided).unwrap();
    let layer = |report: &Report| layer(report, &report.techniques, LayerScore::Probability);
    [
        ("bundle.json", stix::bundle(&sample)),
        ("bundle.hostile.json", stix::bundle(&hostile)),
        ("bundle.silent.json", stix::bundle(&silent)),
        ("layer.json", layer(&sample)),
        ("layer.hostile.json", layer(&hostile)),
        ("layer.silent.json", layer(&silent)),
        ("layer.reviewed.json", reviewed.layer()),
    ]
    .into()
}

#[test]
fn what_others_open_is_what_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("written");
    for (name, value) in written() {
        let path = folder.join(name);
        // To write them anew: TTP_WRITE_FORMATS=1 cargo test -p ttp-report what_others_open
        if std::env::var_os("TTP_WRITE_FORMATS").is_some() {
            files::write_json(&path, &value).unwrap();
        }
        let expected = serde_json::to_string_pretty(&value).unwrap() + "\n";
        assert!(
            std::fs::read_to_string(&path).unwrap() == expected,
            "{name} is not what is written"
        );
    }
}

#[test]
fn a_layer_has_scores_and_comments() {
    let report = sample();
    let of = |report: &Report| layer(report, &report.techniques, LayerScore::Probability);
    let layer = of(&report);
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert_eq!(layer["versions"]["attack"], "15");
    assert_eq!(
        (&layer["gradient"]["minValue"], &layer["gradient"]["maxValue"]),
        (&62.into(), &100.into())
    );
    let first = &layer["techniques"][0];
    assert_eq!((&first["techniqueID"], &first["score"]), (&"T1059.001".into(), &93.into()));
    assert_eq!(
        first["comment"],
        "river report.pdf, page 1, probability 0.93: The actor ran encoded PowerShell.\n\nnotes.txt, \
         paragraph 1, probability 0.66: The loader starts powershell.exe with a hidden window."
    );
    let comment = layer["techniques"][1]["comment"].as_str().unwrap();
    assert!(comment.contains("hxxp://evil[.]example[.]com/a.ps1 from 203[.]0[.]113[.]9"));
    // However high the threshold, there is room for colours.
    let mut strict = report.clone();
    strict.model.threshold = 1.0;
    assert_eq!(of(&strict)["gradient"]["minValue"], 90);
    // A technique with many sentences quotes some and counts the rest.
    let mut many = report.clone();
    many.techniques[0].evidence = vec![(0, 0); 11];
    let layer = of(&many);
    let comment = layer["techniques"][0]["comment"].as_str().unwrap();
    assert!(comment.ends_with("… and 3 sentences more"), "{comment}");
}

#[test]
fn a_bundle_keeps_mitres_ids() {
    let report = sample();
    let bundle = stix::bundle(&report);
    assert_eq!(bundle, stix::bundle(&report), "the same report gives the same bundle");
    let objects = bundle["objects"].as_array().unwrap();
    let of = |kind: &str| -> Vec<&Value> {
        objects.iter().filter(|object| object["type"] == kind).collect()
    };
    assert_eq!(of("attack-pattern").len(), 2);
    assert_eq!(of("attack-pattern")[1]["id"], STIX);
    assert_eq!(of("attack-pattern")[0]["external_references"][0]["external_id"], "T1059.001");
    let notes = of("note");
    assert_eq!(notes.len(), 3);
    assert_eq!(notes[2]["object_refs"], serde_json::json!([STIX]));
    assert_eq!(notes[2]["confidence"], 71);
    assert_eq!(of("report")[0]["object_refs"].as_array().unwrap().len(), 5);
    assert_eq!(of("report")[0]["published"], report.created);
    // Every id is there once, and every reference leads to one of them.
    let ids: BTreeSet<&str> = objects.iter().map(|o| o["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), objects.len());
    for object in objects {
        let refs = object["object_refs"].as_array().into_iter().flatten();
        for id in refs.chain(object.get("created_by_ref")) {
            assert!(ids.contains(id.as_str().unwrap()), "{id}");
        }
    }
    // Another run is another report; MITRE's objects and the tool stay.
    let later = Report { created: "2026-03-02T09:30:00Z".to_owned(), ..report };
    let later = stix::bundle(&later);
    let again = later["objects"].as_array().unwrap().iter();
    let same = again.filter(|object| ids.contains(object["id"].as_str().unwrap()));
    assert_eq!(same.count(), 4, "the tool, MITRE, two techniques");
    // No technique: a report all the same, which refers to something.
    let mut silent = sample();
    silent.techniques.clear();
    let silent = stix::bundle(&silent);
    assert_eq!(silent["objects"].as_array().unwrap().len(), 2);
}

#[test]
fn what_other_tools_show_is_defanged() {
    for text in HOSTILE {
        let report = hostile(text);
        let layer = layer(&report, &report.techniques, LayerScore::Probability);
        for shown in [layer, stix::bundle(&report)] {
            let mut texts = Vec::new();
            strings(&shown, &mut texts);
            for text in
                texts.into_iter().filter(|text| !text.starts_with("https://attack.mitre.org/"))
            {
                // A layer's comments are paragraphs.
                no_live_address(&text);
                assert!(!text.contains("https://"), "{text}");
            }
        }
    }
}

fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, out)),
        _ => {}
    }
}
