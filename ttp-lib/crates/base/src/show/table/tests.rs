use super::*;
use polars::prelude::df;

#[test]
fn numbers_are_shown_as_a_reader_writes_them() {
    for (cell, expected) in [
        (Cell::from(13_039_u64), "13,039"),
        (Cell::from(-1_000), "−1,000"),
        (Cell::from(999), "999"),
        (Cell::from(u64::MAX), "9,223,372,036,854,775,807"),
        (Cell::number(-0.0004, 3), "0.000"),
        (Cell::number(-1.25, 1), "−1.2"),
        (Cell::number(f64::NAN, 3), "–"),
        (Cell::number(f64::INFINITY, 3), "inf"),
        (Cell::share(0.857), "85.7 %"),
        (Cell::interval(0.836, 0.812, 0.858), "0.836 [0.812, 0.858]"),
        (Cell::spread(0.842, 0.0041, [-0.01, 0.8469]), "0.842 ± 0.004 [−0.010, 0.847]"),
        (Cell::from(None::<f64>), ""),
    ] {
        assert_eq!(cell.shown(80), expected);
    }
}

#[test]
fn wide_characters_keep_the_columns_straight() {
    let mut table = Table::new(["who", "n"]);
    table.push(["字字".into(), 1.into()]).unwrap();
    table.push(["ab".into(), 22.into()]).unwrap();
    assert_eq!(table.to_text(), "who    n\n────  ──\n字字   1\nab    22\n");
}

#[test]
fn a_row_of_the_wrong_length_is_refused() {
    let mut table = Table::new(["a", "b"]);
    let error = table.push([Cell::Empty]).unwrap_err().to_string();
    assert_eq!(error, "setting table: row 1 has 1 cells for 2 columns");
    assert!(table.is_empty());
}

#[test]
fn a_long_table_says_what_it_leaves_out() {
    let mut table = Table::new(["n"]).head(2);
    for n in 0..1_500 {
        table.push([n.into()]).unwrap();
    }
    assert!(table.to_text().ends_with("0\n1\n… and 1,498 more\n"), "{}", table.to_text());
    assert!(table.to_html().contains("<td colspan=\"1\">… and 1,498 more</td>"));
    assert_eq!(table.len(), 1_500);
    assert!(!table.clone().head(1_500).to_text().contains('…'));
}

#[test]
fn a_frame_becomes_a_table() {
    let frame = df!(
        "technique" => [Some("T1059"), None],
        "rows" => [1_022_u32, 7],
        "f1" => [0.5, f64::NAN],
        "kept" => [true, false],
    )
    .unwrap();
    let table = Table::from_frame(&frame).unwrap();
    let expected = "\
technique   rows     f1  kept
─────────  ─────  ─────  ─────
T1059      1,022  0.500  true
               7      –  false
";
    assert_eq!(table.to_text(), expected);
}

#[test]
fn only_columns_with_long_words_may_be_broken_within_them() {
    let mut table = Table::new(["operation", "sentence", "f1"]);
    let path = "C:\\Windows\\System32\\drivers\\etc\\hosts";
    table.push(crate::cells!["replacement", path, Cell::interval(0.5, 0.4, 0.6)]).unwrap();
    let html = table.to_html();
    assert!(html.contains("<td class=\"text\">replacement</td>"), "{html}");
    assert!(html.contains(&format!("<td class=\"text long\">{path}</td>")), "{html}");
    let interval = "0.500 <span class=\"interval\">[0.400, 0.600]</span>";
    assert!(html.contains(&format!("<td class=\"num\">{interval}</td>")), "{html}");
}

#[test]
fn a_table_to_be_searched_says_so() {
    let table = Table::new(["verdict"]);
    assert!(!table.to_html().contains("filterable"));
    assert!(table.filterable().to_html().starts_with("<div class=\"ttp-table filterable "));
}

#[test]
fn both_forms_go_to_the_notebook() {
    let mut table = Table::new(["a"]).caption("c");
    table.push(["x".into()]).unwrap();
    let lines = table.notebook_output();
    let marks: Vec<&str> = lines.lines().filter(|line| line.contains("EVCXR")).collect();
    let expected = [
        "EVCXR_BEGIN_CONTENT text/html",
        "EVCXR_END_CONTENT",
        "EVCXR_BEGIN_CONTENT text/plain",
        "EVCXR_END_CONTENT",
    ];
    assert_eq!(marks, expected);
}
