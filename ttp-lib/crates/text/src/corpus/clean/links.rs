//! Links: their text stays, their target goes.

use super::brackets::Pairs;
use super::{CLOSE, OPEN};

/// How an address or path begins that is a link's target.
const TARGETS: [&str; 16] = [
    "http://",
    "https://",
    "ftp://",
    "mailto:",
    "file://",
    "/",
    "./",
    "../",
    "#",
    "software/",
    "groups/",
    "techniques/",
    "tactics/",
    "mitigations/",
    "campaigns/",
    "www.",
];

/// `[text](target)` becomes its text, bracketed by this module's marks; so do `![text](target)`,
/// `[address text]`, `[[text]]` and `[[page|text]]` of a wiki, `[text][1]` and `<address>`.
/// Lines that only say what `[1]` is go.
pub(super) fn without_targets(text: &str) -> String {
    let text = once(&without_definitions(text));
    // A picture may be a link's text.
    if text.contains("](") { once(&text) } else { text }
}

fn once(text: &str) -> String {
    let links =
        Links { text, labels: Pairs::of(text, '[', ']'), targets: Pairs::of(text, '(', ')') };
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    while let Some(at) = text[rest..].find(['[', '<']).map(|found| rest + found) {
        out.push_str(&text[rest..at]);
        match links.at(at) {
            Some((label, end)) => {
                if out.ends_with('!') && text[at..].starts_with('[') && !out.ends_with("!!") {
                    let word = out[..out.len() - 1].ends_with(char::is_alphanumeric);
                    out.truncate(out.len() - usize::from(!word));
                }
                // A bracket too many: `[[Group](address) runs`.
                if out.ends_with('[') && !text[end..].starts_with(']') && label.len() > 1 {
                    out.truncate(out.len() - 1);
                }
                out.push(OPEN);
                out.push_str(without_bold(label.trim()));
                out.push(CLOSE);
                rest = end;
            }
            None => {
                out.push_str(&text[at..=at]);
                rest = at + 1;
            }
        }
    }
    out.push_str(&text[rest..]);
    out
}

/// A text that is bold as a whole, without the marks.
fn without_bold(label: &str) -> &str {
    let bold = |mark| label.strip_prefix(mark)?.strip_suffix(mark);
    bold("**").or_else(|| bold("__")).unwrap_or(label)
}

/// Without lines such as `[1]: https://…`.
fn without_definitions(text: &str) -> String {
    let is_definition = |line: &str| {
        let named = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]:"));
        named.is_some_and(|(name, target)| {
            !name.contains(['[', ']']) && is_target(target.trim_start().trim_start_matches('<'))
        })
    };
    if !text.contains("]:") {
        return text.to_owned();
    }
    text.split('\n').filter(|line| !is_definition(line)).collect::<Vec<_>>().join("\n")
}

/// A wiki's link has its name within so many characters: a text of brackets is looked at once.
const LONGEST_ADDRESS: usize = 1000;

fn is_target(text: &str) -> bool {
    TARGETS.iter().any(|start| text.starts_with(start))
}

struct Links<'a> {
    text: &'a str,
    labels: Pairs,
    targets: Pairs,
}

impl<'a> Links<'a> {
    /// The label of the link that begins at a place, and where the link ends, in bytes.
    /// `evil[.]com (…)` and `[1](see)` are none: a target is an address or a path, and a label has
    /// more than a mark in it where a blank stands before an address.
    fn at(&self, place: usize) -> Option<(&'a str, usize)> {
        let text = &self.text[place..];
        if text.starts_with('<') {
            return address(text).map(|(label, length)| (label, place + length));
        }
        let end = self.labels.end_of(place)?;
        let label = &self.text[place + 1..end - 1];
        let behind = &self.text[end..];
        if let Some(found) = self.target(label, end) {
            return Some((label, found));
        }
        if let Some(wiki) = label.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            let named = wiki.starts_with(char::is_alphabetic) && !wiki.contains(['[', ']']);
            return named.then(|| (wiki.rsplit('|').next().unwrap_or(wiki), end));
        }
        if ["http://", "https://"].iter().any(|start| label.starts_with(start)) {
            let blank = label.char_indices().take(LONGEST_ADDRESS).find(|(_, c)| *c == ' ')?.0;
            return Some((&label[blank + 1..], end));
        }
        // `[text][1]` and `[text][]`, where the text is a name.
        let reference = behind.starts_with('[').then(|| self.labels.end_of(end)).flatten()?;
        let number = &self.text[end + 1..reference - 1];
        let named = label.starts_with(char::is_alphabetic) && label.len() > 1;
        (named && number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()))
            .then_some((label, reference))
    }

    /// Where the target ends that stands behind a label's end.
    fn target(&self, label: &str, end: usize) -> Option<usize> {
        let named = || label.chars().take(100).filter(|c| c.is_alphanumeric()).nth(1).is_some();
        let blank = usize::from(self.text[end..].starts_with(" (http") && named());
        let open = end + blank;
        let inner = self.text[open..].strip_prefix('(')?;
        let target = inner.trim_start_matches(' ').trim_start_matches('<');
        // Few blanks, so that none is looked at twice.
        if !is_target(target) || inner.len() - target.len() > 4 {
            return None;
        }
        let word = || open + self.text[open..].find([' ', '\n']).unwrap_or(self.text.len() - open);
        // A target that is never closed ends with its word.
        Some(self.targets.end_of(open).unwrap_or_else(word))
    }
}

/// `<https://a.b>` and its length.
fn address(text: &str) -> Option<(&str, usize)> {
    let inner = &text[1..];
    if !["http://", "https://", "mailto:"].iter().any(|start| inner.starts_with(start)) {
        return None;
    }
    let end = inner.find(['<', '>', ' ', '\n']).filter(|end| inner[*end..].starts_with('>'))?;
    Some((&inner[..end], end + 2))
}
