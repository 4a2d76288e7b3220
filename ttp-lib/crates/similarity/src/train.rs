//! Training a sentence model on triplets, and the loop that pairs share: to be read top to bottom.

use super::{Labels, Loss, ModelFolder, loss};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::{Kind, Tensor};
use ttp_base::error::SettingPath;
use ttp_base::settings::Setting;
use ttp_base::{Error, Result, files};
use ttp_model::batch::{self, Size};
use ttp_model::encoder::SentenceEncoder;
use ttp_model::engine::{
    self, Best, Optimizer, Origin, Pace, Resume, Schedule, Step, Steps, TrainParams, epoch_seed,
};
use ttp_model::pretrained::{Checkpoint, CheckpointTokenizer};

/// An anchor, a sentence that is similar to it, and one that is not, by their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Triplet {
    /// The anchor.
    pub anchor: u32,
    /// A similar sentence.
    pub positive: u32,
    /// A sentence that is not similar.
    pub negative: u32,
}

impl Triplet {
    /// All three.
    pub fn sentences(&self) -> [u32; 3] {
        [self.anchor, self.positive, self.negative]
    }
}

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimilarityHistory {
    /// Loss of every step.
    pub losses: Vec<f64>,
    /// Mean loss of every epoch.
    pub epochs: Vec<f64>,
    /// Triplets, or pairs, in each epoch.
    pub examples: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Real tokens (no padding) trained on a second.
    pub tokens_per_second: f64,
}

/// One training: what it starts from, how it goes, where its model goes.
pub struct SimilarityTraining<'a> {
    /// The checkpoint that the encoder was built from; its tokenizer is saved with the model.
    pub checkpoint: &'a Checkpoint,
    /// The settings; a batch has so many pairs or triplets, by what the loss reads.
    pub params: &'a TrainParams,
    /// The loss.
    pub loss: Loss,
    /// Orders the batches and draws the dropout.
    pub seed: u64,
    /// Where the model is written, and its states meanwhile.
    pub folder: &'a ModelFolder,
}

impl SimilarityTraining<'_> {
    /// Trains `encoder` on `triplets` of `texts`. A loss that reads pairs is given two of each
    /// triplet, so that every loss sees the same sentences as often. The model after the last
    /// epoch is written, whole or not at all; none is chosen. A run that is killed goes on where it
    /// was, where it has a folder ([`resume`](ttp_model::engine::resume)). `watch` is told of every step.
    ///
    /// # Errors
    /// If there is no triplet, a setting makes no sense, the loss is no longer a number, or a
    /// file cannot be written.
    pub fn run(
        &self,
        encoder: &mut SentenceEncoder,
        tokenize: &CheckpointTokenizer,
        texts: &[&str],
        labels: &Labels,
        triplets: &[Triplet],
        watch: &mut dyn FnMut(&Step),
    ) -> Result<SimilarityHistory> {
        let whole = (triplets, self.params.epochs);
        self.run_until(encoder, tokenize, texts, labels, whole, watch)
    }

    /// As [`run`](Self::run), ended after some of the epochs; the learning rate is that of all.
    pub(super) fn run_until(
        &self,
        encoder: &mut SentenceEncoder,
        tokenize: &CheckpointTokenizer,
        texts: &[&str],
        labels: &Labels,
        (triplets, stop_after): (&[Triplet], usize),
        watch: &mut dyn FnMut(&Step),
    ) -> Result<SimilarityHistory> {
        let Self { checkpoint, params, loss, seed, folder } = *self;
        params.check_at(None, &SettingPath::of("similarity.training"))?;
        loss.check()?;
        if triplets.is_empty() {
            return Err(Error::Setting { field: "triplets", reason: "there is none".to_owned() });
        }
        let used = triplets.iter().flat_map(Triplet::sentences);
        let tokenised = tokenised(encoder, tokenize, texts, used)?;
        let length = |row: u32| tokenised[row as usize].len();
        let lengths: Vec<usize> =
            triplets.iter().map(|t| t.sentences().into_iter().map(length).sum()).collect();
        // The two pairs of a triplet stay together: their anchor is run once for both.
        let at_once =
            if loss.reads_triplets() { params.batch_size } else { params.batch_size.div_ceil(2) };
        let steps = triplets.len().div_ceil(at_once) * params.epochs;
        let course = Course {
            params,
            seed,
            examples: triplets.len(),
            schedule: Schedule::new(steps, params.warmup_share, params.learning_rate),
            stop_after,
        };
        let batches = |epoch: usize| batch::shuffled(&lengths, at_once, epoch_seed(seed, epoch));
        let padding_id = tokenize.padding_id();
        let model = encoder.fingerprint(tokenize)?;
        let settings = ("triplets", params, loss, seed, stop_after, padding_id, model);
        let rows: Vec<[u32; 3]> = triplets.iter().map(Triplet::sentences).collect();
        let mut resume = resume(folder, encoder, &settings, &(&tokenised, rows, labels.numbers()))?;
        let history = course.run(
            encoder,
            &tokenised,
            &mut resume,
            batches,
            |encoder, rows| {
                let triplets: Vec<Triplet> = rows.iter().map(|&row| triplets[row]).collect();
                let (sentences, places) = each_once(&triplets);
                let (vectors, size) =
                    encoder.vectors_of(&tokenised, &sentences, padding_id, true)?;
                Ok((self.value(&vectors, &places, &triplets, labels), size))
            },
            watch,
        )?;
        if let Some(folder) = folder.model() {
            save(folder, encoder, checkpoint, params, (loss, seed), &history)?;
        }
        resume.finish();
        Ok(history)
    }

    /// The loss of one batch. `places` says in which row of `vectors` each sentence of each
    /// triplet is.
    fn value(
        &self,
        vectors: &Tensor,
        places: &[[i64; 3]],
        triplets: &[Triplet],
        labels: &Labels,
    ) -> Tensor {
        let device = vectors.device();
        let [anchors, positives, negatives] = [0, 1, 2].map(|column| {
            let rows: Vec<i64> = places.iter().map(|triplet| triplet[column]).collect();
            vectors.index_select(0, &Tensor::from_slice(&rows).to_device(device))
        });
        let pairs = || {
            let both = Tensor::cat(&[&anchors, &anchors], 0);
            let others = Tensor::cat(&[&positives, &negatives], 0);
            let similar = Tensor::cat(
                &[
                    positives.new_ones([places.len() as i64], (Kind::Float, device)),
                    negatives.new_zeros([places.len() as i64], (Kind::Float, device)),
                ],
                0,
            );
            (both, others, similar)
        };
        match self.loss {
            Loss::Cosine => {
                let (first, second, similar) = pairs();
                loss::cosine_similarity(&first, &second, &similar)
            }
            Loss::Contrastive { margin } => {
                let (first, second, similar) = pairs();
                loss::contrastive(&first, &second, &similar, margin)
            }
            Loss::OnlineContrastive { margin } => {
                let (first, second, similar) = pairs();
                loss::online_contrastive(&first, &second, &similar, margin)
            }
            Loss::MultipleNegatives { scale } => {
                let mask = false_negatives(triplets, labels).to_device(device);
                let (negatives, mask) = (Some(&negatives), Some(&mask));
                loss::multiple_negatives_ranking(&anchors, &positives, negatives, scale, mask)
            }
            Loss::Triplet { margin, distance } => {
                loss::triplet(&anchors, &positives, &negatives, margin, distance)
            }
        }
    }
}

/// The states of a training, where it has a place for them.
pub(super) fn resume(
    folder: &ModelFolder,
    encoder: &SentenceEncoder,
    settings: &impl Serialize,
    data: &impl Serialize,
) -> Result<Resume> {
    let Some(folder) = folder.of_states() else { return Ok(Resume::nowhere()) };
    let code = [
        include_str!("train.rs"),
        include_str!("pair_training.rs"),
        include_str!("loss.rs"),
        include_str!("labels.rs"),
    ];
    Resume::beside(folder, Origin::new(settings, data, &encoder.parameters(), &code)?)
}

/// The loop itself, whatever an example is.
pub(super) struct Course<'a> {
    pub(super) params: &'a TrainParams,
    pub(super) seed: u64,
    /// Examples in each epoch.
    pub(super) examples: usize,
    /// How the learning rate goes over the steps of all epochs.
    pub(super) schedule: Schedule,
    /// The epoch after which training ends, be it before the last.
    pub(super) stop_after: usize,
}

impl Course<'_> {
    /// Trains; `batches` gives the rows of every step of an epoch, `value` their loss.
    pub(super) fn run(
        &self,
        encoder: &mut SentenceEncoder,
        tokenised: &[Vec<u32>],
        resume: &mut Resume,
        batches: impl Fn(usize) -> Vec<Vec<usize>>,
        value: impl Fn(&SentenceEncoder, &[usize]) -> Result<(Tensor, Size)>,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<SimilarityHistory> {
        let Self { params, seed, schedule, .. } = *self;
        engine::keep_freed_memory();
        tch::manual_seed(seed.cast_signed());
        let optimizer = Optimizer::new(
            encoder.parameters(),
            params.optimizer,
            params.weight_decay,
            params.clip_norm,
        )
        .reading_rows(&encoder.words(), tokenised.iter().flatten());
        let epochs = params.epochs.min(self.stop_after);
        let mut history = SimilarityHistory {
            losses: Vec::new(),
            epochs: Vec::new(),
            examples: self.examples,
            seconds: 0.0,
            tokens_per_second: 0.0,
        };
        let pace = Pace::new(epochs, schedule.steps / params.epochs * epochs);
        let mut steps =
            Steps::new(optimizer, schedule, pace, "similarity.training.learning_rate", watch);
        let mut best = Best::default();
        history = steps.go_on(resume, &mut best).unwrap_or(history);
        for epoch in steps.epoch()..=epochs {
            steps.begin(epoch);
            for rows in batches(epoch).into_iter().skip(steps.of_epoch()) {
                let (value, size) = value(encoder, &rows)?;
                steps.take(&value, size)?;
                steps.keep(resume, &best, &history);
            }
            history.epochs.push(steps.epoch_loss());
        }
        steps.settle();
        history.losses = steps.losses().to_vec();
        history.seconds = steps.pace().seconds();
        history.tokens_per_second = steps.pace().tokens_per_second();
        Ok(history)
    }
}

/// Writes a trained model and how it was trained, whole or not at all.
pub(super) fn save(
    folder: &Path,
    encoder: &SentenceEncoder,
    checkpoint: &Checkpoint,
    params: &TrainParams,
    (loss, seed): (Loss, u64),
    history: &SimilarityHistory,
) -> Result<()> {
    files::write_folder(folder, |folder| {
        encoder.save(folder, checkpoint, params.max_length)?;
        let about = serde_json::json!({
            "checkpoint": checkpoint.name,
            "layer_norm_eps": checkpoint.epsilon(),
            "loaded": encoder.loaded(),
            "notes": encoder.notes(),
            "params": params,
            "loss": loss,
            "seed": seed,
            "history": history,
        });
        files::write_json(&folder.join("train_params.json"), &about)
    })
}

/// The sentences of some triplets, each once, and where among them those of each triplet are.
fn each_once(triplets: &[Triplet]) -> (Vec<usize>, Vec<[i64; 3]>) {
    let mut sentences = Vec::new();
    let mut place = |sentence: u32| {
        let sentence = sentence as usize;
        let at = sentences.iter().position(|&other| other == sentence);
        at.unwrap_or_else(|| {
            sentences.push(sentence);
            sentences.len() - 1
        }) as i64
    };
    let places = triplets.iter().map(|triplet| triplet.sentences().map(&mut place)).collect();
    (sentences, places)
}

/// The tokens of these sentences, which may be named several times; of the others, none.
pub(super) fn tokenised(
    encoder: &SentenceEncoder,
    tokenize: &CheckpointTokenizer,
    texts: &[&str],
    sentences: impl Iterator<Item = u32>,
) -> Result<Vec<Vec<u32>>> {
    let mut used: Vec<u32> = sentences.collect();
    used.sort_unstable();
    used.dedup();
    let of_used: Vec<&str> = used.iter().map(|&at| texts[at as usize]).collect();
    let mut tokenised = vec![Vec::new(); texts.len()];
    for (at, ids) in used.into_iter().zip(encoder.ids(tokenize, &of_used)?) {
        tokenised[at as usize] = ids;
    }
    Ok(tokenised)
}

/// Where another row's positive or negative is similar to an anchor, or has its text.
fn false_negatives(triplets: &[Triplet], labels: &Labels) -> Tensor {
    let positives = triplets.iter().map(|triplet| triplet.positive);
    let candidates: Vec<u32> = positives.chain(triplets.iter().map(|t| t.negative)).collect();
    let mut mask = Vec::with_capacity(triplets.len() * candidates.len());
    for (row, &Triplet { anchor, .. }) in triplets.iter().enumerate() {
        mask.extend(candidates.iter().enumerate().map(|(column, &other)| {
            column != row && (labels.similar(anchor, other) || labels.same_text(anchor, other))
        }));
    }
    let shape = [triplets.len() as i64, candidates.len() as i64];
    Tensor::from_slice(&mask).view(shape).to_kind(Kind::Bool)
}
