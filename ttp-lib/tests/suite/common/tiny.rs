//! A checkpoint small enough to train in a test.

use super::turn;
use rust_bert::bert::{BertConfig, BertEmbeddings, BertModel};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::MutexGuard;
use tch::{Device, nn};
use ttp_lib::pretrained::Checkpoint;

/// The vocabulary.
pub const WORDS: [&str; 13] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "mail", "link", "key", "log", "the", "sends",
    "reads", "a",
];

/// A BERT of two layers × 32 with a vocabulary of thirteen words, on disk.
pub struct Tiny(tempfile::TempDir, MutexGuard<'static, ()>);

impl Tiny {
    pub fn new() -> Self {
        let turn = turn();
        let folder = tempfile::tempdir().unwrap();
        write_files(folder.path());
        Self(folder, turn)
    }

    /// For another process: nothing here waits while that one runs.
    pub fn folder() -> tempfile::TempDir {
        let Self(folder, _turn) = Self::new();
        folder
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, file: &str, value: &Value) {
        write(self.path(), file, value);
    }

    pub fn find(&self) -> ttp_lib::Result<Checkpoint> {
        Checkpoint::open("tiny", self.path())
    }
}

fn write_files(folder: &Path) {
    write(folder, "config.json", &config());
    write(folder, "tokenizer.json", &tokenizer(&WORDS));
    tch::manual_seed(7);
    let vars = nn::VarStore::new(Device::Cpu);
    let config: BertConfig = serde_json::from_value(config()).unwrap();
    let _bert = BertModel::<BertEmbeddings>::new(vars.root() / "bert", &config);
    vars.save(folder.join("model.safetensors")).unwrap();
}

fn write(folder: &Path, file: &str, value: &Value) {
    std::fs::write(folder.join(file), value.to_string()).unwrap();
}

pub fn config() -> Value {
    json!({
        "model_type": "bert", "architectures": ["BertModel"], "hidden_size": 32,
        "intermediate_size": 64, "max_position_embeddings": 64, "num_attention_heads": 4,
        "num_hidden_layers": 2, "type_vocab_size": 2, "vocab_size": WORDS.len(),
        "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "pad_token_id": 0, "position_embedding_type": "absolute"
    })
}

/// An uncased WordPiece tokenizer of these words, the first five of which are special as
/// in [`WORDS`].
pub fn tokenizer(words: &[&str]) -> Value {
    let vocabulary: HashMap<&str, usize> = words.iter().copied().zip(0..).collect();
    let special = |word: &str| {
        json!({ "id": vocabulary[word], "content": word, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true })
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": words[..5].iter().map(|word| special(word)).collect::<Vec<_>>(),
        "normalizer": { "type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": true, "strip_accents": null, "lowercase": true },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2] },
        "decoder": null,
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary }
    })
}
