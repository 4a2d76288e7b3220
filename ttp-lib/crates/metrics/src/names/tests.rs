#![allow(clippy::unwrap_used)]

use super::chance::{generator, multinomial};
use super::*;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

fn labels(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class:02}")).collect()
}

/// A data set: its class counts, log-uniform from 30 to 30,000, and the row totals of a sample.
struct Planted {
    counts: Vec<u64>,
    supports: Vec<u64>,
}

impl Planted {
    fn new(rng: &mut ChaCha8Rng) -> Self {
        let classes = rng.random_range(3..30);
        let counts: Vec<u64> = (0..classes)
            .map(|_| 30.0 * 1_000_f64.powf(rng.random::<f64>()))
            .map(|c| c as u64)
            .collect();
        let weights: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
        let share = rng.random_range(0.05..1.0);
        let rows = share * weights.iter().sum::<f64>();
        let supports = multinomial(rng, rows as u64, &weights).unwrap();
        Self { counts, supports }
    }

    /// Two classes whose sizes in the matrix differ by more than four standard deviations of a
    /// multinomial difference: `√(N (p + q − (p − q)²))`.
    fn far_apart(&self, rng: &mut ChaCha8Rng) -> Option<(usize, usize)> {
        let (data, rows) = (self.counts.iter().sum::<u64>(), self.supports.iter().sum::<u64>());
        let share = |class: usize| self.counts[class] as f64 / data as f64;
        let classes = self.counts.len();
        let mut pairs: Vec<(usize, usize)> =
            (0..classes).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
        pairs.retain(|&(a, b)| {
            let (p, q) = (share(a), share(b));
            let deviation = (rows as f64 * (p + q - (p - q).powi(2))).sqrt();
            (rows as f64 * (p - q)).abs() > 4.0 * deviation
        });
        pairs.shuffle(rng);
        pairs.pop()
    }

    fn found(&self) -> NamesByCounts {
        let counts: Vec<Option<u64>> = self.counts.iter().map(|&count| Some(count)).collect();
        let settings = NamesSettings { resamples: 499, ..NamesSettings::default() };
        NamesByCounts::of(&labels(counts.len()), &self.supports, &counts, &settings).unwrap()
    }
}

#[test]
fn two_hundred_planted_shuffles_are_found() {
    let mut rng = generator(23, 0);
    let mut planted = 0;
    while planted < 200 {
        let mut case = Planted::new(&mut rng);
        let Some((a, b)) = case.far_apart(&mut rng) else { continue };
        case.supports.swap(a, b);
        planted += 1;
        let found = case.found();
        assert_eq!(found.verdict, NamesVerdict::Shuffled, "{planted}: {}", found.sentence());
    }
}

#[test]
fn of_two_hundred_sound_matrices_few_are_called_shuffled() {
    let mut rng = generator(24, 0);
    let cases: Vec<Planted> = (0..200).map(|_| Planted::new(&mut rng)).collect();
    let alarms = cases.iter().filter(|case| case.found().verdict != NamesVerdict::InOrder).count();
    let unfit = cases.iter().filter(|case| !case.found().fits(0.01)).count();
    // 5 % is what is promised; alpha is 1 %.
    assert!(alarms <= 10, "{alarms} of 200 alarms");
    assert!(alarms <= 6 && unfit <= 6, "{alarms} alarms, {unfit} that do not fit");
}

#[test]
fn the_best_names_are_those_of_least_chi_square() {
    // All 120 assignments of five names, and for an open count every output in its place.
    let mut rng = generator(25, 0);
    for round in 0..60 {
        let draw = |rng: &mut ChaCha8Rng| (0..5).map(|_| rng.random_range(0..200)).collect();
        let supports: Vec<u64> = draw(&mut rng);
        let mut counts: Vec<Option<u64>> =
            Vec::<u64>::into_iter(draw(&mut rng)).map(Some).collect();
        if round % 2 == 1 {
            counts[round % 5] = None;
        }
        let settings = NamesSettings { resamples: 99, ..NamesSettings::default() };
        let found = NamesByCounts::of(&labels(5), &supports, &counts, &settings).unwrap();
        let rows = supports.iter().sum::<u64>() as f64;
        let weights: Vec<f64> =
            counts.iter().map(|count| count.map_or(0.0, |count| (count as f64).max(0.5))).collect();
        let all: f64 = weights.iter().sum();
        let mut least = f64::INFINITY;
        permutations(5, &mut |names: &[usize]| {
            let open = (0..5).find(|&output| counts[names[output]].is_none());
            let own = open.map_or(0.0, |output| supports[output] as f64);
            let sum: f64 = (0..5)
                .filter(|&output| Some(output) != open)
                .map(|output| {
                    let expected = (rows - own) * weights[names[output]] / all;
                    (supports[output] as f64 - expected).powi(2) / expected
                })
                .sum();
            least = least.min(sum);
        });
        assert!((found.best.statistic - least).abs() < 1e-6 * least, "{round}: {found:?} {least}");
    }
}

#[test]
fn the_best_agreement_is_that_of_all_assignments() {
    let mut rng = generator(26, 0);
    for _ in 0..40 {
        let rows: Vec<Vec<u64>> =
            (0..5).map(|_| (0..5).map(|_| rng.random_range(0..30)).collect()).collect();
        let confusion = Confusion::from_counts(labels(5), &rows).unwrap();
        let found = NamesByLabelling::of(&confusion, &NamesSettings::default()).unwrap();
        let mut most = 0;
        permutations(5, &mut |names: &[usize]| {
            most = most.max((0..5).map(|output| rows[names[output]][output]).sum::<u64>());
        });
        assert_eq!(found.best, most as f64 / confusion.total() as f64);
        assert_eq!(found.renamed(&confusion).unwrap().scores().accuracy, found.best);
    }
}

fn permutations(classes: usize, see: &mut dyn FnMut(&[usize])) {
    fn place(at: usize, names: &mut Vec<usize>, see: &mut dyn FnMut(&[usize])) {
        if at == names.len() {
            return see(names);
        }
        for other in at..names.len() {
            names.swap(at, other);
            place(at + 1, names, see);
            names.swap(at, other);
        }
    }
    place(0, &mut (0..classes).collect(), see);
}

/// A classifier that is right in three rows of four, its errors spread over the others.
fn labelled(rng: &mut ChaCha8Rng) -> Vec<Vec<u64>> {
    let classes = rng.random_range(3..15);
    (0..classes)
        .map(|class| {
            let rows = rng.random_range(40..400);
            let weights: Vec<f64> = (0..classes)
                .map(|other| if other == class { 3.0 * (classes - 1) as f64 } else { 1.0 })
                .collect();
            multinomial(rng, rows, &weights).unwrap()
        })
        .collect()
}

#[test]
fn shuffled_predictions_are_found_and_sound_ones_pass() {
    let mut rng = generator(27, 0);
    let settings = NamesSettings { resamples: 199, ..NamesSettings::default() };
    let mut alarms = 0;
    for _ in 0..200 {
        let rows = labelled(&mut rng);
        let confusion = Confusion::from_counts(labels(rows.len()), &rows).unwrap();
        let found = NamesByLabelling::of(&confusion, &settings).unwrap();
        alarms += usize::from(found.verdict != NamesVerdict::InOrder);
        let (a, b) = (rng.random_range(0..rows.len()), rng.random_range(1..rows.len()));
        let b = (a + b) % rows.len();
        let mut shuffled = rows.clone();
        shuffled.iter_mut().for_each(|row| row.swap(a, b));
        let confusion = Confusion::from_counts(labels(rows.len()), &shuffled).unwrap();
        let found = NamesByLabelling::of(&confusion, &settings).unwrap();
        assert_eq!(found.verdict, NamesVerdict::Shuffled, "{}", found.sentence());
        assert_eq!((found.naming.best[a], found.naming.best[b]), (b, a));
        assert_eq!(found.naming.renamed().len(), 2);
    }
    assert_eq!(alarms, 0);
}

#[test]
fn a_labelling_by_chance_is_no_shuffle() {
    // Whatever a coin says, some other names agree better: no more than chance gives.
    let mut rng = generator(28, 0);
    let mut alarms = 0;
    for _ in 0..200 {
        let classes: usize = rng.random_range(3..8);
        let cells = multinomial(&mut rng, 400, &vec![1.0; classes * classes]).unwrap();
        let rows: Vec<Vec<u64>> = cells.chunks(classes).map(<[u64]>::to_vec).collect();
        let confusion = Confusion::from_counts(labels(classes), &rows).unwrap();
        let settings = NamesSettings { resamples: 199, ..NamesSettings::default() };
        let found = NamesByLabelling::of(&confusion, &settings).unwrap();
        alarms += usize::from(found.verdict != NamesVerdict::InOrder);
    }
    assert!(alarms <= 6, "{alarms} of 200");
}

#[test]
fn a_swallowed_class_is_no_shuffle() {
    // All of a is predicted b: the name a would fit output b better, and names are in order.
    let rows = [vec![0, 500, 0], vec![0, 400, 5], vec![0, 3, 300]];
    let confusion = Confusion::from_counts(["a", "b", "c"], &rows).unwrap();
    let found = NamesByLabelling::of(&confusion, &NamesSettings::default()).unwrap();
    assert_eq!(found.verdict, NamesVerdict::Unclear);
    assert_eq!((found.misnamed, found.unused), (vec!["b".to_owned()], vec!["a".to_owned()]));
}

#[test]
fn equal_classes_keep_their_names_and_cannot_be_told_apart() {
    let names = ["a", "b", "c"].map(str::to_owned);
    let counts = [Some(100), Some(100), Some(800)];
    let found =
        NamesByCounts::of(&names, &[12, 9, 79], &counts, &NamesSettings::default()).unwrap();
    assert_eq!(found.naming.best, [0, 1, 2]);
    assert_eq!(found.verdict, NamesVerdict::InOrder);
    assert_eq!(found.not_told_apart.len(), 1);
    assert_eq!(found.not_told_apart[0].printed, ["a", "b"]);
    assert_eq!(found.not_told_apart[0].cost, 0.0);
}

#[test]
fn a_count_left_open_is_fitted() {
    // 1,000 rows; benign was thinned out: 600 expected, 100 there. a and b are exchanged.
    let names = ["a", "b", "benign", "c"].map(str::to_owned);
    let supports = [200, 500, 100, 200 + 100];
    let given = [Some(5_000), Some(2_000), Some(30_000), Some(3_000)];
    let settings = NamesSettings::default();
    let closed = NamesByCounts::of(&names, &supports, &given, &settings).unwrap();
    assert!(!closed.fits(0.01));
    assert_eq!(closed.verdict, NamesVerdict::Unclear);
    let hint = closed.hint.as_ref().unwrap();
    assert_eq!((hint.open.class.as_str(), hint.statistic), ("benign", 0.0));
    let mut open = given;
    open[2] = None;
    let found = NamesByCounts::of(&names, &supports, &open, &settings).unwrap();
    assert_eq!(found.verdict, NamesVerdict::Shuffled);
    assert_eq!(found.naming.best, [1, 0, 2, 3]);
    let fitted = OpenCount { class: "benign".into(), output: "benign".into(), fitted: 1_000.0 };
    assert_eq!(found.open, Some(fitted));
    assert_eq!(found.best.statistic, 0.0);
}

#[test]
fn the_same_seed_finds_the_same() {
    let case = Planted::new(&mut generator(29, 0));
    assert_eq!(case.found(), case.found());
}

#[test]
fn a_matrix_is_renamed_and_a_stranger_is_refused() {
    let rows = [vec![5, 1, 0], vec![0, 7, 2], vec![1, 0, 9]];
    let confusion = Confusion::from_counts(["a", "b", "c"], &rows).unwrap();
    let naming = Naming { labels: confusion.labels().to_vec(), best: vec![2, 0, 1] };
    let again = naming.rename(&confusion).unwrap();
    assert_eq!(again.labels(), ["c", "a", "b"]);
    assert_eq!(again.row(1), confusion.row(1));
    assert_eq!(naming.renamed(), [("a", "c"), ("b", "a"), ("c", "b")].into());
    assert_eq!((naming.name(0), naming.name(3)), (Some("c"), None));
    let other = Confusion::from_counts(["a", "b", "d"], &rows).unwrap();
    assert!(naming.rename(&other).unwrap_err().to_string().contains("other labels"));
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let names = labels(2);
    let settings = NamesSettings::default();
    let message = |supports: &[u64], counts: &[Option<u64>]| {
        NamesByCounts::of(&names, supports, counts, &settings).unwrap_err().to_string()
    };
    let some = [Some(1), Some(2)];
    assert_eq!(message(&[1], &some), "setting supports: 1 numbers for 2 classes");
    assert_eq!(message(&[1, 2], &some[..1]), "setting counts: 1 numbers for 2 classes");
    assert_eq!(message(&[0, 0], &some), "setting supports: the matrix has no row");
    assert_eq!(message(&[1, 2], &[Some(0), None]), "setting counts: the data has no row");
    assert!(
        message(&[1, 2], &[None, None]).ends_with("can be left open, not of two")
            || message(&[1, 2], &[None, None]).ends_with("the data has no row")
    );
    assert!(message(&[u64::MAX, 1], &some).contains("64-bit"));
    for (field, wrong) in [
        ("names.alpha", NamesSettings { alpha: 0.0, ..settings }),
        ("names.alpha", NamesSettings { alpha: f64::NAN, ..settings }),
        ("names.resamples", NamesSettings { resamples: 98, ..settings }),
        ("names.resamples", NamesSettings { alpha: 1e-9, ..settings }),
    ] {
        let error = NamesByCounts::of(&names, &[1, 2], &some, &wrong).unwrap_err().to_string();
        assert!(error.starts_with(&format!("setting {field}:")), "{error}");
    }
}
