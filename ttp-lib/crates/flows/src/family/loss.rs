//! The supervised contrastive loss.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use ttp_base::settings;
use ttp_base::settings::above;

/// How much of the supervised contrastive loss is added to the cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contrastive {
    /// What it is multiplied by; above 0.
    pub weight: f64,
    /// The temperature τ; above 0. Khosla et al. train with 0.1.
    pub temperature: f64,
}

settings!(
    Contrastive, "family.training.contrastive", { weight: above(0.0), temperature: above(0.0) }
);

/// The supervised contrastive loss of a batch (Khosla et al., *Supervised Contrastive Learning*,
/// NeurIPS 2020, `L_out`, equation 2): vectors of one class are pulled together, others apart.
///
/// `− mean over anchors i of 1/|P(i)| · Σ p∈P(i) log( exp(zᵢ·z_p/τ) / Σ a≠i exp(zᵢ·z_a/τ) )`
///
/// `vectors` are `[rows, dimensions]` of any length and are normalised here, `labels` are `[rows]`.
/// `P(i)` are the other rows of the anchor's class; an anchor without any is left out of the mean,
/// and where no anchor has one the loss is 0.
///
/// ```
/// use tch::Tensor;
/// use ttp_flows::family::supervised_contrastive;
/// // Two rows of class 0 in the same direction, one of class 1 at a right angle, τ = 1.
/// let vectors = Tensor::from_slice(&[2.0, 0.0, 1.0, 0.0, 0.0, 3.0]).view([3, 2]);
/// let labels = Tensor::from_slice(&[0_i64, 0, 1]);
/// let loss = supervised_contrastive(&vectors, &labels, 1.0).double_value(&[]);
/// // Each of the two anchors: −log(e¹ / (e¹ + e⁰)); the third has no other row of its class.
/// assert!((loss - (1.0 + (-1.0_f64).exp()).ln()).abs() < 1e-12);
/// ```
pub fn supervised_contrastive(vectors: &Tensor, labels: &Tensor, temperature: f64) -> Tensor {
    if vectors.size()[0] < 2 {
        // The last batch of a pass may be one row: without others there is no logarithm to take.
        return vectors.sum(vectors.kind()) * 0.0;
    }
    let lengths = vectors.norm_scalaropt_dim(2.0, [1], true).clamp_min(1e-12);
    let unit = vectors / lengths;
    let rows = unit.size()[0];
    let itself = Tensor::eye(rows, (Kind::Bool, vectors.device()));
    let scores = unit.matmul(&unit.transpose(0, 1)) / temperature;
    let among_others = scores.masked_fill(&itself, f64::NEG_INFINITY).logsumexp([1], true);
    let same = labels.unsqueeze(0).eq_tensor(&labels.unsqueeze(1));
    let positive = same.logical_and(&itself.logical_not()).to_kind(vectors.kind());
    let positives = positive.sum_dim_intlist([1_i64].as_slice(), false, vectors.kind());
    let log_shares = (&scores - among_others) * positive;
    let of_anchors = log_shares.sum_dim_intlist([1_i64].as_slice(), false, vectors.kind())
        / positives.clamp_min(1.0);
    let anchors = positives.gt(0.0).to_kind(vectors.kind()).sum(vectors.kind()).clamp_min(1.0);
    -of_anchors.sum(vectors.kind()) / anchors
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    #[test]
    fn agrees_with_the_reference() {
        let text = include_str!("../../../../tests/golden/family.json");
        let golden: Value = serde_json::from_str(text).unwrap();
        let cases = golden["contrastive"].as_array().unwrap();
        assert!(cases.len() >= 4);
        for case in cases {
            let rows: Vec<f64> =
                case["vectors"].as_array().unwrap().iter().flat_map(numbers).collect();
            let labels: Vec<i64> = numbers(&case["labels"]).into_iter().map(|x| x as i64).collect();
            let shape = [labels.len() as i64, (rows.len() / labels.len()) as i64];
            let vectors = Tensor::from_slice(&rows).view(shape).set_requires_grad(true);
            let labels = Tensor::from_slice(&labels);
            let temperature = case["temperature"].as_f64().unwrap();
            let loss = supervised_contrastive(&vectors, &labels, temperature);
            let expected = case["value"].as_f64().unwrap();
            assert!((loss.double_value(&[]) - expected).abs() < 1e-9, "{expected}");
            let gradient = Tensor::run_backward(&[&loss], &[&vectors], false, false);
            let gradient = Vec::<f64>::try_from(gradient[0].view([-1])).unwrap();
            let golden: Vec<f64> =
                case["gradient"].as_array().unwrap().iter().flat_map(numbers).collect();
            assert_eq!(gradient.len(), golden.len());
            for (ours, theirs) in gradient.iter().zip(golden) {
                assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
            }
        }
    }

    #[test]
    fn without_a_pair_of_one_class_it_is_nothing() {
        let vectors = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 1.0]).view([2, 2]);
        let vectors = vectors.set_requires_grad(true);
        let loss = supervised_contrastive(&vectors, &Tensor::from_slice(&[0_i64, 1]), 0.1);
        assert_eq!(loss.double_value(&[]), 0.0);
        let gradient = Tensor::run_backward(&[&loss], &[&vectors], false, false);
        assert_eq!(gradient[0].abs().max().double_value(&[]), 0.0);
        // Nor does a row alone, or one without a direction, make it no number.
        for rows in [1, 3] {
            let vectors = Tensor::zeros([rows, 2], (Kind::Float, tch::Device::Cpu));
            let vectors = vectors.set_requires_grad(true);
            let labels = Tensor::zeros([rows], (Kind::Int64, tch::Device::Cpu));
            let loss = supervised_contrastive(&vectors, &labels, 0.1);
            let gradient = Tensor::run_backward(&[&loss], &[&vectors], false, false);
            let steepest = gradient[0].abs().max().double_value(&[]);
            let loss = loss.double_value(&[]);
            assert!(loss.is_finite() && steepest.is_finite(), "{rows} {loss} {steepest}");
        }
    }
}
