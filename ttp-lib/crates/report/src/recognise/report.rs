//! What a run finds in documents.

use super::model::{CurveVerdict, ReportModel};
use super::similar::Search;
use crate::{Candidate, DocumentFindings, Judgement, NOBODY_SAID, Report, Technique, VERSION};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use ttp_documents::{Document, Sentence};
use ttp_lib::{Error, Result};

/// How many techniques are said of a sentence.
const CANDIDATES: usize = 5;
/// The most sentences of one run. A report has some hundred, a book of 400 pages some ten thousand;
/// with more a run takes more than a minute or 1 GiB.
pub const MOST_SENTENCES: usize = 50_000;
/// From which probability that it shows a technique on a sentence is looked up among the bundle's.
const SHOWS: f64 = 0.5;

/// How documents are read.
#[derive(Clone, Copy)]
pub struct Options<'s> {
    /// The precision that is asked for, above 0 and at most 1.
    pub precision: f64,
    /// Where to look for the nearest techniques of sentences that seem to show one, and none is sure
    /// enough; none where that is not asked for.
    pub similar: Option<&'s Search>,
    /// When the documents are read, in UTC as RFC 3339 writes it ([`Report::created`]).
    pub created: &'s str,
}

impl Default for Options<'_> {
    /// A precision of 0.8, and nothing similar.
    fn default() -> Self {
        Self { precision: 0.8, similar: None, created: NOBODY_SAID }
    }
}

/// Finds the techniques that documents show.
///
/// A sentence is evidence of its most probable technique where that one's probability reaches the
/// threshold of the precision. Techniques are listed over all documents, surest first.
///
/// # Errors
/// If no threshold has the precision, there are more than [`MOST_SENTENCES`], or a model cannot be
/// asked.
pub fn recognise(
    documents: Vec<Document>,
    model: &ReportModel,
    options: &Options<'_>,
) -> Result<Report> {
    let with_sentences = |document: Document| {
        let sentences = document.sentences();
        (document, sentences)
    };
    recognise_sentences(documents.into_iter().map(with_sentences).collect(), model, options)
}

/// The same of documents whose sentences are known.
///
/// # Errors
/// As [`recognise`].
pub fn recognise_sentences(
    documents: Vec<(Document, Vec<Sentence>)>,
    model: &ReportModel,
    options: &Options<'_>,
) -> Result<Report> {
    let recogniser = model.recogniser(options.precision)?;
    refuse_too_many(&documents)?;
    let texts: Vec<&str> = documents
        .iter()
        .flat_map(|(_, sentences)| sentences.iter().map(|sentence| sentence.text.as_str()))
        .collect();
    let verdicts = model.verdicts(&texts)?;
    let is_evidence = |verdict: &CurveVerdict| verdict.best().1 >= recogniser.threshold;
    let mut similar: BTreeMap<usize, Vec<crate::Similar>> = BTreeMap::new();
    if let Some(search) = options.similar {
        let asked: Vec<usize> = (0..texts.len())
            .filter(|at| !is_evidence(&verdicts[*at]) && 1.0 - verdicts[*at].none >= SHOWS)
            .collect();
        let labels = &model.about().labels;
        let label = |id: &str| labels.iter().find(|label| label.trained == id);
        let today =
            |id: &str| label(id).map_or_else(|| id.to_owned(), |label| label.technique.clone());
        let of_asked: Vec<&str> = asked.iter().map(|at| texts[*at]).collect();
        let near = search.near(&of_asked, &today, &|id| label(id).is_some())?;
        similar.extend(asked.into_iter().zip(near));
    }
    drop(texts);
    let mut verdicts_left = verdicts.iter().enumerate();
    let mut read = Vec::with_capacity(documents.len());
    for (document, sentences) in documents {
        let judged = sentences.into_iter().zip(verdicts_left.by_ref());
        let judged = judged.map(|(sentence, (at, verdict))| Judgement {
            sentence,
            evidence: is_evidence(verdict),
            none: verdict.none,
            candidates: candidates(model, verdict),
            similar: similar.remove(&at).unwrap_or_default(),
            accepted: None,
            corrected: None,
        });
        read.push(DocumentFindings { document, sentences: judged.collect() });
    }
    let techniques = techniques(model, &read);
    Ok(Report {
        version: VERSION,
        created: options.created.to_owned(),
        model: recogniser,
        names: names(model, &techniques, &read),
        techniques,
        documents: read,
        label_changes: model.about().label_changes.clone(),
    })
}

/// Refuses more sentences than are asked about, and names the document with the most.
fn refuse_too_many(documents: &[(Document, Vec<Sentence>)]) -> Result<()> {
    let all: usize = documents.iter().map(|(_, sentences)| sentences.len()).sum();
    let largest = documents.iter().max_by_key(|(_, sentences)| sentences.len());
    match largest {
        Some((document, sentences)) if all > MOST_SENTENCES => {
            let reason = format!(
                "{} of {all} sentences, and at most {MOST_SENTENCES} are read in one run: part it",
                sentences.len()
            );
            Err(Error::input(Path::new(&document.name), reason))
        }
        _ => Ok(()),
    }
}

/// The names of the techniques that are candidates or near, and evidence of no sentence.
fn names(
    model: &ReportModel,
    found: &[Technique],
    read: &[DocumentFindings],
) -> BTreeMap<String, String> {
    let sentences = || read.iter().flat_map(|read| &read.sentences);
    let candidates =
        sentences().flat_map(|judged| &judged.candidates).map(|c| c.technique.as_str());
    let near = sentences().flat_map(|judged| &judged.similar).map(|near| near.technique.as_str());
    let said: BTreeSet<&str> = candidates.chain(near).collect();
    let is_other = |id: &str| said.contains(id) && found.iter().all(|f| f.technique != id);
    let labels = model.about().labels.iter().filter(|label| is_other(&label.technique));
    labels.map(|label| (label.technique.clone(), label.name.clone())).collect()
}

/// The most probable techniques, most probable first; of equals the first by id.
fn candidates(model: &ReportModel, verdict: &CurveVerdict) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..verdict.techniques.len()).collect();
    let techniques = model.techniques();
    order.sort_by(|a, b| {
        let by_probability = verdict.techniques[*b].total_cmp(&verdict.techniques[*a]);
        by_probability.then_with(|| a.cmp(b))
    });
    let candidate = |at: usize| Candidate {
        technique: techniques[at].technique.clone(),
        probability: verdict.techniques[at],
    };
    order.into_iter().take(CANDIDATES).map(candidate).collect()
}

/// A sentence's probability, and its document and place.
type Evidence = (f64, (usize, usize));

/// The techniques of all evidence, surest first; of equally sure ones the one with more sentences.
fn techniques(model: &ReportModel, read: &[DocumentFindings]) -> Vec<Technique> {
    let mut found: BTreeMap<&str, Vec<Evidence>> = BTreeMap::new();
    for (document, read) in read.iter().enumerate() {
        for (at, judged) in read.sentences.iter().enumerate() {
            let Some(first) = judged.candidates.first().filter(|_| judged.evidence) else {
                continue;
            };
            let evidence = found.entry(&first.technique).or_default();
            evidence.push((first.probability, (document, at)));
        }
    }
    let mut techniques = Vec::with_capacity(found.len());
    for label in model.techniques() {
        let Some(mut evidence) = found.remove(label.technique.as_str()) else { continue };
        evidence.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        techniques.push(Technique {
            technique: label.technique.clone(),
            name: label.name.clone(),
            stix_id: label.stix_id.clone(),
            tactics: label.tactics.clone(),
            probability: evidence.first().map_or(0.0, |(probability, _)| *probability),
            evidence: evidence.into_iter().map(|(_, place)| place).collect(),
        });
    }
    techniques.sort_by(|a, b| {
        let by_evidence = b.evidence.len().cmp(&a.evidence.len());
        b.probability.total_cmp(&a.probability).then(by_evidence)
    });
    techniques
}
