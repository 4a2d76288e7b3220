//! One error type for the whole crate. Its message is one line that names the
//! file, row, field or name at fault, so that a command line can print it as it is.

use std::fmt;
use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something failed. `Display` is always a single line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read, written or renamed.
    #[error("{}: cannot {action}: {}", .path.display(), one_line(.source))]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried: `read`, `write`, `create` …
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file was read, and what it holds is wrong.
    #[error("{place}: {}", one_line(.reason))]
    Input {
        /// File, row and field.
        place: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that is not among those known: a profile, a checkpoint, a technique.
    #[error("unknown {kind} {name:?}; known: {}", .known.join(", "))]
    Unknown {
        /// What kind of name.
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// The names that would have been right.
        known: Vec<String>,
    },
    /// A setting that makes no sense, by its field.
    #[error("setting {field}: {reason}")]
    Setting {
        /// The field's path in the profile or the parameters, for instance `training.epochs`.
        field: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// A setting that makes no sense where it stands among others.
    #[error("setting {path}: {}", one_line(.reason))]
    SettingAt {
        /// Where it stands.
        path: SettingPath,
        /// What is wrong with its value, and what would be right.
        reason: String,
    },
    /// A checkpoint could not be had from the Hugging Face hub or its cache.
    #[error("{}: {}", one_line(.what), one_line(.reason))]
    Hub {
        /// The model, its revision, and the file where one is at fault.
        what: String,
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// The Hugging Face hub has a checkpoint, and not at the revision that was asked for.
    #[error("{}: {}{}", one_line(.what), one_line(.reason), .advice)]
    HubRevision {
        /// The model and its revision.
        what: String,
        /// What the hub says.
        reason: String,
        /// What takes another revision; empty where nothing is known of that.
        advice: String,
    },
    /// libtorch, polars or the drawing library refused.
    #[error("{what}: {}", one_line(.reason))]
    Library {
        /// What was being done.
        what: &'static str,
        /// The library's own words.
        reason: String,
    },
}

/// Where in the input something is wrong: a file, and in it a row (counted as an
/// editor counts lines, from 1) and a field where they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line, record or object number, from 1.
    pub row: Option<usize>,
    /// Column, key or JSON path.
    pub field: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field {field:?}")?;
        }
        Ok(())
    }
}

/// Where a setting stands among others, from the outermost on.
///
/// ```
/// use ttp_base::error::SettingPath;
/// let trial = SettingPath::of("similarity").field("trials").item(2);
/// assert_eq!(trial.field("epochs").to_string(), "similarity.trials[2].epochs");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingPath(Vec<Segment>);

/// A step into settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// To a field, or to what a map holds under a name.
    Field(String),
    /// To an item of a list, from 0.
    Item(usize),
}

impl SettingPath {
    /// The path of fields with points between them; that of all settings where it is empty.
    pub fn of(fields: &str) -> Self {
        let fields = fields.split('.').filter(|field| !field.is_empty());
        Self(fields.map(|field| Segment::Field(field.to_owned())).collect())
    }

    /// The path of a field of these settings, or of what a map holds under a name.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.then(Segment::Field(name.to_owned()))
    }

    /// The path of an item of this list, from 0.
    #[must_use]
    pub fn item(&self, at: usize) -> Self {
        self.then(Segment::Item(at))
    }

    fn then(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Its steps, from the outermost on.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Refuses what stands there.
    ///
    /// # Errors
    /// Always: [`Error::SettingAt`].
    pub fn refuse<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(Error::SettingAt { path: self.clone(), reason: reason.into() })
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if at == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

impl Error {
    /// For `map_err` on a file operation: `.map_err(Error::file(path, "read"))`.
    pub fn file(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, action, source }
    }

    /// Wrong content in a file as a whole.
    pub fn input(file: &Path, reason: impl fmt::Display) -> Self {
        Self::input_at(file, None, None, reason)
    }

    /// Wrong content at a row and a field of a file.
    pub fn input_at(
        file: &Path,
        row: Option<usize>,
        field: Option<&str>,
        reason: impl fmt::Display,
    ) -> Self {
        let place = Place { file: file.to_path_buf(), row, field: field.map(str::to_owned) };
        Self::Input { place, reason: reason.to_string() }
    }

    /// For `map_err` on another library's error: `.map_err(Error::library("drawing"))`.
    pub fn library<E: fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Library { what, reason: error.to_string() }
    }
}

/// Other libraries' messages may run over several lines (libtorch adds a stack):
/// the first line that says something is kept, control characters are not.
fn one_line(message: &dyn fmt::Display) -> String {
    let message = message.to_string();
    let line = message.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
