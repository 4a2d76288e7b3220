//! Our half of `make bench-mining` (`environment/bench/mining.py` drives both).
//!
//!     bench_mining prepare FOLDER    sentences.json and vectors.npy, for both sides
//!     bench_mining race FOLDER       answers each line `mine` (every sentence a label of its own, as
//!                                   the peer has it) or `labelled` on standard input

mod race;

use race::{finish, say};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use ttp_lib::corpus::{self, Corpus, Kinship};
use ttp_lib::encoder::{SentenceEncoder, Vectors};
use ttp_lib::profile::Run;
use ttp_lib::similarity::{Labels, Level, Mining, mine, nearest};
use ttp_lib::{Error, Result, files, train};

/// As in `environment/bench/peer_mining.py`.
const MARGIN: f64 = 0.05;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["prepare", folder] => prepare(Path::new(folder)),
        ["race", folder] => race(Path::new(folder)),
        _ => {
            eprintln!("usage: bench_mining prepare|race FOLDER");
            return ExitCode::FAILURE;
        }
    };
    finish(done)
}

/// The profile's corpus, each text once, with vectors of `minilm` and each sentence's nearest
/// one of its technique as its positive; sentences without one are left out.
fn prepare(folder: &Path) -> Result<()> {
    let run = Run::from_env()?;
    let mut corpus = corpus::build(&run.source()?)?.corpus;
    let mut texts = HashSet::new();
    corpus.sentences.retain(|sentence| texts.insert(sentence.text.clone()));
    let counts = corpus.counts();
    corpus.sentences.retain(|sentence| counts[&sentence.technique] > 1);

    let checkpoint = run.checkpoint("minilm")?;
    let tokenize = checkpoint.tokenizer(256)?;
    let encoder = SentenceEncoder::new(&checkpoint, train::device(), 0)?;
    let sentences: Vec<&str> = corpus.sentences.iter().map(|s| s.text.as_str()).collect();
    // Standard output is the driver's.
    let mut watch = |_| ();
    let vectors = encoder.embed(&tokenize, &sentences, &mut watch)?;
    let labels = Labels::new(&corpus, Level::Technique, &Kinship::default())?;
    let other = |a: u32, b: u32| (a == b || !labels.similar(a, b)).then_some(());
    let near = nearest(&vectors, &vectors, 1, other)?;
    let positive: Vec<u32> = near.iter().filter_map(|n| Some(n.found.first()?.candidate)).collect();
    write_npy(&folder.join("vectors.npy"), &vectors)?;
    let techniques: Vec<&str> = corpus.sentences.iter().map(|s| s.technique.as_str()).collect();
    let about = json!({ "sentences": sentences, "techniques": techniques, "positive": positive });
    files::write_json(&folder.join("sentences.json"), &about)
}

fn race(folder: &Path) -> Result<()> {
    let file = folder.join("sentences.json");
    let about: Value = files::read_json(&file)?;
    let list = |field: &str| {
        let list = about[field].as_array().cloned();
        list.ok_or_else(|| Error::input_at(&file, None, Some(field), "missing"))
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let sentences =
        list("sentences")?.into_iter().zip(list("techniques")?).map(|(sentence, technique)| {
            corpus::Sentence {
                technique: text(&technique),
                subtechnique: None,
                name: String::new(),
                text: text(&sentence),
                source_id: String::new(),
            }
        });
    let corpus = Corpus { sentences: sentences.collect() };
    let labels = Labels::new(&corpus, Level::Technique, &Kinship::default())?;
    // The peer knows no labels: for the same job every sentence has one of its own.
    let mut alone = corpus.clone();
    for (at, sentence) in alone.sentences.iter_mut().enumerate() {
        sentence.technique = format!("sentence {at}");
    }
    let alone = Labels::new(&alone, Level::Technique, &Kinship::default())?;
    let vectors = read_npy(&folder.join("vectors.npy"), corpus.len())?;
    let positive = list("positive")?;
    let pair = |(anchor, positive): (u32, &Value)| [anchor, positive.as_u64().unwrap_or(0) as u32];
    let anchors: Vec<[u32; 2]> = (0..).zip(&positive).map(pair).collect();
    let every: Vec<u32> = (0..).take(corpus.len()).collect();
    // The peer's default is to look at the 11 nearest beside the positive, of which the anchor
    // itself, which stands among the candidates, is one.
    let settings =
        Mining { absolute_margin: Some(MARGIN), range_max: Some(10), ..Mining::default() };
    let threads = tch::get_num_threads();
    say(&json!({ "threads": threads, "sentences": corpus.len(), "knows_labels": true }));
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Error::file(Path::new("standard input"), "read"))?;
        let labels = match line.trim() {
            "mine" => &alone,
            "labelled" => &labels,
            other => {
                let known = ["mine", "labelled"].map(str::to_owned).to_vec();
                return Err(Error::Unknown { kind: "command", name: other.to_owned(), known });
            }
        };
        let began = Instant::now();
        let mined = mine(&vectors, labels, &anchors, &every, &settings, 1)?;
        say(&json!({ "seconds": began.elapsed().as_secs_f64(), "mined": mined.found() }));
    }
    Ok(())
}

/// numpy's format, version 1.0: a header padded to 64 bytes, then the numbers.
fn write_npy(path: &Path, vectors: &Vectors) -> Result<()> {
    let shape = format!("({}, {})", vectors.len(), vectors.dimensions());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let padding = 64 - (10 + header.len() + 1) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(vectors.numbers().iter().flat_map(|number| number.to_le_bytes()));
    files::write_whole(path, |out| out.write_all(&bytes).map_err(Error::file(path, "write")))
}

/// What [`write_npy`] wrote.
fn read_npy(path: &Path, rows: usize) -> Result<Vectors> {
    let bytes = std::fs::read(path).map_err(Error::file(path, "read"))?;
    let cut = || Error::input(path, "cut off");
    let &[low, high] = bytes.get(8..10).ok_or_else(cut)? else { return Err(cut()) };
    let data = bytes.get(10 + usize::from(u16::from_le_bytes([low, high]))..).ok_or_else(cut)?;
    let (fours, _) = data.as_chunks::<4>();
    let numbers = fours.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Vectors::new(fours.len() / rows.max(1), numbers)
}
