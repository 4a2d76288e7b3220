//! NetML's lines: one flow as JSON each, plain or compressed with gzip.

use super::flows::NetmlFlows;
use super::{COUNTS, LOGARITHMS, NUMBERS, SERIES, STEPS};
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result, files};

/// Flows of one [chunk](FlowLines): so many are in memory at once.
const CHUNK: usize = 4096;

/// A line of such a file has some 2 kB; one of more than this is none.
const LONGEST_LINE: u64 = 1 << 20;

/// What becomes of a line that lacks one of the [`SERIES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingColumns {
    /// It is an error.
    #[default]
    Refused,
    /// The series is taken as zeros, as the published encoder's own loader does.
    Zeros,
}

/// A file of flows, read chunk by chunk: what has been given out is not kept, but for the ids, by
/// which a flow that stands twice is found (some 16 bytes each).
pub struct FlowLines {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    lacking: MissingColumns,
    /// Lines read so far.
    line: usize,
    seen: HashSet<u64>,
}

impl FlowLines {
    /// Opens a file, plain or gzip by its first bytes.
    ///
    /// # Errors
    /// If the file cannot be read, or is a Git LFS pointer.
    pub fn open(path: &Path, lacking: MissingColumns) -> Result<Self> {
        let input = open(path)?;
        Ok(Self { path: path.to_path_buf(), input, lacking, line: 0, seen: HashSet::new() })
    }

    /// The next flows, at most some thousand; `None` at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// If the file breaks off or cannot be read; if a line is no flow: not JSON, without an id, a
    /// number or (where that is refused) a series, with more than 16 counts in a series, with a
    /// number that is NaN, below 0 or beyond its range; if an id stood there before. The message
    /// names file, line and field.
    pub fn next_chunk(&mut self) -> Result<Option<NetmlFlows>> {
        let mut lines: Vec<(usize, Vec<u8>)> = Vec::with_capacity(CHUNK);
        while lines.len() < CHUNK {
            let mut line = Vec::with_capacity(2048);
            let before = self.line;
            let read = self.input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            let read = read.map_err(|error| {
                let reason = format!("cut off or damaged behind this line: {error}");
                Error::input_at(&self.path, Some(before), None, reason)
            })?;
            if read == 0 {
                break;
            }
            self.line += 1;
            if line.last() != Some(&b'\n') && read as u64 == LONGEST_LINE {
                let reason = format!("longer than {LONGEST_LINE} bytes");
                return Err(Error::input_at(&self.path, Some(self.line), None, reason));
            }
            if !line.trim_ascii().is_empty() {
                lines.push((self.line, line));
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let parsed: Vec<Result<Flow>> = lines
            .par_iter()
            .map(|(number, line)| {
                Flow::parse(line.trim_ascii(), self.lacking).map_err(|Wrong { field, reason }| {
                    Error::input_at(&self.path, Some(*number), field.as_deref(), reason)
                })
            })
            .collect();
        let mut flows = NetmlFlows::default();
        for (flow, (number, _)) in parsed.into_iter().zip(&lines) {
            let flow = flow?;
            if !self.seen.insert(flow.id) {
                let reason = format!("{} stands there twice", flow.id);
                return Err(Error::input_at(&self.path, Some(*number), Some("id"), reason));
            }
            flows.push(flow.id, &flow.counts, &flow.numbers, flow.lacks);
        }
        Ok(Some(flows))
    }
}

impl Iterator for FlowLines {
    type Item = Result<NetmlFlows>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_chunk().transpose()
    }
}

impl NetmlFlows {
    /// Reads a whole file: some 370 bytes a flow. [`FlowLines`] gives a file that is larger than
    /// memory piece by piece.
    ///
    /// # Errors
    /// As [`FlowLines::next_chunk`]; also if the file has no flow.
    pub fn read(path: &Path, lacking: MissingColumns) -> Result<Self> {
        let mut all = Self::default();
        for chunk in FlowLines::open(path, lacking)? {
            all.append(&chunk?);
        }
        if all.is_empty() {
            return Err(Error::input(path, "no flow in it"));
        }
        Ok(all)
    }
}

/// A file's bytes, unpacked where they begin as gzip does.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    files::refuse_pointer(path)?;
    let mut file = File::open(path).map_err(Error::file(path, "read"))?;
    let mut start = Vec::new();
    file.by_ref().take(2).read_to_end(&mut start).map_err(Error::file(path, "read"))?;
    file.rewind().map_err(Error::file(path, "read"))?;
    let mut read: Box<dyn BufRead + Send> = if start == [0x1f, 0x8b] {
        Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(BufReader::new(file))))
    } else {
        Box::new(BufReader::with_capacity(1 << 18, file))
    };
    // What cannot be read is told when its first line is.
    if read.fill_buf().is_ok_and(|bytes| bytes.starts_with(&files::MARK)) {
        read.consume(files::MARK.len());
    }
    Ok(read)
}

/// What is wrong with a line.
#[derive(Debug)]
struct Wrong {
    field: Option<String>,
    reason: String,
}

impl Wrong {
    fn new(field: &str, reason: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), reason: reason.into() }
    }
}

/// One flow as the encoder reads it.
#[derive(Debug)]
struct Flow {
    id: u64,
    /// Step by step, in each the eight series.
    counts: [u16; COUNTS],
    /// Before they are standardised.
    numbers: [f64; NUMBERS.len()],
    /// Whether a series was not there.
    lacks: bool,
}

impl Flow {
    fn parse(line: &[u8], lacking: MissingColumns) -> Result<Self, Wrong> {
        let raw: Raw = serde_json::from_slice(line).map_err(|error| no_flow(line, &error))?;
        let id = raw.id.ok_or_else(|| Wrong::new("id", "missing"))?;
        let mut flow =
            Self { id, counts: [0; COUNTS], numbers: [0.0; NUMBERS.len()], lacks: false };
        for (column, (series, name)) in raw.series.iter().zip(SERIES).enumerate() {
            match (series, lacking) {
                (None, MissingColumns::Refused) => return Err(Wrong::new(name, "missing")),
                (None, MissingColumns::Zeros) => flow.lacks = true,
                (Some(Counts { length, .. }), _) if *length > STEPS => {
                    let reason = format!("{length} counts; {STEPS} at most");
                    return Err(Wrong::new(name, reason));
                }
                (Some(Counts { length, values }), _) => {
                    for (step, &value) in values[..*length].iter().enumerate() {
                        flow.counts[step * SERIES.len() + column] = value;
                    }
                }
            }
        }
        for (at, (number, name)) in raw.numbers.iter().zip(NUMBERS).enumerate() {
            let number = number.ok_or_else(|| Wrong::new(name, "missing"))?;
            let most = match name {
                "pr" => 255.0,
                "src_port" | "dst_port" => 65_535.0,
                // Beyond it a whole number is no longer exact, and no flow is.
                _ => 9_007_199_254_740_992.0,
            };
            if !(0.0..=most).contains(&number) {
                return Err(Wrong::new(name, format!("{number} is not from 0 to {most}")));
            }
            let logarithm = at + LOGARITHMS >= NUMBERS.len();
            flow.numbers[at] = if logarithm { number.ln_1p() } else { number };
        }
        Ok(flow)
    }
}

/// serde_json's message, with the field that stands before the place of which it speaks.
fn no_flow(line: &[u8], error: &serde_json::Error) -> Wrong {
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default();
    let before = line.get(..error.column().min(line.len())).unwrap_or_default();
    let field = key_before(before).filter(|field| known(field));
    Wrong { field, reason: format!("{reason}, at byte {}", error.column()) }
}

/// The last key in a piece of JSON: what stands in quotes before the last `":`.
fn key_before(json: &[u8]) -> Option<String> {
    let end = json.windows(2).rposition(|pair| pair == b"\":")?;
    let start = json[..end].iter().rposition(|&byte| byte == b'"')? + 1;
    Some(String::from_utf8_lossy(&json[start..end]).into_owned())
}

fn known(field: &str) -> bool {
    field == "id" || SERIES.contains(&field) || NUMBERS.contains(&field)
}

/// The first 16 counts of a series, and how many there are.
struct Counts {
    length: usize,
    values: [u16; STEPS],
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of whole numbers from 0 to 65535")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counts, A::Error> {
                let mut counts = Counts { length: 0, values: [0; STEPS] };
                while let Some(value) = list.next_element::<u16>()? {
                    if let Some(place) = counts.values.get_mut(counts.length) {
                        *place = value;
                    }
                    counts.length += 1;
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_seq(Visit)
    }
}

/// What is read of a line; what else stands there (names, TLS, DNS, HTTP) is passed over.
#[derive(Default)]
struct Raw {
    id: Option<u64>,
    series: [Option<Counts>; SERIES.len()],
    numbers: [Option<f64>; NUMBERS.len()],
}

/// A key of a line.
enum Key {
    Id,
    Series(usize),
    Number(usize),
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                let place = |names: &[&str]| names.iter().position(|name| *name == key);
                Ok(match (key == "id", place(&SERIES), place(&NUMBERS)) {
                    (true, ..) => Key::Id,
                    (_, Some(at), _) => Key::Series(at),
                    (_, _, Some(at)) => Key::Number(at),
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(Visit)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flow as a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut raw = Raw::default();
                while let Some(key) = map.next_key()? {
                    let twice = match key {
                        Key::Id => raw.id.replace(map.next_value()?).is_some(),
                        Key::Series(at) => raw.series[at].replace(map.next_value()?).is_some(),
                        Key::Number(at) => raw.numbers[at].replace(map.next_value()?).is_some(),
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                            false
                        }
                    };
                    if twice {
                        return Err(serde::de::Error::custom("it stands there twice"));
                    }
                }
                Ok(raw)
            }
        }
        deserializer.deserialize_map(Visit)
    }
}
