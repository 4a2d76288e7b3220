//! Fields with a meaning of their own: figures, classes, settings, ranges.

use super::Range;
use super::fields::{Fields, unknown};
use crate::balanced::BalancedAccuracyKind;
use crate::binary::ZeroDivision;
use crate::figure::{Exact, Figure, Interval, Rounding, whole};
use crate::labels::Labels;
use crate::statement::Share;
use num_traits::{One, Signed, ToPrimitive, Zero};
use toml::de::DeValue;
use ttp_base::Result;

impl Fields<'_> {
    /// A figure: a text as it is printed, or a number with `decimals`.
    pub(super) fn figure(&self, field: &str) -> Result<Option<Figure>> {
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
    pub(super) fn share(&self, figure: &Figure) -> Result<()> {
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

    pub(super) fn class(&self, field: &str, classes: &[String]) -> Result<usize> {
        self.optional_class(field, classes)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn optional_class(&self, field: &str, classes: &[String]) -> Result<Option<usize>> {
        let Some((name, at)) = self.optional_text(field)? else { return Ok(None) };
        let place = classes.iter().position(|class| *class == name);
        place
            .map(Some)
            .ok_or_else(|| self.source.wrong(at, Some(field), unknown("class", &name, classes)))
    }

    /// β² as a fraction of small numbers.
    pub(super) fn beta_squared(&self) -> Result<Option<(u32, u32)>> {
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

    pub(super) fn rounding(&self) -> Result<Option<Rounding>> {
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
    pub(super) fn setting<T>(
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

    pub(super) fn labels(&self) -> Result<Option<Labels>> {
        self.setting("labels", &Labels::NAMES, Labels::named)
    }

    pub(super) fn balanced(&self) -> Result<Option<BalancedAccuracyKind>> {
        self.setting("balanced_accuracy", &BalancedAccuracyKind::NAMES, BalancedAccuracyKind::named)
    }

    pub(super) fn normalize(&self) -> Result<Option<Share>> {
        self.setting("normalize", &Share::NAMES, Share::named)
    }

    /// The classes that an average is over, where these are not all.
    pub(super) fn over(&self, classes: &[String]) -> Result<Option<Vec<usize>>> {
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

    pub(super) fn zero_division(&self) -> Result<Option<ZeroDivision>> {
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
    pub(super) fn range(&self) -> Result<Range> {
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
