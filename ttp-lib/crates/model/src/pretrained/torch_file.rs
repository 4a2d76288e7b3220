//! `pytorch_model.bin`, in both of torch's formats: since 1.6 a zip archive of a pickle
//! and its storages, before that pickles with the storages after them.

use super::pickle::{Pickle, Storage, StoredTensor};
use super::tensor_file::{Description, Said, TensorFile};
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
    descriptions: BTreeMap<String, Description>,
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
        let describe = |tensor: &StoredTensor| Description {
            shape: tensor.shape.clone(),
            element: tensor.storage.element,
        };
        let descriptions = tensors.iter().map(|(n, t)| (n.clone(), describe(t))).collect();
        Ok(Self { path: path.to_path_buf(), tensors, descriptions, storages, last: None })
    }
}

impl TensorFile for TorchFile {
    fn tensors(&self) -> &BTreeMap<String, Description> {
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

type Opened = Said<(BTreeMap<String, StoredTensor>, Storages)>;

/// Storages that share a key are one storage, of one kind and size.
fn by_name(pickle: &Pickle) -> Said<BTreeMap<String, StoredTensor>> {
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

fn open_zip(file: File) -> Opened {
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
) -> Said<Option<Vec<u8>>> {
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

fn open_legacy(mut file: File) -> Opened {
    let length = file.metadata().map_err(said)?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(LARGEST_PICKLE).read_to_end(&mut bytes).map_err(said)?;
    let mut at = 0;
    let mut next = || -> Said<Pickle> {
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
) -> Said<HashMap<String, u64>> {
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
    fn read(&mut self, storage: &Storage) -> Said<Vec<u8>> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use serde_json::{Value, json};

    /// A file of the golden ones, and what torch reads from it.
    fn golden(name: &str) -> (Vec<u8>, Value) {
        let files: Value =
            serde_json::from_str(include_str!("../../../../tests/golden/pickles.json")).unwrap();
        let file = &files["files"][name];
        let hex = file["hex"].as_str().unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        ((0..hex.len()).step_by(2).map(byte).collect(), file["tensors"].clone())
    }

    /// Everything in a file, as the golden ones have it; nothing but weights is asked for.
    fn read(path: &Path, bytes: &[u8]) -> Result<Value> {
        std::fs::write(path, bytes).unwrap();
        let mut file = TorchFile::open(path)?;
        let mut tensors = serde_json::Map::new();
        for (name, description) in file.tensors().clone() {
            let bytes = description.bytes().filter(|&bytes| bytes < 1 << 20);
            if bytes.is_none() || description.element.kind.is_none() {
                tensors.insert(name, Value::Null);
                continue;
            }
            let values = file.read(&name)?.to_kind(Kind::Double).view(-1);
            let numbers = Vec::<f64>::try_from(values).unwrap();
            tensors.insert(name, json!({ "shape": description.shape, "numbers": numbers }));
        }
        Ok(Value::Object(tensors))
    }

    fn said(name: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pytorch_model.bin");
        let error = read(&path, &golden(name).0).unwrap_err().to_string();
        let (_, reason) = error.split_once("not a file of weights by torch: ").unwrap();
        assert!(!reason.contains('\n'));
        reason.to_owned()
    }

    #[test]
    fn every_format_is_read_as_torch_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pytorch_model.bin");
        for name in [
            "zip",
            "legacy",
            "zip_protocol_4",
            "legacy_protocol_4",
            "half",
            "bfloat16",
            "double",
            "tied",
            "legacy_tied",
            "transposed",
            "legacy_transposed",
            "parameters",
            "module",
            "scalar_and_empty",
            "deflated",
        ] {
            let (bytes, expected) = golden(name);
            assert!(expected.is_object(), "{name}");
            assert_eq!(read(&path, &bytes).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn nothing_is_run_and_what_would_be_is_named() {
        let (zip, legacy) = (said("malicious"), said("legacy_malicious"));
        assert!(zip.ends_with("of its pickle: would run posix.system: refused"), "{zip}");
        assert!(legacy.ends_with("of its pickle: would run posix.system: refused"), "{legacy}");
        assert_eq!(said("no_tensor"), "\"epoch\" is no tensor");
        assert_eq!(said("list"), "not a dictionary of tensors by name");
    }

    #[test]
    fn whole_numbers_are_described_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pytorch_model.bin");
        assert_eq!(read(&path, &golden("integers").0).unwrap(), json!({ "a": null }));
        let error = TorchFile::open(&path).unwrap().read("a").unwrap_err().to_string();
        assert!(error.ends_with("a: holds no weights"), "{error}");
    }

    #[test]
    fn a_file_cut_short_anywhere_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pytorch_model.bin");
        for name in ["zip", "legacy", "transposed", "legacy_tied"] {
            let (bytes, _) = golden(name);
            for length in 0..bytes.len() {
                assert!(read(&path, &bytes[..length]).is_err(), "{name} at {length}");
            }
        }
    }

    #[test]
    fn no_change_of_bytes_is_more_than_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pytorch_model.bin");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for name in ["zip", "legacy", "zip_protocol_4", "legacy_protocol_4", "tied", "deflated"] {
            let (whole, _) = golden(name);
            for _ in 0..500 {
                let mut bytes = whole.clone();
                for _ in 0..rng.random_range(1..4) {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] = rng.random();
                }
                // Either is right; a panic is not.
                drop(read(&path, &bytes));
            }
        }
    }

    /// A pickle by hand: instructions and the reason they give.
    fn pickle(instructions: &[u8]) -> String {
        Pickle::read(instructions).map(|_| ()).unwrap_err()
    }

    #[test]
    fn pickles_that_are_none_are_named() {
        for (instructions, reason) in [
            (&b"\x80\x02cos\nsystem\n."[..], "would run os.system: refused"),
            (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "would run os.system: refused"),
            (
                b"ctorch.storage\n_load_from_bytes\n.",
                "would run torch.storage._load_from_bytes: refused",
            ),
            (b"ctorch\nload\n.", "would run torch.load: refused"),
            (b"\x80\x05.", "protocol 5; 2 to 4 are read"),
            (b"ccollections\nOrderedDict\nK\x01\x85R.", "a call that is not known: refused"),
            (b")K\x01R.", "no tuple where one is needed"),
            (b"i", "instruction 0x69 is not read"),
            (b"h\x07.", "no value 7"),
            (b"t.", "takes values down to a mark that is not there"),
            (b"N(\x85.", "takes a value where there is none"),
            (b"X\xff\xff\xff\x7fabc.", "cut off"),
        ] {
            let said = pickle(instructions);
            assert!(said.ends_with(reason), "{said} and {reason}");
        }
        // Nested a million deep: read, and dropped, without recursion.
        let mut deep = vec![b')'];
        deep.extend([0x85].repeat(1_000_000));
        deep.push(b'.');
        assert_eq!(
            Pickle::read(&deep).unwrap().tensors().unwrap_err(),
            "not a dictionary of tensors by name"
        );
    }
}
