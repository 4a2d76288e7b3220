//! What a report is shown and written as.
//!
//! | file | for |
//! |---|---|
//! | `report.json` | programs, and a reviewer; [`schema()`] describes it |
//! | `report.csv` | a reviewer with a spreadsheet: a row for each sentence |
//! | `layer.json` | the ATT&CK Navigator |
//! | `bundle.json` | whatever reads STIX 2.1 |
//! | `report.html` | a reader with a browser |
//!
//! Sentences are the corpus of an attacker as much as of an analyst. What is looked at (table, page,
//! layer, the notes of a bundle) has them defanged and free of control characters. `report.json` and
//! `report.csv` come back from a reviewer and are trained on, so they hold them as they were read;
//! in the CSV no cell begins as a formula does.

mod layer;
mod page;
pub(crate) mod reviewed;
mod stix;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
pub(crate) mod tests;

use layer::{LayerScore, layer};
pub use page::page;
pub use tables::{blocks, purpose, techniques};

use crate::{DocumentFindings, Report, sheet};
use schemars::r#gen::SchemaSettings;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use ttp_base::show::{defang, grouped, terminal_safe};
use ttp_base::spelling::is_technique_id;
use ttp_base::{Error, Result, files};
use ttp_documents::Kind;

/// The files that [`write`] makes.
const NAMES: [&str; 5] = ["report.json", "report.csv", "layer.json", "bundle.json", "report.html"];

/// Any text, to be looked at: defanged, on one line, free of what acts unseen.
fn safe(text: &str) -> String {
    terminal_safe(&defang(text))
}

/// `a.pdf`, or `a.pdf and 2 more`.
fn title(report: &Report) -> String {
    match report.documents.as_slice() {
        [] => "no document".to_owned(),
        [one] => one.document.name.clone(),
        [first, more @ ..] => format!("{} and {} more", first.document.name, more.len()),
    }
}

/// `1 sentence`, `12 sentences`.
fn counted(count: usize, what: &str) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{} {what}{many}", grouped(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// What a sentence that counts as evidence is worth, in a sentence.
fn trust(report: &Report) -> String {
    let model = &report.model;
    format!(
        "On the model's validation sentences {:.0} % of those from a probability of {:.2} on were \
         right, and they were {:.0} % of all that there was to find; real reports are harder.",
        100.0 * model.measured_precision,
        model.threshold,
        100.0 * model.measured_recall
    )
}

/// Which blocks are no prose, by kind: `4 blocks of indicators, 1 block of references`.
fn left_out(read: &DocumentFindings) -> Option<String> {
    let kinds = [
        (Kind::Navigation, "navigation"),
        (Kind::Reference, "references"),
        (Kind::Indicators, "indicators"),
        (Kind::Table, "other tables"),
        (Kind::Code, "code"),
        (Kind::Hidden, "hidden text"),
    ];
    let counts = kinds.map(|(kind, name)| {
        (read.document.blocks.iter().filter(|block| block.kind == kind).count(), name)
    });
    let said = counts.iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> =
        said.map(|(count, name)| format!("{} of {name}", counted(*count, "block"))).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// How many sentences of a document show a technique.
fn shown_by(read: &DocumentFindings) -> usize {
    read.sentences.iter().filter(|judgement| judgement.evidence).count()
}

/// A table for a terminal: a technique a line, surest first, with its surest sentence; below it what
/// a reader should know of the documents and of the model.
pub fn table(report: &Report) -> String {
    let table = techniques(report);
    let sentences = report.sentences().count();
    let mut out = String::new();
    if sentences == 0 {
        let title = safe(&title(report));
        _ = writeln!(out, "{title}: no sentence of prose was found to ask about.");
    } else if table.is_empty() {
        _ = writeln!(
            out,
            "{}: no sentence shows a technique with a probability of {:.2} or more.",
            safe(&title(report)),
            report.model.threshold
        );
    } else {
        out.push_str(&table.to_text());
    }
    if sentences > 0 {
        let evidence: usize = report.documents.iter().map(shown_by).sum();
        _ = writeln!(
            out,
            "\n{} of {} of prose {} a technique. {}",
            grouped(i64::try_from(evidence).unwrap_or(i64::MAX)),
            counted(sentences, "sentence"),
            if evidence == 1 { "shows" } else { "show" },
            trust(report)
        );
    }
    for read in &report.documents {
        if report.documents.len() > 1 {
            let (name, all) = (safe(&read.document.name), read.sentences.len());
            _ = writeln!(out, "{name}: {} of {}", shown_by(read), counted(all, "sentence"));
        }
        if let Some(left_out) = left_out(read) {
            _ = writeln!(out, "{}: not read: {left_out}", safe(&read.document.name));
        }
        for note in &read.document.notes {
            _ = writeln!(out, "note: {}: {}", safe(&read.document.name), safe(note));
        }
    }
    // Of the others a reader of this report need not know.
    let found = |id: &str| report.techniques.iter().any(|technique| technique.technique == id);
    for change in &report.label_changes {
        match change.to.as_deref() {
            Some(to) if !found(to) => {}
            Some(to) if to == change.from => {
                _ = writeln!(out, "{}: {}", safe(to), safe(&change.why));
            }
            Some(to) => {
                _ = writeln!(out, "{} → {}: {}", safe(&change.from), safe(to), safe(&change.why));
            }
            None => {}
        }
    }
    out
}

/// The JSON schema (draft 7) of `report.json`; `schema.json` beside the crate's manifest is the same.
pub fn schema() -> Value {
    let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Report>();
    // A schema is JSON.
    let mut schema = serde_json::to_value(schema).unwrap_or_default();
    on_one_line(&mut schema);
    schema
}

/// Descriptions come from comments, which are broken into lines.
fn on_one_line(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" => {
                        *text = text.replace('\n', " ");
                    }
                    value => on_one_line(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(on_one_line),
        _ => {}
    }
}

/// Writes `report.json`, `report.csv`, `layer.json`, `bundle.json` and `report.html` into a folder,
/// and returns where they are. All five are made before the first is put in its place; a folder that
/// is not there yet appears with all of them. Other files in the folder stay as they are.
///
/// # Errors
/// If the time of the report is no time, a probability is no number, one of the files would be
/// written over a document that was read or holds a reviewer's decisions, or the disk refuses. What
/// was there before stays.
pub fn write(report: &Report, folder: &Path) -> Result<Vec<PathBuf>> {
    check(report)?;
    let whole = serde_json::to_value(report).map_err(Error::library("writing JSON"))?;
    let layer = layer(report, &report.techniques, LayerScore::Probability);
    let contents = [
        json(&whole)?,
        sheet::sheet(report)?,
        json(&layer)?,
        json(&stix::bundle(report))?,
        page(report),
    ];
    refuse_documents(report, folder)?;
    crate::review::refuse_decisions(folder)?;
    put(folder, NAMES.iter().zip(contents))
}

/// A value as a file's text.
fn json(value: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(Error::library("writing JSON"))
}

/// Puts files into a folder: all are written beside their places first, then renamed; if one cannot
/// be, all are as they were.
fn put<'a>(
    folder: &Path,
    contents: impl IntoIterator<Item = (&'a &'a str, String)>,
) -> Result<Vec<PathBuf>> {
    let contents: Vec<(&str, String)> =
        contents.into_iter().map(|(name, content)| (*name, content)).collect();
    let paths: Vec<PathBuf> = contents.iter().map(|(name, _)| folder.join(name)).collect();
    let write_into = |place: &Path| {
        let mut all = contents.iter();
        all.try_for_each(|(name, content)| files::write_text(&place.join(name), content))
    };
    if !folder.exists() {
        files::write_folder(folder, write_into)?;
        return Ok(paths);
    }
    if !folder.is_dir() {
        return Err(Error::input(folder, "is a file, and a folder is needed"));
    }
    if let Some(path) = paths.iter().find(|path| path.is_dir()) {
        return Err(Error::input(path, "is a folder, and a file is to be written there"));
    }
    let names: Vec<&str> = contents.iter().map(|(name, _)| *name).collect();
    files::write_together(folder, &names, write_into)?;
    Ok(paths)
}

/// Refuses to write over a document that was read: it is known by its content.
fn refuse_documents(report: &Report, folder: &Path) -> Result<()> {
    for path in NAMES.map(|name| folder.join(name)) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        let same = |read: &&DocumentFindings| read.document.sha256.eq_ignore_ascii_case(&hash);
        if let Some(read) = report.documents.iter().find(same) {
            let reason = format!("would be written over {}, which is read", read.document.name);
            return Err(Error::input(&path, reason));
        }
    }
    Ok(())
}

/// Refuses what a file could not say: JSON has no infinity, and STIX no other times.
fn check(report: &Report) -> Result<()> {
    let wrong = |field, reason: String| Err(Error::Setting { field, reason });
    if !is_time(&report.created) {
        let given = &report.created;
        return wrong("created", format!("{given:?} is no time such as 2026-03-01T09:30:00Z"));
    }
    let model = &report.model;
    let measured =
        [model.precision, model.threshold, model.measured_precision, model.measured_recall];
    let share = |value: &f64| (0.0..=1.0).contains(value);
    if let Some(value) = measured.iter().find(|value| !share(value)) {
        return wrong("model", format!("{value} is not from 0 to 1"));
    }
    for (document, sentence, judgement) in report.sentences() {
        let probabilities = judgement.candidates.iter().map(|candidate| candidate.probability);
        if let Some(value) = probabilities.chain([judgement.none]).find(|value| !share(value)) {
            let reason =
                format!("{value} is not from 0 to 1 (document {document}, sentence {sentence})");
            return wrong("probability", reason);
        }
        if let Some(near) = judgement.similar.iter().find(|near| !near.cosine.is_finite()) {
            return wrong("cosine", format!("{} is no number", near.cosine));
        }
    }
    for technique in &report.techniques {
        if !share(&technique.probability) {
            return wrong("probability", format!("{} is not from 0 to 1", technique.probability));
        }
        if !is_technique_id(&technique.technique) {
            let reason = format!("{:?} is no technique's id in ATT&CK", technique.technique);
            return wrong("technique", reason);
        }
    }
    Ok(())
}

/// Whether this is a time in UTC as RFC 3339 writes it, perhaps with parts of a second.
fn is_time(text: &str) -> bool {
    let Some(text) = text.strip_suffix('Z') else { return false };
    let (whole, parts) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let shape = whole.len() == 19
        && whole.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        });
    let number = |at: usize| whole.get(at..at + 2).and_then(|two| two.parse::<u32>().ok());
    let within = |at, low, high| number(at).is_some_and(|n| (low..=high).contains(&n));
    let long = match number(5) {
        Some(4 | 6 | 9 | 11) => 30,
        Some(2) => 29,
        _ => 31,
    };
    shape
        && digits(parts)
        && within(5, 1, 12)
        && within(8, 1, long)
        && within(11, 0, 23)
        && within(14, 0, 59)
        && within(17, 0, 59)
}
