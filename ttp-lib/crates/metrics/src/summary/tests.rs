//! Summaries beside scipy's, made by `environment/golden/summary.py`, and what is refused.
#![allow(clippy::unwrap_used)]

use super::*;

/// statrs finds quantiles by Newton's method, good to about ten digits.
const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Golden {
    made_by: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    first: Vec<f64>,
    second: Vec<f64>,
    level: f64,
    shares: [f64; 2],
    summary: [f64; 4],
    paired: [f64; 5],
    corrected: [f64; 5],
    splits: [f64; 2],
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= TOLERANCE * theirs.abs().max(1e-3)
}

fn flat(summary: Summary) -> [f64; 4] {
    [summary.mean, summary.sd, summary.low, summary.high]
}

fn flat_pair(pair: PairedSummary) -> [f64; 5] {
    let [mean, sd, low, high] = flat(pair.difference);
    [mean, sd, low, high, pair.p.unwrap()]
}

#[test]
fn means_intervals_and_tests_agree_with_scipy() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../../../tests/golden/summary.json")).unwrap();
    assert!(golden.made_by.contains("scipy"), "{}", golden.made_by);
    assert_eq!(golden.cases.len(), 24);
    for case in golden.cases {
        let Case { first, second, level, shares: [test, train], .. } = &case;
        let n = first.len();
        let all = [
            (&flat(Summary::of(first, *level).unwrap())[..], &case.summary[..]),
            (&flat_pair(Summary::paired(first, second, *level).unwrap()), &case.paired),
            (
                &flat_pair(PairedSummary::corrected(first, second, *level, *test, *train).unwrap()),
                &case.corrected,
            ),
            (&flat(Summary::of_splits(first, *level, *test, *train).unwrap())[2..], &case.splits),
        ];
        for (ours, theirs) in all {
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert!(close(*ours, *theirs), "n {n}, level {level}: {ours:e}, {theirs:e}");
            }
        }
    }
}

#[test]
fn runs_that_do_not_vary_have_an_interval_of_one_point_and_no_p_value() {
    let same = Summary::of(&[0.1 + 0.2; 7], 0.95).unwrap();
    assert_eq!(flat(same), [0.1 + 0.2, 0.0, 0.1 + 0.2, 0.1 + 0.2]);
    let equal = Summary::paired(&[0.8, 0.9], &[0.8, 0.9], 0.95).unwrap();
    assert_eq!((equal.p, equal.difference.mean), (Some(1.0), 0.0));
    // The differences are 0.1 but for their last bits.
    let apart = Summary::paired(&[0.8, 0.9, 0.7], &[0.7, 0.8, 0.6], 0.95).unwrap();
    assert_eq!((apart.p, apart.difference.sd, apart.differs(0.05)), (None, 0.0, false));
    assert_eq!(
        apart.to_string(),
        "+0.100 ± 0.000 [+0.100, +0.100], no p-value, nothing varies, n = 3"
    );
}

#[test]
fn what_it_shows_reads_as_such() {
    let summary = Summary { mean: 0.842, sd: 0.0041, n: 5, low: 0.8371, high: 0.847 };
    assert_eq!(summary.to_string(), "0.842 ± 0.004 [0.837, 0.847]");
    let read: Summary = serde_json::from_str(&serde_json::to_string(&summary).unwrap()).unwrap();
    assert_eq!(read, summary);
    let assumption = Assumption::OverlappingSplits;
    let pair = PairedSummary { difference: summary, p: Some(0.0004), assumption };
    assert!(pair.differs(0.05) && pair.difference.excludes_zero());
    assert_eq!(pair.to_string(), "+0.842 ± 0.004 [+0.837, +0.847], p < 0.001, n = 5");
    assert!(serde_json::to_string(&pair).unwrap().contains("\"overlapping_splits\""));
}

#[test]
fn what_makes_no_sense_is_refused_by_its_field() {
    let nan = f64::NAN;
    let all = [
        (Summary::of(&[], 0.95).err(), "setting values: 0 values have no spread: at least 2"),
        (Summary::of(&[1.0], 0.95).err(), "setting values: 1 values have no spread: at least 2"),
        (Summary::of(&[1.0, nan], 0.95).err(), "setting values: value 2 of 2: NaN"),
        (Summary::of(&[1.0, 2.0], 1.0).err(), "setting level: 1 is not between 0 and 1"),
        (Summary::of(&[1.0, 2.0], nan).err(), "setting level: NaN is not between 0 and 1"),
        (
            Summary::paired(&[1.0, 2.0], &[1.0], 0.95).err(),
            "setting second: 1 values beside 2 of the first",
        ),
        (
            Summary::paired(&[1.0, 2.0], &[1.0, f64::INFINITY], 0.95).err(),
            "setting second: value 2 of 2: inf",
        ),
        (
            Summary::of_splits(&[1.0, 2.0], 0.95, 0.0, 0.8).err(),
            "setting test_share: 0 is not between 0 and 1",
        ),
        (
            PairedSummary::corrected(&[1.0, 2.0], &[1.0, 3.0], 0.95, 0.3, 0.8).err(),
            "setting test_share: 0.3 and 0.8 of training are more than all rows",
        ),
    ];
    for (error, expected) in all {
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
    }
}
