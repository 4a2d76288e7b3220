//! What a model's probabilities are worth, before and after calibration.

use serde::Serialize;
use std::path::Path;
use ttp_base::Result;
use ttp_lib::evaluate::{Evaluation, ModelLogits};
use ttp_metrics::calibration::{
    CalibrationError, Losses, NamedShare, Probabilities, Reliability, RiskCoverage, Temperature,
};
use ttp_metrics::{Bootstrap, Estimate, Groups};
use ttp_text::split::Protocol;

/// The precisions at which it is asked how many sentences a model can name.
pub const PRECISIONS: [f64; 2] = [0.90, 0.95];

/// A model's probabilities on its test rows, as they are and at the temperature that validation
/// gives. All intervals draw the rows of one corpus sentence together.
#[derive(Debug, Clone, Serialize)]
pub struct ModelCalibration {
    /// The temperature, fitted on validation.
    pub temperature: f64,
    /// The expected calibration error before, from 0 to 1, in bins of equal mass.
    pub ece_before: f64,
    /// The same after.
    pub ece_after: f64,
    /// The error before, less what chance alone would give, with its interval.
    pub error_before: CalibrationError,
    /// The same after.
    pub error_after: CalibrationError,
    /// Negative log-likelihood (nats) and Brier score before.
    pub losses_before: Losses<Estimate>,
    /// The same after.
    pub losses_after: Losses<Estimate>,
    /// What it names at the precision of 0.90 and of 0.95: the threshold is chosen on validation,
    /// coverage and precision are measured on test. `None` where no threshold has the precision.
    pub named: [Option<NamedShare>; 2],
    /// Its probabilities on the test rows, before and after.
    #[serde(skip)]
    pub probabilities: [Probabilities; 2],
    /// The true technique of each test row, a place among the model's labels.
    #[serde(skip)]
    pub truth: Vec<usize>,
}

impl ModelCalibration {
    /// Reads what a model gave every technique from a run's results, and calibrates it; `None`
    /// where an earlier version of this project left no such file.
    ///
    /// # Errors
    /// If the file is not what it should be, or no temperature fits.
    pub fn read_if_there(
        results: &Path,
        model: &str,
        protocol: Protocol,
        bootstrap: Bootstrap,
    ) -> Result<Option<Self>> {
        let stem = Evaluation::file_stem(model, protocol);
        let path = results.join(format!("{stem}.logits.parquet"));
        if !path.is_file() {
            return Ok(None);
        }
        Self::of(&ModelLogits::read(&path)?, bootstrap).map(Some)
    }

    /// Calibrates a model on its validation rows and judges it on its test rows.
    ///
    /// # Errors
    /// As [`Temperature::fit`], or if a bootstrap setting makes no sense.
    pub fn of(logits: &ModelLogits, bootstrap: Bootstrap) -> Result<Self> {
        let (validation, test) = (&logits.validation, &logits.test);
        let temperature = Temperature::fit(&validation.logits, &validation.truth)?;
        let probabilities = [test.logits.softmax(1.0)?, temperature.apply(&test.logits)?];
        let sentences: Vec<u32> = test.samples.iter().map(|sample| sample.row).collect();
        let groups = Groups::by(&sentences);
        let error = |of: &Probabilities| {
            let reliability = Reliability::new(of, &test.truth, Reliability::BINS)?;
            Ok::<_, ttp_base::Error>(reliability.errors(&groups, bootstrap)?.expected)
        };
        let losses = |of: &Probabilities| Losses::estimate(of, &test.truth, &groups, bootstrap);
        let [before, after] = &probabilities;
        let chosen = RiskCoverage::new(&temperature.apply(&validation.logits)?, &validation.truth)?;
        let named_at = |precision: f64| {
            let found = chosen.named_at(precision)?;
            found
                .map(|at| NamedShare::above(at.threshold, after, &test.truth, &groups, bootstrap))
                .transpose()
        };
        let (error_before, error_after) = (error(before)?, error(after)?);
        Ok(Self {
            temperature: temperature.value,
            ece_before: error_before.measured,
            ece_after: error_after.measured,
            error_before,
            error_after,
            losses_before: losses(before)?,
            losses_after: losses(after)?,
            named: [named_at(PRECISIONS[0])?, named_at(PRECISIONS[1])?],
            truth: test.truth.clone(),
            probabilities,
        })
    }

    /// The diagram's bins, before and after calibration.
    ///
    /// # Errors
    /// None in practice: the rows are those of the errors.
    pub fn reliability(&self) -> Result<[Reliability; 2]> {
        let [before, after] = &self.probabilities;
        let of = |probabilities| Reliability::new(probabilities, &self.truth, Reliability::BINS);
        Ok([of(before)?, of(after)?])
    }

    /// How many of its test rows it gets wrong, by how many it names, the surest first; after
    /// calibration.
    ///
    /// # Errors
    /// None in practice: as [`reliability`](Self::reliability).
    pub fn risk_coverage(&self) -> Result<RiskCoverage> {
        RiskCoverage::new(&self.probabilities[1], &self.truth)
    }
}
