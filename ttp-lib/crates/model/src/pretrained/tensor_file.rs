//! What a file of named tensors says of them, in whatever format it is.

use std::collections::BTreeMap;
use std::path::Path;
use tch::{Kind, Tensor};
use ttp_base::Result;

/// A result whose error is a reason, to be put after the file's name.
pub(super) type Attempt<T> = Result<T, String>;

/// A file of named tensors, of which only what describes them has been read.
pub(super) trait TensorFile {
    /// Every tensor by its name.
    fn tensors(&self) -> &BTreeMap<String, TensorDescription>;

    /// The file itself, or that one of several that holds this tensor.
    fn path_of(&self, name: &str) -> &Path;

    /// The numbers of one of [`tensors`](Self::tensors), in the precision of the file.
    fn read(&mut self, name: &str) -> Result<Tensor>;
}

/// A tensor as a file's header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorDescription {
    pub shape: Vec<usize>,
    pub element: Element,
}

impl TensorDescription {
    /// Its size in bytes, `None` beyond what can be counted.
    pub fn bytes(&self) -> Option<usize> {
        self.shape.iter().try_fold(self.element.bytes, |bytes, &n| bytes.checked_mul(n))
    }
}

/// The kind of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// In a safetensors header.
    pub name: &'static str,
    /// The class that torch pickles.
    pub storage: &'static str,
    /// Bytes a number.
    pub bytes: usize,
    /// For floating-point numbers, libtorch's kind.
    pub kind: Option<Kind>,
}

pub(super) const ELEMENTS: [Element; 10] = [
    Element { name: "F64", storage: "DoubleStorage", bytes: 8, kind: Some(Kind::Double) },
    Element { name: "F32", storage: "FloatStorage", bytes: 4, kind: Some(Kind::Float) },
    Element { name: "F16", storage: "HalfStorage", bytes: 2, kind: Some(Kind::Half) },
    Element { name: "BF16", storage: "BFloat16Storage", bytes: 2, kind: Some(Kind::BFloat16) },
    Element { name: "I64", storage: "LongStorage", bytes: 8, kind: None },
    Element { name: "I32", storage: "IntStorage", bytes: 4, kind: None },
    Element { name: "I16", storage: "ShortStorage", bytes: 2, kind: None },
    Element { name: "I8", storage: "CharStorage", bytes: 1, kind: None },
    Element { name: "U8", storage: "ByteStorage", bytes: 1, kind: None },
    Element { name: "BOOL", storage: "BoolStorage", bytes: 1, kind: None },
];
