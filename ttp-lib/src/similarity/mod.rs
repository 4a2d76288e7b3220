//! Which sentences tell of the same technique: pairs, hard negatives, losses, training, and
//! what a sentence model is worth on sentences it has not seen.
//!
//! - [`Labels`]: which sentences are similar, and which two may be no negative pair.
//! - [`near_duplicates`], [`Parts`]: parts that share no sentence, nor nearly one.
//! - [`Pairs`]: similar pairs and others, drawn from a part.
//! - [`mine()`]: hard negatives, by exact search in blocks ([`nearest`]).
//! - [`loss`], [`SimilarityTraining`]: five losses and the loop.
//! - [`TestPairs`], [`recall_at`]: scores with intervals by the bootstrap over sentences.
//! - [`Study`]: all of it put together as the report's experiment.
//! - [`nearest_techniques`]: from a text to techniques, with evidence.

mod evaluate;
mod examples;
mod labels;
pub mod loss;
mod mine;
mod nearest;
mod pairs;
mod parts;
mod search;
mod study;
mod train;

pub use evaluate::{PairIntervals, PairScores, TestPairs, recall_at};
pub use examples::UNSEEN_PAIRS;
pub use labels::{Bar, Exclude, Labels, Level};
pub use loss::{Distance, Loss};
pub use mine::{AnchorPair, Mined, Mining, Sampling, Skip, Suspect, mine};
pub use nearest::{Near, Nearest, nearest, nearest_among};
pub use pairs::{Pairs, label_sizes, sentences_of_shape, sizes_with_similar_pairs};
pub use parts::{NEAR_DUPLICATE, Parts, near_duplicates};
pub use search::{NearTechnique, corpus_vectors, nearest_techniques};
pub use study::{
    Contest, Judged, REPORT_SIMILAR, REPORT_TEXTS, Sentences, SimilaritySettings, Study, Trial,
    TripletSets,
};
pub use train::{SimilarityHistory, SimilarityTraining, Triplet};
