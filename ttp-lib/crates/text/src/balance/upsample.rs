//! Techniques of few rows, filled up with augmented copies.

use super::{CopySource, Shortfall, classes, mix};
use crate::corpus::clean::normalised;
use crate::corpus::{Operation, Sample};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::collections::{HashSet, VecDeque};
use std::fmt;

/// Fills techniques with fewer than `to` rows up with augmented copies, which follow
/// the given rows, technique by technique.
///
/// The copies are drawn round-robin over a technique's sentences in a shuffled order,
/// and over the augmenter's operations, so that no sentence and no operation is
/// favoured. Within a technique no text occurs twice, case, spacing and punctuation
/// set aside. A technique whose sentences give no more new text stays short and is
/// reported. The result is a function of the rows and the seed alone.
pub fn upsample(
    samples: Vec<Sample>,
    to: usize,
    augment: &dyn CopySource,
    seed: u64,
) -> (Vec<Sample>, Vec<Shortfall>) {
    upsample_apart(samples, to, augment, seed, &HashSet::new())
}

/// As [`upsample`], with no copy whose [`normalised`] text is in `apart`: the texts
/// of validation and test.
pub(crate) fn upsample_apart(
    mut samples: Vec<Sample>,
    to: usize,
    augment: &dyn CopySource,
    seed: u64,
    apart: &HashSet<String>,
) -> (Vec<Sample>, Vec<Shortfall>) {
    let mut copies = Vec::new();
    let mut short = Vec::new();
    for (technique, rows) in classes(&samples) {
        let missing = to.saturating_sub(rows.len());
        let originals: Vec<&Sample> = rows.iter().map(|at| &samples[*at]).collect();
        let made = make_copies(&originals, missing, augment, seed, apart);
        if made.len() < missing {
            let rows = rows.len() + made.len();
            short.push(Shortfall { technique: technique.to_owned(), rows, wanted: to });
        }
        copies.extend(made);
    }
    samples.extend(copies);
    (samples, short)
}

/// What was drawn to be augmented, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Draws {
    /// Rows drawn: for each technique as many as it lacks.
    pub drawn: usize,
    /// Rows added: every output of each of them.
    pub added: usize,
    /// Of the rows added those that are the sentence itself, because an operation could
    /// change nothing.
    pub unchanged: usize,
}

impl fmt::Display for Draws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { drawn, added, unchanged } = self;
        write!(
            f,
            "{drawn} rows drawn, {added} added; {unchanged} of these are the sentence itself: \
             nothing could be changed"
        )
    }
}

/// Fills techniques with fewer than `to` rows up as the paper's row count says: of a
/// technique with `n` rows `to − n` are drawn at random, each of its rows once before any is
/// drawn again, and **all** outputs of each are added, `outputs` a row. The added rows follow
/// the given ones, technique by technique.
///
/// So a technique of 102 rows gets 4 × 98 more where 200 are wanted, 494 in all: more than
/// a technique that began with 200. Outputs may be alike, and where an operation can change
/// nothing its output is the sentence itself, as TextAttack's is. The result is a function
/// of the rows and the seed alone.
///
/// ```
/// use ttp_text::balance::upsample_by_draws;
/// use ttp_text::corpus::{Operation, Sample};
///
/// let row = |row| Sample {
///     row, technique: "T1059".into(), text: format!("row {row}"), operation: Operation::Original };
/// let copies = |text: &str, seed: u64| {
///     Operation::AUGMENTING.map(|made| (made, format!("{text}, {seed}"))).to_vec()
/// };
/// let (rows, draws) = upsample_by_draws((0..3).map(row).collect(), 5, &copies, 1);
/// assert_eq!((draws.drawn, draws.added, rows.len()), (2, 8, 11));
/// ```
pub fn upsample_by_draws(
    mut samples: Vec<Sample>,
    to: usize,
    augment: &dyn CopySource,
    seed: u64,
) -> (Vec<Sample>, Draws) {
    let mut added = Vec::new();
    let mut draws = Draws::default();
    for (technique, mut rows) in classes(&samples) {
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(mix(seed, technique)));
        let missing = to.saturating_sub(rows.len());
        draws.drawn += missing;
        for (draw, at) in rows.iter().cycle().take(missing).enumerate() {
            let original = &samples[*at];
            let copy = |(operation, text): (Operation, String)| Sample {
                text,
                operation,
                ..original.clone()
            };
            let round = draw / rows.len();
            let seed = mix(seed, &format!("{} drawn {round}", original.row));
            let made = augment.variants(&original.text, seed);
            let idle = Operation::AUGMENTING
                .into_iter()
                .filter(|operation| made.iter().all(|(other, _)| other != operation))
                .cycle()
                .take(augment.outputs().saturating_sub(made.len()))
                .map(|operation| (operation, original.text.clone()));
            let unchanged = idle.collect::<Vec<_>>();
            draws.unchanged += unchanged.len();
            added.extend(made.into_iter().chain(unchanged).map(copy));
        }
    }
    draws.added = added.len();
    samples.extend(added);
    (samples, draws)
}

/// Rounds in a row without a new text after which a sentence counts as used up: a
/// text of two words has few variants, and they soon repeat.
const PATIENCE: u32 = 4;

fn make_copies(
    originals: &[&Sample],
    wanted: usize,
    augment: &dyn CopySource,
    seed: u64,
    apart: &HashSet<String>,
) -> Vec<Sample> {
    let Some(first) = originals.first().filter(|_| wanted > 0) else { return Vec::new() };
    let mut seen: HashSet<String> = originals.iter().map(|one| normalised(&one.text)).collect();
    let mut turns: Vec<Turn<'_>> = originals.iter().map(|one| Turn::new(one)).collect();
    turns.shuffle(&mut ChaCha8Rng::seed_from_u64(mix(seed, &first.technique)));
    let mut copies = Vec::with_capacity(wanted);
    for (number, turn) in turns.iter_mut().enumerate() {
        turn.first_operation = number;
    }
    while !turns.is_empty() {
        for turn in &mut turns {
            if copies.len() == wanted {
                return copies;
            }
            let new = |text: &str| {
                let text = normalised(text);
                !apart.contains(&text) && seen.insert(text)
            };
            copies.extend(turn.take(augment, seed, new));
        }
        turns.retain(|turn| turn.failures < PATIENCE);
    }
    copies
}

/// One sentence's place in the round: what the augmenter made of it and was not used.
struct Turn<'a> {
    original: &'a Sample,
    first_operation: usize,
    calls: u64,
    failures: u32,
    waiting: VecDeque<(Operation, String)>,
}

impl<'a> Turn<'a> {
    fn new(original: &'a Sample) -> Self {
        Self { original, first_operation: 0, calls: 0, failures: 0, waiting: VecDeque::new() }
    }

    /// The next variant that is new, if the augmenter still makes one.
    fn take(
        &mut self,
        augment: &dyn CopySource,
        seed: u64,
        mut new: impl FnMut(&str) -> bool,
    ) -> Option<Sample> {
        if self.waiting.is_empty() {
            let seed = mix(seed, &format!("{} {}", self.original.row, self.calls));
            self.calls += 1;
            self.waiting = augment.variants(&self.original.text, seed).into();
            // Neighbours begin with different operations, or one would fill the first round.
            let shift = self.first_operation.checked_rem(self.waiting.len()).unwrap_or(0);
            self.waiting.rotate_left(shift);
        }
        while let Some((operation, text)) = self.waiting.pop_front() {
            if !text.trim().is_empty() && new(&text) {
                self.failures = 0;
                let (row, technique) = (self.original.row, self.original.technique.clone());
                return Some(Sample { row, technique, text, operation });
            }
        }
        self.failures += 1;
        None
    }
}
