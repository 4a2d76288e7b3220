//! TRAM 2's sentences with one technique each: a list of objects with `text`, `label` (a
//! technique or sub-technique) and `doc_title` (the report).

use super::build::{CorpusBuild, sift};
use super::candidates::{Candidate, RowChoice, fold};
use super::clean;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::spelling::is_technique_id;
use ttp_base::{Error, Result, files};

/// Reads TRAM 2's `single_label.json`: sub-techniques are folded into their technique, a text is
/// kept once within a technique, and what is left out is counted. `names` are techniques' names by
/// id ([`techniques`](super::techniques)); one that is not among them is named by its id.
///
/// # Errors
/// If the file cannot be read, or a record is not what it should be: names record and field.
pub fn read(file: &Path, names: &BTreeMap<String, String>) -> Result<CorpusBuild> {
    let Value::Array(records) = files::read_json::<Value>(file)? else {
        return Err(Error::input(file, "not TRAM 2: a list of records is expected"));
    };
    if records.is_empty() {
        return Err(Error::input(file, "not TRAM 2: no record in it"));
    }
    let mut candidates = Vec::with_capacity(records.len());
    for (record, at) in records.iter().zip(1..) {
        let wrong =
            |field: &str, reason: String| Error::input_at(file, Some(at), Some(field), reason);
        let text_of = |field: &str| match record.get(field).map(Value::as_str) {
            Some(Some(text)) if !text.trim().is_empty() => Ok(text),
            Some(Some(_)) => Err(wrong(field, "empty".to_owned())),
            Some(None) => Err(wrong(field, "not a string".to_owned())),
            None => Err(wrong(field, "missing".to_owned())),
        };
        let (text, label, report) = (text_of("text")?, text_of("label")?, text_of("doc_title")?);
        if !is_technique_id(label) {
            return Err(wrong("label", format!("{label:?} is no technique's id")));
        }
        candidates.push(Candidate {
            technique: label.to_owned(),
            text: clean::collapse(text),
            source_id: format!("tram-v2:{}", clean::collapse(report)),
            dropped: None,
        });
    }
    Ok(sift(candidates, RowChoice::Distinct, |id| names.get(fold(id)).cloned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::corpus::{DropCount, Reason};

    fn read_text(text: &str) -> Result<CorpusBuild> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(
            file.path(),
            &BTreeMap::from([("T1003".to_owned(), "OS Credential Dumping".to_owned())]),
        )
        .map_err(|error| match error {
            Error::Input { place, reason } => {
                let place = ttp_base::error::Place { file: "x.json".into(), ..place };
                Error::Input { place, reason }
            }
            other => other,
        })
    }

    #[test]
    fn subtechniques_are_folded_and_duplicates_counted() {
        let built = read_text(
            r#"[{"text": "It  dumps\nLSASS.", "label": "T1003.001", "doc_title": "A report"},
                {"text": "It dumps LSASS", "label": "T1003", "doc_title": "Another"},
                {"text": "It dumps LSASS.", "label": "T1055", "doc_title": "Another", "more": 1},
                {"text": "---", "label": "T1055", "doc_title": "Another"}]"#,
        );
        let built = built.unwrap();
        let dropped = |reason| DropCount { reason, count: 1 };
        assert_eq!(built.candidates, 4);
        assert_eq!(built.dropped, [dropped(Reason::NoWord), dropped(Reason::Duplicate)]);
        let [first, second] = &built.corpus.sentences[..] else { unreachable!("two rows") };
        assert_eq!(first.text, "It dumps LSASS.");
        assert_eq!((&*first.technique, &*first.name), ("T1003", "OS Credential Dumping"));
        assert_eq!(first.subtechnique.as_deref(), Some("T1003.001"));
        assert_eq!(first.source_id, "tram-v2:A report");
        assert_eq!((&*second.technique, &*second.name), ("T1055", "T1055"));
    }

    #[test]
    fn a_record_that_is_wrong_is_named_with_its_field() {
        let record =
            |text: &str| format!(r#"[{{"text": "a", "label": "T1", "doc_title": "b"}}, {text}]"#);
        let good = r#""text": "It ran.", "label": "T1059", "doc_title": "b""#;
        for (text, said) in [
            ("{}".to_owned(), "x.json: not TRAM 2: a list of records is expected"),
            ("[]".to_owned(), "x.json: not TRAM 2: no record in it"),
            (format!("[{{{good}}}, 7]"), r#"x.json, row 2, field "text": missing"#),
            (
                format!("[{{{good}}}, {{{good}}}, {{\"text\": 7}}]"),
                r#"x.json, row 3, field "text": not a string"#,
            ),
            (
                format!("[{{{}}}]", good.replace("It ran.", " ")),
                r#"x.json, row 1, field "text": empty"#,
            ),
            (
                format!("[{{{}}}]", good.replace("label", "labels")),
                r#"x.json, row 1, field "label": missing"#,
            ),
            (
                format!("[{{{}}}]", good.replace("T1059", "Scripting")),
                r#"x.json, row 1, field "label": "Scripting" is no technique's id"#,
            ),
            (
                format!("[{{{}}}]", good.replace("\"b\"", "null")),
                r#"x.json, row 1, field "doc_title": not a string"#,
            ),
            (record("{}"), r#"x.json, row 1, field "label": "T1" is no technique's id"#),
        ] {
            assert_eq!(read_text(&text).unwrap_err().to_string(), said);
        }
        assert!(read_text(r#"[{"text": "#).unwrap_err().to_string().starts_with("x.json"));
        let missing = read(Path::new("none/single_label.json"), &BTreeMap::new()).unwrap_err();
        assert!(missing.to_string().contains("none/single_label.json"), "{missing}");
    }
}
