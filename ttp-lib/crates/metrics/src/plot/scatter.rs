//! Points of many classes in the plane.

use super::{Axis, GRID, INK, PALETTE, SOFT, Stand, Svg, TEXT, drawn_width, picture, wrong};
use ttp_base::Result;
use ttp_base::show::harmless;

const WIDE: f64 = 1000.0;
const LEFT: f64 = 24.0;
const TOP: f64 = 46.0;
const SIDE: f64 = 700.0;
const LINE: f64 = 20.0;
/// Points in the plane, each series with a colour and a form of its own, so that colour is not all
/// that tells them apart.
///
/// ```
/// use ttp_metrics::plot::Scatter;
/// let svg = Scatter::new("Two families", "first", "second")
///     .series("Emotet", [(0.0, 1.0), (0.2, 1.1)])
///     .series("Dridex", [(3.0, -1.0)])
///     .draw()?;
/// assert!(svg.as_str().contains("Dridex (1)"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scatter {
    title: String,
    x_label: String,
    y_label: String,
    series: Vec<(String, Vec<(f64, f64)>)>,
}

impl Scatter {
    /// Seven colours times four forms: no two of so many series look alike.
    pub const MOST: usize = 4 * PALETTE.len();

    /// No point yet, and what the axes are.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        let (title, x_label, y_label) = (title.into(), x_label.into(), y_label.into());
        Self { title, x_label, y_label, series: Vec::new() }
    }

    /// One more series of points `(x, y)`. One without a point stands in the legend only.
    #[must_use]
    pub fn series(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.series.push((name.into(), points.into_iter().collect()));
        self
    }

    /// Draws it, 1000 pixels wide, with one scale for both axes and the number of points of each
    /// series in the legend. Large series are drawn first, so that they hide no small one.
    ///
    /// # Errors
    /// If there is no point, one is not finite, or there are more than 28 series: no more can be
    /// told apart.
    pub fn draw(&self) -> Result<Svg> {
        if self.series.len() > Self::MOST {
            let reason =
                format!("{} series; no more than {} look different", self.series.len(), Self::MOST);
            return Err(wrong("scatter", reason));
        }
        let points = || self.series.iter().flat_map(|(_, points)| points);
        if points().next().is_none() {
            return Err(wrong("scatter", "there is no point to draw"));
        }
        if let Some((x, y)) = points().find(|(x, y)| !(x.is_finite() && y.is_finite())) {
            return Err(wrong("scatter", format!("({x}, {y}) is not finite")));
        }
        let range = |of: fn(&(f64, f64)) -> f64| {
            let low = points().map(of).fold(f64::INFINITY, f64::min);
            let high = points().map(of).fold(f64::NEG_INFINITY, f64::max);
            (low, high)
        };
        let (x, y) = (range(|p| p.0), range(|p| p.1));
        // Distances are what is looked at: they must be the same in all directions.
        let span = f64::max(x.1 - x.0, y.1 - y.0);
        let span = if span > 0.0 { 1.06 * span } else { 1.0 };
        let axis = |(low, high): (f64, f64), from: f64, to: f64| {
            let middle = low / 2.0 + high / 2.0;
            Axis { low: middle - span / 2.0, high: middle + span / 2.0, from, to }
        };
        let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
        let (x, y) = (axis(x, LEFT, right), axis(y, bottom, TOP));
        let lines = TOP + 10.0 + LINE * self.series.len() as f64;
        let high = f64::max(bottom, lines) + 40.0;
        let mut order: Vec<usize> = (0..self.series.len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(self.series[at].1.len()));
        let radius = if points().count() > 1_000 { 2.6 } else { 3.6 };
        picture(&self.title, (WIDE as u32, high as u32), |sheet| {
            for tick in x.ticks(8) {
                sheet.line((x.at(tick), TOP), (x.at(tick), bottom), 1.0, GRID)?;
            }
            for tick in y.ticks(8) {
                sheet.line((LEFT, y.at(tick)), (right, y.at(tick)), 1.0, GRID)?;
            }
            let frame = [(LEFT, TOP), (right, TOP), (right, bottom), (LEFT, bottom), (LEFT, TOP)];
            sheet.path(&frame, 1.0, SOFT)?;
            for at in order {
                for &(px, py) in &self.series[at].1 {
                    sheet.mark(at, x.at(px), y.at(py), radius)?;
                }
            }
            let middle = (LEFT + right) / 2.0;
            let name = harmless(&self.x_label, 90);
            sheet.text(&name, (middle, bottom + 20.0), TEXT, INK, Stand::MIDDLE)?;
            let name = harmless(&self.y_label, 90);
            let place = (11.0, (TOP + bottom) / 2.0);
            sheet.text(&name, place, TEXT, INK, Stand::MIDDLE.upright())?;
            let left = right + 24.0;
            for (at, (name, points)) in self.series.iter().enumerate() {
                let line = TOP + 10.0 + LINE * at as f64;
                sheet.mark(at, left, line, 5.0)?;
                let text = legend(name, points.len(), WIDE - left - 20.0);
                sheet.text(&text, (left + 14.0, line), TEXT, INK, Stand::START)?;
            }
            Ok(())
        })
    }
}

/// A name and its number of points, no wider than the room.
fn legend(name: &str, points: usize, room: f64) -> String {
    let count = format!(" ({points})");
    let mut characters = 60;
    loop {
        let text = harmless(name, characters) + &count;
        if characters <= 4 || drawn_width(&text, TEXT) <= room {
            return text;
        }
        characters -= 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_series_looks_different_and_is_named() {
        let mut scatter = Scatter::new("<t>", "x", "y");
        for at in 0..Scatter::MOST {
            scatter = scatter.series(format!("<s{at}>"), [(at as f64, 1.0)]);
        }
        let svg = scatter.draw().unwrap();
        let document = roxmltree::Document::parse(svg.as_str()).unwrap();
        let looks: BTreeSet<String> = document
            .descendants()
            .filter(|node| ["circle", "polygon"].contains(&node.tag_name().name()))
            .map(|node| {
                let corners = node.attribute("points").map_or(0, |p| p.split_whitespace().count());
                let radius = node.attribute("points").is_none();
                // Squares and diamonds have as many corners: the first two tell them apart.
                let points = node.attribute("points").unwrap_or_default();
                let xy: Vec<f64> =
                    points.split([' ', ',']).filter_map(|x| x.parse().ok()).take(4).collect();
                let level = xy.len() == 4 && xy[1] == xy[3];
                format!("{radius} {corners} {level} {:?}", node.attribute("fill"))
            })
            .collect();
        assert_eq!(looks.len(), Scatter::MOST, "{looks:?}");
        assert!(svg.as_str().contains("&lt;s27&gt; (1)"));
        let more = scatter.series("one more", [(0.0, 0.0)]).draw().unwrap_err();
        assert!(more.to_string().contains("29 series"), "{more}");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let none = Scatter::new("t", "x", "y").series("a", []).draw().unwrap_err();
        assert!(none.to_string().contains("no point"), "{none}");
        let bad = Scatter::new("t", "x", "y").series("a", [(f64::NAN, 0.0)]).draw().unwrap_err();
        assert!(bad.to_string().contains("not finite"), "{bad}");
        // One point, or all in one place, is a picture too.
        Scatter::new("t", "x", "y").series("a", [(1e300, -1e300)]).draw().unwrap();
    }
}
