//! Names against class counts.

use super::chance::{generator, multinomial, p_value};
use super::{AmbiguousPair, Fit, NamesSettings, NamesVerdict, Naming, PAIRS, distinct_count};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};
use ttp_base::{Error, Result};

/// Row totals of a confusion matrix against the class counts of the data that its rows are from.
///
/// **The statistic** is Pearson's chi-square over the classes,
///
/// `X² = Σ (s(i) − E(c))² / E(c)`, `E(c) = rows · n(c) / n`, output `i` called class `c`
///
/// (Pearson, *On the criterion …*, Philosophical Magazine 50, 1900). Since
/// `X² = Σ s(i)² / E(c) − rows`, the assignment of names that makes it least gives the largest
/// class to the output with the most rows, the second to the second and so on (the rearrangement
/// inequality: Hardy, Littlewood and Pólya, *Inequalities*, 1934, theorem 368). Where several are
/// equally good, as many printed names as possible are kept. A class that the data has no row of
/// counts as half a row.
///
/// **An open count.** The count of one class may be unknown (`None`), because its rows were added
/// or thinned out. Then it is fitted: whatever output is called so has as many rows as expected,
/// and the others are held against the remaining counts, `E(c) = (rows − s) · n(c) / n`. The
/// output that makes the sum least is taken, and the printed names are held against the same `E`.
///
/// **Chance.** If the printed names are right, rows and counts are two multinomial samples of the
/// same shares, estimated from both. Both are drawn again, the best names are sought again, and
/// `X²(printed) − X²(best)` is compared. So it may be that the data is the training set and the
/// rows a test set, or that the rows are a part of the data (then the p-values are conservative).
///
/// ```
/// use ttp_metrics::names::{NamesByCounts, NamesSettings, NamesVerdict};
/// let labels = ["a", "b", "c"].map(str::to_owned);
/// // The data has 500, 300 and 200 rows; "a" and "c" are exchanged in the matrix.
/// let found = NamesByCounts::of(&labels, &[20, 30, 50], &[Some(500), Some(300), Some(200)],
///                               &NamesSettings::default())?;
/// // (20 − 50)²/50 + (30 − 30)²/30 + (50 − 20)²/20
/// assert_eq!(found.printed.statistic, 18.0 + 0.0 + 45.0);
/// assert_eq!(found.best.statistic, 0.0);
/// assert_eq!(found.naming.best, [2, 1, 0]);
/// assert_eq!(found.verdict, NamesVerdict::Shuffled);
/// // Were b and c exchanged, b would have 30 of both's 50 rows or more with probability 0.003.
/// assert!(found.not_told_apart.is_empty());
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamesByCounts {
    /// The printed names, and those that fit best.
    #[serde(flatten)]
    pub naming: Naming,
    /// Rows of each output's class in the matrix.
    pub supports: Vec<u64>,
    /// Rows of each class, in the labels' order, in the data; `None` where it was left open.
    pub counts: Vec<Option<u64>>,
    /// Rows of each class, in the labels' order, that the counts make one expect in the matrix.
    pub expected: Vec<f64>,
    /// The class whose count was left open, and what it came to under the best names.
    pub open: Option<OpenCount>,
    /// Chi-square of the printed names; the p-value is that of so large a sum by chance.
    pub printed: Fit,
    /// Chi-square of the best names (`best_names` in JSON); likewise, the best names sought anew in each sample.
    #[serde(rename = "best_names")]
    pub best: Fit,
    /// Were the printed names right, how probable it would be that others fit so much better.
    pub p_value: f64,
    /// Pairs of outputs whose best names could be exchanged, those nearest in size first and no
    /// more than 1,000 of them: given the rows of both together, one
    /// class's rows are binomial, and the exchanged names would give the larger class so many with
    /// a probability above alpha (Przyborowski and Wilenski, *Homogeneity of results in testing
    /// samples from Poisson series*, Biometrika 31, 1940).
    pub not_told_apart: Vec<AmbiguousPair>,
    /// Where the best names do not fit and no count was open: the count that, left open, would
    /// make them fit best, and chi-square then.
    pub hint: Option<Hint>,
    /// Whether the names are in order.
    pub verdict: NamesVerdict,
}

/// A count that was left open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenCount {
    /// The class.
    pub class: String,
    /// The printed name of the output that is called so under the best names.
    pub output: String,
    /// As many rows the data would have of the class, if its rows were as they are in the matrix.
    pub fitted: f64,
}

/// What would fit if one count were left open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// The count of this class, and what it came to.
    #[serde(flatten)]
    pub open: OpenCount,
    /// Chi-square of the best names then.
    pub statistic: f64,
}

impl NamesByCounts {
    /// Tests the names of `labels`: `supports[i]` rows of output `i`, `counts[i]` rows of class
    /// `labels[i]` in the data, `None` at most once: a count that is left open.
    ///
    /// # Errors
    /// If the three are not of one length or shorter than two, all supports or all counts are 0,
    /// more than one count is open, or a setting makes no sense.
    pub fn of(
        labels: &[String],
        supports: &[u64],
        counts: &[Option<u64>],
        settings: &NamesSettings,
    ) -> Result<Self> {
        settings.check()?;
        distinct_count(labels, supports.len(), "supports")?;
        distinct_count(labels, counts.len(), "counts")?;
        let wrong = |field, reason: &str| Err(Error::Setting { field, reason: reason.to_owned() });
        let add = |sum: u64, number: &u64| sum.checked_add(*number);
        let rows = supports.iter().try_fold(0, add);
        let data = counts.iter().flatten().try_fold(0, add);
        let (rows, data) = match (rows, data) {
            (Some(0), _) => return wrong("supports", "the matrix has no row"),
            (_, Some(0)) => return wrong("counts", "the data has no row"),
            (Some(rows), Some(data)) => (rows, data),
            _ => return wrong("counts", "more rows than a 64-bit number can count"),
        };
        if counts.iter().filter(|count| count.is_none()).count() > 1 {
            return wrong("counts", "the count of one class can be left open, not of two");
        }
        let found = assign(supports, counts);
        let printed = statistic(supports, &found.expected, None);
        let best = statistic(supports, &found.expected, Some(&found.best));
        let gain = printed - best;
        let null = Null { supports, counts, rows, data };

        let mut rng = generator(settings.seed, 0);
        let (mut better, mut as_printed) = (0, 0);
        for _ in 0..settings.resamples {
            let (of_printed, of_best) = null.draw(&mut rng, None)?;
            better += usize::from(of_printed - of_best >= gain - rounding(gain));
            as_printed += usize::from(of_printed >= printed - rounding(printed));
        }
        let mut rng = generator(settings.seed, 1);
        let mut as_best = 0;
        for _ in 0..settings.resamples {
            let (_, of_best) = null.draw(&mut rng, Some(&found.best))?;
            as_best += usize::from(of_best >= best - rounding(best));
        }
        let p = |extreme| p_value(extreme, settings.resamples);
        let (shuffled, fits) = (p(better) <= settings.alpha, p(as_best) > settings.alpha);
        let open_class = counts.iter().position(Option::is_none);
        let open_count = |class: usize, best: &[usize], others: u64| {
            let output = best.iter().position(|&name| name == class).unwrap_or(class);
            let rest = rows - supports[output];
            let fitted = match rest {
                0 => 0.0,
                rest => supports[output] as f64 * others as f64 / rest as f64,
            };
            let (class, output) = (labels[class].clone(), labels[output].clone());
            OpenCount { class, output, fitted }
        };
        let hint = (!fits && open_class.is_none()).then(|| hinted(supports, counts)).flatten();
        Ok(Self {
            naming: Naming { labels: labels.to_vec(), best: found.best.clone() },
            supports: supports.to_vec(),
            counts: counts.to_vec(),
            open: open_class.map(|class| open_count(class, &found.best, data)),
            printed: Fit { statistic: printed, p_value: p(as_printed) },
            best: Fit { statistic: best, p_value: p(as_best) },
            p_value: p(better),
            not_told_apart: not_told_apart(labels, supports, &found, settings.alpha),
            hint: hint.map(|(class, best, statistic)| Hint {
                open: open_count(class, &best, data - counts[class].unwrap_or(0)),
                statistic,
            }),
            verdict: match (shuffled, fits) {
                (false, _) => NamesVerdict::InOrder,
                (true, true) => NamesVerdict::Shuffled,
                (true, false) => NamesVerdict::Unclear,
            },
            expected: found.expected,
        })
    }

    /// Whether the class sizes are what the counts make one expect, under the best names.
    pub fn fits(&self, alpha: f64) -> bool {
        self.best.p_value > alpha
    }
}

/// Sums of some thousand squares are equal up to this.
fn rounding(value: f64) -> f64 {
    1e-9 * value.abs().max(1.0)
}

/// The names that fit best, and the rows that the counts make one expect of each class.
struct Assignment {
    best: Vec<usize>,
    expected: Vec<f64>,
}

/// Places of numbers, the largest first, equals in their order.
fn falling<T: PartialOrd + Copy>(numbers: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    let compare = |a: &usize, b: &usize| numbers[*b].partial_cmp(&numbers[*a]);
    order.sort_by(|a, b| compare(a, b).unwrap_or(std::cmp::Ordering::Equal));
    order
}

fn weight(count: u64) -> f64 {
    (count as f64).max(0.5)
}

fn assign(supports: &[u64], counts: &[Option<u64>]) -> Assignment {
    let rows = supports.iter().sum::<u64>() as f64;
    let outputs = falling(supports);
    let weights: Vec<f64> = counts.iter().map(|count| count.map_or(0.0, weight)).collect();
    let all: f64 = weights.iter().sum();
    let open = counts.iter().position(Option::is_none);
    let mut classes = falling(&weights);
    let mut best = vec![0; supports.len()];
    let mut expected: Vec<f64>;
    match open {
        None => {
            outputs.iter().zip(&classes).for_each(|(&output, &class)| best[output] = class);
            expected = weights.iter().map(|weight| rows * weight / all).collect();
        }
        Some(open) => {
            classes.retain(|&class| class != open);
            let place = opened_at(&outputs, &classes, supports, &weights, open);
            let others = outputs.iter().enumerate().filter(|(at, _)| *at != place);
            others.zip(&classes).for_each(|((_, &output), &class)| best[output] = class);
            best[outputs[place]] = open;
            let own = supports[outputs[place]] as f64;
            expected = weights.iter().map(|weight| (rows - own) * weight / all).collect();
            expected[open] = own;
        }
    }
    // Of an open class without a row, and where one output has all rows, nothing is expected:
    // half a row, as for a count of 0.
    expected.iter_mut().for_each(|rows| *rows = if *rows > 0.0 { *rows } else { 0.5 });
    keep_printed(&mut best, supports, &expected);
    Assignment { best, expected }
}

/// Which place among the outputs, the largest first, takes the open class, so that the others'
/// `X² = Σ s² / E − rows` is least. Sums from both ends make it one pass.
fn opened_at(
    outputs: &[usize],
    classes: &[usize],
    supports: &[u64],
    weights: &[f64],
    open: usize,
) -> usize {
    let square = |output: usize| (supports[output] as f64).powi(2);
    let all: f64 = classes.iter().map(|&class| weights[class]).sum();
    let rows = supports.iter().sum::<u64>() as f64;
    // After place `r` an output has the class one place before its own.
    let mut after = vec![0.0; outputs.len() + 1];
    for at in (1..outputs.len()).rev() {
        after[at] = after[at + 1] + square(outputs[at]) * all / weights[classes[at - 1]];
    }
    let (mut before, mut least, mut place) = (0.0, f64::INFINITY, 0);
    for (at, &output) in outputs.iter().enumerate() {
        let rest = rows - supports[output] as f64;
        let sum = if rest > 0.0 { (before + after[at + 1]) / rest - rest } else { 0.0 };
        if sum < least - rounding(least.min(1e300)) || (sum <= least && output == open) {
            (least, place) = (sum, at);
        }
        if let Some(&class) = classes.get(at) {
            before += square(output) * all / weights[class];
        }
    }
    place
}

/// Exchanges names that can be exchanged for nothing, where that brings a printed name back.
fn keep_printed(best: &mut [usize], supports: &[u64], expected: &[f64]) {
    let mut holder = vec![0; best.len()];
    best.iter().enumerate().for_each(|(output, &name)| holder[name] = output);
    for output in 0..best.len() {
        let (name, other) = (best[output], holder[output]);
        let same = supports[output] == supports[other] || expected[name] == expected[output];
        if name != output && same {
            best.swap(output, other);
            holder[best[output]] = output;
            holder[best[other]] = other;
        }
    }
}

/// Chi-square of these names, of the printed ones where none are given.
fn statistic(supports: &[u64], expected: &[f64], best: Option<&[usize]>) -> f64 {
    let name = |output: usize| best.map_or(output, |best| best[output]);
    let term = |(output, &support): (usize, &u64)| {
        let expected = expected[name(output)];
        (support as f64 - expected).powi(2) / expected
    };
    supports.iter().enumerate().map(term).sum()
}

/// What rows and counts would be if names were right.
struct Null<'a> {
    supports: &'a [u64],
    counts: &'a [Option<u64>],
    rows: u64,
    data: u64,
}

impl Null<'_> {
    /// Chi-square of the given names (the printed ones where none are given) and of the best ones
    /// in a sample in which the given ones are right.
    fn draw(&self, rng: &mut ChaCha8Rng, names: Option<&[usize]>) -> Result<(f64, f64)> {
        let classes = self.counts.len();
        let name = |output: usize| names.map_or(output, |names| names[output]);
        // By class: its output's rows.
        let mut seen = vec![0; classes];
        (0..classes).for_each(|output| seen[name(output)] = self.supports[output]);
        let open = self.counts.iter().position(Option::is_none);
        let own = open.map_or(0, |open| seen[open]);
        // The others' shares from both samples together; the open one's from the rows alone.
        let pooled = |class: usize| match self.counts[class] {
            Some(count) => (count + seen[class]) as f64,
            None => 0.0,
        };
        let mut weights: Vec<f64> = (0..classes).map(pooled).collect();
        let counts = multinomial(rng, self.data, &weights)?;
        let counts: Vec<Option<u64>> =
            counts.iter().zip(self.counts).map(|(&drawn, count)| count.map(|_| drawn)).collect();
        if let Some(open) = open {
            let all: f64 = weights.iter().sum();
            let rest = (self.rows - own) as f64;
            weights.iter_mut().for_each(|weight| *weight *= rest / all);
            weights[open] = own as f64;
        }
        let by_class = multinomial(rng, self.rows, &weights)?;
        let supports: Vec<u64> = (0..classes).map(|output| by_class[name(output)]).collect();
        let found = assign(&supports, &counts);
        let given = statistic(&supports, &found.expected, names);
        Ok((given, statistic(&supports, &found.expected, Some(&found.best))))
    }
}

/// The class whose count, left open, makes chi-square of the best names least; those names, and it.
fn hinted(supports: &[u64], counts: &[Option<u64>]) -> Option<(usize, Vec<usize>, f64)> {
    let tried = (0..counts.len()).filter(|&class| {
        let others = counts.iter().enumerate().filter(|(other, _)| *other != class);
        others.filter_map(|(_, count)| *count).any(|count| count > 0)
    });
    let tried = tried.map(|class| {
        let mut counts = counts.to_vec();
        counts[class] = None;
        let Assignment { best, expected } = assign(supports, &counts);
        let statistic = statistic(supports, &expected, Some(&best));
        (class, best, statistic)
    });
    tried.min_by(|a, b| a.2.total_cmp(&b.2))
}

fn not_told_apart(
    labels: &[String],
    supports: &[u64],
    found: &Assignment,
    alpha: f64,
) -> Vec<AmbiguousPair> {
    let Assignment { best, expected } = found;
    let of = |output: usize| expected[best[output]];
    let sizes: Vec<f64> = (0..supports.len()).map(of).collect();
    let order = falling(&sizes);
    let mut pairs = Vec::new();
    // Neighbours in size first, then those two places apart and so on, until all can be told.
    for apart in 1..order.len() {
        let before = pairs.len();
        for (&larger, &smaller) in order.iter().zip(&order[apart..]) {
            let (more, fewer) = (supports[larger], supports[smaller]);
            // Exchanged, the larger output has the smaller class's share of the rows of both.
            let share = of(smaller) / (of(larger) + of(smaller));
            let p_value = match more.checked_sub(1).filter(|_| more > fewer) {
                // Even, or the other way round: nothing speaks for the best names.
                None => 1.0,
                Some(below) => {
                    Binomial::new(share, more + fewer).map_or(1.0, |rows| rows.sf(below))
                }
            };
            if p_value > alpha {
                let change = (more as f64).powi(2) - (fewer as f64).powi(2);
                let cost = change * (1.0 / of(smaller) - 1.0 / of(larger));
                let mut pair = [larger, smaller];
                pair.sort_unstable();
                pairs.push((pair, cost, p_value));
            }
        }
        if pairs.len() == before || pairs.len() >= PAIRS {
            break;
        }
    }
    pairs.truncate(PAIRS);
    let name = |(pair, cost, p_value): ([usize; 2], f64, f64)| AmbiguousPair {
        printed: pair.map(|output| labels[output].clone()),
        best: pair.map(|output| labels[best[output]].clone()),
        cost,
        p_value,
    };
    pairs.into_iter().map(name).collect()
}
