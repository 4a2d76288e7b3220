//! Tables for notebooks (HTML) and terminals (text) from one description.

use super::number::{decimal, grouped};
use super::{content_block, escape_html, escape_markdown, harmless, print, terminal_safe, width};
use crate::{Error, Result};
use polars::prelude::{AnyValue, DataFrame};
use std::fmt::Write;

/// One cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Any text; shown defanged, escaped and on one line.
    Text(String),
    /// A whole number; shown with its thousands apart: 13,039.
    Whole(i64),
    /// A number with so many decimals.
    Number(f64, usize),
    /// A share from 0 to 1, shown in per cent with so many decimals: 85.7 %.
    Share(f64, usize),
    /// A value and the interval around it, with so many decimals: 0.836 [0.812, 0.858].
    Interval(f64, f64, f64, usize),
}

impl Cell {
    /// A number with so many decimals.
    pub fn number(value: f64, decimals: usize) -> Self {
        Self::Number(value, decimals)
    }

    /// A share from 0 to 1, in per cent with one decimal.
    pub fn share(value: f64) -> Self {
        Self::Share(value, 1)
    }

    /// A value with its interval, three decimals each.
    pub fn interval(value: f64, low: f64, high: f64) -> Self {
        Self::Interval(value, low, high, 3)
    }

    fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Empty)
    }

    /// The cell as text, defanged, not yet made safe.
    fn shown(&self, limit: usize) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => harmless(text, limit),
            Self::Whole(number) => grouped(*number),
            Self::Number(value, decimals) => decimal(*value, *decimals),
            Self::Share(value, decimals) => format!("{} %", decimal(100.0 * value, *decimals)),
            Self::Interval(value, low, high, decimals) => {
                let [value, low, high] = [value, low, high].map(|v| decimal(*v, *decimals));
                format!("{value} [{low}, {high}]")
            }
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

/// Three decimals.
impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value, 3)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl From<$type> for Cell {
            /// Beyond 64 bits with a sign it is shown as the largest of them.
            fn from(number: $type) -> Self {
                Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )*};
}
whole_numbers!(i32, i64, u32, u64, usize);

/// The cells of a row: each value becomes a [`Cell`] in its own way.
///
/// ```
/// use ttp_base::{cells, show::Cell};
/// let row = cells!["T1059", 1_022, Cell::share(0.0784)];
/// assert_eq!(row, [Cell::Text("T1059".into()), Cell::Whole(1_022), Cell::Share(0.0784, 1)]);
/// ```
#[macro_export]
macro_rules! cells {
    ($($value:expr),* $(,)?) => {
        [$($crate::show::Cell::from($value)),*]
    };
}

/// A table: headers, rows of as many cells, perhaps a caption.
///
/// ```
/// use ttp_base::{cells, show::{Cell, Table}};
/// let mut table = Table::new(["technique", "rows", "share"]).caption("Largest classes");
/// table.push(cells!["T1059", 1_022, Cell::share(0.0784)])?;
/// table.push(cells!["T1027", 498, Cell::share(0.0382)])?;
/// assert_eq!(table.to_text(), "\
/// Largest classes
/// technique   rows  share
/// ─────────  ─────  ─────
/// T1059      1,022  7.8 %
/// T1027        498  3.8 %
/// ");
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<Cell>>,
    caption: Option<String>,
    shown: usize,
    html_limit: usize,
    text_limit: usize,
    filterable: bool,
}

impl Table {
    /// An empty table.
    pub fn new<H: Into<String>>(headers: impl IntoIterator<Item = H>) -> Self {
        Self {
            headers: headers.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            caption: None,
            shown: usize::MAX,
            html_limit: 600,
            text_limit: 80,
            filterable: false,
        }
    }

    /// From a polars frame; columns keep their order and names, nulls are empty.
    ///
    /// # Errors
    /// If polars cannot read a value.
    pub fn from_frame(frame: &DataFrame) -> Result<Self> {
        let mut table = Self::new(frame.get_column_names().iter().map(|name| name.as_str()));
        for row in 0..frame.height() {
            let cells = frame.columns().iter().map(|column| {
                column.get(row).map(cell_of).map_err(Error::library("reading a frame"))
            });
            let cells = cells.collect::<Result<Vec<_>>>()?;
            table.push(cells)?;
        }
        Ok(table)
    }

    /// The same table with a caption above it.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// The same table with no more than the first `rows` shown, and the number of
    /// the others said.
    #[must_use]
    pub fn head(mut self, rows: usize) -> Self {
        self.shown = rows;
        self
    }

    /// The same table with texts cut after so many characters, in HTML (600 unless
    /// told) and in a terminal (80).
    #[must_use]
    pub fn limits(mut self, html: usize, text: usize) -> Self {
        (self.html_limit, self.text_limit) = (html, text);
        self
    }

    /// The same table, to be searched in a report: by words, and by the column `verdict` where
    /// it has one. Without the report's script it shows whole.
    #[must_use]
    pub fn filterable(mut self) -> Self {
        self.filterable = true;
        self
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If it has not as many cells as there are headers.
    pub fn push(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<()> {
        let cells: Vec<Cell> = cells.into_iter().collect();
        if cells.len() != self.headers.len() {
            let (row, columns) = (self.rows.len() + 1, self.headers.len());
            let reason = format!("row {row} has {} cells for {columns} columns", cells.len());
            return Err(Error::Setting { field: "table", reason });
        }
        self.rows.push(cells);
        Ok(())
    }

    /// Number of rows, those not shown among them.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn shown_rows(&self) -> &[Vec<Cell>] {
        &self.rows[..self.shown.min(self.rows.len())]
    }

    /// `… and 12 more`, if some rows are not shown.
    fn more(&self) -> Option<String> {
        let hidden = self.rows.len() - self.shown_rows().len();
        (hidden > 0).then(|| format!("… and {} more", grouped(hidden as i64)))
    }

    /// Columns that hold numbers and no text, to be set to the right.
    fn numeric(&self) -> Vec<bool> {
        let mut numeric = vec![false; self.headers.len()];
        for (column, numeric) in numeric.iter_mut().enumerate() {
            let mut cells = self.rows.iter().map(|row| &row[column]).peekable();
            let some = cells.peek().is_some();
            let filled = self.rows.iter().any(|row| row[column].is_number());
            *numeric = some && filled && cells.all(|c| c.is_number() || *c == Cell::Empty);
        }
        numeric
    }

    /// Columns with a text that a narrow page may have to break within a word.
    fn long(&self) -> Vec<bool> {
        const LONGEST_UNBROKEN: usize = 20;
        let long = |cell: &Cell| {
            let Cell::Text(text) = cell else { return false };
            text.split_whitespace().any(|word| word.chars().count() > LONGEST_UNBROKEN)
        };
        (0..self.headers.len()).map(|at| self.rows.iter().any(|row| long(&row[at]))).collect()
    }

    /// As HTML: `<table class="ttp">` in a `<div class="ttp-table">` that may scroll;
    /// cells of numbers have the class `num`, those of texts `text`, or `text long`
    /// where words may be broken; an interval is a `span` of the class `interval`. It
    /// is also well-formed XML. The other two classes keep MathJax from `$…$` in sentences.
    pub fn to_html(&self) -> String {
        let (numeric, long) = (self.numeric(), self.long());
        let class = |column: usize| match (numeric[column], long[column]) {
            (true, _) => "num",
            (false, true) => "text long",
            (false, false) => "text",
        };
        let filter = if self.filterable { " filterable" } else { "" };
        let mut out = format!(
            "<div class=\"ttp-table{filter} tex2jax_ignore mathjax_ignore\"><table class=\"ttp\">\n",
        );
        if let Some(caption) = &self.caption {
            _ = writeln!(
                out,
                "<caption>{}</caption>",
                escape_html(&harmless(caption, self.html_limit))
            );
        }
        out.push_str("<thead><tr>");
        for (column, header) in self.headers.iter().enumerate() {
            let (class, header) = (class(column), escape_html(&harmless(header, self.html_limit)));
            _ = write!(out, "<th scope=\"col\" class=\"{class}\">{header}</th>");
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in self.shown_rows() {
            out.push_str("<tr>");
            for (column, cell) in row.iter().enumerate() {
                let class = class(column);
                let shown = escape_html(&cell.shown(self.html_limit));
                let cell = match (cell, shown.split_once(' ')) {
                    (Cell::Interval(..), Some((value, interval))) => {
                        format!("{value} <span class=\"interval\">{interval}</span>")
                    }
                    _ => shown,
                };
                _ = write!(out, "<td class=\"{class}\">{cell}</td>");
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n");
        if let Some(more) = self.more() {
            let columns = self.headers.len();
            _ = writeln!(out, "<tfoot><tr><td colspan=\"{columns}\">{more}</td></tr></tfoot>");
        }
        out.push_str("</table></div>\n");
        out
    }

    /// As a Markdown table, its caption a line above; what a text holds is escaped.
    ///
    /// ```
    /// use ttp_base::{cells, show::Table};
    /// let mut table = Table::new(["class", "rows"]).caption("Rows of a|b");
    /// table.push(cells!["<i>", 1_022])?;
    /// assert_eq!(table.to_markdown(), "\
    /// Rows of a\\|b
    ///
    /// | class | rows |
    /// | --- | ---: |
    /// | &lt;i&gt; | 1,022 |
    /// ");
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        let escaped = |text: &str| escape_markdown(&harmless(text, self.html_limit));
        if let Some(caption) = &self.caption {
            _ = writeln!(out, "{}\n", escaped(caption));
        }
        let headers: Vec<String> = self.headers.iter().map(|header| escaped(header)).collect();
        _ = writeln!(out, "| {} |", headers.join(" | "));
        let rules = self.numeric().into_iter().map(|numeric| if numeric { "---:" } else { "---" });
        _ = writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "));
        for row in self.shown_rows() {
            let cells = row.iter().map(|cell| match cell {
                Cell::Text(_) => escape_markdown(&cell.shown(self.html_limit)),
                number => number.shown(self.html_limit),
            });
            _ = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        }
        if let Some(more) = self.more() {
            _ = writeln!(out, "\n{more}");
        }
        out
    }

    /// As text for a terminal: aligned columns, numbers to the right, one line a row.
    pub fn to_text(&self) -> String {
        let numeric = self.numeric();
        let safe = |text: &str| terminal_safe(&harmless(text, self.text_limit));
        let headers: Vec<String> = self.headers.iter().map(|header| safe(header)).collect();
        let rows: Vec<Vec<String>> = self
            .shown_rows()
            .iter()
            .map(|row| row.iter().map(|cell| terminal_safe(&cell.shown(self.text_limit))).collect())
            .collect();
        let widths: Vec<usize> = (0..headers.len())
            .map(|i| rows.iter().chain([&headers]).map(|row| width(&row[i])).max().unwrap_or(0))
            .collect();
        let line = |cells: &[String]| {
            let mut line = String::new();
            for ((cell, &wide), &right) in cells.iter().zip(&widths).zip(&numeric) {
                let space = " ".repeat(wide - width(cell));
                let (left, right) = if right { (space.as_str(), "") } else { ("", space.as_str()) };
                _ = write!(line, "{left}{cell}{right}  ");
            }
            line.trim_end().to_owned() + "\n"
        };
        let mut out = String::new();
        if let Some(caption) = &self.caption {
            out = terminal_safe(&harmless(caption, self.html_limit)) + "\n";
        }
        out += &line(&headers);
        out += &line(&widths.iter().map(|&wide| "─".repeat(wide)).collect::<Vec<_>>());
        for row in &rows {
            out += &line(row);
        }
        if let Some(more) = self.more() {
            out = out + &more + "\n";
        }
        out
    }

    /// Shows the table in a notebook: as HTML, and as text where there is none.
    pub fn evcxr_display(&self) {
        print(&self.notebook_output());
    }

    /// What [`Table::evcxr_display`] prints.
    pub fn notebook_output(&self) -> String {
        content_block("text/html", &self.to_html()) + &content_block("text/plain", &self.to_text())
    }
}

fn cell_of(value: AnyValue<'_>) -> Cell {
    match value {
        AnyValue::Null => Cell::Empty,
        AnyValue::String(text) => text.into(),
        AnyValue::StringOwned(text) => text.as_str().into(),
        AnyValue::Float32(value) => f64::from(value).into(),
        AnyValue::Float64(value) => value.into(),
        other if other.is_integer() => match other.try_extract::<i64>() {
            Ok(number) => Cell::Whole(number),
            Err(_) => other.to_string().into(),
        },
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::df;

    #[test]
    fn numbers_are_shown_as_a_reader_writes_them() {
        for (cell, expected) in [
            (Cell::from(13_039_u64), "13,039"),
            (Cell::from(-1_000), "−1,000"),
            (Cell::from(999), "999"),
            (Cell::from(u64::MAX), "9,223,372,036,854,775,807"),
            (Cell::number(-0.0004, 3), "0.000"),
            (Cell::number(-1.25, 1), "−1.2"),
            (Cell::number(f64::NAN, 3), "–"),
            (Cell::number(f64::INFINITY, 3), "inf"),
            (Cell::share(0.857), "85.7 %"),
            (Cell::interval(0.836, 0.812, 0.858), "0.836 [0.812, 0.858]"),
            (Cell::from(None::<f64>), ""),
        ] {
            assert_eq!(cell.shown(80), expected);
        }
    }

    #[test]
    fn wide_characters_keep_the_columns_straight() {
        let mut table = Table::new(["who", "n"]);
        table.push(["字字".into(), 1.into()]).unwrap();
        table.push(["ab".into(), 22.into()]).unwrap();
        assert_eq!(table.to_text(), "who    n\n────  ──\n字字   1\nab    22\n");
    }

    #[test]
    fn a_row_of_the_wrong_length_is_refused() {
        let mut table = Table::new(["a", "b"]);
        let error = table.push([Cell::Empty]).unwrap_err().to_string();
        assert_eq!(error, "setting table: row 1 has 1 cells for 2 columns");
        assert!(table.is_empty());
    }

    #[test]
    fn a_long_table_says_what_it_leaves_out() {
        let mut table = Table::new(["n"]).head(2);
        for n in 0..1_500 {
            table.push([n.into()]).unwrap();
        }
        assert!(table.to_text().ends_with("0\n1\n… and 1,498 more\n"), "{}", table.to_text());
        assert!(table.to_html().contains("<td colspan=\"1\">… and 1,498 more</td>"));
        assert_eq!(table.len(), 1_500);
        assert!(!table.clone().head(1_500).to_text().contains('…'));
    }

    #[test]
    fn a_frame_becomes_a_table() {
        let frame = df!(
            "technique" => [Some("T1059"), None],
            "rows" => [1_022_u32, 7],
            "f1" => [0.5, f64::NAN],
            "kept" => [true, false],
        )
        .unwrap();
        let table = Table::from_frame(&frame).unwrap();
        let expected = "\
technique   rows     f1  kept
─────────  ─────  ─────  ─────
T1059      1,022  0.500  true
               7      –  false
";
        assert_eq!(table.to_text(), expected);
    }

    #[test]
    fn only_columns_with_long_words_may_be_broken_within_them() {
        let mut table = Table::new(["operation", "sentence", "f1"]);
        let path = "C:\\Windows\\System32\\drivers\\etc\\hosts";
        table.push(crate::cells!["replacement", path, Cell::interval(0.5, 0.4, 0.6)]).unwrap();
        let html = table.to_html();
        assert!(html.contains("<td class=\"text\">replacement</td>"), "{html}");
        assert!(html.contains(&format!("<td class=\"text long\">{path}</td>")), "{html}");
        let interval = "0.500 <span class=\"interval\">[0.400, 0.600]</span>";
        assert!(html.contains(&format!("<td class=\"num\">{interval}</td>")), "{html}");
    }

    #[test]
    fn a_table_to_be_searched_says_so() {
        let table = Table::new(["verdict"]);
        assert!(!table.to_html().contains("filterable"));
        assert!(table.filterable().to_html().starts_with("<div class=\"ttp-table filterable "));
    }

    #[test]
    fn both_forms_go_to_the_notebook() {
        let mut table = Table::new(["a"]).caption("c");
        table.push(["x".into()]).unwrap();
        let lines = table.notebook_output();
        let marks: Vec<&str> = lines.lines().filter(|line| line.contains("EVCXR")).collect();
        let expected = [
            "EVCXR_BEGIN_CONTENT text/html",
            "EVCXR_END_CONTENT",
            "EVCXR_BEGIN_CONTENT text/plain",
            "EVCXR_END_CONTENT",
        ];
        assert_eq!(marks, expected);
    }
}
