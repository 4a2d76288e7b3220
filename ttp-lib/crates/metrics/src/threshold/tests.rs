use super::*;

#[test]
fn what_cannot_be_ranked_is_named() {
    let said =
        |scores: &[f64], truth: &[bool]| Ranking::new(scores, truth).unwrap_err().to_string();
    assert_eq!(said(&[], &[]), "setting scores: there is none");
    assert_eq!(said(&[0.5, f64::NAN], &[true, false]), "setting scores: NaN at row 1");
    assert_eq!(said(&[0.5], &[]), "setting truth: 0 for 1 scores");
}

#[test]
fn weights_are_repetitions() {
    let (scores, truth) = ([0.9, 0.5, 0.5, 0.2], [true, false, true, false]);
    let weights = [2.0, 0.0, 3.0, 1.0];
    let repeated = |values: &[f64]| -> Vec<f64> {
        let times = values.iter().zip(weights);
        times.flat_map(|(v, n)| std::iter::repeat_n(*v, n as usize)).collect()
    };
    let truth_repeated: Vec<bool> =
        repeated(&truth.map(|t| f64::from(u8::from(t)))).iter().map(|v| *v > 0.0).collect();
    let weighted = Ranking::new(&scores, &truth).unwrap();
    let plain = Ranking::new(&repeated(&scores), &truth_repeated).unwrap();
    assert_eq!(weighted.average_precision_weighted(&weights), plain.average_precision());
    assert_eq!(weighted.roc_auc_weighted(&weights), plain.roc_auc());
}

#[test]
fn a_threshold_parts_what_it_was_chosen_to_part() {
    // Two scores that are neighbours in double precision.
    let (low, high) = (0.5, f64::from_bits(0.5_f64.to_bits() + 1));
    for criterion in [Criterion::Accuracy, Criterion::F1, Criterion::Mcc] {
        let ranking = Ranking::new(&[low, high], &[false, true]).unwrap();
        let threshold = ranking.best_threshold(criterion);
        let counts = BinaryCounts::at(&[low, high], &[false, true], threshold).unwrap();
        assert_eq!(counts, BinaryCounts { tp: 1, fp: 0, fn_: 0, tn: 1 });
    }
}

#[test]
fn where_nothing_helps_the_threshold_lies_above_all() {
    let ranking = Ranking::new(&[0.3, 0.7], &[false, false]).unwrap();
    assert!(ranking.best_threshold(Criterion::Accuracy) > 0.7);
    assert_eq!((ranking.average_precision(), ranking.roc_auc()), (0.0, 0.5));
}
