//! Our half of `make bench-mpnet` (`environment/bench/mpnet.py` drives both).
//!
//!     bench_mpnet MODEL FOLDER
//!
//! Reads `sentences.json` in FOLDER (sentences to embed, pairs to train on, settings) and answers
//! each line of standard input with one line of JSON:
//!
//!     embed            the seconds from all sentences to their vectors
//!     cosines          the cosine of each two consecutive sentences, of the last `embed`
//!     loss N           mean loss of the first N batches, without dropout
//!     train FROM TO    the steps' losses and the seconds that they took together
//!     save             the model as it is now goes to FOLDER/trained

mod race;

use race::{finish, say};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::BufRead;
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use tch::Tensor;
use ttp_lib::encoder::{SentenceEncoder, Vectors};
use ttp_lib::pretrained::{Checkpoint, CheckpointTokenizer};
use ttp_lib::similarity::loss;
use ttp_lib::train::{self, Algorithm, Optimizer};
use ttp_lib::{Error, Result, files};

/// `sentences.json`: what both sides of the race read.
#[derive(Deserialize)]
struct Task {
    sentences: Vec<String>,
    /// Two similar texts each, batch after batch.
    pairs: Vec<[String; 2]>,
    batch_size: usize,
    max_length: usize,
    learning_rate: f64,
    weight_decay: f64,
    clip_norm: f64,
    scale: f64,
}

struct Racer<'a> {
    folder: &'a Path,
    checkpoint: Checkpoint,
    task: Task,
    tokenize: CheckpointTokenizer,
    encoder: SentenceEncoder,
    /// The pairs' texts, tokenised before any clock starts: first and second one in turns.
    tokenised: Vec<Vec<u32>>,
    optimizer: Option<Optimizer>,
    vectors: Option<Vectors>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [model, folder] => race(Path::new(model), Path::new(folder)),
        _ => {
            eprintln!("usage: bench_mpnet MODEL FOLDER");
            return ExitCode::FAILURE;
        }
    };
    finish(done)
}

fn race(model: &Path, folder: &Path) -> Result<()> {
    train::keep_freed_memory();
    let task: Task = files::read_json(&folder.join("sentences.json"))?;
    let checkpoint = Checkpoint::open("mpnet", model)?;
    let tokenize = checkpoint.tokenizer(task.max_length)?;
    let texts: Vec<&str> = task.pairs.iter().flatten().map(String::as_str).collect();
    let tokenised = tokenize.ids(&texts)?;
    let encoder = SentenceEncoder::new(&checkpoint, train::device(), 1)?;
    let (optimizer, vectors) = (None, None);
    let mut racer =
        Racer { folder, checkpoint, task, tokenize, encoder, tokenised, optimizer, vectors };
    say(&json!({ "device": train::device_name(), "threads": tch::get_num_threads() }));
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Error::file(Path::new("standard input"), "read"))?;
        say(&racer.answer(&line)?);
    }
    Ok(())
}

impl Racer<'_> {
    fn answer(&mut self, line: &str) -> Result<Value> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
        match (words.first().copied(), number(1), number(2)) {
            (Some("embed"), None, None) => self.embed(),
            (Some("cosines"), None, None) => Ok(self.cosines()),
            (Some("save"), None, None) => self.save(),
            (Some("loss"), Some(batches), None) if batches > 0 => self.loss(batches),
            (Some("train"), Some(from), Some(to)) => self.train(from..to),
            _ => Err(Error::Unknown {
                kind: "command",
                name: line.to_owned(),
                known: ["embed", "cosines", "loss N", "train FROM TO", "save"]
                    .map(str::to_owned)
                    .to_vec(),
            }),
        }
    }

    fn embed(&mut self) -> Result<Value> {
        self.settle();
        let texts: Vec<&str> = self.task.sentences.iter().map(String::as_str).collect();
        let began = Instant::now();
        let vectors = self.encoder.embed(&self.tokenize, &texts, &mut |_| ())?;
        let seconds = began.elapsed().as_secs_f64();
        self.vectors = Some(vectors);
        Ok(json!({ "seconds": seconds }))
    }

    fn cosines(&self) -> Value {
        let pairs = |vectors: &Vectors| {
            (0..vectors.len() / 2).map(|at| vectors.dot(2 * at, 2 * at + 1)).collect::<Vec<f64>>()
        };
        json!({ "cosines": self.vectors.as_ref().map(pairs) })
    }

    fn loss_of(&self, step: usize, training: bool) -> Result<Tensor> {
        let size = self.task.batch_size;
        let rows: Vec<usize> = (2 * size * step..2 * size * (step + 1)).collect();
        let padding_id = self.tokenize.padding_id();
        let vectors = self.encoder.vectors_of(&self.tokenised, &rows, padding_id, training)?.0;
        let sides = vectors.view([size as i64, 2, -1]);
        let (first, second) = (sides.select(1, 0), sides.select(1, 1));
        Ok(loss::multiple_negatives_ranking(&first, &second, None, self.task.scale, None))
    }

    fn save(&mut self) -> Result<Value> {
        self.settle();
        let folder = self.folder.join("trained");
        self.encoder.save(&folder, &self.checkpoint, self.task.max_length)?;
        Ok(json!({ "folder": folder }))
    }

    fn settle(&mut self) {
        if let Some(optimizer) = &mut self.optimizer {
            optimizer.settle();
        }
    }

    fn loss(&mut self, batches: usize) -> Result<Value> {
        self.settle();
        let losses = (0..batches)
            .map(|step| Ok(tch::no_grad(|| self.loss_of(step, false))?.double_value(&[])))
            .collect::<Result<Vec<f64>>>()?;
        Ok(json!({ "loss": losses.iter().sum::<f64>() / batches as f64 }))
    }

    /// The loop of [`ttp_lib::similarity::SimilarityTraining`], to be stopped between any two
    /// steps.
    fn train(&mut self, steps: Range<usize>) -> Result<Value> {
        let mut optimizer = self.optimizer.take().unwrap_or_else(|| {
            let Task { weight_decay, clip_norm, .. } = self.task;
            let variables = self.encoder.parameters();
            Optimizer::new(variables, Algorithm::AdamW, weight_decay, clip_norm)
                .reading_rows(&self.encoder.words(), self.tokenised.iter().flatten())
        });
        let mut losses = Vec::with_capacity(steps.len());
        let began = Instant::now();
        for step in steps {
            let loss = self.loss_of(step, true)?;
            optimizer.step(&loss, self.task.learning_rate);
            losses.push(loss.double_value(&[]));
        }
        let seconds = began.elapsed().as_secs_f64();
        self.optimizer = Some(optimizer);
        Ok(json!({ "seconds": seconds, "losses": losses }))
    }
}
