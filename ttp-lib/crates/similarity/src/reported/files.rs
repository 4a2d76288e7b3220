//! The report's files together: three sets of pairs, and each text with its tactic and template.

use super::{LabelledPairs, Texts, UnseenExamples};
use crate::{Labels, Level, Pairs};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result, files};
use ttp_text::corpus::{Corpus, Kinship, Sentence};

/// The report's files, below `data/raw/` or `TTP_SOURCES`.
pub const REPORT_FILES: [&str; 7] = [
    "cybertune/combined_train.json",
    "cybertune/combined_dev.json",
    "cybertune/combined_test.json",
    "cybertune/categories.json",
    "cybertune/real_world_ttps.json",
    "cybertune/unseen_examples.txt",
    "cybertune/real_world_example_comparison.txt",
];

/// What the report was made of.
#[derive(Debug, Clone)]
pub struct ReportFiles {
    /// Every text of the pairs.
    pub texts: Texts,
    /// The tactics, by their names.
    pub tactics: Vec<String>,
    /// The tactic of each text.
    pub tactic: Vec<u32>,
    /// The template of each text: the sentence that it is, or that it puts a beginning and an end
    /// around. A sentence on a known group is a template with one text.
    pub template: Vec<u32>,
    /// Of which tactic and source each template is, as one number.
    pub(super) strata: Vec<u32>,
    /// The training pairs.
    pub train: Pairs,
    /// The validation pairs.
    pub validation: Pairs,
    /// The test pairs.
    pub test: Pairs,
    /// The twenty examples, and what is published of them.
    pub unseen: UnseenExamples,
}

impl ReportFiles {
    /// Reads the files, in the order of [`REPORT_FILES`].
    ///
    /// # Errors
    /// If a file cannot be read or is not of its form; if a text of the pairs is of no tactic, or
    /// a label is not what the tactics of its two texts say.
    pub fn read(paths: &[PathBuf; 7]) -> Result<Self> {
        let [train, validation, test, synthetic, real, examples, comparison] = paths;
        let mut texts = Texts::default();
        let sets = [train, validation, test]
            .map(|path| LabelledPairs::read(path).map(|file| (texts.pairs(&file), file)));
        let [train, validation, test] = sets;
        let (train, validation, test) = (train?, validation?, test?);
        let sources = [by_tactic(synthetic)?, by_tactic(real)?];
        let tactics: Vec<String> = sources[0].keys().cloned().collect();
        // All sentences that others are variations of, the longest first: where one holds another,
        // the longer one is meant.
        let mut templates: Vec<(String, u32)> = Vec::new();
        for (kind, (path, source)) in [synthetic, real].into_iter().zip(&sources).enumerate() {
            for (tactic, sentences) in source {
                let Some(number) = tactics.iter().position(|known| known == tactic) else {
                    return Err(Error::input_at(path, None, Some(tactic), "no such tactic"));
                };
                let stratum = (2 * number + kind) as u32;
                templates.extend(sentences.iter().map(|s| (s.to_lowercase(), stratum)));
            }
        }
        templates.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.cmp(b)));
        let (mut tactic, mut template) = (Vec::new(), Vec::new());
        for text in texts.all() {
            let lower = text.to_lowercase();
            let Some(at) = templates.iter().position(|(known, _)| lower.contains(known)) else {
                let reason = format!("of no tactic: {text:?}, a text of the pairs");
                return Err(Error::input(synthetic, reason));
            };
            template.push(at as u32);
            tactic.push(templates[at].1 / 2);
        }
        for (pairs, file) in [&train, &validation, &test] {
            let label = |[a, b]: &[u32; 2]| tactic[*a as usize] == tactic[*b as usize];
            let wrong = |(pair, similar): (&[u32; 2], &bool)| label(pair) != *similar;
            if let Some(at) = pairs.rows.iter().zip(&pairs.similar).position(wrong) {
                let reason = "not what the tactics of its two texts say";
                return Err(Error::input_at(&file.file, Some(at + 1), Some("label"), reason));
            }
        }
        Ok(Self {
            tactics,
            tactic,
            template,
            strata: templates.iter().map(|(_, stratum)| *stratum).collect(),
            train: train.0,
            validation: validation.0,
            test: test.0,
            unseen: UnseenExamples::read(examples, comparison)?,
            texts,
        })
    }

    /// How many templates there are.
    pub fn templates(&self) -> usize {
        self.strata.len()
    }

    /// The texts with their tactics for classes.
    ///
    /// # Errors
    /// None in practice: every text has a tactic.
    pub fn labels(&self) -> Result<Labels> {
        let sentence = |(text, tactic): (&str, &u32)| Sentence {
            technique: self.tactics[*tactic as usize].clone(),
            subtechnique: None,
            name: self.tactics[*tactic as usize].clone(),
            text: text.to_owned(),
            source_id: String::new(),
        };
        let sentences = self.texts.all().into_iter().zip(&self.tactic).map(sentence).collect();
        Labels::new(&Corpus { sentences }, Level::Technique, &Kinship::default())
    }

    /// All pairs of the three sets, in their order.
    pub fn all_pairs(&self) -> Pairs {
        let mut all = Pairs::default();
        for set in [&self.train, &self.validation, &self.test] {
            all.rows.extend(&set.rows);
            all.similar.extend(&set.similar);
        }
        all
    }
}

fn by_tactic(path: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let tactics: BTreeMap<String, Vec<String>> = files::read_json(path)?;
    if tactics.is_empty() {
        return Err(Error::input(path, "there is no tactic"));
    }
    for (tactic, sentences) in &tactics {
        // An empty sentence would be part of every text.
        if sentences.is_empty() || sentences.iter().any(|s| s.trim().is_empty()) {
            return Err(Error::input_at(path, None, Some(tactic), "no sentence, or an empty one"));
        }
    }
    Ok(tactics)
}
