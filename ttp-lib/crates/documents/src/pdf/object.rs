//! PDF objects and how they are written (ISO 32000-1, 7.2 and 7.3).

use crate::budget::{Budget, Outcome};
use std::collections::HashMap;

/// Deepest nesting of arrays and dictionaries.
const DEEPEST: usize = 64;
/// Most objects within one, of a file and of a content stream.
const MOST: usize = 2_000_000;
const MOST_OF_CONTENT: usize = 20_000;

pub(super) type Dict = HashMap<Vec<u8>, Object>;

/// Where references to objects lead: a file, for what knows of no file.
pub(super) trait Lookup {
    /// The object itself, where `object` refers to one; null where there is none.
    fn resolve(&self, object: &Object, budget: &Budget) -> Outcome<Object>;

    /// What `dict` holds under `key`, resolved.
    fn get(&self, dict: &Dict, key: &[u8], budget: &Budget) -> Outcome<Object> {
        match dict.get(key) {
            Some(object) => self.resolve(object, budget),
            None => Ok(Object::Null),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Null,
    Number(f64),
    Text(Vec<u8>),
    Name(Vec<u8>),
    Array(Vec<Object>),
    Dict(Dict),
    Reference(u32),
    /// A word that is no object: an operator of a content stream, `endobj`, `true`.
    Word(Vec<u8>),
}

impl Object {
    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A whole number that is not negative.
    pub(super) fn index(&self) -> Option<usize> {
        let number = self.number().filter(|n| (0.0..=4e9).contains(n) && n.fract() == 0.0)?;
        Some(number as usize)
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(super) fn dict(&self) -> Option<&Dict> {
        if let Self::Dict(dict) = self { Some(dict) } else { None }
    }
}

/// Reads objects from bytes.
pub(super) struct Lexer<'a> {
    data: &'a [u8],
    pub(super) at: usize,
    /// Whether `1 0 R` is a reference; in a content stream there are none.
    references: bool,
    left: usize,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn is_plain(byte: u8) -> bool {
    !is_blank(byte)
        && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

impl<'a> Lexer<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, references: true, left: MOST }
    }

    pub(super) fn of_content(data: &'a [u8]) -> Self {
        Self { references: false, ..Self::new(data, 0) }
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let rest = &self.data[self.at..];
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    /// The next object; nothing at the end, or where it is not written as it should be.
    pub(super) fn object(&mut self) -> Option<Object> {
        self.left = if self.references { MOST } else { MOST_OF_CONTENT };
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Option<Object> {
        self.left = self.left.checked_sub(1)?;
        self.skip_blanks();
        match self.peek()? {
            b'/' => Some(Object::Name(self.name())),
            b'(' => Some(Object::Text(self.text())),
            b'<' if self.data.get(self.at + 1) == Some(&b'<') => self.dict(depth),
            b'<' => Some(Object::Text(self.hexadecimal())),
            b'[' => self.array(depth),
            b'+' | b'-' | b'.' | b'0'..=b'9' => Some(self.number()),
            byte if is_plain(byte) => Some(Object::Word(self.word().to_vec())),
            _ => None,
        }
    }

    fn word(&mut self) -> &'a [u8] {
        let rest = &self.data[self.at..];
        let length = rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn name(&mut self) -> Vec<u8> {
        self.at += 1;
        let word = self.word();
        let mut name = Vec::with_capacity(word.len());
        let mut rest = word.iter();
        while let Some(byte) = rest.next() {
            let code = rest.as_slice().get(..2).filter(|_| *byte == b'#').and_then(two_digits);
            match code {
                Some(code) => {
                    name.push(code);
                    rest = rest.as_slice()[2..].iter();
                }
                None => name.push(*byte),
            }
        }
        name
    }

    fn number(&mut self) -> Object {
        let start = self.at;
        let first = self.decimal();
        if !self.references || first.fract() != 0.0 || !(0.0..=4e9).contains(&first) {
            return Object::Number(first);
        }
        let end = self.at;
        // `12 0 R`: nothing else has two numbers and this word.
        if self.data[start].is_ascii_digit() {
            self.skip_blanks();
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                self.decimal();
                self.skip_blanks();
                let after = self.data.get(self.at + 1).is_none_or(|byte| !is_plain(*byte));
                if self.peek() == Some(b'R') && after {
                    self.at += 1;
                    return Object::Reference(first as u32);
                }
            }
        }
        self.at = end;
        Object::Number(first)
    }

    fn decimal(&mut self) -> f64 {
        let word = self.word();
        if word.is_empty() {
            self.at += 1;
        }
        let text = std::str::from_utf8(word).unwrap_or_default();
        // `--5` and `1.2.3` stand in broken files.
        let number: f64 = text.parse().unwrap_or_default();
        if number.is_finite() { number } else { 0.0 }
    }

    fn array(&mut self, depth: usize) -> Option<Object> {
        self.at += 1;
        let mut items = Vec::new();
        if depth >= DEEPEST {
            return None;
        }
        loop {
            self.skip_blanks();
            if self.peek()? == b']' {
                self.at += 1;
                return Some(Object::Array(items));
            }
            match self.nested(depth + 1)? {
                Object::Word(word) if word == b"endobj" => return None,
                item => items.push(item),
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Object> {
        self.at += 2;
        let mut dict = Dict::new();
        if depth >= DEEPEST {
            return None;
        }
        loop {
            self.skip_blanks();
            match self.peek()? {
                b'>' => {
                    self.at += 1 + usize::from(self.data.get(self.at + 1) == Some(&b'>'));
                    return Some(Object::Dict(dict));
                }
                b'/' => {
                    let key = self.name();
                    match self.nested(depth + 1)? {
                        Object::Word(word) if word == b"endobj" => return None,
                        value => dict.insert(key, value),
                    };
                }
                _ => match self.nested(depth + 1)? {
                    Object::Word(word) if word == b"endobj" => return None,
                    _ => {}
                },
            }
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        self.at += 1;
        let rest = &self.data[self.at..];
        let length = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        self.at += length + usize::from(length < rest.len());
        let digits: Vec<u8> =
            rest[..length].iter().copied().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .filter_map(|pair| two_digits(&[pair[0], *pair.get(1).unwrap_or(&b'0')]))
            .collect()
    }

    fn text(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut text = Vec::new();
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' if depth == 0 => break,
                b')' => depth -= 1,
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\n' => {}
            b'\r' => self.at += usize::from(self.peek() == Some(b'\n')),
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                text.push((code & 0xff) as u8);
            }
            other => text.push(other),
        }
    }
}

fn two_digits(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?) as u8)
}
