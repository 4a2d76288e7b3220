//! What all training loops share: their settings, the optimizer, the learning rate's schedule, the
//! clock, the best weights so far, where a model is trained, and how a run that was killed goes on
//! ([`resume`]). [`Steps`] is the shell of a loop, which keeps its batches and its forward pass.

mod device;
mod optimizer;
mod pace;
mod params;
pub mod ranges;
pub mod resume;
mod schedule;
mod steps;

pub use device::{device, device_name, keep_freed_memory};
pub use optimizer::{Algorithm, Optimizer, numbers};
pub use pace::Pace;
pub use params::TrainParams;
pub use resume::{Origin, Resume};
pub use schedule::learning_rate;
pub use steps::{Best, Schedule, Steps};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;
use ttp_base::show;

/// The seed of an epoch's order: another one for each epoch, and the same one again where a run that
/// was killed goes on.
pub fn epoch_seed(seed: u64, epoch: usize) -> u64 {
    seed ^ (epoch as u64) << 32
}

/// How far a run is, once a step.
#[derive(Debug, Clone)]
pub struct Step {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The step, from 1, over all epochs.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// The batch's loss, in nats.
    pub loss: f64,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// The gradient's norm before clipping.
    pub gradient_norm: f64,
    /// What a row is: `sentences`, `flows`.
    pub unit: &'static str,
    /// Training rows a second since the run began, evaluation left out.
    pub sentences_per_second: f64,
    /// Seconds of training left at that rate.
    pub seconds_left: f64,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.seconds_left.round() as u64;
        write!(
            f,
            "epoch {}/{}  step {:>4}/{}  loss {:.3}  {:.0} {}/s  {} min {:02} s left",
            self.epoch,
            self.epochs,
            self.step,
            self.steps,
            self.loss,
            self.sentences_per_second,
            self.unit,
            left / 60,
            left % 60
        )
    }
}

/// What one epoch came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Mean loss over its training batches, in nats.
    pub train_loss: f64,
    /// Mean loss on the validation rows, in nats.
    pub validation_loss: f64,
    /// Share of validation rows named right.
    pub validation_accuracy: f64,
    /// Macro-averaged F1 on the validation rows.
    pub validation_f1_macro: f64,
    /// Seconds of training in this epoch, evaluation left out.
    pub seconds: f64,
}

/// A training loop's `watch` that prints a line at the first step, then one
/// about every `seconds`, and the last.
pub fn print_every(seconds: f64) -> impl FnMut(&Step) {
    let mut last: Option<Instant> = None;
    move |step| {
        let due = last.is_none_or(|at| at.elapsed().as_secs_f64() >= seconds);
        if due || step.step == step.steps {
            show::print(&format!("{step}\n"));
            last = Some(Instant::now());
        }
    }
}
