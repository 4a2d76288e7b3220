//! A document's text on the page: its paragraphs with marked sentences, and what was not read, folded.

use super::{Certainty, bar, found_in, shown};
use crate::{DocumentFindings, Judgement, Report};
use std::fmt::Write;
use ttp_base::show::{defang, escape_html, harmless};
use ttp_documents::{Block, Kind};

/// A document's part of the page.
pub(super) struct Section<'a> {
    pub report: &'a Report,
    pub read: &'a DocumentFindings,
    pub number: usize,
}

/// A sentence's place in its block, in characters.
struct Piece<'a> {
    start: usize,
    end: usize,
    number: usize,
    judgement: &'a Judgement,
}

impl Section<'_> {
    pub fn write(&self, out: &mut String) {
        let document = &self.read.document;
        let number = self.number;
        _ = writeln!(
            out,
            "<section class=\"document\" id=\"d{number}\">\n<h2>{}</h2>\n<p class=\"small\">{}, {}, \
             sha256 <code>{}</code></p>",
            shown(&document.name),
            document.format.name(),
            found_in(self.read),
            shown(&document.sha256)
        );
        for note in &document.notes {
            _ = writeln!(out, "<p class=\"note\">{}</p>", shown(note));
        }
        let mut by_block: Vec<Vec<Piece<'_>>> = Vec::new();
        by_block.resize_with(document.blocks.len(), Vec::new);
        for (number, judgement) in self.read.sentences.iter().enumerate() {
            let sentence = &judgement.sentence;
            if let Some(pieces) = by_block.get_mut(sentence.block) {
                pieces.push(Piece { start: sentence.start, end: sentence.end, number, judgement });
            }
        }
        let mut page = None;
        let mut at = 0;
        while let Some(block) = document.blocks.get(at) {
            if block.page != page {
                page = block.page;
                if let Some(page) = page {
                    _ = writeln!(out, "<p class=\"page\">Page {page}</p>");
                }
            }
            let pieces = &mut by_block[at];
            let is_read = |kind: Kind, pieces: &[Piece<'_>]| {
                matches!(kind, Kind::Prose) || !pieces.is_empty()
            };
            if is_read(block.kind, pieces) {
                self.paragraph(block, std::mem::take(pieces), out);
                at += 1;
            } else if block.kind == Kind::Heading {
                _ = writeln!(out, "<h3>{}</h3>", shown(&block.text));
                at += 1;
            } else {
                let alike = document.blocks[at..].iter().zip(&by_block[at..]).take_while(
                    |(other, pieces)| {
                        (other.kind, other.page) == (block.kind, page) && pieces.is_empty()
                    },
                );
                let end = at + alike.count().max(1);
                left_out(&document.blocks[at..end], out);
                at = end;
            }
        }
        out.push_str("</section>\n");
    }

    fn paragraph(&self, block: &Block, mut pieces: Vec<Piece<'_>>, out: &mut String) {
        pieces.sort_by_key(|piece| (piece.start, piece.end));
        let text: Vec<char> = block.text.chars().collect();
        let part = |from: usize, to: usize| text[from..to].iter().collect::<String>();
        out.push_str("<div class=\"prose\">");
        let mut done = 0;
        for piece in pieces {
            let start = safe_cut(&text, done, piece.start.min(text.len()));
            let end = safe_cut(&text, start, piece.end.min(text.len()));
            out.push_str(&shown(&part(done, start)));
            done = end;
            let sentence = part(start, end);
            match Certainty::of(piece.judgement, self.report.model.threshold) {
                // Where the text has nothing at its place, the sentence itself is shown.
                Some(certainty) if sentence.trim().is_empty() => {
                    let own = ("sentence own", piece.judgement.sentence.text.as_str());
                    self.mark(&piece, certainty, own, out);
                }
                Some(certainty) => self.mark(&piece, certainty, ("sentence", &sentence), out),
                None => out.push_str(&shown(&sentence)),
            }
        }
        out.push_str(&shown(&part(done, text.len())));
        out.push_str("</div>\n");
    }

    /// A marked sentence with its class, which opens to its alternatives.
    fn mark(
        &self,
        piece: &Piece<'_>,
        certainty: Certainty,
        (class, text): (&str, &str),
        out: &mut String,
    ) {
        let Piece { number, judgement, .. } = *piece;
        let first = match (certainty, &judgement.corrected) {
            (_, Some(corrected)) => corrected.as_str(),
            (Certainty::Near, None) => {
                judgement.similar.first().map_or("", |near| near.technique.as_str())
            }
            (_, None) => {
                judgement.candidates.first().map_or("", |candidate| candidate.technique.as_str())
            }
        };
        let chance = match certainty {
            Certainty::Near => judgement.similar.first().map_or(0.0, |near| near.cosine),
            _ => judgement.probability_of(first),
        };
        let reviewed = match (judgement.accepted, &judgement.corrected) {
            (_, Some(_)) => (" reviewed", "corrected "),
            (Some(true), None) => (" reviewed", "accepted "),
            (Some(false), None) => (" rejected", "rejected "),
            (None, None) => ("", ""),
        };
        let id = shown(first);
        _ = write!(
            out,
            "<details class=\"mark {}{}\" id=\"s{}-{number}\" data-technique=\"{id}\"><summary>\
             <span class=\"{class}\">{}</span> <span class=\"chip\">{}{id} {chance:.2}</span>\
             </summary>",
            certainty.class(),
            reviewed.0,
            self.number,
            shown(text),
            reviewed.1
        );
        self.alternatives(number, judgement, out);
        out.push_str("</details>");
    }

    fn alternatives(&self, number: usize, judgement: &Judgement, out: &mut String) {
        out.push_str("<div class=\"panel\"><ol class=\"candidates\">");
        let line = |id: &str, name: &str, chance: f64, out: &mut String| {
            _ = write!(
                out,
                "<li><code>{}</code> <span class=\"name\">{}</span> <span class=\"chance\">{}\
                 {chance:.2}</span></li>",
                shown(id),
                shown(name),
                bar(chance)
            );
        };
        for candidate in &judgement.candidates {
            let name = self.report.name_of(&candidate.technique).unwrap_or_default();
            line(&candidate.technique, name, candidate.probability, out);
        }
        line("none", "shows no technique", judgement.none, out);
        out.push_str("</ol>");
        if !judgement.similar.is_empty() {
            out.push_str(
                "<p class=\"small\">Nearest in ATT&amp;CK by the sentence model; a cosine is no \
                 probability:</p><ul class=\"similar\">",
            );
            for near in &judgement.similar {
                let unknown = if near.unknown_to_model {
                    " <span class=\"small\">the trained model cannot name it</span>"
                } else {
                    ""
                };
                _ = write!(
                    out,
                    "<li><code>{}</code> {} <span class=\"small\">cosine {:.2}</span>{unknown}<br/>\
                     <q>{}</q></li>",
                    shown(&near.technique),
                    shown(self.report.name_of(&near.technique).unwrap_or_default()),
                    near.cosine,
                    shown(&near.sentence)
                );
            }
            out.push_str("</ul>");
        }
        _ = write!(
            out,
            "<p class=\"small\">{}, {}; document {}, number {number} in report.csv</p></div>",
            shown(&self.read.document.name),
            self.read.place(judgement),
            self.number
        );
    }
}

/// Blocks of one kind that were not read.
fn left_out(blocks: &[Block], out: &mut String) {
    let Some(first) = blocks.first() else { return };
    let more = match blocks.len() {
        1 => String::new(),
        many => format!(" ({many} blocks)"),
    };
    _ = write!(
        out,
        "<details class=\"left-out\"><summary><span class=\"kind\">{}, not read{more}</span> <span \
         class=\"start\">{}</span></summary>",
        kind_name(first.kind),
        escape_html(&harmless(&first.text, 90))
    );
    for block in blocks {
        _ = write!(out, "<p>{}</p>", shown(&block.text));
    }
    out.push_str("</details>\n");
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Prose => "Text",
        Kind::Heading => "Title",
        Kind::Navigation => "Menu or notice",
        Kind::Reference => "Reference",
        Kind::Indicators => "Indicators",
        Kind::Table => "Table",
        Kind::Code => "Code",
        Kind::Hidden => "Hidden text",
    }
}

/// The place itself where the text may be cut there, the last cut being at `done`: each part is
/// defanged alone, and an address that lies over the cut would be whole again on the page. Then it is
/// cut behind the address. No address has a blank in it, so all that matters is the word around the
/// place.
fn safe_cut(text: &[char], done: usize, place: usize) -> usize {
    let place = place.max(done);
    let blank = |c: &char| c.is_whitespace();
    let start = text[done..place].iter().rposition(blank).map_or(done, |at| done + at + 1);
    let end = text[place..].iter().position(blank).map_or(text.len(), |at| place + at);
    if start == place || end == place {
        return place;
    }
    let of = |from: usize, to: usize| defang(&text[from..to].iter().collect::<String>());
    if of(start, end) == of(start, place) + &of(place, end) { place } else { end }
}
