//! Numbers as a reader writes them: thousands apart, and a true minus sign.

/// A whole number with a comma before every three digits.
///
/// ```
/// use ttp_base::show::grouped;
/// assert_eq!([13_039, -1_000, 999].map(grouped), ["13,039", "−1,000", "999"]);
/// ```
pub fn grouped(number: i64) -> String {
    with_commas(number < 0, &number.unsigned_abs().to_string())
}

/// A number without its decimals, rounded, as [`grouped`].
///
/// ```
/// use ttp_base::show::thousands;
/// assert_eq!([1_021.6, -0.4, -1e4].map(thousands), ["1,022", "0", "−10,000"]);
/// ```
pub fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    with_commas(number < 0.0 && digits != "0", &digits)
}

fn with_commas(negative: bool, digits: &str) -> String {
    let mut out = String::from(if negative { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Fixed decimals with a true minus sign; what is not a number is a dash, and a
/// negative number that rounds to nought is nought.
pub(super) fn decimal(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let nought = text.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !nought { format!("−{text}") } else { text }
}
