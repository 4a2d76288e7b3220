use super::super::{Trial, TrialRun};
use super::*;
use serde_json::json;
use ttp_metrics::Estimate;

fn tried(trial: Trial, score: f64) -> TrialOutcome {
    let score = Estimate { value: score, low: score, high: score };
    let once = TrialRun {
        seed: 1,
        macro_f1: score.value,
        accuracy: score.value,
        epochs: 6,
        best_epoch: 5,
        seconds: 1.0,
    };
    let (macro_f1, accuracy) = (score, score);
    let against = LabelSource::Forest;
    TrialOutcome { trial, against, macro_f1, accuracy, runs: vec![once], per_class: Vec::new() }
}

fn figures() -> FamilyFigures {
    FamilyFigures {
        flows: 48_394,
        outputs_never_used: vec![3, 9],
        outputs_at_f1_0: vec![3, 9],
        agreement_printed_names: 0.25,
        agreement_best_names: 0.9,
        supports_chi2_printed: 1e5,
        supports_chi2_best: 12.0,
        supports_p: 0.001,
        renamed: BTreeMap::from([("Cobalt".to_owned(), "TrickBot".to_owned())]),
        not_told_apart_by_counts: Vec::new(),
        macro_f1: 0.7,
        macro_f1_one_trickbot: 0.75,
        macro_f1_of: "the flows",
        macro_f1_against_forest: 0.71,
        statements: vec![["says", "renamed", "remains"].map(str::to_owned)],
        seconds_read: 2.0,
        seconds_encoded: 3.0,
        trained_against: Some(LabelSource::Forest),
        trials: vec![tried(Trial::Focal, 0.61), tried(Trial::RandomForest, 0.8)],
        settings: NetmlSettings::default(),
        of_names: ["by counts".to_owned(), "by flows".to_owned()],
    }
}

#[test]
fn the_file_has_the_keys_that_reports_read() {
    let missing = FamilyResults::new(None, None, Vec::new(), &NetmlSettings::default()).unwrap();
    assert_eq!(serde_json::to_value(&missing).unwrap(), json!({ "at_hand": false }));
    assert_eq!(missing.findings(), [NETML_MISSING]);
    let file = FamilyResults { at_hand: true, figures: Some(figures()) };
    let file = serde_json::to_value(&file).unwrap();
    let mut keys: Vec<&String> = file.as_object().unwrap().keys().collect();
    keys.sort();
    let expected = [
        "agreement_best_names",
        "agreement_printed_names",
        "at_hand",
        "flows",
        "macro_f1",
        "macro_f1_against_forest",
        "macro_f1_of",
        "macro_f1_one_trickbot",
        "not_told_apart_by_counts",
        "outputs_at_f1_0",
        "outputs_never_used",
        "renamed",
        "seconds_encoded",
        "seconds_read",
        "settings",
        "statements",
        "supports_chi2_best",
        "supports_chi2_printed",
        "supports_p",
        "trained_against",
        "trials",
    ];
    assert_eq!(keys, expected);
    assert_eq!(file["statements"], json!([["says", "renamed", "remains"]]));
    assert_eq!(file["trained_against"], json!("forest"));
}

#[test]
fn the_sentences_say_what_follows() {
    let found = figures().findings();
    assert!(found[0].ends_with(
        "just these outputs: the encoder never predicts them, whatever they are called"
    ));
    assert_eq!(found[1..4], ["by counts", "by flows", "  Cobalt is TrickBot"]);
    assert_eq!(
        found[4],
        "encoder and forest agree on 25.0 % of the flows by the printed names and on 90.0 % by the \
         best ones: 87 % of their disagreement is in the names, not in the flows"
    );
    assert_eq!(
        found[5],
        "one name for TrickBot and Trickster: macro F1 0.7000 -> 0.7500, so telling the two apart \
         costs 0.0500"
    );
    assert_eq!(
        found[8],
        "highest macro F1: random forest, 0.190 above focal loss (the summary's); one seed each does \
         not tell a small lead from chance"
    );
    let other = FamilyFigures { outputs_at_f1_0: vec![3], ..figures() };
    assert!(other.findings()[0].ends_with("not just these outputs"));
}
