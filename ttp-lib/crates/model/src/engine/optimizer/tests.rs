use super::*;

/// Three steps on f(w) = Σ w³ from w = (1, -2, 3), lr 0.1, decay 0.01, no
/// clipping; the numbers are PyTorch's (see the golden script).
fn three_steps(algorithm: Algorithm, clip: f64) -> Vec<f32> {
    let w = Tensor::from_slice(&[1.0_f32, -2.0, 3.0]).set_requires_grad(true);
    let mut optimizer =
        Optimizer::new(vec![("w.weight".into(), w.shallow_clone())], algorithm, 0.01, clip);
    for _ in 0..3 {
        let loss = w.pow_tensor_scalar(3).sum(Kind::Float);
        optimizer.step(&loss, 0.1);
    }
    Vec::try_from(w.detach()).unwrap_or_default()
}

#[test]
fn slices_and_tensors_make_the_same_step() {
    let make = || Parameter {
        name: "w.weight".to_owned(),
        variable: Tensor::from_slice(&[0.5_f32, -1.5, 2.5]),
        first: Tensor::from_slice(&[0.1_f32, 0.2, -0.3]),
        second: Tensor::from_slice(&[0.01_f32, 0.02, 0.03]),
        weight_decay: 0.01,
        rows: None,
    };
    let gradient = Tensor::from_slice(&[1.0_f32, -2.0, 0.0]);
    let rates = Rates { clip: 0.7, keep: 0.999, step: 0.05, second_scale: 1.5 };
    let (mut by_slice, mut by_tensor) = (make(), make());
    update_slices(&mut by_slice, &gradient, rates);
    update_tensors(&mut by_tensor, &gradient, rates);
    for (a, b) in [
        (&by_slice.variable, &by_tensor.variable),
        (&by_slice.first, &by_tensor.first),
        (&by_slice.second, &by_tensor.second),
    ] {
        assert!((a - b).abs().max().double_value(&[]) < 1e-6, "{a:?} {b:?}");
    }
}

#[test]
fn norms_are_the_same_by_slice_and_by_tensor() {
    let whole = |gradient: Tensor| Gradient::Whole(gradient);
    let twelve = || whole(Tensor::from_slice(&[12.0_f32]));
    let plain = [whole(Tensor::from_slice(&[3.0_f32, 4.0])), twelve()];
    let mixed = [whole(Tensor::from_slice(&[3.0_f64, 4.0])), twelve()];
    assert_eq!((squared_norms(&plain), squared_norms(&mixed)), (169.0, 169.0));
}

/// Five steps over a table of six rows and a weight on it, of which batches read the rows
/// 0, 2 and 3, one of them twice; the table and the weight afterwards.
fn steps_on_a_table(algorithm: Algorithm, sparse: bool, told: bool) -> Vec<f32> {
    let start: Vec<f32> = (0..18_u8).map(|i| (f32::from(i) * 0.7).sin()).collect();
    let table = Tensor::from_slice(&start).view([6, 3]).set_requires_grad(true);
    let weight = Tensor::from_slice(&[0.5_f32, -1.0, 2.0]).set_requires_grad(true);
    let named = vec![
        ("words.weight".to_owned(), table.shallow_clone()),
        ("w.weight".to_owned(), weight.shallow_clone()),
    ];
    let mut optimizer = Optimizer::new(named, algorithm, 0.3, 1.0);
    if told {
        optimizer = optimizer.reading_rows("words.weight", &[0, 2, 3]);
    }
    for batch in [[2_i64, 0, 2], [3, 2, 0], [0, 0, 0], [3, 3, 2], [2, 2, 2]] {
        let words = Tensor::embedding(&table, &Tensor::from_slice(&batch), -1, false, sparse);
        let loss = (words * &weight).square().sum(Kind::Float);
        optimizer.step(&loss, 0.1);
    }
    optimizer.settle();
    optimizer.settle();
    let both = Tensor::cat(&[table.detach().view(-1), weight.detach()], 0);
    Vec::try_from(both).unwrap_or_default()
}

#[test]
fn rows_that_no_batch_reads_are_decayed_all_the_same() {
    for algorithm in [Algorithm::Adam, Algorithm::AdamW] {
        let dense = steps_on_a_table(algorithm, false, false);
        assert_eq!(dense.len(), 21);
        for told in [false, true] {
            let sparse = steps_on_a_table(algorithm, true, told);
            for (a, b) in dense.iter().zip(&sparse) {
                assert!((a - b).abs() < 1e-6, "{algorithm:?}, {told}: {dense:?} {sparse:?}");
            }
        }
    }
}

#[test]
fn agrees_with_pytorch() {
    for (algorithm, clip, golden) in golden::STEPS {
        let ours = three_steps(algorithm, clip);
        for (a, b) in ours.iter().zip(golden) {
            assert!((a - b).abs() < 2e-6, "{algorithm:?} {clip}: {ours:?}, PyTorch {golden:?}");
        }
    }
}

mod golden {
    use super::Algorithm;
    include!("../../../../../tests/golden/optimizer.rs");
}

/// Reads past the end where `environment/memcheck.py` asks for it, which has to see it.
#[test]
fn one_number_too_many() {
    if std::env::var_os("TTP_ONE_TOO_MANY").is_none() {
        return;
    }
    let tensor = Tensor::zeros([64], (Kind::Float, Device::Cpu));
    let numbers = numbers(&tensor);
    // SAFETY: there is none: nothing is at that place. Only valgrind is to meet this.
    let number = unsafe { numbers.as_ptr().add(numbers.len()).read_volatile() };
    println!("{number}");
}
