//! Counts of a confusion matrix's classes, and the scores that are made of them.

/// A score of one class against the others, or its average over classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassMetric {
    /// TP / predicted.
    Precision,
    /// TP / support.
    Recall,
    /// (1 + β²) TP / (β² support + predicted), with β² as a fraction.
    FBeta(u32, u32),
    /// TN / (TN + FP) of the class against all others.
    Specificity,
    /// TN / (TN + FN) of the class against all others.
    NegativePredictive,
    /// (TP + TN) / all of the class against all others.
    Accuracy,
    /// The mean of recall and specificity of the class against all others.
    BalancedAccuracy,
}

/// How classes are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Averaging {
    /// Every class counts once.
    Macro,
    /// Every class counts by its support.
    Weighted,
    /// All classes' counts are added up before they are divided.
    Micro,
}

/// A count of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassCount {
    /// Examples of the class.
    Support,
    /// Examples that were said to be of it.
    Predicted,
    /// Examples of it that were said to be of it.
    TruePositives,
}

/// Rows are true classes, columns predicted ones.
pub type Matrix = Vec<Vec<u64>>;

/// The counts of a matrix's classes.
#[derive(Debug, Clone)]
pub(super) struct ClassCounts {
    pub(super) support: Vec<i128>,
    pub(super) predicted: Vec<i128>,
    pub(super) right: Vec<i128>,
    /// The sum of the supports.
    pub(super) total: i128,
}

/// A class's score as what is above and below the line; balanced accuracy has two.
pub(super) fn shares_of(
    counted: &ClassCounts,
    class: usize,
    metric: ClassMetric,
) -> Vec<(i128, i128)> {
    let (s, p) = (counted.support[class], counted.predicted[class]);
    let (t, n) = (counted.right[class], counted.total);
    match metric {
        ClassMetric::Precision => vec![(t, p)],
        ClassMetric::Recall => vec![(t, s)],
        ClassMetric::FBeta(a, b) => {
            let (a, b) = (i128::from(a), i128::from(b));
            vec![((a + b) * t, a * s + b * p)]
        }
        ClassMetric::Specificity => vec![(n - s - p + t, n - s)],
        ClassMetric::NegativePredictive => vec![(n - s - p + t, n - p)],
        ClassMetric::Accuracy => vec![(n - s - p + 2 * t, n)],
        ClassMetric::BalancedAccuracy => vec![(t, s), (n - s - p + t, n - s)],
    }
}

pub(super) fn support(matrix: &Matrix, class: usize) -> i128 {
    matrix[class].iter().map(|&cell| i128::from(cell)).sum()
}

pub(super) fn predicted(matrix: &Matrix, class: usize) -> i128 {
    matrix.iter().map(|row| i128::from(row[class])).sum()
}
