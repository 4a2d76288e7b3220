//! How good a report model is: what `results/report_model.json` holds.

use super::curve::{
    OperatingPoint, Point, ScoredSentence, Truth, curve, measured, threshold_for, weight_of_none,
};
use super::model::ReportModel;
use super::rows::{Account, Row};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use ttp_lib::corpus::{Corpus, ProseKind, clean};
use ttp_lib::metrics::{Bootstrap, Estimate};
use ttp_lib::plot::{Lines, Svg};
use ttp_lib::show::{Cell, Table};
use ttp_lib::{Result, cells, files};

/// Precisions of which the test part's figures are given.
const ASKED: [f64; 6] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
/// Points of the test part's curve at most.
const POINTS: usize = 200;
/// Bins of the calibration error.
const BINS: usize = 10;

/// What came of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// How many techniques it can name.
    pub techniques: usize,
    /// The ATT&CK version of their ids and names.
    pub attack_version: String,
    /// The ATT&CK version whose sentences it learned from.
    pub trained_version: String,
    /// Trained ids that the newest version writes or names otherwise.
    pub label_changes: usize,
    /// The fewest procedure sentences of a technique that it learns.
    pub least: usize,
    /// Sentences without a technique for each one with a technique.
    pub mix: f64,
    /// N-grams of the linear model.
    pub features: usize,
    /// What was learned from and measured on.
    pub rows: Account,
    /// The models' figures, by their names: `tfidf-svm`, `both`.
    pub models: BTreeMap<String, ModelResults>,
    /// Seconds from the sentences to the figures.
    pub seconds: f64,
}

/// One model's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelResults {
    /// The precision that the following three figures are of, 0 to 1.
    pub precision: f64,
    /// The threshold of that precision, chosen on the validation part.
    pub validation: Point,
    /// What it comes to on the test part.
    pub test: OperatingPoint,
    /// On the test part, the same of other precisions; those that no threshold has are left out.
    pub asked: Vec<(f64, OperatingPoint)>,
    /// The test part's curve, thinned.
    pub curve: Vec<Point>,
    /// Of procedure sentences of the test part, the share whose most probable technique is right,
    /// whatever its probability; 0 to 1.
    pub accuracy: f64,
    /// On the test part, how far the highest probability is on average from the share that is
    /// right, over ten bins of equal width; 0 to 1.
    pub calibration_error: f64,
    /// Test sentences of prose in which a technique is named all the same, by kind.
    pub named_in_prose: BTreeMap<ProseKind, KindCount>,
    /// On TRAM 2's sentences, where they are at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tram_v2: Option<TramV2>,
}

/// Sentences of prose in which a technique is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KindCount {
    /// Sentences.
    pub rows: usize,
    /// Those in which a technique is named.
    pub named: usize,
}

/// A model on sentences of real reports: TRAM 2's, each of which shows one technique, and, where
/// they are at hand, those of TRAM's reports in which analysts found none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TramV2 {
    /// Sentences that the model has not learned from.
    pub rows: usize,
    /// Those whose technique it can name.
    pub known_rows: usize,
    /// Their techniques.
    pub techniques: usize,
    /// Of all sentences in which it names one, the share whose technique is right.
    pub precision: Estimate,
    /// Of those whose technique it can name, the share that it finds with the right one.
    pub recall: Estimate,
    /// Of these, the share whose most probable technique is right, whatever its probability.
    pub accuracy: f64,
    /// With the sentences without a technique, where they are at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negatives: Option<Negatives>,
}

/// Sentences of reports in which analysts found no technique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Negatives {
    /// Sentences that the model has not learned from.
    pub rows: usize,
    /// The share in which it names a technique.
    pub named: f64,
    /// Of all sentences in which it names one, the share whose technique is right, where so many
    /// sentences without a technique come on each with one as in [`Results::mix`].
    pub precision: Estimate,
    /// Precision by recall of that mix, thinned.
    pub curve: Vec<Point>,
}

/// The fewest words of a sentence among the negatives: shorter ones are bylines, dates and titles.
const WORDS: usize = 5;

/// More sentences than that tell nothing new, and an encoder is a minute at them.
const NEGATIVES: usize = 4_000;

/// The sentences of a file of texts without a technique, a JSON list of strings: cut by the corpus's
/// rules, each once, without those of fewer than five words; of more than 4,000 each second, third
/// and so on.
///
/// # Errors
/// If the file cannot be read or is no such list.
pub fn negatives(file: &Path) -> Result<Vec<String>> {
    let texts: Vec<String> = files::read_json(file)?;
    let mut seen = HashSet::new();
    let sentences = texts.iter().flat_map(|text| clean::sentences(text));
    let is_new = |text: &String| {
        text.split_whitespace().count() >= WORDS && seen.insert(clean::normalised(text))
    };
    let sentences: Vec<String> = sentences.filter(is_new).collect();
    let step = sentences.len().div_ceil(NEGATIVES).max(1);
    Ok(sentences.into_iter().step_by(step).collect())
}

/// What a model names in rows of known truth. A row's technique is one of training or of today.
pub(super) fn named(model: &ReportModel, rows: &[&Row]) -> Result<Vec<ScoredSentence>> {
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let labels = &model.about().labels;
    let today = |id: &str| {
        let label = labels.iter().find(|label| label.trained == id);
        label.map_or_else(|| id.to_owned(), |label| label.technique.clone())
    };
    let verdicts = model.verdicts(&texts)?;
    let named = rows.iter().zip(verdicts).map(|(row, verdict)| {
        let (place, probability) = verdict.best();
        let truth = match &row.technique {
            None => Truth::None,
            Some(id) if model.techniques()[place].technique == today(id) => Truth::Right,
            Some(_) => Truth::Wrong,
        };
        ScoredSentence { probability, truth, object: row.object.clone() }
    });
    Ok(named.collect())
}

impl ModelResults {
    /// Measures a model on test rows at the threshold that `precision` has on its curve.
    ///
    /// # Errors
    /// If no threshold has the precision, or the model cannot be asked.
    pub(super) fn of(
        model: &ReportModel,
        test: &[&Row],
        precision: f64,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let mix = model.about().mix;
        let validation = threshold_for(model.curve(), precision)?;
        let rows = named(model, test)?;
        let at = |point: Point| measured(&rows, mix, point.threshold, bootstrap);
        let mut asked = Vec::new();
        for precision in ASKED {
            if let Ok(point) = threshold_for(model.curve(), precision) {
                asked.push((precision, at(point)?));
            }
        }
        let mut named_in_prose: BTreeMap<ProseKind, KindCount> = BTreeMap::new();
        for (row, named) in test.iter().zip(&rows) {
            if let Some(kind) = row.kind {
                let count = named_in_prose.entry(kind).or_default();
                count.rows += 1;
                count.named += usize::from(named.probability >= validation.threshold);
            }
        }
        Ok(Self {
            precision,
            validation,
            test: at(validation)?,
            asked,
            curve: thinned(&curve(&rows, mix)),
            accuracy: accuracy(&rows),
            calibration_error: calibration_error(&rows, mix),
            named_in_prose,
            tram_v2: None,
        })
    }

    /// Measures the model on TRAM 2's sentences, too.
    ///
    /// # Errors
    /// As [`ModelResults::of`].
    pub(super) fn add_tram_v2(
        &mut self,
        model: &ReportModel,
        tram: &Corpus,
        negatives: &[String],
        bootstrap: Bootstrap,
    ) -> Result<()> {
        let row = |sentence: &ttp_lib::corpus::Sentence| Row {
            text: sentence.text.clone(),
            technique: Some(sentence.technique.clone()),
            kind: None,
            object: sentence.source_id.clone(),
        };
        let rows: Vec<Row> = tram.sentences.iter().map(row).collect();
        let rows: Vec<&Row> = rows.iter().collect();
        let is_known = |row: &&&Row| {
            let id = row.technique.as_deref();
            let labels = &model.about().labels;
            labels
                .iter()
                .any(|l| Some(l.technique.as_str()) == id || Some(l.trained.as_str()) == id)
        };
        let mut techniques: Vec<_> =
            rows.iter().filter(is_known).map(|row| &row.technique).collect();
        let known_rows = techniques.len();
        if known_rows == 0 {
            return Ok(());
        }
        techniques.sort();
        techniques.dedup();
        let threshold = self.validation.threshold;
        let of_all = named(model, &rows)?;
        let of_known: Vec<ScoredSentence> = rows
            .iter()
            .zip(&of_all)
            .filter(|(row, _)| is_known(row))
            .map(|(_, named)| named.clone())
            .collect();
        let without = |(at, text): (usize, &String)| Row {
            text: text.clone(),
            technique: None,
            kind: None,
            object: format!("negative {at}"),
        };
        let without: Vec<Row> = negatives.iter().enumerate().map(without).collect();
        let of_none = named(model, &without.iter().collect::<Vec<&Row>>())?;
        let negatives = if of_none.is_empty() {
            None
        } else {
            let mix = model.about().mix;
            let count = of_none.iter().filter(|row| row.probability >= threshold).count();
            let share = count as f64 / of_none.len() as f64;
            let all: Vec<ScoredSentence> = of_all.iter().cloned().chain(of_none).collect();
            Some(Negatives {
                rows: without.len(),
                named: share,
                precision: measured(&all, mix, threshold, bootstrap)?.precision,
                curve: thinned(&curve(&all, mix)),
            })
        };
        self.tram_v2 = Some(TramV2 {
            rows: rows.len(),
            known_rows,
            techniques: techniques.len(),
            precision: measured(&of_all, 0.0, threshold, bootstrap)?.precision,
            recall: measured(&of_known, 0.0, threshold, bootstrap)?.recall,
            accuracy: accuracy(&of_known),
            negatives,
        });
        Ok(())
    }
}

impl Results {
    /// Precision and recall of each model: on the test part by the precision asked, then on TRAM 2.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(["model", "rows", "asked", "threshold", "precision", "recall"]);
        for (name, model) in &self.models {
            let mut push = |rows: &str, asked: f64, threshold: f64, measured: [Estimate; 2]| {
                let [precision, recall] = measured.map(Cell::from);
                let (asked, threshold) = (Cell::number(asked, 2), Cell::number(threshold, 3));
                table.push(cells![name, rows, asked, threshold, precision, recall])
            };
            for (asked, OperatingPoint { threshold, precision, recall }) in &model.asked {
                push("test", *asked, *threshold, [*precision, *recall])?;
            }
            if let Some(tram) = &model.tram_v2 {
                let measured = [tram.precision, tram.recall];
                let (asked, threshold) = (model.precision, model.validation.threshold);
                push("TRAM 2", asked, threshold, measured)?;
                if let Some(negatives) = &tram.negatives {
                    let measured = [negatives.precision, tram.recall];
                    push("TRAM 2 and none", asked, threshold, measured)?;
                }
            }
        }
        Ok(table)
    }

    /// Sentences of test prose in which each model names a technique, by kind.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn prose_table(&self) -> Result<Table> {
        let mut table = Table::new(["model", "test prose", "sentences", "a technique is named"]);
        for (name, model) in &self.models {
            for (kind, KindCount { rows, named }) in &model.named_in_prose {
                let share = Cell::share(*named as f64 / (*rows).max(1) as f64);
                table.push(cells![name, kind.name(), *rows, share])?;
            }
        }
        Ok(table)
    }

    /// Precision by recall on the test part, a line a model.
    ///
    /// # Errors
    /// If there is no model.
    pub fn plot(&self) -> Result<Svg> {
        let title = format!("Test sentences, {} without a technique for each with one", self.mix);
        let mut lines = Lines::new(title, "recall", "precision").y_range(0.0, 1.0);
        for (name, model) in &self.models {
            lines = lines.line(name, model.curve.iter().map(|p| (p.recall, p.precision)));
        }
        lines.draw()
    }
}

fn accuracy(rows: &[ScoredSentence]) -> f64 {
    let shown = rows.iter().filter(|row| row.truth != Truth::None).count();
    let right = rows.iter().filter(|row| row.truth == Truth::Right).count();
    right as f64 / shown.max(1) as f64
}

/// The expected calibration error of the highest probability, prose weighted by the mix.
fn calibration_error(rows: &[ScoredSentence], mix: f64) -> f64 {
    let shown = rows.iter().filter(|row| row.truth != Truth::None).count();
    let weight = weight_of_none(shown, rows.len() - shown, mix);
    let (mut gaps, mut all) = ([0.0; BINS], 0.0);
    for row in rows {
        let weight = if row.truth == Truth::None { weight } else { 1.0 };
        let bin = ((row.probability * BINS as f64) as usize).min(BINS - 1);
        let right = f64::from(u8::from(row.truth == Truth::Right));
        gaps[bin] += weight * (row.probability - right);
        all += weight;
    }
    if all > 0.0 { gaps.iter().map(|gap| gap.abs()).sum::<f64>() / all } else { 0.0 }
}

/// At most so many points, evenly by recall; the first and the last stay.
fn thinned(points: &[Point]) -> Vec<Point> {
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last);
    kept.map(|(_, point)| *point).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn negatives_are_cut_into_sentences_and_short_ones_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("n.json");
        std::fs::write(&file, r#"["By A. Writer", "It was seen in many countries. It was new.", "It was seen in many countries"]"#).unwrap();
        assert_eq!(negatives(&file).unwrap(), ["It was seen in many countries."]);
        std::fs::write(&file, r#"["cut"#).unwrap();
        assert!(negatives(&file).unwrap_err().to_string().contains("n.json"));
    }

    #[test]
    fn the_calibration_error_counts_prose_by_the_mix() {
        let row = |probability, truth| ScoredSentence { probability, truth, object: String::new() };
        // One bin: 0.75 is said, and of 1 + 3 weighted sentences one is right.
        let rows = [row(0.75, Truth::Right), row(0.75, Truth::None)];
        assert!((calibration_error(&rows, 3.0) - 0.5).abs() < 1e-12);
        // Two bins, each as good as it says.
        let rows = [row(1.0, Truth::Right), row(0.0, Truth::None)];
        assert!(calibration_error(&rows, 3.0) < 1e-12);
        assert_eq!((accuracy(&rows), calibration_error(&[], 3.0)), (1.0, 0.0));
    }
}
