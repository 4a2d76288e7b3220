//! Naming only what a model is sure of.

use super::{Probabilities, wrong};
use crate::{Bootstrap, Estimate, Groups};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use ttp_base::Result;

/// What is named at a threshold: all rows whose confidence is at least that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CoveragePoint {
    /// The lowest confidence that is named.
    pub threshold: f64,
    /// How many rows are named, at least 1.
    pub rows: usize,
    /// Their proportion of all rows, above 0 and up to 1.
    pub coverage: f64,
    /// The proportion of them that is named wrong, from 0 to 1.
    pub risk: f64,
}

/// The largest part of some rows that can be named at a precision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CoverageAtPrecision {
    /// The lowest confidence that is named.
    pub threshold: f64,
    /// How many rows are named.
    pub rows: usize,
    /// Their proportion of all rows, from 0 to 1.
    pub coverage: f64,
    /// The proportion of them that is named right: at least what was asked for.
    pub precision: f64,
}

/// What a threshold that was chosen elsewhere names.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NamedShare {
    /// The lowest confidence that is named.
    pub threshold: f64,
    /// How many rows are named.
    pub rows: usize,
    /// Their proportion of all rows, from 0 to 1.
    pub coverage: Estimate,
    /// The proportion of them that is named right; `None` where no row is named.
    ///
    /// Resamples without a named row say nothing of it and are left out. Where all named rows are
    /// right, or all are wrong, resamples cannot show anything else, and the interval is the exact
    /// binomial one (Clopper and Pearson, *The use of confidence or fiducial limits*, 1934) of as
    /// many trials as there are groups with a named row.
    pub precision: Option<Estimate>,
}

impl NamedShare {
    /// What a threshold names of these rows, with intervals; rows of one group are drawn together.
    /// Take the threshold from [`RiskCoverage::named_at`] on validation rows, and these from the
    /// test: a threshold that was picked for its precision has less of it on other rows.
    ///
    /// ```
    /// use ttp_metrics::calibration::{NamedShare, Probabilities, RiskCoverage};
    /// use ttp_metrics::{Bootstrap, Groups};
    /// let validation = Probabilities::new(2, [0.9, 0.1, 0.8, 0.2, 0.6, 0.4])?;
    /// let Some(chosen) = RiskCoverage::new(&validation, &[0, 0, 1])?.named_at(0.9)? else {
    ///     panic!("no threshold has this precision");
    /// };
    /// assert_eq!((chosen.threshold, chosen.rows), (0.8, 2));
    ///
    /// let test = Probabilities::new(2, [0.95, 0.05, 0.85, 0.15, 0.8, 0.2, 0.7, 0.3])?;
    /// let bootstrap = Bootstrap { resamples: 500, level: 0.95, seed: 1 };
    /// let groups = Groups::each_row(4);
    /// let named = NamedShare::above(chosen.threshold, &test, &[0, 1, 0, 0], &groups, bootstrap)?;
    /// assert_eq!((named.rows, named.coverage.value), (3, 0.75));
    /// assert_eq!(named.precision.map(|precision| precision.value), Some(2.0 / 3.0));
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the threshold is not a number, truth or groups are not of these rows, or a setting makes
    /// no sense.
    pub fn above(
        threshold: f64,
        probabilities: &Probabilities,
        truth: &[usize],
        groups: &Groups,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        if threshold.is_nan() {
            return Err(wrong("threshold", "it is not a number"));
        }
        let right = probabilities.right(truth)?;
        groups.check_rows(right.len())?;
        let named: Vec<bool> =
            probabilities.confidences().iter().map(|c| *c >= threshold).collect();
        let count = |rows: &mut dyn Iterator<Item = usize>| {
            let (mut all, mut of_named, mut of_right) = (0.0, 0.0, 0.0);
            for row in rows {
                all += 1.0;
                of_named += f64::from(u8::from(named[row]));
                of_right += f64::from(u8::from(named[row] && right[row]));
            }
            // Nothing named is no precision: not a number.
            (of_named / all, of_right / of_named)
        };
        let draws = bootstrap.draw(
            groups,
            0,
            || (),
            |(), rows| count(&mut rows.iter().map(|&r| r as usize)),
        )?;
        let (coverage, precision) = count(&mut (0..right.len()));
        let rows = named.iter().filter(|named| **named).count();
        let coverage = bootstrap.around(coverage, draws.iter().map(|draw| draw.0).collect())?;
        let precision = match rows {
            0 => None,
            _ if precision == 0.0 || precision == 1.0 => {
                let groups = groups.of_rows();
                let with_one = named.iter().zip(&groups).filter(|(named, _)| **named);
                let trials = with_one.map(|(_, group)| group).collect::<BTreeSet<_>>().len();
                let tail = ((1.0 - bootstrap.level) / 2.0).powf(1.0 / trials as f64);
                Some(if precision == 1.0 {
                    Estimate { value: 1.0, low: tail, high: 1.0 }
                } else {
                    Estimate { value: 0.0, low: 0.0, high: 1.0 - tail }
                })
            }
            _ => {
                let some = draws.iter().map(|draw| draw.1).filter(|precision| !precision.is_nan());
                Some(bootstrap.around(precision, some.collect())?)
            }
        };
        Ok(Self { threshold, rows, coverage, precision })
    }
}

/// Rows by their confidence, the highest first: how many of those named are wrong (the risk) at
/// each proportion that is named (the coverage). Rows of equal confidence are named together
/// (El-Yaniv and Wiener, *On the foundations of noise-free selective classification*, 2010;
/// Geifman and El-Yaniv, *Selective classification for deep neural networks*, NeurIPS 2017).
///
/// ```
/// use ttp_metrics::calibration::{Probabilities, RiskCoverage};
/// let probabilities = Probabilities::new(2, [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4])?;
/// // The second row is wrong: risks of 0, 1/2, 1/3 and 1/4.
/// let curve = RiskCoverage::new(&probabilities, &[0, 1, 0, 0])?;
/// assert_eq!(curve.points()[2].risk, 1.0 / 3.0);
/// assert!((curve.area() - (0.5 + 1.0 / 3.0 + 0.25) / 4.0).abs() < 1e-15);
/// // All four can be named at a precision of 0.75, one at 0.9.
/// let rows = |precision| curve.named_at(precision).map(|named| named.map(|n| n.rows));
/// assert_eq!((rows(0.75)?, rows(0.9)?), (Some(4), Some(1)));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RiskCoverage {
    /// Rows, the highest confidence first.
    order: Vec<usize>,
    right: Vec<bool>,
    points: Vec<CoveragePoint>,
}

impl RiskCoverage {
    /// Sorts rows by their confidence.
    ///
    /// # Errors
    /// If the truth is not one class for each row.
    pub fn new(probabilities: &Probabilities, truth: &[usize]) -> Result<Self> {
        let right = probabilities.right(truth)?;
        let confidences = probabilities.confidences();
        let mut order: Vec<usize> = (0..confidences.len()).collect();
        order.sort_by(|&a, &b| confidences[b].total_cmp(&confidences[a]));
        let mut points = Vec::new();
        let mut wrong = 0;
        for (at, &row) in order.iter().enumerate() {
            wrong += usize::from(!right[row]);
            let next = order.get(at + 1).map(|&next| confidences[next]);
            if next != Some(confidences[row]) {
                let rows = at + 1;
                points.push(CoveragePoint {
                    threshold: confidences[row],
                    rows,
                    coverage: rows as f64 / order.len() as f64,
                    risk: wrong as f64 / rows as f64,
                });
            }
        }
        Ok(Self { order, right, points })
    }

    /// One point for each confidence, the highest first. The last one covers all rows.
    pub fn points(&self) -> &[CoveragePoint] {
        &self.points
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// The area under the curve, from 0 to 1, lower for a better order: the mean over rows of the
    /// risk where the row is named last (Geifman, Uziel and El-Yaniv, *Bias-reduced uncertainty
    /// estimation for deep neural classifiers*, ICLR 2019). Where no order is better than chance it
    /// is about the proportion of wrong rows.
    pub fn area(&self) -> f64 {
        self.area_of(&|_| 1.0)
    }

    /// The area with an interval, rows of one group drawn together.
    ///
    /// # Errors
    /// If the groups are not of these rows, or a setting makes no sense.
    pub fn area_estimate(&self, groups: &Groups, bootstrap: Bootstrap) -> Result<Estimate> {
        groups.check_rows(self.rows())?;
        let draws = bootstrap.draw(
            groups,
            0,
            || vec![0.0; self.rows()],
            |times, rows| {
                times.fill(0.0);
                rows.iter().for_each(|&row| times[row as usize] += 1.0);
                self.area_of(&|row| times[row])
            },
        )?;
        bootstrap.around(self.area(), draws)
    }

    /// The most rows that can be named at a precision of at least so much, above 0 and up to 1;
    /// `None` where no threshold has it. Chosen on validation rows: [`NamedShare::above`] says what the
    /// threshold is worth on others.
    ///
    /// # Errors
    /// If the precision is not above 0 and at most 1.
    pub fn named_at(&self, precision: f64) -> Result<Option<CoverageAtPrecision>> {
        if !(precision > 0.0 && precision <= 1.0) {
            return Err(wrong("precision", format!("{precision} is not above 0 and at most 1")));
        }
        let (mut right, mut from, mut best) = (0, 0, None);
        for point in &self.points {
            let block = &self.order[from..point.rows];
            right += block.iter().filter(|&&row| self.right[row]).count();
            from = point.rows;
            // A quotient, as the number asked for is one: 9 of 10 are 0.9 to the last digit.
            let found = right as f64 / point.rows as f64;
            if found >= precision {
                let CoveragePoint { threshold, rows, coverage, .. } = *point;
                best = Some(CoverageAtPrecision { threshold, rows, coverage, precision: found });
            }
        }
        Ok(best)
    }

    /// The area where each row counts so many times.
    fn area_of(&self, times: &dyn Fn(usize) -> f64) -> f64 {
        let (mut named, mut wrong, mut area, mut from) = (0.0, 0.0, 0.0, 0);
        for point in &self.points {
            let before = named;
            for &row in &self.order[from..point.rows] {
                named += times(row);
                wrong += if self.right[row] { 0.0 } else { times(row) };
            }
            from = point.rows;
            if named > before {
                area += (named - before) * wrong / named;
            }
        }
        area / named
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::two_classes;
    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 500, level: 0.95, seed: 7 };

    #[test]
    fn equal_confidences_are_named_together_in_any_order() {
        let curve = |truth: &[usize]| {
            RiskCoverage::new(&two_classes(&[0.8, 0.8, 0.9, 0.8]), truth).unwrap()
        };
        let one = curve(&[0, 1, 0, 1]);
        let rows: Vec<_> = one.points().iter().map(|p| (p.threshold, p.rows, p.risk)).collect();
        assert_eq!(rows, [(0.9, 1, 0.0), (0.8, 4, 0.5)]);
        // 1 row at a risk of 0, 3 at 1/2.
        assert_eq!(one.area(), 0.375);
        let other = curve(&[1, 1, 0, 0]);
        assert_eq!((other.points(), other.area()), (one.points(), 0.375));
        assert_eq!(one.named_at(0.5).unwrap().map(|named| named.rows), Some(4));
        assert_eq!(one.named_at(0.51).unwrap().map(|named| named.rows), Some(1));
    }

    #[test]
    fn the_largest_coverage_counts_though_precision_falls_short_before() {
        // Right, wrong, right, right: 1, 1/2, 2/3, 3/4.
        let curve = RiskCoverage::new(&two_classes(&[0.9, 0.8, 0.7, 0.6]), &[0, 1, 0, 0]).unwrap();
        let named = curve.named_at(0.7).unwrap().unwrap();
        assert_eq!((named.rows, named.threshold, named.precision), (4, 0.6, 0.75));
        let never = RiskCoverage::new(&two_classes(&[0.9, 0.8]), &[1, 0]).unwrap();
        assert_eq!(never.named_at(0.9).unwrap(), None);
    }

    #[test]
    fn decimal_precisions_are_met_exactly() {
        for (right, all, precision) in [(9, 10, 0.9), (19, 20, 0.95), (57, 60, 0.95), (27, 30, 0.9)]
        {
            let truth: Vec<usize> = (0..all).map(|row| usize::from(row >= right)).collect();
            let curve = RiskCoverage::new(&two_classes(&vec![0.8; all]), &truth).unwrap();
            assert_eq!(curve.named_at(precision).unwrap().map(|n| n.rows), Some(all));
        }
    }

    #[test]
    fn the_area_of_a_resample_is_that_of_its_rows() {
        let confidences: Vec<f64> =
            (0..50).map(|row| 0.5 + f64::from(row * 7 % 40) / 90.0).collect();
        let truth: Vec<usize> = (0..50).map(|row| usize::from(row % 4 == 0)).collect();
        let curve = RiskCoverage::new(&two_classes(&confidences), &truth).unwrap();
        let times: Vec<usize> = (0..50).map(|row| row % 3).collect();
        let repeat = |row: usize| std::iter::repeat_n(row, times[row]);
        let rows: Vec<usize> = (0..50).flat_map(repeat).collect();
        let drawn: Vec<f64> = rows.iter().map(|&row| confidences[row]).collect();
        let labels: Vec<usize> = rows.iter().map(|&row| truth[row]).collect();
        let repeated = RiskCoverage::new(&two_classes(&drawn), &labels).unwrap().area();
        assert!((curve.area_of(&|row| times[row] as f64) - repeated).abs() < 1e-14);
        let estimate = curve.area_estimate(&Groups::each_row(50), BOOTSTRAP).unwrap();
        assert!(estimate.low < estimate.value && estimate.value < estimate.high, "{estimate:?}");
    }

    #[test]
    fn where_all_named_rows_are_right_the_interval_still_has_a_width() {
        let probabilities = two_classes(&[0.9, 0.9, 0.9, 0.9, 0.6]);
        let named = |groups: &Groups, truth: &[usize]| {
            NamedShare::above(0.9, &probabilities, truth, groups, BOOTSTRAP).unwrap()
        };
        let all = named(&Groups::each_row(5), &[0, 0, 0, 0, 1]).precision.unwrap();
        // The fourth root of 0.025.
        assert!((all.low - 0.025_f64.powf(0.25)).abs() < 1e-12, "{all:?}");
        assert_eq!((all.value, all.high), (1.0, 1.0));
        let copies = named(&Groups::by(&[1, 1, 2, 2, 3]), &[0, 0, 0, 0, 1]).precision.unwrap();
        assert!((copies.low - 0.025_f64.sqrt()).abs() < 1e-12, "{copies:?}");
        let none = named(&Groups::each_row(5), &[1, 1, 1, 1, 0]).precision.unwrap();
        assert_eq!((none.value, none.low, none.high), (0.0, 0.0, 1.0 - all.low));
    }

    #[test]
    fn a_threshold_that_names_nothing_has_no_precision() {
        let probabilities = two_classes(&[0.9, 0.8, 0.7]);
        let groups = Groups::each_row(3);
        let none = NamedShare::above(0.95, &probabilities, &[0, 0, 1], &groups, BOOTSTRAP).unwrap();
        assert_eq!((none.rows, none.coverage.high, none.precision), (0, 0.0, None));
        // Of two named rows one is right; some resamples have neither of them.
        let two = NamedShare::above(0.8, &probabilities, &[0, 1, 1], &groups, BOOTSTRAP).unwrap();
        let precision = two.precision.unwrap();
        assert_eq!((precision.value, precision.low, precision.high), (0.5, 0.0, 1.0));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let probabilities = two_classes(&[0.9, 0.8]);
        let curve = RiskCoverage::new(&probabilities, &[0, 0]).unwrap();
        for precision in [0.0, 1.01, -1.0, f64::NAN] {
            let error = curve.named_at(precision).unwrap_err().to_string();
            let reason = format!("{precision} is not above 0 and at most 1");
            assert_eq!(error, format!("setting precision: {reason}"));
        }
        let error = RiskCoverage::new(&probabilities, &[0, 2]).unwrap_err().to_string();
        assert_eq!(error, "setting truth: class 2 at row 1, of 2 classes");
        let groups = Groups::each_row(3);
        let error = curve.area_estimate(&groups, BOOTSTRAP).unwrap_err().to_string();
        assert_eq!(error, "setting groups: they are of 3 rows, and there are 2");
        let above = |threshold, truth: &[usize], groups: &Groups| {
            NamedShare::above(threshold, &probabilities, truth, groups, BOOTSTRAP)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(above(0.5, &[0, 0], &groups), error);
        assert_eq!(above(0.5, &[0], &groups), "setting truth: 1 labels for 2 rows");
        assert_eq!(above(f64::NAN, &[0, 0], &groups), "setting threshold: it is not a number");
    }
}
