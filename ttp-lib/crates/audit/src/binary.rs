//! Binary scores: which whole-number confusion matrices round to all of them at once.
//!
//! For a number of positives and of negatives and for each number of true positives, every
//! score leaves one run of false positives: all of them rise or fall with it, Matthews'
//! correlation too. So a set of scores is a walk over the true positives with a few whole
//! divisions each, and the matrices are counted without being listed.

pub use super::binary_score::BinaryScore;
use super::binary_score::{NARROW, Region, WIDE_STEP, Whole, true_positives};
use super::figure::{Exact, Interval, whole};
use super::rates;
pub use super::scores::{Metric, Score, ZeroDivision, exact_score};
use super::scores::{ceil, counts};
use num_bigint::BigInt;
use num_traits::{One, ToPrimitive, Zero};
use ttp_metrics::BinaryCounts;

/// What is known of the examples that matrices were counted on.
#[derive(Debug, Clone)]
pub struct Totals {
    /// The least and the largest number of examples.
    pub total: (u64, u64),
    /// The least and the largest number of positives, where they are known.
    pub positive: Option<(u64, u64)>,
    /// The least and the largest number of negatives, where they are known.
    pub negative: Option<(u64, u64)>,
    /// Whether the total must be the number of all pairs of some items.
    pub pairs: bool,
}

impl Totals {
    /// So many positives and negatives.
    pub fn known(positive: u64, negative: u64) -> Self {
        let total = positive + negative;
        Self {
            total: (total, total),
            positive: Some((positive, positive)),
            negative: None,
            pairs: false,
        }
    }

    /// Any number of examples up to so many.
    pub fn up_to(most: u64) -> Self {
        Self { total: (1, most), positive: None, negative: None, pairs: false }
    }

    fn positives(&self, total: u64) -> (u64, u64) {
        let (mut low, mut high) = self.positive.unwrap_or((0, total));
        if let Some((least, most)) = self.negative {
            low = low.max(total.saturating_sub(most));
            high = if least > total { return (1, 0) } else { high.min(total - least) };
        }
        (low, high.min(total))
    }
}

/// Numbers of examples with which all matrices of a set are possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// Examples.
    pub total: u64,
    /// Positives among them.
    pub positive: u64,
    /// For each matrix of the set, one that gives every figure.
    pub example_counts: Vec<BinaryCounts>,
    /// For each matrix, how many do; where only the first was wanted, of the first true positives.
    pub counts: Vec<u64>,
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The first numbers of examples that fit, by total and positives.
    pub fits: Vec<Fit>,
    /// How many pairs of totals and positives fit, of those looked at.
    pub number: u64,
    /// Whether all that the totals allow was looked at.
    pub whole: bool,
    /// Whether no share of positives can have these rates: then no total can, however large.
    pub nowhere: bool,
}

/// Steps after which a search stops; about a second.
pub const STEPS: u64 = 20_000_000;
/// Fits that are kept.
const KEPT: usize = 20;

/// Looks for the numbers of examples with which every matrix of a set (of the same examples) is
/// possible, from the least total upwards: for the first of them only, or for as many as are kept
/// and one more.
pub fn search(
    matrices: &[Vec<BinaryScore>],
    totals: &Totals,
    first_only: bool,
    mut steps: u64,
) -> Search {
    let mut found = Search { whole: true, ..Search::default() };
    // Where the positives are known there is no share of them to be narrowed.
    let known = totals.total.0 == totals.total.1 && {
        let (from, to) = totals.positives(totals.total.0);
        from >= to
    };
    // Without a positive, or without a negative, rates are divisions by nought.
    let edge = |positive: i128, negative: i128| {
        let none = |score: &BinaryScore| {
            matches!(score.region::<BigInt>(positive, negative), Region::None)
        };
        !known && !matrices.iter().flatten().any(none)
    };
    let (no_positive, no_negative) = (edge(0, 1), edge(1, 0));
    let share = if known { Some((0, GRAIN)) } else { share_of_positives(matrices) };
    found.nowhere = share.is_none() && !no_positive && !no_negative;
    if found.nowhere {
        return found;
    }
    let fine = matrices.iter().flatten().any(BinaryScore::is_fine);
    for total in totals.total.0..=totals.total.1 {
        let step = if fine || total > NARROW { WIDE_STEP } else { 1 };
        if totals.pairs && items_of_pairs(total).is_none() {
            steps = steps.saturating_sub(1);
            if steps == 0 {
                found.whole = false;
                return found;
            }
            continue;
        }
        let (from, to) = totals.positives(total);
        let n = i128::from(total);
        let (first, last) = match share {
            Some((low, high)) => (ceil(low * n, GRAIN) as u64, (high * n / GRAIN) as u64),
            None => (1, 0),
        };
        let inner = match known {
            true => from..=to,
            false => from.max(first).max(1)..=to.min(last).min(total.saturating_sub(1)),
        };
        let none = (no_positive && from == 0).then_some(0);
        let all = (no_negative && to == total && total > 0).then_some(total);
        for positive in none.into_iter().chain(inner).chain(all) {
            steps = steps.saturating_sub(step);
            let mut fit = Fit { total, positive, example_counts: Vec::new(), counts: Vec::new() };
            for scores in matrices {
                let found = walk(scores, positive, total - positive, first_only, &mut steps);
                let Some((count, example)) = found else { break };
                fit.counts.push(count);
                fit.example_counts.push(example);
            }
            if steps == 0 {
                found.whole = false;
                return found;
            }
            if fit.example_counts.len() == matrices.len() {
                found.number += 1;
                if found.fits.len() < KEPT {
                    found.fits.push(fit);
                }
                // More than are kept are only said to be many.
                if first_only || found.number as usize > KEPT {
                    found.whole = false;
                    return found;
                }
            }
        }
    }
    found
}

/// Shares are looked at in so many parts of one.
const GRAIN: i128 = 1_000_000_000_000;

/// The least and the largest share of positives that all matrices' rates leave, in grains: outwards,
/// so that the numbers stay small. Nothing if they leave none.
fn share_of_positives(matrices: &[Vec<BinaryScore>]) -> Option<(i128, i128)> {
    let unit = Interval::closed(Exact::zero(), Exact::one());
    let left = matrices.iter().fold(unit, |left, of| left.and(&rates::prevalence(of)));
    let grains = |end: &Exact| (end * whole(GRAIN)).to_integer().to_i128();
    (!left.is_empty()).then(|| {
        let last = grains(&left.high).map_or(GRAIN, |last| last + 1);
        (grains(&left.low).unwrap_or(0), last.min(GRAIN))
    })
}

/// The items whose pairs are so many: 31 for 465.
pub fn items_of_pairs(pairs: u64) -> Option<u64> {
    let items = ((2.0 * pairs as f64).sqrt() as u64).saturating_sub(1);
    (items..items + 3).find(|n| n * n.saturating_sub(1) / 2 == pairs && *n > 1)
}

/// How many matrices of so many positives and negatives have all the scores, and one of them.
/// `None` if there is none, or the steps ran out.
#[cfg(test)]
pub(super) fn fits(
    scores: &[BinaryScore],
    positive: u64,
    negative: u64,
    steps: &mut u64,
) -> Option<(u64, BinaryCounts)> {
    walk(scores, positive, negative, false, steps)
}

/// How many matrices of so many positives and negatives have all the scores, and one of them; or no
/// further than the first that is found. `None` if there is none, or the steps ran out.
fn walk(
    scores: &[BinaryScore],
    positive: u64,
    negative: u64,
    first_only: bool,
    steps: &mut u64,
) -> Option<(u64, BinaryCounts)> {
    if positive + negative > NARROW || scores.iter().any(BinaryScore::is_fine) {
        walk_in::<BigInt>(scores, positive, negative, first_only, WIDE_STEP, steps)
    } else {
        walk_in::<i128>(scores, positive, negative, first_only, 1, steps)
    }
}

fn walk_in<T: Whole>(
    scores: &[BinaryScore],
    positive: u64,
    negative: u64,
    first_only: bool,
    step: u64,
    steps: &mut u64,
) -> Option<(u64, BinaryCounts)> {
    let (p, n) = (i128::from(positive), i128::from(negative));
    let (first, last) = true_positives::<T>(scores, p, n)?;
    let (mut number, mut example) = (0_u64, None);
    for tp in first..=last {
        if *steps == 0 {
            return None;
        }
        *steps = steps.saturating_sub(step);
        let (mut from, mut to) = (0, n);
        for score in scores {
            let (low, high) = score.false_positives::<T>(tp, p, n);
            (from, to) = (from.max(low), to.min(high));
            if from > to {
                break;
            }
        }
        if from <= to {
            number += (to - from + 1) as u64;
            example.get_or_insert_with(|| counts(tp, p, from, n));
            if first_only {
                break;
            }
        }
    }
    example.map(|example| (number, example))
}
