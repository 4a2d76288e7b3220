//! The pairs that models are trained and judged on: the report's split, and one without a leak.

use super::{PairLeak, ReportFiles};
use crate::{Pairs, TestPairs};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use ttp_base::{Error, Result};
use ttp_metrics::Groups;

/// What a model is judged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroundName {
    /// The report's own split, pairs cut at random.
    Report,
    /// The same pairs, cut so that no text and no template is in two sets.
    Disjoint,
    /// Procedure examples of MITRE ATT&CK, similar where they are of one tactic.
    Attack,
}

impl GroundName {
    /// Its name, as in a result.
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Disjoint => "disjoint",
            Self::Attack => "attack",
        }
    }

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Report => "the report's split",
            Self::Disjoint => "no text and no template on both sides",
            Self::Attack => "ATT&CK's sentences by tactic",
        }
    }
}

impl fmt::Display for GroundName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.about())
    }
}

/// Pairs in three sets.
#[derive(Debug, Clone)]
pub struct Ground {
    /// What models are trained on.
    pub train: Pairs,
    /// What thresholds are fixed on.
    pub validation: Pairs,
    /// What is reported.
    pub test: TestPairs,
    /// Pairs that stand in none of the three, because their texts do not stand in one.
    pub left_out: usize,
}

impl Ground {
    /// The report's own three sets.
    ///
    /// # Errors
    /// None in practice: every text of the files has a template.
    pub fn as_reported(files: &ReportFiles) -> Result<Self> {
        Ok(Self {
            train: files.train.clone(),
            validation: files.validation.clone(),
            test: TestPairs::new(files.test.clone(), &by_template(files))?,
            left_out: 0,
        })
    }

    /// All pairs of the report cut anew: of the templates of each tactic and source a fourth goes
    /// to test and a fourth to validation, drawn by the seed, the rest to training, each with all
    /// its variations. Of the pairs, those count whose two texts are in one set.
    ///
    /// # Errors
    /// If a set ends without a similar pair, or without another one.
    pub fn disjoint(files: &ReportFiles, seed: u64) -> Result<Self> {
        let mut strata: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (template, stratum) in (0..).zip(&files.strata) {
            strata.entry(*stratum).or_default().push(template);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut set_of = vec![0; files.templates()];
        for templates in strata.values_mut() {
            templates.shuffle(&mut rng);
            let held = (templates.len() / 4).max(1);
            for (at, template) in templates.iter().enumerate() {
                set_of[*template as usize] = if at < held {
                    2
                } else if at < 2 * held {
                    1
                } else {
                    0
                };
            }
        }
        let all = files.all_pairs();
        let mut sets = [Pairs::default(), Pairs::default(), Pairs::default()];
        let mut left_out = 0;
        for (pair, similar) in all.rows.iter().zip(&all.similar) {
            let [one, two] = pair.map(|text| set_of[files.template[text as usize] as usize]);
            if one == two {
                sets[one].rows.push(*pair);
                sets[one].similar.push(*similar);
            } else {
                left_out += 1;
            }
        }
        if sets.iter().any(|set| set.similar_count() == 0 || set.similar_count() == set.len()) {
            let reason = "a set has no similar pair, or no other: too few sentences a tactic";
            return Err(Error::Setting { field: "pairs", reason: reason.to_owned() });
        }
        let [train, validation, test] = sets;
        let test = TestPairs::new(test, &by_template(files))?;
        Ok(Self { train, validation, test, left_out })
    }

    /// What its test pairs have in common with its training pairs.
    pub fn leak(&self, files: &ReportFiles) -> PairLeak {
        PairLeak::count(&self.test.pairs, &self.train, &files.template)
    }

    /// The same with so many of the training pairs, drawn by the seed.
    #[must_use]
    pub fn cut(mut self, pairs: Option<usize>, seed: u64) -> Self {
        let Some(count) = pairs.filter(|count| *count < self.train.len()) else { return self };
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        order.truncate(count);
        order.sort_unstable();
        self.train = Pairs {
            rows: order.iter().map(|&at| self.train.rows[at]).collect(),
            similar: order.iter().map(|&at| self.train.similar[at]).collect(),
            ..Pairs::default()
        };
        self
    }
}

/// The bootstrap draws templates: their variations are no independent sentences.
fn by_template(files: &ReportFiles) -> Groups {
    Groups::by(&files.template)
}
