//! Models beside each other, as tables.

use super::model_answers::ModelAnswers;
use super::recall::ConfusedTechniques;
use super::thirds::ByThirds;
use crate::evaluate::{PAPER_TABLE_2, PartScores, Prediction};
use std::collections::BTreeMap;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_metrics::{Estimate, Scores};

/// The paper's table 2, and the scores of models here.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn scores_table(models: &[ModelAnswers], scores: &[Scores<Estimate>]) -> Result<Table> {
    let mut table =
        Table::new(["model", "protocol", "accuracy", "precision", "recall", "F1", "F2"])
            .caption("The paper's table 2, and ours (macro averages)");
    for row in PAPER_TABLE_2 {
        let published = [row.accuracy, row.precision, row.recall, row.f1, row.f2];
        let name: [Cell; 2] = cells![format!("{} (published)", row.model), "paper"];
        table.push(name.into_iter().chain(published.map(|figure| Cell::number(figure, 2))))?;
    }
    for (model, s) in models.iter().zip(scores) {
        let (name, protocol) = (model.evaluation.label(), model.protocol().name());
        let [precision, recall, f1, f2] =
            [s.precision.macro_, s.recall.macro_, s.f1.macro_, s.f2.macro_];
        table.push(cells![name, protocol, s.accuracy, precision, recall, f1, f2])?;
    }
    Ok(table)
}

/// Each model's scores on the test rows that have a relative in training, and on the others;
/// `worth` is what the paper's accuracy would be worth on these.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn leakage_table(
    parts: &BTreeMap<String, Vec<PartScores>>,
    worth: &BTreeMap<String, Estimate>,
    models: &[ModelAnswers],
) -> Result<Table> {
    let mut table = Table::new([
        "model",
        "relative in training",
        "test rows",
        "share",
        "accuracy",
        "macro F1",
        "0.90 would be worth",
    ]);
    for title in models.iter().map(|model| model.evaluation.title()) {
        for part in parts.get(&title).into_iter().flatten() {
            let seen = if part.seen_in_training { "yes" } else { "no" };
            let worth = worth.get(&title).copied().filter(|_| !part.seen_in_training);
            let (rows, share) = (part.rows, Cell::share(part.share.value));
            table.push(cells![&title, seen, rows, share, part.accuracy, part.f1_macro, worth])?;
        }
    }
    Ok(table)
}

/// The techniques that are confused most, a column for each of `models`; `names` are the
/// techniques' by id.
///
/// # Errors
/// If a pair has not a count of each model.
pub fn confused_table(
    confused: &[ConfusedTechniques],
    models: &[String],
    names: &BTreeMap<String, String>,
) -> Result<Table> {
    let headers = ["truth", "predicted", "times"].into_iter();
    let models = models.iter().map(String::as_str);
    let mut table = Table::new(headers.chain(models).chain(["one such sentence"]));
    let name = |id: &String| format!("{id} {}", names.get(id).map_or("", String::as_str));
    for pair in confused {
        let mut row: Vec<Cell> =
            cells![name(&pair.truth), name(&pair.predicted), pair.count].into();
        row.extend(pair.by_model.iter().map(|count| Cell::from(*count)));
        row.push(Cell::from(&pair.example));
        table.push(row)?;
    }
    Ok(table)
}

/// Accuracy by thirds of the tokens that a word becomes, of each model.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn thirds_table(thirds: &[(String, ByThirds)]) -> Result<Table> {
    let mut table = Table::new(["model", "tokens a word", "test rows", "accuracy"]);
    for (name, found) in thirds {
        for third in &found.thirds {
            let range = format!("{:.2} to {:.2}", third.from, third.to);
            table.push(cells![name, range, third.rows, third.accuracy])?;
        }
        let difference: Cell = found.highest_minus_lowest.into();
        table.push(cells![name, "highest − lowest", Cell::Empty, difference])?;
    }
    Ok(table)
}

/// How often a model is right, by the probability that it gives its answers.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn confidence_table(model: &ModelAnswers) -> Result<Table> {
    let headers = ["probability of the answer", "rows", "mean probability", "accuracy"];
    let mut table = Table::new(headers).caption(model.evaluation.title());
    for (low, high) in [(0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)] {
        let within = |p: &&Prediction| (low..high).contains(&f64::from(p.probability));
        let part: Vec<&Prediction> = model.predictions.iter().filter(within).collect();
        let right = part.iter().filter(|p| p.sample.technique == p.predicted).count();
        let total: f64 = part.iter().map(|p| f64::from(p.probability)).sum();
        let mean = |sum: f64| (!part.is_empty()).then(|| sum / part.len() as f64);
        let range = format!("{low:.2} to {:.2}", f64::min(high, 1.0));
        table.push(cells![range, part.len(), mean(total), mean(right as f64)])?;
    }
    Ok(table)
}
