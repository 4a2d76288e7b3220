//! What probabilities are worth: reliability diagrams and risk–coverage curves.

use super::curves::{LEFT, legend, level_axis, upright_axis};
use super::{Axis, INK, PALETTE, SOFT, Sheet, Stand, Svg, TEXT, picture, round_up, wrong};
use crate::calibration::{ReliabilityBin, RiskCoverage};
use ttp_base::Result;

/// A square field with its axes and room for a title.
const SQUARE: u32 = 560;
const WIDE: (u32, u32) = (900, 400);
const RIGHT: f64 = 24.0;
const BELOW: f64 = 62.0;
/// What the ends of 0 to 1 keep from the edges of the field.
const MARGIN: f64 = 8.0;
/// Points nearer to each other than this many pixels are one.
const NEAR: f64 = 0.5;

/// Accuracy by confidence, a mark for each bin: on the diagonal where a model is calibrated,
/// below it where it is too sure of itself, above it where it is not sure enough.
///
/// ```
/// use ttp_metrics::calibration::{Probabilities, Reliability};
/// use ttp_metrics::plot::ReliabilityDiagram;
/// let probabilities = Probabilities::new(2, [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4])?;
/// let before = Reliability::new(&probabilities, &[0, 0, 1, 0], 2)?;
/// let svg = ReliabilityDiagram::new("minilm on the test rows")
///     .bins("before temperature", before.bins())
///     .draw()?;
/// assert!(svg.as_str().contains("before temperature"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReliabilityDiagram {
    title: String,
    series: Vec<(String, Vec<(f64, f64)>)>,
}

impl ReliabilityDiagram {
    /// No model yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), series: Vec::new() }
    }

    /// One more model, or the same one once more: the bins of a
    /// [`Reliability`](crate::calibration::Reliability).
    #[must_use]
    pub fn bins(mut self, name: impl Into<String>, bins: &[ReliabilityBin]) -> Self {
        let points = bins.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
        self.series.push((name.into(), points));
        self
    }

    /// Draws it, 560 pixels wide and 584 high, more where the legend takes several lines.
    ///
    /// # Errors
    /// If there is no bin, or one's confidence or accuracy is not from 0 to 1.
    pub fn draw(&self) -> Result<Svg> {
        for (name, points) in &self.series {
            let outside = |(x, y): &(f64, f64)| !in_unit(*x) || !in_unit(*y);
            if let Some(bin) = points.iter().position(outside) {
                let (confidence, accuracy) = points[bin];
                let reason = format!(
                    "bin {bin} of {name:?} has confidence {confidence} and accuracy {accuracy}, \
                     not both from 0 to 1"
                );
                return Err(wrong("reliability", reason));
            }
        }
        if self.series.iter().all(|(_, points)| points.is_empty()) {
            return Err(wrong("reliability", "there is no bin to draw"));
        }
        let right = f64::from(SQUARE) - RIGHT;
        let names = legend(self.series.iter().map(|(name, _)| name.as_str()), LEFT, right);
        let top = names.last().map_or(56.0, |(_, _, y)| y + 22.0);
        // As high as it is wide: the diagonal is one.
        let bottom = top + (right - LEFT - 2.0 * MARGIN);
        let x = Axis { low: 0.0, high: 1.0, from: LEFT + MARGIN, to: right - MARGIN };
        let y = Axis { low: 0.0, high: 1.0, from: bottom, to: top };
        picture(&self.title, (SQUARE, (bottom + BELOW) as u32), |sheet| {
            draw_legend(sheet, &names, true)?;
            upright_axis(sheet, &y, "accuracy", right)?;
            level_axis(sheet, &x, "mean confidence", (top, bottom), 6)?;
            sheet.line((x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(1.0)), 1.4, SOFT)?;
            for (series, (_, points)) in self.series.iter().enumerate() {
                let drawn: Vec<_> = points.iter().map(|(a, b)| (x.at(*a), y.at(*b))).collect();
                if drawn.len() > 1 {
                    sheet.path(&drawn, 1.6, PALETTE[series % PALETTE.len()])?;
                }
                for (a, b) in drawn {
                    sheet.mark(series, a, b, 4.6)?;
                }
            }
            Ok(())
        })
    }
}

/// The proportion named wrong (risk) by the proportion named (coverage), model by model.
///
/// ```
/// use ttp_metrics::calibration::{Probabilities, RiskCoverage};
/// use ttp_metrics::plot::RiskCoverageCurves;
/// let probabilities = Probabilities::new(2, [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4])?;
/// let curve = RiskCoverage::new(&probabilities, &[0, 0, 1, 0])?;
/// let svg = RiskCoverageCurves::new("Risk and coverage on the test rows")
///     .curve("minilm", &curve)
///     .precision(0.95)
///     .draw()?;
/// assert!(svg.as_str().contains("precision 0.95"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RiskCoverageCurves {
    title: String,
    curves: Vec<(String, Vec<(f64, f64)>)>,
    precisions: Vec<f64>,
}

impl RiskCoverageCurves {
    /// No model yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), curves: Vec::new(), precisions: Vec::new() }
    }

    /// One more model.
    #[must_use]
    pub fn curve(mut self, name: impl Into<String>, curve: &RiskCoverage) -> Self {
        let points = curve.points().iter().map(|point| (point.coverage, point.risk)).collect();
        self.curves.push((name.into(), points));
        self
    }

    /// A dashed line at a precision, where the risk is 1 less that.
    #[must_use]
    pub fn precision(mut self, precision: f64) -> Self {
        self.precisions.push(precision);
        self
    }

    /// Draws it, 900 × 400 pixels. Points that lie in one place are drawn once.
    ///
    /// # Errors
    /// If there is no model, or a precision is not from 0 to 1.
    pub fn draw(&self) -> Result<Svg> {
        if self.curves.is_empty() {
            return Err(wrong("risk_coverage", "there is no curve to draw"));
        }
        if let Some(precision) = self.precisions.iter().find(|precision| !in_unit(**precision)) {
            let reason = format!("{precision} is not from 0 to 1");
            return Err(wrong("risk_coverage.precision", reason));
        }
        let right = f64::from(WIDE.0) - RIGHT;
        let names = legend(self.curves.iter().map(|(name, _)| name.as_str()), LEFT, right);
        let top = names.last().map_or(56.0, |(_, _, y)| y + 22.0);
        let risks = self.curves.iter().flat_map(|(_, points)| points).map(|(_, risk)| *risk);
        let highest = risks.chain(self.precisions.iter().map(|p| 1.0 - p)).fold(0.0, f64::max);
        let high = if highest > 0.0 { round_up(highest, 6).min(1.0) } else { 1.0 };
        let x = Axis { low: 0.0, high: 1.0, from: LEFT + MARGIN, to: right - MARGIN };
        let y = Axis { low: 0.0, high, from: f64::from(WIDE.1) - BELOW, to: top };
        picture(&self.title, WIDE, |sheet| {
            draw_legend(sheet, &names, false)?;
            upright_axis(sheet, &y, "risk: proportion named wrong", right)?;
            level_axis(sheet, &x, "coverage: proportion named", (y.from, y.from), 10)?;
            for precision in &self.precisions {
                let line = y.at(1.0 - precision);
                sheet.dashes(x.from, x.to, line, SOFT)?;
                // At the right, where the curve is far above it as a rule.
                let place = (x.to, line - 9.0);
                sheet.text(&format!("precision {precision}"), place, 12.0, SOFT, Stand::END)?;
            }
            for (series, (_, points)) in self.curves.iter().enumerate() {
                let drawn = apart(points.iter().map(|(a, b)| (x.at(*a), y.at(*b))));
                if let [(a, b)] = drawn[..] {
                    sheet.mark(series, a, b, 4.0)?;
                }
                sheet.path(&drawn, 1.8, PALETTE[series % PALETTE.len()])?;
            }
            Ok(())
        })
    }
}

fn in_unit(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn draw_legend(sheet: &mut Sheet<'_>, names: &[(String, f64, f64)], marks: bool) -> Result<()> {
    for (series, (name, at, line)) in names.iter().enumerate() {
        sheet.line((*at, *line), (at + 26.0, *line), 2.0, PALETTE[series % PALETTE.len()])?;
        if marks {
            sheet.mark(series, at + 13.0, *line, 4.6)?;
        }
        sheet.text(name, (at + 32.0, *line), TEXT, INK, Stand::START)?;
    }
    Ok(())
}

/// The points without those that hardly differ from the last one kept; the last stays.
fn apart(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut left_out = None;
    for (x, y) in points {
        let near = |(a, b): &(f64, f64)| (x - a).abs() < NEAR && (y - b).abs() < NEAR;
        if kept.last().is_some_and(near) {
            left_out = Some((x, y));
        } else {
            kept.push((x, y));
            left_out = None;
        }
    }
    kept.extend(left_out);
    kept
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibration::{Probabilities, Reliability};

    fn rows(count: usize) -> (Probabilities, Vec<usize>) {
        let confidence = |row: usize| 0.5 + 0.5 * (row as f64 + 0.5) / count as f64;
        let values = (0..count).map(confidence).flat_map(|p| [p, 1.0 - p]);
        let probabilities = Probabilities::new(2, values.collect::<Vec<_>>()).unwrap();
        (probabilities, (0..count).map(|row| usize::from(row % 3 == 0)).collect())
    }

    fn count(svg: &Svg, names: &[&str]) -> usize {
        let document = roxmltree::Document::parse(svg.as_str()).unwrap();
        document.descendants().filter(|node| names.contains(&node.tag_name().name())).count()
    }

    #[test]
    fn each_bin_has_a_mark_and_each_model_a_name() {
        let (probabilities, truth) = rows(300);
        let bins = Reliability::new(&probabilities, &truth, 15).unwrap();
        let svg = ReliabilityDiagram::new("<t>")
            .bins("<before>", bins.bins())
            .bins("after", bins.bins())
            .draw()
            .unwrap();
        // A mark in the legend, too.
        assert_eq!(count(&svg, &["circle"]), 16);
        assert_eq!(count(&svg, &["polygon"]), 16);
        assert!(svg.as_str().contains("&lt;before&gt;") && svg.as_str().contains("after"));
        assert!(svg.as_str().contains("mean confidence"));
    }

    #[test]
    fn one_bin_and_one_row_can_be_drawn() {
        let (probabilities, truth) = rows(1);
        let bins = Reliability::new(&probabilities, &truth, 15).unwrap();
        let svg = ReliabilityDiagram::new("t").bins("a", bins.bins()).draw().unwrap();
        assert_eq!(count(&svg, &["circle"]), 2);
        for truth in [[0], [1]] {
            let curve = RiskCoverage::new(&probabilities, &truth).unwrap();
            let svg = RiskCoverageCurves::new("t").curve("a", &curve).draw().unwrap();
            assert_eq!(count(&svg, &["circle"]), 1);
        }
    }

    #[test]
    fn a_curve_of_many_rows_is_a_small_picture() {
        let (probabilities, truth) = rows(20_000);
        let curve = RiskCoverage::new(&probabilities, &truth).unwrap();
        let curves = RiskCoverageCurves::new("t").curve("<a>", &curve).precision(0.9);
        let svg = curves.draw().unwrap();
        assert!(svg.as_str().len() < 100_000, "{}", svg.as_str().len());
        assert!(svg.as_str().contains("&lt;a&gt;") && svg.as_str().contains("precision 0.9"));
        // All rows are covered at the end, and a third of them is wrong.
        let drawn = apart([(0.0, 0.0), (0.1, 0.0), (0.2, 0.1)].into_iter());
        assert_eq!(drawn, [(0.0, 0.0), (0.2, 0.1)]);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let none = ReliabilityDiagram::new("t").draw().unwrap_err().to_string();
        assert_eq!(none, "setting reliability: there is no bin to draw");
        let bin = ReliabilityBin { from: 0.1, to: 0.2, rows: 1, confidence: 1.5, accuracy: 0.5 };
        let outside = ReliabilityDiagram::new("t").bins("a", &[bin]).draw().unwrap_err();
        let reason = "bin 0 of \"a\" has confidence 1.5 and accuracy 0.5, not both from 0 to 1";
        assert_eq!(outside.to_string(), format!("setting reliability: {reason}"));
        let none = RiskCoverageCurves::new("t").draw().unwrap_err().to_string();
        assert_eq!(none, "setting risk_coverage: there is no curve to draw");
        let (probabilities, truth) = rows(3);
        let curve = RiskCoverage::new(&probabilities, &truth).unwrap();
        let curves = RiskCoverageCurves::new("t").curve("a", &curve);
        let error = curves.precision(f64::NAN).draw().unwrap_err().to_string();
        assert_eq!(error, "setting risk_coverage.precision: NaN is not from 0 to 1");
    }
}
