//! Fields of a table of a claims file, each with its line.

use super::MOST;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Display;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use ttp_base::{Error, Result};

pub(super) fn unknown(kind: &str, name: &str, known: &[String]) -> String {
    format!("unknown {kind} {name:?}; known: {}", known.join(", "))
}

pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn line(&self, at: usize) -> usize {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    pub(super) fn wrong(&self, at: usize, field: Option<&str>, reason: impl Display) -> Error {
        Error::input_at(self.file, Some(self.line(at)), field, reason)
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

/// A table of the file; a field that is not asked for is one too many.
pub(super) struct Fields<'a> {
    pub(super) source: &'a Source<'a>,
    at: usize,
    pub(super) table: &'a DeTable<'a>,
    asked: RefCell<HashSet<String>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(source: &'a Source<'a>, at: usize, table: &'a DeTable<'a>) -> Self {
        Self { source, at, table, asked: RefCell::default() }
    }

    pub(super) fn line(&self) -> usize {
        self.source.line(self.at)
    }

    pub(super) fn get(&self, field: &str) -> Option<&'a Value<'a>> {
        self.asked.borrow_mut().insert(field.to_owned());
        self.table.get(field)
    }

    pub(super) fn missing(&self, field: &str) -> Error {
        self.source.wrong(self.at, Some(field), "missing")
    }

    pub(super) fn wrong(&self, field: &str, reason: String) -> Error {
        let at = self.table.get(field).map_or(self.at, |value| value.span().start);
        self.source.wrong(at, Some(field), reason)
    }

    pub(super) fn end(&self) -> Result<()> {
        for (name, value) in self.table {
            let name = name.get_ref().as_ref();
            if !self.asked.borrow().contains(name) {
                let reason = "not a field that is known here";
                return Err(self.source.wrong(value.span().start, Some(name), reason));
            }
        }
        Ok(())
    }

    pub(super) fn tables(&self, field: &str) -> Result<Vec<Fields<'a>>> {
        let Some(value) = self.get(field) else { return Ok(Vec::new()) };
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| self.wrong(field, format!("[[{field}]] is wanted")))?;
        let table = |value: &'a Value<'a>| match value.get_ref().as_table() {
            Some(table) => Ok(Fields::new(self.source, value.span().start, table)),
            None => Err(self.wrong(field, format!("[[{field}]] is wanted"))),
        };
        list.iter().map(table).collect()
    }

    pub(super) fn optional_text(&self, field: &str) -> Result<Option<(String, usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => {
                Ok(Some((text.to_owned(), value.span().start)))
            }
            _ => Err(self.wrong(field, "a text is wanted".to_owned())),
        }
    }

    pub(super) fn text(&self, field: &str) -> Result<(String, usize)> {
        self.optional_text(field)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn optional_texts(&self, field: &str) -> Result<Option<(Vec<String>, usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let wanted = || self.wrong(field, "a list of texts is wanted".to_owned());
        let list = value.get_ref().as_array().ok_or_else(wanted)?;
        let text = |value: &Value<'_>| value.get_ref().as_str().map(str::to_owned);
        let list: Option<Vec<String>> = list.iter().map(text).collect();
        Ok(Some((list.ok_or_else(wanted)?, value.span().start)))
    }

    pub(super) fn texts(&self, field: &str) -> Result<(Vec<String>, usize)> {
        self.optional_texts(field)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn whole_of(&self, field: &str, value: &Value<'_>) -> Result<i128> {
        let whole = value.get_ref().as_integer().and_then(|number| {
            let digits = number.as_str().replace('_', "");
            i128::from_str_radix(&digits, number.radix()).ok()
        });
        whole.ok_or_else(|| {
            self.source.wrong(value.span().start, Some(field), "a whole number is wanted")
        })
    }

    pub(super) fn count_of(&self, field: &str, value: &Value<'_>) -> Result<u64> {
        let whole = self.whole_of(field, value)?;
        u64::try_from(whole).ok().filter(|count| *count <= MOST).ok_or_else(|| {
            let reason = format!("a count from 0 to {MOST} is wanted");
            self.source.wrong(value.span().start, Some(field), reason)
        })
    }

    pub(super) fn optional_whole(&self, field: &str) -> Result<Option<(u64, usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        Ok(Some((self.count_of(field, value)?, value.span().start)))
    }

    pub(super) fn optional_flag(&self, field: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let flag = value.get_ref().as_bool();
        flag.map(Some).ok_or_else(|| self.wrong(field, "true or false is wanted".to_owned()))
    }

    /// A number, or [least, largest].
    pub(super) fn optional_range(&self, field: &str) -> Result<Option<((u64, u64), usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let at = value.span().start;
        let range = match value.get_ref().as_array() {
            None => {
                let count = self.count_of(field, value)?;
                (count, count)
            }
            Some(list) => match &list[..] {
                [low, high] => (self.count_of(field, low)?, self.count_of(field, high)?),
                _ => return Err(self.wrong(field, "a number or [least, largest]".to_owned())),
            },
        };
        if range.0 > range.1 {
            let reason = format!("contradictory totals: {} to {}", range.0, range.1);
            return Err(self.wrong(field, reason));
        }
        Ok(Some((range, at)))
    }

    pub(super) fn ranges(&self, field: &str) -> Result<Vec<(String, i128, i128, usize)>> {
        let value = self.get(field).ok_or_else(|| self.missing(field))?;
        let wanted = || self.wrong(field, "name = [least, largest] is wanted".to_owned());
        let table = value.get_ref().as_table().ok_or_else(wanted)?;
        let mut ranges = Vec::new();
        for (name, value) in table {
            let at = name.span().start;
            let Some([low, high]) = value.get_ref().as_array().map(|list| &list[..]) else {
                return Err(wanted());
            };
            let (low, high) = (self.whole_of(field, low)?, self.whole_of(field, high)?);
            ranges.push((name.get_ref().to_string(), low, high, at));
        }
        Ok(ranges)
    }
}
