//! The summary's recipe: focal loss, Adam, a rate that is halved when validation stands still, and
//! an end when it goes on standing still.

use super::NUMBERS;
use super::encoder::NetmlEncoder;
use super::flows::NetmlFlows;
use super::focal::focal_loss;
use super::series::Distinct;
use crate::family::Standardiser;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use tch::{Kind, Tensor};
use ttp_base::settings::{Range, at_least, from_to};
use ttp_base::{Error, Result, settings};
use ttp_metrics::{Confusion, Scores};
use ttp_model::batch::Size;
use ttp_model::engine::ranges::{EPOCHS, LEARNING_RATE};
use ttp_model::engine::{self, Algorithm, Best, Epoch, Optimizer, Pace, Schedule, Step, Steps};

/// What a class's rows weigh in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// All the same.
    #[default]
    None,
    /// Inverse to the class's training rows, 1 in the mean over rows.
    Inverse,
}

/// How an epoch's rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Each row once.
    #[default]
    Once,
    /// As many rows, drawn with replacement, every class as often as any other.
    Balanced,
}

/// The settings of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetmlParams {
    /// Passes over the training rows at most.
    pub epochs: usize,
    /// Rows a step.
    pub batch_size: usize,
    /// Adam's learning rate at the start.
    pub learning_rate: f64,
    /// The focal loss's γ; 0 is the cross-entropy.
    pub gamma: f64,
    /// Weights of the classes in the loss.
    pub weighting: Weighting,
    /// How rows are drawn.
    pub sampling: Sampling,
    /// Epochs without a better validation accuracy after which the rate is halved.
    pub halve_after: usize,
    /// Epochs without a better validation accuracy after which training ends.
    pub stop_after: usize,
}

impl Default for NetmlParams {
    /// The recipe that the summary's authors write down: focal loss with γ = 2, Adam at 10⁻³, 256
    /// rows a step, ten epochs at most, an end after seven without a better validation accuracy.
    /// That the rate is halved after two such epochs is our own.
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 256,
            learning_rate: 1e-3,
            gamma: 2.0,
            weighting: Weighting::None,
            sampling: Sampling::Once,
            halve_after: 2,
            stop_after: 7,
        }
    }
}

/// A number of epochs.
const SOME: Range = EPOCHS.or("0: take 1 at least");

settings!(NetmlParams, "families.training", {
    epochs: SOME,
    batch_size: at_least(2.0).or("{}: batch normalisation needs two rows"),
    learning_rate: LEARNING_RATE,
    gamma: from_to(0.0, 10.0),
    halve_after: SOME,
    stop_after: SOME,
}, free { weighting, sampling });

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetmlHistory {
    /// Each epoch in turn.
    pub epochs: Vec<Epoch>,
    /// The learning rate of each.
    pub learning_rates: Vec<f64>,
    /// The epoch whose weights were kept, from 1.
    pub best_epoch: usize,
    /// Seconds of training and validation.
    pub seconds: f64,
}

/// Flows with their classes, as indices into the encoder's.
#[derive(Clone, Copy)]
pub struct LabelledFlows<'a> {
    /// The flows.
    pub flows: &'a NetmlFlows,
    /// The class of each.
    pub labels: &'a [usize],
}

impl LabelledFlows<'_> {
    fn check(&self, field: &'static str, classes: usize) -> Result<()> {
        let wrong = |reason| Err(Error::Setting { field, reason });
        if self.flows.len() < 2 {
            return wrong(format!("{} flows; two at least", self.flows.len()));
        }
        if self.labels.len() != self.flows.len() {
            return wrong(format!("{} labels of {} flows", self.labels.len(), self.flows.len()));
        }
        match self.labels.iter().find(|label| **label >= classes) {
            Some(label) => wrong(format!("class {label}, of {classes} classes")),
            None => Ok(()),
        }
    }
}

/// One training: how it goes, and by what chance.
pub struct NetmlTraining<'a> {
    /// The settings.
    pub params: &'a NetmlParams,
    /// Orders the batches and draws the dropout.
    pub seed: u64,
}

impl NetmlTraining<'_> {
    /// Trains `encoder` on flows that `by` standardises, and leaves it with the weights of the epoch
    /// of the best validation accuracy. Equal counts of a batch are read once: their gradients add up
    /// to the same. `watch` is told of every epoch.
    ///
    /// # Errors
    /// If a setting makes no sense, labels do not fit the flows or the classes, or the loss is no
    /// longer a number.
    pub fn run(
        &self,
        encoder: &NetmlEncoder,
        by: &Standardiser,
        training: LabelledFlows<'_>,
        validation: LabelledFlows<'_>,
        watch: &mut dyn FnMut(&Epoch),
    ) -> Result<NetmlHistory> {
        let Self { params, seed } = *self;
        params.check()?;
        let classes = encoder.classes().len();
        training.check("training flows", classes)?;
        validation.check("validation flows", classes)?;
        engine::keep_freed_memory();
        tch::manual_seed(seed.cast_signed());
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let rows_of = rows_of(training.labels, classes);
        let weights = class_weights(params.weighting, &rows_of, training.labels.len())
            .map(|weights| Tensor::from_slice(&weights).to_device(encoder.device()));
        let parameters = encoder.parameters();
        let optimizer = Optimizer::new(parameters, Algorithm::Adam, 0.0, f64::INFINITY);
        let count = training.labels.len().div_ceil(params.batch_size) * params.epochs;
        let schedule = Schedule::new(count, 0.0, params.learning_rate);
        let pace = Pace::new(params.epochs, count).of("flows");
        let (setting, quiet) = ("families.training.learning_rate", &mut |_: &Step| {});
        let mut steps = Steps::new(optimizer, schedule, pace, setting, quiet);
        let mut history = NetmlHistory {
            epochs: Vec::new(),
            learning_rates: Vec::new(),
            best_epoch: 0,
            seconds: 0.0,
        };
        let mut rate = params.learning_rate;
        let mut best = Best::default();
        let mut still = 0;
        let began = Instant::now();
        for epoch in 1..=params.epochs {
            let epoch_began = Instant::now();
            steps.begin(epoch);
            let order = order(params.sampling, &rows_of, training.labels.len(), &mut random);
            for rows in order.chunks(params.batch_size).filter(|rows| rows.len() > 1) {
                let [_, logits] = self.forward(encoder, by, training.flows, rows);
                let labels: Vec<i64> =
                    rows.iter().map(|&row| training.labels[row] as i64).collect();
                let labels = Tensor::from_slice(&labels).to_device(encoder.device());
                let loss = focal_loss(&logits, &labels, params.gamma, weights.as_ref());
                let size = Size { rows: rows.len(), ..Size::default() };
                steps.take_at(&loss, size, rate)?;
            }
            let (validation_loss, scores) = self.judge(encoder, by, validation)?;
            let done = Epoch {
                epoch,
                train_loss: steps.epoch_loss(),
                validation_loss,
                validation_accuracy: scores.accuracy,
                validation_f1_macro: scores.f1.macro_,
                seconds: epoch_began.elapsed().as_secs_f64(),
            };
            watch(&done);
            history.epochs.push(done);
            history.learning_rates.push(rate);
            if best.offer(scores.accuracy, || encoder.snapshot()) {
                history.best_epoch = epoch;
                still = 0;
                continue;
            }
            still += 1;
            if still % params.halve_after == 0 {
                rate *= 0.5;
            }
            if still >= params.stop_after {
                break;
            }
        }
        if let Some(weights) = best.weights() {
            encoder.restore(weights);
        }
        history.seconds = began.elapsed().as_secs_f64();
        Ok(history)
    }

    /// The loss on some flows, and their scores.
    fn judge(
        &self,
        encoder: &NetmlEncoder,
        by: &Standardiser,
        flows: LabelledFlows<'_>,
    ) -> Result<(f64, Scores<f64>)> {
        let encoded = encoder.encode(flows.flows, by)?;
        let logits = Tensor::from_slice(&encoded.logits).view([-1, encoder.classes().len() as i64]);
        let labels: Vec<i64> = flows.labels.iter().map(|&label| label as i64).collect();
        let loss = focal_loss(&logits, &Tensor::from_slice(&labels), self.params.gamma, None);
        let names = encoder.classes().to_vec();
        let confusion = Confusion::from_indices(names, flows.labels, &encoded.best())?;
        Ok((loss.double_value(&[]), confusion.scores()))
    }

    fn forward(
        &self,
        encoder: &NetmlEncoder,
        by: &Standardiser,
        flows: &NetmlFlows,
        rows: &[usize],
    ) -> [Tensor; 2] {
        let mut scaled = Vec::with_capacity(rows.len() * NUMBERS.len());
        rows.iter().for_each(|&row| by.apply(flows.numbers(row), &mut scaled));
        let numbers = Tensor::from_slice(&scaled)
            .view([rows.len() as i64, NUMBERS.len() as i64])
            .to_kind(Kind::Float)
            .to_device(encoder.device());
        let distinct = Distinct::of(rows.iter().map(|&row| flows.counts(row)));
        encoder.forward(&distinct, &numbers, true)
    }
}

/// The rows of each class.
fn rows_of(labels: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut rows_of = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(row, &class)| rows_of[class].push(row));
    rows_of
}

/// Weights of the classes, 1 in the mean over rows; none where all weigh the same.
fn class_weights(weighting: Weighting, rows_of: &[Vec<usize>], rows: usize) -> Option<Vec<f32>> {
    let present = rows_of.iter().filter(|rows| !rows.is_empty()).count();
    let weight = |of: &Vec<usize>| match of.len() {
        0 => 0.0,
        of => (rows as f64 / (present * of) as f64) as f32,
    };
    (weighting == Weighting::Inverse).then(|| rows_of.iter().map(weight).collect())
}

/// An epoch's rows in their order.
fn order(
    sampling: Sampling,
    rows_of: &[Vec<usize>],
    rows: usize,
    random: &mut ChaCha8Rng,
) -> Vec<usize> {
    match sampling {
        Sampling::Once => {
            let mut order: Vec<usize> = (0..rows).collect();
            order.shuffle(random);
            order
        }
        Sampling::Balanced => {
            let present: Vec<&Vec<usize>> =
                rows_of.iter().filter(|rows| !rows.is_empty()).collect();
            let draw = |_| {
                let class = present[random.random_range(0..present.len())];
                class[random.random_range(0..class.len())]
            };
            (0..rows).map(draw).collect()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_one_in_the_mean_over_rows() {
        let labels = [0, 0, 0, 2];
        let rows = rows_of(&labels, 3);
        let weights = class_weights(Weighting::Inverse, &rows, 4).unwrap();
        assert_eq!(weights, [4.0 / 6.0, 0.0, 2.0]);
        let mean: f32 = labels.iter().map(|&label| weights[label]).sum::<f32>() / 4.0;
        assert!((mean - 1.0).abs() < 1e-6);
        assert_eq!(class_weights(Weighting::None, &rows, 4), None);
    }

    #[test]
    fn balanced_sampling_draws_every_class_as_often() {
        let labels: Vec<usize> = (0..1000).map(|row| usize::from(row % 50 == 0)).collect();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let drawn = order(Sampling::Balanced, &rows_of(&labels, 2), 1000, &mut random);
        let rare = drawn.iter().filter(|row| labels[**row] == 1).count();
        // Five standard deviations of a fair coin.
        assert!((421..=579).contains(&rare), "{rare}");
        let mut once = order(Sampling::Once, &rows_of(&labels, 2), 1000, &mut random);
        once.sort_unstable();
        assert_eq!(once, (0..1000).collect::<Vec<_>>());
    }
}
