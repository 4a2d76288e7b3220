//! Encrypted PDF files, each made by another implementation: environment/golden/encrypted_pdfs.py.

use super::{blocks, read, refused};
use crate::Kind;
use std::collections::BTreeMap;

const SENTENCE: &str = "The actor ran a tool on the host.";

pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    let files = include_str!("../../../../tests/golden/encrypted_pdfs.json");
    let files: BTreeMap<String, String> = serde_json::from_str(files).unwrap();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes = |text: String| text.as_bytes().chunks(2).map(byte).collect();
    files.into_iter().map(|(name, text)| (name, bytes(text))).collect()
}

fn changed(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = memchr::memmem::find(file, from.as_bytes()).unwrap();
    [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
}

#[test]
fn what_opens_without_a_password_is_read() {
    let mut read_ones = 0;
    for (name, file) in files() {
        if name.ends_with("-password") {
            assert_eq!(refused("a.pdf", file), "encrypted: save it without a password", "{name}");
            continue;
        }
        let document = read("a.pdf", file);
        assert_eq!(blocks(&document), [(Kind::Prose, SENTENCE)], "{name}");
        assert_eq!(document.notes, [] as [&str; 0], "{name}");
        read_ones += 1;
    }
    assert_eq!(read_ones, 11);
}

#[test]
fn another_handler_key_or_dictionary_is_refused() {
    let files = files();
    let (old, new) = (&files["rc4-128"], &files["aes-256-r6"]);
    for file in [
        changed(old, "/Filter /Standard", "/Filter /Adobe.PS"),
        changed(old, "/V 2", "/V 3"),
        changed(old, "/R 3", "/R 9"),
        changed(old, "/P -1028", "/P -1036"),
        changed(old, "/U <", "/U ()/Q <"),
        changed(old, "/O <", "/O <00"),
        changed(old, "/Length 128", "/Length 64"),
        changed(new, "/UE <", "/UF <"),
        changed(new, "/U <", "/U <00"),
        changed(new, "/CFM /AESV3", "/CFM /AESV2"),
        changed(new, "/CFM /AESV3", "/CFM /None"),
        changed(new, "/StmF /StdCF", "/StmF /Other"),
        changed(new, "/CF <<", "/CG <<"),
    ] {
        assert_eq!(refused("a.pdf", &file), "encrypted: save it without a password");
    }
    // What a file with a broken table of ids has left is enough where ids are not needed.
    assert_eq!(blocks(&read("a.pdf", changed(new, "/ID [", "/IE [")))[0].1, SENTENCE);
    refused("a.pdf", changed(old, "/ID [", "/IE ["));
}

#[test]
fn the_length_may_be_elsewhere_and_the_data_end_in_a_line() {
    let files = files();
    for (name, length) in [("rc4-40", 64), ("aes-128", 96), ("aes-256-r6", 96)] {
        let file = &files[name];
        let file = changed(file, &format!("/Length {length} >>"), "/Length 99 0 R >>");
        let at = memchr::memmem::rfind(&file, b"endstream").unwrap();
        let object = format!("\n99 0 obj {length} endobj\n");
        for end in ["\r\n", "\n\n\n"] {
            let file = [&file[..at], end.as_bytes(), &file[at..]].concat();
            assert_eq!(blocks(&read("a.pdf", &file))[0].1, SENTENCE, "{name}");
            let end = memchr::memmem::rfind(&file, b"xref").unwrap();
            let file = [&file[..end], object.as_bytes(), &file[end..]].concat();
            assert_eq!(blocks(&read("a.pdf", &file))[0].1, SENTENCE, "{name}");
        }
    }
}
