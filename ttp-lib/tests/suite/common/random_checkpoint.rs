//! Checkpoints of random numbers in the published models' shapes, for what the real ones
//! are too large or too far away: parity with Python, a run of the `paper` profile.
//!
//! Nothing is drawn: each number follows from the tensor's name and the number's place in
//! it by integer arithmetic, so that `environment/golden/parity.py` makes the same bits
//! without a file. Vocabularies are made of the corpus's own words.

use safetensors::tensor::{Dtype, View};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::path::Path;
use ttp_lib::corpus::{self, Source};
use ttp_lib::{Error, Result, files};

/// A published model's sizes and peculiarities.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The checkpoint's name in the catalogue, and its folder's.
    pub name: &'static str,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Transformer layers as published: what the example takes where it is told nothing.
    #[allow(dead_code)]
    pub layers: usize,
    hidden: usize,
    heads: usize,
    positions: usize,
    token_types: usize,
    cased: bool,
    layer_norm_eps: f64,
    /// Padding, unknown, first, last and masked word, each with its id.
    special: [(&'static str, usize); 5],
    /// The file of weights: what the published one has and lacks.
    stored: Stored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// bert-base-cased: LayerNorm's `gamma` and `beta`, a pooler, a next-sentence head.
    Older,
    /// SciBERT: today's names, otherwise as the older one.
    Pretraining,
    /// SecBERT: no pooler; the tied decoder and the buffer of positions written out.
    MaskedWords,
    /// RoBERTa: as SecBERT, with its own prefix and names of the head.
    Roberta,
}

const BASE: Shape = Shape {
    name: "bert",
    vocabulary: 28_996,
    layers: 12,
    hidden: 768,
    heads: 12,
    positions: 512,
    token_types: 2,
    cased: true,
    layer_norm_eps: 1e-12,
    special: [("[PAD]", 0), ("[UNK]", 100), ("[CLS]", 101), ("[SEP]", 102), ("[MASK]", 103)],
    stored: Stored::Older,
};

/// bert-base-cased, SciBERT (uncased) and SecBERT as published, and a small RoBERTa.
pub const SHAPES: [Shape; 4] = [
    BASE,
    Shape {
        name: "scibert",
        vocabulary: 31_090,
        cased: false,
        special: [("[PAD]", 0), ("[UNK]", 101), ("[CLS]", 102), ("[SEP]", 103), ("[MASK]", 104)],
        stored: Stored::Pretraining,
        ..BASE
    },
    Shape {
        name: "secbert",
        vocabulary: 52_000,
        layers: 6,
        positions: 514,
        token_types: 1,
        cased: false,
        // The published names; their order is the customary one, which its config's
        // pad_token_id of 0 does not know of.
        special: [("<pad>", 1), ("<unk>", 3), ("<s>", 0), ("</s>", 2), ("<mask>", 4)],
        stored: Stored::MaskedWords,
        ..BASE
    },
    Shape {
        name: "roberta",
        vocabulary: 700,
        layers: 2,
        hidden: 128,
        heads: 4,
        positions: 514,
        token_types: 1,
        layer_norm_eps: 1e-5,
        special: [("<pad>", 1), ("<unk>", 3), ("<s>", 0), ("</s>", 2), ("<mask>", 699)],
        stored: Stored::Roberta,
        ..BASE
    },
];

/// Numbers in a head of attention, where a shape is narrower than the published one.
const HEAD: usize = 16;

/// The shape of that name.
///
/// # Errors
/// If there is none.
pub fn shape(name: &str) -> Result<&'static Shape> {
    SHAPES.iter().find(|shape| shape.name == name).ok_or_else(|| Error::Unknown {
        kind: "shape",
        name: name.to_owned(),
        known: SHAPES.iter().map(|shape| shape.name.to_owned()).collect(),
    })
}

/// The texts of an ATT&CK bundle's corpus, of whose words vocabularies are made.
///
/// # Errors
/// If the bundle cannot be read.
pub fn corpus_texts(bundle: &Path) -> Result<Vec<String>> {
    let source = Source::Attack { bundle: bundle.to_path_buf(), tram: None };
    let corpus = corpus::build(&source)?.corpus;
    Ok(corpus.sentences.into_iter().map(|sentence| sentence.text).collect())
}

/// Writes `<models>/<shape.name>/` in the hub's layout with `layers` layers, whole or not
/// at all.
///
/// # Errors
/// If a file cannot be written.
pub fn write(models: &Path, shape: &Shape, layers: usize, texts: &[String]) -> Result<()> {
    files::write_folder(&models.join(shape.name), |folder| {
        files::write_json(&folder.join("config.json"), &shape.config(layers))?;
        match shape.stored {
            Stored::Roberta => write_byte_pairs(folder, shape, texts)?,
            _ => write_word_pieces(folder, shape, texts)?,
        }
        let tensors = shape.tensors(layers).into_iter().map(|one| (one.name.clone(), one));
        let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let path = folder.join("model.safetensors");
        safetensors::serialize_to_file(tensors, &Some(about), &path)
            .map_err(|error| Error::input(&path, format!("{error:?}")))
    })
}

/// The numbers of a tensor, near-normal: the sum of four 16-bit parts of a 64-bit hash,
/// scaled by a power of two. Every step is exact.
///
/// `name` is the shape's, a slash, and the variable's name in transformers.
pub fn numbers(name: &str, count: usize) -> Vec<f32> {
    /// Four times the mean of a 16-bit number.
    const MEAN: i32 = 2 * 65_535;
    let start = fnv1a(name);
    let (mean, scale) = mean_and_scale(name);
    (1..=count as u64)
        .map(|place| {
            let hash = splitmix64(start, place);
            let sum: i32 = (0..4).map(|part| ((hash >> (16 * part)) & 0xffff) as i32).sum();
            mean + (sum - MEAN) as f32 * scale
        })
        .collect()
}

/// The sum of four parts has a standard deviation of 2^15.2: a scale of 2^-21 makes 0.018
/// of it. LayerNorm's weights lie about 1; embeddings, queries and keys spread twice as
/// wide, or attention would hardly tell one word from another.
fn mean_and_scale(name: &str) -> (f32, f32) {
    const LAYER_NORMS: [&str; 2] = ["LayerNorm.weight", "layer_norm.weight"];
    const WIDE: [&str; 3] = ["word_embeddings.weight", "query.weight", "key.weight"];
    let is_one_of = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if is_one_of(&LAYER_NORMS) {
        (1.0, 2_f32.powi(-19))
    } else if is_one_of(&WIDE) {
        (0.0, 2_f32.powi(-20))
    } else {
        (0.0, 2_f32.powi(-21))
    }
}

/// FNV-1a, 64 bits: a name's start.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The `place`-th output of SplitMix64 (Steele, Lea and Flood 2014) from `start`.
fn splitmix64(start: u64, place: u64) -> u64 {
    let mut z = start.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A tensor of the file, whose numbers are made when they are written.
struct StoredTensor {
    /// Its name in the file.
    name: String,
    shape: Vec<usize>,
    content: Content,
}

enum Content {
    /// [`numbers`] of this name.
    Numbers(String),
    /// 0, 1, 2 …
    Positions,
}

impl View for StoredTensor {
    fn dtype(&self) -> Dtype {
        match self.content {
            Content::Numbers(_) => Dtype::F32,
            Content::Positions => Dtype::I64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let count: usize = self.shape.iter().product();
        Cow::Owned(match &self.content {
            Content::Numbers(name) => {
                numbers(name, count).into_iter().flat_map(f32::to_le_bytes).collect()
            }
            Content::Positions => (0..count as i64).flat_map(i64::to_le_bytes).collect(),
        })
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype().size()
    }
}

impl Shape {
    /// The same with another width, a multiple of 16: layers' names, files and vocabulary stay.
    ///
    /// # Errors
    /// If it is no multiple of 16.
    pub fn with_hidden(&self, hidden: usize) -> Result<Self> {
        if hidden == 0 || !hidden.is_multiple_of(HEAD) {
            let reason = format!("{hidden}; a multiple of {HEAD}");
            return Err(Error::Setting { field: "hidden", reason });
        }
        Ok(Self { hidden, heads: hidden / HEAD, ..self.clone() })
    }

    fn config(&self, layers: usize) -> Value {
        let [(_, padding), _, (_, first), (_, last), _] = self.special;
        let mut config = json!({
            "architectures": ["BertForMaskedLM"],
            "attention_probs_dropout_prob": 0.1,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "hidden_size": self.hidden,
            "initializer_range": 0.02,
            "intermediate_size": 4 * self.hidden,
            "layer_norm_eps": self.layer_norm_eps,
            "max_position_embeddings": self.positions,
            "model_type": "bert",
            "num_attention_heads": self.heads,
            "num_hidden_layers": layers,
            "pad_token_id": 0,
            "position_embedding_type": "absolute",
            "type_vocab_size": self.token_types,
            "vocab_size": self.vocabulary,
        });
        if self.stored == Stored::Roberta {
            config["architectures"] = json!(["RobertaForMaskedLM"]);
            config["model_type"] = json!("roberta");
            config["pad_token_id"] = json!(padding);
            config["bos_token_id"] = json!(first);
            config["eos_token_id"] = json!(last);
        }
        config
    }

    fn tensors(&self, layers: usize) -> Vec<StoredTensor> {
        let layers = (0..layers).flat_map(|layer| self.layer(layer));
        let parts = self.embeddings().into_iter().chain(layers).chain(self.heads());
        let own = parts.map(|(name, shape)| self.stored(&name, &name, shape));
        own.chain(self.repeated()).collect()
    }

    fn body(&self) -> &'static str {
        if self.stored == Stored::Roberta { "roberta" } else { "bert" }
    }

    fn head(&self) -> &'static str {
        if self.stored == Stored::Roberta { "lm_head" } else { "cls.predictions" }
    }

    fn embeddings(&self) -> Vec<(String, Vec<usize>)> {
        let tensors = [
            ("word_embeddings.weight", vec![self.vocabulary, self.hidden]),
            ("position_embeddings.weight", vec![self.positions, self.hidden]),
            ("token_type_embeddings.weight", vec![self.token_types, self.hidden]),
            ("LayerNorm.weight", vec![self.hidden]),
            ("LayerNorm.bias", vec![self.hidden]),
        ];
        tensors.map(|(name, shape)| (format!("{}.embeddings.{name}", self.body()), shape)).into()
    }

    fn layer(&self, layer: usize) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner) = (self.hidden, 4 * self.hidden);
        let parts = [
            ("attention.self.query", vec![hidden, hidden]),
            ("attention.self.key", vec![hidden, hidden]),
            ("attention.self.value", vec![hidden, hidden]),
            ("attention.output.dense", vec![hidden, hidden]),
            ("attention.output.LayerNorm", vec![hidden]),
            ("intermediate.dense", vec![inner, hidden]),
            ("output.dense", vec![hidden, inner]),
            ("output.LayerNorm", vec![hidden]),
        ];
        let place = format!("{}.encoder.layer.{layer}", self.body());
        let pairs = parts.into_iter().map(|(part, shape)| (format!("{place}.{part}"), shape));
        pairs.flat_map(|(name, shape)| weight_and_bias(&name, shape)).collect()
    }

    /// The masked-language-model head without its tied layer, and what was pretrained along with it.
    fn heads(&self) -> Vec<(String, Vec<usize>)> {
        let (head, hidden) = (self.head(), self.hidden);
        let (dense, norm) = match self.stored {
            Stored::Roberta => ("dense", "layer_norm"),
            _ => ("transform.dense", "transform.LayerNorm"),
        };
        let mut heads = vec![(format!("{head}.bias"), vec![self.vocabulary])];
        heads.extend(weight_and_bias(&format!("{head}.{dense}"), vec![hidden, hidden]));
        heads.extend(weight_and_bias(&format!("{head}.{norm}"), vec![hidden]));
        if matches!(self.stored, Stored::Older | Stored::Pretraining) {
            heads.extend(weight_and_bias("bert.pooler.dense", vec![hidden, hidden]));
            heads.extend(weight_and_bias("cls.seq_relationship", vec![2, hidden]));
        }
        heads
    }

    /// What some files hold although it follows from the rest. transformers 4.46 needs
    /// RoBERTa's: it sets the head's bias to 0 where the file lacks the decoder's.
    fn repeated(&self) -> Vec<StoredTensor> {
        if matches!(self.stored, Stored::Older | Stored::Pretraining) {
            return Vec::new();
        }
        let (head, embeddings) = (self.head(), format!("{}.embeddings", self.body()));
        let words = format!("{embeddings}.word_embeddings.weight");
        let shape = vec![self.vocabulary, self.hidden];
        let bias = vec![self.vocabulary];
        vec![
            self.stored(&format!("{head}.decoder.weight"), &words, shape),
            self.stored(&format!("{head}.decoder.bias"), &format!("{head}.bias"), bias),
            StoredTensor {
                name: format!("{embeddings}.position_ids"),
                shape: vec![1, self.positions],
                content: Content::Positions,
            },
        ]
    }

    /// The tensor that stands under `name` and holds the numbers of `source`.
    fn stored(&self, name: &str, source: &str, shape: Vec<usize>) -> StoredTensor {
        let name = match name.rsplit_once("LayerNorm.") {
            Some((stem, "weight")) if self.stored == Stored::Older => {
                format!("{stem}LayerNorm.gamma")
            }
            Some((stem, _)) if self.stored == Stored::Older => format!("{stem}LayerNorm.beta"),
            _ => name.to_owned(),
        };
        let content = Content::Numbers(format!("{}/{source}", self.name));
        StoredTensor { name, shape, content }
    }
}

/// A linear layer's or a layer norm's two tensors, from the shape of its weight.
fn weight_and_bias(name: &str, shape: Vec<usize>) -> [(String, Vec<usize>); 2] {
    let bias = vec![shape[0]];
    [(format!("{name}.weight"), shape), (format!("{name}.bias"), bias)]
}

/// Letters and signs that are words and ends of words by themselves: Latin, Greek,
/// Cyrillic, Hebrew, Arabic, kana, a few ideographs, punctuation, faces.
const SCRIPTS: [RangeInclusive<char>; 14] = [
    '!'..='~',
    '¡'..='¬',
    '®'..='ÿ',
    '\u{300}'..='\u{304}',
    'Α'..='Ρ',
    'α'..='ω',
    'А'..='я',
    'א'..='ת',
    'ء'..='غ',
    'ف'..='ي',
    '‐'..='‧',
    'ぁ'..='ゖ',
    '日'..='昿',
    '😀'..='😏',
];

fn write_word_pieces(folder: &Path, shape: &Shape, texts: &[String]) -> Result<()> {
    let pieces = word_pieces(shape, texts);
    files::write_text(&folder.join("vocab.txt"), &(pieces.join("\n") + "\n"))?;
    let [padding, unknown, first, last, mask] = shape.special.map(|(token, _)| token);
    let special = json!({
        "pad_token": padding, "unk_token": unknown, "cls_token": first, "sep_token": last,
        "mask_token": mask,
    });
    let mut settings = special.clone();
    settings["do_lower_case"] = json!(!shape.cased);
    settings["model_max_length"] = json!(512);
    // Each with the files that the published one has: SciBERT, for one, has vocab.txt alone.
    match shape.stored {
        Stored::Older => {
            files::write_json(&folder.join("tokenizer_config.json"), &settings)?;
            files::write_json(&folder.join("tokenizer.json"), &tokenizer(shape, &pieces))
        }
        Stored::MaskedWords => {
            files::write_json(&folder.join("tokenizer_config.json"), &settings)?;
            files::write_json(&folder.join("special_tokens_map.json"), &special)
        }
        Stored::Pretraining | Stored::Roberta => Ok(()),
    }
}

/// `tokenizer.json` of a BERT vocabulary.
fn tokenizer(shape: &Shape, pieces: &[String]) -> Value {
    let vocabulary: BTreeMap<&str, usize> = pieces.iter().map(String::as_str).zip(0..).collect();
    let [_, unknown, first, last, _] = shape.special;
    let mut special = shape.special;
    special.sort_by_key(|(_, id)| *id);
    let added: Vec<Value> = special
        .iter()
        .map(|(token, id)| {
            json!({ "id": id, "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true })
        })
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": { "type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": true, "strip_accents": null, "lowercase": !shape.cased },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "BertProcessing", "sep": last, "cls": first },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": { "type": "WordPiece", "unk_token": unknown.0,
            "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": vocabulary },
    })
}

/// Exactly `shape.vocabulary` pieces: the special ones at their places, `[unusedN]` below
/// them, then single characters, words that occur at least twice, frequent ends of words,
/// and `[unusedN]` again.
fn word_pieces(shape: &Shape, texts: &[String]) -> Vec<String> {
    const ENDINGS: usize = 3_000;
    let words = words(texts, shape.cased);
    let characters = SCRIPTS
        .into_iter()
        .flatten()
        .filter(|character| shape.cased || !character.is_ascii_uppercase())
        .flat_map(|character| [character.to_string(), format!("##{character}")]);
    let repeated = words.iter().filter(|(_, count)| *count > 1).map(|(word, _)| word.clone());
    let endings = endings(&words).into_iter().take(ENDINGS).map(|ending| format!("##{ending}"));
    let mut seen = HashSet::new();
    let mut pieces = characters
        .chain(repeated)
        .chain(endings)
        .filter(|piece| seen.insert(piece.clone()))
        .collect::<Vec<_>>()
        .into_iter();
    let special: HashMap<usize, &str> = shape.special.iter().map(|(t, id)| (*id, *t)).collect();
    let reserved = special.keys().max().copied().unwrap_or(0);
    (0..shape.vocabulary)
        .map(|id| match special.get(&id) {
            Some(token) => (*token).to_owned(),
            None if id < reserved => format!("[unused{id}]"),
            None => pieces.next().unwrap_or_else(|| format!("[unused{id}]")),
        })
        .collect()
}

/// The runs of ASCII letters and digits, in the order in which they first occur, each with
/// how often it does.
fn words(texts: &[String], cased: bool) -> Vec<(String, usize)> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for word in texts.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric())) {
        if word.is_empty() {
            continue;
        }
        let word = if cased { word.to_owned() } else { word.to_ascii_lowercase() };
        let place = *places.entry(word.clone()).or_insert(counted.len());
        match counted.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => counted.push((word, 1)),
        }
    }
    counted
}

/// Ends of words, two to five letters long, those that most words have first.
fn endings(words: &[(String, usize)]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (word, _) in words {
        for length in (2..=5).filter(|length| *length < word.len()) {
            *counts.entry(&word[word.len() - length..]).or_insert(0) += 1;
        }
    }
    let mut endings: Vec<(&str, usize)> = counts.into_iter().collect();
    endings.sort_by_key(|(_, count)| Reverse(*count));
    endings.into_iter().map(|(ending, _)| ending.to_owned()).collect()
}

fn write_byte_pairs(folder: &Path, shape: &Shape, texts: &[String]) -> Result<()> {
    let special: HashMap<usize, &str> = shape.special.iter().map(|(t, id)| (*id, *t)).collect();
    let bytes = (0..=u8::MAX).map(|byte| byte_sign(byte).to_string()).collect::<Vec<_>>();
    let merges = byte_pairs(texts, &bytes, shape.vocabulary - special.len() - bytes.len());
    let joined = merges.iter().map(|(a, b)| format!("{a}{b}"));
    let mut tokens = bytes.iter().cloned().chain(joined);
    let vocabulary: BTreeMap<String, usize> = (0..shape.vocabulary)
        .filter_map(|id| match special.get(&id) {
            Some(token) => Some(((*token).to_owned(), id)),
            None => tokens.next().map(|token| (token, id)),
        })
        .collect();
    files::write_json(&folder.join("vocab.json"), &vocabulary)?;
    let lines: String = merges.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
    files::write_text(&folder.join("merges.txt"), &format!("#version: 0.2\n{lines}"))
}

/// The sign by which byte-level vocabularies write a byte: itself where it can be seen in
/// Latin-1, else the next free one from U+0100 on.
fn byte_sign(byte: u8) -> char {
    let seen = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if seen(&byte) {
        return char::from(byte);
    }
    let unseen_before = (0..byte).filter(|other| !seen(other)).count() as u32;
    char::from_u32(0x100 + unseen_before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Byte-pair merges learned from the first thousand words: the most frequent pair first,
/// of equals the one whose parts are older.
fn byte_pairs(texts: &[String], bytes: &[String], merges: usize) -> Vec<(String, String)> {
    let mut symbols: Vec<String> = bytes.to_vec();
    let mut spelled: Vec<(Vec<usize>, usize)> = words(texts, true)
        .into_iter()
        .take(1_000)
        .map(|(word, count)| (format!(" {word}").bytes().map(usize::from).collect(), count))
        .collect();
    let mut learned = Vec::with_capacity(merges);
    while learned.len() < merges {
        let mut pairs: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (word, count) in &spelled {
            for pair in word.windows(2) {
                *pairs.entry((pair[0], pair[1])).or_insert(0) += count;
            }
        }
        let Some(((a, b), _)) = pairs.into_iter().min_by_key(|(_, count)| Reverse(*count)) else {
            break;
        };
        learned.push((symbols[a].clone(), symbols[b].clone()));
        symbols.push(format!("{}{}", symbols[a], symbols[b]));
        for (word, _) in &mut spelled {
            join(word, (a, b), symbols.len() - 1);
        }
    }
    learned
}

/// Puts `joined` in every place of `pair`, from the left.
fn join(word: &mut Vec<usize>, pair: (usize, usize), joined: usize) {
    let mut at = 0;
    while at + 1 < word.len() {
        if (word[at], word[at + 1]) == pair {
            word.splice(at..at + 2, [joined]);
        }
        at += 1;
    }
}
