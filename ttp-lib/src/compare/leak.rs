//! What leakage is worth: the paper's protocol minus the clean one.

use super::model_answers::{ModelAnswers, under};
use serde::Serialize;
use std::fmt;
use ttp_base::Result;
use ttp_metrics::{Bootstrap, Estimate, Scores};
use ttp_text::split::Protocol;

/// One checkpoint under the paper's protocol and under the clean one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leak {
    /// The checkpoint.
    pub checkpoint: String,
    /// Test rows under the paper's protocol.
    pub paper_rows: usize,
    /// Test rows under the clean one.
    pub clean_rows: usize,
    /// The paper's scores minus the clean ones.
    pub difference: Scores<Estimate>,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scores { accuracy, f1, .. } = &self.difference;
        let verdict = match (f1.macro_.excludes_zero(), f1.macro_.value > 0.0) {
            (true, true) => "the paper's protocol scores higher, beyond the interval",
            (true, false) => "the paper's protocol scores lower, beyond the interval",
            (false, _) => "the interval holds 0",
        };
        write!(
            f,
            "{}, the paper's protocol minus the clean one: macro F1 {}, accuracy {}: {verdict}",
            self.checkpoint,
            f1.macro_.signed(),
            accuracy.signed(),
        )
    }
}

/// What the paper's protocol adds to each checkpoint's scores over the clean one. The
/// two have other test rows, and other models that were trained on other rows: each side
/// is resampled on its own. Leakage is not all they differ in: the paper's test part is
/// balanced and holds augmented sentences, the clean one has the corpus's own shares and
/// sentences alone. Where both test parts hold a sentence, the interval is a little too wide.
///
/// # Errors
/// As [`Bootstrap::unpaired`].
pub fn paper_minus_clean(models: &[ModelAnswers], bootstrap: Bootstrap) -> Result<Vec<Leak>> {
    let mut found = Vec::new();
    for paper in under(models, Protocol::Paper) {
        let clean = under(models, Protocol::Clean).find(|clean| clean.name() == paper.name());
        let Some(clean) = clean else { continue };
        found.push(Leak {
            checkpoint: paper.name().to_owned(),
            paper_rows: paper.truth.len(),
            clean_rows: clean.truth.len(),
            difference: bootstrap.unpaired(&paper.part(), &clean.part())?,
        });
    }
    Ok(found)
}
