//! All techniques, nothing trimmed: an encoder, a linear model and both together, and the linear
//! model over several splits.

use crate::common::own_project::small_profile;
use std::collections::{BTreeMap, BTreeSet};
use ttp_evidence::{SplitScores, UntrimmedModel, UntrimmedModels, UntrimmedSplits};
use ttp_lib::compare::Mean;
use ttp_lib::corpus::{self, Columns, Corpus, Operation, RowChoice, Sample, Source};
use ttp_lib::evaluate::{Baseline, linear_predictions, scores_of};
use ttp_lib::linear::LinearKind;
use ttp_lib::metrics::{Bootstrap, Summary};
use ttp_lib::profile::Run;
use ttp_lib::serde_json::{self, Value};
use ttp_lib::split::{Protocol, Split, UntrimmedSplit};

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };

/// Sentences of four techniques, of which one in five is told in words that all have, and the
/// last technique is rare.
fn text(row: u32) -> (&'static str, String) {
    let words = [("T1003", "dumps passwords"), ("T1027", "packs code"), ("T1105", "fetches files")];
    let (technique, words) = match row % 19 {
        0 => ("T1566", "sends mails"),
        _ => words[row as usize % 3],
    };
    match row % 5 {
        0 => (technique, format!("The actor number {row} works with tools")),
        _ => (technique, format!("The actor number {row} {words} with tools")),
    }
}

fn split() -> Split {
    let part = |from: u32, rows: u32| -> Vec<Sample> {
        let sample = |row| {
            let (technique, text) = text(row);
            Sample { row, technique: technique.into(), text, operation: Operation::Original }
        };
        (from..from + rows).map(sample).collect()
    };
    Split { train: part(0, 120), validation: part(120, 40), test: part(160, 40) }
}

/// The model that counts words stands in the encoder's place: what is compared are logits.
fn models() -> ([Baseline; 2], UntrimmedModels) {
    let train = |kind| Baseline::train(kind, Protocol::Clean, &split(), 1, BOOTSTRAP).unwrap();
    let [encoder, linear] = [LinearKind::CountsLogistic, LinearKind::TfidfSvm].map(train);
    let own = ("minilm", &encoder.logits);
    let models = UntrimmedModels::of(&split(), own, LinearKind::TfidfSvm, 1, BOOTSTRAP).unwrap();
    ([encoder, linear], models)
}

#[test]
fn an_encoder_and_a_linear_model_are_held_against_each_other_on_the_same_rows() {
    let ([encoder, linear], models) = models();
    let mean = Mean::of(&encoder.logits, &linear.logits).unwrap();
    assert_eq!((models.encoder_weight, models.temperatures), (mean.weight, mean.temperatures));
    assert_eq!((models.techniques, models.train_rows, models.test_rows), (4, 120, 40));
    for (model, name, logits) in [
        (&models.encoder, "minilm", &encoder.logits),
        (&models.linear, "tfidf-svm", &linear.logits),
        (&models.both, "both", &mean.logits),
    ] {
        let UntrimmedModel { predictions, .. } = model;
        assert_eq!((model.name.as_str(), predictions), (name, &logits.predictions().unwrap()));
        // Another way to the same figures, with intervals of another kind.
        let scores = scores_of(predictions, BOOTSTRAP).unwrap();
        assert!((model.f1_macro.value - scores.f1.macro_.value).abs() < 1e-12, "{name}");
        assert!((model.accuracy.value - scores.accuracy.value).abs() < 1e-12, "{name}");
        assert!(model.f1_macro.low < model.f1_macro.value, "{name}");
        let mut found: BTreeMap<&str, bool> = BTreeMap::new();
        for said in predictions {
            let technique = said.sample.technique.as_str();
            *found.entry(technique).or_default() |= said.predicted == technique;
        }
        let never: Vec<&str> =
            found.iter().filter(|(_, found)| !**found).map(|(t, _)| *t).collect();
        let mut said: Vec<&str> = model.zero_recall.iter().map(String::as_str).collect();
        said.sort_unstable();
        assert_eq!(said, never, "{name}");
    }
    let pairs = [
        (&models.linear, &models.encoder),
        (&models.both, &models.encoder),
        (&models.both, &models.linear),
    ];
    for (gain, (first, second)) in models.gains.iter().zip(pairs) {
        assert_eq!((&gain.first, &gain.second), (&first.name, &second.name));
        let difference = first.accuracy.value - second.accuracy.value;
        assert!((gain.accuracy.value - difference).abs() < 1e-12);
        assert!(
            (gain.f1_macro.value - (first.f1_macro.value - second.f1_macro.value)).abs() < 1e-12
        );
    }
}

#[test]
fn what_is_said_of_the_models_is_computed() {
    let (_, mut models) = models();
    assert_eq!(models.table().unwrap().len(), 3);
    assert_eq!(models.gains_table().unwrap().len(), 3);
    let said = models.to_string();
    assert_eq!(said.lines().count(), 7, "{said}");
    assert!(said.ends_with("4 techniques: no published figure beside these"), "{said}");
    // As many techniques as the published figure is of.
    models.techniques = 188;
    let place = |accuracy: f64| {
        let mut models = models.clone();
        let about = &mut models.linear.accuracy;
        (about.value, about.low, about.high) = (accuracy, accuracy - 0.01, accuracy + 0.01);
        models.to_string().lines().last().unwrap().to_owned()
    };
    assert!(place(0.76).contains("accuracy 0.725 by SecBERT"), "{}", place(0.76));
    assert!(place(0.76).ends_with("below the interval of tfidf-svm"), "{}", place(0.76));
    assert!(place(0.72).ends_with("within the interval of tfidf-svm"), "{}", place(0.72));
    let mut gain = models.gains[0].clone();
    (gain.f1_macro.value, gain.f1_macro.low, gain.f1_macro.high) = (-0.2, -0.3, -0.1);
    assert!(gain.to_string().contains("−0.200 [−0.300, −0.100] (lower by more than chance)"));
    gain.f1_macro.high = 0.1;
    assert!(gain.to_string().contains("+0.100] (no more than chance)"), "{gain}");
    let file: Value = serde_json::to_value(&models).unwrap();
    assert_eq!(file["linear"]["name"], "tfidf-svm");
    assert!(file["both"]["f1_macro"]["low"].is_f64() && file["both"].get("predictions").is_none());
}

#[test]
fn logits_of_other_rows_are_refused() {
    let mut other = split();
    other.test.swap(0, 1);
    let kind = LinearKind::CountsLogistic;
    let encoder = Baseline::train(kind, Protocol::Clean, &other, 1, BOOTSTRAP).unwrap();
    let own = ("minilm", &encoder.logits);
    let error = UntrimmedModels::of(&split(), own, LinearKind::TfidfSvm, 1, BOOTSTRAP);
    let said = error.err().unwrap().to_string();
    assert_eq!(said, "setting logits: the two models have not the same techniques and rows");
}

/// A run whose corpus has these sentences.
fn run(sentences: impl Iterator<Item = (String, String)>) -> (tempfile::TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.json"), small_profile().to_string()).unwrap();
    let run = Run::open(folder.path(), folder.path(), "own.json").unwrap();
    let mut csv = String::from("sentence,technique\n");
    sentences.for_each(|(technique, text)| csv += &format!("{text},{technique}\n"));
    let path = folder.path().join("own.csv");
    std::fs::write(&path, csv).unwrap();
    let columns = Columns::named("sentence", "technique");
    let source = Source::Csv { path, columns, known: None, keep: RowChoice::Distinct };
    let corpus: Corpus = corpus::build(&source).unwrap().corpus;
    std::fs::create_dir_all(run.folders.processed("")).unwrap();
    corpus.write_parquet(&run.folders.processed("corpus.parquet")).unwrap();
    (folder, run)
}

#[test]
fn a_linear_model_over_splits_that_are_drawn_anew() {
    let (_folder, run) = run((0..240).map(|row| {
        let (technique, text) = text(row);
        (technique.to_owned(), text)
    }));
    let mut told: Vec<SplitScores> = Vec::new();
    let kind = LinearKind::TfidfSvm;
    let over = UntrimmedSplits::draw(&run, kind, 3, &mut |one| told.push(one.clone())).unwrap();
    assert_eq!(over.splits, told);
    assert_eq!(over.splits.iter().map(|one| one.draw).collect::<Vec<_>>(), [1, 2, 3]);
    let corpus = Corpus::read_parquet(&run.folders.processed("corpus.parquet")).unwrap();
    let shares = run.profile.remedies.shares;
    for one in &over.splits {
        let seed = run.seed(&format!("untrimmed split draw {}", one.draw));
        let UntrimmedSplit { split, .. } = UntrimmedSplit::of(&corpus, shares, seed).unwrap();
        assert_eq!((one.train_rows, one.test_rows), (split.train.len(), split.test.len()));
        let said = linear_predictions(kind, &split, run.seed("untrimmed")).unwrap();
        let scores = scores_of(&said, BOOTSTRAP).unwrap();
        assert!((one.f1_macro - scores.f1.macro_.value).abs() < 1e-12);
        assert!((one.accuracy - scores.accuracy.value).abs() < 1e-12);
    }
    let f1: Vec<f64> = over.splits.iter().map(|one| one.f1_macro).collect();
    assert!(f1[0] != f1[1] || f1[1] != f1[2], "{f1:?}");
    let expected = Summary::of_splits(&f1, 0.95, shares.test, shares.train).unwrap();
    assert_eq!(over.f1_macro.spread, expected.into());
    assert!(f1.contains(&over.f1_macro.lowest) && f1.iter().all(|f1| *f1 >= over.f1_macro.lowest));
    assert!(
        f1.contains(&over.f1_macro.highest) && f1.iter().all(|f1| *f1 <= over.f1_macro.highest)
    );
    assert_eq!(over.table().unwrap().len(), 4);
    let said = over.to_string();
    assert!(said.starts_with("tfidf-svm over 3 splits: macro F1 "), "{said}");
    let file: Value = serde_json::to_value(&over).unwrap();
    assert_eq!(file["f1_macro"]["mean"], over.f1_macro.spread.mean);
    assert_eq!(file["accuracy"]["lowest"], over.accuracy.lowest);
    let none = UntrimmedSplits::draw(&run, kind, 0, &mut |_| {}).unwrap_err();
    assert_eq!(none.to_string(), "setting draws: 0 splits give no figure");
}

/// Texts of several techniques, some of them rare: what test has of a text, training loses.
#[test]
fn a_technique_that_training_lost_counts_as_not_found() {
    let shared = (0..60).flat_map(|row| {
        let text = format!("The actor number {row} dumps passwords");
        let common = (1..7).map(|of| format!("T100{of}"));
        let rare = (row < 20).then(|| format!("T156{}", row / 5));
        common.chain(rare).map(move |technique| (technique, text.clone())).collect::<Vec<_>>()
    });
    let plain = (100..160).map(|row| ("T1105".to_owned(), format!("It fetches file {row}")));
    let (_folder, run) = run(shared.chain(plain));
    let kind = LinearKind::TfidfSvm;
    let over = UntrimmedSplits::draw(&run, kind, 4, &mut |_| {}).unwrap();
    let corpus = Corpus::read_parquet(&run.folders.processed("corpus.parquet")).unwrap();
    let mut lost = 0;
    for one in &over.splits {
        let seed = run.seed(&format!("untrimmed split draw {}", one.draw));
        let shares = run.profile.remedies.shares;
        let UntrimmedSplit { split, .. } = UntrimmedSplit::of(&corpus, shares, seed).unwrap();
        let known: BTreeSet<&str> = split.train.iter().map(|s| s.technique.as_str()).collect();
        let unknown = |sample: &&Sample| !known.contains(sample.technique.as_str());
        let rows = split.test.iter().filter(unknown).count();
        if rows > 0 {
            lost += 1;
            // What cannot be named is wrong, and is counted.
            assert!(one.accuracy <= 1.0 - rows as f64 / one.test_rows as f64, "{one:?}");
            assert!(linear_predictions(kind, &split, 1).is_ok());
            assert!(Baseline::train(kind, Protocol::Clean, &split, 1, BOOTSTRAP).is_err());
        }
    }
    assert!(lost > 0, "no split that lost one: another corpus is needed");
}
