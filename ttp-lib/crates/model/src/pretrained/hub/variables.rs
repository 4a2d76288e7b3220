//! Environment variables as Python's huggingface_hub reads them; an empty one counts as not set.

use super::token::Token;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ttp_base::{Error, Result};

/// The variables by their names.
pub(super) struct Variables<'a> {
    pub(super) lookup: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Variables<'_> {
    /// A path, with `~` and then `$NAME` and `${NAME}` in it replaced.
    ///
    /// # Errors
    /// If it begins with another user's `~name`.
    pub(super) fn path(&self, name: &'static str) -> Result<Option<PathBuf>> {
        let Some(value) = (self.lookup)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let text = match value.into_string() {
            Ok(text) => text,
            // What is no text has no names in it.
            Err(value) => return Ok(Some(value.into())),
        };
        // A name's value may begin with ~, too.
        let text = self.in_home(name, self.expanded(&self.in_home(name, text)?))?;
        Ok(Some(PathBuf::from(text)))
    }

    /// A path with the user's folder in the place of a `~` at its beginning.
    fn in_home(&self, name: &'static str, path: String) -> Result<String> {
        let Some(rest) = path.strip_prefix('~') else { return Ok(path) };
        let home = (self.lookup)("HOME").filter(|_| rest.is_empty() || rest.starts_with('/'));
        let Some(home) = home else {
            let reason = format!("{path:?}: write the folder in full");
            return Err(Error::Setting { field: name, reason });
        };
        Ok(format!("{}{rest}", home.to_string_lossy().trim_end_matches('/')))
    }

    /// As Python's `os.path.expandvars`: a name that is not set stays as it is written.
    fn expanded(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out += &rest[..at];
            rest = &rest[at + 1..];
            let braced = rest.strip_prefix('{').and_then(|inner| Some(inner.split_once('}')?.0));
            let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let plain = &rest[..rest.find(word).unwrap_or(rest.len())];
            let (name, length) = match braced {
                Some(name) => (name, name.len() + 2),
                None => (plain, plain.len()),
            };
            let value = (!name.is_empty()).then(|| (self.lookup)(name)).flatten();
            match value {
                Some(value) => out += &value.to_string_lossy(),
                None => {
                    out.push('$');
                    out += &rest[..length];
                }
            }
            rest = &rest[length..];
        }
        out + rest
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?.to_string_lossy().trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    /// Whether a switch is on: `1`, `on`, `yes` or `true`, in any case.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|value| ["1", "on", "yes", "true"].contains(&&*value.to_lowercase()))
    }

    /// Whether only the cache is used: the first of the two that is set decides.
    pub(super) fn is_offline(&self) -> bool {
        let names = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"];
        names.iter().find(|name| self.text(name).is_some()).is_some_and(|name| self.is_true(name))
    }

    /// A number of seconds; 0 counts as not set.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn seconds(&self, name: &'static str) -> Result<Option<Duration>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let seconds: u64 = text.parse().map_err(|_| {
            let reason = format!("{text:?} is no whole number of seconds");
            Error::Setting { field: name, reason }
        })?;
        Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
    }

    /// The folder of all that Hugging Face's programs keep.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub(super) fn hub_home(&self) -> Result<Option<PathBuf>> {
        if let Some(home) = self.path("HF_HOME")? {
            return Ok(Some(home));
        }
        let caches = match self.path("XDG_CACHE_HOME")? {
            Some(caches) => Some(caches),
            None => self.path("HOME")?.map(|home| home.join(".cache")),
        };
        Ok(caches.map(|caches| caches.join("huggingface")))
    }

    /// The folder that holds `models--…`.
    ///
    /// # Errors
    /// As [`path`](Self::path), or if there is no home to keep one in.
    pub(super) fn cache(&self, home: Option<&Path>) -> Result<PathBuf> {
        for name in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"] {
            if let Some(cache) = self.path(name)? {
                return Ok(cache);
            }
        }
        home.map(|home| home.join("hub")).ok_or_else(|| {
            let reason = "not set, nor is HOME: there is no folder for the cache".to_owned();
            Error::Setting { field: "HF_HOME", reason }
        })
    }

    /// The token of a variable, else of the file that `huggingface-cli login` writes.
    ///
    /// # Errors
    /// If it is none, or its file cannot be read.
    pub(super) fn token(&self, home: Option<&Path>) -> Result<Option<Token>> {
        for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
            if let Some(token) = self.text(name) {
                return Token::named(name, &token);
            }
        }
        let path = match self.path("HF_TOKEN_PATH")? {
            Some(path) => path,
            None => match home {
                Some(home) => home.join("token"),
                None => return Ok(None),
            },
        };
        match std::fs::read_to_string(&path) {
            Ok(token) => match Token::named("HF_TOKEN", &token) {
                Err(Error::Setting { reason, .. }) => Err(Error::input(&path, reason)),
                token => token,
            },
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::file(&path, "read")(error)),
        }
    }
}
