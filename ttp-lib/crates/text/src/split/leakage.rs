//! What test rows have in common with training rows.

use super::Split;
use crate::balance::classes;
use crate::corpus::clean::normalised;
use crate::corpus::{Operation, Sample};
use serde::Serialize;
use std::collections::HashSet;

/// How much of one part the training part has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TrainingOverlap {
    /// Rows of the part.
    pub rows: usize,
    /// Rows that are augmented copies themselves.
    pub copies: usize,
    /// Rows whose corpus row training has too: as the original, or as a copy of it.
    pub same_row: usize,
    /// Rows of whose corpus row training has an augmented copy; the rest of `same_row`
    /// are copies of which training has the original only.
    pub copy_in_training: usize,
    /// Rows whose text training has, case, spacing and punctuation set aside.
    pub same_text: usize,
}

/// What leaks from training into validation and test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Leakage {
    /// Of validation.
    pub validation: TrainingOverlap,
    /// Of test.
    pub test: TrainingOverlap,
}

impl Leakage {
    /// Counts it.
    pub fn of(split: &Split) -> Self {
        let rows = split.rows_in_training();
        let copies = split.train.iter().filter(|sample| sample.operation != Operation::Original);
        let copies: HashSet<u32> = copies.map(|sample| sample.row).collect();
        let texts: HashSet<String> = split.train.iter().map(|s| normalised(&s.text)).collect();
        let count = |part: &[Sample], of: &dyn Fn(&Sample) -> bool| {
            part.iter().filter(|sample| of(sample)).count()
        };
        let seen = |part: &[Sample]| TrainingOverlap {
            rows: part.len(),
            copies: count(part, &|sample| sample.operation != Operation::Original),
            same_row: count(part, &|sample| rows.contains(&sample.row)),
            copy_in_training: count(part, &|sample| copies.contains(&sample.row)),
            same_text: count(part, &|sample| texts.contains(&normalised(&sample.text))),
        };
        Self { validation: seen(&split.validation), test: seen(&split.test) }
    }
}

/// How much of one technique's test rows training has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeakedTechnique {
    /// The technique.
    pub technique: String,
    /// Its test rows; at least one.
    pub rows: usize,
    /// Those of which training has a sample of the same corpus row.
    pub seen: usize,
}

impl LeakedTechnique {
    /// The share of its test rows that was seen, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.seen as f64 / self.rows as f64
    }
}

/// Leakage into the test part for each technique, the largest share first.
pub fn leakage_by_technique(split: &Split) -> Vec<LeakedTechnique> {
    let training = split.rows_in_training();
    let of = |(technique, rows): (&str, Vec<usize>)| LeakedTechnique {
        technique: technique.to_owned(),
        rows: rows.len(),
        seen: rows.iter().filter(|at| training.contains(&split.test[**at].row)).count(),
    };
    let mut techniques: Vec<_> = classes(&split.test).into_iter().map(of).collect();
    techniques.sort_by(|a, b| b.share().total_cmp(&a.share()));
    techniques
}
