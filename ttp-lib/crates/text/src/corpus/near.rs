//! Whether a sentence stands, word for word or nearly so, among others.

use super::Corpus;
use super::clean::normalised;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;

/// Texts that others are looked up in: two are near-duplicates where their words, each counted
/// once, overlap by at least a share (common words over all words of both: Jaccard's index). Case
/// and punctuation are set aside, as by [`normalised`].
///
/// Two sets that overlap so much share a word among the rarest of each (Chaudhuri, Ganti and
/// Kaushik's prefix filter, 2006), so a look-up compares few texts.
///
/// ```
/// use ttp_text::corpus::near::NearTexts;
/// let texts = ["APT1 has used Mimikatz to dump credentials.", "It deletes its own files."];
/// let near = NearTexts::new(&texts, 0.6);
/// // 6 common words of 10: "APT-1" are two words, and other ones than "APT1".
/// assert_eq!(near.find("APT-1 has used mimikatz to dump the credentials"), Some((0, 6.0 / 10.0)));
/// assert_eq!(near.find("It deletes files."), Some((1, 3.0 / 5.0)));
/// assert_eq!(near.find("It deletes all files of all users."), None);
/// ```
#[derive(Debug, Clone)]
pub struct NearTexts {
    share: f64,
    words: WordSets,
    /// The texts in whose rarest words a word is.
    with_word: Vec<Vec<u32>>,
}

impl NearTexts {
    /// Makes the texts ready to be looked up in; `share` is from 0 to 1, and 0 is taken for any
    /// common word.
    pub fn new<T: AsRef<str>>(texts: &[T], share: f64) -> Self {
        let words = WordSets::new(texts);
        let mut with_word = vec![Vec::new(); words.number.len()];
        for (at, set) in (0..).zip(&words.sets) {
            for word in &set[..rarest(set.len(), share)] {
                with_word[*word as usize].push(at);
            }
        }
        Self { share, words, with_word }
    }

    /// The number of the text that is nearest to `text`, of equals the first, and their overlap;
    /// `None` where none is near enough.
    pub fn find(&self, text: &str) -> Option<(usize, f64)> {
        let text = normalised(text);
        let mut words: Vec<&str> = text.split(' ').collect();
        words.sort_unstable();
        words.dedup();
        let size = words.len();
        let mut known: Vec<u32> =
            words.iter().filter_map(|word| self.words.number.get(*word).copied()).collect();
        known.sort_unstable();
        // Words that no text has are the rarest of all.
        let unknown = size - known.len();
        let looked_up = rarest(size, self.share).saturating_sub(unknown);
        let mut best: Option<(usize, f64)> = None;
        let rare = known.iter().take(looked_up);
        for &at in rare.flat_map(|word| &self.with_word[*word as usize]) {
            let at = at as usize;
            let overlap = overlap(&known, unknown, &self.words.sets[at]);
            let is_better =
                best.is_none_or(|(of, most)| overlap > most || overlap == most && at < of);
            if overlap >= self.share && is_better {
                best = Some((at, overlap));
            }
        }
        best
    }
}

/// Each text's words once, as numbers, the rarest first. Case and punctuation are set aside.
#[derive(Debug, Clone)]
pub(crate) struct WordSets {
    /// Each word's number; rarer words have smaller ones, of equally rare ones the first by name.
    number: HashMap<String, u32>,
    pub(crate) sets: Vec<Vec<u32>>,
}

impl WordSets {
    pub(crate) fn new<T: AsRef<str>>(texts: &[T]) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| normalised(text.as_ref())).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for word in texts.iter().flat_map(|text| text.split(' ')) {
            *counts.entry(word).or_insert(0) += 1;
        }
        let mut words: Vec<(&str, usize)> = counts.into_iter().collect();
        words.sort_unstable_by_key(|&(word, count)| (count, word));
        let number: HashMap<String, u32> =
            words.into_iter().map(|(word, _)| word.to_owned()).zip(0..).collect();
        let set_of = |text: &String| {
            let mut set: Vec<u32> = text.split(' ').map(|word| number[word]).collect();
            set.sort_unstable();
            set.dedup();
            set
        };
        let sets = texts.iter().map(set_of).collect();
        Self { number, sets }
    }
}

/// How many of a set's rarest words a near-duplicate must have one of.
pub(crate) fn rarest(words: usize, share: f64) -> usize {
    let common = ((share * words as f64 - 1e-9).ceil() as usize).clamp(1, words.max(1));
    words + 1 - common
}

/// Common words over all words of two sorted sets, of which the first has `unknown` words more
/// that no set has.
pub(crate) fn overlap(a: &[u32], unknown: usize, b: &[u32]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
        }
    }
    common as f64 / (unknown + a.len() + b.len() - common).max(1) as f64
}

/// How many rows of one corpus stand in another one, whatever their techniques.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quotes {
    /// Rows that were looked up.
    pub rows: usize,
    /// Rows whose text the other corpus has, case, spacing and punctuation set aside.
    pub equal: usize,
    /// Rows that are near-duplicates of one of its texts, and equal to none.
    pub near: usize,
}

impl Quotes {
    /// Looks the rows of `corpus` up among those of `source`; near-duplicates are those of
    /// [`NearTexts`] with this share.
    pub fn of(corpus: &Corpus, source: &Corpus, share: f64) -> Self {
        let near = NearTexts::new(&source.texts(), share);
        let texts = source.normalised_texts();
        let mut quotes = Self { rows: corpus.len(), equal: 0, near: 0 };
        for sentence in &corpus.sentences {
            if texts.contains(&normalised(&sentence.text)) {
                quotes.equal += 1;
            } else if near.find(&sentence.text).is_some() {
                quotes.near += 1;
            }
        }
        quotes
    }

    /// The share of rows that the other corpus has, word for word or nearly so; 0 of no rows.
    pub fn share(&self) -> f64 {
        (self.equal + self.near) as f64 / self.rows.max(1) as f64
    }
}

impl fmt::Display for Quotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, equal, near } = self;
        let share = 100.0 * self.share();
        write!(
            f,
            "{equal} of {rows} rows have the same text there, {near} more are near-duplicates \
             ({share:.1} %)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Sentence;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_found_is_what_comparing_with_all_finds() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let word = |rng: &mut ChaCha8Rng| format!("w{}", rng.random_range(0..30_u32).pow(2) / 30);
        let mut text = |words| (0..words).map(|_| word(&mut rng)).collect::<Vec<_>>().join(" ");
        let mut texts: Vec<String> = (0..300).map(|_| text(8)).collect();
        texts.extend(["?".to_owned(), String::new()]);
        let mut queries: Vec<String> = (0..200).map(|at| text(7 + at % 3) + " news").collect();
        queries.extend((0..200).map(|_| text(8)));
        queries.extend(["?".to_owned(), "!".to_owned(), String::new()]);
        let set = |text: &str| -> BTreeSet<String> {
            normalised(text).split(' ').map(str::to_owned).collect()
        };
        for share in [0.5, 0.75, 0.8, 1.0] {
            let near = NearTexts::new(&texts, share);
            let mut found = 0;
            for query in &queries {
                let words = set(query);
                let overlap = |text: &String| {
                    let other = set(text);
                    words.intersection(&other).count() as f64 / words.union(&other).count() as f64
                };
                let mut best: Option<(usize, f64)> = None;
                for (at, overlap) in texts.iter().map(overlap).enumerate() {
                    if overlap >= share && best.is_none_or(|(_, most)| overlap > most) {
                        best = Some((at, overlap));
                    }
                }
                assert_eq!(near.find(query), best, "share {share}: {query:?}");
                found += usize::from(best.is_some());
            }
            assert!(found > 2 && found < queries.len(), "share {share}: {found}");
        }
    }

    #[test]
    fn quotes_are_counted_once() {
        let corpus = |texts: &[&str]| Corpus {
            sentences: texts
                .iter()
                .map(|text| Sentence {
                    technique: "T1".to_owned(),
                    subtechnique: None,
                    name: "One".to_owned(),
                    text: (*text).to_owned(),
                    source_id: "test".to_owned(),
                })
                .collect(),
        };
        let source = corpus(&["It ran a script on the host.", "It left."]);
        let rows =
            corpus(&["it ran a script on the host", "It ran a script on the host then.", "No"]);
        let quotes = Quotes::of(&rows, &source, 0.8);
        assert_eq!(quotes, Quotes { rows: 3, equal: 1, near: 1 });
        assert_eq!(
            quotes.to_string(),
            "1 of 3 rows have the same text there, 1 more are near-duplicates (66.7 %)"
        );
        assert_eq!(Quotes::of(&corpus(&[]), &source, 0.8).share(), 0.0);
    }
}
