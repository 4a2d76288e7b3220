//! The settings of the similarity experiments: the one on ATT&CK's sentences, and the report's own.

mod report;

pub use report::{BASE_MODEL, ReportSettings};

use super::mine::Mining;
use super::{Level, Loss};
use crate::published::{REPORT_ADVANCED, REPORT_HARD_NEGATIVES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use ttp_base::settings::{Range, at_least};
use ttp_base::{Result, settings};
use ttp_metrics::Criterion;
use ttp_model::engine::ranges::{EPOCHS, LEARNING_RATE};
use ttp_model::engine::{Algorithm, TrainParams};
use ttp_model::pretrained::{Checkpoint, CheckpointTokenizer};
use ttp_text::corpus::Corpus;

/// The settings of the similarity experiment; what a profile leaves out is as the report
/// has it, or as here where it says nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimilaritySettings {
    /// The checkpoint that all models start from; the profile's first where it is not said.
    pub checkpoint: Option<String>,
    /// Which sentences.
    pub sentences: Sentences,
    /// What two similar sentences have in common.
    pub level: Level,
    /// Pairs of each kind, similar and not, in validation and again in test.
    pub pairs: usize,
    /// What the threshold is chosen by, on validation pairs. As these are of both kinds
    /// alike, accuracy does not favour saying yes.
    pub criterion: Criterion,
    /// Triplets to train on: as many hard negatives, as many random ones.
    pub hard_negatives: usize,
    /// How hard negatives are mined.
    pub mining: Mining,
    /// The loss.
    pub loss: Loss,
    /// The settings of training.
    pub training: TrainParams,
    /// Other settings to be tried and shown.
    pub trials: Vec<Trial>,
    /// The report's own experiment.
    pub report: ReportSettings,
}

impl Default for SimilaritySettings {
    fn default() -> Self {
        Self {
            checkpoint: None,
            sentences: Sentences::Procedures,
            level: Level::Technique,
            pairs: 2000,
            criterion: Criterion::Accuracy,
            hard_negatives: REPORT_HARD_NEGATIVES,
            mining: Mining::default(),
            loss: Loss::Cosine,
            training: TrainParams {
                epochs: REPORT_ADVANCED.epochs,
                batch_size: REPORT_ADVANCED.batch_size,
                max_length: 128,
                learning_rate: REPORT_ADVANCED.learning_rate,
                warmup_share: REPORT_ADVANCED.warmup_share,
                weight_decay: 0.01,
                clip_norm: 1.0,
                optimizer: Algorithm::AdamW,
            },
            trials: Vec::new(),
            report: ReportSettings::default(),
        }
    }
}

impl fmt::Display for SimilaritySettings {
    /// What a trial may change but the number of triplets: `triplet, margin 0.2; the nearest; 2
    /// epochs at 3e-5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loss, mining, training, .. } = self;
        let (epochs, rate) = (training.epochs, training.learning_rate);
        let epochs = if epochs == 1 { "1 epoch".to_owned() } else { format!("{epochs} epochs") };
        write!(f, "{loss}; {mining}; {epochs} at {rate:e}")
    }
}

/// Which sentences of a corpus are paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sentences {
    /// ATT&CK's procedure examples (what malware or a group did); of another source, all.
    Procedures,
    /// All: the sentences that describe techniques, too.
    All,
}

/// Settings to be tried beside the experiment's own: what is not said is as there. `mining` is
/// taken whole, and what it leaves out is as [`Mining::default`] has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trial {
    /// Another loss.
    pub loss: Option<Loss>,
    /// Another number of triplets.
    pub hard_negatives: Option<usize>,
    /// Other mining.
    pub mining: Option<Mining>,
    /// Another number of epochs.
    pub epochs: Option<usize>,
    /// Another highest learning rate.
    pub learning_rate: Option<f64>,
}

/// Triplets to train on.
const TRIPLETS: Range = at_least(1.0).or("0 train nothing");

settings!(SimilaritySettings, "similarity", {
    pairs: at_least(1.0).or("0 judge no model"),
    hard_negatives: TRIPLETS,
    mining,
    loss,
    training,
    trials,
    report,
}, free { checkpoint, sentences, level, criterion });

settings!(Trial, "similarity.trials", {
    loss,
    hard_negatives: TRIPLETS,
    mining,
    epochs: EPOCHS,
    learning_rate: LEARNING_RATE,
});

impl SimilaritySettings {
    /// The checkpoint's tokenizer, cutting where these settings say.
    ///
    /// # Errors
    /// As [`Checkpoint::tokenizer`].
    pub fn tokenizer(&self, checkpoint: &Checkpoint) -> Result<CheckpointTokenizer> {
        checkpoint.tokenizer_of("similarity.training.max_length", self.training.max_length)
    }

    /// The settings of a trial.
    #[must_use]
    pub fn with(&self, trial: &Trial) -> Self {
        let mut settings = self.clone();
        settings.trials = Vec::new();
        settings.loss = trial.loss.unwrap_or(self.loss);
        settings.hard_negatives = trial.hard_negatives.unwrap_or(self.hard_negatives);
        settings.mining = trial.mining.clone().unwrap_or_else(|| self.mining.clone());
        settings.training.epochs = trial.epochs.unwrap_or(self.training.epochs);
        settings.training.learning_rate =
            trial.learning_rate.unwrap_or(self.training.learning_rate);
        settings
    }
}

impl Sentences {
    pub(crate) fn of(self, corpus: &Corpus) -> Corpus {
        // A procedure example is a relationship of the bundle.
        let is_procedure = |id: &str| id.starts_with("relationship--");
        let any = corpus.sentences.iter().any(|s| is_procedure(&s.source_id));
        if self == Self::All || !any {
            return corpus.clone();
        }
        let sentences = corpus.sentences.iter().filter(|s| is_procedure(&s.source_id));
        Corpus { sentences: sentences.cloned().collect() }
    }
}
