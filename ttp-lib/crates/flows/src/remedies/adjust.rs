//! Another decision from the same scores: the prior taken off, or a threshold for each class.

use ttp_base::{Error, Result};

/// Logits with `tau` times the logarithm of each class's prior taken off (Menon et al.,
/// *Long-tail learning via logit adjustment*, 2021): with `tau` 1 the decision that is best where
/// each class counts the same. A class without a training row keeps its logits.
///
/// `logits` holds a row of as many numbers as there are `counts`, row after row.
///
/// ```
/// use ttp_flows::remedies::adjust::logit_adjusted;
/// // Priors 0.9 and 0.1: the second class is helped by ln 9.
/// let adjusted = logit_adjusted(&[1.0, 0.0], &[9, 1], 1.0)?;
/// assert!((adjusted[1] - adjusted[0] - (9_f64.ln() - 1.0)).abs() < 1e-12);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If `tau` is negative or no number, or the logits are no whole rows.
pub fn logit_adjusted(logits: &[f64], counts: &[usize], tau: f64) -> Result<Vec<f64>> {
    if !(tau.is_finite() && tau >= 0.0) {
        let reason = format!("{tau} is not a finite number of at least 0");
        return Err(Error::Setting { field: "remedies.logit_adjustment", reason });
    }
    check(logits, counts.len())?;
    let rows: usize = counts.iter().sum();
    let prior = |&count: &usize| match count {
        0 => 0.0,
        count => tau * (count as f64 / rows as f64).ln(),
    };
    let priors: Vec<f64> = counts.iter().map(prior).collect();
    Ok(plus(logits, &priors, -1.0))
}

/// The class with the highest score of each row; of equals, the first.
pub fn highest(scores: &[f64], classes: usize) -> Vec<usize> {
    let best = |row: &[f64]| {
        (0..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
    };
    scores.chunks_exact(classes.max(1)).map(best).collect()
}

/// A threshold for each class, where exactly one is named: what is added to the logarithm of its
/// probability before the highest is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Offsets {
    /// One a class.
    pub values: Vec<f64>,
    /// Macro F1 on the rows they were fitted on, before.
    pub before: f64,
    /// And with them.
    pub after: f64,
}

impl Offsets {
    /// Fits an offset for each class of which at least `min_rows` rows are there, so that macro
    /// F1 on these rows is as high as it gets by changing one at a time: for each class in turn
    /// every offset that changes any decision is tried, exactly, until a whole round gains
    /// nothing (or after ten). No offset is larger than `limit` either way.
    ///
    /// It is fitted on few rows for a small class, and so what it gains there is an upper bound.
    ///
    /// ```
    /// use ttp_flows::remedies::adjust::Offsets;
    /// // The second class is always second by a little: an offset finds it.
    /// let log_probabilities = [0.6, 0.4, 0.9, 0.1, 0.55, 0.45].map(f64::ln);
    /// let offsets = Offsets::fit(&log_probabilities, &[1, 0, 1], 2, 1, 5.0)?;
    /// assert_eq!((offsets.before, offsets.after), (0.25, 1.0));
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the scores are no whole rows, or not as many as `truth`, or a class is beyond them.
    pub fn fit(
        scores: &[f64],
        truth: &[usize],
        classes: usize,
        min_rows: usize,
        limit: f64,
    ) -> Result<Self> {
        check(scores, classes)?;
        let wrong = |field, reason| Err(Error::Setting { field, reason });
        if scores.len() != truth.len() * classes {
            let rows = scores.len() / classes;
            return wrong("truth", format!("{} for {rows} rows of scores", truth.len()));
        }
        if let Some(&class) = truth.iter().find(|class| **class >= classes) {
            return wrong("truth", format!("class {class}, of {classes} classes"));
        }
        if limit.is_nan() || limit < 0.0 {
            return wrong("remedies.thresholds.limit", format!("{limit} is not at least 0"));
        }
        let mut values = vec![0.0; classes];
        let before = Counts::of(truth, &highest(scores, classes), classes).macro_f1();
        let mut after = before;
        for _ in 0..10 {
            let at_start = after;
            for class in 0..classes {
                if truth.iter().filter(|&&label| label == class).count() < min_rows.max(1) {
                    continue;
                }
                let best = best_offset(scores, truth, &values, class, limit);
                if let Some((offset, f1)) = best.filter(|(_, f1)| *f1 > after + 1e-12) {
                    (values[class], after) = (offset, f1);
                }
            }
            if after <= at_start {
                break;
            }
        }
        Ok(Self { values, before, after })
    }

    /// Scores with the offsets added.
    pub fn apply(&self, scores: &[f64]) -> Vec<f64> {
        plus(scores, &self.values, 1.0)
    }
}

/// The offset of one class at which macro F1 is highest, all others staying as they are.
fn best_offset(
    scores: &[f64],
    truth: &[usize],
    offsets: &[f64],
    class: usize,
    limit: f64,
) -> Option<(f64, f64)> {
    let classes = offsets.len();
    // By how much the class must be helped to win each row, and who has it without.
    let mut rows: Vec<(f64, usize, usize)> = scores
        .chunks_exact(classes)
        .zip(truth)
        .filter_map(|(row, &truth)| {
            let others = (0..classes).filter(|&other| other != class);
            let rival = others.map(|other| (row[other] + offsets[other], other));
            let (score, rival) = rival.reduce(|a, b| if b.0 > a.0 { b } else { a })?;
            Some((score - row[class], rival, truth))
        })
        .collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let rivals: Vec<usize> = rows.iter().map(|(_, rival, _)| *rival).collect();
    let labels: Vec<usize> = rows.iter().map(|(_, _, truth)| *truth).collect();
    let mut counts = Counts::of(&labels, &rivals, classes);
    let mut best: Option<(f64, f64)> = None;
    let gap = |at: usize| rows.get(at).map_or(f64::INFINITY, |row| row.0);
    let mut offer = |low: f64, high: f64, f1: f64| {
        // Any offset between the two decides alike; the nearest to none within bounds.
        let (low, high) = (low.max(-limit), high.min(limit));
        let middle = match (low < high, low < 0.0 && high > 0.0) {
            (false, _) => return,
            (true, true) => 0.0,
            (true, false) => f64::midpoint(low, high),
        };
        if best.is_none_or(|(_, highest)| f1 > highest) {
            best = Some((middle, f1));
        }
    };
    offer(f64::NEG_INFINITY, gap(0), counts.macro_f1());
    for (at, &(gap_here, rival, truth)) in rows.iter().enumerate() {
        counts.move_row(truth, rival, class);
        if gap(at + 1) > gap_here {
            offer(gap_here, gap(at + 1), counts.macro_f1());
        }
    }
    best
}

/// Counts by class, and the sum of all F1 kept up as rows move.
struct Counts {
    correct: Vec<u64>,
    support: Vec<u64>,
    predicted: Vec<u64>,
    sum: f64,
    occurring: usize,
}

impl Counts {
    fn of(truth: &[usize], predicted: &[usize], classes: usize) -> Self {
        let none = || vec![0; classes];
        let mut counts =
            Self { correct: none(), support: none(), predicted: none(), sum: 0.0, occurring: 0 };
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            counts.support[truth] += 1;
            counts.predicted[predicted] += 1;
            counts.correct[truth] += u64::from(truth == predicted);
        }
        counts.sum = (0..classes).map(|class| counts.f1(class)).sum();
        counts.occurring = (0..classes).filter(|&class| counts.occurs(class)).count();
        counts
    }

    fn occurs(&self, class: usize) -> bool {
        self.support[class] + self.predicted[class] > 0
    }

    fn f1(&self, class: usize) -> f64 {
        let below = self.support[class] + self.predicted[class];
        if below == 0 { 0.0 } else { 2.0 * self.correct[class] as f64 / below as f64 }
    }

    fn macro_f1(&self) -> f64 {
        if self.occurring == 0 { 0.0 } else { self.sum / self.occurring as f64 }
    }

    fn move_row(&mut self, truth: usize, from: usize, to: usize) {
        for class in [from, to] {
            self.sum -= self.f1(class);
            self.occurring -= usize::from(self.occurs(class));
        }
        self.predicted[from] -= 1;
        self.predicted[to] += 1;
        self.correct[from] -= u64::from(truth == from);
        self.correct[to] += u64::from(truth == to);
        for class in [from, to] {
            self.sum += self.f1(class);
            self.occurring += usize::from(self.occurs(class));
        }
    }
}

fn plus(scores: &[f64], by_class: &[f64], sign: f64) -> Vec<f64> {
    let rows = scores.chunks_exact(by_class.len().max(1));
    rows.flat_map(|row| row.iter().zip(by_class).map(|(score, more)| score + sign * more)).collect()
}

fn check(scores: &[f64], classes: usize) -> Result<()> {
    let wrong = |reason| Err(Error::Setting { field: "scores", reason });
    if classes == 0 || !scores.len().is_multiple_of(classes) {
        return wrong(format!("{} numbers are no whole rows of {classes}", scores.len()));
    }
    match scores.iter().position(|score| score.is_nan()) {
        Some(at) => wrong(format!("NaN in row {}", at / classes + 1)),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use ttp_metrics::Confusion;

    #[test]
    fn offsets_gain_what_they_say_and_never_lose_where_they_were_fitted() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for classes in [2, 5, 9] {
            let truth: Vec<usize> = (0..120).map(|row| (row * row) % classes).collect();
            let scores: Vec<f64> = truth
                .iter()
                .flat_map(|&label| (0..classes).map(move |class| (label, class)))
                .map(|(label, class)| {
                    let help = f64::from(u8::from(label == class)) - class as f64 * 0.2;
                    help + rng.random_range(0.0..1.5)
                })
                .collect();
            let offsets = Offsets::fit(&scores, &truth, classes, 1, 4.0).unwrap();
            let f1 = |scores: &[f64]| {
                let said = highest(scores, classes);
                let labels = (0..classes).map(|class| class.to_string());
                Confusion::from_indices(labels, &truth, &said).unwrap().scores().f1.macro_
            };
            assert!((offsets.before - f1(&scores)).abs() < 1e-9);
            assert!((offsets.after - f1(&offsets.apply(&scores))).abs() < 1e-9);
            assert!(offsets.after > offsets.before, "{classes} classes: {offsets:?}");
        }
    }

    #[test]
    fn a_class_with_too_few_rows_keeps_its_threshold() {
        let scores = [0.6, 0.4, 0.9, 0.1, 0.55, 0.45].map(f64::ln);
        let offsets = Offsets::fit(&scores, &[1, 0, 1], 2, 3, 5.0).unwrap();
        assert_eq!(offsets.values, [0.0, 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let said = |scores: &[f64], truth: &[usize]| {
            Offsets::fit(scores, truth, 2, 1, 1.0).unwrap_err().to_string()
        };
        assert_eq!(said(&[0.0; 3], &[0]), "setting scores: 3 numbers are no whole rows of 2");
        assert_eq!(said(&[0.0, f64::NAN], &[0]), "setting scores: NaN in row 1");
        assert_eq!(said(&[0.0; 4], &[0]), "setting truth: 1 for 2 rows of scores");
        assert_eq!(said(&[0.0; 2], &[2]), "setting truth: class 2, of 2 classes");
        let tau = logit_adjusted(&[0.0; 2], &[1, 1], -1.0).unwrap_err().to_string();
        assert!(tau.starts_with("setting remedies.logit_adjustment: -1"), "{tau}");
    }
}
