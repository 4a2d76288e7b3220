//! Tables for notebooks and terminals: a document's blocks, a report's techniques.

use super::title;
use crate::Report;
use std::collections::BTreeMap;
use ttp_base::cells;
use ttp_base::show::{Table, harmless};
use ttp_documents::{Block, Document, Kind};

/// The most characters of a file's name beside a place in it.
const FILE: usize = 32;

/// Kinds of blocks: what they are called, and why they are read or left out.
const KINDS: [(Kind, &str, &str); 8] = [
    (Kind::Prose, "prose", "read: its sentences may describe what was done"),
    (Kind::Heading, "headings", "left out: a title is no sentence"),
    (Kind::Navigation, "navigation", "left out: menus, dates and notices belong to the page"),
    (Kind::Reference, "references", "left out: they name other texts"),
    (
        Kind::Indicators,
        "indicators",
        "left out: hashes and addresses do not describe what was done",
    ),
    (Kind::Table, "other tables", "left out: their cells are no sentences"),
    (Kind::Code, "code", "left out: the model has learned from sentences alone"),
    (Kind::Hidden, "hidden text", "left out: the document does not show it"),
];

/// What a file of [`write`](super::write)'s is for; nothing where it is none of them.
pub fn purpose(name: &str) -> &'static str {
    match name {
        "report.json" => "programs, and a review",
        "report.csv" => "a review in a spreadsheet",
        "layer.json" => "the ATT&CK Navigator",
        "bundle.json" => "whatever reads STIX 2.1",
        "report.html" => "a reader with a browser",
        _ => "",
    }
}

/// The blocks of a document, a row for each kind of them: how many there are, why they are read or
/// left out, and the first one.
pub fn blocks(document: &Document) -> Table {
    let mut of_kind: BTreeMap<Kind, Vec<&Block>> = BTreeMap::new();
    for block in &document.blocks {
        of_kind.entry(block.kind).or_default().push(block);
    }
    let mut table = Table::new(["blocks", "number", "read or left out", "the first of them"])
        .caption(format!("{}, {}", document.name, document.format.name()))
        .limits(120, 48);
    for (kind, blocks) in of_kind {
        let known = KINDS.iter().find(|(known, ..)| *known == kind);
        let name = known.map_or_else(|| format!("{kind:?}"), |(_, name, _)| (*name).to_owned());
        let why = known.map_or("left out", |(.., why)| why);
        let first = blocks.first().map(|block| &block.text);
        // As many cells as there are headers.
        _ = table.push(cells![name, blocks.len(), why, first]);
    }
    table
}

/// The techniques of a report, surest first, each with its surest sentence and where that stands. A
/// long sentence is cut; its place has a column of its own, in which the page stands before the file.
pub fn techniques(report: &Report) -> Table {
    let mut table =
        Table::new(["technique", "name", "sentences", "probability", "where", "surest evidence"])
            .caption(title(report))
            .limits(160, 72);
    for technique in &report.techniques {
        let surest = technique.evidence.first().and_then(|&(document, sentence)| {
            let (read, judgement) = report.sentence(document, sentence)?;
            let place = match report.documents.len() {
                1 => read.place(judgement),
                _ => format!("{}, {}", read.place(judgement), harmless(&read.document.name, FILE)),
            };
            Some((place, judgement.sentence.text.as_str()))
        });
        let (place, surest) = surest.unzip();
        // As many cells as there are headers.
        _ = table.push(cells![
            &technique.technique,
            &technique.name,
            technique.evidence.len(),
            technique.probability,
            place,
            surest,
        ]);
    }
    table
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::outputs::tests::sample;

    #[test]
    fn blocks_are_counted_by_kind_and_the_first_is_shown_defanged() {
        let text = blocks(&sample().documents[0].document).to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "river report.pdf, PDF");
        assert!(lines[3].starts_with("prose            1  read: "), "{text}");
        assert!(lines[5].starts_with("indicators       2  left out: hashes"), "{text}");
        assert!(lines[5].ends_with("evil[.]example[.]com 203[.]0[.]113[.]9"), "{text}");
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn a_long_sentence_is_cut_and_its_place_stays() {
        let mut report = sample();
        let long = "The actor ran it on all hosts of the victim. ".repeat(20);
        report.documents[0].sentences[0].sentence.text = long.clone();
        report.documents[0].document.name = format!("{}.pdf", "river".repeat(40));
        let row = |report: &Report| {
            let text = techniques(report).to_text();
            text.lines().find(|line| line.starts_with("T1059.001")).unwrap().to_owned()
        };
        let of_two = row(&report);
        let cut = "  page 1, riverriverriverriverriverriverr…  The actor ran it on all hosts";
        assert!(of_two.contains(cut), "{of_two}");
        assert!(of_two.ends_with('…'), "{of_two}");
        report.documents.truncate(1);
        for technique in &mut report.techniques {
            technique.evidence.retain(|(document, _)| *document == 0);
        }
        let of_one = row(&report);
        assert!(of_one.contains("  page 1  The actor ran it"), "{of_one}");
        assert!(of_one.ends_with('…'), "{of_one}");
        let html = techniques(&report).to_html();
        assert!(html.contains(">page 1</td>"), "{html}");
        assert!(!html.contains(long.trim()));
    }

    #[test]
    fn every_file_that_is_written_has_a_purpose() {
        assert!(crate::outputs::NAMES.iter().all(|name| !purpose(name).is_empty()));
        assert_eq!(purpose("review.json"), "");
    }

    #[test]
    fn every_kind_has_a_name_and_a_reason() {
        let mut document = sample().documents[0].document.clone();
        let kinds = [Kind::Prose, Kind::Heading, Kind::Navigation, Kind::Reference];
        let kinds = kinds.into_iter().chain([Kind::Indicators, Kind::Table, Kind::Code]);
        let block = |kind| Block { page: None, kind, text: "a".to_owned() };
        document.blocks = kinds.map(block).collect();
        let text = blocks(&document).to_text();
        assert_eq!(text.matches("  1  read: ").count(), 1, "{text}");
        assert_eq!(text.matches("  1  left out: ").count(), 6, "{text}");
    }
}
