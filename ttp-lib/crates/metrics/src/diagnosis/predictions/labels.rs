//! Labels as numbers, in the order in which they come.

use crate::SparseConfusion;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use ttp_base::Result;
use ttp_base::spelling::{self, tidy};

/// Labels of a column by number, in the order in which they first occur.
pub(super) struct Labels {
    /// Numbers by the label as it stands in the file.
    known: HashMap<Box<[u8]>, u32>,
    /// Numbers by the label without blanks and what cannot be seen.
    tidied: HashMap<String, u32>,
    /// Numbers of labels seen lately, by their ends: a label is compared, and seldom hashed.
    lately: Vec<u32>,
    pub(super) names: Vec<String>,
    /// The place of each label's first row among these.
    first: Vec<usize>,
    pub(super) rows: Vec<u32>,
}

impl Default for Labels {
    fn default() -> Self {
        let lately = vec![u32::MAX; 1 << LATELY_BITS];
        Self {
            known: HashMap::new(),
            tidied: HashMap::new(),
            lately,
            names: Vec::new(),
            first: Vec::new(),
            rows: Vec::new(),
        }
    }
}

const LATELY_BITS: u32 = 12;

/// A label's place among those seen lately, from its first and last eight bytes.
fn place_of(label: &[u8]) -> usize {
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let whole = |eight: Option<&[u8; 8]>| eight.map(|eight| u64::from_le_bytes(*eight));
    let first = whole(label.first_chunk()).unwrap_or_else(|| number(label));
    let last = whole(label.last_chunk()).unwrap_or(0);
    let mixed = first ^ last.rotate_left(29) ^ label.len() as u64;
    // Knuth's multiplicative hashing, by the golden ratio.
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - LATELY_BITS)) as usize
}

impl Labels {
    /// Takes one row's label; in words why it cannot be one.
    pub(super) fn push(&mut self, label: &[u8]) -> Result<(), String> {
        let place = place_of(label);
        let lately = self.lately[place];
        if self.names.get(lately as usize).is_some_and(|name| name.as_bytes() == label) {
            self.rows.push(lately);
            return Ok(());
        }
        let number = self.number(label)?;
        self.lately[place] = number;
        self.rows.push(number);
        Ok(())
    }

    /// The label that was taken last.
    pub(super) fn last(&self) -> &str {
        self.rows.last().map_or("", |&number| &self.names[number as usize])
    }

    /// The label's number, a new one if it was not there before.
    fn number(&mut self, label: &[u8]) -> Result<u32, String> {
        if let Some(&number) = self.known.get(label) {
            return Ok(number);
        }
        let name = label_of(label)?;
        let next = u32::try_from(self.names.len()).map_err(|error| error.to_string())?;
        let number = *self.tidied.entry(name.clone()).or_insert(next);
        self.known.insert(label.into(), number);
        if number == next {
            self.names.push(name);
            self.first.push(self.rows.len());
        }
        Ok(number)
    }

    /// Rows that stand behind these.
    pub(super) fn append(&mut self, others: Self) -> Result<(), String> {
        let mut numbers = Vec::with_capacity(others.names.len());
        for (name, first) in others.names.iter().zip(&others.first) {
            let before = self.names.len();
            numbers.push(self.number(name.as_bytes())?);
            if self.names.len() > before {
                self.first[before] += first;
            }
        }
        self.rows.extend(others.rows.iter().map(|&row| numbers[row as usize]));
        Ok(())
    }
}

fn label_of(label: &[u8]) -> Result<String, String> {
    if label.is_empty() {
        return Err("missing: no label".to_owned());
    }
    if label.eq_ignore_ascii_case(b"nan") {
        return Err("NaN is no label".to_owned());
    }
    let text = std::str::from_utf8(label).map_err(|error| format!("not UTF-8: {error}"))?;
    match tidy(text) {
        tidied if tidied.is_empty() => Err("missing: no label".to_owned()),
        tidied => Ok(tidied.into_owned()),
    }
}

/// Brings labels of two types together, and says what is to be known of them: whether their
/// spellings differ, and whether the two columns have nothing in common. Before the notes: whether
/// true was taken as 1. `lines` says where some of the rows, counted from 0, stand in the file.
pub(super) fn alike(
    truth: &mut Labels,
    predicted: &mut Labels,
    lines: impl FnOnce(&BTreeSet<usize>) -> Result<BTreeMap<usize, usize>>,
) -> Result<(bool, Vec<String>)> {
    let mut notes = Vec::new();
    // A column of truth values beside one of 0 and 1.
    let is = |labels: &Labels, these: [&str; 2]| {
        labels.names.iter().all(|name| these.iter().any(|one| name.eq_ignore_ascii_case(one)))
    };
    let truths = |labels: &Labels| is(labels, ["true", "false"]);
    let numbers = |labels: &Labels| is(labels, ["1", "0"]);
    let to_numbers = |labels: &mut Labels| {
        for name in &mut labels.names {
            *name = if name.eq_ignore_ascii_case("true") { "1" } else { "0" }.to_owned();
        }
    };
    let mixed = if truths(truth) && numbers(predicted) {
        Some(("truth", &mut *truth))
    } else if numbers(truth) && truths(predicted) {
        Some(("prediction", &mut *predicted))
    } else {
        None
    };
    let true_is_1 = mixed.is_some();
    if let Some((which, labels)) = mixed {
        to_numbers(labels);
        notes.push(format!("{which} is true and false, the other 1 and 0: true is taken as 1"));
    }
    let labels = [&*truth, &*predicted].into_iter().flat_map(|labels| {
        labels.names.iter().map(String::as_str).zip(labels.first.iter().copied())
    });
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, row) in labels {
        let known = rows.entry(name).or_insert(row);
        *known = row.min(*known);
    }
    if !spelling::notes(rows.clone()).is_empty() {
        let lines = lines(&rows.values().copied().collect())?;
        let in_file = |(name, row)| Some((name, *lines.get(&row)?));
        notes.extend(spelling::notes(rows.into_iter().filter_map(in_file)));
    }
    let common = truth.names.iter().any(|name| predicted.names.contains(name));
    if !common {
        let some = |labels: &Labels| format!("{:?}", labels.names.first().map_or("", |l| l));
        notes.push(format!(
            "no true label is ever predicted: truth has {} …, predictions {} …; are they of one \
             kind?",
            some(truth),
            some(predicted)
        ));
    }
    Ok((true_is_1, notes))
}

/// The two columns' labels in one alphabetical order, and how often each meets each.
pub(super) fn counted(truth: Labels, predicted: Labels) -> Result<SparseConfusion> {
    let all: BTreeSet<&String> = truth.names.iter().chain(&predicted.names).collect();
    let all: Vec<String> = all.into_iter().cloned().collect();
    let renumbered = |labels: Labels| {
        let place = |name: &String| all.partition_point(|other| other < name) as u32;
        let places: Vec<u32> = labels.names.iter().map(place).collect();
        let mut rows = labels.rows;
        rows.iter_mut().for_each(|row| *row = places[*row as usize]);
        rows
    };
    let (truth, predicted) = rayon::join(|| renumbered(truth), || renumbered(predicted));
    SparseConfusion::from_indices(all, &truth, &predicted)
}
