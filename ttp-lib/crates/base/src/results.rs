//! What runs leave in `results/`, in one object.
//!
//! The rule is that of `reports/results.json`, which `environment/report.py` writes; a table of
//! cases, `environment/tests/results_cases.json`, holds both to it. A file's name says where its
//! content goes:
//!
//! - `corpus.json` stands under `corpus`.
//! - `corpus.trimming.json` stands there too: the objects of a family, all files whose names begin
//!   alike, are one object. A field that two of them have is an error.
//! - [`BY_MODEL`]: of a family with a file a model each stands under the model's name:
//!   `finetune.minilm.clean.json` under `finetune`, there under `minilm.clean`.

use crate::{Error, Result, files};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The families of files of which each model has its own.
pub const BY_MODEL: [&str; 2] = ["finetune", "pretraining"];

/// Reads all `*.json` of a folder into one object; nothing where there is no such folder.
///
/// # Errors
/// If the folder or a file in it cannot be read, two files of a family have the same field, or one
/// of several is no object.
pub fn merged(folder: &Path) -> Result<Map<String, Value>> {
    let mut found = Map::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(Error::file(folder, "read")(error)),
    };
    let entries = entries.collect::<Result<Vec<_>, _>>().map_err(Error::file(folder, "read"))?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    for path in paths {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let value: Value = files::read_json(&path)?;
        let (family, rest) = stem.split_once('.').unwrap_or((stem, ""));
        let value = if !rest.is_empty() && BY_MODEL.contains(&family) {
            Value::Object(Map::from_iter([(rest.to_owned(), value)]))
        } else {
            value
        };
        join(&mut found, family, value, &path)?;
    }
    Ok(found)
}

/// Puts a value under its family's name, or its fields beside those that stand there.
fn join(found: &mut Map<String, Value>, family: &str, value: Value, path: &Path) -> Result<()> {
    let Some(before) = found.get_mut(family) else {
        found.insert(family.to_owned(), value);
        return Ok(());
    };
    let (Value::Object(before), Value::Object(value)) = (before, value) else {
        let reason = format!("an object is needed, to join with what {family} has");
        return Err(Error::input(path, reason));
    };
    if let Some(twice) = value.keys().filter(|field| before.contains_key(*field)).min() {
        let reason = format!("it is in another file of {family} too");
        return Err(Error::input_at(path, None, Some(twice), reason));
    }
    before.extend(value);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_come_out_as_in_results_json() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../environment/tests/results_cases.json");
        let cases: Vec<Value> = files::read_json(&cases).unwrap();
        assert!(cases.len() > 5);
        for case in cases {
            let folder = tempfile::tempdir().unwrap();
            for (name, value) in case["files"].as_object().unwrap() {
                files::write_json(&folder.path().join(name), value).unwrap();
            }
            match merged(folder.path()) {
                Ok(found) => assert_eq!(Some(&Value::Object(found)), case.get("merged"), "{case}"),
                Err(error) => {
                    let line = error.to_string();
                    for said in case["refused"].as_array().unwrap() {
                        assert!(line.contains(said.as_str().unwrap()), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(merged(&folder.path().join("results")).unwrap(), Map::new());
        std::fs::write(folder.path().join("corpus.json"), "{").unwrap();
        let line = merged(folder.path()).unwrap_err().to_string();
        assert!(line.contains("corpus.json"), "{line}");
    }
}
