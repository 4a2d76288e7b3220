//! WordNet's synonyms against TextAttack's, and copies of sentences full of data.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use ttp_lib::augment::{AugmentSettings, Augmenter, WordNet, words};
use unicode_normalization::char::is_combining_mark;

/// What TextAttack 0.3.10 would put in a word's place: see environment/golden/wordnet.py.
#[derive(Deserialize)]
struct Golden {
    textattack: String,
    wordnet: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    word: String,
    replacements: Vec<String>,
    insertions: Vec<String>,
}

#[test]
fn synonyms_are_those_of_textattack() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/wordnet.json")).unwrap();
    assert_eq!((&*golden.textattack, &*golden.wordnet), ("0.3.10", "3.0"));
    assert!(golden.cases.len() >= 150);
    let wordnet = WordNet::get().unwrap();
    let mut compared = 0;
    for Case { word, replacements, insertions } in golden.cases {
        let synonyms = wordnet.synonyms(&word);
        // A change of case is no replacement here: see the module's docs.
        let another = |synonym: &&String| !synonym.eq_ignore_ascii_case(&word);
        for (ours, theirs) in
            [(synonyms.all(), &replacements), (synonyms.of_letters(), &insertions)]
        {
            let theirs: BTreeSet<&String> = theirs.iter().filter(another).collect();
            assert_eq!(ours.iter().collect::<BTreeSet<_>>(), theirs, "{word:?}");
            assert_eq!(ours.len(), theirs.len(), "{word:?}: none twice");
            compared += theirs.len();
        }
    }
    assert!(compared > 3_000, "{compared} synonyms were compared");
}

/// Sentences and what in them has to stay whole. After
/// <https://github.com/makcedward/nlpaug/issues/143> and
/// <https://github.com/makcedward/nlpaug/issues/313>.
const SENTENCES: [(&str, &[&str]); 26] = [
    (
        "The host answered 198.51.100.7 before release 10.0.19044.1288 arrived.",
        &["198.51.100.7", "10.0.19044.1288"],
    ),
    ("The operator’s helper doesn’t keep the users’ old records.", &[]),
    ("L’opérateur n'efface pas les journaux, pourquoi ?", &[]),
    (
        "A tool resume\u{301} was stored under HKCU\\Software\\Classes\\ms-settings, then erased.",
        &["HKCU\\Software\\Classes\\ms-settings"],
    ),
    (
        "It starts D:\\Program Files\\old tools\\run me.exe -nop every day.",
        &["D:\\Program Files\\old tools\\run me.exe -nop"],
    ),
    (
        "Users rarely start \"cmd.exe /c dir\" at 3:00 a.m. daily or at 14:05:33 sharp.",
        &["\"cmd.exe /c dir\"", "3:00 a.m.", "14:05:33"],
    ),
    (
        "At 3 p.m. it woke, on 2021-03-04 and 04/05/2021 it slept.",
        &["3 p.m.", "2021-03-04", "04/05/2021"],
    ),
    (
        "March 2021 was quiet, 4 april 2022 was busy and on the 5th of may it ended.",
        &["March 2021", "4 april 2022", "5th of may"],
    ),
    (
        "It waits 7.5 seconds... then calls hxxps://cdn[.]example/a?b=c&d=e again.",
        &["7.5", "hxxps://cdn[.]example/a?b=c&d=e"],
    ),
    (
        "The answer, base64: c2VjcmV0IHdvcmRz=, leaves over port 8443 quickly.",
        &["c2VjcmV0IHdvcmRz=", "port 8443"],
    ),
    (
        "It listens on localhost:8080, tcp:443 and 443/tcp for orders.",
        &["localhost:8080", "tcp:443", "443/tcp"],
    ),
    (
        "More than 1,000,000 rows, 12 % of all, and $5,000 were stolen.",
        &["1,000,000", "12 %", "$5,000"],
    ),
    (
        "Analysts saw T1059.001, CVE-2021-44228 and S0154 used there.",
        &["T1059.001", "CVE-2021-44228", "S0154"],
    ),
    (
        "Mail came from bad.man@mail.example and admin [at] site [dot] example daily.",
        &["bad.man@mail.example", "admin [at] site [dot] example"],
    ),
    (
        "The server 2001:db8::8a2e:370:7334 or [::1]:8443 answers slowly.",
        &["2001:db8::8a2e:370:7334", "[::1]:8443"],
    ),
    (
        "The card 00:1a:2b:3c:4d:5e and the class {4d36e972-e325-11ce-bfc1-08002be10318} were found.",
        &["00:1a:2b:3c:4d:5e", "{4d36e972-e325-11ce-bfc1-08002be10318}"],
    ),
    (
        "The hash e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 was known.",
        &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ),
    (
        "Files in /usr/local/share/old data/set and ~/.ssh/id_rsa leak quickly.",
        &["/usr/local/share/old data/set", "~/.ssh/id_rsa"],
    ),
    ("The code `net group admins` shows many accounts quickly.", &["`net group admins`"]),
    (
        "Emoji 👩\u{200d}💻 and 🇺🇳 surround pass\u{200b}word theft, 中文句子 follow.",
        &["👩\u{200d}💻", "🇺🇳"],
    ),
    (
        "Build 7, version 3 and release v2.1-beta ship daily, e.g. by mail.",
        &["Build 7", "version 3", "v2.1-beta"],
    ),
    (
        "It sets my_old_name, reads %appdata%\\find me\\a.txt and $env:temp quickly.",
        &["my_old_name", "%appdata%\\find me\\a.txt", "$env:temp"],
    ),
    ("The 'admin' account, ‘root’ rights and many users' files were sold.", &[]),
    (
        "It answers {\"cmd\": \"run\", \"id\": 7} quickly, see p. 12 and z. B. there.",
        &["{\"cmd\": \"run\", \"id\": 7}", "p. 12", "z. B."],
    ),
    ("Give ’em time , said the spy !  Then run  .", &[]),
    (
        "The state-of-the-art trojan asks evil(.)example, bad[.example and hxxp[:]//old{.}example often.",
        &["evil(.)example", "bad[.example", "hxxp[:]//old{.}example"],
    ),
];

fn protecting(fraction: f64) -> Augmenter {
    let settings = AugmentSettings { protect: true, fraction, ..AugmentSettings::default() };
    Augmenter::new(settings).unwrap()
}

#[test]
fn data_stays_whole_in_every_copy() {
    for augmenter in [protecting(0.1), protecting(0.4), protecting(1.0)] {
        for (text, units) in SENTENCES {
            for unit in units {
                assert!(text.contains(unit), "{unit:?} is in {text:?}");
            }
            for seed in 0..120 {
                for variant in augmenter.variants(text, seed) {
                    for unit in units {
                        assert!(variant.text.contains(unit), "{unit:?}: {:?}", variant.text);
                    }
                }
            }
        }
    }
}

#[test]
fn accents_and_apostrophes_keep_their_words_and_no_blank_comes_before_a_mark() {
    static BLANK_BEFORE_MARK: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r"\s[.,;:?!](\s|$)").unwrap());
    let blanks = |text: &str| BLANK_BEFORE_MARK.find_iter(text).count();
    for protect in [false, true] {
        for fraction in [0.1, 0.5, 1.0] {
            let settings = AugmentSettings { protect, fraction, ..AugmentSettings::default() };
            let augmenter = Augmenter::new(settings).unwrap();
            for (text, _) in SENTENCES {
                for seed in 0..80 {
                    for variant in augmenter.variants(text, seed) {
                        let copy = &variant.text;
                        assert!(blanks(copy) <= blanks(text), "{text:?}: {copy:?}");
                        let mut before = ' ';
                        let apostrophes = ['\'', '‘', '’'];
                        for (at, c) in copy.char_indices() {
                            // Of two beside each other one is a possessive in quotation marks.
                            let [left, right] = [&copy[..at], &copy[at + c.len_utf8()..]]
                                .map(|side| side.trim_matches(apostrophes));
                            let near = left.ends_with(char::is_alphanumeric)
                                || right.starts_with(char::is_alphanumeric);
                            assert!(!apostrophes.contains(&c) || near, "{text:?}: {copy:?}");
                            let letter = before.is_alphanumeric() || is_combining_mark(before);
                            assert!(!is_combining_mark(c) || letter, "{text:?}: {copy:?}");
                            before = c;
                        }
                    }
                }
            }
        }
    }
}

/// As data-37's sentences: everyday words, each with many synonyms.
#[test]
fn copies_are_made_of_whole_words() {
    let wordnet = WordNet::get().unwrap();
    let text = "They delay the balance, press the power, record the view and break the pressure";
    let own: BTreeSet<&str> = words(text).into_iter().map(|word| &text[word]).collect();
    let augmenter = protecting(0.3);
    let mut new = BTreeSet::new();
    for seed in 0..500 {
        for variant in augmenter.variants(text, seed) {
            let copy = &variant.text;
            let all = words(copy).into_iter().map(|word| copy[word].to_owned());
            new.extend(all.filter(|word| !own.contains(&**word)));
        }
    }
    assert!(new.len() > 150, "{} new words", new.len());
    for word in &new {
        assert!(wordnet.knows(word), "{word}");
    }
    assert!(new.contains("postponement") && new.contains("superpower"), "{new:?}");
}
