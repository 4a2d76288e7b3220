//! The prose of a report, as sentences with their places.
//!
//! A report comes as plain text, Markdown, HTML, DOCX or PDF; its content decides, not its name.
//! [`Document::read`] cuts it into [`Block`]s, says of each whether it is prose or what else
//! ([`Kind`]), and [`Document::sentences`] gives the prose's sentences by the corpus's own rules.

use serde::{Deserialize, Serialize};
use ttp_base::Result;

/// What a report's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// What a block is. Only [`Kind::Prose`] and list items of prose are read for techniques.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
}

/// A piece of a document that stands for itself: a paragraph, a title, a list's item, a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Reads a document from its bytes.
    ///
    /// # Errors
    /// If it is encrypted, damaged, over a limit, or holds no text.
    pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self> {
        let _ = (name, bytes, limits);
        todo!()
    }

    /// The sentences of its prose.
    pub fn sentences(&self) -> Vec<Sentence> {
        todo!()
    }
}

// PLACEHOLDER: both are written elsewhere, with these signatures.

/// The files of some paths, folders opened.
///
/// # Errors
/// If one is not there.
pub fn gather(paths: &[std::path::PathBuf]) -> Result<Vec<std::path::PathBuf>> {
    Ok(paths.to_vec())
}

/// Reads a document from a file.
///
/// # Errors
/// If it cannot be read.
pub fn read_file(path: &std::path::Path, limits: &Limits) -> Result<Document> {
    let bytes = std::fs::read(path).map_err(ttp_base::Error::file(path, "read"))?;
    Document::read(&path.to_string_lossy(), &bytes, limits)
}
