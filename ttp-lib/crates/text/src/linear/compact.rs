//! A linear model made small: it is read from its file in a few hundredths of a second.

use super::saved::Terms;
use super::words::{Row, TermVocabulary, Vectorizer, Weighting};
use super::{LinearKind, append, merged_columns::MergedColumns, svm};
use rayon::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use ttp_base::{Error, Result, files};

/// The entry of the metadata that holds the [`Header`] as JSON.
const ENTRY: &str = "ttp.compact";

/// As [`LinearKind::TfidfSvm`], but with sublinear counts (`1 + ln(count)`), a C of the caller's, and
/// without n-grams that few training texts have; its weights have 16 bits (bfloat16: 8 bits of
/// precision, a relative error of at most 1/256). One that is saved and read again gives the same
/// scores to the last bit.
///
/// ```
/// use ttp_text::linear::CompactModel;
/// let texts = ["runs scripts", "sends a mail", "scripts run", "mails a link", "a mail with scripts"];
/// let classes = ["T1059".to_owned(), "T1566".to_owned()];
/// let model = CompactModel::train(&texts, &[0, 1, 0, 1, 1], &classes, 2, 1.0, 1)?;
/// let scores = model.scores("scripts that run");
/// assert!(scores[0] > scores[1]);
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CompactModel {
    classes: Vec<String>,
    vocabularies: Vec<TermVocabulary>,
    /// Of the first column those of all classes, then of the second, as the upper halves of
    /// single-precision numbers.
    weights: Vec<u16>,
    intercepts: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    classes: Vec<String>,
    vocabularies: Vec<Terms>,
}

impl CompactModel {
    /// The name of its file in a model's folder.
    pub const FILE: &str = "compact.safetensors";

    /// Trains a model on texts; `labels` says of each text which of `classes` it is of, and each
    /// class has a text. N-grams that fewer than `least` texts have are left out.
    ///
    /// `c` above 0 is the weight of the SVM's loss beside its penalty ([`svm::fit`]). `seed` decides
    /// in which order it visits the rows; the result differs by rounding only.
    ///
    /// # Errors
    /// If `c` is not above 0, a label is missing or beyond the classes, there are fewer than two classes, a class has
    /// no text, or no n-gram is left.
    pub fn train<S: AsRef<str> + Sync>(
        texts: &[S],
        labels: &[usize],
        classes: &[String],
        least: usize,
        c: f64,
        seed: u64,
    ) -> Result<Self> {
        let wrong = |field, reason| Err(Error::Setting { field, reason });
        if !(c > 0.0 && c.is_finite()) {
            return wrong("c", format!("{c} is not above 0"));
        }
        if labels.len() != texts.len() {
            return wrong("labels", format!("{} for {} texts", labels.len(), texts.len()));
        }
        if let Some(label) = labels.iter().find(|label| **label >= classes.len()) {
            return wrong("labels", format!("class {label}, of {} classes", classes.len()));
        }
        if classes.len() < 2 {
            return wrong("classes", format!("{}, and two are needed", classes.len()));
        }
        let empty = (0..classes.len()).find(|class| !labels.contains(class));
        if let Some(class) = empty {
            return wrong("classes", format!("{} has no text", classes[class]));
        }
        let (mut vocabularies, mut width) = (Vec::new(), 0);
        let mut rows = vec![Row::new(); texts.len()];
        for vectorizer in vectorizers() {
            let (vocabulary, _) = vectorizer.fit(texts);
            let vocabulary = vocabulary.of_at_least(least, texts);
            let part = texts.par_iter().map(|text| vocabulary.row(text.as_ref())).collect();
            append(&mut rows, part, width);
            width += vocabulary.len();
            vocabularies.push(vocabulary);
        }
        if width == 0 {
            return wrong("texts", format!("no n-gram is in {least} of them"));
        }
        let merged = MergedColumns::new(&rows, width);
        let found = svm::fit(&merged.rows, merged.width, labels, classes.len(), c, seed)?;
        let of_column = |&(place, factor): &(u32, f64)| {
            let weights = found.column(place as usize).iter();
            weights.map(move |weight| rounded((factor * weight) as f32)).collect::<Vec<u16>>()
        };
        let weights = merged.places.iter().flat_map(of_column).collect();
        let intercepts = found.intercepts().to_vec();
        Ok(Self { classes: classes.to_vec(), vocabularies, weights, intercepts })
    }

    /// The names of the classes, in the order of the scores.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many n-grams it knows.
    pub fn features(&self) -> usize {
        self.vocabularies.iter().map(TermVocabulary::len).sum()
    }

    /// The score of each class: the distance from the SVM's border in units of the margin.
    pub fn scores(&self, text: &str) -> Vec<f64> {
        let classes = self.classes.len();
        let mut sums = vec![0.0_f32; classes];
        let mut offset = 0;
        for vocabulary in &self.vocabularies {
            for (column, value) in vocabulary.row(text) {
                let value = value as f32;
                let weights = &self.weights[(offset + column as usize) * classes..][..classes];
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += value * f32::from_bits(u32::from(*weight) << 16);
                }
            }
            offset += vocabulary.len();
        }
        sums.iter().zip(&self.intercepts).map(|(sum, base)| f64::from(*sum) + base).collect()
    }

    /// The scores of many texts, a row each, worked out in parallel.
    pub fn scores_all<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<Vec<f64>> {
        texts.par_iter().map(|text| self.scores(text.as_ref())).collect()
    }

    /// Writes the model to a file, whole or not at all: as safetensors, with `weights` (columns ×
    /// classes) in bfloat16, `intercepts` and each vocabulary's `idf.0`, `idf.1` in 64 bits, and
    /// the names as JSON in the metadata's entry `ttp.compact`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let header = Header {
            classes: self.classes.clone(),
            vocabularies: self.vocabularies.iter().map(Terms::of).collect(),
        };
        let header =
            serde_json::to_string(&header).map_err(Error::library("saving a linear model"))?;
        let wide =
            |numbers: &[f64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let classes = self.classes.len();
        let weights = self.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        let mut tensors = vec![
            ("weights".to_owned(), Dtype::BF16, vec![self.features(), classes], weights),
            ("intercepts".to_owned(), Dtype::F64, vec![classes], wide(&self.intercepts)),
        ];
        for (at, vocabulary) in self.vocabularies.iter().enumerate() {
            let (shape, bytes) = (vec![vocabulary.len()], wide(vocabulary.idf()));
            tensors.push((format!("idf.{at}"), Dtype::F64, shape, bytes));
        }
        let failed = |error| Error::input(path, format!("{error:?}"));
        let mut views = Vec::new();
        for (name, dtype, shape, bytes) in &tensors {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(failed)?;
            views.push((name, view));
        }
        let about = Some(HashMap::from([(ENTRY.to_owned(), header)]));
        let whole = safetensors::serialize(views, &about).map_err(failed)?;
        files::write_whole(path, |out| out.write_all(&whole).map_err(Error::file(path, "write")))
    }

    /// Reads a model from the bytes that [`save`](Self::save) wrote; `path` is where they are
    /// from.
    ///
    /// # Errors
    /// If they are not such a model: names the file.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let wrong = |reason| Error::input(path, format!("not a compact linear model: {reason}"));
        read(bytes).map_err(wrong)
    }
}

fn read(bytes: &[u8]) -> Result<CompactModel, String> {
    let (_, about) =
        SafeTensors::read_metadata(bytes).map_err(|error| format!("safetensors: {error:?}"))?;
    let header = about.metadata().as_ref().and_then(|about| about.get(ENTRY));
    let header = header.ok_or_else(|| format!("its metadata have no {ENTRY}"))?;
    let Header { classes, vocabularies: terms } =
        serde_json::from_str(header).map_err(|error| format!("{ENTRY}: {error}"))?;
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|error| format!("safetensors: {error:?}"))?;
    let tensor = |name: &str, expected: Dtype, shape: &[usize]| {
        let tensor = tensors.tensor(name).map_err(|_| format!("it has no {name}"))?;
        if tensor.dtype() != expected || tensor.shape() != shape {
            let (found, dtype) = (tensor.shape(), tensor.dtype());
            return Err(format!("{name} is {found:?} of {dtype:?}, not {shape:?} of {expected:?}"));
        }
        Ok(tensor.data())
    };
    let wide = |name: &str, shape: usize| -> Result<Vec<f64>, String> {
        let (eights, _) = tensor(name, Dtype::F64, &[shape])?.as_chunks::<8>();
        let numbers: Vec<f64> = eights.iter().map(|eight| f64::from_le_bytes(*eight)).collect();
        match numbers.iter().find(|number| !number.is_finite()) {
            Some(number) => Err(format!("{name} holds {number}")),
            None => Ok(numbers),
        }
    };
    if terms.iter().map(|terms| terms.vectorizer).ne(vectorizers()) {
        return Err(format!("{ENTRY}: its n-grams are others"));
    }
    let mut vocabularies = Vec::new();
    for (at, terms) in terms.into_iter().enumerate() {
        let idf = wide(&format!("idf.{at}"), terms.terms.len())?;
        vocabularies.push(terms.vocabulary(idf).map_err(|why| format!("{ENTRY}: {why}"))?);
    }
    let width = vocabularies.iter().map(TermVocabulary::len).sum();
    let (twos, _) = tensor("weights", Dtype::BF16, &[width, classes.len()])?.as_chunks::<2>();
    let weights: Vec<u16> = twos.iter().map(|two| u16::from_le_bytes(*two)).collect();
    // All bits of the exponent: no number, or an infinity.
    if weights.iter().any(|weight| weight & 0x7f80 == 0x7f80) {
        return Err("weights holds what is no number".to_owned());
    }
    let intercepts = wide("intercepts", classes.len())?;
    Ok(CompactModel { classes, vocabularies, weights, intercepts })
}

fn vectorizers() -> Vec<Vectorizer> {
    let weighting = Weighting::Tfidf { sublinear: true };
    let kinds = LinearKind::TfidfSvm.vectorizers().into_iter();
    kinds.map(|vectorizer| Vectorizer { weighting, ..vectorizer }).collect()
}

/// The nearest bfloat16, of two the one whose last bit is 0; the number is finite.
fn rounded(number: f32) -> u16 {
    let bits = number.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::LinearModel;
    use super::*;

    fn texts() -> (Vec<String>, Vec<usize>, Vec<String>) {
        let words = ["dumps passwords from memory", "packs its code", "fetches more files"];
        let texts = (0..60).map(|n| format!("Actor {n} {} here", words[n % 3])).collect();
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        (texts, (0..60).map(|n| n % 3).collect(), classes)
    }

    #[test]
    fn bfloat16_rounds_to_the_nearest() {
        let back = |number: f32| f32::from_bits(u32::from(rounded(number)) << 16);
        assert_eq!([1.0, -0.5, 0.0].map(back), [1.0, -0.5, 0.0]);
        // Steps of 1/128 above 1: half-way goes to the even one.
        assert_eq!(back(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(back(1.0 + 3.0 / 256.0), 1.0 + 2.0 / 128.0);
        assert_eq!(back(1.0 + 1.1 / 256.0), 1.0 + 1.0 / 128.0);
        assert!((0..1000).all(|n| {
            let number = (n as f32 - 500.0) * 0.013_7;
            (back(number) - number).abs() <= number.abs() / 256.0
        }));
    }

    #[test]
    fn with_all_n_grams_it_scores_as_the_whole_model_does() {
        let (texts, labels, classes) = texts();
        let whole = LinearModel::train(LinearKind::TfidfSvm, &texts, &labels, &classes, 1).unwrap();
        let compact = CompactModel::train(&texts, &labels, &classes, 1, 0.5, 1).unwrap();
        for text in ["Actor 7 packs files", "nothing of it", ""] {
            for (a, b) in whole.scores(text).iter().zip(compact.scores(text)) {
                assert!((a - b).abs() < 0.01, "{text}: {a} {b}");
            }
        }
        let fewer = CompactModel::train(&texts, &labels, &classes, 3, 0.5, 1).unwrap();
        assert!(fewer.features() < compact.features());
        assert_eq!(ttp_best(&fewer.scores("it packs code")), 1);
    }

    fn ttp_best(scores: &[f64]) -> usize {
        ttp_base::first_highest(scores)
    }

    #[test]
    fn it_is_read_again_bit_by_bit_and_what_is_broken_is_said() {
        let (texts, labels, classes) = texts();
        let model = CompactModel::train(&texts, &labels, &classes, 2, 0.5, 1).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        model.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(
            CompactModel::from_bytes(&path, &bytes).unwrap().scores("packs"),
            model.scores("packs")
        );
        let said = |bytes: &[u8]| CompactModel::from_bytes(&path, bytes).unwrap_err().to_string();
        assert!(
            said(&bytes[..bytes.len() - 3]).contains("m.safetensors: not a compact linear model")
        );
        assert!(said(b"").contains("safetensors"));
        let whole = LinearModel::train(LinearKind::TfidfSvm, &texts, &labels, &classes, 1).unwrap();
        whole.save(&path).unwrap();
        assert!(said(&std::fs::read(&path).unwrap()).ends_with("its metadata have no ttp.compact"));
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused() {
        let (texts, labels, classes) = texts();
        let said = |labels: &[usize], classes: &[String], least| {
            CompactModel::train(&texts, labels, classes, least, 0.5, 1).unwrap_err().to_string()
        };
        assert_eq!(said(&labels[..3], &classes, 2), "setting labels: 3 for 60 texts");
        assert_eq!(said(&labels, &classes[..2], 2), "setting labels: class 2, of 2 classes");
        let four = [classes.clone(), vec!["d".to_owned()]].concat();
        assert_eq!(said(&labels, &four, 2), "setting classes: d has no text");
        assert_eq!(said(&labels, &classes, 99), "setting texts: no n-gram is in 99 of them");
    }
}
