//! The instructions of a pickle.

use super::storage::{Storage, StoredTensor};
use super::value::{Name, Value, long, text_of};
use crate::pretrained::tensor_file::Attempt;
use std::collections::HashMap;

/// What a pickle's instructions work on.
#[derive(Default)]
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    /// The byte that is read next.
    pub(super) at: usize,
    pub(super) values: Vec<Value>,
    stack: Vec<usize>,
    /// The stack's heights at which `MARK`s stand.
    marks: Vec<usize>,
    memo: HashMap<u32, usize>,
}

impl<'a> Machine<'a> {
    /// Before the first instruction.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// Takes one instruction; what is none of a kind is looked for among the next.
    pub(super) fn step(&mut self, opcode: u8) -> Attempt<()> {
        match opcode {
            // PROTO, FRAME: nothing in them that is needed.
            0x80 => match self.byte()? {
                2..=4 => Ok(()),
                other => Err(format!("protocol {other}; 2 to 4 are read")),
            },
            0x95 => self.take(8).map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            other => self.literal(other),
        }
    }

    /// Nothing, truth values, numbers, texts.
    fn literal(&mut self, opcode: u8) -> Attempt<()> {
        match opcode {
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' => {
                let number = i32::from_le_bytes(self.array()?);
                self.push(Value::Integer(number.into()))
            }
            b'K' => {
                let number = self.byte()?;
                self.push(Value::Integer(number.into()))
            }
            b'M' => {
                let number = u16::from_le_bytes(self.array()?);
                self.push(Value::Integer(number.into()))
            }
            0x8a => {
                let length = self.byte()?.into();
                let bytes = self.take(length)?;
                self.push(long(bytes))
            }
            b'G' => {
                self.take(8)?;
                self.push(Value::Float)
            }
            // SHORT_BINSTRING and BINSTRING of Python 2, then the three lengths of BINUNICODE.
            b'U' | 0x8c => {
                let length = self.byte()?.into();
                self.text(length)
            }
            b'T' | b'X' => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length as usize)
            }
            0x8d => {
                let length = u64::from_le_bytes(self.array()?);
                self.text(usize::try_from(length).unwrap_or(usize::MAX))
            }
            other => self.collection(other),
        }
    }

    /// Tuples, lists, dictionaries, and what is put into them.
    fn collection(&mut self, opcode: u8) -> Attempt<()> {
        match opcode {
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let items = self.pop_many(count)?;
                self.push(Value::Tuple(items))
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items))
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(&items)
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)
            }
            other => self.memory(other),
        }
    }

    /// What is remembered under a number, and recalled.
    fn memory(&mut self, opcode: u8) -> Attempt<()> {
        match opcode {
            b'q' => {
                let slot = self.byte()?.into();
                self.remember(slot)
            }
            b'r' => {
                let slot = u32::from_le_bytes(self.array()?);
                self.remember(slot)
            }
            0x94 => {
                let slot = u32::try_from(self.memo.len()).map_err(|_| "too many values")?;
                self.remember(slot)
            }
            b'h' => {
                let slot = self.byte()?.into();
                self.recall(slot)
            }
            b'j' => {
                let slot = u32::from_le_bytes(self.array()?);
                self.recall(slot)
            }
            other => self.object(other),
        }
    }

    /// Names, storages, and the few calls that are known.
    fn object(&mut self, opcode: u8) -> Attempt<()> {
        match opcode {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Name(Name::find(module, name)?))
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                let text = |value| text_of(&self.values, value).ok_or("a name that is no text");
                let name = Name::find(text(module)?, text(name)?)?;
                self.push(Value::Name(name))
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(Value::Storage(storage))
            }
            b'R' => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                let value = self.call(function, arguments)?;
                self.push(value)
            }
            b'b' => self.build(),
            other => Err(format!("instruction 0x{other:02x} is not read")),
        }
    }

    fn take(&mut self, count: usize) -> Attempt<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or_else(|| "cut off".to_owned())?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Attempt<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| "cut off".to_owned())
    }

    pub(super) fn byte(&mut self) -> Attempt<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn line(&mut self) -> Attempt<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("cut off")?;
        let line = self.take(length)?;
        self.at += 1;
        std::str::from_utf8(line).map_err(|error| error.to_string())
    }

    fn text(&mut self, length: usize) -> Attempt<()> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        self.push(Value::Text(text.to_owned()))
    }

    fn push(&mut self, value: Value) -> Attempt<()> {
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    /// The stack's height above the last mark is what an instruction may take from.
    fn pop_many(&mut self, count: usize) -> Attempt<Vec<usize>> {
        let floor = self.marks.last().copied().unwrap_or_default();
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= floor);
        Ok(self.stack.split_off(start.ok_or("takes a value where there is none")?))
    }

    pub(super) fn pop(&mut self) -> Attempt<usize> {
        let popped = self.pop_many(1)?;
        popped.first().copied().ok_or_else(|| "takes a value where there is none".to_owned())
    }

    fn pop_to_mark(&mut self) -> Attempt<Vec<usize>> {
        let mark = self.marks.pop().ok_or("takes values down to a mark that is not there")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn top(&mut self) -> Attempt<usize> {
        let top = self.pop()?;
        self.stack.push(top);
        Ok(top)
    }

    fn remember(&mut self, slot: u32) -> Attempt<()> {
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Attempt<()> {
        let value = self.memo.get(&slot).ok_or_else(|| format!("no value {slot}"))?;
        self.stack.push(*value);
        Ok(())
    }

    fn append(&mut self, items: Vec<usize>) -> Attempt<()> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::List(list)) => {
                list.extend(items);
                Ok(())
            }
            _ => Err("appends to what is no list".to_owned()),
        }
    }

    fn set_items(&mut self, items: &[usize]) -> Attempt<()> {
        let top = self.top()?;
        let (pairs, odd) = items.as_chunks::<2>();
        match self.values.get_mut(top) {
            Some(Value::Dictionary(dictionary)) if odd.is_empty() => {
                dictionary.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            _ => Err("sets items of what is no dictionary".to_owned()),
        }
    }

    /// `BUILD` gives an OrderedDict its attributes: `_metadata`, which says nothing of weights.
    fn build(&mut self) -> Attempt<()> {
        self.pop()?;
        let top = self.top()?;
        match self.values.get(top) {
            Some(Value::Dictionary(_)) => Ok(()),
            _ => Err("sets attributes of what is no dictionary: refused".to_owned()),
        }
    }

    fn items(&self, value: usize) -> Attempt<&[usize]> {
        match self.values.get(value) {
            Some(Value::Tuple(items) | Value::List(items)) => Ok(items),
            _ => Err("no tuple where one is needed".to_owned()),
        }
    }

    fn size(&self, value: usize) -> Attempt<usize> {
        match self.values.get(value) {
            Some(&Value::Integer(number)) => {
                usize::try_from(number).map_err(|_| format!("{number} where a size is needed"))
            }
            _ => Err("no number where a size is needed".to_owned()),
        }
    }

    fn sizes(&self, value: usize) -> Attempt<Vec<usize>> {
        // Far more dimensions than any weights have.
        const DIMENSIONS: usize = 16;
        let items = self.items(value)?;
        if items.len() > DIMENSIONS {
            return Err(format!("a tensor of {} dimensions", items.len()));
        }
        items.iter().map(|&item| self.size(item)).collect()
    }

    /// `('storage', torch.FloatStorage, key, 'cpu', numbers)`, in older files with a view after it.
    fn storage(&self, id: usize) -> Attempt<Storage> {
        let [kind, class, key, _device, numbers, view @ ..] = self.items(id)? else {
            return Err("a reference to something else than a storage".to_owned());
        };
        let is_view = |&view: &usize| self.values.get(view) != Some(&Value::None);
        if view.len() > 1 || view.iter().any(is_view) {
            return Err("views of storages are not read".to_owned());
        }
        // Keys are short numbers; each tensor has a copy of one.
        let key = text_of(&self.values, *key).filter(|key| key.len() <= 64);
        match (text_of(&self.values, *kind), self.values.get(*class)) {
            (Some("storage"), Some(&Value::Name(Name::Storage(element)))) => Ok(Storage {
                key: key.ok_or("a storage without a key")?.to_owned(),
                element,
                numbers: self.size(*numbers)?,
            }),
            _ => Err("a reference to something else than a storage".to_owned()),
        }
    }

    /// The few calls that are known; nothing runs, each makes a value.
    fn call(&self, function: usize, arguments: usize) -> Attempt<Value> {
        let arguments = self.items(arguments)?;
        match (self.values.get(function), arguments) {
            (Some(Value::Name(Name::OrderedDict)), []) => Ok(Value::Dictionary(Vec::new())),
            (Some(Value::Name(Name::RebuildTensor)), &[storage, offset, shape, strides, ..]) => {
                let Some(Value::Storage(storage)) = self.values.get(storage) else {
                    return Err("a tensor without a storage".to_owned());
                };
                let tensor = StoredTensor {
                    storage: storage.clone(),
                    offset: self.size(offset)?,
                    shape: self.sizes(shape)?,
                    strides: self.sizes(strides)?,
                };
                tensor.check()?;
                Ok(Value::Tensor(tensor))
            }
            (Some(Value::Name(Name::RebuildParameter)), &[tensor, ..]) => {
                match self.values.get(tensor) {
                    Some(Value::Tensor(tensor)) => Ok(Value::Tensor(tensor.clone())),
                    _ => Err("a parameter without a tensor".to_owned()),
                }
            }
            _ => Err("a call that is not known: refused".to_owned()),
        }
    }
}
