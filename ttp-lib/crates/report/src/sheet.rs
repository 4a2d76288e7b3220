//! `report.csv`: a row for each sentence that has candidates, to be read and corrected by a human.

use crate::{DocumentFindings, Judgement, Report, id};
use ttp_base::csv_file::guarded;
use ttp_base::{Error, Result};

/// The columns. Document and sentence are counted from 0, as in `report.json`; `report` tells one
/// report's rows from another's. The last two are empty: a reviewer writes `yes` or `no` into
/// `accepted`, and the right technique's id into `corrected`.
pub(crate) const COLUMNS: [&str; 14] = [
    "report",
    "document",
    "number",
    "file",
    "place",
    "sentence",
    "evidence",
    "technique",
    "name",
    "probability",
    "none",
    "alternatives",
    "accepted",
    "corrected",
];

/// Where a column stands in [`COLUMNS`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Position {
    Report = 0,
    Document = 1,
    Number = 2,
    Sentence = 5,
    Technique = 7,
    Accepted = 12,
    Corrected = 13,
}

/// The file's text.
pub(crate) fn sheet(report: &Report) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| Error::library("writing CSV")(error);
    writer.write_record(COLUMNS).map_err(failed)?;
    let of = id::of_report(report).short();
    for (document, number, judgement) in report.sentences() {
        if judgement.candidates.is_empty() {
            continue;
        }
        let row = row(report, &report.documents[document], judgement);
        let numbers = [of.clone(), document.to_string(), number.to_string()];
        writer.write_record(numbers.into_iter().chain(row.map(guarded))).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(Error::library("writing CSV"))?;
    String::from_utf8(bytes).map_err(Error::library("writing CSV"))
}

/// What stands behind the numbers.
fn row(
    report: &Report,
    read: &DocumentFindings,
    judgement: &Judgement,
) -> [String; COLUMNS.len() - 3] {
    let (first, others) = match judgement.candidates.split_first() {
        Some((first, others)) => (first.clone(), others),
        None => (crate::Candidate { technique: String::new(), probability: 0.0 }, &[][..]),
    };
    let others: Vec<String> = others
        .iter()
        .map(|other| format!("{} {:.3}", other.technique, other.probability))
        .collect();
    let accepted = match judgement.accepted {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    [
        read.document.name.clone(),
        read.place(judgement),
        judgement.sentence.text.clone(),
        if judgement.evidence { "yes" } else { "no" }.to_owned(),
        first.technique.clone(),
        report.name_of(&first.technique).unwrap_or_default().to_owned(),
        format!("{:.3}", first.probability),
        format!("{:.3}", judgement.none),
        others.join("; "),
        accepted.to_owned(),
        judgement.corrected.clone().unwrap_or_default(),
    ]
}
