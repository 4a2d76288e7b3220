//! How well a sentence model tells similar sentences from others, on sentences it has not seen.

use super::nearest::nearest;
use super::{Labels, Pairs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ttp_base::{Error, Result};
use ttp_metrics::{BinaryCounts, Bootstrap, Empty, Estimate, Groups, Part, Ranking, Tally};
use ttp_model::encoder::Vectors;

/// Pairs to judge models by, with what the bootstrap draws: their sentences, near-duplicates
/// together.
#[derive(Debug, Clone)]
pub struct TestPairs {
    /// The pairs, by sentences of the corpus.
    pub pairs: Pairs,
    /// The same, by numbers of their own sentences.
    local: Vec<[u32; 2]>,
    groups: Groups,
}

/// What one model came to on some pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairScores {
    /// Area under precision over recall, which needs no threshold.
    pub average_precision: f64,
    /// The chance that a similar pair has a higher score than another one.
    pub roc_auc: f64,
    /// Share of pairs right at the threshold.
    pub accuracy: f64,
    /// Of the pairs called similar, the share that is.
    pub precision: f64,
    /// Of the similar pairs, the share that is called so.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Matthews' correlation coefficient.
    pub mcc: f64,
    /// The cosine from which upwards a pair is called similar.
    pub threshold: f64,
    /// The counts at the threshold.
    pub confusion: BinaryCounts,
    /// Whether yes and no say nothing, whatever the F1.
    pub degenerate: bool,
    /// Why they say nothing.
    pub empty: Option<Empty>,
    /// Each measure with its interval, by the bootstrap over sentences.
    pub intervals: PairIntervals,
}

/// The measures of [`PairScores`] with their intervals; of two models, the differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairIntervals {
    /// As in [`PairScores`].
    pub average_precision: Estimate,
    /// As in [`PairScores`].
    pub roc_auc: Estimate,
    /// As in [`PairScores`].
    pub accuracy: Estimate,
    /// As in [`PairScores`].
    pub precision: Estimate,
    /// As in [`PairScores`].
    pub recall: Estimate,
    /// As in [`PairScores`].
    pub f1: Estimate,
    /// As in [`PairScores`].
    pub mcc: Estimate,
}

impl From<[Estimate; 7]> for PairIntervals {
    fn from(
        [average_precision, roc_auc, accuracy, precision, recall, f1, mcc]: [Estimate; 7],
    ) -> Self {
        Self { average_precision, roc_auc, accuracy, precision, recall, f1, mcc }
    }
}

impl TestPairs {
    /// Takes pairs; `groups` are of all sentences that they are drawn from.
    ///
    /// # Errors
    /// If there is no pair, or one names a sentence that is in no group.
    pub fn new(pairs: Pairs, groups: &Groups) -> Result<Self> {
        let mut number: BTreeMap<u32, u32> =
            pairs.rows.iter().flatten().map(|&sentence| (sentence, 0)).collect();
        number.values_mut().zip(0..).for_each(|(number, next)| *number = next);
        let group_of = groups.of_rows();
        let keys: Option<Vec<usize>> =
            number.keys().map(|&s| group_of.get(s as usize).copied()).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| Error::Setting {
            field: "pairs",
            reason: "there is none, or a sentence is in no group".to_owned(),
        })?;
        let local = pairs.rows.iter().map(|pair| pair.map(|sentence| number[&sentence])).collect();
        Ok(Self { pairs, local, groups: Groups::by(&keys) })
    }

    /// Number of sentences in the pairs.
    pub fn sentences(&self) -> usize {
        self.groups.rows()
    }

    /// Judges scores, one a pair, at a threshold that other pairs have fixed.
    ///
    /// # Errors
    /// If the scores are not of these pairs or not finite, or the bootstrap's settings make
    /// no sense.
    pub fn judge(
        &self,
        scores: &[f64],
        threshold: f64,
        bootstrap: Bootstrap,
    ) -> Result<PairScores> {
        let ranking = Ranking::new(scores, &self.pairs.similar)?;
        let confusion = BinaryCounts::at(scores, &self.pairs.similar, threshold)?;
        let measure = |weights: &[f64]| measures(&ranking, threshold, weights);
        let estimates = bootstrap.over_pairs(&self.groups, &self.local, measure)?;
        let intervals = PairIntervals::from(estimates);
        let by_chance = intervals.accuracy.low <= confusion.majority_share();
        let empty =
            confusion.empty().or_else(|| by_chance.then_some(Empty::WithinChanceOfMajority));
        Ok(PairScores {
            average_precision: intervals.average_precision.value,
            roc_auc: intervals.roc_auc.value,
            accuracy: intervals.accuracy.value,
            precision: intervals.precision.value,
            recall: intervals.recall.value,
            f1: intervals.f1.value,
            mcc: intervals.mcc.value,
            threshold,
            confusion,
            degenerate: empty.is_some(),
            empty,
            intervals,
        })
    }

    /// How much more the first scores come to than the second **on the same pairs**, each at
    /// its own threshold: both are measured on each resample.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn gain(
        &self,
        (first, at_first): (&[f64], f64),
        (second, at_second): (&[f64], f64),
        bootstrap: Bootstrap,
    ) -> Result<PairIntervals> {
        let first = Ranking::new(first, &self.pairs.similar)?;
        let second = Ranking::new(second, &self.pairs.similar)?;
        let measure = |weights: &[f64]| {
            let one = measures(&first, at_first, weights);
            let two = measures(&second, at_second, weights);
            std::array::from_fn(|at| one[at] - two[at])
        };
        Ok(bootstrap.over_pairs(&self.groups, &self.local, measure)?.into())
    }
}

fn measures(ranking: &Ranking, threshold: f64, weights: &[f64]) -> [f64; 7] {
    let counts = ranking.counts_weighted(threshold, weights);
    [
        ranking.average_precision_weighted(weights),
        ranking.roc_auc_weighted(weights),
        counts.accuracy(),
        counts.precision(),
        counts.recall(),
        counts.f1(),
        counts.mcc(),
    ]
}

/// Recall@k of retrieval: the share of `queries` that have a similar sentence among their k
/// nearest of `held` (as in Jégou, Douze and Schmid, *Product quantization*, 2011: one is
/// enough). Queries without a similar sentence among `held` are left out. With intervals by
/// the bootstrap over queries, those of one group together.
///
/// # Errors
/// If no query has a similar sentence among `held`, or the bootstrap's settings make no sense.
pub fn recall_at<const N: usize>(
    ks: [usize; N],
    vectors: &Vectors,
    labels: &Labels,
    (queries, held): (&[u32], &[u32]),
    groups: &Groups,
    bootstrap: Bootstrap,
) -> Result<[(usize, Estimate); N]> {
    let group_of = groups.of_rows();
    let is_answered = |query: &&u32| held.iter().any(|&other| labels.similar(**query, other));
    let queries: Vec<u32> = queries.iter().filter(is_answered).copied().collect();
    if queries.is_empty() {
        let reason = "no query has a similar sentence to find".to_owned();
        return Err(Error::Setting { field: "queries", reason });
    }
    let deepest = ks.iter().copied().max().unwrap_or(0);
    let near = nearest(&vectors.of(&queries), &vectors.of(held), deepest, |_, _| None::<()>)?;
    let keys: Vec<usize> = queries.iter().map(|&query| group_of[query as usize]).collect();
    let (groups, truth) = (Groups::by(&keys), vec![1; queries.len()]);
    let mut answers = [(0, Estimate { value: 0.0, low: 0.0, high: 0.0 }); N];
    for (answer, k) in answers.iter_mut().zip(ks) {
        let hits: Vec<usize> = queries
            .iter()
            .zip(&near)
            .map(|(&query, near)| {
                let mut first = near.found.iter().take(k);
                usize::from(first.any(|n| labels.similar(query, held[n.candidate as usize])))
            })
            .collect();
        let part = Part { classes: 2, truth: &truth, predicted: &hits, groups: &groups };
        *answer = (k, bootstrap.estimate_of(&part, Tally::accuracy)?);
    }
    Ok(answers)
}
