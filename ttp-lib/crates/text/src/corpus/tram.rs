//! TRAM v1's training sentences: an object keyed by technique name, each with a
//! list of sentences, or with an object where several techniques share a sentence.

use super::candidates::{Candidate, Reason, Techniques};
use super::clean;
use serde_json::{Map, Value};
use std::path::Path;
use ttp_base::{Error, Result, files};

/// The sentences of a TRAM v1 file, each with the technique whose name it stands under.
pub(super) fn read(file: &Path, techniques: &Techniques) -> Result<Vec<Candidate>> {
    let Value::Object(entries) = files::read_json::<Value>(file)? else {
        return Err(Error::input(
            file,
            "not TRAM v1: an object keyed by technique name is expected",
        ));
    };
    let names = techniques.by_name();
    let mut candidates = Vec::new();
    for (key, entry) in &entries {
        let (sentences, several) = match entry {
            Value::Array(sentences) => (sentences, false),
            // The file's own spelling.
            Value::Object(shared) => (list(file, key, shared, "sentances")?, true),
            _ => return Err(Error::input_at(file, None, Some(key), "neither list nor object")),
        };
        let technique = names.get(clean::collapse(key).to_lowercase().as_str());
        let dropped = match technique {
            _ if several => Some(Reason::SeveralTechniques),
            None => Some(Reason::UnknownTechnique),
            Some(_) => None,
        };
        for (index, sentence) in sentences.iter().enumerate() {
            let Some(sentence) = sentence.as_str() else {
                let place = format!("{key}[{index}]");
                return Err(Error::input_at(file, None, Some(&place), "not a string"));
            };
            candidates.push(Candidate {
                technique: technique.map(|id| id.to_string()).unwrap_or_default(),
                text: clean::collapse(sentence),
                source_id: format!("tram-v1:{}", key.trim()),
                dropped,
            });
        }
    }
    Ok(candidates)
}

/// All sentences of a TRAM v1 file, whatever technique they stand under.
///
/// # Errors
/// As [`build()`](super::build()).
pub fn sentences(file: &Path) -> Result<Vec<String>> {
    let all = read(file, &Techniques::default())?;
    Ok(all.into_iter().map(|candidate| candidate.text).collect())
}

fn list<'a>(
    file: &Path,
    key: &str,
    shared: &'a Map<String, Value>,
    field: &str,
) -> Result<&'a Vec<Value>> {
    shared.get(field).and_then(Value::as_array).ok_or_else(|| {
        Error::input_at(file, None, Some(&format!("{key}.{field}")), "missing or not a list")
    })
}
