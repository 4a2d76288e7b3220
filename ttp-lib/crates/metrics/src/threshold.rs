//! Two classes and a threshold: pairs that are similar or not, a score for each, and
//! what is called similar from some score upwards.
//!
//! Names and edge cases are scikit-learn's (`average_precision_score`, `roc_auc_score`,
//! `matthews_corrcoef`; a quotient with nothing under the line is 0);
//! `environment/golden/similarity.py` holds them to it.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::scores::{f_beta, quotient};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use ttp_base::{Error, Result};

/// The confusion matrix of two classes: what is similar, and what was called so.
///
/// ```
/// let counts = ttp_metrics::BinaryCounts { tp: 49, fp: 10, fn_: 233, tn: 173 };
/// assert_eq!(counts.to_string(), "TP 49, FN 233, FP 10, TN 173");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BinaryCounts {
    /// Similar, and called so.
    pub tp: u64,
    /// Not similar, and called similar.
    pub fp: u64,
    /// Similar, and not called so.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// Not similar, and not called so.
    pub tn: u64,
}

impl fmt::Display for BinaryCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tp, fp, fn_, tn } = self;
        write!(f, "TP {tp}, FN {fn_}, FP {fp}, TN {tn}")
    }
}

/// Why a model's yes and no say nothing, however high its F1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Empty {
    /// Every pair is called similar.
    AlwaysYes,
    /// No pair is called similar.
    AlwaysNo,
    /// It is right no more often than whoever always names the larger class.
    NoBetterThanMajority,
    /// It is right more often than that, but by no more than chance: its accuracy's interval
    /// holds the larger class's share.
    WithinChanceOfMajority,
}

impl fmt::Display for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlwaysYes => "calls every pair similar",
            Self::AlwaysNo => "calls no pair similar",
            Self::NoBetterThanMajority => "no better than the larger class",
            Self::WithinChanceOfMajority => "no better than the larger class, but for chance",
        })
    }
}

impl BinaryCounts {
    /// Counts what a threshold makes of scores: similar is what has it or more.
    ///
    /// ```
    /// use ttp_metrics::BinaryCounts;
    /// let counts = BinaryCounts::at(&[0.9, 0.5, 0.4], &[true, false, true], 0.5)?;
    /// assert_eq!(counts, BinaryCounts { tp: 1, fp: 1, fn_: 1, tn: 0 });
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no score, one is not finite, or there are not as many of both.
    pub fn at(scores: &[f64], truth: &[bool], threshold: f64) -> Result<Self> {
        check(scores, truth)?;
        let mut counts = Self::default();
        for (score, truth) in scores.iter().zip(truth) {
            match (*truth, *score >= threshold) {
                (true, true) => counts.tp += 1,
                (false, true) => counts.fp += 1,
                (true, false) => counts.fn_ += 1,
                (false, false) => counts.tn += 1,
            }
        }
        Ok(counts)
    }

    /// Number of pairs.
    pub fn total(&self) -> u64 {
        self.tp + self.fp + self.fn_ + self.tn
    }

    /// Share of pairs that are right.
    pub fn accuracy(&self) -> f64 {
        self.weighted().accuracy()
    }

    /// Of the pairs called similar, the share that is.
    pub fn precision(&self) -> f64 {
        self.weighted().precision()
    }

    /// Of the similar pairs, the share that is called so.
    pub fn recall(&self) -> f64 {
        self.weighted().recall()
    }

    /// Harmonic mean of precision and recall.
    ///
    /// ```
    /// use ttp_metrics::BinaryCounts;
    /// // 282 of 465 pairs are similar. Whoever calls all of them so has:
    /// let always = BinaryCounts { tp: 282, fp: 183, fn_: 0, tn: 0 };
    /// assert_eq!(format!("{:.4} {:.4}", always.accuracy(), always.f1()), "0.6065 0.7550");
    /// ```
    pub fn f1(&self) -> f64 {
        self.weighted().f1()
    }

    /// Matthews' correlation coefficient (1975), from −1 to 1: 0 where yes and no say
    /// nothing of the truth, and where one of the four sums under the line is 0.
    ///
    /// ```
    /// use ttp_metrics::BinaryCounts;
    /// assert_eq!(BinaryCounts { tp: 282, fp: 183, fn_: 0, tn: 0 }.mcc(), 0.0);
    /// // (6·3 − 1·2) / √(7·8·4·5)
    /// let counts = BinaryCounts { tp: 6, fp: 1, fn_: 2, tn: 3 };
    /// assert!((counts.mcc() - 16.0 / 1120_f64.sqrt()).abs() < 1e-15);
    /// ```
    pub fn mcc(&self) -> f64 {
        self.weighted().mcc()
    }

    /// The share of the larger class: what always naming it would get right.
    pub fn majority_share(&self) -> f64 {
        let (similar, other) = (self.tp + self.fn_, self.fp + self.tn);
        quotient(similar.max(other) as f64, self.total() as f64)
    }

    /// Whether yes and no say nothing.
    ///
    /// ```
    /// use ttp_metrics::{BinaryCounts, Empty};
    /// let basic = BinaryCounts { tp: 282, fp: 183, fn_: 0, tn: 0 };
    /// assert_eq!(basic.empty(), Some(Empty::AlwaysYes));
    /// // Right on 222 of 465; always saying yes, on 282.
    /// let baseline = BinaryCounts { tp: 49, fp: 10, fn_: 233, tn: 173 };
    /// assert_eq!(baseline.empty(), Some(Empty::NoBetterThanMajority));
    /// assert_eq!(BinaryCounts { tp: 5, fp: 1, fn_: 2, tn: 6 }.empty(), None);
    /// ```
    pub fn empty(&self) -> Option<Empty> {
        let (yes, no) = (self.tp + self.fp, self.fn_ + self.tn);
        let (similar, other) = (self.tp + self.fn_, self.fp + self.tn);
        match (yes, no) {
            (_, 0) => Some(Empty::AlwaysYes),
            (0, _) => Some(Empty::AlwaysNo),
            _ if self.tp + self.tn <= similar.max(other) => Some(Empty::NoBetterThanMajority),
            _ => None,
        }
    }

    fn weighted(&self) -> WeightedCounts {
        let [tp, fp, fn_, tn] = [self.tp, self.fp, self.fn_, self.tn].map(|count| count as f64);
        WeightedCounts { tp, fp, fn_, tn }
    }
}

/// As [`BinaryCounts`], where each pair counts with a weight of its own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WeightedCounts {
    /// Similar, and called so.
    pub tp: f64,
    /// Not similar, and called similar.
    pub fp: f64,
    /// Similar, and not called so.
    pub fn_: f64,
    /// Not similar, and not called so.
    pub tn: f64,
}

impl WeightedCounts {
    /// As [`BinaryCounts::accuracy`].
    pub fn accuracy(&self) -> f64 {
        quotient(self.tp + self.tn, self.tp + self.fp + self.fn_ + self.tn)
    }

    /// As [`BinaryCounts::precision`].
    pub fn precision(&self) -> f64 {
        quotient(self.tp, self.tp + self.fp)
    }

    /// As [`BinaryCounts::recall`].
    pub fn recall(&self) -> f64 {
        quotient(self.tp, self.tp + self.fn_)
    }

    /// As [`BinaryCounts::f1`].
    pub fn f1(&self) -> f64 {
        f_beta(self.tp, self.tp + self.fn_, self.tp + self.fp, 1.0)
    }

    /// As [`BinaryCounts::mcc`].
    pub fn mcc(&self) -> f64 {
        let Self { tp, fp, fn_, tn } = *self;
        let sums = (tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_);
        quotient(tp * tn - fp * fn_, sums.sqrt())
    }
}

/// What a threshold is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// The share of pairs that are right.
    Accuracy,
    /// F1 of the similar pairs. Where many pairs are similar, calling all of them so comes
    /// near its highest value.
    F1,
    /// Matthews' correlation coefficient.
    Mcc,
}

/// Scores with their truth, the highest first.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Indices of the scores, the highest score first.
    order: Vec<u32>,
    /// Whether a place in `order` is the last of equal scores.
    last_of_equals: Vec<bool>,
    truth: Vec<bool>,
    scores: Vec<f64>,
}

impl Ranking {
    /// Sorts scores.
    ///
    /// # Errors
    /// As [`BinaryCounts::at`].
    pub fn new(scores: &[f64], truth: &[bool]) -> Result<Self> {
        check(scores, truth)?;
        let Ok(count) = u32::try_from(scores.len()) else {
            return Err(wrong("scores", format!("{} are too many", scores.len())));
        };
        let mut order: Vec<u32> = (0..count).collect();
        let score = |at: u32| scores[at as usize];
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        let is_last = |place: usize| {
            order.get(place + 1).is_none_or(|&next| score(next) != score(order[place]))
        };
        let last_of_equals = (0..order.len()).map(is_last).collect();
        Ok(Self { order, last_of_equals, truth: truth.to_vec(), scores: scores.to_vec() })
    }

    /// Number of scores.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none; never, by [`new`](Self::new).
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Average precision: precision at each threshold, weighted by what it adds to recall,
    /// from 0 to 1; 0 where nothing is similar. For scores that say nothing it is about the
    /// share of similar pairs.
    ///
    /// ```
    /// use ttp_metrics::Ranking;
    /// let ranking = Ranking::new(&[0.9, 0.8, 0.7, 0.6], &[true, false, true, false])?;
    /// // Recall grows by a half at the first (precision 1) and at the third (2/3).
    /// assert!((ranking.average_precision() - (0.5 * 1.0 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn average_precision(&self) -> f64 {
        self.average_precision_of(|_| 1.0)
    }

    /// As [`average_precision`](Self::average_precision), each pair with a weight of at least 0.
    pub fn average_precision_weighted(&self, weights: &[f64]) -> f64 {
        self.average_precision_of(|at| weights[at])
    }

    /// The area under the curve of recall over the false-positive rate: the chance that a
    /// similar pair has a higher score than another one, ties by half. 0.5 where one of the
    /// two kinds is not there.
    ///
    /// ```
    /// use ttp_metrics::Ranking;
    /// let ranking = Ranking::new(&[0.9, 0.8, 0.8, 0.6], &[true, false, true, false])?;
    /// // Of four comparisons three are won, and one is a tie.
    /// assert_eq!(ranking.roc_auc(), 3.5 / 4.0);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn roc_auc(&self) -> f64 {
        self.roc_auc_of(|_| 1.0)
    }

    /// As [`roc_auc`](Self::roc_auc), each pair with a weight of at least 0.
    pub fn roc_auc_weighted(&self, weights: &[f64]) -> f64 {
        self.roc_auc_of(|at| weights[at])
    }

    /// The counts at a threshold, each pair with a weight.
    pub fn counts_weighted(&self, threshold: f64, weights: &[f64]) -> WeightedCounts {
        let mut counts = WeightedCounts::default();
        for ((score, truth), weight) in self.scores.iter().zip(&self.truth).zip(weights) {
            *match (truth, *score >= threshold) {
                (true, true) => &mut counts.tp,
                (false, true) => &mut counts.fp,
                (true, false) => &mut counts.fn_,
                (false, false) => &mut counts.tn,
            } += weight;
        }
        counts
    }

    /// The threshold at which `criterion` is highest, of equals the highest threshold; it
    /// lies midway between two neighbouring scores.
    ///
    /// ```
    /// use ttp_metrics::{Criterion, Ranking};
    /// let ranking = Ranking::new(&[0.9, 0.8, 0.5, 0.1], &[true, true, false, false])?;
    /// assert!((ranking.best_threshold(Criterion::Accuracy) - 0.65).abs() < 1e-15);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn best_threshold(&self, criterion: Criterion) -> f64 {
        let value = |counts: &BinaryCounts| match criterion {
            Criterion::Accuracy => counts.accuracy(),
            Criterion::F1 => counts.f1(),
            Criterion::Mcc => counts.mcc(),
        };
        let similar = self.truth.iter().filter(|truth| **truth).count() as u64;
        let others = self.len() as u64 - similar;
        let mut counts = BinaryCounts { tp: 0, fp: 0, fn_: similar, tn: others };
        let score = |place: usize| self.scores[self.order[place] as usize];
        // Above the highest score: nothing is similar.
        let mut best = (value(&counts), score(0) + 1.0);
        for (place, &at) in self.order.iter().enumerate() {
            if self.truth[at as usize] {
                (counts.tp, counts.fn_) = (counts.tp + 1, counts.fn_ - 1);
            } else {
                (counts.fp, counts.tn) = (counts.fp + 1, counts.tn - 1);
            }
            if self.last_of_equals[place] && value(&counts) > best.0 {
                let below = if place + 1 < self.len() { score(place + 1) } else { score(place) };
                // Halfway, but never the lower one itself, however near they are.
                let half = score(place) / 2.0 + below / 2.0;
                best = (value(&counts), if half > below { half } else { score(place) });
            }
        }
        best.1
    }

    /// The highest threshold at which at least this share of the similar pairs is called so;
    /// the lowest score where there are none.
    ///
    /// ```
    /// use ttp_metrics::Ranking;
    /// let ranking = Ranking::new(&[0.9, 0.8, 0.5, 0.1], &[true, false, true, false])?;
    /// assert_eq!((ranking.threshold_at_recall(0.5), ranking.threshold_at_recall(0.6)), (0.9, 0.5));
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn threshold_at_recall(&self, recall: f64) -> f64 {
        let similar = self.truth.iter().filter(|truth| **truth).count() as f64;
        let mut found = 0.0;
        for &at in &self.order {
            found += f64::from(u8::from(self.truth[at as usize]));
            if found > 0.0 && found >= recall * similar - 1e-9 {
                return self.scores[at as usize];
            }
        }
        self.order.last().map_or(0.0, |&at| self.scores[at as usize])
    }

    fn average_precision_of(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut similar, mut all, mut found, mut area) = (0.0, 0.0, 0.0, 0.0);
        for (place, &at) in self.order.iter().enumerate() {
            let weight = weight(at as usize);
            all += weight;
            similar += if self.truth[at as usize] { weight } else { 0.0 };
            if self.last_of_equals[place] && similar > found {
                area += (similar - found) * similar / all;
                found = similar;
            }
        }
        quotient(area, similar)
    }

    fn roc_auc_of(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut similar, mut others) = (0.0, 0.0);
        let (mut similar_before, mut others_before, mut won) = (0.0, 0.0, 0.0);
        for (place, &at) in self.order.iter().enumerate() {
            let weight = weight(at as usize);
            *(if self.truth[at as usize] { &mut similar } else { &mut others }) += weight;
            if self.last_of_equals[place] {
                // The others of these equals lose against the similar before them, and tie
                // with those among them.
                won += (others - others_before) * (similar + similar_before) / 2.0;
                (similar_before, others_before) = (similar, others);
            }
        }
        let comparisons = similar * others;
        if comparisons > 0.0 { won / comparisons } else { 0.5 }
    }
}

fn check(scores: &[f64], truth: &[bool]) -> Result<()> {
    if scores.is_empty() {
        return Err(wrong("scores", "there is none".to_owned()));
    }
    if scores.len() != truth.len() {
        return Err(wrong("truth", format!("{} for {} scores", truth.len(), scores.len())));
    }
    match scores.iter().position(|score| !score.is_finite()) {
        Some(at) => Err(wrong("scores", format!("{} at row {at}", scores[at]))),
        None => Ok(()),
    }
}

fn wrong(field: &'static str, reason: String) -> Error {
    Error::Setting { field, reason }
}
