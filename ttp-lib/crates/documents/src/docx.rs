//! DOCX: the paragraphs of its main part and its footnotes. Headers and footers of pages, comments
//! and what was deleted are other parts or elements, which are not read.

use crate::budget::{Budget, Outcome};
use crate::select::{Draft, Role};
use crate::table::{self, Cell, PARAGRAPH};
use quick_xml::Reader as XmlReader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashSet;
use std::io::Cursor;
use zip::ZipArchive;
use zip::result::ZipError;

const MAIN: &str = "word/document.xml";
const NOTES: [&str; 2] = ["word/footnotes.xml", "word/endnotes.xml"];
const STYLES: &str = "word/styles.xml";
/// A cell of more words is a paragraph of a page that is laid out by a table.
const CELL: usize = 40;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The drafts of a DOCX file.
pub(crate) fn drafts(bytes: &[u8], budget: &mut Budget) -> Outcome<Vec<Draft>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("a damaged or truncated DOCX ({error})"))?;
    let Some(main) = part(&mut archive, MAIN, budget)? else {
        return Err(format!("a zip archive without {MAIN}: no DOCX"));
    };
    let titles = match part(&mut archive, STYLES, budget)? {
        Some(styles) => titles(&styles, budget)?,
        None => HashSet::new(),
    };
    let mut drafts = paragraphs(MAIN, &main, &titles, budget)?;
    for name in NOTES {
        if let Some(notes) = part(&mut archive, name, budget)? {
            drafts.extend(paragraphs(name, &notes, &titles, budget)?);
        }
    }
    Ok(drafts)
}

/// A part of the archive, unpacked within the budget.
fn part(archive: &mut Archive<'_>, name: &str, budget: &mut Budget) -> Outcome<Option<Vec<u8>>> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(ZipError::UnsupportedArchive(reason)) if reason == ZipError::PASSWORD_REQUIRED => {
            return Err("encrypted: save it without a password".to_owned());
        }
        Err(error) => return Err(format!("{name}: {error}")),
    };
    let (bytes, broken) = budget.unpack(file).map_err(|reason| format!("{name} {reason}"))?;
    match broken {
        Some(error) => Err(format!("{name}: damaged ({error})")),
        None => Ok(Some(bytes)),
    }
}

/// Hands each event of a part to `take`. A document type is refused: DOCX has none, and it is what
/// declares entities, which would be fetched or multiplied.
fn events(name: &str, xml: &[u8], budget: &Budget, mut take: impl FnMut(Event<'_>)) -> Outcome<()> {
    let mut reader = XmlReader::from_reader(xml);
    reader.config_mut().check_end_names = false;
    loop {
        budget.check()?;
        let at = reader.buffer_position();
        match reader.read_event() {
            Ok(Event::Eof) => return Ok(()),
            Ok(Event::DocType(_)) => {
                return Err(format!("{name} declares a document type (entities): refused"));
            }
            Ok(event) => take(event),
            Err(error) => return Err(format!("{name}, byte {at}: {error}")),
        }
    }
}

/// The ids of styles that are titles, by their names.
fn titles(styles: &[u8], budget: &Budget) -> Outcome<HashSet<String>> {
    let mut found = HashSet::new();
    let mut id = String::new();
    events(STYLES, styles, budget, |event| {
        let (Event::Start(tag) | Event::Empty(tag)) = event else { return };
        match tag.local_name().as_ref() {
            b"style" => id = attribute(&tag, b"styleId"),
            b"name" => {
                let name = attribute(&tag, b"val").to_lowercase();
                if ["heading", "title", "subtitle"].iter().any(|title| name.starts_with(title)) {
                    found.insert(id.clone());
                }
            }
            _ => {}
        }
    })?;
    Ok(found)
}

fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> String {
    let found = tag.attributes().flatten().find(|one| one.key.local_name().as_ref() == name);
    found.map_or(String::new(), |one| String::from_utf8_lossy(&one.value).into_owned())
}

fn paragraphs(
    name: &str,
    xml: &[u8],
    titles: &HashSet<String>,
    budget: &mut Budget,
) -> Outcome<Vec<Draft>> {
    let mut reader = Reader::new(titles);
    events(name, xml, budget, |event| reader.take(event))?;
    reader.end_paragraph();
    reader.end_row();
    budget.spend_blocks(reader.drafts.len())?;
    Ok(reader.drafts)
}

struct Reader<'a> {
    titles: &'a HashSet<String>,
    drafts: Vec<Draft>,
    text: String,
    title: bool,
    code: bool,
    /// Within `w:t`.
    reads: bool,
    /// Tables, cells and second versions of a drawing that are open.
    tables: usize,
    fallbacks: usize,
    cell: String,
    cells: Vec<Cell>,
}

impl<'a> Reader<'a> {
    fn new(titles: &'a HashSet<String>) -> Self {
        Self {
            titles,
            drafts: Vec::new(),
            text: String::new(),
            title: false,
            code: false,
            reads: false,
            tables: 0,
            fallbacks: 0,
            cell: String::new(),
            cells: Vec::new(),
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag, false),
            Event::Empty(tag) => self.open(&tag, true),
            Event::End(tag) => self.close(tag.local_name().as_ref()),
            Event::Text(text) if self.is_read() => {
                self.text.push_str(&String::from_utf8_lossy(&text));
            }
            Event::CData(text) if self.is_read() => {
                self.text.push_str(&String::from_utf8_lossy(&text));
            }
            Event::GeneralRef(entity) if self.is_read() => {
                if let Ok(Some(c)) = entity.resolve_char_ref() {
                    self.text.push(c);
                } else {
                    // No other name has a meaning without a document type.
                    self.text.push_str(match &*entity {
                        b"amp" => "&",
                        b"lt" => "<",
                        b"gt" => ">",
                        b"quot" => "\"",
                        b"apos" => "'",
                        _ => "",
                    });
                }
            }
            _ => {}
        }
    }

    fn is_read(&self) -> bool {
        self.reads && self.fallbacks == 0
    }

    fn open(&mut self, tag: &BytesStart<'_>, empty: bool) {
        match tag.local_name().as_ref() {
            b"p" => self.end_paragraph(),
            b"pStyle" => {
                let style = attribute(tag, b"val");
                let lower = style.to_lowercase();
                self.title = self.titles.contains(&style) || lower.starts_with("heading");
                self.code = lower.contains("code") || lower.contains("preformatted");
            }
            b"t" => self.reads = !empty,
            b"tab" | b"br" | b"cr" => self.text.push(' '),
            b"noBreakHyphen" => self.text.push('-'),
            b"tbl" if !empty => {
                self.end_paragraph();
                self.tables += 1;
            }
            b"Fallback" if !empty => self.fallbacks += 1,
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"p" => self.end_paragraph(),
            b"t" => self.reads = false,
            b"tc" => {
                self.end_paragraph();
                let cell = std::mem::take(&mut self.cell);
                if cell.split_whitespace().nth(CELL).is_some() {
                    self.drafts.push(Draft::new(Role::Text, cell));
                } else if !cell.trim().is_empty() {
                    self.cells.push(Cell { text: cell, is_text: true });
                }
            }
            b"tr" => self.end_row(),
            b"tbl" => {
                self.end_row();
                self.tables = self.tables.saturating_sub(1);
            }
            b"Fallback" => self.fallbacks = self.fallbacks.saturating_sub(1),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        let (title, code) = (std::mem::take(&mut self.title), std::mem::take(&mut self.code));
        if text.trim().is_empty() {
            return;
        }
        if self.tables > 0 {
            self.cell.push(PARAGRAPH);
            self.cell.push_str(&text);
            return;
        }
        let role = match () {
            () if title => Role::Heading,
            () if code => Role::Code,
            () => Role::Text,
        };
        self.drafts.push(Draft::new(role, text));
    }

    fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        self.drafts.extend(table::row(cells));
    }
}
