//! Labelled sentences from CSV files: the layout of the public data sets, or any
//! other with a column of sentences and one of labels.

use super::candidates::{Candidate, RowChoice, fold, some_of};
use super::clean;
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::csv_file::{self, CsvFile};
use ttp_base::spelling::{self, tidy};
use ttp_base::{Error, Result};

/// Which columns of a CSV file hold what, by their names in its header. Others are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The sentence.
    pub sentence: String,
    /// The label: a technique's or sub-technique's id, or any other name of a class.
    pub technique: String,
    /// The sub-technique's id, where a column has it (it may repeat the technique's).
    pub subtechnique: Option<String>,
    /// The name of the technique or, where there is one, of the sub-technique.
    pub name: Option<String>,
    /// Whether a file without the column of the sub-technique or of the name is taken, too.
    pub if_there: bool,
}

impl Columns {
    /// A file of one's own: a column of sentences and one of labels.
    pub fn named(sentence: &str, label: &str) -> Self {
        Self {
            sentence: sentence.to_owned(),
            technique: label.to_owned(),
            subtechnique: None,
            name: None,
            if_there: false,
        }
    }

    /// A layout by its name (`hub`, `orbinato`), or `SENTENCE,LABEL`: the two columns' names as a
    /// line of CSV, so that a name may have a comma in it.
    ///
    /// # Errors
    /// If it is neither.
    ///
    /// ```
    /// use ttp_text::corpus::Columns;
    /// assert_eq!(Columns::from_name("hub").unwrap(), Columns::hub());
    /// let own = Columns::from_name("\"text, as written\",label").unwrap();
    /// assert_eq!(own, Columns::named("text, as written", "label"));
    /// assert!(Columns::from_name("text").is_err());
    /// ```
    pub fn from_name(text: &str) -> Result<Self> {
        let columns = match text {
            "hub" => return Ok(Self::hub()),
            "orbinato" => return Ok(Self::orbinato()),
            _ => csv_file::cells(text),
        };
        match columns.as_deref() {
            Some([sentence, label]) => Ok(Self::named(sentence, label)),
            _ => Err(Error::Unknown {
                kind: "column layout",
                name: text.to_owned(),
                known: ["hub", "orbinato", "SENTENCE,LABEL"].map(str::to_owned).to_vec(),
            }),
        }
    }

    /// Files of Orbinato et al. (ISSRE 2022, github dessertlab/cti-to-mitre-with-nlp):
    /// `data/dataset.csv` with an index without a name, `label_tec`, `label_subtec`, `tec_name`,
    /// `sentence`; `data/other_datasets/dataset_mixed.csv`, which has `sentence` and `label_tec`
    /// of these.
    pub fn orbinato() -> Self {
        Self {
            subtechnique: Some("label_subtec".to_owned()),
            name: Some("tec_name".to_owned()),
            if_there: true,
            ..Self::named("sentence", "label_tec")
        }
    }

    /// The hub's Hoangcuongnguyen/cti-to-mitre-dataset, saved as CSV. It has no data card;
    /// by its row count it is Orbinato's mixed file, and is taken to have its columns.
    /// Where it has others, the error says which, and [`Columns::named`] takes them.
    pub fn hub() -> Self {
        Self::orbinato()
    }
}

/// A CSV file's rows, and the names of the techniques as far as it has them.
pub(super) struct Table {
    pub candidates: Vec<Candidate>,
    pub names: BTreeMap<String, String>,
    /// What else to know of the file, one line each.
    pub notes: Vec<String>,
}

pub(super) fn read(
    file: &Path,
    columns: &Columns,
    known: Option<&BTreeMap<String, String>>,
    keep: RowChoice,
) -> Result<Table> {
    let mut rows = CsvFile::open(file)?;
    let at = |name: &str| rows.column(name);
    let sentence_at = at(&columns.sentence)?;
    let technique_at = at(&columns.technique)?;
    let perhaps = |name: &String| match at(name) {
        Err(_) if columns.if_there => Ok(None),
        found => found.map(Some),
    };
    let subtechnique_at = columns.subtechnique.as_ref().map(perhaps).transpose()?.flatten();
    let name_at = columns.name.as_ref().map(perhaps).transpose()?.flatten();

    let names = known.cloned().unwrap_or_default();
    let mut table = Table { candidates: Vec::new(), names, notes: Vec::new() };
    let mut first_rows: BTreeMap<String, usize> = BTreeMap::new();
    let mut record = ::csv::ByteRecord::new();
    while let Some(row) = rows.next(&mut record)? {
        let wrong =
            |field: &str, reason: String| Error::input_at(file, Some(row), Some(field), reason);
        let as_it_stands = |at: usize, field: &str| {
            let cell = csv_file::text(record.get(at).unwrap_or_default());
            cell.map_err(|reason| wrong(field, reason))
        };
        let cell = |at: usize, field: &str| as_it_stands(at, field).map(clean::collapse);
        let optional = |at: Option<usize>, field: &Option<String>| match (at, field) {
            (Some(at), Some(field)) => cell(at, field),
            _ => Ok(String::new()),
        };
        let text = match keep {
            RowChoice::Distinct => cell(sentence_at, &columns.sentence)?,
            RowChoice::EveryRow => as_it_stands(sentence_at, &columns.sentence)?.to_owned(),
        };
        let label = tidy(&cell(technique_at, &columns.technique)?).into_owned();
        let subtechnique = tidy(&optional(subtechnique_at, &columns.subtechnique)?).into_owned();
        let name = optional(name_at, &columns.name)?;
        if text.trim().is_empty() {
            return Err(wrong(&columns.sentence, "empty sentence".to_owned()));
        }
        if label.is_empty() {
            return Err(wrong(&columns.technique, "empty label".to_owned()));
        }
        let technique = fold(&label);
        if let Some(known) = known.filter(|known| !known.contains_key(technique)) {
            let reason = format!("unknown label {label:?}; {}", some_of(known));
            return Err(wrong(&columns.technique, reason));
        }
        if !subtechnique.is_empty() && fold(&subtechnique) != technique {
            let reason = format!("{subtechnique:?} is no sub-technique of {label:?}");
            let field = columns.subtechnique.as_deref().unwrap_or_default();
            return Err(wrong(field, reason));
        }
        let id = if subtechnique.is_empty() { label.clone() } else { subtechnique };
        // The name belongs to the sub-technique where the row has one.
        if !name.is_empty() && id == technique {
            table.names.entry(id.clone()).or_insert(name);
        }
        first_rows.entry(label.clone()).or_insert(row);
        let source_id = format!("csv:{row}");
        table.candidates.push(Candidate { technique: id, text, source_id, dropped: None });
    }
    if table.candidates.is_empty() {
        return Err(Error::input(file, "no row below the header"));
    }
    table.notes = spelling::notes(first_rows.iter().map(|(label, row)| (label.as_str(), *row)));
    table.notes.extend(rows.notes());
    Ok(table)
}
