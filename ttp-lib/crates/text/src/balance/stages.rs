//! From a corpus to balanced rows, and what each stage left.

use super::upsample::{Draws, upsample, upsample_by_draws};
use super::{CopySource, FillRule, Limits, Shortfall, classes, counts, downsample, samples, trim};
use crate::corpus::{Corpus, Operation, Sample};
use polars::prelude::{Column, DataFrame};
use serde::Serialize;
use std::collections::BTreeMap;
use ttp_base::{Error, Result};

/// One technique's rows at each stage; 0 from the stage on at which it was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageCounts {
    /// The technique's id.
    pub technique: String,
    /// Its name.
    pub name: String,
    /// Rows in the corpus.
    pub corpus: usize,
    /// Rows once rare techniques are left out.
    pub trimmed: usize,
    /// Rows once small techniques are filled up.
    pub upsampled: usize,
    /// Rows once large techniques are cut down.
    pub downsampled: usize,
}

/// A balanced corpus and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancedCorpus {
    /// The rows.
    pub samples: Vec<Sample>,
    /// Rows by technique at the four stages, for every technique of the corpus, by id.
    pub stages: Vec<StageCounts>,
    /// Techniques that could not be filled up; none under [`FillRule::Draws`].
    pub short: Vec<Shortfall>,
    /// Rows drawn and added under [`FillRule::Draws`].
    pub draws: Option<Draws>,
}

/// How many rows a corpus has at each step of balancing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Funnel {
    /// Rows of the corpus.
    pub rows: usize,
    /// Its techniques.
    pub techniques: usize,
    /// Techniques with enough rows.
    pub kept: usize,
    /// Their rows.
    pub kept_rows: usize,
    /// Rows drawn to be augmented; 0 where copies are made one by one.
    pub drawn: usize,
    /// Augmented rows that were added.
    pub added: usize,
    /// Rows cut from the largest techniques.
    pub cut: usize,
    /// Rows in the end.
    pub balanced_rows: usize,
    /// Techniques more than half of whose rows are augmented in the end.
    pub over_half_augmented: usize,
    /// The largest share of augmented rows of any technique, from 0 to 1.
    pub largest_augmented_share: f64,
}

impl BalancedCorpus {
    /// The counts at each step.
    pub fn funnel(&self) -> Funnel {
        let sum = |of: fn(&StageCounts) -> usize| self.stages.iter().map(of).sum::<usize>();
        let (filled, end) = (sum(|stage| stage.upsampled), sum(|stage| stage.downsampled));
        let (over_half_augmented, largest_augmented_share) = self.over_half_augmented();
        Funnel {
            rows: sum(|stage| stage.corpus),
            techniques: self.stages.len(),
            kept: self.kept_stages().len(),
            kept_rows: sum(|stage| stage.trimmed),
            drawn: self.draws.map_or(0, |draws| draws.drawn),
            added: filled - sum(|stage| stage.trimmed),
            cut: filled - end,
            balanced_rows: end,
            over_half_augmented,
            largest_augmented_share,
        }
    }

    /// Techniques more than half of whose rows are augmented, and the largest such share
    /// of any technique (0 to 1). The paper says that half is the most there can be.
    fn over_half_augmented(&self) -> (usize, f64) {
        let (mut over, mut largest) = (0, 0.0_f64);
        for rows in classes(&self.samples).into_values() {
            let copy = |at: &&usize| self.samples[**at].operation != Operation::Original;
            let share = rows.iter().filter(copy).count() as f64 / rows.len() as f64;
            over += usize::from(share > 0.5);
            largest = largest.max(share);
        }
        (over, largest)
    }

    /// The stages of the techniques that trimming kept.
    pub fn kept_stages(&self) -> Vec<StageCounts> {
        self.stages.iter().filter(|stage| stage.trimmed > 0).cloned().collect()
    }
}

/// Fills small techniques up, in one of the two ways; which techniques stay short, and
/// what was drawn.
pub(crate) fn fill_up(
    samples: Vec<Sample>,
    fill: FillRule,
    to: usize,
    augment: &dyn CopySource,
    seed: u64,
) -> (Vec<Sample>, Vec<Shortfall>, Option<Draws>) {
    match fill {
        FillRule::Rows => {
            let (rows, short) = upsample(samples, to, augment, seed);
            (rows, short, None)
        }
        FillRule::Draws => {
            let (rows, draws) = upsample_by_draws(samples, to, augment, seed);
            (rows, Vec::new(), Some(draws))
        }
    }
}

/// Trims, upsamples and downsamples a corpus.
///
/// # Errors
/// If the limits contradict each other.
pub fn balance(
    corpus: &Corpus,
    limits: Limits,
    fill: FillRule,
    augment: &dyn CopySource,
    seed: u64,
) -> Result<BalancedCorpus> {
    limits.check()?;
    let all = samples(corpus);
    let at = |rows: &[Sample]| counts(rows).into_iter().collect::<BTreeMap<_, _>>();
    let in_corpus = at(&all);
    let rows = trim(all, limits.trim_below);
    let trimmed = at(&rows);
    let (rows, short, draws) = fill_up(rows, fill, limits.upsample_to, augment, seed);
    let upsampled = at(&rows);
    let samples = downsample(rows, limits.downsample_to, seed);
    let downsampled = at(&samples);
    let of = |counts: &BTreeMap<String, usize>, id: &str| counts.get(id).copied().unwrap_or(0);
    let stages = corpus.names().into_iter().map(|(technique, name)| StageCounts {
        corpus: of(&in_corpus, &technique),
        trimmed: of(&trimmed, &technique),
        upsampled: of(&upsampled, &technique),
        downsampled: of(&downsampled, &technique),
        technique,
        name,
    });
    Ok(BalancedCorpus { samples, stages: stages.collect(), short, draws })
}

/// The stages as a frame: `technique`, `name`, `corpus`, `trimmed`, `upsampled`, `downsampled`.
///
/// # Errors
/// If polars cannot make the frame.
pub fn stages_frame(stages: &[StageCounts]) -> Result<DataFrame> {
    let text = |name: &str, value: fn(&StageCounts) -> &str| {
        Column::new(name.into(), stages.iter().map(value).collect::<Vec<_>>())
    };
    let number = |name: &str, value: fn(&StageCounts) -> usize| {
        Column::new(name.into(), stages.iter().map(|row| value(row) as u64).collect::<Vec<_>>())
    };
    let columns = vec![
        text("technique", |row| &row.technique),
        text("name", |row| &row.name),
        number("corpus", |row| row.corpus),
        number("trimmed", |row| row.trimmed),
        number("upsampled", |row| row.upsampled),
        number("downsampled", |row| row.downsampled),
    ];
    DataFrame::new(stages.len(), columns).map_err(Error::library("making the stages' frame"))
}
