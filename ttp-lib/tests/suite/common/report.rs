//! A made-up set of files in the similarity report's form, in the words of [`super::tiny::WORDS`].

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ttp_lib::similarity::reported::REPORT_FILES;

/// The files, below a folder `cybertune/`.
pub struct MadeUp(tempfile::TempDir);

impl MadeUp {
    /// Two tactics of eight sentences with a variation each, and of four more sentences; nine of
    /// ten pairs for training, every tenth in turn for validation and test.
    pub fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(made.0.path().join("cybertune")).unwrap();
        let mut synthetic: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut real: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (tactic, nouns) in [("Mailing", ["mail", "link"]), ("Stealing", ["key", "log"])] {
            for noun in nouns {
                for verb in ["Sends", "Reads"] {
                    for article in ["the", "a"] {
                        let sentence = format!("{verb} {article} {noun}");
                        synthetic.entry(tactic).or_default().push(sentence);
                    }
                    // A sentence that holds another one: the longer is meant.
                    let sentence =
                        format!("The {noun} {verb} the {noun} a", verb = verb.to_lowercase());
                    real.entry(tactic).or_default().push(sentence);
                }
            }
        }
        let texts = |tactic: &str| -> Vec<String> {
            let vary = |s: &String| format!("The {} the", s.to_lowercase());
            synthetic[tactic].iter().flat_map(|s| [s.clone(), vary(s)]).collect()
        };
        let mut pairs: Vec<Value> = Vec::new();
        let mut push = |a: &String, b: &String, label: f64| {
            pairs.push(json!({ "sentence1": a, "sentence2": b, "label": label }));
        };
        for (source_one, source_two) in [
            (texts("Mailing"), texts("Stealing")),
            (real["Mailing"].clone(), real["Stealing"].clone()),
        ] {
            for own in [&source_one, &source_two] {
                for (at, a) in own.iter().enumerate() {
                    own[at + 1..].iter().for_each(|b| push(a, b, 1.0));
                }
            }
            source_one.iter().for_each(|a| source_two.iter().for_each(|b| push(a, b, 0.0)));
        }
        let third = |part: usize| -> Vec<Value> {
            let at = |place: usize| match place % 20 {
                7 => 1,
                17 => 2,
                _ => 0,
            };
            pairs
                .iter()
                .enumerate()
                .filter(|(n, _)| at(*n) == part)
                .map(|(_, p)| p.clone())
                .collect()
        };
        made.write("combined_train.json", &json!(third(0)).to_string());
        made.write("combined_dev.json", &json!(third(1)).to_string());
        made.write("combined_test.json", &json!(third(2)).to_string());
        made.write("categories.json", &json!(synthetic).to_string());
        made.write("real_world_ttps.json", &json!(real).to_string());
        made.write("unseen_examples.txt", "the mail sends\nthe key reads\na log\n");
        let list: String = [
            ("the mail s...", "the key reads"),
            ("the mail sends", "a log"),
            ("the key reads", "a log"),
        ]
        .iter()
        .zip(1..)
        .map(|((a, b), at)| {
            format!(
                "Example Pair {at}:\nText 1: {a}\nText 2: {b}\nBaseline Model Similarity: 0.2000\n\
                     Fine-tuned Model Similarity: 0.7001\nDifference: 0.5000\n\n"
            )
        })
        .collect();
        made.write("real_world_example_comparison.txt", &format!("===== List =====\n\n{list}"));
        made
    }

    /// The folder that TTP_SOURCES may name.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, file: &str, content: &str) {
        std::fs::write(self.0.path().join("cybertune").join(file), content).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.path().join("cybertune").join(file)).unwrap()
    }

    /// The files' paths, in their order.
    pub fn paths(&self) -> [PathBuf; 7] {
        REPORT_FILES.map(|name| self.0.path().join(name))
    }
}
