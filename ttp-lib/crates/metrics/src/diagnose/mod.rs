//! What is wrong with a classifier, from its confusion matrix: which classes it never finds and
//! where they go, which classes are predicted for others' rows, which are taken for each other, and
//! which are too small to judge.
//!
//! Rows are truth, columns are predictions. Rows are taken to be independent: copies of one
//! sentence make the intervals too narrow.
//!
//! **Against what a fault is held.** A classifier errs, and its errors go somewhere. What chance
//! alone would explain is an even spread: a row of class `i` that is not given its own class goes
//! to class `j` with a probability of at most
//!
//! `p(i, j) = max(1 / (classes − 1), support(j) / rows not of i)`
//!
//! evenly over the others, or as their sizes have it, whichever is more. A fault takes more than
//! that in two ways: the odds are at least [`DiagnosisSettings::excess`] times those of the even
//! spread (so that a large test set does not make a fault of a trifle), and, by Hoeffding's bound
//! with Holm's correction over all classes or pairs, a classifier without the fault would show it
//! with a probability of at most [`DiagnosisSettings::alpha`] (so that a small one does not make a
//! fault of an accident). Where no more than two classes have rows, `p` is 1 and there is nothing
//! to hold errors against: the shares alone decide. For the same reason what goes to a class that
//! holds nearly all rows is no fault by itself: that a class has zero recall, and where it goes, is
//! said all the same.
//!
//! **An over-predicted class** is predicted for the rows of several others: at least
//! [`DiagnosisSettings::over_predicted_share`] of what it is given is of others, and at least
//! [`DiagnosisSettings::over_predicted_sources`] other classes are its sources, each by the two
//! rules above. That so many are is one hypothesis (the partial
//! conjunction of Benjamini and Heller, *Screening for partial conjunction hypotheses*,
//! Biometrics 64, 2008: of `m` other classes, `u` are sources with `(m − u + 1) · p(u)`, the `u`th
//! smallest p-value), corrected over the classes. A class that is predicted for one other alone is
//! not over-predicted: it is told as what swallows that one. Other faults hide nothing: its false
//! positives are held against the errors of its own sources, not against all there are.
//!
//! ```
//! use ttp_metrics::{Confusion, Diagnosis, DiagnosisSettings, Fault};
//! // Rows are truth. c has zero recall: nearly all of it is called d.
//! let rows = [vec![95, 2, 0, 2, 1], vec![1, 97, 0, 1, 1], vec![1, 0, 0, 48, 1],
//!             vec![2, 1, 0, 96, 1], vec![1, 2, 0, 2, 95]];
//! let confusion = Confusion::from_counts(["a", "b", "c", "d", "e"], &rows)?;
//! let diagnosis = Diagnosis::of(&confusion, &DiagnosisSettings::default())?;
//! assert_eq!(diagnosis.zero_recall[0].goes_to[0].share, 48.0 / 50.0);
//! let swallowed = Fault::Swallowed { class: "c".into(), by: "d".into() };
//! assert_eq!(diagnosis.faults(), [swallowed]);
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod chance;
mod class;
mod fault;
mod order;
mod probability;
mod search;
mod settings;
mod sparse;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use chance::wilson;
pub use class::{ClassDiagnosis, Imbalance, Share, Tier};
pub use fault::{ConfusedPair, Fault, OverPredictedClass, SwallowedClass, ZeroRecallClass};
pub use probability::{BINS, ConfidenceBin, Confidences, ProbabilityScores};
pub use settings::{CutOffs, DiagnosisSettings};
pub use sparse::{CellCount, SparseConfusion};

use crate::{Confusion, Estimate};
use search::Search;
use serde::{Deserialize, Serialize};
use ttp_base::Result;

/// A classifier's diagnosis. Rows are truth, columns are predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What was called a fault.
    pub settings: DiagnosisSettings,
    /// How many rows there are.
    pub rows: u64,
    /// Share of rows that are right; Wilson's interval.
    pub accuracy: Estimate,
    /// Mean F1 of the classes that occur in truth or predictions; delta method.
    pub macro_f1: Estimate,
    /// Mean F1, each class weighted by its rows; delta method.
    pub weighted_f1: Estimate,
    /// Mean precision of the classes that occur.
    pub macro_precision: f64,
    /// Mean recall of the classes that occur.
    pub macro_recall: f64,
    /// Mean precision, each class weighted by its rows.
    pub weighted_precision: f64,
    /// Mean recall, each class weighted by its rows: the accuracy.
    pub weighted_recall: f64,
    /// Every class, in the matrix's order.
    pub classes: Vec<ClassDiagnosis>,
    /// Classes with rows of which none is found, the largest first.
    pub zero_recall: Vec<ZeroRecallClass>,
    /// Classes of which nearly all goes to one other, the largest first.
    pub swallowed: Vec<SwallowedClass>,
    /// Classes that are predicted for several others' rows, the most rows first.
    pub over_predicted: Vec<OverPredictedClass>,
    /// Classes that are taken for each other, and, behind them, that are taken for another.
    pub confused: Vec<ConfusedPair>,
}

impl Diagnosis {
    /// Of a confusion matrix.
    ///
    /// # Errors
    /// If a setting makes no sense.
    pub fn of(confusion: &Confusion, settings: &DiagnosisSettings) -> Result<Self> {
        Self::of_sparse(&SparseConfusion::from(confusion), settings)
    }

    /// Of a confusion matrix of many classes. Takes time in proportion to its cells.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn of_sparse(counts: &SparseConfusion, settings: &DiagnosisSettings) -> Result<Self> {
        settings.check()?;
        let z = chance::normal_quantile(settings.level)?;
        let tally = counts.tally();
        let class = |(at, label): (usize, &String)| {
            let (correct, support, predicted) =
                (tally.correct[at], tally.support[at], tally.predicted[at]);
            let mut class = ClassDiagnosis {
                label: label.clone(),
                precision: chance::wilson(correct, predicted, z),
                recall: chance::wilson(correct, support, z),
                f1: chance::f1(correct, support, predicted, z),
                support,
                predicted,
                correct,
                tier: Tier::NoRows,
                zero_recall: support > 0 && correct == 0,
                near_zero_recall: false,
                too_small: support < settings.min_support,
                imbalance: None,
            };
            class.near_zero_recall =
                correct > 0 && !class.too_small && class.recall.high < settings.near_zero_recall;
            class.tier = settings.tier(&class);
            class.imbalance = settings.imbalance(&class);
            class
        };
        let classes: Vec<ClassDiagnosis> = counts.labels().iter().enumerate().map(class).collect();
        let (macro_f1, weighted_f1) = chance::average_f1(counts, &tally, z);
        let (precision, recall) = (tally.precision(), tally.recall());
        let accuracy = chance::wilson(tally.correct.iter().sum(), counts.total(), z);
        let occurs = |at: &usize| tally.support[*at] + tally.predicted[*at] > 0;
        let occurring = (0..tally.classes()).filter(occurs).count();
        let search = Search { counts, tally, settings, occurring };
        Ok(Self {
            settings: *settings,
            rows: counts.total(),
            accuracy,
            macro_f1,
            weighted_f1,
            macro_precision: precision.macro_,
            macro_recall: recall.macro_,
            weighted_precision: precision.weighted,
            weighted_recall: recall.weighted,
            classes,
            zero_recall: search.zero_recall(),
            swallowed: search.swallowed(),
            over_predicted: search.over_predicted(),
            confused: search.confused(),
        })
    }

    /// The diagnosis of one class.
    pub fn class(&self, label: &str) -> Option<&ClassDiagnosis> {
        self.classes.iter().find(|class| class.label == label)
    }

    /// The labels of a tier's classes, in the matrix's order.
    pub fn in_tier(&self, tier: Tier) -> Vec<&str> {
        let in_tier = self.classes.iter().filter(|class| class.tier == tier);
        in_tier.map(|class| class.label.as_str()).collect()
    }

    /// Labels that occur among predictions and in no row of truth.
    pub fn only_predicted(&self) -> Vec<&str> {
        let only = self.classes.iter().filter(|class| class.support == 0 && class.predicted > 0);
        only.map(|class| class.label.as_str()).collect()
    }

    /// Every fault, each told once, in the order of [`Fault`]'s kinds. A class that is swallowed is
    /// not told again for its recall of zero or near it. That a class is taken for another is not
    /// told where it is swallowed, where its recall is zero or near it, or where it is a source of
    /// that other, over-predicted class. Classes with rows, but too few to judge, stand last.
    pub fn faults(&self) -> Vec<Fault> {
        let swallowed = |label: &str| self.swallowed.iter().any(|one| one.label == label);
        let lost = |label: &str| {
            self.class(label).is_some_and(|class| class.zero_recall || class.near_zero_recall)
        };
        let source = |label: &str, of: &str| {
            let one = self.over_predicted.iter().find(|one| one.label == of);
            one.is_some_and(|one| one.from.iter().any(|share| share.label == label))
        };
        let mut faults = Vec::new();
        for one in &self.swallowed {
            faults.push(Fault::Swallowed { class: one.label.clone(), by: one.by.label.clone() });
        }
        for one in self.zero_recall.iter().filter(|one| !swallowed(&one.label)) {
            faults.push(Fault::ZeroRecall { class: one.label.clone() });
        }
        let hardly = self.classes.iter().filter(|class| class.near_zero_recall);
        for class in hardly.filter(|class| !swallowed(&class.label)) {
            faults.push(Fault::NearZeroRecall { class: class.label.clone() });
        }
        for one in &self.over_predicted {
            faults.push(Fault::OverPredictedClass { class: one.label.clone() });
        }
        for ConfusedPair { a, b, both, .. } in &self.confused {
            if *both {
                let (a, b) = (a.min(b).clone(), a.max(b).clone());
                faults.push(Fault::ConfusedBothWays { a, b });
            } else if !(swallowed(a) || lost(a) || source(a, b)) {
                faults.push(Fault::TakenFor { class: a.clone(), taken_for: b.clone() });
            }
        }
        for class in self.classes.iter().filter(|class| class.too_small && class.support > 0) {
            faults.push(Fault::TooSmall { class: class.label.clone() });
        }
        faults
    }
}
