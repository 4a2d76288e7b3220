//! Can reported scores be true? Claims as data in, a verdict on each out.
//!
//! A document's figures are checked together: the scores of a confusion matrix against all
//! whole-number matrices, sums against their parts, tiers against their figures. A claim is
//!
//! - *consistent* with a witness: numbers from which every figure was computed anew;
//! - *inconsistent* with the claims that cannot hold together with it: proven, in whole
//!   numbers and fractions;
//! - *undecided*, with what would decide it.
//!
//! Beside the verdict stands, for claims that count the document's own rows, whether a run on
//! these rows gives the figure: see [`Ran`].
//!
//! No verdict hangs on a floating-point number or on the clock. What a division by nought
//! gives is scikit-learn's `zero_division=0`, unless a claims file says otherwise.
//!
//! - [`figure`]: a figure as it is printed, and the interval of numbers that print so.
//! - [`claims`]: claims files.
//! - [`binary`]: matrices of two classes, totals known, bounded or not known.
//! - [`scores`]: what the scores of a binary matrix are.
//! - `rates`: the shares of positives that scores leave without a total.
//! - [`multiclass`]: all scores of many classes, from one confusion matrix.
//! - [`cells`]: cells of it that are printed one by one.
//! - [`labels`]: reports over some labels, or with several labels an example.
//! - [`balanced`]: balanced accuracy of many classes, in its readings.
//! - [`agreement`]: kappa and Matthews' correlation of many classes.
//! - `classes`: verdicts on the claims about a matrix of many classes.
//! - `turned`: matrices printed with rows and columns exchanged.
//! - [`solver`]: whole numbers that meet linear rows and averages.
//! - `ranges`: bounds of one of those numbers, proven.
//! - [`arithmetic`]: claims about other figures.
//! - `together`: those that compare figures, together.
//! - [`verdict`]: verdicts, and the smallest conflict.
//! - `set`: claims files about the same matrices, as one set.
//! - [`removal`]: the smallest set of claims that has to go.
//! - [`rests`]: which claims a derived number rests on.
//! - [`report`]: one table of all claims, and our figures beside them.

pub mod agreement;
pub mod arithmetic;
pub mod balanced;
pub mod binary;
pub mod cells;
pub mod claims;
mod classes;
pub mod figure;
mod judge;
pub mod labels;
mod measured;
pub mod multiclass;
mod ranges;
mod rates;
pub mod removal;
pub mod report;
pub mod rests;
pub mod scores;
mod set;
pub mod solver;
mod together;
mod turned;
pub mod verdict;

pub use claims::Claims;
pub use figure::{Exact, Figure, Interval, Rounding};
pub use judge::{Audit, Judged, Shown, Told, audit};
pub use removal::Removal;
pub use rests::Rest;
pub use verdict::{Ran, Verdict};

#[cfg(test)]
mod printed_tests;
#[cfg(test)]
mod tests;
