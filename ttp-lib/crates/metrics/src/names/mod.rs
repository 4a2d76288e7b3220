//! Are a classifier's names in order? A model gives out numbers; somewhere a list puts names on
//! them, and a list in another order shuffles all names without changing one figure. Two things
//! tell: how many rows each class has, where the data's own class counts are known
//! ([`NamesByCounts`]), and a second labelling of the same rows ([`NamesByLabelling`]).
//!
//! Both look for the assignment of names that fits best, test whether it fits better than the
//! printed names beyond what chance gives, and say which names cannot be told apart. Every p-value
//! but those of pairs is by simulation with a seed: `(1 + as extreme) / (1 + simulated)`
//! (Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 4.2).
//!
//! An *output* is what the classifier gives out, by its number; the *printed* name of output `i`
//! is label `i`.

mod chance;
mod counts;
mod labelling;
mod tables;
#[cfg(test)]
mod tests;

pub use counts::{NamesByCounts, OpenCount};
pub use labelling::NamesByLabelling;

use super::Confusion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ttp_base::error::SettingPath;
use ttp_base::settings::{at_least, between};
use ttp_base::{Error, Result, settings};

/// As many pairs that cannot be told apart are named; thousands of small classes have millions.
const PAIRS: usize = 1_000;

/// How names are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NamesSettings {
    /// How probable a false alarm may be: 0.01.
    pub alpha: f64,
    /// How many samples are simulated for a p-value, at least 99: 1,999.
    pub resamples: usize,
    /// The seed of the simulation: 1.
    pub seed: u64,
}

impl Default for NamesSettings {
    fn default() -> Self {
        Self { alpha: 0.01, resamples: 1_999, seed: 1 }
    }
}

/// What to say of too few samples.
const TOO_FEW: &str = "{} samples are too few: at least 99, and 1 / alpha of them";

settings!(
    NamesSettings, "names", { alpha: between(0.0, 1.0), resamples: at_least(99.0).or(TOO_FEW) },
    free { seed },
    also Self::can_reach_alpha
);

impl NamesSettings {
    fn can_reach_alpha(&self, at: &SettingPath) -> Result<()> {
        if self.alpha * (self.resamples as f64 + 1.0) < 1.0 {
            let reason = TOO_FEW.replace("{}", &self.resamples.to_string());
            return at.field("resamples").refuse(reason);
        }
        Ok(())
    }
}

/// A name for each output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// The printed names: `labels[i]` is that of output `i`.
    pub labels: Vec<String>,
    /// The names that fit best: output `i` is called `labels[best[i]]`.
    pub best: Vec<usize>,
}

impl Naming {
    /// The best name of output `i`; `None` beyond the outputs.
    pub fn name(&self, output: usize) -> Option<&str> {
        Some(&self.labels[*self.best.get(output)?])
    }

    /// Each printed name that changes, and the name that fits best in its place.
    pub fn renamed(&self) -> BTreeMap<&str, &str> {
        let pairs = self.labels.iter().zip(&self.best);
        let changed = pairs.filter(|(label, at)| **label != self.labels[**at]);
        changed.map(|(label, &at)| (label.as_str(), self.labels[at].as_str())).collect()
    }

    /// A matrix of these outputs again, rows and columns under the new names; their order stays.
    /// Right where truth was numbered and named by the same list as the outputs were.
    ///
    /// # Errors
    /// If the matrix has other labels.
    pub fn rename(&self, confusion: &Confusion) -> Result<Confusion> {
        if confusion.labels() != self.labels {
            let reason = "the matrix has other labels than the names are for".to_owned();
            return Err(Error::Setting { field: "labels", reason });
        }
        let labels = self.best.iter().map(|&at| self.labels[at].clone());
        let rows = (0..self.labels.len()).map(|truth| confusion.row(truth).to_vec());
        Confusion::from_counts(labels, &rows.collect::<Vec<_>>())
    }
}

/// A statistic and how probable one at least as extreme is by chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The statistic; what it is the struct that holds it says.
    pub statistic: f64,
    /// By simulation.
    pub p_value: f64,
}

/// Two outputs whose best names could be exchanged: what is seen does not tell which is which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AmbiguousPair {
    /// The printed names of the two outputs, in the outputs' order.
    pub printed: [String; 2],
    /// Their best names.
    pub best: [String; 2],
    /// What the exchange costs: chi-square gained, or rows of agreement lost.
    pub cost: f64,
    /// Were the names exchanged, how probable it would be that the best names look at least so
    /// much better by chance.
    pub p_value: f64,
}

/// Whether the names are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamesVerdict {
    /// No other assignment of names fits better than chance explains.
    InOrder,
    /// Another assignment fits better beyond chance, and what is seen fits it.
    Shuffled,
    /// Another assignment fits better beyond chance, but that may have another reason than names:
    /// class counts that fit no assignment, or rows of one class that a single other one takes.
    Unclear,
}

fn distinct_count(labels: &[String], others: usize, field: &'static str) -> Result<()> {
    if labels.len() == others && labels.len() >= 2 {
        return Ok(());
    }
    let reason = match labels.len() {
        0 | 1 => "names can be shuffled only where there are two".to_owned(),
        classes => format!("{others} numbers for {classes} classes"),
    };
    Err(Error::Setting { field, reason })
}
