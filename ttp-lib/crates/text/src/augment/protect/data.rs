//! Which blank-separated tokens are no prose.

use super::is_prose_word;
use crate::augment::wordnet::WordNet;

/// What stands around a token and is none of it: quotation marks, brackets, and behind it the
/// marks of a sentence.
pub(super) fn core(token: &str) -> &str {
    token.trim_start_matches(opens).trim_end_matches(|c: char| {
        opens(c)
            || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '>' | '”' | '’')
            || matches!(c, '…' | '»' | '。' | '，' | '、')
    })
}

fn opens(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '(' | '[' | '{' | '<' | '“' | '‘' | '«' | '„')
}

/// What no word of prose has in it: of paths, addresses, assignments, wildcards, markup and
/// commands.
const SIGNS: [char; 12] = ['\\', '@', '=', '|', '<', '>', '^', '~', '+', '*', '%', '#'];

/// How addresses are defanged.
const DEFANGED: [&str; 13] =
    ["[.", ".]", "[:", ":]", "[/", "(.)", "{.}", "[dot", "(dot", "{dot", "[at", "(at)", "{at"];

/// Whether a blank-separated token is no prose: a path, registry key, address (defanged or
/// not), port, file name, host name, e-mail address, version, switch, variable or hash, or
/// anything with a digit.
pub(super) fn is_data(token: &str, wordnet: &WordNet) -> bool {
    // Brackets around it may be its own: `{4D36E972-…}`, `[::1]:443`.
    let core = core(token);
    let mut characters = core.chars();
    let (first, second) = (characters.next(), characters.next());
    let after_sign = second.is_some_and(|c| {
        c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '–' | '{' | '(' | '_' | '?')
    });
    let is_switch_path_or_variable = after_sign
        && first.is_some_and(|c| matches!(c, '/' | '~' | '.' | '-' | '–' | '—' | '%' | '$' | '&'));
    is_switch_path_or_variable
        || core.contains(char::is_numeric)
        || is_abbreviation(token)
        || core.contains(SIGNS)
        || core.contains("://")
        || core.contains("::")
        || is_defanged(core)
        || stands_inside(core, ['.', ':', '&', ';', '$'])
        || is_path(core, wordnet)
        || is_hash(core)
}

/// Whether there is something of [`DEFANGED`] in a token, whatever its case.
fn is_defanged(token: &str) -> bool {
    if !token.contains(['[', ']', '(', '{']) {
        return false;
    }
    let token = token.to_ascii_lowercase();
    DEFANGED.iter().any(|mark| token.contains(mark))
}

/// One of these marks between two letters or digits: `net.exe`, `tcp:https`, `R&D`.
fn stands_inside(token: &str, marks: [char; 5]) -> bool {
    token.match_indices(marks).any(|(at, mark)| {
        token[..at].ends_with(char::is_alphanumeric)
            && token[at + mark.len()..].starts_with(char::is_alphanumeric)
    })
}

/// Names with slashes between them, unless they are two words of prose (`and/or`).
fn is_path(token: &str, wordnet: &WordNet) -> bool {
    let names: Vec<&str> = token.split('/').filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        [] | [_] => false,
        [one, other] if !token.starts_with('/') => {
            !(is_prose_word(one, wordnet) && is_prose_word(other, wordnet))
        }
        _ => true,
    }
}

/// One letter and a full stop, as in `p. 12`.
fn is_abbreviation(token: &str) -> bool {
    let mut characters = token.trim_start_matches(opens).chars();
    characters.next().is_some_and(char::is_alphabetic) && characters.as_str() == "."
}

/// As long as an MD5 or longer, and hexadecimal.
fn is_hash(token: &str) -> bool {
    token.len() >= 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit())
}
