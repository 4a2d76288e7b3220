//! Hidden words: further pretraining from end to end on a small model, what it leaves,
//! and what it is asked afterwards.

use crate::common::tiny::{self, Tiny};
use serde_json::{Value, json};
use std::path::Path;
use tch::{Device, Tensor};
use ttp_lib::encoder::{MaskedEncoder, TechniqueEncoder};
use ttp_lib::pretrained::{Checkpoint, CheckpointTokenizer};
use ttp_lib::split::Split;
use ttp_lib::train::{MaskedHistory, MaskedParams, MaskedRows, Pretraining, check_held_out};

pub(crate) fn params() -> MaskedParams {
    MaskedParams {
        epochs: 10,
        batch_size: 16,
        max_length: 16,
        learning_rate: 1e-2,
        warmup_share: 0.1,
        weight_decay: 0.01,
        clip_norm: 1.0,
        masked_share: 0.15,
    }
}

fn sentences() -> Vec<String> {
    ["sends a mail", "reads the log"]
        .iter()
        .cycle()
        .take(128)
        .map(|text| (*text).to_owned())
        .collect()
}

fn tokenizer(checkpoint: &Checkpoint) -> CheckpointTokenizer {
    checkpoint.tokenizer(16).unwrap()
}

fn pretrain(tiny: &Tiny, seed: u64, folder: &Path) -> (MaskedEncoder, MaskedHistory) {
    let checkpoint = tiny.find().unwrap();
    let rows = MaskedRows::new(&sentences(), &tokenizer(&checkpoint), 0.15).unwrap();
    let mut encoder = MaskedEncoder::with_new_head(&checkpoint, Device::Cpu, seed).unwrap();
    let params = params();
    let held_out = ["of another".to_owned()];
    let pretraining =
        Pretraining { checkpoint: &checkpoint, params: &params, seed, folder, held_out: &held_out };
    let mut steps = 0;
    let history = pretraining.run(&mut encoder, &rows, &rows, &mut |_| steps += 1).unwrap();
    assert_eq!(steps, history.losses.len(), "every step is told");
    (encoder, history)
}

#[test]
fn hidden_words_are_learned_and_the_model_comes_back() {
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("further");
    let (encoder, history) = pretrain(&tiny, 1, &folder);
    assert_eq!(history.epochs.len(), 1 + 10, "once before, and after each pass");
    let (before, after) = (&history.epochs[0], history.epochs.last().unwrap());
    assert!(before.train_loss.is_none() && after.train_loss.is_some());
    assert!(after.validation_loss < 0.6 * before.validation_loss, "{history:?}");
    assert!(after.validation_accuracy > 0.6, "{history:?}");

    let opened = Checkpoint::open("further", &folder).unwrap();
    assert!(MaskedEncoder::is_in(&opened).unwrap());
    let again = MaskedEncoder::new(&opened, Device::Cpu).unwrap();
    let tokenize = tokenizer(&opened);
    let asked = encoder.fill(&tokenize, "[MASK] a mail", 3).unwrap();
    assert_eq!(asked[0][0].token, "sends", "{asked:?}");
    assert_eq!(
        asked,
        again.fill(&tokenize, "[MASK] a mail", 3).unwrap(),
        "as it was before saving"
    );
    // Fine-tuning starts from its body.
    let labels = vec!["T1056".to_owned(), "T1566".to_owned()];
    let tuned = TechniqueEncoder::new(&opened, labels, Device::Cpu, 1).unwrap();
    assert_eq!(tuned.loaded().new, ["classifier.bias", "classifier.weight"], "the pooler too");
    let pooler = |model: &Path| {
        let all = Tensor::read_safetensors(model.join("model.safetensors")).unwrap();
        all.into_iter().find(|(name, _)| name == "bert.pooler.dense.weight").unwrap().1
    };
    assert_eq!(pooler(&folder), pooler(tiny.path()), "as it was: guessing words has no use for it");

    // It is not fine-tuned on a split whose test part it may have read.
    let split = Split { train: vec![], validation: vec![], test: vec![] };
    let said = check_held_out(&opened, &split).unwrap_err().to_string();
    assert!(said.contains("pretraining.json, field \"held_out\": another split"), "{said}");
    let record = folder.join("pretraining.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("of another", &split.test_fingerprint())).unwrap();
    check_held_out(&opened, &split).unwrap();
    check_held_out(&tiny.find().unwrap(), &split).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["config.json", "model.safetensors", "pretraining.json", "tokenizer.json"]);
}

#[test]
fn epsilon_and_what_was_told_stand_in_the_record() {
    let tiny = Tiny::new();
    let mut config = tiny::config();
    config["layer_norm_eps"] = json!(1e-5);
    config["window"] = json!(4);
    tiny.write("config.json", &config);
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("further");
    let (encoder, _) = pretrain(&tiny, 1, &folder);
    let record = std::fs::read(folder.join("pretraining.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["layer_norm_eps"], json!(1e-5));
    let head = "the checkpoint has no masked-language-model head: a new one starts at random";
    let [epsilon, others @ ..] = encoder.notes() else { panic!("no note") };
    assert!(epsilon.starts_with("layer norms add 1e-5 to the variance"), "{epsilon}");
    assert_eq!(others, ["config.json: not read: window", head]);
    assert_eq!(record["notes"], json!(encoder.notes()));
}

#[test]
fn a_seed_decides_what_is_hidden() {
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    let losses = |seed| pretrain(&tiny, seed, &out.path().join("further")).1.losses;
    let first = losses(1);
    assert_eq!(first, losses(1));
    assert_ne!(first, losses(2));
}

#[test]
fn guesses_are_shares_of_the_whole_vocabulary_best_first() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let encoder = MaskedEncoder::with_new_head(&checkpoint, Device::Cpu, 1).unwrap();
    let tokenize = tokenizer(&checkpoint);
    let found = encoder.fill(&tokenize, "[MASK] the [MASK]", tiny::WORDS.len()).unwrap();
    assert_eq!(found.len(), 2, "one answer a masked token");
    for guesses in found {
        assert_eq!(guesses.len(), tiny::WORDS.len());
        assert!(guesses.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
        let total: f64 = guesses.iter().map(|guess| guess.probability).sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        assert!(guesses.iter().all(|guess| tiny::WORDS[guess.id as usize] == guess.token));
    }
    for (text, reason) in [
        ("the mail", "has no [MASK]"),
        ("a a a a a a a a a a a a a a a a a [MASK]", "cut before its last [MASK]"),
    ] {
        let said = encoder.fill(&tokenize, text, 3).unwrap_err().to_string();
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_checkpoint_without_the_head_is_not_asked() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    assert!(!MaskedEncoder::is_in(&checkpoint).unwrap());
    let said = MaskedEncoder::new(&checkpoint, Device::Cpu).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("cls.predictions.bias is missing"), "{said}");
}

#[test]
fn nothing_is_written_where_training_breaks_off() {
    let tiny = Tiny::new();
    let out = tempfile::tempdir().unwrap();
    let checkpoint = tiny.find().unwrap();
    let rows = MaskedRows::new(&sentences(), &tokenizer(&checkpoint), 0.15).unwrap();
    let mut encoder = MaskedEncoder::with_new_head(&checkpoint, Device::Cpu, 1).unwrap();
    let params = MaskedParams { learning_rate: 0.99, clip_norm: 1e30, ..params() };
    let (seed, folder) = (1, out.path().join("further"));
    let pretraining = Pretraining {
        checkpoint: &checkpoint,
        params: &params,
        seed,
        folder: &folder,
        held_out: &[],
    };
    let mut weights = encoder.parameters();
    // A weight that is no number any more, as a rate far too high leaves it.
    tch::no_grad(|| {
        let _ = weights[0].1.fill_(f64::NAN);
    });
    let said = pretraining.run(&mut encoder, &rows, &rows, &mut |_| ()).unwrap_err().to_string();
    assert_eq!(said, "judging masked tokens: row 1: its logits are NaN or infinite");
    let said = encoder.fill(&tokenizer(&checkpoint), "the [MASK]", 2).unwrap_err().to_string();
    assert_eq!(said, "guessing words: masked token 1: its logits are NaN or infinite");
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    let none = MaskedRows::new(&[], &tokenizer(&checkpoint), 0.15).map(|_| ()).unwrap_err();
    assert!(none.to_string().contains("texts"), "{none}");
}
