//! Whether a text is English, by its stop words.

use crate::{Block, Kind};
use std::collections::HashSet;

/// Words of prose that are looked at, and the fewest that say something.
const LOOKED_AT: usize = 5_000;
const FEWEST: usize = 25;
/// By how much of a text another language's stop words must be more than English ones.
const MORE: f64 = 0.05;

/// Other languages: code and name.
const OTHERS: [(&str, &str); 8] = [
    ("de", "German"),
    ("fr", "French"),
    ("es", "Spanish"),
    ("it", "Italian"),
    ("pt", "Portuguese"),
    ("nl", "Dutch"),
    ("ru", "Russian"),
    ("tr", "Turkish"),
];

/// A note if the prose is not English.
pub(crate) fn note(blocks: &[Block]) -> Option<String> {
    let prose = || blocks.iter().filter(|block| block.kind == Kind::Prose);
    let words: Vec<String> = prose()
        .flat_map(|block| block.text.split(|c: char| !c.is_alphabetic()))
        .filter(|word| !word.is_empty())
        .take(LOOKED_AT)
        .map(str::to_lowercase)
        .collect();
    let letters = || words.iter().flat_map(|word| word.chars());
    let (all, other) = (letters().count(), letters().filter(|c| *c > '\u{24f}').count());
    // Chinese has no blanks between words: letters are counted.
    if all >= FEWEST * 2 && other * 2 > all {
        return Some(told("a language of another script"));
    }
    if words.len() < FEWEST {
        return None;
    }
    let share = |code: &str| {
        let stops: HashSet<&str> = stop_words::lookup(code)?.iter().copied().collect();
        let found = words.iter().filter(|word| stops.contains(word.as_str())).count();
        Some(found as f64 / words.len() as f64)
    };
    let english = share("en")?;
    let mut best = (english + MORE, None);
    for (code, name) in OTHERS {
        if let Some(share) = share(code).filter(|share| *share > best.0) {
            best = (share, Some(name));
        }
    }
    best.1.map(told)
}

fn told(language: &str) -> String {
    format!("its text seems to be in {language}: what reads it knows English alone")
}
