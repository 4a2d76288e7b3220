//! What a job leaves, in a file that knows whether it is whole.

use super::jobs::hex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Error, Result, files};
use ttp_lib::compare::{BOTH, Mean};
use ttp_lib::evaluate::{ModelLogits, PartLogits, train_linear};
use ttp_lib::profile::Arm;
use ttp_lib::train::TrainParams;
use ttp_metrics::{Confusion, Groups, Part, Scores};
use ttp_text::corpus::Sample;
use ttp_text::linear::LinearKind;
use ttp_text::split::{Protocol, Split};

/// The scores of some rows, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Share of rows whose technique was named.
    pub accuracy: f64,
    /// Macro-averaged precision.
    pub precision_macro: f64,
    /// Macro-averaged recall.
    pub recall_macro: f64,
    /// Macro-averaged F1.
    pub f1_macro: f64,
    /// Macro-averaged F2.
    pub f2_macro: f64,
}

impl Figures {
    /// Scores predictions, which are indices of `labels` as the truth is.
    ///
    /// # Errors
    /// If truth and predictions do not fit together.
    pub fn of(labels: &[String], truth: &[usize], predicted: &[usize]) -> Result<Self> {
        Ok(Self::from(&Confusion::from_indices(labels.to_vec(), truth, predicted)?.scores()))
    }
}

impl From<&Scores> for Figures {
    fn from(scores: &Scores) -> Self {
        Self {
            accuracy: scores.accuracy,
            precision_macro: scores.precision.macro_,
            recall_macro: scores.recall.macro_,
            f1_macro: scores.f1.macro_,
            f2_macro: scores.f2.macro_,
        }
    }
}

/// What a job was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSettings {
    /// The model's name: a checkpoint's or a linear model's.
    pub model: String,
    /// The protocol of its split.
    pub protocol: Protocol,
    /// What was changed in its training.
    pub arm: Option<Arm>,
    /// The seed of an encoder's training.
    pub seed: Option<u64>,
    /// Which of the splits that are drawn anew, from 1; `None` of the profile's own.
    pub draw: Option<usize>,
    /// The settings of fine-tuning.
    pub params: Option<TrainParams>,
}

/// The test rows in their order, as columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestRows {
    /// The row of the corpus, from 0, that each is or was made from.
    pub row: Vec<u32>,
    /// Each row's technique, an index into the labels.
    pub truth: Vec<usize>,
    /// The technique that it was given, likewise.
    pub predicted: Vec<usize>,
}

/// A trained encoder and a linear model together ([`Mean`]), tested on the encoder's test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BothOutcome {
    /// The linear model, trained on the same rows.
    pub linear: LinearKind,
    /// The encoder's weight in the mean, from 0 to 1, chosen on the validation rows.
    pub encoder_weight: f64,
    /// The encoder's and the linear model's temperature, likewise.
    pub temperatures: [f64; 2],
    /// Scores on the test rows.
    pub scores: Figures,
    /// Scores on the validation rows.
    pub validation: Figures,
    /// The technique that each test row was given, an index into the labels.
    pub predicted: Vec<usize>,
}

impl BothOutcome {
    /// An encoder together with a linear model that is trained on the same split.
    pub(super) fn of(
        encoder: &ModelLogits,
        split: &Split,
        linear: LinearKind,
        seed: u64,
    ) -> Result<Self> {
        let of_linear = ModelLogits::of_linear(split, &train_linear(linear, split, seed)?)?;
        let Mean { weight, temperatures, logits } = Mean::of(encoder, &of_linear)?;
        let figures = |part: &PartLogits| Figures::of(&logits.labels, &part.truth, &part.best());
        Ok(Self {
            linear,
            encoder_weight: weight,
            temperatures,
            scores: figures(&logits.test)?,
            validation: figures(&logits.validation)?,
            predicted: logits.test.best(),
        })
    }
}

/// A trained model's test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The job's id.
    pub id: String,
    /// The fingerprint of the sweep that it belongs to ([`fingerprint`](super::fingerprint)).
    pub fingerprint: String,
    /// SHA-256 of the rows that it was trained and tested on.
    pub data: String,
    /// What it was told.
    pub settings: JobSettings,
    /// The techniques, in the order of their indices.
    pub labels: Vec<String>,
    /// Rows that were trained on, augmented copies among them.
    pub train_rows: usize,
    /// Scores on the test rows.
    pub scores: Figures,
    /// Scores on the validation rows.
    pub validation: Figures,
    /// Share of the training rows whose technique the trained model names; of seeds' runs alone.
    pub train_accuracy: Option<f64>,
    /// Seconds that the whole job took.
    pub seconds: f64,
    /// What it said of each test row.
    pub test: TestRows,
    /// The encoder together with a linear model: of the runs over seeds of the profile's first
    /// encoder alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub both: Option<BothOutcome>,
}

impl Outcome {
    /// Its test rows, to be scored again; `groups` are [`Outcome::sentences`].
    pub(super) fn part<'a>(&'a self, groups: &'a Groups) -> Part<'a> {
        let TestRows { truth, predicted, .. } = &self.test;
        Part { classes: self.labels.len(), truth, predicted, groups }
    }

    /// Which test rows are of one sentence.
    pub(super) fn sentences(&self) -> Groups {
        Groups::by(&self.test.row)
    }

    /// What the encoder and the linear model said together, as the outcome of a model named
    /// [`BOTH`].
    pub(super) fn together(&self) -> Option<Self> {
        let both = self.both.as_ref()?;
        Some(Self {
            settings: JobSettings { model: BOTH.to_owned(), ..self.settings.clone() },
            scores: both.scores,
            validation: both.validation,
            train_accuracy: None,
            test: TestRows { predicted: both.predicted.clone(), ..self.test.clone() },
            both: None,
            ..self.clone()
        })
    }

    /// Refuses to be compared row by row with an outcome of other test rows.
    pub(super) fn refuse_other_rows(&self, other: &Self) -> Result<()> {
        let rows = |of: &Self| (of.test.row.clone(), of.test.truth.clone());
        if self.labels == other.labels && rows(self) == rows(other) {
            return Ok(());
        }
        let reason = format!("{} and {} are not of the same test rows", self.id, other.id);
        Err(Error::Setting { field: "outcomes", reason })
    }

    /// Refuses a file whose parts do not fit together.
    fn check(&self, path: &Path) -> Result<()> {
        let TestRows { row, truth, predicted } = &self.test;
        let of_labels = |indices: &[usize]| indices.iter().all(|&at| at < self.labels.len());
        // As many predictions as rows, and no score that is another's.
        let give = |predicted: &[usize], scores: &Figures| {
            let found = || Figures::of(&self.labels, truth, predicted);
            of_labels(predicted) && found().is_ok_and(|found| found == *scores)
        };
        let both = self.both.iter().all(|both| give(&both.predicted, &both.scores));
        if row.len() == truth.len() && of_labels(truth) && give(predicted, &self.scores) && both {
            return Ok(());
        }
        Err(Error::input_at(path, None, Some("test"), "its rows do not give its scores"))
    }
}

/// The runs that two models have in common. An outcome without a seed or a draw is that of every
/// run.
pub(super) fn common<'a>(first: &[&'a Outcome], second: &[&'a Outcome]) -> Vec<[&'a Outcome; 2]> {
    let run = |outcome: &Outcome| (outcome.settings.seed, outcome.settings.draw);
    let is_any = |outcome: &Outcome| run(outcome) == (None, None);
    let fits = |a: &Outcome, b: &Outcome| is_any(a) || is_any(b) || run(a) == run(b);
    let all = first.iter().flat_map(|a| second.iter().map(|b| [*a, *b]));
    all.filter(|[a, b]| fits(a, b)).collect()
}

/// What is known of a trained model beside what it said.
pub(super) struct TrainingFacts {
    pub labels: Vec<String>,
    pub train_rows: usize,
    pub train_accuracy: Option<f64>,
    /// Of validation and of test: truth, and what was said.
    pub validation: [Vec<usize>; 2],
    pub test: [Vec<usize>; 2],
    pub both: Option<BothOutcome>,
}

impl TrainingFacts {
    /// The outcome of a job; `test` are the rows that were tested.
    pub fn outcome(
        self,
        [id, fingerprint, data]: [String; 3],
        settings: JobSettings,
        test: &[Sample],
        seconds: f64,
    ) -> Result<Outcome> {
        let [truth, predicted] = self.test;
        Ok(Outcome {
            id,
            fingerprint,
            data,
            settings,
            scores: Figures::of(&self.labels, &truth, &predicted)?,
            validation: Figures::of(&self.labels, &self.validation[0], &self.validation[1])?,
            labels: self.labels,
            train_rows: self.train_rows,
            train_accuracy: self.train_accuracy,
            seconds,
            test: TestRows { row: test.iter().map(|s| s.row).collect(), truth, predicted },
            both: self.both,
        })
    }
}

/// The field that says whether a file is whole.
const DIGEST: &str = "digest";

/// SHA-256 of an object's canonical JSON: its fields in the order of their names, no blanks.
fn digest_of(object: &Map<String, Value>) -> Result<String> {
    let sorted: BTreeMap<&String, &Value> = object.iter().collect();
    let text = serde_json::to_string(&sorted).map_err(Error::library("writing JSON"))?;
    Ok(hex(Sha256::new_with_prefix(text)))
}

/// Writes a value with its digest, whole or not at all.
pub(super) fn write_sealed(path: &Path, value: &impl Serialize) -> Result<()> {
    let value = serde_json::to_value(value).map_err(Error::library("writing JSON"))?;
    let Value::Object(mut object) = value else {
        return Err(Error::Library { what: "writing JSON", reason: "no object".to_owned() });
    };
    object.insert(DIGEST.to_owned(), Value::String(digest_of(&object)?));
    let mut text = serde_json::to_string(&object).map_err(Error::library("writing JSON"))?;
    text.push('\n');
    files::write_text(path, &text)
}

/// Reads what [`write_sealed`] wrote.
fn read_sealed<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let value: Value = files::read_json(path)
        .map_err(|error| Error::input(path, format!("cut off, or no JSON: {error}")))?;
    let wrong = || Error::input_at(path, None, Some(DIGEST), "it is not that of the content");
    let Value::Object(mut object) = value else { return Err(wrong()) };
    let said = object.remove(DIGEST);
    if said.as_ref().and_then(Value::as_str) != Some(&digest_of(&object)?) {
        return Err(wrong());
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| Error::input(path, error))
}

impl Outcome {
    /// Writes it to a file, whole or not at all, with a digest of its content.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_sealed(path, self)
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// If the file cannot be read, is cut off, was edited, or is not an outcome.
    pub fn read(path: &Path) -> Result<Self> {
        let outcome: Self = read_sealed(path)?;
        outcome.check(path)?;
        Ok(outcome)
    }
}

/// What a further pretraining leaves beside its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PretrainingOutcome {
    /// The job's id.
    pub id: String,
    /// As of [`Outcome`].
    pub fingerprint: String,
    /// As of [`Outcome`].
    pub data: String,
    /// The checkpoint's name.
    pub checkpoint: String,
    /// SHA-256 of the model's weights.
    pub weights: String,
    /// Mean loss on the validation sentences after the last pass, in nats a hidden token.
    pub validation_loss: f64,
    /// Seconds that the whole job took.
    pub seconds: f64,
}

impl PretrainingOutcome {
    pub fn read(path: &Path) -> Result<Self> {
        read_sealed(path)
    }
}

/// SHA-256 of a file's bytes.
pub(super) fn digest_of_file(path: &Path) -> Result<String> {
    let mut file = std::fs::File::open(path).map_err(Error::file(path, "read"))?;
    let mut digest = Sha256::new();
    std::io::copy(&mut file, &mut digest).map_err(Error::file(path, "read"))?;
    Ok(hex(digest))
}
