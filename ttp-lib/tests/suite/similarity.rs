//! Similarity beside sentence-transformers and scikit-learn, what may not happen to pairs and
//! parts, training from end to end on a small model, and bad input.

use crate::common::tiny::Tiny;
use crate::common::{skip, turn};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tch::{Device, Kind, Tensor};
use ttp_lib::corpus::{Corpus, Kinship, Sentence};
use ttp_lib::encoder::{SentenceEncoder, Vectors};
use ttp_lib::metrics::{BinaryCounts, Bootstrap, Empty, Groups, Ranking};
use ttp_lib::pretrained::Checkpoint;
use ttp_lib::similarity::{
    Bar, Distance, Exclusions, Labels, Level, Loss, Mining, ModelFolder, Pairs, Parts, Sampling,
    SimilaritySettings, SimilarityTraining, SkipReason, Study, TestPairs, Triplet, corpus_vectors,
    loss, mine, near_duplicates, nearest_techniques, recall_at,
};
use ttp_lib::split::Shares;

const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 200, level: 0.95, seed: 1 };

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/similarity.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Tensor {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    Tensor::from_slice2(&rows)
}

fn vectors(values: &[&Value]) -> Vectors {
    let rows: Vec<Vec<f64>> =
        values.iter().flat_map(|v| v.as_array().unwrap()).map(numbers).collect();
    Vectors::new(rows[0].len(), rows.concat().iter().map(|&n| n as f32).collect()).unwrap()
}

fn sentence(technique: &str, text: &str) -> Sentence {
    Sentence {
        technique: technique.split('.').next().unwrap().to_owned(),
        subtechnique: technique.contains('.').then(|| technique.to_owned()),
        name: format!("name of {technique}"),
        text: text.to_owned(),
        source_id: "relationship--1".to_owned(),
    }
}

fn labels_of(rows: &[(&str, &str)], level: Level, kinship: &Kinship) -> Labels {
    let sentences = rows.iter().map(|(technique, text)| sentence(technique, text)).collect();
    Labels::new(&Corpus { sentences }, level, kinship).unwrap()
}

fn all(labels: &Labels) -> Vec<u32> {
    (0..).take(labels.len()).collect()
}

fn said<T: std::fmt::Debug>(result: ttp_lib::Result<T>) -> String {
    let message = result.unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

// -- beside Python ------------------------------------------------------------------------

#[test]
fn losses_and_gradients_are_those_of_sentence_transformers() {
    let golden = golden();
    let mut met = BTreeSet::new();
    for case in golden["losses"].as_array().unwrap() {
        let first = matrix(&case["first"]).set_requires_grad(true);
        let second = matrix(&case["second"]);
        let third = case["third"].as_array().map(|_| matrix(&case["third"]));
        let labels =
            case["labels"].as_array().map(|_| Tensor::from_slice(&numbers(&case["labels"])));
        let similar = || labels.as_ref().unwrap();
        let margin = case["parameters"]["margin"].as_f64().unwrap_or(0.0);
        let distance = match case["parameters"]["distance"].as_str() {
            Some("euclidean") => Distance::Euclidean,
            _ => Distance::Cosine,
        };
        let name = case["loss"].as_str().unwrap();
        met.insert(name);
        let value = match name {
            "CosineSimilarityLoss" => loss::cosine_similarity(&first, &second, similar()),
            "ContrastiveLoss" => loss::contrastive(&first, &second, similar(), margin),
            "OnlineContrastiveLoss" => loss::online_contrastive(&first, &second, similar(), margin),
            "MultipleNegativesRankingLoss" => {
                let scale = case["parameters"]["scale"].as_f64().unwrap();
                loss::multiple_negatives_ranking(&first, &second, third.as_ref(), scale, None)
            }
            "TripletLoss" => {
                loss::triplet(&first, &second, third.as_ref().unwrap(), margin, distance)
            }
            other => panic!("{other}"),
        };
        let about = format!("{name} {} {}", case["parameters"], case["labels"]);
        let (ours, theirs) = (value.double_value(&[]), case["value"].as_f64().unwrap());
        assert!((ours - theirs).abs() < 1e-6, "{about}: {ours} and {theirs}");
        let gradient = Tensor::run_backward(&[&value], &[&first], false, false).remove(0);
        let off = (gradient - matrix(&case["gradient_first"])).abs().max().double_value(&[]);
        assert!(off < 1e-6, "{about}: gradient off by {off}");
    }
    assert_eq!(met.len(), 5, "{met:?}");
}

#[test]
fn mined_negatives_are_those_of_sentence_transformers() {
    let golden = golden();
    let golden = &golden["mining"];
    let vectors = vectors(&[&golden["anchors"], &golden["candidates"]]);
    let anchors = golden["anchors"].as_array().unwrap().len();
    let positive = numbers(&golden["positive"]);
    // Every text has a label of its own, as that function knows none.
    let rows: Vec<(String, String)> =
        (0..vectors.len()).map(|at| (format!("label {at}"), format!("text {at}"))).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let labels = labels_of(&rows, Level::Technique, &Kinship::default());
    let pairs: Vec<[u32; 2]> =
        (0..anchors).map(|at| [at as u32, (anchors + positive[at] as usize) as u32]).collect();
    let candidates: Vec<u32> = (anchors as u32..vectors.len() as u32).collect();
    for case in golden["cases"].as_array().unwrap() {
        let given = case["settings"].as_object().unwrap().iter().filter(|(_, v)| !v.is_null());
        let given: serde_json::Map<_, _> = given.map(|(k, v)| (k.clone(), v.clone())).collect();
        let settings: Mining = serde_json::from_value(Value::Object(given)).unwrap();
        let mined = mine(&vectors, &labels, &pairs, &candidates, &settings, 1).unwrap();
        let ours: Vec<Vec<u32>> = mined
            .negatives
            .iter()
            .map(|list| list.iter().map(|(row, _)| row - anchors as u32).collect())
            .collect();
        assert_eq!(json!(ours), case["mined"], "{}", case["settings"]);
        let short = ours.iter().filter(|list| list.len() < settings.negatives).count();
        assert_eq!(mined.short, short);
    }
}

#[test]
fn binary_scores_are_those_of_scikit_learn() {
    for case in golden()["binary"].as_array().unwrap() {
        let scores = numbers(&case["scores"]);
        let truth: Vec<bool> = numbers(&case["truth"]).iter().map(|&t| t > 0.5).collect();
        let threshold = case["threshold"].as_f64().unwrap();
        let ranking = Ranking::new(&scores, &truth).unwrap();
        let weights = match case["weights"].as_array() {
            Some(_) => numbers(&case["weights"]),
            None => vec![1.0; scores.len()],
        };
        let counts = ranking.counts_weighted(threshold, &weights);
        let mut ours = vec![
            ("average_precision", ranking.average_precision_weighted(&weights)),
            ("roc_auc", ranking.roc_auc_weighted(&weights)),
            ("accuracy", counts.accuracy()),
            ("precision", counts.precision()),
            ("recall", counts.recall()),
            ("f1", counts.f1()),
            ("mcc", counts.mcc()),
        ];
        if case["weights"].is_null() {
            let counts = BinaryCounts::at(&scores, &truth, threshold).unwrap();
            ours.push(("average_precision", ranking.average_precision()));
            ours.push(("roc_auc", ranking.roc_auc()));
            ours.push(("mcc", counts.mcc()));
            ours.push(("f1", counts.f1()));
        }
        for (name, value) in ours {
            let theirs = case[name].as_f64().unwrap();
            assert!((value - theirs).abs() < 1e-12, "{name}: {value} and {theirs}");
        }
    }
}

#[test]
fn recall_at_k_is_numpys() {
    let golden = golden();
    let golden = &golden["recall_at"];
    let vectors = vectors(&[&golden["vectors"]]);
    let names: Vec<String> = numbers(&golden["labels"]).iter().map(|n| format!("T{n}")).collect();
    let texts: Vec<String> = (0..names.len()).map(|at| format!("text {at}")).collect();
    let rows: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let labels = labels_of(&rows, Level::Technique, &Kinship::default());
    for case in golden["at"].as_array().unwrap() {
        let (k, theirs) = (case["k"].as_u64().unwrap() as usize, case["recall"].as_f64().unwrap());
        // Each vector asks all others: one query at a time, without itself.
        let mut found = 0.0;
        for query in 0..vectors.len() as u32 {
            let held: Vec<u32> = all(&labels).into_iter().filter(|&row| row != query).collect();
            let groups = Groups::each_row(labels.len());
            let asked = (&[query][..], &held[..]);
            let [(_, recall)] =
                recall_at([k], &vectors, &labels, asked, &groups, BOOTSTRAP).unwrap();
            found += recall.value;
        }
        assert!((found / vectors.len() as f64 - theirs).abs() < 1e-12, "k {k}");
    }
}

fn minilm() -> Option<Checkpoint> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/raw/models/minilm");
    if folder.join("model.safetensors").is_file() {
        return Some(Checkpoint::open("minilm", &folder).unwrap());
    }
    skip("sentence vectors beside sentence-transformers': no minilm in data/raw/models");
    None
}

#[test]
fn sentence_vectors_are_those_of_sentence_transformers() {
    let Some(checkpoint) = minilm() else { return };
    let golden = golden();
    let cases = golden["embeddings"].as_array().unwrap();
    let texts: Vec<&str> = cases.iter().map(|c| c["sentence"].as_str().unwrap()).collect();
    let longest = golden["max_length"].as_u64().unwrap() as usize;
    let _turn = turn();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let tokenize = checkpoint.tokenizer(longest).unwrap();
    // All in one batch, so that padding is part of what is compared.
    let ours = encoder.embed(&tokenize, &texts, &mut |_| ()).unwrap();
    for (row, case) in cases.iter().enumerate() {
        let theirs = numbers(&case["vector"]);
        let off = ours.row(row).iter().zip(&theirs).map(|(a, b)| (f64::from(*a) - b).abs());
        let off = off.fold(0.0, f64::max);
        assert!(off < 1e-5, "{}: off by {off}", texts[row]);
        assert!((ours.dot(row, row) - 1.0).abs() < 1e-5);
    }
}

// -- labels, parts, pairs -----------------------------------------------------------------

fn kinship() -> Kinship {
    let tactics = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Kinship {
        tactics: BTreeMap::from([
            ("T1059".to_owned(), tactics(&["execution"])),
            ("T1059.001".to_owned(), tactics(&["execution"])),
            ("T1059.003".to_owned(), tactics(&["execution"])),
            ("T1053".to_owned(), tactics(&["execution", "persistence"])),
            ("T1027".to_owned(), tactics(&["defense-evasion"])),
            ("T1140".to_owned(), tactics(&["defense-evasion"])),
            ("T1547".to_owned(), tactics(&["persistence"])),
        ]),
        related: BTreeSet::from([("T1027".to_owned(), "T1140".to_owned())]),
    }
}

const ROWS: [(&str, &str); 8] = [
    ("T1059.001", "It runs PowerShell."),
    ("T1059.003", "It runs cmd.exe."),
    ("T1059", "It runs a script!"),
    ("T1053", "it runs a script"),
    ("T1027", "It packs itself."),
    ("T1140", "It unpacks itself."),
    ("T1547", "It writes a Run key."),
    ("T1547", "It copies itself to Startup."),
];

#[test]
fn labels_say_what_is_similar_and_what_is_barred() {
    let by_technique = labels_of(&ROWS, Level::Technique, &kinship());
    let by_sub = labels_of(&ROWS, Level::Subtechnique, &kinship());
    let by_tactic = labels_of(&ROWS, Level::Tactic, &kinship());
    assert!(by_technique.similar(0, 1) && by_technique.similar(6, 7));
    assert!(!by_sub.similar(0, 1) && by_sub.similar(6, 7));
    assert!(by_tactic.similar(0, 3) && by_tactic.similar(3, 6) && !by_tactic.similar(0, 6));
    assert_eq!(by_technique.ambiguous(), 2);

    let everything = Exclusions { parent: true, tactic: true, related: true };
    let nothing = Exclusions::default();
    assert_eq!(by_technique.bar(0, 1, nothing), Some(Bar::Similar));
    assert_eq!(by_technique.bar(2, 3, nothing), Some(Bar::SameText));
    assert_eq!(by_sub.bar(0, 1, everything), Some(Bar::SameParent));
    assert_eq!(by_sub.bar(0, 1, nothing), None);
    assert_eq!(by_technique.bar(3, 6, everything), Some(Bar::SameTactic));
    let related = Exclusions { related: true, ..nothing };
    assert_eq!(by_technique.bar(4, 5, related), Some(Bar::Related));
    assert_eq!(by_technique.bar(4, 5, nothing), None);
    assert_eq!(by_technique.bar(0, 6, everything), None);

    let said = said(Labels::new(
        &Corpus { sentences: vec![sentence("own label", "text")] },
        Level::Tactic,
        &Kinship::default(),
    ));
    assert_eq!(said, "setting similarity.level: \"tactic\", and own label has none");
}

/// A corpus of so many labels, so many sentences each, with some near-duplicates.
fn many(classes: usize, each: usize) -> Corpus {
    let text = |class: usize, at: usize| {
        let own: Vec<String> = (0..6).map(|word| format!("w{class}x{at}y{word}")).collect();
        // Every third says what the one before it says, but for one word.
        let (at, end) = if at % 3 == 2 { (at - 1, "too") } else { (at, "then") };
        let before: Vec<String> = (0..6).map(|word| format!("w{class}x{at}y{word}")).collect();
        if end == "too" { format!("{} {end}", before.join(" ")) } else { own.join(" ") }
    };
    let sentences = (0..classes)
        .flat_map(|class| {
            (0..each).map(move |at| sentence(&format!("T{:04}", 1000 + class), &text(class, at)))
        })
        .collect();
    Corpus { sentences }
}

#[test]
fn no_sentence_nor_nearly_one_stands_on_both_sides() {
    let corpus = many(20, 30);
    let labels = Labels::new(&corpus, Level::Technique, &Kinship::default()).unwrap();
    let texts: Vec<&str> = corpus.sentences.iter().map(|s| s.text.as_str()).collect();
    let groups = near_duplicates(&texts, 0.8);
    assert_eq!(groups.len(), 20 * 20, "each third sentence joins the one before it");
    let parts = Parts::new(&groups, &labels, Shares::default(), 3);
    let mut every = [&parts.train[..], &parts.validation, &parts.test].concat();
    every.sort_unstable();
    assert_eq!(every, all(&labels), "each sentence is in one part");
    for group in groups.iter() {
        let within = [&parts.train, &parts.validation, &parts.test]
            .map(|part| group.iter().filter(|row| part.contains(row)).count());
        assert!(within.contains(&group.len()), "{group:?}: {within:?}");
    }
    assert_eq!(parts, Parts::new(&groups, &labels, Shares::default(), 3));
    assert_ne!(parts, Parts::new(&groups, &labels, Shares::default(), 4));
}

#[test]
fn pairs_are_of_both_kinds_alike_and_none_twice() {
    let corpus = many(10, 12);
    let labels = Labels::new(&corpus, Level::Technique, &Kinship::default()).unwrap();
    let pairs = Pairs::draw(&labels, &all(&labels), 200, 5).unwrap();
    assert_eq!((pairs.len(), pairs.similar_count(), pairs.short), (400, 200, 0));
    let mut seen = BTreeSet::new();
    for (&[a, b], &similar) in pairs.rows.iter().zip(&pairs.similar) {
        assert!(a != b && seen.insert([a.min(b), a.max(b)]), "{a} {b}");
        assert_eq!(labels.similar(a, b), similar);
    }
    assert_eq!(pairs, Pairs::draw(&labels, &all(&labels), 200, 5).unwrap());

    // More than there are: all there are, and how many are missing.
    let few: Vec<u32> = (0..24).collect();
    let pairs = Pairs::draw(&labels, &few, 500, 5).unwrap();
    assert_eq!((pairs.similar_count(), pairs.short), (132, 368));
}

#[test]
fn pairs_that_cannot_be_drawn_are_named() {
    let labels = labels_of(&ROWS, Level::Subtechnique, &Kinship::default());
    assert_eq!(
        said(Pairs::draw(&labels, &[0, 1, 3, 4], 5, 1)),
        "setting similarity.pairs: no two of 4 sentences are of one sub-technique: there is no \
         similar pair"
    );
    assert_eq!(
        said(Pairs::draw(&labels, &[6, 7], 5, 1)),
        "setting similarity.pairs: all 2 sentences are of one sub-technique: there is no other pair"
    );
}

#[test]
fn one_text_under_two_labels_is_no_pair_and_is_counted() {
    let rows = [("T1", "same text"), ("T1", "first"), ("T2", "Same text."), ("T2", "second")];
    let labels = labels_of(&rows, Level::Technique, &Kinship::default());
    for seed in 0..20 {
        let pairs = Pairs::draw(&labels, &all(&labels), 2, seed).unwrap();
        assert_eq!(pairs.same_text, 2);
        assert!(!pairs.rows.iter().any(|pair| *pair == [0, 2] || *pair == [2, 0]), "{pairs:?}");
    }
}

#[test]
fn texts_that_look_alike_under_several_labels_are_one_text() {
    let rows = [
        ("T1", "The caf\u{e9} was phished."),
        ("T2", "The cafe\u{301} was phished."),
        ("T3", "the ca\u{ad}f\u{e9} was phished"),
        ("T4", "\u{200e}The cafe\u{200b} WAS\u{a0}phished"),
        ("T5", "The bar was phished."),
    ];
    let labels = labels_of(&rows, Level::Technique, &Kinship::default());
    assert_eq!(labels.ambiguous(), 4);
    for other in 1..4 {
        assert_eq!(labels.bar(0, other, Exclusions::default()), Some(Bar::SameText), "{other}");
    }
    assert_eq!(labels.bar(0, 4, Exclusions::default()), None);
    let texts: Vec<&str> = rows.iter().map(|(_, text)| *text).collect();
    assert_eq!(near_duplicates(&texts, 1.0).len(), 2);
}

// -- mining -------------------------------------------------------------------------------

/// Unit vectors on a circle, at these angles in degrees.
fn circle(degrees: &[f64]) -> Vectors {
    let on = |d: &f64| [d.to_radians().cos() as f32, d.to_radians().sin() as f32];
    Vectors::new(2, degrees.iter().flat_map(on).collect()).unwrap()
}

#[test]
fn no_negative_is_akin_to_its_anchor_and_what_was_passed_over_is_counted() {
    let labels = labels_of(&ROWS, Level::Technique, &kinship());
    // Anchor 0 with positive 1; the rest ever farther away.
    let vectors = circle(&[0.0, 40.0, 5.0, 10.0, 20.0, 30.0, 50.0, 60.0]);
    let mined =
        |settings: &Mining| mine(&vectors, &labels, &[[0, 1]], &all(&labels), settings, 1).unwrap();
    let plain = mined(&Mining::default());
    assert_eq!(plain.negatives[0][0].0, 3);
    // Sentence 2, of its technique, is nearer than the second found.
    assert_eq!(plain.skipped, BTreeMap::from([(SkipReason::Barred(Bar::Similar), 1)]));
    let tactic = Exclusions { tactic: true, ..Exclusions::default() };
    let barred = mined(&Mining { exclude: tactic, ..Mining::default() });
    assert_eq!(barred.negatives[0][0].0, 4, "3 is of tactic execution, too");
    assert_eq!(barred.skipped[&SkipReason::Barred(Bar::SameTactic)], 1);
    // Sentence 2 is nearer than all others: nothing for somebody to look at. Without it, ...
    assert!(plain.suspects.is_empty());
    let others = [0, 1, 3, 4, 5, 6, 7];
    let without = mine(&vectors, &labels, &[[0, 1]], &others, &Mining::default(), 1).unwrap();
    let suspects: Vec<(u32, bool)> =
        without.suspects.iter().map(|s| (s.candidate, s.taken)).collect();
    assert_eq!(suspects, [(3, true), (4, false)]);
    assert!((without.suspects[0].similar - 40_f64.to_radians().cos()).abs() < 1e-6);

    let margin = Mining { absolute_margin: Some(0.05), ..Mining::default() };
    let far = mined(&margin);
    assert_eq!(far.negatives[0][0].0, 6, "cos 50° is 0.123 below cos 40°");
    assert_eq!(far.skipped[&SkipReason::AbsoluteMargin], 3);
}

#[test]
fn a_random_choice_is_the_seeds() {
    let corpus = many(10, 30);
    let labels = Labels::new(&corpus, Level::Technique, &Kinship::default()).unwrap();
    let degrees: Vec<f64> = (0..labels.len()).map(|at| (at * 37 % 360) as f64 / 4.0).collect();
    let vectors = circle(&degrees);
    let settings = Mining {
        negatives: 3,
        range_max: Some(40),
        sampling: Sampling::Random,
        ..Mining::default()
    };
    let anchors: Vec<[u32; 2]> = (0..10).map(|class| [class * 30, class * 30 + 4]).collect();
    let mined = |seed| mine(&vectors, &labels, &anchors, &all(&labels), &settings, seed).unwrap();
    assert_eq!(mined(1), mined(1));
    assert_ne!(mined(1).negatives, mined(2).negatives);
    for (negatives, [anchor, _]) in mined(1).negatives.iter().zip(&anchors) {
        assert_eq!(negatives.len(), 3);
        assert!(negatives.windows(2).all(|two| two[0].1 >= two[1].1), "the nearest first");
        assert!(negatives.iter().all(|(other, _)| !labels.similar(*anchor, *other)));
    }
}

#[test]
fn what_cannot_be_mined_is_named() {
    let labels = labels_of(&ROWS, Level::Technique, &kinship());
    let vectors = circle(&[0.0, 40.0, 5.0, 10.0, 20.0, 30.0, 50.0, 60.0]);
    let mined = |settings: Mining, candidates: &[u32]| {
        said(mine(&vectors, &labels, &[[0, 1]], candidates, &settings, 1))
    };
    let all = all(&labels);
    assert_eq!(
        mined(Mining { negatives: 9, ..Mining::default() }, &all),
        "setting similarity.mining.negatives: 9 for each anchor asked for, and 8 candidates there"
    );
    assert_eq!(
        mined(Mining { absolute_margin: Some(0.9), ..Mining::default() }, &all),
        "setting similarity.mining: no negative is left; passed over: 2 similar to the anchor by its label, \
         5 within the absolute margin of the positive"
    );
    assert_eq!(
        mined(Mining { range_min: 3, range_max: Some(3), ..Mining::default() }, &all),
        "setting similarity.mining.range_max: 3 leaves no room for 1 negatives after 3"
    );
    assert_eq!(
        mined(Mining { max_score: Some(1.5), ..Mining::default() }, &all),
        "setting similarity.mining.max_score: 1.5 is not from -1 to 1"
    );
    assert_eq!(
        mined(Mining { min_score: Some(0.5), max_score: Some(0.2), ..Mining::default() }, &all),
        "setting similarity.mining.min_score: 0.5 is above max_score, 0.2"
    );
    assert_eq!(
        mined(Mining { negatives: 0, ..Mining::default() }, &all),
        "setting similarity.mining.negatives: 0 for each anchor are none"
    );
    assert_eq!(
        said(Vectors::new(2, vec![0.0, 1.0, f32::NAN, 1.0])),
        "setting vectors: NaN in row 2"
    );
    assert_eq!(
        said(mine(&circle(&[0.0]), &labels, &[[0, 1]], &all, &Mining::default(), 1)),
        "setting vectors: 1 for 8 sentences"
    );
}

#[test]
fn fewer_negatives_than_asked_for_are_counted() {
    let labels = labels_of(&ROWS, Level::Technique, &kinship());
    let vectors = circle(&[0.0, 40.0, 5.0, 10.0, 20.0, 30.0, 50.0, 60.0]);
    let settings = Mining { negatives: 4, min_score: Some(0.8), ..Mining::default() };
    let mined = mine(&vectors, &labels, &[[0, 1]], &all(&labels), &settings, 1).unwrap();
    assert_eq!((mined.found(), mined.short), (3, 1));
    assert_eq!(mined.skipped[&SkipReason::MinScore], 2);
}

// -- the experiment -----------------------------------------------------------------------

#[test]
fn a_model_that_says_nothing_is_named() {
    let pairs = Pairs {
        rows: vec![[0, 1], [0, 2], [1, 2], [2, 3]],
        similar: vec![true, false, true, true],
        ..Pairs::default()
    };
    let test = TestPairs::new(pairs, &Groups::each_row(4)).unwrap();
    let yes = test.judge(&[0.9, 0.8, 0.7, 0.6], 0.5, BOOTSTRAP).unwrap();
    assert_eq!((yes.degenerate, yes.empty), (true, Some(Empty::AlwaysYes)));
    assert!(yes.f1 > 0.85, "however high its F1: {}", yes.f1);
    let no = test.judge(&[0.9, 0.8, 0.7, 0.6], 0.95, BOOTSTRAP).unwrap();
    assert_eq!(no.empty, Some(Empty::AlwaysNo));
    let worse = test.judge(&[0.9, 0.8, 0.7, 0.6], 0.65, BOOTSTRAP).unwrap();
    assert_eq!(worse.empty, Some(Empty::NoBetterThanMajority));
    // Four pairs tell little: chance alone may have made it right.
    let few = test.judge(&[0.9, 0.1, 0.7, 0.6], 0.5, BOOTSTRAP).unwrap();
    assert_eq!((few.accuracy, few.empty), (1.0, Some(Empty::WithinChanceOfMajority)));
    let many = Pairs {
        rows: (0..200).map(|at| [2 * at, 2 * at + 1]).collect(),
        similar: (0..200).map(|at| at % 2 == 0).collect(),
        ..Pairs::default()
    };
    let truth: Vec<f64> = many.similar.iter().map(|s| f64::from(u8::from(*s))).collect();
    let many = TestPairs::new(many, &Groups::each_row(400)).unwrap();
    let fine = many.judge(&truth, 0.5, BOOTSTRAP).unwrap();
    assert_eq!((fine.degenerate, fine.empty, fine.accuracy), (false, None, 1.0));
    assert_eq!(said(test.judge(&[0.9], 0.5, BOOTSTRAP)), "setting truth: 4 for 1 scores");
}

#[test]
fn pairs_that_share_sentences_tell_less_than_as_many_that_do_not() {
    // The same scores on 90 pairs of 10 sentences, and on 90 pairs of 180.
    let few: Vec<[u32; 2]> =
        (0..10).flat_map(|a| (0..10).filter(move |b| a != *b).map(move |b| [a, b])).collect();
    let many: Vec<[u32; 2]> = (0..90).map(|at| [2 * at, 2 * at + 1]).collect();
    // A sentence's own trait makes its pairs alike.
    let similar: Vec<bool> = few.iter().map(|[a, _]| a % 2 == 0).collect();
    let scores: Vec<f64> = few.iter().map(|[a, _]| f64::from(u8::from(a % 3 == 0))).collect();
    let width = |rows: Vec<[u32; 2]>, sentences: usize| {
        let pairs = Pairs { rows, similar: similar.clone(), ..Pairs::default() };
        let test = TestPairs::new(pairs, &Groups::each_row(sentences)).unwrap();
        let accuracy = test.judge(&scores, 0.5, BOOTSTRAP).unwrap().intervals.accuracy;
        accuracy.high - accuracy.low
    };
    assert!(width(few, 10) > 1.5 * width(many, 180));
}

#[test]
fn of_pairs_that_share_no_sentence_the_interval_is_up_to_root_three_too_wide() {
    let rows: Vec<[u32; 2]> = (0..1000).map(|at| [2 * at, 2 * at + 1]).collect();
    let similar = vec![true; rows.len()];
    let scores: Vec<f64> = (0..rows.len()).map(|at| f64::from(u8::from(at % 3 > 0))).collect();
    let pairs = Pairs { rows, similar, ..Pairs::default() };
    let test = TestPairs::new(pairs, &Groups::each_row(2000)).unwrap();
    let bootstrap = Bootstrap { resamples: 2000, level: 0.95, seed: 1 };
    let recall = test.judge(&scores, 0.5, bootstrap).unwrap().intervals.recall;
    // Of 1,000 independent pairs: 2 × 1.96 √(p (1 − p) / n).
    let binomial = 2.0 * 1.96 * (recall.value * (1.0 - recall.value) / 1000.0).sqrt();
    let ratio = (recall.high - recall.low) / binomial;
    assert!((1.5..1.9).contains(&ratio), "{ratio}");
}

#[test]
fn what_only_attack_knows_is_not_asked_of_other_labels() {
    let mut settings = tiny_settings();
    settings.mining.exclude.related = true;
    let corpus = mail_and_keys();
    let made = Study::new(&corpus, &Kinship::default(), &settings, Shares::default(), |_| 1);
    assert_eq!(
        said(made.map(|_| ())),
        "setting similarity.mining.exclude: tactic and related are ATT&CK's, and these labels are \
         not"
    );
}

fn tiny_settings() -> SimilaritySettings {
    let mut settings: SimilaritySettings =
        serde_json::from_value(json!({ "pairs": 40, "hard_negatives": 20 })).unwrap();
    settings.training.epochs = 25;
    settings.training.learning_rate = 2e-3;
    settings.training.max_length = 16;
    settings
}

/// Two techniques whose sentences have different words, in the words of `tiny::WORDS`.
fn mail_and_keys() -> Corpus {
    let (nouns, verbs) = (["mail", "link", "key", "log"], ["sends", "reads", "a", "the"]);
    let mut sentences = Vec::new();
    for (at, noun) in nouns.iter().enumerate() {
        for first in verbs {
            for second in verbs {
                for third in ["", "a", "the"] {
                    let technique = if at < 2 { "T1566" } else { "T1056" };
                    let text = format!("{first} {noun} {second} {noun} {third}");
                    sentences.push(sentence(technique, text.trim()));
                }
            }
        }
    }
    Corpus { sentences }
}

fn study() -> Study {
    // Every set of words is a group: few, so the parts are of groups of near-duplicates.
    let shares = Shares { train: 0.6, validation: 0.2, test: 0.2 };
    let seed = |purpose: &str| purpose.len() as u64;
    Study::new(&mail_and_keys(), &Kinship::default(), &tiny_settings(), shares, seed).unwrap()
}

#[test]
fn vectors_made_in_parts_are_those_of_one_batch() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let corpus = mail_and_keys();
    let texts: Vec<&str> = corpus.sentences.iter().map(|s| s.text.as_str()).collect();
    let ids = tokenize.ids(&texts).unwrap();
    let rows: Vec<usize> = (0..50).map(|at| at * 7 % texts.len()).collect();
    let (vectors, size) = encoder.vectors_of(&ids, &rows, tokenize.padding_id(), false).unwrap();
    let whole = ttp_lib::batch::Batch::new(&ids, &rows, tokenize.padding_id(), Device::Cpu);
    let off = (vectors - encoder.vectors(&whole, false).unwrap()).abs().max();
    assert!(off.double_value(&[]) < 1e-6, "{off:?}");
    assert_eq!((size.rows, size.tokens), (50, whole.tokens));
    assert!(size.places < whole.ids.numel());
}

#[test]
fn both_models_are_trained_on_the_same_anchors_and_positives() {
    let study = study();
    let degrees: Vec<f64> = (0..study.labels.len()).map(|at| (at * 7 % 90) as f64).collect();
    let sets = study.triplets(&circle(&degrees), &Mining::default(), 20, 1).unwrap();
    assert_eq!((sets.hard.len(), sets.random.len()), (20, 20));
    for (hard, random) in sets.hard.iter().zip(&sets.random) {
        assert_eq!((hard.anchor, hard.positive), (random.anchor, random.positive));
        for triplet in [hard, random] {
            assert!(study.labels.similar(triplet.anchor, triplet.positive));
            assert!(!study.labels.similar(triplet.anchor, triplet.negative));
            for row in [triplet.anchor, triplet.positive, triplet.negative] {
                assert!(study.parts.train.contains(&row));
            }
        }
    }
    let tested: BTreeSet<u32> = study.test.pairs.rows.iter().flatten().copied().collect();
    assert!(tested.iter().all(|row| study.parts.test.contains(row)));
}

#[test]
fn every_loss_learns_what_is_similar_and_the_saved_model_is_the_same() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let settings = tiny_settings();
    let study = study();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let every = all(&study.labels);
    let mut before = None;
    for loss in [
        Loss::Cosine,
        Loss::Contrastive { margin: 0.5 },
        Loss::OnlineContrastive { margin: 0.5 },
        Loss::MultipleNegatives { scale: 20.0 },
        Loss::Triplet { margin: 0.3, distance: Distance::Cosine },
    ] {
        let mut encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
        let vectors = study.embed(&encoder, &tokenize, &every, &mut |_| ()).unwrap();
        let judged = study.judge(&vectors, settings.criterion, BOOTSTRAP).unwrap();
        let start = *before.get_or_insert(judged.test.average_precision);
        assert_eq!(judged.test.average_precision, start, "every loss starts from one model");
        let sets = study.triplets(&vectors, &settings.mining, 20, 1).unwrap();
        let folder = tiny.path().join("trained");
        let training = SimilarityTraining {
            checkpoint: &checkpoint,
            params: &settings.training,
            loss,
            seed: 1,
            folder: &ModelFolder::Written(folder.clone()),
        };
        let texts = study.texts();
        let mut steps = 0;
        let history = training
            .run(&mut encoder, &tokenize, &texts, &study.labels, &sets.random, &mut |_| steps += 1)
            .unwrap();
        assert_eq!((steps, history.epochs.len()), (history.losses.len(), 25));
        let vectors = study.embed(&encoder, &tokenize, &every, &mut |_| ()).unwrap();
        let after = study.judge(&vectors, settings.criterion, BOOTSTRAP).unwrap();
        assert!(
            after.test.average_precision > start.max(0.95),
            "{loss}: {start} to {}",
            after.test.average_precision
        );
        // From disk again, and by the three files that sentence-transformers opens it by.
        let saved = Checkpoint::open("trained", &folder).unwrap();
        let again = SentenceEncoder::new(&saved, Device::Cpu, 1).unwrap();
        let once_more = study.embed(&again, &tokenize, &every, &mut |_| ()).unwrap();
        assert_eq!(once_more, vectors);
        for file in ["modules.json", "sentence_bert_config.json", "1_Pooling/config.json"] {
            assert!(folder.join(file).is_file(), "{file}");
        }
        assert!(folder.join("2_Normalize").is_dir());
    }
}

#[test]
fn false_negatives_of_a_batch_are_left_out() {
    // One technique twice: without the mask the second anchor's positive is the first's negative.
    let anchors = Tensor::from_slice2(&[[1.0, 0.0], [0.8, 0.6]]);
    let mask = Tensor::from_slice(&[false, true, true, false]).view([2, 2]).to_kind(Kind::Bool);
    let value = loss::multiple_negatives_ranking(&anchors, &anchors, None, 20.0, Some(&mask));
    assert!(value.double_value(&[]).abs() < 1e-12);
}

#[test]
fn a_training_that_makes_no_sense_is_named() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let study = study();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let settings = tiny_settings();
    let mut encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let mut run = |loss, triplets: &[Triplet]| {
        let training = SimilarityTraining {
            checkpoint: &checkpoint,
            params: &settings.training,
            loss,
            seed: 1,
            folder: &ModelFolder::Nowhere,
        };
        let texts = study.texts();
        said(training.run(&mut encoder, &tokenize, &texts, &study.labels, triplets, &mut |_| ()))
    };
    assert_eq!(run(Loss::Cosine, &[]), "setting triplets: there is none");
    let one = [Triplet { anchor: 0, positive: 1, negative: 100 }];
    assert_eq!(
        run(Loss::Contrastive { margin: -0.5 }, &one),
        "setting similarity.loss.contrastive.margin: -0.5 is not a number above 0"
    );
    let wrong = |value: Value| {
        let settings: SimilaritySettings = serde_json::from_value(value).unwrap();
        said(settings.check())
    };
    assert_eq!(
        wrong(json!({ "hard_negatives": 0 })),
        "setting similarity.hard_negatives: 0 train nothing"
    );
    assert_eq!(wrong(json!({ "pairs": 0 })), "setting similarity.pairs: 0 judge no model");
    assert_eq!(
        wrong(json!({ "trials": [{ "loss": { "triplet": { "margin": 0.0 } } }] })),
        "setting similarity.trials[0].loss.triplet.margin: 0 is not a number above 0"
    );
}

#[test]
fn a_text_leads_to_techniques_with_their_sentences() {
    let rows = [("T1", "one"), ("T1", "two"), ("T2", "three"), ("T3", "four"), ("T2", "five")];
    let sentences = rows.iter().map(|(technique, text)| sentence(technique, text)).collect();
    let corpus = Corpus { sentences };
    let vectors = circle(&[10.0, 80.0, 20.0, 60.0, 30.0]);
    let near = nearest_techniques(&[1.0, 0.0], &vectors, &corpus, 2, 2);
    let found: Vec<(&str, Vec<usize>)> = near
        .iter()
        .map(|n| (n.technique.as_str(), n.evidence.iter().map(|(row, _)| *row).collect()))
        .collect();
    assert_eq!(found, [("T1", vec![0, 1]), ("T2", vec![2, 4])]);
    assert!((near[0].score - 10_f64.to_radians().cos()).abs() < 1e-6);
}

#[test]
fn kept_vectors_are_of_their_corpus_or_are_made_anew() {
    let tiny = Tiny::new();
    let checkpoint = tiny.find().unwrap();
    let tokenize = checkpoint.tokenizer(16).unwrap();
    let encoder = SentenceEncoder::new(&checkpoint, Device::Cpu, 1).unwrap();
    let file = tiny.path().join("vectors.safetensors");
    let mut corpus = mail_and_keys();
    let made = |corpus: &Corpus| {
        let mut count = 0;
        let mut watch = |more| count += more;
        let vectors = corpus_vectors(&file, &encoder, &tokenize, corpus, &mut watch).unwrap();
        (vectors, count)
    };
    let (vectors, count) = made(&corpus);
    assert_eq!(count, corpus.len());
    assert_eq!(made(&corpus), (vectors, 0), "read, not made");
    corpus.sentences[0].text.push_str(" mail");
    assert_eq!(made(&corpus).1, corpus.len(), "of another text");
    std::fs::write(&file, b"cut off").unwrap();
    assert_eq!(made(&corpus).1, corpus.len(), "no vectors at all");
    assert_eq!(made(&corpus).1, 0);
}
