//! The corpus from real bytes: its counts, its files, and what bad input says.

use crate::common::{raw, skip};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ttp_lib::augment::{AugmentSettings, Augmenter};
use ttp_lib::balance::{self, Draws, FillRule, Limits};
use ttp_lib::corpus::clean::normalised;
use ttp_lib::corpus::overlap::Apart;
use ttp_lib::corpus::{
    Columns, Corpus, CorpusBuild, DropCount, Kinship, LabelChanges, Operation, Overlap, Reason,
    RowChoice, Source, build, descriptions, prose, technique_entries, techniques, tram,
};
use ttp_lib::evaluate::{linear_predictions, scores_by_leakage, scores_of};
use ttp_lib::linear::LinearKind;
use ttp_lib::metrics::Bootstrap;
use ttp_lib::show::grouped;
use ttp_lib::split::{Leakage, Protocol, Shares, prepare};

fn attack(with_tram: bool) -> Option<CorpusBuild> {
    let bundle = raw("attack-v10.1/enterprise-attack.json")?;
    let tram = if with_tram { Some(raw("tram-v1/all_analyzed_reports.json")?) } else { None };
    Some(build(&Source::Attack { bundle, tram }).unwrap())
}

fn at_least(corpus: &Corpus, rows: usize) -> Vec<String> {
    corpus
        .counts()
        .into_iter()
        .filter(|(_, n)| *n >= rows)
        .map(|(technique, _)| technique)
        .collect()
}

fn sums_add_up(built: &CorpusBuild) {
    let dropped: usize = built.dropped.iter().map(|dropped| dropped.count).sum();
    assert_eq!(built.candidates, built.corpus.len() + dropped, "{built}");
}

#[test]
fn attack_v10_1_has_the_published_shape() {
    let Some(built) = attack(false) else { return };
    println!("{built}");
    sums_add_up(&built);
    let rows = built.corpus.len();
    assert!((12_870..=13_130).contains(&rows), "{rows} rows");
    assert_eq!(built.corpus.counts().len(), 188);
    let common = at_least(&built.corpus, 100).len();
    assert!((37..=39).contains(&common), "{common} techniques with 100 rows");
    assert_eq!(at_least(&built.corpus, 501), ["T1059"]);
}

#[test]
fn attack_v10_1_says_which_techniques_are_akin() {
    let Some(bundle) = raw("attack-v10.1/enterprise-attack.json") else { return };
    let kinship = Kinship::of_bundle(&bundle).unwrap();
    // Counted by Python's json and re over the same file.
    assert_eq!(kinship.tactics.len(), 566);
    assert!(kinship.tactics.values().all(|tactics| !tactics.is_empty()));
    assert_eq!(kinship.related.len(), 404);
    let of = |id: &str| kinship.tactics[id].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("T1053"), ["execution", "persistence", "privilege-escalation"]);
    assert_eq!(of("T1059.001"), ["execution"]);
    assert!(kinship.are_related("T1140", "T1027") && kinship.are_related("T1027", "T1140"));
    assert!(!kinship.are_related("T1059", "T1059"));
}

#[test]
fn with_tram_v1_it_has_the_shape_of_the_paper() {
    let Some(built) = attack(true) else { return };
    println!("{built}");
    sums_add_up(&built);
    let rows = built.corpus.len();
    assert!((14_150..=14_549).contains(&rows), "{rows} rows");
    assert_eq!(built.corpus.counts().len(), 188);
    let common = at_least(&built.corpus, 100).len();
    assert!((43..=45).contains(&common), "{common} techniques with 100 rows");
    assert_eq!(at_least(&built.corpus, 501), ["T1027", "T1059"]);
}

/// The paper's own rows, every one as it stands.
fn paper_rows() -> Option<CorpusBuild> {
    let path = raw("orbinato-2022/dataset_mixed.csv")?;
    let mut known = techniques(&raw("attack-v10.1/enterprise-attack.json")?).unwrap();
    known.extend(techniques(&raw("attack-v10.1/mobile-attack.json")?).unwrap());
    let (columns, known) = (Columns::orbinato(), Some(known));
    Some(build(&Source::Csv { path, columns, known, keep: RowChoice::EveryRow }).unwrap())
}

/// Every count that the paper prints of its data stands in its rows. The counts are those of
/// Python's csv over the same file.
#[test]
fn the_papers_own_rows_have_the_papers_counts() {
    let Some(built) = paper_rows() else { return };
    let corpus = &built.corpus;
    assert_eq!((corpus.len(), built.candidates), (14_427, 14_427));
    assert!(built.dropped.is_empty());
    let told: Vec<(Reason, usize)> = built
        .kept_all_the_same
        .iter()
        .map(|DropCount { reason, count }| (*reason, *count))
        .collect();
    let expected = [(Reason::NoWord, 3), (Reason::MissingValue, 1), (Reason::Duplicate, 9)];
    assert_eq!(told, expected, "{built}");
    assert_eq!(corpus.sentences[69].text, "nan");
    let counts = corpus.counts();
    assert_eq!(counts.len(), 190);
    assert!(counts.contains_key("T1521") && counts.contains_key("T1533"), "of Mobile");
    assert_eq!(corpus.names()["T1521"], "Standard Cryptographic Protocol");
    assert_eq!(at_least(corpus, 100).len(), 44);
    assert_eq!(at_least(corpus, 501), ["T1027", "T1059"]);
    assert_eq!((counts["T1059"], counts["T1027"]), (795, 601));

    let augmenter = Augmenter::new(AugmentSettings::default()).unwrap();
    let balanced =
        balance::balance(corpus, Limits::default(), FillRule::Draws, &augmenter, 1).unwrap();
    let funnel = balanced.funnel();
    assert_eq!((funnel.kept, funnel.kept_rows), (44, 9_904));
    assert_eq!((funnel.drawn, funnel.added, funnel.cut), (1_433, 5_732, 396));
    assert_eq!((funnel.balanced_rows, funnel.over_half_augmented), (15_240, 17));
    assert!((0.785..0.795).contains(&funnel.largest_augmented_share), "{funnel:?}");
    let Draws { unchanged, .. } = balanced.draws.unwrap();
    println!("{unchanged} of the outputs are the sentence itself");
    assert!(unchanged < 60, "{unchanged}");
    let filled =
        balance::balance(corpus, Limits::default(), FillRule::Rows, &augmenter, 1).unwrap();
    assert_eq!(filled.funnel().balanced_rows, 10_941);
}

#[test]
fn the_papers_own_rows_stand_in_the_rebuilt_corpus() {
    let (Some(paper), Some(ours)) = (paper_rows(), attack(true)) else { return };
    let Some(file) = raw("tram-v1/all_analyzed_reports.json") else { return };
    let overlap = Overlap::of(&paper.corpus, &ours.corpus, &tram::sentences(&file).unwrap());
    println!("{:?}", Overlap::reasons(&overlap.only_first));
    println!("{:?}", Overlap::reasons(&overlap.only_second));
    assert_eq!((overlap.rows, overlap.texts, overlap.same_technique), (12_812, 12_799, 12_754));
    assert_eq!(overlap.only_first.len(), 14_427 - 12_812);
    let reasons = Overlap::reasons(&overlap.only_first);
    let [mobile, tram, parentheses, ends, words] = Apart::ALL.map(|reason| reasons[&reason]);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/README.md");
    let page =
        std::fs::read_to_string(page).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "12,812 of its rows stand".to_owned(),
        format!("in parentheses ({parentheses}:"),
        format!("leave out ({tram})"),
        format!("in another place ({ends})"),
        format!("are of Mobile ({mobile})"),
        format!("other words ({words})"),
    ] {
        assert!(page.contains(&words), "not in data/README.md: {words}");
    }
}

/// A linear model makes the paper's 0.90 of macro F1 on the paper's rows as its count says that
/// they were augmented, and not where the test rows have no relative in training. The bounds are
/// of scikit-learn 1.7.2's LinearSVC over three draws.
#[test]
fn a_linear_model_makes_the_papers_figure_on_rows_with_relatives() {
    let Some(built) = paper_rows() else { return };
    let augmenter = Augmenter::new(AugmentSettings::default()).unwrap();
    let bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };
    let mut f1 = 0.0;
    for seed in 1..=3 {
        let (limits, shares) = (Limits::default(), Shares::default());
        let made =
            prepare(Protocol::Paper, &built.corpus, limits, shares, &augmenter, seed).unwrap();
        let test = made.split.test.len();
        assert_eq!(made.split.len(), 15_240);
        assert!((1_515..=1_535).contains(&test), "{test}");
        let said = linear_predictions(LinearKind::TfidfSvm, &made.split, seed).unwrap();
        let parts = scores_by_leakage(&made.split, &said, bootstrap).unwrap();
        let [seen, new] = parts.as_slice() else { panic!("both parts: {parts:?}") };
        let all = scores_of(&said, bootstrap).unwrap();
        println!(
            "seed {seed}: macro F1 {}, accuracy {}; {} of rows with a relative, {} on these; on the \
             others {}, macro F1 {}",
            all.f1.macro_, all.accuracy, seen.share, seen.accuracy, new.accuracy, new.f1_macro
        );
        assert!((0.44..0.49).contains(&seen.share.value), "{}", seen.share.value);
        assert!(seen.accuracy.value > 0.99, "{}", seen.accuracy.value);
        assert!((0.82..0.88).contains(&new.accuracy.value), "{}", new.accuracy.value);
        assert!((0.74..0.81).contains(&new.f1_macro.value), "{}", new.f1_macro.value);
        f1 += all.f1.macro_.value / 3.0;
    }
    assert!((0.90..0.925).contains(&f1), "{f1}");
}

/// The same rules on a small file of the same form.
#[test]
fn rows_are_taken_as_they_stand_where_every_row_is_kept() {
    let input = Input::new(
        ",sentence,label_tec\n0,\"It ran\n a  script\",T1059\n1,It ran a script,T1059\n2,nan,T1059\n\
         3,2.,T1003\n4,It dumped LSASS.,T1003\n5,It used an own cipher.,T1521\n",
    );
    let source = |keep, known: &[&str]| Source::Csv {
        path: input.path.clone(),
        columns: Columns::orbinato(),
        known: Some(known.iter().map(|id| ((*id).to_owned(), format!("name of {id}"))).collect()),
        keep,
    };
    let all = ["T1059", "T1003", "T1521"];
    let built = build(&source(RowChoice::EveryRow, &all)).unwrap();
    assert_eq!(built.corpus.len(), 6);
    assert_eq!(built.corpus.sentences[0].text, "It ran\n a  script");
    assert_eq!(built.corpus.sentences[5].name, "name of T1521");
    let said = built.to_string();
    for line in [
        "1 kept, as every row is: no word in it",
        "1 kept, as every row is: the name of a missing value, such as nan",
        "1 kept, as every row is: text already kept for this technique",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let built = build(&source(RowChoice::Distinct, &all)).unwrap();
    assert_eq!(built.corpus.len(), 3);
    assert_eq!(built.corpus.sentences[0].text, "It ran a script");
    assert_eq!(
        input.said(&source(RowChoice::EveryRow, &["T1059", "T1003"])),
        "FILE, row 8, field \"label_tec\": unknown label \"T1521\"; 2 are known: T1003, T1059 …"
    );
    let empty = Input::new("sentence,label_tec\n  ,T1059\n");
    let source = |columns| Source::Csv {
        path: empty.path.clone(),
        columns,
        known: None,
        keep: RowChoice::EveryRow,
    };
    assert_eq!(
        empty.said(&source(Columns::orbinato())),
        "FILE, row 2, field \"sentence\": empty sentence"
    );
    assert_eq!(
        empty.said(&source(Columns::named("text", "label_tec"))),
        "FILE, row 1, field \"text\": no such column; there are: sentence, label_tec"
    );
}

#[test]
fn a_pointer_in_place_of_the_file_is_called_one() {
    let hash = "417b46f3a898437b96056cdbf00bd91023554054457800f715e0df1d7bc31459";
    let input = Input::new(format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{hash}\nsize 2412345\n"
    ));
    let path = input.path.clone();
    let columns = Columns::orbinato();
    assert_eq!(
        input.said(&Source::Csv { path, columns, known: None, keep: RowChoice::EveryRow }),
        format!(
            "FILE: a Git LFS pointer in place of the file of sha256 {hash}: get the file itself"
        )
    );
}

#[test]
fn the_data_page_says_what_the_build_says() {
    let (Some(alone), Some(both)) = (attack(false), attack(true)) else { return };
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let says = |what: &str, alone: usize, both: usize| {
        let row = format!("| {what} | {} | {} |", thousands(alone), thousands(both));
        assert!(page.contains(&row), "not in data/README.md: {row}");
    };
    says("sentences read", alone.candidates, both.candidates);
    for reason in Reason::ALL {
        let count = |built: &CorpusBuild| {
            built.dropped.iter().find(|dropped| dropped.reason == reason).map_or(0, |d| d.count)
        };
        says(&reason.to_string(), count(&alone), count(&both));
    }
    let mut techniques: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for row in &alone.corpus.sentences {
        techniques.entry(normalised(&row.text)).or_default().push(&row.technique);
    }
    let shared = techniques.values().filter(|techniques| techniques.len() > 1).count();
    assert!(page.contains(&format!("{shared} texts of v10.1 stand under more than")), "{shared}");
    let row = format!("| **rows** | **{}** |", thousands(alone.corpus.len()));
    assert!(page.contains(&row), "{row}");
    assert!(page.contains(&format!(" **{}** |", thousands(both.corpus.len()))));
    says("techniques", alone.corpus.counts().len(), both.corpus.counts().len());
    let common = |built: &CorpusBuild| at_least(&built.corpus, 100).len();
    says("techniques with at least 100 rows", common(&alone), common(&both));
}

/// The figures of other releases on the data page.
#[test]
fn the_data_page_counts_other_releases() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let v15 =
        ["enterprise", "mobile", "ics"].map(|domain| format!("attack-v15/{domain}-attack.json"));
    let official = |release| vec![format!("attack-official/{release}.json")];
    for (what, files) in [
        ("`attack-v15`", v15[..1].to_vec()),
        ("its Mobile bundle", v15[1..2].to_vec()),
        ("its ICS bundle", v15[2..].to_vec()),
        ("all three", v15.to_vec()),
        ("Mobile 10.1", official("mobile-attack-10.1")),
        ("ICS 18.1", official("ics-attack-18.1")),
    ] {
        let bundles: Option<Vec<PathBuf>> = files.iter().map(|file| raw(file)).collect();
        let Some(bundles) = bundles else { continue };
        let built = build(&Source::Bundles { bundles, tram: None }).unwrap();
        sums_add_up(&built);
        let row =
            [built.candidates, built.corpus.len(), built.corpus.counts().len()].map(thousands);
        let row =
            format!("| {what} | {} | {} |", row.join(" | "), at_least(&built.corpus, 100).len());
        assert!(page.contains(&row), "not in data/README.md: {row}");
    }
}

fn thousands(number: usize) -> String {
    grouped(number as i64)
}

#[test]
fn no_markup_is_left_in_attacks_sentences() {
    let Some(built) = attack(false) else { return };
    for sentence in &built.corpus.sentences {
        for mark in ["(Citation:", "](http", "<code>", "</code>", "&lt;", "&gt;", "\n", "  "] {
            assert!(!sentence.text.contains(mark), "{mark:?} in {:?}", sentence.text);
        }
        assert_eq!(sentence.text.trim(), sentence.text);
        assert!(!sentence.text.contains('\u{E000}') && !sentence.text.contains('\u{E001}'));
        assert!(sentence.subtechnique.as_ref().is_none_or(|s| s.starts_with(&sentence.technique)));
    }
    let names = built.corpus.names();
    assert_eq!(names["T1059"], "Command and Scripting Interpreter");
    assert_eq!(names.len(), 188);
}

/// A stand-in for the augmenter: one word moved to the end.
fn move_a_word(text: &str, seed: u64) -> Vec<(Operation, String)> {
    let mut words: Vec<_> = text.split(' ').collect();
    let at = (seed % words.len() as u64) as usize;
    let word = words.remove(at);
    words.push(word);
    vec![(Operation::Swap, words.join(" "))]
}

#[test]
fn on_real_data_the_papers_protocol_leaks_and_the_clean_one_does_not() {
    let Some(built) = attack(false) else { return };
    for protocol in Protocol::ALL {
        let prepared = prepare(
            protocol,
            &built.corpus,
            Limits::default(),
            Shares::default(),
            &move_a_word,
            20,
        )
        .unwrap();
        let leakage = Leakage::of(&prepared.split);
        println!("{}: {:?}\n{leakage:?}\n{:?}", protocol.name(), prepared.account, prepared.short);
        let rows = balance::counts(&prepared.split.train);
        assert_eq!(rows.len(), at_least(&built.corpus, 100).len());
        assert!(rows.iter().all(|(_, n)| (155..=400).contains(n)), "{rows:?}");
        match protocol {
            Protocol::Paper | Protocol::Told => assert!(leakage.test.same_row > 100),
            Protocol::Clean | Protocol::Grouped => {
                let test = leakage.test;
                let validation = leakage.validation;
                assert_eq!((test.copies, test.same_row, test.same_text), (0, 0, 0));
                assert_eq!(
                    (validation.copies, validation.same_row, validation.same_text),
                    (0, 0, 0)
                );
            }
        }
    }
}

/// A folder with one file; its name in messages is `FILE`.
struct Input {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Input {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, content).unwrap();
        Self { _folder: folder, path }
    }

    fn said(&self, source: &Source) -> String {
        let message = build(source).expect_err("bad input was taken").to_string();
        assert_eq!(message.lines().count(), 1, "one line: {message}");
        message.replace(&self.path.display().to_string(), "FILE")
    }
}

fn bundle_said(content: impl AsRef<[u8]>) -> String {
    let input = Input::new(content);
    input.said(&Source::Attack { bundle: input.path.clone(), tram: None })
}

/// A whole small bundle: a technique, its sub-technique, a malware that uses it.
const SMALL: &str = r#"{"type": "bundle", "objects": [
  {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Command and Scripting Interpreter",
   "description": "Adversaries abuse interpreters.(Citation: A)",
   "external_references": [{"source_name": "mitre-attack", "external_id": "T1059"}]},
  {"type": "attack-pattern", "id": "attack-pattern--2", "name": "PowerShell",
   "description": "[PowerShell](https://a.b/c) is one. It is powerful.",
   "external_references": [{"source_name": "mitre-attack", "external_id": "T1059.001"}]},
  {"type": "malware", "id": "malware--1", "name": "X"},
  {"type": "relationship", "id": "relationship--1", "relationship_type": "uses",
   "source_ref": "malware--1", "target_ref": "attack-pattern--2", "description": "X ran <code>powershell</code>."}
]}"#;

#[test]
fn a_small_bundle_gives_its_sentences() {
    let input = Input::new(SMALL);
    let built = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap();
    let rows: Vec<_> = built
        .corpus
        .sentences
        .iter()
        .map(|s| (s.technique.as_str(), s.subtechnique.as_deref(), s.text.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("T1059", None, "Adversaries abuse interpreters."),
            ("T1059", Some("T1059.001"), "PowerShell is one."),
            ("T1059", Some("T1059.001"), "It is powerful."),
            ("T1059", Some("T1059.001"), "X ran powershell."),
        ]
    );
    assert_eq!(built.corpus.sentences[3].source_id, "relationship--1");
    assert_eq!(built.corpus.sentences[3].name, "Command and Scripting Interpreter");
}

#[test]
fn what_is_left_out_is_counted_by_reason() {
    let withdrawn = SMALL.replace("\"name\": \"X\"", "\"name\": \"X\", \"revoked\": true");
    let tool = SMALL.replace("malware", "tool");
    let deprecated = SMALL.replace(
        "\"name\": \"PowerShell\"",
        "\"name\": \"PowerShell\", \"x_mitre_deprecated\": true",
    );
    let twice = SMALL.replace("X ran <code>powershell</code>.", "It is  powerful");
    for (bundle, reason, count) in [
        (withdrawn, Reason::WithdrawnSource, 1),
        (tool, Reason::OtherSource, 1),
        (deprecated, Reason::WithdrawnTechnique, 3),
        (twice, Reason::Duplicate, 1),
    ] {
        let input = Input::new(bundle);
        let built = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap();
        sums_add_up(&built);
        assert_eq!(built.candidates, 4);
        let dropped: Vec<_> = built.dropped.iter().map(|d| (d.reason, d.count)).collect();
        assert_eq!(dropped, [(reason, count)]);
    }
}

#[test]
fn a_bundle_that_is_cut_off_or_none_is_named_with_its_line() {
    for length in [1, 50, 400, SMALL.len() - 1] {
        let line = SMALL[..length].lines().count();
        let cut = bundle_said(&SMALL[..length]);
        assert!(cut.starts_with(&format!("FILE, row {line}: cut off: ")), "{cut}");
    }
    let text = bundle_said("not json\n");
    assert!(text.starts_with("FILE, row 1: not a STIX bundle: "), "{text}");
    assert!(bundle_said("").starts_with("FILE, row 1: cut off: "));
    assert!(bundle_said("[1, 2]").starts_with("FILE, row 1: not a STIX bundle: "));
    assert_eq!(bundle_said("{\"a\": 1}"), "FILE, field \"type\": not a STIX bundle");
    assert_eq!(
        bundle_said("{\"type\": \"bundle\"}"),
        "FILE, field \"objects\": missing: not a STIX bundle"
    );
    assert_eq!(
        bundle_said("{\"type\": \"bundle\", \"objects\": []}"),
        "FILE, field \"objects\": holds no attack-pattern in use"
    );
    assert_eq!(bundle_said(b"{\n\"type\": \"b\xff\"}"), "FILE, row 2: not UTF-8");
    let missing = build(&Source::Attack { bundle: "/no/such/file".into(), tram: None });
    let missing = missing.unwrap_err().to_string();
    assert!(missing.starts_with("/no/such/file: cannot read: "), "{missing}");
}

/// What of a bundle cannot be used is passed over and told; what is sound is built.
#[test]
fn a_bundle_is_built_from_what_is_sound() {
    let of = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        let input = Input::new(SMALL.replacen(from, to, 1));
        build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap()
    };
    let texts = |built: &CorpusBuild| -> Vec<String> {
        built.corpus.sentences.iter().map(|row| row.text.clone()).collect()
    };
    let all = [
        "Adversaries abuse interpreters.",
        "PowerShell is one.",
        "It is powerful.",
        "X ran powershell.",
    ];
    let no_end = "1 passed over: a relationship of which an end is not there (relationship--1)";
    let no_parent =
        "1 passed over: a sub-technique whose technique is withdrawn or not there (T1059.001)";
    let foreign =
        |at: usize| format!("1 passed over: no STIX object, or of another shape (objects[{at}])");
    for (from, to, kept, notes) in [
        // Without the pattern's own id nobody can refer to it.
        ("\"id\": \"attack-pattern--2\", ", "", &all[..1], vec![no_end.to_owned(), foreign(1)]),
        ("{\"type\": \"malware\", ", "{", &all[..3], vec![no_end.to_owned(), foreign(2)]),
        (
            "{\"type\": \"malware\", \"id\": \"malware--1\", \"name\": \"X\"}",
            "7",
            &all[..3],
            vec![no_end.to_owned(), foreign(2)],
        ),
        (
            "\"name\": \"PowerShell\"",
            "\"name\": 7",
            &all[..1],
            vec![
                no_end.to_owned(),
                "1 passed over: no STIX object, or of another shape (attack-pattern--2: invalid \
                 type: integer `7`, expected a string)"
                    .to_owned(),
            ],
        ),
        (
            "\"external_id\": \"T1059.001\"",
            "\"url\": \"x\"",
            &all[..1],
            vec![
                "1 passed over: a technique without an ATT&CK id (attack-pattern--2: no \
                  external_id of source mitre-attack)"
                    .to_owned(),
            ],
        ),
        (
            "T1059.001",
            "T1059.1",
            &all[..1],
            vec![
                "1 passed over: a technique without an ATT&CK id (attack-pattern--2: \"T1059.1\" \
                  is no technique id)"
                    .to_owned(),
            ],
        ),
        ("\"T1059\"", "\"T1060\"", &all[..1], vec![no_parent.to_owned()]),
        // Under a technique that is deprecated:
        // https://github.com/mitre-attack/attack-workbench-frontend/issues/219
        (
            "\"T1059\"}]}",
            "\"T1059\"}], \"x_mitre_deprecated\": true},\n  {\"type\": \"attack-pattern\", \"id\": \
             \"attack-pattern--3\", \"name\": \"Left\", \"description\": \"Adversaries abuse \
             interpreters.\", \"external_references\": [{\"source_name\": \
             \"mitre-ics-attack\", \"external_id\": \"T0803\"}]}",
            &all[..1],
            vec![no_parent.to_owned()],
        ),
        // In use, and an end is not there: https://github.com/mitre/cti/issues/158 and
        // https://github.com/oasis-tcs/cti-stix2/issues/117
        (
            "\"target_ref\": \"attack-pattern--2\"",
            "\"target_ref\": \"attack-pattern--9\"",
            &all[..3],
            vec![no_end.to_owned()],
        ),
        ("\"source_ref\": \"malware--1\", ", "", &all[..3], vec![no_end.to_owned()]),
        // What is withdrawn may have lost its ends, and needs none:
        // https://github.com/mitre-attack/attack-stix-data/issues/7 and
        // https://github.com/mitre/cti/issues/74
        (
            "\"source_ref\": \"malware--1\", ",
            "\"source_ref\": \"malware--9\", \"revoked\": true, ",
            &all[..3],
            vec![],
        ),
        // A type in other letters is the same type.
        ("\"uses\"", "\"Uses\"", &all[..], vec![]),
        // Campaigns act as groups do.
        ("\"malware\"", "\"campaign\"", &all[..], vec![]),
        // A mark in front: https://github.com/cityjson/cjio/issues/21
        ("{\"type\": \"bundle\"", "\u{feff}{\"type\": \"bundle\"", &all[..], vec![]),
    ] {
        let built = of(from, to);
        sums_add_up(&built);
        assert_eq!(texts(&built), kept, "{to}");
        assert_eq!(built.notes, notes, "{to}");
    }
    let first = of("\"T1059\"", "\"MOB-T1059\"").corpus;
    assert_eq!(first.sentences[0].technique, "MOB-T1059", "an id of the first releases");
}

// Several versions in one bundle: https://github.com/mitre/cti/issues/194 and
// https://github.com/mitre-attack/attack-website/issues/304
#[test]
fn of_many_that_are_passed_over_three_are_named() {
    let lost: String = (1..=5)
        .map(|at| {
            format!(
                ",\n  {{\"type\": \"relationship\", \"id\": \"relationship--lost{at}\", \
                 \"relationship_type\": \"uses\", \"source_ref\": \"malware--9\", \
                 \"target_ref\": \"attack-pattern--2\", \"description\": \"It was lost.\"}}"
            )
        })
        .collect();
    let input = Input::new(SMALL.replacen("\n]}", &format!("{lost}\n]}}"), 1));
    let built = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap();
    sums_add_up(&built);
    assert_eq!(built.corpus.len(), 4);
    assert_eq!(
        built.notes,
        ["5 passed over: a relationship of which an end is not there (relationship--lost1, \
          relationship--lost2, relationship--lost3 …)"]
    );
}

/// A character of two escapes that was cut between them spoils its own place, and no bundle; also
/// where it is not read at all, and something else of the bundle cannot be.
#[test]
fn half_of_a_character_spoils_no_bundle() {
    let cut = r"abuse \ud83d\ude00 and \ud83d interpreters";
    let unread = r#"7, {"x_note": "\udc00", "type": "malware""#;
    let half = "1 read as U+FFFD: half of a character that JSON writes as two escapes";
    let (text, foreign) = (
        "Adversaries abuse \u{1f600} and \u{fffd} interpreters.",
        "1 passed over: no STIX object, or of another shape (objects[2])",
    );
    for (from, to, first, notes) in [
        ("abuse interpreters", cut, text, vec![format!("{half} (row 3: \\ud83d)")]),
        (
            "{\"type\": \"malware\"",
            unread,
            "Adversaries abuse interpreters.",
            vec![format!("{half} (row 8: \\udc00)"), foreign.to_owned()],
        ),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let input = Input::new(SMALL.replacen(from, to, 1));
        let built = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap();
        assert_eq!(built.corpus.len(), 4, "{to}");
        assert_eq!(built.corpus.sentences[0].text, first);
        assert_eq!(built.notes, notes);
    }
}

/// What reads a bundle for something else than its sentences passes over the same.
#[test]
fn broken_objects_change_nothing_else_that_a_bundle_says() {
    let small = SMALL.replace(
        "\"name\": \"X\"",
        "\"name\": \"X\", \"description\": \"X is a loader. It was sold.\"",
    );
    let small = small.replace(
        "\"name\": \"PowerShell\",",
        "\"name\": \"PowerShell\", \"kill_chain_phases\": [{\"phase_name\": \"execution\"}],",
    );
    let pattern = "\"type\": \"attack-pattern\", \"id\": \"attack-pattern-";
    let relationship = "\"type\": \"relationship\", \"relationship_type\": ";
    let broken = format!(
        ",\n  7, \"text\", {{\"id\": \"x--1\"}},\n  {{{pattern}-8\", \"name\": 7}},\n  \
         {{{pattern}-9\", \"name\": \"Bare\"}},\n  \
         {{{relationship}\"uses\", \"id\": \"relationship--9\"}},\n  \
         {{{relationship}\"revoked-by\", \"id\": \"relationship--8\"}}\n]}}"
    );
    let broken = small.replacen("\n]}", &broken, 1);
    assert_ne!(broken, small);
    let (small, broken) = (Input::new(small), Input::new(broken));
    let (sound, passed_over) = ([small.path.as_path()], [broken.path.as_path()]);
    let kinship = Kinship::of_bundle(&small.path).unwrap();
    assert_eq!(kinship.tactics.len(), 2);
    assert_eq!(Kinship::of_bundle(&broken.path).unwrap(), kinship);
    let sentences = prose(&sound).unwrap();
    assert_eq!(sentences.len(), 2);
    assert_eq!(prose(&passed_over).unwrap(), sentences);
    let entries = technique_entries(&sound).unwrap();
    assert_eq!(entries["T1059.001"].tactics, ["execution"]);
    assert_eq!(technique_entries(&passed_over).unwrap(), entries);
    assert_eq!(descriptions(&passed_over).unwrap(), descriptions(&sound).unwrap());
    for (earlier, later) in [(&sound, &passed_over), (&passed_over, &sound)] {
        let changes = LabelChanges::between(earlier, later).unwrap();
        assert_eq!(changes.changes, []);
        assert_eq!(changes.unchanged.techniques, 1);
    }
}

#[test]
fn of_several_versions_of_an_object_the_newest_counts() {
    let pattern = |modified: &str, text: &str, more: &str| {
        format!(
            "{{\"type\": \"attack-pattern\", \"id\": \"attack-pattern--1\", \"name\": \"A\", \
             \"modified\": \"{modified}\", \"description\": \"{text}\"{more}, \
             \"external_references\": [{{\"source_name\": \"mitre-attack\", \"external_id\": \
             \"T1001\"}}]}}"
        )
    };
    let other = pattern("2020-01-01T00:00:00.000Z", "Another one.", "")
        .replace("1\", \"name", "2\", \"name");
    let other = other.replace("T1001", "T1002");
    let of = |objects: &[&str]| {
        let text = format!("{{\"type\": \"bundle\", \"objects\": [{}]}}", objects.join(", "));
        let input = Input::new(text);
        let built = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap();
        let texts = built.corpus.sentences.iter().map(|row| row.text.clone());
        (texts.collect::<Vec<_>>(), built.notes)
    };
    let (old, new) = (
        pattern("2019-05-01T12:00:00.000Z", "The old text.", ""),
        pattern("2021-05-01T12:00:00.000Z", "The new text.", ""),
    );
    let told = "1 passed over: an older version of an object that is there in a newer one \
                (attack-pattern--1)";
    for order in [[&old, &new, &other], [&new, &old, &other]] {
        let (mut texts, notes) = of(&order.map(String::as_str));
        texts.sort();
        assert_eq!(
            (texts, notes),
            (vec!["Another one.".into(), "The new text.".into()], vec![told.to_owned()])
        );
    }
    // An object that is there twice in one version is no older one.
    let again = "1 passed over: there again in the same version, of which the last one counts (attack-pattern--1)";
    let (texts, notes) = of(&[&old, &new, &new, &other]);
    assert_eq!(texts, ["The new text.", "Another one."]);
    assert_eq!(notes, [told, again]);
    let without_time = old.replace("\"modified\": \"2019-05-01T12:00:00.000Z\", ", "");
    assert_ne!(without_time, old);
    assert_eq!(of(&[&without_time, &without_time, &other]).1, [again]);
    for revoked in ["true", "\"True\"", "1"] {
        let more = format!(", \"revoked\": {revoked}");
        let gone = pattern("2022-01-01T00:00:00.000Z", "The new text.", &more);
        assert_eq!(of(&[&gone, &new, &other]).0, ["Another one."], "{revoked}");
    }
    // What cannot be read is a version all the same, and the newest.
    let broken = pattern("2022-01-01T00:00:00.000Z", "The new text.", ", \"revoked\": \"maybe\"");
    assert_eq!(of(&[&new, &broken, &other]).0, ["Another one."]);
    // Times are compared, not their spelling: in other zones, with a blank, without a zone.
    for (older, newer) in [
        ("2021-05-01T23:00:00+05:00", "2021-05-01T22:30:00Z"),
        ("2021-05-02T01:00:00Z", "2021-05-01T23:00:00-05:00"),
        ("2021-05-01T23:59:59.999Z", "2021-05-02 00:00:00Z"),
        ("2021-05-01T12:00:00Z", "2021-05-01T12:00:00.5"),
    ] {
        let pair = [pattern(older, "The old text.", ""), pattern(newer, "The new text.", "")];
        for order in [[0, 1], [1, 0]] {
            let found = of(&[&pair[order[0]], &pair[order[1]]]).0;
            assert_eq!(found, ["The new text."], "{older} {newer}");
        }
    }
    // Its tactic's reference, or an address alone, may stand before its own.
    let first = "[{\"source_name\": \"mitre-attack\", \"external_id\": \"TA0011\"}, null, \
                 {\"source_name\": \"mitre-attack\"}, ";
    let several = new.replace("[{\"source_name\"", &format!("{first}{{\"source_name\""));
    assert_eq!(of(&[&several, &other]).0, ["The new text.", "Another one."]);
}

/// MITRE's own releases of Mobile and ICS with what stood in their builders' way: ids of earlier
/// schemes, a relationship whose end is gone, two versions of one object. Counted by a script
/// over Python's json: techniques in use with a sound id.
#[test]
fn official_releases_build() {
    for (release, techniques) in [
        ("mobile-attack-1.0", 76),
        ("mobile-attack-4.0", 67),
        ("mobile-attack-10.1", 92),
        ("ics-attack-8.0", 80),
        ("ics-attack-11.1", 78),
        ("ics-attack-18.1", 83),
    ] {
        let Some(bundle) = raw(&format!("attack-official/{release}.json")) else { continue };
        let built = build(&Source::Attack { bundle, tram: None }).unwrap();
        sums_add_up(&built);
        assert_eq!(built.corpus.counts().len(), techniques, "{release}\n{built}");
    }
}

/// A text of one bracket over and over takes as long as any other of its length. Texts of
/// brackets and of ampersands: <https://github.com/Python-Markdown/markdown/issues/798> and
/// <https://github.com/markdown-it/markdown-it/issues/737>.
#[test]
fn hostile_descriptions_are_cut_in_linear_time() {
    for piece in ["[", "&", "<", "(Citation:", "`", "[a](", "<code>", "("] {
        let text = piece.repeat(2_000_000 / piece.len());
        assert!(ttp_lib::corpus::clean::sentences(&text).len() <= 1, "{piece}");
    }
}

#[test]
fn tram_of_the_wrong_shape_is_named_by_key() {
    let bundle = Input::new(SMALL);
    let said = |tram: &str| {
        let input = Input::new(tram);
        let tram = Some(input.path.clone());
        input.said(&Source::Attack { bundle: bundle.path.clone(), tram })
    };
    assert_eq!(said("[]"), "FILE: not TRAM v1: an object keyed by technique name is expected");
    assert_eq!(
        said("{\"powershell\": [\"a b\", 3]}"),
        "FILE, field \"powershell[1]\": not a string"
    );
    assert_eq!(said("{\"powershell\": 3}"), "FILE, field \"powershell\": neither list nor object");
    assert_eq!(
        said("{\"a b-multi\": {\"technique_names\": []}}"),
        "FILE, field \"a b-multi.sentances\": missing or not a list"
    );
    assert!(said("{\"powershell\": [").starts_with("FILE, row 1: EOF"));

    let tram = Input::new(
        r#"{"powershell ": ["It ran a script", "it is powerful!", "", "%"], "old name": ["a b"],
            "x-multi": {"technique_names": ["x", "y"], "sentances": ["a", "b"]}}"#,
    );
    let source = Source::Attack { bundle: bundle.path.clone(), tram: Some(tram.path.clone()) };
    let built = build(&source).unwrap();
    sums_add_up(&built);
    let dropped: Vec<_> = built.dropped.iter().map(|d| (d.reason, d.count)).collect();
    assert_eq!(
        dropped,
        [
            (Reason::SeveralTechniques, 2),
            (Reason::UnknownTechnique, 1),
            (Reason::NoWord, 2),
            (Reason::Duplicate, 1)
        ]
    );
    // A mark that an editor put in front is no part of it.
    let text = std::fs::read_to_string(&tram.path).unwrap();
    std::fs::write(&tram.path, format!("\u{feff}{text}")).unwrap();
    assert_eq!(build(&source).unwrap().corpus, built.corpus);
    let last = built.corpus.sentences.last().unwrap();
    assert_eq!(last.subtechnique.as_deref(), Some("T1059.001"));
    assert_eq!(last.source_id, "tram-v1:powershell");
}

#[test]
fn csv_files_are_read_in_their_layouts() {
    let input = Input::new(
        "\u{feff},label_tec,label_subtec,tec_name,sentence\n\
         0,T1059,T1059.001,PowerShell,\"It ran\n a script, twice\"\n\
         1,T1059,T1059,Command and Scripting Interpreter,It ran.\n",
    );
    let source = |columns, known| Source::Csv {
        path: input.path.clone(),
        columns,
        known,
        keep: RowChoice::Distinct,
    };
    let built = build(&source(Columns::orbinato(), None)).unwrap();
    let [first, second] = built.corpus.sentences.as_slice() else { panic!("two rows") };
    assert_eq!(first.text, "It ran a script, twice");
    assert_eq!(first.subtechnique.as_deref(), Some("T1059.001"));
    assert_eq!(first.name, "Command and Scripting Interpreter");
    assert_eq!((second.subtechnique.as_deref(), second.source_id.as_str()), (None, "csv:4"));

    let built = build(&source(Columns::named("sentence", "tec_name"), None)).unwrap();
    assert_eq!(built.corpus.sentences[0].technique, "PowerShell", "any label is a class");
}

#[test]
fn csv_mistakes_are_named_by_row_and_field() {
    let said = |content: &[u8], known: Option<BTreeMap<String, String>>| {
        let input = Input::new(content);
        let columns = Columns::named("text", "label");
        input.said(&Source::Csv {
            path: input.path.clone(),
            columns,
            known,
            keep: RowChoice::Distinct,
        })
    };
    assert_eq!(
        said(b"sentence,label\na,T1059\n", None),
        "FILE, row 1, field \"text\": no such column; there are: sentence, label"
    );
    assert_eq!(
        said(b"text,label\na,T1059\n  ,T1059\n", None),
        "FILE, row 3, field \"text\": empty sentence"
    );
    assert_eq!(said(b"text,label\na,\n", None), "FILE, row 2, field \"label\": empty label");
    let known = BTreeMap::from([("T1059".to_owned(), "Interpreter".to_owned())]);
    assert_eq!(
        said(b"text,label\na,T1059.001\nb,T9999\n", Some(known)),
        "FILE, row 3, field \"label\": unknown label \"T9999\"; 1 are known: T1059 …"
    );
    let latin = said(b"text,label\nfine,T1059\ncaf\xe9,T1059\n", None);
    assert!(latin.starts_with("FILE, row 3, field \"text\": not UTF-8"), "{latin}");
    assert_eq!(
        said(b"text,label\na,T1059\nb,T1059,c\n", None),
        "FILE, row 3: 3 cells, the header has 2"
    );
    assert_eq!(
        said(b"text,label,label\na,b,c\n", None),
        "FILE, row 1, field \"label\": two columns have this name, 2 and 3"
    );
    // Lines that end as https://docs.python.org/3/library/csv.html ends them (lineterminator).
    assert_eq!(
        said(b"text,label\r\na,b\r\nc,d\r\ne,\r\nf,b\r\n", None),
        "FILE, row 4, field \"label\": empty label"
    );
    assert_eq!(
        said(b"text,label\r\na,b\r\nc,d\r\ne,f,b\r\nf,b\r\n", None),
        "FILE, row 4: 3 cells, the header has 2"
    );
    let open = said(b"text,label\r\na,b\r\n\"c,d\r\n", None);
    assert_eq!(open, "FILE, row 3: a quote is opened here and never closed");
    assert_eq!(said(b"text,label\n", None), "FILE: no row below the header");
    assert_eq!(said(b"", None), "FILE: empty: not even a header");
}

/// Blanks and what cannot be seen make no label of their own; what may be one label, or several,
/// is told with its row. One label in several spellings:
/// <https://github.com/facebookresearch/fastText/issues/72>. Blanks around names and cells:
/// <https://github.com/asreview/asreview/issues/467> and
/// <https://github.com/ccpem/affinity-vae/issues/156>.
#[test]
fn labels_are_read_as_people_see_them() {
    let input = Input::new(
        "text , label\nalpha one, T1105 \nalpha two,T1105\u{200b}\nalpha three,t1105\n\
         alpha four,1.0\nalpha five,1\nalpha six,T1003;T1105\nalpha seven,nan\n\"alpha\neight\",x\n",
    );
    let columns = Columns::named("text", "label");
    let source =
        Source::Csv { path: input.path.clone(), columns, known: None, keep: RowChoice::Distinct };
    let built = build(&source).unwrap();
    let counts: Vec<(String, usize)> = built.corpus.counts().into_iter().collect();
    let expected = [("1", 2), ("T1003;T1105", 1), ("T1105", 2), ("nan", 1), ("t1105", 1), ("x", 1)];
    assert_eq!(counts, expected.map(|(label, rows)| (label.to_owned(), rows)));
    assert_eq!(
        built.notes,
        [
            "labels that differ in their spelling alone: \"T1105\" (row 2) and \"t1105\" (row 4)",
            "labels that look like several in one cell: \"T1003;T1105\" (row 7)",
            "labels that are names of a missing value: \"nan\" (row 8)",
            "1 row runs over several lines (the first: row 9): are its quotes right?",
        ]
    );
}

/// Texts that differ in nothing one can see are one text. After
/// <https://github.com/TelecomsXChangeAPi/OpenTextShield/issues/194> and
/// <https://github.com/Tatoeba/tatoeba2/pull/2151>.
#[test]
fn one_text_in_two_unicode_forms_is_one_row() {
    let input = Input::new(
        "text,label\nThe caf\u{e9} loader ran,T1105\nThe cafe\u{301} loader ran,T1105\n\
         It read a password,T1003\nIt read a pass\u{200b}word,T1003\n",
    );
    let columns = Columns::named("text", "label");
    let source =
        Source::Csv { path: input.path.clone(), columns, known: None, keep: RowChoice::Distinct };
    let built = build(&source).unwrap();
    sums_add_up(&built);
    let texts: Vec<&str> = built.corpus.sentences.iter().map(|row| row.text.as_str()).collect();
    assert_eq!(texts, ["The caf\u{e9} loader ran", "It read a password"]);
    let dropped: Vec<_> = built.dropped.iter().map(|d| (d.reason, d.count)).collect();
    assert_eq!(dropped, [(Reason::Duplicate, 2)]);
}

#[test]
fn blanks_around_a_sentence_are_no_part_of_it() {
    let input = Input::new(
        "\u{feff}text , label\n  alpha one  , T1105 \n\talpha\u{a0} two\t,T1105\n\
         \u{2003}alpha one,T1105\n",
    );
    let texts = |keep| {
        let (path, columns) = (input.path.clone(), Columns::named("text", "label"));
        let built = build(&Source::Csv { path, columns, known: None, keep }).unwrap();
        assert!(built.corpus.sentences.iter().all(|row| row.technique == "T1105"));
        built.corpus.sentences.into_iter().map(|row| row.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(RowChoice::Distinct), ["alpha one", "alpha two"]);
    // Where every row is kept, it is kept as it stands.
    let all = ["  alpha one  ", "\talpha\u{a0} two\t", "\u{2003}alpha one"];
    assert_eq!(texts(RowChoice::EveryRow), all);
}

/// Accents in one character and in two, soft hyphens, what takes no room, case and blanks make no
/// other text; another technique's is its own.
#[test]
fn texts_that_look_alike_are_duplicates() {
    let alike = [
        "The caf\u{e9} was phished",
        "The cafe\u{301} was phished.",
        "the cafe was phished",
        "The ca\u{ad}f\u{e9} was phished",
        "The caf\u{e9}\u{200b} was phi\u{200d}shed",
        "\u{200e}THE  CAF\u{c9}\u{a0}WAS PHISHED!",
        "\u{feff}The caf\u{e9} was phished",
    ];
    let rows: String = alike.iter().map(|text| format!("{text},T1566\n")).collect();
    let input =
        Input::new(format!("text,label\n{rows}{},T1105\nThe bar was phished,T1566\n", alike[1]));
    let columns = Columns::named("text", "label");
    let source =
        Source::Csv { path: input.path.clone(), columns, known: None, keep: RowChoice::Distinct };
    let built = build(&source).unwrap();
    sums_add_up(&built);
    let kept: Vec<_> =
        built.corpus.sentences.iter().map(|row| (&row.technique[..], &row.text[..])).collect();
    let expected = [("T1566", alike[0]), ("T1105", alike[1]), ("T1566", "The bar was phished")];
    assert_eq!(kept, expected);
    let dropped: Vec<_> = built.dropped.iter().map(|d| (d.reason, d.count)).collect();
    assert_eq!(dropped, [(Reason::Duplicate, alike.len() - 1)]);

    // A bundle's texts likewise.
    let twice =
        SMALL.replace("X ran <code>powershell</code>.", "It is p\u{f3}wer\u{ad}ful\u{200b}!");
    assert_ne!(twice, SMALL);
    let input = Input::new(twice);
    let built = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap();
    let dropped: Vec<_> = built.dropped.iter().map(|d| (d.reason, d.count)).collect();
    assert_eq!(dropped, [(Reason::Duplicate, 1)]);
}

#[test]
fn a_label_and_a_sub_technique_must_agree() {
    let input =
        Input::new("label_tec,label_subtec,tec_name,sentence\nT1059,T1003.001,LSASS,It ran.\n");
    let path = input.path.clone();
    assert_eq!(
        input.said(&Source::Csv {
            path,
            columns: Columns::hub(),
            known: None,
            keep: RowChoice::Distinct
        }),
        "FILE, row 2, field \"label_subtec\": \"T1003.001\" is no sub-technique of \"T1059\""
    );
}

#[test]
fn parquet_comes_back_and_mistakes_in_it_are_named() {
    let input = Input::new(SMALL);
    let corpus = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap().corpus;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/corpus.parquet");
    corpus.write_parquet(&path).unwrap();
    assert_eq!(Corpus::read_parquet(&path).unwrap(), corpus);

    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let cut = Corpus::read_parquet(&path).unwrap_err().to_string();
    assert!(cut.contains("corpus.parquet: not a whole parquet file"), "{cut}");

    let frame = corpus.to_frame().unwrap().drop("sentence").unwrap();
    let lacking = Corpus::from_frame(&frame, Path::new("f")).unwrap_err().to_string();
    assert!(lacking.starts_with("f, field \"sentence\": "), "{lacking}");
    let mut empty = corpus.clone();
    empty.sentences[1].text.clear();
    let frame = empty.to_frame().unwrap();
    let message = Corpus::from_frame(&frame, Path::new("f")).unwrap_err().to_string();
    assert_eq!(message, "f, row 2, field \"sentence\": missing or empty");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let input = Input::new(SMALL);
    let corpus = Corpus::default();
    let message = corpus.write_parquet(&input.path.join("corpus.parquet")).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("{}: cannot create: ", input.path.display())),
        "{message}"
    );
    assert_eq!(std::fs::read_to_string(&input.path).unwrap(), SMALL, "what was there is intact");
}

/// A file system of 64 KiB that goes when the test ends; needs root.
#[cfg(target_os = "linux")]
struct TinyDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl TinyDisk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder.path())
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder)),
            Ok(output) => {
                let reason = String::from_utf8_lossy(&output.stderr);
                skip(&format!("a full disk: no tmpfs here: {}", reason.trim()));
                None
            }
            Err(error) => {
                skip(&format!("a full disk: mount: {error}"));
                None
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_files() {
    use ttp_lib::split::{read_csv, write_csv};
    let input = Input::new(SMALL);
    let small = build(&Source::Attack { bundle: input.path.clone(), tram: None }).unwrap().corpus;
    let mut large = small.clone();
    for row in 0..20_000_u32 {
        let mut sentence = small.sentences[0].clone();
        sentence.text = format!("{row} {}", row.wrapping_mul(0x9E37_79B9).wrapping_pow(3));
        large.sentences.push(sentence);
    }
    let Some(disk) = TinyDisk::new() else { return };
    let (parquet, csv) = (disk.0.path().join("c.parquet"), disk.0.path().join("train.csv"));
    small.write_parquet(&parquet).unwrap();
    write_csv(&csv, &balance::samples(&small)).unwrap();
    for message in [
        large.write_parquet(&parquet).unwrap_err().to_string(),
        write_csv(&csv, &balance::samples(&large)).unwrap_err().to_string(),
    ] {
        assert!(message.contains("cannot write: No space left"), "{message}");
    }
    assert_eq!(Corpus::read_parquet(&parquet).unwrap(), small);
    assert_eq!(read_csv(&csv).unwrap(), balance::samples(&small));
    assert_eq!(std::fs::read_dir(disk.0.path()).unwrap().count(), 2, "nothing half-written");
}
