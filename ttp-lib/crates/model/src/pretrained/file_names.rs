//! What the files of a checkpoint are called, in a folder as on the hub.

/// The shape of the network.
pub const CONFIG: &str = "config.json";

/// Everything of a folder that says how its texts become ids.
pub(crate) const TOKENIZER_FILES: [&str; 7] = [
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
];

/// Weights in one file, or in several that an index (`.json`) names. Safe formats first, and of each
/// the whole file before its parts, as transformers takes them.
pub const WEIGHTS: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// The parts of a sentence encoder, each with its folder.
pub(crate) const MODULES: &str = "modules.json";
/// A sentence encoder's settings as a whole.
pub(crate) const ENCODER_SETTINGS: &str = "config_sentence_transformers.json";
/// A sentence encoder's settings of its transformer, under the names that sentence-transformers
/// 5.1.2 looks for; the first that is there is read.
pub(crate) const TRANSFORMER_SETTINGS: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];
