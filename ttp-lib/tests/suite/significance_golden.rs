//! Our tests and grouped intervals beside statsmodels' and scikit-learn's, made by
//! `environment/golden/significance.py`.

use serde::Deserialize;
use std::collections::BTreeMap;
use ttp_lib::metrics::{Averages, Bootstrap, Estimate, Groups, Part, Scores, holm, mcnemar_exact};

#[derive(Deserialize)]
struct Golden {
    made_by: String,
    mcnemar: Vec<McNemar>,
    holm: Vec<Holm>,
    bootstrap: BootstrapCase,
}

#[derive(Deserialize)]
struct McNemar {
    b: u64,
    c: u64,
    p: f64,
}

#[derive(Deserialize)]
struct Holm {
    p_values: Vec<f64>,
    adjusted: Vec<f64>,
}

#[derive(Deserialize)]
struct BootstrapCase {
    classes: usize,
    resamples: usize,
    level: f64,
    seed: u64,
    truth: Vec<usize>,
    first: Vec<usize>,
    second: Vec<usize>,
    keys: Vec<u32>,
    other_truth: Vec<usize>,
    other_predicted: Vec<usize>,
    grouped: BTreeMap<String, [f64; 3]>,
    paired: BTreeMap<String, [f64; 3]>,
    unpaired: BTreeMap<String, [f64; 3]>,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("../golden/significance.json")).unwrap();
    assert!(golden.made_by.contains("statsmodels 0.14.5"), "{}", golden.made_by);
    golden
}

#[test]
fn mcnemars_test_agrees_with_statsmodels() {
    let cases = golden().mcnemar;
    assert_eq!(cases.len(), 20);
    for McNemar { b, c, p } in cases {
        for ours in [mcnemar_exact(b, c), mcnemar_exact(c, b)] {
            let apart = (ours - p).abs();
            // scipy's own binomial is good to some eleven digits at these sizes.
            assert!(apart <= 1e-10 * p, "{b} against {c}: ours {ours:e}, theirs {p:e}");
        }
    }
}

#[test]
fn holms_correction_agrees_with_statsmodels() {
    for Holm { p_values, adjusted } in golden().holm {
        for (ours, theirs) in holm(&p_values).unwrap().into_iter().zip(&adjusted) {
            assert!((ours - theirs).abs() <= 1e-15, "{p_values:?}: {ours} {theirs}");
        }
    }
}

#[test]
fn grouped_paired_and_unpaired_intervals_agree_with_scikit_learn() {
    let case = golden().bootstrap;
    let bootstrap = Bootstrap { resamples: case.resamples, level: case.level, seed: case.seed };
    let groups = Groups::by(&case.keys);
    assert!(groups.len() < groups.rows() / 2, "without groups of several rows nothing is tested");
    let part =
        |predicted| Part { classes: case.classes, truth: &case.truth, predicted, groups: &groups };
    let (first, second) = (part(&case.first), part(&case.second));
    let each_row = Groups::each_row(case.other_truth.len());
    let other = Part {
        classes: case.classes,
        truth: &case.other_truth,
        predicted: &case.other_predicted,
        groups: &each_row,
    };
    compare(bootstrap.scores_of(&first).unwrap(), &case.grouped);
    compare(bootstrap.paired(&first, &second).unwrap(), &case.paired);
    compare(bootstrap.unpaired(&first, &other).unwrap(), &case.unpaired);
}

fn compare(ours: Scores<Estimate>, theirs: &BTreeMap<String, [f64; 3]>) {
    let mut found = BTreeMap::from([("accuracy".to_owned(), ours.accuracy)]);
    for (name, averages) in
        [("precision", ours.precision), ("recall", ours.recall), ("f1", ours.f1), ("f2", ours.f2)]
    {
        let Averages { micro, macro_, weighted } = averages;
        for (average, estimate) in [("micro", micro), ("macro", macro_), ("weighted", weighted)] {
            found.insert(format!("{name} {average}"), estimate);
        }
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, [value, low, high]) in theirs {
        let ours = found[name];
        for (ours, theirs) in [(ours.value, value), (ours.low, low), (ours.high, high)] {
            assert!((ours - theirs).abs() < 1e-12, "{name}: ours {ours}, theirs {theirs}");
        }
        assert!(low < high, "{name}: a case without width tests nothing");
    }
}
