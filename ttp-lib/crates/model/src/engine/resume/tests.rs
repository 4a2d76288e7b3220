//! A small training of its own that ends where it is told to, and what becomes of its states.

use super::*;
use crate::batch::Size;
use crate::engine::{Algorithm, Pace, Schedule, Steps};
use sha2::Digest as _;
use tch::Kind;

/// Steps of an epoch, and epochs.
const STEPS: usize = 5;
const EPOCHS: usize = 4;

/// A training of a table of words and a layer, whose loss follows from the step.
struct Toy {
    seed: u64,
    data: Vec<u32>,
    /// Steps after which it is killed.
    killed_after: usize,
}

/// What became of it.
struct Ended {
    weights: Vec<f32>,
    history: Vec<f64>,
    told: Vec<String>,
    /// Steps that it made itself.
    made: usize,
}

impl Toy {
    fn new() -> Self {
        Self { seed: 3, data: vec![1, 2, 5], killed_after: usize::MAX }
    }

    fn variables(&self) -> Vec<(String, Tensor)> {
        let values = |count: u32, by: f32| -> Vec<f32> {
            (0..count).map(|at| (at as f32 * by).sin()).collect()
        };
        let tensor = |values: &[f32], width: i64| {
            Tensor::from_slice(values).view([-1, width]).set_requires_grad(true)
        };
        let words = tensor(&values(32, 0.7), 4);
        let layer = tensor(&values(12, 0.3), 4);
        vec![("words.weight".to_owned(), words), ("layer.weight".to_owned(), layer)]
    }

    /// Trains into the folder `model`; a state is kept after every step.
    fn train(&self, model: &Path) -> Ended {
        keep_every(0.0);
        let variables = self.variables();
        let [words, layer] = [0, 1].map(|at: usize| variables[at].1.shallow_clone());
        let origin = Origin::new(&self.seed, &self.data, &variables, &["the loop"]).unwrap();
        let optimizer = Optimizer::new(variables, Algorithm::AdamW, 0.1, 1.0)
            .reading_rows("words.weight", &self.data);
        let (mut made, mut watch) = (0, |_: &crate::engine::Step| ());
        let schedule = Schedule::new(STEPS * EPOCHS, 0.2, 0.1);
        let pace = Pace::new(EPOCHS, STEPS * EPOCHS);
        let mut steps = Steps::new(optimizer, schedule, pace, "rate", &mut watch);
        let mut best = Best::default();
        let mut resume = Resume::beside(model, origin).unwrap();
        let mut history: Vec<f64> = steps.go_on(&mut resume, &mut best).unwrap_or_default();
        for epoch in steps.epoch()..=EPOCHS {
            steps.begin(epoch);
            for at in (0..STEPS).skip(steps.of_epoch()) {
                let rows: Vec<i64> = self.data.iter().map(|&row| i64::from(row)).collect();
                let read = Tensor::embedding(&words, &Tensor::from_slice(&rows), -1, false, true);
                let wanted = ((epoch * STEPS + at) as f64).cos();
                let loss = (read.matmul(&layer.tr()) - wanted).square().sum(Kind::Float);
                steps.take(&loss, Size { rows: 3, ..Size::default() }).unwrap();
                steps.keep(&mut resume, &best, &history);
                made += 1;
                if made == self.killed_after {
                    return Ended { weights: Vec::new(), history, told: resume.told, made };
                }
            }
            history.push(steps.epoch_loss());
            // The second epoch is the best, whatever comes.
            let score = [0.1, 0.9, 0.3, 0.5][epoch - 1];
            best.offer(score, || vec![words.detach().copy(), layer.detach().copy()]);
        }
        steps.settle();
        resume.finish();
        let mut weights = Vec::new();
        for tensor in [&words, &layer].into_iter().chain(best.weights().unwrap()) {
            weights.extend(Vec::<f32>::try_from(tensor.detach().contiguous().view(-1)).unwrap());
        }
        Ended { weights, history, told: resume.told, made }
    }
}

/// A folder with the states of a training that was killed after so many steps, and its model's.
fn killed(steps: usize) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let model = root.path().join("one");
    let ended = Toy { killed_after: steps, ..Toy::new() }.train(&model);
    assert_eq!((ended.made, ended.told.len()), (steps, 0));
    (root, model)
}

fn states(model: &Path) -> Vec<String> {
    let folder = model.with_file_name(".training-one");
    let names =
        files_of(&folder).map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn state(model: &Path, step: usize) -> PathBuf {
    model.with_file_name(".training-one").join(format!("step-{step:010}.state"))
}

/// What a training says that finds these states, without the folder's name; it ends as one that
/// was never killed.
fn says(root: &tempfile::TempDir, model: &Path, toy: &Toy, made: usize) -> Vec<String> {
    let ended = toy.train(model);
    assert_eq!(ended.made, made, "{:?}", ended.told);
    let elsewhere = tempfile::tempdir().unwrap();
    let undisturbed = toy.train(&elsewhere.path().join("one"));
    assert_eq!(ended.weights, undisturbed.weights);
    assert_eq!(ended.history, undisturbed.history);
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "its states are removed");
    let folder = format!("{}/", root.path().display());
    ended.told.iter().map(|line| line.replace(&folder, "")).collect()
}

const ALL: usize = STEPS * EPOCHS;
const ANEW: &str = "not used, training starts anew";

#[test]
fn it_goes_on_after_any_step_and_ends_the_same() {
    for steps in 1..ALL {
        let (root, model) = killed(steps);
        let said = says(&root, &model, &Toy::new(), ALL - steps);
        let expected = format!(
            "goes on after step {steps} of 20 (.training-one/step-{steps:010}.state); \
             TTP_FRESH=1 starts anew"
        );
        assert_eq!(said, [expected]);
    }
}

#[test]
fn it_may_be_killed_as_often_as_it_likes() {
    let (root, model) = killed(3);
    for steps in [1, 4, 2] {
        Toy { killed_after: steps, ..Toy::new() }.train(&model);
    }
    assert_eq!(says(&root, &model, &Toy::new(), ALL - 10).len(), 1);
}

#[test]
fn two_states_are_kept_with_their_best_weights_and_nothing_half_written() {
    let (_root, model) = killed(3);
    let folder = model.with_file_name(".training-one");
    std::fs::write(folder.join(".half-written-abc"), "what a kill left").unwrap();
    Toy { killed_after: 3, ..Toy::new() }.train(&model);
    let [fifth, sixth] = [5, 6].map(|step| format!("step-{step:010}.state"));
    assert_eq!(states(&model), ["best-000001.state", "lock", &fifth, &sixth]);
    // The second epoch's are better: the first's go when no state is with them.
    Toy { killed_after: 5, ..Toy::new() }.train(&model);
    assert_eq!(states(&model)[..3], ["best-000001.state", "best-000002.state", "lock"]);
    Toy { killed_after: 9, ..Toy::new() }.train(&model);
    assert_eq!(states(&model)[..2], ["best-000002.state", "lock"]);
    assert_eq!(states(&model).len(), 4);
}

/// Lets a training find a damaged state, once with a sound one before it and once alone. `damage`
/// says why the state is no longer to be used.
fn damaged(damage: impl Fn(&Path) -> String) {
    let (root, model) = killed(7);
    let reason = damage(&state(&model, 7));
    let said = says(&root, &model, &Toy::new(), ALL - 6);
    assert_eq!(said.len(), 2, "{said:?}");
    let newer = ".training-one/step-0000000007.state";
    assert_eq!(said[0], format!("{newer}: {reason}; not used, the one before it is taken"));
    assert!(said[1].starts_with("goes on after step 6 of 20 "), "{said:?}");

    let (root, model) = killed(7);
    std::fs::remove_file(state(&model, 6)).unwrap();
    let reason = damage(&state(&model, 7));
    let said = says(&root, &model, &Toy::new(), ALL);
    assert_eq!(said, [format!("{newer}: {reason}; {ANEW}")]);
}

fn length(path: &Path) -> usize {
    std::fs::metadata(path).unwrap().len() as usize
}

#[test]
fn a_state_that_is_cut_off_is_not_used() {
    let cut = |path: &Path, to: usize| {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(to as u64).unwrap();
    };
    damaged(|path| {
        let length = length(path);
        cut(path, length - 1);
        format!("cut off: {} of {length} bytes", length - 1)
    });
    damaged(|path| {
        let length = length(path);
        cut(path, 1000);
        format!("cut off: 1000 of {length} bytes")
    });
    for to in [0, 30] {
        damaged(|path| {
            cut(path, to);
            format!("cut off: {to} of 44 bytes")
        });
    }
    // Its digest is right, and begins where the header's length ends.
    damaged(|path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.truncate(43);
        bytes[28..36].copy_from_slice(&40_u64.to_le_bytes());
        let digest = sha2::Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        std::fs::write(path, bytes).unwrap();
        "damaged: its header is longer than the file".to_owned()
    });
}

#[test]
fn a_state_with_a_flipped_bit_is_not_used() {
    let flip = |path: &Path, at: usize, reason: &str| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[at] ^= 4;
        std::fs::write(path, bytes).unwrap();
        reason.to_owned()
    };
    damaged(|path| flip(path, 3, "no state of a training"));
    damaged(|path| flip(path, 24, "of format 5, and this program reads format 1"));
    let changed = "damaged: not what was written";
    damaged(|path| flip(path, 60, changed));
    damaged(|path| flip(path, length(path) / 2, changed));
    damaged(|path| flip(path, length(path) - 40, changed));
    damaged(|path| flip(path, length(path) - 1, changed));
}

/// Writes a state anew, whole, with something changed in it.
fn rewritten(reason: &str, change: impl Fn(&mut Value, &mut Vec<(String, Tensor)>)) {
    damaged(|path| {
        let (header, mut tensors) = file::read(path).unwrap();
        let mut about = header.about;
        change(&mut about, &mut tensors);
        file::write(path, &header.origin, about, &tensors).unwrap();
        reason.to_owned()
    });
}

#[test]
fn a_state_that_says_what_cannot_be_is_not_used() {
    let reason = "a number of its second moment words.weight is NaN or infinite";
    rewritten(reason, |_, tensors| {
        let (name, moment) = &mut tensors[2];
        assert_eq!(name, "second moment words.weight");
        let _ = moment.view(-1).get(5).fill_(f64::NAN);
    });
    let reason = "after step 21, and the training has 20";
    rewritten(reason, |about, _| about["optimizer"]["steps"] = 21.into());
    let reason = "its history does not fit its steps";
    rewritten(reason, |about, _| about["optimizer"]["steps"] = 3.into());
    rewritten("its weights are not the model's", |_, tensors| drop(tensors.pop()));
    let reason = "libtorch does not take its generator's state";
    rewritten(reason, |about, _| about["generators"]["cpu"] = vec![1, 2].into());
    let reason = "of another version of the program: unknown field `new`, expected one of \
                  `optimizer`, `generators`, `best`, `notes`";
    rewritten(reason, |about, _| about["new"] = 1.into());
}

#[test]
fn a_state_without_its_best_weights_is_not_used() {
    let (root, model) = killed(7);
    let best = model.with_file_name(".training-one").join("best-000001.state");
    std::fs::write(best, "ttp").unwrap();
    let reason = "its best-000001.state: cut off: 3 of 44 bytes";
    let said = says(&root, &model, &Toy::new(), ALL);
    assert_eq!(said, [format!(".training-one/step-0000000007.state: {reason}; {ANEW}")]);
}

#[test]
fn a_state_of_another_training_is_not_used() {
    let changed: [(&str, Toy); 2] = [
        ("other settings", Toy { seed: 4, ..Toy::new() }),
        ("other data", Toy { data: vec![1, 2, 6], ..Toy::new() }),
    ];
    for (what, toy) in changed {
        let (root, model) = killed(7);
        let said = says(&root, &model, &toy, ALL);
        assert_eq!(said, [format!(".training-one/step-0000000007.state: of {what}; {ANEW}")]);
    }
}

#[test]
fn weights_code_and_machine_are_told_apart() {
    let start = |by: f32| vec![("w".to_owned(), Tensor::from_slice(&[1.0, by]))];
    let of = |by: f32, code: &str| Origin::new(&1, &2, &start(by), &[code]).unwrap();
    let own = of(0.5, "loop");
    assert_eq!(of(0.5, "loop").differs_in(&own), None);
    assert_eq!(of(0.25, "loop").differs_in(&own), Some("other weights before the first step"));
    assert_eq!(of(0.5, "loop 2").differs_in(&own), Some("another version of the program"));
    let mut told = serde_json::to_value(&own).unwrap();
    told["machine"] = "another".into();
    let other: Origin = serde_json::from_value(told).unwrap();
    let machine =
        "another machine, libtorch, number of threads or setting of MKL, oneDNN or cuBLAS";
    assert_eq!(other.differs_in(&own), Some(machine));
}

#[test]
fn a_fresh_training_takes_no_state_and_leaves_none() {
    let (root, model) = killed(7);
    start_anew(true);
    let killed_at_once = Toy { killed_after: 1, ..Toy::new() }.train(&model);
    assert_eq!((killed_at_once.made, killed_at_once.told.len()), (1, 0));
    assert_eq!(states(&model), ["lock", "step-0000000001.state"], "the old ones are gone");
    let ended = Toy::new().train(&model);
    start_anew(false);
    assert_eq!((ended.made, ended.told.len()), (ALL, 0));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn of_two_trainings_at_once_the_second_keeps_no_state_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let model = root.path().join("one");
    let toy = Toy::new();
    let origin = Origin::new(&1, &2, &toy.variables(), &[]).unwrap();
    let mut first = Resume::beside(&model, origin).unwrap();
    let ended = toy.train(&model);
    let folder = model.with_file_name(".training-one");
    let expected = format!(
        "{}: process {} is training there; this training keeps no state",
        folder.display(),
        std::process::id()
    );
    assert_eq!(ended.told, [expected]);
    assert_eq!(states(&model), ["lock"]);
    first.finish();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn a_training_that_fails_before_its_first_state_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let toy = Toy::new();
    let origin = Origin::new(&1, &2, &toy.variables(), &[]).unwrap();
    drop(Resume::beside(&root.path().join("one"), origin).unwrap());
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_into_ends_no_training() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("file"), "").unwrap();
    let ended = Toy::new().train(&root.path().join("file/one"));
    assert_eq!(ended.made, ALL);
    assert_eq!(ended.told.len(), 1);
    assert!(ended.told[0].contains("/file/.training-one: cannot be written into: "));
}

#[test]
fn writing_waits_fifty_times_as_long_as_it_took() {
    let root = tempfile::tempdir().unwrap();
    let toy = Toy::new();
    let origin = Origin::new(&1, &2, &toy.variables(), &[]).unwrap();
    keep_every(0.01);
    let mut resume = Resume::beside(&root.path().join("one"), origin).unwrap();
    assert!(!resume.due());
    std::thread::sleep(Duration::from_millis(20));
    assert!(resume.due());
    resume.kept.as_mut().unwrap().cost = Duration::from_secs(60);
    assert!(!resume.due(), "60 seconds of writing, 20 ms since");
    assert!(!Resume::nowhere().due());
    keep_every(f64::INFINITY);
    let never = Origin::new(&1, &2, &toy.variables(), &[]).unwrap();
    assert!(!Resume::beside(&root.path().join("two"), never).unwrap().due());
}

#[test]
fn moments_and_unread_rows_come_back_as_they_were() {
    let toy = Toy::new();
    let optimizer = |variables| {
        Optimizer::new(variables, Algorithm::AdamW, 0.1, 1.0)
            .reading_rows("words.weight", &toy.data)
    };
    let variables = toy.variables();
    let [words, layer] = [0, 1].map(|at: usize| variables[at].1.shallow_clone());
    let mut first = optimizer(variables);
    for _ in 0..3 {
        let rows = Tensor::from_slice(&[1_i64, 5]);
        let read = Tensor::embedding(&words, &rows, -1, false, true);
        let loss = read.square().sum(Kind::Float) + layer.square().sum(Kind::Float);
        first.step(&loss, 0.1);
    }
    let mut second = optimizer(toy.variables());
    let kept: Vec<Tensor> = first.tensors().iter().map(|(_, tensor)| tensor.copy()).collect();
    second.put_back(&first.counts(), &kept);
    assert_eq!(second.counts(), first.counts());
    assert!(
        serde_json::to_value(first.counts()).unwrap()["left"]["words.weight"].as_f64() < Some(1.0)
    );
    first.settle();
    second.settle();
    for ((name, a), (_, b)) in first.tensors().iter().zip(second.tensors()) {
        assert_eq!(a, &b, "{name}");
    }
}
