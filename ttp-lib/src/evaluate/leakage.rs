//! Scores on the test rows that have a relative in training, and on the others.

use super::predictions::{Prediction, scores_of};
use serde::Serialize;
use ttp_base::{Error, Result};
use ttp_metrics::{Bootstrap, Estimate, Groups, Part, Scores};
use ttp_text::split::Split;

/// Scores on a part of the test rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartScores {
    /// Whether these rows have a relative in training: their original, or a copy of it.
    pub seen_in_training: bool,
    /// How many they are.
    pub rows: usize,
    /// Their share of all test rows, from 0 to 1.
    pub share: Estimate,
    /// Share of them named right.
    pub accuracy: Estimate,
    /// Macro-averaged F1 over the techniques that these rows have or are given.
    pub f1_macro: Estimate,
}

/// What leakage is worth: scores on the test rows that have a relative in training (their
/// original, or a copy of it), and on those that have none. A part without a row is left out.
/// The intervals draw all test rows of one corpus sentence together.
///
/// # Errors
/// If the predictions are not of the split's test rows, in their order.
pub fn scores_by_leakage(
    split: &Split,
    predictions: &[Prediction],
    bootstrap: Bootstrap,
) -> Result<Vec<PartScores>> {
    let relatives = Relatives::of(split, predictions)?;
    let mut parts = Vec::new();
    for seen in [true, false] {
        let these: Vec<&Prediction> = predictions
            .iter()
            .zip(&relatives.places)
            .filter(|(_, place)| (**place != Place::NotSeen) == seen)
            .map(|(prediction, _)| prediction)
            .collect();
        if these.is_empty() {
            continue;
        }
        let share = relatives.estimate(bootstrap, |shares| {
            let none = shares[Place::NotSeen as usize];
            if seen { 1.0 - none } else { none }
        })?;
        let scores = scores_of(these.iter().copied(), bootstrap)?;
        parts.push(PartScores {
            seen_in_training: seen,
            rows: these.len(),
            share,
            accuracy: scores.accuracy,
            f1_macro: scores.f1.macro_,
        });
    }
    Ok(parts)
}

/// A model's scores on a test part: all of it, the rows that have a relative in training, and
/// the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeakScores {
    /// Of all test rows.
    pub all: Scores<Estimate>,
    /// Of the rows with a relative in training; `None` where there is none.
    pub with: Option<PartScores>,
    /// Of the others; `None` where there is none.
    pub without: Option<PartScores>,
}

impl LeakScores {
    /// Scores a split's test rows apart ([`scores_by_leakage`]) and together ([`scores_of`]).
    ///
    /// # Errors
    /// If the predictions are not of the split's test rows, in their order.
    pub fn of(split: &Split, predictions: &[Prediction], bootstrap: Bootstrap) -> Result<Self> {
        let mut parts = scores_by_leakage(split, predictions, bootstrap)?;
        let without = parts.pop_if(|part| !part.seen_in_training);
        Ok(Self { all: scores_of(predictions, bootstrap)?, with: parts.pop(), without })
    }
}

/// The figures of [`LeakScores`], as the mean over several draws of copies and test rows.
///
/// Macro F1 of a part counts each technique that its rows have or are given. A technique may have
/// one to five rows there, and one that is only given wrongly counts 0: so it can be low where
/// accuracy is high.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LeakFigures {
    /// How many of them.
    pub repeats: usize,
    /// Share of test rows with a relative in training, from 0 to 1.
    pub share: f64,
    /// Share of all test rows named right.
    pub accuracy: f64,
    /// Macro-averaged F1 on all test rows.
    pub f1_macro: f64,
    /// Accuracy on the rows with a relative; `None` where a draw has none.
    pub accuracy_with: Option<f64>,
    /// Macro-averaged F1 on the rows with a relative; `None` where a draw has none.
    pub f1_macro_with: Option<f64>,
    /// Accuracy on the others; `None` where a draw has none.
    pub accuracy_without: Option<f64>,
    /// Macro-averaged F1 on the others; `None` where a draw has none.
    pub f1_macro_without: Option<f64>,
}

impl LeakFigures {
    /// The mean of some draws; of none, nothing but zeros.
    pub fn mean_of(draws: &[&LeakScores]) -> Self {
        let mean = |figure: &dyn Fn(&LeakScores) -> Option<f64>| -> Option<f64> {
            let figures: Option<Vec<f64>> = draws.iter().map(|draw| figure(draw)).collect();
            figures.map(|figures| figures.iter().sum::<f64>() / draws.len().max(1) as f64)
        };
        let certain =
            |figure: &dyn Fn(&LeakScores) -> f64| mean(&|s| Some(figure(s))).unwrap_or(0.0);
        Self {
            repeats: draws.len(),
            share: certain(&|s| s.with.as_ref().map_or(0.0, |part| part.share.value)),
            accuracy: certain(&|s| s.all.accuracy.value),
            f1_macro: certain(&|s| s.all.f1.macro_.value),
            accuracy_with: mean(&|s| s.with.as_ref().map(|part| part.accuracy.value)),
            f1_macro_with: mean(&|s| s.with.as_ref().map(|part| part.f1_macro.value)),
            accuracy_without: mean(&|s| s.without.as_ref().map(|part| part.accuracy.value)),
            f1_macro_without: mean(&|s| s.without.as_ref().map(|part| part.f1_macro.value)),
        }
    }
}

/// What a published accuracy would be worth on sentences that have no relative in training,
/// if its test part leaked as this one does: the `x` of `published = s × a + (1 − s) × x`,
/// where `s` is the share of test rows with a relative and `a` the accuracy on them. The
/// interval is over `s` and `a`, drawn together by corpus sentence; the published figure is
/// taken as it is.
///
/// # Errors
/// If the predictions are not of the split's test rows, in their order, or all of them have
/// a relative.
pub fn worth_without_relatives(
    published: f64,
    split: &Split,
    predictions: &[Prediction],
    bootstrap: Bootstrap,
) -> Result<Estimate> {
    let relatives = Relatives::of(split, predictions)?;
    if !relatives.places.contains(&Place::NotSeen) {
        let reason = "each test row has a relative in training".to_owned();
        return Err(Error::Setting { field: "split", reason });
    }
    relatives.estimate(bootstrap, |shares| {
        (published - shares[Place::SeenRight as usize]) / shares[Place::NotSeen as usize]
    })
}

/// What became of a test row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    SeenRight,
    SeenWrong,
    NotSeen,
}

/// The test rows by whether training has a relative of them.
struct Relatives {
    places: Vec<Place>,
    groups: Groups,
}

impl Relatives {
    fn of(split: &Split, predictions: &[Prediction]) -> Result<Self> {
        if !split.test.iter().eq(predictions.iter().map(|prediction| &prediction.sample)) {
            let reason = "they are not of this split's test rows".to_owned();
            return Err(Error::Setting { field: "predictions", reason });
        }
        let training = split.rows_in_training();
        let place = |p: &Prediction| match training.contains(&p.sample.row) {
            false => Place::NotSeen,
            true if p.predicted == p.sample.technique => Place::SeenRight,
            true => Place::SeenWrong,
        };
        let rows: Vec<u32> = predictions.iter().map(|p| p.sample.row).collect();
        Ok(Self { places: predictions.iter().map(place).collect(), groups: Groups::by(&rows) })
    }

    /// A figure of the shares of the three places, by [`Place`]'s order.
    fn estimate(
        &self,
        bootstrap: Bootstrap,
        figure: impl Fn([f64; 3]) -> f64 + Sync,
    ) -> Result<Estimate> {
        let places: Vec<usize> = self.places.iter().map(|place| *place as usize).collect();
        let part = Part { classes: 3, truth: &places, predicted: &places, groups: &self.groups };
        bootstrap.estimate_of(&part, |tally| {
            let rows = tally.support.iter().sum::<u64>().max(1) as f64;
            figure([0, 1, 2].map(|place: usize| tally.support[place] as f64 / rows))
        })
    }
}
