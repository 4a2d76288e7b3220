//! Files that are whole or not there: written to a temporary name in the same
//! folder, synced, then renamed, so that a full disk or a kill leaves what was
//! there before.

use crate::{Error, Result};
use std::io::{BufWriter, Read, Write};
use std::path::Path;

/// Writes `path` through `write`; on any error the file that was there before stays.
///
/// # Errors
/// If the folder cannot be made, or writing, syncing or renaming fails; also
/// whatever `write` itself returns.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
    let mut file = tempfile::Builder::new()
        .prefix(".half-written-")
        .tempfile_in(folder)
        .map_err(Error::file(folder, "write into"))?;
    {
        let mut buffer = BufWriter::new(file.as_file_mut());
        write(&mut buffer)?;
        buffer.flush().map_err(Error::file(path, "write"))?;
    }
    file.as_file().sync_all().map_err(Error::file(path, "write"))?;
    set_ordinary_permissions(file.as_file(), path)?;
    file.persist(path).map_err(|error| Error::file(path, "rename to")(error.error))?;
    Ok(())
}

/// Writes a folder through `write`, which is given an empty one beside it: files that
/// belong together are exchanged together. On any error, or if it is killed, the folder
/// that was there before stays, at worst under the name `.earlier-<name>` for a moment.
///
/// # Errors
/// If a folder cannot be made, removed or renamed; also whatever `write` itself returns.
pub fn write_folder(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = |prefix: &str| path.with_file_name(format!("{prefix}{name}"));
    let (new, earlier) = (beside(".half-written-"), beside(".earlier-"));
    let remove = |folder: &Path| match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file(folder, "remove")(error))
        }
        _ => Ok(()),
    };
    // A killed run may have left either.
    remove(&new)?;
    if path.exists() {
        remove(&earlier)?;
    }
    std::fs::create_dir_all(&new).map_err(Error::file(&new, "create"))?;
    if let Err(error) = write(&new) {
        remove(&new)?;
        return Err(error);
    }
    if path.exists() {
        std::fs::rename(path, &earlier).map_err(Error::file(path, "rename"))?;
    }
    std::fs::rename(&new, path).map_err(Error::file(path, "rename to"))?;
    remove(&earlier)
}

/// Refuses a Git LFS pointer, the small text that a repository holds in a large file's place.
///
/// # Errors
/// If the file is one: with the name of its content, so that the content can be found.
pub fn refuse_pointer(path: &Path) -> Result<()> {
    const FIRST_LINE: &[u8] = b"version https://git-lfs.github.com/spec/";
    let file = std::fs::File::open(path).map_err(Error::file(path, "read"))?;
    let mut start = Vec::new();
    file.take(1024).read_to_end(&mut start).map_err(Error::file(path, "read"))?;
    if !start.starts_with(FIRST_LINE) {
        return Ok(());
    }
    let start = String::from_utf8_lossy(&start);
    let content = start.lines().find_map(|line| line.strip_prefix("oid sha256:"));
    let of = content.map_or(String::new(), |hash| format!(" of sha256 {hash}"));
    Err(Error::input(
        path,
        format!("a Git LFS pointer in place of the file{of}: get the file itself"),
    ))
}

/// Writes text to `path`, whole or not at all.
///
/// # Errors
/// As [`write_whole`].
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    write_whole(path, |out| out.write_all(text.as_bytes()).map_err(Error::file(path, "write")))
}

/// Writes a value as indented JSON to `path`, whole or not at all.
///
/// # Errors
/// As [`write_whole`].
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(Error::library("writing JSON"))?;
    text.push('\n');
    write_text(path, &text)
}

/// Reads a JSON file into a value; a mistake is named with its line.
///
/// # Errors
/// If the file cannot be read, or is not the JSON that `T` asks for.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path, "read"))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::input_at(path, Some(error.line()), None, error))
}

/// Temporary files are private to their owner; results are as the umask would make them.
#[cfg(unix)]
fn set_ordinary_permissions(file: &std::fs::File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
        .map_err(Error::file(path, "set permissions of"))
}

#[cfg(not(unix))]
fn set_ordinary_permissions(_file: &std::fs::File, _path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_exchanged_as_a_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("models/one");
        let content = |name: &str| std::fs::read_to_string(path.join(name)).ok();
        let write = |a: &'static str| {
            move |folder: &Path| {
                write_text(&folder.join("a"), a)?;
                write_text(&folder.join("b"), a)
            }
        };
        write_folder(&path, write("1")).unwrap();
        // What a killed run may have left is no hindrance.
        std::fs::create_dir(root.path().join("models/.half-written-one")).unwrap();
        write_folder(&path, |folder| write_text(&folder.join("a"), "2")).unwrap();
        assert_eq!((content("a").as_deref(), content("b")), (Some("2"), None));
        let failed = write_folder(&path, |folder| {
            write_text(&folder.join("a"), "3")?;
            Err(Error::input(folder, "broken off"))
        });
        assert!(failed.is_err());
        assert_eq!(content("a").as_deref(), Some("2"));
        assert_eq!(std::fs::read_dir(root.path().join("models")).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_text(&path, "before").unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"half").unwrap();
            Err(Error::input(&path, "broken off"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written");
    }
}
