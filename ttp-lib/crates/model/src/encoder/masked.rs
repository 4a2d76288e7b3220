//! The transformer with its masked-language-model head: what it would put where a word is hidden.

use super::body::{self, Body, POOLER};
use super::save;
use super::transformer::WordGradient;
use crate::batch::Batch;
use crate::pretrained::{Architecture, Checkpoint, CheckpointTokenizer, LoadSummary};
use rust_bert::Activation;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::path::Path;
use tch::nn::{self, Init, Module};
use tch::{Device, Kind, Tensor};
use ttp_base::{Error, Result};

/// A model that gives one logit for each word of the vocabulary wherever it is asked.
///
/// The head is BERT's: a linear layer, the configuration's activation, a layer norm, and
/// the word embeddings once more as the last layer's weights (they are tied), with a bias
/// of its own.
pub struct MaskedEncoder {
    body: Body,
    dense: nn::Linear,
    norm: nn::LayerNorm,
    activation: Activation,
    words: Tensor,
    bias: Tensor,
    family: Architecture,
    loaded: LoadSummary,
    notes: Vec<String>,
}

/// One word that a model would put in a hidden word's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guess {
    /// The token's id in the model's vocabulary.
    pub id: u32,
    /// The token: `emails`, `##phishing`.
    pub token: String,
    /// Its probability, from 0 to 1, among the whole vocabulary.
    pub probability: f64,
}

impl MaskedEncoder {
    /// Builds the model on `device` and loads body and head.
    ///
    /// # Errors
    /// If the checkpoint has no masked-language-model head, or its weights do not fit.
    pub fn new(checkpoint: &Checkpoint, device: Device) -> Result<Self> {
        let mut encoder = Self::untrained(checkpoint, device)?;
        encoder.loaded = encoder.body.load(checkpoint, &[], 0)?;
        Ok(encoder)
    }

    /// Whether the checkpoint's file holds a masked-language-model head.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn is_in(checkpoint: &Checkpoint) -> Result<bool> {
        let head = body::masked_head(checkpoint.family());
        Ok(checkpoint.tensor_names()?.iter().any(|name| name.starts_with(head)))
    }

    /// As [`new`](Self::new); where the file has no head, it starts at N(0,
    /// `initializer_range`) from `seed`: to be trained.
    ///
    /// # Errors
    /// If the checkpoint's weights do not fit.
    pub fn with_new_head(checkpoint: &Checkpoint, device: Device, seed: u64) -> Result<Self> {
        let mut encoder = Self::untrained(checkpoint, device)?;
        let head = body::masked_head(checkpoint.family());
        encoder.loaded = encoder.body.load(checkpoint, &[head], seed)?;
        if encoder.loaded.new.iter().any(|name| name.starts_with(head)) {
            let note =
                "the checkpoint has no masked-language-model head: a new one starts at random";
            encoder.notes.push(note.to_owned());
        }
        Ok(encoder)
    }

    /// What was loaded, what started anew and what of the file was passed over.
    pub fn loaded(&self) -> &LoadSummary {
        &self.loaded
    }

    /// What a user should know of the checkpoint, a line each; empty for most.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn untrained(checkpoint: &Checkpoint, device: Device) -> Result<Self> {
        let family = checkpoint.family();
        let config = checkpoint.bert_config()?;
        if checkpoint.config.get("tie_word_embeddings") == Some(&Value::Bool(false)) {
            let reason = "false is not supported for masked tokens";
            return Err(checkpoint.wrong("tie_word_embeddings", reason));
        }
        // It has no part in guessing words. It is kept, so that a fine-tuning afterwards starts
        // from the same pooler as one before.
        let pooler = checkpoint.tensor_names()?.iter().any(|name| name.contains(POOLER));
        let body = Body::new(checkpoint, device, pooler && family == Architecture::Bert)?;
        let (hidden, vocabulary) = (config.hidden_size, config.vocab_size);
        let (dense, norm, bias) = match family {
            Architecture::Bert => {
                let place = body.vars.root() / "cls" / "predictions";
                (&place / "transform" / "dense", &place / "transform" / "LayerNorm", place)
            }
            Architecture::Roberta | Architecture::Mpnet => {
                let place = body.vars.root() / "lm_head";
                (&place / "dense", &place / "layer_norm", place)
            }
        };
        let epsilon = nn::LayerNormConfig { eps: checkpoint.epsilon(), ..Default::default() };
        let mut notes = checkpoint.notes();
        notes.extend(body::no_pooler_note(family, pooler));
        let words = body.variable(&body.words())?;
        Ok(Self {
            dense: body::linear(dense, hidden, hidden),
            norm: nn::layer_norm(norm, vec![hidden], epsilon),
            activation: config.hidden_act,
            bias: bias.var("bias", &[vocabulary], Init::Const(0.0)),
            words,
            body,
            family,
            loaded: LoadSummary::default(),
            notes,
        })
    }

    /// The device the model is on.
    pub fn device(&self) -> Device {
        self.body.vars.device()
    }

    /// Every variable that guessing words trains, with its name, in the order of the names:
    /// all but a pooler.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        self.body.parameters_but_pooler()
    }

    /// The last layer, `[rows, length, hidden]`; `training` switches dropout on.
    ///
    /// # Errors
    /// None in practice: libtorch takes every batch that [`Batch::new`] makes.
    pub fn hidden(&self, batch: &Batch, training: bool) -> Result<Tensor> {
        // The head reads the same table, all of it: its gradient has every row.
        Ok(self.body.states(batch, WordGradient::Dense, training))
    }

    /// Logits `[rows, length, vocabulary]`.
    ///
    /// # Errors
    /// None in practice: libtorch takes every batch that [`Batch::new`] makes.
    pub fn logits(&self, batch: &Batch, training: bool) -> Result<Tensor> {
        Ok(self.head(&self.hidden(batch, training)?))
    }

    /// Logits `[places, vocabulary]` at some places only: `places` are indices into the
    /// batch's rows laid end to end, row × length + position. The vocabulary's matrix is
    /// the largest of all, and few places are asked for.
    ///
    /// # Errors
    /// None in practice: libtorch takes every batch that [`Batch::new`] makes.
    pub fn logits_at(&self, batch: &Batch, places: &Tensor, training: bool) -> Result<Tensor> {
        let states = self.hidden(batch, training)?.flatten(0, 1);
        Ok(self.head(&states.index_select(0, places)))
    }

    fn head(&self, states: &Tensor) -> Tensor {
        let transformed = self.activation.get_function().get_fn()(&self.dense.forward(states));
        self.norm.forward(&transformed).linear(&self.words, Some(&self.bias))
    }

    /// The `count` most probable tokens for each hidden word of `text`, in the order of the
    /// places. `[MASK]` in the text stands for the hidden word, whatever the model calls it.
    ///
    /// # Errors
    /// If the text hides no word, the tokenizer has no token for a hidden word, the text
    /// is longer than the tokenizer cuts at, or a word's logits are NaN or infinite.
    pub fn fill(
        &self,
        tokenize: &CheckpointTokenizer,
        text: &str,
        count: usize,
    ) -> Result<Vec<Vec<Guess>>> {
        let wrong = |reason: &str| Error::Setting { field: "text", reason: reason.to_owned() };
        let hidden = tokenize.mask_id().ok_or_else(|| wrong("the tokenizer has no mask token"))?;
        let name = tokenize.token_of(hidden).unwrap_or_default();
        let ids = tokenize.ids(&[&text.replace(MASK, &name)])?;
        let places: Vec<i64> =
            ids[0].iter().zip(0..).filter(|(id, _)| **id == hidden).map(|(_, at)| at).collect();
        match places.len().cmp(&text.matches(MASK).count()) {
            Ordering::Less => return Err(wrong("it is cut before its last [MASK]")),
            Ordering::Greater => {
                return Err(wrong("it has the model's own mask token beside [MASK]"));
            }
            Ordering::Equal => {}
        }
        if places.is_empty() {
            return Err(wrong("it has no [MASK]"));
        }
        let batch = Batch::new(&ids, &[0], tokenize.padding_id(), self.device());
        let places = Tensor::from_slice(&places).to_device(self.device());
        let logits = tch::no_grad(|| self.logits_at(&batch, &places, false))?;
        if let Some(row) = first_unsound(&logits)? {
            let reason = format!("masked token {}: its logits are NaN or infinite", row + 1);
            return Err(Error::Library { what: "guessing words", reason });
        }
        let words = logits.size().last().copied().unwrap_or(0);
        let most = i64::try_from(count).unwrap_or(words).min(words);
        let (probabilities, best) = logits.softmax(-1, Kind::Double).topk(most, -1, true, true);
        let read = Error::library("reading logits");
        let best = Vec::<Vec<i64>>::try_from(best).map_err(read)?;
        let read = Error::library("reading logits");
        let probabilities = Vec::<Vec<f64>>::try_from(probabilities).map_err(read)?;
        let guess = |(&id, &probability): (&i64, &f64)| {
            let id = u32::try_from(id).unwrap_or(0);
            Guess { id, token: tokenize.token_of(id).unwrap_or_default(), probability }
        };
        let place =
            |(ids, shares): (&Vec<i64>, &Vec<f64>)| ids.iter().zip(shares).map(guess).collect();
        Ok(best.iter().zip(&probabilities).map(place).collect())
    }

    /// Writes `model.safetensors`, `config.json` and the tokenizer's files in the hub's
    /// layout; the tied last layer is not written twice.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path, checkpoint: &Checkpoint) -> Result<()> {
        let architecture = format!("{}ForMaskedLM", self.family.class());
        let about: Map<String, Value> =
            Map::from_iter([("architectures".to_owned(), json!([architecture]))]);
        let mut parameters = self.body.parameters();
        if self.family != Architecture::Bert {
            // Without it transformers takes the bias for missing, and starts it at 0.
            parameters.push(("lm_head.decoder.bias".to_owned(), self.bias.shallow_clone()));
        }
        save::save(folder, checkpoint, &parameters, about)
    }
}

/// What hides a word in a text of ours.
const MASK: &str = "[MASK]";

/// The first row of logits that holds what is no finite number.
pub fn first_unsound(logits: &Tensor) -> Result<Option<usize>> {
    let sound = logits.isfinite().all_dim(-1, false).to_device(Device::Cpu).contiguous();
    let sound = Vec::<bool>::try_from(sound).map_err(Error::library("reading logits"))?;
    Ok(sound.iter().position(|is_sound| !is_sound))
}
