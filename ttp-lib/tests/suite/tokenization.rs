//! What tokenizers make of words, on vocabularies small enough to be read.

use crate::common::tiny;
use serde_json::json;
use std::path::Path;
use ttp_lib::pretrained::{Checkpoint, Tokenize};
use ttp_lib::tokenization::{self, Named, Splitting, TokenizerReport};

/// An uncased WordPiece tokenizer of these words, opened as a checkpoint's.
fn tokenizer(folder: &Path, words: &[&str], max_length: usize) -> Tokenize {
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
    let named = |checkpoint: &str, words: &[&str]| Named {
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
    let named = Named { checkpoint: "x".into(), tokenize, max_length: 32 };
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
