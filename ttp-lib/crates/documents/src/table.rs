//! Rows of tables: a cell that holds a whole sentence is read, as in a table of techniques and what
//! was seen of each; the others are told, and so is all of a row with a cell of indicators.

use crate::select::{Draft, Role, is_indicator, tidy};
use crate::{text, verbs};
use ttp_text::corpus::clean;

/// What parts the paragraphs of a cell.
pub(crate) const PARAGRAPH: char = '\u{2029}';
/// The fewest words of a sentence that ends as one.
const SENTENCE: usize = 5;
/// The fewest words of one with a verb that ends without a mark.
const UNENDED: usize = 6;

/// A cell of a row.
pub(crate) struct Cell {
    /// Its text, [`PARAGRAPH`] between paragraphs.
    pub(crate) text: String,
    /// Whether it is text: neither a link as a whole nor code.
    pub(crate) is_text: bool,
}

/// The drafts of a row: what is told of it, then each paragraph that is read.
pub(crate) fn row(cells: Vec<Cell>) -> Vec<Draft> {
    let paragraphs = |cell: &Cell| -> Vec<String> {
        let parts = cell.text.split(PARAGRAPH).map(tidy);
        parts.filter(|part| !part.is_empty()).collect()
    };
    let tidied: Vec<(bool, Vec<String>)> =
        cells.iter().map(|cell| (cell.is_text, paragraphs(cell))).collect();
    if tidied.iter().any(|(_, cell)| holds_indicators(cell)) {
        return whole_row(&cells, Role::Indicators).into_iter().collect();
    }
    let (mut told, mut read) = (Vec::new(), Vec::new());
    for (is_text, cell) in tidied {
        let (sentences, others): (Vec<String>, Vec<String>) =
            cell.into_iter().partition(|part| is_text && holds_a_sentence(part));
        read.extend(sentences.into_iter().map(|text| Draft::new(Role::Cell, text)));
        if !others.is_empty() {
            told.push(others.join(" "));
        }
    }
    let told = (!told.is_empty()).then(|| Draft::new(Role::Table, told.join(" | ")));
    told.into_iter().chain(read).collect()
}

/// A row as one draft; none of an empty row.
pub(crate) fn whole_row(cells: &[Cell], role: Role) -> Option<Draft> {
    let texts: Vec<&str> = cells.iter().map(|cell| cell.text.trim()).collect();
    (!texts.is_empty()).then(|| Draft::new(role, texts.join(" | ")))
}

/// Whether at least half of a cell's words are indicators.
fn holds_indicators(cell: &[String]) -> bool {
    let words = || cell.iter().flat_map(|part| part.split(' '));
    let found = words().filter(|word| is_indicator(word)).count();
    let counted = words().filter(|word| word.contains(char::is_alphanumeric)).count();
    found > 0 && found * 2 >= counted
}

/// Whether a text holds a whole sentence: one that begins with a capital letter, a digit or a
/// quotation mark and has five words and a mark at its end, or six words and a finite verb.
fn holds_a_sentence(text: &str) -> bool {
    let text = &text[text::item_mark(text)..];
    clean::sentence_ranges(text).into_iter().any(|range| {
        let sentence = &text[range];
        let bare = sentence.trim_start_matches(['"', '“', '‘', '\'', '(', '[']);
        let begins = bare.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
        let words = bare.split(' ').filter(|word| word.contains(char::is_alphabetic)).count();
        let end = sentence.trim_end_matches(['"', '”', '’', '\'', ')', ']']);
        let ends = end.ends_with(['.', '!', '?']);
        begins
            && ((ends && words >= SENTENCE) || (words >= UNENDED && verbs::has_finite_verb(bare)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_sentences_are_told_from_other_cells() {
        for text in [
            "The group sent mails with an attachment.",
            "1. \"The actor ran encoded commands in PowerShell.\"",
            "APT29 used scheduled tasks to stay on the hosts",
            "See below. The loader was started by a service at each logon.",
            "3 hosts were encrypted on the first day.",
            "Moonstone Sleet has used curl to send data (see T1071.001).",
        ] {
            assert!(holds_a_sentence(text), "{text}");
        }
        for text in [
            "",
            "T1059.001",
            "Command and Scripting Interpreter: PowerShell",
            "Obfuscated Files or Information: Command Obfuscation and More",
            "Yes, see above.",
            "Initial access, execution and persistence of the group in 2020",
            "a list of tools with no verb in it at all",
            "mimikatz, PsExec, AdFind, rclone, AnyDesk",
        ] {
            assert!(!holds_a_sentence(text), "{text}");
        }
    }
}
