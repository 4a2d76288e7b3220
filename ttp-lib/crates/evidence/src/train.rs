//! Jobs that train an encoder.

use super::outcome::{
    BothOutcome, JobSettings, Outcome, PretrainingOutcome, TrainingFacts, digest_of_file,
};
use super::sweep::Sweep;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::time::Instant;
use ttp_base::{Error, Result};
use ttp_lib::evaluate::ModelLogits;
use ttp_lib::profile::Arm;
use ttp_lib::train::{self, Algorithm, FineTuning, Pretraining, SplitRows, Step, TrainParams};
use ttp_model::encoder::{Pooling, TechniqueEncoder};
use ttp_model::pretrained::Vocabulary;
use ttp_text::corpus::clean::normalised;
use ttp_text::corpus::{Operation, Sample};
use ttp_text::linear::LinearKind;
use ttp_text::split::{Protocol, Unlabelled};

/// What a job trains.
pub(super) struct EncoderJob<'a> {
    pub checkpoint: &'a str,
    pub protocol: Protocol,
    /// What is changed in the training.
    pub arm: Option<Arm>,
    pub seed: u64,
    /// The linear model that the encoder is tested together with.
    pub beside: Option<LinearKind>,
}

/// Fine-tunes a checkpoint on a protocol's split, with an arm's change where there is one, and
/// tests it. The model itself is not kept.
pub(super) fn run(
    sweep: &Sweep,
    job: &EncoderJob<'_>,
    marks: [String; 3],
    watch: &mut dyn FnMut(&Step),
) -> Result<Outcome> {
    let started = Instant::now();
    let run = &sweep.run;
    let EncoderJob { checkpoint, protocol, arm, seed, beside } = *job;
    let checkpoint = run.checkpoint(checkpoint)?;
    let mut split = sweep.split(protocol)?;
    train::check_held_out(&checkpoint, &split)?;
    let mut params = run.profile.training(&checkpoint.name);
    if let Some(arm) = arm {
        params = params_of(arm, params);
        // The same sentences whatever the seed: seeds differ in nothing but chance of training.
        split.train = rows_of(arm, split.train, run.seed("sweep rows"));
    }
    let pooling = match arm {
        Some(Arm::MeanPooling) => Pooling::MeanTokens,
        _ => Pooling::FirstToken,
    };
    // No temporary folder: the job goes on from here if it is killed.
    let unfinished = sweep.unfinished(&marks[0]);
    let start = unfinished.join("start");
    remove(&start)?;
    let checkpoint = match arm.filter(|arm| arm.is_vocabulary()) {
        Some(arm) => {
            let (vocabulary, lower_case) = vocabulary(sweep, arm)?;
            checkpoint.with_vocabulary(&vocabulary, lower_case, &start)?
        }
        None => checkpoint,
    };
    let rows = SplitRows::new(&split, &checkpoint.tokenizer(params.max_length)?)?;
    let (labels, device) = (rows.labels.clone(), train::device());
    let mut encoder = TechniqueEncoder::with_pooling(&checkpoint, labels, pooling, device, seed)?;
    let folder = unfinished.join("model");
    let tuning = FineTuning { checkpoint: &checkpoint, params: &params, seed, folder: &folder };
    tuning.run(&mut encoder, &rows.training, &rows.validation, watch)?;
    remove(&unfinished)?;
    // Goes with the last job in it.
    let _ = unfinished.parent().map(std::fs::remove_dir);
    let train_accuracy = match arm {
        Some(_) => None,
        None => {
            let said = encoder.predict_rows(&rows.training)?.best();
            let right = said.iter().zip(&rows.training.labels).filter(|(a, b)| a == b).count();
            Some(right as f64 / said.len().max(1) as f64)
        }
    };
    let validation = encoder.predict_rows(&rows.validation)?;
    let test = encoder.predict_rows(&rows.test)?;
    let both = match beside {
        Some(kind) => {
            let logits = ModelLogits::of_encoder(&split, &rows.labels, &validation, &test)?;
            let seed = run.seed(&format!("linear {kind}"));
            Some(BothOutcome::of(&logits, &split, kind, seed)?)
        }
        None => None,
    };
    let trained = TrainingFacts {
        labels: rows.labels,
        train_rows: rows.training.labels.len(),
        train_accuracy,
        validation: [rows.validation.labels, validation.best()],
        test: [rows.test.labels, test.best()],
        both,
    };
    let settings = JobSettings {
        model: super::jobs::plain(&checkpoint.name),
        protocol,
        arm,
        seed: Some(seed),
        draw: None,
        params: Some(params),
    };
    trained.outcome(marks, settings, &split.test, started.elapsed().as_secs_f64())
}

/// Removes a folder that need not be there.
fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file(folder, "remove")(error))
        }
        _ => Ok(()),
    }
}

/// As many pieces as SecBERT's vocabulary has.
const TRAINED_PIECES: usize = 52_000;

/// The pieces of an arm, and whether texts lose capitals and accents before they are cut.
fn vocabulary(sweep: &Sweep, arm: Arm) -> Result<(Vocabulary, bool)> {
    let name = match arm {
        Arm::VocabularyBert => "bert",
        Arm::VocabularyScibert => "scibert",
        _ => return Ok((trained_vocabulary(sweep)?, true)),
    };
    sweep.run.published_vocabulary(name)
}

/// Pieces of ATT&CK's own prose and the corpus, without what a split validates or tests with.
fn trained_vocabulary(sweep: &Sweep) -> Result<Vocabulary> {
    let splits = sweep.splits()?;
    let mut texts = Unlabelled::of(&sweep.corpus()?, &splits).train;
    let held = splits.iter().flat_map(|split| split.validation.iter().chain(&split.test));
    let held: HashSet<String> = held.map(|sample| normalised(&sample.text)).collect();
    texts.extend(
        sweep.run.descriptions()?.into_iter().filter(|text| !held.contains(&normalised(text))),
    );
    Vocabulary::train(&texts, TRAINED_PIECES)
}

fn params_of(arm: Arm, params: TrainParams) -> TrainParams {
    let optimizer = match (arm, params.optimizer) {
        (Arm::Adam, Algorithm::AdamW) => Algorithm::Adam,
        (Arm::Adam, Algorithm::Adam) => Algorithm::AdamW,
        (_, own) => own,
    };
    TrainParams { optimizer, ..params }
}

/// The training rows of an arm, in their order.
fn rows_of(arm: Arm, mut train: Vec<Sample>, seed: u64) -> Vec<Sample> {
    if arm == Arm::NoAugmentation {
        train.retain(|sample| sample.operation == Operation::Original);
    } else if arm.share() < 1.0 {
        let kept = drawn(&train, arm.share(), seed);
        train.retain(|sample| kept.contains(&sample.row));
    }
    train
}

/// A share of each technique's sentences, at least one, by their rows. Of two shares the smaller's
/// are among the larger's.
fn drawn(train: &[Sample], share: f64, seed: u64) -> HashSet<u32> {
    let mut by_technique: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for sample in train {
        by_technique.entry(&sample.technique).or_default().insert(sample.row);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut kept = HashSet::new();
    for rows in by_technique.into_values() {
        let mut rows: Vec<u32> = rows.into_iter().collect();
        rows.shuffle(&mut rng);
        let count = (share * rows.len() as f64 - 1e-9).ceil() as usize;
        kept.extend(rows.into_iter().take(count.max(1)));
    }
    kept
}

/// Pretrains a checkpoint further on the sentences that no split of the sweep tests with, and
/// leaves the model among the sweep's.
pub(super) fn pretrain(
    sweep: &Sweep,
    name: &str,
    [id, fingerprint, data]: [String; 3],
    watch: &mut dyn FnMut(&Step),
) -> Result<PretrainingOutcome> {
    let started = Instant::now();
    let run = &sweep.run;
    let missing = |field, what: &str| Error::Setting { field, reason: format!("{what} {name:?}") };
    let base = run
        .base_of_further_pretraining(name)?
        .ok_or_else(|| missing("sweep.models", "no model of continued pretraining:"))?;
    let params = run.profile.pretraining.clone();
    let params = params.ok_or_else(|| missing("pretraining", "missing, and needed by"))?;
    let texts = Unlabelled::of(&sweep.corpus()?, &sweep.splits()?);
    let seed = run.seed(&format!("pretraining {name}"));
    let folder = sweep.run.folders.pretrained(name);
    let pretraining = Pretraining {
        checkpoint: &base,
        params: &params,
        seed,
        folder: &folder,
        held_out: &texts.held_out,
    };
    let history = pretraining.run_on(&texts, watch)?;
    let protocols = &run.profile.protocols;
    pretraining.card(&run.provenance(), protocols, name, &history).write(&folder)?;
    Ok(PretrainingOutcome {
        id,
        fingerprint,
        data,
        checkpoint: name.to_owned(),
        weights: digest_of_file(&folder.join("model.safetensors"))?,
        validation_loss: history.epochs.last().map_or(f64::INFINITY, |last| last.validation_loss),
        seconds: started.elapsed().as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(row: u32, technique: &str, operation: Operation) -> Sample {
        Sample { row, technique: technique.to_owned(), text: format!("text {row}"), operation }
    }

    /// Twenty sentences of T1 and three of T2, of which each has an augmented copy.
    fn train() -> Vec<Sample> {
        let of_first = (0..20).map(|row| sample(row, "T1", Operation::Original));
        let of_second = (20..23).flat_map(|row| {
            [Operation::Original, Operation::Swap].map(|operation| sample(row, "T2", operation))
        });
        of_first.chain(of_second).collect()
    }

    #[test]
    fn an_arm_without_augmentation_has_the_originals() {
        let rows = rows_of(Arm::NoAugmentation, train(), 1);
        assert_eq!(rows.len(), 23);
        assert!(rows.iter().all(|sample| sample.operation == Operation::Original));
        assert_eq!(rows_of(Arm::Adam, train(), 1), train());
    }

    #[test]
    fn a_share_of_the_sentences_comes_with_its_copies_and_holds_the_smaller_shares() {
        let rows = |arm| rows_of(arm, train(), 7).iter().map(|s| s.row).collect::<BTreeSet<_>>();
        let [tenth, quarter, half] = [Arm::Rows10, Arm::Rows25, Arm::Rows50].map(rows);
        let of_first = |rows: &BTreeSet<u32>| rows.iter().filter(|row| **row < 20).count();
        assert_eq!([&tenth, &quarter, &half].map(of_first), [2, 5, 10]);
        assert_eq!([tenth.len(), quarter.len(), half.len()], [3, 6, 12], "T2: one, one and two");
        assert!(tenth.is_subset(&quarter) && quarter.is_subset(&half));
        let kept = rows_of(Arm::Rows50, train(), 7);
        for sample in kept.iter().filter(|sample| sample.technique == "T2") {
            assert_eq!(kept.iter().filter(|other| other.row == sample.row).count(), 2);
        }
        assert_eq!(kept, rows_of(Arm::Rows50, train(), 7));
        assert_ne!(kept, rows_of(Arm::Rows50, train(), 8));
    }

    #[test]
    fn the_optimizer_is_the_other_one() {
        let params = |optimizer| TrainParams {
            epochs: 1,
            batch_size: 1,
            max_length: 8,
            learning_rate: 1e-3,
            warmup_share: 0.0,
            weight_decay: 0.01,
            clip_norm: 1.0,
            optimizer,
        };
        let [adam, adamw] = [Algorithm::Adam, Algorithm::AdamW].map(params);
        assert_eq!(params_of(Arm::Adam, adam.clone()), adamw);
        assert_eq!(params_of(Arm::Adam, adamw.clone()), adam);
        assert_eq!(params_of(Arm::MeanPooling, adamw.clone()), adamw);
    }
}
