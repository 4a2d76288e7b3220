//! Whole confusion matrices from counts of classes: cells that are not known are filled by a flow.

use super::confusion::Classes;
use super::counts::Matrix;
use super::rows::Layout;
use super::statement::Statement;
use std::collections::VecDeque;

impl Classes {
    /// A matrix with the margins, the diagonal and the given cells; the others by a flow.
    pub(super) fn filled(&self, layout: &Layout, values: &[i128]) -> Option<Matrix> {
        let classes = self.names.len();
        let mut matrix = vec![vec![0_u64; classes]; classes];
        let count = |at: usize| u64::try_from(values[at]).ok();
        let mut rows = Vec::new();
        let mut columns = Vec::new();
        for (class, row) in matrix.iter_mut().enumerate() {
            let right = count(layout.margins.right[class])?;
            row[class] = right;
            rows.push(count(layout.margins.support[class])?.checked_sub(right)?);
            columns.push(count(layout.margins.predicted[class])?.checked_sub(right)?);
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
    pub fn is_one_of_many(&self, said: &[&Statement], matrix: &Matrix) -> bool {
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
        let mut queue: VecDeque<usize> = (0..classes).filter(|&row| rows[row] > 0).collect();
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
