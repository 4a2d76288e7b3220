//! The transformer with a head that names techniques: BERT over rust-bert, one
//! dropout and one linear layer on the pooled first token, as in
//! `BertForSequenceClassification`.

use crate::batch::{self, Batch};
use crate::files;
use crate::pretrained::{Checkpoint, Tokenize};
use crate::{Error, Result};
use rust_bert::bert::{BertEmbeddings, BertModel};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use tch::nn::{self, Init, Module};
use tch::{Device, Kind, Tensor};

/// A model that gives each batch row one logit a technique.
pub struct TechniqueEncoder {
    vars: nn::VarStore,
    bert: BertModel<BertEmbeddings>,
    classifier: nn::Linear,
    dropout: f64,
    labels: Vec<String>,
    config: Map<String, Value>,
}

/// The name under which the new head's variables stand.
const HEAD: &str = "classifier";

impl TechniqueEncoder {
    /// Builds the model on `device` and loads the checkpoint's weights; only the
    /// head starts anew, at N(0, 0.02) from `seed`.
    ///
    /// # Errors
    /// If `labels` are fewer than two, or the checkpoint's weights do not fit.
    pub fn new(
        checkpoint: &Checkpoint,
        labels: Vec<String>,
        device: Device,
        seed: u64,
    ) -> Result<Self> {
        let encoder = Self::untrained(checkpoint, labels, device, seed)?;
        // A checkpoint without a pooler (a masked-word model's, say) gets a new one too.
        checkpoint.load_weights(&encoder.vars, &[HEAD, "bert.pooler"])?;
        Ok(encoder)
    }

    /// Opens a model that [`save`](Self::save) wrote, head and labels included.
    ///
    /// # Errors
    /// If the folder's `config.json` has no `id2label`, or the weights do not fit.
    pub fn open(folder: &Path, device: Device) -> Result<Self> {
        let name = format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR);
        let checkpoint = Checkpoint::find(&name, folder)?;
        let labels = labels_of(&checkpoint.config, &folder.join("config.json"))?;
        let encoder = Self::untrained(&checkpoint, labels, device, 0)?;
        checkpoint.load_weights(&encoder.vars, &[])?;
        Ok(encoder)
    }

    fn untrained(
        checkpoint: &Checkpoint,
        labels: Vec<String>,
        device: Device,
        seed: u64,
    ) -> Result<Self> {
        if labels.len() < 2 {
            let reason = format!("{} techniques; a classifier needs at least two", labels.len());
            return Err(Error::Setting { field: "labels", reason });
        }
        let bert_config = checkpoint.bert_config()?;
        tch::manual_seed(seed.cast_signed());
        let vars = nn::VarStore::new(device);
        let bert = BertModel::new(vars.root() / "bert", &bert_config);
        let spread = f64::from(bert_config.initializer_range);
        let head = nn::LinearConfig {
            ws_init: Init::Randn { mean: 0.0, stdev: spread },
            bs_init: Some(Init::Const(0.0)),
            bias: true,
        };
        let classifier =
            nn::linear(vars.root() / HEAD, bert_config.hidden_size, labels.len() as i64, head);
        let dropout = bert_config.hidden_dropout_prob;
        Ok(Self { vars, bert, classifier, dropout, labels, config: checkpoint.config.clone() })
    }

    /// The techniques, in the order of the logits.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The device the model is on.
    pub fn device(&self) -> Device {
        self.vars.device()
    }

    /// Every trainable variable with its name, in the order of the names.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let by_name: BTreeMap<_, _> = self.vars.variables().into_iter().collect();
        by_name.into_iter().filter(|(_, variable)| variable.requires_grad()).collect()
    }

    /// Number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, variable)| variable.numel()).sum()
    }

    /// Logits `[rows, techniques]`; `training` switches dropout on.
    ///
    /// # Errors
    /// If rust-bert refuses the batch.
    pub fn logits(&self, batch: &Batch, training: bool) -> Result<Tensor> {
        let types = batch.token_types();
        let output = self
            .bert
            .forward_t(
                Some(&batch.ids),
                Some(&batch.mask),
                Some(&types),
                None,
                None,
                None,
                None,
                training,
            )
            .map_err(Error::library("running the encoder"))?;
        let pooled = output.pooled_output.ok_or_else(|| Error::Library {
            what: "running the encoder",
            reason: "the model has no pooled output".to_owned(),
        })?;
        Ok(self.classifier.forward(&pooled.dropout(self.dropout, training)))
    }

    /// Probabilities of every technique for every text, in the texts' order.
    ///
    /// # Errors
    /// If a text cannot be tokenised or a batch cannot be run.
    pub fn predict(&self, tokenize: &Tokenize, texts: &[&str]) -> Result<Predictions> {
        let tokenised = tokenize.ids(texts)?;
        self.predict_tokenised(&tokenised, tokenize.padding_id())
    }

    /// As [`predict`](Self::predict), for texts that are token ids already.
    ///
    /// # Errors
    /// If a batch cannot be run.
    pub fn predict_tokenised(
        &self,
        tokenised: &[Vec<u32>],
        padding_id: u32,
    ) -> Result<Predictions> {
        const ROWS_AT_ONCE: usize = 64;
        let techniques = self.labels.len();
        let mut probabilities = vec![0_f32; tokenised.len() * techniques];
        let lengths: Vec<usize> = tokenised.iter().map(Vec::len).collect();
        for rows in batch::by_length(&lengths, ROWS_AT_ONCE) {
            let batch = Batch::new(tokenised, &rows, padding_id, self.device());
            let output = tch::no_grad(|| self.logits(&batch, false))?
                .softmax(-1, Kind::Float)
                .to_device(Device::Cpu)
                .contiguous()
                .view(-1);
            let output = Vec::<f32>::try_from(output).map_err(Error::library("reading logits"))?;
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
        std::fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
        self.save_weights(&folder.join("model.safetensors"))?;
        let mut config = self.config.clone();
        let id2label: Map<_, _> =
            self.labels.iter().enumerate().map(|(i, l)| (i.to_string(), json!(l))).collect();
        let label2id: Map<_, _> =
            self.labels.iter().enumerate().map(|(i, l)| (l.clone(), json!(i))).collect();
        config.insert("architectures".into(), json!(["BertForSequenceClassification"]));
        config.insert("id2label".into(), Value::Object(id2label));
        config.insert("label2id".into(), Value::Object(label2id));
        config.insert("problem_type".into(), json!("single_label_classification"));
        config.insert("torch_dtype".into(), json!("float32"));
        files::write_json(&folder.join("config.json"), &config)?;
        for name in
            ["tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"]
        {
            let from = checkpoint.folder.join(name);
            if from.exists() {
                let bytes = std::fs::read(&from).map_err(Error::file(&from, "read"))?;
                let to = folder.join(name);
                files::write_whole(&to, |out| {
                    out.write_all(&bytes).map_err(Error::file(&to, "write"))
                })?;
            }
        }
        Ok(())
    }

    fn save_weights(&self, path: &Path) -> Result<()> {
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (name, variable) in self.parameters() {
            let values = variable.detach().to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
            let mut bytes = vec![0_u8; values.numel() * 4];
            values
                .f_copy_data_u8(&mut bytes, values.numel())
                .map_err(Error::library("reading weights"))?;
            let shape = values.size().iter().map(|&n| n as usize).collect();
            tensors.push((name, shape, bytes));
        }
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| {
                TensorView::new(Dtype::F32, shape.clone(), bytes)
                    .map(|view| (name.clone(), view))
                    .map_err(|error| Error::input(path, format!("{error:?}")))
            })
            .collect::<Result<Vec<_>>>()?;
        // transformers refuses a file that does not say which framework's layout it holds.
        let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let bytes = safetensors::serialize(views, &Some(about))
            .map_err(|error| Error::input(path, format!("{error:?}")))?;
        files::write_whole(path, |out| out.write_all(&bytes).map_err(Error::file(path, "write")))
    }

    /// A copy of all weights, to be put back with [`restore`](Self::restore).
    pub fn snapshot(&self) -> Vec<Tensor> {
        self.parameters().iter().map(|(_, variable)| variable.detach().copy()).collect()
    }

    /// Puts back what [`snapshot`](Self::snapshot) took.
    pub fn restore(&mut self, weights: &[Tensor]) {
        tch::no_grad(|| {
            for ((_, variable), saved) in self.parameters().iter_mut().zip(weights) {
                variable.copy_(saved);
            }
        });
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
        self.probabilities
            .chunks(self.techniques.max(1))
            .map(|row| {
                let mut best = 0;
                for (technique, probability) in row.iter().enumerate() {
                    if *probability > row[best] {
                        best = technique;
                    }
                }
                best
            })
            .collect()
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

/// The labels of a saved classifier, from its `id2label`.
fn labels_of(config: &Map<String, Value>, file: &Path) -> Result<Vec<String>> {
    let wrong = |reason: &str| Error::input_at(file, None, Some("id2label"), reason);
    let map = config
        .get("id2label")
        .and_then(Value::as_object)
        .ok_or_else(|| wrong("missing: not a fine-tuned classifier"))?;
    (0..map.len())
        .map(|id| {
            map.get(&id.to_string())
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| wrong("its keys are not 0, 1, 2 …"))
        })
        .collect()
}
