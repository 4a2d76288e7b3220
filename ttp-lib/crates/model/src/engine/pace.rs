//! How fast a run goes and how far it is.

use super::Step;
use crate::batch::Size;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// A run's clock, which stands still while a model is judged.
pub struct Pace {
    epochs: usize,
    steps: usize,
    done: usize,
    seconds: f64,
    began: Instant,
    before: f64,
    before_epoch: f64,
    size: Size,
    unit: &'static str,
}

/// What a clock has counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PaceReading {
    pub(super) done: usize,
    seconds: f64,
    before_epoch: f64,
    size: Size,
}

impl Pace {
    /// The clock of a run of so many epochs and steps in all; it stands still at first.
    pub fn new(epochs: usize, steps: usize) -> Self {
        Self {
            epochs,
            steps,
            done: 0,
            seconds: 0.0,
            began: Instant::now(),
            before: 0.0,
            before_epoch: 0.0,
            size: Size::default(),
            unit: "sentences",
        }
    }

    /// The same where a row is no sentence.
    pub fn of(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Lets the clock run on, at the beginning of an epoch.
    pub fn resume(&mut self) {
        self.before_epoch = self.seconds;
        self.resume_epoch();
    }

    /// Lets the clock run on, within an epoch.
    pub(super) fn resume_epoch(&mut self) {
        (self.began, self.before) = (Instant::now(), self.seconds);
    }

    pub(super) fn counted(&self) -> PaceReading {
        let Self { done, seconds, before_epoch, size, .. } = *self;
        PaceReading { done, seconds, before_epoch, size }
    }

    /// Goes on from what another run's clock had counted.
    pub(super) fn put_back(&mut self, counted: &PaceReading) {
        let PaceReading { done, seconds, before_epoch, size } = *counted;
        (self.done, self.seconds, self.before_epoch, self.size) =
            (done, seconds, before_epoch, size);
    }

    /// Counts a step that is over.
    pub fn step(
        &mut self,
        epoch: usize,
        size: Size,
        loss: f64,
        learning_rate: f64,
        gradient_norm: f64,
    ) -> Step {
        self.done += 1;
        self.seconds = self.before + self.began.elapsed().as_secs_f64();
        self.size += size;
        Step {
            epoch,
            epochs: self.epochs,
            step: self.done,
            steps: self.steps,
            loss,
            learning_rate,
            gradient_norm,
            unit: self.unit,
            sentences_per_second: self.size.rows as f64 / self.seconds,
            seconds_left: self.seconds / self.done as f64 * (self.steps - self.done) as f64,
        }
    }

    /// Seconds of training so far.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Seconds of this epoch so far.
    pub fn epoch_seconds(&self) -> f64 {
        self.seconds - self.before_epoch
    }

    /// Rows a second.
    pub fn rows_per_second(&self) -> f64 {
        self.size.rows as f64 / self.seconds
    }

    /// Real tokens (no padding) a second.
    pub fn tokens_per_second(&self) -> f64 {
        self.size.tokens as f64 / self.seconds
    }

    /// Places in batches filled with padding, as a share of all.
    pub fn padding_share(&self) -> f64 {
        1.0 - self.size.tokens as f64 / self.size.places as f64
    }
}
