//! What both sides of `make bench-classify` read; `environment/bench/classify.py` calls it.
//!
//! `bench_classify <folder> <sentences>` writes `sentences.txt`, the corpus's first sentences, one
//! a line, and `model/`: `minilm` with a head of random numbers for all of the corpus's techniques.
//! How long a sentence takes does not depend on what the numbers are.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::profile::Run;
use ttp_lib::{Error, Result, corpus, files, train};

#[derive(Parser)]
struct Arguments {
    folder: PathBuf,
    sentences: usize,
}

fn main() -> ExitCode {
    match prepare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(Arguments { folder, sentences }: &Arguments) -> Result<()> {
    let run = Run::from_env()?;
    let corpus = corpus::build(&run.source()?)?.corpus;
    if corpus.len() < *sentences {
        let reason = format!("{sentences}; the corpus has {}", corpus.len());
        return Err(Error::Setting { field: "sentences", reason });
    }
    let mut text = String::new();
    for sentence in &corpus.sentences[..*sentences] {
        let words: Vec<&str> = sentence.text.split_whitespace().collect();
        text.push_str(&(words.join(" ") + "\n"));
    }
    files::write_text(&folder.join("sentences.txt"), &text)?;

    let checkpoint = run.checkpoint("minilm")?;
    let labels = corpus.counts().into_keys().collect();
    let encoder = TechniqueEncoder::new(&checkpoint, labels, train::device(), 0)?;
    for (name, mut variable) in encoder.parameters() {
        // As sure of itself as a trained one: with a new head all labels are nearly as probable,
        // and it is chance which of them is the first.
        if name == "classifier.weight" {
            let _ = tch::no_grad(|| variable.g_mul_scalar_(50.0));
        }
    }
    encoder.save(&folder.join("model"), &checkpoint)
}
