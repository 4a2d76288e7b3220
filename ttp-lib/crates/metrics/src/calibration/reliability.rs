//! Confidence against accuracy.

use super::{Probabilities, wrong};
use crate::{Bootstrap, Estimate, Groups};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use ttp_base::Result;

/// Rows of like confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The lowest confidence of its rows …
    pub from: f64,
    /// … and the highest.
    pub to: f64,
    /// How many rows, at least 1.
    pub rows: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The proportion of them that is named right.
    pub accuracy: f64,
}

/// A calibration error as it is measured, and what is left of it when chance is taken out.
///
/// The error adds up distances, which are never below 0. So it comes out too high: even a
/// perfectly calibrated model has one, since the accuracy of some 20 rows is hardly ever their
/// mean confidence. A resample of the rows adds the same chance once more, so that the usual
/// percentile interval would lie too high, too, and may leave out the measured error itself.
/// Therefore:
///
/// - `corrected` is the measured error less its bootstrap bias (the mean of the resamples less the
///   measured error). Its interval takes the lower end of the *basic* bootstrap, which turns the
///   resamples round (`2 × measured − high`: Davison and Hinkley, *Bootstrap Methods and their
///   Application*, 1997, section 5.2), and the upper end of the percentile bootstrap. All are kept
///   within 0 to 1.
/// - Near 0 this takes out a part of the bias only. So the labels are drawn anew as a perfectly
///   calibrated model would have them, each row right with the probability of its confidence
///   (consistency resampling: Bröcker and Smith, *Increasing the reliability of reliability
///   diagrams*, 2007). `by_chance` is the mean error of such draws. Where they show as much as was
///   measured more often than an end of the interval allows for, the interval begins at 0.
///
/// In a simulation with 808 rows, 15 bins and true errors from 0 to 0.15, intervals of 95 % held the
/// true error in 180 to 196 of 200 draws each. Basic intervals, begun at 0 in the same way, held it
/// in 174 to 193, and percentile intervals in none where the model was calibrated
/// (`environment/golden/calibration.py coverage`).
///
/// Compare two models by `corrected`, or by `measured` on the same number of rows and bins only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationError {
    /// On the rows themselves: what is published as a rule, from 0 to 1.
    pub measured: f64,
    /// Less its bias, with an interval.
    pub corrected: Estimate,
    /// What a perfectly calibrated model of these confidences would show on average.
    pub by_chance: f64,
    /// How often such a model would show as much as was measured: above 0, at most 1. Small where
    /// the model is not calibrated.
    pub p_value: f64,
}

/// Both calibration errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationErrors {
    /// The expected calibration error, [`Reliability::expected_error`].
    pub expected: CalibrationError,
    /// The maximum calibration error, [`Reliability::maximum_error`].
    pub maximum: CalibrationError,
}

/// Rows in bins of equal mass by their confidence: the numbers of a reliability diagram.
///
/// The ends of the bins are quantiles of the confidences, as those of scikit-learn's
/// `calibration_curve(strategy="quantile")`: linear between two neighbours, a confidence that lies
/// on an end belongs to the bin below. Rows of equal confidence are in one bin, whatever
/// their order, so with many of them bins are not of equal mass, and there may be fewer. The places
/// are worked out in whole numbers here, where scikit-learn compares rounded ones: it may put a row
/// that lies on an end into the bin above.
///
/// ```
/// use ttp_metrics::calibration::{Probabilities, Reliability};
/// let probabilities = Probabilities::new(2, [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4])?;
/// // The third row is wrong.
/// let reliability = Reliability::new(&probabilities, &[0, 0, 1, 0], 2)?;
/// let [low, high] = reliability.bins() else { panic!() };
/// assert_eq!((low.from, low.to, low.accuracy), (0.6, 0.7, 0.5));
/// assert_eq!((high.from, high.to, high.accuracy), (0.8, 0.9, 1.0));
/// // |0.5 − 0.65| and |1 − 0.85|, half of the rows each.
/// assert!((reliability.expected_error() - 0.15).abs() < 1e-15);
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    confidences: Vec<f64>,
    right: Vec<bool>,
    /// The bin of each row.
    places: Vec<usize>,
    bins: Vec<ReliabilityBin>,
}

impl Reliability {
    /// As many bins as Guo et al. (2017) take, who have them of equal width.
    pub const BINS: usize = 15;

    /// Puts rows into so many bins, or fewer where many confidences are equal.
    ///
    /// # Errors
    /// If the truth is not one class for each row, or there is to be no bin.
    pub fn new(probabilities: &Probabilities, truth: &[usize], bins: usize) -> Result<Self> {
        if bins == 0 {
            return Err(wrong("bins", "0 bins hold no row"));
        }
        let right = probabilities.right(truth)?;
        let confidences = probabilities.confidences();
        let places = equal_mass(&confidences, bins);
        let mut counts = vec![Count::default(); places.iter().max().map_or(0, |last| last + 1)];
        let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); counts.len()];
        for (row, &place) in places.iter().enumerate() {
            counts[place].add(confidences[row], right[row]);
            let (from, to) = ends[place];
            ends[place] = (from.min(confidences[row]), to.max(confidences[row]));
        }
        let bins = counts.iter().zip(ends).map(|(count, (from, to))| ReliabilityBin {
            from,
            to,
            rows: count.rows as usize,
            confidence: count.confidence / count.rows,
            accuracy: count.right / count.rows,
        });
        let bins = bins.collect();
        Ok(Self { confidences, right, places, bins })
    }

    /// The bins, the least confident first; each has a row.
    pub fn bins(&self) -> &[ReliabilityBin] {
        &self.bins
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// The expected calibration error: the mean over rows of the distance between mean confidence
    /// and accuracy of their bin, from 0 to 1 (Guo et al., 2017, equation 3).
    pub fn expected_error(&self) -> f64 {
        self.measured()[0]
    }

    /// The maximum calibration error: the largest of the bins' distances, from 0 to 1 (Guo et al.,
    /// 2017, equation 5). One bin decides it, so it is much more uncertain than the expected error.
    pub fn maximum_error(&self) -> f64 {
        self.measured()[1]
    }

    /// Both errors with intervals; rows of one group are drawn together. [`CalibrationError`] says
    /// what is done about their bias. The bins stay those of the rows themselves in all resamples.
    ///
    /// For the labels of a perfectly calibrated model, rows of one group have one draw: they are
    /// right together where their confidences are equal.
    ///
    /// ```
    /// use ttp_metrics::calibration::{Probabilities, Reliability};
    /// use ttp_metrics::{Bootstrap, Groups};
    /// // 100 rows of confidence 0.9, of which 60 are right.
    /// let probabilities = Probabilities::new(2, [0.9, 0.1].repeat(100))?;
    /// let truth: Vec<usize> = (0..100).map(|row| usize::from(row >= 60)).collect();
    /// let reliability = Reliability::new(&probabilities, &truth, Reliability::BINS)?;
    /// let bootstrap = Bootstrap { resamples: 1_000, level: 0.95, seed: 3 };
    /// let error = reliability.errors(&Groups::each_row(100), bootstrap)?.expected;
    /// assert!((error.measured - 0.3).abs() < 1e-12);
    /// assert!(error.corrected.low > 0.15 && error.corrected.high < 0.45);
    /// assert!(error.by_chance < 0.03 && error.p_value < 0.01);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the groups are not of these rows, or a setting makes no sense.
    pub fn errors(&self, groups: &Groups, bootstrap: Bootstrap) -> Result<CalibrationErrors> {
        groups.check_rows(self.rows())?;
        let scratch = || vec![Count::default(); self.bins.len()];
        let draws = bootstrap.draw(groups, 0, scratch, |counts, rows| {
            let rows = rows.iter().map(|&row| row as usize);
            self.distances(counts, rows.map(|row| (row, self.right[row])))
        })?;
        let calibrated = self.calibrated(groups, bootstrap);
        let measured = self.measured();
        let error = |at: usize| -> Result<CalibrationError> {
            let of = |draws: &[[f64; 2]]| draws.iter().map(|draw| draw[at]).collect::<Vec<f64>>();
            corrected(measured[at], of(&draws), &of(&calibrated), bootstrap)
        };
        Ok(CalibrationErrors { expected: error(0)?, maximum: error(1)? })
    }

    fn measured(&self) -> [f64; 2] {
        let mut counts = vec![Count::default(); self.bins.len()];
        self.distances(&mut counts, self.right.iter().copied().enumerate())
    }

    /// Both errors of draws in which a row is right with the probability of its confidence. Their
    /// random streams are those after the bootstrap's; each group takes a word of 32 bits.
    fn calibrated(&self, groups: &Groups, bootstrap: Bootstrap) -> Vec<[f64; 2]> {
        let groups = groups.of_rows();
        let last = groups.iter().max().copied().unwrap_or(0);
        let scratch = || (vec![Count::default(); self.bins.len()], Vec::with_capacity(last + 1));
        let draw = |(counts, words): &mut (Vec<Count>, Vec<f64>), stream: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(bootstrap.seed);
            rng.set_stream((bootstrap.resamples + stream) as u64);
            words.clear();
            words.extend((0..=last).map(|_| f64::from(rng.next_u32()) / 2f64.powi(32)));
            let right =
                |(row, &group): (usize, &usize)| (row, words[group] < self.confidences[row]);
            self.distances(counts, groups.iter().enumerate().map(right))
        };
        (0..bootstrap.resamples).into_par_iter().map_init(scratch, draw).collect()
    }

    /// Both errors over rows, of which it is said whether they are right.
    fn distances(
        &self,
        counts: &mut [Count],
        rows: impl Iterator<Item = (usize, bool)>,
    ) -> [f64; 2] {
        counts.fill(Count::default());
        for (row, right) in rows {
            counts[self.places[row]].add(self.confidences[row], right);
        }
        let (mut all, mut expected, mut maximum) = (0.0, 0.0, 0.0_f64);
        for count in counts.iter().filter(|count| count.rows > 0.0) {
            let distance = (count.confidence - count.right).abs();
            all += count.rows;
            expected += distance;
            maximum = maximum.max(distance / count.rows);
        }
        [expected / all, maximum]
    }
}

/// What is counted of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Count {
    rows: f64,
    right: f64,
    /// The sum of the confidences.
    confidence: f64,
}

impl Count {
    fn add(&mut self, confidence: f64, right: bool) {
        self.rows += 1.0;
        self.right += f64::from(u8::from(right));
        self.confidence += confidence;
    }
}

/// The bin of each row. Of `n` rows in ascending order, the end of bin `j` of `b` lies at
/// `j (n − 1) / b`; a row's bin is the number of ends below the first row of its confidence.
/// Bins without a row are not counted.
fn equal_mass(confidences: &[f64], bins: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..confidences.len()).collect();
    order.sort_by(|&a, &b| confidences[a].total_cmp(&confidences[b]));
    // Wide enough for any number of rows times any number of bins.
    let span = confidences.len().saturating_sub(1).max(1) as u128;
    let mut places = vec![0; confidences.len()];
    let (mut first, mut bin, mut place) = (0, 0, 0);
    for (at, &row) in order.iter().enumerate() {
        if confidences[row] != confidences[order[first]] {
            first = at;
            let ends_below = (first as u128 * bins as u128 - 1) / span;
            if ends_below != bin {
                (bin, place) = (ends_below, place + 1);
            }
        }
        places[row] = place;
    }
    places
}

/// See [`CalibrationError`].
fn corrected(
    measured: f64,
    draws: Vec<f64>,
    calibrated: &[f64],
    bootstrap: Bootstrap,
) -> Result<CalibrationError> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let by_chance = mean(calibrated);
    let as_much = calibrated.iter().filter(|error| **error >= measured).count();
    // Phipson and Smyth (2010): the rows themselves are one more draw.
    let p_value = (as_much + 1) as f64 / (calibrated.len() + 1) as f64;
    let turned = |other: f64| (2.0 * measured - other).clamp(0.0, 1.0);
    let value = turned(mean(&draws));
    let percentiles = bootstrap.around(measured, draws)?;
    let low = if p_value > (1.0 - bootstrap.level) / 2.0 { 0.0 } else { turned(percentiles.high) };
    let corrected = Estimate { value, low, high: percentiles.high.clamp(0.0, 1.0) };
    Ok(CalibrationError { measured, corrected, by_chance, p_value })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::two_classes;
    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 400, level: 0.95, seed: 5 };

    /// Rows whose confidences run evenly from 0.5 to 1, right as often as `accuracy` says; what is
    /// right is spread evenly, too.
    fn rows(count: usize, accuracy: impl Fn(f64) -> f64) -> (Probabilities, Vec<usize>) {
        let confidence = |row: usize| 0.5 + 0.5 * (row as f64 + 0.5) / count as f64;
        let confidences: Vec<f64> = (0..count).map(confidence).collect();
        // The golden ratio's multiples fill 0 to 1 evenly.
        let even = |row: usize| (row as f64 * 0.618_033_988_749_895).fract();
        let truth =
            (0..count).map(|row| usize::from(even(row) >= accuracy(confidence(row)))).collect();
        (two_classes(&confidences), truth)
    }

    #[test]
    fn bins_are_of_equal_mass_and_in_order() {
        let (probabilities, truth) = rows(300, |p| p);
        let reliability = Reliability::new(&probabilities, &truth, Reliability::BINS).unwrap();
        let bins = reliability.bins();
        assert_eq!(bins.len(), 15);
        assert!(bins.iter().all(|bin| bin.rows == 20), "{bins:?}");
        assert!(bins.windows(2).all(|pair| pair[0].to < pair[1].from));
    }

    #[test]
    fn a_row_on_an_end_belongs_to_the_bin_below() {
        // Of 31 rows in 15 bins the ends are the rows 2, 4, … themselves.
        let confidences: Vec<f64> = (0..31).map(|row| 0.5 + f64::from(row) / 100.0).collect();
        let reliability = Reliability::new(&two_classes(&confidences), &[0; 31], 15).unwrap();
        let rows: Vec<usize> = reliability.bins().iter().map(|bin| bin.rows).collect();
        assert_eq!(rows, [[3].as_slice(), &[2; 14]].concat());
    }

    #[test]
    fn equal_confidences_stay_together_in_any_order() {
        let mut confidences = vec![0.9; 50];
        confidences.extend([0.6, 0.7, 0.99]);
        let truth: Vec<usize> = (0..53).map(|row| row % 2).collect();
        let bins = |confidences: &[f64], truth: &[usize]| {
            Reliability::new(&two_classes(confidences), truth, 15).unwrap().bins().to_vec()
        };
        let forward = bins(&confidences, &truth);
        // The first end lies among the equal ones, so all up to them are below it.
        assert_eq!(forward.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [52, 1]);
        let reversed: Vec<f64> = confidences.iter().rev().copied().collect();
        let back: Vec<usize> = truth.iter().rev().copied().collect();
        for (one, other) in forward.iter().zip(bins(&reversed, &back)) {
            assert_eq!((one.rows, one.accuracy), (other.rows, other.accuracy));
        }
        assert_eq!(bins(&[0.8; 9], &[0; 9]).len(), 1);
        assert_eq!(bins(&[0.8], &[1])[0].accuracy, 0.0);
    }

    #[test]
    fn an_overconfident_model_is_told_from_a_calibrated_one() {
        let errors = |accuracy: fn(f64) -> f64| {
            let (probabilities, truth) = rows(600, accuracy);
            let reliability = Reliability::new(&probabilities, &truth, 15).unwrap();
            reliability.errors(&Groups::each_row(600), BOOTSTRAP).unwrap().expected
        };
        let over = errors(|p| p - 0.2);
        assert!((over.measured - 0.2).abs() < 0.03, "{over:?}");
        assert!(over.corrected.low > 0.1 && over.p_value < 0.01, "{over:?}");
        let calibrated = errors(|p| p);
        assert!(calibrated.p_value > 0.05 && calibrated.corrected.low == 0.0, "{calibrated:?}");
        // Fewer rows a bin: more by chance alone.
        assert!(calibrated.by_chance > 0.02 && calibrated.by_chance < 0.08, "{calibrated:?}");
    }

    #[test]
    fn resamples_lie_above_the_rows_and_the_correction_below() {
        // Labels drawn as a calibrated model has them.
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let confidences: Vec<f64> = (0..400).map(|row| 0.5 + f64::from(row) / 801.0).collect();
        let truth: Vec<usize> = confidences
            .iter()
            .map(|p| usize::from(f64::from(rng.next_u32()) / 2f64.powi(32) >= *p))
            .collect();
        let reliability = Reliability::new(&two_classes(&confidences), &truth, 15).unwrap();
        let error = reliability.errors(&Groups::each_row(400), BOOTSTRAP).unwrap().expected;
        assert!(error.corrected.value < error.measured, "{error:?}");
        assert!(error.corrected.low <= error.corrected.value, "{error:?}");
        assert!(error.corrected.value <= error.corrected.high, "{error:?}");
    }

    #[test]
    fn rows_of_one_sentence_are_drawn_together() {
        let (probabilities, truth) = rows(100, |p| p - 0.15);
        let thrice = Probabilities::new(2, probabilities.values().repeat(3)).unwrap();
        let reliability = Reliability::new(&thrice, &truth.repeat(3), 15).unwrap();
        let keys: Vec<usize> = (0..300).map(|row| row % 100).collect();
        let of = |groups: &Groups| reliability.errors(groups, BOOTSTRAP).unwrap().expected;
        let (together, apart) = (of(&Groups::by(&keys)), of(&Groups::each_row(300)));
        assert_eq!(together.measured, apart.measured);
        let width = |error: &CalibrationError| error.corrected.high - error.corrected.low;
        assert!(width(&together) > 1.2 * width(&apart), "{together:?} {apart:?}");
        assert!(together.by_chance > 1.3 * apart.by_chance, "{together:?} {apart:?}");
    }

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let (probabilities, truth) = rows(200, |p| p - 0.1);
        let reliability = Reliability::new(&probabilities, &truth, 15).unwrap();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| reliability.errors(&Groups::each_row(200), BOOTSTRAP).unwrap())
        };
        assert_eq!(with(1), with(5));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let (probabilities, truth) = rows(10, |p| p);
        let said = |truth: &[usize], bins| {
            Reliability::new(&probabilities, truth, bins).unwrap_err().to_string()
        };
        assert_eq!(said(&truth, 0), "setting bins: 0 bins hold no row");
        assert_eq!(said(&truth[1..], 15), "setting truth: 9 labels for 10 rows");
        let reliability = Reliability::new(&probabilities, &truth, usize::MAX).unwrap();
        assert_eq!(reliability.bins().len(), 10);
        let said = |groups: &Groups, bootstrap| {
            reliability.errors(groups, bootstrap).unwrap_err().to_string()
        };
        let groups = said(&Groups::each_row(9), BOOTSTRAP);
        assert_eq!(groups, "setting groups: they are of 9 rows, and there are 10");
        let none = said(&Groups::each_row(10), Bootstrap { resamples: 0, ..BOOTSTRAP });
        assert!(none.contains("bootstrap.resamples"), "{none}");
    }
}
