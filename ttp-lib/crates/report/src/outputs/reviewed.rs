//! What is written of a report that a reviewer has corrected.

use super::{LayerScore, json, layer, put};
use crate::review::ReviewedReport;
use serde_json::Value;
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result, files};

/// The files that [`ReviewedReport::write`] makes.
pub(crate) const NAMES: [&str; 3] = ["review.json", "reviewed-layer.json", "training.csv"];

impl ReviewedReport {
    /// A layer of the ATT&CK Navigator, format 4.5, of [`techniques`](Self::techniques); the score is
    /// the number of accepted sentences.
    pub fn layer(&self) -> Value {
        layer(&self.report, &self.techniques(), LayerScore::Accepted)
    }

    /// Writes `review.json` (the counts), `reviewed-layer.json` and `training.csv` into a folder,
    /// and returns where they are. All three are made before the first is put in its place; other
    /// files in the folder stay as they are.
    ///
    /// # Errors
    /// If one of them would be written over one of `inputs`, or the disk refuses.
    pub fn write(&self, folder: &Path, inputs: &[&Path]) -> Result<Vec<PathBuf>> {
        let counts = serde_json::to_value(self.counts).map_err(Error::library("writing JSON"))?;
        let contents = [json(&counts)?, json(&self.layer())?, self.training()?];
        for name in NAMES {
            files::refuse_own_input(&folder.join(name), inputs.iter().copied())?;
        }
        put(folder, NAMES.iter().zip(contents))
    }
}
