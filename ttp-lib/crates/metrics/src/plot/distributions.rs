//! How the scores of two kinds of pairs are spread, for several models one below the other.

use super::curves::{legend, level_axis};
use super::{Axis, INK, PALETTE, SOFT, Stand, Svg, TEXT, picture, wrong};
use ttp_base::Result;
use ttp_base::show::harmless;

const WIDE: u32 = 900;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
/// Height of one model's panel, its name above it included.
const PANEL: f64 = 132.0;
const BINS: usize = 48;

/// The spread of two kinds of scores for each of several models, on one axis.
///
/// ```
/// use ttp_metrics::plot::Distributions;
/// let svg = Distributions::new("Cosines", "cosine", ["similar", "other"])
///     .panel("baseline", &[0.9, 0.8, 0.2, 0.1], &[true, true, false, false], Some(0.5))
///     .draw()?;
/// assert!(svg.as_str().contains("baseline"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Distributions {
    title: String,
    x_label: String,
    kinds: [String; 2],
    panels: Vec<Panel>,
}

#[derive(Debug, Clone)]
struct Panel {
    name: String,
    first: Vec<f64>,
    second: Vec<f64>,
    threshold: Option<f64>,
}

impl Distributions {
    /// No panel yet; `kinds` name what is true, and what is not.
    pub fn new<K: Into<String>>(
        title: impl Into<String>,
        x_label: impl Into<String>,
        kinds: [K; 2],
    ) -> Self {
        let kinds = kinds.map(Into::into);
        Self { title: title.into(), x_label: x_label.into(), kinds, panels: Vec::new() }
    }

    /// One more model: its scores, which of them are of the first kind, and the score at
    /// which a line is drawn.
    #[must_use]
    pub fn panel(
        mut self,
        name: impl Into<String>,
        scores: &[f64],
        is_first: &[bool],
        threshold: Option<f64>,
    ) -> Self {
        let of = |kind: bool| {
            scores.iter().zip(is_first).filter(|(_, is)| **is == kind).map(|(s, _)| *s).collect()
        };
        self.panels.push(Panel {
            name: name.into(),
            first: of(true),
            second: of(false),
            threshold,
        });
        self
    }

    /// Draws it, 900 pixels wide: in each panel the share of each kind by stretches of the axis.
    ///
    /// # Errors
    /// If there is no score, or one is not finite.
    pub fn draw(&self) -> Result<Svg> {
        let scores = || self.panels.iter().flat_map(|p| p.first.iter().chain(&p.second));
        if scores().next().is_none() {
            return Err(wrong("distributions", "there is no score to draw"));
        }
        if let Some(score) = scores().find(|score| !score.is_finite()) {
            return Err(wrong("distributions", format!("{score} is not finite")));
        }
        let low = scores().copied().fold(f64::INFINITY, f64::min);
        let high = scores().copied().fold(f64::NEG_INFINITY, f64::max);
        let margin = if high > low { 0.01 * (high - low) } else { 0.5 };
        let right = f64::from(WIDE) - RIGHT;
        let x = Axis { low: low - margin, high: high + margin, from: LEFT, to: right };
        let legend = legend(self.kinds.iter().map(String::as_str), LEFT, right);
        let top = 76.0;
        let bottom = top + PANEL * self.panels.len() as f64;
        // One height for all, so that panels can be compared.
        let shares = |scores: &[f64]| shares(scores, &x);
        let highest = self.panels.iter().flat_map(|p| [shares(&p.first), shares(&p.second)]);
        let highest = highest.flatten().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        picture(&self.title, (WIDE, (bottom + 58.0) as u32), |sheet| {
            for (series, (name, at, line)) in legend.iter().enumerate() {
                sheet.line((*at, *line), (at + 26.0, *line), 2.6, PALETTE[series])?;
                sheet.text(name, (at + 32.0, *line), TEXT, INK, Stand::START)?;
            }
            level_axis(sheet, &x, &self.x_label, (top, bottom), 8)?;
            for (at, panel) in self.panels.iter().enumerate() {
                let floor = top + PANEL * (at as f64 + 1.0) - 8.0;
                let room = PANEL - 30.0;
                sheet.line((LEFT, floor), (right, floor), 1.0, SOFT)?;
                let name = harmless(&panel.name, 80);
                sheet.text(&name, (LEFT + 4.0, floor - room - 10.0), TEXT, INK, Stand::START)?;
                for (series, scores) in [&panel.first, &panel.second].into_iter().enumerate() {
                    let outline = outline(&shares(scores), &x, floor, room / highest);
                    sheet.path(&outline, 2.2, PALETTE[series])?;
                }
                if let Some(threshold) = panel.threshold.filter(|t| (x.low..=x.high).contains(t)) {
                    let place = x.at(threshold);
                    sheet.line((place, floor - room), (place, floor), 1.6, INK)?;
                    let note = format!("similar from {threshold:.2} upwards").replace('-', "−");
                    let (stand, aside) = if place > right - 200.0 {
                        (Stand::END, -6.0)
                    } else {
                        (Stand::START, 6.0)
                    };
                    sheet.text(&note, (place + aside, floor - room + 6.0), 12.0, SOFT, stand)?;
                }
            }
            Ok(())
        })
    }
}

/// The share of scores in each stretch of the axis.
fn shares(scores: &[f64], x: &Axis) -> Vec<f64> {
    let mut shares = vec![0.0; BINS];
    for score in scores {
        let bin = (score - x.low) / (x.high - x.low) * BINS as f64;
        shares[(bin as usize).min(BINS - 1)] += 1.0 / scores.len() as f64;
    }
    shares
}

/// Steps over the stretches.
fn outline(shares: &[f64], x: &Axis, floor: f64, scale: f64) -> Vec<(f64, f64)> {
    let wide = (x.to - x.from) / BINS as f64;
    let mut points = vec![(x.from, floor)];
    for (bin, share) in shares.iter().enumerate() {
        let (left, y) = (x.from + wide * bin as f64, floor - share * scale);
        points.extend([(left, y), (left + wide, y)]);
    }
    points.push((x.to, floor));
    points
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_in_one_stretch() {
        let x = Axis { low: -1.0, high: 1.0, from: 0.0, to: 480.0 };
        let shares = shares(&[-1.0, 1.0, 0.0, 0.01], &x);
        assert_eq!((shares[0], shares[BINS - 1], shares[BINS / 2]), (0.25, 0.25, 0.5));
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let empty = Distributions::new("t", "x", ["a", "b"]);
        let said = |plot: &Distributions| plot.draw().unwrap_err().to_string();
        assert_eq!(said(&empty), "setting distributions: there is no score to draw");
        let broken = empty.panel("one", &[f64::NAN], &[true], None);
        assert_eq!(said(&broken), "setting distributions: NaN is not finite");
    }
}
