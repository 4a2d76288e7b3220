//! Whether two classifiers that judged the same rows differ by more than chance.

use super::check_rows;
use serde::{Deserialize, Serialize};
use ttp_base::{Error, Result};

/// Rows on which exactly one of two classifiers is right; rows on which both are, or
/// neither is, say nothing of which is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Discordant {
    /// Rows that only the first names right.
    pub only_first: u64,
    /// Rows that only the second names right.
    pub only_second: u64,
}

impl Discordant {
    /// Counts them over rows, by class indices.
    ///
    /// ```
    /// use ttp_metrics::Discordant;
    /// let found = Discordant::count(&[0, 1, 1, 2], &[0, 1, 1, 0], &[0, 0, 2, 0])?;
    /// assert_eq!(found, Discordant { only_first: 2, only_second: 0 });
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no row, or truth and predictions are not as many.
    pub fn count(truth: &[usize], first: &[usize], second: &[usize]) -> Result<Self> {
        check_rows(usize::MAX, truth, first)?;
        check_rows(usize::MAX, truth, second)?;
        let mut found = Self::default();
        for ((truth, first), second) in truth.iter().zip(first).zip(second) {
            match (first == truth, second == truth) {
                (true, false) => found.only_first += 1,
                (false, true) => found.only_second += 1,
                _ => {}
            }
        }
        Ok(found)
    }

    /// The p-value of [`mcnemar_exact`].
    pub fn p_value(self) -> f64 {
        mcnemar_exact(self.only_first, self.only_second)
    }
}

/// McNemar's test in its exact form, two-sided: were both classifiers equally good,
/// each of the `n = b + c` rows on which one alone is right would be either's with
/// probability ½, so that `b` is binomial:
///
/// `p = min(1, 2 · P(X ≤ min(b, c)))`, `X ~ Binomial(b + c, ½)`, and 1 where `b + c = 0`
///
/// (McNemar, *Note on the sampling error of the difference between correlated
/// proportions or percentages*, Psychometrika 12, 1947; the exact form in Fagerland,
/// Lydersen and Laake, *The McNemar test for binary matched-pairs data*, 2013,
/// <https://doi.org/10.1186/1471-2288-13-91>). Takes time in proportion to the smaller
/// count. A p-value too small for a 64-bit float, from some 1,075 rows all on one
/// side, is 0.
///
/// ```
/// use ttp_metrics::mcnemar_exact;
/// // 2 rows against 8: 2 · (1 + 10 + 45) / 2¹⁰
/// assert_eq!(mcnemar_exact(2, 8), 2.0 * 56.0 / 1024.0);
/// assert_eq!(mcnemar_exact(8, 2), mcnemar_exact(2, 8));
/// assert_eq!(mcnemar_exact(5, 5), 1.0);
/// ```
pub fn mcnemar_exact(b: u64, c: u64) -> f64 {
    let (fewer, more) = (b.min(c), b.max(c));
    (2.0 * lower_tail(fewer, more)).min(1.0)
}

/// `P(X ≤ k)` of `X ~ Binomial(k + rest, ½)`, `k ≤ rest`, from products alone: no
/// difference of large logarithms takes digits away.
fn lower_tail(k: u64, rest: u64) -> f64 {
    // C(n, k) / 2ⁿ: halved whenever it passes 1, so that it neither over- nor underflows
    // on its way.
    let mut last = 1.0;
    let mut halvings = k.saturating_add(rest);
    for i in 1..=k {
        last *= (rest as f64 + i as f64) / i as f64;
        while last > 1.0 && halvings > 0 {
            last *= 0.5;
            halvings -= 1;
        }
    }
    // The terms below the last, each over the last: they fall to nothing fast.
    let (mut sum, mut term) = (1.0, 1.0);
    for i in (1..=k).rev() {
        term *= i as f64 / (rest as f64 + (k - i) as f64 + 1.0);
        sum += term;
        if term < f64::EPSILON * 1e-3 * sum {
            break;
        }
    }
    scaled_down(last * sum, halvings)
}

/// `value / 2^halvings`.
fn scaled_down(mut value: f64, halvings: u64) -> f64 {
    // 2⁻¹⁰⁷⁵ is 0: a larger step changes nothing, and two keep what lies between.
    let mut left = halvings.min(2_200);
    while left > 0 {
        let step = left.min(1_000);
        value *= 0.5_f64.powi(step as i32);
        left -= step;
    }
    value
}

/// Holm's correction for several tests at once: p-values that can each be held against
/// a level `α`, while the chance of even one false alarm among all stays at most `α`,
/// whatever the tests have to do with each other. Of `m` p-values in rising order,
///
/// `adjusted(i) = min(1, max over j ≤ i of (m − j + 1) · p(j))`, `i, j` from 1
///
/// (Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian
/// Journal of Statistics 6, 1979). The results stand in the order of what was given.
///
/// ```
/// use ttp_metrics::holm;
/// // In rising order 0.01 · 3, 0.02 · 2, 0.04 · 1.
/// let adjusted = holm(&[0.04, 0.01, 0.02])?;
/// assert_eq!(adjusted, [0.04, 0.03, 0.04]);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If one is not from 0 to 1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    if let Some(wrong) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        let reason = format!("{wrong} is not from 0 to 1");
        return Err(Error::Setting { field: "p_values", reason });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut highest: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        let tests_left = (p_values.len() - rank) as f64;
        highest = highest.max(tests_left * p_values[at]).min(1.0);
        adjusted[at] = highest;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_row_that_tells_them_apart_is_no_evidence() {
        assert_eq!(mcnemar_exact(0, 0), 1.0);
        assert_eq!(Discordant::default().p_value(), 1.0);
        assert_eq!(mcnemar_exact(0, 1), 1.0);
        assert_eq!(mcnemar_exact(0, 5), 2.0 / 32.0);
    }

    #[test]
    fn small_counts_are_the_sums_of_pascals_triangle() {
        for n in 1_u32..=40 {
            for k in 0..=n / 2 {
                let mut binomial = 1_u64;
                let mut sum = 0;
                for i in 0..=u64::from(k) {
                    sum += binomial;
                    binomial = binomial * (u64::from(n) - i) / (i + 1);
                }
                let expected = (2.0 * sum as f64 / 2f64.powi(n as i32)).min(1.0);
                let found = mcnemar_exact(u64::from(k), u64::from(n - k));
                assert!((found / expected - 1.0).abs() < 1e-14, "{k} of {n}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_smallest_values_end_in_nought() {
        assert_eq!(mcnemar_exact(0, 1_000), 2f64.powi(-999));
        assert_eq!(mcnemar_exact(0, 1_074), 2f64.powi(-1_000) * 2f64.powi(-73));
        assert_eq!(mcnemar_exact(0, 2_000), 0.0);
        assert_eq!(mcnemar_exact(0, u64::MAX), 0.0);
    }

    #[test]
    fn holm_never_falls_and_never_passes_one() {
        assert!(holm(&[]).unwrap().is_empty());
        assert_eq!(holm(&[0.6, 0.7]).unwrap(), [1.0, 1.0]);
        assert_eq!(holm(&[0.0, 1.0, 0.0]).unwrap(), [0.0, 1.0, 0.0]);
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert!(holm(&[0.5, wrong]).unwrap_err().to_string().contains("p_values"));
        }
    }

    #[test]
    fn rows_that_do_not_belong_together_are_refused() {
        assert!(Discordant::count(&[], &[], &[]).is_err());
        assert!(Discordant::count(&[0, 1], &[0, 1], &[0]).is_err());
    }
}
