//! Which columns of a file hold the truth, the prediction and the probabilities.

use std::collections::BTreeSet;
use std::path::Path;
use ttp_base::csv_file::{self, shown};
use ttp_base::spelling::tidy;
use ttp_base::{Error, Result};

/// What a column of truth is called where nobody says.
const TRUTH: [&str; 7] = ["truth", "true", "true_label", "y_true", "actual", "label", "technique"];

/// What a column of predictions is called where nobody says.
const PREDICTED: [&str; 5] = ["predicted", "predicted_label", "prediction", "y_pred", "pred"];

/// What the column of the predictions' own probabilities is called where nobody says.
const PROBABILITY: &str = "probability";

/// Which columns hold what. What is not named is looked for: truth as `truth`, `true`,
/// `true_label`, `y_true`, `actual`, `label` or `technique`; predictions as `predicted`,
/// `predicted_label`, `prediction`, `y_pred` or `pred`; their probabilities as `probability`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// The true label.
    pub truth: Option<String>,
    /// The predicted label. Where there is none and `probabilities` is given, the class of the
    /// highest probability is taken, of equals the first.
    pub predicted: Option<String>,
    /// What the columns of all classes' probabilities begin with; the rest of such a column's
    /// name is its label: `p_` of `p_benign`.
    pub probabilities: Option<String>,
    /// The probability of the predicted label alone.
    pub probability: Option<String>,
}

/// A column, by its name and its number.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) at: usize,
}

/// The columns that are read.
pub(super) struct Places {
    pub(super) truth: Place,
    pub(super) predicted: Option<Place>,
    /// All classes' probabilities.
    pub(super) of_all: Vec<Place>,
    /// The labels of `of_all`.
    pub(super) labels: Vec<String>,
    /// The predictions' own probabilities.
    pub(super) confidence: Option<Place>,
}

impl Places {
    pub(super) fn find(file: &Path, header: &[String], columns: &Columns) -> Result<Self> {
        let wrong = |field: Option<&str>, reason: String| {
            let there: Vec<String> = header.iter().map(|name| shown(name)).collect();
            let reason = format!("{reason}; there are: {}", there.join(", "));
            Error::input_at(file, Some(1), field, reason)
        };
        let place = |at: usize| Place { name: header[at].clone(), at };
        let named = |name: &str| match csv_file::position(header, name) {
            Some(at) => Ok(place(at)),
            None => Err(wrong(Some(name), "no such column".to_owned())),
        };
        let guessed = |known: &[&str], option: &str| {
            let found: Vec<usize> =
                (0..header.len()).filter(|&at| known.contains(&header[at].trim())).collect();
            match found.as_slice() {
                [] => Ok(None),
                [only] => Ok(Some(place(*only))),
                [first, second, ..] => {
                    let (first, second) = (&header[*first], &header[*second]);
                    let reason = format!("{first:?} or {second:?}? Say which with {option}");
                    Err(wrong(None, reason))
                }
            }
        };
        let truth = match &columns.truth {
            Some(name) => named(name)?,
            None => guessed(&TRUTH, "--truth")?.ok_or_else(|| {
                let reason =
                    format!("no column of truth ({}): name it with --truth", TRUTH.join(", "));
                wrong(None, reason)
            })?,
        };
        let predicted = match &columns.predicted {
            Some(name) => Some(named(name)?),
            None => guessed(&PREDICTED, "--predicted")?,
        };
        if let Some(predicted) = predicted.as_ref().filter(|predicted| predicted.at == truth.at) {
            let reason = "this column is truth and prediction alike: name two with --truth and \
                          --predicted";
            return Err(wrong(Some(&predicted.name), reason.to_owned()));
        }
        let taken = |at: usize| {
            at == truth.at || predicted.as_ref().is_some_and(|predicted| at == predicted.at)
        };
        let (mut of_all, mut labels) = (Vec::new(), Vec::new());
        if let Some(prefix) = &columns.probabilities {
            for at in (0..header.len()).filter(|&at| !taken(at)) {
                if let Some(label) = header[at].strip_prefix(prefix.as_str())
                    && !label.is_empty()
                {
                    of_all.push(place(at));
                    labels.push(label.to_owned());
                }
            }
            if of_all.len() < 2 {
                let reason = "fewer than two columns of probabilities begin so".to_owned();
                return Err(wrong(Some(prefix), reason));
            }
            let distinct: BTreeSet<_> = labels.iter().map(|label| tidy(label)).collect();
            if distinct.len() < labels.len() {
                return Err(wrong(Some(prefix), "a label has two columns".to_owned()));
            }
        }
        if predicted.is_none() && of_all.is_empty() {
            let known = PREDICTED.join(", ");
            let reason = format!(
                "no column of predictions ({known}): name it with --predicted, or all classes' \
                 probabilities with --probabilities"
            );
            return Err(wrong(None, reason));
        }
        let confidence = match &columns.probability {
            Some(name) => Some(named(name)?),
            None if of_all.is_empty() => csv_file::position(header, PROBABILITY).map(place),
            None => None,
        };
        Ok(Self { truth, predicted, of_all, labels, confidence })
    }

    /// The columns that are read, and where each stands among them.
    pub(super) fn names(&self) -> Vec<String> {
        let one = [Some(&self.truth), self.predicted.as_ref(), self.confidence.as_ref()];
        let all = one.into_iter().flatten().chain(&self.of_all);
        let mut names: Vec<String> = all.map(|place| place.name.clone()).collect();
        names.dedup();
        names
    }
}
