//! `layer.json`: a layer of the ATT&CK Navigator, format 4.5
//! (<https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md>).

use super::{counted, safe, title, trust};
use crate::{Report, Technique};
use serde_json::{Value, json};
use ttp_base::show::shorten;

/// Most sentences that a technique's comment quotes, and most characters of each.
const QUOTED: (usize, usize) = (8, 400);
/// From pale to strong; the first is that of a technique at the lowest score.
const COLORS: [&str; 3] = ["#fff3c4", "#f5b83d", "#c2410c"];

/// Least distance between the ends of the colours.
const ROOM: i64 = 10;

/// What colours a technique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayerScore {
    /// The highest probability among its sentences, times 100.
    Probability,
    /// How many of its sentences a reviewer accepted.
    Accepted,
}

/// The layer of these techniques. No tactic is named, so a technique is coloured under each of its
/// tactics: a sentence shows what was done, and seldom what for.
pub(crate) fn layer(report: &Report, techniques: &[Technique], score: LayerScore) -> Value {
    let model = &report.model;
    let most = techniques.iter().map(|technique| technique.evidence.len()).max().unwrap_or(1);
    let (low, high, said, legend) = match score {
        LayerScore::Probability => (
            (100.0 * model.threshold) as i64,
            100,
            "The score is the highest probability among a technique's sentences, in per cent.",
            "probability",
        ),
        LayerScore::Accepted => (
            0,
            i64::try_from(most).unwrap_or(i64::MAX),
            "The score is the number of a technique's sentences that a reviewer accepted.",
            "accepted sentences",
        ),
    };
    // The format asks for an upper end above the lower one; MITRE's reader for whole numbers, and for
    // room between them for its colours.
    let high = high.max(ROOM);
    let low = low.min(high - ROOM);
    let documents: Vec<String> = report
        .documents
        .iter()
        .map(|read| {
            format!("{} (sha256 {})", safe(&read.document.name), safe(&read.document.sha256))
        })
        .collect();
    let trusted = match score {
        LayerScore::Probability => trust(report),
        LayerScore::Accepted => "Each was looked at by a reviewer.".to_owned(),
    };
    // The Navigator knows versions by their first number alone.
    let attack = model.attack_version.split('.').next().unwrap_or_default();
    let mut versions = json!({ "navigator": "5.0.0", "layer": "4.5" });
    if !attack.is_empty() && attack.bytes().all(|b| b.is_ascii_digit()) {
        versions["attack"] = json!(attack);
    }
    json!({
        "name": safe(&title(report)),
        "versions": versions,
        "domain": "enterprise-attack",
        "description": format!("Techniques that sentences of the report show. {said} {trusted}"),
        "sorting": 3,
        "layout": {
            "layout": "side", "showID": true, "showName": true, "showAggregateScores": false,
            "countUnscored": false, "aggregateFunction": "max",
            "expandedSubtechniques": "annotated"
        },
        "hideDisabled": false,
        "techniques": techniques.iter().map(|t| entry(report, t, score)).collect::<Vec<_>>(),
        "gradient": { "colors": COLORS, "minValue": low, "maxValue": high },
        "legendItems": [
            { "label": format!("{low} {legend}"), "color": COLORS[0] },
            { "label": format!("{high} {legend}"), "color": COLORS[2] }
        ],
        "metadata": [
            metadata("documents", &documents.join(", ")),
            metadata("read", &safe(&report.created)),
            metadata("model", &safe(&model.name)),
            metadata("threshold", &format!("{:.3}", model.threshold)),
            metadata("ATT&CK", &safe(&model.attack_version))
        ]
    })
}

fn metadata(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn entry(report: &Report, technique: &Technique, score: LayerScore) -> Value {
    let found = technique.evidence.iter().filter_map(|&(document, number)| {
        let (read, judgement) = report.sentence(document, number)?;
        let probability = match judgement.probability_of(&technique.technique) {
            0.0 => String::new(),
            value => format!(", probability {value:.2}"),
        };
        Some(format!(
            "{}, {}{probability}: {}",
            safe(&read.document.name),
            read.place(judgement),
            shorten(&safe(&judgement.sentence.text), QUOTED.1)
        ))
    });
    let mut lines: Vec<String> = found.take(QUOTED.0).collect();
    if let Some(more) = technique.evidence.len().checked_sub(QUOTED.0).filter(|more| *more > 0) {
        lines.push(format!("… and {} more", counted(more, "sentence")));
    }
    json!({
        "techniqueID": technique.technique,
        "score": match score {
            LayerScore::Probability => (100.0 * technique.probability).round() as usize,
            LayerScore::Accepted => technique.evidence.len(),
        },
        "comment": lines.join("\n\n"),
        "enabled": true,
        "showSubtechniques": false,
        "metadata": [
            metadata("name", &safe(&technique.name)),
            metadata("sentences", &technique.evidence.len().to_string()),
            metadata("highest probability", &format!("{:.3}", technique.probability))
        ]
    })
}
