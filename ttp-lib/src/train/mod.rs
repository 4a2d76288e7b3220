//! Fine-tuning: the loop that a paper's method section describes, to be read top
//! to bottom in one sitting.

mod masked;
mod masked_card;
mod pretrain;

pub use masked::{
    MaskedEpoch, MaskedHistory, MaskedParams, MaskedRows, Pretraining, check_held_out,
};
pub use ttp_model::engine::{
    Algorithm, Epoch, Optimizer, Step, TrainParams, device, device_name, keep_freed_memory,
    learning_rate, print_every, resume,
};
pub use ttp_model::rows::{Rows, SplitRows, labels_of, places_of};

use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::Tensor;
use ttp_base::{Result, files};
use ttp_metrics::Confusion;
use ttp_model::batch::{self, Batch};
use ttp_model::encoder::TechniqueEncoder;
use ttp_model::engine::{Best, Origin, Pace, Resume, Schedule, Steps, epoch_seed};
use ttp_model::pretrained::Checkpoint;

/// What a whole run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Each epoch in turn.
    pub epochs: Vec<Epoch>,
    /// Loss of every step.
    pub losses: Vec<f64>,
    /// The epoch whose weights were kept, from 1.
    pub best_epoch: usize,
    /// Seconds of training, evaluation left out.
    pub seconds: f64,
    /// Real tokens (no padding) trained on a second.
    pub tokens_per_second: f64,
    /// Places in batches filled with padding, as a share of all.
    pub padding_share: f64,
    /// Rows trained on in each epoch.
    pub rows: usize,
}

/// One fine-tuning: what it starts from, how it goes, where its best model goes.
pub struct FineTuning<'a> {
    /// The checkpoint that the encoder was built from; its tokenizer is saved with the model.
    pub checkpoint: &'a Checkpoint,
    /// The settings.
    pub params: &'a TrainParams,
    /// Orders the batches and draws the dropout.
    pub seed: u64,
    /// Where the best model is written, in the hub's layout.
    pub folder: &'a Path,
}

impl FineTuning<'_> {
    /// Fine-tunes `encoder` on `train`, judges it on `validation` after each epoch, and
    /// leaves it with the weights of the best epoch by macro-averaged F1. Those are
    /// written as soon as they are known: a run that is killed leaves its best model
    /// so far, whole, and the same call goes on where it was ([`resume`]).
    /// `watch` is told of every step.
    ///
    /// # Errors
    /// If a setting makes no sense, the loss is no longer a number, or a file cannot be written.
    pub fn run(
        &self,
        encoder: &mut TechniqueEncoder,
        train: &Rows,
        validation: &Rows,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<History> {
        let Self { params, seed, folder, .. } = *self;
        params.check()?;
        keep_freed_memory();
        tch::manual_seed(seed.cast_signed());
        let lengths: Vec<usize> = train.tokenised.iter().map(Vec::len).collect();
        let steps = train.len().div_ceil(params.batch_size) * params.epochs;
        let weights = train.class_weights.as_deref().map(|weights| {
            Tensor::from_slice(weights).to_kind(tch::Kind::Float).to_device(encoder.device())
        });
        let optimizer = Optimizer::new(
            encoder.parameters(),
            params.optimizer,
            params.weight_decay,
            params.clip_norm,
        )
        .reading_rows(&encoder.words(), train.tokenised.iter().flatten());

        let mut history = History {
            epochs: Vec::new(),
            losses: Vec::new(),
            best_epoch: 0,
            seconds: 0.0,
            tokens_per_second: 0.0,
            padding_share: 0.0,
            rows: train.len(),
        };
        let schedule = Schedule::new(steps, params.warmup_share, params.learning_rate);
        let pace = Pace::new(params.epochs, steps);
        let mut steps = Steps::new(optimizer, schedule, pace, "training.learning_rate", watch);
        let mut best = Best::default();
        let mut resume = Resume::beside(folder, self.origin(encoder, train, validation)?)?;
        let earlier = steps.go_on(&mut resume, &mut best);
        let went_on = earlier.is_some();
        history = earlier.unwrap_or(history);
        for epoch in steps.epoch()..=params.epochs {
            steps.begin(epoch);
            let batches = batch::shuffled(&lengths, params.batch_size, epoch_seed(seed, epoch));
            for rows in batches.into_iter().skip(steps.of_epoch()) {
                let batch = Batch::new(&train.tokenised, &rows, train.padding_id, encoder.device());
                let labels: Vec<i64> = rows.iter().map(|&row| train.labels[row] as i64).collect();
                let labels = Tensor::from_slice(&labels).to_device(encoder.device());

                let logits = encoder.logits(&batch, true)?;
                let mean = tch::Reduction::Mean;
                let loss = logits.cross_entropy_loss(&labels, weights.as_ref(), mean, -100, 0.0);
                steps.take(&loss, batch.size())?;
                steps.keep(&mut resume, &best, &history);
            }
            steps.settle();
            history.losses = steps.losses().to_vec();
            history.seconds = steps.pace().seconds();

            let judged = judge(encoder, validation, &steps)?;
            let f1_macro = judged.validation_f1_macro;
            history.epochs.push(judged);
            if best.offer(f1_macro, || encoder.snapshot()) {
                history.best_epoch = epoch;
                self.write(encoder, &history)?;
            }
        }
        if let Some(weights) = best.weights() {
            encoder.restore(weights);
        }
        history.tokens_per_second = steps.pace().tokens_per_second();
        history.padding_share = steps.pace().padding_share();
        // The best model may be of the run before, and removed since.
        if went_on {
            self.write(encoder, &history)?;
        }
        files::write_json(&folder.join("train_params.json"), &self.about(encoder, &history))?;
        resume.finish();
        Ok(history)
    }

    /// What must be the same for a run to go on from another's state.
    fn origin(
        &self,
        encoder: &TechniqueEncoder,
        train: &Rows,
        validation: &Rows,
    ) -> Result<Origin> {
        let Self { checkpoint, params, seed, .. } = *self;
        let pooling = format!("{:?}", encoder.pooling());
        let settings = ("fine-tuning", params, seed, &checkpoint.config, pooling);
        let [train, validation] = [train, validation]
            .map(|rows| (&rows.tokenised, &rows.labels, rows.padding_id, &rows.class_weights));
        let data = (encoder.labels(), train, validation);
        Origin::new(&settings, &data, &encoder.parameters(), &[include_str!("mod.rs")])
    }

    /// Writes the weights as they are, whole or not at all.
    fn write(&self, encoder: &TechniqueEncoder, history: &History) -> Result<()> {
        files::write_folder(self.folder, |folder| {
            encoder.save(folder, self.checkpoint)?;
            let about = self.about(encoder, history);
            files::write_json(&folder.join("train_params.json"), &about)
        })
    }

    /// What `train_params.json` says of the weights beside it.
    fn about(&self, encoder: &TechniqueEncoder, history: &History) -> serde_json::Value {
        serde_json::json!({
            "checkpoint": self.checkpoint.name,
            "layer_norm_eps": self.checkpoint.epsilon(),
            "classifier_dropout": self.checkpoint.classifier_dropout(),
            "loaded": encoder.loaded(),
            "notes": encoder.notes(),
            "params": self.params,
            "seed": self.seed,
            "history": history,
        })
    }
}

/// Judges the encoder on the validation rows at the end of an epoch.
fn judge(encoder: &TechniqueEncoder, validation: &Rows, steps: &Steps<'_>) -> Result<Epoch> {
    let predictions = encoder.predict_rows(validation)?;
    let labels = encoder.labels().to_vec();
    let scores = Confusion::from_indices(labels, &validation.labels, &predictions.best())?.scores();
    Ok(Epoch {
        epoch: steps.epoch(),
        train_loss: steps.epoch_loss(),
        validation_loss: predictions.loss(&validation.labels),
        validation_accuracy: scores.accuracy,
        validation_f1_macro: scores.f1.macro_,
        seconds: steps.pace().epoch_seconds(),
    })
}
