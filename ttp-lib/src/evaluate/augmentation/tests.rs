use super::super::linear_leak::LeakSource;
use super::*;
use serde_json::{Value, json};
use ttp_metrics::Bootstrap;
use ttp_text::balance::{self, FillRule, Limits};
use ttp_text::corpus::{Corpus, Operation, Sentence};
use ttp_text::split::{self, Shares};

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
    let table = crate::published::PAPER_COUNTS.beside(&columns).unwrap().to_text();
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
    let table = crate::published::PAPER_COUNTS.corpus_table(&corpus, None).unwrap().to_text();
    let last: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(last, ["with", "more", "than", "500", "rows", "T1", "T1059,", "T1027"], "{table}");
}
