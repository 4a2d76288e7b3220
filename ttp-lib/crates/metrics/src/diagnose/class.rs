//! One class and how it fares.

use crate::Estimate;
use serde::{Deserialize, Serialize};

/// How well a class is found, by its F1 and the [`CutOffs`](super::settings::CutOffs). Each class is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// F1 above 0.9.
    Excellent,
    /// From 0.7 to 0.9, both ends with it.
    Good,
    /// From 0.5 with it to below 0.7.
    Poor,
    /// Below 0.5.
    Critical,
    /// No row of truth is of the class: there is nothing that could be found.
    NoRows,
}

impl Tier {
    /// All of them, the best first.
    pub const ALL: [Self; 5] =
        [Self::Excellent, Self::Good, Self::Poor, Self::Critical, Self::NoRows];

    /// Its name in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Poor => "poor",
            Self::Critical => "critical",
            Self::NoRows => "no rows",
        }
    }
}

/// Precision and recall far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Imbalance {
    /// Where the class is named it is right, and much of it is missed.
    HighPrecisionLowRecall,
    /// Most of the class is found, and much that is called so is of others.
    HighRecallLowPrecision,
}

impl Imbalance {
    /// Its name in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::HighPrecisionLowRecall => "high precision, low recall",
            Self::HighRecallLowPrecision => "high recall, low precision",
        }
    }
}

/// One class: scores with intervals, counts, tier. Where nothing is under a score's line (no row
/// of the class, none given it) the score is 0, as scikit-learn has it with `zero_division=0`,
/// and its interval is from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassDiagnosis {
    /// The class.
    pub label: String,
    /// Of the rows given this class, the share that is of it; Wilson's interval.
    pub precision: Estimate,
    /// Of the rows of this class, the share that was given it; Wilson's interval.
    pub recall: Estimate,
    /// Harmonic mean of the two; the interval is that of the Jaccard index, turned into F1.
    pub f1: Estimate,
    /// Rows of this class.
    pub support: u64,
    /// Rows that were given this class.
    pub predicted: u64,
    /// Rows of this class that were given it.
    pub correct: u64,
    /// By its F1.
    pub tier: Tier,
    /// Whether it has rows, and not one of them is found.
    pub zero_recall: bool,
    /// Whether so few of them are found that the recall's whole interval is below
    /// [`DiagnosisSettings::near_zero_recall`](super::settings::DiagnosisSettings::near_zero_recall); never of a class with zero recall, or too small.
    pub near_zero_recall: bool,
    /// Whether it has fewer rows than [`DiagnosisSettings::min_support`](super::settings::DiagnosisSettings::min_support).
    pub too_small: bool,
    /// Whether precision and recall are far apart.
    pub imbalance: Option<Imbalance>,
}

/// Some of a class's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The class that they went to, or came from.
    pub label: String,
    /// How many.
    pub count: u64,
    /// Which share of all rows of the class that they are of.
    pub share: f64,
}
