//! `report.html`: the text with its sentences marked, on one page that loads nothing and links to
//! nothing.

mod text;

use super::{counted, safe, shown_by, title, trust};
use crate::{DocumentFindings, Judgement, Report, Technique};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use text::Section;
use ttp_base::show::escape_html;

/// Neither holds `<` or `&`, so that the page is XML, too.
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A sentence is sure from this probability on, where the threshold is not higher.
const SURE: f64 = 0.9;

/// How certain a sentence's mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// Evidence, with a probability of 0.9 or more.
    Sure,
    /// Evidence.
    Likely,
    /// No evidence: the most probable technique has at least half of the threshold.
    Possible,
    /// No evidence, and the sentence model has neighbours of it.
    Near,
}

impl Certainty {
    const ALL: [Self; 4] = [Self::Sure, Self::Likely, Self::Possible, Self::Near];

    /// That of a sentence; none where there is nothing to show of it.
    fn of(judgement: &Judgement, threshold: f64) -> Option<Self> {
        let first = judgement.candidates.first();
        match (judgement.evidence, first.map(|first| first.probability)) {
            (true, Some(probability)) if probability >= SURE => Some(Self::Sure),
            (true, _) => Some(Self::Likely),
            (false, Some(probability)) if probability >= threshold / 2.0 => Some(Self::Possible),
            // A reviewer's word is shown, whatever the model thought.
            _ if judgement.accepted.is_some() || judgement.corrected.is_some() => {
                Some(Self::Possible)
            }
            _ if !judgement.similar.is_empty() => Some(Self::Near),
            _ => None,
        }
    }

    /// Its class on the page.
    fn class(self) -> &'static str {
        match self {
            Self::Sure => "sure",
            Self::Likely => "likely",
            Self::Possible => "possible",
            Self::Near => "near",
        }
    }

    /// What it means, in a few words.
    fn meaning(self, threshold: f64) -> String {
        match self {
            Self::Sure => format!("sure: from {:.2}", SURE.max(threshold)),
            Self::Likely => format!("likely: from {threshold:.2}, the threshold"),
            Self::Possible => format!("possible: from {:.2}, not counted", threshold / 2.0),
            Self::Near => "similar to a technique, not counted".to_owned(),
        }
    }
}

/// A text as it may stand on the page: defanged and escaped.
fn shown(text: &str) -> String {
    escape_html(&ttp_base::show::defang(text))
}

/// A bar of a share from 0 to 1: an attribute, since the page's policy takes no style of an element.
fn bar(share: f64) -> String {
    let width = (100.0 * share.clamp(0.0, 1.0)).round();
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\"><rect class=\"all\" width=\"100\" height=\"6\" rx=\"2\"/>\
         <rect class=\"part\" width=\"{width}\" height=\"6\" rx=\"2\"/></svg>"
    )
}

/// A source that the page's policy names by its content.
fn named(content: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content)))
}

/// The page: one file of HTML that is XML as well but for its first line. Its policy lets nothing run
/// or load but its own style and script, which it names by their hashes. Without the script all marks
/// are shown and open at a click; with it they can be filtered.
pub fn page(report: &Report) -> String {
    let mut body = String::new();
    head(report, &mut body);
    body.push_str("<div class=\"columns\">\n");
    side(report, &mut body);
    body.push_str("<main>\n");
    for (number, read) in report.documents.iter().enumerate() {
        Section { report, read, number }.write(&mut body);
    }
    body.push_str("</main>\n</div>\n");
    foot(report, &mut body);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src {}; script-src {}; base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <title>{}: techniques</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n{body}<script>{SCRIPT}</script>\n</body>\n</html>\n",
        named(STYLE),
        named(SCRIPT),
        shown(&title(report))
    )
}

/// What was read and what came of it.
fn head(report: &Report, out: &mut String) {
    let sentences = report.sentences().count();
    let evidence: usize = report.documents.iter().map(shown_by).sum();
    _ = writeln!(out, "<header>\n<h1>{}</h1>", shown(&title(report)));
    _ = writeln!(
        out,
        "<p class=\"sum\"><strong>{}</strong> in <strong>{evidence}</strong> of {}</p>",
        counted(report.techniques.len(), "technique"),
        counted(sentences, "sentence")
    );
    _ = writeln!(
        out,
        "<p class=\"trust\">A mark is a suggestion to be checked. {}</p>",
        escape_html(&trust(report))
    );
    let model = &report.model;
    let rows = [
        ("model", safe(&model.name)),
        ("names", counted(model.labels.len(), "technique")),
        ("ATT&CK", safe(&model.attack_version)),
        ("threshold", format!("{:.2}", model.threshold)),
        ("read", safe(&report.created)),
    ];
    out.push_str("<dl class=\"run\">");
    for (name, value) in rows {
        _ = write!(
            out,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            escape_html(name),
            escape_html(&value)
        );
    }
    out.push_str("</dl>\n");
    if report.documents.len() > 1 {
        out.push_str("<ul class=\"documents\">\n");
        for (number, read) in report.documents.iter().enumerate() {
            _ = writeln!(
                out,
                "<li><a href=\"#d{number}\">{}</a> <span class=\"small\">{}</span></li>",
                shown(&read.document.name),
                found_in(read)
            );
        }
        out.push_str("</ul>\n");
    }
    if !report.label_changes.is_empty() {
        out.push_str(
            "<details class=\"changes\"><summary>Ids that ATT&amp;CK changed</summary><ul>",
        );
        for change in &report.label_changes {
            _ = write!(
                out,
                "<li><code>{}</code> → <code>{}</code> {}</li>",
                shown(&change.from),
                shown(change.to.as_deref().unwrap_or("withdrawn")),
                shown(&change.why)
            );
        }
        out.push_str("</ul></details>\n");
    }
    out.push_str("</header>\n");
}

/// `12 of 143 sentences`.
fn found_in(read: &DocumentFindings) -> String {
    format!("{} of {}", shown_by(read), counted(read.sentences.len(), "sentence"))
}

/// The techniques, and what filters the text.
fn side(report: &Report, out: &mut String) {
    out.push_str("<aside aria-label=\"Techniques and filters\">\n");
    filters(report, out);
    out.push_str("<h2>Techniques</h2>\n");
    if report.techniques.is_empty() {
        out.push_str("<p class=\"small\">No sentence reaches the threshold.</p>\n");
    }
    out.push_str("<ul class=\"techniques\">\n");
    for technique in &report.techniques {
        choice(technique, out);
    }
    out.push_str("</ul>\n</aside>\n");
}

/// A technique in the list: pressed, its sentences alone are marked.
fn choice(technique: &Technique, out: &mut String) {
    let tactics: Vec<String> = technique.tactics.iter().map(|tactic| shown(tactic)).collect();
    let id = shown(&technique.technique);
    _ = writeln!(
        out,
        "<li><button type=\"button\" disabled=\"disabled\" aria-pressed=\"false\" \
         data-technique=\"{id}\"><span class=\"id\">{id}</span><span class=\"count\">{}</span>\
         <span class=\"name\">{}</span><span class=\"tactics\">{}</span>\
         <span class=\"chance\">{}{:.2}</span></button></li>",
        counted(technique.evidence.len(), "sentence"),
        shown(&technique.name),
        tactics.join(", ").replace('-', " "),
        bar(technique.probability),
        technique.probability
    );
}

fn filters(report: &Report, out: &mut String) {
    let threshold = report.model.threshold;
    let of = |certainty| {
        let all = report.sentences().filter_map(|(_, _, one)| Certainty::of(one, threshold));
        all.filter(|found| *found == certainty).count()
    };
    out.push_str(
        "<form class=\"filters\" hidden=\"hidden\">\n<fieldset><legend>Certainty</legend>\n",
    );
    for certainty in Certainty::ALL {
        let (count, class) = (of(certainty), certainty.class());
        if count == 0 && certainty > Certainty::Likely {
            continue;
        }
        let checked = if certainty <= Certainty::Likely { " checked=\"checked\"" } else { "" };
        _ = writeln!(
            out,
            "<label><input type=\"checkbox\" name=\"{class}\"{checked}/> <span class=\"swatch \
             {class}\">{}</span> <span class=\"small\">{count}</span></label>",
            certainty.meaning(threshold)
        );
    }
    out.push_str(
        "</fieldset>\n<label class=\"only\"><input type=\"checkbox\" name=\"only\"/> Only paragraphs \
         with a mark</label>\n<p class=\"steps\"><button type=\"button\" name=\"previous\" \
         aria-keyshortcuts=\"p\">◂ Previous</button> <button type=\"button\" name=\"next\" \
         aria-keyshortcuts=\"n\">Next ▸</button> <button type=\"button\" name=\"clear\" \
         aria-keyshortcuts=\"Escape\">All techniques</button></p>\n\
         <p class=\"small\"><output></output> <span class=\"keys\">Keys: <kbd>n</kbd> next, \
         <kbd>p</kbd> previous, <kbd>Enter</kbd> alternatives, <kbd>Esc</kbd> all \
         techniques.</span></p>\n</form>\n",
    );
}

fn foot(report: &Report, out: &mut String) {
    out.push_str("<footer><p>");
    let unseen = report.sentences().filter(|(_, _, one)| one.evidence);
    let seen = unseen.filter(|(_, _, one)| one.accepted.is_some() || one.corrected.is_some());
    if seen.count() == 0 {
        out.push_str(
            "Nobody has reviewed these marks. To do so, write yes or no into the column accepted of \
             report.csv, or the right id into corrected. ",
        );
    }
    out.push_str(
        "Addresses are defanged, and nothing on this page is loaded or linked. Names of techniques: \
         MITRE ATT&amp;CK®.</p></footer>\n",
    );
}
