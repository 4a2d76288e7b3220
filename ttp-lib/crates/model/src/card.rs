//! The model card beside a saved model: `README.md` with the hub's metadata, which says what the
//! model was made from, on which data, how well it does and what it cannot do.

use crate::pretrained::{Entry, Start};
use serde_json::{Value, json};
use std::path::Path;
use ttp_base::{Result, files};

/// How long a training goes and how fast, as a card says it.
///
/// ```
/// let said = ttp_model::card::course(3, 32, 2e-4, 0.1);
/// let wanted = "3 epochs in batches of 32, a learning rate of up to 2e-4 after a warm-up of 10 % of \
///               the steps";
/// assert_eq!(said, wanted);
/// ```
pub fn course(epochs: usize, batch_size: usize, learning_rate: f64, warmup_share: f64) -> String {
    let epochs = match epochs {
        1 => "1 epoch".to_owned(),
        epochs => format!("{epochs} epochs"),
    };
    format!(
        "{epochs} in batches of {batch_size}, a learning rate of up to {learning_rate:e} after a \
         warm-up of {:.0} % of the steps",
        100.0 * warmup_share
    )
}

/// Where the sentences of a training come from, as a model card says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The data with their licences.
    pub data: String,
    /// The name of the profile that was run.
    pub profile: String,
}

/// A score in a model card.
#[derive(Debug, Clone, PartialEq)]
pub struct CardScore {
    /// The hub's name of the metric, for instance `f1`.
    pub metric: &'static str,
    /// What it is, for instance `macro F1`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its interval, where it was computed.
    pub interval: Option<[f64; 2]>,
}

impl CardScore {
    /// A score with its interval.
    pub fn with_interval(metric: &'static str, name: &str, value: f64, interval: [f64; 2]) -> Self {
        Self { metric, name: name.to_owned(), value, interval: Some(interval) }
    }

    /// A score of which no interval was computed.
    pub fn alone(metric: &'static str, name: &str, value: f64) -> Self {
        Self { metric, name: name.to_owned(), value, interval: None }
    }
}

/// What a model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// English sentences of threat reports.
    Sentences,
    /// Numbers of network flows.
    Flows,
}

impl Subject {
    fn tags(self) -> [&'static str; 2] {
        match self {
            Self::Sentences => ["mitre-attack", "threat-intelligence"],
            Self::Flows => ["network-flows", "malware"],
        }
    }
}

/// What a model card says.
///
/// ```
/// use ttp_model::card::{ModelCard, Subject};
/// let card = ModelCard {
///     name: "minilm.clean".to_owned(),
///     base: "minilm".to_owned(),
///     library: "transformers",
///     task: "text-classification",
///     subject: Subject::Sentences,
///     stands_in_for: Some("the paper's bert-base-cased".to_owned()),
///     data: "ATT&CK v10.1 (ATT&CK Terms of Use)".to_owned(),
///     training: "Three epochs of batches of 32.".to_owned(),
///     test: "1,080 rows, protocol clean".to_owned(),
///     scores: Vec::new(),
///     limits: "It can name 44 techniques only.".to_owned(),
///     usage: "ttp classify minilm.clean".to_owned(),
/// };
/// let text = card.to_markdown();
/// assert!(text.starts_with("---\n") && text.contains("A stand-in for the paper's bert-base-cased"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// The model's name, which is its folder's.
    pub name: String,
    /// The checkpoint's name that it was made from, a hub id or a path; empty of a linear model.
    pub base: String,
    /// The library that loads it: `transformers`, `sentence-transformers` or `ttp-lib`.
    pub library: &'static str,
    /// The hub's name of its task, for instance `text-classification`.
    pub task: &'static str,
    /// What it reads.
    pub subject: Subject,
    /// The model that it stands in for.
    pub stands_in_for: Option<String>,
    /// The data that it was trained on, with their licences.
    pub data: String,
    /// How it was trained.
    pub training: String,
    /// What it was tested on.
    pub test: String,
    /// Its scores there.
    pub scores: Vec<CardScore>,
    /// What it cannot do.
    pub limits: String,
    /// Code that loads it.
    pub usage: String,
}

/// Its file's name, as the hub wants it.
pub const FILE: &str = "README.md";

/// A checkpoint's id on the hub, if it or what it was made from has one.
fn hub_id(base: &str) -> Option<String> {
    let Some(entry) = Entry::named(base) else {
        if Path::new(base).is_dir() {
            return None;
        }
        return crate::pretrained::hub_id(base).map(|(id, _)| id.to_owned());
    };
    match &entry.start {
        Start::Hub { id, .. } => Some(id.clone()),
        Start::Package => Some(entry.title.clone()),
        Start::FurtherPretrained { from } => hub_id(from),
        // Of these it has the shape alone.
        Start::Random { .. } => None,
    }
}

impl ModelCard {
    /// The card: metadata between two lines `---`, then text. The metadata are YAML, of which each
    /// value is written as JSON: so no name can break out of its line.
    pub fn to_markdown(&self) -> String {
        let mut head =
            vec![("library_name", json!(self.library)), ("pipeline_tag", json!(self.task))];
        if self.subject == Subject::Sentences {
            head.insert(0, ("language", json!("en")));
        }
        let base = hub_id(&self.base);
        if let Some(id) = &base {
            head.push(("base_model", json!(id)));
        }
        // The catalogue's checkpoints are under this licence; of others nothing is known.
        if Entry::named(&self.base).is_some() && base.is_some() {
            head.push(("license", json!("apache-2.0")));
        }
        let stand_in = self.stands_in_for.as_ref().map(|_| "stand-in");
        let tags: Vec<&str> = self.subject.tags().into_iter().chain(stand_in).collect();
        head.push(("tags", json!(tags)));
        if !self.scores.is_empty() {
            head.push(("model-index", self.index()));
        }
        let mut text = String::from("---\n");
        for (key, value) in head {
            text += &format!("{key}: {value}\n");
        }
        text += &format!("---\n\n# {}\n\n", self.name);
        if let Some(other) = &self.stands_in_for {
            text += &format!(
                "**A stand-in for {other}**, not that model: these are not its scores.\n\n"
            );
        }
        let from = match base {
            Some(id) if id != self.base => format!("Made from {} ({id}).\n\n", self.base),
            Some(id) => format!("Made from {id}.\n\n"),
            None if self.base.is_empty() => String::new(),
            None => format!("Made from {}.\n\n", self.base),
        };
        text += &from;
        text += &format!("## Data\n\n{}\n\n", self.data);
        text += &format!("## Training\n\n{}\n\n", self.training);
        if !self.scores.is_empty() {
            text += &format!("## Scores\n\nOn {}:\n\n| score | value | interval |\n", self.test);
            text += "|---|---:|---|\n";
            for CardScore { name, value, interval, .. } in &self.scores {
                let interval = interval.map(|[low, high]| format!("[{low:.3}, {high:.3}]"));
                let interval = interval.as_deref().unwrap_or("not computed");
                text += &format!("| {name} | {value:.3} | {interval} |\n");
            }
            text.push('\n');
        }
        text += &format!("## What it cannot do\n\n{}\n\n", self.limits);
        text + &format!("## How to use it\n\n```\n{}\n```\n", self.usage)
    }

    /// The scores in the hub's form.
    fn index(&self) -> Value {
        let metrics: Vec<Value> = self
            .scores
            .iter()
            .map(|score| json!({ "type": score.metric, "name": score.name, "value": score.value }))
            .collect();
        let dataset = json!({ "name": self.test, "type": self.subject.tags()[0] });
        let result =
            json!({ "task": { "type": self.task }, "dataset": dataset, "metrics": metrics });
        json!([{ "name": self.name, "results": [result] }])
    }

    /// Writes it into a model's folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        files::write_text(&folder.join(FILE), &self.to_markdown())
    }
}
