//! Numbers that a document does not give and its figures pin down, and what these rest on.

use super::claims::{Check, Fact, RangeTarget};
use super::classes::classes_of;
use super::confusion::MatrixCount;
use super::judge::Judge;
use super::outcome::DerivedNumber;
use super::ranges::{Ends, ProvenRange, RangeStart};
use super::rests::{self, ProvenBounds, Prover, Rest};
use super::statement::Statement;

impl Judge<'_> {
    pub(super) fn tell(&mut self) {
        let mut left = rests::PROOFS;
        for ask in &self.claims.asks {
            let number = Number::of(ask.of);
            let mut holding = match &number {
                // A system of which nothing is claimed is bounded by what defines it.
                Number::OfSystem(system, _) => {
                    Some(self.holding.get(&('q', *system)).cloned().unwrap_or_default())
                }
                Number::OfMatrix(matrix, _) => self.holding.get(&('m', *matrix)).cloned(),
            };
            // The first are spared first: those that speak of other classes.
            if let (Some(holding), Number::OfMatrix(_, asked)) = (&mut holding, &number) {
                holding.sort_by_key(|&at| nearness(&self.claim(at).check, *asked));
            }
            let first = holding.as_deref();
            let first = first.and_then(|of| self.range(&number, of, RangeStart::default()));
            let bounds = first.map(|range| (range.least, range.most));
            let inward = first.map_or((0, 0), |range| range.inward);
            let range = |of: &[usize], known: Ends| {
                let range = self.range(&number, of, RangeStart { known, inward })?;
                Some((range.least, range.most))
            };
            let proves =
                |of: &[usize], bounds: ProvenBounds| self.proves_within(&number, of, bounds);
            let hint = |of: &[usize], bounds: ProvenBounds| self.hint(&number, of, bounds);
            let end = |end: i128| i64::try_from(end).ok();
            let ends = |range: Option<ProvenBounds>| {
                range.map_or((None, None), |(low, high)| (end(low), end(high)))
            };
            let prover = Prover { range: &range, proves: &proves, hint: &hint };
            let rests_on = holding.as_deref().zip(bounds).and_then(|(holding, bounds)| {
                let found = rests::rests(holding, bounds, &prover, &mut left)?;
                let rest = |(at, without): (usize, Option<ProvenBounds>)| {
                    let (least, most) = ends(without);
                    Rest {
                        claim: self.id(at),
                        least,
                        most,
                        borne_out: without == Some(bounds),
                        confirmed_by: self.confirmed_by(at),
                    }
                };
                Some(found.into_iter().map(rest).collect())
            });
            let (least, most) = ends(bounds);
            self.audit.ranges.push(DerivedNumber { says: ask.says.clone(), least, most, rests_on });
        }
    }

    /// The bounds that claims leave a number, each proven, from what is known of them before; nothing
    /// if none are.
    fn range(&self, number: &Number, of: &[usize], start: RangeStart) -> Option<ProvenRange> {
        match *number {
            Number::OfSystem(system, unknown) => {
                self.problem(system, of).range_from(unknown, start)
            }
            Number::OfMatrix(matrix, asked) => {
                let said: Vec<Statement> = of.iter().filter_map(|&at| self.said(at)).collect();
                let said: Vec<&Statement> = said.iter().collect();
                let classes = classes_of(&self.claims.matrices[matrix]);
                classes.range_from(&said, asked, start).ok().flatten()
            }
        }
    }

    /// Whether claims prove that a number lies within bounds.
    fn proves_within(&self, number: &Number, of: &[usize], bounds: ProvenBounds) -> bool {
        match *number {
            Number::OfSystem(system, unknown) => {
                self.problem(system, of).proves_within(unknown, bounds.0, bounds.1)
            }
            Number::OfMatrix(matrix, asked) => {
                let said: Vec<Statement> = of.iter().filter_map(|&at| self.said(at)).collect();
                let said: Vec<&Statement> = said.iter().collect();
                let classes = classes_of(&self.claims.matrices[matrix]);
                classes.proves_within(&said, asked, bounds).unwrap_or(false)
            }
        }
    }

    /// Some of the claims from which such a proof seems to follow.
    fn hint(
        &self,
        number: &Number,
        of: &[usize],
        (least, most): ProvenBounds,
    ) -> Option<Vec<usize>> {
        match *number {
            Number::OfSystem(system, unknown) => {
                let always = self.claims.quantities[system].always.len();
                let rows = self.problem(system, of).rows_of_proof(unknown, least, most)?;
                let is_used = |(place, _): &(usize, &usize)| rows.contains(&(always + place));
                Some(of.iter().enumerate().filter(is_used).map(|(_, at)| *at).collect())
            }
            Number::OfMatrix(matrix, asked) => {
                // What is said by one of these claims each.
                let (by, said): (Vec<usize>, Vec<Statement>) =
                    of.iter().filter_map(|&at| Some((at, self.said(at)?))).unzip();
                let said: Vec<&Statement> = said.iter().collect();
                let classes = classes_of(&self.claims.matrices[matrix]);
                let used = classes.hint(&said, asked, (least, most)).ok().flatten()?;
                Some(used.into_iter().map(|place| by[place]).collect())
            }
        }
    }

    /// The facts that have a claim's figure digit for digit.
    fn confirmed_by(&self, at: usize) -> Vec<String> {
        let claim = self.claim(at);
        let same = |fact: &&Fact| {
            let values = fact.of.iter().zip(&fact.values).filter(|(id, _)| **id == claim.id);
            let printed = claim.value.as_ref();
            values.into_iter().any(|(_, value)| {
                printed.is_some_and(|p| (&p.value, &p.unit) == (&value.value, &value.unit))
            })
        };
        self.claims.facts.iter().filter(same).map(|fact| fact.id.clone()).collect()
    }
}

/// A number that is asked for: an unknown of a system, or one of a matrix.
enum Number {
    OfSystem(usize, usize),
    OfMatrix(usize, MatrixCount),
}

impl Number {
    fn of(ask: RangeTarget) -> Self {
        match ask {
            RangeTarget::Unknown(system, unknown) => Self::OfSystem(system, unknown),
            RangeTarget::Count(matrix, class, count) => {
                Self::OfMatrix(matrix, MatrixCount::Count(class, count))
            }
            RangeTarget::Cell(matrix, from, to) => {
                Self::OfMatrix(matrix, MatrixCount::Cell(from, to))
            }
        }
    }
}

/// How near a claim is to what is asked: 3 is the number itself, 0 is of other classes.
fn nearness(check: &Check, asked: MatrixCount) -> u8 {
    let classes = match asked {
        MatrixCount::Count(class, _) => [class, class],
        MatrixCount::Cell(from, to) => [from, to],
    };
    match (check, asked) {
        (Check::Count(_, class, count), MatrixCount::Count(other, what))
            if (class, count) == (&other, &what) =>
        {
            3
        }
        (Check::Cell(_, from, to) | Check::CellShare(_, from, to, _), MatrixCount::Cell(a, b))
            if (*from, *to) == (a, b) =>
        {
            3
        }
        (Check::Count(_, class, _), _) if classes.contains(class) => 2,
        (Check::OfClass(_, class, _), _) if classes.contains(class) => 1,
        (
            Check::Cell(_, from, to)
            | Check::CellShare(_, from, to, _)
            | Check::EitherWay(_, from, to, _),
            _,
        ) if classes.contains(from) || classes.contains(to) => 1,
        _ => 0,
    }
}
