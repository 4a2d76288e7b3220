//! Where the repository is, and what the environment says of other places.

use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// An environment variable that is set to something.
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The nearest folder at or above the current one that holds `notebooks/profiles`.
///
/// # Errors
/// If there is none, or the current folder cannot be read.
pub fn repository_root() -> Result<PathBuf> {
    let here = Path::new(".");
    let here = here.canonicalize().map_err(Error::file(here, "read"))?;
    here.ancestors()
        .find(|folder| folder.join("notebooks/profiles").is_dir())
        .map(Path::to_path_buf)
        .ok_or_else(|| Error::input(&here, "no notebooks/profiles here or in a folder above"))
}
