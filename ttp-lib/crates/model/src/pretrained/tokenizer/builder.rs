//! A tokenizer of a checkpoint's files.

use super::description::{
    added_token, class_rules, content, described, fits, json_of, optional, placed, vocabulary,
};
use super::tokenize::CheckpointTokenizer;
use crate::pretrained::config::Architecture;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokenizers::{Tokenizer, TruncationDirection, TruncationParams};
use ttp_base::{Error, Result, files};

/// The five tokens that a model needs, by transformers' names for them.
const ROLES: [&str; 5] = ["cls_token", "mask_token", "pad_token", "sep_token", "unk_token"];

/// The settings of `tokenizer_config.json` that change ids.
const FLAGS: [&str; 4] =
    ["add_prefix_space", "do_lower_case", "strip_accents", "tokenize_chinese_chars"];

/// Builds a checkpoint's tokenizer and holds it against the model.
pub(crate) struct Builder<'a> {
    folder: &'a Path,
    family: Architecture,
    /// Whose rules the tokenizer follows: its class's, else the model's.
    rules: Architecture,
    config: Map<String, Value>,
    special: Map<String, Value>,
}

impl<'a> Builder<'a> {
    /// Reads what the folder says of its special tokens; `model` is its `config.json`.
    ///
    /// # Errors
    /// If a setting makes no sense, or the tokenizer is of a class that is not read here.
    pub fn new(folder: &'a Path, family: Architecture, model: &Map<String, Value>) -> Result<Self> {
        let config = optional(&folder.join("tokenizer_config.json"))?;
        for field in FLAGS {
            if let Some(value) = config.get(field).filter(|v| !v.is_boolean() && !v.is_null()) {
                let file = folder.join("tokenizer_config.json");
                let reason = format!("{value} is neither true nor false");
                return Err(Error::input_at(&file, None, Some(field), reason));
            }
        }
        let special = optional(&folder.join("special_tokens_map.json"))?;
        let is_side = |side: &&Value| *side == "left" || *side == "right" || side.is_null();
        if let Some(side) = config.get("truncation_side").filter(|side| !is_side(side)) {
            let file = folder.join("tokenizer_config.json");
            let reason = format!("{side} is neither \"left\" nor \"right\"");
            return Err(Error::input_at(&file, None, Some("truncation_side"), reason));
        }
        let is_split = config.get("do_basic_tokenize") != Some(&Value::Bool(false));
        if !is_split && vocabulary(folder).is_ok_and(|file| file.ends_with("vocab.txt")) {
            let file = folder.join("tokenizer_config.json");
            let reason = "false is not supported; true is";
            return Err(Error::input_at(&file, None, Some("do_basic_tokenize"), reason));
        }
        let rules = class_rules(folder, &config, model)?.unwrap_or(family);
        Ok(Self { folder, family, rules, config, special })
    }

    /// One for BERT's pieces from a file that stands alone, with its usual special tokens.
    pub fn of_pieces(file: &'a Path, lower_case: bool) -> Self {
        let config = Map::from_iter([("do_lower_case".to_owned(), json!(lower_case))]);
        Self {
            folder: file,
            family: Architecture::Bert,
            rules: Architecture::Bert,
            config,
            special: Map::new(),
        }
    }

    /// The tokenizer of pieces in the order of their ids.
    pub fn build_of(self, pieces: &[String], max_length: usize) -> Result<CheckpointTokenizer> {
        let vocabulary = pieces.iter().zip(0_u32..).map(|(piece, id)| (piece.clone(), json!(id)));
        let description = self.word_pieces(self.folder, &vocabulary.collect())?;
        self.finish(self.folder, description, max_length, pieces.len() as i64)
    }

    /// The tokenizer, for at most `max_length` tokens of a vocabulary of `embeddings`.
    pub fn build(self, max_length: usize, embeddings: i64) -> Result<CheckpointTokenizer> {
        let file = vocabulary(self.folder)?;
        let description = self.description(&file)?;
        self.finish(&file, description, max_length, embeddings)
    }

    fn finish(
        &self,
        file: &Path,
        description: Value,
        max_length: usize,
        embeddings: i64,
    ) -> Result<CheckpointTokenizer> {
        let roles = self.roles(&description)?;
        let mut tokenizer: Tokenizer =
            serde_json::from_value(description).map_err(|error| Error::input(file, error))?;
        fits(file, &tokenizer, embeddings)?;
        tokenizer.with_padding(None);
        let id = |role: &str| roles.get(role).and_then(|token| tokenizer.token_to_id(token));
        let needed = |role: &str| {
            id(role).ok_or_else(|| {
                let token = roles.get(role).map(String::as_str).unwrap_or_default();
                let reason = format!("its {role} {token:?} is not among its tokens");
                Error::input(file, reason)
            })
        };
        let (first, last) = (needed("cls_token")?, needed("sep_token")?);
        let (padding, unknown) = (needed("pad_token")?, needed("unk_token")?);
        let mask = id("mask_token");
        let empty = tokenizer.encode("", true).map_err(Error::library("tokenizing"))?;
        if empty.get_ids() != [first, last] {
            let reason = "a text does not become cls_token … sep_token";
            return Err(Error::input(file, reason));
        }
        // RoBERTa's and MPNet's positions are counted from where this one is.
        if self.family != Architecture::Bert && i64::from(padding) != self.family.padding_id() {
            let reason = format!("its pad_token has the id {padding} and should have 1");
            return Err(Error::input(file, reason));
        }
        let added = tokenizer.get_added_tokens_decoder();
        let special = added.iter().filter(|(_, token)| token.special).map(|(&id, _)| id);
        let special: BTreeSet<u32> =
            special.chain([first, last, padding, unknown]).chain(mask).collect();
        // As transformers does, what is stated before what `tokenizer.json` says.
        let own = tokenizer.get_truncation().map(|own| own.direction).unwrap_or_default();
        let cuts = match self.config.get("truncation_side") {
            Some(side) if side == "left" => TruncationDirection::Left,
            Some(side) if side == "right" => TruncationDirection::Right,
            _ => own,
        };
        let truncation = TruncationParams { max_length, direction: cuts, ..Default::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| Error::input(file, error))?;
        let special = special.into_iter().collect();
        Ok(CheckpointTokenizer { tokenizer, padding, unknown, mask, special, cuts })
    }

    /// The tokenizer as `tokenizer.json` describes one.
    fn description(&self, file: &Path) -> Result<Value> {
        if file.ends_with("vocab.txt") {
            let text = files::read_text(file)?;
            let ids = text.lines().zip(0_u32..);
            return self.word_pieces(file, &ids.map(|(t, id)| (t.to_owned(), json!(id))).collect());
        }
        if file.ends_with("vocab.json") {
            return self.byte_pairs(file, &self.folder.join("merges.txt"));
        }
        let mut description = json_of(file)?;
        self.override_with_config(&mut description);
        Ok(description)
    }

    /// transformers' own classes take what `tokenizer_config.json` states before
    /// `tokenizer.json`; only the class that has no settings does not.
    fn override_with_config(&self, description: &mut Value) {
        if self.config.get("tokenizer_class").is_some_and(|c| c == "PreTrainedTokenizerFast") {
            return;
        }
        for (part, kind, theirs, ours) in [
            ("normalizer", "BertNormalizer", "do_lower_case", "lowercase"),
            ("normalizer", "BertNormalizer", "strip_accents", "strip_accents"),
            ("normalizer", "BertNormalizer", "tokenize_chinese_chars", "handle_chinese_chars"),
            ("pre_tokenizer", "ByteLevel", "add_prefix_space", "add_prefix_space"),
        ] {
            let of_kind = description.get_mut(part).filter(|part| part["type"] == kind);
            // Accents alone have a third value: as the case is.
            let is_value = |value: &&Value| !value.is_null() || theirs == "strip_accents";
            let stated = self.config.get(theirs).filter(is_value);
            if let (Some(Value::Object(part)), Some(value)) = (of_kind, stated) {
                part.insert(ours.to_owned(), value.clone());
            }
        }
    }

    /// BERT's, of tokens with their ids.
    fn word_pieces(&self, file: &Path, vocabulary: &Map<String, Value>) -> Result<Value> {
        let roles = self.roles(&Value::Null)?;
        let lower = self.setting("do_lower_case", json!(true));
        Ok(json!({
            "version": "1.0",
            "added_tokens": self.added_tokens(file, vocabulary, &roles)?,
            "normalizer": { "type": "BertNormalizer", "clean_text": true, "lowercase": lower,
                "handle_chinese_chars": self.setting("tokenize_chinese_chars", json!(true)),
                "strip_accents": self.setting("strip_accents", Value::Null) },
            "pre_tokenizer": { "type": "BertPreTokenizer" },
            "post_processor": { "type": "BertProcessing",
                "sep": placed(file, "sep_token", vocabulary, &roles)?,
                "cls": placed(file, "cls_token", vocabulary, &roles)? },
            "model": { "type": "WordPiece", "unk_token": roles.get("unk_token"),
                "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                "vocab": vocabulary },
        }))
    }

    /// RoBERTa's: pairs of bytes that are merged in the order of their lines.
    fn byte_pairs(&self, file: &Path, merges_file: &Path) -> Result<Value> {
        let Value::Object(vocabulary) = json_of(file)? else {
            return Err(Error::input(file, "not an object of ids by token"));
        };
        let text = files::read_text(merges_file)?;
        let mut merges = Vec::new();
        for (line, row) in text.lines().zip(1..) {
            if line.is_empty() || (row == 1 && line.starts_with("#version")) {
                continue;
            }
            let Some((left, right)) = line.split_once(' ').filter(|(_, r)| !r.contains(' ')) else {
                return Err(Error::input_at(merges_file, Some(row), None, "not two tokens"));
            };
            for token in [left, right, &format!("{left}{right}")] {
                if !vocabulary.contains_key(token) {
                    let reason = format!("{token:?} is not in the vocabulary");
                    return Err(Error::input_at(merges_file, Some(row), None, reason));
                }
            }
            merges.push(json!([left, right]));
        }
        let roles = self.roles(&Value::Null)?;
        let space = self.setting("add_prefix_space", json!(false));
        Ok(json!({
            "version": "1.0",
            "added_tokens": self.added_tokens(file, &vocabulary, &roles)?,
            "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": space,
                "trim_offsets": true, "use_regex": true },
            "post_processor": { "type": "RobertaProcessing", "trim_offsets": true,
                "add_prefix_space": space,
                "sep": placed(file, "sep_token", &vocabulary, &roles)?,
                "cls": placed(file, "cls_token", &vocabulary, &roles)? },
            "model": { "type": "BPE", "dropout": null, "unk_token": null,
                "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
                "vocab": vocabulary, "merges": merges },
        }))
    }

    fn setting(&self, key: &str, default: Value) -> Value {
        self.config.get(key).filter(|value| !value.is_null()).cloned().unwrap_or(default)
    }

    /// What stands for each of [`ROLES`]: as the checkpoint's files say, else as its family has it.
    fn roles(&self, description: &Value) -> Result<BTreeMap<&'static str, String>> {
        ROLES
            .into_iter()
            .map(|role| {
                let token = match self.stated(role) {
                    Some((file, value)) => content(value).map(str::to_owned).ok_or_else(|| {
                        let file = self.folder.join(file);
                        Error::input_at(&file, None, Some(role), format!("{value} is no token"))
                    })?,
                    None => {
                        described(description, role).unwrap_or_else(|| self.usual(role)).to_owned()
                    }
                };
                Ok((role, token))
            })
            .collect()
    }

    /// As transformers does, the newer files' `tokenizer_config.json` before the older map.
    fn stated(&self, key: &str) -> Option<(&'static str, &Value)> {
        let config = ("tokenizer_config.json", self.config.get(key));
        let map = ("special_tokens_map.json", self.special.get(key));
        let order = match self.config.contains_key("added_tokens_decoder") {
            true => [config, map],
            false => [map, config],
        };
        order.into_iter().find_map(|(file, value)| Some((file, value.filter(|v| !v.is_null())?)))
    }

    fn usual(&self, role: &str) -> &'static str {
        match (self.rules, role) {
            (Architecture::Bert, "cls_token") => "[CLS]",
            (Architecture::Bert, "mask_token") => "[MASK]",
            (Architecture::Bert, "pad_token") => "[PAD]",
            (Architecture::Bert, "sep_token") => "[SEP]",
            // MPNet has RoBERTa's special tokens in BERT's vocabulary.
            (Architecture::Roberta | Architecture::Mpnet, "cls_token") => "<s>",
            (Architecture::Roberta | Architecture::Mpnet, "mask_token") => "<mask>",
            (Architecture::Roberta | Architecture::Mpnet, "pad_token") => "<pad>",
            (Architecture::Roberta | Architecture::Mpnet, "sep_token") => "</s>",
            (Architecture::Bert | Architecture::Mpnet, _) => "[UNK]",
            (Architecture::Roberta, _) => "<unk>",
        }
    }

    /// Tokens that are found in a text before it is split, in the order of their ids.
    fn added_tokens(
        &self,
        file: &Path,
        vocabulary: &Map<String, Value>,
        roles: &BTreeMap<&str, String>,
    ) -> Result<Vec<Value>> {
        let mut added: BTreeMap<u64, Value> = BTreeMap::new();
        for (role, content) in roles {
            let Some(id) = vocabulary.get(content).and_then(Value::as_u64) else { continue };
            let stated = self.stated(role).map_or(&Value::Null, |(_, value)| value);
            // RoBERTa's and MPNet's mask takes the space before it along, unless the files say
            // otherwise.
            let strips = self.rules != Architecture::Bert && *role == "mask_token";
            added.insert(id, added_token(id, content, true, strips, stated));
        }
        for (content, id) in self.numbered()? {
            let stated = self.config.get("added_tokens_decoder").map(|d| &d[&id.to_string()]);
            let stated = stated.unwrap_or(&Value::Null);
            let special = stated["special"] == true;
            added.entry(id).or_insert_with(|| added_token(id, &content, special, false, stated));
        }
        // The tokenizer numbers what it does not know on from the vocabulary's end.
        let known = |token: &Value| content(token).is_some_and(|t| vocabulary.contains_key(t));
        let unknown = added.iter().filter(|(_, token)| !known(token)).map(|(&id, _)| id);
        for (id, due) in unknown.zip(vocabulary.len() as u64..) {
            if id != due {
                let reason = format!("an added token has the id {id}, and {due} comes next");
                return Err(Error::input(file, reason));
            }
        }
        Ok(added.into_values().collect())
    }

    /// Tokens with their ids from `added_tokens_decoder` and `added_tokens.json`.
    fn numbered(&self) -> Result<Vec<(String, u64)>> {
        let file = self.folder.join("added_tokens.json");
        let mut tokens = Vec::new();
        for (token, id) in optional(&file)? {
            let id = id.as_u64().ok_or_else(|| {
                Error::input_at(&file, None, Some(&token), format!("{id} is no id"))
            })?;
            tokens.push((token, id));
        }
        let decoder = self.config.get("added_tokens_decoder").and_then(Value::as_object);
        for (id, token) in decoder.into_iter().flatten() {
            let (Ok(id), Some(content)) = (id.parse(), content(token)) else {
                let file = self.folder.join("tokenizer_config.json");
                let reason = format!("{id:?} and {token} are no id and token");
                return Err(Error::input_at(&file, None, Some("added_tokens_decoder"), reason));
            };
            tokens.push((content.to_owned(), id));
        }
        Ok(tokens)
    }
}
