use super::*;
use ttp_text::corpus::{Operation, Sample};
use ttp_text::split::Split;

fn sample(row: u32, operation: Operation) -> Sample {
    Sample { row, technique: "T1".into(), text: format!("text {row}"), operation }
}

#[test]
fn leaked_rows_are_told_from_others_by_their_corpus_row() {
    let split = Split {
        train: vec![sample(0, Operation::Original), sample(1, Operation::Swap)],
        validation: Vec::new(),
        test: vec![
            sample(0, Operation::Removal),
            sample(1, Operation::Original),
            sample(2, Operation::Original),
            sample(3, Operation::Original),
        ],
    };
    let said = ["T1", "T1", "T1", "T2"];
    let predictions: Vec<Prediction> = split
        .test
        .iter()
        .zip(said)
        .map(|(sample, said)| Prediction {
            sample: sample.clone(),
            predicted: said.into(),
            probability: 0.5,
        })
        .collect();
    let bootstrap = Bootstrap { resamples: 200, level: 0.95, seed: 1 };
    let parts = scores_by_leakage(&split, &predictions, bootstrap).unwrap();
    let figures: Vec<_> = parts
        .iter()
        .map(|p| (p.seen_in_training, p.rows, p.share.value, p.accuracy.value))
        .collect();
    assert_eq!(figures, [(true, 2, 0.5, 1.0), (false, 2, 0.5, 0.5)]);
    // T1 found once of two, T2 given once and never there: (2/3 + 0) / 2.
    assert!((parts[1].f1_macro.value - 1.0 / 3.0).abs() < 1e-12);
    let scores = LeakScores::of(&split, &predictions, bootstrap).unwrap();
    assert_eq!(scores.with.as_ref().map(|part| part.rows), Some(2));
    assert_eq!(scores.all.accuracy.value, 0.75);
    let clean = Split { train: Vec::new(), ..split.clone() };
    let none = LeakScores::of(&clean, &predictions, bootstrap).unwrap();
    assert!(none.with.is_none() && none.without.is_some());
    let mean = LeakFigures::mean_of(&[&scores, &none]);
    assert_eq!((mean.repeats, mean.share, mean.accuracy), (2, 0.25, 0.75));
    assert_eq!((mean.accuracy_with, mean.accuracy_without), (None, Some(0.625)));
    // 0.75 = 0.5 × 1 + 0.5 × 0.5.
    let worth = worth_without_relatives(0.75, &split, &predictions, bootstrap).unwrap();
    assert!((worth.value - 0.5).abs() < 1e-12, "{worth:?}");
    let error = scores_by_leakage(&split, &predictions[1..], bootstrap).unwrap_err();
    assert!(error.to_string().contains("not of this split's test rows"), "{error}");
}
