//! Entries of a list of sources, told from sentences of a numbered list.

use crate::verbs::has_finite_verb;
use regex::Regex;
use std::sync::LazyLock;

/// An entry without brackets around its number has at most so many words.
const WORDS: usize = 40;
/// Bytes within which the address or year of an entry stands.
const NEAR: usize = 400;

struct Patterns {
    number: Regex,
    quoted: Regex,
    address: Regex,
    year: Regex,
    /// Words that lead to an address in an entry, and those that say when somebody looked there.
    leads: Regex,
    looked: Regex,
}

fn patterns() -> Option<&'static Patterns> {
    static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
        let new = |pattern: &str| Regex::new(pattern).ok();
        Some(Patterns {
            number: new(r"^(?:\[\d{1,3}\]|\^|\d{1,3}[.)]?)\s*")?,
            quoted: new(r#""[^"]{1,300}"|“[^”]{1,300}”"#)?,
            address: new(r"(?i)[<(\[]?h(?:tt|xx)ps?(?:\[:\]|:)//\S*")?,
            year: new(r"\b(?:19|20)\d\d\b")?,
            leads: new(
                r"(?i)(?:^|[\s.,;(–—|-])(?:available(?:\s+online)?(?:\s+(?:at|from))?|retrieved\s+from|online|url|link|see|source)\s*:?\s*$",
            )?,
            looked: new(
                r"(?i)\b(?:accessed|retrieved|visited|viewed|checked|archived|published|updated|posted)\b",
            )?,
        })
    });
    PATTERNS.as_ref()
}

/// Whether a text is an entry of a list of sources: a numbered line with an address, or with a year
/// behind a number in brackets, in which neither the clause before that nor what follows has a
/// finite verb. Quoted titles and notes of access do not count.
pub(crate) fn is_reference(text: &str) -> bool {
    let Some(patterns) = patterns() else { return false };
    let Some(number) = patterns.number.find(text) else { return false };
    let bracketed = text.starts_with(['[', '^']);
    let rest = patterns.quoted.replace_all(&text[number.end()..], "\"");
    let address = patterns.address.find(&rest);
    let found = match address {
        Some(address) => Some(address),
        None if bracketed => patterns.year.find(&rest),
        None => None,
    };
    let Some(found) = found.filter(|found| found.start() <= NEAR) else { return false };
    if !bracketed && text.split(' ').nth(WORDS).is_some() {
        return false;
    }
    let after = patterns.address.replace_all(&rest[found.end()..], "");
    let after = patterns.looked.replace_all(&after, "");
    let lead = patterns.leads.find(&rest[..found.start()]).map_or(found.start(), |it| it.start());
    let clause = clause(&rest[..lead], lead < found.start());
    !has_finite_verb(clause) && !has_finite_verb(&after)
}

/// The clause that a text ends with: what stands between its last two marks where it ends with one
/// (`is_ended` says that it does), and all of it elsewhere: a clause without a mark behind it goes
/// on into the address.
fn clause(text: &str, is_ended: bool) -> &str {
    const MARKS: [char; 8] = ['.', ',', ';', '"', '–', '—', '|', ')'];
    let text = text.trim_end();
    let bare = text.trim_end_matches(MARKS).trim_end();
    if bare.len() == text.len() && !is_ended {
        return text;
    }
    // A mark within a word (`a.exe`) parts nothing.
    let parts = bare.char_indices().rev().find(|(at, mark)| {
        let after = &bare[at + mark.len_utf8()..];
        (MARKS.contains(mark) && after.starts_with(' ')) || *mark == '"'
    });
    parts.map_or(bare, |(at, mark)| &bare[at + mark.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::is_reference;

    #[test]
    fn entries_of_a_list_of_sources() {
        for text in [
            "[3] A. Author, \"On attacks\", 2019.",
            "[1] FireEye, \"APT41 is back and uses new tools\", 2019, https://vendor.example/apt41",
            "7. Vendor blog: hxxps://vendor.example/a, seen in May.",
            "[12] https://vendor.example/report",
            "1. Kaspersky (2020). The Lazarus group is back. Kaspersky Labs. https://vendor.example/l",
            "2. Microsoft Threat Intelligence. How attackers abuse consent, Microsoft, 2023, https://vendor.example/c",
            "3) CISA, Advisory AA20-302A, available at: https://cisa.example/aa20-302a (accessed 3 May 2021)",
            "4. Vendor report on the group https://vendor.example/group",
            "[5] Smith, J. and Doe, K.: Trends in malware. In: Proceedings of a conference, 2018, pp. 3-12",
            "6. “It ran for years” – Vendor, March 2022. Retrieved from https://vendor.example/y",
            "^ Vendor team, Annual threat review, 2021",
            "8. Vendor, The Return of the Loader, https://vendor.example/l, archived at https://archive.example/l",
            "[9] \"How the loader works.\" Vendor. Available: https://vendor.example/w. Last updated 2 June 2020.",
            "10. Vendor | Threat Blog | https://vendor.example/b",
        ] {
            assert!(is_reference(text), "{text}");
        }
    }

    #[test]
    fn sentences_of_a_numbered_list() {
        for text in [
            "1. The loader sends the data to https://evil.example/a and waits for an answer.",
            "2. It downloads the payload from hxxp://evil[.]example/b.bin.",
            "3. After that, the malware connects to hxxps://evil[.]example/c",
            "4. The script drops a.exe, b.exe and c.exe from https://evil.example/d.",
            "5. It beacons to its server, https://evil.example/e.",
            "6) In March 2021, the actor used https://evil.example/f to host the page.",
            "[7] In March 2021 the actor sent mails to employees.",
            "[8] The group was first seen in 2019 and has attacked banks since.",
            "9. It fetches a list from the following address: https://evil.example/g",
            "10. A request to https://evil.example/h returns the key, which it then decrypts.",
            "11. The group exploits VPN appliances, see https://vendor.example/vpn.",
            "12. The victim opened https://evil.example/i.",
            "13. The payload was retrieved from https://evil.example/j.",
            "14. Then the stealer uploads all files (https://evil.example/k).",
            "[T1059] The actor ran commands in a shell that it had opened in 2020.",
            "15. The report of the vendor is of 2020.",
        ] {
            assert!(!is_reference(text), "{text}");
        }
    }
}
