//! MPNet beside transformers and sentence-transformers, on a small model of numbers that follow
//! from their names and on all-mpnet-base-v2 where that is at hand; the similarity report's
//! published figures; training, saving, and folders put together of two models.

use crate::common::{random_checkpoint, skip, turn};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};
use ttp_lib::batch::Batch;
use ttp_lib::corpus::{Corpus, Kinship, Sentence};
use ttp_lib::encoder::{MaskedEncoder, SentenceEncoder, TechniqueEncoder, Vectors};
use ttp_lib::metrics::BinaryCounts;
use ttp_lib::pretrained::{Architecture, Checkpoint};
use ttp_lib::similarity::{
    Labels, Level, Loss, ModelFolder, SimilaritySettings, SimilarityTraining, Triplet,
};

const NAME: &str = "mpnet";
const WORDS: [&str; 8] = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>", "mail", "sends", "keys"];

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/mpnet.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn single(value: &Value) -> Tensor {
    Tensor::from_slice(&numbers(value)).to_kind(Kind::Float)
}

fn apart(ours: &Tensor, theirs: &Tensor) -> f64 {
    assert_eq!(ours.size(), theirs.size());
    (ours - theirs).abs().max().double_value(&[])
}

/// One number of many, as `environment/golden/parity.py` projects them.
fn projected(values: &Tensor) -> f64 {
    let direction = Tensor::from_slice(&random_checkpoint::numbers("projection", values.numel()));
    values.reshape(-1).to_kind(Kind::Double).dot(&direction.to_kind(Kind::Double)).double_value(&[])
}

fn said<T>(result: ttp_lib::Result<T>, folder: &Path) -> String {
    let message = result.map(|_| ()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message.replace(&folder.display().to_string(), "tiny")
}

// -- a small model ------------------------------------------------------------------------

/// The golden file's small model in a folder, some of its configuration changed.
fn small(changes: &Value) -> tempfile::TempDir {
    let (golden, folder) = (golden(), tempfile::tempdir().unwrap());
    let mut config = golden["small"]["config"].clone();
    for (field, value) in changes.as_object().unwrap() {
        config[field] = value.clone();
    }
    write(folder.path(), "config.json", &config.to_string());
    let more = (WORDS.len()..30).map(|at| format!("word{at}"));
    let words: Vec<String> = WORDS.iter().map(|&word| word.to_owned()).chain(more).collect();
    write(folder.path(), "vocab.txt", &(words.join("\n") + "\n"));
    save(folder.path(), &tensors(&golden));
    folder
}

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

fn save(folder: &Path, tensors: &BTreeMap<String, Tensor>) {
    let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    Tensor::write_safetensors(&tensors, folder.join("model.safetensors")).unwrap();
}

/// As `environment/golden/mpnet.py` makes them, and the buffer that published files hold.
fn tensors(golden: &Value) -> BTreeMap<String, Tensor> {
    let named = golden["small"]["tensors"].as_array().unwrap().iter().map(|about| {
        let (name, shape) = about.as_str().unwrap().split_once(' ').unwrap();
        let shape: Vec<i64> = serde_json::from_str(shape).unwrap();
        let count = shape.iter().product::<i64>() as usize;
        let factor = match name {
            name if name.ends_with("attn.q.weight") || name.ends_with("attn.k.weight") => 8.0,
            name if name.ends_with("relative_attention_bias.weight") => 32.0,
            _ => 1.0,
        };
        let numbers = random_checkpoint::numbers(&format!("{NAME}/{name}"), count);
        (name.to_owned(), Tensor::from_slice(&numbers).view(shape.as_slice()) * factor)
    });
    let positions = Tensor::arange(64, (Kind::Int64, Device::Cpu)).unsqueeze(0);
    named.chain([("embeddings.position_ids".to_owned(), positions)]).collect()
}

fn rows(value: &Value) -> Vec<Vec<u32>> {
    serde_json::from_value(value.clone()).unwrap()
}

fn batch(rows: &[Vec<u32>]) -> Batch {
    Batch::new(rows, &(0..rows.len()).collect::<Vec<_>>(), 1, Device::Cpu)
}

/// The gradients of the golden file's loss, with the largest norm that one of them has.
fn check_gradients(encoder: &SentenceEncoder, batch: &Batch, golden: &Value, training: bool) {
    let vectors = encoder.vectors(batch, training).unwrap();
    let weights = random_checkpoint::numbers("loss", vectors.numel());
    let weights = Tensor::from_slice(&weights).view_as(&vectors) * 32.0;
    let loss = (&vectors * weights).sum_dim_intlist(1, false, None).square().sum(Kind::Float);
    let (names, variables): (Vec<_>, Vec<_>) = encoder.parameters().into_iter().unzip();
    let gradients = Tensor::run_backward(&[loss], &variables, false, false);
    let norms = golden.as_object().unwrap();
    assert_eq!(norms.len(), names.len(), "every variable but the pooler's has a gradient");
    for (name, gradient) in names.iter().zip(gradients) {
        let gradient = match gradient.is_sparse() {
            true => gradient.to_dense(None::<Kind>, false),
            false => gradient,
        };
        let theirs = &golden[name.strip_prefix("mpnet.").unwrap()];
        let norm = theirs["norm"].as_f64().unwrap();
        let near = |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-5 * norm.max(1.0);
        let ours = gradient.norm().double_value(&[]);
        assert!(near(ours, norm), "{name}, training {training}: {ours}, and {norm} is wanted");
        let (ours, wanted) = (projected(&gradient), theirs["projected"].as_f64().unwrap());
        assert!(near(ours, wanted), "{name}, training {training}: {ours}, and {wanted} is wanted");
        let first = gradient.reshape(-1).narrow(0, 0, 4.min(gradient.numel() as i64));
        let off = apart(&first, &single(&theirs["first"]));
        assert!(off <= 1e-5 * norm.max(1.0), "{name}, training {training}: off by {off}");
    }
}

#[test]
fn hidden_states_and_vectors_are_those_of_transformers() {
    let _turn = turn();
    let (golden, folder) = (golden(), small(&json!({})));
    let checkpoint = Checkpoint::open(NAME, folder.path()).unwrap();
    assert_eq!((checkpoint.family(), checkpoint.places()), (Architecture::Mpnet, 62));
    assert_eq!(checkpoint.epsilon(), 1e-5);
    let (golden, rows) = (&golden["small"], rows(&golden["small"]["rows"]));
    let labels = vec!["T1".to_owned(), "T2".to_owned()];
    let classifier = TechniqueEncoder::new(&checkpoint, labels, Device::Cpu, 1).unwrap();
    let together = tch::no_grad(|| classifier.hidden(&batch(&rows), false)).unwrap();
    for (at, row) in rows.iter().enumerate() {
        let theirs = single(&golden["hidden"][at]).view([row.len() as i64, -1]);
        let padded = together.get(at as i64).narrow(0, 0, row.len() as i64);
        let alone = batch(std::slice::from_ref(row));
        let alone = tch::no_grad(|| classifier.hidden(&alone, false)).unwrap();
        // With a gradient of the table, attention is computed step by step.
        let with_gradient = classifier.hidden(&batch(&rows), false).unwrap().detach();
        let with_gradient = with_gradient.get(at as i64).narrow(0, 0, row.len() as i64);
        for ours in [padded, alone.squeeze_dim(0), with_gradient] {
            let off = apart(&ours, &theirs);
            assert!(off < 1e-5, "row {at}: off by {off}");
        }
    }
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    assert_eq!(encoder.loaded().unused, ["embeddings.position_ids"]);
    let ours = tch::no_grad(|| encoder.vectors(&batch(&rows), false)).unwrap();
    for at in 0..rows.len() {
        assert!(apart(&ours.get(at as i64), &single(&golden["vectors"][at])) < 1e-5, "{at}");
    }
}

#[test]
fn gradients_are_those_of_transformers() {
    let _turn = turn();
    let golden = golden();
    let rows = rows(&golden["small"]["rows"]);
    // Without dropout the way of training computes the same.
    let none = json!({ "attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0 });
    let almost_none =
        json!({ "attention_probs_dropout_prob": 1e-30, "hidden_dropout_prob": 1e-30 });
    for (changes, training) in [(json!({}), false), (none, true), (almost_none, true)] {
        let folder = small(&changes);
        let checkpoint = Checkpoint::open(NAME, folder.path()).unwrap();
        let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        check_gradients(&encoder, &batch(&rows), &golden["small"]["gradients"], training);
    }
}

#[test]
fn the_first_token_alone_is_the_same_as_among_all() {
    let _turn = turn();
    let folder = small(&json!({}));
    let checkpoint = Checkpoint::open(NAME, folder.path()).unwrap();
    let labels = vec!["T1".to_owned(), "T2".to_owned()];
    let model = TechniqueEncoder::new(&checkpoint, labels, Device::Cpu, 1).unwrap();
    let rows = rows(&golden()["small"]["rows"]);
    let variables: BTreeMap<_, _> = model.parameters().into_iter().collect();
    let layer = |input: &Tensor, name: &str| {
        let weight = &variables[&format!("classifier.{name}.weight")];
        input.linear(weight, Some(&variables[&format!("classifier.{name}.bias")]))
    };
    tch::no_grad(|| {
        let first = model.hidden(&batch(&rows), false).unwrap().select(1, 0);
        let by_hand = layer(&layer(&first, "dense").tanh(), "out_proj");
        assert!(apart(&model.logits(&batch(&rows), false).unwrap(), &by_hand) < 1e-6);
    });
}

fn sentence(technique: &str, text: &str) -> Sentence {
    Sentence {
        technique: technique.to_owned(),
        subtechnique: None,
        name: technique.to_owned(),
        text: text.to_owned(),
        source_id: "relationship--1".to_owned(),
    }
}

#[test]
fn it_trains_and_saves_what_sentence_transformers_opens() {
    let _turn = turn();
    let (golden, folder) = (golden(), small(&json!({})));
    let checkpoint = Checkpoint::open(NAME, folder.path()).unwrap();
    let mut encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let texts = ["mail word8 sends", "mail sends word9", "keys word10 keys", "word10 keys"];
    let techniques = ["T1566", "T1566", "T1056", "T1056"];
    let sentences = techniques.iter().zip(texts).map(|(label, text)| sentence(label, text));
    let corpus = Corpus { sentences: sentences.collect() };
    let labels = Labels::new(&corpus, Level::Technique, &Kinship::default()).unwrap();
    let mut settings: SimilaritySettings = serde_json::from_value(json!({})).unwrap();
    settings.training.epochs = 20;
    settings.training.learning_rate = 2e-3;
    settings.training.max_length = 16;
    let saved = folder.path().join("trained");
    let training = SimilarityTraining {
        checkpoint: &checkpoint,
        params: &settings.training,
        loss: Loss::Cosine,
        seed: 1,
        folder: &ModelFolder::Written(saved.clone()),
    };
    let triplets = [
        Triplet { anchor: 0, positive: 1, negative: 2 },
        Triplet { anchor: 2, positive: 3, negative: 1 },
    ];
    let table = |encoder: &SentenceEncoder| {
        let all = encoder.parameters();
        let found = all.iter().find(|(name, _)| name.ends_with("relative_attention_bias.weight"));
        found.unwrap().1.detach().copy()
    };
    let before = table(&encoder);
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let history =
        training.run(&mut encoder, &tokenize, &texts, &labels, &triplets, &mut |_| ()).unwrap();
    let (first, last) = (history.losses[0], history.losses[history.losses.len() - 1]);
    assert!(last < first / 2.0, "{first} to {last}");
    assert!(apart(&table(&encoder), &before) > 1e-4, "relative positions are trained, too");

    let read = |file: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(saved.join(file)).unwrap()).unwrap()
    };
    let config = read("config.json");
    assert_eq!(config["architectures"], json!(["MPNetModel"]));
    for (field, value) in golden["small"]["config"].as_object().unwrap() {
        assert_eq!(&config[field], value, "{field}");
    }
    assert_eq!(config.get("type_vocab_size"), None);
    let kinds = read("modules.json");
    let kinds = kinds.as_array().unwrap().iter().map(|module| module["type"].as_str().unwrap());
    let kinds: Vec<_> = kinds.map(|kind| kind.rsplit_once('.').unwrap().1).collect();
    assert_eq!(kinds, ["Transformer", "Pooling", "Normalize"]);
    assert_eq!(read("sentence_bert_config.json")["max_seq_length"], json!(16));
    let stored = Tensor::read_safetensors(saved.join("model.safetensors")).unwrap();
    let mut stored: Vec<String> = stored
        .iter()
        .map(|(name, tensor)| {
            format!("{} {:?}", name.strip_prefix("mpnet.").unwrap(), tensor.size())
        })
        .collect();
    stored.sort();
    assert_eq!(json!(stored), golden["small"]["tensors"]);

    let again = Checkpoint::open("trained", &saved).unwrap();
    let once_more = SentenceEncoder::new(&again, Device::Cpu, 1).unwrap();
    let tokenize_again = again.tokenizer(16).unwrap();
    let ours = encoder.embed(&tokenize, &texts, &mut |_| ()).unwrap();
    assert_eq!(once_more.embed(&tokenize_again, &texts, &mut |_| ()).unwrap(), ours);
}

#[test]
fn its_masked_word_head_is_saved_as_transformers_names_it() {
    let _turn = turn();
    let folder = small(&json!({}));
    let checkpoint = Checkpoint::open(NAME, folder.path()).unwrap();
    assert!(!MaskedEncoder::is_in(&checkpoint).unwrap());
    let encoder = MaskedEncoder::with_new_head(&checkpoint, Device::Cpu, 1).unwrap();
    let saved = folder.path().join("masked");
    encoder.save(&saved, &checkpoint).unwrap();
    let again = Checkpoint::open("masked", &saved).unwrap();
    assert_eq!(again.config["architectures"], json!(["MPNetForMaskedLM"]));
    let again = MaskedEncoder::new(&again, Device::Cpu).unwrap();
    let rows = rows(&golden()["small"]["rows"]);
    let logits =
        |encoder: &MaskedEncoder| tch::no_grad(|| encoder.logits(&batch(&rows), false)).unwrap();
    assert_eq!(apart(&logits(&again), &logits(&encoder)), 0.0);
}

// -- bad input ----------------------------------------------------------------------------

#[test]
fn a_folder_of_two_models_is_named() {
    let folder = small(&json!({}));
    let path = folder.path();
    let open = || said(Checkpoint::open(NAME, path), path);
    let golden = golden();
    let mut config = golden["small"]["config"].clone();
    for (model_type, padding) in [("bert", 0), ("roberta", 1)] {
        config["model_type"] = json!(model_type);
        config["pad_token_id"] = json!(padding);
        write(path, "config.json", &config.to_string());
        assert_eq!(
            open(),
            format!(
                "tiny/config.json, field \"model_type\": {model_type:?}, but model.safetensors \
                 holds MPNet's encoder.layer.0.attention.attn.q.weight"
            )
        );
    }
    // And the other way round: BERT's names for the same tensors.
    write(path, "config.json", &golden["small"]["config"].to_string());
    let berts = tensors(&golden).into_iter().map(|(name, tensor)| {
        let name = name.replace("attention.attn.q", "attention.self.query");
        let name = name.replace("attention.attn.k", "attention.self.key");
        (format!("bert.{}", name.replace("attention.attn.v", "attention.self.value")), tensor)
    });
    save(path, &berts.collect());
    assert_eq!(
        open(),
        "tiny/config.json, field \"model_type\": \"mpnet\", but model.safetensors holds BERT's or \
         RoBERTa's bert.encoder.layer.0.attention.self.query.weight"
    );
}

#[test]
fn what_is_not_supported_or_missing_is_named() {
    let folder = small(&json!({ "relative_attention_num_buckets": 64 }));
    assert_eq!(
        said(Checkpoint::open(NAME, folder.path()), folder.path()),
        "tiny/config.json, field \"relative_attention_num_buckets\": 64 is not supported; 32 is"
    );
    let folder = small(&json!({ "relative_attention_num_buckets": null }));
    assert_eq!(Checkpoint::open(NAME, folder.path()).unwrap().size("pad_token_id"), 1);
    let folder = small(&json!({ "pad_token_id": 0 }));
    assert_eq!(
        said(Checkpoint::open(NAME, folder.path()), folder.path()),
        "tiny/config.json, field \"pad_token_id\": 0 is not supported; 1 is"
    );
    let folder = small(&json!({}));
    let mut tensors = tensors(&golden());
    tensors.remove("encoder.relative_attention_bias.weight");
    save(folder.path(), &tensors);
    let checkpoint = Checkpoint::open(NAME, folder.path()).unwrap();
    assert_eq!(
        said(SentenceEncoder::new(&checkpoint, Device::Cpu, 1), folder.path()),
        "tiny/model.safetensors: mpnet.encoder.relative_attention_bias.weight is missing"
    );
}

// -- all-mpnet-base-v2 itself -------------------------------------------------------------

/// A file or folder below the folder that a variable names, or below `data/raw/`.
fn at_hand(variable: &str, name: &str, otherwise: &str, what: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let named = std::env::var_os(variable).filter(|folder| !folder.is_empty());
    let places = [named.map(|folder| root.join(folder).join(name)), Some(root.join(otherwise))];
    let found = places.into_iter().flatten().find(|path| path.exists());
    if found.is_none() {
        skip(&format!("{what}: no {name} in {variable} or data/raw"));
    }
    found
}

fn real(what: &str) -> Option<Checkpoint> {
    let folder = at_hand("TTP_MODELS", NAME, "data/raw/models/mpnet", what)?;
    Some(Checkpoint::open(NAME, &folder).unwrap())
}

#[test]
fn the_published_model_computes_what_transformers_does() {
    let Some(checkpoint) = real("all-mpnet-base-v2 beside transformers") else { return };
    let _turn = turn();
    let golden = golden();
    let cases = golden["real"]["sentences"].as_array().unwrap();
    let texts: Vec<&str> = cases.iter().map(|c| c["sentence"].as_str().unwrap()).collect();
    let tokenize = checkpoint.tokenizer(384).unwrap();
    let ids = tokenize.ids(&texts).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let vectors = encoder.embed(&tokenize, &texts, &mut |_| ()).unwrap();
    let labels = vec!["T1".to_owned(), "T2".to_owned()];
    let classifier = TechniqueEncoder::new(&checkpoint, labels, Device::Cpu, 1).unwrap();
    for (at, (case, ids)) in cases.iter().zip(&ids).enumerate() {
        assert_eq!(json!(ids), case["ids"]);
        let row = batch(std::slice::from_ref(ids));
        let hidden = tch::no_grad(|| classifier.hidden(&row, false)).unwrap().squeeze_dim(0);
        let last = hidden.size()[0] - 1;
        for (place, theirs) in [0, ids.len() as i64 / 2, last].iter().zip(0..) {
            let off = apart(&hidden.get(*place).narrow(0, 0, 8), &single(&case["first"][theirs]));
            assert!(off < 1e-5, "{}, token {place}: off by {off}", texts[at]);
        }
        for (token, theirs) in (0..).zip(numbers(&case["projected"])) {
            let off = (projected(&hidden.get(token)) - theirs).abs();
            assert!(off < 1e-5, "{}, token {token}: off by {off}", texts[at]);
        }
        let ours = Tensor::from_slice(vectors.row(at));
        let off = apart(&ours.narrow(0, 0, 8), &single(&case["vector"]));
        assert!(off < 1e-5, "{}: vector off by {off}", texts[at]);
        let off = (projected(&ours) - case["vector_projected"].as_f64().unwrap()).abs();
        assert!(off < 1e-5, "{}: vector off by {off}", texts[at]);
    }
    check_gradients(&encoder, &batch(&ids), &golden["real"]["gradients"], false);
}

/// The vectors of texts, each once, and the place of each.
fn embedded<'a>(
    checkpoint: &Checkpoint,
    texts: impl Iterator<Item = &'a str>,
) -> (Vectors, BTreeMap<&'a str, usize>) {
    let mut places = BTreeMap::new();
    let mut each = Vec::new();
    for text in texts {
        places.entry(text).or_insert_with(|| {
            each.push(text);
            each.len() - 1
        });
    }
    let tokenize = checkpoint.tokenizer(384).unwrap();
    let encoder = SentenceEncoder::new(checkpoint, Device::Cpu, 1).unwrap();
    (encoder.embed(&tokenize, &each, &mut |_| ()).unwrap(), places)
}

#[test]
fn the_reports_baseline_and_its_unseen_pairs_are_reproduced() {
    const WHAT: &str = "the similarity report's baseline";
    let Some(folder) = at_hand("TTP_SOURCES", "cybertune", "data/raw/cybertune", WHAT) else {
        return;
    };
    let Some(checkpoint) = real(WHAT) else { return };
    let _turn = turn();
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let pairs: Value = serde_json::from_str(&read("combined_test.json")).unwrap();
    let unseen = read("unseen_examples.txt");
    let unseen: Vec<&str> = unseen.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let text = |pair: &'_ Value, side: &str| pair[side].as_str().unwrap().to_owned();
    let pairs: Vec<(String, String, bool)> = pairs
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (text(p, "sentence1"), text(p, "sentence2"), p["label"] == json!(1.0)))
        .collect();
    let texts = pairs.iter().flat_map(|(a, b, _)| [a.as_str(), b.as_str()]);
    let (vectors, places) = embedded(&checkpoint, texts.chain(unseen.iter().copied()));
    let cosine = |a: &str, b: &str| vectors.dot(places[a], places[b]);

    let scores: Vec<f64> = pairs.iter().map(|(a, b, _)| cosine(a, b)).collect();
    let truth: Vec<bool> = pairs.iter().map(|(_, _, similar)| *similar).collect();
    let counts = BinaryCounts::at(&scores, &truth, 0.5).unwrap();
    assert_eq!(counts, BinaryCounts { tp: 49, fn_: 233, fp: 10, tn: 173 });

    let published = read("real_world_example_comparison.txt");
    let published: Vec<f64> = published
        .lines()
        .filter_map(|line| line.strip_prefix("Baseline Model Similarity: "))
        .map(|number| number.trim().parse().unwrap())
        .collect();
    let ours = unseen
        .iter()
        .enumerate()
        .flat_map(|(at, first)| unseen[at + 1..].iter().map(move |second| (*first, *second)));
    let ours: Vec<f64> = ours.map(|(first, second)| cosine(first, second)).collect();
    assert_eq!((ours.len(), published.len()), (190, 190));
    let off = ours.iter().zip(&published).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("the 190 unseen pairs: {off:.2e} apart at most");
    assert!(off < 6e-5, "{off}");
}
