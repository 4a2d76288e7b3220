//! Pairs of sentences, similar or not, drawn from one part of a corpus.

use super::{Exclude, Labels};
use crate::{Error, Result};
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashSet};

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
                    labels.bar(anchor, other, Exclude::default()).is_none() && fresh(other, &seen)
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
        let is_twin = |a: u32, b: u32| labels.same_text(a, b) && !labels.similar(a, b);
        let has_twin = |&&a: &&u32| part.iter().any(|&b| is_twin(a, b));
        drawn.same_text = part.iter().filter(has_twin).count();
        Ok(drawn)
    }

    /// All pairs among some sentences.
    pub fn all(labels: &Labels, sentences: &[u32]) -> Self {
        let mut pairs = Self::default();
        for (at, &a) in sentences.iter().enumerate() {
            for &b in &sentences[at + 1..] {
                pairs.rows.push([a, b]);
                pairs.similar.push(labels.similar(a, b));
            }
        }
        pairs
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

/// Sentences of `part` of which all pairs together come as near as can be to so many similar
/// ones: from a random choice, one sentence at a time is exchanged for the one that brings
/// the count nearest, until none does.
///
/// # Errors
/// If the part has fewer sentences.
pub fn sentences_of_shape(
    labels: &Labels,
    part: &[u32],
    sentences: usize,
    similar: usize,
    seed: u64,
) -> Result<Vec<u32>> {
    if part.len() < sentences {
        let reason = format!("{sentences} sentences asked for, {} there", part.len());
        return Err(Error::Setting { field: "similarity.pairs", reason });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order = part.to_vec();
    order.shuffle(&mut rng);
    let mut best: Option<(usize, Vec<u32>)> = None;
    // Exchanges one by one can end beside the goal; other starts end elsewhere.
    for start in 0..8 {
        let turn = start * sentences % order.len();
        order.rotate_left(turn);
        let chosen = climb(labels, &order, sentences, similar);
        let off = Pairs::all(labels, &chosen).similar_count().abs_diff(similar);
        if best.as_ref().is_none_or(|(least, _)| off < *least) {
            best = Some((off, chosen));
        }
        if off == 0 {
            break;
        }
    }
    Ok(best.map(|(_, chosen)| chosen).unwrap_or_default())
}

fn climb(labels: &Labels, order: &[u32], sentences: usize, similar: usize) -> Vec<u32> {
    let mut chosen: Vec<u32> = order[..sentences].to_vec();
    let mates = |sentence: u32, chosen: &[u32]| {
        chosen.iter().filter(|&&other| other != sentence && labels.similar(sentence, other)).count()
    };
    let mut count = Pairs::all(labels, &chosen).similar_count();
    loop {
        let mut best = (count.abs_diff(similar), None);
        for (out, &old) in chosen.iter().enumerate() {
            let left = count - mates(old, &chosen);
            // Of sentences with one label the first will do for all of them.
            let mut tried = HashSet::new();
            for &new in order.iter().filter(|new| !chosen.contains(new)) {
                if !tried.insert(labels.class(new)) {
                    continue;
                }
                let gained = mates(new, &chosen) - usize::from(labels.similar(new, old));
                let off = (left + gained).abs_diff(similar);
                if off < best.0 {
                    best = (off, Some((out, new, left + gained)));
                }
            }
        }
        match best.1 {
            Some((out, new, after)) => (chosen[out], count) = (new, after),
            None => return chosen,
        }
    }
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

/// Every way to part so many texts into labels so that so many of all pairs have one label:
/// the sizes of the labels, the largest first. With one label a text, a count of similar
/// pairs says much about the texts.
///
/// ```
/// use ttp_lib::similarity::sizes_with_similar_pairs;
/// // Of 4 texts 3 pairs are similar: three texts share a label.
/// assert_eq!(sizes_with_similar_pairs(4, 3), [[3, 1]]);
/// // 2 of 6 pairs: two labels of two texts.
/// assert_eq!(sizes_with_similar_pairs(4, 2), [[2, 2]]);
/// assert!(sizes_with_similar_pairs(4, 5).is_empty());
/// ```
pub fn sizes_with_similar_pairs(texts: usize, similar: usize) -> Vec<Vec<usize>> {
    fn go(
        left: usize,
        largest: usize,
        pairs: usize,
        sizes: &mut Vec<usize>,
        all: &mut Vec<Vec<usize>>,
    ) {
        if left == 0 {
            if pairs == 0 {
                all.push(sizes.clone());
            }
            return;
        }
        for size in (1..=left.min(largest)).rev() {
            let within = size * (size - 1) / 2;
            if within <= pairs {
                sizes.push(size);
                go(left - size, size, pairs - within, sizes, all);
                sizes.pop();
            }
        }
    }
    let mut all = Vec::new();
    go(texts, texts, similar, &mut Vec::new(), &mut all);
    all
}
