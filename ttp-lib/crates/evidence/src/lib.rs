//! What a table of scores on one split of one source does not say: whether probabilities are to be
//! believed, how models do elsewhere, and what holds over seeds, splits and changes in a training.
//!
//! - [`ModelCalibration`]: a model's probabilities before and after calibration.
//! - [`TrainedModel`]: a run's models, opened again; [`External`]: how they do on other sentences.
//! - [`linear_splits`], [`frozen`]: trainings that are cheap enough for a notebook.
//! - [`UntrimmedModels`], [`UntrimmedSplits`]: all techniques, nothing trimmed: an encoder, a
//!   linear model and both together; the linear model on other splits.
//! - [`table_2_verdicts`]: whether the figures of the paper's table 2 are reproduced.
//! - [`ComparisonResults`], [`EvidenceResults`]: what notebooks 07 and 08 leave behind.
//!
//! The rest is the sweep: a list of [`jobs()`], each with an id, in a folder of their own. Each
//! trains one model and leaves one file, `jobs/ID.json`, which knows whether it is whole. Who runs
//! the jobs, and where, is none of this crate's business: `ttp sweep` does one at a time.
//!
//! - [`SweepSettings`], [`Arm`]: what a profile asks for.
//! - [`Sweep`]: the folder. [`prepare`](Sweep::prepare) makes what jobs share,
//!   [`run`](Sweep::run) does one, [`check`](Sweep::check) reads all results,
//!   [`collect`](Sweep::collect) puts them together.
//! - [`Outcome`]: what a job leaves. [`Evidence`]: what all say together, with tables.

mod arms;
mod collect;
mod comparison_results;
mod evidence_results;
pub mod external;
mod jobs;
mod linear;
mod model_calibration;
mod models;
mod outcome;
mod sweep;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod train;
mod untrimmed;
mod untrimmed_results;
mod untrimmed_splits;
mod verdicts;
mod work;

pub use arms::{ArmEffect, Change, IntervalUnit, Means};
pub use collect::{COMMAND, Evidence, ModelPair, Spread, Spreads};
pub use comparison_results::{ComparisonResults, MostConfused};
pub use evidence_results::EvidenceResults;
pub use external::{External, ExternalScores};
pub use jobs::{Job, JobKind, Work, fingerprint, jobs};
pub use linear::{frozen, linear_splits};
pub use model_calibration::{ModelCalibration, PRECISIONS};
pub use models::{TrainedModel, not_in_training, on_other_rows, today, without_near_duplicates};
pub use outcome::{BothOutcome, Figures, JobSettings, Outcome, TestRows};
pub use sweep::{JobCheck, State, Sweep};
pub use ttp_lib::profile::{Arm, SweepSettings};
pub use untrimmed::{UntrimmedGain, UntrimmedModel, UntrimmedModels};
pub use untrimmed_results::UntrimmedResults;
pub use untrimmed_splits::{ScoreRange, SplitScores, UntrimmedSplits};
pub use verdicts::table_2_verdicts;
pub use work::JobRun;
