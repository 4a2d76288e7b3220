use super::from_csv::read_csv;
use super::labels::Labels;
use super::*;

fn rows(broken: Option<usize>) -> String {
    let mut text = String::from("truth,predicted,p_one,p_two\n");
    for row in 0..500 {
        let label = |by: usize| if row % by == 0 { "one" } else { "two" };
        let second = if broken == Some(row) { 0.5 } else { 0.75 };
        text.push_str(&format!("{},{},0.25,{second}\n", label(2), label(3)));
    }
    text
}

/// What is gathered of a file `p.csv` with this text, read in parts of so many bytes.
fn read(text: &str, part_bytes: u64) -> ttp_base::Result<PredictionRows> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.csv");
    let columns = Columns { probabilities: Some("p_".into()), ..Columns::default() };
    std::fs::write(&file, text).unwrap();
    read_csv(&file, &columns, part_bytes).map(|(gathered, _)| gathered)
}

#[test]
fn a_file_in_parts_is_the_file() {
    let text = rows(None);
    let whole = read(&text, u64::MAX).unwrap();
    for (text, part_bytes) in
        [(text.clone(), 64), (text.clone(), 1), (text.replace('\n', "\r\n"), 100)]
    {
        let parts = read(&text, part_bytes).unwrap();
        assert_eq!(parts.truth.names, whole.truth.names);
        assert_eq!(parts.truth.rows, whole.truth.rows);
        assert_eq!(parts.predicted.rows, whole.predicted.rows);
        let log_loss =
            |all: &PredictionRows| all.confidences.as_ref().unwrap()[0].scores().log_loss;
        assert!((log_loss(&parts).unwrap() - log_loss(&whole).unwrap()).abs() < 1e-12);
    }
    // A wrong row has its own number, whichever part it is in.
    for row in [0, 250, 499] {
        for part_bytes in [64, u64::MAX] {
            let message = read(&rows(Some(row)), part_bytes).err().unwrap().to_string();
            assert!(message.contains(&format!("row {}, field", row + 2)), "{message}");
        }
    }
    // A quote, and a line's end within a cell, anywhere: no part is cut.
    let quoted = text.clone() + "\"o\nne\",two,0.5,0.5\n";
    let parts = read(&quoted, 64).unwrap();
    assert_eq!(parts.truth.rows.len(), 501);
    assert_eq!(parts.truth.names[2], "o\nne");
}

#[test]
fn a_wrong_row_has_its_line_whatever_ends_lines_and_wherever_parts_are_cut() {
    let whole = read(&rows(None), u64::MAX).unwrap();
    for end in ["\r\n", "\r"] {
        for part_bytes in [1, 64, u64::MAX] {
            let sound = read(&rows(None).replace('\n', end), part_bytes).unwrap();
            assert_eq!(sound.truth.names, whole.truth.names);
            assert_eq!(sound.truth.rows, whole.truth.rows);
            assert_eq!(sound.predicted.rows, whole.predicted.rows);
            for row in [0, 250, 499] {
                // Two blank lines stand behind the first row.
                let text = rows(Some(row)).replacen("\ntwo", "\n\n\ntwo", 1).replace('\n', end);
                let line = if row == 0 { 2 } else { row + 4 };
                let message = read(&text, part_bytes).err().unwrap().to_string();
                assert!(message.contains(&format!("row {line}, field")), "{end:?}: {message}");
            }
        }
    }
}

#[test]
fn labels_that_share_a_place_are_told_apart() {
    let names: Vec<String> = (0..20_000).map(|at| format!("class {at}")).collect();
    let mut labels = Labels::default();
    for name in names.iter().chain(&names) {
        labels.push(name.as_bytes()).unwrap();
    }
    assert_eq!(labels.names, names);
    let expected: Vec<u32> = (0..20_000).chain(0..20_000).collect();
    assert_eq!(labels.rows, expected);
}

/// Two rows, and a footer that says of 2⁶¹.
#[test]
fn rows_that_a_parquet_file_does_not_have_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.parquet");
    let bytes = include_bytes!("../../../../../../fuzz/seeds/predictions/refused-rows.parquet");
    std::fs::write(&file, bytes).unwrap();
    let error = read_predictions(&file, &Columns::default()).unwrap_err().to_string();
    assert!(error.ends_with("damaged: 2 of 2305843009213693952 rows"), "{error}");
}
