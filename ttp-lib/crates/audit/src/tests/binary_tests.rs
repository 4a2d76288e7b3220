//! Binary scores against random matrices and brute force.

use super::*;

#[test]
fn a_thousand_random_matrices_come_back_with_an_example() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for case in 0..1000 {
        let most = [3, 30, 300, 2500][case % 4];
        let counts = random_counts(&mut rng, most);
        let said = random_scores(&mut rng, &counts);
        let scores = scores_of(&said);
        let (positive, negative) = (counts.tp + counts.fn_, counts.fp + counts.tn);
        let found = fits(&scores, positive, negative, &mut STEPS.clone());
        let (number, example) = found.unwrap_or_else(|| panic!("{case}: {counts:?} {said:?}"));
        assert!(number >= 1);
        assert_eq!((example.tp + example.fn_, example.fp + example.tn), (positive, negative));
        for (score, (metric, figure)) in scores.iter().zip(&said) {
            assert!(score.is_of(&example), "{case}: {metric:?} {figure} {example:?}");
            let off = (value_of(*metric, &example) - figure.to_f64()).abs();
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

#[test]
fn another_value_of_a_division_by_nought_is_named_of_two_classes() {
    let judged = |zero: &str, precision: &str| {
        let mut text = format!(
            "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\npositive = 10\n{zero}\n"
        );
        for (metric, value) in [("precision", precision), ("recall", "0.00")] {
            text += &format!(
                "[[claim]]\nid = \"{metric}\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \
                 \"m\"\nmetric = \"{metric}\"\nvalue = \"{value}\"\n"
            );
        }
        audit(&Claims::parse(Path::new("c.toml"), &text).unwrap()).unwrap()
    };
    let reason = |audit: &Audit| audit.claim("precision").unwrap().verdict.to_string();
    assert_eq!(judged("zero_division = \"1\"", "1.00").count("consistent"), 2);
    let found = judged("", "1.00");
    assert_eq!(found.count("inconsistent"), 2);
    assert!(reason(&found).contains("(zero_division = \"1\")"), "{}", reason(&found));
    let wrong = judged("", "0.50");
    assert_eq!(wrong.count("inconsistent"), 2);
    assert!(!reason(&wrong).contains("zero_division"), "{}", reason(&wrong));
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
            let mut said: Vec<Statement> = Vec::new();
            for (class, &support) in supports.iter().enumerate() {
                let support = Interval::point(Exact::from_integer(BigInt::from(support)));
                said.push(Statement::Count(class, ClassCount::Support, support));
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
                said.push(Statement::Averaged(averaging, metric, interval(value)));
            }
            let said: Vec<&Statement> = said.iter().collect();
            match of.solve(&said, Work::default()).unwrap() {
                MatrixAnswer::Possible(_) => true,
                MatrixAnswer::Impossible => false,
                MatrixAnswer::Unknown => panic!("not found out: {case}"),
            }
        };
        assert_eq!(possible, !case["inconsistent"].as_bool().unwrap(), "{case}");
    }
}
