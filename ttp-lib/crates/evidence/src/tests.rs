use super::arms::IntervalUnit;
use super::collect::Evidence;
use super::jobs::fingerprint_of;
use super::outcome::{BothOutcome, Figures, JobSettings, Outcome, TestRows};
use super::{Arm, JobKind, SweepSettings, fingerprint, jobs};
use serde_json::{Value, json};
use std::path::Path;
use ttp_lib::profile::{Profile, Run};
use ttp_text::linear::LinearKind;
use ttp_text::split::Protocol;

fn settings(sweep: &Value, checkpoints: &[&str]) -> Value {
    json!({
        "name": "own", "about": "for tests", "seed": 1,
        "corpus": { "source": "attack-v10.1" },
        "balance": { "trim_below": 10, "upsample_to": 12, "downsample_to": 20 },
        "augment": {
            "fraction": 0.1, "per_sentence": 4, "skip_stop_words": true, "protect": true
        },
        "split": { "train": 0.8, "validation": 0.1, "test": 0.1 },
        "protocols": ["paper", "clean"], "checkpoints": checkpoints,
        "training": {
            "epochs": 1, "batch_size": 8, "max_length": 16, "learning_rate": 1e-3,
            "warmup_share": 0.0, "weight_decay": 0.0, "clip_norm": 1.0, "optimizer": "adamw"
        },
        "pretraining": {
            "epochs": 1, "batch_size": 8, "max_length": 16, "learning_rate": 1e-3,
            "warmup_share": 0.0, "weight_decay": 0.0, "clip_norm": 1.0, "masked_share": 0.15
        },
        "sweep": sweep,
        "bootstrap": { "resamples": 100, "level": 0.95 }
    })
}

fn run(sweep: Value, checkpoints: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.json");
    std::fs::write(&file, settings(&sweep, checkpoints).to_string()).unwrap();
    Run::open(folder.path(), folder.path(), "own.json").unwrap()
}

fn profile(sweep: Value, checkpoints: &[&str]) -> Profile {
    run(sweep, checkpoints).profile
}

/// What is said of a profile after its file's name.
fn said(sweep: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.json");
    std::fs::write(&file, settings(&sweep, &["minilm"]).to_string()).unwrap();
    let said = Profile::read(&file).unwrap_err().to_string();
    assert_eq!(said.lines().count(), 1, "{said}");
    said.replace(&*file.to_string_lossy(), "own.json")
}

#[test]
fn a_sweep_that_makes_no_sense_is_named_by_its_path() {
    for (sweep, expected) in [
        (json!({ "arms": ["adam", "sgd"] }), "field \"sweep.arms[1]\": unknown variant `sgd`"),
        (
            json!({ "models": ["minilm", "minilmm"] }),
            "setting sweep.models[1]: \"minilmm\" is not among",
        ),
        (
            json!({ "arms_of": "x" }),
            "setting sweep.arms_of: \"x\" is not among the checkpoints bert, ",
        ),
        (
            json!({ "models": ["tfidf-svm"] }),
            "setting sweep.models[0]: \"tfidf-svm\" is a linear model",
        ),
        (json!({ "linear": ["svm"] }), "field \"sweep.linear[0]\": unknown variant `svm`"),
        (json!({ "seeds": [] }), "setting sweep.seeds: names none"),
        (json!({ "seeds": [3, 4, 3] }), "setting sweep.seeds[2]: 3 stands there twice"),
        (json!({ "splits": 1 }), "setting sweep.splits: 1 give no spread; take 2 or more"),
        (
            json!({ "protocols": ["clean", "told"] }),
            "setting sweep.protocols[1]: \"told\" is no protocol",
        ),
        (
            json!({ "models": ["a/b", "c/b"] }),
            "setting sweep.models: two of them would write to files",
        ),
        (json!({ "seed": [1] }), "field \"sweep.seed\": unknown field `seed`"),
    ] {
        let said = said(sweep);
        assert!(said.starts_with("own.json, row 1") && said.contains(expected), "{said}");
    }
}

fn ids(profile: &Profile, kind: JobKind) -> Vec<String> {
    jobs(profile).into_iter().filter(|job| job.kind == kind).map(|job| job.id).collect()
}

#[test]
fn jobs_have_ids_needs_and_kinds() {
    let sweep = json!({ "seeds": [1, 7], "splits": 2, "linear": ["tfidf-svm"],
        "protocols": ["clean"], "arms": ["no_augmentation", "frozen", "grouped"] });
    let of = profile(sweep, &["tfidf-svm", "minilm", "minilm-cti"]);
    assert_eq!(ids(&of, JobKind::Pretrain), ["pretrain.minilm-cti"]);
    let seeds = [
        "minilm.clean.seed-1",
        "minilm.clean.seed-7",
        "minilm-cti.clean.seed-1",
        "minilm-cti.clean.seed-7",
        "tfidf-svm.clean",
    ];
    assert_eq!(ids(&of, JobKind::Seed), seeds, "a linear model is no encoder, and needs no seed");
    let arms = [
        "no_augmentation.minilm.clean.seed-1",
        "no_augmentation.minilm.clean.seed-7",
        "frozen.minilm.clean",
        "grouped.minilm.grouped.seed-1",
        "grouped.minilm.grouped.seed-7",
    ];
    assert_eq!(ids(&of, JobKind::Arm), arms);
    assert_eq!(ids(&of, JobKind::Split), ["tfidf-svm.clean.split-1", "tfidf-svm.clean.split-2"]);
    for job in jobs(&of) {
        let needs: &[&str] = match job.id.starts_with("minilm-cti") {
            true => &["prepare", "pretrain.minilm-cti"],
            false => &["prepare"],
        };
        assert_eq!(job.needs, needs, "{}", job.id);
        assert_eq!(job.gpu, !job.id.starts_with("tfidf-svm"));
        assert!(job.cost > 0.0);
    }
}

#[test]
fn arms_bring_their_base_runs_and_every_id_is_there_once() {
    let of = profile(json!({ "models": [], "linear": [], "seeds": [1] }), &["owner/na+me@v1"]);
    let found = jobs(&of);
    assert_eq!(found[0].id, "na-me-v1.clean.seed-1");
    assert_eq!(found.len(), 1 + SweepSettings::default().arms.len());
    let all = profile(json!({}), &["minilm", "scratch"]);
    let mut ids: Vec<String> = jobs(&all).into_iter().map(|job| job.id).collect();
    // Two models, two protocols, five seeds; seven arms with seeds and one without; two linear
    // models under two protocols, 20 splits and the profile's own.
    assert_eq!(ids.len(), 2 * 2 * 5 + 7 * 5 + 1 + 2 * 2 * 21);
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    assert!(ids.iter().all(|id| id.chars().all(is_safe)));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2 * 2 * 5 + 7 * 5 + 1 + 2 * 2 * 21);
    let fewer = profile(json!({ "arm_seeds": 2, "linear": [] }), &["minilm"]);
    assert_eq!(jobs(&fewer).len(), 2 * 5 + 7 * 2 + 1);
    let only_linear = profile(json!({ "splits": 2 }), &["counts-logistic"]);
    assert!(jobs(&only_linear).iter().all(|job| !job.gpu), "no encoder, no arm");
}

#[test]
fn the_fingerprint_is_of_what_results_depend_on() {
    let of = |change: fn(&mut Profile)| {
        let mut profile = profile(json!({}), &["minilm"]);
        change(&mut profile);
        fingerprint(&profile).unwrap()
    };
    let own = of(|_| {});
    assert_eq!(own.len(), 64);
    assert_eq!(of(|profile| profile.about.clear()), own);
    assert_eq!(
        of(|profile| profile.sweep = SweepSettings { seeds: vec![9], ..Default::default() }),
        own
    );
    assert_ne!(of(|profile| profile.seed = 2), own);
    assert_ne!(of(|profile| profile.training.epochs = 2), own);
    assert_ne!(of(|profile| profile.balance.trim_below = 11), own);
    // What other code found is another sweep's, also of the same version.
    let profile = profile(json!({}), &["minilm"]);
    assert_ne!(fingerprint_of(&profile, "other").unwrap(), own);
}

/// An outcome on `rows` rows of two techniques, of which so many are named wrong.
fn outcome(id: &str, told: JobSettings, rows: usize, wrong: &[usize]) -> Outcome {
    let labels = vec!["T1".to_owned(), "T2".to_owned()];
    let truth: Vec<usize> = (0..rows).map(|row| row % 2).collect();
    let predicted: Vec<usize> =
        (0..rows).map(|row| if wrong.contains(&row) { 1 - row % 2 } else { row % 2 }).collect();
    let scores = Figures::of(&labels, &truth, &predicted).unwrap();
    Outcome {
        id: id.to_owned(),
        fingerprint: "f".to_owned(),
        data: "d".to_owned(),
        settings: told,
        labels,
        train_rows: 80,
        scores,
        validation: scores,
        train_accuracy: None,
        seconds: 2.0,
        test: TestRows { row: (0..rows as u32).collect(), truth, predicted },
        both: None,
    }
}

fn told(model: &str, arm: Option<Arm>, seed: Option<u64>, draw: Option<usize>) -> JobSettings {
    let protocol = arm.map_or(Protocol::Clean, Arm::protocol);
    JobSettings { model: model.to_owned(), protocol, arm, seed, draw, params: None }
}

/// The first `count` rows are wrong.
fn seed(model: &str, arm: Option<Arm>, seed: u64, count: usize) -> Outcome {
    let wrong: Vec<usize> = (0..count).collect();
    outcome("", told(model, arm, Some(seed), None), 40, &wrong)
}

/// With a linear model beside it the first `count` rows are wrong.
fn with_both(own: Outcome, count: usize) -> Outcome {
    let Outcome { scores, validation, test, .. } = seed("", None, 0, count);
    let both = BothOutcome {
        linear: LinearKind::TfidfSvm,
        encoder_weight: 0.4,
        temperatures: [1.5, 0.5],
        scores,
        validation,
        predicted: test.predicted,
    };
    Outcome { both: Some(both), ..own }
}

#[test]
fn an_encoder_with_a_linear_model_is_a_model_of_its_own_over_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs/a.json");
    let own = with_both(seed("minilm", None, 1, 7), 4);
    own.write(&path).unwrap();
    assert_eq!(Outcome::read(&path).unwrap(), own);
    let mut wrong = own.clone();
    wrong.both.as_mut().unwrap().predicted[39] = 0;
    wrong.write(&path).unwrap();
    let said = Outcome::read(&path).unwrap_err().to_string();
    assert!(said.ends_with("field \"test\": its rows do not give its scores"), "{said}");

    let outcomes = [
        own,
        with_both(seed("minilm", None, 2, 9), 2),
        seed("scratch", None, 1, 12),
        seed("scratch", None, 2, 13),
    ];
    let found = Evidence::of(&run(json!({}), &["minilm", "scratch"]), &outcomes).unwrap();
    let means: Vec<(&str, f64)> =
        found.seeds.iter().map(|(model, s)| (model.as_str(), s.accuracy.mean)).collect();
    let share = |wrong: [usize; 2]| 1.0 - wrong.iter().sum::<usize>() as f64 / 80.0;
    let expected = [
        ("both.clean", share([4, 2])),
        ("minilm.clean", share([7, 9])),
        ("scratch.clean", share([12, 13])),
    ];
    for ((model, mean), (name, value)) in means.into_iter().zip(expected) {
        assert!(model == name && (mean - value).abs() < 1e-12, "{model} {mean} {value}");
    }
    assert_eq!(found.seeds["both.clean"].runs, [1, 2]);
    assert!(found.seeds["both.clean"].train_accuracy.is_none());
    let gain = found.pairs.iter().find(|pair| pair.first == "both" && pair.second == "minilm");
    assert!((gain.unwrap().accuracy.difference.mean - 5.0 / 40.0).abs() < 1e-12);
}

#[test]
fn an_outcome_comes_back_and_a_cut_or_edited_one_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs/a.json");
    let own = seed("minilm", None, 1, 7);
    own.write(&path).unwrap();
    assert_eq!(Outcome::read(&path).unwrap(), own);
    let text = std::fs::read_to_string(&path).unwrap();
    let said = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let said = Outcome::read(&path).unwrap_err().to_string();
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    assert!(said(&text[..text.len() / 2]).contains("cut off, or no JSON"));
    assert!(said("").contains("cut off, or no JSON"));
    assert!(said("{}").contains("field \"digest\""));
    assert!(said("[]").contains("field \"digest\""));
    let edited = text.replacen("\"accuracy\":0.825", "\"accuracy\":0.925", 1);
    assert_ne!(edited, text);
    assert!(said(&edited).ends_with("field \"digest\": it is not that of the content"));
    // With a digest of its own, but scores that are not its rows'.
    let mut other = own.clone();
    other.scores.accuracy = 0.925;
    other.write(&path).unwrap();
    let said = Outcome::read(&path).unwrap_err().to_string();
    assert!(said.ends_with("field \"test\": its rows do not give its scores"), "{said}");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

fn collected(outcomes: &[Outcome]) -> Evidence {
    Evidence::of(&run(json!({}), &["minilm"]), outcomes).unwrap()
}

#[test]
fn seeds_and_splits_have_means_and_intervals() {
    let split = |draw, count: usize| {
        let wrong: Vec<usize> = (0..count).collect();
        outcome("", told("tfidf-svm", None, None, Some(draw)), 40, &wrong)
    };
    let all = [
        seed("minilm", None, 1, 4),
        seed("minilm", None, 2, 6),
        seed("minilm", None, 3, 8),
        split(1, 4),
        split(2, 6),
        split(3, 8),
    ];
    let evidence = collected(&all);
    let [seeds, splits] = [&evidence.seeds["minilm.clean"], &evidence.splits["tfidf-svm.clean"]];
    assert_eq!((seeds.runs.as_slice(), splits.runs.as_slice()), (&[1, 2, 3][..], &[1, 2, 3][..]));
    for spreads in [seeds, splits] {
        let accuracy = spreads.accuracy;
        assert!((accuracy.mean - 0.85).abs() < 1e-12 && accuracy.n == 3);
        assert!((accuracy.sd.unwrap() - 0.05).abs() < 1e-12);
        assert_eq!(spreads.f1_macro.n, 3);
    }
    // t(2, 0.975) = 4.3027; over splits 1/3 + 0.1/0.8 in place of 1/3.
    let half = seeds.accuracy.high.unwrap() - 0.85;
    assert!((half - 4.3027 * 0.05 / 3_f64.sqrt()).abs() < 1e-4, "{half}");
    let wider = (splits.accuracy.high.unwrap() - 0.85) / half;
    assert!((wider - 1.375_f64.sqrt()).abs() < 1e-9, "{wider}");
    let text = evidence.seeds_table().unwrap().to_text();
    assert!(text.contains("minilm.clean") && text.contains("0.850 ± 0.050"), "{text}");
    // Of one run there is no spread.
    let one = collected(&all[..1]);
    assert_eq!(
        (one.seeds["minilm.clean"].accuracy.sd, one.seeds["minilm.clean"].accuracy.n),
        (None, 1)
    );
    assert!(one.seeds_table().unwrap().to_text().contains("0.900"));
    let back: Evidence = serde_json::from_value(serde_json::to_value(&evidence).unwrap()).unwrap();
    assert_eq!(back, evidence);
}

#[test]
fn arms_are_paired_by_seed_and_over_one_seed_by_row() {
    let adam = Some(Arm::Adam);
    let base = [seed("minilm", None, 1, 4), seed("minilm", None, 2, 6), seed("minilm", None, 3, 8)];
    let arm =
        [seed("minilm", adam, 1, 8), seed("minilm", adam, 2, 11), seed("minilm", adam, 3, 11)];
    let of = |outcomes: &[&[Outcome]]| collected(&outcomes.concat()).arms;
    let all = &of(&[&base, &arm])["adam.minilm"];
    // Four, five and three rows more of forty are wrong.
    assert_eq!((all.n, all.over), (3, IntervalUnit::Seeds));
    assert!((all.difference.accuracy.value + 0.1).abs() < 1e-12);
    let half = all.difference.accuracy.high + 0.1;
    assert!((half - 4.3027 * 0.025 / 3_f64.sqrt()).abs() < 1e-4, "{half}");
    assert!((all.base.accuracy - 0.85).abs() < 1e-12 && (all.arm.accuracy - 0.75).abs() < 1e-12);
    // Of seeds that only one of them has nothing is said.
    let one = &of(&[&base[..1], &arm])["adam.minilm"];
    assert_eq!((one.n, one.over), (1, IntervalUnit::TestRows));
    assert!((one.difference.accuracy.value + 0.1).abs() < 1e-12);
    assert!(one.difference.accuracy.low < -0.1 && one.difference.accuracy.high <= 0.0);
    assert!(of(&[&base[..1], &arm[1..]]).is_empty() && of(&[&arm]).is_empty());
    let mut other = base.to_vec();
    other[1].test.row[0] = 99;
    let said = Evidence::of(&run(json!({}), &["minilm"]), &[&other[..], &arm].concat());
    assert!(said.unwrap_err().to_string().contains("are not of the same test rows"));
    // The frozen encoder is one for all seeds; the grouped split has other rows.
    let wrong: Vec<usize> = (0..10).collect();
    let frozen = [outcome("", told("minilm", Some(Arm::Frozen), None, None), 40, &wrong)];
    assert_eq!(of(&[&base, &frozen])["frozen.minilm"].n, 3);
    let grouped = [outcome("", told("minilm", Some(Arm::Grouped), Some(2), None), 30, &wrong)];
    let apart = &of(&[&base, &grouped])["grouped.minilm"];
    assert_eq!((apart.n, apart.over), (1, IntervalUnit::RowsApart));
    assert!((apart.difference.accuracy.value - (20.0 / 30.0 - 34.0 / 40.0)).abs() < 1e-12);
    let table = collected(&[&base[..], &arm, &frozen].concat()).arms_table().unwrap().to_text();
    assert!(table.contains("adam.minilm") && table.contains("frozen.minilm"), "{table}");
}

#[test]
fn a_difference_holds_over_seeds_or_it_does_not() {
    let wrong: Vec<usize> = (0..20).collect();
    let mut all: Vec<Outcome> = Vec::new();
    for (at, spread) in [0, 1, 2, 1].into_iter().enumerate() {
        let number = at as u64 + 1;
        all.push(seed("minilm", None, number, 4 + spread));
        // Better or worse than minilm by turns.
        all.push(seed("scratch", None, number, 4 + spread + [3, 0, 0, 3][at] - [0, 2, 2, 0][at]));
    }
    all.push(outcome("", told("tfidf-svm", None, None, None), 40, &wrong));
    let evidence = collected(&all);
    assert_eq!(evidence.pairs.len(), 3);
    let pair = |first: &str, second: &str| {
        let found =
            evidence.pairs.iter().find(|pair| (&*pair.first, &*pair.second) == (first, second));
        found.unwrap().clone()
    };
    let chance = pair("minilm", "scratch");
    assert_eq!((chance.better, chance.f1_macro.difference.n), (None, 4));
    // A linear model is the same for every seed, and half of its rows are wrong.
    let held = pair("minilm", "tfidf-svm");
    assert_eq!(held.better.as_deref(), Some("minilm"));
    assert!(held.p_holm.unwrap() >= held.f1_macro.p.unwrap());
    assert!(evidence.assumptions.len() == 1 && evidence.assumptions[0].contains("over seeds: "));
    let text = evidence.pairs_table().unwrap().to_text();
    assert!(text.contains("4 seeds") && text.contains("neither, by more than chance"), "{text}");
}

#[test]
fn what_was_not_run_says_what_makes_it() {
    let evidence = Evidence::of_sweep(&run(json!({}), &["minilm"])).unwrap();
    assert!(Evidence::read(Path::new("/nowhere/evidence.json")).is_err());
    for table in [
        evidence.seeds_table(),
        evidence.splits_table(),
        evidence.arms_table(),
        evidence.pairs_table(),
    ] {
        assert!(table.unwrap().to_text().contains("not run yet: make sweep"));
    }
    assert!(collected(&[]).seeds.is_empty());
}

#[test]
fn a_run_has_the_evidence_of_its_own_sweep_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for made in ["notebooks/profiles", "sweep/sweep-own"] {
        std::fs::create_dir_all(at(made)).unwrap();
    }
    let sweep = json!({ "models": [], "arms": [], "linear": ["tfidf-svm"], "splits": 2 });
    for name in ["own", "sweep-own"] {
        let mut profile = settings(&sweep, &["minilm"]);
        profile["name"] = json!(name);
        let file = at("notebooks/profiles").join(format!("{name}.json"));
        std::fs::write(file, profile.to_string()).unwrap();
    }
    let run = Run::open(folder.path(), folder.path(), "own").unwrap();
    let jobs = ["tfidf-svm.paper", "tfidf-svm.clean"];
    let none = Evidence::of_sweep(&run).unwrap();
    assert_eq!((none.missing.len(), none.note.as_ref()), (6, None));
    assert!(jobs.iter().all(|job| none.missing.contains(&(*job).to_owned())), "{none:?}");

    let made = Run::open(folder.path(), folder.path(), "sweep-own").unwrap();
    let own = jobs.map(|id| Outcome { id: id.to_owned(), ..seed("tfidf-svm", None, 1, 7) });
    let all = Evidence::of(&made, &own[1..]).unwrap();
    assert_eq!(all.command, "TTP_PROFILE=sweep-own make sweep");
    let left = none.missing.iter().filter(|id| *id != jobs[1]).cloned().collect();
    let found = Evidence { missing: left, ..all };
    let file = at("sweep/sweep-own/evidence.json");
    std::fs::write(&file, serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(Evidence::of_sweep(&run).unwrap(), found);
    let other = Evidence { fingerprint: "other".to_owned(), ..found.clone() };
    std::fs::write(&file, serde_json::to_string(&other).unwrap()).unwrap();
    let stale = Evidence::of_sweep(&run).unwrap();
    assert_eq!((stale.seeds.len(), stale.missing.len()), (0, 6));
    let said = stale.seeds_table().unwrap().to_text();
    assert!(said.contains("of other settings or code: move "), "{said}");
    let more = Evidence { jobs: vec!["adam.minilm".to_owned()], ..found.clone() };
    for (text, expected) in [
        (serde_json::to_string(&more).unwrap(), "of other jobs: TTP_PROFILE=sweep-own make sweep"),
        ("{".to_owned(), "its evidence.json cannot be read: move "),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = Evidence::of_sweep(&run).unwrap().note.unwrap();
        assert!(said.starts_with(expected), "{said}");
    }
    std::fs::remove_file(at("notebooks/profiles/sweep-own.json")).unwrap();
    let said = Evidence::of_sweep(&run).unwrap().note.unwrap();
    assert!(said.starts_with("of a profile that is not there: move "), "{said}");
}

#[test]
fn arms_have_the_names_of_the_profile() {
    for arm in Arm::ALL {
        assert_eq!(serde_json::to_value(arm).unwrap(), json!(arm.name()));
    }
    for kind in LinearKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.name()));
    }
}

#[test]
fn vocabularies_are_compared_on_a_random_start() {
    let sweep = json!({ "seeds": [1, 7], "splits": 2, "linear": [], "arm_seeds": 1,
        "protocols": ["clean"], "arms": ["adam", "vocabulary_bert", "vocabulary_trained"] });
    let of = profile(sweep, &["minilm"]);
    let seeds = ["minilm.clean.seed-1", "minilm.clean.seed-7", "scratch.clean.seed-1"];
    assert_eq!(ids(&of, JobKind::Seed)[..3], seeds);
    let arms = [
        "adam.minilm.clean.seed-1",
        "vocabulary_bert.scratch.clean.seed-1",
        "vocabulary_trained.scratch.clean.seed-1",
    ];
    assert_eq!(ids(&of, JobKind::Arm), arms);
}
