//! Tags, and code between tags, backticks or fences.

use super::{CLOSE, OPEN};
use std::collections::HashMap;

/// Tags that are markup. Any other `<word>` in ATT&CK is a placeholder and stays.
const TAGS: [&str; 71] = [
    "a",
    "abbr",
    "acronym",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "nobr",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
    "picture",
];

/// Those among them that end a line.
const BLOCKS: [&str; 33] = [
    "article",
    "aside",
    "blockquote",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

/// A tag has its end within so many bytes: a text of open ones is looked at once.
const LONGEST_TAG: usize = 500;

/// Removes the tags that are markup, comments and marks of code. What stood between marks of code
/// is between this module's own; breaks end a line.
pub(super) fn marked(text: &str) -> String {
    let ticks = Ticks::of(text);
    let closes = code_closes(text);
    let last_comment = text.rfind("-->").unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    let mut rest = 0;
    while let Some(here) = text[rest..].find(['<', '`', OPEN, CLOSE]).map(|found| rest + found) {
        out.push_str(&text[rest..here]);
        let tail = &text[here..];
        let first = tail.chars().next().unwrap_or(OPEN);
        if first == '`' {
            let (length, code) = ticks.at(text, here, in_code);
            match code {
                Some(code) => {
                    out.push(OPEN);
                    // One blank on each side keeps a backtick from its mark.
                    out.push_str(&code.trim_matches(' ').replace('\n', " "));
                    out.push(CLOSE);
                    rest = here + code.len() + 2 * length;
                }
                None => {
                    out.push_str(&tail[..length]);
                    rest = here + length;
                }
            }
            continue;
        }
        if first != '<' {
            out.push(first);
            rest = here + first.len_utf8();
            continue;
        }
        if tail.starts_with("<!--") && last_comment > here && !in_code {
            rest = here + tail.find("-->").map_or(tail.len(), |end| end + 3);
            continue;
        }
        let Some(tag) = tag(tail) else {
            out.push('<');
            rest = here + 1;
            continue;
        };
        let closing = tag.closing;
        match tag.name.as_str() {
            // Unbalanced spans occur: a mark is set only where its partner is the next.
            "code" if !closing && !in_code && closes.get(&here) == Some(&true) => {
                out.push(OPEN);
                in_code = true;
            }
            // `<code>net use </code>.`
            "code" if closing && in_code => {
                let length = out.len();
                out.truncate(out.trim_end_matches(' ').len());
                let blank = out.len() < length;
                out.push(CLOSE);
                if blank && text[here + tag.length..].starts_with(char::is_alphanumeric) {
                    out.push(' ');
                }
                in_code = false;
            }
            name if BLOCKS.contains(&name) && !in_code => out.push('\n'),
            "br" => out.push(' '),
            _ => {}
        }
        rest = here + tag.length;
    }
    out.push_str(&text[rest..]);
    out
}

/// For each tag that opens code, whether the next tag of code closes it.
fn code_closes(text: &str) -> HashMap<usize, bool> {
    let mut closes = HashMap::new();
    let mut last = None;
    for (at, _) in text.match_indices('<') {
        if let Some(tag) = tag(&text[at..]).filter(|tag| tag.name == "code") {
            if let Some(open) = last.take() {
                closes.insert(open, tag.closing);
            }
            last = (!tag.closing).then_some(at);
        }
    }
    closes
}

struct Tag {
    /// In small letters; `code` for all that show code within a line.
    name: String,
    closing: bool,
    /// In bytes.
    length: usize,
}

/// The markup tag that a text starts with.
fn tag(text: &str) -> Option<Tag> {
    let end = tag_end(text)?;
    let inside = &text[1..end];
    let closing = inside.starts_with('/');
    let body = inside.trim_start_matches('/').trim_end_matches('/').trim_end();
    let name = body.split(char::is_whitespace).next()?.to_ascii_lowercase();
    // `<i>` is a tag, `<a sentence like this>` is not: attributes carry an `=`.
    let attributes = body[name.len()..].trim();
    if !TAGS.contains(&name.as_str()) || !(attributes.is_empty() || attributes.contains('=')) {
        return None;
    }
    let is_code = matches!(name.as_str(), "code" | "kbd" | "samp" | "tt");
    let name = if is_code { "code".to_owned() } else { name };
    Some(Tag { name, closing, length: end + 1 })
}

/// Where the `>` is that ends the tag, in quotes none and before another tag's `<`.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = '<';
    for (at, c) in text.char_indices().skip(1) {
        match quote {
            _ if at > LONGEST_TAG => return None,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '>' => return Some(at),
            None if c == '<' => return None,
            None if matches!(c, '"' | '\'') && before == '=' => quote = Some(c),
            None => {}
        }
        if c != ' ' {
            before = c;
        }
    }
    None
}

/// Runs of backticks: of each length, where they are.
struct Ticks(HashMap<usize, Vec<usize>>);

impl Ticks {
    fn of(text: &str) -> Self {
        let mut runs: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut at = 0;
        while let Some(found) = text[at..].find('`') {
            let length = run(&text[at + found..]);
            runs.entry(length).or_default().push(at + found);
            at += found + length;
        }
        Self(runs)
    }

    /// The length of the run at a place, and the code between it and the next one of its length,
    /// in its paragraph. At most three, so that no text is looked at more than three times.
    fn at<'a>(&self, text: &'a str, here: usize, in_code: bool) -> (usize, Option<&'a str>) {
        let length = run(&text[here..]);
        if in_code || length > 3 || text[..here].ends_with('\\') {
            return (length, None);
        }
        let same = self.0.get(&length).map_or(&[][..], Vec::as_slice);
        let partner = same.get(same.partition_point(|start| *start <= here));
        let code = partner.map(|end| &text[here + length..*end]);
        let tags = ["<code", "</code", "\n\n", "\n*", "\n-"];
        let whole = |code: &&str| {
            !code.contains([OPEN, CLOSE]) && !tags.iter().any(|tag| code.contains(tag))
        };
        (length, code.filter(whole).filter(|code| !code.trim().is_empty()))
    }
}

fn run(text: &str) -> usize {
    text.bytes().take_while(|b| *b == b'`').count()
}

/// Code between lines of three backticks or tildes: each of its lines is marked. A fence that has
/// no partner goes alone.
pub(super) fn fences(text: &str) -> String {
    let is_fence = |line: &str| {
        let line = line.trim();
        let language = line.strip_prefix("```").or_else(|| line.strip_prefix("~~~"));
        language.is_some_and(|language| {
            let word = language.trim_matches(['`', '~']).trim();
            word.len() <= 20
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-#_".contains(&b))
        })
    };
    if !text.contains("```") && !text.contains("~~~") {
        return text.to_owned();
    }
    let mut left = text.split('\n').filter(|line| is_fence(line)).count();
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.split('\n') {
        if is_fence(line) {
            left -= 1;
            inside = !inside && left > 0;
            lines.push(String::new());
        } else if inside && !line.trim().is_empty() {
            lines.push(format!("{OPEN}{line}{CLOSE}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}
