//! The hub's cache on disk, in the layout that Python's huggingface_hub keeps too:
//!
//! ```text
//! models--org--name/                   datasets--org--name/ for a data set
//!   blobs/<content id>                   what files hold
//!   refs/<revision>                      the commit that a branch or tag meant last
//!   snapshots/<commit>/<file>            links into blobs/
//!   .no_exist/<commit>/<file>            files that the commit is known not to have
//! .locks/models--org--name/<content id>.lock
//! ```

use super::content::{ContentId, is_commit};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result, files};

/// One repository's part of the cache.
#[derive(Debug)]
pub(super) struct RepositoryCache {
    folder: PathBuf,
    locks: PathBuf,
}

/// A file of a snapshot, as it lies in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CacheState {
    /// Its content is what its blob's name says.
    Sound,
    /// It is no link to a blob, so nothing says what it should hold.
    Unchecked,
    /// Its content is not what its blob's name says.
    Corrupt,
    /// It is not there, or its blob is not.
    Missing,
}

impl CacheState {
    /// Whether there is something, and nothing is known to be wrong with it.
    pub(super) fn is_usable(self) -> bool {
        matches!(self, Self::Sound | Self::Unchecked)
    }
}

impl RepositoryCache {
    /// By the name of its folder, `models--org--name`.
    pub(super) fn new(cache: &Path, name: &str) -> Self {
        Self { folder: cache.join(name), locks: cache.join(".locks").join(name) }
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    pub(super) fn blob(&self, id: &ContentId) -> PathBuf {
        self.folder.join("blobs").join(id.as_str())
    }

    /// Where a blob grows until it is whole.
    pub(super) fn partial(&self, id: &ContentId) -> PathBuf {
        self.folder.join("blobs").join(format!("{}.incomplete", id.as_str()))
    }

    /// The commit that `revision` meant when it was last asked for.
    pub(super) fn commit_of(&self, revision: &str) -> Result<Option<String>> {
        let path = self.folder.join("refs").join(revision);
        match fs::read_to_string(&path) {
            Ok(text) if is_commit(text.trim()) => Ok(Some(text.trim().to_owned())),
            Ok(_) => Err(Error::input(&path, "this is no commit; remove the file")),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(Error::file(&path, "read")(error)),
        }
    }

    /// Notes which commit `revision` means now.
    pub(super) fn note_commit(&self, revision: &str, commit: &str) -> Result<()> {
        if matches!(self.commit_of(revision), Ok(Some(known)) if known == commit) {
            return Ok(());
        }
        files::write_text(&self.folder.join("refs").join(revision), commit)
    }

    /// Whether a snapshot has a file, whatever it holds: a link that leads nowhere says
    /// that there should be one.
    pub(super) fn has(&self, commit: &str, file: &str) -> bool {
        fs::symlink_metadata(self.snapshot(commit).join(file)).is_ok()
    }

    /// Whether the commit is known not to have a file.
    pub(super) fn lacks(&self, commit: &str, file: &str) -> bool {
        self.absence(commit, file).is_file()
    }

    /// Notes that the commit has no such file.
    pub(super) fn note_absence(&self, commit: &str, file: &str) -> Result<()> {
        match self.lacks(commit, file) {
            true => Ok(()),
            false => files::write_text(&self.absence(commit, file), ""),
        }
    }

    fn absence(&self, commit: &str, file: &str) -> PathBuf {
        self.folder.join(".no_exist").join(commit).join(file)
    }

    /// Reads all of a snapshot's file and compares it with its blob's name.
    pub(super) fn check(&self, commit: &str, file: &str) -> Result<CacheState> {
        let path = self.snapshot(commit).join(file);
        if !path.is_file() {
            return Ok(CacheState::Missing);
        }
        let target = fs::read_link(&path).ok();
        let blob = target.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let Some(id) = blob.and_then(ContentId::parse) else { return Ok(CacheState::Unchecked) };
        match id.matches(&path).map_err(Error::file(&path, "read"))? {
            true => Ok(CacheState::Sound),
            false => Ok(CacheState::Corrupt),
        }
    }

    /// Makes a snapshot's file a link to its blob; one that was there is replaced.
    pub(super) fn link(&self, commit: &str, file: &str, id: &ContentId) -> Result<()> {
        let path = self.snapshot(commit).join(file);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
        let up = "../".repeat(2 + file.matches('/').count());
        let target = Path::new(&up).join("blobs").join(id.as_str());
        if fs::read_link(&path).is_ok_and(|known| known == target) {
            return Ok(());
        }
        let link = tempfile::Builder::new()
            .prefix(files::HALF_WRITTEN)
            .make_in(folder, |new| symlink(&target, new))
            .map_err(Error::file(&path, "link"))?;
        link.into_temp_path()
            .persist(&path)
            .map_err(|error| Error::file(&path, "link")(error.error))
    }

    /// Waits until no other thread or process (Python's among them) fetches this blob.
    /// The lock ends with the value, and with the process however that ends.
    pub(super) fn lock(&self, id: &ContentId) -> Result<File> {
        let path = self.locks.join(format!("{}.lock", id.as_str()));
        fs::create_dir_all(&self.locks).map_err(Error::file(&self.locks, "create"))?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::file(&path, "create"))?;
        lock(&file).map_err(Error::file(&path, "lock"))?;
        Ok(file)
    }
}

/// Whether there is nothing, be it that a folder on the way is missing or is a file.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
use std::os::unix::fs::symlink;

#[cfg(not(unix))]
fn symlink(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The standard library's lock, which is `flock` as huggingface_hub takes it, tried again where a
/// signal ends the waiting.
fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
