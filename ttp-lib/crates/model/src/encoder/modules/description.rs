//! What the files of a sentence model say, as sentence-transformers 5.1.2 reads them: `modules.json`,
//! the folders that it names, `sentence_bert_config.json`, `config_sentence_transformers.json`.
//! What is not computed here is refused by name.

use super::pooling::{MODES, Mode, TokenPooling};
use crate::pretrained::Checkpoint;
use crate::pretrained::file_names::{ENCODER_SETTINGS, MODULES, TRANSFORMER_SETTINGS};
use serde_json::{Map, Value, json};
use std::path::{Component, Path, PathBuf};
use ttp_base::{Error, Result, files};

/// Activations by torch's names for their classes.
pub(super) const ACTIVATIONS: [(&str, Activation); 9] = [
    ("torch.nn.modules.activation.ELU", Activation::Elu),
    ("torch.nn.modules.activation.GELU", Activation::Gelu),
    ("torch.nn.modules.activation.LeakyReLU", Activation::LeakyRelu),
    ("torch.nn.modules.activation.Mish", Activation::Mish),
    ("torch.nn.modules.activation.ReLU", Activation::Relu),
    ("torch.nn.modules.activation.SiLU", Activation::Silu),
    ("torch.nn.modules.activation.Sigmoid", Activation::Sigmoid),
    ("torch.nn.modules.activation.Tanh", Activation::Tanh),
    ("torch.nn.modules.linear.Identity", Activation::Identity),
];

/// What a dense layer ends with, as torch's class without arguments computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Elu,
    Gelu,
    Identity,
    LeakyRelu,
    Mish,
    Relu,
    Sigmoid,
    Silu,
    Tanh,
}

/// What is done with the pooled vector.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ModuleStep {
    /// A layer `input · weightᵀ + bias` and its activation; where its weights are.
    Dense { from: i64, to: i64, bias: bool, activation: Activation, weights: PathBuf },
    /// A layer norm; where its weights are.
    LayerNorm { size: i64, weights: PathBuf },
    /// In training, so much of the vector is dropped.
    Dropout(f64),
    /// To length 1.
    Normalize,
}

/// A sentence model's files, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Description {
    /// Texts are made lower case before the tokenizer sees them.
    pub lower_case: bool,
    /// The longest input in tokens, special tokens included.
    pub max_length: usize,
    /// Stands before every text.
    pub prompt: String,
    /// `prompts` and `default_prompt_name`, to be saved again.
    pub prompts: Map<String, Value>,
    pub default_prompt: Option<String>,
    pub pooling: TokenPooling,
    /// The modules after the pooling, each with its folder's name; the last one is `Normalize`.
    pub steps: Vec<(String, ModuleStep)>,
    /// Numbers of a vector.
    pub dimensions: usize,
    pub notes: Vec<String>,
}

impl Description {
    /// Reads the files beside a checkpoint. Without `modules.json` a checkpoint is no sentence
    /// model yet: the mean over the tokens is taken, as sentence-transformers does.
    ///
    /// # Errors
    /// If a file is missing or wrong, or says what is not computed here: the file and the field.
    pub fn read(checkpoint: &Checkpoint) -> Result<Self> {
        let root = checkpoint.root();
        let hidden = checkpoint.size("hidden_size");
        let mut description = Self {
            lower_case: false,
            max_length: longest(checkpoint, None),
            prompt: String::new(),
            prompts: Map::new(),
            default_prompt: None,
            pooling: TokenPooling::mean(),
            steps: Vec::new(),
            dimensions: hidden.unsigned_abs() as usize,
            notes: Vec::new(),
        };
        let modules = root.join(MODULES);
        if modules.exists() {
            description.settings(&root.join(ENCODER_SETTINGS))?;
            description.transformer(checkpoint)?;
            description.modules(checkpoint, root, &modules)?;
        } else {
            let files = [TRANSFORMER_SETTINGS[0], ENCODER_SETTINGS, "1_Pooling"];
            if let Some(file) = files.into_iter().find(|name| root.join(name).exists()) {
                let note = format!("{file} is not read: there is no {MODULES} beside it");
                description.notes.push(note);
            }
        }
        if !matches!(description.steps.last(), Some((_, ModuleStep::Normalize))) {
            let name = format!("{}_Normalize", description.steps.len() + 2);
            description.steps.push((name, ModuleStep::Normalize));
        }
        Ok(description)
    }

    /// `config_sentence_transformers.json`.
    fn settings(&mut self, file: &Path) -> Result<()> {
        if !file.exists() {
            return Ok(());
        }
        let settings: Map<String, Value> = files::read_json(file)?;
        let wrong = |field, reason: String| Err(Error::input_at(file, None, Some(field), reason));
        let stated = |key: &str| settings.get(key).filter(|value| !value.is_null());
        match stated("model_type") {
            Some(kind) if kind != "SentenceTransformer" => {
                return wrong(
                    "model_type",
                    format!("{kind} is not supported; \"SentenceTransformer\" is"),
                );
            }
            _ => {}
        }
        match stated("prompts") {
            None => {}
            Some(Value::Object(prompts)) => {
                if let Some((name, other)) = prompts.iter().find(|(_, text)| !text.is_string()) {
                    return wrong("prompts", format!("{name:?} is {other}, and no text"));
                }
                self.prompts = prompts.clone();
            }
            Some(other) => return wrong("prompts", format!("{other} is no object")),
        }
        // These two are always there, and empty where nothing is said.
        let is_known =
            |name: &str| self.prompts.contains_key(name) || ["query", "document"].contains(&name);
        match stated("default_prompt_name") {
            None => {}
            Some(Value::String(name)) if name.is_empty() || is_known(name) => {
                let text = self.prompts.get(name).and_then(Value::as_str).unwrap_or_default();
                self.prompt = text.to_owned();
                self.default_prompt = Some(name.clone()).filter(|name| !name.is_empty());
            }
            Some(other) => {
                return wrong("default_prompt_name", format!("{other} is not among the prompts"));
            }
        }
        let texts = self.prompts.iter().filter(|(_, text)| text.as_str() != Some(""));
        let named: Vec<&str> = texts.map(|(name, _)| name.as_str()).collect();
        if self.default_prompt.is_none() && !named.is_empty() {
            self.notes.push(format!(
                "{ENCODER_SETTINGS}: no prompt stands before a text ({}): there is no default_prompt_name",
                named.join(", ")
            ));
        }
        if let Some(other) = stated("similarity_fn_name").filter(|name| *name != "cosine") {
            self.notes.push(format!(
                "{ENCODER_SETTINGS} says similarity_fn_name {other}; cosines are computed"
            ));
        }
        Ok(())
    }

    /// `sentence_bert_config.json`, which stands beside the transformer's own files.
    fn transformer(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let files = TRANSFORMER_SETTINGS.iter().map(|name| checkpoint.folder.join(name));
        let Some(file) = files.into_iter().find(|file| file.exists()) else { return Ok(()) };
        let about: Map<String, Value> = files::read_json(&file)?;
        let wrong =
            |field: &str, reason: String| Err(Error::input_at(&file, None, Some(field), reason));
        for (key, value) in &about {
            match (key.as_str(), value) {
                ("max_seq_length", Value::Null) => {}
                ("max_seq_length", value) => match value.as_u64().filter(|&n| n > 2) {
                    Some(tokens) => self.max_length = longest(checkpoint, Some(tokens)),
                    None => return wrong(key, format!("{value} is no number of tokens above 2")),
                },
                ("do_lower_case", Value::Bool(lower)) => self.lower_case = *lower,
                ("model_args" | "tokenizer_args" | "config_args", Value::Object(arguments)) => {
                    // Which code may be run is not the model's to say.
                    let mut names = arguments.keys().filter(|name| *name != "trust_remote_code");
                    if let Some(name) = names.next() {
                        return wrong(key, format!("{name} is not supported here"));
                    }
                }
                ("model_args" | "tokenizer_args" | "config_args", Value::Null)
                | ("tokenizer_name_or_path", Value::Null) => {}
                _ => return wrong(key, format!("{value} is not supported")),
            }
        }
        Ok(())
    }

    /// `modules.json` and the folders that it names.
    fn modules(&mut self, checkpoint: &Checkpoint, root: &Path, file: &Path) -> Result<()> {
        let list = listed(file)?;
        let wrong = |field, reason: String| Err(Error::input_at(file, None, Some(field), reason));
        let kinds: Vec<&str> = list.iter().map(|module| module.kind.as_str()).collect();
        if kinds.first() != Some(&"Transformer") || kinds.get(1) != Some(&"Pooling") {
            let kinds = kinds.join(", ");
            let reason = format!("{kinds}: the first two have to be Transformer and Pooling");
            return wrong("type", reason);
        }
        let first = &list[0].path;
        if !first.is_empty() && root.join(first) != checkpoint.folder {
            let reason = format!("{first:?}, but there is a config.json beside {MODULES}");
            return wrong("path", reason);
        }
        self.pooling = pooling(&root.join(&list[1].path).join("config.json"))?;
        self.dimensions *= self.pooling.modes.len();
        for Module { kind, path, name } in list.iter().skip(2) {
            let folder = root.join(path);
            let step = match kind.as_str() {
                "Dense" => self.dense(&folder)?,
                "LayerNorm" => self.layer_norm(&folder)?,
                "Dropout" => dropout(&folder)?,
                "Normalize" => ModuleStep::Normalize,
                other => {
                    let reason = format!(
                        "{other} is not supported after the pooling; Dense, LayerNorm, Dropout and \
                         Normalize are"
                    );
                    return wrong("type", reason);
                }
            };
            let name = if path.is_empty() { format!("{name}_{kind}") } else { path.clone() };
            self.steps.push((name, step));
        }
        Ok(())
    }

    fn dense(&mut self, folder: &Path) -> Result<ModuleStep> {
        let file = folder.join("config.json");
        let known = ["in_features", "out_features", "bias", "activation_function"];
        let about = known_keys(&file, &known)?;
        let wrong = |field, reason: String| Err(Error::input_at(&file, None, Some(field), reason));
        let (from, to) =
            (size(&file, &about, "in_features")?, size(&file, &about, "out_features")?);
        if from.unsigned_abs() as usize != self.dimensions {
            let reason = format!("{from}, and what comes in has {}", self.dimensions);
            return wrong("in_features", reason);
        }
        let bias = flag(&file, &about, "bias", true)?;
        let stated = about.get("activation_function").unwrap_or(&Value::Null);
        let Some((_, activation)) = ACTIVATIONS.iter().find(|(name, _)| stated == name) else {
            let known = ACTIVATIONS.map(|(name, _)| name).join(", ");
            return wrong("activation_function", format!("{stated} is not known; known: {known}"));
        };
        self.dimensions = to.unsigned_abs() as usize;
        Ok(ModuleStep::Dense { from, to, bias, activation: *activation, weights: weights(folder)? })
    }

    fn layer_norm(&self, folder: &Path) -> Result<ModuleStep> {
        let file = folder.join("config.json");
        let about = known_keys(&file, &["dimension"])?;
        let size = size(&file, &about, "dimension")?;
        if size.unsigned_abs() as usize != self.dimensions {
            let reason = format!("{size}, and what comes in has {}", self.dimensions);
            return Err(Error::input_at(&file, None, Some("dimension"), reason));
        }
        Ok(ModuleStep::LayerNorm { size, weights: weights(folder)? })
    }
}

/// An entry of `modules.json`.
struct Module {
    /// The class, without the package.
    kind: String,
    /// Its folder, below the model's.
    path: String,
    name: String,
}

fn listed(file: &Path) -> Result<Vec<Module>> {
    let list: Vec<Map<String, Value>> = files::read_json(file)?;
    let wrong = |field, reason: String| Error::input_at(file, None, Some(field), reason);
    let module = |module: &Map<String, Value>| {
        let text = |key| {
            let text = module.get(key).and_then(Value::as_str);
            text.ok_or_else(|| wrong(key, "missing, or no text".to_owned()))
        };
        let (class, path) = (text("type")?, text("path")?);
        // Newer files have the class behind its own module: …models.Dense.Dense.
        let kind = class.strip_prefix("sentence_transformers.models.");
        let kind = kind.and_then(|rest| rest.rsplit('.').next());
        let Some(kind) = kind else {
            let reason = format!("{class:?} is code of its own, which is not run");
            return Err(wrong("type", reason));
        };
        let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_));
        if !Path::new(path).components().all(is_inside) {
            return Err(wrong("path", format!("{path:?} is no folder below the model's")));
        }
        let name = module.get("name").and_then(Value::as_str).unwrap_or_default();
        Ok(Module { kind: kind.to_owned(), path: path.to_owned(), name: name.to_owned() })
    };
    list.iter().map(module).collect()
}

/// How many tokens a text may have: what is asked for, or what the tokenizer says, and never more
/// than there are places.
fn longest(checkpoint: &Checkpoint, asked: Option<u64>) -> usize {
    let places = checkpoint.places();
    let tokenizer = || {
        let file = checkpoint.folder.join("tokenizer_config.json");
        let about: Map<String, Value> = files::read_json(&file).ok()?;
        // What is "no limit" is a number larger than whole numbers go.
        about.get("model_max_length").and_then(Value::as_u64).filter(|&tokens| tokens > 2)
    };
    let tokens = asked.or_else(tokenizer).and_then(|tokens| usize::try_from(tokens).ok());
    tokens.map_or(places, |tokens| tokens.min(places))
}

fn known_keys(file: &Path, known: &[&str]) -> Result<Map<String, Value>> {
    let about: Map<String, Value> = files::read_json(file)?;
    match about.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, value)) => {
            Err(Error::input_at(file, None, Some(key), format!("{value} is not supported")))
        }
        None => Ok(about),
    }
}

fn flag(file: &Path, about: &Map<String, Value>, key: &str, default: bool) -> Result<bool> {
    match about.get(key) {
        None => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => {
            let reason = format!("{other} is neither true nor false");
            Err(Error::input_at(file, None, Some(key), reason))
        }
    }
}

fn size(file: &Path, about: &Map<String, Value>, key: &str) -> Result<i64> {
    let value = about.get(key).unwrap_or(&Value::Null);
    let size = value.as_i64().filter(|size| (1..=1 << 24).contains(size));
    let reason = || format!("{value} is not a size from 1 to {}", 1 << 24);
    size.ok_or_else(|| Error::input_at(file, None, Some(key), reason()))
}

fn dropout(folder: &Path) -> Result<ModuleStep> {
    let file = folder.join("config.json");
    let share = match known_keys(&file, &["dropout"])?.get("dropout") {
        None => Some(0.2),
        Some(value) => value.as_f64().filter(|share| (0.0..1.0).contains(share)),
    };
    let reason = "not a share from 0 to 1";
    let share = share.ok_or_else(|| Error::input_at(&file, None, Some("dropout"), reason))?;
    Ok(ModuleStep::Dropout(share))
}

fn pooling(file: &Path) -> Result<TokenPooling> {
    let mut known: Vec<&str> = MODES.iter().map(|(key, ..)| *key).collect();
    known.extend(["word_embedding_dimension", "include_prompt", "pooling_mode"]);
    let about = known_keys(file, &known)?;
    let include_prompt = flag(file, &about, "include_prompt", true)?;
    let modes: Vec<Mode> = match about.get("pooling_mode").filter(|value| !value.is_null()) {
        Some(name) => {
            let lower = name.as_str().map(str::to_lowercase);
            let mode = MODES.iter().find(|(_, known, _)| lower.as_deref() == Some(known));
            let known = MODES.map(|(_, name, _)| name).join(", ");
            let reason = || format!("{name} is not known; known: {known}");
            let (.., mode) =
                mode.ok_or_else(|| Error::input_at(file, None, Some("pooling_mode"), reason()))?;
            vec![*mode]
        }
        None => {
            let mut modes = Vec::new();
            for (key, _, mode) in MODES {
                // The mean is what is taken where nothing is said of it.
                if flag(file, &about, key, mode == Mode::Mean)? {
                    modes.push(mode);
                }
            }
            modes
        }
    };
    if modes.is_empty() {
        let reason = "no pooling mode is true";
        return Err(Error::input_at(file, None, Some("pooling_mode_mean_tokens"), reason));
    }
    Ok(TokenPooling { modes, include_prompt })
}

/// A module's weights, in the safe format where there is one.
fn weights(folder: &Path) -> Result<PathBuf> {
    let files = ["model.safetensors", "pytorch_model.bin"].map(|name| folder.join(name));
    let reason = "no weights: neither model.safetensors nor pytorch_model.bin";
    files.into_iter().find(|file| file.exists()).ok_or_else(|| Error::input(folder, reason))
}

/// The file of a pooling, as sentence-transformers writes it.
pub(super) fn pooling_json(pooling: &TokenPooling, hidden: i64) -> Value {
    let modes = MODES.map(|(key, _, mode)| (key.to_owned(), json!(pooling.modes.contains(&mode))));
    let mut about = Map::from_iter([("word_embedding_dimension".to_owned(), json!(hidden))]);
    about.extend(modes);
    about.insert("include_prompt".to_owned(), json!(pooling.include_prompt));
    Value::Object(about)
}
