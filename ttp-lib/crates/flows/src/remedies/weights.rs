//! Class weights for the loss: a row of a small class counts more.

use ttp_base::{Error, Result};

/// Each class weighs the same in all: `rows / (classes · rows of the class)`, as scikit-learn's
/// `class_weight="balanced"` has it. A class without a row weighs 0 and is not counted.
///
/// ```
/// use ttp_flows::remedies::weights::inverse;
/// // Ten rows of two classes: 10 / (2 · 8) and 10 / (2 · 2).
/// assert_eq!(inverse(&[8, 2, 0]), [0.625, 2.5, 0.0]);
/// ```
pub fn inverse(counts: &[usize]) -> Vec<f64> {
    let rows: usize = counts.iter().sum();
    let classes = counts.iter().filter(|count| **count > 0).count();
    let weight = |count: usize| rows as f64 / (classes * count) as f64;
    counts.iter().map(|&count| if count == 0 { 0.0 } else { weight(count) }).collect()
}

/// By the effective number of rows, `(1 − βⁿ) / (1 − β)`: the more rows a class has, the less a
/// further one tells. The weights are its inverse, scaled so that they add up to the number of
/// classes that have a row (Cui et al., *Class-Balanced Loss Based on Effective Number of
/// Samples*, 2019). With β 0 all weigh the same; towards 1 they become [`inverse`]'s, scaled.
///
/// ```
/// use ttp_flows::remedies::weights::effective_number;
/// // With β 0.5, one row is 1 and two are 1.5: weights 1 and 2/3, scaled to add up to 2.
/// let weights = effective_number(&[1, 2], 0.5)?;
/// assert!((weights[0] - 1.2).abs() < 1e-12 && (weights[1] - 0.8).abs() < 1e-12);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If `beta` is not from 0 to 1, 1 itself left out.
pub fn effective_number(counts: &[usize], beta: f64) -> Result<Vec<f64>> {
    if !(0.0..1.0).contains(&beta) {
        let reason = format!("{beta} is not from 0 to below 1");
        return Err(Error::Setting { field: "remedies.effective_number", reason });
    }
    let inverse = |&count: &usize| match count {
        0 => 0.0,
        count => (1.0 - beta) / (1.0 - beta.powf(count as f64)),
    };
    let weights: Vec<f64> = counts.iter().map(inverse).collect();
    let classes = counts.iter().filter(|count| **count > 0).count() as f64;
    let sum: f64 = weights.iter().sum();
    Ok(weights
        .into_iter()
        .map(|weight| if sum > 0.0 { weight * classes / sum } else { 0.0 })
        .collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn effective_numbers_lie_between_equal_and_inverse_weights() {
        let counts = [500, 50, 5, 0];
        assert_eq!(effective_number(&counts, 0.0).unwrap(), [1.0, 1.0, 1.0, 0.0]);
        let limit = effective_number(&counts, 1.0 - 1e-9).unwrap();
        let inverse = inverse(&counts);
        let scale = 3.0 / inverse.iter().sum::<f64>();
        for (weight, inverse) in limit.iter().zip(&inverse) {
            assert!((weight - inverse * scale).abs() < 1e-4, "{limit:?} {inverse:?}");
        }
        for beta in [1.0, -0.1, f64::NAN] {
            assert!(effective_number(&counts, beta).is_err());
        }
    }
}
