//! A random forest on the same flows: for tables of numbers, what one would use.

use super::flows::NetmlFlows;
use super::{COUNTS, NUMBERS};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_classifier::{
    RandomForestClassifier, RandomForestClassifierParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;
use ttp_base::settings::from_to;
use ttp_base::{Error, Result, settings};

/// The settings of a forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ForestSettings {
    /// Trees.
    pub trees: usize,
    /// Features among which each split is looked for.
    pub features: usize,
}

impl Default for ForestSettings {
    /// 20 trees, and about the root of the features a split.
    fn default() -> Self {
        Self { trees: 20, features: 10 }
    }
}

settings!(ForestSettings, "families.forest", {
    trees: from_to(1.0, 10_000.0),
    features: from_to(1.0, (NUMBERS.len() + COUNTS) as f64),
});

/// A forest of one tree: its rows are drawn as a forest draws them.
type Tree = RandomForestClassifier<f32, u32, DenseMatrix<f32>, Vec<u32>>;

/// A random forest (Breiman, *Random Forests*, Machine Learning 45, 2001), by the smartcore library,
/// on a flow's counts and numbers.
pub struct FlowForest {
    trees: Vec<Tree>,
    columns: Vec<usize>,
    classes: usize,
}

impl FlowForest {
    /// Grows one on flows with the classes `labels`, below `classes`. Every tree has a seed of its
    /// own, so that the number of threads changes no result. Counts that are the same in every flow
    /// are left out.
    ///
    /// # Errors
    /// If a setting makes no sense, labels do not fit the flows, or the library refuses.
    pub fn fit(
        flows: &NetmlFlows,
        labels: &[usize],
        classes: usize,
        settings: &ForestSettings,
        seed: u64,
    ) -> Result<Self> {
        settings.check()?;
        let wrong = |reason| Err(Error::Setting { field: "labels", reason });
        if labels.len() != flows.len() || flows.is_empty() {
            return wrong(format!("{} of {} flows", labels.len(), flows.len()));
        }
        if let Some(label) = labels.iter().find(|label| **label >= classes) {
            return wrong(format!("class {label}, of {classes} classes"));
        }
        let first = row(flows, 0);
        let mut varies = vec![false; first.len()];
        for flow in 1..flows.len() {
            let row = row(flows, flow);
            varies.iter_mut().zip(row.iter().zip(&first)).for_each(|(v, (a, b))| *v |= a != b);
        }
        let columns: Vec<usize> = (0..varies.len()).filter(|column| varies[*column]).collect();
        if columns.is_empty() {
            return wrong("all flows are the same".to_owned());
        }
        let x = table(flows, &columns)?;
        let y: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
        let trees: Result<Vec<Tree>> = (0..settings.trees as u64)
            .into_par_iter()
            .map(|tree| {
                let params = RandomForestClassifierParameters::default()
                    .with_n_trees(1)
                    .with_m(settings.features.min(columns.len()))
                    .with_seed(seed.wrapping_add(tree));
                Tree::fit(&x, &y, params).map_err(Error::library("growing a random forest"))
            })
            .collect();
        Ok(Self { trees: trees?, columns, classes })
    }

    /// Each flow's class: that for which most trees vote, of equals the first.
    ///
    /// # Errors
    /// If there is no flow, or the library refuses.
    pub fn predict(&self, flows: &NetmlFlows) -> Result<Vec<usize>> {
        let x = table(flows, &self.columns)?;
        let said: Result<Vec<Vec<u32>>> = self
            .trees
            .par_iter()
            .map(|tree| tree.predict(&x).map_err(Error::library("asking a random forest")))
            .collect();
        let said = said?;
        let mut votes = vec![0_u32; self.classes];
        let best = |flow: usize| {
            votes.fill(0);
            said.iter().for_each(|tree| votes[tree[flow] as usize] += 1);
            (1..votes.len()).fold(0, |best, at| if votes[at] > votes[best] { at } else { best })
        };
        Ok((0..flows.len()).map(best).collect())
    }
}

/// Numbers and counts of a flow. A tree asks which of two is larger: scale does not matter to it.
fn row(flows: &NetmlFlows, flow: usize) -> Vec<f32> {
    let numbers = flows.numbers(flow).iter().map(|&number| number as f32);
    numbers.chain(flows.counts(flow).iter().map(|&count| f32::from(count))).collect()
}

/// Some columns of all flows, column by column.
fn table(flows: &NetmlFlows, columns: &[usize]) -> Result<DenseMatrix<f32>> {
    let rows = flows.len();
    let mut values = vec![0.0; rows * columns.len()];
    for flow in 0..rows {
        let row = row(flows, flow);
        for (at, &column) in columns.iter().enumerate() {
            values[at * rows + flow] = row[column];
        }
    }
    DenseMatrix::new(rows, columns.len(), values, true).map_err(Error::library("a table of flows"))
}
