//! Sentences in three parts, none of which has a near-duplicate in another.

use super::Labels;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use ttp_metrics::Groups;
use ttp_text::split::Shares;

pub use ttp_text::split::NEAR_DUPLICATE;

/// Texts in groups: two of which the words, each counted once, overlap by at least `share`
/// (common words over all words of both: Jaccard's index) are in one group, and so are those
/// that only a third joins. Case and punctuation are set aside.
///
/// ```
/// use ttp_similarity::near_duplicates;
/// let texts = [
///     "APT1 has used Mimikatz to dump credentials.",
///     "It deletes its own files after every run.",
///     "APT-1 has used mimikatz to dump the credentials", // 6 common words of 9
/// ];
/// assert_eq!(near_duplicates(&texts, 0.6).iter().collect::<Vec<_>>(), [&[0, 2][..], &[1]]);
/// assert_eq!(near_duplicates(&texts, 0.8).len(), 3);
/// ```
pub fn near_duplicates(texts: &[&str], share: f64) -> Groups {
    Groups::by(&ttp_text::split::near_duplicates(texts, share))
}

/// Sentences, by their rows, in three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// What a model learns from.
    pub train: Vec<u32>,
    /// What a threshold is chosen on.
    pub validation: Vec<u32>,
    /// What is reported.
    pub test: Vec<u32>,
}

impl Parts {
    /// Shares whole groups out over the parts, the groups of each label on their own (a
    /// group's label is its first sentence's), at random but for the shares.
    pub fn new(groups: &Groups, labels: &Labels, shares: Shares, seed: u64) -> Self {
        let mut by_label: BTreeMap<u32, Vec<&[u32]>> = BTreeMap::new();
        for group in groups.iter() {
            by_label.entry(labels.class(group[0])).or_default().push(group);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut parts = Self { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
        for mut groups in by_label.into_values() {
            groups.shuffle(&mut rng);
            let [train, validation, _] = shares.of(groups.len());
            for (at, group) in groups.into_iter().enumerate() {
                let part = match at {
                    at if at < train => &mut parts.train,
                    at if at < train + validation => &mut parts.validation,
                    _ => &mut parts.test,
                };
                part.extend_from_slice(group);
            }
        }
        for part in [&mut parts.train, &mut parts.validation, &mut parts.test] {
            part.sort_unstable();
        }
        parts
    }
}
