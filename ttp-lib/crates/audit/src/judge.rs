//! Verdicts on all claims of a document: joint ones first, then those about other figures.

use super::arithmetic::{self, Relation};
use super::binary::{self, BinaryScore, Fit, Score, Search, Totals};
use super::claims::{AskOf, Check, Claim, Claims, Fact, MatrixKnown};
use super::classes::classes_of;
use super::figure::{Exact, Figure, Interval, Rounding};
use super::measured::Measured;
use super::multiclass::{Asked, Matrix, Said};
use super::ranges::Ends;
use super::removal::Removal;
use super::rests::{self, Bounds, Prover, Rest};
use super::solver::{Answer, Problem, Work};
use super::together;
use super::verdict::{Look, Ran, Verdict, smallest_conflict, smallest_conflict_from};
use num_traits::Zero;
use serde::Serialize;
use std::collections::BTreeMap;
use ttp_metrics::BinaryCounts;

/// A claim with its verdict.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
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
    pub run: Option<Ran>,
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
pub struct Shown {
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
    pub claims: Vec<Judged>,
    /// Numbers that the document does not give and its figures pin down.
    pub ranges: Vec<Told>,
    /// What other sources show of the claims.
    pub facts: Vec<Shown>,
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
pub struct Told {
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
    /// use ttp_audit::{Claims, Ran, audit, report::Measured};
    ///
    /// let text = "document = \"d\"\n[[claim]]\nid = \"rows\"\nat = \"1\"\nsays = \"rows\"\n\
    ///     kind = \"stated\"\nneeds = \"the data\"\nvalue = \"14.4k\"\n\
    ///     ours = \"paper_rows.rows\"\nsame_rows = true\n";
    /// let claims = Claims::parse("claims.toml".as_ref(), text)?;
    /// let ran = |rows: u64| -> Result<_, ttp_base::Error> {
    ///     let ours = Measured::from_json(json!({ "paper_rows": { "rows": rows } }));
    ///     Ok(audit(&claims)?.beside(&ours).claims[0].run)
    /// };
    /// assert_eq!(ran(14_427)?, Some(Ran::Reproduced));
    /// assert_eq!(ran(14_201)?, Some(Ran::NotReproduced));
    /// assert_eq!(audit(&claims)?.claims[0].run, Some(Ran::NoRun));
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    #[must_use]
    pub fn beside(mut self, ours: &Measured) -> Self {
        for claim in &mut self.claims {
            let Some(said) = &claim.same_rows else { continue };
            claim.run = Some(match claim.ours.as_deref().and_then(|path| ours.figure(path)) {
                Some(figure) if said.contains(&figure) => Ran::Reproduced,
                Some(_) => Ran::NotReproduced,
                None => Ran::NoRun,
            });
        }
        self
    }

    /// Of how many claims a run on the document's own rows says so.
    pub fn ran(&self, what: Ran) -> usize {
        self.claims.iter().filter(|claim| claim.run == Some(what)).count()
    }

    /// How many claims are inconsistent that belong to one reading of the text.
    pub fn refuted_in_one_reading(&self) -> usize {
        let refuted = |claim: &&Judged| matches!(claim.verdict, Verdict::Inconsistent { .. });
        self.claims.iter().filter(refuted).filter(|claim| claim.reading.is_some()).count()
    }

    /// A claim by its name.
    pub fn claim(&self, id: &str) -> Option<&Judged> {
        self.claims.iter().find(|claim| claim.id == id)
    }
}

/// Looks for smaller conflicts, of sets whose looks are quick.
const LOOKS: usize = 2000;

/// Judges every claim.
///
/// # Errors
/// If a figure of the file is finer than can be looked at: with the claim's line.
pub fn audit(claims: &Claims) -> ttp_base::Result<Audit> {
    let mut judge = Judge {
        claims,
        verdicts: vec![None; claims.claims.len()],
        exact: vec![None; claims.claims.len()],
        audit: Audit {
            document: claims.document.clone(),
            claims: Vec::new(),
            ranges: Vec::new(),
            facts: claims.facts.iter().map(|fact| shown(claims, fact)).collect(),
            binary: BTreeMap::new(),
            totals: BTreeMap::new(),
            classes: BTreeMap::new(),
            to_remove: Vec::new(),
        },
        holding: BTreeMap::new(),
    };
    judge.binary_sets()?;
    judge.class_matrices();
    judge.systems();
    judge.relations();
    judge.comparisons();
    judge.tell();
    let Judge { verdicts, mut audit, .. } = judge;
    for (claim, verdict) in claims.claims.iter().zip(verdicts) {
        let undecided = || Verdict::Undecided { needs: "a check that knows it".to_owned() };
        audit.claims.push(Judged {
            id: claim.id.clone(),
            at: claim.at.clone(),
            says: claim.says.clone(),
            value: claim.value.as_ref().map(|value| value.text.clone()),
            verdict: verdict.unwrap_or_else(undecided),
            ours: claim.ours.clone(),
            run: claim.same_rows.as_ref().map(|_| Ran::NoRun),
            same_rows: claim.same_rows.clone(),
            reading: claim.reading.clone(),
            facts: claims
                .facts
                .iter()
                .filter(|fact| fact.of.contains(&claim.id))
                .map(|fact| fact.id.clone())
                .collect(),
        });
    }
    Ok(audit)
}

/// A fact with its figures held against those of the document.
fn shown(claims: &Claims, fact: &Fact) -> Shown {
    let printed = |id: &String| {
        let claim = claims.claims.iter().find(|claim| claim.id == *id)?;
        claim.value.as_ref()
    };
    let same = |(id, value): &(&String, &Figure)| {
        printed(id).is_some_and(|p| (&p.value, &p.unit) == (&value.value, &value.unit))
    };
    Shown {
        id: fact.id.clone(),
        at: fact.at.clone(),
        says: fact.says.clone(),
        claims: fact.of.clone(),
        figures: fact.values.len(),
        same: fact.of.iter().zip(&fact.values).filter(same).count(),
    }
}

pub(super) struct Judge<'a> {
    pub(super) claims: &'a Claims,
    pub(super) verdicts: Vec<Option<Verdict>>,
    /// Scores of which the matrix is known for certain.
    exact: Vec<Option<Exact>>,
    pub(super) audit: Audit,
    /// Claims of a matrix or system that can hold together, by `m` or `q` and its place.
    pub(super) holding: BTreeMap<(char, usize), Vec<usize>>,
}

/// What became of a set of claims that are looked at together.
pub(super) struct Settled {
    pub(super) holding: Vec<usize>,
    pub(super) conflicts: Vec<(Vec<usize>, bool)>,
    /// Whether the rest was shown to be possible.
    pub(super) shown: bool,
}

impl Judge<'_> {
    pub(super) fn claim(&self, at: usize) -> &Claim {
        &self.claims.claims[at]
    }

    pub(super) fn id(&self, at: usize) -> String {
        self.claim(at).id.clone()
    }

    fn wrong(&self, at: usize) -> impl FnOnce(String) -> ttp_base::Error + use<'_> {
        move |reason| {
            let line = self.claim(at).line;
            ttp_base::Error::input_at(&self.claims.file, Some(line), Some("value"), reason)
        }
    }

    pub(super) fn conflict(&self, claims: &[usize], smallest: bool, reason: String) -> Verdict {
        let conflict = claims.iter().map(|&at| self.id(at)).collect();
        Verdict::Inconsistent { conflict, smallest, reason }
    }

    // -- binary ---------------------------------------------------------------------

    fn binary_sets(&mut self) -> ttp_base::Result<()> {
        let mut sets: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, matrix) in self.claims.matrices.iter().enumerate() {
            if matrix.classes.is_empty() {
                sets.entry(matrix.examples.clone()).or_default().push(at);
            }
        }
        for (name, matrices) in sets {
            self.binary_set(&name, &matrices)?;
        }
        Ok(())
    }

    fn binary_set(&mut self, name: &str, matrices: &[usize]) -> ttp_base::Result<()> {
        let mut scores: BTreeMap<usize, (usize, BinaryScore)> = BTreeMap::new();
        let mut members = Vec::new();
        for (at, claim) in self.claims.claims.iter().enumerate() {
            let (Check::Binary(matrix, metric), Some(value)) = (&claim.check, &claim.value) else {
                continue;
            };
            let Some(place) = matrices.iter().position(|m| m == matrix) else { continue };
            let zero = self.claims.matrices[*matrix].zero_division;
            let score = BinaryScore::new(*metric, value.interval(claim.rounding), zero)
                .map_err(self.wrong(at))?;
            scores.insert(at, (place, score));
            members.push(at);
        }
        if members.is_empty() {
            return Ok(());
        }
        let known: Vec<&MatrixKnown> =
            matrices.iter().map(|&at| &self.claims.matrices[at]).collect();
        let totals = common(&known);
        let open = known.iter().all(|matrix| matrix.open_total);
        let sets = |of: &[usize]| -> Vec<Vec<BinaryScore>> {
            let mut sets = vec![Vec::new(); matrices.len()];
            for at in of {
                let (place, score) = &scores[at];
                sets[*place].push(score.clone());
            }
            sets
        };
        let look = |of: &[usize]| {
            let found = binary::search(&sets(of), &totals, true, binary::STEPS);
            match found.fits.first() {
                Some(_) => Look::Possible,
                None if found.nowhere => Look::Impossible,
                None if !found.whole => Look::Unknown,
                None if !open => Look::Impossible,
                None => Look::Unknown,
            }
        };
        let settled = settle(&members, LOOKS, look);
        for (conflict, smallest) in &settled.conflicts {
            let of = match (totals.total, open) {
                (_, true) => "whatever the number of examples".to_owned(),
                ((a, b), _) if a == b => format!("of {a} examples"),
                ((a, b), _) => format!("of {a} to {b} examples"),
            };
            let reason = format!("no whole-number confusion matrix {of} gives these figures");
            for &at in conflict {
                self.verdicts[at] = Some(self.conflict(conflict, *smallest, reason.clone()));
            }
        }
        if !settled.shown {
            let needs = match open {
                true => format!("the number of examples: none up to {} fits", totals.total.1),
                false => "more steps of the search".to_owned(),
            };
            for &at in &settled.holding {
                self.verdicts[at] = Some(Verdict::Undecided { needs: needs.clone() });
            }
            return Ok(());
        }
        let sets = sets(&settled.holding);
        let mut found = binary::search(&sets, &totals, false, binary::STEPS);
        if found.fits.is_empty() {
            found = binary::search(&sets, &totals, true, binary::STEPS);
        }
        let Some(first) = found.fits.first().cloned() else { return Ok(()) };
        self.audit.totals.insert(
            name.to_owned(),
            found.fits.iter().map(|fit| (fit.total, fit.positive)).collect(),
        );
        for (place, &matrix) in matrices.iter().enumerate() {
            if sets[place].is_empty() {
                continue;
            }
            let counts = first.witnesses[place];
            self.audit.binary.insert(self.claims.matrices[matrix].id.clone(), counts);
            let (witness, number) = told(&first, place, &found, &totals);
            for &at in &settled.holding {
                let (of, score) = &scores[&at];
                if *of != place {
                    continue;
                }
                // Whoever found the matrix, every figure is computed anew from it.
                let verdict = if score.is_of(&counts) {
                    Verdict::Consistent { witness: witness.clone(), number: number.clone() }
                } else {
                    Verdict::Undecided { needs: "a witness that bears it out".to_owned() }
                };
                self.verdicts[at] = Some(verdict);
                let same = found.whole
                    && found.number as usize == found.fits.len()
                    && found.fits.iter().all(|fit| {
                        fit.counts[place] == 1 && same_rates(&fit.witnesses[place], &counts)
                    });
                if same
                    && let Some(Score::Rational(value)) = binary::exact_score(
                        score.metric(),
                        &counts,
                        self.claims.matrices[matrix].zero_division,
                    )
                {
                    self.exact[at] = Some(value);
                }
            }
        }
        Ok(())
    }

    // -- unknown numbers --------------------------------------------------------------

    fn problem(&self, system: usize, of: &[usize]) -> Problem {
        let known = &self.claims.quantities[system];
        let mut problem = Problem::default();
        for (name, low, high) in &known.unknowns {
            problem.unknown(name.clone(), *low, *high);
        }
        let claimed = of.iter().filter_map(|&at| match &self.claim(at).check {
            Check::Linear(_, relation) => Some(relation),
            _ => None,
        });
        for relation in known.always.iter().chain(claimed) {
            problem.row(relation.terms.clone(), relation.low, relation.high);
        }
        problem
    }

    fn systems(&mut self) {
        for system in 0..self.claims.quantities.len() {
            let members: Vec<usize> = (0..self.claims.claims.len())
                .filter(|&at| matches!(self.claim(at).check, Check::Linear(s, _) if s == system))
                .collect();
            if members.is_empty() {
                continue;
            }
            let look = |of: &[usize]| match self.problem(system, of).solve(Work::default()) {
                Answer::Possible(_) => Look::Possible,
                Answer::Impossible => Look::Impossible,
                Answer::Unknown => Look::Unknown,
            };
            let settled = settle(&members, LOOKS, look);
            let problem = self.problem(system, &settled.holding);
            let answer = problem.solve(Work::default());
            for (conflict, smallest) in &settled.conflicts {
                let reason = "no whole numbers meet these".to_owned();
                for &at in conflict {
                    self.verdicts[at] = Some(self.conflict(conflict, *smallest, reason.clone()));
                }
            }
            let verdict = match answer {
                Answer::Possible(values) => {
                    let parts: Vec<String> = problem
                        .names
                        .iter()
                        .zip(&values)
                        .map(|(name, value)| format!("{} {value}", name.replace('_', " ")))
                        .collect();
                    Verdict::Consistent { witness: parts.join(", "), number: None }
                }
                _ => Verdict::Undecided { needs: "more steps of the search".to_owned() },
            };
            for &at in &settled.holding {
                self.verdicts[at] = Some(verdict.clone());
            }
            self.holding.insert(('q', system), settled.holding);
        }
    }

    // -- other figures ------------------------------------------------------------------

    fn relations(&mut self) {
        for at in 0..self.claims.claims.len() {
            let claim = self.claim(at);
            if let Check::Stated(needs) = &claim.check {
                self.verdicts[at] = Some(Verdict::Undecided { needs: needs.clone() });
                continue;
            }
            if self.verdicts[at].is_some() {
                continue;
            }
            let per_cent =
                claim.value.as_ref().is_some_and(|value| value.percent)
                    || claim.check.of().iter().any(|&&of| {
                        self.claim(of).value.as_ref().is_some_and(|value| value.percent)
                    });
            let judged = |rule: Rounding| {
                let of = |other: usize| self.interval(other, rule);
                let value = claim.value.as_ref().map(|value| value.interval(rule));
                arithmetic::judge(&claim.check, value.as_ref(), &of, per_cent)
            };
            let rules = arithmetic::rules(claim.rounding);
            let mut first = None;
            let mut met = None;
            for rule in rules {
                match judged(rule) {
                    Relation::Met(text) => {
                        met = Some(text);
                        break;
                    }
                    missed => {
                        first.get_or_insert(missed);
                    }
                }
            }
            let verdict = match (met, first) {
                (Some(witness), _) => Verdict::Consistent { witness, number: None },
                (None, Some(Relation::Missed(reason, to_blame))) => {
                    let mut conflict = vec![at];
                    if to_blame.is_empty() {
                        conflict.extend(claim.check.of());
                    } else {
                        conflict.extend(to_blame);
                    }
                    // Of two, the claim and a figure, neither can be spared; a smaller set than
                    // one of more was not looked for.
                    self.conflict(&conflict, conflict.len() <= 2, reason)
                }
                _ => continue,
            };
            self.verdicts[at] = Some(verdict);
        }
    }

    /// Comparisons that can each be true are looked at together: first those of any reading of the
    /// text, then with them those of each reading.
    fn comparisons(&mut self) {
        let claims = &self.claims.claims;
        let numbers = |at: usize| self.figure(at, claims[at].rounding);
        // A figure's digits have a place of their own: a claim may compare, and be compared.
        let digits = |at: usize| claims.len() + at;
        let mut said: BTreeMap<usize, Vec<together::Difference>> = BTreeMap::new();
        for (at, claim) in claims.iter().enumerate() {
            let of = claim.check.of();
            let holds = matches!(self.verdicts[at], Some(Verdict::Consistent { .. }));
            if of.is_empty() || !holds {
                continue;
            }
            let found = together::differences(&claim.check, numbers(at).as_ref());
            if !found.is_empty() {
                said.insert(at, found);
                for &of in of {
                    let figure = |numbers| together::figure(of, &numbers);
                    said.insert(digits(of), numbers(of).map(figure).unwrap_or_default());
                }
            }
        }
        let (compared, mut fixed): (Vec<usize>, Vec<usize>) =
            said.keys().partition(|at| **at < claims.len());
        let mut readings: Vec<&Option<String>> =
            compared.iter().map(|&at| &claims[at].reading).collect();
        readings.sort_unstable();
        readings.dedup();
        let look = |of: &[usize]| match together::can_be(of.iter().flat_map(|at| &said[at])) {
            true => Look::Possible,
            false => Look::Impossible,
        };
        let mut conflicts = Vec::new();
        for reading in readings {
            let own = |at: &usize| claims[*at].reading == *reading;
            let mut members: Vec<usize> = compared.iter().copied().filter(own).collect();
            // Each two that fail each other come first, and all of them: one that is taken out
            // with one other may fail more.
            let mut failed = std::collections::BTreeSet::new();
            let others = match reading {
                Some(_) => fixed.iter().copied().filter(|at| *at < claims.len()).collect(),
                None => Vec::new(),
            };
            for (i, &a) in members.iter().enumerate() {
                for &b in members[i + 1..].iter().chain(&others) {
                    let figures = [a, b].into_iter().flat_map(|at| claims[at].check.of());
                    let figures = figures.map(|&of| digits(of));
                    let pair: Vec<usize> = [a, b].into_iter().chain(figures).collect();
                    if look(&pair) == Look::Impossible {
                        let out = [a, b].into_iter().filter(|at| !failed.contains(at));
                        let out: Vec<usize> = out.filter(|at| members.contains(at)).collect();
                        failed.extend(out.iter().copied());
                        conflicts.push((smallest_conflict(&pair, LOOKS, look), out));
                    }
                }
            }
            members.retain(|at| !failed.contains(at));
            loop {
                let all = [&members[..], &fixed[..]].concat();
                if look(&all) == Look::Possible {
                    break;
                }
                let conflict = smallest_conflict(&all, LOOKS, look);
                let (out, left) = members.iter().partition(|at| conflict.claims.contains(at));
                members = left;
                conflicts.push((conflict, out));
            }
            if reading.is_none() {
                fixed.extend(members);
            }
        }
        for (conflict, out) in conflicts {
            let places: Vec<usize> = conflict.claims.iter().map(|at| at % claims.len()).collect();
            let reason = "these cannot hold together".to_owned();
            let verdict = self.conflict(&places, conflict.smallest, reason);
            for at in out {
                self.verdicts[at] = Some(verdict.clone());
            }
        }
    }

    /// The numbers that a claim's figure stands for: the score itself where its matrix is known.
    fn figure(&self, at: usize, rule: Rounding) -> Option<Interval> {
        let value = self.claim(at).value.as_ref().map(|value| value.interval(rule));
        self.exact[at].clone().map(Interval::point).or(value)
    }

    /// The same under one of the rules that its rounding leaves open; nought without a figure.
    fn interval(&self, at: usize, rule: Rounding) -> Interval {
        // A claim's own rounding goes before, where it leaves no choice.
        let rules = arithmetic::rules(self.claim(at).rounding);
        let rule = if rules.contains(&rule) { rule } else { rules[0] };
        self.figure(at, rule).unwrap_or_else(|| Interval::point(Exact::zero()))
    }

    // -- what else is known -------------------------------------------------------------

    fn tell(&mut self) {
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
            let range = |of: &[usize], known: Ends| self.range(&number, of, known);
            let proves = |of: &[usize], bounds: Bounds| self.proves_within(&number, of, bounds);
            let hint = |of: &[usize], bounds: Bounds| self.hint(&number, of, bounds);
            let bounds = holding.as_deref().and_then(|of| range(of, (None, None)));
            let end = |end: i128| i64::try_from(end).ok();
            let ends = |range: Option<Bounds>| {
                range.map_or((None, None), |(low, high)| (end(low), end(high)))
            };
            let prover = Prover { range: &range, proves: &proves, hint: &hint };
            let rests_on = holding.as_deref().zip(bounds).and_then(|(holding, bounds)| {
                let found = rests::rests(holding, bounds, &prover, &mut left)?;
                let rest = |(at, without): (usize, Option<Bounds>)| {
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
            self.audit.ranges.push(Told { says: ask.says.clone(), least, most, rests_on });
        }
    }

    /// The bounds that claims leave a number, each proven, where an end may be known; nothing if
    /// none are.
    fn range(&self, number: &Number, of: &[usize], known: Ends) -> Option<Bounds> {
        match *number {
            Number::OfSystem(system, unknown) => {
                self.problem(system, of).range_from(unknown, known)
            }
            Number::OfMatrix(matrix, asked) => {
                let said: Vec<Said> = of.iter().filter_map(|&at| self.said(at)).collect();
                let said: Vec<&Said> = said.iter().collect();
                let classes = classes_of(&self.claims.matrices[matrix]);
                let (low, high) = classes.range_from(&said, asked, known).ok().flatten()?;
                Some((low.into(), high.into()))
            }
        }
    }

    /// Whether claims prove that a number lies within bounds.
    fn proves_within(&self, number: &Number, of: &[usize], bounds: Bounds) -> bool {
        match *number {
            Number::OfSystem(system, unknown) => {
                self.problem(system, of).proves_within(unknown, bounds.0, bounds.1)
            }
            Number::OfMatrix(matrix, asked) => {
                let said: Vec<Said> = of.iter().filter_map(|&at| self.said(at)).collect();
                let said: Vec<&Said> = said.iter().collect();
                let classes = classes_of(&self.claims.matrices[matrix]);
                classes.proves_within(&said, asked, bounds).unwrap_or(false)
            }
        }
    }

    /// Some of the claims from which such a proof seems to follow.
    fn hint(&self, number: &Number, of: &[usize], (least, most): Bounds) -> Option<Vec<usize>> {
        match *number {
            Number::OfSystem(system, unknown) => {
                let always = self.claims.quantities[system].always.len();
                let rows = self.problem(system, of).rows_of_proof(unknown, least, most)?;
                let is_used = |(place, _): &(usize, &usize)| rows.contains(&(always + place));
                Some(of.iter().enumerate().filter(is_used).map(|(_, at)| *at).collect())
            }
            Number::OfMatrix(matrix, asked) => {
                // What is said by one of these claims each.
                let (by, said): (Vec<usize>, Vec<Said>) =
                    of.iter().filter_map(|&at| Some((at, self.said(at)?))).unzip();
                let said: Vec<&Said> = said.iter().collect();
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

/// Takes out one conflict after the other, until the rest can hold together.
fn settle(members: &[usize], looks: usize, look: impl Fn(&[usize]) -> Look) -> Settled {
    settle_from(members, looks, |all| all.to_vec(), |_| false, look)
}

/// The same; conflicts are looked for in what `shrink` leaves, and what is `known` to be possible
/// is not looked at.
pub(super) fn settle_from(
    members: &[usize],
    looks: usize,
    shrink: impl Fn(&[usize]) -> Vec<usize>,
    known: impl Fn(&[usize]) -> bool,
    look: impl Fn(&[usize]) -> Look,
) -> Settled {
    let mut settled = Settled { holding: members.to_vec(), conflicts: Vec::new(), shown: false };
    loop {
        if settled.holding.is_empty() {
            settled.shown = true;
            return settled;
        }
        match look(&settled.holding) {
            Look::Possible => {
                settled.shown = true;
                return settled;
            }
            Look::Unknown => return settled,
            Look::Impossible => {
                let all = &settled.holding;
                let conflict = smallest_conflict_from(all, &shrink(all), looks, &known, &look);
                settled.holding.retain(|at| !conflict.claims.contains(at));
                settled.conflicts.push((conflict.claims, conflict.smallest));
            }
        }
    }
}

/// A number that is asked for: an unknown of a system, or one of a matrix.
enum Number {
    OfSystem(usize, usize),
    OfMatrix(usize, Asked),
}

impl Number {
    fn of(ask: AskOf) -> Self {
        match ask {
            AskOf::Unknown(system, unknown) => Self::OfSystem(system, unknown),
            AskOf::Count(matrix, class, count) => {
                Self::OfMatrix(matrix, Asked::Count(class, count))
            }
            AskOf::Cell(matrix, from, to) => Self::OfMatrix(matrix, Asked::Cell(from, to)),
        }
    }
}

/// How near a claim is to what is asked: 3 is the number itself, 0 is of other classes.
fn nearness(check: &Check, asked: Asked) -> u8 {
    let classes = match asked {
        Asked::Count(class, _) => [class, class],
        Asked::Cell(from, to) => [from, to],
    };
    match (check, asked) {
        (Check::Count(_, class, count), Asked::Count(other, what))
            if (class, count) == (&other, &what) =>
        {
            3
        }
        (Check::Cell(_, from, to) | Check::CellShare(_, from, to, _), Asked::Cell(a, b))
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

pub(super) fn matrix_of(check: &Check) -> Option<usize> {
    match check {
        Check::OfClass(matrix, ..)
        | Check::Count(matrix, ..)
        | Check::Averaged(matrix, ..)
        | Check::Over(matrix, ..)
        | Check::Balanced(matrix, ..)
        | Check::Whole(matrix, ..)
        | Check::Accuracy(matrix)
        | Check::Total(matrix)
        | Check::Cell(matrix, ..)
        | Check::CellShare(matrix, ..)
        | Check::EitherWay(matrix, ..) => Some(*matrix),
        _ => None,
    }
}

/// What is known of the examples of several matrices: all of it.
pub(super) fn common(known: &[&MatrixKnown]) -> Totals {
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

/// A binary matrix in words, and how many there are.
fn told(first: &Fit, place: usize, found: &Search, totals: &Totals) -> (String, Option<String>) {
    let BinaryCounts { tp, fp, fn_, tn } = first.witnesses[place];
    let mut text = format!("TP {tp}, FN {fn_}, FP {fp}, TN {tn}");
    if totals.total.0 != totals.total.1 {
        text += &format!(" of {}", first.total);
        if found.number > 1 {
            let more = if found.whole { "" } else { " or more" };
            text += &format!("; {}{more} totals up to {} fit", found.number, totals.total.1);
        }
        let one =
            (found.whole && found.number == 1 && first.counts[place] == 1).then(|| "1".to_owned());
        return (text, one);
    }
    let number = if found.whole && found.number as usize == found.fits.len() {
        let all: u64 = found.fits.iter().map(|fit| fit.counts[place]).sum();
        all.to_string()
    } else {
        "many".to_owned()
    };
    (text, Some(number))
}

fn same_rates(a: &BinaryCounts, b: &BinaryCounts) -> bool {
    let cells =
        |counts: &BinaryCounts| [counts.tp, counts.fp, counts.fn_, counts.tn].map(i128::from);
    let (a, b) = (cells(a), cells(b));
    let (all_a, all_b): (i128, i128) = (a.iter().sum(), b.iter().sum());
    a.iter().zip(&b).all(|(x, y)| x * all_b == y * all_a)
}
