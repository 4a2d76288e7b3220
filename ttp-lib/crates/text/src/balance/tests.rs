use super::*;
use crate::corpus::Sentence;
use crate::corpus::clean::normalised;

fn corpus(classes: &[(&str, usize)]) -> Corpus {
    let mut sentences = Vec::new();
    for (technique, rows) in classes {
        for row in 0..*rows {
            sentences.push(Sentence {
                technique: (*technique).to_owned(),
                subtechnique: None,
                name: format!("name of {technique}"),
                text: format!("sentence {row} of {technique}"),
                source_id: "test".to_owned(),
            });
        }
    }
    Corpus { sentences }
}

/// One variant an operation, all different for each seed.
fn tag(text: &str, seed: u64) -> Vec<(Operation, String)> {
    let variant = |op: Operation| (op, format!("{text} {} {seed}", op.name()));
    Operation::AUGMENTING.into_iter().map(variant).collect()
}

#[test]
fn the_limits_are_met_and_every_stage_is_counted() {
    let corpus = corpus(&[("T2", 150), ("T1", 99), ("T3", 100), ("T4", 700), ("T5", 200)]);
    let balanced = balance(&corpus, Limits::default(), FillRule::Rows, &tag, 7).unwrap();
    let rows =
        |stage: fn(&StageCounts) -> usize| balanced.stages.iter().map(stage).collect::<Vec<_>>();
    assert_eq!(rows(|row| row.corpus), [99, 150, 100, 700, 200]);
    assert_eq!(rows(|row| row.trimmed), [0, 150, 100, 700, 200]);
    assert_eq!(rows(|row| row.upsampled), [0, 200, 200, 700, 200]);
    assert_eq!(rows(|row| row.downsampled), [0, 200, 200, 500, 200]);
    assert_eq!(balanced.stages[0].name, "name of T1");
    assert!(balanced.short.is_empty());
    for sample in &balanced.samples {
        let source = &corpus.sentences[sample.row as usize];
        assert_eq!(source.technique, sample.technique);
        assert!(sample.text.starts_with(&source.text), "a copy names the row it is made from");
    }
    let frame = stages_frame(&balanced.stages).unwrap();
    assert_eq!((frame.height(), frame.width()), (5, 6));
}

#[test]
fn drawn_rows_bring_all_their_outputs() {
    let corpus = corpus(&[("T1", 102), ("T2", 199), ("T3", 600), ("T4", 60), ("T5", 200)]);
    let limits = Limits { trim_below: 60, ..Limits::default() };
    let balanced = balance(&corpus, limits, FillRule::Draws, &tag, 7).unwrap();
    let rows =
        |stage: fn(&StageCounts) -> usize| balanced.stages.iter().map(stage).collect::<Vec<_>>();
    assert_eq!(rows(|row| row.upsampled), [102 + 4 * 98, 199 + 4, 600, 60 + 4 * 140, 200]);
    assert_eq!(rows(|row| row.downsampled), [494, 203, 500, 500, 200]);
    let draws = balanced.draws.unwrap();
    assert_eq!(draws, Draws { drawn: 98 + 1 + 140, added: 4 * 239, unchanged: 0 });
    let mut of_row = BTreeMap::new();
    for copy in balanced.samples.iter().filter(|row| row.operation != Operation::Original) {
        let source = &corpus.sentences[copy.row as usize];
        assert!(copy.technique == source.technique && copy.text.starts_with(&source.text));
        *of_row.entry((&copy.technique, copy.row)).or_insert(0) += 1;
    }
    let counts = |technique: &str| -> Vec<i32> {
        of_row.iter().filter(|((of, _), _)| *of == technique).map(|(_, n)| *n).collect()
    };
    assert_eq!(counts("T1"), [4; 98], "no row is drawn twice while others are left");
    let funnel = balanced.funnel();
    assert_eq!((funnel.rows, funnel.techniques, funnel.kept), (1_161, 5, 5));
    assert_eq!((funnel.kept_rows, funnel.drawn, funnel.added), (1_161, 239, 956));
    assert_eq!((funnel.cut, funnel.balanced_rows), (100 + 120, 1_161 + 956 - 220));
    assert_eq!(funnel.over_half_augmented, 2);
    assert!(funnel.largest_augmented_share > 0.79, "{funnel:?}");
    assert_eq!(balanced, balance(&corpus, limits, FillRule::Draws, &tag, 7).unwrap());
    assert_ne!(balanced, balance(&corpus, limits, FillRule::Draws, &tag, 8).unwrap());
}

#[test]
fn an_operation_that_can_change_nothing_gives_the_sentence_itself() {
    let swaps_only = |text: &str, _: u64| vec![(Operation::Swap, format!("{text}!"))];
    let rows = samples(&corpus(&[("T1", 1)]));
    let (rows, draws) = upsample_by_draws(rows, 3, &swaps_only, 1);
    assert_eq!(draws, Draws { drawn: 2, added: 8, unchanged: 6 });
    let same = rows.iter().filter(|row| row.text == "sentence 0 of T1").count();
    assert_eq!((rows.len(), same), (9, 7));
    assert_eq!(rows.iter().filter(|row| row.operation == Operation::Swap).count(), 2);
}

#[test]
fn copies_are_shared_out_over_sentences_and_operations() {
    let rows = samples(&corpus(&[("T1", 100)]));
    let (rows, _) = upsample(rows, 300, &tag, 1);
    let mut by_row = BTreeMap::new();
    let mut by_operation = BTreeMap::new();
    for copy in rows.iter().filter(|row| row.operation != Operation::Original) {
        *by_row.entry(copy.row).or_insert(0) += 1;
        *by_operation.entry(copy.operation).or_insert(0) += 1;
    }
    assert!(by_row.len() == 100 && by_row.values().all(|n| *n == 2), "{by_row:?}");
    assert!(by_operation.values().all(|n| *n == 50), "{by_operation:?}");
}

#[test]
fn no_text_twice_and_a_short_class_is_reported() {
    let rows = samples(&corpus(&[("T1", 3), ("T2", 5)]));
    let poor = |text: &str, seed: u64| match text {
        "sentence 0 of T1" => vec![(Operation::Swap, format!("Swapped, {}!", seed % 2))],
        "sentence 1 of T1" => vec![(Operation::Removal, "SENTENCE 2 of t1.".to_owned())],
        _ => vec![(Operation::Removal, " ".to_owned())],
    };
    let (rows, short) = upsample(rows, 10, &poor, 1);
    let mut texts: Vec<_> =
        rows.iter().filter(|row| row.technique == "T1").map(|row| normalised(&row.text)).collect();
    let all = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), all);
    assert!((4..=5).contains(&all), "{all}");
    assert_eq!(short[0], Shortfall { technique: "T1".into(), rows: all, wanted: 10 });
    assert_eq!(short[1], Shortfall { technique: "T2".into(), rows: 5, wanted: 10 });
    let none = |_: &str, _: u64| Vec::new();
    assert_eq!(upsample(rows, 10, &none, 1).1.len(), 2, "an augmenter with nothing to give");
}

#[test]
fn a_seed_gives_one_result_and_classes_do_not_touch_each_other() {
    let both = samples(&corpus(&[("T1", 30), ("T2", 30)]));
    let alone = trim(both.clone(), 0).into_iter().filter(|s| s.technique == "T2").collect();
    let cut = |rows: Vec<Sample>, seed| {
        let rows = downsample(upsample(rows, 40, &tag, seed).0, 35, seed);
        rows.into_iter().filter(|s| s.technique == "T2").collect::<Vec<_>>()
    };
    assert_eq!(cut(both.clone(), 5), cut(both.clone(), 5));
    assert_eq!(cut(both.clone(), 5), cut(alone, 5));
    assert_ne!(cut(both.clone(), 5), cut(both, 6));
}

#[test]
fn trimming_keeps_row_numbers() {
    let rows = trim(samples(&corpus(&[("T1", 2), ("T2", 3)])), 3);
    assert_eq!(rows.iter().map(|s| s.row).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(trim(rows, 4).is_empty());
}

#[test]
fn limits_that_contradict_each_other_are_named() {
    let limits = Limits { upsample_to: 501, ..Limits::default() };
    let message = limits.check().unwrap_err().to_string();
    assert_eq!(message, "setting balance.upsample_to: 501 is above downsample_to, 500");
}
