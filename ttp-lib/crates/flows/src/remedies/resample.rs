//! More rows for small classes: copies, or points between neighbours.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::BTreeMap;
use ttp_base::{Error, Result};
use ttp_model::encoder::Vectors;

/// The rows of each class that has any, by class.
fn by_class(labels: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        rows.entry(label).or_default().push(row);
    }
    rows
}

/// A random stream for a class: what one class draws hangs on no other.
fn stream(seed: u64, class: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(class as u64);
    rng
}

/// Every row once, then rows of each smaller class again, drawn with replacement, until all
/// classes that occur have as many as the largest: `RandomOverSampler` of imbalanced-learn.
///
/// ```
/// let rows = ttp_flows::remedies::resample::oversampled(&[0, 0, 0, 1], 7);
/// assert_eq!(rows, [0, 1, 2, 3, 3, 3]);
/// ```
pub fn oversampled(labels: &[usize], seed: u64) -> Vec<usize> {
    let classes = by_class(labels);
    let largest = classes.values().map(Vec::len).max().unwrap_or(0);
    let mut rows: Vec<usize> = (0..labels.len()).collect();
    for (class, own) in classes {
        let mut rng = stream(seed, class);
        let more = (own.len()..largest).filter_map(|_| own.choose(&mut rng).copied());
        rows.extend(more);
    }
    rows
}

/// Rows that were made, after those that were there.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthetic {
    /// All vectors, the given ones first.
    pub vectors: Vectors,
    /// Their classes.
    pub labels: Vec<usize>,
    /// Rows made between two neighbours.
    pub between: usize,
    /// Rows that are copies: their class has one row, which has no neighbour.
    pub copies: usize,
}

/// SMOTE (Chawla et al., 2002): fills every smaller class up to the largest with points on the
/// line from one of its rows, drawn at random, to one of that row's `neighbours` nearest of the
/// same class by Euclidean distance. A class of fewer rows has fewer neighbours; one of a single
/// row is copied, which is counted.
///
/// ```
/// use ttp_model::encoder::Vectors;
/// use ttp_flows::remedies::resample::smote;
/// // Class 1 has the points 0 and 4; whatever is made of it lies between.
/// let vectors = Vectors::new(1, vec![10.0, 11.0, 12.0, 0.0, 4.0])?;
/// let made = smote(&vectors, &[0, 0, 0, 1, 1], 5, 3)?;
/// assert_eq!((made.labels.len(), made.labels[5], made.between), (6, 1, 1));
/// assert!((0.0..=4.0).contains(&made.vectors.row(5)[0]));
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If `neighbours` is 0, or there are not as many labels as vectors.
pub fn smote(
    vectors: &Vectors,
    labels: &[usize],
    neighbours: usize,
    seed: u64,
) -> Result<Synthetic> {
    let wrong = |field, reason| Err(Error::Setting { field, reason });
    if neighbours == 0 {
        return wrong("remedies.smote.neighbours", "0 neighbours give no line".to_owned());
    }
    if labels.len() != vectors.len() {
        return wrong("labels", format!("{} for {} vectors", labels.len(), vectors.len()));
    }
    let classes = by_class(labels);
    let largest = classes.values().map(Vec::len).max().unwrap_or(0);
    let wide = vectors.dimensions();
    let classes: Vec<(usize, Vec<usize>)> = classes.into_iter().collect();
    let made: Vec<(usize, usize, Vec<f32>)> = classes
        .par_iter()
        .map(|(class, rows)| {
            let mut rng = stream(seed, *class);
            let wanted = largest - rows.len();
            let near =
                if wanted > 0 { nearest_of_class(vectors, rows, neighbours) } else { Vec::new() };
            let mut numbers = Vec::with_capacity(wanted * wide);
            for _ in 0..wanted {
                let at = rng.random_range(0..rows.len());
                let own = vectors.row(rows[at]);
                match near[at].choose(&mut rng) {
                    Some(&other) => {
                        let part: f32 = rng.random();
                        let other = vectors.row(other);
                        numbers.extend(own.iter().zip(other).map(|(a, b)| a + part * (b - a)));
                    }
                    None => numbers.extend_from_slice(own),
                }
            }
            (*class, rows.len(), numbers)
        })
        .collect();
    let (mut numbers, mut all) = (vectors.numbers().to_vec(), labels.to_vec());
    let (mut between, mut copies) = (0, 0);
    for (class, rows, more) in made {
        let count = more.len() / wide;
        *(if rows == 1 { &mut copies } else { &mut between }) += count;
        all.extend(std::iter::repeat_n(class, count));
        numbers.extend(more);
    }
    Ok(Synthetic { vectors: Vectors::new(wide, numbers)?, labels: all, between, copies })
}

/// For each of a class's rows its nearest others of the class, the nearest first.
fn nearest_of_class(vectors: &Vectors, rows: &[usize], neighbours: usize) -> Vec<Vec<usize>> {
    let distance = |a: usize, b: usize| -> f32 {
        vectors.row(a).iter().zip(vectors.row(b)).map(|(x, y)| (x - y) * (x - y)).sum()
    };
    rows.iter()
        .map(|&row| {
            let others = rows.iter().filter(|&&other| other != row);
            let mut others: Vec<(f32, usize)> = others.map(|&o| (distance(row, o), o)).collect();
            others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            others.into_iter().take(neighbours).map(|(_, other)| other).collect()
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn all_classes_become_as_large_as_the_largest_and_keep_their_rows() {
        let labels = [2, 0, 0, 0, 0, 2, 5];
        let rows = oversampled(&labels, 1);
        assert_eq!(rows[..7], [0, 1, 2, 3, 4, 5, 6]);
        let count = |class| rows.iter().filter(|&&row| labels[row] == class).count();
        assert_eq!([count(0), count(2), count(5)], [4, 4, 4]);
        assert_eq!(rows, oversampled(&labels, 1));
        assert_ne!(
            oversampled(&[0; 40].iter().chain(&[1; 20]).copied().collect::<Vec<_>>(), 1),
            oversampled(&[0; 40].iter().chain(&[1; 20]).copied().collect::<Vec<_>>(), 2)
        );
    }

    #[test]
    fn made_points_lie_between_a_row_and_one_of_its_nearest() {
        // Class 1: a tight pair, and one far away. With one neighbour nobody's line leads to the
        // far one but its own.
        let vectors = Vectors::new(
            2,
            vec![
                0.0, 0.0, 1.0, 0.0, 9.0, 9.0, 5.0, 5.0, 6.0, 6.0, 7.0, 7.0, 8.0, 8.0, 9.0, 8.0,
                2.0, 2.0, 4.0, 4.0,
            ],
        )
        .unwrap();
        let labels = [1, 1, 1, 0, 0, 0, 0, 0, 0, 3];
        let made = smote(&vectors, &labels, 1, 9).unwrap();
        assert_eq!((made.between, made.copies), (3, 5));
        for row in 10..13 {
            assert_eq!(made.labels[row], 1);
            let (x, y) = (made.vectors.row(row)[0], made.vectors.row(row)[1]);
            let on_pair = y == 0.0 && (0.0..=1.0).contains(&x);
            let from_far = (y - (x - 1.0) * 9.0 / 8.0).abs() < 1e-5;
            assert!(on_pair || from_far, "{x} {y}");
        }
        assert!((13..18).all(|row| made.labels[row] == 3 && made.vectors.row(row) == [4.0, 4.0]));
        assert_eq!(made, smote(&vectors, &labels, 1, 9).unwrap());
        assert!(smote(&vectors, &labels, 0, 9).is_err());
        assert!(smote(&vectors, &labels[1..], 1, 9).is_err());
    }
}
