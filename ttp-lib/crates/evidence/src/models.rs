//! A run's trained models, opened again to predict the techniques of other sentences.

use super::External;
use std::collections::BTreeMap;
use ttp_base::{Error, Result, first_highest};
use ttp_lib::compare::ModelAnswers;
use ttp_lib::evaluate::{Evaluation, Training};
use ttp_lib::profile::Run;
use ttp_metrics::Bootstrap;
use ttp_metrics::calibration::{Logits, Probabilities, weighted_mean};
use ttp_model::encoder::TechniqueEncoder;
use ttp_model::engine::device;
use ttp_model::pretrained::{self, Checkpoint, CheckpointTokenizer};
use ttp_similarity::NEAR_DUPLICATE;
use ttp_text::corpus::near::NearTexts;
use ttp_text::corpus::{Corpus, LabelChanges};
use ttp_text::linear::LinearModel;
use ttp_text::split::{Protocol, Split};

/// A trained model that predicts the technique of any sentence.
pub struct TrainedModel {
    /// Its name in results and tables.
    pub name: String,
    /// The techniques that it can predict, in the order of their ids.
    pub labels: Vec<String>,
    kind: Kind,
}

enum Kind {
    Encoder(Box<(TechniqueEncoder, CheckpointTokenizer)>),
    Linear(Box<LinearModel>),
    /// Made of what the two named ones give.
    Both {
        of: [String; 2],
        weight: f64,
        temperatures: [f64; 2],
    },
}

impl TrainedModel {
    /// Opens the models of a run that one protocol's results are of: linear ones, encoders, and
    /// the two together; in the order of `models`.
    ///
    /// # Errors
    /// If a model's files are missing or not what they should be.
    pub fn open_all(run: &Run, models: &[ModelAnswers], protocol: Protocol) -> Result<Vec<Self>> {
        let of_protocol = models.iter().filter(|model| model.protocol() == protocol);
        of_protocol.map(|model| Self::open(run, &model.evaluation)).collect()
    }

    /// Opens the model that an evaluation is of.
    ///
    /// # Errors
    /// As [`open_all`](Self::open_all).
    pub fn open(run: &Run, evaluation: &Evaluation) -> Result<Self> {
        let name = pretrained::file_name(&evaluation.checkpoint);
        let folder = run.folders.model(&name, evaluation.protocol);
        let known = evaluation.confusion.labels();
        let (labels, kind) = match &evaluation.training {
            Training::Both { of, weight, temperatures } => {
                let of = of.each_ref().map(|name| pretrained::file_name(name));
                let (weight, temperatures) = (*weight, *temperatures);
                (known.to_vec(), Kind::Both { of, weight, temperatures })
            }
            Training::Linear { .. } => {
                let model = LinearModel::load(&folder.join(LinearModel::FILE))?;
                (model.classes().to_vec(), Kind::Linear(Box::new(model)))
            }
            Training::FineTuned(_) => {
                let encoder = TechniqueEncoder::open(&folder, device())?;
                let checkpoint = Checkpoint::open(&name, &folder)?;
                let tokenize = checkpoint.tokenizer(checkpoint.places())?;
                (encoder.labels().to_vec(), Kind::Encoder(Box::new((encoder, tokenize))))
            }
        };
        if labels != known {
            let reason = format!("its techniques are not those of {}", evaluation.title());
            return Err(Error::input(&folder, reason));
        }
        Ok(Self { name, labels, kind })
    }

    /// What it gives every technique for each text; `None` of two models together, which have
    /// nothing but what each of the two gives.
    fn logits(&self, texts: &[&str]) -> Result<Option<Logits>> {
        match &self.kind {
            Kind::Linear(model) => {
                Logits::new(self.labels.len(), model.scores_all(texts)).map(Some)
            }
            Kind::Encoder(model) => {
                let (encoder, tokenize) = model.as_ref();
                let said = encoder.predict(tokenize, texts)?;
                let probabilities = Probabilities::new(said.techniques, said.probabilities)?;
                Ok(Some(probabilities.logits()))
            }
            Kind::Both { .. } => Ok(None),
        }
    }

    /// The technique that it predicts for each text, from what all models give.
    fn predicted(&self, logits: &BTreeMap<&str, Logits>) -> Result<Vec<&str>> {
        let of = |name: &str| {
            logits.get(name).ok_or_else(|| {
                let reason = format!("{} needs {name}, which is not among them", self.name);
                Error::Setting { field: "models", reason }
            })
        };
        let best: Vec<usize> = match &self.kind {
            Kind::Both { of: [first, second], weight, temperatures } => {
                let first = of(first)?.softmax(temperatures[0])?;
                let second = of(second)?.softmax(temperatures[1])?;
                weighted_mean(&first, &second, *weight)?.best()
            }
            Kind::Linear(_) | Kind::Encoder(_) => {
                of(&self.name)?.iter().map(first_highest).collect()
            }
        };
        Ok(best.into_iter().map(|class| self.labels[class].as_str()).collect())
    }
}

/// Scores models of one protocol, which know the same techniques, on the rows of another corpus.
/// Each is asked once: two together are made of what each of the two has said, and both must be
/// among the models.
///
/// `changes` follow the models' labels to those of the corpus, where that is of a later release of
/// ATT&CK: what was revoked has the name of what took its place.
///
/// # Errors
/// If there is no model, none of them can predict a row's technique, or one cannot be asked.
pub fn on_other_rows(
    models: &[TrainedModel],
    corpus: &Corpus,
    changes: Option<&LabelChanges>,
    bootstrap: Bootstrap,
) -> Result<External> {
    let first = models.first().ok_or_else(|| Error::Setting {
        field: "models",
        reason: "there is none to test".to_owned(),
    })?;
    let known: Vec<String> = first.labels.iter().map(|label| today(changes, label)).collect();
    let mut external = External::new(corpus, &known)?;
    let texts = corpus.texts();
    let mut logits: BTreeMap<&str, Logits> = BTreeMap::new();
    for model in models {
        logits.extend(model.logits(&texts)?.map(|own| (model.name.as_str(), own)));
    }
    for model in models {
        let predicted = model.predicted(&logits)?.into_iter();
        let predicted: Vec<String> = predicted.map(|label| today(changes, label)).collect();
        external.score(&model.name, corpus, &predicted, bootstrap)?;
    }
    Ok(external)
}

/// A model's label as a later release of ATT&CK has it, where there is one.
pub fn today(changes: Option<&LabelChanges>, label: &str) -> String {
    changes.and_then(|changes| changes.follow(label)).unwrap_or(label).to_owned()
}

/// The rows of a corpus whose text is in no training row, nor nearly so.
pub fn not_in_training(corpus: &Corpus, split: &Split) -> Corpus {
    let training: Vec<&str> = split.train.iter().map(|sample| sample.text.as_str()).collect();
    without_near_duplicates(corpus, &training)
}

/// The rows of a corpus that are no near-duplicates of these texts.
pub fn without_near_duplicates(corpus: &Corpus, texts: &[&str]) -> Corpus {
    let near = NearTexts::new(texts, NEAR_DUPLICATE);
    let new = corpus.sentences.iter().filter(|sentence| near.find(&sentence.text).is_none());
    Corpus { sentences: new.cloned().collect() }
}
