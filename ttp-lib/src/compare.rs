//! Fine-tuned models beside each other: on the same test rows pair by pair, and one
//! model under both protocols.
//!
//! Intervals here draw all test rows of one corpus sentence together
//! ([`Groups`](ttp_metrics::Groups)): under the paper's protocol a test part may hold several copies of
//! one sentence. They say how far another draw of test sentences could move a
//! figure, not how far another training seed could: each model was trained once.

mod both;
mod leak;
mod model_answers;
mod pairs;
mod questions;
mod recall;
mod tables;
mod thirds;

pub use both::{BOTH, Both, Mean, both_of};
pub use leak::{Leak, paper_minus_clean};
pub use model_answers::{ModelAnswers, encoders, headline, protocols, under};
pub use pairs::{LEVEL, Pair, Test, difference, gain_of_copies, p_text, pairs, pairs_table};
pub use questions::{Answer, QUESTIONS, Question, answers};
pub use recall::{ConfusedTechniques, RecallSpread, most_confused, recall_spread};
pub use tables::{confidence_table, confused_table, leakage_table, scores_table, thirds_table};
pub use thirds::{ByThirds, Third, accuracy_by_thirds};
pub use ttp_base::figure_check::{FigureCheck, FigureVerdict, verdicts_table};
