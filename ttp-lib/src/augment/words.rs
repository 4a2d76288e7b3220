//! Where the words of a text are, as TextAttack 0.3.10's `words_from_text` has it.

use std::ops::Range;

/// The byte range of each word of `text`, in order, never overlapping or empty.
///
/// A word is a run of letters, digits and `'`, `-`, `_`, `*`, `@`; those five do
/// not begin one. Everything else stands between words and stays where it is when
/// words are edited: `user's` and `take-home` are one word, `net.exe` is two, and
/// of `-enc` the word is `enc`. As in TextAttack, backtick, `×` and `˗` are word
/// characters too (they are in its list of look-alikes of letters).
///
/// One difference: TextAttack segments Chinese with a dictionary; here a run of
/// Chinese characters is one word.
///
/// ```
/// use ttp_lib::augment::words;
/// let text = "Runs `net user /domain` -- the attacker's \"take-home\".";
/// let found: Vec<&str> = words(text).into_iter().map(|word| &text[word]).collect();
/// assert_eq!(found, ["Runs", "`net", "user", "domain`", "the", "attacker's", "take-home"]);
/// ```
pub fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::with_capacity(text.len() / 6);
    let mut start = None;
    for (at, c) in text.char_indices() {
        match start {
            None if begins_word(c) => start = Some(at),
            Some(from) if !continues_word(c) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

/// Whether `text` as a whole is one word.
pub(super) fn is_one_word(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(begins_word) && characters.all(continues_word)
}

fn begins_word(c: char) -> bool {
    is_letter_or_digit(c) || matches!(c, '`' | '×' | '˗')
}

fn continues_word(c: char) -> bool {
    begins_word(c) || matches!(c, '\'' | '-' | '_' | '*' | '@')
}

/// Python's `\w` without the underscore: letters and numbers of any script, but no
/// combining marks, which Rust's `is_alphabetic` counts in for some scripts.
fn is_letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric() && !is_mark(c))
}

/// Marks (general categories Mn, Mc and Me) among the characters that
/// `char::is_alphanumeric` accepts.
fn is_mark(c: char) -> bool {
    use std::sync::LazyLock;
    static MARK: LazyLock<Option<regex::Regex>> =
        LazyLock::new(|| regex::Regex::new(r"^\p{M}").ok());
    // Latin, Greek, Cyrillic and Armenian letters come before the first such mark.
    c >= '\u{0345}'
        && !('\u{0370}'..'\u{0590}').contains(&c)
        && MARK.as_ref().is_some_and(|mark| mark.is_match(c.encode_utf8(&mut [0; 4])))
}
