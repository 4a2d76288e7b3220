//! What a change in the training is worth.

use super::outcome::{Figures, Outcome, common};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ttp_base::Result;
use ttp_lib::profile::{Arm, Run};
use ttp_metrics::{Estimate, Summary};
use ttp_text::split::Protocol;

/// How much higher an arm scores than the base run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Macro-averaged F1: the arm's minus the base run's.
    pub f1_macro: Estimate,
    /// Accuracy, likewise.
    pub accuracy: Estimate,
}

/// What an interval of an arm's difference is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntervalUnit {
    /// Seeds that both were trained with: Student's interval of the mean difference. Nothing in
    /// the frozen encoder is drawn: it is held against the base run of each seed.
    #[serde(rename = "seeds")]
    Seeds,
    /// Test rows of one seed that both were tested on: the paired bootstrap, all rows of a sentence
    /// drawn together.
    #[serde(rename = "test rows")]
    TestRows,
    /// Test rows of one seed, each model's own and resampled on their own.
    #[serde(rename = "test rows, drawn apart")]
    RowsApart,
}

impl IntervalUnit {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seeds => "seeds",
            Self::TestRows => "test rows",
            Self::RowsApart => "test rows, drawn apart",
        }
    }
}

/// What one change in a training is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmEffect {
    /// The arm's score minus the base run's, with its interval.
    pub difference: Change,
    /// Over how many seeds.
    pub n: usize,
    /// What the interval is over.
    pub over: IntervalUnit,
    /// The arm's mean scores on its test rows.
    pub arm: Means,
    /// The base run's mean scores, with the same seeds.
    pub base: Means,
    /// Rows that the arm was trained on.
    pub train_rows: usize,
}

/// Mean scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// Macro-averaged F1.
    pub f1_macro: f64,
    /// Share of rows named right.
    pub accuracy: f64,
}

/// Each arm beside its base runs, by arm and model.
///
/// # Errors
/// If an arm and its base run are not of the same test rows, though they should be.
pub(super) fn arms(run: &Run, outcomes: &[Outcome]) -> Result<BTreeMap<String, ArmEffect>> {
    let mut by_arm: BTreeMap<(Arm, &str), Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        if let Some(arm) = outcome.settings.arm {
            by_arm.entry((arm, outcome.settings.model.as_str())).or_default().push(outcome);
        }
    }
    let mut effects = BTreeMap::new();
    for ((arm, model), runs) in by_arm {
        let is_base = |outcome: &&Outcome| {
            let told = &outcome.settings;
            let is_own = told.arm.is_none() && told.draw.is_none() && told.seed.is_some();
            is_own && told.model == model && told.protocol == Protocol::Clean
        };
        let base: Vec<&Outcome> = outcomes.iter().filter(is_base).collect();
        let both = common(&runs, &base);
        for [own, base] in both.iter().filter(|_| arm.is_paired()) {
            own.refuse_other_rows(base)?;
        }
        if let Some(effect) = effect(run, arm, &both)? {
            effects.insert(format!("{arm}.{model}"), effect);
        }
    }
    Ok(effects)
}

/// An arm beside its base runs; `None` where there is none of these.
fn effect(run: &Run, arm: Arm, both: &[[&Outcome; 2]]) -> Result<Option<ArmEffect>> {
    let Some([first, its_base]) = both.first() else { return Ok(None) };
    let level = run.profile.bootstrap.level;
    let (difference, over) = if both.len() > 1 && arm.is_paired() {
        let change = |figure: fn(&Figures) -> f64| -> Result<Estimate> {
            let [own, base] = [0, 1].map(|which: usize| {
                both.iter().map(|pair| figure(&pair[which].scores)).collect::<Vec<_>>()
            });
            let Summary { mean, low, high, .. } = Summary::paired(&own, &base, level)?.difference;
            Ok(Estimate { value: mean, low, high })
        };
        let (f1_macro, accuracy) = (change(|f| f.f1_macro)?, change(|f| f.accuracy)?);
        (Change { f1_macro, accuracy }, IntervalUnit::Seeds)
    } else {
        let bootstrap = run.bootstrap("sweep arms");
        let groups = [first.sentences(), its_base.sentences()];
        let parts = [first.part(&groups[0]), its_base.part(&groups[1])];
        let (scores, over) = match arm.is_paired() {
            true => (bootstrap.paired(&parts[0], &parts[1])?, IntervalUnit::TestRows),
            false => (bootstrap.unpaired(&parts[0], &parts[1])?, IntervalUnit::RowsApart),
        };
        (Change { f1_macro: scores.f1.macro_, accuracy: scores.accuracy }, over)
    };
    // Of rows drawn apart the interval is of one seed, and so are the means beside it.
    let counted = if over == IntervalUnit::Seeds { both } else { &both[..1] };
    let mean = |which: usize, figure: fn(&Figures) -> f64| {
        counted.iter().map(|pair| figure(&pair[which].scores)).sum::<f64>() / counted.len() as f64
    };
    let means = |which| Means {
        f1_macro: mean(which, |f| f.f1_macro),
        accuracy: mean(which, |f| f.accuracy),
    };
    Ok(Some(ArmEffect {
        difference,
        n: counted.len(),
        over,
        arm: means(0),
        base: means(1),
        train_rows: first.train_rows,
    }))
}
