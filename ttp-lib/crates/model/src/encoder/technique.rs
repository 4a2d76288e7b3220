//! The transformer with a head that names techniques, as transformers has it in
//! `BertForSequenceClassification` (one dropout and one linear layer on the pooled first
//! token), `RobertaForSequenceClassification` and `MPNetForSequenceClassification` (two layers on
//! the first token). Instead of the first token the head may read the mean over all ([`Pooling`]).

use super::body::{self, Body};
use super::pooling::{Pooling, mean_over_tokens};
use super::sentence::Vectors;
use super::snapshot::{restore, snapshot};
use super::transformer::WordGradient;
use super::{labels, save};
use crate::batch::{self, Batch};
use crate::pretrained::{Architecture, Checkpoint, CheckpointTokenizer, LoadSummary, Problem};
use crate::rows::Rows;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};
use ttp_base::{Error, Result, first_highest};

/// A model that gives each batch row one logit a technique.
pub struct TechniqueEncoder {
    body: Body,
    pooling: Pooling,
    head: Head,
    /// Of what the head reads first: `classifier_dropout`.
    dropout: f64,
    labels: Vec<String>,
    problem: Problem,
    loaded: LoadSummary,
    notes: Vec<String>,
    /// Where it was read from: `config.json`.
    file: PathBuf,
}

/// What makes logits of the first token.
enum Head {
    /// One layer on the pooled token.
    Bert(nn::Linear),
    /// Two layers on the token itself, which has no pooler.
    Roberta { dense: nn::Linear, output: nn::Linear },
}

/// The name under which the head's variables stand.
const HEAD: &str = "classifier";

impl TechniqueEncoder {
    /// Builds the model on `device` and loads the checkpoint's weights; the head starts
    /// anew, at N(0, `initializer_range`) from `seed`.
    ///
    /// # Errors
    /// If `labels` are fewer than two, the checkpoint's weights do not fit, or it was made for
    /// several labels a text or for numbers, by its `problem_type`.
    pub fn new(
        checkpoint: &Checkpoint,
        labels: Vec<String>,
        device: Device,
        seed: u64,
    ) -> Result<Self> {
        Self::with_pooling(checkpoint, labels, Pooling::FirstToken, device, seed)
    }

    /// As [`new`](Self::new), with a choice of what the head reads.
    ///
    /// # Errors
    /// As there.
    pub fn with_pooling(
        checkpoint: &Checkpoint,
        labels: Vec<String>,
        pooling: Pooling,
        device: Device,
        seed: u64,
    ) -> Result<Self> {
        labels::refuse_other_training(checkpoint)?;
        let mut encoder = Self::untrained(checkpoint, labels, pooling, device)?;
        // A checkpoint without a pooler (a masked-word model's, say) gets a new one too.
        encoder.loaded = encoder.body.load(checkpoint, &[HEAD, "bert.pooler"], seed)?;
        encoder.notes.extend(body::new_pooler_note(&encoder.loaded));
        Ok(encoder)
    }

    /// Opens a model that [`save`](Self::save) wrote, or transformers, head and labels included.
    /// Without `id2label` the labels of a head of two, or of as many as `num_labels` says, are
    /// `LABEL_0`, `LABEL_1` … as in transformers.
    ///
    /// # Errors
    /// If the folder holds no classifier of texts (its `problem_type` is `regression`, its
    /// `architectures` are other ones, its head's labels have no names), or the weights do not fit.
    pub fn open(folder: &Path, device: Device) -> Result<Self> {
        let name = folder.display().to_string();
        let checkpoint = Checkpoint::open(&name, folder)?;
        let labels = labels::of(&checkpoint)?;
        let (problem, notes) = (labels::problem(&checkpoint)?, labels::notes(&checkpoint, &labels));
        let pooling = Pooling::of(&checkpoint)?;
        let mut encoder = Self::untrained(&checkpoint, labels, pooling, device)?;
        encoder.loaded = encoder.body.load(&checkpoint, &[], 0)?;
        encoder.problem = problem;
        encoder.notes.extend(notes);
        Ok(encoder)
    }

    fn untrained(
        checkpoint: &Checkpoint,
        labels: Vec<String>,
        pooling: Pooling,
        device: Device,
    ) -> Result<Self> {
        if labels.len() < 2 {
            let reason = format!("{} techniques; a classifier needs at least two", labels.len());
            return Err(Error::Setting { field: "labels", reason });
        }
        let config = checkpoint.bert_config()?;
        let (hidden, techniques) = (config.hidden_size, labels.len() as i64);
        let pooler = pooling == Pooling::FirstToken && checkpoint.family() == Architecture::Bert;
        let body = Body::new(checkpoint, device, pooler)?;
        let place = body.vars.root() / HEAD;
        let head = match checkpoint.family() {
            Architecture::Bert => Head::Bert(body::linear(place, hidden, techniques)),
            Architecture::Roberta | Architecture::Mpnet => Head::Roberta {
                dense: body::linear(&place / "dense", hidden, hidden),
                output: body::linear(&place / "out_proj", hidden, techniques),
            },
        };
        Ok(Self {
            body,
            pooling,
            head,
            dropout: checkpoint.classifier_dropout(),
            labels,
            problem: Problem::SingleLabel,
            loaded: LoadSummary::default(),
            notes: checkpoint.notes(),
            file: checkpoint.folder.join("config.json"),
        })
    }

    /// What was loaded, what started anew and what of the file was passed over.
    pub fn loaded(&self) -> &LoadSummary {
        &self.loaded
    }

    /// What a user should know of the checkpoint, a line each; empty for most.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether a text has one label or several, by the configuration's `problem_type`.
    pub fn problem(&self) -> Problem {
        self.problem
    }

    /// The techniques, in the order of the logits.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What of the last layer the head reads.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// The device the model is on.
    pub fn device(&self) -> Device {
        self.body.vars.device()
    }

    /// Every trainable variable with its name, in the order of the names.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        self.body.parameters()
    }

    /// Number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, variable)| variable.numel()).sum()
    }

    /// The last layer, `[rows, length, hidden]`; `training` switches dropout on.
    ///
    /// # Errors
    /// None in practice: libtorch takes every batch that [`Batch::new`] makes.
    pub fn hidden(&self, batch: &Batch, training: bool) -> Result<Tensor> {
        Ok(self.body.states(batch, WordGradient::Dense, training))
    }

    /// Logits `[rows, techniques]`; `training` switches dropout on.
    ///
    /// # Errors
    /// None in practice: libtorch takes every batch that [`Batch::new`] makes.
    pub fn logits(&self, batch: &Batch, training: bool) -> Result<Tensor> {
        let (Head::Bert(output) | Head::Roberta { output, .. }) = &self.head;
        let before = self.before_output(batch, training)?;
        Ok(output.forward(&before.dropout(self.dropout, training)))
    }

    /// What the last layer makes its logits of, `[rows, hidden]`: BERT's pooled first token or the
    /// mean over the tokens, or what RoBERTa's first layer makes of either.
    fn before_output(&self, batch: &Batch, training: bool) -> Result<Tensor> {
        let words = if training { WordGradient::Sparse } else { WordGradient::Dense };
        let pooled = match self.pooling {
            Pooling::FirstToken => self.body.first_token(batch, words, training),
            Pooling::MeanTokens => {
                mean_over_tokens(&self.body.states(batch, words, training), &batch.mask)
            }
        };
        Ok(match &self.head {
            Head::Bert(_) => pooled,
            Head::Roberta { dense, .. } => {
                dense.forward(&pooled.dropout(self.dropout, training)).tanh()
            }
        })
    }

    /// The word embeddings' name among [`parameters`](Self::parameters).
    pub fn words(&self) -> String {
        self.body.words()
    }

    /// The vectors that the last layer makes its logits of, in the rows' order: what another
    /// head can be trained on. `watch` is told after each batch how many rows it had.
    ///
    /// # Errors
    /// If a batch cannot be run, or the model gives what is no number.
    pub fn features(
        &self,
        tokenised: &[Vec<u32>],
        padding_id: u32,
        watch: &mut dyn FnMut(usize),
    ) -> Result<Vectors> {
        let (Head::Bert(output) | Head::Roberta { output, .. }) = &self.head;
        let dimensions = output.ws.size()[1].unsigned_abs() as usize;
        let run = |batch: &Batch| self.before_output(batch, false);
        Vectors::of_batches(tokenised, padding_id, self.device(), dimensions, run, watch)
    }

    /// Probabilities `[rows, techniques]` of logits: by the softmax, or where a text has several
    /// labels each by the logistic function. Those of a row with a logit that is no finite number
    /// are all NaN.
    pub(crate) fn probabilities(&self, logits: &Tensor) -> Tensor {
        let logits = logits.to_kind(Kind::Float);
        let probabilities = match self.problem {
            Problem::MultiLabel => logits.sigmoid(),
            Problem::SingleLabel | Problem::Regression => logits.softmax(-1, Kind::Float),
        };
        let is_sound = logits.isfinite().all_dim(-1, true);
        probabilities.where_scalarother(&is_sound, f64::NAN)
    }

    /// Probabilities of every technique for every text, in the texts' order.
    ///
    /// # Errors
    /// As [`predict_tokenised`](Self::predict_tokenised), or if a text cannot be tokenised.
    pub fn predict(&self, tokenize: &CheckpointTokenizer, texts: &[&str]) -> Result<Predictions> {
        let tokenised = tokenize.ids(texts)?;
        self.predict_tokenised(&tokenised, tokenize.padding_id())
    }

    /// As [`predict_tokenised`](Self::predict_tokenised), for a part of a split.
    ///
    /// # Errors
    /// As there.
    pub fn predict_rows(&self, rows: &Rows) -> Result<Predictions> {
        self.predict_tokenised(&rows.tokenised, rows.padding_id)
    }

    /// As [`predict`](Self::predict), for texts that are token ids already.
    ///
    /// # Errors
    /// If a batch cannot be run, a row's logits are NaN or infinite (the row, from 1), or the
    /// model gives a text several labels: here each has one.
    pub fn predict_tokenised(
        &self,
        tokenised: &[Vec<u32>],
        padding_id: u32,
    ) -> Result<Predictions> {
        const ROWS_AT_ONCE: usize = 64;
        if self.problem != Problem::SingleLabel {
            let reason =
                format!("{:?} is not supported: here a text has one label", self.problem.name());
            return Err(Error::input_at(&self.file, None, Some("problem_type"), reason));
        }
        let techniques = self.labels.len();
        let mut probabilities = vec![0_f32; tokenised.len() * techniques];
        let lengths: Vec<usize> = tokenised.iter().map(Vec::len).collect();
        for rows in batch::by_length(&lengths, ROWS_AT_ONCE) {
            let batch = Batch::new(tokenised, &rows, padding_id, self.device());
            let logits = tch::no_grad(|| self.logits(&batch, false))?;
            let output = tch::no_grad(|| self.probabilities(&logits));
            let output = output.to_device(Device::Cpu).contiguous().view(-1);
            let output = Vec::<f32>::try_from(output).map_err(Error::library("reading logits"))?;
            if let Some(at) = output.iter().position(|probability| !probability.is_finite()) {
                let row = rows[at / techniques.max(1)] + 1;
                let reason = format!("row {row}: its logits are NaN or infinite");
                return Err(Error::Library { what: "predicting", reason });
            }
            for (at, &row) in rows.iter().enumerate() {
                probabilities[row * techniques..][..techniques]
                    .copy_from_slice(&output[at * techniques..][..techniques]);
            }
        }
        Ok(Predictions { techniques, probabilities })
    }

    /// Writes `model.safetensors` and `config.json` in the hub's layout, each whole
    /// or not at all; the tokenizer's files are copied from the checkpoint.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path, checkpoint: &Checkpoint) -> Result<()> {
        let architecture = format!("{}ForSequenceClassification", checkpoint.family().class());
        let numbered = || self.labels.iter().enumerate();
        let id2label: Map<_, _> = numbered().map(|(i, l)| (i.to_string(), json!(l))).collect();
        let label2id: Map<_, _> = numbered().map(|(i, l)| (l.clone(), json!(i))).collect();
        let about = [
            ("architectures", json!([architecture])),
            ("id2label", Value::Object(id2label)),
            ("label2id", Value::Object(label2id)),
            ("problem_type", json!("single_label_classification")),
        ];
        let mut about = Map::from_iter(about.map(|(field, value)| (field.to_owned(), value)));
        if self.pooling == Pooling::MeanTokens {
            about.insert(Pooling::FIELD.to_owned(), json!("mean"));
        } else if checkpoint.config.contains_key(Pooling::FIELD) {
            about.insert(Pooling::FIELD.to_owned(), json!("cls"));
        }
        if checkpoint.config.contains_key("num_labels") {
            // The checkpoint's own number was another head's.
            about.insert("num_labels".to_owned(), json!(self.labels.len()));
        }
        save::save(folder, checkpoint, &self.parameters(), about)
    }

    /// A copy of all weights, to be put back with [`restore`](Self::restore).
    pub fn snapshot(&self) -> Vec<Tensor> {
        snapshot(self.parameters().iter().map(|(_, weight)| weight))
    }

    /// Puts back what [`snapshot`](Self::snapshot) took.
    pub fn restore(&mut self, weights: &[Tensor]) {
        restore(self.parameters().into_iter().map(|(_, weight)| weight), weights);
    }
}

/// What a model says of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Number of techniques.
    pub techniques: usize,
    /// Probabilities, row after row, each row adding up to 1.
    pub probabilities: Vec<f32>,
}

impl Predictions {
    /// The probabilities of one row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.probabilities[row * self.techniques..][..self.techniques]
    }

    /// Each row's most probable technique; of equals, the first.
    pub fn best(&self) -> Vec<usize> {
        self.probabilities.chunks(self.techniques.max(1)).map(first_highest).collect()
    }

    /// Mean negative log-likelihood of the true techniques, in nats.
    pub fn loss(&self, truth: &[usize]) -> f64 {
        let total: f64 = truth
            .iter()
            .enumerate()
            .map(|(row, &label)| -f64::from(self.row(row)[label].max(f32::MIN_POSITIVE)).ln())
            .sum();
        total / truth.len().max(1) as f64
    }
}
