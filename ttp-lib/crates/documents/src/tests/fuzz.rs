//! Sound documents with bytes changed: whatever comes, a document or one line, and soon.

use super::samples;
use crate::{Document, Limits};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROUNDS: usize = 2_000;

fn changed(sample: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..rng.random_range(1..8) {
        let at = rng.random_range(0..bytes.len());
        let end = (at + rng.random_range(1..40)).min(bytes.len());
        match rng.random_range(0..6) {
            0 => bytes[at] = rng.random(),
            1 => bytes[at] ^= 1 << rng.random_range(0..8),
            2 if bytes.len() > 60 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = rng.random_range(0..bytes.len());
                bytes.splice(to..to, piece);
            }
            4 if at > 40 => bytes.truncate(at),
            _ => {
                let odd: &[u8] = [
                    b"999999999999".as_slice(),
                    b"-1",
                    b"<<",
                    b">>",
                    b"<",
                    b"</",
                    b"\xff\xfe",
                    b"[",
                    b"0 R",
                    b"endobj",
                    b"stream\n",
                    b"&#x110000;",
                    b"<![CDATA[",
                    b"\0\0\0\0",
                    b"(",
                    b"\\",
                ][rng.random_range(0..16)];
                bytes.splice(at..at, odd.iter().copied());
            }
        }
    }
    bytes
}

fn fuzz(name: &str, sample: &[u8]) {
    let limits = Limits { text: 4 << 20, seconds: 10, ..Limits::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut read = 0;
    for round in 0..ROUNDS {
        let bytes = changed(sample, &mut rng);
        let start = std::time::Instant::now();
        match Document::read(name, &bytes, &limits) {
            Ok(document) => {
                read += 1;
                for one in document.sentences() {
                    let block = document.blocks[one.block].text.chars().count();
                    assert!(one.start < one.end && one.end <= block, "round {round}");
                }
            }
            Err(error) => {
                let line = error.to_string();
                assert!(line.starts_with(name) && line.lines().count() == 1, "{round}: {line}");
            }
        }
        assert!(start.elapsed().as_secs() < 10, "round {round}");
    }
    assert!(read > 0, "no changed {name} was read");
}

#[test]
fn changed_html() {
    fuzz("a.html", samples::PAGE.as_bytes());
    fuzz("a.html", samples::STYLED.as_bytes());
}

#[test]
fn changed_markdown() {
    let text = "# Findings\n\nThe actor *sent* [mails](https://x.example/a) with `a.exe`.[^1]\n\n- It stole\n  1. \
                tokens\n\n> quoted\n\n| a | b |\n|---|---|\n| c | d |\n\n```\ncode\n```\n\n[^1]: Vendor.\n";
    fuzz("a.md", text.as_bytes());
}

#[test]
fn changed_text() {
    let text = "Überall sent mails to all. It ran evil[.]com, e.g. a.exe.\n\nTitle of it\n\n- one\n- two\n";
    fuzz("a.txt", text.as_bytes());
}

#[test]
fn changed_docx() {
    fuzz(
        "a.docx",
        &samples::docx(&samples::paragraph("The actor sent mails &amp; more to all.").repeat(3)),
    );
    let body = "<w:p><w:pPr><w:pStyle w:val='berschrift1'/></w:pPr><w:r><w:rPr><w:rStyle \
                w:val='a'/><w:vanish/></w:rPr><w:t>The actor sent mails.</w:t></w:r></w:p>";
    fuzz("a.docx", &samples::docx(&body.repeat(2)));
}

#[test]
fn changed_pdf() {
    let page = samples::content(&[
        (72.0, 720.0, 18.0, "Findings"),
        (72.0, 690.0, 10.0, "The actor sent many mails to"),
        (72.0, 678.0, 10.0, "all of the firms."),
    ]);
    let sample = samples::pages(&[page.clone(), page]);
    fuzz("a.pdf", &sample);
}

#[test]
fn changed_encrypted_pdf() {
    let files = super::encrypted::files();
    for name in ["rc4-128", "aes-128-objects-in-streams", "aes-256-r5"] {
        fuzz("a.pdf", &files[name]);
    }
}

#[test]
fn changed_content_of_a_pdf() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let content = b"q 1 0 0 1 0 0 cm BT /F1 10 Tf 72 700 Td [(The) -300 (actor)] TJ 12 TL (ran) ' 1 2 (it) \" T* \
        [<41>] TJ ET Q /Artifact BMC EMC BI /W 1 ID x EI /X Do";
    let limits = Limits { text: 4 << 20, seconds: 10, ..Limits::default() };
    for round in 0..ROUNDS {
        let start = std::time::Instant::now();
        let _ = Document::read("a.pdf", &samples::pages(&[changed(content, &mut rng)]), &limits);
        assert!(start.elapsed().as_secs() < 10, "round {round}");
    }
}
