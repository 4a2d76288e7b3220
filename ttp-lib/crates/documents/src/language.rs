//! Whether a text is English, by its stop words.

use crate::{Block, Kind};
use std::collections::HashSet;

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

/// Stop words by language, English first.
struct Languages(Vec<(&'static str, HashSet<&'static str>)>);

/// A note if the prose is not English, or some of its paragraphs are not.
pub(crate) fn note(blocks: &[Block]) -> Option<String> {
    let prose = || blocks.iter().filter(|block| block.kind == Kind::Prose);
    let languages = Languages::known()?;
    let all: Vec<String> = prose().flat_map(|block| words(&block.text)).take(LOOKED_AT).collect();
    if let Some(language) = languages.other_than_english(&all) {
        return Some(format!(
            "its text seems to be in {language}; the model was trained on English only"
        ));
    }
    let (mut paragraphs, mut others) = (0, 0);
    for block in prose().take(LOOKED_AT) {
        let own: Vec<String> = words(&block.text).take(LOOKED_AT).collect();
        paragraphs += 1;
        others += usize::from(languages.other_than_english(&own).is_some());
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
    fn known() -> Option<Self> {
        let of = |code: &str| -> Option<HashSet<&'static str>> {
            Some(stop_words::lookup(code)?.iter().copied().collect())
        };
        let mut all = vec![("English", of("en")?)];
        all.extend(OTHERS.iter().filter_map(|(code, name)| Some((*name, of(code)?))));
        Some(Self(all))
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
        let share = |stops: &HashSet<&str>| {
            let found = words.iter().filter(|word| stops.contains(word.as_str())).count();
            found as f64 / words.len() as f64
        };
        let (_, english) = self.0.first()?;
        let english = share(english);
        let mut others: Vec<(f64, &'static str)> =
            self.0.iter().skip(1).map(|(name, stops)| (share(stops), *name)).collect();
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
