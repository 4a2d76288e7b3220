//! A JSON file of labelled pairs, and the texts of several such files in numbers.

use crate::Pairs;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result, files};
use ttp_text::corpus::clean::normalised;

/// Two texts, and whether they are similar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledPair {
    /// `sentence1`.
    pub first: String,
    /// `sentence2`.
    pub second: String,
    /// `label`: 1 is similar, 0 is not.
    pub similar: bool,
}

/// The pairs of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledPairs {
    /// The file.
    pub file: PathBuf,
    /// Its pairs, in its order.
    pub pairs: Vec<LabelledPair>,
}

impl LabelledPairs {
    /// Reads a JSON list of objects with `sentence1`, `sentence2` and `label`. A pair may stand
    /// there several times; other fields are passed over. Rows are counted from 1.
    ///
    /// # Errors
    /// If the file cannot be read or holds no pair; with the pair's row, if a field is missing or
    /// empty, the label is neither 0 nor 1, the two texts are alike ([`normalised`]), or the same
    /// two have another label further up.
    pub fn read(file: &Path) -> Result<Self> {
        let rows: Vec<Value> = files::read_json(file)?;
        if rows.is_empty() {
            return Err(Error::input(file, "there is no pair"));
        }
        let mut pairs = Vec::with_capacity(rows.len());
        let mut met: HashMap<[String; 2], (usize, bool)> = HashMap::new();
        for (row, value) in (1..).zip(&rows) {
            let pair = pair(value)
                .map_err(|(field, reason)| Error::input_at(file, Some(row), Some(field), reason))?;
            let mut key = [normalised(&pair.first), normalised(&pair.second)];
            key.sort_unstable();
            let (before, label) = *met.entry(key).or_insert((row, pair.similar));
            if label != pair.similar {
                let reason =
                    format!("two texts that look like these have the other label in row {before}");
                return Err(Error::input_at(file, Some(row), Some("label"), reason));
            }
            pairs.push(pair);
        }
        Ok(Self { file: file.to_path_buf(), pairs })
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none; never, by [`read`](Self::read).
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Refuses a text that stands in the other set, too, be it with other capitals, accents, spacing or punctuation
    /// ([`normalised`]).
    ///
    /// # Errors
    /// With the first such row and field, and where the text stands in `training`.
    pub fn check_disjoint(&self, training: &Self) -> Result<()> {
        let mut place: HashMap<String, usize> = HashMap::new();
        for (row, pair) in (1..).zip(&training.pairs) {
            place.entry(normalised(&pair.first)).or_insert(row);
            place.entry(normalised(&pair.second)).or_insert(row);
        }
        for (row, pair) in (1..).zip(&self.pairs) {
            for (field, text) in [("sentence1", &pair.first), ("sentence2", &pair.second)] {
                if let Some(other) = place.get(&normalised(text)) {
                    let training = training.file.display();
                    let reason =
                        format!("a text that looks like this one is in {training}, row {other}");
                    return Err(Error::input_at(&self.file, Some(row), Some(field), reason));
                }
            }
        }
        Ok(())
    }
}

fn pair(value: &Value) -> Result<LabelledPair, (&'static str, String)> {
    let text = |field: &'static str| match value.get(field) {
        None => Err((field, "missing".to_owned())),
        Some(Value::String(text)) if text.trim().is_empty() => Err((field, "empty".to_owned())),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err((field, format!("{other} is no text"))),
    };
    let (first, second) = (text("sentence1")?, text("sentence2")?);
    if normalised(&first) == normalised(&second) {
        let reason = "looks like sentence1 (capitals, accents, spacing and punctuation set aside): a \
                      text is no pair with itself";
        return Err(("sentence2", reason.to_owned()));
    }
    let similar = match value.get("label") {
        None | Some(Value::Null) => Err("missing".to_owned()),
        Some(Value::Bool(similar)) => Ok(*similar),
        Some(label) => match label.as_f64() {
            Some(1.0) => Ok(true),
            Some(0.0) => Ok(false),
            _ => Err(format!("{label} is neither 0 nor 1")),
        },
    };
    Ok(LabelledPair { first, second, similar: similar.map_err(|reason| ("label", reason))? })
}

/// Texts, each once, in the order in which they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    texts: Vec<String>,
    number: HashMap<String, u32>,
}

impl Texts {
    /// The number of a text, which is added where it is new.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.number.get(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.to_owned());
        self.number.insert(text.to_owned(), number);
        number
    }

    /// The pairs of a file by the numbers of their texts.
    pub fn pairs(&mut self, file: &LabelledPairs) -> Pairs {
        let rows = file.pairs.iter().map(|p| [self.number(&p.first), self.number(&p.second)]);
        Pairs {
            rows: rows.collect(),
            similar: file.pairs.iter().map(|pair| pair.similar).collect(),
            ..Pairs::default()
        }
    }

    /// Pairs of these texts by what their texts look like ([`normalised`]): each text is the first
    /// of those that look alike.
    #[must_use]
    pub fn alike(&self, pairs: &Pairs) -> Pairs {
        let mut first: HashMap<String, u32> = HashMap::new();
        let numbers: Vec<u32> = (0..)
            .zip(&self.texts)
            .map(|(number, text)| *first.entry(normalised(text)).or_insert(number))
            .collect();
        let rows = pairs.rows.iter().map(|pair| pair.map(|text| numbers[text as usize]));
        Pairs { rows: rows.collect(), ..pairs.clone() }
    }

    /// All of them.
    pub fn all(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pairs.json");
        std::fs::write(&file, text).unwrap();
        let said = LabelledPairs::read(&file).unwrap_err().to_string();
        assert!(!said.contains('\n'), "{said}");
        said.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn what_is_wrong_with_a_pair_is_named_with_its_row() {
        let good = r#"{"sentence1": "a", "sentence2": "b", "label": 1.0}"#;
        for (row, expected) in [
            (
                r#"{"sentence1": "a", "sentence2": "c"}"#,
                "pairs.json, row 2, field \"label\": missing",
            ),
            (
                r#"{"sentence1": "a", "sentence2": "c", "label": 0.5}"#,
                "pairs.json, row 2, field \"label\": 0.5 is neither 0 nor 1",
            ),
            (
                r#"{"sentence1": "a", "sentence2": "a ", "label": 1}"#,
                "pairs.json, row 2, field \"sentence2\": looks like sentence1 (capitals, \
                 accents, spacing and punctuation set aside): a text is no pair with itself",
            ),
            (
                r#"{"sentence1": "b", "sentence2": "a", "label": 0}"#,
                "pairs.json, row 2, field \"label\": two texts that look like these have the other label in \
                 row 1",
            ),
            (
                r#"{"sentence1": " ", "sentence2": "a", "label": 0}"#,
                "pairs.json, row 2, field \"sentence1\": empty",
            ),
            (
                r#"{"sentence1": 3, "sentence2": "a", "label": 0}"#,
                "pairs.json, row 2, field \"sentence1\": 3 is no text",
            ),
            ("7", "pairs.json, row 2, field \"sentence1\": missing"),
        ] {
            assert_eq!(said(&format!("[{good}, {row}]")), expected);
        }
        assert_eq!(said("[]"), "pairs.json: there is no pair");
        assert!(said("{}").starts_with("pairs.json"));
        assert!(said("[{").starts_with("pairs.json"));
    }

    #[test]
    fn a_text_in_both_sets_is_named_in_both() {
        let set = |name: &str, rows: &[(&str, &str)]| LabelledPairs {
            file: name.into(),
            pairs: rows
                .iter()
                .map(|(a, b)| LabelledPair {
                    first: (*a).to_owned(),
                    second: (*b).to_owned(),
                    similar: true,
                })
                .collect(),
        };
        let training = set("train.json", &[("a", "b"), ("c", "d")]);
        assert!(set("test.json", &[("e", "f")]).check_disjoint(&training).is_ok());
        assert_eq!(
            set("test.json", &[("e", "f"), ("g", "d")])
                .check_disjoint(&training)
                .unwrap_err()
                .to_string(),
            "test.json, row 2, field \"sentence2\": a text that looks like this one is in train.json, \
             row 2"
        );
        // In other letters, in another form of Unicode, with what cannot be seen in it.
        let training = set("train.json", &[("The caf\u{e9} was phished.", "b")]);
        for text in [
            "the CAFÉ was phished",
            "The cafe\u{301} was phished.",
            "The ca\u{200b}fé was phished.",
        ] {
            let test = set("test.json", &[("e", text)]);
            assert!(test.check_disjoint(&training).is_err(), "{text}");
            let mut texts = Texts::default();
            let (train, test) = (texts.pairs(&training), texts.pairs(&test));
            assert_eq!(texts.len(), 4);
            assert_eq!(texts.alike(&test).rows[0][1], texts.alike(&train).rows[0][0]);
        }
        assert!(set("test.json", &[("?", "!")]).check_disjoint(&set("t", &[("…", "b")])).is_ok());
    }
}
