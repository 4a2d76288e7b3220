//! The model card: what huggingface_hub reads from it, and what a fine-tuning leaves.

use serde_json::Value;
use ttp_lib::card::{CardScore, ModelCard};

fn card() -> ModelCard {
    ModelCard {
        name: "minilm.clean".to_owned(),
        base: "minilm".to_owned(),
        library: "transformers",
        task: "text-classification",
        stands_in_for: Some("the paper's bert-base-cased".to_owned()),
        data: "MITRE ATT&CK v10.1, Enterprise (ATT&CK Terms of Use): 90 rows".to_owned(),
        test: "12 test rows: \"quoted\", # and {braces}".to_owned(),
        scores: vec![CardScore {
            metric: "f1",
            name: "macro F1".to_owned(),
            value: 0.8425,
            interval: [0.8, 0.875],
        }],
        limits: "It can name T1059 and T1105 only.".to_owned(),
        usage: "ttp classify minilm.clean".to_owned(),
    }
}

/// The file is what the card writes, and the JSON what huggingface_hub 0.36.2 reads from the file
/// (environment/golden/model_card.py).
#[test]
fn huggingface_hub_reads_the_cards_metadata() {
    let file = include_str!("../golden/model_card.md");
    assert_eq!(card().to_markdown(), file);
    let read: Value = serde_json::from_str(include_str!("../golden/model_card.json")).unwrap();
    assert_eq!(read["base_model"], "sentence-transformers/all-MiniLM-L6-v2");
    assert_eq!(
        (&read["license"], &read["library_name"]),
        (&"apache-2.0".into(), &"transformers".into())
    );
    assert!(read["tags"].as_array().unwrap().contains(&"stand-in".into()));
    let result = &read["model-index"][0]["results"][0];
    assert_eq!(result["dataset"]["name"], "12 test rows: \"quoted\", # and {braces}");
    assert_eq!(result["metrics"][0]["value"], 0.8425);
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
