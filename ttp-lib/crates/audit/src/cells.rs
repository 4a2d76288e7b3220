//! Cells off the diagonal that claims name, and what they leave of a matrix's margins.

use super::problem::{Problem, Sum};
use super::statement::Statement;

/// Where the unknowns of a matrix's margins and of its diagonal stand in a problem.
pub(super) struct Margins {
    pub(super) total: usize,
    pub(super) support: Vec<usize>,
    pub(super) predicted: Vec<usize>,
    pub(super) right: Vec<usize>,
}

/// The unknowns of named cells.
pub(super) struct Cells {
    classes: usize,
    /// By row and column.
    at: Vec<Option<usize>>,
    /// Whether all cells between the classes that they touch are among them.
    whole: bool,
    touched: Vec<bool>,
}

impl Cells {
    /// Unknowns for the cells off the diagonal that are named; with `whole`, for all cells between
    /// the classes that these touch.
    pub(super) fn named(
        classes: usize,
        said: &[&Statement],
        whole: bool,
        most: i128,
        problem: &mut Problem,
    ) -> Self {
        let mut cells = Self {
            classes,
            at: vec![None; classes * classes],
            whole: true,
            touched: vec![false; classes],
        };
        let mut add = |from: usize, to: usize, cells: &mut Self| {
            let place = &mut cells.at[from * classes + to];
            if from != to && place.is_none() {
                *place = Some(problem.unknown(format!("cell {from} {to}"), 0, most));
                (cells.touched[from], cells.touched[to]) = (true, true);
            }
        };
        for said in said {
            if let Statement::Cell(from, to, _) | Statement::CellShare(from, to, ..) = said {
                add(*from, *to, &mut cells);
            }
        }
        let touched: Vec<usize> = (0..classes).filter(|&class| cells.touched[class]).collect();
        for &from in &touched {
            for &to in &touched {
                if whole {
                    add(from, to, &mut cells);
                }
                cells.whole &= from == to || cells.at(from, to).is_some();
            }
        }
        cells
    }

    /// The unknown of a cell, if it is named.
    pub(super) fn at(&self, from: usize, to: usize) -> Option<usize> {
        self.at[from * self.classes + to]
    }

    /// Whether what the rows ask for is enough for the other cells to be filled.
    pub(super) fn are_whole(&self) -> bool {
        self.whole
    }

    /// Each named cell: row, column, unknown.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let named = self.at.iter().enumerate();
        named.filter_map(|(place, at)| Some((place / self.classes, place % self.classes, (*at)?)))
    }

    /// What the cells ask of the margins. Cells that are not named, and are not on the diagonal,
    /// can be filled if what is left of each class's row and of its column is not negative, and
    /// fits together into all that is left. Of classes between which all cells are named, only
    /// their sums are left: they count as one class with nothing on its diagonal. A row or a
    /// column of which all cells are named has nothing left. Of open labels whatever is left is
    /// of labels that are not listed.
    pub(super) fn rows(&self, margins: &Margins, open: bool, problem: &mut Problem) {
        let classes = self.classes;
        let named_in = |class: usize, row: bool| {
            let cell = move |other: usize| match row {
                true => self.at(class, other),
                false => self.at(other, class),
            };
            (0..classes).filter_map(cell)
        };
        let left = |class: usize, row: bool| -> (Sum, bool) {
            let margin = if row { margins.support[class] } else { margins.predicted[class] };
            let mut sum = vec![(margin, 1), (margins.right[class], -1)];
            sum.extend(named_in(class, row).map(|at| (at, -1)));
            let whole = !open && sum.len() == classes + 1;
            (sum, whole)
        };
        for class in 0..classes {
            let ((rest, no_rest), (over, no_over)) = (left(class, true), left(class, false));
            // What is left of its row and of its column fits into all that is off the diagonal.
            let room = (!(open || no_rest && no_over)).then(|| {
                let mut room: Sum = vec![(margins.total, 1)];
                room.extend(margins.right.iter().map(|&at| (at, -1)));
                room.extend(self.at.iter().flatten().map(|&at| (at, -1)));
                room.extend(rest.iter().chain(&over).map(|&(at, c)| (at, -c)));
                room
            });
            problem.row(rest, Some(0), no_rest.then_some(0));
            problem.row(over, Some(0), no_over.then_some(0));
            if let Some(room) = room {
                problem.row(room, Some(0), None);
            }
        }
        let touched = self.touched.iter().filter(|touched| **touched).count();
        if open || !self.whole || touched == 0 || touched == classes {
            return;
        }
        // What the other classes have off the diagonal is enough for these classes' columns.
        let mut enough: Sum = Vec::new();
        for class in 0..classes {
            if self.touched[class] {
                enough.extend(left(class, false).0.into_iter().map(|(at, c)| (at, -c)));
            } else {
                enough.extend([(margins.support[class], 1), (margins.right[class], -1)]);
            }
        }
        problem.row(enough, Some(0), None);
    }
}
