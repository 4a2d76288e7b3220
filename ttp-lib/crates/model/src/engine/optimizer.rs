//! Adam and AdamW with clipping by the global norm, in one pass over the weights.
//!
//! libtorch's own optimizer makes a dozen passes over every tensor, which is a
//! third of a small model's step on two cores. Here each number of a weight, its
//! gradient and its two moments are read once and written once.
//!
//! More than half of a small model is its table of word embeddings, and most rows of that
//! are words that no training sentence has ([`Optimizer::reading_rows`]). Their gradient is
//! always zero: Adam leaves them as they are, and AdamW only decays them, by a factor known
//! beforehand.

mod state;
#[cfg(test)]
mod tests;

pub(in crate::engine) use state::Counts;

use crate::encoder::is_layer_norm;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// Which optimizer, by the field's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Adam (Kingma and Ba, 2015): no weight decay.
    Adam,
    /// AdamW (Loshchilov and Hutter, 2017): decay decoupled from the gradient, none
    /// on biases (MPNet's table of relative positions is one) and layer norms.
    AdamW,
}

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Numbers handled by one task. The norm is added up in this grain whatever the
/// number of threads, so that their number changes no result.
const GRAIN: usize = 1 << 16;

struct Parameter {
    name: String,
    variable: Tensor,
    first: Tensor,
    second: Tensor,
    weight_decay: f64,
    rows: Option<Rows>,
}

/// Which rows of a table are trained.
struct Rows {
    read: Vec<bool>,
    /// What decay leaves of the other rows, since they were last multiplied by it.
    left: f64,
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
                    && !name.ends_with("_bias.weight")
                    && !is_layer_norm(&name);
                Parameter {
                    name,
                    first: variable.detach().zeros_like(),
                    second: variable.detach().zeros_like(),
                    weight_decay: if decays { weight_decay } else { 0.0 },
                    variable,
                    rows: None,
                }
            })
            .collect();
        Self { parameters, clip_norm, steps: 0 }
    }

    /// Says that of the table `name`, `[rows, width]`, training reads only the rows `read`: no
    /// other row ever has a gradient. What happens to the others is put off until
    /// [`settle`](Self::settle). Has no effect on another device than the CPU, nor where
    /// there is no such table.
    #[must_use]
    pub fn reading_rows<'a>(mut self, name: &str, read: impl IntoIterator<Item = &'a u32>) -> Self {
        let table = self.parameters.iter_mut().find(|parameter| parameter.name == name);
        if let Some(table) = table.filter(|table| plain(&table.variable)) {
            let mut rows = vec![false; table.variable.size()[0].unsigned_abs() as usize];
            read.into_iter().for_each(|&row| rows[row as usize] = true);
            table.rows = Some(Rows { read: rows, left: 1.0 });
        }
        self
    }

    /// Decays the rows that no step reads, for all steps since this was last called: to be
    /// called before anything but a step reads the weights.
    pub fn settle(&mut self) {
        for Parameter { variable, rows, .. } in &mut self.parameters {
            let Some(Rows { read, left }) = rows else { continue };
            let width = variable.numel() / read.len().max(1);
            for (row, &read) in numbers_mut(variable).chunks_mut(width.max(1)).zip(read.iter()) {
                if !read {
                    row.iter_mut().for_each(|weight| *weight *= *left as f32);
                }
            }
            *left = 1.0;
        }
    }

    /// One step down the gradient of `loss` at `learning_rate`. Gives the
    /// gradient's global norm before clipping.
    pub fn step(&mut self, loss: &Tensor, learning_rate: f64) -> f64 {
        let variables: Vec<&Tensor> = self.parameters.iter().map(|p| &p.variable).collect();
        // Gradients are taken as new tensors: nothing to zero, nothing to add to.
        let gradients: Vec<Gradient> = Tensor::run_backward(&[loss], &variables, false, false)
            .into_iter()
            .zip(&variables)
            .map(|(gradient, variable)| Gradient::new(&gradient, variable))
            .collect();
        self.steps += 1;
        let norm = squared_norms(&gradients).sqrt();
        let clip = if norm > self.clip_norm { self.clip_norm / (norm + 1e-6) } else { 1.0 };
        let first_correction = 1.0 - FIRST_DECAY.powi(self.steps);
        let second_correction = 1.0 - SECOND_DECAY.powi(self.steps);
        for (parameter, gradient) in self.parameters.iter_mut().zip(&gradients) {
            let keep = 1.0 - learning_rate * parameter.weight_decay;
            let rates = Rates {
                clip: clip as f32,
                keep: keep as f32,
                step: (learning_rate / first_correction) as f32,
                second_scale: (1.0 / second_correction.sqrt()) as f32,
            };
            match gradient {
                Gradient::Rows(gradient) => update_rows(parameter, gradient, rates, keep),
                Gradient::Whole(gradient) if plain(&parameter.variable) && plain(gradient) => {
                    update_slices(parameter, gradient, rates);
                }
                Gradient::Whole(gradient) => update_tensors(parameter, gradient, rates),
            }
        }
        norm
    }
}

/// A variable's gradient.
enum Gradient {
    /// One number for each of the variable's.
    Whole(Tensor),
    /// Of a table, only the rows that the batch read.
    Rows(RowGradient),
}

/// The gradient of some rows of a table; that of the others is zero.
struct RowGradient {
    /// For each row of the table which of `numbers`' rows is its own, or [`NO_ROW`].
    places: Vec<u32>,
    numbers: Vec<f32>,
    width: usize,
}

const NO_ROW: u32 = u32::MAX;

impl Gradient {
    fn new(gradient: &Tensor, variable: &Tensor) -> Self {
        match (gradient.is_sparse(), plain(variable)) {
            (true, true) => Self::Rows(RowGradient::new(gradient, variable)),
            (true, false) => Self::Whole(gradient.to_dense(None::<Kind>, false)),
            (false, _) => Self::Whole(gradient.contiguous()),
        }
    }
}

impl RowGradient {
    /// Adds up what a sparse gradient has for one row in several places (a word that occurs
    /// more than once), in their order. For `variable`, [`plain`] holds, and so for the
    /// gradient's values.
    fn new(sparse: &Tensor, variable: &Tensor) -> Self {
        let size = variable.size();
        let (rows, width) = (size[0].unsigned_abs() as usize, size[1].unsigned_abs() as usize);
        let indices = sparse.internal_indices().contiguous();
        let values = sparse.internal_values().contiguous();
        let mut rows_read = vec![0_i64; indices.numel()];
        indices.view(-1).copy_data(&mut rows_read, indices.numel());
        let mut gradient = Self { places: vec![NO_ROW; rows], numbers: Vec::new(), width };
        for (row, values) in rows_read.iter().zip(numbers(&values).chunks(width.max(1))) {
            let place = &mut gradient.places[row.unsigned_abs() as usize];
            if *place == NO_ROW {
                *place = (gradient.numbers.len() / width) as u32;
                gradient.numbers.extend_from_slice(values);
            } else {
                let sums = &mut gradient.numbers[*place as usize * width..][..width];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        gradient
    }

    fn row(&self, row: usize) -> Option<&[f32]> {
        let place = self.places[row];
        (place != NO_ROW).then(|| &self.numbers[place as usize * self.width..][..self.width])
    }
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
fn squared_norms(gradients: &[Gradient]) -> f64 {
    let here = |gradient: &Gradient| match gradient {
        Gradient::Rows(rows) => Some(squared_norm(&rows.numbers)),
        Gradient::Whole(gradient) => plain(gradient).then(|| squared_norm(numbers(gradient))),
    };
    let elsewhere = |gradient: &Gradient| match gradient {
        Gradient::Whole(gradient) if !plain(gradient) => {
            Some(gradient.to_kind(Kind::Float).square().sum(Kind::Double))
        }
        _ => None,
    };
    let squares: Vec<Tensor> = gradients.iter().filter_map(elsewhere).collect();
    let rest = match squares.as_slice() {
        [] => 0.0,
        squares => Tensor::stack(squares, 0).sum(Kind::Double).double_value(&[]),
    };
    gradients.iter().filter_map(here).sum::<f64>() + rest
}

/// The squared norm of some numbers.
fn squared_norm(numbers: &[f32]) -> f64 {
    let partial: Vec<f64> = numbers
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

/// The numbers of a tensor on the CPU, in single precision and without gaps.
///
/// # Panics
/// If the tensor is another one.
pub fn numbers(tensor: &Tensor) -> &[f32] {
    assert!(plain(tensor), "{tensor:?} is not on the CPU, in single precision, without gaps");
    // SAFETY: the tensor is `plain`: `numel` single-precision numbers lie one after
    // the other at `data_ptr`, and the tensor outlives the slice.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) }
}

/// As [`numbers`], to be written.
fn numbers_mut(tensor: &mut Tensor) -> &mut [f32] {
    assert!(plain(tensor), "{tensor:?} is not on the CPU, in single precision, without gaps");
    // SAFETY: as in `numbers`; nothing else reads or writes these four tensors
    // during a step: the moments are the optimizer's own, the gradient is new, and
    // the forward pass that read the variable is over.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}

fn update_slices(parameter: &mut Parameter, gradient: &Tensor, rates: Rates) {
    numbers_mut(&mut parameter.variable)
        .par_chunks_mut(GRAIN)
        .zip(numbers_mut(&mut parameter.first).par_chunks_mut(GRAIN))
        .zip(numbers_mut(&mut parameter.second).par_chunks_mut(GRAIN))
        .zip(numbers(gradient).par_chunks(GRAIN))
        .for_each(|(((weights, firsts), seconds), gradients)| {
            update(weights, firsts, seconds, gradients, rates);
        });
}

/// The step of a table: rows that training reads have a gradient, if only of zero; the
/// others wait for [`Optimizer::settle`].
fn update_rows(parameter: &mut Parameter, gradient: &RowGradient, rates: Rates, keep: f64) {
    let width = gradient.width;
    let zeros = vec![0.0; width];
    let read = parameter.rows.as_ref().map(|rows| rows.read.as_slice());
    let rows_at_once = (GRAIN / width).max(1);
    let chunk = rows_at_once * width;
    numbers_mut(&mut parameter.variable)
        .par_chunks_mut(chunk)
        .zip(numbers_mut(&mut parameter.first).par_chunks_mut(chunk))
        .zip(numbers_mut(&mut parameter.second).par_chunks_mut(chunk))
        .enumerate()
        .for_each(|(at, ((weights, firsts), seconds))| {
            let rows = weights.chunks_mut(width).zip(firsts.chunks_mut(width));
            let first_row = at * rows_at_once;
            for (row, ((weights, firsts), seconds)) in
                (first_row..).zip(rows.zip(seconds.chunks_mut(width)))
            {
                if read.is_none_or(|read| read[row]) {
                    let gradients = gradient.row(row).unwrap_or(&zeros);
                    update(weights, firsts, seconds, gradients, rates);
                }
            }
        });
    if let Some(rows) = &mut parameter.rows {
        rows.left *= keep;
    }
}

fn update(
    weights: &mut [f32],
    firsts: &mut [f32],
    seconds: &mut [f32],
    gradients: &[f32],
    rates: Rates,
) {
    let (second_decay, epsilon) = (SECOND_DECAY as f32, EPSILON as f32);
    // Taken in double precision: 1 - 0.999_f32 is off by five parts in 100,000.
    let (first_share, second_share) = ((1.0 - FIRST_DECAY) as f32, (1.0 - SECOND_DECAY) as f32);
    for (((weight, first), second), gradient) in
        weights.iter_mut().zip(firsts).zip(seconds).zip(gradients)
    {
        let g = gradient * rates.clip;
        *first += (g - *first) * first_share;
        *second = *second * second_decay + g * g * second_share;
        let root = second.sqrt() * rates.second_scale + epsilon;
        *weight = *weight * rates.keep - rates.step * *first / root;
    }
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
