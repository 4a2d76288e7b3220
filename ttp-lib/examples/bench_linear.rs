//! Our half of `make bench-linear` (`environment/bench/linear.py` drives both).
//!
//!     bench_linear prepare FOLDER    rows.json: the profile's clean split, for both sides
//!     bench_linear race FOLDER       answers each line `fit` on standard input: a training of
//!                                    tfidf-svm, and the test rows named

mod race;

use race::{finish, say};
use serde_json::{Value, json};
use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use ttp_lib::augment::Augmenter;
use ttp_lib::corpus;
use ttp_lib::linear::{LinearKind, LinearModel};
use ttp_lib::profile::Run;
use ttp_lib::split::{self, Protocol};
use ttp_lib::train::labels_of;
use ttp_lib::{Error, Result, files};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["prepare", folder] => prepare(Path::new(folder)),
        ["race", folder] => race(Path::new(folder)),
        _ => {
            eprintln!("usage: bench_linear prepare|race FOLDER");
            return ExitCode::FAILURE;
        }
    };
    finish(done)
}

fn prepare(folder: &Path) -> Result<()> {
    let run = Run::from_env()?;
    let corpus = run.part_of(corpus::build(&run.source()?)?.corpus);
    let augmenter = Augmenter::new(run.profile.augment.clone())?;
    let (limits, shares) = (run.profile.balance, run.profile.split);
    let seed = run.seed("split");
    let made = split::prepare(Protocol::Clean, &corpus, limits, shares, &augmenter, seed)?.split;
    let classes = labels_of(&made.train);
    let part = |samples: &[corpus::Sample]| {
        let texts: Vec<&str> = samples.iter().map(|sample| sample.text.as_str()).collect();
        let labels: Vec<Option<usize>> = samples
            .iter()
            .map(|sample| classes.iter().position(|class| *class == sample.technique))
            .collect();
        json!({ "texts": texts, "labels": labels })
    };
    let rows = json!({
        "classes": classes, "train": part(&made.train), "test": part(&made.test),
        "all": corpus.texts(),
    });
    files::write_json(&folder.join("rows.json"), &rows)
}

fn race(folder: &Path) -> Result<()> {
    let file = folder.join("rows.json");
    let rows: Value = files::read_json(&file)?;
    let failed = || Error::input(&file, "not what `prepare` writes");
    let texts = |value: &Value| -> Result<Vec<String>> {
        let list = value.as_array().ok_or_else(failed)?;
        Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    let classes = texts(&rows["classes"])?;
    let labels: Vec<usize> = rows["train"]["labels"]
        .as_array()
        .ok_or_else(failed)?
        .iter()
        .filter_map(|label| label.as_u64().map(|label| label as usize))
        .collect();
    let train = texts(&rows["train"]["texts"])?;
    let (test, all) = (texts(&rows["test"]["texts"])?, texts(&rows["all"])?);
    say(
        &json!({ "threads": rayon::current_num_threads(), "train": train.len(), "test": test.len() }),
    );
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Error::file(Path::new("standard input"), "read"))?;
        if line.trim() != "fit" {
            let known = vec!["fit".to_owned()];
            return Err(Error::Unknown { kind: "command", name: line, known });
        }
        let begun = Instant::now();
        let model = LinearModel::train(LinearKind::TfidfSvm, &train, &labels, &classes, 1)?;
        let fitted = begun.elapsed().as_secs_f64();
        let predicted = model.predict_all(&test);
        let seconds = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let named = model.predict_all(&all).len();
        let rate = named as f64 / begun.elapsed().as_secs_f64();
        say(&json!({
            "seconds": seconds, "fit_seconds": fitted, "sentences_per_second": rate,
            "predicted": predicted,
        }));
    }
    Ok(())
}
