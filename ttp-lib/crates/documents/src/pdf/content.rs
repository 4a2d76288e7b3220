//! The text that a page shows, and where (ISO 32000-1, 9.4). Nothing is drawn.

use super::file::File;
use super::font::Font;
use super::object::{Dict, Lexer, Lookup, Object};
use crate::budget::{Budget, Outcome};
use std::collections::HashMap;
use std::rc::Rc;

/// Forms within forms, states on a stack, operands of an operator.
const DEEPEST: usize = 8;
const STATES: usize = 64;
const OPERANDS: usize = 64;
/// What a piece of text costs beside its characters, in bytes.
const COST: usize = 48;
/// Letters that are lower than so many points cannot be seen.
const SMALLEST: f64 = 1.0;
/// What a font that is kept costs, in bytes.
const FONT: usize = 8 << 10;

/// A matrix as the format writes it.
pub(super) type Matrix = [f64; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    ]
}

/// Text on one line of a page, in points from its lower left corner.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) x: f64,
    pub(super) end: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    pub(super) text: String,
    pub(super) bold: bool,
    pub(super) mono: bool,
    /// The file says that it is a header, a footer or a decoration.
    pub(super) artifact: bool,
    /// Drawn in the mode that shows nothing, or too small to be seen.
    pub(super) hidden: bool,
}

#[derive(Clone)]
struct State {
    at: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    spacing: f64,
    blanks: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
    /// `Tr`, the mode that draws no letter.
    invisible: bool,
    /// Letters are filled with white.
    white: bool,
}

impl State {
    /// That at the beginning of a page or of what is drawn within it.
    fn at(at: Matrix) -> Self {
        Self {
            at,
            font: None,
            size: 0.0,
            spacing: 0.0,
            blanks: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
            invisible: false,
            white: false,
        }
    }

    /// What an operator of one number or colour sets; others leave it as it is.
    fn set(&mut self, operator: &[u8], operands: &[Object]) {
        let number = operands.first().and_then(Object::number).unwrap_or(0.0);
        match operator {
            b"Tc" => self.spacing = number,
            b"Tw" => self.blanks = number,
            b"Tz" => self.stretch = number / 100.0,
            b"TL" => self.leading = number,
            b"Ts" => self.rise = number,
            b"Tr" => self.invisible = matches!(number as i64, 3 | 7),
            b"g" | b"rg" | b"k" | b"sc" | b"scn" => self.white = is_white(operands),
            b"cs" => self.white = false,
            _ => {}
        }
    }
}

/// Whether a colour of gray, red–green–blue or cyan–magenta–yellow–black is white.
fn is_white(operands: &[Object]) -> bool {
    let numbers: Option<Vec<f64>> = operands.iter().map(Object::number).collect();
    match numbers.as_deref() {
        Some([gray]) => *gray >= 1.0,
        Some([red, green, blue]) => red.min(*green).min(*blue) >= 1.0,
        Some([cyan, magenta, yellow, black]) => cyan.max(*magenta).max(yellow.max(*black)) <= 0.0,
        _ => false,
    }
}

/// What reads pages one after the other; fonts are kept.
pub(super) struct Reader<'a, 'd> {
    file: &'a File<'d>,
    fonts: HashMap<u32, Option<Rc<Font>>>,
    pub(super) pieces: Vec<Piece>,
    /// Whether the page shows pictures, and how many codes have no character that is known.
    pub(super) pictures: bool,
    pub(super) unknown: usize,
    /// Words that are filled with white.
    pub(super) white: usize,
    artifacts: Vec<bool>,
}

impl<'a, 'd> Reader<'a, 'd> {
    pub(super) fn new(file: &'a File<'d>) -> Self {
        Self {
            file,
            fonts: HashMap::new(),
            pieces: Vec::new(),
            pictures: false,
            unknown: 0,
            white: 0,
            artifacts: Vec::new(),
        }
    }

    /// Reads a page's content; `turned` is its rotation, in degrees.
    pub(super) fn page(
        &mut self,
        content: &[u8],
        resources: &Dict,
        turned: f64,
        budget: &mut Budget,
    ) -> Outcome<()> {
        let at = match (turned as i64).rem_euclid(360) {
            90 => [0.0, -1.0, 1.0, 0.0, 0.0, 0.0],
            180 => [-1.0, 0.0, 0.0, -1.0, 0.0, 0.0],
            270 => [0.0, 1.0, -1.0, 0.0, 0.0, 0.0],
            _ => IDENTITY,
        };
        self.artifacts.clear();
        self.content(content, resources, at, 0, budget)
    }

    fn content(
        &mut self,
        content: &[u8],
        resources: &Dict,
        at: Matrix,
        depth: usize,
        budget: &mut Budget,
    ) -> Outcome<()> {
        let mut lexer = Lexer::of_content(content);
        let mut operands: Vec<Object> = Vec::new();
        let mut state = State::at(at);
        let mut states: Vec<State> = Vec::new();
        let (mut text, mut line) = (IDENTITY, IDENTITY);
        while lexer.at < content.len() {
            budget.check()?;
            let operator = match lexer.object() {
                Some(Object::Word(word)) => word,
                Some(operand) => {
                    if operands.len() < OPERANDS {
                        operands.push(operand);
                    }
                    continue;
                }
                None => {
                    lexer.at += 1;
                    continue;
                }
            };
            let number = |at: usize| operands.get(at).and_then(Object::number).unwrap_or(0.0);
            let matrix = || [number(0), number(1), number(2), number(3), number(4), number(5)];
            let moved = |x: f64, y: f64| product(&[1.0, 0.0, 0.0, 1.0, x, y], &line);
            // Where the operator begins a line.
            let mut begun: Option<Matrix> = None;
            match operator.as_slice() {
                b"q" if states.len() < STATES => states.push(state.clone()),
                b"Q" => state = states.pop().unwrap_or(state),
                b"cm" => state.at = product(&matrix(), &state.at),
                b"BT" => begun = Some(IDENTITY),
                b"Tf" => {
                    state.size = number(1);
                    let name = operands.first().and_then(Object::name).unwrap_or_default();
                    state.font = self.font(resources, name, budget)?;
                }
                b"Td" => begun = Some(moved(number(0), number(1))),
                b"TD" => {
                    state.leading = -number(1);
                    begun = Some(moved(number(0), number(1)));
                }
                b"Tm" => begun = Some(matrix()),
                b"T*" => begun = Some(moved(0.0, -state.leading)),
                b"Tj" | b"TJ" => self.show(&state, &mut text, &operands, budget)?,
                b"'" | b"\"" => {
                    if operator == b"\"" {
                        (state.blanks, state.spacing) = (number(0), number(1));
                    }
                    line = moved(0.0, -state.leading);
                    text = line;
                    let last = operands.last().map(std::slice::from_ref).unwrap_or_default();
                    self.show(&state, &mut text, last, budget)?;
                }
                b"Do" => {
                    let name = operands.first().and_then(Object::name).unwrap_or_default();
                    self.object(resources, name, &state.at, depth, budget)?;
                }
                b"BI" => {
                    self.pictures = true;
                    lexer.at = behind_image(content, lexer.at);
                }
                b"BMC" | b"BDC" if self.artifacts.len() < STATES => {
                    let tag = operands.first().and_then(Object::name);
                    self.artifacts.push(tag == Some(b"Artifact"));
                }
                b"EMC" => drop(self.artifacts.pop()),
                other => state.set(other, &operands),
            }
            if let Some(begun) = begun {
                (text, line) = (begun, begun);
            }
            operands.clear();
        }
        Ok(())
    }

    fn font(
        &mut self,
        resources: &Dict,
        name: &[u8],
        budget: &mut Budget,
    ) -> Outcome<Option<Rc<Font>>> {
        let fonts = self.file.get(resources, b"Font", budget)?;
        let Some(object) = fonts.dict().and_then(|fonts| fonts.get(name)) else { return Ok(None) };
        let number = if let Object::Reference(number) = object { Some(*number) } else { None };
        if let Some(font) = number.and_then(|number| self.fonts.get(&number)) {
            return Ok(font.clone());
        }
        let font = match self.file.resolve(object, budget)? {
            Object::Dict(dict) => Some(Rc::new(Font::read(self.file, &dict, budget)?)),
            _ => None,
        };
        if let Some(number) = number {
            budget.spend(FONT)?;
            self.fonts.insert(number, font.clone());
        }
        Ok(font)
    }

    /// A form's content; a picture is noted.
    fn object(
        &mut self,
        resources: &Dict,
        name: &[u8],
        at: &Matrix,
        depth: usize,
        budget: &mut Budget,
    ) -> Outcome<()> {
        let objects = self.file.get(resources, b"XObject", budget)?;
        let Some(object) = objects.dict().and_then(|objects| objects.get(name)) else {
            return Ok(());
        };
        let Object::Dict(dict) = self.file.resolve(object, budget)? else { return Ok(()) };
        let kind = self.file.get(&dict, b"Subtype", budget)?;
        if kind.name() == Some(b"Image") {
            self.pictures = true;
        }
        if kind.name() != Some(b"Form") || depth >= DEEPEST {
            return Ok(());
        }
        let Some((dict, content)) = self.file.stream(object, budget)? else { return Ok(()) };
        let matrix = match self.file.get(&dict, b"Matrix", budget)? {
            Object::Array(items) if items.len() == 6 => {
                let mut matrix = IDENTITY;
                for (to, item) in matrix.iter_mut().zip(&items) {
                    *to = item.number().unwrap_or(0.0);
                }
                matrix
            }
            _ => IDENTITY,
        };
        // A form without resources of its own has the page's.
        let own = self.file.get(&dict, b"Resources", budget)?;
        let resources = own.dict().unwrap_or(resources);
        self.content(&content, resources, product(&matrix, at), depth + 1, budget)
    }

    fn show(
        &mut self,
        state: &State,
        text: &mut Matrix,
        operands: &[Object],
        budget: &mut Budget,
    ) -> Outcome<()> {
        let Some(font) = state.font.clone() else { return Ok(()) };
        let start = product(&[1.0, 0.0, 0.0, 1.0, 0.0, state.rise], &product(text, &state.at));
        let mut shown = String::new();
        let mut advance = 0.0;
        let mut unknown = 0;
        let mut show = |advance: &mut f64, object: &Object| match object {
            Object::Text(bytes) => font.codes(bytes, |width, text, blank| {
                let word = if blank { state.blanks } else { 0.0 };
                *advance += (width * state.size + state.spacing + word) * state.stretch;
                match text {
                    Some(text) => shown.push_str(text),
                    None => unknown += 1,
                }
            }),
            Object::Number(back) => {
                *advance -= back / 1000.0 * state.size * state.stretch;
                // Wider than what moves letters apart, narrower than a word's blank.
                if *back < -180.0 && !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            _ => {}
        };
        for operand in operands {
            match operand {
                Object::Array(items) => items.iter().for_each(|item| show(&mut advance, item)),
                other => show(&mut advance, other),
            }
        }
        *text = product(&[1.0, 0.0, 0.0, 1.0, advance, 0.0], text);
        self.unknown += unknown;
        let end = product(text, &state.at);
        let along = (end[4] - start[4]).abs() >= (end[5] - start[5]).abs();
        let upright = start[0].abs() >= start[1].abs();
        // Watermarks and marks in the margin run up the page.
        if shown.is_empty() || !along || !upright {
            return Ok(());
        }
        let size = (state.size * start[2].hypot(start[3])).abs();
        let sound =
            [start[4], start[5], end[4], size].iter().all(|n| n.is_finite() && n.abs() < 1e6);
        if !sound || size < 0.1 {
            return Ok(());
        }
        let piece = Piece {
            x: start[4].min(end[4]),
            end: start[4].max(end[4]),
            y: start[5],
            size,
            text: shown,
            bold: font.bold,
            mono: font.mono,
            artifact: self.artifacts.contains(&true),
            hidden: state.invisible || size < SMALLEST,
        };
        self.white += usize::from(state.white && !piece.hidden) * piece.text.split(' ').count();
        self.push(piece, budget)
    }

    /// Adds a piece, to the last one where it goes on there.
    fn push(&mut self, piece: Piece, budget: &mut Budget) -> Outcome<()> {
        budget.spend(piece.text.len())?;
        if let Some(last) = self.pieces.last_mut()
            && (last.y - piece.y).abs() < 0.05 * piece.size
            && (last.size - piece.size).abs() < 0.05 * piece.size
            && (last.bold, last.mono) == (piece.bold, piece.mono)
            && (last.artifact, last.hidden) == (piece.artifact, piece.hidden)
        {
            // Drawn twice for a bolder look.
            if (last.x - piece.x).abs() < 0.1 * piece.size && last.text == piece.text {
                return Ok(());
            }
            let gap = piece.x - last.end;
            if (-0.3 * piece.size..0.8 * piece.size).contains(&gap) {
                if gap > 0.17 * piece.size && !last.text.ends_with(' ') {
                    last.text.push(' ');
                }
                last.text.push_str(&piece.text);
                last.end = piece.end;
                return Ok(());
            }
        }
        budget.spend(COST)?;
        self.pieces.push(piece);
        Ok(())
    }
}

/// Behind `EI`, which ends an image that stands in the content itself.
fn behind_image(content: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = content.get(at..).and_then(|rest| memchr::memmem::find(rest, b"EI")) {
        let start = at + found;
        let before = start.checked_sub(1).and_then(|at| content.get(at));
        let apart = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
        at = start + 2;
        if apart(before) && apart(content.get(at)) {
            return at;
        }
    }
    content.len()
}
