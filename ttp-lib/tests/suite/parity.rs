//! Beside Python's transformers: token ids, hidden states, logits and masked-word logits of
//! MiniLM's real weights and of random checkpoints in the published shapes. The golden
//! numbers, and the versions that they are from, stand in golden/parity.json.

use crate::common::{random_checkpoint, skip, turn};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tch::{Device, Kind, Tensor};
use ttp_lib::batch::Batch;
use ttp_lib::encoder::{MaskedEncoder, TechniqueEncoder};
use ttp_lib::pretrained::{Checkpoint, CheckpointTokenizer};

/// How far one number may be from transformers', in single precision.
const TOLERANCE: f64 = 1e-4;

static GOLDEN: LazyLock<Golden> =
    LazyLock::new(|| serde_json::from_str(include_str!("../golden/parity.json")).unwrap());

#[derive(Deserialize)]
struct Golden {
    texts: Texts,
    max_length: usize,
    nasty: Vec<String>,
    minilm: Model,
    bert: Model,
    scibert: Model,
    secbert: Model,
    roberta: Model,
}

/// Which texts of the corpus were tokenised.
#[derive(Deserialize)]
struct Texts {
    every: usize,
    count: usize,
    sha256: String,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    layers: usize,
    #[serde(default)]
    vocabulary_sha256: String,
    tokens: Tokens,
    classified: Vec<Classified>,
    #[serde(default)]
    masked: Vec<Masked>,
    with_its_own_epsilon: Option<OwnEpsilon>,
}

#[derive(Deserialize)]
struct Tokens {
    /// The first eight hexadecimal digits of the SHA-256 of each text's ids, ten a line.
    corpus: Vec<String>,
    nasty: Vec<Vec<u32>>,
}

#[derive(Deserialize)]
struct Classified {
    sentence: String,
    logits: Vec<f64>,
    hidden: Hidden,
}

#[derive(Deserialize)]
struct Masked {
    sentence: String,
    hidden: Hidden,
    places: Vec<Place>,
}

/// The last layer of one sentence.
#[derive(Deserialize)]
struct Hidden {
    /// The first dimensions at the first, middle and last token.
    first: [Vec<f64>; 3],
    /// Each token's sum over all dimensions, as [`projected`] weighs them.
    projected: Vec<f64>,
}

/// One position's logits over the vocabulary.
#[derive(Deserialize)]
struct Place {
    position: i64,
    top: Vec<(i64, f64)>,
    first: Vec<f64>,
    last: Vec<f64>,
    /// The sum over the vocabulary, as [`projected`] weighs them.
    projected: f64,
}

/// What transformers computes with the configuration's `layer_norm_eps`.
#[derive(Deserialize)]
struct OwnEpsilon {
    classified: Vec<Classified>,
    masked: Vec<Masked>,
}

/// Numbers of ours beside theirs.
#[derive(Default)]
struct Compared {
    numbers: usize,
    largest: f64,
}

impl Compared {
    fn add(&mut self, ours: &[f64], theirs: &[f64]) {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!(ours.is_finite(), "{ours}, and should be {theirs}");
            self.numbers += 1;
            self.largest = self.largest.max((ours - theirs).abs());
        }
    }

    fn assert_within(&self, tolerance: f64, what: &str) {
        println!("{what}: {} numbers, at most {:.1e} apart", self.numbers, self.largest);
        assert!(self.numbers > 0 && self.largest <= tolerance, "{what}: {:e}", self.largest);
    }

    /// `states` are `[length, width]`.
    fn hidden(&mut self, states: &Tensor, theirs: &Hidden) {
        let length = states.size()[0];
        for (place, theirs) in [0, length / 2, length - 1].into_iter().zip(&theirs.first) {
            let ours = states.select(0, place).narrow(0, 0, theirs.len() as i64);
            self.add(&doubles(&ours), theirs);
        }
        self.add(&projected(states), &theirs.projected);
    }

    /// `logits` are those of one position, `[vocabulary]`.
    fn vocabulary(&mut self, logits: &Tensor, theirs: &Place) {
        let count = theirs.first.len() as i64;
        self.add(&doubles(&logits.narrow(0, 0, count)), &theirs.first);
        let last = logits.narrow(0, logits.size()[0] - count, count);
        self.add(&doubles(&last), &theirs.last);
        self.add(&projected(logits), &[theirs.projected]);
        let (best, _) = logits.topk(theirs.top.len() as i64, 0, true, true);
        let (ids, values): (Vec<i64>, Vec<f64>) = theirs.top.iter().copied().unzip();
        self.add(&doubles(&best), &values);
        self.add(&doubles(&logits.index_select(0, &Tensor::from_slice(&ids))), &values);
    }
}

/// One number for each row of numbers, in which all of them have a part.
fn projected(rows: &Tensor) -> Vec<f64> {
    let direction = random_checkpoint::numbers("projection", *rows.size().last().unwrap() as usize);
    let direction = Tensor::from_slice(&direction).to_kind(Kind::Double);
    doubles(&rows.to_kind(Kind::Double).matmul(&direction))
}

fn doubles(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().view(-1)).unwrap()
}

fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/raw").join(file)
}

/// The corpus, or `None` with the reason printed.
fn texts() -> Option<&'static [String]> {
    static TEXTS: LazyLock<Option<Vec<String>>> = LazyLock::new(|| {
        let bundle = data("attack-v10.1/enterprise-attack.json");
        let there = bundle.is_file();
        there.then(|| random_checkpoint::corpus_texts(&bundle).unwrap())
    });
    if TEXTS.is_none() {
        skip("data/raw has no ATT&CK bundle; `make data` fetches it");
    }
    TEXTS.as_deref()
}

/// A checkpoint, what its golden numbers are, and which of its variables its file lacks.
struct Case {
    name: &'static str,
    checkpoint: Checkpoint,
    golden: &'static Model,
    new: &'static [&'static str],
}

impl Case {
    fn tokenize(&self) -> CheckpointTokenizer {
        self.checkpoint.tokenizer(GOLDEN.max_length).unwrap()
    }

    fn check_tokens(&self, texts: &[String]) {
        let tokenize = self.tokenize();
        let part: Vec<&str> = texts
            .iter()
            .step_by(GOLDEN.texts.every)
            .take(GOLDEN.texts.count)
            .map(String::as_str)
            .collect();
        let again = "; if that was meant, run environment/golden/parity.py again";
        let sha256 = hexadecimal(part.join("\n"));
        assert_eq!(sha256, GOLDEN.texts.sha256, "the corpus has changed{again}");
        let hashes: Vec<&str> =
            self.golden.tokens.corpus.iter().flat_map(|line| line.split(' ')).collect();
        assert_eq!(part.len(), hashes.len());
        let ids = tokenize.ids(&part).unwrap();
        let other: Vec<_> = part
            .iter()
            .zip(ids)
            .zip(hashes)
            .filter(|((_, ids), theirs)| {
                let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
                hexadecimal(bytes)[..8] != **theirs
            })
            .map(|((text, ids), _)| (text, ids))
            .collect();
        let count = other.len();
        assert!(other.is_empty(), "{}: {count} texts differ: {:?}", self.name, &other.first());

        let nasty: Vec<&str> = GOLDEN.nasty.iter().map(String::as_str).collect();
        let ids = tokenize.ids(&nasty).unwrap();
        for ((text, ours), theirs) in nasty.iter().zip(&ids).zip(&self.golden.tokens.nasty) {
            assert_eq!(ours, theirs, "{}: {text:?}", self.name);
        }
    }

    fn check_classifier(&self, cases: &[Classified], tolerance: f64) {
        let labels = (0..cases[0].logits.len()).map(|label| label.to_string()).collect();
        let encoder = TechniqueEncoder::new(&self.checkpoint, labels, Device::Cpu, 1).unwrap();
        self.fill_new_variables(&encoder);
        let mut compared = Compared::default();
        let sentences: Vec<&str> = cases.iter().map(|case| case.sentence.as_str()).collect();
        for (batch, rows) in self.batches(&sentences) {
            let logits = tch::no_grad(|| encoder.logits(&batch, false)).unwrap();
            let hidden = tch::no_grad(|| encoder.hidden(&batch, false)).unwrap();
            for (at, (row, length)) in (0..).zip(rows) {
                compared.add(&doubles(&logits.select(0, at)), &cases[row].logits);
                compared.hidden(&hidden.select(0, at).narrow(0, 0, length), &cases[row].hidden);
            }
        }
        compared.assert_within(tolerance, &format!("{}, technique head", self.name));
    }

    fn check_masked_words(&self, cases: &[Masked], tolerance: f64) {
        let encoder = MaskedEncoder::new(&self.checkpoint, Device::Cpu).unwrap();
        let mut compared = Compared::default();
        let sentences: Vec<&str> = cases.iter().map(|case| case.sentence.as_str()).collect();
        for (batch, rows) in self.batches(&sentences) {
            let logits = tch::no_grad(|| encoder.logits(&batch, false)).unwrap();
            let hidden = tch::no_grad(|| encoder.hidden(&batch, false)).unwrap();
            for (at, (row, length)) in (0..).zip(rows) {
                compared.hidden(&hidden.select(0, at).narrow(0, 0, length), &cases[row].hidden);
                for place in &cases[row].places {
                    compared.vocabulary(&logits.select(0, at).select(0, place.position), place);
                }
            }
        }
        compared.assert_within(tolerance, &format!("{}, masked words", self.name));
        for case in cases {
            self.check_filling(&encoder, case);
        }
    }

    /// That the hidden words' guesses are transformers' best, in their order.
    fn check_filling(&self, encoder: &MaskedEncoder, case: &Masked) {
        let tokenize = self.tokenize();
        let mask = tokenize.mask_id().and_then(|id| tokenize.token_of(id)).unwrap();
        // The last place of a case is its first token, which hides no word.
        let hidden = &case.places[..case.places.len() - 1];
        let count = hidden[0].top.len();
        let text = case.sentence.replace(&mask, "[MASK]");
        let guesses = encoder.fill(&tokenize, &text, count).unwrap();
        let ours: Vec<Vec<i64>> =
            guesses.iter().map(|place| place.iter().map(|g| i64::from(g.id)).collect()).collect();
        let theirs: Vec<Vec<i64>> =
            hidden.iter().map(|place| place.top.iter().map(|(id, _)| *id).collect()).collect();
        assert_eq!(ours, theirs, "{}: {text}", self.name);
    }

    /// All sentences in one batch, so that padding is part of what is compared, then each
    /// alone; with each batch its rows and their lengths.
    fn batches(&self, sentences: &[&str]) -> Vec<(Batch, Vec<(usize, i64)>)> {
        let tokenize = self.tokenize();
        let ids = tokenize.ids(sentences).unwrap();
        let all: Vec<usize> = (0..sentences.len()).collect();
        let alone = all.iter().map(|&row| vec![row]);
        std::iter::once(all.clone())
            .chain(alone)
            .map(|rows| {
                let batch = Batch::new(&ids, &rows, tokenize.padding_id(), Device::Cpu);
                (batch, rows.into_iter().map(|row| (row, ids[row].len() as i64)).collect())
            })
            .collect()
    }

    /// What the file lacks is no golden number's concern: both sides make it by one rule.
    fn fill_new_variables(&self, encoder: &TechniqueEncoder) {
        for (variable, mut tensor) in encoder.parameters() {
            if self.new.iter().any(|prefix| variable.starts_with(prefix)) {
                let name = format!("{}/{variable}", self.name);
                let numbers = random_checkpoint::numbers(&name, tensor.numel());
                let numbers = Tensor::from_slice(&numbers).view(tensor.size().as_slice());
                tch::no_grad(|| tensor.copy_(&numbers));
            }
        }
    }
}

/// Writes the random checkpoint of that name and hands it to `check` with the corpus's
/// texts. One at a time: the largest takes a gigabyte of memory.
fn with_random(
    name: &'static str,
    golden: &'static Model,
    new: &'static [&'static str],
    settings: &[(&str, Value)],
    check: impl FnOnce(&Case, &[String]),
) {
    let _turn = turn();
    let Some(texts) = texts() else { return };
    let models = tempfile::tempdir().unwrap();
    let shape = random_checkpoint::shape(name).unwrap();
    random_checkpoint::write(models.path(), shape, golden.layers, texts).unwrap();
    let folder = models.path().join(name);
    let vocabulary = ["vocab.txt", "merges.txt"].map(|file| folder.join(file));
    let vocabulary = vocabulary.iter().find(|file| file.is_file()).unwrap();
    assert_eq!(
        hexadecimal(std::fs::read(vocabulary).unwrap()),
        golden.vocabulary_sha256,
        "{name}: another vocabulary; if that was meant, run environment/golden/parity.py again"
    );
    change_config(&folder, settings);
    let checkpoint = Checkpoint::open(name, &folder).unwrap();
    check(&Case { name, checkpoint, golden, new }, texts);
}

fn change_config(folder: &Path, settings: &[(&str, Value)]) {
    let path = folder.join("config.json");
    let mut config: HashMap<String, Value> =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config.extend(settings.iter().map(|(field, value)| ((*field).to_owned(), value.clone())));
    std::fs::write(&path, serde_json::to_vec(&config).unwrap()).unwrap();
}

fn check_all(case: &Case, texts: &[String]) {
    case.check_tokens(texts);
    case.check_classifier(&case.golden.classified, TOLERANCE);
    case.check_masked_words(&case.golden.masked, TOLERANCE);
}

#[test]
fn minilm_computes_what_transformers_does() {
    let models = std::env::var_os("TTP_MODELS")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| data("models"), PathBuf::from);
    let folder = models.join("minilm");
    if !folder.join("model.safetensors").is_file() {
        skip(&format!("{} has no minilm; `make data` fetches it", models.display()));
        return;
    }
    let _turn = turn();
    let Some(texts) = texts() else { return };
    let checkpoint = Checkpoint::open("minilm", &folder).unwrap();
    let case = Case { name: "minilm", checkpoint, golden: &GOLDEN.minilm, new: &["classifier"] };
    case.check_tokens(texts);
    case.check_classifier(&case.golden.classified, TOLERANCE);
}

#[test]
fn berts_shape_computes_what_transformers_does() {
    with_random("bert", &GOLDEN.bert, &["classifier"], &[], check_all);
}

#[test]
fn sciberts_shape_computes_what_transformers_does() {
    with_random("scibert", &GOLDEN.scibert, &["classifier"], &[], check_all);
}

#[test]
fn secberts_shape_computes_what_transformers_does() {
    let new = &["classifier", "bert.pooler"];
    with_random("secbert", &GOLDEN.secbert, new, &[], check_all);
}

#[test]
fn robertas_shape_computes_what_transformers_does() {
    let epsilon = [("layer_norm_eps", json!(1e-12))];
    with_random("roberta", &GOLDEN.roberta, &["classifier"], &epsilon, check_all);
}

/// RoBERTa's configuration says 1e-5, and transformers computes with it; the body of
/// <https://github.com/guillaume-be/rust-bert> knows 1e-12 alone.
#[test]
fn robertas_own_epsilon_is_computed_with() {
    let own = GOLDEN.roberta.with_its_own_epsilon.as_ref().unwrap();
    with_random("roberta", &GOLDEN.roberta, &["classifier"], &[], |case, _| {
        case.check_classifier(&own.classified, TOLERANCE);
        case.check_masked_words(&own.masked, TOLERANCE);
    });
}
