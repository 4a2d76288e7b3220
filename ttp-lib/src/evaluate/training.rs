//! How a model came about, of each kind.

use crate::train::{History, TrainParams};
use serde::{Deserialize, Serialize};
use ttp_text::linear::LinearKind;

/// How a model was trained. Its fields stand beside the scores in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Training {
    /// A fine-tuned encoder.
    FineTuned(Box<FineTuned>),
    /// A linear model on counted words and characters.
    Linear {
        /// Which.
        linear: LinearKind,
        /// How many different n-grams it knows.
        features: usize,
        /// The temperature that makes probabilities of its scores, fitted on validation.
        temperature: f64,
    },
    /// The weighted mean of two models' calibrated probabilities.
    Both {
        /// The two models.
        of: [String; 2],
        /// The first one's weight, from 0 to 1; the second one has the rest. Chosen on validation.
        weight: f64,
        /// Their temperatures, fitted on validation.
        temperatures: [f64; 2],
    },
}

impl Training {
    /// How it was trained, in sentences, as a model card says it.
    pub(super) fn describe(&self, seconds: f64) -> String {
        match self {
            Self::FineTuned(told) => {
                let FineTuned { params, history, .. } = &**told;
                format!(
                    "Fine-tuned as a whole, with a new head. {} {seconds:.0} seconds. Kept is \
                     epoch {} of {}, which has the highest macro F1 on the validation rows.",
                    params.describe(),
                    history.best_epoch,
                    params.epochs
                )
            }
            Self::Linear { linear, features, temperature } => format!(
                "{}; {features} features; {seconds:.1} seconds. The temperature of its \
                 probabilities, {temperature:.3}, was fitted on the validation rows.",
                linear.about()
            ),
            Self::Both { of: [first, second], weight, .. } => format!(
                "The mean of the calibrated probabilities of {first} (weight {weight:.2}) and \
                 {second}, chosen on the validation rows."
            ),
        }
    }
}

/// How an encoder was fine-tuned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FineTuned {
    /// Real tokens trained on a second.
    pub tokens_per_second: f64,
    /// The settings it was trained with.
    pub params: TrainParams,
    /// Every epoch and every step's loss.
    pub history: History,
}
