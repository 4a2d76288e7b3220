//! A linear model in one file: a safetensors file whose metadata hold the names.

use super::words::{TermVocabulary, Vectorizer, Weighting};
use super::{LinearKind, LinearModel, Weights};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use ttp_base::{Error, Result, files};

/// The entry of the metadata that holds the [`Header`] as JSON.
const ENTRY: &str = "ttp.linear";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: LinearKind,
    classes: Vec<String>,
    vocabularies: Vec<Terms>,
    #[serde(default = "unscaled")]
    temperature: f64,
}

/// The temperature of a model that was saved without one.
fn unscaled() -> f64 {
    1.0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    pub vectorizer: Vectorizer,
    pub terms: Vec<String>,
}

impl Terms {
    pub fn of(vocabulary: &TermVocabulary) -> Self {
        Self { vectorizer: vocabulary.vectorizer(), terms: vocabulary.terms().to_vec() }
    }

    /// The vocabulary with these inverse document frequencies; in words why there is none.
    pub fn vocabulary(self, idf: Vec<f64>) -> Result<TermVocabulary, String> {
        if let Some(pair) = self.terms.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(format!("{:?} is before {:?}", pair[0], pair[1]));
        }
        Ok(TermVocabulary::new(self.vectorizer, self.terms, idf))
    }
}

impl LinearModel {
    /// The name of a linear model's file in its folder.
    pub const FILE: &str = "linear.safetensors";

    /// Writes the model to a file, whole or not at all: as safetensors, with `weights` (columns ×
    /// classes), `intercepts` and each vocabulary's `idf.0`, `idf.1` in 64 bits, and the rest as
    /// JSON in the metadata's entry `ttp.linear`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let failed = Error::library("saving a linear model");
        let header = Header {
            kind: self.kind,
            classes: self.classes.clone(),
            vocabularies: self.vocabularies.iter().map(Terms::of).collect(),
            temperature: self.temperature,
        };
        let header = serde_json::to_string(&header).map_err(failed)?;
        let width = self.vocabularies.iter().map(TermVocabulary::len).sum();
        let classes = self.classes.len();
        let mut tensors = vec![
            ("weights".to_owned(), vec![width, classes], bytes(self.weights.all())),
            ("intercepts".to_owned(), vec![classes], bytes(self.weights.intercepts())),
        ];
        for (at, vocabulary) in self.vocabularies.iter().enumerate() {
            let idf = vocabulary.idf();
            if !idf.is_empty() {
                tensors.push((format!("idf.{at}"), vec![idf.len()], bytes(idf)));
            }
        }
        let failed = |error| Error::input(path, format!("{error:?}"));
        let mut views = Vec::new();
        for (name, shape, bytes) in &tensors {
            views.push((name, TensorView::new(Dtype::F64, shape.clone(), bytes).map_err(failed)?));
        }
        let about = Some(HashMap::from([(ENTRY.to_owned(), header)]));
        let whole = safetensors::serialize(views, &about).map_err(failed)?;
        files::write_whole(path, |out| out.write_all(&whole).map_err(Error::file(path, "write")))
    }

    /// Reads a model that [`save`](Self::save) wrote: its scores are the same to the last bit.
    ///
    /// # Errors
    /// If the file cannot be read, or is not such a model.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::file(path, "read"))?;
        read(&bytes).map_err(|reason| Error::input(path, format!("not a linear model: {reason}")))
    }
}

fn read(bytes: &[u8]) -> Result<LinearModel, String> {
    let (_, about) =
        SafeTensors::read_metadata(bytes).map_err(|error| format!("safetensors: {error:?}"))?;
    let header = about.metadata().as_ref().and_then(|about| about.get(ENTRY));
    let header = header.ok_or_else(|| format!("its metadata have no {ENTRY}"))?;
    let header: Header =
        serde_json::from_str(header).map_err(|error| format!("{ENTRY}: {error}"))?;
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|error| format!("safetensors: {error:?}"))?;
    let numbers = |name: &str, shape: &[usize]| -> Result<Vec<f64>, String> {
        let tensor = tensors.tensor(name).map_err(|_| format!("it has no {name}"))?;
        if tensor.dtype() != Dtype::F64 || tensor.shape() != shape {
            let (found, dtype) = (tensor.shape(), tensor.dtype());
            return Err(format!("{name} is {found:?} of {dtype:?}, not {shape:?} of F64"));
        }
        let (eights, _) = tensor.data().as_chunks::<8>();
        let numbers: Vec<f64> = eights.iter().map(|eight| f64::from_le_bytes(*eight)).collect();
        // A class that had no text has an intercept of −∞.
        let good = |n: f64| n.is_finite() || (name == "intercepts" && n == f64::NEG_INFINITY);
        match numbers.iter().find(|number| !good(**number)) {
            Some(number) => Err(format!("{name} holds {number}")),
            None => Ok(numbers),
        }
    };
    let (kind, classes) = (header.kind, header.classes);
    let learnt: Vec<Vectorizer> = header.vocabularies.iter().map(|one| one.vectorizer).collect();
    if learnt != kind.vectorizers() {
        return Err(format!("{ENTRY}: its n-grams are not those of {kind}"));
    }
    let mut vocabularies = Vec::new();
    for (at, terms) in header.vocabularies.into_iter().enumerate() {
        let idf = match terms.vectorizer.weighting {
            Weighting::Counts => Vec::new(),
            Weighting::Tfidf { .. } => numbers(&format!("idf.{at}"), &[terms.terms.len()])?,
        };
        vocabularies.push(terms.vocabulary(idf).map_err(|why| format!("{ENTRY}: {why}"))?);
    }
    let width = vocabularies.iter().map(TermVocabulary::len).sum();
    let weights = numbers("weights", &[width, classes.len()])?;
    let intercepts = numbers("intercepts", &[classes.len()])?;
    let weight = |column: usize, class: usize| weights[column * classes.len() + class];
    let weights = Weights::new(width, classes.len(), weight, |class| intercepts[class]);
    let mut model = LinearModel { kind, classes, vocabularies, weights, temperature: 1.0 };
    model.set_temperature(header.temperature).map_err(|error| format!("{ENTRY}: {error}"))?;
    Ok(model)
}

fn bytes(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
