//! Balancing as in the paper: techniques below a number of rows go, small ones are
//! filled up with augmented copies, large ones are cut down.
//!
//! The paper can be read in two ways of what *filled up* means ([`FillRule`]): its text says
//! "to 200 rows", its row count fits no other reading than "as many rows are drawn as are
//! missing, and all four outputs of each are kept".
//!
//! Each function takes and gives plain rows, so that a notebook can stop and look
//! after every stage; [`balance()`] runs all of them and keeps the counts.

mod stages;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod trimming;
mod upsample;

pub(crate) use stages::fill_up;
pub use stages::{BalancedCorpus, Funnel, StageCounts, balance, stages_frame};
pub use trimming::TrimmingResults;
pub(crate) use upsample::upsample_apart;

pub use upsample::{Draws, upsample, upsample_by_draws};

use crate::augment::Augmenter;
use crate::corpus::{Corpus, Operation, Sample};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use ttp_base::error::SettingPath;
use ttp_base::{Result, settings};

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
pub enum FillRule {
    /// To the limit, copy by copy, none of them alike: as the paper's text says ([`upsample`]).
    Rows,
    /// As many rows are drawn as are missing, and every output of each is kept: as the
    /// paper's row count says ([`upsample_by_draws`]).
    Draws,
}

/// What makes augmented copies of a sentence.
pub trait CopySource {
    /// Changed copies of `text`, each with what was done to it; the same text and
    /// seed give the same copies. May be none.
    fn variants(&self, text: &str, seed: u64) -> Vec<(Operation, String)>;

    /// How many copies of a sentence are asked for: four, one by each operation, as of
    /// TextAttack's `EasyDataAugmenter`.
    fn outputs(&self) -> usize {
        Operation::AUGMENTING.len()
    }
}

impl<F: Fn(&str, u64) -> Vec<(Operation, String)>> CopySource for F {
    fn variants(&self, text: &str, seed: u64) -> Vec<(Operation, String)> {
        self(text, seed)
    }
}

impl CopySource for Augmenter {
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

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { technique, rows, wanted } = self;
        write!(f, "{technique} could only be filled up to {rows} of {wanted} rows")
    }
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
