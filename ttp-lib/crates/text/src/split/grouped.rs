//! Parts that share no sentence, nor nearly one.

use super::{NEAR_DUPLICATE, Shares, Split, near_duplicates};
use crate::balance::mix;
use crate::corpus::Sample;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use ttp_base::Result;

/// Where a group of near-duplicates goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Train,
    Validation,
    Test,
}

/// Shares whole groups of near-duplicates ([`NEAR_DUPLICATE`]) out over the three parts, the groups
/// of each technique on their own (a group's technique is its first row's), at random but for the
/// shares. Every technique has a row to learn from: of one that would have none, all groups go into
/// training. The result is a function of the rows and the seed alone.
///
/// # Errors
/// If the shares are none ([`Shares::check`]).
pub(super) fn grouped(samples: &[Sample], shares: Shares, seed: u64) -> Result<Split> {
    shares.check()?;
    let texts: Vec<&str> = samples.iter().map(|sample| sample.text.as_str()).collect();
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, group) in near_duplicates(&texts, NEAR_DUPLICATE).into_iter().enumerate() {
        groups.entry(group).or_default().push(at);
    }
    let mut by_technique: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &first in groups.keys() {
        by_technique.entry(&samples[first].technique).or_default().push(first);
    }
    let mut sides: BTreeMap<usize, Side> = BTreeMap::new();
    for (technique, mut firsts) in by_technique {
        firsts.shuffle(&mut ChaCha8Rng::seed_from_u64(mix(seed, technique)));
        let [train, validation, _] = shares.of(firsts.len());
        for (at, first) in firsts.into_iter().enumerate() {
            let side = match at {
                at if at < train => Side::Train,
                at if at < train + validation => Side::Validation,
                _ => Side::Test,
            };
            sides.insert(first, side);
        }
    }
    let techniques_of = |first: &usize| {
        groups[first].iter().map(|&at| samples[at].technique.as_str()).collect::<BTreeSet<_>>()
    };
    let learnt: BTreeSet<&str> = sides
        .iter()
        .filter(|(_, side)| **side == Side::Train)
        .flat_map(|(first, _)| techniques_of(first))
        .collect();
    let mut split = Split::default();
    for (first, side) in &sides {
        let is_learnt = techniques_of(first).is_subset(&learnt);
        let part = match side {
            Side::Validation if is_learnt => &mut split.validation,
            Side::Test if is_learnt => &mut split.test,
            _ => &mut split.train,
        };
        part.extend(groups[first].iter().map(|&at| samples[at].clone()));
    }
    split.shuffle(seed);
    Ok(split)
}
