//! Rows of each class, the largest first.

use super::{
    Axis, BLUE, GRID, INK, SOFT, Sheet, Stand, Svg, TEXT, VERMILION, drawn_width, picture,
    round_up, thousands, wrong,
};
use plotters::style::text_anchor::VPos;
use std::collections::BTreeMap;
use ttp_base::Result;
use ttp_base::show::harmless;

const SIZE: (u32, u32) = (960, 420);
const LEFT: f64 = 64.0;
const TOP: f64 = 56.0;
/// Up to so many classes each has its name below its bar.
const NAMED: usize = 64;
/// Of more classes, so many of the largest are named.
const LARGEST: usize = 6;

/// Rows of each class as bars. Up to 64 classes every one is named, with its count;
/// of more, the largest few.
///
/// ```
/// use std::collections::BTreeMap;
/// use ttp_metrics::plot::Histogram;
/// let counts = BTreeMap::from([("T1059".to_owned(), 1022), ("T1027".to_owned(), 498)]);
/// let svg = Histogram::new("Rows of each technique", &counts).thresholds(&[100, 500]).draw()?;
/// assert!(svg.as_str().contains("T1059"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Histogram {
    title: String,
    what: String,
    bars: Vec<(String, usize)>,
    thresholds: Vec<usize>,
    axis_max: Option<usize>,
}

impl Histogram {
    /// Of so many rows for each class.
    pub fn new(title: impl Into<String>, counts: &BTreeMap<String, usize>) -> Self {
        let mut bars: Vec<(String, usize)> =
            counts.iter().map(|(class, rows)| (class.clone(), *rows)).collect();
        // Equal counts stay in the order of their names.
        bars.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let what = "techniques".to_owned();
        Self { title: title.into(), what, bars, thresholds: Vec::new(), axis_max: None }
    }

    /// What the classes are called, in the plural; `techniques` unless told.
    #[must_use]
    pub fn classes(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// Draws a line at each of these numbers of rows, and says how many classes reach it.
    #[must_use]
    pub fn thresholds(mut self, rows: &[usize]) -> Self {
        self.thresholds = rows.to_vec();
        self
    }

    /// Where the axis ends, so that several histograms can be compared.
    #[must_use]
    pub fn axis_max(mut self, rows: usize) -> Self {
        self.axis_max = Some(rows);
        self
    }

    /// Where the bars end: right of it stands how many classes reach each threshold.
    fn right(&self) -> f64 {
        f64::from(SIZE.0) - if self.thresholds.is_empty() { 16.0 } else { 104.0 }
    }

    /// Draws it, 960 × 420 pixels.
    ///
    /// # Errors
    /// If there is no class, or one has more rows than the axis is told to show.
    pub fn draw(&self) -> Result<Svg> {
        let Some((first, most)) = self.bars.first() else {
            return Err(wrong("histogram", "there is no class to draw"));
        };
        let high = match self.axis_max {
            Some(max) if max < *most => {
                let reason = format!("{max} is below the {most} rows of {first}");
                return Err(wrong("histogram.axis_max", reason));
            }
            Some(max) => max as f64,
            None => round_up(1.04 * (*most).max(1) as f64, 6),
        };
        let below = match self.bars.len() {
            _ if self.upright() => 88.0,
            ..=NAMED => 62.0,
            _ => 44.0,
        };
        let bottom = f64::from(SIZE.1) - below;
        let axis = Axis { low: 0.0, high: high.max(1.0), from: bottom, to: TOP };
        picture(&self.title, SIZE, |sheet| {
            self.frame(sheet, &axis)?;
            self.bars(sheet, &axis)?;
            self.lines(sheet, &axis)
        })
    }

    fn pitch(&self) -> f64 {
        (self.right() - LEFT) / self.bars.len() as f64
    }

    /// Whether the names below the bars must stand upright to have room.
    fn upright(&self) -> bool {
        let wide = |(class, _): &(String, usize)| drawn_width(&harmless(class, 10), 12.0);
        let longest = self.bars.iter().map(wide).fold(0.0, f64::max);
        self.bars.len() <= NAMED && longest > 0.95 * self.pitch()
    }

    fn frame(&self, sheet: &mut Sheet<'_>, axis: &Axis) -> Result<()> {
        let right = self.right();
        for tick in axis.ticks(6) {
            let y = axis.at(tick);
            sheet.line((LEFT, y), (right, y), 1.0, GRID)?;
            sheet.text(&thousands(tick), (LEFT - 8.0, y), TEXT, SOFT, Stand::END)?;
        }
        let middle = (axis.from + axis.to) / 2.0;
        sheet.text("rows", (18.0, middle), TEXT, INK, Stand::MIDDLE.upright())?;
        let total: usize = self.bars.iter().map(|(_, rows)| rows).sum();
        let (classes, total) = (self.bars.len(), thousands(total as f64));
        let what = harmless(&self.what, 60);
        let below = format!("{classes} {what}, largest first; {total} rows in all");
        let y = f64::from(SIZE.1) - 20.0;
        sheet.text(&below, ((LEFT + right) / 2.0, y), TEXT, INK, Stand::MIDDLE)
    }

    fn bars(&self, sheet: &mut Sheet<'_>, axis: &Axis) -> Result<()> {
        let pitch = self.pitch();
        let bar = (0.82 * pitch).min(64.0);
        let centre = |i: usize| LEFT + (i as f64 + 0.5) * pitch;
        for (i, (_, rows)) in self.bars.iter().enumerate() {
            let top = axis.at(*rows as f64);
            sheet.rect(centre(i) - bar / 2.0, top, bar, axis.from - top, BLUE)?;
        }
        sheet.line((LEFT, axis.from), (self.right(), axis.from), 1.2, INK)?;
        if self.bars.len() <= NAMED {
            self.names(sheet, axis, centre)
        } else {
            self.largest(sheet, axis, centre)
        }
    }

    /// Every class below its bar, and its count above.
    fn names(
        &self,
        sheet: &mut Sheet<'_>,
        axis: &Axis,
        centre: impl Fn(usize) -> f64,
    ) -> Result<()> {
        let pitch = self.pitch();
        let size = (0.72 * pitch).clamp(9.0, 12.0);
        let digits = self.bars.iter().map(|(_, rows)| thousands(*rows as f64));
        let widest = digits.map(|text| drawn_width(&text, 10.0)).fold(0.0, f64::max);
        for (i, (class, rows)) in self.bars.iter().enumerate() {
            let class = harmless(class, 10);
            if !self.upright() {
                sheet.text(&class, (centre(i), axis.from + 14.0), 12.0, INK, Stand::MIDDLE)?;
            } else {
                let place = (centre(i), axis.from + 6.0);
                sheet.text(&class, place, size, INK, Stand::END.upright())?;
            }
            let place = (centre(i), axis.at(*rows as f64));
            let rows = thousands(*rows as f64);
            if widest < 1.15 * pitch {
                let above = Stand { v: VPos::Bottom, ..Stand::MIDDLE };
                sheet.text(&rows, place, 10.0, SOFT, above)?;
            } else {
                let place = (place.0, place.1 - 4.0);
                sheet.text(&rows, place, 9.0, SOFT, Stand::START.upright())?;
            }
        }
        Ok(())
    }

    /// The largest few beside the tips of their bars, each below the one before.
    fn largest(
        &self,
        sheet: &mut Sheet<'_>,
        axis: &Axis,
        centre: impl Fn(usize) -> f64,
    ) -> Result<()> {
        let x = centre(LARGEST) + 26.0;
        let mut y = axis.to - 16.0;
        for (i, (class, rows)) in self.bars.iter().take(LARGEST).enumerate() {
            let tip = axis.at(*rows as f64);
            y = tip.max(y + 16.0);
            sheet.path(&[(centre(i), tip), (x - 22.0, y), (x - 4.0, y)], 0.7, SOFT)?;
            let text = format!("{} {}", harmless(class, 16), thousands(*rows as f64));
            sheet.text(&text, (x, y), 12.0, INK, Stand::START)?;
        }
        Ok(())
    }

    fn lines(&self, sheet: &mut Sheet<'_>, axis: &Axis) -> Result<()> {
        let mut thresholds = self.thresholds.clone();
        thresholds.retain(|rows| *rows as f64 <= axis.high);
        thresholds.sort_unstable_by(|a, b| b.cmp(a));
        let mut text_y = f64::NEG_INFINITY;
        for threshold in thresholds {
            let reached = self.bars.iter().filter(|(_, rows)| *rows >= threshold).count();
            let y = axis.at(threshold as f64);
            sheet.dashes(LEFT, self.right(), y, VERMILION)?;
            let text = format!("{reached} have ≥ {}", thousands(threshold as f64));
            text_y = y.max(text_y + 14.0);
            sheet.text(&text, (self.right() + 6.0, text_y), 12.0, VERMILION, Stand::START)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn counts(classes: usize) -> BTreeMap<String, usize> {
        (0..classes).map(|i| (format!("T{:04}", 1000 + i), 10 + 900 / (i + 1))).collect()
    }

    #[test]
    fn few_classes_are_all_named_and_many_are_not() {
        let few = Histogram::new("few", &counts(44)).draw().unwrap();
        assert!((1000..1044).all(|i| few.as_str().contains(&format!("T{i}"))));
        let many = Histogram::new("many", &counts(188)).draw().unwrap();
        assert!(many.as_str().contains("T1000"));
        assert!(!many.as_str().contains("T1100"));
        assert!(many.as_str().contains("188 techniques"));
    }

    #[test]
    fn a_threshold_says_how_many_reach_it() {
        let svg = Histogram::new("t", &counts(10)).thresholds(&[100, 5_000]).draw().unwrap();
        // 10 + 900/i of at least 100 for i = 1 to 10: all.
        assert!(svg.as_str().contains("10 have ≥ 100"));
        assert!(!svg.as_str().contains("5,000"), "a line beyond the axis is left out");
    }

    #[test]
    fn nothing_to_draw_and_a_short_axis_are_refused() {
        let error = Histogram::new("t", &BTreeMap::new()).draw().unwrap_err();
        assert_eq!(error.to_string(), "setting histogram: there is no class to draw");
        let error = Histogram::new("t", &counts(2)).axis_max(100).draw().unwrap_err();
        assert_eq!(
            error.to_string(),
            "setting histogram.axis_max: 100 is below the 910 rows of T1000"
        );
        let zero = BTreeMap::from([("T1".to_owned(), 0)]);
        assert!(Histogram::new("t", &zero).draw().is_ok());
    }
}
