//! The page: what it marks, and that nothing on it acts.

use super::super::page::page;
use super::super::safe;
use super::{HOSTILE, hostile, no_live_address, sample};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The names of the page's elements and attributes.
fn names(page: &str) -> BTreeSet<String> {
    let (_, page) = page.split_once('\n').unwrap();
    let document = roxmltree::Document::parse(page).unwrap();
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    elements
        .flat_map(|element| {
            let attributes = element.attributes().map(|a| format!("@{}", a.name()));
            let own = [element.tag_name().name().to_owned()];
            attributes.chain(own).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_page_marks_sentences() {
    let page = page(&sample());
    let (_, xml) = page.split_once('\n').unwrap();
    let document = roxmltree::Document::parse(xml).unwrap();
    let marks: Vec<(&str, &str)> = document
        .descendants()
        .filter(|node| node.attribute("class").is_some_and(|class| class.starts_with("mark ")))
        .map(|node| (node.attribute("class").unwrap(), node.attribute("data-technique").unwrap()))
        .collect();
    assert_eq!(
        marks,
        [
            ("mark sure", "T1059.001"),
            ("mark likely", "T1105"),
            ("mark near", "T1583"),
            ("mark likely", "T1059.001")
        ]
    );
    let text = |class: &str| -> Vec<String> {
        let found = document.descendants().filter(|node| node.attribute("class") == Some(class));
        let text = |node: roxmltree::Node<'_, '_>| {
            node.descendants().filter(|n| n.is_text()).filter_map(|n| n.text()).collect::<String>()
        };
        found.map(text).collect()
    };
    assert_eq!(
        text("sentence"),
        [
            "The actor ran encoded PowerShell.",
            "It then fetched hxxp://evil[.]example[.]com/a.ps1 from 203[.]0[.]113[.]9.",
            "Analysts named the family after a river.",
            "The loader starts powershell.exe with a hidden window."
        ]
    );
    assert_eq!(text("kind"), ["Indicators, not read (2 blocks)"]);
    assert_eq!(text("page"), ["Page 1", "Page 2"]);
    assert_eq!(text("note").len(), 1);
    assert!(text("panel")[0].starts_with("T1059.001 PowerShell 0.93T1027 Obfuscated Files"));
    assert!(page.contains("cosine 0.41"));
    // What a reviewer said is seen.
    let mut reviewed = sample();
    reviewed.documents[0].sentences[0].accepted = Some(true);
    reviewed.documents[0].sentences[1].accepted = Some(false);
    reviewed.documents[0].sentences[2].corrected = Some("T1027".to_owned());
    let page = super::super::page(&reviewed);
    for chip in [">accepted T1059.001 0.93<", ">rejected T1105 0.71<", ">corrected T1027 0.00<"] {
        assert!(page.contains(chip), "{chip}");
    }
}

#[test]
fn a_page_runs_its_own_script_alone() {
    let page = page(&sample());
    let between = |from: &str, to: &str| {
        let start = page.find(from).unwrap() + from.len();
        &page[start..start + page[start..].find(to).unwrap()]
    };
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let content = between(&format!("<{element}>"), &format!("</{element}>"));
        let hash = STANDARD.encode(Sha256::digest(content));
        assert!(page.contains(&format!("{directive} 'sha256-{hash}'")), "{directive}");
    }
    assert!(page.contains("default-src 'none'") && !page.contains("unsafe-inline"));
}

#[test]
fn hostile_texts_are_text_on_a_page() {
    let ordinary = names(&page(&sample()));
    assert!(!ordinary.contains("@style") && !ordinary.contains("@src"));
    for text in HOSTILE {
        let page = page(&hostile(text));
        let own = [STYLES_AND_SCRIPT.0, STYLES_AND_SCRIPT.1];
        let told = own.iter().fold(page.clone(), |page, own| page.replace(own, ""));
        no_live_address(&told);
        assert!(!told.contains("https://"), "{text}");
        let found = names(&page);
        assert!(found.is_subset(&ordinary), "{text}: {:?}", found.difference(&ordinary));
        let (_, xml) = page.split_once('\n').unwrap();
        let document = roxmltree::Document::parse(xml).unwrap();
        for link in document.descendants().filter_map(|node| node.attribute("href")) {
            assert!(link.starts_with("#d"), "{link}");
        }
    }
}

const STYLES_AND_SCRIPT: (&str, &str) = (include_str!("../page.css"), include_str!("../page.js"));

/// Wherever sentences begin and end, and whatever they are made of: the text of a paragraph is the
/// whole block, defanged as a whole.
#[test]
fn no_cut_makes_an_address_whole() {
    let parts = [
        "http://",
        "evil.com",
        "<b>",
        " ",
        "203.0.113.9",
        "me@",
        "x.ru",
        ".",
        "com",
        "\u{202e}",
        "a",
        "://",
        "javascript:",
        "&amp;",
        "\"",
        " and ",
        "字",
        "]]>",
        "evil.",
        "h",
    ];
    // A linear congruential generator: the same texts each time.
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let text: String = (0..12).map(|_| parts[next(parts.len())]).collect();
        let length = text.chars().count();
        let mut report = sample();
        report.documents.truncate(1);
        report.documents[0].document.blocks[1].text = text.clone();
        for judgement in &mut report.documents[0].sentences {
            judgement.sentence.start = next(length + 3);
            judgement.sentence.end = next(length + 3);
        }
        let page = page(&report);
        let (_, xml) = page.split_once('\n').unwrap();
        let document = roxmltree::Document::parse(xml).unwrap();
        let block = document.descendants().find(|n| n.attribute("class") == Some("prose")).unwrap();
        let beside = |node: &roxmltree::Node<'_, '_>| {
            let class = |n: roxmltree::Node<'_, '_>| {
                matches!(n.attribute("class"), Some("chip" | "panel" | "sentence own"))
            };
            node.ancestors().any(class)
        };
        let shown: String = block
            .descendants()
            .filter(|n| n.is_text() && !beside(n))
            .filter_map(|n| n.text())
            .collect();
        let blank = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(blank(&shown), blank(&safe(&text)), "{text:?}");
    }
}
