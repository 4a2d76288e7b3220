//! The similarity report's own experiment: its pairs, what leaks between its sets, its two
//! recipes, and what they would have been had the labels counted.
//!
//! The files are the authors' own (`data/sources.toml`, names `cybertune-…`). How the models
//! were trained is in their scripts:
//!
//! - [`LabelledPairs`], [`Texts`]: a file of pairs, read strictly, and its texts in numbers.
//! - [`ReportFiles`]: all files of the report together, each text with its tactic and template.
//! - [`PairLeak`]: what test pairs have in common with training pairs.
//! - [`UnseenExamples`]: the twenty "completely unseen" examples and the published similarities.
//! - [`ReportArm`]: the two recipes, and four others on the same pairs.
//! - [`Experiment`]: three grounds on which models are judged.
//! - [`ReportModels`]: the models beside each other, and what fine-tuning gains.
//! - [`Warning`]: what a user is told who is about to do the same.

mod card;
mod experiment;
mod files;
mod ground;
mod pairs;
mod results;
mod unseen;

pub use crate::guard::{ONE_SIDED, Warning};
pub use crate::leak::PairLeak;
pub use crate::published::REPORT_HARD_NEGATIVES as HARD_NEGATIVES;
pub use crate::recipes::{Lessons, ReportArm, hardest};
pub use crate::settings::{BASE_MODEL, ReportSettings};
pub use experiment::{
    Experiment, GroundScores, TextVectors, ThresholdCounts, TrainedVectors, UnseenCosines,
};
pub use files::{REPORT_FILES, ReportFiles};
pub use ground::{Ground, GroundName};
pub use pairs::{LabelledPair, LabelledPairs, Texts};
pub use results::{Gain, ReportModels, SplitLeaks};
pub use unseen::UnseenExamples;
