//! Batches for one core each: near-equal lengths, and no more places for tokens than are computed
//! fastest.

/// Places for tokens in a batch. Of 3,000 sentences, six layers of 384 and two cores of a Xeon with
/// AVX-512, processor time was 25.5 s with 768, 26.3 s with 512, 26.7 s with 256, 30.3 s with 2,048.
pub(super) const PLACES: usize = 768;
/// A GPU is filled by a whole block of sentences.
pub(super) const PLACES_ON_GPU: usize = 16_384;

/// Rows by length, the longest first, in batches of at most `places` for tokens, padding among
/// them; a row that is longer is alone. Where there are few rows, each of the `workers` gets
/// something to do.
pub(super) fn batches(lengths: &[usize], places: usize, workers: usize) -> Vec<Vec<usize>> {
    let share = lengths.iter().sum::<usize>().div_ceil(workers.max(1));
    let places = places.min(share);
    let mut rows: Vec<usize> = (0..lengths.len()).collect();
    rows.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
    let mut batches = Vec::new();
    let mut rest = &rows[..];
    while let Some(&longest) = rest.first() {
        let count = (places / lengths[longest].max(1)).clamp(1, rest.len());
        let (batch, after) = rest.split_at(count);
        batches.push(batch.to_vec());
        rest = after;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths as of sentences: most are short, a few long.
    fn lengths() -> Vec<usize> {
        (0..512).map(|i| 8 + (i * 37) % 29 + if i % 50 == 0 { 400 } else { 0 }).collect()
    }

    #[test]
    fn every_row_is_in_one_batch() {
        let mut rows = batches(&lengths(), PLACES, 2).concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..512).collect::<Vec<_>>());
        assert!(batches(&[], PLACES, 2).is_empty());
    }

    #[test]
    fn little_is_padded_and_no_batch_is_larger_than_it_may_be() {
        let lengths = lengths();
        let places_of = |rows: &Vec<usize>| rows.len() * lengths[rows[0]];
        let made = batches(&lengths, PLACES, 2);
        assert!(made.iter().all(|rows| places_of(rows) <= PLACES));
        let (places, tokens) =
            (made.iter().map(places_of).sum::<usize>(), lengths.iter().sum::<usize>());
        assert!((places as f64) < 1.05 * tokens as f64, "{places} places for {tokens} tokens");
    }

    #[test]
    fn a_row_that_is_too_long_is_alone() {
        assert_eq!(batches(&[3, 9, 4], 8, 1), [vec![1], vec![2, 0]]);
    }

    #[test]
    fn each_core_gets_something() {
        assert_eq!(batches(&[5, 5, 5, 5], PLACES, 2).len(), 2);
        assert_eq!(batches(&[5], PLACES, 2), [[0]]);
        // A short row beside a long one.
        assert_eq!(batches(&[5, 30], PLACES, 2), [[1], [0]]);
    }
}
