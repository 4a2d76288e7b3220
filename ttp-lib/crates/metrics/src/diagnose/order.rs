//! The matrix in an order in which classes that are confused stand together.

use super::{CellCount, SparseConfusion};
use crate::Confusion;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use ttp_base::Result;

/// A cluster on its way: its classes in their order.
struct Cluster(Vec<usize>);

impl SparseConfusion {
    /// No more than `most` classes, those with the most errors in their rows and columns, in an
    /// order in which confused ones stand together: classes are joined by average linkage (Sokal
    /// and Michener, 1958), two being as near as the mean of the shares of their rows that are
    /// taken for the other, and the two groups of a join are turned so that their nearest ends
    /// meet (Gruvaeus and Wainer, *Two additions to hierarchical cluster analysis*, British
    /// Journal of Mathematical and Statistical Psychology 25, 1972). Takes time in proportion to
    /// the cube of `most`.
    ///
    /// ```
    /// use ttp_metrics::{Confusion, SparseConfusion};
    /// // a and c are taken for each other, b and d are.
    /// let rows = [vec![7, 0, 3, 0], vec![0, 8, 0, 2], vec![3, 0, 7, 0], vec![0, 2, 0, 8]];
    /// let counts = SparseConfusion::from(&Confusion::from_counts(["a", "b", "c", "d"], &rows)?);
    /// assert_eq!(counts.confused_together(4), [0, 2, 1, 3]);
    /// assert_eq!(counts.confused_together(2), [0, 2]);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn confused_together(&self, most: usize) -> Vec<u32> {
        let mut errors = vec![0_u64; self.labels().len()];
        for cell in self.cells().iter().filter(|cell| cell.truth != cell.predicted) {
            errors[cell.truth as usize] += cell.count;
            errors[cell.predicted as usize] += cell.count;
        }
        let mut chosen: Vec<u32> = (0..).take(errors.len()).collect();
        chosen.sort_by_key(|&class| (Reverse(errors[class as usize]), class));
        chosen.truncate(most);
        chosen.sort_unstable();
        let near = self.nearness(&chosen);
        order(&near).into_iter().map(|at| chosen[at]).collect()
    }

    /// These classes in this order as a matrix; all others, if there are any, are one class named
    /// `rest` behind them, so that the sums of rows and columns stay what they are.
    ///
    /// # Errors
    /// If a class is there twice or is none of the matrix's, or no row is left.
    pub fn block(&self, classes: &[u32], rest: &str) -> Result<Confusion> {
        let place: BTreeMap<u32, usize> = classes.iter().copied().zip(0..).collect();
        let left_out = place.len() < self.labels().len();
        let side = classes.len() + usize::from(left_out);
        let mut rows = vec![vec![0_u64; side]; side];
        let at = |class: u32| place.get(&class).copied().unwrap_or(classes.len());
        for &CellCount { truth, predicted, count } in self.cells() {
            rows[at(truth)][at(predicted)] += count;
        }
        let name = |&class: &u32| self.labels().get(class as usize).cloned().unwrap_or_default();
        let mut labels: Vec<String> = classes.iter().map(name).collect();
        if left_out {
            let mut rest = rest.to_owned();
            while labels.contains(&rest) {
                rest.push('…');
            }
            labels.push(rest);
        }
        Confusion::from_counts(labels, &rows)
    }

    /// How near each two of these classes are, from 0 to 1.
    fn nearness(&self, chosen: &[u32]) -> Vec<Vec<f64>> {
        let tally = self.tally();
        let place: BTreeMap<u32, usize> = chosen.iter().copied().zip(0..).collect();
        let mut near = vec![vec![0.0; chosen.len()]; chosen.len()];
        for cell in self.cells().iter().filter(|cell| cell.truth != cell.predicted) {
            if let (Some(&a), Some(&b)) = (place.get(&cell.truth), place.get(&cell.predicted)) {
                let share = cell.count as f64 / tally.support[cell.truth as usize] as f64;
                near[a][b] += share / 2.0;
                near[b][a] += share / 2.0;
            }
        }
        near
    }
}

fn order(near: &[Vec<f64>]) -> Vec<usize> {
    let mut clusters: Vec<Cluster> = (0..near.len()).map(|at| Cluster(vec![at])).collect();
    let mut linkage: Vec<Vec<f64>> = near.to_vec();
    while clusters.len() > 1 {
        let (mut a, mut b, mut nearest) = (0, 1, f64::NEG_INFINITY);
        for (i, row) in linkage.iter().enumerate() {
            for (j, &value) in row.iter().enumerate().skip(i + 1) {
                if value > nearest {
                    (a, b, nearest) = (i, j, value);
                }
            }
        }
        let Cluster(second) = clusters.remove(b);
        let gone = linkage.remove(b);
        for row in &mut linkage {
            row.remove(b);
        }
        let first = &mut clusters[a].0;
        let (m, n) = (first.len() as f64, second.len() as f64);
        for (other, value) in gone.iter().enumerate().filter(|(other, _)| *other != b) {
            let other = other - usize::from(other > b);
            if other != a {
                let mean = (m * linkage[a][other] + n * value) / (m + n);
                linkage[a][other] = mean;
                linkage[other][a] = mean;
            }
        }
        *first = joined(near, first, &second);
    }
    clusters.pop().map(|cluster| cluster.0).unwrap_or_default()
}

/// The two in the one of four positions in which the ends that meet are nearest.
fn joined(near: &[Vec<f64>], first: &[usize], second: &[usize]) -> Vec<usize> {
    let turned = |part: &[usize], turn: bool| -> Vec<usize> {
        if turn { part.iter().rev().copied().collect() } else { part.to_vec() }
    };
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for (turn_first, turn_second) in [(false, false), (true, false), (false, true), (true, true)] {
        let (a, b) = (turned(first, turn_first), turned(second, turn_second));
        let meeting = match (a.last(), b.first()) {
            (Some(&end), Some(&start)) => near[end][start],
            _ => 0.0,
        };
        if meeting > best.0 {
            best = (meeting, [a, b].concat());
        }
    }
    best.1
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_confusions_is_a_chain_in_the_order() {
        // 0–3–1–4–2: each is taken for its neighbours in that chain.
        let chain = [0_u32, 3, 1, 4, 2];
        let mut rows = vec![vec![0_u64; 5]; 5];
        (0..5).for_each(|class| rows[class][class] = 80);
        for (step, pair) in chain.windows(2).enumerate() {
            let (a, b) = (pair[0] as usize, pair[1] as usize);
            rows[a][b] = 10 + step as u64;
            rows[b][a] = 10 + step as u64;
        }
        let confusion = Confusion::from_counts(["a", "b", "c", "d", "e"], &rows).unwrap();
        let counts = SparseConfusion::from(&confusion);
        let order = counts.confused_together(60);
        let backwards: Vec<u32> = order.iter().rev().copied().collect();
        assert!(order == chain || backwards == chain, "{order:?}");
        let turned = counts.block(&order, "others").unwrap();
        assert_eq!(turned.total(), confusion.total());
        let at = |class: u32| order.iter().position(|&other| other == class).unwrap();
        assert_eq!(turned.count(at(1), at(4)), confusion.count(1, 4));
    }

    #[test]
    fn what_is_left_out_stands_in_one_class() {
        let rows = [vec![5, 0, 4], vec![0, 9, 1], vec![4, 0, 6]];
        let confusion = Confusion::from_counts(["a", "b", "the others"], &rows).unwrap();
        let counts = SparseConfusion::from(&confusion);
        let chosen = counts.confused_together(2);
        assert_eq!(chosen, [0, 2]);
        let block = counts.block(&chosen, "the others").unwrap();
        assert_eq!(block.labels(), ["a", "the others", "the others…"]);
        assert_eq!((block.row(0), block.row(2)), (&[5, 4, 0][..], &[0, 1, 9][..]));
    }

    #[test]
    fn nothing_confused_stays_in_its_order() {
        let counts = SparseConfusion::from_indices(["a", "b", "c"], &[0, 1, 2], &[0, 1, 2]);
        assert_eq!(counts.unwrap().confused_together(60).len(), 3);
    }
}
