//! Files that are whole or not there: written to a temporary name in the same
//! folder, synced, then renamed, so that a full disk or a kill leaves what was
//! there before.

use crate::{Error, Result};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How names begin under which files are written, before they get their own.
pub const HALF_WRITTEN: &str = ".half-written-";
/// After so long without a change such a file is of a run that was killed.
const LEFT_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How a Git LFS pointer begins.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

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
    remove_left_over(folder);
    let mut file = tempfile::Builder::new()
        .prefix(HALF_WRITTEN)
        .tempfile_in(folder)
        .map_err(Error::file(folder, "write into"))?;
    {
        let mut buffer = BufWriter::new(file.as_file_mut());
        write(&mut buffer)?;
        buffer.flush().map_err(Error::file(path, "write"))?;
    }
    file.as_file().sync_all().map_err(Error::file(path, "write"))?;
    set_ordinary_permissions(file.as_file(), path)?;
    // Through the standard library, and so through libc: `make test-faults` can make it fail there.
    std::fs::rename(file.path(), path).map_err(Error::file(path, "rename to"))?;
    // Its temporary name is gone already: nothing is left to be removed.
    let _ = file.into_temp_path().keep();
    Ok(())
}

/// Writes a folder through `write`, which is given an empty one beside it: files that
/// belong together are exchanged together. On any error, or if it is killed, the folder
/// that was there before stays. Where the file system cannot exchange two names in one step, a
/// kill can leave it under the name `.earlier-<name>`: the next call puts it back first.
///
/// # Errors
/// If a folder cannot be made, removed or renamed; also whatever `write` itself returns.
pub fn write_folder(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = |prefix: &str| path.with_file_name(format!("{prefix}{name}"));
    let (new, earlier) = (beside(HALF_WRITTEN), beside(".earlier-"));
    if path.exists() && !path.is_dir() {
        return Err(Error::input(path, "is a file, and a folder is to be written there"));
    }
    // A killed run may have left either.
    remove_folder(&new)?;
    if path.exists() {
        remove_folder(&earlier)?;
    } else if earlier.exists() {
        std::fs::rename(&earlier, path).map_err(Error::file(path, "rename to"))?;
    }
    std::fs::create_dir_all(&new).map_err(Error::file(&new, "create"))?;
    let placed = write(&new).and_then(|()| {
        if path.exists() {
            return exchange_folders(&new, path, &earlier);
        }
        std::fs::rename(&new, path).map_err(Error::file(path, "rename to"))
    });
    // What is left beside has a hidden name, and the next call removes it: a folder that stands is
    // no failure because the one before it could not be removed.
    let _ = remove_folder(&new);
    placed
}

/// Writes files that belong together into a folder that may hold others: all are written beside
/// their places first, then each takes its place. If one cannot, those before it are taken back.
///
/// # Errors
/// If a folder cannot be made, or a file not renamed; also whatever `write` itself returns.
pub fn write_together(
    folder: &Path,
    names: &[&str],
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
    remove_left_over(folder);
    let beside = tempfile::Builder::new().prefix(HALF_WRITTEN).tempdir_in(folder);
    let beside = beside.map_err(Error::file(folder, "write into"))?;
    write(beside.path())?;
    let mut placed: Vec<(PathBuf, PathBuf, bool)> = Vec::new();
    for name in names {
        let (new, path) = (beside.path().join(name), folder.join(name));
        // A folder of that name is none of these files: renaming refuses it.
        let before = path.exists() && !path.is_dir();
        let exchanged = before && exchange(&new, &path).is_ok();
        if !exchanged && let Err(error) = std::fs::rename(&new, &path) {
            for (new, path, before) in placed.into_iter().rev() {
                let _ = if before { exchange(&new, &path) } else { std::fs::rename(&path, &new) };
            }
            return Err(Error::file(&path, "rename to")(error));
        }
        placed.push((new, path, before));
    }
    Ok(())
}

/// Removes what killed runs left under hidden names. What cannot be removed does no harm.
fn remove_left_over(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(HALF_WRITTEN) {
            continue;
        }
        // A clock that was put back makes it younger than it is: it stays a day longer.
        let Ok(about) = entry.metadata() else { continue };
        let age = about.modified().ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age >= LEFT_AFTER) {
            let _ = match about.is_dir() {
                true => std::fs::remove_dir_all(entry.path()),
                false => std::fs::remove_file(entry.path()),
            };
        }
    }
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file(folder, "remove")(error))
        }
        _ => Ok(()),
    }
}

/// Puts `new` in the place of `path`, in one step where the file system can: what was at `path` is
/// at `new` then. Otherwise it is at `earlier` for a moment, and comes back if the second step fails.
fn exchange_folders(new: &Path, path: &Path, earlier: &Path) -> Result<()> {
    if exchange(new, path).is_ok() {
        return Ok(());
    }
    std::fs::rename(path, earlier).map_err(Error::file(path, "rename"))?;
    if let Err(error) = std::fs::rename(new, path) {
        let reason = Error::file(path, "rename to")(error);
        std::fs::rename(earlier, path).map_err(Error::file(path, "rename to"))?;
        return Err(reason);
    }
    let _ = remove_folder(earlier);
    Ok(())
}

/// Exchanges two names in one step, so that neither is ever missing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn exchange(one: &Path, other: &Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let name = |path: &Path| std::ffi::CString::new(path.as_os_str().as_bytes());
    let (one_name, other_name) = (name(one)?, name(other)?);
    let here = libc::AT_FDCWD;
    let (one, other, both) = (one_name.as_ptr(), other_name.as_ptr(), libc::RENAME_EXCHANGE);
    // SAFETY: both names end with a zero byte and live until the call has returned.
    let done = unsafe { libc::renameat2(here, one, here, other, both) };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn exchange(_one: &Path, _other: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Refuses a Git LFS pointer, the small text that a repository holds in a large file's place.
///
/// # Errors
/// If the file is one: with the name of its content, so that the content can be found.
pub fn refuse_pointer(path: &Path) -> Result<()> {
    let file = std::fs::File::open(path).map_err(Error::file(path, "read"))?;
    let mut start = Vec::new();
    file.take(1024).read_to_end(&mut start).map_err(Error::file(path, "read"))?;
    if !start.starts_with(LFS_POINTER) {
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

/// Refuses to write `out` where one of a command's inputs is: the same file, by whatever path, or
/// one within the folder `out` (what is written as a folder takes the place of all that was in it).
/// Of two hard links to a file only the one is replaced, so the other keeps its content.
///
/// # Errors
/// If it is so, with the input's name.
pub fn refuse_own_input<'a>(out: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let Ok(place) = out.canonicalize() else { return Ok(()) };
    for input in inputs {
        if input.canonicalize().is_ok_and(|input| input.starts_with(&place)) {
            let reason = format!("would be written over {}, which is read", input.display());
            return Err(Error::input(out, reason));
        }
    }
    Ok(())
}

/// Refuses to write `out` over a file that stands in one of the folders that a command reads.
///
/// # Errors
/// If it is so, with the folder's name.
pub fn refuse_within<'a>(out: &Path, folders: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let Ok(place) = out.canonicalize() else { return Ok(()) };
    for folder in folders {
        if folder.canonicalize().is_ok_and(|folder| place.starts_with(folder)) {
            let reason =
                format!("would be written over a file of {}, which is read", folder.display());
            return Err(Error::input(out, reason));
        }
    }
    Ok(())
}

/// What was read of a stream to see how it begins, and the rest of it.
pub type ReadAhead<R> = std::io::Chain<std::io::Cursor<Vec<u8>>, R>;

/// The bytes of a text without the byte order mark that some editors put in front of UTF-8.
///
/// # Errors
/// If the first of them cannot be read, or show that it is packed, UTF-16 or UTF-32.
pub fn begin_text<R: Read>(path: &Path, mut read: R) -> Result<ReadAhead<R>> {
    let mut start = Vec::with_capacity(4);
    read.by_ref()
        .take(4)
        .read_to_end(&mut start)
        .map_err(|error| Error::input(path, format!("cannot be read to its end: {error}")))?;
    refuse_other_kind(path, &start)?;
    if start.starts_with(&MARK) {
        start.drain(..MARK.len());
    }
    Ok(std::io::Cursor::new(start).chain(read))
}

/// The byte order mark, U+FEFF, in UTF-8.
pub const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Reads a text file, without the byte order mark that some editors put in front.
///
/// # Errors
/// If it cannot be read, is packed, a Git LFS pointer, or not UTF-8: with the line that is not.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(Error::file(path, "read"))?;
    if bytes.starts_with(LFS_POINTER) {
        refuse_pointer(path)?;
    }
    refuse_other_kind(path, &bytes)?;
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', sound).count();
        Error::input_at(path, Some(line), None, "not UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Refuses what its first four bytes show to be no text in UTF-8.
pub(crate) fn refuse_other_kind(path: &Path, start: &[u8]) -> Result<()> {
    let reason = match start {
        [0, 0, 0, 0, ..] => "zeros in place of text: the file is damaged",
        [0x1f, 0x8b, ..] => "packed with gzip: unpack it first",
        [b'P', b'K', 3, 4, ..] => "a zip file: unpack it first (a spreadsheet: save it as CSV)",
        // A mark in front, or an ordinary letter of four bytes or two.
        [0xff, 0xfe, 0, 0, ..]
        | [0, 0, 0xfe, 0xff, ..]
        | [1..=255, 0, 0, 0, ..]
        | [0, 0, 0, 1..=255, ..] => "UTF-32: save it as UTF-8",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..] => {
            "UTF-16, as older PowerShell and spreadsheets' \"Unicode text\" have it: save it as UTF-8"
        }
        _ => return Ok(()),
    };
    Err(Error::input(path, reason))
}

/// Whether a file is parquet, by its name or by its first bytes.
pub fn is_parquet(path: &Path) -> bool {
    let named = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    let begins = || {
        let mut start = [0; 4];
        let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
        read.is_ok() && start == *b"PAR1"
    };
    named || begins()
}

/// Reads a JSON file into a value; a mistake is named with its line.
///
/// # Errors
/// As [`read_text`]; if the file is not the JSON that `T` asks for.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = read_text(path)?;
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
    fn what_a_killed_run_left_goes_a_day_later() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let yesterday = std::time::SystemTime::now() - LEFT_AFTER;
        for name in [".half-written-old", ".half-written-new", ".other", "report.json"] {
            std::fs::write(at(name), "half").unwrap();
            if !name.ends_with("new") {
                let file = std::fs::File::options().write(true).open(at(name)).unwrap();
                file.set_modified(yesterday).unwrap();
            }
        }
        std::fs::create_dir(at(".half-written-folder")).unwrap();
        std::fs::File::open(at(".half-written-folder")).unwrap().set_modified(yesterday).unwrap();
        write_text(&at("report.json"), "whole").unwrap();
        let mut names: Vec<String> = std::fs::read_dir(root.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, [".half-written-new", ".other", "report.json"]);
        assert_eq!(std::fs::read_to_string(at("report.json")).unwrap(), "whole");
    }

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
    fn a_folder_whose_exchange_was_cut_off_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let (path, earlier) = (root.path().join("one"), root.path().join(".earlier-one"));
        write_folder(&path, |folder| write_text(&folder.join("a"), "1")).unwrap();
        let content = || std::fs::read_to_string(path.join("a")).unwrap();
        // A kill between two renames, and a next run that fails itself.
        std::fs::rename(&path, &earlier).unwrap();
        let failed = write_folder(&path, |folder| Err(Error::input(folder, "broken off")));
        assert!(failed.is_err());
        assert_eq!(content(), "1");
        // Without an exchange in one step, a second rename that fails is taken back.
        let absent = root.path().join("absent");
        let failed = exchange_folders(&absent, &path, &earlier).unwrap_err().to_string();
        assert!(failed.contains("one"), "{failed}");
        assert_eq!(content(), "1");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing beside");
    }

    #[test]
    fn files_that_belong_together_stay_together() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let write = |text: &'static str| {
            move |folder: &Path| {
                write_text(&folder.join("a"), text)?;
                write_text(&folder.join("b"), text)
            }
        };
        write_text(&path("other"), "0").unwrap();
        write_together(root.path(), &["a", "b"], write("1")).unwrap();
        // `b` cannot be replaced: `a` is as it was before, too, and so is a file that is new.
        std::fs::remove_file(path("a")).unwrap();
        let failed =
            write_together(root.path(), &["a", "c"], |folder| write_text(&folder.join("a"), "2"));
        assert!(failed.unwrap_err().to_string().contains("c"));
        assert!(!path("a").exists());
        let failed = write_together(root.path(), &["b", "c"], write("2"));
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(path("b")).unwrap(), "1");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 2, "b, and the other");
        // What is no file, and what is no folder, is not exchanged away.
        write_text(&path("a/kept"), "0").unwrap();
        assert!(write_together(root.path(), &["b", "a"], write("2")).is_err());
        assert_eq!(std::fs::read_to_string(path("b")).unwrap(), "1");
        assert!(path("a/kept").exists());
        assert!(write_folder(&path("b"), |_| Ok(())).is_err());
        assert_eq!(std::fs::read_to_string(path("b")).unwrap(), "1");
    }

    #[test]
    fn a_mark_in_front_is_no_part_of_what_is_read() {
        for (bytes, expected) in [
            (&b"\xef\xbb\xbf{}"[..], "{}"),
            (b"{}", "{}"),
            (b"", ""),
            (b"\xef\xbb\xbf", ""),
            (b"{\"a\": 1}", "{\"a\": 1}"),
        ] {
            let mut text = String::new();
            begin_text(Path::new("a"), bytes).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn what_is_read_is_not_written_over() {
        let root = tempfile::tempdir().unwrap();
        let input = root.path().join("in.csv");
        write_text(&input, "a").unwrap();
        let refused = |out: &Path| refuse_own_input(out, [input.as_path()]).is_err();
        let parent = input.parent().unwrap();
        assert!(refuse_within(&input, [parent]).is_err());
        assert!(refuse_within(&parent.join("new.json"), [parent]).is_ok(), "nothing is there yet");
        assert!(refused(&input));
        assert!(refused(&root.path().join("./in.csv")));
        assert!(refused(root.path()), "a folder takes the place of what was in it");
        assert!(!refused(&root.path().join("out.csv")));
        #[cfg(unix)]
        {
            let link = root.path().join("link.csv");
            std::os::unix::fs::symlink(&input, &link).unwrap();
            assert!(refused(&link));
            let link = root.path().join("hard.csv");
            std::fs::hard_link(&input, &link).unwrap();
            assert!(!refused(&link));
            write_text(&link, "b").unwrap();
            assert_eq!(
                std::fs::read_to_string(&input).unwrap(),
                "a",
                "the other keeps its content"
            );
        }
    }

    #[test]
    fn text_is_read_without_a_mark_and_named_where_it_is_none() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.json");
        let read = |content: &[u8]| {
            std::fs::write(&path, content).unwrap();
            read_text(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read(b"\xef\xbb\xbf{}").unwrap(), "{}");
        assert!(read(b"{}\n\xff").unwrap_err().ends_with("a.json, row 2: not UTF-8"));
        assert!(read(b"\x1f\x8b\x08").unwrap_err().ends_with("packed with gzip: unpack it first"));
        for utf16 in [&b"\xff\xfe{\0}\0"[..], b"{\0}\0", b"\0{\0}"] {
            let said = read(utf16).unwrap_err();
            assert!(
                said.contains("a.json: UTF-16") && said.ends_with("save it as UTF-8"),
                "{said}"
            );
        }
        assert!(read(b"PK\x03\x04\x14").unwrap_err().contains("a.json: a zip file: unpack"));
        assert!(read(&[0; 9]).unwrap_err().contains("a.json: zeros in place of text"));
        for utf32 in [&b"\xff\xfe\0\0{\0\0\0"[..], b"\0\0\xfe\xff\0\0\0{", b"{\0\0\0"] {
            assert!(read(utf32).unwrap_err().ends_with("UTF-32: save it as UTF-8"));
        }
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n";
        assert!(read(pointer).unwrap_err().contains("a Git LFS pointer"));
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
