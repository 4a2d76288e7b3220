//! Words that are never replaced.

use std::collections::HashSet;
use std::sync::LazyLock;

/// NLTK's English stop words, in lower case.
static STOP_WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| stop_words::lookup("en").into_iter().flatten().copied().collect());

/// Neither case nor the kind of apostrophe matters, unlike in TextAttack, where the `The` that
/// begins a sentence and `doesn’t` count as words of content.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word)
        || STOP_WORDS.contains(word.to_ascii_lowercase().replace('’', "'").as_str())
}
