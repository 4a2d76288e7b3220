//! What notebook 07 leaves behind: models side by side, and the sentences that follow.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Result, files};
use ttp_lib::compare::{
    Answer, ByThirds, ConfusedTechniques, FigureCheck, Leak, ModelAnswers, Pair, RecallSpread,
};
use ttp_lib::evaluate::{PAPER_TABLE_2, PartScores};
use ttp_lib::fill_mask::TokenCheck;
use ttp_metrics::{Estimate, Scores};
use ttp_model::tokenization::TokenizerReport;
use ttp_text::split::Protocol;

/// All that the comparison measures: a file `results/comparison.json`.
#[derive(Debug, Clone)]
pub struct ComparisonResults {
    /// The models.
    pub models: Vec<ModelAnswers>,
    /// Their scores, in the same order.
    pub scores: Vec<Scores<Estimate>>,
    /// Each pair of models on the same test rows.
    pub pairs: Vec<Pair>,
    /// What the pairs say about the paper's question.
    pub answers: Vec<Answer>,
    /// Each checkpoint under the paper's protocol minus the clean one.
    pub paper_minus_clean: Vec<Leak>,
    /// Scores on the test rows with a relative in training and on the others, by model.
    pub accuracy_by_leakage: BTreeMap<String, Vec<PartScores>>,
    /// The paper's accuracy on rows without a relative, if its test set leaked as this model's does.
    pub worth_without_relatives: BTreeMap<String, Estimate>,
    /// How even each model's recall is over the techniques.
    pub recall_spread: BTreeMap<String, RecallSpread>,
    /// The techniques that the models under the headline protocol confuse most.
    pub most_confused: MostConfused,
    /// What each tokenizer makes of the corpus.
    pub tokenization: Vec<TokenizerReport>,
    /// The token ids of the paper's appendix C.
    pub tokens: TokenCheck,
    /// Accuracy by tokens per word, by model.
    pub accuracy_by_tokens_per_word: Vec<(String, ByThirds)>,
    /// A verdict for each cell of the paper's table 2.
    pub verdicts: Vec<FigureCheck>,
}

/// The pairs of techniques that are confused most.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MostConfused {
    /// The protocol.
    pub protocol: Protocol,
    /// The models whose errors are counted.
    pub models: Vec<String>,
    /// The pairs.
    pub pairs: Vec<ConfusedTechniques>,
}

impl ComparisonResults {
    /// What follows from the figures, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (model, scores) in self.models.iter().zip(&self.scores) {
            let (title, f1) = (model.evaluation.title(), scores.f1.macro_);
            found.push(format!("{title}: macro F1 {f1}, accuracy {}", scores.accuracy));
            found.extend(PAPER_TABLE_2.iter().map(|row| {
                let place = f1.place_of(row.f1);
                format!("  {}'s published F1, {:.2}, lies {place} the interval", row.model, row.f1)
            }));
        }
        if self.pairs.is_empty() {
            found.push("one model: nothing to compare".to_owned());
        }
        found.extend(self.pairs.iter().map(ToString::to_string));
        found.extend(self.answers.iter().map(ToString::to_string));
        found.extend(self.paper_minus_clean.iter().map(ToString::to_string));
        found.push(self.tokens.to_string());
        found.extend(self.tokenization.iter().map(ToString::to_string));
        let thirds = self.accuracy_by_tokens_per_word.iter();
        found.extend(thirds.map(|(name, thirds)| format!("{name}: {thirds}")));
        found
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, &self.to_json())
    }

    fn to_json(&self) -> Value {
        let models = self.models.iter().zip(&self.scores);
        let ours: BTreeMap<String, Value> = models
            .map(|(model, scores)| (model.evaluation.title(), model_figures(model, scores)))
            .collect();
        let thirds: BTreeMap<&String, &ByThirds> =
            self.accuracy_by_tokens_per_word.iter().map(|(name, thirds)| (name, thirds)).collect();
        json!({
            "published": PAPER_TABLE_2,
            "ours": ours,
            "pairs": self.pairs,
            "answers": self.answers,
            "paper_minus_clean": self.paper_minus_clean,
            "accuracy_by_leakage": self.accuracy_by_leakage,
            "worth_without_relatives": self.worth_without_relatives,
            "recall_spread": self.recall_spread,
            "most_confused": self.most_confused,
            "tokenization": self.tokenization,
            "tokens": self.tokens.found(),
            "tokens_not_checked": self.tokens.not_checked(),
            "tokens_differing": self.tokens.differing(),
            "accuracy_by_tokens_per_word": thirds,
            "verdicts": self.verdicts,
        })
    }
}

fn model_figures(model: &ModelAnswers, scores: &Scores<Estimate>) -> Value {
    let evaluation = &model.evaluation;
    json!({
        "checkpoint": evaluation.checkpoint,
        "protocol": evaluation.protocol,
        "stands_in_for": evaluation.stands_in_for,
        "test_rows": evaluation.test_rows,
        "sentences": model.sentences(),
        "accuracy": scores.accuracy,
        "precision_macro": scores.precision.macro_,
        "recall_macro": scores.recall.macro_,
        "f1_macro": scores.f1.macro_,
        "f2_macro": scores.f2.macro_,
    })
}
