//! Faults by their kind.

use crate::Fault;

/// A kind's name, as it stands behind a number, and the faults of it.
pub(super) type Group = (&'static str, Vec<Fault>);

/// The faults of each kind, in the order in which the kinds come.
pub(super) fn by_kind(faults: Vec<Fault>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for fault in faults {
        let kind = kind(&fault);
        match groups.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, group)) => group.push(fault),
            None => groups.push((kind, vec![fault])),
        }
    }
    groups
}

/// What several faults of a kind are, after their number.
fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::NamesShuffled { .. } => "× shuffled names",
        Fault::NamesUnclear { .. } => "× names that may be shuffled",
        Fault::Swallowed { .. } => "× nearly all rows predicted as one other class",
        Fault::ZeroRecall { .. } => "× zero recall",
        Fault::NearZeroRecall { .. } => "× hardly any recall",
        Fault::OverPredictedClass { .. } => "× over-predicted class",
        Fault::ConfusedBothWays { .. } => "× confused in both directions",
        Fault::TakenFor { .. } => "× taken for another class",
        Fault::TooSmall { .. } => "× too few rows to judge",
    }
}
