//! What a configuration says that has no part in what is computed: nothing of it is passed over
//! in silence.

use super::config::Architecture;
use serde_json::{Map, Value};

/// Keys that are read, or checked where they matter.
const READ: [&str; 33] = [
    "add_cross_attention",
    "architectures",
    "attention_probs_dropout_prob",
    "auto_map",
    "classifier_dropout",
    "classifier_pooling",
    "hidden_act",
    "hidden_dropout_prob",
    "hidden_size",
    "id2label",
    "initializer_range",
    "intermediate_size",
    "is_decoder",
    "is_encoder_decoder",
    "label2id",
    "layer_norm_eps",
    "max_position_embeddings",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_labels",
    "pad_token_id",
    "position_embedding_type",
    "problem_type",
    "pruned_heads",
    "quantization_config",
    "relative_attention_num_buckets",
    "tie_word_embeddings",
    "tokenizer_class",
    "torch_dtype",
    "ttp_start_rows",
    "type_vocab_size",
    "vocab_size",
];

/// Keys that change no number of an encoder's: transformers' own for text generation, for other
/// libraries, for the form of its answers and for where a file is from.
const WITHOUT_EFFECT: [&str; 63] = [
    "_attn_implementation_autoset",
    "_commit_hash",
    "_name_or_path",
    "_num_labels",
    "attn_implementation",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "chunk_size_feed_forward",
    "cross_attention_hidden_size",
    "decoder_start_token_id",
    "directionality",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "gradient_checkpointing",
    "language",
    "length_penalty",
    "max_length",
    "min_length",
    "model_max_length",
    "name",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "output_scores",
    // Google's own BERTs name these; transformers' pooler has no such parts.
    "pooler_fc_size",
    "pooler_num_attention_heads",
    "pooler_num_fc_layers",
    "pooler_size_per_head",
    "pooler_type",
    "prefix",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sentence_transformers",
    "sep_token_id",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "top_k",
    "top_p",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
];

/// A line for each thing that a user should know.
pub(super) fn of(family: Architecture, config: &Map<String, Value>) -> Vec<String> {
    let mut notes = Vec::new();
    let is_set = |value: &Value| match value {
        Value::Null => false,
        Value::Object(object) => !object.is_empty(),
        Value::Array(array) => !array.is_empty(),
        _ => true,
    };
    let architectures = names(config.get("architectures"));
    if !architectures.is_empty() && !architectures.iter().any(|a| a.starts_with(family.class())) {
        notes.push(format!(
            "config.json says architectures {}; {:?} is computed, as model_type says",
            architectures.join(", "),
            family.name()
        ));
    }
    let epsilon = super::config::epsilon(config);
    if !family.usual_epsilons().contains(&epsilon) {
        notes.push(format!(
            "layer norms add {epsilon:e} to the variance (layer_norm_eps), where those of most \
             models of this kind add {:e}",
            family.usual_epsilons()[0]
        ));
    }
    if config.get("auto_map").is_some_and(is_set) {
        notes.push("config.json names code of its own (auto_map), which is not run".to_owned());
    }
    // A key of another family has no part in this one's computation.
    let is_foreign = |key: &str| match family {
        Architecture::Mpnet => key == "classifier_dropout",
        _ => key == "relative_attention_num_buckets",
    };
    let is_known =
        |key: &str| READ.contains(&key) && !is_foreign(key) || WITHOUT_EFFECT.contains(&key);
    let unknown = config.iter().filter(|(key, value)| !is_known(key) && is_set(value));
    let unknown: Vec<&str> = unknown.map(|(key, _)| key.as_str()).collect();
    if !unknown.is_empty() {
        notes.push(format!("config.json: not read: {}", unknown.join(", ")));
    }
    notes
}

/// The texts of a list.
pub(super) fn names(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn notes(config: &Value) -> Vec<String> {
        config.as_object().map(|config| of(Architecture::Bert, config)).unwrap_or_default()
    }

    #[test]
    fn what_is_computed_as_it_says_needs_no_note() {
        let plain = json!({ "model_type": "bert", "architectures": ["BertForMaskedLM"],
            "hidden_size": 8, "use_cache": true, "auto_map": {}, "adapters": null });
        assert_eq!(notes(&plain), [""; 0]);
    }

    #[test]
    fn an_epsilon_that_few_models_have_is_told() {
        let of = |epsilon: f64| notes(&json!({ "layer_norm_eps": epsilon }));
        assert_eq!(of(1e-12), [""; 0]);
        assert_eq!(
            of(1e-5),
            ["layer norms add 1e-5 to the variance (layer_norm_eps), where those of most models \
                 of this kind add 1e-12"]
        );
    }

    #[test]
    fn what_has_no_part_in_the_computation_is_named() {
        let other = json!({ "architectures": ["JinaBertModel"], "embedding_size": 4,
            "auto_map": { "AutoModel": "modeling.Own" }, "attention_window": [2] });
        assert_eq!(
            notes(&other),
            [
                "config.json says architectures JinaBertModel; \"bert\" is computed, as \
                 model_type says",
                "config.json names code of its own (auto_map), which is not run",
                "config.json: not read: attention_window, embedding_size"
            ]
        );
    }

    #[test]
    fn keys_of_another_family_are_told() {
        let of =
            |family, key: &str| super::of(family, &Map::from_iter([(key.to_owned(), json!(3))]));
        let dropout = of(Architecture::Mpnet, "classifier_dropout");
        assert_eq!(dropout, ["config.json: not read: classifier_dropout"]);
        assert!(of(Architecture::Bert, "classifier_dropout").is_empty());
        assert_eq!(of(Architecture::Bert, "relative_attention_num_buckets").len(), 1);
    }

    #[test]
    fn lists_are_in_order() {
        assert!(WITHOUT_EFFECT.is_sorted());
        assert!(READ.is_sorted() && READ.iter().all(|key| !WITHOUT_EFFECT.contains(key)));
    }
}
