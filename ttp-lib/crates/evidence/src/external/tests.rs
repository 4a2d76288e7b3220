use super::*;
use ttp_text::corpus::Sentence;

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 200, level: 0.95, seed: 7 };

fn corpus(techniques: &[&str]) -> Corpus {
    let row = |(at, technique): (usize, &&str)| Sentence {
        technique: (*technique).to_owned(),
        subtechnique: None,
        name: (*technique).to_owned(),
        text: format!("Sentence number {at}."),
        source_id: "test".to_owned(),
    };
    Corpus { sentences: techniques.iter().enumerate().map(row).collect() }
}

fn known() -> Vec<String> {
    ["T1027", "T1059", "T1105"].map(str::to_owned).to_vec()
}

#[test]
fn rows_that_a_model_cannot_name_are_counted_and_left_out_of_its_scores() {
    let corpus = corpus(&["T1059", "T1059", "T1105", "T1566", "T1566", "T1078"]);
    let mut external = External::new(&corpus, &known()).unwrap();
    let counts = (external.rows, external.known_rows, external.techniques);
    assert_eq!((counts, external.known_techniques), ((6, 3, 4), 2));
    assert_eq!(external.unknown_share, 0.5);
    assert_eq!(external.unknown, BTreeMap::from([("T1078".into(), 1), ("T1566".into(), 2)]));
    // Whatever it says of the last three, its scores are these.
    let first = ["T1059", "T1105", "T1105", "T1059", "T1105", "T1027"];
    let second = ["T1059", "T1105", "T1105", "T1027", "T1027", "T1566"];
    let scores = external.score("first", &corpus, &first, BOOTSTRAP).unwrap();
    assert_eq!(external.score("second", &corpus, &second, BOOTSTRAP).unwrap(), scores);
    // 2·1/(2+1) and 2·1/(1+2).
    assert!((scores.f1_macro - 2.0 / 3.0).abs() < 1e-12, "{scores:?}");
    assert_eq!((scores.accuracy, scores.accuracy_of_all), (2.0 / 3.0, 1.0 / 3.0));
    let [low, high] = scores.f1_macro_interval;
    assert!(low < scores.f1_macro && scores.f1_macro < high && high <= 1.0);
    assert_eq!(external.models.len(), 2);
}

#[test]
fn a_technique_without_a_row_takes_nothing_from_the_mean() {
    let corpus = corpus(&["T1059", "T1059", "T1059", "T1105"]);
    let mut external = External::new(&corpus, &known()).unwrap();
    let said = ["T1059", "T1059", "T1027", "T1105"];
    let scores = external.score("one", &corpus, &said, BOOTSTRAP).unwrap();
    // 2·2/(3+2) and 1, and not a third of 0 for T1027.
    assert!((scores.f1_macro - (0.8 + 1.0) / 2.0).abs() < 1e-12, "{scores:?}");
}

#[test]
fn it_is_written_as_results_want_it_and_read_again() {
    let corpus = corpus(&["T1059", "T1566"]);
    let mut external = External::new(&corpus, &known()).unwrap();
    external.score("tfidf-svm", &corpus, &["T1059", "T1059"], BOOTSTRAP).unwrap();
    let json = serde_json::to_value(&external).unwrap();
    assert_eq!((&json["rows"], &json["unknown_share"]), (&2.into(), &0.5.into()));
    assert_eq!(json["tfidf-svm"]["f1_macro"], 1.0);
    assert_eq!(json["unknown"]["T1566"], 1);
    assert_eq!(serde_json::from_value::<External>(json).unwrap(), external);
    assert!(external.table().unwrap().to_text().contains("1.000 [1.000, 1.000]"));
    assert!(external.unknown_table().unwrap().to_text().contains("T1566"));
    let shown = "2 rows of 2 techniques; 1 of them have a name in the model, and 1 rows (50.0 %) \
                 belong to the others";
    assert_eq!(external.to_string(), shown);
}

#[test]
fn rows_that_nothing_can_be_said_of_are_refused_in_a_line() {
    let said = |corpus: &Corpus| External::new(corpus, &known()).unwrap_err().to_string();
    assert_eq!(said(&corpus(&[])), "setting rows: there is no row to test on");
    let none = "setting rows: the model knows none of the 1 labels (T1566); it knows T1027, T1059, \
                T1105";
    assert_eq!(said(&corpus(&["T1566", "T1566"])), none);
    let four = corpus(&["T1059", "T1105", "T1027", "T1566"]);
    let mut external = External::new(&four, &known()).unwrap();
    let short = external.score("one", &four, &["T1059"], BOOTSTRAP).unwrap_err();
    let expected = "setting predicted: 1 predictions for 4 rows of the 4 that were counted";
    assert_eq!(short.to_string(), expected);
    assert!(external.models.is_empty());
}

#[test]
fn a_csv_file_whose_labels_no_model_knows_is_named_with_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.csv");
    let columns = Columns::named("text", "label");
    let read = |rows: &str| {
        std::fs::write(&path, format!("text,label\n{rows}")).unwrap();
        External::of_csv(&path, &columns, &known())
    };
    let (external, built) =
        read("It ran.,T1059.001\nIt ran,T1059\nIt loads files.,T1105\nA mail.,T1566\n").unwrap();
    assert_eq!((external.rows, external.known_rows, built.corpus.len()), (3, 2, 3));
    let error = read("A mail.,phishing\nA call.,vishing\n").unwrap_err().to_string();
    let reason = "the model knows none of the 2 labels (phishing, vishing); it knows T1027, T1059, \
                  T1105";
    assert_eq!(error, format!("{}, field \"label\": {reason}", path.display()));
    std::fs::write(&path, "text,labels\nIt ran.,T1059\n").unwrap();
    let error = External::of_csv(&path, &columns, &known()).unwrap_err().to_string();
    assert!(error.contains("own.csv") && error.contains("label"), "{error}");
}
