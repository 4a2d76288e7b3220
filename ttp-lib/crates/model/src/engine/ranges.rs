//! The ranges of what all trainings have among their settings.

use ttp_base::settings::{Range, above_to, at_least, between, from_below};

/// Passes over the training rows.
pub const EPOCHS: Range = at_least(1.0).or("0 epochs train nothing");
/// Rows a step.
pub const BATCH_SIZE: Range = at_least(1.0).or("a batch needs at least one row");
/// Tokens of a text, with one before and one after its words.
pub const MAX_LENGTH: Range = at_least(3.0).or("{} leaves no word between the special tokens");
/// The highest learning rate.
pub const LEARNING_RATE: Range = between(0.0, 1.0);
/// The share of all steps over which the learning rate climbs.
pub const WARMUP_SHARE: Range = from_below(0.0, 1.0);
/// Decoupled weight decay.
pub const WEIGHT_DECAY: Range = from_below(0.0, 1.0);
/// What the gradient's norm is cut to; infinity cuts nothing.
pub const CLIP_NORM: Range = above_to(0.0, f64::INFINITY).or("{} is not above 0");
