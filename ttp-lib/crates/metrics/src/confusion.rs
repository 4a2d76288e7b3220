//! The confusion matrix: rows are truth, columns are predictions.

use super::{ClassScores, Scores, Tally, check_rows};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result};

/// How often each class was given to rows of each class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Counts", into = "Counts")]
pub struct Confusion {
    labels: Vec<String>,
    /// Row by row: `counts[truth * classes + predicted]`.
    counts: Vec<u64>,
}

/// A pair of classes that were taken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassConfusion {
    /// The rows' class.
    pub truth: String,
    /// The class that they were given.
    pub predicted: String,
    /// How many rows.
    pub count: u64,
}

/// A confusion matrix as it stands in a file.
#[derive(Serialize, Deserialize)]
struct Counts {
    labels: Vec<String>,
    /// Rows are truth, columns are predictions.
    rows_truth_columns_predicted: Vec<Vec<u64>>,
}

impl Confusion {
    /// From class indices: `labels[i]` is the name of class `i`.
    ///
    /// ```
    /// use ttp_metrics::Confusion;
    /// let confusion = Confusion::from_indices(["a", "b"], &[0, 0, 1], &[0, 1, 1])?;
    /// assert_eq!(confusion.count(0, 1), 1); // one row of a was taken for b
    /// assert_eq!(confusion.count(1, 0), 0);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the two differ in length, are empty, or hold an index beyond the labels;
    /// if a label is there twice.
    pub fn from_indices<L: Into<String>>(
        labels: impl IntoIterator<Item = L>,
        truth: &[usize],
        predicted: &[usize],
    ) -> Result<Self> {
        let labels = distinct(labels)?;
        check_rows(labels.len(), truth, predicted)?;
        let mut counts = vec![0; labels.len() * labels.len()];
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            counts[truth * labels.len() + predicted] += 1;
        }
        Ok(Self { labels, counts })
    }

    /// From labels; the classes are those that occur, in alphabetical order.
    ///
    /// # Errors
    /// If the two differ in length or are empty.
    pub fn from_labels<S: AsRef<str>>(truth: &[S], predicted: &[S]) -> Result<Self> {
        let known: BTreeSet<&str> = truth.iter().chain(predicted).map(AsRef::as_ref).collect();
        let known: Vec<&str> = known.into_iter().collect();
        let index = |label: &S| known.partition_point(|known| *known < label.as_ref());
        let truth: Vec<usize> = truth.iter().map(index).collect();
        let predicted: Vec<usize> = predicted.iter().map(index).collect();
        Self::from_indices(known, &truth, &predicted)
    }

    /// From counts: `rows[truth][predicted]`.
    ///
    /// # Errors
    /// If the counts are not as many rows and columns as there are labels, or are
    /// all 0, or overflow; if a label is there twice.
    pub fn from_counts<L: Into<String>>(
        labels: impl IntoIterator<Item = L>,
        rows: &[Vec<u64>],
    ) -> Result<Self> {
        let labels = distinct(labels)?;
        let wrong = |reason| Err(Error::Setting { field: "counts", reason });
        if rows.len() != labels.len() {
            return wrong(format!("{} rows for {} labels", rows.len(), labels.len()));
        }
        if let Some(row) = rows.iter().position(|row| row.len() != labels.len()) {
            let columns = rows[row].len();
            return wrong(format!("row {row} has {columns} columns for {} labels", labels.len()));
        }
        let counts = rows.concat();
        match counts.iter().try_fold(0u64, |sum, count| sum.checked_add(*count)) {
            None => wrong("more rows than a 64-bit number can count".to_owned()),
            Some(0) => wrong("there is no row to score".to_owned()),
            Some(_) => Ok(Self { labels, counts }),
        }
    }

    /// The classes, in the order of rows and columns.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Rows of class `truth` that were given class `predicted`; 0 beyond the classes.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        let classes = self.labels.len();
        if truth < classes && predicted < classes {
            self.counts[truth * classes + predicted]
        } else {
            0
        }
    }

    /// The counts of one class's rows: how often each class was predicted for them.
    /// Empty beyond the classes.
    pub fn row(&self, truth: usize) -> &[u64] {
        self.counts.chunks_exact(self.labels.len()).nth(truth).unwrap_or_default()
    }

    /// All rows that were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What the scores are made from: correct, support and predicted of each class.
    pub fn tally(&self) -> Tally {
        let classes = self.labels.len();
        let mut tally = Tally::new(classes);
        for truth in 0..classes {
            for predicted in 0..classes {
                let count = self.count(truth, predicted);
                tally.support[truth] += count;
                tally.predicted[predicted] += count;
            }
            tally.correct[truth] = self.count(truth, truth);
        }
        tally
    }

    /// Accuracy; precision, recall, F1 and F2, each micro, macro and weighted.
    ///
    /// ```
    /// use ttp_metrics::Confusion;
    /// // Of 8 rows of a 6 are found; of 4 rows of b 1; 2 + 3 go to the other.
    /// let confusion = Confusion::from_counts(["a", "b"], &[vec![6, 2], vec![3, 1]])?;
    /// let scores = confusion.scores();
    /// assert_eq!(scores.accuracy, 7.0 / 12.0);
    /// assert_eq!(scores.precision.macro_, (6.0 / 9.0 + 1.0 / 3.0) / 2.0);
    /// assert_eq!(scores.recall.weighted, (8.0 * 0.75 + 4.0 * 0.25) / 12.0);
    /// // F1 = 2·6/(8+9) and 2·1/(4+3)
    /// assert_eq!(scores.f1.macro_, (12.0 / 17.0 + 2.0 / 7.0) / 2.0);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn scores(&self) -> Scores {
        self.tally().scores()
    }

    /// The scores of every label, in the labels' order, those that never occur
    /// among them (all 0; the averages leave them out).
    pub fn per_class(&self) -> Vec<ClassScores> {
        let tally = self.tally();
        let labels = self.labels.iter().enumerate();
        labels.filter_map(|(class, label)| tally.class(class, label.as_str())).collect()
    }

    /// The `n` pairs of classes that were confused most often, the most frequent
    /// first, ties in the labels' order.
    pub fn most_confused(&self, n: usize) -> Vec<ClassConfusion> {
        let classes = self.labels.len();
        let mut pairs: Vec<(usize, usize)> = (0..classes)
            .flat_map(|truth| (0..classes).map(move |predicted| (truth, predicted)))
            .filter(|&(t, p)| t != p && self.count(t, p) > 0)
            .collect();
        pairs.sort_by_key(|&(t, p)| std::cmp::Reverse(self.count(t, p)));
        pairs.truncate(n);
        let name = |(t, p): (usize, usize)| ClassConfusion {
            truth: self.labels[t].clone(),
            predicted: self.labels[p].clone(),
            count: self.count(t, p),
        };
        pairs.into_iter().map(name).collect()
    }

    /// The matrix as a table.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let corner = "truth \\ predicted".to_owned();
        let mut table = Table::new(std::iter::once(corner).chain(self.labels.iter().cloned()))
            .caption("Confusion matrix: rows are truth, columns are predictions.");
        for (truth, label) in self.labels.iter().enumerate() {
            let counts = self.row(truth).iter().map(|count| Cell::from(*count));
            table.push(std::iter::once(Cell::from(label.as_str())).chain(counts))?;
        }
        Ok(table)
    }
}

impl TryFrom<Counts> for Confusion {
    type Error = Error;

    fn try_from(counts: Counts) -> Result<Self> {
        Self::from_counts(counts.labels, &counts.rows_truth_columns_predicted)
    }
}

impl From<Confusion> for Counts {
    fn from(confusion: Confusion) -> Self {
        let rows = confusion.counts.chunks_exact(confusion.labels.len());
        let rows_truth_columns_predicted = rows.map(<[u64]>::to_vec).collect();
        Self { labels: confusion.labels, rows_truth_columns_predicted }
    }
}

pub(super) fn distinct<L: Into<String>>(
    labels: impl IntoIterator<Item = L>,
) -> Result<Vec<String>> {
    let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
    let mut seen = BTreeSet::new();
    match labels.iter().find(|label| !seen.insert(label.as_str())) {
        Some(twice) => {
            Err(Error::Setting { field: "labels", reason: format!("{twice:?} is there twice") })
        }
        None => Ok(labels),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn labels_and_indices_come_to_the_same() {
        let truth = ["T2", "T1", "T2", "T3"];
        let predicted = ["T1", "T1", "T2", "T2"];
        let named = Confusion::from_labels(&truth, &predicted).unwrap();
        let counted =
            Confusion::from_indices(["T1", "T2", "T3"], &[1, 0, 1, 2], &[0, 0, 1, 1]).unwrap();
        assert_eq!(named, counted);
        assert_eq!(named.row(1), [1, 1, 0]);
        assert_eq!(named.total(), 4);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let labels = ["a", "b"];
        let message = |result: Result<Confusion>| result.unwrap_err().to_string();
        assert_eq!(
            message(Confusion::from_indices(labels, &[0, 1], &[0])),
            "setting predicted: 1 predictions for 2 rows of truth"
        );
        assert_eq!(
            message(Confusion::from_indices(labels, &[0, 1], &[0, 2])),
            "setting predicted: class 2 at row 1, of 2 classes"
        );
        assert_eq!(
            message(Confusion::from_indices(labels, &[], &[])),
            "setting truth: there is no row to score"
        );
        assert_eq!(
            message(Confusion::from_indices(["a", "a"], &[0], &[0])),
            "setting labels: \"a\" is there twice"
        );
        assert_eq!(
            message(Confusion::from_counts(labels, &[vec![1, 0], vec![1]])),
            "setting counts: row 1 has 1 columns for 2 labels"
        );
        assert_eq!(
            message(Confusion::from_counts(labels, &[vec![0, 0], vec![0, 0]])),
            "setting counts: there is no row to score"
        );
        let huge = [vec![u64::MAX, 1], vec![0, 0]];
        assert!(message(Confusion::from_counts(labels, &huge)).contains("64-bit"));
    }

    #[test]
    fn the_most_confused_come_first() {
        let rows = [vec![9, 1, 4], vec![4, 9, 0], vec![0, 5, 9]];
        let confusion = Confusion::from_counts(["a", "b", "c"], &rows).unwrap();
        let pairs = confusion.most_confused(3);
        let pairs: Vec<_> =
            pairs.iter().map(|p| (p.truth.as_str(), p.predicted.as_str(), p.count)).collect();
        assert_eq!(pairs, [("c", "b", 5), ("a", "c", 4), ("b", "a", 4)]);
    }

    #[test]
    fn a_file_keeps_it_and_a_broken_one_is_refused() {
        let confusion = Confusion::from_indices(["a", "b"], &[0, 1], &[1, 1]).unwrap();
        let json = serde_json::to_string(&confusion).unwrap();
        assert_eq!(serde_json::from_str::<Confusion>(&json).unwrap(), confusion);
        let broken = json.replace("[[0,1]", "[[0]");
        assert_ne!(broken, json);
        assert!(serde_json::from_str::<Confusion>(&broken).is_err());
    }
}
