//! What a sweep trains: seeds, splits, models and arms.

use super::Profile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use ttp_base::error::SettingPath;
use ttp_base::settings::{FILLED, Setting, at_least};
use ttp_base::{Result, settings};
use ttp_model::pretrained::{self, Entry};
use ttp_text::linear::LinearKind;
use ttp_text::split::Protocol;

/// A training that differs from the profile's own in one thing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// Training has the originals alone, no augmented copies.
    NoAugmentation,
    /// Adam in place of AdamW; AdamW where the profile says Adam.
    Adam,
    /// The head reads the mean over the last layer's tokens
    /// ([`Pooling::MeanTokens`](ttp_model::encoder::Pooling::MeanTokens)), not the first token.
    MeanPooling,
    /// The encoder as it was published takes no step; a logistic regression reads its sentence
    /// vectors (`frozen` of ttp-evidence).
    Frozen,
    /// A tenth of the training sentences of each technique, with their augmented copies.
    #[serde(rename = "rows_10")]
    Rows10,
    /// A quarter of them.
    #[serde(rename = "rows_25")]
    Rows25,
    /// Half of them.
    #[serde(rename = "rows_50")]
    Rows50,
    /// Trained and tested on the grouped split ([`Protocol::Grouped`]).
    Grouped,
    /// A random start whose words are cut into the pieces of bert-base-cased.
    VocabularyBert,
    /// The same with SciBERT's pieces.
    VocabularyScibert,
    /// The same with pieces that were trained on ATT&CK's own prose, as many as SecBERT has
    /// ([`ttp_model::pretrained::Vocabulary::train`]).
    VocabularyTrained,
}

impl Setting for Arm {}

/// The checkpoint that vocabularies are compared on: a small encoder from a random start.
const RANDOM_START: &str = "scratch";

impl Arm {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::NoAugmentation,
        Self::Adam,
        Self::MeanPooling,
        Self::Frozen,
        Self::Rows10,
        Self::Rows25,
        Self::Rows50,
        Self::Grouped,
        Self::VocabularyBert,
        Self::VocabularyScibert,
        Self::VocabularyTrained,
    ];

    /// The name in profiles, files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoAugmentation => "no_augmentation",
            Self::Adam => "adam",
            Self::MeanPooling => "mean_pooling",
            Self::Frozen => "frozen",
            Self::Rows10 => "rows_10",
            Self::Rows25 => "rows_25",
            Self::Rows50 => "rows_50",
            Self::Grouped => "grouped",
            Self::VocabularyBert => "vocabulary_bert",
            Self::VocabularyScibert => "vocabulary_scibert",
            Self::VocabularyTrained => "vocabulary_trained",
        }
    }

    /// The protocol that it is trained under.
    pub fn protocol(self) -> Protocol {
        if self == Self::Grouped { Protocol::Grouped } else { Protocol::Clean }
    }

    /// The share of the training sentences that it learns from, above 0 up to 1.
    pub fn share(self) -> f64 {
        match self {
            Self::Rows10 => 0.10,
            Self::Rows25 => 0.25,
            Self::Rows50 => 0.50,
            _ => 1.0,
        }
    }

    /// Whether its test rows are the base run's, so that the two are compared row by row.
    pub fn is_paired(self) -> bool {
        self != Self::Grouped
    }

    /// Whether the pieces are other ones than the checkpoint's: only of a random start, where no
    /// piece means anything yet.
    pub fn is_vocabulary(self) -> bool {
        matches!(self, Self::VocabularyBert | Self::VocabularyScibert | Self::VocabularyTrained)
    }

    /// The checkpoint that it is of, where `own` is that of the sweep's arms.
    pub fn checkpoint(self, own: &str) -> &str {
        if self.is_vocabulary() { RANDOM_START } else { own }
    }

    /// Whether a seed changes it.
    pub fn has_seeds(self) -> bool {
        self != Self::Frozen
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a sweep trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SweepSettings {
    /// The seeds that each encoder is trained with; no two are alike.
    pub seeds: Vec<u64>,
    /// How often the corpus is balanced and split anew for the linear models.
    pub splits: usize,
    /// The checkpoints to train over the seeds; the profile's own where absent.
    pub models: Option<Vec<String>>,
    /// The linear models to train over the splits.
    pub linear: Vec<LinearKind>,
    /// The protocols to train under, `paper` or `clean`; the profile's own where absent.
    pub protocols: Option<Vec<Protocol>>,
    /// What is changed in a training to see what it is worth; all but the vocabularies where
    /// absent, whose files do not come with every profile.
    pub arms: Vec<Arm>,
    /// The checkpoint of the arms; the first encoder of the profile's own where absent. Those of
    /// vocabularies are always of `scratch`.
    pub arms_of: Option<String>,
    /// With how many of the seeds the arms are trained, the first ones; with all where absent.
    pub arm_seeds: Option<usize>,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self {
            seeds: vec![1, 2, 3, 4, 5],
            splits: 20,
            models: None,
            linear: LinearKind::ALL.to_vec(),
            protocols: None,
            arms: Arm::ALL.into_iter().filter(|arm| !arm.is_vocabulary()).collect(),
            arms_of: None,
            arm_seeds: None,
        }
    }
}

settings!(SweepSettings, "sweep", {
    seeds: FILLED,
    splits: at_least(2.0).or("{} give no spread; take 2 or more"),
    protocols: FILLED,
    arm_seeds: at_least(1.0),
}, free { models, linear, arms, arms_of }, also Self::are_sound);

impl SweepSettings {
    /// The names of its lists whose items all differ.
    pub(super) const DISTINCT: [&str; 5] = ["seeds", "models", "linear", "protocols", "arms"];

    fn are_sound(&self, at: &SettingPath) -> Result<()> {
        distinct(&self.seeds, &at.field("seeds"))?;
        distinct(&self.linear, &at.field("linear"))?;
        distinct(&self.arms, &at.field("arms"))?;
        let protocols = self.protocols.as_deref().unwrap_or_default();
        distinct(protocols, &at.field("protocols"))?;
        let is_trained =
            |protocol: &Protocol| [Protocol::Paper, Protocol::Clean].contains(protocol);
        if let Some(item) = protocols.iter().position(|protocol| !is_trained(protocol)) {
            let reason = format!(
                "{:?} is no protocol of a sweep: take paper or clean; grouped is an arm",
                protocols[item].name()
            );
            return at.field("protocols").item(item).refuse(reason);
        }
        let models = self.models.as_deref().unwrap_or_default();
        distinct(models, &at.field("models"))?;
        for (item, model) in models.iter().enumerate() {
            check_encoder(model, &at.field("models").item(item))?;
        }
        let mut names: Vec<String> =
            models.iter().map(|name| pretrained::file_name(name)).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let reason = format!("two of them would write to files named {:?}", pair[0]);
            return at.field("models").refuse(reason);
        }
        self.arms_of.as_ref().map_or(Ok(()), |name| check_encoder(name, &at.field("arms_of")))
    }
}

fn distinct<T: Ord + fmt::Debug>(items: &[T], at: &SettingPath) -> Result<()> {
    let mut seen = BTreeSet::new();
    match items.iter().position(|item| !seen.insert(item)) {
        Some(twice) => at.item(twice).refuse(format!("{:?} stands there twice", items[twice])),
        None => Ok(()),
    }
}

/// Refuses what is no checkpoint's name: of a folder or of the hub there is a `/` in it.
fn check_encoder(name: &str, at: &SettingPath) -> Result<()> {
    if LinearKind::from_name(name).is_ok() {
        return at.refuse(format!("{name:?} is a linear model: name it in sweep.linear"));
    }
    if Entry::named(name).is_some() || name.contains(std::path::is_separator) {
        return Ok(());
    }
    let known: Vec<&str> = pretrained::CATALOGUE.iter().map(|entry| entry.name.as_str()).collect();
    at.refuse(format!(
        "{name:?} is not among the checkpoints {}, and is no folder's path or hub id owner/name",
        known.join(", ")
    ))
}

impl Profile {
    /// The checkpoints that a sweep trains over the seeds, encoders alone.
    pub fn sweep_models(&self) -> Vec<String> {
        self.sweep.models.clone().unwrap_or_else(|| self.encoders())
    }

    /// The protocols that a sweep trains under.
    pub fn sweep_protocols(&self) -> &[Protocol] {
        self.sweep.protocols.as_deref().unwrap_or(&self.protocols)
    }

    /// The checkpoint of a sweep's arms; `None` where the profile has no encoder and names none.
    pub fn arms_of(&self) -> Option<String> {
        self.sweep.arms_of.clone().or_else(|| self.encoders().into_iter().next())
    }
}
