//! Names against class counts and second labellings: scipy's figures
//! (`environment/golden/names.py`), NetML's own files.

use crate::common::raw;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use ttp_lib::metrics::Confusion;
use ttp_lib::metrics::names::{NamesByCounts, NamesByLabelling, NamesSettings, NamesVerdict};

#[derive(Deserialize)]
struct Golden {
    made_by: String,
    counts: Vec<CountsCase>,
    labelling: Vec<LabellingCase>,
}

#[derive(Deserialize)]
struct CountsCase {
    supports: Vec<u64>,
    counts: Vec<Option<u64>>,
    printed: f64,
    best: f64,
    names: Vec<usize>,
    pairs: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct LabellingCase {
    table: Vec<Vec<u64>>,
    printed: u64,
    best: u64,
    names: Vec<usize>,
}

fn labels(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

#[test]
fn statistics_and_names_are_scipys() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/names.json")).unwrap();
    assert!(golden.made_by.starts_with("scipy"));
    let settings = NamesSettings::default();
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
    for case in &golden.counts {
        let names = labels(case.supports.len());
        let found = NamesByCounts::of(&names, &case.supports, &case.counts, &settings).unwrap();
        assert!(near(found.printed.statistic, case.printed), "{found:?} {}", case.printed);
        assert!(near(found.best.statistic, case.best), "{found:?} {}", case.best);
        assert_eq!(found.naming.best, case.names);
        let pairs: BTreeMap<String, f64> = found
            .not_told_apart
            .iter()
            .map(|pair| (pair.printed.join(","), pair.p_value))
            .collect();
        assert_eq!(pairs.keys().collect::<Vec<_>>(), case.pairs.keys().collect::<Vec<_>>());
        assert!(pairs.iter().all(|(pair, p)| near(*p, case.pairs[pair])), "{pairs:?}");
    }
    for case in &golden.labelling {
        let confusion = Confusion::from_counts(labels(case.table.len()), &case.table).unwrap();
        let found = NamesByLabelling::of(&confusion, &settings).unwrap();
        let rows = confusion.total() as f64;
        assert_eq!(
            (found.printed, found.best),
            (case.printed as f64 / rows, case.best as f64 / rows)
        );
        assert_eq!(found.naming.best, case.names);
    }
}

/// Class and support of each row of the report's table.
fn supports(report: &str) -> Vec<(String, u64)> {
    let rows = report.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('*')).collect();
        let support = cells.get(5)?.replace(',', "").parse().ok()?;
        Some((cells[1].to_owned(), support))
    });
    rows.collect()
}

#[test]
fn the_summarys_names_are_shuffled() {
    let (Some(report), Some(annotations)) = (
        raw("ids-netml/TRAINING_METRICS_REPORT.md"),
        raw("netml-2020/2_training_anno_fine.json.gz"),
    ) else {
        return;
    };
    let report = supports(&std::fs::read_to_string(report).unwrap());
    let (names, rows): (Vec<String>, Vec<u64>) = report.into_iter().unzip();
    assert_eq!((names.len(), rows.iter().sum::<u64>()), (21, 70_000));
    let counts = ttp_lib::diagnosis::read_class_counts(&annotations, &names).unwrap();
    assert_eq!(counts.iter().flatten().sum::<u64>(), 387_268);
    let settings = NamesSettings::default();

    // All counts as they are: other names fit far better, and none fit.
    let closed = NamesByCounts::of(&names, &rows, &counts, &settings).unwrap();
    assert_eq!(closed.verdict, NamesVerdict::Unclear);
    assert_eq!(closed.printed.statistic.round(), 4_990_960.0);
    assert_eq!(closed.best.statistic.round(), 5_683.0);
    let hint = closed.hint.unwrap();
    assert_eq!((hint.open.class.as_str(), hint.open.output.as_str()), ("benign", "BitCoinMiner"));
    assert_eq!(hint.open.fitted.round(), 139_371.0);

    // The rows hold 63,376 benign flows more than the training set has.
    let mut open = counts;
    open[names.iter().position(|name| name == "benign").unwrap()] = None;
    let found = NamesByCounts::of(&names, &rows, &open, &settings).unwrap();
    println!("{}", found.sentence());
    assert_eq!(found.verdict, NamesVerdict::Shuffled);
    assert_eq!(found.printed.statistic.round(), 5_819_187.0);
    assert_eq!((10.0 * found.best.statistic).round(), 139.0);
    assert!(found.best.p_value > 0.5 && found.p_value < 0.001);
    let renamed = found.naming.renamed();
    for (printed, best) in [
        ("Adload", "Trickster"),
        ("Artemis", "Tinba"),
        ("BitCoinMiner", "benign"),
        ("Cobalt", "TrickBot"),
        ("Dridex", "Emotet"),
        ("Emotet", "WebCompanion"),
        ("MinerTrojan", "Dridex"),
        ("PUA", "MinerTrojan"),
        ("Ramnit", "HTBot"),
        ("Sality", "MagicHound"),
        ("Tinba", "Adload"),
        ("TrojanDownloader", "Ursnif"),
        ("Trickster", "Sality"),
        ("Ursnif", "Cobalt"),
        ("benign", "Ramnit"),
    ] {
        assert_eq!(renamed[printed], best);
    }
    let pair = ["CCleaner".to_owned(), "TrickBot".to_owned()];
    assert!(found.not_told_apart.iter().any(|apart| apart.printed == pair));
}

// ---- `ttp diagnose --counts`, `--against`

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn ttp(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttp"));
        let arguments = arguments.split(' ');
        command.arg("diagnose").args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// What a refusal says, in one line; nothing is written.
    fn refusal(&self, arguments: &str) -> String {
        let output = self.ttp(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!self.0.path().join("results").exists(), "nothing is written");
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(message.lines().count(), 1, "{message}");
        message.trim_end().trim_start_matches("error: ").to_owned()
    }

    fn first_line(&self, arguments: &str) -> String {
        let output = self.ttp(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned()
    }

    fn json(&self) -> serde_json::Value {
        let file = self.0.path().join("results/diagnosis/f1_scores_latest.json");
        let written = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let schema = serde_json::from_str(ttp_lib::diagnosis::SCHEMA).unwrap();
        let errors: Vec<String> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(&written)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        written
    }
}

/// 500 rows of a, 300 of b, 200 of c; printed under other names.
const MATRIX: &str = "truth,a,b,c\na,180,10,10\nb,10,280,10\nc,20,20,460\n";
const COUNTS: &str = "class,count\na,5010\nb,2990\nc,2000\n";

#[test]
fn a_shuffle_is_the_first_line() {
    let folder = Folder::new();
    folder.write("m.csv", MATRIX);
    folder.write("counts.csv", COUNTS);
    let first = folder.first_line("--matrix m.csv --counts counts.csv");
    assert!(first.starts_with("The names are shuffled: against the class counts"), "{first}");
    let written = folder.json();
    assert_eq!(written["faults"][0]["fault"], "names_shuffled");
    assert_eq!(written["names"]["by_counts"]["renamed"], serde_json::json!({"a": "c", "c": "a"}));
    let matrix = &written["names"]["by_counts"]["matrix"];
    assert_eq!(matrix["labels"], serde_json::json!(["c", "b", "a"]));
    for file in ["diagnosis.html", "TRAINING_METRICS_REPORT.md"] {
        let page = folder.0.path().join("results/diagnosis").join(file);
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("The names are shuffled"), "{file}");
        assert!(page.contains("The matrix again"), "{file}");
    }

    // Under the right names nothing is said before the origin.
    let right = MATRIX.replace(",a,b,c", ",c,b,a").replace("\na,", "\nx,");
    let right = right.replace("\nc,", "\na,").replace("\nx,", "\nc,");
    folder.write("right.csv", right);
    let first = folder.first_line("--matrix right.csv --counts counts.csv");
    assert!(first.starts_with("Of right.csv"), "{first}");
    assert!(folder.json()["faults"].as_array().unwrap().is_empty());
    assert_eq!(folder.json()["names"]["by_counts"]["found"]["verdict"], "in_order");

    // Nobody asked.
    folder.first_line("--matrix right.csv");
    assert!(folder.json()["names"].is_null());
}

/// Rows with ids: 40 of each class, nine of ten right, the names of the first two exchanged.
fn predictions() -> (String, String, String) {
    let (mut rows, mut second, mut object) =
        ("id,truth,predicted\n".to_owned(), "name,id,other\n".to_owned(), Vec::new());
    for row in 0..120 {
        let class = ["a", "b", "c"][row % 3];
        let given = ["b", "a", "c"][if row % 10 == 9 { row / 10 % 3 } else { row % 3 }];
        rows.push_str(&format!("{row},{class},{given}\n"));
        second.push_str(&format!("{class},{},x\n", 119 - row));
        object.push(format!("\"{row}\": \"{class}\""));
    }
    // The second labelling stands in another order and has rows of its own.
    second.clear();
    second.push_str("name,id,other\nb,999,x\n");
    for row in (0..120).rev() {
        second.push_str(&format!("{},{row},x\n", ["a", "b", "c"][row % 3]));
    }
    (rows, second, format!("{{{}}}", object.join(",\n")))
}

#[test]
fn a_second_labelling_finds_it_too() {
    let folder = Folder::new();
    let (rows, second, object) = predictions();
    folder.write("p.csv", &rows);
    folder.write("second.csv", &second);
    folder.write("second.json", &object);
    let packed = std::fs::File::create(folder.0.path().join("second.json.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    packed.write_all(object.as_bytes()).unwrap();
    packed.finish().unwrap();
    let mut found = Vec::new();
    for against in ["second.csv/name", "second.json", "second.json.gz"] {
        let first = folder.first_line(&format!("p.csv --against {against}"));
        assert!(first.starts_with("The names are shuffled: the second labelling"), "{first}");
        let written = folder.json();
        let by = &written["names"]["by_labelling"];
        assert_eq!(by["renamed"], serde_json::json!({"a": "b", "b": "a"}));
        assert_eq!(by["found"]["rows"], 120);
        found.push(by["found"].clone());
    }
    assert!(found[0] == found[1] && found[1] == found[2]);

    // Both at once: counts of the right names, too.
    let first = folder.first_line("p.csv --against second.json --counts second.json");
    assert!(first.starts_with("The names are shuffled: the second labelling"), "{first}");

    // A column's name may hold a slash.
    folder.write("slash.csv", second.replacen("name", "name/by-hand", 1));
    let first = folder.first_line("p.csv --against slash.csv/name/by-hand");
    assert!(first.starts_with("The names are shuffled: the second labelling"), "{first}");

    // What is to be known of the second file is told.
    folder.write("spelled.csv", format!("{second}B,1001,\"x\ny\"\n"));
    let output = folder.ttp("p.csv --against spelled.csv/name");
    let said = String::from_utf8(output.stdout).unwrap();
    for note in [
        "spelled.csv: labels that differ in their spelling alone: \"B\" (row 123) and \"b\" (row 2)",
        "spelled.csv: 1 row runs over several lines (the first: row 123)",
    ] {
        assert!(said.contains(note), "{said}");
    }

    // The truth of the same file is a labelling like any other.
    let first = folder.first_line("p.csv --against p.csv/truth");
    assert!(first.starts_with("The names are shuffled"), "{first}");
}

#[test]
fn counts_are_read_as_numpy_writes_them() {
    let folder = Folder::new();
    folder.write("m.csv", MATRIX);
    folder.write("c.csv", "class,count\na,4.000e+01\nb,4e1\nc,40.0\n");
    folder.first_line("--matrix m.csv --counts c.csv");
}

#[test]
fn counts_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    folder.write("m.csv", MATRIX);
    for (name, text, reason) in [
        ("c.csv", "class,count\na,1\nb,2\n", "no count of \"c\", which the matrix has"),
        ("c.csv", "class,count\n", "no count of \"a\", which the matrix has, nor of 2 others"),
        (
            "c.csv",
            "class,count\na,1\nx,2\n",
            ", row 3, field \"class\": \"x\" is no class of the matrix",
        ),
        ("c.csv", "class,count\na,1\na,2\n", ", row 3, field \"class\": \"a\" is there twice"),
        (
            "c.csv",
            "class,count\na,-1\n",
            ", row 2, field \"count\": \"-1\" is no whole number of rows",
        ),
        (
            "c.csv",
            "class,count\na,NaN\n",
            ", row 2, field \"count\": \"NaN\" is no whole number of rows",
        ),
        (
            "c.csv",
            "class,count\na,0.5\n",
            ", row 2, field \"count\": \"0.5\" is no whole number of rows",
        ),
        ("c.csv", "class,count\na,1,2\n", ", row 2: 3 cells, the header has 2"),
        ("c.csv", "class,much\na,1\n", ", row 1: no column of counts"),
        ("c.csv", "", ": empty: not even a header"),
        ("c.csv", "class,count\na,\nb,?\nc,1\n", ": the count of one class can be left open"),
        ("c.csv", "class,count\na,0\nb,0\nc,0\n", ": the data has no row"),
        ("c.json", "{\"a\": 1,\n\"b\": -2}", ", row 2: \"b\": -2 is no whole number of rows"),
        ("c.json", "{\"a\": 1,\n\"b\": 0.5}", ", row 2: \"b\": 0.5 is no whole number of rows"),
        ("c.json", "{\"a\": 1,\n\"a\": 2}", ", row 2: \"a\" is there twice"),
        ("c.json", "{\"a\": 1,\n\"x\": 2}", ", row 2: \"x\" is no class of the matrix"),
        ("c.json", "{\"1\": \"a\",\n\"1\": \"b\"}", ", row 2: row \"1\" is there twice"),
        ("c.json", "{\"1\": \"a\",\n\"2\": \"x\"}", ", row 2: \"x\" is no class of the matrix"),
        ("c.json", "{\"1\": \"a\",\n\"2\": 3}", ", row 2: \"2\" has no class: 3"),
        ("c.json", "[{\"class\": \"a\",\n\"count\": \"many\"}]", ", row 2: \"many\" is no whole"),
        ("c.json", "[{\"class\": \"a\",\n\"number\": 1}]", ", row 2: unknown field `number`"),
        ("c.json", "{\"a\": 1", ", row 1: EOF"),
        ("c.json.gz", "no gzip", ": cannot be read to its end"),
        ("c.json", "PK\u{3}\u{4}\u{14}", ": a zip file: unpack it first"),
        ("c.json", "{\0}\0", ": UTF-16"),
        ("c.csv", "class,count\na,2.5e+00\n", "\"2.5e+00\" is no whole number of rows"),
    ] {
        folder.write(name, text);
        let said = folder.refusal(&format!("--matrix m.csv --counts {name}"));
        assert!(said.starts_with(name) && said.contains(reason), "{text:?}: {said}");
    }
    // A gzip that is cut off.
    let packed = std::fs::File::create(folder.0.path().join("cut.json.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    let long: Vec<String> = (0..5_000).map(|row| format!("\"{row}\": \"a\"")).collect();
    packed.write_all(format!("{{{}}}", long.join(",")).as_bytes()).unwrap();
    packed.finish().unwrap();
    let whole = std::fs::read(folder.0.path().join("cut.json.gz")).unwrap();
    folder.write("cut.json.gz", &whole[..whole.len() / 2]);
    let said = folder.refusal("--matrix m.csv --counts cut.json.gz");
    assert!(said.starts_with("cut.json.gz: cannot be read to its end"), "{said}");
    let said = folder.refusal("--matrix m.csv --counts none.csv");
    assert!(said.starts_with("none.csv: cannot read"), "{said}");
}

#[test]
fn a_second_labelling_that_does_not_fit_is_refused() {
    let folder = Folder::new();
    folder.write("p.csv", "id,truth,predicted\n1,a,a\n2,b,b\n");
    folder.write("twice.csv", "id,truth,predicted\n1,a,a\n1,b,b\n");
    folder.write("no_id.csv", "truth,predicted\na,a\nb,b\n");
    let good = "id,label\n1,a\n2,b\n";
    folder.write("good.csv", good);
    for (arguments, text, reason) in [
        (
            "p.csv --against s.csv",
            "id,label\n1,a\n",
            "p.csv, row 3, field \"id\": \"2\" has no label in s.csv",
        ),
        (
            "p.csv --against s.csv",
            "id,label\n1,a\n2,b\n2,a\n",
            "s.csv, row 4, field \"id\": \"2\" is there twice, first in row 3",
        ),
        (
            "p.csv --against s.csv",
            "id,label\n1,a\n2,\n",
            "s.csv, row 3, field \"label\": missing: no label",
        ),
        ("p.csv --against s.csv", "id,label\n,a\n", "s.csv, row 2, field \"id\": missing: no id"),
        ("p.csv --against s.csv", "id,label\n1,a,b\n", "s.csv, row 2: 3 cells, the header has 2"),
        ("p.csv --against s.csv", "id,label\n", "s.csv: there is no row with a label"),
        ("p.csv --against s.csv", "", "s.csv: empty: not even a header"),
        (
            "p.csv --against s.csv",
            "number,label\n1,a\n",
            "s.csv, row 1, field \"id\": no such column of ids",
        ),
        ("p.csv --against s.csv", "id,x,y\n1,a,b\n", "s.csv, row 1: which column has the labels?"),
        ("p.csv --against s.csv/z", good, "s.csv, row 1, field \"z\": no such column"),
        ("p.csv --against z.csv/z", good, "z.csv/z: no such file"),
        (
            "twice.csv --against s.csv",
            good,
            "twice.csv, row 3, field \"id\": \"1\" is there twice, first in row 2",
        ),
        (
            "no_id.csv --against s.csv",
            good,
            "no_id.csv, row 1, field \"id\": no such column of ids",
        ),
    ] {
        folder.write("s.csv", text);
        let said = folder.refusal(arguments);
        assert!(said.starts_with(reason), "{text:?}: {said}");
    }
    folder.write("s.json", "{\"1\": \"a\", \"2\": [1]}");
    let said = folder.refusal("p.csv --against s.json");
    assert!(said.starts_with("s.json, row 1: [1] is no label"), "{said}");
    let said = folder.refusal("p.csv --against s.json/label");
    assert!(said.contains("an object from id to label has no columns"), "{said}");
}

/// Both files are read by the one reader of CSV.
#[test]
fn quotes_lines_and_marks_of_either_file_are_read_or_named() {
    let folder = Folder::new();
    folder.write("m.csv", MATRIX);
    folder.write("p.csv", "id,truth,predicted\n1,a,a\n2,b,b\n");
    for (arguments, header, row) in [
        ("--matrix m.csv --counts c.csv", "class,count", "a,1"),
        ("p.csv --against c.csv", "id,label", "1,a"),
    ] {
        let text = format!("{header}\n{row}\n");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        folder.write("c.csv", utf16);
        let said = folder.refusal(arguments);
        assert!(said.starts_with("c.csv: UTF-16"), "{said}");
        let first = header.split(',').next().unwrap();
        for end in ["\n", "\r\n", "\r"] {
            for (content, expected) in [
                (
                    format!("{text}\n\"2,b\n"),
                    "c.csv, row 4: a quote is opened here and never closed".to_owned(),
                ),
                (
                    format!("{text}\"2\\\"c\",b\n"),
                    "c.csv, row 3: text stands behind the closing quote of a cell".to_owned(),
                ),
                (
                    format!("{header}\n\n{row},x\n"),
                    "c.csv, row 3: 3 cells, the header has 2".to_owned(),
                ),
                (
                    format!("{header}, {first}\n{row},1\n"),
                    format!("c.csv, row 1, field {first:?}: two columns have this name, 1 and 3"),
                ),
            ] {
                folder.write("c.csv", content.replace('\n', end));
                let said = folder.refusal(arguments);
                assert!(said.starts_with(&expected), "{content:?}: {said}");
            }
        }
    }
}

#[test]
fn a_mark_in_front_of_either_file_is_passed_over() {
    let folder = Folder::new();
    folder.write("m.csv", MATRIX);
    let (rows, second, object) = predictions();
    folder.write("p.csv", format!("\u{feff}{rows}"));
    folder.write("counts.csv", format!("\u{feff}{COUNTS}"));
    folder.write("counts.json", "\u{feff}{\"a\": 5010, \"b\": 2990, \"c\": 2000}");
    folder.write("second.csv", format!("\u{feff}{second}"));
    folder.write("second.json", format!("\u{feff}{object}"));
    for arguments in [
        "--matrix m.csv --counts counts.csv",
        "--matrix m.csv --counts counts.json",
        "p.csv --against second.csv/name",
        "p.csv --against second.json",
    ] {
        let first = folder.first_line(arguments);
        assert!(first.starts_with("The names are shuffled: "), "{arguments}: {first}");
    }
}
