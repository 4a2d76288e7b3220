//! Models on sentences that are of another source, or of a later time, than those that they
//! learned from.
//!
//! A model names the techniques that it was trained on and no others. Of other sentences some
//! belong to techniques that it has no name for: they are counted, by technique, and models are
//! scored on the rest.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result, cells};
use ttp_metrics::{Bootstrap, Estimate, Tally};
use ttp_text::corpus::{Columns, Corpus, CorpusBuild, RowChoice, Source, build};

/// How models that share their labels do on the rows of one external source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct External {
    /// Rows.
    pub rows: usize,
    /// Rows whose technique the models can name.
    pub known_rows: usize,
    /// The share of rows whose technique they cannot name, from 0 to 1.
    pub unknown_share: f64,
    /// Different techniques of the rows.
    pub techniques: usize,
    /// Those among them that the models can name.
    pub known_techniques: usize,
    /// Rows of each technique that they cannot name.
    pub unknown: BTreeMap<String, usize>,
    /// The scores, by the model's name.
    #[serde(flatten)]
    pub models: BTreeMap<String, ExternalScores>,
}

/// One model's scores on the rows whose technique it can name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExternalScores {
    /// The mean F1 of the techniques that these rows have. A technique that no row has would count
    /// with an F1 of 0 as soon as the model gives it once; it is left out, and such a row is one
    /// that the model did not find.
    pub f1_macro: f64,
    /// Its bootstrap interval, rows drawn each on its own.
    pub f1_macro_interval: [f64; 2],
    /// The share of these rows that it names right.
    pub accuracy: f64,
    /// Its bootstrap interval.
    pub accuracy_interval: [f64; 2],
    /// The share of all rows that it names right: it is wrong on each whose technique it cannot name.
    pub accuracy_of_all: f64,
}

impl External {
    /// Counts the rows of a corpus whose technique is among `known`, the labels of the models.
    ///
    /// ```
    /// use ttp_lib::corpus::{Corpus, Sentence};
    /// use ttp_evidence::external::External;
    /// use ttp_lib::metrics::Bootstrap;
    ///
    /// let row = |technique: &str, text: &str| Sentence {
    ///     technique: technique.into(), subtechnique: None, name: technique.into(),
    ///     text: text.into(), source_id: "mine".into(),
    /// };
    /// let corpus = Corpus { sentences: vec![
    ///     row("T1059", "It runs scripts."), row("T1059", "It starts a shell."),
    ///     row("T1105", "It loads files."), row("T1566", "It came by mail."),
    /// ] };
    /// let known = ["T1027", "T1059", "T1105"].map(String::from);
    /// let mut external = External::new(&corpus, &known)?;
    /// assert_eq!((external.rows, external.known_rows, external.unknown_share), (4, 3, 0.25));
    /// assert_eq!(external.unknown["T1566"], 1);
    ///
    /// let bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };
    /// let said = ["T1059", "T1027", "T1105", "T1105"];
    /// let scores = external.score("mine", &corpus, &said, bootstrap)?;
    /// // T1059: one of two found, none wrongly: 2/3. T1105: found. T1027 has no row.
    /// assert!((scores.f1_macro - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
    /// assert_eq!((scores.accuracy, scores.accuracy_of_all), (2.0 / 3.0, 0.5));
    /// # Ok::<(), ttp_lib::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no row, or none whose technique the models can name.
    pub fn new(corpus: &Corpus, known: &[String]) -> Result<Self> {
        let counts = corpus.counts();
        let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        let is_known = |technique: &str| known.contains(technique);
        let unknown: BTreeMap<String, usize> =
            counts.clone().into_iter().filter(|(technique, _)| !is_known(technique)).collect();
        let known_rows = corpus.len() - unknown.values().sum::<usize>();
        if known_rows == 0 {
            return Err(Error::Setting { field: "rows", reason: none_known(&counts, &known) });
        }
        Ok(Self {
            rows: corpus.len(),
            known_rows,
            unknown_share: (corpus.len() - known_rows) as f64 / corpus.len() as f64,
            techniques: counts.len(),
            known_techniques: counts.len() - unknown.len(),
            unknown,
            models: BTreeMap::new(),
        })
    }

    /// Reads a CSV file of one's own, sub-techniques folded in and a text kept once within a
    /// technique, and counts its rows.
    ///
    /// # Errors
    /// If the file cannot be read or is not what it should be, or holds no label that the models
    /// know: names the file and the column.
    pub fn of_csv(path: &Path, columns: &Columns, known: &[String]) -> Result<(Self, CorpusBuild)> {
        let built = build(&Source::Csv {
            path: path.to_path_buf(),
            columns: columns.clone(),
            known: None,
            keep: RowChoice::Distinct,
        })?;
        let external = Self::new(&built.corpus, known).map_err(|error| match error {
            Error::Setting { reason, .. } => {
                Error::input_at(path, None, Some(&columns.technique), reason)
            }
            other => other,
        })?;
        Ok((external, built))
    }

    /// Scores a model by the technique that it gives each row of the corpus; what it says of rows
    /// whose technique it cannot name is right in no case, and left out of the scores.
    ///
    /// # Errors
    /// If the corpus is another one than that which was counted, or there are not as many
    /// predictions as rows.
    pub fn score<T: AsRef<str>>(
        &mut self,
        model: &str,
        corpus: &Corpus,
        predicted: &[T],
        bootstrap: Bootstrap,
    ) -> Result<ExternalScores> {
        if corpus.len() != self.rows || predicted.len() != self.rows {
            let reason = format!(
                "{} predictions for {} rows of the {} that were counted",
                predicted.len(),
                corpus.len(),
                self.rows
            );
            return Err(Error::Setting { field: "predicted", reason });
        }
        let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut truth, mut said) = (Vec::new(), Vec::new());
        for (sentence, predicted) in corpus.sentences.iter().zip(predicted) {
            if self.unknown.contains_key(&sentence.technique) {
                continue;
            }
            for (name, indices) in
                [(sentence.technique.as_str(), &mut truth), (predicted.as_ref(), &mut said)]
            {
                let next = classes.len();
                indices.push(*classes.entry(name).or_insert(next));
            }
        }
        let n = classes.len();
        let f1 = bootstrap.estimate(n, &truth, &said, f1_of_techniques_there)?;
        let accuracy = bootstrap.estimate(n, &truth, &said, Tally::accuracy)?;
        let interval = |estimate: Estimate| [estimate.low, estimate.high];
        let scores = ExternalScores {
            f1_macro: f1.value,
            f1_macro_interval: interval(f1),
            accuracy: accuracy.value,
            accuracy_interval: interval(accuracy),
            accuracy_of_all: accuracy.value * self.known_rows as f64 / self.rows as f64,
        };
        self.models.insert(model.to_owned(), scores);
        Ok(scores)
    }

    /// The models' scores, a row each.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(["model", "macro F1", "accuracy", "accuracy on all rows"]);
        for (model, scores) in &self.models {
            let [low, high] = scores.f1_macro_interval;
            let f1 = Cell::interval(scores.f1_macro, low, high);
            let [low, high] = scores.accuracy_interval;
            let accuracy = Cell::interval(scores.accuracy, low, high);
            table.push(cells![model, f1, accuracy, scores.accuracy_of_all])?;
        }
        Ok(table)
    }

    /// The techniques that the models cannot name, those with most rows first.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn unknown_table(&self) -> Result<Table> {
        let mut table = Table::new(["technique that no model knows", "rows", "share"]);
        let mut unknown: Vec<(&String, &usize)> = self.unknown.iter().collect();
        unknown.sort_by_key(|(technique, rows)| (std::cmp::Reverse(**rows), *technique));
        for (technique, rows) in unknown {
            let share = Cell::share(*rows as f64 / self.rows as f64);
            table.push(cells![technique, *rows, share])?;
        }
        Ok(table)
    }
}

impl fmt::Display for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, techniques, known_techniques, .. } = self;
        let unknown = rows - self.known_rows;
        let share = 100.0 * self.unknown_share;
        write!(
            f,
            "{rows} rows of {techniques} techniques; {known_techniques} of them have a name in the \
             model, and {unknown} rows ({share:.1} %) belong to the others"
        )
    }
}

/// The mean F1 over the classes that have a row.
fn f1_of_techniques_there(tally: &Tally) -> f64 {
    let counts = tally.correct.iter().zip(&tally.support).zip(&tally.predicted);
    let there = counts.filter(|((_, support), _)| **support > 0);
    let (sum, classes) =
        there.fold((0.0, 0.0), |(sum, classes), ((correct, support), predicted)| {
            (sum + 2.0 * *correct as f64 / (support + predicted) as f64, classes + 1.0)
        });
    if classes > 0.0 { sum / classes } else { 0.0 }
}

/// What to say of rows of which no technique is known.
fn none_known(counts: &BTreeMap<String, usize>, known: &BTreeSet<&str>) -> String {
    let some = |names: &mut dyn Iterator<Item = &str>| {
        let first: Vec<&str> = names.take(4).collect();
        let more = if first.len() > 3 { " …" } else { "" };
        first.into_iter().take(3).collect::<Vec<_>>().join(", ") + more
    };
    if counts.is_empty() {
        return "there is no row to test on".to_owned();
    }
    format!(
        "the model knows none of the {} labels ({}); it knows {}",
        counts.len(),
        some(&mut counts.keys().map(String::as_str)),
        some(&mut known.iter().copied())
    )
}
