//! Tables over whole documents: their counts, their matrices, their mistakes.

use crate::claims::{Check, Claims};
use crate::multiclass::Averaging;
use crate::outcome::{Audit, DerivedNumber};
use crate::rests::Rest;
use crate::verdict::{Reproduction, Verdict};
use ttp_base::show::Table;
use ttp_base::{Result, cells};
use ttp_metrics::BinaryCounts;

/// How many verdicts of each kind each document has.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn documents(audits: &[Audit]) -> Result<Table> {
    let headers =
        ["document", "claims", "consistent", "inconsistent", "in one reading", "undecided"];
    let mut table = Table::new(headers);
    for audit in audits {
        let [consistent, inconsistent, undecided] =
            ["consistent", "inconsistent", "undecided"].map(|name| audit.count(name));
        let (claims, one) = (audit.claims.len(), audit.refuted_in_one_reading());
        table.push(cells![&audit.document, claims, consistent, inconsistent, one, undecided])?;
    }
    Ok(table)
}

/// The binary matrices of an audit, in the order of these names, with scores that its document
/// does not print and whether each is of a degenerate classifier. A name without a matrix has no
/// row.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn binary_matrices(audit: &Audit, names: &[&str]) -> Result<Table> {
    let mut table = Table::new([
        "model",
        "TP",
        "FN",
        "FP",
        "TN",
        "recall",
        "specificity",
        "balanced accuracy",
        "MCC",
        "degenerate",
    ]);
    for name in names {
        let Some(counts) = audit.binary.get(*name) else { continue };
        let BinaryCounts { tp, fp, fn_, tn } = *counts;
        let recall = tp as f64 / (tp + fn_) as f64;
        let specificity = tn as f64 / (tn + fp) as f64;
        let balanced = (recall + specificity) / 2.0;
        let degenerate = counts.empty().map_or("no".to_owned(), |why| why.to_string());
        table.push(cells![
            *name,
            tp,
            fn_,
            fp,
            tn,
            recall,
            specificity,
            balanced,
            counts.mcc(),
            degenerate
        ])?;
    }
    Ok(table)
}

/// The numbers that a document's claims determine, each with what they rest on.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn derived_numbers(audits: &[Audit]) -> Result<Table> {
    let mut table = Table::new(["number", "at least", "at most", "rests on"]);
    for told in audits.iter().flat_map(|audit| &audit.ranges) {
        let DerivedNumber { says, least, most, .. } = told;
        table.push(cells![says, *least, *most, told.rests().unwrap_or_default()])?;
    }
    Ok(table)
}

/// The numbers that a summary determines, beside what it determines together with other documents,
/// and the claims of the summary that its bounds depend on and that nothing confirms.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn bounds_beside(summary: &Audit, together: &Audit) -> Result<Table> {
    let headers = ["number", "by the summary", "by both", "unconfirmed in the summary"];
    let mut table = Table::new(headers);
    let bounds = |told: &DerivedNumber| match (told.least, told.most) {
        (Some(a), Some(b)) if a == b => a.to_string(),
        (a, b) => format!("{} to {}", a.unwrap_or(0), b.map_or("?".to_owned(), |b| b.to_string())),
    };
    for told in &summary.ranges {
        let both = together.ranges.iter().find(|other| other.says == told.says);
        let unconfirmed = told.rests_on.iter().flatten().filter(|rest| rest.is_unconfirmed());
        let unconfirmed: Vec<&str> = unconfirmed.map(|Rest { claim, .. }| claim.as_str()).collect();
        table.push(cells![&told.says, bounds(told), both.map(bounds), unconfirmed.join(", ")])?;
    }
    Ok(table)
}

/// The claims of a document that are wrong by its own figures, by the others that it is held
/// `together` with, or by the data. `name` is the document's among the claims of `together`:
/// `family:f1.benign`.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn mistakes(audit: &Audit, name: &str, together: &Audit) -> Result<Table> {
    let removals = &together.to_remove;
    let gone: Vec<&String> = removals.iter().flat_map(|r| r.smallest.iter().flatten()).collect();
    let conflicts: Vec<&String> =
        removals.iter().flat_map(|r| r.conflicts.iter().flatten()).collect();
    let mut table = Table::new(["claim", "says", "figure", "what is wrong"]);
    for claim in &audit.claims {
        let named = format!("{name}:{}", claim.id);
        let has_to_go = gone.contains(&&named);
        let why = match claim.run {
            Some(Reproduction::NotReproduced) => "not so in the data",
            // Of claims about the matrix, those that have to go, and not those that they deny.
            _ if conflicts.contains(&&named) && !has_to_go => continue,
            _ if matches!(claim.verdict, Verdict::Inconsistent { .. }) => {
                "at odds with its own figures"
            }
            _ if has_to_go => "at odds with the full report",
            _ => continue,
        };
        let figure = claim.value.as_deref().unwrap_or_default();
        table.push(cells![&claim.id, &claim.says, figure, why])?;
    }
    Ok(table)
}

/// Each matrix of a document's averaged scores under each kind of average: whether all of its
/// figures can be averages of that kind, and why.
///
/// # Errors
/// If the claims cannot be judged.
pub fn averages(claims: &Claims) -> Result<Table> {
    let mut table = Table::new(["row", "averages", "verdict", "why"]);
    for (place, known) in claims.matrices.iter().enumerate() {
        for averaging in [Averaging::Macro, Averaging::Weighted, Averaging::Micro] {
            let audit = crate::audit(&of_one_average(claims, place, averaging))?;
            let worst = |name: &str| audit.claims.iter().find(|claim| claim.verdict.name() == name);
            let telling = worst("inconsistent").or(worst("undecided")).or(worst("consistent"));
            let Some(claim) = telling else { continue };
            let way = format!("{averaging:?}").to_lowercase();
            let verdict = &claim.verdict;
            table.push(cells![&known.id, way, verdict.name(), verdict.to_string()])?;
        }
    }
    Ok(table)
}

/// The claims about the scores of one matrix, read as averages of one kind.
fn of_one_average(claims: &Claims, place: usize, averaging: Averaging) -> Claims {
    let mut row = claims.clone();
    row.claims.retain(|claim| match claim.check {
        Check::Averaged(matrix, ..) | Check::Accuracy(matrix) => matrix == place,
        _ => false,
    });
    for claim in &mut row.claims {
        if let Check::Averaged(_, way, _) = &mut claim.check {
            *way = averaging;
        }
    }
    row.asks.clear();
    row
}
