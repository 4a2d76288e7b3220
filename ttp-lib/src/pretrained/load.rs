//! A checkpoint on disk, in the hub's layout: `config.json`, `model.safetensors`,
//! `tokenizer.json`. It is read whole and checked before a model is built from it.

use super::catalogue::{CATALOGUE, Entry};
use crate::{Error, Result};
use rust_bert::bert::BertConfig;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor, nn};
use tokenizers::{Tokenizer, TruncationParams};

/// A checkpoint's folder, with its configuration read and checked.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The name it was asked for by.
    pub name: String,
    /// Where its files are.
    pub folder: PathBuf,
    /// `config.json`, whole.
    pub config: Map<String, Value>,
    /// Its entry in the catalogue, if it has one.
    pub entry: Option<&'static Entry>,
}

impl Checkpoint {
    /// Finds a checkpoint: a name of the catalogue is a folder of `models`,
    /// anything with a path separator is a folder of its own.
    ///
    /// # Errors
    /// If the name is unknown, the folder or one of its files is not there, or
    /// `config.json` lacks a field or has one of the wrong kind.
    pub fn find(name: &str, models: &Path) -> Result<Self> {
        let entry = CATALOGUE.iter().find(|entry| entry.name == name);
        let folder = match entry {
            Some(entry) => models.join(&entry.name),
            None if name.contains(std::path::is_separator) => PathBuf::from(name),
            None => {
                let mut known: Vec<_> = CATALOGUE.iter().map(|e| e.name.clone()).collect();
                known.push("a folder's path".to_owned());
                return Err(Error::Unknown { kind: "checkpoint", name: name.to_owned(), known });
            }
        };
        let config_file = folder.join("config.json");
        let config: Map<String, Value> = crate::files::read_json(&config_file)?;
        check_config(&config, &config_file)?;
        for file in ["model.safetensors", "tokenizer.json"] {
            let path = folder.join(file);
            std::fs::metadata(&path).map_err(Error::file(&path, "read"))?;
        }
        Ok(Self { name: name.to_owned(), folder, config, entry })
    }

    /// One line about where the model comes from and what it stands in for.
    pub fn describe(&self) -> String {
        match self.entry {
            Some(Entry { title, stands_in_for: Some(other), .. }) => {
                format!("{title}, a stand-in for {other}")
            }
            Some(Entry { title, .. }) => title.clone(),
            None => self.folder.display().to_string(),
        }
    }

    #[allow(missing_docs)]
    pub fn open(name: &str, folder: &Path) -> Result<Self> {
        let mut found = Self::find(&format!("{}/", folder.display()), folder)?;
        found.name = name.to_owned();
        found.entry = Entry::named(name);
        Ok(found)
    }
    #[allow(missing_docs)]
    pub fn tensor_names(&self) -> Result<Vec<String>> {
        let path = self.folder.join("model.safetensors");
        let bytes = std::fs::read(&path).map_err(Error::file(&path, "read"))?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|error| Error::input(&path, format!("not a safetensors file: {error:?}")))?;
        Ok(file.names().into_iter().cloned().collect())
    }
    #[allow(missing_docs)]
    pub fn family(&self) -> Family {
        Family::Bert
    }
    #[allow(missing_docs)]
    pub fn tokenizer_files(&self) -> Vec<PathBuf> {
        ["tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"]
            .map(|f| self.folder.join(f))
            .into_iter()
            .filter(|p| p.exists())
            .collect()
    }
    /// The configuration as rust-bert wants it, for a model that names `labels`.
    ///
    /// # Errors
    /// If rust-bert does not take a value, an activation it does not know for instance.
    pub fn bert_config(&self) -> Result<BertConfig> {
        let path = self.folder.join("config.json");
        serde_json::from_value(Value::Object(self.config.clone()))
            .map_err(|error| Error::input(&path, error))
    }

    /// A size of the configuration, for instance `hidden_size`. Checked at reading.
    pub fn size(&self, field: &str) -> i64 {
        self.config.get(field).and_then(Value::as_i64).unwrap_or(0)
    }

    /// The tokenizer, cutting at `max_length` tokens and never padding: padding is the batch's business.
    ///
    /// # Errors
    /// If `tokenizer.json` cannot be read or holds more tokens than the model has embeddings,
    /// or the model has no places for so long a text.
    pub fn tokenizer(&self, max_length: usize) -> Result<Tokenize> {
        let path = self.folder.join("tokenizer.json");
        let mut tokenizer =
            Tokenizer::from_file(&path).map_err(|error| Error::input(&path, error))?;
        let vocabulary = self.size("vocab_size");
        let tokens = tokenizer.get_vocab_size(true);
        if tokens as i64 > vocabulary {
            let reason = format!("{tokens} tokens, but the model has {vocabulary} embeddings");
            return Err(Error::input(&path, reason));
        }
        let places = self.size("max_position_embeddings");
        if max_length as i64 > places {
            let reason = format!("{max_length}, but {} has places for {places} tokens", self.name);
            return Err(Error::Setting { field: "training.max_length", reason });
        }
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length, ..Default::default() }))
            .map_err(|error| Error::input(&path, error))?;
        Ok(Tokenize { tokenizer })
    }

    /// Copies the checkpoint's weights into the variables of `vars`. Variables
    /// whose names begin with one of `new` keep their start; every other one must
    /// be in the file, with its shape, and the file may hold no other.
    ///
    /// Names are compared without the `bert.` that a headless checkpoint lacks,
    /// and with `gamma`/`beta` of older files read as `weight`/`bias`. Half
    /// precision becomes single.
    ///
    /// # Errors
    /// If the file is cut off or no safetensors file, or a tensor is missing,
    /// left over, or of another shape: all such names are listed.
    pub fn load_weights(&self, vars: &nn::VarStore, new: &[&str]) -> Result<()> {
        let path = self.folder.join("model.safetensors");
        let bytes = std::fs::read(&path).map_err(Error::file(&path, "read"))?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|error| Error::input(&path, format!("not a safetensors file: {error:?}")))?;
        let mut stored: BTreeMap<String, &str> = BTreeMap::new();
        let names = file.names();
        for name in names {
            stored.insert(canonical(name), name);
        }
        let mut problems = Vec::new();
        let variables: BTreeMap<String, Tensor> = vars.variables().into_iter().collect();
        for (name, variable) in &variables {
            let Some(stored_name) = stored.remove(&canonical(name)) else {
                if !new.iter().any(|prefix| name.starts_with(prefix)) {
                    problems.push(format!("{name} is missing"));
                }
                continue;
            };
            let view = file
                .tensor(stored_name)
                .map_err(|error| Error::input(&path, format!("{error:?}")))?;
            let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
            if shape != variable.size() {
                problems.push(format!("{name} is {shape:?} and should be {:?}", variable.size()));
                continue;
            }
            let Some(kind) = kind_of(view.dtype()) else {
                problems.push(format!("{name} holds {:?}", view.dtype()));
                continue;
            };
            tch::no_grad(|| {
                let source = Tensor::f_from_data_size(view.data(), &shape, kind)?;
                variable.shallow_clone().f_copy_(&source.to_kind(Kind::Float))
            })
            .map_err(Error::library("copying weights"))?;
        }
        // Buffers and heads that this model does not have, by their known names.
        stored.retain(|name, _| {
            !(name.ends_with("position_ids")
                || name.starts_with("cls.")
                || name.starts_with("classifier."))
        });
        problems.extend(stored.values().map(|name| format!("{name} is not part of the model")));
        if problems.is_empty() {
            return Ok(());
        }
        let shown = problems.iter().take(8).cloned().collect::<Vec<_>>().join("; ");
        let more = problems.len().saturating_sub(8);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        Err(Error::input(&path, format!("{shown}{more}")))
    }
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Bert,
    Roberta,
}
/// A checkpoint's tokenizer, ready for batches.
pub struct Tokenize {
    tokenizer: Tokenizer,
}

impl Tokenize {
    /// Token ids of each text, special tokens included, in the texts' order.
    ///
    /// # Errors
    /// If the tokenizer refuses a text.
    pub fn ids(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        let encodings = self
            .tokenizer
            .encode_batch_fast(texts.to_vec(), true)
            .map_err(Error::library("tokenizing"))?;
        Ok(encodings.iter().map(|encoding| encoding.get_ids().to_vec()).collect())
    }

    /// The tokens of one text as the model reads them: `[CLS]`, `spear`, `##phi` …
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn tokens(&self, text: &str) -> Result<Vec<String>> {
        let encoding = self.tokenizer.encode(text, true).map_err(Error::library("tokenizing"))?;
        Ok(encoding.get_tokens().to_vec())
    }

    #[allow(missing_docs)]
    pub fn mask_id(&self) -> Option<u32> {
        self.tokenizer.token_to_id("[MASK]")
    }
    #[allow(missing_docs)]
    pub fn token_of(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }
    #[allow(missing_docs)]
    pub fn special_ids(&self) -> Vec<u32> {
        vec![0, 101, 102, 103]
    }
    #[allow(missing_docs)]
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }
    /// The id that fills a batch's short rows.
    pub fn padding_id(&self) -> u32 {
        self.tokenizer.token_to_id("[PAD]").unwrap_or(0)
    }
}

/// `bert.encoder.layer.0.output.LayerNorm.gamma` → `encoder.layer.0.output.LayerNorm.weight`.
fn canonical(name: &str) -> String {
    let name = name.strip_prefix("bert.").unwrap_or(name);
    match name.rsplit_once('.') {
        Some((stem, "gamma")) => format!("{stem}.weight"),
        Some((stem, "beta")) => format!("{stem}.bias"),
        _ => name.to_owned(),
    }
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F32 => Some(Kind::Float),
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        Dtype::F64 => Some(Kind::Double),
        _ => None,
    }
}

/// rust-bert panics on a configuration with a missing key, so every key is looked at first.
fn check_config(config: &Map<String, Value>, file: &Path) -> Result<()> {
    let wrong = |field: &str, reason: String| Err(Error::input_at(file, None, Some(field), reason));
    match config.get("model_type").and_then(Value::as_str) {
        Some("bert") => {}
        Some(other) => {
            return wrong("model_type", format!("{other:?} is not supported; \"bert\" is"));
        }
        None => return wrong("model_type", "missing".to_owned()),
    }
    for field in [
        "hidden_size",
        "intermediate_size",
        "max_position_embeddings",
        "num_attention_heads",
        "num_hidden_layers",
        "type_vocab_size",
        "vocab_size",
    ] {
        match config.get(field) {
            None => return wrong(field, "missing".to_owned()),
            Some(value) if value.as_i64().is_none_or(|n| n < 1) => {
                return wrong(field, format!("{value} is not a size"));
            }
            Some(_) => {}
        }
    }
    for field in ["attention_probs_dropout_prob", "hidden_dropout_prob", "initializer_range"] {
        match config.get(field) {
            None => return wrong(field, "missing".to_owned()),
            Some(value) if value.as_f64().is_none_or(|x| !(0.0..1.0).contains(&x)) => {
                return wrong(field, format!("{value} is not from 0 to 1"));
            }
            Some(_) => {}
        }
    }
    if config.get("hidden_act").and_then(Value::as_str).is_none() {
        return wrong("hidden_act", "missing".to_owned());
    }
    // rust-bert computes with this one, whatever the file says.
    match config.get("layer_norm_eps").and_then(Value::as_f64) {
        Some(epsilon) if (epsilon - 1e-12).abs() > 1e-15 => {
            return wrong("layer_norm_eps", format!("{epsilon} is not supported; 1e-12 is"));
        }
        _ => {}
    }
    let size = |field: &str| config.get(field).and_then(Value::as_i64).unwrap_or(1);
    if size("hidden_size") % size("num_attention_heads") != 0 {
        return wrong("hidden_size", "not a multiple of num_attention_heads".to_owned());
    }
    Ok(())
}
