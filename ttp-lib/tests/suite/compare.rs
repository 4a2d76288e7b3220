//! Models beside each other, on rows few enough to be counted by hand.

use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_evidence::{Evidence, Spread, Spreads, table_2_verdicts};
use ttp_lib::compare::{self, FigureVerdict, ModelAnswers};
use ttp_lib::corpus::{Operation, Sample};
use ttp_lib::evaluate::{self, EncoderTraining, Evaluation, Prediction, Training};
use ttp_lib::files;
use ttp_lib::metrics::{Bootstrap, Confusion, Discordant, mcnemar_exact};
use ttp_lib::profile::Profile;
use ttp_lib::split::Protocol;

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 300, level: 0.95, seed: 4 };

/// Test rows: the corpus row, its technique, what the model says.
type Row<'a> = (u32, &'a str, &'a str);

fn predictions(rows: &[Row<'_>]) -> Vec<Prediction> {
    let prediction = |(at, &(row, technique, predicted)): (usize, &Row<'_>)| Prediction {
        sample: Sample {
            row,
            technique: technique.into(),
            text: format!("text {at}"),
            operation: Operation::Original,
        },
        predicted: predicted.into(),
        probability: 0.5,
    };
    rows.iter().enumerate().map(prediction).collect()
}

fn evaluation(checkpoint: &str, protocol: Protocol, rows: &[Row<'_>]) -> Evaluation {
    let labels = ["T1", "T2", "T3"];
    let class = |name: &str| labels.iter().position(|label| *label == name).unwrap();
    let truth: Vec<usize> = rows.iter().map(|row| class(row.1)).collect();
    let predicted: Vec<usize> = rows.iter().map(|row| class(row.2)).collect();
    let scores = BOOTSTRAP.scores(3, &truth, &predicted).unwrap();
    let profile =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../notebooks/profiles/smoke.json");
    Evaluation {
        checkpoint: checkpoint.into(),
        about: "a test".into(),
        stands_in_for: None,
        protocol,
        accuracy: scores.accuracy.value,
        precision_macro: scores.precision.macro_.value,
        recall_macro: scores.recall.macro_.value,
        f1_macro: scores.f1.macro_.value,
        f2_macro: scores.f2.macro_.value,
        f1_macro_interval: [scores.f1.macro_.low, scores.f1.macro_.high],
        scores,
        confusion: Confusion::from_indices(labels, &truth, &predicted).unwrap(),
        test_rows: rows.len(),
        train_rows: 1,
        train_seconds: 1.0,
        seed: 1,
        training: Training::FineTuned(Box::new(EncoderTraining {
            tokens_per_second: 1.0,
            params: Profile::read(&profile).unwrap().training,
            history: serde_json::from_value(json!({
                "epochs": [], "losses": [], "best_epoch": 1, "seconds": 1.0,
                "tokens_per_second": 1.0, "padding_share": 0.0, "rows": 1,
            }))
            .unwrap(),
        })),
    }
}

fn tested(checkpoint: &str, protocol: Protocol, rows: &[Row<'_>]) -> ModelAnswers {
    ModelAnswers::new(evaluation(checkpoint, protocol, rows), predictions(rows)).unwrap()
}

/// Rows of T1 on sentences of their own; the model is right on the first `right` of them.
fn right_on(right: usize, rows: u32) -> Vec<Row<'static>> {
    (0..rows).map(|row| (row, "T1", if (row as usize) < right { "T1" } else { "T2" })).collect()
}

#[test]
fn pairs_are_counted_tested_and_corrected() {
    let models = [
        tested("minilm", Protocol::Clean, &right_on(20, 40)),
        tested("minilm-cti", Protocol::Clean, &right_on(28, 40)),
        tested("scratch", Protocol::Clean, &right_on(17, 40)),
    ];
    let pairs = compare::pairs(&models, BOOTSTRAP).unwrap();
    let names: Vec<_> = pairs.iter().map(|p| (p.first.as_str(), p.second.as_str())).collect();
    assert_eq!(names, [("minilm-cti", "minilm"), ("scratch", "minilm"), ("scratch", "minilm-cti")]);
    // 8 : 0, 0 : 3 and 0 : 11; the smallest p is taken three times, the next twice.
    let p = [mcnemar_exact(8, 0), mcnemar_exact(0, 3), mcnemar_exact(0, 11)];
    assert_eq!(p, [2.0 / 256.0, 2.0 / 8.0, 2.0 / 2048.0]);
    assert_eq!(pairs.iter().map(|pair| pair.rows.p_value).collect::<Vec<_>>(), p);
    let corrected: Vec<f64> = pairs.iter().map(|pair| pair.rows.p_holm).collect();
    assert_eq!(corrected, [2.0 * p[0], p[1], 3.0 * p[2]]);
    let better: Vec<_> = pairs.iter().map(|pair| pair.better()).collect();
    assert_eq!(better, [Some("minilm-cti"), None, Some("minilm-cti")]);
    for pair in &pairs {
        assert_eq!(pair.rows, pair.sentences, "every row is a sentence of its own");
    }
    let gain = pairs[0].difference.accuracy;
    assert!((gain.value - 8.0 / 40.0).abs() < 1e-12 && gain.excludes_zero(), "{gain:?}");
    assert_eq!(compare::pairs_table(&pairs).unwrap().len(), 3);

    let turned = pairs[0].turned();
    assert_eq!(turned.rows.discordant, Discordant { only_first: 0, only_second: 8 });
    assert_eq!(turned.better(), Some("minilm-cti"));
    assert_eq!(turned.difference.accuracy.high, -gain.low);
    assert_eq!(turned.turned(), pairs[0]);
}

#[test]
fn the_questions_are_answered_the_right_way_round() {
    let models = [
        tested("minilm", Protocol::Clean, &right_on(20, 40)),
        tested("minilm-cti", Protocol::Clean, &right_on(8, 40)),
        tested("scratch", Protocol::Clean, &right_on(19, 40)),
    ];
    let answers = compare::answers(&compare::pairs(&models, BOOTSTRAP).unwrap());
    let found: Vec<_> =
        answers.iter().map(|a| (a.pair.first.as_str(), a.pair.second.as_str())).collect();
    assert_eq!(found, [("minilm-cti", "minilm"), ("minilm", "scratch")]);
    let said: Vec<String> = answers.iter().map(ToString::to_string).collect();
    let start = "Does pretraining on the field's text help? No, the other one is better. \
                 (protocol clean, minilm-cti against minilm: ";
    assert!(said[0].starts_with(start), "{}", said[0]);
    assert!(said[0].contains("alone right on 0 test rows against 12, p 0.0005"), "{}", said[0]);
    assert!(said[1].contains("No difference beyond chance."), "{}", said[1]);
    assert!(said[1].contains("accuracy +0.025 ["), "{}", said[1]);
}

#[test]
fn copies_of_one_sentence_count_once() {
    // Two sentences with twelve rows each; the first model is right on all of them.
    let rows = |predicted| (0..24).map(|at| (at % 2, "T1", predicted)).collect::<Vec<Row<'_>>>();
    let models =
        [tested("a", Protocol::Paper, &rows("T2")), tested("b", Protocol::Paper, &rows("T1"))];
    let pair = compare::pairs(&models, BOOTSTRAP).unwrap().remove(0);
    assert_eq!(pair.rows.discordant, Discordant { only_first: 24, only_second: 0 });
    assert!(pair.rows.p_holm < 1e-6);
    assert_eq!(pair.sentences.discordant, Discordant { only_first: 2, only_second: 0 });
    assert_eq!(pair.sentences.p_holm, 0.5);
    assert!(!pair.more_than_chance());
    assert_eq!((models[0].sentences(), models[0].predictions.len()), (2, 24));
    assert!(pair.to_string().contains("; better on 2 sentences against 0, p 0.50"), "{pair}");
}

#[test]
fn one_model_is_compared_with_nothing() {
    let models = [tested("minilm", Protocol::Paper, &right_on(2, 4))];
    assert_eq!(compare::headline(&models).unwrap(), Protocol::Paper);
    let pairs = compare::pairs(&models, BOOTSTRAP).unwrap();
    assert!(pairs.is_empty() && compare::answers(&pairs).is_empty());
    assert!(compare::pairs_table(&pairs).unwrap().is_empty());
    assert!(compare::paper_minus_clean(&models, BOOTSTRAP).unwrap().is_empty());
    assert!(compare::headline(&[]).is_err());
}

#[test]
fn what_the_papers_protocol_adds_is_paper_minus_clean() {
    let models = [
        tested("minilm", Protocol::Paper, &right_on(36, 40)),
        tested("other", Protocol::Paper, &right_on(1, 40)),
        tested("minilm", Protocol::Clean, &right_on(10, 20)),
    ];
    assert_eq!(compare::headline(&models).unwrap(), Protocol::Clean);
    let scores: Vec<_> = models.iter().map(|model| model.scores(BOOTSTRAP).unwrap()).collect();
    let text = compare::scores_table(&models, &scores).unwrap().to_text();
    assert!(text.contains("(published)") && text.contains("minilm (ours)"), "{text}");
    let leaks = compare::paper_minus_clean(&models, BOOTSTRAP).unwrap();
    assert_eq!(leaks.len(), 1);
    assert_eq!((leaks[0].paper_rows, leaks[0].clean_rows), (40, 20));
    let accuracy = leaks[0].difference.accuracy;
    assert!((accuracy.value - 0.4).abs() < 1e-12, "{accuracy:?}");
    assert!(accuracy.low > 0.1 && accuracy.high < 0.7, "{accuracy:?}");
    assert!(leaks[0].to_string().starts_with("minilm, the paper's protocol minus the clean one"));
}

#[test]
fn errors_are_summed_over_models_with_a_sentence_of_most() {
    let rows = |third| [(0, "T1", "T2"), (1, "T1", "T2"), (2, "T2", third), (3, "T3", "T3")];
    let models = [
        tested("a", Protocol::Clean, &rows("T2")),
        tested("b", Protocol::Clean, &rows("T1")),
        tested(
            "c",
            Protocol::Clean,
            &[(0, "T1", "T1"), (1, "T1", "T2"), (2, "T2", "T1"), (3, "T3", "T3")],
        ),
    ];
    let found = compare::most_confused(&models, Protocol::Clean, 10);
    let seen: Vec<_> = found
        .iter()
        .map(|p| (p.truth.as_str(), p.predicted.as_str(), p.count, p.example.as_str()))
        .collect();
    assert_eq!(seen, [("T1", "T2", 5, "text 1"), ("T2", "T1", 2, "text 2")]);
    assert_eq!(found[0].by_model, [2, 2, 1]);
    assert_eq!((found[0].example_models, found[1].example_models), (3, 2));
    assert_eq!(compare::most_confused(&models, Protocol::Clean, 1).len(), 1);
    let columns = ["a", "b", "c"].map(str::to_owned);
    let names = BTreeMap::from([("T1".to_owned(), "Phishing".to_owned())]);
    let text = compare::confused_table(&found, &columns, &names).unwrap().to_text();
    let first: Vec<&str> =
        text.lines().find(|line| line.contains("text 1")).unwrap().split_whitespace().collect();
    assert_eq!(first, ["T1", "Phishing", "T2", "5", "2", "2", "1", "text", "1"], "{text}");
    assert!(compare::confused_table(&found, &columns[..2], &names).is_err(), "a column is missing");
    assert!(compare::most_confused(&models, Protocol::Paper, 10).is_empty());

    let spread = compare::recall_spread(&models[2].evaluation.confusion);
    assert_eq!((spread.techniques, spread.lowest, spread.hardest.as_str()), (3, 0.0, "T2"));
    assert_eq!((spread.mean, spread.below_half), (0.5, 1));
    // Recalls 0.5, 0 and 1 lie 0, 0.5 and 0.5 from their mean.
    assert!((spread.deviation - (0.5_f64 / 3.0).sqrt()).abs() < 1e-15);
}

#[test]
fn thirds_go_by_the_measure_and_keep_equals_together() {
    let model = tested("a", Protocol::Clean, &right_on(40, 60));
    let measure: Vec<f64> = (0..60).map(f64::from).collect();
    let found = compare::accuracy_by_thirds(&model, &measure, BOOTSTRAP).unwrap();
    let thirds: Vec<_> =
        found.thirds.iter().map(|t| (t.from, t.to, t.rows, t.accuracy.value)).collect();
    assert_eq!(thirds, [(0.0, 19.0, 20, 1.0), (20.0, 39.0, 20, 1.0), (40.0, 59.0, 20, 0.0)]);
    assert_eq!(found.highest_minus_lowest.unwrap().value, -1.0);
    assert!(found.to_string().ends_with("are named right less often"), "{found}");
    let text = compare::thirds_table(&[("a".to_owned(), found)]).unwrap().to_text();
    assert!(text.contains("20.00 to 39.00") && text.contains("highest − lowest"), "{text}");
    // Every answer has the probability 0.5, and 40 of 60 are right.
    let text = compare::confidence_table(&model).unwrap().to_text();
    let half = text.lines().find(|line| line.contains("0.50 to 0.80")).unwrap();
    assert!(half.contains("60") && half.contains("0.500") && half.contains("0.667"), "{text}");

    let flat = compare::accuracy_by_thirds(&model, &[1.5; 60], BOOTSTRAP).unwrap();
    assert_eq!(flat.thirds.len(), 1);
    assert!(flat.highest_minus_lowest.is_none() && flat.to_string().contains("nothing to compare"));
    for wrong in [vec![1.0; 59], vec![f64::NAN; 60]] {
        let error = compare::accuracy_by_thirds(&model, &wrong, BOOTSTRAP).unwrap_err().to_string();
        assert!(error.starts_with("setting measure: "), "{error}");
    }
}

#[test]
fn results_are_read_in_order_and_what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |checkpoint: &str, protocol, rows: &[Row<'_>], said: &[Row<'_>]| {
        let stem = folder.path().join(Evaluation::file_stem(checkpoint, protocol));
        let stem = stem.display();
        let evaluation = evaluation(checkpoint, protocol, rows);
        files::write_json(Path::new(&format!("{stem}.json")), &evaluation).unwrap();
        let path = format!("{stem}.predictions.parquet");
        evaluate::write_predictions(&predictions(said), Path::new(&path)).unwrap();
    };
    let order = ["minilm".to_owned(), "minilm-cti".to_owned()];
    let read = || ModelAnswers::read_all(folder.path(), &order);
    let said = || {
        let message = read().unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message.replace(&folder.path().display().to_string(), "results")
    };
    let (rows, other) = (right_on(2, 4), right_on(3, 4));
    for name in ["another", "minilm-cti", "minilm"] {
        write(name, Protocol::Clean, &rows, &rows);
    }
    write("minilm", Protocol::Paper, &rows[..3], &rows[..3]);
    let models = read().unwrap();
    let found: Vec<_> = models.iter().map(|m| (m.name(), m.protocol().name())).collect();
    assert_eq!(
        found,
        [("minilm", "paper"), ("minilm", "clean"), ("minilm-cti", "clean"), ("another", "clean")]
    );

    write("minilm", Protocol::Clean, &rows, &other);
    assert_eq!(
        said(),
        "results/finetune.minilm.clean.predictions.parquet: setting predictions: they are not \
         those of minilm, protocol clean: run 06_finetune again"
    );
    let mut turned = rows.clone();
    turned.swap(0, 1);
    write("minilm", Protocol::Clean, &turned, &turned);
    assert_eq!(
        said(),
        "results: setting test rows: those of minilm, protocol clean and of minilm-cti are not \
         the same: run 06_finetune again for both"
    );
    write("minilm", Protocol::Clean, &rows, &rows);
    std::fs::remove_file(folder.path().join("finetune.another.clean.predictions.parquet")).unwrap();
    assert!(said().starts_with("results/finetune.another.clean.predictions.parquet: cannot read"));
}

#[test]
fn each_cell_of_table_2_has_a_verdict_and_a_stand_in_reproduces_none() {
    let rows = right_on(36, 40);
    let mut stand_in = tested("bert", Protocol::Paper, &rows);
    stand_in.evaluation.stands_in_for = Some("BERT".into());
    let own = tested("scibert", Protocol::Paper, &rows);
    let clean = tested("secbert", Protocol::Clean, &rows);
    let models = [stand_in, own, clean];
    let scores: Vec<_> = models.iter().map(|model| model.scores(BOOTSTRAP).unwrap()).collect();
    let none = Evidence::default();
    let checks = table_2_verdicts(&models, &scores, &none, "orbinato-mixed");
    assert_eq!(checks.len(), 15);
    let verdict = |cell: &str| checks.iter().find(|check| check.cell == cell).unwrap();
    // 36 of 40 right: 0.90, as the paper prints it.
    let check = verdict("table 2, SciBERT, accuracy");
    assert_eq!((check.verdict, check.published.as_str()), (FigureVerdict::Reproduced, "0.90"));
    assert!(check.why.ends_with("over the test rows of one seed"), "{}", check.why);
    for cell in ["table 2, BERT, accuracy", "table 2, SecBERT, F1"] {
        let check = verdict(cell);
        assert_eq!(check.verdict, FigureVerdict::NotRun, "{cell}");
        assert!(check.why.contains("TTP_PROFILE=paper make reproduce"), "{}", check.why);
    }
    // Other rows than the paper's decide nothing.
    let others = table_2_verdicts(&models, &scores, &none, "attack-v10.1");
    let check = others.iter().find(|check| check.cell == "table 2, SciBERT, accuracy").unwrap();
    assert_eq!(check.verdict, FigureVerdict::NotRun);
    assert!(check.why.ends_with("but on rows of attack-v10.1, not on the paper's own"));
    // Seeds go before the one run, and these lie far from what is printed.
    let mut sweep = none;
    let low = Spread { mean: 0.5, sd: Some(0.01), n: 5, low: Some(0.49), high: Some(0.51) };
    sweep.seeds.insert(
        "scibert.paper".into(),
        Spreads {
            runs: vec![1, 2, 3, 4, 5],
            f1_macro: low,
            accuracy: low,
            precision_macro: low,
            recall_macro: low,
            f2_macro: low,
            validation_accuracy: low,
            train_accuracy: None,
            seconds: 1.0,
        },
    );
    let checks = table_2_verdicts(&models, &scores, &sweep, "orbinato-mixed");
    let check = checks.iter().find(|check| check.cell == "table 2, SciBERT, F2").unwrap();
    assert_eq!(check.verdict, FigureVerdict::NotReproduced);
    assert_eq!(check.why, "0.500 [0.490, 0.510] over 5 seeds");
    assert!(compare::verdicts_table(&checks).unwrap().to_text().contains("not reproduced"));
}
