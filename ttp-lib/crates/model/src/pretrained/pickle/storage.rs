//! What a pickle says of tensors: views of numbers that lie elsewhere.

use crate::pretrained::tensor_file::{Attempt, Element};

/// Numbers that lie together in a file; several tensors may share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pretrained) struct Storage {
    /// The name by which the file has them.
    pub key: String,
    pub element: Element,
    /// How many numbers.
    pub numbers: usize,
}

/// A tensor: a view of a storage, sizes and places counted in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pretrained) struct StoredTensor {
    pub storage: Storage,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

impl StoredTensor {
    /// That its last number is in its storage.
    pub(super) fn check(&self) -> Attempt<()> {
        let (shape, strides, numbers) = (&self.shape, &self.strides, self.storage.numbers);
        if shape.len() != strides.len() {
            return Err(format!("a tensor of {shape:?} with strides {strides:?}"));
        }
        let mut places = shape.iter().zip(strides);
        let last = places.try_fold(self.offset, |last, (&n, &stride)| {
            last.checked_add(n.saturating_sub(1).checked_mul(stride)?)
        });
        let inside = last.is_some_and(|last| last < numbers);
        if inside || shape.contains(&0) {
            return Ok(());
        }
        let from = self.offset;
        Err(format!("a tensor of {shape:?} from {from} in a storage of {numbers} numbers"))
    }

    /// Whether its numbers lie one after the other, as a new tensor's do.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1_usize;
        self.shape.iter().zip(&self.strides).rev().all(|(&n, &stride)| {
            let fits = n == 1 || stride == expected;
            expected = expected.saturating_mul(n);
            fits
        })
    }
}
