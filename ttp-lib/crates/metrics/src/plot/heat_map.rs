//! Confusion matrices in colours, one or several.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::{GRID, INK, SOFT, Sheet, Stand, Svg, TEXT, drawn_width, picture, thousands, wrong};
use crate::Confusion;
use plotters::style::RGBColor;
use plotters::style::text_anchor::VPos;
use ttp_base::Result;
use ttp_base::show::harmless;

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
    cells: Cells,
}

/// What cells show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cells {
    /// Counts in numbers, shares of the row in colours.
    Both,
    /// Shares of the row in both.
    Shares,
    /// Counts in both.
    Counts,
    /// Shares of the row in colours, no numbers.
    Colours,
}

impl<'a> HeatMap<'a> {
    /// Of this matrix.
    pub fn new(title: impl Into<String>, confusion: &'a Confusion) -> Self {
        Self { title: title.into(), confusion, cells: Cells::Both }
    }

    /// The same with shares of a row, in per cent, in the numbers as well as in the colours.
    #[must_use]
    pub fn row_shares(mut self) -> Self {
        self.cells = Cells::Shares;
        self
    }

    /// The same with counts in the colours as well as in the numbers. From light to dark they
    /// run as the logarithm does, so that a few dozen rows are seen beside many thousands.
    #[must_use]
    pub fn counts(mut self) -> Self {
        self.cells = Cells::Counts;
        self
    }

    /// Draws it, 1000 pixels wide and about as high.
    ///
    /// # Errors
    /// If there are more than 120 classes: such a map cannot be read.
    pub fn draw(&self) -> Result<Svg> {
        let labels = self.confusion.labels();
        readable(labels)?;
        let longest = longest(labels, 11.0);
        let left = 34.0 + longest.max(24.0) + 8.0;
        let cell = ((WIDE - left - RIGHT) / labels.len() as f64).min(72.0);
        let map = Map {
            confusion: self.confusion,
            left,
            top: TOP - 40.0 + longest.max(24.0),
            cell,
            side: cell * labels.len() as f64,
            cells: self.cells,
        };
        let wide = (left + map.side + RIGHT).max(540.0).ceil() as u32;
        let high = (map.top + map.side + 36.0).ceil() as u32;
        picture(&self.title, (wide, high), |sheet| {
            map.fill(sheet)?;
            map.labels(sheet)?;
            map.colour_bar(sheet)
        })
    }
}

/// Several confusion matrices of the same classes in one picture, two in a line, to see
/// whose diagonal is even and dark. Colours are as in [`HeatMap`]; counts are left out.
#[derive(Debug, Clone)]
pub struct HeatMaps {
    title: String,
    maps: Vec<(String, Confusion)>,
}

/// A panel's share of the width, the font of its labels, and the room above it.
const PANEL: f64 = WIDE / 2.0;
const SMALL: f64 = 10.0;
const ABOVE: f64 = 26.0;

impl HeatMaps {
    /// None yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), maps: Vec::new() }
    }

    /// One more matrix, with its name.
    #[must_use]
    pub fn map(mut self, name: impl Into<String>, confusion: &Confusion) -> Self {
        self.maps.push((name.into(), confusion.clone()));
        self
    }

    /// Draws them, 1000 pixels wide; a single one as [`HeatMap`] does.
    ///
    /// # Errors
    /// If there is none, or one has more than 120 classes.
    pub fn draw(&self) -> Result<Svg> {
        match self.maps.as_slice() {
            [] => return Err(wrong("heat_maps", "there is none to draw")),
            [(name, confusion)] => {
                return HeatMap::new(format!("{}: {name}", self.title), confusion).draw();
            }
            _ => {}
        }
        let (mut longest_label, mut most) = (0.0, 1);
        for (_, confusion) in &self.maps {
            readable(confusion.labels())?;
            longest_label = f64::max(longest_label, longest(confusion.labels(), SMALL));
            most = most.max(confusion.labels().len());
        }
        let room = 2.0 * (longest_label + 5.0) + 4.0;
        let cell = ((PANEL - room - 14.0) / most as f64).min(40.0);
        let high = ABOVE + room + cell * most as f64 + 18.0;
        let lines = self.maps.len().div_ceil(2) as f64;
        let legend = 46.0 + lines * high + 12.0;
        picture(&self.title, (WIDE as u32, (legend + 24.0).ceil() as u32), |sheet| {
            for (at, (name, confusion)) in self.maps.iter().enumerate() {
                let left = (at % 2) as f64 * PANEL + room;
                let top = 46.0 + (at / 2) as f64 * high + ABOVE + room;
                let side = cell * confusion.labels().len() as f64;
                let map = Map { confusion, left, top, cell, side, cells: Cells::Colours };
                let place = (left, top - room - 0.5 * ABOVE);
                sheet.text(&harmless(name, 60), place, TEXT, INK, Stand::START)?;
                map.fill(sheet)?;
                map.staggered_labels(sheet, longest_label)?;
            }
            legend_of_shades(sheet, legend)
        })
    }
}

fn readable(labels: &[String]) -> Result<()> {
    if labels.len() > MOST {
        let reason = format!("{} classes; no more than {MOST} can be read", labels.len());
        return Err(wrong("heat_map", reason));
    }
    Ok(())
}

/// How wide the widest label is drawn.
fn longest(labels: &[String], size: f64) -> f64 {
    labels.iter().map(|label| drawn_width(&harmless(label, 16), size)).fold(0.0, f64::max)
}

/// What the colours mean, in one line.
fn legend_of_shades(sheet: &mut Sheet<'_>, y: f64) -> Result<()> {
    let said = "rows are truth, columns are predictions; per cent of a row:";
    sheet.text(said, (16.0, y), 12.0, SOFT, Stand::START)?;
    let mut x = 16.0 + drawn_width(said, 12.0) + 10.0;
    for per_cent in [0, 25, 50, 75, 100] {
        let corners = [(x, y - 7.0), (x + BAR, y - 7.0), (x + BAR, y + 7.0), (x, y + 7.0)];
        sheet.rect(x, y - 7.0, BAR, BAR, shade(f64::from(per_cent) / 100.0))?;
        sheet.path(&[&corners[..], &corners[..1]].concat(), 0.6, SOFT)?;
        sheet.text(&format!("{per_cent} %"), (x + BAR + 5.0, y), 12.0, SOFT, Stand::START)?;
        x += 66.0;
    }
    Ok(())
}

struct Map<'a> {
    confusion: &'a Confusion,
    left: f64,
    top: f64,
    cell: f64,
    side: f64,
    cells: Cells,
}

impl Map<'_> {
    fn largest(&self) -> u64 {
        let rows = (0..self.confusion.labels().len()).map(|truth| self.confusion.row(truth));
        rows.flatten().copied().max().unwrap_or(0)
    }

    fn fill(&self, sheet: &mut Sheet<'_>) -> Result<()> {
        let most = self.largest();
        let classes = self.confusion.labels().len();
        let size = (0.44 * self.cell).clamp(5.0, 14.0);
        for truth in 0..classes {
            let row = self.confusion.row(truth);
            let support: u64 = row.iter().sum();
            for (predicted, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let of_row = count as f64 / support as f64;
                let share = match self.cells {
                    Cells::Counts => log_share(count, most),
                    _ => of_row,
                };
                let x = self.left + predicted as f64 * self.cell;
                let y = self.top + truth as f64 * self.cell;
                sheet.rect(x, y, self.cell, self.cell, shade(share))?;
                let text = match self.cells {
                    Cells::Shares if of_row < 0.01 => "<1".to_owned(),
                    Cells::Shares => format!("{:.0}", 100.0 * of_row),
                    _ => thousands(count as f64),
                };
                // Counts that are all there is to read are made to fit, as far as they can be read.
                let fits = 0.94 * self.cell / drawn_width(&text, 1.0);
                let size = match self.cells {
                    Cells::Counts if fits >= 6.0 => size.min(fits),
                    _ => size,
                };
                if self.cells != Cells::Colours && drawn_width(&text, size) <= 0.98 * self.cell {
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
        let said = match self.cells {
            Cells::Shares => "numbers and colours are per cent of a row",
            Cells::Counts => "numbers are counts, colours are their logarithms",
            _ => "numbers are counts, colours are per cent of a row",
        };
        let below = format!("{total} rows; {said}");
        let place = (self.left, self.top + self.side + 18.0);
        sheet.text(&below, place, 12.0, SOFT, Stand::START)
    }

    /// Every second label stands further out, with a line to its row or column: twice
    /// the room for each.
    fn staggered_labels(&self, sheet: &mut Sheet<'_>, longest: f64) -> Result<()> {
        for (i, label) in self.confusion.labels().iter().enumerate() {
            let label = harmless(label, 16);
            let at = (i as f64 + 0.5) * self.cell;
            let out = if i % 2 == 0 { 4.0 } else { longest + 9.0 };
            let (x, y) = (self.left + at, self.top + at);
            if out > 4.0 {
                sheet.line((self.left - out + 2.0, y), (self.left, y), 0.5, GRID)?;
                sheet.line((x, self.top - out + 2.0), (x, self.top), 0.5, GRID)?;
            }
            sheet.text(&label, (self.left - out, y), SMALL, INK, Stand::END)?;
            sheet.text(&label, (x, self.top - out), SMALL, INK, Stand::START.upright())?;
        }
        Ok(())
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
        let most = self.largest();
        let ticks: Vec<(f64, String)> = if self.cells == Cells::Counts {
            let powers = (0..19).map(|power| 10_u64.pow(power)).take_while(|count| *count < most);
            let counts = [0].into_iter().chain(powers).chain([most]);
            counts.map(|count| (log_share(count, most), thousands(count as f64))).collect()
        } else {
            let tick = |per_cent: u8| (f64::from(per_cent) / 100.0, format!("{per_cent} %"));
            [0, 25, 50, 75, 100].map(tick).to_vec()
        };
        for (at, (share, text)) in ticks.iter().enumerate() {
            let y = self.top + high * (1.0 - share);
            // The largest count is written whatever power of ten it stands beside.
            let near_the_top = at + 1 < ticks.len() && high * (1.0 - share) < 12.0;
            if !near_the_top {
                sheet.line((x + BAR, y), (x + BAR + 4.0, y), 1.0, SOFT)?;
                sheet.text(text, (x + BAR + 7.0, y), 11.0, SOFT, Stand::START)?;
            }
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
        let what = if self.cells == Cells::Counts { "rows" } else { "of a row" };
        sheet.text(what, (x - 4.0, self.top - 6.0), 11.0, SOFT, above)
    }
}

/// Where a count lies between none and the most, by the logarithm.
fn log_share(count: u64, most: u64) -> f64 {
    if most == 0 { 0.0 } else { (count as f64).ln_1p() / (most as f64).ln_1p() }
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
