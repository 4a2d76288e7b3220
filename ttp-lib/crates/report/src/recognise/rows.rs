//! What a report model learns from and is measured on: procedure sentences, and the bundle's prose
//! that shows no technique.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use ttp_lib::balance::Limits;
use ttp_lib::corpus::clean::normalised;
use ttp_lib::corpus::{self, Corpus, NearTexts, Operation, ProseKind, ProseSentence, Sample};
use ttp_lib::show::{Cell, Table};
use ttp_lib::split::{NEAR_DUPLICATE, Protocol, Shares, prepare};
use ttp_lib::{Error, Result, cells};

/// A sentence and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The sentence.
    pub text: String,
    /// The technique that it shows; none of prose.
    pub technique: Option<String>,
    /// Which part of the bundle it stands in; none of a procedure sentence.
    pub kind: Option<ProseKind>,
    /// The STIX object that it comes from: rows of one object are drawn together.
    pub object: String,
}

/// Rows in three parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// What the model learns from.
    pub train: Vec<Row>,
    /// What its probabilities are calibrated and its thresholds chosen on.
    pub validation: Vec<Row>,
    /// What is reported.
    pub test: Vec<Row>,
}

/// What became of the sentences of one kind of prose. The first four and the last three add up to
/// the sentences that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProseCount {
    /// Left out: it cites a technique, by a link or by its id.
    pub citing: usize,
    /// Left out: a procedure sentence, or nearly one ([`NEAR_DUPLICATE`] of the words in common).
    pub procedures: usize,
    /// Left out: it stands in the prose once more.
    pub repeated: usize,
    /// Left out: nearly one of a later part, which would so be known before.
    pub across: usize,
    /// Rows of the training part.
    pub train: usize,
    /// Rows of the validation part.
    pub validation: usize,
    /// Rows of the test part.
    pub test: usize,
}

impl ProseCount {
    /// The sentences that were read.
    pub fn read(&self) -> usize {
        let left_out = self.citing + self.procedures + self.repeated + self.across;
        left_out + self.train + self.validation + self.test
    }
}

/// How the rows came about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Account {
    /// The prose, by kind.
    pub prose: BTreeMap<ProseKind, ProseCount>,
    /// Procedure sentences in the training, validation and test part.
    pub procedures: [usize; 3],
    /// Techniques with too few procedure sentences to be learned.
    pub rare_techniques: usize,
    /// Their sentences, which are neither learned from nor measured on.
    pub rare_sentences: usize,
}

impl Account {
    /// The prose by kind, a row each, and all together.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new([
            "prose without a technique",
            "sentences",
            "cites one",
            "procedure",
            "repeated",
            "across parts",
            "training",
            "validation",
            "test",
        ]);
        let mut all = ProseCount::default();
        let row = |name: &str, c: &ProseCount| -> [Cell; 9] {
            cells![
                name,
                c.read(),
                c.citing,
                c.procedures,
                c.repeated,
                c.across,
                c.train,
                c.validation,
                c.test
            ]
        };
        for (kind, count) in &self.prose {
            table.push(row(kind.name(), count))?;
            all.citing += count.citing;
            all.procedures += count.procedures;
            all.repeated += count.repeated;
            all.across += count.across;
            all.train += count.train;
            all.validation += count.validation;
            all.test += count.test;
        }
        table.push(row("all", &all))?;
        Ok(table)
    }
}

/// Of an object's kind, the share of objects in each part.
const OBJECTS: Shares = Shares { train: 0.7, validation: 0.15, test: 0.15 };

/// The rows of a bundle.
///
/// Procedure sentences are parted by the clean protocol (`shares`, `seed`), all techniques with at
/// least `least` of them, without augmented copies; with a profile's own seed and shares, those of
/// the techniques that it trains on are in the parts of its clean split. Prose is parted by the
/// object that it speaks of, so that no object is on two sides; what is nearly a sentence of a later
/// part is left out.
///
/// The prose is not read by anybody, so its label is noisy: descriptions of groups and software say
/// now and then what these do ("It spreads over shared drives"), and are here held to show nothing.
/// Where the model names a technique in such a sentence, it counts as wrong.
///
/// # Errors
/// If the bundle cannot be read or is none, or a part gets no row of either sort.
pub fn rows(
    corpus: &Corpus,
    bundles: &[&Path],
    least: usize,
    shares: Shares,
    seed: u64,
) -> Result<(Parts, Account)> {
    let mut account = Account::default();
    for rows in corpus.counts().into_values().filter(|rows| *rows < least) {
        account.rare_techniques += 1;
        account.rare_sentences += rows;
    }
    let limits = Limits { trim_below: least, upsample_to: 0, downsample_to: usize::MAX };
    let prepared = prepare(Protocol::Clean, corpus, limits, shares, &NoCopies, seed);
    let split = prepared.map_err(of_least)?.split;
    let row = |sample: &Sample| Row {
        text: sample.text.clone(),
        technique: Some(sample.technique.clone()),
        kind: None,
        object: corpus.sentences[sample.row as usize].source_id.clone(),
    };
    let of = |samples: &[Sample]| samples.iter().map(row).collect::<Vec<Row>>();
    let mut parts =
        Parts { train: of(&split.train), validation: of(&split.validation), test: of(&split.test) };
    account.procedures = [parts.train.len(), parts.validation.len(), parts.test.len()];
    let prose = corpus::prose(bundles)?;
    add_prose(&mut parts, &mut account, prose, corpus, seed);
    let lacking = |part: &[Row]| !part.iter().any(|row| row.kind.is_some());
    for (name, part) in
        [("training", &parts.train), ("validation", &parts.validation), ("test", &parts.test)]
    {
        if lacking(part) {
            let file = bundles.first().copied().unwrap_or(Path::new("bundle"));
            let reason =
                format!("it has too little prose without a technique: none is left for {name}");
            return Err(Error::input_at(file, None, Some("objects"), reason));
        }
    }
    Ok((parts, account))
}

/// The limit has a name of its own here.
fn of_least(error: Error) -> Error {
    match error {
        Error::Setting { field: "balance.trim_below", reason } => {
            Error::Setting { field: "least", reason }
        }
        other => other,
    }
}

/// A linear model gains nothing from augmented copies.
struct NoCopies;

impl ttp_lib::balance::CopySource for NoCopies {
    fn variants(&self, _: &str, _: u64) -> Vec<(Operation, String)> {
        Vec::new()
    }
}

fn add_prose(
    parts: &mut Parts,
    account: &mut Account,
    prose: Vec<ProseSentence>,
    corpus: &Corpus,
    seed: u64,
) {
    let procedures = NearTexts::new(&corpus.texts(), NEAR_DUPLICATE);
    let mut seen = HashSet::new();
    let mut kept: Vec<ProseSentence> = Vec::new();
    for sentence in prose {
        let count = account.prose.entry(sentence.kind).or_default();
        if sentence.cites_technique {
            count.citing += 1;
        } else if !seen.insert(normalised(&sentence.text)) {
            count.repeated += 1;
        } else if procedures.find(&sentence.text).is_some() {
            count.procedures += 1;
        } else {
            kept.push(sentence);
        }
    }
    // An object that is spoken of in two kinds is in one part.
    let mut of_kind: BTreeMap<ProseKind, Vec<&str>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for sentence in &kept {
        if known.insert(sentence.object.as_str()) {
            of_kind.entry(sentence.kind).or_default().push(&sentence.object);
        }
    }
    let mut part_of: BTreeMap<String, usize> = BTreeMap::new();
    for (kind, mut objects) in of_kind {
        objects.sort_by_key(|object| shuffled(object, seed, kind));
        let [train, validation, _] = OBJECTS.of(objects.len());
        for (at, object) in objects.into_iter().enumerate() {
            part_of.insert(
                object.to_owned(),
                usize::from(at >= train) + usize::from(at >= train + validation),
            );
        }
    }
    let mut three: [Vec<ProseSentence>; 3] = Default::default();
    for sentence in kept {
        three[part_of.get(&sentence.object).copied().unwrap_or(0)].push(sentence);
    }
    let near = |part: &[ProseSentence]| {
        let texts: Vec<&str> = part.iter().map(|sentence| sentence.text.as_str()).collect();
        NearTexts::new(&texts, NEAR_DUPLICATE)
    };
    let [train, validation, test] = &mut three;
    let mut across = |part: &mut Vec<ProseSentence>, later: &[&NearTexts]| {
        part.retain(|sentence| {
            let found = later.iter().any(|later| later.find(&sentence.text).is_some());
            account.prose.entry(sentence.kind).or_default().across += usize::from(found);
            !found
        });
    };
    let of_test = near(test);
    across(validation, &[&of_test]);
    let of_validation = near(validation);
    across(train, &[&of_test, &of_validation]);
    let rows = [&mut parts.train, &mut parts.validation, &mut parts.test];
    for (at, (rows, prose)) in rows.into_iter().zip(three).enumerate() {
        for ProseSentence { kind, text, object, .. } in prose {
            let count = account.prose.entry(kind).or_default();
            *[&mut count.train, &mut count.validation, &mut count.test][at] += 1;
            rows.push(Row { text, technique: None, kind: Some(kind), object });
        }
    }
}

/// A place in an order by chance, which an object has whatever other objects there are.
fn shuffled(object: &str, seed: u64, kind: ProseKind) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(format!("{seed}/{kind}/{object}")).into()
}
