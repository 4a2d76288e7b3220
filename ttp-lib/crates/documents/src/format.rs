//! What a document's bytes are, and which characters they stand for.

use crate::Format;
use crate::budget::Outcome;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use regex::Regex;
use std::sync::LazyLock;

/// Bytes that are looked at to tell a format.
const LOOKED_AT: usize = 64 << 10;

/// A name's extension, in small letters.
pub(crate) fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let plain = !stem.is_empty() && !extension.contains(['/', '\\']);
    plain.then(|| extension.to_ascii_lowercase())
}

/// The format of `bytes`; a note where the name says another.
pub(crate) fn of(name: &str, bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Format> {
    let extension = extension(name);
    let named = extension.as_deref().and_then(|extension| match extension {
        "txt" | "text" => Some(Format::Text),
        "md" | "markdown" => Some(Format::Markdown),
        "html" | "htm" | "xhtml" => Some(Format::Html),
        "docx" => Some(Format::Docx),
        "pdf" => Some(Format::Pdf),
        _ => None,
    });
    let found = by_content(bytes, named)?;
    if let (Some(named), Some(extension)) = (named, extension)
        && named != found
    {
        notes.push(format!("named .{extension}, and its content is {}", found.name()));
    }
    Ok(found)
}

fn by_content(bytes: &[u8], named: Option<Format>) -> Outcome<Format> {
    if bytes.is_empty() {
        return Err("an empty file".to_owned());
    }
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let trimmed = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    // Readers look for the mark in the first kilobyte; a text may speak of it there.
    let head = &start[..start.len().min(1024)];
    let marked = memchr::memmem::find(head, b"%PDF-").is_some();
    if trimmed.starts_with(b"%PDF-") || (marked && named == Some(Format::Pdf)) {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Format::Docx);
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err("an old Word file (.doc) or an encrypted one: save it as DOCX without a \
                    password"
            .to_owned());
    }
    if bytes.starts_with(b"{\\rtf") {
        return Err("RTF: save it as DOCX or as text".to_owned());
    }
    let wide = Encoding::for_bom(bytes).map(|(encoding, _)| encoding).or_else(|| utf_16(start));
    let wide = wide.filter(|encoding| [UTF_16LE, UTF_16BE].contains(encoding));
    let text = match wide {
        Some(encoding) => encoding.decode(start).0.into_owned(),
        None if is_binary(start) => return Err("binary, no text".to_owned()),
        None => String::from_utf8_lossy(start).into_owned(),
    };
    Ok(match named {
        _ if is_html(&text, named) => Format::Html,
        Some(Format::Markdown) => Format::Markdown,
        _ if is_markdown(&text) => Format::Markdown,
        _ => Format::Text,
    })
}

/// Whether bytes hold more control characters than a text does.
fn is_binary(start: &[u8]) -> bool {
    let control = start
        .iter()
        .filter(|byte| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
        .count();
    control * 100 > start.len()
}

/// UTF-16 without a mark: every second byte of a European text is nought.
fn utf_16(start: &[u8]) -> Option<&'static Encoding> {
    let noughts = |odd: usize| start.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (noughts(0), noughts(1));
    let (half, few) = (start.len() / 2, start.len() / 50);
    match () {
        () if half < 2 => None,
        () if odd * 2 > half && even <= few => Some(UTF_16LE),
        () if even * 2 > half && odd <= few => Some(UTF_16BE),
        () => None,
    }
}

/// Whether a text is HTML by its tags.
fn is_html(text: &str, named: Option<Format>) -> bool {
    static WHOLE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)<!doctype\s+html|<html[\s>]|<body[\s>]").ok());
    static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)</?(?:p|div|h[1-6]|ul|ol|li|table|tr|td|a|span|br|head|title)(?:\s[^<>]*)?/?>",
        )
        .ok()
    });
    let trimmed = text.trim_start_matches('\u{feff}').trim_start();
    let whole = WHOLE.as_ref().and_then(|whole| whole.find(text));
    if let Some(found) = whole
        && (trimmed.starts_with('<') || (found.start() < 4096 && named == Some(Format::Html)))
    {
        return true;
    }
    let tags = TAG.iter().flat_map(|tag| tag.find_iter(text)).take(5).count();
    match named {
        Some(Format::Html) => tags > 0,
        Some(Format::Markdown) => false,
        _ => tags >= 3 && trimmed.starts_with('<'),
    }
}

/// Whether a text is Markdown by its marks: a title and one more mark of it.
fn is_markdown(text: &str) -> bool {
    static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?m)^#{1,6} \S|^```|\[[^\]\n]+\]\(https?://[^)\s]+\)|\*\*\w[^*\n]*\*\*").ok()
    });
    let title = text.lines().take(2_000).any(|line| {
        let bare = line.trim_start_matches('#');
        (1..=6).contains(&(line.len() - bare.len())) && bare.starts_with(' ')
    });
    title && MARKS.iter().flat_map(|marks| marks.find_iter(text)).take(2).count() == 2
}

/// The text of `bytes`: UTF-8 or UTF-16 by their marks, UTF-8 where it is that, in HTML what the
/// page says of itself, otherwise windows-1252 with a note.
pub(crate) fn decoded(bytes: &[u8], html: bool, notes: &mut Vec<String>) -> Outcome<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(lenient(encoding, &bytes[mark..], notes));
    }
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    if let Some(encoding) = utf_16(start) {
        return Ok(lenient(encoding, bytes, notes));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let declared = html.then(|| declared(start)).flatten().filter(|encoding| *encoding != UTF_8);
    if let Some(encoding) = declared {
        return Ok(lenient(encoding, bytes, notes));
    }
    notes.push("not UTF-8: read as windows-1252".to_owned());
    Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned())
}

fn lenient(encoding: &'static Encoding, bytes: &[u8], notes: &mut Vec<String>) -> String {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        notes.push(format!("holds bytes that are no {}", encoding.name()));
    }
    text.into_owned()
}

/// The encoding that a page says it has.
fn declared(start: &[u8]) -> Option<&'static Encoding> {
    static CHARSET: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?i)charset\s*=\s*["']?([A-Za-z0-9_:.-]+)"#).ok());
    let text = String::from_utf8_lossy(&start[..start.len().min(4096)]);
    let label = CHARSET.as_ref()?.captures(&text)?.get(1)?.as_str().to_owned();
    Encoding::for_label(label.as_bytes())
}
