//! From the bundle that ATT&CK publishes (22.7 MB) to the corpus as a parquet file.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use ttp_lib::corpus::{Source, build};

const BUNDLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../data/raw/attack-v10.1/enterprise-attack.json");

fn bundle_to_parquet(criterion: &mut Criterion) {
    if !Path::new(BUNDLE).is_file() {
        println!("skipped: {BUNDLE} is not there; `make data` fetches it");
        return;
    }
    let source = Source::Attack { bundle: BUNDLE.into(), tram: None };
    let parquet = std::env::temp_dir().join(format!("corpus-{}.parquet", std::process::id()));
    let mut group = criterion.benchmark_group("corpus");
    group.sample_size(10);
    group.bench_function("bundle to rows", |bench| bench.iter(|| black_box(build(&source))));
    group.bench_function("bundle to parquet", |bench| {
        bench.iter(|| build(&source).and_then(|built| built.corpus.write_parquet(&parquet)));
    });
    group.finish();
    // Also what makes sure that something was written at all.
    if let Err(error) = std::fs::remove_file(&parquet) {
        println!("nothing was measured: {}: {error}", parquet.display());
    }
}

criterion_group!(benches, bundle_to_parquet);
criterion_main!(benches);
