//! Claims files: what a document says, as data. TOML, each value with its line.
//!
//! `data/claims/README.md` describes the format; the errors here name what is wrong with it.

use super::agreement::Agreement;
use super::balanced::Balanced;
use super::binary::{BinaryScore, Metric, Totals, ZeroDivision, items_of_pairs};
use super::counts::{Averaging, ClassCount, ClassMetric};
use super::figure::{Exact, Figure, Interval, Rounding, fraction, whole};
use super::labels::Labels;
use super::statement::Share;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use ttp_base::{Error, Result, files};

/// The largest count that a claims file may have beside its claims.
pub(super) const MOST: u64 = (1 << 40) - 1;

/// A document's claims.
#[derive(Debug, Clone)]
pub struct Claims {
    /// The file.
    pub file: PathBuf,
    /// The document's name.
    pub document: String,
    /// The files, beside this one, that its claims are to be held together with, and the line that
    /// says so: see [`joined`](Self::joined).
    pub together: Option<(Vec<String>, usize)>,
    /// Confusion matrices that claims are about.
    pub matrices: Vec<MatrixKnown>,
    /// Systems of unknown numbers that claims are about.
    pub quantities: Vec<Quantities>,
    /// The claims.
    pub claims: Vec<Claim>,
    /// What else is to be told about a matrix or a system: the range of a number.
    pub asks: Vec<Ask>,
    /// What is known from elsewhere of where claims come from.
    pub facts: Vec<Fact>,
}

/// What is known of a confusion matrix before any claim.
#[derive(Debug, Clone)]
pub struct MatrixKnown {
    /// Its name in the file.
    pub id: String,
    /// The classes; none for a binary matrix.
    pub classes: Vec<String>,
    /// Number of examples and of positives.
    pub totals: Totals,
    /// Whether nothing is known of the total but how far to look.
    pub open_total: bool,
    /// Binary matrices with the same name here count the same examples.
    pub examples: String,
    /// What a division by nought gives.
    pub zero_division: ZeroDivision,
    /// What the classes are of all labels, where the file says so.
    pub labels: Option<Labels>,
    /// How balanced accuracy of the classes is read.
    pub balanced: Balanced,
}

/// A system of whole numbers, and what defines it.
#[derive(Debug, Clone)]
pub struct Quantities {
    /// Its name in the file.
    pub id: String,
    /// Names and bounds.
    pub unknowns: Vec<(String, i128, i128)>,
    /// Relations that hold by definition.
    pub always: Vec<Relation>,
}

/// A linear relation of named whole numbers.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Unknown and factor.
    pub terms: Vec<(usize, i128)>,
    /// Least value of the sum.
    pub low: Option<i128>,
    /// Largest value of the sum.
    pub high: Option<i128>,
}

/// One claim.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its name in the file.
    pub id: String,
    /// Its line in the claims file.
    pub line: usize,
    /// Where the document says so.
    pub at: String,
    /// What it says, in a few words.
    pub says: String,
    /// The figure, where there is one.
    pub value: Option<Figure>,
    /// How the figure was rounded.
    pub rounding: Rounding,
    /// What it takes to be true.
    pub check: Check,
    /// Where a run of this project has the same figure in results.json.
    pub ours: Option<String>,
    /// The numbers that print as the claim says, where our figure is one of the document's own
    /// rows: a run that has one of them reproduces the claim.
    pub same_rows: Option<Interval>,
    /// The reading of the text that it belongs to, where the text can be read in several ways:
    /// comparisons of two readings are not held against each other.
    pub reading: Option<String>,
}

/// What a claim takes to be true. Names are those of other claims, by their place in the file.
#[derive(Debug, Clone)]
pub enum Check {
    /// A score of a binary matrix.
    Binary(usize, Metric),
    /// A score of one class.
    OfClass(usize, usize, ClassMetric),
    /// A count of one class.
    Count(usize, usize, ClassCount),
    /// An average over classes.
    Averaged(usize, Averaging, ClassMetric),
    /// An average over some of the classes.
    Over(usize, Vec<usize>, Averaging, ClassMetric),
    /// Balanced accuracy, as a mean of recalls.
    Balanced(usize, Balanced),
    /// How far the whole matrix agrees, chance taken off.
    Whole(usize, Agreement),
    /// The share on the diagonal.
    Accuracy(usize),
    /// The number of examples.
    Total(usize),
    /// A cell, as a count.
    Cell(usize, usize, usize),
    /// A cell, as a share.
    CellShare(usize, usize, usize, Share),
    /// Two classes taken for each other by these shares, which way round is not said.
    EitherWay(usize, usize, usize, Box<[Figure; 2]>),
    /// A sum of unknown numbers, or a relation between them.
    Linear(usize, Relation),
    /// The sum of other claims' figures, times a factor, is this figure (or at most, where so).
    Sum(Vec<(usize, Exact)>, Bound),
    /// The first is this share of the second.
    Share(usize, usize),
    /// The first is larger than the second by this share of the second.
    Gain(usize, usize),
    /// F-beta of a precision and a recall, with β².
    FOf(usize, usize, Exact),
    /// So many of these figures are within bounds.
    Tally(Vec<usize>, Range),
    /// All of these figures are within bounds.
    Tier(Vec<usize>, Range),
    /// All of these figures are one number.
    Same(Vec<usize>),
    /// These figures rise, or fall; each by something, or not the other way.
    Order(Vec<usize>, Direction),
    /// Names that the document gives to one thing: they are the same.
    Labels(Vec<String>),
    /// Nothing in the document decides it; this would.
    Stated(String),
}

/// What a sum is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is the figure.
    Equal,
    /// It is no more than the figure.
    AtMost,
}

/// Which way figures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Each is larger than the one before.
    Rising,
    /// Each is smaller than the one before.
    Falling,
    /// None is smaller than the one before.
    NotFalling,
    /// None is larger than the one before.
    NotRising,
}

/// Bounds of a tier.
#[derive(Debug, Clone)]
pub struct Range {
    /// The numbers in it.
    pub interval: Interval,
    /// As it is written.
    pub text: String,
}

/// Something that another source shows of claims.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its name in the file.
    pub id: String,
    /// The other source.
    pub at: String,
    /// What it shows, in a few words.
    pub says: String,
    /// The names of the claims.
    pub of: Vec<String>,
    /// Their figures as the other source has them, where it has them: as many as claims.
    pub values: Vec<Figure>,
}

/// The range of a number that is to be told.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What it is, in a few words.
    pub says: String,
    /// Of what.
    pub of: AskOf,
}

/// Whose range is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskOf {
    /// A count of a class of a matrix.
    Count(usize, usize, ClassCount),
    /// A cell of a matrix.
    Cell(usize, usize, usize),
    /// An unknown of a system.
    Unknown(usize, usize),
}

/// What is known of the examples of several matrices: all of it.
pub(super) fn common(known: &[&MatrixKnown]) -> Totals {
    let both = |a: Option<(u64, u64)>, b: Option<(u64, u64)>| match (a, b) {
        (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.min(b.1))),
        (a, b) => a.or(b),
    };
    let mut totals = known[0].totals.clone();
    let mut open = known[0].open_total;
    for matrix in &known[1..] {
        let other = &matrix.totals;
        // How far to look for a total is nothing that is known of it.
        totals.total = match (open, matrix.open_total) {
            (true, false) => other.total,
            (false, true) => totals.total,
            _ => (totals.total.0.max(other.total.0), totals.total.1.min(other.total.1)),
        };
        open &= matrix.open_total;
        totals.positive = both(totals.positive, other.positive);
        totals.negative = both(totals.negative, other.negative);
        totals.pairs |= other.pairs;
    }
    totals
}

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

const KINDS: [&str; 17] = [
    "score",
    "cell",
    "either_way",
    "linear",
    "sum",
    "mean",
    "difference",
    "share",
    "gain",
    "f_of",
    "tally",
    "tier",
    "same",
    "order",
    "at_most",
    "labels",
    "stated",
];

impl Claims {
    /// Reads a claims file.
    ///
    /// # Errors
    /// If it cannot be read, is not TOML, or a field is wrong: with the file, the line and the
    /// field.
    pub fn read(file: &Path) -> Result<Self> {
        let text = files::read_text(file)?;
        Self::parse(file, &text)
    }

    /// Reads claims from a text, with a file's name for the errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let source = Source { file, text };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            source.wrong(at, None, format!("not TOML: {}", error.message()))
        })?;
        let top = Fields::new(&source, 0, table.get_ref());
        let mut claims = Self {
            file: file.to_path_buf(),
            document: top.text("document")?.0,
            together: top
                .optional_texts("together")?
                .map(|(names, at)| match names.is_empty() {
                    true => Err(source.wrong(at, Some("together"), "a file is wanted")),
                    false => Ok((names, source.line(at))),
                })
                .transpose()?,
            matrices: Vec::new(),
            quantities: Vec::new(),
            claims: Vec::new(),
            asks: Vec::new(),
            facts: Vec::new(),
        };
        let rounding = top.rounding()?;
        let zero = top.zero_division()?.unwrap_or_default();
        let balanced = top.balanced()?.unwrap_or_default();
        let mut names = HashSet::new();
        let mut new_name = |fields: &Fields<'_>| -> Result<String> {
            let (id, at) = fields.text("id")?;
            if names.insert(id.clone()) {
                Ok(id)
            } else {
                Err(source.wrong(at, Some("id"), format!("{id:?} is there twice")))
            }
        };
        for fields in top.tables("matrix")? {
            let id = new_name(&fields)?;
            claims.matrices.push(matrix(&fields, id, zero, balanced)?);
            fields.end()?;
        }
        for fields in top.tables("quantities")? {
            let id = new_name(&fields)?;
            claims.quantities.push(quantities(&fields, id)?);
            fields.end()?;
        }
        let tables = top.tables("claim")?;
        let ids: Vec<String> = tables.iter().map(&mut new_name).collect::<Result<_>>()?;
        let places: BTreeMap<&str, usize> =
            ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        for (fields, id) in tables.iter().zip(&ids) {
            let claim = claims.claim(fields, id.clone(), rounding, &places)?;
            fields.end()?;
            claims.claims.push(claim);
        }
        // Only now is it known which figures the others have.
        for (fields, claim) in tables.iter().zip(&claims.claims) {
            for &other in claim.check.of() {
                if claims.claims[other].value.is_none() {
                    let reason = format!("claim {:?} has no figure", ids[other]);
                    return Err(fields.wrong("of", reason));
                }
            }
        }
        for fields in top.tables("fact")? {
            let id = new_name(&fields)?;
            let fact = claims.fact(&fields, id, &places)?;
            fields.end()?;
            claims.facts.push(fact);
        }
        for fields in top.tables("ask")? {
            let ask = claims.ask(&fields)?;
            fields.end()?;
            claims.asks.push(ask);
        }
        top.end()?;
        Ok(claims)
    }

    fn fact(
        &self,
        fields: &Fields<'_>,
        id: String,
        places: &BTreeMap<&str, usize>,
    ) -> Result<Fact> {
        let (of, of_at) = fields.texts("of")?;
        let wrong = |field, reason| Err(fields.source.wrong(of_at, Some(field), reason));
        if of.is_empty() {
            return wrong("of", "a claim is wanted".to_owned());
        }
        for (at, name) in of.iter().enumerate() {
            if !places.contains_key(name.as_str()) {
                return wrong("of", format!("no claim is named {name:?}"));
            }
            if of[..at].contains(name) {
                return wrong("of", format!("{name:?} is there twice"));
            }
        }
        let mut values: Vec<Figure> = Vec::new();
        if let Some((texts, at)) = fields.optional_texts("values")? {
            let wrong = |reason: String| fields.source.wrong(at, Some("values"), reason);
            if texts.len() != of.len() {
                return Err(wrong(format!("{} figures of {} claims", texts.len(), of.len())));
            }
            values = texts.iter().map(|text| text.parse().map_err(wrong)).collect::<Result<_>>()?;
            for name in &of {
                if self.claims[places[name.as_str()]].value.is_none() {
                    return Err(wrong(format!("claim {name:?} has no figure")));
                }
            }
        }
        Ok(Fact { id, at: fields.text("at")?.0, says: fields.text("says")?.0, of, values })
    }

    fn claim(
        &self,
        fields: &Fields<'_>,
        id: String,
        rounding: Option<Rounding>,
        places: &BTreeMap<&str, usize>,
    ) -> Result<Claim> {
        let (kind, kind_at) = fields.text("kind")?;
        let rounding = fields.rounding()?.or(rounding).unwrap_or_default();
        let value = fields.figure("value")?;
        let need = |fields: &Fields<'_>| value.clone().ok_or_else(|| fields.missing("value"));
        let of = || -> Result<Vec<usize>> {
            let (names, at) = fields.texts("of")?;
            let mut found = Vec::new();
            for name in names {
                let place = places.get(name.as_str()).copied().ok_or_else(|| {
                    fields.source.wrong(at, Some("of"), format!("no claim is named {name:?}"))
                })?;
                if name == id || found.contains(&place) {
                    let reason = format!("{name:?} is there twice, or the claim itself");
                    return Err(fields.source.wrong(at, Some("of"), reason));
                }
                found.push(place);
            }
            Ok(found)
        };
        let two = || -> Result<(usize, usize)> {
            match of()?[..] {
                [a, b] => Ok((a, b)),
                _ => Err(fields.wrong("of", "two claims are wanted".to_owned())),
            }
        };
        let check = match kind.as_str() {
            "score" => self.score(fields, &need(fields)?, rounding)?,
            "cell" => {
                let value = need(fields)?;
                let (at, classes) = self.classes(fields)?;
                let (from, to) = (fields.class("from", classes)?, fields.class("to", classes)?);
                // Whole numbers and thousands are counts, 0.83 and 83 % are shares.
                let normalize = fields.normalize()?;
                if value.percent || value.has_decimals && value.unit < Exact::one() {
                    fields.share(&value)?;
                    Check::CellShare(at, from, to, normalize.unwrap_or_default())
                } else {
                    if value.value.is_negative() {
                        return Err(fields.wrong("value", format!("{value} is below 0")));
                    }
                    if normalize.is_some() {
                        let reason = format!("{value} has no decimals: it is a count, no share");
                        return Err(fields.wrong("value", reason));
                    }
                    Check::Cell(at, from, to)
                }
            }
            "either_way" => {
                let (at, classes) = self.classes(fields)?;
                let (between, place) = fields.texts("between")?;
                let (values, values_at) = fields.texts("values")?;
                let class = |name: &String| {
                    classes.iter().position(|class| class == name).ok_or_else(|| {
                        let reason = unknown("class", name, classes);
                        fields.source.wrong(place, Some("between"), reason)
                    })
                };
                let figure = |text: &String| -> Result<Figure> {
                    let figure: Figure = text.parse().map_err(|reason: String| {
                        fields.source.wrong(values_at, Some("values"), reason)
                    })?;
                    fields.share(&figure)?;
                    Ok(figure)
                };
                let ([a, b], [x, y]) = (&between[..], &values[..]) else {
                    return Err(fields.wrong("between", "two classes, two values".to_owned()));
                };
                Check::EitherWay(at, class(a)?, class(b)?, Box::new([figure(x)?, figure(y)?]))
            }
            "linear" => self.linear(fields, value.as_ref(), rounding)?,
            "sum" | "at_most" | "mean" => {
                need(fields)?;
                let of = of()?;
                let factor = match kind.as_str() {
                    "mean" => fraction(1, of.len().max(1) as i128),
                    _ => Exact::one(),
                };
                let bound = if kind == "at_most" { Bound::AtMost } else { Bound::Equal };
                Check::Sum(of.into_iter().map(|at| (at, factor.clone())).collect(), bound)
            }
            "difference" => {
                need(fields)?;
                let (a, b) = two()?;
                Check::Sum(vec![(a, Exact::one()), (b, -Exact::one())], Bound::Equal)
            }
            "share" => {
                fields.share(&need(fields)?)?;
                let (part, all) = two()?;
                Check::Share(part, all)
            }
            "gain" => {
                need(fields)?;
                let (new, old) = two()?;
                Check::Gain(new, old)
            }
            "f_of" => {
                fields.share(&need(fields)?)?;
                let (precision, recall) = two()?;
                let (n, d) = fields.beta_squared()?.unwrap_or((1, 1));
                Check::FOf(precision, recall, fraction(n.into(), d.into()))
            }
            "tally" => {
                if !need(fields)?.exact {
                    return Err(fields.wrong("value", "a whole number is wanted".to_owned()));
                }
                Check::Tally(of()?, fields.range()?)
            }
            "tier" => Check::Tier(of()?, fields.range()?),
            "same" => Check::Same(of()?),
            "order" => {
                let (direction, at) = fields.text("direction")?;
                let known = ["rising", "falling", "not_falling", "not_rising"];
                let direction = match direction.as_str() {
                    "rising" => Direction::Rising,
                    "falling" => Direction::Falling,
                    "not_falling" => Direction::NotFalling,
                    "not_rising" => Direction::NotRising,
                    other => {
                        let reason = unknown("direction", other, &known.map(str::to_owned));
                        return Err(fields.source.wrong(at, Some("direction"), reason));
                    }
                };
                Check::Order(of()?, direction)
            }
            "labels" => Check::Labels(fields.texts("labels")?.0),
            "stated" => Check::Stated(fields.text("needs")?.0),
            other => {
                let reason = unknown("kind", other, &KINDS.map(str::to_owned));
                return Err(fields.source.wrong(kind_at, Some("kind"), reason));
            }
        };
        let ours = fields.optional_text("ours")?.map(|(text, _)| text);
        let mut same_rows = None;
        if fields.optional_flag("same_rows")?.unwrap_or(false) {
            if ours.is_none() {
                return Err(fields.missing("ours"));
            }
            if kind == "at_most" {
                let reason = "of a sum that is at most a figure there is no figure to compare";
                return Err(fields.wrong("same_rows", reason.to_owned()));
            }
            same_rows = Some(match &value {
                Some(value) => value.interval(rounding),
                None => fields.range()?.interval,
            });
        }
        Ok(Claim {
            line: fields.line(),
            at: fields.text("at")?.0,
            says: fields.text("says")?.0,
            ours,
            same_rows,
            reading: fields.optional_text("reading")?.map(|(text, _)| text),
            id,
            value,
            rounding,
            check,
        })
    }

    fn matrix_of(&self, fields: &Fields<'_>) -> Result<usize> {
        let (name, at) = fields.text("matrix")?;
        self.matrices.iter().position(|matrix| matrix.id == name).ok_or_else(|| {
            let known: Vec<String> = self.matrices.iter().map(|m| m.id.clone()).collect();
            fields.source.wrong(at, Some("matrix"), unknown("matrix", &name, &known))
        })
    }

    fn classes(&self, fields: &Fields<'_>) -> Result<(usize, &[String])> {
        let at = self.matrix_of(fields)?;
        let classes = &self.matrices[at].classes;
        if classes.is_empty() {
            return Err(fields.wrong("matrix", "it has no classes".to_owned()));
        }
        Ok((at, classes))
    }

    fn score(&self, fields: &Fields<'_>, value: &Figure, rounding: Rounding) -> Result<Check> {
        let at = self.matrix_of(fields)?;
        let matrix = &self.matrices[at];
        let (name, name_at) = fields.text("metric")?;
        let beta = || -> Result<(u32, u32)> {
            match name.as_str() {
                "f1" => Ok((1, 1)),
                "f2" => Ok((4, 1)),
                _ => fields.beta_squared()?.ok_or_else(|| fields.missing("beta")),
            }
        };
        let refuse = |known: &[&str]| {
            let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
            fields.source.wrong(name_at, Some("metric"), unknown("metric", &name, &known))
        };
        let counts = ["support", "predicted", "true_positives", "total"];
        if !counts.contains(&name.as_str()) {
            if !value.has_decimals {
                let reason = format!(
                    "{} has no decimals: it does not say how it was rounded; write 0.90 or 90 %",
                    value.text
                );
                return Err(fields.wrong("value", reason));
            }
            if name == "mcc" {
                if value.value.abs() > Exact::one() {
                    return Err(fields.wrong("value", format!("{value} is not within -1 and 1")));
                }
            } else if name == "kappa"
                || name == "balanced_accuracy"
                    && fields.balanced()?.unwrap_or(matrix.balanced) == Balanced::Adjusted
            {
                // Worse than chance is below nought.
                if value.value.abs() > Exact::one() {
                    return Err(fields.wrong("value", format!("{value} is not within -1 and 1")));
                }
            } else {
                fields.share(value)?;
            }
        } else if !value.exact && value.percent {
            return Err(fields.wrong("value", format!("{value} is not a count")));
        }
        if matrix.classes.is_empty() {
            let metric = match name.as_str() {
                "accuracy" => Metric::Accuracy,
                "precision" => Metric::Precision,
                "recall" => Metric::Recall,
                "specificity" => Metric::Specificity,
                "f1" | "f2" | "f_beta" => {
                    let (n, d) = beta()?;
                    Metric::FBeta(n, d)
                }
                "balanced_accuracy" => match fields.balanced()?.unwrap_or(matrix.balanced) {
                    Balanced::Adjusted => {
                        let reason = "an adjusted balanced accuracy is looked at where the matrix \
                                      has classes: give its two";
                        return Err(fields.wrong("metric", reason.to_owned()));
                    }
                    // Of two classes the mean recall is the mean of recall and specificity.
                    Balanced::MeanRecall | Balanced::OneVsRest => Metric::BalancedAccuracy,
                },
                "mcc" => Metric::Mcc,
                _ => return Err(refuse(&Metric::NAMES)),
            };
            BinaryScore::new(metric, value.interval(rounding), matrix.zero_division)
                .map_err(|reason| fields.wrong("value", reason))?;
            return Ok(Check::Binary(at, metric));
        }
        let class = fields.optional_class("class", &matrix.classes)?;
        let average = match fields.optional_text("average")? {
            None => None,
            Some((name, at)) => Some(match name.as_str() {
                "macro" => Averaging::Macro,
                "weighted" => Averaging::Weighted,
                "micro" => Averaging::Micro,
                other => {
                    let known = ["macro", "weighted", "micro"].map(str::to_owned);
                    let reason = unknown("average", other, &known);
                    return Err(fields.source.wrong(at, Some("average"), reason));
                }
            }),
        };
        let over = fields.over(&matrix.classes)?;
        if over.is_some() && average.is_none() {
            return Err(fields.missing("average"));
        }
        let whole = match name.as_str() {
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
        let count = match name.as_str() {
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
        let metric = match name.as_str() {
            "precision" => ClassMetric::Precision,
            "recall" => ClassMetric::Recall,
            "f1" | "f2" | "f_beta" => {
                let (n, d) = beta()?;
                ClassMetric::FBeta(n, d)
            }
            "specificity" => ClassMetric::Specificity,
            "negative_predictive_value" => ClassMetric::NegativePredictive,
            "accuracy" if class.is_none() && average.is_none() => return Ok(Check::Accuracy(at)),
            "accuracy" => ClassMetric::Accuracy,
            "balanced_accuracy" => ClassMetric::BalancedAccuracy,
            _ => return Err(refuse(&CLASS_METRICS)),
        };
        if metric == ClassMetric::BalancedAccuracy && class.is_none() {
            let read = fields.balanced()?.unwrap_or(matrix.balanced);
            match (read, average, &over) {
                (Balanced::OneVsRest, _, None) => {
                    let average = average.unwrap_or(Averaging::Macro);
                    return Ok(Check::Averaged(at, average, metric));
                }
                (_, None | Some(Averaging::Macro), None) => return Ok(Check::Balanced(at, read)),
                (_, _, Some(_)) => {
                    let reason = "balanced accuracy is looked at over all classes".to_owned();
                    return Err(fields.wrong("over", reason));
                }
                _ => {
                    let reason = "balanced accuracy is the mean recall, each class once: no \
                                  average, or macro; with balanced_accuracy = \"one_vs_rest\" the \
                                  classes' means of recall and specificity are averaged";
                    return Err(fields.wrong("average", reason.to_owned()));
                }
            }
        }
        match (class, average, over) {
            (Some(class), None, None) => Ok(Check::OfClass(at, class, metric)),
            (None, Some(average), None) => Ok(Check::Averaged(at, average, metric)),
            (None, Some(average), Some(over)) => Ok(Check::Over(at, over, average, metric)),
            _ => Err(fields.wrong("class", "either a class or an average is wanted".to_owned())),
        }
    }

    fn linear(
        &self,
        fields: &Fields<'_>,
        value: Option<&Figure>,
        rounding: Rounding,
    ) -> Result<Check> {
        let (name, at) = fields.text("quantities")?;
        let known: Vec<String> = self.quantities.iter().map(|q| q.id.clone()).collect();
        let place = known.iter().position(|id| *id == name).ok_or_else(|| {
            fields.source.wrong(at, Some("quantities"), unknown("system", &name, &known))
        })?;
        let system = &self.quantities[place];
        if let Some((text, at)) = fields.optional_text("holds")? {
            let wrong = |reason| fields.source.wrong(at, Some("holds"), reason);
            return Ok(Check::Linear(place, relation(&text, &system.unknowns).map_err(wrong)?));
        }
        let (text, at) = fields.text("sum")?;
        let value = value.ok_or_else(|| fields.missing("value"))?;
        let wrong = |reason| fields.source.wrong(at, Some("sum"), reason);
        let (terms, constant) = linear_sum(&text, &system.unknowns).map_err(wrong)?;
        let interval = value.interval(rounding).minus(&Interval::point(whole(constant)));
        let (mut low, mut high) = (interval.low.ceil(), interval.high.floor());
        if !interval.low_in && low == interval.low {
            low += Exact::one();
        }
        if !interval.high_in && high == interval.high {
            high -= Exact::one();
        }
        let end = |end: Exact| end.to_integer().to_i128();
        Ok(Check::Linear(place, Relation { terms, low: end(low), high: end(high) }))
    }

    fn ask(&self, fields: &Fields<'_>) -> Result<Ask> {
        let says = fields.text("says")?.0;
        let of = if let Some((name, at)) = fields.optional_text("quantities")? {
            let known: Vec<String> = self.quantities.iter().map(|q| q.id.clone()).collect();
            let place = known.iter().position(|id| *id == name).ok_or_else(|| {
                fields.source.wrong(at, Some("quantities"), unknown("system", &name, &known))
            })?;
            let (name, at) = fields.text("unknown")?;
            let names: Vec<String> =
                self.quantities[place].unknowns.iter().map(|u| u.0.clone()).collect();
            let unknown_at = names.iter().position(|n| *n == name).ok_or_else(|| {
                fields.source.wrong(at, Some("unknown"), unknown("number", &name, &names))
            })?;
            AskOf::Unknown(place, unknown_at)
        } else {
            let (at, classes) = self.classes(fields)?;
            match fields.optional_class("class", classes)? {
                Some(class) => {
                    let (name, place) = fields.text("count")?;
                    let count = match name.as_str() {
                        "support" => ClassCount::Support,
                        "predicted" => ClassCount::Predicted,
                        "true_positives" => ClassCount::TruePositives,
                        other => {
                            let known = ["support", "predicted", "true_positives"];
                            let reason = unknown("count", other, &known.map(str::to_owned));
                            return Err(fields.source.wrong(place, Some("count"), reason));
                        }
                    };
                    AskOf::Count(at, class, count)
                }
                None => {
                    AskOf::Cell(at, fields.class("from", classes)?, fields.class("to", classes)?)
                }
            }
        };
        Ok(Ask { says, of })
    }
}

impl Check {
    /// The claims that it is about, by their places.
    pub fn of(&self) -> Vec<&usize> {
        match self {
            Self::Sum(of, _) => of.iter().map(|(at, _)| at).collect(),
            Self::Share(a, b) | Self::Gain(a, b) | Self::FOf(a, b, _) => vec![a, b],
            Self::Tally(of, _) | Self::Tier(of, _) | Self::Same(of) | Self::Order(of, _) => {
                of.iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

fn matrix(
    fields: &Fields<'_>,
    id: String,
    zero: ZeroDivision,
    balanced: Balanced,
) -> Result<MatrixKnown> {
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
    if labels.is_some() && classes.is_empty() {
        return Err(fields.wrong("labels", "it has no classes".to_owned()));
    }
    let examples = fields.optional_text("examples")?.map_or_else(|| id.clone(), |(name, _)| name);
    Ok(MatrixKnown {
        classes,
        totals: Totals {
            total: known,
            positive: positive.map(|(range, _)| range),
            negative: negative.map(|(range, _)| range),
            pairs,
        },
        open_total,
        examples,
        zero_division: fields.zero_division()?.unwrap_or(zero),
        balanced: fields.balanced()?.unwrap_or(balanced),
        labels,
        id,
    })
}

fn quantities(fields: &Fields<'_>, id: String) -> Result<Quantities> {
    let mut unknowns = Vec::new();
    for (name, low, high, at) in fields.ranges("unknown")? {
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !is_name || low > high || high > 1_000_000_000 || low < -1_000_000_000 {
            let reason = format!("{name}: a name and two bounds up to 10⁹ are wanted");
            return Err(fields.source.wrong(at, Some("unknown"), reason));
        }
        unknowns.push((name, low, high));
    }
    let mut always = Vec::new();
    if let Some((texts, at)) = fields.optional_texts("always")? {
        for text in texts {
            let wrong = |reason| fields.source.wrong(at, Some("always"), reason);
            always.push(relation(&text, &unknowns).map_err(wrong)?);
        }
    }
    Ok(Quantities { id, unknowns, always })
}

/// `a + 2 b <= 44`: a relation of named numbers.
fn relation(text: &str, unknowns: &[(String, i128, i128)]) -> Result<Relation, String> {
    let (sign, at) = ["<=", ">=", "="]
        .iter()
        .find_map(|sign| text.find(sign).map(|at| (*sign, at)))
        .ok_or_else(|| format!("{text:?} has none of <=, >=, ="))?;
    let (left, a) = linear_sum(&text[..at], unknowns)?;
    let (right, b) = linear_sum(&text[at + sign.len()..], unknowns)?;
    let mut terms = left;
    terms.extend(right.into_iter().map(|(at, c)| (at, -c)));
    let terms = super::solver::merged(terms);
    let bound = Some(b - a);
    let (low, high) = match sign {
        "<=" => (None, bound),
        ">=" => (bound, None),
        _ => (bound, bound),
    };
    Ok(Relation { terms, low, high })
}

/// `2 a - b + 7`: factors of the unknowns, and what stands alone.
fn linear_sum(
    text: &str,
    unknowns: &[(String, i128, i128)],
) -> Result<(Vec<(usize, i128)>, i128), String> {
    let (mut terms, mut constant) = (Vec::new(), 0);
    let spaced = text.replace('+', " + ").replace('-', " - ");
    let (mut sign, mut factor, mut pending) = (1_i128, None::<i128>, false);
    for word in spaced.split_whitespace() {
        match word {
            "+" | "-" => {
                if let Some(number) = factor.take() {
                    constant += sign * number;
                }
                sign = if word == "-" { -1 } else { 1 };
                pending = true;
            }
            _ if word.bytes().all(|byte| byte.is_ascii_digit()) && factor.is_none() => {
                factor = Some(word.parse().map_err(|_| format!("{word} is too large"))?);
                pending = false;
            }
            _ => {
                let at = unknowns.iter().position(|(name, ..)| name == word).ok_or_else(|| {
                    let known: Vec<String> = unknowns.iter().map(|u| u.0.clone()).collect();
                    unknown("number", word, &known)
                })?;
                terms.push((at, sign * factor.take().unwrap_or(1)));
                (sign, pending) = (1, false);
            }
        }
    }
    if pending || spaced.trim().is_empty() {
        return Err(format!("{text:?} is not a sum"));
    }
    constant += sign * factor.unwrap_or(0);
    Ok((super::solver::merged(terms), constant))
}

fn unknown(kind: &str, name: &str, known: &[String]) -> String {
    format!("unknown {kind} {name:?}; known: {}", known.join(", "))
}

struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn line(&self, at: usize) -> usize {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn wrong(&self, at: usize, field: Option<&str>, reason: impl Display) -> Error {
        Error::input_at(self.file, Some(self.line(at)), field, reason)
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

/// A table of the file; a field that is not asked for is one too many.
struct Fields<'a> {
    source: &'a Source<'a>,
    at: usize,
    table: &'a DeTable<'a>,
    asked: RefCell<HashSet<String>>,
}

impl<'a> Fields<'a> {
    fn new(source: &'a Source<'a>, at: usize, table: &'a DeTable<'a>) -> Self {
        Self { source, at, table, asked: RefCell::default() }
    }

    fn line(&self) -> usize {
        self.source.line(self.at)
    }

    fn get(&self, field: &str) -> Option<&'a Value<'a>> {
        self.asked.borrow_mut().insert(field.to_owned());
        self.table.get(field)
    }

    fn missing(&self, field: &str) -> Error {
        self.source.wrong(self.at, Some(field), "missing")
    }

    fn wrong(&self, field: &str, reason: String) -> Error {
        let at = self.table.get(field).map_or(self.at, |value| value.span().start);
        self.source.wrong(at, Some(field), reason)
    }

    fn end(&self) -> Result<()> {
        for (name, value) in self.table {
            let name = name.get_ref().as_ref();
            if !self.asked.borrow().contains(name) {
                let reason = "not a field that is known here";
                return Err(self.source.wrong(value.span().start, Some(name), reason));
            }
        }
        Ok(())
    }

    fn tables(&self, field: &str) -> Result<Vec<Fields<'a>>> {
        let Some(value) = self.get(field) else { return Ok(Vec::new()) };
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| self.wrong(field, format!("[[{field}]] is wanted")))?;
        let table = |value: &'a Value<'a>| match value.get_ref().as_table() {
            Some(table) => Ok(Fields::new(self.source, value.span().start, table)),
            None => Err(self.wrong(field, format!("[[{field}]] is wanted"))),
        };
        list.iter().map(table).collect()
    }

    fn optional_text(&self, field: &str) -> Result<Option<(String, usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => {
                Ok(Some((text.to_owned(), value.span().start)))
            }
            _ => Err(self.wrong(field, "a text is wanted".to_owned())),
        }
    }

    fn text(&self, field: &str) -> Result<(String, usize)> {
        self.optional_text(field)?.ok_or_else(|| self.missing(field))
    }

    fn optional_texts(&self, field: &str) -> Result<Option<(Vec<String>, usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let wanted = || self.wrong(field, "a list of texts is wanted".to_owned());
        let list = value.get_ref().as_array().ok_or_else(wanted)?;
        let text = |value: &Value<'_>| value.get_ref().as_str().map(str::to_owned);
        let list: Option<Vec<String>> = list.iter().map(text).collect();
        Ok(Some((list.ok_or_else(wanted)?, value.span().start)))
    }

    fn texts(&self, field: &str) -> Result<(Vec<String>, usize)> {
        self.optional_texts(field)?.ok_or_else(|| self.missing(field))
    }

    fn whole_of(&self, field: &str, value: &Value<'_>) -> Result<i128> {
        let whole = value.get_ref().as_integer().and_then(|number| {
            let digits = number.as_str().replace('_', "");
            i128::from_str_radix(&digits, number.radix()).ok()
        });
        whole.ok_or_else(|| {
            self.source.wrong(value.span().start, Some(field), "a whole number is wanted")
        })
    }

    fn count_of(&self, field: &str, value: &Value<'_>) -> Result<u64> {
        let whole = self.whole_of(field, value)?;
        u64::try_from(whole).ok().filter(|count| *count <= MOST).ok_or_else(|| {
            let reason = format!("a count from 0 to {MOST} is wanted");
            self.source.wrong(value.span().start, Some(field), reason)
        })
    }

    fn optional_whole(&self, field: &str) -> Result<Option<(u64, usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        Ok(Some((self.count_of(field, value)?, value.span().start)))
    }

    fn optional_flag(&self, field: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let flag = value.get_ref().as_bool();
        flag.map(Some).ok_or_else(|| self.wrong(field, "true or false is wanted".to_owned()))
    }

    /// A number, or [least, largest].
    fn optional_range(&self, field: &str) -> Result<Option<((u64, u64), usize)>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let at = value.span().start;
        let range = match value.get_ref().as_array() {
            None => {
                let count = self.count_of(field, value)?;
                (count, count)
            }
            Some(list) => match &list[..] {
                [low, high] => (self.count_of(field, low)?, self.count_of(field, high)?),
                _ => return Err(self.wrong(field, "a number or [least, largest]".to_owned())),
            },
        };
        if range.0 > range.1 {
            let reason = format!("contradictory totals: {} to {}", range.0, range.1);
            return Err(self.wrong(field, reason));
        }
        Ok(Some((range, at)))
    }

    fn ranges(&self, field: &str) -> Result<Vec<(String, i128, i128, usize)>> {
        let value = self.get(field).ok_or_else(|| self.missing(field))?;
        let wanted = || self.wrong(field, "name = [least, largest] is wanted".to_owned());
        let table = value.get_ref().as_table().ok_or_else(wanted)?;
        let mut ranges = Vec::new();
        for (name, value) in table {
            let at = name.span().start;
            let Some([low, high]) = value.get_ref().as_array().map(|list| &list[..]) else {
                return Err(wanted());
            };
            let (low, high) = (self.whole_of(field, low)?, self.whole_of(field, high)?);
            ranges.push((name.get_ref().to_string(), low, high, at));
        }
        Ok(ranges)
    }

    /// A figure: a text as it is printed, or a number with `decimals`.
    fn figure(&self, field: &str) -> Result<Option<Figure>> {
        let decimals = self.optional_whole("decimals")?;
        let within = self.optional_text("within")?;
        let Some(value) = self.get(field) else { return Ok(None) };
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Float(number) => match decimals {
                Some((decimals, _)) => {
                    let digits = number.as_str();
                    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
                    let decimals = decimals as usize;
                    if after.len() > decimals || decimals > 18 {
                        let reason = format!("{digits} has more than {decimals} decimals");
                        return Err(self.wrong(field, reason));
                    }
                    format!("{before}.{after:0<decimals$}")
                }
                None => {
                    let digits = number.as_str();
                    let reason = format!(
                        "{digits} does not say its decimals (0.9 and 0.90 are one number in \
                         TOML): write value = \"{digits}\", or decimals = 2 beside it"
                    );
                    return Err(self.wrong(field, reason));
                }
            },
            DeValue::Integer(number) => number.as_str().to_owned(),
            _ => return Err(self.wrong(field, "a figure is wanted".to_owned())),
        };
        let mut figure: Figure = text.parse().map_err(|reason| self.wrong(field, reason))?;
        if let Some((text, at)) = within {
            let within: Figure = text
                .parse()
                .map_err(|reason: String| self.source.wrong(at, Some("within"), reason))?;
            figure.within = Some(within.value.abs());
            figure.has_decimals = true;
        }
        Ok(Some(figure))
    }

    /// That a figure is a share from 0 to 1.
    fn share(&self, figure: &Figure) -> Result<()> {
        let field = if self.table.get("value").is_some() { "value" } else { "values" };
        if figure.percent && figure.value > Exact::one() {
            return Err(self.wrong(field, format!("{figure} is a percentage above 100")));
        }
        if figure.value.is_negative() {
            return Err(self.wrong(field, format!("{figure} is below 0")));
        }
        if !figure.percent && figure.has_decimals && figure.value > Exact::one() {
            return Err(self.wrong(field, format!("{figure} is a share above 1")));
        }
        Ok(())
    }

    fn class(&self, field: &str, classes: &[String]) -> Result<usize> {
        self.optional_class(field, classes)?.ok_or_else(|| self.missing(field))
    }

    fn optional_class(&self, field: &str, classes: &[String]) -> Result<Option<usize>> {
        let Some((name, at)) = self.optional_text(field)? else { return Ok(None) };
        let place = classes.iter().position(|class| *class == name);
        place
            .map(Some)
            .ok_or_else(|| self.source.wrong(at, Some(field), unknown("class", &name, classes)))
    }

    /// β² as a fraction of small numbers.
    fn beta_squared(&self) -> Result<Option<(u32, u32)>> {
        let Some((text, at)) = self.optional_text("beta")? else { return Ok(None) };
        let wrong = || self.source.wrong(at, Some("beta"), "a number such as 2 or 0.5 is wanted");
        let beta: Figure = text.parse().map_err(|_| wrong())?;
        let squared = &beta.value * &beta.value;
        let small = |n: &num_bigint::BigInt| n.to_u32().filter(|n| (1..=10_000).contains(n));
        match (small(squared.numer()), small(squared.denom())) {
            (Some(n), Some(d)) if beta.value > Exact::zero() => Ok(Some((n, d))),
            _ => Err(wrong()),
        }
    }

    fn rounding(&self) -> Result<Option<Rounding>> {
        let Some((name, at)) = self.optional_text("rounding")? else { return Ok(None) };
        Ok(Some(match name.as_str() {
            "nearest" => Rounding::Nearest,
            "half_up" => Rounding::HalfUp,
            "half_even" => Rounding::HalfEven,
            "truncated" => Rounding::Truncated,
            "either" => Rounding::Either,
            other => {
                let known = ["nearest", "half_up", "half_even", "truncated", "either"];
                let reason = unknown("rounding", other, &known.map(str::to_owned));
                return Err(self.source.wrong(at, Some("rounding"), reason));
            }
        }))
    }

    /// One of a setting's names.
    fn setting<T>(
        &self,
        field: &str,
        names: &[&str],
        named: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some((name, at)) = self.optional_text(field)? else { return Ok(None) };
        named(&name).map(Some).ok_or_else(|| {
            let known: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            self.source.wrong(at, Some(field), unknown(field, &name, &known))
        })
    }

    fn labels(&self) -> Result<Option<Labels>> {
        self.setting("labels", &Labels::NAMES, Labels::named)
    }

    fn balanced(&self) -> Result<Option<Balanced>> {
        self.setting("balanced_accuracy", &Balanced::NAMES, Balanced::named)
    }

    fn normalize(&self) -> Result<Option<Share>> {
        self.setting("normalize", &Share::NAMES, Share::named)
    }

    /// The classes that an average is over, where these are not all.
    fn over(&self, classes: &[String]) -> Result<Option<Vec<usize>>> {
        let Some((names, at)) = self.optional_texts("over")? else { return Ok(None) };
        let wrong = |reason: String| self.source.wrong(at, Some("over"), reason);
        let mut over = Vec::new();
        for name in &names {
            let place = classes.iter().position(|class| class == name);
            let place = place.ok_or_else(|| wrong(unknown("class", name, classes)))?;
            if over.contains(&place) {
                return Err(wrong(format!("{name:?} is there twice")));
            }
            over.push(place);
        }
        match over.len() {
            0 => Err(wrong("a class is wanted".to_owned())),
            all if all == classes.len() => Ok(None),
            _ => Ok(Some(over)),
        }
    }

    fn zero_division(&self) -> Result<Option<ZeroDivision>> {
        let Some((name, at)) = self.optional_text("zero_division")? else { return Ok(None) };
        Ok(Some(match name.as_str() {
            "0" => ZeroDivision::Zero,
            "1" => ZeroDivision::One,
            "undefined" => ZeroDivision::Undefined,
            other => {
                let reason =
                    unknown("zero_division", other, &["0", "1", "undefined"].map(str::to_owned));
                return Err(self.source.wrong(at, Some("zero_division"), reason));
            }
        }))
    }

    /// above, at_least, below, at_most: the bounds of a tier.
    fn range(&self) -> Result<Range> {
        let far = whole(1_000_000_000_000);
        let mut interval = Interval::closed(-far.clone(), far);
        let mut words = Vec::new();
        for (field, lower, inside) in [
            ("above", true, false),
            ("at_least", true, true),
            ("below", false, false),
            ("at_most", false, true),
        ] {
            let Some((text, at)) = self.optional_text(field)? else { continue };
            let figure: Figure = text
                .parse()
                .map_err(|reason: String| self.source.wrong(at, Some(field), reason))?;
            if lower {
                (interval.low, interval.low_in) = (figure.value.clone(), inside);
            } else {
                (interval.high, interval.high_in) = (figure.value.clone(), inside);
            }
            words.push(format!("{} {text}", field.replace('_', " ")));
        }
        if words.is_empty() || interval.is_empty() {
            return Err(self.missing("above, at_least, below or at_most"));
        }
        Ok(Range { interval, text: words.join(" and ") })
    }
}
