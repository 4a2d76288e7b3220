//! Scores of many classes, coupled: all of them must come from one confusion matrix.
//!
//! A class has three counts: its support (row), how often it was predicted (column), and its
//! true positives (diagonal). Every score of one class is linear in them. Rows and columns
//! have the same sum, and a matrix with these margins and this diagonal exists if and only if
//! what is left of a class's row and of its column fit into the rest: then the cells off the
//! diagonal are filled by a flow, and every claim is computed anew from the cells.

use super::agreement::Agreement;
use super::balanced::Balanced;
use super::binary::ZeroDivision;
use super::cells::{Cells, Share};
use super::figure::{Exact, Interval, fraction, whole};
use super::labels::Labels;
use super::ranges::Ends;
use super::solver::{Answer, Average, Problem, Quotient, Sum, Work};
use num_traits::{One, Zero};
use std::collections::BTreeSet;

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

/// What is said of one confusion matrix.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// A score of a class.
    OfClass(usize, ClassMetric, Interval),
    /// A count of a class.
    Count(usize, ClassCount, Interval),
    /// An average over all classes.
    Averaged(Averaging, ClassMetric, Interval),
    /// An average over some of the classes.
    Over(Vec<usize>, Averaging, ClassMetric, Interval),
    /// Balanced accuracy, as a mean of recalls.
    Balanced(Balanced, Interval),
    /// How far the whole matrix agrees, chance taken off.
    Whole(Agreement, Interval),
    /// The share of examples on the diagonal.
    Accuracy(Interval),
    /// So many examples of one class were said to be of another.
    Cell(usize, usize, Interval),
    /// The examples of one class that were said to be of another are this share of their row,
    /// of their column or of all.
    CellShare(usize, usize, Share, Interval),
    /// Two classes are taken for each other by these shares; which way round is not said.
    EitherWay(usize, usize, Interval, Interval),
    /// The number of examples.
    Total(Interval),
}

/// A confusion matrix of which the classes are known.
#[derive(Debug, Clone)]
pub struct Classes {
    /// The classes' names.
    pub names: Vec<String>,
    /// The least and the largest number of examples.
    pub total: (u64, u64),
    /// What a division by nought gives.
    pub zero_division: ZeroDivision,
    /// What the classes are of all labels. Of open ones the total is the sum of the classes'
    /// supports, and a matrix has a last row and a last column for what is not listed.
    pub labels: Labels,
}

/// Rows are true classes, columns predicted ones.
pub type Matrix = Vec<Vec<u64>>;

/// The counts of a matrix's classes.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) support: Vec<i128>,
    pub(super) predicted: Vec<i128>,
    pub(super) right: Vec<i128>,
    /// The sum of the supports.
    pub(super) total: i128,
}

/// What was found out about a confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This matrix gives every figure.
    Possible(Matrix),
    /// None does: proven.
    Impossible,
    /// Not found out.
    Unknown,
}

/// Where the unknowns of a class stand in a problem.
pub(super) struct Layout {
    pub(super) total: usize,
    pub(super) support: Vec<usize>,
    pub(super) predicted: Vec<usize>,
    pub(super) right: Vec<usize>,
    pub(super) cells: Cells,
}

/// By which of what is said each row of a problem is.
type RowsBy = Vec<Option<usize>>;
type ProblemBy = (Problem, Layout, RowsBy);
type AskedOf = (Problem, usize, RowsBy);

/// Of open labels what is predicted is bounded by the examples so many times over: figures of up
/// to twelve decimals of a thousand examples are not cut off by it.
const OPEN: u32 = 40;

impl Classes {
    /// All classes of examples that have one label each; a division by nought is nought.
    pub fn of_all(names: Vec<String>, total: (u64, u64)) -> Self {
        Self { names, total, zero_division: ZeroDivision::Zero, labels: Labels::All }
    }

    /// Looks for a confusion matrix of which everything is true.
    ///
    /// # Errors
    /// If a figure has more digits than the rows can hold.
    pub fn solve(&self, said: &[&Said], work: Work) -> Result<Found, String> {
        let mut unknown = false;
        for reading in readings(said) {
            let reading: Vec<&Said> = reading.iter().collect();
            match self.solve_reading(&reading, work)? {
                Found::Impossible => {}
                Found::Unknown => unknown = true,
                found => return Ok(found),
            }
        }
        Ok(if unknown { Found::Unknown } else { Found::Impossible })
    }

    fn solve_reading(&self, said: &[&Said], work: Work) -> Result<Found, String> {
        let (problem, layout) = self.problem(said, false)?;
        let (found, unfilled) = self.answer(said, &problem, &layout, work);
        if !unfilled || layout.cells.are_whole() {
            return Ok(found);
        }
        // Margins that fit, but for cells that are given: with all cells between their classes.
        let (problem, layout) = self.problem(said, true)?;
        Ok(self.answer(said, &problem, &layout, work).0)
    }

    /// What a problem's answer says, and whether its numbers did not fit the given cells.
    fn answer(
        &self,
        said: &[&Said],
        problem: &Problem,
        layout: &Layout,
        work: Work,
    ) -> (Found, bool) {
        let values = match problem.solve(work) {
            Answer::Impossible => return (Found::Impossible, false),
            Answer::Unknown => return (Found::Unknown, false),
            Answer::Possible(values) => values,
        };
        let Some(matrix) = self.filled(layout, &values) else { return (Found::Unknown, true) };
        if self.all_hold(said, &matrix) {
            return (Found::Possible(matrix), false);
        }
        // Every score hangs on the classes' counts and the given cells: if bounds leave only
        // these, there is no other matrix to look at.
        match problem.is_pinned() {
            true => (Found::Impossible, false),
            false => (Found::Unknown, false),
        }
    }

    /// Why one thing that is said cannot be judged, as what would decide it; nothing if it can.
    pub fn unfit(&self, said: &Said) -> Option<String> {
        let fine = |reason: String| format!("a figure that can be looked at: {reason}");
        self.labels.unfit(said).or_else(|| self.problem(&[said], false).err().map(fine))
    }

    /// What would decide a figure that no matrix is looked for by, but only checked against the one
    /// that is found; nothing of other figures.
    pub(super) fn only_checked(&self, said: &Said, all: &[Said]) -> Option<String> {
        let all: Vec<&Said> = all.iter().collect();
        let weighted = |of: &[usize]| {
            self.weight_of(of, &all).is_none().then(|| "the examples of these classes".to_owned())
        };
        match said {
            Said::Whole(..) => {
                Some("the confusion matrix: the other figures leave many".to_owned())
            }
            Said::Averaged(Averaging::Weighted, metric, _) if *metric != ClassMetric::Recall => {
                weighted(&(0..self.names.len()).collect::<Vec<_>>())
            }
            Said::Over(of, Averaging::Weighted, ..) => weighted(of),
            _ => None,
        }
    }

    /// Whether bounds alone refute what is said: quick, and proven.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn is_refuted_by_bounds(&self, said: &[&Said]) -> Result<bool, String> {
        for reading in readings(said) {
            let reading: Vec<&Said> = reading.iter().collect();
            let (problem, layout) = self.problem(&reading, false)?;
            let mut bounds = problem.bounds.clone();
            if !problem.propagate(&mut bounds) {
                continue;
            }
            let pinned: Option<Vec<i128>> =
                bounds.iter().map(|(low, high)| (low == high).then_some(*low)).collect();
            let fits = pinned.is_none_or(|values| {
                let filled = self.filled(&layout, &values);
                filled.is_some_and(|matrix| self.all_hold(&reading, &matrix))
            });
            // Numbers that bounds pin and cells do not fit: left to the whole search.
            if fits || !layout.cells.are_whole() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn all_hold(&self, said: &[&Said], matrix: &Matrix) -> bool {
        let counted = self.counted(matrix);
        said.iter().all(|said| self.holds_in(said, matrix, &counted))
    }

    /// Proven bounds of a count or a cell, given everything that is said; nothing if it is
    /// impossible.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn range(&self, said: &[&Said], of: Asked) -> Result<Option<(u64, u64)>, String> {
        self.range_from(said, of, (None, None))
    }

    /// The same, where an end or both are known.
    pub(super) fn range_from(
        &self,
        said: &[&Said],
        of: Asked,
        known: Ends,
    ) -> Result<Option<(u64, u64)>, String> {
        let mut found: Option<(i128, i128)> = None;
        for (problem, at, _) in self.asked(said, of)? {
            if let Some((low, high)) = problem.range_from(at, known) {
                let (least, most) = found.unwrap_or((low, high));
                found = Some((least.min(low), most.max(high)));
            }
        }
        Ok(found.map(|(low, high)| (low as u64, high as u64)))
    }

    /// Whether it is proven, given everything that is said, that a count or a cell lies within
    /// bounds.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn proves_within(
        &self,
        said: &[&Said],
        of: Asked,
        (least, most): (i128, i128),
    ) -> Result<bool, String> {
        let asked = self.asked(said, of)?;
        Ok(asked.iter().all(|(problem, at, _)| problem.proves_within(*at, least, most)))
    }

    /// Places of what is said from which such a proof seems to follow; nothing where it is not seen.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub(super) fn hint(
        &self,
        said: &[&Said],
        of: Asked,
        (least, most): (i128, i128),
    ) -> Result<Option<BTreeSet<usize>>, String> {
        // What is said either way round is said by two in each reading.
        let by = |(at, said): (usize, &&Said)| {
            std::iter::repeat_n(at, if matches!(said, Said::EitherWay(..)) { 2 } else { 1 })
        };
        let by: Vec<usize> = said.iter().enumerate().flat_map(by).collect();
        let mut found = BTreeSet::new();
        for (problem, at, rows_by) in self.asked(said, of)? {
            let Some(rows) = problem.rows_of_proof(at, least, most) else { return Ok(None) };
            let places = rows.iter().filter_map(|&row| rows_by[row]);
            found.extend(places.filter_map(|place| by.get(place).copied()));
        }
        Ok(Some(found))
    }

    /// For every reading of what is said, the problem, the unknown that is asked for, and by which
    /// of the reading's parts each row is.
    fn asked(&self, said: &[&Said], of: Asked) -> Result<Vec<AskedOf>, String> {
        let mut all = Vec::new();
        for mut reading in readings(said) {
            if let Asked::Cell(from, to) = of {
                let any = Interval::closed(Exact::zero(), whole(self.total.1.into()));
                reading.push(Said::Cell(from, to, any));
            }
            let reading: Vec<&Said> = reading.iter().collect();
            let (problem, layout, rows_by) = self.problem_by(&reading, false)?;
            let at = match of {
                Asked::Count(class, ClassCount::Support) => layout.support[class],
                Asked::Count(class, ClassCount::Predicted) => layout.predicted[class],
                Asked::Count(class, ClassCount::TruePositives) => layout.right[class],
                Asked::Cell(from, to) if from == to => layout.right[from],
                Asked::Cell(from, to) => layout.cells.at(from, to).ok_or("no such cell")?,
            };
            all.push((problem, at, rows_by));
        }
        Ok(all)
    }

    fn problem(&self, said: &[&Said], whole_cells: bool) -> Result<(Problem, Layout), String> {
        self.problem_by(said, whole_cells).map(|(problem, layout, _)| (problem, layout))
    }

    /// The same, and by which of what is said each row is; nothing for those of any matrix.
    fn problem_by(&self, said: &[&Said], whole_cells: bool) -> Result<ProblemBy, String> {
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
        let layout = Layout { total, support, predicted, right, cells };
        let classes = self.names.len();
        problem.groups = (0..classes)
            .map(|c| vec![layout.support[c], layout.predicted[c], layout.right[c]])
            .collect();
        for margin in [Some(&layout.support), (!open).then_some(&layout.predicted)] {
            let Some(margin) = margin else { continue };
            let mut sum: Sum = margin.iter().map(|&at| (at, 1)).collect();
            sum.push((total, -1));
            problem.row(sum, Some(0), Some(0));
        }
        layout.cells.rows(&layout, open, &mut problem);
        let mut rows_by = vec![None; problem.rows.len()];
        for (place, said) in said.iter().enumerate() {
            self.add(said, &mut problem, &layout)?;
            rows_by.resize(problem.rows.len(), Some(place));
        }
        self.add_averages(said, &mut problem, &layout)?;
        rows_by.resize(problem.rows.len(), None);
        if !said.iter().any(|said| matches!(said, Said::OfClass(..) | Said::Count(..))) {
            problem.start = Some(self.alike(said, &problem, &layout));
        }
        Ok((problem, layout, rows_by))
    }

    /// All classes alike, but for what rounding to whole numbers needs to sum to the total: as large
    /// and as well found as the first average says.
    fn alike(&self, said: &[&Said], problem: &Problem, layout: &Layout) -> Vec<f64> {
        use num_traits::ToPrimitive;
        let mut start: Vec<f64> =
            problem.bounds.iter().map(|&(low, high)| (low + high) as f64 / 2.0).collect();
        let score = said.iter().find_map(|said| match said {
            Said::Averaged(_, _, interval)
            | Said::Balanced(_, interval)
            | Said::Accuracy(interval) => ((&interval.low + &interval.high) / whole(2)).to_f64(),
            _ => None,
        });
        let size = start[layout.total] / self.names.len() as f64;
        let right = size * score.unwrap_or(0.5);
        let part =
            |of: f64, class: usize| (of * (class + 1) as f64).round() - (of * class as f64).round();
        for class in 0..self.names.len() {
            start[layout.support[class]] = part(size, class);
            start[layout.predicted[class]] = part(size, class);
            start[layout.right[class]] = part(right, class);
        }
        start
    }

    fn add(&self, said: &Said, problem: &mut Problem, layout: &Layout) -> Result<(), String> {
        let count_row = |problem: &mut Problem, at: usize, interval: &Interval| {
            let (low, high) = whole_ends(interval);
            problem.row(vec![(at, 1)], Some(low), Some(high));
        };
        match said {
            Said::OfClass(class, metric, interval) if *metric != ClassMetric::BalancedAccuracy => {
                for (numerator, denominator) in self.parts_of(*class, *metric, layout) {
                    self.share(&numerator, denominator, interval, problem)?;
                }
            }
            Said::Count(class, count, interval) => {
                let at = match count {
                    ClassCount::Support => layout.support[*class],
                    ClassCount::Predicted => layout.predicted[*class],
                    ClassCount::TruePositives => layout.right[*class],
                };
                count_row(problem, at, interval);
            }
            Said::Cell(from, to, interval) => {
                let at = layout.cells.at(*from, *to).unwrap_or(layout.right[*from]);
                count_row(problem, at, interval);
            }
            Said::CellShare(from, to, share, interval) => {
                let at = layout.cells.at(*from, *to).unwrap_or(layout.right[*from]);
                let of = match share {
                    Share::Row => layout.support[*from],
                    Share::Column => layout.predicted[*to],
                    Share::All => layout.total,
                };
                let nothing = share.of_nothing(self.zero_division);
                quotient(&vec![(at, 1)], vec![(of, 1)], interval, nothing.as_ref(), problem)?;
            }
            Said::Accuracy(interval) | Said::Averaged(Averaging::Micro, _, interval) => {
                let metric = match said {
                    Said::Averaged(_, metric, _) => *metric,
                    _ => ClassMetric::Recall,
                };
                if self.labels.is_open() {
                    let all: Vec<usize> = (0..self.names.len()).collect();
                    let (numerator, denominator) = self.micro_over(&all, metric, layout);
                    return self.share(&numerator, denominator, interval, problem);
                }
                let (numerator, denominator) = self.micro(metric, layout);
                problem.quotient(&numerator, &denominator, interval)?;
                problem.row(vec![(layout.total, 1)], Some(1), None);
            }
            Said::Over(of, Averaging::Micro, metric, interval) => {
                let (numerator, denominator) = self.micro_over(of, *metric, layout);
                self.share(&numerator, denominator, interval, problem)?;
            }
            // A mean of no recall is none.
            Said::Balanced(..) => problem.row(vec![(layout.total, 1)], Some(1), None),
            Said::Total(interval) => count_row(problem, layout.total, interval),
            Said::OfClass(..)
            | Said::Averaged(..)
            | Said::Over(..)
            | Said::Whole(..)
            | Said::EitherWay(..) => {}
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

    /// Macro and weighted averages, after everything that bounds their parts.
    fn add_averages(
        &self,
        said: &[&Said],
        problem: &mut Problem,
        layout: &Layout,
    ) -> Result<(), String> {
        let all: Vec<usize> = (0..self.names.len()).collect();
        for average in said {
            let (of, averaging, metric, interval) = match average {
                Said::Averaged(averaging, metric, interval) => (&all, averaging, metric, interval),
                Said::Over(of, averaging, metric, interval) => (of, averaging, metric, interval),
                // The mean of the class's recall and its specificity.
                Said::OfClass(class, metric @ ClassMetric::BalancedAccuracy, interval) => {
                    let parts = self.quotients(*class, *metric, None, said, layout);
                    problem.averages.push(Average::new(parts, 2, interval.clone()));
                    continue;
                }
                Said::Balanced(read, interval) => {
                    let recall = |&class: &usize| {
                        let (above, below) = (layout.right[class], layout.support[class]);
                        let known = known_of(class, ClassMetric::Recall, said);
                        (vec![(above, 1)], vec![(below, 1)], known)
                    };
                    let recalls: Vec<_> = all.iter().map(recall).collect();
                    let may_be_empty = all.iter().any(|&class| !has_examples(class, said));
                    let averages = read.averages(&recalls, interval, may_be_empty);
                    problem.averages.extend(averages);
                    continue;
                }
                _ => continue,
            };
            if *averaging == Averaging::Micro {
                continue;
            }
            let recall = *metric == ClassMetric::Recall;
            if *averaging == Averaging::Weighted && recall && of.len() == all.len() {
                // The diagonal again.
                let micro = ClassMetric::Recall;
                let said = Said::Averaged(Averaging::Micro, micro, interval.clone());
                self.add(&said, problem, layout)?;
                continue;
            }
            let mut parts = Vec::new();
            for &class in of {
                let weight = (*averaging == Averaging::Weighted).then(|| layout.support[class]);
                parts.extend(self.quotients(class, *metric, weight, said, layout));
            }
            let twice = if *metric == ClassMetric::BalancedAccuracy { 2 } else { 1 };
            let divisor = match averaging {
                Averaging::Macro => Some(of.len() as i128),
                _ => {
                    self.weighted_rows(of, *metric, interval, said, problem, layout)?;
                    self.weight_of(of, said)
                }
            };
            // Of weights that are not known in all, the rows are what is looked for; whether it
            // is the average is seen from the matrix.
            if let Some(divisor) = divisor.filter(|divisor| *divisor > 0) {
                let divisor = twice * divisor;
                problem.averages.push(Average::new(parts, divisor, interval.clone()));
            }
        }
        Ok(())
    }

    /// A class's score as the quotients of an average.
    fn quotients(
        &self,
        class: usize,
        metric: ClassMetric,
        weight: Option<usize>,
        said: &[&Said],
        layout: &Layout,
    ) -> Vec<Quotient> {
        let known = match metric {
            ClassMetric::BalancedAccuracy => Interval::closed(Exact::zero(), Exact::one()),
            _ => known_of(class, metric, said),
        };
        let parts = self.parts_of(class, metric, layout).into_iter();
        let zero = self.zero_division.value();
        parts.map(|sums| Quotient::new(weight, sums, zero.clone(), &known)).collect()
    }

    /// The examples of some classes, if what is said leaves one number of them.
    fn weight_of(&self, of: &[usize], said: &[&Said]) -> Option<i128> {
        if of.len() == self.names.len() && self.total.0 == self.total.1 {
            return Some(self.total.0.into());
        }
        let support = |class: &usize| {
            said.iter().find_map(|said| match said {
                Said::Count(c, ClassCount::Support, interval) if c == class => {
                    let (low, high) = whole_ends(interval);
                    (low == high).then_some(low)
                }
                _ => None,
            })
        };
        of.iter().map(support).sum()
    }

    /// What the classes' own figures make of a weighted average: two rows.
    fn weighted_rows(
        &self,
        of: &[usize],
        metric: ClassMetric,
        interval: &Interval,
        said: &[&Said],
        problem: &mut Problem,
        layout: &Layout,
    ) -> Result<(), String> {
        // Ends in whole parts of this, outwards.
        const PARTS: i128 = 1_000_000_000;
        let part = |end: &Exact, up: bool| {
            let scaled = end * whole(PARTS);
            let scaled = if up { scaled.ceil() } else { scaled.floor() };
            whole_of(&scaled)
        };
        let (low, high) = (part(&interval.low, false), part(&interval.high, true));
        let all: Vec<usize> = match of.len() == self.names.len() {
            true => vec![layout.total],
            false => of.iter().map(|&class| layout.support[class]).collect(),
        };
        let mut least: Sum = all.iter().map(|&at| (at, -high)).collect();
        let mut most: Sum = all.iter().map(|&at| (at, -low)).collect();
        for &class in of {
            let known = known_of(class, metric, said);
            least.push((layout.support[class], part(&known.low, false)));
            most.push((layout.support[class], part(&known.high, true)));
        }
        problem.row(least, None, Some(0));
        problem.row(most, Some(0), None);
        Ok(())
    }

    /// A micro average over some classes: what is above and below the line of each, added up.
    fn micro_over(&self, of: &[usize], metric: ClassMetric, layout: &Layout) -> (Sum, Sum) {
        let parts = of.iter().flat_map(|&class| self.parts_of(class, metric, layout));
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (numerator, denominator) in parts {
            above.extend(numerator);
            below.extend(denominator);
        }
        (super::solver::merged(above), super::solver::merged(below))
    }

    /// A class's score as what is above and below the line; balanced accuracy has two.
    fn parts_of(&self, class: usize, metric: ClassMetric, layout: &Layout) -> Vec<(Sum, Sum)> {
        let (s, p, t) = (layout.support[class], layout.predicted[class], layout.right[class]);
        let n = layout.total;
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
        let right = |factor: i128| layout.right.iter().map(move |&at| (at, factor));
        let n = layout.total;
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

    /// A matrix with the margins, the diagonal and the given cells; the others by a flow.
    fn filled(&self, layout: &Layout, values: &[i128]) -> Option<Matrix> {
        let classes = self.names.len();
        let mut matrix = vec![vec![0_u64; classes]; classes];
        let count = |at: usize| u64::try_from(values[at]).ok();
        let mut rows = Vec::new();
        let mut columns = Vec::new();
        for (class, row) in matrix.iter_mut().enumerate() {
            let right = count(layout.right[class])?;
            row[class] = right;
            rows.push(count(layout.support[class])?.checked_sub(right)?);
            columns.push(count(layout.predicted[class])?.checked_sub(right)?);
        }
        let mut open = vec![vec![true; classes]; classes];
        for (class, row) in open.iter_mut().enumerate() {
            row[class] = false;
        }
        for (from, to, at) in layout.cells.iter() {
            let cell = count(at)?;
            matrix[from][to] = cell;
            rows[from] = rows[from].checked_sub(cell)?;
            columns[to] = columns[to].checked_sub(cell)?;
            open[from][to] = false;
        }
        if self.labels.is_open() {
            // What is left of a row or a column is of labels that are not listed.
            matrix.iter_mut().zip(rows).for_each(|(row, left)| row.push(left));
            columns.push(0);
            matrix.push(columns);
            return Some(matrix);
        }
        flow(&mut matrix, rows, columns, &open).then_some(matrix)
    }

    /// Whether another matrix than this bears out all that is said, too: one with two errors
    /// exchanged, so that every class keeps its margins, is tried a few hundred times.
    pub fn is_one_of_many(&self, said: &[&Said], matrix: &Matrix) -> bool {
        const TRIES: usize = 300;
        let errors = || {
            let cell = |from: usize| (0..matrix.len()).map(move |to| (from, to));
            let all = (0..matrix.len()).flat_map(cell);
            all.filter(|&(from, to)| from != to && matrix[from][to] > 0)
        };
        let pairs = errors().flat_map(|one| errors().map(move |other| (one, other)));
        let apart = pairs.filter(|((a, b), (c, d))| a != c && b != d && a != d && c != b);
        apart.take(TRIES).any(|((a, b), (c, d))| {
            let mut other = matrix.clone();
            other[a][b] -= 1;
            other[c][d] -= 1;
            other[a][d] += 1;
            other[c][b] += 1;
            self.all_hold(said, &other)
        })
    }

    /// Whether a matrix bears out what is said, computed from its cells in exact numbers.
    pub fn holds(&self, said: &Said, matrix: &Matrix) -> bool {
        self.holds_in(said, matrix, &self.counted(matrix))
    }

    /// The counts of a matrix's classes.
    pub(super) fn counted(&self, matrix: &Matrix) -> Counted {
        let classes = 0..self.names.len();
        let support: Vec<i128> = classes.clone().map(|class| support(matrix, class)).collect();
        Counted {
            total: support.iter().sum(),
            support,
            predicted: classes.clone().map(|class| predicted(matrix, class)).collect(),
            right: classes.map(|class| i128::from(matrix[class][class])).collect(),
        }
    }

    pub(super) fn holds_in(&self, said: &Said, matrix: &Matrix, counted: &Counted) -> bool {
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
            Said::OfClass(class, metric, _) => self.score_in(counted, *class, *metric),
            Said::Count(class, count, _) => Some(whole(match count {
                ClassCount::Support => counted.support[*class],
                ClassCount::Predicted => counted.predicted[*class],
                ClassCount::TruePositives => counted.right[*class],
            })),
            Said::Averaged(averaging, metric, _) => {
                self.average_in(counted, &all(), *averaging, *metric)
            }
            Said::Over(of, averaging, metric, _) => {
                self.average_in(counted, of, *averaging, *metric)
            }
            Said::Balanced(read, _) => read.of(counted),
            Said::Whole(agreement, interval) => return agreement.is_in(counted, interval),
            Said::Accuracy(_) => {
                (counted.total > 0).then(|| fraction(counted.right.iter().sum(), counted.total))
            }
            Said::Cell(from, to, _) => Some(whole(matrix[*from][*to].into())),
            Said::CellShare(from, to, of, _) => share(*from, *to, *of),
            Said::EitherWay(a, b, x, y) => {
                let row = |from: usize, to: usize| share(from, to, Share::Row);
                let Some((ab, ba)) = row(*a, *b).zip(row(*b, *a)) else { return false };
                return x.contains(&ab) && y.contains(&ba) || x.contains(&ba) && y.contains(&ab);
            }
            Said::Total(_) => Some(whole(counted.total)),
        };
        value.is_some_and(|value| said.interval().contains(&value))
    }

    /// A class's score; `None` for a division by nought that has no value.
    pub fn score(&self, matrix: &Matrix, class: usize, metric: ClassMetric) -> Option<Exact> {
        self.score_in(&self.counted(matrix), class, metric)
    }

    fn score_in(&self, counted: &Counted, class: usize, metric: ClassMetric) -> Option<Exact> {
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
        counted: &Counted,
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

/// A class's score as what is above and below the line; balanced accuracy has two.
fn shares_of(counted: &Counted, class: usize, metric: ClassMetric) -> Vec<(i128, i128)> {
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

/// What a class's own figures say of one of its scores.
fn known_of(class: usize, metric: ClassMetric, said: &[&Said]) -> Interval {
    let unit = Interval::closed(Exact::zero(), Exact::one());
    said.iter().fold(unit, |known, said| match said {
        Said::OfClass(c, m, interval) if (*c, *m) == (class, metric) => known.and(interval),
        _ => known,
    })
}

/// Whether a class is said to have examples.
fn has_examples(class: usize, said: &[&Said]) -> bool {
    said.iter().any(|said| match said {
        Said::Count(c, ClassCount::Support | ClassCount::TruePositives, interval) => {
            *c == class && interval.low > Exact::zero()
        }
        Said::Cell(from, _, interval) => *from == class && interval.low > Exact::zero(),
        _ => false,
    })
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

/// What a range is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A count of a class.
    Count(usize, ClassCount),
    /// A cell: examples of the first class that were said to be of the second.
    Cell(usize, usize),
}

impl Said {
    /// The numbers that its figure stands for.
    pub fn interval(&self) -> &Interval {
        match self {
            Self::OfClass(_, _, interval)
            | Self::Count(_, _, interval)
            | Self::Averaged(_, _, interval)
            | Self::Over(_, _, _, interval)
            | Self::Balanced(_, interval)
            | Self::Whole(_, interval)
            | Self::Accuracy(interval)
            | Self::Cell(_, _, interval)
            | Self::CellShare(_, _, _, interval)
            | Self::EitherWay(_, _, interval, _)
            | Self::Total(interval) => interval,
        }
    }
}

/// Every way to read what is said either way round.
fn readings(said: &[&Said]) -> Vec<Vec<Said>> {
    let mut all: Vec<Vec<Said>> = vec![Vec::new()];
    for said in said {
        if let Said::EitherWay(a, b, x, y) = said {
            let ways = [(x, y), (y, x)].map(|(there, back)| {
                let row = |a: usize, b: usize, share: &Interval| {
                    Said::CellShare(a, b, Share::Row, share.clone())
                };
                [row(*a, *b, there), row(*b, *a, back)]
            });
            all = ways
                .iter()
                .flat_map(|way| all.iter().map(move |so_far| [so_far.as_slice(), way].concat()))
                .collect();
        } else {
            all.iter_mut().for_each(|so_far| so_far.push((*said).clone()));
        }
    }
    all
}

fn support(matrix: &Matrix, class: usize) -> i128 {
    matrix[class].iter().map(|&cell| i128::from(cell)).sum()
}

fn predicted(matrix: &Matrix, class: usize) -> i128 {
    matrix.iter().map(|row| i128::from(row[class])).sum()
}

/// The whole numbers of an interval: the first and the last.
fn whole_ends(interval: &Interval) -> (i128, i128) {
    let (mut low, mut high) = (whole_of(&interval.low.ceil()), whole_of(&interval.high.floor()));
    if !interval.low_in && interval.low.is_integer() {
        low += 1;
    }
    if !interval.high_in && interval.high.is_integer() {
        high -= 1;
    }
    (low, high)
}

fn whole_of(value: &Exact) -> i128 {
    use num_traits::ToPrimitive;
    value.to_integer().to_i128().unwrap_or(i128::MAX / 4)
}

/// Fills open cells so that rows and columns are used up: augmenting paths.
fn flow(
    matrix: &mut Matrix,
    mut rows: Vec<u64>,
    mut columns: Vec<u64>,
    open: &[Vec<bool>],
) -> bool {
    let classes = rows.len();
    let mut added = vec![vec![0_u64; classes]; classes];
    loop {
        if rows.iter().all(|&left| left == 0) {
            break;
        }
        // From rows with something left, over open cells to columns, back over filled cells.
        let mut from_row: Vec<Option<usize>> = vec![None; classes];
        let mut from_column: Vec<Option<usize>> = vec![None; classes];
        let mut seen_row: Vec<bool> = rows.iter().map(|&left| left > 0).collect();
        let mut queue: std::collections::VecDeque<usize> =
            (0..classes).filter(|&row| rows[row] > 0).collect();
        let mut end = None;
        'search: while let Some(row) = queue.pop_front() {
            for column in 0..classes {
                if !open[row][column] || from_row[column].is_some() {
                    continue;
                }
                from_row[column] = Some(row);
                if columns[column] > 0 {
                    end = Some(column);
                    break 'search;
                }
                for back in 0..classes {
                    if !seen_row[back] && added[back][column] > 0 {
                        seen_row[back] = true;
                        from_column[back] = Some(column);
                        queue.push_back(back);
                    }
                }
            }
        }
        let Some(end) = end else { return false };
        let mut path = Vec::new();
        let mut column = end;
        let mut most = columns[end];
        let start = loop {
            let Some(row) = from_row[column] else { return false };
            path.push((row, column, true));
            match from_column[row] {
                Some(before) => {
                    path.push((row, before, false));
                    most = most.min(added[row][before]);
                    column = before;
                }
                None => break row,
            }
        };
        most = most.min(rows[start]);
        for (row, column, forward) in path {
            let cell = &mut added[row][column];
            *cell = if forward { *cell + most } else { *cell - most };
        }
        rows[start] -= most;
        columns[end] -= most;
    }
    if columns.iter().any(|&left| left > 0) {
        return false;
    }
    for (row, added) in matrix.iter_mut().zip(&added) {
        for (cell, more) in row.iter_mut().zip(added) {
            *cell += more;
        }
    }
    true
}
