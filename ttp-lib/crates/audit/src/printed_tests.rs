//! Printed matrices and reports: what is true is never refuted, and a changed digit is.
#![allow(clippy::unwrap_used, clippy::panic)]

mod random_tests;
mod report_tests;
mod truth;

use super::{Audit, Claims, Verdict, audit};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::path::Path;
use truth::Truth;

type Counts = Vec<Vec<u64>>;

/// A claims file on one matrix.
struct Page {
    text: String,
    claims: usize,
}

impl Page {
    fn new(fields: &str) -> Self {
        let text = format!("document = \"d\"\n[[matrix]]\nid = \"m\"\n{fields}\n");
        Self { text, claims: 0 }
    }

    fn of(classes: usize, fields: &str) -> Self {
        let names: Vec<String> = (0..classes).map(|class| format!("\"{class}\"")).collect();
        Self::new(&format!("classes = [{}]\n{fields}", names.join(", ")))
    }

    fn claim(&mut self, kind: &str, fields: &str, value: &str) {
        self.text += &format!(
            "[[claim]]\nid = \"c{}\"\nat = \"t\"\nsays = \"s\"\nkind = \"{kind}\"\nmatrix = \
             \"m\"\nvalue = \"{value}\"\n{fields}\n",
            self.claims
        );
        self.claims += 1;
    }

    fn score(&mut self, metric: &str, fields: &str, value: &str) {
        self.claim("score", &format!("metric = \"{metric}\"\n{fields}"), value);
    }

    fn of_class(&mut self, metric: &str, class: usize, value: &str) {
        self.score(metric, &format!("class = \"{class}\""), value);
    }

    fn cell(&mut self, from: usize, to: usize, value: &str) {
        self.claim("cell", &format!("from = \"{from}\"\nto = \"{to}\""), value);
    }

    fn cells(&mut self, counts: &Counts) {
        for (from, row) in counts.iter().enumerate() {
            for (to, cell) in row.iter().enumerate() {
                self.cell(from, to, &cell.to_string());
            }
        }
    }

    fn judged(&self) -> Audit {
        let claims = Claims::parse(Path::new("c.toml"), &self.text);
        audit(&claims.unwrap_or_else(|error| panic!("{error}\n{}", self.text))).unwrap()
    }

    /// How many claims are consistent, inconsistent and undecided.
    fn found(&self) -> [usize; 3] {
        let judged = self.judged();
        ["consistent", "inconsistent", "undecided"].map(|name| judged.count(name))
    }

    fn refused(&self) -> String {
        Claims::parse(Path::new("c.toml"), &self.text).unwrap_err().to_string()
    }
}

fn shown(value: f64, decimals: usize, percent: bool) -> String {
    match percent {
        true => format!("{:.*} %", decimals.saturating_sub(2), 100.0 * value),
        false => format!("{value:.decimals$}"),
    }
}

fn random_counts(rng: &mut ChaCha8Rng, classes: usize, most: u64) -> Counts {
    let sparse = rng.random_bool(0.3);
    let mut cell = |right: bool| match sparse && rng.random_bool(0.5) {
        true => 0,
        false => rng.random_range(0..=if right { 4 * most } else { most }),
    };
    let mut counts: Counts =
        (0..classes).map(|row| (0..classes).map(|column| cell(row == column)).collect()).collect();
    counts[0][0] += 1;
    counts[1][0] += 1;
    counts
}

const OF_CLASS: [&str; 8] = [
    "precision",
    "recall",
    "f1",
    "f2",
    "specificity",
    "negative_predictive_value",
    "accuracy",
    "balanced_accuracy",
];

/// Some of all figures that a claims file can have of a matrix.
fn figures(rng: &mut ChaCha8Rng, page: &mut Page, truth: &Truth, often: f64, decimals: usize) {
    let percent = rng.random_bool(0.4);
    let show = |value: f64| shown(value, decimals, percent);
    let classes: Vec<usize> = (0..truth.support.len()).collect();
    for &class in &classes {
        for metric in OF_CLASS {
            if rng.random_bool(often) {
                page.of_class(metric, class, &show(truth.of_class(metric, class)));
            }
        }
    }
    for metric in OF_CLASS {
        for (weighted, name) in [(false, "macro"), (true, "weighted")] {
            if rng.random_bool(often) && metric != "balanced_accuracy" {
                let mut fields = format!("average = \"{name}\"");
                let number = rng.random_range(1..=classes.len());
                let mut of: Vec<usize> = classes.choose_multiple(rng, number).copied().collect();
                of.sort_unstable();
                let names: Vec<String> = of.iter().map(|class| format!("\"{class}\"")).collect();
                fields += &format!("\nover = [{}]", names.join(", "));
                page.score(metric, &fields, &show(truth.average(metric, weighted, &of)));
                let fields = format!("average = \"{name}\"");
                page.score(metric, &fields, &show(truth.average(metric, weighted, &classes)));
            }
        }
    }
    for (fields, value) in [
        ("", truth.balanced(false)),
        ("average = \"macro\"", truth.balanced(false)),
        ("balanced_accuracy = \"adjusted\"", truth.balanced(true)),
        (
            "balanced_accuracy = \"one_vs_rest\"",
            truth.average("balanced_accuracy", false, &classes),
        ),
    ] {
        if rng.random_bool(often) {
            page.score("balanced_accuracy", fields, &show(value));
        }
    }
    if rng.random_bool(often) {
        let accuracy = truth.right.iter().sum::<f64>() / truth.all;
        page.score("accuracy", "", &show(accuracy));
        for metric in ["precision", "recall", "f1"] {
            page.score(metric, "average = \"micro\"", &show(accuracy));
        }
        page.score("mcc", "", &show(truth.agreement(false)));
    }
}

fn counts_of_classes(page: &mut Page, truth: &Truth, metrics: &[&str]) {
    for metric in metrics {
        let counts = match *metric {
            "support" => &truth.support,
            "predicted" => &truth.predicted,
            _ => &truth.right,
        };
        for (class, count) in counts.iter().enumerate() {
            page.of_class(metric, class, &count.to_string());
        }
    }
}

/// The figures of a report by scikit-learn.
fn report(page: &mut Page, report: &Value, labels: &[usize], decimals: usize) {
    let place = |label: usize| labels.iter().position(|other| *other == label).unwrap();
    for (name, line) in report.as_object().unwrap() {
        if name == "accuracy" {
            page.score("accuracy", "", &shown(line.as_f64().unwrap(), decimals, false));
            continue;
        }
        let label: Option<usize> = name.parse().ok();
        let fields = match label {
            Some(label) => format!("class = \"{}\"", place(label)),
            None => format!("average = \"{name}\""),
        };
        for (metric, field) in
            [("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")]
        {
            page.score(metric, &fields, &shown(line[field].as_f64().unwrap(), decimals, false));
        }
        if label.is_some() {
            page.score("support", &fields, &line["support"].as_f64().unwrap().to_string());
        }
    }
}

/// 50 5 5 / 10 30 20 / 0 15 65.
fn printed() -> Counts {
    vec![vec![50, 5, 5], vec![10, 30, 20], vec![0, 15, 65]]
}

#[test]
fn cells_that_do_not_add_up_are_inconsistent() {
    // As in FalseNegativeLab/mlscorecheck: https://github.com/FalseNegativeLab/mlscorecheck
    let page = |total: &str, cells: &[(usize, usize)]| {
        let mut page = Page::of(3, total);
        cells.iter().for_each(|&(a, b)| page.cell(a, b, &printed()[a][b].to_string()));
        page
    };
    let all: Vec<(usize, usize)> = (0..9).map(|place| (place / 3, place % 3)).collect();
    let errors: Vec<(usize, usize)> = all.iter().copied().filter(|(a, b)| a != b).collect();
    assert_eq!(page("total = 200", &errors).found(), [6, 0, 0]);
    assert_eq!(page("total = 201", &all).found(), [0, 9, 0]);
    // The cells tell the total, where nothing else does, however large it is.
    assert_eq!(page("", &all).found(), [9, 0, 0]);
    let of = |cells: &[(usize, usize)], metric: &str, value: &str| {
        let mut page = page("total = [1, 5000]", cells);
        page.of_class(metric, 0, value);
        page.found()
    };
    let (row, column) = (&all[..3], [all[0], all[3], all[6]]);
    for (cells, metric, true_value, off) in [
        (row, "support", "60", "61"),
        (row, "recall", "0.83", "0.70"),
        (&column[..], "predicted", "60", "59"),
        (&column[..], "precision", "0.83", "0.79"),
        (&all[..], "specificity", "0.93", "0.94"),
    ] {
        let number = cells.len() + 1;
        assert_eq!(of(cells, metric, true_value), [number, 0, 0], "{metric} {true_value}");
        // The other cells still hold.
        let [_, inconsistent, undecided] = of(cells, metric, off);
        assert!(inconsistent > 0 && undecided == 0, "{metric} {off}");
    }
    // Two classes miss five each, and take in five each; the others miss none. So they took each
    // other's, and if one of these cells is empty there is no such matrix.
    let crossed = |cells: &[(usize, usize, &str)]| {
        let mut page = Page::of(4, "total = 30");
        for (class, (support, predicted)) in
            [("10", "10"), ("10", "10"), ("5", "5"), ("5", "5")].into_iter().enumerate()
        {
            page.of_class("support", class, support);
            page.of_class("predicted", class, predicted);
            page.of_class("true_positives", class, "5");
        }
        cells.iter().for_each(|(from, to, cell)| page.cell(*from, *to, cell));
        page.found()
    };
    assert_eq!(crossed(&[(0, 1, "5"), (1, 0, "5")]), [14, 0, 0]);
    assert!(crossed(&[(0, 1, "0"), (1, 0, "0")])[1] > 0);
    assert!(crossed(&[(0, 1, "0")])[1] > 0);
}

#[test]
fn figures_that_only_the_exchanged_matrix_gives_are_not_refuted() {
    let mut page = Page::of(3, "total = 200");
    for (from, row) in printed().iter().enumerate() {
        row.iter().enumerate().for_each(|(to, cell)| page.cell(to, from, &cell.to_string()));
    }
    [60, 60, 80].iter().enumerate().for_each(|(class, support)| {
        page.of_class("support", class, &support.to_string());
    });
    page.of_class("recall", 1, "0.50");
    // The first support is that of both ways round.
    assert_eq!(page.found(), [10, 0, 3]);
    let verdict = page.judged().claim("c10").unwrap().verdict.to_string();
    assert!(verdict.contains("which axis of the printed matrix is the true classes"), "{verdict}");
    // One figure alone is a wrong one.
    let mut page = Page::of(3, "total = 200");
    page.cells(&printed());
    page.of_class("support", 1, "50");
    assert!(page.found()[1] > 0);
}

#[test]
fn many_decimals_and_many_examples_are_judged() {
    let two = |total: u64, figures: &[(&str, &str)]| {
        let mut page = Page::new(&format!("total = {total}"));
        figures.iter().for_each(|(metric, value)| page.score(metric, "", value));
        page.found()
    };
    // 30 of 37 found, 4 wrongly.
    let fine = [("recall", "0.8108108108"), ("precision", "0.88235294"), ("f1", "0.84507042")];
    assert_eq!(two(90, &fine), [3, 0, 0]);
    assert!(two(90, &[fine[0], fine[1], ("f1", "0.84507043")])[1] > 0);
    // Python's own digits: the last one is not the quotient's.
    assert_eq!(two(90, &[("recall", "0.8108108108108109")]), [1, 0, 0]);
    assert_eq!(two(90, &[("recall", "0.8108108108109109")]), [0, 1, 0]);
    let many = [("recall", "0.81"), ("precision", "0.88"), ("mcc", "0.79")];
    let [consistent, inconsistent, _] = two(5_000_000, &many);
    assert!(consistent == 3 || inconsistent == 0);
    // 3 of 4 that no share of so many is: 1,500,001 examples.
    let mut page = Page::new("total = 3000002\npositive = 1500001");
    page.score("recall", "", "0.7500000000");
    assert_eq!(page.found(), [0, 1, 0]);
    let mut page = Page::new("total = 3000000\npositive = 1500000");
    page.score("recall", "", "0.7500000000");
    page.score("specificity", "", "0.333333");
    assert_eq!(page.found(), [2, 0, 0]);
    // Of many classes.
    let mut page = Page::of(3, "total = 9000000");
    for class in [0, 1, 2] {
        page.of_class("support", class, "3,000,000");
        page.of_class("recall", class, "0.123456789");
    }
    assert_eq!(page.found()[1], 6, "no whole number of 3,000,000 is that");
    let mut page = Page::of(3, "total = 9000000");
    for class in [0, 1, 2] {
        page.of_class("support", class, "3,000,000");
        page.of_class("recall", class, "0.12345633");
    }
    page.score("accuracy", "", "0.12345633333");
    assert_eq!(page.found(), [7, 0, 0]);
    page.of_class("recall", 0, "0.123456333333333333333");
    assert_eq!(page.found(), [8, 0, 0]);
    // More than can be looked at is one claim's matter.
    page.score("precision", "class = \"0\"\nwithin = \"0.0000000000000000001\"", "0.1");
    assert_eq!(page.found(), [8, 0, 1]);
    let verdict = page.judged().claim("c8").unwrap().verdict.to_string();
    assert!(verdict.contains("more than 17 decimals"), "{verdict}");
}

#[test]
fn what_is_only_checked_keeps_no_other_figure_from_a_verdict() {
    let mut page = Page::of(3, "total = [1, 400]");
    for (class, recall) in ["0.833", "0.500", "0.812"].into_iter().enumerate() {
        page.of_class("recall", class, recall);
    }
    page.score("kappa", "", "0.12345678");
    page.score("mcc", "", "0.12345678");
    page.score("f1", "average = \"weighted\"", "0.71234567");
    let [consistent, inconsistent, undecided] = page.found();
    assert_eq!((consistent + undecided, inconsistent), (6, 0));
    assert!(consistent >= 3, "{consistent}");
    let mut page = Page::of(3, "total = 200");
    page.cells(&printed());
    page.score("kappa", "average = \"macro\"", "0.57");
    assert!(page.refused().contains("kappa is of all classes at once"), "{}", page.refused());
}

#[test]
fn cells_are_counts_or_shares_of_what_the_file_says() {
    let mut page = Page::of(2, "total = 100");
    page.cells(&vec![vec![45, 5], vec![20, 30]]);
    let share = |page: &mut Page, fields: &str, value: &str| {
        page.claim("cell", &format!("from = \"1\"\nto = \"0\"\n{fields}"), value);
    };
    share(&mut page, "", "0.40");
    share(&mut page, "", "40 %");
    share(&mut page, "normalize = \"pred\"", "0.31");
    share(&mut page, "normalize = \"all\"", "0.20");
    assert_eq!(page.found(), [8, 0, 0]);
    for (fields, value, reason) in [
        ("normalize = \"true\"", "20", "20 has no decimals: it is a count, no share"),
        ("normalize = \"row\"", "0.40", "unknown normalize \"row\"; known: true, pred, all"),
        ("", "20.50", "20.50 is a share above 1"),
        ("", "-3", "-3 is below 0"),
    ] {
        let mut page = Page::of(2, "total = 100");
        share(&mut page, fields, value);
        assert!(page.refused().contains(reason), "{}", page.refused());
    }
    let mut off = Page::of(2, "total = 100");
    off.cells(&vec![vec![45, 5], vec![20, 30]]);
    share(&mut off, "normalize = \"pred\"", "0.40");
    let judged = off.judged();
    let Verdict::Inconsistent { conflict, .. } = &judged.claim("c4").unwrap().verdict else {
        panic!("{:?}", judged.claims);
    };
    assert_eq!(conflict, &["c0", "c2", "c4"]);
}
