//! Random matrices, brute force, wrong files, and the three documents.
#![allow(clippy::unwrap_used, clippy::panic)]

mod binary_tests;
mod class_tests;
mod document_tests;
mod file_tests;

use super::binary::{
    BinaryScore, Metric, STEPS, Score, Totals, ZeroDivision, exact_score, fits, search,
};
use super::claims::Check;
use super::figure::{Exact, Figure, Interval, Rounding};
use super::multiclass::{
    Averaging, ClassCount, ClassMetric, Classes, Matrix, MatrixAnswer, MatrixCount, Statement,
};
use super::report::{self, Measurements};
use super::solver::Work;
use super::{Audit, Claims, Reproduction, Verdict, audit};
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::path::Path;
use ttp_metrics::BinaryCounts;

const METRICS: [Metric; 9] = [
    Metric::Accuracy,
    Metric::Precision,
    Metric::Recall,
    Metric::Specificity,
    Metric::FBeta(1, 1),
    Metric::FBeta(4, 1),
    Metric::FBeta(1, 4),
    Metric::BalancedAccuracy,
    Metric::Mcc,
];

/// As an author prints it: from floating point, with so many decimals, as a share or in per cent.
fn printed(value: f64, decimals: usize, percent: bool) -> Figure {
    let text = if percent {
        format!("{:.*} %", decimals.saturating_sub(2), 100.0 * value)
    } else {
        format!("{value:.decimals$}")
    };
    text.parse().unwrap()
}

fn value_of(metric: Metric, counts: &BinaryCounts) -> f64 {
    match exact_score(metric, counts, ZeroDivision::Zero).unwrap() {
        Score::Rational(value) => value.to_f64().unwrap(),
        Score::Root { numerator, square } => {
            numerator.to_f64().unwrap() / square.to_f64().unwrap().sqrt()
        }
    }
}

fn random_counts(rng: &mut ChaCha8Rng, most: u64) -> BinaryCounts {
    let mut cell = || rng.random_range(0..=most);
    let counts = BinaryCounts { tp: cell(), fp: cell(), fn_: cell(), tn: cell() };
    if counts.tp + counts.fp + counts.fn_ + counts.tn == 0 {
        return BinaryCounts { tp: 1, ..counts };
    }
    counts
}

fn random_scores(rng: &mut ChaCha8Rng, counts: &BinaryCounts) -> Vec<(Metric, Figure)> {
    let number = rng.random_range(1..=METRICS.len());
    let chosen: Vec<Metric> = METRICS.choose_multiple(rng, number).copied().collect();
    let (decimals, percent) = (rng.random_range(2..=5), rng.random_bool(0.5));
    chosen
        .into_iter()
        .map(|metric| (metric, printed(value_of(metric, counts), decimals, percent)))
        .collect()
}

fn scores_of(said: &[(Metric, Figure)]) -> Vec<BinaryScore> {
    said.iter()
        .map(|(metric, figure)| {
            let interval = figure.interval(Rounding::Nearest);
            BinaryScore::new(*metric, interval, ZeroDivision::Zero).unwrap()
        })
        .collect()
}

fn random_matrix(rng: &mut ChaCha8Rng, classes: usize, most: u64) -> Matrix {
    let mut cell = |right: bool| rng.random_range(0..=if right { 3 * most } else { most });
    (0..classes).map(|row| (0..classes).map(|column| cell(row == column)).collect()).collect()
}

/// Supports, and some scores of classes and averages, as an author prints them.
fn random_said(rng: &mut ChaCha8Rng, of: &Classes, matrix: &Matrix) -> Vec<Statement> {
    let metrics = [ClassMetric::Precision, ClassMetric::Recall, ClassMetric::FBeta(1, 1)];
    let decimals = rng.random_range(2..=4);
    let percent = rng.random_bool(0.5);
    let interval = |value: Exact| {
        printed(value.to_f64().unwrap(), decimals, percent).interval(Rounding::Nearest)
    };
    let mut said = Vec::new();
    for (class, row) in matrix.iter().enumerate() {
        let support: u64 = row.iter().sum();
        let support = Interval::point(Exact::from_integer(BigInt::from(support)));
        said.push(Statement::Count(class, ClassCount::Support, support));
        for metric in metrics.into_iter().filter(|_| rng.random_bool(0.6)) {
            let value = of.score(matrix, class, metric).unwrap();
            said.push(Statement::OfClass(class, metric, interval(value)));
        }
    }
    for averaging in [Averaging::Macro, Averaging::Weighted, Averaging::Micro] {
        for metric in metrics.into_iter().filter(|_| rng.random_bool(0.4)) {
            let value = of.average(matrix, averaging, metric).unwrap();
            said.push(Statement::Averaged(averaging, metric, interval(value)));
        }
    }
    said
}

fn classes_of(matrix: &Matrix) -> Classes {
    let total = matrix.iter().flatten().sum();
    let names = (0..matrix.len()).map(|class| class.to_string()).collect();
    Classes::of_all(names, (total, total))
}

fn refused(text: &str) -> String {
    Claims::parse(Path::new("c.toml"), text).unwrap_err().to_string()
}

const HEAD: &str = "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\n";

fn claim(fields: &str) -> String {
    format!(
        "{HEAD}[[claim]]\nid = \"c\"\nat = \"a\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \"m\"\n{fields}"
    )
}

/// Claims on a matrix of two classes: of each a name, its fields and its figure.
fn two_classes(claims: &[(&str, &str, &str)]) -> Audit {
    let mut text = "document = \"d\"\n[[matrix]]\nid = \"m\"\nclasses = [\"a\", \"b\"]\ntotal = \
                    [1, 1000]\n"
        .to_owned();
    if let Some((_, _, total)) = claims.iter().find(|claim| claim.0 == "total") {
        text = text.replace("[1, 1000]", total);
    }
    for (id, fields, value) in claims.iter().filter(|claim| claim.0 != "total") {
        text += &format!(
            "[[claim]]\nid = \"{id}\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \
             \"m\"\nvalue = \"{value}\"\n{fields}\n"
        );
    }
    audit(&Claims::parse(Path::new("c.toml"), &text).unwrap()).unwrap()
}

const SUPPORT_A: &str = "metric = \"support\"\nclass = \"a\"";
const SUPPORT_B: &str = "metric = \"support\"\nclass = \"b\"";
const RECALL_A: &str = "metric = \"recall\"\nclass = \"a\"";
const RECALL_B: &str = "metric = \"recall\"\nclass = \"b\"";
const PRECISION_A: &str = "metric = \"precision\"\nclass = \"a\"";
const PRECISION_B: &str = "metric = \"precision\"\nclass = \"b\"";
const F1_A: &str = "metric = \"f1\"\nclass = \"a\"";
const F1_B: &str = "metric = \"f1\"\nclass = \"b\"";
const MACRO_RECALL: &str = "metric = \"recall\"\naverage = \"macro\"";
const MACRO_PRECISION: &str = "metric = \"precision\"\naverage = \"macro\"";
const MACRO_F1: &str = "metric = \"f1\"\naverage = \"macro\"";

/// Why a claim is inconsistent, and that its conflict is of two of these claims.
fn why(audit: &Audit, id: &str, of: &[&str]) -> String {
    match &audit.claim(id).unwrap().verdict {
        Verdict::Inconsistent { conflict, smallest, reason } => {
            assert!(smallest);
            assert_eq!(conflict.len(), 2);
            assert!(conflict.iter().all(|claim| of.contains(&claim.as_str())), "{conflict:?}");
            reason.clone()
        }
        other => panic!("{id}: {other:?}"),
    }
}

const NO_MATRIX: &str = "no confusion matrix gives these figures";

fn judged(name: &str) -> Audit {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/claims");
    audit(&Claims::read(&folder.join(name)).unwrap()).unwrap()
}

fn conflict<'a>(audit: &'a Audit, id: &str) -> Vec<&'a str> {
    match &audit.claim(id).unwrap().verdict {
        Verdict::Inconsistent { conflict, .. } => conflict.iter().map(String::as_str).collect(),
        other => panic!("{id}: {other:?}"),
    }
}

/// The counts of the paper's own rows, as notebooks 01 and 03 leave them.
fn papers_rows() -> Value {
    json!({
        "rows": 14_427, "techniques": 190, "over_500": ["T1027", "T1059"], "kept": 44,
        "balanced_rows": 15_240, "over_half_augmented": 17,
    })
}

const REPRODUCED: [&str; 7] =
    ["rows", "rows.again", "techniques", "kept", "two", "balanced", "two.again"];

/// What notebook 10 makes of the report's own pairs with its base model at hand.
fn reports_run() -> Value {
    let counted = |tp: u64, fn_: u64, fp: u64, tn: u64| {
        let counts = BinaryCounts { tp, fp, fn_, tn };
        json!({ "report": { "at_half": {
            "tp": tp, "fn": fn_, "fp": fp, "tn": tn, "accuracy": counts.accuracy(),
            "precision": counts.precision(), "recall": counts.recall(), "f1": counts.f1(),
        } } })
    };
    json!({
        "untrained": { "mpnet": counted(49, 233, 10, 173) },
        "as_reported.minilm": { "basic": counted(282, 0, 183, 0) },
        "test_pairs_with_both_texts_in_training": 465,
        "unseen": { "largest_gain": 0.5712, "fine_tuned": { "called_similar": 1.0 } },
        "gain": { "f1_at_half.advanced_over_cosine": -0.13 },
    })
}

const SUPPORT_CLAIM: &str = "[[claim]]\nid = \"s\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\n\
                             matrix = \"m\"\nmetric = \"support\"\nclass = \"a\"\nvalue = \"3\"\n";
