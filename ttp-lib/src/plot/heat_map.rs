//! A confusion matrix in colours.

use super::{GRID, INK, SOFT, Sheet, Stand, Svg, TEXT, drawn_width, picture, thousands, wrong};
use crate::Result;
use crate::metrics::Confusion;
use crate::show::harmless;
use plotters::style::RGBColor;
use plotters::style::text_anchor::VPos;

const WIDE: f64 = 1000.0;
const TOP: f64 = 108.0;
const BAR: f64 = 14.0;
/// Room on the right for the colour bar and its numbers.
const RIGHT: f64 = 90.0;
/// More than this cannot be read at any size that fits a page.
const MOST: usize = 120;

/// Light to dark in one hue, so that darker is more for everyone.
const SHADES: [(f64, [f64; 3]); 5] = [
    (0.0, [255.0, 255.0, 255.0]),
    (0.25, [200.0, 221.0, 240.0]),
    (0.5, [115.0, 169.0, 214.0]),
    (0.75, [36.0, 104.0, 172.0]),
    (1.0, [8.0, 40.0, 96.0]),
];

/// A confusion matrix: rows are truth, columns are predictions. A cell's colour is its
/// share of its row, so that rare classes are seen as well as large ones; the number
/// in it is the count.
#[derive(Debug, Clone)]
pub struct HeatMap<'a> {
    title: String,
    confusion: &'a Confusion,
}

impl<'a> HeatMap<'a> {
    /// Of this matrix.
    pub fn new(title: impl Into<String>, confusion: &'a Confusion) -> Self {
        Self { title: title.into(), confusion }
    }

    /// Draws it, 1000 pixels wide and about as high.
    ///
    /// # Errors
    /// If there are more than 120 classes: such a map cannot be read.
    pub fn draw(&self) -> Result<Svg> {
        let labels = self.confusion.labels();
        if labels.len() > MOST {
            let reason = format!("{} classes; no more than {MOST} can be read", labels.len());
            return Err(wrong("heat_map", reason));
        }
        let longest =
            labels.iter().map(|l| drawn_width(&harmless(l, 16), 11.0)).fold(0.0, f64::max);
        let left = 34.0 + longest.max(24.0) + 8.0;
        let cell = ((WIDE - left - RIGHT) / labels.len() as f64).min(72.0);
        let map = Map {
            confusion: self.confusion,
            left,
            top: TOP - 40.0 + longest.max(24.0),
            cell,
            side: cell * labels.len() as f64,
        };
        let wide = (left + map.side + RIGHT).max(540.0).ceil() as u32;
        let high = (map.top + map.side + 36.0).ceil() as u32;
        picture(&self.title, (wide, high), |sheet| {
            map.cells(sheet)?;
            map.labels(sheet)?;
            map.colour_bar(sheet)
        })
    }
}

struct Map<'a> {
    confusion: &'a Confusion,
    left: f64,
    top: f64,
    cell: f64,
    side: f64,
}

impl Map<'_> {
    fn cells(&self, sheet: &mut Sheet<'_>) -> Result<()> {
        let classes = self.confusion.labels().len();
        let size = (0.44 * self.cell).clamp(5.0, 14.0);
        for truth in 0..classes {
            let row = self.confusion.row(truth);
            let support: u64 = row.iter().sum();
            for (predicted, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let share = count as f64 / support as f64;
                let x = self.left + predicted as f64 * self.cell;
                let y = self.top + truth as f64 * self.cell;
                sheet.rect(x, y, self.cell, self.cell, shade(share))?;
                let text = thousands(count as f64);
                if drawn_width(&text, size) <= 0.98 * self.cell {
                    let ink = if share > 0.55 { RGBColor(255, 255, 255) } else { INK };
                    let middle = (x + self.cell / 2.0, y + self.cell / 2.0);
                    sheet.text(&text, middle, size, ink, Stand::MIDDLE)?;
                }
            }
        }
        for i in 0..=classes {
            let at = i as f64 * self.cell;
            let (x, y) = (self.left + at, self.top + at);
            sheet.line((x, self.top), (x, self.top + self.side), 0.5, GRID)?;
            sheet.line((self.left, y), (self.left + self.side, y), 0.5, GRID)?;
        }
        Ok(())
    }

    fn labels(&self, sheet: &mut Sheet<'_>) -> Result<()> {
        let size = (0.8 * self.cell).clamp(6.0, 11.0);
        for (i, label) in self.confusion.labels().iter().enumerate() {
            let label = harmless(label, 16);
            let at = (i as f64 + 0.5) * self.cell;
            let row = (self.left - 6.0, self.top + at);
            sheet.text(&label, row, size, INK, Stand::END)?;
            let column = (self.left + at, self.top - 6.0);
            sheet.text(&label, column, size, INK, Stand::START.upright())?;
        }
        let middle = self.side / 2.0;
        let rows = (16.0, self.top + middle);
        sheet.text("truth (rows)", rows, TEXT, INK, Stand::MIDDLE.upright())?;
        let columns = (self.left + middle, 50.0);
        sheet.text("prediction (columns)", columns, TEXT, INK, Stand::MIDDLE)?;
        let total = thousands(self.confusion.total() as f64);
        let below = format!("{total} rows; numbers are counts, colours are shares of a row");
        let place = (self.left, self.top + self.side + 18.0);
        sheet.text(&below, place, 12.0, SOFT, Stand::START)
    }

    fn colour_bar(&self, sheet: &mut Sheet<'_>) -> Result<()> {
        let x = self.left + self.side + 22.0;
        let high = self.side.min(300.0);
        let steps = 100;
        for step in 0..steps {
            let share = (f64::from(step) + 0.5) / f64::from(steps);
            let y = self.top + high * (1.0 - f64::from(step + 1) / f64::from(steps));
            // A little taller than its step: no seam shows where two are rounded apart.
            sheet.rect(x, y, BAR, high / f64::from(steps) + 0.25, shade(share))?;
        }
        for per_cent in [0, 25, 50, 75, 100] {
            let y = self.top + high * (1.0 - f64::from(per_cent) / 100.0);
            sheet.line((x + BAR, y), (x + BAR + 4.0, y), 1.0, SOFT)?;
            sheet.text(&format!("{per_cent} %"), (x + BAR + 7.0, y), 11.0, SOFT, Stand::START)?;
        }
        let corners = [
            (x, self.top),
            (x + BAR, self.top),
            (x + BAR, self.top + high),
            (x, self.top + high),
            (x, self.top),
        ];
        sheet.path(&corners, 0.6, SOFT)?;
        let above = Stand { v: VPos::Bottom, ..Stand::START };
        sheet.text("of a row", (x - 4.0, self.top - 6.0), 11.0, SOFT, above)
    }
}

/// The colour of a share from 0 to 1.
fn shade(share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let mut colour = SHADES[0].1;
    for pair in SHADES.windows(2) {
        let ((from, light), (to, dark)) = (pair[0], pair[1]);
        if share >= from {
            let part = ((share - from) / (to - from)).min(1.0);
            for channel in 0..3 {
                colour[channel] = light[channel] + part * (dark[channel] - light[channel]);
            }
        }
    }
    let [red, green, blue] = colour.map(|channel| channel.round() as u8);
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn darker_is_more() {
        let light = |share| {
            let RGBColor(red, green, blue) = shade(share);
            u32::from(red) + u32::from(green) + u32::from(blue)
        };
        assert!((1..=100).all(|i| light(f64::from(i) / 100.0) < light(f64::from(i - 1) / 100.0)));
        assert_eq!(shade(0.0), RGBColor(255, 255, 255));
        assert_eq!(shade(1.0), RGBColor(8, 40, 96));
    }

    #[test]
    fn counts_labels_and_axes_are_there() {
        let rows = [vec![61, 2], vec![37, 0]];
        let confusion = Confusion::from_counts(["T1059", "T1027"], &rows).unwrap();
        let svg = HeatMap::new("m", &confusion).draw().unwrap();
        for text in ["\n61\n", "\n37\n", "T1059", "T1027", "truth (rows)", "prediction (columns)"] {
            assert!(svg.as_str().contains(text), "{text}");
        }
        assert!(!svg.as_str().contains("\n0\n"), "empty cells stay empty");
    }

    #[test]
    fn too_many_classes_are_refused() {
        let labels: Vec<String> = (0..121).map(|i| format!("T{i}")).collect();
        let confusion = Confusion::from_indices(labels, &[0], &[120]).unwrap();
        let error = HeatMap::new("m", &confusion).draw().unwrap_err().to_string();
        assert_eq!(error, "setting heat_map: 121 classes; no more than 120 can be read");
    }
}
