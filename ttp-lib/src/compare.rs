//! Fine-tuned models beside each other: on the same test rows pair by pair, and one
//! model under both protocols.
//!
//! Intervals here draw all test rows of one corpus sentence together
//! ([`Groups`]): under the paper's protocol a test part may hold several twins of
//! one sentence. They say how far another draw of test sentences could move a
//! figure, not how far another training seed could: each model was trained once.

use crate::evaluate::{self, Evaluation, Prediction};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use ttp_base::show::Table;
use ttp_base::{Error, Result, cells};
use ttp_metrics::{Bootstrap, Confusion, Discordant, Estimate, Groups, Part, Scores, holm};
use ttp_text::split::Protocol;

/// The level that a corrected p-value is held against.
pub const LEVEL: f64 = 0.05;

/// A fine-tuned model with all it said of its test rows.
#[derive(Debug, Clone)]
pub struct Tested {
    /// What it came to.
    pub evaluation: Evaluation,
    /// Its answers, in the order of the test rows.
    pub predictions: Vec<Prediction>,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    groups: Groups,
}

impl Tested {
    /// Puts an evaluation and its predictions together.
    ///
    /// # Errors
    /// If they are not of each other: a technique that is not among the evaluation's,
    /// or other counts than its confusion matrix.
    pub fn new(evaluation: Evaluation, predictions: Vec<Prediction>) -> Result<Self> {
        let labels = evaluation.confusion.labels();
        let index: BTreeMap<&str, usize> = labels.iter().map(String::as_str).zip(0..).collect();
        let class = |technique: &str| {
            index.get(technique).copied().ok_or_else(|| Error::Unknown {
                kind: "technique",
                name: technique.to_owned(),
                known: labels.to_vec(),
            })
        };
        let truth: Vec<usize> =
            predictions.iter().map(|p| class(&p.sample.technique)).collect::<Result<_>>()?;
        let predicted: Vec<usize> =
            predictions.iter().map(|p| class(&p.predicted)).collect::<Result<_>>()?;
        if Confusion::from_indices(labels.to_vec(), &truth, &predicted)? != evaluation.confusion {
            let reason = format!("they are not those of {}: run 04 again", evaluation.title());
            return Err(Error::Setting { field: "predictions", reason });
        }
        let rows: Vec<u32> = predictions.iter().map(|p| p.sample.row).collect();
        let groups = Groups::by(&rows);
        Ok(Self { evaluation, predictions, truth, predicted, groups })
    }

    /// All models among a run's results: protocol by protocol, in each in the order of
    /// `checkpoints`, others after them by name.
    ///
    /// # Errors
    /// If a file is missing or not what it should be, evaluation and predictions are not
    /// of each other, or two models of one protocol have not the same test rows in the
    /// same order.
    pub fn read_all(results: &Path, checkpoints: &[String]) -> Result<Vec<Self>> {
        let mut models = Vec::new();
        for evaluation in Evaluation::read_all(results)? {
            let stem = Evaluation::file_stem(&evaluation.checkpoint, evaluation.protocol);
            let path = results.join(format!("{stem}.predictions.parquet"));
            let predictions = evaluate::read_predictions(&path)?;
            let model = Self::new(evaluation, predictions);
            models.push(model.map_err(|error| Error::input(&path, error))?);
        }
        models.sort_by_key(|model| {
            let name = &model.evaluation.checkpoint;
            let place = checkpoints.iter().position(|checkpoint| checkpoint == name);
            (model.evaluation.protocol, place.unwrap_or(usize::MAX), name.clone())
        });
        for (first, second) in models.iter().zip(models.iter().skip(1)) {
            if first.evaluation.protocol == second.evaluation.protocol {
                first.check_same_rows(second).map_err(|error| Error::input(results, error))?;
            }
        }
        Ok(models)
    }

    /// The checkpoint's name.
    pub fn name(&self) -> &str {
        &self.evaluation.checkpoint
    }

    /// The protocol it was trained and tested under.
    pub fn protocol(&self) -> Protocol {
        self.evaluation.protocol
    }

    /// Number of corpus sentences that its test rows are or were made from.
    pub fn sentences(&self) -> usize {
        self.groups.len()
    }

    /// All scores with intervals that draw the test rows of one sentence together.
    ///
    /// # Errors
    /// As [`Bootstrap::scores_of`].
    pub fn scores(&self, bootstrap: Bootstrap) -> Result<Scores<Estimate>> {
        bootstrap.scores_of(&self.part())
    }

    fn part(&self) -> Part<'_> {
        let Self { truth, predicted, groups, .. } = self;
        Part { classes: self.evaluation.confusion.labels().len(), truth, predicted, groups }
    }

    fn is_right(&self, row: usize) -> bool {
        self.truth[row] == self.predicted[row]
    }

    fn check_same_rows(&self, other: &Self) -> Result<()> {
        let samples = |model: &Self| model.predictions.len();
        let same = self.evaluation.confusion.labels() == other.evaluation.confusion.labels()
            && samples(self) == samples(other)
            && self.predictions.iter().zip(&other.predictions).all(|(a, b)| a.sample == b.sample);
        if same {
            return Ok(());
        }
        let reason = format!(
            "those of {} and of {} are not the same: run 04 again for both",
            self.evaluation.title(),
            other.name()
        );
        Err(Error::Setting { field: "test rows", reason })
    }
}

/// The protocols of some models, each once, in their order.
pub fn protocols(models: &[Tested]) -> Vec<Protocol> {
    let mut found: Vec<Protocol> = models.iter().map(Tested::protocol).collect();
    found.sort();
    found.dedup();
    found
}

/// The protocol to look at models under where there is room for one: the clean one, or
/// the one there is.
///
/// # Errors
/// If there is no model.
pub fn headline(models: &[Tested]) -> Result<Protocol> {
    let found = protocols(models);
    let clean = found.iter().find(|protocol| **protocol == Protocol::Clean);
    clean.or(found.first()).copied().ok_or_else(|| Error::Setting {
        field: "models",
        reason: "there is none to compare".to_owned(),
    })
}

/// The models of one protocol, in their order.
pub fn under(models: &[Tested], protocol: Protocol) -> impl Iterator<Item = &Tested> {
    models.iter().filter(move |model| model.protocol() == protocol)
}

// -- pairs of models --------------------------------------------------------------------

/// On how many units one model alone is right, and how surprising that would be if
/// both were equally good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Test {
    /// How often the first and how often the second model has it alone.
    #[serde(flatten)]
    pub discordant: Discordant,
    /// McNemar's exact p-value ([`mcnemar_exact`](ttp_metrics::mcnemar_exact)).
    pub p_value: f64,
    /// The same after Holm's correction over all pairs of the protocol.
    pub p_holm: f64,
}

/// Two models on the same test rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Their protocol.
    pub protocol: Protocol,
    /// The first checkpoint.
    pub first: String,
    /// The second checkpoint.
    pub second: String,
    /// Test rows that one model alone names right. Twins of a sentence count as if they
    /// were independent, which makes the p-value too small where there are any.
    pub rows: Test,
    /// Sentences of which one model names more rows right than the other, each sentence
    /// once: a sign test, and the same as `rows` where no sentence has twins.
    pub sentences: Test,
    /// Scores of the first minus those of the second, with paired intervals.
    pub difference: Scores<Estimate>,
    /// Over how many pairs p-values are corrected.
    pub pairs: usize,
}

impl Pair {
    /// Whether the two differ by more than chance at [`LEVEL`], by the corrected test over
    /// sentences.
    pub fn more_than_chance(&self) -> bool {
        self.sentences.p_holm <= LEVEL
    }

    /// The better model, where the two differ by more than chance.
    pub fn better(&self) -> Option<&str> {
        let Discordant { only_first, only_second } = self.sentences.discordant;
        let better = if only_first > only_second { &self.first } else { &self.second };
        self.more_than_chance().then_some(better)
    }

    /// The same two, the other way round.
    #[must_use]
    pub fn turned(&self) -> Self {
        let turn = |test: Test| {
            let Discordant { only_first, only_second } = test.discordant;
            let discordant = Discordant { only_first: only_second, only_second: only_first };
            Test { discordant, ..test }
        };
        Self {
            protocol: self.protocol,
            first: self.second.clone(),
            second: self.first.clone(),
            rows: turn(self.rows),
            sentences: turn(self.sentences),
            difference: self.difference.map(Estimate::negated),
            pairs: self.pairs,
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Discordant { only_first, only_second } = self.rows.discordant;
        write!(
            f,
            "protocol {}, {} against {}: macro F1 {}, accuracy {}; alone right on {only_first} \
             test rows against {only_second}, p {}",
            self.protocol.name(),
            self.first,
            self.second,
            self.difference.f1.macro_.signed(),
            self.difference.accuracy.signed(),
            p_text(self.rows.p_value),
        )?;
        if self.rows != self.sentences {
            let Discordant { only_first, only_second } = self.sentences.discordant;
            let p = p_text(self.sentences.p_value);
            write!(f, "; better on {only_first} sentences against {only_second}, p {p}")?;
        }
        if self.pairs > 1 {
            write!(f, ", corrected for {} pairs {}", self.pairs, p_text(self.sentences.p_holm))?;
        }
        match self.better() {
            Some(better) => write!(f, ": {better} is better by more than chance"),
            None => f.write_str(": no more than chance"),
        }
    }
}

/// Every pair of models of each protocol, with Holm's correction over the pairs of a
/// protocol; none where a protocol has but one model.
///
/// # Errors
/// As [`Bootstrap::paired`].
pub fn pairs(models: &[Tested], bootstrap: Bootstrap) -> Result<Vec<Pair>> {
    let mut all = Vec::new();
    for protocol in protocols(models) {
        let models: Vec<&Tested> = under(models, protocol).collect();
        let mut found = Vec::new();
        for (at, second) in models.iter().enumerate() {
            for first in &models[at + 1..] {
                found.push(pair(first, second, bootstrap)?);
            }
        }
        correct(&mut found, |pair| &mut pair.rows)?;
        correct(&mut found, |pair| &mut pair.sentences)?;
        let pairs = found.len();
        all.extend(found.into_iter().map(|pair| Pair { pairs, ..pair }));
    }
    Ok(all)
}

fn pair(first: &Tested, second: &Tested, bootstrap: Bootstrap) -> Result<Pair> {
    first.check_same_rows(second)?;
    // Corrected when all pairs are known.
    let test = |discordant: Discordant| {
        let p_value = discordant.p_value();
        Test { discordant, p_value, p_holm: p_value }
    };
    Ok(Pair {
        protocol: first.protocol(),
        first: first.name().to_owned(),
        second: second.name().to_owned(),
        rows: test(Discordant::count(&first.truth, &first.predicted, &second.predicted)?),
        sentences: test(discordant_sentences(first, second)),
        difference: bootstrap.paired(&first.part(), &second.part())?,
        pairs: 1,
    })
}

/// Sentences of which one model names more rows right than the other.
fn discordant_sentences(first: &Tested, second: &Tested) -> Discordant {
    let mut found = Discordant::default();
    for group in first.groups.iter() {
        let right =
            |model: &Tested| group.iter().filter(|&&row| model.is_right(row as usize)).count();
        match right(first).cmp(&right(second)) {
            std::cmp::Ordering::Greater => found.only_first += 1,
            std::cmp::Ordering::Less => found.only_second += 1,
            std::cmp::Ordering::Equal => {}
        }
    }
    found
}

fn correct(pairs: &mut [Pair], test: impl Fn(&mut Pair) -> &mut Test) -> Result<()> {
    let p_values: Vec<f64> = pairs.iter_mut().map(|pair| test(pair).p_value).collect();
    for (pair, p_holm) in pairs.iter_mut().zip(holm(&p_values)?) {
        test(pair).p_holm = p_holm;
    }
    Ok(())
}

/// The pairs as a table, differences being first minus second. p-values are corrected;
/// the last column names the better model where the two differ by more than chance.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn pairs_table(pairs: &[Pair]) -> Result<Table> {
    let mut table = Table::new([
        "protocol",
        "first − second",
        "macro F1",
        "accuracy",
        "rows (p)",
        "sentences (p)",
        "better",
    ]);
    for pair in pairs {
        let counts = |test: Test| {
            let Discordant { only_first, only_second } = test.discordant;
            format!("{only_first}:{only_second} ({})", p_text(test.p_holm))
        };
        table.push(cells![
            pair.protocol.name(),
            format!("{} − {}", pair.first, pair.second),
            pair.difference.f1.macro_,
            pair.difference.accuracy,
            counts(pair.rows),
            counts(pair.sentences),
            pair.better()
        ])?;
    }
    Ok(table)
}

/// A p-value as one reads it: `0.18`, `0.048`, `0.0021`, `<0.0001`.
pub fn p_text(p_value: f64) -> String {
    if p_value < 0.0001 {
        "<0.0001".to_owned()
    } else if p_value < 0.01 {
        format!("{p_value:.4}")
    } else if p_value < 0.1 {
        format!("{p_value:.3}")
    } else {
        format!("{p_value:.2}")
    }
}

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

// -- one model under two protocols ------------------------------------------------------

/// One checkpoint under the paper's protocol and under the clean one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leak {
    /// The checkpoint.
    pub checkpoint: String,
    /// Test rows under the paper's protocol.
    pub paper_rows: usize,
    /// Test rows under the clean one.
    pub clean_rows: usize,
    /// The paper's scores minus the clean ones.
    pub difference: Scores<Estimate>,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scores { accuracy, f1, .. } = &self.difference;
        let verdict = match (f1.macro_.excludes_zero(), f1.macro_.value > 0.0) {
            (true, true) => "the paper's protocol scores higher, beyond the interval",
            (true, false) => "the paper's protocol scores lower, beyond the interval",
            (false, _) => "the interval holds 0",
        };
        write!(
            f,
            "{}, the paper's protocol minus the clean one: macro F1 {}, accuracy {}: {verdict}",
            self.checkpoint,
            f1.macro_.signed(),
            accuracy.signed(),
        )
    }
}

/// What the paper's protocol adds to each checkpoint's scores over the clean one. The
/// two have other test rows, and other models that were trained on other rows: each side
/// is resampled on its own. Leakage is not all they differ in: the paper's test part is
/// balanced and holds augmented sentences, the clean one has the corpus's own shares and
/// sentences alone. Where both test parts hold a sentence, the interval is a little too wide.
///
/// # Errors
/// As [`Bootstrap::unpaired`].
pub fn paper_minus_clean(models: &[Tested], bootstrap: Bootstrap) -> Result<Vec<Leak>> {
    let mut found = Vec::new();
    for paper in under(models, Protocol::Paper) {
        let clean = under(models, Protocol::Clean).find(|clean| clean.name() == paper.name());
        let Some(clean) = clean else { continue };
        found.push(Leak {
            checkpoint: paper.name().to_owned(),
            paper_rows: paper.truth.len(),
            clean_rows: clean.truth.len(),
            difference: bootstrap.unpaired(&paper.part(), &clean.part())?,
        });
    }
    Ok(found)
}

// -- errors -----------------------------------------------------------------------------

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
pub struct ConfusedPair {
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
pub fn most_confused(models: &[Tested], protocol: Protocol, n: usize) -> Vec<ConfusedPair> {
    let models: Vec<&Tested> = under(models, protocol).collect();
    let Some(any) = models.first() else { return Vec::new() };
    let labels = any.evaluation.confusion.labels();
    let mut found = Vec::new();
    for truth in 0..labels.len() {
        for predicted in (0..labels.len()).filter(|predicted| *predicted != truth) {
            let count = |model: &&Tested| model.evaluation.confusion.count(truth, predicted);
            let by_model: Vec<u64> = models.iter().map(count).collect();
            found.push((by_model.iter().sum::<u64>(), truth, predicted, by_model));
        }
    }
    found.retain(|(count, ..)| *count > 0);
    found.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
    let named = |(count, truth, predicted, by_model): (u64, usize, usize, Vec<u64>)| {
        let (row, example_models) = example(&models, truth, predicted);
        ConfusedPair {
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
fn example(models: &[&Tested], truth: usize, predicted: usize) -> (usize, usize) {
    let rows = models.first().map_or(0, |model| model.truth.len());
    let mut best = (0, 0);
    for row in 0..rows {
        let takes_so =
            |model: &&&Tested| model.truth[row] == truth && model.predicted[row] == predicted;
        let count = models.iter().filter(takes_so).count();
        if count > best.1 {
            best = (row, count);
        }
    }
    best
}

/// Accuracy on the test rows with a measure within bounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Third {
    /// The lowest measure among the rows.
    pub from: f64,
    /// The highest.
    pub to: f64,
    /// How many rows.
    pub rows: usize,
    /// Share of them named right.
    pub accuracy: Estimate,
}

/// Whether a model's errors go with a measure of its test rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ByThirds {
    /// The rows in thirds by the measure, the lowest first; rows with equal measures are
    /// in one third, so that sizes differ and one may be missing.
    pub thirds: Vec<Third>,
    /// Accuracy in the highest third minus that in the lowest; `None` where there is but one.
    pub highest_minus_lowest: Option<Estimate>,
}

impl fmt::Display for ByThirds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(difference) = self.highest_minus_lowest else {
            return f.write_str("all test rows have about the same: nothing to compare");
        };
        let verdict = match (difference.excludes_zero(), difference.value > 0.0) {
            (true, true) => "rows in the highest third are named right more often",
            (true, false) => "rows in the highest third are named right less often",
            (false, _) => "no difference beyond chance",
        };
        let signed = difference.signed();
        write!(f, "accuracy in the highest third minus the lowest {signed}: {verdict}")
    }
}

/// A model's accuracy by thirds of a measure, one number for each test row.
///
/// # Errors
/// If there are not as many numbers as rows, or one is not a number.
pub fn accuracy_by_thirds(
    model: &Tested,
    measure: &[f64],
    bootstrap: Bootstrap,
) -> Result<ByThirds> {
    if measure.len() != model.truth.len() {
        let (numbers, rows) = (measure.len(), model.truth.len());
        let reason = format!("{numbers} numbers for {rows} test rows");
        return Err(Error::Setting { field: "measure", reason });
    }
    let mut sorted = measure.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cuts = [1, 2].map(|third| sorted[(third * sorted.len() / 3).min(sorted.len() - 1)]);
    let mut thirds = [Vec::new(), Vec::new(), Vec::new()];
    for (row, value) in measure.iter().enumerate() {
        if !value.is_finite() {
            let reason = format!("row {row} has {value}");
            return Err(Error::Setting { field: "measure", reason });
        }
        thirds[cuts.iter().filter(|cut| value >= cut).count()].push(row);
    }
    let parts: Vec<RightOrWrong> = thirds
        .iter()
        .filter(|rows| !rows.is_empty())
        .map(|rows| RightOrWrong::of(model, rows))
        .collect();
    let found = thirds.iter().filter(|rows| !rows.is_empty()).zip(&parts);
    let third = |(rows, part): (&Vec<usize>, &RightOrWrong)| {
        let values = || rows.iter().map(|&row| measure[row]);
        Ok(Third {
            from: values().fold(f64::INFINITY, f64::min),
            to: values().fold(f64::NEG_INFINITY, f64::max),
            rows: rows.len(),
            accuracy: bootstrap.scores_of(&part.part())?.accuracy,
        })
    };
    let highest_minus_lowest = match parts.as_slice() {
        [lowest, .., highest] => {
            Some(bootstrap.unpaired(&highest.part(), &lowest.part())?.accuracy)
        }
        _ => None,
    };
    Ok(ByThirds { thirds: found.map(third).collect::<Result<_>>()?, highest_minus_lowest })
}

/// Rows of a model as a task of one class against all else: its share of rows that are
/// right is their accuracy.
struct RightOrWrong {
    truth: Vec<usize>,
    right: Vec<usize>,
    groups: Groups,
}

impl RightOrWrong {
    fn of(model: &Tested, rows: &[usize]) -> Self {
        let right = rows.iter().map(|&row| usize::from(model.is_right(row))).collect();
        let keys: Vec<u32> = rows.iter().map(|&row| model.predictions[row].sample.row).collect();
        Self { truth: vec![1; rows.len()], right, groups: Groups::by(&keys) }
    }

    fn part(&self) -> Part<'_> {
        Part { classes: 2, truth: &self.truth, predicted: &self.right, groups: &self.groups }
    }
}
