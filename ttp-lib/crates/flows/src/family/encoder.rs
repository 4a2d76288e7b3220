//! The family encoder: standardised features, a multilayer perceptron, an embedding, families.

use super::flows::{FlowFile, Flows};
use super::standardise::Standardiser;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};
use ttp_base::settings::{from_below, from_to};
use ttp_base::{Error, Result, files, settings};
use ttp_metrics::Confusion;
use ttp_model::encoder::{Predictions, first_unsound, restore, save_weights, snapshot};

/// The encoder's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderShape {
    /// Sizes of the hidden layers, the first at the features.
    pub hidden: Vec<usize>,
    /// Dimensions of the embedding.
    pub embedding: usize,
    /// The share of a hidden layer's numbers that is dropped in training, from 0 to below 1.
    pub dropout: f64,
}

impl Default for EncoderShape {
    /// 256 and 128, then the report's 64 dimensions; a tenth dropped.
    fn default() -> Self {
        Self { hidden: vec![256, 128], embedding: 64, dropout: 0.1 }
    }
}

/// More numbers in a layer are a typing error.
const MOST: f64 = 65_536.0;

settings!(EncoderShape, "family.encoder", {
    hidden: from_to(1.0, MOST),
    embedding: from_to(2.0, MOST),
    dropout: from_below(0.0, 1.0),
});

/// What `family.json` says of the weights beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct About {
    /// Of this file's layout.
    schema: u32,
    /// The column of the family's name in the training file.
    label: String,
    families: Vec<String>,
    /// Training rows of each family.
    train_rows: Vec<u64>,
    encoder: EncoderShape,
    standardiser: Standardiser,
}

const SCHEMA: u32 = 1;
const WEIGHTS: &str = "model.safetensors";
const ABOUT: &str = "family.json";
/// Rows that are run at once where nothing is learned.
const AT_ONCE: usize = super::flows::CHUNK_ROWS;

/// A multilayer perceptron from standardised features over an embedding to families: hidden
/// layers of a linear map, ReLU and dropout, a linear map to the embedding, and a linear head on
/// that. The head alone makes families of an embedding, so that what is done in the embedding's
/// space (new rows between old ones, a new head) needs no other layer.
pub struct FamilyEncoder {
    variables: nn::VarStore,
    hidden: Vec<nn::Linear>,
    embedding: nn::Linear,
    head: nn::Linear,
    about: About,
}

/// What an encoder says of flows.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyPredictions {
    /// Each row's family, an index into the encoder's families; empty where the file has no labels.
    pub truth: Vec<usize>,
    /// Probabilities of the families, row by row.
    pub said: Predictions,
}

impl FamilyPredictions {
    /// Counts by true and predicted family.
    ///
    /// # Errors
    /// If the flows have no labels.
    pub fn confusion(&self, families: &[String]) -> Result<Confusion> {
        Confusion::from_indices(families.to_vec(), &self.truth, &self.said.best())
    }
}

/// Embeddings of flows.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// Numbers of one embedding.
    pub dimensions: usize,
    /// Row by row.
    pub values: Vec<f32>,
    /// Each row's family; empty where the file has no labels.
    pub truth: Vec<usize>,
}

impl Embeddings {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimensions.max(1)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The embedding of one row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dimensions..][..self.dimensions]
    }
}

impl FamilyEncoder {
    /// A new encoder for these flows' features and families, its weights drawn from `seed`.
    ///
    /// # Errors
    /// If the shape makes no sense.
    pub fn new(
        shape: &EncoderShape,
        train: &Flows,
        standardiser: &Standardiser,
        device: Device,
        seed: u64,
    ) -> Result<Self> {
        tch::manual_seed(seed.cast_signed());
        let about = About {
            schema: SCHEMA,
            label: train.file().label().unwrap_or_default().to_owned(),
            families: train.families().to_vec(),
            train_rows: train.counts().to_vec(),
            encoder: shape.clone(),
            standardiser: standardiser.clone(),
        };
        Self::of(about, device)
    }

    fn of(about: About, device: Device) -> Result<Self> {
        about.encoder.check()?;
        let variables = nn::VarStore::new(device);
        let root = variables.root();
        let mut wide = about.standardiser.features.len() as i64;
        let mut hidden = Vec::new();
        for (at, &size) in about.encoder.hidden.iter().enumerate() {
            let path = root.sub("hidden").sub(at.to_string());
            hidden.push(nn::linear(path, wide, size as i64, nn::LinearConfig::default()));
            wide = size as i64;
        }
        let dimensions = about.encoder.embedding as i64;
        let embedding = nn::linear(root.sub("embedding"), wide, dimensions, Default::default());
        let families = about.families.len() as i64;
        let head = nn::linear(root.sub("head"), dimensions, families, Default::default());
        Ok(Self { variables, hidden, embedding, head, about })
    }

    /// Opens what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If a file cannot be read, or the two do not fit each other.
    pub fn open(folder: &Path, device: Device) -> Result<Self> {
        let file = folder.join(ABOUT);
        let about: About = files::read_json(&file)?;
        let wrong =
            |field: &str, reason: String| Err(Error::input_at(&file, None, Some(field), reason));
        if about.schema != SCHEMA {
            return wrong("schema", format!("{} is not {SCHEMA}", about.schema));
        }
        if about.families.len() < 2 {
            return wrong("families", format!("{} families", about.families.len()));
        }
        if about.train_rows.len() != about.families.len() {
            return wrong("train_rows", format!("{} for the families", about.train_rows.len()));
        }
        if let Err(reason) = about.standardiser.check() {
            return wrong("standardiser", reason);
        }
        about.encoder.check().map_err(|error| Error::input(&file, error))?;
        let encoder = Self::of(about, device)?;
        let file = folder.join(WEIGHTS);
        if !file.is_file() {
            return Err(Error::input(&file, "not there"));
        }
        let read = Tensor::read_safetensors(&file)
            .map_err(|error| Error::input(&file, format!("not a safetensors file: {error}")))?;
        let mut read: BTreeMap<String, Tensor> = read.into_iter().collect();
        for (name, mut variable) in encoder.variables.variables() {
            let Some(values) = read.remove(&name) else {
                return Err(Error::input_at(&file, None, Some(&name), "missing"));
            };
            if values.size() != variable.size() || values.kind() != variable.kind() {
                let reason = format!("{:?}, not {:?}", values.size(), variable.size());
                return Err(Error::input_at(&file, None, Some(&name), reason));
            }
            if values.isfinite().logical_not().any().int64_value(&[]) != 0 {
                return Err(Error::input_at(&file, None, Some(&name), "holds what is no number"));
            }
            tch::no_grad(|| variable.copy_(&values));
        }
        match read.keys().next() {
            Some(name) => Err(Error::input_at(&file, None, Some(name), "no weight of this shape")),
            None => Ok(encoder),
        }
    }

    /// Writes `model.safetensors` and `family.json` (shape, families, standardiser) to a folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
        save_weights(&folder.join(WEIGHTS), &self.parameters())?;
        files::write_json(&folder.join(ABOUT), &self.about)
    }

    /// All but the weights, for a fingerprint.
    pub(super) fn about(&self) -> impl Serialize + '_ {
        &self.about
    }

    /// The families' names, in the order of logits and probabilities.
    pub fn families(&self) -> &[String] {
        &self.about.families
    }

    /// The features' names, in the order in which they are read.
    pub fn features(&self) -> &[String] {
        &self.about.standardiser.features
    }

    /// The column of the family's name in the training file.
    pub fn label(&self) -> &str {
        &self.about.label
    }

    /// How features are standardised.
    pub fn standardiser(&self) -> &Standardiser {
        &self.about.standardiser
    }

    /// Each family's share of the training rows: the prior that cross-entropy learns.
    pub fn prior(&self) -> Vec<f64> {
        let rows = self.about.train_rows.iter().sum::<u64>().max(1) as f64;
        self.about.train_rows.iter().map(|&count| count as f64 / rows).collect()
    }

    /// Dimensions of the embedding.
    pub fn dimensions(&self) -> usize {
        self.about.encoder.embedding
    }

    /// The device that it runs on.
    pub fn device(&self) -> Device {
        self.variables.device()
    }

    /// The weights by their names, always in the same order.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let variables: BTreeMap<String, Tensor> = self.variables.variables().into_iter().collect();
        variables.into_iter().collect()
    }

    /// Number of weights.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, variable)| variable.numel()).sum()
    }

    /// Embeddings `[rows, dimensions]` of standardised features `[rows, features]`.
    pub fn embed_batch(&self, features: &Tensor, training: bool) -> Tensor {
        let mut x = features.shallow_clone();
        for layer in &self.hidden {
            x = layer.forward(&x).relu().dropout(self.about.encoder.dropout, training);
        }
        self.embedding.forward(&x)
    }

    /// Logits `[rows, families]` of embeddings `[rows, dimensions]`.
    pub fn logits(&self, embeddings: &Tensor) -> Tensor {
        self.head.forward(embeddings)
    }

    /// Opens a user's file for this encoder: it must have the features, and may have labels.
    ///
    /// # Errors
    /// If the file cannot be read, lacks a feature, a feature is no number, or a row has a family
    /// that training had not.
    pub fn flows(&self, path: &Path) -> Result<Flows> {
        let file = FlowFile::open_for(path, self.features(), self.label())?;
        Flows::of(file, self.families())
    }

    /// Runs all rows through the network, piece by piece; `take` is given each piece's embeddings
    /// and labels.
    fn run(
        &self,
        flows: &Flows,
        take: &mut dyn FnMut(&Tensor, &[u32]) -> Result<()>,
    ) -> Result<()> {
        if flows.file().features() != self.features() {
            let reason = "they are not those that the encoder was trained with".to_owned();
            return Err(Error::Setting { field: "features", reason });
        }
        if flows.families() != self.families() {
            let reason = "they are not those that the encoder was trained with".to_owned();
            return Err(Error::Setting { field: "families", reason });
        }
        let _one = OneThread::on(self.device());
        let wide = self.features().len();
        let mut rows = Vec::with_capacity(AT_ONCE * wide);
        for piece in 0..flows.pieces() {
            let chunk = flows.chunk(piece)?;
            if chunk.rows == 0 {
                continue;
            }
            rows.clear();
            for row in chunk.features.chunks_exact(wide) {
                self.about.standardiser.apply(row, &mut rows);
            }
            let features = Tensor::from_slice(&rows).view([chunk.rows as i64, wide as i64]);
            let embeddings =
                tch::no_grad(|| self.embed_batch(&features.to_device(self.device()), false));
            take(&embeddings, &chunk.labels)?;
        }
        Ok(())
    }

    /// Probabilities of the families for every row.
    ///
    /// # Errors
    /// If the flows have other features or families, or cannot be read, or a row's logits are NaN
    /// or infinite: the row, from 1.
    pub fn predict(&self, flows: &Flows) -> Result<FamilyPredictions> {
        let mut probabilities = Vec::with_capacity(flows.len() * self.families().len());
        let mut truth = Vec::with_capacity(flows.len());
        self.run(flows, &mut |embeddings, labels| {
            let logits = tch::no_grad(|| self.logits(embeddings));
            refuse_unsound(&logits, probabilities.len() / self.families().len().max(1))?;
            let shares = logits.softmax(-1, Kind::Float);
            append(&shares, &mut probabilities)?;
            truth.extend(labels.iter().map(|&label| label as usize));
            Ok(())
        })?;
        let said = Predictions { techniques: self.families().len(), probabilities };
        Ok(FamilyPredictions { truth, said })
    }

    /// Embeddings of every row.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn embed(&self, flows: &Flows) -> Result<Embeddings> {
        let dimensions = self.dimensions();
        let mut found = Embeddings { dimensions, values: Vec::new(), truth: Vec::new() };
        self.run(flows, &mut |embeddings, labels| {
            refuse_unsound(embeddings, found.values.len() / dimensions.max(1))?;
            append(embeddings, &mut found.values)?;
            found.truth.extend(labels.iter().map(|&label| label as usize));
            Ok(())
        })?;
        Ok(found)
    }

    /// A copy of all weights, to be put back with [`restore`](Self::restore).
    pub(super) fn snapshot(&self) -> Vec<Tensor> {
        snapshot(self.parameters().iter().map(|(_, weight)| weight))
    }

    /// Puts back what [`snapshot`](Self::snapshot) took.
    pub(super) fn restore(&mut self, weights: &[Tensor]) {
        restore(self.parameters().into_iter().map(|(_, weight)| weight), weights);
    }
}

/// One thread for libtorch as long as this lives, where it runs on the CPU. The network is so small
/// that a second thread gains little, and costs much where other programs use the processor: each
/// operation waits for all threads. And so the number of threads changes no result.
pub(super) struct OneThread(Option<i32>);

impl OneThread {
    pub fn on(device: Device) -> Self {
        let before = (device == Device::Cpu).then(tch::get_num_threads);
        if before.is_some() {
            tch::set_num_threads(1);
        }
        Self(before)
    }
}

impl Drop for OneThread {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            tch::set_num_threads(before);
        }
    }
}

/// Refuses rows, the first of which is the one after `before`, that hold what is no finite number.
pub(super) fn refuse_unsound(rows: &Tensor, before: usize) -> Result<()> {
    match first_unsound(rows)? {
        Some(at) => {
            let reason = format!("row {}: the model gives NaN or an infinity", before + at + 1);
            Err(Error::Library { what: "predicting", reason })
        }
        None => Ok(()),
    }
}

/// Puts a tensor's numbers behind `out`.
pub(super) fn append(tensor: &Tensor, out: &mut Vec<f32>) -> Result<()> {
    let tensor = tensor.to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
    let start = out.len();
    out.resize(start + tensor.numel(), 0.0);
    tensor
        .f_copy_data(&mut out[start..], tensor.numel())
        .map_err(Error::library("reading a tensor"))
}
