//! `config.json`: rust-bert panics on a missing key and computes with some values
//! whatever the file says, so every key is looked at before a model is built.

use rust_bert::bert::BertConfig;
use serde_json::{Map, Value, json};
use std::path::Path;
use ttp_base::{Error, Result};

/// The kind of a checkpoint, its `model_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// BERT, and with it SciBERT, SecBERT and MiniLM.
    Bert,
    /// RoBERTa: no token types to speak of, positions counted from the padding id on.
    Roberta,
    /// MPNet: positions as RoBERTa's, no token types, relative positions in the attention.
    Mpnet,
}

impl Architecture {
    /// The `model_type`, which is also the prefix of the body's tensors: `bert`, `roberta`,
    /// `mpnet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Roberta => "roberta",
            Self::Mpnet => "mpnet",
        }
    }

    /// With what the names of transformers' classes begin: `BertModel`.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Bert => "Bert",
            Self::Roberta => "Roberta",
            Self::Mpnet => "MPNet",
        }
    }

    /// What layer norms of this kind's checkpoints add to the variance: the most usual first.
    pub(super) fn usual_epsilons(self) -> &'static [f64] {
        match self {
            Self::Bert => &[EPSILON],
            Self::Roberta | Self::Mpnet => &[1e-5, EPSILON],
        }
    }

    /// The `pad_token_id` that transformers takes where the configuration has none.
    pub(crate) fn padding_id(self) -> i64 {
        match self {
            Self::Bert => 0,
            Self::Roberta | Self::Mpnet => 1,
        }
    }

    /// A size that only this kind's configuration has, and what transformers takes for it where
    /// the file does not say it.
    fn own_size(self) -> (&'static str, i64) {
        match self {
            Self::Bert | Self::Roberta => ("type_vocab_size", 2),
            Self::Mpnet => (RELATIVE, BUCKETS),
        }
    }
}

/// The rows of MPNet's table of relative positions.
const RELATIVE: &str = "relative_attention_num_buckets";
/// transformers computes with 32 of them whatever the configuration says, and so no other number
/// is supported.
pub(crate) const BUCKETS: i64 = 32;

/// The sizes that a configuration must state.
const SIZES: [&str; 6] = [
    "hidden_size",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "vocab_size",
];

/// No published encoder comes near it in any of its sizes, and products of four such
/// sizes fit 128 bits.
const LARGEST_SIZE: i64 = 1 << 24;

/// What a layer norm adds to the variance where the configuration does not say it.
const EPSILON: f64 = 1e-12;

/// The values of `problem_type` that transformers knows.
const PROBLEMS: [(&str, Problem); 3] = [
    ("single_label_classification", Problem::SingleLabel),
    ("multi_label_classification", Problem::MultiLabel),
    ("regression", Problem::Regression),
];

/// What a classifier's logits mean, its `problem_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// One label a text: probabilities by the softmax.
    SingleLabel,
    /// Any number of labels a text: a probability for each, by the logistic function.
    MultiLabel,
    /// Numbers, and no labels.
    Regression,
}

impl Problem {
    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        PROBLEMS.iter().find(|(_, problem)| *problem == self).map_or("", |(name, _)| name)
    }
}

/// Activations by transformers' names, and by rust-bert's.
const ACTIVATIONS: [(&str, &str); 7] = [
    ("gelu", "gelu"),
    ("gelu_new", "gelu_new"),
    ("mish", "mish"),
    ("relu", "relu"),
    ("silu", "swish"),
    ("swish", "swish"),
    ("tanh", "tanh"),
];

/// Reads and checks `config.json`; keys that it may leave out get transformers' defaults.
pub(super) fn read(file: &Path) -> Result<(Architecture, Map<String, Value>)> {
    let mut config: Map<String, Value> = ttp_base::files::read_json(file)?;
    let check = Check { file, config: &config };
    let family = check.family()?;
    for (key, default) in [
        ("attention_probs_dropout_prob", json!(0.1)),
        ("hidden_act", json!("gelu")),
        ("hidden_dropout_prob", json!(0.1)),
        ("initializer_range", json!(0.02)),
        ("layer_norm_eps", json!(EPSILON)),
        ("pad_token_id", json!(family.padding_id())),
        (family.own_size().0, json!(family.own_size().1)),
    ] {
        if config.get(key).is_none_or(Value::is_null) {
            config.insert(key.to_owned(), default);
        }
    }
    let check = Check { file, config: &config };
    check.sizes(family)?;
    check.shares()?;
    check.computation(family)?;
    check.padding(family)?;
    Ok((family, config))
}

/// A checked configuration as rust-bert takes it.
pub(super) fn for_rust_bert(file: &Path, config: &Map<String, Value>) -> Result<BertConfig> {
    let number = |key: &str| config.get(key).and_then(Value::as_f64).unwrap_or_default();
    let size = |key: &str| size(config, key);
    let activation = Check { file, config }.activation()?;
    Ok(BertConfig {
        hidden_act: serde_json::from_value(json!(activation))
            .map_err(|error| Error::input_at(file, None, Some("hidden_act"), error))?,
        attention_probs_dropout_prob: number("attention_probs_dropout_prob"),
        hidden_dropout_prob: number("hidden_dropout_prob"),
        hidden_size: size("hidden_size"),
        initializer_range: number("initializer_range") as f32,
        intermediate_size: size("intermediate_size"),
        max_position_embeddings: size("max_position_embeddings"),
        num_attention_heads: size("num_attention_heads"),
        num_hidden_layers: size("num_hidden_layers"),
        type_vocab_size: size("type_vocab_size"),
        vocab_size: size("vocab_size"),
        output_attentions: None,
        output_hidden_states: None,
        is_decoder: None,
        id2label: None,
        label2id: None,
    })
}

/// A size of a checked configuration.
pub(super) fn size(config: &Map<String, Value>, field: &str) -> i64 {
    config.get(field).and_then(Value::as_i64).unwrap_or_default()
}

/// The longest input in tokens, special tokens included.
pub(super) fn places(family: Architecture, config: &Map<String, Value>) -> i64 {
    let places = size(config, "max_position_embeddings");
    match family {
        Architecture::Bert => places,
        // The places up to and with the padding id's are never used.
        Architecture::Roberta | Architecture::Mpnet => places - size(config, "pad_token_id") - 1,
    }
}

/// How many numbers the model's body holds, pooler left out.
pub(super) fn numbers(config: &Map<String, Value>) -> u128 {
    let size = |key: &str| u128::from(size(config, key).unsigned_abs());
    let (hidden, inner) = (size("hidden_size"), size("intermediate_size"));
    let rows = size("vocab_size") + size("max_position_embeddings") + size("type_vocab_size");
    let attention = 4 * (hidden * hidden + hidden) + 2 * hidden;
    let feed_forward = 2 * hidden * inner + inner + hidden + 2 * hidden;
    (rows + 2) * hidden + size("num_hidden_layers") * (attention + feed_forward)
}

/// What every layer norm adds to the variance.
pub(super) fn epsilon(config: &Map<String, Value>) -> f64 {
    config.get("layer_norm_eps").and_then(Value::as_f64).unwrap_or(EPSILON)
}

/// The share of a classifier's inputs that training drops: `classifier_dropout`, or where that is
/// null the hidden layers'. MPNet's head knows the latter alone.
pub(super) fn classifier_dropout(family: Architecture, config: &Map<String, Value>) -> f64 {
    let number = |key: &str| config.get(key).and_then(Value::as_f64);
    let own = number("classifier_dropout").filter(|_| family != Architecture::Mpnet);
    own.or_else(|| number("hidden_dropout_prob")).unwrap_or_default()
}

/// What the configuration says of a classifier's logits; `None` where it says nothing.
pub(super) fn problem(config: &Map<String, Value>) -> Option<Problem> {
    let stated = config.get("problem_type")?.as_str()?;
    PROBLEMS.iter().find(|(name, _)| *name == stated).map(|(_, problem)| *problem)
}

struct Check<'a> {
    file: &'a Path,
    config: &'a Map<String, Value>,
}

impl Check<'_> {
    fn wrong<T>(&self, field: &str, reason: impl std::fmt::Display) -> Result<T> {
        Err(Error::input_at(self.file, None, Some(field), reason))
    }

    fn present(&self, field: &str) -> Result<&Value> {
        match self.config.get(field) {
            Some(value) => Ok(value),
            None => self.wrong(field, "missing"),
        }
    }

    fn family(&self) -> Result<Architecture> {
        match self.present("model_type")?.as_str() {
            Some("bert") => Ok(Architecture::Bert),
            Some("roberta") => Ok(Architecture::Roberta),
            Some("mpnet") => Ok(Architecture::Mpnet),
            _ => {
                let found = &self.config["model_type"];
                self.wrong(
                    "model_type",
                    format!("{found} is not supported; \"bert\", \"roberta\" and \"mpnet\" are"),
                )
            }
        }
    }

    fn sizes(&self, family: Architecture) -> Result<()> {
        for field in SIZES.into_iter().chain([family.own_size().0]) {
            let value = self.present(field)?;
            if value.as_i64().is_none_or(|n| !(1..=LARGEST_SIZE).contains(&n)) {
                let reason = format!("{value} is not a size from 1 to {LARGEST_SIZE}");
                return self.wrong(field, reason);
            }
        }
        if size(self.config, "hidden_size") % size(self.config, "num_attention_heads") != 0 {
            return self.wrong("hidden_size", "not a multiple of num_attention_heads");
        }
        Ok(())
    }

    fn shares(&self) -> Result<()> {
        const SHARES: [&str; 4] = [
            "attention_probs_dropout_prob",
            "hidden_dropout_prob",
            "initializer_range",
            "layer_norm_eps",
        ];
        let own = self.config.get("classifier_dropout").filter(|value| !value.is_null());
        let own = own.map(|value| ("classifier_dropout", value));
        let shares = SHARES.into_iter().map(|field| Ok((field, self.present(field)?)));
        for share in shares.chain(own.map(Ok)) {
            let (field, value) = share?;
            if value.as_f64().is_none_or(|x| !(0.0..1.0).contains(&x)) {
                return self.wrong(field, format!("{value} is not from 0 to 1"));
            }
        }
        Ok(())
    }

    /// What would be computed otherwise than the checkpoint was trained for.
    fn computation(&self, family: Architecture) -> Result<()> {
        self.activation()?;
        let buckets = size(self.config, RELATIVE);
        if family == Architecture::Mpnet && buckets != BUCKETS {
            return self.wrong(RELATIVE, format!("{buckets} is not supported; {BUCKETS} is"));
        }
        match self.config.get("position_embedding_type") {
            None | Some(Value::Null) => {}
            Some(kind) if kind == "absolute" => {}
            Some(kind) => {
                let reason = format!("{kind} is not supported; \"absolute\" is");
                return self.wrong("position_embedding_type", reason);
            }
        }
        for field in ["is_decoder", "is_encoder_decoder", "add_cross_attention"] {
            if !matches!(self.config.get(field), None | Some(Value::Null | Value::Bool(false))) {
                return self.wrong(field, "a decoder is not supported; an encoder is");
            }
        }
        for (field, reason) in [
            ("pruned_heads", "pruned attention heads are not supported; whole layers are"),
            ("quantization_config", "quantized weights are not supported; F32, F16 and BF16 are"),
        ] {
            let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
            if self.config.get(field).is_some_and(|value| !value.is_null() && !is_empty(value)) {
                return self.wrong(field, reason);
            }
        }
        match self.config.get("problem_type").filter(|value| !value.is_null()) {
            Some(value) if problem(self.config).is_none() => {
                let known = PROBLEMS.map(|(name, _)| name).join(", ");
                self.wrong("problem_type", format!("{value} is not known; known: {known}"))
            }
            _ => Ok(()),
        }
    }

    fn activation(&self) -> Result<&'static str> {
        let value = self.present("hidden_act")?;
        match ACTIVATIONS.iter().find(|(name, _)| value == name) {
            Some((_, ours)) => Ok(ours),
            None => {
                let known: Vec<_> = ACTIVATIONS.iter().map(|(name, _)| *name).collect();
                let reason = format!("{value} is not known; known: {}", known.join(", "));
                self.wrong("hidden_act", reason)
            }
        }
    }

    fn padding(&self, family: Architecture) -> Result<()> {
        let value = self.present("pad_token_id")?;
        let words = size(self.config, "vocab_size");
        if value.as_i64().is_none_or(|id| !(0..words).contains(&id)) {
            let reason = format!("{value} is not an id of the vocabulary's {words}");
            return self.wrong("pad_token_id", reason);
        }
        // rust-bert counts RoBERTa's positions from the place after 1, whatever the file says,
        // and transformers MPNet's.
        if family != Architecture::Bert && value.as_i64() != Some(family.padding_id()) {
            return self.wrong("pad_token_id", format!("{value} is not supported; 1 is"));
        }
        if places(family, self.config) < 1 {
            return self.wrong("max_position_embeddings", "no place left after the padding's");
        }
        Ok(())
    }
}
