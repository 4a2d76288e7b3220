//! Counts of rows as tables have them.

/// Up to here double precision has every whole number.
const EXACT: f64 = (1_u64 << 53) as f64;

/// `12`, `12.0` as a frame that once held a missing value writes it, or `1.2e+01`, as numpy writes
/// numbers.
pub(super) fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.contains(['e', 'E']) {
        let number: f64 = text.parse().ok()?;
        let is_count = number.fract() == 0.0 && (0.0..=EXACT).contains(&number);
        return is_count.then_some(number as u64);
    }
    let digits = text.split_once('.').map_or(text, |(digits, decimals)| {
        if decimals.bytes().all(|byte| byte == b'0') { digits } else { "" }
    });
    // A plus sign would do for `parse`.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::whole;

    #[test]
    fn counts_are_read_as_tables_have_them() {
        for text in ["12", " 12 ", "12.0", "12.000", "1.2e+01", "1.200000000000000000e+01", "12E0"]
        {
            assert_eq!(whole(text), Some(12), "{text}");
        }
        for text in [
            "",
            ".",
            ".0",
            "+12",
            "-1",
            "-0.5",
            "12.5",
            "1.25e+01",
            "1e-1",
            "-1e1",
            "1e16",
            "inf",
            "NaN",
            "1e400",
            "e",
            "0x1e",
            "18446744073709551616",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
