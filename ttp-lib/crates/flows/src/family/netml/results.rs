//! What the study of the families leaves behind: the figures of a results file, and the sentences
//! that follow from them.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::experiment::{LabelSource, NetmlSettings, NetmlStudy, TrialOutcome};
use super::files::NETML_MISSING;
use super::name_study::NameStudy;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Result, files};
use ttp_metrics::names::AmbiguousPair;

/// The families: a file `results/families.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FamilyResults {
    /// Whether the flows and the summary's encoder are at hand.
    pub at_hand: bool,
    /// The figures, if they are.
    #[serde(flatten)]
    pub figures: Option<FamilyFigures>,
}

/// The summary's encoder under its printed and its right names, and new models on the same flows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FamilyFigures {
    /// Flows of the standard test set.
    pub flows: usize,
    /// Outputs that the encoder predicts for no flow.
    pub outputs_never_used: Vec<usize>,
    /// Outputs whose F1 the summary prints as 0.
    pub outputs_at_f1_0: Vec<usize>,
    /// The proportion of flows on which encoder and forest agree, by the printed names.
    pub agreement_printed_names: f64,
    /// The same, by the right names.
    pub agreement_best_names: f64,
    /// Chi-square of the summary's class counts against the data's, by the printed names.
    pub supports_chi2_printed: f64,
    /// The same, by the best names.
    pub supports_chi2_best: f64,
    /// The simulated p-value of the printed names.
    pub supports_p: f64,
    /// Printed names that change, with the right ones.
    pub renamed: BTreeMap<String, String>,
    /// Pairs of outputs that the class counts alone could exchange.
    pub not_told_apart_by_counts: Vec<AmbiguousPair>,
    /// Macro F1 with TrickBot and Trickster as two classes.
    pub macro_f1: f64,
    /// Macro F1 with the two as one class.
    pub macro_f1_one_trickbot: f64,
    /// What these two are of.
    pub macro_f1_of: &'static str,
    /// Macro F1 of the encoder against the forest's labels, under the right names.
    pub macro_f1_against_forest: f64,
    /// Each statement: as the summary says it, under the right names, and what remains.
    pub statements: Vec<[String; 3]>,
    /// Seconds that reading the flows took.
    pub seconds_read: f64,
    /// Seconds that encoding them took.
    pub seconds_encoded: f64,
    /// Whose labels the new models learned.
    pub trained_against: Option<LabelSource>,
    /// The new models.
    pub trials: Vec<TrialOutcome>,
    /// The settings.
    pub settings: NetmlSettings,
    /// What the two tests of the names say, a sentence each.
    #[serde(skip)]
    pub of_names: [String; 2],
}

impl FamilyResults {
    /// Puts together what was found; without the flows, that they are not at hand.
    ///
    /// # Errors
    /// As [`NameStudy::statements`].
    pub fn new(
        found: Option<&NameStudy>,
        study: Option<&NetmlStudy>,
        trials: Vec<TrialOutcome>,
        settings: &NetmlSettings,
    ) -> Result<Self> {
        let Some(found) = found else { return Ok(Self { at_hand: false, figures: None }) };
        let [agreement_printed_names, agreement_best_names] = found.agreement();
        let [macro_f1, macro_f1_one_trickbot] = found.macro_f1_one_trickbot()?;
        let owned = |(printed, right): (&str, &str)| (printed.to_owned(), right.to_owned());
        let statements = found.statements()?.into_iter();
        let figures = FamilyFigures {
            flows: found.encoded.len(),
            outputs_never_used: found.encoded.never_used(),
            outputs_at_f1_0: found.published.at_zero(),
            agreement_printed_names,
            agreement_best_names,
            supports_chi2_printed: found.by_counts.printed.statistic,
            supports_chi2_best: found.by_counts.best.statistic,
            supports_p: found.by_counts.p_value,
            renamed: found.renamed().into_iter().map(owned).collect(),
            not_told_apart_by_counts: found.by_counts.not_told_apart.clone(),
            macro_f1,
            macro_f1_one_trickbot,
            macro_f1_of: match found.matrix {
                Some(_) => "the published matrix",
                None => "the flows",
            },
            macro_f1_against_forest: found.confusion()?.scores().f1.macro_,
            statements: statements.map(|s| [s.says, s.renamed, s.remains.to_owned()]).collect(),
            seconds_read: found.seconds[0],
            seconds_encoded: found.seconds[1],
            trained_against: study.map(|study| study.against),
            trials,
            settings: settings.clone(),
            of_names: [found.by_counts.sentence(), found.by_flows.sentence()],
        };
        Ok(Self { at_hand: true, figures: Some(figures) })
    }

    /// What follows from the figures, a sentence each; a line that is set in belongs to the one
    /// before.
    pub fn findings(&self) -> Vec<String> {
        match &self.figures {
            None => vec![NETML_MISSING.to_owned()],
            Some(figures) => figures.findings(),
        }
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}

impl FamilyFigures {
    fn findings(&self) -> Vec<String> {
        let mut findings = vec![self.of_outputs()];
        findings.extend(self.of_names.iter().cloned());
        findings
            .extend(self.renamed.iter().map(|(printed, right)| format!("  {printed} is {right}")));
        findings.push(self.of_agreement());
        let [before, after] = [self.macro_f1, self.macro_f1_one_trickbot];
        findings.push(format!(
            "one name for TrickBot and Trickster: macro F1 {before:.4} -> {after:.4}, so telling \
             the two apart costs {:.4}",
            after - before
        ));
        findings.extend(self.trials.iter().map(TrialOutcome::to_string));
        findings.extend(self.of_best());
        findings
    }

    fn of_outputs(&self) -> String {
        let never = &self.outputs_never_used;
        let same = if self.outputs_at_f1_0 == *never {
            "just these outputs: the encoder never predicts them, whatever they are called"
        } else {
            "not just these outputs"
        };
        format!(
            "{} flows; outputs never used: {never:?}; the families that the summary reports at F1 \
             0 are {same}",
            self.flows
        )
    }

    /// How much of the disagreement with the forest is the names' fault.
    fn of_agreement(&self) -> String {
        let (printed, best) = (self.agreement_printed_names, self.agreement_best_names);
        let said = format!(
            "encoder and forest agree on {:.1} % of the flows by the printed names and on {:.1} % \
             by the best ones",
            100.0 * printed,
            100.0 * best
        );
        if best <= printed {
            return said;
        }
        let by_names = 100.0 * (best - printed) / (1.0 - printed);
        format!("{said}: {by_names:.0} % of their disagreement is in the names, not in the flows")
    }

    /// Which new model has the highest macro F1; none where fewer than two were tried.
    fn of_best(&self) -> Option<String> {
        let mut order: Vec<&TrialOutcome> = self.trials.iter().collect();
        order.sort_by(|a, b| b.macro_f1.value.total_cmp(&a.macro_f1.value));
        let (first, second) = (order.first()?, order.get(1)?);
        let lead = first.macro_f1.value - second.macro_f1.value;
        let chance = match first.runs.len() {
            1 => "; one seed each does not tell a small lead from chance",
            _ => "",
        };
        Some(format!(
            "highest macro F1: {}, {lead:.3} above {}{chance}",
            first.trial.describe(),
            second.trial.describe()
        ))
    }
}
