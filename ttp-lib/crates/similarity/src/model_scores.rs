//! Models as they were judged, what they were trained on, and how both are shown.

use super::evaluate::{PairIntervals, PairScores};
use super::guard::Warning;
use super::mine::{AnchorPair, MiningResult, Suspect};
use super::train::Triplet;
use std::collections::BTreeMap;
use ttp_base::show::Table;
use ttp_base::{Result, cells};
use ttp_metrics::BinaryCounts;

/// Two models that were trained alike but for their negatives.
#[derive(Debug, Clone, PartialEq)]
pub struct Contest {
    /// Triplets of either; fewer than asked for, where no more were found.
    pub triplets: usize,
    /// With random negatives.
    pub basic: ModelScores,
    /// With mined negatives.
    pub hard_negatives: ModelScores,
    /// The second minus the first, on the test pairs.
    pub gain: PairIntervals,
}

/// A model as it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelScores {
    /// Average precision on the validation pairs: what settings may be chosen by.
    pub validation_average_precision: f64,
    /// The threshold that was fixed on the validation pairs.
    pub threshold: f64,
    /// On the test pairs.
    pub test: PairScores,
    /// The cosine of each test pair.
    pub scores: Vec<f64>,
    /// What a user is told where nearly all validation pairs are called one thing.
    pub warning: Option<Warning>,
}

impl ModelScores {
    /// The scores of some models on the test pairs, by their names, with intervals.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(models: &BTreeMap<String, Self>) -> Result<Table> {
        let headers =
            ["model", "average precision", "ROC AUC", "accuracy", "precision", "recall", "F1"];
        let mut table = Table::new(headers);
        for (name, model) in models {
            let PairIntervals {
                average_precision, roc_auc, accuracy, precision, recall, f1, ..
            } = model.test.intervals;
            table.push(cells![
                name,
                average_precision,
                roc_auc,
                accuracy,
                precision,
                recall,
                f1
            ])?;
        }
        Ok(table)
    }

    /// The confusion matrices of some models, each at its own threshold, and whether each is a
    /// degenerate classifier.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn confusion_table(models: &BTreeMap<String, Self>) -> Result<Table> {
        let headers = ["model", "threshold", "TP", "FN", "FP", "TN", "MCC", "degenerate"];
        let mut table = Table::new(headers)
            .caption("Test pairs at each model's own threshold; positive is similar");
        for (name, model) in models {
            let BinaryCounts { tp, fp, fn_, tn } = model.test.confusion;
            let degenerate = model.test.empty.map_or("no".to_owned(), |why| why.to_string());
            let (threshold, mcc) = (model.test.threshold, model.test.intervals.mcc);
            table.push(cells![name, threshold, tp, fn_, fp, tn, mcc, degenerate])?;
        }
        Ok(table)
    }
}

/// What two models are trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct TripletSets {
    /// With random negatives.
    pub random: Vec<Triplet>,
    /// The same anchors and positives, with mined negatives.
    pub hard: Vec<Triplet>,
    /// What was mined for.
    pub anchors: Vec<AnchorPair>,
    /// What was found, for all of them.
    pub mined: MiningResult,
}

impl TripletSets {
    /// Mined negatives that are nearer to their anchor than every similar sentence, the highest
    /// scores first: they are likely false negatives.
    pub fn suspects(&self) -> Vec<&Suspect> {
        self.mined.suspects.iter().filter(|suspect| suspect.taken).collect()
    }

    /// Why candidates that were near enough became no negatives, and how many.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn skipped_table(&self) -> Result<Table> {
        let mut table = Table::new(["passed over because it is", "candidates"])
            .caption("Candidates nearer than the last that was looked at");
        for (skip, count) in &self.mined.skipped {
            table.push(cells![skip.to_string(), *count])?;
        }
        Ok(table)
    }
}
