//! Reports by scikit-learn, and what they say of labels and averages.

use super::*;

/// A page with what scikit-learn prints, and what is to be found on it.
struct Printed {
    name: String,
    page: Page,
    /// Whether the page says which labels its figures are of: then all of it is consistent, and
    /// otherwise nothing is inconsistent.
    is_told: bool,
}

impl Printed {
    fn check(&self) {
        let [consistent, inconsistent, _] = self.page.found();
        assert_eq!(inconsistent, 0, "{}: {}", self.name, self.page.text);
        if self.is_told {
            assert_eq!(consistent, self.page.claims, "{}: {}", self.name, self.page.text);
        }
    }
}

/// All pages of the golden file: each case in 2, 4 and 8 decimals, over all labels with its
/// matrix, over some labels, and with several labels a row.
fn printed_reports() -> Vec<Printed> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/reports.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(golden["sklearn"], "1.7.2");
    let cases = golden["cases"].as_array().unwrap();
    let pages = cases.iter().flat_map(|case| [2, 4, 8].map(|decimals| (case, decimals)));
    pages.flat_map(|(case, decimals)| printed_pages(case, decimals)).collect()
}

fn printed_pages(case: &Value, decimals: usize) -> Vec<Printed> {
    let counts: Counts = serde_json::from_value(case["counts"].clone()).unwrap();
    let labels: Vec<usize> = (0..counts.len()).collect();
    let named = |kind: &str| format!("{}, {kind}, {decimals}", case["name"].as_str().unwrap());
    let show = |value: &Value| shown(value.as_f64().unwrap(), decimals, false);
    let mut page = Page::of(labels.len(), "");
    page.cells(&counts);
    page.score("balanced_accuracy", "", &show(&case["balanced"]));
    page.score("balanced_accuracy", "balanced_accuracy = \"adjusted\"", &show(&case["adjusted"]));
    page.score("kappa", "", &show(&case["kappa"]));
    page.score("mcc", "", &show(&case["mcc"]));
    for how in ["true", "pred", "all"] {
        for (from, row) in case["normalized"][how].as_array().unwrap().iter().enumerate() {
            for (to, share) in row.as_array().unwrap().iter().enumerate() {
                let fields = format!("from = \"{from}\"\nto = \"{to}\"\nnormalize = \"{how}\"");
                page.claim("cell", &fields, &show(share));
            }
        }
    }
    report(&mut page, &case["report"], &labels, decimals);
    let mut pages = vec![Printed { name: named("all"), page, is_told: true }];
    let some: Vec<usize> = serde_json::from_value(case["some"]["labels"].clone()).unwrap();
    let reports =
        [(&case["some"]["report"], &some, "some"), (&case["several"], &labels, "several")];
    for (lines, labels, kind) in reports {
        let total = lines["macro"]["support"].as_f64().unwrap();
        for is_told in [true, false] {
            if !is_told && (labels.len() < 2 || decimals > 2) {
                continue;
            }
            let said = if is_told { format!("labels = \"{kind}\"\n") } else { String::new() };
            let mut page = Page::of(labels.len(), &format!("{said}total = {total}"));
            report(&mut page, lines, labels, decimals);
            pages.push(Printed { name: named(kind), page, is_told });
        }
    }
    pages
}

#[test]
fn scikit_learns_figures_are_those_of_its_matrices() {
    let printed = printed_reports();
    assert_eq!(printed.len(), 64);
    printed.iter().for_each(Printed::check);
}

/// Truth 0 1 2 2 2, predicted 0 0 2 2 1: the first report of
/// <https://scikit-learn.org/stable/modules/generated/sklearn.metrics.classification_report.html>.
#[test]
fn zeros_of_a_class_without_a_hit_are_true() {
    let metrics = ["precision", "recall", "f1"];
    let page = |labels: &str, of_the_second: &str| {
        let mut page = Page::of(3, &format!("total = 5\n{labels}"));
        for (class, support, values) in [
            (0, "1", ["0.50", "1.00", "0.67"]),
            (1, "1", [of_the_second, "0.00", "0.00"]),
            (2, "3", ["1.00", "0.67", "0.80"]),
        ] {
            page.of_class("support", class, support);
            for (metric, value) in metrics.iter().zip(values) {
                page.of_class(metric, class, value);
            }
        }
        page.score("accuracy", "", "0.60");
        for (average, values) in
            [("macro", ["0.50", "0.56", "0.49"]), ("weighted", ["0.70", "0.60", "0.61"])]
        {
            for (metric, value) in metrics.iter().zip(values) {
                page.score(metric, &format!("average = \"{average}\""), value);
            }
        }
        page
    };
    assert_eq!(page("labels = \"all\"", "0.00").found(), [19, 0, 0]);
    assert_eq!(page("", "0.00").found()[1], 0);
    // One of the class's own figures that is not 0 cannot stand beside them.
    assert!(page("labels = \"all\"", "0.50").found()[1] > 0);
}

/// What is told of a page's claims that are inconsistent.
fn refuted(page: Page) -> Vec<String> {
    let claims = page.judged().claims.into_iter();
    let refuted = claims.filter(|claim| claim.verdict.name() == "inconsistent");
    refuted.map(|claim| claim.verdict.to_string()).collect()
}

/// Of six 0 and two 1, all said to be 0: a precision of nothing is what `zero_division` says, in
/// <https://scikit-learn.org/stable/modules/generated/sklearn.metrics.classification_report.html>.
#[test]
fn another_value_of_a_division_by_nought_is_named() {
    let page = |zero: &str, precision: &str, of_both: &str| {
        let mut page = Page::of(2, &format!("total = 8\n{zero}"));
        for (class, support, recall) in [(0, "6", "1.0000"), (1, "2", "0.0000")] {
            page.of_class("support", class, support);
            page.of_class("recall", class, recall);
        }
        page.of_class("precision", 0, "0.7500");
        if !precision.is_empty() {
            page.of_class("precision", 1, precision);
        }
        if !of_both.is_empty() {
            page.score("precision", "average = \"macro\"", of_both);
        }
        page
    };
    let [zero, one] = ["zero_division = \"0\"", "zero_division = \"1\""];
    assert_eq!(refuted(page(one, "1.0000", "0.8750")), [""; 0]);
    assert_eq!(refuted(page("", "0.0000", "0.3750")), [""; 0]);
    for (page, other) in [
        (page("", "1.0000", ""), one),
        (page("", "", "0.8750"), one),
        (page(one, "0.0000", ""), zero),
    ] {
        let told = refuted(page);
        assert!(!told.is_empty() && told.iter().all(|line| line.contains(other)), "{told:?}");
    }
    // Nor is one named that another claim refutes: of class 1 the precision of nothing is 0.
    let mut mixed = Page::of(3, "total = 10");
    for (class, support, precision, recall) in
        [(0, "6", "0.6000", "1.0000"), (1, "2", "0.0000", "0.0000"), (2, "2", "1.0000", "0.0000")]
    {
        mixed.of_class("support", class, support);
        mixed.of_class("precision", class, precision);
        mixed.of_class("recall", class, recall);
    }
    let told = refuted(mixed);
    assert!(!told.is_empty() && !told.iter().any(|line| line.contains("division")), "{told:?}");
    // What no such value gives hangs on none.
    let told = refuted(page("", "0.5000", ""));
    assert!(!told.is_empty() && !told.iter().any(|line| line.contains("division")), "{told:?}");
}

#[test]
fn a_total_that_is_not_the_sum_of_several_labels_supports_is_named() {
    let page = |total: u64, predicted: &str| {
        let mut page = Page::of(2, &format!("total = {total}\nlabels = \"several\""));
        page.of_class("support", 0, "6");
        page.of_class("support", 1, "5");
        page.of_class("true_positives", 0, "3");
        page.of_class("predicted", 0, predicted);
        page
    };
    assert_eq!(page(11, "4").found(), [4, 0, 0]);
    // 20 is the sum of 12 and 8; no share of 12 is 0.5135, though one of 37 is.
    let mut misprint = Page::of(2, "total = 20\nlabels = \"several\"");
    misprint.of_class("support", 0, "12");
    misprint.of_class("support", 1, "8");
    misprint.of_class("recall", 0, "0.5135");
    let told = refuted(misprint);
    assert!(!told.is_empty() && !told.iter().any(|line| line.contains("supports")), "{told:?}");
    for (total, predicted, is_named) in [(8, "4", true), (11, "2", false)] {
        let told = refuted(page(total, predicted));
        let named = told.iter().filter(|line| line.contains("it is the sum of the supports"));
        assert_eq!(named.count(), if is_named { told.len() } else { 0 }, "{told:?}");
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

#[test]
fn a_micro_average_over_some_labels_is_never_inconsistent() {
    // The second report of scikit-learn's page: labels 1, 2, 3 of truth 1 1 1, predicted 1 1 0.
    // https://scikit-learn.org/stable/modules/generated/sklearn.metrics.classification_report.html
    let page = |labels: &str| {
        let mut page = Page::of(3, &format!("total = 3\n{labels}"));
        page.of_class("support", 0, "3");
        page.of_class("precision", 0, "1.00");
        page.of_class("recall", 0, "0.67");
        for class in [1, 2] {
            page.of_class("support", class, "0");
            page.of_class("precision", class, "0.00");
        }
        for (metric, value) in [("precision", "1.00"), ("recall", "0.67"), ("f1", "0.80")] {
            page.score(metric, "average = \"micro\"", value);
        }
        page
    };
    assert_eq!(page("").found(), [7, 0, 3]);
    let verdict = page("").judged().claim("c7").unwrap().verdict.to_string();
    assert!(verdict.contains("labels = \"some\" or \"several\""), "{verdict}");
    assert_eq!(page("labels = \"some\"").found(), [10, 0, 0]);
    assert_eq!(page("labels = \"several\"").found(), [10, 0, 0]);
    assert!(page("labels = \"all\"").found()[1] > 0);
    // What no labels at all can have is inconsistent in each of them.
    let mut off = page("labels = \"some\"");
    off.of_class("true_positives", 0, "3");
    assert!(off.found()[1] > 0);
    // What wants all examples is not judged.
    let mut more = page("labels = \"some\"");
    more.score("accuracy", "", "0.67");
    more.of_class("specificity", 0, "0.50");
    assert_eq!(more.found(), [10, 0, 2]);
    let mut cells = page("labels = \"several\"");
    cells.cell(0, 1, "1");
    assert_eq!(cells.found(), [10, 0, 1]);
    assert!(page("labels = \"most\"").refused().contains("known: all, some, several"));
    // A conflict that hangs on it says so.
    let mut closed = Page::of(2, "total = 10");
    for class in [0, 1] {
        closed.of_class("support", class, "5");
        closed.of_class("precision", class, "1.00");
    }
    closed.of_class("recall", 0, "0.60");
    let verdict = closed.judged().claim("c4").unwrap().verdict.to_string();
    assert!(verdict.contains(", if these are all labels and each example has one"), "{verdict}");
}

#[test]
fn averages_over_some_classes_are_of_these() {
    let page = |over: &str, value: &str| {
        let mut page = Page::of(3, "total = 200");
        page.cells(&printed());
        page.score("recall", &format!("average = \"macro\"\nover = {over}"), value);
        page
    };
    // 50 of 60, 30 of 60, 65 of 80.
    assert_eq!(page("[\"0\", \"1\"]", "0.667").found()[1], 0);
    assert!(page("[\"0\", \"2\"]", "0.667").found()[1] > 0);
    assert!(page("[\"0\", \"7\"]", "0.667").refused().contains("unknown class \"7\""));
    assert!(page("[\"0\", \"0\"]", "0.667").refused().contains("\"0\" is there twice"));
    assert!(page("[]", "0.667").refused().contains("field \"over\": a class is wanted"));
}

#[test]
fn balanced_accuracy_is_the_mean_recall_or_what_the_file_says() {
    // https://github.com/scikit-learn/scikit-learn/pull/10587 and
    // https://github.com/scikit-learn/scikit-learn/issues/6747
    let truth = Truth::of(&printed());
    let all = [0, 1, 2];
    let mean = shown(truth.balanced(false), 4, false);
    assert_eq!(mean, "0.7153");
    let one_vs_rest = shown(truth.average("balanced_accuracy", false, &all), 4, false);
    let adjusted = shown(truth.balanced(true), 4, false);
    let found = |top: &str, fields: &str, value: &str| {
        let mut page = Page::of(3, top);
        page.cells(&printed());
        page.score("balanced_accuracy", fields, value);
        page.found()[1]
    };
    let setting = |name: &str| format!("balanced_accuracy = \"{name}\"");
    assert_eq!(found("", "", &mean), 0);
    assert_eq!(found("", "average = \"macro\"", &mean), 0);
    assert!(found("", "", &one_vs_rest) > 0);
    assert_eq!(found("", &setting("one_vs_rest"), &one_vs_rest), 0);
    assert_eq!(found(&setting("one_vs_rest"), "average = \"macro\"", &one_vs_rest), 0);
    assert!(found("", &setting("one_vs_rest"), &mean) > 0);
    assert_eq!(found("", &setting("adjusted"), &adjusted), 0);
    assert!(found("", &setting("adjusted"), &mean) > 0);
    // Without cells, too: of three recalls the mean is what it is.
    let mut page = Page::of(3, "total = 200");
    counts_of_classes(&mut page, &truth, &["support"]);
    for class in all {
        page.of_class("recall", class, &shown(truth.of_class("recall", class), 3, false));
    }
    page.score("balanced_accuracy", "", "0.7153");
    assert_eq!(page.found(), [7, 0, 0]);
    for (fields, value, reason) in [
        (
            "average = \"weighted\"",
            "0.70",
            "field \"average\": balanced accuracy is the mean recall",
        ),
        (
            "balanced_accuracy = \"mean\"",
            "0.70",
            "field \"balanced_accuracy\": unknown balanced_accuracy \"mean\"; known: mean_recall, \
             adjusted, one_vs_rest",
        ),
        ("average = \"macro\"\nover = [\"0\", \"1\"]", "0.70", "field \"over\": balanced accuracy"),
        ("", "71.53", "field \"value\": 71.53 is a share above 1"),
    ] {
        let mut page = Page::of(3, "total = 200");
        page.score("balanced_accuracy", fields, value);
        assert!(page.refused().contains(reason), "{}", page.refused());
    }
    let mut two = Page::new("total = 100");
    two.score("balanced_accuracy", "balanced_accuracy = \"adjusted\"", "0.50");
    assert!(two.refused().contains("field \"metric\""), "{}", two.refused());
}
