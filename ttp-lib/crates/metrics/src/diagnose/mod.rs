//! What is wrong with a classifier, from its confusion matrix: which classes it never finds and
//! where they go, which classes take in the others' rows, which are taken for each other, and
//! which are too small to judge.
//!
//! Rows are truth, columns are predictions. Rows are taken to be independent: twins of one
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
//! holds nearly all rows is no fault by itself: that a class is never found, and where it goes, is
//! said all the same.
//!
//! **A sink** takes in the rows of several classes: at least [`DiagnosisSettings::sink_share`] of
//! what it is given is of others, and at least [`DiagnosisSettings::sink_sources`] other classes
//! are its sources, each by the two rules above. That so many are is one hypothesis (the partial
//! conjunction of Benjamini and Heller, *Screening for partial conjunction hypotheses*,
//! Biometrics 64, 2008: of `m` other classes, `u` are sources with `(m − u + 1) · p(u)`, the `u`th
//! smallest p-value), corrected over the classes. A class that takes in one other is no sink: it
//! is told as what swallows that one. Other faults do not hide a sink: what it takes is held
//! against the errors of its own sources, not against all there are.
//!
//! ```
//! use ttp_metrics::{Confusion, Diagnosis, DiagnosisSettings, Fault};
//! // Rows are truth. c is never found: nearly all of it is called d.
//! let rows = [vec![95, 2, 0, 2, 1], vec![1, 97, 0, 1, 1], vec![1, 0, 0, 48, 1],
//!             vec![2, 1, 0, 96, 1], vec![1, 2, 0, 2, 95]];
//! let confusion = Confusion::from_counts(["a", "b", "c", "d", "e"], &rows)?;
//! let diagnosis = Diagnosis::of(&confusion, &DiagnosisSettings::default())?;
//! assert_eq!(diagnosis.never_found[0].goes_to[0].share, 48.0 / 50.0);
//! let swallowed = Fault::Swallowed { class: "c".into(), by: "d".into() };
//! assert_eq!(diagnosis.faults(), [swallowed]);
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod chance;
mod order;
mod probability;
mod sparse;
mod tables;

pub use probability::{BINS, ConfidenceBin, Confidences, ProbabilityScores};
pub use sparse::{CellCount, SparseConfusion};

use crate::{Confusion, Estimate, Tally, quotient};
use serde::{Deserialize, Serialize};
use std::fmt;
use ttp_base::error::SettingPath;
use ttp_base::settings::{Range, at_least, between};
use ttp_base::{Result, settings};

/// Where the tiers are cut, by F1: above `excellent`; from `good` up to and with `excellent`;
/// from `poor` up to below `good`; below `poor`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutOffs {
    /// 0.9: an F1 of exactly 0.9 is good.
    pub excellent: f64,
    /// 0.7: an F1 of exactly 0.7 is good.
    pub good: f64,
    /// 0.5: an F1 of exactly 0.5 is poor.
    pub poor: f64,
}

impl Default for CutOffs {
    fn default() -> Self {
        Self { excellent: 0.9, good: 0.7, poor: 0.5 }
    }
}

/// What is called a fault. The module's first lines say against what it is held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosisSettings {
    /// Where the tiers are cut.
    pub tiers: CutOffs,
    /// A class with fewer rows is too small to judge: it has its figures and its tier, and no
    /// fault is read from its rows. 20: with fewer, the 95 % interval of a recall of one half is
    /// wider than 0.4, which is all that lies between the lowest cut-off and the highest.
    pub min_support: u64,
    /// The intervals' level: 0.95.
    pub level: f64,
    /// How probable one false alarm of a kind may be, over all classes or pairs: 0.01.
    pub alpha: f64,
    /// How many times the odds of an even spread the odds of a fault must be: 2.
    pub excess: f64,
    /// A sink: at least this share of the rows that it was given is of other classes. 0.25.
    pub sink_share: f64,
    /// A sink: at least so many other classes are its sources. 3: of one or two it is told as a
    /// class that swallows another, or as a confused pair.
    pub sink_sources: usize,
    /// A source of a sink: at least this share of its rows goes there. 0.05.
    pub source_share: f64,
    /// A class is taken for another: at least this share of its rows is. 0.1.
    pub pair_share: f64,
    /// Swallowed: at least this share of a class's rows goes to one other class … 0.5.
    pub swallowed_share: f64,
    /// … and less than this share is found. 0.1.
    pub swallowed_recall: f64,
    /// Hardly found: a class's recall lies below this with its whole interval. 0.1.
    pub hardly_recall: f64,
    /// Precision and recall are out of balance when they lie so far apart, their intervals do not
    /// meet, and the higher reaches [`CutOffs::good`]. 0.2.
    pub imbalance: f64,
}

impl Default for DiagnosisSettings {
    fn default() -> Self {
        Self {
            tiers: CutOffs::default(),
            min_support: 20,
            level: 0.95,
            alpha: 0.01,
            excess: 2.0,
            sink_share: 0.25,
            sink_sources: 3,
            source_share: 0.05,
            pair_share: 0.1,
            swallowed_share: 0.5,
            swallowed_recall: 0.1,
            hardly_recall: 0.1,
            imbalance: 0.2,
        }
    }
}

/// A share that is neither none nor all.
const SHARE: Range = between(0.0, 1.0);

settings!(DiagnosisSettings, "diagnosis", {
    level: SHARE,
    alpha: SHARE,
    excess: at_least(1.0),
    sink_share: SHARE,
    sink_sources: at_least(1.0).or("a sink has at least one"),
    source_share: SHARE,
    pair_share: SHARE,
    swallowed_share: SHARE,
    swallowed_recall: SHARE,
    hardly_recall: SHARE,
    imbalance: SHARE,
}, free { tiers, min_support }, also Self::tiers_fall);

impl DiagnosisSettings {
    fn tiers_fall(&self, at: &SettingPath) -> Result<()> {
        let CutOffs { excellent, good, poor } = self.tiers;
        if !(1.0 > excellent && excellent > good && good > poor && poor > 0.0) {
            let reason = format!("{excellent}, {good}, {poor} do not fall between 1 and 0");
            return at.field("tiers").refuse(reason);
        }
        Ok(())
    }

    fn tier(&self, class: &ClassDiagnosis) -> Tier {
        let (CutOffs { excellent, good, poor }, f1) = (self.tiers, class.f1.value);
        match class.support {
            0 => Tier::NoRows,
            _ if f1 > excellent => Tier::Excellent,
            _ if f1 >= good => Tier::Good,
            _ if f1 >= poor => Tier::Poor,
            _ => Tier::Critical,
        }
    }

    fn imbalance(&self, class: &ClassDiagnosis) -> Option<Imbalance> {
        let judged = |rows: u64| rows >= self.min_support;
        let over = |high: &Estimate, low: &Estimate| {
            high.value >= self.tiers.good
                && high.value - low.value >= self.imbalance
                && high.low > low.high
        };
        if !(judged(class.support) && judged(class.predicted)) {
            None
        } else if over(&class.precision, &class.recall) {
            Some(Imbalance::HighPrecisionLowRecall)
        } else if over(&class.recall, &class.precision) {
            Some(Imbalance::HighRecallLowPrecision)
        } else {
            None
        }
    }
}

/// How well a class is found, by its F1 and the [`CutOffs`]. Each class is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// F1 above 0.9.
    Excellent,
    /// From 0.7 to 0.9, both ends with it.
    Good,
    /// From 0.5 with it to below 0.7.
    Poor,
    /// Below 0.5.
    Critical,
    /// No row of truth is of the class: there is nothing that could be found.
    NoRows,
}

impl Tier {
    /// All of them, the best first.
    pub const ALL: [Self; 5] =
        [Self::Excellent, Self::Good, Self::Poor, Self::Critical, Self::NoRows];

    /// Its name in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Poor => "poor",
            Self::Critical => "critical",
            Self::NoRows => "no rows",
        }
    }
}

/// Precision and recall far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Imbalance {
    /// Where the class is named it is right, and much of it is missed.
    HighPrecisionLowRecall,
    /// Most of the class is found, and much that is called so is of others.
    HighRecallLowPrecision,
}

impl Imbalance {
    /// Its name in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::HighPrecisionLowRecall => "high precision, low recall",
            Self::HighRecallLowPrecision => "high recall, low precision",
        }
    }
}

/// One class: scores with intervals, counts, tier. Where nothing is under a score's line (no row
/// of the class, none given it) the score is 0, as scikit-learn has it with `zero_division=0`,
/// and its interval is from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassDiagnosis {
    /// The class.
    pub label: String,
    /// Of the rows given this class, the share that is of it; Wilson's interval.
    pub precision: Estimate,
    /// Of the rows of this class, the share that was given it; Wilson's interval.
    pub recall: Estimate,
    /// Harmonic mean of the two; the interval is that of the Jaccard index, turned into F1.
    pub f1: Estimate,
    /// Rows of this class.
    pub support: u64,
    /// Rows that were given this class.
    pub predicted: u64,
    /// Rows of this class that were given it.
    pub correct: u64,
    /// By its F1.
    pub tier: Tier,
    /// Whether it has rows, and not one of them is found.
    pub never_found: bool,
    /// Whether so few of them are found that the recall's whole interval is below
    /// [`DiagnosisSettings::hardly_recall`]; never of what is never found, or too small.
    pub hardly_found: bool,
    /// Whether it has fewer rows than [`DiagnosisSettings::min_support`].
    pub too_small: bool,
    /// Whether precision and recall are far apart.
    pub imbalance: Option<Imbalance>,
}

/// Some of a class's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The class that they went to, or came from.
    pub label: String,
    /// How many.
    pub count: u64,
    /// Which share of all rows of the class that they are of.
    pub share: f64,
}

/// A class that has rows of which none is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeverFound {
    /// The class.
    pub label: String,
    /// Its rows.
    pub support: u64,
    /// Where they went, the most first.
    pub goes_to: Vec<Share>,
}

/// A class that another one takes in: at least half of its rows are given that one class, and
/// less than a tenth is found ([`DiagnosisSettings::swallowed_share`], `swallowed_recall`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Swallowed {
    /// The class.
    pub label: String,
    /// Its rows.
    pub support: u64,
    /// Which share of them is found.
    pub recall: f64,
    /// The class that takes them.
    pub by: Share,
    /// After Holm's correction over the classes; an upper bound.
    pub p_value: f64,
}

/// A class that takes in the rows of several others, beyond what errors spread evenly would
/// bring it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sink {
    /// The class.
    pub label: String,
    /// Rows of other classes that were given it.
    pub taken_in: u64,
    /// How many an even spread of all errors, those of other faults among them, would have
    /// brought it, at most: to compare with, no part of the criterion.
    pub expected: f64,
    /// Of the rows given it, the share that is of others.
    pub share: f64,
    /// The classes that give it at least [`DiagnosisSettings::source_share`] of their rows,
    /// beyond chance, the most rows first; `share` is of the source's own rows.
    pub from: Vec<Share>,
    /// Rows taken in from all other classes.
    pub from_others: u64,
    /// After Holm's correction over the classes; an upper bound.
    pub p_value: f64,
}

/// Two classes that are taken for each other, or the first for the second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfusedPair {
    /// The class of which the larger share is taken for the other one.
    pub a: String,
    /// The other class.
    pub b: String,
    /// Rows of `a` that were given `b`, and their share of `a`.
    pub a_as_b: Share,
    /// Rows of `b` that were given `a`, and their share of `b`.
    pub b_as_a: Share,
    /// Whether both directions reach [`DiagnosisSettings::pair_share`] beyond chance.
    pub both: bool,
    /// After Holm's correction over all pairs, the larger of the two where it is `both`.
    pub p_value: f64,
}

/// A fault, each told once: see [`Diagnosis::faults`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum Fault {
    /// Names stand beside other classes' rows: see [`names`](crate::names).
    NamesShuffled {
        /// What told: `the class counts`, `the second labelling`.
        against: String,
    },
    /// Other names would fit better beyond chance, which may have another reason than names.
    NamesUnclear {
        /// What told.
        against: String,
    },
    /// Nearly all of a class goes to one other.
    Swallowed {
        /// The class.
        class: String,
        /// What takes it.
        by: String,
    },
    /// No row of a class is found, and they go to no single class.
    NeverFound {
        /// The class.
        class: String,
    },
    /// A few rows of a class are found, so few that chance may have found them, and the rest goes
    /// to no single class.
    HardlyFound {
        /// The class.
        class: String,
    },
    /// A class takes in several others' rows.
    Sink {
        /// The class.
        class: String,
    },
    /// Two classes are taken for each other, in both directions; in alphabetical order.
    ConfusedBothWays {
        /// The one.
        a: String,
        /// The other.
        b: String,
    },
    /// A class is taken for another, which is neither its sink nor all that is left of it.
    TakenFor {
        /// The class.
        class: String,
        /// What it is taken for.
        taken_for: String,
    },
    /// A class has too few rows to judge.
    TooSmall {
        /// The class.
        class: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamesShuffled { against } => write!(f, "the names are shuffled: by {against}"),
            Self::NamesUnclear { against } => write!(f, "the names may be shuffled: by {against}"),
            Self::Swallowed { class, by } => write!(f, "{class}: swallowed by {by}"),
            Self::NeverFound { class } => write!(f, "{class}: never found"),
            Self::HardlyFound { class } => write!(f, "{class}: hardly found"),
            Self::Sink { class } => write!(f, "{class}: a sink of several other classes"),
            Self::ConfusedBothWays { a, b } => write!(f, "{a} and {b}: taken for each other"),
            Self::TakenFor { class, taken_for } => write!(f, "{class}: taken for {taken_for}"),
            Self::TooSmall { class } => write!(f, "{class}: too small to judge"),
        }
    }
}

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
    pub never_found: Vec<NeverFound>,
    /// Classes of which nearly all goes to one other, the largest first.
    pub swallowed: Vec<Swallowed>,
    /// Classes that take in several others' rows, the most rows first.
    pub sinks: Vec<Sink>,
    /// Classes that are taken for each other, and, behind them, that are taken for another.
    pub confused: Vec<ConfusedPair>,
}

/// What the search for faults needs at hand.
struct Search<'a> {
    counts: &'a SparseConfusion,
    tally: Tally,
    settings: &'a DiagnosisSettings,
    /// Classes that occur in truth or predictions.
    occurring: usize,
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
                never_found: support > 0 && correct == 0,
                hardly_found: false,
                too_small: support < settings.min_support,
                imbalance: None,
            };
            class.hardly_found =
                correct > 0 && !class.too_small && class.recall.high < settings.hardly_recall;
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
            never_found: search.never_found(),
            swallowed: search.swallowed(),
            sinks: search.sinks(),
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

    /// Every fault, each told once, in the order of [`Fault`]'s kinds: a class that is swallowed
    /// is not told again as never or hardly found, and a class that is taken for another not where it
    /// is swallowed, never or hardly found, or a source of the sink that the other one is. What is too small to
    /// judge stands last, and is told by whoever is too small and has rows.
    pub fn faults(&self) -> Vec<Fault> {
        let swallowed = |label: &str| self.swallowed.iter().any(|one| one.label == label);
        let lost = |label: &str| {
            self.class(label).is_some_and(|class| class.never_found || class.hardly_found)
        };
        let source = |label: &str, of: &str| {
            let sink = self.sinks.iter().find(|sink| sink.label == of);
            sink.is_some_and(|sink| sink.from.iter().any(|share| share.label == label))
        };
        let mut faults = Vec::new();
        for one in &self.swallowed {
            faults.push(Fault::Swallowed { class: one.label.clone(), by: one.by.label.clone() });
        }
        for one in self.never_found.iter().filter(|one| !swallowed(&one.label)) {
            faults.push(Fault::NeverFound { class: one.label.clone() });
        }
        let hardly = self.classes.iter().filter(|class| class.hardly_found);
        for class in hardly.filter(|class| !swallowed(&class.label)) {
            faults.push(Fault::HardlyFound { class: class.label.clone() });
        }
        faults.extend(self.sinks.iter().map(|sink| Fault::Sink { class: sink.label.clone() }));
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

    fn never_found(&self) -> Vec<NeverFound> {
        let classes = 0..self.counts.labels().len() as u32;
        let lost = classes.filter(|&c| self.support(c) > 0 && self.errors(c) == self.support(c));
        let mut found: Vec<NeverFound> = lost
            .map(|class| {
                let row = self.counts.row(class).iter();
                let mut goes_to: Vec<Share> =
                    row.map(|cell| self.share(class, cell.predicted, cell.count)).collect();
                goes_to.sort_by_key(|share| std::cmp::Reverse(share.count));
                let (label, support) = (self.label(class), self.support(class));
                NeverFound { label, support, goes_to }
            })
            .collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.support));
        found
    }

    fn swallowed(&self) -> Vec<Swallowed> {
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
                candidates.push(Swallowed { label, support, recall, by, p_value });
            }
        }
        let p_values: Vec<f64> = candidates.iter().map(|one| one.p_value).collect();
        for (one, p) in candidates.iter_mut().zip(chance::holm_among(self.occurring, &p_values)) {
            one.p_value = p;
        }
        candidates.retain(|one| one.p_value <= self.settings.alpha);
        candidates.sort_by_key(|one| std::cmp::Reverse(one.support));
        candidates
    }

    fn sinks(&self) -> Vec<Sink> {
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
        let needed = self.settings.sink_sources;
        // That fewer than `needed` of the other classes are sources: Benjamini and Heller.
        let times = self.occurring.saturating_sub(needed).max(1) as f64;
        let mut candidates = Vec::new();
        for (class, mut from) in (0_u32..).zip(sources) {
            let predicted = self.tally.predicted[class as usize];
            let taken_in = predicted - self.tally.correct[class as usize];
            let share = quotient(taken_in as f64, predicted as f64);
            if from.len() < needed
                || share < self.settings.sink_share
                || predicted < self.settings.min_support
            {
                continue;
            }
            from.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            let p_value = (times * from[needed - 1].0).min(1.0);
            from.retain(|(p, _)| times * p <= self.settings.alpha);
            from.sort_by_key(|(_, cell)| (std::cmp::Reverse(cell.count), cell.truth));
            let from_others = taken_in - from.iter().map(|(_, cell)| cell.count).sum::<u64>();
            let from = from
                .iter()
                .map(|(_, cell)| self.share(cell.truth, cell.truth, cell.count))
                .collect();
            let others = (0..classes as u32).filter(|&other| other != class);
            let expected =
                others.map(|other| self.errors(other) as f64 * self.even(other, class)).sum();
            let label = self.label(class);
            candidates.push(Sink { label, taken_in, expected, share, from, from_others, p_value });
        }
        let p_values: Vec<f64> = candidates.iter().map(|one| one.p_value).collect();
        for (one, p) in candidates.iter_mut().zip(chance::holm_among(self.occurring, &p_values)) {
            one.p_value = p;
        }
        candidates.retain(|one| one.p_value <= self.settings.alpha);
        candidates.sort_by_key(|one| std::cmp::Reverse(one.taken_in));
        candidates
    }

    fn confused(&self) -> Vec<ConfusedPair> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    fn diagnose(labels: &[&str], rows: &[Vec<u64>]) -> Diagnosis {
        let confusion = Confusion::from_counts(labels.iter().copied(), rows).unwrap();
        Diagnosis::of(&confusion, &DiagnosisSettings::default()).unwrap()
    }

    /// Rows drawn one by one: `weights[truth]` says how often each class is predicted.
    fn drawn(supports: &[u64], weights: &[Vec<f64>], seed: u64) -> Diagnosis {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut cells = Vec::new();
        for (truth, (&support, weights)) in (0_u32..).zip(supports.iter().zip(weights)) {
            let all: f64 = weights.iter().sum();
            for _ in 0..support {
                let mut left = rng.next_u64() as f64 / u64::MAX as f64 * all;
                let place = weights.iter().position(|weight| {
                    left -= weight;
                    left <= 0.0
                });
                let predicted = place.unwrap_or(weights.len() - 1) as u32;
                cells.push(CellCount { truth, predicted, count: 1 });
            }
        }
        let labels = (0..supports.len()).map(|class| format!("c{class:02}"));
        let counts = SparseConfusion::from_cells(labels, cells).unwrap();
        Diagnosis::of_sparse(&counts, &DiagnosisSettings::default()).unwrap()
    }

    /// Errors spread evenly, or as the classes' sizes have it.
    fn healthy(supports: &[u64], right: f64, by_size: bool) -> Vec<Vec<f64>> {
        let classes = supports.len();
        let row = |truth: usize| {
            let weight = |p: usize| if by_size { supports[p] as f64 } else { 1.0 };
            let others: f64 = (0..classes).filter(|&p| p != truth).map(weight).sum();
            let of = |p| if p == truth { right } else { (1.0 - right) * weight(p) / others };
            (0..classes).map(of).collect()
        };
        (0..classes).map(row).collect()
    }

    const SUPPORTS: [u64; 21] = [
        9_000, 7_000, 6_000, 5_000, 4_000, 3_000, 2_500, 2_000, 1_500, 1_268, 1_200, 1_000, 900,
        800, 656, 615, 500, 300, 100, 60, 30,
    ];

    #[test]
    fn errors_by_chance_alone_are_no_faults() {
        for seed in 0..10 {
            for right in [0.97, 0.8, 0.5] {
                for by_size in [false, true] {
                    let weights = healthy(&SUPPORTS, right, by_size);
                    let diagnosis = drawn(&SUPPORTS, &weights, seed);
                    assert_eq!(diagnosis.faults(), [], "seed {seed}, {right}, {by_size}");
                }
            }
        }
        // Half a million rows of five equally bad classes.
        let weights = healthy(&[100_000; 5], 0.4, false);
        assert_eq!(drawn(&[100_000; 5], &weights, 1).faults(), []);
    }

    #[test]
    fn planted_faults_are_found_and_no_others() {
        for seed in 0..10 {
            let mut weights = healthy(&SUPPORTS, 0.9, false);
            let mut send = |from: usize, to: usize, share: f64, kept: f64| {
                weights[from][from] = kept;
                weights[from][to] = share;
            };
            send(9, 3, 0.97, 0.005); // swallowed
            for from in [11, 12, 13, 16] {
                send(from, 6, 0.3, 0.6); // a sink
            }
            send(1, 2, 0.25, 0.7); // both ways
            send(2, 1, 0.3, 0.65);
            send(10, 17, 0.25, 0.7); // one way
            for lost in [14, 15] {
                weights[lost] = vec![0.05; 21]; // to no one in particular
                weights[lost][lost] = 0.0;
            }
            let diagnosis = drawn(&SUPPORTS, &weights, seed);
            let name = |class: usize| format!("c{class:02}");
            let expected = [
                Fault::Swallowed { class: name(9), by: name(3) },
                Fault::NeverFound { class: name(14) },
                Fault::NeverFound { class: name(15) },
                Fault::Sink { class: name(6) },
                Fault::ConfusedBothWays { a: name(1), b: name(2) },
                Fault::TakenFor { class: name(10), taken_for: name(17) },
            ];
            assert_eq!(diagnosis.faults(), expected, "seed {seed}");
            let sink = &diagnosis.sinks[0];
            let mut from: Vec<&str> = sink.from.iter().map(|share| share.label.as_str()).collect();
            from.sort_unstable();
            assert_eq!(from, ["c11", "c12", "c13", "c16"]);
            let named: u64 = sink.from.iter().map(|share| share.count).sum();
            assert_eq!(named + sink.from_others, sink.taken_in);
            assert!(sink.taken_in as f64 > 1.5 * sink.expected);
        }
    }

    #[test]
    fn tiers_have_the_ends_that_they_say() {
        // F1 = 2·correct / (support + predicted): of a 18/20, 14/20, 10/20, and just beside.
        let of = |correct: u64, wrong: u64| {
            let rows = [vec![correct, wrong], vec![wrong, 1]];
            diagnose(&["a", "b"], &rows).class("a").unwrap().tier
        };
        assert_eq!(of(91, 9), Tier::Excellent);
        assert_eq!(of(90, 10), Tier::Good);
        assert_eq!(of(70, 30), Tier::Good);
        assert_eq!(of(69, 31), Tier::Poor);
        assert_eq!(of(50, 50), Tier::Poor);
        assert_eq!(of(49, 51), Tier::Critical);
        assert_eq!(of(0, 100), Tier::Critical);
    }

    #[test]
    fn every_class_is_in_one_tier_and_those_without_rows_are_not_judged() {
        // b occurs only among predictions, c only in truth, d never.
        let rows = [vec![30, 2, 0, 0], vec![0, 0, 0, 0], vec![1, 29, 0, 0], vec![0; 4]];
        let diagnosis = diagnose(&["a", "b", "c", "d"], &rows);
        let tiers: Vec<usize> = Tier::ALL.iter().map(|t| diagnosis.in_tier(*t).len()).collect();
        assert_eq!(tiers, [1, 0, 0, 1, 2]);
        assert_eq!(diagnosis.only_predicted(), ["b"]);
        assert_eq!(diagnosis.in_tier(Tier::NoRows), ["b", "d"]);
        let b = diagnosis.class("b").unwrap();
        assert!(!b.never_found && b.too_small);
        assert_eq!((b.recall.low, b.recall.high), (0.0, 1.0));
        assert_eq!(diagnosis.never_found[0].label, "c");
        // The macro average runs over a, b and c: d occurs nowhere.
        assert!((diagnosis.macro_f1.value - 2.0 * 30.0 / 63.0 / 3.0).abs() < 1e-15);
        let swallowed = Fault::Swallowed { class: "c".into(), by: "b".into() };
        assert_eq!(diagnosis.faults(), [swallowed]);
    }

    #[test]
    fn a_small_class_is_told_as_such_and_accuses_nobody() {
        let rows = [vec![100, 1, 0], vec![2, 100, 0], vec![7, 0, 0]];
        let diagnosis = diagnose(&["a", "b", "c"], &rows);
        let small = Fault::TooSmall { class: "c".into() };
        assert_eq!(diagnosis.faults(), [Fault::NeverFound { class: "c".into() }, small]);
        assert!(diagnosis.swallowed.is_empty() && diagnosis.confused.is_empty());
    }

    #[test]
    fn a_class_of_which_chance_may_find_a_few_is_hardly_found() {
        // The report's Downware, of which 2.59 % are found; nine classes take the rest.
        let lost = |found: u64, support: u64| {
            let mut rows = vec![vec![0; 10]; 10];
            for (class, row) in rows.iter_mut().enumerate() {
                row[class] = 500;
                rows_to(row, class);
            }
            rows[9] = vec![(support - found) / 9; 10];
            rows[9][9] = found;
            let names: Vec<String> = (0..10).map(|class| format!("c{class}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            diagnose(&names, &rows).faults()
        };
        fn rows_to(row: &mut [u64], class: usize) {
            row[(class + 1) % 9] = 5;
        }
        let hardly = [Fault::HardlyFound { class: "c9".into() }];
        assert_eq!(lost(11, 425), hardly);
        assert_eq!(lost(0, 425), [Fault::NeverFound { class: "c9".into() }]);
        // 40 of 420 may be more than a tenth.
        assert_eq!(lost(40, 420), []);
    }

    #[test]
    fn precision_and_recall_far_apart_are_named() {
        let rows = [vec![60, 40, 0], vec![1, 99, 0], vec![1, 45, 200]];
        let diagnosis = diagnose(&["a", "b", "c"], &rows);
        let of = |label| diagnosis.class(label).unwrap().imbalance;
        assert_eq!(of("a"), Some(Imbalance::HighPrecisionLowRecall));
        assert_eq!(of("b"), Some(Imbalance::HighRecallLowPrecision));
        assert_eq!(of("c"), None);
    }

    #[test]
    fn with_two_classes_the_shares_decide() {
        let both = diagnose(&["a", "b"], &[vec![60, 40], vec![30, 70]]);
        let fault = Fault::ConfusedBothWays { a: "a".into(), b: "b".into() };
        assert_eq!(both.faults(), [fault]);
        assert_eq!((both.confused[0].a.as_str(), both.confused[0].b_as_a.share), ("a", 0.3));
        assert_eq!(diagnose(&["a", "b"], &[vec![95, 5], vec![4, 96]]).faults(), []);
        assert_eq!(diagnose(&["a"], &[vec![5]]).accuracy.value, 1.0);
    }

    #[test]
    fn ten_thousand_classes_are_counted_without_their_square() {
        let classes = 10_000_u32;
        let truth: Vec<u32> = (0..300_000).map(|row| row % classes).collect();
        // One in ten goes to the next class; class 7 never stays.
        let said = |row: u32, truth: u32| {
            (truth + u32::from(truth == 7 || row.is_multiple_of(11))) % classes
        };
        let predicted: Vec<u32> = (0..).zip(&truth).map(|(row, &t)| said(row, t)).collect();
        let labels = (0..classes).map(|class| format!("class {class}"));
        let counts = SparseConfusion::from_indices(labels, &truth, &predicted).unwrap();
        let settings = DiagnosisSettings { pair_share: 0.5, ..DiagnosisSettings::default() };
        let diagnosis = Diagnosis::of_sparse(&counts, &settings).unwrap();
        assert_eq!(diagnosis.classes.len(), 10_000);
        let fault = Fault::Swallowed { class: "class 7".into(), by: "class 8".into() };
        assert_eq!(diagnosis.faults(), [fault]);
        let right = predicted.iter().zip(&truth).filter(|(p, t)| p == t).count();
        assert_eq!(diagnosis.accuracy.value, right as f64 / 300_000.0);
    }

    #[test]
    fn sparse_and_dense_counts_are_the_same() {
        let (truth, predicted) = ([0, 2, 1, 2, 2, 0], [1, 2, 1, 0, 2, 1]);
        let few = SparseConfusion::from_indices(["a", "b", "c"], &truth, &predicted).unwrap();
        let many = (0..3_000).map(|class| format!("{class:04}"));
        let many = SparseConfusion::from_indices(many, &truth, &predicted).unwrap();
        assert_eq!(few.cells(), many.cells());
        assert_eq!((few.count(0, 1), few.count(1, 0), few.total()), (2, 0, 6));
        assert_eq!(few.row(2).len(), 2);
        let cells = few.cells().iter().rev().copied();
        let again = SparseConfusion::from_cells(["a", "b", "c"], cells).unwrap();
        assert_eq!(again, few);
        let usize_of = |rows: &[u32]| rows.iter().map(|r| *r as usize).collect::<Vec<_>>();
        let (truth, predicted) = (usize_of(&truth), usize_of(&predicted));
        let dense = Confusion::from_indices(["a", "b", "c"], &truth, &predicted).unwrap();
        assert_eq!(SparseConfusion::from(&dense), few);
        assert_eq!(few.tally(), dense.tally());
        let cell = CellCount { truth: 3, predicted: 0, count: 1 };
        for wrong in [
            SparseConfusion::from_indices(["a"], &[0], &[]),
            SparseConfusion::from_indices(["a"], &[0], &[1]),
            SparseConfusion::from_indices(["a"], &[], &[]),
            SparseConfusion::from_indices(["a", "a"], &[0], &[0]),
            SparseConfusion::from_cells(["a"], [cell]),
            SparseConfusion::from_cells(["a"], [CellCount { truth: 0, count: 0, ..cell }]),
        ] {
            assert!(wrong.is_err());
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let good = DiagnosisSettings::default();
        let confusion = Confusion::from_indices(["a"], &[0], &[0]).unwrap();
        let tiers = CutOffs { excellent: 0.5, good: 0.7, poor: 0.6 };
        for (field, wrong) in [
            ("diagnosis.tiers", DiagnosisSettings { tiers, ..good }),
            ("diagnosis.alpha", DiagnosisSettings { alpha: 0.0, ..good }),
            ("diagnosis.level", DiagnosisSettings { level: f64::NAN, ..good }),
            ("diagnosis.excess", DiagnosisSettings { excess: 0.5, ..good }),
            ("diagnosis.sink_sources", DiagnosisSettings { sink_sources: 0, ..good }),
        ] {
            let message = Diagnosis::of(&confusion, &wrong).unwrap_err().to_string();
            assert!(message.starts_with(&format!("setting {field}: ")), "{message}");
        }
    }
}
