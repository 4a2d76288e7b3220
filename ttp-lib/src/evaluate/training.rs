//! How a model came about, of each kind.

use super::Evaluation;
use crate::train::{Epoch, History, TrainParams};
use serde::{Deserialize, Serialize};
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_metrics::plot::Lines;
use ttp_text::linear::LinearKind;

/// How a model was trained. Its fields stand beside the scores in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Training {
    /// A fine-tuned encoder.
    FineTuned(Box<EncoderTraining>),
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
                let EncoderTraining { params, history, .. } = &**told;
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
pub struct EncoderTraining {
    /// Real tokens trained on a second.
    pub tokens_per_second: f64,
    /// The settings it was trained with.
    pub params: TrainParams,
    /// Every epoch and every step's loss.
    pub history: History,
}

impl EncoderTraining {
    /// What its training says of its settings, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let History { epochs, best_epoch, padding_share, .. } = &self.history;
        let so = if *best_epoch == epochs.len() {
            "the last one, so more epochs might still raise the score"
        } else {
            "later ones were no better on the validation set"
        };
        vec![
            format!("{:.1} % of all places in its batches were padding", 100.0 * padding_share),
            format!("epoch {best_epoch} of {} was kept: {so}", epochs.len()),
        ]
    }
}

impl Evaluation {
    /// Loss, accuracy and macro F1 after each epoch of some fine-tuned models.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn epochs_table(evaluations: &[Self]) -> Result<Table> {
        let mut table = Table::new([
            "protocol",
            "epoch",
            "training loss",
            "loss",
            "accuracy",
            "macro F1",
            "seconds",
            "kept",
        ])
        .caption("Loss (nats), accuracy and macro F1 on the validation rows after each epoch");
        for (protocol, history) in histories(evaluations) {
            for one in &history.epochs {
                let kept = if one.epoch == history.best_epoch { "kept" } else { "" };
                table.push(cells![
                    protocol,
                    one.epoch,
                    one.train_loss,
                    one.validation_loss,
                    one.validation_accuracy,
                    one.validation_f1_macro,
                    Cell::number(one.seconds, 1),
                    kept
                ])?;
            }
        }
        Ok(table)
    }

    /// Accuracy and macro F1 on the validation rows of some fine-tuned models, by epoch.
    pub fn validation_curves(evaluations: &[Self]) -> Lines {
        let lines = Lines::new("Validation by epoch", "epoch", "share from 0 to 1");
        histories(evaluations).fold(lines.y_range(0.0, 1.0), |lines, (protocol, history)| {
            let of = |score: fn(&Epoch) -> f64| {
                history.epochs.iter().map(move |one| (one.epoch as f64, score(one)))
            };
            lines
                .line(format!("accuracy, {protocol}"), of(|one| one.validation_accuracy))
                .line(format!("macro F1, {protocol}"), of(|one| one.validation_f1_macro))
        })
    }
}

/// The protocol and the training of each that is a fine-tuned model.
fn histories(evaluations: &[Evaluation]) -> impl Iterator<Item = (&'static str, &History)> {
    evaluations.iter().filter_map(|one| Some((one.protocol.name(), &one.fine_tuned()?.history)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_that_ends_with_its_best_epoch_may_go_on() {
        let epoch = |epoch| Epoch {
            epoch,
            train_loss: 1.0,
            validation_loss: 1.0,
            validation_accuracy: 0.5,
            validation_f1_macro: 0.5,
            seconds: 1.0,
        };
        let history = History {
            epochs: vec![epoch(1), epoch(2)],
            losses: Vec::new(),
            best_epoch: 2,
            seconds: 2.0,
            tokens_per_second: 10.0,
            padding_share: 0.125,
            rows: 8,
        };
        let params = ttp_similarity::SimilaritySettings::default().training;
        let tuned = EncoderTraining { tokens_per_second: 10.0, params, history };
        assert_eq!(
            tuned.findings(),
            [
                "12.5 % of all places in its batches were padding",
                "epoch 2 of 2 was kept: the last one, so more epochs might still raise the score",
            ]
        );
        let mut early = tuned;
        early.history.best_epoch = 1;
        assert_eq!(
            early.findings()[1],
            "epoch 1 of 2 was kept: later ones were no better on the validation set"
        );
    }
}
