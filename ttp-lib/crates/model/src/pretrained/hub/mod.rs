//! Checkpoints and data sets from the Hugging Face hub, in the cache that Python's
//! huggingface_hub keeps: either finds what the other fetched.
//!
//! Nothing is trusted for being there. The hub names each file by its content, and
//! [`Hub::fetch`] compares the two before a file gets its place in the cache, and
//! again each time that it is used from there.
//!
//! hf-hub is not used: 0.4 has no offline mode and compares no content, and 1.0 reads
//! huggingface_hub's variables for places and the token, but none for offline use.

mod cache;
mod checkpoint_files;
mod client;
mod content;
mod fetch;
mod progress;
mod proxies;
mod refusal;
mod repository;
mod settings;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod token;
mod variables;

pub use progress::{Progress, print_every};
pub use proxies::Proxies;
pub use repository::check_dataset;
pub use repository::is_revision;
pub use settings::{HubSettings, Retry};
pub use token::Token;

use cache::RepositoryCache;
use checkpoint_files::SMALL_FILES;
use client::Client;
use content::is_commit;
use fetch::Fetch;
use repository::{Kind, Repository};
use std::path::PathBuf;
use ttp_base::Result;

/// The hub, or its cache alone where that is asked for.
#[derive(Debug)]
pub struct Hub {
    client: Client,
}

/// A checkpoint in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder with `config.json`, weights and tokenizer.
    pub folder: PathBuf,
    /// The commit that it is of.
    pub commit: String,
    /// The files that are there, weights last, by their paths in the folder.
    pub files: Vec<String>,
    /// Those of them that are no links into the cache's blobs, a user's own copies for
    /// instance: nothing says what they should hold.
    pub unchecked: Vec<String>,
}

/// A file of a data set in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFile {
    /// Where it is.
    pub path: PathBuf,
    /// The commit that it is of.
    pub commit: String,
    /// Whether it is no link into the cache's blobs: nothing says what it should hold.
    pub unchecked: bool,
}

impl Hub {
    /// The hub that the environment names, as [`HubSettings::from_lookup`] reads it.
    ///
    /// # Errors
    /// If a variable makes no sense, or a token's file cannot be read.
    pub fn from_env() -> Result<Self> {
        let home = || std::env::home_dir().map(PathBuf::into_os_string);
        let lookup = |name: &str| {
            let value = std::env::var_os(name);
            // Where the variable is not set, the system knows the user's home.
            if name == "HOME" { value.filter(|home| !home.is_empty()).or_else(home) } else { value }
        };
        Ok(Self::new(HubSettings::from_lookup(lookup)?))
    }

    /// A hub of these settings.
    pub fn new(settings: HubSettings) -> Self {
        Self { client: Client::new(settings) }
    }

    /// A `progress` for [`fetch`](Self::fetch): a line about every five seconds and for each
    /// file that has come whole, unless the settings want none.
    pub fn watch(&self) -> Box<dyn FnMut(&Progress)> {
        match self.client.settings().progress {
            true => Box::new(print_every(5.0)),
            false => Box::new(|_| {}),
        }
    }

    /// Brings the checkpoint `id` (`org/name`, or `name` alone) at `revision` (a branch,
    /// a tag or a commit) into the cache and checks the content of every file. Weights
    /// are the first of `model.safetensors`, `model.safetensors.index.json` with the files that
    /// it names, `pytorch_model.bin`, `pytorch_model.bin.index.json` with its files. A sentence
    /// encoder comes with `modules.json` and what that names.
    ///
    /// A commit whose files are all in the cache costs no request. What a broken off
    /// fetch left is gone on with. `progress` is told of each file that is fetched.
    ///
    /// # Errors
    /// One line with the model, its revision and the file: if a name makes no sense, the
    /// hub cannot be reached or refuses, there are no weights, a file's content is not
    /// what the hub says, the cache cannot be written; offline, if something is not in
    /// the cache or is corrupt there. [`HubRevision`](ttp_base::Error::HubRevision) if the hub knows the model and not
    /// the revision.
    pub fn fetch(
        &self,
        id: &str,
        revision: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Snapshot> {
        let repository = Repository { kind: Kind::Model, id, revision };
        Fetch::new(&self.client, repository)?.checkpoint(progress)
    }

    /// Brings one file of the data set `id` at `revision` into the cache and checks its content,
    /// as [`fetch`](Self::fetch) does. `file` is its path in the repository: `data/train.csv`.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch); if there is no such file, with the names of some that there
    /// are.
    pub fn dataset_file(
        &self,
        id: &str,
        revision: &str,
        file: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<DatasetFile> {
        check_dataset(id, revision, file)?;
        let repository = Repository { kind: Kind::Dataset, id, revision };
        Fetch::new(&self.client, repository)?.single_file(file, progress)
    }

    /// The cache's folder of the checkpoint `id` at `revision`, if it holds what a tokenizer is
    /// read from, with weights or without. The hub is not asked.
    ///
    /// # Errors
    /// If a file of the cache cannot be read.
    pub fn cached_tokenizer(&self, id: &str, revision: &str) -> Result<Option<PathBuf>> {
        let repository = Repository { kind: Kind::Model, id, revision };
        if repository.mistake().is_some() {
            return Ok(None);
        }
        let cache = &self.client.settings().cache;
        let cache = RepositoryCache::new(cache, &repository.folder_name());
        let commit = match is_commit(revision) {
            true => Some(revision.to_owned()),
            false => cache.commit_of(revision)?,
        };
        let Some(commit) = commit else { return Ok(None) };
        for file in SMALL_FILES.iter().filter(|file| cache.has(&commit, file)) {
            if !cache.check(&commit, file)?.is_usable() {
                return Ok(None);
            }
        }
        let folder = cache.snapshot(&commit);
        Ok(super::has_tokenizer(&folder).then_some(folder))
    }
}
