//! The baseline: linear models on the encoders' rows, kept, asked again and put together with
//! another model.

use crate::common::own_project::{small_profile, ttp};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use ttp_lib::calibration::{Logits, Temperature, WeightedMean};
use ttp_lib::compare::{self, BOTH, Both, ModelAnswers};
use ttp_lib::corpus::{Operation, Sample};
use ttp_lib::evaluate::{
    Baseline, BaselineResults, Evaluation, ModelLogits, Training, linear_predictions,
};
use ttp_lib::files;
use ttp_lib::linear::{LinearKind, LinearModel};
use ttp_lib::metrics::Bootstrap;
use ttp_lib::split::{Protocol, Split};

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };

/// Sentences of three techniques; each third one is told in words that all three have.
fn split() -> Split {
    let words = [("T1003", "dumps passwords"), ("T1027", "packs code"), ("T1105", "fetches files")];
    let part = |from: u32, rows: u32| -> Vec<Sample> {
        (from..from + rows)
            .map(|row| {
                let (technique, words) = words[row as usize % 3];
                let text = match row % 5 {
                    0 => format!("The actor number {row} works with tools"),
                    _ => format!("The actor number {row} {words} with tools"),
                };
                let operation = if row % 4 == 1 { Operation::Swap } else { Operation::Original };
                Sample { row, technique: technique.into(), text, operation }
            })
            .collect()
    };
    Split { train: part(0, 120), validation: part(120, 30), test: part(150, 30) }
}

fn trained(kind: LinearKind) -> Baseline {
    Baseline::train(kind, Protocol::Clean, &split(), 1, BOOTSTRAP).unwrap()
}

#[test]
fn the_results_say_what_copies_are_worth() {
    let paper = Baseline::train(LinearKind::TfidfSvm, Protocol::Paper, &split(), 1, BOOTSTRAP);
    let baselines = [trained(LinearKind::TfidfSvm), paper.unwrap()];
    let gain = compare::gain_of_copies(&baselines[0], &split(), [BOOTSTRAP; 2]).unwrap();
    let all = baselines[0].evaluation.scores;
    let of = |scores| std::collections::BTreeMap::from([("tfidf-svm".to_owned(), scores)]);
    let results = BaselineResults::new(&baselines, of(gain), of(all));
    let found = results.findings();
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found[2].starts_with("  BERT's published F1, 0.90, lies "), "{found:?}");
    let copies = format!(
        "tfidf-svm with augmented copies minus without: macro F1 {}: ",
        gain.f1.macro_.signed()
    );
    assert!(found[3].starts_with(&copies), "{found:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("baseline.json");
    results.save(&path).unwrap();
    let file: Value = files::read_json(&path).unwrap();
    let models: Vec<&String> = file["models"].as_object().unwrap().keys().collect();
    assert_eq!(models, ["tfidf-svm, protocol clean", "tfidf-svm, protocol paper"]);
    assert_eq!(file["models"][models[0]]["f1_macro"], json!(all.f1.macro_));
    assert_eq!(file["augmentation"]["tfidf-svm"], json!(gain));
    assert_eq!(file["all_techniques"]["tfidf-svm"]["accuracy"], json!(all.accuracy));
}

#[test]
fn a_baseline_is_scored_as_encoders_are_and_its_files_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (models, results) = (folder.path().join("models"), folder.path().join("results"));
    let baseline = trained(LinearKind::TfidfSvm);
    baseline.write(&models, &results, "").unwrap();

    let evaluation: Evaluation =
        files::read_json(&results.join("finetune.tfidf-svm.clean.json")).unwrap();
    assert_eq!(evaluation, baseline.evaluation);
    assert!(evaluation.accuracy > 0.8, "{evaluation}");
    assert!(evaluation.fine_tuned().is_none());
    assert_eq!(evaluation.label(), "tfidf-svm (ours, linear)");
    let logits = ModelLogits::read(&results.join("finetune.tfidf-svm.clean.logits.parquet"));
    assert_eq!(logits.unwrap(), baseline.logits);
    let read = ModelAnswers::read_all(&results, &["tfidf-svm".to_owned()]).unwrap();
    assert_eq!(read[0].predictions, linear_predictions(LinearKind::TfidfSvm, &split(), 1).unwrap());

    let model = LinearModel::load(&models.join("tfidf-svm.clean/linear.safetensors")).unwrap();
    let Training::Linear { linear, features, temperature } = evaluation.training else {
        panic!("{:?}", evaluation.training);
    };
    assert_eq!((linear, model.temperature()), (LinearKind::TfidfSvm, temperature));
    assert_eq!(features, model.vocabularies().iter().map(|v| v.len()).sum::<usize>());
    let (class, probability) = model.most_probable("it dumps passwords");
    let scores = Logits::new(3, model.scores("it dumps passwords")).unwrap();
    let of_softmax = scores.softmax(temperature).unwrap();
    assert_eq!(model.classes()[class], "T1003");
    assert!((probability - of_softmax.row(0)[class]).abs() < 1e-12);
}

#[test]
fn without_copies_only_the_corpus_own_sentences_are_trained_on() {
    let split = split();
    let plain = split.without_copies();
    assert_eq!((split.train.len(), plain.train.len()), (120, 90));
    assert!(plain.train.iter().all(|sample| sample.operation == Operation::Original));
    assert_eq!((&plain.validation, &plain.test), (&split.validation, &split.test));
    let with = trained(LinearKind::CountsLogistic);
    let without =
        Baseline::train(LinearKind::CountsLogistic, Protocol::Clean, &plain, 1, BOOTSTRAP).unwrap();
    let gain = compare::gain_of_copies(&with, &split, [BOOTSTRAP; 2]).unwrap();
    let expected = with.evaluation.accuracy - without.evaluation.accuracy;
    assert!((gain.accuracy.value - expected).abs() < 1e-12, "{gain:?}");
}

#[test]
fn a_split_with_a_technique_that_training_has_not_is_refused() {
    let mut odd = split();
    odd.validation[3].technique = "T9999".into();
    let error = Baseline::train(LinearKind::CountsLogistic, Protocol::Clean, &odd, 1, BOOTSTRAP);
    let error = error.err().unwrap().to_string();
    assert!(error.contains("technique \"T9999\"") || error.contains("T9999"), "{error}");
}

#[test]
fn two_models_together_are_the_mean_of_their_calibrated_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let (models, results) = (folder.path().join("models"), folder.path().join("results"));
    // The one that counts words stands in the encoder's place: what is put together are logits.
    let (first, second) = (trained(LinearKind::CountsLogistic), trained(LinearKind::TfidfSvm));
    first.write(&models, &results, "").unwrap();
    second.write(&models, &results, "").unwrap();
    let both =
        Both::of(&results, "counts-logistic", LinearKind::TfidfSvm, Protocol::Clean, BOOTSTRAP)
            .unwrap();
    both.write(&results).unwrap();
    let Training::Both { of, weight, temperatures } = &both.evaluation.training else {
        panic!("{:?}", both.evaluation.training);
    };
    assert_eq!(of, &["counts-logistic".to_owned(), "tfidf-svm".to_owned()]);
    let fitted = [&first, &second].map(|model| {
        let part = &model.logits.validation;
        Temperature::fit(&part.logits, &part.truth).unwrap()
    });
    assert_eq!(temperatures, &fitted.map(|temperature| temperature.value));
    let [a, b] = [(&first, fitted[0]), (&second, fitted[1])]
        .map(|(model, temperature)| temperature.apply(&model.logits.test.logits).unwrap());
    let mean = WeightedMean { weight: *weight }.apply(&a, &b).unwrap();
    assert_eq!(both.logits.test.best(), mean.best());
    let again = both.logits.test.logits.softmax(1.0).unwrap();
    let far = again.values().iter().zip(mean.values()).map(|(a, b)| (a - b).abs());
    assert!(far.fold(0.0, f64::max) < 1e-12);

    let names = ["tfidf-svm", "counts-logistic"].map(str::to_owned);
    let read = ModelAnswers::read_all(&results, &names).unwrap();
    let order: Vec<&str> = read.iter().map(ModelAnswers::name).collect();
    assert_eq!(order, ["tfidf-svm", "counts-logistic", BOTH]);
    assert_eq!(compare::encoders(&read, Protocol::Clean).count(), 0);
    assert_eq!(compare::pairs(&read, BOOTSTRAP).unwrap().len(), 3);
    // Without one of its two models it is of an earlier run.
    for file in ["json", "predictions.parquet"] {
        let name = format!("finetune.counts-logistic.clean.{file}");
        std::fs::remove_file(results.join(name)).unwrap();
    }
    let read = ModelAnswers::read_all(&results, &names).unwrap();
    assert_eq!(read.iter().map(ModelAnswers::name).collect::<Vec<_>>(), ["tfidf-svm"]);
}

#[test]
fn two_models_of_other_rows_are_not_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let (models, results) = (folder.path().join("models"), folder.path().join("results"));
    trained(LinearKind::TfidfSvm).write(&models, &results, "").unwrap();
    let mut other = split();
    other.test.swap(0, 1);
    let kind = LinearKind::CountsLogistic;
    let of_other = Baseline::train(kind, Protocol::Clean, &other, 1, BOOTSTRAP).unwrap();
    of_other.write(&models, &results, "").unwrap();
    let together =
        Both::of(&results, kind.name(), LinearKind::TfidfSvm, Protocol::Clean, BOOTSTRAP);
    let error = together.err().unwrap().to_string();
    let said = "finetune.counts-logistic.clean.logits.parquet: it has not the rows of \
                finetune.tfidf-svm.clean: run both again";
    assert!(error.ends_with(said), "{error}");
}

/// A project with a corpus of its own, and linear models among its checkpoints.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("notebooks/profiles");
    std::fs::create_dir_all(&profiles).unwrap();
    let mut profile: Value = small_profile();
    profile["checkpoints"] = json!(["tfidf-svm", "counts-logistic", "minilm"]);
    std::fs::write(profiles.join("laptop.json"), profile.to_string()).unwrap();
    let mut csv = String::from("sentence,technique\n");
    for sample in split().train {
        csv.push_str(&format!("{},{}\n", sample.text, sample.technique));
    }
    std::fs::write(folder.path().join("own.csv"), csv).unwrap();
    for arguments in [&["corpus", "--csv", "own.csv"][..], &["split"]] {
        let output = ttp(folder.path(), arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    folder
}

fn fails(folder: &Path, arguments: &[&str]) -> String {
    let output = ttp(folder, arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said.trim_end().to_owned()
}

/// Where the tensor `weights` stands in the bytes of a safetensors file.
fn place_of_weights(bytes: &[u8]) -> [usize; 2] {
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let about: Value = serde_json::from_slice(&bytes[8..header]).unwrap();
    [0, 1].map(|at| header + about["weights"]["data_offsets"][at].as_u64().unwrap() as usize)
}

#[test]
fn the_command_line_trains_a_linear_model_and_classifies_with_it() {
    let project = project();
    let folder = project.path();
    let tuned = ttp(folder, &["finetune", "--checkpoint", "tfidf-svm"]).output().unwrap();
    let said = String::from_utf8(tuned.stdout).unwrap();
    assert!(
        tuned.status.success() && said.contains("tfidf-svm, protocol clean: macro F1"),
        "{said}"
    );
    assert!(folder.join("results/finetune.tfidf-svm.clean.json").is_file());
    let card = std::fs::read_to_string(folder.join("models/tfidf-svm.clean/README.md")).unwrap();
    assert!(card.contains("library_name: \"ttp-lib\"") && !card.contains("base_model"), "{card}");

    let mut classify = ttp(folder, &["classify", "models/tfidf-svm.clean"]);
    let mut run = classify.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = "It packs code.\n\nIt fetches files from hxxp://a.b\n";
    run.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = run.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let techniques: Vec<&str> = said.lines().filter_map(|l| l.split('\t').next()).collect();
    assert_eq!(techniques, ["T1027", "T1105"], "{said}");

    let said = fails(folder, &["finetune", "--checkpoint", "tfidf-svm", "--epochs", "3"]);
    assert!(said.contains("tfidf-svm is a linear model: it has no epochs"), "{said}");
    let said = fails(folder, &["finetune", "--checkpoint", "tfidf-svn"]);
    assert!(said.contains("tfidf-svn"), "{said}");
    let model = folder.join("models/tfidf-svm.clean/linear.safetensors");
    let mut bytes = std::fs::read(&model).unwrap();
    std::fs::write(&model, &bytes[..1000]).unwrap();
    let said = fails(folder, &["classify", "models/tfidf-svm.clean", "own.csv"]);
    assert!(said.contains("linear.safetensors: not a linear model: safetensors"), "{said}");

    // Weights that are finite, and whose sums are not.
    let [start, end] = place_of_weights(&bytes);
    bytes[start..end].as_chunks_mut::<8>().0.fill(1e308_f64.to_le_bytes());
    std::fs::write(&model, &bytes).unwrap();
    std::fs::write(folder.join("texts.txt"), "🦀\n\nIt packs code and fetches files.\n").unwrap();
    let output = ttp(folder, &["classify", "models/tfidf-svm.clean", "texts.txt"]).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let reason = "the model models/tfidf-svm.clean gives NaN or an infinity for it";
    assert!(said.starts_with(&format!("error: texts.txt, row 3: {reason}")), "{said}");
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1));
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("\t🦀\n"));
}
