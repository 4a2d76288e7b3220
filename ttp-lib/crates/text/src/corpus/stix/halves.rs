//! Halves of characters that JSON writes as two escapes, `\ud83d\ude00`: what a program left that
//! cut a text between the two.

/// Bytes of an escape, `\ud83d`.
const LENGTH: usize = 6;

/// The text of a JSON file with `\ufffd` in the place of each half without its other half, and
/// where these stood; `None` where there is none. All other bytes are where they were.
pub(super) fn replaced(text: &str) -> Option<(String, Vec<String>)> {
    let halves = halves(text.as_bytes());
    if halves.is_empty() {
        return None;
    }
    let (mut whole, mut places) = (String::with_capacity(text.len()), Vec::new());
    let (mut from, mut row) = (0, 1);
    for at in halves {
        let (before, end) = (&text[from..at], at + LENGTH);
        row += before.matches('\n').count();
        places.push(format!("row {row}: {}", &text[at..end]));
        whole.push_str(before);
        whole.push_str("\\ufffd");
        from = end;
    }
    whole.push_str(&text[from..]);
    Some((whole, places))
}

/// Where the escapes begin that are half of a character without its other half.
fn halves(bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|byte| *byte == b'\\') {
        at += next;
        let (first, second) = (escape(&bytes[at..]), bytes.get(at + LENGTH..).and_then(escape));
        at = match (first, second) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at + 2 * LENGTH,
            (Some(0xd800..=0xdfff), _) => {
                found.push(at);
                at + LENGTH
            }
            (Some(_), _) => at + LENGTH,
            // The second backslash of two begins no escape.
            (None, _) => bytes.len().min(at + 2),
        };
    }
    found
}

/// The number of the escape that a text begins with.
fn escape(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits
        .iter()
        .try_fold(0_u32, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn halves_alone_are_replaced_and_nothing_else() {
        for whole in [
            "",
            "\\",
            "\\ud83",
            "é\\é",
            r"\ud83d\ude00 \uD83D\uDE00 \u00e9\n",
            r"C:\\ud83d\\\\udc00",
            "\\u\u{e9}000",
        ] {
            assert_eq!(replaced(whole), None, "{whole:?}");
        }
        for (text, whole, places) in [
            (r"\ud83d", r"\ufffd", &[r"row 1: \ud83d"][..]),
            ("a\n\\uDE00 é", "a\n\\ufffd é", &[r"row 2: \uDE00"]),
            (r"\\\ud83d\\", r"\\\ufffd\\", &[r"row 1: \ud83d"]),
            (r"\ud83d\ud83d\ude00\n", r"\ufffd\ud83d\ude00\n", &[r"row 1: \ud83d"]),
            (
                "\\ud83d\\u0061\n\n\\ude00\\ud83d\"",
                "\\ufffd\\u0061\n\n\\ufffd\\ufffd\"",
                &[r"row 1: \ud83d", r"row 3: \ude00", r"row 3: \ud83d"],
            ),
        ] {
            let (found, said) = replaced(text).unwrap();
            assert_eq!((found.as_str(), said.len()), (whole, places.len()), "{text:?}");
            assert_eq!(said, places, "{text:?}");
        }
    }
}
