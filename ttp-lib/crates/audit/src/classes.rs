//! Verdicts on the claims about a confusion matrix of many classes.

use super::claims::{Check, KnownMatrix, MOST};
use super::confusion::{Classes, MatrixAnswer};
use super::counts::Matrix;
use super::judge::{Judge, Settlement, matrix_of, settle_from};
use super::labels::{Labels, cannot_be_all, is_micro};
use super::looker::{Looker, SHORT, Statements};
use super::readings::{ConflictReading, can_hold};
use super::removal::{self, Removal};
use super::scores::ZeroDivision;
use super::solver::Work;
use super::statement::Statement;
use super::turned;
use super::verdict::{Possibility, Verdict, irreducible};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// As many looks at sets of claims, for a smaller conflict.
const LOOKS: usize = 60;

/// What is told of claims on such labels that another total lets hold together.
const TOTAL: &str = "; one does with another total: of these labels it is the sum of the supports, \
                     not the number of examples";

/// What became of a matrix's claims.
struct MatrixVerdicts {
    settled: Settlement,
    verdicts: BTreeMap<usize, Verdict>,
    example: Option<Matrix>,
    removal: Option<Removal>,
}

impl Judge<'_> {
    pub(super) fn class_matrices(&mut self) {
        for (at, known) in self.claims.matrices.iter().enumerate() {
            if !known.classes.is_empty() {
                self.class_matrix(at, known);
            }
        }
    }

    pub(super) fn said(&self, at: usize) -> Option<Statement> {
        let claim = self.claim(at);
        let interval = |figure: &super::Figure| figure.interval(claim.rounding);
        let value = claim.value.as_ref().map(interval);
        Some(match (&claim.check, value) {
            (Check::OfClass(_, class, metric), Some(value)) => {
                Statement::OfClass(*class, *metric, value)
            }
            (Check::Count(_, class, count), Some(value)) => Statement::Count(*class, *count, value),
            (Check::Averaged(_, averaging, metric), Some(value)) => {
                Statement::Averaged(*averaging, *metric, value)
            }
            (Check::Over(_, of, averaging, metric), Some(value)) => {
                Statement::Over(of.clone(), *averaging, *metric, value)
            }
            (Check::Balanced(_, read), Some(value)) => Statement::Balanced(*read, value),
            (Check::Whole(_, figure), Some(value)) => Statement::Whole(*figure, value),
            (Check::Accuracy(_), Some(value)) => Statement::Accuracy(value),
            (Check::Total(_), Some(value)) => Statement::Total(value),
            (Check::Cell(_, from, to), Some(value)) => Statement::Cell(*from, *to, value),
            (Check::CellShare(_, from, to, share), Some(value)) => {
                Statement::CellShare(*from, *to, *share, value)
            }
            (Check::EitherWay(_, a, b, shares), _) => {
                Statement::EitherWay(*a, *b, interval(&shares[0]), interval(&shares[1]))
            }
            _ => return None,
        })
    }

    fn class_matrix(&mut self, matrix: usize, known: &KnownMatrix) {
        let members: Vec<usize> = (0..self.claims.claims.len())
            .filter(|&at| matrix_of(&self.claim(at).check) == Some(matrix))
            .collect();
        let mut said: Statements =
            members.iter().filter_map(|&at| Some((at, self.said(at)?))).collect();
        let classes = classes_of(known);
        self.undecided(taken_out(&mut said, |said| classes.unfit(said)));
        if let Some(needs) = turned::axes(&classes, &said) {
            self.undecided(taken_out(&mut said, |said| {
                needs.contains(said).then(|| turned::NEEDS.to_owned())
            }));
        }
        if said.is_empty() {
            return;
        }
        if known.labels.is_none() && cannot_be_all(said.values()) {
            return self.reopened(matrix, known, said);
        }
        let mut found = self.judged(known, &classes, &said);
        if found.example.is_none() {
            // What is only checked must not keep the rest from a verdict.
            let all: Vec<Statement> = said.values().cloned().collect();
            let checked = taken_out(&mut said, |said| classes.only_checked(said, &all));
            if !checked.is_empty() {
                self.undecided(checked);
                if said.is_empty() {
                    return;
                }
                found = self.judged(known, &classes, &said);
            }
        }
        if known.labels.is_none() && may_be_open(&said, &found) {
            return self.reopened(matrix, known, said);
        }
        let MatrixVerdicts { settled, verdicts, example, removal } = found;
        for (at, verdict) in verdicts {
            self.verdicts[at] = Some(verdict);
        }
        self.audit.to_remove.extend(removal);
        if let Some(example) = example.filter(|_| classes.labels != Labels::Several) {
            self.audit.classes.insert(known.id.clone(), example);
        }
        self.holding.insert(('m', matrix), settled.holding);
    }

    fn undecided(&mut self, of: Vec<(usize, String)>) {
        for (at, needs) in of {
            self.verdicts[at] = Some(Verdict::Undecided { needs });
        }
    }

    /// The claims of a report with a micro average that cannot be of all labels with one label an
    /// example: judged as of some labels, which goes for several an example, too. What is refuted
    /// so is refuted in each of the three readings.
    fn reopened(&mut self, matrix: usize, known: &KnownMatrix, mut said: Statements) {
        let needs = "whether these are all labels and each example has one: then micro precision, \
                     recall, F and the accuracy are one number, and these figures are not; labels \
                     = \"some\" or \"several\" of the matrix says that it is otherwise, \"all\" that \
                     it is so";
        let classes = Classes { labels: Labels::Some, ..classes_of(known) };
        let open = taken_out(&mut said, |said| classes.unfit(said).map(|_| needs.to_owned()));
        self.undecided(open);
        let found = self.judged(known, &classes, &said);
        for (at, verdict) in found.verdicts {
            self.verdicts[at] = Some(match verdict {
                Verdict::Consistent { .. } if is_micro(&said[&at]) => {
                    Verdict::Undecided { needs: needs.to_owned() }
                }
                other => other,
            });
        }
        self.audit.to_remove.extend(found.removal);
        // Nothing is proven of what is asked: the numbers are those of one reading.
        self.holding.remove(&('m', matrix));
    }

    fn judged(&self, known: &KnownMatrix, classes: &Classes, said: &Statements) -> MatrixVerdicts {
        let members: Vec<usize> = said.keys().copied().collect();
        let near =
            known.open_total.then(|| Classes { total: known.totals.total, ..classes.clone() });
        let looker = Looker { near, classes, said, found: RefCell::default() };
        // Of many claims at once only what bounds and certificates refute; of few everything.
        let look = |of: &[usize]| {
            let work = match (of.len(), members.len()) {
                (few, all) if few <= 3 || all <= 12 => Work::default(),
                _ => SHORT,
            };
            looker.look(of, work)
        };
        // Of a matrix that is printed cell by cell bounds leave little to look for.
        let cells = said.values().filter(|said| matches!(said, Statement::Cell(..))).count();
        let printed = cells > 2 * classes.names.len();
        let shrink = |of: &[usize]| if printed { looker.shrunk(of) } else { of.to_vec() };
        let is_known = |of: &[usize]| printed && looker.is_known(of);
        // And a conflict of which nothing can be spared is enough there.
        let looks = if printed { 0 } else { LOOKS };
        let settled = settle_from(&members, looks, shrink, is_known, look);
        let mut verdicts = BTreeMap::new();
        for (conflict, smallest) in &settled.conflicts {
            let read = ConflictReading {
                looker: &looker,
                claims: looker.of(conflict),
                all: looker.of(&[&settled.holding[..], &conflict[..]].concat()),
            };
            let reason = self.reason(known, &read, (conflict, &settled.holding));
            for &at in conflict {
                verdicts.insert(at, self.conflict(conflict, *smallest, reason.clone()));
            }
        }
        let removal = (!settled.conflicts.is_empty())
            .then(|| self.removal(known, &members, &settled, &looker, printed));
        let mut example = None;
        match looker.solve(&settled.holding, Work::default()) {
            MatrixAnswer::Possible(found) => {
                verdicts.extend(self.shown_by(&found, &settled.holding, known, (classes, said)));
                example = Some(found);
            }
            _ => {
                let needs = "the confusion matrix: its bounds allow these figures, and none of \
                             whole numbers was found or refuted";
                for &at in &settled.holding {
                    verdicts.insert(at, Verdict::Undecided { needs: needs.to_owned() });
                }
            }
        }
        MatrixVerdicts { settled, verdicts, example, removal }
    }

    /// Why the claims of a conflict cannot all be true, and what would explain it; `holding` is
    /// what holds beside them.
    fn reason(
        &self,
        known: &KnownMatrix,
        read: &ConflictReading<'_>,
        (conflict, holding): (&[usize], &[usize]),
    ) -> String {
        let Looker { classes, said, .. } = *read.looker;
        let mut reason = "no confusion matrix gives these figures".to_owned();
        let division = read.other_division();
        let by_class = division.is_some_and(|division| read.is_of_class(division));
        let named = conflict.iter().filter(|_| !by_class).find_map(|&at| {
            // A name for it must fit all else that holds, not only this conflict.
            let mut others = [holding, conflict].concat();
            others.retain(|&other| other != at);
            self.misnomer(at, &others, said, classes)
        });
        if let Some(name) = named {
            return format!("{reason}; {name}");
        }
        if known.labels.is_none() && is_of_all_labels(classes, &read.claims) {
            reason += ", if these are all labels and each example has one";
        }
        reason += &division.map_or(String::new(), ZeroDivision::advice);
        let is_open = known.labels.is_some_and(Labels::is_open) && !known.open_total;
        if is_open && read.is_of_another_total() {
            reason += TOTAL;
        }
        reason
    }

    /// The verdict on each claim that holds, by an example matrix.
    fn shown_by(
        &self,
        found: &Matrix,
        holding: &[usize],
        known: &KnownMatrix,
        (classes, said): (&Classes, &Statements),
    ) -> BTreeMap<usize, Verdict> {
        let text = shown(classes, found, known.classes.len());
        let all: Vec<&Statement> = holding.iter().map(|at| &said[at]).collect();
        let many = classes.is_one_of_many(&all, found).then(|| "many".to_owned());
        let verdict = |at: usize| {
            if classes.holds(&said[&at], found) {
                let way = self.only_way(at, holding, said, classes);
                Verdict::Consistent { example: text.clone() + &way, number: many.clone() }
            } else {
                let needs = "an example confusion matrix that confirms it".to_owned();
                Verdict::Undecided { needs }
            }
        };
        holding.iter().map(|&at| (at, verdict(at))).collect()
    }

    /// The smallest sets of a matrix's claims that have to go. What is refuted is refuted by bounds
    /// and certificates, what is left is shown by a matrix.
    fn removal(
        &self,
        known: &KnownMatrix,
        members: &[usize],
        settled: &Settlement,
        looker: &Looker<'_>,
        printed: bool,
    ) -> Removal {
        let short = |of: &[usize]| looker.look(of, SHORT);
        let look = |of: &[usize]| match short(of) {
            Possibility::Unknown => looker.look(of, Work { nodes: 40, moves: 20_000 }),
            known => known,
        };
        let shrink = |of: &[usize]| match printed {
            true => irreducible(&looker.shrunk(of), short),
            false => irreducible(of, short),
        };
        let conflicts = settled.conflicts.iter();
        let conflicts = conflicts.map(|(claims, _)| claims.iter().copied().collect()).collect();
        let found = removal::smallest(members, conflicts, look, shrink);
        let named = |sets: Vec<BTreeSet<usize>>| -> Vec<Vec<String>> {
            sets.iter().map(|set| set.iter().map(|&at| self.id(at)).collect()).collect()
        };
        Removal {
            matrix: known.id.clone(),
            conflicts: named(found.conflicts),
            at_least: found.at_least,
            smallest: named(found.enough),
            open: named(found.open),
            whole: found.whole,
        }
    }
}

/// What is known of a matrix before any claim. A total of which only is said how far to look for it
/// may be any.
pub(super) fn classes_of(known: &KnownMatrix) -> Classes {
    Classes {
        names: known.classes.clone(),
        total: if known.open_total { (1, MOST) } else { known.totals.total },
        zero_division: known.zero_division,
        labels: known.labels.unwrap_or_default(),
    }
}

/// Takes out what cannot be judged, with what would decide it.
fn taken_out(
    said: &mut Statements,
    needs: impl Fn(&Statement) -> Option<String>,
) -> Vec<(usize, String)> {
    let out: Vec<(usize, String)> =
        said.iter().filter_map(|(at, said)| Some((*at, needs(said)?))).collect();
    said.retain(|at, _| !out.iter().any(|(other, _)| other == at));
    out
}

/// Whether claims that cannot be of all labels may be of some: a micro average is said beside
/// precision and recall, and is in conflict; or no cell and no accuracy speaks of a whole matrix.
fn may_be_open(said: &Statements, found: &MatrixVerdicts) -> bool {
    let conflicts = &found.settled.conflicts;
    let in_conflict = conflicts.iter().flat_map(|(claims, _)| claims).any(|at| is_micro(&said[at]));
    let whole = said.values().any(|said| {
        matches!(
            said,
            Statement::Accuracy(_)
                | Statement::Cell(..)
                | Statement::CellShare(..)
                | Statement::EitherWay(..)
        )
    });
    !conflicts.is_empty() && said.values().any(is_micro) && (in_conflict || !whole)
}

/// Whether claims that cannot be of all labels can be of some of them.
fn is_of_all_labels(classes: &Classes, said: &[&Statement]) -> bool {
    let open = Classes { labels: Labels::Some, ..classes.clone() };
    let fits = said.iter().all(|said| open.unfit(said).is_none());
    fits && can_hold(&open, said)
}

/// A matrix that was found, in words.
fn shown(classes: &Classes, found: &Matrix, number: usize) -> String {
    let total = classes.counted(found).total;
    match classes.labels {
        Labels::All => format!("a {number} × {number} confusion matrix of {total} examples"),
        Labels::Some => {
            format!("counts of {number} labels, {total} examples in all, and of what is not listed")
        }
        Labels::Several => format!("counts of {number} labels, {total} in all"),
    }
}
