//! The settings that every training of an encoder has: of fine-tuning, and of sentence models.

use super::Algorithm;
use super::ranges::{
    BATCH_SIZE, CLIP_NORM, EPOCHS, LEARNING_RATE, MAX_LENGTH, WARMUP_SHARE, WEIGHT_DECAY,
};
use crate::card::course;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ttp_base::settings;

/// The settings of a fine-tuning run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainParams {
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows a step.
    pub batch_size: usize,
    /// Tokens after which a text is cut; nothing is padded to it.
    pub max_length: usize,
    /// The highest learning rate, at the end of the warm-up.
    pub learning_rate: f64,
    /// The share of all steps over which the learning rate climbs.
    pub warmup_share: f64,
    /// Decoupled weight decay (AdamW only).
    pub weight_decay: f64,
    /// The gradient's global norm is cut to this.
    pub clip_norm: f64,
    /// Adam or AdamW.
    pub optimizer: Algorithm,
}

settings!(TrainParams, "training", {
    epochs: EPOCHS,
    batch_size: BATCH_SIZE,
    max_length: MAX_LENGTH,
    learning_rate: LEARNING_RATE,
    warmup_share: WARMUP_SHARE,
    weight_decay: WEIGHT_DECAY,
    clip_norm: CLIP_NORM,
}, free { optimizer });

impl TrainParams {
    /// The settings in a sentence, as a model card says them.
    pub fn describe(&self) -> String {
        let optimizer = match self.optimizer {
            Algorithm::Adam => "Adam".to_owned(),
            Algorithm::AdamW => format!("AdamW with a weight decay of {}", self.weight_decay),
        };
        let course = course(self.epochs, self.batch_size, self.learning_rate, self.warmup_share);
        format!(
            "{optimizer}, {course}; the gradient's norm is cut to {}, a text after {} tokens.",
            self.clip_norm, self.max_length
        )
    }
}
