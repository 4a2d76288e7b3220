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
const TAGS: [&str; 54] = [
    "a",
    "abbr",
    "b",
    "big",
    "blockquote",
    "br",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figure",
    "font",
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
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
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
];

/// Those among them that end a line.
const BLOCKS: [&str; 25] = [
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "td",
    "th",
    "tr",
    "ul",
    "tbody",
];

/// A full stop after one of these ends no sentence.
const ABBREVIATIONS: [&str; 23] = [
    "ex", "esp", "cf", "vs", "al", "approx", "inc", "corp", "ltd", "co", "dr", "mr", "ms", "mrs",
    "st", "dept", "univ", "prof", "intl", "assn", "bros", "jr", "resp",
];

/// Nor after a title before a name: `Gen. Smith`, but `the col. Then`.
const TITLES: [&str; 8] = ["Gen", "Gov", "Sgt", "Lt", "Col", "Capt", "Sen", "Rep"];

/// Nor after one of these before a number: `No. 3` and `see sec. 4`, but `It says no. 3 files are
/// left` and `5 sec. 3 files`.
const NUMBERED: [&str; 22] = [
    "No", "Nos", "Fig", "fig", "figs", "Figs", "ver", "Ver", "vers", "max", "Max", "min", "Min",
    "sec", "Sec", "ch", "Ch", "vol", "Vol", "pp", "ca", "Art",
];

/// Nor after a month before a day or a year.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec"];

/// Names with a mark of their own.
const NAMES: [&str; 2] = ["Yahoo!", "Jeopardy!"];

/// Words that open a sentence and hardly ever go on with one, capital letter included.
const OPENERS: [&str; 34] = [
    "A",
    "Additionally",
    "Adversaries",
    "After",
    "Also",
    "An",
    "As",
    "At",
    "Both",
    "Each",
    "For",
    "From",
    "He",
    "However",
    "If",
    "In",
    "It",
    "Later",
    "Next",
    "Once",
    "One",
    "Other",
    "Others",
    "Since",
    "Some",
    "Such",
    "That",
    "The",
    "Then",
    "There",
    "These",
    "They",
    "This",
    "When",
];

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
        let line = with_blanks_after_stops(&collapse(line));
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
    let text = without_link_targets(&without_citations(&markup));
    without_emphasis(&decode_entities(&without_tags(&text)))
}

/// The brackets of this module off, and the spaces that stood on both sides of one.
fn finish(text: &str) -> String {
    collapse(&text.replace([OPEN, CLOSE], ""))
}

/// Removes each `(Citation: …)` and the space before it, in whatever letters and brackets. A
/// citation may stand between two sentences without any space, so one is put back before a word.
/// One that is never closed ends with the last bracket that is closed in it, or with its line.
fn without_citations(text: &str) -> String {
    let pairs = [brackets(text, '(', ')'), brackets(text, '[', ']')];
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(start) = citation(text, from) {
        out.push_str(&text[from..start]);
        out.truncate(out.trim_end_matches([' ', '\u{a0}']).len());
        let end = pairs.iter().find_map(|pairs| pairs.get(&start)).copied();
        let end = end.unwrap_or_else(|| open_citation_end(text, start));
        let mut next = text[end..].chars();
        let space_again = match next.next() {
            Some('.') => next.next().is_some_and(char::is_alphanumeric),
            Some(c) => c.is_alphanumeric() || matches!(c, '(' | '[' | '<' | '"' | '“' | '`'),
            None => false,
        };
        if space_again && citation(text, end) != Some(end) && !out.is_empty() {
            out.push(' ');
        }
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

/// Where the next citation begins.
fn citation(text: &str, from: usize) -> Option<usize> {
    const WORD: &str = "citation";
    let mut at = from;
    while let Some(bracket) = text[at..].find(['(', '[']).map(|found| at + found) {
        let inside = text[bracket + 1..].trim_start_matches([' ', '\u{a0}']);
        let word = inside.get(..WORD.len()).filter(|word| word.eq_ignore_ascii_case(WORD));
        let colon = |word: &str| {
            let rest =
                inside[word.len()..].strip_prefix(['s', 'S']).unwrap_or(&inside[word.len()..]);
            rest.trim_start_matches(' ').starts_with(':')
        };
        // Blanks without end are looked at once for each bracket: few of them are enough.
        if text.len() - bracket - 1 - inside.len() <= 8 && word.is_some_and(colon) {
            return Some(bracket);
        }
        at = bracket + 1;
    }
    None
}

/// Where a citation that is never closed ends, in bytes of the whole text.
fn open_citation_end(text: &str, start: usize) -> usize {
    let next = citation(text, start + 1).unwrap_or(text.len());
    let next = text[start..next].find('\n').map_or(next, |end| start + end);
    let inside = &text[start..next];
    match inside.rfind(&inside[..1].replace('(', ")").replace('[', "]")) {
        // A name, a bracket within it, and nothing that closes the outer one.
        Some(end) => start + end + 1,
        None => next,
    }
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
/// `evil[.]com (…)` and `[1](see)` are none: a target is an address or a path, and a label has more
/// than a mark in it where a blank stands before an address.
fn link<'a>(
    text: &'a str,
    place: usize,
    labels: &HashMap<usize, usize>,
    targets: &HashMap<usize, usize>,
) -> Option<(&'a str, usize)> {
    let label = labels.get(&place)? - place;
    let target = &text[label..];
    let named = text[1..label - 1].chars().filter(|c| c.is_alphanumeric()).count() > 1;
    let blank = usize::from(named && target.starts_with(" (http"));
    let target = &target[blank..];
    if !["(http://", "(https://", "(/"].iter().any(|start| target.starts_with(start)) {
        return None;
    }
    let length = targets.get(&(place + label + blank))? - place;
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
            name if BLOCKS.contains(&name) && !in_code => out.push('\n'),
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

/// Marks of bold (`**…**`) go; code between backticks (one, two or three) is marked as `<code>` is.
/// Within code, and where a mark has no partner on its line, they stay.
fn without_emphasis(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        without_emphasis_in(line, &mut out);
    }
    out
}

fn without_emphasis_in(line: &str, out: &mut String) {
    // Places of backticks and stars that are not within `<code>`.
    let mut in_code = false;
    let mut bold_open = false;
    let bold = line.matches("**").count();
    let mut bold_left = bold - bold % 2;
    let runs = |from: usize| line[from..].bytes().take_while(|b| *b == b'`').count();
    // The next run of as many backticks: each length is looked for once behind each place.
    let mut starts: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut at = 0;
    while let Some(found) = line[at..].find('`') {
        let length = runs(at + found);
        starts.entry(length).or_default().push(at + found);
        at += found + length;
    }
    let mut rest = 0;
    while let Some(found) = line[rest..].find(['`', '*', OPEN, CLOSE]) {
        let here = rest + found;
        out.push_str(&line[rest..here]);
        let tail = &line[here..];
        if tail.starts_with(OPEN) || tail.starts_with(CLOSE) {
            in_code = tail.starts_with(OPEN);
            out.extend(tail.chars().next());
            rest = here + OPEN.len_utf8();
        } else if tail.starts_with('`') {
            let length = runs(here);
            let same = starts.get(&length).map_or(&[][..], Vec::as_slice);
            let partner = same.get(same.partition_point(|start| *start <= here));
            let code = partner.map(|end| &line[here + length..*end]);
            match (code, partner) {
                (Some(code), Some(end))
                    if !in_code && length <= 3 && !code.contains([OPEN, CLOSE]) =>
                {
                    out.push(OPEN);
                    out.push_str(code);
                    out.push(CLOSE);
                    rest = end + length;
                }
                _ => {
                    out.push_str(&line[here..here + length]);
                    rest = here + length;
                }
            }
        } else if tail.starts_with("**") && !in_code && bold_left > 0 {
            let inner = tail[2..].chars().next();
            let opens =
                !bold_open && inner.is_some_and(|c| !c.is_whitespace() && c != '*' && c != '.');
            let opens = opens && !line[..here].ends_with(char::is_alphanumeric);
            let closes = bold_open
                && !line[..here].ends_with(char::is_whitespace)
                && !tail[2..].starts_with(char::is_alphanumeric);
            if opens || closes {
                bold_open = opens;
            } else {
                out.push_str("**");
            }
            bold_left -= 1;
            rest = here + 2;
        } else {
            out.push('*');
            rest = here + 1;
        }
    }
    out.push_str(&line[rest..]);
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
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "bull" => '•',
        "middot" => '·',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "sol" => '/',
        "bsol" => '\\',
        "lbrack" | "lsqb" => '[',
        "rbrack" | "rsqb" => ']',
        "lpar" => '(',
        "rpar" => ')',
        "colon" => ':',
        "period" => '.',
        "comma" => ',',
        "num" => '#',
        "dollar" => '$',
        "percnt" => '%',
        "ast" => '*',
        "lowbar" => '_',
        "verbar" | "vert" => '|',
        "equals" => '=',
        "tab" | "Tab" | "NewLine" => ' ',
        _ => return None,
    })
}

/// `* item`, `– item`, `# heading`, `1. item`, `(2) item` and `b) item` without their marker.
fn without_list_marker(line: &str) -> &str {
    let Some((marker, rest)) = line.split_once(' ') else { return line };
    let bullets = ['*', '-', '–', '—', '•', '·', '●', '○', '◦', '▪', '■', '‣', '⁃', '+', '#'];
    let bullet = marker.chars().all(|c| bullets.contains(&c)) && !marker.is_empty();
    let closed = marker.strip_suffix(')');
    let number = match marker.strip_prefix('(') {
        Some(inside) => inside.strip_suffix(')'),
        None => closed.or_else(|| marker.strip_suffix('.')),
    };
    let numbered = number.is_some_and(|number| {
        (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
    });
    // A letter's full stop may be an initial's.
    let lettered = closed.is_some()
        && number.is_some_and(|letter| {
            letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_lowercase())
        });
    if numbered || lettered || bullet { rest } else { line }
}

/// A blank after each full stop that has lost it: `is seen.Then it`. Only between small letters and
/// a word that opens sentences, for `WScript.Shell` is a name.
fn with_blanks_after_stops(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for (at, word) in line.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        match word.split_once('.') {
            Some((before, after))
                if before.len() > 1
                    && before.trim_start_matches(['(', '"']).chars().all(char::is_lowercase)
                    && OPENERS.contains(&after) =>
            {
                out.push_str(before);
                out.push_str(". ");
                out.push_str(after);
            }
            _ => out.push_str(word),
        }
    }
    out
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
    let opener = opener.trim_end_matches(|c: char| !c.is_alphanumeric());
    let surely = OPENERS.contains(&opener);
    if core.ends_with(['?', '!']) {
        return surely || !NAMES.contains(&core);
    }
    // An ellipsis may stand within a sentence.
    if core.ends_with("..") || core.ends_with('…') {
        return surely || (first.is_uppercase() && !stem.is_empty() && !core.ends_with("..."));
    }
    let stem = stem.trim_start_matches(['"', '\'', '“', '‘', '(', '[']);
    let lower = stem.to_lowercase();
    if ABBREVIATIONS.contains(&lower.as_str()) {
        return false;
    }
    // `e.g.`, `U.S.A.`, `a.k.a.`, `p.m.`: letters with a stop behind each.
    let letters = stem.split('.').filter(|part| !part.is_empty());
    let dotted = stem.contains('.')
        && letters.clone().all(|part| part.chars().count() == 1)
        && letters.clone().all(|part| part.chars().all(char::is_alphabetic));
    if dotted {
        return surely && !matches!(lower.as_str(), "e.g" | "i.e" | "a.k.a");
    }
    let number_before = before.trim_matches(|c: char| !c.is_alphanumeric());
    let unit = !number_before.is_empty() && number_before.bytes().all(|b| b.is_ascii_digit());
    if first.is_ascii_digit() && ((NUMBERED.contains(&stem) && !unit) || MONTHS.contains(&stem)) {
        return false;
    }
    if TITLES.contains(&stem) {
        return surely;
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
        for (text, plain) in [
            ("Broken (Citation: A", "Broken"),
            ("Broken.(Citation: A Report (TA-1)", "Broken."),
            ("Broken.(Citation: A\nNext line.", "Broken.\nNext line."),
            ("One.(citation: A)Two.( CITATION : B) Three.[Citation: C]", "One. Two. Three."),
            ("One.(Citation:A)(Citations: B, C)", "One."),
            (
                "A parking (citation) and (citations needed) stay.",
                "A parking (citation) and (citations needed) stay.",
            ),
        ] {
            assert_eq!(plain_text(text), plain);
        }
    }

    #[test]
    fn marks_of_bold_and_code_go() {
        for (text, plain) in [
            ("**Bold** and `code` and ``co`de``.", "Bold and code and co`de."),
            ("It runs <code>echo `id`</code>.", "It runs echo `id`."),
            ("Files *.doc, **.exe and 2**8 stay.", "Files *.doc, **.exe and 2**8 stay."),
            ("One `mark alone.", "One `mark alone."),
            ("<span class=\"x\">RDP</span> and <user> &ndash; <h2>x</h2>", "RDP and <user> – x"),
        ] {
            assert_eq!(plain_text(text).replace('\n', " "), plain);
        }
    }

    #[test]
    fn list_items_have_no_marks() {
        for (text, items) in [
            ("It can:\n\n– list\n– delete", &["It can:", "list", "delete"][..]),
            ("It can:\n(1) list\n(2) stop\nb) go", &["It can:", "list", "stop", "go"]),
            ("• one\n## two\n12) three\n(see) four", &["one", "two", "three", "(see) four"]),
            ("[Fogbank] (https://a.b/c) runs.", &["Fogbank runs."]),
            (
                "It is seen.Then it leaves; System.The is a name.",
                &["It is seen.", "Then it leaves; System.The is a name."],
            ),
        ] {
            assert_eq!(sentences(text), items);
        }
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
            "It, a.k.a. Bluebank, runs.",
            "It ran from Sept. 2019 until Jan. 2020.",
            "It uses Yahoo! Mail as its channel.",
            "It needs ver. 2 and max. 5 tries, see sec. 4.",
            "The U.S.A. Army met the D.P.R.K. Government at 5 p.m. Eastern time.",
            "It waits ... 30 seconds.",
            "It runs `echo A. B` in turn.",
            "It was sold by Example Co., Ltd. Tools were signed.",
            "Gen. Smith of the Dept. Of Defense saw it.",
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
            ("It ran at 5 p.m. Then it ended.", "It ran at 5 p.m."),
            ("It is of the U.S. The rest is not.", "It is of the U.S."),
            ("It waits 5 sec. 4 files are read.", "It waits 5 sec."),
            ("It goes on... The rest is not.", "It goes on..."),
            ("It steals (1) keys. (2) Cookies stay", "It steals (1) keys."),
            ("It asks example.com. 192.0.2.1 is next.", "It asks example.com."),
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
