//! Augmentation against TextAttack's own outputs, the paper's example, and properties
//! that hold for every text and seed.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use std::collections::BTreeSet;
use ttp_lib::augment::{AugmentSettings, Augmenter, WordNet, seed_of, words};
use ttp_lib::corpus::Operation;
use ttp_lib::published::{PAPER_APPENDIX_A, PAPER_AUGMENTED};

/// Appendix A of the paper.
const SENTENCE: &str = PAPER_AUGMENTED;

const CTI: [&str; 6] = [
    SENTENCE,
    "The group has used stolen credentials to move laterally and then archived documents before exfiltration over an encrypted channel.",
    "After the initial phishing message was opened, a macro downloaded the second stage (evil.exe) from hxxp://update[.]example/a.php and ran it with PowerShell -enc.",
    "Mimikatz can dump the memory of the LSASS process.",
    "Backdoor.Oldrea adds HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run keys, so that it starts at every boot of the infected host; CVE-2017-0144 is used to spread.",
    "It deletes its own files, event logs and services after the attackers have collected the passwords of all users on the network, and the malware sleeps for several minutes between two commands that it receives from the server.",
];

fn odd_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "word",
        "the",
        "the of and The OF",
        "...!?",
        "-- '' __ **",
        "hello hello hello",
        "hello hello",
        "hello Hello",
        "a b",
        "😀 👩‍💻 🇺🇳",
        "emoji 😀 between words 👩‍💻",
        "שלום עולם, מה שלומך?",
        "مرحبا بالعالم الآمن",
        "हिन्दी भाषा",
        "中文 句子",
        "\u{0}nul \u{7}bell \u{1b}[31mred\u{1b}[0m \u{202e}file",
        "tabs\tand\nlines\r\nbreak",
        "<script>alert(1)</script></style>",
        "=cmd|' /C calc'!A0",
        "a\u{301}b cafe\u{301} net",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("attackers steal credentials over the network ".repeat(100));
    texts.push("x".repeat(10_000));
    texts.extend(CTI.map(str::to_owned));
    texts
}

fn augmenter(change: impl FnOnce(&mut AugmentSettings)) -> Augmenter {
    let mut settings = AugmentSettings::default();
    change(&mut settings);
    Augmenter::new(settings).unwrap()
}

fn words_of(text: &str) -> Vec<&str> {
    words(text).into_iter().map(|word| &text[word]).collect()
}

fn is_stop_word(word: &str) -> bool {
    stop_words::lookup("en").unwrap().contains(&word.to_lowercase().as_str())
}

/// What TextAttack 0.3.10 makes of a text: see environment/golden/augmentation.py.
#[derive(Deserialize)]
struct Golden {
    textattack: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    words: Vec<String>,
    removed: Vec<String>,
    inserted: Vec<String>,
    replaced: Vec<String>,
    swapped_with_next: Vec<String>,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("../golden/augmentation.json")).unwrap();
    assert_eq!(golden.textattack, "0.3.10");
    assert!(golden.cases.len() >= 25);
    golden
}

/// Those whose words are TextAttack's.
fn golden_cases() -> impl Iterator<Item = Case> {
    golden().cases.into_iter().filter(|case| !differs(&case.text))
}

/// Characters at which TextAttack tears a word and we do not: accents of their own, curly
/// apostrophes, characters without width.
fn tears(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c) || "’\u{200b}\u{ad}".contains(c)
}

/// Texts whose words are not quite TextAttack's; in one, a quotation mark goes with a word there.
fn differs(text: &str) -> bool {
    text.contains(tears) || text.contains("'quoted'")
}

#[test]
fn words_are_those_of_textattack() {
    let mut others = 0;
    for case in golden().cases {
        let ours = words_of(&case.text);
        if !differs(&case.text) {
            assert_eq!(ours, case.words, "{:?}", case.text);
            continue;
        }
        others += 1;
        let torn: Vec<&str> = ours.iter().flat_map(|word| word.split(tears)).collect();
        let torn: Vec<&str> = torn.into_iter().filter(|part| !part.is_empty()).collect();
        let unquoted: Vec<&str> = case
            .words
            .iter()
            .map(|word| word.strip_suffix("d'").map_or(&**word, |_| "quoted"))
            .collect();
        assert_eq!(torn, unquoted, "{:?}", case.text);
        assert!(torn.len() > ours.len() || unquoted != case.words, "{:?}", case.text);
    }
    assert_eq!(others, 4);
}

#[test]
fn one_removal_makes_what_textattack_makes() {
    let augmenter = augmenter(|settings| settings.skip_stop_words = false);
    for Case { text, removed, .. } in golden_cases() {
        // TextAttack leaves the blank before a removed last word: see the module's docs.
        let blanks_end_it = text.ends_with(' ');
        let expected: BTreeSet<String> = removed
            .into_iter()
            .map(|out| {
                if blanks_end_it {
                    out
                } else {
                    out.strip_suffix(' ').map_or(out.clone(), str::to_owned)
                }
            })
            .collect();
        let found = augmenter.one_edit_outputs(&text, Operation::Removal);
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{text:?}");
    }
}

#[test]
fn one_swap_of_neighbours_is_among_the_swaps() {
    let augmenter = augmenter(|settings| settings.skip_stop_words = false);
    for Case { text, swapped_with_next, .. } in golden_cases() {
        let found = augmenter.one_edit_outputs(&text, Operation::Swap);
        for out in swapped_with_next.iter().filter(|out| **out != text) {
            assert!(found.contains(out), "{text:?} -> {out:?}");
        }
    }
}

/// The golden file has `NEW` for the synonym. Every output of ours, its synonym turned
/// back into `NEW`, must be one of TextAttack's, and every word that has synonyms must
/// be replaced somewhere.
#[test]
fn replacements_and_insertions_stand_where_textattack_puts_them() {
    let augmenter = augmenter(|settings| settings.skip_stop_words = false);
    let wordnet = WordNet::get().unwrap();
    let mut compared = 0;
    for Case { text, words, inserted, replaced, .. } in golden_cases() {
        let all: Vec<_> = words.iter().map(|word| wordnet.synonyms(word)).collect();
        let fill = |templates: &[String], at: usize, new: &str| {
            // No text of the golden file has NEW in it.
            templates[at].replacen("NEW", new, 1)
        };
        let mut expected = BTreeSet::new();
        for (at, synonyms) in all.iter().enumerate() {
            expected.extend(synonyms.all().iter().map(|new| fill(&replaced, at, new)));
        }
        compared += expected.len();
        let found = augmenter.one_edit_outputs(&text, Operation::Replacement);
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{text:?}");

        let mut expected = BTreeSet::new();
        for at in 0..words.len() {
            let sources = all.iter().flat_map(|synonyms| synonyms.of_letters());
            expected.extend(sources.map(|new| fill(&inserted, at, new)));
        }
        compared += expected.len();
        let found = augmenter.one_edit_outputs(&text, Operation::Insertion);
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{text:?}");
    }
    assert!(compared > 1_000, "{compared} outputs were compared");
}

#[test]
fn the_papers_examples_are_outputs_of_their_operations() {
    let augmenter = augmenter(|_| ());
    for (operation, paper) in PAPER_APPENDIX_A {
        assert!(augmenter.reachable(SENTENCE, operation, paper), "{paper}");
        for other in Operation::AUGMENTING.into_iter().filter(|other| *other != operation) {
            assert!(!augmenter.reachable(SENTENCE, other, paper), "{paper} by {}", other.name());
        }
    }
    assert!(!augmenter.reachable(SENTENCE, Operation::Original, SENTENCE));
}

#[test]
fn random_draws_reach_all_one_edit_outputs_and_no_others() {
    let augmenter = augmenter(|_| ());
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for operation in Operation::AUGMENTING {
        let all: BTreeSet<String> =
            augmenter.one_edit_outputs(SENTENCE, operation).into_iter().collect();
        let drawn: BTreeSet<String> =
            (0..20_000).map(|_| augmenter.apply(SENTENCE, operation, &mut rng).unwrap()).collect();
        assert_eq!(drawn, all, "{}", operation.name());
    }
    assert_eq!(augmenter.apply(SENTENCE, Operation::Original, &mut rng), None);
}

#[test]
fn variants_are_new_different_and_never_without_a_word() {
    for per_sentence in [1, 2, 4, 5, 9] {
        for fraction in [0.0, 0.1, 0.5, 1.0] {
            for (skip_stop_words, protect) in [(true, false), (false, false), (true, true)] {
                let augmenter = Augmenter::new(AugmentSettings {
                    fraction,
                    per_sentence,
                    skip_stop_words,
                    protect,
                })
                .unwrap();
                for text in odd_texts() {
                    for seed in 0..3 {
                        let variants = augmenter.variants(&text, seed);
                        assert_eq!(variants, augmenter.variants(&text, seed));
                        assert!(variants.len() <= per_sentence);
                        let texts: BTreeSet<&str> = variants.iter().map(|v| &*v.text).collect();
                        assert_eq!(texts.len(), variants.len(), "different: {text:?}");
                        assert!(!texts.contains(text.as_str()), "unchanged: {text:?}");
                        for variant in &variants {
                            assert!(!words(&variant.text).is_empty(), "{text:?}");
                            assert_ne!(variant.operation, Operation::Original);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn texts_that_allow_no_operation_or_few() {
    let augmenter = augmenter(|_| ());
    let operations = |text: &str| {
        augmenter.variants(text, 3).into_iter().map(|v| v.operation).collect::<Vec<_>>()
    };
    use Operation::{Insertion, Removal, Replacement, Swap};
    for nothing in ["", "  ", "the of and The OF", "...!?", "-- '' __ **", "😀 🇺🇳", "qwzx"]
    {
        assert_eq!(operations(nothing), [], "{nothing:?}");
    }
    assert_eq!(operations("hello hello hello"), [Replacement, Insertion, Removal]);
    assert_eq!(operations("hello"), [Replacement, Insertion]);
    assert_eq!(operations("qwzx zxqw"), [Removal, Swap]);
    assert_eq!(operations("attackers steal credentials"), Operation::AUGMENTING);
}

/// Edits that turned `before` into `after`, by operation, counted from the outside.
fn edits(operation: Operation, before: &[&str], after: &[&str]) -> usize {
    match operation {
        Operation::Removal => before.len() - after.len(),
        Operation::Insertion => after.len() - before.len(),
        _ => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).filter(|(one, other)| one != other).count()
        }
    }
}

#[test]
fn no_more_words_are_edited_than_the_fraction_allows() {
    for (fraction, text) in
        [0.0, 0.1, 0.3, 1.0].into_iter().flat_map(|f| odd_texts().into_iter().map(move |t| (f, t)))
    {
        let augmenter = augmenter(|settings| settings.fraction = fraction);
        let before = words_of(&text);
        let most = ((fraction * before.len() as f64) as usize).max(1);
        for seed in 0..10 {
            for variant in augmenter.variants(&text, seed) {
                let after = words_of(&variant.text);
                let count = edits(variant.operation, &before, &after);
                // A swap is one edit of TextAttack's that moves two words.
                let most = if variant.operation == Operation::Swap {
                    most.max(2) + most % 2
                } else {
                    most
                };
                assert!((1..=most).contains(&count), "{count} edits of {most}: {text:?}");
            }
        }
    }
}

#[test]
fn long_texts_are_edited_as_often_as_the_fraction_says() {
    // 600 words, 500 of them no stop words, each of those with synonyms.
    let text = "attackers steal credentials over network users ".repeat(100);
    let before = words_of(&text);
    assert_eq!(before.len(), 600);
    for variant in augmenter(|_| ()).variants(&text, 5) {
        let count = edits(variant.operation, &before, &words_of(&variant.text));
        let expected = match variant.operation {
            // Every insertion counts two words, the new one and the one behind it.
            Operation::Insertion => 30..=30,
            // Two swaps may put equal words into each other's places.
            Operation::Swap => 40..=60,
            _ => 60..=60,
        };
        assert!(expected.contains(&count), "{}: {count}", variant.operation.name());
    }
}

#[test]
fn stop_words_stay_as_they_are_and_where_they_are() {
    let augmenter = augmenter(|settings| settings.fraction = 1.0);
    let stop_words = |text: &str| {
        words_of(text)
            .into_iter()
            .filter(|w| is_stop_word(w))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for text in CTI {
        for seed in 0..50 {
            for variant in augmenter.variants(text, seed) {
                let kept = stop_words(&variant.text);
                let before = stop_words(text);
                match variant.operation {
                    // WordNet's synonyms may be stop words themselves ("have" for "own").
                    Operation::Replacement | Operation::Insertion => {
                        let mut rest = kept.iter();
                        assert!(before.iter().all(|w| rest.any(|k| k == w)), "{}", variant.text);
                    }
                    _ => assert_eq!(kept, before, "{}", variant.text),
                }
            }
        }
    }
}

#[test]
fn protected_tokens_survive_every_operation() {
    let text = "The actor ran PsExec, C:\\Users\\a b.exe, hxxp://evil[.]example/x?y=z, \
                HKCU\\Software\\Run and d41d8cd98f00b204e9800998ecf8427e (CVE-2021-44228, \
                T1059.001) after net had shown several accounts to Sandworm.";
    let tokens = [
        "PsExec",
        "C:\\Users\\a",
        "b.exe",
        "hxxp://evil[.]example/x?y=z",
        "HKCU\\Software\\Run",
        "d41d8cd98f00b204e9800998ecf8427e",
        "CVE-2021-44228",
        "T1059.001",
        " net ",
        "Sandworm",
    ];
    let protecting = |protect, fraction| {
        augmenter(|settings| {
            settings.protect = protect;
            settings.fraction = fraction;
        })
        .with_names(["net"])
    };
    let mut lost_without = 0;
    for seed in 0..200 {
        for fraction in [0.1, 1.0] {
            let variants = protecting(true, fraction).variants(text, seed);
            assert!(variants.len() == 4);
            for variant in variants {
                let mut rest = variant.text.as_str();
                for token in tokens {
                    let at = rest.find(token.trim());
                    rest =
                        &rest[at.unwrap_or_else(|| panic!("{token} is gone: {}", variant.text))..];
                }
            }
        }
        for variant in protecting(false, 0.1).variants(text, seed) {
            lost_without += usize::from(tokens.iter().any(|token| !variant.text.contains(token)));
        }
    }
    assert!(lost_without > 100, "the setting makes the difference");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let augmenter = augmenter(|_| ());
    let texts: Vec<&str> = CTI.into_iter().cycle().take(300).collect();
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| augmenter.variants_of_all(&texts, 42))
    };
    let one = with_threads(1);
    assert_eq!(one, with_threads(2));
    assert_eq!(one.len(), texts.len());
    for (index, variants) in one.iter().enumerate() {
        assert_eq!(*variants, augmenter.variants(texts[index], seed_of(42, index)));
    }
    assert_ne!(one[0], one[6], "the same text at another place has other variants");
    assert_ne!(one, augmenter.variants_of_all(&texts, 43));
}

#[test]
fn seeds_of_texts_are_those_of_splitmix64() {
    // The generator's published test vector for the seed 1234567.
    let expected =
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
    assert_eq!([0, 1, 2].map(|index| seed_of(1_234_567, index)), expected);
}

#[test]
fn settings_out_of_range_are_named() {
    for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let settings = AugmentSettings { fraction, ..AugmentSettings::default() };
        let error = Augmenter::new(settings).unwrap_err().to_string();
        assert!(error.starts_with("setting augment.fraction: "), "{error}");
    }
    let settings = AugmentSettings { per_sentence: 0, ..AugmentSettings::default() };
    let error = Augmenter::new(settings).unwrap_err().to_string();
    assert!(error.starts_with("setting augment.per_sentence: "), "{error}");
    let unknown = serde_json::from_str::<AugmentSettings>("{\"fractoin\": 0.1}");
    assert!(unknown.unwrap_err().to_string().contains("fractoin"));
    let partial: AugmentSettings = serde_json::from_str("{\"protect\": true}").unwrap();
    assert_eq!(partial, AugmentSettings { protect: true, ..AugmentSettings::default() });
}
