//! A linear model of all techniques, nothing trimmed, over splits that are drawn anew.

use super::collect::{Spread, spread};
use super::outcome::Figures;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result, cells};
use ttp_lib::profile::Run;
use ttp_model::rows::places_of;
use ttp_text::corpus::{Corpus, Sample};
use ttp_text::linear::{LinearKind, LinearModel};
use ttp_text::split::{Shares, Split, UntrimmedSplit};

/// What a linear model came to on one split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitScores {
    /// Which split, from 1.
    pub draw: usize,
    /// Techniques of the split.
    pub techniques: usize,
    /// Training rows.
    pub train_rows: usize,
    /// Test rows.
    pub test_rows: usize,
    /// Macro-averaged F1 on the test rows, over the techniques that occur.
    pub f1_macro: f64,
    /// Share of the test rows named right.
    pub accuracy: f64,
    /// Seconds of training and test.
    pub seconds: f64,
}

/// A score over several splits with its smallest and its largest value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreRange {
    /// Mean, standard deviation and interval.
    #[serde(flatten)]
    pub spread: Spread,
    /// The smallest.
    pub lowest: f64,
    /// The largest.
    pub highest: f64,
}

impl ScoreRange {
    fn of(values: &[f64], level: f64, shares: Shares) -> Result<Self> {
        Ok(Self {
            spread: spread(values, level, Some(shares))?,
            lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
            highest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

/// `0.611 ± 0.014 [0.590, 0.632], from 0.594 to 0.633`
impl fmt::Display for ScoreRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, from {:.3} to {:.3}", self.spread, self.lowest, self.highest)
    }
}

/// A linear model of all techniques over splits that are drawn anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UntrimmedSplits {
    /// The linear model's name.
    pub model: String,
    /// Macro-averaged F1. The interval is of the mean, and takes into account that the splits
    /// overlap ([`Summary::of_splits`](ttp_metrics::Summary::of_splits)).
    pub f1_macro: ScoreRange,
    /// Accuracy, likewise.
    pub accuracy: ScoreRange,
    /// Each split.
    pub splits: Vec<SplitScores>,
}

impl UntrimmedSplits {
    /// How many splits a notebook draws.
    pub const DRAWS: usize = 5;

    /// Parts a run's corpus `draws` times anew as [`Run::untrimmed`] does, trains a linear model
    /// on each and tests it there. A technique that training lost, as all its texts stand in
    /// another part too, counts as not found. `watch` is told of each split.
    ///
    /// # Errors
    /// If there is no split to draw, the corpus cannot be read, or a training fails.
    pub fn draw(
        run: &Run,
        kind: LinearKind,
        draws: usize,
        watch: &mut dyn FnMut(&SplitScores),
    ) -> Result<Self> {
        if draws == 0 {
            return Err(Error::Setting {
                field: "draws",
                reason: "0 splits give no figure".into(),
            });
        }
        let corpus = Corpus::read_parquet(&run.folders.processed("corpus.parquet"))?;
        let shares = run.profile.remedies.shares;
        let mut splits = Vec::new();
        for draw in 1..=draws {
            let seed = run.seed(&format!("untrimmed split draw {draw}"));
            let UntrimmedSplit { split, .. } = UntrimmedSplit::of(&corpus, shares, seed)?;
            let one = tested(kind, draw, &split, run.seed("untrimmed"))?;
            watch(&one);
            splits.push(one);
        }
        let over = |score: fn(&SplitScores) -> f64| {
            let values: Vec<f64> = splits.iter().map(score).collect();
            ScoreRange::of(&values, run.profile.bootstrap.level, shares)
        };
        let (f1_macro, accuracy) = (over(|one| one.f1_macro)?, over(|one| one.accuracy)?);
        Ok(Self { model: kind.name().to_owned(), f1_macro, accuracy, splits })
    }

    /// Each split in a row, and the mean in the last.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let headers = ["split", "techniques", "training rows", "test rows", "macro F1", "accuracy"];
        let mut table = Table::new(headers).caption(format!(
            "{} on splits drawn anew; last the mean ± standard deviation and the mean's interval",
            self.model
        ));
        for one in &self.splits {
            table.push(cells![
                one.draw,
                one.techniques,
                one.train_rows,
                one.test_rows,
                Cell::number(one.f1_macro, 3),
                Cell::number(one.accuracy, 3)
            ])?;
        }
        let mean = [self.f1_macro.spread, self.accuracy.spread].map(Cell::from);
        let [f1_macro, accuracy] = mean;
        table.push(["mean".into(), Cell::Empty, Cell::Empty, Cell::Empty, f1_macro, accuracy])?;
        Ok(table)
    }
}

/// `tfidf-svm over 5 splits: macro F1 0.611 ± …, from … to …; accuracy …`
impl fmt::Display for UntrimmedSplits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, f1_macro, accuracy, splits } = self;
        let splits = splits.len();
        write!(f, "{model} over {splits} splits: macro F1 {f1_macro}; accuracy {accuracy}")
    }
}

fn tested(kind: LinearKind, draw: usize, split: &Split, seed: u64) -> Result<SplitScores> {
    let begun = Instant::now();
    let parts = [&split.train, &split.validation, &split.test];
    let labels: BTreeSet<&String> = parts.iter().flat_map(|p| *p).map(|s| &s.technique).collect();
    let labels: Vec<String> = labels.into_iter().cloned().collect();
    let texts = |part: &[Sample]| part.iter().map(|s| s.text.clone()).collect::<Vec<_>>();
    let truth = places_of(&split.train, &labels)?;
    let model = LinearModel::train(kind, &texts(&split.train), &truth, &labels, seed)?;
    let predicted = model.predict_all(&texts(&split.test));
    let Figures { f1_macro, accuracy, .. } =
        Figures::of(&labels, &places_of(&split.test, &labels)?, &predicted)?;
    Ok(SplitScores {
        draw,
        techniques: labels.len(),
        train_rows: split.train.len(),
        test_rows: split.test.len(),
        f1_macro,
        accuracy,
        seconds: begun.elapsed().as_secs_f64(),
    })
}
