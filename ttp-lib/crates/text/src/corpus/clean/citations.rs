//! Citations, however they are spelled: `(Citation: …)` in any letters and brackets, closed or not.

use super::CITED;
use super::brackets::{BRACKETS, Pairs};
use super::ends::{is_opener, is_year};
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// A bracket and a word that may be "citation", with what stands behind the word.
static START: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let (open, blank) = (r"[(\[{（]", r"[ \t\u{a0}*_]");
    Regex::new(&format!(r"{open}{blank}{{0,8}}([A-Za-z]{{3,12}})(?:{blank}{{0,4}}([:：=;,.–—-])|{blank}{{1,4}}([A-Z0-9]))"))
        .ok()
});

/// A citation without its opening bracket: `It runs. Citation: Vendor 2020`.
static BARE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)(?:^|[.!?]["”)]?)[ \t]*(Citations?:)"#).ok());

/// Footnotes: `[^1]`, and behind a mark or raised `[1]`.
static FOOTNOTE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let raised = r"<sup>[ ]?(?:\[\d{1,3}\]|\d{1,3})(?:, ?\d{1,3})*[ ]?</sup>";
    let bare =
        format!(r#"(?i)\[\^[A-Za-z0-9_-]{{1,20}}\]|([.!?,;)"”])(?:\[\d{{1,3}}\]|{raised})+"#);
    Regex::new(&bare).ok()
});

/// Code between backticks or tags, in which a number in brackets is no footnote.
static CODE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)`[^`\n]+`|<code>[^<]*</code>").ok());

/// Puts this module's mark in the place of each citation.
pub(super) fn marked(text: &str) -> String {
    let text = without_footnotes(text);
    let text = text.as_ref();
    let starts = starts(text);
    if starts.is_empty() {
        return text.to_owned();
    }
    let pairs = BRACKETS.map(|(open, close)| Pairs::of(text, open, close));
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, &start) in starts.iter().enumerate() {
        if start < from {
            continue;
        }
        out.push_str(&text[from..start]);
        let closed = pairs.iter().find_map(|pairs| pairs.end_of(start));
        let end = closed.unwrap_or_else(|| {
            let next = starts.get(at + 1).copied().unwrap_or(text.len());
            start + open_length(text[start..next].split('\n').next().unwrap_or_default())
        });
        // `It runs (Citation: Vendor.) Then`: the sentence's own full stop is inside.
        let inside = text[start..end].trim_end_matches([')', ']', '}', '）']);
        let before = out.trim_end_matches([' ', '\u{a0}']);
        if inside.ends_with('.') && before.ends_with(char::is_alphanumeric) {
            let next = text[end..].trim_start_matches([' ', '\u{a0}']);
            if next.len() < text.len() - end && next.starts_with(char::is_uppercase) {
                out.truncate(before.len());
                out.push('.');
            }
        }
        out.push(CITED);
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

/// The mark in the place of each footnote; lines that say what a footnote is go.
fn without_footnotes(text: &str) -> Cow<'_, str> {
    let Some(footnote) = FOOTNOTE.as_ref().filter(|_| text.contains([']', '>'])) else {
        return Cow::Borrowed(text);
    };
    let in_code = |text: &str| {
        let code: Vec<_> = CODE.iter().flat_map(|code| code.find_iter(text)).collect();
        let ranges: Vec<_> = code.iter().map(|found| found.range()).collect();
        move |at: usize| {
            let next = ranges.partition_point(|range| range.end <= at);
            ranges.get(next).is_some_and(|range| range.contains(&at))
        }
    };
    let replaced = |text: &str| {
        let is_code = in_code(text);
        let mark = |groups: &Captures<'_>| match groups.get(0) {
            Some(whole) if is_code(whole.start()) => whole.as_str().to_owned(),
            _ => format!("{}{CITED}", groups.get(1).map_or("", |before| before.as_str())),
        };
        footnote.replace_all(text, mark).into_owned()
    };
    if !text.contains("[^") {
        return Cow::Owned(replaced(text));
    }
    let is_note = |line: &str| line.trim_start().starts_with("[^") && line.contains("]:");
    let text = text.split('\n').filter(|line| !is_note(line)).collect::<Vec<_>>().join("\n");
    Cow::Owned(replaced(&text))
}

/// Where citations begin, in their order.
fn starts(text: &str) -> Vec<usize> {
    let (Some(start), Some(bare)) = (START.as_ref(), BARE.as_ref()) else { return Vec::new() };
    let mut found = Vec::new();
    let mut from = 0;
    // Brackets may stand in a row: the next is looked for one character on, not behind the match.
    while let Some(groups) = start.captures_at(text, from) {
        let Some((whole, word)) = groups.get(0).zip(groups.get(1)) else { break };
        let mark = groups.get(2).map(|mark| mark.as_str());
        if is_citation(word.as_str(), mark) {
            found.push(whole.start());
        }
        from = whole.start() + text[whole.start()..].chars().next().map_or(1, char::len_utf8);
    }
    found.extend(bare.captures_iter(text).filter_map(|groups| Some(groups.get(1)?.start())));
    found.sort_unstable();
    found
}

/// Whether a word behind a bracket opens a citation. With a colon it may be misspelled or another
/// word for it; with another mark or none it is `Citation` alone, for `(citation needed)` is none.
fn is_citation(word: &str, mark: Option<&str>) -> bool {
    let lower = word.to_ascii_lowercase();
    let stem = lower.strip_suffix('s').unwrap_or(&lower);
    if !matches!(mark, Some(":" | "：" | "=")) {
        return stem == "citation" && word.starts_with('C');
    }
    let distance = || strsim::osa_distance(stem, "citation");
    matches!(stem, "cite" | "cited" | "ref" | "reference")
        || (stem.starts_with('c') && distance() <= 1)
        || (stem.starts_with("cit") && distance() <= 2)
}

/// The length of a citation that is never closed, of its line: to a bracket of another kind, to the
/// end of its sentence, or of the line. What stands behind the last bracket within it stays if it
/// ends as a sentence does.
fn open_length(line: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in line.char_indices().skip(1) {
        match c {
            '(' | '[' | '{' | '（' => depth += 1,
            ')' | ']' | '}' | '）' if depth == 0 => return at + c.len_utf8(),
            ')' | ']' | '}' | '）' => depth -= 1,
            _ => {}
        }
    }
    let ends_well = line.trim_end().ends_with(['.', '!', '?', '"', '”']);
    let mut at = 0;
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        at += word.len();
        let next = words.peek().copied().unwrap_or_default();
        let stem = word.trim_end_matches('.');
        let stop = stem.len() < word.len();
        let year = is_year(stem.trim_end_matches([',', ')', ']']));
        let sentence = next.starts_with(char::is_uppercase)
            && ((stop && (is_opener(next) || year)) || (year && is_opener(next) && ends_well));
        if sentence {
            return at;
        }
        at += 1;
    }
    match line.rfind([')', ']', '}']) {
        Some(last) if ends_well => last + 1,
        _ => line.len(),
    }
}

/// Takes the marks out again, with the brackets, commas and blanks that stood around citations
/// alone. One blank stays where a word or bracket follows: `ends.(Citation: A)Then`.
pub(super) fn settled(text: &str) -> String {
    if !text.contains(CITED) {
        return text.to_owned();
    }
    let text = without_leftovers(text);
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split(CITED);
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.truncate(out.trim_end_matches([' ', '\t', '\u{a0}']).len());
        let next = piece.trim_start_matches([' ', '\t', '\u{a0}']);
        let mut chars = next.chars();
        let (first, second) = (chars.next(), chars.next());
        // `.NET` begins a word with a full stop, `ends(Citation: A).Then` has lost a blank.
        if let Some(word) = next.strip_prefix('.')
            && is_opener(word.split(' ').next().unwrap_or_default())
        {
            out.push_str(if out.ends_with(['.', '!', '?']) { " " } else { ". " });
            out.push_str(word);
            continue;
        }
        let mark = first.is_some_and(|c| matches!(c, '.' | ',' | ';' | ':' | '!' | '?'))
            && !second.is_some_and(char::is_alphanumeric);
        if mark {
            let twice = out.ends_with(['.', '!', '?']) && matches!(first, Some('.' | ',' | ';'));
            out.push_str(if twice { &next[1..] } else { next });
            continue;
        }
        let begins = first.is_some_and(|c| {
            c.is_alphanumeric()
                || matches!(c, '.' | '(' | '[' | '<' | '"' | '“' | '`' | super::OPEN)
        });
        if begins && !out.is_empty() && !out.ends_with('\n') {
            out.push(' ');
            out.push_str(next);
        } else {
            out.push_str(piece);
        }
    }
    out
}

/// Brackets that hold citations alone, and what joins citations: each is one mark.
fn without_leftovers(text: &str) -> String {
    // `(Citation: A), and (Citation: B).`: before a word, or before a comma and one, the comma and
    // its `and` may be the sentence's own.
    static LISTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let blanks = r"[ \t\u{a0}]*";
        let joint = format!(r"{blanks}(?:[,;&]|(?:,{blanks})?(?:and|or))?{blanks}");
        let end = format!(r"({blanks}(?:[.!?)\]}}]|$))");
        Regex::new(&format!(r"(?m)\u{{E002}}(?:{joint}\u{{E002}})+{end}")).ok()
    });
    static JOINED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\u{E002}(?:[ \t\u{a0}]*(?:[,;&]|and|or)?[ \t\u{a0}]*\u{E002})+").ok()
    });
    static ALONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)[(\[{][ \t\u{a0}]*(?:see|cf\.?|from|source:?)?[ \t\u{a0}]*\u{E002}[ \t\u{a0}]*[)\]}]",
        )
        .ok()
    });
    // What stood behind a list of citations stays.
    let mark = format!("{CITED}$1");
    let mut text = text.to_owned();
    // Brackets within brackets: as often as anybody nests them.
    for pattern in [&LISTED, &JOINED, &ALONE, &LISTED, &JOINED, &ALONE, &JOINED] {
        if let Some(pattern) = pattern.as_ref() {
            text = pattern.replace_all(&text, mark.as_str()).into_owned();
        }
    }
    text
}
