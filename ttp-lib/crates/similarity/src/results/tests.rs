use super::*;
use serde_json::{Value, json};
use ttp_metrics::Empty;

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low, high }
}

/// Scores of one value, in an interval of a tenth to both sides.
fn intervals(value: f64) -> PairIntervals {
    PairIntervals::from([estimate(value, value - 0.1, value + 0.1); 7])
}

fn scores(value: f64, empty: Option<Empty>) -> PairScores {
    PairScores {
        average_precision: value,
        roc_auc: value,
        accuracy: value,
        precision: value,
        recall: value,
        f1: value,
        mcc: value,
        threshold: 0.5,
        confusion: ttp_metrics::BinaryCounts { tp: 4, fp: 1, fn_: 2, tn: 3 },
        degenerate: empty.is_some(),
        empty,
        intervals: intervals(value),
    }
}

fn judged(value: f64, empty: Option<Empty>) -> ModelScores {
    ModelScores {
        validation_average_precision: value - 0.05,
        threshold: 0.5,
        test: scores(value, empty),
        scores: Vec::new(),
        warning: None,
    }
}

fn results() -> SimilarityResults {
    let model = |value, empty| {
        let recall = [(1, estimate(value, 0.25, 0.75)), (5, estimate(0.9, 0.85, 0.95))];
        ModelFigures::new(&judged(value, empty), &recall, None)
    };
    let contest = |gain| Contest {
        triplets: 12,
        basic: judged(0.6, None),
        hard_negatives: judged(0.7, None),
        gain: intervals(gain),
    };
    SimilarityResults {
        models: BTreeMap::from([
            ("baseline".to_owned(), model(0.5, Some(Empty::WithinChanceOfMajority))),
            ("basic".to_owned(), model(0.8, None)),
            ("hard_negatives".to_owned(), model(0.82, None)),
        ]),
        checkpoint: "minilm".to_owned(),
        about: None,
        settings: SimilaritySettings::default(),
        sentences: 40,
        test_sentences: 8,
        mining: MiningFigures {
            anchors: 20,
            found: 18,
            triplets: 12,
            short: 2,
            nearer_than_all_similar: 3,
            skipped: BTreeMap::from([("of the same label".to_owned(), 7)]),
        },
        unseen_examples: UnseenExamples::default(),
        differences: BTreeMap::from([
            ("basic − baseline".to_owned(), intervals(0.3)),
            ("hard_negatives − basic".to_owned(), intervals(0.02)),
        ]),
        trials: [0.2, 0.05].map(|gain| TrialFigures::new(<_>::default(), &contest(gain))).into(),
    }
}

#[test]
fn the_file_has_the_keys_that_reports_read() {
    let file: Value = serde_json::to_value(results()).unwrap();
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let own = [
        "about",
        "baseline",
        "basic",
        "checkpoint",
        "differences",
        "hard_negatives",
        "mining",
        "sentences",
        "settings",
        "test_sentences",
        "trials",
        "unseen_examples",
    ];
    assert_eq!(keys(&file), own);
    let model = [
        "accuracy",
        "average_precision",
        "confusion",
        "degenerate",
        "empty",
        "f1",
        "history",
        "intervals",
        "mcc",
        "precision",
        "recall",
        "recall_at",
        "roc_auc",
        "threshold",
        "validation_average_precision",
    ];
    assert_eq!(keys(&file["basic"]), model);
    assert_eq!(file["basic"]["recall_at"]["5"]["low"], json!(0.85));
    assert_eq!(file["about"], Value::Null);
    let trial = [
        "basic",
        "hard_negatives",
        "hard_negatives_over_basic",
        "settings",
        "triplets",
        "validation_average_precision",
    ];
    assert_eq!(keys(&file["trials"][0]), trial);
    assert_eq!(file["trials"][0]["validation_average_precision"]["basic"], json!(0.6 - 0.05));
    assert_eq!(file["mining"]["nearer_than_all_similar"], json!(3));
    assert_eq!(keys(&file["unseen_examples"]), ["cosines", "pairs"]);
    assert_eq!(file["unseen_examples"]["pairs"][9][2], json!(false));
}

#[test]
fn the_sentences_say_what_follows() {
    let found = results().findings();
    assert_eq!(
        found[..4],
        [
            "average precision on unseen sentences, basic − baseline: +0.300 [+0.200, +0.400]: \
             training on labelled pairs is better than the checkpoint alone, beyond chance",
            "average precision on unseen sentences, hard_negatives − basic: +0.020 [−0.080, \
             +0.120]: the interval contains 0, so mining hard negatives may be no better and no \
             worse than random ones",
            "in 1 of 2 short runs hard negatives beat random ones beyond chance: whether they help \
             depends on the settings",
            "3 of 18 mined negatives are nearer than every similar sentence: these may be false \
             negatives, which teach the model an error",
        ]
    );
    assert_eq!(found[4], "baseline: the nearest sentence is a similar one in 0.500 [0.250, 0.750]");
    assert!(found[7].starts_with("degenerate: baseline "), "{}", found[7]);
    assert!(found[8].starts_with("not degenerate: basic "), "{}", found[8]);
    let mut worse = results();
    worse.differences.insert("hard_negatives − basic".to_owned(), intervals(-0.2));
    assert!(worse.findings()[1].ends_with("is worse than random ones, beyond chance"));
}

#[test]
fn trials_and_models_have_a_row_each() {
    let table = TrialFigures::table(&results().trials).unwrap().to_text();
    assert!(table.contains("+0.050 [−0.050, +0.150]"), "{table}");
    let models = BTreeMap::from([("basic".to_owned(), judged(0.8, None))]);
    let table = ModelScores::confusion_table(&models).unwrap().to_text();
    assert!(table.contains("basic      0.500   4   2   1   3"), "{table}");
    assert_eq!(ModelScores::table(&models).unwrap().len(), 1);
    let table = ModelFigures::recall_table(&results().models).unwrap().to_text();
    assert!(table.starts_with("model"), "{table}");
    assert!(table.lines().next().unwrap().ends_with("among 5"), "{table}");
    assert!(table.contains("0.900 [0.850, 0.950]"), "{table}");
}

#[test]
fn the_reports_settings_stand_beside_ours() {
    let settings = SimilaritySettings::default();
    let table = settings.beside_report("minilm").unwrap().to_text();
    assert!(table.lines().any(|line| line.starts_with("learning rate") && line.contains("e-5")));
    let model: Vec<&str> = table.lines().nth(2).unwrap().split("  ").collect();
    assert_eq!((model[0], model[model.len() - 1].trim()), ("model to start from", "minilm"));
}
