//! The transformer itself, without a head: BERT, RoBERTa or MPNet by the checkpoint's
//! `model_type`. rust-bert builds the first two, [`mpnet`] the third, and
//! [`transformer`](super::transformer) runs it.

use super::is_layer_norm;
use super::mpnet;
use super::transformer::{Pass, Tokens, Transformer, WordGradient};
use super::variables::{Linear, ModelVariables};
use crate::batch::Batch;
use crate::pretrained::{Architecture, Checkpoint, LoadSummary, Start};
use rust_bert::bert::{BertEmbeddings, BertModel};
use rust_bert::roberta::RobertaEmbeddings;
use std::collections::BTreeMap;
use tch::nn::{self, Init};
use tch::{Device, Tensor};
use ttp_base::{Error, Result};

/// A transformer whose variables stand in `vars`, under the names that transformers gives them.
pub(super) struct Body {
    pub vars: nn::VarStore,
    transformer: Transformer,
    /// What reads the first token, where there is one.
    pooler: Option<Linear>,
    family: Architecture,
    /// The deviation of a new weight, `initializer_range` of the configuration.
    spread: f64,
}

impl Body {
    /// Builds it without weights of any meaning; see [`load`](Self::load).
    pub fn new(checkpoint: &Checkpoint, device: Device, pooler: bool) -> Result<Self> {
        let vars = nn::VarStore::new(device);
        let (config, family) = (checkpoint.bert_config()?, checkpoint.family());
        let place = vars.root() / family.name();
        // What is wanted of rust-bert's model are its variables.
        match family {
            Architecture::Bert => {
                BertModel::<BertEmbeddings>::new_with_optional_pooler(place, &config, pooler);
            }
            Architecture::Roberta => {
                BertModel::<RobertaEmbeddings>::new_with_optional_pooler(place, &config, pooler);
            }
            Architecture::Mpnet => mpnet::make_variables(&place, &config, pooler),
        }
        let named =
            ModelVariables { vars: vars.variables(), family, epsilon: checkpoint.epsilon() };
        let transformer = Transformer::new(&named, &config)?;
        let pooler = pooler.then(|| named.linear(POOLER)).transpose()?;
        let spread = f64::from(config.initializer_range);
        Ok(Self { vars, transformer, pooler, family, spread })
    }

    /// Copies the checkpoint's weights into the variables, those of the head included. What
    /// its file lacks starts anew from `seed`, if its name begins with one of `new`; all of a
    /// checkpoint that is random by its catalogue entry does.
    pub fn load(&self, checkpoint: &Checkpoint, new: &[&str], seed: u64) -> Result<LoadSummary> {
        let loaded = if starts_at_random(checkpoint) {
            let new = self.parameters().into_iter().map(|(name, _)| name).collect();
            LoadSummary { tensors: 0, new, unused: Vec::new() }
        } else {
            checkpoint.load_weights(&self.vars, new)?
        };
        self.start_anew(&loaded.new, seed, checkpoint.start_rows());
        Ok(loaded)
    }

    /// As transformers starts a model: weights at N(0, `initializer_range`), biases 0,
    /// layer norms 1 and 0. With `word_rows`, all but the words' table start as in a model that
    /// has so many of them: that many rows are drawn in the table's place, and what the table has
    /// beyond them after everything else.
    fn start_anew(&self, names: &[String], seed: u64, word_rows: Option<i64>) {
        tch::manual_seed(seed.cast_signed());
        let is_new = |(name, _): &(String, Tensor)| names.contains(name);
        let spread = Init::Randn { mean: 0.0, stdev: self.spread };
        let words = self.words();
        tch::no_grad(|| {
            let mut beyond = None;
            for (name, mut variable) in self.parameters().into_iter().filter(is_new) {
                match (name.as_str(), word_rows) {
                    (name, Some(rows)) if name == words => {
                        let size = variable.size();
                        let mut drawn =
                            Tensor::zeros([rows, size[1]], (variable.kind(), variable.device()));
                        drawn.init(spread);
                        let common = rows.min(size[0]);
                        variable.narrow(0, 0, common).copy_(&drawn.narrow(0, 0, common));
                        beyond = Some(variable.narrow(0, common, size[0] - common));
                    }
                    (name, _) if name.ends_with("bias") => variable.init(Init::Const(0.0)),
                    (name, _) if is_layer_norm(name) => variable.init(Init::Const(1.0)),
                    _ => variable.init(spread),
                }
            }
            if let Some(mut rows) = beyond.filter(|rows| rows.size()[0] > 0) {
                rows.init(spread);
            }
        });
    }

    /// The last layer, `[rows, length, hidden]`; `training` switches dropout on.
    pub fn states(&self, batch: &Batch, words: WordGradient, training: bool) -> Tensor {
        self.transformer.forward(batch, Pass { tokens: Tokens::All, words, training })
    }

    /// The first token's state in the last layer, `[rows, hidden]`, through the pooler where
    /// there is one; nothing else of the last layer is computed.
    pub fn first_token(&self, batch: &Batch, words: WordGradient, training: bool) -> Tensor {
        let pass = Pass { tokens: Tokens::First, words, training };
        let first = self.transformer.forward(batch, pass).select(1, 0);
        match &self.pooler {
            Some(pooler) => pooler.of(&first).tanh(),
            None => first,
        }
    }

    /// The word embeddings' variable, by the name that [`parameters`](Self::parameters) has.
    pub fn words(&self) -> String {
        format!("{}.embeddings.word_embeddings.weight", self.family.name())
    }

    /// Every trainable variable with its name, in the order of the names.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let by_name: BTreeMap<_, _> = self.vars.variables().into_iter().collect();
        by_name.into_iter().filter(|(_, variable)| variable.requires_grad()).collect()
    }

    /// As [`parameters`](Self::parameters), but a pooler's, which has no part in hidden words
    /// and sentence vectors.
    pub fn parameters_but_pooler(&self) -> Vec<(String, Tensor)> {
        let mut parameters = self.parameters();
        parameters.retain(|(name, _)| !name.contains(POOLER));
        parameters
    }

    /// A variable by its name.
    pub fn variable(&self, name: &str) -> Result<Tensor> {
        self.vars.variables().get(name).map(Tensor::shallow_clone).ok_or_else(|| Error::Library {
            what: "building the encoder",
            reason: format!("there is no variable {name}"),
        })
    }
}

/// In the names of a pooler's variables.
pub(super) const POOLER: &str = "pooler.dense";

/// A line where a pooler started anew: what it gave before is lost.
pub(super) fn new_pooler_note(loaded: &LoadSummary) -> Option<String> {
    let is_new = loaded.new.iter().any(|name| name.contains(POOLER));
    is_new.then(|| "the checkpoint has no pooler: a new one starts at random".to_owned())
}

/// A line where a file has no pooler, and the model that is built has none.
pub(super) fn no_pooler_note(family: Architecture, has_pooler: bool) -> Option<String> {
    // RoBERTa's is nowhere used.
    let is_missed = !has_pooler && family != Architecture::Roberta;
    is_missed.then(|| "the checkpoint has no pooler: none is computed with or saved".to_owned())
}

/// With what the names of a family's masked-language-model head begin.
pub(super) fn masked_head(family: Architecture) -> &'static str {
    match family {
        Architecture::Bert => "cls.predictions",
        Architecture::Roberta | Architecture::Mpnet => "lm_head",
    }
}

fn starts_at_random(checkpoint: &Checkpoint) -> bool {
    checkpoint.entry.is_some_and(|entry| matches!(entry.start, Start::Random { .. }))
}

/// A linear layer whose weights [`Body::load`] starts.
pub(super) fn linear(place: nn::Path, from: i64, to: i64) -> nn::Linear {
    nn::linear(
        place,
        from,
        to,
        nn::LinearConfig { bs_init: Some(Init::Const(0.0)), ..Default::default() },
    )
}
