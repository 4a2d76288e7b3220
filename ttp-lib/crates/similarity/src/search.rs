//! From a text to the nearest techniques, with the sentences that speak for them.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use ttp_base::{Error, Result, files};
use ttp_model::encoder::{SentenceEncoder, Vectors};
use ttp_model::pretrained::CheckpointTokenizer;
use ttp_text::corpus::Corpus;

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

/// The vectors of a corpus's sentences, kept in a file beside the model that made them. The file
/// knows by their content the sentences and all that made their vectors
/// ([`SentenceEncoder::fingerprint`]): it is made anew where one of them is another, whatever the
/// files' names and times, and where it holds no such vectors.
///
/// # Errors
/// If a sentence cannot be embedded or the file cannot be written.
pub fn corpus_vectors(
    file: &Path,
    encoder: &SentenceEncoder,
    tokenize: &CheckpointTokenizer,
    corpus: &Corpus,
    watch: &mut dyn FnMut(usize),
) -> Result<Vectors> {
    let of = [(CORPUS, fingerprint(corpus)), (MODEL, encoder.fingerprint(tokenize)?)];
    let shape = [corpus.len(), encoder.dimensions()];
    if let Some(vectors) = read(file, &of, shape) {
        return Ok(vectors);
    }
    let texts: Vec<&str> = corpus.sentences.iter().map(|s| s.text.as_str()).collect();
    let vectors = encoder.embed(tokenize, &texts, watch)?;
    write(file, &of, &vectors)?;
    Ok(vectors)
}

const TENSOR: &str = "vectors";
const CORPUS: &str = "corpus_sha256";
const MODEL: &str = "model_sha256";

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

fn read(file: &Path, of: &[(&str, String)], shape: [usize; 2]) -> Option<Vectors> {
    let bytes = std::fs::read(file).ok()?;
    let (_, about) = SafeTensors::read_metadata(&bytes).ok()?;
    let about = about.metadata().as_ref()?;
    if !of.iter().all(|(key, value)| about.get(*key) == Some(value)) {
        return None;
    }
    let tensors = SafeTensors::deserialize(&bytes).ok()?;
    let tensor = tensors.tensor(TENSOR).ok()?;
    if tensor.shape() != shape || tensor.dtype() != Dtype::F32 {
        return None;
    }
    let (fours, _) = tensor.data().as_chunks::<4>();
    let numbers = fours.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Vectors::new(shape[1], numbers).ok()
}

fn write(file: &Path, of: &[(&str, String)], vectors: &Vectors) -> Result<()> {
    let wrong = |error| Error::input(file, format!("{error:?}"));
    let bytes: Vec<u8> = vectors.numbers().iter().flat_map(|number| number.to_le_bytes()).collect();
    let shape = vec![vectors.len(), vectors.dimensions()];
    let tensor = TensorView::new(Dtype::F32, shape, &bytes).map_err(wrong)?;
    let about: HashMap<String, String> =
        of.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let bytes = safetensors::serialize([(TENSOR, tensor)], &Some(about)).map_err(wrong)?;
    files::write_whole(file, |out| out.write_all(&bytes).map_err(Error::file(file, "write")))
}
