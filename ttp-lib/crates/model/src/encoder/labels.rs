//! What a fine-tuned classifier calls its labels, and what its logits mean.

use crate::pretrained::{Checkpoint, Problem};
use serde_json::{Map, Value};
use ttp_base::{Error, Result};

/// Where the head's last layer stands in a file: BERT's, then RoBERTa's and MPNet's.
const LAST_LAYERS: [&str; 2] = ["classifier.weight", "classifier.out_proj.weight"];

/// The labels of a classifier in the order of its logits: by `id2label`, or `LABEL_0`, `LABEL_1` …
/// as transformers calls them, where the file says none but `num_labels` does, or the head has two.
///
/// # Errors
/// If the file is no classifier of texts, or how many labels it has is not said.
pub(super) fn of(checkpoint: &Checkpoint) -> Result<Vec<String>> {
    let labels = match checkpoint.config.get("id2label").filter(|value| !value.is_null()) {
        Some(Value::Object(names)) => named(checkpoint, names)?,
        Some(other) => return Err(checkpoint.wrong("id2label", format!("{other} is no object"))),
        None => numbered(checkpoint)?,
    };
    let architectures = checkpoint.config.get("architectures").and_then(Value::as_array);
    let mut architectures = architectures.into_iter().flatten().filter_map(Value::as_str);
    if let Some(first) = architectures.next() {
        let is_classifier = |name: &str| name.ends_with("ForSequenceClassification");
        if !is_classifier(first) && !architectures.any(is_classifier) {
            let reason = format!("{first} does not classify whole texts");
            return Err(checkpoint.wrong("architectures", reason));
        }
    }
    Ok(labels)
}

fn named(checkpoint: &Checkpoint, names: &Map<String, Value>) -> Result<Vec<String>> {
    let wrong = |reason: String| checkpoint.wrong("id2label", reason);
    (0..names.len())
        .map(|id| {
            // Keys are numbers written as texts: "01" is 1, too.
            let is_it = |key: &String| key.trim().parse() == Ok(id);
            let mut found = names.iter().filter(|(key, _)| is_it(key));
            match (found.next(), found.next()) {
                (Some((_, Value::String(label))), None) => Ok(label.clone()),
                (Some((key, other)), None) => Err(wrong(format!("{other} of {key} is no text"))),
                _ => Err(wrong("its keys are not 0, 1, 2 …".to_owned())),
            }
        })
        .collect()
}

fn numbered(checkpoint: &Checkpoint) -> Result<Vec<String>> {
    let shapes = checkpoint.tensor_shapes()?;
    let rows = LAST_LAYERS.iter().find_map(|name| shapes.get(*name)?.first().copied());
    let Some(rows) = rows else {
        let reason = "missing: not a fine-tuned classifier";
        return Err(checkpoint.wrong("id2label", reason));
    };
    // transformers takes two where nothing is said.
    let stated = checkpoint.config.get("num_labels").and_then(Value::as_u64).unwrap_or(2);
    if stated != rows as u64 {
        let reason = format!("missing, and the head has {rows} labels: their names are not said");
        return Err(checkpoint.wrong("id2label", reason));
    }
    Ok((0..rows).map(|id| format!("LABEL_{id}")).collect())
}

/// What the logits of a classifier mean that is opened to be asked.
///
/// # Errors
/// If they are no labels' logits.
pub(super) fn problem(checkpoint: &Checkpoint) -> Result<Problem> {
    match checkpoint.problem() {
        Some(Problem::Regression) => Err(refused(checkpoint, "labels are named here")),
        Some(problem) => Ok(problem),
        None => Ok(Problem::SingleLabel),
    }
}

/// Refuses to train a checkpoint with one label a text that was made for something else.
pub(super) fn refuse_other_training(checkpoint: &Checkpoint) -> Result<()> {
    match checkpoint.problem() {
        Some(Problem::MultiLabel | Problem::Regression) => {
            Err(refused(checkpoint, "training here is with one label a text"))
        }
        _ => Ok(()),
    }
}

/// The configuration's `problem_type` is not what is done here.
fn refused(checkpoint: &Checkpoint, what: &str) -> Error {
    let name = checkpoint.problem().map_or("", Problem::name);
    checkpoint.wrong("problem_type", format!("{name:?} is not supported: {what}"))
}

/// What a user should know of a classifier's labels.
pub(super) fn notes(checkpoint: &Checkpoint, labels: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    if checkpoint.config.get("id2label").is_none_or(Value::is_null) {
        let count = labels.len();
        notes.push(format!(
            "config.json has no id2label: its {count} labels are LABEL_0 to LABEL_{}",
            count.saturating_sub(1)
        ));
    }
    let stated = checkpoint.config.get("num_labels").and_then(Value::as_u64);
    if let Some(other) = stated.filter(|&count| count != labels.len() as u64) {
        let count = labels.len();
        notes
            .push(format!("config.json says num_labels {other}; id2label has {count}, and counts"));
    }
    let ids = checkpoint.config.get("label2id").and_then(Value::as_object);
    let agrees = |ids: &Map<String, Value>| {
        let is_at = |(id, label): (usize, &String)| ids.get(label) == Some(&Value::from(id));
        ids.len() == labels.len() && labels.iter().enumerate().all(is_at)
    };
    let has_names = checkpoint.config.get("id2label").is_some_and(Value::is_object);
    if has_names && ids.is_some_and(|ids| !agrees(ids)) {
        notes.push("config.json: label2id is not the inverse of id2label, which counts".to_owned());
    }
    if checkpoint.problem() == Some(Problem::MultiLabel) {
        notes.push(
            "config.json says problem_type multi_label_classification: each label has a \
             probability of its own, and those from 0.5 upwards are named, or else the highest"
                .to_owned(),
        );
    }
    notes
}
