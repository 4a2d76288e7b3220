//! What an audit found: every claim with its verdict, and what else is known.

use super::claims::{Claims, Fact};
use super::counts::Matrix;
use super::figure::{Figure, Interval};
use super::measurements::Measurements;
use super::removal::Removal;
use super::rests::Rest;
use super::verdict::{Reproduction, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use ttp_metrics::BinaryCounts;

/// A claim with its verdict.
#[derive(Debug, Clone, Serialize)]
pub struct ClaimVerdict {
    /// The claim's name.
    pub id: String,
    /// Where the document says so.
    pub at: String,
    /// What it says.
    pub says: String,
    /// The figure as it is printed.
    pub value: Option<String>,
    /// What was found out.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Where a run of this project has the same figure.
    pub ours: Option<String>,
    /// What a run on the document's own rows says of it; nothing where it is not about them.
    pub run: Option<Reproduction>,
    /// Why a figure of a matrix was not run here, where the claims file says so.
    #[serde(skip)]
    pub not_run: Option<String>,
    /// The numbers that such a run would have to give.
    #[serde(skip)]
    pub same_rows: Option<Interval>,
    /// The reading of the text that it belongs to, where there are several.
    pub reading: Option<String>,
    /// The names of the facts about it.
    pub facts: Vec<String>,
}

/// What another source shows of claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactCheck {
    /// The fact's name.
    pub id: String,
    /// The other source.
    pub at: String,
    /// What it shows.
    pub says: String,
    /// The names of the claims.
    pub claims: Vec<String>,
    /// Of how many of them the other source has the figure.
    pub figures: usize,
    /// How many of those figures are printed in the document digit for digit.
    pub same: usize,
}

/// A document's claims with their verdicts.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// The document's name.
    pub document: String,
    /// The claims, in the order of the file.
    pub claims: Vec<ClaimVerdict>,
    /// Numbers that the document does not give and its figures pin down.
    pub ranges: Vec<DerivedNumber>,
    /// What other sources show of the claims.
    pub facts: Vec<FactCheck>,
    /// Binary matrices that give every figure, by the names of the matrices.
    pub binary: BTreeMap<String, BinaryCounts>,
    /// For each set of binary matrices of the same examples, the totals that fit.
    pub totals: BTreeMap<String, Vec<(u64, u64)>>,
    /// Confusion matrices of classes that give every figure (rows true, columns predicted).
    pub classes: BTreeMap<String, Matrix>,
    /// Of each matrix of classes with a conflict, the smallest sets of claims that have to go.
    pub to_remove: Vec<Removal>,
}

/// A number that a document's figures leave between two bounds.
#[derive(Debug, Clone, Serialize)]
pub struct DerivedNumber {
    /// What it is.
    pub says: String,
    /// Its least value, if that is proven.
    pub least: Option<i64>,
    /// Its largest value, if that is proven.
    pub most: Option<i64>,
    /// Claims from which these bounds follow, none of which that proof can spare; nothing where it
    /// was not looked for, as the document's other numbers took all that may be looked for.
    pub rests_on: Option<Vec<Rest>>,
}

impl Audit {
    /// How many verdicts of a name there are.
    pub fn count(&self, name: &str) -> usize {
        self.claims.iter().filter(|claim| claim.verdict.name() == name).count()
    }

    /// The same with our figures held against the claims about the document's own rows.
    ///
    /// ```
    /// use serde_json::json;
    /// use ttp_audit::{Claims, Reproduction, audit, report::Measurements};
    ///
    /// let text = "document = \"d\"\n[[claim]]\nid = \"rows\"\nat = \"1\"\nsays = \"rows\"\n\
    ///     kind = \"stated\"\nneeds = \"the data\"\nvalue = \"14.4k\"\n\
    ///     ours = \"paper_rows.rows\"\nsame_rows = true\n";
    /// let claims = Claims::parse("claims.toml".as_ref(), text)?;
    /// let ran = |rows: u64| -> Result<_, ttp_base::Error> {
    ///     let ours = Measurements::from_json(json!({ "paper_rows": { "rows": rows } }));
    ///     Ok(audit(&claims)?.beside(&ours).claims[0].run)
    /// };
    /// assert_eq!(ran(14_427)?, Some(Reproduction::Reproduced));
    /// assert_eq!(ran(14_201)?, Some(Reproduction::NotReproduced));
    /// assert_eq!(audit(&claims)?.claims[0].run, Some(Reproduction::NoRun));
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    #[must_use]
    pub fn beside(mut self, ours: &Measurements) -> Self {
        for claim in &mut self.claims {
            let Some(said) = &claim.same_rows else { continue };
            claim.run = Some(match claim.ours.as_deref().and_then(|path| ours.figure(path)) {
                Some(figure) if said.contains(&figure) => Reproduction::Reproduced,
                Some(_) => Reproduction::NotReproduced,
                None => Reproduction::NoRun,
            });
        }
        self
    }

    /// Of how many claims a run on the document's own rows says so.
    pub fn ran(&self, what: Reproduction) -> usize {
        self.claims.iter().filter(|claim| claim.run == Some(what)).count()
    }

    /// How many claims are inconsistent that belong to one reading of the text.
    pub fn refuted_in_one_reading(&self) -> usize {
        let refuted = |claim: &&ClaimVerdict| matches!(claim.verdict, Verdict::Inconsistent { .. });
        self.claims.iter().filter(refuted).filter(|claim| claim.reading.is_some()).count()
    }

    /// A claim by its name.
    pub fn claim(&self, id: &str) -> Option<&ClaimVerdict> {
        self.claims.iter().find(|claim| claim.id == id)
    }
}

/// A fact with its figures held against those of the document.
pub(super) fn shown(claims: &Claims, fact: &Fact) -> FactCheck {
    let printed = |id: &String| {
        let claim = claims.claims.iter().find(|claim| claim.id == *id)?;
        claim.value.as_ref()
    };
    let same = |(id, value): &(&String, &Figure)| {
        printed(id).is_some_and(|p| (&p.value, &p.unit) == (&value.value, &value.unit))
    };
    FactCheck {
        id: fact.id.clone(),
        at: fact.at.clone(),
        says: fact.says.clone(),
        claims: fact.of.clone(),
        figures: fact.values.len(),
        same: fact.of.iter().zip(&fact.values).filter(same).count(),
    }
}
