//! What holds over seeds, splits and changes in a training: the sweep.
//!
//! A sweep is a list of [`jobs()`], each with an id, in a folder of their own. Each trains one model
//! and leaves one file, `jobs/ID.json`, which knows whether it is whole. Who runs the jobs, and
//! where, is none of this module's business: `ttp sweep` does one at a time.
//!
//! - [`SweepSettings`], [`Arm`]: what a profile asks for.
//! - [`Sweep`]: the folder. [`prepare`](Sweep::prepare) makes what jobs share,
//!   [`run`](Sweep::run) does one, [`check`](Sweep::check) reads all results,
//!   [`collect`](Sweep::collect) puts them together.
//! - [`Outcome`]: what a job leaves. [`Evidence`]: what all say together, with tables.
//! - [`linear_splits`], [`frozen`]: the cheap jobs without a folder, for notebooks.

mod arms;
mod collect;
mod jobs;
mod linear;
mod outcome;
mod settings;
mod sweep;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod train;

pub use arms::{ArmEffect, Change, Means, Over};
pub use collect::{COMMAND, Evidence, LEVEL, Pair, Spread, Spreads};
pub use jobs::{Job, JobKind, Work, fingerprint, jobs};
pub use linear::{frozen, linear_splits};
pub use outcome::{Figures, Outcome, TestRows, Told};
pub use settings::{Arm, SweepSettings};
pub use sweep::{Checked, Done, State, Sweep};
