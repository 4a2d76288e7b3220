//! A fine-tuned encoder beside the linear model.

use super::curve::Point;
use super::labels::Label;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use ttp_lib::calibration::{Logits, Probabilities, Temperature};
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::pretrained::{Checkpoint, CheckpointTokenizer};
use ttp_lib::{Error, Result, train};

/// What `report-model.json` holds of the encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderAbout {
    /// Its share in the mean, 0 to 1; the linear model has the rest.
    pub weight: f64,
    /// What its logits are divided by.
    pub temperature: f64,
    /// The thresholds of both together, as [`About::curve`](super::About::curve).
    pub curve: Vec<Point>,
}

/// An encoder that knows some of the linear model's techniques.
pub(super) struct Encoder {
    folder: PathBuf,
    encoder: TechniqueEncoder,
    tokenize: CheckpointTokenizer,
    /// The place of each of its techniques among the linear model's.
    places: Vec<usize>,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Encoder {
    /// Opens one whose techniques are all among `labels`.
    pub fn open(folder: &Path, labels: &[Label]) -> Result<Self> {
        let encoder = TechniqueEncoder::open(folder, train::device())?;
        let checkpoint = Checkpoint::open(&folder.display().to_string(), folder)?;
        let tokenize = checkpoint.tokenizer(checkpoint.places())?;
        let place = |name: &String| {
            labels.iter().position(|label| label.trained == *name).ok_or_else(|| {
                let reason =
                    format!("it knows {name}, which is not among the linear model's techniques");
                Error::input(folder, reason)
            })
        };
        let places = encoder.labels().iter().map(place).collect::<Result<_>>()?;
        Ok(Self { folder: folder.to_path_buf(), encoder, tokenize, places })
    }

    pub fn notes(&self) -> &[String] {
        self.encoder.notes()
    }

    /// Which of the linear model's labels it knows.
    pub fn knows(&self, label: usize) -> Option<usize> {
        self.places.iter().position(|place| *place == label)
    }

    /// Which of the linear model's labels one of its techniques is.
    pub fn label(&self, technique: usize) -> usize {
        self.places[technique]
    }

    /// The logarithms of its probabilities for its own techniques.
    pub fn logits(&self, texts: &[&str]) -> Result<Logits> {
        let said = self.encoder.predict(&self.tokenize, texts)?;
        Ok(Probabilities::new(said.techniques, said.probabilities)?.logits())
    }

    /// Its probabilities for its own techniques at a temperature.
    pub fn probabilities(&self, texts: &[&str], temperature: f64) -> Result<Vec<Vec<f64>>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let temperature = Temperature { value: temperature, bound: None };
        Ok(temperature.apply(&self.logits(texts)?)?.iter().map(<[f64]>::to_vec).collect())
    }

    /// Puts its probabilities for a sentence together with the linear model's. It knows neither the
    /// other techniques nor prose: it says how what the linear model gives to all of its techniques
    /// is shared out among them, and the mean of both takes its place.
    pub fn join(&self, labels: &mut [f64], said: &[f64], weight: f64) {
        join(&self.places, labels, said, weight);
    }

    /// Copies its files, those that lie in its folder itself, and names them.
    pub fn copy_to(&self, folder: &Path) -> Result<Vec<String>> {
        std::fs::create_dir_all(folder).map_err(Error::file(folder, "create"))?;
        let entries = std::fs::read_dir(&self.folder).map_err(Error::file(&self.folder, "read"))?;
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(Error::file(&self.folder, "read"))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_file() {
                std::fs::copy(&path, folder.join(&name)).map_err(Error::file(&path, "copy"))?;
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

fn join(places: &[usize], labels: &mut [f64], said: &[f64], weight: f64) {
    let all: f64 = places.iter().map(|place| labels[*place]).sum();
    for (place, said) in places.iter().zip(said) {
        labels[*place] = (1.0 - weight) * labels[*place] + weight * all * said;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_encoder_shares_out_what_the_linear_model_gives_to_its_techniques() {
        // It knows the last and the first of three; the linear model gives them 0.6 together.
        let mut labels = [0.4, 0.2, 0.2];
        super::join(&[2, 0], &mut labels, &[0.75, 0.25], 0.5);
        let expected = [0.5 * 0.4 + 0.5 * 0.6 * 0.25, 0.2, 0.5 * 0.2 + 0.5 * 0.6 * 0.75];
        assert!(labels.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{labels:?}");
        assert!((labels.iter().sum::<f64>() - 0.8).abs() < 1e-12);
    }
}
