//! The values of a pickle, and the few names that it may use.

use super::storage::{Storage, StoredTensor};
use crate::pretrained::tensor_file::{Attempt, ELEMENTS, Element};

/// A value; what it holds are places in the list of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Integer(i64),
    Long(Vec<u8>),
    Float,
    Text(String),
    Tuple(Vec<usize>),
    List(Vec<usize>),
    Dictionary(Vec<(usize, usize)>),
    Name(Name),
    Storage(Storage),
    Tensor(StoredTensor),
}

/// The names that a pickle may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

impl Name {
    pub(super) fn find(module: &str, name: &str) -> Attempt<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Ok(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Ok(Self::RebuildParameter),
            ("torch", storage) => ELEMENTS
                .into_iter()
                .find(|element| element.storage == storage)
                .map(Self::Storage)
                .ok_or_else(|| would_run(module, name)),
            _ => Err(would_run(module, name)),
        }
    }
}

fn would_run(module: &str, name: &str) -> String {
    let shown: String = format!("{module}.{name}").chars().take(100).collect();
    format!("would run {shown}: refused")
}

/// The text at a place, if it is one.
pub(super) fn text_of(values: &[Value], value: usize) -> Option<&str> {
    match values.get(value)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Up to 64 bits a plain number, the highest bit its sign.
pub(super) fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Long(bytes.to_vec());
    }
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut whole = [if negative { 0xff } else { 0 }; 8];
    whole[..bytes.len()].copy_from_slice(bytes);
    Value::Integer(i64::from_le_bytes(whole))
}
