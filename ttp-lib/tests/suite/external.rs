//! Models on sentences of another source: `ttp external` from outside, and what the real files
//! hold.

use crate::common::own_project::{small_profile, ttp};
use crate::common::raw;
use crate::common::tiny::Tiny;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Output;
use tch::Device;
use ttp_lib::corpus::{
    self, Corpus, LabelChanges, Later, Operation, Quotes, Sample, Source, tram_v2,
};
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::evaluate;
use ttp_lib::linear::{LinearKind, LinearModel};
use ttp_lib::similarity::NEAR_DUPLICATE;
use ttp_lib::split::Split;

/// A project folder with a model of three techniques, and one that knows others.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let tiny = Tiny::new();
        let project = Self(tempfile::tempdir().unwrap());
        let checkpoint = tiny.find().unwrap();
        for (folder, labels) in
            [("model", ["T1003", "T1059", "T1105"]), ("other", ["T1003", "T1059", "T1566"])]
        {
            let labels = labels.map(str::to_owned).to_vec();
            let encoder = TechniqueEncoder::new(&checkpoint, labels, Device::Cpu, 3).unwrap();
            encoder.save(&project.at(folder), &checkpoint).unwrap();
        }
        project.write("notebooks/profiles/laptop.json", &small_profile().to_string());
        project
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let all: Vec<&str> = ["external"].into_iter().chain(arguments.iter().copied()).collect();
        ttp(self.0.path(), &all).output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of a failure, which leaves nothing.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(&[arguments, &["--out", "left.json"]].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("note: ")).collect();
        assert_eq!(lines.len(), 1, "{said}");
        assert!(!self.at("left.json").exists());
        let folder = self.0.path().canonicalize().unwrap();
        lines[0].replace(&format!("{}/", folder.display()), "")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.at(name)).unwrap()).unwrap()
    }
}

/// A bundle of techniques, each with a procedure example.
fn bundle(rows: &[(&str, &str)]) -> String {
    let mut objects = vec![json!({"type": "malware", "id": "malware--1", "name": "Fogbank"})];
    for (at, (id, does)) in rows.iter().enumerate() {
        let pattern = format!("attack-pattern--{id}");
        objects.push(
            json!({"type": "attack-pattern", "id": pattern, "name": format!("Doing {id}"),
            "description": "Adversaries may do it.",
            "external_references": [{"source_name": "mitre-attack", "external_id": id}]}),
        );
        objects.push(json!({"type": "relationship", "id": format!("relationship--{at}"),
            "relationship_type": "uses", "source_ref": "malware--1", "target_ref": pattern,
            "description": does}));
    }
    json!({"type": "bundle", "objects": objects}).to_string()
}

#[test]
fn a_model_is_tested_on_what_it_knows_of_a_csv_file() {
    let project = Project::new();
    project.write("own.csv", "text,label\nreads a log,T1003\nsends a mail,T1566\na link,T1059\n");
    let arguments = ["model", "--csv", "own.csv", "--columns", "text,label", "--out", "x.json"];
    let said = project.succeeds(&arguments);
    for part in ["3 rows of 3 techniques; 2 of them", "1 rows (33.3 %)", "T1566", "x.json"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let found = &project.json("x.json")["csv"];
    assert_eq!((&found["rows"], &found["known_rows"]), (&json!(3), &json!(2)));
    assert_eq!(found["unknown"], json!({"T1566": 1}));
    let accuracy = found["model"]["accuracy"].as_f64().unwrap();
    assert!([0.0, 0.5, 1.0].contains(&accuracy), "{found}");
    assert!(found["model"]["f1_macro_interval"].is_array());
}

#[test]
fn what_cannot_be_tested_is_told_in_one_line() {
    let project = Project::new();
    project.write("own.csv", "text,label\nreads a log,vishing\n");
    let csv = ["--csv", "own.csv", "--columns", "text,label"];
    let with_csv = |models: &[&'static str]| [models, &csv].concat();
    assert_eq!(
        project.fails(&with_csv(&["model"])),
        "error: own.csv, field \"label\": the model knows none of the 1 labels (vishing); it knows \
         T1003, T1059, T1105"
    );
    assert!(
        project
            .fails(&with_csv(&["model", "other"]))
            .contains("model and other know other techniques: test them one by one")
    );
    let missing = project.fails(&["model", "--tram-v2"]);
    assert!(missing.contains("make data-tram-v2"), "{missing}");
    let missing = project.fails(&["model", "--attack-v15"]);
    assert!(missing.contains("make data-attack-v15"), "{missing}");
    project
        .write("data/raw/attack-v10.1/enterprise-attack.json", &bundle(&[("T1059", "It runs.")]));
    let good = r#"{"text": "reads a log", "label": "T1003.001", "doc_title": "a"}"#;
    let bad = r#"{"text": "reads", "doc_title": "a"}"#;
    project.write("data/raw/tram-v2/single_label.json", &format!("[{good}, {bad}]"));
    let wrong = "single_label.json, row 2, field \"label\": missing";
    assert!(project.fails(&["model", "--tram-v2"]).ends_with(wrong));
    let cut_off = &bundle(&[("T1059", "It runs.")])[..90];
    project.write("data/raw/attack-v15/enterprise-attack.json", cut_off);
    assert!(
        project.fails(&["model", "--attack-v15"]).contains("attack-v15/enterprise-attack.json")
    );
}

#[test]
fn new_sentences_of_a_later_release_are_tested_on_and_those_of_training_are_not() {
    let project = Project::new();
    let earlier = [("T1003", "It reads a log."), ("T1059", "It sends mail.")];
    project.write("data/raw/attack-v10.1/enterprise-attack.json", &bundle(&earlier));
    let later = [
        ("T1003", "it READS a log"),
        ("T1059", "It sends the key by mail to its owner."),
        ("T1105", "It loads one more file from its server."),
        ("T1566", "It came by mail."),
    ];
    project.write("data/raw/attack-v15/enterprise-attack.json", &bundle(&later));
    let arguments = ["model", "--attack-v15", "--out", "x.json"];
    let counts = |project: &Project| {
        let found = &project.json("x.json")["attack-v15"];
        [&found["rows"], &found["known_rows"], &found["unknown"]["T1566"]].map(Value::as_u64)
    };
    let said = project.succeeds(&arguments);
    assert!(said.contains("labels from v10.1 to v15: 2 new; 2 as before"), "{said}");
    assert_eq!(counts(&project), [Some(3), Some(2), Some(1)]);
    let rows = "row,technique,sentence,operation\n\
                0,T1059,It sends the key by mail to the owner.,original\n";
    project.write("data/processed/splits/clean/train.csv", rows);
    project.succeeds(&arguments);
    assert_eq!(counts(&project), [Some(2), Some(1), Some(1)]);
    let other = rows.replace("sends the key by mail to the owner", "does nothing");
    project.write("other.csv", &other);
    project.succeeds(&[&arguments[..], &["--training", "other.csv"]].concat());
    assert_eq!(counts(&project), [Some(3), Some(2), Some(1)]);
}

#[test]
fn labels_that_a_later_release_renamed_are_followed() {
    let project = Project::new();
    let earlier = [("T1003", "It reads a log."), ("T1105", "It loads a file.")];
    project.write("data/raw/attack-v10.1/enterprise-attack.json", &bundle(&earlier));
    let later = [("T1003", "It reads keys."), ("T1105", ""), ("T1570", "It copies one more file.")];
    let mut later: Value = serde_json::from_str(&bundle(&later)).unwrap();
    let objects = later["objects"].as_array_mut().unwrap();
    objects.retain(|object| object["description"] != "");
    for object in objects.iter_mut().filter(|one| one["id"] == "attack-pattern--T1105") {
        object["revoked"] = json!(true);
    }
    objects.push(json!({"type": "relationship", "id": "relationship--9",
        "relationship_type": "revoked-by", "source_ref": "attack-pattern--T1105",
        "target_ref": "attack-pattern--T1570"}));
    project.write("data/raw/attack-v15/enterprise-attack.json", &later.to_string());
    project.succeeds(&["model", "--attack-v15", "--out", "x.json"]);
    let found = &project.json("x.json")["attack-v15"];
    assert_eq!((&found["rows"], &found["known_rows"]), (&json!(2), &json!(2)), "{found}");
    assert_eq!(found["unknown"], json!({}));

    // A model that gives every sentence one technique: right if its label is read as today's.
    let texts = ["It loads a file.", "It reads a log."].map(str::to_owned);
    let rows: Vec<Sample> = (0..20)
        .map(|at| Sample {
            row: at,
            technique: if at < 10 { "T1105" } else { "T1003" }.to_owned(),
            text: texts[usize::from(at >= 10)].clone(),
            operation: Operation::Original,
        })
        .collect();
    let split = Split { train: rows.clone(), validation: rows.clone(), test: rows };
    let model = evaluate::train_linear(LinearKind::TfidfSvm, &split, 1).unwrap();
    std::fs::create_dir(project.at("linear")).unwrap();
    model.save(&project.at("linear").join(LinearModel::FILE)).unwrap();
    assert_eq!(model.predict("It copies one more file."), 1, "T1105, of T1003 and T1105");
    project.succeeds(&["linear", "--attack-v15", "--out", "x.json"]);
    let found = &project.json("x.json")["attack-v15"];
    assert_eq!(found["linear"]["accuracy"], json!(1.0), "{found}");
}

#[test]
fn sentences_of_training_are_left_out_of_any_source() {
    let project = Project::new();
    project.write("own.csv", "sentence,technique\nreads a log of keys,T1003\na link,T1059\n");
    let rows = "row,technique,sentence,operation\n0,T1003,It reads a log of keys.,original\n";
    project.write("data/processed/splits/clean/train.csv", rows);
    let counted = |arguments: &[&str]| {
        project.succeeds(&[&["model", "--out", "x.json"], arguments].concat());
        let found = project.json("x.json");
        found.as_object().unwrap().values().next().unwrap()["rows"].clone()
    };
    assert_eq!(counted(&["--csv", "own.csv"]), json!(2), "one's own rows stay unless it is asked");
    let training = "data/processed/splits/clean/train.csv";
    assert_eq!(counted(&["--csv", "own.csv", "--training", training]), json!(1));
}

/// The rows of ATT&CK's bundle.
fn rows(bundle: &Path) -> Corpus {
    let source = Source::Attack { bundle: bundle.to_path_buf(), tram: None };
    corpus::build(&source).unwrap().corpus
}

/// data/README.md tells these figures.
#[test]
fn the_real_files_hold_what_is_told_of_them() {
    let earlier = raw("attack-v10.1/enterprise-attack.json");
    let Some(earlier) = earlier else { return };
    let old = rows(&earlier);
    if let Some(later) = raw("attack-v15/enterprise-attack.json") {
        let changes = LabelChanges::between(&[&earlier], &[&later]).unwrap();
        assert_eq!(changes.to_string(), "73 new, 16 renamed, 2 revoked; 548 as before");
        assert_eq!(changes.follow("T1053.001"), Some("T1053"));
        assert_eq!(changes.follow("T1547.011"), Some("T1647"));
        let found = Later::of(&rows(&later), &old, &[""; 0], NEAR_DUPLICATE);
        assert_eq!((found.read, found.in_earlier, found.corpus.len()), (12_729, 8_667, 4_062));
    }
    if let Some(tram) = raw("tram-v2/single_label.json") {
        let built = tram_v2::read(&tram, &corpus::techniques(&earlier).unwrap()).unwrap();
        assert_eq!((built.candidates, built.corpus.len()), (5_089, 4_767));
        assert_eq!(built.corpus.counts().len(), 50);
        let quotes = Quotes::of(&built.corpus, &old, NEAR_DUPLICATE);
        assert_eq!(quotes, Quotes { rows: 4_767, equal: 1, near: 26 });
    }
}
