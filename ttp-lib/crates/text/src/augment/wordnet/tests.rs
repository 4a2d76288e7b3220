//! A WordNet of a few words, files that are wrong, and the whole of it.
#![allow(clippy::unwrap_used)]

use super::*;
use std::fs;

/// A WordNet of a few words: each synset is a part of speech and its words.
fn made(synsets: &[(&str, &[&str])], exceptions: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for kind in &KINDS {
        let mut data = "  1 No licence.\n".to_owned();
        let mut index: Vec<(String, Vec<usize>)> = Vec::new();
        // The files of a part of speech are not empty.
        let own = synsets.iter().filter(|(of, _)| *of == kind.name).map(|(_, words)| *words);
        for words in own.chain([&["zzz"][..]]) {
            for word in words {
                let word = word.split('(').next().unwrap().to_lowercase();
                match index.iter_mut().find(|(other, _)| *other == word) {
                    Some((_, offsets)) => offsets.push(data.len()),
                    None => index.push((word, vec![data.len()])),
                }
            }
            let listed: String = words.iter().map(|word| format!(" {word} 0")).collect();
            data +=
                &format!("{:08} 00 n {:02x}{listed} 000 | a gloss  \n", data.len(), words.len());
        }
        index.sort();
        let lines: String = index
            .iter()
            .map(|(word, offsets)| {
                let all: String = offsets.iter().map(|offset| format!(" {offset:08}")).collect();
                format!("{word} n {0} 1 @ {0} 0{all}  \n", offsets.len())
            })
            .collect();
        let mut irregular: Vec<String> = exceptions
            .iter()
            .filter(|(of, _)| *of == kind.name)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        irregular.sort();
        fs::write(folder.path().join(format!("index.{}", kind.name)), format!("  1 No.\n{lines}"))
            .unwrap();
        fs::write(folder.path().join(format!("data.{}", kind.name)), data).unwrap();
        fs::write(folder.path().join(format!("{}.exc", kind.name)), irregular.concat()).unwrap();
    }
    folder
}

#[test]
fn synonyms_are_sorted_letters_first_and_have_neither_phrases_nor_the_word() {
    let folder = made(
        &[
            ("noun", &["net", "web", "Net_income", "NET", "St."]),
            ("verb", &["clear", "net", "take-home", "a.m."]),
            ("adj", &["net(a)", "last(ip)", "web"]),
            ("adj", &["alone"]),
        ],
        &[],
    );
    let wordnet = WordNet::read(folder.path()).unwrap();
    let net = wordnet.synonyms("NET");
    assert_eq!(net.all(), ["clear", "last", "web", "St.", "take-home"]);
    assert_eq!(net.of_letters(), ["clear", "last", "web"]);
    assert!(wordnet.knows("net") && wordnet.knows("Alone") && !wordnet.knows("nets-"));
    assert_eq!(wordnet.synonyms("alone").all(), [] as [&str; 0]);
    assert_eq!(wordnet.synonyms("Net_Income").all(), ["NET", "net", "web", "St."]);
    assert_eq!(wordnet.synonyms(""), Synonyms::default());
}

#[test]
fn base_forms_are_of_their_part_of_speech() {
    let folder = made(
        &[
            ("noun", &["user", "exploiter"]),
            ("noun", &["wolf", "beast"]),
            ("noun", &["man", "bloke"]),
            ("verb", &["use", "employ"]),
            ("verb", &["send", "transmit"]),
            ("noun", &["us", "america"]),
            ("adj", &["new", "fresh"]),
            ("noun", &["news", "word"]),
            ("adj", &["large", "big"]),
            ("noun", &["axis", "line"]),
            ("noun", &["ax", "tool"]),
        ],
        &[("verb", "sent send"), ("noun", "axes ax axis"), ("adj", "newer newish")],
    );
    let wordnet = WordNet::read(folder.path()).unwrap();
    for (word, expected) in [
        ("users", &["exploiter", "user"][..]),
        ("Used", &["employ", "use"]),
        ("using", &["employ", "use"]),
        ("sent", &["send", "transmit"]),
        ("news", &["word"]),
        ("larger", &["big", "large"]),
        ("axes", &["ax", "axis", "line", "tool"]),
        ("wolves", &["beast", "wolf"]),
        ("men", &["bloke", "man"]),
        // A list of exceptions goes before the rules.
        ("newer", &[]),
        ("s", &[]),
    ] {
        assert_eq!(wordnet.synonyms(word).all(), expected, "{word}");
        assert_eq!(wordnet.synonyms(word).all(), expected, "{word}, kept");
    }
}

#[test]
fn a_file_that_is_missing_cut_off_or_another_is_one_clear_line() {
    let folder = made(&[("noun", &["user", "exploiter"])], &[]);
    let error = || WordNet::read(folder.path()).unwrap_err().to_string();
    let place = |name: &str| folder.path().join(name);
    let check = |name: &str, content: Option<&[u8]>, expected: &str| {
        let before = fs::read(place(name)).unwrap();
        match content {
            Some(content) => fs::write(place(name), content).unwrap(),
            None => fs::remove_file(place(name)).unwrap(),
        }
        let error = error();
        assert!(error.starts_with(&place(name).display().to_string()), "{error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
        fs::write(place(name), before).unwrap();
    };
    for name in ["index.verb", "data.adj", "adv.exc"] {
        check(name, None, "make data-wordnet");
        check(name, Some(b"\xff\xfe\n"), "not UTF-8");
        check(
            name,
            Some(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
            "Git LFS",
        );
    }
    check("index.noun", Some(b""), "no word of WordNet's");
    check("index.noun", Some(b"<html>\n</html>\n"), "no word of WordNet's");
    let whole = fs::read(place("index.noun")).unwrap();
    check("index.noun", Some(&whole[..whole.len() - 5]), "cut off");
    let whole = fs::read(place("data.noun")).unwrap();
    check("data.noun", Some(&whole[..whole.len() - 5]), "cut off");
    check("data.noun", Some(&whole[3..]), "not of the release");
    assert!(WordNet::read(folder.path()).is_ok());
}

#[test]
fn the_whole_of_wordnet_is_there() {
    let start = std::time::Instant::now();
    let wordnet = WordNet::of(&Files::from_env()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!(seconds < 5.0, "read in {seconds} s");
    println!("read in {seconds:.3} s");
    // wnstats(7WN): unique strings of nouns, verbs, adjectives and adverbs.
    assert_eq!(wordnet.len(), 117_798 + 11_529 + 21_479 + 4_481);
    for part in &wordnet.parts {
        for line in part.lines() {
            let word = line.split(' ').next().unwrap();
            // Each synset of a word holds it: all lines lead where they should.
            assert!(part.words_of(line).any(|w| w.eq_ignore_ascii_case(word)), "{word}");
            let synonyms = wordnet.look_up(word);
            assert!(synonyms.known, "{word}");
            assert!(synonyms.all().iter().all(|s| is_one(s) && !s.contains('_')));
            assert!(synonyms.of_letters().iter().all(|s| is_of_letters(s)));
            assert!(synonyms.all()[synonyms.of_letters..].iter().all(|s| !is_of_letters(s)));
        }
    }
}

/// The crate that was the thesaurus before had lost the last letter of 7,114 synonyms. Whatever
/// is put in is itself a word of WordNet's.
#[test]
fn no_synonym_lacks_its_last_letter() {
    let wordnet = WordNet::get().unwrap();
    for word in ["balance", "break", "delay", "find", "power", "pressure", "record", "view"] {
        let synonyms = wordnet.synonyms(word);
        assert!(synonyms.all().len() > 3, "{word}");
        for synonym in synonyms.all() {
            assert!(wordnet.knows(synonym), "{word}: {synonym}");
        }
    }
    let of = |word: &str, synonym: &str| wordnet.synonyms(word).all().iter().any(|s| s == synonym);
    assert!(of("delay", "postponement") && !of("delay", "postponemen"));
}
