//! Further pretraining: the masked-word task of BERT (Devlin et al., 2019, section 3.1) on
//! sentences without labels.

use super::{Algorithm, Optimizer, Step};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::{Kind, Reduction, Tensor};
use ttp_base::settings::between;
use ttp_base::{Error, Result, files, settings};
use ttp_model::batch::{self, Batch};
use ttp_model::encoder::{MaskedEncoder, first_unsound};
use ttp_model::engine::ranges::{
    BATCH_SIZE, CLIP_NORM, EPOCHS, LEARNING_RATE, MAX_LENGTH, WARMUP_SHARE, WEIGHT_DECAY,
};
use ttp_model::engine::{Best, Origin, Pace, Resume, Schedule, Steps, epoch_seed};
use ttp_model::pretrained::{Checkpoint, CheckpointTokenizer};
use ttp_text::split::Split;
#[allow(unused_imports)] // for the documentation
use ttp_text::split::Unlabelled;

/// The settings of further pretraining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskedParams {
    /// Passes over the sentences; each hides other words.
    pub epochs: usize,
    /// Sentences a step.
    pub batch_size: usize,
    /// Tokens after which a sentence is cut.
    pub max_length: usize,
    /// The highest learning rate, at the end of the warm-up.
    pub learning_rate: f64,
    /// The share of all steps over which the learning rate climbs.
    pub warmup_share: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
    /// The gradient's global norm is cut to this.
    pub clip_norm: f64,
    /// The share of tokens to be guessed; BERT's is 0.15.
    pub masked_share: f64,
}

settings!(MaskedParams, "pretraining", {
    epochs: EPOCHS,
    batch_size: BATCH_SIZE,
    max_length: MAX_LENGTH,
    learning_rate: LEARNING_RATE,
    warmup_share: WARMUP_SHARE,
    weight_decay: WEIGHT_DECAY,
    clip_norm: CLIP_NORM,
    masked_share: between(0.0, 1.0),
});

/// What one epoch came to; epoch 0 is the model before the first step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskedEpoch {
    /// The epoch, from 1; 0 before training.
    pub epoch: usize,
    /// Mean loss over its batches, in nats a hidden token; `None` before training.
    pub train_loss: Option<f64>,
    /// Mean loss on the validation sentences, in nats a hidden token; its exponential is
    /// the perplexity.
    pub validation_loss: f64,
    /// Share of the validation sentences' hidden tokens guessed right.
    pub validation_accuracy: f64,
    /// Seconds of training in this epoch, evaluation left out.
    pub seconds: f64,
}

/// What further pretraining came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskedHistory {
    /// The model before, then after each epoch.
    pub epochs: Vec<MaskedEpoch>,
    /// Loss of every step.
    pub losses: Vec<f64>,
    /// Sentences trained on in each epoch.
    pub rows: usize,
    /// Validation sentences.
    pub validation_rows: usize,
    /// Hidden tokens among them.
    pub validation_tokens: usize,
    /// Seconds of training, evaluation left out.
    pub seconds: f64,
    /// Real tokens (no padding) trained on a second.
    pub tokens_per_second: f64,
}

/// Sentences as the masked-word task reads them: token ids, without labels.
pub struct MaskedRows {
    tokenised: Vec<Vec<u32>>,
    padding_id: u32,
    hider: Hider,
}

impl MaskedRows {
    /// Tokenises sentences.
    ///
    /// # Errors
    /// If there is no sentence, or the tokenizer has no token for a hidden word.
    pub fn new(
        texts: &[String],
        tokenize: &CheckpointTokenizer,
        masked_share: f64,
    ) -> Result<Self> {
        if texts.is_empty() {
            return Err(Error::Setting { field: "texts", reason: "there is none".into() });
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mask = tokenize.mask_id().ok_or_else(|| Error::Setting {
            field: "tokenizer",
            reason: "has no mask token".into(),
        })?;
        Ok(Self {
            tokenised: tokenize.ids(&texts)?,
            padding_id: tokenize.padding_id(),
            hider: Hider {
                mask,
                special: tokenize.special_ids(),
                vocabulary: u32::try_from(tokenize.vocabulary_size()).unwrap_or(u32::MAX),
                share: masked_share,
            },
        })
    }

    /// Number of sentences.
    pub fn len(&self) -> usize {
        self.tokenised.len()
    }

    /// Whether there is no sentence.
    pub fn is_empty(&self) -> bool {
        self.tokenised.is_empty()
    }
}

/// Hides words as BERT does: of the chosen tokens eight in ten become the mask, one in
/// ten another token, one in ten stays as it is.
#[derive(Serialize)]
struct Hider {
    mask: u32,
    special: Vec<u32>,
    vocabulary: u32,
    share: f64,
}

/// Where a run is that was killed, beside what its steps say.
#[derive(Serialize, Deserialize)]
struct Place {
    history: MaskedHistory,
    /// Batches of the epoch that were read. Chance hides no word of some: those are no steps.
    batches: usize,
    /// Where the generator is that hides words, over all epochs.
    hiding: u64,
}

/// A sentence with hidden words.
struct MaskedSentence {
    ids: Vec<u32>,
    /// Where a token is to be guessed, and which it was.
    truth: Vec<(usize, u32)>,
}

impl Hider {
    fn hide(&self, ids: &[u32], rng: &mut ChaCha8Rng) -> MaskedSentence {
        let mut hidden = MaskedSentence { ids: ids.to_vec(), truth: Vec::new() };
        for (at, &id) in ids.iter().enumerate() {
            if self.special.contains(&id) || !rng.random_bool(self.share) {
                continue;
            }
            hidden.truth.push((at, id));
            hidden.ids[at] = match rng.random_range(0..10) {
                0..8 => self.mask,
                8 => rng.random_range(0..self.vocabulary),
                _ => id,
            };
        }
        hidden
    }
}

/// A batch with hidden words.
struct MaskedBatch {
    batch: Batch,
    /// Where tokens are to be guessed, in rows laid end to end.
    places: Tensor,
    truth: Tensor,
}

impl MaskedBatch {
    /// The batch of `rows`; `None` where chance hid no token of it.
    fn new(
        sentences: &MaskedRows,
        rows: &[usize],
        encoder: &MaskedEncoder,
        rng: &mut ChaCha8Rng,
    ) -> Option<Self> {
        let hidden: Vec<MaskedSentence> =
            rows.iter().map(|&row| sentences.hider.hide(&sentences.tokenised[row], rng)).collect();
        let longest = hidden.iter().map(|h| h.ids.len()).max().unwrap_or(0);
        let (mut places, mut truth) = (Vec::new(), Vec::new());
        for (row, sentence) in hidden.iter().enumerate() {
            for &(at, id) in &sentence.truth {
                places.push((row * longest + at) as i64);
                truth.push(i64::from(id));
            }
        }
        let ids: Vec<Vec<u32>> = hidden.into_iter().map(|sentence| sentence.ids).collect();
        let all: Vec<usize> = (0..ids.len()).collect();
        let device = encoder.device();
        (!places.is_empty()).then(|| Self {
            batch: Batch::new(&ids, &all, sentences.padding_id, device),
            places: Tensor::from_slice(&places).to_device(device),
            truth: Tensor::from_slice(&truth).to_device(device),
        })
    }
}

/// One further pretraining: what it starts from, how it goes, where its model goes.
pub struct Pretraining<'a> {
    /// The checkpoint that the encoder was built from; its tokenizer is saved with the model.
    pub checkpoint: &'a Checkpoint,
    /// The settings.
    pub params: &'a MaskedParams,
    /// Orders the batches, hides the words and draws the dropout.
    pub seed: u64,
    /// Where the model is written, in the hub's layout.
    pub folder: &'a Path,
    /// Which test parts are not among the sentences ([`Unlabelled::held_out`]); written down
    /// with the model, for [`check_held_out`].
    pub held_out: &'a [String],
}

impl Pretraining<'_> {
    /// Trains `encoder` on `train` and judges it on `validation` before the first and after
    /// each epoch, where the same words are hidden each time. The model after the last epoch
    /// is written, whole or not at all; a run that is killed goes on where it was
    /// ([`resume`](super::resume)). `watch` is told of every step.
    ///
    /// # Errors
    /// If a setting makes no sense, the loss is no longer a number, or a file cannot be written.
    pub fn run(
        &self,
        encoder: &mut MaskedEncoder,
        train: &MaskedRows,
        validation: &MaskedRows,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<MaskedHistory> {
        let Self { checkpoint, params, seed, folder, held_out } = *self;
        params.check()?;
        super::keep_freed_memory();
        tch::manual_seed(seed.cast_signed());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let lengths: Vec<usize> = train.tokenised.iter().map(Vec::len).collect();
        let steps = train.len().div_ceil(params.batch_size) * params.epochs;
        let optimizer = Optimizer::new(
            encoder.parameters(),
            Algorithm::AdamW,
            params.weight_decay,
            params.clip_norm,
        );

        let mut resume = Resume::beside(folder, self.origin(encoder, train, validation)?)?;
        let schedule = Schedule::new(steps, params.warmup_share, params.learning_rate);
        let pace = Pace::new(params.epochs, steps);
        let mut steps = Steps::new(optimizer, schedule, pace, "pretraining.learning_rate", watch);
        let mut best = Best::default();
        let mut place: Place = match steps.go_on(&mut resume, &mut best) {
            Some(place) => place,
            None => Place::start(judge(encoder, validation, seed)?, train, validation),
        };
        rng.set_word_pos(u128::from(place.hiding));
        for epoch in steps.epoch()..=params.epochs {
            steps.begin(epoch);
            let batches = batch::shuffled(&lengths, params.batch_size, epoch_seed(seed, epoch));
            for rows in batches.into_iter().skip(place.batches) {
                place.batches += 1;
                let Some(masked) = MaskedBatch::new(train, &rows, encoder, &mut rng) else {
                    continue;
                };

                let logits = encoder.logits_at(&masked.batch, &masked.places, true)?;
                let loss = logits.cross_entropy_for_logits(&masked.truth);
                steps.take(&loss, masked.batch.size())?;
                // No run reads 2⁶⁴ words of it.
                place.hiding = rng.get_word_pos() as u64;
                steps.keep(&mut resume, &best, &place);
            }
            place.batches = 0;
            let (judged, _) = judge(encoder, validation, seed)?;
            place.history.epochs.push(MaskedEpoch {
                epoch,
                train_loss: Some(steps.epoch_loss()),
                seconds: steps.pace().epoch_seconds(),
                ..judged
            });
        }
        let mut history = place.history;
        history.losses = steps.losses().to_vec();
        history.seconds = steps.pace().seconds();
        history.tokens_per_second = steps.pace().tokens_per_second();
        files::write_folder(folder, |folder| {
            encoder.save(folder, checkpoint)?;
            let about = serde_json::json!({
                "checkpoint": checkpoint.name,
                "layer_norm_eps": checkpoint.epsilon(),
                "loaded": encoder.loaded(),
                "notes": encoder.notes(),
                "params": params,
                "seed": seed,
                "held_out": held_out,
                "history": history,
            });
            files::write_json(&folder.join(RECORD), &about)
        })?;
        resume.finish();
        Ok(history)
    }

    /// What must be the same for a run to go on from another's state.
    fn origin(
        &self,
        encoder: &MaskedEncoder,
        train: &MaskedRows,
        validation: &MaskedRows,
    ) -> Result<Origin> {
        let settings = ("masked words", self.params, self.seed, &self.checkpoint.config);
        let data = [train, validation].map(|rows| (&rows.tokenised, rows.padding_id, &rows.hider));
        let code = [include_str!("masked.rs")];
        Origin::new(&settings, &data, &encoder.parameters(), &code)
    }
}

impl Place {
    /// Before the first step, with what the model is worth there.
    fn start(
        (before, validation_tokens): (MaskedEpoch, usize),
        train: &MaskedRows,
        validation: &MaskedRows,
    ) -> Self {
        let history = MaskedHistory {
            epochs: vec![before],
            losses: Vec::new(),
            rows: train.len(),
            validation_rows: validation.len(),
            validation_tokens,
            seconds: 0.0,
            tokens_per_second: 0.0,
        };
        Self { history, batches: 0, hiding: 0 }
    }
}

/// The file beside a model that was pretrained further.
const RECORD: &str = "pretraining.json";

/// Refuses a checkpoint that was pretrained further where its sentences may have held some of
/// the split's test part: made under another profile, or before another split.
///
/// # Errors
/// If it was, or its record cannot be read.
pub fn check_held_out(checkpoint: &Checkpoint, split: &Split) -> Result<()> {
    #[derive(Deserialize)]
    struct Record {
        held_out: Vec<String>,
    }
    let path = checkpoint.folder.join(RECORD);
    if !path.exists() {
        return Ok(());
    }
    let record: Record = files::read_json(&path)?;
    if record.held_out.contains(&split.test_fingerprint()) {
        return Ok(());
    }
    let reason = "another split's test set was left out: pretrain it again, or test sentences leak";
    Err(Error::input_at(&path, None, Some("held_out"), reason))
}

/// Loss and accuracy on sentences of which the same words are hidden each time, and the
/// number of those words.
fn judge(
    encoder: &MaskedEncoder,
    sentences: &MaskedRows,
    seed: u64,
) -> Result<(MaskedEpoch, usize)> {
    const ROWS_AT_ONCE: usize = 64;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let lengths: Vec<usize> = sentences.tokenised.iter().map(Vec::len).collect();
    let (mut loss, mut right, mut tokens) = (0.0, 0.0, 0);
    for rows in batch::by_length(&lengths, ROWS_AT_ONCE) {
        let Some(masked) = MaskedBatch::new(sentences, &rows, encoder, &mut rng) else { continue };
        let logits = tch::no_grad(|| encoder.logits_at(&masked.batch, &masked.places, false))?;
        if let Some(at) = first_unsound(&logits)? {
            let row = masked.places.int64_value(&[at as i64]) / masked.batch.ids.size()[1];
            let row = rows[row.unsigned_abs() as usize] + 1;
            let reason = format!("row {row}: its logits are NaN or infinite");
            return Err(Error::Library { what: "judging masked tokens", reason });
        }
        let total =
            logits.cross_entropy_loss::<Tensor>(&masked.truth, None, Reduction::Sum, -100, 0.0);
        loss += total.double_value(&[]);
        let best = logits.argmax(-1, false);
        right += best.eq_tensor(&masked.truth).sum(Kind::Double).double_value(&[]);
        tokens += masked.truth.numel();
    }
    if tokens == 0 {
        let reason = "too few sentences: chance hid none of their words".to_owned();
        return Err(Error::Setting { field: "validation", reason });
    }
    let epoch = MaskedEpoch {
        epoch: 0,
        train_loss: None,
        validation_loss: loss / tokens as f64,
        validation_accuracy: right / tokens as f64,
        seconds: 0.0,
    };
    Ok((epoch, tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_hidden_in_berts_shares_and_special_tokens_never() {
        let hider = Hider { mask: 4, special: vec![2, 3], vocabulary: 1000, share: 0.15 };
        let ids: Vec<u32> = [2].into_iter().chain((0..40_000).map(|i| 100 + i % 800)).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let hidden = hider.hide(&ids, &mut rng);
        let chosen = hidden.truth.len() as f64;
        assert!((chosen / 40_000.0 - 0.15).abs() < 0.01, "{chosen}");
        assert!(hidden.truth.iter().all(|&(at, id)| at > 0 && ids[at] == id));
        let of = |is: &dyn Fn(u32, u32) -> bool| {
            hidden.truth.iter().filter(|&&(at, id)| is(hidden.ids[at], id)).count() as f64 / chosen
        };
        assert!((of(&|now, _| now == 4) - 0.8).abs() < 0.02);
        assert!((of(&|now, was| now == was) - 0.1).abs() < 0.02);
        let untouched = ids.iter().zip(&hidden.ids).filter(|(was, now)| was != now).count() as f64;
        assert!((untouched / chosen - 0.9).abs() < 0.02, "only chosen tokens change");
    }

    #[test]
    fn settings_without_sense_are_named() {
        let good = MaskedParams {
            epochs: 1,
            batch_size: 1,
            max_length: 8,
            learning_rate: 1e-4,
            warmup_share: 0.1,
            weight_decay: 0.01,
            clip_norm: 1.0,
            masked_share: 0.15,
        };
        assert!(good.check().is_ok());
        for (bad, field) in [
            (MaskedParams { epochs: 0, ..good.clone() }, "pretraining.epochs"),
            (MaskedParams { batch_size: 0, ..good.clone() }, "pretraining.batch_size"),
            (MaskedParams { max_length: 2, ..good.clone() }, "pretraining.max_length"),
            (MaskedParams { learning_rate: f64::NAN, ..good.clone() }, "pretraining.learning_rate"),
            (MaskedParams { warmup_share: 1.0, ..good.clone() }, "pretraining.warmup_share"),
            (MaskedParams { weight_decay: -0.1, ..good.clone() }, "pretraining.weight_decay"),
            (MaskedParams { clip_norm: 0.0, ..good.clone() }, "pretraining.clip_norm"),
            (MaskedParams { masked_share: 0.0, ..good.clone() }, "pretraining.masked_share"),
        ] {
            let said = bad.check().map_or_else(|error| error.to_string(), |()| String::new());
            assert!(said.contains(field), "{said}");
        }
    }
}
