//! A linear head on vectors that stay as they are.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};
use ttp_base::settings::at_least;
use ttp_base::{Error, Result, settings};
use ttp_model::batch::Size;
use ttp_model::encoder::Vectors;
use ttp_model::engine::ranges::{BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY};
use ttp_model::engine::{Algorithm, Optimizer, Pace, Schedule, Step, Steps};

/// How heads are trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeadParams {
    /// Steps, the same number whatever the number of rows: a remedy that makes more rows is
    /// trained no longer for it.
    pub steps: usize,
    /// Rows a step.
    pub batch_size: usize,
    /// The highest learning rate; the first tenth of the steps climb to it, then it falls to 0.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

impl Default for HeadParams {
    fn default() -> Self {
        Self { steps: 3_000, batch_size: 128, learning_rate: 2e-3, weight_decay: 0.01 }
    }
}

settings!(HeadParams, "remedies.head", {
    steps: at_least(1.0).or("0 train nothing"),
    batch_size: BATCH_SIZE,
    learning_rate: LEARNING_RATE,
    weight_decay: WEIGHT_DECAY,
});

/// One linear layer: a logit for each class.
pub struct Head {
    weight: Tensor,
    bias: Tensor,
    classes: usize,
}

impl Head {
    /// Trains a head by cross-entropy on rows of `vectors` (`rows` names them, as often as each
    /// is to be there) from a start and in an order that `seed` decides. `weights` holds one
    /// number a class by which its rows count in the loss.
    ///
    /// # Errors
    /// If a setting makes no sense, there is no row, a label is beyond the classes, or the loss is
    /// no longer a number.
    pub fn train(
        vectors: &Vectors,
        labels: &[usize],
        rows: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
        params: &HeadParams,
        seed: u64,
    ) -> Result<Self> {
        params.check()?;
        let wrong = |field, reason| Err(Error::Setting { field, reason });
        if labels.len() != vectors.len() {
            return wrong("labels", format!("{} for {} vectors", labels.len(), vectors.len()));
        }
        if let Some(&label) = labels.iter().find(|label| **label >= classes) {
            return wrong("labels", format!("class {label}, of {classes} classes"));
        }
        if rows.is_empty() {
            return wrong("rows", "there is none to train on".to_owned());
        }
        let wide = vectors.dimensions() as i64;
        let all = Tensor::from_slice(vectors.numbers()).view([vectors.len() as i64, wide]);
        let targets: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
        let targets = Tensor::from_slice(&targets);
        let weights = weights.map(|weights| Tensor::from_slice(weights).to_kind(Kind::Float));
        tch::manual_seed(seed.cast_signed());
        let weight = Tensor::randn([classes as i64, wide], (Kind::Float, tch::Device::Cpu)) * 0.02;
        let weight = weight.set_requires_grad(true);
        let bias = Tensor::zeros([classes as i64], (Kind::Float, tch::Device::Cpu));
        let bias = bias.set_requires_grad(true);
        let named = [("head.weight", &weight), ("head.bias", &bias)]
            .map(|(n, v)| (n.to_owned(), v.shallow_clone()));
        let optimizer = Optimizer::new(named.into(), Algorithm::AdamW, params.weight_decay, 1.0);
        let HeadParams { steps: count, learning_rate: peak, .. } = *params;
        let schedule = Schedule { steps: count, warmup: count / 10, peak };
        let (pace, setting) = (Pace::new(1, count), "remedies.head.learning_rate");
        let watch = &mut |_: &Step| {};
        let mut steps = Steps::new(optimizer, schedule, pace, setting, watch);
        steps.begin(1);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let mut next = order.len();
        for _ in 0..count {
            let mut batch = Vec::with_capacity(params.batch_size);
            while batch.len() < params.batch_size.min(order.len()) {
                if next == order.len() {
                    order.shuffle(&mut rng);
                    next = 0;
                }
                let take = (params.batch_size - batch.len()).min(order.len() - next);
                batch.extend_from_slice(&order[next..next + take]);
                next += take;
            }
            let batch = Tensor::from_slice(&batch);
            let (x, y) = (all.index_select(0, &batch), targets.index_select(0, &batch));
            let logits = x.matmul(&weight.transpose(0, 1)) + &bias;
            let loss = logits.cross_entropy_loss(&y, weights.as_ref(), Reduction::Mean, -100, 0.0);
            steps.take(&loss, Size { rows: y.size()[0] as usize, ..Size::default() })?;
        }
        Ok(Self { weight: weight.detach(), bias: bias.detach(), classes })
    }

    /// The logits of every vector, row after row.
    ///
    /// # Errors
    /// If the vectors have another number of dimensions than those it was trained on, or a row's
    /// logits are no finite numbers: with the row.
    pub fn logits(&self, vectors: &Vectors) -> Result<Vec<f64>> {
        let wide = self.weight.size()[1];
        if vectors.dimensions() as i64 != wide {
            let reason = format!("{} dimensions, and the head has {wide}", vectors.dimensions());
            return Err(Error::Setting { field: "vectors", reason });
        }
        let all = Tensor::from_slice(vectors.numbers()).view([vectors.len() as i64, wide]);
        let logits = tch::no_grad(|| all.matmul(&self.weight.transpose(0, 1)) + &self.bias);
        let logits = logits.to_kind(Kind::Double).contiguous().view(-1);
        let logits: Vec<f64> = Vec::try_from(logits).map_err(Error::library("reading logits"))?;
        match logits.iter().position(|logit| !logit.is_finite()) {
            None => Ok(logits),
            Some(at) => {
                let reason =
                    format!("row {}: its logits are NaN or infinite", at / self.classes + 1);
                Err(Error::Setting { field: "vectors", reason })
            }
        }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }
}
