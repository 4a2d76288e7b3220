//! What tokenizers make of words, on vocabularies small enough to be read.

use crate::common::{skip, tiny};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use ttp_lib::fill_mask::TokenCheck;
use ttp_lib::pretrained::{
    Checkpoint, CheckpointTokenizer, PUBLISHED, PublishedVocabulary, Vocabulary, tokenizer_in,
};
use ttp_lib::profile::Run;
use ttp_lib::tokenization::{self, NamedTokenizer, PaperTokenizer, Splitting, TokenizerReport};

/// An uncased WordPiece tokenizer of these words, opened as a checkpoint's.
fn tokenizer(folder: &Path, words: &[&str], max_length: usize) -> CheckpointTokenizer {
    let vocabulary: Vec<&str> = tiny::WORDS[..5].iter().chain(words).copied().collect();
    let config = json!({
        "model_type": "bert", "architectures": ["BertModel"], "hidden_size": 8,
        "intermediate_size": 8, "max_position_embeddings": 64, "num_attention_heads": 2,
        "num_hidden_layers": 1, "type_vocab_size": 2, "vocab_size": vocabulary.len(),
        "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "pad_token_id": 0, "position_embedding_type": "absolute"
    });
    let tokenizer = tiny::tokenizer(&vocabulary);
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    // Large enough for such a model; what it holds is not looked at.
    std::fs::write(folder.join("model.safetensors"), [0; 65_536]).unwrap();
    let checkpoint = Checkpoint::open("checkpoint", folder);
    checkpoint.unwrap().tokenizer(max_length).unwrap()
}

const GENERAL: [&str; 8] = ["the", "sends", "mail", "##ware", "mal", ".", "pay", "##load"];
const OWN: [&str; 6] = ["the", "sends", "mail", "malware", "payload", "."];

const TEXTS: [&str; 3] = ["The malware sends the payload.", "Malware sends mail.", "MALWARE? …"];

fn reports() -> Vec<TokenizerReport> {
    let folder = tempfile::tempdir().unwrap();
    let named = |checkpoint: &str, words: &[&str]| NamedTokenizer {
        checkpoint: checkpoint.into(),
        tokenize: tokenizer(&folder.path().join(checkpoint), words, 9),
        max_length: 9,
    };
    let tokenizers = [named("general", &GENERAL), named("own", &OWN), named("also", &GENERAL)];
    tokenization::reports(&tokenizers, &TEXTS).unwrap()
}

#[test]
fn checkpoints_with_one_tokenizer_share_a_line() {
    let names: Vec<_> = reports().into_iter().map(|report| report.checkpoints.join("+")).collect();
    assert_eq!(names, ["general+also", "own"]);
}

#[test]
fn tokens_and_split_words_are_counted() {
    let found = reports();
    // the mal ##ware sends the pay ##load . = 8, cut at 9 with two special ones to 7;
    // mal ##ware sends mail . = 5; mal ##ware and two unknown signs = 4.
    assert!((found[0].tokens_per_sentence - (9 + 7 + 6) as f64 / 3.0).abs() < 1e-12);
    assert!((found[0].tokens_without_special - (7 + 5 + 4) as f64 / 3.0).abs() < 1e-12);
    assert_eq!((found[0].sentences, found[0].at_the_limit), (3, 1));
    // the malware sends the payload, malware sends mail, malware
    assert_eq!(found[0].words, Splitting { words: 9, split: 4, unknown: 0, tokens: 13 });
    assert_eq!(found[0].field_words, Splitting { words: 4, split: 4, unknown: 0, tokens: 8 });
    assert_eq!(found[1].words, Splitting { words: 9, split: 0, unknown: 0, tokens: 9 });
    assert_eq!(found[1].field_words.split_share(), 0.0);
    assert_eq!(found[0].field_words.tokens_per_word(), 2.0);
    assert_eq!(Splitting::default().split_share(), 0.0);
    assert_eq!(tokenization::table(&found).unwrap().len(), 4);
}

#[test]
fn field_words_are_found_in_any_case_and_shown_as_split() {
    let found = reports();
    let field: Vec<_> = found[0]
        .field
        .iter()
        .map(|field| (field.word.to_lowercase(), field.times, field.tokens.join(" ")))
        .collect();
    let expected = [("malware", 3, "mal ##ware"), ("payload", 1, "pay ##load")];
    assert_eq!(field, expected.map(|(word, times, tokens)| (word.into(), times, tokens.into())));
    let table = tokenization::examples_table(&found, 1).unwrap().to_text();
    assert!(table.contains("mal ##ware") && !table.contains("##load"), "{table}");
    assert!(table.contains("general, also"), "{table}");
}

#[test]
fn unknown_words_are_told_from_split_ones() {
    let folder = tempfile::tempdir().unwrap();
    let tokenize = tokenizer(folder.path(), &["key", "##log", "log"], 32);
    let named = NamedTokenizer { checkpoint: "x".into(), tokenize, max_length: 32 };
    let report = &tokenization::reports(&[named], &["key keylog mutex mutex"]).unwrap()[0];
    assert_eq!(report.words, Splitting { words: 4, split: 1, unknown: 2, tokens: 5 });
    assert_eq!(report.field_words, Splitting { words: 2, split: 0, unknown: 2, tokens: 2 });
    assert_eq!(report.field[0].tokens, ["[UNK]"]);
    assert!(report.to_string().contains("of the field's words 0.0 % and 100.00 %"), "{report}");
}

#[test]
fn tokens_per_word_are_each_texts_own() {
    let folder = tempfile::tempdir().unwrap();
    let tokenize = tokenizer(folder.path(), &GENERAL, 4);
    let found = tokenization::tokens_per_word(&tokenize, &["The malware.", "the mail", "…"]);
    assert_eq!(found.unwrap(), [1.5, 1.0, 1.0]);
    assert!(tokenization::reports(&[], &[]).is_err());
}

#[test]
fn every_field_word_is_one_word_and_there_once() {
    let mut words: Vec<&str> = tokenization::FIELD_WORDS.split(' ').collect();
    let count = words.len();
    for word in &words {
        assert_eq!(tokenization::words(word).collect::<Vec<_>>(), [*word]);
        assert_eq!(word.to_lowercase(), *word);
    }
    words.dedup();
    assert_eq!(words.len(), count);
    assert!(words.is_sorted());
}

/// Where a published vocabulary is, or `None` with the reason told.
fn at_hand(published: &PublishedVocabulary) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let path = Run::open(&root, &root, "laptop").unwrap().folders.raw(published.file);
    if path.exists() {
        return Some(path);
    }
    let name = published.checkpoint;
    skip(&format!("no vocabulary of {name} in data/raw or TTP_SOURCES: make data-vocabularies"));
    None
}

/// The vocabulary's tokenizer as one of the paper's.
fn paper(published: &PublishedVocabulary, vocabulary: &Vocabulary) -> PaperTokenizer {
    PaperTokenizer {
        checkpoint: published.checkpoint.into(),
        tokenize: Some(vocabulary.tokenizer(published.lower_case, 40).unwrap()),
        max_length: 40,
        origin: published.file.into(),
    }
}

#[test]
fn the_published_vocabularies_have_appendix_cs_numbers_and_transformers_ids() {
    let golden: Value =
        serde_json::from_str(include_str!("../golden/paper_vocabularies.json")).unwrap();
    let texts: Vec<&str> =
        golden["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    for published in &PUBLISHED {
        let Some(path) = at_hand(published) else { continue };
        let vocabulary = published.read(&path).unwrap();
        assert_eq!(vocabulary.pieces().len(), published.pieces);
        let paper = paper(published, &vocabulary);
        let ids = paper.tokenize.as_ref().unwrap().ids(&texts).unwrap();
        assert_eq!(json!(ids), golden[published.checkpoint], "{}", published.checkpoint);
        assert!(paper.to_string().ends_with("a text becomes [CLS] … [SEP]"), "{paper}");

        let checked = TokenCheck::against(&[paper]);
        assert_eq!(checked.counts[published.checkpoint], 5);
        assert_eq!(checked.counts.values().sum::<usize>(), 5);
        assert_eq!(checked.differing(), Vec::<String>::new());
        assert_eq!(checked.found()[published.checkpoint]["to"], vocabulary.id_of("to").unwrap());
        assert_eq!(checked.not_checked().last().unwrap(), "secbert: email (703)");
        let said = checked.to_string();
        let start = "5 of appendix C's 15 token numbers checked, 5 agree; not checked: ";
        assert!(said.starts_with(start), "{said}");
    }
}

#[test]
fn berts_vocabulary_is_that_of_the_hub_to_the_byte() {
    let Some(path) = at_hand(&PUBLISHED[0]) else { return };
    let lines = PUBLISHED[0].read(&path).unwrap().to_lines();
    assert_eq!(lines.len(), 213_450);
    let digest = format!("{:x}", Sha256::digest(&lines));
    assert_eq!(digest, "eeaa9875b23b04b4c54ef759d03db9d1ba1554838f8fb26c5d96fa551df93d02");
}

#[test]
fn a_number_that_a_vocabulary_does_not_have_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vocab.txt");
    let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "messages", "Ġemails"];
    std::fs::write(&file, tokens.join("\n")).unwrap();
    let vocabulary = Vocabulary::read_lines(&file, 7, None).unwrap();
    let secbert = PublishedVocabulary { checkpoint: "secbert", ..PUBLISHED[0] };
    let checked = TokenCheck::against(&[paper(&secbert, &vocabulary)]);
    assert_eq!(checked.counts["secbert"], 5);
    let differing = checked.differing();
    assert_eq!(differing.len(), 5);
    assert_eq!(differing[0], "secbert: messages is 5, printed as 1551");
    assert_eq!(differing[1], "secbert: emails is 6, printed as 1702");
    assert_eq!(differing[2], "secbert: data is no token, printed as 569");
    let said = checked.to_string();
    assert!(said.starts_with("5 of appendix C's 15 token numbers checked, 0 agree; sec"), "{said}");
    // Another number of pieces than the checkpoint has.
    let error = PUBLISHED[1].read(&file).unwrap_err().to_string();
    assert!(error.ends_with("vocab.txt: 7 pieces, and it should have 31090"), "{error}");
}

#[test]
fn the_papers_tokenizers_stand_beside_those_that_were_tested() {
    let folder = tempfile::tempdir().unwrap();
    let own = |name: &str| tokenizer(&folder.path().join(name), &GENERAL, 9);
    // What a tokenizer is read from is enough; the weights are not looked for.
    std::fs::remove_file({
        own("weightless");
        folder.path().join("weightless/model.safetensors")
    })
    .unwrap();
    let weightless = tokenizer_in(&folder.path().join("weightless"), 512).unwrap();
    assert_eq!(weightless.tokens("malware").unwrap(), ["[CLS]", "mal", "##ware", "[SEP]"]);
    let paper = |name: &str, tokenize| PaperTokenizer {
        checkpoint: name.into(),
        tokenize,
        max_length: 9,
        origin: "make it".into(),
    };
    let papers = [
        paper("bert", Some(own("bert"))),
        paper("scibert", None),
        paper("secbert", Some(weightless)),
    ];
    assert_eq!(papers[1].to_string(), "scibert: vocabulary not at hand: make it");
    let tested =
        |name: &str| NamedTokenizer { checkpoint: name.into(), tokenize: own(name), max_length: 9 };
    let all = tokenization::with_papers(vec![tested("minilm"), tested("bert")], &papers);
    let names: Vec<_> = all.iter().map(|named| named.checkpoint.as_str()).collect();
    assert_eq!(names, ["minilm", "bert", "secbert"]);
}
