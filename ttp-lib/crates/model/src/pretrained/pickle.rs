//! Python's pickle, as far as torch writes it for a dictionary of tensors. A pickle is
//! a program; this reader runs nothing: it knows a handful of names, makes plain values
//! of them, and refuses every other name by naming it.
//!
//! Values lie in one list and refer to each other by their places in it, so that no
//! nesting, however deep, is ever walked by recursion; each instruction adds at most
//! one, so that memory is bounded by the pickle's length.

use super::tensor_file::{ELEMENTS, Element, Said};
use std::collections::HashMap;

/// Numbers that lie together in a file; several tensors may share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    /// The name by which the file has them.
    pub key: String,
    pub element: Element,
    /// How many numbers.
    pub numbers: usize,
}

/// A tensor: a view of a storage, sizes and places counted in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredTensor {
    pub storage: Storage,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// One pickle's value, and where in the bytes it ends.
pub(super) struct Pickle {
    values: Vec<Value>,
    root: usize,
    /// The byte after the pickle.
    pub end: usize,
}

impl Pickle {
    /// Reads the pickle at the start of `bytes`.
    pub fn read(bytes: &[u8]) -> Said<Self> {
        let mut machine = Machine { bytes, ..Machine::default() };
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
    pub fn tensors(&self) -> Said<Vec<(&str, &StoredTensor)>> {
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

fn text_of(values: &[Value], value: usize) -> Option<&str> {
    match values.get(value)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// A value; what it holds are places in the list of values.
#[derive(Debug, Clone, PartialEq)]
enum Value {
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
enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

impl Name {
    fn find(module: &str, name: &str) -> Said<Self> {
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

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<usize>,
    /// The stack's heights at which `MARK`s stand.
    marks: Vec<usize>,
    memo: HashMap<u32, usize>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, opcode: u8) -> Said<()> {
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

    fn take(&mut self, count: usize) -> Said<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or_else(|| "cut off".to_owned())?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Said<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| "cut off".to_owned())
    }

    fn byte(&mut self) -> Said<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn line(&mut self) -> Said<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("cut off")?;
        let line = self.take(length)?;
        self.at += 1;
        std::str::from_utf8(line).map_err(|error| error.to_string())
    }

    fn text(&mut self, length: usize) -> Said<()> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        self.push(Value::Text(text.to_owned()))
    }

    fn push(&mut self, value: Value) -> Said<()> {
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    /// The stack's height above the last mark is what an instruction may take from.
    fn pop_many(&mut self, count: usize) -> Said<Vec<usize>> {
        let floor = self.marks.last().copied().unwrap_or_default();
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= floor);
        Ok(self.stack.split_off(start.ok_or("takes a value where there is none")?))
    }

    fn pop(&mut self) -> Said<usize> {
        let popped = self.pop_many(1)?;
        popped.first().copied().ok_or_else(|| "takes a value where there is none".to_owned())
    }

    fn pop_to_mark(&mut self) -> Said<Vec<usize>> {
        let mark = self.marks.pop().ok_or("takes values down to a mark that is not there")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn top(&mut self) -> Said<usize> {
        let top = self.pop()?;
        self.stack.push(top);
        Ok(top)
    }

    fn remember(&mut self, slot: u32) -> Said<()> {
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Said<()> {
        let value = self.memo.get(&slot).ok_or_else(|| format!("no value {slot}"))?;
        self.stack.push(*value);
        Ok(())
    }

    fn append(&mut self, items: Vec<usize>) -> Said<()> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::List(list)) => {
                list.extend(items);
                Ok(())
            }
            _ => Err("appends to what is no list".to_owned()),
        }
    }

    fn set_items(&mut self, items: &[usize]) -> Said<()> {
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
    fn build(&mut self) -> Said<()> {
        self.pop()?;
        let top = self.top()?;
        match self.values.get(top) {
            Some(Value::Dictionary(_)) => Ok(()),
            _ => Err("sets attributes of what is no dictionary: refused".to_owned()),
        }
    }

    fn items(&self, value: usize) -> Said<&[usize]> {
        match self.values.get(value) {
            Some(Value::Tuple(items) | Value::List(items)) => Ok(items),
            _ => Err("no tuple where one is needed".to_owned()),
        }
    }

    fn size(&self, value: usize) -> Said<usize> {
        match self.values.get(value) {
            Some(&Value::Integer(number)) => {
                usize::try_from(number).map_err(|_| format!("{number} where a size is needed"))
            }
            _ => Err("no number where a size is needed".to_owned()),
        }
    }

    fn sizes(&self, value: usize) -> Said<Vec<usize>> {
        // Far more dimensions than any weights have.
        const DIMENSIONS: usize = 16;
        let items = self.items(value)?;
        if items.len() > DIMENSIONS {
            return Err(format!("a tensor of {} dimensions", items.len()));
        }
        items.iter().map(|&item| self.size(item)).collect()
    }

    /// `('storage', torch.FloatStorage, key, 'cpu', numbers)`, in older files with a view after it.
    fn storage(&self, id: usize) -> Said<Storage> {
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
    fn call(&self, function: usize, arguments: usize) -> Said<Value> {
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

impl StoredTensor {
    /// That its last number is in its storage.
    fn check(&self) -> Said<()> {
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

/// Up to 64 bits a plain number, the highest bit its sign.
fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Long(bytes.to_vec());
    }
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut whole = [if negative { 0xff } else { 0 }; 8];
    whole[..bytes.len()].copy_from_slice(bytes);
    Value::Integer(i64::from_le_bytes(whole))
}
