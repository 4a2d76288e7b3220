//! Vectorizers and linear models beside scikit-learn 1.7.2 (`environment/golden/linear.py`).

use serde::Deserialize;
use ttp_lib::linear::words::{Grams, Row, Vectorizer, Weighting};
use ttp_lib::linear::{LinearKind, LinearModel};

#[derive(Deserialize)]
struct Golden {
    classes: Vec<String>,
    texts: Vec<String>,
    labels: Vec<usize>,
    unseen: Vec<String>,
    vectorizers: Vec<Vectorized>,
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Vectorized {
    characters: bool,
    lengths: (usize, usize),
    weighting: String,
    sublinear: bool,
    size: usize,
    /// Every 29th.
    terms: Vec<String>,
    idf: Vec<f64>,
    /// Of texts 6, 17 and 60: columns and values.
    rows: Vec<(Vec<u32>, Vec<f64>)>,
    unseen: Vec<(Vec<u32>, Vec<f64>)>,
}

#[derive(Deserialize)]
struct Model {
    kind: LinearKind,
    /// The first so many; their texts are what it is trained on.
    classes: usize,
    width: usize,
    /// Of all texts, then of the unseen ones; of two classes there is one number.
    decisions: Vec<f64>,
    predicted: Vec<usize>,
    intercepts: Vec<f64>,
    columns: Vec<usize>,
    weights: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/linear.json")).unwrap()
}

#[track_caller]
fn near(ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len());
    for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() < tolerance, "number {at}: {a}, theirs {b}");
    }
}

#[track_caller]
fn same_row(ours: &Row, (columns, values): &(Vec<u32>, Vec<f64>)) {
    assert_eq!(&ours.iter().map(|(column, _)| *column).collect::<Vec<_>>(), columns);
    near(&ours.iter().map(|(_, value)| *value).collect::<Vec<_>>(), values, 1e-14);
}

#[test]
fn texts_become_the_rows_that_scikit_learns_vectorizers_make() {
    let golden = golden();
    for case in golden.vectorizers {
        let vectorizer = Vectorizer {
            grams: if case.characters { Grams::Characters } else { Grams::Words },
            shortest: case.lengths.0,
            longest: case.lengths.1,
            weighting: match case.weighting.as_str() {
                "counts" => Weighting::Counts,
                _ => Weighting::Tfidf { sublinear: case.sublinear },
            },
        };
        let (vocabulary, rows) = vectorizer.fit(&golden.texts);
        assert_eq!(vocabulary.len(), case.size);
        let terms: Vec<_> = vocabulary.terms().iter().step_by(29).collect();
        assert_eq!(terms, case.terms.iter().collect::<Vec<_>>());
        near(&vocabulary.idf().iter().step_by(29).copied().collect::<Vec<_>>(), &case.idf, 1e-14);
        for (at, theirs) in [6, 17, 60].into_iter().zip(&case.rows) {
            same_row(&rows[at], theirs);
            assert_eq!(vocabulary.row(&golden.texts[at]), rows[at]);
        }
        for (text, theirs) in golden.unseen.iter().zip(&case.unseen) {
            same_row(&vocabulary.row(text), theirs);
        }
    }
}

#[test]
fn weights_and_decisions_are_those_of_scikit_learns_optimum() {
    let golden = golden();
    for case in golden.models {
        let known = golden.texts.iter().zip(&golden.labels).filter(|(_, at)| **at < case.classes);
        let (texts, labels): (Vec<&String>, Vec<usize>) =
            known.map(|(text, at)| (text, *at)).unzip();
        let classes = &golden.classes[..case.classes];
        let model = LinearModel::train(case.kind, &texts, &labels, classes, 1).unwrap();
        let asked: Vec<&String> = golden.texts.iter().chain(&golden.unseen).collect();
        // Of two classes, scikit-learn gives what speaks for the second.
        let like = |scores: &[f64]| match (scores, case.kind) {
            ([_, second], LinearKind::TfidfSvm) => vec![*second],
            ([first, second], LinearKind::CountsLogistic) => vec![second - first],
            _ => scores.to_vec(),
        };
        let decisions: Vec<f64> = asked.iter().flat_map(|text| like(&model.scores(text))).collect();
        near(&decisions, &case.decisions, 1e-6);
        assert_eq!(model.predict_all(&asked), case.predicted);
        let weights = model.weights();
        near(&like(weights.intercepts()), &case.intercepts, 1e-6);
        let width: usize = model.vocabularies().iter().map(|vocabulary| vocabulary.len()).sum();
        assert_eq!(width, case.width);
        let ours: Vec<f64> =
            case.columns.iter().flat_map(|&column| like(weights.column(column))).collect();
        near(&ours, &case.weights, 1e-6);
    }
}
