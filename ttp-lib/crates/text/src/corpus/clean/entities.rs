//! Entities: `&lt;`, `&#60;`, `&#x3c;`, and `&amp;lt;`, which was escaped twice.

use super::{is_mark, is_unseen};
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Bytes of the longest entity's name: `CounterClockwiseContourIntegral`.
const LONGEST: usize = 31;

/// What numbers from 128 on stand for where somebody took them from Windows' code page 1252.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// All entities as the characters that they are. Unknown ones stay.
pub(super) fn decoded(text: &str) -> String {
    each(text, |found, character| match character {
        None if found.escaped => Some(Cow::Borrowed("&")),
        character => character,
    })
}

/// What is escaped twice, escaped once; brackets and colons, by which citations and links are
/// found, as they are; and breaks and pairs of simple tags as tags.
pub(super) fn simplified(text: &str) -> String {
    let once = each(text, |found, character| match character {
        Some(text) if matches!(&*text, "(" | ")" | "[" | "]" | "{" | "}" | ":") => Some(text),
        Some(_) if found.escaped => Some(Cow::Owned(format!("&{};", found.name?))),
        None if found.escaped => Some(Cow::Borrowed("&amp;")),
        _ => None,
    });
    if once.contains('&') { with_tags(&once) } else { once }
}

/// `&lt;br&gt;` and `&lt;b&gt;word&lt;/b&gt;` as tags. Any other stays a text about a tag.
fn with_tags(text: &str) -> String {
    const LEFT: &str = "&(?:lt|#60|#x3c);";
    const RIGHT: &str = "&(?:gt|#62|#x3e);";
    static BREAK: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!("(?i){LEFT}/?br */?{RIGHT}")).ok());
    static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let name = "(b|i|u|p|em|li|strong|code|span)";
        Regex::new(&format!("(?i){LEFT}{name}{RIGHT}([^<>\n]+?){LEFT}/{name}{RIGHT}")).ok()
    });
    let (Some(broken), Some(pair)) = (BREAK.as_ref(), PAIR.as_ref()) else {
        return text.to_owned();
    };
    let text = broken.replace_all(text, "<br>");
    let tags = |groups: &Captures<'_>| {
        let (open, inner, close) = (&groups[1], &groups[2], &groups[3]);
        // `between &lt;p&gt; and &lt;/p&gt;` speaks of them.
        if open.eq_ignore_ascii_case(close) && !matches!(inner.trim(), "" | "and" | "or" | "…") {
            format!("<{open}>{inner}</{close}>")
        } else {
            groups[0].to_owned()
        }
    };
    pair.replace_all(&text, tags).into_owned()
}

/// What stands behind an `&`.
struct CharacterReference<'a> {
    /// Whether the `&` itself is escaped: `&amp;`, as often as it may be.
    escaped: bool,
    /// The name before a semicolon; without one only those that every browser takes so.
    name: Option<&'a str>,
}

impl CharacterReference<'_> {
    fn character(&self) -> Option<Cow<'static, str>> {
        let name = self.name?;
        let text = match name.strip_prefix('#') {
            Some(number) => numbered(number)?,
            None => named(name)?,
        };
        Some(if text.contains(is_unseen) { Cow::Borrowed("") } else { text })
    }
}

/// Each entity as `of` has it, which is told its character; `None` leaves it as it stands.
fn each<'a>(
    text: &'a str,
    of: impl Fn(&CharacterReference<'a>, Option<Cow<'static, str>>) -> Option<Cow<'static, str>>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    while let Some(here) = text[rest..].find('&').map(|found| rest + found) {
        out.push_str(&text[rest..here]);
        let mut at = here + 1;
        while text[at..].starts_with("amp;") {
            at += "amp;".len();
        }
        let escaped = at > here + 1;
        let (name, length) = name(&text[at..]);
        let found = CharacterReference { escaped, name };
        let character = found.character();
        rest = if character.is_some() { at + length } else { at };
        match of(&found, character) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&text[here..rest]),
        }
    }
    out.push_str(&text[rest..]);
    out
}

/// The entity's name that a text starts with, and its length with what closes it.
fn name(text: &str) -> (Option<&str>, usize) {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b == b'#';
    let length = text.bytes().take(LONGEST + 1).take_while(|b| is_part(*b)).count();
    let name = &text[..length];
    match text.as_bytes().get(length) {
        Some(b';') if length > 0 => (Some(name), length + 1),
        next if matches!(name, "lt" | "gt" | "nbsp" | "quot") && next != Some(&b'=') => {
            (Some(name), length)
        }
        _ => (None, 0),
    }
}

fn numbered(number: &str) -> Option<Cow<'static, str>> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse(),
        _ => return None,
    };
    let c = match code.ok()? {
        10 | 13 => return Some(Cow::Borrowed("\n")),
        9 => return Some(Cow::Borrowed(" ")),
        code @ 128..=159 => WINDOWS.chars().nth(code as usize - 128)?,
        code => char::from_u32(code)?,
    };
    (!c.is_control() && !is_mark(c)).then(|| Cow::Owned(c.to_string()))
}

fn named(name: &str) -> Option<Cow<'static, str>> {
    match name {
        "Tab" => return Some(Cow::Borrowed(" ")),
        "NewLine" => return Some(Cow::Borrowed("\n")),
        // ATT&CK writes these, which are no names of HTML's.
        "lbrace" | "lcub" => return Some(Cow::Borrowed("{")),
        "rbrace" | "rcub" => return Some(Cow::Borrowed("}")),
        "lbrack" | "lsqb" => return Some(Cow::Borrowed("[")),
        "rbrack" | "rsqb" => return Some(Cow::Borrowed("]")),
        "tab" => return Some(Cow::Borrowed(" ")),
        _ => {}
    }
    let entity = format!("&{name};");
    let text = html_escape::decode_html_entities(&entity).into_owned();
    (text != entity && !text.contains(is_mark)).then_some(Cow::Owned(text))
}
