//! Paragraphs of lines: what repeats over pages is told, cut words are made whole.

use super::lines::Line;
use crate::budget::{Budget, Outcome};
use crate::select::{Draft, Role, is_indicator, tidy};
use crate::text::{is_item, is_title, item_mark};
use std::collections::{HashMap, HashSet};

/// Lines at the top and the bottom of a page that may be its header and footer.
const EDGE: usize = 3;
/// A header stands on at least so many pages.
const PAGES: usize = 3;
/// Lines further apart than so many times what is usual on the page are two paragraphs.
const APART: f64 = 1.35;
/// A title is larger than the text by this, and has at most so many words.
const LARGER: f64 = 1.12;
const TITLE: usize = 25;
/// The longest word that is looked at, in characters.
const LONGEST: usize = 60;

/// The drafts of all pages.
pub(super) fn drafts(mut pages: Vec<Vec<Line>>, budget: &mut Budget) -> Outcome<Vec<Draft>> {
    for line in pages.iter_mut().flatten() {
        line.text = tidy(&line.text);
    }
    mark_edges(&mut pages);
    let body = body_size(&pages);
    let hyphened = hyphened(&pages);
    let mut paragraphs = Paragraphs { drafts: Vec::new(), open: None, body, hyphened };
    for (at, page) in pages.into_iter().enumerate() {
        budget.check()?;
        let usual = usual_gap(&page);
        let number = u32::try_from(at + 1).ok();
        budget.spend_blocks(page.len() / 4)?;
        for line in page {
            paragraphs.take(line, number, usual);
        }
    }
    paragraphs.close();
    Ok(paragraphs.drafts)
}

/// Marks the lines that stand at the same edge of several pages, whatever their numbers, and bare
/// numbers of pages.
fn mark_edges(pages: &mut [Vec<Line>]) {
    let key = |text: &str| -> String {
        text.chars().take(200).map(|c| if c.is_ascii_digit() { '#' } else { c }).collect()
    };
    let mut counts: HashMap<(bool, String), usize> = HashMap::new();
    let edges: Vec<Vec<(usize, bool)>> = pages.iter().map(|page| edges(page)).collect();
    for (page, edges) in pages.iter().zip(&edges) {
        let keys: HashSet<_> = edges.iter().map(|(at, top)| (*top, key(&page[*at].text))).collect();
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
    }
    let enough = PAGES.max(pages.len().min(50) / 5);
    for (page, edges) in pages.iter_mut().zip(edges) {
        for (at, top) in edges {
            let key = key(&page[at].text);
            let bare = key.chars().all(|c| matches!(c, '#' | ' ' | '-' | '–' | '|' | '/'));
            let repeated = counts.get(&(top, key)).is_some_and(|count| *count >= enough);
            page[at].artifact |= bare || repeated;
        }
    }
}

/// The lines nearest to a page's top (true) and bottom.
fn edges(page: &[Line]) -> Vec<(usize, bool)> {
    let mut order: Vec<usize> = (0..page.len()).collect();
    order.sort_by(|a, b| page[*b].y.total_cmp(&page[*a].y));
    let top = order.iter().take(EDGE).map(|at| (*at, true));
    let bottom = order.iter().rev().take(EDGE).map(|at| (*at, false));
    top.chain(bottom).collect()
}

/// The size of most characters.
fn body_size(pages: &[Vec<Line>]) -> f64 {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for line in pages.iter().flatten().filter(|line| !line.artifact && !line.hidden) {
        *counts.entry((line.size * 2.0).round() as i64).or_default() += line.text.len();
    }
    let most = counts.into_iter().max_by_key(|(size, count)| (*count, -size));
    most.map_or(10.0, |(size, _)| size as f64 / 2.0)
}

/// Words with a hyphen that stand whole within a line: such a one is not a word that was cut.
fn hyphened(pages: &[Vec<Line>]) -> HashSet<String> {
    let words = pages.iter().flatten().flat_map(|line| line.text.split(' '));
    let bare = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    bare.filter(|word| word.contains('-')).map(str::to_lowercase).collect()
}

/// The gap between lines of one paragraph: the middle one of all gaps of the page.
fn usual_gap(page: &[Line]) -> f64 {
    let shown: Vec<&Line> = page.iter().filter(|line| !line.hidden).collect();
    let lines = shown.windows(2).filter(|two| two[0].column == two[1].column);
    let gaps = lines.map(|two| (two[0].y - two[1].y) / two[1].size.max(0.1));
    let mut gaps: Vec<f64> = gaps.filter(|gap| (0.8..2.5).contains(gap)).collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(1.2)
}

struct Paragraphs {
    drafts: Vec<Draft>,
    open: Option<Open>,
    body: f64,
    hyphened: HashSet<String>,
}

/// A paragraph that may go on.
struct Open {
    page: Option<u32>,
    text: String,
    last: Line,
    lines: usize,
    bold: bool,
    mono: bool,
    /// The page and the right edge of its column, as far as it is known.
    on: Option<u32>,
    edge: f64,
}

impl Paragraphs {
    fn take(&mut self, line: Line, page: Option<u32>, usual: f64) {
        if line.text.is_empty() {
            return;
        }
        if line.hidden {
            self.drafts.push(Draft { page, role: Role::Hidden, text: line.text });
            return;
        }
        if line.artifact {
            self.drafts.push(Draft { page, role: Role::Navigation, text: line.text });
            return;
        }
        if let Some(open) = self.open.as_mut()
            && open.takes(&line, page, usual)
        {
            append(&mut open.text, &line.text, &self.hyphened);
            open.lines += 1;
            open.bold &= line.bold;
            open.mono &= line.mono;
            open.edge = if open.on == page && open.last.column == line.column {
                open.edge.max(line.end)
            } else {
                line.end
            };
            open.on = page;
            open.last = line;
            return;
        }
        self.close();
        let (text, bold, mono, edge) = (line.text.clone(), line.bold, line.mono, line.end);
        self.open = Some(Open { page, text, lines: 1, bold, mono, on: page, edge, last: line });
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let words = open.text.split(' ').count();
        let large = open.last.size >= LARGER * self.body && words <= TITLE;
        // `2.1 Findings` is a title with a number.
        let bare = &open.text[item_mark(&open.text)..];
        let bold = open.bold && open.lines <= 2 && is_title(bare);
        let role = match () {
            () if open.last.cells > 1 => Role::Table,
            () if open.mono => Role::Code,
            () if large || bold => Role::Heading,
            () => Role::Text,
        };
        self.drafts.push(Draft { page: open.page, role, text: open.text });
    }
}

impl Open {
    /// Whether a line goes on with this paragraph.
    fn takes(&self, line: &Line, page: Option<u32>, usual: f64) -> bool {
        let last = &self.last;
        let alike = (last.size - line.size).abs() < 0.1 * last.size.max(line.size)
            && last.mono == line.mono
            && last.cells == 1
            && line.cells == 1
            && (self.bold == line.bold || !is_title(&self.text));
        let listed = |text: &str| {
            let words = text.split(' ').take(12);
            let (all, found) = words.fold((0, 0), |(all, found), word| {
                (all + 1, found + usize::from(is_indicator(word)))
            });
            found > 0 && found * 2 >= all
        };
        if !alike || is_item(&line.text) || listed(&line.text) || listed(&last.text) {
            return false;
        }
        let ended = last.text.ends_with(['.', '!', '?', ':', ';', '"', '”', ')']);
        if self.on != page || last.column != line.column {
            // Over a column's or a page's end only where the sentence plainly goes on.
            return !ended
                && (line.text.starts_with(char::is_lowercase) || last.text.ends_with(','));
        }
        let gap = (last.y - line.y) / line.size.max(0.1);
        let indented = line.x > last.x + 0.8 * line.size && self.lines > 1;
        let short = last.end < self.edge - 4.0 * last.size || last.end < line.end - 6.0 * last.size;
        (0.0..usual * APART).contains(&gap) && !(ended && (indented || short))
    }
}

/// Appends a line; a word that was cut is made whole, unless it has its hyphen elsewhere, too.
fn append(text: &mut String, line: &str, hyphened: &HashSet<String>) {
    let letter = |c: char| c.is_alphabetic();
    let cut = text
        .strip_suffix(['-', '\u{2010}'])
        .filter(|stem| stem.ends_with(char::is_lowercase) && line.starts_with(char::is_lowercase));
    let Some(stem) = cut else {
        // An address goes on without a blank.
        if !text.ends_with('/') {
            text.push(' ');
        }
        text.push_str(line);
        return;
    };
    // The word that is cut, as far as a word goes: looking further takes longer with each line.
    let from = stem.char_indices().rev().nth(LONGEST).map_or(0, |(at, _)| at);
    let first = stem[from..].rsplit(|c| !letter(c) && c != '-').next().unwrap_or_default();
    let second = line.split(|c| !letter(c) && c != '-').next().unwrap_or_default();
    let whole = format!("{first}-{second}").to_lowercase();
    let length = stem.len();
    if !hyphened.contains(&whole) {
        text.truncate(length);
    }
    text.push_str(line);
}
