//! Tables for notebooks (HTML) and terminals (text) from one description.
//!
//! comfy-table draws the text alone: the HTML, its data for a CSV file, and the widths of defanged
//! cells would be ours all the same.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::cell::{Cell, cell_of};
use super::number::grouped;
use super::{content_block, escape_html, escape_markdown, harmless, print, terminal_safe, width};
use crate::{Error, Result};
use polars::prelude::DataFrame;
use std::fmt::Write;

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
                    (Cell::Interval(..) | Cell::Spread(..), Some((value, interval))) => {
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
