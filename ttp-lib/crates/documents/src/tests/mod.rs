#![allow(clippy::unwrap_used, clippy::panic)]

mod docx;
pub(crate) mod encrypted;
mod files;
mod fuzz;
mod html;
mod kinds;
mod markdown;
mod pdf;
mod pdf_hostile;
mod samples;
mod sentences;
mod text;

use crate::{Document, Kind, Limits};

fn read(name: &str, bytes: impl AsRef<[u8]>) -> Document {
    Document::read(name, bytes.as_ref(), &Limits::default()).unwrap()
}

/// The reason why a document is refused: one line that names the file.
fn refused(name: &str, bytes: impl AsRef<[u8]>) -> String {
    refused_within(name, bytes, &Limits::default())
}

fn refused_within(name: &str, bytes: impl AsRef<[u8]>, limits: &Limits) -> String {
    let line = Document::read(name, bytes.as_ref(), limits).unwrap_err().to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line.strip_prefix(&format!("{name}: ")).unwrap_or_else(|| panic!("{line}")).to_owned()
}

fn blocks(document: &Document) -> Vec<(Kind, &str)> {
    document.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect()
}

fn texts(document: &Document, kind: Kind) -> Vec<&str> {
    blocks(document).into_iter().filter(|(of, _)| *of == kind).map(|(_, text)| text).collect()
}

const PROSE: &str = "The actor sent spearphishing mails with a malicious attachment to employees.";
