//! A fine-tuned model with its answers to the test rows.

use crate::evaluate::{self, Baseline, Evaluation, Prediction, Training};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use ttp_base::{Error, Result};
use ttp_metrics::{Bootstrap, Confusion, Estimate, Groups, Part, Scores};
use ttp_text::split::Protocol;

/// A fine-tuned model with all it said of its test rows.
#[derive(Debug, Clone)]
pub struct ModelAnswers {
    /// What it came to.
    pub evaluation: Evaluation,
    /// Its answers, in the order of the test rows.
    pub predictions: Vec<Prediction>,
    pub(super) truth: Vec<usize>,
    pub(super) predicted: Vec<usize>,
    pub(super) groups: Groups,
}

impl ModelAnswers {
    /// Puts an evaluation and its predictions together.
    ///
    /// # Errors
    /// If they are not of each other: a technique that is not among the evaluation's,
    /// or other counts than its confusion matrix.
    pub fn new(evaluation: Evaluation, predictions: Vec<Prediction>) -> Result<Self> {
        let labels = evaluation.confusion.labels();
        let index: BTreeMap<&str, usize> = labels.iter().map(String::as_str).zip(0..).collect();
        let class = |technique: &str| {
            index.get(technique).copied().ok_or_else(|| Error::Unknown {
                kind: "technique",
                name: technique.to_owned(),
                known: labels.to_vec(),
            })
        };
        let truth: Vec<usize> =
            predictions.iter().map(|p| class(&p.sample.technique)).collect::<Result<_>>()?;
        let predicted: Vec<usize> =
            predictions.iter().map(|p| class(&p.predicted)).collect::<Result<_>>()?;
        if Confusion::from_indices(labels.to_vec(), &truth, &predicted)? != evaluation.confusion {
            let reason =
                format!("they are not those of {}: run 06_finetune again", evaluation.title());
            return Err(Error::Setting { field: "predictions", reason });
        }
        let rows: Vec<u32> = predictions.iter().map(|p| p.sample.row).collect();
        let groups = Groups::by(&rows);
        Ok(Self { evaluation, predictions, truth, predicted, groups })
    }

    /// A linear model with its answers.
    ///
    /// # Errors
    /// None in practice: scores and answers are of each other.
    pub fn of_linear(baseline: &Baseline) -> Result<Self> {
        Self::new(baseline.evaluation.clone(), baseline.logits.predictions()?)
    }

    /// All models among a run's results: protocol by protocol, in each in the order of
    /// `checkpoints`, others after them by name.
    ///
    /// # Errors
    /// If a file is missing or not what it should be, evaluation and predictions are not
    /// of each other, or two models of one protocol have not the same test rows in the
    /// same order.
    pub fn read_all(results: &Path, checkpoints: &[String]) -> Result<Vec<Self>> {
        let mut models = Vec::new();
        let all = Evaluation::read_all(results)?;
        let trained: BTreeSet<(Protocol, String)> =
            all.iter().map(|e| (e.protocol, e.checkpoint.clone())).collect();
        for evaluation in all {
            // Two together are of no use where one of them is not there any more.
            if let Training::Both { of, .. } = &evaluation.training
                && !of.iter().all(|name| trained.contains(&(evaluation.protocol, name.clone())))
            {
                continue;
            }
            let stem = Evaluation::file_stem(&evaluation.checkpoint, evaluation.protocol);
            let path = results.join(format!("{stem}.predictions.parquet"));
            let predictions = evaluate::read_predictions(&path)?;
            let model = Self::new(evaluation, predictions);
            models.push(model.map_err(|error| Error::input(&path, error))?);
        }
        models.sort_by_key(|model| {
            let name = &model.evaluation.checkpoint;
            let place = checkpoints.iter().position(|checkpoint| checkpoint == name);
            (model.evaluation.protocol, place.unwrap_or(usize::MAX), name.clone())
        });
        for (first, second) in models.iter().zip(models.iter().skip(1)) {
            if first.evaluation.protocol == second.evaluation.protocol {
                first.check_same_rows(second).map_err(|error| Error::input(results, error))?;
            }
        }
        Ok(models)
    }

    /// The checkpoint's name.
    pub fn name(&self) -> &str {
        &self.evaluation.checkpoint
    }

    /// The protocol it was trained and tested under.
    pub fn protocol(&self) -> Protocol {
        self.evaluation.protocol
    }

    /// Number of corpus sentences that its test rows are or were made from.
    pub fn sentences(&self) -> usize {
        self.groups.len()
    }

    /// All scores with intervals that draw the test rows of one sentence together.
    ///
    /// # Errors
    /// As [`Bootstrap::scores_of`].
    pub fn scores(&self, bootstrap: Bootstrap) -> Result<Scores<Estimate>> {
        bootstrap.scores_of(&self.part())
    }

    pub(super) fn part(&self) -> Part<'_> {
        let Self { truth, predicted, groups, .. } = self;
        Part { classes: self.evaluation.confusion.labels().len(), truth, predicted, groups }
    }

    pub(super) fn is_right(&self, row: usize) -> bool {
        self.truth[row] == self.predicted[row]
    }

    pub(super) fn check_same_rows(&self, other: &Self) -> Result<()> {
        let samples = |model: &Self| model.predictions.len();
        let same = self.evaluation.confusion.labels() == other.evaluation.confusion.labels()
            && samples(self) == samples(other)
            && self.predictions.iter().zip(&other.predictions).all(|(a, b)| a.sample == b.sample);
        if same {
            return Ok(());
        }
        let reason = format!(
            "those of {} and of {} are not the same: run 06_finetune again for both",
            self.evaluation.title(),
            other.name()
        );
        Err(Error::Setting { field: "test rows", reason })
    }
}

/// The protocols of some models, each once, in their order.
pub fn protocols(models: &[ModelAnswers]) -> Vec<Protocol> {
    let mut found: Vec<Protocol> = models.iter().map(ModelAnswers::protocol).collect();
    found.sort();
    found.dedup();
    found
}

/// The protocol to look at models under where there is room for one: the clean one, or
/// the one there is.
///
/// # Errors
/// If there is no model.
pub fn headline(models: &[ModelAnswers]) -> Result<Protocol> {
    let found = protocols(models);
    let clean = found.iter().find(|protocol| **protocol == Protocol::Clean);
    clean.or(found.first()).copied().ok_or_else(|| Error::Setting {
        field: "models",
        reason: "there is none to compare".to_owned(),
    })
}

/// The models of one protocol, in their order.
pub fn under(models: &[ModelAnswers], protocol: Protocol) -> impl Iterator<Item = &ModelAnswers> {
    models.iter().filter(move |model| model.protocol() == protocol)
}

/// The fine-tuned encoders of one protocol, in their order: no linear model, no two together.
pub fn encoders(
    models: &[ModelAnswers],
    protocol: Protocol,
) -> impl Iterator<Item = &ModelAnswers> {
    under(models, protocol).filter(|model| model.evaluation.fine_tuned().is_some())
}
