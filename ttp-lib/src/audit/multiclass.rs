//! Scores of many classes, coupled: all of them must come from one confusion matrix.
//!
//! A class has three counts: its support (row), how often it was predicted (column), and its
//! true positives (diagonal). Every score of one class is linear in them. Rows and columns
//! have the same sum, and a matrix with these margins and this diagonal exists if and only if
//! what is left of a class's row and of its column fit into the rest: then the cells off the
//! diagonal are filled by a flow, and every claim is computed anew from the cells.

use super::binary::ZeroDivision;
use super::figure::{Exact, Interval, fraction, whole};
use super::solver::{Answer, Average, Problem, Quotient, Sum, Work};
use num_traits::{One, Zero};

/// A score of one class against the others, or its average over classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassMetric {
    /// TP / predicted.
    Precision,
    /// TP / support.
    Recall,
    /// (1 + β²) TP / (β² support + predicted), with β² as a fraction.
    FBeta(u32, u32),
    /// TN / (TN + FP) of the class against all others.
    Specificity,
    /// TN / (TN + FN) of the class against all others.
    NegativePredictive,
    /// (TP + TN) / all of the class against all others.
    Accuracy,
    /// The mean of recall and specificity of the class against all others.
    BalancedAccuracy,
}

/// How classes are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Averaging {
    /// Every class counts once.
    Macro,
    /// Every class counts by its support.
    Weighted,
    /// All classes' counts are added up before they are divided.
    Micro,
}

/// A count of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassCount {
    /// Examples of the class.
    Support,
    /// Examples that were said to be of it.
    Predicted,
    /// Examples of it that were said to be of it.
    TruePositives,
}

/// What is said of one confusion matrix.
#[derive(Debug, Clone)]
pub enum Said {
    /// A score of a class.
    OfClass(usize, ClassMetric, Interval),
    /// A count of a class.
    Count(usize, ClassCount, Interval),
    /// An average over all classes.
    Averaged(Averaging, ClassMetric, Interval),
    /// The share of examples on the diagonal.
    Accuracy(Interval),
    /// So many examples of one class were said to be of another.
    Cell(usize, usize, Interval),
    /// This share of one class's examples was said to be of another.
    CellShare(usize, usize, Interval),
    /// Two classes are taken for each other by these shares; which way round is not said.
    EitherWay(usize, usize, Interval, Interval),
    /// The number of examples.
    Total(Interval),
}

/// A confusion matrix of which the classes are known.
#[derive(Debug, Clone)]
pub struct Classes {
    /// The classes' names.
    pub names: Vec<String>,
    /// The least and the largest number of examples.
    pub total: (u64, u64),
    /// What a division by nought gives.
    pub zero_division: ZeroDivision,
}

/// Rows are true classes, columns predicted ones.
pub type Matrix = Vec<Vec<u64>>;

/// What was found out about a confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This matrix gives every figure.
    Possible(Matrix),
    /// None does: proven.
    Impossible,
    /// Not found out.
    Unknown,
}

/// Where the unknowns of a class stand in a problem.
struct Layout {
    total: usize,
    support: Vec<usize>,
    predicted: Vec<usize>,
    right: Vec<usize>,
    cells: Vec<(usize, usize, usize)>,
}

impl Classes {
    /// Looks for a confusion matrix of which everything is true.
    ///
    /// # Errors
    /// If a figure has more digits than the rows can hold.
    pub fn solve(&self, said: &[&Said], work: Work) -> Result<Found, String> {
        let mut unknown = false;
        for reading in readings(said) {
            let reading: Vec<&Said> = reading.iter().collect();
            let (problem, layout) = self.problem(&reading)?;
            match problem.solve(work) {
                Answer::Impossible => {}
                Answer::Unknown => unknown = true,
                Answer::Possible(values) => match self.filled(&layout, &values) {
                    Some(matrix) if reading.iter().all(|said| self.holds(said, &matrix)) => {
                        return Ok(Found::Possible(matrix));
                    }
                    // Margins that fit, but for cells that are given: not looked at further.
                    _ => unknown = true,
                },
            }
        }
        Ok(if unknown { Found::Unknown } else { Found::Impossible })
    }

    /// Proven bounds of a count or a cell, given everything that is said; nothing if it is
    /// impossible.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn range(&self, said: &[&Said], of: Asked) -> Result<Option<(u64, u64)>, String> {
        let mut found: Option<(i128, i128)> = None;
        for (problem, at) in self.asked(said, of)? {
            if let Some((low, high)) = problem.range(at) {
                let (least, most) = found.unwrap_or((low, high));
                found = Some((least.min(low), most.max(high)));
            }
        }
        Ok(found.map(|(low, high)| (low as u64, high as u64)))
    }

    /// Whether it is proven, given everything that is said, that a count or a cell lies within
    /// bounds.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn proves_within(
        &self,
        said: &[&Said],
        of: Asked,
        (least, most): (i128, i128),
    ) -> Result<bool, String> {
        let asked = self.asked(said, of)?;
        Ok(asked.iter().all(|(problem, at)| problem.proves_within(*at, least, most)))
    }

    /// For every reading of what is said, the problem and the unknown that is asked for.
    fn asked(&self, said: &[&Said], of: Asked) -> Result<Vec<(Problem, usize)>, String> {
        let mut all = Vec::new();
        for mut reading in readings(said) {
            if let Asked::Cell(from, to) = of {
                let any = Interval::closed(Exact::zero(), whole(self.total.1.into()));
                reading.push(Said::Cell(from, to, any));
            }
            let reading: Vec<&Said> = reading.iter().collect();
            let (problem, layout) = self.problem(&reading)?;
            let at = match of {
                Asked::Count(class, ClassCount::Support) => layout.support[class],
                Asked::Count(class, ClassCount::Predicted) => layout.predicted[class],
                Asked::Count(class, ClassCount::TruePositives) => layout.right[class],
                Asked::Cell(from, to) if from == to => layout.right[from],
                Asked::Cell(from, to) => {
                    let cell = layout.cells.iter().find(|(f, t, _)| (*f, *t) == (from, to));
                    cell.ok_or("no such cell")?.2
                }
            };
            all.push((problem, at));
        }
        Ok(all)
    }

    fn problem(&self, said: &[&Said]) -> Result<(Problem, Layout), String> {
        let mut problem = Problem::default();
        let (least, most) = (i128::from(self.total.0), i128::from(self.total.1));
        let total = problem.unknown("total", least, most);
        let mut of = |what: &str| -> Vec<usize> {
            let names = self.names.iter();
            names.map(|name| problem.unknown(format!("{what} of {name}"), 0, most)).collect()
        };
        let (support, predicted, right) = (of("support"), of("predicted"), of("true positives"));
        let mut layout = Layout { total, support, predicted, right, cells: Vec::new() };
        for said in said {
            if let Said::Cell(from, to, _) | Said::CellShare(from, to, _) = said {
                let known = layout.cells.iter().any(|(f, t, _)| (f, t) == (from, to));
                if !known && from != to {
                    let at = problem.unknown(format!("cell {from} {to}"), 0, most);
                    layout.cells.push((*from, *to, at));
                }
            }
        }
        let classes = self.names.len();
        problem.groups = (0..classes)
            .map(|c| vec![layout.support[c], layout.predicted[c], layout.right[c]])
            .collect();
        let one = |at: usize| (at, 1);
        for margin in [&layout.support, &layout.predicted] {
            let mut sum: Sum = margin.iter().copied().map(one).collect();
            sum.push((total, -1));
            problem.row(sum, Some(0), Some(0));
        }
        for class in 0..classes {
            let right = layout.right[class];
            let mut rest = vec![one(layout.support[class]), (right, -1)];
            rest.extend(layout.cells.iter().filter(|c| c.0 == class).map(|c| (c.2, -1)));
            let mut over = vec![one(layout.predicted[class]), (right, -1)];
            over.extend(layout.cells.iter().filter(|c| c.1 == class).map(|c| (c.2, -1)));
            // What is left of its row and of its column fits into all that is off the diagonal.
            let mut room: Sum = vec![one(total)];
            room.extend(layout.right.iter().map(|&at| (at, -1)));
            room.extend(layout.cells.iter().map(|c| (c.2, -1)));
            room.extend(rest.iter().chain(&over).map(|&(at, c)| (at, -c)));
            problem.row(rest, Some(0), None);
            problem.row(over, Some(0), None);
            problem.row(room, Some(0), None);
        }
        for said in said {
            self.add(said, &mut problem, &layout)?;
        }
        self.add_averages(said, &mut problem, &layout)?;
        if !said.iter().any(|said| matches!(said, Said::OfClass(..) | Said::Count(..))) {
            problem.start = Some(self.alike(said, &problem, &layout));
        }
        Ok((problem, layout))
    }

    /// All classes alike, but for what rounding to whole numbers needs to sum to the total: as large
    /// and as well found as the first average says.
    fn alike(&self, said: &[&Said], problem: &Problem, layout: &Layout) -> Vec<f64> {
        use num_traits::ToPrimitive;
        let mut start: Vec<f64> =
            problem.bounds.iter().map(|&(low, high)| (low + high) as f64 / 2.0).collect();
        let score = said.iter().find_map(|said| match said {
            Said::Averaged(_, _, interval) | Said::Accuracy(interval) => {
                ((&interval.low + &interval.high) / whole(2)).to_f64()
            }
            _ => None,
        });
        let size = start[layout.total] / self.names.len() as f64;
        let right = size * score.unwrap_or(0.5);
        let part =
            |of: f64, class: usize| (of * (class + 1) as f64).round() - (of * class as f64).round();
        for class in 0..self.names.len() {
            start[layout.support[class]] = part(size, class);
            start[layout.predicted[class]] = part(size, class);
            start[layout.right[class]] = part(right, class);
        }
        start
    }

    fn add(&self, said: &Said, problem: &mut Problem, layout: &Layout) -> Result<(), String> {
        let count_row = |problem: &mut Problem, at: usize, interval: &Interval| {
            let (low, high) = whole_ends(interval);
            problem.row(vec![(at, 1)], Some(low), Some(high));
        };
        match said {
            Said::OfClass(class, metric, interval) => {
                for (numerator, denominator) in self.parts_of(*class, *metric, layout) {
                    let filler = self.zero_division.value();
                    let may_be_nothing = filler.is_some_and(|value| interval.contains(&value));
                    if *metric != ClassMetric::BalancedAccuracy {
                        problem.quotient(&numerator, &denominator, interval)?;
                        if !may_be_nothing {
                            problem.row(denominator, Some(1), None);
                        } else if !interval.low_in || !interval.high_in {
                            // An open end asks for more than nought of nothing.
                            let rows = problem.rows.len();
                            for row in &mut problem.rows[rows - 2..] {
                                row.low = Some(0);
                            }
                        }
                    }
                }
            }
            Said::Count(class, count, interval) => {
                let at = match count {
                    ClassCount::Support => layout.support[*class],
                    ClassCount::Predicted => layout.predicted[*class],
                    ClassCount::TruePositives => layout.right[*class],
                };
                count_row(problem, at, interval);
            }
            Said::Cell(from, to, interval) => {
                let at = layout.cells.iter().find(|(f, t, _)| (f, t) == (from, to));
                let at = at.map_or(layout.right[*from], |cell| cell.2);
                count_row(problem, at, interval);
            }
            Said::CellShare(from, to, interval) => {
                let at = layout.cells.iter().find(|(f, t, _)| (f, t) == (from, to));
                let at = at.map_or(layout.right[*from], |cell| cell.2);
                let support = vec![(layout.support[*from], 1)];
                problem.quotient(&vec![(at, 1)], &support, interval)?;
                problem.row(support, Some(1), None);
            }
            Said::Accuracy(interval) | Said::Averaged(Averaging::Micro, _, interval) => {
                let metric = match said {
                    Said::Averaged(_, metric, _) => *metric,
                    _ => ClassMetric::Recall,
                };
                let (numerator, denominator) = self.micro(metric, layout);
                problem.quotient(&numerator, &denominator, interval)?;
                problem.row(vec![(layout.total, 1)], Some(1), None);
            }
            Said::Total(interval) => count_row(problem, layout.total, interval),
            Said::Averaged(..) | Said::EitherWay(..) => {}
        }
        Ok(())
    }

    /// Macro and weighted averages, after everything that bounds their parts.
    fn add_averages(
        &self,
        said: &[&Said],
        problem: &mut Problem,
        layout: &Layout,
    ) -> Result<(), String> {
        let unit = || Interval::closed(Exact::zero(), Exact::one());
        for average in said {
            let Said::Averaged(averaging, metric, interval) = average else { continue };
            if *averaging == Averaging::Micro {
                continue;
            }
            if (*averaging, *metric) == (Averaging::Weighted, ClassMetric::Recall) {
                // The diagonal again.
                self.add(&Said::Accuracy(interval.clone()), problem, layout)?;
                continue;
            }
            let mut parts = Vec::new();
            let mut known_of = Vec::new();
            for class in 0..self.names.len() {
                let known = said.iter().fold(unit(), |known, said| match said {
                    Said::OfClass(c, m, interval) if (*c, *m) == (class, *metric) => {
                        known.and(interval)
                    }
                    _ => known,
                });
                known_of.push(known.clone());
                for (numerator, denominator) in self.parts_of(class, *metric, layout) {
                    let weight = (*averaging == Averaging::Weighted).then(|| layout.support[class]);
                    let zero = self.zero_division.value();
                    let known = if *metric == ClassMetric::BalancedAccuracy {
                        unit()
                    } else {
                        known.clone()
                    };
                    parts.push(Quotient { weight, numerator, denominator, zero, known });
                }
            }
            let twice = if *metric == ClassMetric::BalancedAccuracy { 2 } else { 1 };
            match averaging {
                Averaging::Macro => {
                    let divisor = twice * self.names.len() as i128;
                    problem.averages.push(Average { parts, divisor, interval: interval.clone() });
                }
                _ => {
                    self.weighted_rows(&known_of, interval, problem, layout)?;
                    if self.total.0 != self.total.1 {
                        return Err("a weighted average wants a known total".to_owned());
                    }
                    let divisor = twice * i128::from(self.total.0);
                    problem.averages.push(Average { parts, divisor, interval: interval.clone() });
                }
            }
        }
        Ok(())
    }

    /// What the classes' own figures make of a weighted average: two rows.
    fn weighted_rows(
        &self,
        known: &[Interval],
        interval: &Interval,
        problem: &mut Problem,
        layout: &Layout,
    ) -> Result<(), String> {
        // Ends in whole parts of this, outwards.
        const PARTS: i128 = 1_000_000_000;
        let part = |end: &Exact, up: bool| {
            let scaled = end * whole(PARTS);
            let scaled = if up { scaled.ceil() } else { scaled.floor() };
            whole_of(&scaled)
        };
        let mut least: Sum = vec![(layout.total, -part(&interval.high, true))];
        let mut most: Sum = vec![(layout.total, -part(&interval.low, false))];
        for (known, &support) in known.iter().zip(&layout.support) {
            least.push((support, part(&known.low, false)));
            most.push((support, part(&known.high, true)));
        }
        problem.row(least, None, Some(0));
        problem.row(most, Some(0), None);
        Ok(())
    }

    /// A class's score as what is above and below the line; balanced accuracy has two.
    fn parts_of(&self, class: usize, metric: ClassMetric, layout: &Layout) -> Vec<(Sum, Sum)> {
        let (s, p, t) = (layout.support[class], layout.predicted[class], layout.right[class]);
        let n = layout.total;
        let negatives = vec![(n, 1), (s, -1), (p, -1), (t, 1)];
        let recall = (vec![(t, 1)], vec![(s, 1)]);
        let specificity = (negatives.clone(), vec![(n, 1), (s, -1)]);
        match metric {
            ClassMetric::Precision => vec![(vec![(t, 1)], vec![(p, 1)])],
            ClassMetric::Recall => vec![recall],
            ClassMetric::FBeta(a, b) => {
                let (a, b) = (i128::from(a), i128::from(b));
                vec![(vec![(t, a + b)], vec![(s, a), (p, b)])]
            }
            ClassMetric::Specificity => vec![specificity],
            ClassMetric::NegativePredictive => vec![(negatives, vec![(n, 1), (p, -1)])],
            ClassMetric::Accuracy => {
                vec![(vec![(n, 1), (s, -1), (p, -1), (t, 2)], vec![(n, 1)])]
            }
            ClassMetric::BalancedAccuracy => vec![recall, specificity],
        }
    }

    /// A micro average: with one label an example, all that is off the diagonal is a false
    /// positive and a false negative once each.
    fn micro(&self, metric: ClassMetric, layout: &Layout) -> (Sum, Sum) {
        let classes = self.names.len() as i128;
        let right = |factor: i128| layout.right.iter().map(move |&at| (at, factor));
        let n = layout.total;
        let with = |factor: i128, total: i128| {
            let mut sum: Sum = right(factor).collect();
            sum.push((n, total));
            sum
        };
        match metric {
            ClassMetric::Precision | ClassMetric::Recall | ClassMetric::FBeta(..) => {
                (right(1).collect(), vec![(n, 1)])
            }
            ClassMetric::Specificity | ClassMetric::NegativePredictive => {
                (with(1, classes - 2), vec![(n, classes - 1)])
            }
            ClassMetric::Accuracy => (with(2, classes - 2), vec![(n, classes)]),
            ClassMetric::BalancedAccuracy => {
                (with(classes, classes - 2), vec![(n, 2 * (classes - 1))])
            }
        }
    }

    /// A matrix with the margins, the diagonal and the given cells; the others by a flow.
    fn filled(&self, layout: &Layout, values: &[i128]) -> Option<Matrix> {
        let classes = self.names.len();
        let mut matrix = vec![vec![0_u64; classes]; classes];
        let count = |at: usize| u64::try_from(values[at]).ok();
        let mut rows = Vec::new();
        let mut columns = Vec::new();
        for (class, row) in matrix.iter_mut().enumerate() {
            let right = count(layout.right[class])?;
            row[class] = right;
            rows.push(count(layout.support[class])?.checked_sub(right)?);
            columns.push(count(layout.predicted[class])?.checked_sub(right)?);
        }
        let mut open = vec![vec![true; classes]; classes];
        for (class, row) in open.iter_mut().enumerate() {
            row[class] = false;
        }
        for &(from, to, at) in &layout.cells {
            let cell = count(at)?;
            matrix[from][to] = cell;
            rows[from] = rows[from].checked_sub(cell)?;
            columns[to] = columns[to].checked_sub(cell)?;
            open[from][to] = false;
        }
        flow(&mut matrix, rows, columns, &open).then_some(matrix)
    }

    /// Whether another matrix than this bears out all that is said, too: one with two errors
    /// exchanged, so that every class keeps its margins, is tried a few hundred times.
    pub fn is_one_of_many(&self, said: &[&Said], matrix: &Matrix) -> bool {
        const TRIES: usize = 300;
        let errors = || {
            let cell = |from: usize| (0..matrix.len()).map(move |to| (from, to));
            let all = (0..matrix.len()).flat_map(cell);
            all.filter(|&(from, to)| from != to && matrix[from][to] > 0)
        };
        let pairs = errors().flat_map(|one| errors().map(move |other| (one, other)));
        let apart = pairs.filter(|((a, b), (c, d))| a != c && b != d && a != d && c != b);
        apart.take(TRIES).any(|((a, b), (c, d))| {
            let mut other = matrix.clone();
            other[a][b] -= 1;
            other[c][d] -= 1;
            other[a][d] += 1;
            other[c][b] += 1;
            said.iter().all(|said| self.holds(said, &other))
        })
    }

    /// Whether a matrix bears out what is said, computed from its cells in exact numbers.
    pub fn holds(&self, said: &Said, matrix: &Matrix) -> bool {
        let value = match said {
            Said::OfClass(class, metric, _) => self.score(matrix, *class, *metric),
            Said::Count(class, count, _) => Some(whole(match count {
                ClassCount::Support => support(matrix, *class),
                ClassCount::Predicted => predicted(matrix, *class),
                ClassCount::TruePositives => matrix[*class][*class].into(),
            })),
            Said::Averaged(averaging, metric, _) => self.average(matrix, *averaging, *metric),
            Said::Accuracy(_) => self.average(matrix, Averaging::Micro, ClassMetric::Recall),
            Said::Cell(from, to, _) => Some(whole(matrix[*from][*to].into())),
            Said::CellShare(from, to, _) => cell_share(matrix, *from, *to),
            Said::EitherWay(a, b, x, y) => {
                let Some((ab, ba)) = cell_share(matrix, *a, *b).zip(cell_share(matrix, *b, *a))
                else {
                    return false;
                };
                return x.contains(&ab) && y.contains(&ba) || x.contains(&ba) && y.contains(&ab);
            }
            Said::Total(_) => Some(whole(total(matrix))),
        };
        value.is_some_and(|value| said.interval().contains(&value))
    }

    /// A class's score; `None` for a division by nought that has no value.
    pub fn score(&self, matrix: &Matrix, class: usize, metric: ClassMetric) -> Option<Exact> {
        let (s, p, t) =
            (support(matrix, class), predicted(matrix, class), i128::from(matrix[class][class]));
        let n = total(matrix);
        let share = |numerator: i128, denominator: i128| {
            if denominator == 0 {
                self.zero_division.value()
            } else {
                Some(fraction(numerator, denominator))
            }
        };
        match metric {
            ClassMetric::Precision => share(t, p),
            ClassMetric::Recall => share(t, s),
            ClassMetric::FBeta(a, b) => {
                let (a, b) = (i128::from(a), i128::from(b));
                share((a + b) * t, a * s + b * p)
            }
            ClassMetric::Specificity => share(n - s - p + t, n - s),
            ClassMetric::NegativePredictive => share(n - s - p + t, n - p),
            ClassMetric::Accuracy => share(n - s - p + 2 * t, n),
            ClassMetric::BalancedAccuracy => {
                Some((share(t, s)? + share(n - s - p + t, n - s)?) / whole(2))
            }
        }
    }

    /// An average over all classes.
    pub fn average(
        &self,
        matrix: &Matrix,
        averaging: Averaging,
        metric: ClassMetric,
    ) -> Option<Exact> {
        let classes = matrix.len();
        let n = total(matrix);
        if averaging == Averaging::Micro {
            let k = classes as i128;
            let right: i128 = (0..classes).map(|c| i128::from(matrix[c][c])).sum();
            let (a, b) = match metric {
                ClassMetric::Precision | ClassMetric::Recall | ClassMetric::FBeta(..) => (right, n),
                ClassMetric::Specificity | ClassMetric::NegativePredictive => {
                    ((k - 2) * n + right, (k - 1) * n)
                }
                ClassMetric::Accuracy => ((k - 2) * n + 2 * right, k * n),
                ClassMetric::BalancedAccuracy => ((k - 2) * n + k * right, 2 * (k - 1) * n),
            };
            return (b != 0).then(|| fraction(a, b));
        }
        let mut sum = Exact::zero();
        for class in 0..classes {
            let weight = match averaging {
                Averaging::Weighted => whole(support(matrix, class)),
                _ => Exact::one(),
            };
            if weight.is_zero() {
                continue;
            }
            sum += weight * self.score(matrix, class, metric)?;
        }
        let divisor = if averaging == Averaging::Weighted { n } else { classes as i128 };
        (divisor != 0).then(|| sum / whole(divisor))
    }
}

/// What a range is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A count of a class.
    Count(usize, ClassCount),
    /// A cell: examples of the first class that were said to be of the second.
    Cell(usize, usize),
}

impl Said {
    /// The numbers that its figure stands for.
    pub fn interval(&self) -> &Interval {
        match self {
            Self::OfClass(_, _, interval)
            | Self::Count(_, _, interval)
            | Self::Averaged(_, _, interval)
            | Self::Accuracy(interval)
            | Self::Cell(_, _, interval)
            | Self::CellShare(_, _, interval)
            | Self::EitherWay(_, _, interval, _)
            | Self::Total(interval) => interval,
        }
    }
}

/// Every way to read what is said either way round.
fn readings(said: &[&Said]) -> Vec<Vec<Said>> {
    let mut all: Vec<Vec<Said>> = vec![Vec::new()];
    for said in said {
        if let Said::EitherWay(a, b, x, y) = said {
            let ways = [(x, y), (y, x)].map(|(there, back)| {
                [Said::CellShare(*a, *b, there.clone()), Said::CellShare(*b, *a, back.clone())]
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

fn support(matrix: &Matrix, class: usize) -> i128 {
    matrix[class].iter().map(|&cell| i128::from(cell)).sum()
}

fn predicted(matrix: &Matrix, class: usize) -> i128 {
    matrix.iter().map(|row| i128::from(row[class])).sum()
}

fn total(matrix: &Matrix) -> i128 {
    (0..matrix.len()).map(|class| support(matrix, class)).sum()
}

fn cell_share(matrix: &Matrix, from: usize, to: usize) -> Option<Exact> {
    let support = support(matrix, from);
    (support != 0).then(|| fraction(matrix[from][to].into(), support))
}

/// The whole numbers of an interval: the first and the last.
fn whole_ends(interval: &Interval) -> (i128, i128) {
    let (mut low, mut high) = (whole_of(&interval.low.ceil()), whole_of(&interval.high.floor()));
    if !interval.low_in && interval.low.is_integer() {
        low += 1;
    }
    if !interval.high_in && interval.high.is_integer() {
        high -= 1;
    }
    (low, high)
}

fn whole_of(value: &Exact) -> i128 {
    use num_traits::ToPrimitive;
    value.to_integer().to_i128().unwrap_or(i128::MAX / 4)
}

/// Fills open cells so that rows and columns are used up: augmenting paths.
fn flow(
    matrix: &mut Matrix,
    mut rows: Vec<u64>,
    mut columns: Vec<u64>,
    open: &[Vec<bool>],
) -> bool {
    let classes = rows.len();
    let mut added = vec![vec![0_u64; classes]; classes];
    loop {
        if rows.iter().all(|&left| left == 0) {
            break;
        }
        // From rows with something left, over open cells to columns, back over filled cells.
        let mut from_row: Vec<Option<usize>> = vec![None; classes];
        let mut from_column: Vec<Option<usize>> = vec![None; classes];
        let mut seen_row: Vec<bool> = rows.iter().map(|&left| left > 0).collect();
        let mut queue: std::collections::VecDeque<usize> =
            (0..classes).filter(|&row| rows[row] > 0).collect();
        let mut end = None;
        'search: while let Some(row) = queue.pop_front() {
            for column in 0..classes {
                if !open[row][column] || from_row[column].is_some() {
                    continue;
                }
                from_row[column] = Some(row);
                if columns[column] > 0 {
                    end = Some(column);
                    break 'search;
                }
                for back in 0..classes {
                    if !seen_row[back] && added[back][column] > 0 {
                        seen_row[back] = true;
                        from_column[back] = Some(column);
                        queue.push_back(back);
                    }
                }
            }
        }
        let Some(end) = end else { return false };
        let mut path = Vec::new();
        let mut column = end;
        let mut most = columns[end];
        let start = loop {
            let Some(row) = from_row[column] else { return false };
            path.push((row, column, true));
            match from_column[row] {
                Some(before) => {
                    path.push((row, before, false));
                    most = most.min(added[row][before]);
                    column = before;
                }
                None => break row,
            }
        };
        most = most.min(rows[start]);
        for (row, column, forward) in path {
            let cell = &mut added[row][column];
            *cell = if forward { *cell + most } else { *cell - most };
        }
        rows[start] -= most;
        columns[end] -= most;
    }
    if columns.iter().any(|&left| left > 0) {
        return false;
    }
    for (row, added) in matrix.iter_mut().zip(&added) {
        for (cell, more) in row.iter_mut().zip(added) {
            *cell += more;
        }
    }
    true
}
