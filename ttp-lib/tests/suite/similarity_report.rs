//! The similarity report's own pairs: counts on its real files where they are at hand, the same
//! code on a made-up set of their form, and what a user is told who makes the same mistakes.

use crate::common::report::MadeUp;
use crate::common::tiny::Tiny;
use crate::common::{raw, skip, turn};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tch::Device;
use ttp_lib::encoder::{SentenceEncoder, Vectors};
use ttp_lib::metrics::{BinaryCounts, Bootstrap, Ranking};
use ttp_lib::pretrained::Checkpoint;
use ttp_lib::similarity::reported::{
    Experiment, GroundName, Lessons, PairLeak, REPORT_FILES, ReportArm, ReportFiles, ReportModels,
    ReportSettings, SplitLeaks, UnseenCosines, Warning, hardest,
};
use ttp_lib::similarity::{Loss, ModelFolder, PairTraining, Pairs};

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 200, level: 0.95, seed: 1 };

fn said<T: std::fmt::Debug>(result: ttp_lib::Result<T>) -> String {
    let message = result.unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// Of the real files: `environment/golden/similarity_report.py`.
fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/similarity_report.json")).unwrap()
}

fn report() -> Option<ReportFiles> {
    let mut paths = Vec::new();
    for name in REPORT_FILES {
        paths.push(raw(name)?);
    }
    Some(ReportFiles::read(&paths.try_into().unwrap()).unwrap())
}

// -- the real files -------------------------------------------------------------------------

#[test]
fn the_reports_own_files_have_its_counts() {
    let Some(files) = report() else { return };
    let golden = golden();
    let sizes = |pairs: &Pairs| json!([pairs.len(), pairs.similar_count()]);
    let sets = json!({
        "train": sizes(&files.train), "dev": sizes(&files.validation), "test": sizes(&files.test),
    });
    assert_eq!(sets, golden["sets"]);
    assert_eq!(sets["train"], json!([3_711, 2_341]));
    assert_eq!(sets["test"], json!([465, 282]));
    assert_eq!((files.texts.len(), files.templates(), files.tactics.len()), (499, 216, 12));
    assert_eq!((files.unseen.texts.len(), files.unseen.len()), (20, 190));
    let (largest, mean) = files.unseen.published_gain();
    assert!((largest - 0.5712).abs() < 1e-9 && (mean - 0.3365).abs() < 5e-5, "{largest} {mean}");
    let lowest = files.unseen.fine_tuned.iter().copied().fold(1.0, f64::min);
    assert!(lowest > 0.565, "{lowest}");

    let leak = PairLeak::count(&files.test, &files.train, &files.template);
    assert_eq!((leak.both_texts, leak.one_text), (465, 0));
    assert_eq!((leak.same_pair, leak.mirrored_pair), (14, 95));
    assert_eq!((leak.similar_in_training, leak.others_in_training), (82, 27));
    let leak_of = serde_json::to_value(leak).unwrap();
    for (name, count) in golden["leak"].as_object().unwrap() {
        assert_eq!(&leak_of[name], count, "{name}");
    }
    println!("{leak:?}");
}

#[test]
fn a_split_of_the_reports_pairs_without_common_texts_has_no_leak() {
    let Some(files) = report() else { return };
    let experiment =
        Experiment::new(files, None, &ReportSettings::default(), |p| p.len() as u64).unwrap();
    let ground = &experiment.disjoint;
    let leak = ground.leak(&experiment.files);
    assert!(leak.is_none() && leak.same_templates == 0, "{leak:?}");
    let test = &ground.test.pairs;
    println!(
        "{} training pairs, {} validation, {} test of which {} similar; {} left out",
        ground.train.len(),
        ground.validation.len(),
        test.len(),
        test.similar_count(),
        ground.left_out
    );
    assert!((200..400).contains(&test.len()) && ground.train.len() > 1_200);
}

/// What a model makes of the report's pairs as it is, and which hard negatives the report's
/// script would choose by it.
fn untrained_is_golden(name: &str) {
    let Some(files) = report() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let named = std::env::var_os("TTP_MODELS").map(|folder| root.join(folder));
    let places = [named.unwrap_or_default(), root.join("data/raw/models")];
    let mut places = places.map(|folder| folder.join(name)).into_iter();
    let Some(folder) = places.find(|folder| folder.join("config.json").is_file()) else {
        return skip(&format!("{name} is in neither data/raw/models nor TTP_MODELS"));
    };
    // A model starts from random numbers before it is loaded.
    let _turn = turn();
    let golden = &golden()["untrained"][name];
    let checkpoint = Checkpoint::open(name, &folder).unwrap();
    let settings = ReportSettings::default();
    let experiment = Experiment::new(files, None, &settings, |p| p.len() as u64).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let tokenize = experiment.tokenizer(&checkpoint).unwrap();
    let embedded = experiment.embed(&encoder, &tokenize, &mut |_| ()).unwrap();
    let scores = experiment.judge(&embedded, GroundName::Report, BOOTSTRAP).unwrap().unwrap();
    let counts: BinaryCounts = serde_json::from_value(golden["counts"].clone()).unwrap();
    assert_eq!(scores.at_half.counts, counts);
    assert_eq!(scores.all_similar.counts, BinaryCounts { tp: 282, fn_: 0, fp: 183, tn: 0 });
    let near = |ours: f64, theirs: &Value| {
        assert!((ours - theirs.as_f64().unwrap()).abs() < 1e-4, "{ours} and {theirs}");
    };
    near(scores.average_precision.value, &golden["average_precision"]);
    near(scores.roc_auc.value, &golden["roc_auc"]);

    let train = &experiment.files.train;
    let hard = hardest(train, &embedded.texts, 300).unwrap();
    let first: Vec<usize> = serde_json::from_value(golden["hard"]["first"].clone()).unwrap();
    assert_eq!(hard[..10], first);
    assert_eq!(hard.iter().sum::<usize>() as u64, golden["hard"]["sum"].as_u64().unwrap());
    near(embedded.texts.dots(&[train.rows[hard[299]]])[0], &golden["hard"]["lowest"]);

    let unseen = UnseenCosines::of(&embedded.unseen);
    near(unseen.mean, &golden["unseen"]["mean"]);
    let similar = golden["unseen"]["similar"].as_f64().unwrap();
    assert!((unseen.called_similar * 190.0 - similar).abs() < 1e-9);
    let off = experiment.files.unseen.max_error(&embedded.unseen);
    println!("{name}: the 190 published similarities are within {off:.2e}");
    near(off, &golden["unseen"]["off_published"]);
    assert!(name == "minilm" || off < 6e-5, "{off}");
}

#[test]
fn minilm_untrained_is_that_of_sentence_transformers() {
    untrained_is_golden("minilm");
}

/// The report's baseline, to the last digit.
#[test]
fn mpnet_untrained_is_the_reports_baseline() {
    let golden = &golden()["untrained"]["mpnet"];
    assert_eq!(golden["counts"], json!({ "tp": 49, "fn": 233, "fp": 10, "tn": 173 }));
    untrained_is_golden("mpnet");
}

// -- a made-up set of the same form -----------------------------------------------------------

#[test]
fn a_text_is_of_the_longest_sentence_that_it_holds() {
    let made = MadeUp::new();
    let files = ReportFiles::read(&made.paths()).unwrap();
    assert_eq!(files.tactics, ["Mailing", "Stealing"]);
    assert_eq!((files.texts.len(), files.templates()), (40, 24));
    let used: BTreeSet<u32> = files.template.iter().copied().collect();
    assert_eq!(used.len(), 24);
    let texts = files.texts.all();
    let of = |text: &str| {
        let at = texts.iter().position(|known| *known == text).unwrap();
        (files.template[at], files.tactics[files.tactic[at] as usize].as_str())
    };
    assert_eq!(of("Sends the mail"), of("The sends the mail the"));
    assert_ne!(of("Sends the mail").0, of("The mail sends the mail a").0);
    assert_eq!(of("The mail sends the mail a").1, "Mailing");
    assert_eq!(files.unseen.pairs(), [[0, 1], [0, 2], [1, 2]]);
    assert_eq!(files.all_pairs().len(), 16 * 15 / 2 * 2 + 256 + 12 + 16);
}

#[test]
fn files_that_contradict_each_other_are_named() {
    for (file, from, to, expected) in [
        (
            "categories.json",
            "Sends the mail",
            "Sends the letter",
            "categories.json: of no tactic: \"Sends the mail\", a text of the pairs",
        ),
        (
            "combined_test.json",
            "\"label\":1.0",
            "\"label\":0.0",
            "combined_test.json, row 1, field \"label\": not what the tactics of its two texts say",
        ),
        ("real_world_ttps.json", "Stealing", "Fishing", "no such tactic"),
        ("categories.json", "\"Reads a log\"", "\" \"", "no sentence, or an empty one"),
        ("combined_dev.json", "\"label\":1.0", "\"label\":0.5", "0.5 is neither 0 nor 1"),
    ] {
        let made = MadeUp::new();
        let before = made.read(file);
        let after = before.replacen(from, to, 1);
        assert_ne!(before, after, "{file}");
        made.write(file, &after);
        let message = said(ReportFiles::read(&made.paths()));
        assert!(message.contains(expected), "{message}");
    }
}

fn experiment(made: &MadeUp, settings: &ReportSettings) -> Experiment {
    let files = ReportFiles::read(&made.paths()).unwrap();
    Experiment::new(files, None, settings, |purpose| purpose.len() as u64).unwrap()
}

fn tiny_settings() -> ReportSettings {
    ReportSettings {
        hard_negatives: 20,
        max_length: 16,
        epochs: Some(1),
        ..ReportSettings::default()
    }
}

/// Few enough to be trained on in a test.
fn few_pairs() -> ReportSettings {
    ReportSettings { pairs: Some(64), ..tiny_settings() }
}

#[test]
fn no_text_and_no_template_is_on_both_sides_of_the_split_made_anew() {
    let experiment = experiment(&MadeUp::new(), &tiny_settings());
    let files = &experiment.files;
    let sets = [
        &experiment.disjoint.train,
        &experiment.disjoint.validation,
        &experiment.disjoint.test.pairs,
    ];
    let templates = |pairs: &Pairs| -> BTreeSet<u32> {
        pairs.rows.iter().flatten().map(|&text| files.template[text as usize]).collect()
    };
    for (at, set) in sets.iter().enumerate() {
        assert!(set.similar_count() > 0 && set.similar_count() < set.len());
        for other in &sets[at + 1..] {
            assert!(templates(set).is_disjoint(&templates(other)));
        }
    }
    let kept: usize = sets.iter().map(|set| set.len()).sum();
    assert_eq!(kept + experiment.disjoint.left_out, files.all_pairs().len());
    assert!(experiment.disjoint.leak(files).is_none());
    let leak = experiment.split.leak(files);
    assert_eq!((leak.pairs, leak.both_texts), (files.test.len(), files.test.len()));
    // A draw depends on its seed alone.
    let again = self::experiment(&MadeUp::new(), &tiny_settings());
    assert_eq!(again.disjoint.train, experiment.disjoint.train);
}

#[test]
fn each_recipe_is_taught_what_it_says() {
    let experiment = experiment(&MadeUp::new(), &tiny_settings());
    let train = &experiment.split.train;
    let labels = experiment.files.labels().unwrap();
    let on_circle = |at: usize| {
        let angle = (at * 37 % 90) as f32;
        [angle.to_radians().cos(), angle.to_radians().sin()]
    };
    let numbers = (0..experiment.files.texts.len()).flat_map(on_circle).collect();
    let vectors = Vectors::new(2, numbers).unwrap();
    let lessons = |arm: ReportArm| arm.lessons(train, &vectors, &labels, 20).unwrap();
    let similar = train.similar_count();
    for arm in ReportArm::ALL {
        let lessons = lessons(arm);
        let count = |pairs: &Pairs| (pairs.len(), pairs.similar_count());
        match (&lessons, arm) {
            (Lessons::Pairs(pairs), ReportArm::Basic | ReportArm::Cosine) => {
                assert_eq!(pairs, train)
            }
            (Lessons::Pairs(pairs), ReportArm::SimilarOnly) => {
                assert_eq!(count(pairs), (similar, similar));
            }
            (Lessons::Pairs(pairs), _) => {
                assert_eq!(count(pairs), (similar + 20, similar), "{arm}");
                let kept: Vec<f64> = vectors.dots(&pairs.rows[similar..]);
                let lowest = kept.iter().copied().fold(1.0, f64::min);
                assert!(kept.is_sorted_by(|a, b| a >= b));
                let nearer = (0..train.len())
                    .filter(|&at| !train.similar[at])
                    .filter(|&at| vectors.dots(&train.rows[at..=at])[0] > lowest)
                    .count();
                assert!(nearer < 20, "{nearer}");
            }
            (Lessons::Triplets(triplets), _) => {
                assert_eq!((arm, triplets.len()), (ReportArm::Triplets, similar));
                assert!(triplets.iter().all(|t| labels.similar(t.anchor, t.positive)
                    && !labels.similar(t.anchor, t.negative)));
            }
        }
        let Lessons::Pairs(pairs) = &lessons else { continue };
        let warned = Warning::of_loss(arm.loss(), pairs).is_some();
        assert_eq!(warned, !arm.respects_labels(), "{arm}");
    }
    assert_eq!(
        said(hardest(train, &vectors, 10_000)),
        format!(
            "setting hard_negatives: 10000 dissimilar pairs asked for, {} there",
            train.len() - similar
        )
    );
    let basic = ReportArm::Basic.schedule(128);
    assert_eq!((basic.epochs, basic.batch_size), (8, 32));
    assert_eq!((basic.learning_rate, basic.warmup_share), (2e-5, 0.1));
    let advanced = ReportArm::Advanced.schedule(128);
    assert_eq!((advanced.epochs, advanced.batch_size), (12, 16));
    assert_eq!((advanced.learning_rate, advanced.warmup_share), (3e-5, 0.15));
}

#[test]
fn a_schedule_that_is_stopped_begins_as_the_whole_one() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let experiment = experiment(&MadeUp::new(), &few_pairs());
    let tokenize = experiment.tokenizer(&checkpoint).unwrap();
    let mut params = ReportArm::Basic.schedule(16);
    (params.epochs, params.learning_rate) = (3, 2e-3);
    let texts = experiment.files.texts.all();
    let losses = |loss: Loss, stop_after: Option<usize>| {
        let mut model = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let training = PairTraining {
            checkpoint: &checkpoint,
            params: &params,
            loss,
            seed: 3,
            stop_after,
            folder: &ModelFolder::Nowhere,
        };
        let train = &experiment.split.train;
        training.run(&mut model, &tokenize, &texts, train, &mut |_| ()).map(|h| h.losses)
    };
    for loss in [
        Loss::MultipleNegatives { scale: 20.0 },
        Loss::Cosine,
        Loss::Contrastive { margin: 0.5 },
        Loss::OnlineContrastive { margin: 0.5 },
    ] {
        let (whole, part) = (losses(loss, None).unwrap(), losses(loss, Some(1)).unwrap());
        assert_eq!(whole.len(), 3 * part.len());
        assert_eq!(whole[..part.len()], part[..], "{loss}");
        assert_eq!(part.len(), experiment.split.train.len().div_ceil(32));
    }
    let triplet = Loss::Triplet { margin: 0.2, distance: ttp_lib::similarity::Distance::Cosine };
    assert_eq!(
        said(losses(triplet, None)),
        "setting similarity.loss: triplet: a pair has no negative of its own"
    );
    assert_eq!(said(losses(Loss::Cosine, Some(0))), "setting epochs: 0 train nothing");
}

#[test]
fn every_arm_is_trained_and_judged_on_its_ground() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let experiment = experiment(&MadeUp::new(), &few_pairs());
    let tokenize = experiment.tokenizer(&checkpoint).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let base = experiment.embed(&encoder, &tokenize, &mut |_| ()).unwrap();
    assert_eq!(base.unseen.len(), 3);
    for arm in ReportArm::ALL {
        for on in [GroundName::Report, GroundName::Disjoint] {
            let mut steps = 0;
            let trained = experiment
                .train((arm, on), &checkpoint, &base, &ModelFolder::Nowhere, &mut |_| steps += 1)
                .unwrap();
            assert_eq!(steps, trained.history.losses.len());
            assert_eq!(trained.warning.is_some(), !arm.respects_labels(), "{arm}");
            let scores = experiment.judge(&trained.embedded, on, BOOTSTRAP).unwrap().unwrap();
            let ground = experiment.ground(on).unwrap();
            let ranking = Ranking::new(&scores.scores, &ground.test.pairs.similar).unwrap();
            assert_eq!(scores.average_precision.value, ranking.average_precision());
            assert_eq!(scores.at_half.counts.total() as usize, scores.pairs);
            assert_eq!(scores.all_similar.counts.fn_ + scores.all_similar.counts.tn, 0);
        }
    }
    assert!(experiment.judge(&base, GroundName::Attack, BOOTSTRAP).unwrap().is_none());
    assert!(said(experiment.ground(GroundName::Attack).map(|_| ())).contains("judge alone"));
}

/// The counts behind the published rows, as the claims audit infers them.
fn published() -> BTreeMap<String, BinaryCounts> {
    let counts = |tp, fn_, fp, tn| BinaryCounts { tp, fp, fn_, tn };
    [
        ("baseline", counts(49, 233, 10, 173)),
        ("basic", counts(282, 0, 139, 44)),
        ("advanced", counts(282, 0, 112, 71)),
    ]
    .map(|(model, counts)| (model.to_owned(), counts))
    .into()
}

#[test]
fn models_stand_beside_each_other_and_gains_are_parted_by_cause() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let experiment = experiment(&MadeUp::new(), &few_pairs());
    let (files, leaks) = (&experiment.files, SplitLeaks::count(&experiment));
    let settings = ReportSettings {
        checkpoint: "tiny".to_owned(),
        arms: vec![ReportArm::Basic, ReportArm::Cosine],
        disjoint_arms: vec![ReportArm::Basic],
        ..few_pairs()
    };
    let mut models = ReportModels::new(&settings, published(), Some(files)).unwrap();
    let base = experiment.embed_untrained(&checkpoint, &mut |_| ()).unwrap();
    models.judge_untrained("tiny", &base, &experiment, BOOTSTRAP).unwrap();
    for (arm, on) in settings.recipes() {
        let trained = experiment
            .train((arm, on), &checkpoint, &base, &ModelFolder::Nowhere, &mut |_| ())
            .unwrap();
        models.judge_trained((arm, on), &trained, &experiment, BOOTSTRAP).unwrap();
    }
    let names: Vec<&str> = models.scores.keys().map(String::as_str).collect();
    assert_eq!(names, ["basic disjoint", "basic report", "cosine report", "tiny untrained"]);
    let of = |name: &str| &models.scores[name][0];
    let gains: BTreeMap<String, f64> =
        models.gains().into_iter().map(|gain| (gain.key, gain.value)).collect();
    let precision = |name: &str, before: usize| {
        let before = &models.scores["tiny untrained"][before];
        of(name).average_precision.value - before.average_precision.value
    };
    let (seen, unseen) = (precision("basic report", 0), precision("basic disjoint", 1));
    assert_eq!(gains["average_precision.basic"], seen);
    assert_eq!(gains["average_precision.basic_unseen"], unseen);
    assert_eq!(gains["average_precision.basic_leak"], seen - unseen);
    let f1 = |name: &str| of(name).at_half.f1;
    assert_eq!(gains["f1_at_half.basic_over_cosine"], f1("basic report") - f1("cosine report"));
    // 2·282 / (2·282 + 139) − 2·49 / (2·49 + 233 + 10), by hand.
    assert!((gains["f1_at_half.basic_published"] - 0.514_885_9).abs() < 1e-6, "{gains:?}");
    assert!(!gains.keys().any(|key| key.starts_with("f1_at_half.triplets")));

    // Two of the three published models have one here; the third stands alone.
    let matrices: Vec<String> = models.matrices().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "baseline, published",
        "baseline, here",
        "basic, published",
        "basic, here",
        "advanced, published",
    ];
    assert_eq!(matrices, expected);
    assert!(models.to_string().contains("tiny untrained: TP "), "{models}");
    assert_eq!(leaks.report, PairLeak::count(&files.test, &files.train, &files.template));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("similarity_report.json");
    models.write(&file, Some(files), Some(&leaks)).unwrap();
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(
        written["published"]["baseline"],
        json!({ "tp": 49, "fn": 233, "fp": 10, "tn": 173 })
    );
    assert_eq!(written["both"], Value::Null);
    assert_eq!(written["same_pair"], json!(leaks.report.same_pair));
    let basic = &written["as_reported.tiny"]["basic"];
    assert_eq!(basic["report"]["pairs"], json!(of("basic report").pairs));
    assert!(written["labels_respected.tiny"]["cosine"]["unseen"]["lowest"].is_number());
    assert!(written["disjoint_texts.tiny"]["basic"]["disjoint"].is_object());
    assert_eq!(written.get("baseline"), None, "the base model was not judged");

    models.write(&file, None, None).unwrap();
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["at_hand"], json!(false));
    assert_eq!(written.get("leak"), None);
    let mut without = published();
    without.remove("basic");
    let message = said(ReportModels::new(&settings, without, None));
    assert!(message.contains("\"basic\""), "{message}");
}

#[test]
fn settings_of_the_report_that_make_no_sense_are_named() {
    for (setting, value, expected) in [
        ("epochs", json!(0), "setting similarity.report.epochs: 0 train nothing"),
        ("pairs", json!(1), "setting similarity.report.pairs: fewer than 2 have no other pair"),
        ("hard_negatives", json!(0), "setting similarity.report.hard_negatives: 0 are none"),
        ("attack_pairs", json!(0), "setting similarity.report.attack_pairs: 0 judge no model"),
        ("max_length", json!(2), "setting similarity.report.max_length: no word between"),
    ] {
        let settings: ReportSettings = serde_json::from_value(Value::Object(
            [(setting.to_owned(), value)].into_iter().collect(),
        ))
        .unwrap();
        assert!(said(settings.check()).starts_with(expected));
    }
    let unknown = serde_json::from_value::<ReportSettings>(json!({ "arms": ["best"] }));
    assert!(unknown.unwrap_err().to_string().contains("unknown variant `best`"));
}
