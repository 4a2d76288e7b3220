//! Sentence models as their authors made them, beside sentence-transformers: every kind of pooling,
//! layer, activation, prompt, case and length that their files ask for, what is refused by name,
//! what is saved, and kept vectors that know what made them.

use crate::common::tiny::Tiny;
use crate::common::{random_checkpoint, turn};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use tch::{Device, Tensor};
use ttp_lib::corpus::{Corpus, Sentence};
use ttp_lib::encoder::{SentenceEncoder, Vectors};
use ttp_lib::pretrained::Checkpoint;
use ttp_lib::similarity::{Loss, ModelFolder, PairTraining, Pairs, corpus_vectors};
use ttp_lib::train::{Algorithm, TrainParams};

/// How far a number of a vector of length 1 may be from sentence-transformers'.
const TOLERANCE: f64 = 1e-5;

static GOLDEN: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../golden/sentence_modules.json")).unwrap()
});

fn texts() -> Vec<&'static str> {
    GOLDEN["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn kinds() -> &'static Map<String, Value> {
    GOLDEN["kinds"].as_object().unwrap()
}

/// A kind's folder, as `environment/golden/sentence_modules.py` writes it.
fn folder(name: &str) -> tempfile::TempDir {
    let (kind, folder) = (&kinds()[name], tempfile::tempdir().unwrap());
    for (file, content) in kind["files"].as_object().unwrap() {
        let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
        write(folder.path(), file, &text);
    }
    let small = kind["small"].as_f64().unwrap();
    for (file, shapes) in kind["tensors"].as_object().unwrap() {
        let tensors = shapes.as_object().unwrap().iter().map(|(tensor, shape)| {
            let shape: Vec<i64> = serde_json::from_value(shape.clone()).unwrap();
            let count = shape.iter().product::<i64>() as usize;
            let factor = GOLDEN["factor"].as_f64().unwrap();
            let factor = match tensor.as_str() {
                tensor if tensor.contains("LayerNorm") => 1.0,
                tensor if tensor.contains("embeddings.") => factor * small,
                _ => factor,
            };
            let numbers = random_checkpoint::numbers(&format!("{name}/{file}/{tensor}"), count);
            (tensor.clone(), Tensor::from_slice(&numbers).view(shape.as_slice()) * factor)
        });
        save(&folder.path().join(file), &tensors.collect());
    }
    folder
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn save(path: &Path, tensors: &BTreeMap<String, Tensor>) {
    let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    Tensor::write_safetensors(&tensors, path).unwrap();
}

/// A file's JSON, changed.
fn change(folder: &Path, file: &str, change: impl Fn(&mut Value)) {
    let mut content: Value = match std::fs::read(folder.join(file)) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Err(_) => json!({}),
    };
    change(&mut content);
    write(folder, file, &content.to_string());
}

/// The model in a folder, and its texts' vectors.
fn opened(folder: &Path) -> (Checkpoint, SentenceEncoder, Vectors) {
    let checkpoint = Checkpoint::open("model", folder).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let tokenize = checkpoint.tokenizer(checkpoint.places()).unwrap();
    let vectors = encoder.embed(&tokenize, &texts(), &mut |_| ()).unwrap();
    (checkpoint, encoder, vectors)
}

fn apart(ours: &Vectors, theirs: &Value) -> f64 {
    let theirs = theirs.as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    let theirs: Vec<f64> = theirs.map(|number| number.as_f64().unwrap()).collect();
    assert_eq!(ours.numbers().len(), theirs.len());
    let pairs = ours.numbers().iter().zip(&theirs);
    pairs.map(|(ours, theirs)| (f64::from(*ours) - theirs).abs()).fold(0.0, f64::max)
}

// https://github.com/Blaizzy/mlx-embeddings/pull/63 (pooling),
// https://github.com/huggingface/sentence-transformers/issues/1029 (dense layers),
// https://github.com/vllm-project/vllm/issues/11184 (lower case)
#[test]
fn vectors_are_those_of_sentence_transformers() {
    let _turn = turn();
    for (name, kind) in kinds() {
        let folder = folder(name);
        let (_, encoder, vectors) = opened(folder.path());
        let apart = apart(&vectors, &kind["vectors"]);
        assert!(apart <= TOLERANCE, "{name}: {apart:e}");
        assert_eq!(encoder.dimensions(), vectors.dimensions(), "{name}");
    }
}

#[test]
fn what_is_saved_is_the_same_model() {
    let _turn = turn();
    for (name, kind) in kinds() {
        let folder = folder(name);
        let (checkpoint, encoder, vectors) = opened(folder.path());
        let saved = tempfile::tempdir().unwrap();
        encoder.save(saved.path(), &checkpoint, checkpoint.places()).unwrap();
        let (_, again, once_more) = opened(saved.path());
        assert_eq!(once_more, vectors, "{name}");
        assert_eq!(again.max_length(), encoder.max_length(), "{name}");
        assert!(apart(&once_more, &kind["vectors"]) <= TOLERANCE, "{name}");
    }
}

#[test]
fn training_changes_every_layer_and_keeps_what_a_text_is_read_with() {
    let _turn = turn();
    let folder = folder("several_layers");
    change(folder.path(), "config_sentence_transformers.json", |settings| {
        *settings = json!({ "prompts": { "own": "the log: " }, "default_prompt_name": "own" });
    });
    let (checkpoint, mut encoder, before) = opened(folder.path());
    let start: BTreeMap<String, Tensor> =
        encoder.parameters().into_iter().map(|(n, t)| (n, t.detach().copy())).collect();
    let params = TrainParams {
        epochs: 2,
        batch_size: 2,
        max_length: 9,
        learning_rate: 1e-2,
        warmup_share: 0.0,
        weight_decay: 0.0,
        clip_norm: 1.0,
        optimizer: Algorithm::AdamW,
    };
    let saved = tempfile::tempdir().unwrap();
    let out = saved.path().join("model");
    let training = PairTraining {
        checkpoint: &checkpoint,
        params: &params,
        loss: Loss::Cosine,
        seed: 1,
        stop_after: None,
        folder: &ModelFolder::Written(out.clone()),
    };
    let pairs = Pairs {
        rows: vec![[0, 1], [1, 2], [0, 2], [3, 0]],
        similar: vec![true, false, false, true],
        ..Pairs::default()
    };
    let tokenize = checkpoint.tokenizer(9).unwrap();
    training.run(&mut encoder, &tokenize, &texts(), &pairs, &mut |_| ()).unwrap();
    for (name, tensor) in encoder.parameters() {
        // Of a row that no text has, and of the types' second row, nothing is learned.
        let changed = !tensor.equal(&start[&name]);
        assert!(changed, "{name} is as it was");
    }
    let layers: Vec<_> = start.keys().filter(|name| !name.starts_with("bert.")).collect();
    assert_eq!(
        layers,
        [
            "3_Dense.linear.bias",
            "3_Dense.linear.weight",
            "5_LayerNorm.norm.bias",
            "5_LayerNorm.norm.weight",
            "6_Dense.linear.bias",
            "6_Dense.linear.weight"
        ]
    );
    let (_, again, after) = opened(&out);
    assert_ne!(after, before);
    assert_eq!(after, encoder.embed(&tokenize, &texts(), &mut |_| ()).unwrap());
    assert_eq!(again.max_length(), 9);
    let file = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(out.join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        file("config_sentence_transformers.json"),
        json!({ "prompts": { "own": "the log: " }, "default_prompt_name": "own",
            "similarity_fn_name": "cosine" })
    );
    let paths: Vec<Value> =
        file("modules.json").as_array().unwrap().iter().map(|m| m["path"].clone()).collect();
    assert_eq!(
        paths,
        [
            "",
            "1_Pooling",
            "2_Normalize",
            "3_Dense",
            "4_Dropout",
            "5_LayerNorm",
            "6_Dense",
            "7_Normalize"
        ]
    );
}

/// What opening a changed model says, without the folder's name.
fn said(name: &str, file: &str, changes: impl Fn(&mut Value)) -> String {
    let folder = folder(name);
    change(folder.path(), file, changes);
    let checkpoint = Checkpoint::open("model", folder.path());
    let opened = checkpoint.and_then(|c| SentenceEncoder::new(&c, Device::Cpu, 1).map(|_| ()));
    let message = opened.unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message.replace(&folder.path().display().to_string(), "model")
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    let _turn = turn();
    let dense = "dense_Tanh";
    for (file, key, value, reason) in [
        (
            "1_Pooling/config.json",
            "pooling_mode_mean_tokens",
            json!(1),
            "1 is neither true nor false",
        ),
        (
            "1_Pooling/config.json",
            "pooling_mode",
            json!("median"),
            "\"median\" is not known; known: \
            cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken",
        ),
        ("1_Pooling/config.json", "pooling_mode_attention", json!(true), "true is not supported"),
        (
            "1_Pooling/config.json",
            "pooling_mode_mean_tokens",
            json!(false),
            "no pooling mode is true",
        ),
        ("2_Dense/config.json", "in_features", json!(9), "9, and what comes in has 8"),
        (
            "2_Dense/config.json",
            "in_features",
            json!("8"),
            "\"8\" is not a size from 1 to 16777216",
        ),
        (
            "2_Dense/config.json",
            "activation_function",
            json!("torch.nn.modules.activation.GLU"),
            "\"torch.nn.modules.activation.GLU\" is not known; known: \
             torch.nn.modules.activation.ELU, torch.nn.modules.activation.GELU, \
             torch.nn.modules.activation.LeakyReLU, torch.nn.modules.activation.Mish, \
             torch.nn.modules.activation.ReLU, torch.nn.modules.activation.SiLU, \
             torch.nn.modules.activation.Sigmoid, torch.nn.modules.activation.Tanh, \
             torch.nn.modules.linear.Identity",
        ),
        ("2_Dense/config.json", "module_input_name", json!("x"), "\"x\" is not supported"),
        (
            "sentence_bert_config.json",
            "max_seq_length",
            json!(2),
            "2 is no number of tokens above 2",
        ),
        ("sentence_bert_config.json", "do_lower_case", json!("no"), "\"no\" is not supported"),
        (
            "sentence_bert_config.json",
            "tokenizer_args",
            json!({ "padding_side": "left" }),
            "padding_side is not supported here",
        ),
        (
            "config_sentence_transformers.json",
            "default_prompt_name",
            json!("q"),
            "\"q\" is not among the prompts",
        ),
        (
            "config_sentence_transformers.json",
            "prompts",
            json!({ "q": 1 }),
            "\"q\" is 1, and no text",
        ),
        (
            "config_sentence_transformers.json",
            "model_type",
            json!("SparseEncoder"),
            "\"SparseEncoder\" is not supported; \"SentenceTransformer\" is",
        ),
    ] {
        let line = said(dense, file, |content| content[key] = value.clone());
        assert_eq!(line, format!("model/{file}, field {key:?}: {reason}"));
    }
    let file = "2_Dense/config.json";
    let line = said(dense, file, |content| content["out_features"] = json!(5));
    assert_eq!(
        line,
        "model/2_Dense/model.safetensors: linear.bias is [4] and should be [5]; linear.weight is \
         [4, 8] and should be [5, 8]"
    );
    for (at, kind, field, reason) in [
        (
            2,
            "sentence_transformers.models.CNN",
            "type",
            "CNN is not supported after the pooling; \
            Dense, LayerNorm, Dropout and Normalize are",
        ),
        (2, "custom_st.Own", "type", "\"custom_st.Own\" is code of its own, which is not run"),
        (
            1,
            "sentence_transformers.models.WeightedLayerPooling",
            "type",
            "Transformer, WeightedLayerPooling, Dense, Normalize: the first two have to be \
             Transformer and Pooling",
        ),
        (
            0,
            "sentence_transformers.models.StaticEmbedding",
            "type",
            "StaticEmbedding, Pooling, Dense, Normalize: the first two have to be Transformer and \
             Pooling",
        ),
    ] {
        let line = said(dense, "modules.json", |content| content[at]["type"] = json!(kind));
        assert_eq!(line, format!("model/modules.json, field {field:?}: {reason}"));
    }
    // Sizes are memory: they are refused before any is taken.
    let line =
        said(dense, "2_Dense/config.json", |content| content["out_features"] = json!(1 << 24));
    assert!(
        line.contains(" bytes, but its config.json is of a layer of ")
            && line.ends_with(" numbers"),
        "{line}"
    );
    let line = said(dense, "modules.json", |content| content[2]["path"] = json!("../2_Dense"));
    assert_eq!(
        line,
        "model/modules.json, field \"path\": \"../2_Dense\" is no folder below the model's"
    );
    let line = said(dense, "modules.json", |content| content[2]["path"] = json!("9_Dense"));
    assert!(line.starts_with("model/9_Dense/config.json: cannot read: "), "{line}");
    let line = said(dense, "modules.json", |content| content[0]["path"] = json!("0_BERT"));
    assert_eq!(
        line,
        "model/modules.json, field \"path\": \"0_BERT\", but there is a config.json beside \
         modules.json"
    );
}

#[test]
fn a_model_without_a_transformer_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let said = |modules: Value| {
        write(folder.path(), "modules.json", &modules.to_string());
        let message = Checkpoint::open("model", folder.path()).map(|_| ()).unwrap_err().to_string();
        message.replace(&folder.path().display().to_string(), "model")
    };
    let kind = "sentence_transformers.models.StaticEmbedding";
    assert_eq!(
        said(json!([{ "type": kind, "path": "" }])),
        format!(
            "model/modules.json, field \"type\": {kind:?} is not supported as the first; \
             Transformer is"
        )
    );
    let kind = "sentence_transformers.models.Transformer";
    for path in ["0_BERT", ".."] {
        assert_eq!(
            said(json!([{ "type": kind, "path": path }])),
            format!("model/modules.json, field \"path\": {path:?} is no folder beside it")
        );
    }
    let line = said(json!([{ "type": kind, "path": "" }]));
    assert!(line.starts_with("model/config.json: cannot read: "), "{line}");
}

#[test]
fn what_has_no_part_in_the_vectors_is_told() {
    let _turn = turn();
    let notes = |name: &str| opened(folder(name).path()).1.notes().to_vec();
    let none = "sentence_bert_config.json is not read: there is no modules.json beside it";
    assert_eq!(notes("no_modules"), [none]);
    assert_eq!(
        notes("prompts_without_default"),
        [
            "config_sentence_transformers.json: no prompt stands before a text (passage, query): there \
          is no default_prompt_name"
        ]
    );
    assert_eq!(notes("prompt"), [""; 0]);
    let folder = folder("prompt");
    change(folder.path(), "config_sentence_transformers.json", |settings| {
        settings["similarity_fn_name"] = json!("dot");
    });
    assert_eq!(
        opened(folder.path()).1.notes(),
        ["config_sentence_transformers.json says similarity_fn_name \"dot\"; cosines are computed"]
    );
}

#[test]
fn a_vector_whose_length_is_no_number_is_an_error_with_its_row() {
    let _turn = turn();
    let folder = folder("dense_without_bias");
    let weights = Tensor::full([6, 8], 1e25, (tch::Kind::Float, Device::Cpu));
    let tensors = [("linear.weight".to_owned(), weights)];
    save(&folder.path().join("2_Dense/model.safetensors"), &tensors.into());
    let checkpoint = Checkpoint::open("model", folder.path()).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    // Each number is finite, and the sum of their squares is not.
    let error = encoder.embed(&tokenize, &texts(), &mut |_| ()).unwrap_err().to_string();
    assert_eq!(error, "computing vectors: row 1: the model gives NaN or an infinity");
}

fn corpus() -> Corpus {
    let sentence = |(index, text): (usize, &str)| Sentence {
        technique: format!("T{index}"),
        subtechnique: None,
        name: String::new(),
        text: text.to_owned(),
        source_id: String::new(),
    };
    Corpus { sentences: texts().into_iter().enumerate().map(sentence).collect() }
}

// Vectors of another model's, kept: https://github.com/NVIDIA-NeMo/Guardrails/issues/1751
#[test]
fn kept_vectors_know_all_that_made_them() {
    let _turn = turn();
    let (here, kept) = (folder("dense_Tanh"), tempfile::tempdir().unwrap());
    let (path, file) = (here.path(), kept.path().join("corpus.vectors.safetensors"));
    let made = |length: usize| {
        let checkpoint = Checkpoint::open("model", path).unwrap();
        let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let tokenize = checkpoint.tokenizer(length).unwrap();
        let mut count = 0;
        let mut watch = |more| count += more;
        let vectors = corpus_vectors(&file, &encoder, &tokenize, &corpus(), &mut watch).unwrap();
        assert_eq!(vectors, encoder.embed(&tokenize, &texts(), &mut |_| ()).unwrap());
        count > 0
    };
    assert!(made(16) && !made(16), "made once");
    // The same files with other times, in another folder, make the same vectors.
    let copy = folder("dense_Tanh");
    let checkpoint = Checkpoint::open("other", copy.path()).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    corpus_vectors(&file, &encoder, &tokenize, &corpus(), &mut |_| panic!("made anew")).unwrap();

    assert!(made(5), "another length");
    let tensors = |file: &str, name: &str| {
        let mut tensors: BTreeMap<String, Tensor> =
            Tensor::read_safetensors(path.join(file)).unwrap().into_iter().collect();
        drop(tensors.get_mut(name).unwrap().g_add_scalar_(1e-3));
        save(&path.join(file), &tensors);
    };
    tensors("model.safetensors", "encoder.layer.0.output.dense.bias");
    assert!(made(5), "another body's weight");
    tensors("2_Dense/model.safetensors", "linear.bias");
    assert!(made(5), "another layer's weight");
    change(path, "1_Pooling/config.json", |about| {
        about["pooling_mode_mean_tokens"] = json!(false);
        about["pooling_mode_max_tokens"] = json!(true);
    });
    assert!(made(5), "another pooling");
    change(path, "2_Dense/config.json", |about| {
        about["activation_function"] = json!("torch.nn.modules.activation.ReLU");
    });
    assert!(made(5), "another activation");
    change(path, "tokenizer_config.json", |about| about["do_lower_case"] = json!(false));
    assert!(made(5), "another tokenizer");
    change(path, "config_sentence_transformers.json", |about| {
        *about = json!({ "prompts": { "own": "key " }, "default_prompt_name": "own" });
    });
    assert!(made(5), "another prompt");
    change(path, "sentence_bert_config.json", |about| *about = json!({ "max_seq_length": 4 }));
    assert!(made(5), "a model's own length");
    change(path, "config.json", |about| about["layer_norm_eps"] = json!(1e-3));
    assert!(made(5), "another epsilon");
    assert!(!made(5), "kept again");
}

/// Another model's files in the same place, of vectors of another length.
#[test]
fn kept_vectors_of_another_length_are_made_again() {
    let _turn = turn();
    let (here, kept) = (folder("dense_Tanh"), tempfile::tempdir().unwrap());
    let file = kept.path().join("corpus.vectors.safetensors");
    let made = || {
        let checkpoint = Checkpoint::open("model", here.path()).unwrap();
        let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let tokenize = checkpoint.tokenizer(16).unwrap();
        let mut count = 0;
        let mut watch = |more| count += more;
        let vectors = corpus_vectors(&file, &encoder, &tokenize, &corpus(), &mut watch).unwrap();
        assert_eq!(vectors, encoder.embed(&tokenize, &texts(), &mut |_| ()).unwrap());
        (vectors.dimensions(), count > 0)
    };
    assert_eq!((made(), made()), ((4, true), (4, false)));
    for (name, dimensions) in [("pooling_mean_tokens", 8), ("pooling_of_several", 48)] {
        std::fs::remove_dir_all(here.path()).unwrap();
        std::fs::rename(folder(name).keep(), here.path()).unwrap();
        assert_eq!((made(), made()), ((dimensions, true), (dimensions, false)), "{name}");
    }
}

#[test]
fn a_checkpoint_without_modules_is_read_as_ever() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    assert_eq!((encoder.dimensions(), encoder.max_length()), (32, 64));
    assert_eq!(encoder.notes(), [""; 0]);
}
