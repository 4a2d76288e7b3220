//! A run's sizes, settings and seeds, from one JSON file a profile in
//! `notebooks/profiles/`, and the places where a run finds and leaves its files.

mod check;
mod source;

pub use source::{CorpusSettings, CsvSource, HubSource, Labels, Source};

use crate::similarity::reported::{Experiment, REPORT_FILES, ReportFiles, ReportSettings};
use crate::similarity::{SimilaritySettings, Study};
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
use ttp_flows::family::netml::{NetmlFiles, NetmlSettings};
use ttp_flows::remedies::RemedySettings;
use ttp_metrics::Bootstrap;
use ttp_model::pretrained::hub::Hub;
use ttp_model::pretrained::{self, CATALOGUE, Checkpoint, Entry, PUBLISHED, Start, Tokenize};
use ttp_model::tokenization::PaperTokenizer;
use ttp_text::augment::AugmentSettings;
use ttp_text::balance::Limits;
use ttp_text::corpus::{self, Corpus, Kinship};
use ttp_text::split::{self, Protocol, Shares, Split, Unlabelled};

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
    /// How twins are made.
    pub augment: AugmentSettings,
    /// Shares of training, validation and test rows.
    pub split: Shares,
    /// The split protocols that models are trained under.
    pub protocols: Vec<Protocol>,
    /// The checkpoints to fine-tune: names of the catalogue, or folders.
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
    /// The sizes of the study of remedies for classes that are never found.
    #[serde(default)]
    pub remedies: RemedySettings,
    /// The sizes of the family encoder's study, on synthetic flows.
    #[serde(default)]
    pub family: FamilySettings,
    /// The sizes of the study of the families on NetML's flows.
    #[serde(default)]
    pub families: NetmlSettings,
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

/// A profile with the folders it reads from and writes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The profile.
    pub profile: Profile,
    /// The profile's file.
    file: PathBuf,
    root: PathBuf,
    out: PathBuf,
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
        Ok(Self { profile, file: path, root: root.into(), out: out.into() })
    }

    /// The seed of one consumer: the first eight bytes of SHA-256 of the profile's
    /// seed and the purpose's name.
    pub fn seed(&self, purpose: &str) -> u64 {
        let digest = Sha256::digest(format!("{}/{purpose}", self.profile.seed));
        digest.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte))
    }

    /// A file of `data/raw/`, or of `TTP_SOURCES` where that is set and holds it.
    pub fn raw(&self, name: &str) -> PathBuf {
        match setting("TTP_SOURCES").map(|folder| self.root.join(folder).join(name)) {
            Some(path) if path.exists() => path,
            _ => self.root.join("data/raw").join(name),
        }
    }

    /// The similarity report's own files; where they are not all at hand, the names of those that
    /// are missing: [`REPORT_MISSING`] says how to get them.
    ///
    /// # Errors
    /// If they are there and cannot be read, or are not what they should be.
    pub fn similarity_report(&self) -> Result<Result<ReportFiles, Vec<&'static str>>> {
        let paths = REPORT_FILES.map(|name| self.raw(name));
        let missing: Vec<&'static str> = REPORT_FILES
            .into_iter()
            .zip(&paths)
            .filter(|(_, path)| !path.exists())
            .map(|(name, _)| name)
            .collect();
        if missing.is_empty() { ReportFiles::read(&paths).map(Ok) } else { Ok(Err(missing)) }
    }

    /// The report's experiment on its own pairs, and on ATT&CK's procedure examples where
    /// `attack` asks for them.
    ///
    /// # Errors
    /// If ATT&CK's bundle cannot be read, or as [`Experiment::new`].
    pub fn report_experiment(
        &self,
        files: ReportFiles,
        settings: &ReportSettings,
        attack: bool,
    ) -> Result<Experiment> {
        let seed = |purpose: &str| self.seed(&format!("similarity report {purpose}"));
        if !attack {
            return Experiment::new(files, None, settings, seed);
        }
        let source = corpus::Source::Attack { bundle: self.bundle(), tram: None };
        let corpus = self.part_of(corpus::build(&source)?.corpus);
        let kinship = Kinship::of_bundle(&self.bundle())?;
        Experiment::new(files, Some((&corpus, &kinship, self.profile.split)), settings, seed)
    }

    /// A checkpoint that lies on this machine by its name or path; `None` where it does not. No
    /// hub is asked.
    ///
    /// # Errors
    /// If its folder is there and is not a whole checkpoint.
    pub fn checkpoint_at_hand(&self, name: &str) -> Result<Option<Checkpoint>> {
        let is_path = name.contains(std::path::is_separator);
        let folders = if is_path {
            [PathBuf::from(name), self.root.join(name)]
        } else {
            [self.model_folder().join(name), self.models().join(name)]
        };
        let folder = folders.into_iter().find(|folder| folder.is_dir());
        folder.map(|folder| Checkpoint::open(name, &folder)).transpose()
    }

    /// The files of NetML and of the family summary's own encoder. `None` where one is not at hand:
    /// [`NETML_MISSING`](ttp_flows::family::netml::NETML_MISSING) says how to get them.
    pub fn netml(&self) -> Option<NetmlFiles> {
        NetmlFiles::find(|name| self.raw(name))
    }

    /// The part of a corpus that the profile takes: all of it, or so many rows, the
    /// same share of every technique.
    pub fn part_of(&self, corpus: Corpus) -> Corpus {
        match self.profile.corpus.rows {
            Some(rows) => corpus.sampled(rows, self.seed("corpus")),
            None => corpus,
        }
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
        let twins = format!(
            "{} % of the words, at least one; {} variants a sentence; names and indicators {protect}",
            100.0 * augment.fraction,
            augment.per_sentence
        );
        let shares = [split.train, split.validation, split.test].map(|s| (100.0 * s).to_string());
        for (setting, value) in [
            ("corpus", rows),
            ("balance", limits),
            ("augmentation", twins),
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

    /// The bootstrap for one purpose.
    pub fn bootstrap(&self, purpose: &str) -> Bootstrap {
        let BootstrapSettings { resamples, level } = self.profile.bootstrap;
        Bootstrap { resamples, level, seed: self.seed(purpose) }
    }

    /// A file of `data/processed/`.
    pub fn processed(&self, name: &str) -> PathBuf {
        self.out.join("data/processed").join(name)
    }

    /// A file of `results/`.
    pub fn results(&self, name: &str) -> PathBuf {
        self.out.join("results").join(name)
    }

    /// A file of `reports/`; the folder itself where the name is empty.
    pub fn reports(&self, name: &str) -> PathBuf {
        self.out.join("reports").join(name)
    }

    /// The folder of all fine-tuned models.
    pub fn models(&self) -> PathBuf {
        self.out.join("models")
    }

    /// The folder of a fine-tuned model.
    pub fn model(&self, checkpoint: &str, protocol: Protocol) -> PathBuf {
        self.models().join(format!("{}.{}", pretrained::file_name(checkpoint), protocol.name()))
    }

    /// The folder of a checkpoint that this run pretrains further.
    pub fn pretrained(&self, checkpoint: &str) -> PathBuf {
        self.models().join(pretrained::file_name(checkpoint))
    }

    /// A checkpoint to start from, found where its name says:
    ///
    /// - a name of the catalogue that is random or pretrained further: see [`Start`];
    /// - any other name of the catalogue: `TTP_MODELS/<name>/` where that is set, else
    ///   `data/raw/models/<name>/`, else the hub or its cache;
    /// - the path of a folder, from here or else from the repository's root;
    /// - `owner/name` or `owner/name@revision`: as a name of the catalogue that is on the hub.
    ///
    /// # Errors
    /// If it is none of these, or what it leads to is not a whole checkpoint.
    pub fn checkpoint(&self, name: &str) -> Result<Checkpoint> {
        if let Some(entry) = Entry::named(name) {
            return match &entry.start {
                Start::FurtherPretrained { .. } => self.further_pretrained(name),
                Start::Random { shape_of } => {
                    Checkpoint::open(name, &self.checkpoint(shape_of)?.folder)
                }
                Start::Package => self.package_checkpoint(name),
                Start::Hub { id, revision } => self.on_hub(name, id, revision),
            };
        }
        for folder in [PathBuf::from(name), self.root.join(name)] {
            if name.contains(std::path::is_separator) && folder.is_dir() {
                return Checkpoint::open(name, &folder);
            }
        }
        // Where there is a folder of the owner's name, a path was meant.
        let owner = name.split('/').next().unwrap_or(name);
        let is_path = Path::new(owner).is_dir() || self.root.join(owner).is_dir();
        match pretrained::hub_id(name).filter(|_| !is_path) {
            Some((id, revision)) => self.on_hub(name, id, revision),
            None => {
                let mut known: Vec<_> = CATALOGUE.iter().map(|e| e.name.clone()).collect();
                known.extend(["a folder's path", "a hub id, owner/name"].map(str::to_owned));
                Err(Error::Unknown { kind: "checkpoint", name: name.to_owned(), known })
            }
        }
    }

    /// The checkpoint that one of the catalogue is pretrained further from; `None` for a
    /// checkpoint that is taken as it is.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn base_of_further_pretraining(&self, name: &str) -> Result<Option<Checkpoint>> {
        match Entry::named(name).filter(|entry| entry.is_pretrained_further()) {
            Some(entry) => self.checkpoint(entry.base()).map(Some),
            None => Ok(None),
        }
    }

    /// The corpus's sentences that further pretraining may read: none that a split of one of
    /// the profile's protocols tests with.
    ///
    /// # Errors
    /// If the corpus or a split cannot be read.
    pub fn unlabelled(&self) -> Result<Unlabelled> {
        let protocols = self.profile.protocols.iter();
        let splits: Vec<Split> = protocols
            .map(|protocol| Split::read(&self.processed("splits").join(protocol.name())))
            .collect::<Result<_>>()?;
        let corpus = Corpus::read_parquet(&self.processed("corpus.parquet"))?;
        Ok(Unlabelled::of(&corpus, &splits))
    }

    /// The checkpoint that the similarity experiment starts from.
    ///
    /// # Errors
    /// If it was pretrained on the corpus, whose test sentences it may have read then; else as
    /// [`checkpoint`](Self::checkpoint).
    pub fn similarity_checkpoint(&self) -> Result<Checkpoint> {
        self.unread_checkpoint(self.profile.similarity.checkpoint.as_ref(), "similarity.checkpoint")
    }

    /// The checkpoint of a setting, or the profile's first, if it has not read the corpus.
    fn unread_checkpoint(&self, own: Option<&String>, field: &'static str) -> Result<Checkpoint> {
        let name = own.or(self.profile.checkpoints.first()).map_or("", String::as_str);
        if Entry::named(name).is_some_and(Entry::is_pretrained_further) {
            let reason = format!("{name:?} may have read the test sentences: take what it is of");
            return Err(Error::Setting { field, reason });
        }
        self.checkpoint(name)
    }

    /// The similarity experiment's sentences, parts and pairs.
    ///
    /// # Errors
    /// If the corpus or ATT&CK's bundle cannot be read, or as [`Study::new`].
    pub fn study(&self) -> Result<Study> {
        let corpus = Corpus::read_parquet(&self.processed("corpus.parquet"))?;
        let kinship = self.kinship()?;
        let seed = |purpose: &str| self.seed(&format!("similarity {purpose}"));
        Study::new(&corpus, &kinship, &self.profile.similarity, self.profile.split, seed)
    }

    /// The checkpoint whose fine-tuned encoder remedies are tried on.
    ///
    /// # Errors
    /// As [`similarity_checkpoint`](Self::similarity_checkpoint): what was pretrained on the
    /// corpus may have read the test sentences of this split.
    pub fn remedies_checkpoint(&self) -> Result<Checkpoint> {
        self.unread_checkpoint(self.profile.remedies.checkpoint.as_ref(), "remedies.checkpoint")
    }

    /// The whole corpus in three parts, nothing trimmed and nothing balanced, and how many rows
    /// went because another part has their text.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn untrimmed(&self) -> Result<(Split, usize)> {
        let corpus = Corpus::read_parquet(&self.processed("corpus.parquet"))?;
        split::untrimmed(&corpus, self.profile.remedies.shares, self.seed("untrimmed split"))
    }

    /// The folder of the classifier of the untrimmed corpus.
    pub fn untrimmed_model(&self) -> PathBuf {
        self.models().join("untrimmed")
    }

    /// The folder of a sentence model: `basic` or `hard_negatives`.
    pub fn sentence_model(&self, name: &str) -> PathBuf {
        self.models().join(format!("similarity.{name}"))
    }

    fn further_pretrained(&self, name: &str) -> Result<Checkpoint> {
        let folder = self.pretrained(name);
        if !folder.is_dir() {
            let reason = "not there: notebook 04_finetune, or `ttp pretrain`, makes it";
            return Err(Error::input(&folder, reason));
        }
        Checkpoint::open(name, &folder)
    }

    /// Where checkpoints lie that no hub is asked for.
    fn model_folder(&self) -> PathBuf {
        setting("TTP_MODELS")
            .map_or_else(|| self.root.join("data/raw/models"), |folder| self.root.join(folder))
    }

    fn package_checkpoint(&self, name: &str) -> Result<Checkpoint> {
        let folder = self.model_folder().join(name);
        if !folder.is_dir() && setting("TTP_MODELS").is_none() {
            // Of these only the smallest comes with every profile.
            let command = if name == "mpnet" { "data-mpnet" } else { "data" };
            return Err(Error::input(&folder, format!("not there: `make {command}` gets it")));
        }
        Checkpoint::open(name, &folder)
    }

    fn on_hub(&self, name: &str, id: &str, revision: &str) -> Result<Checkpoint> {
        let folder = self.model_folder().join(name);
        // A folder of one's own is taken at its word: what it lacks is not fetched.
        if folder.is_dir() || setting("TTP_MODELS").is_some() {
            return Checkpoint::open(name, &folder);
        }
        let hub = Hub::from_env()?;
        let revision = self.profile.revision(name, revision);
        let fetched = hub.fetch(id, revision, &mut *hub.watch());
        let snapshot = fetched.map_err(|error| with_advice(error, name, id))?;
        Checkpoint::open(name, &snapshot.folder)
    }

    /// The tokenizers of the paper's three checkpoints, each cutting at `max_length` tokens, as
    /// far as something of them is at hand: the checkpoint's folder or the hub's cache, with or
    /// without weights, else the vocabulary alone, from `data/raw/` or `TTP_SOURCES`. Nothing is
    /// fetched, and what is missing is no error.
    ///
    /// # Errors
    /// If what is at hand cannot be read, or is not the vocabulary that it should be.
    pub fn paper_tokenizers(&self, max_length: usize) -> Result<Vec<PaperTokenizer>> {
        let papers = CATALOGUE.iter().filter_map(|entry| match &entry.start {
            Start::Hub { id, revision } => {
                Some((&entry.name, id, self.profile.revision(&entry.name, revision)))
            }
            _ => None,
        });
        let tokenizers = papers.map(|(name, id, revision)| {
            let (tokenize, origin) = self.paper_tokenizer(name, id, revision, max_length)?;
            Ok(PaperTokenizer { checkpoint: name.clone(), tokenize, max_length, origin })
        });
        tokenizers.collect()
    }

    fn paper_tokenizer(
        &self,
        name: &str,
        id: &str,
        revision: &str,
        max_length: usize,
    ) -> Result<(Option<Tokenize>, String)> {
        let own = self.model_folder().join(name);
        // As for whole checkpoints: the hub's cache is not looked at once TTP_MODELS is set.
        let folder = match pretrained::has_tokenizer(&own) {
            true => Some(own),
            false if setting("TTP_MODELS").is_some() => None,
            // Settings of the hub that make no sense are told by what needs the hub.
            false => match Hub::from_env() {
                Ok(hub) => hub.cached_tokenizer(id, revision)?,
                Err(_) => None,
            },
        };
        if let Some(folder) = folder {
            let tokenize = pretrained::tokenizer_in(&folder, max_length)?;
            return Ok((Some(tokenize), "the checkpoint".to_owned()));
        }
        let alone = PUBLISHED.iter().find(|published| published.checkpoint == name);
        let Some(published) = alone else {
            let origin = format!(
                "it is on the hub alone: put config.json and the tokenizer's files of {id} into \
                 data/raw/models/{name}/"
            );
            return Ok((None, origin));
        };
        let (file, path) = (published.file, self.raw(published.file));
        if !path.exists() {
            let origin = format!(
                "`make data-vocabularies` gets it, or put it into a folder as {file} and name the \
                 folder in TTP_SOURCES"
            );
            return Ok((None, origin));
        }
        let tokenize = published.read(&path)?.tokenizer(published.lower_case, max_length)?;
        Ok((Some(tokenize), file.to_owned()))
    }

    /// The name of the checkpoint that this execution of a notebook is about:
    /// `TTP_CHECKPOINT`, or the profile's first.
    pub fn chosen_name(&self) -> String {
        let first = || self.profile.checkpoints.first().cloned().unwrap_or_default();
        setting("TTP_CHECKPOINT").unwrap_or_else(first)
    }

    /// The checkpoints that this run is about: `TTP_CHECKPOINT` alone, or the profile's.
    pub fn checkpoints(&self) -> Vec<String> {
        match setting("TTP_CHECKPOINT") {
            Some(name) => vec![name],
            None => self.profile.checkpoints.clone(),
        }
    }

    /// The seed that fine-tunes a checkpoint under a protocol. A checkpoint that is made of
    /// another one has that one's: new head, batches and dropout are drawn alike, so that the
    /// two differ in nothing but their start. Of a folder its name counts, and not where it lies.
    pub fn finetune_seed(&self, checkpoint: &str, protocol: Protocol) -> u64 {
        let base = match Entry::named(checkpoint) {
            Some(entry) => entry.base().to_owned(),
            None => self.folder_name(checkpoint).unwrap_or_else(|| checkpoint.to_owned()),
        };
        self.seed(&format!("finetune {base} {}", protocol.name()))
    }

    /// The last part of a checkpoint's path; `None` of what is no path.
    fn folder_name(&self, checkpoint: &str) -> Option<String> {
        let folders = [PathBuf::from(checkpoint), self.root.join(checkpoint)];
        let is_path = checkpoint.contains(std::path::is_separator);
        let folder = folders.into_iter().find(|folder| is_path && folder.is_dir())?;
        // `./` and `..` have their name in the whole path alone.
        let folder = match folder.file_name() {
            Some(_) => folder,
            None => folder.canonicalize().ok()?,
        };
        folder.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    /// The checkpoint of that name.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn chosen_checkpoint(&self) -> Result<Checkpoint> {
        self.checkpoint(&self.chosen_name())
    }

    /// The repository's root.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Of a revision that the hub does not have: what takes another one.
fn with_advice(error: Error, name: &str, id: &str) -> Error {
    let Error::HubRevision { what, reason, .. } = error else { return error };
    let advice = match Entry::named(name) {
        Some(_) => format!(
            "; the profile's setting \"revisions\" takes another: \"revisions\": {{\"{name}\": \
             \"main\"}}"
        ),
        None => format!("; {id}@main, for instance, names another"),
    };
    Error::HubRevision { what, reason, advice }
}

fn profiles_in(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(Error::file(folder, "read"))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.ok()?.path().file_stem().map(|s| s.to_string_lossy().into_owned())
        })
        .collect();
    names.retain(|name| name != SCHEMA);
    names.sort();
    names.push("a JSON file's path".to_owned());
    Ok(names)
}
