//! Readers of files: whatever the bytes, they are read or refused in one line.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use ttp_audit::Claims;
use ttp_base::Result;
use ttp_documents::{Document, Limits};
use ttp_flows::family::netml::{MissingColumns, NetmlFlows};
use ttp_lib::corpus::{self, Columns, Corpus, RowChoice, Source, tram_v2};
use ttp_lib::diagnosis;
use ttp_lib::linear::LinearModel;
use ttp_lib::pretrained::{self, Checkpoint, Vocabulary};
use ttp_lib::profile::Profile;

/// A folder in memory, one for each process.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let folder = parent.join(format!("ttp-fuzz-{}", std::process::id()));
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

/// What is refused is refused in one line.
fn told<T>(read: Result<T>) {
    if let Err(error) = read {
        let said = error.to_string();
        assert!(!said.is_empty() && said.lines().count() == 1, "not one line: {said:?}");
    }
}

/// A bundle with one technique, for targets that need one beside their own file.
const BUNDLE: &str = r#"{"type": "bundle", "id": "bundle--1", "objects": [
    {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Phishing",
     "description": "Adversaries send mail.",
     "external_references": [{"source_name": "mitre-attack", "external_id": "T1566"}]}]}"#;

static BUNDLE_FILE: LazyLock<PathBuf> = LazyLock::new(|| file("bundle.json", BUNDLE.as_bytes()));

pub fn stix(bytes: &[u8]) {
    let bundle = file("stix.json", bytes);
    told(corpus::descriptions(&[&bundle]));
    told(corpus::build(&Source::Attack { bundle, tram: None }));
}

pub fn tram(bytes: &[u8]) {
    let tram = Some(file("tram.json", bytes));
    told(corpus::build(&Source::Attack { bundle: BUNDLE_FILE.clone(), tram }));
}

pub fn tram_v2(bytes: &[u8]) {
    let names = [("T1566".to_owned(), "Phishing".to_owned())].into();
    told(tram_v2::read(&file("tram_v2.json", bytes), &names));
}

pub fn csv(bytes: &[u8]) {
    let path = file("own.csv", bytes);
    let columns = Columns::named("sentence", "technique");
    told(corpus::build(&Source::Csv { path, columns, known: None, keep: RowChoice::Distinct }));
}

pub fn parquet(bytes: &[u8]) {
    told(Corpus::read_parquet(&file("corpus.parquet", bytes)));
}

pub fn profile(bytes: &[u8]) {
    told(Profile::read(&file("own.json", bytes)));
}

pub fn claims(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        told(Claims::parse(Path::new("own.toml"), text));
    }
}

pub fn matrix(bytes: &[u8]) {
    told(diagnosis::read_matrix(&file("matrix.csv", bytes)));
}

pub fn predictions(bytes: &[u8]) {
    told(diagnosis::read_predictions(&file("own.csv", bytes), &diagnosis::Columns::default()));
}

/// The configuration of the checkpoints whose weights are read: one layer, four wide.
const CONFIG: &str = r#"{"model_type": "bert", "hidden_size": 4, "num_hidden_layers": 1,
    "num_attention_heads": 1, "intermediate_size": 4, "vocab_size": 8, "hidden_act": "gelu",
    "max_position_embeddings": 8, "type_vocab_size": 1, "layer_norm_eps": 1e-12,
    "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1, "initializer_range": 0.02}"#;

const PIECES: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n";

fn weights(name: &str, bytes: &[u8]) {
    let folder = format!("checkpoint-{name}");
    file(&format!("{folder}/config.json"), CONFIG.as_bytes());
    file(&format!("{folder}/vocab.txt"), PIECES.as_bytes());
    file(&format!("{folder}/{name}"), bytes);
    let opened = Checkpoint::open("own", &FOLDER.join(folder));
    told(opened.and_then(|checkpoint| checkpoint.tensor_shapes()));
}

pub fn safetensors(bytes: &[u8]) {
    weights("model.safetensors", bytes);
}

pub fn pickle(bytes: &[u8]) {
    weights("pytorch_model.bin", bytes);
}

pub fn config(bytes: &[u8]) {
    file("checkpoint-config/config.json", bytes);
    file("checkpoint-config/vocab.txt", PIECES.as_bytes());
    file("checkpoint-config/model.safetensors", b"\x02\0\0\0\0\0\0\0{}");
    let opened = Checkpoint::open("own", &FOLDER.join("checkpoint-config"));
    told(opened.and_then(|checkpoint| checkpoint.tokenizer(8)));
}

pub fn vocabulary(bytes: &[u8]) {
    let path = file("vocab.txt", bytes);
    let lines = bytes.split(|byte| *byte == b'\n').count().saturating_sub(1);
    let read = Vocabulary::read_lines(&path, lines, None);
    told(read.and_then(|vocabulary| vocabulary.tokenizer(true, 8)));
}

pub fn i2w(bytes: &[u8]) {
    told(Vocabulary::read_i2w(&file("own.i2w", bytes), 8));
}

pub fn tokenizer(bytes: &[u8]) {
    file("checkpoint-tokenizer/config.json", CONFIG.as_bytes());
    file("checkpoint-tokenizer/tokenizer.json", bytes);
    told(pretrained::tokenizer_in(&FOLDER.join("checkpoint-tokenizer"), 8));
}

pub fn netml(bytes: &[u8]) {
    told(NetmlFlows::read(&file("flows.json", bytes), MissingColumns::Refused));
}

pub fn linear(bytes: &[u8]) {
    told(LinearModel::load(&file("linear.safetensors", bytes)));
}

/// A report of any format: places of sentences lie in their blocks.
pub fn document(bytes: &[u8]) {
    let limits = Limits { bytes: 1 << 20, text: 4 << 20, pages: 100, seconds: 5 };
    let read = Document::read("a report", bytes, &limits);
    if let Ok(document) = &read {
        for sentence in document.sentences() {
            let length = document.blocks[sentence.block].text.chars().count();
            assert!(sentence.start < sentence.end && sentence.end <= length, "{sentence:?}");
        }
    }
    told(read);
}
