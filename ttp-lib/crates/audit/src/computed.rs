//! Every figure computed from the cells of a confusion matrix, in exact numbers.

use super::confusion::Classes;
use super::counts::{
    Averaging, ClassCount, ClassCounts, ClassMetric, Matrix, predicted, shares_of, support,
};
use super::figure::{Exact, fraction, whole};
use super::statement::{Share, Statement};
use num_traits::Zero;

impl Classes {
    pub(super) fn all_hold(&self, said: &[&Statement], matrix: &Matrix) -> bool {
        let counted = self.counted(matrix);
        said.iter().all(|said| self.holds_in(said, matrix, &counted))
    }

    /// Whether a matrix bears out what is said, computed from its cells in exact numbers.
    pub fn holds(&self, said: &Statement, matrix: &Matrix) -> bool {
        self.holds_in(said, matrix, &self.counted(matrix))
    }

    /// The counts of a matrix's classes.
    pub(super) fn counted(&self, matrix: &Matrix) -> ClassCounts {
        let classes = 0..self.names.len();
        let support: Vec<i128> = classes.clone().map(|class| support(matrix, class)).collect();
        ClassCounts {
            total: support.iter().sum(),
            support,
            predicted: classes.clone().map(|class| predicted(matrix, class)).collect(),
            right: classes.map(|class| i128::from(matrix[class][class])).collect(),
        }
    }

    pub(super) fn holds_in(
        &self,
        said: &Statement,
        matrix: &Matrix,
        counted: &ClassCounts,
    ) -> bool {
        let all = || (0..self.names.len()).collect::<Vec<_>>();
        let share = |from: usize, to: usize, share: Share| {
            let cell = i128::from(matrix[from][to]);
            let of = match share {
                Share::Row => counted.support[from],
                Share::Column => counted.predicted[to],
                Share::All => counted.total,
            };
            match of {
                0 => share.of_nothing(self.zero_division),
                of => Some(fraction(cell, of)),
            }
        };
        let value = match said {
            Statement::OfClass(class, metric, _) => self.score_in(counted, *class, *metric),
            Statement::Count(class, count, _) => Some(whole(match count {
                ClassCount::Support => counted.support[*class],
                ClassCount::Predicted => counted.predicted[*class],
                ClassCount::TruePositives => counted.right[*class],
            })),
            Statement::Averaged(averaging, metric, _) => {
                self.average_in(counted, &all(), *averaging, *metric)
            }
            Statement::Over(of, averaging, metric, _) => {
                self.average_in(counted, of, *averaging, *metric)
            }
            Statement::Balanced(read, _) => read.of(counted),
            Statement::Whole(agreement, interval) => return agreement.is_in(counted, interval),
            Statement::Accuracy(_) => {
                (counted.total > 0).then(|| fraction(counted.right.iter().sum(), counted.total))
            }
            Statement::Cell(from, to, _) => Some(whole(matrix[*from][*to].into())),
            Statement::CellShare(from, to, of, _) => share(*from, *to, *of),
            Statement::EitherWay(a, b, x, y) => {
                let row = |from: usize, to: usize| share(from, to, Share::Row);
                let Some((ab, ba)) = row(*a, *b).zip(row(*b, *a)) else { return false };
                return x.contains(&ab) && y.contains(&ba) || x.contains(&ba) && y.contains(&ab);
            }
            Statement::Total(_) => Some(whole(counted.total)),
        };
        value.is_some_and(|value| said.interval().contains(&value))
    }

    /// A class's score; `None` for a division by nought that has no value.
    pub fn score(&self, matrix: &Matrix, class: usize, metric: ClassMetric) -> Option<Exact> {
        self.score_in(&self.counted(matrix), class, metric)
    }

    fn score_in(&self, counted: &ClassCounts, class: usize, metric: ClassMetric) -> Option<Exact> {
        let shares = shares_of(counted, class, metric).into_iter().map(|(above, below)| {
            if below == 0 { self.zero_division.value() } else { Some(fraction(above, below)) }
        });
        let shares: Vec<Exact> = shares.collect::<Option<_>>()?;
        let number = whole(shares.len() as i128);
        Some(shares.into_iter().sum::<Exact>() / number)
    }

    /// An average over all classes.
    pub fn average(
        &self,
        matrix: &Matrix,
        averaging: Averaging,
        metric: ClassMetric,
    ) -> Option<Exact> {
        let all: Vec<usize> = (0..self.names.len()).collect();
        self.average_over(matrix, &all, averaging, metric)
    }

    /// An average over some classes.
    pub fn average_over(
        &self,
        matrix: &Matrix,
        of: &[usize],
        averaging: Averaging,
        metric: ClassMetric,
    ) -> Option<Exact> {
        self.average_in(&self.counted(matrix), of, averaging, metric)
    }

    fn average_in(
        &self,
        counted: &ClassCounts,
        of: &[usize],
        averaging: Averaging,
        metric: ClassMetric,
    ) -> Option<Exact> {
        if averaging == Averaging::Micro {
            // Each class's counts above and below the line, added up; of balanced accuracy the
            // mean of the two sums' quotients.
            let mut sums = [(0, 0); 2];
            let mut quotients = 1;
            for &class in of {
                let shares = shares_of(counted, class, metric);
                quotients = shares.len();
                for (sum, (above, below)) in sums.iter_mut().zip(shares) {
                    *sum = (sum.0 + above, sum.1 + below);
                }
            }
            let all = of.len() == self.names.len() && !self.labels.is_open();
            let share = |(above, below): &(i128, i128)| match below {
                0 if all => None,
                0 => self.zero_division.value(),
                _ => Some(fraction(*above, *below)),
            };
            let shares: Vec<Exact> = sums[..quotients].iter().map(share).collect::<Option<_>>()?;
            return Some(shares.into_iter().sum::<Exact>() / whole(quotients as i128));
        }
        let mut sum = Exact::zero();
        let mut weights = 0;
        for &class in of {
            let weight = match averaging {
                Averaging::Weighted => counted.support[class],
                _ => 1,
            };
            if weight == 0 {
                continue;
            }
            sum += whole(weight) * self.score_in(counted, class, metric)?;
            weights += weight;
        }
        (weights != 0).then(|| sum / whole(weights))
    }
}
