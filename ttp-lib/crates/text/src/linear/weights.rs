//! The weights of a linear classifier.

use rayon::prelude::*;

use super::words::Row;

/// A weight for each column and class, and an intercept for each class.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    classes: usize,
    /// Of the first column those of all classes, then of the second: a sparse row's scores are
    /// a few stretches of memory added up.
    weights: Vec<f64>,
    intercepts: Vec<f64>,
}

impl Weights {
    /// From the weight of each of `width` columns for a class, and the intercept of a class.
    pub(super) fn new(
        width: usize,
        classes: usize,
        weight: impl Fn(usize, usize) -> f64 + Sync,
        intercept: impl Fn(usize) -> f64,
    ) -> Self {
        let mut weights = vec![0.0; width * classes];
        weights.par_chunks_mut(classes.max(1)).enumerate().for_each(|(column, weights)| {
            for (class, value) in weights.iter_mut().enumerate() {
                *value = weight(column, class);
            }
        });
        Self { classes, weights, intercepts: (0..classes).map(intercept).collect() }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The weights of all classes for a column.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.weights[column * self.classes..][..self.classes]
    }

    /// All columns' weights, one column after the other.
    pub(super) fn all(&self) -> &[f64] {
        &self.weights
    }

    /// The intercept of each class.
    pub fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// The score of each class for a row.
    pub fn scores(&self, row: &Row) -> Vec<f64> {
        let mut scores = self.intercepts.clone();
        for &(column, value) in row {
            for (score, weight) in scores.iter_mut().zip(self.column(column as usize)) {
                *score += value * weight;
            }
        }
        scores
    }
}
