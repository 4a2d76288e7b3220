//! Other readings of what a document says of a matrix: averages passed off as others, shares of
//! which it does not say which way round they are, and what a division by nought gives.

use super::claims::{Check, MOST};
use super::confusion::{Classes, MatrixAnswer};
use super::counts::{Averaging, ClassMetric};
use super::figure::{Exact, Figure, Interval, fraction};
use super::judge::Judge;
use super::looker::{Looker, SHORT, Statements};
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

/// Claims about one matrix that cannot hold together.
pub(super) struct ConflictReading<'a> {
    pub(super) looker: &'a Looker<'a>,
    pub(super) claims: Vec<&'a Statement>,
    /// These and all that holds beside them.
    pub(super) all: Vec<&'a Statement>,
}

impl ConflictReading<'_> {
    /// Another value of a division by nought with which the claims can hold together. Looked at
    /// where a score of a class may be that value, or an average may have it in it.
    pub(super) fn other_division(&self) -> Option<ZeroDivision> {
        let own = self.looker.classes.zero_division;
        own.others().find(|&other| {
            let average =
                |said: &Statement| matches!(said, Statement::Averaged(..) | Statement::Over(..));
            let shown = self.is_of_class(other) || self.claims.iter().any(|said| average(said));
            let read = |classes: &Classes| Classes { zero_division: other, ..classes.clone() };
            shown && self.is_resolved(read, |_| true)
        })
    }

    /// Whether a score of a class may be what a division by nought gives.
    pub(super) fn is_of_class(&self, division: ZeroDivision) -> bool {
        division.value().is_some_and(|value| {
            self.claims.iter().any(|said| {
                matches!(said, Statement::OfClass(_, _, interval) if interval.contains(&value))
            })
        })
    }

    /// Whether the claims can hold together with another total: one of labels of which an example
    /// may have several, up to all of them.
    pub(super) fn is_of_another_total(&self) -> bool {
        let most = |classes: &Classes| {
            classes.total.1.saturating_mul(classes.names.len() as u64).min(MOST)
        };
        let read = |classes: &Classes| Classes { total: (1, most(classes)), ..classes.clone() };
        let is_total = |said: &Statement| matches!(said, Statement::Total(_));
        !self.claims.iter().all(|said| is_total(said))
            && self.is_resolved(read, |said| !is_total(said))
    }

    /// Whether the claims of a kind can hold together if the matrix is `read` in another way, and
    /// what holds beside them does not refute it.
    fn is_resolved(
        &self,
        read: impl Fn(&Classes) -> Classes,
        kind: impl Fn(&Statement) -> bool,
    ) -> bool {
        let [claims, all] = [&self.claims, &self.all].map(|claims| {
            claims.iter().copied().filter(|said| kind(said)).collect::<Vec<&Statement>>()
        });
        let wide = read(self.looker.classes);
        let near = self.looker.near.as_ref().map(read);
        near.iter().chain([&wide]).any(|classes| can_hold(classes, &claims))
            && !matches!(wide.solve(&all, SHORT), Ok(MatrixAnswer::Impossible))
    }
}

/// Whether a matrix is found with little work.
pub(super) fn can_hold(classes: &Classes, said: &[&Statement]) -> bool {
    let found = classes.solve(said, Work { nodes: 40, moves: 4_000 });
    matches!(found, Ok(MatrixAnswer::Possible(_)))
}
