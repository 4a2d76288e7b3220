//! Python's pickle, as far as torch writes it for a dictionary of tensors. A pickle is
//! a program; this reader runs nothing: it knows a handful of names, makes plain values
//! of them, and refuses every other name by naming it.
//!
//! Values lie in one list and refer to each other by their places in it, so that no
//! nesting, however deep, is ever walked by recursion; each instruction adds at most
//! one, so that memory is bounded by the pickle's length.

mod machine;
mod storage;
mod value;

pub(super) use storage::{Storage, StoredTensor};

use super::tensor_file::Attempt;
use machine::Machine;
use value::{Value, text_of};

/// One pickle's value, and where in the bytes it ends.
pub(super) struct Pickle {
    values: Vec<Value>,
    root: usize,
    /// The byte after the pickle.
    pub end: usize,
}

impl Pickle {
    /// Reads the pickle at the start of `bytes`.
    pub fn read(bytes: &[u8]) -> Attempt<Self> {
        let mut machine = Machine::new(bytes);
        loop {
            let at = machine.at;
            let opcode = machine.byte()?;
            if opcode == b'.' {
                let root = machine.pop()?;
                return Ok(Self { values: machine.values, root, end: machine.at });
            }
            machine
                .step(opcode)
                .map_err(|reason| format!("at byte {at} of its pickle: {reason}"))?;
        }
    }

    /// Its value as a whole number, if it is one that fits.
    pub fn integer(&self) -> Option<i64> {
        match self.values.get(self.root)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Its value as the bytes of a number too long for 64 bits, the lowest first.
    pub fn long(&self) -> Option<&[u8]> {
        match self.values.get(self.root)? {
            Value::Long(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Its value as a list of texts.
    pub fn texts(&self) -> Option<Vec<&str>> {
        match self.values.get(self.root)? {
            Value::List(items) => items.iter().map(|&item| text_of(&self.values, item)).collect(),
            _ => None,
        }
    }

    /// In a dictionary, the truth value of a key.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let (_, value) = self.pairs()?.iter().find(|pair| self.text(pair.0) == Some(key))?;
        match self.values.get(*value)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Its value as tensors by name.
    pub fn tensors(&self) -> Attempt<Vec<(&str, &StoredTensor)>> {
        let pairs = self.pairs().ok_or("not a dictionary of tensors by name")?;
        pairs
            .iter()
            .map(|&(key, value)| {
                let key = self.text(key).ok_or("a name that is no text")?;
                match self.values.get(value) {
                    Some(Value::Tensor(tensor)) => Ok((key, tensor)),
                    _ => Err(format!("{key:?} is no tensor")),
                }
            })
            .collect()
    }

    fn pairs(&self) -> Option<&[(usize, usize)]> {
        match self.values.get(self.root)? {
            Value::Dictionary(pairs) => Some(pairs),
            _ => None,
        }
    }

    fn text(&self, value: usize) -> Option<&str> {
        text_of(&self.values, value)
    }
}
