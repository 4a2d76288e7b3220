//! Published figures beside what a run has: reproduced, not reproduced, or not run.

use crate::show::Table;
use crate::{Result, cells};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a run says of a published figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FigureVerdict {
    /// A run has it: within its interval, or printed as it is.
    #[serde(rename = "reproduced")]
    Reproduced,
    /// A run has another one.
    #[serde(rename = "not reproduced")]
    NotReproduced,
    /// Nothing was run that could say so.
    #[serde(rename = "not run")]
    NotRun,
}

impl FigureVerdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::Reproduced, Self::NotReproduced, Self::NotRun];
}

impl fmt::Display for FigureVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::NotRun => "not run",
        })
    }
}

/// A figure of a document, and what a run says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureCheck {
    /// The document.
    pub document: String,
    /// Where the figure stands in it, and what it is.
    pub cell: String,
    /// The figure as it is printed.
    pub published: String,
    /// What a run says.
    pub verdict: FigureVerdict,
    /// The run's figure, or what would run it.
    pub why: String,
}

/// Checks as a table, a row each.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn verdicts_table(checks: &[FigureCheck]) -> Result<Table> {
    let mut table = Table::new(["document", "figure", "published", "verdict", "why"]);
    for FigureCheck { document, cell, published, verdict, why } in checks {
        table.push(cells![document, cell, published, verdict.to_string(), why])?;
    }
    Ok(table)
}
