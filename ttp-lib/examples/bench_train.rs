//! The library's half of `make bench-train`; `environment/bench/train.py` calls it.
//!
//! `bench_train prepare <folder>` writes one epoch's batches and the model that training
//! starts from. `bench_train train <folder>` trains that model over those batches, as
//! far as its standard input tells it: `train 0 10` makes the first ten steps, `loss 5`
//! takes the mean loss of the first five batches without dropout. Each line is answered
//! with one line of JSON. `bench_train products <folder>` answers `train 0 10` with the
//! seconds of nothing but these steps' matrix products: what no loop can go below that
//! computes every token in every layer.

use clap::Parser;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tch::{Device, Kind, Tensor};
use ttp_lib::augment::Augmenter;
use ttp_lib::batch::{self, Batch};
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::pretrained::Checkpoint;
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
    /// Make only the matrix products of the steps that standard input says
    Products { folder: PathBuf },
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
        Command::Products { folder } => products(&folder),
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
        let read = epoch.batches.iter().flat_map(|batch| batch.ids.iter().flatten());
        let optimizer = Optimizer::new(encoder.parameters(), optimizer, weight_decay, clip_norm)
            .reading_rows(&encoder.words(), read);
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
    fn loss(&mut self, batches: usize) -> Result<Value> {
        self.optimizer.settle();
        let losses = self.epoch.batches[..batches]
            .iter()
            .map(|batch| Ok(tch::no_grad(|| self.loss_of(batch, false))?.double_value(&[])))
            .collect::<Result<Vec<f64>>>()?;
        Ok(json!({ "loss": losses.iter().sum::<f64>() / batches as f64 }))
    }

    fn answer(&mut self, line: &str) -> Result<Value> {
        let all = self.epoch.batches.len();
        match Asked::of(line, all)? {
            Asked::Train(steps) => self.train(steps),
            Asked::Loss(batches) => self.loss(batches),
        }
    }
}

/// What a line of standard input asks for.
enum Asked {
    Train(Range<usize>),
    Loss(usize),
}

impl Asked {
    fn of(line: &str, all: usize) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
        match (words.first().copied(), number(1), number(2)) {
            (Some("train"), Some(from), Some(to)) if from <= to && to <= all => {
                Ok(Self::Train(from..to))
            }
            (Some("loss"), Some(batches), None) if (1..=all).contains(&batches) => {
                Ok(Self::Loss(batches))
            }
            _ => Err(Error::Unknown {
                kind: "command",
                name: line.to_owned(),
                known: vec![format!("train FROM TO, up to {all}"), "loss BATCHES".to_owned()],
            }),
        }
    }
}

/// The sizes of a layer, and how many there are.
struct Shape {
    layers: i64,
    heads: i64,
    hidden: i64,
    inner: i64,
}

impl Shape {
    fn read(folder: &Path) -> Result<Self> {
        let checkpoint = Checkpoint::open("start", &folder.join("start"))?;
        Ok(Self {
            layers: checkpoint.size("num_hidden_layers"),
            heads: checkpoint.size("num_attention_heads"),
            hidden: checkpoint.size("hidden_size"),
            inner: checkpoint.size("intermediate_size"),
        })
    }

    /// The products of one step forth and back with `rows` rows of `length` tokens, through
    /// the fastest arrangement of whole layers: query, key and value in one.
    fn products(&self, rows: i64, length: i64) {
        let &Self { layers, heads, hidden, inner } = self;
        let tokens = rows * length;
        let some = |size: &[i64]| Tensor::ones(size, (Kind::Float, Device::Cpu));
        // Made once a step, so that filling them is little of what is timed. Products take as
        // long whatever the numbers are.
        let linear = [(hidden, 3 * hidden), (hidden, hidden), (hidden, inner), (inner, hidden)]
            .map(|(from, to)| (some(&[tokens, from]), some(&[to, from]), some(&[tokens, to])));
        let (batch, width) = (rows * heads, hidden / heads);
        let (states, scores) = (some(&[batch, length, width]), some(&[batch, length, length]));
        for _ in 0..layers {
            for (input, weight, output) in &linear {
                let _ = (input.mm(&weight.tr()), output.mm(weight), output.tr().mm(input));
            }
            // Scores and their two gradients, context and its two gradients.
            for _ in 0..2 {
                let _ = states.bmm(&states.transpose(1, 2));
                let _ = (scores.bmm(&states), scores.transpose(1, 2).bmm(&states));
            }
        }
    }
}

fn products(folder: &Path) -> Result<()> {
    train::keep_freed_memory();
    let epoch: Epoch = files::read_json(&folder.join("batches.json"))?;
    let shape = Shape::read(folder)?;
    answer_lines(|line| {
        let began = Instant::now();
        if let Asked::Train(steps) = Asked::of(line, epoch.batches.len())? {
            for EpochBatch { ids, .. } in &epoch.batches[steps] {
                let longest = ids.iter().map(Vec::len).max().unwrap_or(0);
                tch::no_grad(|| shape.products(ids.len() as i64, longest as i64));
            }
        }
        Ok(json!({ "seconds": began.elapsed().as_secs_f64() }))
    })
}

fn train(folder: &Path, give_back: bool) -> Result<()> {
    if !give_back {
        train::keep_freed_memory();
    }
    let mut trainer = Trainer::open(folder)?;
    answer_lines(|line| trainer.answer(line))
}

/// Answers each line of standard input, after a first line about this program.
fn answer_lines(mut answer: impl FnMut(&str) -> Result<Value>) -> Result<()> {
    say(&json!({ "device": train::device_name(), "threads": tch::get_num_threads() }))?;
    for line in io::stdin().lock().lines() {
        let line = line.map_err(Error::file(Path::new("standard input"), "read"))?;
        say(&answer(&line)?)?;
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
