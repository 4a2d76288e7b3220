//! Our own figures, to be held beside the claims.

use super::figure::{Exact, whole};
use serde_json::{Map, Value, json};
use std::path::Path;
use ttp_base::{Error, Result, files};
/// What runs of this project measured: `results/*.json` in one object, by the files' names.
#[derive(Debug, Clone, Default)]
pub struct Measured(Map<String, Value>);

/// Reads what there is in a folder of results; files that are not there are not missed.
///
/// # Errors
/// If the folder or a file in it cannot be read.
pub fn measured(folder: &Path) -> Result<Measured> {
    let mut found = Map::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Measured(found)),
        Err(error) => return Err(Error::file(folder, "read")(error)),
    };
    let mut paths: Vec<_> = entries
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::file(folder, "read"))?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    for path in paths {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let value: Value = files::read_json(&path)?;
        // As results.json has them: trainings by their names, all else of a family in one object.
        let (family, rest) = stem.split_once('.').unwrap_or((stem, ""));
        let value = match rest {
            rest if !rest.is_empty() && family == "finetune" => json!({ rest: value }),
            _ => value,
        };
        match (found.get_mut(family).and_then(Value::as_object_mut), value) {
            (Some(inner), Value::Object(value)) => inner.extend(value),
            (_, value) => _ = found.insert(family.to_owned(), value),
        }
    }
    Ok(Measured(found))
}

impl Measured {
    /// Figures that are at hand as JSON; nothing of what is no object.
    pub fn from_json(figures: Value) -> Self {
        match figures {
            Value::Object(figures) => Self(figures),
            _ => Self::default(),
        }
    }

    /// The number at a path; a list of names counts by its names.
    pub fn figure(&self, path: &str) -> Option<Exact> {
        match self.get(path)? {
            Value::Number(number) => match number.as_i64() {
                Some(number) => Some(whole(number.into())),
                None => Exact::from_float(number.as_f64()?),
            },
            Value::Array(names) if names.iter().all(Value::is_string) => {
                Some(whole(names.len() as i128))
            }
            _ => None,
        }
    }

    /// What stands at a path such as `finetune.minilm.clean.f1_macro`; a name may hold points.
    pub fn get(&self, path: &str) -> Option<&Value> {
        fn inner<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
            if let Some(value) = object.get(path) {
                return Some(value);
            }
            path.match_indices('.').find_map(|(at, _)| {
                let object = object.get(&path[..at])?.as_object()?;
                inner(object, &path[at + 1..])
            })
        }
        inner(&self.0, path)
    }
}
