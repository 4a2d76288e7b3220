//! Threads, seeds, a class without texts, files that are none.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn texts() -> (Vec<String>, Vec<usize>, Vec<String>) {
    let subjects = ["The group", "It", "Malware", "An operator", "APT_7", "Le dropper évasif"];
    let verbs = ["runs PowerShell", "mails a lure", "dumps lsass.exe", "scans ports"];
    let objects = ["on hosts", "at 03:00", "through C2", "for days", "a b c"];
    let (mut texts, mut labels) = (Vec::new(), Vec::new());
    for subject in subjects {
        for (class, verb) in verbs.iter().enumerate() {
            for object in objects {
                texts.push(format!("{subject} {verb} {object}"));
                // Some are labelled wrongly, and of class 2 there is none.
                let class = (class + usize::from(texts.len() % 7 == 0)) % 4;
                labels.push(if class < 2 { class } else { class + 1 });
            }
        }
    }
    let classes = ["T1059", "T1566", "T9999", "T1003", "T1046"].map(str::to_owned).to_vec();
    (texts, labels, classes)
}

fn train(kind: LinearKind) -> LinearModel {
    let (texts, labels, classes) = texts();
    LinearModel::train(kind, &texts, &labels, &classes, 1).unwrap()
}

#[test]
fn weights_and_scores_do_not_depend_on_the_number_of_threads_nor_much_on_the_seed() {
    let (texts, labels, classes) = texts();
    for kind in LinearKind::ALL {
        let made = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let model = LinearModel::train(kind, &texts, &labels, &classes, seed).unwrap();
                (model.scores_all(&texts), model.predict_all(&texts), model.weights)
            })
        };
        let one = made(1, 1);
        assert_eq!(made(2, 1), one);
        assert_eq!(made(7, 1), one);
        let other = made(2, 2);
        assert_eq!(other.1, one.1);
        for (a, b) in one.0.iter().zip(&other.0).filter(|(a, _)| a.is_finite()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
}

#[test]
fn a_class_without_a_text_is_never_predicted_and_the_others_are_found() {
    let (texts, labels, _) = texts();
    for kind in LinearKind::ALL {
        let model = train(kind);
        let predicted = model.predict_all(&texts);
        assert!(!predicted.contains(&2));
        let right = predicted.iter().zip(&labels).filter(|(a, b)| a == b).count();
        assert!(right * 10 > texts.len() * 8, "{right} of {}", texts.len());
        assert_eq!(model.predict("Someone mails a lure"), 1);
        // Nothing in it is known: the intercepts decide.
        assert_eq!(model.scores("🦀"), model.weights().intercepts());
        assert!(model.heaviest("T9999", 5).unwrap().is_empty());
    }
}

#[test]
fn reasons_add_up_to_the_score() {
    let text = "Malware dumps lsass.exe at 03:00";
    for kind in LinearKind::ALL {
        let model = train(kind);
        let reasons = model.reasons(text, "T1003", usize::MAX).unwrap();
        let sum: f64 = reasons.iter().map(|reason| reason.weight).sum();
        assert!((sum + model.weights().intercepts()[3] - model.scores(text)[3]).abs() < 1e-12);
        assert!(reasons.windows(2).all(|two| two[0].weight.abs() >= two[1].weight.abs()));
        let heaviest = model.heaviest("T1003", 12).unwrap();
        let words = ["dumps", "lsass", "exe"];
        assert!(heaviest.iter().any(|feature| words.contains(&feature.term.as_str())));
        assert!(heaviest.windows(2).all(|two| two[0].weight >= two[1].weight));
    }
    let said = train(LinearKind::CountsLogistic).heaviest("T1", 1).unwrap_err().to_string();
    assert_eq!(said, "unknown class \"T1\"; known: T1059, T1566, T9999, T1003, T1046");
    let feature = Feature { grams: Grams::Characters, term: " exe".to_owned(), weight: 0.5 };
    assert_eq!(feature.to_string(), "characters \" exe\" +0.500");
}

#[test]
fn a_model_is_the_same_after_saving_and_loading() {
    let (texts, ..) = texts();
    let folder = tempfile::tempdir().unwrap();
    for kind in LinearKind::ALL {
        let model = train(kind);
        let path = folder.path().join(format!("models/{kind}.safetensors"));
        model.save(&path).unwrap();
        let loaded = LinearModel::load(&path).unwrap();
        assert_eq!((loaded.kind(), loaded.classes()), (kind, model.classes()));
        assert_eq!(loaded.scores_all(&texts), model.scores_all(&texts));
        assert_eq!(loaded.heaviest("T1059", 9).unwrap(), model.heaviest("T1059", 9).unwrap());
    }
}

#[test]
fn what_is_no_model_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let said = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let said = LinearModel::load(&path).unwrap_err().to_string();
        assert_eq!(said.lines().count(), 1);
        let start = format!("{}: not a linear model: ", path.display());
        said.strip_prefix(&start).unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    assert!(said(b"").starts_with("safetensors: "));
    assert!(said(b"{\"weights\": []}\n").starts_with("safetensors: "));
    let empty =
        safetensors::serialize(Vec::<(&str, safetensors::tensor::TensorView)>::new(), &None);
    assert_eq!(said(&empty.unwrap()), "its metadata have no ttp.linear");

    train(LinearKind::TfidfSvm).save(&path).unwrap();
    let good = std::fs::read(&path).unwrap();
    assert!(said(&good[..good.len() - 9]).starts_with("safetensors: "));
    let changed = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let mut bytes = good.clone();
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    assert!(said(&changed("tfidf-svm", "tfidf-xyz")).contains("unknown variant `tfidf-xyz`"));
    assert!(said(&changed("shortest\\\":3", "shortest\\\":2")).ends_with("not those of tfidf-svm"));
    assert_eq!(said(&changed("\"idf.1\"", "\"idf.7\"")), "it has no idf.1");
    assert!(said(&changed("00\\\",\\\"03", "03\\\",\\\"00")).contains("\"03\" is before \"00\""));
    let mut bytes = good.clone();
    let end = bytes.len();
    bytes[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
    assert!(said(&bytes).ends_with(" holds NaN"));
    let missing = LinearModel::load(&folder.path().join("b")).unwrap_err().to_string();
    assert!(missing.contains("cannot read"), "{missing}");
}

#[test]
fn what_does_not_fit_together_is_named() {
    let classes = ["a", "b", "c"].map(str::to_owned);
    let said = |texts: &[&str], labels: &[usize]| {
        let kind = LinearKind::CountsLogistic;
        LinearModel::train(kind, texts, labels, &classes, 1).unwrap_err().to_string()
    };
    assert_eq!(said(&["x"], &[]), "setting labels: 0 for 1 texts");
    assert_eq!(said(&["x"], &[3]), "setting labels: class 3, of 3 classes");
    assert_eq!(
        said(&["xx", "yy"], &[1, 1]),
        "setting labels: 1 of the classes have a text, and two must"
    );
    assert_eq!(said(&["x", "!"], &[0, 2]), "setting texts: none has a word");
    assert_eq!(LinearKind::from_name("tfidf-svm").unwrap(), LinearKind::TfidfSvm);
    let said = LinearKind::from_name("svm").unwrap_err().to_string();
    assert_eq!(said, "unknown linear model \"svm\"; known: tfidf-svm, counts-logistic");
}

#[test]
fn two_classes_score_against_each_other() {
    let texts = ["one net", "two net", "three exe", "four exe"];
    let classes = ["a", "b"].map(str::to_owned);
    for kind in LinearKind::ALL {
        let model = LinearModel::train(kind, &texts, &[0, 0, 1, 1], &classes, 1).unwrap();
        for text in texts {
            let scores = model.scores(text);
            assert!((scores[0] + scores[1]).abs() < 1e-6, "{scores:?}");
        }
        assert_eq!(model.predict_all(&texts), [0, 0, 1, 1]);
    }
}
