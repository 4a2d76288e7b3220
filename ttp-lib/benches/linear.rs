//! Linear models on 2,000 made-up sentences of 20 classes: training, and predicting all of them.

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use ttp_lib::linear::{LinearKind, LinearModel};

const CLASSES: usize = 20;

/// Sentences of 20 words: most from a vocabulary in which few words are frequent, some from their
/// class's own.
fn sentences(count: usize) -> (Vec<String>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let syllables = ["ran", "so", "mi", "kat", "z", "lo", "der", "exe", "phi", "sh", "cmd", "net"];
    let mut word = |number: usize| {
        let length = syllables.len();
        let at = [number % length, number / length % length, number / length / length % length];
        at.map(|at| syllables[at]).concat()
    };
    let mut make = |label: usize| {
        let words = (0..20).map(|_| match rng.random_range(0..5) {
            0 => 100 + label * 10 + rng.random_range(0..10),
            _ => (1700.0 * rng.random_range(0.0_f64..1.0).powi(3)) as usize,
        });
        words.map(&mut word).collect::<Vec<_>>().join(" ")
    };
    (0..count).map(|at| (make(at % CLASSES), at % CLASSES)).unzip()
}

fn linear(criterion: &mut Criterion) {
    let (texts, labels) = sentences(2_000);
    let classes: Vec<String> = (0..CLASSES).map(|at| format!("T{at:04}")).collect();
    let mut group = criterion.benchmark_group("linear");
    group.sample_size(10);
    for kind in LinearKind::ALL {
        let train = || LinearModel::train(kind, &texts, &labels, &classes, 1);
        group.bench_function(format!("{kind}: train"), |bench| bench.iter(|| black_box(train())));
        match train() {
            Ok(model) => {
                group.bench_function(format!("{kind}: predict"), |bench| {
                    bench.iter(|| black_box(model.predict_all(&texts)));
                });
            }
            Err(error) => println!("nothing was measured: {error}"),
        }
    }
    group.finish();
}

criterion_group!(benches, linear);
criterion_main!(benches);
