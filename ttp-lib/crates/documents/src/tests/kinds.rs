use super::{PROSE, blocks, read};
use crate::Kind;
use crate::select::is_indicator;

#[test]
fn indicators_are_told_from_words() {
    for word in [
        "d41d8cd98f00b204e9800998ecf8427e",
        "hxxps://evil[.]example/a",
        "10[.]0.0.1",
        "1.2.3.4:443",
        "evil[.]com",
        "c2.evil-domain.com",
        "user@evil.com",
        r"C:\Temp\a.exe",
        "a.dll,",
        "CVE-2021-44228",
        r"HKLM\Software\Run",
        "%APPDATA%\\a",
    ] {
        assert!(is_indicator(word), "{word}");
    }
    for word in [
        "The",
        "v2.1",
        "e.g.",
        "PowerShell",
        "command-and-control",
        "2020",
        "and/or",
        "T1059.001",
        "deadbeef",
    ] {
        assert!(!is_indicator(word), "{word}");
    }
}

#[test]
fn each_kind_by_its_rule() {
    let kind = |text: &str| blocks(&read("a.txt", format!("{PROSE}\n\n{text}")))[1].0;
    for (text, expected) in [
        ("The malware writes a.dll to C:\\Windows\\Temp and loads it at each start.", Kind::Prose),
        ("a.dll d41d8cd98f00b204e9800998ecf8427e", Kind::Indicators),
        ("© 2024 Vendor. All rights reserved.", Kind::Navigation),
        ("We use cookies on this site.", Kind::Navigation),
        ("Lateral movement ........................ 12", Kind::Navigation),
        ("Page 3 of 12", Kind::Navigation),
        ("[3] A. Author, \"On attacks\", 2019.", Kind::Reference),
        ("7. Vendor blog: hxxps://vendor.example/a, seen in May.", Kind::Reference),
        ("rule a { strings: $a = \"b\" condition: $a }", Kind::Code),
        ("if (a == b) { c = d | e; f += g; }", Kind::Code),
        ("Initial access", Kind::Heading),
        (
            "The group used cookies that it had stolen from the browsers of its victims to log in.",
            Kind::Prose,
        ),
        ("It runs cmd.exe, net.exe and whoami.exe.", Kind::Prose),
        ("a.dll, b.dll, c.exe and d.exe.", Kind::Indicators),
        (
            "The attackers sent emails about a copyright complaint with a malicious attachment.",
            Kind::Prose,
        ),
        (
            "The group rewrote the privacy policy of the page that it had copied for its victims.",
            Kind::Prose,
        ),
        ("Privacy Policy | Terms of Use", Kind::Navigation),
        (
            "Published: 2 March 2026 · Reading time: 4 minutes · Share this article",
            Kind::Navigation,
        ),
        ("[T1059] The actor ran commands in a shell that it had opened before.", Kind::Prose),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}
