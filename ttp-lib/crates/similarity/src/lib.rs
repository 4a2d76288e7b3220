//! Which sentences tell of the same technique: pairs, hard negatives, losses, training, and
//! what a sentence model is worth on sentences it has not seen.
//!
//! - [`Labels`]: which sentences are similar, and which two may be no negative pair.
//! - [`near_duplicates`], [`Parts`]: parts that share no sentence, nor nearly one.
//! - [`Pairs`]: similar pairs and others, drawn from a part.
//! - [`mine()`]: hard negatives, by exact search in blocks ([`nearest`]).
//! - [`loss`], [`SimilarityTraining`], [`PairTraining`]: five losses, the loop, and what it reads.
//! - [`TestPairs`], [`recall_at`]: scores with intervals by the bootstrap over sentences.
//! - [`Study`]: all of it put together on ATT&CK's sentences; [`SimilarityResults`]: its figures.
//! - [`reported`]: the report's own pairs and recipes; [`published`]: what it prints.
//! - [`nearest_techniques`]: from a text to techniques, with evidence.

mod card;
mod evaluate;
mod examples;
mod guard;
mod labels;
mod leak;
pub mod loss;
mod mine;
mod model_folder;
mod model_scores;
mod nearest;
mod pair_training;
mod pairs;
mod parts;
pub mod published;
mod recipes;
pub mod reported;
mod results;
mod search;
mod settings;
mod shown;
mod study;
mod train;

pub use evaluate::{PairIntervals, PairScores, TestPairs, recall_at};
pub use examples::{UNSEEN_PAIRS, UnseenExamples};
pub use labels::{Bar, Exclusions, Labels, Level};
pub use loss::{Distance, Loss};
pub use mine::{AnchorPair, Mining, MiningResult, Sampling, SkipReason, Suspect, mine};
pub use model_folder::ModelFolder;
pub use model_scores::{Contest, ModelScores, TripletSets};
pub use nearest::{Near, Nearest, nearest, nearest_among};
pub use pair_training::PairTraining;
pub use pairs::{Pairs, label_sizes};
pub use parts::{NEAR_DUPLICATE, Parts, near_duplicates};
pub use results::{BasicAndHard, MiningFigures, ModelFigures, SimilarityResults, TrialFigures};
pub use search::{NearTechnique, corpus_vectors, nearest_techniques};
pub use settings::{Sentences, SimilaritySettings, Trial};
pub use study::Study;
pub use train::{SimilarityHistory, SimilarityTraining, Triplet};
