//! Two trainings must not keep their states in one folder: each would remove the other's.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

pub(super) const NAME: &str = "lock";

/// Holds a folder for one training as long as it lives; the system gives it up when the process
/// ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, which is made where it is not there. Otherwise why not, in words that
    /// follow the folder's name.
    pub(super) fn take(folder: &Path) -> Result<Self, String> {
        let path = folder.join(NAME);
        let failed = |error: io::Error| format!("cannot be written into: {error}");
        // Whoever had it may have removed the folder between our opening its lock and having it:
        // that lock holds nothing, and there is another to take.
        for _ in 0..100 {
            std::fs::create_dir_all(folder).map_err(failed)?;
            let opened =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = match opened {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(failed)?,
            };
            if let Err(held) = file.try_lock() {
                if let TryLockError::Error(error) = held {
                    return Err(format!("cannot be locked: {error}"));
                }
                let mut process = String::new();
                // Without the number the message says less, and is as true.
                let _ = file.read_to_string(&mut process);
                return Err(format!("process {process} is training there"));
            }
            if is_at(&file, &path) {
                let process = std::process::id().to_string();
                file.set_len(0).map_err(failed)?;
                file.write_all(process.as_bytes()).map_err(failed)?;
                return Ok(Self { _file: file });
            }
        }
        Err("is made and removed by others all the time".to_owned())
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: std::fs::Metadata| (found.dev(), found.ino());
    let own = file.metadata().map(place).ok();
    own.is_some() && own == std::fs::metadata(path).map(place).ok()
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
