//! Where sentences end.

use super::words::{
    ABBREVIATIONS, COMPANIES, DATES, LETTERED, NAMES, NUMBERED, OPENERS, SAYING, TITLES, ZONES,
};
use super::{CLOSE, OPEN};
use std::borrow::Cow;

/// Whether a word, with marks around it, surely opens a sentence.
pub(super) fn is_opener(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    OPENERS.contains(&word)
}

/// Whether a word is a year.
pub(super) fn is_year(word: &str) -> bool {
    word.len() == 4
        && word.bytes().all(|b| b.is_ascii_digit())
        && ["19", "20"].contains(&&word[..2])
}

/// A blank after each full stop that has lost it: `is seen.Then it`. Only before a word that opens
/// sentences or a link's capital letter, for `WScript.Shell` is a name.
pub(super) fn with_blanks_after_stops(line: &str) -> String {
    spaced(line).0
}

/// The line of [`with_blanks_after_stops`], and where in it the blanks are that were added.
pub(super) fn spaced(line: &str) -> (String, Vec<usize>) {
    let mut out = String::with_capacity(line.len());
    let mut added = Vec::new();
    let mut depth = 0_usize;
    for (at, word) in line.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        let split = if depth == 0 { lost_blank(word) } else { None };
        depth = (depth + word.matches(OPEN).count()).saturating_sub(word.matches(CLOSE).count());
        match split {
            Some(end) => {
                out.push_str(&word[..end]);
                added.push(out.len());
                out.push(' ');
                out.push_str(&word[end..]);
            }
            None => out.push_str(word),
        }
    }
    (out, added)
}

/// Behind the full stop within a word where a sentence ends.
fn lost_blank(word: &str) -> Option<usize> {
    let at = word.rfind(['.', '?', '!', ')', '"', '”']).filter(|at| *at > 0)?;
    let end = at + word[at..].chars().next().map_or(1, char::len_utf8);
    let (head, after) = (&word[..end], &word[end..]);
    let core = head.trim_end_matches([')', '"', '”']);
    let before = core.strip_suffix(['.', '?', '!'])?.trim_start_matches(['(', '"', '“', OPEN]);
    let before = before.replace(CLOSE, "");
    let opened =
        after.strip_prefix(OPEN).is_some_and(|after| after.starts_with(char::is_uppercase));
    // `Backdoor.A` and `System.The` are names.
    let sure = is_opener(after) && after.len() > 1 && after.starts_with(char::is_alphabetic);
    let ends = before.ends_with(|c: char| {
        c.is_lowercase() || c.is_ascii_digit() || matches!(c, ')' | '"' | '”')
    });
    let word = before.chars().count() > 1 && !before.starts_with(char::is_uppercase);
    let sentence =
        word && ends && (!before.contains('.') || sure) && !before.contains(['/', '\\', '@']);
    (sentence && (sure || opened)).then_some(end)
}

/// Where in a line (single spaces between words) sentences end, in bytes, the
/// line's own end left out.
pub(super) fn of(line: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut depth = 0_usize;
    let mut before = "";
    let mut words = line.split(' ').peekable();
    let mut at = 0;
    while let Some(word) = words.next() {
        at += word.len();
        depth += word.matches(OPEN).count();
        depth = depth.saturating_sub(word.matches(CLOSE).count());
        let next = words.peek().filter(|_| depth == 0);
        if next.is_some_and(|next| is_end(word, before, next)) {
            ends.push(at);
        }
        before = word;
        at += 1;
    }
    ends
}

/// Whether a sentence ends after `word`, which stands between `before` and `next`.
fn is_end(word: &str, before: &str, next: &str) -> bool {
    let bare: Cow<'_, str> = if word.contains([OPEN, CLOSE]) {
        Cow::Owned(word.replace([OPEN, CLOSE], ""))
    } else {
        Cow::Borrowed(word)
    };
    let core = bare.trim_end_matches(['"', '\'', '”', '’', ')', ']']);
    let stem = core.trim_end_matches(['.', '?', '!', '…']);
    if stem.len() == core.len() || !opens(next) {
        return false;
    }
    let surely = is_opener(next);
    let opener = next.trim_start_matches(|c: char| !c.is_alphanumeric());
    let capital = opener.starts_with(char::is_uppercase);
    let number = opener.starts_with(|c: char| c.is_ascii_digit());
    if core.ends_with(['?', '!']) {
        // `net /? Help` asks nothing.
        let asks = stem.chars().any(char::is_alphanumeric);
        return surely || (asks && !NAMES.contains(&core));
    }
    // An ellipsis may stand within a sentence.
    if core.ends_with("..") || core.ends_with('…') {
        return surely || (capital && !stem.is_empty() && stem.len() + 2 == core.len());
    }
    let stem = stem.trim_start_matches(['"', '\'', '“', '‘', '(', '[']);
    match kind(stem, before) {
        Stop::Never => false,
        Stop::BeforeNoNumber => !number,
        Stop::BeforeNoDate => {
            let bare = opener.trim_end_matches(|c: char| !c.is_alphanumeric());
            !number && !DATES.contains(&bare)
        }
        Stop::IfSure => surely,
        Stop::OfDay => {
            let zone = opener.trim_end_matches(|c: char| !c.is_alphanumeric());
            capital && !ZONES.contains(&zone) && !zone.chars().all(char::is_uppercase)
        }
        Stop::BeforeCapital => capital,
        Stop::Always => true,
    }
}

/// Whether a word may open a sentence.
fn opens(next: &str) -> bool {
    let opener = next.trim_start_matches(['"', '\'', '“', '‘', '(', '[', OPEN]);
    let Some(first) = opener.chars().next() else { return false };
    let marked = next.trim_start_matches(['"', '“', '(']).starts_with(OPEN);
    // Names such as macOS, njRAT and gh0st are the small letters that open a sentence.
    let name = opener.chars().any(|c| c.is_uppercase() || c.is_ascii_digit());
    first.is_uppercase() || marked || name
}

/// What a full stop behind a word may be.
enum Stop {
    Always,
    Never,
    /// Only before a word that surely opens a sentence.
    IfSure,
    BeforeCapital,
    BeforeNoNumber,
    BeforeNoDate,
    /// Behind `a.m.` and `p.m.`.
    OfDay,
}

fn kind(stem: &str, before: &str) -> Stop {
    let lower = stem.to_lowercase();
    let number_before = before.trim_matches(|c: char| !c.is_alphanumeric());
    let unit = !before.ends_with([',', ')'])
        && !number_before.is_empty()
        && number_before.bytes().all(|b| b.is_ascii_digit());
    // `two steps: 1. Copy files.`
    let digits = !stem.is_empty() && stem.len() <= 2 && stem.bytes().all(|b| b.is_ascii_digit());
    if digits && (before.is_empty() || before.ends_with([':', ';', ',', '.'])) {
        return Stop::Never;
    }
    if ABBREVIATIONS.contains(&lower.as_str()) {
        return Stop::Never;
    }
    // `e.g.`, `U.S.A.`, `a.k.a.`, `p.m.`: letters with a stop behind each.
    let mut letters = stem.split('.').filter(|part| !part.is_empty());
    let one = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
    };
    if stem.contains('.') && letters.all(one) {
        return match lower.as_str() {
            "e.g" | "i.e" | "a.k.a" => Stop::Never,
            "a.m" | "p.m" => Stop::OfDay,
            _ => Stop::IfSure,
        };
    }
    let answer = stem == "no" && SAYING.contains(&before);
    if NUMBERED.contains(&stem) && !unit && !answer {
        return Stop::BeforeNoNumber;
    }
    if DATES.contains(&stem) {
        return Stop::BeforeNoDate;
    }
    // A stop of its own is a part of `. . .`.
    if stem.is_empty()
        || stem == "v"
        || TITLES.contains(&stem)
        || COMPANIES.contains(&lower.as_str())
    {
        return Stop::IfSure;
    }
    if lower == "etc" {
        return Stop::BeforeCapital;
    }
    // `J. Smith`: an initial, but `drive C. Fogbank` is none.
    let mut letters = stem.chars();
    let initial = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase());
    if initial && !LETTERED.contains(&before) {
        return Stop::IfSure;
    }
    Stop::Always
}
