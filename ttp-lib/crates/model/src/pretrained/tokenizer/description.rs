//! What a checkpoint's files say of their tokenizer.

use crate::pretrained::config::Architecture;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;
use ttp_base::{Error, Result, files};

/// Any of these is enough, the first that is there is used.
const VOCABULARIES: [&str; 3] = ["tokenizer.json", "vocab.txt", "vocab.json"];

/// The file that a folder's tokenizer is read from.
pub(crate) fn vocabulary(folder: &Path) -> Result<PathBuf> {
    let found = VOCABULARIES.iter().map(|name| folder.join(name)).find(|file| file.exists());
    let reason = || format!("no tokenizer: neither {}", VOCABULARIES.join(" nor "));
    found.ok_or_else(|| Error::input(folder, reason()))
}

/// The classes of transformers whose files are read, without the `Fast` that a name may end in,
/// and whose rules they follow. The class that only reads `tokenizer.json` has none of its own.
const CLASSES: [(&str, Option<Architecture>); 6] = [
    ("BertTokenizer", Some(Architecture::Bert)),
    ("DistilBertTokenizer", Some(Architecture::Bert)),
    ("ElectraTokenizer", Some(Architecture::Bert)),
    ("MPNetTokenizer", Some(Architecture::Mpnet)),
    ("PreTrainedTokenizer", None),
    ("RobertaTokenizer", Some(Architecture::Roberta)),
];

/// Whose rules the stated class of a tokenizer follows; `None` where none is stated, or only
/// `tokenizer.json` counts. `tokenizer_config.json` comes before `config.json`, as in transformers.
pub(super) fn class_rules(
    folder: &Path,
    tokenizer: &Map<String, Value>,
    model: &Map<String, Value>,
) -> Result<Option<Architecture>> {
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
        Some(Architecture::Roberta) => "vocab.json",
        Some(Architecture::Bert | Architecture::Mpnet) => "vocab.txt",
    };
    if !vocabulary.ends_with(wanted) {
        let found = vocabulary.file_name().unwrap_or_default().to_string_lossy();
        return wrong(format!("{class} reads {wanted}, and there is {found}"));
    }
    Ok(*rules)
}

/// That every token has an embedding.
pub(super) fn fits(file: &Path, tokenizer: &Tokenizer, embeddings: i64) -> Result<()> {
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
pub(super) fn placed(
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

pub(super) fn added_token(
    id: u64,
    content: &str,
    special: bool,
    lstrip: bool,
    stated: &Value,
) -> Value {
    let flag = |key: &str, default: bool| stated[key].as_bool().unwrap_or(default);
    json!({ "id": id, "content": content, "special": special,
        "single_word": flag("single_word", false), "lstrip": flag("lstrip", lstrip),
        "rstrip": flag("rstrip", false), "normalized": flag("normalized", !special) })
}

/// A token is written as a text, or as an object with more to say of it.
pub(super) fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

/// What `tokenizer.json` itself shows of a special token.
pub(super) fn described<'v>(description: &'v Value, role: &str) -> Option<&'v str> {
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

pub(super) fn json_of(file: &Path) -> Result<Value> {
    let text = files::read_text(file)?;
    serde_json::from_str(&text).map_err(|error| Error::input(file, error))
}

/// A file of settings that a checkpoint need not have.
pub(super) fn optional(file: &Path) -> Result<Map<String, Value>> {
    if file.exists() { files::read_json(file) } else { Ok(Map::new()) }
}
