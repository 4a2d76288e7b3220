//! `ToUnicode`: which characters a font's codes stand for (ISO 32000-1, 9.10.3).

use super::object::{Lexer, Object};
use crate::budget::{Budget, Outcome};
use encoding_rs::UTF_16BE;
use std::collections::HashMap;

/// Most entries of a table, and most characters that one code stands for.
const MOST: usize = 70_000;
const LONGEST: usize = 64;

#[derive(Default)]
pub(super) struct CMap {
    single: HashMap<u32, String>,
    /// First and last code, and what the first stands for: the next code for the next character.
    ranges: Vec<(u32, u32, String)>,
}

impl CMap {
    pub(super) fn parse(text: &[u8], budget: &Budget) -> Outcome<Self> {
        let mut map = Self::default();
        let mut lexer = Lexer::of_content(text);
        let mut operands: Vec<Object> = Vec::new();
        let mut held = 0;
        while lexer.at < text.len() && map.single.len() + map.ranges.len() + held < 4 * MOST {
            budget.check()?;
            match lexer.object() {
                Some(Object::Word(word)) => {
                    match word.as_slice() {
                        b"endbfchar" => map.take_single(&operands),
                        b"endbfrange" => map.take_ranges(&operands),
                        _ => {}
                    }
                    operands.clear();
                    held = 0;
                }
                Some(operand) => {
                    held += 1 + operand.array().map_or(0, <[Object]>::len);
                    operands.push(operand);
                }
                None => lexer.at += 1,
            }
        }
        map.ranges.sort_by_key(|(first, ..)| *first);
        Ok(map)
    }

    fn take_single(&mut self, operands: &[Object]) {
        for pair in operands.chunks_exact(2) {
            if let [Object::Text(code), Object::Text(text)] = pair {
                self.single.insert(number(code), characters(text));
            }
        }
    }

    fn take_ranges(&mut self, operands: &[Object]) {
        for triple in operands.chunks_exact(3) {
            match triple {
                [Object::Text(first), Object::Text(last), Object::Text(text)] => {
                    self.ranges.push((number(first), number(last), characters(text)));
                }
                [Object::Text(first), _, Object::Array(texts)] => {
                    for (code, text) in (number(first)..).zip(texts.iter().take(MOST)) {
                        if let Object::Text(text) = text {
                            self.single.insert(code, characters(text));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Appends what a code stands for, if that is known.
    pub(super) fn put(&self, code: u32, out: &mut String) -> bool {
        if let Some(text) = self.single.get(&code) {
            out.push_str(text);
            return true;
        }
        let at = self.ranges.partition_point(|(first, ..)| *first <= code);
        let found = at.checked_sub(1).and_then(|at| self.ranges.get(at));
        let Some((first, _, text)) = found.filter(|(_, last, _)| code <= *last) else {
            return false;
        };
        let Some(last) = text.chars().next_back() else { return false };
        out.push_str(&text[..text.len() - last.len_utf8()]);
        out.extend(u32::from(last).checked_add(code - first).and_then(char::from_u32));
        true
    }
}

fn number(code: &[u8]) -> u32 {
    code.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn characters(text: &[u8]) -> String {
    // One byte stands for itself in tables that are not quite right.
    if let [byte] = text {
        return char::from(*byte).to_string();
    }
    let text = UTF_16BE.decode_without_bom_handling(&text[..text.len().min(LONGEST)]).0;
    text.chars().filter(|c| *c != '\0').collect()
}
