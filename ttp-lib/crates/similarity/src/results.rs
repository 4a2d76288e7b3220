//! What the experiment on hard negatives leaves behind: the figures of a results file, the
//! sentences that follow from them, and the table of other settings.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::evaluate::{PairIntervals, PairScores};
use super::examples::UnseenExamples;
use super::model_scores::{Contest, ModelScores, TripletSets};
use super::settings::SimilaritySettings;
use super::train::SimilarityHistory;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells, files};
use ttp_metrics::Estimate;

/// The experiment on hard negatives: a file `results/similarity.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimilarityResults {
    /// The models by their names: `baseline`, `basic`, `hard_negatives`.
    #[serde(flatten)]
    pub models: BTreeMap<String, ModelFigures>,
    /// The checkpoint that all of them start from.
    pub checkpoint: String,
    /// What it is; `None` of a checkpoint of one's own.
    pub about: Option<String>,
    /// The settings.
    pub settings: SimilaritySettings,
    /// Sentences of the study.
    pub sentences: usize,
    /// Sentences of the test pairs.
    pub test_sentences: usize,
    /// What mining found.
    pub mining: MiningFigures,
    /// Pairs of our own under each model.
    pub unseen_examples: UnseenExamples,
    /// The differences on the test pairs, under names such as `basic − baseline`.
    pub differences: BTreeMap<String, PairIntervals>,
    /// Other settings.
    pub trials: Vec<TrialFigures>,
}

/// One model on unseen sentences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelFigures {
    /// Its scores on the test pairs.
    #[serde(flatten)]
    pub test: PairScores,
    /// The proportion of test sentences with a similar one among the nearest k training
    /// sentences, by k.
    pub recall_at: BTreeMap<usize, Estimate>,
    /// How training went; `None` of the checkpoint itself.
    pub history: Option<SimilarityHistory>,
    /// Average precision on the validation pairs.
    pub validation_average_precision: f64,
}

impl ModelFigures {
    /// Puts together what was measured of a model.
    pub fn new(
        judged: &ModelScores,
        recall_at: &[(usize, Estimate)],
        history: Option<&SimilarityHistory>,
    ) -> Self {
        Self {
            test: judged.test.clone(),
            recall_at: recall_at.iter().copied().collect(),
            history: history.cloned(),
            validation_average_precision: judged.validation_average_precision,
        }
    }
}

impl ModelFigures {
    /// [`recall_at`](Self::recall_at) of some models, by their names.
    ///
    /// # Errors
    /// If the models have not the same k.
    pub fn recall_table(models: &BTreeMap<String, Self>) -> Result<Table> {
        let ks = models.values().next().into_iter().flat_map(|model| model.recall_at.keys());
        let headers = ks.map(|k| format!("among {k}"));
        let mut table = Table::new(std::iter::once("model".to_owned()).chain(headers));
        for (name, model) in models {
            let recall = model.recall_at.values().map(|recall| Cell::from(*recall));
            table.push(std::iter::once(Cell::from(name)).chain(recall))?;
        }
        Ok(table)
    }
}

/// What mining found, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MiningFigures {
    /// Anchors: training sentences that have a similar one.
    pub anchors: usize,
    /// Negatives found for them.
    pub found: usize,
    /// Triplets to train on.
    pub triplets: usize,
    /// Anchors with fewer negatives than asked for.
    pub short: usize,
    /// Negatives that are nearer to their anchor than all similar sentences.
    pub nearer_than_all_similar: usize,
    /// Candidates that were passed over, by the reason.
    pub skipped: BTreeMap<String, usize>,
}

impl From<&TripletSets> for MiningFigures {
    fn from(sets: &TripletSets) -> Self {
        let skipped = sets.mined.skipped.iter();
        Self {
            anchors: sets.anchors.len(),
            found: sets.mined.found(),
            triplets: sets.hard.len(),
            short: sets.mined.short,
            nearer_than_all_similar: sets.suspects().len(),
            skipped: skipped.map(|(skip, count)| (skip.to_string(), *count)).collect(),
        }
    }
}

/// A basic model and one on hard negatives under one choice of settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialFigures {
    /// The settings.
    pub settings: SimilaritySettings,
    /// Triplets of either model.
    pub triplets: usize,
    /// What settings may be chosen by.
    pub validation_average_precision: BasicAndHard<f64>,
    /// The two on the test pairs.
    #[serde(flatten)]
    pub test: BasicAndHard<PairScores>,
    /// The second minus the first.
    pub hard_negatives_over_basic: PairIntervals,
}

/// Something of the two models that differ in their negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BasicAndHard<T> {
    /// Of the model on random negatives.
    pub basic: T,
    /// Of the model on mined negatives.
    pub hard_negatives: T,
}

impl TrialFigures {
    /// What a contest under these settings came to.
    pub fn new(settings: SimilaritySettings, contest: &Contest) -> Self {
        let Contest { triplets, basic, hard_negatives, gain } = contest;
        Self {
            settings,
            triplets: *triplets,
            validation_average_precision: BasicAndHard {
                basic: basic.validation_average_precision,
                hard_negatives: hard_negatives.validation_average_precision,
            },
            test: BasicAndHard {
                basic: basic.test.clone(),
                hard_negatives: hard_negatives.test.clone(),
            },
            hard_negatives_over_basic: *gain,
        }
    }

    /// Average precision under several settings, a row each.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table<'a>(trials: impl IntoIterator<Item = &'a Self>) -> Result<Table> {
        let mut table = Table::new([
            "settings",
            "triplets",
            "basic, validation",
            "hard, validation",
            "basic, test",
            "hard, test",
            "hard − basic, test",
        ]);
        for one in trials {
            let BasicAndHard { basic, hard_negatives } = one.validation_average_precision;
            table.push(cells![
                one.settings.to_string(),
                one.triplets,
                basic,
                hard_negatives,
                one.test.basic.average_precision,
                one.test.hard_negatives.average_precision,
                one.hard_negatives_over_basic.average_precision.signed()
            ])?;
        }
        Ok(table)
    }
}

impl SimilarityResults {
    /// What follows from the figures, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = vec![
            self.of_step("basic − baseline", "training on labelled pairs", "the checkpoint alone"),
            self.of_step("hard_negatives − basic", "mining hard negatives", "random ones"),
            self.of_trials(),
            self.of_suspects(),
        ];
        findings.extend(self.of_retrieval());
        findings.extend(self.models.iter().map(|(name, model)| match model.test.empty {
            Some(why) => format!("degenerate: {name} {why}, whatever its F1"),
            None => {
                format!("not degenerate: {name} is right more often than always naming one class")
            }
        }));
        findings
    }

    /// Whether one step of the experiment is worth something.
    fn of_step(&self, pair: &str, step: &str, without: &str) -> String {
        let Some(gain) = self.differences.get(pair).map(|gain| gain.average_precision) else {
            return format!("{pair} was not measured");
        };
        let by = format!("average precision on unseen sentences, {pair}: {}", gain.signed());
        match (gain.excludes_zero(), gain.value > 0.0) {
            (true, true) => format!("{by}: {step} is better than {without}, beyond chance"),
            (true, false) => format!("{by}: {step} is worse than {without}, beyond chance"),
            (false, _) => format!(
                "{by}: the interval contains 0, so {step} may be no better and no worse than \
                 {without}"
            ),
        }
    }

    /// Whether the gain of hard negatives hangs on the settings.
    fn of_trials(&self) -> String {
        let gains = self.trials.iter().map(|t| t.hard_negatives_over_basic.average_precision);
        let better = gains.filter(|gain| gain.low > 0.0).count();
        let runs = format!(
            "in {better} of {} short runs hard negatives beat random ones beyond chance",
            self.trials.len()
        );
        match (better, self.trials.len()) {
            (_, 0) => runs,
            (0, _) => format!("{runs}: no choice of loss, margin or number shows that they help"),
            (some, all) if some == all => {
                format!("{runs}: they help under every choice that was tried")
            }
            _ => format!("{runs}: whether they help depends on the settings"),
        }
    }

    fn of_suspects(&self) -> String {
        let MiningFigures { nearer_than_all_similar: suspects, found, .. } = self.mining;
        let said =
            format!("{suspects} of {found} mined negatives are nearer than every similar sentence");
        match suspects {
            0 => format!("{said}: none looks like a false negative"),
            _ => format!("{said}: these may be false negatives, which teach the model an error"),
        }
    }

    /// How often the nearest sentence is a similar one, model by model.
    fn of_retrieval(&self) -> Vec<String> {
        let nearest = |model: &ModelFigures| model.recall_at.get(&1).copied();
        let found = self.models.iter().filter_map(|(name, model)| Some((name, nearest(model)?)));
        found
            .map(|(name, share)| {
                format!("{name}: the nearest sentence is a similar one in {share}")
            })
            .collect()
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}
