//! Weights in several files: an index (`model.safetensors.index.json`) says which tensor is in
//! which of them.

use super::safetensors::SafetensorsFile;
use super::tensor_file::{TensorDescription, TensorFile};
use super::torch_file::TorchFile;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tch::Tensor;
use ttp_base::{Error, Result, files};

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Whether a file is an index by its name.
pub(super) fn is_index(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn read(index: &Path) -> Result<Index> {
    let read: Index = files::read_json(index)?;
    let wrong = |reason: String| Err(Error::input_at(index, None, Some("weight_map"), reason));
    if read.weight_map.is_empty() {
        return wrong("it names no tensor".to_owned());
    }
    for (tensor, part) in &read.weight_map {
        // A file beside the index, of a kind that is read here, and no other path.
        let is_name = Path::new(part).file_name().is_some_and(|name| *name == **part);
        let is_kind = part.ends_with(".safetensors") || part.ends_with(".bin");
        if !is_name || !is_kind {
            return wrong(format!(
                "{tensor} is in {part:?}, which is no file of weights beside it"
            ));
        }
    }
    Ok(read)
}

/// The files that an index names, each once; all of them are there.
pub(super) fn parts(index: &Path) -> Result<Vec<PathBuf>> {
    let names: BTreeSet<String> = read(index)?.weight_map.into_values().collect();
    let parts: Vec<PathBuf> = names.iter().map(|name| index.with_file_name(name)).collect();
    match names.iter().zip(&parts).find(|(_, path)| !path.exists()) {
        Some((name, _)) => {
            let count = names.len();
            let reason = format!("{name}, one of the {count} files that it names, is not there");
            Err(Error::input(index, reason))
        }
        None => Ok(parts),
    }
}

/// The files of an index as one.
pub(super) struct Shards {
    tensors: BTreeMap<String, TensorDescription>,
    /// In which of `files` a tensor is.
    places: BTreeMap<String, usize>,
    files: Vec<Box<dyn TensorFile>>,
}

/// Opens a file that holds weights itself, by what its name says it is.
pub(super) fn open_one(path: &Path) -> Result<Box<dyn TensorFile>> {
    match path.extension().is_some_and(|extension| extension == "safetensors") {
        true => Ok(Box::new(SafetensorsFile::open(path)?)),
        false => Ok(Box::new(TorchFile::open(path)?)),
    }
}

impl Shards {
    /// Opens every file that an index names.
    pub fn open(index: &Path) -> Result<Self> {
        let Index { weight_map } = read(index)?;
        let paths = parts(index)?;
        let mut shards = Self { tensors: BTreeMap::new(), places: BTreeMap::new(), files: vec![] };
        for (number, path) in paths.iter().enumerate() {
            let file = open_one(path)?;
            for (name, description) in file.tensors() {
                if let Some(other) = shards.places.insert(name.clone(), number) {
                    let other = paths[other].file_name().unwrap_or_default().to_string_lossy();
                    let reason = format!("{name} is in it, and in {other}, too");
                    return Err(Error::input(path, reason));
                }
                shards.tensors.insert(name.clone(), description.clone());
            }
            shards.files.push(file);
        }
        let is_there = |(name, part): &(&String, &String)| {
            let place = shards.places.get(*name).map(|&number| &paths[number]);
            place.is_some_and(|path| path.ends_with(part))
        };
        match weight_map.iter().find(|entry| !is_there(entry)) {
            Some((name, part)) => {
                let reason = format!("{name} is not in {part}");
                Err(Error::input_at(index, None, Some("weight_map"), reason))
            }
            None => Ok(shards),
        }
    }
}

impl TensorFile for Shards {
    fn tensors(&self) -> &BTreeMap<String, TensorDescription> {
        &self.tensors
    }

    fn path_of(&self, name: &str) -> &Path {
        let place = self.places.get(name).copied().unwrap_or_default();
        self.files[place].path_of(name)
    }

    fn read(&mut self, name: &str) -> Result<Tensor> {
        let place = self.places.get(name).copied().unwrap_or_default();
        self.files[place].read(name)
    }
}
