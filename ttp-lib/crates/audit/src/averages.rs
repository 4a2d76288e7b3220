//! What is said of averages over a confusion matrix's classes, as averages of quotients.

use super::confusion::Classes;
use super::counts::{Averaging, ClassCount, ClassMetric};
use super::figure::{Exact, Interval, whole};
use super::problem::{Average, Problem, Quotient, Sum};
use super::rows::{Layout, whole_ends, whole_of};
use super::statement::{Statement, has_examples, known_of};
use num_traits::{One, Zero};

impl Classes {
    /// Macro and weighted averages, after everything that bounds their parts.
    pub(super) fn add_averages(
        &self,
        said: &[&Statement],
        problem: &mut Problem,
        layout: &Layout,
    ) -> Result<(), String> {
        let all: Vec<usize> = (0..self.names.len()).collect();
        for average in said {
            let (of, averaging, metric, interval) = match average {
                Statement::Averaged(averaging, metric, interval) => {
                    (&all, averaging, metric, interval)
                }
                Statement::Over(of, averaging, metric, interval) => {
                    (of, averaging, metric, interval)
                }
                // The mean of the class's recall and its specificity.
                Statement::OfClass(class, metric @ ClassMetric::BalancedAccuracy, interval) => {
                    let parts = self.quotients(*class, *metric, None, said, layout);
                    problem.averages.push(Average::new(parts, 2, interval.clone()));
                    continue;
                }
                Statement::Balanced(read, interval) => {
                    let recall = |&class: &usize| {
                        let (above, below) =
                            (layout.margins.right[class], layout.margins.support[class]);
                        let known = known_of(class, ClassMetric::Recall, said);
                        (vec![(above, 1)], vec![(below, 1)], known)
                    };
                    let recalls: Vec<_> = all.iter().map(recall).collect();
                    let may_be_empty = all.iter().any(|&class| !has_examples(class, said));
                    let averages = read.averages(&recalls, interval, may_be_empty);
                    problem.averages.extend(averages);
                    continue;
                }
                _ => continue,
            };
            if *averaging == Averaging::Micro {
                continue;
            }
            let recall = *metric == ClassMetric::Recall;
            if *averaging == Averaging::Weighted && recall && of.len() == all.len() {
                // The diagonal again.
                let micro = ClassMetric::Recall;
                let said = Statement::Averaged(Averaging::Micro, micro, interval.clone());
                self.add(&said, problem, layout)?;
                continue;
            }
            let mut parts = Vec::new();
            for &class in of {
                let weight =
                    (*averaging == Averaging::Weighted).then(|| layout.margins.support[class]);
                parts.extend(self.quotients(class, *metric, weight, said, layout));
            }
            let twice = if *metric == ClassMetric::BalancedAccuracy { 2 } else { 1 };
            let divisor = match averaging {
                Averaging::Macro => Some(of.len() as i128),
                _ => {
                    self.weighted_rows(of, *metric, interval, said, problem, layout)?;
                    self.weight_of(of, said)
                }
            };
            // Of weights that are not known in all, the rows are what is looked for; whether it
            // is the average is seen from the matrix.
            if let Some(divisor) = divisor.filter(|divisor| *divisor > 0) {
                let divisor = twice * divisor;
                problem.averages.push(Average::new(parts, divisor, interval.clone()));
            }
        }
        Ok(())
    }

    /// A class's score as the quotients of an average.
    fn quotients(
        &self,
        class: usize,
        metric: ClassMetric,
        weight: Option<usize>,
        said: &[&Statement],
        layout: &Layout,
    ) -> Vec<Quotient> {
        let known = match metric {
            ClassMetric::BalancedAccuracy => Interval::closed(Exact::zero(), Exact::one()),
            _ => known_of(class, metric, said),
        };
        let parts = self.parts_of(class, metric, layout).into_iter();
        let zero = self.zero_division.value();
        parts.map(|sums| Quotient::new(weight, sums, zero.clone(), &known)).collect()
    }

    /// The examples of some classes, if what is said leaves one number of them.
    pub(super) fn weight_of(&self, of: &[usize], said: &[&Statement]) -> Option<i128> {
        if of.len() == self.names.len() && self.total.0 == self.total.1 {
            return Some(self.total.0.into());
        }
        let support = |class: &usize| {
            said.iter().find_map(|said| match said {
                Statement::Count(c, ClassCount::Support, interval) if c == class => {
                    let (low, high) = whole_ends(interval);
                    (low == high).then_some(low)
                }
                _ => None,
            })
        };
        of.iter().map(support).sum()
    }

    /// What the classes' own figures make of a weighted average: two rows.
    fn weighted_rows(
        &self,
        of: &[usize],
        metric: ClassMetric,
        interval: &Interval,
        said: &[&Statement],
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
        let (low, high) = (part(&interval.low, false), part(&interval.high, true));
        let all: Vec<usize> = match of.len() == self.names.len() {
            true => vec![layout.margins.total],
            false => of.iter().map(|&class| layout.margins.support[class]).collect(),
        };
        let mut least: Sum = all.iter().map(|&at| (at, -high)).collect();
        let mut most: Sum = all.iter().map(|&at| (at, -low)).collect();
        for &class in of {
            let known = known_of(class, metric, said);
            least.push((layout.margins.support[class], part(&known.low, false)));
            most.push((layout.margins.support[class], part(&known.high, true)));
        }
        problem.row(least, None, Some(0));
        problem.row(most, Some(0), None);
        Ok(())
    }
}
