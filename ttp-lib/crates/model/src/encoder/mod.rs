//! The transformer over rust-bert, with what reads it: [`TechniqueEncoder`] names the
//! technique of a sentence, [`MaskedEncoder`] the words that are hidden in one,
//! [`SentenceEncoder`] gives a vector for the whole of it.
//!
//! Each starts from a checkpoint of BERT, RoBERTa or MPNet. What the checkpoint's file lacks of
//! a new head starts at N(0, `initializer_range`); what it lacks of the body is an error.

mod body;
mod labels;
mod masked;
mod modules;
mod mpnet;
mod pooling;
mod save;
mod sentence;
mod snapshot;
mod technique;
mod transformer;
mod variables;

pub use masked::first_unsound;
pub use masked::{Guess, MaskedEncoder};
pub use pooling::Pooling;
pub use save::save_weights;
pub use sentence::{SentenceEncoder, Vectors};
pub use snapshot::{restore, snapshot};
pub use technique::{Predictions, TechniqueEncoder};

/// Whether a parameter of this name belongs to a layer norm: BERT's spelling and that of RoBERTa's
/// head.
pub(crate) fn is_layer_norm(name: &str) -> bool {
    name.contains("LayerNorm") || name.contains("layer_norm")
}
