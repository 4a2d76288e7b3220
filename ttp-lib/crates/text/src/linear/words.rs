//! Texts as sparse rows of word and character n-grams, as scikit-learn's vectorizers make them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

/// A sparse row: columns, ascending, each with its value.
pub type Row = Vec<(u32, f64)>;

/// Texts whose n-grams are collected together before they go into the vocabulary.
const TEXTS_AT_ONCE: usize = 256;

/// What is counted in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grams {
    /// Words: runs of at least two letters, digits and underscores, lower-case (the token pattern
    /// `(?u)\b\w\w+\b`). An n-gram is n words that follow each other, a space between them.
    Words,
    /// Characters within a word and the space on either side of it (analyzer `char_wb`). Words are
    /// here what stands between white space, lower-case, with their punctuation.
    Characters,
}

impl fmt::Display for Grams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Words => "word",
            Self::Characters => "characters",
        })
    }
}

/// How a count becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// The count itself (`CountVectorizer`).
    Counts,
    /// Count × inverse document frequency `ln((1 + n) / (1 + df)) + 1`, n texts of which df hold
    /// the n-gram; then the row is scaled to length 1 (`TfidfVectorizer` with its defaults).
    Tfidf {
        /// Takes `1 + ln(count)` for the count.
        sublinear: bool,
    },
}

/// What a vectorizer is to learn: which n-grams, of how many parts, and how they weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vectorizer {
    /// Words or characters.
    pub grams: Grams,
    /// The shortest n-grams, in words or characters; at least 1.
    pub shortest: usize,
    /// The longest.
    pub longest: usize,
    /// How counts become values.
    pub weighting: Weighting,
}

impl Vectorizer {
    /// Calls `take` with each n-gram of a text, as often as it is there.
    fn each(&self, text: &str, mut take: impl FnMut(&str)) {
        let lower = text.to_lowercase();
        let (joined, words) = match self.grams {
            Grams::Words => joined(tokens(&lower)),
            Grams::Characters => joined(lower.split(is_space).filter(|word| !word.is_empty())),
        };
        match self.grams {
            Grams::Words => {
                for n in self.shortest..=self.longest {
                    words.windows(n).for_each(|run| take(&joined[run[0].0..run[n - 1].1]));
                }
            }
            Grams::Characters => {
                let mut bounds = Vec::new();
                for (start, end) in words {
                    // With the space on either side.
                    let word = &joined[start - 1..end + 1];
                    bounds.clear();
                    bounds.extend(word.char_indices().map(|(at, _)| at));
                    bounds.push(word.len());
                    for n in self.shortest..=self.longest {
                        if n + 1 >= bounds.len() {
                            // A word that is no longer than n is counted once, and for no longer n.
                            take(word);
                            break;
                        }
                        bounds.windows(n + 1).for_each(|run| take(&word[run[0]..run[n]]));
                    }
                }
            }
        }
    }

    /// Learns the vocabulary of some texts, and how many of them hold each n-gram. Also gives
    /// these texts' rows.
    pub fn fit<S: AsRef<str> + Sync>(self, texts: &[S]) -> (TermVocabulary, Vec<Row>) {
        let sets: Vec<HashSet<String>> = texts
            .par_chunks(TEXTS_AT_ONCE)
            .map(|texts| {
                let mut terms = HashSet::new();
                for text in texts {
                    self.each(text.as_ref(), |term| {
                        if !terms.contains(term) {
                            terms.insert(term.to_owned());
                        }
                    });
                }
                terms
            })
            .collect();
        let mut terms: Vec<String> = sets.into_iter().flatten().collect();
        // UTF-8 is in the order of the code points, as Python's strings are.
        terms.par_sort_unstable();
        terms.dedup();
        let mut vocabulary = TermVocabulary::new(self, terms, Vec::new());
        let mut rows: Vec<Row> =
            texts.par_iter().map(|text| vocabulary.counts(text.as_ref())).collect();
        if let Weighting::Tfidf { .. } = self.weighting {
            let mut frequency = vec![0_u32; vocabulary.len()];
            rows.iter().flatten().for_each(|&(term, _)| frequency[term as usize] += 1);
            let inverse = |&df: &u32| ((1 + texts.len()) as f64 / f64::from(1 + df)).ln() + 1.0;
            vocabulary.idf = frequency.iter().map(inverse).collect();
        }
        rows.par_iter_mut().for_each(|row| vocabulary.weigh(row));
        (vocabulary, rows)
    }
}

/// The n-grams that a [`Vectorizer`] has met, each a column.
#[derive(Debug, Clone, PartialEq)]
pub struct TermVocabulary {
    vectorizer: Vectorizer,
    terms: Vec<String>,
    columns: HashMap<String, u32>,
    /// Of each column; empty where counts are taken as they are.
    idf: Vec<f64>,
}

impl TermVocabulary {
    /// From what was saved: the n-grams in ascending order, and the inverse document frequency of
    /// each, or none where counts are taken as they are.
    pub(super) fn new(vectorizer: Vectorizer, terms: Vec<String>, idf: Vec<f64>) -> Self {
        let columns = terms.iter().cloned().zip(0..).collect();
        Self { vectorizer, terms, columns, idf }
    }

    /// The same without the n-grams that fewer than `least` of its texts have. The others keep
    /// their inverse document frequencies.
    pub(super) fn of_at_least<S: AsRef<str> + Sync>(self, least: usize, texts: &[S]) -> Self {
        if least <= 1 {
            return self;
        }
        let rows: Vec<Row> = texts.par_iter().map(|text| self.counts(text.as_ref())).collect();
        let mut frequency = vec![0_usize; self.len()];
        rows.iter().flatten().for_each(|&(term, _)| frequency[term as usize] += 1);
        let kept = |at: &usize| frequency[*at] >= least;
        let idf = if self.idf.is_empty() {
            Vec::new()
        } else {
            (0..self.len()).filter(kept).map(|at| self.idf[at]).collect()
        };
        let terms = self.terms.into_iter().zip(0..).filter(|(_, at)| kept(at));
        Self::new(self.vectorizer, terms.map(|(term, _)| term).collect(), idf)
    }

    /// What it was learnt with.
    pub fn vectorizer(&self) -> Vectorizer {
        self.vectorizer
    }

    /// The n-grams, in ascending order of code points: column `i` is the `i`-th.
    pub fn terms(&self) -> &[String] {
        &self.terms
    }

    /// The column of an n-gram, if it was met.
    pub fn column(&self, term: &str) -> Option<u32> {
        self.columns.get(term).copied()
    }

    /// The inverse document frequency of each column; empty where counts are taken as they are.
    pub fn idf(&self) -> &[f64] {
        &self.idf
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether no n-gram was met.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The row of a text; n-grams that were not met when learning are passed over.
    pub fn row(&self, text: &str) -> Row {
        let mut row = self.counts(text);
        self.weigh(&mut row);
        row
    }

    fn counts(&self, text: &str) -> Row {
        let mut columns = Vec::new();
        self.vectorizer.each(text, |term| columns.extend(self.column(term)));
        columns.sort_unstable();
        columns.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as f64)).collect()
    }

    fn weigh(&self, row: &mut Row) {
        let Weighting::Tfidf { sublinear } = self.vectorizer.weighting else { return };
        for (column, value) in row.iter_mut() {
            let count = if sublinear { value.ln() + 1.0 } else { *value };
            *value = count * self.idf[*column as usize];
        }
        let length = row.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        row.iter_mut().for_each(|(_, value)| *value /= length);
    }
}

/// Words with one space between them and around them all, and where each is, in bytes.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> (String, Vec<(usize, usize)>) {
    let (mut joined, mut places) = (String::from(" "), Vec::new());
    for word in words {
        let start = joined.len();
        joined.push_str(word);
        places.push((start, joined.len()));
        joined.push(' ');
    }
    (joined, places)
}

/// Runs of at least two characters of Python's `\w`.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word_character(c)).filter(|word| word.chars().nth(1).is_some())
}

/// Python's `\w`: letters and numbers of any script and the underscore. Rust's `is_alphanumeric`
/// counts combining marks and circled letters in; Python does not.
fn is_word_character(c: char) -> bool {
    static WORD: LazyLock<Option<regex::Regex>> =
        LazyLock::new(|| regex::Regex::new(r"^[\p{L}\p{N}]").ok());
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric()
        && WORD.as_ref().is_some_and(|word| word.is_match(c.encode_utf8(&mut [0; 4])))
}

/// What Python's `str.split` splits at.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(grams: Grams, shortest: usize, longest: usize, text: &str) -> Vec<String> {
        let vectorizer = Vectorizer { grams, shortest, longest, weighting: Weighting::Counts };
        let mut found = Vec::new();
        vectorizer.each(text, |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn words_have_two_characters_and_follow_each_other() {
        let found = grams(Grams::Words, 1, 2, "A Évil.exe_1 I — ran²");
        assert_eq!(found, ["évil", "exe_1", "ran²", "évil exe_1", "exe_1 ran²"]);
        assert!(grams(Grams::Words, 1, 2, "a ! 🦀").is_empty());
        assert_eq!(grams(Grams::Words, 1, 3, "one"), ["one"]);
        // A combining mark and a circled letter are no word characters to Python.
        assert_eq!(grams(Grams::Words, 1, 1, "ab\u{0301}cd ⓐⓑ"), ["ab", "cd"]);
    }

    #[test]
    fn characters_stay_within_a_word_and_its_spaces() {
        assert_eq!(grams(Grams::Characters, 3, 5, "a"), [" a "]);
        assert_eq!(grams(Grams::Characters, 3, 5, "\tÖl\u{1c}"), [" öl", "öl ", " öl "]);
        assert_eq!(grams(Grams::Characters, 4, 5, "a b"), [" a ", " b "]);
        assert_eq!(
            grams(Grams::Characters, 3, 5, "cmd"),
            [" cm", "cmd", "md ", " cmd", "cmd ", " cmd "]
        );
        assert!(grams(Grams::Characters, 3, 5, " \n").is_empty());
    }

    #[test]
    fn a_row_is_weighed_by_what_few_texts_hold_and_has_length_one() {
        let vectorizer = Vectorizer {
            grams: Grams::Words,
            shortest: 1,
            longest: 1,
            weighting: Weighting::Tfidf { sublinear: true },
        };
        let (vocabulary, rows) = vectorizer.fit(&["net net user", "net use", "…"]);
        assert_eq!(vocabulary.terms(), ["net", "use", "user"]);
        // Of three texts, two hold `net` and one holds `user`.
        let (net, user) = ((4.0_f64 / 3.0).ln() + 1.0, 2.0_f64.ln() + 1.0);
        let net = net * (2.0_f64.ln() + 1.0);
        let length = net.hypot(user);
        assert_eq!(rows[0].iter().map(|(column, _)| *column).collect::<Vec<_>>(), [0, 2]);
        assert!((rows[0][0].1 - net / length).abs() < 1e-15);
        assert!((rows[0][1].1 - user / length).abs() < 1e-15);
        assert_eq!(rows[2], []);
        assert_eq!(vocabulary.row("USER unknown"), [(2, 1.0)]);
    }
}
