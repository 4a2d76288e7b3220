//! What notebook 15 leaves behind: a report whose answers are known, the model's figures on unseen
//! sentences, and the sentences that follow.

use crate::answers::Score;
use crate::recognise::{ModelResults, TrainedReportModel};
use crate::review::Counts;
use serde_json::{Value, json};
use std::path::Path;
use ttp_base::{Error, Result, files};

/// A report whose answers are known: a file `results/report.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportResults {
    /// Right and wrong answers in the report.
    pub score: Score,
    /// The precision that was asked for, from 0 to 1.
    pub asked: f64,
    /// The model's figures on unseen sentences.
    pub figures: ModelResults,
    /// Techniques that the model knows.
    pub techniques_known: usize,
    /// What a reviewer decided.
    pub review: Counts,
}

impl ReportResults {
    /// Puts together what was found in the report, what is known of the model and what a reviewer
    /// decided.
    ///
    /// # Errors
    /// If the model has no figures of its own.
    pub fn new(score: Score, trained: &TrainedReportModel, review: Counts) -> Result<Self> {
        let name = trained.model.name();
        let figures = trained.results.models.get(name).ok_or_else(|| Error::Unknown {
            kind: "model",
            name: name.to_owned(),
            known: trained.results.models.keys().cloned().collect(),
        })?;
        Ok(Self {
            score,
            asked: figures.precision,
            figures: figures.clone(),
            techniques_known: trained.results.techniques,
            review,
        })
    }

    /// What follows, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let Self { score, asked, figures, .. } = self;
        let mut found = vec![
            format!(
                "of {} sentences of a made-up report {} count as evidence, and {} of these are right",
                score.sentences, score.named, score.right
            ),
            format!(
                "{} of its {} sentences with a technique are found with a right one, {} of its {} \
                 techniques",
                score.right, score.shown, score.techniques_found, score.techniques
            ),
            format!("unseen sentences of ATT&CK: precision {}", figures.test.precision),
            format!("  at recall {}; {asked} was asked for", figures.test.recall),
        ];
        if let (Some(precision), Some(recall)) = (score.precision(), score.recall()) {
            found.push(format!("the made-up report: precision {precision}, recall {recall}"));
        }
        found
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, &self.to_json())
    }

    fn to_json(&self) -> Value {
        let Self { score, figures, .. } = self;
        json!({
            "sentences": score.sentences,
            "shown": score.shown,
            "named": score.named,
            "right": score.right,
            "techniques": score.techniques,
            "techniques_found": score.techniques_found,
            "techniques_wrong": score.techniques_wrong,
            "precision": score.precision(),
            "recall": score.recall(),
            "precision_asked": self.asked,
            "threshold": figures.validation.threshold,
            "precision_validation": figures.validation.precision,
            "recall_validation": figures.validation.recall,
            "precision_test": figures.test.precision,
            "recall_test": figures.test.recall,
            "calibration_error_test": figures.calibration_error,
            "accuracy_test": figures.accuracy,
            "techniques_known": self.techniques_known,
            "review": self.review,
        })
    }
}
