//! Trainings that are killed, and go on where they were.

use crate::common::own_project::{small_profile, ttp};
use crate::common::tiny::Tiny;
use crate::common::turn;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tch::Device;
use ttp_lib::corpus::{Corpus, Kinship, Sentence};
use ttp_lib::encoder::{MaskedEncoder, SentenceEncoder};
use ttp_lib::family::{
    Balance, EncoderShape, FamilyEncoder, FamilyParams, FamilyTraining, FlowColumns, FlowData,
};
use ttp_lib::similarity::{
    Labels, Level, Loss, ModelFolder, PairTraining, Pairs, SimilarityTraining, Triplet,
};
use ttp_lib::train::{Algorithm, MaskedParams, MaskedRows, Pretraining, Step, TrainParams, resume};

/// A project with a corpus, its split and a tiny checkpoint, in which a fine-tuning has some
/// hundred steps.
struct Project(tempfile::TempDir, tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap(), Tiny::folder());
        std::fs::create_dir_all(project.at("notebooks/profiles")).unwrap();
        project.write_profile(12);
        let mut csv = String::from("sentence,technique\n");
        let words = ["mail", "link", "key", "log", "the", "sends", "reads", "a"];
        for row in 0..60 {
            let text: Vec<&str> = (0..4 + row % 5).map(|at| words[(row + at * at) % 8]).collect();
            let technique = ["T1059", "T1105"][row % 2];
            csv.push_str(&format!("{} {row},{technique}\n", text.join(" ")));
        }
        std::fs::write(project.at("own.csv"), csv).unwrap();
        for arguments in [&["corpus", "--csv", "own.csv"][..], &["split"]] {
            project.succeeds(&mut project.command(arguments));
        }
        project
    }

    fn write_profile(&self, epochs: usize) {
        let mut profile = small_profile();
        profile["balance"]["downsample_to"] = json!(30);
        profile["training"]["epochs"] = json!(epochs);
        profile["training"]["batch_size"] = json!(4);
        profile["training"]["weight_decay"] = json!(0.01);
        profile["training"]["warmup_share"] = json!(0.1);
        let path = self.at("notebooks/profiles/laptop.json");
        std::fs::write(path, profile.to_string()).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        ttp(self.0.path(), arguments)
    }

    fn succeeds(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{failed}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A fine-tuning into a folder, which keeps a state after every step.
    fn fine_tuning(&self, out: &str, more: &[&str]) -> Command {
        let checkpoint = self.1.path().display().to_string();
        let arguments = ["finetune", "--checkpoint", &checkpoint, "--out", out];
        let mut command = self.command(&[&arguments[..], more].concat());
        command.env("TTP_CHECKPOINT_SECONDS", "0").env("OMP_NUM_THREADS", "2");
        command
    }

    /// The folder of states of a fine-tuning into `out`, and that of its model.
    fn folders(&self, out: &str) -> Option<(PathBuf, PathBuf)> {
        let models = self.at(out).join("models");
        let states = std::fs::read_dir(&models).ok()?.flatten().map(|entry| entry.path());
        let is_states = |path: &PathBuf| file_name(path).starts_with(".training-");
        let states = states.into_iter().find(is_states)?;
        let model = models.join(file_name(&states).trim_start_matches(".training-"));
        Some((states, model))
    }

    fn weights(&self, out: &str) -> Vec<u8> {
        let models = std::fs::read_dir(self.at(out).join("models")).unwrap().flatten();
        let found: Vec<PathBuf> = models.map(|entry| entry.path()).collect();
        assert_eq!(found.len(), 1, "the model, and nothing else: {found:?}");
        std::fs::read(found[0].join("model.safetensors")).unwrap()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The step of the newest state of a folder.
fn newest(states: &Path) -> Option<usize> {
    let files = std::fs::read_dir(states).ok()?.flatten();
    let step = |name: String| name.strip_prefix("step-")?.strip_suffix(".state")?.parse().ok();
    files.filter_map(|entry| step(file_name(&entry.path()))).max()
}

/// Runs a training until it has kept a state after step `step`, and kills it there and then.
fn kill_after(project: &Project, out: &str, step: usize) -> usize {
    let mut command = project.fine_tuning(out, &[]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    loop {
        let states = project.folders(out).map(|(states, _)| states);
        let at = states.as_deref().and_then(newest).unwrap_or(0);
        if at >= step {
            child.kill().unwrap();
            assert_eq!(child.wait().unwrap().code(), None, "ended by a signal");
            return states.as_deref().and_then(newest).unwrap();
        }
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was killed");
        assert!(began.elapsed() < Duration::from_secs(300), "no state after step {step}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_fine_tuning_that_is_killed_twice_ends_with_the_weights_of_one_that_was_not() {
    let project = Project::new();
    let said = project.succeeds(&mut project.fine_tuning("whole", &[]));
    assert!(!said.contains("note: "), "{said}");
    let whole = project.weights("whole");

    let first = kill_after(&project, "killed", 7);
    let (states, _) = project.folders("killed").unwrap();
    let kept = std::fs::read_dir(&states).unwrap().flatten();
    let kept = kept.filter(|entry| file_name(&entry.path()).starts_with("step-")).count();
    // A third is there for the moment between its renaming and the oldest one's removal.
    assert!((1..=3).contains(&kept), "{kept} states");
    let second = kill_after(&project, "killed", first + 60);
    assert!(second > first);

    let said = project.succeeds(&mut project.fine_tuning("killed", &[]));
    let notes: Vec<&str> = said.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notes.len(), 1, "{said}");
    assert!(notes[0].starts_with(&format!("note: goes on after step {second} of ")), "{said}");
    assert!(notes[0].ends_with("; TTP_FRESH=1 starts anew"), "{said}");
    assert_eq!(project.weights("killed"), whole, "the same weights, byte by byte");
}

#[test]
fn a_killed_fine_tuning_begins_anew_where_it_is_told_to_and_after_other_settings() {
    let project = Project::new();
    let whole = {
        project.succeeds(&mut project.fine_tuning("whole", &[]));
        project.weights("whole")
    };
    kill_after(&project, "killed", 5);
    let said = project.succeeds(&mut project.fine_tuning("killed", &["--fresh"]));
    assert!(!said.contains("note: "), "{said}");
    assert_eq!(project.weights("killed"), whole);

    kill_after(&project, "killed", 5);
    project.write_profile(2);
    let said = project.succeeds(&mut project.fine_tuning("killed", &[]));
    let notes: Vec<&str> = said.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notes.len(), 1, "{said}");
    assert!(notes[0].ends_with(".state: of other settings; not used, training starts anew"));
    project.weights("killed");

    let mut command = project.fine_tuning("killed", &[]);
    let output = command.env("TTP_CHECKPOINT_SECONDS", "soon").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let reason = "\"soon\" is no number of seconds: 0 or more, or inf";
    assert_eq!(said.trim_end(), format!("error: setting TTP_CHECKPOINT_SECONDS: {reason}"));
}

/// A training into the folder it is given, which tells `watch` of its steps: its weights, and the
/// loss of every step.
type Training<'a> = &'a dyn Fn(&Path, &mut dyn FnMut(&Step)) -> (Vec<u8>, Vec<f64>);

/// Takes the states that a training has after half of its steps, lets it end, and lets another one
/// go on from them: it must end the same.
fn goes_on_from_the_middle(train: Training<'_>) {
    resume::keep_every(0.0);
    let root = tempfile::tempdir().unwrap();
    let (model, states) = (root.path().join("model"), root.path().join(".training-model"));
    let taken = root.path().join("taken");
    let mut all = 0;
    let whole = train(&model, &mut |step| {
        all = step.steps;
        if step.step == step.steps / 2 {
            std::fs::create_dir(&taken).unwrap();
            for entry in std::fs::read_dir(&states).unwrap().flatten() {
                std::fs::copy(entry.path(), taken.join(entry.file_name())).unwrap();
            }
        }
    });
    assert!(!states.exists(), "removed at the end");
    if model.exists() {
        std::fs::remove_dir_all(&model).unwrap();
    }
    std::fs::rename(&taken, &states).unwrap();
    let mut first = None;
    let again = train(&model, &mut |step| {
        first.get_or_insert(step.step);
    });
    // The state after a step is written after `watch` is told of it.
    assert_eq!(first, Some(all / 2), "it goes on from the state before");
    assert_eq!(again.1, whole.1, "the losses of all steps");
    assert!(again.0 == whole.0, "the same weights, byte by byte");
    assert!(!states.exists());
}

fn weights_in(model: &Path) -> Vec<u8> {
    std::fs::read(model.join("model.safetensors")).unwrap()
}

fn texts() -> Vec<String> {
    let words = ["mail", "link", "key", "log", "the", "sends", "reads", "a"];
    let text = |row: usize| -> Vec<&str> {
        (0..1 + row % 6).map(|at| words[(row + at * at) % 8]).collect()
    };
    (0..60).map(|row| text(row).join(" ")).collect()
}

#[test]
fn pretraining_goes_on_with_the_words_that_it_would_have_hidden() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    // So few are hidden that some batches have none, and are no steps.
    let params = MaskedParams { epochs: 3, batch_size: 2, ..crate::masked::params() };
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let rows = MaskedRows::new(&texts(), &tokenize, 0.15).unwrap();
    goes_on_from_the_middle(&|folder, watch| {
        let mut encoder = MaskedEncoder::with_new_head(&checkpoint, Device::Cpu, 1).unwrap();
        let (params, held_out) = (&params, &[]);
        let training = Pretraining { checkpoint: &checkpoint, params, seed: 1, folder, held_out };
        let history = training.run(&mut encoder, &rows, &rows, watch).unwrap();
        assert_eq!(history.epochs.len(), 1 + 3);
        assert!(history.losses.len() < 3 * 30, "every batch was a step");
        (weights_in(folder), history.losses)
    });
}

fn similarity_params() -> TrainParams {
    TrainParams {
        epochs: 4,
        batch_size: 8,
        max_length: 16,
        learning_rate: 1e-3,
        warmup_share: 0.1,
        weight_decay: 0.01,
        clip_norm: 1.0,
        optimizer: Algorithm::AdamW,
    }
}

#[test]
fn trainings_on_triplets_and_on_pairs_go_on() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let (texts, params) = (texts(), similarity_params());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let sentences = texts.iter().enumerate().map(|(row, text)| Sentence {
        technique: ["T1056", "T1566"][row % 2].to_owned(),
        subtechnique: None,
        name: String::new(),
        text: (*text).to_owned(),
        source_id: row.to_string(),
    });
    let corpus = Corpus { sentences: sentences.collect() };
    let labels = Labels::new(&corpus, Level::Technique, &Kinship::default()).unwrap();
    let triplets: Vec<Triplet> =
        (0..40).map(|row| Triplet { anchor: row, positive: row + 2, negative: row + 3 }).collect();
    goes_on_from_the_middle(&|folder, watch| {
        let mut encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let training = SimilarityTraining {
            checkpoint: &checkpoint,
            params: &params,
            loss: Loss::MultipleNegatives { scale: 20.0 },
            seed: 1,
            folder: &ModelFolder::Written(folder.to_owned()),
        };
        let history =
            training.run(&mut encoder, &tokenize, &texts, &labels, &triplets, watch).unwrap();
        assert_eq!(history.epochs.len(), 4);
        (weights_in(folder), history.losses)
    });
    let rows: Vec<[u32; 2]> = (0..40).map(|row| [row, row + 1 + row % 2]).collect();
    let similar = rows.iter().map(|[a, b]| a % 2 == b % 2).collect();
    let pairs = Pairs { rows, similar, ..Pairs::default() };
    goes_on_from_the_middle(&|folder, watch| {
        let mut encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let training = PairTraining {
            checkpoint: &checkpoint,
            params: &params,
            loss: Loss::Cosine,
            seed: 1,
            stop_after: None,
            folder: &ModelFolder::Written(folder.to_owned()),
        };
        let history = training.run(&mut encoder, &tokenize, &texts, &pairs, watch).unwrap();
        (weights_in(folder), history.losses)
    });
    // A model that is judged and not written.
    goes_on_from_the_middle(&|folder, watch| {
        let mut encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let training = PairTraining {
            checkpoint: &checkpoint,
            params: &params,
            loss: Loss::Cosine,
            seed: 1,
            stop_after: None,
            folder: &ModelFolder::StatesOnly(folder.to_owned()),
        };
        let history = training.run(&mut encoder, &tokenize, &texts, &pairs, watch).unwrap();
        assert!(!folder.exists());
        let vectors = encoder.embed(&tokenize, &texts, &mut |_| ()).unwrap();
        let bytes = vectors.numbers().iter().flat_map(|number| number.to_le_bytes());
        (bytes.collect(), history.losses)
    });
}

#[test]
fn a_training_on_flows_goes_on() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, first: usize, rows: usize| {
        let mut csv = String::from("x,y,family\n");
        for row in first..first + rows {
            let family = ["a", "b", "c"][row % 3];
            csv.push_str(&format!("{},{},{family}\n", row % 7, (row * row) % 11));
        }
        let path = folder.path().join(name);
        std::fs::write(&path, csv).unwrap();
        path
    };
    let (train, validation) = (file("train.csv", 0, 300), file("validation.csv", 300, 60));
    let columns = FlowColumns::default();
    let data = FlowData::from_files(&train, &validation, None, &columns).unwrap();
    let params =
        FamilyParams { epochs: 4, batch_size: 16, shuffle_rows: 64, ..FamilyParams::default() };
    goes_on_from_the_middle(&|folder, watch| {
        let shape = EncoderShape { hidden: vec![8], embedding: 4, dropout: 0.2 };
        let (rows, standardiser) = (&data.train, &data.standardiser);
        let mut encoder = FamilyEncoder::new(&shape, rows, standardiser, Device::Cpu, 1).unwrap();
        let balance = Balance::default();
        let training = FamilyTraining { params: &params, balance, seed: 1, folder: Some(folder) };
        let history = training.run(&mut encoder, &data, watch).unwrap();
        assert_eq!(history.epochs.len(), 4);
        (weights_in(folder), history.losses)
    });
}
