//! What notebook 08 leaves behind: calibration, other splits, other sentences and the sweep, and
//! the sentences that follow.

use crate::{Evidence, External, ModelCalibration, Outcome};
use serde_json::{Map, Value, json};
use std::path::Path;
use ttp_base::{Result, files};
use ttp_text::corpus::{LabelChanges, Later, Quotes};
use ttp_text::split::Protocol;

/// Whether a run's figures would change: a file `results/evidence.json`.
#[derive(Debug, Clone)]
pub struct EvidenceResults {
    /// The protocol of the models.
    pub protocol: Protocol,
    /// Each model's probabilities before and after calibration.
    pub calibration: Vec<(String, ModelCalibration)>,
    /// Linear models on other splits.
    pub splits: Evidence,
    /// What a sweep found.
    pub sweep: Evidence,
    /// The encoder with frozen weights.
    pub frozen: Option<Outcome>,
    /// The sentences that are new in the later release of ATT&CK.
    pub later: Option<Later>,
    /// How labels differ between the releases.
    pub label_changes: Option<LabelChanges>,
    /// The models on the new sentences.
    pub on_later: Option<External>,
    /// The models on TRAM 2's sentences.
    pub on_tram: Option<External>,
    /// How many of TRAM 2's sentences stand in ATT&CK's own text.
    pub tram_quotes: Option<Quotes>,
}

impl EvidenceResults {
    /// What follows from the figures, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, model) in &self.calibration {
            let confident =
                if model.temperature > 1.0 { "over-confident" } else { "under-confident" };
            found.push(format!(
                "{name} is {confident} (temperature {:.2}): calibration error {:.3}, after it {:.3}",
                model.temperature, model.ece_before, model.ece_after
            ));
            if let Some(named) = &model.named[1] {
                found.push(format!(
                    "  at a precision of 0.95 on validation it answers {:.0} % of the test rows",
                    100.0 * named.coverage.value
                ));
            }
        }
        found.extend(self.splits.splits.iter().map(|(name, scores)| {
            let f1 = &scores.f1_macro;
            format!("{name} over {} splits: macro F1 {f1}", f1.n)
        }));
        let external = [("ATT&CK v15's new sentences", &self.on_later), ("TRAM 2", &self.on_tram)];
        for (source, rows) in external {
            let Some(rows) = rows else { continue };
            found.push(format!("{source}: {rows}"));
            found.extend(rows.models.iter().map(|(name, scores)| {
                format!("  {name}: macro F1 {:.3} on what it can name", scores.f1_macro)
            }));
        }
        let (missing, command) = (&self.sweep.missing, &self.sweep.command);
        let jobs = match missing.as_slice() {
            [] => return found,
            [job] => format!("1 job waits for `{command}`: {job}"),
            [job, ..] => format!("{} jobs wait for `{command}`: {job} …", missing.len()),
        };
        found.push(jobs);
        found
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, &self.to_json())
    }

    fn to_json(&self) -> Value {
        let Self { splits, sweep, .. } = self;
        let calibration = self.calibration.iter().map(|(name, model)| {
            (format!("{name}.{}", self.protocol.name()), calibration_figures(model))
        });
        json!({
            "seeds": sweep.seeds,
            "splits": splits.splits,
            "arms": sweep.arms,
            "pairs": sweep.pairs,
            "split_pairs": splits.pairs,
            "frozen": self.frozen.as_ref().map(|outcome| &outcome.scores),
            "external": { "attack-v15": self.on_later, "tram-v2": self.on_tram },
            "later": self.later,
            "label_changes": self.label_changes.as_ref().map(|changes| &changes.counts),
            "tram_v2_quotes": self.tram_quotes,
            "calibration": calibration.collect::<Map<String, Value>>(),
            "waiting": sweep.missing,
        })
    }
}

fn calibration_figures(model: &ModelCalibration) -> Value {
    let mut figures = json!(model);
    let [at_90, at_95] = &model.named;
    figures["named_at_90"] = json!(at_90.as_ref().map(|named| named.coverage.value));
    figures["named_at_95"] = json!(at_95.as_ref().map(|named| named.coverage.value));
    figures
}
