//! The prose of a report, as sentences with their places.
//!
//! A report comes as plain text, Markdown, HTML, DOCX or PDF; its content decides, not its name.
//! [`Document::read`] cuts it into [`Block`]s, says of each whether it is prose or what else
//! ([`Kind`]), and [`Document::sentences`] gives the prose's sentences by the corpus's own rules.
//! [`read_file`] reads a file, and [`gather`] finds the reports of a folder.
//!
//! Nothing in a report is run, fetched or expanded: no macro, no script, no link, no entity that a
//! file declares itself. What is unpacked counts against [`Limits`] before it is stored, and every
//! reader looks at the clock; no reader calls itself for what a report nests.
//!
//! What a block is follows from plain rules, which `select.rs` lists.

mod budget;
mod docx;
mod files;
mod format;
mod html;
mod language;
mod markdown;
mod pdf;
mod references;
mod select;
mod sentences;
mod table;
mod text;
mod verbs;

#[cfg(test)]
mod tests;

use budget::Budget;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::{Display, Write};
use std::path::Path;
use ttp_base::{Error, Result};

pub use files::{gather, left_out, read_file};

/// What a report's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// Word's own format.
    Docx,
    /// PDF.
    Pdf,
}

impl Format {
    /// As readers know it: `plain text`, `PDF`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "plain text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Docx => "DOCX",
            Self::Pdf => "PDF",
        }
    }
}

/// What a block is. Only [`Kind::Prose`], which list items of prose are too, is read for techniques.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Running text.
    Prose,
    /// A title.
    Heading,
    /// A menu, a header or footer of a page, a notice of copyright or cookies.
    Navigation,
    /// An entry of the list of sources.
    Reference,
    /// Hashes, addresses, domains, file names: a list or table of indicators.
    Indicators,
    /// Another table.
    Table,
    /// Source code, a command or a rule.
    Code,
    /// Text that the document holds and does not show.
    Hidden,
}

/// A piece of a document that stands for itself: a paragraph, a title, a list's item, a table's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// The page, counted from 1; only a PDF has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// What it is.
    pub kind: Kind,
    /// Its text, on one line, without markup.
    pub text: String,
}

/// A document, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The file's name without its folder.
    pub name: String,
    /// What its bytes are.
    pub format: Format,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its blocks in the order of reading.
    pub blocks: Vec<Block>,
    /// What a reader should know, each a line: a wrong extension, another language, pages without text.
    pub notes: Vec<String>,
}

/// A sentence of a document's prose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sentence {
    /// The block it stands in, counted from 0.
    pub block: usize,
    /// Where it begins in the block's text, in characters from 0.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
    /// The sentence as a model reads it, cleaned as the corpus's sentences are.
    pub text: String,
}

/// Bounds of what is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest file, in bytes; 64 MiB.
    pub bytes: usize,
    /// The largest text that is unpacked from it, in bytes; 64 MiB.
    pub text: usize,
    /// Most pages of a PDF; 5,000.
    pub pages: usize,
    /// Longest time, in seconds; 50.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, text: 64 << 20, pages: 5_000, seconds: 50 }
    }
}

impl Document {
    /// Reads a document from its bytes. `name` stands in errors, and its extension decides between
    /// formats only where the content leaves it open (Markdown and text).
    ///
    /// ```
    /// use ttp_documents::{Document, Format, Kind, Limits};
    /// let report = b"# Findings\n\nThe group sent **phishing** mails. It ran [net](https://x.y) view.\n";
    /// let document = Document::read("report.md", report, &Limits::default())?;
    /// assert_eq!(document.format, Format::Markdown);
    /// assert_eq!(document.blocks[0].kind, Kind::Heading);
    /// let sentences: Vec<String> = document.sentences().into_iter().map(|one| one.text).collect();
    /// assert_eq!(sentences, ["The group sent phishing mails.", "It ran net view."]);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If it is encrypted, damaged, over a limit, or holds no text.
    pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self> {
        Self::read_as(Path::new(name), bytes, limits)
    }

    /// As [`Document::read`]; errors name the whole path.
    fn read_as(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Self> {
        let refuse = |reason: String| Error::input(path, reason);
        if bytes.len() > limits.bytes {
            let (size, most) = (bytes.len(), limits.bytes);
            return Err(refuse(format!("{size} bytes, and at most {most} are read")));
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut budget = Budget::new(limits);
        let mut notes = Vec::new();
        let found = format::of(&name, bytes, &mut notes).map_err(refuse)?;
        let drafts = match found {
            Format::Pdf => pdf::drafts(bytes, &mut budget, &mut notes),
            Format::Docx => docx::drafts(bytes, &mut budget),
            Format::Html => format::decoded(bytes, true, &mut notes)
                .and_then(|text| html::drafts(&text, &mut budget)),
            Format::Markdown => format::decoded(bytes, false, &mut notes)
                .and_then(|text| markdown::drafts(&text, &mut budget, &mut notes)),
            Format::Text => format::decoded(bytes, false, &mut notes)
                .and_then(|text| text::drafts(&text, &mut budget)),
        };
        let blocks = drafts.and_then(|drafts| select::blocks(drafts, &budget)).map_err(refuse)?;
        if blocks.is_empty() {
            return Err(refuse("holds no text".to_owned()));
        }
        notes.extend(language::note(&blocks));
        let sha256 = Sha256::digest(bytes).iter().fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        Ok(Self { name, format: found, sha256, blocks, notes })
    }
}

/// The first ten of a list, and how many more there are.
pub fn listed(items: &[impl Display]) -> String {
    let first: Vec<String> = items.iter().take(10).map(ToString::to_string).collect();
    let more = match items.len() {
        0..=10 => String::new(),
        all => format!(" and {} more", all - 10),
    };
    first.join(", ") + &more
}
