//! The four operations on one sentence, and how its words' edits become text again.

use super::AugmentSettings;
use super::protect::{Names, protected};
use super::stop_words::is_stop_word;
use super::wordnet::{Synonyms, WordNet};
use super::words::words;
use crate::corpus::Operation;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::cell::OnceCell;

/// A sentence taken apart once, for all operations.
pub(super) struct SentenceWords<'t> {
    text: &'t str,
    wordnet: &'t WordNet,
    words: Vec<Word<'t>>,
    /// How many words one variant changes, at most.
    budget: usize,
    /// Of each word, none for a word that is not editable; looked up when first needed.
    synonyms: OnceCell<Vec<Synonyms>>,
}

struct Word<'t> {
    start: usize,
    text: &'t str,
    /// Neither a stop word nor protected.
    editable: bool,
}

/// What becomes of one word.
#[derive(Clone, Copy, PartialEq)]
enum Edit<'a> {
    Replace(&'a str),
    Remove,
    InsertBefore(&'a str),
}

impl<'t> SentenceWords<'t> {
    pub(super) fn read(
        text: &'t str,
        settings: &AugmentSettings,
        names: &Names,
        wordnet: &'t WordNet,
    ) -> Self {
        let spans = words(text);
        let mut locked = match settings.protect {
            true => protected(text, &spans, names, wordnet),
            false => vec![false; spans.len()],
        };
        if settings.skip_stop_words {
            for (locked, span) in locked.iter_mut().zip(&spans) {
                *locked |= is_stop_word(&text[span.clone()]);
            }
        }
        let words: Vec<Word> = spans
            .into_iter()
            .zip(locked)
            .map(|(span, locked)| Word { start: span.start, text: &text[span], editable: !locked })
            .collect();
        // Truncated, and at least one, as TextAttack's `max(int(pct * len(words)), 1)`.
        let budget = ((settings.fraction * words.len() as f64) as usize).max(1);
        Self { text, wordnet, words, budget, synonyms: OnceCell::new() }
    }

    /// The sentence after the operation; `None` where it cannot change anything.
    pub(super) fn apply(&self, operation: Operation, rng: &mut impl Rng) -> Option<String> {
        let edits = match operation {
            Operation::Original => Vec::new(),
            Operation::Replacement => self.replace(rng),
            Operation::Insertion => self.insert(rng),
            Operation::Removal => self.remove(rng),
            Operation::Swap => self.swap(rng),
        };
        (!edits.is_empty()).then(|| self.with(edits))
    }

    /// Replaces words by synonyms. As in TextAttack every pair of a word and a synonym
    /// of it is as likely as any other, so that a word with many is replaced more often.
    fn replace(&self, rng: &mut impl Rng) -> Vec<(usize, Edit<'_>)> {
        let mut free = self.editable();
        let mut edits = Vec::new();
        while edits.len() < self.budget {
            let pairs: usize = free.iter().map(|&at| self.synonyms()[at].all().len()).sum();
            if pairs == 0 {
                break;
            }
            let mut pick = rng.random_range(0..pairs);
            free.retain(|&at| {
                let synonyms = self.synonyms()[at].all();
                let picked = pick < synonyms.len();
                if picked {
                    edits.push((at, Edit::Replace(&synonyms[pick])));
                    pick = usize::MAX;
                } else if pick != usize::MAX {
                    pick -= synonyms.len();
                }
                !picked
            });
        }
        edits
    }

    /// Inserts, before a random word, a synonym of a random word. The word inserted and
    /// the one behind it both count as edited, as in TextAttack.
    fn insert(&self, rng: &mut impl Rng) -> Vec<(usize, Edit<'_>)> {
        let mut free = self.editable();
        let sources: Vec<&[String]> = self
            .synonyms()
            .iter()
            .map(Synonyms::of_letters)
            .filter(|synonyms| !synonyms.is_empty())
            .collect();
        let mut edits = Vec::new();
        while 2 * edits.len() < self.budget && !free.is_empty() {
            let Some(synonym) = sources.choose(rng).and_then(|synonyms| synonyms.choose(rng))
            else {
                break;
            };
            let at = free.swap_remove(rng.random_range(0..free.len()));
            edits.push((at, Edit::InsertBefore(synonym)));
        }
        edits
    }

    /// Removes words; one is always left.
    fn remove(&self, rng: &mut impl Rng) -> Vec<(usize, Edit<'static>)> {
        let mut free = self.editable();
        let count = self.budget.min(self.words.len().saturating_sub(1)).min(free.len());
        (0..count)
            .map(|_| (free.swap_remove(rng.random_range(0..free.len())), Edit::Remove))
            .collect()
    }

    /// Swaps pairs of different words. Both words of a pair count as edited, as in
    /// TextAttack.
    fn swap(&self, rng: &mut impl Rng) -> Vec<(usize, Edit<'t>)> {
        let mut free = self.editable();
        let mut edits = Vec::new();
        while edits.len() < self.budget && free.iter().any(|&at| self.differ(at, free[0])) {
            let one = free.swap_remove(rng.random_range(0..free.len()));
            // Not all free words are alike, so each has one that differs from it.
            let others: Vec<usize> =
                (0..free.len()).filter(|&other| self.differ(one, free[other])).collect();
            let Some(&other) = others.choose(rng) else { break };
            let other = free.swap_remove(other);
            edits.push((one, Edit::Replace(self.words[other].text)));
            edits.push((other, Edit::Replace(self.words[one].text)));
        }
        edits
    }

    /// Every text that a single edit of this kind makes, sorted, without repeats.
    pub(super) fn one_edit_outputs(&self, operation: Operation) -> Vec<String> {
        let places = self.editable();
        let mut outputs: Vec<String> = match operation {
            Operation::Original => Vec::new(),
            Operation::Replacement => places
                .iter()
                .flat_map(|&at| self.synonyms()[at].all().iter().map(move |s| (at, s)))
                .map(|(at, synonym)| self.with(vec![(at, Edit::Replace(synonym))]))
                .collect(),
            Operation::Insertion => places
                .iter()
                .flat_map(|&at| {
                    let synonyms = self.synonyms().iter().flat_map(|s| s.of_letters().iter());
                    synonyms.map(move |synonym| (at, synonym))
                })
                .map(|(at, synonym)| self.with(vec![(at, Edit::InsertBefore(synonym))]))
                .collect(),
            Operation::Removal if self.words.len() < 2 => Vec::new(),
            Operation::Removal => {
                places.iter().map(|&at| self.with(vec![(at, Edit::Remove)])).collect()
            }
            Operation::Swap => places
                .iter()
                .flat_map(|&one| places.iter().map(move |&other| (one, other)))
                .filter(|&(one, other)| one < other && self.differ(one, other))
                .map(|(one, other)| {
                    self.with(vec![
                        (one, Edit::Replace(self.words[other].text)),
                        (other, Edit::Replace(self.words[one].text)),
                    ])
                })
                .collect(),
        };
        outputs.sort_unstable();
        outputs.dedup();
        outputs
    }

    fn editable(&self) -> Vec<usize> {
        (0..self.words.len()).filter(|&at| self.words[at].editable).collect()
    }

    fn differ(&self, one: usize, other: usize) -> bool {
        self.words[one].text != self.words[other].text
    }

    fn synonyms(&self) -> &[Synonyms] {
        self.synonyms.get_or_init(|| {
            let of = |word: &Word| match word.editable {
                true => self.wordnet.synonyms(word.text),
                false => Synonyms::default(),
            };
            self.words.iter().map(of).collect()
        })
    }

    /// The text with these words edited. What stands between words stays, but for one
    /// blank beside a removed word: the one before it, or the one after it where no
    /// word is left before it. All blanks before it go where a full stop or the like
    /// comes next, so that none stands before that; and apostrophes around it, too.
    fn with(&self, mut edits: Vec<(usize, Edit)>) -> String {
        edits.sort_unstable_by_key(|(at, _)| *at);
        let mut out = String::with_capacity(self.text.len() + 16 * edits.len());
        let mut done = 0;
        let mut removed = 0;
        for (at, edit) in edits {
            let word = &self.words[at];
            out.push_str(&self.text[done..word.start]);
            done = word.start + word.text.len();
            if edit == Edit::Remove && is_quoted(&out, &self.text[done..]) {
                out.pop();
                done += self.text[done..].chars().next().map_or(0, char::len_utf8);
            }
            match edit {
                Edit::Replace(new) => out.push_str(new),
                Edit::InsertBefore(new) => out.extend([new, " ", word.text]),
                Edit::Remove if self.text[done..].starts_with(closes) => {
                    removed += usize::from(at == removed);
                    out.truncate(out.trim_end().len());
                }
                Edit::Remove if at == removed => {
                    removed += 1;
                    done += usize::from(self.text[done..].starts_with(' '));
                }
                Edit::Remove => {
                    out.truncate(out.strip_suffix(' ').map_or(out.len(), str::len));
                }
            }
        }
        out.push_str(&self.text[done..]);
        out
    }
}

/// Whether apostrophes stand around one word: they go with it, for they are no marks by
/// themselves.
fn is_quoted(before: &str, after: &str) -> bool {
    before.ends_with(['\'', '‘']) && after.starts_with(['\'', '’'])
}

/// Marks that no blank stands before.
fn closes(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '…' | ')' | ']' | '}' | '”' | '。' | '，')
}
