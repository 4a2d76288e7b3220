//! Single files of the hub's data sets, in the same cache and checked as a checkpoint's are.

use super::cache::ModelCache;
use super::content::is_commit;
use super::{Fetch, Hub, Kind, Progress, is_model_id, is_revision};
use crate::{Error, Result};
use std::path::PathBuf;

/// As many of a data set's files are named where the one that is asked for is not among them.
const NAMED: usize = 5;

impl Hub {
    /// Brings a file of the data set `id` (`owner/name`) at `revision` (a branch, a tag or a
    /// commit) into the cache, checks its content, and says where it lies. A commit's file that is
    /// in the cache costs no request. `progress` is told while it is fetched.
    ///
    /// # Errors
    /// One line with the data set, its revision and the file: if a name makes no sense, the hub
    /// cannot be reached or refuses, the data set has no such file, its content is not what the hub
    /// says, or the cache cannot be written; offline, if it is not in the cache or is corrupt there.
    pub fn fetch_from_dataset(
        &self,
        id: &str,
        revision: &str,
        file: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<PathBuf> {
        check_dataset(id, revision, file)?;
        let cache = ModelCache::of(&self.client.settings().cache, Kind::Dataset.plural(), id);
        let fetch = Fetch { client: &self.client, kind: Kind::Dataset, id, revision, cache };
        let known = match is_commit(revision) {
            true => Some(revision.to_owned()),
            false => fetch.cache.commit_of(revision)?,
        };
        let lies = |commit: &str| fetch.cache.snapshot(commit).join(file);
        let offline = self.client.settings().offline;
        // A branch is asked for anew, a commit is what it was.
        if let Some(commit) = known.as_deref().filter(|_| offline || is_commit(revision))
            && fetch.cache.check(commit, file)?.is_usable()
        {
            return Ok(lies(commit));
        }
        if offline {
            return Err(fetch.not_in_cache(file));
        }
        let listing = fetch.listing()?;
        if !listing.siblings.iter().any(|one| one.rfilename == file) {
            let names = listing.siblings.iter().map(|one| one.rfilename.as_str());
            let names: Vec<_> = names.filter(|name| !name.starts_with('.')).take(NAMED).collect();
            let reason = format!("the data set has no such file; it has {}", names.join(", "));
            return Err(fetch.wrong(Some(file), reason));
        }
        if !fetch.cache.check(&listing.sha, file)?.is_usable() {
            fetch.fetch_file(&listing.sha, file, progress)?;
        }
        if !is_commit(revision) {
            fetch.stored(None, fetch.cache.note_commit(revision, &listing.sha))?;
        }
        Ok(lies(&listing.sha))
    }
}

/// Whether these may be a data set's id, a revision and a file's path within: each becomes a part
/// of paths and addresses.
///
/// # Errors
/// If one of them may not.
pub fn check_dataset(id: &str, revision: &str, file: &str) -> Result<()> {
    let wrong = |reason: &str| {
        let what = format!("{id}@{revision}, {file}");
        Err(Error::Hub { what, reason: reason.to_owned() })
    };
    if !is_model_id(id) || !id.contains('/') {
        return wrong("this is no data set's name: owner/name, of letters, digits, . _ -");
    }
    if !is_revision(revision) {
        return wrong("this is no name of a branch, a tag or a commit");
    }
    let part = |part: &str| !part.is_empty() && !part.starts_with('.');
    if !file.split('/').all(part) || file.contains(|c: char| c.is_control() || c == '\\') {
        return wrong("this is no path of a file in a data set");
    }
    Ok(())
}
