//! Training a sentence model on labelled pairs as they stand: what sentence-transformers' `fit`
//! does with a file of pairs.

use super::train::{Course, resume, save, tokenised};
use super::{Loss, ModelFolder, Pairs, SimilarityHistory, loss};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};
use ttp_base::error::SettingPath;
use ttp_base::settings::Setting;
use ttp_base::{Error, Result};
use ttp_model::encoder::SentenceEncoder;
use ttp_model::engine::{Schedule, Step, TrainParams, epoch_seed};
use ttp_model::pretrained::{Checkpoint, CheckpointTokenizer};

/// One training on pairs: what it starts from, how it goes, where its model goes.
pub struct PairTraining<'a> {
    /// The checkpoint that the encoder was built from; its tokenizer is saved with the model.
    pub checkpoint: &'a Checkpoint,
    /// The settings; a batch has so many pairs.
    pub params: &'a TrainParams,
    /// The loss. [`Loss::MultipleNegatives`] takes **every** pair for a similar one, whatever
    /// its label, and the other pairs of its batch for negatives.
    pub loss: Loss,
    /// Orders the batches and draws the dropout.
    pub seed: u64,
    /// End after so many epochs, with the learning rate of all of them; `None`: after the last.
    pub stop_after: Option<usize>,
    /// Where the model is written, and its states meanwhile.
    pub folder: &'a ModelFolder,
}

impl PairTraining<'_> {
    /// Trains `encoder` on `pairs` of `texts`, in batches at random. The steps that warm up are
    /// a share of all steps, rounded down. The model after the last epoch is written, whole or
    /// not at all; none is chosen. A run that is killed goes on where it was, where it has a folder
    /// ([`resume`](ttp_model::engine::resume)). `watch` is told of every step.
    ///
    /// # Errors
    /// If there is no pair, a setting makes no sense, the loss reads triplets with a negative of
    /// their own, it is no longer a number, or a file cannot be written.
    pub fn run(
        &self,
        encoder: &mut SentenceEncoder,
        tokenize: &CheckpointTokenizer,
        texts: &[&str],
        pairs: &Pairs,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<SimilarityHistory> {
        let Self { checkpoint, params, loss, seed, stop_after, folder } = *self;
        params.check_at(None, &SettingPath::of("similarity.training"))?;
        loss.check()?;
        let wrong = |field, reason: &str| Err(Error::Setting { field, reason: reason.to_owned() });
        if pairs.is_empty() {
            return wrong("pairs", "there is none");
        }
        if stop_after == Some(0) {
            return wrong("epochs", "0 train nothing");
        }
        if matches!(loss, Loss::Triplet { .. }) {
            return wrong("similarity.loss", "triplet: a pair has no negative of its own");
        }
        let tokenised = tokenised(encoder, tokenize, texts, pairs.rows.iter().flatten().copied())?;
        let steps = pairs.len().div_ceil(params.batch_size) * params.epochs;
        let course = Course {
            params,
            seed,
            examples: pairs.len(),
            schedule: Schedule {
                steps,
                warmup: (params.warmup_share * steps as f64) as usize,
                peak: params.learning_rate,
            },
            stop_after: stop_after.unwrap_or(params.epochs),
        };
        let batches = |epoch: usize| {
            let mut order: Vec<usize> = (0..pairs.len()).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(epoch_seed(seed, epoch)));
            order.chunks(params.batch_size).map(<[usize]>::to_vec).collect()
        };
        let padding_id = tokenize.padding_id();
        let model = encoder.fingerprint(tokenize)?;
        let settings = ("pairs", params, loss, seed, stop_after, padding_id, model);
        let mut resume =
            resume(folder, encoder, &settings, &(&tokenised, &pairs.rows, &pairs.similar))?;
        let history = course.run(
            encoder,
            &tokenised,
            &mut resume,
            batches,
            |encoder, rows| {
                // Both sentences of a pair in one run, each occurrence with its own dropout.
                let side = |side: usize| rows.iter().map(move |&row| pairs.rows[row][side]);
                let sentences: Vec<usize> =
                    side(0).chain(side(1)).map(|sentence| sentence as usize).collect();
                let (vectors, size) =
                    encoder.vectors_of(&tokenised, &sentences, padding_id, true)?;
                let half = rows.len() as i64;
                let (first, second) = (vectors.narrow(0, 0, half), vectors.narrow(0, half, half));
                let similar: Vec<bool> = rows.iter().map(|&row| pairs.similar[row]).collect();
                Ok((value(loss, &first, &second, &similar)?, size))
            },
            watch,
        )?;
        if let Some(folder) = folder.model() {
            save(folder, encoder, checkpoint, params, (loss, seed), &history)?;
        }
        resume.finish();
        Ok(history)
    }
}

/// The loss of one batch of pairs.
fn value(loss: Loss, first: &Tensor, second: &Tensor, similar: &[bool]) -> Result<Tensor> {
    let labels = || Tensor::from_slice(similar).to_kind(Kind::Float).to_device(first.device());
    Ok(match loss {
        Loss::Cosine => loss::cosine_similarity(first, second, &labels()),
        Loss::Contrastive { margin } => loss::contrastive(first, second, &labels(), margin),
        Loss::OnlineContrastive { margin } => {
            loss::online_contrastive(first, second, &labels(), margin)
        }
        Loss::MultipleNegatives { scale } => {
            loss::multiple_negatives_ranking(first, second, None, scale, None)
        }
        Loss::Triplet { .. } => {
            let reason = "triplet: a pair has no negative of its own".to_owned();
            return Err(Error::Setting { field: "similarity.loss", reason });
        }
    })
}
