//! An encoder and a linear model together: the mean of their calibrated probabilities. Ours, not
//! the paper's.

use crate::evaluate::{Evaluation, Model, ModelLogits, PartLogits, Training};
use crate::profile::Run;
use std::path::Path;
use ttp_base::{Error, Result, files};
use ttp_metrics::Bootstrap;
use ttp_metrics::calibration::{Probabilities, Temperature, WeightCriterion, WeightedMean};
use ttp_text::linear::LinearKind;
use ttp_text::split::Protocol;

/// The name under which the two stand in results and tables.
pub const BOTH: &str = "both";

/// Weights are tried in steps of a hundredth.
const STEPS: u32 = 100;

/// The mean of two models' calibrated probabilities. Each one's temperature, and the first one's
/// weight in the mean, are those of the least negative log-likelihood on the validation rows; the
/// test rows choose nothing.
pub struct Mean {
    /// The first model's weight, from 0 to 1; the second one has the rest.
    pub weight: f64,
    /// Their temperatures.
    pub temperatures: [f64; 2],
    /// The logarithms of the mean.
    pub logits: ModelLogits,
}

impl Mean {
    /// Of what two models give every technique.
    ///
    /// # Errors
    /// If the two have not the same techniques, or not the same rows in the same order.
    pub fn of(first: &ModelLogits, second: &ModelLogits) -> Result<Self> {
        if !Self::is_of_same_rows(first, second) {
            let reason = "the two models have not the same techniques and rows".to_owned();
            return Err(Error::Setting { field: "logits", reason });
        }
        let truth = &first.validation.truth;
        let fit = |model: &ModelLogits| Temperature::fit(&model.validation.logits, truth);
        let temperatures = [fit(first)?, fit(second)?];
        let calibrated = |a: &PartLogits, b: &PartLogits| {
            let [of_first, of_second] = &temperatures;
            Ok::<_, Error>((of_first.apply(&a.logits)?, of_second.apply(&b.logits)?))
        };
        let (of_first, of_second) = calibrated(&first.validation, &second.validation)?;
        let by = WeightCriterion::NegativeLogLikelihood;
        let mean = WeightedMean::choose(&of_first, &of_second, truth, by, STEPS)?;
        let part = |part: &PartLogits, (first, second): (Probabilities, Probabilities)| {
            let logits = mean.apply(&first, &second)?.logits();
            Ok::<_, Error>(PartLogits { logits, ..part.clone() })
        };
        let validation = part(&first.validation, (of_first, of_second))?;
        let test = part(&first.test, calibrated(&first.test, &second.test)?)?;
        Ok(Self {
            weight: mean.weight,
            temperatures: temperatures.map(|temperature| temperature.value),
            logits: ModelLogits { labels: first.labels.clone(), validation, test },
        })
    }

    fn is_of_same_rows(a: &ModelLogits, b: &ModelLogits) -> bool {
        let same = |a: &PartLogits, b: &PartLogits| a.samples == b.samples && a.truth == b.truth;
        a.labels == b.labels && same(&a.validation, &b.validation) && same(&a.test, &b.test)
    }
}

/// Two models together, and what they came to.
pub struct Both {
    /// Their scores.
    pub evaluation: Evaluation,
    /// The logarithms of the mean of their probabilities.
    pub logits: ModelLogits,
}

impl Both {
    /// Puts an encoder and a linear model of one protocol together ([`Mean`]), from what they left
    /// among a run's results.
    ///
    /// # Errors
    /// If a file is missing or not what it should be, or the two have not the same rows in the
    /// same order.
    pub fn of(
        results: &Path,
        encoder: &str,
        linear: LinearKind,
        protocol: Protocol,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let stems = [encoder, linear.name()].map(|name| Evaluation::file_stem(name, protocol));
        let [first, second] =
            stems.each_ref().map(|stem| files::read_json(&results.join(format!("{stem}.json"))));
        let (first, second): (Evaluation, Evaluation) = (first?, second?);
        let path = |stem: &str| results.join(format!("{stem}.logits.parquet"));
        let a = ModelLogits::read(&path(&stems[0]))?;
        let b = ModelLogits::read(&path(&stems[1]))?;
        if !Mean::is_of_same_rows(&a, &b) {
            let reason = format!("it has not the rows of {}: run both again", stems[1]);
            return Err(Error::input(&path(&stems[0]), reason));
        }
        let Mean { weight, temperatures, logits } = Mean::of(&a, &b)?;
        let names = [first.checkpoint, second.checkpoint];
        let model = Model {
            checkpoint: BOTH.to_owned(),
            about: format!(
                "the mean of the calibrated probabilities of {} (weight {weight:.2}) and {} \
                 ({:.2}); ours, not the paper's",
                names[0],
                names[1],
                1.0 - weight
            ),
            stands_in_for: None,
            train_rows: first.train_rows,
            train_seconds: first.train_seconds + second.train_seconds,
            seed: first.seed,
            training: Training::Both { of: names, weight, temperatures },
        };
        let said = (&logits.test.truth[..], &logits.test.best()[..]);
        let evaluation = Evaluation::of(model, protocol, &logits.labels, said, bootstrap)?;
        Ok(Self { evaluation, logits })
    }

    /// Writes its files among a run's results, as [`TrainingOutcome::write`](crate::evaluate::TrainingOutcome::write) does:
    /// `finetune.both.<protocol>.json` and its neighbours.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, results: &Path) -> Result<()> {
        self.evaluation.write_files(results, "", &self.logits.predictions()?, &self.logits)
    }
}

/// The profile's first encoder and `tfidf-svm` together, under each protocol under which both have
/// been trained; none where the profile has not both.
///
/// # Errors
/// As [`Both::of`].
pub fn both_of(run: &Run) -> Result<Vec<Both>> {
    let (results, linear) = (run.folders.results(""), LinearKind::TfidfSvm);
    let encoder = run.profile.encoders().into_iter().next();
    let Some(encoder) = encoder.filter(|_| run.profile.linear_models().contains(&linear)) else {
        return Ok(Vec::new());
    };
    let trained = |protocol: &&Protocol| {
        [encoder.as_str(), linear.name()].iter().all(|name| {
            results.join(format!("{}.json", Evaluation::file_stem(name, **protocol))).is_file()
        })
    };
    let protocols = run.profile.protocols.iter().filter(trained);
    protocols
        .map(|&protocol| {
            Both::of(&results, &encoder, linear, protocol, run.bootstrap("test scores"))
        })
        .collect()
}
