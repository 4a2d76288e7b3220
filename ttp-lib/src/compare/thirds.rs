//! Accuracy by how many tokens a word becomes.

use super::model_answers::ModelAnswers;
use serde::Serialize;
use std::fmt;
use ttp_base::{Error, Result};
use ttp_metrics::{Bootstrap, Estimate, Groups, Part};

/// Accuracy on the test rows with a measure within bounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Third {
    /// The lowest measure among the rows.
    pub from: f64,
    /// The highest.
    pub to: f64,
    /// How many rows.
    pub rows: usize,
    /// Share of them named right.
    pub accuracy: Estimate,
}

/// Whether a model's errors go with a measure of its test rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ByThirds {
    /// The rows in thirds by the measure, the lowest first; rows with equal measures are
    /// in one third, so that sizes differ and one may be missing.
    pub thirds: Vec<Third>,
    /// Accuracy in the highest third minus that in the lowest; `None` where there is but one.
    pub highest_minus_lowest: Option<Estimate>,
}

impl fmt::Display for ByThirds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(difference) = self.highest_minus_lowest else {
            return f.write_str("all test rows have about the same: nothing to compare");
        };
        let verdict = match (difference.excludes_zero(), difference.value > 0.0) {
            (true, true) => "rows in the highest third are named right more often",
            (true, false) => "rows in the highest third are named right less often",
            (false, _) => "no difference beyond chance",
        };
        let signed = difference.signed();
        write!(f, "accuracy in the highest third minus the lowest {signed}: {verdict}")
    }
}

/// A model's accuracy by thirds of a measure, one number for each test row.
///
/// # Errors
/// If there are not as many numbers as rows, or one is not a number.
pub fn accuracy_by_thirds(
    model: &ModelAnswers,
    measure: &[f64],
    bootstrap: Bootstrap,
) -> Result<ByThirds> {
    if measure.len() != model.truth.len() {
        let (numbers, rows) = (measure.len(), model.truth.len());
        let reason = format!("{numbers} numbers for {rows} test rows");
        return Err(Error::Setting { field: "measure", reason });
    }
    let mut sorted = measure.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cuts = [1, 2].map(|third| sorted[(third * sorted.len() / 3).min(sorted.len() - 1)]);
    let mut thirds = [Vec::new(), Vec::new(), Vec::new()];
    for (row, value) in measure.iter().enumerate() {
        if !value.is_finite() {
            let reason = format!("row {row} has {value}");
            return Err(Error::Setting { field: "measure", reason });
        }
        thirds[cuts.iter().filter(|cut| value >= cut).count()].push(row);
    }
    let parts: Vec<RightOrWrong> = thirds
        .iter()
        .filter(|rows| !rows.is_empty())
        .map(|rows| RightOrWrong::of(model, rows))
        .collect();
    let found = thirds.iter().filter(|rows| !rows.is_empty()).zip(&parts);
    let third = |(rows, part): (&Vec<usize>, &RightOrWrong)| {
        let values = || rows.iter().map(|&row| measure[row]);
        Ok(Third {
            from: values().fold(f64::INFINITY, f64::min),
            to: values().fold(f64::NEG_INFINITY, f64::max),
            rows: rows.len(),
            accuracy: bootstrap.scores_of(&part.part())?.accuracy,
        })
    };
    let highest_minus_lowest = match parts.as_slice() {
        [lowest, .., highest] => {
            Some(bootstrap.unpaired(&highest.part(), &lowest.part())?.accuracy)
        }
        _ => None,
    };
    Ok(ByThirds { thirds: found.map(third).collect::<Result<_>>()?, highest_minus_lowest })
}

/// Rows of a model as a task of one class against all else: its share of rows that are
/// right is their accuracy.
struct RightOrWrong {
    truth: Vec<usize>,
    right: Vec<usize>,
    groups: Groups,
}

impl RightOrWrong {
    fn of(model: &ModelAnswers, rows: &[usize]) -> Self {
        let right = rows.iter().map(|&row| usize::from(model.is_right(row))).collect();
        let keys: Vec<u32> = rows.iter().map(|&row| model.predictions[row].sample.row).collect();
        Self { truth: vec![1; rows.len()], right, groups: Groups::by(&keys) }
    }

    pub(super) fn part(&self) -> Part<'_> {
        Part { classes: 2, truth: &self.truth, predicted: &self.right, groups: &self.groups }
    }
}
