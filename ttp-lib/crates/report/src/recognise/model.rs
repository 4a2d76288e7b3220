//! A report model: its folder, its checks, and what it says of sentences.

use super::calibration::{Calibration, Scores};
use super::curve::{Point, threshold_for};
use super::encoder::{Encoder, EncoderAbout};
use super::labels::Label;
use super::rows::Account;
use crate::{Recogniser, RenamedTechnique};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_lib::linear::{CompactModel, LinearKind};
use ttp_lib::{Error, Result, files};

/// The name of the class of sentences that show no technique.
pub const NONE: &str = "none";

/// The layout of [`About`] that this program writes and reads.
const VERSION: u32 = 1;

/// What `report-model.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Version of this layout.
    pub version: u32,
    /// The ATT&CK version of its techniques' ids and names.
    pub attack_version: String,
    /// The ATT&CK version whose sentences it learned from.
    pub trained_version: String,
    /// What it can name, in the order of the linear model's classes; the class [`NONE`] comes after
    /// them.
    pub labels: Vec<Label>,
    /// Trained ids that the newest version writes or names otherwise.
    pub label_changes: Vec<RenamedTechnique>,
    /// Sentences without a technique for each one with a technique, where precision is measured.
    pub mix: f64,
    /// The linear model's probabilities.
    pub calibration: Calibration,
    /// The linear model's thresholds on the validation part, the highest first: each has a higher
    /// precision than all below it.
    pub curve: Vec<Point>,
    /// What was learned from and measured on.
    pub rows: Account,
    /// The encoder beside it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderAbout>,
    /// SHA-256 of the other files in the folder, in hexadecimal, by their names.
    pub files: BTreeMap<String, String>,
}

/// Which models of a folder are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Models {
    /// The linear model and the encoder together, where the folder has both; else the linear one.
    #[default]
    AllThereAre,
    /// The linear model alone.
    Linear,
    /// Both, and it is an error if one is not there.
    Both,
}

/// A model that finds techniques in sentences, or says that there is none.
#[derive(Debug)]
pub struct ReportModel {
    pub(super) about: About,
    pub(super) linear: CompactModel,
    pub(super) encoder: Option<Encoder>,
    /// The techniques of today: of labels that became one, one.
    techniques: Vec<Label>,
    /// Which of them each label is.
    places: Vec<usize>,
}

/// What a model says of a sentence: all probabilities add up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveVerdict {
    /// Probability that it shows no technique.
    pub none: f64,
    /// The probability of each of [`ReportModel::techniques`].
    pub techniques: Vec<f64>,
}

impl CurveVerdict {
    /// The most probable technique's place and its probability.
    pub fn best(&self) -> (usize, f64) {
        let highest = |best: (usize, f64), (at, p): (usize, &f64)| {
            if *p > best.1 { (at, *p) } else { best }
        };
        self.techniques.iter().enumerate().fold((0, f64::NEG_INFINITY), highest)
    }
}

impl ReportModel {
    /// The name of the file that says what a folder's model is.
    pub const FILE: &str = "report-model.json";
    /// The name of the encoder's folder in it.
    pub(super) const ENCODER: &str = "encoder";

    pub(super) fn new(about: About, linear: CompactModel, encoder: Option<Encoder>) -> Self {
        let mut techniques: Vec<Label> = Vec::new();
        let mut place_of: BTreeMap<String, usize> = BTreeMap::new();
        let mut places = Vec::with_capacity(about.labels.len());
        for label in &about.labels {
            let next = techniques.len();
            let place = *place_of.entry(label.technique.clone()).or_insert(next);
            if place == next {
                techniques.push(label.clone());
            }
            places.push(place);
        }
        Self { about, linear, encoder, techniques, places }
    }

    /// Whether a folder's model has an encoder beside the linear one; nothing is read.
    pub fn has_encoder(folder: &Path) -> bool {
        folder.join(Self::ENCODER).is_dir()
    }

    /// Opens the model of a folder.
    ///
    /// # Errors
    /// If the folder holds none, a file is missing, cut off or another than the one it was written
    /// with, its layout is of another version, or the models do not know the same techniques: names
    /// the file and what is wrong.
    pub fn open(folder: &Path, models: Models) -> Result<Self> {
        let file = folder.join(Self::FILE);
        if !file.is_file() {
            let reason = "not there: `make report-model`, or `ttp report-model`, makes it";
            return Err(Error::input(&file, reason));
        }
        let about = About::read(&file)?;
        let path = folder.join(CompactModel::FILE);
        let bytes = about.checked(folder, CompactModel::FILE)?;
        let linear = CompactModel::from_bytes(&path, &bytes)?;
        drop(bytes);
        let trained = about.labels.iter().map(|label| label.trained.as_str()).chain([NONE]);
        if !linear.classes().iter().map(String::as_str).eq(trained) {
            let reason = format!(
                "its {} classes are not the {} labels of {} and {NONE:?}",
                linear.classes().len(),
                about.labels.len(),
                Self::FILE
            );
            return Err(Error::input(&path, reason));
        }
        let encoder = match (&about.encoder, models) {
            (_, Models::Linear) | (None, Models::AllThereAre) => None,
            (None, Models::Both) => {
                let reason = "it has no encoder: the linear model can be asked alone";
                return Err(Error::input_at(&file, None, Some("encoder"), reason));
            }
            (Some(_), _) => {
                for name in about.files.keys().filter(|name| name.starts_with(Self::ENCODER)) {
                    about.checked(folder, name)?;
                }
                Some(Encoder::open(&folder.join(Self::ENCODER), &about.labels)?)
            }
        };
        Ok(Self::new(about, linear, encoder))
    }

    /// Writes the model's folder, whole or not at all; one that was there is replaced.
    ///
    /// # Errors
    /// If a file cannot be written, or the encoder's files cannot be read.
    pub fn save(&self, folder: &Path) -> Result<()> {
        files::write_folder(folder, |new| {
            self.linear.save(&new.join(CompactModel::FILE))?;
            let mut about = self.about.clone();
            let mut names = vec![CompactModel::FILE.to_owned()];
            if let Some(encoder) = &self.encoder {
                let copied = encoder.copy_to(&new.join(Self::ENCODER))?;
                names.extend(copied.into_iter().map(|name| format!("{}/{name}", Self::ENCODER)));
            }
            about.files.clear();
            for name in names {
                let path = new.join(&name);
                let bytes = std::fs::read(&path).map_err(Error::file(&path, "read"))?;
                about.files.insert(name, sha256(&bytes));
            }
            files::write_json(&new.join(Self::FILE), &about)
        })
    }

    /// What its folder says of it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What it can name, each id once.
    pub fn techniques(&self) -> &[Label] {
        &self.techniques
    }

    /// `tfidf-svm`, or `both`.
    pub fn name(&self) -> &'static str {
        if self.encoder.is_some() { ttp_lib::compare::BOTH } else { LinearKind::TfidfSvm.name() }
    }

    /// What a user should know of the model, a line each; empty for most.
    pub fn notes(&self) -> &[String] {
        self.encoder.as_ref().map_or(&[], Encoder::notes)
    }

    /// The thresholds of the models that are asked.
    pub fn curve(&self) -> &[Point] {
        match (&self.encoder, &self.about.encoder) {
            (Some(_), Some(about)) => &about.curve,
            _ => &self.about.curve,
        }
    }

    /// The model with the threshold of a precision, as a report names it.
    ///
    /// # Errors
    /// As [`threshold_for`].
    pub fn recogniser(&self, precision: f64) -> Result<Recogniser> {
        let Point { threshold, precision: measured_precision, recall: measured_recall } =
            threshold_for(self.curve(), precision)?;
        Ok(Recogniser {
            name: self.name().to_owned(),
            labels: self.techniques.iter().map(|label| label.technique.clone()).collect(),
            attack_version: self.about.attack_version.clone(),
            precision,
            threshold,
            measured_precision,
            measured_recall,
        })
    }

    /// What it says of each text.
    ///
    /// # Errors
    /// If the encoder cannot be asked.
    pub fn verdicts(&self, texts: &[&str]) -> Result<Vec<CurveVerdict>> {
        let scores = self.linear.scores_all(texts);
        let mut labels: Vec<Vec<f64>> = Vec::with_capacity(texts.len());
        let mut none = Vec::with_capacity(texts.len());
        for scores in &scores {
            let (last, techniques) = scores.split_last().unwrap_or((&0.0, &[]));
            let scores = Scores { techniques, none: *last };
            none.push(1.0 - self.about.calibration.shows(&scores));
            labels.push(self.about.calibration.techniques(&scores));
        }
        if let (Some(encoder), Some(about)) = (&self.encoder, &self.about.encoder) {
            let said = encoder.probabilities(texts, about.temperature)?;
            for (labels, said) in labels.iter_mut().zip(&said) {
                encoder.join(labels, said, about.weight);
            }
        }
        let verdict = |(labels, none): (Vec<f64>, f64)| {
            let mut techniques = vec![0.0; self.techniques.len()];
            labels.iter().zip(&self.places).for_each(|(p, place)| techniques[*place] += p);
            CurveVerdict { none, techniques }
        };
        Ok(labels.into_iter().zip(none).map(verdict).collect())
    }
}

impl About {
    pub(super) const VERSION: u32 = VERSION;

    fn read(file: &Path) -> Result<Self> {
        // The version first: of another one the fields are others, too.
        let value: serde_json::Value = files::read_json(file)?;
        let wrong = |field, reason: String| Err(Error::input_at(file, None, Some(field), reason));
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                let reason = format!(
                    "{version}, and this program reads {VERSION}: `ttp report-model` makes it anew"
                );
                return wrong("version", reason);
            }
            None => return wrong("version", "missing: not a report model".to_owned()),
        }
        let about: Self =
            serde_json::from_value(value).map_err(|error| Error::input(file, error))?;
        if about.labels.is_empty() {
            return wrong("labels", "there is none".to_owned());
        }
        if !(about.mix > 0.0 && about.mix.is_finite()) {
            return wrong("mix", format!("{} is not above 0", about.mix));
        }
        if let Some(fault) = about.calibration.fault() {
            return wrong("calibration", fault.to_owned());
        }
        check_curve(file, "curve", &about.curve)?;
        if let Some(encoder) = &about.encoder {
            check_curve(file, "encoder.curve", &encoder.curve)?;
            if !(0.0..=1.0).contains(&encoder.weight) {
                return wrong("encoder.weight", format!("{} is not from 0 to 1", encoder.weight));
            }
            if !(encoder.temperature > 0.0 && encoder.temperature.is_finite()) {
                let reason = format!("{} is not above 0", encoder.temperature);
                return wrong("encoder.temperature", reason);
            }
        }
        Ok(about)
    }

    /// A file's bytes, if they are those that it was written with.
    fn checked(&self, folder: &Path, name: &str) -> Result<Vec<u8>> {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).map_err(Error::file(&path, "read"))?;
        match self.files.get(name) {
            Some(known) if *known == sha256(&bytes) => Ok(bytes),
            Some(_) => {
                let reason = format!(
                    "not the file that {} was written with: its SHA-256 is another",
                    ReportModel::FILE
                );
                Err(Error::input(&path, reason))
            }
            None => {
                let reason = format!("{} does not name it", ReportModel::FILE);
                Err(Error::input(&path, reason))
            }
        }
    }
}

fn check_curve(file: &Path, field: &str, curve: &[Point]) -> Result<()> {
    let wrong = |reason: String| Err(Error::input_at(file, None, Some(field), reason));
    if curve.is_empty() {
        return wrong("there is no point".to_owned());
    }
    let share = |value: f64| (0.0..=1.0).contains(&value);
    let fault = curve.iter().position(|point| {
        !(share(point.threshold) && share(point.precision) && share(point.recall))
    });
    if let Some(at) = fault {
        return wrong(format!("point {at} is not of numbers from 0 to 1"));
    }
    match curve.windows(2).position(|pair| pair[0].threshold <= pair[1].threshold) {
        Some(at) => wrong(format!("point {} is not below the one before it", at + 1)),
        None => Ok(()),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
