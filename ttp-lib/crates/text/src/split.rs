//! Training, validation and test parts under the protocols, and a count of what
//! leaks from one into another.
//!
//! The paper balances first and splits then, so a test row may be the copy of a
//! training row. The clean protocol splits the corpus's own sentences first and
//! balances the training part only; the grouped one keeps near-duplicates on one side, too.
//! [`Leakage`] counts the difference.

mod check;
mod duplicates;
mod files;
mod grouped;
mod leakage;
mod losses;
mod prepare;
mod shown;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod unlabelled;

pub use duplicates::{NEAR_DUPLICATE, near_duplicates};
pub use files::{COLUMNS, read_csv, write_csv};
pub use leakage::{Leakage, LeakedTechnique, TrainingOverlap, leakage_by_technique};
pub use losses::SplitLosses;
pub use prepare::{Account, PreparedSplit, Protocol, prepare};
pub use shown::{accounts_table, leakage_table, sizes_table};
pub use unlabelled::Unlabelled;

use crate::balance::{self, classes, mix};
use crate::corpus::clean::normalised;
use crate::corpus::{Corpus, Operation, Sample};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::Path;
use ttp_base::error::SettingPath;
use ttp_base::settings::{Range, above, from_to};
use ttp_base::{Error, Result, settings};

/// The share of each part, each from 0 to 1, together 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// For training; above 0.
    pub train: f64,
    /// For choosing among models.
    pub validation: f64,
    /// For the figures that are reported.
    pub test: f64,
}

impl Default for Shares {
    /// 80, 10 and 10 per cent.
    fn default() -> Self {
        Self { train: 0.8, validation: 0.1, test: 0.1 }
    }
}

/// A share of one whole.
const SHARE: Range = from_to(0.0, 1.0);

settings!(
    Shares, "split", { train: SHARE, validation: SHARE, test: SHARE },
    with { train: above(0.0).or("0: nothing to train on") },
    also Self::are_whole
);

impl Shares {
    fn are_whole(&self, at: &SettingPath) -> Result<()> {
        let sum: f64 = [self.train, self.validation, self.test].iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            return at.refuse(format!("they add up to {sum}, not 1"));
        }
        Ok(())
    }

    /// How `rows` rows are shared out: whole parts first, what is left to the largest
    /// remainders (Hare's quota), of equal ones to the earlier part.
    ///
    /// ```
    /// use ttp_text::split::Shares;
    /// assert_eq!(Shares::default().of(200), [160, 20, 20]);
    /// assert_eq!(Shares::default().of(104), [83, 11, 10]); // 83.2, 10.4, 10.4
    /// assert_eq!(Shares::default().of(1), [1, 0, 0]);
    /// ```
    pub fn of(&self, rows: usize) -> [usize; 3] {
        let exact = [self.train, self.validation, self.test].map(|share| share * rows as f64);
        // 0.1 × 35 is 3.5000000000000004: what is within rounding of a whole is the whole.
        let mut parts = exact.map(|part| (part + 1e-9).floor() as usize);
        let mut order = [0, 1, 2];
        let remainder = |part: usize| ((exact[part] - parts[part] as f64) * 1e6).round() as i64;
        order.sort_by_key(|part| -remainder(*part));
        let left = rows.saturating_sub(parts.iter().sum());
        order.iter().take(left).for_each(|part| parts[*part] += 1);
        parts
    }
}

/// A corpus in three parts, each in a shuffled order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// What a model learns from.
    pub train: Vec<Sample>,
    /// What the best model is chosen by.
    pub validation: Vec<Sample>,
    /// What is reported.
    pub test: Vec<Sample>,
}

impl Split {
    /// The split with the training rows that are sentences of the corpus as they stand there: no
    /// augmented copy. Validation and test stay.
    #[must_use]
    pub fn without_copies(&self) -> Self {
        let original = |sample: &&Sample| sample.operation == Operation::Original;
        let train = self.train.iter().filter(original).cloned().collect();
        Self { train, ..self.clone() }
    }
}

/// Shares the rows of each technique out over the three parts, at random but for the
/// shares. The result is a function of the rows and the seed alone.
///
/// # Errors
/// If the shares are none ([`Shares::check`]).
pub fn stratified(samples: &[Sample], shares: Shares, seed: u64) -> Result<Split> {
    shares.check()?;
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for (technique, mut rows) in classes(samples) {
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(mix(seed, technique)));
        let mut rows = rows.into_iter();
        for (part, count) in parts.iter_mut().zip(shares.of(rows.len())) {
            part.extend(rows.by_ref().take(count).map(|at| samples[at].clone()));
        }
    }
    let [train, validation, test] = parts;
    let mut split = Split { train, validation, test };
    split.shuffle(seed);
    Ok(split)
}

/// Why a part of so many rows is empty.
fn too_few(rows: usize) -> impl Fn(f64) -> String {
    move |share| format!("{share} of {rows} rows is no row: the part is empty")
}

/// A corpus parted as it is.
#[derive(Debug, Clone)]
pub struct UntrimmedSplit {
    /// The three parts.
    pub split: Split,
    /// Rows that went, as another part has their text.
    pub equal_text: usize,
}

impl UntrimmedSplit {
    /// Parts a corpus as it is, nothing trimmed, filled up or cut down, by technique and at random
    /// but for the shares. No text of test stands in training or validation and none of validation
    /// in training, case, spacing and punctuation set aside.
    ///
    /// # Errors
    /// If the shares are none ([`Shares::check`]), or leave a part without a row.
    pub fn of(corpus: &Corpus, shares: Shares, seed: u64) -> Result<Self> {
        let mut split = stratified(&balance::samples(corpus), shares, seed)?;
        let settings =
            ["remedies.shares.train", "remedies.shares.validation", "remedies.shares.test"];
        split.refuse_empty_parts(shares, settings, too_few(corpus.len()))?;
        let equal_text = split.set_apart();
        let none_of_its_own = |_| "the part is empty: other parts have all its texts".to_owned();
        split.refuse_empty_parts(shares, settings, none_of_its_own)?;
        Ok(Self { split, equal_text })
    }
}

impl Split {
    /// An error for a part that has a share of the rows and no row: the first of training,
    /// validation and test, by the name of its setting, with a reason for that share.
    fn refuse_empty_parts(
        &self,
        shares: Shares,
        settings: [&'static str; 3],
        reason: impl Fn(f64) -> String,
    ) -> Result<()> {
        let parts = [&self.train, &self.validation, &self.test];
        let shares = [shares.train, shares.validation, shares.test];
        for ((part, share), field) in parts.into_iter().zip(shares).zip(settings) {
            if share > 0.0 && part.is_empty() {
                return Err(Error::Setting { field, reason: reason(share) });
            }
        }
        Ok(())
    }

    /// Rows of the three parts together.
    pub fn len(&self) -> usize {
        self.train.len() + self.validation.len() + self.test.len()
    }

    /// Whether no part has a row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The corpus rows that training has a sample of: the original, or a copy of it.
    pub fn rows_in_training(&self) -> HashSet<u32> {
        self.train.iter().map(|sample| sample.row).collect()
    }

    /// SHA-256 over the test part: the rows and texts that no model of this split may have seen.
    pub fn test_fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for sample in &self.test {
            hash.update(format!("{}\0{}\0", sample.row, sample.text));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes `train.csv`, `validation.csv` and `test.csv` into a folder.
    ///
    /// # Errors
    /// If one cannot be written; all are as they were then, for rows that train in one split may
    /// be test rows in another.
    pub fn write(&self, folder: &Path) -> Result<()> {
        ttp_base::files::write_together(
            folder,
            &["train.csv", "validation.csv", "test.csv"],
            |to| {
                write_csv(&to.join("train.csv"), &self.train)?;
                write_csv(&to.join("validation.csv"), &self.validation)?;
                write_csv(&to.join("test.csv"), &self.test)
            },
        )
    }

    /// Reads what [`Split::write`] wrote.
    ///
    /// # Errors
    /// As [`read_csv`].
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            train: read_csv(&folder.join("train.csv"))?,
            validation: read_csv(&folder.join("validation.csv"))?,
            test: read_csv(&folder.join("test.csv"))?,
        })
    }

    fn shuffle(&mut self, seed: u64) {
        for (name, part) in [
            ("train", &mut self.train),
            ("validation", &mut self.validation),
            ("test", &mut self.test),
        ] {
            part.shuffle(&mut ChaCha8Rng::seed_from_u64(mix(seed, name)));
        }
    }

    /// Takes rows out of training whose text validation or test has, and rows out of
    /// validation whose text test has: two techniques may share a text. How many.
    fn set_apart(&mut self) -> usize {
        let before = self.len();
        let texts =
            |part: &[Sample]| part.iter().map(|s| normalised(&s.text)).collect::<HashSet<_>>();
        let test = texts(&self.test);
        self.validation.retain(|sample| !test.contains(&normalised(&sample.text)));
        let validation = texts(&self.validation);
        self.train.retain(|sample| {
            let text = normalised(&sample.text);
            !test.contains(&text) && !validation.contains(&text)
        });
        before - self.len()
    }
}
