//! Calibration beside scikit-learn's and scipy's, made by `environment/golden/calibration.py`.

use serde::Deserialize;
use ttp_lib::calibration::{
    CalibrationError, Logits, Losses, NamedShare, Probabilities, Reliability, RiskCoverage,
    Temperature, WeightCriterion, WeightedMean, brier_score, negative_log_likelihood,
};
use ttp_lib::metrics::{Bootstrap, Estimate, Groups};

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Golden {
    made_by: String,
    logits: LogitsCase,
    ties: TiesCase,
}

#[derive(Deserialize)]
struct LogitsCase {
    classes: usize,
    logits: Vec<f64>,
    second_logits: Vec<f64>,
    truth: Vec<usize>,
    before: Scores,
    after: Scores,
    temperature: Fitted,
    second_temperature: Fitted,
    curves: [Curve; 3],
    risk_coverage: Risks,
    intervals: Intervals,
    calibrated: Intervals,
    both: Both,
}

#[derive(Deserialize)]
struct TiesCase {
    confidence: Vec<f64>,
    right: Vec<usize>,
    curve: Curve,
    risk_coverage: Risks,
}

#[derive(Deserialize)]
struct Scores {
    log_loss: f64,
    brier: f64,
}

#[derive(Deserialize)]
struct Fitted {
    minimised: f64,
    exact: f64,
}

#[derive(Deserialize)]
struct Curve {
    bins: usize,
    accuracy: Vec<f64>,
    confidence: Vec<f64>,
    rows: Vec<usize>,
    expected: f64,
    maximum: f64,
}

#[derive(Deserialize)]
struct Risks {
    /// Threshold, rows, risk.
    points: Vec<(f64, usize, f64)>,
    area: f64,
    named_at: Vec<At>,
}

#[derive(Deserialize)]
struct At {
    precision: f64,
    threshold: Option<f64>,
    rows: usize,
}

#[derive(Deserialize)]
struct Intervals {
    keys: Vec<u32>,
    threshold: f64,
    resamples: usize,
    level: f64,
    seed: u64,
    of: Of,
}

#[derive(Deserialize)]
struct Of {
    log_loss: [f64; 2],
    brier: [f64; 2],
    area: [f64; 2],
    coverage: [f64; 2],
    precision: [f64; 2],
    expected: ErrorCase,
    maximum: ErrorCase,
}

#[derive(Deserialize)]
struct ErrorCase {
    measured: f64,
    corrected: [f64; 3],
    by_chance: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct Both {
    steps: u32,
    by_accuracy: f64,
    by_loss: f64,
    loss: f64,
    accuracy: f64,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("../golden/calibration.json")).unwrap();
    assert!(golden.made_by.contains("scikit-learn 1.7.2"), "{}", golden.made_by);
    golden
}

fn close(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() <= TOLERANCE, "{what}: ours {ours}, theirs {theirs}");
}

fn close_interval(ours: Estimate, theirs: [f64; 2], what: &str) {
    close(ours.low, theirs[0], what);
    close(ours.high, theirs[1], what);
    assert!(ours.low < ours.high, "{what}: a case without width tests nothing");
}

impl LogitsCase {
    fn logits(&self) -> Logits {
        Logits::new(self.classes, self.logits.clone()).unwrap()
    }

    fn second(&self) -> Logits {
        Logits::new(self.classes, self.second_logits.clone()).unwrap()
    }

    fn before(&self) -> Probabilities {
        self.logits().softmax(1.0).unwrap()
    }

    fn after(&self) -> Probabilities {
        self.logits().softmax(self.temperature.exact).unwrap()
    }
}

#[test]
fn losses_agree_with_scikit_learn() {
    let case = golden().logits;
    for (probabilities, theirs) in [(case.before(), &case.before), (case.after(), &case.after)] {
        let loss = negative_log_likelihood(&probabilities, &case.truth).unwrap();
        close(loss, theirs.log_loss, "log loss");
        close(brier_score(&probabilities, &case.truth).unwrap(), theirs.brier, "Brier score");
    }
    assert!(case.after.log_loss < case.before.log_loss - 0.05);
}

#[test]
fn the_temperature_agrees_with_scipy() {
    let case = golden().logits;
    for (logits, theirs) in
        [(case.logits(), &case.temperature), (case.second(), &case.second_temperature)]
    {
        let ours = Temperature::fit(&logits, &case.truth).unwrap();
        assert_eq!(ours.bound, None);
        assert!((ours.value / theirs.exact - 1.0).abs() < 1e-10, "{ours} {}", theirs.exact);
        assert!((ours.value / theirs.minimised - 1.0).abs() < 1e-6, "{ours}");
    }
    // From probabilities alone it is the same: their logarithms differ by a number for each row.
    let ours = Temperature::fit(&case.before().logits(), &case.truth).unwrap();
    assert!((ours.value / case.temperature.exact - 1.0).abs() < 1e-10, "{ours}");
}

fn compare_curve(ours: &Reliability, theirs: &Curve) {
    let of = |get: fn(&ttp_lib::calibration::ReliabilityBin) -> f64| -> Vec<f64> {
        ours.bins().iter().map(get).collect()
    };
    let rows: Vec<usize> = ours.bins().iter().map(|bin| bin.rows).collect();
    assert_eq!(rows, theirs.rows);
    let numbers =
        [(of(|b| b.accuracy), &theirs.accuracy), (of(|b| b.confidence), &theirs.confidence)];
    for (ours, theirs) in numbers {
        assert_eq!(ours.len(), theirs.len());
        ours.iter().zip(theirs).for_each(|(ours, theirs)| close(*ours, *theirs, "bin"));
    }
    close(ours.expected_error(), theirs.expected, "expected calibration error");
    close(ours.maximum_error(), theirs.maximum, "maximum calibration error");
}

#[test]
fn reliability_agrees_with_scikit_learn() {
    let golden = golden();
    let case = golden.logits;
    let [fifteen, seven, after] = &case.curves;
    for (probabilities, theirs) in
        [(case.before(), fifteen), (case.before(), seven), (case.after(), after)]
    {
        assert_eq!(theirs.rows.len(), theirs.bins);
        compare_curve(&Reliability::new(&probabilities, &case.truth, theirs.bins).unwrap(), theirs);
    }
    let (probabilities, truth) = golden.ties.rows();
    let theirs = &golden.ties.curve;
    let ours = Reliability::new(&probabilities, &truth, theirs.bins).unwrap();
    let (fewest, most) = (theirs.rows.iter().min(), theirs.rows.iter().max());
    assert!(fewest.zip(most).is_some_and(|(few, most)| few + 3 < *most), "no ties, no test");
    compare_curve(&ours, theirs);
}

impl TiesCase {
    fn rows(&self) -> (Probabilities, Vec<usize>) {
        let values: Vec<f64> = self.confidence.iter().flat_map(|p| [*p, 1.0 - p]).collect();
        let truth = self.right.iter().map(|right| 1 - right).collect();
        (Probabilities::new(2, values).unwrap(), truth)
    }
}

fn compare_risks(ours: &RiskCoverage, theirs: &Risks) {
    assert_eq!(ours.points().len(), theirs.points.len());
    for (ours, (threshold, rows, risk)) in ours.points().iter().zip(&theirs.points) {
        close(ours.threshold, *threshold, "threshold");
        assert_eq!(ours.rows, *rows);
        close(ours.risk, *risk, "risk");
    }
    close(ours.area(), theirs.area, "area");
    for At { precision, threshold, rows } in &theirs.named_at {
        let named = ours.named_at(*precision).unwrap();
        assert_eq!(named.map_or(0, |named| named.rows), *rows, "precision {precision}");
        let ours = named.map(|named| named.threshold);
        assert_eq!(ours.is_some(), threshold.is_some());
        ours.zip(*threshold)
            .into_iter()
            .for_each(|(ours, theirs)| close(ours, theirs, "threshold"));
    }
    assert!(theirs.named_at.iter().any(|at| at.rows > 0 && at.rows < ours.rows() / 2));
}

#[test]
fn risk_and_coverage_agree_with_their_definition() {
    let golden = golden();
    let case = golden.logits;
    let ours = RiskCoverage::new(&case.before(), &case.truth).unwrap();
    compare_risks(&ours, &case.risk_coverage);
    let (probabilities, truth) = golden.ties.rows();
    let ours = RiskCoverage::new(&probabilities, &truth).unwrap();
    compare_risks(&ours, &golden.ties.risk_coverage);
}

fn compare_error(ours: CalibrationError, theirs: &ErrorCase, what: &str) {
    close(ours.measured, theirs.measured, what);
    let Estimate { value, low, high } = ours.corrected;
    for (ours, theirs) in [value, low, high].into_iter().zip(theirs.corrected) {
        close(ours, theirs, what);
    }
    close(ours.by_chance, theirs.by_chance, what);
    close(ours.p_value, theirs.p_value, what);
}

#[test]
fn intervals_agree_with_a_bootstrap_by_its_description() {
    let case = golden().logits;
    let truth = &case.truth;
    for (probabilities, theirs) in
        [(case.before(), &case.intervals), (case.after(), &case.calibrated)]
    {
        let Intervals { keys, threshold, resamples, level, seed, of } = theirs;
        let bootstrap = Bootstrap { resamples: *resamples, level: *level, seed: *seed };
        let groups = Groups::by(keys);
        assert!(groups.len() < groups.rows() / 2, "without groups of rows nothing is tested");
        let losses = Losses::estimate(&probabilities, truth, &groups, bootstrap).unwrap();
        close_interval(losses.negative_log_likelihood, of.log_loss, "log loss");
        close_interval(losses.brier_score, of.brier, "Brier score");
        let curve = RiskCoverage::new(&probabilities, truth).unwrap();
        close_interval(curve.area_estimate(&groups, bootstrap).unwrap(), of.area, "area");
        // The threshold is a row's own confidence, and may round otherwise elsewhere.
        let named =
            NamedShare::above(threshold - 1e-9, &probabilities, truth, &groups, bootstrap).unwrap();
        assert_eq!(named.rows, truth.len() / 2);
        close_interval(named.coverage, of.coverage, "coverage");
        close_interval(named.precision.unwrap(), of.precision, "precision");
        let reliability = Reliability::new(&probabilities, truth, Reliability::BINS).unwrap();
        let errors = reliability.errors(&groups, bootstrap).unwrap();
        compare_error(errors.expected, &of.expected, "expected calibration error");
        compare_error(errors.maximum, &of.maximum, "maximum calibration error");
    }
    // One case is far from calibrated and the other is not, so both ways to an interval are tested.
    assert!(case.intervals.of.expected.corrected[1] > 0.0);
    assert_eq!(case.calibrated.of.expected.corrected[1], 0.0);
}

#[test]
fn the_weight_of_a_mean_agrees_with_scikit_learn() {
    let case = golden().logits;
    let (first, second) = (case.before(), case.second().softmax(1.0).unwrap());
    let Both { steps, by_accuracy, by_loss, loss, accuracy } = case.both;
    let choose = |by| WeightedMean::choose(&first, &second, &case.truth, by, steps).unwrap();
    let chosen = choose(WeightCriterion::Accuracy);
    assert_eq!(chosen.weight, by_accuracy);
    let right = chosen.apply(&first, &second).unwrap().right(&case.truth).unwrap();
    let share = right.iter().filter(|right| **right).count() as f64 / right.len() as f64;
    close(share, accuracy, "accuracy");
    let chosen = choose(WeightCriterion::NegativeLogLikelihood);
    assert_eq!(chosen.weight, by_loss);
    let mean = chosen.apply(&first, &second).unwrap();
    close(negative_log_likelihood(&mean, &case.truth).unwrap(), loss, "log loss");
}
