//! Linear models under each protocol: how much of their score is train-test leakage through
//! augmented copies.

use super::leakage::{LeakFigures, LeakScores, worth_without_relatives};
use super::linear_predictions;
use crate::published::PAPER_TABLE_2;
use std::collections::BTreeMap;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_metrics::{Bootstrap, Estimate};
use ttp_text::balance::{CopySource, Limits};
use ttp_text::corpus::Corpus;
use ttp_text::linear::LinearKind;
use ttp_text::split::{self, Protocol, Shares};

/// Rows that the protocols are tried on.
#[derive(Clone, Copy)]
pub struct LeakSource<'a> {
    /// Its name in tables.
    pub name: &'static str,
    /// The rows.
    pub corpus: &'a Corpus,
    /// How they are balanced.
    pub limits: Limits,
    /// What makes augmented copies.
    pub augment: &'a dyn CopySource,
    /// A seed for each repetition of the paper's protocol, which chooses other copies and test
    /// rows; the other protocols are tried once, with the first.
    pub seeds: &'a [u64],
}

/// One linear model under one protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakTrial {
    /// The source's name.
    pub source: &'static str,
    /// The protocol.
    pub protocol: Protocol,
    /// The model.
    pub kind: LinearKind,
    /// Its scores on test rows with a relative in training, and on the others.
    pub scores: LeakScores,
}

/// A published accuracy on rows without a relative in training, if the paper's test set leaks as
/// a source's does ([`worth_without_relatives`]).
#[derive(Debug, Clone, PartialEq)]
pub struct AccuracyWithoutRelatives {
    /// The source's name.
    pub source: &'static str,
    /// The paper's model.
    pub model: &'static str,
    /// Its accuracy as published.
    pub published: f64,
    /// Its accuracy on the rows without a relative.
    pub without: Estimate,
}

/// Linear models on one or more sources.
pub struct LinearLeak {
    /// Each model under each protocol.
    pub trials: Vec<LeakTrial>,
    /// What the paper's table 2 would be worth, by the first `tfidf-svm` of each source.
    pub worth: Vec<AccuracyWithoutRelatives>,
    shares: Shares,
    bootstrap: Bootstrap,
}

impl LinearLeak {
    /// Nothing measured yet. `shares` are those of training, validation and test.
    pub fn new(shares: Shares, bootstrap: Bootstrap) -> Self {
        Self { trials: Vec::new(), worth: Vec::new(), shares, bootstrap }
    }

    /// Trains `tfidf-svm` under each protocol; on the first source that is measured, also
    /// `counts-logistic` under *paper* and *clean*.
    ///
    /// # Errors
    /// If the source cannot be balanced and split, or each of its test rows has a relative.
    pub fn measure(&mut self, source: &LeakSource<'_>) -> Result<()> {
        let is_first = self.trials.is_empty();
        for protocol in Protocol::ALL {
            let repeats = if protocol == Protocol::Paper { source.seeds.len() } else { 1 };
            for (at, &seed) in source.seeds.iter().take(repeats).enumerate() {
                let is_counted = is_first && at == 0 && protocol != Protocol::Told;
                self.measure_once(source, protocol, seed, (at == 0, is_counted))?;
            }
        }
        Ok(())
    }

    fn measure_once(
        &mut self,
        source: &LeakSource<'_>,
        protocol: Protocol,
        seed: u64,
        (is_first, is_counted): (bool, bool),
    ) -> Result<()> {
        let LeakSource { name, corpus, limits, augment, .. } = *source;
        let split = split::prepare(protocol, corpus, limits, self.shares, augment, seed)?.split;
        let kinds = [(LinearKind::TfidfSvm, true), (LinearKind::CountsLogistic, is_counted)];
        for (kind, _) in kinds.into_iter().filter(|(_, wanted)| *wanted) {
            let said = linear_predictions(kind, &split, seed)?;
            if kind == LinearKind::TfidfSvm && protocol == Protocol::Paper && is_first {
                for row in PAPER_TABLE_2 {
                    let (model, published) = (row.model, row.accuracy);
                    let without =
                        worth_without_relatives(published, &split, &said, self.bootstrap)?;
                    self.worth.push(AccuracyWithoutRelatives {
                        source: name,
                        model,
                        published,
                        without,
                    });
                }
            }
            let scores = LeakScores::of(&split, &said, self.bootstrap)?;
            self.trials.push(LeakTrial { source: name, protocol, kind, scores });
        }
        Ok(())
    }

    /// The figures of a source by model and protocol (`tfidf-svm.paper`), each the mean over its
    /// repetitions; `None` of a source that was not measured.
    pub fn figures(&self, source: &str) -> Option<BTreeMap<String, LeakFigures>> {
        let mut draws: BTreeMap<String, Vec<&LeakScores>> = BTreeMap::new();
        for trial in self.trials.iter().filter(|trial| trial.source == source) {
            let model = format!("{}.{}", trial.kind.name(), trial.protocol.name());
            draws.entry(model).or_default().push(&trial.scores);
        }
        let mean = |(model, draws): (String, Vec<_>)| (model, LeakFigures::mean_of(&draws));
        (!draws.is_empty()).then(|| draws.into_iter().map(mean).collect())
    }

    /// The linear models below the paper's table 2; `published` is the source that the paper's
    /// models were tested on.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self, published: &str) -> Result<Table> {
        let mut table = Table::new([
            "rows",
            "protocol",
            "model",
            "accuracy",
            "macro F1",
            "with a relative",
            "accuracy on these",
            "macro F1",
            "accuracy on the others",
            "macro F1",
        ])
        .caption("Linear models beside the paper's table 2");
        for row in PAPER_TABLE_2 {
            let scores = [row.accuracy, row.f1].map(|figure| Cell::number(figure, 2));
            let model = format!("{} (published)", row.model);
            let row = cells![published, "paper", model].into_iter().chain(scores);
            table.push(row.chain(std::iter::repeat_n(Cell::Empty, 5)))?;
        }
        for LeakTrial { source, protocol, kind, scores } in &self.trials {
            let (with, without) = (scores.with.as_ref(), scores.without.as_ref());
            table.push(cells![
                *source,
                protocol.name(),
                kind.name(),
                scores.all.accuracy,
                scores.all.f1.macro_,
                with.map(|part| Cell::share(part.share.value)),
                with.map(|part| part.accuracy),
                with.map(|part| part.f1_macro),
                without.map(|part| part.accuracy),
                without.map(|part| part.f1_macro)
            ])?;
        }
        Ok(table)
    }

    /// What the paper's models would score on rows without a relative.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn worth_table(&self) -> Result<Table> {
        let headers = ["the paper's", "accuracy, published", "s and a of", "x, without relatives"];
        let mut table = Table::new(headers);
        for AccuracyWithoutRelatives { source, model, published, without } in &self.worth {
            table.push(cells![*model, Cell::number(*published, 2), *source, *without])?;
        }
        Ok(table)
    }
}
