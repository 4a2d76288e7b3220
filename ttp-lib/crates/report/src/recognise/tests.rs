//! A made-up bundle, a model of it, its folder, and a report.

use super::*;
use crate::RenamedTechnique;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use ttp_documents::{Block, Document, Format, Kind, Sentence};
use ttp_lib::corpus::{Corpus, ProseKind, Source, build};
use ttp_lib::linear::CompactModel;
use ttp_lib::metrics::Bootstrap;
use ttp_lib::split::Shares;

/// Techniques, and what is done.
const DOES: [(&str, &str, &str); 4] = [
    ("T1003", "OS Credential Dumping", "dumps passwords from the memory of lsass"),
    ("T1059", "Command and Scripting Interpreter", "runs PowerShell scripts and commands"),
    ("T1105", "Ingress Tool Transfer", "fetches more files from its server"),
    ("T1566", "Phishing", "sends mails with a malicious attachment"),
];
const SOFTWARE: [&str; 30] = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper",
    "Katsura", "Larch", "Maple", "Nutmeg", "Oak", "Pine", "Quince", "Rowan", "Spruce", "Teak",
    "Upas", "Viburnum", "Willow", "Yew", "Zelkova", "Acacia", "Balsa", "Cypress", "Durian",
    "Ebony",
];

fn pattern(id: &str, name: &str, fields: Value) -> Value {
    let mut object = json!({
        "type": "attack-pattern", "id": format!("attack-pattern--{name}"), "name": name,
        "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
        "external_references": [{"source_name": "mitre-attack", "external_id": id}],
    });
    let fields = fields.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(fields);
    object
}

/// Thirty sentences of each technique, and as many of prose.
fn bundle() -> Value {
    let mut objects = Vec::new();
    for (id, name, _) in DOES {
        let detection = format!("Monitor the logs of {name} for what is unusual.");
        objects.push(pattern(id, name, json!({"x_mitre_detection": detection})));
    }
    for (at, software) in SOFTWARE.iter().enumerate() {
        let number = at + 2;
        objects.push(json!({"type": "malware", "id": format!("malware--{at}"), "name": software,
            "description": format!("{software} is a family of malware first seen in {}, number {number} of its kind. \
                {software} is like [Phishing](https://attack.mitre.org/techniques/T1566).", 1990 + at)}));
        objects.push(json!({"type": "intrusion-set", "id": format!("intrusion-set--{at}"),
            "description": format!("The {software} Group is a team of {number} people active since {}.", 1991 + at)}));
        objects.push(json!({"type": "course-of-action", "id": format!("course-of-action--{at}"),
            "description": format!("Patch {software} servers within {number} days.")}));
        for (_, name, does) in DOES {
            objects.push(
                json!({"type": "relationship", "id": format!("relationship--{at}-{name}"),
                "relationship_type": "uses", "source_ref": format!("malware--{at}"),
                "target_ref": format!("attack-pattern--{name}"),
                "description": format!("{software} {does} in step {number}.")}),
            );
        }
    }
    json!({"type": "bundle", "objects": objects})
}

/// The same techniques later: one has another name, one another id.
fn later() -> Value {
    let mut objects = Vec::new();
    for (id, name, _) in DOES {
        objects.push(match id {
            "T1059" => {
                let mut renamed = pattern(id, name, json!({}));
                renamed["name"] = "Scripts".into();
                renamed
            }
            "T1566" => pattern(id, name, json!({"revoked": true})),
            _ => pattern(id, name, json!({})),
        });
    }
    objects.push(pattern("T1999", "Luring", json!({})));
    objects.push(json!({"type": "relationship", "id": "relationship--r",
        "relationship_type": "revoked-by", "source_ref": "attack-pattern--Phishing",
        "target_ref": "attack-pattern--Luring"}));
    json!({"type": "bundle", "objects": objects})
}

fn written(folder: &Path, name: &str, bundle: &Value) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bundle.to_string()).unwrap();
    path
}

fn corpus_of(bundle: &Path) -> Corpus {
    build(&Source::Attack { bundle: bundle.to_path_buf(), tram: None }).unwrap().corpus
}

const SHARES: Shares = Shares { train: 0.6, validation: 0.2, test: 0.2 };
const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };

fn trained_on(bundle: &Value) -> ttp_lib::Result<TrainedReportModel> {
    let folder = tempfile::tempdir().unwrap();
    let first = written(folder.path(), "a.json", bundle);
    let second = written(folder.path(), "b.json", &later());
    train(
        &Training {
            corpus: &corpus_of(&first),
            bundles: vec![first],
            version: "10.1",
            later: Some((second, "15.1")),
            least: 20,
            shares: SHARES,
            seed: 1,
            bootstrap: BOOTSTRAP,
            precision: 0.8,
            tram_v2: None,
            negatives: Vec::new(),
            encoder: None,
        },
        &mut |_| {},
    )
}

fn trained() -> TrainedReportModel {
    trained_on(&bundle()).unwrap()
}

/// A document whose blocks are a sentence each.
fn document(name: &str, texts: &[&str]) -> (Document, Vec<Sentence>) {
    let block = |text: &&str| Block { page: None, kind: Kind::Prose, text: (*text).to_owned() };
    let sentence = |(block, text): (usize, &&str)| Sentence {
        block,
        start: 0,
        end: text.chars().count(),
        text: (*text).to_owned(),
    };
    let document = Document {
        name: name.to_owned(),
        format: Format::Text,
        sha256: String::new(),
        blocks: texts.iter().map(block).collect(),
        notes: Vec::new(),
    };
    (document, texts.iter().enumerate().map(sentence).collect())
}

#[test]
fn no_object_of_the_prose_is_in_two_parts_and_each_sentence_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "a.json", &bundle());
    let (parts, account) = rows(&corpus_of(&path), &[&path], 20, SHARES, 1).unwrap();
    let objects = |part: &[Row]| -> BTreeSet<String> {
        part.iter().filter(|row| row.kind.is_some()).map(|row| row.object.clone()).collect()
    };
    let [a, b, c] = [&parts.train, &parts.validation, &parts.test].map(|part| objects(part));
    assert!(a.is_disjoint(&b) && a.is_disjoint(&c) && b.is_disjoint(&c));
    let read = corpus_prose(&path);
    assert_eq!(account.prose.values().map(ProseCount::read).sum::<usize>(), read);
    let software = account.prose[&ProseKind::Software];
    assert_eq!((software.citing, software.read()), (30, 60));
    assert_eq!(account.procedures.iter().sum::<usize>(), 120);
    let table = account.table().unwrap().to_text();
    assert!(table.contains("description of software") && table.contains("all"), "{table}");
    // Another seed parts otherwise, the same one alike.
    let again = rows(&corpus_of(&path), &[&path], 20, SHARES, 1).unwrap().0;
    let other = rows(&corpus_of(&path), &[&path], 20, SHARES, 2).unwrap().0;
    assert!(again == parts && other != parts);
}

fn corpus_prose(path: &Path) -> usize {
    ttp_lib::corpus::prose(&[path]).unwrap().len()
}

#[test]
fn prose_that_quotes_a_procedure_sentence_is_left_out_and_too_little_is_said() {
    let mut bundle = bundle();
    let objects = bundle["objects"].as_array_mut().unwrap();
    objects.push(json!({"type": "tool", "id": "tool--q",
        "description": "Alder dumps passwords from the memory of lsass in step 2. Oak is a tool."}));
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "a.json", &bundle);
    let (_, account) = rows(&corpus_of(&path), &[&path], 20, SHARES, 1).unwrap();
    assert_eq!(account.prose[&ProseKind::Software].procedures, 1);

    let kept = |o: &Value| o["type"] != "intrusion-set" && o["type"] != "course-of-action";
    let objects = bundle["objects"].as_array_mut().unwrap();
    objects.retain(kept);
    for object in objects {
        if object["type"] == "malware" || object["type"] == "tool" {
            object["description"] = "".into();
        }
        object.as_object_mut().unwrap().remove("x_mitre_detection");
    }
    let path = written(folder.path(), "b.json", &bundle);
    let error = rows(&corpus_of(&path), &[&path], 20, SHARES, 1).unwrap_err().to_string();
    let expected = "b.json, field \"objects\": it has too little prose without a technique: none is \
                    left for training";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_model_is_measured_and_its_labels_are_todays() {
    let TrainedReportModel { model, results } = &trained();
    assert_eq!((results.techniques, results.label_changes), (4, 2));
    assert_eq!(
        (results.attack_version.as_str(), results.trained_version.as_str()),
        ("15.1", "10.1")
    );
    let of_model = &results.models["tfidf-svm"];
    assert!(
        of_model.test.precision.value >= 0.8 && of_model.test.recall.value >= 0.8,
        "{of_model:?}"
    );
    assert!(of_model.accuracy > 0.9 && of_model.tram_v2.is_none());
    let ids: Vec<&str> = model.techniques().iter().map(|l| l.technique.as_str()).collect();
    assert_eq!(ids, ["T1003", "T1059", "T1105", "T1999"]);
    assert_eq!(model.techniques()[1].name, "Scripts");
    assert_eq!(model.techniques()[3].stix_id, "attack-pattern--Luring");
    let change = |from: &str, to: &str, why: &str| RenamedTechnique {
        from: from.into(),
        to: Some(to.into()),
        why: why.into(),
    };
    let renamed = "renamed from Command and Scripting Interpreter to Scripts";
    let expected = [
        change("T1059", "T1059", renamed),
        change("T1566", "T1999", "revoked, T1999 took its place"),
    ];
    assert_eq!(model.about().label_changes, expected);
    for verdict in
        model.verdicts(&["Alder is a family of malware.", "It runs PowerShell.", ""]).unwrap()
    {
        let all = verdict.none + verdict.techniques.iter().sum::<f64>();
        assert!((all - 1.0).abs() < 1e-9, "{verdict:?}");
    }
    let json = serde_json::to_value(results).unwrap();
    assert_eq!(serde_json::from_value::<Results>(json).unwrap(), *results);
    assert!(results.plot().unwrap().as_str().contains("tfidf-svm"));
    assert!(results.table().unwrap().to_text().contains("test"));
    assert!(results.prose_table().unwrap().to_text().contains("description of a group"));
}

#[test]
fn a_report_has_its_techniques_surest_first_over_all_documents() {
    let documents = vec![
        document(
            "a.txt",
            &[
                "The Linden Group is a team of 40 people active since 2011.",
                "Linden sends mails with a malicious attachment.",
                "Linden dumps passwords from the memory of lsass in step 5.",
            ],
        ),
        document("b.txt", &["Then it dumps passwords.", "Patch Linden servers within 9 days."]),
    ];
    let model = &trained().model;
    let report = recognise_sentences(documents, model, &Options::default()).unwrap();
    let evidence: Vec<Vec<bool>> = report
        .documents
        .iter()
        .map(|read| read.sentences.iter().map(|s| s.evidence).collect())
        .collect();
    assert_eq!(evidence[0], [false, true, true]);
    assert!(!evidence[1][1]);
    let named: BTreeMap<&str, &crate::Technique> =
        report.techniques.iter().map(|t| (t.technique.as_str(), t)).collect();
    let dumping = named["T1003"];
    assert_eq!(dumping.evidence[0], (0, 2));
    assert_eq!(
        (dumping.name.as_str(), dumping.tactics.as_slice()),
        ("OS Credential Dumping", &["execution".to_owned()][..])
    );
    assert_eq!(named["T1999"].evidence, [(0, 1)]);
    assert!(report.techniques.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
    for judged in report.documents.iter().flat_map(|read| &read.sentences) {
        assert!(judged.candidates.len() == 4 && judged.similar.is_empty());
        assert!(
            judged.candidates.windows(2).all(|pair| pair[0].probability >= pair[1].probability)
        );
        assert_eq!(judged.evidence, judged.candidates[0].probability >= report.model.threshold);
    }
    assert_eq!((report.model.name.as_str(), report.model.precision), ("tfidf-svm", 0.8));
    assert!(report.model.measured_precision >= 0.8);
    assert_eq!(report.label_changes.len(), 2);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(serde_json::from_value::<crate::Report>(json).unwrap(), report);

    let empty =
        recognise_sentences(vec![document("c.txt", &[])], model, &Options::default()).unwrap();
    assert!(empty.techniques.is_empty() && empty.documents.len() == 1);
}

#[test]
fn more_sentences_than_a_run_takes_are_refused() {
    let model = &trained().model;
    let many = vec!["It runs PowerShell."; MOST_SENTENCES];
    let documents = vec![document("few.txt", &many[..1]), document("many.txt", &many)];
    let error = recognise_sentences(documents, model, &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "many.txt: 50000 of 50001 sentences, and at most 50000 are read in one run: part it"
    );
}

#[test]
fn a_precision_that_is_none_is_refused() {
    let model = &trained().model;
    for (precision, said) in [
        (1.5, "setting precision: 1.5 is not above 0 and at most 1"),
        (0.0, "setting precision: 0 is not above 0 and at most 1"),
        (f64::NAN, "setting precision: NaN is not above 0 and at most 1"),
    ] {
        let options = Options { precision, ..Options::default() };
        let error = recognise_sentences(Vec::new(), model, &options).unwrap_err();
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn a_folder_is_read_again_and_says_what_is_wrong_with_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("report");
    let model = &trained().model;
    model.save(&folder).unwrap();
    let open = || ReportModel::open(&folder, Models::AllThereAre);
    let texts = ["It runs PowerShell scripts.", "Oak is a tree."];
    let again = open().unwrap();
    assert_eq!(again.verdicts(&texts).unwrap(), model.verdicts(&texts).unwrap());
    let recogniser = |model: &ReportModel| model.recogniser(0.8).unwrap();
    assert_eq!(recogniser(&again), recogniser(model));

    let file = folder.join(ReportModel::FILE);
    let sound = std::fs::read_to_string(&file).unwrap();
    let said = |changed: &dyn Fn(&mut Value)| {
        let mut about: Value = serde_json::from_str(&sound).unwrap();
        changed(&mut about);
        std::fs::write(&file, about.to_string()).unwrap();
        let error = open().unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1);
        error.replace(&format!("{}/", folder.display()), "")
    };
    let version = "report-model.json, field \"version\": 2, and this program reads 1: `ttp \
                   report-model` makes it anew";
    assert_eq!(said(&|about| about["version"] = 2.into()), version);
    let labels = said(&|about| {
        about["labels"].as_array_mut().unwrap().remove(0);
    });
    let expected = "compact.safetensors: its 5 classes are not the 3 labels of report-model.json \
                    and \"none\"";
    assert_eq!(labels, expected);
    let order = said(&|about| about["labels"].as_array_mut().unwrap().swap(0, 1));
    assert!(order.starts_with("compact.safetensors: its 5 classes"), "{order}");
    let curve = said(&|about| about["curve"] = json!([]));
    assert_eq!(curve, "report-model.json, field \"curve\": there is no point");
    let curve = said(&|about| about["curve"][0]["precision"] = 1.5.into());
    assert_eq!(curve, "report-model.json, field \"curve\": point 0 is not of numbers from 0 to 1");
    let mix = said(&|about| about["mix"] = 0.into());
    assert_eq!(mix, "report-model.json, field \"mix\": 0 is not above 0");
    let scale = said(&|about| about["calibration"]["temperature"] = 0.into());
    let expected = "report-model.json, field \"calibration\": the temperature is not above 0";
    assert_eq!(scale, expected);
    let field = said(&|about| about["colour"] = "red".into());
    assert!(field.contains("report-model.json") && field.contains("colour"), "{field}");
    let other = said(&|about| *about = json!({"model_type": "bert"}));
    assert_eq!(other, "report-model.json, field \"version\": missing: not a report model");
    let unnamed = said(&|about| about["files"] = json!({}));
    assert_eq!(unnamed, "compact.safetensors: report-model.json does not name it");

    std::fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    assert!(open().unwrap_err().to_string().contains("report-model.json"));
    std::fs::write(&file, &sound).unwrap();
    let both = ReportModel::open(&folder, Models::Both).unwrap_err().to_string();
    assert!(
        both.ends_with("field \"encoder\": it has no encoder: the linear model can be asked alone")
    );

    let linear = folder.join(CompactModel::FILE);
    let mut bytes = std::fs::read(&linear).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&linear, &bytes).unwrap();
    let error = open().unwrap_err().to_string();
    let expected = "compact.safetensors: not the file that report-model.json was written with: its \
                    SHA-256 is another";
    assert!(error.ends_with(expected), "{error}");
    std::fs::remove_file(&linear).unwrap();
    assert!(open().unwrap_err().to_string().contains("compact.safetensors: cannot read"));

    let nowhere = ReportModel::open(&root.path().join("none"), Models::Linear).unwrap_err();
    let expected =
        "report-model.json: not there: `make report-model`, or `ttp report-model`, makes it";
    assert!(nowhere.to_string().ends_with(expected), "{nowhere}");
}

#[test]
fn a_bundle_without_enough_sentences_is_refused() {
    let mut few = bundle();
    few["objects"].as_array_mut().unwrap().retain(|object| object["relationship_type"] != "uses");
    let error = trained_on(&few).unwrap_err().to_string();
    assert_eq!(error, "setting least: no technique has 20 rows");
}
