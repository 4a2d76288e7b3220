//! The focal loss.

use tch::{Kind, Tensor};

/// The focal loss of a batch (Lin, Goyal, Girshick, He and Dollár, *Focal Loss for Dense Object
/// Detection*, ICCV 2017, equation 5): the cross-entropy of each row, the less of it the surer the
/// row's class is already. `mean over rows of −w · (1 − p)^γ · log p`, p being the probability of
/// the row's class and w that class's weight.
///
/// `logits` are `[rows, classes]`, `labels` `[rows]`, `class_weights` `[classes]`. γ = 0 without
/// weights is the cross-entropy. The mean is over rows, not over their weights, as in the paper.
///
/// ```
/// use tch::Tensor;
/// use ttp_flows::family::netml::focal_loss;
/// // Two classes, p = 3/4 for the right one: −(1/4)² · ln(3/4).
/// let logits = Tensor::from_slice(&[3.0_f64.ln(), 0.0]).view([1, 2]);
/// let labels = Tensor::from_slice(&[0_i64]);
/// let loss = focal_loss(&logits, &labels, 2.0, None).double_value(&[]);
/// assert!((loss + 0.0625 * 0.75_f64.ln()).abs() < 1e-12);
/// ```
pub fn focal_loss(
    logits: &Tensor,
    labels: &Tensor,
    gamma: f64,
    class_weights: Option<&Tensor>,
) -> Tensor {
    let log_shares = logits.log_softmax(1, logits.kind());
    let of_class = log_shares.gather(1, &labels.unsqueeze(1), false).squeeze_dim(1);
    let mut losses = -&of_class;
    if gamma != 0.0 {
        // 1 − p, which rounding must not bring below 0: the power's slope would be no number.
        let left = (of_class.exp().neg() + 1.0).clamp_min(1e-12);
        losses *= left.pow_tensor_scalar(gamma);
    }
    if let Some(weights) = class_weights {
        losses *= weights.index_select(0, labels);
    }
    losses.mean(None::<Kind>)
}
