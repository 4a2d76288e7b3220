//! Remedies on one ground, each beside a head without any.

use super::adjust::{self, Offsets};
use super::{Head, HeadParams, resample, weights};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use ttp_base::settings::{Range, above};
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result, settings};
use ttp_metrics::{Bootstrap, Estimate, Tally};
use ttp_model::encoder::{TechniqueEncoder, Vectors};
use ttp_model::rows::Rows;

/// Vectors with their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledVectors {
    /// One a row.
    pub vectors: Vectors,
    /// The class of each row.
    pub labels: Vec<usize>,
}

/// What remedies are tried on: the vectors of an encoder that stays as it is, in three parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Heads are trained on these.
    pub train: LabelledVectors,
    /// Thresholds are fitted, and the worst classes chosen, on these.
    pub validation: LabelledVectors,
    /// Reported are these.
    pub test: LabelledVectors,
}

/// Something that is proposed for classes with zero recall.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Remedy {
    /// None: what the others are measured against.
    None,
    /// Rows weigh in the loss by the inverse of their class's number of rows.
    InverseWeights,
    /// Rows weigh by the inverse of their class's effective number of rows.
    EffectiveNumber {
        /// From 0 (all alike) towards 1 (the inverse of the number of rows).
        beta: f64,
    },
    /// Rows of small classes again, until all classes are as large as the largest.
    Oversampling,
    /// Points between neighbours of a small class, until all are as large as the largest.
    Smote {
        /// How many nearest of its class a row is joined to.
        neighbours: usize,
    },
    /// The classes' prior taken off the logits.
    LogitAdjustment {
        /// How much of it: 1 where each class is to count the same.
        tau: f64,
    },
    /// A threshold for each class, fitted to validation rows.
    Thresholds {
        /// Classes with fewer validation rows keep theirs.
        min_rows: usize,
    },
}

impl Remedy {
    /// Of the effective number of rows: a class's hundredth row still tells more than a third of
    /// what its first did. With 0.999, classes of a few hundred rows would weigh nearly by the
    /// inverse of their rows.
    pub const BETA: f64 = 0.99;

    /// All that the family report proposes, and two more, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::InverseWeights,
        Self::EffectiveNumber { beta: Self::BETA },
        Self::Oversampling,
        Self::Smote { neighbours: 5 },
        Self::LogitAdjustment { tau: 1.0 },
        Self::Thresholds { min_rows: 3 },
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::InverseWeights => "inverse_weights",
            Self::EffectiveNumber { .. } => "effective_number",
            Self::Oversampling => "oversampling",
            Self::Smote { .. } => "smote",
            Self::LogitAdjustment { .. } => "logit_adjustment",
            Self::Thresholds { .. } => "thresholds",
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::InverseWeights => f.write_str("class weights, inverse"),
            Self::EffectiveNumber { beta } => {
                write!(f, "class weights, effective number (β {beta})")
            }
            Self::Oversampling => f.write_str("oversampling"),
            Self::Smote { neighbours } => write!(f, "SMOTE ({neighbours} neighbours)"),
            Self::LogitAdjustment { tau } => write!(f, "logit adjustment (τ {tau})"),
            Self::Thresholds { min_rows } => {
                write!(f, "thresholds of classes with {min_rows} validation rows")
            }
        }
    }
}

/// The sizes of the remedies' study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemedySettings {
    /// The checkpoint whose fine-tuned encoder gives the vectors; the profile's first where
    /// absent.
    pub checkpoint: Option<String>,
    /// Shares of the untrimmed corpus. Validation and test have more than elsewhere: of most
    /// techniques there are but a few rows.
    pub shares: ttp_text::split::Shares,
    /// How heads are trained.
    pub head: HeadParams,
}

impl Default for RemedySettings {
    fn default() -> Self {
        let shares = ttp_text::split::Shares { train: 0.7, validation: 0.15, test: 0.15 };
        Self { checkpoint: None, shares, head: HeadParams::default() }
    }
}

/// Some rows must be there to judge by.
const JUDGING: Range = above(0.0).or("0: no row to judge by");

settings!(
    RemedySettings, "remedies", { shares, head }, free { checkpoint },
    with { shares.validation: JUDGING, shares.test: JUDGING }
);

/// A figure before and after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// With the remedy.
    pub value: Estimate,
    /// What the remedy adds, on the same test rows.
    pub gain: Estimate,
}

/// What a remedy came to on the test rows, beside the head without any.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemedyOutcome {
    /// What was tried, in words.
    pub what: String,
    /// The class that each test row was given.
    #[serde(skip)]
    pub predicted: Vec<usize>,
    /// Macro F1 on the validation rows; of thresholds, on the rows they were fitted to.
    pub validation_f1_macro: f64,
    /// Macro-averaged F1.
    pub f1_macro: Change,
    /// Share of the rows that are named right.
    pub accuracy: Change,
    /// Share of the worst classes' rows that are found.
    pub worst_recall: Change,
    /// The same of all other rows: what it cost them.
    pub others_recall: Change,
    /// Classes of which some test row is found.
    pub classes_found: usize,
    /// Classes with test rows of which none is found.
    pub zero_recall: Vec<String>,
}

/// What is measured on some rows, of anything that names a class for each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge {
    classes: Vec<String>,
    validation: Vec<usize>,
    test: Vec<usize>,
    worst: Vec<usize>,
    before: Vec<usize>,
    bootstrap: Bootstrap,
}

impl Judge {
    /// Measures against decisions without a remedy: `before` holds those of the validation rows
    /// and of the test rows, `truth` what is right.
    ///
    /// The worst classes are those that have a validation row of which none is found: they are
    /// chosen there, so that the test rows have no part in it. Where all are found, the tenth of
    /// the classes that is found least, at least one.
    ///
    /// # Errors
    /// If decisions and truth are not of the same rows, or one is beyond the classes.
    pub fn new(
        classes: &[String],
        truth: [&[usize]; 2],
        before: [&[usize]; 2],
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let count = classes.len();
        let tally = tally(truth[0], before[0], count)?;
        self::tally(truth[1], before[1], count)?;
        let recall = |class: usize| tally.correct[class] as f64 / tally.support[class] as f64;
        let mut there: Vec<usize> = (0..count).filter(|&class| tally.support[class] > 0).collect();
        let never: Vec<usize> =
            there.iter().copied().filter(|&class| tally.correct[class] == 0).collect();
        let worst = if never.is_empty() {
            there.sort_by(|&a, &b| recall(a).total_cmp(&recall(b)).then(a.cmp(&b)));
            there.truncate(there.len().div_ceil(10));
            there.sort_unstable();
            there
        } else {
            never
        };
        Ok(Self {
            classes: classes.to_vec(),
            validation: truth[0].to_vec(),
            test: truth[1].to_vec(),
            worst,
            before: before[1].to_vec(),
            bootstrap,
        })
    }

    /// The worst classes, by their indices.
    pub fn worst(&self) -> &[usize] {
        &self.worst
    }

    /// Test rows of the worst classes.
    pub fn worst_rows(&self) -> usize {
        self.test.iter().filter(|label| self.worst.contains(label)).count()
    }

    /// Measures decisions on the validation rows and on the test rows: what they add to those
    /// without a remedy, with the interval of the difference on the same resamples.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn outcome(
        &self,
        what: &str,
        validation: &[usize],
        predicted: Vec<usize>,
    ) -> Result<RemedyOutcome> {
        let Self { test: truth, before, bootstrap, .. } = self;
        let classes = self.classes.len();
        let is_worst: Vec<bool> = (0..classes).map(|class| self.worst.contains(&class)).collect();
        let recall_of = |wanted: bool| {
            let is_worst = &is_worst;
            move |tally: &Tally| {
                let of = |counts: &[u64]| -> u64 {
                    let chosen = counts.iter().zip(is_worst).filter(|(_, w)| **w == wanted);
                    chosen.map(|(count, _)| count).sum()
                };
                let support = of(&tally.support);
                if support == 0 { 0.0 } else { of(&tally.correct) as f64 / support as f64 }
            }
        };
        let tally = tally(truth, &predicted, classes)?;
        let change = |metric: &(dyn Fn(&Tally) -> f64 + Sync)| -> Result<Change> {
            let value = bootstrap.estimate(classes, truth, &predicted, metric)?;
            let gain = bootstrap.difference(classes, truth, &predicted, before, metric)?;
            Ok(Change { value, gain })
        };
        let never = (0..classes).filter(|&c| tally.support[c] > 0 && tally.correct[c] == 0);
        let on_validation = self::tally(&self.validation, validation, classes)?;
        Ok(RemedyOutcome {
            what: what.to_owned(),
            validation_f1_macro: on_validation.f1().macro_,
            f1_macro: change(&|tally: &Tally| tally.f1().macro_)?,
            accuracy: change(&Tally::accuracy)?,
            worst_recall: change(&recall_of(true))?,
            others_recall: change(&recall_of(false))?,
            classes_found: tally.correct.iter().filter(|correct| **correct > 0).count(),
            zero_recall: never.map(|class| self.classes[class].clone()).collect(),
            predicted,
        })
    }
}

impl Ground {
    /// The vectors that a fine-tuned encoder's own last layer reads, of rows in three parts.
    /// `watch` is told after each batch how many rows it had.
    ///
    /// # Errors
    /// If a batch cannot be run.
    pub fn of_encoder(
        encoder: &TechniqueEncoder,
        parts: [&Rows; 3],
        watch: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let mut labelled = |rows: &Rows| -> Result<LabelledVectors> {
            let vectors = encoder.features(&rows.tokenised, rows.padding_id, watch)?;
            Ok(LabelledVectors { vectors, labels: rows.labels.clone() })
        };
        let [train, validation, test] = parts;
        Ok(Self {
            classes: encoder.labels().to_vec(),
            train: labelled(train)?,
            validation: labelled(validation)?,
            test: labelled(test)?,
        })
    }

    /// Checks that parts and classes fit together.
    ///
    /// # Errors
    /// If a part has no row, another number of labels than vectors or of dimensions than the
    /// others, or a label beyond the classes.
    pub fn check(&self) -> Result<()> {
        let wrong = |field, reason| Err(Error::Setting { field, reason });
        for (field, part) in
            [("train", &self.train), ("validation", &self.validation), ("test", &self.test)]
        {
            if part.labels.is_empty() {
                return wrong(field, "there is no row".to_owned());
            }
            if part.labels.len() != part.vectors.len() {
                let (labels, vectors) = (part.labels.len(), part.vectors.len());
                return wrong(field, format!("{labels} labels for {vectors} vectors"));
            }
            if part.vectors.dimensions() != self.train.vectors.dimensions() {
                let (own, other) = (part.vectors.dimensions(), self.train.vectors.dimensions());
                return wrong(field, format!("{own} dimensions, and training has {other}"));
            }
            if let Some(label) = part.labels.iter().find(|label| **label >= self.classes.len()) {
                return wrong(field, format!("class {label}, of {} classes", self.classes.len()));
            }
        }
        Ok(())
    }

    /// Training rows of each class.
    pub fn train_counts(&self) -> Vec<usize> {
        counts(&self.train.labels, self.classes.len())
    }

    /// Trains a head with a remedy and gives the scores (logarithms of probabilities, shifted
    /// by what the remedy adds) of validation and test rows.
    ///
    /// # Errors
    /// If parts and classes do not fit together, or a setting makes no sense.
    pub fn scores(&self, remedy: Remedy, head: &HeadParams, seed: u64) -> Result<RowScores> {
        self.check()?;
        let classes = self.classes.len();
        let counts = self.train_counts();
        let LabelledVectors { vectors, labels } = &self.train;
        let all: Vec<usize> = (0..labels.len()).collect();
        let train = |weights: Option<Vec<f64>>, rows: &[usize]| {
            Head::train(vectors, labels, rows, classes, weights.as_deref(), head, seed)
        };
        let mut rows_made = [0, 0];
        let trained = match remedy {
            Remedy::InverseWeights => train(Some(weights::inverse(&counts)), &all)?,
            Remedy::EffectiveNumber { beta } => {
                train(Some(weights::effective_number(&counts, beta)?), &all)?
            }
            Remedy::Oversampling => {
                let rows = resample::oversampled(labels, seed);
                rows_made[1] = rows.len() - all.len();
                train(None, &rows)?
            }
            Remedy::Smote { neighbours } => {
                let made = resample::smote(vectors, labels, neighbours, seed)?;
                rows_made = [made.between, made.copies];
                let rows: Vec<usize> = (0..made.labels.len()).collect();
                Head::train(&made.vectors, &made.labels, &rows, classes, None, head, seed)?
            }
            Remedy::None | Remedy::LogitAdjustment { .. } | Remedy::Thresholds { .. } => {
                train(None, &all)?
            }
        };
        let of = |part: &LabelledVectors| Ok(log_softmax(&trained.logits(&part.vectors)?, classes));
        let (mut validation, mut test) = (of(&self.validation)?, of(&self.test)?);
        match remedy {
            Remedy::LogitAdjustment { tau } => {
                validation = adjust::logit_adjusted(&validation, &counts, tau)?;
                test = adjust::logit_adjusted(&test, &counts, tau)?;
            }
            Remedy::Thresholds { min_rows } => {
                // A factor of 150 either way: beyond it a class would swallow all, or be gone.
                let truth = &self.validation.labels;
                let offsets = Offsets::fit(&validation, truth, classes, min_rows, 5.0)?;
                (validation, test) = (offsets.apply(&validation), offsets.apply(&test));
            }
            _ => {}
        }
        Ok(RowScores { classes, validation, test, rows_made })
    }

    /// Tries each remedy and measures it beside a head without any. `watch` is told of each
    /// remedy before its turn.
    ///
    /// # Errors
    /// If parts and classes do not fit together, or a setting makes no sense.
    pub fn try_all(
        &self,
        remedies: &[Remedy],
        head: &HeadParams,
        (seed, bootstrap): (u64, Bootstrap),
        watch: &mut dyn FnMut(&Remedy),
    ) -> Result<Trials> {
        let plain = self.scores(Remedy::None, head, seed)?;
        let truth = [&self.validation.labels[..], &self.test.labels];
        let before = plain.decisions();
        let judge = Judge::new(&self.classes, truth, [&before[0], &before[1]], bootstrap)?;
        let mut outcomes = Vec::new();
        for &remedy in remedies {
            watch(&remedy);
            let [validation, test] = match remedy {
                Remedy::None => before.clone(),
                _ => self.scores(remedy, head, seed)?.decisions(),
            };
            outcomes.push(judge.outcome(&remedy.to_string(), &validation, test)?);
        }
        Ok(Trials { judge, outcomes })
    }
}

/// All remedies that were tried, each beside a head without any.
#[derive(Debug, Clone)]
pub struct Trials {
    /// What they were measured by.
    pub judge: Judge,
    /// Each remedy, in the order asked for.
    pub outcomes: Vec<RemedyOutcome>,
}

impl Trials {
    /// The worst classes, by name.
    pub fn worst(&self) -> Vec<String> {
        self.judge.worst.iter().map(|&class| self.judge.classes[class].clone()).collect()
    }

    /// What each remedy changes beside the first one, which is none: a line for each, and one for
    /// the remedy that the validation rows would choose.
    pub fn findings(&self) -> String {
        let changes = self.outcomes.get(1..).unwrap_or_default();
        let mut lines: Vec<String> = changes.iter().map(RemedyOutcome::finding).collect();
        let by_validation = |a: &&RemedyOutcome, b: &&RemedyOutcome| {
            a.validation_f1_macro.total_cmp(&b.validation_f1_macro)
        };
        lines.extend(changes.iter().max_by(by_validation).map(|best| {
            format!(
                "by validation one would take: {}; on the test rows it adds {} of macro F1",
                best.what,
                best.f1_macro.gain.signed()
            )
        }));
        lines.join("\n")
    }
}

impl RemedyOutcome {
    /// What it does for the worst classes, and what the others pay.
    fn finding(&self) -> String {
        let gain = self.worst_recall.gain;
        let verdict = match (gain.excludes_zero(), gain.value > 0.0) {
            (true, true) => "finds more of the worst",
            (true, false) => "finds fewer of the worst",
            (false, _) => "not more than chance for the worst",
        };
        let others = self.others_recall.gain;
        let cost = match others.excludes_zero() {
            true => format!("the others change by {}", others.signed()),
            false => "the others change by no more than chance".to_owned(),
        };
        format!("{}: {verdict}, {}; {cost}", self.what, gain.signed())
    }

    /// Remedies beside each other: macro F1, which share of the worst classes' rows and of all
    /// others' is found, each with what the remedy adds, and how many classes have zero recall.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(outcomes: &[Self]) -> Result<Table> {
        let mut table = Table::new([
            "method",
            "macro F1",
            "gain",
            "of the worst found",
            "of the others found",
            "zero recall",
        ]);
        for one in outcomes {
            // Nothing against itself: there is no chance in it.
            let is_before = |change: &Change| change.gain.low == 0.0 && change.gain.high == 0.0;
            let gain = |change: &Change| match is_before(change) {
                true => format!("{:.3}", change.value.value),
                false => format!("{:.3}, {}", change.value.value, change.gain.signed()),
            };
            let f1_gain = match is_before(&one.f1_macro) {
                true => Cell::Empty,
                false => one.f1_macro.gain.signed().into(),
            };
            table.push([
                Cell::from(one.what.as_str()),
                one.f1_macro.value.into(),
                f1_gain,
                gain(&one.worst_recall).into(),
                gain(&one.others_recall).into(),
                one.zero_recall.len().into(),
            ])?;
        }
        Ok(table)
    }
}

/// The scores of validation and test rows, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowScores {
    classes: usize,
    /// Of validation rows.
    pub validation: Vec<f64>,
    /// Of test rows.
    pub test: Vec<f64>,
    /// Rows made between neighbours, and rows copied.
    pub rows_made: [usize; 2],
}

impl RowScores {
    /// The class with the highest score, of each validation row and of each test row.
    pub fn decisions(&self) -> [Vec<usize>; 2] {
        [&self.validation, &self.test].map(|scores| adjust::highest(scores, self.classes))
    }
}

fn counts(labels: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    counts
}

fn tally(truth: &[usize], predicted: &[usize], classes: usize) -> Result<Tally> {
    let labels = (0..classes).map(|class| class.to_string());
    Ok(ttp_metrics::Confusion::from_indices(labels, truth, predicted)?.tally())
}

/// The logarithms of the probabilities that logits stand for.
fn log_softmax(logits: &[f64], classes: usize) -> Vec<f64> {
    let rows = logits.chunks_exact(classes.max(1)).flat_map(|row| {
        let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|logit| (logit - highest).exp()).sum();
        row.iter().map(move |logit| logit - highest - sum.ln())
    });
    rows.collect()
}
