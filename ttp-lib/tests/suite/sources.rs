//! What a profile's `corpus.source` may be, and what is said of one that is none.

use crate::common::hub_server::{Fault, HubServer, Model, RepoFile};
use crate::common::own_project::{small_profile, ttp};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use ttp_lib::corpus::Corpus;
use ttp_lib::profile::Run;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// A bundle of one technique and one procedure example.
fn bundle(id: &str, does: &str) -> Value {
    json!({"type": "bundle", "objects": [
        {"type": "attack-pattern", "id": "attack-pattern--1", "name": format!("Doing {id}"),
         "description": "Adversaries may do it.",
         "external_references": [{"source_name": "mitre-attack", "external_id": id}],
         "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "impact"}]},
        {"type": "malware", "id": "malware--1", "name": "Fogbank"},
        {"type": "relationship", "id": "relationship--1", "relationship_type": "uses",
         "source_ref": "malware--1", "target_ref": "attack-pattern--1", "description": does}
    ]})
}

const ROWS: &str = "text,label\nIt loads a file.,T1105\nIt runs a script.,T1059.001\n";

/// A project folder with one profile, `own.json`.
struct Project {
    folder: tempfile::TempDir,
    hub: Option<HubServer>,
}

impl Project {
    fn new(source: Value) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), hub: None };
        std::fs::create_dir_all(project.at("notebooks/profiles")).unwrap();
        project.source(source);
        project
    }

    fn with_hub(source: Value) -> Self {
        let file = |name, text: &str| RepoFile { name, content: text.into(), large: false };
        let model = |id, token| Model {
            id,
            revisions: vec![("main", COMMIT), ("v2", OTHER_COMMIT)],
            files: vec![
                file("README.md", "rows"),
                file("train.csv", ROWS),
                RepoFile { large: true, ..file("data/more/test.csv", ROWS) },
            ],
            token,
            gated: false,
        };
        let models =
            vec![model("datasets/org/rows", None), model("datasets/org/own", Some("hf_right"))];
        Self { hub: Some(HubServer::start(models)), ..Self::new(source) }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn source(&self, source: Value) {
        self.corpus(json!({ "source": source }));
    }

    fn corpus(&self, corpus: Value) {
        let mut profile = small_profile();
        profile["name"] = json!("own");
        profile["corpus"] = corpus;
        self.write("own.json", profile.to_string().as_bytes());
    }

    /// `ttp corpus` with settings of the hub.
    fn build(&self, settings: &[(&str, &str)]) -> Output {
        let arguments = ["corpus", "--profile", "own.json", "--out", "rows.parquet"];
        let mut command = ttp(self.folder.path(), &arguments);
        let endpoint = self.hub.as_ref().map_or("http://127.0.0.1:9", |hub| &hub.endpoint);
        command.env("HF_ENDPOINT", endpoint).env("HF_HOME", self.at("hub"));
        command.envs(settings.iter().copied()).output().unwrap()
    }

    fn rows(&self, settings: &[(&str, &str)]) -> Vec<(String, String)> {
        let output = self.build(settings);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let corpus = Corpus::read_parquet(&self.at("rows.parquet")).unwrap();
        std::fs::remove_file(self.at("rows.parquet")).unwrap();
        corpus.sentences.into_iter().map(|row| (row.technique, row.text)).collect()
    }

    /// The one line of a build that must fail, which leaves nothing.
    fn said(&self, settings: &[(&str, &str)]) -> String {
        let output = self.build(settings);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(lines.len(), 1, "{said}");
        assert!(!self.at("rows.parquet").exists());
        let folder = self.folder.path().canonicalize().unwrap();
        lines[0].replace(&format!("{}/", folder.display()), "")
    }

    fn run(&self) -> Run {
        Run::open(self.folder.path(), self.folder.path(), "own.json").unwrap()
    }
}

fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn bundles_of_ones_own() {
    let project = Project::new(json!({ "bundle": "data/one.json" }));
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend(bundle("T1001", "It does one.").to_string().bytes());
    project.write("data/one.json", &marked);
    let one = rows(&[("T1001", "Adversaries may do it."), ("T1001", "It does one.")]);
    assert_eq!(project.rows(&[]), one);
    assert_eq!(project.run().source_name(), "bundle:one.json");

    for same in [json!("data/one.json"), json!({ "bundle": { "path": "data/one.json" } })] {
        project.source(same);
        assert_eq!(project.rows(&[]), one);
    }
    // Two of them, one by its whole path.
    project.write("two.json", bundle("T1002", "It does two.").to_string().as_bytes());
    project.source(json!({ "bundle": ["data/one.json", project.at("two.json")] }));
    let two = rows(&[("T1002", "Adversaries may do it."), ("T1002", "It does two.")]);
    assert_eq!(project.rows(&[]), [one, two].concat());
    assert_eq!(project.run().source_name(), "bundle:one.json+two.json");
}

#[test]
fn of_two_releases_of_one_domain_the_newest_version_of_each_object_counts() {
    // The older release has a technique that the newer one revokes, one whose example stands in
    // the older alone, and an example that the newer one words anew.
    let object = |kind: &str, number: u32, modified: &str, more: Value| {
        let mut object = json!({
            "type": kind, "id": format!("{kind}--{number}"), "modified": modified,
            "external_references": [
                { "source_name": "mitre-attack", "external_id": format!("T100{number}") }
            ],
            "name": format!("Doing {number}"),
        });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let uses = |number: u32, modified: &str, target: u32, does: &str| {
        let target = format!("attack-pattern--{target}");
        object(
            "relationship",
            number,
            modified,
            json!({
                "relationship_type": "uses", "source_ref": "malware--1", "target_ref": target,
                "description": does,
            }),
        )
    };
    let (then, now) = ("2021-10-01T00:00:00.000Z", "2024-04-01T00:00:00.000Z");
    let older = json!({ "type": "bundle", "objects": [
        object("malware", 1, then, json!({})),
        object("attack-pattern", 1, then, json!({ "description": "One, as it was." })),
        object("attack-pattern", 2, then, json!({ "description": "Two, as it was." })),
        uses(1, then, 1, "It does one."),
        uses(2, then, 2, "It does two."),
        uses(3, then, 2, "It did two, it was said."),
    ]});
    let newer = json!({ "type": "bundle", "objects": [
        object("malware", 1, then, json!({})),
        object("attack-pattern", 1, now, json!({ "description": "Gone.", "revoked": true })),
        object("attack-pattern", 2, now, json!({ "description": "Two, as it is." })),
        uses(3, now, 2, "It does two, we now know."),
    ]});
    let project = Project::new(json!({ "bundle": ["older.json", "newer.json"] }));
    let expected = |order: [&str; 3]| rows(&order.map(|text| ("T1002", text)));
    let (kept, told) = ("It does two.", "It does two, we now know.");
    for (first, second) in [("older.json", "newer.json"), ("newer.json", "older.json")] {
        project.write("older.json", older.to_string().as_bytes());
        project.write("newer.json", newer.to_string().as_bytes());
        project.source(json!({ "bundle": [first, second] }));
        let order = match first {
            "older.json" => [kept, "Two, as it is.", told],
            _ => ["Two, as it is.", told, kept],
        };
        assert_eq!(project.rows(&[]), expected(order));
    }
    let output = project.build(&[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains(
            "older.json: 3 passed over: an older version of an object that is there in a newer \
             one (attack-pattern--1, attack-pattern--2, relationship--3)"
        ),
        "{said}"
    );
    assert!(!said.contains("newer.json: "), "the same software twice is no older version: {said}");
}

#[test]
fn a_release_of_the_list_is_read_from_data_raw_or_a_folder_of_ones_own() {
    let project = Project::new(json!("attack-v15"));
    assert_eq!(
        project.said(&[]),
        "error: own.json, field \"corpus.source\": no such file: \
         data/raw/attack-v15/enterprise-attack.json: `make data` gets it"
    );
    let file = bundle("T1001", "It does one.").to_string();
    project.write("data/raw/attack-v15/enterprise-attack.json", file.as_bytes());
    assert_eq!(project.rows(&[]).len(), 2);
    let other = bundle("T1002", "It does one.").to_string();
    project.write("mine/attack-v15/enterprise-attack.json", other.as_bytes());
    assert_eq!(project.rows(&[("TTP_SOURCES", "mine")])[0].0, "T1002");
    assert_eq!(project.run().source_name(), "attack-v15");
    project.corpus(json!({ "source": "attack-v15", "join_tram_v1": true }));
    assert_eq!(project.run().source_name(), "attack-v15+tram-v1");
}

fn of_hub(dataset: &str, revision: &str, file: &str) -> Value {
    json!({ "hub": {
        "dataset": dataset, "revision": revision, "file": file,
        "sentence": "text", "technique": "label"
    }})
}

#[test]
fn a_data_set_of_the_hub_is_fetched_once_and_checked() {
    let project = Project::with_hub(of_hub("org/rows", COMMIT, "train.csv"));
    let hub = project.hub.as_ref().unwrap();
    let all = rows(&[("T1105", "It loads a file."), ("T1059", "It runs a script.")]);
    assert_eq!(project.rows(&[]), all);
    assert_eq!(project.run().source_name(), format!("org/rows@{COMMIT}"));
    let asked: Vec<_> = hub.take_requests().into_iter().map(|r| r.path).collect();
    assert_eq!(asked[0], format!("/api/datasets/org/rows/revision/{COMMIT}"));
    assert_eq!(asked[1], format!("/datasets/org/rows/resolve/{COMMIT}/train.csv"));

    // A commit that is in the cache costs no request, a branch one.
    assert_eq!(project.rows(&[]), all);
    assert!(hub.take_requests().is_empty());
    let folder = format!("hub/hub/datasets--org--rows/snapshots/{COMMIT}");
    assert!(project.at(&folder).join("train.csv").is_file());
    project.source(of_hub("org/rows", "main", "train.csv"));
    assert_eq!(project.rows(&[]), all);
    assert_eq!(hub.take_requests().len(), 1);
    assert_eq!(project.rows(&[("HF_HUB_OFFLINE", "1")]), all);

    // A large file in folders of its own, of another commit.
    project.source(of_hub("org/rows", "v2", "data/more/test.csv"));
    assert_eq!(project.rows(&[]), all);
    assert_eq!(project.rows(&[("HF_HUB_OFFLINE", "1")]), all);
    hub.take_requests();

    // What was altered in the cache is fetched anew, and not used offline.
    let path = project.at(&folder).join("train.csv");
    std::fs::write(&path, "text,label\nSomething else.,T1001\n").unwrap();
    project.source(of_hub("org/rows", COMMIT, "train.csv"));
    assert!(project.said(&[("HF_HUB_OFFLINE", "1")]).contains("what the cache holds is corrupt"));
    assert_eq!(project.rows(&[]), all);

    // A folder of one's own goes before the hub.
    project.write("mine/org/rows/train.csv", b"text,label\nMine.,T1002\n");
    assert_eq!(project.rows(&[("TTP_SOURCES", "mine")]), rows(&[("T1002", "Mine.")]));
}

#[test]
fn what_the_hub_has_not_is_said_in_one_line() {
    let project = Project::with_hub(json!("attack-v15"));
    let said = |dataset, revision, file| {
        project.source(of_hub(dataset, revision, file));
        project.said(&[])
    };
    let place = "error: own.json, field \"corpus.source.hub\": ";
    for (dataset, revision, file, reason) in [
        ("org/none", "main", "train.csv", "private, gated or not there (401)"),
        ("org/rows", "v9", "train.csv", "the data set has no such revision (404)"),
        (
            "org/rows",
            "main",
            "test.csv",
            "the data set has no such file; it has: README.md, train.csv",
        ),
        ("org/own", "main", "train.csv", "private, gated or not there (401)"),
        ("rows", "main", "train.csv", "this is no data set's name"),
        ("org/../x", "main", "train.csv", "this is no data set's name"),
        ("org/rows", "a..b", "train.csv", "this is no name of a branch"),
        ("org/rows", "main", "../train.csv", "this is no file's path"),
        ("org/rows", "main", "/train.csv", "this is no file's path"),
    ] {
        let said = said(dataset, revision, file);
        assert!(said.starts_with(place) && said.contains(reason), "{said}");
        assert!(said.contains(&format!("{dataset}@{revision}")), "{said}");
    }
    project.source(of_hub("org/own", "main", "train.csv"));
    assert_eq!(project.rows(&[("HF_TOKEN", "hf_right")]).len(), 2);

    let hub = project.hub.as_ref().unwrap();
    project.source(of_hub("org/rows", OTHER_COMMIT, "train.csv"));
    hub.plan("GET /datasets", 1, Fault::WrongByte);
    let said = project.said(&[]);
    assert!(said.contains("is not what the hub announced"), "{said}");
    // A column that the file has not.
    project.source(json!({ "hub": {
        "dataset": "org/rows", "revision": "main", "file": "train.csv",
        "sentence": "sentence", "technique": "label"
    }}));
    let said = project.said(&[]);
    assert!(said.contains("train.csv") && said.contains("sentence"), "{said}");
}

#[test]
fn a_wrong_source_is_said_with_file_and_field() {
    let project = Project::new(json!("attack-v15"));
    for (source, reasons) in [
        (
            json!("attack-v99"),
            &["field \"corpus.source\": unknown source \"attack-v99\"", "attack-v15"][..],
        ),
        (
            json!({ "stix": "x" }),
            &["field \"corpus.source\": unknown source \"stix\"", "{\"bundle\": …}"],
        ),
        (json!(["attack-v15"]), &["field \"corpus.source\": one source is needed"]),
        (
            json!({ "bundle": [] }),
            &["field \"corpus.source.bundle\": the path of a bundle is needed"],
        ),
        (
            json!({ "bundle": "" }),
            &["field \"corpus.source.bundle\": the path of a bundle is needed"],
        ),
        (
            json!({ "bundle": { "file": "x" } }),
            &["field \"corpus.source.bundle\": the path of a bundle"],
        ),
        (
            json!({ "bundle": "none.json" }),
            &["field \"corpus.source.bundle\": no such file: none.json"],
        ),
        (
            json!({ "hub": { "dataset": "a/b", "file": "c", "sentence": "d", "technique": "e" } }),
            &["field \"corpus.source.hub\": missing field `revision`"],
        ),
        (
            json!({ "csv": { "path": "a.csv", "sentence": "d", "techniques": "e" } }),
            &["field \"corpus.source.csv.techniques\": unknown field `techniques`"],
        ),
    ] {
        project.source(source.clone());
        let said = project.said(&[]);
        assert!(said.starts_with("error: own.json, "), "{source}: {said}");
        assert!(reasons.iter().all(|reason| said.contains(reason)), "{source}: {said}");
    }
    project.source(json!({ "bundle": "rows.csv" }));
    project.write("rows.csv", b"sentence,technique\n");
    let said = project.said(&[]);
    assert!(said.starts_with("error: rows.csv, row 1: not a STIX bundle"), "{said}");
    project.write("rows.csv", b"{\"type\": \"bundle\"}");
    assert!(
        project.said(&[]).contains("rows.csv, field \"objects\": missing"),
        "{}",
        project.said(&[])
    );
    project.corpus(json!({ "source": of_hub("org/rows", "main", "a.csv"), "join_tram_v1": true }));
    let said = project.said(&[]);
    assert!(said.contains("corpus.join_tram_v1: only ATT&CK's sentences"), "{said}");
}
