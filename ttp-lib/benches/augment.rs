//! How fast sentences are augmented on one thread: a sentence in, its four variants out
//! (one of each operation, TextAttack's settings). `elem/s` is sentences in; four times
//! as many come out.
//!
//! The sentences are made up, after the manner of ATT&CK's procedure examples: 360 of
//! them, 24 words on average. WordNet is read before the clock starts; how long that takes
//! is printed first.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Instant;
use ttp_lib::augment::{AugmentSettings, Augmenter, WordNet, seed_of, words};

const ACTORS: [&str; 6] = [
    "Chimera",
    "The attackers behind the campaign",
    "FIN7",
    "Once installed, the backdoor",
    "A variant of Emotet",
    "The second-stage implant, a small DLL,",
];

const ACTIONS: [&str; 12] = [
    "has used net user for account discovery",
    "can collect the user name, the host name and the version of the operating system",
    "has sent spearphishing emails with malicious Microsoft Office attachments",
    "creates a scheduled task named \"GoogleUpdate\" that runs the payload every 30 minutes",
    "encrypts stolen files with RC4 and a hard-coded key and stages them in %TEMP%\\~df",
    "has dumped credentials from the memory of lsass.exe by means of Mimikatz",
    "adds a value under HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run for persistence",
    "communicates with its command and control server over HTTPS and falls back to DNS tunnels",
    "uses base64-encoded PowerShell commands to download additional tools from a remote server",
    "injects its code into a newly created svchost.exe process and then deletes the dropper",
    "has exploited CVE-2017-11882 in the equation editor to execute arbitrary shell commands",
    "takes screenshots, logs keystrokes and records audio through the microphone of the victim",
];

const ENDINGS: [&str; 5] = [
    ".",
    " before it moves laterally to other systems on the network.",
    ", which lets the adversary keep access after a reboot.",
    " (see hxxp://update[.]example/report for details).",
    " and has removed its traces from the event logs of compromised domain controllers.",
];

fn sentences() -> Vec<String> {
    let mut sentences = Vec::new();
    for actor in ACTORS {
        for action in ACTIONS {
            sentences.extend(ENDINGS.map(|ending| format!("{actor} {action}{ending}")));
        }
    }
    sentences
}

fn augment(criterion: &mut Criterion) {
    let start = Instant::now();
    let Ok(wordnet) = WordNet::get() else {
        return println!("no WordNet: `make data-wordnet` gets it");
    };
    println!("WordNet: {} words read in {:.3} s", wordnet.len(), start.elapsed().as_secs_f64());

    let sentences = sentences();
    let count: usize = sentences.iter().map(|sentence| words(sentence).len()).sum();
    let mean = count as f64 / sentences.len() as f64;
    println!("{} sentences, {mean:.1} words on average", sentences.len());

    let mut group = criterion.benchmark_group("augment");
    group.throughput(Throughput::Elements(sentences.len() as u64));
    for (name, protect) in [("textattack settings", false), ("with protected tokens", true)] {
        let settings = AugmentSettings { protect, ..AugmentSettings::default() };
        let Ok(augmenter) = Augmenter::new(settings) else { continue };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for (index, sentence) in sentences.iter().enumerate() {
                    black_box(augmenter.variants(black_box(sentence), seed_of(1, index)));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, augment);
criterion_main!(benches);
