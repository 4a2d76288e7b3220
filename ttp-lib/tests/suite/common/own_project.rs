//! A project folder of a test's own, and the command line in it.

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// A profile of a few rows and one epoch, in the form of the files in notebooks/profiles/.
pub fn small_profile() -> Value {
    json!({
        "name": "laptop", "about": "for tests", "seed": 1,
        "corpus": { "source": "attack-v10.1" },
        "balance": { "trim_below": 10, "upsample_to": 12, "downsample_to": 20 },
        "augment": {
            "fraction": 0.1, "per_sentence": 4, "skip_stop_words": true, "protect": true
        },
        "split": { "train": 0.8, "validation": 0.1, "test": 0.1 },
        "protocols": ["clean"], "checkpoints": ["minilm"],
        "training": {
            "epochs": 1, "batch_size": 8, "max_length": 16, "learning_rate": 1e-3,
            "warmup_share": 0.0, "weight_decay": 0.0, "clip_norm": 1.0, "optimizer": "adamw"
        },
        "bootstrap": { "resamples": 100, "level": 0.95 }
    })
}

/// `ttp` in a folder, without settings of who runs the tests.
pub fn ttp(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttp"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for name in [
        "TTP_PROFILE",
        "TTP_OUT",
        "TTP_SOURCES",
        "TTP_MODELS",
        "TTP_CHECKPOINT",
        "TTP_CHECKPOINT_SECONDS",
        "TTP_FRESH",
    ] {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        // A user's own hub and proxies are none of these tests' business.
        let text = name.to_string_lossy().to_uppercase();
        if text.starts_with("HF_") || text.starts_with("HUGGING") || text.ends_with("_PROXY") {
            command.env_remove(&name);
        }
    }
    command
}

/// Looks for what a model's card must say.
pub fn card_says(model: &Path, expected: &[&str]) {
    let card = std::fs::read_to_string(model.join("README.md")).unwrap();
    assert!(card.starts_with("---\n"), "{card}");
    for text in expected {
        assert!(card.contains(text), "{text:?} is missing in\n{card}");
    }
}
