//! Balancing as in the paper: techniques below a number of rows go, small ones are
//! filled up with augmented twins, large ones are cut down.
//!
//! The paper can be read in two ways of what *filled up* means ([`Fill`]): its text says
//! "to 200 rows", its row count fits no other reading than "as many rows are drawn as are
//! missing, and all four outputs of each are kept".
//!
//! Each function takes and gives plain rows, so that a notebook can stop and look
//! after every stage; [`balance()`] runs all of them and keeps the counts.

use crate::augment::Augmenter;
use crate::corpus::clean::normalised;
use crate::corpus::{Corpus, Operation, Sample};
use polars::prelude::{Column, DataFrame};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet, VecDeque};
use ttp_base::error::SettingPath;
use ttp_base::{Error, Result, settings};

/// Rows a technique needs and may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Techniques with fewer rows are left out.
    pub trim_below: usize,
    /// Techniques with fewer rows are filled up to this many.
    pub upsample_to: usize,
    /// Techniques with more rows are cut down to this many.
    pub downsample_to: usize,
}

impl Default for Limits {
    /// The paper's: 100, 200, 500.
    fn default() -> Self {
        Self { trim_below: 100, upsample_to: 200, downsample_to: 500 }
    }
}

settings!(
    Limits, "balance", {}, free { trim_below, upsample_to, downsample_to }, also Self::are_in_order
);

impl Limits {
    fn are_in_order(&self, at: &SettingPath) -> Result<()> {
        let (filled, most) = (self.upsample_to, self.downsample_to);
        if filled > most {
            return at
                .field("upsample_to")
                .refuse(format!("{filled} is above downsample_to, {most}"));
        }
        Ok(())
    }

    /// The same for a part that holds `share` (0 to 1) of the rows; trimming is done
    /// before anything is parted, so its limit stays.
    ///
    /// ```
    /// let limits = ttp_text::balance::Limits::default().scaled(0.8);
    /// assert_eq!((limits.upsample_to, limits.downsample_to), (160, 400));
    /// ```
    #[must_use]
    pub fn scaled(self, share: f64) -> Self {
        let scaled = |rows: usize| (rows as f64 * share).round() as usize;
        Self {
            upsample_to: scaled(self.upsample_to),
            downsample_to: scaled(self.downsample_to),
            ..self
        }
    }
}

/// How a technique with too few rows is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// To the limit, twin by twin, none of them alike: as the paper's text says ([`upsample`]).
    Rows,
    /// As many rows are drawn as are missing, and every output of each is kept: as the
    /// paper's row count says ([`upsample_by_draws`]).
    Draws,
}

/// What makes augmented twins of a sentence.
pub trait Augment {
    /// Changed copies of `text`, each with what was done to it; the same text and
    /// seed give the same copies. May be none.
    fn variants(&self, text: &str, seed: u64) -> Vec<(Operation, String)>;

    /// How many copies of a sentence are asked for: four, one by each operation, as of
    /// TextAttack's `EasyDataAugmenter`.
    fn outputs(&self) -> usize {
        Operation::AUGMENTING.len()
    }
}

impl<F: Fn(&str, u64) -> Vec<(Operation, String)>> Augment for F {
    fn variants(&self, text: &str, seed: u64) -> Vec<(Operation, String)> {
        self(text, seed)
    }
}

impl Augment for Augmenter {
    fn variants(&self, text: &str, seed: u64) -> Vec<(Operation, String)> {
        let variants = Self::variants(self, text, seed);
        variants.into_iter().map(|variant| (variant.operation, variant.text)).collect()
    }

    fn outputs(&self) -> usize {
        self.settings().per_sentence
    }
}

/// A technique that could not be filled up: its sentences gave no further new text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// The technique.
    pub technique: String,
    /// Rows it has.
    pub rows: usize,
    /// Rows it should have.
    pub wanted: usize,
}

/// Every row of the corpus as a sample; `row` is its number there, from 0.
pub fn samples(corpus: &Corpus) -> Vec<Sample> {
    let rows = corpus.sentences.iter().zip(0_u32..);
    rows.map(|(sentence, row)| Sample {
        row,
        technique: sentence.technique.clone(),
        text: sentence.text.clone(),
        operation: Operation::Original,
    })
    .collect()
}

/// Rows of each technique that has any, by technique.
///
/// ```
/// # use ttp_text::corpus::{Operation, Sample};
/// # let sample = |technique: &str| Sample {
/// #     row: 0, technique: technique.into(), text: "a".into(), operation: Operation::Original };
/// let rows = [sample("T1059"), sample("T1003"), sample("T1059")];
/// assert_eq!(ttp_text::balance::counts(&rows), [("T1003".into(), 1), ("T1059".into(), 2)]);
/// ```
pub fn counts(samples: &[Sample]) -> Vec<(String, usize)> {
    classes(samples)
        .into_iter()
        .map(|(technique, rows)| (technique.to_owned(), rows.len()))
        .collect()
}

/// The rows of techniques that have at least `at_least` of them, in their order.
pub fn trim(samples: Vec<Sample>, at_least: usize) -> Vec<Sample> {
    let kept: HashSet<String> =
        counts(&samples).into_iter().filter(|(_, n)| *n >= at_least).map(|(t, _)| t).collect();
    samples.into_iter().filter(|sample| kept.contains(&sample.technique)).collect()
}

/// Fills techniques with fewer than `to` rows up with augmented twins, which follow
/// the given rows, technique by technique.
///
/// The twins are drawn round-robin over a technique's sentences in a shuffled order,
/// and over the augmenter's operations, so that no sentence and no operation is
/// favoured. Within a technique no text occurs twice, case, spacing and punctuation
/// set aside. A technique whose sentences give no more new text stays short and is
/// reported. The result is a function of the rows and the seed alone.
pub fn upsample(
    samples: Vec<Sample>,
    to: usize,
    augment: &dyn Augment,
    seed: u64,
) -> (Vec<Sample>, Vec<Shortfall>) {
    upsample_apart(samples, to, augment, seed, &HashSet::new())
}

/// As [`upsample`], with no twin whose [`normalised`] text is in `apart`: the texts
/// of validation and test.
pub(crate) fn upsample_apart(
    mut samples: Vec<Sample>,
    to: usize,
    augment: &dyn Augment,
    seed: u64,
    apart: &HashSet<String>,
) -> (Vec<Sample>, Vec<Shortfall>) {
    let mut twins = Vec::new();
    let mut short = Vec::new();
    for (technique, rows) in classes(&samples) {
        let missing = to.saturating_sub(rows.len());
        let originals: Vec<&Sample> = rows.iter().map(|at| &samples[*at]).collect();
        let made = make_twins(&originals, missing, augment, seed, apart);
        if made.len() < missing {
            let rows = rows.len() + made.len();
            short.push(Shortfall { technique: technique.to_owned(), rows, wanted: to });
        }
        twins.extend(made);
    }
    samples.extend(twins);
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
/// let twins = |text: &str, seed: u64| {
///     Operation::AUGMENTING.map(|made| (made, format!("{text}, {seed}"))).to_vec()
/// };
/// let (rows, draws) = upsample_by_draws((0..3).map(row).collect(), 5, &twins, 1);
/// assert_eq!((draws.drawn, draws.added, rows.len()), (2, 8, 11));
/// ```
pub fn upsample_by_draws(
    mut samples: Vec<Sample>,
    to: usize,
    augment: &dyn Augment,
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
            let twin = |(operation, text): (Operation, String)| Sample {
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
            added.extend(made.into_iter().chain(unchanged).map(twin));
        }
    }
    draws.added = added.len();
    samples.extend(added);
    (samples, draws)
}

/// Rounds in a row without a new text after which a sentence counts as used up: a
/// text of two words has few variants, and they soon repeat.
const PATIENCE: u32 = 4;

fn make_twins(
    originals: &[&Sample],
    wanted: usize,
    augment: &dyn Augment,
    seed: u64,
    apart: &HashSet<String>,
) -> Vec<Sample> {
    let Some(first) = originals.first().filter(|_| wanted > 0) else { return Vec::new() };
    let mut seen: HashSet<String> = originals.iter().map(|one| normalised(&one.text)).collect();
    let mut turns: Vec<Turn<'_>> = originals.iter().map(|one| Turn::new(one)).collect();
    turns.shuffle(&mut ChaCha8Rng::seed_from_u64(mix(seed, &first.technique)));
    let mut twins = Vec::with_capacity(wanted);
    for (number, turn) in turns.iter_mut().enumerate() {
        turn.first_operation = number;
    }
    while !turns.is_empty() {
        for turn in &mut turns {
            if twins.len() == wanted {
                return twins;
            }
            let new = |text: &str| {
                let text = normalised(text);
                !apart.contains(&text) && seen.insert(text)
            };
            twins.extend(turn.take(augment, seed, new));
        }
        turns.retain(|turn| turn.failures < PATIENCE);
    }
    twins
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
        augment: &dyn Augment,
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

/// Cuts techniques with more than `to` rows down to a random `to` of them; the rows
/// kept stay in their order.
pub fn downsample(samples: Vec<Sample>, to: usize, seed: u64) -> Vec<Sample> {
    let mut kept = vec![true; samples.len()];
    for (technique, mut rows) in classes(&samples) {
        if rows.len() > to {
            rows.shuffle(&mut ChaCha8Rng::seed_from_u64(mix(seed, technique)));
            rows[to..].iter().for_each(|at| kept[*at] = false);
        }
    }
    samples.into_iter().zip(kept).filter_map(|(sample, kept)| kept.then_some(sample)).collect()
}

/// Positions of each technique's rows, by technique.
pub(crate) fn classes(samples: &[Sample]) -> BTreeMap<&str, Vec<usize>> {
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, sample) in samples.iter().enumerate() {
        classes.entry(&sample.technique).or_default().push(at);
    }
    classes
}

/// A seed of its own for each technique or row, so that what happens to one does not
/// depend on which others there are. FNV-1a over the words, then splitmix64's finaliser.
pub(crate) fn mix(seed: u64, words: &str) -> u64 {
    let hash = words.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// One technique's rows at each stage; 0 from the stage on at which it was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageCounts {
    /// The technique's id.
    pub technique: String,
    /// Its name.
    pub name: String,
    /// Rows in the corpus.
    pub corpus: usize,
    /// Rows once rare techniques are left out.
    pub trimmed: usize,
    /// Rows once small techniques are filled up.
    pub upsampled: usize,
    /// Rows once large techniques are cut down.
    pub downsampled: usize,
}

/// A balanced corpus and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balanced {
    /// The rows.
    pub samples: Vec<Sample>,
    /// Rows by technique at the four stages, for every technique of the corpus, by id.
    pub stages: Vec<StageCounts>,
    /// Techniques that could not be filled up; none under [`Fill::Draws`].
    pub short: Vec<Shortfall>,
    /// Rows drawn and added under [`Fill::Draws`].
    pub draws: Option<Draws>,
}

/// How many rows a corpus has at each step of balancing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Funnel {
    /// Rows of the corpus.
    pub rows: usize,
    /// Its techniques.
    pub techniques: usize,
    /// Techniques with enough rows.
    pub kept: usize,
    /// Their rows.
    pub kept_rows: usize,
    /// Rows drawn to be augmented; 0 where twins are made one by one.
    pub drawn: usize,
    /// Augmented rows that were added.
    pub added: usize,
    /// Rows cut from the largest techniques.
    pub cut: usize,
    /// Rows in the end.
    pub balanced_rows: usize,
    /// Techniques more than half of whose rows are augmented in the end.
    pub over_half_augmented: usize,
    /// The largest share of augmented rows of any technique, from 0 to 1.
    pub largest_augmented_share: f64,
}

impl Balanced {
    /// The counts at each step.
    pub fn funnel(&self) -> Funnel {
        let sum = |of: fn(&StageCounts) -> usize| self.stages.iter().map(of).sum::<usize>();
        let (filled, end) = (sum(|stage| stage.upsampled), sum(|stage| stage.downsampled));
        let (over_half_augmented, largest_augmented_share) = self.over_half_augmented();
        Funnel {
            rows: sum(|stage| stage.corpus),
            techniques: self.stages.len(),
            kept: self.kept_stages().len(),
            kept_rows: sum(|stage| stage.trimmed),
            drawn: self.draws.map_or(0, |draws| draws.drawn),
            added: filled - sum(|stage| stage.trimmed),
            cut: filled - end,
            balanced_rows: end,
            over_half_augmented,
            largest_augmented_share,
        }
    }

    /// Techniques more than half of whose rows are augmented, and the largest such share
    /// of any technique (0 to 1). The paper says that half is the most there can be.
    fn over_half_augmented(&self) -> (usize, f64) {
        let (mut over, mut largest) = (0, 0.0_f64);
        for rows in classes(&self.samples).into_values() {
            let twin = |at: &&usize| self.samples[**at].operation != Operation::Original;
            let share = rows.iter().filter(twin).count() as f64 / rows.len() as f64;
            over += usize::from(share > 0.5);
            largest = largest.max(share);
        }
        (over, largest)
    }

    /// The stages of the techniques that trimming kept.
    pub fn kept_stages(&self) -> Vec<StageCounts> {
        self.stages.iter().filter(|stage| stage.trimmed > 0).cloned().collect()
    }
}

/// Fills small techniques up, in one of the two ways; which techniques stay short, and
/// what was drawn.
pub(crate) fn fill_up(
    samples: Vec<Sample>,
    fill: Fill,
    to: usize,
    augment: &dyn Augment,
    seed: u64,
) -> (Vec<Sample>, Vec<Shortfall>, Option<Draws>) {
    match fill {
        Fill::Rows => {
            let (rows, short) = upsample(samples, to, augment, seed);
            (rows, short, None)
        }
        Fill::Draws => {
            let (rows, draws) = upsample_by_draws(samples, to, augment, seed);
            (rows, Vec::new(), Some(draws))
        }
    }
}

/// Trims, upsamples and downsamples a corpus.
///
/// # Errors
/// If the limits contradict each other.
pub fn balance(
    corpus: &Corpus,
    limits: Limits,
    fill: Fill,
    augment: &dyn Augment,
    seed: u64,
) -> Result<Balanced> {
    limits.check()?;
    let all = samples(corpus);
    let at = |rows: &[Sample]| counts(rows).into_iter().collect::<BTreeMap<_, _>>();
    let in_corpus = at(&all);
    let rows = trim(all, limits.trim_below);
    let trimmed = at(&rows);
    let (rows, short, draws) = fill_up(rows, fill, limits.upsample_to, augment, seed);
    let upsampled = at(&rows);
    let samples = downsample(rows, limits.downsample_to, seed);
    let downsampled = at(&samples);
    let of = |counts: &BTreeMap<String, usize>, id: &str| counts.get(id).copied().unwrap_or(0);
    let stages = corpus.names().into_iter().map(|(technique, name)| StageCounts {
        corpus: of(&in_corpus, &technique),
        trimmed: of(&trimmed, &technique),
        upsampled: of(&upsampled, &technique),
        downsampled: of(&downsampled, &technique),
        technique,
        name,
    });
    Ok(Balanced { samples, stages: stages.collect(), short, draws })
}

/// The stages as a frame: `technique`, `name`, `corpus`, `trimmed`, `upsampled`, `downsampled`.
///
/// # Errors
/// If polars cannot make the frame.
pub fn stages_frame(stages: &[StageCounts]) -> Result<DataFrame> {
    let text = |name: &str, value: fn(&StageCounts) -> &str| {
        Column::new(name.into(), stages.iter().map(value).collect::<Vec<_>>())
    };
    let number = |name: &str, value: fn(&StageCounts) -> usize| {
        Column::new(name.into(), stages.iter().map(|row| value(row) as u64).collect::<Vec<_>>())
    };
    let columns = vec![
        text("technique", |row| &row.technique),
        text("name", |row| &row.name),
        number("corpus", |row| row.corpus),
        number("trimmed", |row| row.trimmed),
        number("upsampled", |row| row.upsampled),
        number("downsampled", |row| row.downsampled),
    ];
    DataFrame::new(stages.len(), columns).map_err(Error::library("making the stages' frame"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::corpus::Sentence;

    fn corpus(classes: &[(&str, usize)]) -> Corpus {
        let mut sentences = Vec::new();
        for (technique, rows) in classes {
            for row in 0..*rows {
                sentences.push(Sentence {
                    technique: (*technique).to_owned(),
                    subtechnique: None,
                    name: format!("name of {technique}"),
                    text: format!("sentence {row} of {technique}"),
                    source_id: "test".to_owned(),
                });
            }
        }
        Corpus { sentences }
    }

    /// One variant an operation, all different for each seed.
    fn tag(text: &str, seed: u64) -> Vec<(Operation, String)> {
        let variant = |op: Operation| (op, format!("{text} {} {seed}", op.name()));
        Operation::AUGMENTING.into_iter().map(variant).collect()
    }

    #[test]
    fn the_limits_are_met_and_every_stage_is_counted() {
        let corpus = corpus(&[("T2", 150), ("T1", 99), ("T3", 100), ("T4", 700), ("T5", 200)]);
        let balanced = balance(&corpus, Limits::default(), Fill::Rows, &tag, 7).unwrap();
        let rows = |stage: fn(&StageCounts) -> usize| {
            balanced.stages.iter().map(stage).collect::<Vec<_>>()
        };
        assert_eq!(rows(|row| row.corpus), [99, 150, 100, 700, 200]);
        assert_eq!(rows(|row| row.trimmed), [0, 150, 100, 700, 200]);
        assert_eq!(rows(|row| row.upsampled), [0, 200, 200, 700, 200]);
        assert_eq!(rows(|row| row.downsampled), [0, 200, 200, 500, 200]);
        assert_eq!(balanced.stages[0].name, "name of T1");
        assert!(balanced.short.is_empty());
        for sample in &balanced.samples {
            let source = &corpus.sentences[sample.row as usize];
            assert_eq!(source.technique, sample.technique);
            assert!(sample.text.starts_with(&source.text), "a twin names the row it is made from");
        }
        let frame = stages_frame(&balanced.stages).unwrap();
        assert_eq!((frame.height(), frame.width()), (5, 6));
    }

    #[test]
    fn drawn_rows_bring_all_their_outputs() {
        let corpus = corpus(&[("T1", 102), ("T2", 199), ("T3", 600), ("T4", 60), ("T5", 200)]);
        let limits = Limits { trim_below: 60, ..Limits::default() };
        let balanced = balance(&corpus, limits, Fill::Draws, &tag, 7).unwrap();
        let rows = |stage: fn(&StageCounts) -> usize| {
            balanced.stages.iter().map(stage).collect::<Vec<_>>()
        };
        assert_eq!(rows(|row| row.upsampled), [102 + 4 * 98, 199 + 4, 600, 60 + 4 * 140, 200]);
        assert_eq!(rows(|row| row.downsampled), [494, 203, 500, 500, 200]);
        let draws = balanced.draws.unwrap();
        assert_eq!(draws, Draws { drawn: 98 + 1 + 140, added: 4 * 239, unchanged: 0 });
        let mut of_row = BTreeMap::new();
        for twin in balanced.samples.iter().filter(|row| row.operation != Operation::Original) {
            let source = &corpus.sentences[twin.row as usize];
            assert!(twin.technique == source.technique && twin.text.starts_with(&source.text));
            *of_row.entry((&twin.technique, twin.row)).or_insert(0) += 1;
        }
        let counts = |technique: &str| -> Vec<i32> {
            of_row.iter().filter(|((of, _), _)| *of == technique).map(|(_, n)| *n).collect()
        };
        assert_eq!(counts("T1"), [4; 98], "no row is drawn twice while others are left");
        let funnel = balanced.funnel();
        assert_eq!((funnel.rows, funnel.techniques, funnel.kept), (1_161, 5, 5));
        assert_eq!((funnel.kept_rows, funnel.drawn, funnel.added), (1_161, 239, 956));
        assert_eq!((funnel.cut, funnel.balanced_rows), (100 + 120, 1_161 + 956 - 220));
        assert_eq!(funnel.over_half_augmented, 2);
        assert!(funnel.largest_augmented_share > 0.79, "{funnel:?}");
        assert_eq!(balanced, balance(&corpus, limits, Fill::Draws, &tag, 7).unwrap());
        assert_ne!(balanced, balance(&corpus, limits, Fill::Draws, &tag, 8).unwrap());
    }

    #[test]
    fn an_operation_that_can_change_nothing_gives_the_sentence_itself() {
        let swaps_only = |text: &str, _: u64| vec![(Operation::Swap, format!("{text}!"))];
        let rows = samples(&corpus(&[("T1", 1)]));
        let (rows, draws) = upsample_by_draws(rows, 3, &swaps_only, 1);
        assert_eq!(draws, Draws { drawn: 2, added: 8, unchanged: 6 });
        let same = rows.iter().filter(|row| row.text == "sentence 0 of T1").count();
        assert_eq!((rows.len(), same), (9, 7));
        assert_eq!(rows.iter().filter(|row| row.operation == Operation::Swap).count(), 2);
    }

    #[test]
    fn twins_are_shared_out_over_sentences_and_operations() {
        let rows = samples(&corpus(&[("T1", 100)]));
        let (rows, _) = upsample(rows, 300, &tag, 1);
        let mut by_row = BTreeMap::new();
        let mut by_operation = BTreeMap::new();
        for twin in rows.iter().filter(|row| row.operation != Operation::Original) {
            *by_row.entry(twin.row).or_insert(0) += 1;
            *by_operation.entry(twin.operation).or_insert(0) += 1;
        }
        assert!(by_row.len() == 100 && by_row.values().all(|n| *n == 2), "{by_row:?}");
        assert!(by_operation.values().all(|n| *n == 50), "{by_operation:?}");
    }

    #[test]
    fn no_text_twice_and_a_short_class_is_reported() {
        let rows = samples(&corpus(&[("T1", 3), ("T2", 5)]));
        let poor = |text: &str, seed: u64| match text {
            "sentence 0 of T1" => vec![(Operation::Swap, format!("Swapped, {}!", seed % 2))],
            "sentence 1 of T1" => vec![(Operation::Removal, "SENTENCE 2 of t1.".to_owned())],
            _ => vec![(Operation::Removal, " ".to_owned())],
        };
        let (rows, short) = upsample(rows, 10, &poor, 1);
        let mut texts: Vec<_> = rows
            .iter()
            .filter(|row| row.technique == "T1")
            .map(|row| normalised(&row.text))
            .collect();
        let all = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), all);
        assert!((4..=5).contains(&all), "{all}");
        assert_eq!(short[0], Shortfall { technique: "T1".into(), rows: all, wanted: 10 });
        assert_eq!(short[1], Shortfall { technique: "T2".into(), rows: 5, wanted: 10 });
        let none = |_: &str, _: u64| Vec::new();
        assert_eq!(upsample(rows, 10, &none, 1).1.len(), 2, "an augmenter with nothing to give");
    }

    #[test]
    fn a_seed_gives_one_result_and_classes_do_not_touch_each_other() {
        let both = samples(&corpus(&[("T1", 30), ("T2", 30)]));
        let alone = trim(both.clone(), 0).into_iter().filter(|s| s.technique == "T2").collect();
        let cut = |rows: Vec<Sample>, seed| {
            let rows = downsample(upsample(rows, 40, &tag, seed).0, 35, seed);
            rows.into_iter().filter(|s| s.technique == "T2").collect::<Vec<_>>()
        };
        assert_eq!(cut(both.clone(), 5), cut(both.clone(), 5));
        assert_eq!(cut(both.clone(), 5), cut(alone, 5));
        assert_ne!(cut(both.clone(), 5), cut(both, 6));
    }

    #[test]
    fn trimming_keeps_row_numbers() {
        let rows = trim(samples(&corpus(&[("T1", 2), ("T2", 3)])), 3);
        assert_eq!(rows.iter().map(|s| s.row).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(trim(rows, 4).is_empty());
    }

    #[test]
    fn limits_that_contradict_each_other_are_named() {
        let limits = Limits { upsample_to: 501, ..Limits::default() };
        let message = limits.check().unwrap_err().to_string();
        assert_eq!(message, "setting balance.upsample_to: 501 is above downsample_to, 500");
    }
}
