//! The hub names a file by what it holds: a large one by its sha256, a small one by
//! the id that git gives it.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What a file's content must hash to: 64 hexadecimal digits of sha256, or the 40 of
/// a git blob id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentId(String);

impl ContentId {
    /// Takes the digits as they stand in a file's name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        (is_hex(text, 40) || is_hex(text, 64)).then(|| Self(text.to_owned()))
    }

    /// Takes an `ETag`, weak or not: `W/"…"`.
    pub(super) fn from_etag(etag: &str) -> Option<Self> {
        let etag = etag.trim();
        Self::parse(etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"'))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the file at `path` holds what this id says.
    pub(super) fn matches(&self, path: &Path) -> io::Result<bool> {
        let file = File::open(path)?;
        let found = match self.0.len() {
            64 => hex_digest(Sha256::new(), file)?,
            _ => {
                let length = file.metadata()?.len();
                hex_digest(Sha1::new().chain_update(format!("blob {length}\0")), file)?
            }
        };
        Ok(found == self.0)
    }
}

/// Whether `revision` is a commit, and so never changes what it means.
pub(super) fn is_commit(revision: &str) -> bool {
    is_hex(revision, 40)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex_digest<D: Digest>(mut hasher: D, mut file: File) -> io::Result<String> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_gits_and_sha256s_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello");
        std::fs::write(&path, "hello\n").unwrap();
        // `git hash-object` 2.39 and coreutils' sha256sum 9.1.
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        for id in [git, sha256] {
            let id = ContentId::parse(id).unwrap();
            assert!(id.matches(&path).unwrap(), "{id:?}");
        }
        std::fs::write(&path, "hullo\n").unwrap();
        for id in [git, sha256] {
            let id = ContentId::parse(id).unwrap();
            assert!(!id.matches(&path).unwrap(), "{id:?}");
        }
    }

    #[test]
    fn what_is_no_id_becomes_no_file_name() {
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        for etag in [git.to_owned(), format!("\"{git}\""), format!(" W/\"{git}\" ")] {
            assert_eq!(ContentId::from_etag(&etag), ContentId::parse(git), "{etag}");
        }
        let long = format!("{git}0");
        let upper = git.to_uppercase();
        for etag in ["", "\"\"", "\"../../x\"", "\"d41d8cd98f00b204e9800998ecf8427e-5\"", &long] {
            assert_eq!(ContentId::from_etag(etag), None, "{etag}");
        }
        assert_eq!(ContentId::parse(&upper), None);
        assert!(is_commit(git) && !is_commit("main") && !is_commit(&upper));
    }
}
