//! Class counts in a file.

use super::{json_error, open};
use crate::diagnosis::whole_number::whole;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;
use ttp_base::csv_file::{self, CsvFile};
use ttp_base::spelling::tidy;
use ttp_base::{Error, Result};

/// What a column of classes is called.
const CLASS: [&str; 5] = ["class", "label", "family", "technique", "name"];
/// What a column of counts is called.
const COUNT: [&str; 5] = ["count", "rows", "support", "n", "samples"];

/// Reads how many rows the data has of each class, in the order of the labels: `None` where the
/// count is left open (empty, `?` or `null`). A file whose name ends in `.json` holds an object
/// from class to count, a list of objects with `class` and `count`, or an object from row to class
/// (annotations), which is counted; any other is CSV with a header and a column of classes
/// (`class`, `label`, `family`, `technique` or `name`) and one of counts (`count`, `rows`,
/// `support`, `n` or `samples`). Either may be packed with gzip, its name ending in `.gz`.
///
/// # Errors
/// If the file cannot be read, a count is no whole number of rows, a class or a row stands twice,
/// the file has a class that the labels lack, or lacks one that they have: file, row and field.
pub fn read_class_counts(file: &Path, labels: &[String]) -> Result<Vec<Option<u64>>> {
    let (read, ending) = open(file)?;
    let known: HashSet<&str> = labels.iter().map(String::as_str).collect();
    let found = if ending == "json" {
        let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(read));
        let found = Counts { known: &known }.deserialize(&mut json);
        found.and_then(|found| json.end().map(|()| found)).map_err(|e| json_error(file, e))?
    } else {
        read_csv(file, read, &known)?
    };
    let missing = labels.iter().find(|label| !found.contains_key(label.as_str()));
    if let Some(label) = missing {
        let more = labels.iter().filter(|label| !found.contains_key(label.as_str())).count() - 1;
        let more = if more > 0 { format!(", nor of {more} others") } else { String::new() };
        let reason = format!("no count of {label:?}, which the matrix has{more}");
        return Err(Error::input(file, reason));
    }
    Ok(labels.iter().map(|label| found[label.as_str()]).collect())
}

/// Takes the class's count, if it is one of the matrix's and new. A name that is a number is read
/// as the matrix's are: `1.0` is `1`.
fn taken(
    found: &mut BTreeMap<String, Option<u64>>,
    known: &HashSet<&str>,
    class: &str,
    count: Option<u64>,
) -> Result<(), String> {
    let class = &*tidy(class);
    if !known.contains(class) {
        return Err(format!("{class:?} is no class of the matrix"));
    }
    match found.insert(class.to_owned(), count) {
        None => Ok(()),
        Some(_) => Err(format!("{class:?} is there twice")),
    }
}

fn read_csv(
    file: &Path,
    read: Box<dyn std::io::Read>,
    known: &HashSet<&str>,
) -> Result<BTreeMap<String, Option<u64>>> {
    let mut reader = CsvFile::of(file, read)?;
    let header = reader.names();
    let place = |names: &[&str], what: &str| {
        let is = |cell: &str| names.iter().any(|name| cell.eq_ignore_ascii_case(name));
        header.iter().position(|cell| is(cell)).ok_or_else(|| {
            let reason = format!(
                "no column of {what} ({}); there are: {}",
                names.join(", "),
                header.join(", ")
            );
            Error::input_at(file, Some(1), None, reason)
        })
    };
    let (class, count) = (place(&CLASS, "classes")?, place(&COUNT, "counts")?);
    let mut found = BTreeMap::new();
    let mut record = ::csv::ByteRecord::new();
    while let Some(line) = reader.next(&mut record)? {
        let text = |at: usize| {
            csv_file::text(record.get(at).unwrap_or_default()).map(str::trim).map_err(|reason| {
                Error::input_at(file, Some(line), header.get(at).map(String::as_str), reason)
            })
        };
        let wrong = |field: usize, reason: String| {
            Error::input_at(file, Some(line), header.get(field).map(String::as_str), reason)
        };
        let number = match text(count)? {
            "" | "?" => None,
            text => Some(
                whole(text)
                    .ok_or_else(|| wrong(count, format!("{text:?} is no whole number of rows")))?,
            ),
        };
        taken(&mut found, known, text(class)?, number).map_err(|reason| wrong(class, reason))?;
    }
    Ok(found)
}

/// Counts in JSON, each checked where it stands, so that a mistake has its line.
struct Counts<'a> {
    known: &'a HashSet<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    class: String,
    count: Value,
}

fn number(value: &Value) -> Result<Option<u64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => match number.as_u64().or_else(|| whole(&number.to_string())) {
            Some(count) => Ok(Some(count)),
            None => Err(format!("{number} is no whole number of rows")),
        },
        other => Err(format!("{other} is no whole number of rows")),
    }
}

impl<'de> DeserializeSeed<'de> for Counts<'_> {
    type Value = BTreeMap<String, Option<u64>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counts<'_> {
    type Value = BTreeMap<String, Option<u64>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from class to count, or from row to class, or a list of counts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = BTreeMap::new();
        while let Some(Entry { class, count }) = list.next_element()? {
            let count = number(&count).map_err(A::Error::custom)?;
            taken(&mut found, self.known, &class, count).map_err(A::Error::custom)?;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = BTreeMap::new();
        let mut rows: HashSet<String> = HashSet::new();
        let wrong = |reason: String| A::Error::custom(reason);
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if let Value::String(class) = value {
                let class = tidy(&class).into_owned();
                if !self.known.contains(class.as_str()) {
                    return Err(wrong(format!("{class:?} is no class of the matrix")));
                }
                if rows.is_empty() && !found.is_empty() {
                    return Err(wrong(format!("{key:?} has a class, those before it counts")));
                }
                if !rows.insert(key.clone()) {
                    return Err(wrong(format!("row {key:?} is there twice")));
                }
                *found.entry(class).or_insert(Some(0)).get_or_insert(0) += 1;
                continue;
            }
            if !rows.is_empty() {
                return Err(wrong(format!("{key:?} has no class: {value}")));
            }
            let count = number(&value).map_err(|reason| wrong(format!("{key:?}: {reason}")))?;
            taken(&mut found, self.known, &key, count).map_err(wrong)?;
        }
        if !rows.is_empty() {
            // Annotations need not have every class: there is no row of the others.
            for class in self.known {
                found.entry((*class).to_owned()).or_insert(Some(0));
            }
        }
        Ok(found)
    }
}
