//! Which words of a sentence are kept.
#![allow(clippy::unwrap_used)]

use super::*;

fn kept(text: &str, names: &[&str]) -> Vec<String> {
    let mut all = Names::default();
    names.iter().for_each(|name| all.add(name));
    let spans = words(text);
    let protected = protected(text, &spans, &all, WordNet::get().unwrap());
    spans.into_iter().zip(protected).filter(|(_, p)| *p).map(|(s, _)| text[s].into()).collect()
}

#[test]
fn data_is_protected_and_prose_is_not() {
    for (text, expected) in [
        ("drops C:\\Users\\Public\\a.exe there", &["C", "Users", "Public", "a", "exe"][..]),
        ("sets HKCU\\Software\\Run, then stops", &["HKCU", "Software", "Run"]),
        ("reads (/etc/passwd) twice", &["etc", "passwd"]),
        ("asks hxxps://evil[.]example/a?b=c.", &["hxxps", "evil", "example", "a", "b", "c"]),
        ("asks evil[.]example for orders", &["evil", "example"]),
        ("mails foo@example.com daily", &["foo@example", "com"]),
        ("runs net.exe with -enc and /domain", &["net", "exe", "enc", "domain"]),
        ("hash d41d8cd98f00b204e9800998ecf8427e seen", &["d41d8cd98f00b204e9800998ecf8427e"]),
        ("hash abcdefabcdefabcdefabcdefabcdefab seen", &["abcdefabcdefabcdefabcdefabcdefab"]),
        ("uses CVE-2021-44228 and T1059.001", &["CVE-2021-44228", "T1059", "001"]),
        ("uses T1059, S0002 and APT29's tools", &["T1059", "S0002", "APT29's"]),
        ("from 10.0.0.1 to %TEMP% it went", &["10", "0", "0", "1", "TEMP"]),
        ("runs PsExec and Cobalt Strike over HTTPS", &["PsExec", "Cobalt", "Strike", "HTTPS"]),
        ("Mimikatz dumps. Adversaries dump", &["Mimikatz"]),
        ("the actor steals and/or sells data, e.g. by mail - at once...", &["e", "g"]),
        ("users of the client/server system(s); well-known, too", &[]),
        ("", &[]),
    ] {
        assert_eq!(kept(text, &[]), expected, "{text}");
    }
}

#[test]
fn times_numbers_and_ports_are_protected() {
    for (text, expected) in [
        ("it runs at 3:00 a.m. daily", &["3", "00", "a", "m"][..]),
        ("it runs at 3 p.m. daily or 14:05:33 at night", &["3", "p", "m", "14", "05", "33"]),
        (
            "at 3 pm, at 5 o’clock and at 14:05 utc it sleeps",
            &["3", "pm", "5", "o’clock", "14", "05", "utc"],
        ),
        ("on 2021-03-04 or 04/05/2021 it began", &["2021-03-04", "04", "05", "2021"]),
        ("March 2021 saw it; may 4, 2021 too", &["March", "2021", "may", "4", "2021"]),
        ("on the 4th of march it slept", &["4th", "march"]),
        ("they march on", &[]),
        ("listens on localhost:8080 and tcp:443", &["localhost", "8080", "tcp", "443"]),
        ("opens 443/tcp and port 8443", &["443", "tcp", "port", "8443"]),
        ("sends 1,000,000 rows, 10% or 5 million", &["1", "000", "000", "10", "5", "million"]),
        ("costs $5,000 or 1.5 bitcoin", &["5", "000", "1", "5"]),
        ("asks 2001:db8::1, [::1]:443 and fe80::a", &["2001", "db8", "1", "1", "443", "fe80", "a"]),
        ("sees 00:1a:2b:3c:4d:5e or aa-bb", &["00", "1a", "2b", "3c", "4d", "5e"]),
        (
            "the key {4d36e972-e325-11ce-bfc1-08002be10318}",
            &["4d36e972-e325-11ce-bfc1-08002be10318"],
        ),
    ] {
        assert_eq!(kept(text, &[]), expected, "{text}");
    }
}

#[test]
fn what_has_blanks_in_it_is_protected_as_a_whole() {
    for (text, expected) in [
        (
            "runs C:\\Program Files\\common old files\\a b.exe daily",
            &["C", "Program", "Files", "common", "old", "files", "a", "b", "exe"][..],
        ),
        ("the text \"cmd.exe /c whoami\" follows", &["cmd", "exe", "c", "whoami"]),
        ("the words \"open sesame\" and `net user` follow", &["`net", "user`"]),
        (
            "reads ~/library/application support/a then stops",
            &["library", "application", "support", "a"],
        ),
        ("mails admin [at] evil [dot] com daily", &["admin", "at", "evil", "dot", "com"]),
        (
            "asks user(at)evil(dot)com or evil[.com now",
            &["user", "at", "evil", "dot", "com", "evil", "com"],
        ),
        (
            "sets a_b_c and x=y with $env:temp and -p:secret",
            &["a_b_c", "x", "y", "env", "temp", "p", "secret"],
        ),
        ("reads etc/shadow and usr/local/bin now", &["etc", "shadow", "usr", "local", "bin"]),
        ("C:\\temp then copies files", &["C", "temp"]),
        (
            "the answer {\"cmd\": \"run\"} and „c:\\a b\\c“ follow",
            &["cmd", "run", "c", "a", "b", "c"],
        ),
        ("see p. 12, z. b. there", &["p", "12", "z", "b"]),
    ] {
        assert_eq!(kept(text, &[]), expected, "{text}");
    }
}

#[test]
fn given_names_are_protected_as_a_whole_and_in_their_case() {
    let names = ["net", "at risk", "", "at"];
    assert_eq!(
        kept("net user is at risk, at Net rates at rest", &names),
        ["net", "at", "risk", "at", "Net", "at"]
    );
    assert_eq!(kept("put at", &["at risk"]), [] as [&str; 0]);
}
