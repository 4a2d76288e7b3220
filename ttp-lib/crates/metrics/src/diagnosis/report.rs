//! The diagnosis for a terminal, a program, a text and a browser.

use super::kinds::{Group, by_kind};
use super::{DiagnosisInput, Names, Source};
use crate::{Confusion, Diagnosis, DiagnosisSettings, Fault, ProbabilityScores, Tier};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use ttp_base::show::{Table, defang, escape_markdown, shorten, terminal_safe};
use ttp_base::{Error, Result, files};

/// The JSON schema of `f1_scores_latest.json` (draft 2020-12).
pub const SCHEMA: &str = include_str!("f1_scores.schema.json");

/// The version of that schema. It grows when a field changes its meaning or goes.
const VERSION: u32 = 2;
/// More classes than these cannot be read in one picture: then the most confused are shown.
pub(super) const IN_PICTURE: usize = 60;
/// As many classes of a matrix are shown in Markdown.
const IN_MARKDOWN: usize = 20;
/// As many rows of a table are shown in a text or a page; the JSON file has all of them.
pub(super) const IN_TABLE: usize = 500;
/// As many in a terminal.
const IN_TERMINAL: usize = 40;
/// As many classes of a matrix.
const NARROW: usize = 8;
/// As many characters of a cell or a caption in a terminal.
const WIDE: usize = 110;

/// A classifier's diagnosis with where it is from, to be shown and written.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was read.
    pub judged: DiagnosisInput,
    /// What is wrong with it.
    pub diagnosis: Diagnosis,
    /// Whether its names are in order, where that was asked.
    pub names: Names,
}

/// `f1_scores_latest.json`.
#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    matrix: &'static str,
    source: &'a Source,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
    tiers: BTreeMap<Tier, Vec<&'a str>>,
    only_predicted: Vec<&'a str>,
    faults: Vec<Fault>,
    probabilities: &'a Option<ProbabilityScores>,
    notes: &'a [String],
    names: serde_json::Value,
}

pub(super) const ROWS_AND_COLUMNS: &str = "Rows are truth, columns are predictions.";

impl Report {
    /// Diagnoses what was read.
    ///
    /// # Errors
    /// If a setting makes no sense.
    pub fn new(judged: DiagnosisInput, settings: &DiagnosisSettings) -> Result<Self> {
        let diagnosis = Diagnosis::of_sparse(&judged.counts, settings)?;
        Ok(Self { judged, diagnosis, names: Names::default() })
    }

    /// The same report with what was found about its names.
    pub fn with_names(self, names: Names) -> Self {
        Self { names, ..self }
    }

    /// Every fault: of the names first, since all else is said under these names.
    pub fn faults(&self) -> Vec<Fault> {
        [self.names.faults(), self.diagnosis.faults()].concat()
    }

    /// What is wrong with the names, a line each: what a reader must know before all else.
    pub(super) fn warnings(&self) -> Result<Vec<String>> {
        let faults = self.names.faults();
        let wrong = |heading: &str| {
            faults.iter().any(|fault| match fault {
                Fault::NamesShuffled { against } | Fault::NamesUnclear { against } => {
                    heading.ends_with(against.trim_start_matches("the "))
                }
                _ => false,
            })
        };
        let sections = self.names.sections()?;
        let warned = sections.into_iter().filter(|section| wrong(section.heading));
        Ok(warned.map(|section| defang(&section.sentence)).collect())
    }

    /// The matrix in an order in which classes that are confused stand together. Of more than 60
    /// classes the 60 with the most errors; the others are one class behind them.
    ///
    /// # Errors
    /// None in practice: see [`SparseConfusion::block`](crate::SparseConfusion::block).
    pub fn reordered(&self) -> Result<Confusion> {
        let counts = &self.judged.counts;
        let order = counts.confused_together(IN_PICTURE);
        let left_out = counts.labels().len() - order.len();
        counts.block(&order, &format!("({left_out} others)"))
    }

    /// What the picture shows, if it is not all classes.
    pub(super) fn picture_note(&self) -> Option<String> {
        let classes = self.judged.counts.labels().len();
        (classes > IN_PICTURE).then(|| {
            let others = classes - IN_PICTURE;
            format!(
                "Of {classes} classes the {IN_PICTURE} with the most errors in their rows and \
                 columns are shown; the {others} others are one row and one column at the end."
            )
        })
    }

    /// All tables that have a row, each with a heading.
    pub(super) fn tables(&self) -> Result<Vec<(&'static str, Table)>> {
        let diagnosis = &self.diagnosis;
        let mut tables = vec![
            ("Summary", diagnosis.summary_table()?),
            ("Zero recall", diagnosis.zero_recall_table()?),
            ("Swallowed", diagnosis.swallowed_table()?),
            ("Over-predicted classes", diagnosis.over_predicted_table()?),
            ("Confused pairs", diagnosis.confused_table()?),
            ("Precision and recall far apart", diagnosis.imbalance_table()?),
            ("Classes", diagnosis.class_table()?),
        ];
        if let Some(probabilities) = &self.judged.probabilities {
            tables.insert(1, ("Probabilities", probabilities.table()?));
        }
        Ok(tables)
    }

    /// What is wrong, in two sentences.
    pub(super) fn lead(&self, groups: &[Group]) -> String {
        let Self { diagnosis, .. } = self;
        let scores =
            format!("Macro F1 is {}, accuracy {}.", diagnosis.macro_f1, diagnosis.accuracy);
        let kinds: Vec<String> =
            groups.iter().map(|(kind, faults)| format!("{} {kind}", faults.len())).collect();
        match kinds.as_slice() {
            [] => format!("{scores} {}", found(0)),
            kinds => format!("{scores} Faults: {}.", kinds.join(", ")),
        }
    }

    /// Tables for a terminal, and the faults in a line each.
    ///
    /// # Errors
    /// None in practice: the tables' own check on the number of cells.
    pub fn to_text(&self) -> Result<String> {
        let mut out = String::new();
        for warning in self.warnings()? {
            _ = writeln!(out, "{}", terminal_safe(&warning));
        }
        _ = writeln!(out, "{}\n{ROWS_AND_COLUMNS}", terminal_safe(&self.origin()));
        for note in &self.judged.notes {
            _ = writeln!(out, "note: {}", terminal_safe(&defang(note)));
        }
        for section in self.names.sections()? {
            let said = [section.heading, section.origin.as_str(), section.sentence.as_str()];
            _ = writeln!(out);
            for line in said {
                _ = writeln!(out, "{}", terminal_safe(&defang(line)));
            }
            _ = write!(out, "\n{}", section.table.limits(WIDE, WIDE).head(IN_TERMINAL).to_text());
            if let Some((matrix, note)) = section.matrix.filter(|(m, _)| m.labels().len() <= NARROW)
            {
                _ = write!(out, "\n{note}\n{}", matrix.table()?.limits(WIDE, WIDE).to_text());
            }
        }
        for (_, table) in self.tables()?.into_iter().filter(|(_, table)| !table.is_empty()) {
            _ = write!(out, "\n{}", table.limits(WIDE, WIDE).head(IN_TERMINAL).to_text());
        }
        let faults = self.faults();
        _ = writeln!(out, "\n{}", found(faults.len()));
        for fault in faults.iter().take(IN_TERMINAL) {
            let line = defang(&fault.to_string());
            _ = writeln!(out, "  {}", terminal_safe(&shorten(&line, 160)));
        }
        if let Some(more) = faults.len().checked_sub(IN_TERMINAL).filter(|more| *more > 0) {
            _ = writeln!(out, "  … and {more} more");
        }
        Ok(out)
    }

    /// What `f1_scores_latest.json` holds; [`SCHEMA`] describes it.
    ///
    /// # Errors
    /// None in practice: what cannot be JSON is not in it.
    pub fn to_json(&self) -> Result<serde_json::Value> {
        let diagnosis = &self.diagnosis;
        let written = Written {
            schema: VERSION,
            matrix: "rows are truth, columns are predictions",
            source: &self.judged.source,
            diagnosis,
            tiers: Tier::ALL.map(|tier| (tier, diagnosis.in_tier(tier))).into(),
            only_predicted: diagnosis.only_predicted(),
            faults: self.faults(),
            probabilities: &self.judged.probabilities,
            notes: &self.judged.notes,
            names: self.names.to_json(),
        };
        serde_json::to_value(written).map_err(Error::library("writing JSON"))
    }

    /// `TRAINING_METRICS_REPORT.md`.
    ///
    /// # Errors
    /// As [`to_text`](Self::to_text).
    pub fn to_markdown(&self) -> Result<String> {
        let mut out = String::from("# Training metrics report\n\n");
        for warning in self.warnings()? {
            _ = writeln!(out, "**{}**\n", escape_markdown(&warning));
        }
        let groups = by_kind(self.faults());
        _ = writeln!(out, "{}\n", escape_markdown(&self.lead(&groups)));
        let origin = self.origin_without_folder();
        _ = writeln!(out, "{}\n\n{ROWS_AND_COLUMNS}\n", escape_markdown(&origin));
        for note in &self.judged.notes {
            _ = writeln!(out, "Note: {}\n", escape_markdown(&defang(note)));
        }
        let count = groups.iter().map(|(_, faults)| faults.len()).sum();
        _ = writeln!(out, "## Faults\n\n{}", found(count));
        for (kind, faults) in &groups {
            // Folded away where Markdown is shown as a page.
            _ = writeln!(out, "\n<details><summary>{} {kind}</summary>\n", faults.len());
            for fault in faults.iter().take(IN_TABLE) {
                _ = writeln!(out, "- {}", escape_markdown(&defang(&fault.to_string())));
            }
            if let Some(more) = faults.len().checked_sub(IN_TABLE).filter(|more| *more > 0) {
                _ = writeln!(out, "- … and {more} more");
            }
            out.push_str("\n</details>\n");
        }
        for section in self.names.sections()? {
            _ = writeln!(out, "\n## {}\n", section.heading);
            _ = writeln!(out, "{}\n", escape_markdown(&defang(&section.origin)));
            _ = writeln!(out, "{}\n", escape_markdown(&defang(&section.sentence)));
            out.push_str(&section.table.head(IN_TABLE).to_markdown());
            if let Some((matrix, note)) =
                section.matrix.filter(|(m, _)| m.labels().len() <= IN_PICTURE)
            {
                _ = write!(out, "\n{note}\n\n{}", matrix.table()?.to_markdown());
            }
        }
        let matrix = self.reordered()?;
        _ = writeln!(out, "\n## The matrix, confused classes together\n");
        if matrix.labels().len() > IN_MARKDOWN {
            let classes = self.judged.counts.labels().len();
            _ = writeln!(out, "`diagnosis.html` shows it: it has {classes} classes.");
        } else {
            out.push_str(&matrix.table()?.to_markdown());
        }
        _ = writeln!(out, "\n## Tiers\n");
        for tier in Tier::ALL {
            let labels = self.diagnosis.in_tier(tier);
            let range = self.diagnosis.range_of(tier);
            _ = write!(out, "- **{}** ({range}): {}", tier.name(), labels.len());
            for (at, label) in labels.iter().take(IN_TABLE).enumerate() {
                let before = if at == 0 { ": " } else { ", " };
                _ = write!(out, "{before}{}", escape_markdown(&defang(label)));
            }
            out.push_str(if labels.len() > IN_TABLE { ", …\n" } else { "\n" });
        }
        for (heading, table) in self.tables()? {
            _ = writeln!(out, "\n## {heading}\n");
            if table.is_empty() {
                out.push_str("None.\n");
            } else {
                out.push_str(&table.head(IN_TABLE).to_markdown());
            }
        }
        _ = writeln!(out, "\n## What is called what\n\n{}", self.criteria());
        Ok(out)
    }

    const FILES: [&str; 3] =
        ["f1_scores_latest.json", "TRAINING_METRICS_REPORT.md", "diagnosis.html"];

    /// The files that [`write`](Self::write) makes in a folder.
    pub fn files(folder: &Path) -> [PathBuf; 3] {
        Self::FILES.map(|name| folder.join(name))
    }

    /// Writes `f1_scores_latest.json`, `TRAINING_METRICS_REPORT.md` and `diagnosis.html` into a
    /// folder, each whole, and returns where they are. Other files there stay.
    ///
    /// # Errors
    /// If one cannot be made or written: all are as they were then.
    pub fn write(&self, folder: &Path) -> Result<[PathBuf; 3]> {
        let (json, markdown, html) = (self.to_json()?, self.to_markdown()?, self.to_html()?);
        files::write_together(folder, &Self::FILES, |to| {
            let [data, text, page] = Self::files(to);
            files::write_json(&data, &json)?;
            files::write_text(&text, &markdown)?;
            files::write_text(&page, &html)
        })?;
        Ok(Self::files(folder))
    }

    /// What was read, in a sentence.
    fn origin(&self) -> String {
        self.origin_of(&self.judged.source.file)
    }

    /// The same without the file's folder: a page or text is handed on.
    pub(super) fn origin_without_folder(&self) -> String {
        let file = &self.judged.source.file;
        self.origin_of(file.file_name().map_or(file.as_path(), Path::new))
    }

    /// What was read, in a sentence, of a file that is called so.
    fn origin_of(&self, file: &Path) -> String {
        let Source { truth, predicted, probabilities, .. } = &self.judged.source;
        let mut text = format!("Of {}", file.display());
        let column = |name: &String| format!("{name:?}");
        if let Some(truth) = truth {
            text.push_str(&format!(": truth is column {}", column(truth)));
            match (predicted, probabilities) {
                (Some(predicted), _) => {
                    text.push_str(&format!(", predictions are column {}", column(predicted)));
                }
                (None, Some(prefix)) => text.push_str(&format!(
                    ", predictions are the highest of the columns that begin with {}",
                    column(prefix)
                )),
                (None, None) => {}
            }
        }
        text.push('.');
        defang(&text)
    }

    /// The settings in sentences; nothing of it is from the input.
    pub(super) fn criteria(&self) -> String {
        let s = &self.diagnosis.settings;
        let per_cent = |share: f64| format!("{} %", (1000.0 * share).round() / 10.0);
        format!(
            "Intervals are at the level {}: Wilson's for proportions, the Jaccard index's for a class's \
             F1, the delta method's for averages; rows are taken to be independent. Classes with \
             fewer than {} rows are too small to judge. A class is taken for another when at least \
             {} of its rows are, over-predicted when at least {} of its column and {} classes with \
             at least {} of their rows each are, swallowed when at least {} of its rows go to one \
             class and less than {} is predicted correctly. Each time the odds must be {} times those of an even spread of \
             the class's errors, and chance explain it with a probability of at most {} after \
             Holm&#39;s correction. A class has a recall near zero when its whole interval is \
             below {}. A class that occurs nowhere is left out of the averages; where \
             nothing is under a score&#39;s line the score is 0.",
            per_cent(s.level),
            s.min_support,
            per_cent(s.pair_share),
            per_cent(s.over_predicted_share),
            s.over_predicted_sources,
            per_cent(s.source_share),
            per_cent(s.swallowed_share),
            per_cent(s.swallowed_recall),
            s.excess,
            s.alpha,
            per_cent(s.near_zero_recall),
        )
    }
}

pub(super) fn found(faults: usize) -> String {
    match faults {
        0 => "No fault is found.".to_owned(),
        1 => "One fault is found:".to_owned(),
        more => format!("{more} faults are found:"),
    }
}
