//! HTML, as the standard's tokens. No tree is built, so that nesting costs nothing: of the open
//! elements only those are counted that change what a text is.

mod hidden;
mod styles;

use crate::budget::{Budget, Outcome};
use crate::select::{Draft, Role};
use crate::table::{self, Cell, PARAGRAPH};
use hidden::{Faint, Hidden, Open, look};
use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use styles::{Appearance, Styles};

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
    let styles = styles_of(page, budget)?;
    let mut reader = Reader::default();
    for token in tokens(page) {
        let before = reader.drafts.len() + reader.cells.len();
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name);
                let look = look(&tag, &name, &styles);
                // `<svg/>` closes itself; `<div/>` does not.
                let closed = tag.self_closing && matches!(&*name, "svg" | "math");
                if !closed {
                    reader.open(&name, look);
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
    reader.end_faint(Some(0));
    reader.end_block();
    reader.end_row();
    Ok(reader.drafts)
}

fn tokens(page: &str) -> impl Iterator<Item = Token> {
    let mut emitter = DefaultEmitter::default();
    // Scripts and styles are not looked through for tags.
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(page, emitter).flatten()
}

/// The style sheets of a page, wherever they stand in it. One in `noscript` or a template holds for
/// nothing that a reader sees.
fn styles_of(page: &str, budget: &mut Budget) -> Outcome<Styles> {
    let mut styles = Styles::default();
    let is_style = |at: usize| {
        page.as_bytes().get(at + 1..at + 6).is_some_and(|name| name.eq_ignore_ascii_case(b"style"))
    };
    if !memchr::memchr_iter(b'<', page.as_bytes()).any(is_style) {
        return Ok(styles);
    }
    let (mut sheet, mut without) = (None, 0_usize);
    for token in tokens(page) {
        budget.check()?;
        match token {
            Token::StartTag(tag) => match &**tag.name {
                b"style" => sheet = (without == 0 && is_for_screens(&tag)).then(String::new),
                b"noscript" | b"template" => without += 1,
                _ => {}
            },
            Token::EndTag(tag) => match &**tag.name {
                b"style" => styles.add(&sheet.take().unwrap_or_default(), budget)?,
                b"noscript" | b"template" => without = without.saturating_sub(1),
                _ => {}
            },
            Token::String(text) => {
                if let Some(sheet) = &mut sheet {
                    sheet.push_str(&String::from_utf8_lossy(&text));
                }
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    styles.add(&sheet.unwrap_or_default(), budget)?;
    Ok(styles)
}

/// Whether a style sheet holds on any screen.
fn is_for_screens(tag: &StartTag<()>) -> bool {
    let own = |name: &[u8]| {
        let value = tag.attributes.get(name).map(|found| String::from_utf8_lossy(&found.value));
        value.map_or(String::new(), |value| value.trim().to_ascii_lowercase())
    };
    let is_css = ["", "text/css"].contains(&own(b"type").as_str());
    is_css && styles::medium(&own(b"media")) == Some(false)
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
    /// Open elements that change whether their text can be seen by its size and colour.
    faint: Vec<Faint>,
    was_break: bool,
}

impl Reader {
    fn is_unseen(&self) -> bool {
        self.unseen.iter().any(|open| *open > 0)
    }

    fn open(&mut self, name: &str, look: Appearance) {
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
        let ended = self.faint.iter_mut().position(|faint| faint.element.start(name));
        self.end_faint(ended);
        if BLOCKS.contains(&name) {
            self.end_block();
        }
        if look.hidden && unseen.is_none() {
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
        self.start_faint(name, look);
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
                self.end_tag_of_faint(name);
                return;
            }
        }
        self.end_tag_of_faint(name);
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
        if let Some(faint) = self.faint.last_mut().filter(|faint| faint.is_unseen()) {
            faint.element.text.push_str(text);
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

    /// Begins an element whose text can be seen where that around it cannot, or the other way round.
    fn start_faint(&mut self, name: &str, look: Appearance) {
        let before = self.faint.last().map_or([false; 2], |faint| faint.now);
        let [size, colour] = look.faint;
        let now = [size.unwrap_or(before[0]), colour.unwrap_or(before[1])];
        if now != before && self.faint.len() < Faint::DEEPEST && !self.is_unseen() {
            self.faint.push(Faint::new(name, &self.open, now));
        }
    }

    fn end_tag_of_faint(&mut self, name: &str) {
        let ended = self.faint.iter_mut().position(|faint| faint.end(name));
        self.end_faint(ended);
    }

    /// Ends one of these elements, with those in it.
    fn end_faint(&mut self, from: Option<usize>) {
        let Some(from) = from else { return };
        for faint in self.faint.drain(from..) {
            if faint.is_unseen() {
                self.drafts.push(Draft::new(Role::Hidden, faint.element.text));
            }
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
