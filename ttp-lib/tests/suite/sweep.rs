//! A sweep by the command line: its jobs, what each leaves, what becomes of results that are cut,
//! edited or of another profile; and the mean over tokens, which one of its arms reads.

use crate::common::own_project::{small_profile, ttp};
use crate::common::tiny::Tiny;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Output;
use tch::Device;
use ttp_evidence::{Evidence, IntervalUnit, Outcome, linear_splits};
use ttp_lib::compare::Both;
use ttp_lib::encoder::{Pooling, TechniqueEncoder};
use ttp_lib::evaluate::Training;
use ttp_lib::linear::LinearKind;
use ttp_lib::pretrained::{Checkpoint, Vocabulary};
use ttp_lib::profile::Run;
use ttp_lib::split::Protocol;

/// A project with a CSV file of three techniques, a profile with a sweep, and a small checkpoint
/// under the name of minilm.
struct Project(tempfile::TempDir);

impl Project {
    fn new(sweep: &Value) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for folder in ["notebooks/profiles", "checkpoints/minilm"] {
            std::fs::create_dir_all(project.at(folder)).unwrap();
        }
        let tiny = Tiny::folder();
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            let to = project.at("checkpoints/minilm").join(file);
            std::fs::copy(tiny.path().join(file), to).unwrap();
        }
        let mut csv = String::from("sentence,technique\n");
        for row in 0..120 {
            let (technique, text) = [
                ("T1566", "sends a mail link"),
                ("T1056", "reads the key log"),
                ("T1105", "sends the log a link"),
            ][row % 3];
            // Words of its own, so that no two are near-duplicates.
            let own: Vec<String> = ["v", "w", "x", "y"].map(|word| format!("{word}{row}")).into();
            csv.push_str(&format!("{text} {},{technique}\n", own.join(" ")));
        }
        std::fs::write(project.at("own.csv"), csv).unwrap();
        project.write_profile(1, sweep);
        project
    }

    fn write_profile(&self, seed: u64, sweep: &Value) {
        let mut profile = small_profile();
        profile["seed"] = json!(seed);
        profile["corpus"]["source"] = json!({ "csv": {
            "path": "own.csv", "sentence": "sentence", "technique": "technique" } });
        profile["balance"] = json!({ "trim_below": 10, "upsample_to": 50, "downsample_to": 60 });
        profile["training"]["epochs"] = json!(2);
        profile["pretraining"] = json!({
            "epochs": 1, "batch_size": 16, "max_length": 16, "learning_rate": 1e-3,
            "warmup_share": 0.0, "weight_decay": 0.0, "clip_norm": 1.0, "masked_share": 0.15
        });
        profile["sweep"] = sweep.clone();
        let file = self.at("notebooks/profiles/laptop.json");
        std::fs::write(file, profile.to_string()).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = ttp(self.0.path(), arguments);
        command.env("TTP_MODELS", self.at("checkpoints")).output().unwrap()
    }

    /// What a command says that must succeed.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of a command that must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    }

    fn sweep(&self, arguments: &[&str]) -> String {
        self.succeeds(&[&["sweep"], arguments, &["--folder", "f"]].concat())
    }

    fn refused(&self, arguments: &[&str]) -> String {
        self.fails(&[&["sweep"], arguments, &["--folder", "f"]].concat())
    }

    fn jobs(&self) -> Value {
        serde_json::from_str(&self.succeeds(&["sweep", "jobs"])).unwrap()
    }

    /// The state of each result, and why.
    fn states(&self) -> Vec<[String; 3]> {
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            ["id", "state", "why"].map(|field| line[field].as_str().unwrap().to_owned())
        };
        self.sweep(&["check"]).lines().map(line).collect()
    }

    fn state(&self, id: &str) -> [String; 2] {
        let states = self.states();
        let [_, state, why] = states.iter().find(|state| state[0] == id).unwrap();
        [state.clone(), why.clone()]
    }

    fn result(&self, id: &str) -> PathBuf {
        self.at(&format!("f/jobs/{id}.json"))
    }

    fn evidence(&self) -> Evidence {
        Evidence::read(&self.at("f/evidence.json")).unwrap()
    }
}

#[test]
fn a_sweep_of_all_kinds_of_jobs_becomes_evidence() {
    let project = Project::new(&json!({ "seeds": [1, 2], "splits": 2, "arm_seeds": 1,
        "models": ["minilm", "minilm-cti"] }));
    let listed = project.jobs();
    assert_eq!(
        (&listed["profile"], listed["fingerprint"].as_str().unwrap().len()),
        (&json!("laptop"), 64)
    );
    let ids: Vec<String> = listed["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1 + 4 + 8 + 2 * 3);
    assert_eq!(listed["jobs"][3]["needs"], json!(["prepare", "pretrain.minilm-cti"]), "{listed}");
    assert!(project.refused(&["run", &ids[0]]).contains("`ttp sweep prepare` is first"));
    assert!(project.states().iter().all(|[_, state, _]| state == "missing"));

    assert!(project.sweep(&["prepare"]).starts_with("prepared: f, 19 jobs"));
    assert!(project.sweep(&["prepare"]).starts_with("prepared before: f"));
    let said = project.refused(&["run", "minilm-cti.clean.seed-1"]);
    assert!(said.contains("`ttp sweep run pretrain.minilm-cti` is first"), "{said}");
    let said = project.sweep(&["collect"]);
    assert!(
        said.contains("not run yet: TTP_PROFILE=laptop make sweep")
            && said.contains("missing: 19 of 19 jobs: pretrain"),
        "{said}"
    );
    assert!(
        said.contains("ttp --profile laptop sweep run pretrain.minilm-cti --folder f"),
        "{said}"
    );
    assert_eq!(
        (project.evidence().missing.len(), project.evidence().command.as_str()),
        (19, "TTP_PROFILE=laptop make sweep")
    );

    for id in &ids {
        assert!(
            project.sweep(&["run", id]).contains(&format!("written: f/jobs/{id}.json")),
            "{id}"
        );
    }
    let states = project.states();
    assert!(states.iter().all(|[_, state, why]| state == "sound" && why.is_empty()), "{states:?}");
    assert!(!project.sweep(&["collect"]).contains("missing"));
    let evidence = project.evidence();
    assert!(evidence.missing.is_empty());
    let seeds: Vec<&String> = evidence.seeds.keys().collect();
    assert_eq!(
        seeds,
        [
            "both.clean",
            "counts-logistic.clean",
            "minilm-cti.clean",
            "minilm.clean",
            "tfidf-svm.clean"
        ]
    );
    assert_eq!(evidence.seeds["both.clean"].runs, [1, 2]);
    let minilm = &evidence.seeds["minilm.clean"];
    assert!(minilm.train_accuracy.is_some() && minilm.f1_macro.low.is_some());
    assert_eq!(evidence.splits["tfidf-svm.clean"].f1_macro.n, 2);
    assert_eq!(evidence.arms.len(), 8);
    let arm = |name: &str| &evidence.arms[&format!("{name}.minilm")];
    assert_eq!(
        (arm("grouped").over, arm("adam").over),
        (IntervalUnit::RowsApart, IntervalUnit::TestRows)
    );
    assert_eq!((arm("frozen").over, arm("frozen").n), (IntervalUnit::Seeds, 2));
    let rows = ["rows_10", "rows_25", "rows_50", "adam"].map(|name| arm(name).train_rows);
    assert!(rows.is_sorted() && rows[0] < rows[3] / 5, "{rows:?}");
    assert!(arm("no_augmentation").train_rows < rows[3]);
    // Over seeds all pairs but that of the linear models, which have none; over splits that one.
    assert_eq!(evidence.pairs.len(), 9 + 1);
    let outcome = Outcome::read(&project.result("rows_25.minilm.clean.seed-1")).unwrap();
    assert_eq!(outcome.test.row.len(), outcome.test.predicted.len());
    assert!(!project.at("f/models/minilm.clean").exists(), "models of jobs are not kept");

    // A model that is pretrained anew is another one, and its result says so.
    std::fs::write(project.at("f/models/minilm-cti/model.safetensors"), "other").unwrap();
    assert_eq!(project.state("pretrain.minilm-cti")[0], "broken");
}

/// One small model from one random start, with its own pieces and with those of the corpus's prose.
#[test]
fn a_vocabulary_is_compared_with_the_shapes_own() {
    let project =
        Project::new(&json!({ "seeds": [1], "splits": 2, "linear": [], "models": ["scratch"],
        "arms": ["vocabulary_trained", "vocabulary_bert"] }));
    project.sweep(&["prepare"]);
    let (base, trained) = ("scratch.clean.seed-1", "vocabulary_trained.scratch.clean.seed-1");
    for id in [base, trained] {
        project.sweep(&["run", id]);
    }
    let said = project.refused(&["run", "vocabulary_bert.scratch.clean.seed-1"]);
    assert!(
        said.contains("bert_base_cased_tok.i2w: not there: `make data-vocabularies`"),
        "{said}"
    );
    project.sweep(&["collect"]);
    let effect = &project.evidence().arms["vocabulary_trained.scratch"];
    assert_eq!((effect.over, effect.n), (IntervalUnit::TestRows, 1));
    let [base, trained] = [base, trained].map(|id| Outcome::read(&project.result(id)).unwrap());
    assert_eq!((base.train_rows, &base.test.row), (trained.train_rows, &trained.test.row));
}

/// What a random start draws beside the words' table is the same whatever the vocabulary.
#[test]
fn a_random_start_with_another_vocabulary_differs_in_its_words_alone() {
    let tiny = Tiny::folder();
    let folder = tempfile::tempdir().unwrap();
    let shape = Checkpoint::open("scratch", tiny.path()).unwrap();
    let own = shape.size("vocab_size") as usize;
    let labels = || vec!["T1".to_owned(), "T2".to_owned()];
    let words = "bert.embeddings.word_embeddings.weight";
    let drawn = |checkpoint: &Checkpoint| {
        let encoder = TechniqueEncoder::new(checkpoint, labels(), Device::Cpu, 7).unwrap();
        encoder.parameters().into_iter().collect::<std::collections::BTreeMap<_, _>>()
    };
    // torch has one generator for the whole process, and other tests draw from it at the same
    // time: two draws that are the same were not disturbed.
    let start = |checkpoint: &Checkpoint| {
        let twice = || (drawn(checkpoint), drawn(checkpoint));
        let undisturbed = (0..20).map(|_| twice()).find(|(one, other)| one == other);
        undisturbed.expect("no two draws of twenty are the same").0
    };
    let before = start(&shape);
    for pieces in [own - 3, own, own + 5] {
        let file = folder.path().join(format!("{pieces}.txt"));
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
        let more = (special.len()..pieces).map(|id| format!("w{id}"));
        let lines: Vec<String> = special.into_iter().chain(more).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        let vocabulary = Vocabulary::read_lines(&file, pieces, None).unwrap();
        let to = folder.path().join(pieces.to_string());
        let other = shape.with_vocabulary(&vocabulary, true, &to).unwrap();
        assert_eq!(other.tokenizer(8).unwrap().vocabulary_size(), pieces);
        assert!(other.notes().is_empty(), "{:?}", other.notes());
        let after = start(&other);
        assert_eq!(before.len(), after.len());
        for (name, tensor) in &after {
            let common = pieces.min(own) as i64;
            let of = |all: &std::collections::BTreeMap<String, tch::Tensor>| match name == words {
                true => all[name].narrow(0, 0, common),
                false => all[name].shallow_clone(),
            };
            assert_eq!(of(&before), of(&after), "{name} with {pieces} pieces");
            assert!(tensor.isfinite().all().int64_value(&[]) == 1, "{name}");
        }
    }
    let trained = Checkpoint::open("minilm", tiny.path()).unwrap();
    let vocabulary = Vocabulary::train(&["a text", "a text"], 40).unwrap();
    let said = trained.with_vocabulary(&vocabulary, true, &folder.path().join("x")).unwrap_err();
    assert!(said.to_string().contains("random start takes another vocabulary"), "{said}");
}

#[test]
fn results_that_are_cut_edited_or_foreign_are_known_and_made_anew() {
    let sweep = json!({ "models": [], "arms": [], "linear": ["counts-logistic"], "splits": 3 });
    let project = Project::new(&sweep);
    project.sweep(&["prepare"]);
    let said = project.refused(&["run", "tfidf-svm.clean.split-1"]);
    assert!(said.contains("profile laptop has no job \"tfidf-svm.clean.split-1\""), "{said}");
    let [first, second] = [1, 2].map(|draw| format!("counts-logistic.clean.split-{draw}"));
    project.sweep(&["run", &first]);
    let whole = std::fs::read_to_string(project.result(&first)).unwrap();
    assert!(project.sweep(&["run", &first]).starts_with("done before"));
    let missing = ["missing".to_owned(), "not run yet".to_owned()];
    assert_eq!(project.state(&second), missing);

    // Cut off: made anew, and told; all but the time is as it was.
    std::fs::write(project.result(&first), &whole[..whole.len() - 40]).unwrap();
    let [state, why] = project.state(&first);
    assert!(state == "broken" && why.contains("cut off, or no JSON"), "{why}");
    project.sweep(&["collect"]);
    assert!(project.evidence().missing.contains(&first) && project.evidence().splits.is_empty());
    let said = project.sweep(&["run", &first]);
    assert!(said.starts_with("made anew: ") && said.contains("cut off"), "{said}");
    let again = Outcome::read(&project.result(&first)).unwrap();
    std::fs::write(project.result(&second), &whole).unwrap();
    let before = Outcome::read(&project.result(&second)).unwrap();
    assert_eq!(again, Outcome { seconds: again.seconds, ..before });
    // The same file under another job's name.
    let [state, why] = project.state(&second);
    assert_eq!((state.as_str(), why), ("foreign", format!("it is the result of {first}")));

    // Edited by hand.
    let edited = whole.replacen("\"seed\":null", "\"seed\":1", 1);
    assert_ne!(edited, whole);
    std::fs::write(project.result(&first), edited).unwrap();
    let [state, why] = project.state(&first);
    assert!(
        state == "broken" && why.contains("\"digest\": it is not that of the content"),
        "{why}"
    );

    // What is no job of the profile, and what was half written.
    std::fs::write(project.result("minilm.clean.seed-1"), &whole).unwrap();
    std::fs::write(project.at("f/jobs/.half-written-1.json"), "{").unwrap();
    let states = project.states();
    assert_eq!(states.len(), 4 + 1);
    let why = "profile laptop has no such job";
    assert_eq!(states[4], ["minilm.clean.seed-1", "foreign", why]);

    // A split that was changed by hand; it is made again as it was.
    project.sweep(&["run", &first]);
    let test = project.at("f/data/processed/splits/clean/test.csv");
    let rows = std::fs::read_to_string(&test).unwrap();
    std::fs::write(&test, rows.replacen("link", "key", 1)).unwrap();
    let said = project.refused(&["run", "counts-logistic.clean"]);
    assert!(said.contains("run `ttp sweep prepare` again"), "{said}");
    assert!(project.sweep(&["prepare"]).starts_with("prepared: f"));
    assert_eq!(std::fs::read_to_string(&test).unwrap(), rows);
    assert_eq!(project.state(&first)[0], "sound");

    // A split more is another list of jobs and no other sweep; another seed is another sweep.
    let mut more = sweep.clone();
    more["splits"] = json!(4);
    project.write_profile(1, &more);
    assert_eq!((project.states().len(), project.state(&first)[0].as_str()), (5 + 1, "sound"));
    project.write_profile(2, &sweep);
    for arguments in [&["prepare"][..], &["run", &first], &["check"], &["collect"]] {
        let said = project.refused(arguments);
        assert!(said.contains("a sweep of another profile, version or code: laptop of "), "{said}");
        assert!(said.ends_with("; take another folder\n"), "{said}");
    }
    project.write_profile(1, &json!({ "arms": ["adamm"] }));
    let said = project.refused(&["prepare"]);
    assert!(
        said.contains("laptop.json, row 1, field \"sweep.arms[0]\": unknown variant"),
        "{said}"
    );
}

#[test]
fn a_seeds_run_is_what_fine_tuning_with_that_seed_gives_and_notebooks_draw_the_same_splits() {
    let mut sweep = json!({ "seeds": [3], "arms": [], "linear": ["tfidf-svm"], "splits": 2 });
    let project = Project::new(&sweep);
    let run = Run::open(project.0.path(), project.0.path(), "laptop").unwrap();
    let own = run.finetune_seed("minilm", Protocol::Clean);
    sweep["seeds"] = json!([3, own]);
    project.write_profile(1, &sweep);
    project.sweep(&["prepare"]);
    project.sweep(&["run", "minilm.clean.seed-3"]);
    project.sweep(&["run", "tfidf-svm.clean.split-2"]);
    project.succeeds(&["corpus"]);
    project.succeeds(&["split"]);
    project.succeeds(&["finetune", "--seed", "3"]);
    let tuned = std::fs::read(project.at("results/experiments/finetune.minilm.clean.seed-3.json"));
    let tuned: Value = serde_json::from_slice(&tuned.unwrap()).unwrap();
    let outcome = Outcome::read(&project.result("minilm.clean.seed-3")).unwrap();
    assert_eq!(tuned["f1_macro"], json!(outcome.scores.f1_macro));
    assert_eq!(tuned["train_rows"], json!(outcome.train_rows));

    // With the seed of the notebooks: also together with the linear model, as they compare it.
    let id = format!("minilm.clean.seed-{own}");
    project.sweep(&["run", &id]);
    project.succeeds(&["finetune"]);
    project.succeeds(&["finetune", "--checkpoint", "tfidf-svm"]);
    let (results, linear) = (project.at("results"), LinearKind::TfidfSvm);
    let bootstrap = run.bootstrap("test scores");
    let expected = Both::of(&results, "minilm", linear, Protocol::Clean, bootstrap).unwrap();
    let found = Outcome::read(&project.result(&id)).unwrap().both.unwrap();
    assert_eq!(found.predicted, expected.logits.test.best());
    assert_eq!(found.scores.f1_macro, expected.evaluation.f1_macro);
    let Training::Both { weight, temperatures, .. } = expected.evaluation.training else {
        panic!("not of two models")
    };
    assert_eq!((found.encoder_weight, found.temperatures), (weight, temperatures));

    // A result without it, as an earlier version wrote them, is made anew.
    let alone = Outcome { both: None, ..Outcome::read(&project.result(&id)).unwrap() };
    alone.write(&project.result(&id)).unwrap();
    let [state, why] = project.state(&id);
    assert!(state == "foreign" && why.contains("together with tfidf-svm"), "{state} {why}");

    let mut told = 0;
    let found =
        linear_splits(&run, &[LinearKind::TfidfSvm], Protocol::Clean, 2, &mut |_| told += 1);
    let found = found.unwrap();
    let job = Outcome::read(&project.result("tfidf-svm.clean.split-2")).unwrap();
    assert_eq!((told, found[1].id.as_str(), found[1].scores), (2, &*job.id, job.scores));
    assert_eq!((&found[1].test, &found[1].fingerprint), (&job.test, &job.fingerprint));
    assert_ne!(found[0].test.row, found[1].test.row);
    let evidence = Evidence::of(&run, &found).unwrap();
    assert_eq!(evidence.splits["tfidf-svm.clean"].runs, [1, 2]);
}

fn labels() -> Vec<String> {
    vec!["T1056".into(), "T1566".into()]
}

fn probabilities(encoder: &TechniqueEncoder, folder: &Path) -> Vec<f32> {
    let checkpoint = ttp_lib::pretrained::Checkpoint::open("tiny", folder).unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    // Of two lengths: the shorter is padded.
    encoder
        .predict(&tokenize, &["sends a mail", "reads the key log a link the"])
        .unwrap()
        .probabilities
}

#[test]
fn the_mean_over_tokens_is_saved_and_read_back() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let build = |pooling| {
        TechniqueEncoder::with_pooling(&checkpoint, labels(), pooling, Device::Cpu, 1).unwrap()
    };
    let mean = build(Pooling::MeanTokens);
    assert!(mean.parameters().iter().all(|(name, _)| !name.contains("pooler")));
    assert!(
        build(Pooling::FirstToken).parameters().iter().any(|(name, _)| name.contains("pooler"))
    );
    let folder = tempfile::tempdir().unwrap();
    mean.save(folder.path(), &checkpoint).unwrap();
    let config: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(config["classifier_pooling"], "mean");
    let opened = TechniqueEncoder::open(folder.path(), Device::Cpu).unwrap();
    assert_eq!(opened.pooling(), Pooling::MeanTokens);
    assert!(opened.notes().is_empty(), "{:?}", opened.notes());
    let own = probabilities(&mean, folder.path());
    assert_eq!(own, probabilities(&opened, folder.path()));
    // A row's vector is the mean over its own tokens, whatever stands beside it in the batch.
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let ids = tokenize.ids(&["sends a mail", "reads the key log a link the"]).unwrap();
    let vectors = mean.features(&ids, tokenize.padding_id(), &mut |_| {}).unwrap();
    for (row, ids) in ids.iter().enumerate() {
        let batch = ttp_lib::batch::Batch::new(
            std::slice::from_ref(ids),
            &[0],
            tokenize.padding_id(),
            Device::Cpu,
        );
        let states = mean.hidden(&batch, false).unwrap();
        for (at, value) in vectors.row(row).iter().enumerate() {
            let sum: f64 = (0..ids.len())
                .map(|token| states.double_value(&[0, token as i64, at as i64]))
                .sum();
            assert!((sum / ids.len() as f64 - f64::from(*value)).abs() < 1e-5);
        }
    }
    // Read as it was built: with the first token's head it is another model.
    let file = folder.path().join("config.json");
    let write = |value: Value| {
        let mut config = config.clone();
        config["classifier_pooling"] = value;
        std::fs::write(&file, config.to_string()).unwrap();
        TechniqueEncoder::open(folder.path(), Device::Cpu).map(|_| ()).unwrap_err().to_string()
    };
    assert!(write(json!("cls")).contains("bert.pooler"));
    let said = write(json!("max"));
    assert!(
        said.ends_with("field \"classifier_pooling\": \"max\" is neither \"cls\" nor \"mean\""),
        "{said}"
    );
}
