//! Training the family encoder: the loop, to be read top to bottom.

use super::encoder::{FamilyEncoder, OneThread};
use super::flows::{FlowData, Flows};
use super::loss::{Contrastive, supervised_contrastive};
use super::standardise::Standardiser;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::{Device, Kind, Reduction, Tensor};
use ttp_base::settings::at_least;
use ttp_base::{Error, Result, files, settings};
use ttp_metrics::Confusion;
use ttp_model::batch::Size;
use ttp_model::engine::ranges::{
    BATCH_SIZE, CLIP_NORM, EPOCHS, LEARNING_RATE, WARMUP_SHARE, WEIGHT_DECAY,
};
use ttp_model::engine::{
    self, Algorithm, Best, Epoch, Optimizer, Origin, Pace, Resume, Schedule, Step, Steps,
    epoch_seed,
};

/// The settings of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FamilyParams {
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows a step.
    pub batch_size: usize,
    /// The highest learning rate, at the end of the warm-up.
    pub learning_rate: f64,
    /// The share of all steps over which the learning rate climbs.
    pub warmup_share: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// The gradient's global norm is cut to this.
    pub clip_norm: f64,
    /// The supervised contrastive loss beside the cross-entropy; none where absent.
    pub contrastive: Option<Contrastive>,
    /// Rows among which the next batch's are drawn. A part that is not larger is shuffled whole.
    pub shuffle_rows: usize,
}

impl Default for FamilyParams {
    fn default() -> Self {
        Self {
            epochs: 6,
            batch_size: 512,
            learning_rate: 2e-3,
            warmup_share: 0.1,
            weight_decay: 0.01,
            clip_norm: 1.0,
            contrastive: None,
            shuffle_rows: 131_072,
        }
    }
}

settings!(FamilyParams, "family.training", {
    epochs: EPOCHS,
    batch_size: BATCH_SIZE,
    learning_rate: LEARNING_RATE,
    warmup_share: WARMUP_SHARE,
    weight_decay: WEIGHT_DECAY,
    clip_norm: CLIP_NORM,
    contrastive,
    shuffle_rows: at_least(1.0).or("0 rows cannot be shuffled"),
});

/// What may be done about rare families in training; each has a number a family, in the order of
/// [`FlowData::families`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Balance<'a> {
    /// Weights of the families in the cross-entropy; only their ratios count.
    pub class_weights: Option<&'a [f64]>,
    /// How often each row of a family is drawn in an epoch, 1.0 being once: 2.5 is twice and thrice
    /// in turns. Oversampling is above 1.
    pub draws: Option<&'a [f64]>,
    /// Added to the logits in training only. The logarithms of the prior make the loss that of
    /// logit adjustment (Menon et al., *Long-tail learning via logit adjustment*, ICLR 2021).
    pub logit_offsets: Option<&'a [f64]>,
}

impl Balance<'_> {
    fn check(&self, families: usize) -> Result<()> {
        for (field, numbers, range) in [
            ("class_weights", self.class_weights, 0.0..=f64::MAX),
            ("draws", self.draws, 0.0..=1e6),
            ("logit_offsets", self.logit_offsets, f64::MIN..=f64::MAX),
        ] {
            let Some(numbers) = numbers else { continue };
            let wrong = |reason| Err(Error::Setting { field, reason });
            if numbers.len() != families {
                return wrong(format!("{} numbers for {families} families", numbers.len()));
            }
            if let Some(at) = numbers.iter().position(|x| !range.contains(x)) {
                return wrong(format!("{} for family {at}", numbers[at]));
            }
        }
        Ok(())
    }
}

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FamilyHistory {
    /// Each epoch in turn.
    pub epochs: Vec<Epoch>,
    /// Loss of every step.
    pub losses: Vec<f64>,
    /// The epoch whose weights were kept, from 1.
    pub best_epoch: usize,
    /// Seconds of training, validation left out.
    pub seconds: f64,
    /// Rows trained on a second.
    pub rows_per_second: f64,
    /// Training rows in the file or the part.
    pub rows: usize,
    /// Features that are the same in every training row, and therefore tell nothing.
    pub constant_features: Vec<String>,
}

impl FamilyHistory {
    /// That of a training that has not begun.
    fn before(encoder: &FamilyEncoder, data: &FlowData) -> Self {
        let constant = encoder.standardiser().constant();
        Self {
            epochs: Vec::new(),
            losses: Vec::new(),
            best_epoch: 0,
            seconds: 0.0,
            rows_per_second: 0.0,
            rows: data.train.len(),
            constant_features: constant.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// One training: how it goes, where its best model goes.
pub struct FamilyTraining<'a> {
    /// The settings.
    pub params: &'a FamilyParams,
    /// What is done about rare families; `Balance::default()` is nothing.
    pub balance: Balance<'a>,
    /// Orders the batches and draws the dropout.
    pub seed: u64,
    /// Where the best model is written; `None`: nowhere.
    pub folder: Option<&'a Path>,
}

impl FamilyTraining<'_> {
    /// Trains `encoder`, judges it on the validation rows after each epoch, and leaves it with the
    /// weights of the best epoch by macro-averaged F1, which are written as soon as they are known.
    /// A run that is killed goes on where it was, where it has a folder
    /// ([`resume`](ttp_model::engine::resume)). `watch` is told of every step. On the CPU one thread is used: it costs little, and its
    /// number changes no result.
    ///
    /// # Errors
    /// If a setting makes no sense, the flows are not the encoder's or cannot be read, the loss is
    /// no longer a number, or a file cannot be written.
    pub fn run(
        &self,
        encoder: &mut FamilyEncoder,
        data: &FlowData,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<FamilyHistory> {
        let Self { params, balance, seed, folder } = *self;
        let rows = self.check(encoder, data)?;
        engine::keep_freed_memory();
        let _one = OneThread::on(encoder.device());
        tch::manual_seed(seed.cast_signed());
        let steps = rows.div_ceil(params.batch_size) * params.epochs;
        let objective = Objective::new(params.contrastive, balance, encoder.device());
        let optimizer = Optimizer::new(
            encoder.parameters(),
            Algorithm::AdamW,
            params.weight_decay,
            params.clip_norm,
        );
        let mut history = FamilyHistory::before(encoder, data);
        let schedule = Schedule::new(steps, params.warmup_share, params.learning_rate);
        let pace = Pace::new(params.epochs, steps).of("flows");
        let setting = "family.training.learning_rate";
        let mut steps = Steps::new(optimizer, schedule, pace, setting, watch);
        let mut best = Best::default();
        let mut resume = match folder {
            Some(folder) => Resume::beside(folder, self.origin(encoder, data)?)?,
            None => Resume::nowhere(),
        };
        let earlier = steps.go_on(&mut resume, &mut best);
        let went_on = earlier.is_some();
        history = earlier.unwrap_or(history);
        for epoch in steps.epoch()..=params.epochs {
            steps.begin(epoch);
            let mut batches = Batches::new(
                &data.train,
                encoder.standardiser(),
                balance.draws,
                params.shuffle_rows,
                epoch_seed(seed, epoch),
            );
            for _ in 0..steps.of_epoch() {
                batches.next(params.batch_size)?;
            }
            while let Some((features, labels)) = batches.next(params.batch_size)? {
                let rows = labels.len();
                let features = Tensor::from_slice(features).view([rows as i64, -1]);
                let labels = Tensor::from_slice(labels);
                let loss = objective.loss(encoder, &features, &labels);
                steps.take(&loss, Size { rows, ..Size::default() })?;
                steps.keep(&mut resume, &best, &history);
            }
            history.losses = steps.losses().to_vec();
            history.seconds = steps.pace().seconds();
            history.rows_per_second = steps.pace().rows_per_second();

            let judged = judge(encoder, &data.validation, &steps)?;
            let f1_macro = judged.validation_f1_macro;
            history.epochs.push(judged);
            if best.offer(f1_macro, || encoder.snapshot()) {
                history.best_epoch = epoch;
                self.write(encoder, &history)?;
            }
        }
        if let Some(weights) = best.weights() {
            encoder.restore(weights);
        }
        // The best model may be of the run before, and removed since.
        if went_on {
            self.write(encoder, &history)?;
        }
        if let Some(folder) = folder {
            self.write_history(folder, &history)?;
        }
        resume.finish();
        Ok(history)
    }

    /// Whether this training can be; gives the rows of an epoch.
    fn check(&self, encoder: &FamilyEncoder, data: &FlowData) -> Result<usize> {
        self.params.check()?;
        self.balance.check(encoder.families().len())?;
        if data.families() != encoder.families() || data.features() != encoder.features() {
            let reason = "their families or features are not the encoder's".to_owned();
            return Err(Error::Setting { field: "flows", reason });
        }
        match drawn(&data.train, self.balance.draws) {
            0 => Err(Error::Setting { field: "draws", reason: "no row is drawn".to_owned() }),
            rows => Ok(rows),
        }
    }

    /// What must be the same for a run to go on from another's state.
    fn origin(&self, encoder: &FamilyEncoder, data: &FlowData) -> Result<Origin> {
        let Balance { class_weights, draws, logit_offsets } = self.balance;
        let balance = (class_weights, draws, logit_offsets);
        let settings = ("families", self.params, balance, self.seed);
        let rows = (encoder.about(), data.train.mark()?, data.validation.mark()?);
        let code = [
            include_str!("train.rs"),
            include_str!("encoder.rs"),
            include_str!("loss.rs"),
            include_str!("standardise.rs"),
            include_str!("flows/data.rs"),
            include_str!("flows/file.rs"),
        ];
        Origin::new(&settings, &rows, &encoder.parameters(), &code)
    }

    /// Writes the weights as they are, whole or not at all.
    fn write(&self, encoder: &FamilyEncoder, history: &FamilyHistory) -> Result<()> {
        let Some(folder) = self.folder else { return Ok(()) };
        files::write_folder(folder, |folder| {
            encoder.save(folder)?;
            self.write_history(folder, history)
        })
    }

    fn write_history(&self, folder: &Path, history: &FamilyHistory) -> Result<()> {
        let about = serde_json::json!({
            "params": self.params,
            "class_weights": self.balance.class_weights,
            "draws": self.balance.draws,
            "logit_offsets": self.balance.logit_offsets,
            "seed": self.seed,
            "history": history,
        });
        files::write_json(&folder.join("train_params.json"), &about)
    }
}

/// Judges the encoder on the validation rows at the end of an epoch.
fn judge(encoder: &FamilyEncoder, validation: &Flows, steps: &Steps<'_>) -> Result<Epoch> {
    let judged = encoder.predict(validation)?;
    let families = encoder.families().to_vec();
    let predicted = judged.said.best();
    let scores = Confusion::from_indices(families, &judged.truth, &predicted)?.scores();
    Ok(Epoch {
        epoch: steps.epoch(),
        train_loss: steps.epoch_loss(),
        validation_loss: judged.said.loss(&judged.truth),
        validation_accuracy: scores.accuracy,
        validation_f1_macro: scores.f1.macro_,
        seconds: steps.pace().epoch_seconds(),
    })
}

/// What training lowers: the cross-entropy, weighted by class and with offsets added to the logits
/// where the balance has them, and the supervised contrastive loss beside it where it is asked for.
struct Objective {
    contrastive: Option<Contrastive>,
    class_weights: Option<Tensor>,
    offsets: Option<Tensor>,
}

impl Objective {
    fn new(contrastive: Option<Contrastive>, balance: Balance<'_>, device: Device) -> Self {
        let numbers = |numbers: Option<&[f64]>| {
            numbers.map(|x| Tensor::from_slice(x).to_kind(Kind::Float).to_device(device))
        };
        Self {
            contrastive,
            class_weights: numbers(balance.class_weights),
            offsets: numbers(balance.logit_offsets),
        }
    }

    /// The loss of a batch: features `[rows, features]` and a label of each row.
    fn loss(&self, encoder: &FamilyEncoder, features: &Tensor, labels: &Tensor) -> Tensor {
        let [features, labels] = [features, labels].map(|one| one.to_device(encoder.device()));
        let embeddings = encoder.embed_batch(&features, true);
        let logits = match &self.offsets {
            Some(offsets) => encoder.logits(&embeddings) + offsets,
            None => encoder.logits(&embeddings),
        };
        let weights = self.class_weights.as_ref();
        let loss = logits.cross_entropy_loss(&labels, weights, Reduction::Mean, -100, 0.0);
        match self.contrastive {
            Some(Contrastive { weight, temperature }) => {
                loss + supervised_contrastive(&embeddings, &labels, temperature) * weight
            }
            None => loss,
        }
    }
}

/// Gives out how often each row is drawn, so that every family comes to its number on the whole.
struct Draws {
    of_family: Vec<f64>,
    owed: Vec<f64>,
}

impl Draws {
    fn new(draws: &[f64]) -> Self {
        // From a half on, so that of two rows at 0.5 one is drawn, and of one row at 0.6 too.
        Self { of_family: draws.to_vec(), owed: vec![0.5; draws.len()] }
    }

    fn next(&mut self, family: usize) -> usize {
        self.owed[family] += self.of_family[family];
        let whole = self.owed[family].floor();
        self.owed[family] -= whole;
        whole as usize
    }
}

/// Rows in one epoch.
fn drawn(flows: &Flows, draws: Option<&[f64]>) -> usize {
    let Some(draws) = draws else { return flows.len() };
    let mut draws = Draws::new(draws);
    let families = flows.counts().iter().enumerate();
    families.map(|(family, &rows)| (0..rows).map(|_| draws.next(family)).sum::<usize>()).sum()
}

/// An epoch of a part's rows in shuffled batches, without all of them in memory: its pieces are
/// read in a shuffled order into a pool of `shuffle_rows` rows, each batch is drawn from all of the
/// pool, and what was drawn is made up for by the next piece. Rows of a file that is sorted are
/// mixed as far as the pool reaches. The order is a function of file, settings and seed alone.
struct Batches<'a> {
    flows: &'a Flows,
    standardiser: &'a Standardiser,
    draws: Option<Draws>,
    order: Vec<usize>,
    next: usize,
    target: usize,
    wide: usize,
    pool: Vec<f32>,
    pool_labels: Vec<i64>,
    batch: Vec<f32>,
    batch_labels: Vec<i64>,
    random: ChaCha8Rng,
}

impl<'a> Batches<'a> {
    fn new(
        flows: &'a Flows,
        standardiser: &'a Standardiser,
        draws: Option<&[f64]>,
        shuffle_rows: usize,
        seed: u64,
    ) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..flows.pieces()).collect();
        order.shuffle(&mut random);
        Self {
            flows,
            standardiser,
            draws: draws.map(Draws::new),
            order,
            next: 0,
            target: shuffle_rows,
            wide: standardiser.features.len(),
            pool: Vec::new(),
            pool_labels: Vec::new(),
            batch: Vec::new(),
            batch_labels: Vec::new(),
            random,
        }
    }

    /// The next batch: features row by row, and labels; `None` after the last.
    fn next(&mut self, rows: usize) -> Result<Option<(&[f32], &[i64])>> {
        while self.next < self.order.len() && self.pool_labels.len() < self.target.max(rows) {
            let chunk = self.flows.chunk(self.order[self.next])?;
            self.next += 1;
            let features = chunk.features.chunks_exact(self.wide);
            for (row, &label) in features.zip(&chunk.labels) {
                let times = self.draws.as_mut().map_or(1, |draws| draws.next(label as usize));
                for _ in 0..times {
                    self.standardiser.apply(row, &mut self.pool);
                    self.pool_labels.push(i64::from(label));
                }
            }
        }
        self.batch.clear();
        self.batch_labels.clear();
        for _ in 0..rows.min(self.pool_labels.len()) {
            let at = self.random.random_range(0..self.pool_labels.len());
            let last = self.pool_labels.len() - 1;
            self.batch.extend_from_slice(&self.pool[at * self.wide..][..self.wide]);
            self.batch_labels.push(self.pool_labels.swap_remove(at));
            self.pool.copy_within(last * self.wide.., at * self.wide);
            self.pool.truncate(last * self.wide);
        }
        Ok((!self.batch_labels.is_empty()).then_some((&self.batch, &self.batch_labels)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::family::FlowColumns;

    /// A CSV of so many rows, sorted by family; the feature is the row's number.
    fn flows(folder: &Path, rows: usize) -> Flows {
        use std::fmt::Write;
        let mut text = "x,family\n".to_owned();
        for row in 0..rows {
            writeln!(text, "{row},{}", if row < rows / 10 { "a" } else { "b" }).unwrap();
        }
        let path = folder.join("flows.csv");
        std::fs::write(&path, text).unwrap();
        let data = FlowData::from_files(&path, &path, None, &FlowColumns::default()).unwrap();
        data.train
    }

    fn epoch(flows: &Flows, draws: Option<&[f64]>, pool: usize, seed: u64) -> Vec<f32> {
        let standardiser = Standardiser {
            features: vec!["x".into()],
            mean: vec![0.0],
            deviation: vec![1.0],
            rows: 1,
        };
        let mut batches = Batches::new(flows, &standardiser, draws, pool, seed);
        let mut all = Vec::new();
        while let Some((features, labels)) = batches.next(100).unwrap() {
            assert_eq!(features.len(), labels.len());
            all.extend_from_slice(features);
        }
        all
    }

    #[test]
    fn a_pass_has_every_row_once_in_an_order_of_the_seed() {
        let folder = tempfile::tempdir().unwrap();
        let flows = flows(folder.path(), 20_050);
        let one = epoch(&flows, None, 5_000, 1);
        assert_eq!(one, epoch(&flows, None, 5_000, 1));
        assert_ne!(one, epoch(&flows, None, 5_000, 2));
        let mut sorted = one.clone();
        sorted.sort_by(f32::total_cmp);
        assert_eq!(sorted, (0..20_050).map(|row| row as f32).collect::<Vec<_>>());
        // With a pool of all rows the first batch is of the whole file.
        let whole = epoch(&flows, None, 1_000_000, 1);
        let mean = whole[..1_000].iter().sum::<f32>() / 1_000.0;
        assert!((mean - 10_025.0).abs() < 1_000.0, "{mean}");
    }

    #[test]
    fn rows_are_drawn_as_often_as_their_family_is_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let flows = flows(folder.path(), 1_000);
        let draws = [2.5, 0.1];
        let all = epoch(&flows, Some(&draws), 300, 1);
        let of_a = all.iter().filter(|x| **x < 100.0).count();
        assert_eq!((of_a, all.len() - of_a), (250, 90));
        assert_eq!(drawn(&flows, Some(&draws)), all.len());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let said = |params: FamilyParams| params.check().unwrap_err().to_string();
        let base = FamilyParams::default();
        base.check().unwrap();
        assert!(said(FamilyParams { epochs: 0, ..base.clone() }).contains("training.epochs"));
        let contrastive = Some(Contrastive { weight: 1.0, temperature: 0.0 });
        let text = said(FamilyParams { contrastive, ..base.clone() });
        assert!(text.contains("contrastive.temperature: 0 is not above 0"), "{text}");
        let balance = |weights| Balance { class_weights: Some(weights), ..Balance::default() };
        let text = balance(&[1.0]).check(2).unwrap_err().to_string();
        assert_eq!(text, "setting class_weights: 1 numbers for 2 families");
        let text = balance(&[1.0, f64::NAN]).check(2).unwrap_err().to_string();
        assert_eq!(text, "setting class_weights: NaN for family 1");
    }
}
