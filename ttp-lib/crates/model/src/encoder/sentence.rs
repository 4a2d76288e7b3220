//! The transformer as a sentence model: one vector a sentence, and sentences that mean the
//! same near each other (Reimers and Gurevych, *Sentence-BERT*, 2019).

use super::body::{self, Body, POOLER};
use super::modules::Modules;
use super::save;
use super::transformer::WordGradient;
use crate::batch::{self, Batch, Size};
use crate::pretrained::{Architecture, Checkpoint, CheckpointTokenizer, LoadSummary};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use tch::{Device, Kind, Tensor};
use ttp_base::{Error, Result};

/// A model that gives one vector of length 1 for each sentence, as sentence-transformers makes it
/// of the modules that the checkpoint's files name: `Transformer`, `Pooling`, and `Dense`,
/// `LayerNorm` or `Dropout` layers behind it. Without `modules.json` it is the mean of the last
/// layer over the sentence's tokens. `Normalize` always comes last.
pub struct SentenceEncoder {
    body: Body,
    modules: Modules,
    loaded: LoadSummary,
    family: Architecture,
    hidden: i64,
    notes: Vec<String>,
    config: String,
}

impl SentenceEncoder {
    /// Builds the model on `device` and loads the checkpoint's weights. `seed` starts the
    /// weights of a checkpoint that is random by its catalogue entry.
    ///
    /// # Errors
    /// If the checkpoint's weights do not fit, or a file of its modules is missing, wrong, or says
    /// what is not computed here: the file and the field.
    pub fn new(checkpoint: &Checkpoint, device: Device, seed: u64) -> Result<Self> {
        let modules = Modules::new(checkpoint, device)?;
        // A pooler has no part in the vectors. It is kept, so that the saved model is whole.
        let family = checkpoint.family();
        let pooler = checkpoint.tensor_names()?.iter().any(|name| name.contains(POOLER));
        let body = Body::new(checkpoint, device, pooler && family != Architecture::Roberta)?;
        let loaded = body.load(checkpoint, &[], seed)?;
        let mut notes = checkpoint.notes();
        notes.extend(body::no_pooler_note(family, pooler));
        notes.extend_from_slice(modules.notes());
        let hidden = checkpoint.size("hidden_size");
        let config = serde_json::Value::Object(checkpoint.config.clone()).to_string();
        Ok(Self { body, modules, loaded, family, hidden, notes, config })
    }

    /// What a user should know of the checkpoint, a line each; empty for most.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The longest sentence in tokens, special tokens included: what is behind it is cut off,
    /// however long the tokenizer lets sentences be.
    pub fn max_length(&self) -> usize {
        self.modules.max_length()
    }

    /// Numbers of a vector.
    pub fn dimensions(&self) -> usize {
        self.modules.dimensions()
    }

    /// The token ids of sentences as the model was made to read them: behind its prompt, in its
    /// case, and no longer than its longest.
    ///
    /// # Errors
    /// If a sentence cannot be tokenised.
    pub fn ids(&self, tokenize: &CheckpointTokenizer, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        self.modules.ids(tokenize, texts)
    }

    /// SHA-256 of all that a sentence's vector depends on: weights, modules, configuration,
    /// tokenizer, and the version of this program; in hexadecimal digits.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn fingerprint(&self, tokenize: &CheckpointTokenizer) -> Result<String> {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        part(env!("CARGO_PKG_VERSION").as_bytes());
        part(self.config.as_bytes());
        part(self.modules.fingerprint().as_bytes());
        part(tokenize.description()?.as_bytes());
        for (name, variable) in self.parameters() {
            part(name.as_bytes());
            part(format!("{:?}", variable.size()).as_bytes());
            part(&save::bytes_of(&variable)?);
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What was loaded, what started anew and what of the file was passed over.
    pub fn loaded(&self) -> &LoadSummary {
        &self.loaded
    }

    /// The device the model is on.
    pub fn device(&self) -> Device {
        self.body.vars.device()
    }

    /// Every variable that sentence vectors train, with its name: all but a pooler.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let mut parameters = self.body.parameters_but_pooler();
        parameters.extend(self.modules.parameters());
        parameters
    }

    /// The word embeddings' name among [`parameters`](Self::parameters).
    pub fn words(&self) -> String {
        self.body.words()
    }

    /// Vectors `[rows, dimensions]` of length 1; `training` switches dropout on.
    ///
    /// # Errors
    /// None in practice: libtorch takes every batch that [`Batch::new`] makes.
    pub fn vectors(&self, batch: &Batch, training: bool) -> Result<Tensor> {
        let words = if training { WordGradient::Sparse } else { WordGradient::Dense };
        let states = self.body.states(batch, words, training);
        Ok(self.modules.vectors(&states, &batch.mask, training))
    }

    /// The vectors `[rows, dimensions]` of some tokenised sentences, in their order, of length 1.
    /// They are run in a few batches of near-equal length, as a vector depends on its own
    /// sentence only: sentences that belong together by their meaning have all lengths, and
    /// padded to the longest of them half of the work would be padding. Also how large they were.
    ///
    /// # Errors
    /// None in practice: libtorch takes every batch that [`Batch::new`] makes.
    pub fn vectors_of(
        &self,
        tokenised: &[Vec<u32>],
        rows: &[usize],
        padding_id: u32,
        training: bool,
    ) -> Result<(Tensor, Size)> {
        const ROWS_AT_ONCE: usize = 16;
        let lengths: Vec<usize> = rows.iter().map(|&row| tokenised[row].len()).collect();
        let (mut vectors, mut size) = (Vec::new(), Size::default());
        let mut place = vec![0_i64; rows.len()];
        let mut done = 0;
        for part in batch::by_length(&lengths, ROWS_AT_ONCE) {
            let sentences: Vec<usize> = part.iter().map(|&at| rows[at]).collect();
            let batch = Batch::new(tokenised, &sentences, padding_id, self.device());
            vectors.push(self.vectors(&batch, training)?);
            size += batch.size();
            for at in part {
                (place[at], done) = (done, done + 1);
            }
        }
        let place = Tensor::from_slice(&place).to_device(self.device());
        Ok((Tensor::cat(&vectors, 0).index_select(0, &place), size))
    }

    /// The vector of every text, in the texts' order. `watch` is told after each batch how
    /// many texts it had.
    ///
    /// # Errors
    /// If a text cannot be tokenised, a batch cannot be run, or the model gives what is no finite
    /// number: the row, from 1.
    pub fn embed(
        &self,
        tokenize: &CheckpointTokenizer,
        texts: &[&str],
        watch: &mut dyn FnMut(usize),
    ) -> Result<Vectors> {
        let (tokenised, padding_id) = (self.ids(tokenize, texts)?, tokenize.padding_id());
        let run = |batch: &Batch| self.vectors(batch, false);
        Vectors::of_batches(&tokenised, padding_id, self.device(), self.dimensions(), run, watch)
    }

    /// Writes the model in the hub's layout, with the files by which sentence-transformers opens
    /// it as it is used here: prompt, case, pooling and layers are the checkpoint's own, and a text
    /// is cut at `max_length` tokens, or where the checkpoint's own limit is lower, there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path, checkpoint: &Checkpoint, max_length: usize) -> Result<()> {
        let architecture = format!("{}Model", self.family.class());
        let about = Map::from_iter([("architectures".to_owned(), json!([architecture]))]);
        save::save(folder, checkpoint, &self.body.parameters(), about)?;
        self.modules.save(folder, self.hidden, max_length)
    }
}

/// Vectors of one length in numbers, row after row, all finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    dimensions: usize,
    numbers: Vec<f32>,
}

impl Vectors {
    /// Takes rows of `dimensions` numbers laid end to end.
    ///
    /// # Errors
    /// If they are no whole rows, or a number is not finite: its row, from 1, is named.
    pub fn new(dimensions: usize, numbers: Vec<f32>) -> Result<Self> {
        let wrong = |reason| Err(Error::Setting { field: "vectors", reason });
        if dimensions == 0 || !numbers.len().is_multiple_of(dimensions) {
            let count = numbers.len();
            return wrong(format!("{count} numbers are no whole rows of {dimensions}"));
        }
        if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
            return wrong(format!("{} in row {}", numbers[at], at / dimensions + 1));
        }
        Ok(Self { dimensions, numbers })
    }

    /// What a model makes of some tokenised texts, `[rows, dimensions]` a batch of near-equal
    /// length, in the texts' order. `watch` is told after each batch how many rows it had.
    pub(super) fn of_batches(
        tokenised: &[Vec<u32>],
        padding_id: u32,
        device: Device,
        dimensions: usize,
        run: impl Fn(&Batch) -> Result<Tensor>,
        watch: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        const ROWS_AT_ONCE: usize = 64;
        let lengths: Vec<usize> = tokenised.iter().map(Vec::len).collect();
        let mut numbers = vec![0_f32; tokenised.len() * dimensions];
        for rows in batch::by_length(&lengths, ROWS_AT_ONCE) {
            let batch = Batch::new(tokenised, &rows, padding_id, device);
            let vectors = tch::no_grad(|| run(&batch))?;
            let vectors = vectors.to_kind(Kind::Float).to_device(Device::Cpu).contiguous().view(-1);
            let vectors =
                Vec::<f32>::try_from(vectors).map_err(Error::library("reading vectors"))?;
            for (vector, row) in vectors.chunks_exact(dimensions).zip(&rows) {
                numbers[row * dimensions..][..dimensions].copy_from_slice(vector);
            }
            watch(rows.len());
        }
        if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
            let row = at / dimensions.max(1) + 1;
            let reason = format!("row {row}: the model gives NaN or an infinity");
            return Err(Error::Library { what: "computing vectors", reason });
        }
        Self::new(dimensions, numbers)
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.numbers.len() / self.dimensions
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Numbers of each vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// All numbers, row after row.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// One vector.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.dimensions..][..self.dimensions]
    }

    /// The vectors of some rows, in their order.
    #[must_use]
    pub fn of(&self, rows: &[u32]) -> Self {
        let numbers = rows.iter().flat_map(|&row| self.row(row as usize)).copied().collect();
        Self { dimensions: self.dimensions, numbers }
    }

    /// The dot product of two rows: of vectors of length 1 the cosine of their angle.
    ///
    /// ```
    /// use ttp_model::encoder::Vectors;
    /// let vectors = Vectors::new(2, vec![1.0, 0.0, 0.6, 0.8])?;
    /// assert!((vectors.dot(0, 1) - 0.6).abs() < 1e-7);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn dot(&self, a: usize, b: usize) -> f64 {
        self.row(a).iter().zip(self.row(b)).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    /// The dot product of each pair of rows.
    pub fn dots(&self, pairs: &[[u32; 2]]) -> Vec<f64> {
        pairs.iter().map(|&[a, b]| self.dot(a as usize, b as usize)).collect()
    }
}
