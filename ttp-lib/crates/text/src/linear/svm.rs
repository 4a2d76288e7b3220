//! One-vs-rest linear support vector machines with squared hinge loss.

use super::weights::Weights;
use super::words::Row;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use ttp_base::{Error, Result};

/// Classes solved side by side: a column's weights of four stand together, a row is read once for all
/// of them, and the processor's vectors hold them.
const LANES: usize = 4;
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
/// The method is dual coordinate descent with shrinking: Hsieh et al., *A Dual Coordinate Descent
/// Method for Large-scale Linear SVM* (ICML 2008, <https://doi.org/10.1145/1390156.1390208>),
/// algorithm 3, for four classes at a time: a row rests when none of them needs it. `labels` are classes below `classes`, one a row; `width` is the number of columns.
/// The optimum is unique, and `seed` decides in which order rows are visited on the way to it.
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
    let diagonal = 0.5 / c;
    let curvatures: Vec<f64> = rows
        .iter()
        .map(|row| row.iter().map(|(_, value)| value * value).sum::<f64>() + 1.0 + diagonal)
        .collect();
    let firsts: Vec<usize> = (0..classes).step_by(LANES).collect();
    let solved: Option<Vec<Vec<Lanes>>> = firsts
        .into_par_iter()
        .map(|first| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(first as u64);
            Block { rows, width, labels, first, curvatures: &curvatures, diagonal }.solve(&mut rng)
        })
        .collect();
    let solved = solved.ok_or_else(|| Error::Library {
        what: "training a support vector machine",
        reason: format!("with C = {c} it is not solved after {MOST_EPOCHS} epochs"),
    })?;
    let weight = |column: usize, class: usize| solved[class / LANES][column][class % LANES];
    Ok(Weights::new(width, classes, weight, |class| weight(width, class)))
}

/// Some classes, each against all others.
struct Block<'a> {
    rows: &'a [Row],
    width: usize,
    labels: &'a [usize],
    /// The first of its classes.
    first: usize,
    /// Of each row, the second derivative of the dual.
    curvatures: &'a [f64],
    /// What squared hinge loss adds to the dual's diagonal: 1 / 2c.
    diagonal: f64,
}

impl Block<'_> {
    /// The weights of each column and, last, the intercepts; `None` if that takes too long.
    fn solve(&self, rng: &mut ChaCha8Rng) -> Option<Vec<Lanes>> {
        let mut weights = vec![[0.0; LANES]; self.width + 1];
        let mut alphas = vec![[0.0; LANES]; self.rows.len()];
        // The first `active` rows are visited; the others rest at 0 for now.
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let mut active = order.len();
        // A row at 0 whose gradient is above what any had in the epoch before will hardly move.
        let mut bounds = [f64::INFINITY; LANES];
        for _ in 0..MOST_EPOCHS {
            order[..active].shuffle(rng);
            let (mut highest, mut lowest) = ([f64::NEG_INFINITY; LANES], [f64::INFINITY; LANES]);
            let mut next = 0;
            while next < active {
                let at = order[next];
                let scores = self.scores(at, &weights);
                let (mut steps, mut rests) = ([0.0; LANES], true);
                for lane in 0..LANES {
                    let sign = if self.labels[at] == self.first + lane { 1.0 } else { -1.0 };
                    let alpha = alphas[at][lane];
                    let gradient = sign * scores[lane] - 1.0 + self.diagonal * alpha;
                    if alpha == 0.0 && gradient > bounds[lane] {
                        continue;
                    }
                    rests = false;
                    let projected = if alpha > 0.0 { gradient } else { gradient.min(0.0) };
                    highest[lane] = highest[lane].max(projected);
                    lowest[lane] = lowest[lane].min(projected);
                    let moved = (alpha - gradient / self.curvatures[at]).max(0.0);
                    steps[lane] = sign * (moved - alpha);
                    alphas[at][lane] = moved;
                }
                if rests {
                    active -= 1;
                    order.swap(next, active);
                    continue;
                }
                next += 1;
                if steps != [0.0; LANES] {
                    self.step(at, &steps, &mut weights);
                }
            }
            bounds = highest.map(|high| if high > 0.0 { high } else { f64::INFINITY });
            if highest.iter().zip(&lowest).all(|(high, low)| high - low <= TOLERANCE) {
                if active == order.len() {
                    return Some(weights);
                }
                // All rows have a say before it counts as solved.
                active = order.len();
                bounds = [f64::INFINITY; LANES];
            }
        }
        None
    }

    fn scores(&self, at: usize, weights: &[Lanes]) -> Lanes {
        let mut scores = weights[self.width];
        for &(column, value) in &self.rows[at] {
            for (score, weight) in scores.iter_mut().zip(&weights[column as usize]) {
                *score += value * weight;
            }
        }
        scores
    }

    fn step(&self, at: usize, steps: &Lanes, weights: &mut [Lanes]) {
        let bias = (self.width as u32, 1.0);
        for &(column, value) in self.rows[at].iter().chain([&bias]) {
            for (weight, step) in weights[column as usize].iter_mut().zip(steps) {
                *weight += value * step;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn the_loss_has_no_slope_where_training_ends() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for c in [0.5, 20.0] {
            let (width, classes) = (30, 6);
            let labels: Vec<usize> = (0..300).map(|at| at % classes).collect();
            let mut row = |label: usize| -> Row {
                let mut value = |column: u32| {
                    let own = f64::from(u8::from(column as usize % classes == label));
                    (column, rng.random_range(0.0..1.0) + 0.5 * own)
                };
                (label as u32 % 2..width as u32).step_by(2).map(&mut value).collect()
            };
            let rows: Vec<Row> = labels.iter().map(|&label| row(label)).collect();
            let weights = fit(&rows, width, &labels, classes, c, 1).unwrap();
            for class in 0..classes {
                let own = |column: usize| weights.column(column)[class];
                let mut slopes: Vec<f64> = (0..width).map(own).collect();
                slopes.push(weights.intercepts()[class]);
                for (row, &label) in rows.iter().zip(&labels) {
                    let sign = if label == class { 1.0 } else { -1.0 };
                    let missing = (1.0 - sign * weights.scores(row)[class]).max(0.0);
                    for &(column, value) in row.iter().chain([&(width as u32, 1.0)]) {
                        slopes[column as usize] -= 2.0 * c * missing * sign * value;
                    }
                }
                assert!(slopes.iter().all(|slope| slope.abs() < 1e-3 * c), "{c}: {slopes:?}");
            }
        }
    }
}
