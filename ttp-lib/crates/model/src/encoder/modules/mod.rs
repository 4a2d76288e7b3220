//! What a sentence model has beside its transformer, as sentence-transformers reads it: prompt,
//! case and length of a text, the pooling, and layers behind it.

mod description;
mod pooling;

use crate::encoder;
use crate::pretrained::file_names::{ENCODER_SETTINGS, MODULES};
use crate::pretrained::{Checkpoint, CheckpointTokenizer, load_by_name};
use description::{ACTIVATIONS, Activation, Description, ModuleStep};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::Path;
use tch::nn;
use tch::{Device, Tensor};
use ttp_base::{Error, Result, files};

/// The modules of a sentence model, with the weights of the layers behind its pooling.
pub(super) struct Modules {
    about: Description,
    layers: Vec<Layer>,
    /// The tokens of the prompt that do not count in the pooling.
    prompt_tokens: i64,
}

/// A step's weights; a step without any has none.
struct Layer {
    vars: nn::VarStore,
    weight: Option<Tensor>,
    bias: Option<Tensor>,
}

impl Modules {
    /// Reads a checkpoint's modules, and the weights of those that have some.
    ///
    /// # Errors
    /// If a file is missing, wrong, or says what is not computed here: its name and field.
    pub fn new(checkpoint: &Checkpoint, device: Device) -> Result<Self> {
        let about = Description::read(checkpoint)?;
        let layers =
            about.steps.iter().map(|(_, step)| Layer::new(step, device)).collect::<Result<_>>()?;
        let mut modules = Self { about, layers, prompt_tokens: 0 };
        if !modules.about.pooling.include_prompt && !modules.about.prompt.is_empty() {
            let tokenize = checkpoint.tokenizer(checkpoint.places())?;
            let prompt = modules.ids(&tokenize, &[""])?.concat();
            // The token that ends a text ends no prompt.
            modules.prompt_tokens = prompt.len().saturating_sub(1) as i64;
        }
        Ok(modules)
    }

    /// What a user should know of the files.
    pub fn notes(&self) -> &[String] {
        &self.about.notes
    }

    /// Numbers of a vector.
    pub fn dimensions(&self) -> usize {
        self.about.dimensions
    }

    /// The longest text in tokens.
    pub fn max_length(&self) -> usize {
        self.about.max_length
    }

    /// Every variable that training changes, by its module and name.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let steps = self.about.steps.iter().zip(&self.layers);
        let named = steps.flat_map(|((name, _), layer)| {
            layer.named().into_iter().map(move |(own, tensor)| (format!("{name}.{own}"), tensor))
        });
        named.collect()
    }

    /// The token ids of texts, as the model was made to read them.
    ///
    /// # Errors
    /// If the tokenizer refuses a text.
    pub fn ids(&self, tokenize: &CheckpointTokenizer, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        let texts: Vec<Cow<'_, str>> = texts.iter().map(|text| self.prepared(text)).collect();
        let texts: Vec<&str> = texts.iter().map(Cow::as_ref).collect();
        let mut ids = tokenize.ids(&texts)?;
        ids.iter_mut().for_each(|ids| tokenize.cut(ids, self.about.max_length));
        Ok(ids)
    }

    /// The text behind the prompt, without the white space around both, in the case that is asked
    /// for.
    fn prepared<'t>(&self, text: &'t str) -> Cow<'t, str> {
        // What Python's `strip` takes: four more than Unicode's white space.
        let is_blank = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
        let text = match self.about.prompt.as_str() {
            "" => Cow::Borrowed(text.trim_matches(is_blank)),
            prompt => Cow::Owned(format!("{prompt}{text}").trim_matches(is_blank).to_owned()),
        };
        if self.about.lower_case { Cow::Owned(text.to_lowercase()) } else { text }
    }

    /// Vectors `[rows, dimensions]` of length 1, of the last layer's states `[rows, length,
    /// hidden]` and a mask of ones at tokens. One whose length is no finite number is all NaN.
    pub fn vectors(&self, states: &Tensor, mask: &Tensor, training: bool) -> Tensor {
        let pooled = self.about.pooling.of(states, mask, self.prompt_tokens);
        let steps = self.about.steps.iter().zip(&self.layers);
        steps.fold(pooled, |vector, ((_, step), layer)| match step {
            ModuleStep::Dense { activation, .. } => match &layer.weight {
                Some(weight) => activate(*activation, &vector.linear(weight, layer.bias.as_ref())),
                None => vector,
            },
            ModuleStep::LayerNorm { size, .. } => {
                vector.layer_norm([*size], layer.weight.as_ref(), layer.bias.as_ref(), 1e-5, true)
            }
            ModuleStep::Dropout(share) => vector.dropout(*share, training),
            ModuleStep::Normalize => {
                let length = vector.norm_scalaropt_dim(2, 1, true).clamp_min(1e-12);
                (vector / &length).where_scalarother(&length.isfinite(), f64::NAN)
            }
        })
    }

    /// What the vectors depend on beside weights and tokenizer, wherever the files lie.
    pub fn fingerprint(&self) -> String {
        let Description { lower_case, max_length, prompt, pooling, steps, .. } = &self.about;
        let steps: Vec<_> = steps.iter().map(|(_, step)| described(step)).collect();
        let steps = json!(steps);
        format!("{lower_case} {max_length} {prompt:?} {pooling:?} {steps} {}", self.prompt_tokens)
    }

    /// Writes the files by which sentence-transformers makes the same vectors; of a text at most
    /// `max_length` tokens are read.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path, hidden: i64, max_length: usize) -> Result<()> {
        let about = &self.about;
        let module = |at: usize, path: &str, kind: &str| {
            let kind = format!("sentence_transformers.models.{kind}");
            json!({ "idx": at, "name": at.to_string(), "path": path, "type": kind })
        };
        let mut modules = vec![module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")];
        let pooling = description::pooling_json(&about.pooling, hidden);
        files::write_json(&folder.join("1_Pooling/config.json"), &pooling)?;
        for ((at, (_, step)), layer) in (2..).zip(&about.steps).zip(&self.layers) {
            let (kind, config) = described(step);
            let path = format!("{at}_{kind}");
            modules.push(module(at, &path, kind));
            let place = folder.join(&path);
            std::fs::create_dir_all(&place).map_err(Error::file(&place, "create"))?;
            if let Some(config) = config {
                files::write_json(&place.join("config.json"), &config)?;
            }
            let weights = layer.named();
            if !weights.is_empty() {
                encoder::save_weights(&place.join("model.safetensors"), &weights)?;
            }
        }
        files::write_json(&folder.join(MODULES), &modules)?;
        let max_length = max_length.min(about.max_length);
        let transformer =
            json!({ "max_seq_length": max_length, "do_lower_case": about.lower_case });
        files::write_json(&folder.join("sentence_bert_config.json"), &transformer)?;
        if about.prompts.is_empty() && about.default_prompt.is_none() {
            return Ok(());
        }
        let settings = json!({ "prompts": about.prompts, "similarity_fn_name": "cosine",
            "default_prompt_name": about.default_prompt });
        files::write_json(&folder.join(ENCODER_SETTINGS), &settings)
    }
}

/// Refuses sizes that are memory and that no weights are there for: these take at least two bytes a
/// number; an eighth of that is enough to say what does not fit.
fn check_size(file: &Path, numbers: u128) -> Result<()> {
    let about = std::fs::metadata(file).map_err(Error::file(file, "read"))?;
    if u128::from(about.len()) < numbers / 4 {
        let length = about.len();
        let reason =
            format!("{length} bytes, but its config.json is of a layer of {numbers} numbers");
        return Err(Error::input(file, reason));
    }
    Ok(())
}

impl Layer {
    fn new(step: &ModuleStep, device: Device) -> Result<Self> {
        let vars = nn::VarStore::new(device);
        let place = |name: &str| vars.root() / name;
        let zero = nn::Init::Const(0.0);
        let (weight, bias, file) = match step {
            ModuleStep::Dense { from, to, bias, weights, .. } => {
                check_size(
                    weights,
                    u128::from(from.unsigned_abs()) * u128::from(to.unsigned_abs()),
                )?;
                let place = place("linear");
                let weight = place.var("weight", &[*to, *from], zero);
                (Some(weight), bias.then(|| place.var("bias", &[*to], zero)), Some(weights))
            }
            ModuleStep::LayerNorm { size, weights } => {
                check_size(weights, u128::from(size.unsigned_abs()))?;
                let place = place("norm");
                let weight = place.var("weight", &[*size], zero);
                (Some(weight), Some(place.var("bias", &[*size], zero)), Some(weights))
            }
            ModuleStep::Dropout(_) | ModuleStep::Normalize => (None, None, None),
        };
        if let Some(file) = file {
            load_by_name(file, &vars, &|_| false)?;
        }
        Ok(Self { vars, weight, bias })
    }

    /// The variables in the order of their names.
    fn named(&self) -> Vec<(String, Tensor)> {
        let mut named: Vec<_> = self.vars.variables().into_iter().collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named
    }
}

/// A step's class and what its `config.json` says.
fn described(step: &ModuleStep) -> (&'static str, Option<Value>) {
    match step {
        ModuleStep::Dense { from, to, bias, activation, .. } => {
            let name = ACTIVATIONS.iter().find(|(_, own)| own == activation);
            let name = name.map(|(name, _)| *name).unwrap_or_default();
            let config = json!({ "in_features": from, "out_features": to, "bias": bias,
                "activation_function": name });
            ("Dense", Some(config))
        }
        ModuleStep::LayerNorm { size, .. } => ("LayerNorm", Some(json!({ "dimension": size }))),
        ModuleStep::Dropout(share) => ("Dropout", Some(json!({ "dropout": share }))),
        ModuleStep::Normalize => ("Normalize", None),
    }
}

fn activate(activation: Activation, input: &Tensor) -> Tensor {
    match activation {
        Activation::Elu => input.elu(),
        Activation::Gelu => input.gelu("none"),
        Activation::Identity => input.shallow_clone(),
        Activation::LeakyRelu => input.leaky_relu(),
        Activation::Mish => input.mish(),
        Activation::Relu => input.relu(),
        Activation::Sigmoid => input.sigmoid(),
        Activation::Silu => input.silu(),
        Activation::Tanh => input.tanh(),
    }
}
