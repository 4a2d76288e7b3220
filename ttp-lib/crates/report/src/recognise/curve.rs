//! Precision and recall by threshold, and the threshold of a precision.

use serde::{Deserialize, Serialize};
use ttp_lib::metrics::{Bootstrap, Estimate, Groups, Part, Tally};
use ttp_lib::{Error, Result};

/// A sentence of known truth and what a model names in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It shows a technique that the model can name, and the most probable one is that.
    Right,
    /// It shows a technique, and the most probable one is another.
    Wrong,
    /// It shows none.
    None,
}

/// Such a sentence with its highest probability, and the object that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredSentence {
    /// The probability of the most probable technique, 0 to 1.
    pub probability: f64,
    /// Whether that is right.
    pub truth: Truth,
    /// Rows of one object are drawn together.
    pub object: String,
}

/// What a threshold comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// From this probability on a sentence counts as evidence, 0 to 1.
    pub threshold: f64,
    /// Of the sentences that do, the share whose technique is right, 0 to 1.
    pub precision: f64,
    /// Of the sentences that show a technique, the share that is found with the right one, 0 to 1.
    pub recall: f64,
}

/// Precision and recall with their intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The threshold.
    pub threshold: f64,
    /// [`Point::precision`].
    pub precision: Estimate,
    /// [`Point::recall`].
    pub recall: Estimate,
}

/// How much a sentence without a technique counts, so that there are `mix` of them for each one with
/// a technique.
pub fn weight_of_none(shown: usize, none: usize, mix: f64) -> f64 {
    if none == 0 { 0.0 } else { mix * shown as f64 / none as f64 }
}

/// Every threshold at which something changes, the highest first. Prose is weighted so that there are
/// `mix` sentences of it for each one that shows a technique; 0 leaves it out.
///
/// ```
/// use ttp_report::recognise::{ScoredSentence, Truth, curve};
/// let row = |probability, truth| ScoredSentence { probability, truth, object: String::new() };
/// let rows = [row(0.9, Truth::Right), row(0.8, Truth::None), row(0.6, Truth::Right), row(0.5, Truth::None)];
/// // Two sentences of each sort: at 1 : 3 a sentence of prose counts as three.
/// let points = curve(&rows, 3.0);
/// assert_eq!((points[0].precision, points[0].recall), (1.0, 0.5));
/// assert_eq!((points[2].precision, points[2].recall), (2.0 / 5.0, 1.0));
/// ```
pub fn curve(rows: &[ScoredSentence], mix: f64) -> Vec<Point> {
    let shown = rows.iter().filter(|row| row.truth != Truth::None).count();
    let weight = weight_of_none(shown, rows.len() - shown, mix);
    let mut order: Vec<&ScoredSentence> = rows.iter().collect();
    order.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let (mut right, mut named) = (0.0, 0.0);
    let mut points: Vec<Point> = Vec::new();
    for row in order {
        right += f64::from(u8::from(row.truth == Truth::Right));
        named += if row.truth == Truth::None { weight } else { 1.0 };
        let point = Point {
            threshold: row.probability,
            precision: if named > 0.0 { right / named } else { 1.0 },
            recall: right / shown.max(1) as f64,
        };
        match points.last_mut().filter(|last| last.threshold == point.threshold) {
            Some(last) => *last = point,
            None => points.push(point),
        }
    }
    points
}

/// The points that are the answer to some precision: each has a higher precision than all points of
/// lower thresholds.
pub fn frontier(points: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for point in points.iter().rev() {
        if kept.last().is_none_or(|last| point.precision > last.precision) {
            kept.push(*point);
        }
    }
    kept.reverse();
    kept
}

/// The smallest threshold whose precision is at least `precision`.
///
/// # Errors
/// If `precision` is not above 0 and at most 1, or no threshold has it: says which is the best.
pub fn threshold_for(points: &[Point], precision: f64) -> Result<Point> {
    let wrong = |reason| Err(Error::Setting { field: "precision", reason });
    if !(precision > 0.0 && precision <= 1.0) {
        return wrong(format!("{precision} is not above 0 and at most 1"));
    }
    if let Some(point) = points.iter().rev().find(|point| point.precision >= precision) {
        return Ok(*point);
    }
    match points.iter().max_by(|a, b| a.precision.total_cmp(&b.precision)) {
        None => wrong("the model was measured on no sentence".to_owned()),
        Some(best) => wrong(format!(
            "no threshold of this model has {precision}; the best is {:.3}, with a recall of {:.3}",
            best.precision, best.recall
        )),
    }
}

/// Precision and recall at one threshold, with intervals of the cluster bootstrap over objects.
///
/// # Errors
/// If there is no row, or the bootstrap's settings make no sense.
pub fn measured(
    rows: &[ScoredSentence],
    mix: f64,
    threshold: f64,
    bootstrap: Bootstrap,
) -> Result<OperatingPoint> {
    // Each row's sort as a class that it surely has: the supports of a resample are all it takes.
    let classes: Vec<usize> = rows
        .iter()
        .map(|row| {
            let named = row.probability >= threshold;
            match (&row.truth, named) {
                (Truth::Right, true) => 0,
                (Truth::Wrong, true) => 1,
                (Truth::Right | Truth::Wrong, false) => 2,
                (Truth::None, true) => 3,
                (Truth::None, false) => 4,
            }
        })
        .collect();
    let objects: Vec<&str> = rows.iter().map(|row| row.object.as_str()).collect();
    let groups = Groups::by(&objects);
    let part = Part { classes: 5, truth: &classes, predicted: &classes, groups: &groups };
    let counts = |tally: &Tally| -> [usize; 5] {
        let mut counts = [0; 5];
        counts
            .iter_mut()
            .zip(&tally.support)
            .for_each(|(count, support)| *count = *support as usize);
        counts
    };
    let precision = |tally: &Tally| {
        let [right, wrong, missed, named, not_named] = counts(tally);
        let weight = weight_of_none(right + wrong + missed, named + not_named, mix);
        let all = (right + wrong) as f64 + weight * named as f64;
        if all > 0.0 { right as f64 / all } else { 1.0 }
    };
    let recall = |tally: &Tally| {
        let [right, wrong, missed, ..] = counts(tally);
        right as f64 / (right + wrong + missed).max(1) as f64
    };
    Ok(OperatingPoint {
        threshold,
        precision: bootstrap.estimate_of(&part, precision)?,
        recall: bootstrap.estimate_of(&part, recall)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows() -> Vec<ScoredSentence> {
        let row = |(at, (probability, truth)): (usize, &(f64, Truth))| ScoredSentence {
            probability: *probability,
            truth: truth.clone(),
            object: format!("o{}", at / 2),
        };
        use Truth::{None, Right, Wrong};
        let list = [
            (0.95, Right),
            (0.9, None),
            (0.85, Right),
            (0.8, Right),
            (0.8, Wrong),
            (0.6, Right),
            (0.5, None),
            (0.4, Wrong),
            (0.3, None),
            (0.1, None),
        ];
        list.iter().enumerate().map(row).collect()
    }

    #[test]
    fn the_curve_counts_prose_by_the_mix() {
        // Six sentences with a technique and four of prose: each of those counts as 2 at 1 : 4/3,
        // as 4.5 at 1 : 3.
        let points = curve(&rows(), 4.0 / 3.0);
        let at = |threshold: f64| *points.iter().find(|p| p.threshold == threshold).unwrap();
        assert_eq!((at(0.9).precision, at(0.9).recall), (1.0 / 3.0, 1.0 / 6.0));
        // Of equal probabilities both count: 3 right, 1 wrong, 2 for prose.
        assert_eq!((at(0.8).precision, at(0.8).recall), (0.5, 0.5));
        assert_eq!(points.len(), 9);
        let other = curve(&rows(), 3.0);
        assert!((other[1].precision - 1.0 / 5.5).abs() < 1e-12);
    }

    #[test]
    fn the_threshold_is_the_smallest_with_the_precision() {
        let points = curve(&rows(), 4.0 / 3.0);
        let chosen = threshold_for(&points, 0.5).unwrap();
        assert_eq!((chosen.threshold, chosen.recall), (0.6, 4.0 / 6.0));
        assert_eq!(threshold_for(&points, 1.0).unwrap().threshold, 0.95);
        // What the frontier says is the same for every precision.
        let frontier = frontier(&points);
        assert!(frontier.len() < points.len());
        for percent in 1..=100 {
            let precision = f64::from(percent) / 100.0;
            let (a, b) = (threshold_for(&points, precision), threshold_for(&frontier, precision));
            assert_eq!(a.unwrap(), b.unwrap(), "{precision}");
        }
    }

    #[test]
    fn a_precision_that_is_not_there_is_said_with_the_best() {
        let points = curve(&rows()[1..], 3.0);
        let said = |precision| threshold_for(&points, precision).unwrap_err().to_string();
        let best = said(0.99);
        assert!(
            best.starts_with(
                "setting precision: no threshold of this model has 0.99; the best is 0."
            ),
            "{best}"
        );
        assert_eq!(said(0.0), "setting precision: 0 is not above 0 and at most 1");
        assert_eq!(said(1.5), "setting precision: 1.5 is not above 0 and at most 1");
        assert!(said(f64::NAN).contains("NaN"));
        let none = threshold_for(&[], 0.5).unwrap_err().to_string();
        assert!(none.contains("no sentence"), "{none}");
    }

    #[test]
    fn intervals_are_around_the_curves_own_point() {
        let bootstrap = Bootstrap { resamples: 500, level: 0.95, seed: 1 };
        let found = measured(&rows(), 3.0, 0.6, bootstrap).unwrap();
        let point = threshold_for(&curve(&rows(), 3.0), 0.45).unwrap();
        assert_eq!(point.threshold, 0.95);
        let at = *curve(&rows(), 3.0).iter().find(|point| point.threshold == 0.6).unwrap();
        assert!((found.precision.value - at.precision).abs() < 1e-12);
        assert!((found.recall.value - at.recall).abs() < 1e-12);
        assert!(found.precision.low < at.precision && at.precision < found.precision.high);
        assert!(measured(&[], 3.0, 0.5, bootstrap).is_err());
    }
}
