//! The losses that pull similar sentences together and push others apart.
//!
//! Each takes vectors `[rows, dimensions]` of any length and gives one number, a tensor to be
//! differentiated. Formulas and edge cases are those of sentence-transformers' losses;
//! `environment/golden/similarity.py` holds values and gradients to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use tch::{Kind, Reduction, Tensor};
use ttp_base::Result;
use ttp_base::error::SettingPath;
use ttp_base::settings::{self, Range, Schema, Setting, above};

/// Which loss, with its own settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// [`cosine_similarity`]: on pairs.
    Cosine,
    /// [`contrastive`]: on pairs.
    Contrastive {
        /// Other sentences are pushed apart up to this distance.
        margin: f64,
    },
    /// [`online_contrastive`]: on pairs.
    OnlineContrastive {
        /// As of `Contrastive`.
        margin: f64,
    },
    /// [`multiple_negatives_ranking`]: on triplets.
    MultipleNegatives {
        /// What cosines are multiplied with before the softmax; sentence-transformers' is 20.
        scale: f64,
    },
    /// [`triplet`]: on triplets.
    Triplet {
        /// How much farther the negative is to be than the positive.
        margin: f64,
        /// The distance that is meant.
        #[serde(default)]
        distance: Distance,
    },
}

/// How far apart two vectors are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Distance {
    /// 1 − cosine, from 0 to 2.
    #[default]
    Cosine,
    /// The length of the difference.
    Euclidean,
}

/// Of margins and scales.
const ABOVE_0: Range = above(0.0).or("{} is not a number above 0");

impl Setting for Loss {
    fn check_at(&self, _: Option<&Range>, at: &SettingPath) -> Result<()> {
        let (loss, field, value) = match self {
            Self::Cosine => return Ok(()),
            Self::Contrastive { margin } => ("contrastive", "margin", margin),
            Self::OnlineContrastive { margin } => ("online_contrastive", "margin", margin),
            Self::MultipleNegatives { scale } => ("multiple_negatives", "scale", scale),
            Self::Triplet { margin, .. } => ("triplet", "margin", margin),
        };
        value.check_at(Some(&ABOVE_0), &at.field(loss).field(field))
    }

    fn describe(_: Option<&Range>, schema: &mut Schema) {
        for choice in schema.get_mut("oneOf").and_then(Schema::as_array_mut).into_iter().flatten() {
            let losses = choice.get_mut("properties").and_then(Schema::as_object_mut);
            for loss in losses.into_iter().flat_map(|losses| losses.values_mut()) {
                for field in ["margin", "scale"] {
                    settings::describe_inside(loss, &[field], &ABOVE_0);
                }
            }
        }
    }
}

impl Loss {
    /// Checks the settings.
    ///
    /// # Errors
    /// If a margin or scale is not a finite number above 0.
    pub fn check(&self) -> Result<()> {
        self.check_at(None, &SettingPath::of("similarity.loss"))
    }

    /// Whether it reads triplets (anchor, positive, negative); else pairs and whether each
    /// is similar.
    pub fn reads_triplets(self) -> bool {
        matches!(self, Self::MultipleNegatives { .. } | Self::Triplet { .. })
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cosine => f.write_str("cosine similarity"),
            Self::Contrastive { margin } => write!(f, "contrastive, margin {margin}"),
            Self::OnlineContrastive { margin } => write!(f, "online contrastive, margin {margin}"),
            Self::MultipleNegatives { scale } => {
                write!(f, "multiple negatives ranking, scale {scale}")
            }
            Self::Triplet { margin, distance: Distance::Cosine } => {
                write!(f, "triplet, margin {margin}")
            }
            Self::Triplet { margin, distance: Distance::Euclidean } => {
                write!(f, "triplet, Euclidean margin {margin}")
            }
        }
    }
}

/// Every row divided by its length.
fn unit(vectors: &Tensor) -> Tensor {
    vectors / vectors.norm_scalaropt_dim(2, 1, true).clamp_min(1e-12)
}

/// The cosine of each row of `first` with the same row of `second`.
fn cosines(first: &Tensor, second: &Tensor) -> Tensor {
    (unit(first) * unit(second)).sum_dim_intlist(1, false, None)
}

/// Mean squared difference of the cosine and the label, 1 for similar pairs and 0 for others.
///
/// ```
/// use tch::Tensor;
/// use ttp_similarity::loss;
/// let first = Tensor::from_slice2(&[[1.0, 0.0], [1.0, 0.0]]);
/// let second = Tensor::from_slice2(&[[0.6, 0.8], [0.0, 1.0]]);
/// // Cosines 0.6 and 0: ((0.6 − 1)² + (0 − 0)²) / 2
/// let value = loss::cosine_similarity(&first, &second, &Tensor::from_slice(&[1.0, 0.0]));
/// assert!((value.double_value(&[]) - 0.08).abs() < 1e-12);
/// ```
pub fn cosine_similarity(first: &Tensor, second: &Tensor, similar: &Tensor) -> Tensor {
    cosines(first, second).mse_loss(similar, Reduction::Mean)
}

/// Half the mean of d² for similar pairs and max(0, margin − d)² for others, with the cosine
/// distance d (Hadsell, Chopra and LeCun, 2006).
///
/// ```
/// use tch::Tensor;
/// use ttp_similarity::loss;
/// let first = Tensor::from_slice2(&[[1.0, 0.0], [1.0, 0.0]]);
/// let second = Tensor::from_slice2(&[[0.6, 0.8], [0.8, 0.6]]);
/// // Distances 0.4 and 0.2: (0.4² + (0.5 − 0.2)²) / 2 / 2
/// let value = loss::contrastive(&first, &second, &Tensor::from_slice(&[1.0, 0.0]), 0.5);
/// assert!((value.double_value(&[]) - 0.0625).abs() < 1e-12);
/// ```
pub fn contrastive(first: &Tensor, second: &Tensor, similar: &Tensor, margin: f64) -> Tensor {
    let distances: Tensor = 1.0 - cosines(first, second);
    let apart = (margin - &distances).relu().square();
    let losses: Tensor = similar * distances.square() + (1.0 - similar) * apart;
    losses.mean(None) * 0.5
}

/// As [`contrastive`], of the hard pairs of a batch only, and their sum: similar pairs that
/// are farther apart than the nearest of the others, and others that are nearer than the
/// farthest similar pair. Where there is but one pair of a kind (or none), the mean of the
/// other kind's distances stands for it.
///
/// ```
/// use tch::Tensor;
/// use ttp_similarity::loss;
/// let first = Tensor::from_slice2(&[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]);
/// let second = Tensor::from_slice2(&[[0.6, 0.8], [1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]);
/// let similar = Tensor::from_slice(&[1.0, 1.0, 0.0, 0.0]);
/// // Similar at 0.4 and 0, others at 0.2 and 1: hard are 0.4 (> 0.2) and 0.2 (< 0.4).
/// let value = loss::online_contrastive(&first, &second, &similar, 0.5);
/// assert!((value.double_value(&[]) - (0.16 + 0.09)).abs() < 1e-12);
/// ```
pub fn online_contrastive(
    first: &Tensor,
    second: &Tensor,
    similar: &Tensor,
    margin: f64,
) -> Tensor {
    let distances: Tensor = 1.0 - cosines(first, second);
    let is_similar = similar.gt(0.5);
    let near = distances.masked_select(&is_similar);
    let far = distances.masked_select(&is_similar.logical_not());
    // A comparison with the mean of nothing, which is no number, is false: nothing is hard.
    let farthest = if near.numel() > 1 { near.max() } else { far.mean(None) };
    let nearest = if far.numel() > 1 { far.min() } else { near.mean(None) };
    let hard_far = far.masked_select(&far.lt_tensor(&farthest));
    let hard_near = near.masked_select(&near.gt_tensor(&nearest));
    hard_near.square().sum(hard_near.kind()) + (margin - hard_far).relu().square().sum(far.kind())
}

/// Cross-entropy (nats) of finding each anchor's positive among the positives and the
/// negatives of the whole batch, by `scale` times their cosines (Henderson et al., 2017).
///
/// `false_negatives` `[anchors, positives + negatives]` is true where another row's sentence
/// is similar to the anchor: it is left out of the choice. sentence-transformers knows no
/// labels and takes it for a negative.
///
/// ```
/// use tch::{Kind, Tensor};
/// use ttp_similarity::loss;
/// let anchors = Tensor::from_slice2(&[[1.0, 0.0], [0.0, 1.0]]);
/// let positives = Tensor::from_slice2(&[[1.0, 0.0], [0.6, 0.8]]);
/// // Cosines 1, 0.6 and 0, 0.8: (ln(1 + e^−0.4) + ln(1 + e^−0.8)) / 2
/// let value = loss::multiple_negatives_ranking(&anchors, &positives, None, 1.0, None);
/// let by_hand = ((1.0 + (-0.4_f64).exp()).ln() + (1.0 + (-0.8_f64).exp()).ln()) / 2.0;
/// assert!((value.double_value(&[]) - by_hand).abs() < 1e-12);
///
/// // The first anchor's other candidate means the same: nothing is left to choose from.
/// let masked = Tensor::from_slice(&[false, true, false, false]).view([2, 2]);
/// let value = loss::multiple_negatives_ranking(&anchors, &positives, None, 1.0, Some(&masked));
/// assert!((value.double_value(&[]) - (1.0 + (-0.8_f64).exp()).ln() / 2.0).abs() < 1e-12);
/// ```
pub fn multiple_negatives_ranking(
    anchors: &Tensor,
    positives: &Tensor,
    negatives: Option<&Tensor>,
    scale: f64,
    false_negatives: Option<&Tensor>,
) -> Tensor {
    let candidates = match negatives {
        Some(negatives) => Tensor::cat(&[positives, negatives], 0),
        None => positives.shallow_clone(),
    };
    let mut scores = unit(anchors).matmul(&unit(&candidates).transpose(0, 1)) * scale;
    if let Some(mask) = false_negatives {
        scores = scores.masked_fill(mask, f64::NEG_INFINITY);
    }
    let rows = anchors.size().first().copied().unwrap_or(0);
    let own = Tensor::arange(rows, (Kind::Int64, anchors.device()));
    // tch's own cross-entropy computes in single precision whatever the vectors have.
    scores.log_softmax(-1, scores.kind()).nll_loss(&own)
}

/// Mean of max(0, d(anchor, positive) − d(anchor, negative) + margin) (Schroff, Kalenichenko
/// and Philbin, 2015).
///
/// ```
/// use tch::Tensor;
/// use ttp_similarity::{Distance, loss};
/// let anchors = Tensor::from_slice2(&[[1.0, 0.0], [1.0, 0.0]]);
/// let positives = Tensor::from_slice2(&[[0.6, 0.8], [1.0, 0.0]]);
/// let negatives = Tensor::from_slice2(&[[0.8, 0.6], [0.0, 1.0]]);
/// // 0.4 − 0.2 + 0.1, and 0 − 1 + 0.1, which is below 0.
/// let value = loss::triplet(&anchors, &positives, &negatives, 0.1, Distance::Cosine);
/// assert!((value.double_value(&[]) - 0.15).abs() < 1e-12);
/// ```
pub fn triplet(
    anchors: &Tensor,
    positives: &Tensor,
    negatives: &Tensor,
    margin: f64,
    distance: Distance,
) -> Tensor {
    let from_anchor = |others: &Tensor| match distance {
        Distance::Cosine => 1.0 - cosines(anchors, others),
        // With the small number that PyTorch adds to each difference.
        Distance::Euclidean => (anchors - others + 1e-6).norm_scalaropt_dim(2, 1, false),
    };
    (from_anchor(positives) - from_anchor(negatives) + margin).relu().mean(None)
}
