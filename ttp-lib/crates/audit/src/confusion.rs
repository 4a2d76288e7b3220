//! A confusion matrix of which the classes are known, and what can be asked of it.

use super::counts::{ClassCount, Matrix};
use super::labels::Labels;
use super::scores::ZeroDivision;

/// A confusion matrix of which the classes are known.
#[derive(Debug, Clone)]
pub struct Classes {
    /// The classes' names.
    pub names: Vec<String>,
    /// The least and the largest number of examples.
    pub total: (u64, u64),
    /// What a division by nought gives.
    pub zero_division: ZeroDivision,
    /// What the classes are of all labels. Of open ones the total is the sum of the classes'
    /// supports, and a matrix has a last row and a last column for what is not listed.
    pub labels: Labels,
}

impl Classes {
    /// All classes of examples that have one label each; a division by nought is nought.
    pub fn of_all(names: Vec<String>, total: (u64, u64)) -> Self {
        Self { names, total, zero_division: ZeroDivision::Zero, labels: Labels::All }
    }
}

/// What was found out about a confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatrixAnswer {
    /// This matrix gives every figure.
    Possible(Matrix),
    /// None does: proven.
    Impossible,
    /// Not found out.
    Unknown,
}

/// What a range is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixCount {
    /// A count of a class.
    Count(usize, ClassCount),
    /// A cell: examples of the first class that were said to be of the second.
    Cell(usize, usize),
}
