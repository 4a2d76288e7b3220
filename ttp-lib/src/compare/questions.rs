//! What the comparison was made to answer.

use super::pairs::Pair;
use serde::Serialize;
use std::fmt;

/// A question that two checkpoints answer together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The question.
    pub ask: &'static str,
    /// The checkpoint that has what is asked about.
    pub with: &'static str,
    /// The checkpoint that lacks it.
    pub without: &'static str,
}

/// The paper's question on its own models and as a controlled experiment, and the one
/// that comes before it.
pub const QUESTIONS: [Question; 3] = [
    Question {
        ask: "Does pretraining on the field's text help?",
        with: "minilm-cti",
        without: "minilm",
    },
    Question { ask: "Does pretraining help at all?", with: "minilm", without: "scratch" },
    Question {
        ask: "Is the field's own checkpoint better than the general one?",
        with: "secbert",
        without: "bert",
    },
];

/// The answer to a question under one protocol.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// The two models, the one with what is asked about first.
    pub pair: Pair,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f1 = self.pair.difference.f1.macro_;
        let short = match (self.pair.better(), f1.excludes_zero(), f1.value > 0.0) {
            (Some(better), ..) if better == self.pair.first => "Yes.",
            (Some(_), ..) => "No, the other one is better.",
            (None, true, true) => {
                "Not in rows named right; macro F1 is higher, by an interval that is not \
                 corrected for the number of pairs."
            }
            (None, true, false) => {
                "Not in rows named right; macro F1 is lower, by an interval that is not \
                 corrected for the number of pairs."
            }
            (None, false, _) => "No difference beyond chance.",
        };
        write!(f, "{} {short} ({})", self.question.ask, self.pair)
    }
}

/// The answers that some pairs give to the [`QUESTIONS`]; a question whose checkpoints
/// are not both there is left out.
pub fn answers(pairs: &[Pair]) -> Vec<Answer> {
    let mut found = Vec::new();
    for question in QUESTIONS {
        for pair in pairs {
            let (first, second) = (pair.first.as_str(), pair.second.as_str());
            if (first, second) == (question.with, question.without) {
                found.push(Answer { question, pair: pair.clone() });
            } else if (second, first) == (question.with, question.without) {
                found.push(Answer { question, pair: pair.turned() });
            }
        }
    }
    found
}
