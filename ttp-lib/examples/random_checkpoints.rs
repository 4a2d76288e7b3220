//! Writes checkpoints of random numbers in the published shapes of BERT, SciBERT and
//! SecBERT, and a small RoBERTa: a folder for `TTP_MODELS` where the real ones are not.
//!
//!     cargo run --package ttp-lib --example random_checkpoints -- <folder> --layers 2 bert

#[path = "../tests/suite/common/random_checkpoint.rs"]
mod random_checkpoint;

use clap::Parser;
use random_checkpoint::SHAPES;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use ttp_lib::{Error, Result, files};

/// Checkpoints of random numbers in the published shapes.
#[derive(Parser)]
struct Arguments {
    /// The folder that gets one folder for each checkpoint.
    folder: PathBuf,
    /// Which of bert, scibert, secbert and roberta; all four if none is named.
    names: Vec<String>,
    /// Transformer layers, instead of the published number.
    #[arg(long)]
    layers: Option<usize>,
    /// Width of the layers, instead of the published one: a multiple of 16.
    #[arg(long)]
    hidden: Option<usize>,
    /// The ATT&CK bundle of whose words the vocabularies are made.
    #[arg(long, default_value_os_t = bundle())]
    bundle: PathBuf,
    /// Where to write the corpus's texts, a JSON array, for environment/golden/parity.py.
    #[arg(long)]
    texts: Option<PathBuf>,
}

fn bundle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/raw/attack-v10.1/enterprise-attack.json")
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.layers == Some(0) {
        return Err(Error::Setting { field: "layers", reason: "0; at least one".to_owned() });
    }
    let shapes = if arguments.names.is_empty() {
        SHAPES.iter().collect()
    } else {
        let named = arguments.names.iter().map(|name| random_checkpoint::shape(name));
        named.collect::<Result<Vec<_>>>()?
    };
    let texts = random_checkpoint::corpus_texts(&arguments.bundle)?;
    if let Some(path) = &arguments.texts {
        files::write_json(path, &texts)?;
    }
    for shape in shapes {
        let layers = arguments.layers.unwrap_or(shape.layers);
        let folder = arguments.folder.join(shape.name);
        println!("{}: {} tokens, {layers} layers", folder.display(), shape.vocabulary);
        let narrow = arguments.hidden.map(|hidden| shape.with_hidden(hidden)).transpose()?;
        random_checkpoint::write(
            &arguments.folder,
            narrow.as_ref().unwrap_or(shape),
            layers,
            &texts,
        )?;
    }
    Ok(())
}
