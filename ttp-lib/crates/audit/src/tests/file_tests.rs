//! Claims files that are wrong, and what belongs to a claim.

use super::*;

#[test]
fn what_is_wrong_with_a_file_is_named_with_its_line() {
    for (text, expected) in [
        (
            claim("metric = \"recall\"\nvalue = \"101.5 %\"\n"),
            "c.toml, row 12, field \"value\": 101.5 % is a percentage above 100",
        ),
        (
            claim("metric = \"f3\"\nvalue = \"0.90\"\n"),
            "c.toml, row 11, field \"metric\": unknown metric \"f3\"; known: accuracy, precision, \
             recall, specificity, f1, f2, f_beta, balanced_accuracy, mcc",
        ),
        (
            claim("metric = \"recall\"\nvalue = 0.9\n"),
            "c.toml, row 12, field \"value\": 0.9 does not say its decimals (0.9 and 0.90 are one \
             number in TOML): write value = \"0.9\", or decimals = 2 beside it",
        ),
        (
            claim("metric = \"recall\"\nvalue = \"1\"\n"),
            "c.toml, row 12, field \"value\": 1 has no decimals: it does not say how it was \
             rounded; write 0.90 or 90 %",
        ),
        (
            claim("metric = \"recall\"\nvalue = \"0.90\"\nvalu = 3\n"),
            "c.toml, row 13, field \"valu\": not a field that is known here",
        ),
        (
            "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\npositive = 60\nnegative = 50\n"
                .to_owned(),
            "c.toml, row 4, field \"total\": contradictory totals: 60 and 50 are not 100",
        ),
        (
            "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\nall_pairs = true\n".to_owned(),
            "c.toml, row 4, field \"total\": contradictory totals: 100 is no number of all pairs",
        ),
    ] {
        assert_eq!(refused(&text), expected);
    }
    let broken = refused("document = \"d\"\n[[matrix]\n");
    assert!(broken.starts_with("c.toml, row 2: not TOML: "), "{broken}");
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let matrix = |classes: &str, total: &str| {
        format!("[[matrix]]\nid = \"m\"\nclasses = {classes}\ntotal = {total}\n")
    };
    let other = folder.path().join("other.toml");
    let said = |top: &str, rest: &str| {
        let file = folder.path().join("own.toml");
        let text = format!("document = \"own\"\n{top}\n{rest}");
        let found = Claims::parse(&file, &text).and_then(|claims| claims.joined());
        let message = found.unwrap_err().to_string();
        message.replace(&format!("{}/", folder.path().display()), "")
    };
    let ab = "[\"a\", \"b\"]";
    std::fs::write(&other, format!("document = \"other\"\n{}", matrix(ab, "[5, 10]"))).unwrap();
    let own = |reason: &str| format!("own.toml, row 2, field \"together\": {reason}");
    let with = "together = [\"other.toml\"]";
    for (top, rest, reason) in [
        ("together = []", String::new(), own("a file is wanted")),
        ("together = [1]", String::new(), own("a list of texts is wanted")),
        (
            "together = [\"own.toml\"]",
            String::new(),
            own("\"own.toml\" is there twice, or the file itself"),
        ),
        (
            "together = [\"other.toml\", \"other.toml\"]",
            String::new(),
            own("\"other.toml\" is there twice, or the file itself"),
        ),
        (with, matrix("[\"a\", \"c\"]", "10"), own("matrix \"m\" has other classes in the files")),
        (with, matrix(ab, "11"), own("matrix \"m\" has contradictory totals in the files")),
        (
            with,
            matrix(ab, "10").replace("total", "zero_division = \"1\"\ntotal"),
            own("matrix \"m\" has other examples or zero_division in the files"),
        ),
    ] {
        assert_eq!(said(top, &rest), reason);
    }
    let missing = said("together = [\"none.toml\"]", "");
    assert!(missing.starts_with(&own("cannot read none.toml: ")), "{missing}");
    std::fs::write(&other, "document = 1\n").unwrap();
    assert!(said(with, "").starts_with("other.toml, row 1, field \"document\""));
    // Another order of classes is the same matrix.
    std::fs::write(&other, format!("document = \"other\"\n{}{SUPPORT_CLAIM}", matrix(ab, "10")))
        .unwrap();
    let text = format!(
        "document = \"own\"\n{with}\n{}{}",
        matrix("[\"b\", \"a\"]", "10"),
        SUPPORT_CLAIM.replace("\"a\"\nvalue = \"3\"", "\"b\"\nvalue = \"8\"")
    );
    let set =
        Claims::parse(&folder.path().join("own.toml"), &text).unwrap().joined().unwrap().unwrap();
    let found = audit(&set).unwrap();
    // 3 of a and 8 of b are not 10.
    assert_eq!(found.count("inconsistent"), 2);
    assert_eq!(conflict(&found, "own:s"), ["other:s", "own:s"]);
    assert_eq!(found.to_remove[0].smallest, [["other:s"], ["own:s"]]);
}

#[test]
fn a_figure_of_the_same_rows_is_rounded_as_the_claim_prints_it() {
    let audit = judged("three-models.toml");
    let ran = |id: &str, name: &str, value: Value| {
        let mut rows = papers_rows();
        rows[name] = value;
        let ours = Measurements::from_json(json!({ "paper_rows": rows }));
        audit.clone().beside(&ours).claim(id).unwrap().run.unwrap()
    };
    for (id, name, value, expected) in [
        ("rows", "rows", json!(14_350), Reproduction::Reproduced),
        ("rows", "rows", json!(14_349), Reproduction::NotReproduced),
        ("rows", "rows", json!(14_451), Reproduction::NotReproduced),
        ("rows.again", "rows", json!(14_201), Reproduction::NotReproduced),
        ("rows", "rows", Value::Null, Reproduction::NoRun),
        ("rows", "rows", json!("14.4k"), Reproduction::NoRun),
        ("balanced", "balanced_rows", json!(15_464), Reproduction::NotReproduced),
        ("balanced", "balanced_rows", json!(10_941), Reproduction::NotReproduced),
        // A plain whole number was not rounded.
        ("techniques", "techniques", json!(191), Reproduction::NotReproduced),
        ("two", "over_500", json!(["T1027"]), Reproduction::NotReproduced),
        ("half", "over_half_augmented", json!(1), Reproduction::Reproduced),
        ("half", "over_half_augmented", json!(2), Reproduction::NotReproduced),
        ("half", "over_half_augmented", Value::Null, Reproduction::NoRun),
    ] {
        assert_eq!(ran(id, name, value.clone()), expected, "{id}: {value}");
    }
    let mut rows = papers_rows();
    rows.as_object_mut().unwrap().retain(|name, _| name == "over_500");
    let ours = Measurements::from_json(json!({ "paper_rows": rows }));
    let line = "three models: claims about its own rows: 2 reproduced, 0 not reproduced; no run has \
                the figures of 6, which are judged by arithmetic alone";
    assert_eq!(report::runs(&audit.beside(&ours)).unwrap(), line);
}

#[test]
fn a_claim_about_the_same_rows_wants_a_figure_on_both_sides() {
    let stated = |fields: &str| {
        format!(
            "document = \"d\"\n[[claim]]\nid = \"c\"\nat = \"a\"\nsays = \"s\"\nkind = \"stated\"\n\
             needs = \"n\"\n{fields}\n"
        )
    };
    let parse = |text: &str| Claims::parse(Path::new("c.toml"), text);
    for (fields, expected) in [
        ("value = \"1\"\nsame_rows = true", "c.toml, row 2, field \"ours\": missing"),
        (
            "ours = \"a.b\"\nsame_rows = true",
            "c.toml, row 2, field \"above, at_least, below or at_most\": missing",
        ),
        (
            "ours = \"a.b\"\nvalue = \"1\"\nsame_rows = \"yes\"",
            "c.toml, row 10, field \"same_rows\": true or false is wanted",
        ),
        (
            "ours = \"a.b\"\nvalue = \"1\"\nat_most = \"2\"",
            "c.toml, row 10, field \"at_most\": not a field that is known here",
        ),
    ] {
        assert_eq!(refused(&stated(fields)), expected, "{fields}");
    }
    let other = stated("value = \"1\"");
    let sum = other.replace("id = \"c\"", "id = \"sum\"").replace("document = \"d\"\n", "");
    let sum = sum.replace("kind = \"stated\"\nneeds = \"n\"", "kind = \"at_most\"\nof = [\"c\"]");
    let said = refused(&format!("{other}{sum}ours = \"a.b\"\nsame_rows = true\n"));
    assert!(said.contains("field \"same_rows\": of a sum that is at most"), "{said}");
    let not = parse(&stated("ours = \"a.b\"\nvalue = \"1\"\nsame_rows = false")).unwrap();
    assert_eq!(audit(&not).unwrap().claims[0].run, None);
}

#[test]
fn a_fact_is_held_against_the_documents_digits_and_its_mistakes_are_named() {
    let claims = |fact: &str| {
        let text = format!(
            "document = \"d\"\n{}[[fact]]\nid = \"f\"\nat = \"there\"\nsays = \"so\"\n{fact}\n",
            [("a", "value = \"0.90\"\n"), ("b", "value = \"0.5\"\n"), ("c", "")]
                .map(|(id, value)| format!(
                    "[[claim]]\nid = \"{id}\"\nat = \"x\"\nsays = \"y\"\nkind = \"stated\"\n\
                     needs = \"z\"\n{value}"
                ))
                .concat()
        );
        Claims::parse(Path::new("c.toml"), &text)
    };
    let found =
        audit(&claims("of = [\"a\", \"b\"]\nvalues = [\"0.9\", \"0.5\"]").unwrap()).unwrap();
    // 0.9 is not what is printed: 0.90.
    assert_eq!((found.facts[0].figures, found.facts[0].same), (2, 1));
    assert_eq!(found.claim("a").unwrap().facts, ["f"]);
    for (fact, reason) in [
        ("of = []", "field \"of\": a claim is wanted"),
        ("of = [\"x\"]", "field \"of\": no claim is named \"x\""),
        ("of = [\"a\", \"a\"]", "field \"of\": \"a\" is there twice"),
        ("of = [\"a\"]\nvalues = []", "field \"values\": 0 figures of 1 claims"),
        ("of = [\"a\"]\nvalues = [\"much\"]", "field \"values\": \"much\" is not a figure"),
        ("of = [\"c\"]\nvalues = [\"1\"]", "field \"values\": claim \"c\" has no figure"),
        ("of = [\"a\"]\nkind = \"x\"", "field \"kind\": not a field that is known here"),
    ] {
        let said = claims(fact).unwrap_err().to_string();
        assert!(said.starts_with("c.toml, row ") && said.contains(reason), "{fact}: {said}");
    }
    // A copy with fewer claims keeps its facts.
    let mut fewer = claims("of = [\"a\"]\nvalues = [\"0.90\"]").unwrap();
    fewer.claims.clear();
    assert_eq!(audit(&fewer).unwrap().facts[0].same, 0);
}
