//! The transformer itself, without a head: BERT or RoBERTa over rust-bert, by the
//! checkpoint's `model_type`.

use crate::batch::Batch;
use crate::pretrained::{Checkpoint, Family, Loaded, Start};
use crate::train::is_layer_norm;
use crate::{Error, Result};
use rust_bert::bert::{BertEmbeddings, BertModel};
use rust_bert::roberta::RobertaEmbeddings;
use std::collections::BTreeMap;
use tch::nn::{self, Init};
use tch::{Device, Tensor};

/// A transformer whose variables stand in `vars`, under the names that transformers gives them.
pub(super) struct Body {
    pub vars: nn::VarStore,
    model: Model,
    /// The deviation of a new weight, `initializer_range` of the configuration.
    spread: f64,
}

enum Model {
    Bert(BertModel<BertEmbeddings>),
    Roberta(BertModel<RobertaEmbeddings>),
}

/// What the body makes of a batch.
pub(super) struct Hidden {
    /// The last layer, `[rows, length, hidden]`.
    pub states: Tensor,
    /// The first token through the pooler, `[rows, hidden]`; `None` where there is no pooler.
    pub pooled: Option<Tensor>,
}

impl Body {
    /// Builds it without weights of any meaning; see [`load`](Self::load).
    pub fn new(checkpoint: &Checkpoint, device: Device, pooler: bool) -> Result<Self> {
        let vars = nn::VarStore::new(device);
        let config = checkpoint.bert_config()?;
        let place = vars.root() / checkpoint.family().name();
        let model = match checkpoint.family() {
            Family::Bert => {
                Model::Bert(BertModel::new_with_optional_pooler(place, &config, pooler))
            }
            Family::Roberta => {
                Model::Roberta(BertModel::new_with_optional_pooler(place, &config, pooler))
            }
        };
        Ok(Self { vars, model, spread: f64::from(config.initializer_range) })
    }

    /// Copies the checkpoint's weights into the variables, those of the head included. What
    /// its file lacks starts anew from `seed`, if its name begins with one of `new`; all of a
    /// checkpoint that is random by its catalogue entry does.
    pub fn load(&self, checkpoint: &Checkpoint, new: &[&str], seed: u64) -> Result<Loaded> {
        let loaded = if starts_at_random(checkpoint) {
            let new = self.parameters().into_iter().map(|(name, _)| name).collect();
            Loaded { tensors: 0, new, unused: Vec::new() }
        } else {
            checkpoint.load_weights(&self.vars, new)?
        };
        self.start_anew(&loaded.new, seed);
        Ok(loaded)
    }

    /// As transformers starts a model: weights at N(0, `initializer_range`), biases 0,
    /// layer norms 1 and 0.
    fn start_anew(&self, names: &[String], seed: u64) {
        tch::manual_seed(seed.cast_signed());
        let is_new = |(name, _): &(String, Tensor)| names.contains(name);
        tch::no_grad(|| {
            for (name, mut variable) in self.parameters().into_iter().filter(is_new) {
                variable.init(match name.as_str() {
                    name if name.ends_with("bias") => Init::Const(0.0),
                    name if is_layer_norm(name) => Init::Const(1.0),
                    _ => Init::Randn { mean: 0.0, stdev: self.spread },
                });
            }
        });
    }

    /// Runs a batch; `training` switches dropout on.
    pub fn forward(&self, batch: &Batch, training: bool) -> Result<Hidden> {
        let (ids, mask) = (Some(&batch.ids), Some(&batch.mask));
        let output = match &self.model {
            Model::Bert(model) => {
                let types = batch.token_types();
                model.forward_t(ids, mask, Some(&types), None, None, None, None, training)
            }
            // It finds positions from the padding and knows one token type only.
            Model::Roberta(model) => {
                model.forward_t(ids, mask, None, None, None, None, None, training)
            }
        };
        let output = output.map_err(Error::library("running the encoder"))?;
        Ok(Hidden { states: output.hidden_state, pooled: output.pooled_output })
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

/// With what the names of a family's masked-word head begin.
pub(super) fn masked_head(family: Family) -> &'static str {
    match family {
        Family::Bert => "cls.predictions",
        Family::Roberta => "lm_head",
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
