//! Whether ATT&CK has the ids that a reviewer wrote.

use super::{COLUMNS, Position, is_json, place};
use crate::Report;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::csv_file::{self, CsvFile, unguarded};
use ttp_base::{Error, Result, files};
use ttp_lib::corpus::{Standing, standings};

/// The ids of one release of ATT&CK, withdrawn ones too.
#[derive(Debug)]
pub struct KnownTechniques {
    version: String,
    standings: BTreeMap<String, Standing>,
}

impl KnownTechniques {
    /// Those of a bundle; `version` is the release's, for instance `15.1`.
    ///
    /// # Errors
    /// If the bundle cannot be read or holds no technique.
    pub fn read(bundle: &Path, version: &str) -> Result<Self> {
        Ok(Self { version: version.to_owned(), standings: standings(&[bundle])? })
    }

    /// Refuses a review whose first wrong id in `corrected` ATT&CK does not have or has withdrawn.
    /// What the report's model names itself is right. `file` is the reviewer's, a `report.json` or a
    /// `report.csv`.
    ///
    /// # Errors
    /// With the file, the row, the field, and what took a revoked id's place.
    pub fn check(&self, report: &Report, file: &Path) -> Result<()> {
        for (document, number, judgement) in report.sentences() {
            let Some(id) = judgement.corrected.as_deref() else { continue };
            let Some(fault) = self.fault(id) else { continue };
            if report.model.labels.iter().any(|label| label == id) {
                continue;
            }
            let sentence = &judgement.sentence.text;
            let (row, field) = place_of(file, (document, number), sentence, id)?;
            return Err(Error::input_at(file, row, Some(&field), fault));
        }
        Ok(())
    }

    /// What is wrong with an id.
    fn fault(&self, id: &str) -> Option<String> {
        let version = &self.version;
        match self.standings.get(id) {
            Some(Standing::InUse) => None,
            None => Some(format!("{id} is no technique of ATT&CK v{version}")),
            Some(Standing::Deprecated) => {
                Some(format!("{id} is deprecated in ATT&CK v{version}, nothing took its place"))
            }
            Some(Standing::Revoked { by }) if by.is_empty() => {
                Some(format!("{id} is revoked in ATT&CK v{version}, nothing took its place"))
            }
            Some(Standing::Revoked { by }) => {
                let by = by.join(", ");
                Some(format!("{id} is revoked in ATT&CK v{version}, {by} took its place"))
            }
        }
    }
}

/// The row and the field of a sentence's `corrected` in a reviewer's file.
fn place_of(
    file: &Path,
    (document, number): (usize, usize),
    sentence: &str,
    id: &str,
) -> Result<(Option<usize>, String)> {
    let bytes = std::fs::read(file).map_err(Error::file(file, "read"))?;
    if is_json(&bytes) {
        drop(bytes);
        let text = files::read_text(file)?;
        let (row, field) = place(&text, document, number, sentence);
        // The field stands behind the sentence, with the id as the reviewer wrote it.
        let written =
            |line: &str| line.contains("\"corrected\"") && line.to_uppercase().contains(id);
        let from = row.unwrap_or(1);
        let behind = text.lines().skip(from - 1).position(written);
        return Ok((behind.map(|at| from + at).or(row), format!("{field}.corrected")));
    }
    let field = COLUMNS[Position::Corrected as usize].to_owned();
    let mut table = CsvFile::open(file)?;
    let places = (
        table.column(COLUMNS[Position::Document as usize])?,
        table.column(COLUMNS[Position::Number as usize])?,
    );
    let mut record = csv::ByteRecord::new();
    while let Some(row) = table.next(&mut record)? {
        let is = |place: usize, value: usize| {
            let cell = csv_file::text(record.get(place).unwrap_or_default());
            cell.is_ok_and(|cell| unguarded(cell).trim().parse() == Ok(value))
        };
        if is(places.0, document) && is(places.1, number) {
            return Ok((Some(row), field));
        }
    }
    Ok((None, field))
}
