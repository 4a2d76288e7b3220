use super::*;
use crate::balance::{CopySource, Limits};
use crate::corpus::{Operation, Sentence};
use std::collections::BTreeMap;

fn corpus(classes: &[(&str, usize)]) -> Corpus {
    let mut sentences = Vec::new();
    for (technique, rows) in classes {
        for row in 0..*rows {
            sentences.push(Sentence {
                technique: (*technique).to_owned(),
                subtechnique: None,
                name: (*technique).to_owned(),
                // One text in ten is shared by all techniques, in other letters.
                text: match row % 10 {
                    0 if *technique == "T1" => format!("Shared sentence {row}."),
                    0 => format!("shared  SENTENCE {row}"),
                    _ => format!("sentence {row} of {technique}"),
                },
                source_id: "test".to_owned(),
            });
        }
    }
    Corpus { sentences }
}

#[test]
fn techniques_are_counted_by_their_training_rows() {
    let rows = |technique: &str, count: usize| {
        let sample = Sample {
            row: 0,
            technique: technique.to_owned(),
            text: String::new(),
            operation: Operation::Original,
        };
        vec![sample; count]
    };
    let split = Split {
        train: [rows("T1", 100), rows("T2", 3), rows("T3", 4)].concat(),
        validation: rows("T2", 1),
        test: [rows("T1", 12), rows("T3", 2)].concat(),
    };
    let text = sizes_table(&split).unwrap().to_text();
    let line = |start: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(start)).unwrap();
        line.split_whitespace().rev().take(4).collect::<Vec<_>>()
    };
    assert_eq!(line("1 to 4"), ["2", "1", "7", "2"], "{text}");
    assert_eq!(line("5 to 9"), ["0", "0", "0", "0"], "{text}");
    assert_eq!(line("100 or more"), ["12", "0", "100", "1"], "{text}");
}

#[test]
fn no_sentence_that_is_tested_is_pretrained_on() {
    let corpus = corpus(&[("T1", 30), ("T2", 30), ("T3", 4)]);
    let sample = |row: u32, text: &str| Sample {
        row,
        technique: "T1".to_owned(),
        text: text.to_owned(),
        operation: Operation::Swap,
    };
    let splits = [
        Split {
            train: vec![sample(5, "")],
            validation: vec![sample(1, ""), sample(2, "")],
            test: vec![sample(2, "a copy"), sample(0, "")],
        },
        Split {
            train: vec![sample(2, "")],
            validation: vec![],
            test: vec![sample(3, ""), sample(4, "SENTENCE 3 OF T3")],
        },
    ];
    let parts = Unlabelled::of(&corpus, &splits);
    // Row 0's text is row 30's too, in other letters; T3's last one is tested as a text.
    for text in [
        "Shared sentence 0.",
        "shared  SENTENCE 0",
        "sentence 2 of T1",
        "sentence 3 of T1",
        "sentence 4 of T1",
        "sentence 3 of T3",
    ] {
        assert!(!parts.train.iter().chain(&parts.validation).any(|t| t == text), "{text}");
    }
    assert_eq!(parts.validation, ["sentence 1 of T1"]);
    assert!(parts.train.contains(&"sentence 1 of T3".to_owned()));
    assert_eq!(parts.train.len() + 1 + parts.tested, corpus.len());
    // T3's own first text is a shared one as well.
    assert_eq!(parts.tested, 3 + 4);
}

fn copies(text: &str, seed: u64) -> Vec<(Operation, String)> {
    // The second is a text of the corpus: it must not come into training by this door.
    vec![
        (Operation::Swap, format!("{text} {seed}")),
        (Operation::Removal, format!("shared sentence {}0", seed % 10)),
    ]
}

fn prepared(protocol: Protocol, seed: u64) -> PreparedSplit {
    let corpus = corpus(&[("T1", 120), ("T2", 99), ("T3", 700), ("T4", 155)]);
    prepare(protocol, &corpus, Limits::default(), Shares::default(), &copies, seed).unwrap()
}

#[test]
fn the_papers_protocol_splits_the_balanced_rows() {
    let corpus = corpus(&[("T1", 120), ("T2", 99), ("T3", 700), ("T4", 155)]);
    for protocol in [Protocol::Paper, Protocol::Told] {
        let (limits, fill) = (Limits::default(), protocol.fill());
        let balanced = balance::balance(&corpus, limits, fill, &copies, 4);
        let mut balanced = balanced.unwrap().samples;
        let split = prepared(protocol, 4).split;
        let mut parts = [split.train, split.validation, split.test].concat();
        let key = |sample: &Sample| (sample.row, sample.text.clone(), sample.operation);
        balanced.sort_by_key(key);
        parts.sort_by_key(key);
        assert_eq!(parts, balanced);
    }
}

#[test]
fn shares_are_met_in_every_technique() {
    let samples = balance::samples(&corpus(&[("T1", 120), ("T2", 99), ("T3", 7)]));
    let split = stratified(&samples, Shares::default(), 3).unwrap();
    let of =
        |part: &[Sample]| balance::counts(part).into_iter().map(|(_, n)| n).collect::<Vec<_>>();
    assert_eq!(of(&split.train), [96, 79, 5]);
    assert_eq!(of(&split.validation), [12, 10, 1]);
    assert_eq!(of(&split.test), [12, 10, 1]);
    let rows: HashSet<u32> = [&split.train, &split.validation, &split.test]
        .into_iter()
        .flatten()
        .map(|s| s.row)
        .collect();
    assert_eq!(rows.len(), samples.len(), "each row once");
    assert_eq!(split, stratified(&samples, Shares::default(), 3).unwrap());
    assert_ne!(split, stratified(&samples, Shares::default(), 4).unwrap());
}

#[test]
fn no_rounding_loses_or_invents_a_row() {
    let odd = Shares { train: 0.7, validation: 0.2, test: 0.1 };
    for shares in [Shares::default(), odd, Shares { train: 1.0, validation: 0.0, test: 0.0 }] {
        for rows in 0..2_000 {
            let parts = shares.of(rows);
            assert_eq!(parts.iter().sum::<usize>(), rows);
            for (part, share) in
                parts.into_iter().zip([shares.train, shares.validation, shares.test])
            {
                assert!((part as f64 - share * rows as f64).abs() < 1.0, "{rows}: {parts:?}");
            }
        }
    }
}

#[test]
fn shares_that_are_none_are_named() {
    let said = |train, validation, test| {
        Shares { train, validation, test }.check().unwrap_err().to_string()
    };
    assert_eq!(said(0.8, 0.1, 0.2), "setting split: they add up to 1.1, not 1");
    assert_eq!(said(1.2, -0.1, -0.1), "setting split.train: 1.2 is not from 0 to 1");
    assert_eq!(said(0.5, f64::NAN, 0.5), "setting split.validation: NaN is not from 0 to 1");
    assert_eq!(said(0.0, 0.5, 0.5), "setting split.train: 0: nothing to train on");
}

#[test]
fn the_clean_protocol_leaks_nothing_and_the_papers_does() {
    let mut shared_texts = 0;
    for seed in 0..5 {
        let clean = prepared(Protocol::Clean, seed);
        let leakage = Leakage::of(&clean.split);
        for seen in [leakage.validation, leakage.test] {
            assert_eq!((seen.copies, seen.same_row, seen.same_text), (0, 0, 0));
            assert!(seen.rows > 0);
        }
        assert!(clean.account.equal_text > 0, "the corpus has equal texts");
        let test: HashSet<_> = clean.split.test.iter().map(|s| normalised(&s.text)).collect();
        assert!(clean.split.validation.iter().all(|s| !test.contains(&normalised(&s.text))));

        let [paper, told] = [Protocol::Paper, Protocol::Told]
            .map(|protocol| Leakage::of(&prepared(protocol, seed).split).test);
        assert!(told.same_row > 0 && told.copies > 0, "{told:?}");
        let share = |seen: TrainingOverlap| seen.same_row as f64 / seen.rows as f64;
        assert!(share(paper) > 1.5 * share(told), "{paper:?} {told:?}");
        shared_texts += paper.same_text + told.same_text;
    }
    assert!(shared_texts > 0);
}

/// A sentence of one agent in six forms that look alike: an accent in one character, in two and
/// left out, a soft hyphen, what takes no room, other letters, blanks and marks.
fn alike(form: usize, agent: usize) -> String {
    match form % 6 {
        0 => format!("agent{agent} phished caf\u{e9}{agent} staff{agent}"),
        1 => format!("agent{agent} phished cafe\u{301}{agent} staff{agent}"),
        2 => format!("agent{agent} phished cafe{agent} sta\u{ad}ff{agent}"),
        3 => format!("Agent{agent}  PHISHED CAF\u{c9}{agent}, staff{agent}."),
        4 => format!("\u{200e}agent{agent} phished caf\u{e9}{agent} staff\u{200b}{agent}\u{feff}"),
        _ => format!("agent{agent}\u{a0}phished ca\u{2060}f\u{e9}{agent} staff{agent}"),
    }
}

/// The agent of such a sentence.
fn agent_of(text: &str) -> usize {
    let digits = text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
    digits.collect::<String>().parse().unwrap()
}

#[test]
fn texts_that_look_alike_stand_in_one_part() {
    let forms: Vec<String> = (0..6).map(|form| alike(form, 7)).collect();
    let texts: Vec<&str> = forms.iter().map(String::as_str).collect();
    assert_eq!(near_duplicates(&texts, 1.0), [0; 6]);

    // The second technique has the first one's texts, each in another form.
    let row = |technique: &str, form: usize, agent: usize| Sentence {
        technique: technique.to_owned(),
        subtechnique: None,
        name: technique.to_owned(),
        text: alike(form, agent),
        source_id: "test".to_owned(),
    };
    let other = |agent: usize| row("T2", agent + 1 + agent / 6 % 5, agent);
    let sentences = (0..40).map(|agent| row("T1", agent, agent)).chain((0..40).map(other));
    let corpus = Corpus { sentences: sentences.collect() };
    // Four agents are new; the copies of the others are texts that the corpus has in some form.
    let copy = |_: &str, seed: u64| {
        vec![(Operation::Swap, alike((seed % 6) as usize, (seed / 7 % 44) as usize))]
    };
    let limits = Limits { trim_below: 5, upsample_to: 60, downsample_to: 80 };
    for protocol in [Protocol::Clean, Protocol::Grouped] {
        for seed in 0..3 {
            let made = prepare(protocol, &corpus, limits, Shares::default(), &copy, seed).unwrap();
            let agents = |part: &[Sample]| -> HashSet<usize> {
                part.iter().map(|sample| agent_of(&sample.text)).collect()
            };
            let split = &made.split;
            let [train, validation, test] =
                [&split.train, &split.validation, &split.test].map(|part| agents(part));
            assert!(!validation.is_empty() && !test.is_empty());
            assert!(train.is_disjoint(&validation) && train.is_disjoint(&test));
            assert!(validation.is_disjoint(&test));
            for technique in ["T1", "T2"] {
                let own = split.train.iter().filter(|sample| sample.technique == technique);
                let own: Vec<usize> = own.map(|sample| agent_of(&sample.text)).collect();
                let different: HashSet<&usize> = own.iter().collect();
                assert_eq!(own.len(), different.len(), "a copy is no text of its own technique");
            }
            let leakage = Leakage::of(split);
            assert_eq!((leakage.validation.same_text, leakage.test.same_text), (0, 0));
            assert!(SplitLosses::of(&made, &corpus).texts_of_several > 0);
        }
    }
}

#[test]
fn what_looks_like_a_text_that_is_tested_is_counted_and_not_pretrained_on() {
    let sample = |row: u32, form: usize, agent: usize| Sample {
        row,
        technique: "T1".to_owned(),
        text: alike(form, agent),
        operation: Operation::Original,
    };
    let split = Split {
        train: vec![sample(0, 0, 7), sample(6, 0, 1)],
        validation: vec![sample(7, 0, 2)],
        test: (1..6).map(|form| sample(form as u32, form, 7)).collect(),
    };
    let Leakage { validation, test } = Leakage::of(&split);
    assert_eq!((test.rows, test.same_row, test.same_text), (5, 0, 5));
    assert_eq!((validation.rows, validation.same_text), (1, 0));

    let texts = (0..6).map(|form| alike(form, 7)).chain([alike(0, 8)]);
    let sentences = texts.map(|text| Sentence {
        technique: "T1".to_owned(),
        subtechnique: None,
        name: "T1".to_owned(),
        text,
        source_id: "test".to_owned(),
    });
    let corpus = Corpus { sentences: sentences.collect() };
    let tested = Split { test: vec![sample(0, 0, 7)], ..Split::default() };
    let parts = Unlabelled::of(&corpus, &[tested]);
    assert_eq!((parts.tested, parts.train), (6, vec![alike(0, 8)]));
}

#[test]
fn the_grouped_protocol_keeps_near_duplicates_on_one_side() {
    let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota"];
    let mut sentences = Vec::new();
    for (technique, marker) in [("T1", "runs"), ("T2", "sends")] {
        for row in 0..60 {
            // Three in a row differ in their last word alone: nine common words of eleven.
            let group = row / 3;
            let mut text: Vec<String> =
                words[..8].iter().map(|word| format!("{word}{group}{marker}")).collect();
            text.extend([marker.to_owned(), format!("end{row}")]);
            let text = text.join(" ");
            let (technique, name) = (technique.to_owned(), technique.to_owned());
            let source_id = "test".to_owned();
            sentences.push(Sentence { technique, subtechnique: None, name, text, source_id });
        }
    }
    let corpus = Corpus { sentences };
    let limits = Limits { trim_below: 10, upsample_to: 70, downsample_to: 100 };
    let parted = |protocol, seed| {
        let copy = |text: &str, seed: u64| vec![(Operation::Swap, format!("{text} {seed}"))];
        prepare(protocol, &corpus, limits, Shares::default(), &copy, seed).unwrap().split
    };
    // A row's group of near-duplicates.
    let group = |sample: &Sample| sample.row / 3;
    let shared = |split: &Split| {
        let train: HashSet<u32> = split.train.iter().map(group).collect();
        let validation: HashSet<u32> = split.validation.iter().map(group).collect();
        let shared = |part: &[Sample], others: &HashSet<u32>| {
            part.iter().filter(|sample| others.contains(&group(sample))).count()
        };
        shared(&split.test, &train)
            + shared(&split.test, &validation)
            + shared(&split.validation, &train)
    };
    for seed in 0..5 {
        let grouped = parted(Protocol::Grouped, seed);
        assert_eq!(shared(&grouped), 0);
        assert_eq!((grouped.validation.len(), grouped.test.len()), (12, 12));
        assert!(grouped.train.iter().any(|sample| sample.operation != Operation::Original));
        assert_eq!(grouped, parted(Protocol::Grouped, seed));
        assert!(shared(&parted(Protocol::Clean, seed)) > 0);
    }
}

#[test]
fn a_technique_whose_groups_are_anothers_is_learnt_all_the_same() {
    // All of T2's texts stand under T1 as well, which comes first: the groups are T1's.
    let sample = |row: u32, technique: &str| Sample {
        row,
        technique: technique.to_owned(),
        text: format!("text number {} of many others", row % 30),
        operation: Operation::Original,
    };
    let samples: Vec<Sample> =
        (0..30).map(|row| sample(row, "T1")).chain((30..33).map(|row| sample(row, "T2"))).collect();
    for seed in 0..20 {
        let split = grouped::grouped(&samples, Shares::default(), seed).unwrap();
        assert_eq!(split.len(), 33);
        assert!(split.train.iter().any(|sample| sample.technique == "T2"), "seed {seed}");
    }
}

#[test]
fn leakage_is_counted_by_row_and_by_text() {
    let sample = |row, text: &str, operation| Sample {
        row,
        technique: "T1".into(),
        text: text.into(),
        operation,
    };
    let split = Split {
        train: vec![sample(1, "a b", Operation::Original), sample(2, "c d", Operation::Swap)],
        validation: vec![sample(3, "e", Operation::Original)],
        test: vec![
            sample(1, "b a", Operation::Swap),
            sample(2, "d c", Operation::Original),
            sample(4, "A, b!", Operation::Original),
            sample(5, "new", Operation::Original),
        ],
    };
    let leakage = Leakage::of(&split);
    assert_eq!(
        leakage.test,
        TrainingOverlap { rows: 4, copies: 1, same_row: 2, copy_in_training: 1, same_text: 1 }
    );
    assert_eq!(
        leakage.validation,
        TrainingOverlap { rows: 1, copies: 0, same_row: 0, copy_in_training: 0, same_text: 0 }
    );
}

#[test]
fn every_row_is_accounted_for() {
    for protocol in Protocol::ALL {
        let PreparedSplit { split, account, .. } = prepared(protocol, 1);
        assert_eq!(
            account.corpus + account.copies,
            split.len() + account.trimmed + account.downsampled + account.equal_text
        );
        assert_eq!(account.trimmed, 99);
        let counts: BTreeMap<_, _> = balance::counts(&split.train).into_iter().collect();
        assert_eq!(counts.len(), 3);
        assert!(counts.values().all(|n| (159..=400).contains(n)), "{counts:?}");
        let drawn = if protocol == Protocol::Paper { 80 + 45 } else { 0 };
        assert_eq!(account.drawn, drawn);
    }
}

#[test]
fn unknown_protocols_are_named() {
    let message = Protocol::from_name("Clean").unwrap_err().to_string();
    assert_eq!(message, "unknown protocol \"Clean\"; known: paper, told, clean, grouped");
    assert_eq!(Protocol::from_name("clean").unwrap(), Protocol::Clean);
}

#[test]
fn hostile_sentences_come_back_as_they_were_and_start_no_formula() {
    let texts = [
        "=HYPERLINK(\"http://evil.example\",\"x\")",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "\tcell",
        "\rcell",
        "'quoted'",
        "'=1",
        "''=1",
        "'",
        "a,\"b\"\n\r\nc",
        "<script>alert(1)</script></style>",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{202e}exe.txt",
        " leading and trailing ",
    ];
    let samples: Vec<_> = (0..)
        .zip(texts)
        .map(|(row, text)| Sample {
            row,
            technique: text.into(),
            text: text.into(),
            operation: Operation::Insertion,
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.csv");
    write_csv(&path, &samples).unwrap();
    assert_eq!(read_csv(&path).unwrap(), samples);
    let mut reader = csv::Reader::from_path(&path).unwrap();
    for record in reader.records() {
        for cell in &record.unwrap() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
    }
}

#[test]
fn what_a_split_lost_is_told() {
    struct Mute;
    impl CopySource for Mute {
        fn variants(&self, _: &str, _: u64) -> Vec<(Operation, String)> {
            Vec::new()
        }
    }
    let corpus = corpus(&[("T1", 30), ("T2", 5), ("T3", 2)]);
    let limits = Limits { trim_below: 4, upsample_to: 10, downsample_to: 40 };
    let of = |shares| prepare(Protocol::Clean, &corpus, limits, shares, &Mute, 1);
    let prepared = of(Shares::default()).unwrap();
    let lost = SplitLosses::of(&prepared, &corpus);
    assert_eq!(lost.trimmed, BTreeMap::from([("T3".to_owned(), 2)]));
    // A tenth of five rows is half a row: of the two parts one gets it. Classes of few rows:
    // https://github.com/scikit-learn/scikit-learn/issues/18424 and
    // https://github.com/davidsbatista/text-classification/issues/1
    assert_eq!((lost.without_validation.len(), lost.without_test.len()), (0, 1));
    let text = lost.to_string();
    assert!(text.contains("too rare to be kept: 1 techniques, 2 rows: T3"), "{text}");
    // Each tenth text of T1 is T2's and T3's too, in other letters: of those that are split, one.
    assert_eq!(lost.texts_of_several, 1);
    assert!(text.contains("texts that stand under more than one technique: 1"), "{text}");
    // Nothing that can be changed: https://github.com/QData/TextAttack/pull/477 and
    // https://github.com/QData/TextAttack/issues/611
    assert!(
        text.contains("not filled up, for want of new augmented copies: T2 (4 of 8)"),
        "{text}"
    );
    assert!(text.contains("without a row in test: T2"), "{text}");
    assert!(!text.contains("without a row in validation"), "{text}");
    let tiny = Limits { trim_below: 1, ..limits };
    let few = Corpus { sentences: corpus.sentences[30..34].to_vec() };
    let error = prepare(Protocol::Clean, &few, tiny, Shares::default(), &Mute, 1).unwrap_err();
    assert_eq!(error.to_string(), "setting split.test: 0.1 of 4 rows is no row: the part is empty");
    let error = UntrimmedSplit::of(&few, Shares::default(), 1).unwrap_err().to_string();
    assert!(error.starts_with("setting remedies.shares."), "{error}");
    assert!(error.ends_with(" of 4 rows is no row: the part is empty"), "{error}");
    let same = |row: usize| Sentence {
        text: format!("One sentence{}", " ".repeat(row)),
        ..corpus.sentences[row].clone()
    };
    let one_text = Corpus { sentences: (0..30).map(same).collect() };
    let error = UntrimmedSplit::of(&one_text, Shares::default(), 1).unwrap_err().to_string();
    assert!(error.ends_with(": the part is empty: other parts have all its texts"), "{error}");
}

#[test]
fn a_split_is_read_back_and_mistakes_in_it_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let split = prepared(Protocol::Clean, 1).split;
    split.write(folder.path()).unwrap();
    assert_eq!(Split::read(folder.path()).unwrap(), split);

    let path = folder.path().join("bad.csv");
    let said = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        let message = read_csv(&path).unwrap_err().to_string();
        message.replace(&path.display().to_string(), "bad.csv")
    };
    assert_eq!(
        said(b"technique,sentence\n"),
        "bad.csv, row 1: columns row,technique,sentence,operation expected, found technique,sentence"
    );
    let header = "row,technique,sentence,operation\n";
    let row = |row: &str| said(format!("{header}1,T1,fine,swap\n{row}\n").as_bytes());
    assert_eq!(row("x,T1,a,swap"), "bad.csv, row 3, field \"row\": not a row number");
    assert_eq!(row("1,,a,swap"), "bad.csv, row 3, field \"technique\": empty");
    assert_eq!(row("1,T1,,swap"), "bad.csv, row 3, field \"sentence\": empty");
    assert_eq!(row("1,T1,a,spin"), "bad.csv, row 3, field \"operation\": unknown operation");
    assert_eq!(row("1,T1"), "bad.csv, row 3: 2 cells, the header has 4");
    let latin = [header.as_bytes(), b"1,T1,caf\xe9,swap\n"].concat();
    let expected = "bad.csv, row 2, field \"sentence\": not UTF-8";
    assert!(said(&latin).starts_with(expected), "{}", said(&latin));
}

/// Spreadsheets and editors save a part with a mark in front, with other line ends, as UTF-16.
#[test]
fn a_part_that_an_editor_saved_is_read_or_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.csv");
    let read = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        let read = read_csv(&path).map_err(|error| error.to_string());
        read.map_err(|message| message.replace(&path.display().to_string(), "train.csv"))
    };
    let text = "row,technique,sentence,operation\n1,T1,\"It ran,\ntwice\",original\n\n\
                2,T2,It stopped,swap\n";
    let samples = read(text.as_bytes()).unwrap();
    assert_eq!((samples.len(), &samples[0].text[..]), (2, "It ran,\ntwice"));
    assert_eq!(read(format!("\u{feff}{text}").as_bytes()).unwrap(), samples);
    for end in ["\n", "\r\n", "\r"] {
        for (behind, expected) in [
            ("3,T1,,swap\n", "train.csv, row 6, field \"sentence\": empty"),
            ("\n3,T1,a,spin\n", "train.csv, row 7, field \"operation\": unknown operation"),
            ("3,T1,\"a,swap\n", "train.csv, row 6: a quote is opened here and never closed"),
            ("3,T1\n", "train.csv, row 6: 2 cells, the header has 4"),
        ] {
            let content = format!("{text}{behind}").replace('\n', end);
            assert_eq!(read(content.as_bytes()).unwrap_err(), expected, "{end:?}");
        }
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let said = read(&utf16).unwrap_err();
    assert!(said.starts_with("train.csv: UTF-16"), "{said}");
}
