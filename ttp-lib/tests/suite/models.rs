//! Checkpoints that are whole and that are not, the encoder beside Python's, and
//! fine-tuning from end to end on a small model.

use crate::common::tiny::{Tiny, config};
use crate::common::{skip, turn};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};
use ttp_lib::batch::Batch;
use ttp_lib::corpus::{Operation, Sample};
use ttp_lib::encoder::{Predictions, TechniqueEncoder};
use ttp_lib::pretrained::Checkpoint;
use ttp_lib::train::{Algorithm, FineTuning, History, Rows, TrainParams};

impl Tiny {
    fn encoder(&self, seed: u64) -> ttp_lib::Result<TechniqueEncoder> {
        TechniqueEncoder::new(&self.find()?, labels(), Device::Cpu, seed)
    }

    /// What finding it and building a model on it say, without the folder's name.
    fn said(&self) -> String {
        let message = self.encoder(1).map(|_| ()).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message.replace(&self.path().display().to_string(), "tiny")
    }

    fn tensors(&self) -> HashMap<String, Tensor> {
        Tensor::read_safetensors(self.path().join("model.safetensors"))
            .unwrap()
            .into_iter()
            .collect()
    }

    fn write_tensors(&self, tensors: &HashMap<String, Tensor>) {
        let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        Tensor::write_safetensors(&tensors, self.path().join("model.safetensors")).unwrap();
    }
}

fn labels() -> Vec<String> {
    vec!["T1056".into(), "T1566".into()]
}

/// Sentences of two techniques that a word tells apart.
fn samples() -> Vec<Sample> {
    let texts = [
        ("T1566", "sends a mail"),
        ("T1566", "the mail link"),
        ("T1566", "a link sends the mail a"),
        ("T1566", "mail the link a"),
        ("T1056", "reads a key"),
        ("T1056", "the key log"),
        ("T1056", "a log reads the key a"),
        ("T1056", "key the log a the"),
    ];
    texts
        .iter()
        .cycle()
        .take(64)
        .zip(0..)
        .map(|((technique, text), row)| Sample {
            row,
            technique: (*technique).into(),
            text: (*text).into(),
            operation: Operation::Original,
        })
        .collect()
}

fn params() -> TrainParams {
    TrainParams {
        epochs: 6,
        batch_size: 8,
        max_length: 16,
        learning_rate: 1e-2,
        warmup_share: 0.1,
        weight_decay: 0.01,
        clip_norm: 1.0,
        optimizer: Algorithm::AdamW,
    }
}

fn fine_tune(tiny: &Tiny, seed: u64, folder: &Path) -> (TechniqueEncoder, History, Predictions) {
    let checkpoint = tiny.find().unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let rows = Rows::new(&samples(), &labels(), &tokenize).unwrap();
    let mut encoder = tiny.encoder(seed).unwrap();
    let params = params();
    let tuning = FineTuning { checkpoint: &checkpoint, params: &params, seed, folder };
    let mut steps = 0;
    let history = tuning.run(&mut encoder, &rows, &rows, &mut |_| steps += 1).unwrap();
    assert_eq!(steps, 6 * 8, "every step is told");
    let said = encoder.predict_tokenised(&rows.tokenised, rows.padding_id).unwrap();
    (encoder, history, said)
}

#[test]
fn fine_tuning_learns_is_saved_and_comes_back() {
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    let (_, history, said) = fine_tune(&tiny, 1, out.path());
    let last = history.epochs.last().unwrap();
    assert!(last.validation_accuracy == 1.0, "{history:?}");
    assert!(history.losses.last() < history.losses.first());

    let opened = TechniqueEncoder::open(out.path(), Device::Cpu).unwrap();
    assert_eq!(opened.labels(), labels());
    let tokenize = tiny.find().unwrap().tokenizer(16).unwrap();
    let texts: Vec<String> = samples().into_iter().map(|sample| sample.text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(opened.predict(&tokenize, &texts).unwrap(), said, "as it was before saving");
    for file in ["model.safetensors", "config.json", "tokenizer.json", "train_params.json"] {
        assert!(out.path().join(file).is_file(), "{file}");
    }
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 4, "and nothing half-written");
}

#[test]
fn a_saved_model_has_the_names_that_transformers_reads() {
    let golden: Value = serde_json::from_str(include_str!("../golden/encoder.json")).unwrap();
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    tiny.encoder(1).unwrap().save(out.path(), &tiny.find().unwrap()).unwrap();
    let mut names: Vec<String> = Tensor::read_safetensors(out.path().join("model.safetensors"))
        .unwrap()
        .into_iter()
        .map(|(name, tensor)| format!("{name} {:?}", tensor.size()))
        .collect();
    names.sort();
    assert_eq!(json!(names), golden["tensors_of_two_layers"]);
    let config: Value =
        serde_json::from_slice(&std::fs::read(out.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"], json!(["BertForSequenceClassification"]));
    assert_eq!(config["id2label"], json!({ "0": "T1056", "1": "T1566" }));
    assert_eq!(config["label2id"], json!({ "T1056": 0, "T1566": 1 }));
}

#[test]
fn a_text_longer_than_the_model_has_places_for_is_refused_early() {
    let tiny = Tiny::new();
    let error = tiny.find().unwrap().tokenizer(65).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("setting training.max_length: 65, but "), "{error}");
    assert!(error.ends_with(" has places for 64 tokens"), "{error}");
}

#[test]
fn a_seed_decides_everything() {
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    let (_, first, said) = fine_tune(&tiny, 1, out.path());
    let (_, again, said_again) = fine_tune(&tiny, 1, out.path());
    assert_eq!(first.losses, again.losses);
    assert_eq!(said, said_again);
    let (_, other, _) = fine_tune(&tiny, 2, out.path());
    assert_ne!(first.losses, other.losses);
}

/// The word embedding of `[MASK]`, which no training row has.
fn unread_word(encoder: &TechniqueEncoder) -> Vec<f32> {
    let words = encoder.words();
    let table = encoder.parameters().into_iter().find(|(name, _)| *name == words).unwrap().1;
    table.detach().get(4).try_into().unwrap()
}

#[test]
fn a_word_that_no_row_has_is_decayed_at_every_step() {
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    let before = unread_word(&tiny.encoder(1).unwrap());
    let (encoder, history, _) = fine_tune(&tiny, 1, out.path());
    let TrainParams { learning_rate, weight_decay, .. } = params();
    let rates = (0..8 * history.best_epoch)
        .map(|step| ttp_lib::train::learning_rate(step, 48, 5, learning_rate));
    let left: f64 = rates.map(|rate| 1.0 - rate * weight_decay).product();
    assert!(left < 0.9999, "{left}");
    for (weight, before) in unread_word(&encoder).into_iter().zip(before) {
        let expected = f64::from(before) * left;
        assert!((f64::from(weight) - expected).abs() <= 1e-6 * expected.abs(), "{weight} {before}");
    }
}

#[test]
fn a_learning_rate_that_blows_up_is_named_and_keeps_the_old_model() {
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    fine_tune(&tiny, 1, out.path());
    let before = std::fs::read(out.path().join("model.safetensors")).unwrap();
    let checkpoint = tiny.find().unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let rows = Rows::new(&samples(), &labels(), &tokenize).unwrap();
    let mut encoder = tiny.encoder(1).unwrap();
    for (_, mut variable) in encoder.parameters() {
        let _ = tch::no_grad(|| variable.fill_(f64::NAN));
    }
    let params = params();
    let tuning =
        FineTuning { checkpoint: &checkpoint, params: &params, seed: 1, folder: out.path() };
    let error = tuning.run(&mut encoder, &rows, &rows, &mut |_| ()).unwrap_err().to_string();
    assert_eq!(error, "setting training.learning_rate: loss NaN at step 1: lower it");
    assert_eq!(std::fs::read(out.path().join("model.safetensors")).unwrap(), before);
}

#[test]
fn a_text_is_named_alike_alone_and_in_a_batch() {
    let tiny = Tiny::new();
    let encoder = tiny.encoder(3).unwrap();
    let tokenize = tiny.find().unwrap().tokenizer(16).unwrap();
    let texts = ["mail", "a link sends the mail a the a the a", "reads a key"];
    let together = encoder.predict(&tokenize, &texts).unwrap();
    for (row, text) in texts.iter().enumerate() {
        let alone = encoder.predict(&tokenize, &[text]).unwrap();
        for (a, b) in alone.row(0).iter().zip(together.row(row)) {
            assert!((a - b).abs() < 1e-5, "padding must change nothing: {a} and {b}");
        }
    }
}

#[test]
fn a_configuration_with_a_mistake_is_named_by_field() {
    let tiny = Tiny::new();
    let with = |field: &str, value: Option<Value>| {
        let mut config = config();
        match value {
            Some(value) => config[field] = value,
            None => drop(config.as_object_mut().unwrap().remove(field)),
        }
        tiny.write("config.json", &config);
        tiny.said()
    };
    assert_eq!(with("hidden_size", None), "tiny/config.json, field \"hidden_size\": missing");
    assert_eq!(
        with("num_hidden_layers", Some(json!(0))),
        "tiny/config.json, field \"num_hidden_layers\": 0 is not a size from 1 to 16777216"
    );
    assert_eq!(
        with("hidden_size", Some(json!(30))),
        "tiny/config.json, field \"hidden_size\": not a multiple of num_attention_heads"
    );
    assert_eq!(
        with("model_type", Some(json!("t5"))),
        "tiny/config.json, field \"model_type\": \"t5\" is not supported; \"bert\", \"roberta\" and \"mpnet\" are"
    );
    assert_eq!(
        with("hidden_dropout_prob", Some(json!(1.5))),
        "tiny/config.json, field \"hidden_dropout_prob\": 1.5 is not from 0 to 1"
    );
    assert_eq!(
        with("layer_norm_eps", Some(json!(-1e-3))),
        "tiny/config.json, field \"layer_norm_eps\": -0.001 is not from 0 to 1"
    );
    let unknown = with("hidden_act", Some(json!("swoosh")));
    assert!(
        unknown.starts_with("tiny/config.json, field \"hidden_act\": ")
            && unknown.contains("swoosh"),
        "{unknown}"
    );
    std::fs::write(tiny.path().join("config.json"), "{\n \"model_type\": ").unwrap();
    assert!(tiny.said().starts_with("tiny/config.json, row 2: EOF"), "{}", tiny.said());
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let tiny = Tiny::new();
    let whole = tiny.tensors();
    let change = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors: HashMap<String, Tensor> =
            whole.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
        change(&mut tensors);
        tiny.write_tensors(&tensors);
    };
    let dense = "bert.encoder.layer.0.attention.output.dense.weight";
    change(&|tensors| drop(tensors.remove(dense)));
    assert_eq!(tiny.said(), format!("tiny/model.safetensors: {dense} is missing"));
    change(&|tensors| {
        tensors.insert(dense.into(), Tensor::zeros([32, 16], (Kind::Float, Device::Cpu)));
    });
    assert_eq!(
        tiny.said(),
        format!("tiny/model.safetensors: {dense} is [32, 16] and should be [32, 32]")
    );
    change(&|tensors| {
        tensors.insert("bert.extra".into(), Tensor::zeros([1], (Kind::Float, Device::Cpu)));
    });
    assert_eq!(tiny.said(), "tiny/model.safetensors: bert.extra is not part of the model");

    let path = tiny.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(
        tiny.said().starts_with("tiny/model.safetensors: not a safetensors file: "),
        "{}",
        tiny.said()
    );
    std::fs::remove_file(&path).unwrap();
    let none = "tiny: no weights: neither model.safetensors nor pytorch_model.bin";
    assert_eq!(tiny.said(), none);
}

#[test]
fn older_names_and_half_precision_are_read() {
    let tiny = Tiny::new();
    let tokenize = tiny.find().unwrap().tokenizer(16).unwrap();
    let new = tiny.encoder(5).unwrap().predict(&tokenize, &["mail the link"]).unwrap();
    let older = tiny
        .tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let name = name
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta");
            (name.trim_start_matches("bert.").to_owned(), tensor)
        })
        .collect();
    tiny.write_tensors(&older);
    assert_eq!(tiny.encoder(5).unwrap().predict(&tokenize, &["mail the link"]).unwrap(), new);

    let half = older.iter().map(|(n, t)| (n.clone(), t.to_kind(Kind::Half))).collect();
    tiny.write_tensors(&half);
    let encoder = tiny.encoder(5).unwrap();
    assert!(encoder.parameters().iter().all(|(_, variable)| variable.kind() == Kind::Float));
    let said = encoder.predict(&tokenize, &["mail the link"]).unwrap();
    assert!((said.row(0)[0] - new.row(0)[0]).abs() < 1e-3);
}

#[test]
fn tokenizers_and_labels_that_do_not_fit_are_named() {
    let tiny = Tiny::new();
    let mut small = config();
    small["vocab_size"] = json!(4);
    tiny.write("config.json", &small);
    let error = tiny.find().unwrap().tokenizer(16).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.ends_with("tokenizer.json: 13 tokens, but the model has 4 embeddings"),
        "{error}"
    );
    tiny.write("config.json", &config());
    std::fs::write(tiny.path().join("tokenizer.json"), "{").unwrap();
    let error = tiny.find().unwrap().tokenizer(16).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("tokenizer.json: EOF"), "{error}");

    let one = TechniqueEncoder::new(&tiny.find().unwrap(), vec!["T1".into()], Device::Cpu, 1);
    assert_eq!(
        one.map(|_| ()).unwrap_err().to_string(),
        "setting labels: 1 techniques; a classifier needs at least two"
    );
    let open = TechniqueEncoder::open(tiny.path(), Device::Cpu).map(|_| ()).unwrap_err();
    assert!(
        open.to_string().ends_with("field \"id2label\": missing: not a fine-tuned classifier"),
        "{open}"
    );
}

/// `data/raw/models`, or `None` with the reason printed.
fn minilm() -> Option<Checkpoint> {
    let models = std::env::var_os("TTP_MODELS").filter(|folder| !folder.is_empty()).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/raw/models"),
        PathBuf::from,
    );
    if models.join("minilm/model.safetensors").is_file() {
        return Some(Checkpoint::open("minilm", &models.join("minilm")).unwrap());
    }
    skip(&format!("{} has no minilm; `make data` fetches it", models.display()));
    None
}

#[test]
fn tokens_and_logits_are_those_of_transformers() {
    let Some(checkpoint) = minilm() else { return };
    let golden: Value = serde_json::from_str(include_str!("../golden/encoder.json")).unwrap();
    let _turn = turn();
    let three = ["a", "b", "c"].map(String::from).to_vec();
    let encoder = TechniqueEncoder::new(&checkpoint, three, Device::Cpu, 1).unwrap();
    tch::no_grad(|| {
        for (name, mut variable) in encoder.parameters() {
            if name == "classifier.weight" {
                let numbers = Tensor::arange(3 * 384, (Kind::Double, Device::Cpu)) + 1.0;
                variable.copy_(&(numbers.sin() / 20.0).view([3, 384]));
            } else if name == "classifier.bias" {
                variable.copy_(&Tensor::from_slice(&[0.1_f32, 0.0, -0.1]));
            }
        }
    });
    let tokenize = checkpoint.tokenizer(512).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    let texts: Vec<&str> = cases.iter().map(|case| case["sentence"].as_str().unwrap()).collect();
    let ids = tokenize.ids(&texts).unwrap();
    let rows: Vec<usize> = (0..texts.len()).collect();
    // All in one batch, so that padding is part of what is compared.
    let batch = Batch::new(&ids, &rows, tokenize.padding_id(), Device::Cpu);
    let logits = tch::no_grad(|| encoder.logits(&batch, false)).unwrap();
    for (row, case) in cases.iter().enumerate() {
        assert_eq!(json!(ids[row]), case["ids"], "{}", texts[row]);
        for label in 0..3 {
            let ours = logits.double_value(&[row as i64, label as i64]);
            let theirs = case["logits"][label].as_f64().unwrap();
            assert!((ours - theirs).abs() < 1e-4, "{}: {ours} and {theirs}", texts[row]);
        }
    }
}
