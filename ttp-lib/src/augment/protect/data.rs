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

/// What no word of prose has in it: of paths, addresses (defanged or not), registry keys,
/// assignments, wildcards, markup and commands.
const MARKS: [&str; 28] = [
    "\\", "://", "::", "[.", ".]", "[:", ":]", "[/", "(.)", "{.}", "[dot", "(dot", "{dot", "[at",
    "(at)", "{at", "@", "HKEY_", "=", "|", "<", ">", "^", "~", "+", "*", "%", "#",
];

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
        || MARKS.iter().any(|mark| contains(core, mark))
        || ['.', ':', '&', ';', '$'].iter().any(|&mark| stands_inside(core, mark))
        || is_path(core, wordnet)
        || is_hash(core)
}

/// Whether `mark`, in lower case, is in a token, whatever that one's case.
fn contains(token: &str, mark: &str) -> bool {
    token.contains(mark)
        || (mark.len() > 2 && token.is_ascii() && token.to_ascii_lowercase().contains(mark))
}

/// A mark between two letters or digits: `net.exe`, `example.com`, `TCP:https`, `R&D`.
fn stands_inside(token: &str, mark: char) -> bool {
    token.split(mark).collect::<Vec<_>>().windows(2).any(|sides| {
        sides[0].ends_with(char::is_alphanumeric) && sides[1].starts_with(char::is_alphanumeric)
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

/// As long as an MD5 or longer, and hexadecimal.
fn is_hash(token: &str) -> bool {
    token.len() >= 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit())
}
