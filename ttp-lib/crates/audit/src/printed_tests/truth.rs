//! Figures of a matrix as scikit-learn has them.

use super::Counts;

/// Margins, and scikit-learn's figures from them in floating point, told apart from the library's.
pub(super) struct Truth {
    pub(super) support: Vec<f64>,
    pub(super) predicted: Vec<f64>,
    pub(super) right: Vec<f64>,
    pub(super) all: f64,
}

impl Truth {
    pub(super) fn of(counts: &Counts) -> Self {
        let sum = |cells: &mut dyn Iterator<Item = u64>| cells.sum::<u64>() as f64;
        let classes = 0..counts.len();
        let support: Vec<f64> = counts.iter().map(|row| sum(&mut row.iter().copied())).collect();
        let column = |class: usize| sum(&mut counts.iter().map(|row| row[class]));
        Self {
            all: support.iter().sum(),
            support,
            predicted: classes.clone().map(column).collect(),
            right: classes.map(|class| counts[class][class] as f64).collect(),
        }
    }

    pub(super) fn of_class(&self, metric: &str, class: usize) -> f64 {
        let (s, p, t) = (self.support[class], self.predicted[class], self.right[class]);
        let (n, share) = (self.all, |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b });
        let (recall, specificity) = (share(t, s), share(n - s - p + t, n - s));
        match metric {
            "precision" => share(t, p),
            "recall" => recall,
            "f1" => share(2.0 * t, s + p),
            "f2" => share(5.0 * t, 4.0 * s + p),
            "specificity" => specificity,
            "negative_predictive_value" => share(n - s - p + t, n - p),
            "accuracy" => (n - s - p + 2.0 * t) / n,
            "balanced_accuracy" => f64::midpoint(recall, specificity),
            other => panic!("{other}"),
        }
    }

    pub(super) fn average(&self, metric: &str, weighted: bool, of: &[usize]) -> f64 {
        let weight = |class: usize| if weighted { self.support[class] } else { 1.0 };
        let all: f64 = of.iter().map(|&class| weight(class)).sum();
        let sum: f64 = of.iter().map(|&class| weight(class) * self.of_class(metric, class)).sum();
        if all == 0.0 { 0.0 } else { sum / all }
    }

    pub(super) fn balanced(&self, adjusted: bool) -> f64 {
        let present: Vec<usize> =
            (0..self.support.len()).filter(|&class| self.support[class] > 0.0).collect();
        let mean = self.average("recall", false, &present);
        let chance = 1.0 / present.len() as f64;
        if adjusted { (mean - chance) / (1.0 - chance) } else { mean }
    }

    pub(super) fn agreement(&self, kappa: bool) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (n, s, p) = (self.all, &self.support, &self.predicted);
        let above = n * self.right.iter().sum::<f64>() - dot(s, p);
        let below = match kappa {
            true => n * n - dot(s, p),
            false => ((n * n - dot(s, s)) * (n * n - dot(p, p))).sqrt(),
        };
        if below == 0.0 { 0.0 } else { above / below }
    }
}
