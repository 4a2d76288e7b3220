//! Flows whose counts are equal: the part of the encoder that reads counts need not read them
//! twice. Of the 48,394 flows of NetML's standard test set 5,224 differ in their counts.

use super::{COUNTS, SERIES, STEPS};
use std::collections::HashMap;
use tch::{Device, Kind, Tensor};

/// Distinct counts among some flows, and which each flow has.
pub(super) struct Distinct {
    /// The counts, each once, in the order of their first appearance.
    pub counts: Vec<u16>,
    /// For each flow the place of its counts in that order.
    pub of_flow: Vec<i64>,
}

impl Distinct {
    /// Among the rows of `counts`.
    pub fn of<'a>(rows: impl Iterator<Item = &'a [u16]>) -> Self {
        let mut places: HashMap<&[u16], i64> = HashMap::new();
        let mut distinct = Self { counts: Vec::new(), of_flow: Vec::new() };
        for row in rows {
            let next = places.len() as i64;
            let place = *places.entry(row).or_insert(next);
            if place == next {
                distinct.counts.extend_from_slice(row);
            }
            distinct.of_flow.push(place);
        }
        distinct
    }

    /// The distinct counts as `[distinct, steps, series]`.
    pub fn tensor(&self, device: Device) -> Tensor {
        tensor(&self.counts, device)
    }
}

/// Counts as `[flows, steps, series]`, in single precision.
pub(super) fn tensor(counts: &[u16], device: Device) -> Tensor {
    let numbers: Vec<f32> = counts.iter().map(|&count| f32::from(count)).collect();
    let rows = (counts.len() / COUNTS) as i64;
    Tensor::from_slice(&numbers)
        .view([rows, STEPS as i64, SERIES.len() as i64])
        .to_device(device)
        .to_kind(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_counts_are_found() {
        let (a, b) = ([1_u16; COUNTS], [2_u16; COUNTS]);
        let distinct = Distinct::of([&a[..], &b[..], &a[..]].into_iter());
        assert_eq!(distinct.of_flow, [0, 1, 0]);
        assert_eq!(distinct.counts, [a, b].concat());
        assert_eq!(distinct.tensor(Device::Cpu).size(), [2, 16, 8]);
    }
}
