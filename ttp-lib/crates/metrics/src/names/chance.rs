//! Samples drawn by chance, and what is as extreme among them.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};
use ttp_base::{Error, Result};

/// The generator of one simulation: simulations of one seed do not share their numbers.
pub(super) fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A multinomial sample of `rows` rows over cells of these weights (not all 0, none negative),
/// each cell a binomial share of what the cells before it left.
pub(super) fn multinomial(rng: &mut ChaCha8Rng, rows: u64, weights: &[f64]) -> Result<Vec<u64>> {
    let mut left = rows;
    // Sums from the end: a difference of large sums would make a small last weight inexact.
    let mut from_here = vec![0.0; weights.len() + 1];
    for (at, weight) in weights.iter().enumerate().rev() {
        from_here[at] = from_here[at + 1] + weight;
    }
    let mut drawn = vec![0; weights.len()];
    for (at, &weight) in weights.iter().enumerate() {
        if left == 0 {
            break;
        }
        if weight <= 0.0 {
            continue;
        }
        let share = (weight / from_here[at]).min(1.0);
        let binomial = Binomial::new(left, share).map_err(Error::library("drawing a sample"))?;
        drawn[at] = binomial.sample(rng);
        left -= drawn[at];
    }
    Ok(drawn)
}

/// `(1 + extreme) / (1 + of)`.
pub(super) fn p_value(extreme: usize, of: usize) -> f64 {
    (1.0 + extreme as f64) / (1.0 + of as f64)
}
