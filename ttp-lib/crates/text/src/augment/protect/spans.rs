//! What is data only together with its neighbours: times and dates in words, paths with blanks,
//! quoted commands, addresses that are defanged with blanks.

use super::data::core;
use std::ops::Range;

/// A blank-separated token.
pub(super) struct Token<'t> {
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
    /// It without what stands around it.
    core: &'t str,
    /// Whether it is no prose.
    pub(super) is_data: bool,
}

impl<'t> Token<'t> {
    /// The tokens of a text; `is_data` says of each, whole, whether it is no prose.
    pub(super) fn all(text: &'t str, is_data: impl Fn(&str) -> bool) -> Vec<Self> {
        let mut tokens = Vec::with_capacity(text.len() / 6);
        let mut from = 0;
        let ends = text.char_indices().filter(|(_, c)| c.is_whitespace());
        for (end, blank) in ends.chain([(text.len(), ' ')]) {
            if end > from {
                let token = &text[from..end];
                tokens.push(Self { span: from..end, core: core(token), is_data: is_data(token) });
            }
            from = end + blank.len_utf8();
        }
        tokens
    }

    fn is_any_of(&self, words: &[&str]) -> bool {
        let core = self.core;
        core.len() <= LONGEST && words.iter().any(|word| core.eq_ignore_ascii_case(word))
    }

    /// A number, written in digits, with what belongs to one: `3`, `4th`, `$5,000`, `14:05`.
    fn is_number(&self) -> bool {
        let digits = self.core.trim_start_matches(['$', '€', '£', '¥', '+', '-', '~', '#']);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().filter(|c| c.is_alphabetic()).count() <= 2
    }
}

const LONGEST: usize = 10;

/// Words that belong to the number before them.
const AFTER_NUMBER: [&str; 17] = [
    "am",
    "pm",
    "a.m",
    "p.m",
    "noon",
    "utc",
    "gmt",
    "o'clock",
    "o’clock",
    "hrs",
    "percent",
    "hundred",
    "thousand",
    "million",
    "billion",
    "trillion",
    "dozen",
];

/// Words that belong to the number behind them.
const BEFORE_NUMBER: [&str; 10] =
    ["port", "ports", "version", "versions", "tcp", "udp", "build", "id", "usd", "eur"];

const MONTHS: [&str; 24] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
];

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Marks as data what is so together with its neighbours.
pub(super) fn join(text: &str, tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let (before, rest) = tokens.split_at_mut(at);
        let Some((token, rest)) = rest.split_first_mut() else { continue };
        let next = rest.first();
        let previous = before.last();
        let number_next = next.is_some_and(Token::is_number);
        let number_before = previous.is_some_and(Token::is_number);
        let month_next = next.is_some_and(|next| next.is_any_of(&MONTHS));
        // `4th of March`
        let number_of = previous.is_some_and(|previous| previous.is_any_of(&["of"]))
            && before.iter().nth_back(1).is_some_and(Token::is_number);
        token.is_data |= (number_before && token.is_any_of(&AFTER_NUMBER))
            || (number_next && token.is_any_of(&BEFORE_NUMBER))
            || (token.is_any_of(&MONTHS) && (number_before || number_next || number_of))
            || (token.is_any_of(&WEEKDAYS) && (number_next || month_next));
        // `example [dot] com`
        let whole = &text[token.span.clone()];
        if matches!(whole, "[.]" | "(.)" | "[dot]" | "(dot)" | "[at]" | "(at)" | "[@]") {
            token.is_data = true;
            before.iter_mut().rev().take(1).for_each(|token| token.is_data = true);
            rest.iter_mut().take(1).for_each(|token| token.is_data = true);
        }
    }
    for at in 0..tokens.len() {
        if let Some(last) = end_of_path(text, &tokens[at..]) {
            tokens[at..=at + last].iter_mut().for_each(|token| token.is_data = true);
        }
    }
    quotations(text, tokens);
}

/// How many tokens a path with blanks has behind its first one (`C:\Program Files\a b.exe`):
/// up to the farthest that goes on with a separator, or is a file's name, before a mark of a
/// sentence or the next path.
fn end_of_path(text: &str, tokens: &[Token]) -> Option<usize> {
    const FARTHEST: usize = 6;
    let first = tokens.first()?;
    let separator = if first.core.contains('\\') {
        '\\'
    } else if first.core.starts_with(['/', '~']) && first.core.matches('/').count() > 1 {
        '/'
    } else {
        return None;
    };
    let stops = |token: &Token| {
        text[token.span.clone()].ends_with(['.', ',', ';', '!', '?', '"', '\'', '`', ')', '”', '’'])
    };
    if stops(first) {
        return None;
    }
    let mut last = None;
    for (at, token) in tokens.iter().enumerate().skip(1).take(FARTHEST) {
        let begins_another = token.core.starts_with([separator, '-', '%', '~'])
            || token.core.get(1..3) == Some(":\\");
        if begins_another {
            break;
        }
        if token.core.contains(separator) {
            last = Some(at);
        }
        if stops(token) {
            break;
        }
    }
    last
}

/// What stands in backticks or braces is code; what stands in quotation marks, and has data in
/// it, a command (`"cmd.exe /c whoami"`).
fn quotations(text: &str, tokens: &mut [Token]) {
    const LONGEST: usize = 300;
    for (opening, closing) in
        [('`', '`'), ('{', '}'), ('"', '"'), ('“', '”'), ('„', '“'), ('«', '»')]
    {
        let mut open: Option<usize> = None;
        for (at, mark) in text.match_indices([opening, closing]) {
            let Some(from) = open.filter(|_| mark.starts_with(closing)) else {
                open = mark.starts_with(opening).then_some(at);
                continue;
            };
            open = None;
            let first = tokens.partition_point(|token| token.span.end <= from);
            let behind = tokens.partition_point(|token| token.span.start < at);
            let inside = &mut tokens[first..behind];
            let is_code = matches!(opening, '`' | '{') || inside.iter().any(|token| token.is_data);
            if is_code && at - from <= LONGEST {
                inside.iter_mut().for_each(|token| token.is_data = true);
            }
        }
    }
}
