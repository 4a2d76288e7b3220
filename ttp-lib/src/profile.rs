//! A run's sizes, settings and seeds, from one JSON file a profile in
//! `notebooks/profiles/`, and the places where a run finds and leaves its files.

mod check;
mod checkpoints;
mod external;
mod folders;
mod source;
mod studies;
mod sweep;

pub use external::{ATTACK_V15_MISSING, TRAM_V2_MISSING};
pub use folders::Folders;
pub use source::{CorpusSettings, CsvSource, HubSource, Labels, Source};
pub use sweep::{Arm, SweepSettings};

use crate::train::{Algorithm, MaskedParams, TrainParams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ttp_base::places::{repository_root, setting};
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result, settings};
use ttp_flows::family::FamilySettings;
use ttp_flows::family::netml::NetmlSettings;
use ttp_flows::remedies::RemedySettings;
use ttp_metrics::Bootstrap;
use ttp_model::pretrained::Entry;
use ttp_similarity::SimilaritySettings;
use ttp_text::augment::AugmentSettings;
use ttp_text::balance::Limits;
use ttp_text::linear::LinearKind;
use ttp_text::split::{Protocol, Shares};

/// Everything that decides what a run computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name, as in its file's name.
    pub name: String,
    /// What it is for, in a line.
    pub about: String,
    /// The one seed; every consumer derives its own ([`Run::seed`]).
    pub seed: u64,
    /// Where the sentences come from.
    pub corpus: CorpusSettings,
    /// The paper's three numbers: trim below, upsample to, downsample to.
    pub balance: Limits,
    /// How copies are made.
    pub augment: AugmentSettings,
    /// Shares of training, validation and test rows.
    pub split: Shares,
    /// The split protocols that models are trained under.
    pub protocols: Vec<Protocol>,
    /// The models to train: linear ones by their names, `tfidf-svm` and `counts-logistic`;
    /// checkpoints to fine-tune by their names in the catalogue, hub ids or folders.
    pub checkpoints: Vec<String>,
    /// Other revisions than the pinned ones of checkpoints that the catalogue has from the hub, by
    /// the checkpoint's name: a commit, a branch or a tag.
    #[serde(default)]
    pub revisions: BTreeMap<String, String>,
    /// The notebooks that a run without a notebook's name executes; all where absent.
    #[serde(default)]
    pub notebooks: Option<Vec<String>>,
    /// The settings of fine-tuning.
    pub training: TrainParams,
    /// What differs from `training` for a checkpoint, by its name.
    #[serde(default)]
    pub training_of: BTreeMap<String, TrainChanges>,
    /// The settings of further pretraining, for checkpoints that need one.
    #[serde(default)]
    pub pretraining: Option<MaskedParams>,
    /// The settings of the similarity experiment.
    #[serde(default)]
    pub similarity: SimilaritySettings,
    /// The sizes of the study of remedies for classes with zero recall.
    #[serde(default)]
    pub remedies: RemedySettings,
    /// The sizes of the family encoder's study, on synthetic flows.
    #[serde(default)]
    pub family: FamilySettings,
    /// The sizes of the study of the families on NetML's flows.
    #[serde(default)]
    pub families: NetmlSettings,
    /// What a sweep trains beside a run's own models: seeds, splits, arms.
    #[serde(default)]
    pub sweep: SweepSettings,
    /// How intervals are drawn.
    pub bootstrap: BootstrapSettings,
    /// The file of the JSON schema, for editors: schema.json beside the profiles.
    #[serde(rename = "$schema", default, skip_serializing)]
    schema: Option<String>,
}

/// The JSON schema of a profile, by its name beside the profiles.
const SCHEMA: &str = "schema";

/// Where TRAM v1's sentences lie below `data/raw/` or `TTP_SOURCES`.
const TRAM: &str = "tram-v1/all_analyzed_reports.json";

/// Where the paper's own rows lie below `data/raw/` or `TTP_SOURCES`.
const PAPER_ROWS: &str = "orbinato-2022/dataset_mixed.csv";

/// What to say where [`Run::paper_rows`] has none.
pub const PAPER_ROWS_MISSING: &str = "The paper's own rows (orbinato-mixed) are not at hand, so \
its figures stand here as published. `TTP_PROFILE=laptop make data` fetches them where there is a \
network; or put \
orbinato-2022/dataset_mixed.csv into a folder and name that in TTP_SOURCES.";

/// What to say where [`Run::similarity_report`] has none.
pub const REPORT_MISSING: &str = "The similarity report's own files (cybertune-…) are not all at \
hand, so its figures stand here as published. `TTP_PROFILE=laptop make data` fetches them where \
there is a network; or put the folder cybertune/ into a folder and name that in TTP_SOURCES. \
Missing:";

/// What a checkpoint does otherwise than the profile's `training`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainChanges {
    /// Another optimizer.
    pub optimizer: Option<Algorithm>,
    /// Another highest learning rate.
    pub learning_rate: Option<f64>,
    /// Another number of passes.
    pub epochs: Option<usize>,
    /// Another number of rows a step.
    pub batch_size: Option<usize>,
    /// Only these of the profile's protocols.
    pub protocols: Option<Vec<Protocol>>,
}

/// How bootstrap intervals are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootstrapSettings {
    /// Number of resamples.
    pub resamples: usize,
    /// The intervals' level: 0.95 for 95 %.
    pub level: f64,
}

impl Profile {
    /// Reads a profile and checks every setting.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown or missing field, or a setting makes no sense: with
    /// the line and the setting's path.
    pub fn read(path: &Path) -> Result<Self> {
        settings::read(path)
    }

    /// The linear models among [`checkpoints`](Self::checkpoints).
    pub fn linear_models(&self) -> Vec<LinearKind> {
        self.checkpoints.iter().filter_map(|name| LinearKind::from_name(name).ok()).collect()
    }

    /// The checkpoints to fine-tune: [`checkpoints`](Self::checkpoints) without the linear models.
    pub fn encoders(&self) -> Vec<String> {
        let is_encoder = |name: &&String| LinearKind::from_name(name).is_err();
        self.checkpoints.iter().filter(is_encoder).cloned().collect()
    }

    /// The protocols that a checkpoint is trained under.
    pub fn protocols_of(&self, checkpoint: &str) -> &[Protocol] {
        let own = self.training_of.get(checkpoint).and_then(|changes| changes.protocols.as_ref());
        own.unwrap_or(&self.protocols)
    }

    /// The revision that is taken of a checkpoint on the hub: the profile's, else its own.
    pub fn revision<'a>(&'a self, checkpoint: &str, own: &'a str) -> &'a str {
        self.revisions.get(checkpoint).map_or(own, String::as_str)
    }

    /// The settings that fine-tune a checkpoint.
    pub fn training(&self, checkpoint: &str) -> TrainParams {
        let mut params = self.training.clone();
        if let Some(changes) = self.training_of.get(checkpoint) {
            params.optimizer = changes.optimizer.unwrap_or(params.optimizer);
            params.learning_rate = changes.learning_rate.unwrap_or(params.learning_rate);
            params.epochs = changes.epochs.unwrap_or(params.epochs);
            params.batch_size = changes.batch_size.unwrap_or(params.batch_size);
        }
        params
    }
}

/// A profile, and the folders it reads from and writes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The profile.
    pub profile: Profile,
    /// Where it reads and writes.
    pub folders: Folders,
    /// The profile's file.
    file: PathBuf,
}

impl Run {
    /// The run that the environment asks for: `TTP_PROFILE` is a name in
    /// `notebooks/profiles/` or the path of a JSON file (`laptop` where it is not
    /// set), `TTP_OUT` the folder for results (the repository's root where it is not set).
    ///
    /// # Errors
    /// If there is no repository above the current folder, the profile is unknown,
    /// or it does not pass its checks.
    pub fn from_env() -> Result<Self> {
        Self::from_env_or(None)
    }

    /// As [`from_env`](Self::from_env), with a profile that goes before `TTP_PROFILE`.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_env_or(profile: Option<&str>) -> Result<Self> {
        let root = repository_root()?;
        let profile = profile
            .map(str::to_owned)
            .or_else(|| setting("TTP_PROFILE"))
            .unwrap_or_else(|| "laptop".to_owned());
        let out = setting("TTP_OUT").map_or_else(|| root.clone(), |out| root.join(out));
        Self::open(&root, &out, &profile)
    }

    /// The run of a profile, by name or path, with explicit folders.
    ///
    /// # Errors
    /// If the profile is unknown or does not pass its checks.
    pub fn open(root: &Path, out: &Path, profile: &str) -> Result<Self> {
        let folder = root.join("notebooks/profiles");
        let path = if Path::new(profile).extension().is_some_and(|e| e == "json") {
            root.join(profile)
        } else {
            let path = folder.join(format!("{profile}.json"));
            let is_none = profile == SCHEMA || profile.contains(std::path::is_separator);
            if is_none || !path.is_file() {
                let known = profiles_in(&folder)?;
                return Err(Error::Unknown { kind: "profile", name: profile.into(), known });
            }
            path
        };
        let profile = Profile::read(&path)?;
        let folders = Folders { root: root.into(), out: out.into(), profile: profile.name.clone() };
        Ok(Self { profile, folders, file: path })
    }

    /// The same run with another folder for all that it writes.
    #[must_use]
    pub fn writing_to(&self, out: &Path) -> Self {
        let folders = Folders { out: out.to_path_buf(), ..self.folders.clone() };
        Self { folders, ..self.clone() }
    }

    /// The seed of one consumer: the first eight bytes of SHA-256 of the profile's
    /// seed and the purpose's name.
    pub fn seed(&self, purpose: &str) -> u64 {
        let digest = Sha256::digest(format!("{}/{purpose}", self.profile.seed));
        digest.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte))
    }

    /// The profile's settings as a table.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let Profile { name, about, seed, balance, augment, split, .. } = &self.profile;
        let of = |name: &String| match self.profile.revisions.get(name) {
            Some(revision) => format!("{name} at {revision}"),
            None => name.clone(),
        };
        let checkpoints: Vec<_> = self.profile.checkpoints.iter().map(of).collect();
        let checkpoints = checkpoints.join(", ");
        let named = |protocols: &[Protocol]| {
            protocols.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(", ")
        };
        let mut protocols = named(&self.profile.protocols);
        for name in &self.profile.checkpoints {
            let own = self.profile.protocols_of(name);
            if own != self.profile.protocols {
                protocols += &format!("; {name}: {}", named(own));
            }
        }
        let mut table =
            Table::new(["setting", "value"]).caption(format!("Profile {name}: {about}"));
        let rows = match self.profile.corpus.rows {
            Some(rows) => format!("{}, {rows} rows of it", self.source_name()),
            None => format!("{}, whole", self.source_name()),
        };
        let limits = format!(
            "trim below {}, upsample to {}, downsample to {}",
            balance.trim_below, balance.upsample_to, balance.downsample_to
        );
        let protect = if augment.protect { "protected" } else { "not protected" };
        let copies = format!(
            "{} % of the words, at least one; {} variants a sentence; names and indicators {protect}",
            100.0 * augment.fraction,
            augment.per_sentence
        );
        let shares = [split.train, split.validation, split.test].map(|s| (100.0 * s).to_string());
        for (setting, value) in [
            ("corpus", rows),
            ("balance", limits),
            ("augmentation", copies),
            ("split", format!("{} % training, validation, test", shares.join(" / "))),
            ("checkpoints", checkpoints),
            ("protocols", protocols),
            ("seed", seed.to_string()),
        ] {
            table.push([Cell::from(setting), Cell::from(value)])?;
        }
        Ok(table)
    }

    /// The three numbers of rows at which balancing changes a technique.
    pub fn thresholds(&self) -> [usize; 3] {
        let limits = self.profile.balance;
        [limits.trim_below, limits.upsample_to, limits.downsample_to]
    }

    /// The file, beside the profile's, of the sweep that belongs to it: `sweep-laptop.json`.
    pub fn sweep_profile(&self) -> PathBuf {
        self.file.with_file_name(format!("sweep-{}.json", self.profile.name))
    }

    /// The bootstrap for one purpose.
    pub fn bootstrap(&self, purpose: &str) -> Bootstrap {
        let BootstrapSettings { resamples, level } = self.profile.bootstrap;
        Bootstrap { resamples, level, seed: self.seed(purpose) }
    }

    /// The seed that fine-tunes a checkpoint under a protocol. A checkpoint that is made of
    /// another one has that one's: new head, batches and dropout are drawn alike, so that the
    /// two differ in nothing but their start. Of a folder its name counts, and not where it lies.
    pub fn finetune_seed(&self, checkpoint: &str, protocol: Protocol) -> u64 {
        let base = match Entry::named(checkpoint) {
            Some(entry) => entry.base().to_owned(),
            None => self.folders.folder_name(checkpoint).unwrap_or_else(|| checkpoint.to_owned()),
        };
        self.seed(&format!("finetune {base} {}", protocol.name()))
    }
}

fn profiles_in(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(Error::file(folder, "read"))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_profile = path.extension().is_some_and(|extension| extension == "json");
            path.file_stem().filter(|_| is_profile).map(|s| s.to_string_lossy().into_owned())
        })
        .collect();
    names.retain(|name| name != SCHEMA);
    names.sort();
    names.push("a JSON file's path".to_owned());
    Ok(names)
}
