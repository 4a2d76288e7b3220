//! What is said of a confusion matrix as linear rows of its unknown counts.

use super::cells::{Cells, Margins};
use super::confusion::Classes;
use super::counts::{Averaging, ClassCount, ClassMetric};
use super::figure::{Exact, Interval, whole};
use super::problem::{Problem, Sum, merged};
use super::statement::{Share, Statement};
use num_traits::ToPrimitive;

/// Where the unknowns of a matrix stand in a problem.
pub(super) struct Layout {
    pub(super) margins: Margins,
    pub(super) cells: Cells,
}

/// By which of what is said each row of a problem is.
pub(super) type RowsBy = Vec<Option<usize>>;

pub(super) type ProblemBy = (Problem, Layout, RowsBy);

/// Of open labels what is predicted is bounded by the examples so many times over: figures of up
/// to twelve decimals of a thousand examples are not cut off by it.
const OPEN: u32 = 40;

impl Classes {
    pub(super) fn problem(
        &self,
        said: &[&Statement],
        whole_cells: bool,
    ) -> Result<(Problem, Layout), String> {
        self.problem_by(said, whole_cells).map(|(problem, layout, _)| (problem, layout))
    }

    /// The same, and by which of what is said each row is; nothing for those of any matrix.
    pub(super) fn problem_by(
        &self,
        said: &[&Statement],
        whole_cells: bool,
    ) -> Result<ProblemBy, String> {
        let mut problem = Problem::default();
        let (least, most) = (i128::from(self.total.0), i128::from(self.total.1));
        let open = self.labels.is_open();
        let total = problem.unknown("total", least, most);
        let mut of = |what: &str, most: i128| -> Vec<usize> {
            let names = self.names.iter();
            names.map(|name| problem.unknown(format!("{what} of {name}"), 0, most)).collect()
        };
        let over = if open { (most << OPEN).min(1 << 50) } else { most };
        let (support, predicted) = (of("support", most), of("predicted", over));
        let right = of("true positives", most);
        let cells = Cells::named(self.names.len(), said, whole_cells, most, &mut problem);
        let margins = Margins { total, support, predicted, right };
        let layout = Layout { margins, cells };
        let classes = self.names.len();
        problem.groups = (0..classes)
            .map(|c| {
                vec![
                    layout.margins.support[c],
                    layout.margins.predicted[c],
                    layout.margins.right[c],
                ]
            })
            .collect();
        for margin in [Some(&layout.margins.support), (!open).then_some(&layout.margins.predicted)]
        {
            let Some(margin) = margin else { continue };
            let mut sum: Sum = margin.iter().map(|&at| (at, 1)).collect();
            sum.push((total, -1));
            problem.row(sum, Some(0), Some(0));
        }
        layout.cells.rows(&layout.margins, open, &mut problem);
        let mut rows_by = vec![None; problem.rows.len()];
        for (place, said) in said.iter().enumerate() {
            self.add(said, &mut problem, &layout)?;
            rows_by.resize(problem.rows.len(), Some(place));
        }
        self.add_averages(said, &mut problem, &layout)?;
        rows_by.resize(problem.rows.len(), None);
        if !said.iter().any(|said| matches!(said, Statement::OfClass(..) | Statement::Count(..))) {
            problem.start = Some(self.alike(said, &problem, &layout));
        }
        Ok((problem, layout, rows_by))
    }

    /// All classes alike, but for what rounding to whole numbers needs to sum to the total: as large
    /// and as well found as the first average says.
    fn alike(&self, said: &[&Statement], problem: &Problem, layout: &Layout) -> Vec<f64> {
        let mut start: Vec<f64> =
            problem.bounds.iter().map(|&(low, high)| (low + high) as f64 / 2.0).collect();
        let score = said.iter().find_map(|said| match said {
            Statement::Averaged(_, _, interval)
            | Statement::Balanced(_, interval)
            | Statement::Accuracy(interval) => {
                ((&interval.low + &interval.high) / whole(2)).to_f64()
            }
            _ => None,
        });
        let size = start[layout.margins.total] / self.names.len() as f64;
        let right = size * score.unwrap_or(0.5);
        let part =
            |of: f64, class: usize| (of * (class + 1) as f64).round() - (of * class as f64).round();
        for class in 0..self.names.len() {
            start[layout.margins.support[class]] = part(size, class);
            start[layout.margins.predicted[class]] = part(size, class);
            start[layout.margins.right[class]] = part(right, class);
        }
        start
    }

    pub(super) fn add(
        &self,
        said: &Statement,
        problem: &mut Problem,
        layout: &Layout,
    ) -> Result<(), String> {
        let count_row = |problem: &mut Problem, at: usize, interval: &Interval| {
            let (low, high) = whole_ends(interval);
            problem.row(vec![(at, 1)], Some(low), Some(high));
        };
        match said {
            Statement::OfClass(class, metric, interval)
                if *metric != ClassMetric::BalancedAccuracy =>
            {
                for (numerator, denominator) in self.parts_of(*class, *metric, layout) {
                    self.share(&numerator, denominator, interval, problem)?;
                }
            }
            Statement::Count(class, count, interval) => {
                let at = match count {
                    ClassCount::Support => layout.margins.support[*class],
                    ClassCount::Predicted => layout.margins.predicted[*class],
                    ClassCount::TruePositives => layout.margins.right[*class],
                };
                count_row(problem, at, interval);
            }
            Statement::Cell(from, to, interval) => {
                let at = layout.cells.at(*from, *to).unwrap_or(layout.margins.right[*from]);
                count_row(problem, at, interval);
            }
            Statement::CellShare(from, to, share, interval) => {
                let at = layout.cells.at(*from, *to).unwrap_or(layout.margins.right[*from]);
                let of = match share {
                    Share::Row => layout.margins.support[*from],
                    Share::Column => layout.margins.predicted[*to],
                    Share::All => layout.margins.total,
                };
                let nothing = share.of_nothing(self.zero_division);
                quotient(&vec![(at, 1)], vec![(of, 1)], interval, nothing.as_ref(), problem)?;
            }
            Statement::Accuracy(interval) | Statement::Averaged(Averaging::Micro, _, interval) => {
                let metric = match said {
                    Statement::Averaged(_, metric, _) => *metric,
                    _ => ClassMetric::Recall,
                };
                if self.labels.is_open() {
                    let all: Vec<usize> = (0..self.names.len()).collect();
                    let (numerator, denominator) = self.micro_over(&all, metric, layout);
                    return self.share(&numerator, denominator, interval, problem);
                }
                let (numerator, denominator) = self.micro(metric, layout);
                problem.quotient(&numerator, &denominator, interval)?;
                problem.row(vec![(layout.margins.total, 1)], Some(1), None);
            }
            Statement::Over(of, Averaging::Micro, metric, interval) => {
                let (numerator, denominator) = self.micro_over(of, *metric, layout);
                self.share(&numerator, denominator, interval, problem)?;
            }
            // A mean of no recall is none.
            Statement::Balanced(..) => problem.row(vec![(layout.margins.total, 1)], Some(1), None),
            Statement::Total(interval) => count_row(problem, layout.margins.total, interval),
            Statement::OfClass(..)
            | Statement::Averaged(..)
            | Statement::Over(..)
            | Statement::Whole(..)
            | Statement::EitherWay(..) => {}
        }
        Ok(())
    }

    /// That a share of a class is in an interval, or a division by nought that gives such a value.
    fn share(
        &self,
        numerator: &Sum,
        denominator: Sum,
        interval: &Interval,
        problem: &mut Problem,
    ) -> Result<(), String> {
        let nothing = self.zero_division.value();
        quotient(numerator, denominator, interval, nothing.as_ref(), problem)
    }

    /// A micro average over some classes: what is above and below the line of each, added up.
    fn micro_over(&self, of: &[usize], metric: ClassMetric, layout: &Layout) -> (Sum, Sum) {
        let parts = of.iter().flat_map(|&class| self.parts_of(class, metric, layout));
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (numerator, denominator) in parts {
            above.extend(numerator);
            below.extend(denominator);
        }
        (merged(above), merged(below))
    }

    /// A class's score as what is above and below the line; balanced accuracy has two.
    pub(super) fn parts_of(
        &self,
        class: usize,
        metric: ClassMetric,
        layout: &Layout,
    ) -> Vec<(Sum, Sum)> {
        let (s, p, t) = (
            layout.margins.support[class],
            layout.margins.predicted[class],
            layout.margins.right[class],
        );
        let n = layout.margins.total;
        let negatives = vec![(n, 1), (s, -1), (p, -1), (t, 1)];
        let recall = (vec![(t, 1)], vec![(s, 1)]);
        let specificity = (negatives.clone(), vec![(n, 1), (s, -1)]);
        match metric {
            ClassMetric::Precision => vec![(vec![(t, 1)], vec![(p, 1)])],
            ClassMetric::Recall => vec![recall],
            ClassMetric::FBeta(a, b) => {
                let (a, b) = (i128::from(a), i128::from(b));
                vec![(vec![(t, a + b)], vec![(s, a), (p, b)])]
            }
            ClassMetric::Specificity => vec![specificity],
            ClassMetric::NegativePredictive => vec![(negatives, vec![(n, 1), (p, -1)])],
            ClassMetric::Accuracy => {
                vec![(vec![(n, 1), (s, -1), (p, -1), (t, 2)], vec![(n, 1)])]
            }
            ClassMetric::BalancedAccuracy => vec![recall, specificity],
        }
    }

    /// A micro average: with one label an example, all that is off the diagonal is a false
    /// positive and a false negative once each.
    fn micro(&self, metric: ClassMetric, layout: &Layout) -> (Sum, Sum) {
        let classes = self.names.len() as i128;
        let right = |factor: i128| layout.margins.right.iter().map(move |&at| (at, factor));
        let n = layout.margins.total;
        let with = |factor: i128, total: i128| {
            let mut sum: Sum = right(factor).collect();
            sum.push((n, total));
            sum
        };
        match metric {
            ClassMetric::Precision | ClassMetric::Recall | ClassMetric::FBeta(..) => {
                (right(1).collect(), vec![(n, 1)])
            }
            ClassMetric::Specificity | ClassMetric::NegativePredictive => {
                (with(1, classes - 2), vec![(n, classes - 1)])
            }
            ClassMetric::Accuracy => (with(2, classes - 2), vec![(n, classes)]),
            ClassMetric::BalancedAccuracy => {
                (with(classes, classes - 2), vec![(n, 2 * (classes - 1))])
            }
        }
    }
}

/// That a quotient is in an interval; or, where `nothing` stands for it there, that nothing is
/// below the line.
fn quotient(
    numerator: &Sum,
    denominator: Sum,
    interval: &Interval,
    nothing: Option<&Exact>,
    problem: &mut Problem,
) -> Result<(), String> {
    problem.quotient(numerator, &denominator, interval)?;
    if !nothing.is_some_and(|value| interval.contains(value)) {
        problem.row(denominator, Some(1), None);
    } else if !interval.low_in || !interval.high_in {
        // An open end asks for more than nought of nothing.
        let rows = problem.rows.len();
        for row in &mut problem.rows[rows - 2..] {
            row.low = Some(0);
        }
    }
    Ok(())
}

/// The whole numbers of an interval: the first and the last.
pub(super) fn whole_ends(interval: &Interval) -> (i128, i128) {
    let (mut low, mut high) = (whole_of(&interval.low.ceil()), whole_of(&interval.high.floor()));
    if !interval.low_in && interval.low.is_integer() {
        low += 1;
    }
    if !interval.high_in && interval.high.is_integer() {
        high -= 1;
    }
    (low, high)
}

pub(super) fn whole_of(value: &Exact) -> i128 {
    value.to_integer().to_i128().unwrap_or(i128::MAX / 4)
}
