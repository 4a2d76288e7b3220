//! From ATT&CK's Markdown to plain sentences.
//!
//! Citations go, links keep their text, HTML tags go and entities are decoded;
//! then a paragraph is cut where a sentence ends, and not at the full stops of
//! abbreviations, file names, paths, versions or addresses.

use crate::spelling;
use std::borrow::Cow;
use std::collections::HashMap;

/// Brackets around what was a `<code>` span or a link's text: no sentence ends
/// inside one, and one may open a sentence with a small letter (`netstat can …`).
/// Characters of a private-use area, taken out of the input first.
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// Tags that are markup. Any other `<word>` in ATT&CK is a placeholder and stays.
const TAGS: [&str; 14] =
    ["code", "br", "p", "b", "i", "em", "strong", "a", "ul", "ol", "li", "pre", "sub", "sup"];

/// A full stop after one of these ends no sentence.
const ABBREVIATIONS: [&str; 19] = [
    "e.g", "i.e", "ex", "esp", "cf", "vs", "al", "approx", "inc", "corp", "ltd", "co", "dr", "mr",
    "ms", "mrs", "st", "u.s", "u.k",
];

/// Nor after one of these before a number: `No. 3`, but `It says no. 3 files are left.`
const NUMBERED: [&str; 4] = ["No", "Fig", "fig", "ver"];

/// A description as plain text: no citations, link targets, tags, entities or
/// double spaces; paragraphs and list items stay on lines of their own.
///
/// ```
/// use ttp_lib::corpus::clean::plain_text;
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
/// use ttp_lib::corpus::clean::sentences;
/// let markup = "It drops C:\\Temp\\a.exe, e.g. via v2.1 of the tool.(Citation: X) macOS is next.";
/// assert_eq!(
///     sentences(markup),
///     ["It drops C:\\Temp\\a.exe, e.g. via v2.1 of the tool.", "macOS is next."]
/// );
/// ```
pub fn sentences(markup: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in marked_text(markup).lines() {
        let line = collapse(line);
        let line = without_list_marker(&line);
        let mut start = 0;
        for end in sentence_ends(line) {
            found.push(finish(&line[start..end]));
            start = end;
        }
        found.push(finish(&line[start..]));
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// One space between words and none around.
///
/// ```
/// assert_eq!(ttp_lib::corpus::clean::collapse("  a\u{a0}\n b "), "a b");
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
/// use ttp_lib::corpus::clean::normalised;
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
    let markup = markup.replace([OPEN, CLOSE], "");
    decode_entities(&without_tags(&without_link_targets(&without_citations(&markup))))
}

/// The brackets of this module off, and the spaces that stood on both sides of one.
fn finish(text: &str) -> String {
    collapse(&text.replace([OPEN, CLOSE], ""))
}

/// Removes each `(Citation: …)` and the space before it. A citation may stand
/// between two sentences without any space, so one is put back before a word.
fn without_citations(text: &str) -> String {
    const START: &str = "(Citation:";
    let pairs = brackets(text, '(', ')');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(START) {
        out.push_str(&rest[..at]);
        out.truncate(out.trim_end_matches([' ', '\u{a0}']).len());
        let place = text.len() - rest.len() + at;
        let length = pairs.get(&place).map_or(START.len(), |end| end - place);
        rest = &rest[at + length..];
        let mut next = rest.chars();
        let space_again = match next.next() {
            Some('.') => next.next().is_some_and(char::is_alphanumeric),
            Some(c) => c.is_alphanumeric() || matches!(c, '(' | '[' | '<' | '"' | '“' | '`'),
            None => false,
        };
        if space_again && !rest.starts_with(START) && !out.is_empty() {
            out.push(' ');
        }
    }
    out.push_str(rest);
    out
}

/// `[text](target)` becomes its text, bracketed by this module's marks.
fn without_link_targets(text: &str) -> String {
    let (labels, targets) = (brackets(text, '[', ']'), brackets(text, '(', ')'));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match link(rest, text.len() - rest.len(), &labels, &targets) {
            Some((label, length)) => {
                out.push(OPEN);
                out.push_str(label);
                out.push(CLOSE);
                rest = &rest[length..];
            }
            None => {
                out.push('[');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The label and the length in bytes of the Markdown link that `text`, at `place` of the whole,
/// starts with.
/// `evil[.]com (…)` and `[1](see)` are none: a target is an address or a path.
fn link<'a>(
    text: &'a str,
    place: usize,
    labels: &HashMap<usize, usize>,
    targets: &HashMap<usize, usize>,
) -> Option<(&'a str, usize)> {
    let label = labels.get(&place)? - place;
    let target = &text[label..];
    if !["(http://", "(https://", "(/"].iter().any(|start| target.starts_with(start)) {
        return None;
    }
    let length = targets.get(&(place + label))? - place;
    Some((&text[1..label - 1], length))
}

/// For each bracket that is closed on its line, where it opens: the end of the one that closes it,
/// in bytes. All of them in one go, so that a text of brackets takes no longer than another.
fn brackets(text: &str, open: char, close: char) -> HashMap<usize, usize> {
    let (mut pairs, mut opened) = (HashMap::new(), Vec::new());
    for (at, c) in text.match_indices([open, close, '\n']) {
        if c.starts_with(open) {
            opened.push(at);
        } else if c == "\n" {
            opened.clear();
        } else if let Some(start) = opened.pop() {
            pairs.insert(start, at + c.len());
        }
    }
    pairs
}

/// Removes the tags that are markup; code spans are marked, breaks end a line.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_code = false;
    let last_code = text.rfind("</code>");
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((name, closing, length)) = tag(rest) else {
            out.push('<');
            rest = &rest[1..];
            continue;
        };
        match name.as_str() {
            // Unbalanced spans occur: a mark is set only where it has its partner to come.
            "code"
                if !closing
                    && !in_code
                    && last_code.is_some_and(|last| last >= text.len() - rest.len()) =>
            {
                out.push(OPEN);
                in_code = true;
            }
            "code" if closing && in_code => {
                out.push(CLOSE);
                in_code = false;
            }
            "br" | "p" | "li" | "ul" | "ol" if !in_code => out.push('\n'),
            "br" => out.push(' '),
            _ => {}
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Name, whether it closes, and length of the markup tag that `text` starts with.
fn tag(text: &str) -> Option<(String, bool, usize)> {
    // Up to the next tag, so that a text of open ones is looked at once.
    let end = 1 + text[1..].find(['<', '>']).filter(|at| text[1 + at..].starts_with('>'))?;
    let inside = &text[1..end];
    let closing = inside.starts_with('/');
    let body = inside.trim_start_matches('/').trim_end_matches('/').trim_end();
    let name = body.split(char::is_whitespace).next()?.to_ascii_lowercase();
    // `<i>` is a tag, `<a sentence like this>` is not: attributes carry an `=`.
    let attributes = body[name.len()..].trim();
    (TAGS.contains(&name.as_str()) && (attributes.is_empty() || attributes.contains('=')))
        .then_some((name, closing, end + 1))
}

/// Decodes numeric entities and the named ones that ATT&CK's texts hold.
fn decode_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest.as_bytes()[1..].iter().take(LONGEST_ENTITY).position(|b| *b == b';');
        let name = name.and_then(|end| rest.get(1..1 + end));
        let entity = name.and_then(|name| Some((name, entity(name)?)));
        if let Some((name, c)) = entity {
            out.push(c);
            rest = &rest[name.len() + 2..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// Bytes of the longest entity's name and its semicolon: `&#x0010FFFF;`.
const LONGEST_ENTITY: usize = 11;

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() && *c != OPEN && *c != CLOSE);
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "lbrace" => '{',
        "rbrace" => '}',
        _ => return None,
    })
}

/// `* item`, `- item`, `# heading` and `1. item` without their marker.
fn without_list_marker(line: &str) -> &str {
    let Some((marker, rest)) = line.split_once(' ') else { return line };
    let numbered = marker.strip_suffix(['.', ')']).is_some_and(|number| {
        (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
    });
    let bullet = matches!(marker, "*" | "-" | "•" | "+") || marker.bytes().all(|b| b == b'#');
    if numbered || bullet { rest } else { line }
}

/// Where in a line (single spaces between words) sentences end, in bytes, the
/// line's own end left out.
fn sentence_ends(line: &str) -> Vec<usize> {
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
        if next.is_some_and(|next| ends_sentence(word, before, next)) {
            ends.push(at);
        }
        before = word;
        at += 1;
    }
    ends
}

/// Whether a sentence ends after `word`, which stands between `before` and `next`.
fn ends_sentence(word: &str, before: &str, next: &str) -> bool {
    let bare: Cow<'_, str> = if word.contains([OPEN, CLOSE]) {
        Cow::Owned(word.replace([OPEN, CLOSE], ""))
    } else {
        Cow::Borrowed(word)
    };
    let core = bare.trim_end_matches(['"', '\'', '”', '’', ')', ']']);
    let stem = core.trim_end_matches(['.', '?', '!', '…']);
    if stem.len() == core.len() {
        return false;
    }
    let opener = next.trim_start_matches(['"', '\'', '“', '‘', '(', '[', OPEN]);
    let Some(first) = opener.chars().next() else { return false };
    let marked = next.trim_start_matches(['"', '“', '(']).starts_with(OPEN);
    // Names such as macOS, njRAT and gh0st are the small letters that open a sentence.
    let name = opener.chars().any(|c| c.is_uppercase() || c.is_ascii_digit());
    let opens = first.is_uppercase() || first.is_ascii_digit() || marked || name;
    if !opens {
        return false;
    }
    if core.ends_with(['?', '!']) {
        return true;
    }
    let stem = stem.trim_start_matches(['"', '\'', '“', '‘', '(', '[']);
    let lower = stem.to_lowercase();
    // The stop of `Inc.` ends a sentence only where a second one follows.
    if ABBREVIATIONS.contains(&lower.as_str()) {
        return core.ends_with("..");
    }
    if NUMBERED.contains(&stem) && first.is_ascii_digit() {
        return false;
    }
    if lower == "etc" {
        return first.is_uppercase();
    }
    // `John D. Smith`: an initial, but `stage C. Then` cannot be told from it by
    // form alone; only a capitalised word before makes an initial.
    let mut letters = stem.chars();
    let initial = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase());
    !(initial && before.starts_with(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_go_with_their_space_and_nested_brackets() {
        let text =
            "One (Citation: A (B) 2019). Two.(Citation: C)Three (Citation: D)(Citation: E) four.";
        assert_eq!(sentences(text), ["One.", "Two.", "Three four."]);
        assert_eq!(plain_text("Uses (Citation: A) .NET."), "Uses .NET.");
        assert_eq!(plain_text("Broken (Citation: A"), "Broken A");
    }

    #[test]
    fn links_keep_their_text() {
        let text = "[a[b]](https://x.y/z_(w)) and evil[.]com (http://evil.example/)";
        assert_eq!(plain_text(text), "a[b] and evil[.]com (http://evil.example/)");
    }

    #[test]
    fn tags_go_and_placeholders_stay() {
        assert_eq!(
            plain_text("<code>cmd &lt;x&gt; &amp;&#92; <file_path></code> <br>Next <SID>"),
            "cmd <x> &\\ <file_path>\nNext <SID>"
        );
        assert_eq!(plain_text("a &unknown; &#x110000; & b"), "a &unknown; &#x110000; & b");
    }

    #[test]
    fn no_double_space_is_left_where_a_mark_was() {
        assert_eq!(
            sentences("A key under <code> HKLM </code> is set."),
            ["A key under HKLM is set."]
        );
    }

    #[test]
    fn marks_in_the_input_do_no_harm() {
        assert_eq!(plain_text("a\u{E000}b &#xE001; c"), "ab &#xE001; c");
    }

    #[test]
    fn stops_that_end_no_sentence() {
        for whole in [
            "It uses tools (e.g. PsExec), i.e. Windows ones, vs. Linux ones.",
            "It drops C:\\Users\\a.b\\x.exe and /etc/cron.d/y to 10.0.0.1 or http://a.b/c.d?e=F.",
            "It needs .NET 4.5 or Python v3.9.1 Final.",
            "Acme Inc. Tools were signed by John D. Smith of the U.S. Army.",
            "It reads files, folders, etc. in the profile.",
            "It runs <code>echo A. B! C</code> at start.",
            "1. Do this",
            "It is No. 3, see Fig. 4.",
        ] {
            assert_eq!(sentences(whole).len(), 1, "{:?}", sentences(whole));
        }
    }

    #[test]
    fn stops_that_end_a_sentence() {
        for (text, first) in [
            ("It runs a.exe. macOS is not hit.", "It runs a.exe."),
            ("It ends. [netstat](https://a.b/c) can list.", "It ends."),
            ("It ends. <code>who -a</code> can list.", "It ends."),
            ("It lists files, etc. Adversaries do.", "It lists files, etc."),
            ("It ends (so to say.) Next.", "It ends (so to say.)"),
            ("Does it? Yes.", "Does it?"),
            ("It says \"no.\" Then goes.", "It says \"no.\""),
            ("Signed by Acme Inc.. Then it runs.", "Signed by Acme Inc.."),
            ("It has stage C. Then it ends.", "It has stage C."),
            ("* an item\n* another", "an item"),
        ] {
            assert_eq!(sentences(text).len(), 2, "{:?}", sentences(text));
            assert_eq!(sentences(text)[0], first);
        }
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(sentences(" \n\t(Citation: only) ").is_empty());
        assert_eq!(plain_text(""), "");
    }
}
