//! Scores of many classes, coupled: all of them must come from one confusion matrix.
//!
//! A class has three counts: its support (row), how often it was predicted (column), and its
//! true positives (diagonal). Every score of one class is linear in them. Rows and columns
//! have the same sum, and a matrix with these margins and this diagonal exists if and only if
//! what is left of a class's row and of its column fit into the rest: then the cells off the
//! diagonal are filled by a flow, and every claim is computed anew from the cells.

pub use super::confusion::{Classes, MatrixAnswer, MatrixCount};
pub use super::counts::{Averaging, ClassCount, ClassMetric, Matrix};
use super::figure::{Exact, Interval, whole};
use super::problem::Problem;
use super::ranges::{ProvenRange, RangeStart};
use super::rows::{Layout, RowsBy};
use super::solver::{Answer, Work};
use super::statement::readings;
pub use super::statement::{Share, Statement};
use num_traits::Zero;
use std::collections::BTreeSet;

type CountProblem = (Problem, usize, RowsBy);

impl Classes {
    /// Looks for a confusion matrix of which everything is true.
    ///
    /// # Errors
    /// If a figure has more digits than the rows can hold.
    pub fn solve(&self, said: &[&Statement], work: Work) -> Result<MatrixAnswer, String> {
        let mut unknown = false;
        for reading in readings(said) {
            let reading: Vec<&Statement> = reading.iter().collect();
            match self.solve_reading(&reading, work)? {
                MatrixAnswer::Impossible => {}
                MatrixAnswer::Unknown => unknown = true,
                found => return Ok(found),
            }
        }
        Ok(if unknown { MatrixAnswer::Unknown } else { MatrixAnswer::Impossible })
    }

    fn solve_reading(&self, said: &[&Statement], work: Work) -> Result<MatrixAnswer, String> {
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
        said: &[&Statement],
        problem: &Problem,
        layout: &Layout,
        work: Work,
    ) -> (MatrixAnswer, bool) {
        let values = match problem.solve(work) {
            Answer::Impossible => return (MatrixAnswer::Impossible, false),
            Answer::Unknown => return (MatrixAnswer::Unknown, false),
            Answer::Possible(values) => values,
        };
        let Some(matrix) = self.filled(layout, &values) else {
            return (MatrixAnswer::Unknown, true);
        };
        if self.all_hold(said, &matrix) {
            return (MatrixAnswer::Possible(matrix), false);
        }
        // Every score hangs on the classes' counts and the given cells: if bounds leave only
        // these, there is no other matrix to look at.
        match problem.is_pinned() {
            true => (MatrixAnswer::Impossible, false),
            false => (MatrixAnswer::Unknown, false),
        }
    }

    /// Why one thing that is said cannot be judged, as what would decide it; nothing if it can.
    pub fn unfit(&self, said: &Statement) -> Option<String> {
        let fine = |reason: String| format!("a figure that can be looked at: {reason}");
        self.labels.unfit(said).or_else(|| self.problem(&[said], false).err().map(fine))
    }

    /// What would decide a figure that no matrix is looked for by, but only checked against the one
    /// that is found; nothing of other figures.
    pub(super) fn only_checked(&self, said: &Statement, all: &[Statement]) -> Option<String> {
        let all: Vec<&Statement> = all.iter().collect();
        let weighted = |of: &[usize]| {
            self.weight_of(of, &all).is_none().then(|| "the examples of these classes".to_owned())
        };
        match said {
            Statement::Whole(..) => {
                Some("the confusion matrix: the other figures leave many".to_owned())
            }
            Statement::Averaged(Averaging::Weighted, metric, _)
                if *metric != ClassMetric::Recall =>
            {
                weighted(&(0..self.names.len()).collect::<Vec<_>>())
            }
            Statement::Over(of, Averaging::Weighted, ..) => weighted(of),
            _ => None,
        }
    }

    /// Whether bounds alone refute what is said: quick, and proven.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn is_refuted_by_bounds(&self, said: &[&Statement]) -> Result<bool, String> {
        for reading in readings(said) {
            let reading: Vec<&Statement> = reading.iter().collect();
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

    /// Proven bounds of a count or a cell, given everything that is said; nothing if it is
    /// impossible.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn range(
        &self,
        said: &[&Statement],
        of: MatrixCount,
    ) -> Result<Option<(u64, u64)>, String> {
        let found = self.range_from(said, of, RangeStart::default())?;
        Ok(found.map(|range| (range.least as u64, range.most as u64)))
    }

    /// The same, from what is known of it before.
    pub(super) fn range_from(
        &self,
        said: &[&Statement],
        of: MatrixCount,
        start: RangeStart,
    ) -> Result<Option<ProvenRange>, String> {
        let mut found: Option<ProvenRange> = None;
        for (problem, at, _) in self.asked(said, of)? {
            if let Some(range) = problem.range_from(at, start) {
                let other = found.unwrap_or(range);
                let (least, most) = (other.least.min(range.least), other.most.max(range.most));
                found = Some(ProvenRange { least, most, ..range });
            }
        }
        Ok(found)
    }

    /// Whether it is proven, given everything that is said, that a count or a cell lies within
    /// bounds.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn proves_within(
        &self,
        said: &[&Statement],
        of: MatrixCount,
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
        said: &[&Statement],
        of: MatrixCount,
        (least, most): (i128, i128),
    ) -> Result<Option<BTreeSet<usize>>, String> {
        // What is said either way round is said by two in each reading.
        let by = |(at, said): (usize, &&Statement)| {
            std::iter::repeat_n(at, if matches!(said, Statement::EitherWay(..)) { 2 } else { 1 })
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
    fn asked(&self, said: &[&Statement], of: MatrixCount) -> Result<Vec<CountProblem>, String> {
        let mut all = Vec::new();
        for mut reading in readings(said) {
            if let MatrixCount::Cell(from, to) = of {
                let any = Interval::closed(Exact::zero(), whole(self.total.1.into()));
                reading.push(Statement::Cell(from, to, any));
            }
            let reading: Vec<&Statement> = reading.iter().collect();
            let (problem, layout, rows_by) = self.problem_by(&reading, false)?;
            let at = match of {
                MatrixCount::Count(class, ClassCount::Support) => layout.margins.support[class],
                MatrixCount::Count(class, ClassCount::Predicted) => layout.margins.predicted[class],
                MatrixCount::Count(class, ClassCount::TruePositives) => layout.margins.right[class],
                MatrixCount::Cell(from, to) if from == to => layout.margins.right[from],
                MatrixCount::Cell(from, to) => layout.cells.at(from, to).ok_or("no such cell")?,
            };
            all.push((problem, at, rows_by));
        }
        Ok(all)
    }
}
