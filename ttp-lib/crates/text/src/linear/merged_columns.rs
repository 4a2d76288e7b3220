//! Columns that are alike in all rows, taken together.

use super::words::Row;
use rayon::prelude::*;

/// Rows in which columns that are alike in all rows are one: of a rare word's characters most n-grams
/// stand in the same texts.
///
/// An L2 penalty gives alike columns alike weights. k of them with the weight w each count for the
/// score and for the penalty as one column, √k times as large, with the weight √k·w: training on
/// these rows finds the same optimum in less time.
pub(super) struct MergedColumns {
    pub rows: Vec<Row>,
    pub width: usize,
    /// For each column as it was: which one it is now, and what that one's weight times for its own.
    pub places: Vec<(u32, f64)>,
}

impl MergedColumns {
    pub fn new(rows: &[Row], width: usize) -> Self {
        let mut columns = vec![Row::new(); width];
        for (at, row) in (0..).zip(rows) {
            row.iter().for_each(|&(column, value)| columns[column as usize].push((at, value)));
        }
        let bits = |column: &u32| {
            columns[*column as usize].iter().map(|(row, value)| (*row, value.to_bits()))
        };
        let mut order: Vec<u32> = (0..width as u32).collect();
        order.par_sort_unstable_by(|a, b| bits(a).cmp(bits(b)).then(a.cmp(b)));
        let mut places = vec![(0, 0.0); width];
        let mut merged = vec![Row::new(); rows.len()];
        let mut count = 0;
        for alike in order.chunk_by(|a, b| bits(a).eq(bits(b))) {
            let root = (alike.len() as f64).sqrt();
            for &(row, value) in &columns[alike[0] as usize] {
                merged[row as usize].push((count, value * root));
            }
            alike.iter().for_each(|&column| places[column as usize] = (count, 1.0 / root));
            count += 1;
        }
        Self { rows: merged, width: count as usize, places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_columns_become_one_and_scores_stay() {
        let rows = [vec![(0, 1.0), (1, 2.0), (3, 1.0)], vec![(1, 1.0)], vec![(0, 3.0), (3, 3.0)]];
        let merged = MergedColumns::new(&rows, 5);
        // Columns 0 and 3 are alike, and 2 and 4, which are nowhere.
        assert_eq!(merged.width, 3);
        assert_eq!(merged.places[0], merged.places[3]);
        let weights = [0.5, -2.0, 0.25];
        for (row, as_one) in rows.iter().zip(&merged.rows) {
            let own = |&(column, value): &(u32, f64)| {
                let (place, share) = merged.places[column as usize];
                value * weights[place as usize] * share
            };
            let (before, after): (f64, f64) = (
                row.iter().map(own).sum(),
                as_one.iter().map(|&(place, value)| value * weights[place as usize]).sum(),
            );
            assert!((before - after).abs() < 1e-12, "{before} {after}");
        }
    }
}
