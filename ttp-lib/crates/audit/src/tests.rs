//! Random matrices, brute force, wrong files, and the three documents.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::binary::{
    BinaryScore, Metric, STEPS, Score, Totals, ZeroDivision, exact_score, fits, search,
};
use super::claims::Check;
use super::figure::{Exact, Figure, Interval, Rounding};
use super::multiclass::{Asked, Averaging, ClassCount, ClassMetric, Classes, Found, Matrix, Said};
use super::report::{self, Measured};
use super::solver::Work;
use super::{Audit, Claims, Ran, Verdict, audit};
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

#[test]
fn a_thousand_random_matrices_come_back_with_a_witness() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for case in 0..1000 {
        let most = [3, 30, 300, 2500][case % 4];
        let counts = random_counts(&mut rng, most);
        let said = random_scores(&mut rng, &counts);
        let scores = scores_of(&said);
        let (positive, negative) = (counts.tp + counts.fn_, counts.fp + counts.tn);
        let found = fits(&scores, positive, negative, &mut STEPS.clone());
        let (number, witness) = found.unwrap_or_else(|| panic!("{case}: {counts:?} {said:?}"));
        assert!(number >= 1);
        assert_eq!((witness.tp + witness.fn_, witness.fp + witness.tn), (positive, negative));
        for (score, (metric, figure)) in scores.iter().zip(&said) {
            assert!(score.is_of(&witness), "{case}: {metric:?} {figure} {witness:?}");
            let off = (value_of(*metric, &witness) - figure.to_f64()).abs();
            assert!(off <= figure.unit.to_f64().unwrap() * 0.5 + 1e-12, "{case}: {metric:?}");
        }
    }
}

#[test]
fn a_thousand_perturbed_figures_are_judged_as_brute_force_does() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut impossible = 0;
    for case in 0..1000 {
        let counts = random_counts(&mut rng, 10);
        let mut said = random_scores(&mut rng, &counts);
        let at = rng.random_range(0..said.len());
        let steps = [-3, -2, -1, 1, 2, 3][rng.random_range(0..6)];
        let figure = &mut said[at].1;
        figure.value += &figure.unit * Exact::from_integer(BigInt::from(steps));
        let scores = scores_of(&said);
        let (positive, negative) = (counts.tp + counts.fn_, counts.fp + counts.tn);
        let mut number = 0;
        for tp in 0..=positive {
            for fp in 0..=negative {
                let counts = BinaryCounts { tp, fp, fn_: positive - tp, tn: negative - fp };
                number += u64::from(scores.iter().all(|score| score.is_of(&counts)));
            }
        }
        let found = fits(&scores, positive, negative, &mut STEPS.clone());
        assert_eq!(found.map_or(0, |(n, _)| n), number, "{case}: {counts:?} {said:?}");
        impossible += u32::from(number == 0);
    }
    assert!((200..1000).contains(&impossible), "{impossible} of 1000 are impossible");
}

fn random_matrix(rng: &mut ChaCha8Rng, classes: usize, most: u64) -> Matrix {
    let mut cell = |right: bool| rng.random_range(0..=if right { 3 * most } else { most });
    (0..classes).map(|row| (0..classes).map(|column| cell(row == column)).collect()).collect()
}

/// Supports, and some scores of classes and averages, as an author prints them.
fn random_said(rng: &mut ChaCha8Rng, of: &Classes, matrix: &Matrix) -> Vec<Said> {
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
        said.push(Said::Count(class, ClassCount::Support, support));
        for metric in metrics.into_iter().filter(|_| rng.random_bool(0.6)) {
            let value = of.score(matrix, class, metric).unwrap();
            said.push(Said::OfClass(class, metric, interval(value)));
        }
    }
    for averaging in [Averaging::Macro, Averaging::Weighted, Averaging::Micro] {
        for metric in metrics.into_iter().filter(|_| rng.random_bool(0.4)) {
            let value = of.average(matrix, averaging, metric).unwrap();
            said.push(Said::Averaged(averaging, metric, interval(value)));
        }
    }
    said
}

fn classes_of(matrix: &Matrix) -> Classes {
    let total = matrix.iter().flatten().sum();
    let names = (0..matrix.len()).map(|class| class.to_string()).collect();
    Classes::of_all(names, (total, total))
}

#[test]
fn totals_that_fit_are_those_that_brute_force_finds() {
    const MOST: u64 = 14;
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (mut nowhere, mut many, mut edges) = (0, 0, 0);
    for case in 0..600 {
        // One or two matrices of the same examples, one figure of which is off in most cases.
        let counts = random_counts(&mut rng, [1, 4, 10][case % 3]);
        let positive = counts.tp + counts.fn_;
        let negative = counts.fp + counts.tn;
        let zero_division =
            [ZeroDivision::Zero, ZeroDivision::One, ZeroDivision::Undefined][case % 3];
        let mut sets = Vec::new();
        for _ in 0..rng.random_range(1..=2) {
            let (tp, fp) = (rng.random_range(0..=positive), rng.random_range(0..=negative));
            let of = BinaryCounts { tp, fp, fn_: positive - tp, tn: negative - fp };
            let mut said = random_scores(&mut rng, &of);
            if rng.random_bool(0.7) {
                let at = rng.random_range(0..said.len());
                let steps = [-40, -3, -1, 1, 3, 40][rng.random_range(0..6)];
                let figure = &mut said[at].1;
                figure.value += &figure.unit * Exact::from_integer(BigInt::from(steps));
            }
            let rounding = [Rounding::Nearest, Rounding::Truncated][rng.random_range(0..2)];
            let score = |(metric, figure): &(Metric, Figure)| {
                BinaryScore::new(*metric, figure.interval(rounding), zero_division).unwrap()
            };
            sets.push(said.iter().map(score).collect::<Vec<_>>());
        }
        let possible = |scores: &[BinaryScore], positive: u64, negative: u64| {
            (0..=positive).any(|tp| {
                (0..=negative).any(|fp| {
                    let of = BinaryCounts { tp, fp, fn_: positive - tp, tn: negative - fp };
                    scores.iter().all(|score| score.is_of(&of))
                })
            })
        };
        let pairs = (1..=MOST).flat_map(|total| (0..=total).map(move |p| (total, p)));
        let fit = |&(total, p): &(u64, u64)| sets.iter().all(|s| possible(s, p, total - p));
        let wanted: Vec<(u64, u64)> = pairs.filter(fit).collect();
        let found = search(&sets, &Totals::up_to(MOST), false, STEPS);
        let fits: Vec<(u64, u64)> = found.fits.iter().map(|f| (f.total, f.positive)).collect();
        assert_eq!(fits, wanted[..wanted.len().min(fits.len().max(20))], "{case}: {sets:?}");
        assert_eq!(found.whole, wanted.len() <= 20, "{case}");
        let first = search(&sets, &Totals::up_to(MOST), true, STEPS);
        let first = first.fits.first().map(|fit| (fit.total, fit.positive));
        assert_eq!(first, wanted.first().copied(), "{case}: {sets:?}");
        nowhere += u32::from(found.nowhere);
        many += u32::from(!found.whole);
        edges += u32::from(wanted.iter().any(|(total, p)| *p == 0 || p == total));
    }
    // Each kind of answer is there.
    assert!(nowhere > 50 && many > 20 && edges > 20, "{nowhere} {many} {edges}");
}

#[test]
fn random_matrices_of_many_classes_come_back_with_a_witness() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for case in 0..200 {
        let classes = rng.random_range(2..=4);
        let matrix = random_matrix(&mut rng, classes, [3, 12][case % 2]);
        let of = classes_of(&matrix);
        if of.total.0 == 0 {
            continue;
        }
        let said = random_said(&mut rng, &of, &matrix);
        let said: Vec<&Said> = said.iter().collect();
        match of.solve(&said, Work::default()).unwrap() {
            Found::Possible(witness) => {
                assert!(said.iter().all(|said| of.holds(said, &witness)), "{case}");
            }
            other => panic!("{case}: {other:?} for {matrix:?}"),
        }
    }
}

#[test]
fn perturbed_averages_of_three_classes_are_judged_as_brute_force_does() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut impossible = 0;
    for case in 0..200 {
        let matrix = random_matrix(&mut rng, 3, 1);
        let of = classes_of(&matrix);
        if of.total.0 == 0 {
            continue;
        }
        let mut said = random_said(&mut rng, &of, &matrix);
        let shifted = said.len() - 1;
        if let Said::OfClass(_, _, interval) | Said::Averaged(_, _, interval) = &mut said[shifted] {
            let width = &interval.high - &interval.low;
            *interval = interval.plus(&Interval::point(width));
        }
        let said: Vec<&Said> = said.iter().collect();
        let supports: Vec<u64> = matrix.iter().map(|row| row.iter().sum()).collect();
        let rows = |support: u64| {
            (0..=support)
                .flat_map(move |a| (0..=support - a).map(move |b| vec![a, b, support - a - b]))
        };
        let possible = rows(supports[0]).any(|first| {
            rows(supports[1]).any(|second| {
                rows(supports[2]).any(|third| {
                    let matrix = vec![first.clone(), second.clone(), third];
                    said.iter().all(|said| of.holds(said, &matrix))
                })
            })
        });
        match of.solve(&said, Work::default()).unwrap() {
            Found::Possible(_) => assert!(possible, "{case}: {matrix:?}"),
            Found::Impossible => assert!(!possible, "{case}: {matrix:?}"),
            Found::Unknown => panic!("{case}: not found out: {matrix:?}"),
        }
        impossible += u32::from(!possible);
    }
    assert!((20..200).contains(&impossible), "{impossible} are impossible");
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

#[test]
fn what_is_wrong_with_a_file_is_named_with_its_line() {
    for (text, expected) in [
        (
            claim("metric = \"recall\"\nvalue = \"101.5 %\"\n"),
            "c.toml, row 12, field \"value\": 101.5 % is a percentage above 100",
        ),
        (
            claim("metric = \"f3\"\nvalue = \"0.90\"\n"),
            "c.toml, row 11, field \"metric\": unknown metric \"f3\"; known: accuracy, precision, \
             recall, specificity, f1, f2, f_beta, balanced_accuracy, mcc",
        ),
        (
            claim("metric = \"recall\"\nvalue = 0.9\n"),
            "c.toml, row 12, field \"value\": 0.9 does not say its decimals (0.9 and 0.90 are one \
             number in TOML): write value = \"0.9\", or decimals = 2 beside it",
        ),
        (
            claim("metric = \"recall\"\nvalue = \"1\"\n"),
            "c.toml, row 12, field \"value\": 1 has no decimals: it does not say how it was \
             rounded; write 0.90 or 90 %",
        ),
        (
            claim("metric = \"recall\"\nvalue = \"0.90\"\nvalu = 3\n"),
            "c.toml, row 13, field \"valu\": not a field that is known here",
        ),
        (
            "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\npositive = 60\nnegative = 50\n"
                .to_owned(),
            "c.toml, row 4, field \"total\": contradictory totals: 60 and 50 are not 100",
        ),
        (
            "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\nall_pairs = true\n".to_owned(),
            "c.toml, row 4, field \"total\": contradictory totals: 100 is no number of all pairs",
        ),
    ] {
        assert_eq!(refused(&text), expected);
    }
    let broken = refused("document = \"d\"\n[[matrix]\n");
    assert!(broken.starts_with("c.toml, row 2: not TOML: "), "{broken}");
}

#[test]
fn rates_that_no_share_of_positives_has_are_impossible_whatever_the_total() {
    // Of 2411 589 1130 5870, but the accuracy is 0.8281: (0.8386 - 0.8284) / (0.8386 - 0.8037)
    // of the examples would be positive, 29.2 %, and recall, specificity and F1 want 30.0 %.
    let rates = |accuracy: &str| {
        let mut text = "document = \"d\"\n[[matrix]]\nid = \"m\"\nlook_up_to = 10000\n".to_owned();
        for (metric, value) in [
            ("accuracy", accuracy),
            ("recall", "0.8037"),
            ("specificity", "0.8386"),
            ("f1", "0.7372"),
        ] {
            text += &format!(
                "[[claim]]\nid = \"{metric}\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \
                 \"m\"\nmetric = \"{metric}\"\nvalue = \"{value}\"\n"
            );
        }
        audit(&Claims::parse(Path::new("c.toml"), &text).unwrap()).unwrap()
    };
    assert_eq!(rates("0.8281").count("consistent"), 4);
    let off = rates("0.8284");
    let Verdict::Inconsistent { reason, .. } = &off.claim("accuracy").unwrap().verdict else {
        panic!("{:?}", off.claims);
    };
    assert!(reason.contains("whatever the number of examples"), "{reason}");
    assert_eq!(off.count("undecided"), 0);
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

#[test]
fn a_micro_average_passed_off_as_macro_is_named() {
    // 81 9 / 8 2: recalls 81/90 and 2/10, so macro 0.55 and micro 83/100.
    let recalls = |supports: [&str; 2], average: &str| {
        two_classes(&[
            ("total", "", "100"),
            ("support.a", SUPPORT_A, supports[0]),
            ("support.b", SUPPORT_B, supports[1]),
            ("recall.a", RECALL_A, "0.900"),
            ("recall.b", RECALL_B, "0.200"),
            ("macro.recall", MACRO_RECALL, average),
        ])
    };
    // With 0.830 the other class would have a recall of 1.46.
    let of = ["recall.b", "macro.recall"];
    let found = recalls(["90", "10"], "0.830");
    let named = format!("{NO_MATRIX}; macro.recall is a micro average passed off as macro");
    assert_eq!(why(&found, "macro.recall", &of), named);
    assert_eq!(why(&found, "recall.b", &of), named, "each claim of the conflict says it");
    // Neither of the averages; and of supports with which the micro average is another.
    assert_eq!(why(&recalls(["90", "10"], "0.840"), "macro.recall", &of), NO_MATRIX);
    assert_eq!(why(&recalls(["50", "50"], "0.830"), "macro.recall", &of), NO_MATRIX);
    // A macro average that is one.
    assert_eq!(recalls(["90", "10"], "0.550").count("consistent"), 5);
}

#[test]
fn a_weighted_average_passed_off_as_macro_is_named() {
    // The same matrix: precisions 81/89 and 2/11, macro 0.546, micro 0.830, weighted 0.837.
    let precisions = |average: &str| {
        two_classes(&[
            ("total", "", "100"),
            ("support.a", SUPPORT_A, "90"),
            ("recall.a", RECALL_A, "0.900"),
            ("recall.b", RECALL_B, "0.200"),
            ("precision.a", PRECISION_A, "0.910"),
            ("precision.b", PRECISION_B, "0.182"),
            ("macro.precision", MACRO_PRECISION, average),
        ])
    };
    let of = ["precision.b", "macro.precision"];
    for (average, name) in [
        ("0.837", "; macro.precision is a weighted average passed off as macro"),
        ("0.830", "; macro.precision is a micro average passed off as macro"),
        ("0.700", ""),
    ] {
        let reason = why(&precisions(average), "macro.precision", &of);
        assert_eq!(reason, format!("{NO_MATRIX}{name}"), "{average}");
    }
    assert_eq!(precisions("0.546").count("consistent"), 6);
}

#[test]
fn the_f1_of_the_means_is_named() {
    // 50 50 / 0 50: precisions 1 and 1/2, recalls 1/2 and 1, both F1 2/3. So the mean of the
    // F1s is 0.667, the F1 of the means 0.750, and the micro average 100/150.
    let scores = |f1: &str| {
        two_classes(&[
            ("total", "", "150"),
            ("support.a", SUPPORT_A, "100"),
            ("recall.a", RECALL_A, "0.500"),
            ("recall.b", RECALL_B, "1.000"),
            ("f1.a", F1_A, "0.667"),
            ("f1.b", F1_B, "0.667"),
            ("macro.precision", MACRO_PRECISION, "0.750"),
            ("macro.recall", MACRO_RECALL, "0.750"),
            ("macro.f1", MACRO_F1, f1),
        ])
    };
    // Of 150 examples no whole numbers give the other class an F1 of 0.833, or of 0.733.
    let of = ["f1.a", "f1.b", "macro.f1"];
    let named = format!("{NO_MATRIX}; macro.f1 is the F of the means, not the mean of the Fs");
    assert_eq!(why(&scores("0.750"), "macro.f1", &of), named);
    assert_eq!(why(&scores("0.700"), "macro.f1", &of), NO_MATRIX);
    assert_eq!(scores("0.667").count("consistent"), 8);
    // Without the means nothing says what 0.750 is.
    let without = two_classes(&[
        ("total", "", "150"),
        ("support.a", SUPPORT_A, "100"),
        ("recall.a", RECALL_A, "0.500"),
        ("recall.b", RECALL_B, "1.000"),
        ("f1.a", F1_A, "0.667"),
        ("f1.b", F1_B, "0.667"),
        ("macro.f1", MACRO_F1, "0.750"),
    ]);
    assert_eq!(why(&without, "macro.f1", &of), NO_MATRIX);
}

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

#[test]
fn the_similarity_report_is_of_465_pairs() {
    let audit = judged("similarity.toml");
    assert_eq!(audit.totals["pairs"], [(465, 282), (930, 564)]);
    let of = |name: &str| {
        let BinaryCounts { tp, fp, fn_, tn } = audit.binary[name];
        [tp, fp, fn_, tn]
    };
    assert_eq!(of("baseline"), [49, 10, 233, 173]);
    assert_eq!(of("basic"), [282, 183, 0, 0]);
    assert_eq!(of("advanced"), [282, 168, 0, 15]);
    // Its gains are differences in points; as gains in per cent, which it calls them, they are off.
    let refuted = audit.claims.iter().filter(|claim| claim.verdict.name() == "inconsistent");
    let refuted: Vec<&str> = refuted.map(|claim| claim.id.as_str()).collect();
    assert_eq!(refuted, ["f1.over-basic.relative", "f1.over-baseline.relative"]);
}

#[test]
fn a_half_that_no_whole_number_gives_holds_two_figures_apart() {
    // 0.895 prints as 0.89 and as 0.90, but is no share of 1,520; of 1,600 it is 1,432.
    let verdict = |total: u64| {
        let text = format!(
            "document = \"d\"\n[[matrix]]\nid = \"m\"\nclass_number = 44\ntotal = {total}\n\
             [[claim]]\nid = \"a\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \"m\"\n\
             metric = \"accuracy\"\nvalue = \"0.90\"\n\
             [[claim]]\nid = \"r\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \"m\"\n\
             metric = \"recall\"\naverage = \"weighted\"\nvalue = \"0.89\"\n"
        );
        let claims = Claims::parse(Path::new("c.toml"), &text).unwrap();
        audit(&claims).unwrap().claim("r").unwrap().verdict.name()
    };
    assert_eq!((verdict(1_520), verdict(1_600)), ("inconsistent", "consistent"));
}

#[test]
fn the_papers_table_is_at_odds_with_its_text() {
    let audit = judged("three-models.toml");
    assert_eq!(conflict(&audit, "bert.f2-of"), ["bert.f2-of", "bert.precision", "bert.recall"]);
    assert_eq!(conflict(&audit, "name.tram"), ["name.tram"]);
    let turned = ["vocabulary.turned", "secbert.vocabulary", "scibert.vocabulary"];
    assert_eq!(conflict(&audit, "vocabulary.turned"), turned);
    // Each can be true of rounded figures; by the other reading of the names neither needs to be.
    for id in ["same.f1", "best.f1"] {
        assert_eq!(conflict(&audit, id), ["same.f1", "best.f1"]);
    }
    assert_eq!(audit.claim("best.f2").unwrap().verdict.name(), "consistent");
    // As averages over classes the same figures are possible.
    assert_eq!(audit.claim("bert.f2").unwrap().verdict.name(), "consistent");
}

#[test]
fn the_papers_counts_can_be_of_draws_with_all_outputs_and_hardly_of_filling_to_200() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/claims/three-models.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let removed = |draws: &str| {
        let text = text.replace("draws = [0, 1]", draws);
        let mut claims = Claims::parse(&file, &text).unwrap();
        claims.claims.retain(|claim| matches!(claim.check, Check::Linear(..)));
        let audit = audit(&claims).unwrap();
        assert_eq!(audit.count("consistent"), audit.claims.len(), "{draws}: {:?}", audit.claims);
        let removed = audit.ranges.iter().find(|told| told.says.starts_with("rows of")).unwrap();
        (removed.least.unwrap(), removed.most.unwrap())
    };
    // The paper's own rows have 4,523 of removed techniques: too many, had it filled to 200.
    assert_eq!(removed("draws = [0, 0]"), (146, 1477));
    let (least, most) = removed("draws = [1, 1]");
    assert!(least <= 4523 && 4523 <= most, "{least} {most}");
    // Of both ways together the bounds are those of some techniques each, and so no narrower.
    let both = removed("draws = [0, 1]");
    assert!(both.0 == 146 && both.1 >= most, "{both:?}");
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

#[test]
fn a_run_on_the_papers_own_rows_reproduces_its_counts_and_not_its_half() {
    let audit = judged("three-models.toml");
    assert_eq!(audit.ran(Ran::NoRun), 8, "before it is held against a run");
    let line = "three models: no run on its own rows is at hand; the 8 claims about them are judged \
                by arithmetic alone";
    assert_eq!(report::runs(&audit).unwrap(), line);
    // What another corpus has decides nothing.
    let other = Measured::from_json(json!({ "corpus": { "rows": 14_201, "techniques": 188 } }));
    assert_eq!(report::runs(&audit.clone().beside(&other)).unwrap(), line);

    let ours = Measured::from_json(json!({ "paper_rows": papers_rows() }));
    let verdicts: Vec<Verdict> = audit.claims.iter().map(|claim| claim.verdict.clone()).collect();
    let audit = audit.beside(&ours);
    let of = |what: Ran| -> Vec<&str> {
        let claims = audit.claims.iter().filter(|claim| claim.run == Some(what));
        claims.map(|claim| claim.id.as_str()).collect()
    };
    let mut reproduced = of(Ran::Reproduced);
    reproduced.sort_by_key(|id| REPRODUCED.iter().position(|known| known == id));
    assert_eq!(reproduced, REPRODUCED);
    assert_eq!(of(Ran::NotReproduced), ["half"]);
    assert_eq!(of(Ran::NoRun), [""; 0]);
    // Arithmetic's verdicts are what they were.
    assert!(audit.claims.iter().map(|claim| &claim.verdict).eq(&verdicts));
    assert_eq!(audit.claim("half").unwrap().verdict.name(), "consistent");
    let line = "three models: claims about its own rows: 7 reproduced, 1 not reproduced";
    assert_eq!(report::runs(&audit).unwrap(), line);
    assert_eq!(report::own_rows(&audit, &ours).unwrap().len(), 8);
    let written = report::summary(&[audit]);
    assert_eq!((&written["reproduced"], &written["not_reproduced"]), (&json!(7), &json!(1)));
    let claims = written["documents"][0]["claims"].as_array().unwrap();
    let run = |id: &str| &claims.iter().find(|claim| claim["id"] == id).unwrap()["run"];
    assert_eq!(run("balanced"), "reproduced");
    assert_eq!(run("half"), "not_reproduced");
    assert!(run("bert.f1").is_null());
    let line = "family summary: no run on its own rows is at hand; the 2 claims about them are \
                judged by arithmetic alone";
    assert_eq!(report::runs(&judged("family.toml")).unwrap(), line);
}

/// What notebook 09 makes of the report's own pairs with its base model at hand.
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

#[test]
fn the_reports_own_pairs_reproduce_its_table_and_refute_its_words() {
    let audit = judged("similarity.toml");
    let verdicts: Vec<Verdict> = audit.claims.iter().map(|claim| claim.verdict.clone()).collect();
    let ours = Measured::from_json(json!({ "similarity_report": reports_run() }));
    let audit = audit.beside(&ours);
    let of = |what: Ran| -> Vec<&str> {
        let claims = audit.claims.iter().filter(|claim| claim.run == Some(what));
        claims.map(|claim| claim.id.as_str()).collect()
    };
    let reproduced = [
        "baseline.accuracy",
        "baseline.precision",
        "baseline.recall",
        "baseline.f1",
        "basic.accuracy",
        "basic.precision",
        "basic.recall",
        "basic.f1",
        "unseen",
    ];
    assert_eq!(of(Ran::Reproduced), reproduced);
    let refuted = ["further-improved", "recall.maintained", "unseen.related", "unseen.test"];
    assert_eq!(of(Ran::NotReproduced), refuted);
    assert_eq!(of(Ran::NoRun), [""; 0]);
    assert!(audit.claims.iter().map(|claim| &claim.verdict).eq(&verdicts));
    // The figures that were inferred are those of the pairs, each printed as the report has it.
    let fact = audit.facts.iter().find(|fact| fact.id == "pairs.baseline").unwrap();
    assert_eq!((fact.figures, fact.same), (4, 4));
    assert_eq!(audit.facts.len(), 5);
}

#[test]
fn a_figure_of_the_same_rows_is_rounded_as_the_claim_prints_it() {
    let audit = judged("three-models.toml");
    let ran = |id: &str, name: &str, value: Value| {
        let mut rows = papers_rows();
        rows[name] = value;
        let ours = Measured::from_json(json!({ "paper_rows": rows }));
        audit.clone().beside(&ours).claim(id).unwrap().run.unwrap()
    };
    for (id, name, value, expected) in [
        ("rows", "rows", json!(14_350), Ran::Reproduced),
        ("rows", "rows", json!(14_349), Ran::NotReproduced),
        ("rows", "rows", json!(14_451), Ran::NotReproduced),
        ("rows.again", "rows", json!(14_201), Ran::NotReproduced),
        ("rows", "rows", Value::Null, Ran::NoRun),
        ("rows", "rows", json!("14.4k"), Ran::NoRun),
        ("balanced", "balanced_rows", json!(15_464), Ran::NotReproduced),
        ("balanced", "balanced_rows", json!(10_941), Ran::NotReproduced),
        // A plain whole number was not rounded.
        ("techniques", "techniques", json!(191), Ran::NotReproduced),
        ("two", "over_500", json!(["T1027"]), Ran::NotReproduced),
        ("half", "over_half_augmented", json!(1), Ran::Reproduced),
        ("half", "over_half_augmented", json!(2), Ran::NotReproduced),
        ("half", "over_half_augmented", Value::Null, Ran::NoRun),
    ] {
        assert_eq!(ran(id, name, value.clone()), expected, "{id}: {value}");
    }
    let mut rows = papers_rows();
    rows.as_object_mut().unwrap().retain(|name, _| name == "over_500");
    let ours = Measured::from_json(json!({ "paper_rows": rows }));
    let line = "three models: claims about its own rows: 2 reproduced, 0 not reproduced; no run has \
                the figures of 6, which are judged by arithmetic alone";
    assert_eq!(report::runs(&audit.beside(&ours)).unwrap(), line);
}

#[test]
fn a_claim_about_the_same_rows_wants_a_figure_on_both_sides() {
    let stated = |fields: &str| {
        format!(
            "document = \"d\"\n[[claim]]\nid = \"c\"\nat = \"a\"\nsays = \"s\"\nkind = \"stated\"\n\
             needs = \"n\"\n{fields}\n"
        )
    };
    let parse = |text: &str| Claims::parse(Path::new("c.toml"), text);
    for (fields, expected) in [
        ("value = \"1\"\nsame_rows = true", "c.toml, row 2, field \"ours\": missing"),
        (
            "ours = \"a.b\"\nsame_rows = true",
            "c.toml, row 2, field \"above, at_least, below or at_most\": missing",
        ),
        (
            "ours = \"a.b\"\nvalue = \"1\"\nsame_rows = \"yes\"",
            "c.toml, row 10, field \"same_rows\": true or false is wanted",
        ),
        (
            "ours = \"a.b\"\nvalue = \"1\"\nat_most = \"2\"",
            "c.toml, row 10, field \"at_most\": not a field that is known here",
        ),
    ] {
        assert_eq!(refused(&stated(fields)), expected, "{fields}");
    }
    let other = stated("value = \"1\"");
    let sum = other.replace("id = \"c\"", "id = \"sum\"").replace("document = \"d\"\n", "");
    let sum = sum.replace("kind = \"stated\"\nneeds = \"n\"", "kind = \"at_most\"\nof = [\"c\"]");
    let said = refused(&format!("{other}{sum}ours = \"a.b\"\nsame_rows = true\n"));
    assert!(said.contains("field \"same_rows\": of a sum that is at most"), "{said}");
    let not = parse(&stated("ours = \"a.b\"\nvalue = \"1\"\nsame_rows = false")).unwrap();
    assert_eq!(audit(&not).unwrap().claims[0].run, None);
}

#[test]
fn the_papers_appendix_c_is_that_of_a_picture_made_before_it() {
    let audit = judged("three-models.toml");
    let shown = |id: &str| audit.facts.iter().find(|fact| fact.id == id).unwrap();
    for (id, claims) in [("picture.scores", "mask."), ("picture.tokens", "token.")] {
        let fact = shown(id);
        assert_eq!((fact.claims.len(), fact.figures, fact.same), (15, 15, 15), "{id}");
        assert!(fact.claims.iter().all(|claim| claim.starts_with(claims)), "{id}");
        let end = "; 15 of its 15 figures are the document's, digit for digit";
        assert!(fact.to_string().ends_with(end), "{fact}");
    }
    assert_eq!((shown("picture.sister").figures, shown("picture.sister").claims.len()), (0, 11));
    let facts = |id: &str| audit.claim(id).unwrap().facts.join(" ");
    assert_eq!(facts("mask.secbert.data"), "picture.scores picture.sister");
    assert_eq!(facts("secbert.cls"), "picture.sister");
    assert_eq!(facts("bert.f1"), "");
    let table = report::table(&[audit], &Measured::default()).unwrap();
    assert!(table.limits(600, 200).to_text().contains("; see picture.scores, picture.sister"));
}

#[test]
fn a_fact_is_held_against_the_documents_digits_and_its_mistakes_are_named() {
    let claims = |fact: &str| {
        let text = format!(
            "document = \"d\"\n{}[[fact]]\nid = \"f\"\nat = \"there\"\nsays = \"so\"\n{fact}\n",
            [("a", "value = \"0.90\"\n"), ("b", "value = \"0.5\"\n"), ("c", "")]
                .map(|(id, value)| format!(
                    "[[claim]]\nid = \"{id}\"\nat = \"x\"\nsays = \"y\"\nkind = \"stated\"\n\
                     needs = \"z\"\n{value}"
                ))
                .concat()
        );
        Claims::parse(Path::new("c.toml"), &text)
    };
    let found =
        audit(&claims("of = [\"a\", \"b\"]\nvalues = [\"0.9\", \"0.5\"]").unwrap()).unwrap();
    // 0.9 is not what is printed: 0.90.
    assert_eq!((found.facts[0].figures, found.facts[0].same), (2, 1));
    assert_eq!(found.claim("a").unwrap().facts, ["f"]);
    for (fact, reason) in [
        ("of = []", "field \"of\": a claim is wanted"),
        ("of = [\"x\"]", "field \"of\": no claim is named \"x\""),
        ("of = [\"a\", \"a\"]", "field \"of\": \"a\" is there twice"),
        ("of = [\"a\"]\nvalues = []", "field \"values\": 0 figures of 1 claims"),
        ("of = [\"a\"]\nvalues = [\"much\"]", "field \"values\": \"much\" is not a figure"),
        ("of = [\"c\"]\nvalues = [\"1\"]", "field \"values\": claim \"c\" has no figure"),
        ("of = [\"a\"]\nkind = \"x\"", "field \"kind\": not a field that is known here"),
    ] {
        let said = claims(fact).unwrap_err().to_string();
        assert!(said.starts_with("c.toml, row ") && said.contains(reason), "{fact}: {said}");
    }
    // A copy with fewer claims keeps its facts.
    let mut fewer = claims("of = [\"a\"]\nvalues = [\"0.90\"]").unwrap();
    fewer.claims.clear();
    assert_eq!(audit(&fewer).unwrap().facts[0].same, 0);
}

#[test]
fn the_family_summarys_tiers_and_cells_are_at_odds() {
    let audit = judged("family.toml");
    assert_eq!(conflict(&audit, "poor.Sality.tier"), ["poor.Sality.tier", "f1.Sality"]);
    assert_eq!(conflict(&audit, "cell.CCleaner.all"), ["cell.CCleaner", "cell.CCleaner.all"]);
    assert!(conflict(&audit, "cell.turned").contains(&"recall.TrojanDownloader"));
    // "62 %" of 62.57 % has its digits cut off, which is allowed.
    assert_eq!(audit.claim("recall.Emotet.short").unwrap().verdict.name(), "consistent");
    assert_eq!(conflict(&audit, "tiers.classes").len(), 5);
    let way = audit.claim("cobalt-adload").unwrap().verdict.to_string();
    let end = "one way round: 55.5 % of Cobalt said to be Adload; one of many";
    assert!(way.ends_with(end), "{way}");
    assert_eq!(audit.claim("f1.macro").unwrap().verdict.name(), "consistent");
}

#[test]
fn the_family_summarys_cobalt_rests_on_one_claim_that_nothing_confirms() {
    let audit = judged("family.toml");
    let told = |says: &str| audit.ranges.iter().find(|told| told.says == says).unwrap();
    let cobalt = told("examples of Cobalt");
    assert_eq!((cobalt.least, cobalt.most), (Some(8_654), Some(8_655)));
    let rests = cobalt.rests_on.as_ref().unwrap();
    let unconfirmed: Vec<_> = rests.iter().filter(|rest| rest.is_unconfirmed()).collect();
    assert_eq!(unconfirmed.len(), 1, "{rests:?}");
    assert_eq!(unconfirmed[0].claim, "found.Cobalt");
    // The full report's 5,888 is among what the other claims leave.
    assert!(unconfirmed[0].least.unwrap() <= 5_888 && unconfirmed[0].most.unwrap() >= 5_888);
    let recall = rests.iter().find(|rest| rest.claim == "recall.Cobalt").unwrap();
    assert_eq!(recall.confirmed_by, ["report.rates"]);
    let line = cobalt.rests().unwrap();
    assert!(
        line.starts_with("rests on one unconfirmed claim, found.Cobalt (without it: "),
        "{line}"
    );
    // Every number that has bounds says what it rests on, and each proof is one.
    for told in &audit.ranges {
        assert!(told.rests().is_some_and(|line| !line.contains("cut")), "{told}");
    }
}

#[test]
fn the_full_report_and_the_summary_cannot_both_hold_and_three_claims_have_to_go() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/claims");
    let report = Claims::read(&folder.join("family-report.toml")).unwrap();
    // By itself the full report is in order.
    assert_eq!(audit(&report).unwrap().count("inconsistent"), 0);
    let set = report.joined().unwrap().unwrap();
    assert_eq!(set.document, "family summary and family report, together");
    assert_eq!(set.matrices.len(), 1);
    let audit = audit(&set).unwrap();
    let cobalt =
        ["family:found.Cobalt", "family-report:support.Cobalt", "family-report:recall.Cobalt"];
    assert_eq!(conflict(&audit, "family:found.Cobalt"), cobalt);
    let [removal] = audit.to_remove.as_slice() else { panic!("{:?}", audit.to_remove) };
    assert_eq!((removal.at_least, removal.whole, removal.open.len()), (3, true, 0));
    let wrong = ["family:found.Cobalt", "family:cell.turned", "family:cell.CCleaner.all"];
    assert_eq!(removal.smallest, [wrong]);
    for (says, exactly) in [
        ("examples of Cobalt", 5_888),
        ("said to be Cobalt", 7_484),
        ("Cobalt said to be Adload", 3_267),
    ] {
        let told = audit.ranges.iter().find(|told| told.says == says).unwrap();
        assert_eq!((told.least, told.most), (Some(exactly), Some(exactly)), "{says}");
    }
    // What is told of the set does not count the documents' claims twice.
    let written = report::summary_with(&[], &[audit]);
    assert_eq!((&written["claims"], written["together"].as_array().unwrap().len()), (&json!(0), 1));
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let matrix = |classes: &str, total: &str| {
        format!("[[matrix]]\nid = \"m\"\nclasses = {classes}\ntotal = {total}\n")
    };
    let other = folder.path().join("other.toml");
    let said = |top: &str, rest: &str| {
        let file = folder.path().join("own.toml");
        let text = format!("document = \"own\"\n{top}\n{rest}");
        let found = Claims::parse(&file, &text).and_then(|claims| claims.joined());
        let message = found.unwrap_err().to_string();
        message.replace(&format!("{}/", folder.path().display()), "")
    };
    let ab = "[\"a\", \"b\"]";
    std::fs::write(&other, format!("document = \"other\"\n{}", matrix(ab, "[5, 10]"))).unwrap();
    let own = |reason: &str| format!("own.toml, row 2, field \"together\": {reason}");
    let with = "together = [\"other.toml\"]";
    for (top, rest, reason) in [
        ("together = []", String::new(), own("a file is wanted")),
        ("together = [1]", String::new(), own("a list of texts is wanted")),
        (
            "together = [\"own.toml\"]",
            String::new(),
            own("\"own.toml\" is there twice, or the file itself"),
        ),
        (
            "together = [\"other.toml\", \"other.toml\"]",
            String::new(),
            own("\"other.toml\" is there twice, or the file itself"),
        ),
        (with, matrix("[\"a\", \"c\"]", "10"), own("matrix \"m\" has other classes in the files")),
        (with, matrix(ab, "11"), own("matrix \"m\" has contradictory totals in the files")),
        (
            with,
            matrix(ab, "10").replace("total", "zero_division = \"1\"\ntotal"),
            own("matrix \"m\" has other examples or zero_division in the files"),
        ),
    ] {
        assert_eq!(said(top, &rest), reason);
    }
    let missing = said("together = [\"none.toml\"]", "");
    assert!(missing.starts_with(&own("cannot read none.toml: ")), "{missing}");
    std::fs::write(&other, "document = 1\n").unwrap();
    assert!(said(with, "").starts_with("other.toml, row 1, field \"document\""));
    // Another order of classes is the same matrix.
    std::fs::write(&other, format!("document = \"other\"\n{}{SUPPORT_CLAIM}", matrix(ab, "10")))
        .unwrap();
    let text = format!(
        "document = \"own\"\n{with}\n{}{}",
        matrix("[\"b\", \"a\"]", "10"),
        SUPPORT_CLAIM.replace("\"a\"\nvalue = \"3\"", "\"b\"\nvalue = \"8\"")
    );
    let set =
        Claims::parse(&folder.path().join("own.toml"), &text).unwrap().joined().unwrap().unwrap();
    let found = audit(&set).unwrap();
    // 3 of a and 8 of b are not 10.
    assert_eq!(found.count("inconsistent"), 2);
    assert_eq!(conflict(&found, "own:s"), ["other:s", "own:s"]);
    assert_eq!(found.to_remove[0].smallest, [["other:s"], ["own:s"]]);
}

const SUPPORT_CLAIM: &str = "[[claim]]\nid = \"s\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\n\
                             matrix = \"m\"\nmetric = \"support\"\nclass = \"a\"\nvalue = \"3\"\n";

#[test]
fn ranges_are_proven_and_as_narrow_as_their_proofs() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for case in 0..60 {
        let matrix = random_matrix(&mut rng, 3, [6, 60][case % 2]);
        let of = classes_of(&matrix);
        if of.total.0 == 0 {
            continue;
        }
        let mut said = random_said(&mut rng, &of, &matrix);
        said.retain(|_| rng.random_bool(0.5));
        let said: Vec<&Said> = said.iter().collect();
        let class = rng.random_range(0..3);
        let (asked, value) = match case % 3 {
            0 => (Asked::Count(class, ClassCount::Support), matrix[class].iter().sum()),
            1 => {
                let predicted = matrix.iter().map(|row| row[class]).sum();
                (Asked::Count(class, ClassCount::Predicted), predicted)
            }
            _ => (Asked::Cell(class, (class + 1) % 3), matrix[class][(class + 1) % 3]),
        };
        let (low, high) = of.range(&said, asked).unwrap().unwrap();
        assert!(low <= value && value <= high, "{case}: {low} to {high}, {matrix:?}");
        let proves = |low: i128, high: i128| of.proves_within(&said, asked, (low, high)).unwrap();
        let (low, high) = (i128::from(low), i128::from(high));
        assert!(proves(low, high), "{case}");
        assert!(!proves(low + 1, high) && !proves(low, high - 1), "{case}: {low} to {high}");
    }
}

#[test]
fn mlscorechecks_public_examples_have_its_verdicts() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/audit.json");
    let golden: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let within: Figure = case["within"].as_str().unwrap().parse().unwrap();
        let interval = |value: &serde_json::Value| {
            let figure: Figure = format!("{:?}", value.as_f64().unwrap()).parse().unwrap();
            Interval::closed(&figure.value - &within.value, &figure.value + &within.value)
        };
        let scores = case["scores"].as_object().unwrap();
        let possible = if case["kind"] == "binary" {
            let scores: Vec<BinaryScore> = scores
                .iter()
                .map(|(name, value)| {
                    let metric = match name.as_str() {
                        "acc" => Metric::Accuracy,
                        "sens" => Metric::Recall,
                        "spec" => Metric::Specificity,
                        "f1p" => Metric::FBeta(1, 1),
                        other => panic!("{other}"),
                    };
                    BinaryScore::new(metric, interval(value), ZeroDivision::Zero).unwrap()
                })
                .collect();
            let [positive, negative] = ["p", "n"].map(|name| case[name].as_u64().unwrap());
            fits(&scores, positive, negative, &mut STEPS.clone()).is_some()
        } else {
            let averaging =
                if case["kind"] == "micro" { Averaging::Micro } else { Averaging::Macro };
            let supports: Vec<u64> =
                case["supports"].as_array().unwrap().iter().map(|s| s.as_u64().unwrap()).collect();
            let total = supports.iter().sum();
            let names = (0..supports.len()).map(|class| class.to_string()).collect();
            let of = Classes::of_all(names, (total, total));
            let mut said: Vec<Said> = Vec::new();
            for (class, &support) in supports.iter().enumerate() {
                let support = Interval::point(Exact::from_integer(BigInt::from(support)));
                said.push(Said::Count(class, ClassCount::Support, support));
            }
            for (name, value) in scores {
                let metric = match name.as_str() {
                    "acc" => ClassMetric::Accuracy,
                    "sens" => ClassMetric::Recall,
                    "spec" => ClassMetric::Specificity,
                    "bacc" => ClassMetric::BalancedAccuracy,
                    "ppv" => ClassMetric::Precision,
                    "npv" => ClassMetric::NegativePredictive,
                    other => panic!("{other}"),
                };
                said.push(Said::Averaged(averaging, metric, interval(value)));
            }
            let said: Vec<&Said> = said.iter().collect();
            match of.solve(&said, Work::default()).unwrap() {
                Found::Possible(_) => true,
                Found::Impossible => false,
                Found::Unknown => panic!("not found out: {case}"),
            }
        };
        assert_eq!(possible, !case["inconsistent"].as_bool().unwrap(), "{case}");
    }
}
