use super::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

fn diagnose(labels: &[&str], rows: &[Vec<u64>]) -> Diagnosis {
    let confusion = Confusion::from_counts(labels.iter().copied(), rows).unwrap();
    Diagnosis::of(&confusion, &DiagnosisSettings::default()).unwrap()
}

/// Rows drawn one by one: `weights[truth]` says how often each class is predicted.
fn drawn(supports: &[u64], weights: &[Vec<f64>], seed: u64) -> Diagnosis {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut cells = Vec::new();
    for (truth, (&support, weights)) in (0_u32..).zip(supports.iter().zip(weights)) {
        let all: f64 = weights.iter().sum();
        for _ in 0..support {
            let mut left = rng.next_u64() as f64 / u64::MAX as f64 * all;
            let place = weights.iter().position(|weight| {
                left -= weight;
                left <= 0.0
            });
            let predicted = place.unwrap_or(weights.len() - 1) as u32;
            cells.push(CellCount { truth, predicted, count: 1 });
        }
    }
    let labels = (0..supports.len()).map(|class| format!("c{class:02}"));
    let counts = SparseConfusion::from_cells(labels, cells).unwrap();
    Diagnosis::of_sparse(&counts, &DiagnosisSettings::default()).unwrap()
}

/// Errors spread evenly, or as the classes' sizes have it.
fn healthy(supports: &[u64], right: f64, by_size: bool) -> Vec<Vec<f64>> {
    let classes = supports.len();
    let row = |truth: usize| {
        let weight = |p: usize| if by_size { supports[p] as f64 } else { 1.0 };
        let others: f64 = (0..classes).filter(|&p| p != truth).map(weight).sum();
        let of = |p| if p == truth { right } else { (1.0 - right) * weight(p) / others };
        (0..classes).map(of).collect()
    };
    (0..classes).map(row).collect()
}

const SUPPORTS: [u64; 21] = [
    9_000, 7_000, 6_000, 5_000, 4_000, 3_000, 2_500, 2_000, 1_500, 1_268, 1_200, 1_000, 900, 800,
    656, 615, 500, 300, 100, 60, 30,
];

#[test]
fn errors_by_chance_alone_are_no_faults() {
    for seed in 0..10 {
        for right in [0.97, 0.8, 0.5] {
            for by_size in [false, true] {
                let weights = healthy(&SUPPORTS, right, by_size);
                let diagnosis = drawn(&SUPPORTS, &weights, seed);
                assert_eq!(diagnosis.faults(), [], "seed {seed}, {right}, {by_size}");
            }
        }
    }
    // Half a million rows of five equally bad classes.
    let weights = healthy(&[100_000; 5], 0.4, false);
    assert_eq!(drawn(&[100_000; 5], &weights, 1).faults(), []);
}

#[test]
fn planted_faults_are_found_and_no_others() {
    for seed in 0..10 {
        let mut weights = healthy(&SUPPORTS, 0.9, false);
        let mut send = |from: usize, to: usize, share: f64, kept: f64| {
            weights[from][from] = kept;
            weights[from][to] = share;
        };
        send(9, 3, 0.97, 0.005); // swallowed
        for from in [11, 12, 13, 16] {
            send(from, 6, 0.3, 0.6); // over-predicted
        }
        send(1, 2, 0.25, 0.7); // both ways
        send(2, 1, 0.3, 0.65);
        send(10, 17, 0.25, 0.7); // one way
        for lost in [14, 15] {
            weights[lost] = vec![0.05; 21]; // to no one in particular
            weights[lost][lost] = 0.0;
        }
        let diagnosis = drawn(&SUPPORTS, &weights, seed);
        let name = |class: usize| format!("c{class:02}");
        let expected = [
            Fault::Swallowed { class: name(9), by: name(3) },
            Fault::ZeroRecall { class: name(14) },
            Fault::ZeroRecall { class: name(15) },
            Fault::OverPredictedClass { class: name(6) },
            Fault::ConfusedBothWays { a: name(1), b: name(2) },
            Fault::TakenFor { class: name(10), taken_for: name(17) },
        ];
        assert_eq!(diagnosis.faults(), expected, "seed {seed}");
        let one = &diagnosis.over_predicted[0];
        let mut from: Vec<&str> = one.from.iter().map(|share| share.label.as_str()).collect();
        from.sort_unstable();
        assert_eq!(from, ["c11", "c12", "c13", "c16"]);
        let named: u64 = one.from.iter().map(|share| share.count).sum();
        assert_eq!(named + one.from_others, one.false_positives);
        assert!(one.false_positives as f64 > 1.5 * one.expected);
    }
}

#[test]
fn tiers_have_the_ends_that_they_say() {
    // F1 = 2·correct / (support + predicted): of a 18/20, 14/20, 10/20, and just beside.
    let of = |correct: u64, wrong: u64| {
        let rows = [vec![correct, wrong], vec![wrong, 1]];
        diagnose(&["a", "b"], &rows).class("a").unwrap().tier
    };
    assert_eq!(of(91, 9), Tier::Excellent);
    assert_eq!(of(90, 10), Tier::Good);
    assert_eq!(of(70, 30), Tier::Good);
    assert_eq!(of(69, 31), Tier::Poor);
    assert_eq!(of(50, 50), Tier::Poor);
    assert_eq!(of(49, 51), Tier::Critical);
    assert_eq!(of(0, 100), Tier::Critical);
}

#[test]
fn every_class_is_in_one_tier_and_those_without_rows_are_not_judged() {
    // b occurs only among predictions, c only in truth, d never.
    let rows = [vec![30, 2, 0, 0], vec![0, 0, 0, 0], vec![1, 29, 0, 0], vec![0; 4]];
    let diagnosis = diagnose(&["a", "b", "c", "d"], &rows);
    let tiers: Vec<usize> = Tier::ALL.iter().map(|t| diagnosis.in_tier(*t).len()).collect();
    assert_eq!(tiers, [1, 0, 0, 1, 2]);
    assert_eq!(diagnosis.only_predicted(), ["b"]);
    assert_eq!(diagnosis.in_tier(Tier::NoRows), ["b", "d"]);
    let b = diagnosis.class("b").unwrap();
    assert!(!b.zero_recall && b.too_small);
    assert_eq!((b.recall.low, b.recall.high), (0.0, 1.0));
    assert_eq!(diagnosis.zero_recall[0].label, "c");
    // The macro average runs over a, b and c: d occurs nowhere.
    assert!((diagnosis.macro_f1.value - 2.0 * 30.0 / 63.0 / 3.0).abs() < 1e-15);
    let swallowed = Fault::Swallowed { class: "c".into(), by: "b".into() };
    assert_eq!(diagnosis.faults(), [swallowed]);
}

#[test]
fn a_small_class_is_told_as_such_and_accuses_nobody() {
    let rows = [vec![100, 1, 0], vec![2, 100, 0], vec![7, 0, 0]];
    let diagnosis = diagnose(&["a", "b", "c"], &rows);
    let small = Fault::TooSmall { class: "c".into() };
    assert_eq!(diagnosis.faults(), [Fault::ZeroRecall { class: "c".into() }, small]);
    assert!(diagnosis.swallowed.is_empty() && diagnosis.confused.is_empty());
}

#[test]
fn a_class_of_which_chance_may_find_a_few_has_a_recall_near_zero() {
    // The report's Downware, of which 2.59 % are found; nine classes take the rest.
    let lost = |found: u64, support: u64| {
        let mut rows = vec![vec![0; 10]; 10];
        for (class, row) in rows.iter_mut().enumerate() {
            row[class] = 500;
            rows_to(row, class);
        }
        rows[9] = vec![(support - found) / 9; 10];
        rows[9][9] = found;
        let names: Vec<String> = (0..10).map(|class| format!("c{class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        diagnose(&names, &rows).faults()
    };
    fn rows_to(row: &mut [u64], class: usize) {
        row[(class + 1) % 9] = 5;
    }
    let hardly = [Fault::NearZeroRecall { class: "c9".into() }];
    assert_eq!(lost(11, 425), hardly);
    assert_eq!(lost(0, 425), [Fault::ZeroRecall { class: "c9".into() }]);
    // 40 of 420 may be more than a tenth.
    assert_eq!(lost(40, 420), []);
}

#[test]
fn precision_and_recall_far_apart_are_named() {
    let rows = [vec![60, 40, 0], vec![1, 99, 0], vec![1, 45, 200]];
    let diagnosis = diagnose(&["a", "b", "c"], &rows);
    let of = |label| diagnosis.class(label).unwrap().imbalance;
    assert_eq!(of("a"), Some(Imbalance::HighPrecisionLowRecall));
    assert_eq!(of("b"), Some(Imbalance::HighRecallLowPrecision));
    assert_eq!(of("c"), None);
}

#[test]
fn with_two_classes_the_shares_decide() {
    let both = diagnose(&["a", "b"], &[vec![60, 40], vec![30, 70]]);
    let fault = Fault::ConfusedBothWays { a: "a".into(), b: "b".into() };
    assert_eq!(both.faults(), [fault]);
    assert_eq!((both.confused[0].a.as_str(), both.confused[0].b_as_a.share), ("a", 0.3));
    assert_eq!(diagnose(&["a", "b"], &[vec![95, 5], vec![4, 96]]).faults(), []);
    assert_eq!(diagnose(&["a"], &[vec![5]]).accuracy.value, 1.0);
}

#[test]
fn ten_thousand_classes_are_counted_without_their_square() {
    let classes = 10_000_u32;
    let truth: Vec<u32> = (0..300_000).map(|row| row % classes).collect();
    // One in ten goes to the next class; class 7 never stays.
    let said =
        |row: u32, truth: u32| (truth + u32::from(truth == 7 || row.is_multiple_of(11))) % classes;
    let predicted: Vec<u32> = (0..).zip(&truth).map(|(row, &t)| said(row, t)).collect();
    let labels = (0..classes).map(|class| format!("class {class}"));
    let counts = SparseConfusion::from_indices(labels, &truth, &predicted).unwrap();
    let settings = DiagnosisSettings { pair_share: 0.5, ..DiagnosisSettings::default() };
    let diagnosis = Diagnosis::of_sparse(&counts, &settings).unwrap();
    assert_eq!(diagnosis.classes.len(), 10_000);
    let fault = Fault::Swallowed { class: "class 7".into(), by: "class 8".into() };
    assert_eq!(diagnosis.faults(), [fault]);
    let right = predicted.iter().zip(&truth).filter(|(p, t)| p == t).count();
    assert_eq!(diagnosis.accuracy.value, right as f64 / 300_000.0);
}

#[test]
fn sparse_and_dense_counts_are_the_same() {
    let (truth, predicted) = ([0, 2, 1, 2, 2, 0], [1, 2, 1, 0, 2, 1]);
    let few = SparseConfusion::from_indices(["a", "b", "c"], &truth, &predicted).unwrap();
    let many = (0..3_000).map(|class| format!("{class:04}"));
    let many = SparseConfusion::from_indices(many, &truth, &predicted).unwrap();
    assert_eq!(few.cells(), many.cells());
    assert_eq!((few.count(0, 1), few.count(1, 0), few.total()), (2, 0, 6));
    assert_eq!(few.row(2).len(), 2);
    let cells = few.cells().iter().rev().copied();
    let again = SparseConfusion::from_cells(["a", "b", "c"], cells).unwrap();
    assert_eq!(again, few);
    let usize_of = |rows: &[u32]| rows.iter().map(|r| *r as usize).collect::<Vec<_>>();
    let (truth, predicted) = (usize_of(&truth), usize_of(&predicted));
    let dense = Confusion::from_indices(["a", "b", "c"], &truth, &predicted).unwrap();
    assert_eq!(SparseConfusion::from(&dense), few);
    assert_eq!(few.tally(), dense.tally());
    let cell = CellCount { truth: 3, predicted: 0, count: 1 };
    for wrong in [
        SparseConfusion::from_indices(["a"], &[0], &[]),
        SparseConfusion::from_indices(["a"], &[0], &[1]),
        SparseConfusion::from_indices(["a"], &[], &[]),
        SparseConfusion::from_indices(["a", "a"], &[0], &[0]),
        SparseConfusion::from_cells(["a"], [cell]),
        SparseConfusion::from_cells(["a"], [CellCount { truth: 0, count: 0, ..cell }]),
    ] {
        assert!(wrong.is_err());
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let good = DiagnosisSettings::default();
    let confusion = Confusion::from_indices(["a"], &[0], &[0]).unwrap();
    let tiers = CutOffs { excellent: 0.5, good: 0.7, poor: 0.6 };
    for (field, wrong) in [
        ("diagnosis.tiers", DiagnosisSettings { tiers, ..good }),
        ("diagnosis.alpha", DiagnosisSettings { alpha: 0.0, ..good }),
        ("diagnosis.level", DiagnosisSettings { level: f64::NAN, ..good }),
        ("diagnosis.excess", DiagnosisSettings { excess: 0.5, ..good }),
        (
            "diagnosis.over_predicted_sources",
            DiagnosisSettings { over_predicted_sources: 0, ..good },
        ),
    ] {
        let message = Diagnosis::of(&confusion, &wrong).unwrap_err().to_string();
        assert!(message.starts_with(&format!("setting {field}: ")), "{message}");
    }
}
