//! Scores from counts: for each class how many rows are right, true and predicted.

use serde::{Deserialize, Serialize};
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result};

/// A score averaged over classes in three ways.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Averages<T = f64> {
    /// From the sums over all classes: each row counts the same. With one label a
    /// row it is the accuracy, whatever the score.
    pub micro: T,
    /// The mean over classes: each class counts the same, however rare.
    #[serde(rename = "macro")]
    pub macro_: T,
    /// The mean over classes, each weighted by its support.
    pub weighted: T,
}

impl<T> Averages<T> {
    /// The same averages of something else, for instance of their intervals.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Averages<U> {
        Averages { micro: f(self.micro), macro_: f(self.macro_), weighted: f(self.weighted) }
    }
}

/// All scores of one set of predictions, each from 0 to 1. `T` is a number, or an
/// [`Estimate`](super::Estimate) with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores<T = f64> {
    /// Share of rows whose class was named.
    pub accuracy: T,
    /// Of the rows given a class, the share that is of it.
    pub precision: Averages<T>,
    /// Of the rows of a class, the share that was given it.
    pub recall: Averages<T>,
    /// Harmonic mean of precision and recall.
    pub f1: Averages<T>,
    /// F-beta with beta 2: recall weighs twice as much as precision.
    pub f2: Averages<T>,
}

impl<T: Copy> Scores<T> {
    /// The same scores of something else, for instance with the other sign.
    pub fn map<U>(&self, mut f: impl FnMut(T) -> U) -> Scores<U> {
        Scores {
            accuracy: f(self.accuracy),
            precision: self.precision.map(&mut f),
            recall: self.recall.map(&mut f),
            f1: self.f1.map(&mut f),
            f2: self.f2.map(&mut f),
        }
    }
}

impl Averages {
    fn minus(self, other: Self) -> Self {
        Self {
            micro: self.micro - other.micro,
            macro_: self.macro_ - other.macro_,
            weighted: self.weighted - other.weighted,
        }
    }
}

impl Scores {
    /// Each score minus the other's.
    pub(super) fn minus(&self, other: &Self) -> Self {
        Self {
            accuracy: self.accuracy - other.accuracy,
            precision: self.precision.minus(other.precision),
            recall: self.recall.minus(other.recall),
            f1: self.f1.minus(other.f1),
            f2: self.f2.minus(other.f2),
        }
    }
}

impl<T: Copy + Into<Cell>> Scores<T> {
    /// A table with a row a score and a column an average.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(["score", "micro", "macro", "weighted"]);
        table.push([Cell::from("accuracy"), self.accuracy.into(), Cell::Empty, Cell::Empty])?;
        let rows = [
            ("precision", self.precision),
            ("recall", self.recall),
            ("F1", self.f1),
            ("F2", self.f2),
        ];
        for (name, Averages { micro, macro_, weighted }) in rows {
            table.push([name.into(), micro.into(), macro_.into(), weighted.into()])?;
        }
        Ok(table)
    }
}

/// The scores of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The class.
    pub label: String,
    /// Of the rows given this class, the share that is of it; 0 if none was given it.
    pub precision: f64,
    /// Of the rows of this class, the share that was given it; 0 if there is none.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// F-beta with beta 2.
    pub f2: f64,
    /// Rows of this class.
    pub support: u64,
    /// Rows that were given this class.
    pub predicted: u64,
    /// Rows of this class that were given it.
    pub correct: u64,
}

/// For each class the three counts that all scores are made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows of a class that were given it.
    pub correct: Vec<u64>,
    /// Rows of a class.
    pub support: Vec<u64>,
    /// Rows that were given a class.
    pub predicted: Vec<u64>,
}

impl Tally {
    /// Counts over no row, for so many classes.
    pub fn new(classes: usize) -> Self {
        Self { correct: vec![0; classes], support: vec![0; classes], predicted: vec![0; classes] }
    }

    /// Counts one row in. Both indices must be below the number of classes.
    pub(super) fn add(&mut self, truth: usize, predicted: usize) {
        self.support[truth] += 1;
        self.predicted[predicted] += 1;
        if truth == predicted {
            self.correct[truth] += 1;
        }
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        for counts in [&mut self.correct, &mut self.support, &mut self.predicted] {
            counts.fill(0);
        }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.support.len()
    }

    /// Share of rows that are right.
    pub fn accuracy(&self) -> f64 {
        quotient(self.correct.iter().sum::<u64>() as f64, self.support.iter().sum::<u64>() as f64)
    }

    /// Correct over predicted.
    pub fn precision(&self) -> Averages {
        self.average(|correct, _, predicted| quotient(correct, predicted))
    }

    /// Correct over support.
    pub fn recall(&self) -> Averages {
        self.average(|correct, support, _| quotient(correct, support))
    }

    /// F-beta with beta 1.
    pub fn f1(&self) -> Averages {
        self.average(|correct, support, predicted| f_beta(correct, support, predicted, 1.0))
    }

    /// F-beta with beta 2.
    pub fn f2(&self) -> Averages {
        self.average(|correct, support, predicted| f_beta(correct, support, predicted, 2.0))
    }

    /// F-beta (van Rijsbergen, *Information Retrieval*, 1979): recall weighs `beta`
    /// times as much as precision,
    /// `(1 + beta²) · correct / (beta² · support + predicted)`.
    ///
    /// ```
    /// use ttp_metrics::Tally;
    /// // 4 rows of a class, 5 given it, 3 of them right; and the other class's counts.
    /// let tally = Tally { correct: vec![3, 6], support: vec![4, 8], predicted: vec![5, 7] };
    /// let f2 = tally.f_beta(2.0)?;
    /// // 5·3/(4·4+5) and 5·6/(4·8+7)
    /// assert!((f2.macro_ - (15.0 / 21.0 + 30.0 / 39.0) / 2.0).abs() < 1e-15);
    /// // 5·9/(4·12+12): as all else in micro, the accuracy
    /// assert_eq!(f2.micro, 9.0 / 12.0);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `beta` is negative or not finite.
    pub fn f_beta(&self, beta: f64) -> Result<Averages> {
        if !(beta.is_finite() && beta >= 0.0) {
            let reason = format!("{beta} is not a finite number of at least 0");
            return Err(Error::Setting { field: "beta", reason });
        }
        Ok(self.average(|correct, support, predicted| f_beta(correct, support, predicted, beta)))
    }

    /// Accuracy and all scores in their averages.
    pub fn scores(&self) -> Scores {
        Scores {
            accuracy: self.accuracy(),
            precision: self.precision(),
            recall: self.recall(),
            f1: self.f1(),
            f2: self.f2(),
        }
    }

    /// The scores of one class, or `None` if there is no such class.
    pub fn class(&self, class: usize, label: impl Into<String>) -> Option<ClassScores> {
        let support = *self.support.get(class)?;
        let (correct, predicted) = (*self.correct.get(class)?, *self.predicted.get(class)?);
        let (c, s, p) = (correct as f64, support as f64, predicted as f64);
        Some(ClassScores {
            label: label.into(),
            precision: quotient(c, p),
            recall: quotient(c, s),
            f1: f_beta(c, s, p, 1.0),
            f2: f_beta(c, s, p, 2.0),
            support,
            predicted,
            correct,
        })
    }

    /// Averages `score(correct, support, predicted)` over the classes that occur.
    fn average(&self, score: impl Fn(f64, f64, f64) -> f64) -> Averages {
        let (mut sum, mut weighted, mut occurring) = (0.0, 0.0, 0u64);
        let (mut correct, mut support, mut predicted) = (0u64, 0u64, 0u64);
        let counts = self.correct.iter().zip(&self.support).zip(&self.predicted);
        for ((&c, &s), &p) in counts.filter(|((_, s), p)| **s + **p > 0) {
            let value = score(c as f64, s as f64, p as f64);
            sum += value;
            weighted += value * s as f64;
            occurring += 1;
            correct += c;
            support += s;
            predicted += p;
        }
        Averages {
            micro: score(correct as f64, support as f64, predicted as f64),
            macro_: quotient(sum, occurring as f64),
            weighted: quotient(weighted, support as f64),
        }
    }
}

/// `above / below`, and 0 where nothing is below.
pub(super) fn quotient(above: f64, below: f64) -> f64 {
    if below == 0.0 { 0.0 } else { above / below }
}

pub(super) fn f_beta(correct: f64, support: f64, predicted: f64, beta: f64) -> f64 {
    let squared = beta * beta;
    quotient((1.0 + squared) * correct, squared * support + predicted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn beta_nought_is_precision_and_a_bad_one_is_refused() {
        let tally = Tally { correct: vec![3, 6], support: vec![4, 8], predicted: vec![5, 7] };
        assert_eq!(tally.f_beta(0.0).unwrap(), tally.precision());
        for beta in [-1.0, f64::NAN, f64::INFINITY] {
            let message = tally.f_beta(beta).unwrap_err().to_string();
            assert!(message.starts_with("setting beta: "), "{message}");
        }
    }

    #[test]
    fn a_class_that_never_occurs_does_not_pull_the_mean() {
        let with = Tally { correct: vec![1, 0], support: vec![2, 0], predicted: vec![2, 0] };
        let without = Tally { correct: vec![1], support: vec![2], predicted: vec![2] };
        assert_eq!(with.scores(), without.scores());
        assert_eq!(with.class(1, "T1").unwrap().f1, 0.0);
        assert!(with.class(2, "T2").is_none());
    }

    #[test]
    fn scores_keep_their_names_in_json() {
        let tally = Tally { correct: vec![1], support: vec![2], predicted: vec![1] };
        let json = serde_json::to_value(tally.scores()).unwrap();
        assert_eq!(json["recall"]["macro"], 0.5);
        assert_eq!(serde_json::from_value::<Scores>(json).unwrap(), tally.scores());
    }
}
