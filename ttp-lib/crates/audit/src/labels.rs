//! What the labels of a report are, and which scores it can have then.

use super::counts::{Averaging, ClassMetric};
use super::statement::Statement;

/// What a matrix's classes are of all labels that its examples have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Labels {
    /// All of them: each example is of one class, and is said to be of one.
    #[default]
    All,
    /// Some of them, as in scikit-learn's `classification_report(labels=...)`: an example of a
    /// class may be said to be of a label that is not listed, and the other way round.
    Some,
    /// Labels of which an example may have several, or none.
    Several,
}

impl Labels {
    /// The names that a claims file may use.
    pub const NAMES: [&str; 3] = ["all", "some", "several"];

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::All, Self::Some, Self::Several];
        Self::NAMES.iter().zip(all).find(|(known, _)| **known == name).map(|(_, labels)| labels)
    }

    /// Whether the classes' counts are not tied to each other by a square matrix.
    pub fn is_open(self) -> bool {
        self != Self::All
    }

    /// Why a score cannot be judged of such labels; nothing if it can.
    pub(super) fn unfit(self, said: &Statement) -> Option<String> {
        let all = "all labels of the examples, which a report over some of them does not have";
        let several = "the examples' own sets of labels: with several labels an example there is \
                       no such number in the labels' counts";
        match (self, said) {
            (Self::All, _) => None,
            (
                Self::Several,
                Statement::Cell(..) | Statement::CellShare(..) | Statement::EitherWay(..),
            ) => Some(several.to_owned()),
            (Self::Several, said) if wants_all(said) => Some(several.to_owned()),
            (Self::Some, said) if wants_all(said) => Some(all.to_owned()),
            _ => None,
        }
    }
}

/// Whether a score counts examples of no class that is listed: true negatives, or all.
fn wants_all(said: &Statement) -> bool {
    match said {
        Statement::Accuracy(_) | Statement::Whole(..) => true,
        Statement::OfClass(_, metric, _)
        | Statement::Averaged(_, metric, _)
        | Statement::Over(_, _, metric, _) => {
            !matches!(metric, ClassMetric::Precision | ClassMetric::Recall | ClassMetric::FBeta(..))
        }
        _ => false,
    }
}

/// Whether it is a micro average of precision, recall or F: scikit-learn prints one only of a
/// report over some labels, or with several labels a row; else the three are the accuracy.
pub(super) fn is_micro(said: &Statement) -> bool {
    matches!(
        said,
        Statement::Averaged(
            Averaging::Micro,
            ClassMetric::Precision | ClassMetric::Recall | ClassMetric::FBeta(..),
            _
        ) | Statement::Over(
            _,
            Averaging::Micro,
            ClassMetric::Precision | ClassMetric::Recall | ClassMetric::FBeta(..),
            _
        )
    )
}

/// Whether some figures show by themselves that a report is not of all labels with one label an
/// example: there micro precision, recall and F and the accuracy are one number.
pub(super) fn cannot_be_all<'a>(said: impl Iterator<Item = &'a Statement> + Clone) -> bool {
    let of_all = |said: &&Statement| {
        matches!(said, Statement::Accuracy(_))
            || (matches!(said, Statement::Averaged(..)) && is_micro(said))
    };
    let one_number = said.filter(of_all);
    one_number.clone().any(|one| {
        one_number.clone().any(|other| {
            (is_micro(one) || is_micro(other)) && one.interval().high < other.interval().low
        })
    })
}
