//! Cells of a flow file as numbers.

use polars::prelude::*;

/// A CSV cell as a number, `NaN` and `inf` among them.
pub(super) fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.trim().parse().ok()
}

/// A value that single precision can hold.
pub(super) fn finite(value: f64) -> std::result::Result<f64, String> {
    if value.abs() <= f64::from(f32::MAX) {
        Ok(value)
    } else if value.is_finite() {
        Err(format!("{value:e} is beyond single precision"))
    } else {
        Err(format!("{value} is no number to learn from"))
    }
}

/// Puts a column's numbers into rows.
pub(super) struct Numbers<'a> {
    pub(super) out: &'a mut [f64],
    pub(super) wide: usize,
    /// The column's place in a row.
    pub(super) at: usize,
    /// The row that comes next.
    pub(super) row: usize,
}

/// The row, if it is one's fault, and what is wrong.
type Wrong = (Option<usize>, String);

impl Numbers<'_> {
    pub(super) fn column(&mut self, column: &Column) -> std::result::Result<(), Wrong> {
        if column.null_count() > 0 {
            let row = column.is_null().iter().position(|null| null == Some(true));
            return Err((row, "missing".to_owned()));
        }
        let series = column.as_materialized_series();
        macro_rules! put {
            ($($kind:ident => $as:ident),*) => {
                match series.dtype() {
                    $(DataType::$kind => {
                        let numbers = series.$as().map_err(|e| (None, e.to_string()))?;
                        for part in numbers.downcast_iter() {
                            #[allow(clippy::cast_lossless)] // one line for all kinds
                            self.put(part.values().iter().map(|&x| x as f64))?;
                        }
                        Ok(())
                    })*
                    _ => {
                        let cast = series
                            .cast(&DataType::Float64)
                            .map_err(|error| (None, error.to_string()))?;
                        let numbers = cast.f64().map_err(|e| (None, e.to_string()))?;
                        self.put(numbers.iter().map(|x| x.unwrap_or(f64::NAN)))
                    }
                }
            };
        }
        put!(Float32 => f32, Float64 => f64, Int64 => i64, Int32 => i32, UInt64 => u64,
             UInt32 => u32)
    }

    fn put(&mut self, values: impl Iterator<Item = f64>) -> std::result::Result<(), Wrong> {
        for value in values {
            self.out[self.row * self.wide + self.at] =
                finite(value).map_err(|reason| (Some(self.row), reason))?;
            self.row += 1;
        }
        Ok(())
    }
}
