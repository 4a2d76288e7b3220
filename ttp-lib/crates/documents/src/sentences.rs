//! The sentences of a document's prose.

use crate::{Document, Kind, Sentence, text};
use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;
use ttp_text::corpus::clean;

/// Fewer words are no sentence.
const FEWEST: usize = 3;

impl Document {
    /// The sentences of its prose, in the order of reading: those with at least three words that
    /// have a letter. They are cut by the corpus's rules, and each one's place is exact: the
    /// characters from `start` to `end` of its block's text are the sentence as the report has it.
    /// Its `text` is that with the corpus's cleaning: footnote marks and signs of a list are gone.
    /// Defanged addresses stay as they are.
    pub fn sentences(&self) -> Vec<Sentence> {
        let prose = self.blocks.iter().enumerate().filter(|(_, block)| block.kind == Kind::Prose);
        prose.flat_map(|(at, block)| of_block(at, &block.text)).collect()
    }
}

impl Sentence {
    /// Whether its text is what the document has at its place.
    pub fn is_of(&self, document: &Document) -> bool {
        let Some(block) = document.blocks.get(self.block) else { return false };
        let Some(length) = self.end.checked_sub(self.start) else { return false };
        let piece: String = block.text.chars().skip(self.start).take(length).collect();
        piece.chars().count() == length && self.text == text_of(&piece)
    }
}

/// A sentence as a model reads it.
fn text_of(piece: &str) -> String {
    let cleaned = clean::collapse(&clean::plain_text(piece));
    if cleaned.is_empty() { piece.to_owned() } else { cleaned }
}

fn of_block(block: usize, text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let (mut bytes, mut characters) = (0, 0);
    let (bare, marks) = without_footnotes(text);
    let first = text::item_mark(&bare);
    for range in clean::sentence_ranges(&bare[first..]) {
        let range = placed(first + range.start..first + range.end, &marks);
        let piece = &text[range.clone()];
        let start = characters + text[bytes..range.start].chars().count();
        let end = start + piece.chars().count();
        (bytes, characters) = (range.end, end);
        let words = piece.split(' ').filter(|word| word.contains(char::is_alphabetic)).count();
        if words < FEWEST {
            continue;
        }
        found.push(Sentence { block, start, end, text: text_of(piece) });
    }
    found
}

/// A text without `[12]` behind a mark, where the corpus's rules take it for a footnote, too; and
/// for each, where it was in the new text and how long all up to it are.
fn without_footnotes(text: &str) -> (Cow<'_, str>, Vec<(usize, usize)>) {
    static MARK: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"[.!?,;)"”]((?:\[\d{1,3}\])+)"#).ok());
    let Some(mark) = MARK.as_ref().filter(|_| text.contains(']')) else {
        return (Cow::Borrowed(text), Vec::new());
    };
    let (mut bare, mut marks) = (String::with_capacity(text.len()), Vec::new());
    let (mut from, mut all) = (0, 0);
    for found in mark.captures_iter(text).filter_map(|groups| groups.get(1)) {
        bare.push_str(&text[from..found.start()]);
        all += found.len();
        marks.push((bare.len(), all));
        from = found.end();
    }
    bare.push_str(&text[from..]);
    (Cow::Owned(bare), marks)
}

/// Where a range of the text without footnotes is in the text with them: one at its end is left
/// out, and so is one before its start.
fn placed(range: Range<usize>, marks: &[(usize, usize)]) -> Range<usize> {
    let added = |until: usize, with: bool| -> usize {
        let passed = marks.partition_point(|(at, _)| *at < until || (with && *at == until));
        passed.checked_sub(1).map_or(0, |last| marks[last].1)
    };
    range.start + added(range.start, true)..range.end + added(range.end, false)
}
