//! What a page holds and does not show: `template`, elements with `hidden`, and what style sheets
//! hide (`styles.rs`): by `display`, `visibility`, a font without a size, and a colour on the same
//! colour where one rule declares both.

use super::BLOCKS;
use super::styles::{Appearance, Declarations, Styles};
use html5gum::{SpanBound, StartTag};
use std::borrow::Cow;

/// Parts of tables, which end what is open within them as blocks do.
const OF_TABLES: [&str; 8] = ["table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"];
/// Elements without an end.
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "track",
    "wbr",
];
const COUNTED: usize = BLOCKS.len() + OF_TABLES.len();

/// Where a block or a part of a table is counted.
fn place(name: &str) -> Option<usize> {
    let of_tables = || OF_TABLES.iter().position(|part| *part == name);
    let block = BLOCKS.iter().position(|block| *block == name);
    block.or_else(|| of_tables().map(|at| BLOCKS.len() + at))
}

/// Blocks and parts of tables that are open, by their places.
#[derive(Clone)]
pub(super) struct Open([usize; COUNTED]);

impl Default for Open {
    fn default() -> Self {
        Self([0; COUNTED])
    }
}

impl Open {
    pub(super) fn start(&mut self, name: &str) {
        if let Some(at) = place(name) {
            self.0[at] += 1;
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        if let Some(at) = place(name) {
            self.0[at] = self.0[at].saturating_sub(1);
        }
    }

    fn has(&self, name: &str) -> bool {
        place(name).is_some_and(|at| self.0[at] > 0)
    }
}

/// How what a tag begins looks. A page that is hidden as a whole is shown by its script.
pub(super) fn look<S: SpanBound>(tag: &StartTag<S>, name: &str, styles: &Styles) -> Appearance {
    if VOID.contains(&name) || ["html", "head", "body"].contains(&name) {
        return Appearance::default();
    }
    let own = |name: &[u8]| {
        let value = tag.attributes.get(name).map(|found| String::from_utf8_lossy(&found.value));
        value.unwrap_or(Cow::Borrowed(""))
    };
    let mut look =
        styles.look(name, &own(b"id"), &own(b"class"), Declarations::read(&own(b"style")));
    look.hidden |= name == "template" || tag.attributes.contains_key(&b"hidden"[..]);
    look
}

/// An element in which a text can be seen or not by its size and colour, while it is open.
pub(super) struct Faint {
    pub(super) element: Hidden,
    /// What is open around it.
    outside: Open,
    /// Whether its text has no size, and whether it has the colour of its background.
    pub(super) now: [bool; 2],
}

impl Faint {
    /// The most of them within each other.
    pub(super) const DEEPEST: usize = 8;

    pub(super) fn new(element: &str, outside: &Open, now: [bool; 2]) -> Self {
        Self { element: Hidden::new(element), outside: outside.clone(), now }
    }

    pub(super) fn is_unseen(&self) -> bool {
        self.now.contains(&true)
    }

    /// Takes an end tag; whether it ends the element.
    pub(super) fn end(&mut self, name: &str) -> bool {
        self.element.end(name, &self.outside)
    }
}

/// An element that is not shown, while it is open. No tree is kept: what is open within it is
/// counted.
pub(super) struct Hidden {
    element: String,
    /// Elements of the same name within it.
    same: usize,
    inside: Open,
    /// Its text so far.
    pub(super) text: String,
}

impl Hidden {
    pub(super) fn new(element: &str) -> Self {
        let (element, inside) = (element.to_owned(), Open::default());
        Self { element, same: 0, inside, text: String::new() }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.element == name
    }

    /// Takes a start tag; whether it ends the element, whose own end tag may be left out.
    pub(super) fn start(&mut self, name: &str) -> bool {
        let without = |lists: &[&str]| !lists.iter().any(|list| self.inside.has(list));
        let of_row = ["tr", "tbody", "thead", "tfoot"];
        let ends = match self.element.as_str() {
            "p" => place(name).is_some() && !["html", "head", "body", "title"].contains(&name),
            "li" => name == "li" && without(&["ul", "ol"]),
            "dt" | "dd" => ["dt", "dd"].contains(&name) && without(&["dl"]),
            "td" | "th" => {
                (["td", "th"].contains(&name) || of_row.contains(&name)) && without(&["table"])
            }
            "tr" => of_row.contains(&name) && without(&["table"]),
            _ => false,
        };
        if ends {
            return true;
        }
        if place(name).is_some() || name == "br" {
            self.text.push(' ');
        }
        self.same += usize::from(self.element == name);
        self.inside.start(name);
        false
    }

    /// Takes an end tag; whether it ends the element, its own or one around it. `outside` is open
    /// around it.
    pub(super) fn end(&mut self, name: &str, outside: &Open) -> bool {
        if self.element == name {
            if self.same == 0 {
                return true;
            }
            self.same -= 1;
        } else if !self.inside.has(name) {
            // A paragraph ends where a block begins: around one there is none.
            let is_block = place(&self.element).is_some();
            return outside.has(name) && !(name == "p" && is_block);
        }
        self.inside.end(name);
        false
    }
}
