//! Figures of random matrices.

use super::*;

#[test]
fn true_figures_beside_a_printed_matrix_are_all_consistent() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    for case in 0..40 {
        let classes = rng.random_range(2..=5);
        let counts = random_counts(&mut rng, classes, [3, 40, 900][case % 3]);
        let truth = Truth::of(&counts);
        let total = match case % 4 {
            0 => String::new(),
            1 => format!("total = [1, {}]", 2.0 * truth.all),
            _ => format!("total = {}", truth.all),
        };
        let mut page = Page::of(classes, &total);
        page.cells(&counts);
        let decimals = rng.random_range(2..=8);
        figures(&mut rng, &mut page, &truth, 0.3, decimals);
        counts_of_classes(&mut page, &truth, &["support", "predicted"]);
        assert_eq!(page.found(), [page.claims, 0, 0], "{case}: {}", page.text);
    }
}

#[test]
fn true_figures_without_a_matrix_or_with_a_part_of_it_are_never_inconsistent() {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let mut found = [0; 3];
    for case in 0..16 {
        let classes = rng.random_range(2..=3);
        let counts = random_counts(&mut rng, classes, [2, 12, 60][case % 3]);
        let truth = Truth::of(&counts);
        let mut page = Page::of(classes, &format!("total = {}", truth.all));
        match case % 4 {
            // A row, a column, or some cells.
            0 => (0..classes).for_each(|to| page.cell(1, to, &counts[1][to].to_string())),
            1 => (0..classes).for_each(|from| page.cell(from, 0, &counts[from][0].to_string())),
            2 => {
                for (from, row) in counts.iter().enumerate() {
                    for (to, cell) in row.iter().enumerate() {
                        if rng.random_bool(0.5) {
                            page.cell(from, to, &cell.to_string());
                        }
                    }
                }
            }
            _ => {}
        }
        counts_of_classes(&mut page, &truth, &["support", "true_positives"]);
        let decimals = rng.random_range(2..=8);
        figures(&mut rng, &mut page, &truth, 0.1, decimals);
        let judged = page.found();
        assert_eq!(judged[1], 0, "{case}: {judged:?} {}", page.text);
        found.iter_mut().zip(judged).for_each(|(all, one)| *all += one);
    }
    assert!(found[2] < found[0], "{found:?}: most are decided");
}

#[test]
fn a_changed_figure_beside_a_printed_matrix_is_inconsistent() {
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    for case in 0..24 {
        let classes = rng.random_range(2..=4);
        let counts = random_counts(&mut rng, classes, [9, 60][case % 2]);
        let truth = Truth::of(&counts);
        let mut page = Page::of(classes, &format!("total = {}", truth.all));
        let class = rng.random_range(0..classes);
        let all: Vec<usize> = (0..classes).collect();
        let off = |value: f64| shown(value + if value > 0.5 { -0.02 } else { 0.02 }, 3, false);
        let metric = OF_CLASS[case % OF_CLASS.len()];
        let mut changed = counts.clone();
        match case % 8 {
            0 => page.of_class("support", class, &(truth.support[class] + 1.0).to_string()),
            1 => page.of_class("predicted", class, &(truth.predicted[class] + 1.0).to_string()),
            2 => page.of_class(metric, class, &off(truth.of_class(metric, class))),
            3 => {
                let value = truth.average("f1", false, &all);
                page.score("f1", "average = \"macro\"", &off(value));
            }
            4 => page.score("balanced_accuracy", "", &off(truth.balanced(false))),
            5 => page.score("kappa", "", &off(truth.agreement(true))),
            6 => changed[class][(class + 1) % classes] += 1,
            _ => {
                let value = truth.average("precision", true, &all);
                page.score("precision", "average = \"weighted\"", &off(value));
            }
        }
        page.cells(&changed);
        let [_, inconsistent, _] = page.found();
        assert!(inconsistent > 0, "{case}: {}", page.text);
    }
}
