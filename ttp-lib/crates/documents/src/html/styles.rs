//! What style sheets hide: an element's own `style`, and the page's `style` elements.
//!
//! Of their rules those hide whose selectors are simple (`p`, `.x`, `#x`, `p.x`, `p#x`) and which
//! hold on any screen. What another selector shows again, such as `.tab.active` or `.menu:hover`, or
//! a rule under a condition, counts as shown: a script or a click shows it. Nothing is fetched.

use crate::budget::{Budget, Outcome};
use std::collections::HashMap;

/// The properties that are looked at: `display`, `visibility`, the size of the font, and a colour
/// with that of its background.
const PROPERTIES: usize = 4;
const DISPLAY: usize = 0;
const VISIBILITY: usize = 1;
const SIZE: usize = 2;
const COLOUR: usize = 3;
/// The rank of what an element says itself, above those of all selectors.
const OWN: u8 = 9;
/// Bytes that a selector costs beside its text.
const SELECTOR: usize = 64;

/// What is said of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Declaration {
    /// Whether it hides the text; nothing where it is as around the element.
    hides: Option<bool>,
    important: bool,
}

/// What declarations say of each property.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Declarations([Option<Declaration>; PROPERTIES]);

/// How an element's text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Appearance {
    /// Whether the element and all in it are not shown.
    pub(super) hidden: bool,
    /// Whether its text has no size, and whether it has the colour of its background. Elements in it
    /// may say otherwise; nothing where this one says nothing.
    pub(super) faint: [Option<bool>; 2],
}

impl Declarations {
    /// Of two declarations of one property the last counts, and an important one before others.
    pub(super) fn read(style: &str) -> Self {
        let mut found = Self::default();
        let (mut colour, mut ground) = (None, None);
        for declaration in style.split(';') {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let (value, mark) = value.split_once('!').unwrap_or((value, ""));
            let important = mark.trim().eq_ignore_ascii_case("important");
            let value = value.trim().to_ascii_lowercase();
            let (at, hides) = match property.trim().to_ascii_lowercase().as_str() {
                "display" => (DISPLAY, Some(value == "none")),
                "visibility" => (VISIBILITY, unless_inherited(&value, is_invisible)),
                "font-size" => match has_no_size(&value) {
                    Ok(hides) => (SIZE, hides),
                    Err(()) => continue,
                },
                "font" => (SIZE, size_of_font(&value)),
                "color" => {
                    colour = Some((value, important));
                    continue;
                }
                "background" | "background-color" => {
                    ground = Some(value);
                    continue;
                }
                _ => continue,
            };
            found.say(at, Declaration { hides, important });
        }
        if colour.is_some() || ground.is_some() {
            let important = colour.as_ref().is_some_and(|(_, important)| *important);
            let hides = match (&colour, &ground) {
                (Some((colour, _)), Some(ground)) => Some(normal(colour) == normal(ground)),
                (Some((colour, _)), None) => unless_inherited(colour, |_| false),
                _ => Some(false),
            };
            found.say(COLOUR, Declaration { hides, important });
        }
        found
    }

    fn say(&mut self, at: usize, said: Declaration) {
        if self.0[at].is_none_or(|before| said.important || !before.important) {
            self.0[at] = Some(said);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

fn is_invisible(value: &str) -> bool {
    value == "hidden" || value == "collapse"
}

fn unless_inherited(value: &str, hides: impl Fn(&str) -> bool) -> Option<bool> {
    let inherited = matches!(value, "inherit" | "unset" | "currentcolor" | "revert");
    (!inherited).then(|| hides(value))
}

/// Whether a font's size is nothing, or less than a pixel; nothing where it depends on that around
/// it, and an error where it is no size.
fn has_no_size(value: &str) -> Result<Option<bool>, ()> {
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let unit = value.trim_start_matches(is_digit);
    let number = &value[..value.len() - unit.len()];
    if number.is_empty() {
        return match value {
            "smaller" | "larger" => Ok(None),
            _ if value.starts_with('-') => Err(()),
            _ => Ok(unless_inherited(value, |_| false)),
        };
    }
    let number: f64 = number.parse().map_err(|_| ())?;
    match unit {
        _ if number == 0.0 => Ok(Some(true)),
        "px" | "pt" => Ok(Some(number < 1.0)),
        "em" | "%" | "ex" | "ch" => Ok(None),
        // Only nothing needs no unit.
        "" => Err(()),
        _ => Ok(Some(false)),
    }
}

/// The size in the shorthand `font: italic 700 12px/30px Georgia`: the first number that is no
/// weight.
fn size_of_font(value: &str) -> Option<bool> {
    let is_weight = |word: &str| word.len() == 3 && word.ends_with("00");
    let mut words = value.split_whitespace();
    let size = words.find(|word| {
        word.starts_with(|c: char| c.is_ascii_digit() || c == '.') && !is_weight(word)
    });
    let Some(size) = size else { return unless_inherited(value, |_| false) };
    has_no_size(size.split('/').next().unwrap_or_default()).unwrap_or(Some(false))
}

/// A colour in one of its spellings, so that two can be compared.
fn normal(colour: &str) -> String {
    let colour = match colour {
        "white" => "#fff",
        "black" => "#000",
        other => other,
    };
    if let Some(numbers) = colour.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')')) {
        let numbers: Vec<u8> =
            numbers.split([',', ' ']).filter_map(|n| n.trim().parse().ok()).collect();
        if let [red, green, blue] = numbers[..] {
            return format!("#{red:02x}{green:02x}{blue:02x}");
        }
    }
    match colour.strip_prefix('#') {
        Some(digits) if digits.chars().count() == 3 => {
            digits.chars().fold("#".to_owned(), |all, digit| all + &format!("{digit}{digit}"))
        }
        _ => colour.to_owned(),
    }
}

/// The rules of a page's style sheets, by their selectors.
#[derive(Default)]
pub(super) struct Styles {
    rules: HashMap<Box<str>, Rule>,
    /// Rules so far: of two the later one counts.
    count: u32,
}

#[derive(Clone, Copy, Default)]
struct Rule {
    said: [Option<(Declaration, u32)>; PROPERTIES],
    /// Whether another selector, or a rule under a condition, shows what has this one.
    shown: [bool; PROPERTIES],
}

impl Styles {
    /// Takes a style sheet.
    pub(super) fn add(&mut self, sheet: &str, budget: &mut Budget) -> Outcome<()> {
        let sheet = bare(sheet);
        // Whether what is open holds under a condition only.
        let mut groups: Vec<bool> = Vec::new();
        let mut at = 0;
        while let Some(length) = sheet[at..].find(['{', '}', ';']) {
            budget.check()?;
            let mark = at + length;
            let before = sheet[at..mark].trim();
            at = mark + 1;
            match sheet.as_bytes()[mark] {
                b';' => {}
                b'}' => drop(groups.pop()),
                _ if before.starts_with('@') => match group(before) {
                    Some(condition) => {
                        groups.push(condition || groups.last().is_some_and(|outer| *outer));
                    }
                    None => at = block(&sheet, at).1,
                },
                _ => {
                    let (end, next) = block(&sheet, at);
                    let declared = Declarations::read(&sheet[at..end]);
                    // One that holds rules of its own is not looked at.
                    if !declared.is_empty() && !sheet[at..end].contains('{') {
                        let condition = groups.last().is_some_and(|condition| *condition);
                        self.take(before, declared, condition, budget)?;
                    }
                    at = next;
                }
            }
        }
        Ok(())
    }

    /// Takes a rule: a list of selectors, and what it declares.
    fn take(
        &mut self,
        list: &str,
        declared: Declarations,
        condition: bool,
        budget: &mut Budget,
    ) -> Outcome<()> {
        let count = self.count.saturating_add(1);
        self.count = count;
        for selector in list.split(',').map(str::trim) {
            match simple(selector) {
                Some(key) if !condition => self.rule(&key, budget)?.say(declared, count),
                Some(key) => self.rule(&key, budget)?.show(declared),
                None => {
                    for key in names(selector) {
                        self.rule(key, budget)?.show(declared);
                    }
                }
            }
        }
        Ok(())
    }

    fn rule(&mut self, key: &str, budget: &mut Budget) -> Outcome<&mut Rule> {
        if !self.rules.contains_key(key) {
            budget.spend(SELECTOR + key.len())?;
            self.rules.insert(key.into(), Rule::default());
        }
        self.rules.get_mut(key).ok_or_else(|| "a selector is lost".to_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How an element looks, by what it says itself and by the rules for it.
    pub(super) fn look(
        &self,
        name: &str,
        id: &str,
        classes: &str,
        own: Declarations,
    ) -> Appearance {
        // Of two declarations the important one counts, then that of the narrower selector, then the
        // later one.
        let mut best = own.0.map(|said| said.map(|said| ((said.important, OWN, 0), said.hides)));
        let mut shown = [false; PROPERTIES];
        let mut key = String::new();
        let mut ask = |parts: [&str; 3], rank: u8| {
            key.clear();
            parts.iter().for_each(|part| key.push_str(part));
            let Some(rule) = self.rules.get(key.as_str()) else { return };
            let all = best.iter_mut().zip(&mut shown).zip(rule.said.iter().zip(rule.shown));
            for ((best, shown), (said, shows)) in all {
                *shown |= shows;
                let Some((said, order)) = said else { continue };
                let weight = (said.important, rank, *order);
                if best.is_none_or(|(before, _)| before < weight) {
                    *best = Some((weight, said.hides));
                }
            }
        };
        if !self.is_empty() {
            ask([name, "", ""], 0);
            for class in classes.split_ascii_whitespace() {
                ask(["", ".", class], 1);
                ask([name, ".", class], 2);
            }
            if !id.is_empty() {
                ask(["", "#", id], 3);
                ask([name, "#", id], 4);
            }
        }
        let said = |at: usize| -> Option<bool> {
            let ((_, rank, _), hides) = best[at]?;
            // What an element says itself is not undone by a rule that may hold.
            hides.map(|hides| hides && (rank == OWN || !shown[at]))
        };
        Appearance {
            hidden: [DISPLAY, VISIBILITY].iter().any(|at| said(*at) == Some(true)),
            faint: [said(SIZE), said(COLOUR)],
        }
    }
}

impl Rule {
    fn say(&mut self, declared: Declarations, order: u32) {
        for (mine, said) in self.said.iter_mut().zip(declared.0) {
            let Some(said) = said else { continue };
            if mine.is_none_or(|(before, _)| said.important || !before.important) {
                *mine = Some((said, order));
            }
        }
    }

    fn show(&mut self, declared: Declarations) {
        for (shown, said) in self.shown.iter_mut().zip(declared.0) {
            *shown |= said.is_some_and(|said| said.hides != Some(true));
        }
    }
}

/// A style sheet without comments, texts in quotation marks, addresses and escapes: no mark of its
/// grammar stands in what is left for another reason.
fn bare(sheet: &str) -> String {
    let mut out = String::with_capacity(sheet.len());
    let mut rest = sheet;
    while let Some(at) = rest.find(['/', '"', '\'', '\\', '(']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let mut marks = from.chars();
        let mark = marks.next();
        rest = match mark {
            Some('/') if from.starts_with("/*") => {
                from[2..].find("*/").map_or("", |end| &from[end + 4..])
            }
            Some(quote @ ('"' | '\'')) => {
                out.push('"');
                after_text(marks.as_str(), quote)
            }
            Some('\\') => {
                out.push('\\');
                marks.next();
                marks.as_str()
            }
            Some('(')
                if out.len() >= 3
                    && out.as_bytes()[out.len() - 3..].eq_ignore_ascii_case(b"url") =>
            {
                from.find(')').map_or("", |end| &from[end + 1..])
            }
            Some(other) => {
                out.push(other);
                marks.as_str()
            }
            None => "",
        };
    }
    out.push_str(rest);
    out
}

/// What stands behind a text in quotation marks, which ends with its line at the latest.
fn after_text(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '\n' => return &text[at..],
            _ if c == quote => return &text[at + c.len_utf8()..],
            _ => {}
        }
    }
    ""
}

/// Where a block ends that is open at `from`, and where what follows begins.
fn block(sheet: &str, from: usize) -> (usize, usize) {
    let mut open = 1_usize;
    for (at, mark) in sheet[from..].match_indices(['{', '}']) {
        open = if mark == "{" { open + 1 } else { open - 1 };
        if open == 0 {
            return (from + at, from + at + 1);
        }
    }
    (sheet.len(), sheet.len())
}

/// Whether a group of rules holds under a condition; nothing for what is no group, and for one that
/// never holds on a screen.
fn group(rule: &str) -> Option<bool> {
    let rule = rule.to_ascii_lowercase();
    let (name, what) =
        rule.split_once(|c: char| c.is_whitespace() || c == '(').unwrap_or((&rule, ""));
    match name {
        "@media" => medium(what),
        "@layer" => Some(false),
        "@supports" | "@container" | "@scope" => Some(true),
        _ => None,
    }
}

/// The same of a list of media.
pub(super) fn medium(list: &str) -> Option<bool> {
    let query = |query: &str| {
        let query = query.trim();
        query.strip_prefix("only ").unwrap_or(query).trim().to_ascii_lowercase()
    };
    let queries: Vec<String> = list.split(',').map(query).collect();
    if queries.iter().any(|query| ["", "all", "screen"].contains(&query.as_str())) {
        return Some(false);
    }
    let on_paper = |query: &String| query.starts_with("print") || query.starts_with("speech");
    (!queries.iter().all(on_paper)).then_some(true)
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_' || !c.is_ascii()
}

/// A simple selector as the key of its rule.
fn simple(selector: &str) -> Option<String> {
    let (tag, name) = match selector.find(['.', '#']) {
        Some(at) => (&selector[..at], Some(&selector[at + 1..])),
        None => (selector, None),
    };
    let is_name = |name: &str| !name.is_empty() && name.chars().all(in_name);
    let sound = match name {
        Some(name) => is_name(name) && (tag.is_empty() || is_name(tag)),
        None => is_name(tag),
    };
    sound.then(|| tag.to_ascii_lowercase() + &selector[tag.len()..])
}

/// The tag, classes and ids of the element that another selector is about, its last.
fn names(selector: &str) -> impl Iterator<Item = &str> {
    let last = selector.rfind([' ', '\t', '\n', '>', '+', '~']).map_or(0, |at| at + 1);
    let compound = &selector[last..];
    let tag = &compound[..compound.find(|c| !in_name(c)).unwrap_or(compound.len())];
    let marked = compound.match_indices(['.', '#']).map(|(at, mark)| {
        let name = &compound[at + mark.len()..];
        let length = name.find(|c| !in_name(c)).unwrap_or(name.len());
        &compound[at..at + mark.len() + length]
    });
    std::iter::once(tag).chain(marked).filter(|name| !name.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
