use super::super::{bounds_beside, derived_numbers, documents, mistakes};
use super::*;
use crate::{Claims, audit};
use serde_json::json;

/// A document with one claim, which a run may bear out.
const TEXT: &str = r#"
document = "a report"

[[claim]]
id = "rows"
at = "1"
says = "rows"
kind = "stated"
needs = "the data"
value = "14.4k"
ours = "paper_rows.rows"
same_rows = true
"#;

fn ours(rows: u64) -> Measurements {
    Measurements::from_json(json!({ "paper_rows": { "rows": rows } }))
}

#[test]
fn the_file_is_the_summary_with_what_is_held_together() {
    let claims = Claims::parse("claims.toml".as_ref(), TEXT).unwrap();
    let audits = [audit(&claims).unwrap().beside(&ours(14_427))];
    let results = AuditResults { audits: &audits, together: &audits[0], ours: &ours(14_427) };
    let file = serde_json::to_value(results).unwrap();
    let mut keys: Vec<&String> = file.as_object().unwrap().keys().collect();
    keys.sort();
    let expected = [
        "claims",
        "consistent",
        "documents",
        "inconsistent",
        "not_reproduced",
        "reproduced",
        "together",
        "undecided",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&file["claims"], &file["reproduced"]), (&json!(1), &json!(1)));
    assert_eq!(file["together"][0]["document"], json!("a report"));
}

#[test]
fn the_sentences_say_what_follows() {
    let claims = Claims::parse("claims.toml".as_ref(), TEXT).unwrap();
    let audits = [audit(&claims).unwrap().beside(&ours(14_201))];
    let none = Measurements::default();
    let results = AuditResults { audits: &audits, together: &audits[0], ours: &none };
    assert_eq!(
        results.findings(&audits),
        [
            "a report: 1 claims: 0 consistent, 0 inconsistent, 1 undecided",
            "a report: claims about its own rows: 0 reproduced, 1 not reproduced",
            "0 claims cannot hold; 0 of them fall with one other claim or by themselves, so two \
             printed figures are enough to see it",
            "figures of ours that no run left here: 1 (profile paper has the paper's three models)",
            "a report",
        ]
    );
    assert_eq!(documents(&audits).unwrap().len(), 1);
    let table = mistakes(&audits[0], "report", &audits[0]).unwrap().to_text();
    assert!(table.contains("not so in the data"), "{table}");
    assert!(derived_numbers(&audits).unwrap().is_empty());
    assert!(bounds_beside(&audits[0], &audits[0]).unwrap().is_empty());
}
