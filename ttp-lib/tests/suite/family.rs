//! The family encoder from end to end: synthetic flows, training, diagnosis of planted faults,
//! files of one's own, and what is wrong with them.

use crate::common::own_project::{card_says, ttp};
use crate::common::turn;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use ttp_lib::family::{
    Balance, Contrastive, EncoderShape, FAMILIES, FamilyEncoder, FamilyHistory, FamilyParams,
    FamilyTraining, Fault as Planted, FlowColumns, FlowData, FlowFile, PLANTED, SyntheticFlows,
};
use ttp_lib::metrics::{Diagnosis, DiagnosisSettings, Fault};
use ttp_lib::polars::prelude::*;
use ttp_lib::split::Shares;

fn trained(
    data: &FlowData,
    params: &FamilyParams,
    balance: Balance<'_>,
    seed: u64,
    folder: Option<&Path>,
) -> (FamilyEncoder, FamilyHistory) {
    let shape = EncoderShape::default();
    let (train, standardiser) = (&data.train, &data.standardiser);
    let mut encoder =
        FamilyEncoder::new(&shape, train, standardiser, tch::Device::Cpu, seed).unwrap();
    let training = FamilyTraining { params, balance, seed, folder };
    let history = training.run(&mut encoder, data, &mut |_| ()).unwrap();
    (encoder, history)
}

// -- planted faults -------------------------------------------------------------------

/// What a diagnosis calls a fault that was planted.
fn called(planted: &[Planted]) -> BTreeSet<String> {
    let support = |name: &str| FAMILIES.iter().find(|f| f.name == name).unwrap().support;
    let mut faults = BTreeSet::new();
    for fault in planted {
        match *fault {
            Planted::Inside { family, of } => {
                faults.insert(Fault::Swallowed { class: family.into(), by: of.into() });
            }
            Planted::TooBroad { family } => {
                faults.insert(Fault::OverPredictedClass { class: family.into() });
            }
            Planted::Overlap { one, other } => {
                let (a, b) = (one.min(other).into(), one.max(other).into());
                faults.insert(Fault::ConfusedBothWays { a, b });
            }
            Planted::TooSmall { family } => {
                faults.insert(Fault::ZeroRecall { class: family.into() });
                // Of seven rows it is said, besides, that they are no basis for a judgement.
                if (support(family) as u64) < DiagnosisSettings::default().min_support {
                    faults.insert(Fault::TooSmall { class: family.into() });
                }
            }
        }
    }
    faults.iter().map(Fault::to_string).collect()
}

/// A small family of which one row of a hundred is found was still too small.
fn name_of(fault: &Fault) -> String {
    match fault {
        Fault::NearZeroRecall { class } => Fault::ZeroRecall { class: class.clone() }.to_string(),
        other => other.to_string(),
    }
}

/// What a diagnosis of an encoder trained on such flows finds in the test part.
fn found(flows: &SyntheticFlows) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("synthetic");
    flows.write(&folder).unwrap();
    let data = FlowData::from_folder(&folder, &FlowColumns::default()).unwrap();
    let params = FamilyParams { epochs: 4, ..FamilyParams::default() };
    let (encoder, _) = trained(&data, &params, Balance::default(), flows.seed, None);
    let judged = encoder.predict(data.test.as_ref().unwrap()).unwrap();
    let confusion = judged.confusion(encoder.families()).unwrap();
    let diagnosis = Diagnosis::of(&confusion, &DiagnosisSettings::default()).unwrap();
    diagnosis.faults().iter().map(name_of).collect()
}

/// A fifth of the report's rows.
const ROWS: usize = 70_000;

fn every_planted_fault_is_found_and_no_other(seeds: RangeInclusive<u64>) {
    let _turn = turn();
    let planted = called(&PLANTED);
    assert_eq!(planted.len(), 8);
    for seed in seeds {
        assert_eq!(found(&SyntheticFlows::new(ROWS, seed)), planted, "seed {seed}");
    }
}

/// Seeds on which nothing was tuned; the first of them here, the others below.
#[test]
fn every_planted_fault_is_found_and_no_other_on_one_seed() {
    every_planted_fault_is_found_and_no_other(201..=201);
}

#[test]
#[ignore = "slow: nine more seeds of planted faults (make test-all)"]
fn every_planted_fault_is_found_and_no_other_over_nine_more_seeds() {
    every_planted_fault_is_found_and_no_other(202..=210);
}

#[test]
fn a_fault_that_is_not_planted_is_not_found() {
    let _turn = turn();
    let web_companion = Planted::TooSmall { family: "WebCompanion" };
    assert!(PLANTED.contains(&web_companion));
    for (seed, without) in [
        (11, [PLANTED[0], PLANTED[2]]),    // CCleaner, and the pair
        (12, [PLANTED[1], web_companion]), // the over-predicted one, and a small family
    ] {
        let flows = SyntheticFlows::new(ROWS, seed).without(without[0]).without(without[1]);
        assert_eq!(flows.faults.len(), PLANTED.len() - 2);
        assert_eq!(found(&flows), called(&flows.faults), "seed {seed}, without {without:?}");
    }
}

// -- the way of a file ----------------------------------------------------------------

/// A CSV file of three families that are easily told apart.
fn csv(rows: usize) -> String {
    let mut text = "id,src,bytes,seconds,constant,family\n".to_owned();
    for row in 0..rows {
        let family = ["a", "b", "c"][row % 3];
        let bytes = 1_000.0 * (row % 3) as f64 + (row * 7 % 100) as f64;
        let seconds = 1e-3 * (row * 13 % 50) as f64 + if row % 3 == 2 { 1.0 } else { 0.0 };
        text += &format!("{row},10.0.0.{},{bytes},{seconds},7,{family}\n", row % 256);
    }
    text
}

fn columns() -> FlowColumns {
    FlowColumns { ignore: vec!["id".into()], ..FlowColumns::default() }
}

fn frame_of(path: &Path) -> DataFrame {
    CsvReader::new(std::fs::File::open(path).unwrap()).finish().unwrap()
}

fn write_parquet(frame: &mut DataFrame, path: &Path, group: usize) {
    let writer = ParquetWriter::new(std::fs::File::create(path).unwrap());
    writer.with_row_group_size(Some(group)).finish(frame).unwrap();
}

#[test]
fn a_file_of_ones_own_goes_the_same_way_as_csv_and_as_parquet() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    std::fs::write(&path, csv(20_000)).unwrap();
    let data = FlowData::split(&path, Shares::default(), 1, &columns()).unwrap();
    assert_eq!(data.features(), ["bytes", "seconds", "constant"]);
    assert_eq!(data.train.file().passed_over(), ["src"]);
    assert_eq!(data.standardiser.constant(), ["constant"]);
    assert_eq!(data.families(), ["a", "b", "c"]);
    // 6,667 rows are 5,333.6 and twice 666.7; 6,666 rows 5,332.8 and twice 666.6.
    assert_eq!(data.train.counts(), [5_333, 5_333, 5_333]);
    assert_eq!(data.validation.len() + data.test.as_ref().unwrap().len(), 4_001);
    let other = FlowData::split(&path, Shares::default(), 2, &columns()).unwrap();
    assert_ne!(data.standardiser.mean, other.standardiser.mean, "the seed shares out");

    // Families are told apart by what can be seen, and those that look alike are told.
    let odd = folder.path().join("odd.csv");
    let rows = "1,1\n2,1.0\n3,a\n4,A \n5,\u{200b}a\n".repeat(40);
    std::fs::write(&odd, format!("bytes,family\n{rows}")).unwrap();
    let told = FlowData::split(&odd, Shares::default(), 1, &FlowColumns::default()).unwrap();
    assert_eq!(told.families(), ["1", "A", "a"]);
    let alike = "labels that differ in their spelling alone: \"A\" (row 5) and \"a\" (row 4)";
    assert_eq!(told.notes, [alike]);

    // One large row group, small ones, and the CSV itself are the same rows.
    let mut frame = frame_of(&path);
    for group in [100_000, 3_000] {
        let parquet = folder.path().join("mine.parquet");
        write_parquet(&mut frame, &parquet, group);
        let same = FlowData::split(&parquet, Shares::default(), 1, &columns()).unwrap();
        assert_eq!(same.train.counts(), data.train.counts());
        for at in 0..3 {
            let [ours, theirs] =
                [&same.standardiser, &data.standardiser].map(|s| (s.mean[at], s.deviation[at]));
            assert!((ours.0 - theirs.0).abs() < 1e-9 * theirs.0.abs(), "{ours:?} {theirs:?}");
            assert!((ours.1 - theirs.1).abs() <= 1e-9 * theirs.1, "{ours:?} {theirs:?}");
        }
        let chunk = |data: &FlowData, piece| data.validation.chunk(piece).unwrap();
        if group == 100_000 {
            // Pieces are alike, too.
            assert_eq!(chunk(&same, 1), chunk(&data, 1));
        }
    }

    let model = folder.path().join("model");
    let params = FamilyParams {
        epochs: 2,
        batch_size: 256,
        contrastive: Some(Contrastive { weight: 0.2, temperature: 0.1 }),
        ..FamilyParams::default()
    };
    let (encoder, history) = trained(&data, &params, Balance::default(), 3, Some(&model));
    assert_eq!(history.constant_features, ["constant"]);
    let test = data.test.as_ref().unwrap();
    let judged = encoder.predict(test).unwrap();
    let scores = judged.confusion(encoder.families()).unwrap().scores();
    assert!(scores.f1.macro_ > 0.99, "{}", scores.f1.macro_);

    // What was written is the same model, and the same seed makes the same one, on any number of
    // threads.
    let opened = FamilyEncoder::open(&model, tch::Device::Cpu).unwrap();
    assert_eq!(opened.predict(test).unwrap(), judged);
    assert_eq!(opened.prior(), [1.0 / 3.0; 3]);
    let threads = tch::get_num_threads();
    tch::set_num_threads(3);
    let (again, same) = trained(&data, &params, Balance::default(), 3, None);
    tch::set_num_threads(threads);
    assert_eq!((again.predict(test).unwrap(), &same.losses), (judged.clone(), &history.losses));
    let (other, _) = trained(&data, &params, Balance::default(), 4, None);
    assert_ne!(other.predict(test).unwrap(), judged);
    let embeddings = opened.embed(test).unwrap();
    assert_eq!((embeddings.len(), embeddings.dimensions), (test.len(), 64));

    // Finite weights whose sums are not: no family is named.
    let broken = FamilyEncoder::open(&model, tch::Device::Cpu).unwrap();
    tch::no_grad(|| broken.parameters().iter_mut().for_each(|(_, w)| drop(w.fill_(3e38))));
    let said = broken.predict(test).map(|_| ()).unwrap_err().to_string();
    assert_eq!(said, "predicting: row 1: the model gives NaN or an infinity");

    // Columns in another order, no family, more columns: the model's own are taken by name.
    let unlabelled = folder.path().join("new.csv");
    let text = "seconds,more,constant,bytes\n0.01,x,8,5\n1.01,y,7,2040\n0.02,z,7,1010\n";
    std::fs::write(&unlabelled, text).unwrap();
    let judged = opened.predict(&opened.flows(&unlabelled).unwrap()).unwrap();
    assert!(judged.truth.is_empty());
    assert_eq!(judged.said.best(), [0, 2, 1]);
}

#[test]
fn what_is_done_about_rare_families_reaches_the_loss() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.csv");
    // Of two families that look alike, one has a tenth of the rows.
    let mut text = "x,family\n".to_owned();
    for row in 0..4_000 {
        text += &format!("{},{}\n", row * 37 % 101, if row % 11 == 0 { "few" } else { "many" });
    }
    std::fs::write(&path, text).unwrap();
    let data = FlowData::from_files(&path, &path, None, &FlowColumns::default()).unwrap();
    assert_eq!(data.families(), ["few", "many"]);
    let params = FamilyParams { epochs: 3, batch_size: 128, ..FamilyParams::default() };
    let mean_of_few = |balance| {
        let (encoder, _) = trained(&data, &params, balance, 1, None);
        let said = encoder.predict(&data.validation).unwrap().said;
        let sum: f32 = said.probabilities.iter().step_by(2).sum();
        f64::from(sum) / data.validation.len() as f64
    };
    let prior = 364.0 / 4_000.0;
    let plain = mean_of_few(Balance::default());
    assert!((plain - prior).abs() < 0.03, "{plain}");
    let even = [10.0, 1.0];
    for balance in [
        Balance { class_weights: Some(&even), ..Balance::default() },
        Balance { draws: Some(&even), ..Balance::default() },
        Balance {
            logit_offsets: Some(&[f64::ln(prior), f64::ln(1.0 - prior)]),
            ..Balance::default()
        },
    ] {
        let mean = mean_of_few(balance);
        assert!((mean - 0.5).abs() < 0.08, "{balance:?}: {mean}");
    }
}

#[test]
fn synthetic_files_are_a_function_of_the_seed_and_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, seed| {
        let path = folder.path().join(name);
        SyntheticFlows::new(5_000, seed).write(&path).unwrap();
        path
    };
    let [one, same, other] = [write("one", 1), write("same", 1), write("other", 2)];
    let names: BTreeSet<String> = std::fs::read_dir(&one)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.starts_with("synthetic-flows.")), "{names:?}");
    for name in &names {
        let bytes = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert_eq!(bytes(&one), bytes(&same), "{name}");
        assert_ne!(bytes(&one), bytes(&other), "{name}");
    }
    let about: serde_json::Value =
        ttp_lib::files::read_json(&one.join("synthetic-flows.json")).unwrap();
    assert_eq!(about["synthetic"], true);
    assert_eq!(about["planted"].as_array().unwrap().len(), PLANTED.len());
    let bytes = std::fs::read(one.join("synthetic-flows.train.parquet")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("synthetic_duration_seconds"));
    let data = FlowData::from_folder(&one, &FlowColumns::default()).unwrap();
    assert_eq!((data.features().len(), data.families().len()), (80, 21));
    assert_eq!(data.standardiser.constant(), ["synthetic_ip_version"]);
    let parts = [Some(&data.train), Some(&data.validation), data.test.as_ref()];
    let (training, validation) = SyntheticFlows::new(5_000, 1).counts();
    let counts = [&training, &validation, &validation].map(|c| c.iter().sum::<usize>());
    assert_eq!(parts.map(|part| part.unwrap().len()), counts);
    let few = SyntheticFlows::new(100, 1).write(&folder.path().join("few")).unwrap_err();
    assert!(few.to_string().contains("family.rows: 100 is not from"), "{few}");
    assert!(!folder.path().join("few").exists());
}

// -- what is wrong with a file --------------------------------------------------------

#[test]
fn what_is_wrong_with_a_file_is_named_with_row_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let good = write("good.csv", "x,y,family\n1,2,a\n3,4,b\n");
    let read = |train: &Path, validation: &Path| {
        FlowData::from_files(train, validation, None, &FlowColumns::default())
    };
    read(&good, &good).unwrap();
    let said = |train: &Path, validation: &Path| {
        let said = read(train, validation).unwrap_err().to_string();
        assert!(!said.contains('\n'), "{said}");
        said.replace(&format!("{}/", folder.path().display()), "")
    };
    for (text, expected) in [
        ("", "bad.csv: empty: not even a header"),
        ("x,y,family\n", "bad.csv: no row below the header"),
        ("x,y,label\n1,2,a\n", "bad.csv, row 1, field \"family\": no such column; there are: x, y"),
        ("x,y,family\n1,2,a\n1,NaN,b\n", "bad.csv, row 3, field \"y\": NaN is no number"),
        ("x,y,family\ninf,2,a\n1,2,b\n", "bad.csv, row 2, field \"x\": inf is no number"),
        ("x,y,family\n1,2,a\n1,,b\n", "bad.csv, row 3, field \"y\": missing"),
        ("x,y,family\n,2,a\n1,3,b\n", "bad.csv, row 2, field \"x\": missing"),
        ("x,y,family\n1,2,a\n1,two,b\n", "bad.csv, row 3, field \"y\": \"two\" is no number"),
        ("x,y,family\n1,2,a\n1e300,2,b\n", "bad.csv, row 3, field \"x\": 1e300 is beyond"),
        ("x,y,family\n1,2,a\n1,2,\n", "bad.csv, row 3, field \"family\": missing"),
        ("x,y,family\n1,2,a\n1,2,a\n", "bad.csv, field \"family\": only one family, \"a\""),
        ("x,y,family\n1,2,a\n1,b\n", "bad.csv, row 3: 2 cells, the header has 3"),
        ("x,x,family\n1,2,a\n1,2,b\n", "bad.csv, row 1, field \"x\": two columns"),
        ("x,family\none,a\ntwo,b\n", "bad.csv, row 1: no column of numbers"),
    ] {
        // Also where lines end as https://docs.python.org/3/library/csv.html ends them.
        for end in ["\n", "\r\n"] {
            let bad = write("bad.csv", &text.replace('\n', end));
            let said = said(&bad, &good);
            assert!(said.starts_with(expected), "{text:?}, {end:?}: {said}");
        }
    }
    for (text, expected) in [
        ("x,y,family\n1,2,c\n", "other.csv, row 2, field \"family\": family \"c\" does not occur"),
        ("x,family\n1,a\n", "other.csv, row 1, field \"y\": no such column"),
        ("x,y\n1,2\n", "other.csv, row 1, field \"family\": no such column"),
        ("x,y,family\n1,2,a\n1,nan,b\n", "other.csv, row 3, field \"y\": NaN is no number"),
        ("x,y,family\ntext,2,a\n", "other.csv, row 2, field \"x\": it holds no numbers"),
    ] {
        let other = write("other.csv", text);
        let said = said(&good, &other);
        assert!(said.starts_with(expected), "{text:?}: {said}");
    }

    // The same of parquet, whose rows are counted from 1.
    let parquet = folder.path().join("bad.parquet");
    let column = |values: [Option<f64>; 3]| Column::new("x".into(), values);
    let families = || Column::new("family".into(), ["a", "b", "a"]);
    for (x, expected) in [
        ([Some(1.0), None, Some(2.0)], "bad.parquet, row 2, field \"x\": missing"),
        ([Some(1.0), Some(2.0), Some(f64::NAN)], "bad.parquet, row 3, field \"x\": NaN is no"),
        ([Some(f64::NEG_INFINITY), None, None], "bad.parquet, row 2, field \"x\": missing"),
        ([Some(-1e39), Some(1.0), Some(2.0)], "bad.parquet, row 1, field \"x\": -1e39 is beyond"),
    ] {
        let mut frame = DataFrame::new(3, vec![column(x), families()]).unwrap();
        write_parquet(&mut frame, &parquet, 10);
        let said = said(&parquet, &good);
        assert!(said.starts_with(expected), "{said}");
    }
    std::fs::write(&parquet, b"PAR1 cut off").unwrap();
    assert!(said(&parquet, &good).starts_with("bad.parquet: not a whole parquet file"));
    let mut frame = frame_of(&good).head(Some(0));
    write_parquet(&mut frame, &parquet, 10);
    assert_eq!(said(&parquet, &good), "bad.parquet: no row");
    let nowhere = folder.path().join("nowhere.parquet");
    assert!(said(&nowhere, &good).starts_with("nowhere.parquet: cannot read"));
    // What a file is its bytes say, whatever its name.
    let text = write("flows.txt", "x,y,family\n1,2,a\n3,4,b\n");
    assert_eq!(read(&text, &good).unwrap().train.len(), 2);
    let mut frame = frame_of(&good);
    write_parquet(&mut frame, &folder.path().join("flows.dat"), 10);
    assert_eq!(read(&folder.path().join("flows.dat"), &text).unwrap().train.len(), 2);
    let no_label = write("flows.tsv", "x,y\n1,2\n");
    let said_of_it = said(&good, &no_label);
    assert!(said_of_it.starts_with("flows.tsv, row 1, field \"family\": no such"), "{said_of_it}");
    // Whole numbers, and families that are numbers, are fine.
    let numbers = Column::new("x".into(), [1_u32, 2, 3]);
    let families = Column::new("family".into(), [10_i64, 20, 10]);
    let mut frame = DataFrame::new(3, vec![numbers, families]).unwrap();
    write_parquet(&mut frame, &parquet, 10);
    let data = read(&parquet, &parquet).unwrap();
    assert_eq!(data.families(), ["10", "20"]);
    assert_eq!(data.train.chunk(0).unwrap().features, [1.0, 2.0, 3.0]);

    let empty = tempfile::tempdir().unwrap();
    let missing = FlowData::from_folder(empty.path(), &FlowColumns::default()).unwrap_err();
    assert!(missing.to_string().ends_with("no train.parquet or train.csv in it"), "{missing}");
    let ignore = FlowColumns { ignore: vec!["z".into()], ..FlowColumns::default() };
    let missing = FlowFile::open(&good, &ignore).unwrap_err().to_string();
    assert!(missing.contains("field \"z\": no such column"), "{missing}");

    // Blanks around a column's name are no part of it, in either kind of file.
    let columns = vec![
        Column::new(" x".into(), [1.0, 2.0, 3.0]),
        Column::new("port ".into(), [1_i64, 2, 3]),
        Column::new("family ".into(), ["a", "b", "a"]),
    ];
    write_parquet(&mut DataFrame::new(3, columns).unwrap(), &parquet, 10);
    let csv = folder.path().join("blanks.csv");
    std::fs::write(&csv, " x,port ,family \n1,1,a\n2,2,b\n3,3,a\n").unwrap();
    let ignore = FlowColumns { ignore: vec!["port".into()], ..FlowColumns::default() };
    for file in [&parquet, &csv] {
        let data = FlowData::from_files(file, file, None, &ignore).unwrap();
        assert_eq!(data.families(), ["a", "b"]);
        assert_eq!(data.train.chunk(0).unwrap().features, [1.0, 2.0, 3.0]);
    }
}

/// Whatever ends a line, behind blank ones and cells of several lines, and however far down.
#[test]
fn a_wrong_row_is_named_as_an_editor_counts_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.csv");
    let read = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        let read = FlowData::from_files(&path, &path, None, &FlowColumns::default());
        let message = read.map_err(|error| error.to_string());
        message.map_err(|message| message.replace(&format!("{}/", folder.path().display()), ""))
    };
    // Two pieces of rows, with a blank line between them.
    let mut long = "x,family\n".to_owned();
    for row in 0..9_000 {
        long += &format!("{row},{}\n", ["a", "b"][row % 2]);
        if row == 8_191 {
            long.push('\n');
        }
    }
    let (few, unnamed) = (format!("{long}few,a\n"), format!("{long}\n7,\n"));
    for end in ["\n", "\r\n", "\r"] {
        for (text, expected) in [
            ("x,family\n1,a\n\n2,b\nNaN,a\n", "row 5, field \"x\": NaN is no number"),
            ("x,family\n\n\n1,a\n2,b\n,a\n", "row 6, field \"x\": missing"),
            ("x,y,family\n1,\"a\nb\",a\n\n,y,b\n", "row 5, field \"x\": missing"),
            ("x,family\n1,a\n\n2\n", "row 4: 1 cells, the header has 2"),
            ("x,family\n1,a\n\n\"2,b\n", "row 4: a quote is opened here and never closed"),
            ("x,family\n1,a\n\"2\\\"c\",b\n", "row 3: text stands behind the closing quote"),
            (&few[..], "row 9003, field \"x\": \"few\" is no number"),
            (&unnamed[..], "row 9004, field \"family\": missing"),
        ] {
            let said = read(text.replace('\n', end).as_bytes()).unwrap_err();
            assert!(said.starts_with(&format!("bad.csv, {expected}")), "{end:?}: {said}");
        }
        let data = read(long.replace('\n', end).as_bytes()).unwrap();
        assert_eq!((data.train.len(), data.train.counts()), (9_000, &[4_500, 4_500][..]));
        let last = data.train.chunk(1).unwrap();
        assert_eq!((last.rows, last.features[0], last.features[807]), (808, 8_192.0, 8_999.0));
    }
    let text = "x,family\n1,a\n2,b\n";
    let data = read(format!("\u{feff}{text}").as_bytes()).unwrap();
    assert_eq!((data.features(), data.train.len()), (&["x".to_owned()][..], 2));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let said = read(&utf16).unwrap_err();
    assert!(said.starts_with("bad.csv: UTF-16"), "{said}");
}

// -- the command line -----------------------------------------------------------------

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(project.at("notebooks/profiles")).unwrap();
        let profile =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../notebooks/profiles/smoke.json");
        std::fs::copy(profile, project.at("notebooks/profiles/smoke.json")).unwrap();
        project
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        ttp(self.0.path(), &[&["--profile", "smoke"][..], arguments].concat())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        said
    }
}

#[test]
fn the_command_line_makes_trains_predicts_and_draws() {
    let project = Project::new();
    let made = project.succeeds(&["family", "generate", "--out", "flows", "--rows", "5000"]);
    assert!(made.starts_with("synthetic flows of 21 families"), "{made}");
    let arguments = ["family", "train", "--data", "flows", "--out", "model", "--epochs", "1"];
    let trained = project.succeeds(&arguments);
    assert!(trained.contains("so they tell nothing: synthetic_ip_version"), "{trained}");
    assert!(trained.contains("test: macro F1"), "{trained}");
    assert!(trained.contains("flows/s"), "{trained}");
    for file in
        ["model.safetensors", "family.json", "train_params.json", "test.predictions.parquet"]
    {
        assert!(project.at("model").join(file).is_file(), "{file}");
    }
    card_says(
        &project.at("model"),
        &[
            "pipeline_tag: \"tabular-classification\"",
            "tags: [\"network-flows\",\"malware\"]",
            "5037 training flows of 21 families, file synthetic-flows.train.parquet",
            "which licence they have, their file does not say",
            "On 1005 test flows, file synthetic-flows.test.parquet:",
            "Kept is epoch 1",
            "| macro F1 | ",
            "It gives one of these 21 families to every flow",
            "ttp family predict model flows.parquet",
        ],
    );
    // Whoever reads no further (`| head -1`) still gets the model.
    let arguments = ["family", "train", "--data", "flows", "--out", "unread", "--epochs", "1"];
    let mut child =
        project.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(project.at("unread/test.predictions.parquet").is_file());
    let test = "flows/synthetic-flows.test.parquet";
    let said = project.succeeds(&["family", "predict", "model", test, "--out", "said.csv"]);
    assert!(said.contains("macro F1"), "{said}");
    let text = std::fs::read_to_string(project.at("said.csv")).unwrap();
    assert!(text.starts_with("row,truth,predicted,probability\n1,"), "{}", &text[..60]);
    for method in ["pca", "tsne"] {
        let arguments = ["--out", "a.svg", "--method", method, "--rows", "200"];
        project.succeeds(&[&["family", "picture", "model", test][..], &arguments].concat());
        let svg = std::fs::read_to_string(project.at("a.svg")).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert!(
            document
                .descendants()
                .any(|n| n.text().is_some_and(|t| t.trim().starts_with("Dridex")))
        );
    }
    let diagnosed = project.succeeds(&["diagnose", "said.csv", "--out", "diagnosis"]);
    assert!(diagnosed.contains("Trickster"), "{diagnosed}");

    // What goes wrong is one line, and leaves what was there.
    std::fs::write(project.at("bad.csv"), "x,family\n1,a\n2,b\n").unwrap();
    let said = project.fails(&["family", "predict", "model", "bad.csv", "--out", "new.csv"]);
    assert!(said.contains("bad.csv, row 1, field \"synthetic_"), "{said}");
    assert!(!project.at("new.csv").exists());
    let before = std::fs::read(project.at("model/family.json")).unwrap();
    let said = project.fails(&["family", "train", "--data", "bad.csv", "--out", "model"]);
    assert!(said.contains("split.validation"), "{said}");
    assert_eq!(std::fs::read(project.at("model/family.json")).unwrap(), before);
    std::fs::write(project.at("model/model.safetensors"), b"half").unwrap();
    let said = project.fails(&["family", "predict", "model", test, "--out", "new.csv"]);
    assert!(said.contains("model.safetensors: not a safetensors file"), "{said}");
    std::fs::write(project.at("model/family.json"), "{}").unwrap();
    let said = project.fails(&["family", "predict", "model", test, "--out", "new.csv"]);
    assert!(said.contains("family.json, row 1: missing field"), "{said}");
}
