//! The corpus from real bytes: its counts, its files, and what bad input says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use ttp_lib::corpus::{Built, Corpus, Source, build};

/// The raw file, or `None` with the reason printed: these tests need the real data.
fn raw(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os("TTP_SOURCES").map(|folder| root.join(folder).join(name));
    let mut places = named.into_iter().chain([root.join("data/raw").join(name)]);
    let found = places.find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: {name} is in neither data/raw nor TTP_SOURCES");
    }
    found
}

fn attack(with_tram: bool) -> Option<Built> {
    let bundle = raw("attack-v10.1/enterprise-attack.json")?;
    let tram = if with_tram { Some(raw("tram-v1/all_analyzed_reports.json")?) } else { None };
    Some(build(&Source::Attack { bundle, tram }).unwrap())
}

fn at_least(corpus: &Corpus, rows: usize) -> Vec<String> {
    corpus
        .counts()
        .into_iter()
        .filter(|(_, n)| *n >= rows)
        .map(|(technique, _)| technique)
        .collect()
}

fn sums_add_up(built: &Built) {
    let dropped: usize = built.dropped.iter().map(|dropped| dropped.count).sum();
    assert_eq!(built.candidates, built.corpus.len() + dropped, "{built}");
}

#[test]
fn attack_v10_1_has_the_published_shape() {
    let Some(built) = attack(false) else { return };
    println!("{built}");
    sums_add_up(&built);
    let rows = built.corpus.len();
    assert!((12_870..=13_130).contains(&rows), "{rows} rows");
    assert_eq!(built.corpus.counts().len(), 188);
    let common = at_least(&built.corpus, 100).len();
    assert!((37..=39).contains(&common), "{common} techniques with 100 rows");
    assert_eq!(at_least(&built.corpus, 501), ["T1059"]);
}

#[test]
fn with_tram_v1_it_has_the_shape_of_the_paper() {
    let Some(built) = attack(true) else { return };
    println!("{built}");
    sums_add_up(&built);
    let rows = built.corpus.len();
    assert!((14_150..=14_549).contains(&rows), "{rows} rows");
    assert_eq!(built.corpus.counts().len(), 188);
    let common = at_least(&built.corpus, 100).len();
    assert!((43..=45).contains(&common), "{common} techniques with 100 rows");
    assert_eq!(at_least(&built.corpus, 501), ["T1027", "T1059"]);
    if let Ok(path) = std::env::var("DUMP") {
        built.corpus.write_parquet(Path::new(&path)).unwrap();
        std::fs::write(
            format!("{path}.txt"),
            built
                .corpus
                .sentences
                .iter()
                .map(|s| format!("{}\t{}\n", s.technique, s.text))
                .collect::<String>(),
        )
        .unwrap();
    }
}
