//! NetML's real flows and the family summary's own encoder. The counts are torch 2.4.0's
//! (`environment/golden/netml.py FLOWS CHECKPOINT LOGITS.npy`) and Python's over the same files.

use crate::common::{find_raw, skip, turn};
use std::time::Instant;
use ttp_lib::family::netml::{
    Annotations, MissingColumns, NameStudy, NetmlEncoder, NetmlFiles, NetmlFlows, OUTPUTS,
};
use ttp_lib::metrics::names::NamesSettings;

fn files() -> Option<NetmlFiles> {
    let files = NetmlFiles::find(|name| find_raw(name).unwrap_or_default());
    if files.is_none() {
        skip("netml-2020 or ids-netml is in neither data/raw nor TTP_SOURCES");
    }
    files
}

#[test]
fn both_test_sets_are_read_whole_and_the_forest_knows_every_flow() {
    let Some(files) = files() else { return };
    let annotations = Annotations::read(&files.annotations).unwrap();
    assert_eq!((annotations.len(), annotations.classes().len()), (387_268, 21));
    assert_eq!(annotations.classes(), OUTPUTS);
    for (flows, forest, benign) in [
        (&files.standard, &files.forest_standard, 9_685),
        (&files.challenge, &files.forest_challenge, 9_732),
    ] {
        let began = Instant::now();
        let flows = NetmlFlows::read(flows, MissingColumns::Refused).unwrap();
        println!("{:.2} s", began.elapsed().as_secs_f64());
        assert_eq!(flows.len(), 48_394);
        let forest = Annotations::read(forest).unwrap();
        let labels = forest.classes_within(&flows, annotations.classes()).unwrap();
        assert_eq!(labels.iter().filter(|label| OUTPUTS[**label] == "benign").count(), benign);
        // No test flow is annotated.
        let known = annotations.classes_of(&flows).unwrap_err().to_string();
        assert!(known.contains("no label of flow"), "{known}");
    }
}

#[test]
fn the_published_encoder_uses_17_of_its_21_outputs() {
    let Some(files) = files() else { return };
    let _turn = turn();
    let outputs = OUTPUTS.map(str::to_owned).to_vec();
    let encoder = NetmlEncoder::published(&files.checkpoint, outputs).unwrap();
    let flows = NetmlFlows::read(&files.standard, MissingColumns::Refused).unwrap();
    let began = Instant::now();
    let encoded = encoder.encode(&flows, &flows.standardiser().unwrap()).unwrap();
    println!("{:.2} s", began.elapsed().as_secs_f64());
    assert_eq!(encoded.never_used(), [3, 9, 16, 19]);
    let said = encoded.best();
    let counts: Vec<usize> =
        (0..21).map(|output| said.iter().filter(|other| **other == output).count()).collect();
    let torch = [
        7832, 2712, 10520, 0, 6374, 108, 5385, 1294, 1093, 0, 1560, 171, 3869, 3211, 1066, 1045, 0,
        2075, 33, 0, 46,
    ];
    assert_eq!(counts, torch);
    let forest = Annotations::read(&files.forest_standard).unwrap();
    let known = OUTPUTS.map(str::to_owned);
    let labels = forest.classes_within(&flows, &known).unwrap();
    let same = said.iter().zip(&labels).filter(|(a, b)| a == b).count();
    assert_eq!(same, 679, "by the printed names");
    // "Adload" is Trickster, "BitCoinMiner" benign, "benign" Ramnit.
    for (output, family) in [(0, "Trickster"), (2, "benign"), (20, "Ramnit")] {
        let of: Vec<&usize> =
            labels.iter().zip(&said).filter(|(_, s)| **s == output).map(|(l, _)| l).collect();
        let right = of.iter().filter(|label| OUTPUTS[***label] == family).count();
        assert!(right * 2 > of.len(), "{family}: {right} of {}", of.len());
    }
}

/// The names that scipy's linear_sum_assignment and chi-square find over the same files.
#[test]
fn the_names_of_the_published_encoder_are_shuffled() {
    let Some(files) = files() else { return };
    let _turn = turn();
    let found = NameStudy::read(&files, &NamesSettings::default()).unwrap();
    let [printed, best] = found.agreement();
    assert!((printed - 0.014_03).abs() < 1e-4, "{printed}");
    assert!((best - 0.849_5).abs() < 1e-4, "{best}");
    let [printed, best] = [&found.by_counts.printed, &found.by_counts.best];
    assert!((printed.statistic - 5_819_187.0).abs() < 1.0, "{}", printed.statistic);
    assert!((best.statistic - 13.9).abs() < 0.05, "{}", best.statistic);
    assert_eq!(found.published.at_zero(), found.encoded.never_used());
    for (printed, right) in [
        ("Adload", "Trickster"),
        ("Artemis", "Tinba"),
        ("BitCoinMiner", "benign"),
        ("CCleaner", "Artemis"),
        ("Cobalt", "TrickBot"),
        ("Dridex", "Emotet"),
        ("Emotet", "WebCompanion"),
        ("MinerTrojan", "Dridex"),
        ("PUA", "MinerTrojan"),
        ("Ramnit", "HTBot"),
        ("Sality", "MagicHound"),
        ("Tinba", "Adload"),
        ("TrickBot", "CCleaner"),
        ("Trickster", "Sality"),
        ("TrojanDownloader", "Ursnif"),
        ("Ursnif", "Cobalt"),
        ("benign", "Ramnit"),
    ] {
        assert_eq!(found.name(printed), Some(right), "{printed}");
    }
    assert_eq!(found.renamed().len(), 21);
    // The names of outputs that no flow speaks of are told by size alone.
    println!("names that are wrong beyond chance: {}", found.wrong_at_least());
    assert!((15..=21).contains(&found.wrong_at_least()));
    let mut shared: Vec<&str> = ["Downware", "HTBot", "MagicHound", "WebCompanion"]
        .map(|printed| found.name(printed).unwrap())
        .to_vec();
    shared.sort_unstable();
    assert_eq!(shared, ["BitCoinMiner", "Downware", "PUA", "TrojanDownloader"]);
    assert_eq!(found.statements().unwrap().len(), 7);
    if let Some(matrix) = found.matrix_renamed().unwrap() {
        assert_eq!(matrix.total(), 52_500);
        let [before, after] = NameStudy::one_trickbot(&matrix).unwrap();
        println!("macro F1 {before} {after}");
        assert!((before - 0.510).abs() < 5e-4 && after > before);
    }
}
