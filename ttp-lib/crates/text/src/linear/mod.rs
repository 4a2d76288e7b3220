//! Linear classifiers of sentences on counted words and characters: the field's baselines, trained
//! in seconds, and the models that its tools use.
//!
//! Everything is as scikit-learn 1.7.2 has it (`tests/suite/linear_golden.rs`), but trained to the
//! optimum: two runs differ by rounding, whatever the seed and the number of threads.
//!
//! - [`LinearModel`]: trained from texts, asked for classes, scores and reasons, kept in one file.
//! - [`CompactModel`]: one made small, that is read fast.
//! - [`words`]: texts as sparse rows of n-grams, TF-IDF.
//! - [`svm`] and [`logistic`]: the two ways of training; [`Weights`], what comes of it.

mod compact;
pub mod logistic;
mod merged_columns;
mod saved;
pub mod svm;
mod weights;
pub mod words;

pub use compact::CompactModel;
pub use weights::Weights;

use merged_columns::MergedColumns;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use ttp_base::settings::Setting;
use ttp_base::{Error, Result, first_highest};
use words::{Grams, Row, TermVocabulary, Vectorizer, Weighting};

/// A linear classifier by its name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LinearKind {
    /// TF-IDF of one and two words beside TF-IDF of three to five characters within words, and
    /// [`svm`] with C = 0.5.
    TfidfSvm,
    /// Counts of words and [`logistic`] regression with C = 1, scikit-learn's defaults.
    CountsLogistic,
}

impl Setting for LinearKind {}

impl LinearKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::TfidfSvm, Self::CountsLogistic];

    /// `tfidf-svm` or `counts-logistic`, as in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::TfidfSvm => "tfidf-svm",
            Self::CountsLogistic => "counts-logistic",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::TfidfSvm => {
                "TF-IDF of words and of 3 to 5 characters, a linear support vector machine"
            }
            Self::CountsLogistic => {
                "counts of words, logistic regression (as TRAM's first version)"
            }
        }
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Self::ALL.iter().map(|kind| kind.name().to_owned()).collect();
            Error::Unknown { kind: "linear model", name: name.to_owned(), known }
        })
    }

    fn vectorizers(self) -> Vec<Vectorizer> {
        let tfidf = Weighting::Tfidf { sublinear: false };
        match self {
            Self::TfidfSvm => vec![
                Vectorizer { grams: Grams::Words, shortest: 1, longest: 2, weighting: tfidf },
                Vectorizer { grams: Grams::Characters, shortest: 3, longest: 5, weighting: tfidf },
            ],
            Self::CountsLogistic => vec![Vectorizer {
                grams: Grams::Words,
                shortest: 1,
                longest: 1,
                weighting: Weighting::Counts,
            }],
        }
    }

    fn fit(
        self,
        rows: &[Row],
        width: usize,
        labels: &[usize],
        classes: usize,
        seed: u64,
    ) -> Result<Weights> {
        match self {
            Self::TfidfSvm => svm::fit(rows, width, labels, classes, 0.5, seed),
            Self::CountsLogistic => logistic::fit(rows, width, labels, classes, 1.0),
        }
    }
}

impl fmt::Display for LinearKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An n-gram and what it adds to a class's score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feature {
    /// Of words or of characters.
    pub grams: Grams,
    /// The n-gram; of characters, a space at an end stands for the word's end.
    pub term: String,
    /// Of a class, the weight; of a text, the weight times the text's value.
    pub weight: f64,
}

impl Feature {
    /// Several in a line.
    ///
    /// ```
    /// use ttp_text::linear::{Feature, words::Grams};
    /// let feature = |term: &str, weight| Feature { grams: Grams::Words, term: term.into(), weight };
    /// let line = Feature::list(&[feature("powershell", 0.812), feature("mail", -0.3)]);
    /// assert_eq!(line, "\"powershell\" +0.81, \"mail\" -0.30");
    /// ```
    pub fn list(features: &[Self]) -> String {
        let terms = features.iter().map(|one| format!("{:?} {:+.2}", one.term, one.weight));
        terms.collect::<Vec<_>>().join(", ")
    }
}

/// `word "powershell" +0.812`
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:+.3}", self.grams, self.term, self.weight)
    }
}

/// A trained linear classifier.
///
/// ```
/// use ttp_text::linear::{LinearKind, LinearModel};
/// let texts = ["Runs PowerShell scripts", "Sends a phishing mail", "powershell -enc", "Mails a link"];
/// let classes = ["T1059".to_owned(), "T1566".to_owned()];
/// let model = LinearModel::train(LinearKind::TfidfSvm, &texts, &[0, 1, 0, 1], &classes, 1)?;
/// assert_eq!(model.predict("a PowerShell one-liner"), 0);
/// assert_eq!(model.predict_all(&["phishing mails", "scripts"]), [1, 0]);
/// assert!(model.heaviest("T1566", 20)?.iter().any(|feature| feature.term == "phishing"));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LinearModel {
    kind: LinearKind,
    classes: Vec<String>,
    /// Their columns stand one vocabulary after the other.
    vocabularies: Vec<TermVocabulary>,
    weights: Weights,
    /// What scores are divided by before the softmax.
    temperature: f64,
}

impl LinearModel {
    /// Trains a model on texts; `labels` says of each text which of `classes` it is of. A class
    /// without a text is never predicted: its score is −∞.
    ///
    /// `seed` decides in which order the SVM visits the rows; the result differs by rounding only.
    ///
    /// # Errors
    /// If a label is missing or beyond the classes, fewer than two classes have a text, or no text
    /// has a word.
    pub fn train<S: AsRef<str> + Sync>(
        kind: LinearKind,
        texts: &[S],
        labels: &[usize],
        classes: &[String],
        seed: u64,
    ) -> Result<Self> {
        let wrong = |field, reason| Err(Error::Setting { field, reason });
        if labels.len() != texts.len() {
            return wrong("labels", format!("{} for {} texts", labels.len(), texts.len()));
        }
        if let Some(label) = labels.iter().find(|label| **label >= classes.len()) {
            return wrong("labels", format!("class {label}, of {} classes", classes.len()));
        }
        // Which class is which among those that have a text.
        let mut present: BTreeMap<usize, usize> = labels.iter().map(|&label| (label, 0)).collect();
        present.values_mut().zip(0..).for_each(|(place, at)| *place = at);
        if present.len() < 2 {
            let reason = format!("{} of the classes have a text, and two must", present.len());
            return wrong("labels", reason);
        }
        let mut vocabularies = Vec::new();
        let mut rows = vec![Row::new(); texts.len()];
        let mut width = 0;
        for vectorizer in kind.vectorizers() {
            let (vocabulary, part) = vectorizer.fit(texts);
            append(&mut rows, part, width);
            width += vocabulary.len();
            vocabularies.push(vocabulary);
        }
        if width == 0 {
            return wrong("texts", "none has a word".to_owned());
        }
        let places: Vec<usize> = labels.iter().map(|label| present[label]).collect();
        let merged = MergedColumns::new(&rows, width);
        let found = kind.fit(&merged.rows, merged.width, &places, present.len(), seed)?;
        let weight = |column: usize, class: usize| {
            let (place, factor) = merged.places[column];
            present.get(&class).map_or(0.0, |&at| factor * found.column(place as usize)[at])
        };
        let intercept = |class: usize| {
            present.get(&class).map_or(f64::NEG_INFINITY, |&at| found.intercepts()[at])
        };
        let weights = Weights::new(width, classes.len(), weight, intercept);
        Ok(Self { kind, classes: classes.to_vec(), vocabularies, weights, temperature: 1.0 })
    }

    /// Which kind it is.
    pub fn kind(&self) -> LinearKind {
        self.kind
    }

    /// The names of the classes, in the order of the scores.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The n-grams that it knows; their columns stand one vocabulary after the other.
    pub fn vocabularies(&self) -> &[TermVocabulary] {
        &self.vocabularies
    }

    /// Weights and intercepts.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The sparse row of a text.
    pub fn row(&self, text: &str) -> Row {
        let mut row = [Row::new()];
        let mut width = 0;
        for vocabulary in &self.vocabularies {
            append(&mut row, vec![vocabulary.row(text)], width);
            width += vocabulary.len();
        }
        let [row] = row;
        row
    }

    /// The score of each class: of the SVM the distance from its border in units of the margin, of
    /// the logistic regression the logit.
    pub fn scores(&self, text: &str) -> Vec<f64> {
        self.weights.scores(&self.row(text))
    }

    /// The scores of many texts, one text after the other, worked out in parallel.
    pub fn scores_all<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<f64> {
        texts.par_iter().flat_map_iter(|text| self.scores(text.as_ref())).collect()
    }

    /// What scores are divided by before the softmax: 1 until
    /// [`set_temperature`](Self::set_temperature) gives another.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Sets the temperature, as it was fitted on rows that training has not seen. No prediction
    /// changes.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn set_temperature(&mut self, temperature: f64) -> Result<()> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            let reason = format!("{temperature} is not above 0");
            return Err(Error::Setting { field: "temperature", reason });
        }
        self.temperature = temperature;
        Ok(())
    }

    /// The class with the highest score, of equals the first, and its probability: the softmax of
    /// the scores at the model's temperature.
    ///
    /// ```
    /// # use ttp_text::linear::{LinearKind, LinearModel};
    /// # let texts = ["runs scripts", "sends mail", "scripts run", "mails sent"];
    /// # let classes = ["T1059".to_owned(), "T1566".to_owned()];
    /// # let kind = LinearKind::TfidfSvm;
    /// let mut model = LinearModel::train(kind, &texts, &[0, 1, 0, 1], &classes, 1)?;
    /// let (class, sure) = model.most_probable("scripts");
    /// model.set_temperature(2.0)?;
    /// let (same, less) = model.most_probable("scripts");
    /// assert!(class == same && 0.5 < less && less < sure);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn most_probable(&self, text: &str) -> (usize, f64) {
        let scores = self.scores(text);
        let best = first_highest(&scores);
        let above = |score: &f64| ((score - scores[best]) / self.temperature).exp();
        (best, 1.0 / scores.iter().map(above).sum::<f64>())
    }

    /// The class with the highest score; of equals, the first.
    pub fn predict(&self, text: &str) -> usize {
        first_highest(&self.scores(text))
    }

    /// The class of each text, worked out in parallel.
    pub fn predict_all<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<usize> {
        texts.par_iter().map(|text| self.predict(text.as_ref())).collect()
    }

    /// The `count` n-grams that speak most for a class, the heaviest first.
    ///
    /// # Errors
    /// If there is no such class.
    pub fn heaviest(&self, class: &str, count: usize) -> Result<Vec<Feature>> {
        let class = self.class(class)?;
        let columns: u32 = self.vocabularies.iter().map(|v| v.len() as u32).sum();
        let weights = (0..columns).map(|at| (at, self.weights.column(at as usize)[class]));
        let mut weights: Row = weights.filter(|(_, weight)| *weight > 0.0).collect();
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(weights.into_iter().take(count).map(|(at, weight)| self.feature(at, weight)).collect())
    }

    /// What of a text speaks for and against a class: the `count` n-grams that change its score
    /// most. All of them and the class's intercept add up to the score.
    ///
    /// # Errors
    /// If there is no such class.
    pub fn reasons(&self, text: &str, class: &str, count: usize) -> Result<Vec<Feature>> {
        let class = self.class(class)?;
        let mut parts = self.row(text);
        for (column, value) in &mut parts {
            *value *= self.weights.column(*column as usize)[class];
        }
        parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        Ok(parts.into_iter().take(count).map(|(at, weight)| self.feature(at, weight)).collect())
    }

    fn class(&self, name: &str) -> Result<usize> {
        self.classes.iter().position(|class| class == name).ok_or_else(|| Error::Unknown {
            kind: "class",
            name: name.to_owned(),
            known: self.classes.clone(),
        })
    }

    fn feature(&self, column: u32, weight: f64) -> Feature {
        let mut at = column as usize;
        let mut vocabularies = self.vocabularies.iter().peekable();
        while let Some(vocabulary) = vocabularies.next_if(|vocabulary| at >= vocabulary.len()) {
            at -= vocabulary.len();
        }
        let (grams, term) = vocabularies
            .next()
            .map_or((Grams::Words, ""), |v| (v.vectorizer().grams, v.terms()[at].as_str()));
        Feature { grams, term: term.to_owned(), weight }
    }
}

/// Appends to each row a part whose columns begin at `offset`.
fn append(rows: &mut [Row], parts: Vec<Row>, offset: usize) {
    for (row, part) in rows.iter_mut().zip(parts) {
        row.extend(part.into_iter().map(|(column, value)| (column + offset as u32, value)));
    }
}

#[cfg(test)]
mod tests;
