//! Lines over steps or epochs, and values with their intervals.

use super::{
    Axis, GRID, INK, PALETTE, SOFT, Sheet, Stand, Svg, TEXT, VERMILION, drawn_width, picture,
    round_step, wrong,
};
use crate::Estimate;
use ttp_base::Result;
use ttp_base::show::harmless;

const SIZE: (u32, u32) = (900, 400);
pub(super) const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
/// Up to so many points each has a mark.
const MARKED: usize = 40;

/// Lines of loss or scores by step or epoch, with a legend.
///
/// ```
/// use ttp_metrics::plot::Lines;
/// let svg = Lines::new("Learning curve", "epoch", "macro F1")
///     .line("validation", [(1.0, 0.50), (2.0, 0.79), (3.0, 0.83)])
///     .y_range(0.0, 1.0)
///     .draw()?;
/// assert!(svg.as_str().contains("validation"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lines {
    title: String,
    x_label: String,
    y_label: String,
    lines: Vec<(String, Vec<(f64, f64)>)>,
    y_range: Option<(f64, f64)>,
}

impl Lines {
    /// No line yet, and what the axes are.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        let (x_label, y_label) = (x_label.into(), y_label.into());
        Self { title: title.into(), x_label, y_label, lines: Vec::new(), y_range: None }
    }

    /// One more line through these points `(x, y)`, in their order.
    #[must_use]
    pub fn line(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.lines.push((name.into(), points.into_iter().collect()));
        self
    }

    /// From where to where the upright axis goes; else from 0 (or the lowest value
    /// below it) to a little above the highest.
    #[must_use]
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y_range = Some((low, high));
        self
    }

    /// Draws it, 900 × 400 pixels.
    ///
    /// # Errors
    /// If there is no point, one is not finite or outside the range, or the range is
    /// empty.
    pub fn draw(&self) -> Result<Svg> {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        if points().next().is_none() {
            return Err(wrong("lines", "there is no point to draw"));
        }
        for (name, points) in &self.lines {
            let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
            if let Some(point) = points.iter().position(|point| !finite(point)) {
                return Err(wrong("lines", format!("point {point} of {name:?} is not finite")));
            }
        }
        let (x_low, x_high) = span(points().map(|(x, _)| *x), None);
        let (y_low, y_high) = match self.y_range {
            Some((low, high)) => {
                if !(low < high && low.is_finite() && high.is_finite()) {
                    return Err(wrong("lines.y_range", format!("{low} to {high} is no range")));
                }
                if let Some((_, y)) = points().find(|(_, y)| !(low..=high).contains(y)) {
                    return Err(wrong("lines.y_range", format!("{y} is not in {low} to {high}")));
                }
                (low, high)
            }
            None => span(points().map(|(_, y)| *y), Some(0.0)),
        };
        let right = f64::from(SIZE.0) - RIGHT;
        let legend = legend(self.lines.iter().map(|(name, _)| name.as_str()), LEFT, right);
        let top = legend.last().map_or(56.0, |(_, _, y)| y + 22.0);
        let x = Axis { low: x_low, high: x_high, from: LEFT + 8.0, to: right - 8.0 };
        let y = Axis { low: y_low, high: y_high, from: f64::from(SIZE.1) - 62.0, to: top };
        picture(&self.title, SIZE, |sheet| {
            for (series, (name, at, line)) in legend.iter().enumerate() {
                let colour = PALETTE[series % PALETTE.len()];
                sheet.line((*at, *line), (at + 26.0, *line), 2.2, colour)?;
                if self.lines[series].1.len() <= MARKED {
                    sheet.mark(series, at + 13.0, *line, 4.0)?;
                }
                sheet.text(name, (at + 32.0, *line), TEXT, INK, Stand::START)?;
            }
            upright_axis(sheet, &y, &self.y_label, right)?;
            // Steps and epochs are whole: between two of them there is nothing to mark.
            let about = (x.high - x.low).clamp(1.0, 8.0) as usize;
            level_axis(sheet, &x, &self.x_label, (y.from, y.from), about)?;
            for (series, (_, points)) in self.lines.iter().enumerate() {
                let drawn: Vec<_> = points.iter().map(|(a, b)| (x.at(*a), y.at(*b))).collect();
                let many = points.len() > MARKED;
                let colour = PALETTE[series % PALETTE.len()];
                sheet.path(&drawn, if many { 1.4 } else { 2.2 }, colour)?;
                for (a, b) in drawn.iter().filter(|_| !many) {
                    sheet.mark(series, *a, *b, 4.0)?;
                }
            }
            Ok(())
        })
    }
}

/// Values with their intervals, one below the other: what overlaps and what does not.
///
/// ```
/// use ttp_metrics::Estimate;
/// use ttp_metrics::plot::Intervals;
/// let ours = Estimate { value: 0.836, low: 0.812, high: 0.858 };
/// let svg = Intervals::new("Macro F1", "macro F1 on the test rows")
///     .estimate("minilm, clean split", ours)
///     .point("SecBERT, as published", 0.72)
///     .draw()?;
/// assert!(svg.as_str().contains("0.836 [0.812, 0.858]"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Intervals {
    title: String,
    x_label: String,
    rows: Vec<(String, Estimate, bool)>,
    reference: Option<(f64, String)>,
}

impl Intervals {
    /// No value yet, and what they are.
    pub fn new(title: impl Into<String>, x_label: impl Into<String>) -> Self {
        let (title, x_label) = (title.into(), x_label.into());
        Self { title, x_label, rows: Vec::new(), reference: None }
    }

    /// One more value with its interval.
    #[must_use]
    pub fn estimate(mut self, name: impl Into<String>, estimate: Estimate) -> Self {
        self.rows.push((name.into(), estimate, true));
        self
    }

    /// One more value of which no interval is known, drawn as a diamond: a published one.
    #[must_use]
    pub fn point(mut self, name: impl Into<String>, value: f64) -> Self {
        self.rows.push((name.into(), Estimate { value, low: value, high: value }, false));
        self
    }

    /// An upright line to compare with: 0 for differences, a figure of the paper's.
    #[must_use]
    pub fn reference(mut self, value: f64, name: impl Into<String>) -> Self {
        self.reference = Some((value, name.into()));
        self
    }

    /// Draws it, 900 pixels wide and 30 high for each value.
    ///
    /// # Errors
    /// If there is no value, or one is not finite or outside its interval's order.
    pub fn draw(&self) -> Result<Svg> {
        if self.rows.is_empty() {
            return Err(wrong("intervals", "there is no value to draw"));
        }
        for (name, Estimate { value, low, high }, _) in &self.rows {
            if ![value, low, high].iter().all(|number| number.is_finite()) || low > high {
                let reason = format!("{name:?} has {value} [{low}, {high}]");
                return Err(wrong("intervals", reason));
            }
        }
        if self.reference.as_ref().is_some_and(|(value, _)| !value.is_finite()) {
            return Err(wrong("intervals.reference", "it is not finite"));
        }
        let names = self.rows.iter().map(|(name, ..)| drawn_width(&harmless(name, 44), TEXT));
        let left = 28.0 + names.fold(40.0, f64::max);
        let values = |(_, e, _): &(String, Estimate, bool)| [e.value, e.low, e.high];
        let all = self.rows.iter().flat_map(values).chain(self.reference.iter().map(|(v, _)| *v));
        let (low, high) = span(all, None);
        let margin = 0.04 * (high - low);
        let numbers = self.rows.iter().map(|row| drawn_width(&beside(row), 12.0));
        let right = f64::from(SIZE.0) - 30.0 - 1.06 * numbers.fold(126.0, f64::max);
        let axis = Axis { low: low - margin, high: high + margin, from: left, to: right };
        let top = if self.reference.is_some() { 70.0 } else { 48.0 };
        let bottom = top + 30.0 * self.rows.len() as f64;
        let high = (bottom + 58.0) as u32;
        picture(&self.title, (SIZE.0, high), |sheet| {
            level_axis(sheet, &axis, &self.x_label, (top, bottom), 7)?;
            if let Some((value, name)) = &self.reference {
                let x = axis.at(*value);
                sheet.line((x, top - 4.0), (x, bottom), 1.4, VERMILION)?;
                let name = harmless(name, 60);
                let half = drawn_width(&name, 12.0) / 2.0;
                let place = x.clamp(half + 8.0, (f64::from(SIZE.0) - half - 8.0).max(half + 8.0));
                sheet.text(&name, (place, top - 13.0), 12.0, VERMILION, Stand::MIDDLE)?;
            }
            for (i, row) in self.rows.iter().enumerate() {
                self.row(sheet, &axis, top + 30.0 * (i as f64 + 0.5), row)?;
            }
            Ok(())
        })
    }

    fn row(
        &self,
        sheet: &mut Sheet<'_>,
        axis: &Axis,
        y: f64,
        row: &(String, Estimate, bool),
    ) -> Result<()> {
        let (name, Estimate { value, low, high }, known) = row;
        let (value, low, high) = (*value, *low, *high);
        sheet.text(&harmless(name, 44), (axis.from - 12.0, y), TEXT, INK, Stand::END)?;
        if *known {
            let (from, to) = (axis.at(low), axis.at(high));
            sheet.line((from, y), (to, y), 2.2, PALETTE[0])?;
            for end in [from, to] {
                sheet.line((end, y - 5.0), (end, y + 5.0), 1.6, PALETTE[0])?;
            }
            sheet.mark(0, axis.at(value), y, 4.6)?;
        } else {
            sheet.mark(3, axis.at(value), y, 5.0)?;
        }
        sheet.text(&beside(row), (axis.to + 12.0, y), 12.0, INK, Stand::START)
    }
}

/// The numbers beside a value's mark.
fn beside((_, Estimate { value, low, high }, known): &(String, Estimate, bool)) -> String {
    let text =
        if *known { format!("{value:.3} [{low:.3}, {high:.3}]") } else { format!("{value:.3}") };
    text.replace('-', "−")
}

/// From the lowest value to the highest, with `start` among them if given; where they
/// are all one, some room around it; where `start` is given, some room above.
fn span(values: impl Iterator<Item = f64>, start: Option<f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.chain(start) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low == high {
        let room = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
        return (low - if start.is_some() { 0.0 } else { room }, high + room);
    }
    if start.is_some() {
        let step = round_step(high - low, 6);
        high = ((high + 0.02 * (high - low)) / step).ceil() * step;
        low = (low / step).floor() * step;
    }
    (low, high)
}

/// Where each name of a legend stands: the name, shortened, its left and its line.
pub(super) fn legend<'a>(
    names: impl Iterator<Item = &'a str>,
    left: f64,
    right: f64,
) -> Vec<(String, f64, f64)> {
    let (mut x, mut y) = (left, 52.0);
    let mut places = Vec::new();
    for name in names {
        let name = harmless(name, 60);
        let wide = 32.0 + drawn_width(&name, TEXT) + 24.0;
        if x > left && x + wide > right {
            (x, y) = (left, y + 20.0);
        }
        places.push((name, x, y));
        x += wide;
    }
    places
}

/// An upright axis, its numbers left of [`LEFT`], its grid up to `right`.
pub(super) fn upright_axis(
    sheet: &mut Sheet<'_>,
    axis: &Axis,
    name: &str,
    right: f64,
) -> Result<()> {
    for tick in axis.ticks(6) {
        let y = axis.at(tick);
        sheet.line((LEFT, y), (right, y), 1.0, GRID)?;
        sheet.text(&axis.label(tick, 6), (LEFT - 8.0, y), TEXT, SOFT, Stand::END)?;
    }
    let middle = (axis.from + axis.to) / 2.0;
    sheet.text(&harmless(name, 40), (18.0, middle), TEXT, INK, Stand::MIDDLE.upright())
}

/// A level axis at `bottom` with about so many ticks, its grid up to `top`.
pub(super) fn level_axis(
    sheet: &mut Sheet<'_>,
    axis: &Axis,
    name: &str,
    (top, bottom): (f64, f64),
    about: usize,
) -> Result<()> {
    for tick in axis.ticks(about) {
        let x = axis.at(tick);
        if top < bottom {
            sheet.line((x, top), (x, bottom), 1.0, GRID)?;
        }
        sheet.line((x, bottom), (x, bottom + 4.0), 1.0, SOFT)?;
        sheet.text(&axis.label(tick, about), (x, bottom + 14.0), TEXT, SOFT, Stand::MIDDLE)?;
    }
    let (from, to) = (axis.from - 8.0, axis.to + 8.0);
    sheet.line((from, bottom), (to, bottom), 1.2, INK)?;
    let middle = (axis.from + axis.to) / 2.0;
    sheet.text(&harmless(name, 90), (middle, bottom + 38.0), TEXT, INK, Stand::MIDDLE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let lines = Lines::new("t", "x", "y");
        assert!(lines.draw().unwrap_err().to_string().contains("no point"));
        let bad = lines.clone().line("loss", [(0.0, 1.0), (1.0, f64::NAN)]).draw().unwrap_err();
        assert_eq!(bad.to_string(), "setting lines: point 1 of \"loss\" is not finite");
        let outside = lines.line("loss", [(0.0, 2.0)]).y_range(0.0, 1.0).draw().unwrap_err();
        assert_eq!(outside.to_string(), "setting lines.y_range: 2 is not in 0 to 1");
        let none = Intervals::new("t", "x").draw().unwrap_err();
        assert_eq!(none.to_string(), "setting intervals: there is no value to draw");
        assert!(Intervals::new("t", "x").point("a", f64::INFINITY).draw().is_err());
        let turned = Estimate { value: 0.5, low: 0.6, high: 0.4 };
        assert!(Intervals::new("t", "x").estimate("a", turned).draw().is_err());
    }

    #[test]
    fn one_point_and_a_flat_line_can_be_drawn() {
        for y in [0.0, 3.0, -2.0, 1e-12, 1e12] {
            assert!(Lines::new("t", "x", "y").line("a", [(5.0, y)]).draw().is_ok(), "{y}");
            assert!(Lines::new("t", "x", "y").line("a", [(1.0, y), (2.0, y)]).draw().is_ok());
            assert!(Intervals::new("t", "x").point("a", y).reference(y, "r").draw().is_ok());
        }
    }

    #[test]
    fn the_axis_starts_at_nought_and_ends_on_a_round_value() {
        assert_eq!(span([0.31, 2.4].into_iter(), Some(0.0)), (0.0, 2.5));
        assert_eq!(span([-1.2, 2.0].into_iter(), Some(0.0)).0, -2.0);
        assert_eq!(span([1.0, 4.0].into_iter(), None), (1.0, 4.0));
    }

    #[test]
    fn a_legend_goes_on_below_when_the_line_is_full() {
        let names = ["a name of some length that takes room"; 5];
        let places = legend(names.into_iter(), 72.0, 876.0);
        assert!(places.iter().any(|(_, _, y)| *y > 52.0));
        assert!(places.iter().all(|(_, x, _)| *x < 876.0));
    }
}
