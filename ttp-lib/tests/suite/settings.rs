//! What is wrong with a profile is told in one line, with its line and its whole path, and the JSON
//! schema refuses the same.

use crate::common::own_project::ttp;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use ttp_lib::profile::Profile;

/// A profile with settings three deep and deeper, in lists and maps; each that is changed below
/// stands on a line of its own.
const PROFILE: &str = r#"{
  "$schema": "schema.json",
  "name": "own",
  "about": "for tests",
  "seed": 7,
  "corpus": {
    "source": {
      "csv": {
        "path": "rows.csv",
        "sentence": "sentence",
        "technique": "label"
      }
    }
  },
  "balance": { "trim_below": 10, "upsample_to": 12, "downsample_to": 20 },
  "augment": { "fraction": 0.1, "per_sentence": 4 },
  "split": {
    "train": 0.8,
    "validation": 0.1,
    "test": 0.1
  },
  "protocols": ["paper", "clean"],
  "checkpoints": ["minilm", "minilm-cti"],
  "training": {
    "epochs": 2,
    "batch_size": 8,
    "max_length": 16,
    "learning_rate": 1e-3,
    "warmup_share": 0.0,
    "weight_decay": 0.0,
    "clip_norm": 1.0,
    "optimizer": "adamw"
  },
  "training_of": {
    "scratch": {
      "learning_rate": 2e-4,
      "protocols": [
        "clean"
      ]
    }
  },
  "pretraining": {
    "epochs": 1, "batch_size": 8, "max_length": 16, "learning_rate": 1e-3, "warmup_share": 0.0,
    "weight_decay": 0.0, "clip_norm": 1.0,
    "masked_share": 0.15
  },
  "similarity": {
    "pairs": 100,
    "mining": { "negatives": 1, "min_score": -0.5, "max_score": 0.9, "exclude": { "tactic": true } },
    "training": {
      "epochs": 3, "batch_size": 8,
      "max_length": 17, "learning_rate": 1e-3, "warmup_share": 0.0,
      "weight_decay": 0.5, "clip_norm": 1.0, "optimizer": "adam"
    },
    "trials": [
      { "epochs": 4 },
      { "mining": { "negatives": 2 } },
      {
        "epochs": 5,
        "loss": { "triplet": { "margin": 0.2, "distance": "euclidean" } }
      }
    ],
    "report": {
      "epochs": 6,
      "arms": ["basic", "cosine"]
    }
  },
  "remedies": {
    "shares": { "train": 0.5, "validation": 0.25, "test": 0.25 },
    "head": { "steps": 200 }
  },
  "family": {
    "rows": 5000,
    "encoder": { "hidden": [64, 33] },
    "training": {
      "contrastive": {
        "weight": 1.5, "temperature": 0.2
      }
    },
    "tsne": { "theta": 0.5 }
  },
  "families": {
    "flows": 1000, "trials": ["focal", "random-forest"],
    "training": { "gamma": 2.5, "weighting": "inverse" },
    "forest": { "trees": 3 }
  },
  "bootstrap": { "resamples": 101, "level": 0.95 }
}
"#;

/// A part of [`PROFILE`], what stands in its place, and what is said of it after the file and the
/// row; `…` ends what is not to the last letter.
type Wrong = (&'static str, &'static str, &'static str);

/// What the schema refuses, too: unknown fields, wrong types, numbers out of range.
const WRONG: &[Wrong] = &[
    // Unknown fields.
    (
        r#""seed": 7"#,
        r#""seeds": 7"#,
        ", field \"seeds\": unknown field `seeds`, expected one of `name`, `about`, `seed`, …",
    ),
    (
        r#""pairs": 100"#,
        r#""pair": 100"#,
        ", field \"similarity.pair\": unknown field `pair`, expected one of `checkpoint`, …",
    ),
    (
        r#""max_length": 17"#,
        r#""length": 17"#,
        ", field \"similarity.training.length\": unknown field `length`, expected one of \
         `epochs`, `batch_size`, `max_length`, `learning_rate`, `warmup_share`, `weight_decay`, \
         `clip_norm`, `optimizer`",
    ),
    (
        r#"{ "epochs": 4 }"#,
        r#"{ "epoch": 4 }"#,
        ", field \"similarity.trials[0].epoch\": unknown field `epoch`, expected one of `loss`, …",
    ),
    (
        r#""learning_rate": 2e-4"#,
        r#""rate": 2e-4"#,
        ", field \"training_of.scratch.rate\": unknown field `rate`, expected one of `optimizer`, …",
    ),
    (
        r#""technique": "label""#,
        r#""techniques": "label""#,
        ", field \"corpus.source.csv.techniques\": unknown field `techniques`, expected one of \
         `path`, `sentence`, `technique`, `labels`, `keep`, `listed`",
    ),
    (
        r#""margin": 0.2"#,
        r#""margins": 0.2"#,
        ", field \"similarity.trials[2].loss.triplet.margins\": unknown field `margins`, expected \
         `margin` or `distance`",
    ),
    // Wrong types.
    (
        r#""seed": 7"#,
        r#""seed": -7"#,
        ", field \"seed\": invalid value: integer `-7`, expected a whole number from 0 upwards",
    ),
    (
        r#""epochs": 2"#,
        r#""epochs": "2""#,
        ", field \"training.epochs\": invalid type: string \"2\", expected a whole number from 0 \
         upwards",
    ),
    (
        r#""weight_decay": 0.5"#,
        r#""weight_decay": [0.5]"#,
        ", field \"similarity.training.weight_decay\": invalid type: sequence, expected a number",
    ),
    (
        r#"["minilm", "minilm-cti"]"#,
        r#"["minilm", 3]"#,
        ", field \"checkpoints[1]\": invalid type: integer `3`, expected a string",
    ),
    (
        r#"{ "mining": { "negatives": 2 } }"#,
        r#"{ "mining": { "negatives": 1.5 } }"#,
        ", field \"similarity.trials[1].mining.negatives\": invalid type: floating point `1.5`, \
         expected a whole number from 0 upwards",
    ),
    (
        r#""learning_rate": 2e-4"#,
        r#""learning_rate": "low""#,
        ", field \"training_of.scratch.learning_rate\": invalid type: string \"low\", expected a \
         number",
    ),
    (
        r#""optimizer": "adam""#,
        r#""optimizer": "sgd""#,
        ", field \"similarity.training.optimizer\": unknown variant `sgd`, expected `adam` or \
         `adamw`",
    ),
    (
        r#"["basic", "cosine"]"#,
        r#"["basic", "best"]"#,
        ", field \"similarity.report.arms[1]\": unknown variant `best`, expected one of `basic`, …",
    ),
    (
        r#"{ "tactic": true }"#,
        r#"{ "tactic": 1 }"#,
        ", field \"similarity.mining.exclude.tactic\": invalid type: integer `1`, expected a boolean",
    ),
    (
        r#""$schema": "schema.json""#,
        r#""$schema": 1"#,
        ", field \"$schema\": invalid type: integer `1`, expected a string",
    ),
    // Numbers out of range.
    (
        r#""resamples": 101"#,
        r#""resamples": 99"#,
        ": setting bootstrap.resamples: 99 give no interval; take 100 or more",
    ),
    (
        r#""fraction": 0.1"#,
        r#""fraction": 1.1"#,
        ": setting augment.fraction: 1.1 is not from 0 to 1",
    ),
    (r#""train": 0.8"#, r#""train": 0"#, ": setting split.train: 0: nothing to train on"),
    (
        "\"validation\": 0.1,\n    \"test\": 0.1",
        "\"validation\": 0.0,\n    \"test\": 0.2",
        ": setting split.validation: 0: no row to judge a model by",
    ),
    (
        r#""validation": 0.25, "test": 0.25"#,
        r#""validation": 0.0, "test": 0.5"#,
        ": setting remedies.shares.validation: 0: no row to judge by",
    ),
    (r#""epochs": 2"#, r#""epochs": 0"#, ": setting training.epochs: 0 epochs train nothing"),
    (
        r#""epochs": 3"#,
        r#""epochs": 0"#,
        ": setting similarity.training.epochs: 0 epochs train nothing",
    ),
    (
        r#""max_length": 17"#,
        r#""max_length": 2"#,
        ": setting similarity.training.max_length: 2 leaves no word between the special tokens",
    ),
    (
        r#""epochs": 5"#,
        r#""epochs": 0"#,
        ": setting similarity.trials[2].epochs: 0 epochs train nothing",
    ),
    (
        r#""margin": 0.2"#,
        r#""margin": 0"#,
        ": setting similarity.trials[2].loss.triplet.margin: 0 is not a number above 0",
    ),
    (
        r#"{ "mining": { "negatives": 2 } }"#,
        r#"{ "mining": { "negatives": 0 } }"#,
        ": setting similarity.trials[1].mining.negatives: 0 for each anchor are none",
    ),
    (r#""epochs": 6"#, r#""epochs": 0"#, ": setting similarity.report.epochs: 0 train nothing"),
    (
        r#""learning_rate": 2e-4"#,
        r#""learning_rate": 1"#,
        ": setting training_of.scratch.learning_rate: 1 is not above 0 and below 1",
    ),
    (
        r#""masked_share": 0.15"#,
        r#""masked_share": 15"#,
        ": setting pretraining.masked_share: 15 is not above 0 and below 1",
    ),
    (r#""steps": 200"#, r#""steps": 0"#, ": setting remedies.head.steps: 0 train nothing"),
    (
        r#""rows": 5000"#,
        r#""rows": 50"#,
        ": setting family.rows: 50 is not from 5,000 to 3,500,000",
    ),
    (r#"[64, 33]"#, r#"[64, 0]"#, ": setting family.encoder.hidden[1]: 0 is not from 1 to 65536"),
    (
        r#""temperature": 0.2"#,
        r#""temperature": 0.0"#,
        ": setting family.training.contrastive.temperature: 0 is not above 0",
    ),
    (
        r#""theta": 0.5"#,
        r#""theta": 1.5"#,
        ": setting family.tsne.theta: 1.5 is not above 0 up to 1",
    ),
    (
        r#""gamma": 2.5"#,
        r#""gamma": 11"#,
        ": setting families.training.gamma: 11 is not from 0 to 10",
    ),
    (r#""trees": 3"#, r#""trees": 0"#, ": setting families.forest.trees: 0 is not from 1 to 10000"),
    (r#"["paper", "clean"]"#, "[]", ": setting protocols: names none"),
    (
        r#"["paper", "clean"]"#,
        r#"["clean", "told"]"#,
        ": setting protocols: \"told\" is counted, and linear models are trained on it: take paper \
         or clean",
    ),
];

/// What no schema can say: settings that do not go together.
const TOGETHER: &[Wrong] = &[
    (
        r#""upsample_to": 12"#,
        r#""upsample_to": 21"#,
        ": setting balance.upsample_to: 21 is above downsample_to, 20",
    ),
    (r#""test": 0.1"#, r#""test": 0.3"#, ": setting split: they add up to …"),
    (
        r#""min_score": -0.5"#,
        r#""min_score": 0.95"#,
        ": setting similarity.mining.min_score: 0.95 is above max_score, 0.9",
    ),
    (
        r#""clean"
      ]"#,
        r#""paper", "clean"
      ], "epochs": 1"#,
        "",
    ),
    (
        r#"["paper", "clean"]"#,
        r#"["paper"]"#,
        ": setting training_of.scratch.protocols[0]: \"clean\" is not among protocols",
    ),
    (
        r#""scratch": {"#,
        r#""other": {"#,
        ": setting training_of.other: \"other\" is not among the checkpoints",
    ),
    (
        r#"["minilm", "minilm-cti"]"#,
        r#"["a/minilm", "b/minilm"]"#,
        ": setting checkpoints: two of them would write to files named \"minilm\"",
    ),
    (
        r#""seed": 7"#,
        r#""seed": 7, "revisions": { "minilm": "main" }"#,
        ": setting revisions.minilm: \"minilm\" is no checkpoint that the catalogue has from the hub…",
    ),
];

fn schema() -> Validator {
    let schema = Profile::schema().unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

fn profiles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../notebooks/profiles")
}

fn shipped() -> Vec<PathBuf> {
    let files = std::fs::read_dir(profiles()).unwrap().map(|file| file.unwrap().path());
    // Beside them stand the schema and a page that tells of them.
    let is_profile = |file: &PathBuf| {
        file.extension().is_some_and(|extension| extension == "json")
            && !file.ends_with("schema.json")
    };
    let files: Vec<PathBuf> = files.filter(is_profile).collect();
    assert!(files.len() >= 4);
    files
}

/// [`PROFILE`] with a part exchanged, and the row on which it stands; of a part that its own
/// settings are missing in or do not go together with, the row of what holds them.
fn changed(from: &str, to: &str) -> (String, usize) {
    assert_eq!(PROFILE.matches(from).count(), 1, "{from}");
    let row = 1 + PROFILE[..PROFILE.find(from).unwrap()].matches('\n').count();
    (PROFILE.replace(from, to), row)
}

struct Reader(tempfile::TempDir);

impl Reader {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// What is said of a profile after its file's name; nothing of a good one.
    fn said(&self, text: &str) -> String {
        let file = self.0.path().join("own.json");
        std::fs::write(&file, text).unwrap();
        let Err(error) = Profile::read(&file) else { return String::new() };
        let said = error.to_string();
        assert_eq!(said.lines().count(), 1, "{said}");
        said.strip_prefix(&*file.to_string_lossy()).unwrap().to_owned()
    }
}

fn assert_said(said: &str, expected: &str) {
    match expected.strip_suffix('…') {
        Some(start) => assert!(said.starts_with(start), "{said}\n{expected}"),
        None => assert_eq!(said, expected),
    }
}

#[test]
fn a_wrong_profile_is_told_with_line_and_path_and_the_schema_refuses_it() {
    let (reader, schema) = (Reader::new(), schema());
    assert_eq!(reader.said(PROFILE), "");
    assert!(schema.is_valid(&serde_json::from_str(PROFILE).unwrap()));
    for (from, to, expected) in WRONG {
        let (text, row) = changed(from, to);
        assert_said(&reader.said(&text), &format!(", row {row}{expected}"));
        assert!(!schema.is_valid(&serde_json::from_str(&text).unwrap()), "{to}");
    }
}

#[test]
fn what_must_go_together_is_told_and_no_part_of_the_schema() {
    let (reader, schema) = (Reader::new(), schema());
    for (from, to, expected) in TOGETHER {
        let (text, row) = changed(from, to);
        let said = reader.said(&text);
        let at = said.strip_prefix(", row ").and_then(|said| said.split_once(':'));
        match at {
            Some((told, _)) => {
                let told: usize = told.parse().unwrap();
                assert_said(&said, &format!(", row {told}{expected}"));
                // What is told may stand elsewhere than what was changed.
                let elsewhere = expected.contains("split:") || expected.contains("training_of.s");
                assert!(told == row || elsewhere, "{said}");
            }
            None => assert_eq!(said, *expected),
        }
        assert!(schema.is_valid(&serde_json::from_str(&text).unwrap()), "{to}");
    }
    // Where something is missing, the row is the first.
    let start = PROFILE.find("  \"pretraining\"").unwrap();
    let end = PROFILE.find("  \"similarity\"").unwrap();
    let without = format!("{}{}", &PROFILE[..start], &PROFILE[end..]);
    let missing = ", row 1: setting pretraining: missing, and checkpoint \"minilm-cti\" needs it";
    assert_eq!(reader.said(&without), missing);
}

#[test]
fn the_shipped_profiles_name_their_schema_and_keep_to_it() {
    let schema = schema();
    for file in shipped() {
        let profile: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(profile["$schema"], "schema.json", "{}", file.display());
        let errors: Vec<String> = schema
            .iter_errors(&profile)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
        Profile::read(&file).unwrap();
    }
}

#[test]
fn the_schema_beside_the_profiles_is_what_is_printed() {
    let output = ttp(Path::new("/"), &["schema"]).output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let written = std::fs::read_to_string(profiles().join("schema.json")).unwrap();
    let how = "write it anew: ttp schema > notebooks/profiles/schema.json";
    assert!(printed == written, "{how}");
    // It lies beside the profiles and is none.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("notebooks/profiles")).unwrap();
    std::fs::write(folder.path().join("notebooks/profiles/schema.json"), written).unwrap();
    let output = ttp(folder.path(), &["corpus", "--profile", "schema"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "error: unknown profile \"schema\"; known: a JSON file's path\n");
}

/// Profiles with one thing changed: a field more, a field less, a value of another type or size. No
/// list stands in place of an object: serde takes one for the object's fields in their order.
fn variants(value: &Value) -> Vec<Value> {
    let others = [
        json!(-1),
        json!(0),
        json!(0.5),
        json!(1),
        json!(1_000_000_000),
        json!("x"),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
    ];
    let is_new = |other: &Value| other != value && !(value.is_object() && other.is_array());
    let mut all: Vec<Value> = others.into_iter().filter(is_new).collect();
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                all.extend(variants(inner).into_iter().map(|other| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), other);
                    Value::Object(fields)
                }));
                let mut fewer = fields.clone();
                fewer.remove(name);
                all.push(Value::Object(fewer));
            }
            let mut more = fields.clone();
            more.insert("unheard-of".to_owned(), json!(1));
            all.push(Value::Object(more));
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                all.extend(variants(inner).into_iter().map(|other| {
                    let mut items = items.clone();
                    items[at] = other;
                    Value::Array(items)
                }));
            }
        }
        _ => {}
    }
    all
}

#[test]
fn the_schema_and_the_library_agree_on_every_small_change() {
    // What must go together: the schema does not know it.
    let together = [
        "is above downsample_to",
        "they add up to",
        "is not among",
        "missing, and checkpoint",
        "is above max_score",
        "two of them would write",
    ];
    let (reader, schema) = (Reader::new(), schema());
    let mut profiles: Vec<String> =
        shipped().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    profiles.push(PROFILE.to_owned());
    let (mut good, mut refused) = (0, 0);
    for profile in profiles {
        for variant in variants(&serde_json::from_str(&profile).unwrap()) {
            let said = reader.said(&variant.to_string());
            let is_valid = schema.is_valid(&variant);
            if is_valid && together.iter().any(|reason| said.contains(reason)) {
                continue;
            }
            assert_eq!(said.is_empty(), is_valid, "{said}\n{variant}");
            if is_valid { good += 1 } else { refused += 1 }
        }
    }
    assert!(good > 100 && refused > 1_000, "{good} good, {refused} refused");
}
