//! Flows in memory, as compact as they come: counts in two bytes each.

use super::{COUNTS, NUMBERS};
use crate::family::{Moments, Standardiser};
use ttp_base::Result;

/// Flows as the encoder reads them, before their numbers are standardised.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetmlFlows {
    ids: Vec<u64>,
    counts: Vec<u16>,
    numbers: Vec<f64>,
    lacking: usize,
}

impl NetmlFlows {
    /// Number of flows.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The flows' ids, in the file's order.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// Flows that lacked a series, which was taken as zeros.
    pub fn lacking(&self) -> usize {
        self.lacking
    }

    /// The counts of a flow: 16 steps, in each step the eight [series](super::SERIES).
    pub fn counts(&self, flow: usize) -> &[u16] {
        &self.counts[flow * COUNTS..][..COUNTS]
    }

    /// The [numbers](super::NUMBERS) of a flow, logarithms taken, not yet standardised.
    pub fn numbers(&self, flow: usize) -> &[f64] {
        &self.numbers[flow * NUMBERS.len()..][..NUMBERS.len()]
    }

    /// Mean and deviation of these flows' numbers.
    pub fn moments(&self) -> Moments {
        let mut moments = Moments::new(NUMBERS.len());
        self.numbers.chunks_exact(NUMBERS.len()).for_each(|row| moments.add(row));
        moments
    }

    /// What standardises numbers by these flows' own mean and deviation.
    ///
    /// # Errors
    /// If there is no flow.
    pub fn standardiser(&self) -> Result<Standardiser> {
        Standardiser::fit(&NUMBERS.map(str::to_owned), &self.moments())
    }

    /// Some of the flows, in the order of `rows`. A row that is not there is passed over.
    #[must_use]
    pub fn some(&self, rows: &[usize]) -> Self {
        let mut some = Self::default();
        for &row in rows.iter().filter(|row| **row < self.len()) {
            some.ids.push(self.ids[row]);
            some.counts.extend_from_slice(self.counts(row));
            some.numbers.extend_from_slice(self.numbers(row));
        }
        some
    }

    /// Puts other flows behind these.
    pub fn append(&mut self, other: &Self) {
        self.ids.extend_from_slice(&other.ids);
        self.counts.extend_from_slice(&other.counts);
        self.numbers.extend_from_slice(&other.numbers);
        self.lacking += other.lacking;
    }

    pub(super) fn push(
        &mut self,
        id: u64,
        counts: &[u16; COUNTS],
        numbers: &[f64; NUMBERS.len()],
        lacks: bool,
    ) {
        self.ids.push(id);
        self.counts.extend_from_slice(counts);
        self.numbers.extend_from_slice(numbers);
        self.lacking += usize::from(lacks);
    }
}
