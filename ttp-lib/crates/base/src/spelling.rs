//! Labels as people write them: blanks and invisible characters around them, whole numbers as
//! floats, one label in several spellings, several labels in one cell.

use std::borrow::Cow;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Whether a character takes no room on a screen and changes nothing there: zero-width spaces and
/// joiners, soft hyphens, a byte order mark, fillers, tags.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'..='\u{2064}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether a text is what programs write for a value that is not there.
pub fn is_missing_value(text: &str) -> bool {
    MISSING.iter().any(|name| text.trim().eq_ignore_ascii_case(name))
}

/// What pandas, polars, R, SQL and spreadsheets write for it.
const MISSING: [&str; 10] =
    ["nan", "-nan", "null", "none", "n/a", "#n/a", "na", "<na>", "nat", "\\N"];

/// Whether this is an ATT&CK id of a technique (`T1059`; `MOB-T1007` in the first releases for
/// Mobile) or sub-technique (`T1059.001`).
pub fn is_technique_id(id: &str) -> bool {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some(number) = id.strip_prefix("MOB-").unwrap_or(id).strip_prefix('T') else {
        return false;
    };
    match number.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(number, 4),
    }
}

/// Whether it only says in which direction others run.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// Without accents, case and what cannot be seen: as an uncased model reads it.
pub fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    let seen = text.chars().filter(|c| !is_invisible(*c) && !is_direction(*c));
    seen.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase)
}

/// A label without blanks around it and without what cannot be seen; `1.0` is `1`, `-0.0` is `0`.
pub fn tidy(label: &str) -> Cow<'_, str> {
    let label: Cow<'_, str> = match label.contains(is_invisible) {
        true => Cow::Owned(label.replace(is_invisible, "").trim().to_owned()),
        false => Cow::Borrowed(label.trim()),
    };
    let is_float = label.split_once('.').is_some_and(|(whole, rest)| {
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let zeros = !rest.is_empty() && rest.bytes().all(|b| b == b'0');
        zeros && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    match is_float {
        true => match label.split('.').next().unwrap_or_default() {
            "-0" => Cow::Borrowed("0"),
            whole => Cow::Owned(whole.to_owned()),
        },
        false => label,
    }
}

/// What is to be told of labels, one line each: those that differ in case, blanks, accents,
/// full stops, slashes, hyphens or underscores alone, and those that look like several in one
/// cell. Each comes with the row in which it is first.
pub fn notes<'a>(labels: impl IntoIterator<Item = (&'a str, usize)>) -> Vec<String> {
    let labels: BTreeMap<&str, usize> = labels.into_iter().collect();
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for label in labels.keys() {
        let of_no_account =
            |c: &char| !c.is_whitespace() && !c.is_control() && !"./-_".contains(*c);
        let latin: String = label.nfkc().map(like_latin).collect();
        let key: String = folded(&latin).filter(of_no_account).collect();
        alike.entry(key).or_default().push(label);
    }
    let groups: Vec<String> = alike
        .values()
        .filter(|group| group.len() > 1)
        .map(|group| {
            let named = |label: &&str| format!("{label:?} (row {})", labels[label]);
            group.iter().map(named).collect::<Vec<_>>().join(" and ")
        })
        .collect();
    let mut notes = Vec::new();
    let some = |all: &[String]| {
        let more = if all.len() > SHOWN {
            format!("; and {} more", all.len() - SHOWN)
        } else {
            String::new()
        };
        format!("{}{more}", all[..all.len().min(SHOWN)].join("; "))
    };
    if !groups.is_empty() {
        notes.push(format!("labels that differ in their spelling alone: {}", some(&groups)));
    }
    let several: Vec<String> = labels
        .iter()
        .filter(|(label, _)| is_several(label, &labels))
        .map(|(label, row)| format!("{label:?} (row {row})"))
        .collect();
    if !several.is_empty() {
        notes.push(format!("labels that look like several in one cell: {}", some(&several)));
    }
    let missing: Vec<String> = labels
        .iter()
        .filter(|(label, _)| is_missing_value(label))
        .map(|(label, row)| format!("{label:?} (row {row})"))
        .collect();
    if !missing.is_empty() {
        notes.push(format!("labels that are names of a missing value: {}", some(&missing)));
    }
    notes
}

/// The Latin letter or hyphen that a character looks like.
fn like_latin(c: char) -> char {
    const ALIKE: [(&str, &str); 4] = [
        ("АВЕІЈКМНОРСТУХ", "ABEIJKMHOPCTYX"),
        ("аеіјорсух", "aeijopcyx"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
        ("‐‑‒–—−", "------"),
    ];
    let found = ALIKE.iter().find_map(|(others, latin)| {
        let at = others.chars().position(|other| other == c)?;
        latin.chars().nth(at)
    });
    found.unwrap_or(c)
}

/// As many are named in a note.
const SHOWN: usize = 3;

fn is_several(label: &str, labels: &BTreeMap<&str, usize>) -> bool {
    let list = label.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inside = list.unwrap_or(label);
    let parts: Vec<&str> = inside
        .split([',', ';', '|', '\n'])
        .map(|part| part.trim_matches(|c: char| c.is_whitespace() || c == '\'' || c == '"'))
        .collect();
    let known = |part: &&str| labels.contains_key(part) || is_technique_id(part);
    (list.is_some() || parts.len() > 1) && !parts.is_empty() && parts.iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_no_part_of_a_label() {
        for (label, tidied) in [
            (" T1105 ", "T1105"),
            ("T1105\u{200b}", "T1105"),
            ("\u{feff}T1105\u{a0}", "T1105"),
            ("\u{3164}T1105\u{e0041}", "T1105"),
            ("1.0", "1"),
            ("-2.00", "-2"),
            ("-0.0", "0"),
            ("1.", "1."),
            (".0", ".0"),
            ("1.5", "1.5"),
            ("T1059.000", "T1059.000"),
            ("v1.0", "v1.0"),
        ] {
            assert_eq!(tidy(label), tidied, "{label:?}");
        }
    }

    // One label in several spellings: https://github.com/facebookresearch/fastText/issues/72
    #[test]
    fn spellings_are_told() {
        let of = |labels: &[&'static str]| notes(labels.iter().copied().zip(2..));
        // A Cyrillic and a wide letter, another hyphen and full stop, control characters.
        for other in [
            "\u{422}1105",
            "\u{ff34}1105",
            "T11\u{2010}05",
            "T1105\u{2024}",
            "T1105\u{7}",
            "T1105\0",
        ] {
            assert_eq!(of(&["T1105", other]).len(), 1, "{other:?}");
        }
        assert!(of(&["T1105", "\u{416}1105"]).is_empty());
        assert_eq!(of(&["NA", "<NA>", "T1"]).len(), 1);
        assert!(of(&["T1059", "T1059.001", "T1003", "C", "C++", "C#"]).is_empty());
        assert_eq!(
            of(&["T1105", "t1105", "T1059/001", "T1059.001", "caf\u{e9}", "cafe\u{301}"]),
            ["labels that differ in their spelling alone: \"cafe\\u{301}\" (row 7) and \
                 \"caf\u{e9}\" (row 6); \"T1059.001\" (row 5) and \"T1059/001\" (row 4); \"T1105\" \
                 (row 2) and \"t1105\" (row 3)"]
        );
        assert_eq!(
            of(&["a", "b", "a;b", "a, c", "['T1059', 'T1003']"]),
            ["labels that look like several in one cell: \"['T1059', 'T1003']\" (row 6); \"a;b\" \
              (row 4)"]
        );
        assert_eq!(
            of(&["a", "nan"]),
            ["labels that are names of a missing value: \"nan\" (row 3)"]
        );
    }
}
