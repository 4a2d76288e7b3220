//! Models of all techniques, nothing trimmed, on the same test rows: an encoder, a linear model,
//! and both together.

use serde::Serialize;
use std::fmt;
use ttp_base::show::Table;
use ttp_base::{Result, cells};
use ttp_lib::compare::{BOTH, Mean};
use ttp_lib::evaluate::{ModelLogits, Prediction, train_linear};
use ttp_lib::published::{ORBINATO_SECBERT_ACCURACY, ORBINATO_TECHNIQUES};
use ttp_metrics::{
    Bootstrap, Confusion, Diagnosis, DiagnosisSettings, Estimate, Groups, Part, Scores,
};
use ttp_text::linear::LinearKind;
use ttp_text::split::Split;

/// One model of all techniques on the test rows.
#[derive(Debug, Clone, Serialize)]
pub struct UntrimmedModel {
    /// The checkpoint's name, the linear model's, or [`BOTH`].
    pub name: String,
    /// Macro-averaged F1 over the techniques that occur; delta method, as of [`Diagnosis`].
    pub f1_macro: Estimate,
    /// Share of test rows named right; Wilson's interval.
    pub accuracy: Estimate,
    /// Techniques with test rows of which it finds none.
    pub zero_recall: Vec<String>,
    /// Techniques that are predicted for several others' rows.
    pub over_predicted: Vec<String>,
    /// What it says of each test row.
    #[serde(skip)]
    pub predictions: Vec<Prediction>,
    #[serde(skip)]
    predicted: Vec<usize>,
}

impl UntrimmedModel {
    fn of(name: &str, logits: &ModelLogits) -> Result<Self> {
        let predicted = logits.test.best();
        let confusion =
            Confusion::from_indices(logits.labels.clone(), &logits.test.truth, &predicted)?;
        let Diagnosis { macro_f1, accuracy, zero_recall, over_predicted, .. } =
            Diagnosis::of(&confusion, &DiagnosisSettings::default())?;
        Ok(Self {
            name: name.to_owned(),
            f1_macro: macro_f1,
            accuracy,
            zero_recall: zero_recall.into_iter().map(|one| one.label).collect(),
            over_predicted: over_predicted.into_iter().map(|one| one.label).collect(),
            predictions: logits.predictions()?,
            predicted,
        })
    }
}

/// How much higher one model scores than another on the same test rows; paired bootstrap.
#[derive(Debug, Clone, Serialize)]
pub struct UntrimmedGain {
    /// The first model.
    pub first: String,
    /// The second model.
    pub second: String,
    /// Macro-averaged F1: the first's minus the second's.
    pub f1_macro: Estimate,
    /// Accuracy, likewise.
    pub accuracy: Estimate,
}

/// `both − tfidf-svm: macro F1 +0.012 [+0.003, +0.021], accuracy +0.004 [−0.002, +0.010]: …`
impl fmt::Display for UntrimmedGain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, f1_macro, accuracy } = self;
        let verdict = |gain: &Estimate| match (gain.excludes_zero(), gain.value > 0.0) {
            (true, true) => "higher by more than chance",
            (true, false) => "lower by more than chance",
            (false, _) => "no more than chance",
        };
        write!(
            f,
            "{first} − {second}: macro F1 {} ({}), accuracy {} ({})",
            f1_macro.signed(),
            verdict(f1_macro),
            accuracy.signed(),
            verdict(accuracy)
        )
    }
}

/// An encoder, a linear model and both together on the same test rows, nothing trimmed.
#[derive(Debug, Clone, Serialize)]
pub struct UntrimmedModels {
    /// Techniques that the models can name.
    pub techniques: usize,
    /// Rows that the linear model was trained on.
    pub train_rows: usize,
    /// Test rows.
    pub test_rows: usize,
    /// The fine-tuned encoder.
    pub encoder: UntrimmedModel,
    /// The linear model.
    pub linear: UntrimmedModel,
    /// The mean of their calibrated probabilities ([`Mean`]).
    pub both: UntrimmedModel,
    /// The encoder's weight in the mean, from 0 to 1, chosen on the validation rows.
    pub encoder_weight: f64,
    /// The encoder's and the linear model's temperature, likewise.
    pub temperatures: [f64; 2],
    /// The linear model less the encoder, both less the encoder, both less the linear model.
    pub gains: [UntrimmedGain; 3],
}

impl UntrimmedModels {
    /// Trains a linear model on the training rows of an encoder that was fine-tuned on an
    /// untrimmed split, and holds the two and their mean against each other on the test rows.
    /// `encoder` is the encoder's name and what it gives every technique.
    ///
    /// # Errors
    /// If the encoder's logits are not of this split, or as [`LinearModel::train`].
    ///
    /// [`LinearModel::train`]: ttp_text::linear::LinearModel::train
    pub fn of(
        split: &Split,
        encoder: (&str, &ModelLogits),
        kind: LinearKind,
        seed: u64,
        bootstrap: Bootstrap,
    ) -> Result<Self> {
        let (name, of_encoder) = encoder;
        let of_linear = ModelLogits::of_linear(split, &train_linear(kind, split, seed)?)?;
        let Mean { weight, temperatures, logits } = Mean::of(of_encoder, &of_linear)?;
        let encoder = UntrimmedModel::of(name, of_encoder)?;
        let linear = UntrimmedModel::of(kind.name(), &of_linear)?;
        let both = UntrimmedModel::of(BOTH, &logits)?;
        let (classes, truth) = (of_encoder.labels.len(), &of_encoder.test.truth);
        let groups = Groups::by(&split.test.iter().map(|sample| sample.row).collect::<Vec<_>>());
        let gain = |first: &UntrimmedModel, second: &UntrimmedModel| -> Result<UntrimmedGain> {
            let [one, other] = [first, second].map(|model| Part {
                classes,
                truth,
                predicted: &model.predicted,
                groups: &groups,
            });
            let Scores { accuracy, f1, .. } = bootstrap.paired(&one, &other)?;
            let (first, second) = (first.name.clone(), second.name.clone());
            Ok(UntrimmedGain { first, second, f1_macro: f1.macro_, accuracy })
        };
        let gains = [gain(&linear, &encoder)?, gain(&both, &encoder)?, gain(&both, &linear)?];
        Ok(Self {
            techniques: classes,
            train_rows: split.train.len(),
            test_rows: truth.len(),
            encoder,
            linear,
            both,
            encoder_weight: weight,
            temperatures,
            gains,
        })
    }

    /// The three models, one a row.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let headers = ["model", "macro F1", "accuracy", "zero recall", "over-predicted"];
        let mut table = Table::new(headers).caption(format!(
            "{} techniques, {} test rows; intervals as in the diagnosis",
            self.techniques, self.test_rows
        ));
        for model in [&self.encoder, &self.linear, &self.both] {
            let UntrimmedModel { name, f1_macro, accuracy, zero_recall, over_predicted, .. } =
                model;
            table.push(cells![
                name,
                *f1_macro,
                *accuracy,
                zero_recall.len(),
                over_predicted.join(", ")
            ])?;
        }
        Ok(table)
    }

    /// The differences between the models, each with its interval.
    ///
    /// # Errors
    /// As [`table`](Self::table).
    pub fn gains_table(&self) -> Result<Table> {
        let mut table = Table::new(["first − second", "macro F1", "accuracy"])
            .caption("Differences on the same test rows, with paired bootstrap intervals");
        for UntrimmedGain { first, second, f1_macro, accuracy } in &self.gains {
            table.push(cells![
                format!("{first} − {second}"),
                f1_macro.signed(),
                accuracy.signed()
            ])?;
        }
        Ok(table)
    }
}

/// Each model in a line, then each difference; last the published figure, where it is of as many
/// techniques.
impl fmt::Display for UntrimmedModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for UntrimmedModel { name, f1_macro, accuracy, zero_recall, .. } in
            [&self.encoder, &self.linear, &self.both]
        {
            let never = zero_recall.len();
            writeln!(
                f,
                "{name}: macro F1 {f1_macro}, accuracy {accuracy}, {never} with zero recall"
            )?;
        }
        for gain in &self.gains {
            writeln!(f, "{gain}")?;
        }
        let UntrimmedModel { name, accuracy, .. } = &self.linear;
        let published = ORBINATO_SECBERT_ACCURACY;
        match self.techniques {
            ORBINATO_TECHNIQUES => write!(
                f,
                "published: accuracy {published} by SecBERT (Orbinato et al., their own sentences \
                 and split), {} the interval of {name}",
                accuracy.place_of(published)
            ),
            techniques => write!(f, "{techniques} techniques: no published figure beside these"),
        }
    }
}
