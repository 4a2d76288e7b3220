//! What of the last layer a classifier's head reads.

use crate::pretrained::Checkpoint;
use serde_json::Value;
use tch::Tensor;
use ttp_base::Result;

/// What of the last layer the head reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooling {
    /// The first token, of BERT through the pooler: as transformers has it.
    #[default]
    FirstToken,
    /// The mean over all real tokens, the special ones among them; there is no pooler. transformers
    /// has this for ModernBERT only, by the same field of the configuration,
    /// `classifier_pooling`: its BERT, RoBERTa and MPNet read the first token of such a model all
    /// the same.
    MeanTokens,
}

impl Pooling {
    /// The configuration's field.
    pub(super) const FIELD: &str = "classifier_pooling";

    pub(super) fn of(checkpoint: &Checkpoint) -> Result<Self> {
        match checkpoint.config.get(Self::FIELD) {
            None | Some(Value::Null) => Ok(Self::FirstToken),
            Some(Value::String(name)) if name == "cls" => Ok(Self::FirstToken),
            Some(Value::String(name)) if name == "mean" => Ok(Self::MeanTokens),
            Some(other) => {
                Err(checkpoint
                    .wrong(Self::FIELD, format!("{other} is neither \"cls\" nor \"mean\"")))
            }
        }
    }
}

/// `[rows, hidden]` of states `[rows, length, hidden]`, by a mask `[rows, length]` of ones at
/// tokens.
pub(super) fn mean_over_tokens(states: &Tensor, mask: &Tensor) -> Tensor {
    let weights = mask.to_kind(states.kind()).unsqueeze(-1);
    let sum = |of: &Tensor| of.sum_dim_intlist([1_i64].as_slice(), false, states.kind());
    sum(&(states * &weights)) / sum(&weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_over_tokens_passes_over_padding() {
        let states =
            Tensor::from_slice(&[1_f32, 2.0, 3.0, 4.0, 100.0, 100.0, 5.0, 6.0, 9.0, 9.0, 9.0, 9.0]);
        let mask = Tensor::from_slice(&[1_i64, 1, 0, 1, 0, 0]).view([2, 3]);
        let mean = mean_over_tokens(&states.view([2, 3, 2]), &mask);
        assert_eq!(mean, Tensor::from_slice(&[2_f32, 3.0, 5.0, 6.0]).view([2, 2]));
    }
}
