//! Verdicts on the scores of binary matrices of the same examples.

use super::binary::{self, BinaryScore, Fit, Score, Search, Totals};
use super::claims::{Check, KnownMatrix, common};
use super::judge::{Judge, LOOKS, settle};
use super::scores::ZeroDivision;
use super::verdict::{Possibility, Verdict};
use std::collections::BTreeMap;
use ttp_metrics::BinaryCounts;

impl Judge<'_> {
    pub(super) fn binary_sets(&mut self) -> ttp_base::Result<()> {
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
        let known: Vec<&KnownMatrix> =
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
                Some(_) => Possibility::Possible,
                None if found.nowhere => Possibility::Impossible,
                None if !found.whole => Possibility::Unknown,
                None if !open => Possibility::Impossible,
                None => Possibility::Unknown,
            }
        };
        let settled = settle(&members, LOOKS, look);
        for (conflict, smallest) in &settled.conflicts {
            let of = match (totals.total, open) {
                (_, true) => "whatever the number of examples".to_owned(),
                ((a, b), _) if a == b => format!("of {a} examples"),
                ((a, b), _) => format!("of {a} to {b} examples"),
            };
            let mut reason = format!("no whole-number confusion matrix {of} gives these figures");
            let all = [&settled.holding[..], &conflict[..]].concat();
            let division = other_division(&sets(conflict), &sets(&all), &totals);
            reason += &division.map_or(String::new(), ZeroDivision::advice);
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
        let fits = BinaryFits { name, matrices, scores: &scores, holding: &settled.holding };
        self.binary_fits(&fits, &sets, &totals);
        Ok(())
    }

    /// Matrices that give all scores that hold, and the scores' verdicts.
    fn binary_fits(&mut self, of: &BinaryFits<'_>, sets: &[Vec<BinaryScore>], totals: &Totals) {
        let mut found = binary::search(sets, totals, false, binary::STEPS);
        if found.fits.is_empty() {
            found = binary::search(sets, totals, true, binary::STEPS);
        }
        let Some(first) = found.fits.first().cloned() else { return };
        self.audit.totals.insert(
            of.name.to_owned(),
            found.fits.iter().map(|fit| (fit.total, fit.positive)).collect(),
        );
        for (place, &matrix) in of.matrices.iter().enumerate() {
            if sets[place].is_empty() {
                continue;
            }
            let counts = first.example_counts[place];
            self.audit.binary.insert(self.claims.matrices[matrix].id.clone(), counts);
            let (example, number) = told(&first, place, &found, totals);
            for &at in of.holding {
                let (in_matrix, score) = &of.scores[&at];
                if *in_matrix != place {
                    continue;
                }
                // Whoever found the matrix, every figure is computed anew from it.
                let verdict = if score.is_of(&counts) {
                    Verdict::Consistent { example: example.clone(), number: number.clone() }
                } else {
                    Verdict::Undecided {
                        needs: "an example confusion matrix that confirms it".to_owned(),
                    }
                };
                self.verdicts[at] = Some(verdict);
                let same = found.whole
                    && found.number as usize == found.fits.len()
                    && found.fits.iter().all(|fit| {
                        fit.counts[place] == 1 && same_rates(&fit.example_counts[place], &counts)
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
    }
}

/// Another value of a division by nought with which scores that cannot hold together can, and which
/// those that hold beside them do not refute.
fn other_division(
    conflict: &[Vec<BinaryScore>],
    all: &[Vec<BinaryScore>],
    totals: &Totals,
) -> Option<ZeroDivision> {
    let search = |sets: &[Vec<BinaryScore>], other: ZeroDivision| {
        let read = |score: &BinaryScore| {
            BinaryScore::new(score.metric(), score.interval().clone(), other).ok()
        };
        let read_all = |set: &Vec<BinaryScore>| set.iter().map(read).collect::<Option<Vec<_>>>();
        let sets = sets.iter().map(read_all).collect::<Option<Vec<_>>>()?;
        // What is only advice is looked for more shortly than what is judged.
        Some(binary::search(&sets, totals, true, binary::STEPS / 10))
    };
    ZeroDivision::Undefined.others().find(|&other| {
        search(conflict, other).is_some_and(|found| !found.fits.is_empty())
            && search(all, other)
                .is_some_and(|found| !found.nowhere && (!found.fits.is_empty() || !found.whole))
    })
}

/// A set of binary matrices with the scores that hold together.
struct BinaryFits<'a> {
    name: &'a str,
    matrices: &'a [usize],
    scores: &'a BTreeMap<usize, (usize, BinaryScore)>,
    holding: &'a [usize],
}

/// A binary matrix in words, and how many there are.
fn told(first: &Fit, place: usize, found: &Search, totals: &Totals) -> (String, Option<String>) {
    let BinaryCounts { tp, fp, fn_, tn } = first.example_counts[place];
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
