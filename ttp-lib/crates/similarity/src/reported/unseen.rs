//! The twenty "completely unseen" examples, and what is published of the similarity of their pairs.

use std::path::Path;
use ttp_base::{Error, Result};

/// Examples, and the similarities of all of their pairs in order (first with second, first with
/// third, …, the last two) as they are published.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnseenExamples {
    /// The examples.
    pub texts: Vec<String>,
    /// The published cosines of the baseline, of four decimals.
    pub baseline: Vec<f64>,
    /// Of the fine-tuned model.
    pub fine_tuned: Vec<f64>,
}

/// What one pair of the list has: two texts cut short, two cosines, their difference.
const FIELDS: [&str; 6] = [
    "Example Pair",
    "Text 1",
    "Text 2",
    "Baseline Model Similarity",
    "Fine-tuned Model Similarity",
    "Difference",
];

impl UnseenExamples {
    /// Reads the examples, one a line, and the list of their pairs.
    ///
    /// # Errors
    /// If a file cannot be read, there are fewer than two examples; with the line, if the list's
    /// pairs are not those of the examples in order, or a cosine or difference is none.
    pub fn read(examples: &Path, comparison: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(examples).map_err(Error::file(examples, "read"))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let texts: Vec<String> = lines.map(str::to_owned).collect();
        if texts.len() < 2 {
            return Err(Error::input(examples, "there is no pair of examples"));
        }
        let text = std::fs::read_to_string(comparison).map_err(Error::file(comparison, "read"))?;
        let mut lines = (1..)
            .zip(text.lines())
            .map(|(row, line)| (row, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('='));
        let mut unseen = Self { texts, ..Self::default() };
        for [a, b] in unseen.pairs() {
            let mut values = [""; 6];
            let mut rows = [0; 6];
            for (at, field) in FIELDS.iter().enumerate() {
                let Some((row, line)) = lines.next() else {
                    let reason = format!("it ends before pair {} of examples", unseen.len() + 1);
                    return Err(Error::input(comparison, reason));
                };
                let value = line.strip_prefix(field).and_then(|rest| match at {
                    0 => rest.strip_suffix(':'),
                    _ => rest.strip_prefix(": "),
                });
                let Some(value) = value else {
                    return Err(Error::input_at(comparison, Some(row), Some(field), "missing"));
                };
                (values[at], rows[at]) = (value, row);
            }
            for (at, text) in [(1, a), (2, b)] {
                let start = values[at].strip_suffix("...").unwrap_or(values[at]);
                if !unseen.texts[text as usize].starts_with(start) {
                    let reason = format!("not the beginning of example {}", text + 1);
                    return Err(Error::input_at(
                        comparison,
                        Some(rows[at]),
                        Some(FIELDS[at]),
                        reason,
                    ));
                }
            }
            let mut numbers = [0.0; 3];
            for (number, at) in numbers.iter_mut().zip(3..) {
                *number =
                    values[at].parse().ok().filter(|n: &f64| n.abs() <= 2.0).ok_or_else(|| {
                        Error::input_at(comparison, Some(rows[at]), Some(FIELDS[at]), "no cosine")
                    })?;
            }
            let [baseline, fine_tuned, difference] = numbers;
            // Each of the three is rounded by itself.
            if (fine_tuned - baseline - difference).abs() > 1.51e-4 {
                let reason = "not the difference of the two cosines";
                return Err(Error::input_at(comparison, Some(rows[5]), Some(FIELDS[5]), reason));
            }
            unseen.baseline.push(baseline);
            unseen.fine_tuned.push(fine_tuned);
        }
        match lines.next() {
            Some((row, _)) => {
                Err(Error::input_at(comparison, Some(row), None, "one pair too many"))
            }
            None => Ok(unseen),
        }
    }

    /// All pairs of the examples, in order.
    pub fn pairs(&self) -> Vec<[u32; 2]> {
        let count = self.texts.len() as u32;
        (0..count).flat_map(|a| (a + 1..count).map(move |b| [a, b])).collect()
    }

    /// Number of pairs that were read.
    pub fn len(&self) -> usize {
        self.baseline.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.baseline.is_empty()
    }

    /// The largest difference of cosines from the published ones of the baseline.
    pub fn max_error(&self, cosines: &[f64]) -> f64 {
        cosines.iter().zip(&self.baseline).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    /// By how much the fine-tuned model's cosines are higher: the largest, and the mean.
    pub fn published_gain(&self) -> (f64, f64) {
        let gains =
            || self.fine_tuned.iter().zip(&self.baseline).map(|(after, before)| after - before);
        (gains().fold(f64::NEG_INFINITY, f64::max), gains().sum::<f64>() / self.len().max(1) as f64)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LIST: &str = "===== Comparison =====\n\nExample Pair 1:\nText 1: the firs...\n\
        Text 2: the second one\nBaseline Model Similarity: 0.3480\n\
        Fine-tuned Model Similarity: 0.7056\nDifference: 0.3576\n\n";

    fn read(examples: &str, list: &str) -> Result<UnseenExamples, String> {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("e.txt"), folder.path().join("c.txt"));
        std::fs::write(&one, examples).unwrap();
        std::fs::write(&two, list).unwrap();
        UnseenExamples::read(&one, &two).map_err(|error| {
            error.to_string().replace(&format!("{}/", folder.path().display()), "")
        })
    }

    #[test]
    fn a_list_that_is_not_of_the_examples_is_named_with_its_line() {
        let examples = "the first one\nthe second one\n";
        let unseen = read(examples, LIST).unwrap();
        assert_eq!((unseen.pairs(), unseen.len()), (vec![[0, 1]], 1));
        assert_eq!(unseen.published_gain().0, 0.7056 - 0.3480);
        assert!((unseen.max_error(&[0.35]) - 0.002).abs() < 1e-12);
        for (from, to, expected) in [
            (
                "Text 1: the firs",
                "Text 1: another",
                "c.txt, row 4, field \"Text 1\": not the beginning of example 1",
            ),
            ("0.7056", "high", "c.txt, row 7, field \"Fine-tuned Model Similarity\": no cosine"),
            (
                "0.3576",
                "0.5712",
                "c.txt, row 8, field \"Difference\": not the difference of the two cosines",
            ),
            ("Text 2: the second one\n", "", "c.txt, row 5, field \"Text 2\": missing"),
            ("\n\n", "\n", ""),
        ] {
            match expected {
                "" => assert!(read(examples, &LIST.replace(from, to)).is_ok()),
                _ => assert_eq!(read(examples, &LIST.replace(from, to)).unwrap_err(), expected),
            }
        }
        assert_eq!(read("one\n", LIST).unwrap_err(), "e.txt: there is no pair of examples");
        let three = format!("{examples}a third\n");
        assert_eq!(read(&three, LIST).unwrap_err(), "c.txt: it ends before pair 2 of examples");
        let twice = format!("{LIST}{LIST}");
        assert_eq!(read(examples, &twice).unwrap_err(), "c.txt, row 12: one pair too many");
    }
}
