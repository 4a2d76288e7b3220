//! What may be wrong with a classifier.

use super::class::Share;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A class that has rows of which none is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZeroRecallClass {
    /// The class.
    pub label: String,
    /// Its rows.
    pub support: u64,
    /// Where they went, the most first.
    pub goes_to: Vec<Share>,
}

/// A class that another one swallows: at least half of its rows are predicted as that one class, and
/// less than a tenth is found ([`DiagnosisSettings::swallowed_share`](super::settings::DiagnosisSettings::swallowed_share), `swallowed_recall`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SwallowedClass {
    /// The class.
    pub label: String,
    /// Its rows.
    pub support: u64,
    /// Which share of them is found.
    pub recall: f64,
    /// The class that takes them.
    pub by: Share,
    /// After Holm's correction over the classes; an upper bound.
    pub p_value: f64,
}

/// A class that is predicted for the rows of several others, beyond what errors spread evenly would
/// bring it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverPredictedClass {
    /// The class.
    pub label: String,
    /// Rows of other classes that were given it.
    pub false_positives: u64,
    /// How many an even spread of all errors, those of other faults among them, would have
    /// brought it, at most: to compare with, no part of the criterion.
    pub expected: f64,
    /// Of the rows given it, the share that is of others.
    pub share: f64,
    /// The classes that give it at least [`DiagnosisSettings::source_share`](super::settings::DiagnosisSettings::source_share) of their rows,
    /// beyond chance, the most rows first; `share` is of the source's own rows.
    pub from: Vec<Share>,
    /// False positives from all other classes.
    pub from_others: u64,
    /// After Holm's correction over the classes; an upper bound.
    pub p_value: f64,
}

/// Two classes that are taken for each other, or the first for the second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfusedPair {
    /// The class of which the larger share is taken for the other one.
    pub a: String,
    /// The other class.
    pub b: String,
    /// Rows of `a` that were given `b`, and their share of `a`.
    pub a_as_b: Share,
    /// Rows of `b` that were given `a`, and their share of `b`.
    pub b_as_a: Share,
    /// Whether both directions reach [`DiagnosisSettings::pair_share`](super::settings::DiagnosisSettings::pair_share) beyond chance.
    pub both: bool,
    /// After Holm's correction over all pairs, the larger of the two where it is `both`.
    pub p_value: f64,
}

/// A fault, each told once: see [`Diagnosis::faults`](super::Diagnosis::faults).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum Fault {
    /// Names stand beside other classes' rows: see [`names`](crate::names).
    NamesShuffled {
        /// What told: `the class counts`, `the second labelling`.
        against: String,
    },
    /// Other names would fit better beyond chance, which may have another reason than names.
    NamesUnclear {
        /// What told.
        against: String,
    },
    /// Nearly all of a class goes to one other.
    Swallowed {
        /// The class.
        class: String,
        /// What takes it.
        by: String,
    },
    /// No row of a class is found, and they go to no single class.
    ZeroRecall {
        /// The class.
        class: String,
    },
    /// A few rows of a class are found, so few that chance may have found them, and the rest goes
    /// to no single class.
    NearZeroRecall {
        /// The class.
        class: String,
    },
    /// A class is predicted for several others' rows.
    OverPredictedClass {
        /// The class.
        class: String,
    },
    /// Two classes are taken for each other, in both directions; in alphabetical order.
    ConfusedBothWays {
        /// The one.
        a: String,
        /// The other.
        b: String,
    },
    /// A class is taken for another, which is neither over-predicted nor all that is left of it.
    TakenFor {
        /// The class.
        class: String,
        /// What it is taken for.
        taken_for: String,
    },
    /// A class has too few rows to judge.
    TooSmall {
        /// The class.
        class: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamesShuffled { against } => write!(f, "the names are shuffled: by {against}"),
            Self::NamesUnclear { against } => write!(f, "the names may be shuffled: by {against}"),
            Self::Swallowed { class, by } => write!(f, "{class}: swallowed by {by}"),
            Self::ZeroRecall { class } => write!(f, "{class}: zero recall"),
            Self::NearZeroRecall { class } => write!(f, "{class}: recall near zero"),
            Self::OverPredictedClass { class } => {
                write!(f, "{class}: over-predicted, for rows of several other classes")
            }
            Self::ConfusedBothWays { a, b } => write!(f, "{a} and {b}: taken for each other"),
            Self::TakenFor { class, taken_for } => write!(f, "{class}: taken for {taken_for}"),
            Self::TooSmall { class } => write!(f, "{class}: too small to judge"),
        }
    }
}
