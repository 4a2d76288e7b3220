//! Tokenised rows in batches of near-equal length: nothing is padded to the
//! model's maximum, only to the longest row of its batch.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// One batch on its device: `ids` and `mask` are `[rows, longest]`, 64-bit integers.
pub struct Batch {
    /// Token ids, short rows filled with the padding id.
    pub ids: Tensor,
    /// 1 where a token stands, 0 where a row was filled.
    pub mask: Tensor,
    /// Number of real tokens.
    pub tokens: usize,
}

impl Batch {
    /// Builds the batch of `rows` (indices into `tokenised`).
    pub fn new(tokenised: &[Vec<u32>], rows: &[usize], padding_id: u32, device: Device) -> Self {
        let longest = rows.iter().map(|&row| tokenised[row].len()).max().unwrap_or(0);
        let mut ids = vec![i64::from(padding_id); rows.len() * longest];
        let mut mask = vec![0_i64; rows.len() * longest];
        let mut tokens = 0;
        for (at, &row) in rows.iter().enumerate() {
            for (offset, &id) in tokenised[row].iter().enumerate() {
                ids[at * longest + offset] = i64::from(id);
                mask[at * longest + offset] = 1;
            }
            tokens += tokenised[row].len();
        }
        let shape = [rows.len() as i64, longest as i64];
        Self {
            ids: Tensor::from_slice(&ids).view(shape).to_device(device),
            mask: Tensor::from_slice(&mask).view(shape).to_device(device),
            tokens,
        }
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        let rows = self.ids.size().first().map_or(0, |&rows| rows as usize);
        Size { rows, tokens: self.tokens, places: self.ids.numel() }
    }
}

/// How large a batch is, or several together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Rows.
    pub rows: usize,
    /// Real tokens.
    pub tokens: usize,
    /// Places for tokens, those filled with padding too.
    pub places: usize,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.tokens += more.tokens;
        self.places += more.places;
    }
}

/// How many batches' worth of shuffled rows are sorted by length together. More
/// means less padding and less chance in which rows meet in a batch.
const BATCHES_SORTED_TOGETHER: usize = 32;

/// Batches for one epoch: rows in a random order, sorted by length within windows
/// of 32 batches, and the batches shuffled again. Every row occurs once; the same
/// seed gives the same batches.
pub fn shuffled(lengths: &[usize], batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows: Vec<usize> = (0..lengths.len()).collect();
    rows.shuffle(&mut rng);
    let mut batches = Vec::with_capacity(lengths.len().div_ceil(batch_size.max(1)));
    for window in rows.chunks_mut(batch_size.max(1) * BATCHES_SORTED_TOGETHER) {
        window.sort_by_key(|&row| lengths[row]);
        batches.extend(window.chunks(batch_size.max(1)).map(<[usize]>::to_vec));
    }
    batches.shuffle(&mut rng);
    batches
}

/// Batches for evaluation: all rows sorted by length, longest first, so that the
/// largest batch shows at once whether memory is enough.
pub fn by_length(lengths: &[usize], batch_size: usize) -> Vec<Vec<usize>> {
    let mut rows: Vec<usize> = (0..lengths.len()).collect();
    rows.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
    rows.chunks(batch_size.max(1)).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Vec<usize> {
        (0..1003).map(|i| 5 + (i * 37) % 60).collect()
    }

    #[test]
    fn every_row_occurs_once_and_the_seed_decides() {
        let batches = shuffled(&lengths(), 16, 7);
        let mut rows: Vec<usize> = batches.concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..1003).collect::<Vec<_>>());
        assert_eq!(batches, shuffled(&lengths(), 16, 7));
        assert_ne!(batches, shuffled(&lengths(), 16, 8));
    }

    #[test]
    fn little_is_padded() {
        let lengths = lengths();
        let padded: usize = shuffled(&lengths, 16, 7)
            .iter()
            .map(|rows| rows.len() * rows.iter().map(|&row| lengths[row]).max().unwrap_or(0))
            .sum();
        let real: usize = lengths.iter().sum();
        assert!((padded as f64) < 1.1 * real as f64, "{padded} places for {real} tokens");
    }

    #[test]
    fn a_batch_is_as_wide_as_its_longest_row() {
        let tokenised = vec![vec![101, 7, 102], vec![101, 102]];
        let batch = Batch::new(&tokenised, &[1, 0], 0, Device::Cpu);
        assert_eq!(
            Vec::<Vec<i64>>::try_from(&batch.ids).ok(),
            Some(vec![vec![101, 102, 0], vec![101, 7, 102]])
        );
        assert_eq!(
            Vec::<Vec<i64>>::try_from(&batch.mask).ok(),
            Some(vec![vec![1, 1, 0], vec![1, 1, 1]])
        );
        assert_eq!(batch.tokens, 5);
    }
}
