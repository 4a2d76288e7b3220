//! Jobs that train a linear model, on texts or on a frozen encoder's vectors.

use super::jobs::{Work, fingerprint, plain};
use super::outcome::{JobSettings, Outcome, TrainingFacts};
use super::sweep::{Sweep, digest_of_corpus, digest_of_split};
use std::time::Instant;
use ttp_base::{Result, first_highest};
use ttp_lib::evaluate;
use ttp_lib::profile::{Arm, Run};
use ttp_lib::train::{self, labels_of, places_of};
use ttp_model::encoder::{SentenceEncoder, Vectors};
use ttp_model::pretrained::Checkpoint;
use ttp_text::augment::Augmenter;
use ttp_text::corpus::{Corpus, Sample};
use ttp_text::linear::words::Row;
use ttp_text::linear::{LinearKind, logistic};
use ttp_text::split::{self, Protocol, Split};

pub(super) fn run(
    sweep: &Sweep,
    kind: LinearKind,
    protocol: Protocol,
    draw: Option<usize>,
    marks: [String; 3],
) -> Result<Outcome> {
    let started = Instant::now();
    let split = match draw {
        None => sweep.split(protocol)?,
        Some(draw) => {
            let augmenter = Augmenter::new(sweep.run.profile.augment.clone())?;
            drawn(&sweep.run, &sweep.corpus()?, &augmenter, protocol, draw)?
        }
    };
    trained(&sweep.run, kind, protocol, draw, &split, (marks, started))
}

/// The corpus balanced and split anew.
fn drawn(
    run: &Run,
    corpus: &Corpus,
    augmenter: &Augmenter,
    protocol: Protocol,
    draw: usize,
) -> Result<Split> {
    let seed = run.seed(&format!("split draw {draw}"));
    let (limits, shares) = (run.profile.balance, run.profile.split);
    Ok(split::prepare(protocol, corpus, limits, shares, augmenter, seed)?.split)
}

fn texts(samples: &[Sample]) -> Vec<&str> {
    samples.iter().map(|sample| sample.text.as_str()).collect()
}

fn trained(
    run: &Run,
    kind: LinearKind,
    protocol: Protocol,
    draw: Option<usize>,
    split: &Split,
    (marks, started): ([String; 3], Instant),
) -> Result<Outcome> {
    let model = evaluate::train_linear(kind, split, run.seed(&format!("linear {kind}")))?;
    let labels = model.classes();
    let said = |samples: &[Sample]| -> Result<[Vec<usize>; 2]> {
        Ok([places_of(samples, labels)?, model.predict_all(&texts(samples))])
    };
    let train_accuracy = match draw {
        None => {
            let [truth, said] = said(&split.train)?;
            let right = said.iter().zip(&truth).filter(|(a, b)| a == b).count();
            Some(right as f64 / truth.len().max(1) as f64)
        }
        Some(_) => None,
    };
    let trained = TrainingFacts {
        train_rows: split.train.len(),
        train_accuracy,
        validation: said(&split.validation)?,
        test: said(&split.test)?,
        labels: labels.to_vec(),
        both: None,
    };
    let settings = JobSettings {
        model: kind.name().to_owned(),
        protocol,
        arm: None,
        seed: None,
        draw,
        params: None,
    };
    trained.outcome(marks, settings, &split.test, started.elapsed().as_secs_f64())
}

/// Trains linear models on splits of a run's corpus that are drawn anew, as a sweep's jobs do
/// (`tfidf-svm.clean.split-3`), and tests each on its own split. `draws` is how many splits;
/// `watch` is told of each model's outcome.
///
/// # Errors
/// If the corpus cannot be read, or a split or a training fails.
pub fn linear_splits(
    run: &Run,
    kinds: &[LinearKind],
    protocol: Protocol,
    draws: usize,
    watch: &mut dyn FnMut(&Outcome),
) -> Result<Vec<Outcome>> {
    let corpus = Corpus::read_parquet(&run.folders.processed("corpus.parquet"))?;
    let augmenter = Augmenter::new(run.profile.augment.clone())?;
    let (fingerprint, data) = (fingerprint(&run.profile)?, digest_of_corpus(&corpus));
    let mut outcomes = Vec::new();
    for draw in 1..=draws {
        let split = drawn(run, &corpus, &augmenter, protocol, draw)?;
        for &kind in kinds {
            let started = Instant::now();
            let id = Work::Linear { kind, protocol, draw: Some(draw) }.id();
            let marks = [id, fingerprint.clone(), data.clone()];
            let outcome = trained(run, kind, protocol, Some(draw), &split, (marks, started))?;
            watch(&outcome);
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

/// The frozen encoder, a sweep's arm `frozen`: of each sentence the checkpoint's sentence vector as
/// it was published (the mean over its last layer's tokens, or the pooling that its own files name;
/// of length 1), and on the training rows' vectors a multinomial logistic regression with C = 1
/// ([`logistic`]). No weight of the encoder is changed.
///
/// `watch` is told after each batch how many sentences it had.
///
/// # Errors
/// If the checkpoint cannot be loaded, validation or test has a technique that training has not, or
/// the regression is not solved.
pub fn frozen(
    run: &Run,
    checkpoint: &Checkpoint,
    split: &Split,
    watch: &mut dyn FnMut(usize),
) -> Result<Outcome> {
    let (arm, seed) = (Arm::Frozen, run.profile.sweep.seeds.first().copied().unwrap_or(1));
    let id = Work::Arm { arm, checkpoint: checkpoint.name.clone(), seed }.id();
    let marks = [id, fingerprint(&run.profile)?, digest_of_split(split)];
    on_vectors(run, checkpoint, split, seed, marks, watch)
}

pub(super) fn on_frozen(
    run: &Run,
    checkpoint: &Checkpoint,
    split: &Split,
    seed: u64,
    marks: [String; 3],
) -> Result<Outcome> {
    on_vectors(run, checkpoint, split, seed, marks, &mut |_| {})
}

fn on_vectors(
    run: &Run,
    checkpoint: &Checkpoint,
    split: &Split,
    seed: u64,
    marks: [String; 3],
    watch: &mut dyn FnMut(usize),
) -> Result<Outcome> {
    let started = Instant::now();
    train::check_held_out(checkpoint, split)?;
    let encoder = SentenceEncoder::new(checkpoint, train::device(), seed)?;
    let max_length = run.profile.training(&checkpoint.name).max_length.min(encoder.max_length());
    let tokenize = checkpoint.tokenizer(max_length)?;
    let labels = labels_of(&split.train);
    let mut rows = |samples: &[Sample]| -> Result<Vec<Row>> {
        Ok(sparse(&encoder.embed(&tokenize, &texts(samples), watch)?))
    };
    let (training, validation, test) =
        (rows(&split.train)?, rows(&split.validation)?, rows(&split.test)?);
    let classes = places_of(&split.train, &labels)?;
    let width = encoder.dimensions();
    let weights = logistic::fit(&training, width, &classes, labels.len(), 1.0)?;
    let said = |rows: &[Row]| rows.iter().map(|row| first_highest(&weights.scores(row))).collect();
    let trained = TrainingFacts {
        train_rows: training.len(),
        train_accuracy: None,
        validation: [places_of(&split.validation, &labels)?, said(&validation)],
        test: [places_of(&split.test, &labels)?, said(&test)],
        labels,
        both: None,
    };
    let settings = JobSettings {
        model: plain(&checkpoint.name),
        protocol: Protocol::Clean,
        arm: Some(Arm::Frozen),
        seed: None,
        draw: None,
        params: None,
    };
    trained.outcome(marks, settings, &split.test, started.elapsed().as_secs_f64())
}

/// Vectors as rows of which no column is passed over.
fn sparse(vectors: &Vectors) -> Vec<Row> {
    let row = |at| (0..).zip(vectors.row(at)).map(|(column, value)| (column, f64::from(*value)));
    (0..vectors.len()).map(|at| row(at).collect()).collect()
}
