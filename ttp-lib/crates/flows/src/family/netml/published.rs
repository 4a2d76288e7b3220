//! What the family summary's authors publish of their encoder in figures.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Error, Result, files};

/// F1 scores in full precision, and the number of validation rows of each class.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedFigures {
    /// The outputs' printed names, in their order.
    pub classes: Vec<String>,
    /// F1 of each.
    pub f1: Vec<f64>,
    /// Rows of each, 70,000 in all.
    pub supports: Vec<u64>,
    /// The mean of the F1 scores, as it is published.
    pub macro_f1: f64,
}

/// `f1_scores_latest.json`, as far as it is read.
#[derive(Deserialize)]
struct Scores {
    per_class_f1: BTreeMap<String, f64>,
    class_names: Vec<String>,
    macro_f1: f64,
}

impl PublishedFigures {
    /// Reads the file of scores, and the supports from the table of the report.
    ///
    /// # Errors
    /// If a file cannot be read, a class has no score or no support, or a score is none.
    pub fn read(scores: &Path, report: &Path) -> Result<Self> {
        let Scores { per_class_f1, class_names, macro_f1 } = files::read_json(scores)?;
        if class_names.len() < 2 {
            return Err(Error::input_at(scores, None, Some("class_names"), "fewer than two"));
        }
        let score = |class: &String| match per_class_f1.get(class) {
            Some(f1) if (0.0..=1.0).contains(f1) => Ok(*f1),
            Some(f1) => {
                Err(Error::input_at(scores, None, Some(class), format!("{f1} is no score")))
            }
            None => Err(Error::input_at(scores, None, Some(class), "no F1 score")),
        };
        let f1 = class_names.iter().map(score).collect::<Result<_>>()?;
        let supports = supports(report)?;
        let support = |class: &String| {
            let missing = || Error::input_at(report, None, Some(class), "no row in its table");
            supports.get(class).copied().ok_or_else(missing)
        };
        let supports = class_names.iter().map(support).collect::<Result<_>>()?;
        Ok(Self { f1, supports, classes: class_names, macro_f1 })
    }

    /// The outputs whose F1 score is 0.
    pub fn at_zero(&self) -> Vec<usize> {
        (0..self.f1.len()).filter(|output| self.f1[*output] == 0.0).collect()
    }
}

/// The rows `| class | F1 | recall | precision | support | status |` of the report.
fn supports(report: &Path) -> Result<BTreeMap<String, u64>> {
    let text = std::fs::read_to_string(report).map_err(Error::file(report, "read"))?;
    let mut supports = BTreeMap::new();
    for (line, row) in (1..).zip(text.lines()) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('*')).collect();
        // The cells between the outer bars; the score's cell tells a class from a heading.
        let ["", class, f1, _, _, support, _, ""] = cells[..] else { continue };
        if f1.parse::<f64>().is_err() {
            continue;
        }
        let number = support.replace(',', "").parse().map_err(|_| {
            let reason = format!("support {support:?} is no whole number");
            Error::input_at(report, Some(line), Some(class), reason)
        })?;
        if supports.insert(class.to_owned(), number).is_some() {
            return Err(Error::input_at(report, Some(line), Some(class), "stands there twice"));
        }
    }
    Ok(supports)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SCORES: &str = r#"{"per_class_f1": {"a": 0.5, "b": 0.0}, "class_names": ["b", "a"],
        "macro_f1": 0.25, "accuracy": 0.4}"#;
    const REPORT: &str = "# Report\n\n| Class | F1-Score | Recall | Precision | Support | Status |\n\
        |---|---|---|---|---|---|\n| a | 0.5 | 40 % | 60 % | 1,234 | good |\n\
        | **b** | **0.0** | **0 %** | 0 % | 7 | bad |\n";

    fn read(scores: &str, report: &str) -> Result<PublishedFigures> {
        let folder = tempfile::tempdir().unwrap();
        let [json, markdown] = ["scores.json", "report.md"].map(|name| folder.path().join(name));
        std::fs::write(&json, scores).unwrap();
        std::fs::write(&markdown, report).unwrap();
        PublishedFigures::read(&json, &markdown)
    }

    #[test]
    fn scores_and_supports_are_read_in_the_outputs_order() {
        let published = read(SCORES, REPORT).unwrap();
        assert_eq!(published.classes, ["b", "a"]);
        assert_eq!((&published.f1[..], &published.supports[..]), (&[0.0, 0.5][..], &[7, 1234][..]));
        assert_eq!((published.macro_f1, published.at_zero()), (0.25, vec![0]));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let said = |scores: &str, report: &str| read(scores, report).unwrap_err().to_string();
        assert!(said(SCORES, "").ends_with("report.md, field \"b\": no row in its table"));
        let support = REPORT.replace("1,234", "many");
        assert!(said(SCORES, &support).contains("report.md, row 5, field \"a\": support \"many\""));
        let twice = REPORT.replace("**b**", "a");
        assert!(said(SCORES, &twice).ends_with("row 6, field \"a\": stands there twice"));
        let score = SCORES.replace("0.5", "1.5");
        assert!(said(&score, REPORT).ends_with("field \"a\": 1.5 is no score"));
        let missing = SCORES.replace("\"a\": 0.5, ", "");
        assert!(said(&missing, REPORT).ends_with("field \"a\": no F1 score"));
    }
}
