//! Matrices that are printed with rows and columns exchanged.

use super::confusion::Classes;
use super::counts::Matrix;
use super::statement::Statement;
use num_traits::ToPrimitive;
use std::collections::BTreeMap;

/// What would decide figures that only the exchanged matrix gives.
pub(super) const NEEDS: &str = "which axis of the printed matrix is the true classes: with from \
                                and to exchanged in its cells all these figures hold";

/// The figures that a matrix printed cell by cell does not give, if there are two or more of them
/// and the matrix with rows and columns exchanged gives all that is said: it is likely that its
/// rows are predicted classes, and nothing is proven against the figures.
pub(super) fn axes(classes: &Classes, said: &BTreeMap<usize, Statement>) -> Option<Vec<Statement>> {
    let number = classes.names.len();
    let mut printed = vec![vec![None; number]; number];
    for said in said.values() {
        if let Statement::Cell(from, to, interval) = said
            && interval.low == interval.high
            && interval.low.is_integer()
        {
            printed[*from][*to] = interval.low.to_u64();
        }
    }
    let all = |row: Vec<Option<u64>>| row.into_iter().collect::<Option<Vec<u64>>>();
    let matrix: Matrix = printed.into_iter().map(all).collect::<Option<_>>()?;
    let turned: Matrix = (0..number).map(|to| matrix.iter().map(|row| row[to]).collect()).collect();
    let (counted, exchanged) = (classes.counted(&matrix), classes.counted(&turned));
    let mut failed = Vec::new();
    for said in said.values() {
        let (as_printed, as_turned) = match said {
            Statement::Cell(from, to, interval) => {
                // Two figures of one cell.
                let is = |cell: u64| interval.contains(&super::figure::whole(cell.into()));
                (is(matrix[*from][*to]), is(matrix[*from][*to]))
            }
            Statement::CellShare(from, to, share, interval) => {
                let cell = Statement::CellShare(*to, *from, share.turned(), interval.clone());
                let printed = classes.holds_in(said, &matrix, &counted);
                (printed, classes.holds_in(&cell, &turned, &exchanged))
            }
            other => (
                classes.holds_in(other, &matrix, &counted),
                classes.holds_in(other, &turned, &exchanged),
            ),
        };
        if !as_turned {
            return None;
        }
        if !as_printed {
            failed.push(said.clone());
        }
    }
    let total = exchanged.total;
    let fits = i128::from(classes.total.0) <= total && total <= i128::from(classes.total.1);
    (fits && failed.len() >= 2).then_some(failed)
}
