//! Plots as SVG, drawn with plotters: readable on white, in colours that the
//! colour-blind tell apart, in whatever sans-serif the reader has.
//!
//! - [`Histogram`]: rows of each technique, the largest first.
//! - [`HeatMap`]: a confusion matrix; rows are truth, columns are predictions.
//! - [`HeatMaps`]: several of them side by side.
//! - [`Lines`]: loss or scores by step or epoch.
//! - [`Distributions`]: how two kinds of scores are spread, model by model.
//! - [`Scatter`]: points of many classes in the plane.
//! - [`Intervals`]: values with their intervals, to be compared.
//! - [`ReliabilityDiagram`]: accuracy by confidence, beside what a calibrated model has.
//! - [`RiskCoverageCurves`]: what is named wrong, by how much is named.
//!
//! Coordinates are kept in eighths of a pixel, because plotters' SVG coordinates are
//! whole numbers and 188 bars in 900 pixels would come out of uneven width.

mod calibration;
mod curves;
mod distributions;
mod heat_map;
mod histogram;
mod scatter;

pub use calibration::{ReliabilityDiagram, RiskCoverageCurves};
pub use curves::{Intervals, Lines};
pub use distributions::Distributions;
pub use heat_map::{HeatMap, HeatMaps};
pub use histogram::Histogram;
pub use scatter::Scatter;

use plotters::backend::SVGBackend;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoTextStyle, RGBColor, ShapeStyle};
use std::path::Path;
use ttp_base::show::{
    content_block, defang, escape_html, harmless, print, terminal_safe, thousands, width,
};
use ttp_base::{Error, Result, files};

/// A picture as SVG text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Svg(String);

impl Svg {
    /// The SVG itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Shows the picture in a notebook.
    pub fn evcxr_display(&self) {
        print(&content_block("image/svg+xml", &self.0));
    }

    /// Writes the picture to a file, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_text(path, &self.0)
    }
}

const INK: RGBColor = RGBColor(34, 34, 34);
const SOFT: RGBColor = RGBColor(102, 102, 102);
const GRID: RGBColor = RGBColor(226, 226, 226);
const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILION: RGBColor = RGBColor(213, 94, 0);

/// Okabe and Ito's colours (*Color Universal Design*, 2008), those that stand out on
/// white, in an order in which neighbours differ in lightness too.
const PALETTE: [RGBColor; 7] = [
    BLUE,
    VERMILION,
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Eighths of a pixel.
const FINE: f64 = 8.0;
const TITLE: f64 = 17.0;
const TEXT: f64 = 13.0;

/// Where a text stands beside its point, and how it is turned.
#[derive(Clone, Copy)]
struct Stand {
    h: HPos,
    v: VPos,
    /// Reads from below to above.
    upright: bool,
}

impl Stand {
    const START: Self = Self { h: HPos::Left, v: VPos::Center, upright: false };
    const MIDDLE: Self = Self { h: HPos::Center, v: VPos::Center, upright: false };
    const END: Self = Self { h: HPos::Right, v: VPos::Center, upright: false };

    const fn upright(self) -> Self {
        Self { upright: true, ..self }
    }
}

/// A white sheet with pixel coordinates, the origin at its top left.
struct Sheet<'a> {
    backend: SVGBackend<'a>,
}

impl Sheet<'_> {
    fn rect(&mut self, x: f64, y: f64, wide: f64, high: f64, colour: RGBColor) -> Result<()> {
        let (from, to) = (point(x, y), point(x + wide, y + high));
        self.backend.draw_rect(from, to, &colour.filled(), true).map_err(Error::library("drawing"))
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: f64, c: RGBColor) -> Result<()> {
        let (from, to) = (point(from.0, from.1), point(to.0, to.1));
        self.backend.draw_line(from, to, &pen(c, stroke)).map_err(Error::library("drawing"))
    }

    /// A horizontal line in dashes.
    fn dashes(&mut self, from: f64, to: f64, y: f64, colour: RGBColor) -> Result<()> {
        let mut x = from;
        while x < to {
            self.line((x, y), ((x + 6.0).min(to), y), 1.2, colour)?;
            x += 10.0;
        }
        Ok(())
    }

    fn path(&mut self, points: &[(f64, f64)], stroke: f64, colour: RGBColor) -> Result<()> {
        let points = points.iter().map(|&(x, y)| point(x, y));
        self.backend.draw_path(points, &pen(colour, stroke)).map_err(Error::library("drawing"))
    }

    fn polygon(&mut self, points: &[(f64, f64)], colour: RGBColor) -> Result<()> {
        let points = points.iter().map(|&(x, y)| point(x, y));
        self.backend.fill_polygon(points, &colour.filled()).map_err(Error::library("drawing"))
    }

    /// A mark, of a form of its own for each series, so that colour is not all there is.
    fn mark(&mut self, series: usize, x: f64, y: f64, radius: f64) -> Result<()> {
        let colour = PALETTE[series % PALETTE.len()];
        let corners: &[(f64, f64)] = match series % 4 {
            0 => {
                let radius = (radius * FINE) as u32;
                let drawn = self.backend.draw_circle(point(x, y), radius, &colour.filled(), true);
                return drawn.map_err(Error::library("drawing"));
            }
            1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            2 => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            _ => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        };
        let corners: Vec<_> =
            corners.iter().map(|(dx, dy)| (x + radius * dx, y + radius * dy)).collect();
        self.polygon(&corners, colour)
    }

    fn text(
        &mut self,
        text: &str,
        (x, y): (f64, f64),
        size: f64,
        colour: RGBColor,
        stand: Stand,
    ) -> Result<()> {
        // plotters divides font sizes by 1.24 on their way into SVG.
        let style = ("sans-serif", size * FINE * 1.24).into_text_style(&(1, 1));
        let style = style.color(&colour).pos(Pos::new(stand.h, stand.v));
        let turn = if stand.upright { FontTransform::Rotate270 } else { FontTransform::None };
        let style = style.transform(turn);
        self.backend
            .draw_text(&terminal_safe(&defang(text)), &style, point(x, y))
            .map_err(Error::library("drawing"))
    }
}

fn point(x: f64, y: f64) -> (i32, i32) {
    ((x * FINE).round() as i32, (y * FINE).round() as i32)
}

fn pen(colour: RGBColor, stroke: f64) -> ShapeStyle {
    colour.stroke_width((stroke * FINE).round().max(1.0) as u32)
}

/// Draws a picture of so many pixels. `title` is drawn above, and said to those who
/// have the picture read to them.
fn picture(
    title: &str,
    (wide, high): (u32, u32),
    draw: impl FnOnce(&mut Sheet<'_>) -> Result<()>,
) -> Result<Svg> {
    let mut text = String::new();
    let fine = |pixels: u32| pixels * FINE as u32;
    {
        let backend = SVGBackend::with_string(&mut text, (fine(wide), fine(high)));
        let mut sheet = Sheet { backend };
        sheet.rect(0.0, 0.0, f64::from(wide), f64::from(high), RGBColor(255, 255, 255))?;
        let room = (f64::from(wide) - 32.0) / (TITLE * 0.52);
        sheet.text(&harmless(title, room as usize), (16.0, 24.0), TITLE, INK, Stand::START)?;
        draw(&mut sheet)?;
        sheet.backend.present().map_err(Error::library("drawing"))?;
    }
    // The sheet's fine units stay inside the picture: outside it has its true size.
    let drawn = text.split_once('>').map_or("", |(_, drawn)| drawn);
    let (fine_wide, fine_high) = (fine(wide), fine(high));
    let title = escape_html(&harmless(title, 300));
    Ok(Svg(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
         viewBox=\"0 0 {fine_wide} {fine_high}\" style=\"max-width:100%;height:auto\" role=\"img\">\n\
         <title>{title}</title>{drawn}"
    )))
}

/// About how wide a text is drawn, in pixels.
fn drawn_width(text: &str, size: f64) -> f64 {
    width(text) as f64 * size * 0.56
}

/// A straight axis from values to pixels.
#[derive(Debug, Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values on the axis, about so many: steps of 1, 2 or 5 times a power of ten.
    fn ticks(&self, about: usize) -> Vec<f64> {
        let step = round_step(self.high - self.low, about);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }

    /// A tick with the decimals that its step needs, thousands apart.
    fn label(&self, tick: f64, about: usize) -> String {
        let step = round_step(self.high - self.low, about);
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        if decimals == 0 {
            thousands(tick)
        } else {
            format!("{tick:.decimals$}").replace('-', "−")
        }
    }
}

/// The smallest round step that gives no more than so many parts of a span.
fn round_step(span: f64, about: usize) -> f64 {
    let raw = span / about.max(1) as f64;
    let power = 10f64.powf(raw.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= raw * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// The end of an axis that holds a value: the next round one.
fn round_up(value: f64, about: usize) -> f64 {
    let step = round_step(value, about);
    (value / step - 1e-9).ceil() * step
}

/// An error for a plot that has nothing to draw or cannot draw it.
fn wrong(field: &'static str, reason: impl Into<String>) -> Error {
    Error::Setting { field, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ticks_are_round() {
        let axis = Axis { low: 0.0, high: 1.0, from: 0.0, to: 100.0 };
        let labels: Vec<String> = axis.ticks(5).iter().map(|t| axis.label(*t, 5)).collect();
        assert_eq!(labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let axis = Axis { low: 0.0, high: 1_100.0, from: 0.0, to: 100.0 };
        let labels: Vec<String> = axis.ticks(6).iter().map(|t| axis.label(*t, 6)).collect();
        assert_eq!(labels, ["0", "200", "400", "600", "800", "1,000"]);
        let axis = Axis { low: -0.05, high: 0.05, from: 0.0, to: 100.0 };
        let labels: Vec<String> = axis.ticks(4).iter().map(|t| axis.label(*t, 4)).collect();
        assert_eq!(labels, ["−0.05", "0.00", "0.05"]);
        assert_eq!(round_up(1_022.0, 6), 1_200.0);
        assert_eq!(round_up(500.0, 5), 500.0);
    }

    #[test]
    fn a_picture_scales_and_has_a_title() {
        let svg = picture("a < b", (300, 100), |_| Ok(())).unwrap();
        let start = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"300\" height=\"100\" viewBox=\"0 0 2400 800\"";
        assert!(svg.as_str().starts_with(start), "{}", svg.as_str());
        assert!(svg.as_str().contains("<title>a &lt; b</title>"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        svg.save(&path).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), svg.as_str());
    }
}
