//! A report that a human has corrected: how much of it was right, and what can be learned from it.
//!
//! A reviewer corrects `report.json` or `report.csv`. In either, `accepted` says whether the most
//! probable technique is right (`true` and `false`; in the CSV `yes` and `no`), and `corrected` holds
//! the id of another technique that the sentence shows instead. Both empty: nobody has looked.

mod known;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use known::KnownTechniques;

use crate::sheet::{COLUMNS, Position};
use crate::{Judgement, Report, Technique, VERSION, id};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::csv_file::{self, CsvFile, unguarded};
use ttp_base::spelling::{is_technique_id, tidy};
use ttp_base::{Error, Result, files};
use ttp_metrics::{Estimate, wilson};

/// The two-sided normal quantile of the level 0.95.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// A report with a reviewer's decisions, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewedReport {
    /// The report; its sentences have the decisions.
    pub report: Report,
    /// How often a reviewer decided what.
    pub counts: Counts,
}

/// Decisions, counted in sentences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Counts {
    /// Evidence whose technique is right, or was refined to one of its sub-techniques.
    pub accepted: usize,
    /// Evidence that shows no technique.
    pub rejected: usize,
    /// Evidence of another technique.
    pub corrected: usize,
    /// Evidence that nobody has looked at.
    pub unseen: usize,
    /// Sentences below the threshold in which the reviewer sees a technique.
    pub missed: usize,
    /// Of the evidence that was looked at, the proportion that was accepted, with Wilson's interval
    /// at the level 0.95; none where nobody has looked at any.
    pub precision: Option<Estimate>,
}

/// What a reviewer says of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision<'a> {
    Unseen,
    Accepted(&'a str),
    Corrected(&'a str),
    Rejected,
}

impl<'a> Decision<'a> {
    /// The decision; in words what is wrong where its two fields contradict each other.
    fn of(judgement: &'a Judgement) -> std::result::Result<Self, String> {
        let first = judgement.candidates.first().map(|first| first.technique.as_str());
        match (judgement.accepted, judgement.corrected.as_deref(), first) {
            (None, None, _) => Ok(Self::Unseen),
            (Some(false), None, _) => Ok(Self::Rejected),
            (Some(true), None, Some(first)) => Ok(Self::Accepted(first)),
            (Some(true), None, None) => Err("accepted, and there is no technique".to_owned()),
            (Some(true), Some(other), first) if first != Some(other) => {
                Err(format!("accepted, and corrected to {other}: only one of them can be meant"))
            }
            (Some(false), Some(same), Some(first)) if first == same => {
                Err(format!("not accepted, and corrected to the same technique {same}"))
            }
            (_, Some(same), Some(first)) if first == same => Ok(Self::Accepted(first)),
            (_, Some(other), _) => Ok(Self::Corrected(other)),
        }
    }

    /// The technique that the sentence shows, by the reviewer's word.
    fn technique(self) -> Option<&'a str> {
        match self {
            Self::Accepted(technique) | Self::Corrected(technique) => Some(technique),
            Self::Unseen | Self::Rejected => None,
        }
    }
}

/// Reads a technique's id as a reviewer writes it; nothing or blanks are none.
pub(crate) fn corrected_id<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    let written: Option<String> = Option::deserialize(deserializer)?;
    technique_id(written.as_deref().unwrap_or_default())
        .map_err(|reason| serde::de::Error::custom(format!("corrected: {reason}")))
}

fn technique_id(written: &str) -> std::result::Result<Option<String>, String> {
    let id = tidy(written).to_ascii_uppercase();
    if id.is_empty() {
        return Ok(None);
    }
    if !is_technique_id(&id) {
        return Err(format!("{written:?} is no technique's id, such as T1059 or T1059.001"));
    }
    Ok(Some(id))
}

/// Reads a `report.json`, corrected or not.
///
/// # Errors
/// If the file cannot be read, is no such report or one of another version, or a decision
/// contradicts itself: with the line, and the field where it is known.
pub fn read(path: &Path) -> Result<Report> {
    let text = files::read_text(path)?;
    parse(path, &text)
}

/// Refuses a report of which a sentence is not what its document has at that place: a reviewer
/// decides, and does not write.
///
/// # Errors
/// With the first such sentence, by its line and path.
pub fn check_sentences(report: &Report, path: &Path) -> Result<()> {
    let all = report.sentences();
    let changed = all.into_iter().find(|(document, _, judgement)| {
        !judgement.sentence.is_of(&report.documents[*document].document)
    });
    let Some((document, number, judgement)) = changed else { return Ok(()) };
    let text = files::read_text(path)?;
    let (row, field) = place(&text, document, number, &judgement.sentence.text);
    let reason = "the sentence is not what the document has there: it was changed";
    Err(Error::input_at(path, row, Some(&field), reason))
}

fn parse(path: &Path, text: &str) -> Result<Report> {
    let mut json = serde_json::Deserializer::from_str(text);
    let report: Report = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = Some(error.path().to_string()).filter(|field| field != ".");
        let error = error.into_inner();
        let said = error.to_string();
        // The line is named before; where it is in the line helps nobody who reads a message.
        let what = said.split_once(" at line ").map_or(said.as_str(), |(what, _)| what);
        let reason = match field {
            Some(_) => what.to_owned(),
            None => format!("no report.json or report.csv of `ttp report`: {what}"),
        };
        Error::input_at(path, Some(error.line()), field.as_deref(), reason)
    })?;
    let behind = |error: serde_json::Error| Error::input_at(path, Some(error.line()), None, error);
    json.end().map_err(behind)?;
    if report.version != VERSION {
        let reason = format!("version {} of a report: {VERSION} is read", report.version);
        return Err(Error::input_at(path, row_of(text, "\"version\""), Some("version"), reason));
    }
    for (document, number, judgement) in report.sentences() {
        if let Err(reason) = Decision::of(judgement) {
            let (row, field) = place(text, document, number, &judgement.sentence.text);
            return Err(Error::input_at(path, row, Some(&field), reason));
        }
    }
    Ok(report)
}

/// The first line with these words, counted from 1.
fn row_of(text: &str, words: &str) -> Option<usize> {
    let at = text.lines().position(|line| line.contains(words))?;
    Some(at + 1)
}

/// Where a sentence stands in a JSON file: its line, and its path.
fn place(text: &str, document: usize, number: usize, sentence: &str) -> (Option<usize>, String) {
    let words = serde_json::to_string(sentence).unwrap_or_default();
    (row_of(text, &words), format!("documents[{document}].sentences[{number}]"))
}

/// Takes a reviewer's corrections of a report: a corrected `report.json`, or a corrected
/// `report.csv`. The content of the file decides which, not its name.
///
/// # Errors
/// If the file cannot be read, is of another report, has a sentence or technique changed, a row
/// twice, a word in `accepted` that is not understood, no technique's id in `corrected`, both in
/// contradiction, or, of a CSV, not all columns: with row and field.
pub fn reviewed(report: &Report, corrections: &Path) -> Result<ReviewedReport> {
    let bytes = std::fs::read(corrections).map_err(Error::file(corrections, "read"))?;
    if is_json(&bytes) {
        drop(bytes);
        let text = files::read_text(corrections)?;
        let corrected = parse(corrections, &text)?;
        same_sentences(report, &corrected, corrections, &text)?;
        return ReviewedReport::of(corrected);
    }
    drop(bytes);
    ReviewedReport::of(from_csv(report, corrections)?)
}

/// Whether a reviewer's file is JSON, and no table.
fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Refuses a corrected report whose sentences are not those of the report.
fn same_sentences(report: &Report, corrected: &Report, path: &Path, text: &str) -> Result<()> {
    if id::of_report(report) != id::of_report(corrected) {
        return Err(Error::input(path, "is of other documents or of another model"));
    }
    for (document, (ours, theirs)) in report.documents.iter().zip(&corrected.documents).enumerate()
    {
        if ours.sentences.len() != theirs.sentences.len() {
            let (many, of) = (theirs.sentences.len(), ours.sentences.len());
            let field = format!("documents[{document}].sentences");
            let reason = format!("{many} sentences, the report has {of}");
            return Err(Error::input_at(path, None, Some(&field), reason));
        }
        for (number, (our, their)) in ours.sentences.iter().zip(&theirs.sentences).enumerate() {
            let reason = if our.sentence != their.sentence {
                "the sentence is not that of the report"
            } else if our.candidates != their.candidates || our.evidence != their.evidence {
                "the candidates are not those of the report: another technique belongs into \
                 corrected"
            } else {
                continue;
            };
            let (row, field) = self::place(text, document, number, &their.sentence.text);
            return Err(Error::input_at(path, row, Some(&field), reason));
        }
    }
    Ok(())
}

/// The report with the decisions of a corrected `report.csv`.
fn from_csv(report: &Report, path: &Path) -> Result<Report> {
    use Position::{Accepted, Corrected, Document, Number, Sentence, Technique};
    let mut file = CsvFile::open(path)?;
    let columns = [Position::Report, Document, Number, Sentence, Technique, Accepted, Corrected];
    let mut places = Vec::new();
    for column in columns {
        places.push(file.column(COLUMNS[column as usize])?);
    }
    let own = id::of_report(report).short();
    let mut report = report.clone();
    let mut seen: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut record = csv::ByteRecord::new();
    while let Some(row) = file.next(&mut record)? {
        let wrong = |column: Position, reason: String| {
            Error::input_at(path, Some(row), Some(COLUMNS[column as usize]), reason)
        };
        let mut cells = [""; 7];
        for ((cell, &place), &column) in cells.iter_mut().zip(&places).zip(&columns) {
            let text = csv_file::text(record.get(place).unwrap_or_default());
            *cell = unguarded(text.map_err(|reason| wrong(column, reason))?).trim();
        }
        let [of, document, number, sentence, technique, accepted, corrected] = cells;
        if of != own {
            let reason = format!("a row of another report: {of:?}, and this one is {own:?}");
            return Err(wrong(Position::Report, reason));
        }
        let whole = |text: &str, column| {
            let number = text.parse::<usize>();
            number.map_err(|_| wrong(column, format!("{text:?} is no whole number")))
        };
        let at = (whole(document, Document)?, whole(number, Number)?);
        if let Some(first) = seen.insert(at, row) {
            return Err(wrong(Number, format!("the sentence stands in row {first} already")));
        }
        let read = report.documents.get_mut(at.0);
        let judgement = read.and_then(|read| read.sentences.get_mut(at.1)).ok_or_else(|| {
            wrong(Number, format!("the report has no sentence {} in document {}", at.1, at.0))
        })?;
        if !same_words(sentence, &judgement.sentence.text) {
            let reason = format!("not sentence {} of document {}, or changed", at.1, at.0);
            return Err(wrong(Sentence, reason));
        }
        let first = judgement.candidates.first().map_or("", |first| first.technique.as_str());
        if technique != first {
            let reason = format!(
                "{technique:?} in place of {first:?}: another technique belongs into corrected"
            );
            return Err(wrong(Technique, reason));
        }
        judgement.accepted = yes_or_no(accepted).map_err(|reason| wrong(Accepted, reason))?;
        judgement.corrected = technique_id(corrected).map_err(|reason| wrong(Corrected, reason))?;
        Decision::of(judgement).map_err(|reason| wrong(Corrected, reason))?;
    }
    Ok(report)
}

/// Whether two texts differ in blanks alone, which spreadsheets change.
fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn yes_or_no(word: &str) -> std::result::Result<Option<bool>, String> {
    match word.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "yes" | "y" | "true" | "1" | "x" => Ok(Some(true)),
        "no" | "n" | "false" | "0" => Ok(Some(false)),
        _ => Err(format!("{word:?} is neither yes nor no")),
    }
}

/// Whether a reviewer named a sub-technique of the technique that was found: a model that knows
/// techniques alone could not be more right.
fn is_refined(judgement: &Judgement, corrected: &str) -> bool {
    let first = judgement.candidates.first();
    let parent = corrected.split_once('.').map(|(parent, _)| parent);
    first.is_some_and(|first| parent == Some(first.technique.as_str()))
}

/// Refuses to write anew over a reviewer's decisions, which are in no other file.
///
/// # Errors
/// If the folder's `report.csv` or `report.json` has one.
pub(crate) fn refuse_decisions(folder: &Path) -> Result<()> {
    let path = folder.join("report.json");
    // What cannot be read is no review; it is written anew.
    let Ok(report) = read(&path) else { return Ok(()) };
    let has_some = |report: &Report| {
        let mut all = report.sentences();
        all.any(|(_, _, judged)| judged.accepted.is_some() || judged.corrected.is_some())
    };
    let table = folder.join("report.csv");
    let reviewed = reviewed(&report, &table).is_ok_and(|reviewed| has_some(&reviewed.report));
    let held = if has_some(&report) { Some(path) } else { reviewed.then_some(table) };
    match held {
        Some(file) => {
            let reason = "holds a reviewer's decisions: name another folder with --out";
            Err(Error::input(&file, reason))
        }
        None => Ok(()),
    }
}

impl ReviewedReport {
    /// Counts the decisions in a report.
    ///
    /// # Errors
    /// If one contradicts itself; [`read`] says in which line.
    pub fn of(report: Report) -> Result<Self> {
        let (mut accepted, mut rejected, mut corrected) = (0, 0, 0);
        let (mut unseen, mut missed) = (0, 0);
        for (document, number, judgement) in report.sentences() {
            let decision = Decision::of(judgement).map_err(|reason| Error::Setting {
                field: "accepted",
                reason: format!("{reason} (document {document}, sentence {number})"),
            })?;
            match (judgement.evidence, decision) {
                (true, Decision::Accepted(_)) => accepted += 1,
                (true, Decision::Rejected) => rejected += 1,
                (true, Decision::Corrected(other)) if is_refined(judgement, other) => accepted += 1,
                (true, Decision::Corrected(_)) => corrected += 1,
                (true, Decision::Unseen) => unseen += 1,
                (false, decision) => missed += usize::from(decision.technique().is_some()),
            }
        }
        let seen = accepted + rejected + corrected;
        let precision = (seen > 0).then(|| wilson(accepted as u64, seen as u64, Z));
        let counts = Counts { accepted, rejected, corrected, unseen, missed, precision };
        Ok(Self { report, counts })
    }

    /// What a sentence shows by the reviewer's word, of each that shows anything: document and
    /// sentence, both counted from 0, the technique, and the sentence.
    fn shown(&self) -> impl Iterator<Item = (usize, usize, &str, &Judgement)> {
        self.report.sentences().filter_map(|(document, number, judgement)| {
            let technique = Decision::of(judgement).ok()?.technique()?;
            Some((document, number, technique, judgement))
        })
    }

    /// The techniques that the reviewer accepted or put in another's place; the one with the most
    /// sentences first. A probability is the model's, 0 where it did not think of the technique.
    pub fn techniques(&self) -> Vec<Technique> {
        let mut found: BTreeMap<&str, Vec<(f64, usize, usize)>> = BTreeMap::new();
        for (document, number, technique, judgement) in self.shown() {
            let probability = judgement.probability_of(technique);
            found.entry(technique).or_default().push((probability, document, number));
        }
        let mut techniques: Vec<Technique> = found
            .into_iter()
            .map(|(id, mut sentences)| {
                sentences.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
                let known = self.report.techniques.iter().find(|known| known.technique == id);
                Technique {
                    technique: id.to_owned(),
                    name: self.report.name_of(id).unwrap_or_default().to_owned(),
                    stix_id: known.map(|known| known.stix_id.clone()).unwrap_or_default(),
                    tactics: known.map(|known| known.tactics.clone()).unwrap_or_default(),
                    probability: sentences.first().map_or(0.0, |first| first.0),
                    evidence: sentences.iter().map(|&(_, document, at)| (document, at)).collect(),
                }
            })
            .collect();
        techniques.sort_by_key(|technique| std::cmp::Reverse(technique.evidence.len()));
        techniques
    }

    /// The sentences in which the reviewer sees a technique, as CSV with the columns `sentence` and
    /// `technique`. A profile's source takes it:
    /// `{"csv": {"path": "training.csv", "sentence": "sentence", "technique": "technique"}}`.
    /// A sentence that a spreadsheet would take for a formula has an apostrophe before it.
    ///
    /// # Errors
    /// None in practice: of the CSV library.
    pub fn training(&self) -> Result<String> {
        let rows = self.shown().map(|(_, _, technique, judgement)| {
            [judgement.sentence.text.clone(), technique.to_owned()]
        });
        csv_file::to_text(["sentence", "technique"], rows)
    }

    /// The counts in two sentences, for a terminal.
    pub fn to_text(&self) -> String {
        let Counts { accepted, rejected, corrected, unseen, missed, precision } = self.counts;
        let precision = match precision {
            None => "nobody has looked at any".to_owned(),
            Some(Estimate { value, low, high }) => format!(
                "precision {value:.3} [{low:.3}, {high:.3}] (Wilson's interval at the level 0.95)"
            ),
        };
        format!(
            "Of the sentences with evidence {accepted} accepted, {corrected} corrected, {rejected} \
             rejected, {unseen} not reviewed: {precision}.\n{missed} below the threshold show a technique \
             by the reviewer's word.\n"
        )
    }
}
