//! Multinomial logistic regression.

use super::weights::Weights;
use super::words::Row;
use rayon::prelude::*;
use std::collections::VecDeque;
use ttp_base::{Error, Result};

/// The length of the gradient at which training ends. The penalty makes every weight's curvature at
/// least 1/C, so with C = 1 the weights are then within 1e-6 of the optimum's.
const TOLERANCE: f64 = 1e-6;
/// Far beyond what texts need (some tens to hundreds).
const MOST_STEPS: usize = 10_000;
/// Steps that L-BFGS remembers.
const MEMORY: usize = 10;
/// Numbers that one task adds up: sums do not depend on the number of threads.
const AT_ONCE: usize = 1 << 14;

/// Trains multinomial logistic regression: the weights W and intercepts b with the smallest
/// `c · Σ −log softmax(W·xᵢ + b)[yᵢ] + ½‖W‖²`. That is scikit-learn's `LogisticRegression(C=c)`,
/// which does not penalise the intercepts. Of two classes scikit-learn penalises the difference
/// alone, which is twice as much: so it is here, and of the two scores the difference is
/// scikit-learn's decision value.
///
/// `labels` are classes below `classes`, one a row, and each class needs a row; `width` is the
/// number of columns. The method is L-BFGS (Nocedal and Wright, *Numerical Optimization*, 2006,
/// algorithm 7.4), its first guess of the curvature scaled by each column's squares.
///
/// # Errors
/// If the optimum is not reached after 10,000 steps.
pub fn fit(
    rows: &[Row],
    width: usize,
    labels: &[usize],
    classes: usize,
    c: f64,
) -> Result<Weights> {
    let problem = Problem::new(rows, width, labels, classes, c);
    let at = minimise(&problem).ok_or_else(|| Error::Library {
        what: "training a logistic regression",
        reason: format!("with C = {c} it is not solved after {MOST_STEPS} steps"),
    })?;
    let weight = |column: usize, class: usize| at[column * classes + class];
    Ok(Weights::new(width, classes, weight, |class| weight(width, class)))
}

/// The loss as a function of all weights and, last, the intercepts: of each column those of all
/// classes stand together.
struct Problem<'a> {
    rows: &'a [Row],
    labels: &'a [usize],
    width: usize,
    classes: usize,
    penalty: f64,
    /// The rows by column: which rows hold it, with which value.
    columns: Vec<Row>,
}

impl<'a> Problem<'a> {
    fn new(rows: &'a [Row], width: usize, labels: &'a [usize], classes: usize, c: f64) -> Self {
        let mut columns = vec![Row::new(); width];
        for (at, row) in (0..).zip(rows) {
            row.iter().for_each(|&(column, value)| columns[column as usize].push((at, value)));
        }
        columns.push((0..rows.len() as u32).map(|at| (at, 1.0)).collect());
        // Of two classes the weights are each other's negative, and the penalty of both together
        // half that of their difference.
        let penalty = if classes == 2 { 2.0 / c } else { 1.0 / c };
        Self { rows, labels, width, classes, penalty, columns }
    }

    /// The loss, divided by c, and its gradient.
    fn loss(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let classes = self.classes;
        // Of each row the probabilities, less 1 for its own class.
        let mut errors = vec![0.0; self.rows.len() * classes];
        let losses: Vec<f64> = errors
            .par_chunks_mut(classes)
            .zip(self.rows)
            .zip(self.labels)
            .map(|((errors, row), &label)| {
                errors.copy_from_slice(&at[self.width * classes..]);
                for &(column, value) in row {
                    let weights = &at[column as usize * classes..][..classes];
                    errors.iter_mut().zip(weights).for_each(|(sum, w)| *sum += value * w);
                }
                let highest = errors.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let own = errors[label] - highest;
                errors.iter_mut().for_each(|score| *score = (*score - highest).exp());
                let sum: f64 = errors.iter().sum();
                errors.iter_mut().for_each(|part| *part /= sum);
                errors[label] -= 1.0;
                sum.ln() - own
            })
            .collect();
        let mut gradient = vec![0.0; at.len()];
        gradient.par_chunks_mut(classes).zip(&self.columns).for_each(|(sums, column)| {
            for &(row, value) in column {
                let errors = &errors[row as usize * classes..][..classes];
                sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += value * error);
            }
        });
        let weights = &at[..self.width * classes];
        gradient.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += self.penalty * weight);
        (losses.iter().sum::<f64>() + 0.5 * self.penalty * dot(weights, weights), gradient)
    }

    /// One over the curvature of each number at the start, where all classes are equally likely.
    fn scale(&self) -> Vec<f64> {
        let spread = (1.0 - 1.0 / self.classes as f64) / self.classes as f64;
        let curvature = |(at, column): (usize, &Row)| {
            let squares: f64 = column.iter().map(|(_, value)| value * value).sum();
            let penalty = if at < self.width { self.penalty } else { 0.0 };
            1.0 / (spread * squares + penalty)
        };
        let scales = self.columns.iter().enumerate().map(curvature);
        scales.flat_map(|scale| std::iter::repeat_n(scale, self.classes)).collect()
    }
}

/// Where the loss is smallest, from all zeros; `None` if that takes too long.
fn minimise(problem: &Problem) -> Option<Vec<f64>> {
    let scale = problem.scale();
    let mut at = vec![0.0; scale.len()];
    let (mut loss, mut gradient) = problem.loss(&at);
    // The last steps, the gradient's change over each, and 1 over their product.
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for _ in 0..MOST_STEPS {
        if dot(&gradient, &gradient).sqrt() <= TOLERANCE {
            return Some(at);
        }
        let direction = downhill(&gradient, &memory, &scale);
        let slope = dot(&direction, &gradient);
        let mut length = 1.0;
        let (moved, (moved_loss, moved_gradient)) = loop {
            let mut moved = at.clone();
            add(&mut moved, length, &direction);
            let reached = problem.loss(&moved);
            // The last digits of the loss are rounding: near the optimum they decide nothing.
            if reached.0 <= loss + 1e-4 * length * slope + 1e-13 * loss.abs() {
                break (moved, reached);
            }
            length *= 0.5;
            if length < 1e-10 {
                return None;
            }
        };
        let mut step = moved.clone();
        add(&mut step, -1.0, &at);
        let mut change = moved_gradient.clone();
        add(&mut change, -1.0, &gradient);
        let product = dot(&step, &change);
        if product > 0.0 {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((step, change, 1.0 / product));
        }
        (at, loss, gradient) = (moved, moved_loss, moved_gradient);
    }
    None
}

/// L-BFGS's direction: the gradient, times what the last steps tell of the inverse Hessian, negated.
fn downhill(
    gradient: &[f64],
    memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    scale: &[f64],
) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (step, change, inverse) in memory.iter().rev() {
        let share = inverse * dot(step, &direction);
        add(&mut direction, -share, change);
        shares.push(share);
    }
    // How much flatter the last step was than the scale says.
    let ratio = memory.back().map_or(1.0, |(_, change, inverse)| {
        let scaled: Vec<f64> = change.iter().zip(scale).map(|(y, scale)| y * scale).collect();
        1.0 / (inverse * dot(change, &scaled))
    });
    direction.iter_mut().zip(scale).for_each(|(d, scale)| *d *= ratio * scale);
    for ((step, change, inverse), share) in memory.iter().zip(shares.into_iter().rev()) {
        let other = inverse * dot(change, &direction);
        add(&mut direction, share - other, step);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let parts = a.par_chunks(AT_ONCE).zip(b.par_chunks(AT_ONCE));
    let sums: Vec<f64> = parts.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum()).collect();
    sums.iter().sum()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.par_chunks_mut(AT_ONCE).zip(what.par_chunks(AT_ONCE)).for_each(|(to, what)| {
        to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
    });
}
