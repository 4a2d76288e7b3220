//! A figure as a text prints it, and the exact set of numbers that print so.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::fmt;

/// A number of exact arithmetic: no verdict hangs on a floating-point one.
pub type Exact = BigRational;

/// How a figure's last digit came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// To the nearest; a half may have gone either way, as it does in binary floating point.
    #[default]
    Nearest,
    /// To the nearest, a half away from nought.
    HalfUp,
    /// To the nearest, a half to the even digit.
    HalfEven,
    /// To the nearest, a half towards nought.
    HalfDown,
    /// Digits cut off.
    Truncated,
    /// Rounded to the nearest or cut off: either is allowed.
    Either,
}

/// An interval of exact numbers; an end belongs to it or does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: Exact,
    /// Whether the lower end belongs to it.
    pub low_in: bool,
    /// Upper end.
    pub high: Exact,
    /// Whether the upper end belongs to it.
    pub high_in: bool,
}

impl Interval {
    /// Both ends belong to it.
    pub fn closed(low: Exact, high: Exact) -> Self {
        Self { low, low_in: true, high, high_in: true }
    }

    /// One number.
    pub fn point(value: Exact) -> Self {
        Self::closed(value.clone(), value)
    }

    /// Whether there is no number in it.
    pub fn is_empty(&self) -> bool {
        self.low > self.high || (self.low == self.high && !(self.low_in && self.high_in))
    }

    /// Whether a number is in it.
    pub fn contains(&self, value: &Exact) -> bool {
        let above = if self.low_in { *value >= self.low } else { *value > self.low };
        above && if self.high_in { *value <= self.high } else { *value < self.high }
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let (low, low_in) = match self.low.cmp(&other.low) {
            std::cmp::Ordering::Greater => (self.low.clone(), self.low_in),
            std::cmp::Ordering::Less => (other.low.clone(), other.low_in),
            std::cmp::Ordering::Equal => (self.low.clone(), self.low_in && other.low_in),
        };
        let (high, high_in) = match self.high.cmp(&other.high) {
            std::cmp::Ordering::Less => (self.high.clone(), self.high_in),
            std::cmp::Ordering::Greater => (other.high.clone(), other.high_in),
            std::cmp::Ordering::Equal => (self.high.clone(), self.high_in && other.high_in),
        };
        Self { low, low_in, high, high_in }
    }

    /// The sums of a number of each.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            low: &self.low + &other.low,
            low_in: self.low_in && other.low_in,
            high: &self.high + &other.high,
            high_in: self.high_in && other.high_in,
        }
    }

    /// Every number multiplied.
    #[must_use]
    pub fn times(&self, factor: &Exact) -> Self {
        let (low, high) = (&self.low * factor, &self.high * factor);
        if factor.is_negative() {
            Self { low: high, low_in: self.high_in, high: low, high_in: self.low_in }
        } else {
            Self { low, low_in: self.low_in, high, high_in: self.high_in }
        }
    }

    /// The differences of a number of each.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.times(&-Exact::one()))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = [&self.low, &self.high].map(decimals);
        if low == high { write!(f, "{low}") } else { write!(f, "{low} to {high}") }
    }
}

/// An exact number as a reader writes it: a whole one whole, another with up to six decimals.
pub fn decimals(value: &Exact) -> String {
    if value.is_integer() {
        return value.to_integer().to_string();
    }
    let text = format!("{:.6}", value.to_f64().unwrap_or(f64::NAN));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number, exactly.
pub fn whole(value: i128) -> Exact {
    Exact::from_integer(BigInt::from(value))
}

/// A fraction, exactly.
pub fn fraction(numerator: i128, denominator: i128) -> Exact {
    Exact::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// A figure as it is printed: `0.90`, `47.74 %`, `+16.13 %`, `14.4k`, `1,268`.
///
/// ```
/// use ttp_audit::{Figure, Rounding};
/// let figure: Figure = "47.74 %".parse().unwrap();
/// assert_eq!(figure.interval(Rounding::Nearest).to_string(), "0.47735 to 0.47745");
/// let rows: Figure = "14.4k".parse().unwrap();
/// assert_eq!(rows.interval(Rounding::Nearest).to_string(), "14350 to 14450");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// As it is printed.
    pub text: String,
    /// The number itself; a percentage as a share.
    pub value: Exact,
    /// What one in its last digit is worth.
    pub unit: Exact,
    /// Whether it is printed in per cent.
    pub percent: bool,
    /// Whether it says where its digits end: a decimal point, per cent, or thousands.
    pub has_decimals: bool,
    /// A plain whole number, which stands for itself and was not rounded.
    pub exact: bool,
    /// How far off it may be in place of what its digits say, if that is given.
    pub within: Option<Exact>,
}

impl std::str::FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown = text.trim();
        let refuse = || format!("{shown:?} is not a figure such as 0.90, 47.74 %, 14.4k or 1,268");
        let (body, percent) = match shown.strip_suffix('%') {
            Some(body) => (body.trim_end(), true),
            None => (shown, false),
        };
        let (body, thousands) = match body.strip_suffix(['k', 'K']) {
            Some(body) => (body, true),
            None => (body, false),
        };
        let (negative, body) = match body.chars().next() {
            Some(sign @ ('-' | '−')) => (true, &body[sign.len_utf8()..]),
            Some('+') => (false, &body[1..]),
            _ => (false, body),
        };
        let (before, after) = body.split_once('.').unwrap_or((body, ""));
        let grouped = before.contains(',');
        let groups: Vec<&str> = before.split(',').collect();
        let well_grouped =
            !grouped || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
        let digits: String = groups.concat() + after;
        let is_number = !digits.is_empty()
            && digits.len() <= 30
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !before.is_empty()
            && well_grouped
            && (body.contains('.') != after.is_empty());
        if !is_number {
            return Err(refuse());
        }
        let digits: BigInt = digits.parse().map_err(|_| refuse())?;
        let mut unit = Exact::new(BigInt::one(), BigInt::from(10).pow(after.len() as u32));
        if percent {
            unit /= whole(100);
        }
        if thousands {
            unit *= whole(1000);
        }
        let mut value = Exact::from_integer(digits) * &unit;
        if negative {
            value = -value;
        }
        Ok(Self {
            text: shown.to_owned(),
            value,
            unit,
            percent,
            has_decimals: percent || thousands || !after.is_empty(),
            exact: !percent && !thousands && after.is_empty(),
            within: None,
        })
    }
}

impl Figure {
    /// The numbers that print as this figure.
    pub fn interval(&self, rounding: Rounding) -> Interval {
        if let Some(within) = &self.within {
            return Interval::closed(&self.value - within, &self.value + within);
        }
        if self.exact {
            return Interval::point(self.value.clone());
        }
        if self.unit < fraction(1, 10_i128.pow(13)) {
            return self.of_floating_point();
        }
        let half = &self.unit / whole(2);
        let (near_low, near_high) = (&self.value - &half, &self.value + &half);
        let nought = self.value.is_zero();
        let (low, low_in, high, high_in) = match rounding {
            Rounding::Nearest => (near_low, true, near_high, true),
            // Away from nought: 0.895 is printed 0.90, and −0.895 −0.90.
            Rounding::HalfUp if nought => (near_low, false, near_high, false),
            Rounding::HalfUp => {
                let above = self.value.is_positive();
                (near_low, above, near_high, !above)
            }
            Rounding::HalfDown if nought => (near_low, true, near_high, true),
            Rounding::HalfDown => {
                let above = self.value.is_positive();
                (near_low, !above, near_high, above)
            }
            Rounding::HalfEven => {
                let last = (&self.value / &self.unit).to_integer();
                let even = (last % BigInt::from(2)).is_zero();
                (near_low, even, near_high, even)
            }
            Rounding::Truncated if nought => (-self.unit.clone(), false, self.unit.clone(), false),
            Rounding::Truncated if self.value.is_negative() => {
                (&self.value - &self.unit, false, self.value.clone(), true)
            }
            Rounding::Truncated => (self.value.clone(), true, &self.value + &self.unit, false),
            Rounding::Either if self.value.is_negative() => {
                (&self.value - &self.unit, false, near_high, true)
            }
            Rounding::Either if nought => (-self.unit.clone(), false, self.unit.clone(), false),
            Rounding::Either => (near_low, true, &self.value + &self.unit, false),
        };
        Interval { low, low_in, high, high_in }
    }

    /// A figure of fourteen or more decimals shows a number in double precision as it is, whose last
    /// digits are not those of the quotient: it stands for all within 10⁻¹⁴, ends rounded outwards.
    fn of_floating_point(&self) -> Interval {
        let grain = whole(10_i128.pow(15));
        let off = fraction(1, 10_i128.pow(14));
        let low = ((&self.value - &off) * &grain).floor() / &grain;
        Interval::closed(low, ((&self.value + &off) * &grain).ceil() / &grain)
    }

    /// The number in floating point, for showing and for hints.
    pub fn to_f64(&self) -> f64 {
        self.value.to_f64().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(text: &str, rounding: Rounding) -> String {
        let interval = text.parse::<Figure>().unwrap().interval(rounding);
        let ends = (interval.low_in, interval.high_in);
        let (open, close) = (if ends.0 { '[' } else { '(' }, if ends.1 { ']' } else { ')' });
        let [low, high] = [&interval.low, &interval.high].map(decimals);
        format!("{open}{low}, {high}{close}")
    }

    #[test]
    fn figures_stand_for_the_numbers_that_print_so() {
        for (text, rounding, expected) in [
            ("0.90", Rounding::Nearest, "[0.895, 0.905]"),
            ("0.90", Rounding::HalfUp, "[0.895, 0.905)"),
            ("0.90", Rounding::HalfEven, "[0.895, 0.905]"),
            ("0.89", Rounding::HalfEven, "(0.885, 0.895)"),
            ("0.89", Rounding::HalfDown, "(0.885, 0.895]"),
            ("0.90", Rounding::Truncated, "[0.9, 0.91)"),
            ("0.90", Rounding::Either, "[0.895, 0.91)"),
            ("-20.38 %", Rounding::HalfUp, "(-0.20385, -0.20375]"),
            ("−20.38%", Rounding::Truncated, "(-0.2039, -0.2038]"),
            ("+16.13 %", Rounding::Nearest, "[0.16125, 0.16135]"),
            ("0.0000", Rounding::HalfUp, "(-0.00005, 0.00005)"),
            ("14.4k", Rounding::HalfUp, "[14350, 14450)"),
            ("1,268", Rounding::Truncated, "[1268, 1268]"),
            ("100 %", Rounding::Nearest, "[0.995, 1.005]"),
        ] {
            assert_eq!(shown(text, rounding), expected, "{text} {rounding:?}");
        }
    }

    #[test]
    fn what_is_no_figure_is_refused() {
        for text in ["", "%", "0.", ".5", "1,26", "12,3456", "0.9.0", "1e5", "--3", "0,90"] {
            assert!(text.parse::<Figure>().is_err(), "{text}");
        }
    }
}
