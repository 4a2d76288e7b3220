//! The nearest techniques of the whole bundle, by a sentence model.

use crate::Similar;
use std::path::Path;
use ttp_lib::corpus::Corpus;
use ttp_lib::encoder::{SentenceEncoder, Vectors};
use ttp_lib::pretrained::{CONFIG, Checkpoint, CheckpointTokenizer, WEIGHTS};
use ttp_lib::similarity::{corpus_vectors, nearest_techniques};
use ttp_lib::{Error, Result, train};

/// What makes a sentence model.
const MAKES_IT: &str = "not there, and --similar asks the sentence model: `ttp similarity`, or `make \
                        notebook NB=11_hard_negatives`, makes it";
/// How many techniques are given for a sentence.
const TECHNIQUES: usize = 3;

/// A sentence model with the corpus's sentences, to search among.
pub struct Search {
    encoder: SentenceEncoder,
    tokenize: CheckpointTokenizer,
    corpus: Corpus,
    vectors: Vectors,
}

impl Search {
    /// Whether a folder holds a sentence model.
    ///
    /// # Errors
    /// Names the first file that is missing, and what makes it.
    pub fn check(folder: &Path) -> Result<()> {
        // One in the form of sentence-transformers may have them in a folder of their own.
        if folder.join("modules.json").is_file() {
            return Ok(());
        }
        let has = |name: &str| folder.join(name).is_file();
        let missing = match () {
            () if !has(CONFIG) => CONFIG,
            () if !WEIGHTS.into_iter().any(has) => WEIGHTS[0],
            () => return Ok(()),
        };
        Err(Error::input(&folder.join(missing), MAKES_IT))
    }

    /// Opens the sentence model of a folder. The corpus's vectors are kept in the folder, where
    /// `ttp similar` has them, too; `watch` is told of each sentence of which one is made.
    ///
    /// # Errors
    /// If the folder holds no sentence model, or a sentence cannot be embedded.
    pub fn open(folder: &Path, corpus: Corpus, watch: &mut dyn FnMut(usize)) -> Result<Self> {
        Self::check(folder)?;
        let checkpoint = Checkpoint::open(&folder.display().to_string(), folder)?;
        let tokenize = checkpoint.tokenizer(checkpoint.places())?;
        let encoder = SentenceEncoder::new(&checkpoint, train::device(), 0)?;
        let file = folder.join("corpus.vectors.safetensors");
        let vectors = corpus_vectors(&file, &encoder, &tokenize, &corpus, watch)?;
        Ok(Self { encoder, tokenize, corpus, vectors })
    }

    /// What a user should know of the sentence model, a line each.
    pub fn notes(&self) -> &[String] {
        self.encoder.notes()
    }

    /// The nearest techniques of each text, each with its nearest sentence, nearest first.
    /// `is_known` says whether the trained model can name a technique.
    pub(super) fn near(
        &self,
        texts: &[&str],
        today: &dyn Fn(&str) -> String,
        is_known: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Vec<Similar>>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let asked = self.encoder.embed(&self.tokenize, texts, &mut |_| ())?;
        let near = |row: usize| {
            let near =
                nearest_techniques(asked.row(row), &self.vectors, &self.corpus, TECHNIQUES, 1);
            let similar = near.into_iter().map(|near| {
                let row = near.evidence.first().map_or(0, |(row, _)| *row);
                Similar {
                    unknown_to_model: !is_known(&near.technique),
                    technique: today(&near.technique),
                    cosine: near.score,
                    sentence: self.corpus.sentences[row].text.clone(),
                }
            });
            similar.collect()
        };
        Ok((0..texts.len()).map(near).collect())
    }
}
