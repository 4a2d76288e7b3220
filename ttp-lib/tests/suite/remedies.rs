//! Remedies beside scikit-learn, imbalanced-learn and scipy (`environment/golden/remedies.py`), and
//! on a ground where a small class is never found.

use crate::common::turn;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use ttp_lib::encoder::Vectors;
use ttp_lib::metrics::Bootstrap;
use ttp_lib::remedies::adjust::{Offsets, highest, logit_adjusted};
use ttp_lib::remedies::resample::{oversampled, smote};
use ttp_lib::remedies::weights::{effective_number, inverse};
use ttp_lib::remedies::{Ground, HeadParams, Judge, LabelledVectors, Remedy, Trials};

#[derive(Deserialize)]
struct Golden {
    weights: Vec<Weights>,
    resampling: Vec<Resampling>,
    adjustment: Vec<Adjustment>,
    thresholds: Vec<Thresholds>,
}

#[derive(Deserialize)]
struct Weights {
    counts: Vec<usize>,
    beta: f64,
    inverse: Vec<f64>,
    effective_number: Vec<f64>,
}

#[derive(Deserialize)]
struct Resampling {
    points: Vec<f32>,
    labels: Vec<usize>,
    neighbours: usize,
    near: Vec<Vec<usize>>,
    oversampled: Vec<usize>,
    smote: Vec<usize>,
}

#[derive(Deserialize)]
struct Adjustment {
    counts: Vec<usize>,
    tau: f64,
    logits: Vec<f64>,
    adjusted: Vec<f64>,
    predicted: Vec<usize>,
}

#[derive(Deserialize)]
struct Thresholds {
    scores: Vec<f64>,
    truth: Vec<usize>,
    before: f64,
    after: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/remedies.json")).unwrap()
}

fn near(ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{a}, theirs {b}");
    }
}

fn counts(labels: impl Iterator<Item = usize>, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    labels.for_each(|label| counts[label] += 1);
    counts
}

#[test]
fn class_weights_are_scikit_learns_and_the_papers() {
    for case in golden().weights {
        near(&inverse(&case.counts), &case.inverse);
        near(&effective_number(&case.counts, case.beta).unwrap(), &case.effective_number);
    }
}

#[test]
fn resampling_makes_as_many_rows_and_smote_draws_between_the_same_neighbours() {
    for case in golden().resampling {
        let classes = case.oversampled.len();
        let rows = oversampled(&case.labels, 5);
        assert_eq!(counts(rows.iter().map(|&row| case.labels[row]), classes), case.oversampled);

        let points = Vectors::new(3, case.points).unwrap();
        let made = smote(&points, &case.labels, case.neighbours, 5).unwrap();
        assert_eq!(counts(made.labels.iter().copied(), classes), case.smote);
        let mut used = std::collections::BTreeSet::new();
        for row in case.labels.len()..made.labels.len() {
            let point = made.vectors.row(row);
            let own = (0..case.labels.len()).filter(|&r| case.labels[r] == made.labels[row]);
            let lines = own.flat_map(|r| case.near[r].iter().map(move |&other| (r, other)));
            let on: Vec<_> = lines
                .filter(|&(a, b)| {
                    let (a, b) = (points.row(a), points.row(b));
                    let length = |x: &[f32], y: &[f32]| -> f32 {
                        x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt()
                    };
                    (length(a, point) + length(point, b) - length(a, b)).abs() < 1e-5
                })
                .collect();
            assert!(!on.is_empty(), "row {row} lies on no line to a neighbour");
            used.extend(on);
        }
        assert!(used.len() > 3, "it always takes the same line");
    }
}

#[test]
fn logits_are_adjusted_as_scipy_has_them() {
    for case in golden().adjustment {
        let ours = logit_adjusted(&case.logits, &case.counts, case.tau).unwrap();
        near(&ours, &case.adjusted);
        assert_eq!(highest(&ours, case.counts.len()), case.predicted);
    }
}

#[test]
fn fitted_thresholds_reach_the_best_of_all_decisions() {
    for case in golden().thresholds {
        let offsets = Offsets::fit(&case.scores, &case.truth, 2, 1, 50.0).unwrap();
        assert!((offsets.before - case.before).abs() < 1e-12);
        assert!((offsets.after - case.after).abs() < 1e-12, "{} {}", offsets.after, case.after);
    }
}

/// Three classes in the plane; of the third there are few rows, and they lie at the second's edge.
fn ground(seed: u64) -> Ground {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut part = |sizes: [usize; 3]| {
        let (mut numbers, mut labels) = (Vec::new(), Vec::new());
        for (class, size) in sizes.into_iter().enumerate() {
            let [x, y] = [[-3.0_f32, 0.0], [0.0, 0.0], [0.0, 1.3]][class];
            for _ in 0..size {
                let mut noise = || (0..6).map(|_| rng.random_range(-0.7..0.7)).sum::<f32>();
                numbers.extend([x + noise(), y + noise()]);
                labels.push(class);
            }
        }
        LabelledVectors { vectors: Vectors::new(2, numbers).unwrap(), labels }
    };
    Ground {
        classes: ["large", "middle", "small"].map(str::to_owned).to_vec(),
        train: part([300, 300, 12]),
        validation: part([60, 60, 6]),
        test: part([100, 100, 60]),
    }
}

#[test]
fn remedies_find_a_class_that_was_never_found_and_say_what_it_cost() {
    let _turn = turn();
    let head = HeadParams { steps: 800, learning_rate: 0.05, ..HeadParams::default() };
    let bootstrap = Bootstrap { resamples: 200, level: 0.95, seed: 1 };
    let all = || ground(3).try_all(&Remedy::ALL, &head, (3, bootstrap), &mut |_| ()).unwrap();
    let trials = all();
    assert_eq!(trials.worst().len(), 1);
    let findings = trials.findings();
    assert_eq!(findings.lines().count(), Remedy::ALL.len(), "{findings}");
    let last = findings.lines().last().unwrap();
    assert!(last.starts_with("by validation one would take: "), "{last}");
    assert!(findings.contains(": finds more of the worst, +"), "{findings}");
    let Trials { judge, outcomes } = trials;
    assert_eq!((judge.worst(), judge.worst_rows()), (&[2][..], 60));
    let plain = &outcomes[0];
    assert_eq!(plain.what, "none");
    assert_eq!((plain.f1_macro.gain.value, plain.f1_macro.gain.high), (0.0, 0.0));
    assert!(plain.worst_recall.value.value < 0.1, "{plain:?}");
    for one in &outcomes[1..] {
        // With β 0.99 the weights are far from equal, too.
        assert!(one.worst_recall.gain.low > 0.1, "{one:?}");
        assert!(one.f1_macro.gain.value > 0.05, "{one:?}");
        assert!(one.others_recall.gain.value < 0.0, "nothing is for nothing: {one:?}");
        assert!(one.zero_recall.is_empty());
        assert_eq!(one.classes_found, 3);
    }
    // The same seed, the same decisions.
    assert_eq!(outcomes, all().outcomes);
}

#[test]
fn the_worst_are_those_never_found_on_validation_or_else_those_found_least() {
    let classes = ["a", "b", "c"].map(str::to_owned);
    let truth = [0, 0, 1, 1, 2, 2];
    let bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };
    let judge = |said: [usize; 6]| {
        Judge::new(&classes, [&truth, &truth], [&said, &said], bootstrap).unwrap()
    };
    assert_eq!(judge([0, 0, 1, 1, 1, 1]).worst(), [2]);
    assert_eq!(judge([0, 0, 1, 0, 2, 2]).worst(), [1]);
    let short = Judge::new(&classes, [&truth, &truth], [&[0], &truth], bootstrap);
    assert_eq!(
        short.unwrap_err().to_string(),
        "setting predicted: 1 predictions for 6 rows of truth"
    );
}

#[test]
fn what_does_not_fit_together_is_named() {
    let _turn = turn();
    let good = ground(1);
    let said = |change: &dyn Fn(&mut Ground)| {
        let mut ground = good.clone();
        change(&mut ground);
        ground.check().unwrap_err().to_string()
    };
    assert_eq!(said(&|g| g.test.labels[3] = 3), "setting test: class 3, of 3 classes");
    assert_eq!(
        said(&|g| g.validation.labels.truncate(5)),
        "setting validation: 5 labels for 126 vectors"
    );
    assert_eq!(said(&|g| g.train.labels.clear()), "setting train: there is no row");
    assert_eq!(
        said(&|g| g.test.vectors = Vectors::new(1, vec![0.0; 260]).unwrap()),
        "setting test: 1 dimensions, and training has 2"
    );
    let head = HeadParams { steps: 0, ..HeadParams::default() };
    let made = good.scores(Remedy::Smote { neighbours: 5 }, &HeadParams::default(), 1).unwrap();
    assert_eq!(made.rows_made, [288, 0]);
    let error = good.scores(Remedy::None, &head, 1).unwrap_err().to_string();
    assert_eq!(error, "setting remedies.head.steps: 0 train nothing");
    let beta = Remedy::EffectiveNumber { beta: 1.0 };
    let error = good.scores(beta, &HeadParams::default(), 1).unwrap_err().to_string();
    assert!(error.starts_with("setting remedies.effective_number: 1 "), "{error}");
}
