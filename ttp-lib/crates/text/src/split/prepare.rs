//! The protocols: what comes first, the split or the balancing, and what is kept on one side.

use super::grouped::grouped;
use super::{Shares, Split, stratified, too_few};
use crate::balance::{self, CopySource, Draws, FillRule, Limits, Shortfall, mix};
use crate::corpus::Corpus;
use crate::corpus::clean::normalised;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use ttp_base::settings::Setting;
use ttp_base::{Error, Result};

/// In which order a corpus is balanced and split, and how small techniques are filled up.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Balance everything as the paper's row count says ([`FillRule::Draws`]), then split:
    /// nearly every second test row has a relative in training.
    Paper,
    /// Balance everything as the paper's text says ([`FillRule::Rows`]), then split: one test
    /// row in five has a relative in training.
    Told,
    /// Trim and split, then balance the training part only ([`FillRule::Rows`]).
    Clean,
    /// As the clean one, but near-duplicates
    /// ([`NEAR_DUPLICATE`](super::NEAR_DUPLICATE)) are kept on one side.
    Grouped,
}

impl Setting for Protocol {}

impl Protocol {
    /// The three that are shown beside each other, in that order: they differ in what comes first
    /// and in how small techniques are filled up.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Told, Self::Clean];

    /// All that have a name.
    pub const NAMED: [Self; 4] = [Self::Paper, Self::Told, Self::Clean, Self::Grouped];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Told => "told",
            Self::Clean => "clean",
            Self::Grouped => "grouped",
        }
    }

    /// How small techniques are filled up.
    pub fn fill(self) -> FillRule {
        match self {
            Self::Paper => FillRule::Draws,
            Self::Told | Self::Clean | Self::Grouped => FillRule::Rows,
        }
    }

    /// The protocol of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::NAMED.into_iter().find(|protocol| protocol.name() == name).ok_or_else(|| {
            let known = Self::NAMED.iter().map(|protocol| protocol.name().to_owned()).collect();
            Error::Unknown { kind: "protocol", name: name.to_owned(), known }
        })
    }
}

/// A split, and what every row of the corpus became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedSplit {
    /// The three parts.
    pub split: Split,
    /// The counts.
    pub account: Account,
    /// Techniques that could not be filled up.
    pub short: Vec<Shortfall>,
}

/// How many rows came, went and stayed. `corpus + copies` is the length of the three
/// parts and `trimmed + downsampled + equal_text` together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Rows of the corpus.
    pub corpus: usize,
    /// Rows of techniques too rare to be kept.
    pub trimmed: usize,
    /// Rows drawn to be augmented; 0 where copies are made one by one.
    pub drawn: usize,
    /// Augmented copies made.
    pub copies: usize,
    /// Rows (copies too) cut from large techniques.
    pub downsampled: usize,
    /// Rows taken from training because validation or test has their text, or from
    /// validation because test has it; the clean and the grouped protocol only.
    pub equal_text: usize,
    /// Rows of the training part.
    pub train: usize,
    /// Rows of the validation part.
    pub validation: usize,
    /// Rows of the test part.
    pub test: usize,
}

/// Balances and splits a corpus by a protocol.
///
/// In the clean protocol the training part is balanced to the limits times its share
/// (200 and 500 become 160 and 400 of an 80 % part), so that its classes are as large
/// as in the paper's training part; no text of test stands in training or validation
/// and none of validation in training, case, spacing and punctuation set aside. In the grouped
/// protocol no near-duplicate does either (augmented copies are not looked at).
///
/// # Errors
/// If limits or shares make no sense, no technique has enough rows, or a part gets none.
pub fn prepare(
    protocol: Protocol,
    corpus: &Corpus,
    limits: Limits,
    shares: Shares,
    augment: &dyn CopySource,
    seed: u64,
) -> Result<PreparedSplit> {
    limits.check()?;
    shares.check()?;
    let trimmed = balance::trim(balance::samples(corpus), limits.trim_below);
    if trimmed.is_empty() {
        return Err(Error::Setting {
            field: "balance.trim_below",
            reason: format!("no technique has {} rows", limits.trim_below),
        });
    }
    let originals = trimmed.len();
    let (split, filled, equal_text, short, draws) = match protocol {
        Protocol::Paper | Protocol::Told => {
            let (rows, short, draws) =
                balance::fill_up(trimmed, protocol.fill(), limits.upsample_to, augment, seed);
            let filled = rows.len();
            let rows = balance::downsample(rows, limits.downsample_to, seed);
            // A seed of its own: the order in which rows are parted must not follow the
            // order in which they were chosen to have copies.
            (stratified(&rows, shares, mix(seed, "parts"))?, filled, 0, short, draws)
        }
        Protocol::Clean | Protocol::Grouped => {
            let part = if protocol == Protocol::Clean { stratified } else { grouped };
            let mut split = part(&trimmed, shares, seed)?;
            let equal_text = split.set_apart();
            let limits = limits.scaled(shares.train);
            let apart: HashSet<String> =
                split.validation.iter().chain(&split.test).map(|s| normalised(&s.text)).collect();
            let train = std::mem::take(&mut split.train);
            let before = train.len();
            let (rows, short) =
                balance::upsample_apart(train, limits.upsample_to, augment, seed, &apart);
            let filled = originals + rows.len() - before;
            split.train = balance::downsample(rows, limits.downsample_to, seed);
            split.shuffle(seed);
            (split, filled, equal_text, short, None)
        }
    };
    let settings = ["split.train", "split.validation", "split.test"];
    split.refuse_empty_parts(shares, settings, too_few(originals))?;
    let account = Account {
        corpus: corpus.len(),
        trimmed: corpus.len() - originals,
        drawn: draws.map_or(0, |draws: Draws| draws.drawn),
        copies: filled - originals,
        downsampled: filled - equal_text - split.len(),
        equal_text,
        train: split.train.len(),
        validation: split.validation.len(),
        test: split.test.len(),
    };
    Ok(PreparedSplit { split, account, short })
}
