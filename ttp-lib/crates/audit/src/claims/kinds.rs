//! Claims of every kind, from their fields.

use super::fields::{Fields, unknown};
use super::{Bound, Check, Claim, Claims, Direction};
use crate::figure::{Exact, Figure, Rounding, fraction};
use num_traits::{One, Signed};
use std::collections::BTreeMap;
use ttp_base::Result;

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

/// Where the claims of a file stand, by their names.
pub(super) type Places<'a> = BTreeMap<&'a str, usize>;

impl Claims {
    pub(super) fn claim(
        &self,
        fields: &Fields<'_>,
        id: String,
        rounding: Option<Rounding>,
        places: &Places<'_>,
    ) -> Result<Claim> {
        let (kind, kind_at) = fields.text("kind")?;
        let rounding = fields.rounding()?.or(rounding).unwrap_or_default();
        let value = fields.figure("value")?;
        let of_matrix = match kind.as_str() {
            "score" => Some(self.score(fields, &needed(fields, value.as_ref())?, rounding)?),
            "cell" => Some(self.cell(fields, &needed(fields, value.as_ref())?)?),
            "either_way" => Some(self.either_way(fields)?),
            "linear" => Some(self.linear(fields, value.as_ref(), rounding)?),
            "labels" => Some(Check::Labels(fields.texts("labels")?.0)),
            "stated" => Some(Check::Stated(fields.text("needs")?.0)),
            _ => None,
        };
        let check = match of_matrix {
            Some(check) => check,
            None => match of_others(&kind, fields, value.as_ref(), &id, places)? {
                Some(check) => check,
                None => {
                    let reason = unknown("kind", &kind, &KINDS.map(str::to_owned));
                    return Err(fields.source.wrong(kind_at, Some("kind"), reason));
                }
            },
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
            not_run: None,
            id,
            value,
            rounding,
            check,
        })
    }

    pub(super) fn matrix_of(&self, fields: &Fields<'_>) -> Result<usize> {
        let (name, at) = fields.text("matrix")?;
        self.matrices.iter().position(|matrix| matrix.id == name).ok_or_else(|| {
            let known: Vec<String> = self.matrices.iter().map(|m| m.id.clone()).collect();
            fields.source.wrong(at, Some("matrix"), unknown("matrix", &name, &known))
        })
    }

    pub(super) fn classes(&self, fields: &Fields<'_>) -> Result<(usize, &[String])> {
        let at = self.matrix_of(fields)?;
        let classes = &self.matrices[at].classes;
        if classes.is_empty() {
            return Err(fields.wrong("matrix", "it has no classes".to_owned()));
        }
        Ok((at, classes))
    }

    fn cell(&self, fields: &Fields<'_>, value: &Figure) -> Result<Check> {
        let (at, classes) = self.classes(fields)?;
        let (from, to) = (fields.class("from", classes)?, fields.class("to", classes)?);
        // Whole numbers and thousands are counts, 0.83 and 83 % are shares.
        let normalize = fields.normalize()?;
        if value.percent || value.has_decimals && value.unit < Exact::one() {
            fields.share(value)?;
            return Ok(Check::CellShare(at, from, to, normalize.unwrap_or_default()));
        }
        if value.value.is_negative() {
            return Err(fields.wrong("value", format!("{value} is below 0")));
        }
        if normalize.is_some() {
            let reason = format!("{value} has no decimals: it is a count, no share");
            return Err(fields.wrong("value", reason));
        }
        Ok(Check::Cell(at, from, to))
    }

    fn either_way(&self, fields: &Fields<'_>) -> Result<Check> {
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
            let figure: Figure = text
                .parse()
                .map_err(|reason: String| fields.source.wrong(values_at, Some("values"), reason))?;
            fields.share(&figure)?;
            Ok(figure)
        };
        let ([a, b], [x, y]) = (&between[..], &values[..]) else {
            return Err(fields.wrong("between", "two classes, two values".to_owned()));
        };
        Ok(Check::EitherWay(at, class(a)?, class(b)?, Box::new([figure(x)?, figure(y)?])))
    }
}

/// The figure, which this kind of claim wants.
fn needed(fields: &Fields<'_>, value: Option<&Figure>) -> Result<Figure> {
    value.cloned().ok_or_else(|| fields.missing("value"))
}

/// Claims about other claims' figures; nothing of another kind.
fn of_others(
    kind: &str,
    fields: &Fields<'_>,
    value: Option<&Figure>,
    id: &str,
    places: &Places<'_>,
) -> Result<Option<Check>> {
    let need = || needed(fields, value);
    let of = || others(fields, id, places);
    let two = || -> Result<(usize, usize)> {
        match of()?[..] {
            [a, b] => Ok((a, b)),
            _ => Err(fields.wrong("of", "two claims are wanted".to_owned())),
        }
    };
    Ok(Some(match kind {
        "sum" | "at_most" | "mean" => {
            need()?;
            let of = of()?;
            let factor = match kind {
                "mean" => fraction(1, of.len().max(1) as i128),
                _ => Exact::one(),
            };
            let bound = if kind == "at_most" { Bound::AtMost } else { Bound::Equal };
            Check::Sum(of.into_iter().map(|at| (at, factor.clone())).collect(), bound)
        }
        "difference" => {
            need()?;
            let (a, b) = two()?;
            Check::Sum(vec![(a, Exact::one()), (b, -Exact::one())], Bound::Equal)
        }
        "share" => {
            fields.share(&need()?)?;
            let (part, all) = two()?;
            Check::Share(part, all)
        }
        "gain" => {
            need()?;
            let (new, old) = two()?;
            Check::Gain(new, old)
        }
        "f_of" => {
            fields.share(&need()?)?;
            let (precision, recall) = two()?;
            let (n, d) = fields.beta_squared()?.unwrap_or((1, 1));
            Check::FOf(precision, recall, fraction(n.into(), d.into()))
        }
        "tally" => {
            if !need()?.exact {
                return Err(fields.wrong("value", "a whole number is wanted".to_owned()));
            }
            Check::Tally(of()?, fields.range()?)
        }
        "tier" => Check::Tier(of()?, fields.range()?),
        "same" => Check::Same(of()?),
        "order" => {
            let direction = direction(fields)?;
            Check::Order(of()?, direction)
        }
        _ => return Ok(None),
    }))
}

/// The claims that a claim is about.
fn others(fields: &Fields<'_>, id: &str, places: &Places<'_>) -> Result<Vec<usize>> {
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
}

fn direction(fields: &Fields<'_>) -> Result<Direction> {
    let (direction, at) = fields.text("direction")?;
    let known = ["rising", "falling", "not_falling", "not_rising"];
    Ok(match direction.as_str() {
        "rising" => Direction::Rising,
        "falling" => Direction::Falling,
        "not_falling" => Direction::NotFalling,
        "not_rising" => Direction::NotRising,
        other => {
            let reason = unknown("direction", other, &known.map(str::to_owned));
            return Err(fields.source.wrong(at, Some("direction"), reason));
        }
    })
}
