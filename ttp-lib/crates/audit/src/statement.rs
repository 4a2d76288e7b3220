//! What a document says of one confusion matrix of many classes.

use super::agreement::Agreement;
use super::balanced::BalancedAccuracyKind;
use super::counts::{Averaging, ClassCount, ClassMetric};
use super::figure::{Exact, Interval};
use super::scores::ZeroDivision;
use num_traits::{One, Zero};

/// What a cell is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Share {
    /// The examples of the true class: scikit-learn's `normalize="true"`.
    #[default]
    Row,
    /// The examples that were said to be of the predicted one: `normalize="pred"`.
    Column,
    /// All examples: `normalize="all"`.
    All,
}

impl Share {
    /// The names that a claims file may use.
    pub const NAMES: [&str; 3] = ["true", "pred", "all"];

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Row, Self::Column, Self::All];
        Self::NAMES.iter().zip(all).find(|(known, _)| **known == name).map(|(_, share)| share)
    }

    /// The same of a matrix with rows and columns exchanged.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Row => Self::Column,
            Self::Column => Self::Row,
            Self::All => Self::All,
        }
    }

    /// A share of nothing: scikit-learn's matrix has nought there; nothing where a division by
    /// nought has no value.
    pub(super) fn of_nothing(self, zero_division: ZeroDivision) -> Option<Exact> {
        zero_division.value().map(|_| Exact::zero())
    }
}

/// What is said of one confusion matrix.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A score of a class.
    OfClass(usize, ClassMetric, Interval),
    /// A count of a class.
    Count(usize, ClassCount, Interval),
    /// An average over all classes.
    Averaged(Averaging, ClassMetric, Interval),
    /// An average over some of the classes.
    Over(Vec<usize>, Averaging, ClassMetric, Interval),
    /// Balanced accuracy, as a mean of recalls.
    Balanced(BalancedAccuracyKind, Interval),
    /// How far the whole matrix agrees, chance taken off.
    Whole(Agreement, Interval),
    /// The share of examples on the diagonal.
    Accuracy(Interval),
    /// So many examples of one class were said to be of another.
    Cell(usize, usize, Interval),
    /// The examples of one class that were said to be of another are this share of their row,
    /// of their column or of all.
    CellShare(usize, usize, Share, Interval),
    /// Two classes are taken for each other by these shares; which way round is not said.
    EitherWay(usize, usize, Interval, Interval),
    /// The number of examples.
    Total(Interval),
}

impl Statement {
    /// The numbers that its figure stands for.
    pub fn interval(&self) -> &Interval {
        match self {
            Self::OfClass(_, _, interval)
            | Self::Count(_, _, interval)
            | Self::Averaged(_, _, interval)
            | Self::Over(_, _, _, interval)
            | Self::Balanced(_, interval)
            | Self::Whole(_, interval)
            | Self::Accuracy(interval)
            | Self::Cell(_, _, interval)
            | Self::CellShare(_, _, _, interval)
            | Self::EitherWay(_, _, interval, _)
            | Self::Total(interval) => interval,
        }
    }
}

/// Every way to read what is said either way round.
pub(super) fn readings(said: &[&Statement]) -> Vec<Vec<Statement>> {
    let mut all: Vec<Vec<Statement>> = vec![Vec::new()];
    for said in said {
        if let Statement::EitherWay(a, b, x, y) = said {
            let ways = [(x, y), (y, x)].map(|(there, back)| {
                let row = |a: usize, b: usize, share: &Interval| {
                    Statement::CellShare(a, b, Share::Row, share.clone())
                };
                [row(*a, *b, there), row(*b, *a, back)]
            });
            all = ways
                .iter()
                .flat_map(|way| all.iter().map(move |so_far| [so_far.as_slice(), way].concat()))
                .collect();
        } else {
            all.iter_mut().for_each(|so_far| so_far.push((*said).clone()));
        }
    }
    all
}

/// What a class's own figures say of one of its scores.
pub(super) fn known_of(class: usize, metric: ClassMetric, said: &[&Statement]) -> Interval {
    let unit = Interval::closed(Exact::zero(), Exact::one());
    said.iter().fold(unit, |known, said| match said {
        Statement::OfClass(c, m, interval) if (*c, *m) == (class, metric) => known.and(interval),
        _ => known,
    })
}

/// Whether a class is said to have examples.
pub(super) fn has_examples(class: usize, said: &[&Statement]) -> bool {
    said.iter().any(|said| match said {
        Statement::Count(c, ClassCount::Support | ClassCount::TruePositives, interval) => {
            *c == class && interval.low > Exact::zero()
        }
        Statement::Cell(from, _, interval) => *from == class && interval.low > Exact::zero(),
        _ => false,
    })
}
