//! How the data of a stream is unpacked (ISO 32000-1, 7.4), each filter within the budget.

use super::object::{Dict, Lookup, Object};
use crate::budget::{Budget, Outcome};
use flate2::read::ZlibDecoder;

/// Filters one after the other.
const MOST: usize = 8;

/// The data of a stream; nothing if it is an image's or its filter is unknown.
pub(super) fn decoded(
    file: &impl Lookup,
    dict: &Dict,
    raw: &[u8],
    budget: &mut Budget,
) -> Outcome<Option<Vec<u8>>> {
    let either = |long: &[u8], short: &[u8]| match dict.get(long) {
        Some(object) => file.resolve(object, budget),
        None => file.get(dict, short, budget),
    };
    let names = list(either(b"Filter", b"F")?);
    let settings = list(either(b"DecodeParms", b"DP")?);
    if names.len() > MOST {
        return Err(format!("a stream with more than {MOST} filters"));
    }
    let mut data = None;
    for (at, name) in names.iter().enumerate() {
        let name = file.resolve(name, budget)?;
        let settings = match settings.get(at) {
            Some(object) => file.resolve(object, budget)?,
            None => Object::Null,
        };
        let input = data.as_deref().unwrap_or(raw);
        let output = match name.name().unwrap_or_default() {
            b"FlateDecode" | b"Fl" => flate(input, budget)?,
            b"LZWDecode" | b"LZW" => {
                let early = setting(&settings, b"EarlyChange").unwrap_or(1);
                lzw(input, early != 0, budget)?
            }
            b"ASCIIHexDecode" | b"AHx" => hexadecimal(input),
            b"ASCII85Decode" | b"A85" => base_85(input),
            b"RunLengthDecode" | b"RL" => run_length(input, budget)?,
            b"Crypt" => input.to_vec(),
            _ => return Ok(None),
        };
        if !matches!(name.name(), Some(b"FlateDecode" | b"Fl" | b"LZWDecode" | b"LZW")) {
            budget.spend(output.len())?;
        }
        data = Some(predicted(output, &settings));
    }
    if data.is_none() {
        budget.spend(raw.len())?;
    }
    Ok(Some(data.unwrap_or_else(|| raw.to_vec())))
}

/// The crypt filter that a stream names as its first filter, and what it has without a name; nothing
/// where it names none.
pub(super) fn crypt_filter(
    file: &impl Lookup,
    dict: &Dict,
    budget: &Budget,
) -> Outcome<Option<Vec<u8>>> {
    let first = |key: &[u8]| -> Outcome<Object> {
        match list(file.get(dict, key, budget)?).first() {
            Some(object) => file.resolve(object, budget),
            None => Ok(Object::Null),
        }
    };
    if first(b"Filter")?.name() != Some(b"Crypt") {
        return Ok(None);
    }
    let settings = first(b"DecodeParms")?;
    let name = settings.dict().and_then(|settings| settings.get(&b"Name"[..]));
    Ok(Some(name.and_then(Object::name).unwrap_or(b"Identity").to_vec()))
}

fn list(object: Object) -> Vec<Object> {
    match object {
        Object::Null => Vec::new(),
        Object::Array(items) => items,
        other => vec![other],
    }
}

fn setting(settings: &Object, key: &[u8]) -> Option<usize> {
    settings.dict()?.get(key)?.index()
}

/// What could be unpacked counts where the end is broken, as in other readers.
fn flate(input: &[u8], budget: &mut Budget) -> Outcome<Vec<u8>> {
    let (data, broken) = budget.unpack(ZlibDecoder::new(input))?;
    if broken.is_some() && data.is_empty() {
        // Some writers leave the two bytes of zlib's head broken.
        let body = input.get(2..).unwrap_or_default();
        return Ok(budget.unpack(flate2::read::DeflateDecoder::new(body))?.0);
    }
    Ok(data)
}

/// LZW as in TIFF: codes of 9 to 12 bits, 256 clears the table, 257 ends.
fn lzw(input: &[u8], early: bool, budget: &mut Budget) -> Outcome<Vec<u8>> {
    let mut out: Vec<u8> = Vec::new();
    // Each entry is a piece of what was put out.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let (mut bits, mut held, mut width) = (0_u32, 0_u32, 9_u32);
    let mut before: Option<(usize, usize)> = None;
    let mut paid = 0;
    for byte in input {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = ((bits >> held) & ((1 << width) - 1)) as usize;
        bits &= (1 << held) - 1;
        let start = out.len();
        match code {
            256 => {
                table.clear();
                (width, before) = (9, None);
                continue;
            }
            257 => break,
            0..=255 => out.push(code as u8),
            _ => {
                let (from, length) = match (table.get(code - 258), before) {
                    (Some(entry), _) => *entry,
                    (None, Some((from, length))) if code - 258 == table.len() => (from, length + 1),
                    _ => break,
                };
                budget.spend(length)?;
                paid += length;
                for at in from..from + length {
                    let Some(byte) = out.get(at).copied() else { break };
                    out.push(byte);
                }
            }
        }
        if let Some((from, length)) = before
            && table.len() < 4096 - 258
        {
            table.push((from, length + 1));
        }
        before = Some((start, out.len() - start));
        let next = table.len() + 259 + usize::from(early) - 1;
        width = match next {
            2048.. => 12,
            1024.. => 11,
            512.. => 10,
            _ => 9,
        };
    }
    budget.spend(out.len().saturating_sub(paid))?;
    Ok(out)
}

fn hexadecimal(input: &[u8]) -> Vec<u8> {
    let until = memchr::memchr(b'>', input).unwrap_or(input.len());
    let digits: Vec<u32> =
        input[..until].iter().filter_map(|byte| char::from(*byte).to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair.get(1).unwrap_or(&0)) as u8).collect()
}

fn base_85(input: &[u8]) -> Vec<u8> {
    let (mut out, mut group) = (Vec::with_capacity(input.len()), Vec::with_capacity(5));
    let value =
        |group: &[u32]| group.iter().fold(0_u32, |sum, d| sum.wrapping_mul(85).wrapping_add(*d));
    for byte in input {
        match byte {
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            b'~' => break,
            _ => {}
        }
        if group.len() == 5 {
            out.extend(value(&group).to_be_bytes());
            group.clear();
        }
    }
    if group.len() > 1 {
        let kept = group.len() - 1;
        group.resize(5, 84);
        out.extend(&value(&group).to_be_bytes()[..kept]);
    }
    out
}

fn run_length(input: &[u8], budget: &mut Budget) -> Outcome<Vec<u8>> {
    let (mut out, mut rest) = (Vec::new(), input);
    while let Some((length, after)) = rest.split_first() {
        let length = usize::from(*length);
        rest = match (length, after) {
            (0..=127, _) => {
                let end = (length + 1).min(after.len());
                out.extend_from_slice(&after[..end]);
                &after[end..]
            }
            (129.., [byte, after @ ..]) => {
                budget.spend(257 - length)?;
                out.extend(std::iter::repeat_n(*byte, 257 - length));
                after
            }
            _ => break,
        };
    }
    Ok(out)
}

/// Undoes PNG's predictors, which streams of objects are packed with.
fn predicted(data: Vec<u8>, settings: &Object) -> Vec<u8> {
    if setting(settings, b"Predictor").unwrap_or(1) < 10 {
        return data;
    }
    let number =
        |key: &[u8], otherwise| setting(settings, key).unwrap_or(otherwise).clamp(1, 1 << 16);
    let (colors, depth) = (number(b"Colors", 1), number(b"BitsPerComponent", 8));
    let pixel = (colors * depth).div_ceil(8).max(1);
    let row = (colors * depth * number(b"Columns", 1)).div_ceil(8).max(1);
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    for line in data.chunks(row + 1) {
        let Some((kind, line)) = line.split_first() else { break };
        let start = out.len();
        for (at, byte) in line.iter().enumerate() {
            let left = if at >= pixel { out[start + at - pixel] } else { 0 };
            let above = if start >= row { out[start + at - row] } else { 0 };
            let corner =
                if at >= pixel && start >= row { out[start + at - row - pixel] } else { 0 };
            let guess = match kind {
                1 => left,
                2 => above,
                3 => ((u16::from(left) + u16::from(above)) / 2) as u8,
                4 => paeth(left, above, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(guess));
        }
    }
    out
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(above) - i16::from(corner);
    let far = |of: u8| (guess - i16::from(of)).abs();
    match () {
        () if far(left) <= far(above) && far(left) <= far(corner) => left,
        () if far(above) <= far(corner) => above,
        () => corner,
    }
}
