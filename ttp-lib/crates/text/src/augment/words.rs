//! Where the words of a text are, as TextAttack 0.3.10's `words_from_text` has it.

use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// The byte range of each word of `text`, in order, never overlapping or empty.
///
/// A word is a run of letters, digits and `'`, `-`, `_`, `*`, `@`; those five do
/// not begin one. Everything else stands between words and stays where it is when
/// words are edited: `user's` and `take-home` are one word, `net.exe` is two, and
/// of `-enc` the word is `enc`. As in TextAttack, backtick, `×` and `˗` are word
/// characters too (they are in its list of look-alikes of letters).
///
/// Different on purpose, so that no word is torn:
/// - an accent or vowel sign of its own belongs to its letter, and a character without width
///   (joiners, soft hyphen) to the word that it stands in;
/// - a curly apostrophe is part of a word as a straight one is (`doesn’t`, `l’appel`,
///   `users’`);
/// - an apostrophe that closes a quotation is no part of the word before it;
/// - an apostrophe begins a word where it stands for letters or a century (`'em`, `’90s`);
/// - TextAttack segments Chinese with a dictionary; here a run of Chinese characters is
///   one word.
///
/// ```
/// use ttp_text::augment::words;
/// let text = "Runs `net user /domain` -- the attacker's \"take-home\".";
/// let found: Vec<&str> = words(text).into_iter().map(|word| &text[word]).collect();
/// assert_eq!(found, ["Runs", "`net", "user", "domain`", "the", "attacker's", "take-home"]);
/// ```
pub fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::with_capacity(text.len() / 6);
    let mut start = None;
    let mut before = ' ';
    // Of ‘curly’ and of 'straight' marks.
    let [mut curly, mut straight] = [false; 2];
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let closes = (curly && c == '’') || (straight && c == '\'');
        match start {
            None if begins_word(c) || (is_apostrophe(c) && is_elided(before, rest)) => {
                start = Some(at);
            }
            Some(from) if !continues_word(c, before, rest, closes) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
        if start.is_none() {
            match c {
                '‘' => curly = true,
                '’' => curly = false,
                '\'' => straight = !closes && rest.starts_with(begins_word),
                _ => {}
            }
        }
        before = c;
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

fn begins_word(c: char) -> bool {
    is_letter_or_digit(c) || matches!(c, '`' | '×' | '˗')
}

/// Whether a word goes on with `c`, which stands between `before` and `rest`, and `closes` a
/// quotation if the word does not.
fn continues_word(c: char, before: char, rest: &str, closes: bool) -> bool {
    let after = rest.chars().next().unwrap_or(' ');
    if begins_word(c) || matches!(c, '-' | '_' | '*' | '@') {
        return true;
    }
    if c == '\'' {
        return !closes || begins_word(after);
    }
    if c.is_ascii() {
        return false;
    }
    is_combining_mark(c)
        || (has_no_width(c) && (begins_word(after) || has_no_width(after)))
        || (is_apostrophe(c) && begins_word(after))
        // A possessive: of plurals and names that end in s or a sound like it.
        || (c == '’' && !closes && matches!(before, 's' | 'S' | 'x' | 'z'))
}

/// The typewriter's, the typographer's, and what keyboards have in their place.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | '＇' | '´' | '′')
}

/// Joiners and what else is between letters without being seen.
fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Whether an apostrophe stands for what was left out before `rest`.
fn is_elided(before: char, rest: &str) -> bool {
    const ELIDED: [&str; 12] =
        ["bout", "cause", "em", "kay", "n", "neath", "nuff", "round", "til", "till", "tis", "twas"];
    if before.is_alphanumeric() {
        return false;
    }
    let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    let word = &rest[..end];
    let is_decade = word.len() > 2 && word.ends_with('s');
    ELIDED.iter().any(|elided| word.eq_ignore_ascii_case(elided))
        || (is_decade && word[..word.len() - 1].bytes().all(|byte| byte.is_ascii_digit()))
}

/// Python's `\w` without the underscore: letters and numbers of any script, but no
/// combining marks, which Rust's `is_alphabetic` counts in for some scripts.
fn is_letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric() && !is_combining_mark(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_torn() {
        // After https://github.com/makcedward/nlpaug/issues/143 and .../313.
        for (text, expected) in [
            ("cafe\u{301} re\u{301}sume\u{301}.", &["cafe\u{301}", "re\u{301}sume\u{301}"][..]),
            ("हिन्दी भाषा", &["हिन्दी", "भाषा"]),
            ("pass\u{200b}word, soft\u{ad}ware", &["pass\u{200b}word", "soft\u{ad}ware"]),
            ("می\u{200c}خواهم است", &["می\u{200c}خواهم", "است"]),
            ("👩\u{200d}💻 codes 1\u{fe0f}\u{20e3} 👍🏽", &["codes", "1\u{fe0f}\u{20e3}"]),
            ("doesn’t, don't; l’appel d'offres", &["doesn’t", "don't", "l’appel", "d'offres"]),
            (
                "the users’ files, ‘quoted words’ too",
                &["the", "users’", "files", "quoted", "words", "too"],
            ),
            (
                "give ’em the ’90s, 'tis rock 'n' roll",
                &["give", "’em", "the", "’90s", "'tis", "rock", "'n'", "roll"],
            ),
            (
                "the 'admin' and 'many users' accounts' files",
                &["the", "admin", "and", "many", "users", "accounts'", "files"],
            ),
            ("“L’attaquant” – l´hôte", &["L’attaquant", "l´hôte"]),
            ("\u{301}a \u{200d}b c\u{200b} d", &["a", "b", "c", "d"]),
            ("中文句子，英文words", &["中文句子", "英文words"]),
        ] {
            let found: Vec<&str> = words(text).into_iter().map(|word| &text[word]).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
