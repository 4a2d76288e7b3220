//! `diagnosis.html`: what is wrong in two sentences, the faults by kind, pictures and tables.
//!
//! Written by `write!` and not by a template of askama: most of it are tables and pictures that draw
//! themselves, and no notebook has to compile a template's macros.

use super::Report;
use super::kinds::{Group, by_kind};
use super::report::{IN_PICTURE, IN_TABLE, ROWS_AND_COLUMNS, found};
use crate::plot::HeatMap;
use std::fmt::Write;
use ttp_base::Result;
use ttp_base::show::{Table, defang, escape_html};

impl Report {
    /// `diagnosis.html`: one page without scripts that loads nothing. It names the file without
    /// its folder: a page is handed on.
    ///
    /// # Errors
    /// As [`to_text`](Self::to_text), or if the picture cannot be drawn.
    pub fn to_html(&self) -> Result<String> {
        let matrix = self.reordered()?;
        let mut body = String::from("<h1>Diagnosis of a classifier</h1>\n");
        for warning in self.warnings()? {
            _ = writeln!(body, "<p><strong>{}</strong></p>", escape_html(&warning));
        }
        let groups = by_kind(self.faults());
        _ = writeln!(body, "<p>{}</p>", escape_html(&self.lead(&groups)));
        _ = writeln!(body, "<p>{}</p>", escape_html(&self.origin_without_folder()));
        _ = writeln!(body, "<p>{ROWS_AND_COLUMNS}</p>");
        for note in &self.judged.notes {
            _ = writeln!(body, "<p>Note: {}</p>", escape_html(&defang(note)));
        }
        self.faults_to_html(&groups, &mut body);
        self.names_to_html(&mut body)?;
        body.push_str("<h2>The matrix, confused classes together</h2>\n");
        if let Some(note) = self.picture_note() {
            _ = writeln!(body, "<p>{}</p>", escape_html(&note));
        }
        for picture in [
            HeatMap::new("Fraction of each row of truth, in per cent", &matrix).row_shares(),
            HeatMap::new("Counts", &matrix).counts(),
        ] {
            _ = writeln!(body, "<figure>{}</figure>", picture.draw()?.as_str());
        }
        for (heading, table) in self.tables()? {
            _ = writeln!(body, "<h2>{heading}</h2>");
            if table.is_empty() {
                body.push_str("<p>None.</p>\n");
            } else {
                body.push_str(&scrolling(heading, &table.head(IN_TABLE)));
            }
        }
        body.push_str("<h2>The counts, in the order of the picture</h2>\n");
        body.push_str(&scrolling("Counts", &matrix.table()?));
        _ = writeln!(body, "<h2>What is called what</h2>\n<p>{}</p>", self.criteria());
        Ok(format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <title>Diagnosis of a classifier</title>\n<style>{STYLE}</style>\n</head>\n\
             <body>\n{body}</body>\n</html>\n"
        ))
    }

    /// The faults, each kind folded away below its count.
    fn faults_to_html(&self, groups: &[Group], body: &mut String) {
        let count = groups.iter().map(|(_, faults)| faults.len()).sum();
        _ = writeln!(body, "<h2>Faults</h2>\n<p>{}</p>", found(count));
        for (kind, faults) in groups {
            _ = writeln!(body, "<details><summary>{} {kind}</summary>\n<ul>", faults.len());
            for fault in faults.iter().take(IN_TABLE) {
                _ = writeln!(body, "<li>{}</li>", escape_html(&defang(&fault.to_string())));
            }
            if let Some(more) = faults.len().checked_sub(IN_TABLE).filter(|more| *more > 0) {
                _ = writeln!(body, "<li>… and {more} more</li>");
            }
            body.push_str("</ul></details>\n");
        }
    }

    /// What was found about the names, where that was asked.
    fn names_to_html(&self, body: &mut String) -> Result<()> {
        for section in self.names.sections()? {
            _ = writeln!(body, "<h2>{}</h2>", section.heading);
            _ = writeln!(body, "<p>{}</p>", escape_html(&defang(&section.origin)));
            _ = writeln!(body, "<p>{}</p>", escape_html(&defang(&section.sentence)));
            body.push_str(&scrolling(section.heading, &section.table.head(IN_TABLE)));
            if let Some((matrix, note)) =
                section.matrix.filter(|(m, _)| m.labels().len() <= IN_PICTURE)
            {
                let picture = HeatMap::new("Under the best names, in per cent of each row", matrix);
                let picture = picture.row_shares().draw()?;
                _ = writeln!(body, "<p>{note}</p>\n<figure>{}</figure>", picture.as_str());
                body.push_str(&scrolling("The matrix under the best names", &matrix.table()?));
            }
        }
        Ok(())
    }
}

/// A table that can be scrolled by keyboard, too.
fn scrolling(name: &str, table: &Table) -> String {
    let name = escape_html(name);
    let table = table.to_html();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{name}\">{table}</div>\n"
    )
}

const STYLE: &str = "
:root { --ink: #222222; --soft: #555555; --line: #dddddd; --ground: #ffffff }
@media (prefers-color-scheme: dark) {
:root { --ink: #e4e6e8; --soft: #b4b8bc; --line: #3a3f44; --ground: #15181b; color-scheme: dark } }
body { font-family: sans-serif; color: var(--ink); background: var(--ground); max-width: 1040px; \
margin: 2em auto; padding: 0 1em; line-height: 1.45 }
figure { margin: 1em 0; background: #ffffff; color: #222222 }
svg { max-width: 100%; height: auto }
summary { cursor: pointer; padding: 4px 0 }
.scroll { overflow-x: auto; margin: 1em 0 }
table.ttp { border-collapse: collapse; font-size: 14px }
table.ttp caption { text-align: left; padding: 4px 0; color: var(--soft) }
table.ttp th, table.ttp td { padding: 3px 9px; border-bottom: 1px solid var(--line); \
text-align: left; vertical-align: top }
table.ttp .num { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
table.ttp .long { overflow-wrap: anywhere }
.interval { color: var(--soft) }
";
