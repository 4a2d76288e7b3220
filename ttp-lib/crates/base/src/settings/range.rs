//! What a number may be.

use super::Schema;
use crate::Result;
use crate::error::SettingPath;
use std::fmt;
use std::ops::{Bound, RangeBounds};

/// What a number may be, or how many items a list may have. NaN is in no range.
///
/// ```
/// use ttp_base::settings::{above_to, from_below};
/// assert_eq!(above_to(0.0, 1.0).to_string(), "above 0 up to 1");
/// assert_eq!(from_below(0.0, 1.0).to_string(), "from 0 to below 1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    low: Bound<f64>,
    high: Bound<f64>,
    of_length: bool,
    reason: &'static str,
}

/// A finite number of at least `low`.
pub const fn at_least(low: f64) -> Range {
    Range::new(Bound::Included(low), Bound::Excluded(f64::INFINITY))
}

/// A finite number above `low`.
pub const fn above(low: f64) -> Range {
    Range::new(Bound::Excluded(low), Bound::Excluded(f64::INFINITY))
}

/// A number from `low` to `high`, both included.
pub const fn from_to(low: f64, high: f64) -> Range {
    Range::new(Bound::Included(low), Bound::Included(high))
}

/// A number from `low` to below `high`.
pub const fn from_below(low: f64, high: f64) -> Range {
    Range::new(Bound::Included(low), Bound::Excluded(high))
}

/// A number above `low` up to `high`.
pub const fn above_to(low: f64, high: f64) -> Range {
    Range::new(Bound::Excluded(low), Bound::Included(high))
}

/// A number above `low` and below `high`.
pub const fn between(low: f64, high: f64) -> Range {
    Range::new(Bound::Excluded(low), Bound::Excluded(high))
}

/// A list with an item at least.
pub const FILLED: Range = Range { of_length: true, ..at_least(1.0).or("names none") };

impl Range {
    const fn new(low: Bound<f64>, high: Bound<f64>) -> Self {
        Self { low, high, of_length: false, reason: "" }
    }

    /// The same range with a reason of its own for what is outside: `{}` stands for the value.
    #[must_use]
    pub const fn or(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    /// Whether it is the range of a list's length, and not of its items.
    pub(super) fn is_of_length(&self) -> bool {
        self.of_length
    }

    /// Refuses a number outside; `shown` is how it was written.
    pub(super) fn check(
        &self,
        number: f64,
        shown: &dyn fmt::Display,
        at: &SettingPath,
    ) -> Result<()> {
        if (self.low, self.high).contains(&number) {
            return Ok(());
        }
        at.refuse(match self.reason {
            "" => format!("{shown} is not {self}"),
            reason => reason.replace("{}", &shown.to_string()),
        })
    }

    /// Writes the range into a number's or a list's schema.
    pub(super) fn describe(&self, schema: &mut Schema) {
        let Some(schema) = schema.as_object_mut() else { return };
        let [least, most] =
            if self.of_length { ["minItems", "maxItems"] } else { ["minimum", "maximum"] };
        for (bound, included, excluded) in
            [(self.low, least, "exclusiveMinimum"), (self.high, most, "exclusiveMaximum")]
        {
            match bound {
                Bound::Included(at) if at.is_finite() => {
                    schema.insert(included.to_owned(), number(at))
                }
                Bound::Excluded(at) if at.is_finite() => {
                    schema.insert(excluded.to_owned(), number(at))
                }
                _ => None,
            };
        }
    }
}

/// A whole number without a point: lengths must have none.
fn number(at: f64) -> Schema {
    if at.fract() == 0.0 && at.abs() < 1e15 { (at as i64).into() } else { at.into() }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Bound::{Excluded, Included};
        match (self.low, self.high) {
            (Included(low), Excluded(f64::INFINITY)) => write!(f, "at least {low}"),
            (Excluded(low), Excluded(f64::INFINITY)) => write!(f, "above {low}"),
            (Included(low), Included(high)) => write!(f, "from {low} to {high}"),
            (Included(low), Excluded(high)) => write!(f, "from {low} to below {high}"),
            (Excluded(low), Included(high)) => write!(f, "above {low} up to {high}"),
            (Excluded(low), Excluded(high)) => write!(f, "above {low} and below {high}"),
            // None is made so.
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => f.write_str("a number"),
        }
    }
}
