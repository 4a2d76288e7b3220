//! Our scores beside scikit-learn's and numpy's, made by `environment/golden/metrics.py`.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::Deserialize;
use std::collections::BTreeMap;
use ttp_lib::metrics::{Averages, Bootstrap, Confusion, Estimate, Scores, Tally, percentile};

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Golden {
    made_by: String,
    cases: Vec<Case>,
    percentiles: Vec<Percentiles>,
    bootstrap: BootstrapCase,
    words: Words,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    counts: Vec<Vec<u64>>,
    scores: GoldenScores,
    per_class: PerClass,
}

#[derive(Deserialize)]
struct GoldenScores {
    #[serde(flatten)]
    scores: Scores,
    f_half: Averages,
}

#[derive(Deserialize)]
struct PerClass {
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    f2: Vec<f64>,
    support: Vec<u64>,
    predicted: Vec<u64>,
}

#[derive(Deserialize)]
struct Percentiles {
    values: Vec<f64>,
    shares: Vec<f64>,
    expected: Vec<f64>,
}

#[derive(Deserialize)]
struct BootstrapCase {
    counts: Vec<Vec<u64>>,
    other: Vec<usize>,
    resamples: usize,
    level: f64,
    seed: u64,
    intervals: BTreeMap<String, [f64; 2]>,
    #[serde(rename = "value of the difference")]
    difference: f64,
}

#[derive(Deserialize)]
struct Words {
    seed: u64,
    stream: u64,
    first: Vec<u32>,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("../golden/metrics.json")).unwrap();
    assert!(golden.made_by.contains("scikit-learn 1.7.2"), "{}", golden.made_by);
    golden
}

fn close(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() <= TOLERANCE, "{what}: ours {ours}, theirs {theirs}");
}

fn close_averages(ours: Averages, theirs: Averages, what: &str) {
    close(ours.micro, theirs.micro, &format!("{what}, micro"));
    close(ours.macro_, theirs.macro_, &format!("{what}, macro"));
    close(ours.weighted, theirs.weighted, &format!("{what}, weighted"));
}

fn labels(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class:02}")).collect()
}

/// The rows that a table of counts stands for, in its order.
fn rows(counts: &[Vec<u64>]) -> (Vec<usize>, Vec<usize>) {
    let mut pairs = Vec::new();
    for (truth, row) in counts.iter().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            pairs.extend((0..count).map(|_| (truth, predicted)));
        }
    }
    pairs.into_iter().unzip()
}

#[test]
fn scores_agree_with_scikit_learn() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 12);
    for Case { name, counts, scores: theirs, .. } in &golden.cases {
        let (truth, predicted) = rows(counts);
        let from_rows = Confusion::from_indices(labels(counts.len()), &truth, &predicted).unwrap();
        assert_eq!(from_rows, Confusion::from_counts(labels(counts.len()), counts).unwrap());
        let ours = from_rows.scores();
        close(ours.accuracy, theirs.scores.accuracy, name);
        for (score, ours, theirs) in [
            ("precision", ours.precision, theirs.scores.precision),
            ("recall", ours.recall, theirs.scores.recall),
            ("F1", ours.f1, theirs.scores.f1),
            ("F2", ours.f2, theirs.scores.f2),
            ("F0.5", from_rows.tally().f_beta(0.5).unwrap(), theirs.f_half),
        ] {
            close_averages(ours, theirs, &format!("{name}: {score}"));
        }
    }
}

#[test]
fn each_class_agrees_with_scikit_learn() {
    for Case { name, counts, per_class: theirs, .. } in golden().cases {
        let ours = Confusion::from_counts(labels(counts.len()), &counts).unwrap().per_class();
        assert_eq!(ours.len(), counts.len(), "{name}");
        for (class, ours) in ours.iter().enumerate() {
            close(ours.precision, theirs.precision[class], &name);
            close(ours.recall, theirs.recall[class], &name);
            close(ours.f1, theirs.f1[class], &name);
            close(ours.f2, theirs.f2[class], &name);
            assert_eq!(ours.support, theirs.support[class], "{name}");
            assert_eq!(ours.predicted, theirs.predicted[class], "{name}");
        }
    }
}

#[test]
fn labels_alone_give_the_same_scores() {
    // From labels only the classes that occur are known; the averages do not change.
    for Case { name, counts, scores: theirs, .. } in golden().cases {
        if name == "large" {
            continue;
        }
        let (truth, predicted) = rows(&counts);
        let name_all = |rows: Vec<usize>| -> Vec<String> {
            rows.into_iter().map(|class| format!("class {class:02}")).collect()
        };
        let ours = Confusion::from_labels(&name_all(truth), &name_all(predicted)).unwrap().scores();
        close_averages(ours.f1, theirs.scores.f1, &name);
        close_averages(ours.f2, theirs.scores.f2, &name);
    }
}

#[test]
fn percentiles_agree_with_numpy() {
    for Percentiles { mut values, shares, expected } in golden().percentiles {
        values.sort_by(f64::total_cmp);
        for (share, expected) in shares.into_iter().zip(expected) {
            close(percentile(&values, share).unwrap(), expected, &format!("share {share}"));
        }
    }
}

#[test]
fn the_random_words_are_those_of_the_description() {
    let Words { seed, stream, first } = golden().words;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let ours: Vec<u32> = first.iter().map(|_| rng.next_u32()).collect();
    assert_eq!(ours, first);
}

#[test]
fn intervals_agree_with_a_bootstrap_over_scikit_learn() {
    let case = golden().bootstrap;
    let (truth, predicted) = rows(&case.counts);
    let classes = case.counts.len();
    let bootstrap = Bootstrap { resamples: case.resamples, level: case.level, seed: case.seed };
    let scores = bootstrap.scores(classes, &truth, &predicted).unwrap();
    let mut found = BTreeMap::from([("accuracy".to_owned(), scores.accuracy)]);
    for (name, averages) in [
        ("precision", scores.precision),
        ("recall", scores.recall),
        ("f1", scores.f1),
        ("f2", scores.f2),
    ] {
        found.insert(format!("{name} micro"), averages.micro);
        found.insert(format!("{name} macro"), averages.macro_);
        found.insert(format!("{name} weighted"), averages.weighted);
    }
    let macro_f1 = |tally: &Tally| tally.f1().macro_;
    let difference =
        bootstrap.difference(classes, &truth, &predicted, &case.other, macro_f1).unwrap();
    close(difference.value, case.difference, "difference");
    found.insert("difference f1 macro".to_owned(), difference);
    assert_eq!(found.keys().collect::<Vec<_>>(), case.intervals.keys().collect::<Vec<_>>());
    for (name, [low, high]) in &case.intervals {
        let Estimate { low: our_low, high: our_high, .. } = found[name];
        close(our_low, *low, name);
        close(our_high, *high, name);
        assert!(low < high, "{name}: a case without width tests nothing");
    }
    let one = bootstrap.estimate(classes, &truth, &predicted, macro_f1).unwrap();
    assert_eq!(one, scores.f1.macro_);
}
