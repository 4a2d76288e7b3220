//! What the styles of a DOCX file say: which are titles, and which hide their text (`w:vanish`).

use super::{attribute, events, is_on};
use crate::budget::{Budget, Outcome};
use quick_xml::events::{BytesStart, Event};
use std::collections::{HashMap, HashSet};

pub(super) const STYLES: &str = "word/styles.xml";
/// More are refused; a document that people wrote has some hundreds.
const MOST: usize = 100_000;

/// The styles of a document, by their ids.
#[derive(Default)]
pub(super) struct Styles {
    titles: HashSet<String>,
    hiding: HashSet<String>,
    /// Whether text is hidden that no style and no run says anything of.
    all_hidden: bool,
    /// Whether the style of a paragraph, or of a run, that names none hides its text.
    paragraphs_hidden: bool,
    runs_hidden: bool,
}

/// A style before what it is based on is followed.
#[derive(Default)]
struct Style {
    based_on: String,
    vanish: Option<bool>,
    followed: bool,
}

impl Styles {
    pub(super) fn read(xml: &[u8], budget: &Budget) -> Outcome<Self> {
        let mut reader = Reader::default();
        events(STYLES, xml, budget, |event| reader.take(event))?;
        reader.end_style();
        if reader.styles.len() > MOST {
            return Err(format!("{STYLES} has more than {MOST} styles"));
        }
        Ok(reader.finish())
    }

    pub(super) fn is_title(&self, id: &str) -> bool {
        self.titles.contains(id)
    }

    /// Whether the style of a paragraph hides its text.
    pub(super) fn hides_paragraph(&self, id: Option<&str>) -> bool {
        id.map_or(self.paragraphs_hidden, |id| self.hiding.contains(id))
    }

    /// Whether a run's text is hidden where the run itself says nothing: by the document's default,
    /// or by the style of the paragraph or of the run. If both of these hide, the text is shown
    /// (ECMA-376, 17.7.3: `vanish` is a toggle property).
    pub(super) fn hides_run(&self, in_hidden_paragraph: bool, id: Option<&str>) -> bool {
        let run = id.map_or(self.runs_hidden, |id| self.hiding.contains(id));
        self.all_hidden || (in_hidden_paragraph != run)
    }
}

#[derive(Default)]
struct Reader {
    found: Styles,
    styles: HashMap<String, Style>,
    id: String,
    style: Style,
    /// Ids of the styles of paragraphs and runs that name none.
    defaults: [String; 2],
    in_defaults: bool,
    /// Open elements whose run properties are not the style's own: those of a table's parts, and
    /// those that it had before a change.
    others: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag, false),
            Event::Empty(tag) => self.open(&tag, true),
            Event::End(tag) => match tag.local_name().as_ref() {
                b"docDefaults" => self.in_defaults = false,
                b"tblStylePr" | b"rPrChange" => self.others = self.others.saturating_sub(1),
                b"style" => self.end_style(),
                _ => {}
            },
            _ => {}
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, empty: bool) {
        match tag.local_name().as_ref() {
            b"docDefaults" => self.in_defaults = !empty,
            b"tblStylePr" | b"rPrChange" if !empty => self.others += 1,
            b"style" => {
                self.end_style();
                self.id = attribute(tag, b"styleId");
                self.others = 0;
                let kinds: [&str; 2] = ["paragraph", "character"];
                let kind = attribute(tag, b"type");
                let place = kinds.iter().position(|one| *one == kind);
                if let Some(at) = place.filter(|_| is_default(tag)) {
                    self.defaults[at].clone_from(&self.id);
                }
            }
            b"name" => {
                let name = attribute(tag, b"val").to_lowercase();
                if ["heading", "title", "subtitle"].iter().any(|title| name.starts_with(title)) {
                    self.found.titles.insert(self.id.clone());
                }
            }
            b"basedOn" => self.style.based_on = attribute(tag, b"val"),
            b"vanish" if self.in_defaults => self.found.all_hidden = is_on(tag),
            b"vanish" if self.others == 0 => self.style.vanish = Some(is_on(tag)),
            _ => {}
        }
    }

    fn end_style(&mut self) {
        let (id, style) = (std::mem::take(&mut self.id), std::mem::take(&mut self.style));
        // One more than are allowed is enough to be refused.
        let says = style.vanish.is_some() || !style.based_on.is_empty();
        if says && self.styles.len() <= MOST {
            self.styles.insert(id, style);
        }
    }

    fn finish(mut self) -> Styles {
        let ids: Vec<String> = self.styles.keys().cloned().collect();
        for id in ids {
            if self.vanishes(&id) {
                self.found.hiding.insert(id);
            }
        }
        let [paragraphs, runs] = &self.defaults;
        self.found.paragraphs_hidden = self.found.hiding.contains(paragraphs);
        self.found.runs_hidden = self.found.hiding.contains(runs);
        self.found
    }

    /// What a style says, or the nearest of those that it is based on. Each is followed once, and
    /// what was found is kept for all on the way.
    fn vanishes(&mut self, id: &str) -> bool {
        let mut way = Vec::new();
        let mut at = id.to_owned();
        let found = loop {
            let Some(style) = self.styles.get_mut(&at) else { break false };
            match style.vanish {
                Some(vanish) => break vanish,
                // A loop.
                None if style.followed => break false,
                None => style.followed = true,
            }
            let next = style.based_on.clone();
            way.push(std::mem::replace(&mut at, next));
        };
        for id in way {
            if let Some(style) = self.styles.get_mut(&id) {
                style.vanish = Some(found);
            }
        }
        found
    }
}

/// Whether a style is its kind's default.
fn is_default(tag: &BytesStart<'_>) -> bool {
    ["1", "true", "on"].contains(&attribute(tag, b"default").as_str())
}
