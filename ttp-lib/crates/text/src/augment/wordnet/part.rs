//! One part of speech of WordNet's database, as wndb(5WN) and morphy(7WN) describe it.

use super::files::Files;
use memchr::{memchr, memchr_iter};
use ttp_base::{Error, Result};

/// A part of speech: its files' ending, and what its words' endings are taken off for.
pub(super) struct Kind {
    /// `noun` in `index.noun`.
    pub(super) name: &'static str,
    /// An ending, and what the base form has in its place.
    endings: &'static [(&'static str, &'static str)],
}

/// In NLTK's order and with its endings: morphy's own, and `ves` of nouns.
pub(super) const KINDS: [Kind; 4] = [
    Kind {
        name: "noun",
        endings: &[
            ("s", ""),
            ("ses", "s"),
            ("ves", "f"),
            ("xes", "x"),
            ("zes", "z"),
            ("ches", "ch"),
            ("shes", "sh"),
            ("men", "man"),
            ("ies", "y"),
        ],
    },
    Kind {
        name: "verb",
        endings: &[
            ("s", ""),
            ("ies", "y"),
            ("es", "e"),
            ("es", ""),
            ("ed", "e"),
            ("ed", ""),
            ("ing", "e"),
            ("ing", ""),
        ],
    },
    Kind { name: "adj", endings: &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")] },
    Kind { name: "adv", endings: &[] },
];

/// The words of one part of speech.
pub(super) struct Part {
    kind: &'static Kind,
    /// A line a word: the word, numbers, and the offsets of its synsets in `data`.
    index: Lines,
    /// A line a synset, which begins with its own offset.
    data: String,
    /// A line an irregular form: the form and its base forms.
    exceptions: Lines,
}

impl Part {
    /// Reads `index.noun`, `data.noun` and `noun.exc`, or those of another part of speech.
    ///
    /// # Errors
    /// If a file cannot be read, is cut off, or is no file of WordNet's.
    pub(super) fn read(kind: &'static Kind, files: &Files) -> Result<Self> {
        let wrong = |name: &str, reason: &str| Error::input(&files.place(name), reason);
        let [index, data, exceptions] = [
            format!("index.{}", kind.name),
            format!("data.{}", kind.name),
            format!("{}.exc", kind.name),
        ];
        let part = Self {
            kind,
            index: Lines::of(files.read(&index)?),
            data: files.read(&data)?,
            exceptions: Lines::of(files.read(&exceptions)?),
        };
        let first = part.index.line(0).and_then(|line| offsets(line).next());
        let Some(first) = first else {
            return Err(wrong(&index, "no word of WordNet's is in it"));
        };
        if !part.index.ends_well() {
            return Err(wrong(&index, "it is cut off: the last line does not end"));
        }
        // The last synset is the one that a file that is cut off, or another release's, does not
        // hold where its own offset says.
        let last = part.data.trim_end().rfind('\n').map_or(0, |at| at + 1);
        let last = part.data.get(last..last + first.len());
        let holds = |offset: &str| part.words_at(offset).next().is_some();
        if !part.data.ends_with('\n') || !last.is_some_and(holds) || !holds(first) {
            return Err(wrong(&data, "it is cut off, or not of the release of its index"));
        }
        Ok(part)
    }

    /// How many words are listed.
    pub(super) fn len(&self) -> usize {
        self.index.starts.len()
    }

    /// All lines of the index.
    #[cfg(test)]
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.index.line(at))
    }

    /// The lines of the index for a word in lower case and for its base forms: the word itself,
    /// then those of its list of exceptions or, if that does not have it, those that its endings
    /// lead to. NLTK takes endings off once, and so do we.
    pub(super) fn forms(&self, word: &str) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut add = |word: &str| {
            // A word has one line: the same line is the same place in memory.
            let is_new = |line: &&str| found.iter().all(|other| other.as_ptr() != line.as_ptr());
            let line = self.index.find(word).filter(is_new);
            found.extend(line);
        };
        add(word);
        match self.exceptions.find(word) {
            Some(line) => {
                line.split_ascii_whitespace().skip(1).for_each(add);
            }
            None => {
                let mut base = String::with_capacity(word.len() + 1);
                for (ending, instead) in self.kind.endings {
                    if let Some(stem) = word.strip_suffix(ending) {
                        base.clear();
                        base.extend([stem, instead]);
                        add(&base);
                    }
                }
            }
        }
        found
    }

    /// The words of all synsets that a line of the index names, phrases with underscores, as they
    /// are spelled.
    pub(super) fn words_of<'a>(&'a self, line: &'a str) -> impl Iterator<Item = &'a str> {
        offsets(line).flat_map(|offset| self.words_at(offset))
    }

    /// The words of the synset at an offset; none where there is no synset.
    fn words_at<'a>(&'a self, offset: &str) -> impl Iterator<Item = &'a str> {
        let line = offset
            .parse()
            .ok()
            .and_then(|at: usize| self.data.get(at..))
            .filter(|line| line.starts_with(offset))
            .unwrap_or_default();
        let mut fields = line.split(' ').skip(3);
        let count = fields.next().and_then(|count| usize::from_str_radix(count, 16).ok());
        fields.step_by(2).take(count.unwrap_or(0)).map(without_marker)
    }
}

/// Where the synsets of a line of an index are in the file of the data.
fn offsets(line: &str) -> impl Iterator<Item = &str> {
    let mut fields = line.split_ascii_whitespace();
    let count = fields.nth(2).and_then(|count| count.parse().ok()).unwrap_or(0);
    // The last ones of the line.
    let all = fields.clone().count();
    fields.skip(all.saturating_sub(count))
}

/// A word without what says where an adjective stands: `galore(ip)`.
fn without_marker(word: &str) -> &str {
    match word.find('(') {
        Some(at) if word.ends_with(')') => &word[..at],
        _ => word,
    }
}

/// Lines that are sorted by their first word, in the order of its bytes.
struct Lines {
    text: String,
    starts: Vec<u32>,
}

impl Lines {
    /// The lines of a text, but for those of the licence, which begin with a blank.
    fn of(text: String) -> Self {
        let bytes = text.as_bytes();
        let begins = std::iter::once(0).chain(memchr_iter(b'\n', bytes).map(|at| at + 1));
        let starts = begins
            .filter(|&at| bytes.get(at).is_some_and(|byte| !byte.is_ascii_whitespace()))
            .map(|at| at as u32)
            .collect();
        Self { text, starts }
    }

    fn ends_well(&self) -> bool {
        self.text.ends_with('\n')
    }

    fn line(&self, at: usize) -> Option<&str> {
        let rest = &self.text[*self.starts.get(at)? as usize..];
        Some(&rest[..memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len())])
    }

    /// The last line of a word: NLTK keeps that where two exceptions are of one form.
    fn find(&self, word: &str) -> Option<&str> {
        let first = |start: &u32| {
            let rest = &self.text.as_bytes()[*start as usize..];
            &rest[..rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len())]
        };
        let behind = self.starts.partition_point(|start| first(start) <= word.as_bytes());
        let at = behind.checked_sub(1)?;
        (first(&self.starts[at]) == word.as_bytes()).then(|| self.line(at)).flatten()
    }
}
