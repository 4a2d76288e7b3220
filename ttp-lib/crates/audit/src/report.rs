//! All verdicts in one table, and beside them what a run of this project measured; tables over whole
//! documents, and what an audit of several leaves behind.

mod results;
mod shown;

pub use super::figure_runs::figure_runs;
pub use super::measurements::{Measurements, measured};
use super::outcome::{Audit, ClaimVerdict, DerivedNumber, FactCheck};
use super::removal::Removal;
use super::rests::Rest;
use super::verdict::{Reproduction, Verdict};
pub use results::AuditResults;
use serde_json::{Value, json};
pub use shown::{averages, binary_matrices, bounds_beside, derived_numbers, documents, mistakes};
use std::fmt;
use ttp_base::Result;
use ttp_base::show::{Cell, Table, grouped};

/// Four decimals, or the power of ten of a small number.
fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { format!("{value:.4}") }
}

/// What stands at a path of our figures, as a cell.
fn cell_of(ours: &Measurements, path: Option<&str>) -> Cell {
    let Some(path) = path else { return Cell::Empty };
    match ours.get(path) {
        Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Text(grouped(whole)),
            (None, Some(value)) => Cell::Text(short(value)),
            _ => Cell::Empty,
        },
        Some(Value::String(text)) => text.into(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            texts.join(", ").into()
        }
        // An object, or a list of numbers: where it is to be found.
        Some(_) => format!("see {path}").into(),
        None => Cell::Empty,
    }
}

/// One row a claim: document, claim, place, what it says, the figure, the verdict, what shows
/// it, our figure, and of claims about the document's own rows whether it is the same one.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn table(audits: &[Audit], ours: &Measurements) -> Result<Table> {
    let mut table = Table::new(["claim", "says", "figure", "verdict", "why", "ours", "run"]);
    for audit in audits {
        for claim in &audit.claims {
            let figure = claim.value.as_deref().unwrap_or_default();
            table.push(ttp_base::cells![
                format!("{}: {}", audit.document, claim.id),
                format!("{} ({})", claim.says, claim.at),
                figure,
                claim.verdict.name(),
                why(claim),
                cell_of(ours, claim.ours.as_deref()),
                claim.run.map_or(Cell::Empty, |run| run.to_string().into())
            ])?;
        }
    }
    Ok(table)
}

/// What the verdict rests on, and which facts are about the claim.
fn why(claim: &ClaimVerdict) -> String {
    match &claim.facts[..] {
        [] => claim.verdict.to_string(),
        facts => format!("{}; see {}", claim.verdict, facts.join(", ")),
    }
}

/// How many verdicts of each kind, in a line.
pub fn counts(audit: &Audit) -> String {
    let [consistent, inconsistent, undecided] =
        ["consistent", "inconsistent", "undecided"].map(|name| audit.count(name));
    let one = match audit.refuted_in_one_reading() {
        0 => String::new(),
        some => format!(" ({some} of them in one reading of the text)"),
    };
    format!(
        "{}: {} claims: {consistent} consistent, {inconsistent} inconsistent{one}, {undecided} \
         undecided",
        audit.document,
        audit.claims.len()
    )
}

/// The claims that are about the document's own rows: its place and figure, ours, whether ours
/// prints as the document says, and the verdict of arithmetic.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn own_rows(audit: &Audit, ours: &Measurements) -> Result<Table> {
    let mut table = Table::new(["claim", "says", "figure", "its own rows", "run", "verdict"]);
    for claim in &audit.claims {
        let Some(run) = claim.run else { continue };
        table.push(ttp_base::cells![
            &claim.id,
            format!("{} ({})", claim.says, claim.at),
            claim.value.as_deref().unwrap_or_default(),
            cell_of(ours, claim.ours.as_deref()),
            run.to_string(),
            claim.verdict.name()
        ])?;
    }
    Ok(table)
}

/// What a run on the document's own rows says of the claims about them, in a line; nothing where
/// no claim is about them.
pub fn runs(audit: &Audit) -> Option<String> {
    let document = &audit.document;
    let [reproduced, not, none] =
        [Reproduction::Reproduced, Reproduction::NotReproduced, Reproduction::NoRun]
            .map(|what| audit.ran(what));
    match (reproduced + not, none) {
        (0, 0) => None,
        (0, _) => Some(format!(
            "{document}: no run on its own rows is at hand; the {none} claims about them are judged \
             by arithmetic alone"
        )),
        (_, 0) => Some(format!(
            "{document}: claims about its own rows: {reproduced} reproduced, {not} not reproduced"
        )),
        _ => Some(format!(
            "{document}: claims about its own rows: {reproduced} reproduced, {not} not reproduced; \
             no run has the figures of {none}, which are judged by arithmetic alone"
        )),
    }
}

/// The sets of claims that cannot hold together, each once.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn conflicts(audit: &Audit) -> Result<Table> {
    let mut table = Table::new(["cannot hold together", "why"]);
    let mut seen: Vec<&[String]> = Vec::new();
    for claim in &audit.claims {
        let Verdict::Inconsistent { conflict, reason, .. } = &claim.verdict else { continue };
        if !seen.contains(&conflict.as_slice()) {
            seen.push(conflict);
            table.push(ttp_base::cells![conflict.join(", "), reason])?;
        }
    }
    Ok(table)
}

/// As [`summary`], with the audits of files that are held together under `together`: their claims
/// are those of the documents, and are not counted twice.
pub fn summary_with(audits: &[Audit], together: &[Audit]) -> Value {
    let mut written = summary(audits);
    if let Some(written) = written.as_object_mut() {
        written.insert("together".to_owned(), json!(together));
    }
    written
}

/// All verdicts, with their counts, for results.json.
pub fn summary(audits: &[Audit]) -> Value {
    let count = |name: &str| audits.iter().map(|audit| audit.count(name)).sum::<usize>();
    let ran = |what: Reproduction| audits.iter().map(|audit| audit.ran(what)).sum::<usize>();
    json!({
        "claims": audits.iter().map(|audit| audit.claims.len()).sum::<usize>(),
        "consistent": count("consistent"),
        "inconsistent": count("inconsistent"),
        "undecided": count("undecided"),
        "reproduced": ran(Reproduction::Reproduced),
        "not_reproduced": ran(Reproduction::NotReproduced),
        "documents": audits,
    })
}

/// Bounds in words.
fn bounds(least: Option<i64>, most: Option<i64>) -> String {
    match (least, most) {
        (Some(a), Some(b)) if a == b => format!("exactly {a}"),
        (Some(a), Some(b)) => format!("{a} to {b}"),
        (Some(a), None) => format!("at least {a}"),
        (None, Some(b)) => format!("at most {b}"),
        (None, None) => "not pinned down".to_owned(),
    }
}

impl fmt::Display for DerivedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.says, bounds(self.least, self.most))
    }
}

impl DerivedNumber {
    /// What the number rests on, in one line; nothing where it has no bounds.
    ///
    /// ```
    /// use ttp_audit::{Rest, DerivedNumber};
    /// let rest = |claim: &str, borne_out, confirmed_by: &[&str]| Rest {
    ///     claim: claim.to_owned(),
    ///     least: Some(10),
    ///     most: Some(if borne_out { 12 } else { 90 }),
    ///     borne_out,
    ///     confirmed_by: confirmed_by.iter().map(|by| (*by).to_owned()).collect(),
    /// };
    /// let told = |rests| DerivedNumber {
    ///     says: "rows".into(), least: Some(10), most: Some(12), rests_on: Some(rests),
    /// };
    /// let one = told(vec![rest("a", false, &[]), rest("b", false, &["report"]), rest("c", true, &[])]);
    /// assert_eq!(
    ///     one.rests().unwrap(),
    ///     "rests on one unconfirmed claim, a (without it: 10 to 90), and on b (report has its \
    ///      figure; without it: 10 to 90), c (the bounds stay without it)"
    /// );
    /// let two = told(vec![rest("a", false, &[]), rest("b", false, &[])]);
    /// assert_eq!(
    ///     two.rests().unwrap(),
    ///     "rests on 2 unconfirmed claims, a (without it: 10 to 90), b (without it: 10 to 90)"
    /// );
    /// assert_eq!(told(vec![]).rests().unwrap(), "rests on no claim: its matrix alone bounds it so");
    /// ```
    pub fn rests(&self) -> Option<String> {
        if self.least.is_none() && self.most.is_none() {
            return None;
        }
        let Some(rests) = &self.rests_on else {
            return Some("what it rests on was not looked for: the search was cut".to_owned());
        };
        let (unconfirmed, others): (Vec<&Rest>, Vec<&Rest>) =
            rests.iter().partition(|rest| rest.is_unconfirmed());
        let one = |rest: &&Rest| {
            let without = format!("without it: {}", bounds(rest.least, rest.most));
            let note = match (rest.borne_out, rest.confirmed_by.as_slice()) {
                (true, _) => "the bounds stay without it".to_owned(),
                (false, []) => without,
                (false, by) => format!("{} has its figure; {without}", by.join(", ")),
            };
            format!("{} ({note})", rest.claim)
        };
        let list = |rests: &[&Rest]| rests.iter().map(one).collect::<Vec<_>>().join(", ");
        let number = match unconfirmed.len() {
            1 => "one unconfirmed claim".to_owned(),
            more => format!("{more} unconfirmed claims"),
        };
        Some(match (unconfirmed.as_slice(), others.as_slice()) {
            ([], []) => "rests on no claim: its matrix alone bounds it so".to_owned(),
            ([], others) => format!("rests on {}", list(others)),
            (some, []) => format!("rests on {number}, {}", list(some)),
            (some, others) => format!("rests on {number}, {}, and on {}", list(some), list(others)),
        })
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { matrix, at_least, smallest, open, whole, .. } = self;
        let claims = |number: usize| if number == 1 { "claim has" } else { "claims have" };
        write!(f, "matrix {matrix}: at least {at_least} {} to go", claims(*at_least))?;
        let set = |set: &Vec<String>| format!("{{{}}}", set.join(", "));
        let list = |sets: &[Vec<String>]| {
            let shown: Vec<String> = sets.iter().take(SETS).map(set).collect();
            let more = match sets.len().checked_sub(SETS).filter(|more| *more > 0) {
                Some(more) => format!(" or {more} more"),
                None => String::new(),
            };
            shown.join(" or ") + &more
        };
        if !smallest.is_empty() {
            write!(f, "; a matrix gives all others without {}", list(smallest))?;
            if smallest.len() == 1 && open.is_empty() && *whole {
                f.write_str(", and without no other set of so few")?;
            }
        }
        if !open.is_empty() {
            write!(f, "; not found out without {}", list(open))?;
        }
        if !whole {
            f.write_str("; the search was cut")?;
        }
        Ok(())
    }
}

/// As many sets of claims are listed in a line.
const SETS: usize = 6;

impl fmt::Display for FactCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, at, says, figures, same, .. } = self;
        write!(f, "{id} ({at}): {says}")?;
        match figures {
            0 => Ok(()),
            _ => write!(f, "; {same} of its {figures} figures are the document's, digit for digit"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::figure::{Exact, whole};

    #[test]
    fn figures_are_found_by_paths_whose_names_hold_points() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: Value| {
            std::fs::write(folder.path().join(name), value.to_string()).unwrap();
        };
        write("finetune.minilm.clean.json", json!({ "f1_macro": 0.84, "labels": ["T1"] }));
        write("corpus.augmentation.json", json!({ "balanced_rows": 9_120 }));
        write("corpus.json", json!({ "rows": 13_039, "over_500": ["T1059", "T1027"] }));
        let found = measured(folder.path()).unwrap();
        let shown = |path: &str| cell_of(&found, Some(path));
        assert_eq!(shown("finetune.minilm.clean.f1_macro"), Cell::from("0.8400"));
        assert_eq!(shown("corpus.rows"), Cell::from("13,039"));
        assert_eq!(shown("corpus.over_500"), Cell::from("T1059, T1027"));
        assert_eq!(shown("finetune.minilm"), Cell::Empty);
        assert_eq!(shown("similarity.basic.f1"), Cell::Empty);
        assert_eq!(found.figure("corpus.rows"), Some(whole(13_039)));
        assert_eq!(found.figure("corpus.balanced_rows"), Some(whole(9_120)));
        // Names are counted; a text and a list of numbers are no figure.
        assert_eq!(found.figure("corpus.over_500"), Some(whole(2)));
        let figures =
            Measurements::from_json(json!({ "a": "14", "b": [1, 2], "c": 0.5, "d": null }));
        assert_eq!(figures.figure("c"), Some(Exact::new(1.into(), 2.into())));
        for path in ["a", "b", "d", "e", "corpus"] {
            assert_eq!(figures.figure(path), None, "{path}");
        }
        assert!(measured(&folder.path().join("not there")).unwrap().get("corpus").is_none());
    }
}
