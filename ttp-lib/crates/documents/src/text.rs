//! Plain text: paragraphs between empty lines, wrapped lines joined.

use crate::budget::{Budget, Outcome};
use crate::select::{Draft, Role, is_code, is_indicator};

/// A line longer than this is a paragraph of its own: nobody wraps there.
const WRAPPED: usize = 130;
/// A title has at most this many words.
const TITLE: usize = 12;

/// The drafts of a text.
pub(crate) fn drafts(text: &str, budget: &mut Budget) -> Outcome<Vec<Draft>> {
    budget.spend(text.len())?;
    let mut drafts = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let text = text.trim_start_matches('\u{feff}');
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let before = drafts.len();
        let line = line.trim();
        if line.contains(char::is_alphanumeric) {
            paragraph.push(line);
        } else if line.is_empty() || !paragraph.is_empty() {
            // A line of signs alone (`-----`) parts as an empty one does.
            close(&mut paragraph, &mut drafts);
        }
        budget.spend_blocks(drafts.len() - before)?;
    }
    close(&mut paragraph, &mut drafts);
    Ok(drafts)
}

fn close(paragraph: &mut Vec<&str>, drafts: &mut Vec<Draft>) {
    if let [line] = paragraph[..]
        && is_title(line)
    {
        drafts.push(Draft::new(Role::Heading, line));
        paragraph.clear();
        return;
    }
    let mut open: Option<(String, &str)> = None;
    for line in paragraph.drain(..) {
        let alone = is_list_of_indicators(line);
        match open.as_mut() {
            Some((text, before))
                if !alone
                    && !is_item(line)
                    && !is_list_of_indicators(before)
                    && before.len() <= WRAPPED =>
            {
                join(text, line);
                *before = line;
            }
            _ => {
                let closed = open.replace((line.to_owned(), line));
                drafts.extend(closed.map(|(text, _)| Draft::new(Role::Text, text)));
            }
        }
    }
    drafts.extend(open.map(|(text, _)| Draft::new(Role::Text, text)));
}

/// Appends a line; a word that was cut at its end is made whole.
pub(crate) fn join(text: &mut String, line: &str) {
    let cut = text.ends_with('-')
        && text[..text.len() - 1].ends_with(char::is_lowercase)
        && line.starts_with(char::is_lowercase);
    if cut {
        text.pop();
    } else if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(line);
}

/// Whether a line stands alone as a title does: short, and without the mark that ends a sentence.
pub(crate) fn is_title(line: &str) -> bool {
    let short = line.len() <= 300 && line.split_whitespace().nth(TITLE).is_none();
    let ends = line.ends_with(['.', '!', '?', ';', ',']);
    short
        && !ends
        && line.contains(char::is_alphabetic)
        && !is_item(line)
        && !is_code(line)
        && !line.split_whitespace().any(is_indicator)
}

/// Whether a line begins an item of a list.
pub(crate) fn is_item(line: &str) -> bool {
    let numbered = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    item_mark(line) > 0
        || numbered.is_some_and(|(number, _)| {
            number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// The length of a bullet or number, with its blank, that begins an item of a list.
pub(crate) fn item_mark(line: &str) -> usize {
    let bullets = ['•', '▪', '◦', '●', '■', '‣', '·', '\u{f0b7}'];
    let bare = line.trim_start_matches(bullets);
    if bare.len() < line.len() {
        return line.len() - bare.trim_start().len();
    }
    if let Some(rest) = line.strip_prefix(['-', '*', '–', '—', '+', 'o'])
        && rest.starts_with(' ')
    {
        return line.len() - rest.trim_start().len();
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line[digits..].strip_prefix(['.', ')']).filter(|_| (1..=3).contains(&digits));
    match rest.filter(|rest| rest.starts_with(' ')) {
        Some(rest) => line.len() - rest.trim_start().len(),
        None => 0,
    }
}

/// Whether indicators are most of a line's words.
fn is_list_of_indicators(line: &str) -> bool {
    let (mut all, mut found) = (0, 0);
    for word in line.split_whitespace().take(12) {
        all += 1;
        found += usize::from(is_indicator(word));
    }
    found * 2 >= all && found > 0
}
