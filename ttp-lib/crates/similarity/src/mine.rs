//! Hard negatives: for each anchor the nearest sentences that do not mean the same.
//!
//! Near to an anchor lies what is similar to it, labelled so or not. The options are those of
//! sentence-transformers' `mine_hard_negatives` (a rank range, bounds of the score, margins to
//! the positive's score, the top or a random choice), and `environment/golden/similarity.py`
//! holds the results to it. What that function cannot know is added: no negative has the
//! anchor's label, its text, or what else [`Exclusions`] names.

use super::nearest::{Near, Nearest, nearest, nearest_among};
use super::{Bar, Exclusions, Labels};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use ttp_base::error::SettingPath;
use ttp_base::settings::{Range, at_least, from_to};
use ttp_base::{Error, Result, settings};
use ttp_model::encoder::Vectors;

/// How hard negatives are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mining {
    /// Negatives for each anchor.
    pub negatives: usize,
    /// So many of the nearest that passed all bounds are passed over: they are the likeliest
    /// to be similar after all.
    pub range_min: usize,
    /// So many of the nearest are looked at; `None`: as many as are needed, and where a
    /// bound may pass some over, ten for each negative.
    pub range_max: Option<usize>,
    /// No negative has a lower score, from −1 to 1.
    pub min_score: Option<f64>,
    /// No negative has a higher score, from −1 to 1.
    pub max_score: Option<f64>,
    /// A negative's score is at least so much below the positive's.
    pub absolute_margin: Option<f64>,
    /// A negative's score is at most the positive's, less this share of it.
    pub relative_margin: Option<f64>,
    /// Which of those that are left.
    pub sampling: Sampling,
    /// What else keeps a sentence from being a negative.
    pub exclude: Exclusions,
}

impl Default for Mining {
    fn default() -> Self {
        Self {
            negatives: 1,
            range_min: 0,
            range_max: None,
            min_score: None,
            max_score: None,
            absolute_margin: None,
            relative_margin: None,
            sampling: Sampling::Top,
            exclude: Exclusions::default(),
        }
    }
}

impl fmt::Display for Mining {
    /// What differs from the nearest of all: `absolute margin 0.1, after the first 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![match (self.negatives, self.sampling) {
            (1, Sampling::Top) => "the nearest".to_owned(),
            (n, Sampling::Top) => format!("the {n} nearest"),
            (n, Sampling::Random) => format!("{n} at random of the nearest {}", self.window()),
        }];
        for (name, value) in [
            ("absolute margin", self.absolute_margin),
            ("relative margin", self.relative_margin),
            ("score from", self.min_score),
            ("score up to", self.max_score),
        ] {
            parts.extend(value.map(|value| format!("{name} {value}")));
        }
        if self.range_min > 0 {
            parts.push(format!("after the first {}", self.range_min));
        }
        for (excluded, name) in [
            (self.exclude.parent, "none of the parent technique"),
            (self.exclude.tactic, "none of a common tactic"),
            (self.exclude.related, "none of a linked technique"),
        ] {
            parts.extend(excluded.then(|| name.to_owned()));
        }
        f.write_str(&parts.join(", "))
    }
}

/// Which of the candidates that are left become negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// The nearest.
    Top,
    /// Any of them, by the seed.
    Random,
}

/// Of scores, which are cosines, and of differences between them.
const SCORE: Range = from_to(-1.0, 1.0);

settings!(Mining, "similarity.mining", {
    negatives: at_least(1.0).or("0 for each anchor are none"),
    min_score: SCORE,
    max_score: SCORE,
    absolute_margin: SCORE,
    relative_margin: SCORE,
}, free { range_min, range_max, sampling, exclude }, also Self::leave_room);

impl Mining {
    fn leave_room(&self, at: &SettingPath) -> Result<()> {
        if let Some(most) = self.range_max
            && most < self.range_min.saturating_add(self.negatives)
        {
            let (least, asked) = (self.range_min, self.negatives);
            let reason = format!("{most} leaves no room for {asked} negatives after {least}");
            return at.field("range_max").refuse(reason);
        }
        if let (Some(low), Some(high)) = (self.min_score, self.max_score)
            && low > high
        {
            return at.field("min_score").refuse(format!("{low} is above max_score, {high}"));
        }
        Ok(())
    }

    /// How many of the nearest are looked at.
    fn window(&self) -> usize {
        let bounded = self.absolute_margin.is_some()
            || self.relative_margin.is_some()
            || self.max_score.is_some();
        let each = if bounded { 10 } else { 1 };
        self.range_max.unwrap_or(self.range_min + each * self.negatives + 1)
    }

    /// Why a candidate of this score is passed over, beside a positive of that score.
    fn refuses(&self, score: f64, positive: f64) -> Option<SkipReason> {
        let above = |bound: Option<f64>| bound.is_some_and(|bound| score > bound);
        if above(self.absolute_margin.map(|margin| positive - margin)) {
            Some(SkipReason::AbsoluteMargin)
        } else if above(self.relative_margin.map(|margin| positive * (1.0 - margin))) {
            Some(SkipReason::RelativeMargin)
        } else if above(self.max_score) {
            Some(SkipReason::MaxScore)
        } else if self.min_score.is_some_and(|bound| score < bound) {
            Some(SkipReason::MinScore)
        } else {
            None
        }
    }
}

/// Why a candidate that was near enough became no negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// By its label or text.
    Barred(Bar),
    /// Too near the positive's score.
    AbsoluteMargin,
    /// Too near the positive's score, as a share of it.
    RelativeMargin,
    /// Its score is too high.
    MaxScore,
    /// Its score is too low.
    MinScore,
    /// Among the first of the rank range.
    RangeMin,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barred(bar) => write!(f, "{bar}"),
            Self::AbsoluteMargin => f.write_str("within the absolute margin of the positive"),
            Self::RelativeMargin => f.write_str("within the relative margin of the positive"),
            Self::MaxScore => f.write_str("score above the highest wanted"),
            Self::MinScore => f.write_str("score below the lowest wanted"),
            Self::RangeMin => f.write_str("among the first, which are passed over"),
        }
    }
}

/// A sentence of another label that is nearer to an anchor than any similar one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// Index of the anchor.
    pub anchor: usize,
    /// The sentence.
    pub candidate: u32,
    /// Its score, the cosine with the anchor.
    pub score: f64,
    /// The highest score of a similar sentence that was met: the positive, or a nearer one.
    pub similar: f64,
    /// Whether it became a negative.
    pub taken: bool,
}

/// What mining found.
#[derive(Debug, Clone, PartialEq)]
pub struct MiningResult {
    /// For each anchor its negatives and their scores, the nearest first.
    pub negatives: Vec<Vec<(u32, f64)>>,
    /// The score of each anchor's positive.
    pub positive_scores: Vec<f64>,
    /// Candidates that came before the last that was looked at, and why they were passed over.
    pub skipped: BTreeMap<SkipReason, usize>,
    /// Anchors with fewer negatives than asked for.
    pub short: usize,
    /// Candidates nearer to their anchor than every similar sentence: the labels may be wrong,
    /// or the two may mean the same. The highest scores first.
    pub suspects: Vec<Suspect>,
}

impl MiningResult {
    /// Number of negatives found.
    pub fn found(&self) -> usize {
        self.negatives.iter().map(Vec::len).sum()
    }
}

/// What keeps a candidate from an anchor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    /// It is the anchor itself, which nobody needs to be told of.
    Anchor,
    Akin(Bar),
}

/// An anchor with its positive, by their sentences.
pub type AnchorPair = [u32; 2];

/// Mines hard negatives among `candidates` for each anchor.
///
/// `vectors` holds a vector of length 1 for every sentence of `labels`; anchors, positives
/// and candidates are rows of it. The search is exact, and its memory does not grow with
/// anchors × candidates.
///
/// # Errors
/// If a setting makes no sense, there are fewer candidates than negatives asked for, or
/// nothing is left: what was passed over is counted in the message.
pub fn mine(
    vectors: &Vectors,
    labels: &Labels,
    anchors: &[AnchorPair],
    candidates: &[u32],
    settings: &Mining,
    seed: u64,
) -> Result<MiningResult> {
    check(vectors, labels, anchors, candidates, settings)?;
    let near = search(vectors, labels, anchors, candidates, settings)?;

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let positive_scores = vectors.dots(anchors);
    let mut mined = MiningResult {
        negatives: Vec::with_capacity(anchors.len()),
        positive_scores,
        skipped: BTreeMap::new(),
        short: 0,
        suspects: Vec::new(),
    };
    for (at, near) in near.iter().enumerate() {
        let positive = mined.positive_scores[at];
        let mut similar = positive;
        for (barred, (count, highest)) in &near.barred {
            let Obstacle::Akin(bar) = *barred else { continue };
            *mined.skipped.entry(SkipReason::Barred(bar)).or_insert(0) += count;
            if bar == Bar::Similar {
                similar = similar.max(f64::from(*highest));
            }
        }
        let mut left: Vec<Near> = Vec::new();
        for candidate in &near.found {
            match settings.refuses(f64::from(candidate.score), positive) {
                Some(skip) => *mined.skipped.entry(skip).or_insert(0) += 1,
                None => left.push(*candidate),
            }
        }
        let first = settings.range_min.min(left.len());
        if first > 0 {
            *mined.skipped.entry(SkipReason::RangeMin).or_insert(0) += first;
        }
        let left = &left[first..];
        let count = settings.negatives.min(left.len());
        let chosen: Vec<Near> = match settings.sampling {
            Sampling::Top => left[..count].to_vec(),
            Sampling::Random => {
                let mut places = index::sample(&mut rng, left.len(), count).into_vec();
                places.sort_unstable();
                places.into_iter().map(|place| left[place]).collect()
            }
        };
        mined.short += usize::from(count < settings.negatives);
        let sentence = |near: &Near| candidates[near.candidate as usize];
        for candidate in near.found.iter().take_while(|near| f64::from(near.score) > similar) {
            mined.suspects.push(Suspect {
                anchor: at,
                candidate: sentence(candidate),
                score: f64::from(candidate.score),
                similar,
                taken: chosen.contains(candidate),
            });
        }
        let negatives = chosen.iter().map(|near| (sentence(near), f64::from(near.score)));
        mined.negatives.push(negatives.collect());
    }
    mined.suspects.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then((a.anchor, a.candidate).cmp(&(b.anchor, b.candidate)))
    });
    if mined.found() == 0 {
        let list: Vec<String> =
            mined.skipped.iter().map(|(skip, count)| format!("{count} {skip}")).collect();
        let reason = format!("no negative is left; passed over: {}", list.join(", "));
        return Err(Error::Setting { field: "similarity.mining", reason });
    }
    Ok(mined)
}

/// Refuses what cannot be mined in.
fn check(
    vectors: &Vectors,
    labels: &Labels,
    anchors: &[AnchorPair],
    candidates: &[u32],
    settings: &Mining,
) -> Result<()> {
    settings.check()?;
    let wrong = |field, reason| Err(Error::Setting { field, reason });
    if vectors.len() != labels.len() {
        let reason = format!("{} for {} sentences", vectors.len(), labels.len());
        return wrong("vectors", reason);
    }
    if anchors.is_empty() {
        return wrong("anchors", "there is none".to_owned());
    }
    if candidates.len() < settings.negatives {
        let (asked, there) = (settings.negatives, candidates.len());
        let reason = format!("{asked} for each anchor asked for, and {there} candidates there");
        return wrong("similarity.mining.negatives", reason);
    }
    Ok(())
}

/// The nearest candidates of each anchor, and those that were barred.
fn search(
    vectors: &Vectors,
    labels: &Labels,
    anchors: &[AnchorPair],
    candidates: &[u32],
    settings: &Mining,
) -> Result<Vec<Nearest<Obstacle>>> {
    let bar = |[anchor, positive]: AnchorPair, candidate: u32| {
        let candidate = candidates[candidate as usize];
        if candidate == anchor {
            Some(Obstacle::Anchor)
        } else if candidate == positive {
            Some(Obstacle::Akin(Bar::Similar))
        } else {
            labels.bar(anchor, candidate, settings.exclude).map(Obstacle::Akin)
        }
    };
    let (held, window) = (vectors.of(candidates), settings.window());
    // Where most candidates are anchors, and once each, they meet each other.
    let mut asker: Vec<Option<u32>> = vec![None; vectors.len()];
    for (at, [anchor, _]) in (0..).zip(anchors) {
        asker[*anchor as usize] = Some(at);
    }
    let asker: Vec<Option<u32>> = candidates.iter().map(|&row| asker[row as usize]).collect();
    let mut place = vec![None; anchors.len()];
    for (at, asker) in asker.iter().enumerate() {
        if let Some(asker) = asker {
            place[*asker as usize] = Some(at);
        }
    }
    let places: Option<Vec<usize>> = place.into_iter().collect();
    match places.filter(|places| 2 * places.len() > candidates.len()) {
        Some(places) => {
            let asks: Vec<bool> = asker.iter().map(Option::is_some).collect();
            let found = nearest_among(&held, &asks, window, |query, candidate| {
                let anchor = asker[query as usize].map(|at| anchors[at as usize]);
                anchor.and_then(|anchor| bar(anchor, candidate))
            })?;
            let mut found: Vec<Option<_>> = found.into_iter().map(Some).collect();
            Ok(places.into_iter().filter_map(|place| found[place].take()).collect())
        }
        None => {
            let firsts: Vec<u32> = anchors.iter().map(|[anchor, _]| *anchor).collect();
            nearest(&vectors.of(&firsts), &held, window, |query, candidate| {
                bar(anchors[query as usize], candidate)
            })
        }
    }
}
