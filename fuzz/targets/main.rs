//! One program for all fuzz targets: `TTP_FUZZ` names the target (`make fuzz`). Every target gives
//! bytes to something that reads what others wrote. It may refuse them, in one line; it may not
//! panic, hang or take memory without bounds. Some targets hold what comes out to a property.
//!
//! With `TTP_FUZZ_SEEDS=FOLDER` it writes the seeds that are no text into that folder, and ends.
//! With `TTP_FUZZ_STRICT=1` it stops at an input that is refused: seeds are to be read.

#![no_main]
// A target that fails is to stop.
#![allow(clippy::expect_used, clippy::panic)]

mod properties;
mod readers;
mod seeds;

use libfuzzer_sys::{Corpus, fuzz_target};
use std::path::Path;
use std::sync::LazyLock;

/// A target's name, and what it does with the bytes: whether they were read.
type Target = (&'static str, fn(&[u8]) -> bool);

const TARGETS: [Target; 28] = [
    ("stix", readers::stix),
    ("tram", readers::tram),
    ("tram_v2", readers::tram_v2),
    ("csv", readers::csv),
    ("parquet", readers::parquet),
    ("split", readers::split),
    ("profile", readers::profile),
    ("claims", readers::claims),
    ("matrix", readers::matrix),
    ("predictions", readers::predictions),
    ("names", readers::names),
    ("safetensors", readers::safetensors),
    ("pickle", readers::pickle),
    ("config", readers::config),
    ("vocabulary", readers::vocabulary),
    ("tokenizer", readers::tokenizer),
    ("modules", readers::modules),
    ("state", readers::state),
    ("netml", readers::netml),
    ("flows", readers::flows),
    ("linear", readers::linear),
    ("pairs", readers::pairs),
    ("evidence", readers::evidence),
    ("document", readers::document),
    ("report", readers::report),
    ("sentences", properties::sentences),
    ("shown", properties::shown),
    ("audit", properties::audit),
];

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("TTP_FUZZ").unwrap_or_default();
    let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    match TARGETS.iter().find(|(known, _)| *known == name) {
        Some(target) => *target,
        None => {
            eprintln!("TTP_FUZZ: unknown target {name:?}; known: {}", known.join(" "));
            std::process::exit(2);
        }
    }
});

/// Whether an input that is refused is a failure.
static STRICT: LazyLock<bool> = LazyLock::new(|| std::env::var_os("TTP_FUZZ_STRICT").is_some());

/// Before libFuzzer begins, which takes a program that ends by itself for one that failed.
fn begin() {
    if let Some(folder) = std::env::var_os("TTP_FUZZ_SEEDS") {
        seeds::write(Path::new(&folder));
        std::process::exit(0);
    }
    LazyLock::force(&TARGET);
}

fuzz_target!(init: begin(), |bytes: &[u8]| -> Corpus {
    let read = TARGET.1(bytes);
    assert!(read || !*STRICT, "refused");
    Corpus::Keep
});
