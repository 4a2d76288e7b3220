//! The summary's statements again, under the names that its outputs should have.

use super::annotations::Annotations;
use super::encoder::{EncoderOutput, NetmlEncoder};
use super::files::NetmlFiles;
use super::flows::NetmlFlows;
use super::lines::MissingColumns;
use super::merged::{PAIR, merged};
use super::published::PublishedFigures;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result, cells};
use ttp_metrics::diagnosis::read_matrix;
use ttp_metrics::names::{NamesByCounts, NamesByLabelling, NamesSettings};
use ttp_metrics::{Confusion, SparseConfusion};

/// The class whose rows in the summary are not those of the data: some 63,000 were added.
const ADDED: &str = "benign";

/// The published encoder run on the organisers' flows, and what its names should be.
pub struct NameStudy {
    /// What its authors publish.
    pub published: PublishedFigures,
    /// Their confusion matrix under the printed names, where it is at hand.
    pub matrix: Option<Confusion>,
    /// Rows of each class in NetML's training set, in the order of `published.classes`.
    pub counts: Vec<u64>,
    /// What the encoder says of the standard test set.
    pub encoded: EncoderOutput,
    /// What the organisers' forest says of it, as indices into `published.classes`.
    pub forest: Vec<usize>,
    /// The names by the class counts of the data.
    pub by_counts: NamesByCounts,
    /// The names by the forest's labels of the same flows.
    pub by_flows: NamesByLabelling,
    /// The names by both: output `i` is `published.classes[best[i]]`.
    pub best: Vec<usize>,
    /// Seconds that reading the flows took, and encoding them.
    pub seconds: [f64; 2],
}

/// One statement of the summary under both names.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// As the summary says it.
    pub says: String,
    /// Under the right names, with figures from the confusion matrix.
    pub renamed: String,
    /// What of it remains.
    pub remains: &'static str,
}

impl NameStudy {
    /// Reads everything, runs the encoder, and looks for the names.
    ///
    /// # Errors
    /// If a file cannot be read or is not what it should be, or the files do not know the same
    /// classes.
    pub fn read(files: &NetmlFiles, settings: &NamesSettings) -> Result<Self> {
        let published = PublishedFigures::read(&files.scores, &files.report)?;
        let classes = &published.classes;
        let annotations = Annotations::read(&files.annotations)?;
        let numbers: BTreeMap<&String, u64> =
            annotations.classes().iter().zip(annotations.counts()).collect();
        let count = |class: &String| {
            let missing = || Error::input_at(&files.annotations, None, Some(class), "no row of it");
            numbers.get(class).copied().ok_or_else(missing)
        };
        let counts: Vec<u64> = classes.iter().map(count).collect::<Result<_>>()?;
        let began = Instant::now();
        let flows = NetmlFlows::read(&files.standard, MissingColumns::Refused)?;
        let reading = began.elapsed().as_secs_f64();
        let encoder = NetmlEncoder::published(&files.checkpoint, classes.clone())?;
        let by = flows.standardiser()?;
        let began = Instant::now();
        let encoded = encoder.encode(&flows, &by)?;
        let encoding = began.elapsed().as_secs_f64();
        let forest = Annotations::read(&files.forest_standard)?.classes_within(&flows, classes)?;
        let open: Vec<Option<u64>> = classes
            .iter()
            .zip(&counts)
            .map(|(class, count)| (class != ADDED).then_some(*count))
            .collect();
        let by_counts = NamesByCounts::of(classes, &published.supports, &open, settings)?;
        let table = Confusion::from_indices(classes.clone(), &forest, &encoded.best())?;
        let by_flows = NamesByLabelling::of(&table, settings)?;
        let unused = encoded.never_used();
        let best = by_both(&by_flows.naming.best, &unused, &published.supports, &counts);
        let matrix = match &files.matrix {
            None => None,
            Some(file) => Some(in_order(&whole(&read_matrix(file)?.counts)?, classes, file)?),
        };
        let seconds = [reading, encoding];
        Ok(Self { published, matrix, counts, encoded, forest, by_counts, by_flows, best, seconds })
    }

    /// The right name of an output, by its printed one.
    pub fn name(&self, printed: &str) -> Option<&str> {
        let output = self.published.classes.iter().position(|class| class == printed)?;
        Some(&self.published.classes[self.best[output]])
    }

    /// Printed names that change, with the right ones.
    pub fn renamed(&self) -> BTreeMap<&str, &str> {
        let classes = &self.published.classes;
        let pairs = classes.iter().zip(&self.best).map(|(a, b)| (a.as_str(), classes[*b].as_str()));
        pairs.filter(|(printed, right)| printed != right).collect()
    }

    /// How many printed names are wrong beyond chance, whatever the outputs that no flow speaks of
    /// are: those whose flows are another class's, and those whose class is another output's.
    pub fn wrong_at_least(&self) -> usize {
        let by_flows = &self.by_flows;
        let is_misnamed =
            |output: &usize| by_flows.misnamed.contains(&self.published.classes[*output]);
        let misnamed: Vec<usize> = (0..self.best.len()).filter(is_misnamed).collect();
        wrong(&misnamed, &by_flows.naming.best)
    }

    /// The outputs beside each other: printed name, F1, rows in the summary, flows that the encoder
    /// gives to it, the right name, and how many of those flows the forest gives that name.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let headers = ["output", "printed", "F1", "rows", "flows", "right name", "forest agrees"];
        let mut table = Table::new(headers).caption(
            "The 21 outputs: rows in the summary, flows of the standard test set, and the fraction \
             of these that the forest calls by the right name",
        );
        let said = self.encoded.best();
        for (output, printed) in self.published.classes.iter().enumerate() {
            let right = self.best[output];
            let pairs = || said.iter().zip(&self.forest).filter(|(said, _)| **said == output);
            let flows = pairs().count();
            let agree = pairs().filter(|(_, forest)| **forest == right).count();
            let share = match flows {
                0 => Cell::from("no flow"),
                _ => Cell::share(agree as f64 / flows as f64),
            };
            table.push(cells![
                output,
                printed,
                Cell::number(self.published.f1[output], 3),
                self.published.supports[output],
                flows,
                &self.published.classes[right],
                share
            ])?;
        }
        Ok(table)
    }

    /// Share of flows on which encoder and forest agree: by the printed names, and by the right ones.
    pub fn agreement(&self) -> [f64; 2] {
        let said = self.encoded.best();
        let share = |name: &dyn Fn(usize) -> usize| {
            let same = said.iter().zip(&self.forest).filter(|(s, forest)| name(**s) == **forest);
            same.count() as f64 / said.len().max(1) as f64
        };
        [share(&|output| output), share(&|output| self.best[output])]
    }

    /// The encoder against the forest under the right names: the forest's labels in rows.
    ///
    /// # Errors
    /// None in practice: all indices are of the classes.
    pub fn confusion(&self) -> Result<Confusion> {
        let said: Vec<usize> = self.encoded.best().iter().map(|said| self.best[*said]).collect();
        Confusion::from_indices(self.published.classes.clone(), &self.forest, &said)
    }

    /// The published matrix under the right names, in the order of its outputs; none where it is
    /// not at hand. Both its rows and its columns were numbered by the same list.
    ///
    /// # Errors
    /// None in practice: the names are a permutation.
    pub fn matrix_renamed(&self) -> Result<Option<Confusion>> {
        let Some(matrix) = &self.matrix else { return Ok(None) };
        let labels = self.best.iter().map(|at| self.published.classes[*at].clone());
        let rows: Vec<Vec<u64>> =
            (0..self.best.len()).map(|row| matrix.row(row).to_vec()).collect();
        Confusion::from_counts(labels, &rows).map(Some)
    }

    /// Macro F1 of a matrix under the right names before and after TrickBot and Trickster are one.
    ///
    /// # Errors
    /// If the matrix has no such classes.
    pub fn one_trickbot(confusion: &Confusion) -> Result<[f64; 2]> {
        let one = merged(confusion, &PAIR, "TrickBot or Trickster")?;
        Ok([confusion.scores().f1.macro_, one.scores().f1.macro_])
    }

    /// The same of the published matrix, or where it is not at hand of the encoder against the
    /// forest.
    ///
    /// # Errors
    /// As [`one_trickbot`](Self::one_trickbot).
    pub fn macro_f1_one_trickbot(&self) -> Result<[f64; 2]> {
        match self.matrix_renamed()? {
            Some(matrix) => Self::one_trickbot(&matrix),
            None => Self::one_trickbot(&self.confusion()?),
        }
    }

    /// The summary's statements under the right names. Without the matrix, names alone.
    ///
    /// # Errors
    /// If the summary's classes are not among the outputs.
    pub fn statements(&self) -> Result<Vec<Statement>> {
        let classes = &self.published.classes;
        let right = |printed: &str| self.right_name(printed);
        let goes = |from: &str, to: &str| self.taken_for(from, to);
        let list = |printed: &[&str]| -> Result<String> {
            let names: Result<Vec<&str>> = printed.iter().map(|printed| right(printed)).collect();
            Ok(names?.join(", "))
        };
        let f1 = self.published.f1[self.output("benign")?];
        let benign = self.best.iter().position(|at| classes[*at] == ADDED).unwrap_or_default();
        let never = ["CCleaner", "MagicHound", "WebCompanion", "Trickster"];
        Ok(vec![
            Statement {
                says: format!("completely undetectable: {}", never.join(", ")),
                renamed: format!("four outputs that are never used: {}", list(&never)?),
                remains: "the four outputs remain, the families are others",
            },
            Statement {
                says: "CCleaner is taken for TrojanDownloader, 99.3 %".into(),
                renamed: goes("CCleaner", "TrojanDownloader")?,
                remains: "one family swallows another, neither is the named one",
            },
            Statement {
                says: "bidirectional confusion of Cobalt and Adload, 55.5 % and 20.3 %".into(),
                renamed: format!("{}; {}", goes("Cobalt", "Adload")?, goes("Adload", "Cobalt")?),
                remains: "two names of one malware are confused",
            },
            Statement {
                says: "Cobalt is a black hole that absorbs HTBot, MagicHound and PUA".into(),
                renamed: format!(
                    "{} is predicted for {}",
                    right("Cobalt")?,
                    list(&["HTBot", "MagicHound", "PUA"])?
                ),
                remains: "the over-predicted class remains, under another name",
            },
            Statement {
                says: format!("benign: excellent, F1 {f1:.3}"),
                renamed: format!(
                    "that is {}; benign flows are the output called {}, F1 {:.3}",
                    right("benign")?,
                    classes[benign],
                    self.published.f1[benign]
                ),
                remains: "said of another family",
            },
            Statement {
                says: "small classes disappear: MagicHound, WebCompanion, Trickster".into(),
                renamed: format!(
                    "small classes: {}",
                    list(&["MagicHound", "WebCompanion", "Trickster"])?
                ),
                remains: "small classes disappear, they are others",
            },
            Statement {
                says: "your confusion matrix is correct".into(),
                renamed: format!(
                    "at least {} of its {} names are wrong; by the best assignment {} are",
                    self.wrong_at_least(),
                    classes.len(),
                    self.renamed().len()
                ),
                remains: "refuted by the data",
            },
        ])
    }

    /// The output of a printed name.
    fn output(&self, printed: &str) -> Result<usize> {
        let classes = &self.published.classes;
        classes.iter().position(|class| class == printed).ok_or_else(|| Error::Unknown {
            kind: "family",
            name: printed.to_owned(),
            known: classes.clone(),
        })
    }

    fn right_name(&self, printed: &str) -> Result<&str> {
        Ok(&self.published.classes[self.best[self.output(printed)?]])
    }

    /// Which family is taken for which, under the right names, and how often by the matrix.
    fn taken_for(&self, from: &str, to: &str) -> Result<String> {
        let (a, b) = (self.output(from)?, self.output(to)?);
        let share = self.matrix.as_ref().map_or_else(String::new, |matrix| {
            let rows: u64 = matrix.row(a).iter().sum();
            let share = 100.0 * matrix.count(a, b) as f64 / rows.max(1) as f64;
            format!(" ({share:.1} % of its rows)")
        });
        Ok(format!("{} is taken for {}{share}", self.right_name(from)?, self.right_name(to)?))
    }
}

impl fmt::Display for NameStudy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [reading, encoding] = self.seconds;
        write!(
            f,
            "{} flows, read with their labels and annotations in {reading:.1} s and encoded in \
             {encoding:.1} s; outputs never used: {:?}",
            self.encoded.len(),
            self.encoded.never_used()
        )
    }
}

/// Outputs that do not bear their own class's name: the misnamed ones, and those whose class one of
/// these is.
fn wrong(misnamed: &[usize], best: &[usize]) -> usize {
    let is_wrong = |output: &usize| {
        misnamed.contains(output) || misnamed.iter().any(|other| best[*other] == *output)
    };
    (0..best.len()).filter(is_wrong).count()
}

/// Names by the flows for outputs that have any; what is left over goes to the others by size.
fn by_both(flows: &[usize], unused: &[usize], supports: &[u64], counts: &[u64]) -> Vec<usize> {
    let mut best = flows.to_vec();
    let mut left: Vec<usize> = unused.iter().map(|output| flows[*output]).collect();
    let mut outputs = unused.to_vec();
    left.sort_by_key(|class| counts[*class]);
    outputs.sort_by_key(|output| supports[*output]);
    for (output, class) in outputs.into_iter().zip(left) {
        best[output] = class;
    }
    best
}

/// All cells of a matrix.
fn whole(counts: &SparseConfusion) -> Result<Confusion> {
    let classes = counts.labels().len() as u32;
    let row = |truth| (0..classes).map(|predicted| counts.count(truth, predicted)).collect();
    Confusion::from_counts(counts.labels().to_vec(), &(0..classes).map(row).collect::<Vec<_>>())
}

/// A matrix with its classes in the outputs' order.
fn in_order(matrix: &Confusion, classes: &[String], file: &std::path::Path) -> Result<Confusion> {
    let place = |class: &String| {
        let of = matrix.labels().iter().position(|label| label == class);
        of.ok_or_else(|| Error::input_at(file, None, Some(class), "no row of this class"))
    };
    if matrix.labels().len() != classes.len() {
        let reason = format!("{} classes, not {}", matrix.labels().len(), classes.len());
        return Err(Error::input(file, reason));
    }
    let places: Vec<usize> = classes.iter().map(place).collect::<Result<_>>()?;
    let rows: Vec<Vec<u64>> = places
        .iter()
        .map(|&truth| places.iter().map(|&predicted| matrix.count(truth, predicted)).collect())
        .collect();
    Confusion::from_counts(classes.to_vec(), &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_outputs_get_the_names_that_are_left_by_size() {
        // Outputs 1 and 3 are never used; what the flows leave are classes 0 and 2.
        let best = by_both(&[3, 0, 1, 2], &[1, 3], &[50, 9, 40, 700], &[600, 10, 5, 80]);
        assert_eq!(best, [3, 2, 1, 0]);
    }

    #[test]
    fn a_name_is_wrong_if_its_class_is_another_outputs() {
        // Outputs 0 and 1 are misnamed: 1 and 2 are what they are. So 2's printed name is wrong,
        // whatever it is; of 3, which would be 0, nothing is shown, and nothing of 4.
        assert_eq!(wrong(&[0, 1], &[1, 2, 3, 0, 4]), 3);
        assert_eq!(wrong(&[], &[1, 0]), 0);
    }
}
