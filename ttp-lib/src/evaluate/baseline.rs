//! The baseline: a linear model on counted words and characters, trained and judged on the rows
//! that encoders are fine-tuned on.

use super::{Evaluation, Model, ModelLogits, Prediction, Training};
use std::path::{Path, PathBuf};
use std::time::Instant;
use ttp_base::Result;
use ttp_metrics::Bootstrap;
use ttp_metrics::calibration::{Logits, Temperature};
use ttp_model::rows::{labels_of, places_of};
use ttp_text::corpus::Sample;
use ttp_text::linear::{LinearKind, LinearModel, words::TermVocabulary};
use ttp_text::split::{Protocol, Split};

/// A linear model with what it came to.
pub struct Baseline {
    /// The model.
    pub model: LinearModel,
    /// Its scores.
    pub evaluation: Evaluation,
    /// Its scores of every technique, for the validation and the test rows.
    pub logits: ModelLogits,
}

impl Baseline {
    /// Trains a linear model on a split's training rows, fits the temperature of its scores on
    /// the validation rows, and scores it on the test rows with bootstrap intervals. Nothing is
    /// chosen by the test rows.
    ///
    /// # Errors
    /// As [`LinearModel::train`], or if a row has a technique that training has not.
    pub fn train(
        kind: LinearKind,
        protocol: Protocol,
        split: &Split,
        seed: u64,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let begun = Instant::now();
        let mut model = train_linear(kind, split, seed)?;
        let train_seconds = begun.elapsed().as_secs_f64();
        let logits = ModelLogits::of_linear(split, &model)?;
        let temperature = Temperature::fit(&logits.validation.logits, &logits.validation.truth)?;
        model.set_temperature(temperature.value)?;
        let about = Model {
            checkpoint: kind.name().to_owned(),
            about: kind.about().to_owned(),
            stands_in_for: None,
            train_rows: split.train.len(),
            train_seconds,
            seed,
            training: Training::Linear {
                linear: kind,
                features: model.vocabularies().iter().map(TermVocabulary::len).sum(),
                temperature: temperature.value,
            },
        };
        let said = (&logits.test.truth[..], &logits.test.best()[..]);
        let evaluation = Evaluation::of(about, protocol, &logits.labels, said, bootstrap)?;
        Ok(Self { model, evaluation, logits })
    }

    /// Writes the model into a folder of models, `tfidf-svm.clean/linear.safetensors`, and its
    /// scores and predictions as [`TrainingOutcome::write`](super::TrainingOutcome::write) does;
    /// gives the model's own folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, models: &Path, results: &Path, mark: &str) -> Result<PathBuf> {
        let Evaluation { checkpoint, protocol, .. } = &self.evaluation;
        let folder = models.join(format!("{checkpoint}.{}{mark}", protocol.name()));
        self.model.save(&folder.join(LinearModel::FILE))?;
        self.evaluation.write_files(results, mark, &self.logits.predictions()?, &self.logits)?;
        Ok(folder)
    }
}

/// Trains a linear model on a split's training rows, and asks it for the technique of each
/// test row. The probability of an answer is the softmax of the scores, not calibrated.
///
/// # Errors
/// As [`LinearModel::train`].
pub fn linear_predictions(kind: LinearKind, split: &Split, seed: u64) -> Result<Vec<Prediction>> {
    let model = train_linear(kind, split, seed)?;
    let texts: Vec<&str> = split.test.iter().map(|sample| sample.text.as_str()).collect();
    let probabilities =
        Logits::new(model.classes().len(), model.scores_all(&texts))?.softmax(1.0)?;
    let named = split.test.iter().zip(probabilities.best()).zip(probabilities.confidences());
    let prediction = |((sample, best), probability): ((&Sample, usize), f64)| Prediction {
        sample: sample.clone(),
        predicted: model.classes()[best].clone(),
        probability: probability as f32,
    };
    Ok(named.map(prediction).collect())
}

/// A linear model of a split's training rows and their techniques.
///
/// # Errors
/// As [`LinearModel::train`].
pub fn train_linear(kind: LinearKind, split: &Split, seed: u64) -> Result<LinearModel> {
    let labels = labels_of(&split.train);
    let texts: Vec<&str> = split.train.iter().map(|sample| sample.text.as_str()).collect();
    LinearModel::train(kind, &texts, &places_of(&split.train, &labels)?, &labels, seed)
}
