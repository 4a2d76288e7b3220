//! The encoder trained anew: one thing changed at a time, several seeds, scores with intervals.

use super::Annotations;
use super::encoder::{NetmlEncoder, Parts};
use super::files::NetmlFiles;
use super::flows::NetmlFlows;
use super::forest::{FlowForest, ForestSettings};
use super::lines::MissingColumns;
use super::train::{LabelledFlows, NetmlParams, NetmlTraining, Sampling, Weighting};
use crate::family::plane::PICTURE_ROWS;
use crate::family::{Standardiser, TsneSettings};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use ttp_base::settings::{Range, at_least};
use ttp_base::show::Table;
use ttp_base::{Result, settings};
use ttp_metrics::{Bootstrap, Confusion, Estimate, Groups, Part, Summary, Tally};
use ttp_model::engine::{self, Epoch};

/// Whose labels a model is trained on and judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelSource {
    /// The organisers' annotations.
    Annotations,
    /// The organisers' random forest's labels: a model trained so is a student of the forest, and
    /// its scores are how well it repeats the forest.
    Forest,
}

impl LabelSource {
    /// For a caption.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Annotations => "by the organisers' own labels",
            Self::Forest => {
                "a student of the organisers' forest: scores say how well it repeats it"
            }
        }
    }
}

/// One way to train, by what differs from plain cross-entropy on counts and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// Cross-entropy.
    CrossEntropy,
    /// The summary's recipe: focal loss.
    Focal,
    /// Cross-entropy, classes weighted inversely to their rows.
    ClassWeights,
    /// Cross-entropy, every class drawn as often as any other.
    Balanced,
    /// Cross-entropy, the numbers alone: no LSTM.
    Numbers,
    /// Cross-entropy, the counts alone.
    Counts,
    /// No encoder: a random forest.
    RandomForest,
}

impl Trial {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CrossEntropy,
        Self::Focal,
        Self::ClassWeights,
        Self::Balanced,
        Self::Numbers,
        Self::Counts,
        Self::RandomForest,
    ];

    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::Focal => "focal loss (the summary's)",
            Self::ClassWeights => "cross-entropy, class weights",
            Self::Balanced => "cross-entropy, balanced sampling",
            Self::Numbers => "cross-entropy, numbers alone",
            Self::Counts => "cross-entropy, counts alone",
            Self::RandomForest => "random forest",
        }
    }

    /// What it reads, and its settings from those given.
    fn set(self, params: &NetmlParams) -> (Parts, NetmlParams) {
        let mut params = NetmlParams { gamma: 0.0, ..params.clone() };
        let mut parts = Parts::Both;
        match self {
            Self::CrossEntropy | Self::RandomForest => {}
            Self::Focal => params.gamma = 2.0,
            Self::ClassWeights => params.weighting = Weighting::Inverse,
            Self::Balanced => params.sampling = Sampling::Balanced,
            Self::Numbers => parts = Parts::Numbers,
            Self::Counts => parts = Parts::Counts,
        }
        (parts, params)
    }
}

/// The sizes and settings of the study of the families in a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetmlSettings {
    /// Training flows, the same share of every class; all where absent.
    pub flows: Option<usize>,
    /// Test flows, likewise.
    pub test_flows: Option<usize>,
    /// Trainings of each trial, each with a seed of its own.
    pub seeds: usize,
    /// What is tried.
    pub trials: Vec<Trial>,
    /// How the encoder is trained.
    pub training: NetmlParams,
    /// How the forest is grown.
    pub forest: ForestSettings,
    /// Flows of the pictures of the embedding.
    pub picture_rows: usize,
    /// How they are laid out in the plane.
    pub tsne: TsneSettings,
}

impl Default for NetmlSettings {
    /// What a notebook has time for: an eighth of the flows, few epochs.
    fn default() -> Self {
        Self {
            flows: Some(6_000),
            test_flows: Some(12_000),
            seeds: 1,
            trials: vec![
                Trial::Focal,
                Trial::CrossEntropy,
                Trial::Balanced,
                Trial::Numbers,
                Trial::RandomForest,
            ],
            training: NetmlParams { epochs: 6, ..NetmlParams::default() },
            forest: ForestSettings::default(),
            picture_rows: 1_500,
            tsne: TsneSettings { epochs: 500, ..TsneSettings::default() },
        }
    }
}

/// Flows of a study; they are parted, and each class is in each part.
const FLOWS: Range = at_least(100.0).or("fewer than 100 train and judge nothing");

settings!(NetmlSettings, "families", {
    flows: FLOWS,
    test_flows: FLOWS,
    seeds: at_least(1.0).or("0: take 1 at least"),
    training,
    forest,
    picture_rows: PICTURE_ROWS,
    tsne,
}, free { trials });

/// Flows with labels, parted for training, validation and test.
pub struct NetmlStudy {
    /// The classes' names.
    pub classes: Vec<String>,
    /// Whose labels they are.
    pub against: LabelSource,
    /// What standardises numbers: training's mean and deviation.
    pub by: Standardiser,
    /// Training lines that lacked a series.
    pub lacking: usize,
    training: (NetmlFlows, Vec<usize>),
    validation: (NetmlFlows, Vec<usize>),
    test: (NetmlFlows, Vec<usize>),
}

impl NetmlStudy {
    /// Reads the flows. Where the organisers' training set is at hand it is parted into 7 tenths for
    /// training, 1 for validation and 2 for test, with their annotations. Otherwise training and
    /// validation (8 and 2 tenths) are the standard set with the forest's labels, and the test is
    /// the challenge set with the forest's. Every class is parted alike.
    ///
    /// # Errors
    /// If a file cannot be read or is not what it should be.
    pub fn open(files: &NetmlFiles, settings: &NetmlSettings, seed: u64) -> Result<Self> {
        settings.check()?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (classes, against, lacking, training, validation, test) = match &files.training {
            Some(training) => {
                let flows = NetmlFlows::read(training, MissingColumns::Zeros)?;
                let annotations = Annotations::read(&files.annotations)?;
                let labels = annotations.classes_of(&flows)?;
                let [train, validation, test] = part(&labels, [0.7, 0.1, 0.2], &mut random);
                let of = |rows: &[usize]| taken(&flows, &labels, rows);
                let classes = annotations.classes().to_vec();
                let parts = (of(&train), of(&validation), of(&test));
                (classes, LabelSource::Annotations, flows.lacking(), parts.0, parts.1, parts.2)
            }
            None => {
                let classes = Annotations::read(&files.annotations)?.classes().to_vec();
                let flows = NetmlFlows::read(&files.standard, MissingColumns::Refused)?;
                let forest = Annotations::read(&files.forest_standard)?;
                let labels = forest.classes_within(&flows, &classes)?;
                let [train, validation, _] = part(&labels, [0.8, 0.2, 0.0], &mut random);
                let test = NetmlFlows::read(&files.challenge, MissingColumns::Refused)?;
                let forest = Annotations::read(&files.forest_challenge)?;
                let test_labels = forest.classes_within(&test, &classes)?;
                let of = |rows: &[usize]| taken(&flows, &labels, rows);
                let parts = (of(&train), of(&validation), (test, test_labels));
                (classes, LabelSource::Forest, 0, parts.0, parts.1, parts.2)
            }
        };
        // Validation keeps its proportion to training.
        let kept = settings.flows.map(|flows| flows as f64 / training.1.len() as f64);
        let of_validation = kept.map(|kept| (kept * validation.1.len() as f64) as usize);
        let training = sampled(training, settings.flows, &mut random);
        let validation = sampled(validation, of_validation, &mut random);
        let test = sampled(test, settings.test_flows, &mut random);
        let by = training.0.standardiser()?;
        Ok(Self { classes, against, by, lacking, training, validation, test })
    }

    /// Training, validation and test flows.
    pub fn sizes(&self) -> [usize; 3] {
        [&self.training, &self.validation, &self.test].map(|part| part.1.len())
    }

    /// Trains or grows so often, with as many seeds, and judges each on the test flows. `watch` is
    /// told what is begun, and each epoch.
    ///
    /// # Errors
    /// If a setting makes no sense or the loss is no longer a number.
    pub fn run(
        &self,
        trial: Trial,
        settings: &NetmlSettings,
        chance: (u64, Bootstrap),
        watch: &mut dyn FnMut(&str, Option<&Epoch>),
    ) -> Result<TrialOutcome> {
        let (seed, bootstrap) = chance;
        let mut runs = Vec::new();
        let (mut truth, mut predicted, mut flow) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..settings.seeds as u64 {
            let seed = seed.wrapping_add(number);
            let name = format!("{}, seed {}", trial.describe(), number + 1);
            watch(&name, None);
            let began = std::time::Instant::now();
            let (said, epochs, best_epoch) = match trial {
                Trial::RandomForest => {
                    let (flows, labels) = &self.training;
                    let classes = self.classes.len();
                    let forest = FlowForest::fit(flows, labels, classes, &settings.forest, seed)?;
                    (forest.predict(&self.test.0)?, 0, 0)
                }
                _ => {
                    let (parts, params) = trial.set(&settings.training);
                    let classes = self.classes.clone();
                    let encoder = NetmlEncoder::new(classes, parts, engine::device(), seed)?;
                    let training = NetmlTraining { params: &params, seed };
                    let history = training.run(
                        &encoder,
                        &self.by,
                        LabelledFlows { flows: &self.training.0, labels: &self.training.1 },
                        LabelledFlows { flows: &self.validation.0, labels: &self.validation.1 },
                        &mut |epoch| watch(&name, Some(epoch)),
                    )?;
                    let said = encoder.encode(&self.test.0, &self.by)?.best();
                    (said, history.epochs.len(), history.best_epoch)
                }
            };
            let names = self.classes.clone();
            let scores = Confusion::from_indices(names, &self.test.1, &said)?.scores();
            runs.push(TrialRun {
                seed,
                macro_f1: scores.f1.macro_,
                accuracy: scores.accuracy,
                epochs,
                best_epoch,
                seconds: began.elapsed().as_secs_f64(),
            });
            truth.extend_from_slice(&self.test.1);
            predicted.extend(said);
            flow.extend(0..self.test.1.len());
        }
        let groups = Groups::by(&flow);
        let classes = self.classes.len();
        let part = Part { classes, truth: &truth, predicted: &predicted, groups: &groups };
        let of_class = |class: usize| -> Result<ClassF1> {
            let support = self.test.1.iter().filter(|other| **other == class).count();
            let f1 = |tally: &Tally| tally.class(class, "").map_or(0.0, |scores| scores.f1);
            let f1 = bootstrap.estimate_of(&part, f1)?;
            Ok(ClassF1 { class: self.classes[class].clone(), support, f1 })
        };
        let per_class: Result<Vec<ClassF1>> = (0..classes).map(of_class).collect();
        Ok(TrialOutcome {
            trial,
            against: self.against,
            macro_f1: over_seeds(runs.iter().map(|run| run.macro_f1))?,
            accuracy: over_seeds(runs.iter().map(|run| run.accuracy))?,
            runs,
            per_class: per_class?,
        })
    }
}

impl fmt::Display for NetmlStudy {
    /// How many flows, and by whose labels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [train, validation, test] = self.sizes();
        writeln!(f, "{train} training, {validation} validation, {test} test flows")?;
        f.write_str(self.against.describe())
    }
}

/// One training and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRun {
    /// Its seed.
    pub seed: u64,
    /// On the test flows.
    pub macro_f1: f64,
    /// On the test flows.
    pub accuracy: f64,
    /// Epochs until its end; 0 of a forest.
    pub epochs: usize,
    /// The epoch that was kept.
    pub best_epoch: usize,
    /// Training and test.
    pub seconds: f64,
}

/// F1 of one class over the test flows of all seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassF1 {
    /// The class.
    pub class: String,
    /// Test flows of it.
    pub support: usize,
    /// Counted over all seeds' predictions; the interval draws flows, each with the predictions of
    /// all seeds.
    pub f1: Estimate,
}

/// A trial over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialOutcome {
    /// What was tried.
    pub trial: Trial,
    /// Whose labels were learned and judged by.
    pub against: LabelSource,
    /// The mean over seeds, with Student's 95 % interval of such a mean; of one seed its own value.
    pub macro_f1: Estimate,
    /// Likewise.
    pub accuracy: Estimate,
    /// Seed by seed.
    pub runs: Vec<TrialRun>,
    /// Class by class.
    pub per_class: Vec<ClassF1>,
}

impl TrialOutcome {
    /// Trials beside each other.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(tried: &[Self]) -> Result<Table> {
        let mut table = Table::new(["trial", "seeds", "macro F1", "accuracy", "seconds"]);
        for one in tried {
            let seconds: f64 = one.runs.iter().map(|run| run.seconds).sum();
            table.push(ttp_base::cells![
                one.trial.describe(),
                one.runs.len(),
                one.shown(one.macro_f1),
                one.shown(one.accuracy),
                format!("{seconds:.0}")
            ])?;
        }
        Ok(table)
    }

    /// A score over the seeds: with its interval where there is more than one.
    fn shown(&self, score: Estimate) -> String {
        match self.runs.len() {
            1 => format!("{:.3}", score.value),
            _ => score.to_string(),
        }
    }

    /// F1 class by class, a column for each trial.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn class_table(tried: &[Self]) -> Result<Table> {
        let mut header = vec!["family".to_owned(), "test flows".to_owned()];
        header.extend(tried.iter().map(|one| one.trial.describe().to_owned()));
        let mut table = Table::new(header);
        let classes = tried.first().map_or(&[][..], |one| &one.per_class);
        for (at, class) in classes.iter().enumerate() {
            let mut row: Vec<ttp_base::show::Cell> =
                vec![class.class.as_str().into(), class.support.into()];
            row.extend(tried.iter().filter_map(|one| Some(one.per_class.get(at)?.f1.into())));
            table.push(row)?;
        }
        Ok(table)
    }
}

impl fmt::Display for TrialOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (macro_f1, accuracy) = (self.shown(self.macro_f1), self.shown(self.accuracy));
        write!(f, "{}: macro F1 {macro_f1}, accuracy {accuracy}", self.trial.describe())?;
        if self.runs.len() == 1 { f.write_str(" (one seed)") } else { Ok(()) }
    }
}

/// Mean with Student's 95 % interval; of one value that value.
fn over_seeds(values: impl Iterator<Item = f64>) -> Result<Estimate> {
    let values: Vec<f64> = values.collect();
    if let [value] = values[..] {
        return Ok(Estimate { value, low: value, high: value });
    }
    let Summary { mean, low, high, .. } = Summary::of(&values, 0.95)?;
    Ok(Estimate { value: mean, low, high })
}

/// Rows of each class shared out alike, in random order.
fn part(labels: &[usize], shares: [f64; 3], random: &mut ChaCha8Rng) -> [Vec<usize>; 3] {
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    let mut rows_of = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(row, &class)| rows_of[class].push(row));
    let mut parts: [Vec<usize>; 3] = Default::default();
    for rows in &mut rows_of {
        rows.shuffle(random);
        let end = |share: f64| (share * rows.len() as f64).round() as usize;
        let (first, second) = (end(shares[0]), end(shares[0] + shares[1]));
        parts[0].extend(&rows[..first]);
        parts[1].extend(&rows[first..second]);
        if shares[2] > 0.0 {
            parts[2].extend(&rows[second..]);
        }
    }
    parts
}

fn taken(flows: &NetmlFlows, labels: &[usize], rows: &[usize]) -> (NetmlFlows, Vec<usize>) {
    (flows.some(rows), rows.iter().map(|&row| labels[row]).collect())
}

/// So many of the flows, the same share of every class; all where there are no more.
fn sampled(
    of: (NetmlFlows, Vec<usize>),
    flows: Option<usize>,
    random: &mut ChaCha8Rng,
) -> (NetmlFlows, Vec<usize>) {
    match flows {
        Some(flows) if flows < of.1.len() => {
            let share = flows as f64 / of.1.len() as f64;
            let [rows, ..] = part(&of.1, [share, 1.0 - share, 0.0], random);
            taken(&of.0, &of.1, &rows)
        }
        _ => of,
    }
}
