//! What notebook 01 leaves behind: where a corpus's rows come from, what was left out, and what it
//! has in common with the paper's own rows.

use super::build::{CorpusBuild, DropCount};
use super::overlap::{Apart, Overlap};
use super::{Corpus, Sentence};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells, files};

/// A corpus and the account of its making: a file `results/corpus.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorpusResults {
    /// The source's name.
    pub source: String,
    /// Sentences that were read.
    pub sentences_read: usize,
    /// Rows that the source gives.
    pub rows_of_source: usize,
    /// Rows of this run: all of them, or a part.
    pub rows: usize,
    /// Techniques of these rows.
    pub techniques: usize,
    /// What was left out, by its reason.
    pub left_out: Vec<DropCount>,
    /// Rows by the kind of text that they come from.
    pub origins: BTreeMap<&'static str, usize>,
}

impl CorpusResults {
    /// Counts the rows of `corpus`, which is all or a part of what was built from `source`.
    pub fn new(source: &str, built: &CorpusBuild, corpus: &Corpus) -> Self {
        let mut origins = BTreeMap::new();
        for sentence in &corpus.sentences {
            *origins.entry(origin(sentence)).or_insert(0) += 1;
        }
        Self {
            source: source.to_owned(),
            sentences_read: built.candidates,
            rows_of_source: built.corpus.len(),
            rows: corpus.len(),
            techniques: corpus.counts().len(),
            left_out: built.dropped.clone(),
            origins,
        }
    }

    /// How many rows come from which kind of text.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn origins_table(&self) -> Result<Table> {
        let mut table = Table::new(["origin", "rows", "fraction"]);
        for (&origin, &rows) in &self.origins {
            table.push(cells![origin, rows, Cell::share(rows as f64 / self.rows as f64)])?;
        }
        Ok(table)
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}

/// The kind of text that a row comes from, by the id of the object that it was read from.
fn origin(sentence: &Sentence) -> &'static str {
    match sentence.source_id.split(['-', ':']).next() {
        Some("attack") => "a technique's own description",
        Some("relationship") => "a procedure example of malware or a group",
        Some("tram") => "TRAM v1, labelled by analysts",
        _ => "a CSV file, of one's own or of the hub",
    }
}

/// The paper's own rows beside the corpus rebuilt from MITRE's files: a file
/// `results/paper_rows.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaperRowsResults {
    /// The paper's techniques with more than 500 rows.
    pub over_500: Vec<String>,
    /// Rows that another source would have lost, and that are kept because the paper had them.
    pub kept_all_the_same: Vec<DropCount>,
    /// What the rows are compared with.
    pub compared_with: RebuiltCorpus,
    /// Rows of the paper's whose text the rebuilt corpus has.
    pub in_ours_too: usize,
    /// Different texts that both have.
    pub texts_in_both: usize,
    /// Those of them that have a technique in common.
    pub texts_of_the_same_technique: usize,
    /// Rows that only the paper has, by the reason.
    pub only_theirs: BTreeMap<Apart, usize>,
    /// Rows that only the rebuilt corpus has, by the reason.
    pub only_ours: BTreeMap<Apart, usize>,
}

/// The corpus that the paper's rows are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RebuiltCorpus {
    /// Its rows.
    pub rows: usize,
    /// Whether it has TRAM v1's sentences.
    pub tram_v1: bool,
}

impl PaperRowsResults {
    /// Puts together what was found in comparing the two.
    pub fn new(paper: &CorpusBuild, overlap: &Overlap, compared_with: RebuiltCorpus) -> Self {
        Self {
            over_500: paper.corpus.techniques_over(500),
            kept_all_the_same: paper.kept_all_the_same.clone(),
            compared_with,
            in_ours_too: overlap.rows,
            texts_in_both: overlap.texts,
            texts_of_the_same_technique: overlap.same_technique,
            only_theirs: Overlap::reasons(&overlap.only_first),
            only_ours: Overlap::reasons(&overlap.only_second),
        }
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn corpus(ids: &[(&str, &str)]) -> Corpus {
        let sentence = |(at, (id, technique)): (usize, &(&str, &str))| Sentence {
            technique: (*technique).to_owned(),
            subtechnique: None,
            name: String::new(),
            text: format!("sentence number {at}"),
            source_id: (*id).to_owned(),
        };
        Corpus { sentences: ids.iter().enumerate().map(sentence).collect() }
    }

    #[test]
    fn rows_are_counted_by_the_object_that_they_were_read_from() {
        let rows = [("attack-pattern--1", "T1"), ("relationship--2", "T1"), ("tram:3", "T2")];
        let corpus = corpus(&[rows[0], rows[1], rows[1], rows[2], ("row 5", "T3")]);
        let built = CorpusBuild {
            corpus: corpus.clone(),
            candidates: 9,
            dropped: Vec::new(),
            kept_all_the_same: Vec::new(),
            notes: Vec::new(),
        };
        let results = CorpusResults::new("mine", &built, &corpus);
        assert_eq!((results.sentences_read, results.rows, results.techniques), (9, 5, 3));
        assert_eq!(results.origins["a procedure example of malware or a group"], 2);
        assert_eq!(results.origins.into_values().collect::<Vec<_>>(), [1, 1, 2, 1]);

        let overlap = Overlap::of(&corpus, &self::corpus(&[rows[0]]), &[]);
        let with = RebuiltCorpus { rows: 1, tram_v1: false };
        let own = PaperRowsResults::new(&built, &overlap, with);
        assert_eq!((own.in_ours_too, own.texts_of_the_same_technique), (1, 1));
        assert_eq!(own.only_theirs.values().sum::<usize>(), 4);
        let json = serde_json::to_value(&own).unwrap();
        assert_eq!(json["compared_with"], serde_json::json!({ "rows": 1, "tram_v1": false }));
    }
}
