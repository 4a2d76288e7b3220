//! A checkpoint's tokenizer: `tokenizer.json`, or else one put together from
//! `vocab.txt` or `vocab.json` and `merges.txt` as transformers does it.

use super::config::{self, Family};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tokenizers::{Encoding, Tokenizer, TruncationDirection, TruncationParams};
use ttp_base::{Error, Result, files};

/// Everything of a folder that says how its texts become ids.
pub(super) const FILES: [&str; 7] = [
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
];

/// Any of these is enough, the first that is there is used.
const VOCABULARIES: [&str; 3] = ["tokenizer.json", "vocab.txt", "vocab.json"];

/// The file that a folder's tokenizer is read from.
pub(super) fn vocabulary(folder: &Path) -> Result<PathBuf> {
    let found = VOCABULARIES.iter().map(|name| folder.join(name)).find(|file| file.exists());
    let reason = || format!("no tokenizer: neither {}", VOCABULARIES.join(" nor "));
    found.ok_or_else(|| Error::input(folder, reason()))
}

/// A checkpoint's tokenizer, ready for batches.
#[derive(Clone)]
pub struct Tokenize {
    tokenizer: Tokenizer,
    padding: u32,
    unknown: u32,
    mask: Option<u32>,
    special: Vec<u32>,
    cuts: TruncationDirection,
}

/// The tokenizer of a folder in the hub's layout, cutting at `max_length` tokens or at as many
/// as the model has places for. It takes `config.json` and the tokenizer's files; weights are not
/// looked for.
///
/// # Errors
/// As [`Checkpoint::tokenizer`](super::Checkpoint::tokenizer), but for the places.
pub fn tokenizer_in(folder: &Path, max_length: usize) -> Result<Tokenize> {
    let (family, config) = config::read(&folder.join("config.json"))?;
    let places = config::places(family, &config).unsigned_abs() as usize;
    let embeddings = config::size(&config, "vocab_size");
    Builder::new(folder, family, &config)?.build(max_length.min(places), embeddings)
}

/// Whether a folder has what [`tokenizer_in`] reads.
pub fn has_tokenizer(folder: &Path) -> bool {
    folder.join("config.json").is_file() && vocabulary(folder).is_ok()
}

/// A word of a text, as the tokenizer first splits it, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordPieces {
    /// The word as the text has it.
    pub word: String,
    /// Number of tokens that it was split into.
    pub tokens: usize,
    /// Whether one of them stands for what the vocabulary does not have.
    pub unknown: bool,
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

    /// Every word of a text, however long the text, with what it was split into. What the
    /// tokenizer drops (spaces, control characters) is in none of them.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn words(&self, text: &str) -> Result<Vec<WordPieces>> {
        let encoding = self.tokenizer.encode(text, false).map_err(Error::library("tokenizing"))?;
        let mut words: Vec<(u32, usize, usize, WordPieces)> = Vec::new();
        // What was cut off for its length follows in order.
        for part in std::iter::once(&encoding).chain(encoding.get_overflowing()) {
            self.add_words(part, &mut words);
        }
        let named = words.into_iter().map(|(_, start, end, pieces)| {
            let word = text.get(start..end).unwrap_or_default().trim().to_owned();
            WordPieces { word, ..pieces }
        });
        Ok(named.collect())
    }

    fn add_words(&self, part: &Encoding, words: &mut Vec<(u32, usize, usize, WordPieces)>) {
        let tokens = part.get_ids().iter().zip(part.get_word_ids()).zip(part.get_offsets());
        for ((&id, word), &(start, end)) in tokens {
            let Some(word) = *word else { continue };
            if words.last().is_none_or(|last| last.0 != word) {
                let pieces = WordPieces { word: String::new(), tokens: 0, unknown: false };
                words.push((word, start, end, pieces));
            }
            if let Some((_, from, to, pieces)) = words.last_mut() {
                (*from, *to) = (start.min(*from), end.max(*to));
                pieces.tokens += 1;
                pieces.unknown |= id == self.unknown;
            }
        }
    }

    /// Cuts what is longer than `max_length` tokens, at the side where the tokenizer does.
    pub(crate) fn cut(&self, ids: &mut Vec<u32>, max_length: usize) {
        let (length, max_length) = (ids.len(), max_length.max(2));
        if length <= max_length {
            return;
        }
        // The tokens that begin and end every text stay.
        match self.cuts {
            TruncationDirection::Left => drop(ids.drain(1..=length - max_length)),
            TruncationDirection::Right => drop(ids.drain(max_length - 1..length - 1)),
        }
    }

    /// All that its ids depend on, as `tokenizer.json` has it, the length that it cuts at included.
    ///
    /// # Errors
    /// None in practice: what was read can be written.
    pub fn description(&self) -> Result<String> {
        self.tokenizer.to_string(false).map_err(Error::library("writing a tokenizer"))
    }

    /// The id that fills a batch's short rows.
    pub fn padding_id(&self) -> u32 {
        self.padding
    }

    /// The id of what the vocabulary does not have.
    pub fn unknown_id(&self) -> u32 {
        self.unknown
    }

    /// The id that hides a word, if the vocabulary has one.
    pub fn mask_id(&self) -> Option<u32> {
        self.mask
    }

    /// Ids that stand for no part of a text, ascending; the unknown word's is one of them.
    pub fn special_ids(&self) -> Vec<u32> {
        self.special.clone()
    }

    /// The id of a token: `##phi`, `[MASK]`.
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// The token of an id.
    pub fn token_of(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// Number of tokens, special and added ones included.
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }
}

/// The five tokens that a model needs, by transformers' names for them.
const ROLES: [&str; 5] = ["cls_token", "mask_token", "pad_token", "sep_token", "unk_token"];

/// The settings of `tokenizer_config.json` that change ids.
const FLAGS: [&str; 4] =
    ["add_prefix_space", "do_lower_case", "strip_accents", "tokenize_chinese_chars"];

/// The classes of transformers whose files are read, without the `Fast` that a name may end in,
/// and whose rules they follow. The class that only reads `tokenizer.json` has none of its own.
const CLASSES: [(&str, Option<Family>); 6] = [
    ("BertTokenizer", Some(Family::Bert)),
    ("DistilBertTokenizer", Some(Family::Bert)),
    ("ElectraTokenizer", Some(Family::Bert)),
    ("MPNetTokenizer", Some(Family::Mpnet)),
    ("PreTrainedTokenizer", None),
    ("RobertaTokenizer", Some(Family::Roberta)),
];

/// Builds a checkpoint's tokenizer and holds it against the model.
pub(super) struct Builder<'a> {
    folder: &'a Path,
    family: Family,
    /// Whose rules the tokenizer follows: its class's, else the model's.
    rules: Family,
    config: Map<String, Value>,
    special: Map<String, Value>,
}

impl<'a> Builder<'a> {
    /// Reads what the folder says of its special tokens; `model` is its `config.json`.
    ///
    /// # Errors
    /// If a setting makes no sense, or the tokenizer is of a class that is not read here.
    pub fn new(folder: &'a Path, family: Family, model: &Map<String, Value>) -> Result<Self> {
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
            family: Family::Bert,
            rules: Family::Bert,
            config,
            special: Map::new(),
        }
    }

    /// The tokenizer of pieces in the order of their ids.
    pub fn build_of(self, pieces: &[String], max_length: usize) -> Result<Tokenize> {
        let vocabulary = pieces.iter().zip(0_u32..).map(|(piece, id)| (piece.clone(), json!(id)));
        let description = self.word_pieces(self.folder, &vocabulary.collect())?;
        self.finish(self.folder, description, max_length, pieces.len() as i64)
    }

    /// The tokenizer, for at most `max_length` tokens of a vocabulary of `embeddings`.
    pub fn build(self, max_length: usize, embeddings: i64) -> Result<Tokenize> {
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
    ) -> Result<Tokenize> {
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
        if self.family != Family::Bert && i64::from(padding) != self.family.padding_id() {
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
        Ok(Tokenize { tokenizer, padding, unknown, mask, special, cuts })
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
            (Family::Bert, "cls_token") => "[CLS]",
            (Family::Bert, "mask_token") => "[MASK]",
            (Family::Bert, "pad_token") => "[PAD]",
            (Family::Bert, "sep_token") => "[SEP]",
            // MPNet has RoBERTa's special tokens in BERT's vocabulary.
            (Family::Roberta | Family::Mpnet, "cls_token") => "<s>",
            (Family::Roberta | Family::Mpnet, "mask_token") => "<mask>",
            (Family::Roberta | Family::Mpnet, "pad_token") => "<pad>",
            (Family::Roberta | Family::Mpnet, "sep_token") => "</s>",
            (Family::Bert | Family::Mpnet, _) => "[UNK]",
            (Family::Roberta, _) => "<unk>",
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
            let strips = self.rules != Family::Bert && *role == "mask_token";
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

/// Whose rules the stated class of a tokenizer follows; `None` where none is stated, or only
/// `tokenizer.json` counts. `tokenizer_config.json` comes before `config.json`, as in transformers.
fn class_rules(
    folder: &Path,
    tokenizer: &Map<String, Value>,
    model: &Map<String, Value>,
) -> Result<Option<Family>> {
    const KEY: &str = "tokenizer_class";
    let stated = |config: &Map<String, Value>| config.get(KEY).filter(|v| !v.is_null()).cloned();
    let (file, class) = match (stated(tokenizer), stated(model)) {
        (Some(class), _) => ("tokenizer_config.json", class),
        (None, Some(class)) => ("config.json", class),
        (None, None) => return Ok(None),
    };
    let wrong = |reason| Err(Error::input_at(&folder.join(file), None, Some(KEY), reason));
    let name = class.as_str().unwrap_or_default();
    let stem = name.strip_suffix("Fast").unwrap_or(name);
    let Some((_, rules)) = CLASSES.iter().find(|(known, _)| *known == stem) else {
        let known: Vec<_> = CLASSES.iter().map(|(known, _)| format!("{known}Fast")).collect();
        return wrong(format!("{class} is not supported; {} are", known.join(", ")));
    };
    let vocabulary = vocabulary(folder)?;
    let wanted = match rules {
        _ if vocabulary.ends_with("tokenizer.json") => return Ok(*rules),
        None => "tokenizer.json",
        Some(Family::Roberta) => "vocab.json",
        Some(Family::Bert | Family::Mpnet) => "vocab.txt",
    };
    if !vocabulary.ends_with(wanted) {
        let found = vocabulary.file_name().unwrap_or_default().to_string_lossy();
        return wrong(format!("{class} reads {wanted}, and there is {found}"));
    }
    Ok(*rules)
}

/// That every token has an embedding.
fn fits(file: &Path, tokenizer: &Tokenizer, embeddings: i64) -> Result<()> {
    let vocabulary = tokenizer.get_vocab(true);
    if vocabulary.len() as i64 > embeddings {
        let tokens = vocabulary.len();
        let reason = format!("{tokens} tokens, but the model has {embeddings} embeddings");
        return Err(Error::input(file, reason));
    }
    match vocabulary.iter().max_by_key(|(_, id)| **id) {
        Some((token, &id)) if i64::from(id) >= embeddings => {
            let reason = format!("{token:?} has the id {id} of {embeddings} embeddings");
            Err(Error::input(file, reason))
        }
        _ => Ok(()),
    }
}

/// A token and its id, as a post-processor wants it.
fn placed(
    file: &Path,
    role: &str,
    vocabulary: &Map<String, Value>,
    roles: &BTreeMap<&str, String>,
) -> Result<Value> {
    let token = roles.get(role).map(String::as_str).unwrap_or_default();
    match vocabulary.get(token) {
        Some(id) => Ok(json!([token, id])),
        None => {
            let reason = format!("its {role} {token:?} is not among its tokens");
            Err(Error::input(file, reason))
        }
    }
}

fn added_token(id: u64, content: &str, special: bool, lstrip: bool, stated: &Value) -> Value {
    let flag = |key: &str, default: bool| stated[key].as_bool().unwrap_or(default);
    json!({ "id": id, "content": content, "special": special,
        "single_word": flag("single_word", false), "lstrip": flag("lstrip", lstrip),
        "rstrip": flag("rstrip", false), "normalized": flag("normalized", !special) })
}

/// A token is written as a text, or as an object with more to say of it.
fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

/// What `tokenizer.json` itself shows of a special token.
fn described<'v>(description: &'v Value, role: &str) -> Option<&'v str> {
    let template = &description["post_processor"]["single"];
    let (role_in_pair, place) = match role {
        "cls_token" => ("cls", template.as_array().and_then(|parts| parts.first())),
        "sep_token" => ("sep", template.as_array().and_then(|parts| parts.last())),
        "unk_token" => return description["model"]["unk_token"].as_str(),
        "pad_token" => return description["padding"]["pad_token"].as_str(),
        _ => return None,
    };
    let pair = description["post_processor"][role_in_pair][0].as_str();
    pair.or_else(|| place?["SpecialToken"]["id"].as_str())
}

fn json_of(file: &Path) -> Result<Value> {
    let text = files::read_text(file)?;
    serde_json::from_str(&text).map_err(|error| Error::input(file, error))
}

/// A file of settings that a checkpoint need not have.
fn optional(file: &Path) -> Result<Map<String, Value>> {
    if file.exists() { ttp_base::files::read_json(file) } else { Ok(Map::new()) }
}
