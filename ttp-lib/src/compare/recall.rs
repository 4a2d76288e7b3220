//! Recall by technique, and the techniques that are confused most.

use super::model_answers::{ModelAnswers, under};
use serde::Serialize;
use ttp_metrics::Confusion;
use ttp_text::split::Protocol;

/// How even a model is over the techniques: the "tight diagonal" in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecallSpread {
    /// Techniques with test rows.
    pub techniques: usize,
    /// Mean of their recalls: the macro-averaged recall, but for techniques that are
    /// predicted and have no row.
    pub mean: f64,
    /// Standard deviation of their recalls.
    pub deviation: f64,
    /// The lowest recall.
    pub lowest: f64,
    /// The technique that has it; of several the first.
    pub hardest: String,
    /// Techniques of whose rows less than half are found.
    pub below_half: usize,
}

/// The spread of recall over the techniques of a confusion matrix.
pub fn recall_spread(confusion: &Confusion) -> RecallSpread {
    let mut classes = confusion.per_class();
    classes.retain(|class| class.support > 0);
    let count = classes.len().max(1) as f64;
    let mean = classes.iter().map(|class| class.recall).sum::<f64>() / count;
    let variance = classes.iter().map(|class| (class.recall - mean).powi(2)).sum::<f64>() / count;
    let hardest = classes.iter().min_by(|a, b| a.recall.total_cmp(&b.recall));
    RecallSpread {
        techniques: classes.len(),
        mean,
        deviation: variance.sqrt(),
        lowest: hardest.map_or(0.0, |class| class.recall),
        hardest: hardest.map_or(String::new(), |class| class.label.clone()),
        below_half: classes.iter().filter(|class| class.recall < 0.5).count(),
    }
}

/// Two techniques that models took for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfusedTechniques {
    /// The rows' technique.
    pub truth: String,
    /// The technique they were given.
    pub predicted: String,
    /// How many rows, summed over the models.
    pub count: u64,
    /// The same for each model, in their order.
    pub by_model: Vec<u64>,
    /// A sentence that most of the models take so, the first of several.
    pub example: String,
    /// How many of them do.
    pub example_models: usize,
}

/// The `n` pairs of techniques that the models of a protocol confuse most, summed over
/// the models; the most frequent first, ties by technique.
pub fn most_confused(
    models: &[ModelAnswers],
    protocol: Protocol,
    n: usize,
) -> Vec<ConfusedTechniques> {
    let models: Vec<&ModelAnswers> = under(models, protocol).collect();
    let Some(any) = models.first() else { return Vec::new() };
    let labels = any.evaluation.confusion.labels();
    let mut found = Vec::new();
    for truth in 0..labels.len() {
        for predicted in (0..labels.len()).filter(|predicted| *predicted != truth) {
            let count = |model: &&ModelAnswers| model.evaluation.confusion.count(truth, predicted);
            let by_model: Vec<u64> = models.iter().map(count).collect();
            found.push((by_model.iter().sum::<u64>(), truth, predicted, by_model));
        }
    }
    found.retain(|(count, ..)| *count > 0);
    found.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
    let named = |(count, truth, predicted, by_model): (u64, usize, usize, Vec<u64>)| {
        let (row, example_models) = example(&models, truth, predicted);
        ConfusedTechniques {
            truth: labels[truth].clone(),
            predicted: labels[predicted].clone(),
            count,
            by_model,
            example: any.predictions[row].sample.text.clone(),
            example_models,
        }
    };
    found.into_iter().take(n).map(named).collect()
}

/// The first row of a technique that most models give another, and how many do.
fn example(models: &[&ModelAnswers], truth: usize, predicted: usize) -> (usize, usize) {
    let rows = models.first().map_or(0, |model| model.truth.len());
    let mut best = (0, 0);
    for row in 0..rows {
        let takes_so =
            |model: &&&ModelAnswers| model.truth[row] == truth && model.predicted[row] == predicted;
        let count = models.iter().filter(takes_so).count();
        if count > best.1 {
            best = (row, count);
        }
    }
    best
}
