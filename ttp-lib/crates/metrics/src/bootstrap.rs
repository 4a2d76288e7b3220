//! How far chance alone could have moved a score: the percentile bootstrap.
//!
//! Rows are drawn with replacement, as many as there are, and scored again; the
//! middle 95 % (or whatever level) of the scores so found is the interval (Efron
//! and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13). Each
//! resample has a random stream of its own, so that the result does not depend on
//! the number of threads.

use super::{Averages, Scores, Tally, check_rows};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use ttp_base::settings::{at_least, between};
use ttp_base::show::Cell;
use ttp_base::{Error, Result, settings};

/// A value with the interval around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The score on the rows themselves.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

impl Estimate {
    /// Whether 0 lies outside: of a difference, whether it is more than chance.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    /// The same with the other sign: of a difference, the one the other way round.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { value: -self.value, low: -self.high, high: -self.low }
    }

    /// As a difference is written: `+0.012 [−0.003, +0.027]`.
    ///
    /// ```
    /// let gain = ttp_metrics::Estimate { value: 0.012, low: -0.003, high: 0.027 };
    /// assert_eq!(gain.signed(), "+0.012 [−0.003, +0.027]");
    /// ```
    pub fn signed(&self) -> String {
        let [value, low, high] = [self.value, self.low, self.high]
            .map(|number| format!("{number:+.3}").replace('-', "−").replace("−0.000", "+0.000"));
        format!("{value} [{low}, {high}]")
    }

    /// Where a figure lies that is not ours: `above`, `within` or `below` the interval.
    ///
    /// ```
    /// let f1 = ttp_metrics::Estimate { value: 0.84, low: 0.81, high: 0.86 };
    /// assert_eq!((f1.place_of(0.90), f1.place_of(0.81)), ("above", "within"));
    /// ```
    pub fn place_of(&self, figure: f64) -> &'static str {
        if figure > self.high {
            "above"
        } else if figure < self.low {
            "below"
        } else {
            "within"
        }
    }
}

impl fmt::Display for Estimate {
    /// `0.836 [0.812, 0.858]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} [{:.3}, {:.3}]", self.value, self.low, self.high)
    }
}

impl From<Estimate> for Cell {
    fn from(estimate: Estimate) -> Self {
        Self::interval(estimate.value, estimate.low, estimate.high)
    }
}

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// How many resamples; 1,000 and more for the tails of a 95 % interval.
    pub resamples: usize,
    /// The share of resamples inside the interval, between 0 and 1: 0.95.
    pub level: f64,
    /// Two runs with the same seed draw the same rows.
    pub seed: u64,
}

settings!(Bootstrap, "bootstrap", {
    resamples: at_least(1.0).or("0 resamples give no interval"),
    level: between(0.0, 1.0),
}, free { seed });

impl Bootstrap {
    /// One metric with its interval. `truth` and `predicted` hold class indices below
    /// `classes`. In each resample averages run over the classes that it holds, as
    /// they would if it were all there is.
    ///
    /// Where many classes have but a row or two, resamples lose some of them, and the
    /// macro averages of the resamples lie off that of the rows: the interval then
    /// need not be centred on the value.
    ///
    /// # Errors
    /// If truth and predictions do not fit together, a setting makes no sense, or
    /// the metric is not a number on some resample.
    pub fn estimate(
        &self,
        classes: usize,
        truth: &[usize],
        predicted: &[usize],
        metric: impl Fn(&Tally) -> f64 + Sync,
    ) -> Result<Estimate> {
        let groups = Groups::each_row(truth.len());
        self.estimate_of(&Part { classes, truth, predicted, groups: &groups }, metric)
    }

    /// As [`estimate`](Self::estimate), rows of one group drawn together.
    ///
    /// # Errors
    /// As [`estimate`](Self::estimate), or if the groups are of another number of rows.
    pub fn estimate_of(
        &self,
        part: &Part<'_>,
        metric: impl Fn(&Tally) -> f64 + Sync,
    ) -> Result<Estimate> {
        part.check()?;
        let draws = self.draw(part.groups, 0, part.scratch(), |tally, rows| {
            part.count(tally, rows);
            metric(tally)
        })?;
        self.around(metric(&part.tally()), draws)
    }

    /// All scores with their intervals, from the same resamples.
    ///
    /// # Errors
    /// As [`Bootstrap::estimate`].
    pub fn scores(
        &self,
        classes: usize,
        truth: &[usize],
        predicted: &[usize],
    ) -> Result<Scores<Estimate>> {
        let groups = Groups::each_row(truth.len());
        self.scores_of(&Part { classes, truth, predicted, groups: &groups })
    }

    /// As [`scores`](Self::scores), rows of one group drawn together.
    ///
    /// ```
    /// use ttp_metrics::{Bootstrap, Groups, Part};
    /// // Fifty sentences, each there four times: two hundred rows tell no more than fifty.
    /// let truth: Vec<usize> = (0..200).map(|row| row / 4 % 2).collect();
    /// let predicted: Vec<usize> = (0..200).map(|row| usize::from(row / 4 % 3 > 0)).collect();
    /// let sentence: Vec<usize> = (0..200).map(|row| row / 4).collect();
    /// let bootstrap = Bootstrap { resamples: 1_000, level: 0.95, seed: 3 };
    /// let rows = bootstrap.scores(2, &truth, &predicted)?.accuracy;
    /// let groups = Groups::by(&sentence);
    /// let part = Part { classes: 2, truth: &truth, predicted: &predicted, groups: &groups };
    /// let sentences = bootstrap.scores_of(&part)?.accuracy;
    /// assert_eq!(rows.value, sentences.value);
    /// assert!(sentences.high - sentences.low > 1.7 * (rows.high - rows.low));
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`estimate_of`](Self::estimate_of).
    pub fn scores_of(&self, part: &Part<'_>) -> Result<Scores<Estimate>> {
        part.check()?;
        let draws = self.draw_scores(part, 0)?;
        self.scores_around(&part.tally().scores(), &draws)
    }

    /// How much better the first predictions are than the second **on the same rows**,
    /// with an interval: both are scored on each resample, so what makes a row easy
    /// or hard for both cancels out.
    ///
    /// ```
    /// use ttp_metrics::{Bootstrap, Tally};
    /// let truth: Vec<usize> = (0..200).map(|row| row % 2).collect();
    /// let nearly: Vec<usize> = (0..200).map(|row| if row % 10 == 0 { 1 } else { row % 2 }).collect();
    /// let never = vec![0; 200];
    /// let bootstrap = Bootstrap { resamples: 1_000, level: 0.95, seed: 3 };
    /// let gain = bootstrap.difference(2, &truth, &nearly, &never, Tally::accuracy)?;
    /// assert!((gain.value - (0.9 - 0.5)).abs() < 1e-12);
    /// assert!(gain.excludes_zero());
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Bootstrap::estimate`].
    pub fn difference(
        &self,
        classes: usize,
        truth: &[usize],
        first: &[usize],
        second: &[usize],
        metric: impl Fn(&Tally) -> f64 + Sync,
    ) -> Result<Estimate> {
        let groups = Groups::each_row(truth.len());
        let part = |predicted| Part { classes, truth, predicted, groups: &groups };
        let (one, two) = (part(first), part(second));
        let draws = self.draw_pairs(&one, &two, |a, b| metric(a) - metric(b))?;
        self.around(metric(&one.tally()) - metric(&two.tally()), draws)
    }

    /// All scores of the first predictions minus those of the second **on the same rows**,
    /// rows of one group drawn together; otherwise as [`difference`](Self::difference).
    ///
    /// # Errors
    /// As [`estimate_of`](Self::estimate_of), or if the two are not of the same rows.
    pub fn paired(&self, first: &Part<'_>, second: &Part<'_>) -> Result<Scores<Estimate>> {
        let draws = self.draw_pairs(first, second, |a, b| a.scores().minus(&b.scores()))?;
        self.scores_around(&first.tally().scores().minus(&second.tally().scores()), &draws)
    }

    /// All scores on the first rows minus those on the second, which are **other rows**:
    /// each is resampled on its own, so the interval holds the chance of both draws. It
    /// says nothing of what else the two sets of rows differ in.
    ///
    /// # Errors
    /// As [`estimate_of`](Self::estimate_of).
    pub fn unpaired(&self, first: &Part<'_>, second: &Part<'_>) -> Result<Scores<Estimate>> {
        first.check()?;
        second.check()?;
        let one = self.draw_scores(first, 0)?;
        // Streams that the first has not used: the two draws know nothing of each other.
        let two = self.draw_scores(second, self.resamples)?;
        let draws: Vec<Scores> = one.iter().zip(&two).map(|(one, two)| one.minus(two)).collect();
        self.scores_around(&first.tally().scores().minus(&second.tally().scores()), &draws)
    }

    /// Measures on pairs of sentences, with their intervals. Pairs that share a sentence are not
    /// independent, so sentences are drawn, and a pair counts as often as both of its
    /// sentences were drawn, the one number times the other (the vertex bootstrap: Snijders
    /// and Borgatti, *Connections* 22(2), 1999). Sentences of one group are drawn together: a
    /// pair within a group counts as often as the group was drawn. The one number times the
    /// other would be its square there, which is 2 in the mean, and not 1: intervals would lie
    /// about another value than the one measured.
    ///
    /// The intervals err on the wide side: what is a pair's own chance and not its sentences'
    /// counts three times in their variance (Owen, *The pigeonhole bootstrap*, 2007), so where
    /// pairs hardly share sentences they are up to √3 times as wide as need be. They are
    /// not too narrow.
    ///
    /// `pairs` holds indices of sentences; `measure` takes a weight for each pair and gives
    /// all measures at once, so that a difference between two models is measured on the same
    /// resamples. The values themselves are what it gives where each pair counts once.
    ///
    /// ```
    /// use ttp_metrics::{Bootstrap, Groups};
    /// // Which share of the pairs has sentence 0 in it? Drawn without it, none.
    /// let pairs = [[0, 1], [0, 2], [1, 2]];
    /// let with_first = |weights: &[f64]| {
    ///     let all: f64 = weights.iter().sum();
    ///     [if all > 0.0 { (weights[0] + weights[1]) / all } else { 0.0 }]
    /// };
    /// let bootstrap = Bootstrap { resamples: 500, level: 0.95, seed: 1 };
    /// let [share] = bootstrap.over_pairs(&Groups::each_row(3), &pairs, with_first)?;
    /// assert_eq!((share.value, share.low), (2.0 / 3.0, 0.0));
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no pair, one names a sentence beyond the groups' rows, a setting makes no
    /// sense, or a measure is not a number on some resample.
    pub fn over_pairs<const N: usize>(
        &self,
        sentences: &Groups,
        pairs: &[[u32; 2]],
        measure: impl Fn(&[f64]) -> [f64; N] + Sync + Send,
    ) -> Result<[Estimate; N]> {
        let count = sentences.rows();
        if pairs.is_empty() {
            return Err(Error::Setting { field: "pairs", reason: "there is none".to_owned() });
        }
        if let Some(pair) = pairs.iter().find(|pair| pair.iter().any(|&i| i as usize >= count)) {
            let reason = format!("{pair:?}, of {count} sentences");
            return Err(Error::Setting { field: "pairs", reason });
        }
        let group_of = sentences.of_rows();
        let within: Vec<bool> =
            pairs.iter().map(|&[a, b]| group_of[a as usize] == group_of[b as usize]).collect();
        let scratch = || (vec![0.0; count], vec![0.0; pairs.len()]);
        let draws = self.draw(sentences, 0, scratch, |(times, weights), rows| {
            times.fill(0.0);
            rows.iter().for_each(|&row| times[row as usize] += 1.0);
            for ((weight, &[a, b]), &within) in weights.iter_mut().zip(pairs).zip(&within) {
                let (one, other) = (times[a as usize], times[b as usize]);
                *weight = if within { one } else { one * other };
            }
            measure(weights)
        })?;
        self.all_around(measure(&vec![1.0; pairs.len()]), &draws)
    }

    fn draw_scores(&self, part: &Part<'_>, first_stream: usize) -> Result<Vec<Scores>> {
        self.draw(part.groups, first_stream, part.scratch(), |tally, rows| {
            part.count(tally, rows);
            tally.scores()
        })
    }

    fn draw_pairs<T: Send>(
        &self,
        first: &Part<'_>,
        second: &Part<'_>,
        compare: impl Fn(&Tally, &Tally) -> T + Sync,
    ) -> Result<Vec<T>> {
        first.check()?;
        second.check()?;
        if first.truth != second.truth || first.groups != second.groups {
            let reason = "the two predictions are not of the same rows".to_owned();
            return Err(Error::Setting { field: "truth", reason });
        }
        let scratch = || (Tally::new(first.classes), Tally::new(second.classes));
        self.draw(first.groups, 0, scratch, |(one, two), rows| {
            first.count(one, rows);
            second.count(two, rows);
            compare(one, two)
        })
    }

    /// Scores every resample of the groups; the results stand in the resamples' order.
    pub(crate) fn draw<S: Send, T: Send>(
        &self,
        groups: &Groups,
        first_stream: usize,
        scratch: impl Fn() -> S + Sync + Send,
        score: impl Fn(&mut S, &[u32]) -> T + Sync + Send,
    ) -> Result<Vec<T>> {
        self.check()?;
        let Ok(below) = u32::try_from(groups.rows()) else {
            let reason = format!("{} rows cannot be resampled", groups.rows());
            return Err(Error::Setting { field: "truth", reason });
        };
        // Never more groups than rows.
        let below = below.min(groups.len() as u32);
        let resample = |(state, rows): &mut (S, Vec<u32>), stream: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream((first_stream + stream) as u64);
            rows.clear();
            for _ in 0..below {
                rows.extend_from_slice(groups.members(uniform(&mut rng, below)));
            }
            score(state, rows)
        };
        let scratch = || (scratch(), Vec::with_capacity(groups.rows()));
        Ok((0..self.resamples).into_par_iter().map_init(scratch, resample).collect())
    }

    pub(crate) fn around(&self, value: f64, mut draws: Vec<f64>) -> Result<Estimate> {
        draws.sort_by(f64::total_cmp);
        let low = percentile(&draws, (1.0 - self.level) / 2.0)?;
        let high = percentile(&draws, (1.0 + self.level) / 2.0)?;
        Ok(Estimate { value, low, high })
    }

    /// Several values, each with the interval of its own draws.
    pub(crate) fn all_around<const N: usize>(
        &self,
        values: [f64; N],
        draws: &[[f64; N]],
    ) -> Result<[Estimate; N]> {
        let mut estimates = [Estimate { value: 0.0, low: 0.0, high: 0.0 }; N];
        for (at, estimate) in estimates.iter_mut().enumerate() {
            *estimate = self.around(values[at], draws.iter().map(|draw| draw[at]).collect())?;
        }
        Ok(estimates)
    }

    fn scores_around(&self, whole: &Scores, draws: &[Scores]) -> Result<Scores<Estimate>> {
        let one =
            |get: &dyn Fn(&Scores) -> f64| self.around(get(whole), draws.iter().map(get).collect());
        let averages = |get: fn(&Scores) -> &Averages| {
            Ok::<_, Error>(Averages {
                micro: one(&|scores| get(scores).micro)?,
                macro_: one(&|scores| get(scores).macro_)?,
                weighted: one(&|scores| get(scores).weighted)?,
            })
        };
        Ok(Scores {
            accuracy: one(&|scores| scores.accuracy)?,
            precision: averages(|scores| &scores.precision)?,
            recall: averages(|scores| &scores.recall)?,
            f1: averages(|scores| &scores.f1)?,
            f2: averages(|scores| &scores.f2)?,
        })
    }
}

/// Which rows are drawn together: rows that say nearly the same, the copies of one
/// sentence for instance, are not independent, and drawn one by one they would make
/// an interval too narrow. Whole groups are drawn, as many as there are (the cluster
/// bootstrap: Davison and Hinkley, *Bootstrap Methods and their Application*, 1997,
/// section 3.8). Where every row is a group of its own it is the ordinary bootstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The rows, group after group.
    rows: Vec<u32>,
    /// Where each group begins among them, and at last their number.
    starts: Vec<usize>,
}

impl Groups {
    /// Every row on its own.
    pub fn each_row(rows: usize) -> Self {
        let whole = u32::try_from(rows).unwrap_or(u32::MAX);
        // More rows than that are refused where they are drawn.
        Self { rows: (0..whole).collect(), starts: (0..=rows).collect() }
    }

    /// Rows with equal keys are one group; groups stand in the order of their first rows.
    ///
    /// ```
    /// use ttp_metrics::Groups;
    /// let groups = Groups::by(&["b", "a", "b"]);
    /// assert_eq!((groups.len(), groups.rows()), (2, 3));
    /// assert_eq!(groups.iter().collect::<Vec<_>>(), [&[0, 2][..], &[1]]);
    /// ```
    pub fn by<K: Ord>(keys: &[K]) -> Self {
        let mut numbers: BTreeMap<&K, usize> = BTreeMap::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for (row, key) in (0..).zip(keys) {
            let number = *numbers.entry(key).or_insert(members.len());
            if number == members.len() {
                members.push(Vec::new());
            }
            members[number].push(row);
        }
        let mut starts = vec![0];
        for group in &members {
            starts.push(starts[starts.len() - 1] + group.len());
        }
        Self { rows: members.concat(), starts }
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows in all groups together.
    pub fn rows(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// The rows of each group.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|ends| &self.rows[ends[0]..ends[1]])
    }

    /// Refuses groups of another number of rows.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        if self.rows() == rows {
            return Ok(());
        }
        let reason = format!("they are of {} rows, and there are {rows}", self.rows());
        Err(Error::Setting { field: "groups", reason })
    }

    /// The number of each row's group.
    ///
    /// ```
    /// use ttp_metrics::Groups;
    /// assert_eq!(Groups::by(&["b", "a", "b"]).of_rows(), [0, 1, 0]);
    /// ```
    pub fn of_rows(&self) -> Vec<usize> {
        let mut groups = vec![0; self.rows()];
        for (number, group) in self.iter().enumerate() {
            group.iter().for_each(|&row| groups[row as usize] = number);
        }
        groups
    }

    /// The rows of a group below [`len`](Self::len).
    fn members(&self, group: u32) -> &[u32] {
        let group = group as usize;
        &self.rows[self.starts[group]..self.starts[group + 1]]
    }
}

/// Rows to score: class indices below `classes`, and which rows are drawn together.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Number of classes.
    pub classes: usize,
    /// Each row's class.
    pub truth: &'a [usize],
    /// The class that each row was given.
    pub predicted: &'a [usize],
    /// Which rows are drawn together.
    pub groups: &'a Groups,
}

impl Part<'_> {
    fn check(&self) -> Result<()> {
        check_rows(self.classes, self.truth, self.predicted)?;
        self.groups.check_rows(self.truth.len())
    }

    fn scratch(&self) -> impl Fn() -> Tally + Sync + Send + use<> {
        let classes = self.classes;
        move || Tally::new(classes)
    }

    /// The counts over all rows.
    fn tally(&self) -> Tally {
        let mut tally = Tally::new(self.classes);
        for (&truth, &predicted) in self.truth.iter().zip(self.predicted) {
            tally.add(truth, predicted);
        }
        tally
    }

    /// Counts the drawn rows, and nothing of what was counted before.
    fn count(&self, tally: &mut Tally, rows: &[u32]) {
        tally.clear();
        for &row in rows {
            tally.add(self.truth[row as usize], self.predicted[row as usize]);
        }
    }
}

/// The percentile of sorted values at a share from 0 to 1, linear between the two
/// nearest (definition 7 of Hyndman and Fan, *Sample Quantiles in Statistical
/// Packages*, 1996; numpy's default).
///
/// ```
/// use ttp_metrics::percentile;
/// // A quarter of the way from the first of four to the last is at 0.25 · 3 = 0.75.
/// assert_eq!(percentile(&[10.0, 20.0, 40.0, 80.0], 0.25)?, 17.5);
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If there is no value, one is not a number, they are not sorted, or the share is
/// outside 0 to 1.
pub fn percentile(sorted: &[f64], share: f64) -> Result<f64> {
    let wrong = |field, reason: String| Err(Error::Setting { field, reason });
    if !(0.0..=1.0).contains(&share) {
        return wrong("share", format!("{share} is not between 0 and 1"));
    }
    if sorted.iter().any(|value| value.is_nan()) {
        return wrong("values", "one is not a number".to_owned());
    }
    if !sorted.is_sorted() {
        return wrong("values", "they are not sorted".to_owned());
    }
    let Some(last) = sorted.len().checked_sub(1) else {
        return wrong("values", "there are none".to_owned());
    };
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = place - below as f64;
    // From the nearer end, so that the ends themselves are met exactly.
    Ok(if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) })
}

/// Uniform below `below`, which is at least 1: the upper half of a 32-bit word times
/// `below`; the few words that would favour some numbers are drawn again (Lemire,
/// *Fast Random Integer Generation in an Interval*, 2019).
fn uniform(rng: &mut impl RngCore, below: u32) -> u32 {
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(below);
        let rest = product as u32;
        // Only a rest below `below` can be one of them: most draws need no division.
        if rest >= below || rest >= below.wrapping_neg() % below {
            return (product >> 32) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rows(size: usize) -> (Vec<usize>, Vec<usize>) {
        let truth = (0..size).map(|row| row * row % 7).collect();
        let predicted = (0..size).map(|row| row * row % 7 * usize::from(row % 5 > 0)).collect();
        (truth, predicted)
    }

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let (truth, predicted) = rows(300);
        let bootstrap = Bootstrap { resamples: 200, level: 0.9, seed: 11 };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bootstrap.scores(7, &truth, &predicted).unwrap())
        };
        assert_eq!(with(1), with(5));
        let other = Bootstrap { seed: 12, ..bootstrap };
        assert_ne!(with(1), other.scores(7, &truth, &predicted).unwrap());
    }

    #[test]
    fn the_interval_is_as_wide_as_the_binomial_says() {
        let (truth, predicted) = rows(1_000);
        let bootstrap = Bootstrap { resamples: 4_000, level: 0.95, seed: 5 };
        let found = bootstrap.estimate(7, &truth, &predicted, Tally::accuracy).unwrap();
        let expected = 2.0 * 1.96 * (found.value * (1.0 - found.value) / 1_000.0).sqrt();
        assert!(((found.high - found.low) / expected - 1.0).abs() < 0.05, "{found:?} {expected}");
    }

    #[test]
    fn a_prediction_against_itself_differs_by_nothing() {
        let (truth, predicted) = rows(50);
        let bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };
        let metric = |tally: &Tally| tally.f1().macro_;
        let found = bootstrap.difference(7, &truth, &predicted, &predicted, metric).unwrap();
        assert_eq!(found, Estimate { value: 0.0, low: 0.0, high: 0.0 });
        assert!(!found.excludes_zero());
    }

    #[test]
    fn rows_that_are_there_twice_narrow_nothing_when_drawn_together() {
        let (truth, predicted) = rows(150);
        let thrice = |rows: &[usize]| rows.repeat(3);
        let (many_truth, many_predicted) = (thrice(&truth), thrice(&predicted));
        let keys: Vec<usize> = (0..450).map(|row| row % 150).collect();
        let (single, each, together) =
            (Groups::each_row(150), Groups::each_row(450), Groups::by(&keys));
        let bootstrap = Bootstrap { resamples: 2_000, level: 0.95, seed: 9 };
        let width = |truth: &[usize], predicted: &[usize], groups: &Groups| {
            let part = Part { classes: 7, truth, predicted, groups };
            let found = bootstrap.scores_of(&part).unwrap();
            [found.accuracy, found.f1.macro_].map(|e| (e.value, e.high - e.low))
        };
        let once = width(&truth, &predicted, &single);
        let apart = width(&many_truth, &many_predicted, &each);
        let grouped = width(&many_truth, &many_predicted, &together);
        for score in 0..2 {
            assert!((once[score].0 - apart[score].0).abs() < 1e-12);
            assert!(apart[score].1 < 0.7 * once[score].1, "{apart:?} {once:?}");
            // The very draws of the rows that are there once.
            assert!((grouped[score].1 - once[score].1).abs() < 1e-12, "{grouped:?} {once:?}");
        }
    }

    #[test]
    fn two_sets_of_rows_are_drawn_independently() {
        let (truth, predicted) = rows(400);
        let groups = Groups::each_row(400);
        let part = Part { classes: 7, truth: &truth, predicted: &predicted, groups: &groups };
        let bootstrap = Bootstrap { resamples: 4_000, level: 0.95, seed: 5 };
        assert_eq!(bootstrap.paired(&part, &part).unwrap().f1.macro_.high, 0.0);
        let found = bootstrap.unpaired(&part, &part).unwrap().accuracy;
        let one = bootstrap.scores_of(&part).unwrap().accuracy;
        assert_eq!(found.value, 0.0);
        // Variances add up where draws are independent.
        let wider = (found.high - found.low) / (one.high - one.low);
        assert!((wider / 2f64.sqrt() - 1.0).abs() < 0.06, "{wider}");
    }

    #[test]
    fn pairs_within_a_group_count_once_in_the_mean() {
        // Forty groups of two sentences: a pair within each, and one to each's neighbour.
        let keys: Vec<u32> = (0..80).map(|sentence| sentence / 2).collect();
        let pairs: Vec<[u32; 2]> =
            (0..80).map(|at| [at, if at % 2 == 0 { at + 1 } else { (at + 1) % 80 }]).collect();
        let bootstrap = Bootstrap { resamples: 4_000, level: 0.95, seed: 3 };
        let share_within = |weights: &[f64]| {
            let all: f64 = weights.iter().sum();
            let within: f64 = weights.iter().step_by(2).sum();
            [if all > 0.0 { within / all } else { 0.5 }]
        };
        let [share] = bootstrap.over_pairs(&Groups::by(&keys), &pairs, share_within).unwrap();
        assert_eq!(share.value, 0.5);
        // Even about the value: squares would have it near two thirds.
        let middle = (share.low + share.high) / 2.0;
        assert!((middle - 0.5).abs() < 0.02, "{share:?}");
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let good = Bootstrap { resamples: 10, level: 0.95, seed: 0 };
        let (two, three) = (Groups::each_row(2), Groups::each_row(3));
        let part = |truth, groups| Part { classes: 2, truth, predicted: &[0, 1], groups };
        let few = good.scores_of(&part(&[0, 1], &three)).unwrap_err().to_string();
        assert_eq!(few, "setting groups: they are of 3 rows, and there are 2");
        let other = good.paired(&part(&[0, 1], &two), &part(&[1, 1], &two)).unwrap_err();
        assert!(other.to_string().contains("not of the same rows"), "{other}");
        let together = Groups::by(&[1, 1]);
        assert!(good.paired(&part(&[0, 1], &two), &part(&[0, 1], &together)).is_err());
        assert!(good.unpaired(&part(&[0, 1], &two), &part(&[0, 2], &two)).is_err());
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let good = Bootstrap { resamples: 10, level: 0.95, seed: 0 };
        let message =
            |bootstrap: Bootstrap| bootstrap.scores(2, &[0, 1], &[0, 1]).unwrap_err().to_string();
        assert!(message(Bootstrap { resamples: 0, ..good }).contains("bootstrap.resamples"));
        for level in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(message(Bootstrap { level, ..good }).contains("bootstrap.level"));
        }
        let not_a_number = good.estimate(2, &[0, 1], &[0, 1], |_| f64::NAN).unwrap_err();
        assert!(not_a_number.to_string().contains("not a number"));
        assert!(good.difference(2, &[0, 1], &[0, 1], &[0, 2], Tally::accuracy).is_err());
    }

    #[test]
    fn percentile_refuses_what_has_none() {
        assert!(percentile(&[], 0.5).is_err());
        assert!(percentile(&[1.0, f64::NAN], 0.5).is_err());
        assert!(percentile(&[2.0, 1.0], 0.5).is_err());
        assert!(percentile(&[1.0], 1.5).is_err());
    }

    #[test]
    fn draws_are_even() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[uniform(&mut rng, 6) as usize] += 1;
        }
        // Five standard deviations of a binomial of 60,000 and 1/6 are 456.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 456), "{counts:?}");
    }
}
