//! A run's trained models, opened again to name the techniques of other sentences.

use super::External;
use crate::compare::{BOTH, Tested};
use crate::evaluate::{Evaluation, Training};
use crate::profile::Run;
use crate::similarity::NEAR_DUPLICATE;
use ttp_base::{Error, Result};
use ttp_metrics::Bootstrap;
use ttp_metrics::calibration::{Logits, Probabilities, weighted_mean};
use ttp_model::encoder::TechniqueEncoder;
use ttp_model::engine::device;
use ttp_model::pretrained::{self, Checkpoint, Tokenize};
use ttp_text::corpus::near::NearTexts;
use ttp_text::corpus::{Corpus, LabelChanges};
use ttp_text::linear::LinearModel;
use ttp_text::split::{Protocol, Split};

/// A trained model that names the technique of any sentence.
pub struct TrainedModel {
    /// Its name in results and tables.
    pub name: String,
    /// The techniques that it can name, in the order of their ids.
    pub labels: Vec<String>,
    kind: Kind,
}

enum Kind {
    Encoder(Box<(TechniqueEncoder, Tokenize)>),
    Linear(Box<LinearModel>),
    Both { of: Box<[TrainedModel; 2]>, weight: f64, temperatures: [f64; 2] },
}

impl TrainedModel {
    /// Opens the models of a run that one protocol's results are of: linear ones, encoders, and
    /// the two together; in the order of `models`.
    ///
    /// # Errors
    /// If a model's files are missing or not what they should be.
    pub fn open_all(run: &Run, models: &[Tested], protocol: Protocol) -> Result<Vec<Self>> {
        let of_protocol = models.iter().filter(|model| model.protocol() == protocol);
        of_protocol.map(|model| Self::open(run, &model.evaluation)).collect()
    }

    /// Opens the model that an evaluation is of.
    ///
    /// # Errors
    /// As [`open_all`](Self::open_all).
    pub fn open(run: &Run, evaluation: &Evaluation) -> Result<Self> {
        match &evaluation.training {
            Training::Both { of, weight, temperatures } => {
                let [first, second] = of.each_ref().map(|name| Self::of_one(run, name, evaluation));
                let of = Box::new([first?, second?]);
                let kind = Kind::Both { of, weight: *weight, temperatures: *temperatures };
                let labels = evaluation.confusion.labels().to_vec();
                Ok(Self { name: BOTH.to_owned(), labels, kind })
            }
            Training::Linear { .. } | Training::FineTuned(_) => {
                Self::of_one(run, &evaluation.checkpoint, evaluation)
            }
        }
    }

    fn of_one(run: &Run, name: &str, evaluation: &Evaluation) -> Result<Self> {
        let folder = run.model(name, evaluation.protocol);
        let linear = folder.join(LinearModel::FILE);
        let (labels, kind) = if linear.is_file() {
            let model = LinearModel::load(&linear)?;
            (model.classes().to_vec(), Kind::Linear(Box::new(model)))
        } else {
            let encoder = TechniqueEncoder::open(&folder, device())?;
            let checkpoint = Checkpoint::open(name, &folder)?;
            let tokenize = checkpoint.tokenizer(checkpoint.places())?;
            (encoder.labels().to_vec(), Kind::Encoder(Box::new((encoder, tokenize))))
        };
        if labels != evaluation.confusion.labels() {
            let reason = format!("its techniques are not those of {}", evaluation.title());
            return Err(Error::input(&folder, reason));
        }
        Ok(Self { name: pretrained::file_name(name), labels, kind })
    }

    /// The technique that it names for each text.
    ///
    /// # Errors
    /// If there is no text, one cannot be tokenised, or the model gives what is no number.
    pub fn named(&self, texts: &[&str]) -> Result<Vec<&str>> {
        let best = match &self.kind {
            Kind::Linear(model) => model.predict_all(texts),
            Kind::Encoder(model) => model.0.predict(&model.1, texts)?.best(),
            Kind::Both { of, weight, temperatures } => {
                let [first, second] = of.as_ref();
                let first = first.logits(texts)?.softmax(temperatures[0])?;
                let second = second.logits(texts)?.softmax(temperatures[1])?;
                weighted_mean(&first, &second, *weight)?.best()
            }
        };
        Ok(best.into_iter().map(|class| self.labels[class].as_str()).collect())
    }

    fn logits(&self, texts: &[&str]) -> Result<Logits> {
        match &self.kind {
            Kind::Linear(model) => Logits::new(self.labels.len(), model.scores_all(texts)),
            Kind::Encoder(model) => {
                let said = model.0.predict(&model.1, texts)?;
                Ok(Probabilities::new(said.techniques, said.probabilities)?.logits())
            }
            Kind::Both { .. } => {
                let reason = "two models together are of one encoder and one linear model";
                Err(Error::Setting { field: "model", reason: reason.to_owned() })
            }
        }
    }
}

/// Scores models of one protocol, which name the same techniques, on the rows of another corpus.
/// `changes` follow the models' labels to those of the corpus, where that is of a later release of
/// ATT&CK: what was revoked has the name of what took its place.
///
/// # Errors
/// If there is no model, none of them can name a row's technique, or one cannot be asked.
pub fn on_other_rows(
    models: &[TrainedModel],
    corpus: &Corpus,
    changes: Option<&LabelChanges>,
    bootstrap: Bootstrap,
) -> Result<External> {
    let today = |label: &str| match changes {
        Some(changes) => changes.follow(label).unwrap_or(label).to_owned(),
        None => label.to_owned(),
    };
    let first = models.first().ok_or_else(|| Error::Setting {
        field: "models",
        reason: "there is none to test".to_owned(),
    })?;
    let known: Vec<String> = first.labels.iter().map(|label| today(label)).collect();
    let mut external = External::new(corpus, &known)?;
    let texts = corpus.texts();
    for model in models {
        let named: Vec<String> = model.named(&texts)?.into_iter().map(today).collect();
        external.score(&model.name, corpus, &named, bootstrap)?;
    }
    Ok(external)
}

/// The rows of a corpus whose text is in no training row, nor nearly so.
pub fn not_in_training(corpus: &Corpus, split: &Split) -> Corpus {
    let training: Vec<&str> = split.train.iter().map(|sample| sample.text.as_str()).collect();
    let near = NearTexts::new(&training, NEAR_DUPLICATE);
    let new = corpus.sentences.iter().filter(|sentence| near.find(&sentence.text).is_none());
    Corpus { sentences: new.cloned().collect() }
}
