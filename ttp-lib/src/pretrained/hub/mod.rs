//! Checkpoints from the Hugging Face hub, in the cache that Python's huggingface_hub
//! keeps: either finds what the other fetched.
//!
//! Nothing is trusted for being there. The hub names each file by its content, and
//! [`Hub::fetch`] compares the two before a file gets its place in the cache, and
//! again each time that it is used from there.

mod cache;
mod client;
mod content;
mod dataset;
mod progress;
mod settings;

pub use dataset::check_dataset;
pub use progress::{Progress, print_every};
pub use settings::{Retry, Settings, Token};

use crate::{Error, Result};
use cache::{Cached, ModelCache};
use client::{Announced, Client, Failure, watching};
use content::is_commit;
use serde::Deserialize;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;

const SAFE_WEIGHTS: &str = "model.safetensors";
const PICKLED_WEIGHTS: &str = "pytorch_model.bin";

/// What a checkpoint may have beside its weights; these are fetched first, so that a
/// snapshot with weights is whole.
const SMALL_FILES: [&str; 8] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
];

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
    /// The files that are there, weights last.
    pub files: Vec<String>,
    /// Those of them that are no links into the cache's blobs, a user's own copies for
    /// instance: nothing says what they should hold.
    pub unchecked: Vec<String>,
}

/// What the hub says of a revision.
#[derive(Deserialize)]
struct Listing {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Hub {
    /// The hub that the environment names, as [`Settings::from_lookup`] reads it.
    ///
    /// # Errors
    /// If a variable makes no sense, or a token's file cannot be read.
    pub fn from_env() -> Result<Self> {
        Self::new(Settings::from_lookup(|name| std::env::var_os(name))?)
    }

    /// A hub of these settings.
    ///
    /// # Errors
    /// If the proxy's address is none.
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self { client: Client::new(settings)? })
    }

    /// Brings the checkpoint `id` (`org/name`, or `name` alone) at `revision` (a branch,
    /// a tag or a commit) into the cache and checks the content of every file. Weights
    /// are `model.safetensors` if there is one, else `pytorch_model.bin`.
    ///
    /// A commit whose files are all in the cache costs no request. What a broken off
    /// fetch left is gone on with. `progress` is told of each file that is fetched.
    ///
    /// # Errors
    /// One line with the model, its revision and the file: if a name makes no sense, the
    /// hub cannot be reached or refuses, there are no weights, a file's content is not
    /// what the hub says, the cache cannot be written; offline, if something is not in
    /// the cache or is corrupt there.
    pub fn fetch(
        &self,
        id: &str,
        revision: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Snapshot> {
        let cache = ModelCache::new(&self.client.settings().cache, id);
        let fetch = Fetch { client: &self.client, kind: Kind::Model, id, revision, cache };
        fetch.check_names()?;
        if self.client.settings().offline {
            return fetch.offline();
        }
        match fetch.pinned()? {
            Some(snapshot) => Ok(snapshot),
            None => fetch.online(progress),
        }
    }
}

impl Hub {
    /// The cache's folder of the checkpoint `id` at `revision`, if it holds what a tokenizer is
    /// read from, with weights or without. The hub is not asked.
    ///
    /// # Errors
    /// If a file of the cache cannot be read.
    pub fn cached_tokenizer(&self, id: &str, revision: &str) -> Result<Option<PathBuf>> {
        let cache = ModelCache::new(&self.client.settings().cache, id);
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

/// What a repository of the hub holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Model,
    Dataset,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "data set",
        }
    }

    /// As addresses and the cache's folders have it.
    fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
        }
    }
}

/// One checkpoint, or file of a data set, that is asked for.
struct Fetch<'a> {
    client: &'a Client,
    kind: Kind,
    id: &'a str,
    revision: &'a str,
    cache: ModelCache,
}

impl Fetch<'_> {
    /// Both names become parts of paths and addresses.
    fn check_names(&self) -> Result<()> {
        if !is_model_id(self.id) {
            return Err(
                self.wrong(None, "this is no model's name: org/name, of letters, digits, . _ -")
            );
        }
        if !is_revision(self.revision) {
            return Err(self.wrong(None, "this is no name of a branch, a tag or a commit"));
        }
        Ok(())
    }

    /// A snapshot of a commit that is known to be whole, without a request.
    fn pinned(&self) -> Result<Option<Snapshot>> {
        if !is_commit(self.revision) {
            return Ok(None);
        }
        let Some(files) = self.known_files(self.revision) else { return Ok(None) };
        let states = self.states(self.revision, &files)?;
        let whole = states.iter().all(|state| state.is_usable());
        Ok(whole.then(|| self.snapshot(self.revision, &files, &states)))
    }

    /// The commit's files, if the cache knows of every one whether there is one.
    fn known_files(&self, commit: &str) -> Option<Vec<&'static str>> {
        let cache = &self.cache;
        let weights = cache.has(commit, SAFE_WEIGHTS)
            || (cache.lacks(commit, SAFE_WEIGHTS) && cache.knows(commit, PICKLED_WEIGHTS));
        let files = self.present_files(commit);
        let small = SMALL_FILES.iter().all(|file| cache.knows(commit, file));
        (weights && small && lacking(&files).is_none()).then_some(files)
    }

    fn present_files(&self, commit: &str) -> Vec<&'static str> {
        wanted(|file| self.cache.has(commit, file))
    }

    fn states(&self, commit: &str, files: &[&str]) -> Result<Vec<Cached>> {
        files.iter().map(|file| self.cache.check(commit, file)).collect()
    }

    fn offline(&self) -> Result<Snapshot> {
        let commit = if is_commit(self.revision) {
            self.revision.to_owned()
        } else {
            self.cache.commit_of(self.revision)?.ok_or_else(|| self.not_in_cache("it"))?
        };
        let files = self.present_files(&commit);
        if let Some(lacking) = lacking(&files) {
            return Err(self.not_in_cache(lacking));
        }
        let states = self.states(&commit, &files)?;
        for (file, state) in files.iter().zip(&states) {
            if !state.is_usable() {
                let reason = "what the cache holds is corrupt or gone, and offline mode is on: unset \
                              HF_HUB_OFFLINE once to fetch it anew";
                return Err(self.wrong(Some(file), reason));
            }
        }
        Ok(self.snapshot(&commit, &files, &states))
    }

    fn not_in_cache(&self, what: &str) -> Error {
        let cache = self.client.settings().cache.display();
        let reason = format!(
            "{what} is not in the cache {cache}, and offline mode is on: unset HF_HUB_OFFLINE \
             once to fetch it"
        );
        self.wrong(None, reason)
    }

    fn online(&self, progress: &mut dyn FnMut(&Progress)) -> Result<Snapshot> {
        let listing = self.listing()?;
        let commit = &listing.sha;
        let listed = |file: &str| listing.siblings.iter().any(|one| one.rfilename == file);
        let files = wanted(listed);
        if let Some(lacking) = lacking(&files) {
            return Err(self.wrong(None, format!("the repository has no {lacking}")));
        }
        let mut states = Vec::new();
        for file in &files {
            let mut state = self.cache.check(commit, file)?;
            if !state.is_usable() {
                self.fetch_file(commit, file, progress)?;
                state = Cached::Sound;
            }
            states.push(state);
        }
        for file in SMALL_FILES.iter().chain(&[SAFE_WEIGHTS, PICKLED_WEIGHTS]) {
            if !listed(file) {
                // Saves a request next time, and is nothing to fail for in a read-only cache.
                let _ = self.cache.note_absence(commit, file);
            }
        }
        if !is_commit(self.revision) {
            self.stored(None, self.cache.note_commit(self.revision, commit))?;
        }
        Ok(self.snapshot(commit, &files, &states))
    }

    /// The path of the repository's page.
    fn home(&self) -> impl Iterator<Item = &str> {
        let prefix = (self.kind == Kind::Dataset).then_some(Kind::Dataset.plural());
        prefix.into_iter().chain(self.id.split('/'))
    }

    fn listing(&self) -> Result<Listing> {
        let path = ["api", self.kind.plural()].into_iter().chain(self.id.split('/'));
        let url = self.client.address(path.chain(["revision", self.revision]));
        let text = self.client.text(&url).map_err(|failure| self.failed(None, failure))?;
        let listing: Listing = serde_json::from_str(&text).map_err(|error| {
            self.wrong(None, format!("the hub's answer is not the JSON it should be: {error}"))
        })?;
        let other = is_commit(self.revision) && listing.sha != self.revision;
        if !is_commit(&listing.sha) || other {
            let reason =
                format!("the hub's answer is of {:?}, which is not the commit", listing.sha);
            return Err(self.wrong(None, reason));
        }
        Ok(listing)
    }

    /// Fetches a file and links it into the snapshot, unless another process has just
    /// done so.
    fn fetch_file(
        &self,
        commit: &str,
        file: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<()> {
        let path = self.home().chain(["resolve", commit]).chain(file.split('/'));
        let url = self.client.address(path);
        let announced =
            self.client.announced(&url).map_err(|failure| self.failed(Some(file), failure))?;
        if let Some(other) = announced.commit.as_deref().filter(|other| *other != commit) {
            let reason = format!("the hub answered with commit {other} for {commit}");
            return Err(self.wrong(Some(file), reason));
        }
        let _lock = self.stored(Some(file), self.cache.lock(&announced.id))?;
        if !self.stored(Some(file), self.has_sound_blob(&announced))? {
            self.download(&url, file, &announced, progress)?;
        }
        self.stored(Some(file), self.cache.link(commit, file, &announced.id))
    }

    /// Whether the blob is there; one that holds something else is removed.
    fn has_sound_blob(&self, announced: &Announced) -> Result<bool> {
        let blob = self.cache.blob(&announced.id);
        if !blob.exists() {
            return Ok(false);
        }
        let sound = announced.id.matches(&blob).map_err(Error::file(&blob, "read"))?;
        if !sound {
            fs::remove_file(&blob).map_err(Error::file(&blob, "remove"))?;
        }
        Ok(sound)
    }

    /// Fetches a blob to a name that nothing trusts, and renames it if its content is right.
    fn download(
        &self,
        url: &url::Url,
        file: &str,
        announced: &Announced,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<()> {
        let (blob, path) = (self.cache.blob(&announced.id), self.cache.partial(&announced.id));
        let disk = |action| {
            let path = path.clone();
            move |error| self.unwritable(Some(file), &Error::file(&path, action)(error))
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(disk("create"))?;
        }
        loop {
            let mut part = OpenOptions::new()
                .create(true)
                .append(true)
                .read(true)
                .open(&path)
                .map_err(disk("create"))?;
            let resumed = part.metadata().map_err(disk("read"))?.len() > 0;
            self.client
                .download(url, &mut part, announced.size, &mut watching(file, progress))
                .map_err(|failure| match failure {
                    Failure::Disk(error) => disk("write")(error),
                    other => self.failed(Some(file), other),
                })?;
            part.sync_all().map_err(disk("write"))?;
            if announced.id.matches(&path).map_err(disk("read"))? {
                return fs::rename(&path, &blob).map_err(disk("rename"));
            }
            fs::remove_file(&path).map_err(disk("remove"))?;
            // What an earlier run left may be at fault: once more, from the beginning.
            if !resumed {
                let reason = format!(
                    "what came is not what the hub announced ({}), and was removed",
                    announced.id.as_str()
                );
                return Err(self.wrong(Some(file), reason));
            }
        }
    }

    fn snapshot(&self, commit: &str, files: &[&str], states: &[Cached]) -> Snapshot {
        let unchecked = files.iter().zip(states).filter(|(_, state)| **state == Cached::Unchecked);
        Snapshot {
            folder: self.cache.snapshot(commit),
            commit: commit.to_owned(),
            unchecked: unchecked.map(|(file, _)| (*file).to_owned()).collect(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
        }
    }

    fn wrong(&self, file: Option<&str>, reason: impl Into<String>) -> Error {
        let file = file.map(|file| format!(", {file}")).unwrap_or_default();
        Error::Hub { what: format!("{}@{}{file}", self.id, self.revision), reason: reason.into() }
    }

    /// The cache's own errors, with what can be done about them.
    fn stored<T>(&self, file: Option<&str>, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.unwritable(file, &error))
    }

    fn unwritable(&self, file: Option<&str>, error: &Error) -> Error {
        self.wrong(file, format!("{error}; HF_HOME can name another folder for the cache"))
    }

    fn failed(&self, file: Option<&str>, failure: Failure) -> Error {
        let reason = match failure {
            Failure::Passing(reason) => {
                let attempts = self.client.settings().retry.attempts;
                format!("{reason} (tried {attempts} times); HF_HUB_OFFLINE=1 uses the cache alone")
            }
            Failure::Lasting(reason) => reason,
            Failure::Disk(error) => error.to_string(),
            Failure::Refused { status, code } => self.refusal(status, code.as_deref(), file),
        };
        self.wrong(file, reason)
    }

    /// The hub says 401 both of what is private and of what is not there, so as to give
    /// away nothing.
    fn refusal(&self, status: u16, code: Option<&str>, file: Option<&str>) -> String {
        let settings = self.client.settings();
        let has_token = settings.token.is_some();
        let kind = self.kind.name();
        match (status, code) {
            (401, _) if has_token => {
                "the hub refuses the token (401): see HF_TOKEN, or the file token in HF_HOME".into()
            }
            (401, _) => "private, gated or not there (401): check the name, or set HF_TOKEN to a \
                         token that may read it"
                .into(),
            (403, _) => format!(
                "access is denied (403): accept the {kind}'s terms at {}, and set HF_TOKEN to a \
                 token of that account",
                self.client.address(self.home())
            ),
            (404, Some("RevisionNotFound")) => format!("the {kind} has no such revision (404)"),
            (404, _) if file.is_some() => {
                "the hub lists the file and does not have it (404)".into()
            }
            (404, Some("RepoNotFound")) if has_token => {
                format!("there is no such {kind}, or the token may not read it (404)")
            }
            (404, Some("RepoNotFound")) => format!("there is no such {kind} (404)"),
            (404, _) => format!("there is no such {kind} or revision (404)"),
            _ => format!("the hub refuses with status {status}"),
        }
    }
}

/// The files to have of those that there are, weights last.
fn wanted(is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let weights = [SAFE_WEIGHTS, PICKLED_WEIGHTS].into_iter().find(|file| is_there(file));
    SMALL_FILES.into_iter().filter(|file| is_there(file)).chain(weights).collect()
}

/// What no checkpoint can do without and is not among `files`.
fn lacking(files: &[&str]) -> Option<&'static str> {
    let has = |file| files.contains(&file);
    if !has("config.json") {
        Some("config.json")
    } else if !has(SAFE_WEIGHTS) && !has(PICKLED_WEIGHTS) {
        Some("weights (model.safetensors or pytorch_model.bin)")
    } else if !(has("tokenizer.json") || has("vocab.txt") || has("vocab.json") && has("merges.txt"))
    {
        Some("tokenizer (tokenizer.json, vocab.txt, or vocab.json with merges.txt)")
    } else {
        None
    }
}

/// `org/name` or `name`, as huggingface_hub allows them: nothing that could be another path.
fn is_model_id(id: &str) -> bool {
    let part = |part: &str| {
        let ends = |c: char| matches!(c, '.' | '-');
        (1..=96).contains(&part.len())
            && !part.starts_with(ends)
            && !part.ends_with(ends)
            && !part.ends_with(".git")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    id.split('/').count() <= 2
        && id.split('/').all(part)
        && !id.contains("--")
        && !id.contains("..")
}

/// A name that git allows for a branch or a tag: nothing that could be another path.
fn is_revision(revision: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.');
    revision.split('/').all(part)
        && revision.len() <= 255
        && !revision.contains("..")
        && !revision.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        for id in ["gpt2", "google-bert/bert-base-cased", "a/b.c_d"] {
            assert!(is_model_id(id), "{id}");
        }
        for id in
            ["", "/", "a/", "/a", "a/b/c", "..", "a/..", "../a", "a b", "a\\b", "a--b", "a..b"]
        {
            assert!(!is_model_id(id), "{id}");
        }
        for id in [".a", "a.", "-a/b", "a.git", "a/b?c", "a/b\n", "ä", &"a".repeat(97)] {
            assert!(!is_model_id(id), "{id}");
        }
        for revision in ["main", "refs/pr/1", "v1.0+cu", "f2c9"] {
            assert!(is_revision(revision), "{revision}");
        }
        for revision in
            ["", "..", "a/../b", "/a", "a//b", ".a", "a/.", "a b", "a\\b", "a\nb", "a?b"]
        {
            assert!(!is_revision(revision), "{revision}");
        }
    }

    #[test]
    fn safe_weights_come_before_pickled_ones_and_last_of_all() {
        let all = wanted(|_| true);
        assert_eq!(all.last(), Some(&SAFE_WEIGHTS));
        assert!(!all.contains(&PICKLED_WEIGHTS));
        let pickled = wanted(|file| file != SAFE_WEIGHTS);
        assert_eq!(pickled.last(), Some(&PICKLED_WEIGHTS));
        assert_eq!(lacking(&all), None);
        assert!(
            lacking(&["config.json", "vocab.txt"]).is_some_and(|what| what.contains("weights"))
        );
        let halves = ["config.json", "vocab.json", SAFE_WEIGHTS];
        assert!(lacking(&halves).is_some_and(|what| what.contains("tokenizer")));
    }
}
