//! What MPNet has of its own (Song et al., *MPNet: Masked and Permuted Pre-training for Language
//! Understanding*, 2020): the names of its variables, and one table for all layers that adds to
//! each attention score a number for how far the key stands from the query.

use super::variables::ModelVariables;
use crate::pretrained::BUCKETS;
use rust_bert::bert::BertConfig;
use tch::Tensor;
use tch::nn::{self, Init};
use ttp_base::{Error, Result};

/// Distances below it have a bucket each, in each of the two directions.
const EXACT: i64 = BUCKETS / 4;

/// Makes the variables of an MPNet in `place`, under transformers' names, all of them zero.
pub(super) fn make_variables(place: &nn::Path, config: &BertConfig, pooler: bool) {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let table = |name: &str, rows, columns| {
        drop(at(place, name).var("weight", &[rows, columns], Init::Const(0.0)));
    };
    let linear = |name: &str, from, to| {
        table(name, to, from);
        drop(at(place, name).var("bias", &[to], Init::Const(0.0)));
    };
    let norm = |name: &str| {
        drop(at(place, name).var("weight", &[hidden], Init::Const(1.0)));
        drop(at(place, name).var("bias", &[hidden], Init::Const(0.0)));
    };
    table("embeddings.word_embeddings", config.vocab_size, hidden);
    table("embeddings.position_embeddings", config.max_position_embeddings, hidden);
    norm("embeddings.LayerNorm");
    table("encoder.relative_attention_bias", BUCKETS, config.num_attention_heads);
    for number in 0..config.num_hidden_layers {
        let layer = format!("encoder.layer.{number}");
        for part in ["q", "k", "v", "o"] {
            linear(&format!("{layer}.attention.attn.{part}"), hidden, hidden);
        }
        norm(&format!("{layer}.attention.LayerNorm"));
        linear(&format!("{layer}.intermediate.dense"), hidden, inner);
        linear(&format!("{layer}.output.dense"), inner, hidden);
        norm(&format!("{layer}.output.LayerNorm"));
    }
    if pooler {
        linear("pooler.dense", hidden, hidden);
    }
}

/// The place of a name with dots in it.
fn at<'a>(place: &nn::Path<'a>, name: &str) -> nn::Path<'a> {
    name.split('.').fold(place.clone(), |place, part| place / part)
}

/// What the distance between two tokens adds to their attention score, of every head.
pub(super) struct RelativePositions {
    /// `[buckets, heads]`.
    table: Tensor,
}

impl RelativePositions {
    /// Over the variables of [`make_variables`].
    pub fn new(named: &ModelVariables) -> Result<Self> {
        let table = named.find("encoder.relative_attention_bias.weight")?;
        match table.size()[0] {
            BUCKETS => Ok(Self { table }),
            rows => Err(Error::Library {
                what: "building the encoder",
                reason: format!("{rows} buckets of relative positions, and {BUCKETS} are known"),
            }),
        }
    }

    /// For texts of `length` tokens: `[1, heads, length, length]`, row by query, column by key.
    pub fn bias(&self, length: i64) -> Tensor {
        let buckets: Vec<i64> =
            (0..length).flat_map(|query| (0..length).map(move |key| bucket(key - query))).collect();
        let buckets = Tensor::from_slice(&buckets).to_device(self.table.device());
        // One row of numbers a head from the start, so that they lie as attention reads them.
        let by_head = self.table.transpose(0, 1).index_select(1, &buckets);
        by_head.view([1, -1, length, length])
    }
}

/// The bucket of a key that stands `distance` tokens after its query (before it where
/// negative), as transformers' `relative_position_bucket` has it with 32 buckets and a largest
/// distance of 128: 0 to 7 have a bucket each, the others share eight by their logarithm, and
/// keys after the query have sixteen of their own.
///
/// In whole numbers: `8 + ⌊8 · ln(n / 8) / ln(128 / 8)⌋ ≥ 8 + k` just if `n² ≥ 64 · 2ᵏ`.
fn bucket(distance: i64) -> i64 {
    let (direction, n) = (i64::from(distance > 0) * BUCKETS / 2, distance.abs());
    if n < EXACT {
        return direction + n;
    }
    let shared = BUCKETS / 2 - EXACT;
    let above = (1..shared).filter(|k| n * n >= (EXACT * EXACT) << k).count() as i64;
    direction + EXACT + above
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_transformers() {
        let golden = include_str!("../../../../tests/golden/mpnet.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let most = golden["largest_distance"].as_i64().unwrap();
        let ours: Vec<i64> = (-most..=most).map(bucket).collect();
        assert_eq!(serde_json::json!(ours), golden["buckets"]);
    }

    #[test]
    fn near_distances_have_a_bucket_each_and_far_ones_share() {
        let before: Vec<i64> = [0, 1, 7, 8, 11, 12, 16, 23, 32, 45, 46, 64, 90, 91, 128, 511]
            .map(|n| bucket(-n))
            .to_vec();
        assert_eq!(before, [0, 1, 7, 8, 8, 9, 10, 11, 12, 12, 13, 14, 14, 15, 15, 15]);
        assert!((1..600).all(|n| bucket(n) == bucket(-n) + 16));
    }
}
