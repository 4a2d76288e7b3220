//! The model card: what huggingface_hub reads from it, and what a fine-tuning leaves.

use serde_json::Value;
use ttp_lib::card::{CardScore, ModelCard, Subject};

fn card() -> ModelCard {
    ModelCard {
        name: "minilm.clean".to_owned(),
        base: "minilm".to_owned(),
        library: "transformers",
        task: "text-classification",
        subject: Subject::Sentences,
        stands_in_for: Some("the paper's bert-base-cased".to_owned()),
        data: "MITRE ATT&CK v10.1, Enterprise (ATT&CK Terms of Use): 90 rows".to_owned(),
        training: "Three epochs.".to_owned(),
        test: "12 test rows: \"quoted\", # and {braces}".to_owned(),
        scores: vec![CardScore::with_interval("f1", "macro F1", 0.8425, [0.8, 0.875])],
        limits: "It can name T1059 and T1105 only.".to_owned(),
        usage: "ttp classify minilm.clean".to_owned(),
    }
}

fn of_sentences() -> ModelCard {
    ModelCard {
        name: "similarity.basic".to_owned(),
        library: "sentence-transformers",
        task: "sentence-similarity",
        stands_in_for: None,
        test: "40 test pairs".to_owned(),
        scores: vec![
            CardScore::with_interval("cosine_ap", "average precision", 0.75, [0.5, 0.875]),
            CardScore::with_interval("cosine_mcc", "Matthews' correlation", -0.25, [-0.5, 0.125]),
        ],
        usage: "ttp similar --model similarity.basic".to_owned(),
        ..card()
    }
}

fn of_masked_tokens() -> ModelCard {
    ModelCard {
        name: "minilm-cti".to_owned(),
        task: "fill-mask",
        stands_in_for: Some("the paper's SecBERT".to_owned()),
        test: "37 masked tokens".to_owned(),
        scores: vec![CardScore::alone("perplexity", "perplexity after it", 12.5)],
        usage: "fill(\"[MASK]\")".to_owned(),
        ..card()
    }
}

fn of_flows() -> ModelCard {
    ModelCard {
        name: "model".to_owned(),
        base: String::new(),
        library: "ttp-lib",
        task: "tabular-classification",
        subject: Subject::Flows,
        stands_in_for: None,
        data: "500 flows".to_owned(),
        test: "1000 test flows, file flows.parquet".to_owned(),
        scores: vec![CardScore::with_interval("f1", "macro F1", 0.5, [0.25, 0.75])],
        usage: "ttp family predict model".to_owned(),
        ..card()
    }
}

/// The files are what the cards write, and the JSON what huggingface_hub 0.36.2 reads from the
/// files (environment/golden/model_card.py).
#[test]
fn huggingface_hub_reads_the_cards_metadata() {
    let read: Value = serde_json::from_str(include_str!("../golden/model_card.json")).unwrap();
    assert_eq!(read["huggingface_hub"], "0.36.2");
    for (name, card, file) in [
        ("classifier", card(), include_str!("../golden/model_card.md")),
        ("sentences", of_sentences(), include_str!("../golden/model_card.sentences.md")),
        ("masked", of_masked_tokens(), include_str!("../golden/model_card.masked.md")),
        ("flows", of_flows(), include_str!("../golden/model_card.flows.md")),
    ] {
        assert_eq!(card.to_markdown(), file, "{name}");
        let read = &read[name];
        assert_eq!(
            (&read["library_name"], &read["pipeline_tag"]),
            (&card.library.into(), &card.task.into())
        );
        let is_stand_in = read["tags"].as_array().unwrap().contains(&"stand-in".into());
        assert_eq!(is_stand_in, card.stands_in_for.is_some(), "{name}");
        let result = &read["model-index"][0]["results"][0];
        assert_eq!(result["dataset"]["name"], card.test.as_str(), "{name}");
        let metrics = result["metrics"].as_array().unwrap();
        for (score, metric) in card.scores.iter().zip(metrics) {
            assert_eq!(metric["value"], score.value, "{name}");
            assert_eq!(
                (&metric["type"], &metric["name"]),
                (&score.metric.into(), &score.name.as_str().into())
            );
        }
        assert_eq!(metrics.len(), card.scores.len(), "{name}");
        // Of an own start neither a base nor a licence is known, and flows are in no language.
        let hub = (card.subject == Subject::Sentences)
            .then_some("sentence-transformers/all-MiniLM-L6-v2");
        assert_eq!(read["base_model"].as_str(), hub, "{name}");
        assert_eq!(read["license"].as_str(), hub.map(|_| "apache-2.0"), "{name}");
        assert_eq!(read["language"].as_str(), hub.map(|_| "en"), "{name}");
    }
}

#[test]
fn a_base_of_ones_own_or_none_is_no_hub_id() {
    let base = |base: &str| ModelCard { base: base.to_owned(), ..card() }.to_markdown();
    assert!(base("owner/model@main").contains("base_model: \"owner/model\""));
    assert!(!base("owner/model").contains("license"));
    for none in ["", "scratch", "."] {
        assert!(!base(none).contains("base_model"), "{none}");
    }
    assert!(base("minilm-cti").contains("base_model: \"sentence-transformers/all-MiniLM-L6-v2\""));
}
