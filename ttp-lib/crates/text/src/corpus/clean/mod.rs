//! From ATT&CK's Markdown to plain sentences.
//!
//! Citations go, links keep their text, HTML tags and marks of bold, code and lists go, and
//! entities are decoded; then a paragraph is cut where a sentence ends, and not at the full stops
//! of abbreviations, file names, paths, versions or addresses.
//!
//! It is no full Markdown: in a text on attacks `*.exe`, `__init__`, `C:\_x` and `<user>` are
//! what they look like. Every step takes time in proportion to the text, whatever it holds.

mod brackets;
mod citations;
mod emphasis;
mod ends;
mod entities;
mod links;
mod lists;
mod spans;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Range;
use ttp_base::spelling;

/// Brackets around what was a `<code>` span or a link's text: no sentence ends
/// inside one, and one may open a sentence with a small letter (`netstat can …`).
/// Characters of a private-use area, taken out of the input first.
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// Where a citation was.
const CITED: char = '\u{E002}';

fn is_mark(c: char) -> bool {
    matches!(c, OPEN | CLOSE | CITED)
}

/// What neither stands for anything nor joins letters.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// A description as plain text: no citations, link targets, tags, entities or
/// double spaces; paragraphs and list items stay on lines of their own.
///
/// ```
/// use ttp_text::corpus::clean::plain_text;
/// let markup = "[APT1](https://attack.mitre.org/groups/G0006) ran <code>net &lt;user&gt;</code>.(Citation: M (2013))";
/// assert_eq!(plain_text(markup), "APT1 ran net <user>.");
/// ```
pub fn plain_text(markup: &str) -> String {
    let lines = marked_text(markup);
    let lines = lines.lines().map(finish).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// The sentences of a description, cleaned as by [`plain_text`], in their order.
/// List items and headings are sentences of their own.
///
/// ```
/// use ttp_text::corpus::clean::sentences;
/// let markup = "It drops C:\\Temp\\a.exe, e.g. via v2.1 of the tool.(Citation: X) macOS is next.";
/// assert_eq!(
///     sentences(markup),
///     ["It drops C:\\Temp\\a.exe, e.g. via v2.1 of the tool.", "macOS is next."]
/// );
/// ```
pub fn sentences(markup: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in marked_text(markup).lines() {
        for item in lists::items(&collapse(line)) {
            let item = ends::with_blanks_after_stops(item);
            let mut start = 0;
            for end in ends::of(&item).into_iter().chain([item.len()]) {
                let sentence = item[start..end].trim_start();
                // `two steps: 1. Copy files. 2. Delete them.`, but `(1) keys. (2) Cookies` stay.
                let numbered = start > 0 && !sentence.starts_with('(');
                let bare = if numbered { lists::without_markers(sentence) } else { sentence };
                found.push(finish(bare));
                start = end;
            }
        }
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// Where the sentences of a plain text stand, in bytes and in their order, by the same cuts as those
/// of [`sentences`]. The text has no markup and stands on one line with single blanks, as
/// [`collapse`] leaves it; nothing in it is changed, so that a place stays a place.
///
/// ```
/// use ttp_text::corpus::clean::sentence_ranges;
/// let text = "It runs a.exe, e.g. at logon. Then it stops.";
/// let found: Vec<_> = sentence_ranges(text).into_iter().map(|range| &text[range]).collect();
/// assert_eq!(found, ["It runs a.exe, e.g. at logon.", "Then it stops."]);
/// ```
pub fn sentence_ranges(text: &str) -> Vec<Range<usize>> {
    let (spaced, added) = ends::spaced(text);
    let mut found = Vec::new();
    let (mut start, mut passed) = (0, 0);
    for end in ends::of(&spaced).into_iter().chain([spaced.len()]) {
        // Each blank that was added moved what stands behind it by one.
        passed += added[passed..].iter().take_while(|at| **at < end).count();
        let end = end - passed;
        let (from, piece) = (start, &text[start..end]);
        let bare = piece.trim();
        if !bare.is_empty() {
            let from = from + (piece.len() - piece.trim_start().len());
            found.push(from..from + bare.len());
        }
        start = end;
    }
    found
}

/// One space between words and none around.
///
/// ```
/// assert_eq!(ttp_text::corpus::clean::collapse("  a\u{a0}\n b "), "a b");
/// ```
pub fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A text with case, accents, spacing, punctuation and what cannot be seen set aside: two texts
/// that agree in this are one text to a model, and must not stand on both sides of a split.
/// A text without a letter or digit stands for itself.
///
/// ```
/// use ttp_text::corpus::clean::normalised;
/// assert_eq!(normalised("APT-1 uses  HTTP."), normalised("apt 1 uses http"));
/// assert_eq!(normalised("caf\u{e9}"), normalised("Cafe\u{301}"));
/// assert_eq!(normalised("pass\u{200b}word"), normalised("password"));
/// assert_ne!(normalised("?"), normalised("!"));
/// ```
pub fn normalised(text: &str) -> String {
    if !text.is_ascii() {
        let folded: String = spelling::folded(text).collect();
        return words_of(&folded, text);
    }
    words_of(text, text)
}

/// The words of `text` in small letters; `whole` where there is none.
fn words_of(text: &str, whole: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    if out.is_empty() { whole.trim().to_owned() } else { out }
}

/// Plain text with `OPEN` and `CLOSE` around code spans and link texts.
fn marked_text(markup: &str) -> String {
    let text = markup.replace("\r\n", "\n").replace(['\r', '\u{b}', '\u{c}', '\u{85}'], "\n");
    let text = text.replace(['\u{2028}', '\u{2029}'], "\n");
    let text = text.replace(|c| is_mark(c) || is_unseen(c), "");
    let text = spans::fences(&entities::simplified(&text));
    let text = lists::lines(&lists::with_blanks_after_markers(&text));
    let text = links::without_targets(&citations::marked(&text));
    let text = emphasis::without(&spans::marked(&text));
    citations::settled(&entities::decoded(&text))
}

/// The brackets of this module off, and the spaces that stood on both sides of one.
fn finish(text: &str) -> String {
    collapse(&text.replace([OPEN, CLOSE], ""))
}
