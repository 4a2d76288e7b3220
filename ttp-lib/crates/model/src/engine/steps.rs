//! The shell of a training loop: what each step does beside its batch and its forward pass.

use super::pace::PaceReading;
use super::{Optimizer, Pace, Resume, Step, learning_rate};
use crate::batch::Size;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tch::Tensor;
use ttp_base::{Error, Result};

/// How the learning rate goes over a run: see [`learning_rate`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Steps of all epochs: the rate falls to 0 over them.
    pub steps: usize,
    /// Steps over which it climbs.
    pub warmup: usize,
    /// The highest rate, at the end of the warm-up.
    pub peak: f64,
}

impl Schedule {
    /// So many steps, of which a share, rounded to whole steps, warms up.
    pub fn new(steps: usize, warmup_share: f64, peak: f64) -> Self {
        Self { steps, warmup: (warmup_share * steps as f64).round() as usize, peak }
    }
}

/// The steps of a run: the learning rate of each, the optimizer, the check that the loss is a
/// number, the clock, and the losses.
///
/// A loop makes its batches and their losses, and hands each loss to [`Steps::take`].
pub struct Steps<'a> {
    optimizer: Optimizer,
    schedule: Schedule,
    pace: Pace,
    setting: &'static str,
    watch: &'a mut dyn FnMut(&Step),
    losses: Vec<f64>,
    epoch: usize,
    first_of_epoch: usize,
    /// A killed run was in this epoch, which has not begun in this one.
    within: bool,
}

/// Where a run is.
#[derive(Debug, Serialize, Deserialize)]
struct Position<N> {
    epoch: usize,
    first_of_epoch: usize,
    losses: Vec<f64>,
    clock: PaceReading,
    /// What the loop itself wants back.
    own: N,
}

impl<N> Position<N> {
    /// Whether it can be that of a run after so many steps.
    fn is_sound(&self, steps: usize) -> bool {
        self.epoch > 0
            && self.losses.len() == steps
            && self.clock.done == steps
            && self.first_of_epoch <= steps
            && self.losses.iter().all(|loss| loss.is_finite())
    }
}

impl<'a> Steps<'a> {
    /// No step is taken yet. `setting` is the path of the learning rate in a profile, which is
    /// named where the loss is no longer a number; `watch` is told of every step.
    pub fn new(
        optimizer: Optimizer,
        schedule: Schedule,
        pace: Pace,
        setting: &'static str,
        watch: &'a mut dyn FnMut(&Step),
    ) -> Self {
        let losses = Vec::with_capacity(schedule.steps);
        Self {
            optimizer,
            schedule,
            pace,
            setting,
            watch,
            losses,
            epoch: 1,
            first_of_epoch: 0,
            within: false,
        }
    }

    /// Puts back the last state of a run that was killed, if one was kept that can be used, and
    /// gives what the loop gave [`keep`](Self::keep) with it.
    pub fn go_on<N: DeserializeOwned>(
        &mut self,
        resume: &mut Resume,
        best: &mut Best,
    ) -> Option<N> {
        let sound = |position: &Position<N>, steps| position.is_sound(steps);
        let steps = self.schedule.steps;
        let position = resume.take(&mut self.optimizer, best, steps, sound)?;
        let Position { epoch, first_of_epoch, losses, clock, own } = position;
        self.pace.put_back(&clock);
        (self.epoch, self.first_of_epoch, self.losses) = (epoch, first_of_epoch, losses);
        self.within = true;
        Some(own)
    }

    /// Keeps the state of the run, if it is time: after a step, with the best weights and what the
    /// loop itself wants back.
    pub fn keep<N: Serialize>(&self, resume: &mut Resume, best: &Best, own: &N) {
        if resume.due() {
            let position = Position {
                epoch: self.epoch,
                first_of_epoch: self.first_of_epoch,
                losses: self.losses.clone(),
                clock: self.pace.counted(),
                own,
            };
            resume.keep(&self.optimizer, best, &position);
        }
    }

    /// The epoch, from 1, that is to begin first, or the one that was begun last.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// Steps of this epoch so far: not 0 at its beginning only where a killed run had taken them.
    pub fn of_epoch(&self) -> usize {
        self.losses.len() - self.first_of_epoch
    }

    /// Begins an epoch, counted from 1, or goes on in the one that a killed run was in; the clock
    /// runs on.
    pub fn begin(&mut self, epoch: usize) {
        if std::mem::take(&mut self.within) {
            self.pace.resume_epoch();
            return;
        }
        self.epoch = epoch;
        self.first_of_epoch = self.losses.len();
        self.pace.resume();
    }

    /// Takes the step that lowers this loss, a number in nats of a batch of this size.
    ///
    /// # Errors
    /// If the loss is no longer a number.
    pub fn take(&mut self, loss: &Tensor, size: Size) -> Result<()> {
        let Schedule { steps, warmup, peak } = self.schedule;
        self.take_at(loss, size, learning_rate(self.losses.len(), steps, warmup, peak))
    }

    /// The same at a learning rate of the loop's own.
    ///
    /// # Errors
    /// If the loss is no longer a number.
    pub fn take_at(&mut self, loss: &Tensor, size: Size, rate: f64) -> Result<()> {
        let gradient_norm = self.optimizer.step(loss, rate);
        let loss = finite(loss, self.losses.len() + 1, self.setting)?;
        self.losses.push(loss);
        (self.watch)(&self.pace.step(self.epoch, size, loss, rate, gradient_norm));
        Ok(())
    }

    /// Brings the weights up to date that no step read ([`Optimizer::settle`]): before anything
    /// reads all of them.
    pub fn settle(&mut self) {
        self.optimizer.settle();
    }

    /// The loss of every step so far, in nats.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// The mean loss of this epoch's steps so far; 0 where there is none.
    pub fn epoch_loss(&self) -> f64 {
        let losses = &self.losses[self.first_of_epoch..];
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }

    /// The run's clock.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }
}

/// The number that a loss is.
///
/// # Errors
/// If it is none: `setting`, the learning rate's path in a profile, is too high.
fn finite(loss: &Tensor, step: usize, setting: &'static str) -> Result<f64> {
    let loss = loss.double_value(&[]);
    if loss.is_finite() {
        return Ok(loss);
    }
    Err(Error::Setting { field: setting, reason: format!("loss {loss} at step {step}: lower it") })
}

/// The weights of the best epoch so far.
#[derive(Default)]
pub struct Best {
    kept: Option<(f64, Vec<Tensor>)>,
    /// How often they changed.
    changes: usize,
}

impl Best {
    /// The best weights that another run had: the `number`th, counted from 1.
    pub(super) fn kept(score: f64, number: usize, weights: Vec<Tensor>) -> Self {
        Self { kept: Some((score, weights)), changes: number }
    }

    /// Their score.
    pub(super) fn score(&self) -> Option<f64> {
        self.kept.as_ref().map(|(score, _)| *score)
    }

    /// Which they are, counted from 1; none before the first offer.
    pub(super) fn number(&self) -> Option<usize> {
        self.kept.as_ref().map(|_| self.changes)
    }

    /// Keeps these weights if `score` is above all before it, and says whether it is.
    pub fn offer(&mut self, score: f64, weights: impl FnOnce() -> Vec<Tensor>) -> bool {
        let better = self.kept.as_ref().is_none_or(|(best, _)| score > *best);
        if better {
            self.kept = Some((score, weights()));
            self.changes += 1;
        }
        better
    }

    /// The weights that were kept; none before the first offer.
    pub fn weights(&self) -> Option<&[Tensor]> {
        self.kept.as_ref().map(|(_, weights)| weights.as_slice())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::engine::Algorithm;
    use tch::{Device, Kind};

    #[test]
    fn steps_follow_the_schedule_and_a_loss_that_is_no_number_ends_them() {
        let weight = Tensor::ones([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let parameters = vec![("weight".to_owned(), weight.shallow_clone())];
        let optimizer = Optimizer::new(parameters, Algorithm::Adam, 0.0, f64::INFINITY);
        let mut seen = Vec::new();
        let mut watch = |step: &Step| seen.push((step.epoch, step.step, step.learning_rate));
        let schedule = Schedule::new(4, 0.5, 0.1);
        let pace = Pace::new(2, 4);
        let mut steps = Steps::new(optimizer, schedule, pace, "training.learning_rate", &mut watch);
        let size = Size { rows: 2, ..Size::default() };
        for epoch in 1..=2 {
            steps.begin(epoch);
            for _ in 0..2 {
                steps.take(&(&weight * &weight).sum(Kind::Float), size).unwrap();
            }
            assert_eq!(steps.losses().len(), 2 * epoch);
            let of_epoch = &steps.losses()[2 * epoch - 2..];
            assert_eq!(steps.epoch_loss(), (of_epoch[0] + of_epoch[1]) / 2.0);
        }
        let losses = steps.losses().to_vec();
        assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");
        let message = steps.take(&(weight.sum(Kind::Float) * f64::NAN), size).unwrap_err();
        assert_eq!(
            message.to_string(),
            "setting training.learning_rate: loss NaN at step 5: lower it"
        );
        let rates = [0.05, 0.1, 0.1, 0.05];
        let expected: Vec<_> = (0..4).map(|at| (1 + at / 2, at + 1, rates[at])).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_first_of_the_best_epochs_is_kept() {
        let mut best = Best::default();
        assert!(best.weights().is_none());
        let offers = [0.5, 0.4, 0.5, 0.6]
            .map(|score| best.offer(score, || vec![Tensor::from_slice(&[score])]));
        assert_eq!(offers, [true, false, false, true]);
        assert_eq!(best.weights().unwrap()[0].double_value(&[0]), 0.6);
    }
}
