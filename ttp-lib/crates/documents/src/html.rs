//! HTML, as the standard's tokens. No tree is built, so that nesting costs nothing: of the open
//! elements only those are counted that change what a text is.

mod hidden;

use crate::budget::{Budget, Outcome};
use crate::select::{Draft, Role};
use crate::table::{self, Cell, PARAGRAPH};
use hidden::{Hidden, Open, is_hidden};
use html5gum::{DefaultEmitter, Token, Tokenizer};

/// Elements whose text is not read.
const UNSEEN: [&str; 15] = [
    "script", "style", "svg", "math", "noscript", "iframe", "object", "canvas", "select",
    "textarea", "button", "audio", "video", "datalist", "map",
];
/// Elements around a text, as against those within one.
const BLOCKS: [&str; 38] = [
    "p",
    "div",
    "section",
    "article",
    "main",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "blockquote",
    "pre",
    "figure",
    "figcaption",
    "hr",
    "address",
    "details",
    "summary",
    "html",
    "head",
    "body",
    "title",
    "caption",
    "center",
    "fieldset",
    "legend",
    "form",
    "nav",
    "header",
    "footer",
    "aside",
];
/// A cell of more words is a paragraph of a page that is laid out by a table.
const CELL: usize = 40;
/// A block of links alone with at most so many words is a menu's.
const MENU: usize = 8;

/// The drafts of a page.
pub(crate) fn drafts(page: &str, budget: &mut Budget) -> Outcome<Vec<Draft>> {
    let mut emitter = DefaultEmitter::default();
    // Scripts and styles are not looked through for tags.
    emitter.naively_switch_states(true);
    let mut reader = Reader::default();
    for token in Tokenizer::new_with_emitter(page, emitter).flatten() {
        let before = reader.drafts.len() + reader.cells.len();
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name);
                let hidden = is_hidden(&tag, &name);
                // `<svg/>` closes itself; `<div/>` does not.
                let closed = tag.self_closing && matches!(&*name, "svg" | "math");
                if !closed {
                    reader.open(&name, hidden);
                }
            }
            Token::EndTag(tag) => reader.close(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => {
                budget.spend(text.len())?;
                reader.text(&String::from_utf8_lossy(&text));
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
        budget.spend_blocks((reader.drafts.len() + reader.cells.len()).saturating_sub(before))?;
    }
    reader.show();
    reader.end_block();
    reader.end_row();
    Ok(reader.drafts)
}

#[derive(Default)]
struct Reader {
    drafts: Vec<Draft>,
    text: String,
    /// Characters of `text` that stand in links, and in code.
    linked: usize,
    coded: usize,
    links: usize,
    codes: usize,
    pres: usize,
    unseen: [usize; UNSEEN.len()],
    /// Open `nav`, `header`, `footer`, `aside`, `menu`.
    bars: [usize; 5],
    articles: usize,
    titles: usize,
    heading: bool,
    cells: Vec<Cell>,
    in_cell: bool,
    open: Open,
    /// The element that is open and not shown, and what was unseen where it began.
    hidden: Option<(Hidden, [usize; UNSEEN.len()])>,
    was_break: bool,
}

impl Reader {
    fn is_unseen(&self) -> bool {
        self.unseen.iter().any(|open| *open > 0)
    }

    fn open(&mut self, name: &str, is_hidden: bool) {
        let unseen = UNSEEN.iter().position(|unseen| *unseen == name);
        if let Some((hidden, _)) = &mut self.hidden {
            if !hidden.start(name) {
                if let Some(at) = unseen {
                    self.unseen[at] += 1;
                }
                return;
            }
            self.show();
        }
        if BLOCKS.contains(&name) {
            self.end_block();
        }
        if is_hidden && unseen.is_none() {
            match name {
                "td" | "th" => self.end_cell(),
                "tr" | "table" => {
                    self.end_cell();
                    self.end_row();
                }
                _ => {}
            }
            self.hidden = Some((Hidden::new(name), self.unseen));
            return;
        }
        self.open.start(name);
        if let Some(at) = unseen {
            self.unseen[at] += 1;
        }
        if let Some(at) = bar(name) {
            self.bars[at] += 1;
        }
        match name {
            "a" => self.links += 1,
            "code" | "samp" | "kbd" => self.codes += 1,
            "pre" => self.pres += 1,
            "article" | "main" => self.articles += 1,
            "title" => self.titles += 1,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading = true,
            // A title that is never closed ends where a paragraph begins.
            "p" => self.heading = false,
            "br" => self.line_break(),
            "table" => {
                self.in_cell = false;
                self.end_block();
                self.end_row();
            }
            "tr" => {
                self.end_cell();
                self.end_row();
            }
            "td" | "th" => {
                self.end_cell();
                self.in_cell = true;
            }
            _ => {}
        }
        self.was_break &= name == "br";
    }

    fn close(&mut self, name: &str) {
        let less = |open: &mut usize| *open = open.saturating_sub(1);
        if let Some((hidden, before)) = &mut self.hidden {
            if !hidden.end(name, &self.open) {
                if let Some(at) = UNSEEN.iter().position(|unseen| *unseen == name) {
                    self.unseen[at] = self.unseen[at].saturating_sub(1).max(before[at]);
                }
                return;
            }
            let own = hidden.is(name);
            self.show();
            if own {
                return;
            }
        }
        self.open.end(name);
        if BLOCKS.contains(&name) {
            self.end_block();
        }
        if let Some(at) = UNSEEN.iter().position(|unseen| *unseen == name) {
            less(&mut self.unseen[at]);
        }
        if let Some(at) = bar(name) {
            less(&mut self.bars[at]);
        }
        match name {
            "a" => less(&mut self.links),
            "code" | "samp" | "kbd" => less(&mut self.codes),
            "pre" => less(&mut self.pres),
            "article" | "main" => less(&mut self.articles),
            "title" => less(&mut self.titles),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading = false,
            "td" | "th" => self.end_cell(),
            "tr" | "table" | "thead" | "tbody" => {
                self.end_cell();
                self.end_row();
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_unseen() {
            return;
        }
        if let Some((hidden, _)) = &mut self.hidden {
            hidden.text.push_str(text);
            return;
        }
        let letters = text.chars().filter(|c| !c.is_whitespace()).count();
        self.was_break &= letters == 0;
        if self.links > 0 {
            self.linked += letters;
        }
        if self.codes > 0 {
            self.coded += letters;
        }
        self.text.push_str(text);
    }

    /// Ends what is not shown.
    fn show(&mut self) {
        if let Some((hidden, unseen)) = self.hidden.take() {
            self.unseen = unseen;
            self.drafts.push(Draft::new(Role::Hidden, hidden.text));
        }
    }

    /// Two in a row part paragraphs.
    fn line_break(&mut self) {
        if self.was_break && self.pres == 0 {
            self.end_block();
        }
        self.text.push(' ');
        self.was_break = true;
    }

    fn end_block(&mut self) {
        if self.in_cell {
            self.text.push(PARAGRAPH);
            return;
        }
        let (linked, coded) = (std::mem::take(&mut self.linked), std::mem::take(&mut self.coded));
        let text = std::mem::take(&mut self.text);
        let letters = text.chars().filter(|c| !c.is_whitespace()).count();
        if letters == 0 {
            return;
        }
        // An article's own header holds its title.
        let [navs, headers, footers, asides, menus] = self.bars;
        let bars = navs + asides + menus + footers;
        let bar = bars > 0 || (headers > 0 && self.articles == 0 && !self.heading);
        let menu = linked * 10 >= letters * 8 && text.split_whitespace().count() <= MENU;
        let role = match () {
            () if bar || self.titles > 0 => Role::Navigation,
            () if self.heading => Role::Heading,
            () if self.pres > 0 || coded * 10 >= letters * 9 => Role::Code,
            () if menu => Role::Navigation,
            () => Role::Text,
        };
        self.drafts.push(Draft::new(role, text));
    }

    fn end_cell(&mut self) {
        if !std::mem::take(&mut self.in_cell) {
            self.end_block();
            return;
        }
        if self.text.split_whitespace().nth(CELL).is_some() {
            self.end_block();
            return;
        }
        let (linked, coded) = (std::mem::take(&mut self.linked), std::mem::take(&mut self.coded));
        let text = std::mem::take(&mut self.text);
        let letters = text.chars().filter(|c| !c.is_whitespace()).count();
        if letters > 0 {
            let is_text = linked * 10 < letters * 8 && coded * 10 < letters * 9 && self.pres == 0;
            self.cells.push(Cell { text, is_text });
        }
    }

    fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        if self.bars.iter().any(|open| *open > 0) {
            self.drafts.extend(table::whole_row(&cells, Role::Navigation));
        } else {
            self.drafts.extend(table::row(cells));
        }
    }
}

fn bar(name: &str) -> Option<usize> {
    ["nav", "header", "footer", "aside", "menu"].iter().position(|bar| *bar == name)
}
