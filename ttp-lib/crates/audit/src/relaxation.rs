//! Linear programs of a problem's rows: where to look for whole numbers, and proofs that there are
//! none.

use super::figure::{Exact, whole};
use super::problem::{Bounds, Problem, Row};
use microlp::{ComparisonOp, OptimizationDirection, SolveOutcome};
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};

pub(super) enum Relaxation {
    Point(Vec<f64>),
    Impossible,
    Unknown,
}

impl Problem {
    /// The linear program of the rows, and of the averages drawn straight near a point: a point
    /// with as much room as can be had, or a proof that there is none.
    pub(super) fn relaxed(&self, bounds: &Bounds) -> Relaxation {
        let Some(mut point) = self.linear_program(bounds, None) else {
            return if self.certificate(bounds) {
                Relaxation::Impossible
            } else {
                Relaxation::Unknown
            };
        };
        if !self.averages.is_empty() {
            for _ in 0..4 {
                match self.linear_program(bounds, Some(&point)) {
                    Some(next) => point = next,
                    None => break,
                }
            }
        }
        Relaxation::Point(point)
    }

    pub(super) fn linear_program(&self, bounds: &Bounds, near: Option<&[f64]>) -> Option<Vec<f64>> {
        let mut program = microlp::Problem::new(OptimizationDirection::Maximize);
        let unknowns: Vec<_> = bounds
            .iter()
            .map(|&(low, high)| program.add_var(0.0, (low as f64, high as f64)))
            .collect();
        // Each inequality is given room beyond what it asks, up to three units of its largest
        // factor: whole numbers near such a point have somewhere to go.
        let mut add = |terms: &[(usize, f64)], low: Option<f64>, high: Option<f64>| {
            let scale = terms.iter().map(|(_, c)| c.abs()).fold(0.0, f64::max);
            if scale == 0.0 {
                return;
            }
            let sum =
                || -> Vec<_> { terms.iter().map(|&(at, c)| (unknowns[at], c / scale)).collect() };
            if let (Some(low), Some(high)) = (low, high)
                && low == high
            {
                program.add_constraint(sum(), ComparisonOp::Eq, low / scale);
                return;
            }
            let sides = [(low, ComparisonOp::Ge, -1.0), (high, ComparisonOp::Le, 1.0)];
            for (end, operator, sign) in sides {
                let Some(end) = end else { continue };
                let room = program.add_var(1.0, (0.0, 3.0));
                let mut sum = sum();
                sum.push((room, sign));
                program.add_constraint(sum, operator, end / scale);
            }
        };
        // A row of fixed numbers is met already, and would leave the others no room.
        let open = |row: &&Row| row.terms.iter().any(|&(at, _)| bounds[at].0 < bounds[at].1);
        for row in self.rows.iter().filter(open) {
            let terms: Vec<_> = row.terms.iter().map(|&(at, c)| (at, c as f64)).collect();
            add(&terms, row.low.map(|low| low as f64), row.high.map(|high| high as f64));
        }
        for average in self.averages.iter().filter(|_| near.is_some()) {
            let point = near.unwrap_or_default();
            let mut terms = vec![0.0; bounds.len()];
            let mut offset = 0.0;
            for part in &average.parts {
                let (value, weight, numerator, denominator) = part.at(point);
                if denominator < 0.5 {
                    offset += weight * value;
                    continue;
                }
                // weight · value + value · Δweight + weight · (Δnumerator − value · Δdenominator) / denominator
                if let Some(at) = part.weight {
                    terms[at] += value;
                    offset -= value * weight;
                }
                for &(at, c) in &part.numerator {
                    terms[at] += weight * c as f64 / denominator;
                }
                for &(at, c) in &part.denominator {
                    terms[at] -= weight * value * c as f64 / denominator;
                }
                offset += weight * value - weight * (numerator - value * denominator) / denominator;
            }
            let divisor = average.divisor as f64;
            let end = |end: &Exact| end.to_f64().map(|end| end * divisor - offset);
            let terms: Vec<_> = terms.into_iter().enumerate().filter(|(_, c)| *c != 0.0).collect();
            // No more room than the interval has: a tenth of it on each side.
            let (low, high) = (end(&average.interval.low)?, end(&average.interval.high)?);
            let inside = (high - low) / 10.0;
            let scale = terms.iter().map(|(_, c)| c.abs()).fold(0.0, f64::max);
            if scale > 0.0 {
                let sum = || -> Vec<_> {
                    terms.iter().map(|&(at, c)| (unknowns[at], c / scale)).collect()
                };
                program.add_constraint(sum(), ComparisonOp::Ge, (low + inside) / scale);
                program.add_constraint(sum(), ComparisonOp::Le, (high - inside) / scale);
            }
        }
        let Ok(SolveOutcome::Solution(solution)) = program.solve() else { return None };
        Some(unknowns.iter().map(|&unknown| solution.var_value(unknown)).collect())
    }

    /// Whether rows can be added up to one that no numbers within the bounds meet: Farkas'
    /// lemma. The factors come from a linear program; the sum is checked in exact numbers.
    pub(super) fn certificate(&self, bounds: &Bounds) -> bool {
        self.certified(bounds).is_some()
    }

    /// The rows that are added up, by their places; nothing if there are none such.
    pub(super) fn certified(&self, bounds: &Bounds) -> Option<Vec<usize>> {
        // Each side of a row as terms · x ≤ bound.
        let mut sides: Vec<(Vec<(usize, i128)>, i128)> = Vec::new();
        let mut rows = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            if let Some(high) = row.high {
                sides.push((row.terms.clone(), high));
                rows.push(number);
            }
            if let Some(low) = row.low {
                sides.push((row.terms.iter().map(|&(at, c)| (at, -c)).collect(), -low));
                rows.push(number);
            }
        }
        let mut program = microlp::Problem::new(OptimizationDirection::Maximize);
        let scales: Vec<f64> = sides
            .iter()
            .map(|(terms, _)| terms.iter().map(|(_, c)| c.abs()).max().unwrap_or(1).max(1) as f64)
            .collect();
        let factors: Vec<_> = sides
            .iter()
            .zip(&scales)
            .map(|((_, bound), scale)| program.add_var(-(*bound as f64) / scale, (0.0, 1.0)))
            .collect();
        let mut sums: Vec<Vec<(microlp::Variable, f64)>> = vec![Vec::new(); bounds.len()];
        for (((terms, _), scale), &factor) in sides.iter().zip(&scales).zip(&factors) {
            for &(at, c) in terms {
                sums[at].push((factor, c as f64 / scale));
            }
        }
        for (mut sum, &(low, high)) in sums.into_iter().zip(bounds) {
            let plus = program.add_var(low as f64, (0.0, f64::INFINITY));
            let minus = program.add_var(-(high as f64), (0.0, f64::INFINITY));
            sum.extend([(plus, -1.0), (minus, 1.0)]);
            program.add_constraint(sum, ComparisonOp::Eq, 0.0);
        }
        let all: Vec<_> = factors.iter().map(|&factor| (factor, 1.0)).collect();
        program.add_constraint(all, ComparisonOp::Le, 1.0);
        let Ok(SolveOutcome::Solution(solution)) = program.solve() else { return None };
        // From here on in exact numbers, whatever the factors are.
        let mut total = vec![Exact::zero(); bounds.len()];
        let mut bound = Exact::zero();
        let mut used = Vec::new();
        for ((((terms, side), scale), &factor), row) in
            sides.iter().zip(&scales).zip(&factors).zip(rows)
        {
            let value = solution.var_value(factor);
            if value < 1e-9 {
                continue;
            }
            let factor = Exact::from_f64(value / scale)?;
            used.push(row);
            for &(at, c) in terms {
                total[at] += &factor * whole(c);
            }
            bound += &factor * whole(*side);
        }
        let least: Exact = total
            .iter()
            .zip(bounds)
            .map(|(c, &(low, high))| c * whole(if c.is_negative() { high } else { low }))
            .sum();
        (least > bound).then_some(used)
    }
}
