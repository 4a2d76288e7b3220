//! One-vs-rest linear support vector machines with squared hinge loss.

use super::weights::Weights;
use super::words::Row;
use crate::{Error, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Classes solved side by side: a column's weights of eight are one line of the cache, which is
/// fetched once for all of them, and the processor's vectors hold them.
const LANES: usize = 8;
/// A class is solved when the projected gradients of one epoch lie no farther apart. scikit-learn
/// stops at 1e-4 by default; at 1e-7 decision values are the optimum's to about that.
const TOLERANCE: f64 = 1e-7;
/// Far beyond what texts need (some tens).
const MOST_EPOCHS: usize = 10_000;

type Lanes = [f64; LANES];

/// Trains one SVM a class against all others: for each class, the weights w and the intercept b
/// with the smallest `½(‖w‖² + b²) + c · Σ max(0, 1 − yᵢ(w·xᵢ + b))²`, where yᵢ is 1 for the rows
/// of the class and −1 for all others. That is scikit-learn's `LinearSVC(C=c)`, which penalises the
/// intercept, too.
///
/// The method is dual coordinate descent: Hsieh et al., *A Dual Coordinate Descent Method for
/// Large-scale Linear SVM* (ICML 2008), algorithm 1 with random permutation. Its shrinking leaves
/// out rows that a class no longer needs; here eight classes pass over the rows together, which
/// saves more. `labels` are classes below `classes`, one a row; `width` is the number of columns.
/// The optimum is unique, and `seed` decides the order in which rows are visited on the way to it.
///
/// # Errors
/// If a class is not solved after 10,000 epochs, which only a very large `c` can bring about.
pub fn fit(
    rows: &[Row],
    width: usize,
    labels: &[usize],
    classes: usize,
    c: f64,
    seed: u64,
) -> Result<Weights> {
    let first: Vec<usize> = (0..classes).step_by(LANES).collect();
    let blocks: Vec<Option<Vec<Lanes>>> = first
        .par_iter()
        .map(|&first| solve(rows, width, labels, first, c, &mut ChaCha8Rng::seed_from_u64(seed)))
        .collect();
    let blocks: Option<Vec<_>> = blocks.into_iter().collect();
    let blocks = blocks.ok_or_else(|| Error::Library {
        what: "training a support vector machine",
        reason: format!("with C = {c} it is not solved after {MOST_EPOCHS} epochs"),
    })?;
    let weight = |column: usize, class: usize| blocks[class / LANES][column][class % LANES];
    Ok(Weights::new(width, classes, weight, |class| weight(width, class)))
}

/// The weights of the classes from `first` on, one entry a column, and the intercepts as the last
/// entry; `None` if that takes too long.
fn solve(
    rows: &[Row],
    width: usize,
    labels: &[usize],
    first: usize,
    c: f64,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Lanes>> {
    let mut weights = vec![[0.0; LANES]; width + 1];
    let mut alphas = vec![[0.0; LANES]; rows.len()];
    let diagonal = 0.5 / c;
    let curvature: Vec<f64> = rows
        .iter()
        .map(|row| row.iter().map(|(_, value)| value * value).sum::<f64>() + 1.0 + diagonal)
        .collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    for _ in 0..MOST_EPOCHS {
        order.shuffle(rng);
        let (mut highest, mut lowest) = ([f64::NEG_INFINITY; LANES], [f64::INFINITY; LANES]);
        for &at in &order {
            let mut scores = weights[width];
            for &(column, value) in &rows[at] {
                let weights = &weights[column as usize];
                for lane in 0..LANES {
                    scores[lane] += value * weights[lane];
                }
            }
            let mut steps = [0.0; LANES];
            for lane in 0..LANES {
                let sign = if labels[at] == first + lane { 1.0 } else { -1.0 };
                let alpha = &mut alphas[at][lane];
                let gradient = sign * scores[lane] - 1.0 + diagonal * *alpha;
                let projected = if *alpha > 0.0 { gradient } else { gradient.min(0.0) };
                highest[lane] = highest[lane].max(projected);
                lowest[lane] = lowest[lane].min(projected);
                let moved = (*alpha - gradient / curvature[at]).max(0.0);
                steps[lane] = sign * (moved - *alpha);
                *alpha = moved;
            }
            if steps == [0.0; LANES] {
                continue;
            }
            for &(column, value) in &rows[at] {
                let weights = &mut weights[column as usize];
                for lane in 0..LANES {
                    weights[lane] += value * steps[lane];
                }
            }
            for lane in 0..LANES {
                weights[width][lane] += steps[lane];
            }
        }
        if highest.iter().zip(&lowest).all(|(high, low)| high - low <= TOLERANCE) {
            return Some(weights);
        }
    }
    None
}
