//! DOCX: the paragraphs of its main part and its footnotes. Headers and footers of pages, comments
//! and what was deleted are other parts or elements, which are not read. Text that is hidden
//! (`w:vanish`, of a run or of its styles) is told and not read. `w:webHidden` hides only in a view
//! that is not printed, and `w:specVanish` is of a paragraph's mark: text with these is read.

mod styles;

use crate::budget::{Budget, Outcome};
use crate::select::{Draft, Role};
use crate::table::{self, Cell, PARAGRAPH};
use quick_xml::Reader as XmlReader;
use quick_xml::events::{BytesStart, Event};
use std::io::Cursor;
use styles::{STYLES, Styles};
use zip::ZipArchive;
use zip::result::ZipError;

const MAIN: &str = "word/document.xml";
const NOTES: [&str; 2] = ["word/footnotes.xml", "word/endnotes.xml"];
/// A cell of more words is a paragraph of a page that is laid out by a table.
const CELL: usize = 40;
/// Paragraphs in the text boxes of paragraphs that are told apart.
const DEEPEST: usize = 100;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The drafts of a DOCX file.
pub(crate) fn drafts(bytes: &[u8], budget: &mut Budget) -> Outcome<Vec<Draft>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("a damaged or truncated DOCX ({error})"))?;
    let Some(main) = part(&mut archive, MAIN, budget)? else {
        return Err(format!("a zip archive without {MAIN}: no DOCX"));
    };
    let styles = match part(&mut archive, STYLES, budget)? {
        Some(styles) => Styles::read(&styles, budget)?,
        None => Styles::default(),
    };
    let mut drafts = paragraphs(MAIN, &main, &styles, budget)?;
    for name in NOTES {
        if let Some(notes) = part(&mut archive, name, budget)? {
            drafts.extend(paragraphs(name, &notes, &styles, budget)?);
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

/// The first attribute of this name. That no name comes twice is not checked: before quick-xml 0.41
/// that takes the square of their number (RUSTSEC-2026-0194).
fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> String {
    let mut all = tag.attributes();
    let mut read = all.with_checks(false).flatten();
    let found = read.find(|one| one.key.local_name().as_ref() == name);
    found.map_or(String::new(), |one| String::from_utf8_lossy(&one.value).into_owned())
}

/// Whether a property is on, as it is without a value.
fn is_on(tag: &BytesStart<'_>) -> bool {
    !["0", "false", "off"].contains(&attribute(tag, b"val").as_str())
}

fn paragraphs(name: &str, xml: &[u8], styles: &Styles, budget: &mut Budget) -> Outcome<Vec<Draft>> {
    let mut reader = Reader::new(styles);
    events(name, xml, budget, |event| reader.take(event))?;
    reader.end_paragraph();
    reader.end_row();
    budget.spend_blocks(reader.drafts.len())?;
    Ok(reader.drafts)
}

/// An open paragraph, and what its open run says of itself.
#[derive(Default)]
struct Paragraph {
    /// Whether its style hides its text.
    hides: bool,
    /// Whether the run hides in which it stands.
    within_hidden: bool,
    run: Option<Run>,
}

#[derive(Default)]
struct Run {
    style: Option<String>,
    vanish: Option<bool>,
}

struct Reader<'a> {
    styles: &'a Styles,
    drafts: Vec<Draft>,
    text: String,
    /// The paragraph's text that is not shown.
    hidden: String,
    /// The open paragraphs, outermost first; that of a text box stands in another's run. Those
    /// beyond [`DEEPEST`] are only counted.
    open: Vec<Paragraph>,
    deeper: usize,
    /// Open elements whose run properties are not the run's own: those of a paragraph's mark, and
    /// those before a change.
    others: usize,
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
    fn new(styles: &'a Styles) -> Self {
        Self {
            styles,
            drafts: Vec::new(),
            text: String::new(),
            hidden: String::new(),
            open: Vec::new(),
            deeper: 0,
            others: 0,
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
            Event::Text(text) if self.is_read() => self.push(&String::from_utf8_lossy(&text)),
            Event::CData(text) if self.is_read() => self.push(&String::from_utf8_lossy(&text)),
            Event::GeneralRef(entity) if self.is_read() => {
                if let Ok(Some(c)) = entity.resolve_char_ref() {
                    self.push(c.encode_utf8(&mut [0; 4]));
                } else {
                    // No other name has a meaning without a document type.
                    self.push(match &*entity {
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

    fn push(&mut self, text: &str) {
        if self.is_hidden() {
            self.hidden.push_str(text);
        } else {
            // Hidden text on both sides of a word is no word.
            if !self.hidden.is_empty() {
                self.hidden.push(' ');
            }
            self.text.push_str(text);
        }
    }

    /// Whether the open run's text is hidden; what the run says itself counts before its styles.
    fn is_hidden(&self) -> bool {
        let Some(Paragraph { hides, within_hidden, run }) = self.open.last() else { return false };
        let style = run.as_ref().and_then(|run| run.style.as_deref());
        let by_style = || self.styles.hides_run(*hides, style);
        *within_hidden || run.as_ref().and_then(|run| run.vanish).unwrap_or_else(by_style)
    }

    fn open_paragraph(&mut self) {
        self.others = 0;
        if self.open.len() == DEEPEST {
            self.deeper += 1;
            return;
        }
        let within_hidden =
            self.open.last().is_some_and(|outer| outer.run.is_some()) && self.is_hidden();
        let hides = self.styles.hides_paragraph(None);
        self.open.push(Paragraph { hides, within_hidden, run: None });
    }

    fn close_paragraph(&mut self) {
        match self.deeper.checked_sub(1) {
            Some(deeper) => self.deeper = deeper,
            None => drop(self.open.pop()),
        }
    }

    /// The open run, where a property is its own.
    fn run(&mut self) -> Option<&mut Run> {
        if self.others > 0 { None } else { self.open.last_mut()?.run.as_mut() }
    }

    fn open(&mut self, tag: &BytesStart<'_>, empty: bool) {
        match tag.local_name().as_ref() {
            b"p" => {
                self.end_paragraph();
                if !empty {
                    self.open_paragraph();
                }
            }
            b"r" if !empty => {
                self.others = 0;
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.run = Some(Run::default());
                }
            }
            b"pPr" | b"rPrChange" | b"pPrChange" if !empty => self.others += 1,
            b"rStyle" => {
                if let Some(run) = self.run() {
                    run.style = Some(attribute(tag, b"val"));
                }
            }
            b"vanish" => {
                if let Some(run) = self.run() {
                    run.vanish = Some(is_on(tag));
                }
            }
            b"pStyle" if self.others < 2 => {
                let style = attribute(tag, b"val");
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.hides = self.styles.hides_paragraph(Some(&style));
                }
                let lower = style.to_lowercase();
                self.title = self.styles.is_title(&style) || lower.starts_with("heading");
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
            b"p" => {
                self.end_paragraph();
                self.close_paragraph();
            }
            b"r" => {
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.run = None;
                }
            }
            b"pPr" | b"rPrChange" | b"pPrChange" => self.others = self.others.saturating_sub(1),
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
        let hidden = std::mem::take(&mut self.hidden);
        if !hidden.is_empty() {
            self.drafts.push(Draft::new(Role::Hidden, hidden));
        }
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
