//! Which words carry the evidence of a sentence and are better left alone: names of
//! tools and groups, hashes, paths, addresses, registry keys, identifiers, numbers and times.

mod data;
mod spans;

use super::stop_words::is_stop_word;
use super::wordnet::WordNet;
use super::words::words;
use data::is_data;
use spans::Token;
use std::collections::BTreeMap;
use std::ops::Range;

/// Names that are protected besides what its shape gives away, by their first word.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    rest_by_first: BTreeMap<String, Vec<Vec<String>>>,
}

impl Names {
    /// Adds a name of one word or several, in the case in which texts have it.
    pub(super) fn add(&mut self, name: &str) {
        let mut parts = words(name).into_iter().map(|word| name[word].to_owned());
        if let Some(first) = parts.next() {
            self.rest_by_first.entry(first).or_default().push(parts.collect());
        }
    }

    /// How many words of `text`, from the first of `spans` on, are a name: the longest that fits.
    fn length_at(&self, text: &str, spans: &[Range<usize>]) -> Option<usize> {
        let (first, others) = spans.split_first()?;
        let rests = self.rest_by_first.get(&text[first.clone()])?;
        rests
            .iter()
            .filter(|rest| {
                rest.len() <= others.len()
                    && rest.iter().zip(others).all(|(part, span)| *part == text[span.clone()])
            })
            .map(|rest| 1 + rest.len())
            .max()
    }
}

/// For each word of `text` whether it is protected. `spans` are the text's words.
///
/// Protected is, besides the given names, every word of a blank-separated token that
/// looks like data ([`is_data`]) or is so together with its neighbours ([`spans::join`]),
/// every word with a digit, an underscore or a capital after its first letter (`PsExec`,
/// `APT29`, `T1059`, `HTTPS`), every capitalised word inside a sentence (`Cobalt Strike`),
/// and a capitalised word at the start of one if WordNet does not list it (`Mimikatz`).
pub(super) fn protected(
    text: &str,
    spans: &[Range<usize>],
    names: &Names,
    wordnet: &WordNet,
) -> Vec<bool> {
    let mut tokens = Token::all(text, |token| is_data(token, wordnet));
    spans::join(text, &mut tokens);
    let mut tokens = tokens.iter().peekable();
    let mut protected: Vec<bool> = Vec::with_capacity(spans.len());
    let mut before = 0;
    for span in spans {
        while tokens.next_if(|token| token.span.end <= span.start).is_some() {}
        let is_of_data = tokens.peek().is_some_and(|token| token.is_data);
        let word = &text[span.clone()];
        let starts_sentence = before == 0 || ends_sentence(&text[before..span.start]);
        protected.push(is_of_data || is_name(word, starts_sentence, wordnet));
        before = span.end;
    }
    for at in 0..spans.len() {
        if let Some(length) = names.length_at(text, &spans[at..]) {
            protected[at..at + length].fill(true);
        }
    }
    protected
}

/// Whether a word is a name or an identifier by its letters.
fn is_name(word: &str, starts_sentence: bool, wordnet: &WordNet) -> bool {
    let mut characters = word.chars();
    let is_capitalised = characters.next().is_some_and(char::is_uppercase);
    word.contains(|c: char| c.is_numeric() || c == '_')
        || characters.any(char::is_uppercase)
        || (is_capitalised && (!starts_sentence || !wordnet.knows(word)))
}

/// Whether prose has this word: a stop word, or one that WordNet lists.
fn is_prose_word(word: &str, wordnet: &WordNet) -> bool {
    is_stop_word(word) || wordnet.knows(word)
}

/// Whether what stands between two words ends a sentence.
fn ends_sentence(gap: &str) -> bool {
    gap.contains(['.', '!', '?', ':', '\n', '"', '“', '•'])
}

#[cfg(test)]
mod tests;
