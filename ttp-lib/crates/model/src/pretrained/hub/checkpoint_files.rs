//! Which of a repository's files a checkpoint is made of.

use super::repository::is_file_path;
use crate::pretrained::file_names::{
    CONFIG, ENCODER_SETTINGS, MODULES, TOKENIZER_FILES, TRANSFORMER_SETTINGS, WEIGHTS,
};
use serde_json::Value;
use std::fmt;
use ttp_base::{Error, Result};

/// What a checkpoint may have beside its weights.
pub(super) const SMALL_FILES: [&str; 9] = {
    let [a, b, c, d, e, f, g] = TOKENIZER_FILES;
    // An adapter's settings say that the weights are an adapter's, which is refused.
    [CONFIG, "adapter_config.json", a, b, c, d, e, f, g]
};

/// How weights of other programs are called, by the ends of their names.
const FOREIGN: [(&str, &str); 15] = [
    (".h5", "TensorFlow"),
    (".ckpt.index", "TensorFlow"),
    (".ckpt", "a training's own file"),
    (".pb", "TensorFlow"),
    (".tflite", "TensorFlow Lite"),
    (".msgpack", "Flax"),
    (".onnx", "ONNX"),
    (".gguf", "llama.cpp"),
    (".ggml", "llama.cpp"),
    (".mlmodel", "Core ML"),
    (".ot", "rust-bert"),
    (".pt", "a PyTorch program's own file"),
    (".pth", "a PyTorch program's own file"),
    ("adapter_model.safetensors", "an adapter to another model"),
    (".safetensors", "not the name that weights have"),
];

/// The hub's list of a commit's files, or the cache's.
pub(super) trait Source {
    /// Whether there is such a file.
    fn has(&mut self, file: &str) -> bool;

    /// What a file of JSON holds.
    ///
    /// # Errors
    /// If it cannot be had or is no JSON.
    fn json(&mut self, file: &str) -> Result<Value>;

    /// An error of a file.
    fn wrong(&self, file: &str, reason: String) -> Error;
}

/// What a checkpoint consists of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CheckpointFiles {
    /// Its files, weights last, so that a snapshot with weights is whole.
    pub(super) files: Vec<String>,
    /// What it cannot do without and is not there.
    pub(super) lacking: Option<MissingFile>,
}

/// What is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MissingFile {
    Weights,
    Part(String),
    Config,
    Tokenizer,
}

impl fmt::Display for MissingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weights => "weights (model.safetensors or pytorch_model.bin)",
            Self::Part(part) => {
                return write!(f, "{part} (the weights are in several files)");
            }
            Self::Config => "config.json",
            Self::Tokenizer => {
                "tokenizer (tokenizer.json, vocab.txt, or vocab.json with merges.txt)"
            }
        })
    }
}

/// The files to have of those that there are: of a plain checkpoint, and of a sentence encoder
/// with what `modules.json` names.
///
/// # Errors
/// If a file that names others cannot be had, or names what could lead out of the repository.
pub(super) fn wanted(source: &mut dyn Source) -> Result<CheckpointFiles> {
    let mut files = Vec::new();
    let folders = module_folders(source, &mut files)?;
    // The first module is the transformer, in most repositories without a folder of its own.
    let (base, modules) = folders.split_first().map_or(("", &[][..]), |(at, more)| (at, more));
    if !base.is_empty() {
        take(source, &["config.json"], "", &mut files);
    }
    if !folders.is_empty() {
        take(source, &TRANSFORMER_SETTINGS, base, &mut files);
    }
    let before = files.len();
    take(source, &SMALL_FILES, base, &mut files);
    let own: Vec<&str> =
        files[before..].iter().filter_map(|file| file.rsplit('/').next()).collect();
    let lacks_config = !own.contains(&"config.json");
    let lacks_tokenizer = !(own.contains(&"tokenizer.json")
        || own.contains(&"vocab.txt")
        || own.contains(&"vocab.json") && own.contains(&"merges.txt"));
    for module in modules.iter().filter(|module| *module != base) {
        take(source, &["config.json"], module, &mut files);
    }
    for module in modules.iter().filter(|module| *module != base) {
        weights(source, module, &mut files)?;
    }
    let lacking = match weights(source, base, &mut files)? {
        Some(lacking) => Some(lacking),
        None if lacks_config => Some(MissingFile::Config),
        None if lacks_tokenizer => Some(MissingFile::Tokenizer),
        None => None,
    };
    Ok(CheckpointFiles { files, lacking })
}

/// The folders that `modules.json` names, in its order; none where there is no such file.
fn module_folders(source: &mut dyn Source, files: &mut Vec<String>) -> Result<Vec<String>> {
    if !source.has(MODULES) {
        return Ok(Vec::new());
    }
    files.push(MODULES.to_owned());
    take(source, &[ENCODER_SETTINGS], "", files);
    let modules = source.json(MODULES)?;
    let Some(modules) = modules.as_array() else {
        return Err(source.wrong(MODULES, "this is no list of modules".to_owned()));
    };
    let folder = |module: &Value| {
        let path = module.get("path").and_then(Value::as_str).unwrap_or_default();
        let path = path.trim_end_matches('/');
        match path.is_empty() || is_file_path(path) {
            true => Ok(path.to_owned()),
            false => {
                let reason = format!("the path {path:?} could lead out of the repository");
                Err(source.wrong(MODULES, reason))
            }
        }
    };
    modules.iter().map(folder).collect()
}

fn take(source: &mut dyn Source, names: &[&str], folder: &str, files: &mut Vec<String>) {
    let paths = names.iter().map(|name| below(folder, name));
    files.extend(paths.filter(|path| source.has(path)));
}

/// Adds a folder's weights, in one file or in all of its several.
fn weights(
    source: &mut dyn Source,
    folder: &str,
    files: &mut Vec<String>,
) -> Result<Option<MissingFile>> {
    for name in WEIGHTS {
        let is_index = name.ends_with(".json");
        let path = below(folder, name);
        if !source.has(&path) {
            continue;
        }
        let parts = if is_index { parts(source, folder, &path)? } else { Vec::new() };
        let missing = parts.iter().find(|part| !source.has(part)).cloned();
        files.push(path);
        files.extend(parts);
        return Ok(missing.map(MissingFile::Part));
    }
    Ok(Some(MissingFile::Weights))
}

/// The files that an index of weights names, once each.
fn parts(source: &mut dyn Source, folder: &str, index: &str) -> Result<Vec<String>> {
    let json = source.json(index)?;
    let map = json.get("weight_map").and_then(Value::as_object);
    let names: Option<Vec<&str>> = map.map(|map| map.values().filter_map(Value::as_str).collect());
    let Some(mut names) = names.filter(|names| !names.is_empty()) else {
        let reason = "no weight_map that says which file holds a tensor".to_owned();
        return Err(source.wrong(index, reason));
    };
    names.sort_unstable();
    names.dedup();
    if let Some(name) = names.iter().find(|name| name.contains('/') || !is_file_path(name)) {
        let reason = format!("{name:?} is no name of a file beside it");
        return Err(source.wrong(index, reason));
    }
    Ok(names.into_iter().map(|name| below(folder, name)).collect())
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// What a repository has in place of weights that can be read here: `tf_model.h5 (TensorFlow)`.
pub(super) fn foreign<'a>(files: impl Iterator<Item = &'a str>) -> Option<String> {
    const SHOWN: usize = 3;
    let named = files.filter_map(|file| {
        let (_, what) = FOREIGN.iter().find(|(end, _)| file.ends_with(end))?;
        Some(format!("{file} ({what})"))
    });
    let mut named: Vec<String> = named.collect();
    let more = named.len().saturating_sub(SHOWN);
    named.truncate(SHOWN);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    (!named.is_empty()).then(|| named.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    struct FileList(Vec<(&'static str, Value)>);

    impl Source for FileList {
        fn has(&mut self, file: &str) -> bool {
            self.0.iter().any(|(name, _)| *name == file)
        }

        fn json(&mut self, file: &str) -> Result<Value> {
            Ok(self.0.iter().find(|(name, _)| *name == file).unwrap().1.clone())
        }

        fn wrong(&self, file: &str, reason: String) -> Error {
            Error::Hub { what: file.to_owned(), reason }
        }
    }

    fn of(files: &[&'static str]) -> CheckpointFiles {
        let files = files.iter().map(|name| (*name, Value::Null)).collect();
        wanted(&mut FileList(files)).unwrap()
    }

    #[test]
    fn safe_weights_come_before_pickled_ones_and_last_of_all() {
        let all = of(&["pytorch_model.bin", "model.safetensors", "vocab.txt", "config.json", "a"]);
        assert_eq!(all.files, ["config.json", "vocab.txt", "model.safetensors"]);
        assert_eq!(all.lacking, None);
        let pickled = of(&["config.json", "vocab.txt", "pytorch_model.bin"]);
        assert_eq!(pickled.files.last().unwrap(), "pytorch_model.bin");
        assert_eq!(of(&["config.json", "vocab.txt"]).lacking, Some(MissingFile::Weights));
        assert_eq!(of(&["vocab.txt", "model.safetensors"]).lacking, Some(MissingFile::Config));
        let halves = of(&["config.json", "vocab.json", "model.safetensors"]);
        assert_eq!(halves.lacking, Some(MissingFile::Tokenizer));
    }

    #[test]
    fn weights_in_several_files_are_all_wanted() {
        let index = "model.safetensors.index.json";
        let sharded = |map: Value, parts: &[&'static str]| {
            let small = ["config.json", "vocab.txt"].iter().chain(parts);
            let mut files: Vec<_> = small.map(|name| (*name, Value::Null)).collect();
            files.push((index, map));
            wanted(&mut FileList(files))
        };
        let map = json!({ "weight_map": { "a": "m-2", "b": "m-1", "c": "m-2" } });
        let whole = sharded(map.clone(), &["m-1", "m-2", "pytorch_model.bin"]).unwrap();
        assert_eq!(whole.files, ["config.json", "vocab.txt", index, "m-1", "m-2"]);
        assert_eq!(whole.lacking, None);
        let cut = sharded(map.clone(), &["m-1"]).unwrap();
        assert_eq!(cut.lacking, Some(MissingFile::Part("m-2".to_owned())));
        // One file of all weights is taken before an index.
        let one = sharded(map, &["model.safetensors"]).unwrap();
        assert_eq!(one.files.last().unwrap(), "model.safetensors");
        for map in
            [json!({ "weight_map": { "a": "../../m" } }), json!({ "weight_map": { "a": "b/m" } })]
        {
            let said = sharded(map, &["m-1"]).unwrap_err().to_string();
            assert!(said.ends_with("is no name of a file beside it"), "{said}");
        }
        for map in [json!([]), json!({}), json!({ "weight_map": {} }), json!({ "weight_map": 1 })] {
            let said = sharded(map, &["m-1"]).unwrap_err().to_string();
            assert!(said.starts_with(&format!("{index}: no weight_map")), "{said}");
        }
    }

    #[test]
    fn a_sentence_encoder_brings_its_modules_along() {
        let modules = |first: &str| {
            json!([
                { "idx": 0, "path": first, "type": "sentence_transformers.models.Transformer" },
                { "idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling" },
                { "idx": 2, "path": "2_Dense", "type": "sentence_transformers.models.Dense" },
                { "idx": 3, "path": "3_Normalize", "type": "sentence_transformers.models.Normalize" }
            ])
        };
        let listed = |modules: Value, names: &[&'static str]| {
            let mut files: Vec<_> = names.iter().map(|name| (*name, Value::Null)).collect();
            files.push((MODULES, modules));
            wanted(&mut FileList(files))
        };
        let names = [
            "1_Pooling/config.json",
            "2_Dense/config.json",
            "2_Dense/model.safetensors",
            "2_Dense/pytorch_model.bin",
            "README.md",
            "config.json",
            "model.safetensors",
            "sentence_bert_config.json",
            "config_sentence_transformers.json",
            "vocab.txt",
        ];
        let plain = listed(modules(""), &names).unwrap();
        assert_eq!(plain.lacking, None);
        assert_eq!(
            plain.files,
            [
                "modules.json",
                "config_sentence_transformers.json",
                "sentence_bert_config.json",
                "config.json",
                "vocab.txt",
                "1_Pooling/config.json",
                "2_Dense/config.json",
                "2_Dense/model.safetensors",
                "model.safetensors"
            ]
        );
        let names = [
            "config.json",
            "0_BERT/config.json",
            "0_BERT/vocab.txt",
            "0_BERT/pytorch_model.bin",
            "0_BERT/sentence_bert_config.json",
            "1_Pooling/config.json",
        ];
        let older = listed(modules("0_BERT"), &names).unwrap();
        assert_eq!(older.lacking, None);
        assert_eq!(
            older.files,
            [
                "modules.json",
                "config.json",
                "0_BERT/sentence_bert_config.json",
                "0_BERT/config.json",
                "0_BERT/vocab.txt",
                "1_Pooling/config.json",
                "0_BERT/pytorch_model.bin"
            ]
        );
        let said = listed(modules("../.."), &names).unwrap_err().to_string();
        assert_eq!(said, "modules.json: the path \"../..\" could lead out of the repository");
        let said = listed(json!({}), &names).unwrap_err().to_string();
        assert_eq!(said, "modules.json: this is no list of modules");
    }

    #[test]
    fn weights_of_other_programs_are_named() {
        let of = |files: &[&'static str]| foreign(files.iter().copied());
        assert_eq!(of(&["config.json", "vocab.txt", "training_args.bin"]), None);
        assert_eq!(of(&["tf_model.h5"]).unwrap(), "tf_model.h5 (TensorFlow)");
        assert_eq!(of(&["a/flax_model.msgpack"]).unwrap(), "a/flax_model.msgpack (Flax)");
        let many = of(&["1.gguf", "2.gguf", "3.gguf", "4.gguf", "5.gguf"]).unwrap();
        assert!(many.ends_with("3.gguf (llama.cpp), 2 more"), "{many}");
    }
}
