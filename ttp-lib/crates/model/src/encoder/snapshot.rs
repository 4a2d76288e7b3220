//! Copies of a model's weights, to be put back after training went on.

use tch::Tensor;

/// Copies of weights, in their order, for [`restore`].
pub fn snapshot<'w>(weights: impl IntoIterator<Item = &'w Tensor>) -> Vec<Tensor> {
    weights.into_iter().map(|weight| weight.detach().copy()).collect()
}

/// Puts back what [`snapshot`] took of the same weights in the same order.
pub fn restore(weights: impl IntoIterator<Item = Tensor>, saved: &[Tensor]) {
    tch::no_grad(|| {
        for (mut weight, saved) in weights.into_iter().zip(saved) {
            weight.copy_(saved);
        }
    });
}
