//! Settings from a JSON file: what is wrong is told with its line and its whole path.

use super::Setting;
use crate::error::{Segment, SettingPath};
use crate::{Error, Result, files};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use std::fmt;
use std::path::Path;

/// What serde calls the types of numbers, in words.
const WORDS: [(&str, &str); 3] = [
    ("expected usize", "expected a whole number from 0 upwards"),
    ("expected u64", "expected a whole number from 0 upwards"),
    ("expected f64", "expected a number"),
];

/// Reads settings from a JSON file and checks them.
///
/// # Errors
/// As [`files::read_text`]; if the file is no JSON, has an unknown field, lacks one or has one of a
/// wrong type, or a setting makes no sense: with the line and the path.
pub fn read<T: DeserializeOwned + Setting>(file: &Path) -> Result<T> {
    let text = files::read_text(file)?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let settings: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // Where the JSON itself breaks off, the path is where the reader happened to be.
        let field = (error.inner().is_data() && path != ".").then_some(path.as_str());
        unread(file, field, error.inner())
    })?;
    json.end().map_err(|error| unread(file, None, &error))?;
    settings.check_at(None, &SettingPath::default()).map_err(|error| match &error {
        Error::SettingAt { path, .. } => {
            Error::input_at(file, Some(line_of(&text, path)), None, &error)
        }
        _ => Error::input(file, &error),
    })?;
    Ok(settings)
}

fn unread(file: &Path, field: Option<&str>, error: &serde_json::Error) -> Error {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = error.to_string();
    let said = said.strip_suffix(&place).unwrap_or(&said);
    let said = WORDS.iter().fold(said.to_owned(), |said, (word, plain)| said.replace(word, plain));
    Error::input_at(file, Some(error.line()), field, said)
}

/// The line, from 1, on which what stands at a path begins; of what is not there, the line of the
/// settings that it is missing in.
fn line_of(text: &str, path: &SettingPath) -> usize {
    let segments = path.segments();
    let found = (1..=segments.len()).rev().find_map(|depth| {
        let mut json = serde_json::Deserializer::from_str(text);
        Seek(&segments[..depth]).deserialize(&mut json).err()
    });
    found.map_or(1, |stop| stop.line())
}

/// Reads JSON up to what stands at a path, and stops there with an error: serde_json says the line of
/// an error and of nothing else.
struct Seek<'a>(&'a [Segment]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.0.is_empty() {
            return Err(D::Error::custom("here"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.0 {
                [Segment::Field(name), inside @ ..] if *name == key => {
                    map.next_value_seed(Seek(inside))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for at in 0.. {
            let item = match self.0 {
                [Segment::Item(item), inside @ ..] if *item == at => {
                    items.next_element_seed(Seek(inside))?
                }
                _ => items.next_element::<IgnoredAny>()?.map(drop),
            };
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }
}
