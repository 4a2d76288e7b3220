//! A job of a sweep, done.

use super::jobs::{Work, job};
use super::outcome::{Outcome, write_sealed};
use super::sweep::{JobCheck, State, Sweep};
use super::train::EncoderJob;
use super::{linear, train};
use ttp_base::{Error, Result};
use ttp_lib::profile::Arm;
use ttp_lib::train::Step;
use ttp_text::split::Protocol;

/// What [`Sweep::run`] did.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRun {
    /// How the result was before; of a sound one nothing was done, unless it was asked for.
    pub before: JobCheck,
    /// What came of it; `None` of a pretraining and where nothing was done.
    pub outcome: Option<Outcome>,
}

impl Sweep {
    /// Does a job and writes its result, whole or not at all. A sound result stays unless `again`
    /// asks for another; `watch` is told of every step of a training.
    ///
    /// # Errors
    /// If the profile has no such job, the folder is not prepared or another sweep's, what the job
    /// needs is not done, or the work itself fails.
    pub fn run(&self, id: &str, again: bool, watch: &mut dyn FnMut(&Step)) -> Result<JobRun> {
        let named = |id: &str| job(&self.jobs, &self.run.profile.name, id);
        let job = named(id)?;
        let record = self.prepared()?;
        let before = self.checked(&record, job);
        if before.state == State::Sound && !again {
            return Ok(JobRun { before, outcome: None });
        }
        if let Some(first) = job.work.pretraining() {
            let first = first.id();
            let needed = self.checked(&record, named(&first)?);
            if needed.state != State::Sound {
                let reason =
                    format!("{id} needs it: {}; `ttp sweep run {first}` is first", needed.why);
                return Err(Error::input(&self.result(&first), reason));
            }
        }
        if self.rows()? != record.rows {
            let reason = "the corpus or a split was changed: run `ttp sweep prepare` again";
            return Err(Error::input(&self.run.folders.processed(""), reason));
        }
        let marks = [id.to_owned(), self.fingerprint.clone(), self.data(&record, &job.work)];
        let outcome = match &job.work {
            Work::Pretrain { checkpoint } => {
                let found = train::pretrain(self, checkpoint, marks, watch)?;
                write_sealed(&self.result(id), &found)?;
                None
            }
            Work::Linear { kind, protocol, draw } => {
                Some(linear::run(self, *kind, *protocol, *draw, marks)?)
            }
            Work::Seed { checkpoint, protocol: own, seed } => {
                let beside = job.work.beside(&self.run.profile);
                let (protocol, arm, seed) = (*own, None, *seed);
                let job = EncoderJob { checkpoint, protocol, arm, seed, beside };
                Some(train::run(self, &job, marks, watch)?)
            }
            Work::Arm { arm: Arm::Frozen, checkpoint, seed } => {
                let split = self.split(Protocol::Clean)?;
                let checkpoint = self.run.checkpoint(checkpoint)?;
                Some(linear::on_frozen(&self.run, &checkpoint, &split, *seed, marks)?)
            }
            Work::Arm { arm: own, checkpoint, seed } => {
                let (protocol, arm, seed) = (own.protocol(), Some(*own), *seed);
                let job = EncoderJob { checkpoint, protocol, arm, seed, beside: None };
                Some(train::run(self, &job, marks, watch)?)
            }
        };
        if let Some(outcome) = &outcome {
            outcome.write(&self.result(id))?;
        }
        Ok(JobRun { before, outcome })
    }
}
