//! `pytorch_model.bin`, in both of torch's formats: since 1.6 a zip archive of a pickle
//! and its storages, before that pickles with the storages after them.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::pickle::{Pickle, Storage, StoredTensor};
use super::tensor_file::{Attempt, TensorDescription, TensorFile};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};
use ttp_base::{Error, Result};
use zip::ZipArchive;

/// The pickle of a large model's tensors is some 100 kB: it holds none of their numbers.
const LARGEST_PICKLE: u64 = 4 << 20;

/// What begins a file of the older format, as a pickled number's bytes.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: i64 = 1001;

/// An open file whose pickle has been read.
pub(super) struct TorchFile {
    path: PathBuf,
    tensors: BTreeMap<String, StoredTensor>,
    descriptions: BTreeMap<String, TensorDescription>,
    storages: Storages,
    /// The storage read last, for tensors that share one.
    last: Option<(String, Vec<u8>)>,
}

enum Storages {
    Zip { archive: ZipArchive<BufReader<File>>, folder: String },
    Legacy { file: File, starts: HashMap<String, u64> },
}

impl TorchFile {
    /// Opens a file, reads its pickle and finds its storages.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(Error::file(path, "read"))?;
        let mut start = Vec::new();
        file.by_ref().take(4).read_to_end(&mut start).map_err(Error::file(path, "read"))?;
        file.rewind().map_err(Error::file(path, "read"))?;
        let opened = if start == *b"PK\x03\x04" { open_zip(file) } else { open_legacy(file) };
        let (tensors, storages) = opened.map_err(|reason| {
            Error::input(path, format!("not a file of weights by torch: {reason}"))
        })?;
        let describe = |tensor: &StoredTensor| TensorDescription {
            shape: tensor.shape.clone(),
            element: tensor.storage.element,
        };
        let descriptions = tensors.iter().map(|(n, t)| (n.clone(), describe(t))).collect();
        Ok(Self { path: path.to_path_buf(), tensors, descriptions, storages, last: None })
    }
}

impl TensorFile for TorchFile {
    fn tensors(&self) -> &BTreeMap<String, TensorDescription> {
        &self.descriptions
    }

    fn path_of(&self, _name: &str) -> &Path {
        &self.path
    }

    fn read(&mut self, name: &str) -> Result<Tensor> {
        let wrong = |reason: String| Error::input(&self.path, format!("{name}: {reason}"));
        let described = self.tensors.get(name).and_then(|t| Some((t, t.storage.element.kind?)));
        let (tensor, kind) = described.ok_or_else(|| wrong("holds no weights".to_owned()))?;
        let bytes = match self.last.take() {
            Some((key, bytes)) if key == tensor.storage.key => bytes,
            _ => self.storages.read(&tensor.storage).map_err(wrong)?,
        };
        let values = view(tensor, kind, &bytes).map_err(Error::library("reading weights"));
        self.last = Some((tensor.storage.key.clone(), bytes));
        values
    }
}

/// The tensor that lies in its storage's bytes.
fn view(tensor: &StoredTensor, kind: Kind, bytes: &[u8]) -> Result<Tensor, tch::TchError> {
    let signed = |sizes: &[usize]| sizes.iter().map(|&n| n as i64).collect::<Vec<_>>();
    let (shape, size) = (signed(&tensor.shape), tensor.storage.element.bytes);
    if tensor.is_contiguous() {
        let numbers: usize = tensor.shape.iter().product();
        let begin = tensor.offset.saturating_mul(size);
        let end = begin.saturating_add(numbers.saturating_mul(size));
        if let Some(own) = bytes.get(begin..end) {
            return Tensor::f_from_data_size(own, &shape, kind);
        }
    }
    let whole = Tensor::f_from_data_size(bytes, &[(bytes.len() / size) as i64], kind)?;
    whole.f_as_strided(&shape, signed(&tensor.strides), tensor.offset as i64)?.f_contiguous()
}

type TorchContents = Attempt<(BTreeMap<String, StoredTensor>, Storages)>;

/// Storages that share a key are one storage, of one kind and size.
fn by_name(pickle: &Pickle) -> Attempt<BTreeMap<String, StoredTensor>> {
    let mut storages: HashMap<&str, &Storage> = HashMap::new();
    let mut tensors = BTreeMap::new();
    for (name, tensor) in pickle.tensors()? {
        let storage = &tensor.storage;
        if *storages.entry(&storage.key).or_insert(storage) != storage {
            return Err(format!("storage {:?} is described in two ways", storage.key));
        }
        if tensors.insert(name.to_owned(), tensor.clone()).is_some() {
            return Err(format!("{name:?} stands there twice"));
        }
    }
    Ok(tensors)
}

fn open_zip(file: File) -> TorchContents {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(said)?;
    let pickles: Vec<&str> = archive
        .file_names()
        .filter_map(|name| name.strip_suffix("data.pkl"))
        .filter(|folder| folder.ends_with('/'))
        .collect();
    let [folder] = pickles[..] else {
        return Err(format!("{} files data.pkl in the archive; one is needed", pickles.len()));
    };
    let folder = folder.to_owned();
    if let Some(order) = read_entry(&mut archive, &format!("{folder}byteorder"), 16)?
        && order != b"little"
    {
        return Err("the byte order is not little".to_owned());
    }
    let name = format!("{folder}data.pkl");
    let bytes = read_entry(&mut archive, &name, LARGEST_PICKLE)?;
    let bytes = bytes.ok_or_else(|| format!("no {name:?} in the archive"))?;
    let tensors = by_name(&Pickle::read(&bytes)?)?;
    Ok((tensors, Storages::Zip { archive, folder }))
}

/// A file of the archive, whole and of the right checksum; `None` if there is none.
fn read_entry(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    longest: u64,
) -> Attempt<Option<Vec<u8>>> {
    let mut entry = match archive.by_name(name) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(said(error)),
    };
    // Weights hardly deflate: more than that is an archive made to fill the memory.
    let credible = entry.compressed_size().saturating_mul(64).saturating_add(1 << 20);
    if entry.size() > longest.min(credible) {
        return Err(format!("{name:?} would take {} bytes", entry.size()));
    }
    // One more than it says: the checksum is looked at where the file ends.
    let limit = entry.size().saturating_add(1);
    let mut bytes = Vec::new();
    entry.by_ref().take(limit).read_to_end(&mut bytes).map_err(said)?;
    if bytes.len() as u64 != entry.size() {
        return Err(format!("{name:?} is not of the {} bytes it should be", entry.size()));
    }
    Ok(Some(bytes))
}

fn open_legacy(mut file: File) -> TorchContents {
    let length = file.metadata().map_err(said)?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(LARGEST_PICKLE).read_to_end(&mut bytes).map_err(said)?;
    let mut at = 0;
    let mut next = || -> Attempt<Pickle> {
        let pickle = Pickle::read(bytes.get(at..).unwrap_or_default())?;
        at += pickle.end;
        Ok(pickle)
    };
    if !next().is_ok_and(|magic| magic.long() == Some(&MAGIC)) {
        return Err("it begins as none does".to_owned());
    }
    if next()?.integer() != Some(PROTOCOL) {
        return Err(format!("not of protocol {PROTOCOL}"));
    }
    if next()?.flag("little_endian") != Some(true) {
        return Err("the byte order is not little".to_owned());
    }
    let tensors = by_name(&next()?)?;
    let keys = next()?;
    let keys = keys.texts().ok_or("no list of storages")?;
    let starts = legacy_starts(&mut file, at as u64, length, &keys, &tensors)?;
    Ok((tensors, Storages::Legacy { file, starts }))
}

/// Where each storage's numbers begin: one after the other, each behind its count.
fn legacy_starts(
    file: &mut File,
    mut at: u64,
    length: u64,
    keys: &[&str],
    tensors: &BTreeMap<String, StoredTensor>,
) -> Attempt<HashMap<String, u64>> {
    let storages: HashMap<&str, &Storage> =
        tensors.values().map(|tensor| (tensor.storage.key.as_str(), &tensor.storage)).collect();
    let mut starts = HashMap::new();
    for &key in keys {
        let storage =
            storages.get(key).ok_or_else(|| format!("no tensor is in storage {key:?}"))?;
        let mut count = [0; 8];
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut count));
        read.map_err(said)?;
        if u64::from_le_bytes(count) != storage.numbers as u64 {
            return Err(format!("storage {key:?} is not of the {} numbers", storage.numbers));
        }
        let bytes = (storage.numbers as u64).checked_mul(storage.element.bytes as u64);
        let end = bytes.and_then(|bytes| bytes.checked_add(at)?.checked_add(8));
        let end = end.filter(|&end| end <= length);
        starts.insert(key.to_owned(), at.saturating_add(8));
        at = end.ok_or_else(|| format!("storage {key:?} goes beyond the file's end"))?;
    }
    if at != length {
        return Err(format!("its storages end at byte {at} of {length}"));
    }
    match storages.keys().find(|key| !starts.contains_key(**key)) {
        Some(key) => Err(format!("storage {key:?} is not in the file")),
        None => Ok(starts),
    }
}

impl Storages {
    /// A storage's bytes, all of them.
    fn read(&mut self, storage: &Storage) -> Attempt<Vec<u8>> {
        let key = &storage.key;
        let size = storage.numbers.checked_mul(storage.element.bytes);
        let size = size.ok_or_else(|| format!("storage {key:?} is too large"))?;
        let bytes = match self {
            Self::Zip { archive, folder } => {
                read_entry(archive, &format!("{folder}data/{key}"), size as u64)?
            }
            Self::Legacy { file, starts } => match starts.get(key) {
                Some(&start) => {
                    // Checked against the file's length at opening.
                    let mut bytes = vec![0; size];
                    let read = file.seek(SeekFrom::Start(start));
                    read.and_then(|_| file.read_exact(&mut bytes)).map_err(said)?;
                    Some(bytes)
                }
                None => None,
            },
        };
        match bytes {
            Some(bytes) if bytes.len() == size => Ok(bytes),
            Some(bytes) => Err(format!("storage {key:?} has {} bytes for {size}", bytes.len())),
            None => Err(format!("storage {key:?} is not in the file")),
        }
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
