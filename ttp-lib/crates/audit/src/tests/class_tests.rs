//! Matrices of many classes against random ones and brute force; averages passed off as others.

use super::*;

#[test]
fn random_matrices_of_many_classes_come_back_with_an_example() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for case in 0..200 {
        let classes = rng.random_range(2..=4);
        let matrix = random_matrix(&mut rng, classes, [3, 12][case % 2]);
        let of = classes_of(&matrix);
        if of.total.0 == 0 {
            continue;
        }
        let said = random_said(&mut rng, &of, &matrix);
        let said: Vec<&Statement> = said.iter().collect();
        match of.solve(&said, Work::default()).unwrap() {
            MatrixAnswer::Possible(example) => {
                assert!(said.iter().all(|said| of.holds(said, &example)), "{case}");
            }
            other => panic!("{case}: {other:?} for {matrix:?}"),
        }
    }
}

#[test]
fn perturbed_averages_of_three_classes_are_judged_as_brute_force_does() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut impossible = 0;
    for case in 0..200 {
        let matrix = random_matrix(&mut rng, 3, 1);
        let of = classes_of(&matrix);
        if of.total.0 == 0 {
            continue;
        }
        let mut said = random_said(&mut rng, &of, &matrix);
        let shifted = said.len() - 1;
        if let Statement::OfClass(_, _, interval) | Statement::Averaged(_, _, interval) =
            &mut said[shifted]
        {
            let width = &interval.high - &interval.low;
            *interval = interval.plus(&Interval::point(width));
        }
        let said: Vec<&Statement> = said.iter().collect();
        let supports: Vec<u64> = matrix.iter().map(|row| row.iter().sum()).collect();
        let rows = |support: u64| {
            (0..=support)
                .flat_map(move |a| (0..=support - a).map(move |b| vec![a, b, support - a - b]))
        };
        let possible = rows(supports[0]).any(|first| {
            rows(supports[1]).any(|second| {
                rows(supports[2]).any(|third| {
                    let matrix = vec![first.clone(), second.clone(), third];
                    said.iter().all(|said| of.holds(said, &matrix))
                })
            })
        });
        match of.solve(&said, Work::default()).unwrap() {
            MatrixAnswer::Possible(_) => assert!(possible, "{case}: {matrix:?}"),
            MatrixAnswer::Impossible => assert!(!possible, "{case}: {matrix:?}"),
            MatrixAnswer::Unknown => panic!("{case}: not found out: {matrix:?}"),
        }
        impossible += u32::from(!possible);
    }
    assert!((20..200).contains(&impossible), "{impossible} are impossible");
}

#[test]
fn ranges_are_proven_and_as_narrow_as_their_proofs() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for case in 0..60 {
        let matrix = random_matrix(&mut rng, 3, [6, 60][case % 2]);
        let of = classes_of(&matrix);
        if of.total.0 == 0 {
            continue;
        }
        let mut said = random_said(&mut rng, &of, &matrix);
        said.retain(|_| rng.random_bool(0.5));
        let said: Vec<&Statement> = said.iter().collect();
        let class = rng.random_range(0..3);
        let (asked, value) = match case % 3 {
            0 => (MatrixCount::Count(class, ClassCount::Support), matrix[class].iter().sum()),
            1 => {
                let predicted = matrix.iter().map(|row| row[class]).sum();
                (MatrixCount::Count(class, ClassCount::Predicted), predicted)
            }
            _ => (MatrixCount::Cell(class, (class + 1) % 3), matrix[class][(class + 1) % 3]),
        };
        let (low, high) = of.range(&said, asked).unwrap().unwrap();
        assert!(low <= value && value <= high, "{case}: {low} to {high}, {matrix:?}");
        let proves = |low: i128, high: i128| of.proves_within(&said, asked, (low, high)).unwrap();
        let (low, high) = (i128::from(low), i128::from(high));
        assert!(proves(low, high), "{case}");
        assert!(!proves(low + 1, high) && !proves(low, high - 1), "{case}: {low} to {high}");
    }
}

#[test]
fn a_micro_average_passed_off_as_macro_is_named() {
    // 81 9 / 8 2: recalls 81/90 and 2/10, so macro 0.55 and micro 83/100.
    let recalls = |supports: [&str; 2], average: &str| {
        two_classes(&[
            ("total", "", "100"),
            ("support.a", SUPPORT_A, supports[0]),
            ("support.b", SUPPORT_B, supports[1]),
            ("recall.a", RECALL_A, "0.900"),
            ("recall.b", RECALL_B, "0.200"),
            ("macro.recall", MACRO_RECALL, average),
        ])
    };
    // With 0.830 the other class would have a recall of 1.46.
    let of = ["recall.b", "macro.recall"];
    let found = recalls(["90", "10"], "0.830");
    let named = format!("{NO_MATRIX}; macro.recall is a micro average passed off as macro");
    assert_eq!(why(&found, "macro.recall", &of), named);
    assert_eq!(why(&found, "recall.b", &of), named, "each claim of the conflict says it");
    // Neither of the averages; and of supports with which the micro average is another.
    assert_eq!(why(&recalls(["90", "10"], "0.840"), "macro.recall", &of), NO_MATRIX);
    assert_eq!(why(&recalls(["50", "50"], "0.830"), "macro.recall", &of), NO_MATRIX);
    // A macro average that is one.
    assert_eq!(recalls(["90", "10"], "0.550").count("consistent"), 5);
}

#[test]
fn a_weighted_average_passed_off_as_macro_is_named() {
    // The same matrix: precisions 81/89 and 2/11, macro 0.546, micro 0.830, weighted 0.837.
    let precisions = |average: &str| {
        two_classes(&[
            ("total", "", "100"),
            ("support.a", SUPPORT_A, "90"),
            ("recall.a", RECALL_A, "0.900"),
            ("recall.b", RECALL_B, "0.200"),
            ("precision.a", PRECISION_A, "0.910"),
            ("precision.b", PRECISION_B, "0.182"),
            ("macro.precision", MACRO_PRECISION, average),
        ])
    };
    let of = ["precision.b", "macro.precision"];
    for (average, name) in [
        ("0.837", "; macro.precision is a weighted average passed off as macro"),
        ("0.830", "; macro.precision is a micro average passed off as macro"),
        ("0.700", ""),
    ] {
        let reason = why(&precisions(average), "macro.precision", &of);
        assert_eq!(reason, format!("{NO_MATRIX}{name}"), "{average}");
    }
    assert_eq!(precisions("0.546").count("consistent"), 6);
}

#[test]
fn the_f1_of_the_means_is_named() {
    // 50 50 / 0 50: precisions 1 and 1/2, recalls 1/2 and 1, both F1 2/3. So the mean of the
    // F1s is 0.667, the F1 of the means 0.750, and the micro average 100/150.
    let scores = |f1: &str| {
        two_classes(&[
            ("total", "", "150"),
            ("support.a", SUPPORT_A, "100"),
            ("recall.a", RECALL_A, "0.500"),
            ("recall.b", RECALL_B, "1.000"),
            ("f1.a", F1_A, "0.667"),
            ("f1.b", F1_B, "0.667"),
            ("macro.precision", MACRO_PRECISION, "0.750"),
            ("macro.recall", MACRO_RECALL, "0.750"),
            ("macro.f1", MACRO_F1, f1),
        ])
    };
    // Of 150 examples no whole numbers give the other class an F1 of 0.833, or of 0.733.
    let of = ["f1.a", "f1.b", "macro.f1"];
    let named = format!("{NO_MATRIX}; macro.f1 is the F of the means, not the mean of the Fs");
    assert_eq!(why(&scores("0.750"), "macro.f1", &of), named);
    assert_eq!(why(&scores("0.700"), "macro.f1", &of), NO_MATRIX);
    assert_eq!(scores("0.667").count("consistent"), 8);
    // Without the means nothing says what 0.750 is.
    let without = two_classes(&[
        ("total", "", "150"),
        ("support.a", SUPPORT_A, "100"),
        ("recall.a", RECALL_A, "0.500"),
        ("recall.b", RECALL_B, "1.000"),
        ("f1.a", F1_A, "0.667"),
        ("f1.b", F1_B, "0.667"),
        ("macro.f1", MACRO_F1, "0.750"),
    ]);
    assert_eq!(why(&without, "macro.f1", &of), NO_MATRIX);
}

#[test]
fn a_half_that_no_whole_number_gives_holds_two_figures_apart() {
    // 0.895 prints as 0.89 and as 0.90, but is no share of 1,520; of 1,600 it is 1,432.
    let verdict = |total: u64| {
        let text = format!(
            "document = \"d\"\n[[matrix]]\nid = \"m\"\nclass_number = 44\ntotal = {total}\n\
             [[claim]]\nid = \"a\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \"m\"\n\
             metric = \"accuracy\"\nvalue = \"0.90\"\n\
             [[claim]]\nid = \"r\"\nat = \"t\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \"m\"\n\
             metric = \"recall\"\naverage = \"weighted\"\nvalue = \"0.89\"\n"
        );
        let claims = Claims::parse(Path::new("c.toml"), &text).unwrap();
        audit(&claims).unwrap().claim("r").unwrap().verdict.name()
    };
    assert_eq!((verdict(1_520), verdict(1_600)), ("inconsistent", "consistent"));
}
