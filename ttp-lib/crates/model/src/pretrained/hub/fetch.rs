//! A repository's files, from the hub or from its cache, each checked by its content.

use super::cache::{CacheState, RepositoryCache};
use super::checkpoint_files::{MissingFile, Source, foreign, wanted};
use super::client::{Client, Failure, FileFacts, watching};
use super::content::is_commit;
use super::progress::Progress;
use super::refusal;
use super::repository::Repository;
use super::{DatasetFile, Snapshot};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use ttp_base::{Error, Result, files};
use url::Url;

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

/// One repository that is asked for.
pub(super) struct Fetch<'a> {
    client: &'a Client,
    repository: Repository<'a>,
    cache: RepositoryCache,
}

/// A commit as the hub lists it. Files are fetched as they are asked for.
struct Online<'a> {
    fetch: &'a Fetch<'a>,
    listing: &'a Listing,
    progress: &'a mut dyn FnMut(&Progress),
    states: BTreeMap<String, CacheState>,
    absent: Vec<String>,
}

/// A commit as far as the cache has it.
struct InCache<'a> {
    fetch: &'a Fetch<'a>,
    commit: &'a str,
    /// Whether all answers so far are certain: what is not there need not be absent.
    knows: bool,
}

impl Source for Online<'_> {
    fn has(&mut self, file: &str) -> bool {
        let has = self.listing.siblings.iter().any(|one| one.rfilename == file);
        if !has {
            self.absent.push(file.to_owned());
        }
        has
    }

    fn json(&mut self, file: &str) -> Result<Value> {
        self.have(file)?;
        self.fetch.json(&self.listing.sha, file)
    }

    fn wrong(&self, file: &str, reason: String) -> Error {
        self.fetch.wrong(Some(file), reason)
    }
}

impl Online<'_> {
    /// Fetches a file that the cache does not have, or has in part.
    fn have(&mut self, file: &str) -> Result<CacheState> {
        if let Some(state) = self.states.get(file) {
            return Ok(*state);
        }
        let mut state = self.fetch.cache.check(&self.listing.sha, file)?;
        if !state.is_usable() {
            self.fetch.fetch_file(&self.listing.sha, file, self.progress)?;
            state = CacheState::Sound;
        }
        self.states.insert(file.to_owned(), state);
        Ok(state)
    }
}

impl Source for InCache<'_> {
    fn has(&mut self, file: &str) -> bool {
        let has = self.fetch.cache.has(self.commit, file);
        self.knows &= has || self.fetch.cache.lacks(self.commit, file);
        has
    }

    fn json(&mut self, file: &str) -> Result<Value> {
        self.fetch.usable(self.commit, file)?;
        self.fetch.json(self.commit, file)
    }

    fn wrong(&self, file: &str, reason: String) -> Error {
        self.fetch.wrong(Some(file), reason)
    }
}

impl<'a> Fetch<'a> {
    /// # Errors
    /// If a name makes no sense.
    pub(super) fn new(client: &'a Client, repository: Repository<'a>) -> Result<Self> {
        let cache = RepositoryCache::new(&client.settings().cache, &repository.folder_name());
        let fetch = Self { client, repository, cache };
        match repository.mistake() {
            Some(reason) => Err(fetch.wrong(None, reason)),
            None => Ok(fetch),
        }
    }

    /// A whole checkpoint.
    pub(super) fn checkpoint(&self, progress: &mut dyn FnMut(&Progress)) -> Result<Snapshot> {
        if self.client.settings().offline {
            return self.offline();
        }
        match self.pinned()? {
            Some(snapshot) => Ok(snapshot),
            None => self.online(progress),
        }
    }

    /// One file of any kind of repository.
    pub(super) fn single_file(
        &self,
        file: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<DatasetFile> {
        let revision = self.repository.revision;
        if self.client.settings().offline {
            let commit = self.cached_commit()?;
            if !self.cache.has(&commit, file) {
                return Err(self.not_in_cache(file));
            }
            let state = self.usable(&commit, file)?;
            return Ok(self.dataset_file(commit, file, state));
        }
        if is_commit(revision) {
            let state = self.cache.check(revision, file)?;
            if state.is_usable() {
                return Ok(self.dataset_file(revision.to_owned(), file, state));
            }
        }
        let listing = self.listing()?;
        let names = listing.siblings.iter().map(|one| one.rfilename.as_str());
        if !names.clone().any(|name| name == file) {
            let others: Vec<&str> = names.filter(|name| !name.starts_with('.')).take(8).collect();
            let noun = self.repository.noun();
            let reason = format!("the {noun} has no such file; it has: {}", others.join(", "));
            return Err(self.wrong(Some(file), reason));
        }
        let (states, absent) = (BTreeMap::new(), Vec::new());
        let mut online = Online { fetch: self, listing: &listing, progress, states, absent };
        let state = online.have(file)?;
        self.note_revision(&listing.sha)?;
        Ok(self.dataset_file(listing.sha, file, state))
    }

    fn dataset_file(&self, commit: String, file: &str, state: CacheState) -> DatasetFile {
        let path = self.cache.snapshot(&commit).join(file);
        DatasetFile { path, commit, unchecked: state == CacheState::Unchecked }
    }

    /// A snapshot of a commit that is known to be whole, without a request.
    fn pinned(&self) -> Result<Option<Snapshot>> {
        let commit = self.repository.revision;
        if !is_commit(commit) {
            return Ok(None);
        }
        let mut source = InCache { fetch: self, commit, knows: true };
        // What is wrong there is fetched anew.
        let Ok(wanted) = wanted(&mut source) else { return Ok(None) };
        if wanted.lacking.is_some() || !source.knows {
            return Ok(None);
        }
        let states = self.states(commit, &wanted.files)?;
        let whole = states.iter().all(|state| state.is_usable());
        Ok(whole.then(|| self.snapshot(commit, wanted.files, &states)))
    }

    fn states(&self, commit: &str, files: &[String]) -> Result<Vec<CacheState>> {
        files.iter().map(|file| self.cache.check(commit, file)).collect()
    }

    /// The commit that the revision is, or was when the cache last heard of it.
    fn cached_commit(&self) -> Result<String> {
        let revision = self.repository.revision;
        if is_commit(revision) {
            return Ok(revision.to_owned());
        }
        self.cache.commit_of(revision)?.ok_or_else(|| self.not_in_cache("it"))
    }

    fn offline(&self) -> Result<Snapshot> {
        let commit = self.cached_commit()?;
        let mut source = InCache { fetch: self, commit: &commit, knows: true };
        let wanted = wanted(&mut source)?;
        if let Some(lacking) = wanted.lacking {
            return Err(self.not_in_cache(lacking));
        }
        let states: Result<Vec<CacheState>> =
            wanted.files.iter().map(|file| self.usable(&commit, file)).collect();
        Ok(self.snapshot(&commit, wanted.files, &states?))
    }

    /// How a file lies in the cache.
    ///
    /// # Errors
    /// If it is not there, or is known to be wrong.
    fn usable(&self, commit: &str, file: &str) -> Result<CacheState> {
        let state = self.cache.check(commit, file)?;
        if !state.is_usable() {
            let reason = "what the cache holds is corrupt or gone, and offline mode is on: set \
                          HF_HUB_OFFLINE=0 once to fetch it anew";
            return Err(self.wrong(Some(file), reason));
        }
        Ok(state)
    }

    fn not_in_cache(&self, what: impl std::fmt::Display) -> Error {
        let cache = self.client.settings().cache.display();
        let reason = format!(
            "{what} is not in the cache {cache}, and offline mode is on: set HF_HUB_OFFLINE=0 \
             once to fetch it"
        );
        self.wrong(None, reason)
    }

    /// What a file of a snapshot holds.
    fn json(&self, commit: &str, file: &str) -> Result<Value> {
        let path = self.cache.snapshot(commit).join(file);
        let text = files::read_text(&path)?;
        serde_json::from_str(&text).map_err(|error| {
            self.wrong(Some(file), format!("this is not the JSON it should be: {error}"))
        })
    }

    fn online(&self, progress: &mut dyn FnMut(&Progress)) -> Result<Snapshot> {
        let listing = self.listing()?;
        let (states, absent) = (BTreeMap::new(), Vec::new());
        let mut online = Online { fetch: self, listing: &listing, progress, states, absent };
        let wanted = wanted(&mut online)?;
        if let Some(lacking) = wanted.lacking {
            let names = listing.siblings.iter().map(|one| one.rfilename.as_str());
            let others = match lacking {
                MissingFile::Weights => foreign(names).map(|others| format!("; there is {others}")),
                _ => None,
            };
            let others = others.unwrap_or_default();
            return Err(self.wrong(None, format!("the repository has no {lacking}{others}")));
        }
        let states: Result<Vec<CacheState>> =
            wanted.files.iter().map(|file| online.have(file)).collect();
        let states = states?;
        for file in &online.absent {
            // Saves a request next time, and is nothing to fail for in a read-only cache.
            let _ = self.cache.note_absence(&listing.sha, file);
        }
        self.note_revision(&listing.sha)?;
        Ok(self.snapshot(&listing.sha, wanted.files, &states))
    }

    fn note_revision(&self, commit: &str) -> Result<()> {
        match self.repository.revision {
            revision if is_commit(revision) => Ok(()),
            revision => self.stored(None, self.cache.note_commit(revision, commit)),
        }
    }

    fn listing(&self) -> Result<Listing> {
        let url = self.client.address(self.repository.listing());
        let text = self.client.text(&url).map_err(|failure| self.failed(None, failure))?;
        let listing: Listing = serde_json::from_str(&text).map_err(|error| {
            self.wrong(None, format!("the hub's answer is not the JSON it should be: {error}"))
        })?;
        let revision = self.repository.revision;
        if !is_commit(&listing.sha) {
            let reason = format!("the hub's answer is of {:?}, which is no commit", listing.sha);
            return Err(self.wrong(None, reason));
        }
        if is_commit(revision) && listing.sha != revision {
            let reason = format!("the hub answers with commit {} in its place", listing.sha);
            return Err(self.no_revision(reason));
        }
        Ok(listing)
    }

    /// Fetches a file and links it into the snapshot, unless another process has just
    /// done so.
    pub(super) fn fetch_file(
        &self,
        commit: &str,
        file: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<()> {
        let url = self.client.address(self.repository.file(commit, file));
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
    fn has_sound_blob(&self, announced: &FileFacts) -> Result<bool> {
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
        url: &Url,
        file: &str,
        announced: &FileFacts,
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

    fn snapshot(&self, commit: &str, files: Vec<String>, states: &[CacheState]) -> Snapshot {
        let unchecked =
            files.iter().zip(states).filter(|(_, state)| **state == CacheState::Unchecked);
        Snapshot {
            folder: self.cache.snapshot(commit),
            commit: commit.to_owned(),
            unchecked: unchecked.map(|(file, _)| file.clone()).collect(),
            files,
        }
    }

    pub(super) fn wrong(&self, file: Option<&str>, reason: impl Into<String>) -> Error {
        let file = file.map(|file| format!(", {file}")).unwrap_or_default();
        let Repository { id, revision, .. } = self.repository;
        Error::Hub { what: format!("{id}@{revision}{file}"), reason: reason.into() }
    }

    fn no_revision(&self, reason: String) -> Error {
        let Repository { id, revision, .. } = self.repository;
        Error::HubRevision { what: format!("{id}@{revision}"), reason, advice: String::new() }
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
            Failure::Passing(reason) | Failure::Busy(reason, _) => {
                refusal::passing(&reason, self.client.settings())
            }
            Failure::Lasting(reason) => reason,
            Failure::Disk(error) => error.to_string(),
            Failure::Refused(answer) => {
                let refusal = refusal::Refusal { client: self.client, of: self.repository, file };
                if refusal.is_of_revision(&answer) {
                    return self.no_revision(refusal.reason(&answer));
                }
                refusal.reason(&answer)
            }
        };
        self.wrong(file, reason)
    }
}
