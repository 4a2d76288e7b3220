//! Which texts say nearly the same.

use crate::corpus::near::{WordSets, overlap, rarest};
use std::collections::HashMap;

/// Two sentences are near-duplicates from this share of common words upwards.
pub const NEAR_DUPLICATE: f64 = 0.8;

/// The group of each text, by the number of the group's first text: two texts of which the words,
/// each counted once, overlap by at least `share` (common words over all words of both: Jaccard's
/// index) are in one group, and so are those that only a third joins. Case and punctuation are set
/// aside.
///
/// ```
/// use ttp_text::split::near_duplicates;
/// let texts = [
///     "APT1 has used Mimikatz to dump credentials.",
///     "It deletes its own files after every run.",
///     "APT-1 has used mimikatz to dump the credentials", // 6 common words of 9
/// ];
/// assert_eq!(near_duplicates(&texts, 0.6), [0, 1, 0]);
/// assert_eq!(near_duplicates(&texts, 0.8), [0, 1, 2]);
/// ```
pub fn near_duplicates(texts: &[&str], share: f64) -> Vec<usize> {
    let sets = WordSets::new(texts).sets;
    let mut root: Vec<usize> = (0..texts.len()).collect();
    // Two sets that overlap so much share a word among the rarest of each (Chaudhuri, Ganti
    // and Kaushik's prefix filter, 2006): only such pairs are compared.
    let mut with_word: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, words) in sets.iter().enumerate() {
        for word in &words[..rarest(words.len(), share)] {
            let others = with_word.entry(*word).or_default();
            for &other in others.iter() {
                if find(&mut root, at) != find(&mut root, other)
                    && overlap(words, 0, &sets[other]) >= share
                {
                    let (a, b) = (find(&mut root, at), find(&mut root, other));
                    root[a.max(b)] = a.min(b);
                }
            }
            others.push(at);
        }
    }
    (0..texts.len()).map(|at| find(&mut root, at)).collect()
}

fn find(root: &mut [usize], mut at: usize) -> usize {
    while root[at] != at {
        root[at] = root[root[at]];
        at = root[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn near_duplicates_are_those_of_comparing_all_with_all() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let word = |rng: &mut ChaCha8Rng| format!("w{}", rng.random_range(0..30_u32).pow(2) / 30);
        let mut texts: Vec<String> = (0..300)
            .map(|_| (0..8).map(|_| word(&mut rng)).collect::<Vec<_>>().join(" "))
            .collect();
        texts.push("?".to_owned());
        texts.push(String::new());
        texts.push(String::new());
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for share in [0.5, 0.75, 0.8, 1.0] {
            let sets = WordSets::new(&texts).sets;
            let mut root: Vec<usize> = (0..texts.len()).collect();
            for a in 0..texts.len() {
                for b in 0..a {
                    if overlap(&sets[a], 0, &sets[b]) >= share {
                        let (x, y) = (find(&mut root, a), find(&mut root, b));
                        root[x.max(y)] = x.min(y);
                    }
                }
            }
            let roots: Vec<usize> = (0..texts.len()).map(|at| find(&mut root, at)).collect();
            assert_eq!(near_duplicates(&texts, share), roots, "share {share}");
        }
    }
}
