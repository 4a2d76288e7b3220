//! The model card of a classifier.

use super::{Evaluation, Training};
use crate::profile::Run;
use ttp_metrics::Estimate;
use ttp_model::card::{CardScore, ModelCard, Subject};

impl Evaluation {
    /// The card of the model that was scored, trained by `run`.
    pub fn card(&self, run: &Run) -> ModelCard {
        let name = format!("{}.{}", self.checkpoint, self.protocol.name());
        let labels = self.confusion.labels();
        let is_encoder = matches!(self.training, Training::FineTuned(_));
        let score = |metric, name: &str, Estimate { value, low, high }: Estimate| {
            CardScore::with_interval(metric, name, value, [low, high])
        };
        let scores = &self.scores;
        let transformers = "from transformers import pipeline\n\
             classify = pipeline(\"text-classification\", model=\"FOLDER\")\n\
             classify(\"The malware logs keystrokes.\")";
        ModelCard {
            base: if is_encoder { self.checkpoint.clone() } else { String::new() },
            library: if is_encoder { "transformers" } else { "ttp-lib" },
            task: "text-classification",
            subject: Subject::Sentences,
            stands_in_for: self.stands_in_for.clone(),
            data: format!(
                "{}. {} rows of it, protocol {}, profile {}, seed {}.",
                run.profile.corpus.source.licensed(),
                self.train_rows,
                self.protocol.name(),
                run.profile.name,
                self.seed
            ),
            training: self.training.describe(self.train_seconds),
            test: format!("{} test rows of the same data", self.test_rows),
            scores: vec![
                score("f1", "macro F1", scores.f1.macro_),
                score("accuracy", "accuracy", scores.accuracy),
                score("precision", "macro precision", scores.precision.macro_),
                score("recall", "macro recall", scores.recall.macro_),
            ],
            limits: format!(
                "It gives one of these {} techniques to every sentence, also to one that shows \
                 another technique or none: {}. Its scores are of sentences like those that it was \
                 trained on; sentences of real reports are harder.",
                labels.len(),
                labels.join(", ")
            ),
            usage: match is_encoder {
                true => transformers.replace("FOLDER", &name),
                false => format!("ttp classify {name} sentences.txt"),
            },
            name,
        }
    }
}
