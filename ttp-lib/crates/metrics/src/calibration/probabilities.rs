//! Rows of probabilities and of logits, checked once.

use super::{check_truth, wrong};
use ttp_base::{Result, first_highest};

/// How far a row may add up from 1: three decimals in a file do.
pub(crate) const SUM_TOLERANCE: f64 = 1e-3;
/// How far above 1 a probability may lie by rounding in single precision.
pub(crate) const ROUNDING: f64 = 1e-6;
/// What a probability of 0 counts as in a logarithm: the smallest number above 0 in single
/// precision, which encoders' probabilities come in, about 1.4·10⁻⁴⁵.
const LEAST: f64 = f32::from_bits(1) as f64;

/// Probabilities `[rows, classes]`, each from 0 to 1; each row adds up to 1 within 0.001. There
/// is at least one row.
///
/// ```
/// use ttp_metrics::calibration::Probabilities;
/// let probabilities = Probabilities::new(3, [0.7, 0.2, 0.1, 0.3, 0.3, 0.4])?;
/// assert_eq!((probabilities.rows(), probabilities.row(1)), (2, &[0.3, 0.3, 0.4][..]));
/// assert_eq!(probabilities.best(), [0, 2]);
/// assert_eq!(probabilities.confidences(), [0.7, 0.4]);
///
/// let error = Probabilities::new(3, [0.7, 0.2, 0.1, 0.3, 0.3, 0.3]).unwrap_err();
/// assert_eq!(error.to_string(), "setting probabilities: row 1 adds up to 0.9000, not to 1");
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities {
    classes: usize,
    values: Vec<f64>,
}

impl Probabilities {
    /// Takes values row after row, in single or double precision. They stay as they are: a row
    /// that adds up to 0.9999 is not changed.
    ///
    /// # Errors
    /// If there is no class or no row, the last row is not whole, a value is not a number from 0
    /// to 1, or a row does not add up to 1.
    pub fn new(classes: usize, values: impl IntoIterator<Item = impl Into<f64>>) -> Result<Self> {
        let mut values = whole_rows("probabilities", classes, values)?;
        if let Some(at) = values.iter().position(|p| !(0.0..=1.0 + ROUNDING).contains(p)) {
            let (value, row, class) = (values[at], at / classes, at % classes);
            let reason = format!("{value} at row {row}, class {class}, is not from 0 to 1");
            return Err(wrong("probabilities", reason));
        }
        for (row, of_row) in values.chunks_exact(classes).enumerate() {
            let sum: f64 = of_row.iter().sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                let reason = format!("row {row} adds up to {sum:.4}, not to 1");
                return Err(wrong("probabilities", reason));
            }
        }
        values.iter_mut().for_each(|p| *p = p.min(1.0));
        Ok(Self { classes, values })
    }

    /// Values of which it is known that they are probabilities, at least one whole row.
    pub(super) fn known(classes: usize, values: Vec<f64>) -> Self {
        Self { classes, values }
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Number of classes, at least 1.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The probabilities of one row below [`rows`](Self::rows).
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.classes..][..self.classes]
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.classes)
    }

    /// Each row's most probable class; of equals, the first.
    pub fn best(&self) -> Vec<usize> {
        self.iter().map(first_highest).collect()
    }

    /// Each row's confidence: the probability of its most probable class.
    pub fn confidences(&self) -> Vec<f64> {
        self.iter().map(|row| row[first_highest(row)]).collect()
    }

    /// Whether each row's most probable class is its true one.
    ///
    /// # Errors
    /// If the truth is not one class for each row.
    pub fn right(&self, truth: &[usize]) -> Result<Vec<bool>> {
        self.check(truth)?;
        Ok(self.best().iter().zip(truth).map(|(best, truth)| best == truth).collect())
    }

    /// Their natural logarithms, as logits whose softmax they are. A probability of 0 counts as
    /// 1.4·10⁻⁴⁵, the smallest that single precision has.
    ///
    /// ```
    /// use ttp_metrics::calibration::Probabilities;
    /// let probabilities = Probabilities::new(2, [0.75, 0.25])?;
    /// // At temperature 2: √0.75 and √0.25, made to add up to 1.
    /// let flatter = probabilities.logits().softmax(2.0)?;
    /// let sum = 0.75_f64.sqrt() + 0.5;
    /// assert!((flatter.row(0)[1] - 0.5 / sum).abs() < 1e-15);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn logits(&self) -> Logits {
        let values = self.values.iter().map(|p| p.max(LEAST).ln()).collect();
        Logits { classes: self.classes, values }
    }

    pub(super) fn check(&self, truth: &[usize]) -> Result<()> {
        check_truth(self.rows(), self.classes, truth)
    }
}

/// What becomes probabilities by the softmax, `[rows, classes]`: a network's logits, the
/// logarithms of probabilities, or a linear model's scores. Each is finite. There is at least one
/// row.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    classes: usize,
    values: Vec<f64>,
}

impl Logits {
    /// Takes values row after row, in single or double precision.
    ///
    /// # Errors
    /// If there is no class or no row, the last row is not whole, or a value is not finite.
    pub fn new(classes: usize, values: impl IntoIterator<Item = impl Into<f64>>) -> Result<Self> {
        let values = whole_rows("logits", classes, values)?;
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => {
                let (value, row, class) = (values[at], at / classes, at % classes);
                let reason = format!("{value} at row {row}, class {class}, is not finite");
                Err(wrong("logits", reason))
            }
            None => Ok(Self { classes, values }),
        }
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Number of classes, at least 1.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The logits of one row below [`rows`](Self::rows).
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.classes..][..self.classes]
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.classes)
    }

    /// Probabilities: `exp(z / T)`, made to add up to 1 in each row.
    ///
    /// ```
    /// use ttp_metrics::calibration::Logits;
    /// let logits = Logits::new(2, [3.0_f64.ln(), 0.0])?;
    /// assert!((logits.softmax(1.0)?.row(0)[0] - 0.75).abs() < 1e-15);
    /// // Half the temperature, twice the difference: 9 to 1.
    /// assert!((logits.softmax(0.5)?.row(0)[0] - 0.9).abs() < 1e-15);
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the temperature is not a finite number above 0.
    pub fn softmax(&self, temperature: f64) -> Result<Probabilities> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(wrong("temperature", format!("{temperature} is not above 0")));
        }
        let mut values = Vec::with_capacity(self.values.len());
        for row in self.iter() {
            let highest = row[first_highest(row)];
            let start = values.len();
            values.extend(row.iter().map(|z| ((z - highest) / temperature).exp()));
            let sum: f64 = values[start..].iter().sum();
            values[start..].iter_mut().for_each(|p| *p /= sum);
        }
        Ok(Probabilities::known(self.classes, values))
    }

    pub(super) fn check(&self, truth: &[usize]) -> Result<()> {
        check_truth(self.rows(), self.classes, truth)
    }
}

/// At least one row, all of them whole.
fn whole_rows(
    field: &'static str,
    classes: usize,
    values: impl IntoIterator<Item = impl Into<f64>>,
) -> Result<Vec<f64>> {
    let values: Vec<f64> = values.into_iter().map(Into::into).collect();
    if classes == 0 {
        return Err(wrong(field, "there is no class"));
    }
    if values.is_empty() {
        return Err(wrong(field, "there is no row"));
    }
    let (rows, rest) = (values.len() / classes, values.len() % classes);
    if rest > 0 {
        return Err(wrong(field, format!("row {rows} has {rest} values, of {classes} classes")));
    }
    Ok(values)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_row_of_probabilities_is_named() {
        let said = |classes, values: &[f64]| {
            Probabilities::new(classes, values.to_vec()).unwrap_err().to_string()
        };
        let at = "setting probabilities: ";
        assert_eq!(said(0, &[1.0]), format!("{at}there is no class"));
        assert_eq!(said(2, &[]), format!("{at}there is no row"));
        assert_eq!(said(2, &[0.5, 0.5, 1.0]), format!("{at}row 1 has 1 values, of 2 classes"));
        let outside = [
            (f64::NAN, "NaN"),
            (-0.1, "-0.1"),
            (1.1, "1.1"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in outside {
            let reason = format!("{at}{text} at row 1, class 1, is not from 0 to 1");
            assert_eq!(said(2, &[0.5, 0.5, 0.5, value]), reason);
        }
        assert_eq!(
            said(2, &[0.5, 0.5, 0.9, 0.2]),
            format!("{at}row 1 adds up to 1.1000, not to 1")
        );
    }

    #[test]
    fn what_is_no_row_of_logits_is_named() {
        let said = |classes, values: &[f64]| {
            Logits::new(classes, values.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(said(3, &[]), "setting logits: there is no row");
        assert_eq!(said(3, &[0.0; 4]), "setting logits: row 1 has 1 values, of 3 classes");
        let reason = "setting logits: NaN at row 0, class 2, is not finite";
        assert_eq!(said(3, &[0.0, 1.0, f64::NAN]), reason);
        let reason = "setting logits: -inf at row 1, class 0, is not finite";
        assert_eq!(said(2, &[0.0, 1.0, f64::NEG_INFINITY, 0.0]), reason);
        let logits = Logits::new(2, [0.0, 1.0]).unwrap();
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = logits.softmax(temperature).unwrap_err().to_string();
            assert_eq!(error, format!("setting temperature: {temperature} is not above 0"));
        }
    }

    #[test]
    fn labels_that_do_not_fit_are_named() {
        let probabilities = Probabilities::new(2, [0.5, 0.5, 0.9, 0.1]).unwrap();
        let said = |truth: &[usize]| probabilities.right(truth).unwrap_err().to_string();
        assert_eq!(said(&[0]), "setting truth: 1 labels for 2 rows");
        assert_eq!(said(&[0, 2]), "setting truth: class 2 at row 1, of 2 classes");
    }

    #[test]
    fn single_precision_is_taken_and_ties_go_to_the_first() {
        let probabilities = Probabilities::new(2, [0.5_f32, 0.5, 0.1, 0.9]).unwrap();
        assert_eq!(probabilities.best(), [0, 1]);
        assert_eq!(probabilities.right(&[0, 0]).unwrap(), [true, false]);
        let above = Probabilities::new(2, [1.000_000_1, 0.0]).unwrap();
        assert_eq!(above.confidences(), [1.0]);
    }

    #[test]
    fn large_logits_and_no_probability_give_numbers() {
        let far = Logits::new(2, [1e308, -1e308]).unwrap().softmax(1e-9).unwrap();
        assert_eq!(far.values(), [1.0, 0.0]);
        let again = far.logits().softmax(1.0).unwrap();
        assert_eq!(again.row(0)[0], 1.0);
        assert!(again.row(0)[1] > 0.0 && again.row(0)[1] < 1e-44);
    }
}
