//! How far chance could have moved a share, a class's F1 and the averages; all in closed form,
//! so that the number of rows and classes costs nothing.

use super::SparseConfusion;
use crate::{Estimate, Tally, f_beta, quotient};
use statrs::distribution::{ContinuousCDF, Normal};
use ttp_base::{Error, Result};

/// The two-sided normal quantile of a level: 1.96 of 0.95.
pub(super) fn normal_quantile(level: f64) -> Result<f64> {
    if !(level > 0.0 && level < 1.0) {
        let reason = format!("{level} is not between 0 and 1");
        return Err(Error::Setting { field: "level", reason });
    }
    Ok(Normal::standard().inverse_cdf((1.0 + level) / 2.0))
}

/// A share with Wilson's score interval (Wilson, *Probable inference, the law of succession, and
/// statistical inference*, JASA 22, 1927; recommended for all numbers of rows by Brown, Cai and
/// DasGupta, *Interval estimation for a binomial proportion*, Statistical Science 16, 2001):
///
/// `(p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)`
///
/// It is not empty where all rows or none are right, and never leaves 0 to 1. Of no row the
/// value is 0 and the interval all there is. `z` is the two-sided normal quantile of the interval's
/// level, 1.96 of 0.95.
///
/// Of 8 in 10, by hand: `p = 0.8`, `z²/n = 0.38416`, the middle `(0.8 + 0.19208) / 1.38416 = 0.71674`
/// and the reach `1.96·√(0.016 + 0.009604) / 1.38416 = 0.22658`.
///
/// ```
/// let precision = ttp_metrics::wilson(8, 10, 1.96);
/// assert_eq!(precision.value, 0.8);
/// assert!((precision.low - 0.49016).abs() < 1e-5 && (precision.high - 0.94332).abs() < 1e-5);
/// ```
pub fn wilson(found: u64, of: u64, z: f64) -> Estimate {
    if of == 0 {
        return Estimate { value: 0.0, low: 0.0, high: 1.0 };
    }
    let n = of as f64;
    let p = found as f64 / n;
    let z2 = z * z / n;
    let middle = p + z2 / 2.0;
    let reach = z * (p * (1.0 - p) / n + z2 / (4.0 * n)).sqrt();
    // What rounding leaves of the ends that are exactly 0 and 1 is taken away.
    let low = if found == 0 { 0.0 } else { ((middle - reach) / (1.0 + z2)).clamp(0.0, p) };
    let high = if found == of { 1.0 } else { ((middle + reach) / (1.0 + z2)).clamp(p, 1.0) };
    Estimate { value: p, low, high }
}

/// A class's F1 with its interval. Of the rows that concern the class at all (its own, and those
/// that were given it) a share `J` is right, the Jaccard index, and `F1 = 2J / (1 + J)` rises with
/// it. Given how many concern it, the number that is right is binomial, so the ends of `J`'s
/// Wilson interval become those of F1's.
pub(super) fn f1(correct: u64, support: u64, predicted: u64, z: f64) -> Estimate {
    let jaccard = wilson(correct, support + predicted - correct, z);
    let value = f_beta(correct as f64, support as f64, predicted as f64, 1.0);
    let of = |share: f64| 2.0 * share / (1.0 + share);
    Estimate { value, low: of(jaccard.low).min(value), high: of(jaccard.high).max(value) }
}

/// Macro and weighted F1 with their intervals by the delta method: rows are a multinomial sample
/// of the cells, and what one row more in a cell does to an average, times what the number of rows
/// in that cell varies by, adds up to the average's variance (Takahashi, Yamamoto, Kuchiba and
/// Koyama, *Confidence interval for micro-averaged F1 and macro-averaged F1 scores*, Applied
/// Intelligence 52, 2022, <https://doi.org/10.1007/s10489-021-02635-5>).
///
/// With `d = support + predicted` of a class, a row more of class `t` that is right adds
/// `2(1 − F1)/d` to the class's F1; one that is given class `p` takes `F1/d` from both. In the
/// weighted average a row of `t` also moves the weights, by `(F1 of t − average) / rows`.
pub(super) fn average_f1(counts: &SparseConfusion, tally: &Tally, z: f64) -> (Estimate, Estimate) {
    let rows = counts.total() as f64;
    let classes = tally.classes();
    let sum_of = |class: usize| (tally.support[class] + tally.predicted[class]) as f64;
    let f1: Vec<f64> = (0..classes)
        .map(|class| quotient(2.0 * tally.correct[class] as f64, sum_of(class)))
        .collect();
    let occurring = (0..classes).filter(|&class| sum_of(class) > 0.0).count() as f64;
    let averages = tally.f1();
    let (mut macro_variance, mut weighted_variance) = (0.0, 0.0);
    for cell in counts.cells() {
        let (truth, predicted) = (cell.truth as usize, cell.predicted as usize);
        let weight = |class: usize| tally.support[class] as f64 / rows;
        let (of_macro, of_weighted) = if truth == predicted {
            let step = 2.0 * (1.0 - f1[truth]) / sum_of(truth);
            (step, weight(truth) * step)
        } else {
            let lost = |class: usize| f1[class] / sum_of(class);
            let weighted = weight(truth) * lost(truth) + weight(predicted) * lost(predicted);
            (-lost(truth) - lost(predicted), -weighted)
        };
        let of_macro = of_macro / occurring;
        let of_weighted = of_weighted + (f1[truth] - averages.weighted) / rows;
        macro_variance += cell.count as f64 * of_macro * of_macro;
        weighted_variance += cell.count as f64 * of_weighted * of_weighted;
    }
    let around = |value: f64, variance: f64| {
        let reach = z * variance.sqrt();
        Estimate { value, low: (value - reach).max(0.0), high: (value + reach).min(1.0) }
    };
    (around(averages.macro_, macro_variance), around(averages.weighted, weighted_variance))
}

/// An upper bound of the chance that of `of` independent rows `found` or more fall where they fall
/// with a mean probability of `p`, which need not be the same for all of them (Hoeffding,
/// *Probability inequalities for sums of bounded random variables*, JASA 58, 1963, theorem 1):
///
/// `exp(−n · KL(q ‖ p))`, `q = found / n`, and 1 where `q ≤ p`
pub(super) fn hoeffding(found: u64, of: u64, p: f64) -> f64 {
    let n = of as f64;
    let q = quotient(found as f64, n);
    if of == 0 || q <= p {
        return 1.0;
    }
    let term = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
    (-n * (term(q, p) + term(1.0 - q, 1.0 - p))).exp().min(1.0)
}

/// Holm's correction where only some of `tests` p-values are below 1 and given.
pub(super) fn holm_among(tests: usize, p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut highest: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        let left = tests.max(p_values.len()) - rank;
        highest = highest.max(left as f64 * p_values[at]).min(1.0);
        adjusted[at] = highest;
    }
    adjusted
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Bootstrap, Confusion, holm};

    const Z: f64 = 1.959_963_984_540_054;

    #[test]
    fn quantiles_are_the_tables() {
        assert!((normal_quantile(0.95).unwrap() - Z).abs() < 1e-9);
        assert!((normal_quantile(0.99).unwrap() - 2.575_829_303_548_9).abs() < 1e-9);
        for level in [0.0, 1.0, f64::NAN] {
            assert!(normal_quantile(level).unwrap_err().to_string().starts_with("setting level"));
        }
    }

    #[test]
    fn wilsons_intervals_are_those_in_print() {
        // Newcombe, Two-sided confidence intervals for the single proportion, Statistics in
        // Medicine 17, 1998, table I: method 3.
        for (found, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let share = wilson(found, of, Z);
            assert!((share.low - low).abs() < 5e-5 && (share.high - high).abs() < 5e-5, "{share}");
        }
        assert_eq!(wilson(7, 7, Z).high, 1.0);
        assert_eq!(wilson(0, 0, Z), Estimate { value: 0.0, low: 0.0, high: 1.0 });
    }

    #[test]
    fn intervals_agree_with_the_bootstrap() {
        // Two implementations that share nothing: in closed form, and rows drawn again.
        let rows = [vec![400, 60, 40], vec![30, 150, 20], vec![10, 25, 65]];
        let confusion = Confusion::from_counts(["a", "b", "c"], &rows).unwrap();
        let (mut truth, mut predicted) = (Vec::new(), Vec::new());
        for (t, row) in rows.iter().enumerate() {
            for (p, &count) in row.iter().enumerate() {
                truth.extend(std::iter::repeat_n(t, count as usize));
                predicted.extend(std::iter::repeat_n(p, count as usize));
            }
        }
        let bootstrap = Bootstrap { resamples: 4_000, level: 0.95, seed: 1 };
        let scores = bootstrap.scores(3, &truth, &predicted).unwrap();
        let tally = confusion.tally();
        let (macro_, weighted) = average_f1(&SparseConfusion::from(&confusion), &tally, Z);
        let of_c = |tally: &Tally| tally.class(2, "c").map_or(f64::NAN, |class| class.f1);
        let drawn_of_c = bootstrap.estimate(3, &truth, &predicted, of_c).unwrap();
        for (found, drawn) in [
            (macro_, scores.f1.macro_),
            (weighted, scores.f1.weighted),
            (f1(65, 100, 125, Z), drawn_of_c),
        ] {
            assert_eq!(found.value, drawn.value);
            assert!((found.low - drawn.low).abs() < 0.005, "{found} {drawn}");
            assert!((found.high - drawn.high).abs() < 0.005, "{found} {drawn}");
        }
    }

    #[test]
    fn the_bound_is_above_the_exact_tail() {
        // P(X ≥ k), X ~ Binomial(20, p), term by term.
        for p in [0.05, 0.3, 0.5] {
            for k in 0..=20_u64 {
                let mut exact = 0.0;
                let mut term = (1.0_f64 - p).powi(20);
                for i in 0..=20_u64 {
                    exact += if i >= k { term } else { 0.0 };
                    term *= (20 - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
                }
                let bound = hoeffding(k, 20, p);
                assert!(bound >= exact * (1.0 - 1e-12) && bound <= 1.0, "{k} {p} {bound} {exact}");
            }
        }
        assert_eq!(hoeffding(0, 0, 0.5), 1.0);
        assert!(hoeffding(20, 20, 0.5) < 1e-5);
    }

    #[test]
    fn holm_over_tests_not_given_is_holm_with_ones() {
        let some = [0.001, 0.02, 0.004];
        let all = holm(&[0.001, 0.02, 0.004, 1.0, 1.0, 1.0]).unwrap();
        assert_eq!(holm_among(6, &some), all[..3]);
    }
}
