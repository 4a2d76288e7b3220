//! `report.csv`: a row for each sentence that has candidates, to be read and corrected by a human.

use crate::{Judgement, Report, id};
use ttp_base::{Result, csv_file};

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
    let of = id::of_report(report).short();
    let of_candidates = report.sentences().filter(|(_, _, one)| !one.candidates.is_empty());
    csv_file::to_text(COLUMNS, of_candidates.map(|sentence| row(report, &of, sentence)))
}

/// The row of a sentence.
fn row(
    report: &Report,
    of: &str,
    (document, number, judgement): (usize, usize, &Judgement),
) -> [String; COLUMNS.len()] {
    let read = &report.documents[document];
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
        of.to_owned(),
        document.to_string(),
        number.to_string(),
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
