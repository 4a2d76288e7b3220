//! The family summary's own encoder, by the names and shapes of its checkpoint.

use super::flows::NetmlFlows;
use super::lines::FlowLines;
use super::series::Distinct;
use super::{NUMBERS, SERIES};
use crate::family::encoder::{append, refuse_unsound};
use crate::family::{Embeddings, Standardiser};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use tch::nn::{self, Init, Module, ModuleT, RNN};
use tch::{Device, Kind, Tensor};
use ttp_base::{Error, Result, first_highest};
use ttp_model::encoder::{restore, snapshot};
use ttp_model::pretrained::load_by_name;

/// Width of the steps, and of each branch's features.
const WIDTH: i64 = 128;
const LAYERS: i64 = 3;
const HEADS: i64 = 4;
/// Dimensions of the embedding.
const EMBEDDING: i64 = 64;
/// Dropped in training behind each layer of the branch of numbers and of the projection. How much
/// the published encoder dropped is not known: its checkpoint leaves the places free, no more.
const DROPOUT: f64 = 0.2;
/// Flows that are run at once.
const AT_ONCE: usize = 4096;

/// Which parts of a flow an encoder reads; the features of the other part are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parts {
    /// Counts and numbers, as the published one.
    #[default]
    Both,
    /// The numbers alone: no LSTM.
    Numbers,
    /// The counts alone.
    Counts,
}

/// Counts through an LSTM and attention, numbers through two layers, both joined in an embedding
/// of length 1, and a linear head on that.
///
/// The counts are 16 steps of 8. Three LSTM layers of 128 read them; the steps attend to each other
/// with four heads (Vaswani et al., *Attention Is All You Need*, 2017); the steps' vectors are added
/// up, weighted by a softmax over the steps of each vector's mean. The numbers go through two layers
/// of 128 with ReLU and batch normalisation. The projection is 256, 128, 64 wide.
pub struct NetmlEncoder {
    variables: nn::VarStore,
    lstm: nn::LSTM,
    attention: Attention,
    numbers: [Layer; 2],
    projection: [Layer; 2],
    embedding: nn::Linear,
    classifier: nn::Linear,
    classes: Vec<String>,
    parts: Parts,
}

/// A linear map, ReLU, batch normalisation, and dropout in training.
struct Layer {
    linear: nn::Linear,
    norm: nn::BatchNorm,
    dropout: f64,
}

impl Layer {
    /// `places` are the linear map's and the normalisation's in torch's sequence.
    fn new(path: &nn::Path<'_>, places: [u8; 2], sizes: [i64; 2], dropout: f64) -> Self {
        let [at, norm] = places.map(|place| path.sub(place.to_string()));
        let config = nn::BatchNormConfig { ws_init: Init::Const(1.0), ..Default::default() };
        Self { linear: linear(&at, sizes), norm: nn::batch_norm1d(norm, sizes[1], config), dropout }
    }

    fn forward(&self, x: &Tensor, training: bool) -> Tensor {
        let x = self.norm.forward_t(&self.linear.forward(x).relu(), training);
        if training { x.dropout(self.dropout, true) } else { x }
    }
}

/// With torch's own start: uniform up to one over the root of the inputs.
fn linear(path: &nn::Path<'_>, [from, to]: [i64; 2]) -> nn::Linear {
    let most = 1.0 / (from as f64).sqrt();
    let start = Init::Uniform { lo: -most, up: most };
    let config = nn::LinearConfig { ws_init: start, bs_init: Some(start), bias: true };
    nn::linear(path, from, to, config)
}

/// Multi-head attention of the steps to each other, under torch's names.
struct Attention {
    joined_weight: Tensor,
    joined_bias: Tensor,
    out: nn::Linear,
}

impl Attention {
    fn new(path: &nn::Path<'_>) -> Self {
        // Xavier's start, as torch has it: uniform up to the root of 6 over inputs and outputs.
        let most = (6.0 / (4 * WIDTH) as f64).sqrt();
        let start = Init::Uniform { lo: -most, up: most };
        Self {
            joined_weight: path.var("in_proj_weight", &[3 * WIDTH, WIDTH], start),
            joined_bias: path.var("in_proj_bias", &[3 * WIDTH], Init::Const(0.0)),
            out: linear(&path.sub("out_proj"), [WIDTH, WIDTH]),
        }
    }

    /// `[rows, steps, width]` to the same.
    fn forward(&self, x: &Tensor) -> Tensor {
        let size = x.size();
        let (rows, steps) = (size[0], size[1]);
        let joined = x.linear(&self.joined_weight, Some(&self.joined_bias));
        let heads = joined.view([rows, steps, 3, HEADS, WIDTH / HEADS]).permute([2, 0, 3, 1, 4]);
        let [query, key, value] = [0, 1, 2].map(|at| heads.select(0, at));
        // Sixteen steps: no kernel of its own is needed for so small a matrix.
        let scores = query.matmul(&key.transpose(-2, -1)) / ((WIDTH / HEADS) as f64).sqrt();
        let mixed = scores.softmax(-1, Kind::Float).matmul(&value);
        self.out.forward(&mixed.transpose(1, 2).reshape([rows, steps, WIDTH]))
    }
}

/// What an encoder says of flows.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderOutput {
    /// Number of classes.
    pub classes: usize,
    /// Logits of the classes, flow by flow.
    pub logits: Vec<f32>,
    /// Embeddings of length 1, 64 numbers a flow.
    pub embeddings: Vec<f32>,
}

impl EncoderOutput {
    /// Number of flows.
    pub fn len(&self) -> usize {
        self.logits.len() / self.classes.max(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.logits.is_empty()
    }

    /// The class of each flow's highest logit, of equals the first.
    pub fn best(&self) -> Vec<usize> {
        self.logits.chunks_exact(self.classes.max(1)).map(first_highest).collect()
    }

    /// The classes that no flow is given.
    pub fn never_used(&self) -> Vec<usize> {
        let mut used = vec![false; self.classes];
        self.best().into_iter().for_each(|class| used[class] = true);
        (0..self.classes).filter(|class| !used[*class]).collect()
    }

    /// The embeddings with each flow's family, for a picture.
    pub fn embedded(&self, truth: Vec<usize>) -> Embeddings {
        let dimensions = EMBEDDING as usize;
        Embeddings { dimensions, values: self.embeddings.clone(), truth }
    }
}

impl NetmlEncoder {
    /// A new one for these classes, its weights drawn from `seed` as torch draws them.
    ///
    /// # Errors
    /// If there are fewer than two classes.
    pub fn new(classes: Vec<String>, parts: Parts, device: Device, seed: u64) -> Result<Self> {
        if classes.len() < 2 {
            let reason = format!("{}; two at least", classes.len());
            return Err(Error::Setting { field: "classes", reason });
        }
        tch::manual_seed(seed.cast_signed());
        let variables = nn::VarStore::new(device);
        let root = variables.root();
        let most = 1.0 / (WIDTH as f64).sqrt();
        let start = Init::Uniform { lo: -most, up: most };
        let config = nn::RNNConfig {
            num_layers: LAYERS,
            w_ih_init: start,
            w_hh_init: start,
            b_ih_init: Some(start),
            b_hh_init: Some(start),
            ..Default::default()
        };
        let numbers = root.sub("scalar_net");
        let projection = root.sub("projection");
        let wide = NUMBERS.len() as i64;
        Ok(Self {
            lstm: nn::lstm(root.sub("lstm"), SERIES.len() as i64, WIDTH, config),
            attention: Attention::new(&root.sub("attention")),
            numbers: [
                Layer::new(&numbers, [0, 2], [wide, WIDTH], DROPOUT),
                Layer::new(&numbers, [4, 6], [WIDTH, WIDTH], 0.0),
            ],
            projection: [
                Layer::new(&projection, [0, 2], [2 * WIDTH, 2 * WIDTH], DROPOUT),
                Layer::new(&projection, [4, 6], [2 * WIDTH, WIDTH], DROPOUT),
            ],
            embedding: linear(&projection.sub("8"), [WIDTH, EMBEDDING]),
            classifier: linear(&root.sub("classifier"), [EMBEDDING, classes.len() as i64]),
            variables,
            classes,
            parts,
        })
    }

    /// The published one, from its checkpoint, in the order of whose outputs `classes` are. The
    /// file is read as data: no code in it is run.
    ///
    /// # Errors
    /// If the file cannot be read, would run code, lacks a tensor, has one of another shape or one
    /// that is not of this network, or holds what is no number.
    pub fn published(path: &Path, classes: Vec<String>) -> Result<Self> {
        let encoder = Self::new(classes, Parts::Both, Device::Cpu, 0)?;
        // A softmax over one value is 1 whatever its weights; counters tell of training only.
        let unused = |name: &str| {
            name.starts_with("scalar_attention.") || name.ends_with(".num_batches_tracked")
        };
        load_by_name(path, &encoder.variables, &unused)?;
        Ok(encoder)
    }

    /// The classes' names, in the order of logits.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What it reads of a flow.
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// The device that it runs on.
    pub fn device(&self) -> Device {
        self.variables.device()
    }

    /// Weights that training changes by their names, always in the same order: those of the parts
    /// that are read.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let all = self.all();
        let idle: &[&str] = match self.parts {
            Parts::Both => &[],
            Parts::Numbers => &["lstm.", "attention."],
            Parts::Counts => &["scalar_net."],
        };
        let read = |name: &str| !idle.iter().any(|part| name.starts_with(part));
        all.into_iter().filter(|(name, variable)| variable.requires_grad() && read(name)).collect()
    }

    /// Number of trained weights.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, variable)| variable.numel()).sum()
    }

    /// Features `[rows, 128]` of counts `[rows, steps, series]`.
    pub fn count_features(&self, counts: &Tensor) -> Tensor {
        let (steps, _) = self.lstm.seq(counts);
        let attended = self.attention.forward(&steps);
        let weights =
            attended.mean_dim([2_i64].as_slice(), true, Kind::Float).softmax(1, Kind::Float);
        (attended * weights).sum_dim_intlist([1_i64].as_slice(), false, Kind::Float)
    }

    /// Embeddings `[rows, 64]` of length 1 and logits `[rows, classes]` of the features of counts
    /// `[rows, 128]` and of standardised numbers `[rows, 13]`.
    pub fn embed(&self, features: &Tensor, numbers: &Tensor, training: bool) -> [Tensor; 2] {
        let numbers = if self.parts == Parts::Counts {
            features.zeros_like()
        } else {
            let start = numbers.shallow_clone();
            self.numbers.iter().fold(start, |x, layer| layer.forward(&x, training))
        };
        let joined = Tensor::cat(&[features, &numbers], 1);
        let joined = self.projection.iter().fold(joined, |x, layer| layer.forward(&x, training));
        let vectors = self.embedding.forward(&joined);
        let lengths = vectors.norm_scalaropt_dim(2.0, [1], true).clamp_min(1e-12);
        let embeddings = vectors / lengths;
        let logits = self.classifier.forward(&embeddings);
        [embeddings, logits]
    }

    /// The same of distinct counts, each read once, of which `of_flow` `[rows]` says which is whose.
    pub(super) fn forward(
        &self,
        distinct: &Distinct,
        numbers: &Tensor,
        training: bool,
    ) -> [Tensor; 2] {
        let rows = distinct.of_flow.len() as i64;
        let features = if self.parts == Parts::Numbers {
            Tensor::zeros([rows, WIDTH], (Kind::Float, self.device()))
        } else {
            let of_flow = Tensor::from_slice(&distinct.of_flow).to_device(self.device());
            self.count_features(&distinct.tensor(self.device())).index_select(0, &of_flow)
        };
        self.embed(&features, numbers, training)
    }

    /// Runs all flows, some thousand at once. Equal counts are read once for all of them.
    ///
    /// # Errors
    /// If the standardiser is not of NetML's thirteen numbers.
    pub fn encode(&self, flows: &NetmlFlows, by: &Standardiser) -> Result<EncoderOutput> {
        let mut features = Features::default();
        let mut encoded = self.nothing_yet();
        self.encode_into(flows, by, &mut features, &mut encoded)?;
        Ok(encoded)
    }

    /// Runs a file's flows as they are read: what is kept is what the encoder says of them.
    ///
    /// # Errors
    /// As [`encode`](Self::encode) and [`FlowLines::next_chunk`].
    pub fn encode_lines(
        &self,
        lines: FlowLines,
        by: &Standardiser,
    ) -> Result<(Vec<u64>, EncoderOutput)> {
        let mut features = Features::default();
        let mut encoded = self.nothing_yet();
        let mut ids = Vec::new();
        for chunk in lines {
            let chunk = chunk?;
            ids.extend_from_slice(chunk.ids());
            self.encode_into(&chunk, by, &mut features, &mut encoded)?;
        }
        Ok((ids, encoded))
    }

    fn nothing_yet(&self) -> EncoderOutput {
        EncoderOutput { classes: self.classes.len(), logits: Vec::new(), embeddings: Vec::new() }
    }

    fn encode_into(
        &self,
        flows: &NetmlFlows,
        by: &Standardiser,
        known: &mut Features,
        encoded: &mut EncoderOutput,
    ) -> Result<()> {
        if by.features != NUMBERS {
            let reason = "not NetML's thirteen numbers in their order".to_owned();
            return Err(Error::Setting { field: "standardiser", reason });
        }
        let mut scaled = Vec::with_capacity(AT_ONCE * NUMBERS.len());
        for begin in (0..flows.len()).step_by(AT_ONCE) {
            let rows = begin..flows.len().min(begin + AT_ONCE);
            scaled.clear();
            rows.clone().for_each(|row| by.apply(flows.numbers(row), &mut scaled));
            let numbers = Tensor::from_slice(&scaled)
                .view([rows.len() as i64, NUMBERS.len() as i64])
                .to_device(self.device());
            let [embeddings, logits] = tch::no_grad(|| {
                let features = if self.parts == Parts::Numbers {
                    let size = [rows.len() as i64, WIDTH];
                    Tensor::zeros(size, (Kind::Float, self.device()))
                } else {
                    known.of(self, rows.map(|row| flows.counts(row)))
                };
                self.embed(&features, &numbers, false)
            });
            refuse_unsound(&logits, encoded.logits.len() / encoded.classes.max(1))?;
            append(&logits, &mut encoded.logits)?;
            append(&embeddings, &mut encoded.embeddings)?;
        }
        Ok(())
    }

    /// A copy of all weights and running moments, to be put back with [`restore`](Self::restore).
    pub(super) fn snapshot(&self) -> Vec<Tensor> {
        snapshot(self.all().values())
    }

    /// Puts back what [`snapshot`](Self::snapshot) took.
    pub(super) fn restore(&self, weights: &[Tensor]) {
        restore(self.all().into_values(), weights);
    }

    /// All weights and running moments, in the order of their names.
    fn all(&self) -> BTreeMap<String, Tensor> {
        self.variables.variables().into_iter().collect()
    }
}

/// Features of counts that were read before, at most some ten thousand: then it begins anew, so
/// that memory does not grow with the flows.
#[derive(Default)]
struct Features {
    places: std::collections::HashMap<Vec<u16>, i64>,
    features: Vec<Tensor>,
}

impl Features {
    const MOST: usize = 1 << 16;

    /// Features `[rows, 128]` of rows of counts.
    fn of<'a>(&mut self, encoder: &NetmlEncoder, rows: impl Iterator<Item = &'a [u16]>) -> Tensor {
        if self.places.len() > Self::MOST {
            *self = Self::default();
        }
        let mut new = Vec::new();
        let of_flow: Vec<i64> = rows
            .map(|row| match self.places.get(row) {
                Some(place) => *place,
                None => {
                    let place = self.places.len() as i64;
                    self.places.insert(row.to_vec(), place);
                    new.extend_from_slice(row);
                    place
                }
            })
            .collect();
        if !new.is_empty() {
            let counts = super::series::tensor(&new, encoder.device());
            self.features.push(encoder.count_features(&counts));
        }
        // They are joined once for all flows that bring nothing new.
        let all = match self.features.as_slice() {
            [only] => only.shallow_clone(),
            several => Tensor::cat(several, 0),
        };
        let features =
            all.index_select(0, &Tensor::from_slice(&of_flow).to_device(encoder.device()));
        self.features = vec![all];
        features
    }
}
