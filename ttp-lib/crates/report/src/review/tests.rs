use super::*;
use crate::outputs::{self, reviewed::NAMES, tests::sample};
use serde_json::Value;
use std::cell::Cell;
use std::path::PathBuf;

/// A folder with the sample's outputs, and what is done to them.
struct Folder {
    folder: tempfile::TempDir,
    csv: String,
    json: String,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = outputs::write(&sample(), folder.path()).unwrap();
        let [json, csv] = [0, 1].map(|at: usize| std::fs::read_to_string(&paths[at]).unwrap());
        Self { folder, csv, json }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// What `reviewed` says to a file with this content, or its one line without the folder.
    fn review(&self, name: &str, content: &str) -> std::result::Result<ReviewedReport, String> {
        let path = self.write(name, content);
        reviewed(&sample(), &path).map_err(|error| {
            let line = error.to_string();
            assert_eq!(line.lines().count(), 1);
            line.replace(&format!("{}/", self.folder.path().display()), "")
        })
    }
}

/// The CSV with words in `accepted` and `corrected` of the rows from the first on.
fn decided(csv: &str, decisions: &[(&str, &str)]) -> String {
    let rows = Cell::new(0_usize);
    let lines = csv.lines().map(|line| {
        let at = rows.replace(rows.get() + 1);
        match at.checked_sub(1).and_then(|at| decisions.get(at)) {
            Some((accepted, corrected)) => {
                format!("{}{accepted},{corrected}\n", line.strip_suffix(',').unwrap())
            }
            None => format!("{line}\n"),
        }
    });
    lines.collect()
}

#[test]
fn a_corrected_sheet_is_counted() {
    let folder = Folder::new();
    let csv = decided(&folder.csv, &[("yes", ""), ("no", "T1071.001"), ("", "t1583"), ("No", "")]);
    let reviewed = folder.review("corrected.csv", &csv).unwrap();
    let Counts { accepted, rejected, corrected, unseen, missed, precision } = reviewed.counts;
    assert_eq!((accepted, rejected, corrected, unseen, missed), (1, 1, 1, 0, 1));
    // scipy 1.15.3: binomtest(1, 3).proportion_ci(method="wilson").
    let precision = precision.unwrap();
    assert!((precision.value - 1.0 / 3.0).abs() < 1e-12);
    assert!((precision.low - 0.061_491_944_720_396_06).abs() < 1e-9, "{precision:?}");
    assert!((precision.high - 0.792_340_399_197_501_8).abs() < 1e-9, "{precision:?}");
    assert_eq!(
        reviewed.to_text(),
        "Of the sentences with evidence 1 accepted, 1 corrected, 1 rejected, 0 not reviewed: precision \
         0.333 [0.061, 0.792] (Wilson's interval at the level 0.95).\n1 below the threshold show a \
         technique by the reviewer's word.\n"
    );
    let ids: Vec<String> = reviewed.techniques().into_iter().map(|t| t.technique).collect();
    assert_eq!(ids, ["T1059.001", "T1071.001", "T1583"]);
    let layer = reviewed.layer();
    assert_eq!(layer["techniques"][0]["score"], 1);
    assert_eq!(layer["techniques"].as_array().unwrap().len(), 3);
}

#[test]
fn a_sheet_as_it_was_written_decides_nothing() {
    let folder = Folder::new();
    let reviewed = folder.review("report.csv", &folder.csv).unwrap();
    assert_eq!(reviewed.report, sample());
    assert_eq!((reviewed.counts.unseen, reviewed.counts.precision), (3, None));
    assert!(reviewed.to_text().contains("3 not reviewed: nobody has looked at any."));
    // Rows that are left out are not reviewed, and blanks that a spreadsheet changes are no change.
    let some: String = folder.csv.lines().take(2).map(|line| format!("{line}\n")).collect();
    let some = some.replace("ran encoded", "ran  encoded");
    assert_eq!(folder.review("some.csv", &some).unwrap().counts.unseen, 3);
}

#[test]
fn a_corrected_json_is_counted() {
    let folder = Folder::new();
    let mut report = sample();
    report.documents[0].sentences[0].accepted = Some(true);
    report.documents[0].sentences[1].corrected = Some("T1071".to_owned());
    let json = serde_json::to_string_pretty(&report).unwrap();
    let of_file = folder.review("corrected.json", &json).unwrap();
    assert_eq!(of_file, ReviewedReport::of(report.clone()).unwrap());
    assert_eq!((of_file.counts.accepted, of_file.counts.corrected), (1, 1));
    // Alone, without the report that it was.
    assert_eq!(read(&folder.folder.path().join("corrected.json")).unwrap(), report);
    // Without a correction the field may be empty.
    let empty =
        folder.json.replacen("\"evidence\": true,", "\"evidence\": true, \"corrected\": \"\",", 1);
    assert_eq!(folder.review("empty.json", &empty).unwrap().report, sample());
}

#[test]
fn what_is_wrong_in_a_sheet_is_told_with_its_row() {
    let folder = Folder::new();
    let csv = &folder.csv;
    let own = id::of_report(&sample()).short();
    let first = format!("{own},0,0,");
    let cases: Vec<(String, String)> = vec![
        (
            csv.replacen(&own, "0badcafe", 1),
            format!("x.csv, row 2, field \"report\": a row of another report: \"0badcafe\", and this one is {own:?}"),
        ),
        (
            csv.replacen("ran encoded", "ran plain", 1),
            "x.csv, row 2, field \"sentence\": not sentence 0 of document 0, or changed".to_owned(),
        ),
        (
            csv.replacen(&first, &format!("{own},0,9,"), 1),
            "x.csv, row 2, field \"number\": the report has no sentence 9 in document 0".to_owned(),
        ),
        (
            csv.replacen(&first, &format!("{own},0,first,"), 1),
            "x.csv, row 2, field \"number\": \"first\" is no whole number".to_owned(),
        ),
        (
            format!("{csv}{}\n", csv.lines().nth(1).unwrap()),
            "x.csv, row 6, field \"number\": the sentence stands in row 2 already".to_owned(),
        ),
        (
            csv.replacen(",yes,T1059.001,", ",yes,T1027,", 1),
            "x.csv, row 2, field \"technique\": \"T1027\" in place of \"T1059.001\": another \
             technique belongs into corrected"
                .to_owned(),
        ),
        (
            decided(csv, &[("", ""), ("perhaps", "")]),
            "x.csv, row 3, field \"accepted\": \"perhaps\" is neither yes nor no".to_owned(),
        ),
        (
            decided(csv, &[("no", "PowerShell")]),
            "x.csv, row 2, field \"corrected\": \"PowerShell\" is no technique's id, such as T1059 \
             or T1059.001"
                .to_owned(),
        ),
        (
            decided(csv, &[("yes", "T1027")]),
            "x.csv, row 2, field \"corrected\": accepted, and corrected to T1027: only one of them \
             can be meant"
                .to_owned(),
        ),
        (
            decided(csv, &[("no", "T1059.001")]),
            "x.csv, row 2, field \"corrected\": not accepted, and corrected to the same technique \
             T1059.001"
                .to_owned(),
        ),
        (
            csv.replacen(",accepted,", ",approved,", 1),
            format!(
                "x.csv, row 1, field \"accepted\": no such column; there are: {}",
                COLUMNS.join(", ").replace("accepted", "approved")
            ),
        ),
        (
            format!("{csv}{own},1"),
            "x.csv, row 6: 2 cells, the header has 14".to_owned(),
        ),
        (String::new(), "x.csv: empty: not even a header".to_owned()),
    ];
    for (content, line) in cases {
        assert_eq!(folder.review("x.csv", &content).unwrap_err(), line);
    }
    let error = reviewed(&sample(), &folder.folder.path().join("none.csv")).unwrap_err();
    assert!(error.to_string().contains("none.csv: cannot read"), "{error}");
}

#[test]
fn what_is_wrong_in_a_json_is_told_with_its_row() {
    let folder = Folder::new();
    let json = &folder.json;
    let with = |decision: &str| {
        json.replacen("\"evidence\": true,", &format!("\"evidence\": true, {decision},"), 1)
    };
    let swapped = json.replacen("\"technique\": \"T1105\"", "\"technique\": \"T1027\"", 1);
    // The file, words of the row that is named, the field, and what is said.
    let cases: Vec<(String, &str, &str, &str)> = vec![
        (
            with("\"corrected\": \"PowerShell\""),
            "\"corrected\"",
            "documents[0].sentences[0].corrected",
            "corrected: \"PowerShell\" is no technique's id, such as T1059 or T1059.001",
        ),
        (
            with("\"accepted\": \"perhaps\""),
            "\"accepted\"",
            "documents[0].sentences[0].accepted",
            "invalid type: string \"perhaps\", expected a boolean",
        ),
        (
            with("\"accepted\": true, \"corrected\": \"T1027\""),
            "\"The actor ran encoded PowerShell.\"",
            "documents[0].sentences[0]",
            "accepted, and corrected to T1027: only one of them can be meant",
        ),
        (
            json.replace("\"The actor ran encoded PowerShell.\"", "\"The actor ran.\""),
            "\"The actor ran.\"",
            "documents[0].sentences[0]",
            "the sentence is not that of the report",
        ),
        (
            swapped,
            "\"It then fetched",
            "documents[0].sentences[1]",
            "the candidates are not those of the report: another technique belongs into corrected",
        ),
        (
            json.replace("\"version\": 1", "\"version\": 7"),
            "\"version\"",
            "version",
            "version 7 of a report: 1 is read",
        ),
    ];
    for (content, words, field, reason) in cases {
        assert_ne!(&content, json, "{reason}");
        let row = row_of(&content, words).unwrap();
        let told = folder.review("x.json", &content).unwrap_err();
        let line = format!("x.json, row {row}, field {field:?}: {reason}");
        assert!(told.starts_with(&line), "{told}\n{line}");
    }
    let other = json.replace(&"ab".repeat(32), &"ef".repeat(32));
    let told = folder.review("x.json", &other).unwrap_err();
    assert_eq!(told, "x.json: is of other documents or of another model");
    // Cut anywhere, it is a line all the same.
    for length in [1, 2, 100, json.len() / 2, json.len() - 3] {
        let told = folder.review("x.json", &json[..length]).unwrap_err();
        assert!(told.starts_with("x.json, row ") && told.contains("EOF"), "{told}");
    }
    let told = folder.review("x.json", &format!("{json} more")).unwrap_err();
    assert!(told.contains("trailing characters"), "{told}");
}

#[test]
fn what_was_accepted_can_be_trained_on() {
    let folder = Folder::new();
    let csv = decided(&folder.csv, &[("yes", ""), ("no", "T1071.001"), ("", ""), ("no", "")]);
    let path = folder.write("corrected.csv", &csv);
    let reviewed = reviewed(&sample(), &path).unwrap();
    let out = folder.folder.path().join("reviewed");
    let paths = reviewed.write(&out, &[&path]).unwrap();
    assert_eq!(paths, NAMES.map(|name| out.join(name)));
    let counts: Value = files::read_json(&paths[0]).unwrap();
    assert_eq!((&counts["accepted"], &counts["corrected"]), (&1.into(), &1.into()));
    assert_eq!(
        std::fs::read_to_string(&paths[2]).unwrap(),
        "sentence,technique\nThe actor ran encoded PowerShell.,T1059.001\nIt then fetched \
         http://evil.example.com/a.ps1 from 203.0.113.9.,T1071.001\n"
    );
    // As a profile's csv source takes it.
    let built = ttp_text::corpus::build(&ttp_text::corpus::Source::Csv {
        path: paths[2].clone(),
        columns: ttp_text::corpus::Columns::named("sentence", "technique"),
        known: None,
        keep: ttp_text::corpus::RowChoice::EveryRow,
    });
    assert!(built.is_ok(), "{:?}", built.err());
    // It is not written over what was read.
    let input = folder.write("training.csv", &csv);
    let error = reviewed.write(folder.folder.path(), &[&input]).unwrap_err().to_string();
    assert!(error.contains("training.csv: would be written over"), "{error}");
    assert!(!folder.folder.path().join("review.json").exists());
}
