//! How fast a run goes and how far it is.

use super::Step;
use crate::batch::Batch;
use std::time::Instant;

/// A run's clock, which stands still while a model is judged.
pub(super) struct Pace {
    epochs: usize,
    steps: usize,
    done: usize,
    seconds: f64,
    began: Instant,
    before: f64,
    sentences: usize,
    tokens: usize,
    places: usize,
}

impl Pace {
    pub fn new(epochs: usize, steps: usize) -> Self {
        Self {
            epochs,
            steps,
            done: 0,
            seconds: 0.0,
            began: Instant::now(),
            before: 0.0,
            sentences: 0,
            tokens: 0,
            places: 0,
        }
    }

    /// Lets the clock run on, at the beginning of an epoch.
    pub fn resume(&mut self) {
        (self.began, self.before) = (Instant::now(), self.seconds);
    }

    /// Counts a step that is over.
    pub fn step(
        &mut self,
        epoch: usize,
        batch: &Batch,
        loss: f64,
        learning_rate: f64,
        gradient_norm: f64,
    ) -> Step {
        self.done += 1;
        self.seconds = self.before + self.began.elapsed().as_secs_f64();
        self.sentences += batch.ids.size().first().map_or(0, |&rows| rows as usize);
        self.tokens += batch.tokens;
        self.places += batch.ids.numel();
        Step {
            epoch,
            epochs: self.epochs,
            step: self.done,
            steps: self.steps,
            loss,
            learning_rate,
            gradient_norm,
            sentences_per_second: self.sentences as f64 / self.seconds,
            seconds_left: self.seconds / self.done as f64 * (self.steps - self.done) as f64,
        }
    }

    /// Seconds of training so far.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Seconds of this epoch so far.
    pub fn epoch_seconds(&self) -> f64 {
        self.seconds - self.before
    }

    /// Real tokens (no padding) a second.
    pub fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.seconds
    }

    /// Places in batches filled with padding, as a share of all.
    pub fn padding_share(&self) -> f64 {
        1.0 - self.tokens as f64 / self.places as f64
    }
}
