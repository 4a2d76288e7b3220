//! Readers of files: whatever the bytes, they are read or refused in one line. Each says whether
//! they were read.
//!
//! Where a reader takes several formats by a file's name, the first byte of an input says which,
//! as a digit from 0 on ([`form`]); where it takes several files, a zero byte parts them
//! ([`files`]).

use crate::seeds::{TENSORS, tensors};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tch::{Device, Tensor};
use ttp_audit::Claims;
use ttp_base::Result;
use ttp_documents::{Document, Limits};
use ttp_evidence::{Evidence, Outcome};
use ttp_flows::family::netml::{MissingColumns, NetmlFlows};
use ttp_flows::family::{FlowColumns, FlowFile, Flows};
use ttp_lib::corpus::{self, Columns, Corpus, RowChoice, Source, tram_v2};
use ttp_lib::encoder::SentenceEncoder;
use ttp_lib::linear::{CompactModel, LinearModel};
use ttp_lib::pretrained::{self, Checkpoint, Vocabulary};
use ttp_lib::profile::Profile;
use ttp_lib::{diagnosis, split as splits};
use ttp_model::engine::{Algorithm, Best, Optimizer, Origin, Resume, resume};
use ttp_report::{Report, review};
use ttp_similarity::reported::LabelledPairs;

/// A folder in memory: that of `make fuzz`, which removes it, or one for each process.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let own = || parent.join(format!("ttp-fuzz-{}", std::process::id()));
    let folder = std::env::var_os("TTP_FUZZ_FOLDER").map_or_else(own, PathBuf::from);
    fs::create_dir_all(&folder).expect("a folder to write into");
    folder
});

/// Writes bytes into a file of that name.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).expect("a folder to write into");
    }
    fs::write(&path, bytes).expect("a file to write");
    path
}

/// Which of so many formats the first byte says, and what follows it.
pub fn form(bytes: &[u8], forms: u8) -> (u8, &[u8]) {
    // The digit 0 is divisible by all that are used.
    bytes.split_first().map_or((0, bytes), |(first, rest)| (first % forms, rest))
}

/// Writes the files that an input consists of, and removes those that it lacks.
fn files(folder: &str, names: &[&str], bytes: &[u8]) {
    let mut parts = bytes.split(|byte| *byte == 0);
    for name in names {
        let name = format!("{folder}/{name}");
        match parts.next().filter(|part| !part.is_empty()) {
            Some(part) => _ = file(&name, part),
            // Most of the time it is not there.
            None => _ = fs::remove_file(FOLDER.join(name)),
        }
    }
}

/// What is refused is refused in one line. Whether it was read.
fn told<T>(read: Result<T>) -> bool {
    let Err(error) = read else { return true };
    let said = error.to_string();
    assert!(!said.is_empty() && said.lines().count() == 1, "not one line: {said:?}");
    if *crate::STRICT {
        eprintln!("{said}");
    }
    false
}

/// A bundle with one technique, for targets that need one beside their own file.
const BUNDLE: &str = r#"{"type": "bundle", "id": "bundle--1", "objects": [
    {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Phishing",
     "description": "Adversaries send mail.",
     "external_references": [{"source_name": "mitre-attack", "external_id": "T1566"}]}]}"#;

static BUNDLE_FILE: LazyLock<PathBuf> = LazyLock::new(|| file("bundle.json", BUNDLE.as_bytes()));

pub fn stix(bytes: &[u8]) -> bool {
    let bundle = file("stix.json", bytes);
    let described = told(corpus::descriptions(&[&bundle]));
    told(corpus::build(&Source::Attack { bundle, tram: None })) && described
}

pub fn tram(bytes: &[u8]) -> bool {
    let tram = Some(file("tram.json", bytes));
    told(corpus::build(&Source::Attack { bundle: BUNDLE_FILE.clone(), tram }))
}

pub fn tram_v2(bytes: &[u8]) -> bool {
    let names = [("T1566".to_owned(), "Phishing".to_owned())].into();
    told(tram_v2::read(&file("tram_v2.json", bytes), &names))
}

pub fn csv(bytes: &[u8]) -> bool {
    let path = file("own.csv", bytes);
    let columns = Columns::named("sentence", "technique");
    told(corpus::build(&Source::Csv { path, columns, known: None, keep: RowChoice::Distinct }))
}

pub fn parquet(bytes: &[u8]) -> bool {
    told(Corpus::read_parquet(&file("corpus.parquet", bytes)))
}

pub fn split(bytes: &[u8]) -> bool {
    told(splits::read_csv(&file("train.csv", bytes)))
}

pub fn profile(bytes: &[u8]) -> bool {
    told(Profile::read(&file("own.json", bytes)))
}

pub fn claims(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| told(Claims::parse(Path::new("own.toml"), text)))
}

/// 0: CSV, 1: JSON.
pub fn matrix(bytes: &[u8]) -> bool {
    let (form, bytes) = form(bytes, 2);
    let name = ["matrix.csv", "matrix.json"][usize::from(form)];
    told(diagnosis::read_matrix(&file(name, bytes)))
}

pub fn predictions(bytes: &[u8]) -> bool {
    told(diagnosis::read_predictions(&file("own.csv", bytes), &diagnosis::Columns::default()))
}

/// What predictions' names are held against. 0 and 1: class counts in CSV and JSON; 2 to 4: a second
/// labelling in CSV, JSON and parquet; 5: one in CSV, packed.
pub fn names(bytes: &[u8]) -> bool {
    let (form, bytes) = form(bytes, 6);
    let endings = ["csv", "json", "csv", "json", "parquet", "csv.gz"];
    let path = file(&format!("names.{}", endings[usize::from(form)]), bytes);
    if form < 2 {
        return told(diagnosis::read_class_counts(&path, &["a".to_owned(), "b".to_owned()]));
    }
    told(diagnosis::read_labels(&diagnosis::Second { file: path, column: None }, "id"))
}

/// The configuration of the checkpoints whose weights are read: one layer, four wide.
const CONFIG: &str = r#"{"model_type": "bert", "hidden_size": 4, "num_hidden_layers": 1,
    "num_attention_heads": 1, "intermediate_size": 4, "vocab_size": 8, "hidden_act": "gelu",
    "max_position_embeddings": 8, "type_vocab_size": 1, "layer_norm_eps": 1e-12,
    "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1, "initializer_range": 0.02}"#;

/// The same of RoBERTa, whose tokenizer is of other files.
static ROBERTA: LazyLock<String> = LazyLock::new(|| {
    CONFIG.replace("\"bert\"", "\"roberta\", \"pad_token_id\": 1").replace("1e-12", "1e-5")
});

const PIECES: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n";

fn weights(name: &str, bytes: &[u8]) -> bool {
    let folder = format!("checkpoint-{name}");
    file(&format!("{folder}/config.json"), CONFIG.as_bytes());
    file(&format!("{folder}/vocab.txt"), PIECES.as_bytes());
    file(&format!("{folder}/{name}"), bytes);
    let opened = Checkpoint::open("own", &FOLDER.join(folder));
    told(opened.and_then(|checkpoint| checkpoint.tensor_shapes()))
}

pub fn safetensors(bytes: &[u8]) -> bool {
    weights("model.safetensors", bytes)
}

pub fn pickle(bytes: &[u8]) -> bool {
    weights("pytorch_model.bin", bytes)
}

pub fn config(bytes: &[u8]) -> bool {
    file("checkpoint-config/config.json", bytes);
    file("checkpoint-config/vocab.txt", PIECES.as_bytes());
    file("checkpoint-config/model.safetensors", &tensors(&TENSORS));
    let opened = Checkpoint::open("own", &FOLDER.join("checkpoint-config"));
    told(opened.and_then(|checkpoint| checkpoint.tokenizer(8)))
}

/// 0: `vocab.txt`, 1: blingfire's table of eight pieces.
pub fn vocabulary(bytes: &[u8]) -> bool {
    let (form, bytes) = form(bytes, 2);
    let read = if form == 0 {
        let lines = bytes.split(|byte| *byte == b'\n').count().saturating_sub(1);
        Vocabulary::read_lines(&file("vocab.txt", bytes), lines, None)
    } else {
        Vocabulary::read_i2w(&file("own.i2w", bytes), 8)
    };
    told(read.and_then(|vocabulary| vocabulary.tokenizer(true, 8)))
}

/// 0: `tokenizer.json`, 1: `vocab.json` and `merges.txt`, 2: `vocab.txt`; each with
/// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` or without.
pub fn tokenizer(bytes: &[u8]) -> bool {
    let (form, bytes) = form(bytes, 3);
    let more = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"];
    let own: &[&str] =
        [&["tokenizer.json"][..], &["vocab.json", "merges.txt"], &["vocab.txt"]][usize::from(form)];
    let folder = format!("checkpoint-tokenizer-{form}");
    let config = if form == 1 { ROBERTA.as_str() } else { CONFIG };
    file(&format!("{folder}/config.json"), config.as_bytes());
    files(&folder, &[own, &more].concat(), bytes);
    told(pretrained::tokenizer_in(&FOLDER.join(folder), 8))
}

/// The files beside a sentence model's transformer; the weights are there.
pub fn modules(bytes: &[u8]) -> bool {
    let folder = "checkpoint-modules";
    static WEIGHTS: LazyLock<()> = LazyLock::new(|| {
        let folder = "checkpoint-modules";
        file(&format!("{folder}/config.json"), CONFIG.as_bytes());
        file(&format!("{folder}/vocab.txt"), PIECES.as_bytes());
        file(&format!("{folder}/model.safetensors"), &tensors(&TENSORS));
        let dense = [("linear.weight", &[4_usize, 4][..]), ("linear.bias", &[4])];
        file(&format!("{folder}/2_Dense/model.safetensors"), &tensors(&dense));
        let norm = [("norm.weight", &[4_usize][..]), ("norm.bias", &[4])];
        file(&format!("{folder}/3_LayerNorm/model.safetensors"), &tensors(&norm));
    });
    LazyLock::force(&WEIGHTS);
    let names = [
        "modules.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "3_LayerNorm/config.json",
        "4_Dropout/config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "tokenizer_config.json",
    ];
    files(folder, &names, bytes);
    let opened = Checkpoint::open("own", &FOLDER.join(folder));
    told(opened.and_then(|checkpoint| SentenceEncoder::new(&checkpoint, Device::Cpu, 1)))
}

/// A training of one small weight, and what a state of it says.
struct Training {
    optimizer: Optimizer,
    origin: Origin,
    folder: PathBuf,
    /// The header's parts of a state that it kept itself.
    about: Map<String, Value>,
    shapes: Value,
}

/// What every state begins with, by the format's own description.
const STATE: &[u8] = b"ttp state of a training\n\x01\0\0\0";

impl Training {
    fn new() -> Self {
        resume::keep_every(0.0);
        let weight = || vec![("layer.weight".to_owned(), Tensor::from_slice(&[1_f32, 2.0]))];
        let origin = Origin::new(&1, &2, &weight(), &["fuzz"]).expect("an origin");
        let optimizer = Optimizer::new(weight(), Algorithm::AdamW, 0.1, 1.0);
        let mut keeper = Resume::beside(&FOLDER.join("kept"), origin.clone()).expect("a folder");
        keeper.keep(&optimizer, &Best::default(), &0);
        let folder = FOLDER.join(".training-kept");
        let state = fs::read(folder.join("step-0000000000.state")).expect("a state");
        let from = STATE.len() + 16;
        let mut header = serde_json::Deserializer::from_slice(&state[from..]).into_iter::<Value>();
        let header = header.next().and_then(std::result::Result::ok).expect("a header");
        let about = header["about"].as_object().cloned().expect("an object");
        keeper.finish();
        Self { optimizer, origin, folder, about, shapes: header["tensors"].clone() }
    }

    /// A file with that header and these numbers, its lengths and its digest right.
    fn state(header: &Value, numbers: &[u8]) -> Vec<u8> {
        let header = header.to_string().into_bytes();
        let length = STATE.len() + 16 + header.len() + numbers.len() + 32;
        let mut state = STATE.to_vec();
        state.extend((length as u64).to_le_bytes());
        state.extend((header.len() as u64).to_le_bytes());
        state.extend([&header, numbers].concat());
        let digest = Sha256::digest(&state);
        state.extend_from_slice(&digest);
        state
    }

    /// Whether it goes on from that state.
    fn goes_on(&mut self, state: &[u8]) -> bool {
        let model = FOLDER.join("kept");
        fs::create_dir_all(&self.folder).expect("a folder to write into");
        fs::write(self.folder.join("step-0000000001.state"), state).expect("a file to write");
        let mut keeper = Resume::beside(&model, self.origin.clone()).expect("a folder");
        let sound = |_: &Value, _| true;
        let taken = keeper.take(&mut self.optimizer, &mut Best::default(), 9, sound).is_some();
        for line in keeper.told() {
            assert_eq!(line.lines().count(), 1, "{line:?}");
            if *crate::STRICT && !taken {
                eprintln!("{line}");
            }
        }
        taken
    }
}

/// A training's state. 0: the file as it is; 1: the fields of its `about` that are other than those
/// of a sound one, its list of tensors, and their numbers, put into a file whose digest is right.
pub fn state(bytes: &[u8]) -> bool {
    thread_local! {
        static TRAINING: RefCell<Training> = RefCell::new(Training::new());
    }
    let (form, bytes) = form(bytes, 2);
    TRAINING.with_borrow_mut(|training| {
        if form == 0 {
            return training.goes_on(bytes);
        }
        let mut parts = bytes.splitn(3, |byte| *byte == 0);
        let mut json = || serde_json::from_slice(parts.next().unwrap_or_default()).ok();
        let (Some(Value::Object(changed)), tensors) = (json(), json()) else { return false };
        let mut about = training.about.clone();
        about.extend(changed);
        let tensors = tensors.unwrap_or_else(|| training.shapes.clone());
        let header = json!({ "origin": training.origin, "about": about, "tensors": tensors });
        training.goes_on(&Training::state(&header, parts.next().unwrap_or_default()))
    })
}

pub fn netml(bytes: &[u8]) -> bool {
    told(NetmlFlows::read(&file("flows.json", bytes), MissingColumns::Refused))
}

/// CSV or parquet by its first bytes; every row is read.
pub fn flows(bytes: &[u8]) -> bool {
    let opened = FlowFile::open(&file("own.csv", bytes), &FlowColumns::default());
    told(opened.and_then(|file| Flows::of(file, &["a".to_owned(), "b".to_owned()])))
}

/// A linear model, or one that was made small.
pub fn linear(bytes: &[u8]) -> bool {
    let path = file("linear.safetensors", bytes);
    let small = told(CompactModel::from_bytes(&path, bytes));
    told(LinearModel::load(&path)) || small
}

pub fn pairs(bytes: &[u8]) -> bool {
    told(LabelledPairs::read(&file("pairs.json", bytes)))
}

/// What a sweep leaves. 0: `evidence.json`, 1: a job's outcome as it is, 2: with its digest put
/// right.
pub fn evidence(bytes: &[u8]) -> bool {
    let (form, bytes) = form(bytes, 3);
    if form == 0 {
        return told(Evidence::read(&file("evidence.json", bytes)));
    }
    let path = match serde_json::from_slice::<BTreeMap<String, Value>>(bytes) {
        Ok(mut object) if form == 2 => {
            object.remove("digest");
            let digest = Sha256::digest(json!(object).to_string());
            object.insert("digest".to_owned(), json!(format!("{digest:x}")));
            file("outcome.json", json!(object).to_string().as_bytes())
        }
        _ => file("outcome.json", bytes),
    };
    told(Outcome::read(&path))
}

/// A report of any format: places of sentences lie in their blocks.
pub fn document(bytes: &[u8]) -> bool {
    let limits = Limits { bytes: 1 << 20, text: 4 << 20, pages: 100, seconds: 5 };
    let read = Document::read("a report", bytes, &limits);
    if let Ok(document) = &read {
        for sentence in document.sentences() {
            let length = document.blocks[sentence.block].text.chars().count();
            assert!(sentence.start < sentence.end && sentence.end <= length, "{sentence:?}");
        }
    }
    told(read)
}

/// 0: `report.json`, 1: a reviewer's corrections of the seed, in CSV or JSON.
pub fn report(bytes: &[u8]) -> bool {
    static REPORT: LazyLock<Report> = LazyLock::new(|| {
        let (_, seed) = form(include_bytes!("../seeds/report/small.json"), 2);
        review::read(&file("seed.json", seed)).expect("a report")
    });
    let (form, bytes) = form(bytes, 2);
    if form == 1 {
        return told(
            review::reviewed(&REPORT, &file("report.csv", bytes)).map(|one| one.to_text()),
        );
    }
    let path = file("report.json", bytes);
    told(review::read(&path).and_then(|report| review::check_sentences(&report, &path)))
}
