//! Whether a text is English, by its stop words.

use crate::{Block, Kind};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Words of prose that are looked at, and the fewest that say something.
const LOOKED_AT: usize = 5_000;
const FEWEST: usize = 12;
/// By how much of a text another language's stop words must be more than English ones; of a text
/// with fewer words than these it must be more.
const MORE: f64 = 0.05;
const SHORT: usize = 25;
const MORE_OF_SHORT: f64 = 0.15;
/// A language is named if so much of a text are its stop words, and so many times as many as those
/// of the next one.
const NAMED: f64 = 0.2;
const TIMES: f64 = 1.15;
/// A text with fewer English stop words than this and more letters with marks than that is in a
/// language that is not in the list.
const ENGLISH: f64 = 0.2;
const MARKED: f64 = 0.015;

/// Other languages whose stop words are known: code and name.
const OTHERS: [(&str, &str); 14] = [
    ("de", "German"),
    ("fr", "French"),
    ("es", "Spanish"),
    ("it", "Italian"),
    ("pt", "Portuguese"),
    ("nl", "Dutch"),
    ("ru", "Russian"),
    ("tr", "Turkish"),
    ("sv", "Swedish"),
    ("da", "Danish"),
    ("no", "Norwegian"),
    ("fi", "Finnish"),
    ("ro", "Romanian"),
    ("hu", "Hungarian"),
];

/// Each stop word, and a bit for each language that has it: English's first, then those of [`OTHERS`].
struct Languages(HashMap<&'static str, u16>);

static LANGUAGES: LazyLock<Languages> = LazyLock::new(Languages::known);

/// A note if the prose is not English, or some of its paragraphs are not.
pub(crate) fn note(blocks: &[Block]) -> Option<String> {
    let prose = || blocks.iter().filter(|block| block.kind == Kind::Prose);
    let all: Vec<String> = prose().flat_map(|block| words(&block.text)).take(LOOKED_AT).collect();
    if let Some(language) = LANGUAGES.other_than_english(&all) {
        return Some(format!(
            "its text seems to be in {language}; the model was trained on English only"
        ));
    }
    let (mut paragraphs, mut others) = (0, 0);
    for block in prose().take(LOOKED_AT) {
        let own: Vec<String> = words(&block.text).take(LOOKED_AT).collect();
        paragraphs += 1;
        others += usize::from(LANGUAGES.other_than_english(&own).is_some());
    }
    (others > 0).then(|| {
        format!(
            "{others} of {paragraphs} paragraphs seem not to be in English; the model was trained on \
             English only"
        )
    })
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase)
}

impl Languages {
    fn known() -> Self {
        let codes = std::iter::once("en").chain(OTHERS.iter().map(|(code, _)| *code));
        let mut words = HashMap::new();
        for (at, code) in codes.enumerate() {
            for word in stop_words::lookup(code).into_iter().flatten() {
                *words.entry(*word).or_default() |= 1 << at;
            }
        }
        Self(words)
    }

    /// What language these words are of, if plainly not English.
    fn other_than_english(&self, words: &[String]) -> Option<&'static str> {
        let letters = || words.iter().flat_map(|word| word.chars());
        let share_of = |count: usize| count as f64 / letters().count().max(1) as f64;
        let scripts = share_of(letters().filter(|c| *c > '\u{24f}').count());
        // Chinese has no blanks between words: letters are counted.
        if letters().count() >= 2 * SHORT && scripts > 0.5 {
            return Some("a language of another script");
        }
        if words.len() < FEWEST {
            return None;
        }
        let mut found = [0_usize; 1 + OTHERS.len()];
        for languages in words.iter().filter_map(|word| self.0.get(word.as_str())) {
            for (at, count) in found.iter_mut().enumerate() {
                *count += usize::from(languages >> at & 1);
            }
        }
        let [english, others @ ..] = found.map(|count| count as f64 / words.len() as f64);
        let mut others: Vec<(f64, &'static str)> =
            others.into_iter().zip(OTHERS.map(|(_, name)| name)).collect();
        others.sort_by(|a, b| b.0.total_cmp(&a.0));
        let [(best, name), (next, _), ..] = others[..] else { return None };
        let more = if words.len() < SHORT { MORE_OF_SHORT } else { MORE };
        let marked = share_of(letters().filter(|c| !c.is_ascii()).count());
        let unknown = english < ENGLISH && marked > MARKED && words.len() >= SHORT;
        if best <= english + more && !unknown {
            return None;
        }
        let plain = best > english + more && best >= NAMED && best >= TIMES * next;
        Some(if plain { name } else { "another language than English" })
    }
}
