//! Adam and AdamW with clipping by the global norm, in one pass over the weights.
//!
//! libtorch's own optimizer makes a dozen passes over every tensor, which is a
//! third of a small model's step on two cores. Here each number of a weight, its
//! gradient and its two moments are read once and written once.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// Which optimizer, by the field's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Adam (Kingma and Ba, 2015): no weight decay.
    Adam,
    /// AdamW (Loshchilov and Hutter, 2017): decay decoupled from the gradient, none
    /// on biases and layer norms.
    AdamW,
}

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Numbers handled by one task. The norm is added up in this grain whatever the
/// number of threads, so that their number changes no result.
const GRAIN: usize = 1 << 16;

struct Parameter {
    variable: Tensor,
    first: Tensor,
    second: Tensor,
    weight_decay: f64,
}

/// The optimizer's state: two moments for each weight, and the number of steps made.
pub struct Optimizer {
    parameters: Vec<Parameter>,
    clip_norm: f64,
    steps: i32,
}

impl Optimizer {
    /// Starts with zero moments for the named variables.
    pub fn new(
        variables: Vec<(String, Tensor)>,
        algorithm: Algorithm,
        weight_decay: f64,
        clip_norm: f64,
    ) -> Self {
        let parameters = variables
            .into_iter()
            .map(|(name, variable)| {
                let decays = algorithm == Algorithm::AdamW
                    && !name.ends_with(".bias")
                    && !is_layer_norm(&name);
                Parameter {
                    first: variable.detach().zeros_like(),
                    second: variable.detach().zeros_like(),
                    weight_decay: if decays { weight_decay } else { 0.0 },
                    variable,
                }
            })
            .collect();
        Self { parameters, clip_norm, steps: 0 }
    }

    /// One step down the gradient of `loss` at `learning_rate`. Gives the
    /// gradient's global norm before clipping.
    pub fn step(&mut self, loss: &Tensor, learning_rate: f64) -> f64 {
        let variables: Vec<&Tensor> = self.parameters.iter().map(|p| &p.variable).collect();
        // Gradients are taken as new tensors: nothing to zero, nothing to add to.
        let gradients: Vec<Tensor> = Tensor::run_backward(&[loss], &variables, false, false)
            .into_iter()
            .map(|gradient| gradient.contiguous())
            .collect();
        self.steps += 1;
        let norm = squared_norms(&gradients).sqrt();
        let clip = if norm > self.clip_norm { self.clip_norm / (norm + 1e-6) } else { 1.0 };
        let first_correction = 1.0 - FIRST_DECAY.powi(self.steps);
        let second_correction = 1.0 - SECOND_DECAY.powi(self.steps);
        for (parameter, gradient) in self.parameters.iter_mut().zip(&gradients) {
            let rates = Rates {
                clip: clip as f32,
                keep: (1.0 - learning_rate * parameter.weight_decay) as f32,
                step: (learning_rate / first_correction) as f32,
                second_scale: (1.0 / second_correction.sqrt()) as f32,
            };
            if plain(&parameter.variable) && plain(gradient) {
                update_slices(parameter, gradient, rates);
            } else {
                update_tensors(parameter, gradient, rates);
            }
        }
        norm
    }
}

/// BERT's spelling and that of RoBERTa's head.
pub(crate) fn is_layer_norm(name: &str) -> bool {
    name.contains("LayerNorm") || name.contains("layer_norm")
}

/// The factors of one step.
#[derive(Clone, Copy)]
struct Rates {
    /// On the gradient.
    clip: f32,
    /// On the weight: what decay leaves of it.
    keep: f32,
    /// Learning rate over the first moment's bias correction.
    step: f32,
    /// One over the root of the second moment's bias correction.
    second_scale: f32,
}

/// Whether a tensor is single precision in main memory without gaps.
fn plain(tensor: &Tensor) -> bool {
    tensor.device() == Device::Cpu && tensor.kind() == Kind::Float && tensor.is_contiguous()
}

/// The sum of all gradients' squared norms. On another device they are added up there and
/// read once: each number read waits for all that was asked of the device before.
fn squared_norms(gradients: &[Tensor]) -> f64 {
    if gradients.iter().all(plain) {
        return gradients.iter().map(squared_norm).sum();
    }
    let square = |gradient: &Tensor| gradient.to_kind(Kind::Float).square().sum(Kind::Double);
    let squares: Vec<Tensor> = gradients.iter().map(square).collect();
    Tensor::stack(&squares, 0).sum(Kind::Double).double_value(&[])
}

/// The squared norm of a gradient for which [`plain`] holds.
fn squared_norm(gradient: &Tensor) -> f64 {
    let partial: Vec<f64> = numbers(gradient)
        .par_chunks(GRAIN)
        .map(|chunk| {
            // Eight sums side by side, so that the compiler can use the processor's lanes.
            let mut sums = [0_f32; 8];
            let mut total = 0_f64;
            for block in chunk.chunks(1024) {
                let (eights, rest) = block.as_chunks::<8>();
                for eight in eights {
                    for (sum, x) in sums.iter_mut().zip(eight) {
                        *sum += x * x;
                    }
                }
                total += sums.iter().map(|&s| f64::from(s)).sum::<f64>();
                total += rest.iter().map(|&x| f64::from(x * x)).sum::<f64>();
                sums = [0.0; 8];
            }
            total
        })
        .collect();
    partial.iter().sum()
}

/// The numbers of a tensor for which [`plain`] holds.
pub(crate) fn numbers(tensor: &Tensor) -> &[f32] {
    debug_assert!(plain(tensor));
    // SAFETY: `plain` was checked by the caller: `numel` single-precision numbers
    // lie one after the other at `data_ptr`, and the tensor outlives the slice.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) }
}

/// As [`numbers`], to be written.
fn numbers_mut(tensor: &mut Tensor) -> &mut [f32] {
    debug_assert!(plain(tensor));
    // SAFETY: as in `numbers`; nothing else reads or writes these four tensors
    // during a step: the moments are the optimizer's own, the gradient is new, and
    // the forward pass that read the variable is over.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}

fn update_slices(parameter: &mut Parameter, gradient: &Tensor, rates: Rates) {
    let (second_decay, epsilon) = (SECOND_DECAY as f32, EPSILON as f32);
    // Taken in double precision: 1 - 0.999_f32 is off by five parts in 100,000.
    let (first_share, second_share) = ((1.0 - FIRST_DECAY) as f32, (1.0 - SECOND_DECAY) as f32);
    numbers_mut(&mut parameter.variable)
        .par_chunks_mut(GRAIN)
        .zip(numbers_mut(&mut parameter.first).par_chunks_mut(GRAIN))
        .zip(numbers_mut(&mut parameter.second).par_chunks_mut(GRAIN))
        .zip(numbers(gradient).par_chunks(GRAIN))
        .for_each(|(((weights, firsts), seconds), gradients)| {
            for (((weight, first), second), gradient) in
                weights.iter_mut().zip(firsts).zip(seconds).zip(gradients)
            {
                let g = gradient * rates.clip;
                *first += (g - *first) * first_share;
                *second = *second * second_decay + g * g * second_share;
                let root = second.sqrt() * rates.second_scale + epsilon;
                *weight = *weight * rates.keep - rates.step * *first / root;
            }
        });
}

/// The same step in libtorch's own operations, for other devices and kinds.
fn update_tensors(parameter: &mut Parameter, gradient: &Tensor, rates: Rates) {
    tch::no_grad(|| {
        let g = gradient * f64::from(rates.clip);
        let _ = parameter.first.lerp_(&g, 1.0 - FIRST_DECAY);
        parameter.second *= SECOND_DECAY;
        parameter.second += g.square() * (1.0 - SECOND_DECAY);
        let root = parameter.second.sqrt() * f64::from(rates.second_scale) + EPSILON;
        parameter.variable *= f64::from(rates.keep);
        parameter.variable -= &parameter.first / root * f64::from(rates.step);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three steps on f(w) = Σ w³ from w = (1, -2, 3), lr 0.1, decay 0.01, no
    /// clipping; the numbers are PyTorch's (see the golden script).
    fn three_steps(algorithm: Algorithm, clip: f64) -> Vec<f32> {
        let w = Tensor::from_slice(&[1.0_f32, -2.0, 3.0]).set_requires_grad(true);
        let mut optimizer =
            Optimizer::new(vec![("w.weight".into(), w.shallow_clone())], algorithm, 0.01, clip);
        for _ in 0..3 {
            let loss = w.pow_tensor_scalar(3).sum(Kind::Float);
            optimizer.step(&loss, 0.1);
        }
        Vec::try_from(w.detach()).unwrap_or_default()
    }

    #[test]
    fn slices_and_tensors_make_the_same_step() {
        let make = || {
            let mut parameter = Parameter {
                variable: Tensor::from_slice(&[0.5_f32, -1.5, 2.5]),
                first: Tensor::from_slice(&[0.1_f32, 0.2, -0.3]),
                second: Tensor::from_slice(&[0.01_f32, 0.02, 0.03]),
                weight_decay: 0.01,
            };
            parameter.weight_decay = 0.01;
            parameter
        };
        let gradient = Tensor::from_slice(&[1.0_f32, -2.0, 0.0]);
        let rates = Rates { clip: 0.7, keep: 0.999, step: 0.05, second_scale: 1.5 };
        let (mut by_slice, mut by_tensor) = (make(), make());
        update_slices(&mut by_slice, &gradient, rates);
        update_tensors(&mut by_tensor, &gradient, rates);
        for (a, b) in [
            (&by_slice.variable, &by_tensor.variable),
            (&by_slice.first, &by_tensor.first),
            (&by_slice.second, &by_tensor.second),
        ] {
            assert!((a - b).abs().max().double_value(&[]) < 1e-6, "{a:?} {b:?}");
        }
    }

    #[test]
    fn norms_are_the_same_by_slice_and_by_tensor() {
        let plain = [Tensor::from_slice(&[3.0_f32, 4.0]), Tensor::from_slice(&[12.0_f32])];
        let mixed = [Tensor::from_slice(&[3.0_f64, 4.0]), Tensor::from_slice(&[12.0_f32])];
        assert_eq!((squared_norms(&plain), squared_norms(&mixed)), (169.0, 169.0));
    }

    #[test]
    fn agrees_with_pytorch() {
        for (algorithm, clip, golden) in golden::STEPS {
            let ours = three_steps(algorithm, clip);
            for (a, b) in ours.iter().zip(golden) {
                assert!((a - b).abs() < 2e-6, "{algorithm:?} {clip}: {ours:?}, PyTorch {golden:?}");
            }
        }
    }

    mod golden {
        use super::Algorithm;
        include!("../../tests/golden/optimizer.rs");
    }
}
