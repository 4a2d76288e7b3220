//! A tokenizer that is ready: texts become ids, tokens and words.

use tokenizers::{Encoding, Tokenizer, TruncationDirection};
use ttp_base::{Error, Result};

/// A checkpoint's tokenizer, ready for batches.
#[derive(Clone)]
pub struct CheckpointTokenizer {
    pub(super) tokenizer: Tokenizer,
    pub(super) padding: u32,
    pub(super) unknown: u32,
    pub(super) mask: Option<u32>,
    pub(super) special: Vec<u32>,
    pub(super) cuts: TruncationDirection,
}

/// A word of a text, as the tokenizer first splits it, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordPieces {
    /// The word as the text has it.
    pub word: String,
    /// Number of tokens that it was split into.
    pub tokens: usize,
    /// Whether one of them stands for what the vocabulary does not have.
    pub unknown: bool,
}

impl CheckpointTokenizer {
    /// Token ids of each text, special tokens included, in the texts' order.
    ///
    /// # Errors
    /// If the tokenizer refuses a text.
    pub fn ids(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        let encodings = self
            .tokenizer
            .encode_batch_fast(texts.to_vec(), true)
            .map_err(Error::library("tokenizing"))?;
        Ok(encodings.iter().map(|encoding| encoding.get_ids().to_vec()).collect())
    }

    /// The tokens of one text as the model reads them: `[CLS]`, `spear`, `##phi` …
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn tokens(&self, text: &str) -> Result<Vec<String>> {
        let encoding = self.tokenizer.encode(text, true).map_err(Error::library("tokenizing"))?;
        Ok(encoding.get_tokens().to_vec())
    }

    /// Every word of a text, however long the text, with what it was split into. What the
    /// tokenizer drops (spaces, control characters) is in none of them.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn words(&self, text: &str) -> Result<Vec<WordPieces>> {
        let encoding = self.tokenizer.encode(text, false).map_err(Error::library("tokenizing"))?;
        let mut words: Vec<(u32, usize, usize, WordPieces)> = Vec::new();
        // What was cut off for its length follows in order.
        for part in std::iter::once(&encoding).chain(encoding.get_overflowing()) {
            self.add_words(part, &mut words);
        }
        let named = words.into_iter().map(|(_, start, end, pieces)| {
            let word = text.get(start..end).unwrap_or_default().trim().to_owned();
            WordPieces { word, ..pieces }
        });
        Ok(named.collect())
    }

    fn add_words(&self, part: &Encoding, words: &mut Vec<(u32, usize, usize, WordPieces)>) {
        let tokens = part.get_ids().iter().zip(part.get_word_ids()).zip(part.get_offsets());
        for ((&id, word), &(start, end)) in tokens {
            let Some(word) = *word else { continue };
            if words.last().is_none_or(|last| last.0 != word) {
                let pieces = WordPieces { word: String::new(), tokens: 0, unknown: false };
                words.push((word, start, end, pieces));
            }
            if let Some((_, from, to, pieces)) = words.last_mut() {
                (*from, *to) = (start.min(*from), end.max(*to));
                pieces.tokens += 1;
                pieces.unknown |= id == self.unknown;
            }
        }
    }

    /// Cuts what is longer than `max_length` tokens, at the side where the tokenizer does.
    pub(crate) fn cut(&self, ids: &mut Vec<u32>, max_length: usize) {
        let (length, max_length) = (ids.len(), max_length.max(2));
        if length <= max_length {
            return;
        }
        // The tokens that begin and end every text stay.
        match self.cuts {
            TruncationDirection::Left => drop(ids.drain(1..=length - max_length)),
            TruncationDirection::Right => drop(ids.drain(max_length - 1..length - 1)),
        }
    }

    /// All that its ids depend on, as `tokenizer.json` has it, the length that it cuts at included.
    ///
    /// # Errors
    /// None in practice: what was read can be written.
    pub fn description(&self) -> Result<String> {
        self.tokenizer.to_string(false).map_err(Error::library("writing a tokenizer"))
    }

    /// The id that fills a batch's short rows.
    pub fn padding_id(&self) -> u32 {
        self.padding
    }

    /// The id of what the vocabulary does not have.
    pub fn unknown_id(&self) -> u32 {
        self.unknown
    }

    /// The id that hides a word, if the vocabulary has one.
    pub fn mask_id(&self) -> Option<u32> {
        self.mask
    }

    /// Ids that stand for no part of a text, ascending; the unknown word's is one of them.
    pub fn special_ids(&self) -> Vec<u32> {
        self.special.clone()
    }

    /// The id of a token: `##phi`, `[MASK]`.
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// The token of an id.
    pub fn token_of(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// Number of tokens, special and added ones included.
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }
}
