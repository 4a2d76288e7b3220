//! Encoders of sentences: where they are from, how they read a sentence, and what all training
//! loops share.
//!
//! - [`pretrained`]: named checkpoints, found on disk or fetched from the hub, checked and loaded.
//! - [`encoder`]: the transformer with a head that names techniques or hidden words.
//! - [`batch`]: tokenised sentences in batches of near-equal length.
//! - [`rows`]: sentences and their techniques as numbers.
//! - [`engine`]: a training's settings ([`TrainParams`](engine::TrainParams)), the optimizer, the
//!   learning rate's schedule, a run's clock, the best weights so far, the shell of a loop
//!   ([`Steps`](engine::Steps)), and what a killed run goes on from ([`resume`](engine::resume)).
//! - [`tokenization`]: what tokenizers make of the field's words.
//! - [`card`]: the model card that is saved beside a model.
//! - [`classify`]: the technique of every line of a text of any length, as the lines come.

pub mod batch;
pub mod card;
pub mod classify;
pub mod encoder;
pub mod engine;
pub mod pretrained;
pub mod rows;
pub mod tokenization;
