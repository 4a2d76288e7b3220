//! From sentences to techniques with evidence.
//!
//! - [`recognise`]: documents in, a [`Report`] out.
//! - [`ReportModel`]: a linear model of procedure sentences and of prose that shows none, its
//!   probabilities calibrated, with an encoder beside it where there is one.
//! - [`train`]: how it is made and measured; [`rows`], what it learns from.
//! - [`curve()`], [`threshold_for`]: precision and recall by threshold.
//! - [`Search`]: the nearest techniques of the whole bundle.
//!
//! How sure is sure? A model's figures are of MITRE's own sentences: procedure sentences that it has
//! not learned from, mixed with three times as much prose of the same bundle. A real report is
//! written otherwise, names several techniques in a sentence, and tells much that no bundle has:
//! it is harder.

mod calibration;
mod curve;
mod encoder;
mod labels;
mod model;
mod report;
mod results;
mod rows;
mod similar;
mod train;

pub use calibration::{Calibration, Scores};
pub use curve::{
    OperatingPoint, Point, ScoredSentence, Truth, curve, frontier, measured, threshold_for,
    weight_of_none,
};
pub use encoder::EncoderAbout;
pub use labels::Label;
pub use model::{About, CurveVerdict, Models, NONE, ReportModel};
pub use report::{MOST_SENTENCES, Options, recognise, recognise_sentences};
pub use results::{KindCount, ModelResults, Negatives, Results, TramV2, negatives};
pub use rows::{Account, Parts, ProseCount, Row, rows};
pub use similar::Search;
pub use train::{LEAST, MIX, TrainedReportModel, Training, WithEncoder, train};

#[cfg(doc)]
use crate::Report;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
