//! Looks at sets of claims about one matrix, and what was found so far.

use super::confusion::{Classes, MatrixAnswer};
use super::counts::Matrix;
use super::solver::Work;
use super::statement::Statement;
use super::verdict::{Possibility, irreducible};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What claims say of a matrix, by their places.
pub(super) type Statements = BTreeMap<usize, Statement>;

/// As many matrices that were found are remembered.
const REMEMBERED: usize = 200;

/// What bounds and certificates refute.
pub(super) const SHORT: Work = Work { nodes: 1, moves: 0 };

/// Looks for matrices, and remembers which claims each of those that it found bears out.
pub(super) struct Looker<'a> {
    pub(super) near: Option<Classes>,
    pub(super) classes: &'a Classes,
    pub(super) said: &'a Statements,
    pub(super) found: RefCell<Vec<(BTreeSet<usize>, Matrix)>>,
}

impl Looker<'_> {
    pub(super) fn of(&self, of: &[usize]) -> Vec<&Statement> {
        of.iter().map(|at| &self.said[at]).collect()
    }

    /// Whether a matrix that was found bears out these claims.
    pub(super) fn is_known(&self, of: &[usize]) -> bool {
        let found = self.found.borrow();
        found.iter().rev().any(|(holds, _)| of.iter().all(|at| holds.contains(at)))
    }

    /// A matrix that was found and bears out these claims.
    pub(super) fn known(&self, of: &[usize]) -> Option<Matrix> {
        let found = self.found.borrow();
        let one = found.iter().rev().find(|(holds, _)| of.iter().all(|at| holds.contains(at)));
        one.map(|(_, matrix)| matrix.clone())
    }

    pub(super) fn solve(&self, of: &[usize], work: Work) -> MatrixAnswer {
        if let Some(matrix) = self.known(of) {
            return MatrixAnswer::Possible(matrix);
        }
        let said = self.of(of);
        // Of a total that is not known a small one is looked at first.
        let mut found = Ok(MatrixAnswer::Unknown);
        if let Some(near) = &self.near {
            found = near.solve(&said, work);
        }
        if !matches!(found, Ok(MatrixAnswer::Possible(_))) {
            found = self.classes.solve(&said, work);
        }
        // What cannot be looked at was taken out before.
        let found = found.unwrap_or(MatrixAnswer::Unknown);
        if let MatrixAnswer::Possible(matrix) = &found {
            let counted = self.classes.counted(matrix);
            let holds =
                |(_, said): &(&usize, &Statement)| self.classes.holds_in(said, matrix, &counted);
            let holds = self.said.iter().filter(holds).map(|(at, _)| *at).collect();
            let mut all = self.found.borrow_mut();
            if all.len() == REMEMBERED {
                all.remove(0);
            }
            all.push((holds, matrix.clone()));
        }
        found
    }

    pub(super) fn look(&self, of: &[usize], work: Work) -> Possibility {
        match self.solve(of, work) {
            MatrixAnswer::Possible(_) => Possibility::Possible,
            MatrixAnswer::Impossible => Possibility::Impossible,
            MatrixAnswer::Unknown => Possibility::Unknown,
        }
    }

    pub(super) fn bounds(&self, of: &[usize]) -> Possibility {
        match self.classes.is_refuted_by_bounds(&self.of(of)) {
            Ok(true) => Possibility::Impossible,
            _ => Possibility::Possible,
        }
    }

    /// Claims that bounds refute, none of which can be spared there; all if bounds do not.
    pub(super) fn shrunk(&self, of: &[usize]) -> Vec<usize> {
        match self.bounds(of) {
            Possibility::Impossible => irreducible(of, |of| self.bounds(of)),
            _ => of.to_vec(),
        }
    }
}
