//! Two corpora of the same making beside each other: which rows stand in both, and why a row
//! stands in one alone.

use super::clean::normalised;
use super::{Corpus, Sentence};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};

/// Why a row of one corpus has no equal in the other; the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Apart {
    /// The other corpus knows no such technique.
    OtherTechnique,
    /// A sentence of TRAM's that the other corpus left out. Ours leaves out those that several
    /// techniques share, and those whose technique's name v10.1 does not have.
    LeftOutOfTram,
    /// The same once what stands in parentheses is taken out: one corpus was cleaned of it.
    Parentheses,
    /// Part of a longer row of the other corpus, or one of its rows with more text: the
    /// sentence was ended in another place.
    SentenceEnd,
    /// None of these: other words, as of another version of ATT&CK.
    OtherWords,
}

impl Apart {
    /// All, in the order in which they are looked at.
    pub const ALL: [Self; 5] = [
        Self::OtherTechnique,
        Self::LeftOutOfTram,
        Self::Parentheses,
        Self::SentenceEnd,
        Self::OtherWords,
    ];
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherTechnique => "a technique that the other one does not know",
            Self::LeftOutOfTram => "a sentence of TRAM's that the other one leaves out",
            Self::Parentheses => "the same but for what stands in parentheses",
            Self::SentenceEnd => "the sentence begins or ends in another place",
            Self::OtherWords => "other words",
        })
    }
}

/// A row that stands in one corpus alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lone {
    /// Its number in its corpus, from 0.
    pub row: usize,
    /// Why.
    pub reason: Apart,
}

/// What two corpora share. Texts are compared as [`normalised`]: case, spacing and punctuation
/// set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// Rows of the first corpus whose text the second has.
    pub rows: usize,
    /// Different texts that both have.
    pub texts: usize,
    /// Of these the ones that have a technique in common.
    pub same_technique: usize,
    /// Rows of the first whose text the second has not.
    pub only_first: Vec<Lone>,
    /// Rows of the second whose text the first has not.
    pub only_second: Vec<Lone>,
}

impl Overlap {
    /// Compares two corpora; `tram` are TRAM's texts, as far as they are at hand.
    pub fn of(first: &Corpus, second: &Corpus, tram: &[String]) -> Self {
        let (first, second) = (Side::of(first), Side::of(second));
        let common: Vec<(&String, &BTreeSet<&str>)> =
            first.techniques.iter().filter(|(text, _)| second.has(text)).collect();
        let agree = |(text, techniques): &&(&String, &BTreeSet<&str>)| {
            second.techniques.get(*text).is_some_and(|others| !others.is_disjoint(techniques))
        };
        let tram: HashSet<String> = tram.iter().map(|text| normalised(text)).collect();
        Self {
            rows: first.texts.iter().filter(|text| second.has(text)).count(),
            texts: common.len(),
            same_technique: common.iter().filter(agree).count(),
            only_first: first.alone(&second, &tram),
            only_second: second.alone(&first, &tram),
        }
    }

    /// How many rows stand in one corpus alone, by reason.
    pub fn reasons(lone: &[Lone]) -> BTreeMap<Apart, usize> {
        let mut counts = BTreeMap::new();
        lone.iter().for_each(|lone| *counts.entry(lone.reason).or_insert(0) += 1);
        counts
    }

    /// The counts as a table: `paper` is the first corpus, the paper's rows, `ours` the second.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self, paper: &Corpus, ours: &Corpus) -> Result<Table> {
        let mut table = Table::new(["", "count", "share"]);
        let share = |count: usize, of: usize| Cell::share(count as f64 / of as f64);
        let (rows, texts, alone) = (paper.len(), self.texts, self.only_second.len());
        table.push(cells!["the paper's rows", rows, Cell::Empty])?;
        table.push(cells!["  of these in ours too", self.rows, share(self.rows, rows)])?;
        table.push(cells!["texts that both have", texts, Cell::Empty])?;
        let agree = self.same_technique;
        table.push(cells!["  of these under the same technique", agree, share(agree, texts)])?;
        table.push(cells!["our rows", ours.len(), Cell::Empty])?;
        table.push(cells!["  of these not in the paper's", alone, share(alone, ours.len())])?;
        Ok(table)
    }

    /// The first `n` rows of each reason in each corpus, as a table; corpora as of
    /// [`table`](Self::table).
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn examples_table(&self, paper: &Corpus, ours: &Corpus, n: usize) -> Result<Table> {
        let mut table = Table::new(["stands only in", "why", "technique", "sentence"]);
        for (side, corpus, lone) in
            [("the paper's", paper, &self.only_first), ("ours", ours, &self.only_second)]
        {
            for (reason, sentence) in Self::examples(lone, corpus, n) {
                let Sentence { technique, text, .. } = sentence;
                table.push(cells![side, reason.to_string(), technique, text])?;
            }
        }
        Ok(table)
    }

    /// The first `n` rows of each reason; `corpus` is the one that they are of.
    pub fn examples<'c>(lone: &[Lone], corpus: &'c Corpus, n: usize) -> Vec<(Apart, &'c Sentence)> {
        let of = |reason| lone.iter().filter(move |lone| lone.reason == reason).take(n);
        let rows = Apart::ALL.into_iter().flat_map(of);
        rows.map(|lone| (lone.reason, &corpus.sentences[lone.row])).collect()
    }
}

/// The shortest text, in words, that counts as a sentence of its own inside a longer one.
const SENTENCE_WORDS: usize = 4;

/// One corpus, its texts normalised once.
struct Side<'c> {
    corpus: &'c Corpus,
    texts: Vec<String>,
    techniques: HashMap<String, BTreeSet<&'c str>>,
}

impl<'c> Side<'c> {
    fn of(corpus: &'c Corpus) -> Self {
        let texts: Vec<String> = corpus.sentences.iter().map(|s| normalised(&s.text)).collect();
        let mut techniques: HashMap<String, BTreeSet<&str>> = HashMap::new();
        for (text, sentence) in texts.iter().zip(&corpus.sentences) {
            techniques.entry(text.clone()).or_default().insert(&sentence.technique);
        }
        Self { corpus, texts, techniques }
    }

    fn has(&self, text: &str) -> bool {
        self.techniques.contains_key(text)
    }

    /// The rows whose text the other has not, each with the first reason that holds.
    fn alone(&self, other: &Self, tram: &HashSet<String>) -> Vec<Lone> {
        let known: HashSet<&str> = other.techniques.values().flatten().copied().collect();
        let bare_texts = |side: &Self| -> HashSet<String> {
            side.corpus
                .sentences
                .iter()
                .map(|s| normalised(&without_parentheses(&s.text)))
                .collect()
        };
        let bare_others = bare_texts(other);
        // Each text between blanks, so that whole words are found.
        let spaced = |text: &str| format!(" {text} ");
        let all_others: String = other.texts.iter().map(|text| format!(" {text} \n")).collect();
        let others_alone: Vec<String> = other
            .texts
            .iter()
            .filter(|text| !self.has(text) && text.split(' ').count() >= SENTENCE_WORDS)
            .map(|text| spaced(text))
            .collect();
        let reason = |text: &String, sentence: &Sentence| {
            let bare = normalised(&without_parentheses(&sentence.text));
            if !known.contains(sentence.technique.as_str()) {
                Apart::OtherTechnique
            } else if tram.contains(text) {
                Apart::LeftOutOfTram
            } else if other.has(&bare) || bare_others.contains(text) || bare_others.contains(&bare)
            {
                Apart::Parentheses
            } else if all_others.contains(&spaced(text))
                || others_alone.iter().any(|part| spaced(text).contains(part))
            {
                Apart::SentenceEnd
            } else {
                Apart::OtherWords
            }
        };
        let rows = self.texts.iter().zip(&self.corpus.sentences).enumerate();
        rows.filter(|(_, (text, _))| !other.has(text))
            .map(|(row, (text, sentence))| Lone { row, reason: reason(text, sentence) })
            .collect()
    }
}

/// A text without what stands in parentheses; the innermost pairs alone, as cleaning by a
/// regular expression takes them.
fn without_parentheses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(close) = rest.find(')') {
        match rest[..close].rfind('(') {
            Some(open) => {
                out.push_str(&rest[..open]);
                out.push(' ');
            }
            None => out.push_str(&rest[..=close]),
        }
        rest = &rest[close + 1..];
    }
    out + rest
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn corpus(rows: &[(&str, &str)]) -> Corpus {
        let sentence = |&(technique, text): &(&str, &str)| Sentence {
            technique: technique.to_owned(),
            subtechnique: None,
            name: technique.to_owned(),
            text: text.to_owned(),
            source_id: "test".to_owned(),
        };
        Corpus { sentences: rows.iter().map(sentence).collect() }
    }

    #[test]
    fn rows_are_found_in_both_or_have_a_reason() {
        let theirs = corpus(&[
            ("T1", "It ran a script."),
            ("T1", "it RAN a script"),
            ("T2", "It read the registry"),
            ("T1", "Remote access Trojans  for its operations."),
            ("T2", "It listed all files. Then it left the host."),
            ("T9", "It sent a short message."),
            ("T1", "It took a screenshot of the desktop"),
            ("T1", "UNC1 ran a script at night."),
            ("T2", "left early"),
        ]);
        let ours = corpus(&[
            ("T1", "It ran a script"),
            ("T1", "It read the registry."),
            ("T1", "Remote access Trojans (RATs) for its operations."),
            ("T2", "It listed all files."),
            ("T2", "Then it left the host."),
            ("T2", "APT1 ran a script at night."),
        ]);
        let tram = ["It took a screenshot of the desktop.".to_owned()];
        let overlap = Overlap::of(&theirs, &ours, &tram);
        assert_eq!((overlap.rows, overlap.texts, overlap.same_technique), (3, 2, 1));
        let text = overlap.table(&theirs, &ours).unwrap().to_text();
        let counts: Vec<&str> = text
            .lines()
            .flat_map(str::split_whitespace)
            .filter(|w| w.parse::<u8>().is_ok())
            .collect();
        assert_eq!(counts, ["9", "3", "2", "1", "6", "4"], "{text}");
        let text = overlap.examples_table(&theirs, &ours, 1).unwrap().to_text();
        assert!(text.contains("UNC1 ran a script at night."), "{text}");
        assert_eq!(theirs.techniques_over(3), ["T1"]);
        let reasons = |lone: &[Lone]| lone.iter().map(|l| (l.row, l.reason)).collect::<Vec<_>>();
        assert_eq!(
            reasons(&overlap.only_first),
            [
                (3, Apart::Parentheses),
                (4, Apart::SentenceEnd),
                (5, Apart::OtherTechnique),
                (6, Apart::LeftOutOfTram),
                (7, Apart::OtherWords),
                (8, Apart::OtherWords),
            ]
        );
        assert_eq!(
            reasons(&overlap.only_second),
            [
                (2, Apart::Parentheses),
                (3, Apart::SentenceEnd),
                (4, Apart::SentenceEnd),
                (5, Apart::OtherWords),
            ]
        );
        assert_eq!(Overlap::reasons(&overlap.only_first)[&Apart::OtherWords], 2);
        assert_eq!(Overlap::reasons(&overlap.only_second).values().sum::<usize>(), 4);
    }

    #[test]
    fn parentheses_are_taken_out_and_odd_ones_stay() {
        assert_eq!(without_parentheses("a (b) c"), "a   c");
        assert_eq!(without_parentheses("a) b"), "a) b");
        assert_eq!(without_parentheses("a (b"), "a (b");
        assert_eq!(without_parentheses("a (b (c) d) e"), "a (b   d) e");
    }
}
