//! Training, validation and test parts under three protocols, and a count of what
//! leaks from one into another.
//!
//! The paper balances first and splits then, so a test row may be the twin of a
//! training row. The clean protocol splits the corpus's own sentences first and
//! balances the training part only. [`Leakage`] counts the difference.

mod lost;

pub use lost::Lost;

use crate::balance::{self, Augment, Draws, Fill, Limits, Shortfall, classes, mix};
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
use ttp_base::csv_file::{self, CsvFile};
use ttp_base::error::SettingPath;
use ttp_base::settings::{Range, Setting, above, from_to};
use ttp_base::{Error, Result, files, settings};

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

/// Parts a corpus as it is, nothing trimmed, filled up or cut down, by technique and at random
/// but for the shares. No text of test stands in training or validation and none of validation
/// in training, case, spacing and punctuation set aside; how many rows went for it.
///
/// # Errors
/// If the shares are none ([`Shares::check`]).
pub fn untrimmed(corpus: &Corpus, shares: Shares, seed: u64) -> Result<(Split, usize)> {
    let mut split = stratified(&balance::samples(corpus), shares, seed)?;
    let equal_text = split.set_apart();
    Ok((split, equal_text))
}

/// In which order a corpus is balanced and split, and how small techniques are filled up.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Balance everything as the paper's row count says ([`Fill::Draws`]), then split:
    /// nearly every second test row has a relative in training.
    Paper,
    /// Balance everything as the paper's text says ([`Fill::Rows`]), then split: one test
    /// row in five has a relative in training.
    Told,
    /// Trim and split, then balance the training part only ([`Fill::Rows`]).
    Clean,
}

impl Setting for Protocol {}

impl Protocol {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Told, Self::Clean];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Told => "told",
            Self::Clean => "clean",
        }
    }

    /// How small techniques are filled up.
    pub fn fill(self) -> Fill {
        match self {
            Self::Paper => Fill::Draws,
            Self::Told | Self::Clean => Fill::Rows,
        }
    }

    /// The protocol of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name).ok_or_else(|| {
            let known = Self::ALL.iter().map(|protocol| protocol.name().to_owned()).collect();
            Error::Unknown { kind: "protocol", name: name.to_owned(), known }
        })
    }
}

/// A split, and what every row of the corpus became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The three parts.
    pub split: Split,
    /// The counts.
    pub account: Account,
    /// Techniques that could not be filled up.
    pub short: Vec<Shortfall>,
}

/// How many rows came, went and stayed. `corpus + twins` is the length of the three
/// parts and `trimmed + downsampled + equal_text` together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Rows of the corpus.
    pub corpus: usize,
    /// Rows of techniques too rare to be kept.
    pub trimmed: usize,
    /// Rows drawn to be augmented; 0 where twins are made one by one.
    pub drawn: usize,
    /// Augmented twins made.
    pub twins: usize,
    /// Rows (twins too) cut from large techniques.
    pub downsampled: usize,
    /// Rows taken from training because validation or test has their text, or from
    /// validation because test has it; the clean protocol only.
    pub equal_text: usize,
    /// Rows of the training part.
    pub train: usize,
    /// Rows of the validation part.
    pub validation: usize,
    /// Rows of the test part.
    pub test: usize,
}

/// Balances and splits a corpus by a protocol.
///
/// In the clean protocol the training part is balanced to the limits times its share
/// (200 and 500 become 160 and 400 of an 80 % part), so that its classes are as large
/// as in the paper's training part; no text of test stands in training or validation
/// and none of validation in training, case, spacing and punctuation set aside.
///
/// # Errors
/// If limits or shares make no sense, no technique has enough rows, or a part gets none.
pub fn prepare(
    protocol: Protocol,
    corpus: &Corpus,
    limits: Limits,
    shares: Shares,
    augment: &dyn Augment,
    seed: u64,
) -> Result<Prepared> {
    limits.check()?;
    shares.check()?;
    let trimmed = balance::trim(balance::samples(corpus), limits.trim_below);
    if trimmed.is_empty() {
        return Err(Error::Setting {
            field: "balance.trim_below",
            reason: format!("no technique has {} rows", limits.trim_below),
        });
    }
    let originals = trimmed.len();
    let (split, filled, equal_text, short, draws) = match protocol {
        Protocol::Paper | Protocol::Told => {
            let (rows, short, draws) =
                balance::fill_up(trimmed, protocol.fill(), limits.upsample_to, augment, seed);
            let filled = rows.len();
            let rows = balance::downsample(rows, limits.downsample_to, seed);
            // A seed of its own: the order in which rows are parted must not follow the
            // order in which they were chosen to have twins.
            (stratified(&rows, shares, mix(seed, "parts"))?, filled, 0, short, draws)
        }
        Protocol::Clean => {
            let mut split = stratified(&trimmed, shares, seed)?;
            let equal_text = split.set_apart();
            let limits = limits.scaled(shares.train);
            let apart: HashSet<String> =
                split.validation.iter().chain(&split.test).map(|s| normalised(&s.text)).collect();
            let train = std::mem::take(&mut split.train);
            let before = train.len();
            let (rows, short) =
                balance::upsample_apart(train, limits.upsample_to, augment, seed, &apart);
            let filled = originals + rows.len() - before;
            split.train = balance::downsample(rows, limits.downsample_to, seed);
            split.shuffle(seed);
            (split, filled, equal_text, short, None)
        }
    };
    for (field, share, part) in [
        ("split.train", shares.train, &split.train),
        ("split.validation", shares.validation, &split.validation),
        ("split.test", shares.test, &split.test),
    ] {
        if share > 0.0 && part.is_empty() {
            let reason = format!("{share} of {originals} rows is no row: the part is empty");
            return Err(Error::Setting { field, reason });
        }
    }
    let account = Account {
        corpus: corpus.len(),
        trimmed: corpus.len() - originals,
        drawn: draws.map_or(0, |draws: Draws| draws.drawn),
        twins: filled - originals,
        downsampled: filled - equal_text - split.len(),
        equal_text,
        train: split.train.len(),
        validation: split.validation.len(),
        test: split.test.len(),
    };
    Ok(Prepared { split, account, short })
}

impl Split {
    /// Rows of the three parts together.
    pub fn len(&self) -> usize {
        self.train.len() + self.validation.len() + self.test.len()
    }

    /// Whether no part has a row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The corpus rows that training has a sample of: the original, or a twin of it.
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
    /// If one cannot be written; each file is whole or as it was.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write_csv(&folder.join("train.csv"), &self.train)?;
        write_csv(&folder.join("validation.csv"), &self.validation)?;
        write_csv(&folder.join("test.csv"), &self.test)
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

/// How much of one part the training part has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Rows of the part.
    pub rows: usize,
    /// Rows that are augmented twins themselves.
    pub twins: usize,
    /// Rows whose corpus row training has too: as the original, or as a twin of it.
    pub same_row: usize,
    /// Rows of whose corpus row training has an augmented twin; the rest of `same_row`
    /// are twins of which training has the original only.
    pub twin_in_training: usize,
    /// Rows whose text training has, case, spacing and punctuation set aside.
    pub same_text: usize,
}

/// What leaks from training into validation and test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Leakage {
    /// Of validation.
    pub validation: Seen,
    /// Of test.
    pub test: Seen,
}

impl Leakage {
    /// Counts it.
    pub fn of(split: &Split) -> Self {
        let rows = split.rows_in_training();
        let twins = split.train.iter().filter(|sample| sample.operation != Operation::Original);
        let twins: HashSet<u32> = twins.map(|sample| sample.row).collect();
        let texts: HashSet<String> = split.train.iter().map(|s| normalised(&s.text)).collect();
        let count = |part: &[Sample], of: &dyn Fn(&Sample) -> bool| {
            part.iter().filter(|sample| of(sample)).count()
        };
        let seen = |part: &[Sample]| Seen {
            rows: part.len(),
            twins: count(part, &|sample| sample.operation != Operation::Original),
            same_row: count(part, &|sample| rows.contains(&sample.row)),
            twin_in_training: count(part, &|sample| twins.contains(&sample.row)),
            same_text: count(part, &|sample| texts.contains(&normalised(&sample.text))),
        };
        Self { validation: seen(&split.validation), test: seen(&split.test) }
    }
}

/// The corpus's sentences without their techniques, parted so that a model may be pretrained
/// on the one part and judged afterwards on the test parts of some splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlabelled {
    /// Sentences that no split validates or tests with, of rare techniques too.
    pub train: Vec<String>,
    /// Sentences that some split validates with and none tests with.
    pub validation: Vec<String>,
    /// Sentences that some split tests with: in neither part.
    pub tested: usize,
    /// The [`Split::test_fingerprint`] of each split whose test part was left out.
    pub held_out: Vec<String>,
}

impl Unlabelled {
    /// Parts `corpus` by what `splits` do with it. A row counts as tested where the row
    /// itself, a twin of it, or an equal text (case, spacing and punctuation set aside)
    /// is in a test part; likewise for validation.
    pub fn of(corpus: &Corpus, splits: &[Split]) -> Self {
        let held = |part: fn(&Split) -> &Vec<Sample>| {
            let rows: HashSet<u32> = splits.iter().flat_map(part).map(|s| s.row).collect();
            let texts = splits.iter().flat_map(part).map(|s| s.text.as_str());
            let originals = rows.iter().filter_map(|&row| corpus.sentences.get(row as usize));
            let texts: HashSet<String> =
                texts.chain(originals.map(|s| s.text.as_str())).map(normalised).collect();
            (rows, texts)
        };
        let (tested, validated) = (held(|split| &split.test), held(|split| &split.validation));
        let is_in = |(rows, texts): &(HashSet<u32>, HashSet<String>), row: u32, text: &str| {
            rows.contains(&row) || texts.contains(&normalised(text))
        };
        let mut parts = Self {
            train: Vec::new(),
            validation: Vec::new(),
            tested: 0,
            held_out: splits.iter().map(Split::test_fingerprint).collect(),
        };
        for (row, sentence) in (0..).zip(&corpus.sentences) {
            let text = &sentence.text;
            if is_in(&tested, row, text) {
                parts.tested += 1;
            } else if is_in(&validated, row, text) {
                parts.validation.push(text.clone());
            } else {
                parts.train.push(text.clone());
            }
        }
        parts
    }
}

/// How much of one technique's test rows training has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeakedTechnique {
    /// The technique.
    pub technique: String,
    /// Its test rows; at least one.
    pub rows: usize,
    /// Those of which training has a sample of the same corpus row.
    pub seen: usize,
}

impl LeakedTechnique {
    /// The share of its test rows that was seen, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.seen as f64 / self.rows as f64
    }
}

/// Leakage into the test part for each technique, the largest share first.
pub fn leakage_by_technique(split: &Split) -> Vec<LeakedTechnique> {
    let training = split.rows_in_training();
    let of = |(technique, rows): (&str, Vec<usize>)| LeakedTechnique {
        technique: technique.to_owned(),
        rows: rows.len(),
        seen: rows.iter().filter(|at| training.contains(&split.test[**at].row)).count(),
    };
    let mut techniques: Vec<_> = classes(&split.test).into_iter().map(of).collect();
    techniques.sort_by(|a, b| b.share().total_cmp(&a.share()));
    techniques
}

/// The header of a part's file.
pub const COLUMNS: [&str; 4] = ["row", "technique", "sentence", "operation"];

/// Writes samples to a CSV file, whole or not at all.
///
/// The sentences are written by attackers as much as by analysts, so a cell that a
/// spreadsheet would take for a formula is put behind an apostrophe; [`read_csv`]
/// takes it off again, and any text comes back as it was.
///
/// # Errors
/// If the file cannot be written; what was there before stays.
pub fn write_csv(path: &Path, samples: &[Sample]) -> Result<()> {
    files::write_whole(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        let failed = |error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(source) => Error::file(path, "write")(source),
            other => Error::input(path, format!("{other:?}")),
        };
        writer.write_record(COLUMNS).map_err(failed)?;
        for sample in samples {
            let row = sample.row.to_string();
            let (technique, text) = (guarded(&sample.technique), guarded(&sample.text));
            let cells = [&row, technique.as_str(), &text, sample.operation.name()];
            writer.write_record(cells).map_err(failed)?;
        }
        writer.flush().map_err(Error::file(path, "write"))
    })
}

/// Reads what [`write_csv`] wrote.
///
/// # Errors
/// If the file cannot be read, has other columns, bytes that are not UTF-8, a row that
/// is no number, an empty technique or sentence, or an unknown operation: row and
/// field are named.
pub fn read_csv(path: &Path) -> Result<Vec<Sample>> {
    let mut rows = CsvFile::open(path)?;
    let header = rows.names();
    if header != COLUMNS {
        let reason = format!("columns {} expected, found {}", COLUMNS.join(","), header.join(","));
        return Err(Error::input_at(path, Some(1), None, reason));
    }
    let mut samples = Vec::new();
    let mut record = csv::ByteRecord::new();
    while let Some(line) = rows.next(&mut record)? {
        let line = Some(line);
        let wrong = |column: usize, reason: &str| {
            Error::input_at(path, line, Some(COLUMNS[column]), reason)
        };
        let cell = |column: usize| {
            let text = csv_file::text(record.get(column).unwrap_or_default());
            match text.map_err(|reason| wrong(column, &reason))? {
                "" => Err(wrong(column, "empty")),
                text => Ok(text),
            }
        };
        samples.push(Sample {
            row: cell(0)?.parse().map_err(|_| wrong(0, "not a row number"))?,
            technique: unguarded(cell(1)?).to_owned(),
            text: unguarded(cell(2)?).to_owned(),
            operation: Operation::from_name(cell(3)?)
                .ok_or_else(|| wrong(3, "unknown operation"))?,
        });
    }
    Ok(samples)
}

/// Whether a spreadsheet would take the cell for a formula, apostrophes in front set aside.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn guarded(cell: &str) -> String {
    if is_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(bare) if is_formula(bare) => bare,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::corpus::Sentence;
    use std::collections::BTreeMap;

    fn corpus(classes: &[(&str, usize)]) -> Corpus {
        let mut sentences = Vec::new();
        for (technique, rows) in classes {
            for row in 0..*rows {
                sentences.push(Sentence {
                    technique: (*technique).to_owned(),
                    subtechnique: None,
                    name: (*technique).to_owned(),
                    // One text in ten is shared by all techniques, in other letters.
                    text: match row % 10 {
                        0 if *technique == "T1" => format!("Shared sentence {row}."),
                        0 => format!("shared  SENTENCE {row}"),
                        _ => format!("sentence {row} of {technique}"),
                    },
                    source_id: "test".to_owned(),
                });
            }
        }
        Corpus { sentences }
    }

    #[test]
    fn no_sentence_that_is_tested_is_pretrained_on() {
        let corpus = corpus(&[("T1", 30), ("T2", 30), ("T3", 4)]);
        let sample = |row: u32, text: &str| Sample {
            row,
            technique: "T1".to_owned(),
            text: text.to_owned(),
            operation: Operation::Swap,
        };
        let splits = [
            Split {
                train: vec![sample(5, "")],
                validation: vec![sample(1, ""), sample(2, "")],
                test: vec![sample(2, "a twin"), sample(0, "")],
            },
            Split {
                train: vec![sample(2, "")],
                validation: vec![],
                test: vec![sample(3, ""), sample(4, "SENTENCE 3 OF T3")],
            },
        ];
        let parts = Unlabelled::of(&corpus, &splits);
        // Row 0's text is row 30's too, in other letters; T3's last one is tested as a text.
        for text in [
            "Shared sentence 0.",
            "shared  SENTENCE 0",
            "sentence 2 of T1",
            "sentence 3 of T1",
            "sentence 4 of T1",
            "sentence 3 of T3",
        ] {
            assert!(!parts.train.iter().chain(&parts.validation).any(|t| t == text), "{text}");
        }
        assert_eq!(parts.validation, ["sentence 1 of T1"]);
        assert!(parts.train.contains(&"sentence 1 of T3".to_owned()));
        assert_eq!(parts.train.len() + 1 + parts.tested, corpus.len());
        // T3's own first text is a shared one as well.
        assert_eq!(parts.tested, 3 + 4);
    }

    fn twins(text: &str, seed: u64) -> Vec<(Operation, String)> {
        // The second is a text of the corpus: it must not come into training by this door.
        vec![
            (Operation::Swap, format!("{text} {seed}")),
            (Operation::Removal, format!("shared sentence {}0", seed % 10)),
        ]
    }

    fn prepared(protocol: Protocol, seed: u64) -> Prepared {
        let corpus = corpus(&[("T1", 120), ("T2", 99), ("T3", 700), ("T4", 155)]);
        prepare(protocol, &corpus, Limits::default(), Shares::default(), &twins, seed).unwrap()
    }

    #[test]
    fn the_papers_protocol_splits_the_balanced_rows() {
        let corpus = corpus(&[("T1", 120), ("T2", 99), ("T3", 700), ("T4", 155)]);
        for protocol in [Protocol::Paper, Protocol::Told] {
            let (limits, fill) = (Limits::default(), protocol.fill());
            let balanced = balance::balance(&corpus, limits, fill, &twins, 4);
            let mut balanced = balanced.unwrap().samples;
            let split = prepared(protocol, 4).split;
            let mut parts = [split.train, split.validation, split.test].concat();
            let key = |sample: &Sample| (sample.row, sample.text.clone(), sample.operation);
            balanced.sort_by_key(key);
            parts.sort_by_key(key);
            assert_eq!(parts, balanced);
        }
    }

    #[test]
    fn shares_are_met_in_every_technique() {
        let samples = balance::samples(&corpus(&[("T1", 120), ("T2", 99), ("T3", 7)]));
        let split = stratified(&samples, Shares::default(), 3).unwrap();
        let of =
            |part: &[Sample]| balance::counts(part).into_iter().map(|(_, n)| n).collect::<Vec<_>>();
        assert_eq!(of(&split.train), [96, 79, 5]);
        assert_eq!(of(&split.validation), [12, 10, 1]);
        assert_eq!(of(&split.test), [12, 10, 1]);
        let rows: HashSet<u32> = [&split.train, &split.validation, &split.test]
            .into_iter()
            .flatten()
            .map(|s| s.row)
            .collect();
        assert_eq!(rows.len(), samples.len(), "each row once");
        assert_eq!(split, stratified(&samples, Shares::default(), 3).unwrap());
        assert_ne!(split, stratified(&samples, Shares::default(), 4).unwrap());
    }

    #[test]
    fn no_rounding_loses_or_invents_a_row() {
        let odd = Shares { train: 0.7, validation: 0.2, test: 0.1 };
        for shares in [Shares::default(), odd, Shares { train: 1.0, validation: 0.0, test: 0.0 }] {
            for rows in 0..2_000 {
                let parts = shares.of(rows);
                assert_eq!(parts.iter().sum::<usize>(), rows);
                for (part, share) in
                    parts.into_iter().zip([shares.train, shares.validation, shares.test])
                {
                    assert!((part as f64 - share * rows as f64).abs() < 1.0, "{rows}: {parts:?}");
                }
            }
        }
    }

    #[test]
    fn shares_that_are_none_are_named() {
        let said = |train, validation, test| {
            Shares { train, validation, test }.check().unwrap_err().to_string()
        };
        assert_eq!(said(0.8, 0.1, 0.2), "setting split: they add up to 1.1, not 1");
        assert_eq!(said(1.2, -0.1, -0.1), "setting split.train: 1.2 is not from 0 to 1");
        assert_eq!(said(0.5, f64::NAN, 0.5), "setting split.validation: NaN is not from 0 to 1");
        assert_eq!(said(0.0, 0.5, 0.5), "setting split.train: 0: nothing to train on");
    }

    #[test]
    fn the_clean_protocol_leaks_nothing_and_the_papers_does() {
        let mut shared_texts = 0;
        for seed in 0..5 {
            let clean = prepared(Protocol::Clean, seed);
            let leakage = Leakage::of(&clean.split);
            for seen in [leakage.validation, leakage.test] {
                assert_eq!((seen.twins, seen.same_row, seen.same_text), (0, 0, 0));
                assert!(seen.rows > 0);
            }
            assert!(clean.account.equal_text > 0, "the corpus has equal texts");
            let test: HashSet<_> = clean.split.test.iter().map(|s| normalised(&s.text)).collect();
            assert!(clean.split.validation.iter().all(|s| !test.contains(&normalised(&s.text))));

            let [paper, told] = [Protocol::Paper, Protocol::Told]
                .map(|protocol| Leakage::of(&prepared(protocol, seed).split).test);
            assert!(told.same_row > 0 && told.twins > 0, "{told:?}");
            let share = |seen: Seen| seen.same_row as f64 / seen.rows as f64;
            assert!(share(paper) > 1.5 * share(told), "{paper:?} {told:?}");
            shared_texts += paper.same_text + told.same_text;
        }
        assert!(shared_texts > 0);
    }

    #[test]
    fn leakage_is_counted_by_row_and_by_text() {
        let sample = |row, text: &str, operation| Sample {
            row,
            technique: "T1".into(),
            text: text.into(),
            operation,
        };
        let split = Split {
            train: vec![sample(1, "a b", Operation::Original), sample(2, "c d", Operation::Swap)],
            validation: vec![sample(3, "e", Operation::Original)],
            test: vec![
                sample(1, "b a", Operation::Swap),
                sample(2, "d c", Operation::Original),
                sample(4, "A, b!", Operation::Original),
                sample(5, "new", Operation::Original),
            ],
        };
        let leakage = Leakage::of(&split);
        assert_eq!(
            leakage.test,
            Seen { rows: 4, twins: 1, same_row: 2, twin_in_training: 1, same_text: 1 }
        );
        assert_eq!(
            leakage.validation,
            Seen { rows: 1, twins: 0, same_row: 0, twin_in_training: 0, same_text: 0 }
        );
    }

    #[test]
    fn every_row_is_accounted_for() {
        for protocol in Protocol::ALL {
            let Prepared { split, account, .. } = prepared(protocol, 1);
            assert_eq!(
                account.corpus + account.twins,
                split.len() + account.trimmed + account.downsampled + account.equal_text
            );
            assert_eq!(account.trimmed, 99);
            let counts: BTreeMap<_, _> = balance::counts(&split.train).into_iter().collect();
            assert_eq!(counts.len(), 3);
            assert!(counts.values().all(|n| (159..=400).contains(n)), "{counts:?}");
            let drawn = if protocol == Protocol::Paper { 80 + 45 } else { 0 };
            assert_eq!(account.drawn, drawn);
        }
    }

    #[test]
    fn unknown_protocols_are_named() {
        let message = Protocol::from_name("Clean").unwrap_err().to_string();
        assert_eq!(message, "unknown protocol \"Clean\"; known: paper, told, clean");
        assert_eq!(Protocol::from_name("clean").unwrap(), Protocol::Clean);
    }

    #[test]
    fn hostile_sentences_come_back_as_they_were_and_start_no_formula() {
        let texts = [
            "=HYPERLINK(\"http://evil.example\",\"x\")",
            "+1",
            "-2+3",
            "@SUM(A1)",
            "\tcell",
            "\rcell",
            "'quoted'",
            "'=1",
            "''=1",
            "'",
            "a,\"b\"\n\r\nc",
            "<script>alert(1)</script></style>",
            "\u{1b}[31mred\u{1b}[0m",
            "\u{202e}exe.txt",
            " leading and trailing ",
        ];
        let samples: Vec<_> = (0..)
            .zip(texts)
            .map(|(row, text)| Sample {
                row,
                technique: text.into(),
                text: text.into(),
                operation: Operation::Insertion,
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.csv");
        write_csv(&path, &samples).unwrap();
        assert_eq!(read_csv(&path).unwrap(), samples);
        let mut reader = csv::Reader::from_path(&path).unwrap();
        for record in reader.records() {
            for cell in &record.unwrap() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
            }
        }
    }

    #[test]
    fn what_a_split_lost_is_told() {
        struct Mute;
        impl Augment for Mute {
            fn variants(&self, _: &str, _: u64) -> Vec<(Operation, String)> {
                Vec::new()
            }
        }
        let corpus = corpus(&[("T1", 30), ("T2", 5), ("T3", 2)]);
        let limits = Limits { trim_below: 4, upsample_to: 10, downsample_to: 40 };
        let of = |shares| prepare(Protocol::Clean, &corpus, limits, shares, &Mute, 1);
        let prepared = of(Shares::default()).unwrap();
        let lost = Lost::of(&prepared, &corpus);
        assert_eq!(lost.trimmed, BTreeMap::from([("T3".to_owned(), 2)]));
        // A tenth of five rows is half a row: of the two parts one gets it.
        assert_eq!((lost.without_validation.len(), lost.without_test.len()), (0, 1));
        let text = lost.to_string();
        assert!(text.contains("too rare to be kept: 1 techniques, 2 rows"), "{text}");
        assert!(text.contains("not filled up, for want of new twins: T2 (4 of 8)"), "{text}");
        assert!(text.contains("without a row in test: T2"), "{text}");
        assert!(!text.contains("without a row in validation"), "{text}");
        let tiny = Limits { trim_below: 1, ..limits };
        let few = Corpus { sentences: corpus.sentences[30..34].to_vec() };
        let error = prepare(Protocol::Clean, &few, tiny, Shares::default(), &Mute, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "setting split.test: 0.1 of 4 rows is no row: the part is empty"
        );
    }

    #[test]
    fn a_split_is_read_back_and_mistakes_in_it_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let split = prepared(Protocol::Clean, 1).split;
        split.write(folder.path()).unwrap();
        assert_eq!(Split::read(folder.path()).unwrap(), split);

        let path = folder.path().join("bad.csv");
        let said = |content: &[u8]| {
            std::fs::write(&path, content).unwrap();
            let message = read_csv(&path).unwrap_err().to_string();
            message.replace(&path.display().to_string(), "bad.csv")
        };
        assert_eq!(
            said(b"technique,sentence\n"),
            "bad.csv, row 1: columns row,technique,sentence,operation expected, found technique,sentence"
        );
        let header = "row,technique,sentence,operation\n";
        let row = |row: &str| said(format!("{header}1,T1,fine,swap\n{row}\n").as_bytes());
        assert_eq!(row("x,T1,a,swap"), "bad.csv, row 3, field \"row\": not a row number");
        assert_eq!(row("1,,a,swap"), "bad.csv, row 3, field \"technique\": empty");
        assert_eq!(row("1,T1,,swap"), "bad.csv, row 3, field \"sentence\": empty");
        assert_eq!(row("1,T1,a,spin"), "bad.csv, row 3, field \"operation\": unknown operation");
        assert_eq!(row("1,T1"), "bad.csv, row 3: 2 cells, the header has 4");
        let latin = [header.as_bytes(), b"1,T1,caf\xe9,swap\n"].concat();
        let expected = "bad.csv, row 2, field \"sentence\": not UTF-8";
        assert!(said(&latin).starts_with(expected), "{}", said(&latin));
    }
}
