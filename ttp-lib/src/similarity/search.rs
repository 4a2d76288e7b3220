//! From a text to the nearest techniques, with the sentences that speak for them.

use crate::corpus::Corpus;
use crate::encoder::{SentenceEncoder, Vectors};
use crate::pretrained::Tokenize;
use crate::{Error, Result, files};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A technique that is near a text.
#[derive(Debug, Clone, PartialEq)]
pub struct NearTechnique {
    /// The technique: `T1059`.
    pub technique: String,
    /// Its name.
    pub name: String,
    /// The highest cosine of the text with one of its sentences, from −1 to 1.
    pub score: f64,
    /// Its nearest sentences, by their rows, and their cosines, the nearest first.
    pub evidence: Vec<(usize, f64)>,
}

/// The `techniques` nearest to a vector, each with up to `evidence` sentences. `vectors` holds
/// one of length 1 for each sentence of the corpus.
pub fn nearest_techniques(
    text: &[f32],
    vectors: &Vectors,
    corpus: &Corpus,
    techniques: usize,
    evidence: usize,
) -> Vec<NearTechnique> {
    let dot = |row: usize| -> f64 {
        vectors.row(row).iter().zip(text).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let mut scores: Vec<(usize, f64)> = (0..corpus.len()).map(|row| (row, dot(row))).collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut near: Vec<NearTechnique> = Vec::new();
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for (row, score) in scores {
        let sentence = &corpus.sentences[row];
        let at = *place.entry(&sentence.technique).or_insert(near.len());
        if at == near.len() {
            let (technique, name) = (sentence.technique.clone(), sentence.name.clone());
            near.push(NearTechnique { technique, name, score, evidence: Vec::new() });
        }
        if near[at].evidence.len() < evidence {
            near[at].evidence.push((row, score));
        }
    }
    near.truncate(techniques);
    near
}

/// The vectors of a corpus's sentences, kept in a file beside the model that made them.
///
/// # Errors
/// If a sentence cannot be embedded or the file cannot be written. A file that is not of this
/// corpus, or no vectors at all, is made anew.
pub fn corpus_vectors(
    file: &Path,
    encoder: &SentenceEncoder,
    tokenize: &Tokenize,
    corpus: &Corpus,
    watch: &mut dyn FnMut(usize),
) -> Result<Vectors> {
    let fingerprint = fingerprint(corpus);
    if let Some(vectors) = read(file, &fingerprint, corpus.len()) {
        return Ok(vectors);
    }
    let texts: Vec<&str> = corpus.sentences.iter().map(|s| s.text.as_str()).collect();
    let vectors = encoder.embed(tokenize, &texts, watch)?;
    write(file, &fingerprint, &vectors)?;
    Ok(vectors)
}

const TENSOR: &str = "vectors";
const CORPUS: &str = "corpus_sha256";

/// SHA-256 over all texts, in their order.
fn fingerprint(corpus: &Corpus) -> String {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    for sentence in &corpus.sentences {
        digest.update(sentence.text.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(file: &Path, fingerprint: &str, rows: usize) -> Option<Vectors> {
    let bytes = std::fs::read(file).ok()?;
    let (_, about) = SafeTensors::read_metadata(&bytes).ok()?;
    let of = about.metadata().as_ref()?.get(CORPUS)?;
    let tensors = SafeTensors::deserialize(&bytes).ok()?;
    let tensor = tensors.tensor(TENSOR).ok()?;
    let &[stored, dimensions] = tensor.shape() else { return None };
    if of != fingerprint || stored != rows || tensor.dtype() != Dtype::F32 {
        return None;
    }
    let (fours, _) = tensor.data().as_chunks::<4>();
    Vectors::new(dimensions, fours.iter().map(|four| f32::from_le_bytes(*four)).collect()).ok()
}

fn write(file: &Path, fingerprint: &str, vectors: &Vectors) -> Result<()> {
    let wrong = |error| Error::input(file, format!("{error:?}"));
    let bytes: Vec<u8> = vectors.numbers().iter().flat_map(|number| number.to_le_bytes()).collect();
    let shape = vec![vectors.len(), vectors.dimensions()];
    let tensor = TensorView::new(Dtype::F32, shape, &bytes).map_err(wrong)?;
    let about = HashMap::from([(CORPUS.to_owned(), fingerprint.to_owned())]);
    let bytes = safetensors::serialize([(TENSOR, tensor)], &Some(about)).map_err(wrong)?;
    files::write_whole(file, |out| out.write_all(&bytes).map_err(Error::file(file, "write")))
}
