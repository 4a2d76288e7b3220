//! The report's two recipes, and four others on the same pairs in which labels count.

use super::mine::{Mining, mine};
use crate::published::{REPORT_ADVANCED, REPORT_BASIC, ReportTraining};
use crate::{Labels, Loss, Pairs, Triplet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use ttp_base::{Error, Result};
use ttp_model::encoder::Vectors;
use ttp_model::engine::{Algorithm, TrainParams};

/// sentence-transformers' scale of cosines before the softmax.
const SCALE: f64 = 20.0;
/// sentence-transformers' margin of the contrastive loss.
const MARGIN: f64 = 0.5;

/// A way to train on the report's pairs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReportArm {
    /// The report's "basic fine-tuned": multiple-negatives ranking over every pair, those
    /// labelled dissimilar taken for similar ones, too.
    Basic,
    /// The report's "advanced": the similar pairs and the 300 dissimilar ones that the base model
    /// finds most alike, all of them taken for similar ones.
    Advanced,
    /// As `basic`, with the rows labelled dissimilar left out.
    SimilarOnly,
    /// As `basic`, with the cosine loss, which reads the labels.
    Cosine,
    /// As `advanced`, with the contrastive loss, which reads the labels.
    Contrastive,
    /// As `advanced`, with hard negatives as negatives: each similar pair with the sentence of
    /// another tactic that the base model finds most alike its first.
    Triplets,
}

impl ReportArm {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Basic,
        Self::Advanced,
        Self::SimilarOnly,
        Self::Cosine,
        Self::Contrastive,
        Self::Triplets,
    ];

    /// Its name, as in a profile.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Advanced => "advanced",
            Self::SimilarOnly => "similar_only",
            Self::Cosine => "cosine",
            Self::Contrastive => "contrastive",
            Self::Triplets => "triplets",
        }
    }

    /// What it trains on and how, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Basic => "every pair taught as similar; ranking loss (the report's basic)",
            Self::Advanced => {
                "similar pairs and the hardest others, all taught as similar; ranking loss (the \
                 report's advanced)"
            }
            Self::SimilarOnly => "similar pairs alone; ranking loss",
            Self::Cosine => "every pair with its label; cosine loss",
            Self::Contrastive => "similar pairs and the hardest others with labels; contrastive",
            Self::Triplets => "similar pairs, each with a hard negative; ranking loss",
        }
    }

    /// Whether a pair that is labelled dissimilar is never taught as similar.
    pub fn respects_labels(self) -> bool {
        !matches!(self, Self::Basic | Self::Advanced)
    }

    /// The loss.
    pub fn loss(self) -> Loss {
        match self {
            Self::Basic | Self::Advanced | Self::SimilarOnly | Self::Triplets => {
                Loss::MultipleNegatives { scale: SCALE }
            }
            Self::Cosine => Loss::Cosine,
            Self::Contrastive => Loss::Contrastive { margin: MARGIN },
        }
    }

    /// The schedule: `basic`'s is 8 epochs of batches of 32 at 2e-5 with a tenth of the steps to
    /// warm up, `advanced`'s 12 of 16 at 3e-5 with 15 %. The rest is as in sentence-transformers:
    /// AdamW, weight decay 0.01, gradients cut to a norm of 1.
    pub fn schedule(self, max_length: usize) -> TrainParams {
        let ReportTraining { epochs, batch_size, learning_rate, warmup_share } = match self {
            Self::Basic | Self::SimilarOnly | Self::Cosine => REPORT_BASIC,
            Self::Advanced | Self::Contrastive | Self::Triplets => REPORT_ADVANCED,
        };
        TrainParams {
            epochs,
            batch_size,
            max_length,
            learning_rate,
            warmup_share,
            weight_decay: 0.01,
            clip_norm: 1.0,
            optimizer: Algorithm::AdamW,
        }
    }

    /// What it trains on, of some training pairs. `vectors` are the base model's of all texts,
    /// `labels` say of which tactic each is.
    ///
    /// # Errors
    /// If there is no similar pair, or fewer dissimilar ones than the arm keeps.
    pub fn lessons(
        self,
        train: &Pairs,
        vectors: &Vectors,
        labels: &Labels,
        hard: usize,
    ) -> Result<Lessons> {
        let similar = || chosen(train, |at| train.similar[at]);
        if train.similar_count() == 0 {
            let reason = "there is no similar pair to train on".to_owned();
            return Err(Error::Setting { field: "pairs", reason });
        }
        Ok(match self {
            Self::Basic | Self::Cosine => Lessons::Pairs(train.clone()),
            Self::SimilarOnly => Lessons::Pairs(similar()),
            Self::Advanced | Self::Contrastive => {
                let mut pairs = similar();
                for at in hardest(train, vectors, hard)? {
                    pairs.rows.push(train.rows[at]);
                    pairs.similar.push(false);
                }
                Lessons::Pairs(pairs)
            }
            Self::Triplets => {
                let anchors = similar().rows;
                let mut candidates: Vec<u32> = train.rows.iter().flatten().copied().collect();
                candidates.sort_unstable();
                candidates.dedup();
                let mined = mine(vectors, labels, &anchors, &candidates, &Mining::default(), 0)?;
                let found = anchors.iter().zip(&mined.negatives);
                let triplets = found.filter_map(|(&[anchor, positive], negatives)| {
                    let (negative, _) = *negatives.first()?;
                    Some(Triplet { anchor, positive, negative })
                });
                Lessons::Triplets(triplets.collect())
            }
        })
    }
}

impl fmt::Display for ReportArm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an arm trains on.
#[derive(Debug, Clone, PartialEq)]
pub enum Lessons {
    /// Pairs; whether the labels count is the loss's.
    Pairs(Pairs),
    /// Triplets.
    Triplets(Vec<Triplet>),
}

impl Lessons {
    /// Number of pairs or triplets.
    pub fn len(&self) -> usize {
        match self {
            Self::Pairs(pairs) => pairs.len(),
            Self::Triplets(triplets) => triplets.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn chosen(pairs: &Pairs, keep: impl Fn(usize) -> bool) -> Pairs {
    let kept: Vec<usize> = (0..pairs.len()).filter(|&at| keep(at)).collect();
    Pairs {
        rows: kept.iter().map(|&at| pairs.rows[at]).collect(),
        similar: kept.iter().map(|&at| pairs.similar[at]).collect(),
        ..Pairs::default()
    }
}

/// The dissimilar pairs with the highest cosines, the highest first; of equals the first.
///
/// ```
/// use ttp_model::encoder::Vectors;
/// use ttp_similarity::{Pairs, reported::hardest};
/// let vectors = Vectors::new(2, vec![1.0, 0.0, 0.8, 0.6, 0.0, 1.0])?;
/// let rows = vec![[0, 1], [0, 2], [1, 2]];
/// let pairs = Pairs { rows, similar: vec![false, true, false], ..Pairs::default() };
/// // Cosines 0.8, 0 and 0.6; the second is similar.
/// assert_eq!(hardest(&pairs, &vectors, 2)?, [0, 2]);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If there are not so many.
pub fn hardest(pairs: &Pairs, vectors: &Vectors, count: usize) -> Result<Vec<usize>> {
    let cosines = vectors.dots(&pairs.rows);
    let mut others: Vec<usize> = (0..pairs.len()).filter(|&at| !pairs.similar[at]).collect();
    if others.len() < count {
        let reason = format!("{count} dissimilar pairs asked for, {} there", others.len());
        return Err(Error::Setting { field: "hard_negatives", reason });
    }
    // Stable: of equal cosines the first pair stays first.
    others.sort_by(|&a, &b| cosines[b].total_cmp(&cosines[a]));
    others.truncate(count);
    Ok(others)
}
