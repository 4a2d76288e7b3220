//! `model.safetensors`, read tensor by tensor: a header of names, shapes and places,
//! checked in full, then the numbers. Only what is asked for is ever in memory.
//!
//! The crate `safetensors` reads from a slice of the whole file, and says of a wrong header that it
//! is wrong; this says which tensor is.

use super::tensor_file::{Attempt, ELEMENTS, TensorDescription, TensorFile};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tch::Tensor;
use ttp_base::{Error, Result};

/// As in the format's own implementation.
const LARGEST_HEADER: u64 = 100_000_000;

/// An open file whose header has been checked.
pub(super) struct SafetensorsFile {
    path: PathBuf,
    file: File,
    tensors: BTreeMap<String, TensorDescription>,
    /// Where each tensor's numbers begin in the file.
    starts: BTreeMap<String, u64>,
    /// Kept between tensors, so that memory is asked for once.
    buffer: Vec<u8>,
}

impl SafetensorsFile {
    /// Opens a file and checks its header against its length.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(Error::file(path, "read"))?;
        let length = file.metadata().map_err(Error::file(path, "read"))?.len();
        let wrong =
            |reason: String| Error::input(path, format!("not a safetensors file: {reason}"));
        if length < 8 {
            return Err(wrong(format!("{length} bytes")));
        }
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(Error::file(path, "read"))?;
        let size = u64::from_le_bytes(size);
        if size > LARGEST_HEADER || size > length - 8 {
            let reason = format!("a header of {size} bytes is claimed in a file of {length}");
            return Err(wrong(reason));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(Error::file(path, "read"))?;
        let header: Header =
            serde_json::from_slice(&header).map_err(|error| wrong(format!("header: {error}")))?;
        let mut opened = Self {
            path: path.to_path_buf(),
            file,
            tensors: BTreeMap::new(),
            starts: BTreeMap::new(),
            buffer: Vec::new(),
        };
        opened.place(header.0, 8 + size, length).map_err(wrong)?;
        Ok(opened)
    }

    /// Takes in the header's tensors: one after the other, without gaps, to the file's end.
    fn place(&mut self, header: Vec<(String, Value)>, start: u64, length: u64) -> Attempt<()> {
        let mut placed = Vec::with_capacity(header.len());
        for (name, value) in header {
            if name == "__metadata__" {
                continue;
            }
            let claim: Claim =
                serde_json::from_value(value).map_err(|error| format!("{name}: {error}"))?;
            placed.push((claim.data_offsets, name, claim));
        }
        placed.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut at = 0;
        for ((begin, end), name, claim) in placed {
            let description = claim.description(&name)?;
            if begin != at || end < begin {
                return Err(format!("{name} is at {begin} to {end}, and {at} was to come next"));
            }
            if description.bytes().is_none_or(|bytes| bytes as u64 != end - begin) {
                let (shape, dtype) = (&description.shape, &claim.dtype);
                let bytes = end - begin;
                return Err(format!("{name} has {bytes} bytes for {shape:?} of {dtype}"));
            }
            at = end;
            self.starts.insert(name.clone(), start.saturating_add(begin));
            self.tensors.insert(name, description);
        }
        let held = length - start;
        if at != held {
            return Err(format!("its header tells of {at} bytes, and {held} follow"));
        }
        Ok(())
    }
}

impl TensorFile for SafetensorsFile {
    fn tensors(&self) -> &BTreeMap<String, TensorDescription> {
        &self.tensors
    }

    fn path_of(&self, _name: &str) -> &Path {
        &self.path
    }

    fn read(&mut self, name: &str) -> Result<Tensor> {
        let known = self.tensors.get(name).zip(self.starts.get(name));
        let described = known.and_then(|(tensor, &start)| {
            Some((tensor, start, tensor.bytes()?, tensor.element.kind?))
        });
        let Some((tensor, start, bytes, kind)) = described else {
            return Err(Error::input(&self.path, format!("{name} holds no weights")));
        };
        let failed = Error::file(&self.path, "read");
        self.buffer.resize(bytes, 0);
        let read = self.file.seek(SeekFrom::Start(start));
        read.and_then(|_| self.file.read_exact(&mut self.buffer)).map_err(failed)?;
        let shape: Vec<i64> = tensor.shape.iter().map(|&n| n as i64).collect();
        Tensor::f_from_data_size(&self.buffer, &shape, kind)
            .map_err(Error::library("reading weights"))
    }
}

/// What the header claims of one tensor.
#[derive(Deserialize)]
struct Claim {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

impl Claim {
    fn description(&self, name: &str) -> Attempt<TensorDescription> {
        let element = ELEMENTS.into_iter().find(|element| element.name == self.dtype);
        let element = element.ok_or_else(|| format!("{name} holds {:?}", self.dtype))?;
        Ok(TensorDescription { shape: self.shape.clone(), element })
    }
}

/// The header's entries; a JSON object that repeats a name is refused.
struct Header(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if entries.insert(name.clone(), value).is_some() {
                return Err(serde::de::Error::custom(format!("{name:?} stands there twice")));
            }
        }
        Ok(Header(entries.into_iter().collect()))
    }
}
