//! Which characters a font's codes stand for, and how wide they are (ISO 32000-1, 9.6, 9.7, 9.10).

use super::cmap::CMap;
use super::file::File;
use super::names;
use super::object::{Dict, Lookup, Object};
use crate::budget::{Budget, Outcome};
use encoding_rs::{Encoding, MACINTOSH, UTF_16BE, WINDOWS_1252};

/// Widths of the characters from blank to tilde in Helvetica, in thousandths of its size (Adobe's
/// font metrics): for fonts that every reader has, whose widths need not be in the file.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Most widths that a font may state.
const WIDTHS: usize = 70_000;

pub(super) struct Font {
    /// Two bytes make a code.
    wide: bool,
    to_unicode: Option<CMap>,
    /// Of a font with codes of one byte.
    simple: Vec<Option<String>>,
    /// Codes are UTF-16.
    utf_16: bool,
    widths: Widths,
    pub(super) bold: bool,
    pub(super) mono: bool,
}

enum Widths {
    /// From the first code on, in thousandths of the size.
    Row {
        first: usize,
        widths: Vec<f64>,
        missing: f64,
    },
    /// From a code to another, sorted.
    Ranges {
        ranges: Vec<(usize, usize, f64)>,
        missing: f64,
    },
    Helvetica,
    Fixed,
}

impl Font {
    pub(super) fn read(file: &File<'_>, dict: &Dict, budget: &mut Budget) -> Outcome<Self> {
        let kind = file.get(dict, b"Subtype", budget)?;
        let wide = kind.name() == Some(b"Type0");
        let to_unicode = match dict.get(&b"ToUnicode"[..]) {
            Some(object) => {
                file.stream(object, budget)?.map(|(_, text)| CMap::parse(&text, budget))
            }
            None => None,
        };
        let to_unicode = to_unicode.transpose()?;
        let encoding = file.get(dict, b"Encoding", budget)?;
        let descendant = match file.get(dict, b"DescendantFonts", budget)? {
            Object::Array(fonts) if wide => match fonts.first() {
                Some(font) => file.resolve(font, budget)?,
                None => Object::Null,
            },
            _ => Object::Null,
        };
        let of = descendant.dict().unwrap_or(dict);
        let descriptor = file.get(of, b"FontDescriptor", budget)?;
        let number = |dict: &Object, key: &[u8]| -> Outcome<Option<f64>> {
            match dict.dict() {
                Some(dict) => Ok(file.get(dict, key, budget)?.number()),
                None => Ok(None),
            }
        };
        let flags = number(&descriptor, b"Flags")?.unwrap_or_default() as i64;
        let base = file.get(dict, b"BaseFont", budget)?;
        let base = String::from_utf8_lossy(base.name().unwrap_or_default()).to_lowercase();
        let mono = ["courier", "mono", "consolas", "menlo"].iter().any(|name| base.contains(name))
            || flags & 1 != 0;
        let missing = number(&descriptor, b"MissingWidth")?;
        let widths = match (&descendant, file.get(dict, b"Widths", budget)?) {
            (Object::Dict(descendant), _) => ranges(file, descendant, budget)?,
            (_, Object::Array(widths)) => {
                let first = file.get(dict, b"FirstChar", budget)?.index().unwrap_or(0);
                // Type 3 fonts measure in their own units.
                let unit = match file.get(dict, b"FontMatrix", budget)? {
                    Object::Array(matrix) if kind.name() == Some(b"Type3") => {
                        matrix.first().and_then(Object::number).unwrap_or(0.001) * 1000.0
                    }
                    _ => 1.0,
                };
                let mut row = Vec::new();
                for width in widths.iter().take(256) {
                    row.push(file.resolve(width, budget)?.number().unwrap_or(0.0) * unit);
                }
                Widths::Row { first, widths: row, missing: missing.unwrap_or(0.0) * unit }
            }
            _ if mono => Widths::Fixed,
            _ => Widths::Helvetica,
        };
        let utf_16 = encoding.name().is_some_and(|name| {
            let name = String::from_utf8_lossy(name);
            name.contains("UCS2") || name.contains("UTF16")
        });
        let simple = if wide {
            Vec::new()
        } else {
            simple(file, &encoding, kind.name() == Some(b"TrueType"), budget)?
        };
        let bold = ["bold", "black", "heavy", "semibold", "demi"].iter().any(|b| base.contains(b));
        Ok(Self { wide, to_unicode, simple, utf_16, widths, bold, mono })
    }

    /// For each code of a string its width in sizes, its text where that is known, and whether it
    /// is the blank that word spacing widens.
    pub(super) fn codes(&self, text: &[u8], mut take: impl FnMut(f64, Option<&str>, bool)) {
        let length = if self.wide { 2 } else { 1 };
        let mut buffer = String::new();
        for bytes in text.chunks(length) {
            let code = bytes.iter().fold(0_usize, |code, byte| code << 8 | usize::from(*byte));
            let width = self.width(code) / 1000.0;
            let blank = length == 1 && code == 32;
            buffer.clear();
            let mapped =
                self.to_unicode.as_ref().is_some_and(|map| map.put(code as u32, &mut buffer));
            if mapped {
                take(width, Some(&buffer), blank);
            } else if self.utf_16 {
                let text = UTF_16BE.decode_without_bom_handling(bytes).0;
                take(width, Some(&text), blank);
            } else {
                take(width, self.simple.get(code).and_then(Option::as_deref), blank);
            }
        }
    }

    fn width(&self, code: usize) -> f64 {
        match &self.widths {
            Widths::Row { first, widths, missing } => {
                let at = code.checked_sub(*first);
                at.and_then(|at| widths.get(at)).copied().unwrap_or(*missing)
            }
            Widths::Ranges { ranges, missing } => {
                let at = ranges.partition_point(|(first, ..)| *first <= code);
                let found = at.checked_sub(1).and_then(|at| ranges.get(at));
                found.filter(|(_, last, _)| code <= *last).map_or(*missing, |(.., width)| *width)
            }
            Widths::Helvetica => {
                let at = code.checked_sub(32).and_then(|at| HELVETICA.get(at));
                at.map_or(556.0, |width| f64::from(*width))
            }
            Widths::Fixed => 600.0,
        }
    }
}

/// `W` of a composite font: `10 [500 600] 20 30 700`.
fn ranges(file: &File<'_>, dict: &Dict, budget: &mut Budget) -> Outcome<Widths> {
    let missing = file.get(dict, b"DW", budget)?.number().unwrap_or(1000.0);
    let mut ranges = Vec::new();
    if let Object::Array(items) = file.get(dict, b"W", budget)? {
        let mut rest = items.as_slice();
        while let [first, second, after @ ..] = rest {
            if ranges.len() > WIDTHS {
                break;
            }
            let first = file.resolve(first, budget)?.index().unwrap_or(0);
            match file.resolve(second, budget)? {
                Object::Array(widths) => {
                    for (at, width) in widths.iter().take(WIDTHS).enumerate() {
                        let width = file.resolve(width, budget)?.number().unwrap_or(missing);
                        ranges.push((first + at, first + at, width));
                    }
                    rest = after;
                }
                last => {
                    let [width, after @ ..] = after else { break };
                    let width = file.resolve(width, budget)?.number().unwrap_or(missing);
                    ranges.push((first, last.index().unwrap_or(first), width));
                    rest = after;
                }
            }
        }
    }
    ranges.sort_by_key(|(first, ..)| *first);
    budget.spend(ranges.len() * std::mem::size_of::<(usize, usize, f64)>() / 4)?;
    Ok(Widths::Ranges { ranges, missing })
}

/// The characters of a font with codes of one byte.
fn simple(
    file: &File<'_>,
    encoding: &Object,
    true_type: bool,
    budget: &Budget,
) -> Outcome<Vec<Option<String>>> {
    let (base, differences) = match encoding {
        Object::Dict(dict) => {
            (file.get(dict, b"BaseEncoding", budget)?, file.get(dict, b"Differences", budget)?)
        }
        other => (other.clone(), Object::Null),
    };
    let of_table = |table: &'static Encoding, code: u8| {
        let text = table.decode_without_bom_handling(&[code]).0.into_owned();
        Some(text).filter(|text| !text.contains(|c: char| c.is_control()))
    };
    let mut simple: Vec<Option<String>> = (0..=255_u8)
        .map(|code| match base.name() {
            Some(b"MacRomanEncoding") => of_table(MACINTOSH, code),
            Some(b"WinAnsiEncoding") => of_table(WINDOWS_1252, code),
            _ if true_type => of_table(WINDOWS_1252, code),
            _ => names::standard(code),
        })
        .collect();
    let mut code = 0;
    for item in differences.array().unwrap_or_default().iter().take(1024) {
        match file.resolve(item, budget)? {
            Object::Name(name) => {
                if let Some(place) = simple.get_mut(code) {
                    *place = names::text(&String::from_utf8_lossy(&name));
                }
                code += 1;
            }
            other => code = other.index().unwrap_or(code),
        }
    }
    Ok(simple)
}
