//! Where the objects of a PDF file are.
//!
//! The whole file is looked through for `12 0 obj`, and the last one counts: that reads sound files,
//! those that were saved over and over, and those whose table of objects is broken or lies. Only
//! places are kept; an object is read when it is asked for.

use super::crypt::Crypt;
use super::filters;
use super::object::{Dict, Lexer, Lookup, Object};
use crate::budget::{Budget, Outcome};
use memchr::memmem;
use std::collections::HashMap;
use std::ops::Range;

/// References that are followed one after the other.
const HOPS: usize = 16;

enum Place {
    File { at: usize, data: Option<Range<usize>> },
    Packed { stream: usize, at: usize },
}

struct Entry {
    generation: u16,
    /// Where in the file it, or what it is packed in, stands: the later one counts.
    order: usize,
    place: Place,
}

pub(super) struct File<'a> {
    data: &'a [u8],
    entries: HashMap<u32, Entry>,
    packed: Vec<Vec<u8>>,
    crypt: Option<Crypt>,
    /// The document's catalog.
    pub(super) root: Option<Object>,
}

/// What looking through a file finds beside the places.
#[derive(Default)]
struct Objects {
    packs: Vec<u32>,
    trailers: Vec<Dict>,
    catalog: Option<u32>,
}

impl Lookup for File<'_> {
    fn resolve(&self, object: &Object, budget: &Budget) -> Outcome<Object> {
        let mut object = object.clone();
        for _ in 0..HOPS {
            let Object::Reference(number) = object else { return Ok(object) };
            budget.check()?;
            let read = self.entries.get(&number).and_then(|entry| match entry.place {
                Place::File { at, .. } => {
                    let object = Lexer::new(self.data, at).object()?;
                    Some(match &self.crypt {
                        Some(crypt) => crypt.strings(object, (number, entry.generation)),
                        None => object,
                    })
                }
                // A stream of objects is encrypted as a whole.
                Place::Packed { stream, at } => Lexer::new(self.packed.get(stream)?, at).object(),
            });
            object = read.unwrap_or(Object::Null);
        }
        Err("its objects refer to each other in a loop".to_owned())
    }
}

impl<'a> File<'a> {
    pub(super) fn open(data: &'a [u8], budget: &mut Budget) -> Outcome<Self> {
        let (entries, packed) = (HashMap::new(), Vec::new());
        let mut file = Self { data, entries, packed, crypt: None, root: None };
        let tail = &data[data.len().saturating_sub(64 << 10)..];
        if memmem::find(tail, b"%%EOF").is_none() && memmem::find(tail, b"startxref").is_none() {
            return Err("a truncated PDF: its end is missing".to_owned());
        }
        let mut found = file.scan(budget)?;
        file.find_trailers(&mut found, budget)?;
        file.crypt = file.find_crypt(&found.trailers, budget)?;
        file.unpack(&found.packs, budget)?;
        let root = found.trailers.iter().rev().find_map(|trailer| trailer.get(&b"Root"[..]));
        file.root = root.cloned().or(found.catalog.map(Object::Reference));
        Ok(file)
    }

    fn scan(&mut self, budget: &Budget) -> Outcome<Objects> {
        let mut found = Objects::default();
        let (mut passed, mut no_end_from) = (0, usize::MAX);
        for at in memmem::find_iter(self.data, b"obj") {
            budget.check()?;
            let Some((number, generation, order)) =
                header(self.data, at).filter(|(.., start)| *start >= passed)
            else {
                continue;
            };
            let at = at + 3;
            let mut lexer = Lexer::new(self.data, at);
            lexer.skip_blanks();
            let mut data = None;
            if self.data[lexer.at..].starts_with(b"<<")
                && let Some(Object::Dict(dict)) = lexer.object()
            {
                lexer.skip_blanks();
                if self.data[lexer.at..].starts_with(b"stream") {
                    let start = data_start(self.data, lexer.at + 6);
                    let end = self.data_end(&dict, start, &mut no_end_from);
                    passed = end;
                    data = Some(start..end);
                }
                match dict.get(&b"Type"[..]).and_then(Object::name) {
                    Some(b"ObjStm") if data.is_some() => found.packs.push(number),
                    Some(b"XRef") => found.trailers.push(dict),
                    Some(b"Catalog") => found.catalog = Some(number),
                    _ => {}
                }
            }
            let place = Place::File { at, data };
            self.entries.insert(number, Entry { generation, order, place });
        }
        Ok(found)
    }

    fn data_end(&self, dict: &Dict, start: usize, no_end_from: &mut usize) -> usize {
        let stated = dict.get(&b"Length"[..]).and_then(Object::index);
        if let Some(end) = stated.and_then(|length| start.checked_add(length))
            && let Some(after) = self.data.get(end..)
            && after.trim_ascii_start().starts_with(b"endstream")
        {
            return end;
        }
        // Not looked for again where there is none: the file would be read for each stream.
        if start < *no_end_from
            && let Some(length) = memmem::find(&self.data[start..], b"endstream")
        {
            return start + length;
        }
        *no_end_from = (*no_end_from).min(start);
        self.data.len()
    }

    fn find_trailers(&self, found: &mut Objects, budget: &Budget) -> Outcome<()> {
        for at in memmem::find_iter(self.data, b"trailer") {
            budget.check()?;
            if let Some(Object::Dict(dict)) = Lexer::new(self.data, at + 7).object() {
                found.trailers.push(dict);
            }
        }
        Ok(())
    }

    /// What decrypts an encrypted file that opens without a password; nothing for any other file.
    fn find_crypt(&self, trailers: &[Dict], budget: &Budget) -> Outcome<Option<Crypt>> {
        let newest = |key: &[u8]| {
            let mut found = trailers.iter().rev().filter_map(|trailer| trailer.get(key));
            found.find(|object| **object != Object::Null).cloned()
        };
        let Some(encrypt) = newest(b"Encrypt") else { return Ok(None) };
        let mut dict = Dict::new();
        for (key, object) in self.resolve(&encrypt, budget)?.dict().into_iter().flatten() {
            let mut object = self.resolve(object, budget)?;
            if let Object::Dict(filters) = &mut object {
                for filter in filters.values_mut() {
                    *filter = self.resolve(filter, budget)?;
                }
            }
            dict.insert(key.clone(), object);
        }
        let id = self.resolve(&newest(b"ID").unwrap_or(Object::Null), budget)?;
        let id = match id.array().and_then(<[Object]>::first) {
            Some(Object::Text(id)) => id.as_slice(),
            _ => &[],
        };
        match Crypt::open(&dict, id) {
            Some(crypt) => Ok(Some(crypt)),
            None => Err("encrypted: save it without a password".to_owned()),
        }
    }

    /// Unpacks streams of objects and notes where in them each is.
    fn unpack(&mut self, packs: &[u32], budget: &mut Budget) -> Outcome<()> {
        for pack in packs {
            let Some((dict, bytes)) = self.stream(&Object::Reference(*pack), budget)? else {
                continue;
            };
            let order = self.entries.get(pack).map_or(0, |entry| entry.order);
            let number = |key: &[u8]| dict.get(key).and_then(Object::index);
            let (Some(count), Some(first)) = (number(b"N"), number(b"First")) else { continue };
            let mut lexer = Lexer::new(&bytes, 0);
            let stream = self.packed.len();
            for _ in 0..count {
                budget.check()?;
                let pair = (lexer.object(), lexer.object());
                let (Some(Object::Number(number)), Some(offset)) = pair else { break };
                let Some(offset) = offset.index().filter(|offset| first + offset < bytes.len())
                else {
                    continue;
                };
                let place = Place::Packed { stream, at: first + offset };
                let later = self.entries.get(&(number as u32)).is_some_and(|one| one.order > order);
                if !later {
                    self.entries.insert(number as u32, Entry { generation: 0, order, place });
                }
            }
            self.packed.push(bytes);
        }
        Ok(())
    }

    /// The dictionary of a stream and its data, unpacked; nothing if it is none or an image.
    pub(super) fn stream(
        &self,
        object: &Object,
        budget: &mut Budget,
    ) -> Outcome<Option<(Dict, Vec<u8>)>> {
        let mut object = object.clone();
        for _ in 0..HOPS {
            let Object::Reference(number) = object else { return Ok(None) };
            let Some(Entry { generation, place: Place::File { at, data }, .. }) =
                self.entries.get(&number)
            else {
                return Ok(None);
            };
            let read = Lexer::new(self.data, *at).object();
            match (read, data) {
                (Some(Object::Dict(dict)), Some(data)) => {
                    let raw = self.data.get(data.clone()).unwrap_or_default();
                    let decrypted = self.decrypted(&dict, raw, (number, *generation), budget)?;
                    let raw = decrypted.as_deref().unwrap_or(raw);
                    let bytes = filters::decoded(self, &dict, raw, budget)?;
                    return Ok(bytes.map(|bytes| (dict, bytes)));
                }
                (Some(next), _) => object = next,
                (None, _) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The data of a stream of an encrypted file; nothing where the file is none.
    fn decrypted(
        &self,
        dict: &Dict,
        raw: &[u8],
        object: (u32, u16),
        budget: &Budget,
    ) -> Outcome<Option<Vec<u8>>> {
        let Some(crypt) = &self.crypt else { return Ok(None) };
        budget.check()?;
        // Without the end of the line that stands before `endstream`.
        let stated = self.get(dict, b"Length", budget)?.index().filter(|at| *at <= raw.len());
        let (raw, _) = raw.split_at(stated.unwrap_or(raw.len()));
        let filter = filters::crypt_filter(self, dict, budget)?;
        Ok(Some(crypt.stream(dict, filter.as_deref(), raw, object)))
    }

    /// Whether a reference is to an object that the file has.
    pub(super) fn has(&self, object: &Object) -> bool {
        !matches!(object, Object::Reference(number) if !self.entries.contains_key(number))
    }
}

/// The numbers before `obj` at `at`, the object's own and its generation, and where they start:
/// `12 0 obj`.
fn header(data: &[u8], at: usize) -> Option<(u32, u16, usize)> {
    let blanks = |end: usize| end - data[..end].trim_ascii_end().len();
    let digits = |end: usize| {
        let start = end.saturating_sub(10);
        data[start..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let near = at.saturating_sub(40);
    let mut end = at;
    let (mut number, mut generation) = (0, 0);
    for _ in 0..2 {
        if data[near..end].trim_ascii_end().is_empty() {
            return None;
        }
        let gap = blanks(end).min(end - near);
        end -= gap;
        let length = digits(end);
        if length == 0 {
            return None;
        }
        generation = number;
        number = std::str::from_utf8(&data[end - length..end]).ok()?.parse().ok()?;
        end -= length;
    }
    // No writer comes to a generation that is larger.
    Some((number, u16::try_from(generation).unwrap_or(0), end))
}

/// Where the data begins behind the word `stream`.
fn data_start(data: &[u8], at: usize) -> usize {
    match data.get(at..) {
        Some([b'\r', b'\n', ..]) => at + 2,
        Some([b'\n' | b'\r', ..]) => at + 1,
        _ => at.min(data.len()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn strings_of_encrypted_files_are_decrypted() {
        for (name, data) in crate::tests::encrypted::files() {
            if name.ends_with("-password") {
                continue;
            }
            let mut budget = Budget::new(&Limits::default());
            let file = File::open(&data, &mut budget).unwrap();
            let title = file.entries.keys().find_map(|number| {
                let object = file.resolve(&Object::Reference(*number), &budget).unwrap();
                object.dict()?.get(&b"Title"[..]).cloned()
            });
            assert_eq!(title, Some(Object::Text(b"A title".to_vec())), "{name}");
        }
    }
}
