//! The transformer's forward pass over the variables and configuration that rust-bert builds for
//! BERT and RoBERTa, and [`mpnet`](super::mpnet) for MPNet.
//!
//! rust-bert builds the model and names its variables; what it computes with them, this
//! module computes again. What differs makes no difference to the values beyond rounding:
//!
//! - query, key and value are one matrix product, the scale of the attention scores is in the
//!   query's weights, and without dropout the attention is libtorch's fused function;
//! - where no row is padded nothing is added to the scores;
//! - GELU is libtorch's own function, one pass over the activations instead of five;
//! - where a head reads the first token only, the last layer computes only that token
//!   (its keys and values still come from all tokens);
//! - the gradient of the word embeddings may hold only the rows that the batch read.
//!
//! rust-bert's own forward pass is the reference that the tests below hold this one to, values
//! and gradients; `tests/suite/parity.rs` and `mpnet.rs` hold it to transformers.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::mpnet::RelativePositions;
use super::variables::{Linear, ModelVariables, Norm};
use crate::batch::Batch;
use crate::pretrained::Architecture;
use rust_bert::Activation;
use rust_bert::bert::BertConfig;
use tch::{Device, Kind, Tensor};
use ttp_base::Result;

/// Which tokens' states are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tokens {
    /// Every token's: `[rows, length, hidden]`.
    All,
    /// The first one's: `[rows, 1, hidden]`.
    First,
}

/// How the word embeddings' gradient comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordGradient {
    /// A tensor as large as the table.
    Dense,
    /// The rows that the batch read, and no others.
    Sparse,
}

/// One forward pass's choices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    pub tokens: Tokens,
    pub words: WordGradient,
    /// Switches dropout on.
    pub training: bool,
}

/// The layers, each with its variables.
pub(super) struct Transformer {
    embeddings: Embeddings,
    /// What distances add to the attention scores of all layers, where the model has that.
    relative: Option<RelativePositions>,
    layers: Vec<Layer>,
}

struct Embeddings {
    words: Tensor,
    positions: Tensor,
    /// MPNet has none.
    types: Option<Tensor>,
    norm: Norm,
    family: Architecture,
    dropout: f64,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attention_norm: Norm,
    inner: Linear,
    outer: Linear,
    outer_norm: Norm,
    heads: i64,
    activation: Activation,
    dropout: f64,
    attention_dropout: f64,
}

/// What is added to the attention scores of every layer.
struct AttentionBias {
    /// `[rows or 1, heads or 1, length or 1, length]`: 0 at a token and −10,000 at padding, as
    /// rust-bert has it, and what the distance of query and key adds. `None` where nothing is
    /// padded and distances add nothing.
    scores: Option<Tensor>,
}

impl Transformer {
    /// The layers of `config` over the variables that were made for it.
    pub fn new(named: &ModelVariables, config: &BertConfig) -> Result<Self> {
        let is_mpnet = named.family == Architecture::Mpnet;
        let [query, key, value, attended, attention] = if is_mpnet {
            ["attn.q", "attn.k", "attn.v", "attn.o", ""]
        } else {
            ["self.query", "self.key", "self.value", "output.dense", ".output"]
        };
        let layer = |number: i64| -> Result<Layer> {
            let place = format!("encoder.layer.{number}");
            Ok(Layer {
                query: named.linear(&format!("{place}.attention.{query}"))?,
                key: named.linear(&format!("{place}.attention.{key}"))?,
                value: named.linear(&format!("{place}.attention.{value}"))?,
                attended: named.linear(&format!("{place}.attention.{attended}"))?,
                attention_norm: named.norm(&format!("{place}.attention{attention}"))?,
                inner: named.linear(&format!("{place}.intermediate.dense"))?,
                outer: named.linear(&format!("{place}.output.dense"))?,
                outer_norm: named.norm(&format!("{place}.output"))?,
                heads: config.num_attention_heads,
                activation: config.hidden_act,
                dropout: config.hidden_dropout_prob,
                attention_dropout: config.attention_probs_dropout_prob,
            })
        };
        Ok(Self {
            embeddings: Embeddings {
                words: named.find("embeddings.word_embeddings.weight")?,
                positions: named.find("embeddings.position_embeddings.weight")?,
                types: (!is_mpnet)
                    .then(|| named.find("embeddings.token_type_embeddings.weight"))
                    .transpose()?,
                norm: named.norm("embeddings")?,
                family: named.family,
                dropout: config.hidden_dropout_prob,
            },
            relative: is_mpnet.then(|| RelativePositions::new(named)).transpose()?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        })
    }

    /// The last layer's states of the tokens that `pass` asks for.
    pub fn forward(&self, batch: &Batch, pass: Pass) -> Tensor {
        let added = AttentionBias::of(batch, self.embeddings.words.kind(), self.relative.as_ref());
        let mut states = self.embeddings.forward(batch, pass);
        for (number, layer) in self.layers.iter().enumerate() {
            let last = number + 1 == self.layers.len();
            let tokens = if last { pass.tokens } else { Tokens::All };
            states = layer.forward(&states, &added, tokens, pass.training);
        }
        states
    }
}

impl Embeddings {
    fn forward(&self, batch: &Batch, pass: Pass) -> Tensor {
        let length = batch.ids.size()[1];
        // A device's own kernels have no sparse gradient worth its bookkeeping.
        let sparse = pass.words == WordGradient::Sparse && batch.ids.device() == Device::Cpu;
        let padding = self.family.padding_id();
        let words = Tensor::embedding(&self.words, &batch.ids, padding, false, sparse);
        let places = match self.family {
            Architecture::Bert => self.positions.narrow(0, 0, length),
            // Counted from the padding id on; padding itself stands at the padding id.
            Architecture::Roberta | Architecture::Mpnet => {
                let real = batch.ids.ne(padding).to_kind(Kind::Int64);
                let places = real.cumsum(1, Kind::Int64) * real + padding;
                Tensor::embedding(&self.positions, &places, padding, false, false)
            }
        };
        let places = match &self.types {
            Some(types) => places + types.select(0, 0),
            None => places,
        };
        self.norm.of(&(words + places)).dropout(self.dropout, pass.training)
    }
}

impl AttentionBias {
    fn of(batch: &Batch, kind: Kind, relative: Option<&RelativePositions>) -> Self {
        let size = batch.size();
        let padding = (size.tokens < size.places)
            .then(|| ((batch.mask.to_kind(kind) - 1.0) * 10_000.0).unsqueeze(1).unsqueeze(1));
        let distances = relative.map(|relative| relative.bias(batch.ids.size()[1]));
        let scores = match (padding, distances) {
            (Some(padding), Some(distances)) => Some(padding + distances),
            (padding, distances) => padding.or(distances),
        };
        Self { scores }
    }

    /// For the queries of these tokens.
    fn to(&self, tokens: Tokens) -> Option<Tensor> {
        let scores = self.scores.as_ref()?;
        Some(match tokens {
            Tokens::All => scores.shallow_clone(),
            Tokens::First => scores.narrow(2, 0, 1),
        })
    }
}

impl Layer {
    fn forward(
        &self,
        states: &Tensor,
        added: &AttentionBias,
        tokens: Tokens,
        training: bool,
    ) -> Tensor {
        let context = self.context(states, added, tokens, training);
        let states = match tokens {
            Tokens::All => states.shallow_clone(),
            Tokens::First => states.narrow(1, 0, 1),
        };
        let attended = self.attended.of(&context).dropout(self.dropout, training);
        let attended = self.attention_norm.of(&(attended + states));
        let inner = activate(self.activation, &self.inner.of(&attended));
        let outer = self.outer.of(&inner).dropout(self.dropout, training);
        self.outer_norm.of(&(outer + attended))
    }

    /// What the tokens that are asked for take from all tokens, `[rows, tokens, hidden]`.
    fn context(
        &self,
        states: &Tensor,
        added: &AttentionBias,
        tokens: Tokens,
        training: bool,
    ) -> Tensor {
        let size = states.size();
        let (rows, length, hidden) = (size[0], size[1], size[2]);
        let width = hidden / self.heads;
        // [rows, tokens, parts × hidden] to parts of [rows, heads, tokens, width].
        let by_head = |joined: Tensor, parts: i64| {
            joined.view([rows, -1, parts, self.heads, width]).permute([2, 0, 3, 1, 4]).unbind(0)
        };
        // The scale of the scores is in the query's weights, of which there are fewer numbers.
        let query = self.query.scaled(1.0 / (width as f64).sqrt());
        let mut parts = match tokens {
            Tokens::All => by_head(Linear::join(&[&query, &self.key, &self.value]).of(states), 3),
            Tokens::First => {
                let mut first = by_head(query.of(&states.narrow(1, 0, 1)), 1);
                first.extend(by_head(Linear::join(&[&self.key, &self.value]).of(states), 2));
                first
            }
        }
        .into_iter();
        let (Some(query), Some(key), Some(value)) = (parts.next(), parts.next(), parts.next())
        else {
            unreachable!("query, key and value");
        };
        let added = added.to(tokens);
        let dropout = if training { self.attention_dropout } else { 0.0 };
        // libtorch's fused function gives what is added no gradient.
        let context = if dropout > 0.0 || added.as_ref().is_some_and(Tensor::requires_grad) {
            self.step_by_step(&query, &key, &value, added, dropout)
        } else {
            let shape = [rows, self.heads, query.size()[2], length];
            // tch hands "no mask" on as a tensor that is not there, which libtorch refuses.
            let nothing = || query.new_zeros([1, 1, 1, 1], (query.kind(), query.device()));
            let added = Some(added.unwrap_or_else(nothing).expand(shape, false));
            Tensor::scaled_dot_product_attention(&query, &key, &value, added, 0.0, false, 1.0)
        };
        context.transpose(1, 2).reshape([rows, -1, hidden])
    }

    /// Attention with dropout on its weights, or with a gradient of what is added to its scores:
    /// libtorch has no fused function for either on the CPU.
    fn step_by_step(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        added: Option<Tensor>,
        dropout: f64,
    ) -> Tensor {
        let (size, length) = (query.size(), key.size()[2]);
        let (rows, width) = (size[0], size[3]);
        let flat = |part: &Tensor| part.reshape([rows * self.heads, -1, width]);
        let (query, keys, value) = (flat(query), flat(key).transpose(1, 2), flat(value));
        let scores = match added {
            Some(added) => {
                let queries = added.size()[2];
                let added = added.expand([rows, self.heads, queries, length], false);
                let added = added.reshape([rows * self.heads, queries, length]);
                added.baddbmm(&query, &keys, 1.0, 1.0)
            }
            None => query.bmm(&keys),
        };
        let weights = scores.softmax(-1, scores.kind()).dropout(dropout, true);
        weights.bmm(&value).view([rows, self.heads, -1, width])
    }
}

fn activate(activation: Activation, input: &Tensor) -> Tensor {
    match activation {
        Activation::gelu => input.gelu("none"),
        other => (other.get_function().get_fn())(input),
    }
}
