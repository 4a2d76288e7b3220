//! A fine-tuned encoder with its scores and what it gives every technique: the peer of
//! [`Baseline`](super::Baseline).

use super::{EncoderTraining, Evaluation, Model, ModelLogits, Training, predictions_of};
use crate::train::{FineTuning, History, SplitRows};
use std::path::Path;
use ttp_base::Result;
use ttp_metrics::Bootstrap;
use ttp_model::encoder::{Predictions, TechniqueEncoder};
use ttp_text::split::{Protocol, Split};

/// What a fine-tuning came to, as far as it is scored and written.
pub struct TrainingOutcome {
    /// Its scores on the test rows.
    pub evaluation: Evaluation,
    /// What the trained model gives the validation rows, in their order.
    pub validation: Predictions,
    /// What it gives the test rows, in their order.
    pub test: Predictions,
}

impl TrainingOutcome {
    /// Asks the trained encoder for the technique of each validation and test row, and scores it
    /// on the test rows with bootstrap intervals.
    ///
    /// # Errors
    /// If the encoder gives other techniques than these rows have.
    pub fn new(
        tuning: &FineTuning<'_>,
        (encoder, history): (&TechniqueEncoder, &History),
        rows: &SplitRows,
        protocol: Protocol,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let validation = encoder.predict_rows(&rows.validation)?;
        let test = encoder.predict_rows(&rows.test)?;
        let FineTuning { checkpoint, params, seed, .. } = *tuning;
        let model = Model {
            checkpoint: checkpoint.name.clone(),
            about: checkpoint.describe(),
            stands_in_for: checkpoint.entry.and_then(|e| e.stands_in_for.clone()),
            train_rows: history.rows,
            train_seconds: history.seconds,
            seed,
            training: Training::FineTuned(Box::new(EncoderTraining {
                tokens_per_second: history.tokens_per_second,
                params: params.clone(),
                history: history.clone(),
            })),
        };
        let answers = (&rows.test.labels[..], &test.best()[..]);
        let evaluation = Evaluation::of(model, protocol, &rows.labels, answers, bootstrap)?;
        Ok(Self { evaluation, validation, test })
    }

    /// Writes the scores, what the model says of each test row, and what it gives every technique,
    /// into a folder of results: `finetune.<checkpoint>.<protocol>.json`, and beside it
    /// `….predictions.parquet` and `….logits.parquet`. `mark` stands before the ending, of a run
    /// that is not the profile's own.
    ///
    /// # Errors
    /// If the predictions are not of this split, or a file cannot be written.
    pub fn write(&self, results: &Path, mark: &str, split: &Split) -> Result<()> {
        let labels = self.evaluation.confusion.labels();
        let logits = ModelLogits::of_encoder(split, labels, &self.validation, &self.test)?;
        let predictions = predictions_of(&split.test, labels, &self.test);
        self.evaluation.write_files(results, mark, &predictions, &logits)
    }
}
