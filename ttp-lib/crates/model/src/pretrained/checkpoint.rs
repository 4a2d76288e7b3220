//! A checkpoint on disk, in the hub's layout: `config.json`, weights, a tokenizer's
//! files. It is read and checked before a model is built from it.

use super::catalogue::{Entry, Start};
use super::config::{self, Architecture, Problem};
use super::file_names::{CONFIG, MODULES, TOKENIZER_FILES, WEIGHTS};
use super::notes;
use super::shards;
use super::tokenizer::{self, CheckpointTokenizer};
use super::vocabulary::Vocabulary;
use super::weights::{self, LoadSummary, Matching};
use rust_bert::bert::BertConfig;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use tch::nn;
use ttp_base::{Error, Result, files};

/// In a configuration: how many rows the words' table has of the model whose start is shared.
const START_ROWS: &str = "ttp_start_rows";

/// A checkpoint's folder, with its configuration read and checked.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The name it was asked for by.
    pub name: String,
    /// Where its files are.
    pub folder: PathBuf,
    /// `config.json`, whole, with transformers' defaults for keys that it leaves out.
    pub config: Map<String, Value>,
    /// Its entry in the catalogue, if it has one.
    pub entry: Option<&'static Entry>,
    family: Architecture,
    weights: PathBuf,
    /// Where `modules.json` is, if there is one.
    root: PathBuf,
}

impl Checkpoint {
    /// Opens the checkpoint in `folder` under a name. Its weights are `model.safetensors`,
    /// or else `pytorch_model.bin`, which is read without running anything; either may be in
    /// several files that an index (`model.safetensors.index.json`) names.
    ///
    /// # Errors
    /// If one of its files is not there, `config.json` lacks a field or has one of the
    /// wrong kind, or asks for what is not computed here; if the weights cannot be those of so
    /// large a model, are MPNet's under BERT's or RoBERTa's configuration, or the other way
    /// round, or wait for an adapter's.
    pub fn open(name: &str, folder: &Path) -> Result<Self> {
        if let Some(inner) = transformer_folder(folder)? {
            let checkpoint = Self::open(name, &inner)?;
            return Ok(Self { root: folder.to_path_buf(), ..checkpoint });
        }
        let (family, config) = config::read(&folder.join(CONFIG))?;
        let adapter = folder.join("adapter_config.json");
        if adapter.exists() {
            let reason = "an adapter's weights (PEFT) are not supported; a merged model's are";
            return Err(Error::input(&adapter, reason));
        }
        let weights = find_weights(folder, config::numbers(&config))?;
        check_family(folder, family, &weights)?;
        tokenizer::vocabulary(folder)?;
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_path_buf(),
            config,
            entry: Entry::named(name),
            family,
            weights,
            root: folder.to_path_buf(),
        })
    }

    /// The folder that it was opened by: of an older sentence model the one around its
    /// transformer's.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// One line about where the model comes from and what it stands in for.
    pub fn describe(&self) -> String {
        match self.entry {
            Some(Entry { title, stands_in_for: Some(other), .. }) => {
                format!("{title}, a stand-in for {other}")
            }
            Some(Entry { title, .. }) => format!("{title}{}", self.commit()),
            None => format!("{}{}", self.name, self.commit()),
        }
    }

    /// ` at <commit>` for a snapshot in the hub's cache, whose folder has that name.
    fn commit(&self) -> String {
        let parts: Vec<_> = self.root.iter().map(|part| part.to_string_lossy()).collect();
        match parts.as_slice() {
            [.., snapshots, commit] if snapshots == "snapshots" => format!(" at {commit}"),
            _ => String::new(),
        }
    }

    /// BERT, RoBERTa or MPNet.
    pub fn family(&self) -> Architecture {
        self.family
    }

    /// The configuration as rust-bert wants it, of one type for all kinds; the number of labels
    /// is the head's business.
    ///
    /// # Errors
    /// If rust-bert does not take a value.
    pub fn bert_config(&self) -> Result<BertConfig> {
        config::for_rust_bert(&self.folder.join(CONFIG), &self.config)
    }

    /// A size of the configuration, for instance `hidden_size`. Checked at reading.
    pub fn size(&self, field: &str) -> i64 {
        config::size(&self.config, field)
    }

    /// The longest input in tokens, special tokens included: RoBERTa's and MPNet's 514 places are
    /// for 512.
    pub fn places(&self) -> usize {
        config::places(self.family, &self.config).unsigned_abs() as usize
    }

    /// What a user should know of the configuration, a line each: keys that have no part in what
    /// is computed here, and might have elsewhere. Empty for most checkpoints.
    pub fn notes(&self) -> Vec<String> {
        notes::of(self.family, &self.config)
    }

    /// What every layer norm adds to the variance, `layer_norm_eps`.
    pub fn epsilon(&self) -> f64 {
        config::epsilon(&self.config)
    }

    /// The share of a classifier's inputs that training drops, from 0 to 1: `classifier_dropout`,
    /// or the hidden layers' where that is null.
    pub fn classifier_dropout(&self) -> f64 {
        config::classifier_dropout(self.family, &self.config)
    }

    /// What the configuration says of a classifier's logits; `None` where it says nothing.
    pub fn problem(&self) -> Option<Problem> {
        config::problem(&self.config)
    }

    /// `config.json` is wrong in a field, for a purpose that does not concern all models.
    pub(crate) fn wrong(&self, field: &str, reason: impl std::fmt::Display) -> Error {
        Error::input_at(&self.folder.join(CONFIG), None, Some(field), reason)
    }

    /// The tokenizer, cutting at `max_length` tokens and never padding: padding is the
    /// batch's business.
    ///
    /// # Errors
    /// If its files cannot be read, lack a special token or hold more tokens than the model
    /// has embeddings; if the model has no places for so long a text, or `max_length` none
    /// for a single token between the special ones.
    pub fn tokenizer(&self, max_length: usize) -> Result<CheckpointTokenizer> {
        self.tokenizer_of("training.max_length", max_length)
    }

    /// The same for a length that another setting gives, which an error names.
    ///
    /// # Errors
    /// As [`tokenizer`](Self::tokenizer).
    pub fn tokenizer_of(
        &self,
        setting: &'static str,
        max_length: usize,
    ) -> Result<CheckpointTokenizer> {
        let reason = match max_length {
            0..=2 => Some(format!("{max_length}, but two are special tokens")),
            _ if max_length > self.places() => {
                let places = self.places();
                Some(format!("{max_length}, but {} has places for {places} tokens", self.name))
            }
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(Error::Setting { field: setting, reason });
        }
        let builder = tokenizer::Builder::new(&self.folder, self.family, &self.config)?;
        builder.build(max_length, self.size("vocab_size"))
    }

    /// Every file of the folder that the tokenizer may be read from: what a model that is
    /// saved elsewhere takes along.
    pub fn tokenizer_files(&self) -> Vec<PathBuf> {
        let files = TOKENIZER_FILES.iter().map(|name| self.folder.join(name));
        files.filter(|file| file.is_file()).collect()
    }

    /// The names of the tensors in its file, in the order of the names.
    ///
    /// # Errors
    /// If the file is cut off, is not of its format or would run code.
    pub fn tensor_names(&self) -> Result<Vec<String>> {
        Ok(self.tensor_shapes()?.into_keys().collect())
    }

    /// The shape of every tensor in its file, by name.
    ///
    /// # Errors
    /// As [`tensor_names`](Self::tensor_names).
    pub fn tensor_shapes(&self) -> Result<BTreeMap<String, Vec<usize>>> {
        let file = weights::open(&self.weights)?;
        Ok(file
            .tensors()
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.shape.clone()))
            .collect())
    }

    /// The same shape from the same random start, with another vocabulary: a checkpoint in
    /// `folder`, which is made. Its weights are a link to this one's and are not read.
    /// With `lower_case` its tokenizer takes capitals and accents off.
    ///
    /// # Errors
    /// If this checkpoint does not start at random or is not BERT's, a piece that a tokenizer
    /// needs is missing, or a file cannot be written.
    pub fn with_vocabulary(
        &self,
        vocabulary: &Vocabulary,
        lower_case: bool,
        folder: &Path,
    ) -> Result<Self> {
        let is_random = |entry: &Entry| matches!(entry.start, Start::Random { .. });
        if self.family != Architecture::Bert || !self.entry.is_some_and(is_random) {
            let reason = format!(
                "{} knows the pieces that it was trained with: only BERT's shape from a random \
                 start takes another vocabulary",
                self.name
            );
            return Err(Error::Setting { field: "checkpoint", reason });
        }
        let padding = vocabulary.id_of("[PAD]").ok_or_else(|| {
            let reason = "no piece [PAD]";
            Error::input(vocabulary.file(), reason)
        })?;
        let mut config = self.config.clone();
        config.insert(START_ROWS.to_owned(), self.config["vocab_size"].clone());
        config.insert("vocab_size".to_owned(), vocabulary.pieces().len().into());
        config.insert("pad_token_id".to_owned(), padding.into());
        fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
        files::write_json(&folder.join(CONFIG), &config)?;
        files::write_text(&folder.join("vocab.txt"), &vocabulary.to_lines())?;
        let settings = serde_json::json!({ "do_lower_case": lower_case });
        files::write_json(&folder.join("tokenizer_config.json"), &settings)?;
        let weights = self.weights.canonicalize().map_err(Error::file(&self.weights, "read"))?;
        let [link, ..] = WEIGHTS;
        let link = folder.join(link);
        std::os::unix::fs::symlink(&weights, &link).map_err(Error::file(&link, "create"))?;
        Self::open(&self.name, folder)
    }

    /// As many rows of the words' table are drawn before what starts at random after it, so that
    /// models of one shape start alike whatever their vocabulary; `None` for the table's own.
    pub(crate) fn start_rows(&self) -> Option<i64> {
        self.config.get(START_ROWS).and_then(Value::as_i64)
    }

    /// Copies the checkpoint's weights into the variables of `vars`: every variable is in
    /// the file, with its shape, and the file holds no other but buffers and known heads
    /// that the model does not have; that is known before anything is copied. Variables
    /// whose names begin with one of `new` keep their start if the file has none of them; a
    /// `classifier` named in `new` always does.
    ///
    /// Names are compared without the `bert.`, `roberta.` or `mpnet.` that a headless checkpoint
    /// lacks, and with `gamma`/`beta` of older files read as `weight`/`bias`. A masked-word
    /// head's `decoder` is the word embeddings' weight, unless `tie_word_embeddings` is
    /// false. Half and double precision become single.
    ///
    /// # Errors
    /// If the file is cut off, is not of its format or would run code, or a tensor is
    /// missing, left over, of another shape or not of finite floating-point numbers: all
    /// such names are listed.
    pub fn load_weights(&self, vars: &nn::VarStore, new: &[&str]) -> Result<LoadSummary> {
        let tied = self.config.get("tie_word_embeddings") != Some(&Value::Bool(false));
        Matching { family: self.family, new, tied }.load(&self.weights, vars)
    }
}

/// The folder of a sentence model's transformer, where it has one of its own (`0_Transformer`) and
/// the model's has no configuration of a transformer. Older sentence-transformers left a
/// `config.json` there that names their version alone.
fn transformer_folder(folder: &Path) -> Result<Option<PathBuf>> {
    let file = folder.join(MODULES);
    let config = folder.join(CONFIG);
    let is_model = || {
        let read = ttp_base::files::read_json::<Value>(&config);
        read.map_or(true, |config| config.get("model_type").is_some())
    };
    if !file.exists() || config.exists() && is_model() {
        return Ok(None);
    }
    let modules: Value = ttp_base::files::read_json(&file)?;
    let wrong = |field, reason| Err(Error::input_at(&file, None, Some(field), reason));
    let kind = modules[0]["type"].as_str().unwrap_or_default();
    if kind.rsplit('.').next() != Some("Transformer") {
        return wrong("type", format!("{kind:?} is not supported as the first; Transformer is"));
    }
    let path = modules[0]["path"].as_str().unwrap_or_default().trim_end_matches('/');
    let is_inside = Path::new(path).file_name().is_some_and(|name| name == path);
    match folder.join(path) {
        inner if is_inside && inner.is_dir() => Ok(Some(inner)),
        // What is missing is told where it is looked for.
        _ if path.is_empty() => Ok(None),
        _ => wrong("path", format!("{path:?} is no folder beside it")),
    }
}

/// That the weights are not of another kind than `config.json` names, by how their tensors call
/// an attention's query. Of a file that cannot be read, loading says what is wrong with it.
fn check_family(folder: &Path, family: Architecture, weights: &Path) -> Result<()> {
    const QUERIES: [(bool, &str, &str); 2] = [
        (true, ".attention.attn.q.weight", "MPNet's"),
        (false, ".attention.self.query.weight", "BERT's or RoBERTa's"),
    ];
    let Ok(file) = weights::open(weights) else { return Ok(()) };
    let is_mpnet = family == Architecture::Mpnet;
    for (_, end, whose) in QUERIES.iter().filter(|(of_mpnet, ..)| *of_mpnet != is_mpnet) {
        if let Some(name) = file.tensors().keys().find(|name| name.ends_with(end)) {
            let weights = weights.file_name().unwrap_or_default().to_string_lossy();
            let reason = format!("{:?}, but {weights} holds {whose} {name}", family.name());
            let config = folder.join(CONFIG);
            return Err(Error::input_at(&config, None, Some("model_type"), reason));
        }
    }
    Ok(())
}

/// The file of weights, or the index of its parts, large enough for a model of so many numbers.
fn find_weights(folder: &Path, numbers: u128) -> Result<PathBuf> {
    let Some(path) = WEIGHTS.iter().map(|name| folder.join(name)).find(|path| path.exists()) else {
        let [whole, _, pickled, _] = WEIGHTS;
        let reason = format!("no weights: neither {whole} nor {pickled}");
        return Err(Error::input(folder, reason));
    };
    let parts = if shards::is_index(&path) { shards::parts(&path)? } else { vec![path.clone()] };
    let mut length = 0_u128;
    for part in &parts {
        let mut start = Vec::new();
        let file = std::fs::File::open(part).map_err(Error::file(part, "read"))?;
        length += u128::from(file.metadata().map_err(Error::file(part, "read"))?.len());
        file.take(40).read_to_end(&mut start).map_err(Error::file(part, "read"))?;
        if start.starts_with(b"version https://git-lfs") {
            return Err(Error::input(part, "a pointer of git-lfs, not the weights themselves"));
        }
    }
    // A configuration's sizes are memory. Weights take at least two bytes a number; an eighth
    // of that is enough to say which tensors do not fit, and too little for a mistake that large.
    if length < numbers / 4 {
        let several = match parts.len() {
            1 => String::new(),
            parts => format!("weights in {parts} files (sharded), together "),
        };
        let reason =
            format!("{several}{length} bytes, but config.json is of a model of {numbers} numbers");
        return Err(Error::input(&path, reason));
    }
    Ok(path)
}
