//! How a report model is made: learned from, calibrated, measured.

use super::calibration::{Calibration, Scores};
use super::curve::{Point, curve, frontier};
use super::encoder::{Encoder, EncoderAbout};
use super::labels::labels;
use super::model::{About, NONE, ReportModel};
use super::results::{ModelResults, Results, named};
use super::rows::{Parts, Row, rows};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;
use ttp_lib::calibration::{Logits, Temperature};
use ttp_lib::corpus::clean::normalised;
use ttp_lib::corpus::{Corpus, NearTexts};
use ttp_lib::linear::CompactModel;
use ttp_lib::metrics::Bootstrap;
use ttp_lib::profile::Run;
use ttp_lib::split::{NEAR_DUPLICATE, Shares};
use ttp_lib::{Error, Result};

/// The fewest procedure sentences that a technique is learned from: with 20 it has about two in the
/// validation and two in the test part. Of techniques with fewer nothing could be said.
pub const LEAST: usize = 20;
/// Sentences without a technique for each one with a technique, where precision is measured.
pub const MIX: f64 = 3.0;
/// N-grams of fewer texts are left out.
const LEAST_TEXTS: usize = 2;
/// The weight of the SVM's loss. With sublinear counts and 1 the recall at a precision of 0.8 on the
/// validation set is highest: 0.625; with 0.5 and 2 it is 0.617 and 0.622, with plain counts and 0.2,
/// 0.5 and 1 it is 0.568, 0.614 and 0.612 (scikit-learn 1.7.2 on the same parts).
const C: f64 = 1.0;
/// The encoder's weights that are tried are so many steps from 0 to 1.
const STEPS: u32 = 20;

/// What a report model is made of.
pub struct Training<'a> {
    /// Procedure sentences.
    pub corpus: &'a Corpus,
    /// The bundles that they stand in, with the prose.
    pub bundles: Vec<PathBuf>,
    /// Their ATT&CK version, for instance `10.1`.
    pub version: &'a str,
    /// A later bundle and its version: the labels are followed there.
    pub later: Option<(PathBuf, &'a str)>,
    /// The fewest procedure sentences of a technique, [`LEAST`].
    pub least: usize,
    /// How procedure sentences are parted.
    pub shares: Shares,
    /// How they are drawn.
    pub seed: u64,
    /// How intervals are made.
    pub bootstrap: Bootstrap,
    /// The precision whose threshold is measured, above 0 and at most 1.
    pub precision: f64,
    /// TRAM 2's sentences, where they are at hand.
    pub tram_v2: Option<&'a Corpus>,
    /// Texts of real reports that analysts found to show no technique, where they are at hand.
    pub negatives: Vec<String>,
    /// An encoder to stand beside the linear model.
    pub encoder: Option<WithEncoder<'a>>,
}

impl<'a> Training<'a> {
    /// ATT&CK's bundle of Enterprise that the project is about, and its version.
    pub const BUNDLE: (&'static str, &'static str) =
        ("attack-v10.1/enterprise-attack.json", "10.1");
    /// The later one, and its version.
    pub const LATER: (&'static str, &'static str) = ("attack-v15/enterprise-attack.json", "15.1");

    /// A linear model of these sentences and of the prose in ATT&CK's bundle, with a run's seeds
    /// and shares; the labels are followed to the later bundle where that is at hand. Without
    /// TRAM's sentences.
    pub fn of_run(run: &Run, corpus: &'a Corpus, precision: f64) -> Self {
        let later = (run.folders.raw(Self::LATER.0), Self::LATER.1);
        Self {
            corpus,
            bundles: vec![run.folders.raw(Self::BUNDLE.0)],
            version: Self::BUNDLE.1,
            later: Some(later).filter(|(path, _)| path.is_file()),
            least: LEAST,
            shares: run.profile.split,
            seed: run.seed("split"),
            bootstrap: run.bootstrap("report model"),
            precision,
            tram_v2: None,
            negatives: Vec::new(),
            encoder: None,
        }
    }
}

/// A fine-tuned encoder and what it has learned from.
pub struct WithEncoder<'a> {
    /// Its folder.
    pub folder: &'a Path,
    /// Its training texts: rows with one of them measure and choose nothing.
    pub training: Vec<String>,
}

/// A trained model and what it came to.
#[derive(Debug)]
pub struct TrainedReportModel {
    /// The model: to be asked at once, or saved.
    pub model: ReportModel,
    /// Its figures.
    pub results: Results,
}

/// Trains a report model: the linear one on procedure sentences and prose, its probabilities
/// calibrated and thresholds measured on the validation set; figures are the test part's, which
/// chooses nothing. `watch` is told what is done next.
///
/// # Errors
/// If a bundle cannot be read, has too little prose or too few sentences, the encoder cannot be
/// opened or knows other techniques, or no threshold has the precision.
pub fn train(training: &Training<'_>, watch: &mut dyn FnMut(&str)) -> Result<TrainedReportModel> {
    let begun = Instant::now();
    let bundles: Vec<&Path> = training.bundles.iter().map(PathBuf::as_path).collect();
    watch("reading prose and procedure sentences");
    let (parts, account) =
        rows(training.corpus, &bundles, training.least, training.shares, training.seed)?;
    let known: BTreeSet<&str> =
        parts.train.iter().filter_map(|row| row.technique.as_deref()).collect();
    let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
    let later = training.later.as_ref().map(|(path, _)| path.as_path());
    let (labels, label_changes) = labels(&known, &bundles, later)?;
    let version = training.later.as_ref().map_or(training.version, |(_, version)| version);
    watch(&format!("training on {} sentences, {} techniques", parts.train.len(), known.len()));
    let linear = linear(&parts.train, &known, training.seed)?;
    let validation = of_known(&parts.validation, &known);
    let calibration = calibrated(&linear, &validation, &known)?;
    watch("measuring");
    let about = About {
        version: About::VERSION,
        attack_version: version.to_owned(),
        trained_version: training.version.to_owned(),
        labels,
        label_changes,
        mix: MIX,
        calibration,
        curve: Vec::new(),
        rows: account,
        encoder: None,
        files: BTreeMap::new(),
    };
    let mut model = ReportModel::new(about, linear, None);
    model.about.curve = frontier(&curve(&named(&model, &validation)?, MIX));
    let mut models = BTreeMap::new();
    let test = of_known(&parts.test, &known);
    let mut add = |model: &ReportModel, test: &[&Row], learned: &[String]| -> Result<()> {
        let mut results = ModelResults::of(model, test, training.precision, training.bootstrap)?;
        if let Some(tram) = training.tram_v2 {
            let (tram, negatives) = unlike(tram, &training.negatives, &parts, learned);
            results.add_tram_v2(model, &tram, &negatives, training.bootstrap)?;
        }
        models.insert(model.name().to_owned(), results);
        Ok(())
    };
    add(&model, &test, &[])?;
    if let Some(with) = &training.encoder {
        watch("asking the encoder");
        let learned: HashSet<String> = with.training.iter().map(|text| normalised(text)).collect();
        model = with_encoder(model, with.folder, &unlearned(&validation, &learned))?;
        add(&model, &unlearned(&test, &learned), &with.training)?;
    }
    let results = Results {
        techniques: model.techniques().len(),
        attack_version: model.about.attack_version.clone(),
        trained_version: model.about.trained_version.clone(),
        label_changes: model.about.label_changes.len(),
        least: training.least,
        mix: MIX,
        features: model.linear.features(),
        rows: model.about.rows.clone(),
        models,
        seconds: begun.elapsed().as_secs_f64(),
    };
    Ok(TrainedReportModel { model, results })
}

/// The linear model of the techniques and, as its last class, of the prose.
fn linear(train: &[Row], known: &[String], seed: u64) -> Result<CompactModel> {
    let texts: Vec<&str> = train.iter().map(|row| row.text.as_str()).collect();
    let place: BTreeMap<&str, usize> = known.iter().map(String::as_str).zip(0..).collect();
    let label = |row: &Row| {
        row.technique.as_deref().and_then(|id| place.get(id).copied()).unwrap_or(known.len())
    };
    let labels: Vec<usize> = train.iter().map(label).collect();
    let classes: Vec<String> = known.iter().cloned().chain([NONE.to_owned()]).collect();
    CompactModel::train(&texts, &labels, &classes, LEAST_TEXTS, C, seed)
}

fn calibrated(linear: &CompactModel, rows: &[&Row], known: &[String]) -> Result<Calibration> {
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let scores = linear.scores_all(&texts);
    let parted = scores.iter().map(|scores| match scores.split_last() {
        Some((none, techniques)) => Scores { techniques, none: *none },
        None => Scores { techniques: &[], none: 0.0 },
    });
    let parted: Vec<Scores<'_>> = parted.collect();
    let truth: Vec<Option<usize>> = rows.iter().map(|row| place(row, known)).collect();
    let shown = truth.iter().flatten().count();
    Calibration::fit(&parted, &truth, super::weight_of_none(shown, truth.len() - shown, MIX))
}

fn place(row: &Row, known: &[String]) -> Option<usize> {
    let technique = row.technique.as_ref()?;
    known.binary_search(technique).ok()
}

/// The rows of prose, and of techniques that training has.
fn of_known<'r>(rows: &'r [Row], known: &[String]) -> Vec<&'r Row> {
    let is_known = |row: &&Row| row.technique.is_none() || place(row, known).is_some();
    rows.iter().filter(is_known).collect()
}

/// The rows whose texts an encoder has not learned from.
fn unlearned<'r>(rows: &[&'r Row], learned: &HashSet<String>) -> Vec<&'r Row> {
    rows.iter().filter(|row| !learned.contains(&normalised(&row.text))).copied().collect()
}

/// The sentences with and without a technique that are in nothing that was learned from, nor nearly
/// so.
fn unlike(
    tram: &Corpus,
    negatives: &[String],
    parts: &Parts,
    learned: &[String],
) -> (Corpus, Vec<String>) {
    let own = parts.train.iter().map(|row| row.text.as_str());
    let texts: Vec<&str> = own.chain(learned.iter().map(String::as_str)).collect();
    let near = NearTexts::new(&texts, NEAR_DUPLICATE);
    let new = tram.sentences.iter().filter(|sentence| near.find(&sentence.text).is_none());
    let corpus = Corpus { sentences: new.cloned().collect() };
    (corpus, negatives.iter().filter(|text| near.find(text).is_none()).cloned().collect())
}

/// Puts an encoder beside the linear model. Its temperature, and its weight in the mean, are those
/// of the least negative log-likelihood on the validation rows of techniques that it knows.
fn with_encoder(model: ReportModel, folder: &Path, validation: &[&Row]) -> Result<ReportModel> {
    let ReportModel { mut about, linear, .. } = model;
    let encoder = Encoder::open(folder, &about.labels)?;
    let known: Vec<String> = about.labels.iter().map(|label| label.trained.clone()).collect();
    let place = |row: &Row| place(row, &known).and_then(|label| encoder.knows(label));
    let rows: Vec<(&str, usize)> =
        validation.iter().filter_map(|row| Some((row.text.as_str(), place(row)?))).collect();
    if rows.is_empty() {
        let reason = "the validation set has no sentence of its techniques";
        return Err(Error::input(folder, reason));
    }
    let texts: Vec<&str> = rows.iter().map(|(text, _)| *text).collect();
    let truth: Vec<usize> = rows.iter().map(|(_, place)| *place).collect();
    let logits: Logits = encoder.logits(&texts)?;
    let temperature = Temperature::fit(&logits, &truth)?;
    let of_encoder = temperature.apply(&logits)?;
    // What the linear model gives these techniques, of all it gives to techniques.
    let of_linear: Vec<Vec<f64>> = linear
        .scores_all(&texts)
        .iter()
        .map(|scores| {
            let (none, techniques) = scores.split_last().unwrap_or((&0.0, &[]));
            about.calibration.techniques(&Scores { techniques, none: *none })
        })
        .collect();
    let loss = |weight: f64| -> f64 {
        let rows = of_linear.iter().zip(of_encoder.iter()).zip(&truth);
        let of_row = |((linear, said), truth): ((&Vec<f64>, &[f64]), &usize)| {
            let mut joined = linear.clone();
            encoder.join(&mut joined, said, weight);
            -joined[encoder.label(*truth)].max(f64::MIN_POSITIVE).ln()
        };
        rows.map(of_row).sum()
    };
    let weights = (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
    let weight = weights.min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(0.5);
    let first: Vec<Point> = about.curve.clone();
    about.encoder = Some(EncoderAbout { weight, temperature: temperature.value, curve: first });
    let mut model = ReportModel::new(about, linear, Some(encoder));
    let points = frontier(&curve(&named(&model, validation)?, MIX));
    if let Some(about) = &mut model.about.encoder {
        about.curve = points;
    }
    Ok(model)
}
