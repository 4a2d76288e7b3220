//! What is gathered of a file's rows.

use super::labels::Labels;
use super::places::{Place, Places};
use crate::Confidences;
use std::collections::HashMap;
use ttp_base::Result;

/// How far a row's probabilities may add up from 1: three decimals in a file do.
const SUM_TOLERANCE: f64 = 1e-3;

/// How far above 1 single precision may round a probability.
const ROUNDING: f64 = 1e-6;

/// What was gathered of the rows so far.
pub(super) struct PredictionRows {
    pub(super) truth: Labels,
    pub(super) predicted: Labels,
    pub(super) confidences: Option<Confidences>,
    /// The column of each label's probabilities, among those of all classes.
    columns: HashMap<Vec<u8>, usize>,
    /// What else to know of the file.
    pub(super) notes: Vec<String>,
}

/// Why a row cannot be taken, and at which column.
pub(super) type RowRefusal = (String, String);

impl PredictionRows {
    pub(super) fn new(places: &Places) -> Self {
        let some = !places.of_all.is_empty() || places.confidence.is_some();
        let columns = places.labels.iter().enumerate();
        Self {
            truth: Labels::default(),
            predicted: Labels::default(),
            confidences: some.then(Confidences::default),
            columns: columns.map(|(at, label)| (label.clone().into_bytes(), at)).collect(),
            notes: Vec::new(),
        }
    }

    /// Rows that stand behind these.
    pub(super) fn append(&mut self, others: Self) -> Result<(), String> {
        if let (Some(own), Some(others)) = (&mut self.confidences, &others.confidences) {
            own.append(others);
        }
        self.notes.extend(others.notes);
        self.truth.append(others.truth)?;
        self.predicted.append(others.predicted)
    }

    /// One row with probabilities: of all classes, of its prediction, or both.
    pub(super) fn push(
        &mut self,
        places: &Places,
        truth: &[u8],
        predicted: Option<&[u8]>,
        of_all: &[f64],
        confidence: Option<f64>,
    ) -> Result<(), RowRefusal> {
        let refused = |place: &Place, reason: String| (place.name.clone(), reason);
        let is_probability = |value: f64| (0.0..=1.0 + ROUNDING).contains(&value);
        for (place, &value) in places.of_all.iter().zip(of_all) {
            if !is_probability(value) {
                return Err(refused(place, format!("{value} is no probability from 0 to 1")));
            }
        }
        let (mut most_probable, mut sum) = (0, 0.0);
        for (at, &value) in of_all.iter().enumerate() {
            sum += value;
            if value > of_all[most_probable] {
                most_probable = at;
            }
        }
        if let Some(first) = places.of_all.first()
            && (sum - 1.0).abs() > SUM_TOLERANCE
        {
            let reason = format!("the row's probabilities add up to {sum:.4}, not to 1");
            return Err(refused(first, reason));
        }
        let label = match predicted {
            Some(label) => label,
            None => places.labels.get(most_probable).map_or(&[][..], |label| label.as_bytes()),
        };
        let of_label = |label: &[u8]| self.columns.get(label).map_or(0.0, |&at| of_all[at]);
        let confidence = match (&places.confidence, confidence) {
            (Some(place), Some(value)) if !is_probability(value) => {
                return Err(refused(place, format!("{value} is no probability from 0 to 1")));
            }
            (_, Some(value)) => value,
            (_, None) => of_label(label),
        };
        if let Some(confidences) = &mut self.confidences {
            confidences.add(confidence.min(1.0), label == truth);
            if !of_all.is_empty() {
                confidences.add_truth(self.columns.get(truth).map_or(0.0, |&at| of_all[at]));
                if predicted.is_some() {
                    let own = self.columns.get(label).map_or(0.0, |&at| of_all[at]);
                    confidences.add_agreement(own >= of_all[most_probable]);
                }
            }
        }
        self.truth.push(truth).map_err(|reason| refused(&places.truth, reason))?;
        self.predicted.push(label).map_err(|reason| match &places.predicted {
            Some(place) => refused(place, reason),
            None => (label_name(label), reason),
        })
    }
}

fn label_name(label: &[u8]) -> String {
    String::from_utf8_lossy(label).into_owned()
}
