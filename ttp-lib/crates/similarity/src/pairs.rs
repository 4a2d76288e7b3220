//! Pairs of sentences, similar or not, drawn from one part of a corpus.

use super::{Exclusions, Labels};
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashSet};
use ttp_base::{Error, Result};

/// Pairs of sentences, by their rows, and whether each is similar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs {
    /// Two different sentences each.
    pub rows: Vec<[u32; 2]>,
    /// Whether the two have what similar sentences have in common.
    pub similar: Vec<bool>,
    /// Sentences of the part whose text stands there under another label, too: no two of
    /// them are a pair.
    pub same_text: usize,
    /// Pairs of each kind that were asked for and not found.
    pub short: usize,
}

impl Pairs {
    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of similar pairs.
    pub fn similar_count(&self) -> usize {
        self.similar.iter().filter(|similar| **similar).count()
    }

    /// Up to `of_each_kind` similar pairs and as many others: every sentence of `part` in turn,
    /// in a random order, is paired with a random one of its label and a random one of another,
    /// until there are enough; no pair occurs twice. So both kinds have the same first
    /// sentences, and a technique counts by its sentences, not by their squares.
    ///
    /// # Errors
    /// If no two sentences of the part are similar, or no two are not.
    pub fn draw(labels: &Labels, part: &[u32], of_each_kind: usize, seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut drawn, mut seen) = (Self::default(), HashSet::new());
        let mut order = part.to_vec();
        // A sentence that has used up its mates is passed over; three barren rounds end it.
        let mut barren = 0;
        while drawn.len() < 2 * of_each_kind && barren < 3 {
            let before = drawn.len();
            order.shuffle(&mut rng);
            for &anchor in &order {
                if drawn.len() == 2 * of_each_kind {
                    break;
                }
                let fresh = |other: u32, seen: &HashSet<[u32; 2]>| {
                    let pair = [anchor.min(other), anchor.max(other)];
                    anchor != other && !seen.contains(&pair)
                };
                let Some(mate) = random_of(part, &mut rng, |other| {
                    labels.similar(anchor, other) && fresh(other, &seen)
                }) else {
                    continue;
                };
                let Some(stranger) = random_of(part, &mut rng, |other| {
                    labels.bar(anchor, other, Exclusions::default()).is_none()
                        && fresh(other, &seen)
                }) else {
                    continue;
                };
                for (other, similar) in [(mate, true), (stranger, false)] {
                    seen.insert([anchor.min(other), anchor.max(other)]);
                    drawn.rows.push([anchor, other]);
                    drawn.similar.push(similar);
                }
            }
            barren = if drawn.len() == before { barren + 1 } else { 0 };
        }
        if drawn.is_empty() {
            return Err(no_pair(labels, part));
        }
        drawn.short = of_each_kind - drawn.len() / 2;
        let is_same = |a: u32, b: u32| labels.same_text(a, b) && !labels.similar(a, b);
        let has_same = |&&a: &&u32| part.iter().any(|&b| is_same(a, b));
        drawn.same_text = part.iter().filter(has_same).count();
        Ok(drawn)
    }
}

/// A random sentence of `part` that will do: by a few tries where most will, by looking at
/// all where few do.
fn random_of(
    part: &[u32],
    rng: &mut ChaCha8Rng,
    mut will_do: impl FnMut(u32) -> bool,
) -> Option<u32> {
    for _ in 0..8 {
        match part.choose(rng) {
            Some(&sentence) if will_do(sentence) => return Some(sentence),
            Some(_) => {}
            None => return None,
        }
    }
    let all: Vec<u32> = part.iter().copied().filter(|&sentence| will_do(sentence)).collect();
    all.choose(rng).copied()
}

/// Why no pair could be drawn.
fn no_pair(labels: &Labels, part: &[u32]) -> Error {
    let level = labels.level().name();
    let any_similar = part
        .iter()
        .enumerate()
        .any(|(at, &a)| part[at + 1..].iter().any(|&b| labels.similar(a, b)));
    let reason = if any_similar {
        format!("all {} sentences are of one {level}: there is no other pair", part.len())
    } else {
        format!("no two of {} sentences are of one {level}: there is no similar pair", part.len())
    };
    Error::Setting { field: "similarity.pairs", reason }
}

/// How many sentences each label has, the largest first.
pub fn label_sizes(labels: &Labels, sentences: &[u32]) -> Vec<(String, usize)> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for &sentence in sentences {
        *sizes.entry(labels.name(sentence)).or_insert(0) += 1;
    }
    let mut sizes: Vec<_> = sizes.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    sizes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sizes
}
