//! What notebooks 03 to 09 leave behind: the keys of their files, and the sentences that follow.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use ttp_evidence::{ComparisonResults, Evidence, EvidenceResults, MostConfused};
use ttp_lib::balance::{self, FillRule, Limits};
use ttp_lib::corpus::{Corpus, Operation, Sentence};
use ttp_lib::encoder::Guess;
use ttp_lib::evaluate::{
    AugmentationFigures, LeakFigures, LeakSource, LinearLeak, PaperRowsFigures,
};
use ttp_lib::fill_mask::{
    FIELD_SENTENCES, FillMaskResults, TokenCheck, guesses_table, words_found,
};
use ttp_lib::metrics::Bootstrap;
use ttp_lib::published::{PAPER_APPENDIX_C, PAPER_COUNTS, PAPER_SENTENCE, PAPER_TRAINING};
use ttp_lib::split::{self, Protocol, Shares};
use ttp_lib::train::{Algorithm, MaskedEpoch, MaskedHistory, TrainParams};

/// Two techniques of 30 sentences each; a copy says its sentence again.
fn corpus() -> Corpus {
    let sentence = |at: usize| {
        let (technique, verb) =
            if at.is_multiple_of(2) { ("T1", "dumps") } else { ("T2", "deletes") };
        Sentence {
            technique: technique.to_owned(),
            subtechnique: None,
            name: verb.to_owned(),
            text: format!("group {at} {verb} file number {at}"),
            source_id: at.to_string(),
        }
    };
    Corpus { sentences: (0..60).map(sentence).collect() }
}

const LIMITS: Limits = Limits { trim_below: 5, upsample_to: 40, downsample_to: 200 };
const SHARES: Shares = Shares { train: 0.6, validation: 0.2, test: 0.2 };

fn again(text: &str, seed: u64) -> Vec<(Operation, String)> {
    vec![(Operation::Swap, format!("{text} again {}", seed % 7))]
}

fn figures() -> (AugmentationFigures, PaperRowsFigures) {
    let corpus = corpus();
    let balanced = |fill| balance::balance(&corpus, LIMITS, fill, &again, 1).unwrap();
    let both = [balanced(FillRule::Draws), balanced(FillRule::Rows)];
    let prepared = Protocol::ALL
        .map(|p| (p, split::prepare(p, &corpus, LIMITS, SHARES, &again, 1).unwrap()))
        .into_iter()
        .collect();
    let bootstrap = Bootstrap { resamples: 50, level: 0.95, seed: 1 };
    let mut linear = LinearLeak::new(SHARES, bootstrap);
    let source = LeakSource {
        name: "rows",
        corpus: &corpus,
        limits: LIMITS,
        augment: &again,
        seeds: &[1, 2],
    };
    linear.measure(&source).unwrap();
    // Paper twice and told and clean once, and the second model under two of them.
    assert_eq!(linear.trials.len(), 6);
    assert_eq!(linear.worth.len(), 3);
    assert_eq!(linear.table("rows").unwrap().len(), 3 + 6);
    assert_eq!(linear.worth_table().unwrap().len(), 3);
    assert!(linear.figures("other").is_none());
    let own = AugmentationFigures::new([&both[0], &both[1]], &prepared, linear.figures("rows"));
    (own, PaperRowsFigures::new(&both, &linear, "rows"))
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_files_have_the_keys_that_reports_read() {
    let (own, paper) = figures();
    let file = serde_json::to_value(&own).unwrap();
    let expected = [
        "balanced_rows",
        "copies_in_training",
        "funnel",
        "leak",
        "leaked_test_rows",
        "splits",
        "test_rows",
    ];
    assert_eq!(keys(&file), expected);
    assert_eq!(keys(&file["test_rows"]), ["clean", "paper", "told"]);
    assert_eq!(file["leak"]["tfidf-svm.paper"]["repeats"], json!(2));
    assert_eq!(file["leaked_test_rows"]["clean"], json!(0));
    assert_eq!(file["funnel"]["draws"]["balanced_rows"], file["balanced_rows"]);
    let file = serde_json::to_value(&paper).unwrap();
    let funnel = serde_json::to_value(paper.funnel).unwrap();
    assert!(keys(&funnel).iter().all(|key| file[*key] == funnel[*key]));
    for key in ["filled_to_200", "leak", "worth_without_relatives"] {
        assert!(file.get(key).is_some(), "{key}");
    }
    assert_eq!(keys(&file["worth_without_relatives"]), ["BERT", "SciBERT", "SecBERT"]);
}

#[test]
fn the_sentences_say_what_follows() {
    let (mut own, paper) = figures();
    assert!(paper.findings()[0].starts_with("the paper's BERT: accuracy "));
    let found = own.findings();
    assert_eq!(
        found[0],
        "protocol clean: 0 of 12 test rows (0.0 %) have a relative in training, 0 of them another \
         copy: the model has read no test sentence, in whatever wording"
    );
    assert!(found[1].contains("before its test"), "{}", found[1]);
    assert!(found.iter().any(|line| line.starts_with("tfidf-svm.clean: ")
        && line.ends_with("with no relative in training to help")));
    let leak = LeakFigures {
        repeats: 1,
        share: 0.4,
        accuracy: 0.8,
        f1_macro: 0.7,
        accuracy_with: Some(0.95),
        f1_macro_with: None,
        accuracy_without: Some(0.7),
        f1_macro_without: None,
    };
    own.leak = Some(BTreeMap::from([("tfidf-svm.paper".to_owned(), leak)]));
    assert_eq!(
        own.findings()[3],
        "tfidf-svm.paper: accuracy 0.800; 0.950 on the 40.0 % of test rows with a relative in \
         training, 0.700 on the others: these rows raise its accuracy by 0.100"
    );
}

#[test]
fn the_papers_counts_stand_beside_others() {
    let funnel = figures().0.funnel.rows;
    let columns = [("here", Some(funnel)), ("not at hand", None)];
    let table = PAPER_COUNTS.beside(&columns).unwrap().to_text();
    let rows: Vec<&str> = table.lines().nth(3).unwrap().split_whitespace().collect();
    assert_eq!(rows, ["rows", "14.4k", "60"]);
    let last: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(last[last.len() - 4..], ["50", "%", "25.0", "%"]);
    let sentence = Sentence {
        technique: "T1".into(),
        subtechnique: None,
        name: String::new(),
        text: String::new(),
        source_id: String::new(),
    };
    let corpus = Corpus { sentences: vec![sentence; 501] };
    let table = PAPER_COUNTS.corpus_table(&corpus, None).unwrap().to_text();
    let last: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(last, ["with", "more", "than", "500", "rows", "T1", "T1059,", "T1027"], "{table}");
}

#[test]
fn the_papers_settings_stand_beside_ours() {
    let ours = TrainParams {
        epochs: 3,
        batch_size: 32,
        max_length: 128,
        learning_rate: 2e-4,
        warmup_share: 0.1,
        weight_decay: 0.01,
        clip_norm: 1.0,
        optimizer: Algorithm::AdamW,
    };
    let table = PAPER_TRAINING.table(&ours).unwrap().to_text();
    let row = |name: &str| -> Vec<&str> {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().collect()
    };
    assert_eq!(row("max_length"), ["512", "128"]);
    assert_eq!(row("learning rate"), ["2e-5", "2e-4"]);
    assert_eq!(row("warm-up"), ["not", "said", "10.0", "%"]);
}

/// The file that `save` writes.
fn saved(save: impl Fn(&std::path::Path) -> ttp_lib::Result<()>) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    save(&path).unwrap();
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn guesses_are_counted_and_without_a_head_there_are_none() {
    let none = FillMaskResults::new(BTreeMap::new(), vec!["scratch".to_owned()]);
    assert_eq!(none.findings(), ["no checkpoint of this run has a masked-language-model head"]);
    let guess = |token: &str| vec![Guess { id: 1107, token: token.to_owned(), probability: 0.25 }];
    // The paper's sentence, then two of the field's ten: "control" is right in the second.
    let answers = ["in", "money", "control"].map(|token| (String::new(), guess(token))).to_vec();
    let some = FillMaskResults::new(BTreeMap::from([("bert".to_owned(), answers)]), Vec::new());
    let found = some.findings();
    assert_eq!(found[0], "bert: the expected word is among its five best in 1 of 10 sentences");
    assert!(found[1].starts_with("  1 of the 5 published words are among its five"), "{found:?}");
    let file = saved(|path| some.save(path));
    let expected = [
        "agreement_with_published",
        "guesses",
        "published",
        "readers_word_among_five",
        "without_head",
    ];
    assert_eq!(keys(&file), expected);
    assert_eq!(file["guesses"]["bert"][2][1][0]["token"], json!("control"));
}

#[test]
fn a_comparison_of_no_models_has_every_key() {
    let results = ComparisonResults {
        models: Vec::new(),
        scores: Vec::new(),
        pairs: Vec::new(),
        answers: Vec::new(),
        paper_minus_clean: Vec::new(),
        accuracy_by_leakage: BTreeMap::new(),
        worth_without_relatives: BTreeMap::new(),
        recall_spread: BTreeMap::new(),
        most_confused: MostConfused {
            protocol: Protocol::Clean,
            models: Vec::new(),
            pairs: Vec::new(),
        },
        tokenization: Vec::new(),
        tokens: TokenCheck::against(&[]),
        accuracy_by_tokens_per_word: Vec::new(),
        verdicts: Vec::new(),
    };
    let found = results.findings();
    assert_eq!(found[0], "one model: nothing to compare");
    assert!(found[1].starts_with("0 of appendix C's 15 token numbers checked"), "{found:?}");
    let file = saved(|path| results.save(path));
    let expected = [
        "accuracy_by_leakage",
        "accuracy_by_tokens_per_word",
        "answers",
        "most_confused",
        "ours",
        "pairs",
        "paper_minus_clean",
        "published",
        "recall_spread",
        "tokenization",
        "tokens",
        "tokens_differing",
        "tokens_not_checked",
        "verdicts",
        "worth_without_relatives",
    ];
    assert_eq!(keys(&file), expected);
    assert_eq!(file["tokens_not_checked"].as_array().unwrap().len(), 15);
    assert_eq!(file["most_confused"], json!({ "protocol": "clean", "models": [], "pairs": [] }));
}

#[test]
fn evidence_that_is_missing_is_null_or_waits() {
    let sweep = Evidence {
        missing: vec!["minilm.clean.1".to_owned()],
        command: "make sweep".to_owned(),
        ..Evidence::default()
    };
    let results = EvidenceResults {
        protocol: Protocol::Clean,
        calibration: Vec::new(),
        splits: Evidence::default(),
        sweep,
        frozen: None,
        later: None,
        label_changes: None,
        on_later: None,
        on_tram: None,
        tram_quotes: None,
    };
    assert_eq!(results.findings(), ["1 job waits for `make sweep`: minilm.clean.1"]);
    let file = saved(|path| results.save(path));
    let expected = [
        "arms",
        "calibration",
        "external",
        "frozen",
        "label_changes",
        "later",
        "pairs",
        "seeds",
        "split_pairs",
        "splits",
        "tram_v2_quotes",
        "waiting",
    ];
    assert_eq!(keys(&file), expected);
    assert_eq!(file["external"], json!({ "attack-v15": null, "tram-v2": null }));
}

#[test]
fn guesses_stand_beside_the_published_ones_and_words_are_counted() {
    let guess = |token: &str| Guess { id: 7, token: token.into(), probability: 0.25 };
    // The paper's sentence, then the field's: "control" is right in the second of these.
    let answers: Vec<(String, Vec<Guess>)> =
        ["the", "money", "control"].map(|token| (String::new(), vec![guess(token)])).into();
    assert_eq!(words_found(&answers), 1);
    let answers = BTreeMap::from([("bert".to_owned(), answers)]);
    let text = guesses_table(&answers).unwrap().to_text();
    let line = text.lines().find(|line| line.contains("bert")).unwrap();
    assert!(line.contains("the") && line.contains(PAPER_APPENDIX_C[0].token), "{text}");
}

#[test]
fn each_sentence_hides_one_word_and_each_model_has_five_lines() {
    let sentences = FIELD_SENTENCES.iter().map(|(sentence, _)| *sentence);
    for sentence in sentences.chain([PAPER_SENTENCE]) {
        assert_eq!(sentence.matches("[MASK]").count(), 1, "{sentence}");
    }
    for checkpoint in ["bert", "scibert", "secbert"] {
        let shares: Vec<f64> = PAPER_APPENDIX_C
            .iter()
            .filter(|guess| guess.checkpoint == checkpoint)
            .map(|guess| guess.probability)
            .collect();
        assert_eq!(shares.len(), 5);
        assert!(shares.windows(2).all(|pair| pair[0] > pair[1]), "best first");
        assert!(shares.iter().sum::<f64>() < 1.0);
    }
}

#[test]
fn each_epoch_has_its_perplexity() {
    let before = MaskedEpoch {
        epoch: 0,
        train_loss: None,
        validation_loss: 10.0_f64.ln(),
        validation_accuracy: 0.25,
        seconds: 0.0,
    };
    let history = MaskedHistory {
        epochs: vec![before],
        losses: Vec::new(),
        rows: 8,
        validation_rows: 2,
        validation_tokens: 3,
        seconds: 0.0,
        tokens_per_second: 0.0,
    };
    let table = history.table().unwrap().to_text();
    let row: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(row, ["0", "2.303", "10.0", "0.250", "0.0"]);
    let found = history.findings();
    assert!(found[0].ends_with("25.0 % predicted before training, 25.0 % after 0 epochs"));
    assert_eq!(found[1], "perplexity: 10 before, 10.0 after");
}
