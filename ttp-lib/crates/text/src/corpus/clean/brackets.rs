//! Which bracket closes which.

use std::collections::HashMap;

/// The kinds of brackets that a citation may stand in.
pub(super) const BRACKETS: [(char, char); 4] = [('(', ')'), ('[', ']'), ('{', '}'), ('（', '）')];

/// For each bracket of one kind that is closed on its line, where it opens: the end of the one that
/// closes it, in bytes. All of them in one go, so that a text of brackets takes no longer than
/// another.
pub(super) struct Pairs(HashMap<usize, usize>);

impl Pairs {
    pub(super) fn of(text: &str, open: char, close: char) -> Self {
        let (mut pairs, mut opened) = (HashMap::new(), Vec::new());
        for (at, c) in text.match_indices([open, close, '\n']) {
            if c.starts_with(open) {
                opened.push(at);
            } else if c == "\n" {
                opened.clear();
            } else if let Some(start) = opened.pop() {
                pairs.insert(start, at + c.len());
            }
        }
        Self(pairs)
    }

    /// Behind the bracket that closes the one at `start`.
    pub(super) fn end_of(&self, start: usize) -> Option<usize> {
        self.0.get(&start).copied()
    }
}
