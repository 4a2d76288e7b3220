//! Other readings of what a document says of a matrix: averages passed off as others, shares of
//! which it does not say which way round they are, and what a division by nought gives.

use super::claims::{Check, MOST};
use super::confusion::{Classes, MatrixAnswer};
use super::counts::{Averaging, ClassMetric};
use super::figure::{Exact, Figure, Interval, fraction};
use super::judge::Judge;
use super::looker::{SHORT, Statements};
use super::scores::ZeroDivision;
use super::solver::Work;
use super::statement::{Share, Statement};
use num_traits::{One, Zero};

impl Judge<'_> {
    /// Which way round two classes are taken for each other, if all that holds leaves only one.
    pub(super) fn only_way(
        &self,
        at: usize,
        holding: &[usize],
        said: &Statements,
        classes: &Classes,
    ) -> String {
        let Statement::EitherWay(a, b, x, y) = &said[&at] else { return String::new() };
        let others = holding.iter().filter(|other| **other != at).map(|other| &said[other]);
        let others: Vec<&Statement> = others.collect();
        let refuted = |there: &Interval, back: &Interval| {
            let row = |a: usize, b: usize, share: &Interval| {
                Statement::CellShare(a, b, Share::Row, share.clone())
            };
            let way = [row(*a, *b, there), row(*b, *a, back)];
            let all: Vec<&Statement> = others.iter().copied().chain(&way).collect();
            classes.solve(&all, SHORT) == Ok(MatrixAnswer::Impossible)
        };
        let Check::EitherWay(.., shares) = &self.claim(at).check else { return String::new() };
        let (from, to) = (&classes.names[*a], &classes.names[*b]);
        let only = |share: &Figure| {
            format!("; the other figures leave one way round: {share} of {from} said to be {to}")
        };
        match (refuted(y, x), refuted(x, y)) {
            (true, false) => only(&shares[0]),
            (false, true) => only(&shares[1]),
            _ => String::new(),
        }
    }

    /// What a macro average of a conflict really is, if another reading of it resolves the
    /// conflict: a matrix is found that gives it and all `others`.
    pub(super) fn misnomer(
        &self,
        at: usize,
        others: &[usize],
        said: &Statements,
        classes: &Classes,
    ) -> Option<String> {
        let Statement::Averaged(Averaging::Macro, metric, interval) = &said[&at] else {
            return None;
        };
        let others: Vec<&Statement> = others.iter().map(|other| &said[other]).collect();
        let possible = |extra: Option<Statement>| {
            let mut all = others.clone();
            all.extend(extra.as_ref());
            matches!(classes.solve(&all, Work::default()), Ok(MatrixAnswer::Possible(_)))
        };
        let id = self.id(at);
        if let ClassMetric::FBeta(n, d) = metric {
            // F of the means: from the other macro averages of the document.
            let mean = |wanted: ClassMetric| {
                said.values().find_map(|said| match said {
                    Statement::Averaged(Averaging::Macro, metric, interval)
                        if *metric == wanted =>
                    {
                        Some(interval.clone())
                    }
                    _ => None,
                })
            };
            if let Some((p, r)) = mean(ClassMetric::Precision).zip(mean(ClassMetric::Recall)) {
                let beta = fraction((*n).into(), (*d).into());
                let f = |p: &Exact, r: &Exact| {
                    let under = &beta * p + r;
                    if under.is_zero() { under } else { (Exact::one() + &beta) * p * r / under }
                };
                let of_means = Interval::closed(f(&p.low, &r.low), f(&p.high, &r.high));
                if !of_means.and(interval).is_empty() && possible(None) {
                    return Some(format!("{id} is the F of the means, not the mean of the Fs"));
                }
            }
        }
        if possible(Some(Statement::Averaged(Averaging::Micro, *metric, interval.clone()))) {
            return Some(format!("{id} is a micro average passed off as macro"));
        }
        let weighted = classes.total.0 == classes.total.1
            && possible(Some(Statement::Averaged(Averaging::Weighted, *metric, interval.clone())));
        weighted.then(|| format!("{id} is a weighted average passed off as macro"))
    }
}

/// Another value of a division by nought with which claims that cannot hold together can. Looked at
/// where one of them `shows` that value.
pub(super) fn other_division(
    classes: &Classes,
    said: &[&Statement],
    shows: impl Fn(&Statement, &Exact) -> bool,
) -> Option<ZeroDivision> {
    let shown = |other: ZeroDivision| {
        other.value().is_some_and(|value| said.iter().any(|&said| shows(said, &value)))
    };
    [ZeroDivision::Zero, ZeroDivision::One].into_iter().find(|&other| {
        other != classes.zero_division
            && shown(other)
            && can_hold(&Classes { zero_division: other, ..classes.clone() }, said)
    })
}

/// Whether a score of a class may be such a value by itself.
pub(super) fn is_of_class(said: &Statement, value: &Exact) -> bool {
    matches!(said, Statement::OfClass(_, _, interval) if interval.contains(value))
}

/// Whether an average may have such a value in it.
pub(super) fn is_average(said: &Statement, _: &Exact) -> bool {
    matches!(said, Statement::Averaged(..) | Statement::Over(..))
}

/// Whether claims that cannot hold together can with another total: one of labels of which an
/// example may have several, up to all of them.
pub(super) fn is_of_another_total(classes: &Classes, said: &[&Statement]) -> bool {
    let most = classes.total.1.saturating_mul(classes.names.len() as u64).min(MOST);
    let read = Classes { total: (1, most), ..classes.clone() };
    let others = said.iter().copied().filter(|said| !matches!(said, Statement::Total(_)));
    let others: Vec<&Statement> = others.collect();
    !others.is_empty() && can_hold(&read, &others)
}

/// Whether a matrix is found with little work.
pub(super) fn can_hold(classes: &Classes, said: &[&Statement]) -> bool {
    let found = classes.solve(said, Work { nodes: 40, moves: 4_000 });
    matches!(found, Ok(MatrixAnswer::Possible(_)))
}
