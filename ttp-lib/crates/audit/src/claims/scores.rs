//! Claims about scores of a matrix.

use super::fields::{Fields, unknown};
use super::{Check, Claims, KnownMatrix};
use crate::agreement::Agreement;
use crate::balanced::BalancedAccuracyKind;
use crate::binary::{BinaryScore, Metric};
use crate::counts::{Averaging, ClassCount, ClassMetric};
use crate::figure::{Exact, Figure, Interval, Rounding};
use num_traits::{One, Signed};
use ttp_base::{Error, Result};

const CLASS_METRICS: [&str; 14] = [
    "precision",
    "recall",
    "f1",
    "f2",
    "f_beta",
    "specificity",
    "negative_predictive_value",
    "accuracy",
    "balanced_accuracy",
    "kappa",
    "mcc",
    "support",
    "predicted",
    "true_positives",
];

impl Claims {
    pub(super) fn score(
        &self,
        fields: &Fields<'_>,
        value: &Figure,
        rounding: Rounding,
    ) -> Result<Check> {
        let at = self.matrix_of(fields)?;
        let matrix = &self.matrices[at];
        let (name, _) = fields.text("metric")?;
        let counts = ["support", "predicted", "true_positives", "total"];
        if counts.contains(&name.as_str()) {
            if !value.exact && value.percent {
                return Err(fields.wrong("value", format!("{value} is not a count")));
            }
        } else {
            within_its_range(fields, &name, value, matrix)?;
        }
        match matrix.classes.is_empty() {
            true => binary(fields, &name, value.interval(rounding), matrix)
                .map(|metric| Check::Binary(at, metric)),
            false => of_classes(fields, &name, at, matrix),
        }
    }
}

/// That a score's figure says how it was rounded, and lies where such scores do.
fn within_its_range(
    fields: &Fields<'_>,
    name: &str,
    value: &Figure,
    matrix: &KnownMatrix,
) -> Result<()> {
    if !value.has_decimals {
        let reason = format!(
            "{} has no decimals: it does not say how it was rounded; write 0.90 or 90 %",
            value.text
        );
        return Err(fields.wrong("value", reason));
    }
    // Worse than chance is below nought.
    let signed = match name {
        "mcc" | "kappa" => true,
        "balanced_accuracy" => {
            fields.balanced()?.unwrap_or(matrix.balanced) == BalancedAccuracyKind::Adjusted
        }
        _ => false,
    };
    if !signed {
        return fields.share(value);
    }
    if value.value.abs() > Exact::one() {
        return Err(fields.wrong("value", format!("{value} is not within -1 and 1")));
    }
    Ok(())
}

fn beta(fields: &Fields<'_>, name: &str) -> Result<(u32, u32)> {
    match name {
        "f1" => Ok((1, 1)),
        "f2" => Ok((4, 1)),
        _ => fields.beta_squared()?.ok_or_else(|| fields.missing("beta")),
    }
}

/// A score that is not known, of such a matrix.
fn refuse(fields: &Fields<'_>, name: &str, known: &[&str]) -> Error {
    let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
    fields.wrong("metric", unknown("metric", name, &known))
}

fn binary(
    fields: &Fields<'_>,
    name: &str,
    interval: Interval,
    matrix: &KnownMatrix,
) -> Result<Metric> {
    let metric = match name {
        "accuracy" => Metric::Accuracy,
        "precision" => Metric::Precision,
        "recall" => Metric::Recall,
        "specificity" => Metric::Specificity,
        "f1" | "f2" | "f_beta" => {
            let (n, d) = beta(fields, name)?;
            Metric::FBeta(n, d)
        }
        "balanced_accuracy" => match fields.balanced()?.unwrap_or(matrix.balanced) {
            BalancedAccuracyKind::Adjusted => {
                let reason = "an adjusted balanced accuracy is looked at where the matrix has \
                              classes: give its two";
                return Err(fields.wrong("metric", reason.to_owned()));
            }
            // Of two classes the mean recall is the mean of recall and specificity.
            BalancedAccuracyKind::MeanRecall | BalancedAccuracyKind::OneVsRest => {
                Metric::BalancedAccuracy
            }
        },
        "mcc" => Metric::Mcc,
        _ => return Err(refuse(fields, name, &Metric::NAMES)),
    };
    BinaryScore::new(metric, interval, matrix.zero_division)
        .map_err(|reason| fields.wrong("value", reason))?;
    Ok(metric)
}

/// A score of a matrix of many classes: of one class, of some, or of all.
fn of_classes(fields: &Fields<'_>, name: &str, at: usize, matrix: &KnownMatrix) -> Result<Check> {
    let class = fields.optional_class("class", &matrix.classes)?;
    let average = averaging(fields)?;
    let over = fields.over(&matrix.classes)?;
    if over.is_some() && average.is_none() {
        return Err(fields.missing("average"));
    }
    let whole = match name {
        "kappa" => Some(Agreement::Kappa),
        "mcc" => Some(Agreement::Mcc),
        _ => None,
    };
    if let Some(whole) = whole {
        return match (class, average) {
            (None, None) => Ok(Check::Whole(at, whole)),
            _ => Err(fields.wrong("metric", format!("{name} is of all classes at once"))),
        };
    }
    let count = match name {
        "support" => Some(ClassCount::Support),
        "predicted" => Some(ClassCount::Predicted),
        "true_positives" => Some(ClassCount::TruePositives),
        _ => None,
    };
    if let Some(count) = count {
        let class = class.ok_or_else(|| fields.missing("class"))?;
        return Ok(Check::Count(at, class, count));
    }
    if name == "total" {
        return Ok(Check::Total(at));
    }
    let metric = match name {
        "precision" => ClassMetric::Precision,
        "recall" => ClassMetric::Recall,
        "f1" | "f2" | "f_beta" => {
            let (n, d) = beta(fields, name)?;
            ClassMetric::FBeta(n, d)
        }
        "specificity" => ClassMetric::Specificity,
        "negative_predictive_value" => ClassMetric::NegativePredictive,
        "accuracy" if class.is_none() && average.is_none() => return Ok(Check::Accuracy(at)),
        "accuracy" => ClassMetric::Accuracy,
        "balanced_accuracy" => ClassMetric::BalancedAccuracy,
        _ => return Err(refuse(fields, name, &CLASS_METRICS)),
    };
    if metric == ClassMetric::BalancedAccuracy && class.is_none() {
        let read = fields.balanced()?.unwrap_or(matrix.balanced);
        return balanced(fields, at, read, average, over.is_some());
    }
    match (class, average, over) {
        (Some(class), None, None) => Ok(Check::OfClass(at, class, metric)),
        (None, Some(average), None) => Ok(Check::Averaged(at, average, metric)),
        (None, Some(average), Some(over)) => Ok(Check::Over(at, over, average, metric)),
        _ => Err(fields.wrong("class", "either a class or an average is wanted".to_owned())),
    }
}

fn averaging(fields: &Fields<'_>) -> Result<Option<Averaging>> {
    let Some((name, at)) = fields.optional_text("average")? else { return Ok(None) };
    Ok(Some(match name.as_str() {
        "macro" => Averaging::Macro,
        "weighted" => Averaging::Weighted,
        "micro" => Averaging::Micro,
        other => {
            let known = ["macro", "weighted", "micro"].map(str::to_owned);
            let reason = unknown("average", other, &known);
            return Err(fields.source.wrong(at, Some("average"), reason));
        }
    }))
}

/// Balanced accuracy of all classes, in one of its readings.
fn balanced(
    fields: &Fields<'_>,
    at: usize,
    read: BalancedAccuracyKind,
    average: Option<Averaging>,
    over: bool,
) -> Result<Check> {
    match (read, average, over) {
        (BalancedAccuracyKind::OneVsRest, _, false) => {
            let average = average.unwrap_or(Averaging::Macro);
            Ok(Check::Averaged(at, average, ClassMetric::BalancedAccuracy))
        }
        (_, None | Some(Averaging::Macro), false) => Ok(Check::Balanced(at, read)),
        (_, _, true) => {
            let reason = "balanced accuracy is looked at over all classes".to_owned();
            Err(fields.wrong("over", reason))
        }
        _ => {
            let reason = "balanced accuracy is the mean recall, each class once: no average, or \
                          macro; with balanced_accuracy = \"one_vs_rest\" the classes' means of \
                          recall and specificity are averaged";
            Err(fields.wrong("average", reason.to_owned()))
        }
    }
}
