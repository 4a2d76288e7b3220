//! What a split leaves out, and which of its classes cannot be judged.

use super::{PreparedSplit, Split};
use crate::balance::Shortfall;
use crate::corpus::{Corpus, Operation, Sample, clean::normalised};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What balancing and splitting lost, by technique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SplitLosses {
    /// Techniques that are too rare to be kept, and their rows.
    pub trimmed: BTreeMap<String, usize>,
    /// Techniques that could not be filled up.
    pub short: Vec<Shortfall>,
    /// Techniques that are kept and have no row in validation.
    pub without_validation: Vec<String>,
    /// Techniques that are kept and have no row in test: nothing says whether a model finds them.
    pub without_test: Vec<String>,
    /// Texts of the split (copies aside) that stand under more than one technique.
    pub texts_of_several: usize,
}

impl SplitLosses {
    /// What `prepared` lost of `corpus`.
    pub fn of(prepared: &PreparedSplit, corpus: &Corpus) -> Self {
        let split = &prepared.split;
        let labels = |part: &[Sample]| -> BTreeSet<String> {
            part.iter().map(|sample| sample.technique.clone()).collect()
        };
        let (validation, test) = (labels(&split.validation), labels(&split.test));
        let kept: BTreeSet<String> =
            labels(&split.train).union(&validation).cloned().chain(test.iter().cloned()).collect();
        let without = |part: &BTreeSet<String>| kept.difference(part).cloned().collect();
        let trimmed = corpus.counts().into_iter().filter(|(label, _)| !kept.contains(label));
        Self {
            trimmed: trimmed.collect(),
            short: prepared.short.clone(),
            without_validation: without(&validation),
            without_test: without(&test),
            texts_of_several: texts_of_several(split),
        }
    }
}

fn texts_of_several(split: &Split) -> usize {
    let mut labels: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for sample in split.train.iter().chain(&split.validation).chain(&split.test) {
        if sample.operation == Operation::Original {
            labels.entry(normalised(&sample.text)).or_default().insert(&sample.technique);
        }
    }
    labels.values().filter(|labels| labels.len() > 1).count()
}

/// As many techniques are named in a line, where they are only counted in what follows.
const NAMED: usize = 8;

/// The first of the names, and how many more there are.
fn first_of<S: AsRef<str>>(names: &[S]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let first: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    format!("{}{rest}", first.join(", "))
}

impl fmt::Display for SplitLosses {
    /// One line for each loss; nothing where nothing was lost.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        if !self.trimmed.is_empty() {
            let rows: usize = self.trimmed.values().sum();
            let names: Vec<&str> = self.trimmed.keys().map(String::as_str).collect();
            lines.push(format!(
                "too rare to be kept: {} techniques, {rows} rows: {}",
                names.len(),
                first_of(&names)
            ));
        }
        if self.texts_of_several > 0 {
            let texts = self.texts_of_several;
            lines.push(format!("texts that stand under more than one technique: {texts}"));
        }
        if !self.short.is_empty() {
            let one = |s: &Shortfall| format!("{} ({} of {})", s.technique, s.rows, s.wanted);
            let short: Vec<String> = self.short.iter().map(one).collect();
            lines.push(format!(
                "not filled up, for want of new augmented copies: {}",
                first_of(&short)
            ));
        }
        for (part, labels) in
            [("validation", &self.without_validation), ("test", &self.without_test)]
        {
            if !labels.is_empty() {
                lines.push(format!("without a row in {part}: {}", labels.join(", ")));
            }
        }
        f.write_str(&lines.join("\n"))
    }
}
