//! Checkpoints as others make them: what their configurations say is computed, refused by name or
//! told, and written down with what is trained from them.

use crate::common::tiny::{Tiny, config};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::Path;
use tch::{Device, Kind, Tensor};
use ttp_lib::batch::Batch;
use ttp_lib::classify::{Answer, Classifier, Input};
use ttp_lib::corpus::{Operation, Sample};
use ttp_lib::encoder::{MaskedEncoder, SentenceEncoder, TechniqueEncoder};
use ttp_lib::pretrained::{Checkpoint, Problem};
use ttp_lib::profile::Run;
use ttp_lib::split::Protocol;
use ttp_lib::train::{Algorithm, FineTuning, Rows, TrainParams};

const TEXTS: [&str; 3] = ["the mail sends a link", "reads a key", "a log"];

fn labels() -> Vec<String> {
    ["T1003", "T1059", "T1566"].map(str::to_owned).to_vec()
}

/// A saved classifier of three techniques, with these keys in its configuration; null takes one
/// away.
fn classifier(tiny: &Tiny, changes: &Value) -> std::path::PathBuf {
    let folder = tiny.path().join("model");
    tiny.write("config.json", &config());
    let checkpoint = tiny.find().unwrap();
    let encoder = TechniqueEncoder::new(&checkpoint, labels(), Device::Cpu, 3).unwrap();
    tch::no_grad(|| {
        for (name, mut variable) in encoder.parameters() {
            if name == "classifier.weight" {
                let _ = variable.g_mul_scalar_(60.0);
            }
        }
    });
    encoder.save(&folder, &checkpoint).unwrap();
    change(&folder, changes);
    folder
}

fn change(folder: &Path, changes: &Value) {
    let file = folder.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(key)),
            value => config[key] = value.clone(),
        }
    }
    std::fs::write(file, config.to_string()).unwrap();
}

/// What opening a classifier says, without the folder's name.
fn said(folder: &Path) -> String {
    let message = Classifier::open(folder).map(|_| ()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message.replace(&folder.display().to_string(), "model")
}

/// Line, technique and probability of every answer.
fn answers(folder: &Path) -> (Vec<(usize, String, f32)>, Vec<String>) {
    let mut all = Vec::new();
    let mut keep = |answers: &[Answer<'_>]| {
        let answers = answers.iter();
        all.extend(answers.map(|a| (a.line, a.technique.to_owned(), a.probability)));
        Ok(ControlFlow::Continue(()))
    };
    let classifier = Classifier::open(folder).unwrap();
    let text = Cursor::new(TEXTS.join("\n").into_bytes());
    classifier.classify(Input::new("text", text), &mut keep).unwrap();
    (all, classifier.notes().to_vec())
}

/// The logits of each of the texts.
fn logits(folder: &Path) -> Vec<Vec<f64>> {
    let encoder = TechniqueEncoder::open(folder, Device::Cpu).unwrap();
    let tokenize = Checkpoint::open("model", folder).unwrap().tokenizer(16).unwrap();
    let of = |text: &&str| {
        let ids = tokenize.ids(&[text]).unwrap();
        let batch = Batch::new(&ids, &[0], tokenize.padding_id(), Device::Cpu);
        let logits = tch::no_grad(|| encoder.logits(&batch, false)).unwrap();
        Vec::<f64>::try_from(logits.to_kind(Kind::Double).view(-1)).unwrap()
    };
    TEXTS.iter().map(of).collect()
}

// Several labels a text: https://github.com/JohnSnowLabs/spark-nlp/issues/7137
#[test]
fn several_labels_a_text_have_a_probability_each() {
    let tiny = Tiny::new();
    let folder = classifier(&tiny, &json!({ "problem_type": "multi_label_classification" }));
    let (answers, notes) = answers(&folder);
    let mut expected = Vec::new();
    for (line, logits) in (1..).zip(logits(&folder)) {
        let mut scores: Vec<(f64, String)> =
            logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).zip(labels()).collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let named = scores.iter().filter(|(score, _)| *score >= 0.5).count().max(1);
        expected.extend(scores.into_iter().take(named).map(|(score, name)| (line, name, score)));
    }
    assert_eq!(answers.len(), expected.len(), "{answers:?}");
    for ((line, technique, probability), expected) in answers.iter().zip(&expected) {
        assert_eq!((line, technique), (&expected.0, &expected.1));
        assert!((f64::from(*probability) - expected.2).abs() < 1e-5, "{answers:?}");
    }
    let several = (1..=3).any(|line| answers.iter().filter(|a| a.0 == line).count() > 1);
    assert!(several, "no line has two techniques: {answers:?}");
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("problem_type multi_label_classification"), "{notes:?}");

    // Where each text has one label, this model has no answer.
    let encoder = TechniqueEncoder::open(&folder, Device::Cpu).unwrap();
    assert_eq!(encoder.problem(), Problem::MultiLabel);
    let tokenize = Checkpoint::open("model", &folder).unwrap().tokenizer(16).unwrap();
    let error = encoder.predict(&tokenize, &TEXTS).unwrap_err().to_string();
    assert!(error.ends_with(
        "field \"problem_type\": \"multi_label_classification\" is not supported: here a text has \
         one label"
    ));
}

#[test]
fn what_a_classifier_is_not_is_refused_by_name() {
    let tiny = Tiny::new();
    let of = |changes: Value| said(&classifier(&tiny, &changes));
    assert_eq!(
        of(json!({ "problem_type": "regression" })),
        "model/config.json, field \"problem_type\": \"regression\" is not supported: labels are \
         named here"
    );
    assert_eq!(
        of(json!({ "architectures": ["BertForTokenClassification"] })),
        "model/config.json, field \"architectures\": BertForTokenClassification does not classify \
         whole texts"
    );
    assert_eq!(
        of(json!({ "id2label": { "0": "a", "1": "b", "3": "c" } })),
        "model/config.json, field \"id2label\": its keys are not 0, 1, 2 …"
    );
    assert_eq!(
        of(json!({ "id2label": { "0": "a", "1": 7, "2": "c" } })),
        "model/config.json, field \"id2label\": 7 of 1 is no text"
    );
    assert_eq!(
        of(json!({ "id2label": ["a", "b", "c"] })),
        "model/config.json, field \"id2label\": [\"a\",\"b\",\"c\"] is no object"
    );
    assert_eq!(
        of(json!({ "id2label": { "0": "a", "1": "b" } })),
        "model/model.safetensors: classifier.bias is [3] and should be [2]; classifier.weight is \
         [3, 32] and should be [2, 32]"
    );
    for problem in ["multi_label_classification", "regression"] {
        change(tiny.path(), &json!({ "problem_type": problem }));
        let checkpoint = tiny.find().unwrap();
        let error = TechniqueEncoder::new(&checkpoint, labels(), Device::Cpu, 1).map(|_| ());
        let error = error.unwrap_err().to_string();
        let reason = format!(
            "field \"problem_type\": {problem:?} is not supported: training here is with one label \
             a text"
        );
        assert!(error.ends_with(&reason), "{error}");
        // Vectors do not ask for labels.
        assert!(SentenceEncoder::new(&checkpoint, Device::Cpu, 1).is_ok());
    }
}

// Labels that have no names: https://github.com/guillaume-be/rust-bert/issues/416
#[test]
fn labels_without_names_are_numbered_where_their_number_is_known() {
    let tiny = Tiny::new();
    let bare = json!({ "id2label": null, "label2id": null, "problem_type": null });
    assert_eq!(
        said(&classifier(&tiny, &bare)),
        "model/config.json, field \"id2label\": missing, and the head has 3 labels: their names are \
         not said"
    );
    let mut three = bare.clone();
    three["num_labels"] = json!(3);
    let folder = classifier(&tiny, &three);
    let (answers, notes) = answers(&folder);
    assert!(answers.iter().all(|(_, label, _)| label.starts_with("LABEL_")), "{answers:?}");
    assert_eq!(notes, ["config.json has no id2label: its 3 labels are LABEL_0 to LABEL_2"]);

    // transformers writes no names where a head of two has none.
    let two = ["T1003", "T1566"].map(str::to_owned).to_vec();
    tiny.write("config.json", &config());
    let checkpoint = tiny.find().unwrap();
    let encoder = TechniqueEncoder::new(&checkpoint, two, Device::Cpu, 3).unwrap();
    encoder.save(&folder, &checkpoint).unwrap();
    change(&folder, &bare);
    let opened = TechniqueEncoder::open(&folder, Device::Cpu).unwrap();
    assert_eq!(opened.labels(), ["LABEL_0", "LABEL_1"]);
    let tokenize = checkpoint.tokenizer(16).unwrap();
    assert_eq!(
        opened.predict(&tokenize, &TEXTS).unwrap(),
        encoder.predict(&tokenize, &TEXTS).unwrap()
    );
}

#[test]
fn keys_that_contradict_each_other_are_told() {
    let tiny = Tiny::new();
    // Out of order is no contradiction: the numbers count.
    let folder = classifier(
        &tiny,
        &json!({ "id2label": { "2": "T1566", "0": "T1003", "1": "T1059" }, "num_labels": 2,
            "label2id": { "T1003": 1, "T1059": 0, "T1566": 2 } }),
    );
    let encoder = TechniqueEncoder::open(&folder, Device::Cpu).unwrap();
    assert_eq!(encoder.labels(), labels());
    assert_eq!(
        encoder.notes(),
        [
            "config.json says num_labels 2; id2label has 3, and counts",
            "config.json: label2id is not the inverse of id2label, which counts"
        ]
    );
}

// The dropout before the head: https://github.com/huggingface/transformers/pull/12794
#[test]
fn the_heads_own_dropout_is_trained_with() {
    let tiny = Tiny::new();
    let still = json!({ "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0 });
    let zeros = |own: Value| {
        tiny.write("config.json", &config());
        change(tiny.path(), &still);
        change(tiny.path(), &json!({ "classifier_dropout": own }));
        let checkpoint = tiny.find().unwrap();
        let encoder = TechniqueEncoder::new(&checkpoint, labels(), Device::Cpu, 1).unwrap();
        let tokenize = checkpoint.tokenizer(16).unwrap();
        let ids = tokenize.ids(&vec!["the mail sends a link"; 400]).unwrap();
        let rows: Vec<usize> = (0..400).collect();
        let batch = Batch::new(&ids, &rows, tokenize.padding_id(), Device::Cpu);
        // With weights of 1 and no bias each logit is the sum of what is left, 1 / (1 − p) of it.
        tch::no_grad(|| {
            for (name, mut variable) in encoder.parameters() {
                match name.as_str() {
                    "classifier.weight" => drop(variable.fill_(1.0)),
                    "classifier.bias" => drop(variable.zero_()),
                    _ => {}
                }
            }
        });
        tch::manual_seed(5);
        let trained = tch::no_grad(|| encoder.logits(&batch, true)).unwrap();
        let asked = tch::no_grad(|| encoder.logits(&batch, false)).unwrap();
        let spread = trained.select(1, 0).std(false).double_value(&[]);
        (checkpoint.classifier_dropout(), (trained - asked).abs().max().double_value(&[]), spread)
    };
    let (share, apart, _) = zeros(Value::Null);
    assert!(share == 0.0 && apart < 1e-6, "null is the hidden layers': {apart}");
    let (share, _, low) = zeros(json!(0.1));
    assert_eq!(share, 0.1);
    let (share, _, high) = zeros(json!(0.9));
    assert_eq!(share, 0.9);
    // The variance of what is left is p / (1 − p) of the squares: 9 beside 1/9, 9 times the spread.
    assert!((high / low - 9.0).abs() < 2.0, "{high} and {low}");
}

fn samples() -> Vec<Sample> {
    let texts = [("T1566", "sends a mail"), ("T1566", "the mail link"), ("T1056", "reads a key")];
    let sample = |(index, (technique, text)): (usize, &(&str, &str))| Sample {
        row: index as u32,
        technique: (*technique).to_owned(),
        text: (*text).to_owned(),
        operation: Operation::Original,
    };
    texts.iter().enumerate().map(sample).collect()
}

// What a body lacks is told: https://github.com/huggingface/transformers/issues/10882
#[test]
fn a_missing_pooler_or_head_is_told_and_written_down() {
    let tiny = Tiny::new();
    let file = tiny.path().join("model.safetensors");
    let tensors: HashMap<String, Tensor> =
        Tensor::read_safetensors(&file).unwrap().into_iter().collect();
    let kept: Vec<(&str, &Tensor)> = tensors
        .iter()
        .filter(|(name, _)| !name.contains("pooler"))
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    Tensor::write_safetensors(&kept, &file).unwrap();
    change(tiny.path(), &json!({ "layer_norm_eps": 1e-5, "window": 4 }));
    let checkpoint = tiny.find().unwrap();
    let epsilon = "layer norms add 1e-5 to the variance (layer_norm_eps), where those of most \
                   models of this kind add 1e-12";
    let not_read = "config.json: not read: window";
    let sentences = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let none = "the checkpoint has no pooler: none is computed with or saved";
    assert_eq!(sentences.notes(), [epsilon, not_read, none]);
    let masked = MaskedEncoder::with_new_head(&checkpoint, Device::Cpu, 1).unwrap();
    let head = "the checkpoint has no masked-language-model head: a new one starts at random";
    assert_eq!(masked.notes(), [epsilon, not_read, none, head]);
    assert!(masked.loaded().new.iter().all(|name| name.starts_with("cls.predictions")));

    let two = vec!["T1056".to_owned(), "T1566".to_owned()];
    let mut encoder = TechniqueEncoder::new(&checkpoint, two.clone(), Device::Cpu, 1).unwrap();
    let new = "the checkpoint has no pooler: a new one starts at random";
    assert_eq!(encoder.notes(), [epsilon, not_read, new]);
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let rows = Rows::new(&samples(), &two, &tokenize).unwrap();
    let params = TrainParams {
        epochs: 1,
        batch_size: 2,
        max_length: 16,
        learning_rate: 1e-3,
        warmup_share: 0.0,
        weight_decay: 0.0,
        clip_norm: 1.0,
        optimizer: Algorithm::AdamW,
    };
    let folder = tiny.path().join("trained");
    let tuning = FineTuning { checkpoint: &checkpoint, params: &params, seed: 1, folder: &folder };
    tuning.run(&mut encoder, &rows, &rows, &mut |_| ()).unwrap();
    let record = std::fs::read(folder.join("train_params.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["layer_norm_eps"], json!(1e-5));
    assert_eq!(record["classifier_dropout"], json!(0.1));
    assert_eq!(record["notes"], json!([epsilon, not_read, new]));
    assert_eq!(
        record["loaded"]["new"],
        json!([
            "bert.pooler.dense.bias",
            "bert.pooler.dense.weight",
            "classifier.bias",
            "classifier.weight"
        ])
    );
}

// Logits that are no numbers: https://github.com/NVIDIA/TensorRT/issues/1500
#[test]
fn logits_that_overflow_are_an_error_with_their_row() {
    let tiny = Tiny::new();
    // Of several labels an infinite logit would be a probability of 1.
    for problem in ["single_label_classification", "multi_label_classification"] {
        let folder = classifier(&tiny, &json!({ "problem_type": problem }));
        let file = folder.join("model.safetensors");
        let mut tensors: HashMap<String, Tensor> =
            Tensor::read_safetensors(&file).unwrap().into_iter().collect();
        // A pooled token of ones, 32 times the largest number there is.
        for (name, value) in [("classifier.weight", 3e38), ("bert.pooler.dense.bias", 1e3)] {
            drop(tensors.get_mut(name).unwrap().fill_(value));
        }
        let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        Tensor::write_safetensors(&tensors, &file).unwrap();
        let classifier = Classifier::open(&folder).unwrap();
        let text = Cursor::new(TEXTS.join("\n").into_bytes());
        let mut none = |_: &[Answer<'_>]| Ok(ControlFlow::Continue(()));
        let error = classifier.classify(Input::new("text", text), &mut none).unwrap_err();
        let model = folder.display();
        assert_eq!(
            error.to_string(),
            format!(
                "text, row 1: the model {model} gives NaN or an infinity for it: its weights are \
                 too large"
            )
        );
    }
    change(&tiny.path().join("model"), &json!({ "problem_type": null }));
    let encoder = TechniqueEncoder::open(&tiny.path().join("model"), Device::Cpu).unwrap();
    let tokenize = tiny.find().unwrap().tokenizer(16).unwrap();
    let error = encoder.predict(&tokenize, &TEXTS).unwrap_err().to_string();
    assert!(error.ends_with("its logits are NaN or infinite"), "{error}");
    assert!(error.starts_with("predicting: row "), "{error}");
}

#[test]
fn a_seed_does_not_depend_on_where_a_folder_lies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run = Run::open(&root, one.path(), "laptop").unwrap();
    let seed = |checkpoint: &str| run.finetune_seed(checkpoint, Protocol::Clean);
    let folder = |parent: &Path, name: &str| {
        let folder = parent.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder.display().to_string()
    };
    let (here, there) = (folder(one.path(), "mine"), folder(two.path(), "mine"));
    assert_eq!(seed(&here), seed(&there));
    assert_eq!(seed(&format!("{here}/")), seed(&there));
    assert_ne!(seed(&folder(one.path(), "other")), seed(&here), "of another name");
    // Names that are no paths have the seeds that they had.
    assert_eq!(seed("owner/mine"), run.seed("finetune owner/mine clean"));
    assert_eq!(seed("minilm-cti"), run.seed("finetune minilm clean"));
}
