//! Marks of bold, italics and struck text.

use super::{CITED, CLOSE, OPEN};
use std::collections::HashMap;

/// `**bold**`, `__bold__`, `***both***`, `*italics*`, `_italics_` and `~~struck~~` without their
/// marks. Within code, and where a mark has no partner in its paragraph, they stay.
pub(super) fn without(text: &str) -> String {
    if !text.contains(['*', '_', '~']) {
        return text.to_owned();
    }
    let marks = marks(text);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, length) in marks {
        out.push_str(&text[from..start]);
        from = start + length;
    }
    out.push_str(&text[from..]);
    out
}

/// The places and lengths of all marks that have their partner.
fn marks(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: HashMap<(char, usize), Vec<usize>> = HashMap::new();
    let mut depth = 0_usize;
    let mut rest = 0;
    while let Some(here) = text[rest..].find(['*', '_', '~', OPEN, CLOSE, '\n']).map(|at| rest + at)
    {
        let tail = &text[here..];
        let c = tail.chars().next().unwrap_or('\n');
        rest = here + c.len_utf8();
        match c {
            OPEN => depth += 1,
            CLOSE => depth = depth.saturating_sub(1),
            '\n' if tail[1..].trim_start_matches([' ', '\t']).starts_with('\n') => open.clear(),
            '\n' => {}
            _ => {
                let length = tail.chars().take_while(|other| *other == c).count();
                rest = here + length;
                if depth > 0 || length > 3 || (c == '~' && length != 2) {
                    continue;
                }
                let mark = Mark { c, length, here };
                if let Some(start) = mark.closes(text, &mut open) {
                    found.extend([(start, length), (here, length)]);
                } else if mark.opens(text) {
                    open.entry((c, length)).or_default().push(here);
                }
            }
        }
    }
    found.sort_unstable();
    found
}

struct Mark {
    c: char,
    length: usize,
    here: usize,
}

/// Bytes of a text between two marks, at most: what is longer is no emphasis, and is not looked
/// through.
const LONGEST: usize = 2_000;

impl Mark {
    /// Whether it can open: at the start of a word.
    fn opens(&self, text: &str) -> bool {
        let before = text[..self.here].chars().next_back();
        let Some(next) = text[self.here + self.length..].chars().next() else { return false };
        let begins =
            next.is_alphanumeric() || matches!(next, '"' | '“' | '\'' | '(' | '[' | OPEN | CITED);
        begins
            && before
                .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '\\' | '/' | '%' | '*' | '_'))
    }

    /// Where the mark is that it closes, if it can close one.
    fn closes(&self, text: &str, open: &mut HashMap<(char, usize), Vec<usize>>) -> Option<usize> {
        let before = text[..self.here].chars().next_back()?;
        let next = text[self.here + self.length..].chars().next();
        if before.is_whitespace() || matches!(before, '\\' | '/') {
            return None;
        }
        let joined = next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '\\'));
        if joined && (self.c == '_' || self.length == 1) {
            return None;
        }
        let starts = open.get_mut(&(self.c, self.length))?;
        let start = starts.pop()?;
        let inner = text.get(start + self.length..self.here)?;
        if inner.len() > LONGEST {
            return None;
        }
        // `__init__` is a name, and `*password*` a pattern of one.
        let named = next.is_some_and(|c| matches!(c, '(' | '.') && self.c == '_')
            && text[self.here + self.length..]
                .chars()
                .nth(1)
                .is_some_and(|c| c.is_alphanumeric() || c == '(');
        let plain = match (self.c, self.length) {
            ('*', 2 | 3) | ('~', _) => true,
            ('_', 2 | 3) => inner.contains(' ') || inner.starts_with(char::is_uppercase),
            _ => inner.contains(' ') && !inner.contains([self.c, '\n']),
        };
        (plain && !named && start + self.length < self.here).then_some(start)
    }
}
