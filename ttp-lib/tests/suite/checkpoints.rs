//! Checkpoints of every kind that is read, and of every kind of damage: loaded right, or
//! not at all, with one line that says why.

use crate::common::{random_checkpoint, turn};
use rust_bert::bert::{BertEmbeddings, BertForMaskedLM, BertModel};
use rust_bert::roberta::RobertaForMaskedLM;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tch::{Device, Kind, Tensor, nn};
use ttp_lib::encoder::{MaskedEncoder, SentenceEncoder, TechniqueEncoder};
use ttp_lib::pretrained::{Architecture, Checkpoint, LoadSummary};

type Tensors = BTreeMap<String, Tensor>;

/// A checkpoint's folder, at first with a configuration and a vocabulary alone.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(config: &Value) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.json("config.json", config);
        folder.text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nmail\nlink\nkey\n");
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn text(&self, name: &str, text: &str) {
        self.bytes(name, text.as_bytes());
    }

    fn bytes(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(name), bytes).unwrap();
    }

    fn json(&self, name: &str, value: &Value) {
        self.text(name, &value.to_string());
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }

    fn tensors(&self, tensors: &Tensors) {
        let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        Tensor::write_safetensors(&tensors, self.path().join("model.safetensors")).unwrap();
    }

    fn open(&self) -> ttp_lib::Result<Checkpoint> {
        Checkpoint::open("tiny", self.path())
    }

    fn load(&self, vars: &nn::VarStore, new: &[&str]) -> ttp_lib::Result<LoadSummary> {
        self.open()?.load_weights(vars, new)
    }

    /// An error's line, without the folder's name.
    fn line<T>(&self, result: ttp_lib::Result<T>) -> String {
        let message = result.map(|_| ()).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message.replace(&self.path().display().to_string(), "tiny")
    }
}

fn config() -> Value {
    json!({ "model_type": "bert", "hidden_size": 8, "intermediate_size": 16, "vocab_size": 8,
        "max_position_embeddings": 64, "num_attention_heads": 2, "num_hidden_layers": 1 })
}

fn with(changes: Value) -> Value {
    let mut config = config();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

/// A model's variables, drawn anew, in a folder of its own.
fn body(config: &Value) -> (Folder, nn::VarStore) {
    let folder = Folder::new(config);
    // Enough for a file of any size here; what is in it comes after.
    folder.bytes("model.safetensors", &[0; 1 << 20]);
    let vars = nn::VarStore::new(Device::Cpu);
    let bert_config = folder.open().unwrap().bert_config().unwrap();
    drop(BertModel::<BertEmbeddings>::new(vars.root() / "bert", &bert_config));
    folder.tensors(&copies(&vars));
    (folder, vars)
}

fn copies(vars: &nn::VarStore) -> Tensors {
    vars.variables().into_iter().map(|(name, tensor)| (name, tensor.detach().copy())).collect()
}

fn clear(vars: &nn::VarStore) {
    tch::no_grad(|| vars.variables().values_mut().for_each(|tensor| drop(tensor.zero_())));
}

fn assert_equal(left: &Tensors, right: &Tensors) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, tensor) in left {
        assert!(tensor.kind() == Kind::Float && tensor.equal(&right[name]), "{name}");
    }
}

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

// ---- tokenizers ----

#[test]
fn ids_and_words_are_those_of_transformers() {
    let golden = golden(include_str!("../golden/vocabularies.json"));
    let texts: Vec<&str> =
        golden["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    for (name, expected) in golden["folders"].as_object().unwrap() {
        let (model_type, size) = (&expected["model_type"], &expected["size"]);
        let pad = u8::from(model_type != "bert");
        let folder = Folder::new(&with(json!({ "model_type": model_type, "vocab_size": size,
            "pad_token_id": pad, "max_position_embeddings": 62 })));
        folder.remove("vocab.txt");
        folder.bytes("model.safetensors", &[0; 8192]);
        for (file, content) in expected["files"].as_object().unwrap() {
            match content.as_str() {
                Some(key) => folder.text(file, golden["contents"][key].as_str().unwrap()),
                None => folder.json(file, content),
            }
        }
        let tokenize = folder.open().unwrap().tokenizer(60).unwrap();
        let short = folder.open().unwrap().tokenizer(8).unwrap();
        for (text, ids) in texts.iter().zip(expected["ids"].as_array().unwrap()) {
            assert_eq!(&json!(tokenize.ids(&[text]).unwrap()[0]), ids, "{name}: {text:?}");
        }
        for (text, words) in texts.iter().zip(expected["words"].as_array().unwrap()) {
            let ours = tokenize.words(text).unwrap();
            assert_eq!(ours, short.words(text).unwrap(), "a cut hides no word of {text:?}");
            let ours = ours.iter().map(|w| json!([w.word, w.tokens, w.unknown]));
            assert_eq!(&json!(ours.collect::<Vec<_>>()), words, "{name}: {text:?}");
        }
        assert_eq!(json!(tokenize.mask_id()), expected["mask"], "{name}");
        assert_eq!(json!(tokenize.padding_id()), expected["padding"], "{name}");
        assert_eq!(json!(tokenize.unknown_id()), expected["unknown"], "{name}");
        assert_eq!(json!(tokenize.special_ids()), expected["special"], "{name}");
        assert_eq!(json!(tokenize.vocabulary_size()), *size, "{name}");
    }
}

#[test]
fn tokens_have_ids_and_ids_tokens() {
    let (folder, _) = body(&config());
    let tokenize = folder.open().unwrap().tokenizer(16).unwrap();
    assert_eq!(
        tokenize.tokens("mail KEY log").unwrap(),
        ["[CLS]", "mail", "key", "[UNK]", "[SEP]"]
    );
    assert_eq!((tokenize.id_of("key"), tokenize.id_of("log")), (Some(7), None));
    assert_eq!(tokenize.token_of(7).as_deref(), Some("key"));
    assert_eq!(tokenize.token_of(8), None);
}

#[test]
fn tokenizers_that_do_not_fit_are_named() {
    let (folder, _) = body(&config());
    let said = || folder.line(folder.open().and_then(|checkpoint| checkpoint.tokenizer(16)));
    folder.text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\ne\n");
    assert_eq!(said(), "tiny/vocab.txt: 9 tokens, but the model has 8 embeddings");
    folder.text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\na\na\na\na\na\n[SEP]\n");
    assert_eq!(said(), "tiny/vocab.txt: \"[SEP]\" has the id 8 of 8 embeddings");
    folder.text("vocab.txt", "<s>\n<pad>\n</s>\n");
    assert_eq!(said(), "tiny/vocab.txt: its sep_token \"[SEP]\" is not among its tokens");
    folder.json("special_tokens_map.json", &json!({ "cls_token": "<s>", "sep_token": "</s>" }));
    assert!(said().starts_with("tiny/vocab.txt: "), "{}", said());
    folder.json("special_tokens_map.json", &json!({ "cls_token": 7 }));
    assert_eq!(said(), "tiny/special_tokens_map.json, field \"cls_token\": 7 is no token");
    folder.text("special_tokens_map.json", "[]");
    assert!(said().starts_with("tiny/special_tokens_map.json, row 1: invalid type"), "{}", said());
    folder.remove("special_tokens_map.json");
    folder.json("tokenizer_config.json", &json!({ "do_lower_case": "no" }));
    assert_eq!(
        said(),
        "tiny/tokenizer_config.json, field \"do_lower_case\": \"no\" is neither true nor false"
    );
    folder.json("tokenizer_config.json", &json!({ "truncation_side": "middle" }));
    assert_eq!(
        said(),
        "tiny/tokenizer_config.json, field \"truncation_side\": \"middle\" is neither \"left\" nor \
         \"right\""
    );
    folder.json("tokenizer_config.json", &json!({ "do_basic_tokenize": false }));
    assert_eq!(
        said(),
        "tiny/tokenizer_config.json, field \"do_basic_tokenize\": false is not supported; true is"
    );
    folder.remove("tokenizer_config.json");
    folder.json("added_tokens.json", &json!({ "[CTI]": 7 }));
    folder.text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n");
    assert_eq!(said(), "tiny/vocab.txt: an added token has the id 7, and 4 comes next");
    folder.remove("added_tokens.json");
    folder.bytes("vocab.txt", &[b'a', b'\n', 0xff]);
    assert_eq!(said(), "tiny/vocab.txt, row 2: not UTF-8");
    folder.remove("vocab.txt");
    assert_eq!(said(), "tiny: no tokenizer: neither tokenizer.json nor vocab.txt nor vocab.json");
    folder.json("vocab.json", &json!({ "[PAD]": 0 }));
    assert!(said().starts_with("tiny/merges.txt: cannot read: "), "{}", said());
    folder.text("merges.txt", "#version: 0.2\na b\n");
    assert_eq!(said(), "tiny/merges.txt, row 2: \"a\" is not in the vocabulary");
    folder.text("merges.txt", "a b c\n");
    assert_eq!(said(), "tiny/merges.txt, row 1: not two tokens");
    folder.text("tokenizer.json", "{}");
    assert!(said().starts_with("tiny/tokenizer.json: "), "{}", said());
}

#[test]
fn a_length_is_held_against_the_places_that_can_be_used() {
    let (folder, _) = body(&config());
    let said = |length| folder.line(folder.open().unwrap().tokenizer(length));
    assert!(folder.open().unwrap().tokenizer(64).is_ok());
    assert_eq!(said(65), "setting training.max_length: 65, but tiny has places for 64 tokens");
    assert_eq!(said(2), "setting training.max_length: 2, but two are special tokens");
    folder.json("config.json", &with(json!({ "model_type": "roberta" })));
    assert_eq!(folder.open().unwrap().places(), 62);
    assert_eq!(said(63), "setting training.max_length: 63, but tiny has places for 62 tokens");
}

#[test]
fn a_model_saved_from_a_vocabulary_alone_opens_again() {
    let _turn = turn();
    let (folder, _) = body(&config());
    let checkpoint = folder.open().unwrap();
    assert_eq!(checkpoint.tokenizer_files(), [folder.path().join("vocab.txt")]);
    let labels = vec!["T1056".to_owned(), "T1566".to_owned()];
    let encoder = TechniqueEncoder::new(&checkpoint, labels, Device::Cpu, 1).unwrap();
    let saved = tempfile::tempdir().unwrap();
    encoder.save(saved.path(), &checkpoint).unwrap();
    let opened = TechniqueEncoder::open(saved.path(), Device::Cpu).unwrap();
    let tokenize = Checkpoint::open("saved", saved.path()).unwrap().tokenizer(16).unwrap();
    assert_eq!(
        opened.predict(&tokenize, &["mail a key"]).unwrap(),
        encoder.predict(&tokenize, &["mail a key"]).unwrap()
    );
}

#[test]
fn a_text_is_cut_on_the_side_that_the_tokenizer_says() {
    let (folder, _) = body(&config());
    let tokens = |text| folder.open().unwrap().tokenizer(5).unwrap().tokens(text).unwrap();
    assert_eq!(tokens("mail key link key mail"), ["[CLS]", "mail", "key", "link", "[SEP]"]);
    folder.json("tokenizer_config.json", &json!({ "truncation_side": "left" }));
    assert_eq!(tokens("mail key link key mail"), ["[CLS]", "link", "key", "mail", "[SEP]"]);
}

/// Classes whose rules are others': https://github.com/huggingface/tokenizers/issues/1206
#[test]
fn a_tokenizer_of_another_class_is_named() {
    let (folder, _) = body(&config());
    let said = || folder.line(folder.open().and_then(|checkpoint| checkpoint.tokenizer(16)));
    let known = "BertTokenizerFast, DistilBertTokenizerFast, ElectraTokenizerFast, \
                 MPNetTokenizerFast, PreTrainedTokenizerFast, RobertaTokenizerFast are";
    folder.json("config.json", &with(json!({ "tokenizer_class": "BertJapaneseTokenizer" })));
    assert_eq!(
        said(),
        format!(
            "tiny/config.json, field \"tokenizer_class\": \"BertJapaneseTokenizer\" is not \
             supported; {known}"
        )
    );
    // What stands beside the tokenizer comes first.
    for class in ["BertTokenizer", "DistilBertTokenizerFast", "ElectraTokenizer"] {
        folder.json("tokenizer_config.json", &json!({ "tokenizer_class": class }));
        assert!(folder.open().unwrap().tokenizer(16).is_ok(), "{class}");
    }
    folder.json("tokenizer_config.json", &json!({ "tokenizer_class": "XLNetTokenizerFast" }));
    assert_eq!(
        said(),
        format!(
            "tiny/tokenizer_config.json, field \"tokenizer_class\": \"XLNetTokenizerFast\" is not \
             supported; {known}"
        )
    );
    for (class, wanted) in
        [("RobertaTokenizer", "vocab.json"), ("PreTrainedTokenizerFast", "tokenizer.json")]
    {
        folder.json("tokenizer_config.json", &json!({ "tokenizer_class": class }));
        assert_eq!(
            said(),
            format!(
                "tiny/tokenizer_config.json, field \"tokenizer_class\": {class:?} reads {wanted}, \
                 and there is vocab.txt"
            )
        );
    }
}

// ---- configurations ----

#[test]
fn a_configuration_that_cannot_be_computed_is_named_by_field() {
    let (folder, _) = body(&config());
    let said = |changes: Value| {
        folder.json("config.json", &with(changes));
        let line = folder.line(folder.open());
        line.strip_prefix("tiny/config.json, field ").unwrap_or(&line).to_owned()
    };
    for field in ["hidden_size", "vocab_size", "num_hidden_layers", "num_attention_heads"] {
        let mut missing = config();
        missing.as_object_mut().unwrap().remove(field);
        folder.json("config.json", &missing);
        let line = folder.line(folder.open());
        assert_eq!(line, format!("tiny/config.json, field {field:?}: missing"));
        for wrong in [json!(-8), json!(0), json!(1_u64 << 40), json!(8.0), json!("8"), json!(null)]
        {
            let line = said(json!({ field: wrong }));
            assert_eq!(line, format!("{field:?}: {wrong} is not a size from 1 to 16777216"));
        }
    }
    for (changes, line) in [
        (
            json!({ "model_type": "t5" }),
            "\"model_type\": \"t5\" is not supported; \"bert\", \"roberta\" and \"mpnet\" are",
        ),
        (
            json!({ "model_type": null }),
            "\"model_type\": null is not supported; \"bert\", \"roberta\" and \"mpnet\" are",
        ),
        (
            json!({ "num_attention_heads": 3 }),
            "\"hidden_size\": not a multiple of num_attention_heads",
        ),
        (
            json!({ "type_vocab_size": -1 }),
            "\"type_vocab_size\": -1 is not a size from 1 to 16777216",
        ),
        (json!({ "hidden_dropout_prob": 2 }), "\"hidden_dropout_prob\": 2 is not from 0 to 1"),
        (json!({ "layer_norm_eps": -1e-4 }), "\"layer_norm_eps\": -0.0001 is not from 0 to 1"),
        (json!({ "layer_norm_eps": "x" }), "\"layer_norm_eps\": \"x\" is not from 0 to 1"),
        (json!({ "classifier_dropout": 1.5 }), "\"classifier_dropout\": 1.5 is not from 0 to 1"),
        (
            json!({ "pruned_heads": { "0": [1] } }),
            "\"pruned_heads\": pruned attention heads are not supported; whole layers are",
        ),
        (
            json!({ "quantization_config": { "quant_method": "gptq" } }),
            "\"quantization_config\": quantized weights are not supported; F32, F16 and BF16 are",
        ),
        (
            json!({ "problem_type": "ranking" }),
            "\"problem_type\": \"ranking\" is not known; known: single_label_classification, \
             multi_label_classification, regression",
        ),
        (
            json!({ "is_encoder_decoder": true }),
            "\"is_encoder_decoder\": a decoder is not supported; an encoder is",
        ),
        (
            json!({ "position_embedding_type": "relative_key" }),
            "\"position_embedding_type\": \"relative_key\" is not supported; \"absolute\" is",
        ),
        (
            json!({ "is_decoder": true }),
            "\"is_decoder\": a decoder is not supported; an encoder is",
        ),
        (
            json!({ "add_cross_attention": true }),
            "\"add_cross_attention\": a decoder is not supported; an encoder is",
        ),
        (json!({ "pad_token_id": 8 }), "\"pad_token_id\": 8 is not an id of the vocabulary's 8"),
        (
            json!({ "model_type": "roberta", "pad_token_id": 0 }),
            "\"pad_token_id\": 0 is not supported; 1 is",
        ),
        (
            json!({ "model_type": "roberta", "max_position_embeddings": 2 }),
            "\"max_position_embeddings\": no place left after the padding's",
        ),
        (
            json!({ "hidden_act": "swoosh" }),
            "\"hidden_act\": \"swoosh\" is not known; known: gelu, \
            gelu_new, mish, relu, silu, swish, tanh",
        ),
    ] {
        assert_eq!(said(changes), line);
    }
}

#[test]
fn sizes_that_would_take_all_memory_are_held_against_the_file() {
    let (folder, _) = body(&config());
    folder.json("config.json", &with(json!({ "hidden_size": 1 << 24 })));
    let line = folder.line(folder.open());
    assert!(line.starts_with("tiny/model.safetensors: "), "{line}");
    assert!(line.ends_with(" config.json is of a model of 1125901869776912 numbers"), "{line}");
}

#[test]
fn keys_that_transformers_fills_in_are_filled_in() {
    let (folder, _) = body(&config());
    let checkpoint = folder.open().unwrap();
    let bert = checkpoint.bert_config().unwrap();
    assert_eq!((bert.type_vocab_size, checkpoint.size("type_vocab_size")), (2, 2));
    assert_eq!((bert.hidden_dropout_prob, bert.attention_probs_dropout_prob), (0.1, 0.1));
    assert_eq!((bert.initializer_range, checkpoint.family()), (0.02, Architecture::Bert));
    assert_eq!(checkpoint.epsilon(), 1e-12);
    folder.json("config.json", &with(json!({ "model_type": "roberta", "layer_norm_eps": 1e-5 })));
    let roberta = folder.open().unwrap();
    assert_eq!(roberta.family(), Architecture::Roberta);
    assert_eq!(roberta.bert_config().unwrap().vocab_size, 8);
    assert_eq!(roberta.epsilon(), 1e-5);
}

#[test]
fn secberts_shape_is_taken_from_its_configuration() {
    let _turn = turn();
    let secbert = with(json!({ "vocab_size": 52_000, "max_position_embeddings": 514,
        "type_vocab_size": 1, "num_hidden_layers": 6, "num_attention_heads": 4 }));
    let (folder, vars) = body(&secbert);
    let stored = copies(&vars);
    clear(&vars);
    let loaded = folder.load(&vars, &[]).unwrap();
    assert_eq!(loaded, LoadSummary { tensors: stored.len(), ..LoadSummary::default() });
    assert_equal(&copies(&vars), &stored);
    assert_eq!(stored["bert.embeddings.word_embeddings.weight"].size(), [52_000, 8]);
    assert_eq!(stored["bert.embeddings.position_embeddings.weight"].size(), [514, 8]);
    assert_eq!(stored["bert.embeddings.token_type_embeddings.weight"].size(), [1, 8]);
    assert!(stored.contains_key("bert.encoder.layer.5.output.dense.weight"));
    assert!(folder.open().unwrap().tokenizer(514).is_ok(), "BERT's places are all used");
}

// ---- folders ----

#[test]
fn a_folder_without_weights_is_named() {
    let (folder, _) = body(&config());
    folder.remove("model.safetensors");
    let said = || folder.line(folder.open());
    assert_eq!(said(), "tiny: no weights: neither model.safetensors nor pytorch_model.bin");
    folder.text("pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    assert_eq!(said(), "tiny/pytorch_model.bin: a pointer of git-lfs, not the weights themselves");
    folder.text("pytorch_model.bin", "");
    assert!(said().starts_with("tiny/pytorch_model.bin: 0 bytes, but config.json"), "{}", said());
    folder.remove("config.json");
    assert!(said().starts_with("tiny/config.json: cannot read: "), "{}", said());
}

// ---- weights in several files ----

/// The tensors of a model in two files by their names' order, and the index that names them.
fn in_two_files(folder: &Folder, tensors: &Tensors, names: [&str; 2], index: &str) {
    let middle = tensors.len() / 2;
    let mut map = Map::new();
    for (part, name) in names.into_iter().enumerate() {
        let here = tensors.iter().enumerate().filter(|(at, _)| usize::from(*at >= middle) == part);
        let here: Vec<(&str, &Tensor)> = here.map(|(_, (n, t))| (n.as_str(), t)).collect();
        map.extend(here.iter().map(|(tensor, _)| ((*tensor).to_owned(), json!(name))));
        Tensor::write_safetensors(&here, folder.path().join(name)).unwrap();
    }
    folder.json(index, &json!({ "metadata": { "total_size": 0 }, "weight_map": map }));
}

#[test]
fn weights_in_several_files_are_read_as_one() {
    let _turn = turn();
    const INDEX: &str = "model.safetensors.index.json";
    const PARTS: [&str; 2] =
        ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let (folder, vars) = body(&config());
    let stored = copies(&vars);
    folder.remove("model.safetensors");
    in_two_files(&folder, &stored, PARTS, INDEX);
    clear(&vars);
    let loaded = folder.load(&vars, &[]).unwrap();
    assert_eq!(loaded, LoadSummary { tensors: stored.len(), ..LoadSummary::default() });
    assert_equal(&copies(&vars), &stored);

    // A tensor that is no number is named with the file that it is in.
    let mut damaged: Tensors = stored.iter().map(|(n, t)| (n.clone(), t.copy())).collect();
    drop(damaged.get_mut("bert.pooler.dense.bias").unwrap().fill_(f64::NAN));
    in_two_files(&folder, &damaged, PARTS, INDEX);
    assert_eq!(
        folder.line(folder.load(&vars, &[])),
        format!("tiny/{}: bert.pooler.dense.bias holds NaN or an infinity", PARTS[1])
    );

    // The whole file comes before the parts, as in transformers.
    folder.tensors(&stored);
    assert!(folder.load(&vars, &[]).is_ok());
}

#[test]
fn an_index_that_lies_is_named() {
    let _turn = turn();
    const INDEX: &str = "model.safetensors.index.json";
    let (folder, vars) = body(&config());
    let stored = copies(&vars);
    folder.remove("model.safetensors");
    in_two_files(&folder, &stored, ["a.safetensors", "b.safetensors"], INDEX);
    let index: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join(INDEX)).unwrap()).unwrap();
    let said = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut index = index.clone();
        change(index["weight_map"].as_object_mut().unwrap());
        folder.json(INDEX, &index);
        let line = folder.line(folder.load(&vars, &[]));
        line.strip_prefix("tiny/model.safetensors.index.json").unwrap_or(&line).to_owned()
    };
    let field = ", field \"weight_map\": ";
    assert_eq!(said(&|map| map.clear()), format!("{field}it names no tensor"));
    let pooler = "bert.pooler.dense.bias";
    let part = |name: &'static str| move |map: &mut Map<String, Value>| map[pooler] = json!(name);
    for name in ["../a.safetensors", "/a.safetensors", "a.exe", ""] {
        let reason = format!("{pooler} is in {name:?}, which is no file of weights beside it");
        assert_eq!(said(&part(name)), format!("{field}{reason}"));
    }
    assert_eq!(
        said(&part("c.safetensors")),
        ": c.safetensors, one of the 3 files that it names, is not there"
    );
    assert_eq!(said(&part("a.safetensors")), format!("{field}{pooler} is not in a.safetensors"));
    let unknown =
        |map: &mut Map<String, Value>| drop(map.insert("x".into(), json!("a.safetensors")));
    assert_eq!(said(&unknown), format!("{field}x is not in a.safetensors"));
    let twice: Vec<(&str, &Tensor)> = stored.iter().map(|(n, t)| (n.as_str(), t)).collect();
    Tensor::write_safetensors(&twice, folder.path().join("b.safetensors")).unwrap();
    assert!(said(&|_| ()).ends_with(" is in it, and in a.safetensors, too"));
    folder.text("b.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    assert_eq!(
        said(&|_| ()),
        "tiny/b.safetensors: a pointer of git-lfs, not the weights themselves"
    );
    folder.text(INDEX, "{}");
    assert!(folder.line(folder.open()).starts_with("tiny/model.safetensors.index.json"));
}

#[test]
fn files_of_torch_come_in_several_too() {
    let (bytes, tensors) = pickled("zip");
    let folder = torch_folder(&bytes);
    std::fs::rename(folder.path().join("pytorch_model.bin"), folder.path().join("part-1.bin"))
        .unwrap();
    let map: Map<String, Value> =
        tensors.keys().map(|n| (n.clone(), json!("part-1.bin"))).collect();
    folder.json("pytorch_model.bin.index.json", &json!({ "weight_map": map }));
    let vars = nn::VarStore::new(Device::Cpu);
    for (tensor, expected) in &tensors {
        let shape: Vec<i64> = serde_json::from_value(expected["shape"].clone()).unwrap();
        drop(vars.root().zeros(tensor, &shape));
    }
    assert_eq!(folder.load(&vars, &[]).unwrap().tensors, tensors.len());
}

#[test]
fn an_adapter_is_not_passed_over() {
    let (folder, _) = body(&config());
    folder.json("adapter_config.json", &json!({ "peft_type": "LORA" }));
    assert_eq!(
        folder.line(folder.open()),
        "tiny/adapter_config.json: an adapter's weights (PEFT) are not supported; a merged \
         model's are"
    );
}

// ---- weights ----

/// A safetensors file by hand: a header, and zeros after it.
fn safetensors(header: &str, zeros: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; zeros]);
    bytes
}

#[test]
fn a_safetensors_file_that_lies_is_named() {
    let (folder, vars) = body(&config());
    let said = |bytes: &[u8]| {
        folder.bytes("model.safetensors", bytes);
        let line = folder.line(folder.load(&vars, &[]));
        let prefix = "tiny/model.safetensors: not a safetensors file: ";
        line.strip_prefix(prefix).unwrap_or_else(|| panic!("{line}")).to_owned()
    };
    // Spaces are allowed after a header; they make the files large enough to be looked into.
    let padded = |header: &str| format!("{header}{}", " ".repeat(2000 - header.len()));
    let one = |dtype: &str, shape: &str, begin: u64, end: u64| {
        padded(&format!(
            r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}}}"#
        ))
    };
    let header = |header: &str, zeros| said(&safetensors(header, zeros));

    let mut claims = safetensors(&padded("{}"), 0);
    claims[..8].copy_from_slice(&2001_u64.to_le_bytes());
    assert_eq!(said(&claims), "a header of 2001 bytes is claimed in a file of 2008");
    claims[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(said(&claims).starts_with("a header of 18446744073709551615 bytes is claimed"));
    assert!(header(&"[".repeat(2000), 0).starts_with("header: "));
    assert!(header(&padded("{\"a\":3}"), 0).starts_with("a: invalid type: integer"));
    assert_eq!(header(&one("F32", "[2]", 0, 8), 4), "its header tells of 8 bytes, and 4 follow");
    assert_eq!(header(&one("F32", "[2]", 0, 8), 9), "its header tells of 8 bytes, and 9 follow");
    assert_eq!(header(&one("F32", "[2]", 4, 12), 12), "a is at 4 to 12, and 0 was to come next");
    assert_eq!(header(&one("F32", "[2]", 0, 4), 4), "a has 4 bytes for [2] of F32");
    let huge = "[4294967296,4294967296,2]";
    let overflown = header(&one("F32", huge, 0, 0), 0);
    assert_eq!(overflown, "a has 0 bytes for [4294967296, 4294967296, 2] of F32");
    assert_eq!(header(&one("F8_E4M3", "[2]", 0, 2), 2), "a holds \"F8_E4M3\"");
    let entry = r#"{"dtype":"U8","shape":[2],"data_offsets":[0,2]}"#;
    let twice = header(&padded(&format!(r#"{{"a":{entry},"a":{entry}}}"#)), 2);
    assert!(twice.starts_with("header: \"a\" stands there twice"), "{twice}");
    let overlap = header(&padded(&format!(r#"{{"a":{entry},"b":{entry}}}"#)), 2);
    assert_eq!(overlap, "b is at 0 to 2, and 2 was to come next");
}

#[test]
fn a_safetensors_file_cut_short_anywhere_is_an_error() {
    let (folder, vars) = body(&config());
    let whole = std::fs::read(folder.path().join("model.safetensors")).unwrap();
    for length in (0..whole.len()).step_by(37).chain([7, 8, 9, whole.len() - 1]) {
        folder.bytes("model.safetensors", &whole[..length]);
        assert!(folder.load(&vars, &[]).is_err(), "{length}");
    }
    folder.bytes("model.safetensors", &whole);
    assert!(folder.load(&vars, &[]).is_ok());
}

#[test]
fn no_change_of_a_safetensors_header_is_more_than_an_error() {
    let (folder, vars) = body(&config());
    let whole = std::fs::read(folder.path().join("model.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for at in (0..header).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] = bytes[at].wrapping_mul(37).wrapping_add(at as u8);
        folder.bytes("model.safetensors", &bytes);
        // Either is right; a panic is not.
        drop(folder.load(&vars, &[]));
    }
}

#[test]
fn every_precision_becomes_single() {
    let _turn = turn();
    let (folder, vars) = body(&config());
    let whole = copies(&vars);
    for kind in [Kind::Half, Kind::BFloat16, Kind::Double] {
        folder.tensors(&whole.iter().map(|(n, t)| (n.clone(), t.to_kind(kind))).collect());
        clear(&vars);
        folder.load(&vars, &[]).unwrap();
        let rounded = |t: &Tensor| t.to_kind(kind).to_kind(Kind::Float);
        let expected: Tensors = whole.iter().map(|(n, t)| (n.clone(), rounded(t))).collect();
        assert_equal(&copies(&vars), &expected);
    }
}

/// What loading says of a file in which something was changed; the variables are as before.
fn said_of(change: impl Fn(&mut Tensors), new: &[&str]) -> String {
    let (folder, vars) = body(&config());
    let mut tensors = copies(&vars);
    change(&mut tensors);
    folder.tensors(&tensors);
    let line = folder.line(folder.load(&vars, new));
    line.strip_prefix("tiny/model.safetensors: ").unwrap_or(&line).to_owned()
}

#[test]
fn weights_that_do_not_fit_are_listed_by_name() {
    let zeros = |shape: &[i64], kind| Tensor::zeros(shape, (kind, Device::Cpu));
    let bias = "bert.pooler.dense.bias";
    let renamed = |tensors: &mut Tensors, from: &str, to: &str| {
        let tensor = tensors.remove(from).unwrap();
        tensors.insert(to.into(), tensor);
    };
    assert_eq!(
        said_of(|t| renamed(t, bias, "bert.bias"), &[]),
        format!("{bias} is missing; bert.bias is not part of the model")
    );
    assert_eq!(
        said_of(|t| drop(t.insert(bias.into(), zeros(&[9], Kind::Float))), &[]),
        format!("{bias} is [9] and should be [8]")
    );
    assert_eq!(
        said_of(|t| drop(t.insert(bias.into(), zeros(&[8], Kind::Int64))), &[]),
        format!("{bias} holds I64, not floating-point numbers")
    );
    let gamma = "bert.embeddings.LayerNorm.gamma";
    let twice = said_of(|t| drop(t.insert(gamma.into(), zeros(&[8], Kind::Float))), &[]);
    let weight = "bert.embeddings.LayerNorm.weight";
    assert_eq!(twice, format!("{gamma} and {weight} are two names of one tensor"));
    let half = said_of(|t| drop(t.remove(bias)), &["bert.pooler"]);
    assert_eq!(half, format!("{bias} is missing"), "half a pooler is none");
    for number in [f64::NAN, f64::INFINITY] {
        let wrong = said_of(|t| drop(t.get_mut(bias).unwrap().fill_(number)), &[]);
        assert_eq!(wrong, format!("{bias} holds NaN or an infinity"));
    }
    let none = said_of(Tensors::clear, &[]);
    assert!(none.contains("bytes, but config.json is of a model of"), "{none}");
    let many = said_of(|t| t.retain(|name, _| name.contains("embeddings")), &[]);
    assert!(many.ends_with(" is missing; and 10 more"), "{many}");
}

#[test]
fn what_is_new_and_what_is_passed_over_is_told() {
    let _turn = turn();
    let (folder, vars) = body(&config());
    let mut tensors = copies(&vars);
    let zeros = |shape: &[i64], kind| Tensor::zeros(shape, (kind, Device::Cpu));
    tensors.retain(|name, _| !name.starts_with("bert.pooler"));
    tensors.insert("bert.embeddings.position_ids".into(), zeros(&[1, 64], Kind::Int64));
    tensors.insert("cls.predictions.bias".into(), zeros(&[8], Kind::Float));
    tensors.insert("cls.seq_relationship.weight".into(), zeros(&[2, 8], Kind::Float));
    // A classifier of as many labels, but other ones.
    tensors.insert("classifier.weight".into(), zeros(&[2, 8], Kind::Float));
    tensors.insert("classifier.bias".into(), zeros(&[2], Kind::Float));
    folder.tensors(&tensors);
    drop(nn::linear(vars.root() / "classifier", 8, 2, Default::default()));
    let before = copies(&vars);
    let loaded = folder.load(&vars, &["classifier", "bert.pooler"]).unwrap();
    assert_eq!(
        loaded.to_string(),
        "21 tensors loaded; new: bert.pooler.dense.bias, bert.pooler.dense.weight, \
         classifier.bias, classifier.weight; passed over: bert.embeddings.position_ids, \
         classifier.bias, classifier.weight, cls.predictions.bias, cls.seq_relationship.weight"
    );
    assert_equal(&copies(&vars), &before);
    // What is not said to be new is taken from the file.
    folder.load(&vars, &["bert.pooler"]).unwrap();
    assert!(copies(&vars)["classifier.weight"].equal(&tensors["classifier.weight"]));
}

#[test]
fn masked_word_heads_share_the_embeddings() {
    let _turn = turn();
    for family in ["bert", "roberta"] {
        let (folder, _) = body(&with(json!({ "model_type": family })));
        let vars = nn::VarStore::new(Device::Cpu);
        let config = folder.open().unwrap().bert_config().unwrap();
        let (head, bias) = if family == "bert" {
            drop(BertForMaskedLM::new(vars.root(), &config));
            ("cls.predictions", "cls.predictions.decoder.bias")
        } else {
            drop(RobertaForMaskedLM::new(vars.root(), &config));
            ("lm_head", "lm_head.decoder.bias")
        };
        let (decoder, words) = (
            format!("{head}.decoder.weight"),
            format!("{family}.embeddings.word_embeddings.weight"),
        );
        let mut expected = copies(&vars);
        let embeddings = expected[&words].copy();
        expected.insert(decoder.clone(), embeddings);
        let mut stored: Tensors = expected.iter().map(|(n, t)| (n.clone(), t.copy())).collect();
        stored.remove(&decoder);
        folder.tensors(&stored);
        clear(&vars);
        let loaded = folder.load(&vars, &[]).unwrap();
        assert_eq!((loaded.tensors, loaded.new.len()), (expected.len(), 0));
        assert_equal(&copies(&vars), &expected);

        // The bias under its other name, no prefix to the body, and a decoder that is no use.
        let bias_here = stored.remove(&format!("{head}.bias")).unwrap();
        stored.insert(bias.into(), bias_here);
        let strip = |name: &str| name.trim_start_matches(&format!("{family}.")).to_owned();
        let mut stored: Tensors = stored.iter().map(|(n, t)| (strip(n), t.copy())).collect();
        stored.insert(decoder.clone(), expected[&decoder].zeros_like());
        folder.tensors(&stored);
        clear(&vars);
        assert_eq!(folder.load(&vars, &[]).unwrap().unused, [decoder.as_str()]);
        assert_equal(&copies(&vars), &expected);

        // Untied, it has to be there, and is what is there.
        let untied = with(json!({ "model_type": family, "tie_word_embeddings": false }));
        folder.json("config.json", &untied);
        folder.load(&vars, &[]).unwrap();
        assert!(!copies(&vars)[&decoder].equal(&expected[&decoder]));
        stored.remove(&decoder);
        folder.tensors(&stored);
        let line = folder.line(folder.load(&vars, &[]));
        assert_eq!(line, format!("tiny/model.safetensors: {decoder} is missing"));
    }
}

#[test]
fn a_head_that_the_file_has_not_is_new_as_a_whole() {
    let _turn = turn();
    let (folder, _) = body(&config());
    let vars = nn::VarStore::new(Device::Cpu);
    drop(BertForMaskedLM::new(vars.root(), &folder.open().unwrap().bert_config().unwrap()));
    let loaded = folder.load(&vars, &["cls"]).unwrap();
    assert_eq!(loaded.new.len(), 5, "{loaded}");
    assert!(loaded.new.iter().all(|name| name.starts_with("cls.predictions.")), "{loaded}");
    let all = copies(&vars);
    assert!(
        all["cls.predictions.decoder.weight"].equal(&all["bert.embeddings.word_embeddings.weight"])
    );
    assert_eq!(loaded.unused, ["bert.pooler.dense.bias", "bert.pooler.dense.weight"]);
}

// ---- files of torch ----

/// A golden file, and its tensors' shapes and numbers as torch reads them.
fn pickled(name: &str) -> (Vec<u8>, Map<String, Value>) {
    let file = golden(include_str!("../golden/pickles.json"))["files"][name].take();
    let hex = file["hex"].as_str().unwrap();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let tensors = file["tensors"].as_object().cloned().unwrap_or_default();
    ((0..hex.len()).step_by(2).map(byte).collect(), tensors)
}

/// A folder with a file of torch's, and a configuration of so few numbers that it fits.
fn torch_folder(bytes: &[u8]) -> Folder {
    let folder = Folder::new(&with(json!({ "hidden_size": 2, "intermediate_size": 2 })));
    folder.bytes("pytorch_model.bin", bytes);
    folder
}

#[test]
fn files_of_torch_load_in_both_formats() {
    for name in ["zip", "legacy", "half", "legacy_tied", "transposed", "module", "deflated"] {
        let (bytes, tensors) = pickled(name);
        let vars = nn::VarStore::new(Device::Cpu);
        for (tensor, expected) in &tensors {
            let shape: Vec<i64> = serde_json::from_value(expected["shape"].clone()).unwrap();
            drop(vars.root().zeros(tensor, &shape));
        }
        let loaded = torch_folder(&bytes).load(&vars, &[]).unwrap();
        assert_eq!((loaded.tensors, loaded.unused.len()), (tensors.len(), 0), "{name}");
        for (tensor, values) in copies(&vars) {
            let values = Vec::<f32>::try_from(values.view(-1)).unwrap();
            assert_eq!(json!(values), tensors[&tensor]["numbers"], "{name}: {tensor}");
        }
    }
}

#[test]
fn a_file_of_torch_that_would_run_code_is_refused_and_what_it_would_run_is_named() {
    let vars = nn::VarStore::new(Device::Cpu);
    for name in ["malicious", "legacy_malicious"] {
        let folder = torch_folder(&pickled(name).0);
        let line = folder.line(folder.load(&vars, &[]));
        assert!(
            line.starts_with("tiny/pytorch_model.bin: not a file of weights by torch: "),
            "{line}"
        );
        assert!(line.ends_with(": would run posix.system: refused"), "{line}");
    }
    let folder = torch_folder(&pickled("integers").0);
    drop(vars.root().zeros("a", &[3]));
    assert_eq!(
        folder.line(folder.load(&vars, &[])),
        "tiny/pytorch_model.bin: a holds I64, not floating-point numbers"
    );
    let other = torch_folder(&[b'x'; 200]);
    let line = other.line(other.load(&vars, &[]));
    assert!(line.starts_with("tiny/pytorch_model.bin: not a file of weights by torch: "), "{line}");
}

#[test]
fn the_safe_format_comes_first() {
    let _turn = turn();
    let (folder, vars) = body(&config());
    folder.bytes("pytorch_model.bin", &pickled("malicious").0);
    assert!(folder.load(&vars, &[]).is_ok());
}

// -- the paper's kinds, small ----------------------------------------------------------

/// What every notebook of the paper profile begins with.
#[test]
fn random_checkpoints_of_the_papers_kinds_are_as_narrow_as_asked() {
    let _turn = turn();
    let models = tempfile::tempdir().unwrap();
    let texts = ["The mail has a key.".to_owned()];
    for name in ["bert", "scibert", "secbert"] {
        let shape = random_checkpoint::shape(name).unwrap().with_hidden(32).unwrap();
        random_checkpoint::write(models.path(), &shape, 1, &texts).unwrap();
        let checkpoint = Checkpoint::open(name, &models.path().join(name)).unwrap();
        let sizes = ["hidden_size", "num_hidden_layers", "vocab_size"].map(|f| checkpoint.size(f));
        assert_eq!(sizes, [32, 1, shape.vocabulary as i64]);
        let labels = vec!["T1056".to_owned(), "T1566".to_owned()];
        let encoder = TechniqueEncoder::new(&checkpoint, labels, Device::Cpu, 1).unwrap();
        let tokenize = checkpoint.tokenizer(16).unwrap();
        assert_eq!(encoder.predict(&tokenize, &["a key"]).unwrap().row(0).len(), 2);
        let encoder = MaskedEncoder::new(&checkpoint, Device::Cpu).unwrap();
        assert_eq!(encoder.fill(&tokenize, "a [MASK]", 5).unwrap()[0].len(), 5);
        let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let vectors = encoder.embed(&tokenize, &["a key"], &mut |_| ()).unwrap();
        assert_eq!(vectors.dimensions(), 32);
    }
    for wrong in [0, 60] {
        let said = random_checkpoint::SHAPES[0].with_hidden(wrong).unwrap_err().to_string();
        assert_eq!(said, format!("setting hidden: {wrong}; a multiple of 16"));
    }
}
