//! What was found about names, for the report.

use super::{ByCounts, ByLabelling, Names};
use crate::Confusion;
use serde_json::{Value, json};
use ttp_base::Result;
use ttp_base::show::Table;

/// One of the two, as the report shows it.
pub(in crate::diagnosis) struct Section<'a> {
    /// What it is held against.
    pub heading: &'static str,
    /// Where that is from.
    pub origin: String,
    /// What was found, in one line.
    pub sentence: String,
    /// Name by name.
    pub table: Table,
    /// The matrix again, where a name changes, and what it shows.
    pub matrix: Option<(&'a Confusion, &'static str)>,
}

impl Names {
    /// What there is to show.
    pub(in crate::diagnosis) fn sections(&self) -> Result<Vec<Section<'_>>> {
        let mut sections = Vec::new();
        if let Some(ByCounts { file, found, matrix }) = &self.by_counts {
            let changes = !found.naming.renamed().is_empty();
            sections.push(Section {
                heading: "Names against class counts",
                origin: format!("Class counts of {}.", file.display()),
                sentence: found.sentence(),
                table: found.table()?,
                matrix: matrix.as_ref().filter(|_| changes).map(|matrix| {
                    (matrix, "The matrix again: both truth and predictions under the best names.")
                }),
            });
        }
        if let Some(ByLabelling { file, column, found, matrix }) = &self.by_labelling {
            let column = column.as_ref().map_or(String::new(), |name| format!(", column {name:?}"));
            let changes = !found.naming.renamed().is_empty();
            sections.push(Section {
                heading: "Names against a second labelling",
                origin: format!("Second labels of {}{column}.", file.display()),
                sentence: found.sentence(),
                table: found.table()?,
                matrix: changes.then_some((
                    matrix,
                    "The second labelling in rows, predictions under the best names in columns.",
                )),
            });
        }
        Ok(sections)
    }

    /// As `f1_scores_latest.json` has it; null where nothing was asked.
    pub(in crate::diagnosis) fn to_json(&self) -> Value {
        if self.is_empty() {
            return Value::Null;
        }
        let of_counts = self.by_counts.as_ref().map(|ByCounts { file, found, matrix }| {
            json!({
                "file": file.display().to_string(),
                "sentence": found.sentence(),
                "renamed": found.naming.renamed(),
                "found": found,
                "matrix": matrix,
            })
        });
        let of_labelling = self.by_labelling.as_ref().map(|by| {
            json!({
                "file": by.file.display().to_string(),
                "column": by.column,
                "sentence": by.found.sentence(),
                "renamed": by.found.naming.renamed(),
                "found": by.found,
                "matrix": by.matrix,
            })
        });
        json!({ "by_counts": of_counts, "by_labelling": of_labelling })
    }
}
