//! The library's half of `make bench-train`; `environment/bench/train.py` calls it.
//!
//! `bench_train prepare <folder>` writes one epoch's batches and the model that training
//! starts from. `bench_train train <folder>` trains that model over those batches, as
//! far as its standard input tells it: `train 0 10` makes the first ten steps, `loss 5`
//! takes the mean loss of the first five batches without dropout. Each line is answered
//! with one line of JSON.

use clap::Parser;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tch::Tensor;
use ttp_lib::augment::Augmenter;
use ttp_lib::batch::{self, Batch};
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::profile::Run;
use ttp_lib::serde_json::{self, Value, json};
use ttp_lib::split::{self, Protocol};
use ttp_lib::train::{self, Optimizer, Rows, TrainParams};
use ttp_lib::{Error, Result, corpus, files};

#[derive(Parser)]
enum Command {
    /// Write batches.json and start/, the model before its first step
    Prepare { folder: PathBuf },
    /// Train that model as standard input says
    Train {
        folder: PathBuf,
        /// Leave glibc's allocator as it is
        #[arg(long)]
        give_back: bool,
    },
}

/// `batches.json`: what both sides of the race read.
#[derive(Serialize, Deserialize)]
struct Epoch {
    checkpoint: String,
    params: TrainParams,
    padding_id: u32,
    rows: usize,
    warmup_steps: usize,
    batches: Vec<EpochBatch>,
}

/// One batch: token ids of each row, not padded, and the index of its technique.
#[derive(Serialize, Deserialize)]
struct EpochBatch {
    ids: Vec<Vec<u32>>,
    labels: Vec<i64>,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Prepare { folder } => prepare(&folder),
        Command::Train { folder, give_back } => train(&folder, give_back),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The clean protocol's training rows of the profile, in the order of a first epoch.
fn prepare(folder: &Path) -> Result<()> {
    let run = Run::from_env()?;
    let checkpoint = run.chosen_checkpoint()?;
    let params = run.profile.training(&checkpoint.name);
    let rows = run.part_of(corpus::build(&run.source()?)?.corpus);
    let augmenter = Augmenter::new(run.profile.augment.clone())?;
    let (limits, shares) = (run.profile.balance, run.profile.split);
    let seed = run.seed("split");
    let split = split::prepare(Protocol::Clean, &rows, limits, shares, &augmenter, seed)?.split;

    let labels = train::labels_of(&split.train);
    let tokenize = checkpoint.tokenizer(params.max_length)?;
    let rows = Rows::new(&split.train, &labels, &tokenize)?;
    let lengths: Vec<usize> = rows.tokenised.iter().map(Vec::len).collect();
    let seed = run.seed("bench-train");
    let batches: Vec<EpochBatch> = batch::shuffled(&lengths, params.batch_size, seed)
        .into_iter()
        .map(|batch| EpochBatch {
            ids: batch.iter().map(|&row| rows.tokenised[row].clone()).collect(),
            labels: batch.iter().map(|&row| rows.labels[row] as i64).collect(),
        })
        .collect();

    TechniqueEncoder::new(&checkpoint, labels, train::device(), seed)?
        .save(&folder.join("start"), &checkpoint)?;
    let epoch = Epoch {
        checkpoint: checkpoint.name,
        warmup_steps: (params.warmup_share * batches.len() as f64).round() as usize,
        padding_id: rows.padding_id,
        rows: rows.len(),
        params,
        batches,
    };
    files::write_json(&folder.join("batches.json"), &epoch)
}

/// The training loop of [`train::FineTuning`], to be stopped between any two steps.
struct Trainer {
    epoch: Epoch,
    encoder: TechniqueEncoder,
    optimizer: Optimizer,
}

impl Trainer {
    fn open(folder: &Path) -> Result<Self> {
        let epoch: Epoch = files::read_json(&folder.join("batches.json"))?;
        let encoder = TechniqueEncoder::open(&folder.join("start"), train::device())?;
        let TrainParams { optimizer, weight_decay, clip_norm, .. } = epoch.params;
        let optimizer = Optimizer::new(encoder.parameters(), optimizer, weight_decay, clip_norm);
        Ok(Self { epoch, encoder, optimizer })
    }

    fn loss_of(&self, batch: &EpochBatch, training: bool) -> Result<Tensor> {
        let rows: Vec<usize> = (0..batch.ids.len()).collect();
        let device = self.encoder.device();
        let labels = Tensor::from_slice(&batch.labels).to_device(device);
        let batch = Batch::new(&batch.ids, &rows, self.epoch.padding_id, device);
        Ok(self.encoder.logits(&batch, training)?.cross_entropy_for_logits(&labels))
    }

    /// Makes some steps; gives their losses and the seconds that they took together.
    fn train(&mut self, steps: Range<usize>) -> Result<Value> {
        let (all, warmup) = (self.epoch.batches.len(), self.epoch.warmup_steps);
        let mut losses = Vec::with_capacity(steps.len());
        let began = Instant::now();
        for step in steps {
            let loss = self.loss_of(&self.epoch.batches[step], true)?;
            let rate = train::learning_rate(step, all, warmup, self.epoch.params.learning_rate);
            self.optimizer.step(&loss, rate);
            losses.push(loss.double_value(&[]));
        }
        Ok(json!({ "seconds": began.elapsed().as_secs_f64(), "losses": losses }))
    }

    /// Mean loss over the first batches, without dropout.
    fn loss(&self, batches: usize) -> Result<Value> {
        let losses = self.epoch.batches[..batches]
            .iter()
            .map(|batch| Ok(tch::no_grad(|| self.loss_of(batch, false))?.double_value(&[])))
            .collect::<Result<Vec<f64>>>()?;
        Ok(json!({ "loss": losses.iter().sum::<f64>() / batches as f64 }))
    }

    fn answer(&mut self, line: &str) -> Result<Value> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
        let all = self.epoch.batches.len();
        match (words.first().copied(), number(1), number(2)) {
            (Some("train"), Some(from), Some(to)) if from <= to && to <= all => {
                self.train(from..to)
            }
            (Some("loss"), Some(batches), None) if (1..=all).contains(&batches) => {
                self.loss(batches)
            }
            _ => Err(Error::Unknown {
                kind: "command",
                name: line.to_owned(),
                known: vec![format!("train FROM TO, up to {all}"), "loss BATCHES".to_owned()],
            }),
        }
    }
}

fn train(folder: &Path, give_back: bool) -> Result<()> {
    if !give_back {
        train::keep_freed_memory();
    }
    let mut trainer = Trainer::open(folder)?;
    say(&json!({ "device": train::device_name(), "threads": tch::get_num_threads() }))?;
    for line in io::stdin().lock().lines() {
        let line = line.map_err(Error::file(Path::new("standard input"), "read"))?;
        say(&trainer.answer(&line)?)?;
    }
    Ok(())
}

fn say(value: &Value) -> Result<()> {
    let text = serde_json::to_string(value).map_err(Error::library("writing JSON"))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(Error::file(Path::new("standard output"), "write"))
}
