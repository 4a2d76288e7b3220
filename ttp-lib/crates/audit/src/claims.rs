//! Claims files: what a document says, as data. TOML, each value with its line.
//!
//! `data/claims/README.md` describes the format; the errors here name what is wrong with it.

mod fields;
mod kinds;
mod matrices;
mod read;
mod scores;
mod settings;
mod systems;

use super::agreement::Agreement;
use super::balanced::BalancedAccuracyKind;
use super::binary::{Metric, Totals, ZeroDivision};
use super::counts::{Averaging, ClassCount, ClassMetric};
use super::figure::{Exact, Figure, Interval, Rounding};
use super::labels::Labels;
use super::statement::Share;
use std::path::PathBuf;

/// The largest count that a claims file may have beside its claims.
pub(super) const MOST: u64 = (1 << 40) - 1;

/// A document's claims.
#[derive(Debug, Clone)]
pub struct Claims {
    /// The file.
    pub file: PathBuf,
    /// The document's name.
    pub document: String,
    /// The files, beside this one, that its claims are to be held together with, and the line that
    /// says so: see [`joined`](Self::joined).
    pub together: Option<(Vec<String>, usize)>,
    /// Confusion matrices that claims are about.
    pub matrices: Vec<KnownMatrix>,
    /// Systems of unknown numbers that claims are about.
    pub quantities: Vec<Quantities>,
    /// The claims.
    pub claims: Vec<Claim>,
    /// What else is to be told about a matrix or a system: the range of a number.
    pub asks: Vec<RangeQuestion>,
    /// What is known from elsewhere of where claims come from.
    pub facts: Vec<Fact>,
}

/// What is known of a confusion matrix before any claim.
#[derive(Debug, Clone)]
pub struct KnownMatrix {
    /// Its name in the file.
    pub id: String,
    /// The classes; none for a binary matrix.
    pub classes: Vec<String>,
    /// Number of examples and of positives.
    pub totals: Totals,
    /// Whether nothing is known of the total but how far to look.
    pub open_total: bool,
    /// Binary matrices with the same name here count the same examples.
    pub examples: String,
    /// What a division by nought gives.
    pub zero_division: ZeroDivision,
    /// What the classes are of all labels, where the file says so.
    pub labels: Option<Labels>,
    /// How balanced accuracy of the classes is read.
    pub balanced: BalancedAccuracyKind,
}

/// A system of whole numbers, and what defines it.
#[derive(Debug, Clone)]
pub struct Quantities {
    /// Its name in the file.
    pub id: String,
    /// Names and bounds.
    pub unknowns: Vec<(String, i128, i128)>,
    /// Relations that hold by definition.
    pub always: Vec<LinearRelation>,
}

/// A linear relation of named whole numbers.
#[derive(Debug, Clone)]
pub struct LinearRelation {
    /// Unknown and factor.
    pub terms: Vec<(usize, i128)>,
    /// Least value of the sum.
    pub low: Option<i128>,
    /// Largest value of the sum.
    pub high: Option<i128>,
}

/// One claim.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its name in the file.
    pub id: String,
    /// Its line in the claims file.
    pub line: usize,
    /// Where the document says so.
    pub at: String,
    /// What it says, in a few words.
    pub says: String,
    /// The figure, where there is one.
    pub value: Option<Figure>,
    /// How the figure was rounded.
    pub rounding: Rounding,
    /// What it takes to be true.
    pub check: Check,
    /// Where a run of this project has the same figure in results.json.
    pub ours: Option<String>,
    /// The numbers that print as the claim says, where our figure is one of the document's own
    /// rows: a run that has one of them reproduces the claim.
    pub same_rows: Option<Interval>,
    /// The reading of the text that it belongs to, where the text can be read in several ways:
    /// comparisons of two readings are not held against each other.
    pub reading: Option<String>,
    /// Of a figure of a matrix: why it was not run here, and what would run it.
    pub not_run: Option<String>,
}

/// What a claim takes to be true. Names are those of other claims, by their place in the file.
#[derive(Debug, Clone)]
pub enum Check {
    /// A score of a binary matrix.
    Binary(usize, Metric),
    /// A score of one class.
    OfClass(usize, usize, ClassMetric),
    /// A count of one class.
    Count(usize, usize, ClassCount),
    /// An average over classes.
    Averaged(usize, Averaging, ClassMetric),
    /// An average over some of the classes.
    Over(usize, Vec<usize>, Averaging, ClassMetric),
    /// Balanced accuracy, as a mean of recalls.
    Balanced(usize, BalancedAccuracyKind),
    /// How far the whole matrix agrees, chance taken off.
    Whole(usize, Agreement),
    /// The share on the diagonal.
    Accuracy(usize),
    /// The number of examples.
    Total(usize),
    /// A cell, as a count.
    Cell(usize, usize, usize),
    /// A cell, as a share.
    CellShare(usize, usize, usize, Share),
    /// Two classes taken for each other by these shares, which way round is not said.
    EitherWay(usize, usize, usize, Box<[Figure; 2]>),
    /// A sum of unknown numbers, or a relation between them.
    Linear(usize, LinearRelation),
    /// The sum of other claims' figures, times a factor, is this figure (or at most, where so).
    Sum(Vec<(usize, Exact)>, Bound),
    /// The first is this share of the second.
    Share(usize, usize),
    /// The first is larger than the second by this share of the second.
    Gain(usize, usize),
    /// F-beta of a precision and a recall, with β².
    FOf(usize, usize, Exact),
    /// So many of these figures are within bounds.
    Tally(Vec<usize>, Range),
    /// All of these figures are within bounds.
    Tier(Vec<usize>, Range),
    /// All of these figures are one number.
    Same(Vec<usize>),
    /// These figures rise, or fall; each by something, or not the other way.
    Order(Vec<usize>, Direction),
    /// Names that the document gives to one thing: they are the same.
    Labels(Vec<String>),
    /// Nothing in the document decides it; this would.
    Stated(String),
}

/// What a sum is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is the figure.
    Equal,
    /// It is no more than the figure.
    AtMost,
}

/// Which way figures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Each is larger than the one before.
    Rising,
    /// Each is smaller than the one before.
    Falling,
    /// None is smaller than the one before.
    NotFalling,
    /// None is larger than the one before.
    NotRising,
}

/// Bounds of a tier.
#[derive(Debug, Clone)]
pub struct Range {
    /// The numbers in it.
    pub interval: Interval,
    /// As it is written.
    pub text: String,
}

/// Something that another source shows of claims.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its name in the file.
    pub id: String,
    /// The other source.
    pub at: String,
    /// What it shows, in a few words.
    pub says: String,
    /// The names of the claims.
    pub of: Vec<String>,
    /// Their figures as the other source has them, where it has them: as many as claims.
    pub values: Vec<Figure>,
}

/// The range of a number that is to be told.
#[derive(Debug, Clone)]
pub struct RangeQuestion {
    /// What it is, in a few words.
    pub says: String,
    /// Of what.
    pub of: RangeTarget,
}

/// Whose range is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeTarget {
    /// A count of a class of a matrix.
    Count(usize, usize, ClassCount),
    /// A cell of a matrix.
    Cell(usize, usize, usize),
    /// An unknown of a system.
    Unknown(usize, usize),
}

/// What is known of the examples of several matrices: all of it.
pub(super) fn common(known: &[&KnownMatrix]) -> Totals {
    let both = |a: Option<(u64, u64)>, b: Option<(u64, u64)>| match (a, b) {
        (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.min(b.1))),
        (a, b) => a.or(b),
    };
    let mut totals = known[0].totals.clone();
    let mut open = known[0].open_total;
    for matrix in &known[1..] {
        let other = &matrix.totals;
        // How far to look for a total is nothing that is known of it.
        totals.total = match (open, matrix.open_total) {
            (true, false) => other.total,
            (false, true) => totals.total,
            _ => (totals.total.0.max(other.total.0), totals.total.1.min(other.total.1)),
        };
        open &= matrix.open_total;
        totals.positive = both(totals.positive, other.positive);
        totals.negative = both(totals.negative, other.negative);
        totals.pairs |= other.pairs;
    }
    totals
}

impl Check {
    /// Whether it is a figure of a confusion matrix, which a run of the same model on the same rows
    /// would give.
    pub fn is_of_matrix(&self) -> bool {
        matches!(
            self,
            Self::Binary(..)
                | Self::OfClass(..)
                | Self::Count(..)
                | Self::Averaged(..)
                | Self::Over(..)
                | Self::Balanced(..)
                | Self::Whole(..)
                | Self::Accuracy(_)
                | Self::Total(_)
                | Self::Cell(..)
                | Self::CellShare(..)
                | Self::EitherWay(..)
        )
    }

    /// The claims that it is about, by their places.
    pub fn of(&self) -> Vec<&usize> {
        match self {
            Self::Sum(of, _) => of.iter().map(|(at, _)| at).collect(),
            Self::Share(a, b) | Self::Gain(a, b) | Self::FOf(a, b, _) => vec![a, b],
            Self::Tally(of, _) | Self::Tier(of, _) | Self::Same(of) | Self::Order(of, _) => {
                of.iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
