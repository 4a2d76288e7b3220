//! What is gathered of a file's rows.

use super::labels::Labels;
use super::places::{Place, Places};
use crate::Confidences;
use crate::calibration::{ROUNDING, SUM_TOLERANCE};
use std::collections::HashMap;
use ttp_base::Result;
use ttp_base::spelling::tidy;

/// What was gathered of the rows so far.
pub(super) struct PredictionRows {
    pub(super) truth: Labels,
    pub(super) predicted: Labels,
    /// The rows' probabilities: their labels as they are, and with true for 1 and false for 0.
    /// Which it is, only all labels of the two columns say.
    pub(super) confidences: Option<[Confidences; 2]>,
    /// The column of each label's probabilities, among those of all classes; truth values in
    /// small letters, too.
    columns: HashMap<String, usize>,
    /// What else to know of the file.
    pub(super) notes: Vec<String>,
}

/// Why a row cannot be taken, and at which column.
pub(super) type RowRefusal = (String, String);

impl PredictionRows {
    pub(super) fn new(places: &Places) -> Self {
        let some = !places.of_all.is_empty() || places.confidence.is_some();
        let mut columns = HashMap::new();
        for (at, label) in places.labels.iter().enumerate() {
            let label = tidy(label).into_owned();
            if other_spelling(&label).is_some() {
                columns.entry(label.to_ascii_lowercase()).or_insert(at);
            }
            columns.insert(label, at);
        }
        Self {
            truth: Labels::default(),
            predicted: Labels::default(),
            confidences: some.then(Default::default),
            columns,
            notes: Vec::new(),
        }
    }

    /// Rows that stand behind these.
    pub(super) fn append(&mut self, others: Self) -> Result<(), String> {
        if let (Some(own), Some(others)) = (&mut self.confidences, &others.confidences) {
            own.iter_mut().zip(others).for_each(|(own, others)| own.append(others));
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
        if let (Some(place), Some(value)) = (&places.confidence, confidence)
            && !is_probability(value)
        {
            return Err(refused(place, format!("{value} is no probability from 0 to 1")));
        }
        self.truth.push(truth).map_err(|reason| refused(&places.truth, reason))?;
        self.predicted.push(label).map_err(|reason| match &places.predicted {
            Some(place) => refused(place, reason),
            None => (label_name(label), reason),
        })?;
        let Some(confidences) = &mut self.confidences else { return Ok(()) };
        // By the labels as they are counted, not as they stand in the file.
        let (truth, label) = (self.truth.last(), self.predicted.last());
        let of_label = |label: &str| {
            let at = self.columns.get(label).or_else(|| self.columns.get(other_spelling(label)?));
            at.map_or(0.0, |&at| of_all[at])
        };
        let of_predicted = of_label(label);
        let own = confidence.unwrap_or(of_predicted).min(1.0);
        let of_truth = of_label(truth);
        let agrees = of_all.get(most_probable).is_some_and(|&most| of_predicted >= most);
        let is_same = label == truth;
        let is_same_value =
            is_same || other_spelling(label).is_some_and(|other| other.eq_ignore_ascii_case(truth));
        for (tally, right) in confidences.iter_mut().zip([is_same, is_same_value]) {
            tally.add(own, right);
            if !of_all.is_empty() {
                tally.add_truth(of_truth);
                if predicted.is_some() {
                    tally.add_agreement(agrees);
                }
            }
        }
        Ok(())
    }
}

/// What a truth value is called in a column of numbers, and the reverse.
fn other_spelling(label: &str) -> Option<&'static str> {
    match label {
        "1" => Some("true"),
        "0" => Some("false"),
        _ if label.eq_ignore_ascii_case("true") => Some("1"),
        _ if label.eq_ignore_ascii_case("false") => Some("0"),
        _ => None,
    }
}

fn label_name(label: &[u8]) -> String {
    String::from_utf8_lossy(label).into_owned()
}
