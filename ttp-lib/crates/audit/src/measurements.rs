//! Our own figures, to be held beside the claims.

use super::figure::{Exact, whole};
use serde_json::{Map, Value};
use std::path::Path;
use ttp_base::{Result, results};

/// What runs of this project measured: `results/*.json` in one object ([`results`]).
#[derive(Debug, Clone, Default)]
pub struct Measurements(Map<String, Value>);

/// Reads what there is in a folder of results; files that are not there are not missed.
///
/// # Errors
/// As [`results::merged`].
pub fn measured(folder: &Path) -> Result<Measurements> {
    results::merged(folder).map(Measurements)
}

impl Measurements {
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
