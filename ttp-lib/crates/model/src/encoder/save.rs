//! A model on disk, in the hub's layout, as transformers reads it.

use crate::pretrained::Checkpoint;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::Path;
use tch::{Device, Kind, Tensor};
use ttp_base::{Error, Result, files};

/// Writes `model.safetensors` and `config.json`, each whole or not at all, and copies the
/// tokenizer's files from the checkpoint. `about` goes over the checkpoint's configuration.
pub(super) fn save(
    folder: &Path,
    checkpoint: &Checkpoint,
    parameters: &[(String, Tensor)],
    about: Map<String, Value>,
) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
    save_weights(&folder.join("model.safetensors"), parameters)?;
    let mut config = checkpoint.config.clone();
    config.insert("torch_dtype".into(), json!("float32"));
    config.extend(about);
    files::write_json(&folder.join("config.json"), &config)?;
    for from in checkpoint.tokenizer_files() {
        let bytes = std::fs::read(&from).map_err(Error::file(&from, "read"))?;
        let to = folder.join(from.file_name().unwrap_or_default());
        files::write_whole(&to, |out| out.write_all(&bytes).map_err(Error::file(&to, "write")))?;
    }
    Ok(())
}

/// A variable's numbers in single precision, row after row, as this machine orders their bytes.
pub(super) fn bytes_of(variable: &Tensor) -> Result<Vec<u8>> {
    let values = variable.detach().to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
    let mut bytes = vec![0_u8; values.numel() * 4];
    values.f_copy_data_u8(&mut bytes, values.numel()).map_err(Error::library("reading weights"))?;
    Ok(bytes)
}

/// Writes named weights as safetensors, whole or not at all.
pub fn save_weights(path: &Path, parameters: &[(String, Tensor)]) -> Result<()> {
    let mut tensors: Vec<(&str, Vec<usize>, Vec<u8>)> = Vec::with_capacity(parameters.len());
    for (name, variable) in parameters {
        let shape = variable.size().iter().map(|&n| n as usize).collect();
        tensors.push((name, shape, bytes_of(variable)?));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes)
                .map(|view| (*name, view))
                .map_err(|error| Error::input(path, format!("{error:?}")))
        })
        .collect::<Result<Vec<_>>>()?;
    // transformers refuses a file that does not say which framework's layout it holds.
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = safetensors::serialize(views, &Some(about))
        .map_err(|error| Error::input(path, format!("{error:?}")))?;
    files::write_whole(path, |out| out.write_all(&bytes).map_err(Error::file(path, "write")))
}
