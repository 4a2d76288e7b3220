//! The search for faults.

use super::chance;
use super::class::Share;
use super::fault::{ConfusedPair, OverPredictedClass, SwallowedClass, ZeroRecallClass};
use super::settings::DiagnosisSettings;
use super::sparse::{CellCount, SparseConfusion};
use crate::{Tally, quotient};

/// What the search for faults needs at hand.
pub(super) struct Search<'a> {
    pub(super) counts: &'a SparseConfusion,
    pub(super) tally: Tally,
    pub(super) settings: &'a DiagnosisSettings,
    /// Classes that occur in truth or predictions.
    pub(super) occurring: usize,
}

impl Search<'_> {
    fn label(&self, class: u32) -> String {
        self.counts.labels()[class as usize].clone()
    }

    fn support(&self, class: u32) -> u64 {
        self.tally.support[class as usize]
    }

    fn errors(&self, class: u32) -> u64 {
        self.support(class) - self.tally.correct[class as usize]
    }

    fn is_judged(&self, class: u32) -> bool {
        self.support(class) >= self.settings.min_support
    }

    fn share(&self, of: u32, label: u32, count: u64) -> Share {
        let share = quotient(count as f64, self.support(of) as f64);
        Share { label: self.label(label), count, share }
    }

    /// The chance that an error of class `from` goes to `to` where errors spread evenly.
    fn even(&self, from: u32, to: u32) -> f64 {
        let evenly = 1.0 / (self.occurring as f64 - 1.0).max(1.0);
        let others = self.counts.total() - self.support(from);
        evenly.max(quotient(self.support(to) as f64, others as f64)).min(1.0)
    }

    /// Whether `found` of `of` errors are more than an even spread's `p` brings, in the odds; and
    /// how probable they are where they are not.
    fn beyond(&self, found: u64, of: u64, p: f64) -> Option<f64> {
        if p >= 1.0 {
            // But one other class has rows.
            return Some(0.0);
        }
        let (found_, others) = (found as f64, of.saturating_sub(found) as f64);
        let enough = found_ * (1.0 - p) >= self.settings.excess * others * p;
        enough.then(|| chance::hoeffding(found, of, p))
    }

    /// The cells off the diagonal.
    fn errors_by_cell(&self) -> impl Iterator<Item = &CellCount> {
        self.counts.cells().iter().filter(|cell| cell.truth != cell.predicted)
    }

    /// Corrects the p values of what was found, one of each class at most (Holm), and keeps what is
    /// more than chance.
    fn keep_beyond_chance<T>(&self, found: &mut Vec<T>, p_value: fn(&mut T) -> &mut f64) {
        let p_values: Vec<f64> = found.iter_mut().map(|one| *p_value(one)).collect();
        for (one, p) in found.iter_mut().zip(chance::holm_among(self.occurring, &p_values)) {
            *p_value(one) = p;
        }
        found.retain_mut(|one| *p_value(one) <= self.settings.alpha);
    }

    pub(super) fn zero_recall(&self) -> Vec<ZeroRecallClass> {
        let classes = 0..self.counts.labels().len() as u32;
        let lost = classes.filter(|&c| self.support(c) > 0 && self.errors(c) == self.support(c));
        let mut found: Vec<ZeroRecallClass> = lost
            .map(|class| {
                let row = self.counts.row(class).iter();
                let mut goes_to: Vec<Share> =
                    row.map(|cell| self.share(class, cell.predicted, cell.count)).collect();
                goes_to.sort_by_key(|share| std::cmp::Reverse(share.count));
                let (label, support) = (self.label(class), self.support(class));
                ZeroRecallClass { label, support, goes_to }
            })
            .collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.support));
        found
    }

    pub(super) fn swallowed(&self) -> Vec<SwallowedClass> {
        let mut candidates = Vec::new();
        for cell in self.errors_by_cell().filter(|cell| self.is_judged(cell.truth)) {
            let (class, by) = (cell.truth, cell.predicted);
            let support = self.support(class) as f64;
            let recall = self.tally.correct[class as usize] as f64 / support;
            if cell.count as f64 / support < self.settings.swallowed_share
                || recall >= self.settings.swallowed_recall
            {
                continue;
            }
            let p = self.beyond(cell.count, self.errors(class), self.even(class, by));
            if let Some(p_value) = p {
                let (label, support) = (self.label(class), self.support(class));
                let by = self.share(class, by, cell.count);
                candidates.push(SwallowedClass { label, support, recall, by, p_value });
            }
        }
        self.keep_beyond_chance(&mut candidates, |one| &mut one.p_value);
        candidates.sort_by_key(|one| std::cmp::Reverse(one.support));
        candidates
    }

    pub(super) fn over_predicted(&self) -> Vec<OverPredictedClass> {
        let classes = self.counts.labels().len();
        let mut sources: Vec<Vec<(f64, &CellCount)>> = vec![Vec::new(); classes];
        for cell in self.errors_by_cell().filter(|cell| self.is_judged(cell.truth)) {
            let share = cell.count as f64 / self.support(cell.truth) as f64;
            if share < self.settings.source_share {
                continue;
            }
            let even = self.even(cell.truth, cell.predicted);
            if let Some(p) = self.beyond(cell.count, self.errors(cell.truth), even) {
                sources[cell.predicted as usize].push((p, cell));
            }
        }
        let needed = self.settings.over_predicted_sources;
        // That fewer than `needed` of the other classes are sources: Benjamini and Heller.
        let times = self.occurring.saturating_sub(needed).max(1) as f64;
        let mut candidates = Vec::new();
        for (class, mut from) in (0_u32..).zip(sources) {
            let predicted = self.tally.predicted[class as usize];
            let false_positives = predicted - self.tally.correct[class as usize];
            let share = quotient(false_positives as f64, predicted as f64);
            if from.len() < needed
                || share < self.settings.over_predicted_share
                || predicted < self.settings.min_support
            {
                continue;
            }
            from.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            let p_value = (times * from[needed - 1].0).min(1.0);
            from.retain(|(p, _)| times * p <= self.settings.alpha);
            from.sort_by_key(|(_, cell)| (std::cmp::Reverse(cell.count), cell.truth));
            let from_others =
                false_positives - from.iter().map(|(_, cell)| cell.count).sum::<u64>();
            let from = from
                .iter()
                .map(|(_, cell)| self.share(cell.truth, cell.truth, cell.count))
                .collect();
            let others = (0..classes as u32).filter(|&other| other != class);
            let expected =
                others.map(|other| self.errors(other) as f64 * self.even(other, class)).sum();
            let label = self.label(class);
            candidates.push(OverPredictedClass {
                label,
                false_positives,
                expected,
                share,
                from,
                from_others,
                p_value,
            });
        }
        self.keep_beyond_chance(&mut candidates, |one| &mut one.p_value);
        candidates.sort_by_key(|one| std::cmp::Reverse(one.false_positives));
        candidates
    }

    pub(super) fn confused(&self) -> Vec<ConfusedPair> {
        let mut candidates: Vec<(&CellCount, f64)> = Vec::new();
        for cell in self.errors_by_cell() {
            let (a, b) = (cell.truth, cell.predicted);
            let share = cell.count as f64 / self.support(a) as f64;
            if !self.is_judged(a) || share < self.settings.pair_share {
                continue;
            }
            if let Some(p) = self.beyond(cell.count, self.errors(a), self.even(a, b)) {
                candidates.push((cell, p));
            }
        }
        let p_values: Vec<f64> = candidates.iter().map(|(_, p)| *p).collect();
        let tests = self.occurring.saturating_mul(self.occurring.saturating_sub(1));
        let adjusted = chance::holm_among(tests, &p_values);
        // Still in rising order of truth, then prediction.
        let beyond: Vec<(&CellCount, f64)> = candidates
            .iter()
            .zip(adjusted)
            .filter(|(_, p)| *p <= self.settings.alpha)
            .map(|((cell, _), p)| (*cell, p))
            .collect();
        let mut pairs = Vec::new();
        for &(cell, p) in &beyond {
            let (a, b) = (cell.truth, cell.predicted);
            let place = |(cell, _): &(&CellCount, f64)| (cell.truth, cell.predicted);
            let back = beyond.binary_search_by_key(&(b, a), place).ok().map(|at| beyond[at]);
            let a_as_b = self.share(a, b, cell.count);
            let b_as_a = self.share(b, a, self.counts.count(b, a));
            if back.is_some() && (b_as_a.share, a) > (a_as_b.share, b) {
                // Told from the other end.
                continue;
            }
            let p_value = back.map_or(p, |(_, other)| p.max(other));
            let (a, b, both) = (self.label(a), self.label(b), back.is_some());
            pairs.push(ConfusedPair { a, b, a_as_b, b_as_a, both, p_value });
        }
        let rows = |pair: &ConfusedPair| pair.a_as_b.count + pair.b_as_a.count;
        pairs.sort_by_key(|pair| (std::cmp::Reverse(pair.both), std::cmp::Reverse(rows(pair))));
        pairs
    }
}
