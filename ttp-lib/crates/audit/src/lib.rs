//! Can reported scores be true? Claims as data in, a verdict on each out.
//!
//! A document's figures are checked together: the scores of a confusion matrix against all
//! whole-number matrices, sums against their parts, tiers against their figures. A claim is
//!
//! - *consistent* with an example: numbers from which every figure was computed anew;
//! - *inconsistent* with the claims that cannot hold together with it: proven, in whole
//!   numbers and fractions;
//! - *undecided*, with what would decide it.
//!
//! Beside the verdict stands, for claims that count the document's own rows, whether a run on
//! these rows gives the figure: see [`Reproduction`].
//!
//! No verdict hangs on a floating-point number or on the clock. What a division by nought
//! gives is scikit-learn's `zero_division=0`, unless a claims file says otherwise.
//!
//! - `figure`: a figure as it is printed, and the interval of numbers that print so.
//! - [`claims`]: claims files.
//! - `binary`: matrices of two classes, totals known, bounded or not known.
//! - `scores`: what the scores of a binary matrix are; `binary_score`: what a figure leaves of
//!   the matrix.
//! - `rates`: the shares of positives that scores leave without a total.
//! - `counts`: counts of a confusion matrix of many classes, and the scores made of them.
//! - `statement`: what a document says of such a matrix.
//! - `confusion`: a matrix of which the classes are known.
//! - [`multiclass`]: whether one matrix can have all scores that are said of it.
//! - `rows` and `averages`: what is said, as rows and averages of unknown counts.
//! - `cells`: cells of it that are printed one by one.
//! - `filled`: whole matrices from the counts of their classes.
//! - `computed`: every figure computed from a matrix.
//! - `labels`: reports over some labels, or with several labels an example.
//! - `balanced`: balanced accuracy of many classes, in its readings.
//! - `agreement`: kappa and Matthews' correlation of many classes.
//! - `classes`: verdicts on the claims about a matrix of many classes, looked for by a `looker`,
//!   with other `readings` of them.
//! - `turned`: matrices printed with rows and columns exchanged.
//! - `solver`: whole numbers that meet linear rows and averages (`problem`), looked for by
//!   narrowed bounds (`narrow`), linear programs (`relaxation`), a `walk` and a `search`.
//! - `ranges`: bounds of one of those numbers, proven.
//! - `arithmetic`: claims about other figures.
//! - `together`: those that compare figures, together.
//! - `verdict`: verdicts, and the smallest conflict.
//! - `judge`: all claims of a file judged, matrix by matrix: `binary_sets`, `classes`, `systems`,
//!   `relations`; and `derived`, what numbers the claims leave.
//! - `outcome`: what an audit found.
//! - `set`: claims files about the same matrices, as one set.
//! - `removal`: the smallest set of claims that has to go.
//! - `rests`: which claims a derived number rests on.
//! - [`report`]: one table of all claims, and our figures beside them: `measurements` are what runs of
//!   this project left, `figure_runs` what each figure's run came to.

mod agreement;
mod arithmetic;
mod averages;
mod balanced;
mod binary;
mod binary_score;
mod binary_sets;
mod cells;
pub mod claims;
mod classes;
mod computed;
mod confusion;
mod counts;
mod derived;
mod figure;
mod figure_runs;
mod filled;
mod judge;
mod labels;
mod looker;
mod measurements;
pub mod multiclass;
mod narrow;
mod outcome;
mod problem;
mod ranges;
mod rates;
mod readings;
mod relations;
mod relaxation;
mod removal;
pub mod report;
mod rests;
mod rows;
mod scores;
mod search;
mod set;
mod solver;
mod statement;
mod systems;
mod together;
mod turned;
mod verdict;
mod walk;

pub use claims::Claims;
pub use figure::{Exact, Figure, Interval, Rounding};
pub use judge::audit;
pub use outcome::{Audit, ClaimVerdict, DerivedNumber, FactCheck};
pub use removal::Removal;
pub use rests::Rest;
pub use verdict::{Reproduction, Verdict};

#[cfg(test)]
mod printed_tests;
#[cfg(test)]
mod tests;
