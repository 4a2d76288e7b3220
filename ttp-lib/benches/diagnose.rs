//! Ten million predictions over 200 classes: counted and diagnosed from memory, and from a
//! parquet file to the report's three texts.

use criterion::{Criterion, criterion_group, criterion_main};
use polars::prelude::{Column, DataFrame};
use std::hint::black_box;
use ttp_lib::Result;
use ttp_lib::corpus::frame::write_parquet;
use ttp_lib::diagnosis::{Columns, Report, read_predictions};
use ttp_lib::metrics::{Diagnosis, DiagnosisSettings, SparseConfusion};

const ROWS: usize = 10_000_000;
const CLASSES: u32 = 200;

/// One row in five is wrong, anywhere.
fn predictions() -> (Vec<u32>, Vec<u32>) {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u32
    };
    (0..ROWS)
        .map(|_| {
            let truth = next() % CLASSES;
            let predicted = if next().is_multiple_of(5) { next() % CLASSES } else { truth };
            (truth, predicted)
        })
        .unzip()
}

fn name(class: u32) -> String {
    format!("family {class:03}")
}

fn from_memory(truth: &[u32], predicted: &[u32]) -> Result<Diagnosis> {
    let counts = SparseConfusion::from_indices((0..CLASSES).map(name), truth, predicted)?;
    Diagnosis::of_sparse(&counts, &DiagnosisSettings::default())
}

fn diagnose(criterion: &mut Criterion) {
    let (truth, predicted) = predictions();
    let mut group = criterion.benchmark_group("diagnose");
    group.sample_size(10);
    group.bench_function("10 million predictions in memory", |bench| {
        bench.iter(|| black_box(from_memory(&truth, &predicted)));
    });

    let file = std::env::temp_dir().join(format!("predictions-{}.parquet", std::process::id()));
    let names: Vec<String> = (0..CLASSES).map(name).collect();
    let column = |title: &str, classes: &[u32]| {
        let labels: Vec<&str> = classes.iter().map(|&at| names[at as usize].as_str()).collect();
        Column::new(title.into(), labels)
    };
    let columns = vec![column("truth", &truth), column("predicted", &predicted)];
    let written = DataFrame::new(ROWS, columns)
        .map_err(ttp_lib::Error::library("making a frame"))
        .and_then(|mut frame| write_parquet(&mut frame, &file));
    if let Err(error) = written {
        println!("nothing was measured from a file: {error}");
        return;
    }
    let report = || {
        let judged = read_predictions(&file, &Columns::default())?;
        let report = Report::new(judged, &DiagnosisSettings::default())?;
        Ok::<_, ttp_lib::Error>((report.to_json()?, report.to_markdown()?, report.to_html()?))
    };
    if let Err(error) = report() {
        println!("nothing was measured from a file: {error}");
    }
    group.bench_function("10 million predictions in a parquet file, with the report", |bench| {
        bench.iter(|| black_box(report()));
    });
    group.finish();
    if let Err(error) = std::fs::remove_file(&file) {
        println!("{}: {error}", file.display());
    }
}

criterion_group!(benches, diagnose);
criterion_main!(benches);
