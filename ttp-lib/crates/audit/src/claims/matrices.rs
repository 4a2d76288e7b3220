//! What a claims file knows of a matrix before any claim.

use super::KnownMatrix;
use super::fields::Fields;
use crate::balanced::BalancedAccuracyKind;
use crate::binary::{Totals, ZeroDivision, items_of_pairs};
use crate::labels::Labels;
use std::collections::HashSet;
use ttp_base::Result;

pub(super) fn matrix(
    fields: &Fields<'_>,
    id: String,
    zero: ZeroDivision,
    balanced: BalancedAccuracyKind,
) -> Result<KnownMatrix> {
    let labels = fields.labels()?;
    let mut classes = match fields.optional_texts("classes")? {
        Some((classes, at)) => {
            let distinct: HashSet<&String> = classes.iter().collect();
            // Of a report over some labels one may be left.
            let least = if labels.is_some_and(Labels::is_open) { 1 } else { 2 };
            if classes.len() < least || distinct.len() < classes.len() {
                let reason = "at least two classes are wanted, each once".to_owned();
                return Err(fields.source.wrong(at, Some("classes"), reason));
            }
            classes
        }
        None => Vec::new(),
    };
    if let Some((number, at)) = fields.optional_whole("class_number")? {
        if !classes.is_empty() || !(2..=200).contains(&number) {
            let reason = "2 to 200, and not beside their names".to_owned();
            return Err(fields.source.wrong(at, Some("class_number"), reason));
        }
        classes = (1..=number).map(|class| format!("class {class}")).collect();
    }
    let (totals, open_total) = totals(fields)?;
    if labels.is_some() && classes.is_empty() {
        return Err(fields.wrong("labels", "it has no classes".to_owned()));
    }
    let examples = fields.optional_text("examples")?.map_or_else(|| id.clone(), |(name, _)| name);
    Ok(KnownMatrix {
        classes,
        totals,
        open_total,
        examples,
        zero_division: fields.zero_division()?.unwrap_or(zero),
        balanced: fields.balanced()?.unwrap_or(balanced),
        labels,
        id,
    })
}

/// What is known of the examples, and whether nothing is but how far to look for their number.
fn totals(fields: &Fields<'_>) -> Result<(Totals, bool)> {
    let total = fields.optional_range("total")?;
    let positive = fields.optional_range("positive")?;
    let negative = fields.optional_range("negative")?;
    let most = fields.optional_whole("look_up_to")?;
    let open_total = total.is_none() && (positive.is_none() || negative.is_none());
    let look = most.map_or(1000, |(most, _)| most);
    let known = match (total, positive, negative) {
        (Some((total, _)), _, _) => total,
        (None, Some((p, _)), Some((n, _))) => (p.0 + n.0, p.1 + n.1),
        _ => (1, look),
    };
    let contradiction = |field: &str, at: usize, reason: String| {
        Err(fields.source.wrong(at, Some(field), format!("contradictory totals: {reason}")))
    };
    for (name, part) in [("positive", positive), ("negative", negative)] {
        if let Some((part, at)) = part
            && !open_total
            && part.0 > known.1
        {
            return contradiction(name, at, format!("{} of {}", part.0, known.1));
        }
    }
    if let (Some((t, at)), Some((p, _)), Some((n, _))) = (total, positive, negative)
        && (p.0 + n.0 > t.1 || p.1 + n.1 < t.0)
    {
        return contradiction("total", at, format!("{} and {} are not {}", p.0, n.0, t.0));
    }
    let pairs = fields.optional_flag("all_pairs")?.unwrap_or(false);
    if let (true, Some((t, at))) = (pairs, total)
        && t.0 == t.1
        && items_of_pairs(t.0).is_none()
    {
        return contradiction("total", at, format!("{} is no number of all pairs", t.0));
    }
    let totals = Totals {
        total: known,
        positive: positive.map(|(range, _)| range),
        negative: negative.map(|(range, _)| range),
        pairs,
    };
    Ok((totals, open_total))
}
