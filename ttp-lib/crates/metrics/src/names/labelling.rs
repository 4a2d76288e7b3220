//! Names against a second labelling of the same rows.

use super::chance::{generator, multinomial, p_value};
use super::{AmbiguousPair, NamesSettings, NamesVerdict, Naming, PAIRS, distinct_count};
use crate::{Confusion, holm, mcnemar_exact};
use pathfinding::prelude::{Matrix, kuhn_munkres};
use serde::{Deserialize, Serialize};
use ttp_base::{Error, Result};

/// More classes than these have no assignment sought: the time grows with their cube.
const CLASSES: usize = 1_000;

/// Predictions against a second labelling of the same rows.
///
/// **The statistic** is the agreement: rows whose prediction, called by its name, is what the
/// second labelling says. The assignment of names with the most agreement is found by the
/// Hungarian algorithm (Kuhn, *The Hungarian method for the assignment problem*, Naval Research
/// Logistics Quarterly 2, 1955; Munkres, *Algorithms for the assignment and transportation
/// problems*, 1957). Where several are equally good, as many printed names as possible are kept.
///
/// **Chance.** Whatever the names, the best of all assignments agrees a little more by chance. So
/// samples are drawn in which the printed names agree just as well as the best ones: in each
/// output's rows the two cells in question share their rows evenly. The best names are sought anew
/// in each sample, and how much more they agree than the printed ones is compared.
///
/// **A shuffle or a swallowed class.** Where all rows of a are predicted b, the name a fits output
/// b better, and names are not to blame. So names are shuffled only where one output's rows are
/// another class's beyond chance (McNemar's exact test in each output's rows, Holm's correction),
/// and the output that bears that class's printed name belongs to a third, likewise. Where that
/// output has hardly a row the two cannot be told from each other: [`NamesVerdict::Unclear`].
///
/// ```
/// use ttp_metrics::Confusion;
/// use ttp_metrics::names::{NamesByLabelling, NamesSettings, NamesVerdict};
/// // Rows: the second labelling; columns: predictions. "a" and "b" are exchanged.
/// let rows = [vec![3, 40, 1], vec![35, 2, 2], vec![1, 0, 30]];
/// let confusion = Confusion::from_counts(["a", "b", "c"], &rows)?;
/// let found = NamesByLabelling::of(&confusion, &NamesSettings::default())?;
/// assert_eq!(found.rows, 114);
/// assert_eq!(found.printed, 35.0 / 114.0);
/// assert_eq!(found.best, 105.0 / 114.0);
/// assert_eq!(found.naming.best, [1, 0, 2]);
/// assert_eq!(found.verdict, NamesVerdict::Shuffled);
/// assert_eq!(found.renamed(&confusion)?.row(0), [40, 3, 1]);
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamesByLabelling {
    /// The printed names, and those that agree best.
    #[serde(flatten)]
    pub naming: Naming,
    /// How many rows were labelled twice.
    pub rows: u64,
    /// Agreement by the printed names, from 0 to 1.
    #[serde(rename = "agreement_printed")]
    pub printed: f64,
    /// Agreement by the best names, from 0 to 1.
    #[serde(rename = "agreement_best")]
    pub best: f64,
    /// Were the printed names as good as the best, how probable it would be that others agree so
    /// much better.
    pub p_value: f64,
    /// Outputs, by their printed names, where the rows of another class stand, rather than under
    /// that class's own printed name, beyond chance.
    pub misnamed: Vec<String>,
    /// Outputs, by their printed names, that have no row: nothing tells what they are.
    pub unused: Vec<String>,
    /// Pairs of outputs whose best names could be exchanged: of the rows that the exchange would
    /// make agree or disagree, as many as there are speak for the best names with a probability
    /// above alpha by chance alone (McNemar's exact test). No more than 1,000 of them.
    pub not_told_apart: Vec<AmbiguousPair>,
    /// Whether the names are in order.
    pub verdict: NamesVerdict,
}

impl NamesByLabelling {
    /// Tests the names of the predictions: the matrix has the second labelling in its rows and the
    /// predictions in its columns.
    ///
    /// # Errors
    /// If there are fewer than two classes or more than 1,000, more rows than can be weighed, or a
    /// setting makes no sense.
    pub fn of(confusion: &Confusion, settings: &NamesSettings) -> Result<Self> {
        settings.check()?;
        let labels = confusion.labels();
        distinct_count(labels, labels.len(), "labels")?;
        let classes = labels.len();
        let rows = confusion.total();
        if classes > CLASSES || i64::try_from(rows).map_or(true, |rows| rows > i64::MAX >> 24) {
            let reason = format!("{classes} classes, {rows} rows: more than {CLASSES} classes or");
            let reason = format!("{reason} {} rows are not assigned anew", i64::MAX >> 24);
            return Err(Error::Setting { field: "labels", reason });
        }
        // By output: how many of its rows the second labelling calls what.
        let mut cells = vec![0; classes * classes];
        for class in 0..classes {
            for (output, &count) in confusion.row(class).iter().enumerate() {
                cells[output * classes + class] = count;
            }
        }
        let table = Table { classes, cells };
        let (best, agreed) = table.assign()?;
        let printed = table.agreed(None);
        let share = |agreed: u64| agreed as f64 / rows as f64;

        let (better, tried) = table.more_by_chance(&best, agreed - printed, settings)?;
        let p = p_value(better, tried);
        let moved: Vec<usize> = (0..classes).filter(|&output| best[output] != output).collect();
        // Of the rows of the class that an output is to be called: under the class's printed name,
        // and here.
        let test = |&output: &usize| {
            let class = best[output];
            let (there, here) = (table.row(class)[class], table.row(output)[class]);
            if here > there { mcnemar_exact(there, here) } else { 1.0 }
        };
        let tests: Vec<f64> = moved.iter().map(test).collect();
        let corrected = if tests.is_empty() { Vec::new() } else { holm(&tests)? };
        let misnamed = moved.iter().zip(corrected).filter(|(_, p)| *p <= settings.alpha);
        let misnamed: Vec<usize> = misnamed.map(|(&output, _)| output).collect();
        let is_elsewhere = |class: &usize| misnamed.iter().any(|&output| best[output] == *class);
        let chained = misnamed.iter().any(is_elsewhere);
        let name = |outputs: Vec<usize>| outputs.into_iter().map(|at| labels[at].clone()).collect();
        let unused = (0..classes).filter(|&output| table.row(output).iter().all(|rows| *rows == 0));
        Ok(Self {
            rows,
            printed: share(printed),
            best: share(agreed),
            p_value: p,
            verdict: match (p <= settings.alpha, chained) {
                (false, _) => NamesVerdict::InOrder,
                (true, true) => NamesVerdict::Shuffled,
                (true, false) => NamesVerdict::Unclear,
            },
            unused: name(unused.collect()),
            misnamed: name(misnamed),
            not_told_apart: table.not_told_apart(labels, &best, settings.alpha),
            naming: Naming { labels: labels.to_vec(), best },
        })
    }

    /// The matrix again with the predictions under their new names: rows and columns in the order
    /// of the labels.
    ///
    /// # Errors
    /// If the matrix has other labels.
    pub fn renamed(&self, confusion: &Confusion) -> Result<Confusion> {
        if confusion.labels() != self.naming.labels {
            let reason = "the matrix has other labels than the names are for".to_owned();
            return Err(Error::Setting { field: "labels", reason });
        }
        let again = |row: &[u64]| {
            let mut columns = vec![0; row.len()];
            self.naming.best.iter().zip(row).for_each(|(&name, &count)| columns[name] = count);
            columns
        };
        let labels = self.naming.labels.clone();
        let rows: Vec<Vec<u64>> =
            (0..labels.len()).map(|class| again(confusion.row(class))).collect();
        Confusion::from_counts(labels, &rows)
    }
}

/// Rows by output and by what the second labelling says.
struct Table {
    classes: usize,
    cells: Vec<u64>,
}

impl Table {
    fn row(&self, output: usize) -> &[u64] {
        &self.cells[output * self.classes..(output + 1) * self.classes]
    }

    /// Rows that agree under these names, under the printed ones where none are given.
    fn agreed(&self, names: Option<&[usize]>) -> u64 {
        let name = |output: usize| names.map_or(output, |names| names[output]);
        (0..self.classes).map(|output| self.row(output)[name(output)]).sum()
    }

    /// The names with the most agreement, and the agreement.
    fn assign(&self) -> Result<(Vec<usize>, u64)> {
        let classes = self.classes;
        // A row that agrees outweighs all printed names together.
        let weight = |at: usize| {
            let kept = i64::from(at / classes == at % classes);
            self.cells[at] as i64 * (classes as i64 + 1) + kept
        };
        let weights = (0..classes * classes).map(weight).collect();
        let weights = Matrix::from_vec(classes, classes, weights)
            .map_err(Error::library("assigning names"))?;
        let (_, best) = kuhn_munkres(&weights);
        let agreed = self.agreed(Some(&best));
        Ok((best, agreed))
    }

    /// No assignment agrees in more rows than this.
    fn bound(&self) -> u64 {
        (0..self.classes).map(|output| self.row(output).iter().max().copied().unwrap_or(0)).sum()
    }

    /// Of samples in which the printed names agree as well as the best ones: in how many the
    /// sample's best names agree in `gain` rows more than the printed ones, and how many were
    /// drawn. Once twenty have, enough is known (Besag and Clifford, *Sequential Monte Carlo
    /// p-values*, Biometrika 78, 1991), if the p-value is above alpha for good.
    fn more_by_chance(
        &self,
        best: &[usize],
        gain: u64,
        settings: &NamesSettings,
    ) -> Result<(usize, usize)> {
        if gain == 0 {
            return Ok((settings.resamples, settings.resamples));
        }
        let mut weights: Vec<f64> = self.cells.iter().map(|&count| count as f64).collect();
        for (output, &name) in best.iter().enumerate() {
            let (own, other) = (output * self.classes + output, output * self.classes + name);
            let mean = (weights[own] + weights[other]) / 2.0;
            (weights[own], weights[other]) = (mean, mean);
        }
        let rows = self.cells.iter().sum();
        let mut rng = generator(settings.seed, 2);
        let enough = 20.0_f64.max((settings.alpha * (1.0 + settings.resamples as f64)).ceil());
        let mut better = 0;
        for drawn in 1..=settings.resamples {
            let cells = multinomial(&mut rng, rows, &weights)?;
            let sample = Self { classes: self.classes, cells };
            let wanted = sample.agreed(None) + gain;
            better += usize::from(sample.bound() >= wanted && sample.assign()?.1 >= wanted);
            if better as f64 > enough {
                return Ok((better, drawn));
            }
        }
        Ok((better, settings.resamples))
    }

    fn not_told_apart(&self, labels: &[String], best: &[usize], alpha: f64) -> Vec<AmbiguousPair> {
        let mut pairs = Vec::new();
        for a in 0..self.classes {
            for b in a + 1..self.classes {
                let (row_a, row_b) = (self.row(a), self.row(b));
                let lost = row_a[best[a]] + row_b[best[b]];
                let gained = row_a[best[b]] + row_b[best[a]];
                let p_value = mcnemar_exact(gained, lost);
                if p_value > alpha && pairs.len() < PAIRS {
                    pairs.push(AmbiguousPair {
                        printed: [labels[a].clone(), labels[b].clone()],
                        best: [labels[best[a]].clone(), labels[best[b]].clone()],
                        cost: lost as f64 - gained as f64,
                        p_value,
                    });
                }
            }
        }
        pairs
    }
}
