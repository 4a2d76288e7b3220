//! Cells of tables: texts, numbers, shares, intervals.

use super::harmless;
use super::number::{decimal, grouped};
use polars::prelude::AnyValue;

/// One cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Any text; shown defanged, escaped and on one line.
    Text(String),
    /// A whole number; shown with its thousands apart: 13,039.
    Whole(i64),
    /// A number with so many decimals.
    Number(f64, usize),
    /// A share from 0 to 1, shown in per cent with so many decimals: 85.7 %.
    Share(f64, usize),
    /// A value and the interval around it, with so many decimals: 0.836 [0.812, 0.858].
    Interval(f64, f64, f64, usize),
    /// A mean, the standard deviation of what it is the mean of, and the mean's interval, with so
    /// many decimals: 0.842 ± 0.004 [0.837, 0.847].
    Spread(f64, f64, [f64; 2], usize),
}

impl Cell {
    /// A number with so many decimals.
    pub fn number(value: f64, decimals: usize) -> Self {
        Self::Number(value, decimals)
    }

    /// A share from 0 to 1, in per cent with one decimal.
    pub fn share(value: f64) -> Self {
        Self::Share(value, 1)
    }

    /// A value with its interval, three decimals each.
    pub fn interval(value: f64, low: f64, high: f64) -> Self {
        Self::Interval(value, low, high, 3)
    }

    /// A mean with its standard deviation and its interval, three decimals each.
    pub fn spread(mean: f64, sd: f64, interval: [f64; 2]) -> Self {
        Self::Spread(mean, sd, interval, 3)
    }

    pub(super) fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Empty)
    }

    /// The cell as text, defanged, not yet made safe.
    pub(super) fn shown(&self, limit: usize) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => harmless(text, limit),
            Self::Whole(number) => grouped(*number),
            Self::Number(value, decimals) => decimal(*value, *decimals),
            Self::Share(value, decimals) => format!("{} %", decimal(100.0 * value, *decimals)),
            Self::Interval(value, low, high, decimals) => {
                let [value, low, high] = [value, low, high].map(|v| decimal(*v, *decimals));
                format!("{value} [{low}, {high}]")
            }
            Self::Spread(mean, sd, [low, high], decimals) => {
                let [mean, sd, low, high] = [mean, sd, low, high].map(|v| decimal(*v, *decimals));
                format!("{mean} ± {sd} [{low}, {high}]")
            }
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

/// Three decimals.
impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value, 3)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl From<$type> for Cell {
            /// Beyond 64 bits with a sign it is shown as the largest of them.
            fn from(number: $type) -> Self {
                Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )*};
}
whole_numbers!(i32, i64, u32, u64, usize);

/// The cells of a row: each value becomes a [`Cell`] in its own way.
///
/// ```
/// use ttp_base::{cells, show::Cell};
/// let row = cells!["T1059", 1_022, Cell::share(0.0784)];
/// assert_eq!(row, [Cell::Text("T1059".into()), Cell::Whole(1_022), Cell::Share(0.0784, 1)]);
/// ```
#[macro_export]
macro_rules! cells {
    ($($value:expr),* $(,)?) => {
        [$($crate::show::Cell::from($value)),*]
    };
}

/// A frame's value as a cell.
pub(super) fn cell_of(value: AnyValue<'_>) -> Cell {
    match value {
        AnyValue::Null => Cell::Empty,
        AnyValue::String(text) => text.into(),
        AnyValue::StringOwned(text) => text.as_str().into(),
        AnyValue::Float32(value) => f64::from(value).into(),
        AnyValue::Float64(value) => value.into(),
        other if other.is_integer() => match other.try_extract::<i64>() {
            Ok(number) => Cell::Whole(number),
            Err(_) => other.to_string().into(),
        },
        other => other.to_string().into(),
    }
}
