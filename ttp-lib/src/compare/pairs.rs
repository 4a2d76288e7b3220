//! Two models on the same test rows.

use super::model_answers::{ModelAnswers, protocols, under};
use crate::evaluate::Baseline;
use serde::Serialize;
use std::fmt;
use ttp_base::show::Table;
use ttp_base::{Result, cells};
use ttp_metrics::{Bootstrap, Discordant, Estimate, Scores, holm};
use ttp_text::split::{Protocol, Split};

/// The level that a corrected p-value is held against.
pub const LEVEL: f64 = 0.05;

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
    /// Test rows that one model alone names right. Copies of a sentence count as if they
    /// were independent, which makes the p-value too small where there are any.
    pub rows: Test,
    /// Sentences of which one model names more rows right than the other, each sentence
    /// once: a sign test, and the same as `rows` where no sentence has copies.
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
pub fn pairs(models: &[ModelAnswers], bootstrap: Bootstrap) -> Result<Vec<Pair>> {
    let mut all = Vec::new();
    for protocol in protocols(models) {
        let models: Vec<&ModelAnswers> = under(models, protocol).collect();
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

/// Scores of the first model minus those of the second on the same test rows, with paired
/// intervals that draw the rows of one sentence together.
///
/// # Errors
/// If the two have not the same test rows in the same order.
pub fn difference(
    first: &ModelAnswers,
    second: &ModelAnswers,
    bootstrap: Bootstrap,
) -> Result<Scores<Estimate>> {
    first.check_same_rows(second)?;
    bootstrap.paired(&first.part(), &second.part())
}

/// Scores of a linear model minus those of the same one without augmented copies, on the same
/// test rows. `bootstraps` are those of a model's scores and of the difference.
///
/// # Errors
/// As [`Baseline::train`].
pub fn gain_of_copies(
    with: &Baseline,
    split: &Split,
    bootstraps: [Bootstrap; 2],
) -> Result<Scores<Estimate>> {
    let Baseline { model, evaluation, .. } = with;
    let (plain, [own, of_difference]) = (split.without_copies(), bootstraps);
    let without = Baseline::train(model.kind(), evaluation.protocol, &plain, evaluation.seed, own)?;
    let [with, without] = [ModelAnswers::of_linear(with)?, ModelAnswers::of_linear(&without)?];
    difference(&with, &without, of_difference)
}

pub(super) fn pair(
    first: &ModelAnswers,
    second: &ModelAnswers,
    bootstrap: Bootstrap,
) -> Result<Pair> {
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
fn discordant_sentences(first: &ModelAnswers, second: &ModelAnswers) -> Discordant {
    let mut found = Discordant::default();
    for group in first.groups.iter() {
        let right = |model: &ModelAnswers| {
            group.iter().filter(|&&row| model.is_right(row as usize)).count()
        };
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
