//! Systems of named whole numbers, and relations between these.

use super::fields::{Fields, unknown};
use super::{Check, Claims, LinearRelation, Quantities};
use crate::figure::{Exact, Figure, Interval, Rounding, whole};
use crate::problem::merged;
use num_traits::{One, ToPrimitive};
use ttp_base::Result;

impl Claims {
    pub(super) fn linear(
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
        Ok(Check::Linear(place, LinearRelation { terms, low: end(low), high: end(high) }))
    }
}

pub(super) fn quantities(fields: &Fields<'_>, id: String) -> Result<Quantities> {
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
fn relation(text: &str, unknowns: &[(String, i128, i128)]) -> Result<LinearRelation, String> {
    let (sign, at) = ["<=", ">=", "="]
        .iter()
        .find_map(|sign| text.find(sign).map(|at| (*sign, at)))
        .ok_or_else(|| format!("{text:?} has none of <=, >=, ="))?;
    let (left, a) = linear_sum(&text[..at], unknowns)?;
    let (right, b) = linear_sum(&text[at + sign.len()..], unknowns)?;
    let mut terms = left;
    terms.extend(right.into_iter().map(|(at, c)| (at, -c)));
    let terms = merged(terms);
    let bound = Some(b - a);
    let (low, high) = match sign {
        "<=" => (None, bound),
        ">=" => (bound, None),
        _ => (bound, bound),
    };
    Ok(LinearRelation { terms, low, high })
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
    Ok((merged(terms), constant))
}
