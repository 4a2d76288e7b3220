//! The nearest vectors, exactly: every query against every candidate, a block at a time.

use rayon::prelude::*;
use std::collections::BTreeMap;
use tch::{Kind, Tensor};
use ttp_base::{Error, Result};
use ttp_model::encoder::Vectors;
use ttp_model::engine::numbers;

/// What is multiplied at once: the products of a block are 8 MiB, which a processor's cache
/// holds, and no more is ever kept of them than the nearest.
const QUERIES_AT_ONCE: usize = 256;
const CANDIDATES_AT_ONCE: usize = 8192;
/// The same where vectors meet each other: each product is looked at from both of its sides.
const ROWS_AT_ONCE: usize = 512;
const COLUMNS_AT_ONCE: usize = 4096;
/// Products looked at together: most such stretches hold none that is near enough.
const STRETCH: usize = 64;

/// A candidate with its score, the dot product with the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The candidate's row.
    pub candidate: u32,
    /// Of vectors of length 1, the cosine.
    pub score: f32,
}

/// What was found for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest<B> {
    /// The nearest candidates that are not barred, the nearest first; of equals, the earlier.
    pub found: Vec<Near>,
    /// For each reason, how many barred candidates are as near as the last of `found` (of all
    /// barred ones, where fewer than asked for were found), and the highest of their scores.
    pub barred: BTreeMap<B, (usize, f32)>,
}

/// The `keep` nearest candidates of each query, by dot product, none for which `bar` gives a
/// reason. Exact; memory grows with queries × `keep`, not with queries × candidates.
///
/// # Errors
/// If the two have other numbers of dimensions, or there is no candidate.
pub fn nearest<B: Copy + Ord + Send>(
    queries: &Vectors,
    candidates: &Vectors,
    keep: usize,
    bar: impl Fn(u32, u32) -> Option<B> + Sync,
) -> Result<Vec<Nearest<B>>> {
    if queries.dimensions() != candidates.dimensions() {
        let (a, b) = (queries.dimensions(), candidates.dimensions());
        let reason = format!("{a} dimensions for queries and {b} for candidates");
        return Err(Error::Setting { field: "vectors", reason });
    }
    if candidates.is_empty() {
        return Err(Error::Setting { field: "candidates", reason: "there is none".to_owned() });
    }
    let blocks: Vec<(usize, Tensor)> = (0..candidates.len())
        .step_by(CANDIDATES_AT_ONCE)
        .map(|from| {
            let rows = CANDIDATES_AT_ONCE.min(candidates.len() - from);
            (from, matrix(candidates, from, rows).transpose(0, 1))
        })
        .collect();
    let mut all = Vec::with_capacity(queries.len());
    for first in (0..queries.len()).step_by(QUERIES_AT_ONCE) {
        let rows = QUERIES_AT_ONCE.min(queries.len() - first);
        let block = matrix(queries, first, rows);
        let mut best: Vec<Best<B>> = (0..rows).map(|_| Best::new(keep)).collect();
        for (from, candidates) in &blocks {
            let products = tch::no_grad(|| block.matmul(candidates)).contiguous();
            debug_assert_eq!(products.kind(), Kind::Float);
            let products = numbers(&products);
            let count = products.len() / rows;
            best.par_iter_mut().enumerate().zip(products.par_chunks_exact(count)).for_each(
                |((row, best), products)| {
                    let query = (first + row) as u32;
                    best.take(*from as u32, products, |candidate| bar(query, candidate));
                },
            );
        }
        all.extend(best.into_iter().map(Best::finish));
    }
    Ok(all)
}

/// As [`nearest`] for queries that are candidates themselves: each product is worked out once
/// for both of its vectors, which is half the work where most of them ask. `asks` says which
/// do; what is found for another is empty. A vector meets itself, too: `bar` may keep it away.
///
/// # Errors
/// If there is no vector, or `asks` is of another number of them.
pub fn nearest_among<B: Copy + Ord + Send>(
    vectors: &Vectors,
    asks: &[bool],
    keep: usize,
    bar: impl Fn(u32, u32) -> Option<B> + Sync,
) -> Result<Vec<Nearest<B>>> {
    let count = vectors.len();
    if count == 0 {
        return Err(Error::Setting { field: "candidates", reason: "there is none".to_owned() });
    }
    if asks.len() != count {
        let reason = format!("{} for {count} vectors", asks.len());
        return Err(Error::Setting { field: "asks", reason });
    }
    let all = matrix(vectors, 0, count);
    let mut best: Vec<Best<B>> =
        asks.iter().map(|&asks| if asks { Best::new(keep) } else { Best::deaf() }).collect();
    for first in (0..count).step_by(ROWS_AT_ONCE) {
        let rows = ROWS_AT_ONCE.min(count - first);
        let block = all.narrow(0, first as i64, rows as i64);
        for from in (first..count).step_by(COLUMNS_AT_ONCE) {
            let columns = COLUMNS_AT_ONCE.min(count - from);
            let others = all.narrow(0, from as i64, columns as i64).transpose(0, 1);
            let products = tch::no_grad(|| block.matmul(&others)).contiguous();
            debug_assert_eq!(products.kind(), Kind::Float);
            let products = numbers(&products);
            best[first..first + rows].par_iter_mut().enumerate().for_each(|(row, best)| {
                let query = (first + row) as u32;
                let products = &products[row * columns..][..columns];
                best.take(from as u32, products, |candidate| bar(query, candidate));
            });
            // Within the rows' own square every pair is there twice already.
            let beyond = (first + rows).max(from);
            let askers = &mut best[beyond..from + columns];
            askers.par_chunks_mut(STRETCH).enumerate().for_each(|(stretch, askers)| {
                let asker = beyond + stretch * STRETCH;
                let mut floors = [f32::INFINITY; STRETCH];
                for (floor, best) in floors.iter_mut().zip(&*askers) {
                    *floor = best.floor;
                }
                for row in 0..rows {
                    let products = &products[row * columns + asker - from..][..askers.len()];
                    if !any_reaches(products, &floors[..askers.len()]) {
                        continue;
                    }
                    let candidate = (first + row) as u32;
                    for ((at, best), &score) in askers.iter_mut().enumerate().zip(products) {
                        if score >= floors[at] {
                            let barred = bar((asker + at) as u32, candidate);
                            best.offer(Near { candidate, score }, barred);
                            floors[at] = best.floor;
                        }
                    }
                }
            });
        }
    }
    Ok(best.into_iter().map(Best::finish).collect())
}

/// Rows of some vectors as a matrix.
fn matrix(vectors: &Vectors, from: usize, rows: usize) -> Tensor {
    let wide = vectors.dimensions();
    let numbers = &vectors.numbers()[from * wide..][..rows * wide];
    Tensor::from_slice(numbers).view([rows as i64, wide as i64])
}

/// The best of what one query has met so far.
struct Best<B> {
    keep: usize,
    /// Unordered; cut back to `keep` whenever it has doubled.
    found: Vec<Near>,
    barred: Vec<(Near, B)>,
    /// Below it nothing can be among the best.
    floor: f32,
}

impl<B: Copy + Ord> Best<B> {
    fn new(keep: usize) -> Self {
        Self { keep, found: Vec::new(), barred: Vec::new(), floor: f32::NEG_INFINITY }
    }

    /// Of what does not ask.
    fn deaf() -> Self {
        Self { floor: f32::INFINITY, ..Self::new(0) }
    }

    fn offer(&mut self, near: Near, barred: Option<B>) {
        match barred {
            Some(reason) => self.barred.push((near, reason)),
            None => self.push(near),
        }
    }

    fn take(&mut self, from: u32, products: &[f32], bar: impl Fn(u32) -> Option<B>) {
        for (at, stretch) in (from..).step_by(STRETCH).zip(products.chunks(STRETCH)) {
            if highest(stretch) < self.floor {
                continue;
            }
            for (candidate, &score) in (at..).zip(stretch) {
                if score >= self.floor {
                    self.offer(Near { candidate, score }, bar(candidate));
                }
            }
        }
    }

    fn push(&mut self, near: Near) {
        self.found.push(near);
        if self.found.len() >= 2 * self.keep.max(16) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.keep == 0 {
            self.found.clear();
        } else if self.found.len() > self.keep {
            self.found.select_nth_unstable_by(self.keep - 1, first);
            self.found.truncate(self.keep);
        }
        if self.found.len() == self.keep {
            let lowest = self.found.iter().map(|near| near.score).fold(f32::INFINITY, f32::min);
            self.floor = lowest;
        }
    }

    fn finish(mut self) -> Nearest<B> {
        self.cut();
        self.found.sort_unstable_by(first);
        // Counted, not kept: of a large class all may be nearer than the first of another.
        let mut barred = BTreeMap::new();
        for (near, reason) in self.barred.iter().filter(|(near, _)| near.score >= self.floor) {
            let (count, highest) = barred.entry(*reason).or_insert((0, near.score));
            *count += 1;
            *highest = highest.max(near.score);
        }
        Nearest { found: self.found, barred }
    }
}

/// Higher scores first; of equals, the earlier candidate.
fn first(a: &Near, b: &Near) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.candidate.cmp(&b.candidate))
}

/// The highest of some numbers, in a form that becomes the processor's own maximum of lanes.
fn highest(numbers: &[f32]) -> f32 {
    let (eights, rest) = numbers.as_chunks::<8>();
    let mut lanes = [f32::NEG_INFINITY; 8];
    for eight in eights {
        for (lane, &number) in lanes.iter_mut().zip(eight) {
            *lane = if number > *lane { number } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

/// Whether any number is at least its floor, in a form that becomes comparisons of lanes.
fn any_reaches(numbers: &[f32], floors: &[f32]) -> bool {
    let ((eights, rest), (floor_eights, floor_rest)) =
        (numbers.as_chunks::<8>(), floors.as_chunks::<8>());
    let mut lanes = [false; 8];
    for (eight, floors) in eights.iter().zip(floor_eights) {
        for ((lane, number), floor) in lanes.iter_mut().zip(eight).zip(floors) {
            *lane |= number >= floor;
        }
    }
    lanes.contains(&true) || rest.iter().zip(floor_rest).any(|(number, floor)| number >= floor)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn random(rows: usize, seed: u64) -> Vectors {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Vectors::new(4, (0..rows * 4).map(|_| rng.random_range(-1.0..1.0)).collect()).unwrap()
    }

    /// Everything against everything, sorted.
    fn by_hand(queries: &Vectors, candidates: &Vectors, query: usize) -> Vec<(u32, f64)> {
        let dot = |candidate: usize| -> f64 {
            let pairs = queries.row(query).iter().zip(candidates.row(candidate));
            pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
        };
        let mut all: Vec<(u32, f64)> = (0..).zip((0..candidates.len()).map(dot)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort_in_several_blocks() {
        let (queries, candidates) = (random(300, 1), random(CANDIDATES_AT_ONCE + 700, 2));
        let barred =
            |query: u32, candidate: u32| (query + candidate).is_multiple_of(5).then_some(());
        let found = nearest(&queries, &candidates, 20, barred).unwrap();
        assert_eq!(found.len(), 300);
        for (query, nearest) in found.iter().enumerate().step_by(37) {
            let all = by_hand(&queries, &candidates, query);
            let (stopped, free): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|(c, _)| barred(query as u32, *c).is_some());
            let expected: Vec<u32> = free.iter().take(20).map(|(c, _)| *c).collect();
            let ours: Vec<u32> = nearest.found.iter().map(|near| near.candidate).collect();
            assert_eq!(ours, expected, "query {query}");
            let nearer = stopped.iter().filter(|(_, score)| *score > free[19].1).count();
            let barred = nearest.barred.get(&()).map_or(0, |(count, _)| *count);
            assert_eq!(barred, nearer, "query {query}");
        }
    }

    #[test]
    fn vectors_that_meet_each_other_find_what_queries_find() {
        // Several blocks of rows and of columns; every third vector does not ask.
        let vectors = random(COLUMNS_AT_ONCE + 1_100, 5);
        let asks: Vec<bool> = (0..vectors.len()).map(|row| row % 3 > 0).collect();
        let bar = |query: u32, candidate: u32| match query.abs_diff(candidate) {
            0 => Some("itself"),
            apart => apart.is_multiple_of(7).then_some("a week"),
        };
        let among = nearest_among(&vectors, &asks, 20, bar).unwrap();
        let rows: Vec<u32> = (0..vectors.len() as u32).filter(|row| row % 3 > 0).collect();
        let queries = vectors.of(&rows);
        let each = nearest(&queries, &vectors, 20, |at, other| bar(rows[at as usize], other));
        let candidates = |nearest: &Nearest<&str>| -> Vec<u32> {
            nearest.found.iter().map(|near| near.candidate).collect()
        };
        let counts = |nearest: &Nearest<&str>| -> Vec<usize> {
            nearest.barred.values().map(|(count, _)| *count).collect()
        };
        for (row, expected) in rows.iter().zip(&each.unwrap()) {
            let found = &among[*row as usize];
            assert_eq!(candidates(found), candidates(expected), "row {row}");
            assert_eq!(counts(found), counts(expected), "row {row}");
        }
        assert!(among.iter().step_by(3).all(|n| n.found.is_empty() && n.barred.is_empty()));
        let said = nearest_among(&vectors, &[true], 1, bar).unwrap_err().to_string();
        assert_eq!(said, "setting asks: 1 for 5196 vectors");
    }

    #[test]
    fn of_equals_the_earlier_is_nearer() {
        let same = Vectors::new(2, [1.0, 0.0].repeat(200)).unwrap();
        let found = nearest(&same.of(&[7]), &same, 3, |_, _| None::<()>).unwrap();
        let ours: Vec<u32> = found[0].found.iter().map(|near| near.candidate).collect();
        assert_eq!(ours, [0, 1, 2]);
    }

    #[test]
    fn fewer_than_asked_for_are_all_there_is() {
        let (queries, candidates) = (random(2, 3), random(5, 4));
        let found = nearest(&queries, &candidates, 9, |_, c| (c == 1).then_some("one")).unwrap();
        assert_eq!((found[1].found.len(), found[1].barred["one"].0), (4, 1));
        let wide = Vectors::new(2, vec![0.0; 2]).unwrap();
        let said = nearest(&wide, &candidates, 1, |_, _| None::<()>).unwrap_err().to_string();
        assert_eq!(said, "setting vectors: 2 dimensions for queries and 4 for candidates");
    }
}
