//! What a notebook or a terminal shows: tables, progress lines, and texts made safe
//! to look at.
//!
//! The sentences carry live malicious addresses and may carry anything else. In
//! whatever this module prints they are escaped, defanged (`hxxp://`, `[.]`, `[@]`)
//! and free of control characters, and nothing is a link.

mod cell;
mod number;
mod progress;
mod table;
mod text;

pub use cell::Cell;
pub use number::{grouped, thousands};
pub use progress::{Progress, duration};
pub use table::Table;
pub use text::harmless;
pub use text::{defang, escape_html, escape_markdown, shorten, terminal_safe, width};

use std::io::Write;

/// Prints to standard output; a closed one (`| head`) is no reason to stop the work.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints what a user should know of a checkpoint or a file, a line each.
pub fn print_notes(notes: &[String]) {
    for note in notes {
        print(&format!("note: {}\n", terminal_safe(note)));
    }
}

/// A content block of the notebook kernel: what stands between the two lines is
/// shown as that MIME type.
pub fn content_block(mime: &str, content: &str) -> String {
    format!("EVCXR_BEGIN_CONTENT {mime}\n{}\nEVCXR_END_CONTENT\n", content.trim_end())
}
