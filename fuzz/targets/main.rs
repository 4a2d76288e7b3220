//! One program for all fuzz targets: `TTP_FUZZ` names the target (`make fuzz`). Every target gives
//! bytes to something that reads what others wrote. It may refuse them, in one line; it may not
//! panic, hang or take memory without bounds. Some targets hold what comes out to a property.

#![no_main]
// A target that fails is to stop.
#![allow(clippy::expect_used, clippy::panic)]

mod properties;
mod readers;

use libfuzzer_sys::{Corpus, fuzz_target};
use std::sync::LazyLock;

/// A target's name, and what it does with the bytes.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 21] = [
    ("stix", readers::stix),
    ("tram", readers::tram),
    ("tram_v2", readers::tram_v2),
    ("csv", readers::csv),
    ("parquet", readers::parquet),
    ("profile", readers::profile),
    ("claims", readers::claims),
    ("matrix", readers::matrix),
    ("predictions", readers::predictions),
    ("safetensors", readers::safetensors),
    ("pickle", readers::pickle),
    ("config", readers::config),
    ("vocabulary", readers::vocabulary),
    ("i2w", readers::i2w),
    ("tokenizer", readers::tokenizer),
    ("netml", readers::netml),
    ("linear", readers::linear),
    ("document", readers::document),
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

fuzz_target!(|bytes: &[u8]| -> Corpus {
    TARGET.1(bytes);
    Corpus::Keep
});
