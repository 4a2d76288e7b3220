//! Diagnosis from files to files: scikit-learn's figures, bad input, hostile names, the written
//! schema, the command line.

use polars::prelude::{Column, DataFrame};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use ttp_lib::corpus::frame::write_parquet;
use ttp_lib::diagnosis::{Columns, DiagnosisInput, Report, SCHEMA, read_matrix, read_predictions};
use ttp_lib::metrics::{
    CellCount, Confusion, Diagnosis, DiagnosisSettings, Fault, SparseConfusion, Tier,
};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    fn parquet(&self, name: &str, columns: Vec<Column>) -> PathBuf {
        let rows = columns[0].len();
        write_parquet(&mut DataFrame::new(rows, columns).unwrap(), &self.at(name)).unwrap();
        self.at(name)
    }

    fn ttp(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttp"));
        command.arg("diagnose").args(arguments).current_dir(self.0.path()).output().unwrap()
    }
}

fn csv(text: &str) -> ttp_lib::Result<DiagnosisInput> {
    csv_with(text, &Columns::default())
}

/// Reads it as a file `p.csv` whose folder is left out of the error's message.
fn csv_with(text: &str, columns: &Columns) -> ttp_lib::Result<DiagnosisInput> {
    read_predictions(&Folder::new().write("p.csv", text), columns)
}

fn said<T: std::fmt::Debug>(result: ttp_lib::Result<T>) -> String {
    let message = result.unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    match message.rsplit_once("/") {
        Some((folder, rest)) if folder.starts_with("/tmp") || folder.contains("tmp") => rest.into(),
        _ => message,
    }
}

fn with_prefix(prefix: &str) -> Columns {
    Columns { probabilities: Some(prefix.into()), ..Columns::default() }
}

fn report(judged: DiagnosisInput) -> Report {
    Report::new(judged, &DiagnosisSettings::default()).unwrap()
}

// ---- scikit-learn's figures

#[derive(Deserialize)]
struct Golden {
    made_by: String,
    cases: Vec<Case>,
    probabilities: Probabilities,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    cells: Vec<(String, String, u64)>,
    accuracy: f64,
    #[serde(rename = "macro")]
    macro_: Figures,
    weighted: Figures,
    classes: BTreeMap<String, Figures>,
}

#[derive(Deserialize)]
struct Figures {
    precision: f64,
    recall: f64,
    #[serde(rename = "f1-score")]
    f1: f64,
    support: f64,
}

#[derive(Deserialize)]
struct Probabilities {
    labels: Vec<String>,
    values: Vec<Vec<f64>>,
    truth: Vec<String>,
    log_loss: f64,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("../golden/diagnosis.json")).unwrap();
    assert!(golden.made_by.starts_with("scikit-learn 1.7.2"), "{}", golden.made_by);
    golden
}

fn near(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12, "{name}: {found} and not {expected}");
}

#[test]
fn figures_are_those_of_classification_report() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 7);
    for case in &golden.cases {
        let labels: BTreeSet<&String> = case.cells.iter().flat_map(|(t, p, _)| [t, p]).collect();
        let labels: Vec<&String> = labels.into_iter().collect();
        let at = |label: &String| labels.iter().position(|other| *other == label).unwrap() as u32;
        let cell = |(truth, predicted, count): &(String, String, u64)| CellCount {
            truth: at(truth),
            predicted: at(predicted),
            count: *count,
        };
        let names = labels.iter().map(|label| label.as_str());
        let counts = SparseConfusion::from_cells(names, case.cells.iter().map(cell)).unwrap();
        let found = Diagnosis::of_sparse(&counts, &DiagnosisSettings::default()).unwrap();
        assert_eq!(found.classes.len(), case.classes.len(), "{}", case.name);
        for class in &found.classes {
            let (name, expected) =
                (format!("{}: {}", case.name, class.label), &case.classes[&class.label]);
            near(&name, class.precision.value, expected.precision);
            near(&name, class.recall.value, expected.recall);
            near(&name, class.f1.value, expected.f1);
            assert_eq!(class.support as f64, expected.support, "{name}");
            for estimate in [class.precision, class.recall, class.f1] {
                assert!(
                    estimate.low <= estimate.value && estimate.value <= estimate.high,
                    "{name}"
                );
            }
        }
        near(&case.name, found.accuracy.value, case.accuracy);
        near(&case.name, found.macro_f1.value, case.macro_.f1);
        near(&case.name, found.weighted_f1.value, case.weighted.f1);
        near(&case.name, found.macro_precision, case.macro_.precision);
        near(&case.name, found.macro_recall, case.macro_.recall);
        near(&case.name, found.weighted_precision, case.weighted.precision);
        near(&case.name, found.weighted_recall, case.weighted.recall);
        assert_eq!(found.rows as f64, case.macro_.support);
        let tiers: usize = Tier::ALL.iter().map(|tier| found.in_tier(*tier).len()).sum();
        assert_eq!(tiers, found.classes.len(), "each class is in one tier");
    }
}

#[test]
fn log_loss_is_scikit_learns() {
    let Probabilities { labels, values, truth, log_loss } = golden().probabilities;
    let mut text = format!("truth,p_{}\n", labels.join(",p_"));
    for (truth, values) in truth.iter().zip(&values) {
        let values: Vec<String> = values.iter().map(f64::to_string).collect();
        text.push_str(&format!("{truth},{}\n", values.join(",")));
    }
    let judged = csv_with(&text, &with_prefix("p_")).unwrap();
    let scores = judged.probabilities.as_ref().unwrap();
    near("log loss", scores.log_loss.unwrap(), log_loss);
    assert_eq!(scores.not_the_most_probable, None, "predictions are the most probable class");
    assert_eq!(judged.source.predicted, None);
    // The same rows as parquet, in double precision.
    let folder = Folder::new();
    let mut columns = vec![Column::new("truth".into(), truth)];
    for (at, label) in labels.iter().enumerate() {
        let of_label: Vec<f64> = values.iter().map(|row| row[at]).collect();
        columns.push(Column::new(format!("p_{label}").into(), of_label));
    }
    let parquet = folder.parquet("p.parquet", columns);
    let same = read_predictions(&parquet, &with_prefix("p_")).unwrap();
    assert_eq!(same.counts, judged.counts);
    assert_eq!(same.probabilities, judged.probabilities);
}

// ---- ways in

const SMALL: &str = "truth,predicted\nb,a\na,a\nb,b\nc,b\n";

#[test]
fn csv_parquet_and_matrix_come_to_the_same() {
    let folder = Folder::new();
    let expected = csv(SMALL).unwrap().counts;
    assert_eq!(expected.labels(), ["a", "b", "c"]);
    let (truth, predicted) = (["b", "a", "b", "c"], ["a", "a", "b", "b"]);
    let columns = vec![Column::new("y_pred".into(), predicted), Column::new("label".into(), truth)];
    let parquet = read_predictions(&folder.parquet("p.parquet", columns), &Columns::default());
    let parquet = parquet.unwrap();
    assert_eq!(parquet.counts, expected);
    assert_eq!(parquet.source.truth.as_deref(), Some("label"));

    // Rows in another order than columns; counts as a frame with floats writes them.
    let matrix = "truth \\ predicted,a,b,c\nc,0,1,0\na,1.0,0,0\nb,1,1,0\n";
    assert_eq!(read_matrix(&folder.write("m.csv", matrix)).unwrap().counts, expected);
    // As np.savetxt writes them: https://numpy.org/doc/stable/reference/generated/numpy.savetxt.html
    let matrix = matrix.replace(",0", ",0.000000000000000000e+00");
    let matrix = matrix.replace(",1,", ",1.000000000000000000e+00,").replace("1.0,", "10.E-1,");
    assert!(matrix.contains("1.000000000000000000e+00,") && matrix.contains("10.E-1,"));
    assert_eq!(read_matrix(&folder.write("m.csv", matrix)).unwrap().counts, expected);
    let confusion = Confusion::from_labels(&truth, &predicted).unwrap();
    let json = serde_json::to_string_pretty(&confusion).unwrap();
    assert_eq!(read_matrix(&folder.write("m.json", &json)).unwrap().counts, expected);
    let deeper = format!("{{\"accuracy\": 0.5, \"confusion\": {json}}}");
    assert_eq!(read_matrix(&folder.write("results.json", deeper)).unwrap().counts, expected);
}

#[test]
fn labels_may_be_numbers() {
    let folder = Folder::new();
    let columns = vec![
        Column::new("truth".into(), [10_i64, 2, 2]),
        Column::new("predicted".into(), [10.0_f64, 2.0, 10.0]),
    ];
    let judged = read_predictions(&folder.parquet("p.parquet", columns), &Columns::default());
    let judged = judged.unwrap();
    assert_eq!(judged.counts.labels(), ["10", "2"]);
    assert_eq!(judged.counts.count(1, 0), 1);
    // Numbers of one and two bytes, as pandas writes its categories' codes; and a file that is
    // parquet by its first bytes alone.
    let small = vec![
        Column::new("truth".into(), [10_i8, 2, 2]),
        Column::new("predicted".into(), [10_u16, 2, 10]),
        Column::new("other".into(), [1_u8, 2, 3]),
    ];
    let file = folder.parquet("small.pq", small);
    let judged = read_predictions(&file, &Columns::default()).unwrap();
    assert_eq!(judged.counts.labels(), ["10", "2"]);
    assert_eq!(judged.counts.count(1, 0), 1);
    let of = |value: f64| {
        let columns = vec![
            Column::new("truth".into(), ["1", "0.5"]),
            Column::new("predicted".into(), [1.0, value]),
        ];
        read_predictions(&folder.parquet("q.parquet", columns), &Columns::default())
    };
    let broken = said(of(f64::NAN));
    assert_eq!(broken, "q.parquet, row 2, field \"predicted\": NaN is no label");
    // As in CSV: a label need not be a whole number.
    let half = of(0.5).unwrap();
    assert_eq!(half.counts.labels(), ["0.5", "1"]);
    assert_eq!((half.counts.count(0, 0), half.counts.count(1, 1)), (1, 1));
}

#[test]
fn columns_are_found_or_asked_for() {
    assert_eq!(
        said(csv("label,technique,predicted\na,a,a\n")),
        "p.csv, row 1: \"label\" or \"technique\"? Say which with --truth; there are: label, \
         technique, predicted"
    );
    let truth = Columns { truth: Some("technique".into()), ..Columns::default() };
    assert!(csv_with("label,technique,predicted\na,a,a\n", &truth).is_ok());
    let message = said(csv("a,b\n1,2\n"));
    assert!(message.starts_with("p.csv, row 1: no column of truth (truth, true"), "{message}");
    let message = said(csv("truth,b\n1,2\n"));
    assert!(message.contains("no column of predictions"), "{message}");
    let missing = Columns { predicted: Some("said".into()), ..Columns::default() };
    assert_eq!(
        said(csv_with(SMALL, &missing)),
        "p.csv, row 1, field \"said\": no such column; there are: truth, predicted"
    );
    let message = said(csv_with("truth,p_a\na,1\n", &with_prefix("p_")));
    assert!(message.contains("fewer than two columns of probabilities begin so"), "{message}");
    for empty in ["", "truth,predicted\n"] {
        assert!(csv(empty).is_err());
    }
}

#[test]
fn what_finetuning_writes_needs_no_options() {
    use ttp_lib::corpus::{Operation, Sample};
    use ttp_lib::evaluate::{Prediction, write_predictions};
    let sample = |row: u32, technique: &str| Sample {
        row,
        technique: technique.into(),
        text: format!("sentence {row}"),
        operation: Operation::Original,
    };
    let prediction = |row, technique: &str, predicted: &str, probability| Prediction {
        sample: sample(row, technique),
        predicted: predicted.into(),
        probability,
    };
    let folder = Folder::new();
    let file = folder.at("finetune.minilm.clean.predictions.parquet");
    let rows = [prediction(0, "T1059", "T1059", 0.75), prediction(1, "T1105", "T1059", 0.5)];
    write_predictions(&rows, &file).unwrap();
    let judged = read_predictions(&file, &Columns::default()).unwrap();
    assert_eq!(judged.counts.labels(), ["T1059", "T1105"]);
    assert_eq!(judged.counts.count(1, 0), 1);
    assert_eq!(judged.source.truth.as_deref(), Some("technique"));
    let scores = judged.probabilities.unwrap();
    assert_eq!(scores.mean_confidence, 0.625);
    assert_eq!(scores.calibration_error, (0.25 + 0.5) / 2.0);
    assert_eq!(scores.log_loss, None);
}

// ---- bad input

#[test]
fn labels_of_one_side_only_are_right_answers() {
    // z only among predictions, y only in truth.
    let mut text = String::from("truth,predicted\n");
    for _ in 0..30 {
        text.push_str("a,a\ny,z\n");
    }
    let report = report(csv(&text).unwrap());
    assert_eq!(report.diagnosis.only_predicted(), ["z"]);
    assert_eq!(report.diagnosis.class("z").unwrap().tier, Tier::NoRows);
    assert_eq!(report.diagnosis.zero_recall[0].goes_to[0].label, "z");
    let swallowed = Fault::Swallowed { class: "y".into(), by: "z".into() };
    assert_eq!(report.diagnosis.faults(), [swallowed]);
    near("macro F1", report.diagnosis.macro_f1.value, 1.0 / 3.0);
    assert!(report.to_text().unwrap().contains("only among predictions"));
}

#[test]
fn a_class_without_rows_is_in_the_matrix_and_in_no_average() {
    let folder = Folder::new();
    let text = "x,a,b,none\na,9,1,0\nb,0,10,0\nnone,0,0,0\n";
    let report = report(read_matrix(&folder.write("m.csv", text)).unwrap());
    let none = report.diagnosis.class("none").unwrap();
    assert_eq!((none.tier, none.support, none.predicted), (Tier::NoRows, 0, 0));
    near("macro F1", report.diagnosis.macro_f1.value, (18.0 / 19.0 + 20.0 / 21.0) / 2.0);
    assert_eq!(report.diagnosis.faults().len(), 2, "a and b have but ten rows each");
    report.to_html().unwrap();
}

/// Of both rows' log loss the mean is −(ln 0.8 + ln 0.7) / 2; confidence is 0.2 and 0.3 short of 1.
#[test]
fn truth_values_have_the_probabilities_of_their_names() {
    let scores = |text: &str| csv_with(text, &with_prefix("p_")).unwrap().probabilities.unwrap();
    let rows = "1,1,0.8,0.2\n0,0,0.3,0.7\n";
    for names in ["p_true,p_false", "p_TRUE,p_FALSE", "p_1,p_0", "p_1.0,p_0.0"] {
        let found = scores(&format!("truth,predicted,{names}\n{rows}"));
        assert!((found.log_loss.unwrap() - 0.289_909_247_626_471_1).abs() < 1e-12, "{names}");
        assert!((found.calibration_error - 0.25).abs() < 1e-12, "{names}");
    }
    let twice = said(csv_with("truth,p_1,p_1.0\n1,0.5,0.5\n", &with_prefix("p_")));
    assert_eq!(
        twice,
        "p.csv, row 1, field \"p_\": a label has two columns; there are: truth, p_1, p_1.0"
    );
}

/// Of columns that are not truth values and numbers throughout, True is no 1: neither in accuracy
/// nor in calibration.
#[test]
fn accuracy_and_calibration_agree_on_what_is_right() {
    let right = |text: &str| {
        let judged = csv(&format!("truth,predicted,probability\n{text}")).unwrap();
        let right: u64 =
            (0..judged.counts.labels().len() as u32).map(|at| judged.counts.count(at, at)).sum();
        let scores = judged.probabilities.unwrap();
        let bins = scores.bins.iter().map(|bin| bin.rows as f64 * bin.accuracy);
        (right, bins.sum::<f64>().round() as u64)
    };
    assert_eq!(right("True,1,0.9\nFalse,0,0.9\n1,1,0.9\n"), (1, 1));
    assert_eq!(right("True,1,0.9\nFalse,0,0.9\nTrue,0,0.9\n"), (2, 2));
    assert_eq!(right("1.0,1,0.9\n2,2.0,0.9\n1,2,0.9\n"), (2, 2));
}

#[test]
fn probabilities_that_are_none_are_refused() {
    let columns = with_prefix("p_");
    let of = |row: &str| said(csv_with(&format!("truth,p_a,p_b\na,0.4,0.6\n{row}\n"), &columns));
    assert_eq!(
        of("a,0.5,0.4"),
        "p.csv, row 3, field \"p_a\": the row's probabilities add up to 0.9000, not to 1"
    );
    assert_eq!(of("a,0.5,NaN"), "p.csv, row 3, field \"p_b\": NaN is no probability from 0 to 1");
    assert_eq!(of("a,-0.5,1.5"), "p.csv, row 3, field \"p_a\": -0.5 is no probability from 0 to 1");
    assert_eq!(of("a,x,1"), "p.csv, row 3, field \"p_a\": \"x\" is no probability");
    assert_eq!(of("a,,1"), "p.csv, row 3, field \"p_a\": missing: no probability");
    // Three decimals may miss 1 by 0.001.
    assert!(csv_with("truth,p_a,p_b,p_c\na,0.333,0.333,0.333\n", &columns).is_ok());
    let own = |value: &str| said(csv(&format!("truth,predicted,probability\na,a,{value}\n")));
    assert_eq!(
        own("1.5"),
        "p.csv, row 2, field \"probability\": 1.5 is no probability from 0 to 1"
    );
    assert_eq!(
        own("nan"),
        "p.csv, row 2, field \"probability\": NaN is no probability from 0 to 1"
    );

    let folder = Folder::new();
    let parquet = |a: [Option<f64>; 2], b: [f64; 2]| {
        let columns = vec![
            Column::new("truth".into(), ["a", "b"]),
            Column::new("p_a".into(), a),
            Column::new("p_b".into(), b),
        ];
        said(read_predictions(&folder.parquet("p.parquet", columns), &with_prefix("p_")))
    };
    assert_eq!(
        parquet([Some(0.5), Some(0.7)], [0.5, 0.7]),
        "p.parquet, row 2, field \"p_a\": the row's probabilities add up to 1.4000, not to 1"
    );
    assert_eq!(
        parquet([Some(0.5), Some(f64::NAN)], [0.5, 0.7]),
        "p.parquet, row 2, field \"p_a\": NaN is no probability from 0 to 1"
    );
    assert_eq!(
        parquet([Some(0.5), None], [0.5, 0.7]),
        "p.parquet, row 2, field \"p_a\": missing: no probability"
    );
}

#[test]
fn predictions_are_held_against_the_probabilities() {
    let text = "truth,predicted,p_a,p_b\na,a,0.9,0.1\nb,a,0.2,0.8\nb,b,0.5,0.5\n";
    let judged = csv_with(text, &with_prefix("p_")).unwrap();
    assert_eq!(judged.counts.count(1, 0), 1, "the column of predictions decides");
    let scores = judged.probabilities.unwrap();
    assert_eq!(scores.not_the_most_probable, Some(1), "a tie is no disagreement");
    near("confidence", scores.mean_confidence, (0.9 + 0.2 + 0.5) / 3.0);
    // Without it the highest is taken, of equals the first.
    let argmax = csv_with("truth,p_a,p_b\nb,0.5,0.5\n", &with_prefix("p_")).unwrap();
    assert_eq!(argmax.counts.labels(), ["a", "b"]);
}

#[test]
fn labels_that_are_missing_are_refused() {
    assert_eq!(
        said(csv("truth,predicted\na,b\n,b\n")),
        "p.csv, row 3, field \"truth\": missing: no label"
    );
    assert_eq!(
        said(csv("truth,predicted\na,NaN\n")),
        "p.csv, row 2, field \"predicted\": NaN is no label"
    );
    assert_eq!(said(csv("truth,predicted\na\n")), "p.csv, row 2: 1 cells, the header has 2");
    let folder = Folder::new();
    let columns = vec![
        Column::new("truth".into(), [Some("a"), None]),
        Column::new("predicted".into(), ["a", "b"]),
    ];
    assert_eq!(
        said(read_predictions(&folder.parquet("p.parquet", columns), &Columns::default())),
        "p.parquet, row 2, field \"truth\": missing: no label"
    );
    let broken = folder.write("broken.parquet", "PAR1 and no more");
    assert!(said(read_predictions(&broken, &Columns::default())).contains("parquet"));
    let bytes = folder.write("bytes.csv", b"truth,predicted\na,\xff\n");
    assert!(said(read_predictions(&bytes, &Columns::default())).contains("not UTF-8"));
}

#[test]
fn a_matrix_that_is_none_is_refused() {
    let folder = Folder::new();
    for (text, reason) in [
        ("x,a,b\na,1,2\n", "m.csv: not square: 1 rows for 2 columns"),
        ("x,a,b\na,1,2\nb,1\n", "m.csv, row 3: 1 counts, the header has 2 labels"),
        ("x,a,b\na,1,2\nc,1,2\n", "m.csv, row 3: not square: \"c\" is a row and no column"),
        ("x,a,b\na,1,2\na,1,2\n", "m.csv, row 3: \"a\" is there twice"),
        ("x,a,a\na,1,2\n", "m.csv, row 1, field \"a\": this label is there twice"),
        ("x,a\na,NaN\n", "m.csv, row 2, field \"a\": \"NaN\" is no whole number of rows"),
        ("x,a\na,-1\n", "m.csv, row 2, field \"a\": \"-1\" is no whole number of rows"),
        ("x,a\na,0.5\n", "m.csv, row 2, field \"a\": \"0.5\" is no whole number of rows"),
        ("x,a\na,5e-1\n", "m.csv, row 2, field \"a\": \"5e-1\" is no whole number of rows"),
        ("x,a\na,1e17\n", "m.csv, row 2, field \"a\": \"1e17\" is no whole number of rows"),
        ("x,a\na,-3e0\n", "m.csv, row 2, field \"a\": \"-3e0\" is no whole number of rows"),
        ("x,a\na,\n", "m.csv, row 2, field \"a\": \"\" is no whole number of rows"),
        ("", "m.csv: empty: not even a header"),
        ("x,a\na,0\n", "m.csv: setting counts: there is no row to score"),
    ] {
        assert_eq!(said(read_matrix(&folder.write("m.csv", text))), reason, "{text:?}");
    }
    let json = |labels: Value, rows: Value| {
        let text = json!({"labels": labels, "rows_truth_columns_predicted": rows}).to_string();
        said(read_matrix(&folder.write("m.json", text)))
    };
    assert_eq!(json(json!(["a", "b"]), json!([[1, 0]])), "m.json: not square: 1 rows for 2 labels");
    assert_eq!(
        json(json!(["a", "b"]), json!([[1, 0], [1]])),
        "m.json, field \"b\": not square: 1 columns for 2 labels"
    );
    assert!(json(json!(["a"]), json!([[null]])).starts_with("m.json, row 1: "));
    assert!(json(json!(["a"]), json!([[-1]])).starts_with("m.json, row 1: "));
    assert!(said(read_matrix(&folder.write("m.json", "{}"))).contains("labels"));
}

/// Whatever ends a line (<https://docs.python.org/3/library/csv.html>, lineterminator), wherever a
/// blank one is and however many a cell has.
#[test]
fn a_wrong_row_is_named_as_an_editor_counts_it() {
    let folder = Folder::new();
    for end in ["\n", "\r\n", "\r"] {
        let of = |text: &str, columns: &Columns| {
            said(read_predictions(&folder.write("p.csv", text.replace('\n', end)), columns))
        };
        let plain = Columns::default();
        let missing = |row: usize, field: &str| {
            format!("p.csv, row {row}, field {field:?}: missing: no label")
        };
        assert_eq!(of("truth,predicted\na,a\n\nb,b\n,b\n", &plain), missing(5, "truth"));
        assert_eq!(of("truth,predicted\n\na,a\nb,\n", &plain), missing(4, "predicted"));
        let quoted = "truth,predicted\n\"a\nb\",a\n\nb,\n";
        assert_eq!(of(quoted, &plain), missing(5, "predicted"));
        let open = "truth,predicted\na,a\n\n\"b,b\n";
        assert_eq!(of(open, &plain), "p.csv, row 4: a quote is opened here and never closed");
        let behind = "p.csv, row 3: text stands behind the closing quote of a cell";
        let altered = of("truth,predicted\na,a\n\"b\\\"c\",b\n", &plain);
        assert!(altered.starts_with(behind), "{altered}");
        let short = of("truth,predicted\n\na,a\nb\n", &plain);
        assert_eq!(short, "p.csv, row 4: 1 cells, the header has 2");
        assert_eq!(
            of("truth,predicted,probability\na,a,0.5\n\nb,b,NaN\n", &plain),
            "p.csv, row 4, field \"probability\": NaN is no probability from 0 to 1"
        );
        assert_eq!(
            of("truth,p_a,p_b\n\na,0.5,0.5\nb,0.5,nan\n", &with_prefix("p_")),
            "p.csv, row 4, field \"p_b\": NaN is no probability from 0 to 1"
        );
        let matrix =
            |text: &str| said(read_matrix(&folder.write("m.csv", text.replace('\n', end))));
        assert_eq!(
            matrix("x,a,b\n\na,1,2\nb,1,-1\n"),
            "m.csv, row 4, field \"b\": \"-1\" is no whole number of rows"
        );
        assert_eq!(
            matrix("x,\"a\nb\",c\n\"a\nb\",1,2\nd,1,1\n"),
            "m.csv, row 5: not square: \"d\" is a row and no column"
        );
    }
}

#[test]
fn ten_thousand_classes_are_diagnosed() {
    let mut text = String::from("truth,predicted\n");
    for row in 0..60_000_u32 {
        let class = row % 10_000;
        let predicted = if row % 7 == 0 { (class + 1) % 10_000 } else { class };
        text.push_str(&format!("class {class:05},class {predicted:05}\n"));
    }
    let report = report(csv(&text).unwrap());
    assert_eq!(report.diagnosis.classes.len(), 10_000);
    assert_eq!(report.reordered().unwrap().labels().len(), 61);
    let html = report.to_html().unwrap();
    assert!(html.contains("Of 10000 classes the 60 with the most errors"), "the page says so");
    assert!(html.len() < 3_000_000, "{}", html.len());
    assert!(html.contains("… and 9,500 more"));
    assert_eq!(report.to_json().unwrap()["classes"].as_array().unwrap().len(), 10_000);
    let lines = report.to_text().unwrap().lines().count();
    assert!(lines < 200, "{lines}");
    assert!(report.to_markdown().unwrap().len() < 500_000);
}

// ---- hostile names

const HOSTILE: [&str; 10] = [
    "comma, \"quotes\" and 'more'",
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "line\nbreak\r\nand\ttab",
    "pipe | back`tick` *star* _under_ [a](http://evil.com)",
    "\u{1b}[2Jescape\u{202e}dlo",
    "http://evil.com/a.sh",
    "EVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/html",
    "]]></title></svg><svg/onload=alert(1)>",
    "</style><script>alert(2)</script>",
];

fn hostile() -> (Folder, Report) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["truth", "predicted"]).unwrap();
    for (at, name) in HOSTILE.iter().enumerate() {
        for row in 0..25 {
            // The last is never found and goes to the first; the first two are confused.
            let predicted = match (at, row) {
                (9, _) => HOSTILE[0],
                (1, 0..8) => HOSTILE[2],
                (2, 0..8) => HOSTILE[1],
                (3, 0) => HOSTILE[4],
                _ => name,
            };
            writer.write_record([name, predicted]).unwrap();
        }
    }
    let folder = Folder::new();
    let file = folder.write("hostile.csv", writer.into_inner().unwrap());
    let report = report(read_predictions(&file, &Columns::default()).unwrap());
    (folder, report)
}

#[test]
fn hostile_names_are_kept_in_json() {
    let (_, report) = hostile();
    let json = serde_json::to_string(&report.to_json().unwrap()).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let labels = json["classes"].as_array().unwrap().iter();
    let labels: BTreeSet<&str> = labels.map(|class| class["label"].as_str().unwrap()).collect();
    assert_eq!(labels, HOSTILE.into());
    assert_eq!(
        json["faults"][0],
        json!({"fault": "swallowed", "class": HOSTILE[9], "by": HOSTILE[0]})
    );
}

#[test]
fn hostile_names_are_text_in_a_terminal() {
    let text = hostile().1.to_text().unwrap();
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\t']), "{text:?}");
    assert!(!text.contains("EVCXR_") && !text.contains("http://"), "{text}");
    assert!(text.contains("line␊break␍␊and␉tab"), "{text}");
    assert!(text.contains("Rows are truth, columns are predictions."));
    assert!(text.contains("swallowed by comma, \"quotes\" and 'more'"), "{text}");
}

#[test]
fn hostile_names_are_text_in_html() {
    let html = hostile().1.to_html().unwrap();
    // Well-formed XML but for its first line: nothing that was in a name is an element.
    let (_, page) = html.split_once('\n').unwrap();
    let document = roxmltree::Document::parse(page).unwrap();
    let mut allowed: BTreeSet<&str> =
        "html head meta title style body h1 h2 p ul li details summary figure div table caption \
         thead tbody tfoot \
         tr th td span svg rect text line circle polyline polygon"
            .split(' ')
            .collect();
    allowed.insert("path");
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(allowed.contains(node.tag_name().name()), "{:?}", node.tag_name());
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(!name.starts_with("on") && name != "href" && name != "src", "{name}");
        }
    }
    // A table that scrolls can be reached by keyboard.
    for table in document.descendants().filter(|node| node.has_tag_name("table")) {
        let is_scrolled = |node: &roxmltree::Node| node.attribute("tabindex") == Some("0");
        let scrolled =
            table.ancestors().find(is_scrolled).expect("a table outside of such a block");
        assert!(scrolled.attribute("aria-label").is_some_and(|name| !name.is_empty()));
    }
    assert!(!html.contains("http://evil") && !html.contains("evil.com"));
    assert!(html.contains("default-src 'none'"));
    assert!(!html.contains("<script"));
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("svg")).count(), 2);
    let captions: Vec<String> = document
        .descendants()
        .filter(|node| node.has_tag_name("caption"))
        .map(|caption| caption.text().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(captions.len(), 7, "{captions:?}");
    for caption in captions {
        assert!(caption.contains("truth") && caption.contains("predict"), "{caption}");
    }
}

#[test]
fn the_page_begins_with_what_is_wrong_and_folds_the_faults_away() {
    let (folder, report) = hostile();
    let html = report.to_html().unwrap();
    let body = &html[html.find("<body>").unwrap()..];
    let texts: Vec<&str> =
        body.split("<p>").skip(1).map(|p| &p[..p.find("</p>").unwrap()]).collect();
    let faults = "Faults: 1 × nearly all rows predicted as one other class, 1 × confused in both \
                  directions";
    assert!(texts[0].starts_with("Macro F1 is 0.") && texts[0].contains(faults), "{}", texts[0]);
    assert!(texts[1].starts_with("Of hostile.csv: "), "{}", texts[1]);
    assert!(!html.contains(&*folder.0.path().to_string_lossy()), "no folder of this machine");
    let kinds = report.faults().len();
    assert!(body.matches("<details>").count() <= kinds && body.matches("<li>").count() == kinds);
}

#[test]
fn the_text_begins_with_what_is_wrong_and_folds_the_faults_away() {
    let (folder, report) = hostile();
    let markdown = report.to_markdown().unwrap();
    let lines: Vec<&str> = markdown.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines[0], "# Training metrics report");
    assert!(lines[1].starts_with("Macro F1 is 0.") && lines[1].contains(" × "), "{}", lines[1]);
    assert!(lines[2].starts_with("Of hostile.csv: "), "{}", lines[2]);
    assert!(!markdown.contains(&*folder.0.path().to_string_lossy()), "no folder of this machine");
    let headings: Vec<&str> =
        lines.iter().filter(|line| line.starts_with("## ")).take(3).copied().collect();
    assert_eq!(headings, ["## Faults", "## The matrix, confused classes together", "## Tiers"]);
    let faults = report.faults().len();
    let (text, rest) = markdown.split_once("\n## The matrix").unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), faults);
    let kinds = text.matches("<details><summary>").count();
    assert!(kinds > 0 && kinds <= faults && text.matches("</details>").count() == kinds);
    assert!(!rest.contains("<details>"));
}

#[test]
fn hostile_names_are_text_in_markdown() {
    let markdown = hostile().1.to_markdown().unwrap();
    assert!(!markdown.contains("<script") && !markdown.contains("<img"), "{markdown}");
    assert!(!markdown.contains("http://"), "{markdown}");
    assert!(!markdown.replace("\\]", "").contains("]("), "no link: {markdown}");
    assert!(markdown.contains("pipe \\| back\\`tick\\` \\*star\\*"), "{markdown}");
    // Every row of a table has as many cells as its head.
    let cells = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
    let mut head = None;
    for line in markdown.lines() {
        match (line.starts_with('|'), head) {
            (false, _) => head = None,
            (true, None) => head = Some(cells(line)),
            (true, Some(count)) => assert_eq!(cells(line), count, "{line}"),
        }
    }
}

// ---- what is written

#[test]
fn what_is_written_follows_the_written_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let check = |json: &Value| {
        let errors: Vec<String> = validator
            .iter_errors(json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    };
    let (_, hostile) = hostile();
    check(&hostile.to_json().unwrap());
    // A matrix with every kind of fault.
    let over_predicted = [
        [95, 1, 1, 1, 2],
        [20, 75, 2, 2, 1],
        [21, 1, 75, 2, 1],
        [25, 1, 1, 72, 1],
        [6, 1, 0, 0, 0],
    ];
    let rows: Vec<Vec<u64>> = over_predicted.iter().map(|row| row.to_vec()).collect();
    let confusion = Confusion::from_counts(["a", "b", "c", "d", "e"], &rows).unwrap();
    let folder = Folder::new();
    let file = folder.write("m.json", serde_json::to_string(&confusion).unwrap());
    let with_one = report(read_matrix(&file).unwrap());
    assert_eq!(with_one.diagnosis.over_predicted.len(), 1, "{:?}", with_one.diagnosis.faults());
    let json = with_one.to_json().unwrap();
    check(&json);
    let probable = csv_with("truth,predicted,p_a,p_b\na,a,0.9,0.1\n", &with_prefix("p_"));
    check(&report(probable.unwrap()).to_json().unwrap());
    // The schema refuses what is not so.
    for (pointer, wrong) in [
        ("/schema", json!(1)),
        ("/accuracy/value", json!(1.5)),
        ("/classes/0/tier", json!("superb")),
        ("/rows", json!(-1)),
        ("/over_predicted/0/from/0/label", json!(7)),
    ] {
        let mut broken = json.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
    let mut more = json.clone();
    more["unknown"] = json!(1);
    assert!(!validator.is_valid(&more));
}

#[test]
fn the_command_line_writes_three_files() {
    let folder = Folder::new();
    folder.write("p.csv", SMALL);
    let output = folder.ttp(&["p.csv"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Rows are truth, columns are predictions."), "{said}");
    for name in ["f1_scores_latest.json", "TRAINING_METRICS_REPORT.md", "diagnosis.html"] {
        assert!(said.contains(&format!("written: results/diagnosis/{name}")), "{said}");
        assert!(folder.at("results/diagnosis").join(name).is_file());
    }
    let json = std::fs::read(folder.at("results/diagnosis/f1_scores_latest.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["schema"], &json["rows"]), (&json!(2), &json!(4)));
    assert_eq!(json["source"]["file"], "p.csv");
    // Again it says the same: nothing is left to chance.
    let before = read_all(&folder.at("results/diagnosis"));
    assert!(folder.ttp(&["p.csv"]).status.success());
    assert_eq!(read_all(&folder.at("results/diagnosis")), before);

    folder.write("m.csv", "x,a,b\na,30,1\nb,2,40\n");
    folder.write("strict.json", "{\"min_support\": 35}");
    let output = folder.ttp(&["--matrix", "m.csv", "--settings", "strict.json", "--out", "here"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("a: too small to judge") && folder.at("here").is_dir(), "{said}");
}

fn read_all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    files
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
        .collect()
}

#[test]
fn the_command_line_fails_in_one_line_and_leaves_nothing() {
    let folder = Folder::new();
    folder.write("p.csv", "truth,predicted\na,\n");
    folder.write("m.csv", "x,a,b\na,1,2\n");
    folder.write("s.json", "{\"over_predicted\": 1}");
    folder.write("good.csv", SMALL);
    for (arguments, reason) in [
        (&["p.csv"][..], "error: p.csv, row 2, field \"predicted\": missing: no label"),
        (&["--matrix", "m.csv"], "error: m.csv: not square: 1 rows for 2 columns"),
        (&["gone.csv"], "error: gone.csv: cannot read: "),
        (&["gone.parquet"], "error: gone.parquet: cannot read: "),
        (
            &["good.csv", "--settings", "s.json"],
            "error: s.json, row 1, field \"over_predicted\": unknown field `over_predicted`",
        ),
        (&["good.csv", "--out", "good.csv/x"], "error: good.csv/x: cannot create: "),
    ] {
        let output = folder.ttp(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.starts_with(reason), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(output.stdout.is_empty() && !folder.at("results").exists());
    }
}

/// Labels of two types, spellings and columns that have nothing in common: brought together
/// where there is no doubt, told otherwise; never an accuracy of 0 without a word.
#[test]
fn labels_of_two_types_are_brought_together_or_told() {
    let folder = Folder::new();
    let read = |text: &str| {
        let judged = read_predictions(&folder.write("p.csv", text), &Columns::default()).unwrap();
        let report = Report::new(judged, &DiagnosisSettings::default()).unwrap();
        (report.diagnosis.accuracy.value, report.judged.notes)
    };
    // Predictions as floats: https://github.com/TwoRavens/TwoRavens/issues/162
    let (accuracy, notes) = read("truth,predicted\n0,0.0\n1,1.0\n2,1.0\n 1 ,1\n");
    assert_eq!((accuracy, notes), (0.75, vec![]));
    // Labels of two types: https://github.com/scikit-learn/scikit-learn/issues/33045 and
    // https://github.com/evidentlyai/evidently/pull/1840
    let (accuracy, notes) = read("truth,predicted\nTrue,1\nFalse,0\nFalse,1\nTrue,1\n");
    assert_eq!(accuracy, 0.75);
    assert_eq!(notes, ["truth is true and false, the other 1 and 0: true is taken as 1"]);
    // The same from parquet: text, floats and truth values beside whole numbers.
    for truth in [
        Column::new("truth".into(), ["1.0", "0.0", "0.0"]),
        Column::new("truth".into(), [1.0_f64, 0.0, 0.0]),
        Column::new("truth".into(), [true, false, false]),
    ] {
        let predicted = Column::new("predicted".into(), [1_i64, 0, 1]);
        let file = folder.parquet("p.parquet", vec![truth, predicted]);
        let counts = read_predictions(&file, &Columns::default()).unwrap().counts;
        assert_eq!(counts.labels(), ["0", "1"]);
        assert_eq!((counts.count(0, 0), counts.count(0, 1), counts.count(1, 1)), (1, 1, 1));
    }
    // A prediction is right by its label as it is counted, also where its probability is judged.
    for text in [
        "truth,predicted,probability\n1.0,1,0.9\n0.0,0,0.8\n",
        "truth,predicted,probability\nTrue,1,0.9\nFalse,0,0.8\n",
    ] {
        let file = folder.write("p.csv", text);
        let found = read_predictions(&file, &Columns::default()).unwrap().probabilities.unwrap();
        assert!((found.calibration_error - 0.15).abs() < 1e-12, "{found:?}");
    }
    let columns = Columns { probabilities: Some("p_".into()), ..Columns::default() };
    let file = folder.write("p.csv", "truth,p_0,p_1\n1.0,0.25,0.75\n0.0,0.75,0.25\n");
    let loss = read_predictions(&file, &columns).unwrap().probabilities.unwrap().log_loss.unwrap();
    assert!((loss + 0.75_f64.ln()).abs() < 1e-12, "{loss}");
    let (accuracy, notes) = read("truth,predicted\nT1059,t1059\nT1003,t1003\n");
    assert_eq!(accuracy, 0.0);
    assert_eq!(
        notes,
        [
            "labels that differ in their spelling alone: \"T1003\" (row 3) and \"t1003\" (row 3); \
             \"T1059\" (row 2) and \"t1059\" (row 2)",
            "no true label is ever predicted: truth has \"T1059\" …, predictions \"t1059\" …; are \
             they of one kind?",
        ]
    );
    let (_, notes) = read("truth,predicted\n\nT1059,T1059\n\n\nT1003,t1003\n");
    assert!(notes[0].ends_with("\"T1003\" (row 6) and \"t1003\" (row 6)"), "{notes:?}");
    // A quote in a column that is not asked for swallows a row:
    // https://github.com/NVIDIA/cudf/issues/2398
    let (_, notes) = read("text,truth,predicted\n\"opens,a,a\ncloses\",b,b\na,a,a\n");
    assert_eq!(notes, ["1 row runs over several lines (the first: row 2): are its quotes right?"]);
    let one = Columns {
        truth: Some("truth".into()),
        predicted: Some("truth".into()),
        ..Columns::default()
    };
    let file = folder.write("p.csv", "truth,predicted\na,b\n");
    let refused = said(read_predictions(&file, &one));
    assert!(
        refused.contains("field \"truth\": this column is truth and prediction alike"),
        "{refused}"
    );
}

/// One frame, saved as CSV and as parquet: true and false, floats, texts and whole numbers.
#[test]
fn labels_of_any_type_give_the_same_figures_in_csv_and_parquet() {
    let folder = Folder::new();
    let truths = [
        (["1.0", "0.0", "0.0", "1.0"], Column::new("truth".into(), [1.0_f64, 0.0, 0.0, 1.0])),
        (
            ["True", "False", "False", "True"],
            Column::new("truth".into(), [true, false, false, true]),
        ),
        (["1.0", "0.0", "0.0", "1.0"], Column::new("truth".into(), ["1.0", "0.0", "0.0", "1.0"])),
        (["1", "0", "0", "1"], Column::new("truth".into(), [1_i64, 0, 0, 1])),
    ];
    let said = [
        Column::new("predicted".into(), [1_i64, 0, 1, 1]),
        Column::new("probability".into(), [0.75_f64, 0.875, 0.625, 0.75]),
    ];
    let all = [
        Column::new("p_0".into(), [0.25_f64, 0.875, 0.375, 0.25]),
        Column::new("p_1".into(), [0.75_f64, 0.125, 0.625, 0.75]),
    ];
    let ways = [
        (
            "predicted,probability",
            ["1,0.75", "0,0.875", "1,0.625", "1,0.75"],
            said,
            Columns::default(),
        ),
        (
            "p_0,p_1",
            ["0.25,0.75", "0.875,0.125", "0.375,0.625", "0.25,0.75"],
            all,
            with_prefix("p_"),
        ),
    ];
    let mut before = None;
    for (header, cells, columns, how) in &ways {
        for (labels, truth) in &truths {
            let rows = labels.iter().zip(cells).map(|(label, rest)| format!("{label},{rest}\n"));
            let text = format!("truth,{header}\n{}", rows.collect::<String>());
            let from_csv = csv_with(&text, how).unwrap();
            let frame = [std::slice::from_ref(truth), &columns[..]].concat();
            let parquet = read_predictions(&folder.parquet("p.parquet", frame), how).unwrap();
            assert_eq!(parquet.counts, from_csv.counts, "{text}");
            assert_eq!(parquet.probabilities, from_csv.probabilities, "{text}");
            assert_eq!(parquet.notes, from_csv.notes, "{text}");
            let scores = parquet.probabilities.as_ref().unwrap();
            near("confidence", scores.mean_confidence, 0.75);
            // Of whatever type truth is, the rows are the same ones.
            let error = *before.get_or_insert(scores.calibration_error);
            near("calibration", scores.calibration_error, error);
            if let Some(loss) = scores.log_loss {
                let expected = -(2.0 * 0.75_f64.ln() + 0.875_f64.ln() + 0.375_f64.ln()) / 4.0;
                near("log loss", loss, expected);
            }
            let found = report(parquet);
            near("accuracy", found.diagnosis.accuracy.value, 0.75);
            assert_eq!(found.diagnosis.classes.len(), 2, "{text}");
        }
    }
}

/// What the library tells and refuses, the command line says.
#[test]
fn the_command_line_tells_what_it_took_for_one_and_refuses_one_column_twice() {
    let folder = Folder::new();
    let said = |arguments: &[&str]| {
        let output = folder.ttp(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let told = |text: &str, note: &str| {
        let is_note = |line: &str| line.strip_prefix("note: ").is_some_and(|n| n.starts_with(note));
        assert!(text.lines().any(is_note), "{note:?} is missing in\n{text}");
        let json = std::fs::read(folder.at("results/diagnosis/f1_scores_latest.json")).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        let notes = json["notes"].as_array().unwrap();
        assert!(notes.iter().any(|written| written.as_str().unwrap().starts_with(note)), "{json}");
        json["accuracy"]["value"].as_f64().unwrap()
    };
    folder.write("p.csv", "truth,predicted\nTrue,1\nFalse,0\nFalse,1\nTrue,1\n");
    let mixed = "truth is true and false, the other 1 and 0: true is taken as 1";
    assert_eq!(told(&said(&["p.csv"]), mixed), 0.75);
    folder.write("p.csv", "truth,predicted\nT1059,t1059\nT1003,t1003\n");
    let text = said(&["p.csv"]);
    assert_eq!(told(&text, "no true label is ever predicted: truth has \"T1059\""), 0.0);
    told(&text, "labels that differ in their spelling alone: ");
    folder.write("m.csv", ",a,b,All\na,30,10,40\nb,5,55,60\nAll,35,65,100\n");
    let text = said(&["--matrix", "m.csv"]);
    for which in ["row", "column"] {
        let note = format!("the last {which}, \"All\", is the sum of the others: left out");
        assert_eq!(told(&text, &note), 0.85);
    }
    let output = folder.ttp(&["p.csv", "--truth", "truth", "--predicted", "truth", "--out", "no"]);
    let refused = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), refused.lines().count()), (Some(1), 1), "{refused}");
    let expected =
        "error: p.csv, row 1, field \"truth\": this column is truth and prediction alike";
    assert!(refused.starts_with(expected), "{refused}");
    assert!(output.stdout.is_empty() && !folder.at("no").exists());
}

/// Sums of rows and columns, as cross tables have them, are taken off and told; what only looks
/// like them stays. Tables with margins: <https://github.com/pandas-dev/pandas/issues/4003> and
/// <https://pandas.pydata.org/docs/reference/api/pandas.crosstab.html>.
#[test]
fn margins_are_taken_off() {
    let folder = Folder::new();
    let read = |text: &str| {
        let judged = read_matrix(&folder.write("m.csv", text)).unwrap();
        (judged.counts.labels().to_vec(), judged.counts.total(), judged.notes)
    };
    let row = "the last row, \"All\", is the sum of the others: left out";
    let column = "the last column, \"All\", is the sum of the others: left out";
    for (text, notes) in [
        (",a,b,All\na,30,10,40\nb,5,55,60\nAll,35,65,100\n", vec![row, column]),
        (",a,b,All\na,30,10,40\nb,5,55,60\n", vec![column]),
        (",a,b\na,30,10\nb,5,55\nAll,35,65\n", vec![row]),
        (",a,b\na,30,10\nb,5,55\n", vec![]),
    ] {
        let expected: Vec<String> = notes.iter().map(|&note| note.to_owned()).collect();
        assert_eq!(read(text), (vec!["a".to_owned(), "b".to_owned()], 100, expected));
    }
    let (labels, rows, notes) = read(",a,b\na,3,3\nb,3,3\n");
    assert_eq!((labels.len(), rows, notes.len()), (2, 12, 0), "of two columns no one can tell");
    let json = r#"{"labels": ["a", "b", "All"],
        "rows_truth_columns_predicted": [[30, 10, 40], [5, 55, 60], [35, 65, 100]]}"#;
    let judged = read_matrix(&folder.write("m.json", json)).unwrap();
    assert_eq!((judged.counts.labels().len(), judged.notes.len()), (2, 2));
    // Put first, as some tables have them.
    let first = read(",All,a,b\nAll,100,35,65\na,40,30,10\nb,60,5,55\n");
    let expected = vec![row.to_owned(), column.to_owned()];
    assert_eq!(first, (vec!["a".to_owned(), "b".to_owned()], 100, expected));
    // With a mistake in it.
    let wrong = folder.write("m.csv", ",a,b,Total\na,30,10,41\nb,5,55,60\nTotal,35,65,100\n");
    assert_eq!(
        said(read_matrix(&wrong)),
        "m.csv, row 2, field \"Total\": \"Total\" is a margin's name, and here it is 41 where the \
         others add up to 40: correct it, or leave the row and the column out"
    );
    // Counts as floats and labels as numbers, as other programs write JSON.
    let json = r#"{"labels": [1, 2.0], "rows_truth_columns_predicted": [[30.0, 10], [5, 55.0]]}"#;
    let judged = read_matrix(&folder.write("m.json", json)).unwrap();
    assert_eq!(
        (judged.counts.labels().to_vec(), judged.counts.total()),
        (vec!["1".to_owned(), "2".to_owned()], 100)
    );
}
