//! Markdown, as CommonMark reads it, with tables and footnotes.

use crate::budget::{Budget, Outcome};
use crate::select::{Draft, Role};
use crate::table::{self, Cell};
use crate::{html, text};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A longer file is read as plain text: nobody writes one, and its nesting could take long.
const LONGEST: usize = 8 << 20;

/// The drafts of a Markdown text.
pub(crate) fn drafts(
    source: &str,
    budget: &mut Budget,
    notes: &mut Vec<String>,
) -> Outcome<Vec<Draft>> {
    if source.len() > LONGEST {
        notes.push(format!("Markdown of more than {LONGEST} bytes: read as plain text"));
        return text::drafts(source, budget);
    }
    budget.spend(source.len())?;
    let source = source.trim_start_matches('\u{feff}');
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(source, options) {
        let before = reader.drafts.len();
        reader.take(event, budget)?;
        budget.spend_blocks(reader.drafts.len() - before)?;
    }
    reader.close(Role::Text);
    Ok(reader.drafts)
}

#[derive(Default)]
struct Reader {
    drafts: Vec<Draft>,
    text: String,
    /// Cells of the table's row that is open.
    cells: Vec<Cell>,
    /// HTML between Markdown.
    markup: String,
    /// Footnotes that are open.
    notes: usize,
    /// Images that are open: what stands for one is no text.
    images: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, budget: &mut Budget) -> Outcome<()> {
        match event {
            Event::Start(Tag::Image { .. }) => self.images += 1,
            Event::End(TagEnd::Image) => self.images = self.images.saturating_sub(1),
            Event::Start(Tag::TableCell) => {}
            Event::End(TagEnd::TableCell) => {
                let text = std::mem::take(&mut self.text);
                if !text.trim().is_empty() {
                    self.cells.push(Cell { text, is_text: true });
                }
            }
            Event::Start(Tag::FootnoteDefinition(_)) => {
                self.close(Role::Text);
                self.notes += 1;
            }
            Event::End(TagEnd::FootnoteDefinition) => {
                self.close(Role::Text);
                self.notes = self.notes.saturating_sub(1);
            }
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. }) => {}
            Event::Start(_) => self.close(Role::Text),
            Event::End(TagEnd::Heading(_)) => self.close(Role::Heading),
            Event::End(TagEnd::CodeBlock) => self.close(Role::Code),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                let cells = std::mem::take(&mut self.cells);
                self.drafts.extend(table::row(cells));
            }
            Event::End(TagEnd::MetadataBlock(_)) => self.close(Role::Navigation),
            Event::End(TagEnd::HtmlBlock) => {
                let markup = std::mem::take(&mut self.markup);
                self.drafts.extend(html::drafts(&markup, budget)?);
            }
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::BlockQuote(_)) => {
                self.close(Role::Text);
            }
            Event::End(_) | Event::InlineHtml(_) | Event::FootnoteReference(_) => {}
            Event::Html(markup) => self.markup.push_str(&markup),
            _ if self.images > 0 => {}
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text.push_str(&text),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::Rule => self.close(Role::Text),
            Event::TaskListMarker(_) => {}
        }
        Ok(())
    }

    fn close(&mut self, role: Role) {
        let text = std::mem::take(&mut self.text);
        let role = if self.notes > 0 { Role::Reference } else { role };
        if !text.trim().is_empty() {
            self.drafts.push(Draft::new(role, text));
        }
    }
}
