//! Which blocks are prose, and what the others are.
//!
//! A reader says of each draft what it stands as ([`Role`]). What a page does not show is hidden text.
//! Of the rest, in this order:
//! 1. menus, page headers and footers are navigation, and so are short notices of copyright,
//!    cookies or privacy and lines of a table of contents;
//! 2. a title stays a title, and opens a part: "References", "Sources" … one of references,
//!    "Indicators of compromise", "IOCs" … one of indicators, any other title an ordinary one;
//! 3. a block of which at least half the words are indicators (hashes, addresses, domains with
//!    brackets, URLs, file names) is one of indicators; of a table's row a third is enough, and a
//!    sentence outside a part of indicators needs three quarters;
//! 4. source code stays code, and so does a text full of its signs;
//! 5. a table's row is a table, but for its cells that hold a whole sentence (`table.rs`): they are as
//!    any text, and in a part of indicators they are indicators;
//! 6. what stands in a part of references is a reference, and so is a numbered line with an address
//!    or year that is no sentence (`references.rs`);
//! 7. in a part of indicators, what is no sentence is an indicator;
//! 8. all else is prose.

use crate::budget::{Budget, Outcome};
use crate::references::is_reference;
use crate::{Block, Kind};
use regex::Regex;
use std::sync::LazyLock;

/// What a reader knows of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    Heading,
    Navigation,
    Reference,
    Table,
    /// A whole sentence in a table.
    Cell,
    /// A table's row with a cell of indicators.
    Indicators,
    Code,
    Hidden,
}

/// A block before its kind is known.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) page: Option<u32>,
    pub(crate) role: Role,
    pub(crate) text: String,
}

impl Draft {
    pub(crate) fn new(role: Role, text: impl Into<String>) -> Self {
        Self { page: None, role, text: text.into() }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Ordinary,
    References,
    Indicators,
}

/// The blocks of drafts; those without a letter or digit are left out.
pub(crate) fn blocks(drafts: Vec<Draft>, budget: &Budget) -> Outcome<Vec<Block>> {
    let mut part = Part::Ordinary;
    let mut blocks = Vec::with_capacity(drafts.len());
    for draft in drafts {
        budget.check()?;
        let text = tidy(&draft.text);
        if !text.contains(char::is_alphanumeric) {
            continue;
        }
        let kind = kind(draft.role, &text, part);
        if kind == Kind::Heading {
            part = part_of(&text);
        }
        blocks.push(Block { page: draft.page, kind, text });
    }
    Ok(blocks)
}

/// One line with single blanks, without what cannot be seen; ligatures are letters.
pub(crate) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        // What the corpus's rules leave out, and its own marks.
        if matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{e000}'..='\u{e002}') {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            blank = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push(' ');
        }
        match c {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            _ => out.push(c),
        }
    }
    out
}

/// Words that are looked at to tell what a block is.
const LOOKED_AT: usize = 400;

fn kind(role: Role, text: &str, part: Part) -> Kind {
    let words: Vec<&str> = text.split(' ').take(LOOKED_AT).collect();
    let counted = words.iter().filter(|word| word.contains(char::is_alphanumeric)).count();
    let indicators = words.iter().filter(|word| is_indicator(word)).count();
    let sentence = counted >= 4 && text.ends_with(['.', '!', '?', ':', '"', '”', ')']);
    match role {
        Role::Hidden => Kind::Hidden,
        Role::Navigation => Kind::Navigation,
        Role::Indicators => Kind::Indicators,
        Role::Cell if part == Part::Indicators => Kind::Indicators,
        _ if is_notice(text, words.len()) => Kind::Navigation,
        Role::Heading => Kind::Heading,
        Role::Table if indicators * 3 >= counted && indicators > 0 => Kind::Indicators,
        Role::Text | Role::Cell
            if sentence && indicators * 4 < counted * 3 && part != Part::Indicators =>
        {
            running(role, text, part, sentence)
        }
        _ if indicators * 2 >= counted && indicators > 0 => Kind::Indicators,
        Role::Code => Kind::Code,
        Role::Table if part == Part::Indicators => Kind::Indicators,
        Role::Table => Kind::Table,
        _ => running(role, text, part, sentence),
    }
}

/// What a text is that is no list of indicators: code, a reference or prose.
fn running(role: Role, text: &str, part: Part, sentence: bool) -> Kind {
    match role {
        _ if is_code(text) => Kind::Code,
        Role::Reference => Kind::Reference,
        Role::Text | Role::Cell if part == Part::References => Kind::Reference,
        Role::Text if is_reference(text) => Kind::Reference,
        Role::Text if part == Part::Indicators && !sentence => Kind::Indicators,
        _ => Kind::Prose,
    }
}

fn part_of(title: &str) -> Part {
    static TITLES: LazyLock<Option<(Regex, Regex)>> = LazyLock::new(|| {
        let number = r"(?i)^(?:(?:appendix|annex)\s+\w{1,3}\s*[:.–-]?\s*|[\dA-Z]{1,2}(?:\.\d{1,2})*[.:)]?\s+)?";
        let references = r"(?:references?|sources?|bibliography|works cited|further reading|end ?notes|citations|external links)\W*$";
        let indicators = r"(?:indicators?\b|iocs?\b|observables|(?:file )?hashes\b|network indicators|file indicators)";
        Some((
            Regex::new(&format!("{number}{references}")).ok()?,
            Regex::new(&format!("{number}{indicators}")).ok()?,
        ))
    });
    match TITLES.as_ref() {
        Some((references, _)) if references.is_match(title) => Part::References,
        Some((_, indicators)) if indicators.is_match(title) => Part::Indicators,
        _ => Part::Ordinary,
    }
}

/// Whether a word is a hash, an address, a domain with brackets, a URL, an e-mail or a file's name.
pub(crate) fn is_indicator(word: &str) -> bool {
    static FORMS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let dot = r"(?:\.|\[\.\]|\(\.\)|\[dot\])";
        let octet = r"\d{1,3}";
        Regex::new(&format!(
            r"(?ix)^(?:
                [0-9a-f]{{32}}|[0-9a-f]{{40}}|[0-9a-f]{{64}}|[0-9a-f]{{128}}
                |h(?:tt|xx)ps?(?:\[:\]|:)//\S+
                |{octet}{dot}{octet}{dot}{octet}{dot}{octet}(?:[:/]\S*)?
                |[a-z0-9_.-]+(?:\[\.\]|\(\.\)|\[dot\])[a-z0-9\[\]().-]+(?:[:/]\S*)?
                |[\w.+-]+(?:@|\[at\]|\[@\])[\w.-]+{dot}[a-z]{{2,}}
                |[a-z]:\\\S+
                |%\w+%\\\S+
                |hk(?:lm|cu|ey_\w+)\\\S+
                |[\w-]+\.(?:exe|dll|sys|bat|cmd|ps1|vbs|js|jar|lnk|doc|docx|docm|xls|xlsm|xlsx|zip|rar|7z|iso|bin|dat|tmp|apk|elf|sh|py|hta|msi|scr|pdb)
                |(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|ru|cn|top|xyz|io|onion|site|club|online|tk|pw|cc)(?:[:/]\S*)?
                |cve-\d{{4}}-\d{{4,}}
            )$"
        ))
        .ok()
    });
    let bare = word.trim_matches(|c: char| {
        matches!(c, ',' | ';' | '"' | '\'' | '“' | '”' | '`' | '|' | '<' | '>' | '•' | '.')
    });
    // The longest name of a domain has 253 characters; an address may be longer, and begins as one.
    let end = bare.char_indices().nth(300).map_or(bare.len(), |(at, _)| at);
    FORMS.as_ref().is_some_and(|forms| forms.is_match(&bare[..end]))
}

/// Whether a short text is a notice, a menu's word or a line of a table of contents.
fn is_notice(text: &str, words: usize) -> bool {
    static NOTICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?ix)^(?:©|\(c\)\s*\d{4}|copyright\b)|\bcopyright\s+(?:©|\(c\)|\d{4})|©\s*\d{4}
              |all\s+rights\s+reserved|\b(?:we|site|website)\s+uses?\s+cookies
              |\b(?:accept|manage|cookie)\s+(?:all\s+)?(?:cookies?|settings|preferences|policy)\b
              |^(?:\S+\s){0,3}(?:privacy\s+(?:policy|notice)|terms\s+(?:of\s+(?:use|service)|and\s+conditions))(?:\s+\S+){0,6}$
              |\breading\s+time\b|\b\d+\s*min(?:ute)?s?\s+read\b
              |^skip\s+to\s+|^back\s+to\s+top|^subscribe\b|^sign\s+(?:in|up)\b|^log\s?in$|^share\s+(?:this|on)\b
              |^follow\s+us\b|^read\s+more\b|^related\s+(?:articles|posts)|^table\s+of\s+contents$
              |^(?:page\s+)?\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?$|^tlp:\s?\w+$",
        )
        .ok()
    });
    static CONTENTS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:\.\s?){5,}\s*\d{1,4}$|…{2,}\s*\d{1,4}$").ok());
    let is = |pattern: &LazyLock<Option<Regex>>| {
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
    };
    words <= 40 && (is(&CONTENTS) || is(&NOTICE))
}

/// Whether a text has the signs of source code, a command or a rule.
pub(crate) fn is_code(text: &str) -> bool {
    let (mut signs, mut letters) = (0_usize, 0_usize);
    for c in text.chars().take(4_000) {
        if matches!(c, '{' | '}' | ';' | '=' | '<' | '>' | '|' | '\\' | '$' | '_' | '&' | '+' | '#')
        {
            signs += 1;
        } else if c.is_alphanumeric() {
            letters += 1;
        }
    }
    let rule = text.starts_with("rule ") && text.contains('{');
    (rule && text.contains("condition:")) || (signs >= 4 && signs * 8 > letters)
}
