//! What a user is told who trains on pairs, before it happens and after.

use super::leak::PairLeak;
use super::{Loss, Pairs};
use std::fmt;

/// From this share of pairs that are called one thing, a model's answers are doubted.
pub const ONE_SIDED: f64 = 0.95;

/// What is likely to be a mistake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Warning {
    /// A loss that takes every pair for a similar one is given pairs that are labelled
    /// dissimilar.
    TaughtAsSimilar {
        /// The loss.
        loss: Loss,
        /// Pairs labelled dissimilar.
        dissimilar: usize,
        /// All pairs.
        pairs: usize,
    },
    /// Pairs that a model is judged on, or their texts, stand in training.
    Leaks(PairLeak),
    /// A model calls nearly all pairs one thing.
    OneSided {
        /// Whether it calls them similar.
        similar: bool,
        /// How many it does.
        called: usize,
        /// All pairs.
        pairs: usize,
        /// From which cosine upwards it calls a pair similar.
        threshold: f64,
    },
}

impl Warning {
    /// Looks at what a loss is to be given.
    pub fn of_loss(loss: Loss, pairs: &Pairs) -> Option<Self> {
        let dissimilar = pairs.len() - pairs.similar_count();
        let ranks = matches!(loss, Loss::MultipleNegatives { .. });
        (ranks && dissimilar > 0).then_some(Self::TaughtAsSimilar {
            loss,
            dissimilar,
            pairs: pairs.len(),
        })
    }

    /// Looks at what test pairs have in common with training.
    pub fn of_leak(leak: PairLeak) -> Option<Self> {
        (!leak.is_none()).then_some(Self::Leaks(leak))
    }

    /// Looks at what a model makes of validation pairs: whether it calls more than 95 % of them
    /// one thing, and the labels do not.
    ///
    /// ```
    /// use ttp_similarity::reported::Warning;
    /// let half: Vec<bool> = (0..40).map(|at| at % 2 == 0).collect();
    /// assert!(Warning::of_answers(&[0.9; 40], &half, 0.5).is_some());
    /// let scores: Vec<f64> = half.iter().map(|similar| f64::from(u8::from(*similar))).collect();
    /// assert!(Warning::of_answers(&scores, &half, 0.5).is_none());
    /// ```
    pub fn of_answers(scores: &[f64], similar: &[bool], threshold: f64) -> Option<Self> {
        let pairs = scores.len();
        let yes = scores.iter().filter(|score| **score >= threshold).count();
        let says_yes = 2 * yes >= pairs;
        let called = if says_yes { yes } else { pairs - yes };
        let are = similar.iter().filter(|is| **is == says_yes).count();
        let most = |count: usize| count as f64 > ONE_SIDED * pairs as f64;
        (most(called) && !most(are)).then_some(Self::OneSided {
            similar: says_yes,
            called,
            pairs,
            threshold,
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaughtAsSimilar { loss, dissimilar, pairs } => write!(
                f,
                "{dissimilar} of {pairs} training pairs are labelled dissimilar, and {loss} would \
                 teach them as similar: take a loss that reads labels, or leave them out"
            ),
            Self::Leaks(leak) => {
                write!(f, "these pairs are not unseen: {leak}")
            }
            Self::OneSided { similar, called, pairs, threshold } => {
                let what = if *similar { "similar" } else { "dissimilar" };
                write!(
                    f,
                    "the model calls {called} of {pairs} validation pairs {what} at {threshold:.3}: \
                     this threshold tells hardly any pairs apart"
                )
            }
        }
    }
}
