//! A confusion matrix that keeps only the cells with rows in them.

use crate::confusion::distinct;
use crate::{Confusion, Tally};
use ttp_base::{Error, Result};

/// Rows of one class that were given one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellCount {
    /// Index of the rows' class.
    pub truth: u32,
    /// Index of the class that they were given.
    pub predicted: u32,
    /// How many rows, at least one.
    pub count: u64,
}

/// A confusion matrix of many classes: only the cells with rows in them are kept, so that ten
/// thousand classes, which as a [`Confusion`] take 800 MB, take what their rows need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseConfusion {
    labels: Vec<String>,
    /// In rising order of truth, then prediction; none is empty.
    cells: Vec<CellCount>,
    total: u64,
}

impl SparseConfusion {
    /// From class indices: `labels[i]` is the name of class `i`.
    ///
    /// ```
    /// use ttp_metrics::{CellCount, SparseConfusion};
    /// let found = SparseConfusion::from_indices(["a", "b"], &[0, 1, 0], &[1, 1, 1])?;
    /// let cell = |truth, predicted, count| CellCount { truth, predicted, count };
    /// assert_eq!(found.cells(), [cell(0, 1, 2), cell(1, 1, 1)]);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the two differ in length, are empty, or hold an index beyond the labels; if a label
    /// is there twice.
    pub fn from_indices<L: Into<String>>(
        labels: impl IntoIterator<Item = L>,
        truth: &[u32],
        predicted: &[u32],
    ) -> Result<Self> {
        /// As many classes as are counted in a square of 32 MB.
        const DENSE: usize = 2_048;
        let labels = distinct(labels)?;
        let classes = labels.len();
        if truth.len() != predicted.len() {
            let reason = format!("{} predictions for {} rows", predicted.len(), truth.len());
            return Err(Error::Setting { field: "predicted", reason });
        }
        for (field, indices) in [("truth", truth), ("predicted", predicted)] {
            if let Some(row) = indices.iter().position(|&index| index as usize >= classes) {
                let reason = format!("class {} at row {row}, of {classes} classes", indices[row]);
                return Err(Error::Setting { field, reason });
            }
        }
        let pairs = truth.iter().zip(predicted);
        let mut cells = Vec::new();
        if classes <= DENSE {
            let mut counts = vec![0_u64; classes * classes];
            for (&truth, &predicted) in pairs {
                counts[truth as usize * classes + predicted as usize] += 1;
            }
            for (truth, row) in (0..).zip(counts.chunks_exact(classes.max(1))) {
                for (predicted, &count) in (0..).zip(row).filter(|(_, count)| **count > 0) {
                    cells.push(CellCount { truth, predicted, count });
                }
            }
        } else {
            let mut pairs: Vec<(u32, u32)> = pairs.map(|(&t, &p)| (t, p)).collect();
            pairs.sort_unstable();
            for run in pairs.chunk_by(|a, b| a == b) {
                let (truth, predicted) = run[0];
                cells.push(CellCount { truth, predicted, count: run.len() as u64 });
            }
        }
        Self::of_sorted(labels, cells)
    }

    /// From counted cells in any order; those of the same place are added up, and empty ones
    /// are left out.
    ///
    /// # Errors
    /// If an index is beyond the labels, all counts are 0 or together overflow, or a label is
    /// there twice.
    pub fn from_cells<L: Into<String>>(
        labels: impl IntoIterator<Item = L>,
        cells: impl IntoIterator<Item = CellCount>,
    ) -> Result<Self> {
        let labels = distinct(labels)?;
        let mut cells: Vec<CellCount> = cells.into_iter().filter(|cell| cell.count > 0).collect();
        let beyond = |cell: &&CellCount| cell.truth.max(cell.predicted) as usize >= labels.len();
        if let Some(cell) = cells.iter().find(beyond) {
            let reason = format!("{cell:?}, of {} classes", labels.len());
            return Err(Error::Setting { field: "counts", reason });
        }
        cells.sort_unstable();
        let mut merged: Vec<CellCount> = Vec::with_capacity(cells.len());
        for cell in cells {
            match merged.last_mut() {
                Some(last) if (last.truth, last.predicted) == (cell.truth, cell.predicted) => {
                    last.count = last.count.saturating_add(cell.count);
                }
                _ => merged.push(cell),
            }
        }
        Self::of_sorted(labels, merged)
    }

    fn of_sorted(labels: Vec<String>, cells: Vec<CellCount>) -> Result<Self> {
        let wrong = |reason: &str| Error::Setting { field: "counts", reason: reason.to_owned() };
        match cells.iter().try_fold(0_u64, |sum, cell| sum.checked_add(cell.count)) {
            None => Err(wrong("more rows than a 64-bit number can count")),
            Some(0) => Err(wrong("there is no row to score")),
            Some(total) => Ok(Self { labels, cells, total }),
        }
    }

    /// The classes, in the order of rows and columns.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The cells with rows in them, in rising order of truth, then prediction.
    pub fn cells(&self) -> &[CellCount] {
        &self.cells
    }

    /// All rows that were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Rows of class `truth` that were given class `predicted`.
    pub fn count(&self, truth: u32, predicted: u32) -> u64 {
        let place = |cell: &CellCount| (cell.truth, cell.predicted);
        let found = self.cells.binary_search_by_key(&(truth, predicted), place);
        found.map_or(0, |at| self.cells[at].count)
    }

    /// The cells of one class's rows.
    pub fn row(&self, truth: u32) -> &[CellCount] {
        let start = self.cells.partition_point(|cell| cell.truth < truth);
        let end = self.cells.partition_point(|cell| cell.truth <= truth);
        &self.cells[start..end]
    }

    /// Correct, support and predicted of each class.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::new(self.labels.len());
        for cell in &self.cells {
            let (truth, predicted) = (cell.truth as usize, cell.predicted as usize);
            tally.support[truth] += cell.count;
            tally.predicted[predicted] += cell.count;
            if truth == predicted {
                tally.correct[truth] += cell.count;
            }
        }
        tally
    }
}

impl From<&Confusion> for SparseConfusion {
    fn from(confusion: &Confusion) -> Self {
        let mut cells = Vec::new();
        for (truth, _) in (0..).zip(confusion.labels()) {
            let row = (0..).zip(confusion.row(truth as usize));
            for (predicted, &count) in row.filter(|(_, count)| **count > 0) {
                cells.push(CellCount { truth, predicted, count });
            }
        }
        Self { labels: confusion.labels().to_vec(), cells, total: confusion.total() }
    }
}
