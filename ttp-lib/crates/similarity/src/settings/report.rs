//! Which of the report's recipes are trained, and how far.

use crate::published::REPORT_HARD_NEGATIVES;
use crate::recipes::ReportArm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ttp_base::settings;
use ttp_base::settings::at_least;
use ttp_model::engine::ranges::{EPOCHS, MAX_LENGTH};

/// The report's base model, all-mpnet-base-v2, by its name among the checkpoints.
pub const BASE_MODEL: &str = "mpnet";

/// Which of the report's recipes a profile trains, and how far; what it leaves out is as here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSettings {
    /// Checkpoints that are judged as they are, where they are at hand.
    pub untrained: Vec<String>,
    /// The checkpoint that models are trained from.
    pub checkpoint: String,
    /// What is trained on the report's split.
    pub arms: Vec<ReportArm>,
    /// What is trained on the split in which no text and no template is on both sides.
    pub disjoint_arms: Vec<ReportArm>,
    /// End each schedule after so many epochs; whole where absent. The learning rate is that of
    /// the whole schedule.
    pub epochs: Option<usize>,
    /// Train on so many of the training pairs, drawn at random; on all where absent.
    pub pairs: Option<usize>,
    /// Dissimilar pairs that the advanced recipe keeps; of cut training pairs fewer where there
    /// are fewer.
    pub hard_negatives: usize,
    /// Pairs of each kind among ATT&CK's sentences, in validation and again in test.
    pub attack_pairs: usize,
    /// Tokens after which a text is cut.
    pub max_length: usize,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            untrained: vec!["minilm".to_owned(), BASE_MODEL.to_owned()],
            checkpoint: "minilm".to_owned(),
            arms: vec![ReportArm::Basic, ReportArm::Advanced, ReportArm::Cosine],
            disjoint_arms: vec![ReportArm::Basic, ReportArm::Cosine],
            epochs: Some(2),
            pairs: None,
            hard_negatives: REPORT_HARD_NEGATIVES,
            attack_pairs: 500,
            max_length: 128,
        }
    }
}

settings!(ReportSettings, "similarity.report", {
    epochs: EPOCHS.or("0 train nothing"),
    pairs: at_least(2.0).or("fewer than 2 have no other pair in the batch"),
    hard_negatives: at_least(1.0).or("0 are none"),
    attack_pairs: at_least(1.0).or("0 judge no model"),
    max_length: MAX_LENGTH.or("no word between the special tokens"),
}, free { untrained, checkpoint, arms, disjoint_arms });
