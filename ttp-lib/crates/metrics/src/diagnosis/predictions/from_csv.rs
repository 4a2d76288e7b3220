//! Predictions of a CSV file, read in parts at once.

use super::places::{Columns, Place, Places};
use super::prediction_rows::{PredictionRows, RowRefusal};
use rayon::prelude::*;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use ttp_base::csv_file::{CsvFile, Records};
use ttp_base::{Error, Result};

/// About as many bytes of a CSV file are read by one thread in one go.
pub(super) const PART_BYTES: u64 = 16 << 20;

pub(super) fn read_csv(
    file: &Path,
    columns: &Columns,
    part_bytes: u64,
) -> Result<(PredictionRows, Places)> {
    let opened = CsvFile::open(file)?;
    let header = opened.names();
    let places = Places::find(file, &header, columns)?;
    let (start, line) = opened.body()?;
    let parts = parts_of(file, start, line, part_bytes)?;
    let read = |part: &Part| read_part(file, part, &places, header.len());
    let read: Vec<Result<PredictionRows>> = parts.par_iter().map(read).collect();
    let mut gathered = PredictionRows::new(&places);
    for part in read {
        gathered.append(part?).map_err(|reason| Error::input(file, reason))?;
    }
    Ok((gathered, places))
}

/// Bytes of a CSV file that begin with a record and end with one.
struct Part {
    start: u64,
    end: u64,
    /// The number of its first line.
    line: usize,
}

/// Cuts what is behind the header at line ends. Where a quote is in the file a line's end may be
/// within a cell: then it is one part, as where lines end with a carriage return alone. How it is cut depends on the file alone, so that sums come
/// out the same on any number of threads.
fn parts_of(file: &Path, start: u64, line: usize, part_bytes: u64) -> Result<Vec<Part>> {
    let wrong = |error| Error::file(file, "read")(error);
    let mut opened = std::fs::File::open(file).map_err(wrong)?;
    let length = opened.metadata().map_err(wrong)?.len();
    opened.seek(SeekFrom::Start(start)).map_err(wrong)?;
    let mut parts = Vec::new();
    let mut part = Part { start, end: start, line };
    let (mut at, mut line_now) = (start, line);
    let mut after_return = false;
    let mut block = vec![0; part_bytes.clamp(1, 1 << 20) as usize];
    loop {
        let read = opened.read(&mut block).map_err(wrong)?;
        let bytes = &block[..read];
        // A line that ends with a carriage return alone is the csv library's to count.
        let mut returns = memchr::memchr_iter(b'\r', bytes);
        let alone = (after_return && bytes.first() != Some(&b'\n'))
            || returns.any(|at| bytes.get(at + 1).is_some_and(|next| *next != b'\n'));
        if bytes.contains(&b'"') || alone {
            return Ok(vec![Part { start, end: u64::MAX, line }]);
        }
        if read == 0 {
            break;
        }
        after_return = bytes.last() == Some(&b'\r');
        let last = bytes.iter().rposition(|byte| *byte == b'\n');
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        line_now += lines;
        if let Some(last) = last {
            part.end = at + last as u64 + 1;
            if part.end - part.start >= part_bytes {
                let next = Part { start: part.end, end: part.end, line: line_now };
                parts.push(std::mem::replace(&mut part, next));
            }
        }
        at += read as u64;
    }
    part.end = length.max(at);
    parts.push(part);
    Ok(parts)
}

fn read_part(file: &Path, part: &Part, places: &Places, cells: usize) -> Result<PredictionRows> {
    let mut opened = std::fs::File::open(file).map_err(Error::file(file, "read"))?;
    opened.seek(SeekFrom::Start(part.start)).map_err(Error::file(file, "read"))?;
    let bytes = opened.take(part.end - part.start);
    let mut records = Records::part(file, bytes, part.line, cells);
    let mut gathered = PredictionRows::new(places);
    let mut record = ::csv::ByteRecord::new();
    let mut of_all = vec![0.0; places.of_all.len()];
    while let Some(line) = records.next(&mut record)? {
        let refused =
            |(field, reason): RowRefusal| Error::input_at(file, Some(line), Some(&field), reason);
        let cell = |place: &Place| record.get(place.at).unwrap_or_default();
        let number = |place: &Place| {
            let text = std::str::from_utf8(cell(place)).unwrap_or_default().trim();
            text.parse::<f64>().map_err(|_| {
                let reason = match text {
                    "" => "missing: no probability".to_owned(),
                    _ => format!("{text:?} is no probability"),
                };
                refused((place.name.clone(), reason))
            })
        };
        if gathered.confidences.is_some() {
            for (value, place) in of_all.iter_mut().zip(&places.of_all) {
                *value = number(place)?;
            }
            let confidence = places.confidence.as_ref().map(number).transpose()?;
            let predicted = places.predicted.as_ref().map(cell);
            let truth = cell(&places.truth);
            gathered.push(places, truth, predicted, &of_all, confidence).map_err(refused)?;
        } else if let Some(predicted) = &places.predicted {
            for (labels, place) in
                [(&mut gathered.truth, &places.truth), (&mut gathered.predicted, predicted)]
            {
                labels.push(cell(place)).map_err(|reason| refused((place.name.clone(), reason)))?;
            }
        }
    }
    gathered.notes.extend(records.notes());
    Ok(gathered)
}
